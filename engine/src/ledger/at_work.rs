//! A ledger at work, for tests that look into one.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

use std::collections::BTreeMap;

use super::{
    Aged, Capture, Class, Command, Day, Decision, Earn, Enrol, Entry, Extent, Facts, Hold, HoldId,
    ImageError, Labels, Ledger, MemberId, MerchantId, PointType, Points, Principal, PutMerchant,
    Request, RequestId, Restoring, Rules, Seq, ShardIndex, StateHash, Text, UnixMillis,
};

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
        loop {
            match self
                .ledger
                .decide(UnixMillis(self.asked * 1_000), &request, Facts::NONE)
            {
                Decision::First(entry) => self.apply(&entry),
                Decision::Record(entry) => {
                    self.apply(&entry);
                    return entry.seq;
                }
                other => panic!("{other:?}"),
            }
        }
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
