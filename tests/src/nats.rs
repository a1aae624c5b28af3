//! A real broker as a child process: started on a free port, killed, started again.

use std::{
    fs::{self, File},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    sync::OnceLock,
    time::{Duration, Instant},
};

use crate::{built, python};

/// How long a broker may take until it listens.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running NATS server with JetStream, whose files are kept in a directory of the caller's. Dropping it kills it.
pub struct Broker {
    child: Option<Child>,
    directory: PathBuf,
    config: Option<PathBuf>,
    environment: Vec<(String, String)>,
    port: u16,
}

/// The broker's program. Installs it first if it is not there.
fn program() -> &'static Path {
    static PROGRAM: OnceLock<PathBuf> = OnceLock::new();
    PROGRAM.get_or_init(|| {
        let requirements = Path::new(env!("CARGO_MANIFEST_DIR")).join("nats/requirements.txt");
        let programs = python::installed("nats", &requirements);
        programs
            .unwrap_or_else(|error| panic!("{error}"))
            .join("nats-server")
    })
}

impl Broker {
    /// Starts a broker on a free port.
    ///
    /// # Panics
    ///
    /// If it cannot be installed or started.
    #[must_use]
    pub fn start(directory: &Path) -> Self {
        Self::start_with(directory, None, &[])
    }

    /// The same, with a file of configuration and variables that it names.
    ///
    /// # Panics
    ///
    /// If it cannot be installed or started.
    #[must_use]
    pub fn start_with(
        directory: &Path,
        config: Option<&Path>,
        environment: &[(&str, &str)],
    ) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        let mut broker = Self {
            child: None,
            directory: directory.to_owned(),
            config: config.map(Path::to_owned),
            environment: environment.iter().map(owned).collect(),
            port: 0,
        };
        broker.start_again();
        broker
    }

    /// Where it listens.
    #[must_use]
    pub fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// Its process; `None` while it is killed.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// Ends it as a crash would.
    ///
    /// # Panics
    ///
    /// If it cannot be killed.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Starts it again where it was, with the files that it had.
    ///
    /// # Panics
    ///
    /// If it does not start.
    pub fn start_again(&mut self) {
        assert!(self.child.is_none(), "it runs");
        let ports = self.directory.join("ports");
        let _ = fs::remove_dir_all(&ports);
        fs::create_dir_all(&ports).unwrap();
        let log = File::create(self.directory.join("log")).unwrap();
        let mut command = Command::new(program());
        match &self.config {
            // Where it keeps its files is said there, from where it is started on.
            Some(config) => command.arg("-c").arg(config),
            None => command
                .arg("-js")
                .arg("-sd")
                .arg(self.directory.join("store")),
        };
        command
            .args(["-a", "127.0.0.1", "-p"])
            // Any free one at first, and then the same again, where clients look for it.
            .arg(match self.port {
                0 => "-1".to_owned(),
                port => port.to_string(),
            })
            .arg("--ports_file_dir")
            .arg(&ports)
            .envs(self.environment.iter().map(|(name, value)| (name, value)))
            .current_dir(&self.directory)
            .stdin(Stdio::null())
            .stdout(log.try_clone().unwrap())
            .stderr(log);
        // Whatever happens, it is killed with this one.
        let child = self.child.insert(command.spawn().unwrap());
        let file = ports.join(format!("nats-server_{}.ports", child.id()));
        let deadline = Instant::now() + PATIENCE;
        self.port = loop {
            if let Some(port) = port(&file) {
                break port;
            }
            let ended = child.try_wait().unwrap();
            assert!(
                ended.is_none() && Instant::now() < deadline,
                "{}",
                fs::read_to_string(self.directory.join("log")).unwrap()
            );
            std::thread::yield_now();
        };
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        self.kill();
    }
}

/// The port that a broker says it listens on, once it has said so.
fn port(file: &Path) -> Option<u16> {
    let said: serde_json::Value = serde_json::from_slice(&fs::read(file).ok()?).ok()?;
    let url = said["nats"][0].as_str()?;
    url.rsplit(':').next()?.parse().ok()
}

/// The configuration that ships as an example.
#[must_use]
pub fn example() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/nats/nats-server.conf")
}

/// Makes a key, so that a principal is known.
///
/// # Panics
///
/// If there cannot be one.
pub fn make_key(data: &Path, principal: &str, role: &[&str]) {
    let mut make = Command::new(built::binary());
    make.args(["keys", "create", "--principal", principal, "--data"])
        .arg(data)
        .arg("--role")
        .args(role);
    python::succeed(&mut make).unwrap_or_else(|error| panic!("{error}"));
}
