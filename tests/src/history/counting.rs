//! What the entries of a history met.

use jifen_engine::ledger::{Account, Deed, Entry, Subject};

use super::History;
use crate::specimens::kind;

impl History {
    pub(super) fn count_entry(&mut self, entry: &Entry) {
        self.met.count(format!("deed {}", kind(&entry.deed)));
        let moves = |from: Account, to: Account| {
            let mut moves = entry.moves.iter();
            moves.any(|one| one.from == from && one.to == to)
        };
        match &entry.deed {
            Deed::Captured { .. } if entry.moves.iter().all(|m| m.from == Account::Available) => {
                self.met.count("late capture");
            }
            Deed::Earned { .. } if moves(Account::Issued, Account::Breakage) => {
                self.met.count("lapsed at once");
            }
            Deed::Reversed { spend: false, .. } if moves(Account::Owed, Account::Issued) => {
                self.met.count("reversal into a debt");
            }
            Deed::Reversed { transaction, .. } => {
                if self.core.ledger().reversed(*transaction).get() > reversed_now(entry) {
                    self.met.count("reversal by parts");
                }
                let at = usize::try_from(transaction.0 - 1).unwrap();
                let late = Entry::decode(&self.records[at]).is_ok_and(|entry| {
                    matches!(entry.deed, Deed::Captured { .. })
                        && entry.moves.iter().all(|m| m.from == Account::Available)
                });
                if late {
                    self.met.count("reversal of a late capture");
                }
            }
            Deed::Lapsed => {
                let Subject::Member(id) = &entry.subject else {
                    return;
                };
                let state = self.twin.state(id.as_str());
                if state == Some("closed") {
                    self.met.count("left behind by closing");
                }
            }
            _ => {}
        }
        if entry.moves.iter().any(|one| one.to == Account::Owed) {
            self.met.count("debt paid");
        }
    }
}

/// How many points a reversal took back.
const fn reversed_now(entry: &Entry) -> u64 {
    match entry.deed {
        Deed::Reversed { points, .. } => points.get(),
        _ => 0,
    }
}
