//! Goal: a settlement says what contracts say, to the fen, and leaves nothing over.
//!
//! Method: random contracts and histories go to the engine's settlement, summed up, and to a naive one, entry by entry; they must agree on
//! every kind of line of every merchant, on payments, on what is carried, on the matrix and on the operator's margin.
//! The engine's own proof must find nothing. What came up is counted, so that no case falls out of the mix unnoticed.

use jifen_tests::{
    naive_settlement::{CASES, run},
    sweep::sweep,
};

const SEEDS: u64 = 1_000;

#[test]
fn the_settlement_and_its_naive_twin_say_the_same() {
    let met = sweep(0..SEEDS, run, &|| ()).unwrap_or_else(|what| panic!("{what}"));
    println!("{met}");
    met.assert_met(CASES);
}
