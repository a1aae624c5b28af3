//! What a data directory was made with and can never change: shards, router, format.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{JournalError, whole_file};
use crate::router::{ROUTER_VERSION, Router};

/// The only version there is so far.
pub const MANIFEST_VERSION: u32 = 1;

/// The manifest as it is written, in JSON.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    version: u32,
    shards: u16,
    router_version: u32,
    /// Hexadecimal: JSON numbers end at 2^53.
    router_seed: String,
}

/// Reads the manifest, if there is one.
pub fn read(path: &Path) -> Result<Option<Router>, JournalError> {
    let name = path.display();
    let read = whole_file::read(path).map_err(JournalError::io(format!("read {name}")))?;
    let Some(text) = read else { return Ok(None) };
    let damaged = |what: String| {
        JournalError::Damaged(format!(
            "{name} does not say any more which member is on which shard ({what}); put back this one file from a backup \
             of this directory, it never changes"
        ))
    };
    let written: Written =
        serde_json::from_slice(&text).map_err(|error| damaged(error.to_string()))?;
    if written.version != MANIFEST_VERSION || written.router_version != ROUTER_VERSION {
        return Err(JournalError::Foreign(format!(
            "{name} is of version {} with router {}; this program knows version {MANIFEST_VERSION} with router \
             {ROUTER_VERSION}",
            written.version, written.router_version
        )));
    }
    let seed = u64::from_str_radix(&written.router_seed, 16);
    let seed = seed.map_err(|error| damaged(format!("router_seed: {error}")))?;
    let router = Router::new(written.shards, seed);
    router
        .map(Some)
        .ok_or_else(|| damaged(format!("{} is no number of shards", written.shards)))
}

/// Writes the manifest of a new directory; it is there whole or not at all.
pub fn write(path: &Path, router: &Router) -> Result<(), JournalError> {
    let written = Written {
        version: MANIFEST_VERSION,
        shards: router.shards(),
        router_version: ROUTER_VERSION,
        router_seed: format!("{:016x}", router.seed()),
    };
    whole_file::write(path, &written).map_err(JournalError::io(format!("write {}", path.display())))
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn a_manifest_is_read_as_written() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("manifest.json");
        assert_eq!(read(&path).unwrap(), None);
        let router = Router::new(16, u64::MAX - 1).unwrap();
        write(&path, &router).unwrap();
        assert_eq!(read(&path).unwrap(), Some(router));
    }

    #[test]
    fn what_cannot_be_trusted_is_named() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("manifest.json");
        let check = |text: &str, expected: &str| {
            fs::write(&path, text).unwrap();
            let error = read(&path).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check("{", "damaged");
        check("\u{1}", "put back this one file");
        check(
            r#"{"version":1,"shards":3,"router_version":1,"router_seed":"0"}"#,
            "3 is no number of shards",
        );
        check(
            r#"{"version":2,"shards":4,"router_version":1,"router_seed":"0"}"#,
            "version 2",
        );
    }
}
