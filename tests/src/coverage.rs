//! What was met on the way. A random test that never meets a case does not test it, so the cases are counted.

use std::{collections::BTreeMap, fmt};

use crate::{
    ask::Ask,
    heard::{Heard, Told},
};

/// How often each case was met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage(BTreeMap<String, u64>);

impl Coverage {
    /// Counts a case.
    pub fn count(&mut self, case: impl Into<String>) {
        *self.0.entry(case.into()).or_default() += 1;
    }

    /// Counts what a request was told: by command and outcome, and every reason of a refusal.
    pub fn count_heard(&mut self, ask: &Ask, heard: &Heard) {
        let verb = ask.what.verb();
        let (outcome, whys) = match heard {
            Heard::Recorded { replayed: true, .. } => ("replayed", &[][..]),
            Heard::Recorded { answer, .. } => match &answer.told {
                Told::Refused(whys) => ("refused", &whys[..]),
                _ => ("accepted", &[][..]),
            },
            Heard::Declined(whys) => ("declined", &whys[..]),
        };
        self.count(format!("{verb} {outcome}"));
        for why in whys {
            self.count(why.code);
            if why.frees_at.is_some() {
                self.count("frees at");
            }
        }
        if whys.len() > 1 {
            self.count("several reasons");
        }
        self.count("commands");
    }

    /// How often a case was met.
    #[must_use]
    pub fn of(&self, case: &str) -> u64 {
        self.0.get(case).copied().unwrap_or_default()
    }

    /// Adds what another run met.
    pub fn add(&mut self, other: &Self) {
        for (case, count) in &other.0 {
            *self.0.entry(case.clone()).or_default() += count;
        }
    }

    /// Which of these cases were never met.
    #[must_use]
    pub fn missing<'a>(&self, cases: impl IntoIterator<Item = &'a str>) -> Vec<&'a str> {
        cases
            .into_iter()
            .filter(|case| self.of(case) == 0)
            .collect()
    }

    /// Checks that every one of these cases was met.
    ///
    /// # Panics
    ///
    /// If one was not: then the random test has stopped testing it.
    pub fn assert_met<'a>(&self, cases: impl IntoIterator<Item = &'a str>) {
        let missing = self.missing(cases);
        assert!(missing.is_empty(), "never met: {missing:?}\nmet:\n{self}");
    }
}

impl fmt::Display for Coverage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|(case, count)| writeln!(f, "{count:>12}  {case}"))
    }
}
