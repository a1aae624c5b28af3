//! Which checkpoints there are, and which files belong to them.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::Write,
    ops::Range,
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};

use super::{CheckpointError, file};
use crate::{
    journal::epoch::Epoch,
    ledger::{self, Seq, ShardIndex},
};

/// The only version there is so far.
const VERSION: u32 = 1;
/// How many checkpoints are kept: if the newest cannot be read, the one before it still saves most of a replay.
const KEPT: usize = 2;

/// A checkpoint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listing {
    /// The epoch that had begun before any of its images did: what they lack lies in it or behind it.
    pub epoch: Epoch,
    /// The image of every shard.
    pub shards: Vec<ShardImage>,
}

/// A shard's image: the whole, then increments.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ShardImage {
    /// Behind which entry it stands.
    #[serde(with = "seq")]
    pub seq: Seq,
    /// The names of its files, in the order in which they are to be read.
    pub files: Vec<String>,
    /// How large they are together, in bytes.
    pub bytes: u64,
}

mod seq {
    use serde::{Deserialize, Deserializer, Serializer};

    use crate::ledger::Seq;

    pub(super) fn serialize<S: Serializer>(seq: &Seq, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_u64(seq.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<Seq, D::Error> {
        u64::deserialize(from).map(Seq)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    epoch: u32,
    shards: Vec<ShardImage>,
}

/// The directory of checkpoints.
#[derive(Clone, Debug)]
pub struct Images {
    directory: PathBuf,
}

impl Images {
    /// The checkpoints in `directory`, which is made with the first one.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
        }
    }

    /// Where a file of a checkpoint is.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    /// What the image of a shard is called that belongs to a checkpoint.
    #[must_use]
    pub fn name(epoch: Epoch, shard: ShardIndex) -> String {
        format!("{epoch}-{:04}.img", shard.0)
    }

    /// Makes the directory if there is none.
    pub fn make(&self) -> Result<(), CheckpointError> {
        let name = self.directory.display();
        fs::create_dir_all(&self.directory)
            .map_err(CheckpointError::io(format!("create {name}")))?;
        if let Some(parent) = self.directory.parent() {
            sync(parent)?;
        }
        Ok(())
    }

    /// Every checkpoint that can be read, the newest first. What is wrong with others is logged: they are not needed.
    pub fn newest_first(&self) -> Result<Vec<Listing>, CheckpointError> {
        let mut listings = Vec::new();
        for name in self.names()? {
            let Some(epoch) = epoch_of(&name) else {
                continue;
            };
            match self.read(epoch) {
                Ok(listing) => listings.push(listing),
                Err(error) => tracing::warn!(%error, "a checkpoint cannot be used"),
            }
        }
        listings.sort_by_key(|listing| std::cmp::Reverse(listing.epoch));
        Ok(listings)
    }

    /// Puts a checkpoint in place, whose images are all there, and removes what neither it nor the one before it needs.
    pub fn publish(&self, listing: &Listing) -> Result<(), CheckpointError> {
        // The names of the images first: a listing must not outlive them.
        sync(&self.directory)?;
        let written = Written {
            version: VERSION,
            epoch: listing.epoch.0,
            shards: listing.shards.clone(),
        };
        let path = self.path(&format!("{}.json", listing.epoch));
        let draft = path.with_extension("draft");
        let text = serde_json::to_vec_pretty(&written).expect("names and numbers");
        let write = || {
            let mut file = File::create(&draft)?;
            file.write_all(&text)?;
            file.sync_all()?;
            fs::rename(&draft, &path)
        };
        if let Err(error) = write() {
            let _ = fs::remove_file(&draft);
            return Err(CheckpointError::io(format!("write {}", path.display()))(
                error,
            ));
        }
        sync(&self.directory)?;
        self.clean()
    }

    /// The numbers of the chunks of old records that the images of a checkpoint name, for every shard. None of them can be
    /// read without these.
    pub fn chunks_named(&self, listing: &Listing) -> Result<Vec<Range<u64>>, CheckpointError> {
        let images = (0..).map(ShardIndex).zip(&listing.shards);
        images
            .map(|(shard, image)| self.chunks_named_by(shard, image))
            .collect()
    }

    fn chunks_named_by(
        &self,
        shard: ShardIndex,
        image: &ShardImage,
    ) -> Result<Range<u64>, CheckpointError> {
        let Some(last) = image.files.last() else {
            return Ok(0..0);
        };
        let head = file::first_part(&self.path(last), shard)?;
        Ok(ledger::chunks_named(&head)?)
    }

    /// The same for all checkpoints that there are, taken together. What cannot be read may name any of them.
    #[must_use]
    pub fn all_chunks_named(&self, shards: usize) -> Vec<Range<u64>> {
        let any = vec![0..u64::MAX; shards];
        let Ok(listings) = self.newest_first() else {
            return any;
        };
        let mut all = vec![0..0; shards];
        for listing in listings {
            for ((shard, image), all) in (0..).map(ShardIndex).zip(&listing.shards).zip(&mut all) {
                let named = self.chunks_named_by(shard, image).unwrap_or(0..u64::MAX);
                if Range::is_empty(all) {
                    *all = named;
                } else if !Range::is_empty(&named) {
                    *all = all.start.min(named.start)..all.end.max(named.end);
                }
            }
        }
        all
    }

    /// Removes what a process before has begun to write and left behind. Nobody else may work on the directory.
    pub(crate) fn remove_drafts(&self) -> Result<(), CheckpointError> {
        for name in self.names()? {
            if name.ends_with(".draft") {
                let path = self.path(&name);
                fs::remove_file(&path)
                    .map_err(CheckpointError::io(format!("remove {}", path.display())))?;
            }
        }
        Ok(())
    }

    fn clean(&self) -> Result<(), CheckpointError> {
        let mut kept = BTreeSet::new();
        for listing in self.newest_first()?.into_iter().take(KEPT) {
            kept.insert(format!("{}.json", listing.epoch));
            kept.extend(listing.shards.into_iter().flat_map(|shard| shard.files));
        }
        for name in self.names()? {
            let ours = [".json", ".img", ".draft"];
            if ours.iter().any(|ending| name.ends_with(ending)) && !kept.contains(&name) {
                let path = self.path(&name);
                fs::remove_file(&path)
                    .map_err(CheckpointError::io(format!("remove {}", path.display())))?;
            }
        }
        Ok(())
    }

    fn read(&self, epoch: Epoch) -> Result<Listing, CheckpointError> {
        let path = self.path(&format!("{epoch}.json"));
        let text =
            fs::read(&path).map_err(CheckpointError::io(format!("read {}", path.display())))?;
        let damaged = |what: String| CheckpointError::Damaged {
            path: path.clone(),
            what,
        };
        let written: Written =
            serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if written.version != VERSION || written.epoch != epoch.0 {
            return Err(damaged("it is of another version or epoch".to_owned()));
        }
        Ok(Listing {
            epoch,
            shards: written.shards,
        })
    }

    fn names(&self) -> Result<Vec<String>, CheckpointError> {
        let io = || CheckpointError::io(format!("list {}", self.directory.display()));
        let files = match fs::read_dir(&self.directory) {
            Ok(files) => files,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(io()(error)),
        };
        let mut names = Vec::new();
        for file in files {
            names.extend(file.map_err(io())?.file_name().into_string());
        }
        Ok(names)
    }
}

fn epoch_of(name: &str) -> Option<Epoch> {
    let epoch = Epoch(name.strip_suffix(".json")?.parse().ok()?);
    (name == format!("{epoch}.json")).then_some(epoch)
}

fn sync(directory: &Path) -> Result<(), CheckpointError> {
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(CheckpointError::io(format!("sync {}", directory.display())))
}
