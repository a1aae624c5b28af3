//! The message queue as merchants see it: commands in, answers and dead letters out.
//!
//! | where | what |
//! |---|---|
//! | `post` | posting commands, and reading what became of them |
//! | `house` | a broker and a server together, each of which may be killed |
//! | `kills` | both of them killed under load, and what must hold afterwards |
//! | `speed` | how many commands a second come through |

mod house;
mod kills;
mod post;
mod speed;

pub use house::{House, PATIENCE, until};
pub use kills::{Survived, Who, rounds};
pub use post::{Heard, Post, earn, enrol};
pub use speed::{Speed, Work, measure};
