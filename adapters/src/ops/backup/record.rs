//! `backup.json`: what a backup holds.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use serde::{Deserialize, Serialize};

use super::super::{
    control::Keeping,
    journal::{ShardState, ToolError},
};

/// The only version there is so far.
const VERSION: u32 = 1;
const NAME: &str = "backup.json";

/// What a backup holds.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Record {
    version: u32,
    /// The program that took it.
    program: String,
    /// When it was complete.
    pub(super) taken_at: String,
    /// The last turn in it.
    pub(super) turn: u64,
    /// How many entries it holds.
    pub(super) entries: u64,
    /// What the hashes were computed under.
    pub(super) keeping: Keeping,
    /// What every shard's state was behind one of its entries.
    pub(super) states: Vec<ShardState>,
    /// Every file of the data directory that it can give back.
    pub(super) files: Vec<Stored>,
}

/// A file in a backup.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Stored {
    /// Where it belongs, from the data directory on.
    pub(super) path: String,
    /// Where it is, from the backup's directory on.
    pub(super) stored: String,
    /// How many bytes it has.
    pub(super) bytes: u64,
    /// Their hash, in hexadecimal.
    pub(super) blake3: String,
}

/// What makes a record of what was copied.
pub(super) struct Taken {
    pub(super) turn: u64,
    pub(super) entries: u64,
    pub(super) keeping: Keeping,
    pub(super) states: Vec<ShardState>,
    pub(super) files: Vec<Stored>,
}

impl Record {
    /// The record of what was copied just now.
    pub(super) fn of(taken: Taken) -> Self {
        Self {
            version: VERSION,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            taken_at: jiff::Timestamp::now().to_string(),
            turn: taken.turn,
            entries: taken.entries,
            keeping: taken.keeping,
            states: taken.states,
            files: taken.files,
        }
    }

    /// Reads the record of a directory; `None` if no backup was ever completed there.
    pub(super) fn read(directory: &Path) -> Result<Option<Self>, ToolError> {
        let path = directory.join(NAME);
        let text = match fs::read(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ToolError::file("read", &path)(error)),
        };
        let damaged = |what: String| {
            ToolError::Damaged(format!("{}: {what}; use another backup", path.display()))
        };
        let record: Self =
            serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if record.version != VERSION {
            return Err(damaged(format!(
                "is of version {}, and this program knows version {VERSION}",
                record.version
            )));
        }
        // Whoever wrote the list could otherwise write anywhere.
        let paths = record
            .files
            .iter()
            .flat_map(|file| [&file.path, &file.stored]);
        for name in paths {
            if !is_inside(name) {
                return Err(damaged(format!(
                    "{name:?} is no name of a file of a backup"
                )));
            }
        }
        Ok(Some(record))
    }

    /// Puts the record in place: from here on there is a backup.
    pub(super) fn write(&self, directory: &Path) -> Result<(), ToolError> {
        let path = directory.join(NAME);
        let draft = directory.join("backup.draft");
        let write = || {
            let mut file = File::create(&draft)?;
            serde_json::to_writer_pretty(&mut file, self)?;
            file.write_all(b"\n")?;
            file.sync_all()?;
            fs::rename(&draft, &path)?;
            File::open(directory)?.sync_all()
        };
        write().map_err(ToolError::file("write", &path))
    }

    /// The file that belongs to a place.
    pub(super) fn file(&self, path: &str) -> Option<&Stored> {
        self.files.iter().find(|file| file.path == path)
    }

    /// How many bytes all files have.
    pub(super) fn bytes(&self) -> u64 {
        self.files.iter().map(|file| file.bytes).sum()
    }
}

/// Whether a name leads nowhere but down.
fn is_inside(name: &str) -> bool {
    let mut parts = Path::new(name).components().peekable();
    parts.peek().is_some() && parts.all(|part| matches!(part, std::path::Component::Normal(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_down() {
        for (name, inside) in [
            ("keys.json", true),
            ("archive/000001.jfa", true),
            ("", false),
            ("/etc/passwd", false),
            ("../keys.json", false),
            ("archive/../../keys.json", false),
        ] {
            assert_eq!(is_inside(name), inside, "{name:?}");
        }
    }
}
