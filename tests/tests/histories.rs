//! Goal: the ledger does what the contract says, in any order of events, and a replay of its entries does it again.
//!
//! Method: the same random commands go to the ledger and to its naive twin; after every step both must have said the
//! same. What the commands met is counted, so that no case falls out of the mix unnoticed.

use jifen_tests::{
    history::{COMMANDS, cases, play},
    sweep::sweep,
};

const SEEDS: u64 = 300;

#[test]
fn the_ledger_and_its_naive_twin_say_the_same() {
    let met = sweep(0..SEEDS, play, &|| ()).unwrap_or_else(|what| panic!("{what}"));
    println!("{met}");
    met.assert_met(cases().iter().map(String::as_str));
    assert!(met.of("commands") >= SEEDS * COMMANDS, "{met}");
}
