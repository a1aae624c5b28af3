//! A market in one thread: shards with links between them, sales and transfers, messages that are lost, repeated and late, and
//! shards that crash, one by one or all at once. Everything that happens follows from the seed.
//!
//! The rules it checks, at every step: no unit is sold twice or lost, whatever a crash undoes; nobody hears `sold_out` who did not
//! wait through an instant at which fewer units were on sale than asked for; points on their way are neither doubled nor lost; and
//! what was answered stays so. At rest nobody waits.

mod changes;
mod clients;
mod closing;
mod packs;
mod shards;

use jifen_engine::{
    Router,
    ledger::{
        Code, Command, CommandKind, Ledger, Parcel, Request, Rules, ShardIndex, UnixMillis,
        invariants::{check_programme, check_shard},
    },
    pool::Units,
    shard::Reply,
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use self::{
    changes::Changes,
    clients::{Clients, Stay},
    closing::Closing,
    shards::{Post, Shard},
};
use crate::coverage::Coverage;

const START: u64 = 1_790_000_000_000;
/// Rounds without new commands after which everything must be at rest.
const ROUNDS_TO_REST: u32 = 400;

/// Whether a command has to do with several shards or with sales: it is the market's to meet, and the naive twin, which is one
/// shard and sells nothing, does not know it.
#[must_use]
pub const fn is_for_markets(command: CommandKind) -> bool {
    matches!(
        command,
        CommandKind::Reserve
            | CommandKind::Confirm
            | CommandKind::Cancel
            | CommandKind::Transfer
            | CommandKind::PutStock
            | CommandKind::ChangeUnits
            | CommandKind::UseCode
            | CommandKind::Settle
            | CommandKind::PutCorrection
            | CommandKind::DecideCorrection
            | CommandKind::BuyPack
    )
}

/// Whether a refusal is only said to such commands.
#[must_use]
pub const fn is_said_in_markets(code: Code) -> bool {
    matches!(
        code,
        Code::RequestInFlight
            | Code::SkuNotFound
            | Code::ReservationNotFound
            | Code::CodeNotFound
            | Code::ReservationConfirmed
            | Code::ReservationCancelled
            | Code::ReservationExpired
            | Code::CodeUsed
            | Code::CodeRevoked
            | Code::SoldOut
            | Code::SaleNotOpen
            | Code::SaleClosed
            | Code::ExceedsStock
            | Code::TooManyWait
            | Code::SettlementNotFound
            | Code::CorrectionNotFound
            | Code::CorrectionExists
            | Code::CorrectionDecided
            | Code::PeriodSettled
            | Code::EventTooLate
            | Code::InvalidPeriod
            | Code::PeriodNotOver
            | Code::OwnCorrection
            | Code::PrepaidTooSoon
            | Code::PackExhausted
    )
}

/// What the market has to meet for a campaign to be worth anything.
#[must_use]
pub fn cases() -> Vec<String> {
    let verbs = [
        "reserve",
        "confirm",
        "cancel",
        "transfer",
        "put_stock",
        "change_units",
        "use_code",
        "reverse",
        "redeem",
        "settle",
        "buy_pack",
    ];
    let met = verbs.iter().map(|verb| format!("{verb} accepted"));
    let refused = [
        "sold_out",
        "pack_exhausted",
        "member_limit_reached",
        "insufficient_points",
        "reservation_expired",
        "exceeds_stock",
        "member_not_found",
        "member_closed",
        "code_used",
        "code_revoked",
        "request_in_flight",
        "invalid_period",
        "period_not_over",
    ];
    let refused = refused.iter().map(|code| format!("refused {code}"));
    let faults = [
        "crash of one",
        "crash of all",
        "parcel lost",
        "parcel twice",
        "parcel late",
        "errand waited",
        "day over",
        "settlement published",
        "settlement made again",
        "closing forgotten in a crash",
        "points in transit when a day ended",
        "earn waited for bought points",
        "units as the last document has it",
    ];
    met.chain(refused)
        .chain(faults.iter().map(ToString::to_string))
        .collect()
}

struct Market {
    rng: ChaCha8Rng,
    now: u64,
    rules: Rules,
    shards: Vec<Shard>,
    post: Post,
    clients: Clients,
    closing: Closing,
    changes: Changes,
    met: Coverage,
}

/// Lives the market of a seed.
///
/// # Errors
///
/// With the rule that was broken.
pub fn live(seed: u64) -> Result<Coverage, String> {
    let mut market = Market::new(seed);
    market.open()?;
    let steps = market.rng.random_range(150..500);
    for step in 0..steps {
        market
            .step()
            .map_err(|what| format!("step {step}: {what}"))?;
    }
    market.rest().map_err(|what| format!("at rest: {what}"))?;
    Ok(market.met)
}

impl Market {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let shards = [1, 2, 4, 4, 8][rng.random_range(0..5)];
        let rules = Rules {
            router: Router::new(shards, seed).expect("a power of two"),
            waiting_max: [4, 1_024][rng.random_range(0..2)],
            unacknowledged_max: [6, 16_384][rng.random_range(0..2)],
            code_key: [7; 32],
            transfer_points_per_day_max: None,
            ..Rules::default()
        };
        let shards = (0..shards).map(ShardIndex);
        Self {
            clients: Clients::new(&mut rng),
            rng,
            now: START,
            shards: shards.map(|shard| Shard::new(shard, &rules)).collect(),
            closing: Closing::default(),
            changes: Changes::default(),
            rules,
            post: Post::default(),
            met: Coverage::default(),
        }
    }

    /// Merchants, members with points, and sales.
    fn open(&mut self) -> Result<(), String> {
        for request in self.clients.opening() {
            self.ask(&request)?;
            self.deliver_all()?;
        }
        Ok(())
    }

    fn step(&mut self) -> Result<(), String> {
        self.now += self.rng.random_range(0..200);
        match self.rng.random_range(0..1_000) {
            0..550 => {
                let request = self.clients.next(&mut self.rng, self.now);
                self.ask(&request)?;
            }
            550..750 => self.become_durable(),
            750..915 => self.deliver_one()?,
            915..950 => self.close_on()?,
            950..970 => {
                let jump = [500, 5_000, 61_000][self.rng.random_range(0..3)];
                self.now += jump;
                self.tick();
            }
            970..976 => self.send_again(),
            976..982 => self.midnight(),
            982..990 => self.settle()?,
            990..997 => self.crash_one()?,
            _ => self.crash_all()?,
        }
        self.check()
    }

    fn ask(&mut self, request: &Request) -> Result<(), String> {
        let Some(shard) = self.rules.router.command(request.command()) else {
            return Ok(());
        };
        let stay = Stay::begin(request, &self.ledgers());
        self.changes.ask(request);
        let at = usize::from(shard.0);
        if !self.shards[at].ask(UnixMillis(self.now), request, stay) {
            self.met.count("errand waited");
            if matches!(request.command(), Command::Earn(_)) {
                self.met.count("earn waited for bought points");
            }
        }
        self.go_on(at);
        Ok(())
    }

    /// A shard does what it has to, step by step: each is an instant of its own.
    fn go_on(&mut self, at: usize) {
        self.watch();
        while self.shards[at].settle_one(UnixMillis(self.now)) {
            self.watch();
        }
        self.shards[at].answer();
    }

    /// A shard gets a parcel, message by message.
    fn receive(&mut self, parcel: &Parcel) {
        let at = usize::from(parcel.to.0);
        let messages = parcel.messages.iter().cloned();
        let mut rest: Vec<Parcel> = (parcel.first..)
            .zip(messages)
            .map(|(first, message)| Parcel {
                first,
                messages: vec![message],
                ..parcel.clone()
            })
            .collect();
        if rest.is_empty() {
            rest.push(parcel.clone());
        }
        for one in rest {
            self.shards[at].receive(UnixMillis(self.now), &one);
            self.watch();
        }
        self.go_on(at);
    }

    /// Whoever waits has seen this instant.
    fn watch(&mut self) {
        let ledgers: Vec<&Ledger> = self.shards.iter().map(Shard::ledger).collect();
        let seen = clients::on_sale(&ledgers);
        for shard in &mut self.shards {
            shard.see(&seen);
        }
    }

    /// Some shard's entries become durable, and what waits for that leaves.
    fn become_durable(&mut self) {
        let at = self.rng.random_range(0..self.shards.len());
        self.durable(at);
    }

    fn durable(&mut self, at: usize) {
        let said = self.shards[at].become_durable(&mut self.post);
        for (stay, reply) in said {
            self.hear(&stay, &reply);
        }
    }

    fn hear(&mut self, stay: &Stay, reply: &Reply) {
        let verb = stay.request.command().kind().name();
        let code = match reply {
            Ok(answer) => match &answer.verdict {
                jifen_engine::ledger::Verdict::Accepted(_) => None,
                jifen_engine::ledger::Verdict::Refused(refusal) => Some(refusal.code()),
            },
            Err(declined) => Some(declined.refusal.reasons()[0].code),
        };
        match code {
            None => self.met.count(format!("{verb} accepted")),
            Some(code) => self
                .met
                .count(format!("refused {}", crate::heard::code_name(code))),
        }
        self.met.count("commands");
        self.clients.hear(stay, reply);
        self.changes.hear(&stay.request, reply);
        if matches!(code, Some(Code::SoldOut | Code::PackExhausted)) {
            self.clients.note_sold_out(stay);
        }
    }

    fn deliver_one(&mut self) -> Result<(), String> {
        let next = self.post.next(&mut self.rng);
        (0..self.post.lost()).for_each(|_| self.met.count("parcel lost"));
        let Some((parcel, how)) = next else {
            return Ok(());
        };
        self.met.count(how);
        self.receive(&parcel);
        Ok(())
    }

    fn deliver_all(&mut self) -> Result<(), String> {
        for _ in 0..ROUNDS_TO_REST {
            for at in 0..self.shards.len() {
                self.durable(at);
            }
            let parcels = self.post.take_all();
            if parcels.is_empty() {
                return Ok(());
            }
            for parcel in parcels {
                self.receive(&parcel);
                self.check()?;
            }
        }
        Err("messages go on and on".to_owned())
    }

    fn tick(&mut self) {
        for at in 0..self.shards.len() {
            self.shards[at].tick(UnixMillis(self.now));
            self.go_on(at);
        }
    }

    fn send_again(&mut self) {
        let at = self.rng.random_range(0..self.shards.len());
        self.shards[at].send_again();
    }

    fn crash_one(&mut self) -> Result<(), String> {
        let at = self.rng.random_range(0..self.shards.len());
        self.met.count("crash of one");
        self.shards[at].crash(&self.rules)
    }

    fn crash_all(&mut self) -> Result<(), String> {
        self.met.count("crash of all");
        self.closing.forget(&mut self.met);
        self.post.clear();
        self.shards
            .iter_mut()
            .try_for_each(|shard| shard.crash(&self.rules))
    }

    fn ledgers(&self) -> Vec<&Ledger> {
        self.shards.iter().map(Shard::ledger).collect()
    }

    fn check(&self) -> Result<(), String> {
        if let Some(what) = self.clients.broken() {
            return Err(what);
        }
        let ledgers = self.ledgers();
        for ledger in &ledgers {
            check_shard(ledger).map_err(|broken| broken.to_string())?;
            packs::check(ledger)?;
        }
        check_programme(&ledgers).map_err(|broken| broken.to_string())
    }

    /// No more commands: everything comes to rest, and the journals tell the same as memory.
    fn rest(&mut self) -> Result<(), String> {
        for _ in 0..20 {
            self.now += 100;
            for shard in &mut self.shards {
                shard.send_again();
            }
            self.tick();
            self.deliver_all()?;
        }
        self.check()?;
        packs::check_bought(&self.ledgers())?;
        for _ in 0..self.changes.check(&self.ledgers())? {
            self.met.count("units as the last document has it");
        }
        self.settle_all()?;
        for shard in &self.shards {
            let ledger = shard.ledger();
            if let Some((ticket, errand)) = ledger.errands().next() {
                return Err(format!("{ticket:?} waits for ever: {errand:?}"));
            }
            for stock in ledger.pools() {
                if let Some(home) = &stock.home
                    && !(home.queue.is_empty()
                        && home.returned == Units::ZERO
                        && home.tags == Units::ZERO)
                {
                    return Err(format!("{} is not at rest: {home:?}", stock.id));
                }
            }
            shard.compare_with_replay(&self.rules)?;
        }
        for request in self.clients.answered() {
            self.ask_again(&request)?;
        }
        Ok(())
    }

    /// What was answered is answered the same again.
    fn ask_again(&mut self, request: &Request) -> Result<(), String> {
        if matches!(
            request.command(),
            Command::PutMerchant(_) | Command::PutStock(_)
        ) {
            return Ok(());
        }
        self.ask(request)?;
        self.deliver_all()?;
        self.clients.broken().map_or(Ok(()), Err)
    }
}
