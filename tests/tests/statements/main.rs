//! Goal: a statement foots for ever. Every item starts where the one before ended, per kind of points, and the last one
//! ends with the balance; pages, filters and cursors only cut it; merchants' movements add up to their accounts; and
//! whatever happens to the view's files, it comes back and says the same.
//!
//! Method: the real engine on a data directory, under random and under chosen commands, with a clock moved by hand.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

mod footing;
mod house;
mod movements;
mod old;
mod pages;
mod rebuilding;
mod selling;
