//! Who may do what, the same through every door.
//!
//! A key belongs to a named principal, and a principal has one role. What a role may do stands in one table.
//!
//! | where | what |
//! |---|---|
//! | `role` | the roles |
//! | `matrix` | the table: role × command and role × read |
//! | `ownership` | commands judged by it, with a look at what belongs to another merchant |
//! | `key` | keys, what is kept of them, and what they are called |
//! | `allowance` | how much a principal may ask for |
//! | `key_book` | principals and their keys, as text |
//! | `key_file` | the file in the data directory that holds them |
//! | `keyring` | the keys that open a running server, and who is behind them |

mod allowance;
mod key;
mod key_book;
mod key_file;
mod keyring;
mod matrix;
mod ownership;
mod role;

pub use allowance::{Allowance, Exceeded, Limit, Rate, Standing};
pub use key::{Digest, Key, KeyId};
pub use key_book::{BookError, Holder, KeyBook, KeyRecord};
pub use key_file::{KeyFile, KeyFileError, Watched};
pub use keyring::{Identity, Keyring};
pub use matrix::{Action, Read, Right};
pub use ownership::{Denial, Judged, PostedJudged, judge, judge_many, post_judged, submit_many};
pub use role::{Role, RoleName};
