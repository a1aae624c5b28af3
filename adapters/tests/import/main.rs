//! Imports in process: what is applied, what is told, and what happens when it is cut short.

#![allow(clippy::unwrap_used, reason = "tests may panic")]

mod corrections;
mod cut_short;
mod day;
mod process;
mod support;
mod told;
