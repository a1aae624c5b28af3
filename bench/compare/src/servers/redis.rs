//! Redis 7 with an append-only file and scripts.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::{Duration, Instant},
};

use bytes::BytesMut;

use super::{Server, ask, free_port, local, wait_until};
use crate::{
    dialect::Dialect,
    process::{Process, guarded},
    resp::{Resp, Scripts, text},
    trouble::Trouble,
    work::{FIRST_MERCHANT, Member, OPENING_POINTS, SKU, Task},
};

const NAME: &str = "Redis";
/// The server of the Debian package redis-server.
pub const BINARY: &str = "/usr/bin/redis-server";
/// Members that one call makes.
const MEMBERS_PER_CALL: u32 = 10_000;

/// What is not as Redis has it by itself, `appendfsync` aside: with the append-only file, snapshots would be written twice.
pub const SETTINGS: [(&str, &str); 4] = [
    ("bind", "127.0.0.1"),
    ("appendonly", "yes"),
    ("save", ""),
    ("daemonize", "no"),
];

const EARN: &str = include_str!("../../redis/earn.lua");
const HOLD: &str = concat!(
    include_str!("../../redis/take.lua"),
    include_str!("../../redis/hold.lua")
);
const CAPTURE: &str = include_str!("../../redis/capture.lua");
const RESERVE: &str = concat!(
    include_str!("../../redis/take.lua"),
    include_str!("../../redis/reserve.lua")
);
const LOAD: &str = include_str!("../../redis/load.lua");

/// A Redis.
#[derive(Debug)]
pub struct Redis {
    directory: PathBuf,
    sync: &'static str,
    process: Process,
    address: SocketAddr,
    resp: Resp,
}

impl Redis {
    /// Starts it in a directory that is made, with `appendfsync` as given.
    ///
    /// # Errors
    ///
    /// It is not installed or does not start.
    pub fn start(directory: &Path, sync: &'static str) -> Result<Self, Trouble> {
        if !Path::new(BINARY).exists() {
            return Err(Trouble::Missing {
                program: BINARY.into(),
                package: "redis-server",
            });
        }
        std::fs::create_dir(directory).map_err(Trouble::io("making a directory"))?;
        let (process, address) = launch(directory, sync)?;
        let mut redis = Self {
            directory: directory.to_owned(),
            sync,
            process,
            address,
            resp: Resp::default(),
        };
        let load = |script: &str| {
            let digest = redis.ask(&["SCRIPT", "LOAD", script])?;
            Ok::<_, Trouble>(String::from_utf8_lossy(text(&digest)).into_owned())
        };
        redis.resp.scripts = Scripts {
            earn: load(EARN)?,
            hold: load(HOLD)?,
            capture: load(CAPTURE)?,
            reserve: load(RESERVE)?,
        };
        Ok(redis)
    }

    /// The digest of the script that earns, for another client.
    #[must_use]
    pub fn earn_script(&self) -> &str {
        &self.resp.scripts.earn
    }

    fn ask(&self, words: &[&str]) -> Result<Vec<u8>, Trouble> {
        let mut message = BytesMut::new();
        Resp::command(&mut message, words);
        let answer = ask(self.address, &self.resp, &message)?;
        match answer.first() {
            Some(b'-') | None => Err(Trouble::answer(NAME, &answer)),
            Some(_) => Ok(answer),
        }
    }
}

fn launch(directory: &Path, sync: &str) -> Result<(Process, SocketAddr), Trouble> {
    let port = free_port()?;
    let mut command = guarded(Path::new(BINARY), "KILL");
    for (name, value) in SETTINGS {
        command.args([&format!("--{name}"), value]);
    }
    command
        .args(["--appendfsync", sync, "--port", &port.to_string(), "--dir"])
        .arg(directory);
    command.stdout(Stdio::null());
    let mut process = Process::start(&mut command, &directory.with_extension("log"))?;
    let mut ping = BytesMut::new();
    Resp::command(&mut ping, &["PING"]);
    wait_until("starting Redis", || {
        if !process.is_running() {
            return Err(Trouble::answer(NAME, b"it ended by itself"));
        }
        // While it reads its file it says that it does, and before that it does not listen.
        Ok(ask(local(port), &Resp::default(), &ping).is_ok_and(|answer| answer == b"+PONG\r\n"))
    })?;
    Ok((process, local(port)))
}

impl Server for Redis {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn process(&self) -> &Process {
        &self.process
    }

    fn dialect(&self) -> Box<dyn Dialect> {
        Box::new(self.resp.clone())
    }

    fn fill(&mut self, members: u32, task: Task) -> Result<(), Trouble> {
        let opening = OPENING_POINTS.to_string();
        for first in (0..members).step_by(MEMBERS_PER_CALL as usize) {
            let last = members.min(first + MEMBERS_PER_CALL).to_string();
            self.ask(&["EVAL", LOAD, "0", &first.to_string(), &last, &opening])?;
        }
        let (key, units) = (format!("s:{SKU}"), task.units().to_string());
        self.ask(&[
            "HSET",
            &key,
            "units",
            &units,
            "price",
            "1",
            "merchant",
            &FIRST_MERCHANT.to_string(),
        ])
        .map(drop)
    }

    fn given_away(&self, task: Task) -> Result<u64, Trouble> {
        let answer = self.ask(&["HGET", &format!("s:{SKU}"), "units"])?;
        let left = String::from_utf8_lossy(text(&answer)).parse().ok();
        left.and_then(|left| task.units().checked_sub(left))
            .ok_or_else(|| Trouble::answer(NAME, &answer))
    }

    fn settle(&self) -> Result<(), Trouble> {
        Ok(())
    }

    fn crash_and_start(&mut self) -> Result<Duration, Trouble> {
        self.process.kill();
        let begun = Instant::now();
        (self.process, self.address) = launch(&self.directory, self.sync)?;
        self.ask(&["HGETALL", &format!("m:{}", Member(0))])?;
        Ok(begun.elapsed())
    }
}
