//! What can be said on the command line of `jifen serve`.

use std::{net::SocketAddr, path::PathBuf, thread};

use super::{DiskArgs, EdgeArgs, Failure, FeedArgs, MqArgs, RulesArgs, TlsArgs, TraceArgs};
use crate::http::Settings;

/// Serves commands over HTTP and keeps them in a data directory.
///
/// Prints `ready http://ADDRESS:PORT` on standard output when it serves; everything else goes to standard error.
/// SIGTERM and SIGINT end it in good order: what was accepted is answered first.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jifen serve
      Serves on 127.0.0.1:7600 from ./jifen-data; makes and shows a key at the first start.
  JIFEN_OPERATOR_KEY=… jifen serve --data /var/lib/jifen --listen 127.0.0.1:0
      Takes the key from the environment and any free port.
  jifen serve --point-type points --point-type circle:2:redeem --point-type growth:0:none --utc-offset +08:00
      Keeps three kinds of points: for everything, with two decimals for goods only, and for grades only.
  jifen serve --listen 0.0.0.0:7600 --tls-cert chain.pem --tls-key key.pem
      Serves other machines, over TLS only; files that change are read again.
  JIFEN_MQ_PASSWORD=… jifen serve --mq nats://127.0.0.1:4222 --mq-user jifen
      Takes commands from NATS JetStream too; examples/nats has a server configuration for it.
  jifen serve --config jifen.toml
      Takes from a file what is not said here; `jifen config show` writes one.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 the journal could not be written,
4 the data directory is damaged or in use.")]
pub struct ServeArgs {
    /// A file of settings in TOML: options without the dashes before them, such as `listen = "127.0.0.1:7600"`.
    /// Variables such as JIFEN_LISTEN go before it, and the command line before both. SIGHUP has it read again.
    #[arg(long, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// The data directory; made if there is none.
    #[arg(long, value_name = "DIR", default_value = "./jifen-data")]
    pub data: PathBuf,
    /// Where to listen; port 0 takes a free one.
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:7600")]
    pub listen: SocketAddr,
    /// What the ledger judges by.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// What must stay free on the disk.
    #[command(flatten)]
    pub disk: DiskArgs,
    /// How many threads serve connections [default: one per core].
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u16).range(1..=1_024))]
    pub workers: Option<u16>,
    /// Deadlines and caps of connections.
    #[command(flatten)]
    pub edge: EdgeArgs,
    /// Certificates.
    #[command(flatten)]
    pub tls: TlsArgs,
    /// The message queue.
    #[command(flatten)]
    pub mq: MqArgs,

    /// Which events go there.
    #[command(flatten)]
    pub feed: FeedArgs,
    /// Which requests are traced.
    #[command(flatten)]
    pub trace: TraceArgs,
    /// Lets memory come in huge pages, where the system offers them. They can be worth it with many millions of members; with fewer
    /// they cost more than they save.
    #[arg(long)]
    pub huge_pages: bool,
    /// Adds /debug/noop/earns and /debug/noop/commands, which read and answer but decide nothing.
    #[arg(long)]
    pub debug_endpoints: bool,
    /// Allows listening beyond this machine, although keys and points then travel unencrypted.
    #[arg(long)]
    pub insecure_listen: bool,
}

impl ServeArgs {
    /// How the server is to be, or why not so.
    pub fn settings(&self) -> Result<Settings, Failure> {
        let beyond = !self.listen.ip().is_loopback();
        if beyond && !self.tls.is_given() && !self.insecure_listen {
            return Err(Failure::Usage(format!(
                "--listen {}: other machines could reach it, and keys and points would travel unencrypted; \
                 give --tls-cert and --tls-key, listen on 127.0.0.1 behind a proxy that speaks TLS, \
                 or add --insecure-listen",
                self.listen
            )));
        }
        let cores = || thread::available_parallelism().map_or(1, usize::from);
        Ok(Settings {
            listen: self.listen,
            workers: self.workers.map_or_else(cores, usize::from),
            debug_endpoints: self.debug_endpoints,
        })
    }
}
