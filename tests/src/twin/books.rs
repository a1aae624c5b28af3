//! The twin's entries, and the accounts of merchants and of the programme that they add up to.

use super::{Merchant, Twin};
use crate::moved::{Made, Moved, Place, summed};

/// A merchant's points of one type: given out, taken, and what of each was taken back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Account {
    pub issued: u128,
    pub accepted: u128,
    pub issued_reversed: u128,
    pub accepted_reversed: u128,
}

impl Twin {
    /// The entry of what was done since the last one.
    pub(super) fn record(
        &mut self,
        at: u64,
        about: String,
        deed: &'static str,
        point_type: Option<&str>,
    ) {
        self.seq += 1;
        self.at = at;
        let moves = std::mem::take(&mut self.moves);
        for one in &moves {
            let point_type = point_type.expect("points are of some type");
            self.account_for(point_type, one);
        }
        self.made.push(Made {
            seq: self.seq,
            at,
            about,
            deed,
            point_type: point_type.filter(|_| !moves.is_empty()).map(str::to_owned),
            moves: summed(moves),
        });
    }

    fn account_for(&mut self, point_type: &str, one: &Moved) {
        for (place, comes) in [(&one.from, false), (&one.to, true)] {
            let merchant = match place {
                Place::Issued => &one.issuer,
                Place::Accepted(merchant) => merchant,
                Place::Breakage => {
                    self.unowned_mut(point_type)[0] += u128::from(one.points);
                    continue;
                }
                Place::Adjustment => {
                    let sum = if comes { 2 } else { 1 };
                    self.unowned_mut(point_type)[sum] += u128::from(one.points);
                    continue;
                }
                _ => continue,
            };
            let merchant = self.merchant_place(merchant).expect("judged: it is known");
            let account = self.merchants[merchant].account_mut(point_type);
            let sum = match (place, comes) {
                (Place::Issued, false) => &mut account.issued,
                (Place::Issued, true) => &mut account.issued_reversed,
                (_, true) => &mut account.accepted,
                (_, false) => &mut account.accepted_reversed,
            };
            *sum += u128::from(one.points);
        }
    }

    fn unowned_mut(&mut self, point_type: &str) -> &mut [u128; 3] {
        let place = self.unowned.iter().position(|(name, _)| name == point_type);
        let place = place.unwrap_or_else(|| {
            self.unowned.push((point_type.to_owned(), [0; 3]));
            self.unowned.len() - 1
        });
        &mut self.unowned[place].1
    }
}

impl Merchant {
    fn account_mut(&mut self, point_type: &str) -> &mut Account {
        let place = self
            .accounts
            .iter()
            .position(|(name, _)| name == point_type);
        let place = place.unwrap_or_else(|| {
            self.accounts
                .push((point_type.to_owned(), Account::default()));
            self.accounts.len() - 1
        });
        &mut self.accounts[place].1
    }
}
