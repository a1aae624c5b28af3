//! What the system knows of this process. Linux tells it in files; elsewhere nothing of it is shown.

use std::fs;

/// How the process stands.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Process {
    /// Memory that is in use, in bytes, the allocator's reserve included.
    pub(super) resident_bytes: Option<u64>,
    /// Time on all processors, in seconds.
    pub(super) cpu_seconds: Option<f64>,
    /// Files and connections that are open.
    pub(super) open_files: Option<u64>,
}

impl Process {
    /// As it is now.
    pub(super) fn now() -> Self {
        Self {
            resident_bytes: resident_bytes(),
            cpu_seconds: cpu_seconds(),
            open_files: fs::read_dir("/proc/self/fd")
                .ok()
                .map(|files| files.count() as u64),
        }
    }
}

fn resident_bytes() -> Option<u64> {
    let pages = fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = pages.split(' ').nth(1)?.parse().ok()?;
    Some(pages * rustix::param::page_size() as u64)
}

fn cpu_seconds() -> Option<f64> {
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    // The name of the program may hold anything, and ends with the last bracket.
    let (_, fields) = stat.rsplit_once(") ")?;
    // In ticks: on its own behalf, and the system's on its behalf.
    let ticks = fields.split(' ').skip(11).take(2);
    let ticks: u64 = ticks.map(str::parse::<u64>).sum::<Result<u64, _>>().ok()?;
    Some(ticks as f64 / rustix::param::clock_ticks_per_second() as f64)
}
