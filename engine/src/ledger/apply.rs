//! What entries do to the state.

use super::{
    amount::Points,
    command::Seq,
    entry::{Account, Deed, Entry, Move, Subject},
    holds::{HoldState, Opening},
    id::MemberId,
    members::{MemberIndex, MemberState},
    requests::ObjectKey,
    state::Ledger,
    symbol::Symbol,
    time::UnixMillis,
    wallet::{Half, Pending, Share, Wallet},
};

impl Ledger {
    pub(super) fn apply_to_member(&mut self, id: &MemberId, entry: &Entry) -> ObjectKey {
        let member = self
            .members
            .find_near(entry.hint, id)
            .unwrap_or_else(|| self.members.enrol(id.clone()));
        for one in &entry.moves {
            self.post(member, entry, one);
        }
        self.apply_deed(member, entry);
        self.apply_units(member, entry);
        self.daybook.post(entry);
        ObjectKey::member(member.0)
    }

    fn post(&mut self, at: MemberIndex, entry: &Entry, one: &Move) {
        use Account::{
            Accepted, Adjustment, Available, Breakage, Held, Issued, Owed, Pending, Transit,
        };
        let point_type = entry
            .after
            .expect("an entry with moves tells the balance")
            .point_type;
        let wallet = self.members.get_mut(at).wallet_mut(point_type);
        let (key, points) = (one.lot.key, one.points);
        if (one.from, one.to) == (Available, Held) {
            return wallet.shift(key, Half::Available, Half::Held, points);
        }
        match one.from {
            Available => wallet.take(key, Half::Available, points),
            Held => wallet.take(key, Half::Held, points),
            Owed => wallet.owe(points),
            // Which pending part it was, the deed tells.
            Pending | Issued | Accepted(_) | Adjustment | Breakage | Transit => {}
        }
        let made = match one.to {
            Available => wallet.put(one.lot, Half::Available, points),
            Owed => {
                wallet.pay(points);
                false
            }
            Pending | Issued | Accepted(_) | Adjustment | Breakage | Transit => false,
            Held => panic!("only available points are held"),
        };
        if made {
            self.due.lapses(key.last_day, at);
        }
        self.post_stripe((one.from, false), one, point_type);
        self.post_stripe((one.to, true), one, point_type);
    }

    /// Books one side of a move, if that is not the member's.
    fn post_stripe(&mut self, (account, comes): (Account, bool), one: &Move, point_type: Symbol) {
        let points = u128::from(one.points.get());
        let merchant = match account {
            Account::Available | Account::Held | Account::Pending | Account::Owed => return,
            Account::Issued => one.lot.key.issuer,
            Account::Accepted(acceptor) => acceptor,
            Account::Breakage => {
                self.system.of(point_type).breakage += points;
                return;
            }
            Account::Adjustment if comes => {
                self.system.of(point_type).adjusted_down += points;
                return;
            }
            Account::Adjustment => {
                self.system.of(point_type).adjusted_up += points;
                return;
            }
            Account::Transit => {
                let stripe = self.transit.of(point_type);
                *(if comes {
                    &mut stripe.out
                } else {
                    &mut stripe.come
                }) += points;
                return;
            }
        };
        let stripe = self
            .merchants
            .get_mut(merchant)
            .expect("decided: the merchant is known")
            .stripe_mut(point_type);
        *match (account, comes) {
            (Account::Issued, false) => &mut stripe.issued,
            (Account::Issued, true) => &mut stripe.issued_reversed,
            (_, true) => &mut stripe.accepted,
            (_, false) => &mut stripe.accepted_reversed,
        } += points;
    }

    fn apply_deed(&mut self, at: MemberIndex, entry: &Entry) {
        match &entry.deed {
            Deed::Enrolled { attributes } => {
                self.members.get_mut(at).attributes.clone_from(attributes);
            }
            Deed::Held {
                merchant,
                expires_at,
                ..
            }
            | Deed::Reserved {
                merchant,
                expires_at,
                ..
            } => {
                let shares = entry.moves.iter().map(|m| Share {
                    lot: m.lot,
                    points: m.points,
                });
                self.holds.open(Opening {
                    seq: entry.seq,
                    member: at,
                    point_type: entry.after.expect("a hold tells the balance").point_type,
                    merchant: *merchant,
                    expires_at: *expires_at,
                    shares: shares.collect(),
                    stock: match entry.deed {
                        Deed::Reserved { sku, quantity, .. } => Some((sku, quantity)),
                        _ => None,
                    },
                });
                self.members.get_mut(at).open_holds += 1;
            }
            Deed::Confirmed { reservation, .. } => {
                self.apply_capture(at, entry, *reservation, false);
            }
            Deed::Cancelled { reservation, .. } => {
                self.apply_end_of_hold(at, entry, *reservation, HoldState::Released);
            }
            Deed::Lost { reservation, .. } => {
                self.apply_end_of_hold(at, entry, *reservation, HoldState::Expired);
            }
            Deed::Unsold {
                transaction,
                points,
                ..
            } => self.apply_reversal(at, entry, *transaction, *points),
            Deed::Captured { hold, open, .. } => self.apply_capture(at, entry, *hold, *open),
            Deed::Released { hold, .. } => {
                self.apply_end_of_hold(at, entry, *hold, HoldState::Released);
            }
            Deed::Expired { hold, .. } => {
                self.apply_end_of_hold(at, entry, *hold, HoldState::Expired);
            }
            Deed::EarnedPending { releases_at, .. } => {
                self.apply_pending(at, entry, *releases_at);
            }
            Deed::Matured => self.wallet_of(at, entry).release(entry.at),
            Deed::Lapsed => self.apply_lapse(at, entry),
            Deed::Reversed {
                transaction,
                points,
                ..
            } => self.apply_reversal(at, entry, *transaction, *points),
            Deed::Frozen { .. } => self.members.get_mut(at).state = MemberState::Frozen,
            Deed::Unfrozen { .. } => self.members.get_mut(at).state = MemberState::Active,
            Deed::Closed { .. } => {
                self.members.get_mut(at).state = MemberState::Closed;
                self.wallet_of(at, entry).release(UnixMillis(u64::MAX));
                self.due.closes(at);
            }
            Deed::Erased => self.members.get_mut(at).attributes = None,
            Deed::Earned { .. }
            | Deed::Redeemed { .. }
            | Deed::Adjusted { .. }
            | Deed::Refused { .. }
            | Deed::Begun { .. }
            | Deed::GivenUp
            | Deed::Arrived { .. }
            | Deed::Transferred { .. }
            | Deed::CodeUsed { .. } => {}
            Deed::MerchantPut { .. }
            | Deed::StockPut { .. }
            | Deed::UnitsReleased
            | Deed::UnitsWanted { .. }
            | Deed::UnitsChanged { .. }
            | Deed::DayEnded { .. }
            | Deed::MerchantContracted { .. }
            | Deed::SettlementOpened { .. }
            | Deed::SettlementPublished { .. }
            | Deed::Settled { .. }
            | Deed::CorrectionPut { .. }
            | Deed::CorrectionDecided { .. }
            | Deed::PackBought { .. }
            | Deed::PrepaidAdded { .. }
            | Deed::Heard => panic!("{:?} is about no member", entry.deed),
        }
    }

    fn wallet_of(&mut self, at: MemberIndex, entry: &Entry) -> &mut Wallet {
        let after = entry
            .after
            .expect("an entry about points tells the balance");
        self.members.get_mut(at).wallet_mut(after.point_type)
    }

    fn apply_pending(&mut self, at: MemberIndex, entry: &Entry, releases_at: UnixMillis) {
        let one = entry.moves[0];
        self.wallet_of(at, entry).await_release(Pending {
            releases_at,
            earn: entry.seq,
            lot: one.lot,
            points: one.points,
        });
        self.due.matures(releases_at, at);
    }

    fn apply_lapse(&mut self, at: MemberIndex, entry: &Entry) {
        let closed = self.members.get(at).state() == MemberState::Closed;
        let wallet = self.wallet_of(at, entry);
        if closed {
            wallet.release(UnixMillis(u64::MAX));
        }
        let lapsed = entry.moves.iter().map(|one| one.lot.key.last_day).max();
        if let Some(last_day) = lapsed {
            wallet.forget_empty_until(last_day);
        }
    }

    fn apply_reversal(&mut self, at: MemberIndex, entry: &Entry, of: Seq, points: Points) {
        let pending = entry.moves.iter().find(|one| one.from == Account::Pending);
        if let Some(one) = pending {
            self.wallet_of(at, entry).take_pending(of, one.points);
        }
        self.reversals.add(of, points);
    }

    fn apply_capture(&mut self, at: MemberIndex, entry: &Entry, hold: Seq, open: bool) {
        let mut late = false;
        for m in &entry.moves {
            match (m.from, m.to) {
                (Account::Held, Account::Accepted(_)) => {
                    self.holds.capture(hold, m.lot.key, m.points);
                }
                (Account::Held, _) => self.holds.give_back(hold, m.lot.key, m.points),
                _ => {
                    late = true;
                    self.holds.capture_late(hold, m.points);
                }
            }
        }
        if !open && !late {
            self.holds
                .close(hold, HoldState::Captured, (entry.seq, entry.at));
            self.members.get_mut(at).open_holds -= 1;
        }
    }

    fn apply_end_of_hold(&mut self, at: MemberIndex, entry: &Entry, hold: Seq, state: HoldState) {
        for m in &entry.moves {
            self.holds.give_back(hold, m.lot.key, m.points);
        }
        self.holds.close(hold, state, (entry.seq, entry.at));
        self.members.get_mut(at).open_holds -= 1;
    }

    pub(super) fn apply_document(&mut self, entry: &Entry) -> ObjectKey {
        let Subject::Merchant(id) = &entry.subject else {
            panic!("a merchant's document is about a merchant");
        };
        let symbol = self
            .symbols
            .find(id.as_str())
            .expect("decided: the entry defines the merchant's symbol");
        match &entry.deed {
            Deed::MerchantPut { name, version, .. } => {
                self.merchants.put(symbol, id, name, *version);
            }
            Deed::MerchantContracted {
                name,
                version,
                from,
                contract,
                ..
            } => {
                self.merchants.put(symbol, id, name, *version);
                let merchant = self.merchants.get_mut(symbol).expect("just put");
                merchant.contracts = merchant.contracts.with(*from, contract);
            }
            // A version that was known already, or a pack.
            Deed::Heard | Deed::Begun { .. } | Deed::PackBought { .. } | Deed::Refused { .. } => {}
            other => panic!("{other:?} is not about a merchant"),
        }
        ObjectKey::document(symbol)
    }
}
