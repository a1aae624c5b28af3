//! Writes JSON straight into a buffer.

use serde::Serialize;

/// A JSON text under way. Commas and braces are the caller's.
pub(crate) struct Json<'a>(&'a mut Vec<u8>);

impl<'a> Json<'a> {
    pub(crate) const fn new(out: &'a mut Vec<u8>) -> Self {
        Self(out)
    }

    /// Text that is JSON already.
    pub(crate) fn raw(&mut self, bytes: &[u8]) -> &mut Self {
        self.0.extend_from_slice(bytes);
        self
    }

    /// What stands before the item at `place` of a list.
    pub(crate) fn comma(&mut self, place: usize) -> &mut Self {
        if place > 0 {
            self.raw(b",");
        }
        self
    }

    /// A name inside quotes that the caller writes: identifiers and codes hold nothing that needs escaping.
    pub(crate) fn name(&mut self, name: &str) -> &mut Self {
        debug_assert!(
            name.bytes()
                .all(|byte| byte >= b' ' && byte != b'"' && byte != b'\\'),
            "{name:?} is no identifier"
        );
        self.raw(name.as_bytes())
    }

    /// Any text, with quotes and escapes.
    pub(crate) fn text(&mut self, text: &str) -> &mut Self {
        self.serialized(text)
    }

    pub(crate) fn number(&mut self, number: u64) -> &mut Self {
        self.raw(itoa::Buffer::new().format(number).as_bytes())
    }

    /// A number that may be below 0.
    pub(crate) fn signed(&mut self, number: i64) -> &mut Self {
        self.raw(itoa::Buffer::new().format(number).as_bytes())
    }

    pub(crate) fn bool(&mut self, value: bool) -> &mut Self {
        self.raw(if value { b"true" } else { b"false" })
    }

    /// A number, or `null`.
    pub(crate) fn maybe_number(&mut self, number: Option<u64>) -> &mut Self {
        match number {
            Some(number) => self.number(number),
            None => self.raw(b"null"),
        }
    }

    /// Whatever serde can write.
    pub(crate) fn serialized<T: Serialize + ?Sized>(&mut self, value: &T) -> &mut Self {
        // Neither writing into memory nor the strings and lists that are written here can fail.
        let written = serde_json::to_writer(&mut *self.0, value);
        debug_assert!(written.is_ok(), "{written:?}");
        self
    }
}
