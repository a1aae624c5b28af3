//! Goal: what must be true and is not is found, each rule by itself. Method: a state that is right, and the same with one thing
//! changed.

mod programme;
mod sales;

use smallvec::smallvec;

use super::*;
use crate::ledger::{
    Entry, Ledger, Points, Seq, UnixMillis,
    at_work::Work,
    holds::{HoldState, Holds},
    members::{Member, MemberIndex},
    merchants::Merchant,
    symbol::Symbol,
    wallet::{Half, Wallet},
};

#[test]
fn a_violation_tells_its_number_and_what_is_wrong() {
    let broken = holds(3, false, || "the lots of m".to_owned());
    let told = broken.map_err(|violation| violation.to_string());
    assert_eq!(told, Err("invariant 3: the lots of m".to_owned()));
    assert_eq!(holds(3, true, String::new), Ok(()));
}

/// The number of the rule that a state breaks, 0 if none.
fn broken<T>(found: Result<T, Violation>) -> u8 {
    found.err().map_or(0, |violation| violation.invariant)
}

const FIRST: MemberIndex = MemberIndex(0);

/// Three members with a lot each; the first has an open hold, and the third's points are pending.
fn at_work() -> Work {
    let mut work = Work::new();
    for member in 1..=3 {
        work.enrol(member);
        work.earn(member, 100);
    }
    work.hold(1, 40);
    work
}

fn points(points: u64) -> Points {
    Points::new(points).expect("small")
}

fn member(ledger: &mut Ledger, at: u32) -> &mut Member {
    ledger.members.get_mut(MemberIndex(at))
}

fn wallet(ledger: &mut Ledger, at: u32) -> &mut Wallet {
    &mut member(ledger, at).wallets[0]
}

fn merchant(ledger: &mut Ledger) -> &mut Merchant {
    let (number, _) = ledger
        .merchants
        .iter_numbered()
        .next()
        .expect("there is one");
    ledger.merchants.numbered_mut(number).expect("it is known")
}

#[test]
fn a_member_whose_balance_does_not_add_up_is_found() {
    type Change = fn(&mut Ledger);
    let cases: [(&str, u32, u8, Change); 10] = [
        ("as it is", 0, 0, |_| ()),
        ("available points and a debt", 0, 2, |ledger| {
            wallet(ledger, 0).balance.owed = points(1);
        }),
        ("one more is available", 0, 3, |ledger| {
            wallet(ledger, 0).balance.available = points(61);
        }),
        ("one less is held", 0, 3, |ledger| {
            wallet(ledger, 0).balance.held = points(39);
        }),
        ("a lot has less", 1, 3, |ledger| {
            wallet(ledger, 1).lots[0].available = points(99);
        }),
        ("nothing is pending by the balance", 2, 3, |ledger| {
            wallet(ledger, 2).balance.pending = Points::ZERO;
        }),
        ("what is pending is out of order", 2, 3, |ledger| {
            let wallet = wallet(ledger, 2);
            let mut sooner = wallet.pending[0];
            sooner.releases_at = UnixMillis(sooner.releases_at.0 - 1);
            sooner.points = points(1);
            wallet.pending[0].points = points(99);
            wallet.pending.push(sooner);
        }),
        ("a lot twice", 1, 3, |ledger| {
            let wallet = wallet(ledger, 1);
            let mut again = wallet.lots[0];
            again.available = Points::ZERO;
            wallet.lots.push(again);
        }),
        ("a lot twice, at another time", 1, 3, |ledger| {
            let wallet = wallet(ledger, 1);
            let mut again = wallet.lots[0];
            again.available = Points::ZERO;
            again.name.first_earned = UnixMillis(again.name.first_earned.0 + 1);
            wallet.lots.push(again);
        }),
        ("lots out of order", 1, 3, |ledger| {
            let wallet = wallet(ledger, 1);
            let mut sooner = wallet.lots[0];
            sooner.available = Points::ZERO;
            sooner.name.key.last_day = crate::ledger::Day::new(1).expect("it is a day");
            wallet.lots.push(sooner);
        }),
    ];
    for (name, at, rule, change) in cases {
        let mut work = at_work();
        change(&mut work.ledger);
        let found = check_member(work.ledger.members.get(MemberIndex(at)));
        assert_eq!(broken(found), rule, "{name}");
        assert_eq!(broken(check_shard(&work.ledger)), rule, "{name}");
    }
}

#[test]
fn a_shard_whose_books_do_not_balance_is_found() {
    type Change = fn(&mut Ledger);
    let cases: [(&str, u8, Change); 11] = [
        ("as it is", 0, |_| ()),
        ("one point more was given out", 8, |ledger| {
            merchant(ledger).stripes[0].issued += 1;
        }),
        ("one was taken", 8, |ledger| {
            merchant(ledger).stripes[0].accepted += 1;
        }),
        (
            "one was taken and given back, by nobody's days",
            8,
            |ledger| {
                let stripe = &mut merchant(ledger).stripes[0];
                stripe.accepted += 1;
                stripe.accepted_reversed += 1;
            },
        ),
        ("one lapsed", 8, |ledger| {
            let point_type = ledger.members.get(FIRST).wallets[0].point_type;
            ledger.system.of(point_type).breakage += 1;
        }),
        ("one was given and taken, by nobody's days", 8, |ledger| {
            let point_type = ledger.members.get(FIRST).wallets[0].point_type;
            let stripe = ledger.system.of(point_type);
            (stripe.adjusted_up, stripe.adjusted_down) = (1, 1);
        }),
        ("one was sent", 8, |ledger| {
            let point_type = ledger.members.get(FIRST).wallets[0].point_type;
            ledger.transit.of(point_type).out += 1;
        }),
        ("one came and one was sent", 0, |ledger| {
            let point_type = ledger.members.get(FIRST).wallets[0].point_type;
            let stripe = ledger.transit.of(point_type);
            (stripe.out, stripe.come) = (1, 1);
        }),
        ("a member has two open holds, by its count", 3, |ledger| {
            member(ledger, 0).open_holds = 2;
        }),
        ("a lot holds what no hold names", 3, |ledger| {
            let wallet = wallet(ledger, 1);
            let key = wallet.lots[0].name.key;
            wallet.shift(key, Half::Available, Half::Held, points(1));
        }),
        ("a hold of nothing that is there", 3, |ledger| {
            let wallet = wallet(ledger, 0);
            wallet.lots[0].name.key.class = Symbol::at(0);
        }),
    ];
    for (name, rule, change) in cases {
        let mut work = at_work();
        change(&mut work.ledger);
        assert_eq!(broken(check_shard(&work.ledger)), rule, "{name}");
    }
}

#[test]
fn the_books_of_a_shard_are_told() {
    let work = at_work();
    let books = check_shard(&work.ledger).expect("they balance");
    let [book] = books.into_values().collect::<Vec<_>>()[..] else {
        panic!("there is one kind of points");
    };
    let expected = Books {
        issued: 300,
        outstanding: 300,
        ..Books::default()
    };
    assert_eq!(book, expected);
}

#[test]
fn a_hold_that_is_due_and_ended_is_found() {
    let mut work = at_work();
    let mut slots = work.ledger.holds.slots().0.clone();
    slots[0].state = HoldState::Released;
    work.ledger.holds = Holds::restored(slots, 3).expect("one hold");
    assert_eq!(broken(check_shard(&work.ledger)), 3);
}

#[test]
fn an_entry_that_moves_nothing_is_found() {
    let mut work = at_work();
    work.earn(2, 5);
    let record = work.records.last().expect("it was recorded");
    let right = Entry::decode(record).expect("it is whole");
    assert_eq!(broken(check_entry(&right)), 0);
    let mut nothing = right.clone();
    nothing.moves[0].points = Points::ZERO;
    assert_eq!(broken(check_entry(&nothing)), 1);
    let mut no_type = right.clone();
    no_type.after = None;
    assert_eq!(broken(check_entry(&no_type)), 1);
    let mut told = right;
    told.moves = smallvec![];
    told.after = None;
    assert_eq!(broken(check_entry(&told)), 0);
}

#[test]
fn a_daybook_that_differs_from_the_accounts_is_found() {
    let work = at_work();
    let accounts = work.ledger.accounts();
    let image = work.ledger.daybook().image();
    assert_eq!(broken(check_daybook(&image, &accounts)), 0);
    let one_more = |mut image: crate::ledger::DaybookImage| {
        image.open.issues[0].flows.issued += 1;
        image
    };
    assert_eq!(
        broken(check_daybook(&one_more(image.clone()), &accounts)),
        8
    );
    let mut begun_later = one_more(image.clone());
    begun_later.from = Seq(1);
    assert_eq!(broken(check_daybook(&begun_later, &accounts)), 0);

    let mut nobodys = image.clone();
    nobodys.open.issues[0].issuer = Symbol::at(77);
    assert_eq!(broken(check_daybook(&nobodys, &accounts)), 8);
    let mut lapsed = image.clone();
    lapsed.open.issues[0].flows.lapsed += 1;
    assert_eq!(broken(check_daybook(&lapsed, &accounts)), 8);
    let mut used = image;
    used.open.issues[0].flows.used += 1;
    assert_eq!(broken(check_daybook(&used, &accounts)), 9);
    let row = &used.open.issues[0];
    used.open
        .positions
        .push(crate::ledger::daybook::PositionRow {
            issuer: row.issuer,
            acceptor: row.issuer,
            point_type: row.point_type,
            undone: None,
            spent: 1,
            returned: 0,
        });
    assert_eq!(broken(check_daybook(&used, &accounts)), 8, "of no account");
}
