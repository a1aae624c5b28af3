//! The feed of events as its consumers see it.
//!
//! | where | what |
//! |---|---|
//! | `follower` | a stream of server-sent events, read line by line |
//! | `load` | commands, and where their answers are recorded |
//! | `catch_up` | what a consumer that comes back costs those who post |

mod catch_up;
mod follower;
mod load;

pub use catch_up::{CatchUp, Caught, measure};
pub use follower::{Follower, Told};
pub use load::{Load, Places};
