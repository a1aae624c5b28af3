//! Transactions that the ledger has long forgotten.

use jifen_engine::ledger::{Facts, Rules, Seq, TransactionId};

use crate::house::{House, earn, redeem, reverse};

const HOUR: u64 = 3_600;

#[actix_rt::test]
async fn a_transaction_is_told_however_old_it_is() {
    let data = tempfile::tempdir().unwrap();
    let rules = Rules {
        request_retention_seconds: HOUR,
        reversal_window_seconds: HOUR,
        request_bytes_max: 2_048,
        request_disk_bytes_max: 1 << 20,
        record_chunk_bytes: 512,
        ..Rules::default()
    };
    let house = House::open(data.path(), rules);
    house.opening().await;
    house.accepted(&earn("A0", "e", 100)).await;
    let spent = house.accepted(&redeem("A0", "r", 30)).await;
    house.accepted(&reverse(&spent, "v1", Some(4))).await;
    house.accepted(&reverse(&spent, "v2", Some(5))).await;
    let id = TransactionId {
        shard: spent.offset.shard,
        seq: spent.offset.seq,
    };
    let young = house.engine.transaction(id).await.unwrap().unwrap();
    for number in 0..60 {
        house.clock.advance(HOUR * 1_000 / 4);
        house.accepted(&earn("A0", &number.to_string(), 1)).await;
    }
    let known = house.engine.look(id.shard, move |ledger| {
        ledger.transaction(id.seq, Facts::NONE)
    });
    assert!(
        matches!(known.await, Ok(Ok(None))),
        "the ledger has forgotten it"
    );
    house.caught_up().await;
    let old = house.engine.transaction(id).await.unwrap();
    assert_eq!(old.as_ref(), Some(&young));
    assert_eq!(young.reversed.get(), 9);
    // Neither what never was nor what was no transaction becomes one.
    for seq in [Seq(0), Seq(u64::MAX), Seq(1)] {
        let told = house.engine.transaction(TransactionId { seq, ..id }).await;
        assert!(matches!(told, Ok(None)) || seq == Seq(1), "{told:?}");
    }
    house.engine.shut_down().await;
}
