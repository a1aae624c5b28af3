//! An engine on a data directory, and statements read whole.

use std::{path::Path, sync::Arc, time::Duration};

use jifen_engine::{
    Clock, DataDirectory, Engine, Options,
    ledger::{Answer, MemberId, MerchantId, Rules, ShardIndex},
    reads::{MovementsQuery, StatementPage, StatementQuery},
    view::item::{Movement, StatementItem},
};
use jifen_tests::{
    ask::{Ask, What},
    hand_clock::HandClock,
    workload::START,
};

pub(crate) const SHARDS: u16 = 4;

pub(crate) struct House {
    pub(crate) engine: Engine,
    pub(crate) clock: HandClock,
}

/// Waits until it is so, by asking.
pub(crate) async fn eventually<F: Future<Output = bool>>(what: &str, mut is_so: impl FnMut() -> F) {
    let asking = async { while !is_so().await {} };
    let waited = actix_rt::time::timeout(Duration::from_secs(60), asking).await;
    waited.unwrap_or_else(|_| panic!("waited in vain: {what}"));
}

impl House {
    pub(crate) fn open(data: &Path, rules: Rules) -> Self {
        Self::open_with(data, rules, HandClock::at(START))
    }

    /// Goes on with a clock.
    pub(crate) fn open_with(data: &Path, rules: Rules, clock: HandClock) -> Self {
        let options = Options {
            shards: SHARDS,
            rules,
            clock: Arc::new(clock.clone()),
            ..Options::default()
        };
        let opened = DataDirectory::lock(data).unwrap().open(options).unwrap();
        Self {
            engine: opened.engine,
            clock,
        }
    }

    /// Submits something that must be accepted.
    pub(crate) async fn accepted(&self, ask: &Ask) -> Answer {
        let reply = self.engine.submit(ask.request()).await.unwrap();
        let answer = reply.unwrap_or_else(|declined| panic!("{ask:?}: {declined:?}"));
        let accepted = matches!(answer.verdict, jifen_engine::ledger::Verdict::Accepted(_));
        assert!(accepted, "{ask:?}: {answer:?}");
        answer
    }

    /// The merchants `M0` and `M1`, and the member `A0`.
    pub(crate) async fn opening(&self) {
        for merchant in ["M0", "M1"] {
            let what = What::PutMerchant {
                merchant: merchant.to_owned(),
                name: "Tea".to_owned(),
            };
            self.accepted(&Ask::new("app", merchant, what)).await;
        }
        let what = What::Enrol {
            member: "A0".to_owned(),
            attributes: None,
        };
        self.accepted(&Ask::new("app", "enrol", what)).await;
    }

    /// Waits until time has done what it had to: nothing changes any more while the clock stands.
    pub(crate) async fn settled(&self) {
        let now = self.clock.now();
        for shard in (0..SHARDS).map(ShardIndex) {
            eventually("nothing is due", || async {
                let is_due = self.engine.look(shard, move |ledger| {
                    let mut members = ledger.members();
                    ledger.hold_due(now).is_some()
                        || members.any(|member| ledger.decide_due(now, member.id()).is_some())
                });
                !is_due.await.unwrap()
            })
            .await;
        }
    }

    /// Waits until the view has every entry.
    pub(crate) async fn caught_up(&self) {
        let mut entries = 0;
        for shard in (0..SHARDS).map(ShardIndex) {
            let last = self.engine.look(shard, |ledger| ledger.last_seq()).await;
            entries += last.unwrap().0;
        }
        let view = self.engine.view().unwrap();
        eventually("the view catches up", || {
            let there = view.progress().entries >= entries;
            async move {
                actix_rt::task::yield_now().await;
                there
            }
        })
        .await;
    }

    /// A page of a member who is enrolled.
    pub(crate) async fn page(&self, member: &str, query: StatementQuery) -> StatementPage {
        let id = MemberId::new(member).unwrap();
        self.engine.statement(id, query).await.unwrap().unwrap()
    }

    /// All pages of a statement.
    pub(crate) async fn statement(
        &self,
        member: &str,
        mut query: StatementQuery,
    ) -> Vec<StatementItem> {
        let mut items = Vec::new();
        loop {
            let page = self.page(member, query.clone()).await;
            assert!(page.items.len() <= query.limit);
            items.extend(page.items);
            let Some(next) = page.next else { return items };
            query.cursor = Some(next);
        }
    }

    /// All pages of a merchant's movements up to now.
    pub(crate) async fn movements(&self, merchant: &str, query: MovementsQuery) -> Vec<Movement> {
        // What fell due by itself may still be on its way.
        let reading = async {
            loop {
                if let Some(items) = self.movements_so_far(merchant, query).await {
                    return items;
                }
            }
        };
        let read = actix_rt::time::timeout(Duration::from_secs(60), reading).await;
        read.expect("the view catches up")
    }

    /// The same; `None` if the view has not caught up.
    async fn movements_so_far(
        &self,
        merchant: &str,
        mut query: MovementsQuery,
    ) -> Option<Vec<Movement>> {
        let mut items = Vec::new();
        loop {
            let id = MerchantId::new(merchant).unwrap();
            let page = self.engine.movements(id, query).await.unwrap().unwrap();
            assert!(page.items.len() <= query.limit);
            if page.as_of != Some(self.clock.now()) {
                return None;
            }
            items.extend(page.items);
            let Some(next) = page.next else {
                return Some(items);
            };
            query.cursor = Some(next);
        }
    }

    /// What the member has of each kind of points.
    pub(crate) async fn balances(&self, member: &str) -> Vec<(String, [u64; 3])> {
        let id = MemberId::new(member).unwrap();
        let view = self.engine.member(id).await.unwrap().unwrap();
        let wallets = view.wallets.into_iter();
        wallets
            .map(|wallet| {
                let balance = wallet.balance;
                let sums = [balance.available, balance.held, balance.owed];
                (wallet.point_type.to_string(), sums.map(|sum| sum.get()))
            })
            .collect()
    }
}

pub(crate) fn limited(limit: usize) -> StatementQuery {
    StatementQuery {
        limit,
        ..StatementQuery::default()
    }
}

pub(crate) fn earn(member: &str, id: &str, points: u64) -> Ask {
    let what = What::Earn {
        member: member.to_owned(),
        merchant: "M1".to_owned(),
        points,
        point_type: "points".to_owned(),
        last_day: None,
        class: "ordinary".to_owned(),
        order: Some(format!("order of {id}")),
        at: None,
        releases_at: None,
    };
    Ask::new("app", id, what)
}

pub(crate) fn redeem(member: &str, id: &str, points: u64) -> Ask {
    let what = What::Redeem {
        member: member.to_owned(),
        merchant: "M0".to_owned(),
        points,
        point_type: "points".to_owned(),
        used_for: None,
        order: None,
        cash: None,
    };
    Ask::new("app", id, what)
}

pub(crate) fn reverse(transaction: &Answer, id: &str, points: Option<u64>) -> Ask {
    let offset = transaction.offset;
    let what = What::Reverse {
        transaction: format!("t{}-{}", offset.shard.0, offset.seq.0),
        points,
        reason: None,
    };
    Ask::new("app", id, what)
}

/// Checks that a whole statement, newest first, ends with these balances, and every item where the one before did.
pub(crate) fn foots(items: &[StatementItem], balances: &[(String, [u64; 3])]) {
    for (point_type, balance) in balances {
        let mut after = [0; 3];
        for item in items.iter().rev() {
            if item.point_type != point_type.as_str() {
                continue;
            }
            let available = i64::try_from(after[0]).unwrap() + item.points;
            after = [item.available_after, item.held_after, item.owed_after].map(|sum| sum.get());
            assert_eq!(i64::try_from(after[0]), Ok(available), "{item:#?}");
        }
        assert_eq!(after, *balance, "{point_type}");
    }
    let known = |item: &StatementItem| balances.iter().any(|(name, _)| *name == item.point_type);
    assert!(items.iter().all(known));
    assert!(items.is_sorted_by(|a, b| a.offset.seq > b.offset.seq && a.at >= b.at));
}
