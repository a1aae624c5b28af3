//! A ledger in memory behind as much of the wire contract as the load and its audit need. It tells the truth, unless it is
//! told to lie; it records when it answered what. It runs on a thread of its own on a free port, and ends with the process.

mod books;
mod server;

pub(crate) use books::Lies;
pub(crate) use server::{Answered, Behaviour, End, KEY, Ledger};
