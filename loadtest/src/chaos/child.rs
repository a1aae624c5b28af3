//! The server as a child process.

use std::fs::File;
use std::io::{self, BufRead, BufReader, ErrorKind};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::mq::Mq;
use crate::settings::Key;
use crate::target::Target;

/// How a server is started, always the same way.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) server: PathBuf,
    pub(super) data: PathBuf,
    /// Where its standard error goes, one start after the other.
    pub(super) log: PathBuf,
    pub(super) key: Key,
    /// Where it takes commands from beside HTTP.
    pub(super) mq: Option<Mq>,
}

/// A running server. Dropping it kills it.
#[derive(Debug)]
pub(super) struct Server {
    child: Child,
    /// Kept open: a server that wrote into a closed pipe would end.
    _stdout: BufReader<ChildStdout>,
    pub(super) target: Target,
}

impl Start {
    /// Starts it at this port (0: any that is free), and waits until it serves.
    pub(super) fn start(&self, port: u16) -> io::Result<Server> {
        let log = File::options().create(true).append(true).open(&self.log)?;
        let (arguments, variables) = self.mq.as_ref().map(Mq::of_server).unwrap_or_default();
        let mut child = Command::new(found(&self.server))
            .arg("serve")
            .arg("--data")
            .arg(&self.data)
            .args(["--listen", &format!("127.0.0.1:{port}")])
            .args(arguments)
            .env("JIFEN_OPERATOR_KEY", self.key.secret())
            .envs(variables)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(log)
            .spawn()
            .map_err(|error| {
                let server = self.server.display();
                io::Error::new(error.kind(), format!("{server} cannot be started: {error}"))
            })?;
        let stdout = child.stdout.take().ok_or(ErrorKind::BrokenPipe)?;
        let mut stdout = BufReader::new(stdout);
        let mut line = String::new();
        let read = stdout.read_line(&mut line);
        let url = line.trim_end().strip_prefix("ready ");
        match (read, url.and_then(|url| url.parse().ok())) {
            (Ok(_), Some(target)) => Ok(Server {
                child,
                _stdout: stdout,
                target,
            }),
            (read, _) => {
                let _ = child.kill();
                let status = child.wait()?;
                read?;
                let log = self.log.display();
                Err(io::Error::other(format!(
                    "the server ended instead of serving ({status}); what it said is in {log}"
                )))
            }
        }
    }
}

impl Server {
    /// SIGKILL. An error if it had ended by itself before.
    pub(super) fn kill(mut self) -> io::Result<()> {
        if let Some(status) = self.child.try_wait()? {
            return Err(io::Error::other(format!(
                "the server ended by itself ({status})"
            )));
        }
        self.child.kill()?;
        self.child.wait()?;
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have been killed already; nobody would know what to do about anything else.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A bare name is first looked for next to this program: they are built and installed together.
fn found(server: &Path) -> PathBuf {
    let beside = std::env::current_exe()
        .ok()
        .map(|program| program.with_file_name(server))
        .filter(|beside| server.components().count() == 1 && beside.is_file());
    beside.unwrap_or_else(|| server.to_owned())
}
