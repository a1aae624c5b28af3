//! Commands for one member are looked at in their order, whatever old records they wait for.

use std::collections::{BTreeMap, VecDeque};

use jifen_engine::ledger::{HoldId, Ledger};

use crate::ask::{Ask, What};

/// What was asked about whom and is not answered yet.
#[derive(Default)]
pub(super) struct Order {
    waiting: BTreeMap<(usize, String), VecDeque<u64>>,
    about: BTreeMap<u64, String>,
}

impl Order {
    /// Notes a request, unless it does not tell whom it is about: a reversal may wait until its transaction tells.
    pub(super) fn asked(&mut self, ledger: &Ledger, shard: usize, ticket: u64, ask: &Ask) {
        let about = match &ask.what {
            What::PutMerchant { merchant, .. } => Some(format!("merchant {merchant}")),
            What::Capture { hold, .. } | What::Release { hold } => owner(ledger, hold),
            what => what.member().map(|member| format!("member {member}")),
        };
        if let Some(about) = about {
            let key = (shard, about.clone());
            self.waiting.entry(key).or_default().push_back(ticket);
            self.about.insert(ticket, about);
        }
    }

    /// Checks that a request is answered in its order.
    pub(super) fn answered(&mut self, shard: usize, ticket: u64) -> Result<(), String> {
        let Some(about) = self.about.remove(&ticket) else {
            return Ok(());
        };
        let waiting = self.waiting.entry((shard, about.clone())).or_default();
        if waiting.front() == Some(&ticket) {
            waiting.pop_front();
            Ok(())
        } else {
            Err(format!(
                "{about}: {ticket} is answered out of order; {waiting:?} wait"
            ))
        }
    }
}

fn owner(ledger: &Ledger, hold: &str) -> Option<String> {
    let hold = HoldId::parse(hold)?;
    let (_, member) = ledger.hold(hold.seq)?;
    Some(format!("member {member}"))
}
