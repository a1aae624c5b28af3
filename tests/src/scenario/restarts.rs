//! What a table goes on with before each of its lines: every table is played in each of these ways, and must be the same.

use std::{collections::BTreeMap, sync::Arc};

use jifen_engine::{
    ledger::{Aged, ChunkNumber, Extent, Ledger, Restoring, Seq},
    shard::ShardCore,
};

use super::Play;

/// How a table comes by the ledger for its next line.
#[derive(Clone, Copy, Debug)]
pub(super) enum Restarts {
    /// It keeps the one that it has.
    Never,
    /// It replays all entries.
    FromEntries,
    /// It takes an image of what changed and restores the ledger from that and all images before.
    FromImages,
}

impl Restarts {
    pub(super) const ALL: [Self; 3] = [Self::Never, Self::FromEntries, Self::FromImages];
}

/// The parts of an image of the whole and of its increments, and the records that they name.
#[derive(Default)]
pub(super) struct Images {
    last: Option<Seq>,
    parts: Vec<Vec<u8>>,
    chunks: BTreeMap<ChunkNumber, Arc<Vec<u8>>>,
}

impl Play {
    /// Goes on as the table is to be played.
    pub(super) fn restart(&mut self) -> Result<(), String> {
        let ledger = match self.restarts {
            Restarts::Never => return Ok(()),
            Restarts::FromEntries => self.replayed()?,
            Restarts::FromImages => self.restored()?,
        };
        self.core = ShardCore::new(ledger, self.grace);
        Ok(())
    }

    /// The ledger restored from images, which must have the live state.
    fn restored(&mut self) -> Result<Ledger, String> {
        let images = &mut self.images;
        let extent = images.last.map_or(Extent::Whole, Extent::Since);
        let begun = self.core.begin_image(extent);
        images.last = Some(begun.seq);
        images.parts.push(begun.head);
        while let Some(part) = self.core.next_image_part(64) {
            images.parts.push(part);
        }
        for aged in self.core.take_aged() {
            match aged {
                Aged::Store { chunk, bytes } | Aged::Keep { chunk, bytes } => {
                    images.chunks.insert(chunk, bytes);
                }
                Aged::Drop { chunk } => drop(images.chunks.remove(&chunk)),
            }
        }
        let live = self.core.ledger();
        let mut restoring = Restoring::new(live.shard(), self.rules.clone());
        for part in &images.parts {
            restoring.take(part).map_err(|error| error.to_string())?;
        }
        let chunk = |number| {
            let chunk = images.chunks.get(&number).map(|bytes| bytes.to_vec());
            chunk.ok_or_else(|| format!("{number:?} is not there"))
        };
        let ledger = restoring.finish(chunk).map_err(|error| error.to_string())?;
        if ledger.state_hash() == live.state_hash() {
            Ok(ledger)
        } else {
            Err("images give another state".to_owned())
        }
    }
}
