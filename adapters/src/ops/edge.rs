//! What can be said on the command line of connections: deadlines, caps and TLS.

use std::{path::PathBuf, sync::Arc, time::Duration};

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use super::{Failure, size};
use crate::http::{Bounds, Tls};

/// Nobody waits longer than an hour for a client.
const SECONDS: std::ops::RangeInclusive<i64> = 1..=3_600;

/// The settings here that a running server can take; they hold for connections and requests to come.
pub(super) const CHANGEABLE: [&str; 9] = [
    "head-deadline",
    "body-deadline",
    "idle-deadline",
    "answer-deadline",
    "connections",
    "commands-inside",
    "body-memory",
    "tls-cert",
    "tls-key",
];

/// Deadlines and caps of connections.
#[derive(Clone, Copy, Debug, clap::Args)]
#[command(next_help_heading = "Deadlines and caps")]
pub struct EdgeArgs {
    /// How long the head of a request may take to arrive, with the handshake of TLS for the first one; then the client is
    /// told `request_timeout` and cut off.
    #[arg(long, value_name = "SECONDS", default_value_t = 5, value_parser = seconds())]
    pub head_deadline: u16,
    /// How long a body may take to arrive, and how long a stream of commands may be silent.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = seconds())]
    pub body_deadline: u16,
    /// How long a connection may stay without a request.
    #[arg(long, value_name = "SECONDS", default_value_t = 75, value_parser = seconds())]
    pub idle_deadline: u16,
    /// How long a client may leave an answer unread before it is cut off.
    #[arg(long, value_name = "SECONDS", default_value_t = 30, value_parser = seconds())]
    pub answer_deadline: u16,
    /// How many connections there may be; more are told `overloaded` and closed.
    #[arg(long, value_name = "N", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    pub connections: u32,
    /// How many commands may be on their way at once; more are told `overloaded`, mostly before their body is read.
    #[arg(long, value_name = "N", default_value_t = 65_536, value_parser = clap::value_parser!(u32).range(1..=16_777_216))]
    pub commands_inside: u32,
    /// How much memory bodies of more than 64 KiB may take together while they arrive, such as 256MiB.
    #[arg(long = "body-memory", value_name = "SIZE", value_parser = body_memory, default_value = "256MiB")]
    pub body_bytes: usize,
}

impl EdgeArgs {
    /// The bounds that are meant.
    #[must_use]
    pub fn bounds(&self) -> Bounds {
        let seconds = |seconds: u16| Duration::from_secs(u64::from(seconds));
        let count = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
        Bounds {
            head: seconds(self.head_deadline),
            body: seconds(self.body_deadline),
            idle: seconds(self.idle_deadline),
            answer: seconds(self.answer_deadline),
            connections: count(self.connections),
            commands: count(self.commands_inside),
            body_bytes: self.body_bytes,
        }
    }
}

/// Certificates.
#[derive(Clone, Debug, clap::Args)]
#[command(next_help_heading = "TLS")]
pub struct TlsArgs {
    /// The certificate and its chain, in PEM. With it only TLS is spoken. Files that change are read again within a second.
    #[arg(long, value_name = "FILE")]
    pub tls_cert: Option<PathBuf>,
    /// The certificate's private key, in PEM.
    #[arg(long, value_name = "FILE")]
    pub tls_key: Option<PathBuf>,
}

impl TlsArgs {
    /// Whether TLS is spoken.
    #[must_use]
    pub const fn is_given(&self) -> bool {
        self.tls_cert.is_some() || self.tls_key.is_some()
    }

    /// Reads the certificate; `None` if TLS is not spoken.
    pub fn read(&self) -> Result<Option<Arc<Tls>>, Failure> {
        match (&self.tls_cert, &self.tls_key) {
            (None, None) => Ok(None),
            (Some(cert), Some(key)) => match Tls::read(cert, key) {
                Ok(tls) => Ok(Some(Arc::new(tls))),
                Err(error) => Err(Failure::Usage(error.to_string())),
            },
            _ => Err(Failure::Usage(
                "--tls-cert and --tls-key go together: give both, or none".to_owned(),
            )),
        }
    }
}

/// Files that a server opens beside its connections.
const OTHER_FILES: u64 = 512;

/// Has the system let the process open as many files as it may, and warns if they are too few for so many connections.
pub fn open_more_files(connections: u32) {
    let limit = getrlimit(Resource::Nofile);
    let wanted = Rlimit {
        current: limit.maximum,
        ..limit
    };
    let now = match setrlimit(Resource::Nofile, wanted) {
        Ok(()) => limit.maximum,
        Err(_) => limit.current,
    };
    if now.is_some_and(|files| files < u64::from(connections) + OTHER_FILES) {
        tracing::warn!(
            files = now,
            connections,
            "the system lets the process open fewer files than there may be connections; \
             raise its limit, or say fewer --connections"
        );
    }
}

fn seconds() -> clap::builder::RangedI64ValueParser<u16> {
    clap::value_parser!(u16).range(SECONDS)
}

fn body_memory(text: &str) -> Result<usize, &'static str> {
    const EXPECTED: &str =
        "must be a size of at least 8MiB, which one body may have, such as 256MiB";
    let bytes = size::bytes(text).and_then(|bytes| usize::try_from(bytes).ok());
    bytes
        .filter(|&bytes| bytes >= crate::http::BODY_BYTES_MAX)
        .ok_or(EXPECTED)
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        edge: EdgeArgs,
        #[command(flatten)]
        tls: TlsArgs,
    }

    fn parse(arguments: &[&str]) -> Result<Line, String> {
        Line::try_parse_from([&["jifen"], arguments].concat()).map_err(|e| e.to_string())
    }

    #[test]
    fn without_a_word_the_bounds_are_the_servers_own() {
        assert_eq!(parse(&[]).unwrap().edge.bounds(), Bounds::default());
    }

    #[test]
    fn bounds_have_bounds() {
        for (said, why) in [
            ("--head-deadline=0", "0 is not in 1..=3600"),
            ("--answer-deadline=3601", "3601 is not in 1..=3600"),
            ("--connections=0", "0 is not in 1..=1000000"),
            ("--body-memory=7MiB", "such as 256MiB"),
        ] {
            let error = parse(&[said]).err().unwrap();
            assert!(error.contains(why), "{error}");
        }
    }

    #[test]
    fn a_certificate_needs_its_key() {
        for half in ["--tls-cert=c.pem", "--tls-key=k.pem"] {
            let tls = parse(&[half]).unwrap().tls;
            assert!(tls.is_given());
            assert!(matches!(tls.read(), Err(Failure::Usage(_))));
        }
        assert!(matches!(parse(&[]).unwrap().tls.read(), Ok(None)));
    }
}
