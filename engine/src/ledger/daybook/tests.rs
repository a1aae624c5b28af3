//! Goal: every move and every order is in the sums of its day, once. Method: a merchant's two days, told as commands.

mod offset;

use super::*;
use crate::ledger::Rules;

fn points(rows: &[PositionRow]) -> (u64, u64) {
    let spent = rows.iter().map(|row| row.spent).sum();
    (spent, rows.iter().map(|row| row.returned).sum())
}

#[test]
fn a_row_without_room_is_followed_by_another() {
    let key = (Symbol::at(1), Symbol::at(2), Symbol::at(3), None);
    let mut table = Table::<PositionRow>::default();
    for spent in [u64::MAX - 1, 1, 5, 0] {
        table.add(key, (spent, 0));
    }
    let spent: Vec<u64> = table.rows().iter().map(|row| row.spent).collect();
    assert_eq!(spent, [u64::MAX, 5]);
    let copy = Table::of(table.rows().to_vec());
    assert_eq!(copy.rows(), table.rows());
}

#[test]
fn a_day_that_is_settled_leaves_what_became_of_points() {
    let rules = Rules::default();
    let day = |n| rules.day_at(UnixMillis(n * 86_400_000));
    let mut book = Daybook::default();
    let issued = |points| IssueFlows {
        issued: points,
        ..IssueFlows::default()
    };
    let key = (Symbol::at(1), Symbol::at(2), Some(600), None);
    for (n, mark) in [(1, 5), (2, 9)] {
        book.open.issues.add(key, (Flow::Issued, 10 * n));
        let position = (Symbol::at(1), Symbol::at(4), Symbol::at(2), None);
        book.open.positions.add(position, (n, 0));
        book.end_day(day(n), Seq(mark));
    }
    let [first, second] = book.over() else {
        panic!("two days are over")
    };
    assert_eq!((first.first, first.last), (Seq(1), Seq(4)));
    assert_eq!((second.first, second.last), (Seq(5), Seq(8)));
    assert_eq!(points(&second.sums.positions), (2, 0));

    book.settle(day(1));
    assert_eq!(book.over().len(), 1);
    assert_eq!(book.settled.rows()[0].flows, issued(10));
    book.settle(day(2));
    assert_eq!((book.over().len(), book.settled.rows().len()), (0, 1));
    assert_eq!(book.settled.rows()[0].flows, issued(30));
}

#[test]
fn every_name_of_a_row_is_told() {
    let at = Symbol::at;
    let sums = DaySums {
        positions: vec![PositionRow {
            issuer: at(1),
            acceptor: at(2),
            point_type: at(3),
            undone: None,
            spent: 1,
            returned: 0,
        }],
        trades: vec![TradeRow {
            merchant: at(4),
            point_type: at(5),
            undone: None,
            sums: TradeSums::default(),
        }],
        issues: vec![IssueRow {
            issuer: at(6),
            point_type: at(7),
            month: None,
            undone: None,
            flows: IssueFlows::default(),
        }],
    };
    assert!(sums.symbols().eq((1..=7).map(at)));
}
