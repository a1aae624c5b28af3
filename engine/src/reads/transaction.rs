//! An accepted command of a member, and what became of it since.

use compact_str::CompactString;

use crate::{
    engine::Engine,
    error::EngineError,
    ledger::{
        Account, Answer, Deed, Entry, Facts, Ledger, LotRef, LotShare, MemberId, Move, Need,
        Points, Principal, RequestId, Seq, Subject, Symbol, TransactionId,
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

    /// A transaction, or `None` if there is none of that name, or none that is still to be had.
    pub async fn transaction(
        &self,
        id: TransactionId,
    ) -> Result<Option<TransactionView>, EngineError> {
        if id.shard.0 >= self.router().shards() {
            return Ok(None);
        }
        self.search(id.shard, move |ledger, facts| {
            transaction(ledger, id.seq, facts)
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
    let Subject::Member(member) = entry.subject.clone() else {
        return Ok(None);
    };
    let merchant = merchant(ledger, &entry).map(|symbol| ledger.symbols().name(symbol).clone());
    let lots = lots(ledger, &entry);
    let answer = Answer::recorded(entry, ledger.shard(), ledger.symbols());
    Ok(answer.map(|answer| TransactionView {
        answer,
        member,
        merchant,
        lots,
        reversed: ledger.reversed(seq),
    }))
}

fn merchant(ledger: &Ledger, entry: &Entry) -> Option<Symbol> {
    let accepted = |m: &Move| match (m.from, m.to) {
        (Account::Accepted(merchant), _) | (_, Account::Accepted(merchant)) => Some(merchant),
        _ => None,
    };
    match entry.deed {
        Deed::Earned { merchant, .. }
        | Deed::EarnedPending { merchant, .. }
        | Deed::Redeemed { merchant, .. }
        | Deed::Held { merchant, .. } => Some(merchant),
        Deed::Captured { .. } | Deed::Reversed { spend: true, .. } => {
            entry.moves.iter().find_map(accepted)
        }
        // Of an earn: all of it went to one lot, whose issuer it was.
        Deed::Reversed { .. } => entry.moves.first().map(|m| m.lot.key.issuer),
        Deed::Released { hold, .. } => ledger.hold(hold).map(|(held, _)| held.merchant),
        _ => None,
    }
}

/// The points that are the command's own: not what of them went on to pay a debt or to lapse.
fn lots(ledger: &Ledger, entry: &Entry) -> Vec<LotShare> {
    let own: fn(&Move) -> bool = match entry.deed {
        Deed::Earned { .. } | Deed::EarnedPending { .. } => |m| m.from == Account::Issued,
        Deed::Redeemed { .. } | Deed::Captured { .. } => |m| matches!(m.to, Account::Accepted(_)),
        Deed::Held { .. } => |m| m.to == Account::Held,
        Deed::Released { .. } => |m| m.from == Account::Held,
        Deed::Reversed { spend: true, .. } => |m| matches!(m.from, Account::Accepted(_)),
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
