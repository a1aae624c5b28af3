//! Commands judged by the matrix, with a look at what belongs to another merchant.
//!
//! What a hold or a transaction belongs to never changes, so that it can be looked up before the command is submitted:
//! nothing can come between. Only merchants pay for the look; everybody else's right is in the table. What belongs to
//! another merchant is refused here in the very words in which the ledger refuses what does not exist.

use std::collections::BTreeMap;

use futures_util::{StreamExt, stream};
use jifen_engine::{
    Engine, EngineError, Outcome, Posted,
    ledger::{
        Code, Command, CommandKind, HoldId, MerchantId, Request, RequestId, ShardIndex, SoldCode,
        TransactionId,
    },
    reads,
};

use super::{
    keyring::Identity,
    matrix::{Action, Right},
};
use crate::wire::wording::{self, Wording, of_code, of_error};

/// How many transactions are looked up at once for one batch.
const LOOKS_TOGETHER: usize = 64;

/// Why somebody may not have what they ask for, as they are told.
pub type Denial = &'static Wording;

impl Identity {
    /// How far this principal may go with an action.
    pub fn right(&self, action: Action) -> Result<Right, Denial> {
        match action.right(self.role.name()) {
            Right::Never => Err(&wording::FORBIDDEN),
            right => Ok(right),
        }
    }

    /// Whether something that belongs to a merchant, or to none, is there for this principal.
    #[must_use]
    pub fn sees(&self, action: Action, merchant: Option<&str>) -> bool {
        match action.right(self.role.name()) {
            Right::Never => false,
            Right::Any => true,
            Right::Own => {
                let own = self.role.merchant().map(MerchantId::as_str);
                own.is_some() && own == merchant
            }
        }
    }
}

/// What has to be known of a command before it can be judged.
enum Concerns {
    /// The merchant stands in it.
    Merchant(bool),
    Hold(HoldId),
    Record(Record),
}

/// Something that tells by its record whose it is.
#[derive(Clone, Copy)]
enum Record {
    Transaction(TransactionId),
    Code(SoldCode),
}

/// What a command concerns, seen by a merchant.
fn concerns(command: &Command, own: &MerchantId) -> Concerns {
    match command {
        Command::Earn(earn) => Concerns::Merchant(earn.merchant == *own),
        Command::Redeem(redeem) => Concerns::Merchant(redeem.merchant == *own),
        Command::Hold(hold) => Concerns::Merchant(hold.merchant == *own),
        Command::PutMerchant(put) => Concerns::Merchant(put.merchant == *own),
        Command::Capture(capture) => Concerns::Hold(capture.hold),
        Command::Release(release) => Concerns::Hold(release.hold),
        Command::Reverse(reverse) => Concerns::Record(Record::Transaction(reverse.transaction)),
        Command::BuyPack(buy) => Concerns::Merchant(buy.merchant == *own),
        Command::PutStock(put) => Concerns::Merchant(put.merchant == *own),
        Command::PutCorrection(put) => Concerns::Merchant(put.merchant == *own),
        Command::UseCode(used) => Concerns::Record(Record::Code(used.code)),
        // These name no merchant, so they are nobody's own.
        Command::Enrol(_)
        | Command::Adjust(_)
        | Command::Freeze(_)
        | Command::Unfreeze(_)
        | Command::Close(_)
        | Command::Reserve(_)
        | Command::Confirm(_)
        | Command::Cancel(_)
        | Command::Transfer(_)
        | Command::ChangeUnits(_)
        | Command::Settle(_)
        | Command::DecideCorrection(_)
        | Command::Erase(_) => Concerns::Merchant(false),
    }
}

/// Whether somebody may have a command decided.
pub async fn judge(who: &Identity, engine: &Engine, command: &Command) -> Result<(), Denial> {
    let action = Action::Command(command.kind());
    if who.right(action)? == Right::Any {
        return Ok(());
    }
    let Some(own) = who.role.merchant() else {
        return Err(&wording::FORBIDDEN);
    };
    match concerns(command, own) {
        Concerns::Merchant(is_own) => told(Ok(is_own), Code::MerchantNotFound),
        Concerns::Hold(hold) => {
            let found = engine.hold(hold).await;
            let is_own = found.map(|hold| hold.is_some_and(|hold| hold.merchant == own.as_str()));
            told(is_own, Code::HoldNotFound)
        }
        Concerns::Record(record) => told(record.is_of(engine, own).await, record.missing()),
    }
}

/// What became of many commands, some of which were not submitted.
pub struct Judged {
    /// What became of those that were, in their order.
    pub outcomes: Vec<Outcome>,
    /// The places of those that were not, in order, and why.
    pub denied: Vec<(usize, Denial)>,
}

impl Judged {
    /// What became of each command, in their order.
    pub fn each<'a>(
        &'a self,
        names: &'a [(RequestId, CommandKind)],
    ) -> impl Iterator<Item = (&'a (RequestId, CommandKind), Result<&'a Outcome, Denial>)> {
        let mut denied = self.denied.iter().peekable();
        let mut outcomes = self.outcomes.iter();
        names.iter().enumerate().map_while(move |(place, name)| {
            let told = match denied.next_if(|(denied, _)| *denied == place) {
                Some((_, denial)) => Err(*denial),
                None => Ok(outcomes.next()?),
            };
            Some((name, told))
        })
    }
}

/// Which of many commands somebody may not have decided: their places, in order, and why.
pub async fn judge_many(
    who: &Identity,
    engine: &Engine,
    requests: &[Request],
) -> Vec<(usize, Denial)> {
    let mut denied = Vec::new();
    let mut holds = Vec::new();
    let mut records = Vec::new();
    for (place, request) in requests.iter().enumerate() {
        let command = request.command();
        let own = match who.right(Action::Command(command.kind())) {
            Ok(Right::Any) => continue,
            Ok(_) => who.role.merchant(),
            Err(_) => None,
        };
        let Some(own) = own else {
            denied.push((place, &wording::FORBIDDEN));
            continue;
        };
        match concerns(command, own) {
            Concerns::Merchant(true) => {}
            Concerns::Merchant(false) => denied.push((place, of_code(Code::MerchantNotFound))),
            Concerns::Hold(hold) => holds.push((place, hold)),
            Concerns::Record(record) => records.push((place, record)),
        }
    }
    let Some(own) = who.role.merchant() else {
        return denied;
    };
    denied.extend(foreign_holds(engine, holds, own).await);
    denied.extend(foreign_records(engine, records, own).await);
    denied.sort_unstable_by_key(|(place, _)| *place);
    denied
}

/// Has many commands decided, as far as somebody may.
pub async fn submit_many(who: &Identity, engine: &Engine, requests: Vec<Request>) -> Judged {
    let denied = judge_many(who, engine, &requests).await;
    post_judged(engine, requests, denied).answers().await
}

/// Commands of which each was refused here, stands in its shard's mail, or was turned away since its shard is full.
pub struct PostedJudged {
    /// Those that were not refused here.
    pub posted: Posted,
    denied: Vec<(usize, Denial)>,
}

impl PostedJudged {
    /// What became of them all, when it is durable.
    pub async fn answers(self) -> Judged {
        Judged {
            outcomes: self.posted.answers().await,
            denied: self.denied,
        }
    }
}

/// Posts many commands without those that were denied. When this is done, what comes later cannot overtake them, but for
/// what was turned away.
pub fn post_judged(
    engine: &Engine,
    mut requests: Vec<Request>,
    denied: Vec<(usize, Denial)>,
) -> PostedJudged {
    if !denied.is_empty() {
        let mut refused = denied.iter().map(|(place, _)| *place).peekable();
        let mut places = 0_usize..;
        requests.retain(|_| {
            let place = places.next();
            refused.next_if(|denied| Some(*denied) == place).is_none()
        });
    }
    PostedJudged {
        posted: engine.post_many(requests),
        denied,
    }
}

/// Which holds do not belong to a merchant, with one look at each shard.
async fn foreign_holds(
    engine: &Engine,
    holds: Vec<(usize, HoldId)>,
    own: &MerchantId,
) -> Vec<(usize, Denial)> {
    let mut by_shard: BTreeMap<ShardIndex, Vec<(usize, HoldId)>> = BTreeMap::new();
    for (place, hold) in holds {
        by_shard.entry(hold.shard).or_default().push((place, hold));
    }
    let mut denied = Vec::new();
    for (shard, holds) in by_shard {
        let all = holds.iter().map(|(place, _)| *place).collect::<Vec<_>>();
        let foreign = if shard.0 < engine.router().shards() {
            let own = own.clone();
            let look = engine.look(shard, move |ledger| {
                let is_own = |hold: HoldId| {
                    reads::hold(ledger, hold).is_some_and(|hold| hold.merchant == own.as_str())
                };
                let foreign = holds.into_iter().filter(|(_, hold)| !is_own(*hold));
                foreign.map(|(place, _)| place).collect()
            });
            look.await
        } else {
            Ok(all.clone())
        };
        match foreign {
            Ok(places) => denied.extend(same(places, of_code(Code::HoldNotFound))),
            Err(error) => denied.extend(same(all, of_error(error))),
        }
    }
    denied
}

fn same(places: Vec<usize>, denial: Denial) -> impl Iterator<Item = (usize, Denial)> {
    places.into_iter().map(move |place| (place, denial))
}

/// Which records do not belong to a merchant.
async fn foreign_records(
    engine: &Engine,
    records: Vec<(usize, Record)>,
    own: &MerchantId,
) -> Vec<(usize, Denial)> {
    let looks = records.into_iter().map(async |(place, record)| {
        let is_own = record.is_of(engine, own).await;
        let denial = told(is_own, record.missing()).err();
        denial.map(|denial| (place, denial))
    });
    let told = stream::iter(looks).buffered(LOOKS_TOGETHER);
    told.filter_map(async |denied| denied).collect().await
}

impl Record {
    /// What is said if there is none.
    const fn missing(self) -> Code {
        match self {
            Self::Transaction(_) => Code::TransactionNotFound,
            Self::Code(_) => Code::CodeNotFound,
        }
    }

    /// Whether it is there and belongs to a merchant.
    async fn is_of(self, engine: &Engine, own: &MerchantId) -> Result<bool, EngineError> {
        let merchant = match self {
            Self::Transaction(id) => engine.transaction(id).await?.and_then(|one| one.merchant),
            Self::Code(code) => engine.code(code).await?.and_then(|one| one.merchant),
        };
        Ok(merchant.is_some_and(|merchant| merchant == own.as_str()))
    }
}

fn told(is_own: Result<bool, EngineError>, missing: Code) -> Result<(), Denial> {
    match is_own {
        Ok(true) => Ok(()),
        Ok(false) => Err(of_code(missing)),
        Err(error) => Err(of_error(error)),
    }
}
