//! Goal: what is said of all lots and all days holds for any of them.
//!
//! Method: random wallets and random days, played as tables (see `jifen_tests::scenario`). A case that fails is made as
//! small as it can be before it is shown.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

mod calendar;
mod lots;

use jifen_engine::ledger::Rules;
use jifen_tests::scenario::{Play, small_rules};

/// Rules with room for whatever the cases need.
fn roomy() -> Rules {
    Rules {
        lots_per_wallet_max: 64,
        open_holds_per_member_max: 64,
        ..small_rules()
    }
}

/// Plays lines, each of which must be accepted, and answers with what the last one was told.
fn played(play: &mut Play, lines: &[String]) -> String {
    let mut told = String::new();
    for line in lines {
        told = play.say(line).unwrap();
        assert!(!told.contains("refused"), "{line}: {told}");
        assert!(!told.contains("declined"), "{line}: {told}");
    }
    told
}

fn asked(play: &mut Play, question: &str) -> String {
    play.say(question).unwrap()
}
