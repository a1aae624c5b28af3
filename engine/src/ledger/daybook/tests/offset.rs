//! Goal: every entry is of one day, and days go up, whatever becomes of the programme's time zone. Method: a shard starts again with
//! other rules around midnight, from its entries or from an image, and its days are looked through.

use super::*;
use crate::ledger::{
    Command, Decision, Enrol, Extent, Facts, MemberId, Principal, Request, RequestId, Restoring,
    ShardIndex, StateHash,
};

const SHARD: ShardIndex = ShardIndex(3);
const HOUR: u64 = 60 * 60 * 1_000;
/// The day on which it begins, at UTC.
const BEGIN: u32 = 20_000;

struct Shard {
    ledger: Ledger,
    records: Vec<Vec<u8>>,
}

fn rules(hours: i32) -> Rules {
    Rules {
        utc_offset_minutes: hours * 60,
        ..Rules::default()
    }
}

/// An hour at UTC, counted from the day on which it begins.
fn hour(hour: u64) -> UnixMillis {
    UnixMillis(u64::from(BEGIN) * 24 * HOUR + hour * HOUR)
}

fn day(number: u32) -> Day {
    Day::new(BEGIN + number).unwrap()
}

impl Shard {
    fn new(hours: i32) -> Self {
        Self {
            ledger: Ledger::new(SHARD, rules(hours)),
            records: Vec::new(),
        }
    }

    fn apply(&mut self, entry: &Entry) {
        let mut scratch = vec![0; Entry::BYTES_MAX];
        let record = entry.encode(&mut scratch).to_vec();
        self.ledger.apply(entry, &record);
        self.records.push(record);
    }

    /// Something happens.
    fn enrol(&mut self, now: UnixMillis) {
        self.end_day(now);
        let number = self.records.len();
        let enrol = Command::Enrol(Enrol {
            member: MemberId::new(&format!("m-{number}")).unwrap(),
            attributes: None,
        });
        let id = RequestId::new(&format!("r-{number}")).unwrap();
        let request = Request::new(Principal::new("till").unwrap(), id, enrol, None, None);
        match self.ledger.decide(now, &request, Facts::NONE) {
            Decision::Record(entry) => self.apply(&entry),
            other => panic!("{other:?}"),
        }
    }

    fn end_day(&mut self, now: UnixMillis) {
        if let Some(mark) = self.ledger.decide_day_end(now) {
            self.apply(&mark);
        }
    }

    fn stand(&self) -> (StateHash, DaybookImage) {
        (self.ledger.state_hash(), self.ledger.daybook().image())
    }

    fn replayed(&mut self, hours: i32) {
        let mut ledger = Ledger::new(SHARD, rules(hours));
        for record in &self.records {
            ledger.replay(record).unwrap();
        }
        let before = self.stand();
        self.ledger = ledger;
        assert!(self.stand() == before, "another state");
    }

    fn restored(&mut self, hours: i32) {
        let begun = self.ledger.begin_image(Extent::Whole);
        let mut parts = vec![begun.head];
        parts.extend(std::iter::from_fn(|| self.ledger.next_image_part(64)));
        let mut restoring = Restoring::new(SHARD, rules(hours));
        for part in &parts {
            restoring.take(part).unwrap();
        }
        let before = self.stand();
        self.ledger = restoring
            .finish(|_| Err("there are none".to_owned()))
            .unwrap();
        assert!(self.stand() == before, "another state");
    }

    /// The days that are over, each with its entries, which have to lie without a gap.
    #[track_caller]
    fn days(&self) -> Vec<(u32, u64)> {
        let mut next = Seq(1);
        let over = self.ledger.daybook().over().iter();
        over.map(|over| {
            assert_eq!(over.first, next, "each entry is of one day");
            next = over.last.next();
            let number = over.day.days_since_1970().unwrap() - BEGIN;
            (number, over.last.0 + 1 - over.first.0)
        })
        .collect()
    }
}

#[test]
fn a_day_that_was_ended_does_not_come_again() {
    for restart in [Shard::replayed, Shard::restored] {
        let mut shard = Shard::new(8);
        shard.enrol(hour(15));
        // Five minutes behind midnight the first day is over. Where days begin an hour later, it is the same day again.
        let past_midnight = UnixMillis(hour(16).0 + HOUR / 12);
        shard.enrol(past_midnight);
        assert_eq!(shard.days(), [(0, 1)]);
        restart(&mut shard, 7);
        assert_eq!(shard.ledger.open_day(), day(1));
        shard.enrol(UnixMillis(past_midnight.0 + 1));
        // The day that goes on takes that hour, and ends as it does there.
        shard.enrol(hour(17));
        shard.enrol(hour(40));
        assert_eq!(shard.days(), [(0, 1)]);
        shard.enrol(hour(41));
        assert_eq!(shard.days(), [(0, 1), (1, 5)]);
        // From then on it is as if days had always begun there.
        shard.enrol(hour(24 * 3 + 17));
        assert_eq!(shard.days(), [(0, 1), (1, 5), (2, 2)]);
        assert_eq!(shard.ledger.open_day(), day(4));
        restart(&mut shard, 8);
        assert_eq!(shard.days(), [(0, 1), (1, 5), (2, 2)]);
    }
}

#[test]
fn a_day_that_is_settled_does_not_come_again() {
    let mut shard = Shard::new(8);
    shard.enrol(hour(15));
    shard.enrol(hour(16));
    shard.ledger.settle_days(day(0));
    assert_eq!(shard.days(), []);
    for hours in [7, -12] {
        shard.restored(hours);
        assert_eq!(shard.ledger.open_day(), day(1), "{hours}");
        shard.end_day(hour(23));
        assert_eq!(shard.ledger.daybook().over().len(), 0, "{hours}");
    }
    shard.restored(7);
    shard.end_day(hour(41));
    let over: Vec<Day> = shard
        .ledger
        .daybook()
        .over()
        .iter()
        .map(|over| over.day)
        .collect();
    assert_eq!(over, [day(1)]);
}

#[test]
fn days_go_up_whatever_the_time_zone_is_changed_to() {
    let mut shard = Shard::new(0);
    let mut now = hour(0);
    for turn in 0..400_u64 {
        // Steps of up to a day and a half, in no order that repeats soon.
        let odd = turn.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        now = UnixMillis(now.0 + odd % (36 * HOUR));
        match turn % 4 {
            0 => shard.end_day(now),
            1 if turn % 3 == 0 => shard.restored((odd % 27) as i32 - 12),
            1 => shard.replayed((odd % 27) as i32 - 12),
            _ => shard.enrol(now),
        }
        let days = shard.days();
        assert!(days.is_sorted_by(|a, b| a.0 < b.0), "{days:?}");
    }
}
