//! A consumer that stayed away comes back, and those who post do not wait for it.

use std::time::Duration;

use jifen_tests::feed::{CatchUp, measure};

/// The figure is for the campaign, on a machine that does nothing else; here it is seen that everything comes.
#[test]
fn a_consumer_that_stayed_away_catches_up_while_others_post() {
    let data = tempfile::tempdir().unwrap();
    let caught = measure(
        data.path(),
        &CatchUp {
            away: Duration::from_secs(3),
            posters: 2,
            rate: 2_000,
        },
    );
    println!("{caught}");
    assert!(caught.complete && caught.missed > 0, "{caught}");
}
