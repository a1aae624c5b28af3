//! A ledger at work, for tests that look into one.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

use std::collections::BTreeMap;

use super::{
    Aged, Cancel, Capture, Class, Command, Confirm, Day, Decision, Earn, Enrol, Entry, Extent,
    Facts, Hold, HoldId, ImageError, Labels, Ledger, MemberId, MerchantId, Need, PointType, Points,
    Principal, PutMerchant, Request, RequestId, ReservationId, Reserve, Restoring, Reverse, Rules,
    Seq, ShardIndex, SkuId, SoldCode, StateHash, StockDocument, Terms, Text, TransactionId,
    UnixMillis, UseCode,
};
use crate::pool::{Home, Units};

const SHARD: ShardIndex = ShardIndex(3);

/// A ledger at work, and the chunks that it had others keep.
pub(super) struct Work {
    pub(super) ledger: Ledger,
    pub(super) chunks: BTreeMap<u64, Vec<u8>>,
    pub(super) records: Vec<Vec<u8>>,
    asked: u64,
}

fn rules() -> Rules {
    Rules {
        record_chunk_bytes: 4_096,
        request_bytes_max: 3 * 4_096,
        request_disk_bytes_max: 1 << 20,
        ..Rules::default()
    }
}

impl Work {
    pub(super) fn new() -> Self {
        let mut this = Self {
            ledger: Ledger::new(SHARD, rules()),
            chunks: BTreeMap::new(),
            records: Vec::new(),
            asked: 0,
        };
        this.ask(Command::PutMerchant(PutMerchant {
            contract: None,
            merchant: MerchantId::new("m").unwrap(),
            name: Text::new("Corner shop").unwrap(),
        }));
        this
    }

    pub(super) fn ask(&mut self, command: Command) -> Seq {
        self.asked += 1;
        let request = Request::new(
            Principal::new("till").unwrap(),
            RequestId::new(&format!("r{}", self.asked)).unwrap(),
            command,
            None,
            None,
        );
        let mut facts = Facts::default();
        loop {
            let now = UnixMillis(self.asked * 1_000);
            match self.ledger.decide(now, &request, &facts) {
                Decision::First(entry) => self.apply(&entry),
                Decision::Record(entry) => {
                    self.apply(&entry);
                    return entry.seq;
                }
                Decision::Need(need) => facts.add(need, self.pick(need)),
                other => panic!("{other:?}"),
            }
        }
    }

    fn pick(&self, need: Need) -> Option<Box<[u8]>> {
        let chunk = &self.chunks[&need.chunk.0];
        need.pick(chunk).map(Into::into)
    }

    fn apply(&mut self, entry: &Entry) {
        let mut scratch = vec![0; Entry::BYTES_MAX];
        let record = entry.encode(&mut scratch).to_vec();
        self.ledger.apply(entry, &record);
        self.records.push(record);
        self.take_chunks();
    }

    fn take_chunks(&mut self) {
        while let Some(aged) = self.ledger.take_aged() {
            match aged {
                Aged::Store { chunk, bytes } | Aged::Keep { chunk, bytes } => {
                    self.chunks.insert(chunk.0, bytes.to_vec());
                }
                Aged::Drop { chunk } => {
                    self.chunks.remove(&chunk.0);
                }
            }
        }
    }

    pub(super) fn enrol(&mut self, member: u64) {
        let label = |value: &str| ("city".into(), value.into());
        self.ask(Command::Enrol(Enrol {
            member: id(member),
            attributes: Labels::new(vec![label("Suzhou")]),
        }));
    }

    pub(super) fn earn(&mut self, member: u64, points: u64) {
        self.ask(Command::Earn(Earn {
            member: id(member),
            merchant: MerchantId::new("m").unwrap(),
            points: Points::new(points).unwrap(),
            point_type: PointType::new("points").unwrap(),
            last_day: Day::new(20_000 + member as u32).unwrap(),
            class: Class::new("ordinary").unwrap(),
            order: None,
            at: None,
            releases_at: member.is_multiple_of(3).then_some(UnixMillis(900_000_000)),
        }));
    }

    pub(super) fn hold(&mut self, member: u64, points: u64) -> Seq {
        self.ask(Command::Hold(Hold {
            member: id(member),
            merchant: MerchantId::new("m").unwrap(),
            points: Points::new(points).unwrap(),
            point_type: PointType::new("points").unwrap(),
            used_for: None,
            order: None,
            ttl_seconds: 900,
        }))
    }

    pub(super) fn capture(&mut self, hold: Seq) {
        self.ask(Command::Capture(Capture {
            hold: HoldId {
                shard: SHARD,
                seq: hold,
            },
            points: Points::new(1),
            last: true,
        }));
    }

    /// Has points be what `units` lamps are paid with, of which this shard has all.
    pub(super) fn put_on_sale(&mut self, units: u64) {
        self.ledger.symbols.define("lamp".into());
        let named = |name| self.ledger.symbols.find(name).unwrap();
        let terms = Terms {
            merchant: named("m"),
            point_type: named("points"),
            price: Points::new(1).unwrap(),
            per_member_limit: Units::new(units),
            opens_at: None,
            closes_at: None,
            ttl_seconds: 30,
        };
        let lamp = named("lamp");
        let stock = self.ledger.stocks.know(lamp, "lamp");
        stock.home = Some(Box::new(Home::new(
            SHARD,
            SHARD.0 + 1,
            Units::new(units).unwrap(),
        )));
        stock.document = Some(StockDocument {
            terms,
            version: 1,
            home: SHARD,
        });
    }

    pub(super) fn reserve(&mut self, member: u64, units: u64) -> Seq {
        self.ask(Command::Reserve(Reserve {
            member: id(member),
            sku: SkuId::new("lamp").unwrap(),
            quantity: Units::new(units).unwrap(),
        }))
    }

    pub(super) fn confirm(&mut self, reservation: Seq) -> Seq {
        let reservation = ReservationId {
            shard: SHARD,
            seq: reservation,
        };
        self.ask(Command::Confirm(Confirm { reservation }))
    }

    pub(super) fn cancel(&mut self, reservation: Seq) {
        let reservation = ReservationId {
            shard: SHARD,
            seq: reservation,
        };
        self.ask(Command::Cancel(Cancel { reservation }));
    }

    /// Lets the time of what is reserved or held run out.
    pub(super) fn expire(&mut self) {
        self.asked += 1_000;
        let now = UnixMillis(self.asked * 1_000);
        while let Some(entry) = self.ledger.decide_expiry(now) {
            self.apply(&entry);
        }
    }

    pub(super) fn use_code(&mut self, sale: Seq, unit: u16) {
        let secret = self.ledger.stocks.sold.find(sale).unwrap().secret;
        let code = SoldCode::new(SHARD, sale, unit, secret);
        self.ask(Command::UseCode(UseCode { code }));
    }

    pub(super) fn take_back(&mut self, sale: Seq, return_units: bool) {
        self.ask(Command::Reverse(Reverse {
            transaction: TransactionId {
                shard: SHARD,
                seq: sale,
            },
            points: None,
            reason: None,
            return_units,
        }));
    }

    /// A whole image, taken at once.
    pub(super) fn begin(&mut self, extent: Extent) -> (Vec<Vec<u8>>, Seq, StateHash) {
        let begun = self.ledger.begin_image(extent);
        self.take_chunks();
        (vec![begun.head], begun.seq, self.ledger.state_hash())
    }

    pub(super) fn restore(&self, parts: &[Vec<u8>]) -> Result<Ledger, ImageError> {
        let mut restoring = Restoring::new(SHARD, rules());
        parts.iter().try_for_each(|part| restoring.take(part))?;
        restoring.finish(|number| {
            let chunk = self.chunks.get(&number.0).cloned();
            chunk.ok_or_else(|| "it is gone".to_owned())
        })
    }

    /// Whether a ledger goes on like this one with what was decided behind its image.
    #[track_caller]
    pub(super) fn check_goes_on(&self, mut ledger: Ledger) {
        for record in &self.records[ledger.last_seq().0 as usize..] {
            ledger.replay(record).unwrap();
        }
        assert_eq!(ledger.state_hash(), self.ledger.state_hash());
    }
}

fn id(member: u64) -> MemberId {
    MemberId::new(&format!("member-{member}")).unwrap()
}
