//! Goal: whatever holds a chunk up, its commands are decided in their place, for somebody who may have them decided.
//! Method: an engine in memory that lets in one command at a time, and rates that take an hour, by a clock that
//! need not be waited for.

use std::sync::mpsc;

use async_nats::{Message, Subject};
use futures_util::FutureExt;
use jifen_engine::{
    Engine,
    ledger::{Details, Ledger, MerchantId, PointType, ShardIndex, Verdict},
};
use tokio::{sync::oneshot, time::timeout};

use super::*;
use crate::{
    access::{Digest, Judged, KeyBook, KeyRecord, Keyring, Limit, Role},
    metrics::DoorMeters,
    mq::{
        Standing,
        hand::{Hand, Taken},
    },
    small_engine::small_engine,
};

const TILL: &str = "till";

/// The till's key, which opens as much as the limit says.
fn book(limit: Option<&str>) -> KeyBook {
    let mut book = KeyBook::default();
    let till = Principal::new(TILL).unwrap();
    let key = KeyRecord {
        digest: Digest::of("a key"),
        made_at: None,
    };
    let role = Role::Merchant(MerchantId::new("shop").unwrap());
    book.add(&till, &role, key).unwrap();
    if let Some(rate) = limit {
        let limit = Limit::new(rate.parse().unwrap(), None);
        book.limit(&till, limit).unwrap();
    }
    book
}

pub(in crate::mq) fn desk(engine: Engine, limit: Option<&str>) -> Arc<Desk> {
    Arc::new(Desk {
        engine,
        keys: Arc::new(Keyring::new(None, &book(limit)).unwrap()),
        point_type: PointType::new("points").unwrap(),
        meters: Arc::new(DoorMeters::default()),
        standing: Arc::new(Standing::default()),
        retries: 8,
        ack_wait: Duration::from_secs(30),
    })
}

/// Messages in hand, with a command each.
pub(in crate::mq) fn chunk(desk: &Desk, commands: &[String]) -> Arc<Chunk> {
    let hand = Hand::new(Arc::clone(&desk.standing));
    let taken = commands.iter().map(|command| {
        let reply = "$JS.ACK.JIFEN_COMMANDS.jifen-till.1.1.1.1700000000000000000.0";
        let message = Message {
            subject: Subject::from_static("jifen.commands.till"),
            reply: Some(reply.into()),
            payload: command.clone().into(),
            headers: None,
            status: None,
            description: None,
            length: command.len(),
        };
        Taken::of(message).unwrap()
    });
    hand.take(taken.collect())
}

pub(in crate::mq) fn earn(id: &str) -> String {
    format!(r#"{{"id":"{id}","type":"earn","member":"ann","merchant":"shop","points":10}}"#)
}

/// What became of a chunk's commands.
async fn answers(decided: Decided) -> Judged {
    decided.posted.unwrap().answers().await
}

/// Has somebody who may do everything set the stage; answers what the last command came to.
async fn stage(engine: &Engine, commands: &[&str]) -> Details {
    let context = Context {
        principal: &Principal::new("operator").unwrap(),
        point_type: &PointType::new("points").unwrap(),
        default_id: None,
        default_kind: None,
    };
    let mut last = None;
    for command in commands {
        let request = decode_command(command.as_bytes(), &context).unwrap();
        let answer = engine.submit(request).await.unwrap().unwrap();
        let Verdict::Accepted(details) = answer.verdict else {
            panic!("{command} is refused");
        };
        last = Some(details);
    }
    last.unwrap()
}

/// Goal: a command is not put back while others behind it are let in, only because its shard was full when it was asked
/// whose the hold is. Method: a look that stands in the way for as long as the test likes.
#[actix_rt::test]
async fn what_cannot_be_judged_yet_waits_in_its_place() {
    let engine = small_engine(1);
    let hold = stage(
        &engine,
        &[
            r#"{"id":"1","type":"put_merchant","merchant":"shop","name":"Shop"}"#,
            r#"{"id":"2","type":"enrol","member":"ann"}"#,
            &earn("3"),
            r#"{"id":"4","type":"hold","member":"ann","merchant":"shop","points":4}"#,
        ],
    )
    .await;
    let Details::Held { hold, .. } = hold else {
        panic!("it is no hold");
    };
    let desk = desk(engine.clone(), None);
    let capture = format!(r#"{{"id":"c","type":"capture","hold":"{hold}"}}"#);
    let chunk = chunk(&desk, &[capture]);

    let (go_on, gate) = mpsc::channel::<()>();
    let (looks, begun) = oneshot::channel();
    let busy = tokio::spawn({
        let engine = engine.clone();
        async move {
            let look = move |_: &Ledger| {
                let _ = looks.send(());
                let _ = gate.recv();
            };
            engine.look(ShardIndex(0), look).await
        }
    });
    begun.await.unwrap();
    let mut decider = Decider::new(Arc::clone(&desk), TILL);
    let mut deciding = Box::pin(decider.decide(chunk));
    assert!(
        deciding.as_mut().now_or_never().is_none(),
        "it does not wait"
    );
    drop(go_on);
    busy.await.unwrap().unwrap();
    let judged = answers(deciding.await.unwrap()).await;
    assert!(judged.denied.is_empty(), "{:?}", judged.denied);
    let answer = judged.outcomes[0].as_ref().unwrap().as_ref().unwrap();
    assert!(matches!(answer.verdict, Verdict::Accepted(_)));
    engine.shut_down().await;
}

/// Two commands of which the rate lets through one in an hour, half paid.
async fn held_back(
    engine: &Engine,
    keys_then: &KeyBook,
) -> Result<Decided, tokio::time::error::Elapsed> {
    tokio::time::pause();
    let desk = desk(engine.clone(), Some("1/h"));
    let chunk = chunk(&desk, &[earn("1"), earn("2")]);
    let mut decider = Decider::new(Arc::clone(&desk), TILL);
    let mut deciding = Box::pin(decider.decide(chunk));
    assert!(
        deciding.as_mut().now_or_never().is_none(),
        "it does not wait"
    );
    desk.keys.replace(keys_then);
    let decided = timeout(Duration::from_secs(60), deciding).await;
    decided.map(Result::unwrap)
}

/// Goal: what waits for its sender's rate is not done if the key is revoked meanwhile.
#[actix_rt::test]
async fn whose_key_is_revoked_while_it_waits_has_nothing_done() {
    let engine = small_engine(10);
    let decided = held_back(&engine, &KeyBook::default()).await.unwrap();
    assert!(decided.posted.is_none());
    assert_eq!(decided.asks.len(), 2);
    assert!(
        decided
            .asks
            .iter()
            .all(|asks| matches!(asks, Asks::Never(_)))
    );
    engine.shut_down().await;
}

/// Goal: a rate that was raised meanwhile is the one that counts.
#[actix_rt::test]
async fn a_rate_that_was_raised_meanwhile_lets_go_on() {
    let engine = small_engine(10);
    let decided = held_back(&engine, &book(Some("100/s"))).await.unwrap();
    let judged = answers(decided).await;
    assert_eq!(judged.outcomes.len(), 2);
    engine.shut_down().await;
}
