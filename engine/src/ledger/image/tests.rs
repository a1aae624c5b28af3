use super::*;
use crate::ledger::{
    Capture, Class, Command, Day, Decision, Earn, Enrol, Facts, Hold, HoldId, Labels, MemberId,
    MerchantId, PointType, Points, Principal, PutMerchant, Request, RequestId, Rules, StateHash,
    Text, UnixMillis,
};
use crate::ledger::{holds::Holds, members::Members};
use std::collections::BTreeMap;

const SHARD: ShardIndex = ShardIndex(3);

/// A ledger at work, and the chunks that it had others keep.
struct Work {
    ledger: Ledger,
    chunks: BTreeMap<u64, Vec<u8>>,
    records: Vec<Vec<u8>>,
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
    fn new() -> Self {
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

    fn ask(&mut self, command: Command) -> Seq {
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

    fn apply(&mut self, entry: &crate::ledger::Entry) {
        let mut scratch = vec![0; crate::ledger::Entry::BYTES_MAX];
        let record = entry.encode(&mut scratch).to_vec();
        self.ledger.apply(entry, &record);
        self.records.push(record);
        self.take_chunks();
    }

    fn take_chunks(&mut self) {
        while let Some(aged) = self.ledger.take_aged() {
            match aged {
                super::super::Aged::Store { chunk, bytes }
                | super::super::Aged::Keep { chunk, bytes } => {
                    self.chunks.insert(chunk.0, bytes.to_vec());
                }
                super::super::Aged::Drop { chunk } => {
                    self.chunks.remove(&chunk.0);
                }
            }
        }
    }

    fn enrol(&mut self, member: u64) {
        let label = |value: &str| ("city".into(), value.into());
        self.ask(Command::Enrol(Enrol {
            member: id(member),
            attributes: Labels::new(vec![label("Suzhou")]),
        }));
    }

    fn earn(&mut self, member: u64, points: u64) {
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

    fn hold(&mut self, member: u64, points: u64) -> Seq {
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

    fn capture(&mut self, hold: Seq) {
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
    fn begin(&mut self, extent: Extent) -> (Vec<Vec<u8>>, Seq, StateHash) {
        let begun = self.ledger.begin_image(extent);
        self.take_chunks();
        (vec![begun.head], begun.seq, self.ledger.state_hash())
    }

    fn restore(&self, parts: &[Vec<u8>]) -> Result<Ledger, ImageError> {
        let mut restoring = Restoring::new(SHARD, rules());
        parts.iter().try_for_each(|part| restoring.take(part))?;
        restoring.finish(|number| {
            let chunk = self.chunks.get(&number.0).cloned();
            chunk.ok_or_else(|| "it is gone".to_owned())
        })
    }

    /// Whether a ledger goes on like this one with what was decided behind its image.
    #[track_caller]
    fn check_goes_on(&self, mut ledger: Ledger) {
        for record in &self.records[ledger.last_seq().0 as usize..] {
            ledger.replay(record).unwrap();
        }
        assert_eq!(ledger.state_hash(), self.ledger.state_hash());
    }
}

fn id(member: u64) -> MemberId {
    MemberId::new(&format!("member-{member}")).unwrap()
}

#[test]
fn an_image_is_the_state_at_its_beginning_whatever_happens_meanwhile() {
    let mut work = Work::new();
    let mut holds = Vec::new();
    for member in 0..60 {
        work.enrol(member);
        work.earn(member, 100 + member);
        if member % 3 != 0 {
            holds.push(work.hold(member, 40));
        }
    }
    work.capture(holds.swap_remove(20));
    let (mut parts, seq, hash) = work.begin(Extent::Whole);
    let mut turn = 0;
    while let Some(part) = work.ledger.next_image_part(64) {
        parts.push(part);
        turn += 1;
        work.enrol(1_000 + turn);
        work.earn((turn * 7) % 60, 5);
        if let Some(hold) = holds.pop() {
            work.capture(hold);
        }
        work.hold(turn * 11 % 60 / 3 * 3 + 1, 1);
    }
    assert!(turn > 20, "{turn}");
    let restored = work.restore(&parts).unwrap();
    assert_eq!((restored.last_seq(), restored.state_hash()), (seq, hash));
    work.check_goes_on(restored);
}

#[test]
fn increments_hold_what_changed_since_the_image_before() {
    let mut work = Work::new();
    (0..200).for_each(|member| work.enrol(member));
    let (mut parts, mut seq, _) = work.begin(Extent::Whole);
    let mut whole = 0;
    while let Some(part) = work.ledger.next_image_part(256) {
        whole += part.len();
        parts.push(part);
        // Behind the image, so it belongs to the next one.
        work.earn(whole as u64 % 200, 10);
    }
    for round in 0..4 {
        (0..10).for_each(|member| work.earn(member * 7 + round, 100));
        work.enrol(500 + round);
        let hold = work.hold([7, 8, 16, 10][round as usize], 1);
        if round % 2 == 0 {
            work.capture(hold);
        }
        let (head, at, hash) = work.begin(Extent::Since(seq));
        parts.extend(head);
        seq = at;
        let mut bytes = 0;
        while let Some(part) = work.ledger.next_image_part(256) {
            bytes += part.len();
            parts.push(part);
        }
        assert!(
            bytes > 0 && (round == 0 || bytes < whole / 2),
            "{bytes} of {whole}"
        );
        let restored = work.restore(&parts).unwrap();
        assert_eq!((restored.last_seq(), restored.state_hash()), (at, hash));
        work.check_goes_on(restored);
    }
}

/// Version 3 knew of no points that were bought ahead; it ends where they begin.
#[test]
fn an_image_of_the_version_before_is_read() {
    let mut work = Work::new();
    work.enrol(1);
    work.earn(1, 100);
    let (mut parts, seq, hash) = work.begin(Extent::Whole);
    while let Some(part) = work.ledger.next_image_part(64) {
        parts.push(part);
    }
    assert_eq!(parts[0][..2], [HEAD, VERSION]);
    parts[0][1] = 3;
    assert_eq!(parts[0].pop(), Some(0), "there are no packs");
    let restored = work.restore(&parts).unwrap();
    assert_eq!((restored.last_seq(), restored.state_hash()), (seq, hash));
}

/// Version 2 knew of no clearing; its daybook begins behind it.
#[test]
fn what_was_before_the_daybook_is_not_in_it() {
    let mut work = Work::new();
    work.enrol(1);
    work.earn(1, 100);
    let (mut parts, seq, _) = work.begin(Extent::Whole);
    parts.extend(std::iter::from_fn(|| work.ledger.next_image_part(64)));
    parts[0][1] = 2;
    let contracts_settlements_corrections_packs = parts[0].len() - 4;
    assert_eq!(
        parts[0].split_off(contracts_settlements_corrections_packs),
        [0; 4]
    );
    parts.retain(|part| part[0] != DAYBOOK);
    let mut restored = work.restore(&parts).unwrap();
    assert_eq!(restored.daybook().image().from, seq.next());
    work.earn(1, 20);
    let behind = seq.0 as usize;
    restored.replay(&work.records[behind]).unwrap();
    let tomorrow = UnixMillis(2 * 86_400_000);
    let end = restored.decide_day_end(tomorrow).unwrap();
    restored.apply(&end, &[]);
    let [day] = restored.daybook().over() else {
        panic!("one day is over");
    };
    assert_eq!((day.first, day.last), (seq.next(), seq.next()));
}

#[test]
fn a_ledger_tells_how_much_it_holds() {
    let mut work = Work::new();
    for member in 1..=3 {
        work.enrol(member);
        work.earn(member, 10);
    }
    work.hold(1, 1);
    let ended = work.hold(2, 2);
    work.capture(ended);
    assert_eq!(
        work.ledger.footprint(),
        crate::ledger::Footprint {
            members: 3,
            holds: 2,
            requests: 10,
            request_bytes: 4_096,
        }
    );
}

#[test]
fn an_image_does_not_contradict_itself() {
    let mut work = Work::new();
    for member in 1..=2 {
        work.enrol(member);
        work.earn(member, 10);
        work.hold(member, 1);
    }
    let members = work.ledger.members.slots().0.to_vec();
    let holds = work.ledger.holds.slots().0.to_vec();
    assert!(Members::restored(members.clone()).is_some());
    assert!(Members::restored([&members[..], &members[..1]].concat()).is_none());
    assert!(Holds::restored(holds.clone(), 2).is_some());
    assert!(Holds::restored(holds.clone(), 1).is_none(), "of whom?");
    assert!(Holds::restored(vec![holds[0].clone(), holds[0].clone()], 2).is_none());
}

#[test]
fn an_image_that_is_not_whole_is_refused() {
    let mut work = Work::new();
    (0..100).for_each(|member| work.enrol(member));
    let (mut parts, seq, _) = work.begin(Extent::Whole);
    parts.extend(std::iter::from_fn(|| work.ledger.next_image_part(512)));
    work.earn(1, 1);
    let (increment, _, _) = work.begin(Extent::Since(seq));
    assert!(parts.len() > 3);
    for missing in 0..parts.len() {
        let mut parts = parts.clone();
        parts.remove(missing);
        assert!(work.restore(&parts).is_err(), "without part {missing}");
    }
    assert!(work.restore(&increment).is_err(), "without its base");
    assert!(work.chunks.remove(&0).is_some());
    let error = work.restore(&parts).err().expect("a chunk is gone");
    assert!(error.to_string().contains("gone"), "{error}");
}
