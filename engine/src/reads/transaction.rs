//! An accepted command of a member, and what became of it since.

use std::sync::Arc;

use compact_str::CompactString;

use super::statement::read;
use crate::{
    engine::Engine,
    error::EngineError,
    ledger::{
        Account, Answer, Deed, Entry, Facts, Ledger, LotRef, LotShare, MemberId, Move, Need,
        Points, Principal, RequestId, Seq, Subject, Symbol, TransactionId,
    },
    view::{
        View,
        item::{Counterpart, merchant_of},
    },
};

/// A transaction as readers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TransactionView {
    /// What was answered, as it was given.
    pub answer: Answer,
    /// Whose.
    pub member: MemberId,
    /// Who issued or accepted the points, where somebody did.
    pub merchant: Option<CompactString>,
    /// The points that the command moved, lot by lot in the order in which it took them.
    pub lots: Vec<LotShare>,
    /// How many of them were taken back since.
    pub reversed: Points,
}

impl Engine {
    /// What was answered to a request id, or `None` if none is bound to it.
    pub async fn request(
        &self,
        principal: Principal,
        member: MemberId,
        id: RequestId,
    ) -> Result<Option<Answer>, EngineError> {
        let shard = self.router().member(&member);
        self.search(shard, move |ledger, facts| {
            ledger.request(&member, &principal, &id, facts)
        })
        .await
    }

    /// A transaction, or `None` if there is none of that name, or none that is still to be had. What the ledger does not
    /// remember is looked up in history, where the engine keeps a view of it.
    pub async fn transaction(
        &self,
        id: TransactionId,
    ) -> Result<Option<TransactionView>, EngineError> {
        if id.shard.0 >= self.router().shards() {
            return Ok(None);
        }
        let (found, last) = self
            .search(id.shard, move |ledger, facts| {
                Ok((transaction(ledger, id.seq, facts)?, ledger.last_seq()))
            })
            .await?;
        match self.view() {
            Some(view) if found.is_none() && id.seq <= last => {
                self.old_transaction(&view, id, last).await
            }
            _ => Ok(found),
        }
    }

    async fn old_transaction(
        &self,
        view: &Arc<View>,
        id: TransactionId,
        last: Seq,
    ) -> Result<Option<TransactionView>, EngineError> {
        let found = read(view, move |view| view.transaction(id.shard, id.seq, last)).await?;
        let Some(((entry, hold), reversed)) = found else {
            return Ok(None);
        };
        self.look(id.shard, move |ledger| {
            let merchant = merchant_of(&entry, hold.as_ref());
            told(ledger, entry.clone(), merchant, reversed)
        })
        .await
    }
}

/// A transaction of this shard as readers see it, or the record that tells it.
pub fn transaction(
    ledger: &Ledger,
    seq: Seq,
    facts: &Facts,
) -> Result<Option<TransactionView>, Need> {
    let Some(entry) = ledger.transaction(seq, facts)? else {
        return Ok(None);
    };
    let merchant = match Counterpart::of(&entry) {
        Counterpart::Merchant(merchant) => Some(merchant),
        Counterpart::OfHold(hold) => ledger.hold(hold).map(|(held, _)| held.merchant),
        Counterpart::Nobody => None,
    };
    Ok(told(ledger, entry, merchant, ledger.reversed(seq)))
}

fn told(
    ledger: &Ledger,
    entry: Entry,
    merchant: Option<Symbol>,
    reversed: Points,
) -> Option<TransactionView> {
    let Subject::Member(member) = entry.subject.clone() else {
        return None;
    };
    let merchant = merchant.map(|symbol| ledger.symbols().name(symbol).clone());
    let lots = lots(ledger, &entry);
    let answer = Answer::recorded(&entry, ledger.shard(), ledger.symbols());
    answer.map(|answer| TransactionView {
        answer,
        member,
        merchant,
        lots,
        reversed,
    })
}

/// The points that are the command's own: not what of them went on to pay a debt or to lapse.
fn lots(ledger: &Ledger, entry: &Entry) -> Vec<LotShare> {
    let own: fn(&Move) -> bool = match entry.deed {
        Deed::Earned { .. } | Deed::EarnedPending { .. } => |m| m.from == Account::Issued,
        Deed::Redeemed { .. } | Deed::Captured { .. } | Deed::Confirmed { .. } => {
            |m| matches!(m.to, Account::Accepted(_))
        }
        Deed::Held { .. } | Deed::Reserved { .. } => |m| m.to == Account::Held,
        Deed::Released { .. } | Deed::Cancelled { .. } => |m| m.from == Account::Held,
        Deed::Unsold { .. } | Deed::Reversed { spend: true, .. } => {
            |m| matches!(m.from, Account::Accepted(_))
        }
        Deed::Reversed { .. } => |m| m.to == Account::Issued,
        Deed::Adjusted { .. } => |m| m.from == Account::Adjustment || m.to == Account::Adjustment,
        Deed::Closed { .. } => |m| m.to == Account::Breakage,
        _ => |_| false,
    };
    let name = |symbol| ledger.symbols().name(symbol).clone();
    let mut lots: Vec<(LotRef, LotShare)> = Vec::new();
    for m in entry.moves.iter().filter(|m| own(m)) {
        if let Some((_, share)) = lots.iter_mut().find(|(lot, _)| lot.key == m.lot.key) {
            let sum = share.points.checked_add(m.points);
            share.points = sum.expect("parts of one lot sum to at most 2^53 - 1");
            continue;
        }
        let share = LotShare {
            issuer: name(m.lot.key.issuer),
            class: name(m.lot.key.class),
            last_day: m.lot.key.last_day,
            points: m.points,
        };
        lots.push((m.lot, share));
    }
    lots.into_iter().map(|(_, share)| share).collect()
}
