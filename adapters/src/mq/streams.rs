//! The streams that Jifen works with: made if they are missing, looked at if they are there.

use std::time::Duration;

use async_nats::jetstream::{
    Context, ErrorCode,
    context::{CreateStreamErrorKind, GetStreamErrorKind},
    stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream},
};
use futures_util::TryStreamExt;

use super::{connect::whole, names};

/// The longest message with commands, in bytes. A dead one is published again with the reason beside it, and must still
/// fit into what a server takes by default.
pub const MESSAGE_BYTES_MAX: i32 = 960 << 10;
/// What a server must take at least, in bytes: what servers take by default.
const PAYLOAD_BYTES: usize = 1 << 20;
/// How long the server recognises what was published twice. A help, and no guarantee: that is the request ids.
const DUPLICATES: Duration = Duration::from_secs(120);
/// How long answers are kept for those who fetch them.
const RESULTS_KEPT: Duration = Duration::from_secs(7 * 24 * 3_600);

/// Why the queue cannot be worked with.
#[derive(Debug, thiserror::Error)]
pub enum NotReady {
    /// Something is there and is not as it must be. It does not pass by itself.
    #[error("{what} is {is} and must be {must}; {remedy}")]
    Mismatch {
        /// Of which stream or server what.
        what: String,
        /// How it is.
        is: String,
        /// How it must be.
        must: String,
        /// How to put it right.
        remedy: String,
    },
    /// The server does not answer, or not as it should. It may pass.
    #[error("JetStream cannot be asked: {0}")]
    Away(String),
}

/// Makes what is missing of the streams of commands, answers and dead letters; answers the first.
pub(super) async fn ready(js: &Context) -> Result<Stream, NotReady> {
    let most = js.client().max_payload();
    if most < PAYLOAD_BYTES {
        return Err(NotReady::Mismatch {
            what: "max_payload of the server".to_owned(),
            is: most.to_string(),
            must: format!("at least {PAYLOAD_BYTES}"),
            remedy: "set it in the server's configuration, and have the server read it again"
                .to_owned(),
        });
    }
    let commands = ensure(js, &commands()).await?;
    ensure(js, &results()).await?;
    ensure(js, &dead()).await?;
    alone(&commands).await?;
    Ok(commands)
}

/// What is not done yet: a command leaves the stream when it is acknowledged, and when the stream is full whoever publishes
/// is told so.
fn commands() -> Config {
    Config {
        name: names::COMMANDS.to_owned(),
        description: Some("Commands for Jifen that are not done yet".to_owned()),
        subjects: vec![names::all(names::COMMANDS_SUBJECT)],
        retention: RetentionPolicy::WorkQueue,
        discard: DiscardPolicy::New,
        max_message_size: MESSAGE_BYTES_MAX,
        max_bytes: 1 << 30,
        ..of_files()
    }
}

/// Whoever does not fetch answers in time loses the oldest: the request id still gets them.
fn results() -> Config {
    Config {
        name: names::RESULTS.to_owned(),
        description: Some("What Jifen answered".to_owned()),
        subjects: vec![names::all(names::RESULTS_SUBJECT)],
        discard: DiscardPolicy::Old,
        max_age: RESULTS_KEPT,
        max_bytes: 1 << 30,
        ..of_files()
    }
}

/// Nothing of it is lost: when a principal's are too many, that principal's commands wait until somebody has looked.
fn dead() -> Config {
    Config {
        name: names::DEAD.to_owned(),
        description: Some("What Jifen could not process, with the reasons".to_owned()),
        subjects: vec![names::all(names::DEAD_SUBJECT)],
        discard: DiscardPolicy::New,
        max_messages_per_subject: 100_000,
        discard_new_per_subject: true,
        ..of_files()
    }
}

fn of_files() -> Config {
    Config {
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        duplicate_window: DUPLICATES,
        max_bytes: -1,
        max_messages: -1,
        max_messages_per_subject: -1,
        max_consumers: -1,
        num_replicas: 1,
        ..Config::default()
    }
}

/// Makes a stream if there is none; otherwise sees whether it is as wanted in everything that correctness depends on. How
/// large it may grow, how long it is kept and how often it is replicated is the operator's choice.
pub(crate) async fn ensure(js: &Context, wanted: &Config) -> Result<Stream, NotReady> {
    let name = wanted.name.as_str();
    match js.get_stream(name).await {
        Ok(found) => {
            check(&found.cached_info().config, wanted)?;
            Ok(found)
        }
        Err(error) => match error.kind() {
            GetStreamErrorKind::JetStream(why)
                if why.error_code() == ErrorCode::STREAM_NOT_FOUND =>
            {
                let made = js.create_stream(wanted).await;
                let made = made.map_err(|error| cannot_be_made(name, &error))?;
                tracing::info!(stream = name, "made");
                Ok(made)
            }
            _ => Err(NotReady::Away(whole(&error))),
        },
    }
}

fn cannot_be_made(
    name: &str,
    error: &async_nats::jetstream::context::CreateStreamError,
) -> NotReady {
    match error.kind() {
        CreateStreamErrorKind::JetStream(why)
            if why.error_code() == ErrorCode::STREAM_SUBJECT_OVERLAP =>
        {
            NotReady::Mismatch {
                what: format!("the stream {name}"),
                is: "missing while another stream has its subjects".to_owned(),
                must: "the only one with them".to_owned(),
                remedy:
                    "find the other with `nats stream ls --subject`, and take the subjects from it"
                        .to_owned(),
            }
        }
        _ => NotReady::Away(format!(
            "the stream {name} cannot be made: {}",
            whole(error)
        )),
    }
}

/// Whether a stream is as it must be.
fn check(is: &Config, must: &Config) -> Result<(), NotReady> {
    let name = &must.name;
    let edit = |option: String| format!("`nats stream edit {name} {option}`");
    let anew = || {
        format!(
            "when it holds nothing that is still needed, remove it with `nats stream rm {name}` and start again"
        )
    };
    let size = |config: &Config| match config.max_message_size {
        bytes if bytes > 0 => bytes.to_string(),
        _ => "without a limit".to_owned(),
    };
    let rows = [
        (
            "subjects",
            is.subjects.join(", "),
            must.subjects.join(", "),
            edit(format!("--subjects '{}'", must.subjects.join(","))),
        ),
        (
            "retention",
            word(&is.retention),
            word(&must.retention),
            anew(),
        ),
        (
            "discard",
            word(&is.discard),
            word(&must.discard),
            edit(format!("--discard {}", word(&must.discard))),
        ),
        ("storage", word(&is.storage), word(&must.storage), anew()),
        (
            "largest message",
            size(is),
            size(must),
            edit(format!("--max-msg-size {}", must.max_message_size)),
        ),
        (
            "time in which duplicates are recognised",
            format!("{:?}", is.duplicate_window),
            format!("{:?}", must.duplicate_window),
            edit(format!("--dupe-window {}s", DUPLICATES.as_secs())),
        ),
        (
            "age limit",
            word(&is.max_age.is_zero()),
            word(&must.max_age.is_zero()),
            edit("--max-age 0".to_owned()),
        ),
    ];
    // Only what nothing may expire from must have no age limit.
    let matters = |what: &str| what != "age limit" || must.max_age.is_zero();
    for (what, is, must, remedy) in rows {
        if is != must && matters(what) {
            return Err(NotReady::Mismatch {
                what: format!("the stream {name}: its {what}"),
                is,
                must,
                remedy,
            });
        }
    }
    Ok(())
}

/// As the configuration of a stream says it.
fn word<T: serde::Serialize>(value: &T) -> String {
    match serde_json::to_value(value) {
        Ok(serde_json::Value::String(word)) => word,
        Ok(serde_json::Value::Bool(none)) => if none { "none" } else { "set" }.to_owned(),
        Ok(other) => other.to_string(),
        Err(error) => error.to_string(),
    }
}

/// Whether nobody else takes commands out of the stream.
async fn alone(commands: &Stream) -> Result<(), NotReady> {
    let mut consumers = commands.consumer_names();
    let next = |error: async_nats::jetstream::stream::ConsumersError| {
        NotReady::Away(format!("its consumers: {}", whole(&error)))
    };
    while let Some(name) = consumers.try_next().await.map_err(next)? {
        if !names::is_own_consumer(&name) {
            return Err(NotReady::Mismatch {
                what: format!("the stream {}: the consumer {name}", names::COMMANDS),
                is: "there".to_owned(),
                must: "gone, since what it takes Jifen never sees".to_owned(),
                remedy: format!("`nats consumer rm {} {name}`", names::COMMANDS),
            });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_told_with_its_remedy() {
        let wrong = |change: fn(&mut Config)| {
            let mut is = commands();
            change(&mut is);
            check(&is, &commands()).err().map(|error| error.to_string())
        };
        assert_eq!(wrong(|_| ()), None);
        // The operator's choice.
        assert_eq!(wrong(|is| is.max_bytes = 1), None);
        assert_eq!(wrong(|is| is.num_replicas = 3), None);
        for (change, told) in [
            (
                (|is: &mut Config| is.retention = RetentionPolicy::Limits) as fn(&mut Config),
                "its retention is limits and must be workqueue; when it holds nothing",
            ),
            (
                |is| is.discard = DiscardPolicy::Old,
                "its discard is old and must be new; `nats stream edit JIFEN_COMMANDS --discard new`",
            ),
            (
                |is| is.max_message_size = -1,
                "its largest message is without a limit and must be 983040; ",
            ),
            (
                |is| is.subjects = vec!["x".to_owned()],
                "its subjects is x and must be jifen.commands.>; ",
            ),
            (
                |is| is.max_age = Duration::from_secs(60),
                "its age limit is set and must be none; `nats stream edit JIFEN_COMMANDS --max-age 0`",
            ),
        ] {
            let said = wrong(change).unwrap_or_default();
            assert!(said.contains(told), "{said}");
        }
        let mut kept_shorter = results();
        kept_shorter.max_age = Duration::from_secs(60);
        assert!(check(&kept_shorter, &results()).is_ok());
    }
}
