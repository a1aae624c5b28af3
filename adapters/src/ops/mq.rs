//! What can be said on the command line of the message queue.

use std::{env, fs, path::PathBuf, time::Duration};

use async_nats::ServerAddr;

use super::Failure;
use crate::mq::{Login, Options};

/// The environment variable that holds the password of `--mq-user`.
pub const MQ_PASSWORD: &str = "JIFEN_MQ_PASSWORD";

/// Where the queue is, and how we come in.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "Message queue")]
pub struct MqArgs {
    /// Takes commands from NATS JetStream too, at this server or any of these of a cluster; tls:// instead of nats://
    /// speaks TLS. HTTP serves also while NATS is away.
    #[arg(long, value_name = "NATS://HOST:PORT", value_delimiter = ',')]
    pub mq: Vec<String>,
    /// A file of credentials for NATS, as `nsc` writes them.
    #[arg(long, value_name = "FILE", requires = "mq", conflicts_with_all = ["mq_user", "mq_password_file"])]
    pub mq_creds: Option<PathBuf>,
    /// Who we are to NATS. The password stands in the variable JIFEN_MQ_PASSWORD, or in a file.
    #[arg(long, value_name = "NAME")]
    pub mq_user: Option<String>,
    /// A file with the password of --mq-user and nothing else.
    #[arg(long, value_name = "FILE")]
    pub mq_password_file: Option<PathBuf>,
    /// Certificates in PEM that are trusted with tls:// beside those of the system.
    #[arg(long, value_name = "FILE")]
    pub mq_ca: Option<PathBuf>,
    /// How many times what may succeed later is tried again, with waits from 0.25 up to 30 seconds, before it is dead:
    /// the default is about two minutes.
    #[arg(long, value_name = "N", default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=1_000))]
    pub mq_retries: u32,
    /// How long NATS waits for a word about a message before it delivers it again, in seconds. What is in hand is spoken
    /// for four times as often.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = clap::value_parser!(u16).range(2..=3_600))]
    pub mq_ack_wait: u16,
}

impl MqArgs {
    /// What is meant; `None` if there is to be no queue.
    pub fn read(&self) -> Result<Option<Options>, Failure> {
        if self.mq.is_empty() {
            return Ok(None);
        }
        let servers = self.mq.iter().map(|text| server(text));
        Ok(Some(Options {
            servers: servers.collect::<Result<_, _>>()?,
            login: self.login()?,
            ca: self.mq_ca.clone(),
            retries: self.mq_retries,
            ack_wait: Duration::from_secs(self.mq_ack_wait.into()),
        }))
    }

    fn login(&self) -> Result<Login, Failure> {
        let read = |option: &str, path: &PathBuf| {
            let text = fs::read_to_string(path);
            text.map_err(|error| Failure::Usage(format!("--{option} {}: {error}", path.display())))
        };
        if let Some(path) = &self.mq_creds {
            return Ok(Login::Credentials(read("mq-creds", path)?));
        }
        let Some(user) = &self.mq_user else {
            return Ok(Login::None);
        };
        let password = match &self.mq_password_file {
            Some(path) => read("mq-password-file", path)?.trim_end().to_owned(),
            None => env::var(MQ_PASSWORD).map_err(|_| {
                Failure::Usage(format!(
                    "--mq-user needs a password: set {MQ_PASSWORD}, or give --mq-password-file"
                ))
            })?,
        };
        Ok(Login::Password(user.clone(), password))
    }
}

fn server(text: &str) -> Result<ServerAddr, Failure> {
    let wrong = |why: &str| Failure::Usage(format!("--mq: {why}"));
    let server: ServerAddr = text
        .parse()
        .map_err(|error| wrong(&format!("{text:?}: {error}; say nats://HOST:PORT")))?;
    // Settings are shown, and secrets are not.
    if server.username().is_some() || server.password().is_some() {
        return Err(wrong(
            "a password does not belong into the address: give --mq-creds, or --mq-user and its password in a variable or a file",
        ));
    }
    Ok(server)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        mq: MqArgs,
    }

    fn read(arguments: &[&str]) -> Result<Option<Options>, String> {
        let line = Line::try_parse_from([&["jifen"], arguments].concat());
        let line = line.map_err(|error| error.to_string())?;
        line.mq.read().map_err(|failure| failure.to_string())
    }

    #[test]
    fn without_an_address_there_is_no_queue() {
        assert!(matches!(read(&[]), Ok(None)));
    }

    #[test]
    fn a_cluster_has_several_addresses() {
        let options = read(&["--mq=nats://a:4222,tls://b:4223"]).unwrap().unwrap();
        assert_eq!(options.servers.len(), 2);
        assert!(options.servers[1].tls_required());
        assert_eq!(options.retries, 10);
    }

    #[test]
    fn a_password_stands_in_a_file_and_never_in_the_address() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("password");
        fs::write(&file, "secret\n").unwrap();
        let path = format!("--mq-password-file={}", file.display());
        let options = read(&["--mq=nats://a:1", "--mq-user=jifen", &path]);
        let options = options.unwrap().unwrap();
        let Login::Password(user, password) = &options.login else {
            panic!("{:?}", options.login)
        };
        assert_eq!((user.as_str(), password.as_str()), ("jifen", "secret"));
        assert!(!format!("{options:?}").contains("secret"));
        for (arguments, said) in [
            (
                &["--mq=nats://u:p@a:1"][..],
                "does not belong into the address",
            ),
            (&["--mq=http://a:1"], "say nats://HOST:PORT"),
            (
                &["--mq=nats://a:1", "--mq-creds=/nowhere/x"],
                "--mq-creds /nowhere/x",
            ),
            (&["--mq-creds=x"], "--mq"),
        ] {
            let error = read(arguments).err().unwrap();
            assert!(error.contains(said), "{error}");
        }
    }
}
