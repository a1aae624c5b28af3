//! The connection to NATS: it comes back by itself, and tells how it is.

use std::{error::Error, path::PathBuf, time::Duration};

use async_nats::{Client, ConnectErrorKind, ConnectOptions, Event, ServerAddr};
use tokio::sync::watch;

/// How long a server may take to let us in.
const PATIENCE: Duration = Duration::from_secs(2);
/// How long to wait before the second attempt; doubled each time, up to [`BACK_OFF_MAX`].
const BACK_OFF: Duration = Duration::from_millis(100);
/// Seconds are soon forgotten, and a server that has just come back is not overrun by those who waited for it.
const BACK_OFF_MAX: Duration = Duration::from_secs(5);
/// How often a silent connection is asked whether it still stands. Two such times without a word, and it does not.
const PING_EVERY: Duration = Duration::from_secs(5);
/// How long JetStream may take for its word about what it was asked or sent.
pub(super) const WORD_WITHIN: Duration = Duration::from_secs(10);
/// How many messages and acknowledgements may wait to be written.
const WRITES_WAITING: usize = 8_192;

/// Where NATS is, and how we come in.
#[derive(Clone, Debug)]
pub struct Options {
    /// One server, or several of a cluster.
    pub servers: Vec<ServerAddr>,
    /// Who we are.
    pub login: Login,
    /// Whose certificates are trusted beside the system's; in PEM.
    pub ca: Option<PathBuf>,
    /// How many times what may succeed later is tried again before it is dead.
    pub retries: u32,
    /// How long the server waits for a word about a message before it delivers it again.
    pub ack_wait: Duration,
}

/// Who we are to NATS.
#[derive(Clone)]
pub enum Login {
    /// Nobody in particular.
    None,
    /// What a file of credentials (a token and its seed) says.
    Credentials(String),
    /// A user with a password.
    Password(String, String),
}

impl std::fmt::Debug for Login {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::None => "nobody",
            Self::Credentials(_) => "credentials",
            Self::Password(..) => "a password",
        })
    }
}

/// How the connection is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Link {
    /// Whether it stands.
    pub(crate) up: bool,
    /// How often it has come up: another number is another connection, on which nothing of before is still on its way.
    pub(crate) times: u64,
    /// What was heard last, if it is away.
    pub(crate) why: String,
}

/// A connection that comes back by itself.
pub(crate) struct Connection {
    /// Speaks to NATS.
    pub(crate) client: Client,
    /// Hears how it is.
    pub(crate) link: watch::Receiver<Link>,
}

/// Why there is no connection and will be none.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// The credentials or certificates cannot be read.
    #[error("the credentials for NATS cannot be used: {0}")]
    Unreadable(std::io::Error),
    /// NATS does not let us in.
    #[error(
        "NATS does not let us in: {0}; look at --mq-creds, --mq-user and the password, and at the users of the server"
    )]
    NotLetIn(String),
}

/// Connects to NATS, and goes on trying in the background if it is away. Fails only if it does not let us in.
pub(crate) async fn connect(options: &Options) -> Result<Connection, Refused> {
    let (told, link) = watch::channel(Link::default());
    let at_once = build(options, &told)?.connect(&options.servers).await;
    let was_let_in = at_once.is_ok();
    let client = match at_once {
        Ok(client) => client,
        Err(error) if is_refusal(error.kind()) => return Err(Refused::NotLetIn(whole(&error))),
        Err(error) => {
            let why = whole(&error);
            tracing::warn!(%why, "NATS is away; trying again until it is there");
            told.send_modify(|link| link.why = why);
            let later = build(options, &told)?.retry_on_initial_connect();
            let later = later.connect(&options.servers).await;
            later.map_err(|error| Refused::NotLetIn(whole(&error)))?
        }
    };
    let mut connection = Connection { client, link };
    if was_let_in {
        // It is told on another task.
        let up = connection.link.wait_for(|link| link.up).await;
        up.map_err(|error| Refused::NotLetIn(error.to_string()))?;
    }
    Ok(connection)
}

const fn is_refusal(kind: ConnectErrorKind) -> bool {
    matches!(
        kind,
        ConnectErrorKind::AuthorizationViolation
            | ConnectErrorKind::Authentication
            | ConnectErrorKind::ServerParse
    )
}

fn build(options: &Options, told: &watch::Sender<Link>) -> Result<ConnectOptions, Refused> {
    let told = told.clone();
    let mut built = ConnectOptions::new()
        .name("jifen")
        .connection_timeout(PATIENCE)
        .ping_interval(PING_EVERY)
        .client_capacity(WRITES_WAITING)
        .read_buffer_capacity(u16::MAX)
        .reconnect_delay_callback(back_off)
        .event_callback(move |event| {
            hear(&told, &event);
            std::future::ready(())
        });
    if let Some(ca) = &options.ca {
        built = built.add_root_certificates(ca.clone());
    }
    match &options.login {
        Login::None => Ok(built),
        Login::Credentials(text) => built.credentials(text).map_err(Refused::Unreadable),
        Login::Password(user, password) => {
            Ok(built.user_and_password(user.clone(), password.clone()))
        }
    }
}

/// How long to wait before an attempt; they are counted from 1.
fn back_off(attempt: usize) -> Duration {
    match u32::try_from(attempt).unwrap_or(u32::MAX) {
        0 | 1 => Duration::ZERO,
        attempt => BACK_OFF
            .saturating_mul(2_u32.saturating_pow(attempt - 2))
            .min(BACK_OFF_MAX),
    }
}

fn hear(told: &watch::Sender<Link>, event: &Event) {
    told.send_if_modified(|link| {
        match event {
            Event::Connected => {
                link.up = true;
                link.times += 1;
            }
            Event::Disconnected | Event::Closed => {
                link.up = false;
                link.why = event.to_string();
            }
            Event::ClientError(error) if !link.up => link.why = error.to_string(),
            _ => return false,
        }
        true
    });
}

/// An error with what is behind it.
pub(super) fn whole(error: &dyn Error) -> String {
    let mut told = error.to_string();
    let mut behind = error.source();
    while let Some(error) = behind {
        let more = error.to_string();
        if !told.contains(&more) {
            told = format!("{told}: {more}");
        }
        behind = error.source();
    }
    told
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_come_at_once_and_then_ever_more_slowly() {
        let waits: Vec<u128> = (1..=9).map(|n| back_off(n).as_millis()).collect();
        assert_eq!(
            waits,
            [0, 100, 200, 400, 800, 1_600, 3_200, 5_000, 5_000],
            "of the first nine attempts"
        );
        assert_eq!(back_off(usize::MAX), BACK_OFF_MAX);
    }

    #[test]
    fn a_connection_tells_when_it_goes_and_comes_back() {
        let (told, link) = watch::channel(Link::default());
        assert!(!link.borrow().up);
        hear(&told, &Event::Connected);
        let first = link.borrow().clone();
        assert!(first.up);
        hear(&told, &Event::Disconnected);
        assert!(!link.borrow().up);
        assert_eq!(link.borrow().why, "disconnected");
        hear(&told, &Event::Connected);
        assert!(link.borrow().up);
        assert_ne!(*link.borrow(), first, "it was away meanwhile");
    }
}
