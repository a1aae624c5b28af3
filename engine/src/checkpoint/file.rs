//! An image on disk. All numbers are big-endian.
//!
//! ```text
//! "JI" version:1 zero:1 shard:2 zero:2 seq:8 check:8
//! (length:4 check:8 part)…            parts as `ledger::Restoring` takes them
//! zero:4 check:8                      the end
//! ```
//!
//! `check` is XXH3-64 of what it follows, seeded with the number of the part: 0 for the head, 1, 2 … and one more for
//! the end, so that a part that is lost, doubled or swapped shows.

use std::{
    fs::{self, File},
    io::{BufReader, BufWriter, Read, Write},
    path::{Path, PathBuf},
};

use xxhash_rust::xxh3::xxh3_64_with_seed;

use super::CheckpointError;
use crate::ledger::{Seq, ShardIndex};

const VERSION: u8 = 1;
const HEAD_BYTES: usize = 16;
/// No part is nearly as long, whatever a damaged length says.
const PART_BYTES_MAX: usize = 1 << 31;

/// Writes an image beside its place. What is not put there is removed when it is dropped: it takes room for nothing.
pub(crate) struct ImageWriter {
    file: BufWriter<File>,
    draft: PathBuf,
    path: PathBuf,
    parts: u64,
    bytes: u64,
    placed: bool,
}

impl ImageWriter {
    /// Begins the file that will be `path`.
    pub(crate) fn begin(path: &Path, shard: ShardIndex, seq: Seq) -> Result<Self, CheckpointError> {
        let draft = path.with_extension("draft");
        let file = File::create(&draft)
            .map_err(CheckpointError::io(format!("create {}", draft.display())))?;
        let mut this = Self {
            file: BufWriter::with_capacity(256 << 10, file),
            draft,
            path: path.to_owned(),
            parts: 0,
            bytes: 0,
            placed: false,
        };
        let mut head = [0; HEAD_BYTES];
        head[..2].copy_from_slice(b"JI");
        head[2] = VERSION;
        head[4..6].copy_from_slice(&shard.0.to_be_bytes());
        head[8..].copy_from_slice(&seq.0.to_be_bytes());
        this.write(&head)?;
        this.write(&xxh3_64_with_seed(&head, 0).to_be_bytes())?;
        Ok(this)
    }

    /// Appends a part, which must not be empty.
    pub(crate) fn part(&mut self, part: &[u8]) -> Result<(), CheckpointError> {
        let length = u32::try_from(part.len()).expect("parts are small");
        self.parts += 1;
        self.write(&length.to_be_bytes())?;
        self.write(&xxh3_64_with_seed(part, self.parts).to_be_bytes())?;
        self.write(part)
    }

    /// Ends the file and makes its content durable; tells its size in bytes.
    pub(crate) fn end(&mut self) -> Result<u64, CheckpointError> {
        self.write(&[0; 4])?;
        self.write(&xxh3_64_with_seed(&[], self.parts + 1).to_be_bytes())?;
        let synced = self
            .file
            .flush()
            .and_then(|()| self.file.get_ref().sync_all());
        synced.map_err(CheckpointError::io(format!(
            "write {}",
            self.draft.display()
        )))?;
        Ok(self.bytes)
    }

    /// Puts the file in its place. The name is durable when the directory was synced.
    pub(crate) fn place(mut self) -> Result<(), CheckpointError> {
        fs::rename(&self.draft, &self.path).map_err(CheckpointError::io(format!(
            "rename {}",
            self.draft.display()
        )))?;
        self.placed = true;
        Ok(())
    }

    fn write(&mut self, bytes: &[u8]) -> Result<(), CheckpointError> {
        self.bytes += bytes.len() as u64;
        self.file
            .write_all(bytes)
            .map_err(CheckpointError::io(format!(
                "write {}",
                self.draft.display()
            )))
    }
}

impl Drop for ImageWriter {
    fn drop(&mut self) {
        if !self.placed {
            // The next start removes what is left.
            let _ = fs::remove_file(&self.draft);
        }
    }
}

/// Shows the parts of an image; it must be that of `shard`.
pub(crate) fn read(
    path: &Path,
    shard: ShardIndex,
    take: &mut dyn FnMut(&[u8]) -> Result<(), CheckpointError>,
) -> Result<Seq, CheckpointError> {
    let (mut reader, seq) = ImageReader::begin(path, shard)?;
    while let Some(part) = reader.next()? {
        take(part)?;
    }
    Ok(seq)
}

/// The first part of an image, which is its ledger's head; it must be that of `shard`.
pub(crate) fn first_part(path: &Path, shard: ShardIndex) -> Result<Vec<u8>, CheckpointError> {
    let (mut reader, _) = ImageReader::begin(path, shard)?;
    Ok(reader.next()?.unwrap_or_default().to_vec())
}

/// Reads an image part by part.
struct ImageReader<'a> {
    path: &'a Path,
    file: BufReader<File>,
    part: Vec<u8>,
    parts: u64,
}

impl<'a> ImageReader<'a> {
    /// Begins to read; tells behind which entry the image stands.
    fn begin(path: &'a Path, shard: ShardIndex) -> Result<(Self, Seq), CheckpointError> {
        let file =
            File::open(path).map_err(CheckpointError::io(format!("read {}", path.display())))?;
        let mut this = Self {
            path,
            file: BufReader::with_capacity(256 << 10, file),
            part: Vec::new(),
            parts: 0,
        };
        let head: [u8; HEAD_BYTES] = this.exactly()?;
        let check = this.exactly()?;
        if head[..2] != *b"JI" || u64::from_be_bytes(check) != xxh3_64_with_seed(&head, 0) {
            return Err(this.damaged("it does not begin like an image"));
        }
        if head[2] != VERSION || head[4..6] != shard.0.to_be_bytes() {
            return Err(this.damaged("it is of another version or shard"));
        }
        let mut seq = [0; 8];
        seq.copy_from_slice(&head[8..]);
        Ok((this, Seq(u64::from_be_bytes(seq))))
    }

    /// The next part; `None` behind the last one.
    fn next(&mut self) -> Result<Option<&[u8]>, CheckpointError> {
        self.parts += 1;
        let length = u32::from_be_bytes(self.exactly()?) as usize;
        let check = self.exactly()?;
        if length > PART_BYTES_MAX {
            return Err(self.damaged("a part is too long"));
        }
        let mut part = std::mem::take(&mut self.part);
        part.clear();
        part.resize(length, 0);
        self.fill(&mut part)?;
        self.part = part;
        if u64::from_be_bytes(check) != xxh3_64_with_seed(&self.part, self.parts) {
            return Err(self.damaged("a checksum is wrong"));
        }
        Ok((length > 0).then_some(&self.part[..]))
    }

    fn exactly<const N: usize>(&mut self) -> Result<[u8; N], CheckpointError> {
        let mut bytes = [0; N];
        self.fill(&mut bytes)?;
        Ok(bytes)
    }

    fn fill(&mut self, bytes: &mut [u8]) -> Result<(), CheckpointError> {
        match self.file.read_exact(bytes) {
            Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
                Err(self.damaged("it ends early"))
            }
            read => read.map_err(CheckpointError::io(format!("read {}", self.path.display()))),
        }
    }

    fn damaged(&self, what: &str) -> CheckpointError {
        CheckpointError::Damaged {
            path: self.path.to_owned(),
            what: what.to_owned(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHARD: ShardIndex = ShardIndex(3);

    fn parts(path: &Path) -> Result<(Vec<Vec<u8>>, Seq), CheckpointError> {
        let mut parts = Vec::new();
        let seq = read(path, SHARD, &mut |part| {
            parts.push(part.to_vec());
            Ok(())
        })?;
        Ok((parts, seq))
    }

    #[test]
    fn an_image_is_read_back_as_written_and_damage_shows() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("000007-0003.img");
        let mut writer = ImageWriter::begin(&path, SHARD, Seq(70)).unwrap();
        for part in [&b"head"[..], b"members"] {
            writer.part(part).unwrap();
        }
        let bytes = writer.end().unwrap();
        assert!(
            !path.exists(),
            "it is not in its place before it is durable"
        );
        writer.place().unwrap();
        let written = fs::read(&path).unwrap();
        assert_eq!(written.len() as u64, bytes);
        let whole = (vec![b"head".to_vec(), b"members".to_vec()], Seq(70));
        assert_eq!(parts(&path).unwrap(), whole);
        assert_eq!(first_part(&path, SHARD).unwrap(), b"head");
        for bit in 0..written.len() * 8 {
            let mut damaged = written.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            fs::write(&path, &damaged).unwrap();
            assert!(parts(&path).is_err(), "bit {bit}");
        }
        for length in 0..written.len() {
            fs::write(&path, &written[..length]).unwrap();
            assert!(parts(&path).is_err(), "cut at {length}");
        }
        fs::write(&path, &written).unwrap();
        let other = read(&path, ShardIndex(4), &mut |_| Ok(()));
        assert!(other.is_err(), "of another shard");
    }

    #[test]
    fn an_image_that_is_given_up_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("000007-0003.img");
        let mut writer = ImageWriter::begin(&path, SHARD, Seq(70)).unwrap();
        writer.part(b"head").unwrap();
        drop(writer);
        assert_eq!(fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
