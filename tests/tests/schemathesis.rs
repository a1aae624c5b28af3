//! Goal: no request that can be made of the published document, valid or not, gets an answer that the document does not
//! have, hangs, or changes anything without being told so. Method: a schema fuzzer against the real server, for a bounded
//! time. `campaign requests` does the same for longer.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

use jifen_tests::schemathesis::{Wanted, fuzz};

#[test]
fn a_schema_fuzzer_finds_nothing() {
    let wanted = Wanted {
        seconds: 60,
        examples: 12,
        seed: 1,
    };
    let met = fuzz(wanted).unwrap_or_else(|found| panic!("{found}"));
    println!("{met}");
    assert!(met.cases >= 1_000, "{met}");
    assert!(met.entries >= 100, "{met}");
    for status in [200, 201, 400, 401, 404, 405, 415, 422] {
        assert!(met.statuses.contains_key(&status), "never {status}: {met}");
    }
}
