//! From pieces of a body to lines.

use actix_web::web::{Buf, BytesMut};
use jifen_engine::ledger::Request;

use crate::wire::{Context, Invalid, decode_command};

/// How long a line may be, in bytes.
pub const LINE_BYTES_MAX: usize = 64 << 10;

/// A line that is not empty.
// Nearly all lines are commands; boxing them would cost an allocation each to make the few bad ones smaller.
#[expect(clippy::large_enum_variant)]
pub(super) enum Line {
    Command(Request),
    /// Its number, counted from 1, and what is wrong with it.
    Bad(u64, Invalid),
}

/// What has arrived and is not taken yet.
#[derive(Default)]
pub(super) struct Lines {
    buffer: BytesMut,
    /// The last line that was begun, empty ones included.
    number: u64,
    /// Whether the buffer begins inside a line that was refused for its length.
    skipping: bool,
}

impl Lines {
    /// How many bytes wait.
    pub(super) fn buffered(&self) -> usize {
        self.buffer.len()
    }

    pub(super) fn push(&mut self, piece: &[u8]) {
        self.buffer.extend_from_slice(piece);
    }

    /// Forgets what waits; tells the number of the line that was to come next.
    pub(super) fn abandon(&mut self) -> u64 {
        self.buffer.clear();
        self.number + 1
    }

    /// Decodes up to `most` lines that have arrived whole. At the end, what is left is a line too.
    pub(super) fn take(&mut self, most: usize, ended: bool, context: &Context<'_>) -> Vec<Line> {
        let mut taken = Vec::new();
        while taken.len() < most && !self.buffer.is_empty() {
            let end = memchr::memchr(b'\n', &self.buffer);
            let Some(length) = end.or_else(|| ended.then_some(self.buffer.len())) else {
                taken.extend(self.refuse_endless());
                break;
            };
            if !std::mem::take(&mut self.skipping) {
                self.number += 1;
                taken.extend(read(&self.buffer[..length], self.number, context));
            }
            self.buffer.advance((length + 1).min(self.buffer.len()));
        }
        taken
    }

    /// Refuses a line as soon as it is too long, and lets go of it.
    fn refuse_endless(&mut self) -> Option<Line> {
        if self.buffer.len() <= LINE_BYTES_MAX {
            return None;
        }
        self.buffer.clear();
        if std::mem::replace(&mut self.skipping, true) {
            return None;
        }
        self.number += 1;
        Some(too_long(self.number))
    }
}

fn read(line: &[u8], number: u64, context: &Context<'_>) -> Option<Line> {
    if line.trim_ascii().is_empty() {
        return None;
    }
    if line.len() > LINE_BYTES_MAX {
        return Some(too_long(number));
    }
    Some(match decode_command(line, context) {
        Ok(request) => Line::Command(request),
        Err(invalid) => Line::Bad(number, invalid),
    })
}

fn too_long(number: u64) -> Line {
    let detail = format!("is longer than {LINE_BYTES_MAX} bytes");
    Line::Bad(number, Invalid::malformed(detail))
}

#[cfg(test)]
mod tests {
    use jifen_engine::ledger::{PointType, Principal};

    use super::*;

    /// Feeds a body in pieces; tells of each line its number if bad, or its id.
    fn lines(body: &str, piece: usize) -> Vec<String> {
        let (principal, point_type) = (Principal::new("p"), PointType::new("points"));
        let context = Context {
            principal: &principal.unwrap(),
            point_type: &point_type.unwrap(),
            default_id: None,
            default_kind: None,
        };
        let mut lines = Lines::default();
        let mut told = Vec::new();
        let mut tell = |taken: Vec<Line>| {
            told.extend(taken.into_iter().map(|line| match line {
                Line::Command(request) => request.id().to_string(),
                Line::Bad(number, _) => format!("bad {number}"),
            }));
        };
        for piece in body.as_bytes().chunks(piece) {
            lines.push(piece);
            tell(lines.take(2, false, &context));
        }
        loop {
            let taken = lines.take(2, true, &context);
            if taken.is_empty() {
                break;
            }
            tell(taken);
        }
        assert_eq!(lines.buffered(), 0);
        told
    }

    fn release(id: &str) -> String {
        format!(r#"{{"id":"{id}","type":"release","hold":"h1-1"}}"#)
    }

    #[test]
    fn lines_are_the_same_however_they_arrive() {
        let long = "x".repeat(LINE_BYTES_MAX + 1);
        let just = format!(
            "{}{}",
            release("d"),
            " ".repeat(LINE_BYTES_MAX - release("d").len())
        );
        let body = [
            &release("a"),
            "",
            "{",
            &release("b"),
            &long,
            "\r",
            &just,
            &release("c"),
        ]
        .join("\n");
        let expected = ["a", "bad 3", "b", "bad 5", "d", "c"];
        for piece in [
            1,
            7,
            64,
            4_096,
            LINE_BYTES_MAX,
            LINE_BYTES_MAX + 1,
            body.len(),
        ] {
            assert_eq!(lines(&body, piece), expected, "in pieces of {piece}");
            assert_eq!(
                lines(&format!("{body}\n"), piece),
                expected,
                "in pieces of {piece}"
            );
        }
        assert!(lines("\n \r\n", 1).is_empty());
    }
}
