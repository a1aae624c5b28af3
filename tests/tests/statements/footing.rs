//! Random commands, all kinds of them, and every statement foots.

use std::collections::BTreeMap;

use jifen_engine::{
    ledger::{MerchantId, PointType, Rules, ShardIndex, UnixMillis},
    reads::{MovementsQuery, StatementQuery},
    view::item::{ItemKind, StatementItem},
};
use jifen_tests::{
    heard::heard,
    workload::{Shape, Workload, point_kinds},
};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::house::{House, SHARDS, foots, limited};

const SEEDS: u64 = 6;
const COMMANDS: usize = 600;
const MEMBERS: u32 = 6;
const MERCHANTS: u32 = 3;
const HOUR_MILLIS: u64 = 3_600_000;

#[actix_rt::test]
async fn every_statement_foots_and_every_cut_of_it_is_a_part_of_it() {
    let mut met = BTreeMap::new();
    for seed in 0..SEEDS {
        let data = tempfile::tempdir().unwrap();
        let rules = Rules {
            point_types: point_kinds(),
            lots_per_wallet_max: 4,
            ..Rules::default()
        };
        let house = House::open(data.path(), rules);
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let members = live(&house, seed, &mut rng).await;
        house.settled().await;
        for member in &members {
            let balances = house.balances(member).await;
            house.caught_up().await;
            let items = house.statement(member, limited(7)).await;
            foots(&items, &balances);
            cuts(&house, member, &items, &mut rng).await;
            for item in &items {
                *met.entry(item.kind.name()).or_insert(0) += 1;
                // Only what somebody asked for is a transaction, and only that can be looked up.
                let by_itself = matches!(
                    item.kind,
                    ItemKind::Lapse | ItemKind::HoldExpired | ItemKind::Matured
                );
                assert_eq!(item.transaction.is_none(), by_itself);
            }
        }
        books(&house).await;
        house.engine.shut_down().await;
    }
    // Sales and transfers, which the random commands do not know, have a test of their own.
    let sold = [
        ItemKind::Reserve,
        ItemKind::Confirm,
        ItemKind::Cancel,
        ItemKind::ReservationExpired,
        ItemKind::Transfer,
        ItemKind::TransferIn,
    ];
    let kinds = ItemKind::ALL.into_iter();
    for kind in kinds.filter(|kind| !sold.contains(kind)) {
        assert!(met.contains_key(kind.name()), "{kind:?} of {met:?}");
    }
}

/// Plays commands; tells who is enrolled.
async fn live(house: &House, seed: u64, rng: &mut ChaCha8Rng) -> Vec<String> {
    let shape = Shape {
        members: MEMBERS,
        merchants: MERCHANTS,
        earns_tell_when: false,
        fat: false,
    };
    let mut workload = Workload::new(seed, shape);
    for ask in workload.opening() {
        house.accepted(&ask).await;
    }
    for _ in 0..COMMANDS {
        let now = house.clock.advance(if rng.random_ratio(1, 40) {
            rng.random_range(0..40 * HOUR_MILLIS)
        } else {
            rng.random_range(0..5_000)
        });
        let ask = workload.sample(now);
        let reply = house.engine.submit(ask.request()).await.unwrap();
        workload.learn(now, &heard(&reply));
    }
    let mut members = Vec::new();
    for shard in (0..SHARDS).map(ShardIndex) {
        let of_shard = house.engine.look(shard, |ledger| {
            let names = ledger.members().map(|member| member.id().to_string());
            names.collect::<Vec<_>>()
        });
        members.extend(of_shard.await.unwrap());
    }
    assert!(members.len() >= MEMBERS as usize);
    members
}

/// Filters and spans of time show what fits of the whole, in the same order.
async fn cuts(house: &House, member: &str, items: &[StatementItem], rng: &mut ChaCha8Rng) {
    let Some(some) = items.get(rng.random_range(0..items.len().max(1))) else {
        return;
    };
    let other = &items[rng.random_range(0..items.len())];
    let (from, to) = (some.at.min(other.at), some.at.max(other.at));
    let all = StatementQuery {
        limit: rng.random_range(1..20),
        ..StatementQuery::default()
    };
    for query in [
        StatementQuery {
            kind: Some(some.kind),
            ..all.clone()
        },
        StatementQuery {
            point_type: Some(PointType::new(&some.point_type).unwrap()),
            ..all.clone()
        },
        StatementQuery {
            from: Some(from),
            to: Some(to),
            ..all.clone()
        },
        StatementQuery {
            from: Some(from),
            kind: Some(other.kind),
            ..all.clone()
        },
        StatementQuery {
            to: Some(UnixMillis(to.0 + 1)),
            ..all.clone()
        },
        StatementQuery {
            point_type: Some(PointType::new("nobody-has-such").unwrap()),
            ..all
        },
    ] {
        let fits = |item: &&StatementItem| {
            query.from.is_none_or(|from| item.at >= from)
                && query.to.is_none_or(|to| item.at < to)
                && query.kind.is_none_or(|kind| item.kind == kind)
                && query
                    .point_type
                    .as_ref()
                    .is_none_or(|name| item.point_type == name.as_str())
        };
        let expected: Vec<_> = items.iter().filter(fits).cloned().collect();
        let found = house.statement(member, query.clone()).await;
        assert_eq!(found, expected, "{query:?}");
    }
}

/// What passed between merchants and members is what the merchants' accounts say.
async fn books(house: &House) {
    // What was decided in this very moment is not shown before it is over.
    house.clock.advance(1);
    for number in 0..MERCHANTS {
        let merchant = format!("M{number}");
        let query = MovementsQuery {
            limit: 11,
            ..MovementsQuery::default()
        };
        let movements = house.movements(&merchant, query).await;
        let place =
            |m: &jifen_engine::view::item::Movement| (m.at, m.transaction.shard, m.transaction.seq);
        assert!(movements.is_sorted_by(|a, b| place(a) < place(b)));
        let mut sums: BTreeMap<String, i128> = BTreeMap::new();
        for movement in &movements {
            *sums.entry(movement.point_type.to_string()).or_default() +=
                i128::from(movement.points);
        }
        let mut accounts: BTreeMap<String, i128> = BTreeMap::new();
        for shard in (0..SHARDS).map(ShardIndex) {
            let id = MerchantId::new(&merchant).unwrap();
            let of_shard = house.engine.look(shard, move |ledger| {
                let stripes = ledger
                    .merchant(&id)
                    .map(|merchant| merchant.stripes.clone());
                let named = stripes.into_iter().flatten().map(|stripe| {
                    let name = ledger.symbols().name(stripe.point_type).to_string();
                    let given = stripe.issued + stripe.accepted_reversed;
                    (
                        name,
                        given as i128 - (stripe.accepted + stripe.issued_reversed) as i128,
                    )
                });
                named.collect::<Vec<_>>()
            });
            for (name, sum) in of_shard.await.unwrap() {
                *accounts.entry(name).or_default() += sum;
            }
        }
        assert_eq!(sums, accounts, "{merchant}");
    }
}
