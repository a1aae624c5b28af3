//! Power failures on the real files.
//!
//! The real server works under clients while a layer in front of its C library records what it does to its files. From
//! the recording, a data directory is made again as a power failure could have left it at any moment: what was synced is
//! there; of the rest every write is there, missing or torn, and every name is there or not. The real server is started
//! on each of these images. Every answer that it had given by that moment must be there, or it must refuse to start.
//!
//! | where | what |
//! |---|---|
//! | `record` | the format of a recording |
//! | `recording` | the run that is recorded |
//! | `contents`, `disk` | what a device holds for sure, and what it may hold |
//! | `image` | what is left of it after a power failure |
//! | `moments` | when the power fails |
//! | `verdict` | what the server makes of an image |
//! | `trial` | many images, and what was met |

mod contents;
mod disk;
mod image;
mod moments;
// One format, in one place: the layer that writes it cannot be linked, because its functions would replace ours.
#[path = "../../interpose/src/record.rs"]
pub mod record;
mod recording;
mod trial;
mod verdict;

pub use self::{
    recording::{Load, Recording},
    trial::{Met, trial},
};
