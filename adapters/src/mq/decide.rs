//! Deciding: from chunks of messages to commands in the shards' mail.

use std::{num::NonZeroU32, ops::Range, sync::Arc, time::Duration};

use jifen_engine::{
    EngineError,
    ledger::{CommandKind, Principal, Request, RequestId},
};
use tokio::time::sleep;

use super::{
    hand::Chunk,
    lane::{Desk, LaneError},
    names,
};
use crate::{
    access::{Action, Denial, Identity, PostedJudged, judge_many, post_judged},
    http::Problem,
    wire::{
        Context, Invalid, decode_batch, decode_command,
        wording::{self, Wording},
    },
};

/// How long to wait before what found its shard full is tried again; doubled each time, up to [`BUSY_MAX`].
const BUSY: Duration = Duration::from_millis(2);
const BUSY_MAX: Duration = Duration::from_millis(500);
/// How many times it is tried: about five minutes, in which not one of a shard's places came free for it.
const TRIES: u32 = 600;
/// How long a sender waits for its rate at a time: not so long that a revoked key goes unnoticed.
const WAIT_MAX: Duration = Duration::from_secs(1);
/// How many of the findings in a message that is no command go into the reason.
const FINDINGS_MAX: usize = 20;

/// The sender's name is in no key book, or none of its keys opens.
static UNKNOWN: Wording = Wording {
    status: 401,
    code: "unauthenticated",
    title: "The principal is not known",
    detail: "The subject names a principal that has no key; make one with `jifen keys create`, or correct the subject.",
    retryable: false,
    pointer: None,
};

/// What a message asks for.
pub(super) enum Asks {
    /// A command by itself.
    One(usize),
    /// An array of commands.
    Many(Range<usize>),
    /// Nothing that could ever be processed.
    Never(Problem),
}

/// A chunk of which every command stands in its shard's mail, or was given up.
pub(super) struct Decided {
    pub(super) chunk: Arc<Chunk>,
    /// What each message asks for; places are those of the commands below.
    pub(super) asks: Vec<Asks>,
    /// What commands are called.
    pub(super) names: Vec<(RequestId, CommandKind)>,
    /// What becomes of them; `None` if there are none.
    pub(super) posted: Option<PostedJudged>,
}

/// Why commands are not posted.
enum Stopped {
    /// Their sender may send none any more.
    Refused(Denial),
    Failed(LaneError),
}

impl From<Denial> for Stopped {
    fn from(denial: Denial) -> Self {
        Self::Refused(denial)
    }
}

/// Has a sender's commands decided.
pub(super) struct Decider {
    desk: Arc<Desk>,
    principal: Option<Principal>,
}

impl Decider {
    pub(super) fn new(desk: Arc<Desk>, sender: &str) -> Self {
        Self {
            desk,
            principal: names::principal(sender),
        }
    }

    /// Posts the commands of a chunk. When this is done, nothing that comes later can overtake them.
    pub(super) async fn decide(&mut self, chunk: Arc<Chunk>) -> Result<Decided, LaneError> {
        let who = match self.who() {
            Ok(who) => who,
            Err(wording) => return Ok(refused(chunk, wording)),
        };
        let (asks, requests) = self.read(&chunk, &who);
        let name = |request: &Request| (request.id().clone(), request.command().kind());
        let names: Vec<_> = requests.iter().map(name).collect();
        let posted = if requests.is_empty() {
            None
        } else {
            let denied = match self.judge(&requests).await {
                Ok(denied) => denied,
                Err(Stopped::Refused(wording)) => return Ok(refused(chunk, wording)),
                Err(Stopped::Failed(error)) => return Err(error),
            };
            Some(self.post(requests, denied).await?)
        };
        Ok(Decided {
            chunk,
            asks,
            names,
            posted,
        })
    }

    /// Who sends, if they may send commands at all. Asked for every chunk, and again whenever it had to wait: keys may be
    /// revoked.
    fn who(&self) -> Result<Arc<Identity>, Denial> {
        let who = self.principal.as_ref();
        let who = who.and_then(|principal| self.desk.keys.holder(principal));
        let who = who.ok_or(&UNKNOWN)?;
        if Action::may_command(who.role.name()) {
            Ok(who)
        } else {
            Err(&wording::FORBIDDEN)
        }
    }

    fn read(&self, chunk: &Chunk, who: &Identity) -> (Vec<Asks>, Vec<Request>) {
        let mut requests = Vec::with_capacity(chunk.messages.len());
        let each = chunk.messages.iter();
        let asks = each.map(|message| {
            let read = self.read_one(&message.body, who, &mut requests);
            read.unwrap_or_else(never)
        });
        (asks.collect(), requests)
    }

    fn read_one(
        &self,
        body: &[u8],
        who: &Identity,
        requests: &mut Vec<Request>,
    ) -> Result<Asks, Invalid> {
        let from = requests.len();
        if body.trim_ascii_start().first() == Some(&b'[') {
            requests.extend(decode_batch(body, &who.principal, &self.desk.point_type)?);
            return Ok(Asks::Many(from..requests.len()));
        }
        let context = Context {
            principal: &who.principal,
            point_type: &self.desk.point_type,
            default_id: None,
            default_kind: None,
        };
        requests.push(decode_command(body, &context)?);
        Ok(Asks::One(from))
    }

    /// Waits until the sender's rate allows so many commands.
    async fn pay(&self, commands: usize) -> Result<(), Denial> {
        let mut left = u32::try_from(commands).unwrap_or(u32::MAX);
        while let Some(unpaid) = NonZeroU32::new(left) {
            let who = self.who()?;
            let Some(allowance) = &who.allowance else {
                break;
            };
            let part = unpaid.min(allowance.limit().burst);
            match allowance.take(part) {
                Ok(_) => left -= part.get(),
                Err(exceeded) => sleep(exceeded.wait.min(WAIT_MAX)).await,
            }
        }
        Ok(())
    }

    /// Judges commands as soon as their sender's rate allows them, and again while a look at what one of them concerns finds
    /// its shard full: put back alone, it would be overtaken by what comes later.
    async fn judge(&self, requests: &[Request]) -> Result<Vec<(usize, Denial)>, Stopped> {
        self.pay(requests.len()).await?;
        let (mut pause, mut tries) = (BUSY, 1);
        loop {
            let who = self.who()?;
            let denied = judge_many(&who, &self.desk.engine, requests).await;
            let Some((_, why)) = denied.iter().find(|(_, denial)| denial.status == 503) else {
                if self.who()?.role == who.role {
                    return Ok(denied);
                }
                continue;
            };
            let ends = [EngineError::Stopping, EngineError::OutcomeUnknown];
            if ends.map(wording::of_error).contains(why) {
                return Err(Stopped::Failed(LaneError::Engine));
            }
            if tries == TRIES {
                tracing::error!(sender = %who.principal, why = why.title, "given up");
                return Ok(denied);
            }
            sleep(pause).await;
            pause = (pause * 2).min(BUSY_MAX);
            tries += 1;
        }
    }

    /// Posts commands without those that were denied, and again what found its shard full. Meanwhile nothing else of this
    /// sender is posted, so that nothing overtakes it.
    async fn post(
        &self,
        requests: Vec<Request>,
        denied: Vec<(usize, Denial)>,
    ) -> Result<PostedJudged, LaneError> {
        let mut judged = post_judged(&self.desk.engine, requests, denied);
        let (mut pause, mut tries) = (BUSY, 1);
        while let Some(error) = judged.posted.turned_away() {
            match error {
                EngineError::Stopping | EngineError::OutcomeUnknown => {
                    return Err(LaneError::Engine);
                }
                _ if tries == TRIES => {
                    tracing::error!(sender = self.principal.as_ref().map(display), %error, "given up");
                    break;
                }
                _ => {}
            }
            sleep(pause).await;
            pause = (pause * 2).min(BUSY_MAX);
            // A disk that is full is no fault of the command's, however long it lasts.
            if self.desk.engine.is_short_of_disk() {
                continue;
            }
            judged.posted.post_again();
            tries += 1;
        }
        Ok(judged)
    }
}

fn never(mut invalid: Invalid) -> Asks {
    invalid.errors.truncate(FINDINGS_MAX);
    Asks::Never(invalid.into())
}

/// A chunk of which nothing is posted, all for the same reason.
fn refused(chunk: Arc<Chunk>, wording: &'static Wording) -> Decided {
    let asks = chunk.messages.iter();
    Decided {
        asks: asks.map(|_| Asks::Never(wording.into())).collect(),
        chunk,
        names: Vec::new(),
        posted: None,
    }
}

#[cfg(test)]
pub(super) mod tests;
