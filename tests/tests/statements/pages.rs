//! Pages: stable while new items come, quick however long the statement is, honest about what pays a debt.

use jifen_engine::{
    Stopwatch,
    ledger::{MemberId, Rules},
    reads::StatementQuery,
    view::item::ItemKind,
};

use crate::house::{House, earn, foots, limited, redeem, reverse};

const MOVEMENTS: usize = 100_000;
/// How many requests travel together.
const BATCH: usize = 2_000;
/// How long the first page may take, in microseconds.
const FIRST_PAGE_MICROS: u64 = 20_000;

#[actix_rt::test]
async fn a_hundred_thousand_movements_foot_and_the_first_page_is_quick() {
    let data = tempfile::tempdir().unwrap();
    let house = House::open(data.path(), Rules::default());
    house.opening().await;
    let asks: Vec<_> = (0..MOVEMENTS)
        .map(|number| {
            let id = number.to_string();
            if number % 3 == 2 {
                redeem("A0", &id, 7)
            } else {
                earn("A0", &id, 10)
            }
        })
        .collect();
    for asks in asks.chunks(BATCH) {
        house.clock.advance(1_000);
        let requests = asks.iter().map(|ask| ask.request()).collect();
        for outcome in house.engine.submit_many(requests).await {
            outcome.unwrap().unwrap();
        }
    }
    house.caught_up().await;
    let mut best = u64::MAX;
    for _ in 0..10 {
        let watch = Stopwatch::start();
        let page = house.page("A0", limited(50)).await;
        best = best.min(watch.micros());
        assert_eq!(page.items.len(), 50);
    }
    println!("first page of {MOVEMENTS}: {best} us");
    assert!(best <= FIRST_PAGE_MICROS, "{best} us");
    let items = house.statement("A0", limited(500)).await;
    assert_eq!(items.len(), MOVEMENTS);
    foots(&items, &house.balances("A0").await);
    // From the middle of time, and from its beginning.
    for at in [items[MOVEMENTS / 2].at, items[MOVEMENTS - 1].at] {
        let query = StatementQuery {
            to: Some(at),
            ..limited(50)
        };
        let watch = Stopwatch::start();
        let page = house.page("A0", query).await;
        println!("a page before {at:?}: {} us", watch.micros());
        let first = items.iter().find(|item| item.at < at);
        assert_eq!(page.items.first(), first);
    }
    house.engine.shut_down().await;
}

#[actix_rt::test]
async fn a_cursor_stays_where_it_is_while_new_items_come() {
    let data = tempfile::tempdir().unwrap();
    let house = House::open(data.path(), Rules::default());
    house.opening().await;
    for number in 0..10 {
        house
            .accepted(&earn("A0", &number.to_string(), 1 + number))
            .await;
    }
    house.caught_up().await;
    let first = house.page("A0", limited(4)).await;
    assert_eq!(points(&first.items), [10, 9, 8, 7]);
    house.accepted(&earn("A0", "new", 99)).await;
    house.caught_up().await;
    let second = StatementQuery {
        cursor: first.next,
        ..limited(4)
    };
    let second = house.page("A0", second).await;
    assert_eq!(points(&second.items), [6, 5, 4, 3]);
    let last = StatementQuery {
        cursor: second.next,
        ..limited(4)
    };
    let last = house.page("A0", last).await;
    assert_eq!((points(&last.items), last.next), (vec![2, 1], None));
    assert_eq!(points(&house.page("A0", limited(1)).await.items), [99]);
    let nobody = MemberId::new("nobody").unwrap();
    assert_eq!(house.engine.statement(nobody, limited(1)).await, Ok(None));
    house.engine.shut_down().await;
}

#[actix_rt::test]
async fn what_pays_a_debt_does_not_become_available() {
    let data = tempfile::tempdir().unwrap();
    let house = House::open(data.path(), Rules::default());
    house.opening().await;
    let first = house.accepted(&earn("A0", "first", 100)).await;
    house.accepted(&redeem("A0", "spent", 70)).await;
    house.accepted(&reverse(&first, "back", None)).await;
    house.accepted(&earn("A0", "pays", 50)).await;
    house.accepted(&earn("A0", "pays-more", 50)).await;
    house.caught_up().await;
    let items = house.statement("A0", limited(2)).await;
    let told: Vec<_> = items
        .iter()
        .map(|item| {
            (
                item.kind,
                item.points,
                item.available_after.get(),
                item.owed_after.get(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            (ItemKind::Earn, 30, 30, 0),
            (ItemKind::Earn, 0, 0, 20),
            (ItemKind::Reverse, -30, 0, 70),
            (ItemKind::Redeem, -70, 30, 0),
            (ItemKind::Earn, 100, 100, 0),
        ]
    );
    house.engine.shut_down().await;
}

fn points(items: &[jifen_engine::view::item::StatementItem]) -> Vec<i64> {
    items.iter().map(|item| item.points).collect()
}
