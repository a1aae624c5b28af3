//! Goal: bytes from outside, whatever they are, are taken or refused, at once and without a panic. Method: specimens of
//! everything that is read are bent, for about a second each. `campaign decoders` does the same for longer.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

use std::time::Duration;

use jifen_tests::fuzz::{DECODERS, fuzz};

#[test]
fn bent_bytes_are_taken_or_refused() {
    for decoder in &DECODERS {
        let met = fuzz(decoder, 1, Duration::from_secs(1)).unwrap();
        println!("{:>12}  {met}", decoder.name);
        assert!(met.inputs > 100, "{}: {met}", decoder.name);
        assert!(met.taken < met.inputs, "{}: {met}", decoder.name);
    }
}
