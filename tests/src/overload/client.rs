//! A client that keeps count of what it was told.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::server::{KEY, Server};

/// How long an answer may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// A member's terminal, over one connection.
pub(super) struct Client {
    stream: BufReader<TcpStream>,
    member: String,
    accepted: u32,
    refused: Vec<Duration>,
    answered: Vec<Duration>,
}

/// An answer over HTTP.
struct Answer {
    status: u16,
    retry_after: Option<String>,
    body: Value,
}

impl Client {
    /// So many clients, whose members and merchant the server knows.
    pub(super) fn all(server: &Server, prefix: &str, count: u32) -> Vec<Self> {
        let new = |n| Self {
            stream: connect(server),
            member: format!("{prefix}-{n}"),
            accepted: 0,
            refused: Vec::new(),
            answered: Vec::new(),
        };
        let mut first = new(0);
        let answer = first.ask("PUT /v1/merchants/shop", "shop", r#"{"name":"Shop"}"#);
        assert!(matches!(answer.status, 200 | 201), "{}", answer.body);
        let enrol = |n| format!(r#"{{"id":"enrol","type":"enrol","member":"{prefix}-{n}"}}"#);
        let enrols: Vec<_> = (0..count).map(enrol).collect();
        let answer = first.ask("POST /v1/commands", "", &format!("[{}]", enrols.join(",")));
        assert_eq!(answer.status, 200, "{}", answer.body);
        // Connections are made last: none may wait for long before its first request.
        (0..count).map(new).collect()
    }

    /// How many commands were accepted.
    pub(super) const fn accepted(&self) -> u32 {
        self.accepted
    }

    /// How long each refusal took.
    pub(super) fn refused(&self) -> &[Duration] {
        &self.refused
    }

    /// How long each acceptance took.
    pub(super) fn answered(&self) -> &[Duration] {
        &self.answered
    }

    /// Earns a point, with the same request id until that is accepted. Answers whether it was.
    pub(super) fn earn(&mut self) -> Result<bool, String> {
        let id = format!("e-{}", self.accepted);
        let body = format!(
            r#"{{"member":"{}","merchant":"shop","points":1}}"#,
            self.member
        );
        let begun = Instant::now();
        let answer = self.ask("POST /v1/earns", &id, &body);
        let took = begun.elapsed();
        match answer.status {
            201 => {
                self.accepted += 1;
                self.answered.push(took);
                Ok(true)
            }
            503 if answer.body["code"] == "overloaded" && answer.retry_after.is_some() => {
                self.refused.push(took);
                Ok(false)
            }
            status => Err(format!(
                "{status} {}, Retry-After {:?}",
                answer.body, answer.retry_after
            )),
        }
    }

    /// Goes on with another server.
    pub(super) fn move_to(&mut self, server: &Server) {
        self.stream = connect(server);
    }

    /// Whether the member has what was accepted, no more and no less.
    pub(super) fn foots(&mut self) -> Result<(), String> {
        let answer = self.ask(&format!("GET /v1/members/{}", self.member), "", "");
        let balance = &answer.body["balances"][0]["available"];
        let has = if self.accepted == 0 && balance.is_null() {
            0
        } else {
            balance.as_u64().ok_or_else(|| answer.body.to_string())?
        };
        if has == u64::from(self.accepted) {
            return Ok(());
        }
        Err(format!(
            "{} has {has} points, and {} were accepted",
            self.member, self.accepted
        ))
    }

    fn ask(&mut self, request: &str, id: &str, body: &str) -> Answer {
        let length = body.len();
        let text = format!(
            "{request} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {KEY}\r\nidempotency-key: {id}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        );
        self.stream.get_mut().write_all(text.as_bytes()).unwrap();
        let mut head = String::new();
        while !head.ends_with("\r\n\r\n") {
            let read = self.stream.read_line(&mut head).unwrap();
            assert!(read > 0, "the server closed after {head:?}");
        }
        let head = head.to_lowercase();
        let header = |name| head.lines().find_map(|line| line.strip_prefix(name));
        let length = header("content-length: ").unwrap().parse().unwrap();
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body).unwrap();
        Answer {
            status: head.split(' ').nth(1).unwrap().parse().unwrap(),
            retry_after: header("retry-after: ").map(str::to_owned),
            body: serde_json::from_slice(&body).unwrap(),
        }
    }
}

fn connect(server: &Server) -> BufReader<TcpStream> {
    let (_, address) = server.url().split_once("://").unwrap();
    let stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    BufReader::new(stream)
}
