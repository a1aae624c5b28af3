//! Goal: commands through the queue have the effect and the answers that they have over HTTP, exactly once, whatever is
//! killed, delivered twice, or wrong with them.
//!
//! Method: the real server and a real broker, on free ports; whoever posts reads what is in the broker's streams. The long
//! runs are `campaign queue`.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

mod answers;
mod away;
mod dead;
mod guarded;
mod load;
mod loading;
mod retries;
