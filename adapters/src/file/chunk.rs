//! A run of lines on their way through an import: read and decoded on one thread, judged by the engine, tallied.

use std::{io, ops::Range};

use jifen_engine::ledger::{CommandKind, PointType, Request};

use super::name::ImportName;
use crate::wire::{Context, FieldError, Invalid, InvalidCode, decode_command};

/// The longest line, in bytes. No command needs as much, and whatever is read must fit into memory.
pub(super) const LINE_BYTES_MAX: usize = 64 << 10;

/// A chunk takes no more lines when it has so many bytes of text, so that a few of them always fit into memory.
const CHUNK_BYTES_MAX: usize = 1 << 20;

/// A line as it was read.
pub(super) struct RawLine {
    /// Its number in the file, counted from 1. In CSV, the line on which the row begins.
    pub(super) number: u64,
    /// Why its text cannot be a command, if that shows already.
    pub(super) valid: Result<(), Invalid>,
}

/// Says why a line cannot even be decoded.
pub(super) fn malformed(detail: String) -> Invalid {
    Invalid {
        code: InvalidCode::Malformed,
        errors: vec![FieldError {
            pointer: String::new(),
            detail,
        }],
    }
}

/// Reads a file line by line.
pub(super) trait ReadLines: Send {
    /// Appends the text of the next line to `text`; `None` at the end of the file.
    fn read_line(&mut self, text: &mut Vec<u8>) -> io::Result<Option<RawLine>>;

    /// How many bytes of the file have been read.
    fn bytes_read(&self) -> u64;
}

/// A line, and where its text is in the chunk.
pub(super) struct Line {
    /// Its number in the file.
    pub(super) number: u64,
    text: Range<usize>,
    /// Why it is no command, if it is none.
    pub(super) invalid: Option<Box<Invalid>>,
}

/// Some lines of a file, in order.
#[derive(Default)]
pub(super) struct Chunk {
    text: Vec<u8>,
    lines: Vec<Line>,
    /// What the lines that are commands ask for, in order; taken when the chunk is sent to the engine.
    pub(super) requests: Vec<Request>,
    /// How many bytes of the file have been read when this chunk is done.
    pub(super) bytes_read: u64,
}

impl Chunk {
    /// Reads the next line and decodes it; `false` at the end of the file. The text is kept for the report.
    pub(super) fn read(
        &mut self,
        lines: &mut dyn ReadLines,
        decoder: &mut Decoder,
    ) -> io::Result<bool> {
        let from = self.text.len();
        let Some(RawLine { number, valid }) = lines.read_line(&mut self.text)? else {
            return Ok(false);
        };
        self.bytes_read = lines.bytes_read();
        let text = from..self.text.len();
        let decoded = valid.and_then(|()| decoder.decode(number, &self.text[text.clone()]));
        let invalid = match decoded {
            Ok(request) => {
                self.requests.push(request);
                None
            }
            Err(invalid) => Some(Box::new(invalid)),
        };
        self.lines.push(Line {
            number,
            text,
            invalid,
        });
        Ok(true)
    }

    /// The lines in the order of the file.
    pub(super) fn lines(&self) -> &[Line] {
        &self.lines
    }

    /// A line's text: a JSON object, unless the line is none.
    pub(super) fn text(&self, line: &Line) -> &[u8] {
        &self.text[line.text.clone()]
    }

    /// Whether the next line should go into another chunk.
    pub(super) const fn is_full(&self, lines_max: usize) -> bool {
        self.lines.len() >= lines_max || self.text.len() >= CHUNK_BYTES_MAX
    }
}

/// What is known of an import's lines beside their text.
#[derive(Clone, Debug)]
pub struct Defaults {
    /// What the import is called; lines without an id are called after it.
    pub name: ImportName,
    /// The command of lines that do not say theirs.
    pub kind: Option<CommandKind>,
    /// The kind of points of lines that do not say theirs.
    pub point_type: PointType,
}

/// Makes requests of an import's lines.
#[derive(Clone)]
pub(super) struct Decoder {
    defaults: Defaults,
    id: String,
}

impl Decoder {
    pub(super) const fn new(defaults: Defaults) -> Self {
        Self {
            defaults,
            id: String::new(),
        }
    }

    /// What line `number` asks for.
    pub(super) fn decode(&mut self, number: u64, json: &[u8]) -> Result<Request, Invalid> {
        let Defaults {
            name,
            kind,
            point_type,
        } = &self.defaults;
        name.line_id(number, &mut self.id);
        let context = Context {
            principal: name.principal(),
            point_type,
            default_id: Some(&self.id),
            default_kind: *kind,
        };
        decode_command(json, &context)
    }
}
