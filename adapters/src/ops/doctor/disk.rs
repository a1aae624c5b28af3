//! Room, file system, and whether a sync is one.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use jifen_engine::{
    Stopwatch,
    disk::{FileSystem, FreeSpace},
};

use super::report::Report;
use crate::{file::grouped, ops::size};

/// How many syncs are measured.
const ROUNDS: usize = 200;
/// How much is written before each, in bytes: a small turn.
const ROUND_BYTES: usize = 512;
/// No device is that fast, in microseconds.
const SUSPICIOUS_MICROS: u64 = 15;
/// Slower than this every answer is slow, in microseconds.
const SLOW_MICROS: u64 = 20_000;
/// There should be so many reserves left before commands are refused.
const COMFORTABLE_RESERVES: u64 = 4;

/// Looks at the disk that holds a directory.
pub(super) fn examine(data: &Path, reserve_bytes: u64, report: &mut Report) {
    room(data, reserve_bytes, report);
    file_system(data, report);
    sync(data, report);
}

fn room(data: &Path, reserve: u64, report: &mut Report) {
    const CHECK: &str = "disk space";
    let disk = FileSystem::of(data);
    let (free, total) = match (disk.free_bytes(), disk.total_bytes()) {
        (Ok(free), Ok(total)) => (free, total),
        (Err(error), _) | (_, Err(error)) => {
            let found = format!("the system does not tell: {error}");
            return report.failed(CHECK, found, "look with `df` whether the disk is there");
        }
    };
    let found = format!(
        "{} free of {}, reserve {}",
        size::text(free),
        size::text(total),
        size::text(reserve)
    );
    if free < reserve {
        let advice = "a server refuses all commands like this: free some space, enlarge the disk, or lower --disk-reserve";
        report.failed(CHECK, found, advice);
    } else if free / COMFORTABLE_RESERVES < reserve {
        let advice = "free some space or enlarge the disk soon: below the reserve a server refuses all commands";
        report.warning(CHECK, found, advice);
    } else {
        report.ok(CHECK, found);
    }
}

/// What is known of file systems, by the number that the system tells.
const FILE_SYSTEMS: &[(u32, &str, Kind)] = &[
    (0xEF53, "ext4", Kind::Local),
    (0x5846_5342, "XFS", Kind::Local),
    (0x9123_683E, "btrfs", Kind::Local),
    (0x2FC1_2FC1, "ZFS", Kind::Local),
    (0xF2F5_2010, "F2FS", Kind::Local),
    (0x794C_7630, "overlay", Kind::Layer),
    (0x0102_1994, "tmpfs", Kind::Memory),
    (0x8584_58F6, "ramfs", Kind::Memory),
    (0x6969, "NFS", Kind::Remote),
    (0xFF53_4D42, "CIFS", Kind::Remote),
    (0xFE53_4D42, "SMB", Kind::Remote),
    (0x0102_1997, "9P", Kind::Remote),
    (0x6573_5546, "FUSE", Kind::Remote),
];

/// What a file system is good for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Local,
    Layer,
    Memory,
    Remote,
}

fn file_system(data: &Path, report: &mut Report) {
    const CHECK: &str = "file system";
    let told = match rustix::fs::statfs(data) {
        Ok(told) => told,
        Err(error) => {
            let found = format!("the system does not tell: {error}");
            return report.warning(CHECK, found, "look with `stat -f` what it is");
        }
    };
    // The number has 32 bits, whatever type it is told in.
    let number = u32::try_from(i128::from(told.f_type) & 0xFFFF_FFFF).unwrap_or_default();
    let known = FILE_SYSTEMS.iter().find(|(known, ..)| *known == number);
    let Some((_, name, kind)) = known else {
        return report.ok(CHECK, format!("of a kind not known here, {number:#x}"));
    };
    match kind {
        Kind::Local => report.ok(CHECK, *name),
        Kind::Layer => report.warning(
            CHECK,
            format!("{name}: a container's own layer, gone with the container"),
            "put the data directory on a volume",
        ),
        Kind::Memory => report.warning(
            CHECK,
            format!("{name}: memory, empty after a restart of the machine"),
            "put the data directory on a disk, unless this is a trial",
        ),
        Kind::Remote => report.warning(
            CHECK,
            format!("{name}: a lock or a sync may not be what it says"),
            "put the data directory on a disk of this machine",
        ),
    }
}

fn sync(data: &Path, report: &mut Report) {
    const CHECK: &str = "sync";
    let mut micros = match measured(data) {
        Ok(micros) => micros,
        Err(error) => {
            let found = format!("cannot write and sync in {}: {error}", data.display());
            return report.failed(
                CHECK,
                found,
                "run this as the user that the server runs as, and see to it that it may write here",
            );
        }
    };
    micros.sort_unstable();
    let (median, p99) = (micros[ROUNDS / 2], micros[ROUNDS * 99 / 100]);
    let found = format!(
        "median {} µs, 99th percentile {} µs, {ROUNDS} times {ROUND_BYTES} bytes",
        grouped(median),
        grouped(p99)
    );
    if median < SUSPICIOUS_MICROS {
        report.warning(
            CHECK,
            format!("{found}: no device is that fast"),
            "something between here and the device says that it has written and has not, so a power failure loses \
             answers; look for memory, `nobarrier`, or a virtual disk with an unsafe cache",
        );
    } else if median > SLOW_MICROS {
        report.warning(
            CHECK,
            format!("{found}: slow"),
            "every answer waits for a sync; use a disk with a cache that survives a power failure",
        );
    } else {
        report.ok(CHECK, found);
    }
}

/// How long each sync took, in microseconds.
fn measured(data: &Path) -> io::Result<Vec<u64>> {
    let mut trial = Trial::begin(data)?;
    (0..ROUNDS).map(|_| trial.round()).collect()
}

/// A small file that goes when the trial is over.
struct Trial {
    file: File,
    path: PathBuf,
}

impl Trial {
    fn begin(data: &Path) -> io::Result<Self> {
        let path = data.join(format!("doctor-{}.tmp", std::process::id()));
        let file = File::options().write(true).create_new(true).open(&path)?;
        Ok(Self { file, path })
    }

    fn round(&mut self) -> io::Result<u64> {
        let watch = Stopwatch::start();
        self.file.write_all(&[0xA5; ROUND_BYTES])?;
        self.file.sync_data()?;
        Ok(watch.micros())
    }
}

impl Drop for Trial {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_file(&self.path) {
            eprintln!("cannot remove {}: {error}; remove it", self.path.display());
        }
    }
}
