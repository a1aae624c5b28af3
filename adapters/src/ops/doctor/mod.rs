//! `jifen doctor`: whether a machine and a data directory are fit for a server.
//!
//! | where | what |
//! |---|---|
//! | `report` | what was found, for people and for machines |
//! | `disk` | room, file system, and whether a sync is one |
//! | `machine` | open files, clock |
//! | `directory` | versions, damage, and who uses the directory |

mod directory;
mod disk;
mod machine;
mod report;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use self::report::Report;
use super::DiskArgs;

/// Checks the machine and a data directory before something goes wrong, or when it has.
///
/// Looks at the disk, the speed and truth of syncs, open files, the clock, versions, and the files of the directory. It
/// writes nothing but a small file, which it removes, and may be run beside a server; for a full check of what was
/// journaled there is `jifen journal verify`.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jifen doctor
      Checks ./jifen-data and this machine, and prints a table.
  jifen doctor --data /var/lib/jifen --disk-reserve 2GiB --json
      The same for another directory and reserve, as one JSON object for monitoring.

Exit codes: 0 nothing failed (warnings may be there), 1 something failed, 2 wrong usage,
4 the data directory is damaged.")]
pub struct DoctorArgs {
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./jifen-data")]
    pub data: PathBuf,
    /// What must stay free on the disk.
    #[command(flatten)]
    pub disk: DiskArgs,
    /// Prints one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Examines, prints what was found, and tells the exit code.
#[must_use]
pub fn doctor(args: &DoctorArgs) -> ExitCode {
    let report = examine(args);
    let mut out = io::stdout().lock();
    let printed = if args.json {
        writeln!(out, "{}", report.json())
    } else {
        writeln!(out, "{}", report.table())
    };
    match printed.and_then(|()| out.flush()) {
        Ok(()) => ExitCode::from(report.exit_code()),
        Err(error) => {
            eprintln!("cannot print what was found: {error}");
            ExitCode::FAILURE
        }
    }
}

fn examine(args: &DoctorArgs) -> Report {
    let mut report = Report::default();
    if args.data.is_dir() {
        disk::examine(&args.data, args.disk.reserve_bytes, &mut report);
        machine::open_files(&mut report);
        machine::clock(directory::newest_change(&args.data), &mut report);
        directory::examine(&args.data, &mut report);
    } else {
        report.failed(
            "data directory",
            format!("{} is no directory", args.data.display()),
            "name another one with --data; `jifen serve` makes one that is missing",
        );
        machine::open_files(&mut report);
        machine::clock(None, &mut report);
        directory::versions(None, &mut report);
    }
    report
}
