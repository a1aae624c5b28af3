//! What changes while the server runs: on SIGHUP what its settings say now, and certificates as soon as they do.

use std::{env, sync::Arc, time::Duration};

use actix_rt::task::JoinHandle;
use tokio::signal::unix::{Signal, SignalKind, signal};

use super::{
    Failure, ServeArgs,
    config::{self, Settings},
    edge::CHANGEABLE,
};
use crate::http::{Edge, Tls};

/// How often certificates are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Keeps a running server to its settings.
pub struct Reload {
    hangup: Signal,
    /// How the command line is read.
    command: clap::Command,
    settings: Settings,
    edge: Edge,
    tls: Option<Arc<Tls>>,
}

impl Reload {
    /// From here on SIGHUP no longer ends the process. `command` reads its command line, and `settings` are those that it
    /// was started with.
    pub fn listen(
        command: clap::Command,
        settings: Settings,
        edge: Edge,
        tls: Option<Arc<Tls>>,
    ) -> Result<Self, Failure> {
        Ok(Self {
            hangup: signal(SignalKind::hangup()).map_err(Failure::Signals)?,
            command,
            settings,
            edge,
            tls,
        })
    }

    /// Goes on until the process ends. To be called on a thread that runs an actix system.
    pub fn follow(mut self) -> JoinHandle<()> {
        actix_rt::spawn(async move {
            let mut ticks = tokio::time::interval(LOOK_EVERY);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                tokio::select! {
                    _ = self.hangup.recv() => self.read_again(),
                    _ = ticks.tick() => self.look(),
                }
            }
        })
    }

    fn look(&self) {
        match self.tls.as_ref().and_then(|tls| tls.look()) {
            Some(Ok(())) => tracing::info!("there is a new certificate, for new connections"),
            Some(Err(error)) => keep_certificate(&error),
            None => {}
        }
    }

    fn read_again(&mut self) {
        let line: Vec<_> = env::args_os().collect();
        match config::again(&self.command, &line) {
            Ok((args, settings)) => self.take(&args, settings),
            Err(error) => tracing::error!(%error, "the settings cannot be used; all is as before"),
        }
    }

    fn take(&mut self, args: &ServeArgs, settings: Settings) {
        self.edge.set(args.edge.bounds());
        if let (Some(tls), Some(cert), Some(key)) =
            (&self.tls, &args.tls.tls_cert, &args.tls.tls_key)
            && let Err(error) = tls.reload(cert, key)
        {
            keep_certificate(&error);
        }
        for new in settings.iter() {
            let before = self.settings.get(&new.key);
            if before.is_some_and(|before| before.value == new.value) {
                continue;
            }
            let key = new.key.as_str();
            let value = new.value.as_deref().unwrap_or("not set");
            if self.holds_at_once(key) {
                tracing::info!(key, value, "a setting has changed");
            } else {
                tracing::warn!(key, value, "a setting has changed, which needs a restart");
            }
        }
        tracing::info!("the settings were read again");
        self.settings = settings;
    }

    /// TLS can change, but neither begin nor end.
    fn holds_at_once(&self, key: &str) -> bool {
        CHANGEABLE.contains(&key) && (self.tls.is_some() || !key.starts_with("tls-"))
    }
}

fn keep_certificate(error: &crate::http::TlsError) {
    tracing::error!(%error, "the certificate cannot be used; the one before goes on");
}
