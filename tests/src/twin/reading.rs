//! What can be read of the twin.

use super::{Account, Purse, Twin};
use crate::heard::WalletSeen;

impl Twin {
    /// A member's points by point type, `None` if nobody of that name is enrolled. Point types of which the member
    /// has nothing are left out.
    #[must_use]
    pub fn member(&self, id: &str) -> Option<Vec<WalletSeen>> {
        let member = &self.members[self.member_place(id)?];
        let mut wallets: Vec<WalletSeen> = member.purses.iter().map(Purse::seen).collect();
        wallets.retain(|wallet| !wallet.is_empty());
        wallets.sort_by(|a, b| a.point_type.cmp(&b.point_type));
        Some(wallets)
    }

    /// A member's state in the word of the wire contract, `None` if nobody of that name is enrolled.
    #[must_use]
    pub fn state(&self, id: &str) -> Option<&'static str> {
        Some(self.members[self.member_place(id)?].state)
    }

    /// Everybody who is enrolled.
    pub fn members(&self) -> impl Iterator<Item = &str> {
        self.members.iter().map(|member| member.id.as_str())
    }

    /// Every merchant's accounts, by merchant and point type.
    pub fn accounts(&self) -> impl Iterator<Item = (&str, &str, Account)> {
        self.merchants.iter().flat_map(|merchant| {
            let accounts = merchant.accounts.iter();
            accounts.map(|(name, account)| (merchant.id.as_str(), name.as_str(), *account))
        })
    }

    /// What went to breakage, and what adjustments gave to members and took from them.
    #[must_use]
    pub fn unowned(&self, point_type: &str) -> [u128; 3] {
        let found = self.unowned.iter().find(|(name, _)| name == point_type);
        found.map(|(_, sums)| *sums).unwrap_or_default()
    }

    /// What became of a hold: state, points, captured, released.
    #[must_use]
    pub fn hold(&self, id: &str) -> Option<(&'static str, u64, u64, u64)> {
        let hold = self.holds.iter().find(|hold| hold.id == id)?;
        Some((hold.state, hold.points, hold.captured, hold.released))
    }

    /// How much of an entry was reversed; `None` if it is no accepted command of a member.
    #[must_use]
    pub fn reversed(&self, seq: u64) -> Option<u64> {
        let deal = self.deals.iter().find(|deal| deal.seq == seq)?;
        Some(deal.reversed)
    }
}
