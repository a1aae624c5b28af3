//! The figures that the ledger judges by. They are parameters, never constants in code.

use super::{
    amount::Points,
    command::{Boundary, Settle},
    id::PointType,
    settlements::Period,
    time::{Day, UnixMillis},
};
use crate::router::Router;

/// What points of one kind are good for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Uses {
    /// To pay in place of money.
    pub offset: bool,
    /// For goods, gifts and whatever else is not paid in money.
    pub redeem: bool,
    /// To be sent to other members.
    pub transfer: bool,
}

impl Uses {
    /// Everything.
    pub const ALL: Self = Self {
        offset: true,
        redeem: true,
        transfer: true,
    };
    /// Nothing: such points can only raise a grade.
    pub const GRADE_ONLY: Self = Self {
        offset: false,
        redeem: false,
        transfer: false,
    };
}

/// A kind of points.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PointKind {
    /// Its name.
    pub name: PointType,
    /// How many decimals people see; amounts are always in the smallest unit.
    pub scale: u8,
    /// What it is good for.
    pub uses: Uses,
}

impl PointKind {
    /// Whole points, good for everything.
    #[must_use]
    pub const fn plain(name: PointType) -> Self {
        Self {
            name,
            scale: 0,
            uses: Uses::ALL,
        }
    }
}

/// What a shard's ledger judges by.
#[derive(Clone, Debug)]
pub struct Rules {
    /// The kinds of points there are; the first is meant where none is named.
    pub point_types: Vec<PointKind>,
    /// Where the programme's days begin and end, in minutes east of UTC.
    pub utc_offset_minutes: i32,
    /// How many lots a member may have of one point type. Bounds the size of an entry.
    pub lots_per_wallet_max: usize,
    /// How many holds a member may have open.
    pub open_holds_per_member_max: u32,
    /// For how long a spend or an earn can be reversed, in seconds.
    pub reversal_window_seconds: u64,
    /// How long answers are kept, at least, in seconds.
    pub request_retention_seconds: u64,
    /// How much memory a shard may use for remembered requests, in bytes. What is older goes to disk, or, where there
    /// is none, new requests are refused.
    pub request_bytes_max: usize,
    /// How much a shard may keep on disk behind that, in bytes; at this point it refuses new requests. 0: no disk.
    pub request_disk_bytes_max: u64,
    /// How many points of one kind a member may send to others in a day, if that is limited.
    pub transfer_points_per_day_max: Option<Points>,
    /// How many commands of a shard may wait for units of one sale.
    pub waiting_max: usize,
    /// How many messages of a link may be unacknowledged before no more points are sent over it.
    pub unacknowledged_max: usize,
    /// How long marks that a sale is sold out are left alone after they were taken back, in milliseconds: a flood that is let
    /// in again costs a message for each request.
    pub reopen_every_millis: u64,
    /// What the codes of sold units are made of; the same for the life of a data directory.
    pub code_key: [u8; 32],
    /// Where the pools of sales are, and how many shards there are.
    pub router: Router,
    /// In what pieces records are kept and go to disk, in bytes; the same for the life of a data directory.
    pub record_chunk_bytes: usize,
}

impl Rules {
    /// The programme's calendar day at an instant.
    #[must_use]
    pub fn day_at(&self, at: UnixMillis) -> Day {
        at.day(self.utc_offset_minutes)
    }

    /// When the programme's calendar day of an instant ends.
    #[must_use]
    pub fn day_end(&self, at: UnixMillis) -> Option<UnixMillis> {
        self.end_of(self.day_at(at))
    }

    /// When a calendar day of the programme ends.
    #[must_use]
    pub fn end_of(&self, day: Day) -> Option<UnixMillis> {
        const DAY: u64 = 24 * 60 * 60 * 1_000;
        let next = u64::from(day.days_since_1970()?) + 1;
        let offset = i64::from(self.utc_offset_minutes) * 60_000;
        next.checked_mul(DAY)?
            .checked_add_signed(-offset)
            .map(UnixMillis)
    }

    /// The whole days that a settlement is to be of; `None` if its ends are not where days begin, or it has no day.
    #[must_use]
    pub fn period(&self, settle: &Settle) -> Option<Period> {
        let first = match settle.start {
            Boundary::Day(day) => day,
            Boundary::Moment(at) => self.day_that_begins(at)?,
        };
        let last = match settle.end {
            Boundary::Day(day) => day,
            Boundary::Moment(at) => {
                let next = self.day_that_begins(at)?.days_since_1970()?;
                Day::new(next.checked_sub(1)?)?
            }
        };
        (first <= last && last < Day::MAX).then_some(Period { first, last })
    }

    fn day_that_begins(&self, at: UnixMillis) -> Option<Day> {
        let day = self.day_at(at);
        let before = Day::new(day.days_since_1970()?.checked_sub(1)?)?;
        (self.end_of(before) == Some(at)).then_some(day)
    }

    /// The rules of a kind of points, if there is such a kind.
    #[must_use]
    pub fn kind(&self, name: &PointType) -> Option<&PointKind> {
        self.kind_at(name).map(|(_, kind)| kind)
    }

    /// The same with its place among them.
    pub(super) fn kind_at(&self, name: &PointType) -> Option<(usize, &PointKind)> {
        let mut kinds = self.point_types.iter().enumerate();
        kinds.find(|(_, kind)| kind.name == *name)
    }
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            point_types: vec![PointKind::plain(
                PointType::new("points").expect("in the alphabet"),
            )],
            utc_offset_minutes: 8 * 60,
            lots_per_wallet_max: 256,
            open_holds_per_member_max: 256,
            reversal_window_seconds: 400 * 24 * 60 * 60,
            request_retention_seconds: 7 * 24 * 60 * 60,
            request_bytes_max: 1 << 30,
            request_disk_bytes_max: 0,
            transfer_points_per_day_max: None,
            waiting_max: 1_024,
            unacknowledged_max: 16_384,
            reopen_every_millis: 20,
            code_key: [0; 32],
            router: Router::SINGLE,
            record_chunk_bytes: 1 << 20,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: periods are whole days of the programme. Method: ends told as days and as moments, in a programme at UTC+8.
    #[test]
    fn a_period_begins_and_ends_where_days_do() {
        const MIDNIGHT: u64 = 20_000 * 86_400_000 - 8 * 3_600_000;
        let day = |number: u32| Day::new(20_000 + number).expect("before 9999");
        let moment = |days: u64, millis: u64| {
            Boundary::Moment(UnixMillis(MIDNIGHT + days * 86_400_000 + millis))
        };
        let on = |number| Boundary::Day(day(number));
        let cases = [
            ("one day", on(3), on(3), Some((3, 3))),
            ("three days", on(3), on(5), Some((3, 5))),
            ("no day", on(3), on(2), None),
            (
                "midnight to midnight",
                moment(3, 0),
                moment(4, 0),
                Some((3, 3)),
            ),
            ("two days", moment(3, 0), moment(5, 0), Some((3, 4))),
            ("a day and midnight", on(3), moment(4, 0), Some((3, 3))),
            ("midnight and a day", moment(3, 0), on(3), Some((3, 3))),
            ("nothing", moment(3, 0), moment(3, 0), None),
            ("behind midnight", moment(3, 1), moment(5, 0), None),
            ("before midnight", moment(2, 86_399_999), moment(5, 0), None),
            ("until behind midnight", moment(3, 0), moment(5, 1), None),
            ("at noon", moment(3, 43_200_000), on(5), None),
        ];
        for (name, start, end, expected) in cases {
            let found = Rules::default().period(&Settle { start, end });
            let expected = expected.map(|(first, last)| Period {
                first: day(first),
                last: day(last),
            });
            assert_eq!(found, expected, "{name}");
        }
        for (last, fits) in [(Day::MAX, false), (Day::NEVER, false)] {
            let (start, end) = (on(3), Boundary::Day(last));
            let found = Rules::default().period(&Settle { start, end });
            assert_eq!(found.is_some(), fits, "{last:?}");
        }
    }
}
