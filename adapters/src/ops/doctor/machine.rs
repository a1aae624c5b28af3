//! What the machine gives a server: files that may be open, and the time.

use std::time::SystemTime;

use jifen_engine::{Clock, SystemClock, ledger::UnixMillis};
use jiff::Timestamp;
use rustix::process::{Resource, getrlimit};

use super::report::Report;
use crate::file::grouped;

/// What a server opens for itself: its journal, its views, and what it reads from.
const OWN_FILES: u64 = 256;
/// Beyond that a busy server has room for its clients; every connection takes one.
const COMFORTABLE_FILES: u64 = 4_096;
/// The years in which this program may run.
const YEARS: std::ops::RangeInclusive<i16> = 2025..=2100;
/// How far the clock may be behind what was written last, in milliseconds: another machine may have written it.
const BEHIND_MILLIS_MAX: u64 = 60_000;

/// Looks at the limit of open files. A server started elsewhere may have another one.
pub(super) fn open_files(report: &mut Report) {
    const CHECK: &str = "open files";
    const ADVICE: &str =
        "raise it for the server, with `ulimit -n 65536` or LimitNOFILE=65536 in its unit";
    let limit = getrlimit(Resource::Nofile);
    let Some(most) = limit.current else {
        return report.ok(CHECK, "no limit");
    };
    let clients = most.saturating_sub(OWN_FILES);
    let found = format!("at most {} here", grouped(most));
    if clients == 0 {
        let found = format!("{found}; the server alone needs up to {OWN_FILES}");
        report.failed(CHECK, found, ADVICE);
    } else if most < COMFORTABLE_FILES {
        let found = format!(
            "{found}, room for about {} connections at once",
            grouped(clients)
        );
        report.warning(CHECK, found, ADVICE);
    } else {
        report.ok(CHECK, found);
    }
}

/// Looks at the clock: whether it tells a time at which this could run, and whether it is behind the newest change in the
/// directory.
pub(super) fn clock(newest_change: Option<SystemTime>, report: &mut Report) {
    const CHECK: &str = "clock";
    const ADVICE: &str = "set it and keep it set, with chrony or systemd-timesyncd; stamps never go back, so until it has \
                          caught up nothing lapses and no hold ends";
    let now = SystemClock.now();
    let Some(told) = timestamp(now) else {
        return report.failed(CHECK, "beyond all calendars", ADVICE);
    };
    if !YEARS.contains(&told.strftime("%Y").to_string().parse().unwrap_or_default()) {
        return report.failed(CHECK, format!("{told:.0}: not the time it is"), ADVICE);
    }
    let newest = newest_change.and_then(millis);
    match newest.map(|newest| newest.saturating_sub(now.0)) {
        Some(behind) if behind > BEHIND_MILLIS_MAX => {
            let seconds = grouped(behind / 1_000);
            let found =
                format!("{told:.0}: {seconds} s behind what was written last in the directory");
            report.failed(CHECK, found, ADVICE);
        }
        Some(_) | None => report.ok(CHECK, format!("{told:.0}")),
    }
}

fn timestamp(at: UnixMillis) -> Option<Timestamp> {
    let millis = i64::try_from(at.0).ok()?;
    Timestamp::from_millisecond(millis).ok()
}

fn millis(at: SystemTime) -> Option<u64> {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    u64::try_from(since.as_millis()).ok()
}
