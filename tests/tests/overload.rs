//! More than the server can do.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use std::time::Duration;

use jifen_tests::overload::{Overload, insist};

/// Goal: whatever is offered, a command is done and answered, or refused as overload and not done. Method: a device on
/// which every sync takes 30 ms, five times as many clients as may come in, none of which waits before it asks again;
/// then every member has what was accepted, also after a crash.
#[test]
fn under_overload_nothing_is_lost_or_doubled_and_refusals_say_so() {
    let data = tempfile::tempdir().unwrap();
    let overload = Overload {
        times: 5,
        lasting: Duration::ZERO,
        slower: Duration::from_millis(30),
        inside: 8,
    };
    let refused = insist(data.path(), &overload, 5).unwrap();
    assert!(refused > 0, "there was room for all");
}
