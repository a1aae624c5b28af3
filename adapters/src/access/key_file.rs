//! The file in the data directory that holds the keys. It is replaced whole, so that whoever reads it never sees half of
//! it, and whoever changes it holds a lock meanwhile.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Write},
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use super::key_book::{BookError, KeyBook};

/// What the file is called in a data directory.
const FILE: &str = "keys.json";
/// Whoever changes the file holds a lock on this one, which is never replaced.
const LOCK: &str = "keys.lock";

/// A data directory's file of keys.
#[derive(Clone, Debug)]
pub struct KeyFile {
    path: PathBuf,
    lock: PathBuf,
}

/// Why the file cannot be read or changed.
#[derive(Debug, thiserror::Error)]
pub enum KeyFileError {
    /// A file operation failed.
    #[error("{path}: {1}", path = .0.display())]
    Io(PathBuf, io::Error),
    /// What stands there, or what is to be changed about it, cannot be.
    #[error("{path}: {1}", path = .0.display())]
    Book(PathBuf, BookError),
}

impl KeyFile {
    /// The file of a data directory.
    #[must_use]
    pub fn of(data: &Path) -> Self {
        Self {
            path: data.join(FILE),
            lock: data.join(LOCK),
        }
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What stands there; nobody, if there is no file.
    pub fn read(&self) -> Result<KeyBook, KeyFileError> {
        self.parse(fs::read(&self.path))
    }

    fn parse(&self, text: io::Result<Vec<u8>>) -> Result<KeyBook, KeyFileError> {
        match text {
            Ok(text) => KeyBook::read(&text).map_err(|error| self.wrong(error)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(KeyBook::default()),
            Err(error) => Err(self.failed(error)),
        }
    }

    /// Changes what stands there. Nothing is changed if `change` fails. Waits for others who are at it.
    pub fn change<T>(
        &self,
        change: impl FnOnce(&mut KeyBook) -> Result<T, BookError>,
    ) -> Result<T, KeyFileError> {
        let lock = for_us_alone().open(&self.lock);
        let lock = lock.map_err(|error| KeyFileError::Io(self.lock.clone(), error))?;
        lock.lock()
            .map_err(|error| KeyFileError::Io(self.lock.clone(), error))?;
        let mut book = self.read()?;
        let changed = change(&mut book).map_err(|error| self.wrong(error))?;
        self.replace(&book).map_err(|error| self.failed(error))?;
        Ok(changed)
    }

    /// Writes the file whole or not at all, for nobody else's eyes.
    fn replace(&self, book: &KeyBook) -> io::Result<()> {
        let new = self.path.with_extension("json.new");
        let mut out = for_us_alone().truncate(true).open(&new)?;
        out.write_all(&book.write()?)?;
        out.sync_all()?;
        fs::rename(&new, &self.path)?;
        match self.path.parent() {
            Some(directory) => File::open(directory)?.sync_all(),
            None => Ok(()),
        }
    }

    fn failed(&self, error: io::Error) -> KeyFileError {
        KeyFileError::Io(self.path.clone(), error)
    }

    fn wrong(&self, error: BookError) -> KeyFileError {
        KeyFileError::Book(self.path.clone(), error)
    }
}

fn for_us_alone() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true).create(true).mode(0o600);
    options
}

/// A file of keys that is looked at again and again. It is read every time: it is small, and no stamp of a file system
/// tells two changes of one moment apart.
#[derive(Debug)]
pub struct Watched {
    file: KeyFile,
    seen: Seen,
}

/// What was found at the last look.
#[derive(Debug, PartialEq, Eq)]
enum Seen {
    Nothing,
    Text(blake3::Hash),
    Failure(io::ErrorKind),
}

impl Watched {
    /// A file, and what stands there now.
    pub fn begin(file: KeyFile) -> Result<(Self, KeyBook), KeyFileError> {
        let mut watched = Self {
            file,
            seen: Seen::Nothing,
        };
        let book = watched.look().unwrap_or_else(|| Ok(KeyBook::default()))?;
        Ok((watched, book))
    }

    /// What stands there, if it is something else than at the last look. What cannot be read is told once.
    pub fn look(&mut self) -> Option<Result<KeyBook, KeyFileError>> {
        let text = fs::read(&self.file.path);
        let seen = match &text {
            Ok(text) => Seen::Text(blake3::hash(text)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Seen::Nothing,
            Err(error) => Seen::Failure(error.kind()),
        };
        if seen == self.seen {
            return None;
        }
        self.seen = seen;
        Some(self.file.parse(text))
    }
}

#[cfg(test)]
mod tests {
    use std::{os::unix::fs::PermissionsExt, thread};

    use super::*;
    use crate::access::{Digest, KeyRecord, Role};

    fn add(file: &KeyFile, name: &str) -> Result<(), KeyFileError> {
        let principal = jifen_engine::ledger::Principal::new(name).unwrap();
        file.change(|book| {
            let key = KeyRecord {
                digest: Digest::of(name),
                made_at: None,
            };
            book.add(&principal, &Role::Auditor, key)
        })
    }

    #[test]
    fn the_file_is_for_nobody_elses_eyes() {
        let data = tempfile::tempdir().unwrap();
        let file = KeyFile::of(data.path());
        assert!(file.read().unwrap().holders().is_empty());
        add(&file, "a").unwrap();
        for path in [&file.path, &file.lock] {
            let mode = fs::metadata(path).unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600, "{}", path.display());
        }
    }

    #[test]
    fn what_is_no_key_file_is_not_overwritten() {
        let data = tempfile::tempdir().unwrap();
        let file = KeyFile::of(data.path());
        fs::write(&file.path, "{}").unwrap();
        assert!(matches!(add(&file, "a"), Err(KeyFileError::Book(..))));
        assert_eq!(fs::read(&file.path).unwrap(), b"{}");
    }

    #[test]
    fn a_change_that_cannot_be_leaves_the_file_as_it_was() {
        let data = tempfile::tempdir().unwrap();
        let file = KeyFile::of(data.path());
        add(&file, "a").unwrap();
        let before = fs::read(&file.path).unwrap();
        assert!(add(&file, "operator").is_err());
        assert_eq!(fs::read(&file.path).unwrap(), before);
    }

    /// Goal: no change gets lost among others. Method: many at once.
    #[test]
    fn changes_wait_for_each_other() {
        let data = tempfile::tempdir().unwrap();
        let file = KeyFile::of(data.path());
        thread::scope(|scope| {
            for thread in 0..4 {
                let file = &file;
                scope.spawn(move || {
                    for round in 0..10 {
                        add(file, &format!("p-{thread}-{round}")).unwrap();
                    }
                });
            }
        });
        assert_eq!(file.read().unwrap().holders().len(), 40);
    }

    #[test]
    fn a_watched_file_is_read_when_it_changed() {
        let data = tempfile::tempdir().unwrap();
        let file = KeyFile::of(data.path());
        let (mut watched, book) = Watched::begin(file.clone()).unwrap();
        assert!(book.holders().is_empty());
        assert!(watched.look().is_none());
        for holders in 1..4 {
            add(&file, &format!("p-{holders}")).unwrap();
            let book = watched.look().unwrap().unwrap();
            assert_eq!(book.holders().len(), holders);
            assert!(watched.look().is_none());
        }
        fs::write(&file.path, "torn").unwrap();
        assert!(watched.look().unwrap().is_err());
        assert!(watched.look().is_none());
        fs::remove_file(&file.path).unwrap();
        let book = watched.look().unwrap().unwrap();
        assert!(book.holders().is_empty());
    }
}
