//! The endpoints over a real engine, without a socket.

mod amounts;
mod batches;
mod clearing;
mod commands;
mod door;
mod events;
pub(crate) mod harness;
mod kinds;
mod lifecycle;
mod lookups;
mod overload;
mod prepaid;
mod rates;
mod reversals;
mod roles;
mod sales;
mod schemes;
mod statements;
mod transfers;
