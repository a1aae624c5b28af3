//! The files that a run leaves behind.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use crate::args::RunArgs;
use crate::error::RunError;
use crate::html;
use crate::report::Report;

type Writer = fn(&Report, &mut dyn Write) -> io::Result<()>;

/// The files, open: a run of an hour should not end with a path that cannot be written.
#[derive(Debug)]
pub struct Outputs(Vec<(PathBuf, File, Writer)>);

impl Outputs {
    /// Makes what `--out`, `--hgrm`, `--hlog` and `--html` name.
    pub fn open(args: &RunArgs) -> Result<Self, RunError> {
        let json: Writer = |report, out| {
            serde_json::to_writer_pretty(&mut *out, report)?;
            writeln!(out)
        };
        let wanted = [
            (&args.out, json),
            (&args.hgrm, Report::write_hgrm),
            (&args.hlog, Report::write_hlog),
            (&args.html, |report, out| {
                out.write_all(html::page(report).as_bytes())
            }),
        ];
        let mut files = Vec::new();
        for (path, writer) in wanted {
            if let Some(path) = path {
                let file = File::create(path).map_err(|source| failed(path, source))?;
                files.push((path.clone(), file, writer));
            }
        }
        Ok(Self(files))
    }

    /// Fills them.
    pub fn write(self, report: &Report) -> Result<(), RunError> {
        for (path, file, writer) in self.0 {
            let mut out = BufWriter::new(file);
            writer(report, &mut out)
                .and_then(|()| out.flush())
                .map_err(|source| failed(&path, source))?;
        }
        Ok(())
    }
}

fn failed(path: &Path, source: io::Error) -> RunError {
    RunError::Out {
        path: path.to_owned(),
        source,
    }
}
