//! A journal's files as they were before sled opened them.
//!
//! sled writes when it opens. What it cannot read is the end for it, and it overwrites everything behind: one flipped bit
//! would cost all the turns that follow, before anybody has compared with the head. So a copy is made first, and is put
//! back if the start is refused; whoever only looks opens the copy. Files that share their blocks (XFS, btrfs) are copied at
//! once; elsewhere the copy stays in the page cache, since it is gone again before the system writes it out.

use std::{
    fs::{self, File},
    io,
    path::{Path, PathBuf},
};

use super::JournalError;
use crate::disk::{FileSystem, FreeSpace};

/// A copy of a journal's files to look at, so that looking touches nothing. Removed when it is dropped.
pub struct Apart {
    place: PathBuf,
    /// The files to open.
    files: PathBuf,
}

impl Apart {
    /// Copies the files of a sled directory that nobody has open. Where there is no room for a copy, the files themselves are
    /// to be opened, and there is a warning.
    ///
    /// # Errors
    ///
    /// If the directory cannot be read, or what a look before has left cannot be removed.
    pub fn of(directory: &Path) -> Result<Self, JournalError> {
        let place = directory.with_extension("look");
        // What sled may make beside the files it opens is removed with them.
        let files = place.join(directory.file_name().unwrap_or_default());
        if place.exists() {
            fs::remove_dir_all(&place)
                .map_err(JournalError::io(format!("remove {}", place.display())))?;
        }
        let bytes = bytes_of(directory)
            .map_err(JournalError::io(format!("read {}", directory.display())))?;
        let copied = has_room(directory, bytes).and_then(|()| {
            fs::create_dir(&place)?;
            copy_all(directory, &files)
        });
        match copied {
            Ok(()) => Ok(Self { place, files }),
            Err(error) => {
                tracing::warn!(
                    %error,
                    "no copy of the journal's files is made to look at; to look at them, sled writes to them"
                );
                let _ = fs::remove_dir_all(&place);
                let files = directory.to_owned();
                Ok(Self { place, files })
            }
        }
    }

    /// The directory to open.
    #[must_use]
    pub fn files(&self) -> &Path {
        &self.files
    }
}

impl Drop for Apart {
    fn drop(&mut self) {
        // Left there it would take room until the next look, but do no harm.
        let _ = fs::remove_dir_all(&self.place);
    }
}

/// Puts the files back when it is dropped, unless they are [let go](AsItWas::let_go).
pub struct AsItWas {
    directory: PathBuf,
    /// `None` if there is nothing to put back.
    copy: Option<PathBuf>,
    /// What sled's repair may make beside the directory, and had not made before.
    repair: Option<PathBuf>,
}

impl AsItWas {
    /// Copies the files of a sled directory that nobody has open. Where there is no room for a copy, there is none, and a
    /// warning: that is no reason not to start.
    ///
    /// # Errors
    ///
    /// If the directory cannot be read.
    pub fn keep(directory: &Path) -> Result<Self, JournalError> {
        let repair = directory.with_extension("before-repair");
        let mut this = Self {
            directory: directory.to_owned(),
            copy: None,
            repair: (!repair.exists()).then_some(repair),
        };
        if !directory.exists() {
            return Ok(this);
        }
        let copy = directory.with_extension("before-start");
        if copy.exists() {
            // Not put back by itself: after a power failure it may be full of holes.
            tracing::warn!(
                copy = %copy.display(),
                "an earlier start was broken off; its copy of the journal is kept until a start has gone well"
            );
            return Ok(this);
        }
        let bytes = bytes_of(directory)
            .map_err(JournalError::io(format!("read {}", directory.display())))?;
        let copied = has_room(directory, bytes).and_then(|()| copy_all(directory, &copy));
        match copied {
            Ok(()) => this.copy = Some(copy),
            Err(error) => {
                tracing::warn!(
                    %error,
                    "no copy of the journal's files is made for the start; if they are damaged, sled may make it worse"
                );
                let _ = fs::remove_dir_all(&copy);
            }
        }
        Ok(this)
    }

    /// The start went well, and nothing has to be put back any more. To be called before anything is appended.
    pub fn let_go(mut self) {
        self.copy = None;
        self.repair = None;
        // Left there it would take room, but do no harm.
        let _ = fs::remove_dir_all(self.directory.with_extension("before-start"));
    }

    fn put_back(&self, copy: &Path) -> io::Result<()> {
        // From here on it is all there is.
        sync_all(copy)?;
        let discarded = self.directory.with_extension("refused");
        fs::rename(&self.directory, &discarded)?;
        fs::rename(copy, &self.directory)?;
        if let Some(parent) = self.directory.parent() {
            File::open(parent)?.sync_all()?;
        }
        fs::remove_dir_all(discarded)?;
        match &self.repair {
            Some(repair) if repair.exists() => fs::remove_dir_all(repair),
            _ => Ok(()),
        }
    }
}

impl Drop for AsItWas {
    fn drop(&mut self) {
        if let Some(copy) = self.copy.take()
            && let Err(error) = self.put_back(&copy)
        {
            tracing::error!(
                %error,
                copy = %copy.display(),
                "the journal's files cannot be put back as they were before this start; they are in the copy"
            );
        }
    }
}

fn has_room(directory: &Path, bytes: u64) -> io::Result<()> {
    // Not known is not too little.
    let free = FileSystem::of(directory).free_bytes().unwrap_or(u64::MAX);
    if bytes < free {
        Ok(())
    } else {
        Err(io::ErrorKind::StorageFull.into())
    }
}

fn bytes_of(directory: &Path) -> io::Result<u64> {
    let mut bytes = 0;
    for file in fs::read_dir(directory)? {
        let file = file?;
        bytes += if file.file_type()?.is_dir() {
            bytes_of(&file.path())?
        } else {
            file.metadata()?.len()
        };
    }
    Ok(bytes)
}

fn copy_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir(to)?;
    for file in fs::read_dir(from)? {
        let file = file?;
        let to = to.join(file.file_name());
        if file.file_type()?.is_dir() {
            copy_all(&file.path(), &to)?;
        } else {
            fs::copy(file.path(), to)?;
        }
    }
    Ok(())
}

fn sync_all(directory: &Path) -> io::Result<()> {
    for file in fs::read_dir(directory)? {
        let path = file?.path();
        if path.is_dir() {
            sync_all(&path)?;
        } else {
            File::open(path)?.sync_all()?;
        }
    }
    File::open(directory)?.sync_all()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn directory_with(text: &str) -> (tempfile::TempDir, PathBuf) {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("000001");
        fs::create_dir_all(directory.join("blobs")).unwrap();
        for file in ["db", "blobs/1"] {
            fs::write(directory.join(file), text).unwrap();
        }
        (place, directory)
    }

    fn names(directory: &Path) -> Vec<String> {
        let files = fs::read_dir(directory).unwrap();
        let names = files.map(|file| file.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = names.collect();
        names.sort();
        names
    }

    #[test]
    fn what_a_refused_start_did_is_undone() {
        let (place, directory) = directory_with("before");
        let kept = AsItWas::keep(&directory).unwrap();
        fs::write(directory.join("db"), "shredded").unwrap();
        fs::write(directory.join("snap.1"), "new").unwrap();
        fs::remove_file(directory.join("blobs/1")).unwrap();
        fs::create_dir(directory.with_extension("before-repair")).unwrap();
        drop(kept);
        assert_eq!(names(place.path()), ["000001"]);
        assert_eq!(names(&directory), ["blobs", "db"]);
        for file in ["db", "blobs/1"] {
            assert_eq!(fs::read_to_string(directory.join(file)).unwrap(), "before");
        }
    }

    #[test]
    fn what_a_good_start_did_stays() {
        let (place, directory) = directory_with("before");
        let kept = AsItWas::keep(&directory).unwrap();
        fs::write(directory.join("db"), "after").unwrap();
        fs::create_dir(directory.with_extension("before-repair")).unwrap();
        kept.let_go();
        assert_eq!(fs::read_to_string(directory.join("db")).unwrap(), "after");
        assert_eq!(names(place.path()), ["000001", "000001.before-repair"]);
    }

    #[test]
    fn a_copy_of_a_start_that_was_broken_off_is_kept_until_one_goes_well() {
        let (place, directory) = directory_with("before");
        std::mem::forget(AsItWas::keep(&directory).unwrap());
        fs::write(directory.join("db"), "shredded").unwrap();
        drop(AsItWas::keep(&directory).unwrap());
        assert_eq!(names(place.path()), ["000001", "000001.before-start"]);
        let copy = directory.with_extension("before-start");
        assert_eq!(fs::read_to_string(copy.join("db")).unwrap(), "before");
        AsItWas::keep(&directory).unwrap().let_go();
        assert_eq!(names(place.path()), ["000001"]);
    }

    #[test]
    fn looking_touches_nothing_and_leaves_nothing() {
        let (place, directory) = directory_with("before");
        // A look that was broken off.
        std::mem::forget(Apart::of(&directory).unwrap());
        assert_eq!(names(place.path()), ["000001", "000001.look"]);
        let apart = Apart::of(&directory).unwrap();
        assert_eq!(names(apart.files()), ["blobs", "db"]);
        fs::write(apart.files().join("db"), "shredded").unwrap();
        fs::create_dir(apart.files().with_extension("before-repair")).unwrap();
        drop(apart);
        assert_eq!(names(place.path()), ["000001"]);
        for file in ["db", "blobs/1"] {
            assert_eq!(fs::read_to_string(directory.join(file)).unwrap(), "before");
        }
    }

    #[test]
    fn a_journal_that_is_not_there_yet_has_nothing_to_be_kept() {
        let place = tempfile::tempdir().unwrap();
        let directory = place.path().join("000001");
        let kept = AsItWas::keep(&directory).unwrap();
        fs::create_dir(&directory).unwrap();
        drop(kept);
        assert_eq!(names(place.path()), ["000001"]);
    }
}
