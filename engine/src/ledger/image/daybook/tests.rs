//! Goal: a daybook comes back from images as it was, and one that cannot have been is refused. Method: daybooks row by row.

use super::*;
use crate::ledger::{Unsettled, daybook::TradeSums, symbol::Symbol};

/// How many names the shard knows.
const NAMES: usize = 10;
const STAND: Seq = Seq(50);

fn day(number: u32) -> Day {
    Day::new(20_000 + number).expect("before 9999")
}

fn issue(issuer: usize, issued: u64) -> IssueRow {
    IssueRow {
        issuer: Symbol::at(issuer),
        point_type: Symbol::at(1),
        month: Some(700),
        undone: None,
        flows: crate::ledger::IssueFlows {
            issued,
            ..Default::default()
        },
    }
}

fn position(acceptor: usize, spent: u64) -> PositionRow {
    PositionRow {
        issuer: Symbol::at(2),
        acceptor: Symbol::at(acceptor),
        point_type: Symbol::at(1),
        undone: None,
        spent,
        returned: 0,
    }
}

fn trade(merchant: usize, orders: u64) -> TradeRow {
    TradeRow {
        merchant: Symbol::at(merchant),
        point_type: Symbol::at(1),
        undone: Some(day(0)),
        sums: TradeSums {
            orders,
            units: 1,
            cash: 0,
        },
    }
}

fn sums(count: u64) -> DaySums {
    DaySums {
        positions: (0..count).map(|n| position(3, n)).collect(),
        trades: (0..count / 2).map(|n| trade(4, n)).collect(),
        issues: (0..count / 3).map(|n| issue(5, n)).collect(),
    }
}

fn over(number: u32, first: u64, last: u64) -> DayOver {
    DayOver {
        day: day(number),
        first: Seq(first),
        last: Seq(last),
        sums: sums(u64::from(number)),
    }
}

/// Two days over, a third that goes on, and what is settled.
fn daybook() -> DaybookImage {
    DaybookImage {
        from: Seq(3),
        before_open: Seq(30),
        open: sums(9),
        over: vec![Arc::new(over(7, 10, 19)), Arc::new(over(9, 20, 30))],
        settled: vec![issue(5, 100), issue(6, 200)],
        ended: Some(day(9)),
    }
}

/// The parts of an image, each of about so many bytes.
fn parts(image: DaybookImage, extent: Extent, bytes: usize) -> Vec<Vec<u8>> {
    let mut copying = Copying::begin(&Daybook::restored(image), extent);
    std::iter::from_fn(|| copying.next(bytes)).collect()
}

fn gathered(parts: &[Vec<u8>]) -> Result<Daybook, ImageError> {
    let mut gathering = Gathering::default();
    for part in parts {
        assert_eq!(part[0], DAYBOOK);
        gathering.take(&part[1..])?;
    }
    gathering.finish(STAND, NAMES)
}

#[track_caller]
fn check_same(found: &Daybook, wanted: &DaybookImage) {
    assert!(found.image() == *wanted, "another daybook");
}

#[test]
fn a_daybook_comes_back_however_its_parts_are_cut() {
    for bytes in [2, 100, 1 << 20] {
        let parts = parts(daybook(), Extent::Whole, bytes);
        assert_eq!(parts.len() == 1, bytes == 1 << 20, "{}", parts.len());
        check_same(&gathered(&parts).expect("it is whole"), &daybook());
    }
    // A part ends as soon as it has as many bytes as it should.
    let pieces = parts(daybook(), Extent::Whole, 2);
    let exactly = parts(daybook(), Extent::Whole, pieces[0].len());
    assert_eq!(exactly[0], pieces[0]);
}

#[test]
fn a_day_of_many_rows_is_written_in_pieces() {
    let mut image = daybook();
    image.open = sums(2 * ROWS as u64 + 1);
    let parts = parts(image.clone(), Extent::Whole, 2);
    check_same(&gathered(&parts).expect("it is whole"), &image);
    let longest = parts.iter().map(Vec::len).max().expect("some");
    assert!(longest < 20 * ROWS, "{longest}");
}

#[test]
fn an_increment_has_the_days_that_were_not_over_before() {
    // Days that were settled meanwhile are not kept.
    let settled_one = |mut image: DaybookImage| {
        image.over.remove(0);
        image
    };
    for (name, image, since, days) in [
        (
            "the mark behind the second day is in the image",
            daybook(),
            31,
            0,
        ),
        ("it is not, although all its entries are", daybook(), 30, 1),
        ("the second day went on", daybook(), 25, 1),
        ("the first day was just over", daybook(), 20, 1),
        ("the first day went on", daybook(), 19, 2),
        (
            "the first day is settled since",
            settled_one(daybook()),
            31,
            0,
        ),
    ] {
        let mut base = daybook();
        base.over.retain(|over| over.last.0 < since);
        base.open = sums(3);
        let increment = parts(image.clone(), Extent::Since(Seq(since)), 1 << 20);
        let mut all = parts(base, Extent::Whole, 64);
        let mut headings = 0;
        let mut content = &increment[0][1..];
        while !content.is_empty() {
            let item = records::read(&mut content).expect("an item");
            headings += usize::from(matches!(item, Item::Heading(Heading::Over { .. })));
        }
        assert_eq!(headings, days, "{name}");
        all.extend(increment);
        check_same(&gathered(&all).expect(name), &image);
    }
}

#[test]
fn a_daybook_of_which_a_part_is_missing_is_refused() {
    let all = parts(daybook(), Extent::Whole, 2);
    for missing in 0..all.len() {
        let mut parts = all.clone();
        parts.remove(missing);
        if missing > 0 {
            assert!(gathered(&parts).is_err(), "without part {missing}");
        }
    }
    let twice = [&all[..], &all[all.len() - 1..]].concat();
    assert!(gathered(&twice).is_err(), "the last part twice");
    let half = [&all[..all.len() / 2], &all[..]].concat();
    assert!(gathered(&half).is_err(), "begun twice");
    let rest = all[1..].to_vec();
    assert!(gathered(&rest).is_err(), "never begun");
}

#[test]
fn rows_of_no_daybook_are_refused() {
    // Two items are said to come: what is settled, and then a row that cannot be.
    let begin = Heading::Begin {
        items: 2,
        from: Seq(0),
        before_open: Seq(0),
        first_kept: None,
    };
    let mut part = vec![DAYBOOK];
    for item in [
        Item::Heading(begin),
        Item::Heading(Heading::Settled),
        Item::Trades(vec![trade(4, 1)]),
    ] {
        records::write(&mut part, &item);
    }
    assert!(gathered(&[part]).is_err());
}

#[test]
fn a_daybook_that_cannot_have_been_is_refused() {
    type Change = fn(&mut DaybookImage);
    let days = |one: (u32, u64, u64), other: (u32, u64, u64)| {
        let over = |(number, first, last)| Arc::new(over(number, first, last));
        vec![over(one), over(other)]
    };
    let cases: [(&str, bool, Change); 10] = [
        ("as it is", true, |_| ()),
        ("the open day begins behind the last entry", true, |image| {
            image.before_open = STAND;
        }),
        ("it begins later", false, |image| {
            image.before_open = STAND.next();
        }),
        ("the last name", true, |image| {
            image.open.trades.push(trade(NAMES - 1, 1));
        }),
        ("a merchant without a name", false, |image| {
            image.open.trades.push(trade(NAMES, 1));
        }),
        ("an acceptor without a name", false, |image| {
            image.open.positions.push(position(NAMES, 1));
        }),
        ("an issuer without a name", false, |image| {
            image.open.issues.push(issue(NAMES, 1));
        }),
        ("the last name is settled", true, |image| {
            image.settled.push(issue(NAMES - 1, 1));
        }),
        ("settled without a name", false, |image| {
            image.settled.push(issue(NAMES, 1));
        }),
        ("a day over without a name", false, |image| {
            let mut unnamed = over(9, 20, 30);
            unnamed.sums.issues.push(issue(NAMES, 1));
            image.over[1] = Arc::new(unnamed);
        }),
    ];
    for (name, fits, change) in cases {
        let mut image = daybook();
        change(&mut image);
        let found = gathered(&parts(image, Extent::Whole, 1 << 20));
        assert_eq!(found.is_ok(), fits, "{name}");
    }
    for (name, fits, over) in [
        ("one behind the other", true, days((7, 1, 9), (8, 10, 10))),
        ("a gap between", true, days((7, 1, 9), (9, 12, 20))),
        ("the same day twice", false, days((7, 1, 9), (7, 10, 12))),
        ("the later day first", false, days((8, 1, 9), (7, 10, 12))),
        ("an entry of two days", false, days((7, 1, 9), (8, 9, 12))),
        ("days that overlap", false, days((7, 1, 9), (8, 5, 12))),
        (
            "a day that ends before it begins",
            false,
            days((7, 1, 9), (8, 12, 11)),
        ),
    ] {
        let mut image = daybook();
        image.over = over;
        let found = gathered(&parts(image, Extent::Whole, 1 << 20));
        assert_eq!(found.is_ok(), fits, "{name}");
    }
}

#[test]
fn a_shard_without_a_daybook_begins_one_behind_its_last_entry() {
    let begun = Gathering::default()
        .finish(STAND, NAMES)
        .expect("nothing is missing");
    let image = begun.image();
    assert_eq!((image.from, image.before_open), (STAND.next(), STAND));
}

#[test]
fn the_first_entry_that_is_not_settled_is_told_without_the_rest() {
    let first = |image: DaybookImage, increment: Option<DaybookImage>| {
        let mut unsettled = Unsettled::default();
        let mut all = vec![vec![b'M', 1, 2, 3]];
        all.extend(parts(image, Extent::Whole, 64));
        if let Some(increment) = increment {
            all.extend(parts(increment, Extent::Since(Seq(31)), 64));
        }
        all.iter().try_for_each(|part| unsettled.take(part))?;
        unsettled.first()
    };
    let whole = || DaybookImage {
        from: Seq(0),
        ..daybook()
    };
    let settled = || DaybookImage {
        over: Vec::new(),
        ..whole()
    };
    assert_eq!(first(whole(), None).unwrap(), Seq(10));
    assert_eq!(first(whole(), Some(settled())).unwrap(), Seq(31));
    assert_eq!(first(settled(), None).unwrap(), Seq(31));
    // What stands in front of a daybook has to be counted from the journal.
    assert_eq!(first(daybook(), None).unwrap(), Seq(1));
    assert_eq!(Unsettled::default().first().unwrap(), Seq(1));
    let mut half = Unsettled::default();
    half.take(&parts(whole(), Extent::Whole, 2)[0]).unwrap();
    assert!(half.first().is_err());
}
