//! Where each member's and each merchant's entries lie: what statements are made from.
//!
//! The view is an index into [`History`](crate::history::History), written behind the journal by a thread of its own that
//! gives way to everything else. It follows from the journal alone: whatever is wrong with it, it is removed and built
//! again, and until it has caught up a statement says how far it goes.
//!
//! | where | what |
//! |---|---|
//! | `item` | what an entry is on a statement |
//! | `run` | how the places of entries are written |
//! | `gather` | from turns to the runs of a batch |
//! | `store` | the files, and their position in the journal, which is in the same batch as what it tells |
//! | `scan` | reading it |
//! | `page` | the entries of a page |
//! | `follow` | the thread |

mod follow;
mod gather;
pub mod item;
mod page;
mod run;
mod scan;
mod store;

pub use follow::{Progress, View};
pub(crate) use page::{AtShard, MovementLoaded, MovementsPage, MovementsWanted, Page, Wanted};
use run::Mark;
use scan::Whose;

use crate::history::HistoryError;

/// Why the view cannot be read or written.
#[derive(Debug, thiserror::Error)]
pub enum ViewError {
    /// Its files.
    #[error("the view's files: {0}")]
    Store(#[from] fjall::Error),
    /// Its files do not make sense, or belong to another version or another journal. It is removed and built again.
    #[error("the view is of no use: {0}")]
    Damaged(String),
    /// What it is made from.
    #[error(transparent)]
    History(#[from] HistoryError),
}
