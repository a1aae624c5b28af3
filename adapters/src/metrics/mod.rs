//! What the server tells about itself: `GET /metrics` and `jifen metrics describe`.
//!
//! The engine counts in plain numbers of its own ([`jifen_engine::meters`]), the door in [`DoorMeters`]. What they are
//! called, what they mean and how they are read stands in one table, so that nothing is shown that is not described.
//!
//! | where | what |
//! |---|---|
//! | `catalogue` | the table: every metric, once |
//! | `door` | what is counted of commands and requests as they come and go |
//! | `exposition` | the table as text or protobuf for Prometheus |
//! | `process` | what the system knows of this process |
//! | `describe` | the table for people |

mod catalogue;
mod describe;
mod door;
mod exposition;
mod process;
#[cfg(test)]
mod tests;

pub use catalogue::{Kind, METRICS, Metric};
pub use describe::{as_json, as_markdown, as_table};
pub use door::{Door, DoorMeters};
pub use exposition::{Format, Scene};
