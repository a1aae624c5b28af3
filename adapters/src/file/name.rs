//! What an import is called, and what follows from that: who sends its commands, and what its lines are called.

use std::{fmt::Write, path::Path};

use jifen_engine::ledger::{ID_BYTES_MAX, IdError, Principal, RequestId};
use xxhash_rust::xxh3::xxh3_64;

/// The name of an import. Its commands come from the principal `import:<name>`, and a line without a request id is
/// called `<name>:<line>`. So a file that is imported again under the same name is recognised line by line, and two
/// different files must not share a name unless their lines have ids.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImportName {
    name: String,
    principal: Principal,
}

/// The digits of the largest line number.
const LINE_DIGITS_MAX: usize = 20;
/// What tells mapped names apart: `-` and eight hexadecimal digits.
const HASH_BYTES: usize = 9;

impl ImportName {
    /// The longest name, in bytes: `<name>:<line>` must be an identifier for every line.
    pub const BYTES_MAX: usize = ID_BYTES_MAX - ":".len() - LINE_DIGITS_MAX;

    /// Takes a name that was given. It must be an identifier of at most [`Self::BYTES_MAX`] bytes.
    pub fn new(name: &str) -> Result<Self, String> {
        if name.len() > Self::BYTES_MAX {
            return Err(format!(
                "must be at most {} characters long",
                Self::BYTES_MAX
            ));
        }
        Self::checked(name).map_err(|error| error.to_string())
    }

    /// The name of a file: its stem. What is not in the alphabet of identifiers becomes `-`, and what is too long is
    /// cut; a hash of the whole stem then keeps names apart that would have become the same.
    pub fn of_file(path: &Path) -> Result<Self, IdError> {
        let stem = path.file_stem().unwrap_or_default().to_string_lossy();
        let mut mapped: String = stem
            .chars()
            .map(|c| if in_alphabet(c) { c } else { '-' })
            .collect();
        if mapped != stem || mapped.len() > Self::BYTES_MAX {
            mapped.truncate(Self::BYTES_MAX - HASH_BYTES);
            // Half of a good hash is one too.
            let hash = xxh3_64(stem.as_bytes()) >> 32;
            // Writing into a string cannot fail.
            let _ = write!(mapped, "-{hash:08x}");
        }
        Self::checked(&mapped)
    }

    fn checked(name: &str) -> Result<Self, IdError> {
        RequestId::new(name)?;
        Ok(Self {
            name: name.to_owned(),
            principal: Principal::new(&format!("import:{name}"))?,
        })
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.name
    }

    /// Who sends the commands.
    #[must_use]
    pub const fn principal(&self) -> &Principal {
        &self.principal
    }

    /// Writes what line `line` is called if it does not say so itself.
    pub(super) fn line_id(&self, line: u64, id: &mut String) {
        id.clear();
        // Writing into a string cannot fail.
        let _ = write!(id, "{}:{line}", self.name);
    }
}

const _: () = assert!(ImportName::BYTES_MAX + "import:".len() <= ID_BYTES_MAX);

fn in_alphabet(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | ':' | '@' | '-')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(path: &str) -> String {
        ImportName::of_file(Path::new(path)).unwrap().name
    }

    #[test]
    fn a_file_is_called_by_its_stem() {
        assert_eq!(of("examples/day.ndjson"), "day");
        assert_eq!(of("/tmp/2026-11-21.day.csv"), "2026-11-21.day");
        assert_eq!(of("day"), "day");
    }

    #[test]
    fn what_is_no_identifier_is_mapped_and_stays_apart() {
        let (one, other) = (of("积分.csv"), of("会员.csv"));
        assert!(one.starts_with("---"), "{one}");
        assert_eq!(one.len(), other.len());
        assert_ne!(one, other);
        let long = "x".repeat(200);
        assert_eq!(of(&long).len(), ImportName::BYTES_MAX);
        assert_ne!(of(&format!("{long}1")), of(&format!("{long}2")));
        assert_eq!(of("积分.csv"), one);
    }

    #[test]
    fn every_name_makes_identifiers() {
        for path in [
            "day.csv",
            "积分 2026.csv",
            "my day.ndjson",
            &"é".repeat(100),
        ] {
            let name = ImportName::of_file(Path::new(path)).unwrap();
            let mut id = String::new();
            name.line_id(u64::MAX, &mut id);
            assert!(RequestId::new(&id).is_ok(), "{id}");
            assert_eq!(
                name.principal().as_str(),
                format!("import:{}", name.as_str())
            );
        }
        let longest = "x".repeat(ImportName::BYTES_MAX);
        assert!(ImportName::new(&longest).is_ok());
        for bad in ["", "a b", "a/b", &format!("{longest}x")] {
            assert!(ImportName::new(bad).is_err(), "{bad:?}");
        }
    }

    #[test]
    fn a_line_is_called_by_its_number() {
        let mut id = "whatever was there".to_owned();
        ImportName::new("day").unwrap().line_id(17, &mut id);
        assert_eq!(id, "day:17");
    }
}
