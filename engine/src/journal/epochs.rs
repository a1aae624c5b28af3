//! Where the epochs of a journal are kept that are not archived yet.

use std::{
    collections::BTreeMap,
    fs::{self, File, TryLockError},
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use super::{
    Journal, JournalError,
    epoch::Epoch,
    memory::{Medium, MemoryJournal},
    sled_journal::SledJournal,
};

/// What an epoch's name ends with while it is being removed.
const REMOVED: &str = ".removed";

/// The epoch of this name, if it is one's.
fn epoch_of(name: &str) -> Option<Epoch> {
    let epoch = Epoch(name.parse().ok()?);
    (name == epoch.to_string()).then_some(epoch)
}

/// A place for epochs.
pub trait Epochs: Send + Sync {
    /// Every epoch that is there, in order.
    fn list(&self) -> Result<Vec<Epoch>, JournalError>;

    /// Opens an epoch, making it if need be.
    fn open(&self, epoch: Epoch) -> Result<Box<dyn Journal>, JournalError>;

    /// Removes an epoch that nobody has open.
    fn remove(&self, epoch: Epoch) -> Result<(), JournalError>;
}

/// A directory with a sled directory for every epoch.
#[derive(Clone, Debug)]
pub struct SledEpochs {
    directory: PathBuf,
}

impl SledEpochs {
    /// The epochs in `directory`, which is made with the first one. The caller holds the data directory's lock.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
        }
    }

    /// Where an epoch is.
    #[must_use]
    pub fn path(&self, epoch: Epoch) -> PathBuf {
        self.directory.join(epoch.to_string())
    }

    /// Whether an epoch can be opened: sled locks its own file. To be asked before anything is changed or copied.
    ///
    /// # Errors
    ///
    /// If a process works on it, although the data directory's lock is ours.
    pub fn check_is_free(&self, epoch: Epoch) -> Result<(), JournalError> {
        let path = self.path(epoch);
        // What cannot be opened is nobody's yet, or sled tells.
        let Ok(file) = File::open(path.join("db")) else {
            return Ok(());
        };
        match file.try_lock() {
            Err(TryLockError::WouldBlock) => Err(JournalError::InUse(path)),
            Ok(()) | Err(TryLockError::Error(_)) => Ok(()),
        }
    }

    /// Removes what is archived and was still to be removed.
    pub fn remove_before(&self, epoch: Epoch) -> Result<(), JournalError> {
        for name in self.names()? {
            let name = name.strip_suffix(REMOVED).unwrap_or(&name);
            if let Some(old) = epoch_of(name).filter(|old| *old < epoch) {
                self.remove(old)?;
            }
        }
        Ok(())
    }

    /// What is in the directory, ours or not.
    fn names(&self) -> Result<Vec<String>, JournalError> {
        let io = || JournalError::io(format!("list {}", self.directory.display()));
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

    /// The name under which an epoch is removed: what is called like this is to be removed further.
    fn doomed(&self, epoch: Epoch) -> PathBuf {
        self.directory.join(format!("{epoch}{REMOVED}"))
    }

    fn sync(&self) -> Result<(), JournalError> {
        File::open(&self.directory)
            .and_then(|directory| directory.sync_all())
            .map_err(JournalError::io(format!(
                "sync {}",
                self.directory.display()
            )))
    }
}

impl Epochs for SledEpochs {
    fn list(&self) -> Result<Vec<Epoch>, JournalError> {
        let names = self.names()?;
        let mut epochs: Vec<Epoch> = names.iter().filter_map(|name| epoch_of(name)).collect();
        epochs.sort_unstable();
        Ok(epochs)
    }

    fn open(&self, epoch: Epoch) -> Result<Box<dyn Journal>, JournalError> {
        Ok(Box::new(SledJournal::open(&self.path(epoch))?))
    }

    fn remove(&self, epoch: Epoch) -> Result<(), JournalError> {
        let (path, doomed) = (self.path(epoch), self.doomed(epoch));
        // Files are removed one by one. Under its name nobody must meet a half of it, not even after a power failure.
        if path.exists() {
            fs::rename(&path, &doomed)
                .map_err(JournalError::io(format!("rename {}", path.display())))?;
            self.sync()?;
        }
        if doomed.exists() {
            fs::remove_dir_all(&doomed)
                .map_err(JournalError::io(format!("remove {}", doomed.display())))?;
        }
        Ok(())
    }
}

/// Epochs in memory, which survive their process. Clones are the same epochs.
#[derive(Clone, Default)]
pub struct MemoryEpochs(Arc<Mutex<BTreeMap<Epoch, Medium>>>);

impl MemoryEpochs {
    /// What an epoch is on, if it is there.
    #[must_use]
    pub fn medium(&self, epoch: Epoch) -> Option<Medium> {
        self.with(|epochs| epochs.get(&epoch).cloned())
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<Epoch, Medium>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Epochs for MemoryEpochs {
    fn list(&self) -> Result<Vec<Epoch>, JournalError> {
        Ok(self.with(|epochs| epochs.keys().copied().collect()))
    }

    fn open(&self, epoch: Epoch) -> Result<Box<dyn Journal>, JournalError> {
        let medium = self.with(|epochs| epochs.entry(epoch).or_default().clone());
        Ok(Box::new(MemoryJournal::open(medium)))
    }

    fn remove(&self, epoch: Epoch) -> Result<(), JournalError> {
        self.with(|epochs| epochs.remove(&epoch));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn epochs_are_listed_opened_and_removed_and_other_names_are_not_ours() {
        let directory = tempfile::tempdir().unwrap();
        let epochs = SledEpochs::new(&directory.path().join("journal"));
        assert_eq!(epochs.list().unwrap(), []);
        for epoch in [Epoch(12), Epoch(2)] {
            drop(epochs.open(epoch).unwrap());
        }
        for name in ["7", "0000012", "notes", "000003.removed"] {
            fs::create_dir(directory.path().join("journal").join(name)).unwrap();
        }
        assert_eq!(epochs.list().unwrap(), [Epoch(2), Epoch(12)]);
        epochs.remove(Epoch(2)).unwrap();
        epochs.remove(Epoch(3)).unwrap();
        assert_eq!(epochs.list().unwrap(), [Epoch(12)]);
        assert!(!epochs.doomed(Epoch(2)).exists() && !epochs.doomed(Epoch(3)).exists());
        for name in ["000004", "000005.removed", "000013"] {
            fs::create_dir(directory.path().join("journal").join(name)).unwrap();
        }
        epochs.remove_before(Epoch(12)).unwrap();
        assert_eq!(epochs.list().unwrap(), [Epoch(12), Epoch(13)]);
        assert!(!epochs.doomed(Epoch(5)).exists());
        assert!(directory.path().join("journal/notes").exists());
    }
}
