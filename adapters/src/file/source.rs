//! Where lines come from: a file or standard input, read and decoded on a thread of its own.

use std::{
    fs::File,
    io::{self, Read},
    path::Path,
    thread,
};

use tokio::sync::mpsc;

use super::{
    args::Format,
    chunk::{Chunk, Decoder, Defaults, ReadLines},
    csv_rows::CsvRows,
    error::ImportError,
    ndjson::NdjsonLines,
};

/// How many chunks may lie between the reader and the engine. They keep both busy; more would only take memory.
const CHUNKS_WAITING: usize = 2;

/// Lines that can be imported.
pub struct Source {
    lines: Box<dyn ReadLines>,
    decoder: Decoder,
    format: Format,
    bytes: Option<u64>,
}

/// What the reader says.
pub(super) enum Reading {
    Chunk(Chunk),
    End,
    Failed(io::Error),
}

impl Source {
    /// Opens a file; `-` is standard input. For CSV, reads the header.
    pub fn open(
        path: &Path,
        format: Option<Format>,
        defaults: Defaults,
    ) -> Result<Self, ImportError> {
        let failed = |error| ImportError::Read(path.to_owned(), error);
        let csv = path
            .extension()
            .is_some_and(|ending| ending.eq_ignore_ascii_case("csv"));
        let format = format.unwrap_or(if csv { Format::Csv } else { Format::Ndjson });
        let (read, bytes): (Box<dyn Read + Send>, _) = if path == Path::new("-") {
            (Box::new(io::stdin()), None)
        } else {
            let file = File::open(path).map_err(failed)?;
            let metadata = file.metadata().map_err(failed)?;
            if metadata.is_dir() {
                return Err(failed(io::ErrorKind::IsADirectory.into()));
            }
            // A pipe has no length.
            (Box::new(file), metadata.is_file().then_some(metadata.len()))
        };
        let mut source = Self::new(read, format, defaults)
            .map_err(failed)?
            .map_err(|what| ImportError::Header(path.to_owned(), what))?;
        source.bytes = bytes;
        Ok(source)
    }

    /// Lines of whatever can be read; the inner error says what is wrong with a CSV header.
    pub fn new(
        read: impl Read + Send + 'static,
        format: Format,
        defaults: Defaults,
    ) -> io::Result<Result<Self, String>> {
        let lines: Box<dyn ReadLines> = match format {
            Format::Ndjson => Box::new(NdjsonLines::new(read)),
            Format::Csv => match CsvRows::open(read, defaults.kind.is_some())? {
                Ok(rows) => Box::new(rows),
                Err(what) => return Ok(Err(what)),
            },
        };
        Ok(Ok(Self {
            lines,
            decoder: Decoder::new(defaults),
            format,
            bytes: None,
        }))
    }

    /// How the lines are written.
    #[must_use]
    pub const fn format(&self) -> Format {
        self.format
    }

    /// How many bytes there are to read, if that is known.
    #[must_use]
    pub const fn bytes(&self) -> Option<u64> {
        self.bytes
    }

    /// Reads and decodes everything on this thread and has nothing done; tells how many lines are commands, and how many
    /// are not.
    pub fn count(mut self) -> io::Result<(usize, usize)> {
        let (mut commands, mut others) = (0, 0);
        loop {
            let mut line = Chunk::default();
            let more = line.read(&mut *self.lines, &mut self.decoder)?;
            commands += line.requests.len();
            others += line.lines().len() - line.requests.len();
            if !more {
                return Ok((commands, others));
            }
        }
    }

    /// Reads on a thread of its own until the end, or until nobody listens.
    pub(super) fn read(self, lines_max: usize) -> io::Result<mpsc::Receiver<Reading>> {
        let (to, chunks) = mpsc::channel(CHUNKS_WAITING);
        thread::Builder::new()
            .name("jifen-import".to_owned())
            .spawn(move || read_all(self, lines_max, &to))?;
        Ok(chunks)
    }
}

fn read_all(mut source: Source, lines_max: usize, to: &mpsc::Sender<Reading>) {
    loop {
        let mut chunk = Chunk::default();
        let mut end = None;
        while end.is_none() && !chunk.is_full(lines_max) {
            match chunk.read(&mut *source.lines, &mut source.decoder) {
                Ok(true) => {}
                Ok(false) => end = Some(Reading::End),
                Err(error) => end = Some(Reading::Failed(error)),
            }
        }
        // What came before an error is imported all the same.
        for said in [Some(Reading::Chunk(chunk)), end.take()]
            .into_iter()
            .flatten()
        {
            let last = !matches!(said, Reading::Chunk(_));
            if to.blocking_send(said).is_err() || last {
                return;
            }
        }
    }
}
