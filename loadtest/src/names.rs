//! The identifiers that the load uses: members, merchants, runs and requests.

use std::fmt;
use std::str::FromStr;

use bytes::{BufMut, BytesMut};
use compact_str::CompactString;

/// How many merchants the load is spread over: `load-m-0` …
pub(crate) const MERCHANTS: u64 = 16;

/// A member of the load, by number; `load-u-7` on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Member(pub(crate) u64);

/// A merchant of the load, by number; `load-m-7` on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Merchant(pub(crate) u64);

impl Member {
    pub(crate) fn name(self) -> String {
        format!("load-u-{}", self.0)
    }
}

impl Merchant {
    pub(crate) fn name(self) -> String {
        format!("load-m-{}", self.0)
    }

    pub(crate) fn path(self) -> String {
        format!("/v1/merchants/{}", self.name())
    }
}

/// A SKU of the load, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct SkuNumber(pub(crate) u64);

/// Names the SKUs of one run: `load-s-RUN-7` on the wire.
#[derive(Clone, Debug)]
pub(crate) struct SkuNames(String);

impl SkuNames {
    pub(crate) fn new(run: &RunId) -> Self {
        Self(format!("load-s-{run}-"))
    }

    pub(crate) fn name(&self, SkuNumber(number): SkuNumber) -> String {
        format!("{}{number}", self.0)
    }

    pub(crate) fn put(&self, out: &mut BytesMut, SkuNumber(number): SkuNumber) {
        out.put_slice(self.0.as_bytes());
        put_number(out, number);
    }
}

/// Appends the digits of `number`; several times faster than `write!`, and a batch has thousands of them.
pub(crate) fn put_number(out: &mut BytesMut, number: u64) {
    out.put_slice(itoa::Buffer::new().format(number).as_bytes());
}

/// Tells the requests of one run from those of every other: the same seed may run twice against one server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RunId(CompactString);

impl RunId {
    /// The longest, so that a whole request id stays within the 64 characters of the contract.
    pub const LENGTH_MAX: usize = 20;

    /// Made of the wall clock, in milliseconds.
    #[must_use]
    pub fn from_clock(now: jiff::Timestamp) -> Self {
        Self(CompactString::from(now.as_millisecond().to_string()))
    }
}

impl fmt::Display for RunId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A run id that the server would not take as part of a request id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a run id has 1 to {max} characters of A-Z a-z 0-9 . _ : @ -", max = RunId::LENGTH_MAX)]
pub struct RunIdError;

impl FromStr for RunId {
    type Err = RunIdError;

    fn from_str(text: &str) -> Result<Self, RunIdError> {
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:@-".contains(&byte);
        if text.is_empty() || text.len() > Self::LENGTH_MAX || !text.bytes().all(allowed) {
            return Err(RunIdError);
        }
        Ok(Self(CompactString::from(text)))
    }
}

/// Makes the request ids of one connection: seed, run, connection, and a number that counts up.
#[derive(Debug)]
pub(crate) struct RequestIds {
    prefix: Vec<u8>,
    next: u64,
}

impl RequestIds {
    pub(crate) fn new(seed: u64, run: &RunId, connection: u32) -> Self {
        Self {
            prefix: format!("{seed}-{run}-{connection}-").into_bytes(),
            next: 0,
        }
    }

    pub(crate) fn put_next(&mut self, out: &mut BytesMut) {
        self.put(out, self.next);
        self.next += 1;
    }

    /// The number of the next request id.
    pub(crate) const fn next(&self) -> u64 {
        self.next
    }

    /// One that has been made before, to be sent again.
    pub(crate) fn put(&self, out: &mut BytesMut, number: u64) {
        out.put_slice(&self.prefix);
        put_number(out, number);
    }
}

/// The request ids of all connections of a run, for whoever reads them.
#[derive(Clone, Debug)]
pub(crate) struct RunRequestIds(String);

impl RunRequestIds {
    pub(crate) fn new(seed: u64, run: &RunId) -> Self {
        Self(format!("{seed}-{run}-"))
    }

    pub(crate) fn name(&self, connection: u32, number: u64) -> String {
        format!("{}{connection}-{number}", self.0)
    }

    /// Whether `id` is the one with this number. Asked of every answer, so nothing is written for it.
    pub(crate) fn is(&self, connection: u32, number: u64, id: &str) -> bool {
        let digits = |rest: &str, number: u64| -> Option<usize> {
            let mut buffer = itoa::Buffer::new();
            let digits = buffer.format(number);
            rest.starts_with(digits).then_some(digits.len())
        };
        let ours = || {
            let rest = id.strip_prefix(&self.0)?;
            let rest = rest.get(digits(rest, connection.into())?..)?;
            let rest = rest.strip_prefix('-')?;
            Some(digits(rest, number)? == rest.len())
        };
        ours() == Some(true)
    }
}

/// A hold as the server named it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct HoldId(CompactString);

impl HoldId {
    /// `None` if the name would have to be escaped in a path or in JSON; the contract has no such identifiers.
    pub(crate) fn new(text: &str) -> Option<Self> {
        let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._:@-~".contains(&byte);
        let fits = !text.is_empty() && text.len() <= 64 && text.bytes().all(plain);
        fits.then(|| Self(CompactString::from(text)))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_that_is_read_is_the_one_that_was_written_or_it_is_not() {
        let run = "r-1".parse().expect("a run id");
        let ids = RunRequestIds::new(42, &run);
        let mut written = BytesMut::new();
        RequestIds::new(42, &run, 3).put(&mut written, 17);
        assert_eq!(&written[..], ids.name(3, 17).as_bytes());
        for (id, is_it) in [
            ("42-r-1-3-17", true),
            ("42-r-1-3-1", false),
            ("42-r-1-3-170", false),
            ("42-r-1-31-17", false),
            ("42-r-1-3", false),
            ("42-r-2-3-17", false),
            ("", false),
        ] {
            assert_eq!(ids.is(3, 17, id), is_it, "{id}");
        }
    }

    #[test]
    fn request_ids_count_up_and_fit() {
        let run = RunId::from_str("00000000000000000000").expect("a run id");
        let mut ids = RequestIds::new(u64::MAX, &run, 99_999);
        let mut out = BytesMut::new();
        ids.put_next(&mut out);
        assert_eq!(
            &out[..],
            b"18446744073709551615-00000000000000000000-99999-0"
        );
        out.clear();
        ids.next = 10_u64.pow(12);
        ids.put_next(&mut out);
        assert!(out.len() <= 64, "{} characters", out.len());
        assert!(out.ends_with(b"-1000000000000"));
    }

    #[test]
    fn run_ids() {
        assert_eq!(
            RunId::from_clock(jiff::Timestamp::UNIX_EPOCH).to_string(),
            "0"
        );
        for bad in ["", "a b", "a/b", "012345678901234567890", "läuft"] {
            assert!(bad.parse::<RunId>().is_err(), "{bad}");
        }
    }

    #[test]
    fn hold_ids_need_no_escaping() {
        assert!(HoldId::new("h_3:10412").is_some());
        for bad in ["", "a/b", "a\"b", "a%2F", "a?b", &"x".repeat(65)] {
            assert!(HoldId::new(bad).is_none(), "{bad}");
        }
    }
}
