//! Programs that come from a package index of Python: installed once, pinned, into a place of their own beside what is
//! built.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Command, Output},
};

use rustix::fs::{FlockOperation, flock};

use crate::built;

const ADVICE: &str = "this test needs Python 3.10 or later as python3, with venv, and a package index that pip can reach";

/// The directory with the programs that a file of requirements names. Installs them first if they are not there.
///
/// # Errors
///
/// Why they cannot be installed, and what to do.
pub fn installed(name: &str, requirements: &Path) -> Result<PathBuf, String> {
    let text = fs::read(requirements).map_err(|error| error.to_string())?;
    let binary = built::binary();
    let profile = binary.parent().unwrap_or(binary);
    let target = profile.parent().unwrap_or(profile);
    let name = format!("{name}-{:016x}", xxhash_rust::xxh3::xxh3_64(&text));
    let place = target.join(&name);
    let programs = place.join("bin");
    let complete = place.join("complete");
    if complete.exists() {
        return Ok(programs);
    }
    // Several tests may want it at the same time.
    let lock = File::create(target.join(format!("{name}.lock"))).map_err(|e| e.to_string())?;
    flock(&lock, FlockOperation::LockExclusive).map_err(|error| error.to_string())?;
    if complete.exists() {
        return Ok(programs);
    }
    let advised = |error: String| format!("{error}\n{ADVICE}");
    let mut make = Command::new("python3");
    succeed(make.args(["-m", "venv", "--clear"]).arg(&place)).map_err(advised)?;
    let mut install = Command::new(programs.join("python"));
    let arguments = [
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "-r",
    ];
    succeed(install.args(arguments).arg(requirements)).map_err(advised)?;
    fs::write(complete, "").map_err(|error| error.to_string())?;
    Ok(programs)
}

/// Runs a program; fails with what it said if it does.
///
/// # Errors
///
/// What it said.
pub(crate) fn succeed(command: &mut Command) -> Result<Output, String> {
    let output = command
        .output()
        .map_err(|error| format!("{command:?}: {error}"))?;
    if output.status.success() {
        Ok(output)
    } else {
        Err(format!("{command:?}\n{}", said(&output)))
    }
}

/// What a program wrote.
pub(crate) fn said(output: &Output) -> String {
    let [out, err] = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text));
    format!("{out}\n{err}")
}
