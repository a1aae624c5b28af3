//! Using the codes of units that were sold: each once.

use super::{
    command::{Seq, ShardIndex, UseCode},
    decide::Judged,
    entry::Deed,
    holds::HoldState,
    members::MemberIndex,
    refusal::Code,
    sold::Sale,
    sold_code::{SaleSecret, SoldCode},
    state::Ledger,
};

impl Ledger {
    pub(super) fn judge_use_code(&self, used: &UseCode) -> Judged {
        let code = used.code;
        let sale = self.code(&code).ok_or(Code::CodeNotFound)?;
        if sale.revoked {
            return Err(Code::CodeRevoked.into());
        }
        if sale.is_used(code.unit) {
            return Err(Code::CodeUsed.into());
        }
        Ok(Deed::CodeUsed {
            sale: code.sale,
            unit: code.unit,
        })
    }

    /// The sale that gave a code out, if one did.
    #[must_use]
    pub fn code(&self, code: &SoldCode) -> Option<&Sale> {
        let sale = self.stocks.sold.find(code.sale)?;
        let known = code.shard == self.shard
            && u64::from(code.unit) < sale.quantity.get()
            && code.is_of(sale.secret);
        known.then_some(sale)
    }

    /// The codes that were given out for a reservation, in the order of its units.
    #[must_use]
    pub fn codes_of(&self, reservation: Seq) -> Vec<SoldCode> {
        let held = self.holds.find(reservation);
        let sold = held.filter(|held| held.state == HoldState::Captured);
        // Of most the sale is the entry that ended it. A late one comes behind that.
        let Some((ended, _)) = sold.and_then(|held| held.closed) else {
            return Vec::new();
        };
        let mut sales = self.stocks.sold.not_before(ended);
        let found = sales.find(|sale| sale.reservation == reservation);
        found.map_or_else(Vec::new, |sale| {
            codes(self.shard, sale.seq, sale.quantity.get(), sale.secret)
        })
    }

    pub(super) fn sale_of(&self, code: &SoldCode) -> Option<MemberIndex> {
        self.code(code).map(|sale| sale.member)
    }
}

/// The codes of so many units.
pub(super) fn codes(
    shard: ShardIndex,
    sale: Seq,
    quantity: u64,
    secret: SaleSecret,
) -> Vec<SoldCode> {
    let units = (0..=u16::MAX).take(usize::try_from(quantity).unwrap_or(usize::MAX));
    units
        .map(|unit| SoldCode::new(shard, sale, unit, secret))
        .collect()
}
