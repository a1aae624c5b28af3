//! Goal: whoever follows the feed hears everything once and in order, whatever is killed, and may be as slow as they like.
//!
//! Method: the real binary, and a real broker where events are published; what was heard is compared with where the answers
//! say that they are recorded.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

mod catching_up;
mod following;
mod publishing;
mod replaced;
mod selling;
