//! What was unpacked lately: whoever looks an entry up often looks for its neighbours next.

use std::sync::Arc;

use quick_cache::{OptionsBuilder, Weighter, sync::Cache as Recent};

use super::{frame::Frame, index::Index};
use crate::journal::epoch::Epoch;

/// What is kept in memory of all archives together.
const BYTES: u64 = 64 << 20;
/// Frames of usual size that fit.
const ITEMS: usize = 512;

/// A part of an archive, unpacked.
#[derive(Clone, Debug)]
enum Part {
    Index(Arc<Index>),
    Frame(Arc<Frame>),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Which {
    Index,
    Frame(usize),
}

#[derive(Clone, Debug)]
struct Bytes;

impl Weighter<(Epoch, Which), Part> for Bytes {
    fn weight(&self, _: &(Epoch, Which), part: &Part) -> u64 {
        match part {
            Part::Index(index) => index.bytes() as u64 + 1,
            Part::Frame(frame) => frame.bytes() as u64 + 1,
        }
    }
}

/// What was unpacked lately of any archive, within a bound of memory.
#[derive(Debug)]
pub(in crate::history) struct Cache(Recent<(Epoch, Which), Part, Bytes>);

impl Cache {
    pub(in crate::history) fn new() -> Self {
        let options = OptionsBuilder::new()
            // One bound for all: an index is as large as many frames.
            .shards(1)
            .estimated_items_capacity(ITEMS)
            .weight_capacity(BYTES)
            .build()
            .expect("all that is needed is given");
        Self(Recent::with_options(
            options,
            Bytes,
            Default::default(),
            Default::default(),
        ))
    }

    /// The index of an epoch's archive; read if it is not here.
    pub(super) fn index<E>(
        &self,
        epoch: Epoch,
        read: impl FnOnce() -> Result<Index, E>,
    ) -> Result<Arc<Index>, E> {
        let read = || read().map(|index| Part::Index(Arc::new(index)));
        match self.0.get_or_insert_with(&(epoch, Which::Index), read)? {
            Part::Index(index) => Ok(index),
            Part::Frame(_) => unreachable!("an index is kept as one"),
        }
    }

    /// A frame of an epoch's archive; read if it is not here.
    pub(super) fn frame<E>(
        &self,
        epoch: Epoch,
        frame: usize,
        read: impl FnOnce() -> Result<Frame, E>,
    ) -> Result<Arc<Frame>, E> {
        let read = || read().map(|frame| Part::Frame(Arc::new(frame)));
        match self
            .0
            .get_or_insert_with(&(epoch, Which::Frame(frame)), read)?
        {
            Part::Frame(frame) => Ok(frame),
            Part::Index(_) => unreachable!("a frame is kept as one"),
        }
    }
}
