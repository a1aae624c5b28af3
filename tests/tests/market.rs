//! Goal: no unit is sold twice or kept from whoever asked in time, and no point is lost between two members, whatever crashes,
//! and whichever messages are lost, repeated or late.
//!
//! Method: whole markets from seeds, see `jifen_tests::market`.

use jifen_tests::{
    market::{cases, live},
    sweep::sweep,
};

const SEEDS: u64 = 600;

#[test]
fn units_and_points_survive_crashes_and_lost_messages() {
    let met = sweep(0..SEEDS, live, &|| ()).unwrap_or_else(|what| panic!("{what}"));
    println!("{met}");
    met.assert_met(cases().iter().map(String::as_str));
}
