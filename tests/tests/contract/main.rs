//! Goal: whoever follows the published document is served, and whoever does not is refused and changes nothing. Method:
//! the document is fetched from the real server, and requests are made of nothing but it: its examples, its schemas.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

mod client;
mod examples;
mod refusals;
