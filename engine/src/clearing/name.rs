//! What settlements are called: their first and their last day.

use super::calendar;
use crate::ledger::Period;

/// What a settlement is called, such as `2026-10-01_2026-10-31`.
#[must_use]
pub fn settlement_name(period: Period) -> String {
    format!(
        "{}_{}",
        calendar::text(period.first),
        calendar::text(period.last)
    )
}

/// The period of a settlement's name; `None` if it is none.
#[must_use]
pub fn settlement_period(name: &str) -> Option<Period> {
    let (first, last) = name.split_once('_')?;
    let period = Period {
        first: calendar::parse(first)?,
        last: calendar::parse(last)?,
    };
    (settlement_name(period) == name).then_some(period)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_period() {
        for name in ["2026-10-01_2026-10-31", "2024-02-29_2024-02-29"] {
            let period = settlement_period(name).unwrap();
            assert_eq!(settlement_name(period), name);
        }
        for name in [
            "",
            "_",
            "2026-10-01",
            "2026-10-01_2026-02-30",
            "2026-1-1_2026-10-31",
        ] {
            assert_eq!(settlement_period(name), None, "{name:?}");
        }
    }
}
