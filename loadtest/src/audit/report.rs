//! What the audit found, for machines and for people.

use std::fmt;

use schemars::JsonSchema;
use serde::Serialize;

/// Discrepancies that are spelled out; the others are only counted.
const SPELLED_OUT_MAX: usize = 10;

/// Whether the server's books agree with what it answered. Counts are of the whole run, the warm-up included.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub struct AuditReport {
    /// Commands that were accepted, or refused for good.
    pub acknowledged: u64,
    /// Those whose whole answers were remembered: all of them, or an even sample of a run too long for the memory.
    pub remembered: u64,
    /// Commands whose answers were lost, and that were sent again at the end under the same ids.
    pub lost: u64,
    /// Lost ones that had been carried out.
    pub lost_applied: u64,
    /// What was compared with what.
    pub checks: Vec<Checked>,
    /// The first discrepancies, a sentence each.
    pub discrepancies: Vec<String>,
    /// How many there are.
    pub discrepancies_total: u64,
    /// What could not be looked at, and why.
    pub notes: Vec<String>,
    /// Why the audit ended before its end, if it did: then nothing is proved.
    pub broken_off: Option<String>,
    /// How long the look at the balances before the run and the audit after it took together. Milliseconds.
    pub took_ms: u64,
    /// What was remembered, at most. Bytes.
    pub memory_bytes: u64,
}

/// One kind of comparison.
#[derive(Clone, Debug, JsonSchema, Serialize)]
pub struct Checked {
    /// `ids`, `first answers`, `answers`, `lost answers`, `balances`, `statements`, `stock`, `merchants`.
    pub what: &'static str,
    /// How many were compared.
    pub checked: u64,
    /// Of how many.
    pub of: u64,
    /// How many do not agree.
    pub wrong: u64,
}

/// One comparison as it goes on.
#[derive(Debug)]
pub(crate) struct Check {
    checked: Checked,
    sentences: Vec<String>,
}

impl Check {
    pub(crate) const fn new(what: &'static str, of: u64) -> Self {
        Self {
            checked: Checked {
                what,
                checked: 0,
                of,
                wrong: 0,
            },
            sentences: Vec::new(),
        }
    }

    /// What was compared as it came.
    pub(crate) const fn done(
        what: &'static str,
        of: u64,
        wrong: u64,
        sentences: Vec<String>,
    ) -> Self {
        Self {
            checked: Checked {
                what,
                checked: of,
                of,
                wrong,
            },
            sentences,
        }
    }

    /// One more was compared; says what is wrong with it, if anything.
    pub(crate) fn one(&mut self, wrong: Option<String>) {
        self.checked.checked += 1;
        if let Some(sentence) = wrong {
            self.also(sentence);
        }
    }

    /// Something is wrong with what was compared already.
    pub(crate) fn also(&mut self, sentence: String) {
        self.checked.wrong += 1;
        if self.sentences.len() < SPELLED_OUT_MAX {
            self.sentences.push(sentence);
        }
    }
}

impl AuditReport {
    pub(crate) fn take(&mut self, check: Check) {
        let Check { checked, sentences } = check;
        if checked.of == 0 {
            return;
        }
        self.discrepancies_total += checked.wrong;
        let room = SPELLED_OUT_MAX.saturating_sub(self.discrepancies.len());
        // Every kind has its say, or else many of one would hide the only one of another.
        self.discrepancies
            .extend(sentences.into_iter().take(room.max(2)));
        self.checks.push(checked);
    }

    /// The books balance, as far as could be seen, and everything that should be looked at was.
    #[must_use]
    pub const fn is_balanced(&self) -> bool {
        self.discrepancies_total == 0 && self.broken_off.is_none()
    }

    /// What is wrong, for the verdict.
    pub(crate) fn wrong(&self) -> Vec<String> {
        let mut wrong = self.discrepancies.clone();
        let more = self.discrepancies_total - wrong.len() as u64;
        if more > 0 {
            wrong.push(format!("and {more} more discrepancies"));
        }
        wrong
    }
}

impl fmt::Display for AuditReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            acknowledged,
            remembered,
            ..
        } = self;
        write!(f, "audit     {acknowledged} commands acknowledged")?;
        if remembered < acknowledged {
            write!(f, ", a sample of {remembered} answers remembered")?;
        }
        if self.lost > 0 {
            let (lost, applied) = (self.lost, self.lost_applied);
            write!(f, "; {lost} answers lost, ")?;
            match self.broken_off {
                None => write!(f, "of which {applied} were carried out")?,
                Some(_) => write!(f, "and nobody can say what became of them")?,
            }
        }
        let (seconds, mib) = (self.took_ms as f64 / 1e3, self.memory_bytes >> 20);
        writeln!(f, "; {seconds:.1} s, {mib} MiB")?;
        for Checked {
            what,
            checked,
            of,
            wrong,
        } in &self.checks
        {
            write!(f, "audit     {what}: {checked}")?;
            if checked < of {
                write!(f, " of {of}")?;
            }
            match wrong {
                0 => writeln!(f, " agree")?,
                wrong => writeln!(f, " compared, {wrong} DO NOT AGREE")?,
            }
        }
        if let Some(cause) = &self.broken_off {
            writeln!(f, "audit     BROKEN OFF, so nothing is proved: {cause}")?;
        }
        for note in &self.notes {
            writeln!(f, "audit     note: {note}")?;
        }
        match (self.is_balanced(), self.notes.is_empty()) {
            (true, true) => writeln!(f, "audit     the books balance"),
            (true, false) => writeln!(f, "audit     what was compared agrees; that is not all"),
            (false, _) => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn many_discrepancies_of_one_kind_do_not_hide_those_of_another() {
        let mut report = AuditReport::default();
        let mut answers = Check::new("answers", 100);
        (0..100).for_each(|number| answers.one(Some(format!("answer {number}"))));
        let mut stock = Check::new("stock", 1);
        stock.one(Some("a unit too many".to_owned()));
        report.take(answers);
        report.take(stock);
        assert_eq!(report.discrepancies_total, 101);
        let wrong = report.wrong();
        assert!(wrong.contains(&"a unit too many".to_owned()), "{wrong:?}");
        assert_eq!(
            wrong.last().map(String::as_str),
            Some("and 90 more discrepancies")
        );
        assert!(
            !report.is_balanced() && !report.to_string().contains("balance"),
            "{report}"
        );
    }
}
