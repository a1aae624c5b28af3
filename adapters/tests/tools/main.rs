//! `jifen journal`, `jifen backup` and `jifen restore` as people run them: on directories that nobody works on, and beside
//! a server under load.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

mod backing_up;
mod damage;
mod load;
mod looking;
mod server;
mod tool;
