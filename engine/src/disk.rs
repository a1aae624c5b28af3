//! Room on the disk: new work is refused while there is still enough to finish what was accepted.
//!
//! A journal that cannot be written ends the process. So a thread looks at the free space a few times a second, and
//! below a reserve the engine takes no commands, writes no images and does nothing by itself until there is room again. Reads
//! go on, and so does archiving, which makes room.

use std::{
    fmt, io,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use crossbeam::channel::{Receiver, RecvTimeoutError};

use crate::meters::DiskGauges;

/// How often the free space is looked at. A fast disk takes some 100 MiB in this time, less than a fair reserve.
const LOOK_EVERY: Duration = Duration::from_millis(250);
/// There is room again when the reserve is there and this part of it on top, so that a disk at its edge does not open
/// and close the door all the time.
const RESERVE_PER_MARGIN: u64 = 8;

/// Tells how much room there is for a data directory.
pub trait FreeSpace: Send + Sync {
    /// Bytes that may still be written, now.
    fn free_bytes(&self) -> io::Result<u64>;
}

/// The file system that holds a directory.
#[derive(Clone, Debug)]
pub struct FileSystem(PathBuf);

impl FileSystem {
    /// The one that holds `directory`.
    #[must_use]
    pub fn of(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    /// How large it is, in bytes.
    pub fn total_bytes(&self) -> io::Result<u64> {
        let told = rustix::fs::statvfs(&self.0)?;
        Ok(told.f_blocks.saturating_mul(told.f_frsize))
    }
}

impl FreeSpace for FileSystem {
    /// What is set aside for the system's administrator does not count.
    fn free_bytes(&self) -> io::Result<u64> {
        let told = rustix::fs::statvfs(&self.0)?;
        Ok(told.f_bavail.saturating_mul(told.f_frsize))
    }
}

/// A disk without end, for engines that have none.
#[derive(Clone, Copy, Debug, Default)]
pub struct Endless;

impl FreeSpace for Endless {
    fn free_bytes(&self) -> io::Result<u64> {
        Ok(u64::MAX)
    }
}

/// Whether there is room, as the door and the shards ask.
pub(crate) struct Disk {
    space: Arc<dyn FreeSpace>,
    reserve_bytes: u64,
    short: AtomicBool,
    /// What was found last.
    free_bytes: AtomicU64,
    /// Whether the system did not say the last time.
    unknown: AtomicBool,
}

impl Disk {
    /// Has looked once: the first command meets a door that knows.
    pub(crate) fn new(space: Arc<dyn FreeSpace>, reserve_bytes: u64) -> Self {
        let disk = Self {
            space,
            reserve_bytes,
            short: AtomicBool::new(false),
            free_bytes: AtomicU64::new(0),
            unknown: AtomicBool::new(false),
        };
        disk.look();
        disk
    }

    /// Whether too little is left to take on anything.
    pub(crate) fn is_short(&self) -> bool {
        self.short.load(Ordering::Relaxed)
    }

    /// How it stands, as it was found last.
    pub(crate) fn gauges(&self) -> DiskGauges {
        let known = !self.unknown.load(Ordering::Relaxed);
        DiskGauges {
            free_bytes: known.then(|| self.free_bytes.load(Ordering::Relaxed)),
            reserve_bytes: self.reserve_bytes,
            is_short: self.is_short(),
        }
    }

    /// Looks until the sender is dropped.
    pub(crate) fn watch(&self, stopped: &Receiver<()>) {
        while stopped.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
            self.look();
        }
    }

    /// Looks once. Every change is told once.
    pub(crate) fn look(&self) {
        let free = match self.space.free_bytes() {
            Ok(free) => free,
            Err(error) => {
                // Nothing is known, so nothing changes: a journal that cannot be written stops the process anyway.
                if !self.unknown.swap(true, Ordering::Relaxed) {
                    tracing::warn!(%error, "how much room the disk has cannot be told");
                }
                return;
            }
        };
        self.free_bytes.store(free, Ordering::Relaxed);
        self.unknown.store(false, Ordering::Relaxed);
        let margin = self.reserve_bytes / RESERVE_PER_MARGIN;
        let was_short = self.is_short();
        let is_short = if was_short {
            free < self.reserve_bytes.saturating_add(margin)
        } else {
            free < self.reserve_bytes
        };
        self.short.store(is_short, Ordering::Relaxed);
        let (free, reserve) = (Mebibytes(free), Mebibytes(self.reserve_bytes));
        match (was_short, is_short) {
            (false, true) => tracing::error!(
                %free, %reserve,
                "the disk is nearly full: commands are refused until there is room again, reads go on; free some space, \
                 enlarge the disk, or lower --disk-reserve"
            ),
            (true, false) => {
                tracing::info!(%free, %reserve, "the disk has room again: commands are taken");
            }
            (false, false) | (true, true) => {}
        }
    }
}

struct Mebibytes(u64);

impl fmt::Display for Mebibytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} MiB", self.0 >> 20)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    struct Told(AtomicU64);

    impl FreeSpace for Told {
        fn free_bytes(&self) -> io::Result<u64> {
            match self.0.load(Ordering::Relaxed) {
                0 => Err(io::ErrorKind::PermissionDenied.into()),
                free => Ok(free),
            }
        }
    }

    #[test]
    fn the_door_closes_below_the_reserve_and_opens_with_a_margin() {
        let told = Arc::new(Told(AtomicU64::new(800)));
        let disk = Disk::new(Arc::clone(&told) as Arc<dyn FreeSpace>, 800);
        assert!(!disk.is_short());
        for (free, short) in [
            (799, true),
            (800, true),
            (899, true),
            (900, false),
            (800, false),
            // Nobody knows: as it was.
            (0, false),
            (1, true),
            (0, true),
            (u64::MAX, false),
        ] {
            told.0.store(free, Ordering::Relaxed);
            disk.look();
            assert_eq!(disk.is_short(), short, "{free}");
        }
    }

    #[test]
    fn a_disk_that_is_short_at_the_start_is_known_to_be() {
        let short = |free, reserve| {
            let told = Arc::new(Told(AtomicU64::new(free)));
            Disk::new(told, reserve).is_short()
        };
        assert!(short(99, 100));
        assert!(!short(100, 100));
        assert!(!short(1, 0), "no reserve, no guard");
        assert!(!Disk::new(Arc::new(Endless), u64::MAX).is_short());
    }

    #[test]
    fn a_file_system_has_less_free_than_it_has_in_all() {
        let here = FileSystem::of(Path::new(env!("CARGO_MANIFEST_DIR")));
        assert!(here.free_bytes().unwrap() <= here.total_bytes().unwrap());
        let nowhere = FileSystem::of(Path::new("/nowhere/at/all"));
        assert!(nowhere.free_bytes().is_err());
    }
}
