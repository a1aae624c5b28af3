//! A data directory: locked, checked, replayed, and then at work.
//!
//! ```text
//! DIR/manifest.json    what the directory was made with
//! DIR/lock             held by the process that works on it
//! DIR/head             how far the journal is known to be
//! DIR/identity.json    which journal it is
//! DIR/journal/000001/  sled, one directory for each epoch that is not archived
//! DIR/archive/         epochs that are over
//! DIR/images/          checkpoints
//! DIR/past/            old records
//! DIR/view/            what statements are made from
//! ```

mod find;

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
    sync::Arc,
};

use crate::{
    clock::{Clock, Stopwatch, SystemClock},
    disk::FileSystem,
    engine::Engine,
    error::OpenError,
    journal::{
        JournalError,
        epoch::Epoch,
        head::{Head, HeadFile},
        identity::Identity,
        manifest,
    },
    ledger::Rules,
    limits::Limits,
    router::Router,
    start::Parts,
};

/// What an engine on a data directory is to be like.
#[derive(Clone)]
pub struct Options {
    /// How many shards a new directory gets; an existing one keeps its own.
    pub shards: u16,
    /// What the ledger judges by.
    pub rules: Rules,
    /// Bounds of the engine.
    pub limits: Limits,
    /// Where the time comes from.
    pub clock: Arc<dyn Clock>,
    /// Whether the view is kept that statements are made from.
    pub view: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            shards: 16,
            rules: Rules::default(),
            limits: Limits::default(),
            clock: Arc::new(SystemClock),
            view: true,
        }
    }
}

/// An engine, and what was found when it was opened.
pub struct Opened {
    /// Ready for commands.
    pub engine: Engine,
    /// How many entries were replayed.
    pub entries: u64,
    /// The checkpoint that the replay began with, if there was one: the epoch that it is called after.
    pub checkpoint: Option<Epoch>,
    /// How long it took to read all that, in microseconds.
    pub micros: u64,
    /// What was wrong with a tail that was dropped; no answer ever told of it.
    pub dropped: Option<String>,
}

/// What a directory has while a backup is restored into it.
const UNFINISHED: &str = "restore.unfinished";

/// The place where an engine keeps its journal.
pub struct DataDirectory {
    path: PathBuf,
    /// Held for as long as the directory is in use.
    lock: File,
}

impl DataDirectory {
    /// Makes the directory if there is none, and takes its lock.
    pub fn lock(path: &Path) -> Result<Self, OpenError> {
        let name = path.display();
        for holder in make(path).map_err(JournalError::io(format!("create {name}")))? {
            sync(&holder)?;
        }
        let lock = path.join("lock");
        let lock = File::options()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&lock)
            .map_err(JournalError::io(format!("open {}", lock.display())))?;
        match lock.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                lock,
            }),
            Err(fs::TryLockError::WouldBlock) => Err(JournalError::InUse(path.to_owned()).into()),
            Err(fs::TryLockError::Error(error)) => {
                Err(JournalError::io(format!("lock {name}"))(error).into())
            }
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Marks an empty directory as one that a backup is being restored into: until [`end_restore`](Self::end_restore) it is
    /// not served, however much of it is there.
    pub fn begin_restore(&self) -> Result<(), JournalError> {
        let marker = self.unfinished();
        File::create_new(&marker)
            .and_then(|file| file.sync_all())
            .map_err(JournalError::io(format!("create {}", marker.display())))?;
        self.sync_names()
    }

    /// Everything is restored, on the device, and proven.
    pub fn end_restore(path: &Path) -> Result<(), JournalError> {
        let marker = path.join(UNFINISHED);
        fs::remove_file(&marker)
            .map_err(JournalError::io(format!("remove {}", marker.display())))?;
        sync(path)
    }

    /// Reads the newest checkpoint and the journal behind it, and starts the engine. To be called on a thread that runs an
    /// actix system.
    pub fn open(self, mut options: Options) -> Result<Opened, OpenError> {
        if self.unfinished().exists() {
            return Err(JournalError::Damaged(format!(
                "{} holds a restore that did not come to its end; restore the backup again, or another one, into an empty \
                 directory",
                self.path.display()
            ))
            .into());
        }
        let router = match manifest::read(&self.manifest())? {
            Some(router) => router,
            None => self.make(new_router(options.shards)?)?,
        };
        options.rules.router = router;
        options.rules.code_key = code_key(&router);
        let (mut head_file, head) = HeadFile::open(&self.head(), router.shards())?;
        let identity = Identity::read(&self.path)?;
        let watch = Stopwatch::start();
        let found = find::find(&self.path, &router, &head, &options)?;
        let micros = watch.micros();
        self.sync_names()?;
        let identity = match identity {
            Some(identity) => identity,
            // It was made before there were any.
            None => self.name(Identity::of_unnamed()?)?,
        };
        // From here on the head vouches for what was found.
        head_file.write(&Head {
            turn: found.recovered.turn,
            chains: found.recovered.chains.clone(),
        })?;
        let opened = Opened {
            entries: found.recovered.entries,
            dropped: found.recovered.dropped.clone(),
            checkpoint: found.checkpoint,
            micros,
            engine: Engine::start(Parts {
                router,
                ledgers: found.ledgers,
                journal: found.journal,
                recovered: found.recovered,
                identity,
                head: Some(head_file),
                keeping: Some(found.keeping),
                limits: options.limits,
                clock: options.clock,
                disk: Arc::new(FileSystem::of(&self.path)),
                lock: Some(self.lock),
            })?,
        };
        Ok(opened)
    }

    /// Makes the names in the directory durable, and its own. The journal syncs what is below it; but if the names of
    /// journal and head could vanish in a power failure, the directory would look like a new one.
    fn sync_names(&self) -> Result<(), JournalError> {
        sync(&self.path)?;
        sync(holder_of(&self.path))
    }

    /// Makes a new data directory, with the router that it will have for ever. The manifest comes last: a directory that
    /// has one has had a head and, from its first turn on, a journal.
    pub fn make(&self, router: Router) -> Result<Router, JournalError> {
        let before = HeadFile::open(&self.head(), router.shards());
        if self.journal().exists() || before.is_ok_and(|(_, head)| head.turn > 0) {
            return Err(JournalError::Damaged(format!(
                "{} is missing, but a journal is or was there; restore a backup",
                self.manifest().display()
            )));
        }
        HeadFile::create(&self.head(), router.shards())?;
        self.name(Identity::of_new()?)?;
        manifest::write(&self.manifest(), &router)?;
        Ok(router)
    }

    fn unfinished(&self) -> PathBuf {
        self.path.join(UNFINISHED)
    }

    fn name(&self, identity: Identity) -> Result<Identity, JournalError> {
        identity.write(&self.path)?;
        Ok(identity)
    }

    fn manifest(&self) -> PathBuf {
        self.path.join("manifest.json")
    }

    fn head(&self) -> PathBuf {
        self.path.join("head")
    }

    fn journal(&self) -> PathBuf {
        self.path.join("journal")
    }
}

/// Makes a directory with all that it lies in; answers with those that hold the name of one that was made.
fn make(path: &Path) -> io::Result<Vec<PathBuf>> {
    let made = path
        .ancestors()
        .take_while(|path| !path.as_os_str().is_empty() && !path.exists())
        .map(|path| holder_of(path).to_owned());
    let holders = made.collect();
    fs::create_dir_all(path)?;
    Ok(holders)
}

/// The directory that holds a directory's name.
fn holder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

fn sync(directory: &Path) -> Result<(), JournalError> {
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(JournalError::io(format!("sync {}", directory.display())))
}

/// What the codes of sold units are made of. The seed is known to nobody but the directory.
fn code_key(router: &Router) -> [u8; 32] {
    blake3::derive_key(
        "jifen key of the codes of sold units, version 1",
        &router.seed().to_be_bytes(),
    )
}

/// A router with a seed that nobody can guess.
fn new_router(shards: u16) -> Result<Router, JournalError> {
    let seed = getrandom::u64().map_err(|error| {
        JournalError::io("ask the system for random bytes")(io::Error::other(error))
    })?;
    Router::new(shards, seed).ok_or_else(|| {
        JournalError::Foreign(format!(
            "{shards} shards: must be a power of two, at most {}",
            crate::router::SHARDS_MAX
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whatever_holds_the_name_of_a_directory_that_was_made_is_known() {
        let place = tempfile::tempdir().unwrap();
        let (first, second) = (place.path().join("a"), place.path().join("a/b"));
        let data = second.join("data");
        let holders = [second, first, place.path().to_owned()];
        assert_eq!(make(&data).unwrap(), holders);
        assert!(data.is_dir());
        assert_eq!(make(&data).unwrap(), [] as [PathBuf; 0]);
        for (path, holder) in [
            ("jifen-data", "."),
            ("./jifen-data", "."),
            ("var/data", "var"),
            ("/data", "/"),
            ("/", "/"),
        ] {
            assert_eq!(holder_of(Path::new(path)), Path::new(holder), "{path}");
        }
    }
}
