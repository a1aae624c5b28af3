//! What several shards have to do with: reservations, sales and transfers stand on statements like everything else.

use std::collections::BTreeSet;

use jifen_engine::{
    ledger::{
        Answer, Cancel, Class, Command, Confirm, Day, Details, Earn, Enrol, MemberId, MerchantId,
        PointType, Points, Principal, PutStock, Request, RequestId, ReservationId, Reserve, Rules,
        SkuId, Transfer, Verdict,
    },
    pool::Units,
    view::item::ItemKind,
};

use super::house::{House, eventually, foots, limited};

fn points(number: u64) -> Points {
    Points::new(number).unwrap()
}

fn units(number: u64) -> Units {
    Units::new(number).unwrap()
}

fn member(name: &str) -> MemberId {
    MemberId::new(name).unwrap()
}

fn reserve(quantity: u64) -> Command {
    Command::Reserve(Reserve {
        member: member("A0"),
        sku: SkuId::new("cup").unwrap(),
        quantity: units(quantity),
    })
}

fn transfer(to: &str) -> Command {
    Command::Transfer(Transfer {
        member: member("A0"),
        to: member(to),
        points: points(7),
        point_type: PointType::new("points").unwrap(),
    })
}

async fn ask(house: &House, command: Command) -> Answer {
    static ASKED: std::sync::atomic::AtomicU32 = std::sync::atomic::AtomicU32::new(0);
    let number = ASKED.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
    let id = RequestId::new(&format!("s-{number}")).unwrap();
    let principal = Principal::new("app").unwrap();
    let request = Request::new(principal, id, command, None, None);
    house.engine.submit(request).await.unwrap().unwrap()
}

async fn reserved(house: &House, quantity: u64) -> ReservationId {
    match ask(house, reserve(quantity)).await.verdict {
        Verdict::Accepted(Details::Reserved { reservation, .. }) => reservation,
        other => panic!("{other:?}"),
    }
}

async fn open(house: &House) {
    house.opening().await;
    let merchant = || MerchantId::new("M0").unwrap();
    ask(
        house,
        Command::Enrol(Enrol {
            member: member("B0"),
            attributes: None,
        }),
    )
    .await;
    let earn = Earn {
        member: member("A0"),
        merchant: merchant(),
        points: points(100),
        point_type: PointType::new("points").unwrap(),
        last_day: Day::NEVER,
        class: Class::new("ordinary").unwrap(),
        order: None,
        at: None,
        releases_at: None,
    };
    ask(house, Command::Earn(earn)).await;
    let put = PutStock {
        sku: SkuId::new("cup").unwrap(),
        units: units(20),
        price: points(5),
        point_type: PointType::new("points").unwrap(),
        merchant: merchant(),
        per_member_limit: None,
        opens_at: None,
        closes_at: None,
        ttl_seconds: 60,
    };
    ask(house, Command::PutStock(put)).await;
}

#[actix_rt::test]
async fn sales_and_transfers_foot() {
    let place = tempfile::tempdir().unwrap();
    let house = House::open(place.path(), Rules::default());
    open(&house).await;
    let (kept, given, lost) = (
        reserved(&house, 2).await,
        reserved(&house, 1).await,
        reserved(&house, 1).await,
    );
    ask(&house, Command::Confirm(Confirm { reservation: kept })).await;
    ask(&house, Command::Cancel(Cancel { reservation: given })).await;
    ask(&house, transfer("B0")).await;
    let back = ask(&house, transfer("nobody")).await;
    assert!(matches!(back.verdict, Verdict::Refused(_)), "{back:?}");
    house.clock.advance(61_000);
    eventually("the reservation expires", || async {
        let view = house.engine.reservation(lost).await.unwrap().unwrap();
        view.state == jifen_engine::ledger::HoldState::Expired
    })
    .await;
    house.settled().await;
    house.caught_up().await;
    for (name, sum) in [("A0", 100 - 10 - 7), ("B0", 7)] {
        let balances = house.balances(name).await;
        let items = house.statement(name, limited(7)).await;
        foots(&items, &balances);
        assert_eq!(items[0].available_after, points(sum), "{name}");
        for item in &items {
            let is_sent = matches!(item.kind, ItemKind::Transfer | ItemKind::TransferIn);
            let is_late = item.kind == ItemKind::ReservationExpired;
            assert_eq!(item.transaction.is_none(), is_sent || is_late, "{item:?}");
            if let Some(named) = item.transaction {
                let found = house.engine.transaction(named).await.unwrap();
                assert!(found.is_some(), "{item:?}");
            }
        }
        let kinds: BTreeSet<ItemKind> = items.iter().map(|item| item.kind).collect();
        let expected: &[ItemKind] = if name == "A0" {
            &[
                ItemKind::Earn,
                ItemKind::Reserve,
                ItemKind::Confirm,
                ItemKind::Cancel,
                ItemKind::ReservationExpired,
                ItemKind::Transfer,
            ]
        } else {
            &[ItemKind::TransferIn]
        };
        assert_eq!(kinds, expected.iter().copied().collect(), "{name}");
    }
    house.engine.shut_down().await;
}
