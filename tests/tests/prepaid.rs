//! Goal: a merchant that prepays gives out exactly what it bought, to the last point, on the real binary and under kills.
//!
//! Method: a crowd over many connections against `jifen serve`; every answer is remembered and compared with what the server
//! says of the merchant and its members, and asked again at the end.

use jifen_tests::flash::{Prepaid, prepaid};

#[test]
fn exactly_what_was_bought_is_given_out_under_kills() {
    let data = tempfile::tempdir().expect("a directory");
    let wanted = Prepaid {
        members: 2_000,
        points: 6_000,
        connections: 64,
        kills: 3,
        seed: 11,
    };
    let (server, given) = prepaid(data.path(), &wanted);
    println!("{given:?}");
    assert_eq!(given.kills, wanted.kills);
    assert!(given.refused > 0, "{given:?}");
    assert_eq!(server.terminate().0.code(), Some(0));
}
