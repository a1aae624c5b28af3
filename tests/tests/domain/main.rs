//! Goal: every command says what the contract says, in the words of the contract.
//!
//! Method: tables in the language of the domain (see `jifen_tests::scenario`), one file per family. A table also fails
//! if an invariant breaks on the way, or if a replay of its entries ends elsewhere.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

mod adjusting;
mod asking;
mod clearing;
mod earning;
mod holding;
mod lapsing;
mod lifecycle;
mod matrix;
mod pending;
mod reversing;
mod schemes;
mod selling;
mod sending;
mod spending;

use jifen_engine::ledger::Code;
use jifen_tests::{
    coverage::Coverage, heard::code_name, market::is_said_in_markets, scenario::check,
};

/// Goal: no refusal exists only in the code. Method: play all tables once more and count.
#[test]
fn every_refusal_is_met_in_some_table() {
    let mut met = Coverage::default();
    let families = [
        adjusting::TABLES,
        asking::TABLES,
        clearing::TABLES,
        earning::TABLES,
        holding::TABLES,
        lapsing::TABLES,
        lifecycle::TABLES,
        pending::TABLES,
        reversing::TABLES,
        schemes::TABLES,
        selling::TABLES,
        sending::TABLES,
        spending::TABLES,
    ];
    for table in families.into_iter().flatten() {
        met.add(&check(table));
    }
    met.add(&asking::full());
    // What is said of sales and between shards is met by markets, and by what is sold over HTTP.
    let codes = Code::ALL
        .into_iter()
        .filter(|code| !is_said_in_markets(*code));
    met.assert_met(codes.map(code_name));
}
