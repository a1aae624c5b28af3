//! The endpoints over a real engine, without a socket.

mod batches;
mod commands;
mod door;
mod harness;
mod kinds;
mod lifecycle;
mod lookups;
mod rates;
mod reversals;
mod roles;
mod schemes;
mod statements;
