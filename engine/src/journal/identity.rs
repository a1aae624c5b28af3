//! Which journal a data directory holds.
//!
//! Turns are counted from 1 in every journal, and a journal that was put back from a backup counts on from there: what was
//! turn 1,000 before and what becomes it then are two turns. So each journal has a name, drawn by chance when its directory
//! is made, and another one from where it was put back on. All its names are kept, each with the last turn that it shares
//! with the journal that had it.
//!
//! ```text
//! {"version": 1, "journals": [{"id": "9a3f01c2", "until": 1200}, {"id": "04b7e6d1"}]}
//! ```
//!
//! A journal from before there were names has none at first; that counts as one of its names.

use std::{fmt, io, path::Path};

use serde::{Deserialize, Serialize};

use super::{JournalError, whole_file};

/// What the file is called, in a data directory and in backups.
pub const FILE: &str = "identity.json";
/// The only version there is so far.
const VERSION: u32 = 1;

/// The name of a journal: drawn by chance, so that no two are the same that a reader may ever meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct JournalId(u32);

impl JournalId {
    fn draw() -> Result<Self, JournalError> {
        getrandom::u32().map(Self).map_err(|error| {
            JournalError::io("ask the system for random bytes")(io::Error::other(error))
        })
    }

    /// Reads what [`Display`](fmt::Display) wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let id = Self(u32::from_str_radix(text, 16).ok()?);
        // One name, one spelling.
        (id.to_string() == text).then_some(id)
    }
}

impl fmt::Display for JournalId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:08x}", self.0)
    }
}

/// A name, and how much of what went by it is here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Name {
    /// `None` is how journals go that have no name.
    id: Option<JournalId>,
    /// The last turn that is the same; all of them, if there is none.
    until: Option<u64>,
}

/// All names of a journal, its own the last. One without any is what lives in memory only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity(Vec<Name>);

impl Default for Identity {
    fn default() -> Self {
        Self(vec![Name {
            id: None,
            until: None,
        }])
    }
}

/// The file as it is written, in JSON.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    journals: Vec<WrittenName>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WrittenName {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    until: Option<u64>,
}

impl Identity {
    /// Of a journal in which nothing is yet.
    pub fn of_new() -> Result<Self, JournalError> {
        Self(Vec::new()).with_new_id()
    }

    /// Of a journal that has had no name so far, and goes on: places in it that were told without one stay good.
    pub fn of_unnamed() -> Result<Self, JournalError> {
        Self::default().with_new_id()
    }

    /// Of what is put back from a backup up to a turn: whatever goes by its names and lies behind that is not in it.
    pub fn put_back(mut self, turn: u64) -> Result<Self, JournalError> {
        for name in &mut self.0 {
            name.until.get_or_insert(turn);
        }
        self.with_new_id()
    }

    fn with_new_id(mut self) -> Result<Self, JournalError> {
        let mut id = JournalId::draw()?;
        while self.0.iter().any(|name| name.id == Some(id)) {
            id = JournalId::draw()?;
        }
        self.0.push(Name {
            id: Some(id),
            until: None,
        });
        Ok(self)
    }

    /// Its own name.
    #[must_use]
    pub fn id(&self) -> Option<JournalId> {
        self.0.last().and_then(|name| name.id)
    }

    /// The last turn that it shares with the journal of that name: with a stranger, that in front of the first.
    #[must_use]
    pub fn shared_with(&self, id: Option<JournalId>) -> u64 {
        let name = self.0.iter().find(|name| name.id == id);
        name.map_or(0, |name| name.until.unwrap_or(u64::MAX))
    }

    /// Reads the file of a data directory, if there is one.
    pub fn read(directory: &Path) -> Result<Option<Self>, JournalError> {
        let path = directory.join(FILE);
        let name = path.display();
        let read = whole_file::read(&path).map_err(JournalError::io(format!("read {name}")))?;
        let Some(text) = read else { return Ok(None) };
        let damaged = |what: String| {
            JournalError::Damaged(format!(
                "{name} does not say any more which journal this is ({what}); put back this one file from a backup, or remove \
                 it: then whoever follows the feed must begin again"
            ))
        };
        let written: Written =
            serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
        if written.version != VERSION {
            return Err(JournalError::Foreign(format!(
                "{name} is of version {}; this program knows version {VERSION}",
                written.version
            )));
        }
        let names = written.journals.into_iter().map(WrittenName::name);
        let names: Option<Vec<Name>> = names.collect();
        let is_whole = |names: &Vec<Name>| {
            let last = names.last();
            last.is_some_and(|own| own.id.is_some() && own.until.is_none())
        };
        let names = names.filter(is_whole);
        names
            .map(|names| Some(Self(names)))
            .ok_or_else(|| damaged("no name of its own is in it".to_owned()))
    }

    /// Writes the file of a data directory; it is there whole or not at all.
    pub fn write(&self, directory: &Path) -> Result<(), JournalError> {
        let path = directory.join(FILE);
        let written = Written {
            version: VERSION,
            journals: self.0.iter().copied().map(WrittenName::of).collect(),
        };
        whole_file::write(&path, &written)
            .map_err(JournalError::io(format!("write {}", path.display())))
    }
}

impl WrittenName {
    fn of(name: Name) -> Self {
        Self {
            id: name.id.map(|id| id.to_string()),
            until: name.until,
        }
    }

    /// `None` if it is not spelled as a name is.
    fn name(self) -> Option<Name> {
        let id = match &self.id {
            Some(id) => Some(JournalId::parse(id)?),
            None => None,
        };
        let until = self.until;
        Some(Name { id, until })
    }
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn what_was_put_back_shares_what_was_before_and_nothing_that_came_later() {
        let first = Identity::of_new().unwrap();
        let second = first.clone().put_back(100).unwrap();
        let third = second.clone().put_back(150).unwrap();
        let early = first.clone().put_back(80).unwrap();
        let ids = [&first, &second, &third, &early].map(Identity::id);
        for (place, id) in ids.iter().enumerate() {
            assert!(id.is_some() && !ids[..place].contains(id), "{ids:?}");
        }
        let shares = |journal: &Identity| ids.map(|id| journal.shared_with(id));
        assert_eq!(shares(&first), [u64::MAX, 0, 0, 0]);
        assert_eq!(shares(&second), [100, u64::MAX, 0, 0]);
        assert_eq!(shares(&third), [100, 150, u64::MAX, 0]);
        assert_eq!(shares(&early), [80, 0, 0, u64::MAX]);
        assert_eq!(third.shared_with(None), 0, "it always had a name");
    }

    #[test]
    fn a_journal_from_before_there_were_names_is_the_one_without() {
        let old = Identity::of_unnamed().unwrap();
        assert!(old.id().is_some());
        assert_eq!(old.shared_with(None), u64::MAX);
        let back = old.put_back(7).unwrap();
        assert_eq!(back.shared_with(None), 7);
        let memory = Identity::default();
        assert_eq!((memory.id(), memory.shared_with(None)), (None, u64::MAX));
    }

    #[test]
    fn it_is_read_as_written() {
        let place = tempfile::tempdir().unwrap();
        assert_eq!(Identity::read(place.path()).unwrap(), None);
        let identity = Identity::of_unnamed().unwrap().put_back(1 << 60).unwrap();
        identity.write(place.path()).unwrap();
        assert_eq!(Identity::read(place.path()).unwrap(), Some(identity));
        assert_eq!(fs::read_dir(place.path()).unwrap().count(), 1, "no draft");
    }

    #[test]
    fn what_cannot_be_trusted_is_named() {
        let place = tempfile::tempdir().unwrap();
        let check = |text: &str, expected: &str| {
            fs::write(place.path().join(FILE), text).unwrap();
            let error = Identity::read(place.path()).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("{", "or remove it");
        check(r#"{"version":2,"journals":[]}"#, "version 2");
        for none in [
            r#"[]"#,
            r#"[{}]"#,
            r#"[{"id":"04b7e6d1","until":7}]"#,
            r#"[{"id":"4b7e6d1"}]"#,
            r#"[{"id":"04B7E6D1"}]"#,
        ] {
            let text = format!(r#"{{"version":1,"journals":{none}}}"#);
            check(&text, "no name of its own");
        }
    }
}
