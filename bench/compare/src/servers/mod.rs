//! The systems that are compared: each starts a private server on a free port with a fresh directory, fills it, and ends it.

pub mod jifen;
pub mod postgres;
pub mod redis;

use std::{
    io::{Read, Write},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    path::{Path, PathBuf},
    thread,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use serde::{Deserialize, Serialize};

use crate::{dialect::Dialect, process::Process, trouble::Trouble, work::Task};

pub use self::{jifen::Jifen, postgres::Postgres, redis::Redis};

/// A column of the comparison.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum System {
    /// The server of this repository.
    Jifen,
    /// PostgreSQL 15.
    Postgres,
    /// Redis 7, every answer durable.
    RedisAlways,
    /// Redis 7, up to a second of answers at stake.
    RedisEverysec,
}

impl System {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 4] = [
        Self::Jifen,
        Self::Postgres,
        Self::RedisAlways,
        Self::RedisEverysec,
    ];

    /// What it is called in tables.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Jifen => "Jifen",
            Self::Postgres => "PostgreSQL 15",
            Self::RedisAlways => "Redis 7, always",
            Self::RedisEverysec => "Redis 7, everysec",
        }
    }
}

/// A server that runs.
pub trait Server {
    /// Where it listens.
    fn address(&self) -> SocketAddr;

    /// Its processes.
    fn process(&self) -> &Process;

    /// How it is spoken to.
    fn dialect(&self) -> Box<dyn Dialect>;

    /// Makes members with opening points, merchants, and the sale of a task.
    ///
    /// # Errors
    ///
    /// It answers something else than that it is done.
    fn fill(&mut self, members: u32, task: Task) -> Result<(), Trouble>;

    /// Units that the sale has given away.
    ///
    /// # Errors
    ///
    /// It does not tell.
    fn given_away(&self, task: Task) -> Result<u64, Trouble>;

    /// Waits until what it does behind its answers is done too.
    ///
    /// # Errors
    ///
    /// It does not tell, or does not come to an end.
    fn settle(&self) -> Result<(), Trouble>;

    /// Kills it and starts it again on the same directory. Returns how long it took from the start until it answered.
    ///
    /// # Errors
    ///
    /// It does not come back.
    fn crash_and_start(&mut self) -> Result<Duration, Trouble>;
}

/// What it takes to start servers.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The binary of Jifen.
    pub jifen: PathBuf,
    /// PostgreSQL's setting of this name, in microseconds.
    pub commit_delay: u32,
}

/// Starts a system in a directory of its own, which is made.
///
/// # Errors
///
/// It is not installed, or does not start.
pub fn start(
    system: System,
    directory: &Path,
    settings: &Settings,
) -> Result<Box<dyn Server>, Trouble> {
    Ok(match system {
        System::Jifen => Box::new(Jifen::start(&settings.jifen, directory)?),
        System::Postgres => Box::new(Postgres::start(directory, settings.commit_delay)?),
        System::RedisAlways => Box::new(Redis::start(directory, "always")?),
        System::RedisEverysec => Box::new(Redis::start(directory, "everysec")?),
    })
}

/// The longest that a server may take to start or to settle.
const PATIENCE: Duration = Duration::from_mins(5);
/// How often it is asked meanwhile.
const PAUSE: Duration = Duration::from_millis(5);

/// Asks until the answer is yes.
fn wait_until(what: &str, mut is_so: impl FnMut() -> Result<bool, Trouble>) -> Result<(), Trouble> {
    let deadline = Instant::now() + PATIENCE;
    while !is_so()? {
        if Instant::now() > deadline {
            return Err(Trouble::TooLate(format!("{what} takes too long")));
        }
        thread::sleep(PAUSE);
    }
    Ok(())
}

/// A port that nobody has now.
fn free_port() -> Result<u16, Trouble> {
    let free =
        TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    Ok(free.map_err(Trouble::io("looking for a free port"))?.port())
}

fn local(port: u16) -> SocketAddr {
    SocketAddr::from((Ipv4Addr::LOCALHOST, port))
}

/// Writes bytes and returns the one answer to them. For setting up and looking, not for load.
fn ask(address: SocketAddr, dialect: &dyn Dialect, message: &BytesMut) -> Result<Vec<u8>, Trouble> {
    let lost = || Trouble::io("talking to a server");
    let mut stream = TcpStream::connect(address).map_err(lost())?;
    stream.write_all(message).map_err(lost())?;
    let mut answer = Vec::new();
    let mut part = [0; 16 * 1024];
    loop {
        if let Some(end) = dialect.end(&answer) {
            answer.truncate(end);
            return Ok(answer);
        }
        match stream.read(&mut part).map_err(lost())? {
            0 => return Err(Trouble::answer("a server that hung up", &answer)),
            count => answer.extend_from_slice(&part[..count]),
        }
    }
}
