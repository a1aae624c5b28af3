//! The endpoints over a real engine, without a socket.

mod batches;
mod commands;
mod door;
mod harness;
