//! What can be said on the command line of the message queue: the words of `jifen serve`, as far as they make sense here.

use std::ffi::OsString;
use std::path::PathBuf;
use std::{env, fmt, fs};

use async_nats::ServerAddr;
use clap::Args;

/// The environment variable that holds the password of `--mq-user`, here as in `jifen serve`.
pub(crate) const MQ_PASSWORD: &str = "JIFEN_MQ_PASSWORD";
/// Most commands of one array: the longest that are drawn fit so many times into a message of 960 KiB, and the contract
/// has none that are longer.
pub(crate) const BATCH_MAX: u32 = 5_000;
/// Above these options in the help. Each has it of its own: what follows them in another command is not about the queue.
const HEADING: &str = "Message queue";
/// The longest name of a principal, in characters.
const PRINCIPAL_MAX: usize = 64;

/// The options of the message queue.
#[derive(Args, Clone, Debug, Default)]
pub struct MqArgs {
    /// Post the load through NATS JetStream, at this server or any of these of a cluster, instead of over HTTP. The server
    /// at --url takes its commands from there (jifen serve --mq); set-up, sales and audit go over HTTP as ever
    #[arg(long, help_heading = HEADING, value_name = "NATS://HOST:PORT", value_delimiter = ',')]
    pub(crate) mq: Vec<String>,

    /// A file of credentials for NATS, as nsc writes them
    #[arg(long, help_heading = HEADING, value_name = "FILE", requires = "mq", conflicts_with_all = ["mq_user", "mq_password_file"])]
    pub(crate) mq_creds: Option<PathBuf>,

    /// Who we are to NATS. The password stands in the variable JIFEN_MQ_PASSWORD, or in a file
    #[arg(long, help_heading = HEADING, value_name = "NAME", requires = "mq")]
    pub(crate) mq_user: Option<String>,

    /// A file with the password of --mq-user and nothing else
    #[arg(long, help_heading = HEADING, value_name = "FILE", requires = "mq_user")]
    pub(crate) mq_password_file: Option<PathBuf>,

    /// Whose commands they are, as the subject says; the audit needs that of --key
    #[arg(long, help_heading = HEADING, value_name = "NAME", default_value = "operator")]
    pub(crate) mq_principal: String,
}

/// Where the broker is, and how we come in.
#[derive(Clone, Debug)]
pub struct Mq {
    pub(crate) servers: Vec<ServerAddr>,
    pub(crate) login: Login,
    /// Whose commands they are.
    pub(crate) principal: String,
}

/// Who we are to NATS.
#[derive(Clone)]
pub(crate) enum Login {
    /// Nobody in particular.
    None,
    /// What a file of credentials says, and which file.
    Credentials { text: String, file: PathBuf },
    /// A user with a password.
    Password { user: String, password: String },
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::None => "nobody",
            Self::Credentials { .. } => "credentials",
            Self::Password { .. } => "a password",
        })
    }
}

/// What cannot be meant.
#[derive(Debug, thiserror::Error)]
pub enum MqError {
    /// No address of a NATS server.
    #[error("--mq: {0:?} is not an address like nats://127.0.0.1:4222")]
    NotAnAddress(String),
    /// Encryption would measure something else.
    #[error("--mq: only nats:// is spoken here, not {0}")]
    Scheme(String),
    /// Settings are shown, and secrets are not.
    #[error(
        "--mq: a password does not belong into the address: give --mq-creds, or --mq-user and its password in a variable or \
         a file"
    )]
    Secret,
    /// Nobody can be called so.
    #[error("--mq-principal: a principal has 1 to 64 characters of A-Z a-z 0-9 . _ : @ -")]
    Principal,
    /// A user without a password.
    #[error("--mq-user needs a password: set {MQ_PASSWORD}, or give --mq-password-file")]
    NoPassword,
    /// A file that cannot be read.
    #[error("{option} {}: {source}", path.display())]
    File {
        /// Which was to name it.
        option: &'static str,
        /// Which file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
}

impl MqArgs {
    /// Only an address.
    #[cfg(test)]
    pub(crate) fn of(server: &str) -> Self {
        Self {
            mq: vec![server.to_owned()],
            mq_principal: "operator".to_owned(),
            ..Self::default()
        }
    }

    /// What is meant; `None` if the load goes over HTTP.
    pub(crate) fn read(&self) -> Result<Option<Mq>, MqError> {
        if self.mq.is_empty() {
            return Ok(None);
        }
        let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b"._:@-".contains(&byte);
        let principal = self.mq_principal.clone();
        if !(1..=PRINCIPAL_MAX).contains(&principal.len()) || !principal.bytes().all(allowed) {
            return Err(MqError::Principal);
        }
        let servers = self.mq.iter().map(|text| server(text));
        Ok(Some(Mq {
            servers: servers.collect::<Result<_, _>>()?,
            login: self.login()?,
            principal,
        }))
    }

    fn login(&self) -> Result<Login, MqError> {
        let read = |option, path: &PathBuf| {
            fs::read_to_string(path).map_err(|source| MqError::File {
                option,
                path: path.clone(),
                source,
            })
        };
        if let Some(file) = &self.mq_creds {
            return Ok(Login::Credentials {
                text: read("--mq-creds", file)?,
                file: file.clone(),
            });
        }
        let Some(user) = &self.mq_user else {
            return Ok(Login::None);
        };
        let password = match &self.mq_password_file {
            Some(path) => read("--mq-password-file", path)?.trim_end().to_owned(),
            None => env::var(MQ_PASSWORD).map_err(|_| MqError::NoPassword)?,
        };
        Ok(Login::Password {
            user: user.clone(),
            password,
        })
    }
}

impl Mq {
    /// What a server of ours is told, so that it takes commands from the same broker: arguments, and variables.
    pub(crate) fn of_server(&self) -> (Vec<OsString>, Vec<(&'static str, String)>) {
        let mut arguments = vec!["--mq".into(), self.to_string().into()];
        let mut variables = Vec::new();
        match &self.login {
            Login::None => {}
            Login::Credentials { file, .. } => {
                arguments.extend(["--mq-creds".into(), file.into()]);
            }
            Login::Password { user, password } => {
                arguments.extend(["--mq-user".into(), user.into()]);
                variables.push((MQ_PASSWORD, password.clone()));
            }
        }
        (arguments, variables)
    }
}

/// The addresses, as they are written on the command line.
impl fmt::Display for Mq {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, server) in self.servers.iter().enumerate() {
            let comma = if place > 0 { "," } else { "" };
            write!(f, "{comma}nats://{}:{}", server.host(), server.port())?;
        }
        Ok(())
    }
}

fn server(text: &str) -> Result<ServerAddr, MqError> {
    let scheme = text.split_once("://").map_or("nats", |(scheme, _)| scheme);
    if scheme != "nats" {
        return Err(MqError::Scheme(format!("{scheme}://")));
    }
    let server: Result<ServerAddr, _> = text.parse();
    let server = server.ok().filter(|server| !server.host().is_empty());
    let server = server.ok_or_else(|| MqError::NotAnAddress(text.to_owned()))?;
    if server.username().is_some() || server.password().is_some() {
        return Err(MqError::Secret);
    }
    Ok(server)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(servers: &[&str]) -> MqArgs {
        MqArgs {
            mq: servers.iter().map(ToString::to_string).collect(),
            mq_principal: "operator".to_owned(),
            ..MqArgs::default()
        }
    }

    #[test]
    fn addresses() {
        assert!(args(&[]).read().expect("none is fine").is_none());
        let shown = |servers: &[&str]| match args(servers).read() {
            Ok(mq) => mq.map_or_else(String::new, |mq| mq.to_string()),
            Err(error) => error.to_string(),
        };
        assert_eq!(
            shown(&["nats://a:1", "b"]),
            "nats://a:1,nats://b:4222",
            "several, and the port that brokers have"
        );
        for (address, said) in [
            ("http://a:1", "only nats:// is spoken"),
            ("tls://a:1", "only nats:// is spoken"),
            ("nats://", "is not an address"),
            ("nats://u:p@a:1", "does not belong into the address"),
        ] {
            assert!(shown(&[address]).contains(said), "{address}");
        }
    }

    #[test]
    fn a_password_is_never_shown_and_a_server_of_ours_is_told_it() {
        let directory = tempfile::tempdir().expect("a directory");
        let file = directory.path().join("password");
        fs::write(&file, "secret\n").expect("it is written");
        let with_user = MqArgs {
            mq_user: Some("jifen".to_owned()),
            mq_password_file: Some(file),
            ..args(&["nats://a:1"])
        };
        let mq = with_user.read().expect("options").expect("a queue");
        assert!(!format!("{mq:?}").contains("secret"));
        let (arguments, variables) = mq.of_server();
        assert_eq!(arguments, ["--mq", "nats://a:1", "--mq-user", "jifen"]);
        assert_eq!(variables, [(MQ_PASSWORD, "secret".to_owned())]);
    }

    #[test]
    fn what_nobody_can_be_called_is_refused() {
        for principal in ["", "a b", "a.>", "*", &"x".repeat(65)] {
            let wrong = MqArgs {
                mq_principal: principal.to_owned(),
                ..args(&["nats://a:1"])
            };
            assert!(matches!(wrong.read(), Err(MqError::Principal)));
        }
        let nowhere = MqArgs {
            mq_creds: Some("/nowhere/x".into()),
            ..args(&["nats://a:1"])
        };
        let error = nowhere.read().expect_err("there is no such file");
        assert!(
            error.to_string().starts_with("--mq-creds /nowhere/x"),
            "{error}"
        );
    }
}
