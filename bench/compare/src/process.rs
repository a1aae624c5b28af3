//! A server's processes: started, watched and ended by us alone.

use std::{
    fs,
    path::Path,
    process::{Child, Command, Stdio},
    time::Duration,
};

use crate::trouble::Trouble;

/// A command that runs a program and sends it a signal, such as `KILL`, if we are gone without having ended it.
#[must_use]
pub fn guarded(program: &Path, signal: &str) -> Command {
    let mut command = Command::new("/usr/bin/setpriv");
    command.args(["--pdeathsig", signal, "--"]).arg(program);
    command
}

/// A server and the processes it starts itself. Dropping it kills it.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts it. What it says as errors goes to a file.
    ///
    /// # Errors
    ///
    /// It cannot be started.
    pub fn start(command: &mut Command, log: &Path) -> Result<Self, Trouble> {
        let what = || command_name(command);
        let log = fs::File::create(log).map_err(Trouble::io(what()))?;
        let name = what();
        let child = command.stdin(Stdio::null()).stderr(log).spawn();
        Ok(Self {
            child: child.map_err(Trouble::io(name))?,
        })
    }

    /// What it says, if it was started so.
    pub fn standard_output(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// Whether it runs.
    pub fn is_running(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(None))
    }

    /// Ends it at once, and waits until it is gone.
    pub fn kill(&mut self) {
        // Not running any more is as good.
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Processor time of all its processes.
    #[must_use]
    pub fn busy(&self) -> Duration {
        let ticks: u64 = self
            .family()
            .iter()
            .filter_map(|pid| Stat::of(*pid))
            .map(|stat| stat.ticks)
            .sum();
        Duration::from_secs(1) * u32::try_from(ticks).unwrap_or(u32::MAX) / TICKS_PER_SECOND
    }

    /// Memory of all its processes in bytes; what several share counts once.
    #[must_use]
    pub fn memory(&self) -> u64 {
        let sizes = self.family().into_iter().filter_map(|pid| {
            let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).ok()?;
            let line = text.lines().find_map(|line| line.strip_prefix("Pss:"))?;
            line.trim()
                .trim_end_matches(" kB")
                .trim()
                .parse::<u64>()
                .ok()
        });
        1_024 * sizes.sum::<u64>()
    }

    /// It and its children.
    fn family(&self) -> Vec<u32> {
        let own = self.child.id();
        let others = fs::read_dir("/proc").into_iter().flatten().flatten();
        let others = others.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let children = others.filter(|pid| Stat::of(*pid).is_some_and(|stat| stat.parent == own));
        std::iter::once(own).chain(children).collect()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        self.kill();
    }
}

fn command_name(command: &Command) -> String {
    format!("starting {}", command.get_program().to_string_lossy())
}

/// The unit in which Linux tells processor time to everybody, whatever its own clock.
const TICKS_PER_SECOND: u32 = 100;

struct Stat {
    parent: u32,
    /// Its own and those of its children that ended.
    ticks: u64,
}

impl Stat {
    fn of(pid: u32) -> Option<Self> {
        Self::parse(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)
    }

    /// The name may hold anything but ends with the last parenthesis.
    fn parse(text: &str) -> Option<Self> {
        let fields: Vec<&str> = text.rsplit_once(')')?.1.split_whitespace().collect();
        let ticks = fields.get(11..15)?.iter().map(|field| field.parse::<u64>());
        Some(Self {
            parent: fields.get(1)?.parse().ok()?,
            ticks: ticks.sum::<Result<_, _>>().ok()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_line_of_a_process_is_understood() {
        let line = "42 (a b) c) S 7 42 42 0 -1 4194560 1 2 3 4 100 20 3 1 20 0 1 0 5";
        let stat = Stat::parse(line).expect("whole");
        assert_eq!((stat.parent, stat.ticks), (7, 124));
        assert!(Stat::parse("42 (a").is_none());
    }

    #[test]
    fn a_process_is_watched_and_ended() {
        let log = tempfile::NamedTempFile::new().expect("a file");
        let mut process =
            Process::start(guarded(Path::new("sleep"), "KILL").arg("600"), log.path())
                .expect("starts");
        assert!(process.is_running());
        assert!(process.memory() > 0);
        process.kill();
        assert!(!process.is_running());
    }
}
