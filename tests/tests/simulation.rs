//! Goal: no crash, torn write, lost write, or jump of the clock makes an acknowledged answer disappear or a command
//! count twice, and no damage passes for health.
//!
//! Method: whole worlds from seeds, see `jifen_tests::world`. What they met is counted, so that no case falls out of
//! the mix unnoticed.

use jifen_tests::{
    sweep::sweep,
    world::{cases, live},
};

const SEEDS: u64 = 2_000;

#[test]
fn acknowledged_answers_survive_every_crash() {
    let met = sweep(0..SEEDS, live, &|| ()).unwrap_or_else(|what| panic!("{what}"));
    println!("{met}");
    met.assert_met(cases().iter().map(String::as_str));
}
