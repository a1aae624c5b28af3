//! The shelf in a data directory: `past/<shard>/<number>`, one file per chunk.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use super::{Place, Shelf};
use crate::ledger::ShardIndex;

/// What a file is called while it is being written.
const DRAFT: &str = "draft";

/// A directory of chunks. The caller holds the data directory's lock.
#[derive(Debug)]
pub struct FileShelf {
    directory: PathBuf,
}

impl FileShelf {
    /// The shelf in `directory`, which is made with the first chunk.
    #[must_use]
    pub fn new(directory: &Path) -> Self {
        Self {
            directory: directory.to_owned(),
        }
    }

    fn of_shard(&self, shard: ShardIndex) -> PathBuf {
        self.directory.join(shard.0.to_string())
    }

    fn path(&self, place: Place) -> PathBuf {
        self.of_shard(place.shard).join(place.number.to_string())
    }
}

impl Shelf for FileShelf {
    fn put(&self, place: Place, pieces: [&[u8]; 2]) -> io::Result<()> {
        let directory = self.of_shard(place.shard);
        fs::create_dir_all(&directory)?;
        let draft = directory.join(DRAFT);
        let mut file = File::create(&draft)?;
        for piece in pieces {
            file.write_all(piece)?;
        }
        drop(file);
        fs::rename(draft, self.path(place))
    }

    fn sync(&self, place: Place) -> io::Result<()> {
        File::open(self.path(place))?.sync_all()?;
        let of_shard = self.of_shard(place.shard);
        let above = self.directory.parent();
        let directories = [Some(of_shard.as_path()), Some(&self.directory), above];
        for directory in directories.into_iter().flatten() {
            File::open(directory)?.sync_all()?;
        }
        Ok(())
    }

    fn get(&self, place: Place) -> io::Result<Option<Vec<u8>>> {
        absent(fs::read(self.path(place)))
    }

    fn clear(&self, place: Place) -> io::Result<()> {
        absent(fs::remove_file(self.path(place))).map(drop)
    }

    fn places(&self) -> io::Result<Vec<Place>> {
        let mut places = Vec::new();
        for shard in numbers(&self.directory)? {
            // A directory that no shard can be called after is not ours.
            let Ok(shard) = u16::try_from(shard).map(ShardIndex) else {
                continue;
            };
            let found = numbers(&self.of_shard(shard))?;
            places.extend(found.into_iter().map(|number| Place { shard, number }));
        }
        places.sort_unstable();
        Ok(places)
    }
}

/// The numbers after which things in a directory are called; what has another name is not ours.
fn numbers(directory: &Path) -> io::Result<Vec<u64>> {
    let Some(files) = absent(fs::read_dir(directory))? else {
        return Ok(Vec::new());
    };
    let mut numbers = Vec::new();
    for file in files {
        let name = file?.file_name();
        let number = name.to_str().and_then(|name| name.parse().ok());
        numbers.extend(number.filter(|number: &u64| *name == *number.to_string()));
    }
    Ok(numbers)
}

fn absent<T>(result: io::Result<T>) -> io::Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn place(shard: u16, number: u64) -> Place {
        Place {
            shard: ShardIndex(shard),
            number,
        }
    }

    #[test]
    fn chunks_lie_where_they_were_put() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = FileShelf::new(&directory.path().join("past"));
        assert_eq!(shelf.places().unwrap(), []);
        assert_eq!(shelf.get(place(1, 0)).unwrap(), None);
        for at in [place(10, 2), place(1, 0), place(1, 11)] {
            shelf.put(at, [b"frame ", b"chunk"]).unwrap();
        }
        assert_eq!(
            shelf.get(place(10, 2)).unwrap().as_deref(),
            Some(&b"frame chunk"[..])
        );
        let all = [place(1, 0), place(1, 11), place(10, 2)];
        assert_eq!(shelf.places().unwrap(), all);
        shelf.clear(place(1, 0)).unwrap();
        shelf.clear(place(1, 0)).unwrap();
        assert_eq!(shelf.places().unwrap(), all[1..]);
    }

    #[test]
    fn what_has_another_name_is_not_ours() {
        let directory = tempfile::tempdir().unwrap();
        let shelf = FileShelf::new(directory.path());
        shelf.put(place(1, 5), [b"", b"chunk"]).unwrap();
        for name in ["1/draft", "1/05", "1/+5", "1/notes", "70000"] {
            fs::write(directory.path().join(name), "not ours").unwrap();
        }
        assert_eq!(shelf.places().unwrap(), [place(1, 5)]);
    }
}
