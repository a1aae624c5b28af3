//! Goal: whatever a power failure leaves of the files, an answer that was given is there, or the server refuses to
//! start. Nothing is lost in silence.
//!
//! Method: the real server works under clients while a layer in front of its C library records what it does to its
//! files and what it says. From that, directories are made as a power failure could have left them: everything that was
//! synced, and chance decides of every other write and name whether it is there, missing or torn. The real server is
//! started on each and asked for every answer that it had given by then. See `jifen_tests::power`; the campaign does the
//! same with thousands of images.

#![cfg(all(target_os = "linux", target_pointer_width = "64"))]

use jifen_tests::power::{Load, Recording, trial};

const SEED: u64 = 7;
const IMAGES: usize = 150;

#[test]
fn whatever_a_power_failure_leaves_no_answer_is_lost_in_silence() {
    println!("seed {SEED}");
    let recording = Recording::of(&Load {
        shoppers: 8,
        answers: vec![1_000, 1_000, 1_000],
        note_bytes: 900,
        arguments: Vec::new(),
    });
    println!("{} answers", recording.answers());
    let met = trial(&recording, IMAGES, SEED, &|| ()).unwrap_or_else(|what| panic!("{what}"));
    println!("{met}");
    // A trial in which nothing happened would show nothing.
    assert_eq!(met.opened + met.refusals(), IMAGES as u64);
    assert!(met.harmed > IMAGES as u64 / 3, "{met}");
    assert!(met.answers > 50 * IMAGES as u64, "{met}");
    // To refuse is better than to lose, and still not what anybody wants after a power failure.
    assert!(met.refusals() < IMAGES as u64 / 20, "{met}");
}
