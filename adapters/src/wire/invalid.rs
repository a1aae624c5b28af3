//! What is wrong with a text that is no command.

use serde::Serialize;

use super::{
    json::Json,
    wording::{self, Wording},
};

/// How many findings are told one by one; the rest is only counted, so that an answer stays smaller than the question.
const ERRORS_MAX: usize = 1_000;

/// Which kind of wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidCode {
    /// Not JSON, not UTF-8, a duplicate key, or nested too deeply.
    Malformed,
    /// JSON, but a field is unknown, missing or out of range.
    InvalidField,
}

impl InvalidCode {
    /// The code with everything the contract says of it.
    #[must_use]
    pub const fn wording(self) -> &'static Wording {
        match self {
            Self::Malformed => &wording::MALFORMED,
            Self::InvalidField => &wording::INVALID_FIELD,
        }
    }
}

/// One thing that is wrong.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct FieldError {
    /// Where, as a JSON pointer such as `/17/points`.
    pub pointer: String,
    /// What, and what is expected instead.
    pub detail: String,
}

/// Everything that is wrong with a command or an array of commands. Nothing of it was done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Invalid {
    /// Which kind of wrong; `malformed` goes before `invalid_field`.
    pub code: InvalidCode,
    /// What is wrong where, in the order of the text.
    pub errors: Vec<FieldError>,
}

impl Invalid {
    /// A text that cannot be read at all.
    pub fn malformed(detail: impl ToString) -> Self {
        let mut findings = Findings::default();
        findings.malformed(String::new(), detail);
        findings.into_invalid()
    }

    /// A single field that is wrong. `pointer` is a JSON pointer, `detail` says what is expected.
    pub fn field(pointer: impl Into<String>, detail: impl ToString) -> Self {
        let mut findings = Findings::default();
        findings.invalid(pointer.into(), detail);
        findings.into_invalid()
    }

    /// Appends the refusal of line `line` (counted from 1) of a streamed batch, without a line end.
    pub fn encode_line(&self, line: u64, out: &mut Vec<u8>) {
        let wording = self.code.wording();
        let mut json = Json::new(out);
        json.raw(br#"{"line":"#).number(line);
        json.raw(br#","id":null,"status":"refused","code":""#)
            .name(wording.code);
        json.raw(br#"","retryable":"#).bool(wording.retryable);
        json.raw(br#","errors":"#)
            .serialized(&self.errors)
            .raw(b"}");
    }
}

/// Gathers what is wrong, with a bound on how much of it is kept.
#[derive(Debug, Default)]
pub(super) struct Findings {
    malformed: bool,
    errors: Vec<FieldError>,
    more: usize,
}

impl Findings {
    pub(super) fn malformed(&mut self, pointer: String, detail: impl ToString) {
        self.malformed = true;
        self.invalid(pointer, detail);
    }

    pub(super) fn invalid(&mut self, pointer: String, detail: impl ToString) {
        if self.errors.len() == ERRORS_MAX {
            self.more += 1;
            return;
        }
        self.errors.push(FieldError {
            pointer,
            detail: detail.to_string(),
        });
    }

    pub(super) fn into_invalid(mut self) -> Invalid {
        if self.more > 0 {
            self.errors.push(FieldError {
                pointer: String::new(),
                detail: format!("and {} more", self.more),
            });
        }
        Invalid {
            code: if self.malformed {
                InvalidCode::Malformed
            } else {
                InvalidCode::InvalidField
            },
            errors: self.errors,
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.errors.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_line_is_told_as_the_contract_says() {
        let mut out = Vec::new();
        Invalid::malformed("expected value at line 1 column 1").encode_line(18, &mut out);
        assert_eq!(
            String::from_utf8(out).unwrap(),
            concat!(
                r#"{"line":18,"id":null,"status":"refused","code":"malformed","retryable":false,"#,
                r#""errors":[{"pointer":"","detail":"expected value at line 1 column 1"}]}"#
            )
        );
    }

    #[test]
    fn findings_are_bounded() {
        let mut findings = Findings::default();
        for at in 0..ERRORS_MAX + 5 {
            findings.invalid(format!("/{at}"), "wrong");
        }
        let invalid = findings.into_invalid();
        assert_eq!(invalid.errors.len(), ERRORS_MAX + 1);
        assert_eq!(invalid.errors[ERRORS_MAX].detail, "and 5 more");
    }
}
