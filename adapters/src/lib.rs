//! The doors of Jifen: how commands come in and answers go out.
//!
//! | where | what |
//! |---|---|
//! | [`wire`] | commands and answers as text, the same through every door |
//! | [`access`] | who may do what, the same through every door |
//! | [`http`] | the HTTP server |
//! | [`mod@file`] | `jifen import` |
//! | [`ops`] | starting, stopping, keys, logs and exit codes |

pub mod access;
pub mod file;
pub mod http;
pub mod ops;
pub mod wire;
