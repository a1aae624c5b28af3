//! Points that a merchant buys ahead: bought, drawn in both shards, put back, and refused when none are left.

use jifen_engine::{
    ledger::{
        BuyPack, Class, Command, Day, Earn, Enrol, Fen, MemberId, MerchantId, PointType, Points,
        PutMerchant, Reverse, Text, TransactionId, UnixMillis, Verdict,
    },
    pool::Units,
    shard::Reply,
};

use super::{Specimens, clearing, committed, sales};

pub(super) fn made() -> Specimens {
    let mut pair = sales::Pair::new();
    let today = sales::rules().day_at(UnixMillis(super::AT));
    let put = PutMerchant {
        merchant: merchant(),
        name: Text::new("Shop").unwrap(),
        contract: Some((today, clearing::prepaid())),
    };
    accepted(&pair.ask_as("operator", None, Command::PutMerchant(put)));
    for name in ["a", "b"] {
        let enrol = Enrol {
            member: MemberId::new(name).unwrap(),
            attributes: None,
        };
        accepted(&pair.ask_as("operator", None, Command::Enrol(enrol)));
    }
    // Nothing was ever bought.
    for name in ["a", "b"] {
        assert!(pair.ask_as("shop", None, earn(name, 5, false)).is_err());
    }
    accepted(&pair.ask_as("operator", Some("invoice 7"), buy(100)));
    let mut earns = Vec::new();
    for (name, points, later) in [("a", 30, false), ("b", 8, false), ("b", 4, true)] {
        earns.push(accepted(&pair.ask_as(
            "shop",
            None,
            earn(name, points, later),
        )));
    }
    for (transaction, points) in [(earns[1], Some(3)), (earns[0], None), (earns[2], None)] {
        let reverse = Reverse {
            transaction,
            points: points.and_then(Points::new),
            reason: None,
            return_units: false,
        };
        accepted(&pair.ask_as("shop", None, Command::Reverse(reverse)));
    }
    // One shard has the rest, and the other has to ask for it.
    for name in ["a", "b", "a", "b"] {
        accepted(&pair.ask_as("shop", None, earn(name, 20, false)));
    }
    for name in ["a", "b"] {
        assert!(pair.ask_as("shop", None, earn(name, 50, false)).is_err());
    }
    accepted(&pair.ask_as("operator", None, buy(1)));
    pair.pass(100);
    let sealed = pair
        .cores
        .map(|mut core| core.seal().expect("it has entries"));
    committed(sealed, &sales::rules())
}

fn accepted(reply: &Reply) -> TransactionId {
    let answer = reply.as_ref().expect("decided");
    assert!(matches!(answer.verdict, Verdict::Accepted(_)), "{answer:?}");
    TransactionId {
        shard: answer.offset.shard,
        seq: answer.offset.seq,
    }
}

fn merchant() -> MerchantId {
    MerchantId::new("shop").unwrap()
}

fn buy(points: u64) -> Command {
    Command::BuyPack(BuyPack {
        merchant: merchant(),
        points: Units::new(points).unwrap(),
        point_type: PointType::new("points").unwrap(),
        price: Fen::new(points * 9 / 10).unwrap(),
    })
}

fn earn(member: &str, points: u64, later: bool) -> Command {
    Command::Earn(Earn {
        member: MemberId::new(member).unwrap(),
        merchant: merchant(),
        points: Points::new(points).unwrap(),
        point_type: PointType::new("points").unwrap(),
        last_day: Day::NEVER,
        class: Class::new("ordinary").unwrap(),
        order: Text::new("A-1"),
        at: None,
        releases_at: later.then_some(UnixMillis(super::AT + 86_400_000)),
    })
}
