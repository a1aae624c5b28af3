//! Reads of what was answered and done, which may need old records: what they find must be what was heard.

use jifen_engine::{
    ledger::{Day, Facts, Ledger, MemberId, Need, Principal, RequestId, Seq, UnixMillis},
    reads,
};
use rand::Rng;
use rand_chacha::ChaCha8Rng;

use super::{lineage::Lineages, process::Process};
use crate::{
    ask::Ask,
    heard::{Heard, Recorded, Told, heard},
};

/// Somebody wants to know.
pub(super) struct Lookup {
    shard: usize,
    what: Sought,
    facts: Facts,
    need: Need,
}

enum Sought {
    /// What was answered to this request, and what that was.
    Request(Box<(Ask, Recorded)>),
    /// The transaction that this answer names.
    Transaction(Box<Recorded>),
}

impl Process {
    /// Looks up something that was answered.
    pub(super) fn look_up(
        &mut self,
        rng: &mut ChaCha8Rng,
        ask: &Ask,
        answer: &Recorded,
    ) -> Result<(), String> {
        let refused = matches!(answer.told, Told::Refused(_));
        let what = if refused || rng.random_bool(0.5) {
            Sought::Request(Box::new((ask.clone(), answer.clone())))
        } else {
            Sought::Transaction(Box::new(answer.clone()))
        };
        self.look(usize::from(answer.shard), what, Facts::default())
    }

    fn look(&mut self, shard: usize, what: Sought, facts: Facts) -> Result<(), String> {
        let found = match &what {
            Sought::Request(asked) => request(self.ledger(shard), &asked.0, &asked.1, &facts),
            Sought::Transaction(answer) => transaction(self.ledger(shard), answer, &facts),
        };
        match found {
            Ok(found) => {
                self.met.count("looked up");
                self.read(shard);
                found
            }
            Err(need) => {
                self.met.count("look-up needed a record");
                self.cores[shard].want(need);
                self.lookups.push(Lookup {
                    shard,
                    what,
                    facts,
                    need,
                });
                self.follow_up(shard);
                Ok(())
            }
        }
    }

    /// A record has come: goes on with the reads that wait for it.
    pub(super) fn look_further(
        &mut self,
        shard: usize,
        need: Need,
        record: Option<&[u8]>,
    ) -> Result<(), String> {
        let waits = |lookup: &Lookup| lookup.shard == shard && lookup.need == need;
        let (ready, rest) = std::mem::take(&mut self.lookups)
            .into_iter()
            .partition(waits);
        self.lookups = rest;
        for Lookup {
            what, mut facts, ..
        } in Vec::into_iter(ready)
        {
            facts.add(need, record.map(Box::from));
            self.look(shard, what, facts)?;
        }
        Ok(())
    }

    /// Reads a member; nothing that is due may be seen.
    pub(super) fn read_member(
        &mut self,
        now: u64,
        shard: usize,
        name: &str,
        lineages: &mut Lineages,
    ) -> Result<(), String> {
        let id = MemberId::new(name).unwrap();
        let core = &mut self.cores[shard];
        let before = core.last_seq().0;
        core.record_due(UnixMillis(now), &id);
        if core.last_seq().0 > before {
            self.met.count("a read recorded what was due");
        }
        self.decided(now, shard, before, Vec::new(), lineages)?;
        let ledger = self.ledger(shard);
        let at = UnixMillis(now).max(ledger.last_at());
        let today = ledger.rules().day_at(at);
        for wallet in reads::member(ledger, &id)
            .into_iter()
            .flat_map(|view| view.wallets)
        {
            let lapsed = |lot: &reads::LotView| lot.last_day < today && !lot.available.is_zero();
            let matured = |part: &reads::PendingView| part.releases_at <= at;
            if wallet.lots.iter().any(lapsed) || wallet.pending.iter().any(matured) {
                let today: Day = today;
                return Err(format!(
                    "at {at:?}, {today:?}, {name} is seen with {wallet:?}"
                ));
            }
        }
        self.read(shard);
        Ok(())
    }
}

/// What is bound to a request id must be what was heard. The outer error is a need, the inner one a broken rule.
fn request(
    ledger: &Ledger,
    ask: &Ask,
    answer: &Recorded,
    facts: &Facts,
) -> Result<Result<(), String>, Need> {
    let Some(member) = ask.what.member() else {
        return Ok(Ok(()));
    };
    let member = MemberId::new(member).unwrap();
    let principal = Principal::new(&ask.principal).unwrap();
    let id = RequestId::new(&ask.id).unwrap();
    let found = ledger.request(&member, &principal, &id, facts)?;
    let found = found.map(|answer| heard(&Ok(answer)));
    let expected = Some(Heard::Recorded {
        answer: answer.clone(),
        replayed: true,
    });
    let forgotten = found.is_none() && may_be_forgotten(ledger, answer);
    Ok(if found == expected || forgotten {
        Ok(())
    } else {
        Err(format!("{expected:#?} was heard, and {found:#?} is bound"))
    })
}

/// A transaction must be what was heard.
fn transaction(
    ledger: &Ledger,
    answer: &Recorded,
    facts: &Facts,
) -> Result<Result<(), String>, Need> {
    if let Told::Document { .. } = answer.told {
        return Ok(Ok(()));
    }
    let found = reads::transaction(ledger, Seq(answer.seq), facts)?;
    let found = found.map(|view| heard(&Ok(view.answer)));
    let expected = Some(Heard::Recorded {
        answer: answer.clone(),
        replayed: false,
    });
    let forgotten = found.is_none() && may_be_forgotten(ledger, answer);
    Ok(if found == expected || forgotten {
        Ok(())
    } else {
        Err(format!("{expected:#?} was heard, and {found:#?} is there"))
    })
}

/// Whether so much time went by, since somebody began to look, that an answer is not due any more.
fn may_be_forgotten(ledger: &Ledger, answer: &Recorded) -> bool {
    let retention = ledger.rules().request_retention_seconds * 1_000;
    answer.at + retention < ledger.last_at().0
}
