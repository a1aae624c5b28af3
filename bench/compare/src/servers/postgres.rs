//! PostgreSQL 15, durable, with what a careful operator would set.

use std::{
    fs,
    net::SocketAddr,
    os::unix::{fs::MetadataExt, process::CommandExt},
    path::{Path, PathBuf},
    process::{Command, Stdio},
    time::{Duration, Instant},
};

use super::{Server, free_port, local, wait_until};
use crate::{
    dialect::Dialect,
    pg::{DATABASE, Pg, USER},
    process::{Process, guarded},
    trouble::Trouble,
    work::{FIRST_MERCHANT, OPENING_POINTS, SKU, Task},
};

const NAME: &str = "PostgreSQL";
/// Where the Debian package postgresql-15 puts its programs.
pub const BINARIES: &str = "/usr/lib/postgresql/15/bin";
const SCHEMA: &str = include_str!("../../postgres/schema.sql");

/// What is not as PostgreSQL has it by itself, or is said again since it matters; `commit_delay` is tried out.
pub const SETTINGS: [(&str, &str); 15] = [
    ("fsync", "on"),
    ("synchronous_commit", "on"),
    ("full_page_writes", "on"),
    ("shared_buffers", "2GB"),
    ("max_connections", "100"),
    ("wal_buffers", "64MB"),
    ("max_wal_size", "16GB"),
    ("checkpoint_timeout", "15min"),
    ("checkpoint_completion_target", "0.9"),
    ("effective_cache_size", "8GB"),
    ("random_page_cost", "1.1"),
    ("jit", "off"),
    ("plan_cache_mode", "force_generic_plan"),
    ("listen_addresses", "127.0.0.1"),
    ("unix_socket_directories", ""),
];

/// A cluster of its own.
#[derive(Debug)]
pub struct Postgres {
    directory: PathBuf,
    commit_delay: u32,
    process: Process,
    address: SocketAddr,
}

impl Postgres {
    /// Makes a cluster in a directory and starts it.
    ///
    /// # Errors
    ///
    /// It is not installed, or does not start.
    pub fn start(directory: &Path, commit_delay: u32) -> Result<Self, Trouble> {
        let postgres = program("postgres");
        if !postgres.exists() {
            return Err(Trouble::Missing {
                program: postgres,
                package: "postgresql-15",
            });
        }
        fs::create_dir(directory).map_err(Trouble::io("making a directory"))?;
        if let Some(owner) = owner()? {
            let owned = std::os::unix::fs::chown(directory, Some(owner), Some(owner));
            owned.map_err(Trouble::io("giving PostgreSQL its directory"))?;
        }
        let mut initdb = as_owner(Command::new(program("initdb")))?;
        initdb.args([
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--username",
            USER,
            "--pgdata",
        ]);
        finish(initdb.arg(directory))?;
        let (process, address) = launch(directory, commit_delay)?;
        let server = Self {
            directory: directory.to_owned(),
            commit_delay,
            process,
            address,
        };
        server.say(SCHEMA)?;
        Ok(server)
    }

    fn say(&self, statements: &str) -> Result<String, Trouble> {
        say(self.address.port(), statements)
    }

    /// As a crash, but all its processes are gone when this returns.
    fn stop_at_once(&mut self) {
        let stop = as_owner(Command::new(program("pg_ctl"))).and_then(|mut stop| {
            finish(
                stop.args(["stop", "-m", "immediate", "-D"])
                    .arg(&self.directory),
            )
        });
        // It may have ended by itself; then there is nothing to stop.
        drop(stop);
        self.process.kill();
    }
}

fn program(name: &str) -> PathBuf {
    Path::new(BINARIES).join(name)
}

/// Who has to own a cluster: root must not, and whoever else runs this owns it.
fn owner() -> Result<Option<u32>, Trouble> {
    let own = fs::metadata("/proc/self").map_err(Trouble::io("looking who runs this"))?;
    if own.uid() != 0 {
        return Ok(None);
    }
    let users =
        fs::read_to_string("/etc/passwd").map_err(Trouble::io("looking for PostgreSQL's user"))?;
    let user = users.lines().find_map(|line| {
        let mut fields = line.split(':');
        (fields.next() == Some("postgres"))
            .then(|| fields.nth(1)?.parse().ok())
            .flatten()
    });
    user.map(Some).ok_or_else(|| Trouble::Missing {
        program: "the user postgres".into(),
        package: "postgresql-15",
    })
}

fn as_owner(mut command: Command) -> Result<Command, Trouble> {
    command.current_dir("/").env_clear();
    if let Some(owner) = owner()? {
        command.uid(owner).gid(owner);
    }
    Ok(command)
}

/// Waits for a program that ends by itself.
fn finish(command: &mut Command) -> Result<String, Trouble> {
    let output = command
        .output()
        .map_err(Trouble::io("running a program of PostgreSQL"))?;
    if output.status.success() {
        Ok(String::from_utf8_lossy(&output.stdout).trim().to_owned())
    } else {
        Err(Trouble::answer(NAME, &output.stderr))
    }
}

fn launch(directory: &Path, commit_delay: u32) -> Result<(Process, SocketAddr), Trouble> {
    let port = free_port()?;
    // The signal ends it with all its processes, at once.
    let mut command = as_owner(guarded(&program("postgres"), "QUIT"))?;
    command
        .arg("-D")
        .arg(directory)
        .args(["-p", &port.to_string()]);
    for (name, value) in SETTINGS {
        command.args(["-c", &format!("{name}={value}")]);
    }
    command
        .args(["-c", &format!("commit_delay={commit_delay}")])
        .stdout(Stdio::null());
    let mut process = Process::start(&mut command, &directory.with_extension("log"))?;
    wait_until("starting PostgreSQL", || {
        if !process.is_running() {
            let log = fs::read(directory.with_extension("log")).unwrap_or_default();
            return Err(Trouble::answer(NAME, &log));
        }
        Ok(say(port, "select 1").is_ok())
    })?;
    Ok((process, local(port)))
}

/// Runs statements and returns what they find.
fn say(port: u16, statements: &str) -> Result<String, Trouble> {
    let mut psql = Command::new(program("psql"));
    psql.args([
        "-h",
        "127.0.0.1",
        "-p",
        &port.to_string(),
        "-U",
        USER,
        "-d",
        DATABASE,
    ]);
    finish(psql.args([
        "-X",
        "-q",
        "-A",
        "-t",
        "-v",
        "ON_ERROR_STOP=1",
        "-c",
        statements,
    ]))
}

impl Server for Postgres {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn process(&self) -> &Process {
        &self.process
    }

    fn dialect(&self) -> Box<dyn Dialect> {
        Box::new(Pg)
    }

    fn fill(&mut self, members: u32, task: Task) -> Result<(), Trouble> {
        let (merchant, units) = (FIRST_MERCHANT, task.units());
        let last = members - 1;
        let everyone = format!("from generate_series(0, {last}) as number");
        let statements = format!(
            "insert into members select 'u-' || lpad(number::text, 7, '0'), {OPENING_POINTS}, 0 {everyone};
             insert into lots select 'u-' || lpad(number::text, 7, '0'), '2099-12-31', '{merchant}', {OPENING_POINTS} {everyone};
             insert into stock values ('{SKU}', 1, '{merchant}', {units});"
        );
        self.say(&statements)?;
        self.say("vacuum analyze")?;
        self.say("checkpoint").map(drop)
    }

    fn given_away(&self, task: Task) -> Result<u64, Trouble> {
        let left = self.say(&format!("select units from stock where sku = '{SKU}'"))?;
        let count = left
            .parse()
            .ok()
            .and_then(|left| task.units().checked_sub(left));
        count.ok_or_else(|| Trouble::answer(NAME, left.as_bytes()))
    }

    fn settle(&self) -> Result<(), Trouble> {
        Ok(())
    }

    fn crash_and_start(&mut self) -> Result<Duration, Trouble> {
        self.stop_at_once();
        let begun = Instant::now();
        (self.process, self.address) = launch(&self.directory, self.commit_delay)?;
        self.say("select look('u-0000000')")?;
        Ok(begun.elapsed())
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop_at_once();
    }
}
