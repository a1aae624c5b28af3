//! What became of commands whose answers were lost: they are sent again under the same ids. One that had been carried out
//! is answered from memory, one that had not is carried out now; either way it is told.

use std::time::Duration;

use hyper::Method;
use tokio::time::{Instant, sleep};

use super::again::{ARRAY, Again};
use super::asking::{AskError, Asker};
use super::memory::{Attempt, Lost, Meaning, Memory, for_each_heard, in_words};
use crate::answer::Outcome;
use crate::progress::AuditProgress;
use crate::settings::Settings;
use crate::workload::Reservation;

/// How long it is tried with those that get no answer, and the pause between two rounds.
const PATIENCE: Duration = Duration::from_secs(30);
const PAUSE: Duration = Duration::from_millis(200);

/// What came of it.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// How many answers had been lost.
    pub(crate) lost: u64,
    /// Carried out although nobody had heard it.
    pub(crate) applied: u64,
    /// Still not known.
    pub(crate) unknown: u64,
    pub(crate) reservations: Vec<(Reservation, Outcome<'static>)>,
    /// Why it ended before its end, if it did.
    pub(crate) broken_off: Option<AskError>,
}

pub(crate) async fn resolve(settings: &Settings, memory: &mut Memory) -> Resolved {
    let mut resolved = Resolved {
        lost: memory.lost.len() as u64 + memory.forgotten,
        ..Resolved::default()
    };
    resolved.broken_off = ask_again(settings, memory, &mut resolved).await.err();
    resolved.unknown = memory.lost.len() as u64 + memory.forgotten;
    resolved
}

async fn ask_again(
    settings: &Settings,
    memory: &mut Memory,
    resolved: &mut Resolved,
) -> Result<(), AskError> {
    let again = Again::new(settings);
    let mut asker = Asker::new(settings)?;
    let deadline = Instant::now() + PATIENCE;
    loop {
        let lost = std::mem::take(&mut memory.lost);
        if lost.is_empty() {
            return Ok(());
        }
        let progress = AuditProgress::start("lost answers", lost.len() as u64);
        for (number, some) in lost.chunks(ARRAY).enumerate() {
            let array = again.array(some.iter().map(|lost| (lost.request, &lost.asked)));
            match asker.ask(Method::POST, "/v1/commands", array).await {
                Ok((_, body)) => hear(memory, some, body, resolved),
                Err(error) => {
                    memory.lost.extend_from_slice(&lost[number * ARRAY..]);
                    return Err(error);
                }
            }
            progress.add(some.len() as u64);
        }
        progress.finish();
        if memory.lost.is_empty() || Instant::now() > deadline {
            return Ok(());
        }
        sleep(PAUSE).await;
    }
}

/// What is still not known is lost again.
fn hear(memory: &mut Memory, some: &[Lost], body: &[u8], resolved: &mut Resolved) {
    let mut given = 0;
    for_each_heard(body, |heard| {
        let Some(lost) = some.get(given) else { return };
        given += 1;
        let meaning = in_words(&heard);
        memory.hear(lost.request, &lost.asked, meaning, &heard, Attempt::Again);
        let accepted = meaning == Meaning::Accepted;
        resolved.applied += u64::from(accepted && heard.replayed);
        if let Some(reservation) = lost.asked.reservation() {
            if accepted {
                resolved.reservations.push((reservation, Outcome::Accepted));
            } else if heard.code == Some("sold_out") {
                let sold_out = Outcome::Refused("sold_out");
                resolved.reservations.push((reservation, sold_out));
            }
        }
    });
    memory.lost.extend_from_slice(&some[given..]);
}
