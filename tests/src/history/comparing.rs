//! The ledger's members, holds and accounts beside those of its twin.

use jifen_engine::{
    ledger::{HoldId, Ledger, MemberId, Seq},
    reads,
};

use super::{History, SHARD};
use crate::{
    heard::{WalletSeen, seen},
    twin::Account,
};

impl History {
    pub(super) fn compare_members(&self, ledger: &Ledger) -> Result<(), String> {
        for name in self.twin.members() {
            let id = MemberId::new(name).unwrap();
            let view = reads::member(ledger, &id).ok_or_else(|| format!("{name} is lost"))?;
            let mut fast = seen(&view);
            fast.retain(|wallet| !wallet.is_empty());
            let slow: Vec<WalletSeen> = self.twin.member(name).unwrap();
            if fast != slow {
                return Err(format!(
                    "{name}: the ledger has {fast:#?}\nthe twin has {slow:#?}"
                ));
            }
            let state = ledger.member(&id).map(|member| member.state().name());
            if state != self.twin.state(name) {
                return Err(format!("{name} is {state:?}"));
            }
        }
        let known = ledger.members().count();
        if known == self.twin.members().count() {
            Ok(())
        } else {
            Err(format!("{known} members are enrolled"))
        }
    }

    /// Every hold that is open, and every other that the ledger still knows.
    pub(super) fn compare_holds(&self) -> Result<(), String> {
        let ledger = self.core.ledger();
        let open = ledger.open_holds().map(|(held, _)| held.seq);
        let lately = (1..=ledger.last_seq().0).map(Seq);
        let known = lately.filter(|&seq| ledger.hold(seq).is_some());
        for seq in open.chain(known) {
            let id = HoldId { shard: SHARD, seq };
            let view = reads::hold(ledger, id).ok_or_else(|| format!("{id} is lost"))?;
            let parts = (view.points.get(), view.captured.get(), view.released.get());
            let fast = Some((view.state.name(), parts.0, parts.1, parts.2));
            let slow = self.twin.hold(&id.to_string());
            if fast != slow {
                return Err(format!("{id} is {fast:?}, the twin has {slow:?}"));
            }
        }
        Ok(())
    }

    /// What merchants gave out and took, and what went to nobody.
    pub(super) fn compare_accounts(&self) -> Result<(), String> {
        let ledger = self.core.ledger();
        let name = |symbol| ledger.symbols().name(symbol).to_string();
        let mut fast = Vec::new();
        for merchant in ledger.merchants() {
            for stripe in &merchant.stripes {
                let account = Account {
                    issued: stripe.issued,
                    accepted: stripe.accepted,
                    issued_reversed: stripe.issued_reversed,
                    accepted_reversed: stripe.accepted_reversed,
                };
                fast.push((merchant.id.to_string(), name(stripe.point_type), account));
            }
        }
        let slow = self.twin.accounts();
        let mut slow: Vec<(String, String, Account)> = slow
            .map(|(merchant, point_type, account)| {
                (merchant.to_owned(), point_type.to_owned(), account)
            })
            .collect();
        fast.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        slow.sort_by(|a, b| (&a.0, &a.1).cmp(&(&b.0, &b.1)));
        if fast != slow {
            return Err(format!("accounts: {fast:#?}\nthe twin has {slow:#?}"));
        }
        for stripe in ledger.system() {
            let point_type = name(stripe.point_type);
            let fast = [stripe.breakage, stripe.adjusted_up, stripe.adjusted_down];
            let slow = self.twin.unowned(&point_type);
            if fast != slow {
                return Err(format!("{point_type}: {fast:?}, the twin has {slow:?}"));
            }
        }
        Ok(())
    }

    /// How much of every deal was reversed.
    pub(super) fn compare_reversed(&self) -> Result<(), String> {
        for seq in 1..=self.core.last_seq().0 {
            let fast = self.core.ledger().reversed(Seq(seq)).get();
            let slow = self.twin.reversed(seq).unwrap_or_default();
            if fast != slow {
                return Err(format!("{fast} of {seq} reversed, the twin has {slow}"));
            }
        }
        Ok(())
    }
}
