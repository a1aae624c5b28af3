//! The canonical work: 60 % earn, 20 % hold and capture, 20 % redeem, on members drawn evenly.

use std::collections::VecDeque;

use jifen_engine::{
    Router,
    ledger::{
        Capture, Class, Command, Details, Earn, Enrol, Hold, HoldId, Ledger, MemberId, MerchantId,
        PointType, Points, Principal, PutMerchant, Redeem, Request, RequestId, Rules, ShardIndex,
        Text, UnixMillis, Verdict,
    },
    shard::ShardCore,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// How many requests travel together.
pub const BATCH: usize = 2_000;
/// How many merchants take part.
pub(crate) const MERCHANTS: u32 = 16;
/// A hold is captured when so many more operations have been asked for: long after it was answered.
const CAPTURE_AFTER: usize = 20_000;
/// When the rehearsal takes place. Only the order matters.
const REHEARSAL: UnixMillis = UnixMillis(1_700_000_000_000);

/// Requests to be submitted in order: first `setup`, which is not timed, then `work`.
#[derive(Clone)]
pub struct Workload {
    /// Where members live.
    pub router: Router,
    /// The merchants' documents, the same on every shard.
    pub merchants: Vec<Request>,
    /// Enrols the members and gives them points.
    pub setup: Vec<Request>,
    /// What is timed.
    pub work: Vec<Request>,
}

impl Workload {
    /// `operations` on `members`, drawn from `seed`. A capture names the hold that the engine will have made: the order
    /// of commands decides it, so a rehearsal on scratch ledgers tells.
    #[must_use]
    pub fn canonical(members: u32, operations: usize, seed: u64) -> Self {
        let router = Router::new(16, 1).expect("a power of two");
        let mut rehearsal = Rehearsal::new(router);
        let merchants: Vec<Request> = (0..MERCHANTS).map(put_merchant).collect();
        merchants.iter().for_each(|put| rehearsal.put_merchant(put));
        let setup: Vec<Request> = (0..members)
            .flat_map(|member| [enrol(member), earn(member, 0, 1_000_000, "opening".into())])
            .collect();
        for request in &setup {
            rehearsal.submit(request);
        }

        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let mut holds: VecDeque<(usize, HoldId)> = VecDeque::new();
        let mut work = Vec::with_capacity(operations + operations / 5);
        for operation in 0..operations {
            let (member, merchant) = (rng.random_range(0..members), rng.random_range(0..MERCHANTS));
            let points = rng.random_range(1..200);
            let id = format!("o-{operation:08}");
            let request = match rng.random_range(0..10) {
                0..6 => earn(member, merchant, points, id),
                6..8 => hold(member, merchant, points, id),
                _ => redeem(member, merchant, points, id),
            };
            if let Some(hold) = rehearsal.submit(&request) {
                holds.push_back((operation, hold));
            }
            work.push(request);
            while let Some(&(held_at, hold)) = holds.front()
                && held_at + CAPTURE_AFTER.min(operations / 4) <= operation
            {
                holds.pop_front();
                let request = capture(hold, format!("c-{held_at:08}"));
                rehearsal.submit(&request);
                work.push(request);
            }
        }
        Self {
            router,
            merchants,
            setup,
            work,
        }
    }
}

/// Requests as they travel together.
#[must_use]
pub fn batches(requests: &[Request]) -> Vec<Vec<Request>> {
    requests.chunks(BATCH).map(<[Request]>::to_vec).collect()
}

impl Workload {
    /// The earns and redemptions of the work: what can be sent without hearing answers.
    #[must_use]
    pub fn without_holds(&self) -> Self {
        self.only(|command| matches!(command, Command::Earn(_) | Command::Redeem(_)))
    }

    /// The earns of the work.
    #[must_use]
    pub fn earns(&self) -> Self {
        self.only(|command| matches!(command, Command::Earn(_)))
    }

    fn only(&self, wanted: fn(&Command) -> bool) -> Self {
        let mut part = self.clone();
        part.work.retain(|request| wanted(request.command()));
        part
    }
}

struct Rehearsal {
    router: Router,
    shards: Vec<ShardCore<()>>,
}

impl Rehearsal {
    fn new(router: Router) -> Self {
        Self {
            router,
            shards: fresh_shards(router),
        }
    }

    fn put_merchant(&mut self, put: &Request) {
        put_everywhere(&mut self.shards, put);
    }

    fn submit(&mut self, request: &Request) -> Option<HoldId> {
        let shard = self
            .router
            .command(request.command())
            .expect("made for this router");
        let core = &mut self.shards[usize::from(shard.0)];
        let reply = core.submit(REHEARSAL, request);
        core.seal();
        match reply.map(|answer| answer.verdict) {
            Ok(Verdict::Accepted(Details::Held { hold, .. })) => Some(hold),
            _ => None,
        }
    }
}

/// Shards to which nothing has happened.
#[must_use]
pub fn fresh_shards(router: Router) -> Vec<ShardCore<()>> {
    fresh_ledgers(router)
        .into_iter()
        .map(|ledger| ShardCore::new(ledger, UnixMillis(0)))
        .collect()
}

/// Ledgers to which nothing has happened.
#[must_use]
pub fn fresh_ledgers(router: Router) -> Vec<Ledger> {
    (0..router.shards())
        .map(|shard| Ledger::new(ShardIndex(shard), Rules::default()))
        .collect()
}

/// Puts a merchant on shard 0 and carries it to the others, as the engine does.
pub fn put_everywhere(shards: &mut [ShardCore<()>], put: &Request) {
    let Command::PutMerchant(document) = put.command() else {
        return;
    };
    drop(shards[0].submit(REHEARSAL, put));
    let document = shards[0].ledger().document(&document.merchant);
    for shard in shards {
        shard.carry(REHEARSAL, &document.clone().expect("just put"));
        shard.seal();
    }
}

fn request(id: String, command: Command) -> Request {
    let principal = Principal::new("operator").expect("in the alphabet");
    let id = RequestId::new(&id).expect("in the alphabet");
    Request::new(principal, id, command, None, None)
}

fn member(number: u32) -> MemberId {
    MemberId::new(&format!("m-{number:07}")).expect("in the alphabet")
}

fn merchant(number: u32) -> MerchantId {
    MerchantId::new(&format!("shop-{number:03}")).expect("in the alphabet")
}

fn points(number: u64) -> Points {
    Points::new(number).expect("small")
}

fn kind_of_points() -> PointType {
    PointType::new("points").expect("in the alphabet")
}

pub(crate) fn put_merchant(number: u32) -> Request {
    let name = Text::new("A shop").expect("short");
    let put = PutMerchant {
        contract: None,
        merchant: merchant(number),
        name,
    };
    request(format!("put-{number}"), Command::PutMerchant(put))
}

pub(crate) fn enrol(number: u32) -> Request {
    let enrol = Enrol {
        member: member(number),
        attributes: None,
    };
    request("enrol".into(), Command::Enrol(enrol))
}

pub(crate) fn earn(to: u32, from: u32, how_many: u64, id: String) -> Request {
    let earn = Earn {
        member: member(to),
        merchant: merchant(from),
        points: points(how_many),
        point_type: kind_of_points(),
        last_day: jifen_engine::ledger::Day::NEVER,
        class: Class::new("ordinary").expect("in the alphabet"),
        order: None,
        at: None,
        releases_at: None,
    };
    request(id, Command::Earn(earn))
}

pub(crate) fn redeem(from: u32, to: u32, how_many: u64, id: String) -> Request {
    let redeem = Redeem {
        member: member(from),
        merchant: merchant(to),
        points: points(how_many),
        point_type: kind_of_points(),
        used_for: None,
        order: None,
        cash: None,
    };
    request(id, Command::Redeem(redeem))
}

fn hold(from: u32, to: u32, how_many: u64, id: String) -> Request {
    let hold = Hold {
        member: member(from),
        merchant: merchant(to),
        points: points(how_many),
        point_type: kind_of_points(),
        used_for: None,
        order: None,
        ttl_seconds: 900,
    };
    request(id, Command::Hold(hold))
}

fn capture(hold: HoldId, id: String) -> Request {
    let capture = Capture {
        hold,
        points: None,
        last: true,
    };
    request(id, Command::Capture(capture))
}
