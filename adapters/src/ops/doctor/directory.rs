//! A data directory's versions, its files, and who uses them.

use std::{
    fs::{self, File, TryLockError},
    io,
    path::{Path, PathBuf},
    time::SystemTime,
};

use jifen_engine::{
    ROUTER_VERSION, Router,
    journal::{
        JournalError, block,
        head::{Head, HeadFile},
        identity::Identity,
        manifest,
    },
};

use super::report::Report;
use crate::file::grouped;

/// The version of sled that is built in, pinned in the workspace.
const SLED_VERSION: &str = "0.34.7";
const RESTORE: &str = "restore a backup; `jifen journal verify` tells what can still be read";

/// Looks at the files of a data directory. Nothing is changed.
pub(super) fn examine(data: &Path, report: &mut Report) {
    let router = manifest(data, report);
    versions(router, report);
    if let Some(router) = router {
        identity(data, report);
        let head = head(data, router, report);
        journal(data, head.as_ref(), report);
    }
    in_use(data, report);
}

/// When something in the directory changed last, as far as a look at its files tells.
pub(super) fn newest_change(data: &Path) -> Option<SystemTime> {
    let mut files = vec![data.join("head"), data.join("manifest.json")];
    files.extend(epochs(data).into_iter().map(|epoch| epoch.join("db")));
    let changed = files
        .iter()
        .filter_map(|file| fs::metadata(file).ok()?.modified().ok());
    changed.max()
}

/// Tells what this program is and knows, and what the directory was made with.
pub(super) fn versions(router: Option<Router>, report: &mut Report) {
    let program = env!("CARGO_PKG_VERSION");
    let made = router.map_or_else(String::new, |router| {
        format!("; the directory has {} shards", router.shards())
    });
    report.ok(
        "versions",
        format!(
            "jifen {program}, manifest {}, router {ROUTER_VERSION}, blocks {}, sled {SLED_VERSION}{made}",
            manifest::MANIFEST_VERSION,
            block::FORMAT_VERSION
        ),
    );
}

/// What the directory was made with; `None` if nothing else can be looked at.
fn manifest(data: &Path, report: &mut Report) -> Option<Router> {
    const CHECK: &str = "manifest";
    match manifest::read(&data.join("manifest.json")) {
        Ok(Some(router)) => {
            report.ok(CHECK, "readable");
            Some(router)
        }
        Ok(None) if data.join("journal").exists() => {
            report.damaged(
                CHECK,
                "manifest.json is missing, but a journal is there",
                "put back this one file from a backup of this directory, it never changes",
            );
            None
        }
        Ok(None) => {
            report.ok(CHECK, "none yet: nothing was ever journaled here");
            None
        }
        Err(error) => {
            told(CHECK, &error, report);
            None
        }
    }
}

fn identity(data: &Path, report: &mut Report) {
    const CHECK: &str = "identity";
    match Identity::read(data) {
        Ok(Some(identity)) => {
            let id = identity.id().map(|id| id.to_string());
            report.ok(CHECK, format!("journal {}", id.unwrap_or_default()));
        }
        Ok(None) => report.ok(CHECK, "none yet: the next start gives the journal a name"),
        Err(error) => told(CHECK, &error, report),
    }
}

fn head(data: &Path, router: Router, report: &mut Report) -> Option<Head> {
    const CHECK: &str = "head";
    match HeadFile::open(&data.join("head"), router.shards()) {
        Ok((_, head)) => {
            let turns = grouped(head.turn);
            report.ok(CHECK, format!("readable, {turns} turns were durable"));
            Some(head)
        }
        Err(error) => {
            told(CHECK, &error, report);
            None
        }
    }
}

fn journal(data: &Path, head: Option<&Head>, report: &mut Report) {
    const CHECK: &str = "journal";
    let epochs = epochs(data);
    let missing = |epoch: &&PathBuf| !epoch.join("db").exists();
    let turns = head.map_or(0, |head| head.turn);
    if let Some(epoch) = epochs.iter().find(missing).filter(|_| turns > 0) {
        let found = format!("{} holds no file db", epoch.display());
        report.damaged(CHECK, found, RESTORE);
    } else if epochs.is_empty() && turns > 0 {
        let found = format!("it is missing, and {} turns were durable", grouped(turns));
        report.damaged(CHECK, found, RESTORE);
    } else if let Some(epoch) = epochs.iter().find(|epoch| has_files(&epoch.join("blobs"))) {
        let found = format!("{} holds blobs, and none was written", epoch.display());
        report.damaged(CHECK, found, RESTORE);
    } else {
        let there = match epochs.len() {
            0 => "nothing yet".to_owned(),
            count => format!("{count} directories of sled are there"),
        };
        report.ok(CHECK, there);
    }
    for (ending, found) in [
        (
            "before-repair",
            "sled once found its files corrupt and was opened without its snapshots",
        ),
        (
            "before-start",
            "a start is under way, or was broken off and left a copy of the files",
        ),
    ] {
        let copies = epochs.iter().map(|epoch| epoch.with_extension(ending));
        for copy in copies.filter(|copy| copy.exists()) {
            let advice = format!(
                "look at the disk's health; if all is well, remove {}",
                copy.display()
            );
            report.warning(CHECK, found, advice);
        }
    }
}

fn in_use(data: &Path, report: &mut Report) {
    const CHECK: &str = "use";
    let lock = match File::open(data.join("lock")) {
        Ok(lock) => lock,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return report.ok(CHECK, "not in use, and never was");
        }
        Err(error) => {
            let advice = "run this as the user that the server runs as";
            return report.warning(CHECK, format!("cannot open the lock: {error}"), advice);
        }
    };
    // Given back at once; only a server that starts in this very moment could meet it.
    match lock.try_lock_shared() {
        Ok(()) => report.ok(CHECK, "not in use"),
        Err(TryLockError::WouldBlock) => report.ok(CHECK, "in use, probably by a running server"),
        Err(TryLockError::Error(error)) => report.warning(
            CHECK,
            format!("the file system takes no locks: {error}"),
            "put the data directory on a disk of this machine",
        ),
    }
}

/// What an error of the journal says, as a finding.
fn told(check: &'static str, error: &JournalError, report: &mut Report) {
    match error {
        JournalError::Damaged(_) => report.damaged(check, error.to_string(), RESTORE),
        JournalError::Foreign(_) => {
            report.damaged(check, error.to_string(), "use the version that made it");
        }
        _ => report.failed(
            check,
            error.to_string(),
            "run this as the user that the server runs as, and look at the disk's health",
        ),
    }
}

/// The directories of sled below the journal, in order.
fn epochs(data: &Path) -> Vec<PathBuf> {
    let Ok(files) = fs::read_dir(data.join("journal")) else {
        return Vec::new();
    };
    let is_number = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str());
        name.is_some_and(|name| name.bytes().all(|byte| byte.is_ascii_digit()))
    };
    let mut epochs: Vec<PathBuf> = files.filter_map(|file| Some(file.ok()?.path())).collect();
    epochs.retain(|path| is_number(path) && path.is_dir());
    epochs.sort();
    epochs
}

fn has_files(directory: &Path) -> bool {
    fs::read_dir(directory).is_ok_and(|mut files| files.next().is_some())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_version_of_sled_is_the_one_that_is_pinned() {
        let workspace = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Cargo.toml");
        let pinned = fs::read_to_string(workspace).unwrap();
        assert!(pinned.contains(&format!("sled = \"={SLED_VERSION}\"")));
    }

    #[test]
    fn only_numbers_are_epochs() {
        let data = tempfile::tempdir().unwrap();
        for name in ["000002", "000001", "000001.before-repair", "notes"] {
            fs::create_dir_all(data.path().join("journal").join(name)).unwrap();
        }
        let found = epochs(data.path());
        let names: Vec<_> = found
            .iter()
            .filter_map(|path| path.file_name()?.to_str())
            .collect();
        assert_eq!(names, ["000001", "000002"]);
    }
}
