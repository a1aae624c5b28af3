//! What the load tester says of a server is true: of its books, and of its latency.

mod books;
mod ends;
mod honesty;
mod ledger;
