//! A merchant's day: everything that passed, each once, with whose it was.

use jifen_engine::{
    ledger::{MerchantId, Rules, UnixMillis},
    reads::MovementsQuery,
    view::item::ItemKind,
};

use crate::house::{House, earn, redeem, reverse};

#[actix_rt::test]
async fn a_day_is_told_from_midnight_to_midnight() {
    let data = tempfile::tempdir().unwrap();
    let house = House::open(data.path(), Rules::default());
    house.opening().await;
    let given = house.accepted(&earn("A0", "e", 100)).await;
    let midnight = UnixMillis(house.clock.advance(1_000));
    let spent = house.accepted(&redeem("A0", "r", 30)).await;
    house.clock.advance(5);
    let back = house.accepted(&reverse(&spent, "v", Some(10))).await;
    let next = UnixMillis(house.clock.advance(1_000));
    house.accepted(&redeem("A0", "too-late", 1)).await;
    house.clock.advance(1);
    house.caught_up().await;
    let day = MovementsQuery {
        from: Some(midnight),
        to: Some(next),
        limit: 1,
        cursor: None,
    };
    let told = house.movements("M0", day).await;
    let told: Vec<_> = told
        .iter()
        .map(|m| {
            (
                m.kind,
                m.points,
                m.transaction.seq,
                m.reversed.map(|r| r.seq),
                m.member.as_str(),
            )
        })
        .collect();
    let (spent, back) = (spent.offset.seq, back.offset.seq);
    assert_eq!(
        told,
        [
            (ItemKind::Redeem, -30, spent, None, "A0"),
            (ItemKind::Reverse, 10, back, Some(spent), "A0"),
        ]
    );
    let issued = MovementsQuery {
        limit: 10,
        ..MovementsQuery::default()
    };
    let issued = house.movements("M1", issued).await;
    assert_eq!(issued.len(), 1);
    assert_eq!(issued[0].transaction.seq, given.offset.seq);
    assert_eq!(
        issued[0].order.as_ref().map(|order| order.as_str()),
        Some("order of e")
    );
    let nobody = MerchantId::new("nobody").unwrap();
    assert_eq!(house.engine.movements(nobody, day).await, Ok(None));
    house.engine.shut_down().await;
}

#[actix_rt::test]
async fn what_is_not_over_yet_is_not_shown() {
    let data = tempfile::tempdir().unwrap();
    let house = House::open(data.path(), Rules::default());
    house.opening().await;
    house.accepted(&earn("A0", "e", 100)).await;
    house.caught_up().await;
    let all = MovementsQuery {
        limit: 10,
        ..MovementsQuery::default()
    };
    let merchant = || MerchantId::new("M1").unwrap();
    let page = house
        .engine
        .movements(merchant(), all)
        .await
        .unwrap()
        .unwrap();
    // More may be decided in this millisecond.
    assert_eq!((page.items.len(), page.next), (0, None));
    let later = UnixMillis(house.clock.advance(1));
    let page = house
        .engine
        .movements(merchant(), all)
        .await
        .unwrap()
        .unwrap();
    assert_eq!((page.items.len(), page.as_of), (1, Some(later)));
    house.engine.shut_down().await;
}
