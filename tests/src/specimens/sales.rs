//! Two shards that sell together: documents, units, messages and transfers.

use jifen_engine::{
    Router,
    ledger::{
        Answer, Cancel, ChangeUnits, Class, Command, Confirm, Day, Details, Direction, Earn, Enrol,
        Ledger, MemberId, MerchantId, PointType, Points, Principal, PutMerchant, PutStock, Request,
        RequestId, ReservationId, Reserve, Reverse, Rules, ShardIndex, SkuId, SoldCode, Text,
        TransactionId, Transfer, UnixMillis, UseCode, Verdict,
    },
    pool::Units,
    shard::{Reply, ShardCore},
};

use super::{AT, SHARDS, Specimens, committed};

/// Places `a` and `d` on shard 0, `b` and `c` on shard 1, and the pool of `cup` on shard 1.
const SEED: u64 = 27;

pub(super) fn rules() -> Rules {
    Rules {
        router: Router::new(SHARDS, SEED).expect("a power of two"),
        code_key: [7; 32],
        ..Rules::default()
    }
}

pub(super) fn made() -> Specimens {
    let mut pair = Pair::new();
    pair.open();
    pair.sell();
    pair.change();
    pair.send();
    let sealed = pair
        .cores
        .map(|mut core| core.seal().expect("it has entries"));
    committed(sealed, &rules())
}

pub(super) struct Pair {
    pub(super) cores: [ShardCore<(), ()>; 2],
    pub(super) now: u64,
    asked: u32,
}

impl Pair {
    pub(super) fn new() -> Self {
        let core = |shard| {
            let ledger = Ledger::new(ShardIndex(shard), rules());
            ShardCore::new(ledger, UnixMillis(0))
        };
        let this = Self {
            cores: [core(0), core(1)],
            now: AT,
            asked: 0,
        };
        let router = rules().router;
        let places = ["a", "d", "b", "c"].map(|name| router.member(&member(name)).0);
        assert_eq!((places, router.pool(sku().as_str()).0), ([0, 0, 1, 1], 1));
        this
    }

    /// What a command is told when everything that follows from it has happened.
    fn ask(&mut self, command: Command) -> Reply {
        self.ask_as("app", None, command)
    }

    pub(super) fn ask_as(
        &mut self,
        principal: &str,
        reference: Option<&str>,
        command: Command,
    ) -> Reply {
        self.now += 50;
        self.asked += 1;
        let id = RequestId::new(&format!("r-{}", self.asked)).unwrap();
        let principal = Principal::new(principal).unwrap();
        let reference = reference.and_then(Text::new);
        let request = Request::new(principal, id, command, reference, None);
        let shard = rules().router.command(request.command()).unwrap();
        let core = &mut self.cores[usize::from(shard.0)];
        let reply = match core.first_look(UnixMillis(self.now), &request) {
            Ok(reply) => Some(reply),
            Err(wait) => {
                core.park(wait, request, ());
                None
            }
        };
        let later = self.exchange();
        reply.or(later).expect("nothing is lost on the way")
    }

    pub(super) fn exchange(&mut self) -> Option<Reply> {
        let now = UnixMillis(self.now);
        let mut reply = None;
        loop {
            let mut parcels = Vec::new();
            for core in &mut self.cores {
                core.settle(now);
                parcels.extend(core.take_parcels());
                reply = core.take_answered().pop().map(|(_, reply)| reply).or(reply);
            }
            if parcels.is_empty() {
                return reply;
            }
            for parcel in parcels {
                self.cores[usize::from(parcel.to.0)].receive(now, &parcel);
            }
        }
    }

    fn accepted(&mut self, command: Command) -> Answer {
        let told = self.ask(command);
        let answer = told.unwrap_or_else(|declined| panic!("{declined:?}"));
        assert!(matches!(answer.verdict, Verdict::Accepted(_)), "{answer:?}");
        answer
    }

    pub(super) fn pass(&mut self, millis: u64) {
        self.now += millis;
        for core in &mut self.cores {
            assert!(core.expire_due(UnixMillis(self.now), 64) < 64);
            core.wake();
        }
        self.exchange();
    }

    fn open(&mut self) {
        self.accepted(Command::PutMerchant(PutMerchant {
            contract: None,
            merchant: merchant(),
            name: Text::new("Shop").unwrap(),
        }));
        for name in ["a", "d", "b", "c"] {
            self.accepted(Command::Enrol(Enrol {
                member: member(name),
                attributes: None,
            }));
            self.accepted(Command::Earn(Earn {
                member: member(name),
                merchant: merchant(),
                points: points(100),
                point_type: PointType::new("points").unwrap(),
                last_day: Day::NEVER,
                class: Class::new("ordinary").unwrap(),
                order: None,
                at: None,
                releases_at: None,
            }));
        }
        self.accepted(put_stock(6));
    }

    fn reserve(&mut self, name: &str, quantity: u64) -> ReservationId {
        let answer = self.accepted(reserve(name, quantity));
        match answer.verdict {
            Verdict::Accepted(Details::Reserved { reservation, .. }) => reservation,
            other => panic!("{other:?}"),
        }
    }

    fn confirm(&mut self, reservation: ReservationId) -> (TransactionId, SoldCode) {
        let answer = self.accepted(Command::Confirm(Confirm { reservation }));
        let transaction = TransactionId {
            shard: answer.offset.shard,
            seq: answer.offset.seq,
        };
        match answer.verdict {
            Verdict::Accepted(Details::Confirmed { codes }) => (transaction, codes[0]),
            other => panic!("{other:?}"),
        }
    }

    /// From an allotment, by a tag, and at home; then nothing is left.
    fn sell(&mut self) {
        let first = self.reserve("a", 1);
        let second = self.reserve("a", 2);
        let third = self.reserve("b", 2);
        let fourth = self.reserve("c", 1);
        assert!(self.ask(reserve("d", 1)).is_err());
        assert!(self.ask(reserve("d", 1)).is_err());
        self.accepted(Command::Cancel(Cancel { reservation: third }));
        self.pass(100);
        let (sale, _) = self.confirm(first);
        let (_, code) = self.confirm(fourth);
        self.accepted(Command::UseCode(UseCode { code }));
        self.accepted(Command::Reverse(Reverse {
            transaction: sale,
            points: None,
            reason: None,
            return_units: true,
        }));
        // Over, and bought after all.
        self.pass(61_000);
        self.pass(100);
        self.confirm(second);
    }

    /// More units, fewer, too few, and another number by the document.
    fn change(&mut self) {
        let change = |direction, count| {
            Command::ChangeUnits(ChangeUnits {
                sku: sku(),
                direction,
                units: units(count),
            })
        };
        self.accepted(change(Direction::Up, 3));
        self.accepted(change(Direction::Down, 1));
        assert!(self.ask(change(Direction::Down, 100)).is_ok());
        self.accepted(put_stock(12));
        self.accepted(put_stock(10));
        assert!(self.ask(put_stock(1)).is_ok());
    }

    /// To another shard, to the same, and to nobody.
    fn send(&mut self) {
        let transfer = |to| {
            Command::Transfer(Transfer {
                member: member("a"),
                to: member(to),
                points: points(10),
                point_type: PointType::new("points").unwrap(),
            })
        };
        self.accepted(transfer("b"));
        self.accepted(transfer("d"));
        assert!(self.ask(transfer("nobody")).is_ok());
    }
}

fn member(name: &str) -> MemberId {
    MemberId::new(name).unwrap()
}

fn merchant() -> MerchantId {
    MerchantId::new("shop").unwrap()
}

fn sku() -> SkuId {
    SkuId::new("cup").unwrap()
}

fn points(number: u64) -> Points {
    Points::new(number).unwrap()
}

fn units(number: u64) -> Units {
    Units::new(number).unwrap()
}

fn reserve(name: &str, quantity: u64) -> Command {
    Command::Reserve(Reserve {
        member: member(name),
        sku: sku(),
        quantity: units(quantity),
    })
}

fn put_stock(count: u64) -> Command {
    Command::PutStock(PutStock {
        sku: sku(),
        units: units(count),
        price: points(5),
        point_type: PointType::new("points").unwrap(),
        merchant: merchant(),
        per_member_limit: Some(units(4)),
        opens_at: Some(UnixMillis(AT)),
        closes_at: Some(UnixMillis(AT + 86_400_000)),
        ttl_seconds: 60,
    })
}
