//! The same work side by side on Jifen, PostgreSQL and Redis, in one run with one client. `work` is what is done, `client` does
//! it, a dialect per system says how (`http`, `pg`, `resp`), `servers` starts the systems, `rounds` takes them in turns, and
//! `document` and `plot` tell what came of it.

pub mod client;
pub mod dialect;
pub mod document;
pub mod http;
pub mod machine;
#[cfg(test)]
mod made_up;
pub mod pg;
pub mod plot;
pub mod process;
pub mod resp;
pub mod results;
pub mod rounds;
pub mod servers;
pub mod table;
pub mod tigerbeetle;
pub mod trouble;
pub mod work;
