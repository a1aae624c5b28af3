//! Reads NDJSON: one object per line. Blank lines are no lines.

use std::io::{self, BufRead, BufReader, Read};

use super::chunk::{LINE_BYTES_MAX, RawLine, ReadLines, malformed};

/// How much of a line that is too long goes into the report, in bytes.
const EXCERPT_BYTES: usize = 256;
/// Some programs mark UTF-8 with it.
const BYTE_ORDER_MARK: &[u8] = "\u{feff}".as_bytes();

/// Lines of NDJSON.
pub(super) struct NdjsonLines<R> {
    read: BufReader<R>,
    line: u64,
    bytes: u64,
}

impl<R: Read + Send> NdjsonLines<R> {
    pub(super) fn new(read: R) -> Self {
        Self {
            read: BufReader::with_capacity(256 << 10, read),
            line: 0,
            bytes: 0,
        }
    }

    /// Reads up to and with the next line feed, or as much as fits; `false` at the end of the file.
    fn read_raw(&mut self, text: &mut Vec<u8>) -> io::Result<Option<bool>> {
        let most = LINE_BYTES_MAX as u64 + 1;
        let mut read = Read::by_ref(&mut self.read)
            .take(most)
            .read_until(b'\n', text)? as u64;
        if read == 0 {
            return Ok(None);
        }
        let mut fits = true;
        if text.ends_with(b"\n") {
            text.pop();
        } else if read == most {
            read += self.read.skip_until(b'\n')? as u64;
            fits = false;
        }
        self.line += 1;
        self.bytes += read;
        Ok(Some(fits))
    }
}

impl<R: Read + Send> ReadLines for NdjsonLines<R> {
    fn read_line(&mut self, text: &mut Vec<u8>) -> io::Result<Option<RawLine>> {
        let from = text.len();
        while let Some(fits) = self.read_raw(text)? {
            if self.line == 1 && text[from..].starts_with(BYTE_ORDER_MARK) {
                text.drain(from..from + BYTE_ORDER_MARK.len());
            }
            text.truncate(from + text[from..].trim_ascii_end().len());
            if fits && text[from..].trim_ascii().is_empty() {
                text.truncate(from);
                continue;
            }
            let mut valid = Ok(());
            if !fits {
                text.truncate(from + EXCERPT_BYTES);
                valid = Err(malformed(format!("is longer than {LINE_BYTES_MAX} bytes")));
            }
            return Ok(Some(RawLine {
                number: self.line,
                valid,
            }));
        }
        Ok(None)
    }

    fn bytes_read(&self) -> u64 {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(text: &[u8]) -> Vec<(u64, String)> {
        let mut reader = NdjsonLines::new(text);
        let mut lines = Vec::new();
        let mut line = Vec::new();
        while let Some(raw) = reader.read_line(&mut line).unwrap() {
            let text = String::from_utf8(std::mem::take(&mut line)).unwrap();
            let valid = if raw.valid.is_ok() { "" } else { "too long: " };
            lines.push((raw.number, format!("{valid}{text}")));
        }
        assert_eq!(reader.bytes_read(), text.len() as u64);
        lines
    }

    fn line(number: u64, text: &str) -> (u64, String) {
        (number, text.to_owned())
    }

    #[test]
    fn lines_keep_their_numbers_across_blank_ones() {
        assert_eq!(
            lines(b"{\"a\":1}\n\n  \t\r\n {\"b\":2} \r\n{\"c\":3}"),
            [
                line(1, "{\"a\":1}"),
                line(4, " {\"b\":2}"),
                line(5, "{\"c\":3}")
            ]
        );
        assert_eq!(lines(b""), []);
        assert_eq!(lines(b"\n\n"), []);
    }

    #[test]
    fn a_byte_order_mark_is_no_part_of_the_first_line() {
        assert_eq!(
            lines("\u{feff}{}\n{}".as_bytes()),
            [line(1, "{}"), line(2, "{}")]
        );
    }

    #[test]
    fn a_line_that_is_too_long_is_told_by_its_beginning() {
        let fits = "x".repeat(LINE_BYTES_MAX);
        let text = format!("{fits}\n{fits}y\n{fits}{fits}{fits}\nz");
        let beginning = format!("too long: {}", "x".repeat(EXCERPT_BYTES));
        assert_eq!(
            lines(text.as_bytes()),
            [
                line(1, &fits),
                line(2, &beginning),
                line(3, &beginning),
                line(4, "z")
            ]
        );
    }
}
