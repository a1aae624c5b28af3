//! The real binary as a child process: started, killed, told to stop.

use std::{
    fs::{self, File},
    io::{BufRead, BufReader, Read, Seek},
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use crate::built;

/// The operator's key of every server here.
pub const KEY: &str = "key-of-the-tests-0123456789abcdef";

/// A running `jifen serve`. Dropping it kills it.
pub struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    stderr: File,
    url: String,
}

/// A server that ended instead of serving.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` if a signal ended it.
    pub code: Option<i32>,
    /// What it wrote on standard error.
    pub stderr: String,
}

impl Server {
    /// Starts a server on a data directory and waits until it serves.
    ///
    /// # Errors
    ///
    /// If it ends first.
    ///
    /// # Panics
    ///
    /// If the binary cannot be built or started, or says something else than that it is ready.
    pub fn start(data: &Path) -> Result<Self, Ended> {
        Self::start_with(data, &[])
    }

    /// The same, with more on the command line.
    ///
    /// # Errors
    ///
    /// If it ends first.
    ///
    /// # Panics
    ///
    /// If the binary cannot be built or started, or says something else than that it is ready.
    pub fn start_with(data: &Path, arguments: &[&str]) -> Result<Self, Ended> {
        Self::run(&mut serve(data, arguments))
    }

    /// The same, with what it does to its files appended to a recording. `data` is an absolute path without links.
    ///
    /// # Errors
    ///
    /// If it ends first.
    ///
    /// # Panics
    ///
    /// If something cannot be built or started, or the binary says something else than that it is ready.
    pub fn start_recorded(
        data: &Path,
        arguments: &[&str],
        recording: &Path,
    ) -> Result<Self, Ended> {
        let mut command = serve(data, arguments);
        command
            .env("LD_PRELOAD", built::interpose())
            .env("JIFEN_RECORD_DIR", data)
            .env("JIFEN_RECORD_LOG", recording)
            // It is made of the journal and written by calls of its own to the system; without it, it is made again.
            .env("JIFEN_RECORD_EXCEPT", "view");
        Self::run(&mut command)
    }

    /// The same, with every sync of a file taking so much longer.
    ///
    /// # Errors
    ///
    /// If it ends first.
    ///
    /// # Panics
    ///
    /// If something cannot be built or started, or the binary says something else than that it is ready.
    pub fn start_slowed(data: &Path, arguments: &[&str], slower: Duration) -> Result<Self, Ended> {
        let mut command = serve(data, arguments);
        command
            .env("LD_PRELOAD", built::interpose())
            .env("JIFEN_SLOW_SYNC_MICROS", slower.as_micros().to_string());
        Self::run(&mut command)
    }

    fn run(command: &mut Command) -> Result<Self, Ended> {
        let mut stderr = tempfile::tempfile().unwrap();
        let mut child = command
            .env("JIFEN_OPERATOR_KEY", KEY)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr.try_clone().unwrap())
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        if line.is_empty() {
            let code = child.wait().unwrap().code();
            let stderr = read_all(&mut stderr);
            return Err(Ended { code, stderr });
        }
        let url = line
            .strip_prefix("ready ")
            .and_then(|url| url.strip_suffix('\n'));
        let url = url
            .unwrap_or_else(|| panic!("not ready: {line:?}"))
            .to_owned();
        Ok(Self {
            child,
            stdout,
            stderr,
            url,
        })
    }

    /// Where it serves, without a slash at the end.
    #[must_use]
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Its process.
    #[must_use]
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How much memory it has, in bytes.
    ///
    /// # Panics
    ///
    /// If it has ended.
    #[must_use]
    pub fn memory(&self) -> u64 {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.unwrap().split_whitespace().next().unwrap();
        kib.parse::<u64>().unwrap() << 10
    }

    /// Ends it as a crash would: at once, wherever it is.
    pub fn kill(self) {
        drop(self.killed());
    }

    /// The same; answers what it had written on standard error.
    ///
    /// # Panics
    ///
    /// If it cannot be killed.
    #[must_use]
    pub fn killed(mut self) -> String {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
        read_all(&mut self.stderr)
    }

    /// Tells it to stop; answers how it ended and what it wrote on standard error.
    ///
    /// # Panics
    ///
    /// If it wrote more than one line on standard output.
    #[must_use]
    pub fn terminate(mut self) -> (ExitStatus, String) {
        self.tell_to_stop();
        let status = self.child.wait().unwrap();
        let mut rest = String::new();
        self.stdout.read_to_string(&mut rest).unwrap();
        assert_eq!(rest, "", "one line on standard output is the contract");
        (status, read_all(&mut self.stderr))
    }

    /// Sends SIGTERM and does not wait.
    pub fn tell_to_stop(&self) {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        kill_process(pid.unwrap(), Signal::TERM).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn serve(data: &Path, arguments: &[&str]) -> Command {
    let mut command = Command::new(built::binary());
    command
        .args(["serve", "--listen", "127.0.0.1:0", "--data"])
        .arg(data)
        .args(arguments);
    command
}

fn read_all(file: &mut File) -> String {
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}
