//! The doors of Jifen: how commands come in and answers go out.
//!
//! | where | what |
//! |---|---|
//! | [`wire`] | commands and answers as text, the same through every door |
//! | [`access`] | who may do what, the same through every door |
//! | [`http`] | the HTTP server |
//! | [`openapi`] | what the HTTP server takes and answers, as an OpenAPI document |
//! | [`mod@file`] | `jifen import` |
//! | [`mq`] | the message queue |
//! | [`metrics`] | what the server tells about itself |
//! | [`statement_pages`] | settled statements as pages and tables |
//! | [`ops`] | starting, stopping, keys, logs and exit codes |

pub mod access;
pub mod file;
pub mod http;
pub mod metrics;
pub mod mq;
pub mod openapi;
pub mod ops;
#[cfg(test)]
mod small_engine;
pub mod statement_pages;
pub mod wire;
