//! The real binary as a child process, and connections to it.

#![allow(dead_code, reason = "not every test needs all of it")]

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::{SocketAddr, TcpStream},
    path::Path,
    process::{Child, ChildStdout, Command, ExitStatus, Stdio},
    time::Duration,
};

/// The operator's key of every server here.
pub(crate) const KEY: &str = "an-operator-key-of-sufficient-length";
/// How long anything may take that is bound to happen.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// The binary, with nothing said by the environment.
pub(crate) fn jifen(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_jifen"));
    command
        .args(arguments)
        .env_clear()
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A running server. Dropping it kills it.
pub(crate) struct Server {
    process: Child,
    _stdout: BufReader<ChildStdout>,
    pub(crate) url: String,
}

impl Server {
    /// Starts a server on any free port; what it tells goes to `stderr` in the data directory.
    pub(crate) fn start(data: &Path, arguments: &[&str]) -> Self {
        let log = std::fs::File::create(data.join("stderr")).unwrap();
        let listens = arguments.iter().any(|said| said.starts_with("--listen"));
        let listen = if listens {
            None
        } else {
            Some("--listen=127.0.0.1:0")
        };
        let mut process = jifen(&["serve", "--data"])
            .arg(data.join("data"))
            .args(listen)
            .args(arguments)
            .env("JIFEN_OPERATOR_KEY", KEY)
            .stderr(log)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let url = line
            .strip_prefix("ready ")
            .map(|url| url.trim_end().to_owned());
        let url = url.unwrap_or_else(|| panic!("not ready: {line:?}"));
        Self {
            process,
            _stdout: stdout,
            url,
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        let (_, address) = self.url.split_once("://").unwrap();
        let mut address: SocketAddr = address.parse().unwrap();
        if address.ip().is_unspecified() {
            address.set_ip(std::net::Ipv4Addr::LOCALHOST.into());
        }
        address
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection::over(TcpStream::connect(self.address()).unwrap())
    }

    pub(crate) fn signal(&self, signal: &str) {
        let pid = self.process.id().to_string();
        let sent = Command::new("kill").args(["-s", signal, &pid]).status();
        assert!(sent.unwrap().success());
    }

    /// Tells it to stop, and waits until it has.
    pub(crate) fn stop(self) -> ExitStatus {
        self.signal("TERM");
        self.ended()
    }

    /// Waits until it has stopped, as it was told to.
    pub(crate) fn ended(mut self) -> ExitStatus {
        self.process.wait().unwrap()
    }

    /// How much memory it has, in bytes.
    pub(crate) fn memory(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.process.id()));
        let status = status.unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
        let kib = line.unwrap().trim().split(' ').next().unwrap();
        kib.parse::<u64>().unwrap() << 10
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

/// A connection that speaks HTTP/1.1 byte by byte.
pub(crate) struct Connection<S = TcpStream>(pub(crate) BufReader<S>);

impl Connection {
    fn over(stream: TcpStream) -> Self {
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self(BufReader::new(stream))
    }
}

impl<S: Read + Write> Connection<S> {
    pub(crate) fn write(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    /// An answer: status, headers in small letters, body.
    pub(crate) fn answer(&mut self) -> (u16, String, String) {
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = self.0.read_line(&mut head).unwrap();
            assert!(read > 0, "closed after {head:?}");
        }
        let head = head.to_lowercase();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let mut body = vec![0; length.unwrap().parse().unwrap()];
        self.0.read_exact(&mut body).unwrap();
        (status, head, String::from_utf8(body).unwrap())
    }

    /// Asks whether the server lives; answers with the status.
    pub(crate) fn live(&mut self) -> u16 {
        self.write("GET /health/live HTTP/1.1\r\nhost: x\r\n\r\n");
        self.answer().0
    }

    /// Everything until the server closes. A reset after what was said counts as closing too.
    pub(crate) fn rest(mut self) -> String {
        let mut rest = Vec::new();
        let mut piece = [0; 4_096];
        loop {
            match self.0.read(&mut piece) {
                Ok(0) => break,
                Ok(read) => rest.extend_from_slice(&piece[..read]),
                Err(error) if error.kind() == std::io::ErrorKind::ConnectionReset => break,
                Err(error) => panic!("still open: {error}"),
            }
        }
        String::from_utf8(rest).unwrap()
    }
}

/// The head of a request that may be answered, for a body of so many bytes.
pub(crate) fn head(request: &str, content_type: &str, length: usize) -> String {
    format!(
        "{request} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\ncontent-type: {content_type}\r\n\
         content-length: {length}\r\n\r\n"
    )
}
