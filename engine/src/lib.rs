//! The engine of Jifen: a points ledger, kept by shards in memory and made durable by a journal.

pub mod ledger;
