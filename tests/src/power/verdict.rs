//! What the real server makes of an image.

use std::path::Path;

use super::recording::Promise;
use crate::{
    server::{Ended, Server},
    shopper::{Acknowledged, Failed, agent, find_again},
};

/// What the server made of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It serves, and every answer given before is there.
    Serves {
        /// Whether it dropped a torn tail.
        dropped: bool,
        /// Whether it had to repair sled's files.
        repaired: bool,
    },
    /// It refused to start, and said why.
    Refuses(String),
}

/// Starts the server on an image, and asks for everything that it had answered. `twice`: and once more after a kill.
///
/// # Errors
///
/// If something is lost in silence, or the server ends in another way than it should.
pub(super) fn of(image: &Path, promises: &[Promise], twice: bool) -> Result<Verdict, String> {
    let server = match Server::start(image) {
        Ok(server) => server,
        Err(ended) => {
            let place = image.display().to_string();
            let why = refusal(ended)?.replace(&place, "DIR");
            let given = if promises.is_empty() {
                "before the first answer"
            } else {
                "after answers were given"
            };
            return Ok(Verdict::Refuses(format!("{given}: {why}")));
        }
    };
    let answered: Vec<&Acknowledged> = promises
        .iter()
        .map(|promise| &promise.acknowledged)
        .collect();
    let (agent, mut server) = (agent(), server);
    let mut logs = String::new();
    for again in [false, true] {
        let found = find_again(&agent, server.url(), &answered);
        logs += &server.killed();
        match found {
            Ok(()) => {}
            Err(Failed::Wrong(what)) => return Err(format!("lost in silence: {what}\n{logs}")),
            Err(Failed::Unknown) => return Err(format!("it serves and does not answer\n{logs}")),
        }
        if again || !twice {
            break;
        }
        server = match Server::start(image) {
            Ok(server) => server,
            Err(ended) => return Err(format!("it started once, and then no more: {ended:?}")),
        };
    }
    Ok(Verdict::Serves {
        dropped: logs.contains("dropped a torn tail"),
        repaired: logs.contains("sled finds its files corrupt"),
    })
}

fn refusal(ended: Ended) -> Result<String, String> {
    if ended.code != Some(4) || ended.stderr.contains("panicked") {
        return Err(format!("it ended with {:?}: {}", ended.code, ended.stderr));
    }
    let last = ended.stderr.lines().rev().find_map(|line| {
        let line: serde_json::Value = serde_json::from_str(line).ok()?;
        Some(line["fields"]["message"].as_str()?.to_owned())
    });
    last.ok_or_else(|| format!("it refused without a reason: {}", ended.stderr))
}
