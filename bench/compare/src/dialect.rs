//! How a system is spoken to over a socket. The client knows nothing else of a system: it writes what a dialect wrote, reads
//! until a dialect has found the end of an answer, and lets it say what the answer means.

use bytes::BytesMut;

use crate::{trouble::Trouble, work::Request};

/// What became of one request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reply<'a> {
    /// Done; for a hold, what the system calls it.
    Accepted(Option<&'a str>),
    /// There are no units any more.
    SoldOut,
}

/// A protocol on one connection.
pub trait Dialect: Send {
    /// Writes what opens a conversation. Returns how many answers come to it.
    fn greet(&self, out: &mut BytesMut) -> usize;

    /// Writes requests that travel together. Returns how many answers come to them.
    fn put(&self, out: &mut BytesMut, requests: &[Request<'_>]) -> usize;

    /// Where the first answer ends, if all of it is there.
    fn end(&self, bytes: &[u8]) -> Option<usize>;

    /// Says what a whole answer means, one reply for each request that it answers.
    ///
    /// # Errors
    ///
    /// Anything but what was hoped for or sold out.
    fn hear(&self, answer: &[u8], each: &mut dyn FnMut(Reply<'_>)) -> Result<(), Trouble>;

    /// The part of an answer that has to be the same when the request is made again.
    fn essence(&self, answer: &[u8]) -> Vec<u8>;
}

/// The text between the quotes that follow `key`, such as `"hold":"`.
pub(crate) fn quoted_after<'a>(key: &str, text: &'a [u8]) -> Option<&'a str> {
    let start = memchr::memmem::find(text, key.as_bytes())? + key.len();
    let length = memchr::memchr(b'"', &text[start..])?;
    std::str::from_utf8(&text[start..start + length]).ok()
}

/// What the functions of PostgreSQL and the scripts of Redis answer: the same short JSON.
pub(crate) fn hear_short<'a>(system: &'static str, said: &'a [u8]) -> Result<Reply<'a>, Trouble> {
    if said.starts_with(br#"{"status":"accepted""#) {
        Ok(Reply::Accepted(quoted_after(r#""hold":""#, said)))
    } else if said == br#"{"status":"refused","code":"sold_out"}"# {
        Ok(Reply::SoldOut)
    } else {
        Err(Trouble::answer(system, said))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn short_answers() {
        let hold = br#"{"status":"accepted","hold":"17","available":3,"held":1}"#;
        assert_eq!(
            hear_short("x", hold).expect("accepted"),
            Reply::Accepted(Some("17"))
        );
        let earn = br#"{"status":"accepted","transaction":"17"}"#;
        assert_eq!(
            hear_short("x", earn).expect("accepted"),
            Reply::Accepted(None)
        );
        let sold_out = br#"{"status":"refused","code":"sold_out"}"#;
        assert_eq!(hear_short("x", sold_out).expect("decided"), Reply::SoldOut);
        assert!(hear_short("x", br#"{"status":"refused","code":"insufficient_points"}"#).is_err());
    }
}
