//! A running `jifen serve`, and a connection to it.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read, Seek, Write},
    net::TcpStream,
    path::Path,
    process::{Child, Command, Stdio},
};

use serde_json::Value;

const KEY: &str = "an-operator-key-of-sufficient-length";

/// A running server; dropping it kills it.
pub(crate) struct Server {
    process: Child,
    address: String,
    stderr: File,
}

impl Server {
    pub(crate) fn start(data: &Path) -> Self {
        let mut stderr = tempfile::tempfile().unwrap();
        let mut process = Command::new(env!("CARGO_BIN_EXE_jifen"))
            .args(["serve", "--listen", "127.0.0.1:0", "--data"])
            .arg(data)
            .env("JIFEN_OPERATOR_KEY", KEY)
            .env_remove("RUST_LOG")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(stderr.try_clone().unwrap())
            .spawn()
            .unwrap();
        let mut line = String::new();
        let mut stdout = BufReader::new(process.stdout.take().unwrap());
        stdout.read_line(&mut line).unwrap();
        let address = line.strip_prefix("ready http://");
        let Some(address) = address.map(str::trim_end).map(str::to_owned) else {
            panic!("not ready: {}", read_all(&mut stderr));
        };
        Self {
            process,
            address,
            stderr,
        }
    }

    pub(crate) fn connect(&self) -> Connection {
        Connection(BufReader::new(TcpStream::connect(&self.address).unwrap()))
    }

    /// Ends it in good order.
    pub(crate) fn stop(mut self) {
        let pid = self.process.id().to_string();
        let told = Command::new("kill").args(["-s", "TERM", &pid]).status();
        assert!(told.unwrap().success());
        let ended = self.process.wait().unwrap();
        assert!(ended.success(), "{ended}: {}", read_all(&mut self.stderr));
    }

    /// Ends it as a crash would.
    pub(crate) fn kill(mut self) {
        self.process.kill().unwrap();
        self.process.wait().unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn read_all(file: &mut File) -> String {
    let mut text = String::new();
    file.rewind().unwrap();
    file.read_to_string(&mut text).unwrap();
    text
}

/// A connection that stays open.
pub(crate) struct Connection(BufReader<TcpStream>);

impl Connection {
    /// Sends commands as an array; answers with theirs.
    pub(crate) fn commands(&mut self, commands: &[Value]) -> Vec<Value> {
        let body = Value::from(commands.to_vec()).to_string();
        let (status, answers) = self.call("POST /v1/commands", &body);
        assert_eq!(status, 200, "{answers}");
        answers.as_array().unwrap().clone()
    }

    /// Sends a request.
    pub(crate) fn call(&mut self, request: &str, body: &str) -> (u16, Value) {
        let length = body.len();
        let text = format!(
            "{request} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
        let status = self.line();
        let status = status.split(' ').nth(1).expect(&status).parse().unwrap();
        let mut length = 0;
        loop {
            let line = self.line().to_lowercase();
            if line.is_empty() {
                break;
            }
            if let Some(said) = line.strip_prefix("content-length: ") {
                length = said.parse().unwrap();
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body).unwrap();
        (status, serde_json::from_slice(&body).unwrap())
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}
