//! Tells of lines that were not accepted: one JSON object per line, in the order of the file.
//!
//! Each is the answer of the wire contract, with the line's `line` in front and the `command` as it was read behind: an
//! object, or text where it is no JSON. So `jq -c .command` gives a file that can be corrected and imported.

use std::{
    fs::{self, File},
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use serde_json::value::RawValue;

use crate::wire::Invalid;

/// The report of an import; the file is made with its first line.
pub(super) struct Report {
    path: PathBuf,
    file: Option<BufWriter<File>>,
    line: Vec<u8>,
}

impl Report {
    /// A report to be written at `path`. Removes the one of an earlier run, which would no longer be true.
    pub(super) fn new(path: PathBuf) -> io::Result<Self> {
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        Ok(Self {
            path,
            file: None,
            line: Vec::new(),
        })
    }

    /// Adds a refused line; `answer` is the wire's answer object.
    pub(super) fn add_refused(
        &mut self,
        number: u64,
        answer: &[u8],
        text: &[u8],
    ) -> io::Result<()> {
        self.line.clear();
        write!(self.line, "{{\"line\":{number},")?;
        self.line
            .extend_from_slice(answer.strip_prefix(b"{").unwrap_or_default());
        self.add(text)
    }

    /// Adds a line that is no command.
    pub(super) fn add_malformed(
        &mut self,
        number: u64,
        invalid: &Invalid,
        text: &[u8],
    ) -> io::Result<()> {
        self.line.clear();
        invalid.encode_line(number, &mut self.line);
        self.add(text)
    }

    /// Puts the command into the object that is there, and writes it.
    fn add(&mut self, text: &[u8]) -> io::Result<()> {
        let closing = self.line.pop();
        debug_assert_eq!(closing, Some(b'}'), "answers are objects");
        self.line.extend_from_slice(b",\"command\":");
        if serde_json::from_slice::<&RawValue>(text).is_ok() {
            self.line.extend_from_slice(text.trim_ascii());
        } else {
            serde_json::to_writer(&mut self.line, &String::from_utf8_lossy(text))?;
        }
        self.line.extend_from_slice(b"}\n");
        let file = match &mut self.file {
            Some(file) => file,
            none => none.insert(BufWriter::new(File::create(&self.path)?)),
        };
        file.write_all(&self.line)
    }

    /// Writes out what is left; tells where the report is, if there is one.
    pub(super) fn finish(mut self) -> io::Result<Option<PathBuf>> {
        match &mut self.file {
            Some(file) => {
                file.flush()?;
                Ok(Some(self.path))
            }
            None => Ok(None),
        }
    }

    /// Where it is, or would be.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_there_only_if_there_is_something_to_tell() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("day.refused.ndjson");
        fs::write(&path, "what an earlier run had to tell").unwrap();
        let report = Report::new(path.clone()).unwrap();
        assert_eq!(report.finish().unwrap(), None);
        assert!(!path.exists());

        let mut report = Report::new(path.clone()).unwrap();
        report
            .add_refused(3, br#"{"code":"x"}"#, br#" {"a": 1}"#)
            .unwrap();
        let invalid = Invalid::field("", "is no object");
        report.add_malformed(5, &invalid, b"{\"a\xff").unwrap();
        assert_eq!(report.finish().unwrap(), Some(path.clone()));
        assert_eq!(
            fs::read_to_string(path).unwrap(),
            concat!(
                r#"{"line":3,"code":"x","command":{"a": 1}}"#,
                "\n",
                r#"{"line":5,"id":null,"status":"refused","code":"invalid_field","retryable":false,"#,
                r#""errors":[{"pointer":"","detail":"is no object"}],"command":"{\"a"#,
                "\u{fffd}\"}\n",
            )
        );
    }
}
