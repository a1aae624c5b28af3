//! What machine it is, without what would tell whose.

use std::{
    fs,
    io::Write,
    path::Path,
    process::Command,
    time::{Duration, Instant},
};

use serde::{Deserialize, Serialize};

use crate::{
    servers::{postgres, redis},
    trouble::Trouble,
};

/// How often the disk is asked for a sync, to see how long it takes.
const SYNCS: usize = 500;
/// What is written before each of them.
const SYNCED: [u8; 4_096] = [7; 4_096];

/// Where it was measured.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Machine {
    /// What the processors call themselves.
    pub processor: String,
    /// How many there are.
    pub cores: usize,
    /// Memory in GiB.
    pub memory_gib: f64,
    /// The kernel's release.
    pub kernel: String,
    /// What the data directories are on.
    pub file_system: String,
    /// A write of 4 KiB at the end of a file and its sync, in microseconds.
    pub sync_p50_micros: u64,
    /// The same, 99th percentile.
    pub sync_p99_micros: u64,
}

/// What was compared.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Versions {
    /// `jifen --version`
    pub jifen: String,
    /// `postgres --version`
    pub postgres: String,
    /// `redis-server --version`, its first words.
    pub redis: String,
}

impl Machine {
    /// Looks around; data goes to `scratch`.
    ///
    /// # Errors
    ///
    /// The disk cannot be written to, or is memory.
    pub fn look(scratch: &Path) -> Result<Self, Trouble> {
        let file_system = file_system(scratch);
        if matches!(file_system.as_str(), "tmpfs" | "ramfs") {
            let what =
                format!("{file_system} is memory; choose a directory on a disk with --scratch");
            return Err(Trouble::Wrong {
                system: "the file system",
                what,
            });
        }
        let mut syncs = time_syncs(scratch)?;
        syncs.sort_unstable();
        let micros =
            |part: usize| u64::try_from(syncs[SYNCS * part / 100].as_micros()).unwrap_or(u64::MAX);
        Ok(Self {
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown".into()),
            cores: std::thread::available_parallelism().map_or(1, usize::from),
            memory_gib: memory_gib(),
            kernel: rustix::system::uname()
                .release()
                .to_string_lossy()
                .into_owned(),
            file_system,
            sync_p50_micros: micros(50),
            sync_p99_micros: micros(99),
        })
    }
}

impl Versions {
    /// Asks the programs.
    ///
    /// # Errors
    ///
    /// One is not there.
    pub fn ask(jifen: &Path) -> Result<Self, Trouble> {
        let redis = version(Path::new(redis::BINARY))?;
        let words: Vec<&str> = redis.split_whitespace().take(3).collect();
        Ok(Self {
            jifen: version(jifen)?,
            postgres: version(&Path::new(postgres::BINARIES).join("postgres"))?,
            redis: words.join(" "),
        })
    }
}

fn version(program: &Path) -> Result<String, Trouble> {
    let what = || format!("asking {} for its version", program.display());
    let output = Command::new(program)
        .arg("--version")
        .output()
        .map_err(Trouble::io(what()))?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

/// The value in a file of lines like `name : value`.
fn field(file: &str, name: &str) -> Option<String> {
    let text = fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn memory_gib() -> f64 {
    let text = field("/proc/meminfo", "MemTotal").unwrap_or_default();
    let kib: f64 = text.trim_end_matches(" kB").parse().unwrap_or_default();
    kib / 1_048_576.0
}

/// The kind of the file system that a directory is on: the mount with the longest path.
fn file_system(directory: &Path) -> String {
    let directory = fs::canonicalize(directory).unwrap_or_else(|_| directory.to_owned());
    let mounts = fs::read_to_string("/proc/mounts").unwrap_or_default();
    let mounts = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let above = mounts.filter(|(point, _)| directory.starts_with(point));
    let deepest = above.max_by_key(|(point, _)| point.len());
    deepest.map_or_else(|| "unknown".into(), |(_, kind)| kind.to_owned())
}

fn time_syncs(scratch: &Path) -> Result<Vec<Duration>, Trouble> {
    let failed = || Trouble::io("timing the disk");
    let mut file = tempfile::tempfile_in(scratch).map_err(failed())?;
    let mut took = Vec::with_capacity(SYNCS);
    for _ in 0..SYNCS {
        let begun = Instant::now();
        file.write_all(&SYNCED).map_err(failed())?;
        file.sync_data().map_err(failed())?;
        took.push(begun.elapsed());
    }
    Ok(took)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_machine_is_looked_at() {
        let scratch = tempfile::tempdir_in(".").expect("a directory");
        let machine = Machine::look(scratch.path()).expect("a disk");
        assert!(machine.cores > 0 && machine.memory_gib > 0.1, "{machine:?}");
        assert!(
            machine.sync_p50_micros <= machine.sync_p99_micros,
            "{machine:?}"
        );
    }
}
