//! The place of a request in a trace, as `traceparent` carries it (W3C Trace Context).

use std::fmt;

/// So many hexadecimal digits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Hex<const BYTES: usize>([u8; BYTES]);

impl<const BYTES: usize> Hex<BYTES> {
    /// Lower-case digits, not all of them 0.
    fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        let lower = |byte: &u8| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
        if digits.len() != 2 * BYTES || !digits.iter().all(lower) {
            return None;
        }
        let mut bytes = [0; BYTES];
        for (byte, place) in bytes.iter_mut().zip((0..).step_by(2)) {
            *byte = u8::from_str_radix(&text[place..place + 2], 16).ok()?;
        }
        (bytes != [0; BYTES]).then_some(Self(bytes))
    }

    /// Digits that nobody else has. They are no secret: should the system have no randomness, all are the same.
    fn fresh() -> Self {
        let mut bytes = [1; BYTES];
        let _ = getrandom::fill(&mut bytes);
        Self(bytes)
    }
}

impl<const BYTES: usize> fmt::Display for Hex<BYTES> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// A trace, and a span in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TraceContext {
    trace: Hex<16>,
    span: Hex<8>,
    /// The caller's span.
    parent: Option<Hex<8>>,
    sampled: bool,
}

impl TraceContext {
    /// What a header says; `None` if it is none. Versions to come may add to it.
    pub(super) fn parse(header: &str) -> Option<Self> {
        let mut parts = header.trim().split('-');
        let mut next = |digits: usize| {
            let part = parts.next()?;
            (part.len() == digits).then_some(part)
        };
        let (version, trace, span, flags) = (next(2)?, next(32)?, next(16)?, next(2)?);
        let version = u8::from_str_radix(version, 16).ok()?;
        if version == u8::MAX || (version == 0 && parts.next().is_some()) {
            return None;
        }
        Some(Self {
            trace: Hex::parse(trace)?,
            span: Hex::parse(span)?,
            parent: None,
            sampled: u8::from_str_radix(flags, 16).ok()? & 1 == 1,
        })
    }

    /// A trace that begins here.
    pub(super) fn begin() -> Self {
        Self {
            trace: Hex::fresh(),
            span: Hex::fresh(),
            parent: None,
            sampled: true,
        }
    }

    /// A span of its own in the same trace.
    pub(super) fn child(self) -> Self {
        Self {
            span: Hex::fresh(),
            parent: Some(self.span),
            ..self
        }
    }

    /// Whether the caller records the trace.
    pub(super) const fn is_sampled(&self) -> bool {
        self.sampled
    }

    pub(super) const fn trace(&self) -> Hex<16> {
        self.trace
    }

    pub(super) const fn span(&self) -> Hex<8> {
        self.span
    }

    pub(super) const fn parent(&self) -> Option<Hex<8>> {
        self.parent
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";
    const SPAN: &str = "00f067aa0ba902b7";

    #[test]
    fn a_trace_is_carried_on() {
        let given = TraceContext::parse(&format!("00-{TRACE}-{SPAN}-01")).unwrap();
        assert!(given.is_sampled());
        let child = given.child();
        assert_eq!(child.trace().to_string(), TRACE);
        assert_eq!(child.parent().unwrap().to_string(), SPAN);
        assert_ne!(child.span(), given.span());
        let other = TraceContext::begin();
        assert_ne!(other.trace(), TraceContext::begin().trace());
        assert_eq!(other.trace().to_string().len(), 32);
    }

    #[test]
    fn whatever_is_no_trace_is_left_alone() {
        let zeros = "0".repeat(32);
        for (header, sampled) in [
            (format!("00-{TRACE}-{SPAN}-00"), Some(false)),
            (format!("00-{TRACE}-{SPAN}-03"), Some(true)),
            (format!("cc-{TRACE}-{SPAN}-01-what-is-new"), Some(true)),
            (format!("00-{TRACE}-{SPAN}-01-"), None),
            (format!("ff-{TRACE}-{SPAN}-01"), None),
            (format!("00-{zeros}-{SPAN}-01"), None),
            (format!("00-{TRACE}-{}-01", &zeros[..16]), None),
            (format!("00-{}-{SPAN}-01", TRACE.to_uppercase()), None),
            (format!("00-{TRACE}-{SPAN}"), None),
            (format!("00-{TRACE}-{SPAN}-1"), None),
            (format!("00-é{}-{SPAN}-01", &TRACE[2..]), None),
            (String::new(), None),
            ("----".to_owned(), None),
        ] {
            let parsed = TraceContext::parse(&header);
            assert_eq!(parsed.map(|it| it.is_sampled()), sampled, "{header:?}");
        }
    }
}
