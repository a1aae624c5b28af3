//! Sales as documents: made and changed on shard 0, and the operator's changes to their units at the pool's home.

use super::{
    command::{ChangeUnits, Direction, PutStock, Seq, ShardIndex},
    decide::{Draft, Judged},
    entry::Deed,
    errands::Pursuit,
    message::{Carried, Message, Sent, Terms},
    refusal::{Code, Objections},
    requests::ObjectKey,
    state::Ledger,
    symbol::Symbol,
};
use crate::pool::Units;

impl Ledger {
    pub(super) fn judge_put_stock(&self, draft: &mut Draft<'_>, put: &PutStock) -> Judged {
        let mut objections = Objections::default();
        let merchant = objections.note(self.merchant_symbol(&put.merchant));
        let kind = self.rules.kind(&put.point_type);
        objections.note(kind.ok_or(Code::UnknownPointType));
        let (Some(merchant), true) = (merchant, objections.is_empty()) else {
            return Err(objections.into_refusal());
        };
        let sku = draft.naming.symbol(put.sku.as_str());
        let terms = Terms {
            merchant,
            point_type: draft.naming.symbol(put.point_type.as_str()),
            price: put.price,
            per_member_limit: put.per_member_limit,
            opens_at: put.opens_at,
            closes_at: put.closes_at,
            ttl_seconds: put.ttl_seconds,
        };
        let known = self.stocks.get(sku).and_then(|one| one.document.as_ref());
        let Some(known) = known else {
            let home = self.rules.router.pool(put.sku.as_str());
            let opening = Some(put.units);
            return Ok(self.stock_put(draft, sku, terms, (1, true), home, opening));
        };
        let mut underway = self.errands.of(ObjectKey::stock(sku));
        if underway.any(|(_, one)| matches!(one.errand.pursuit, Pursuit::PutStock { .. })) {
            // Two at once would each take the difference to the same total.
            return Err(Code::RequestInFlight.into());
        }
        draft.course().sent.push(Sent {
            to: known.home,
            message: Message::SetUnits {
                ticket: self.last_seq().next(),
                sku,
                units: put.units,
            },
        });
        Ok(draft.begin(Pursuit::PutStock {
            terms,
            units: put.units,
        }))
    }

    /// Puts a version of the document, and carries it to all other shards if it is new.
    pub(super) fn stock_put(
        &self,
        draft: &mut Draft<'_>,
        sku: Symbol,
        terms: Terms<Symbol>,
        (version, changed): (u64, bool),
        home: ShardIndex,
        opening: Option<Units>,
    ) -> Deed {
        let shards = self.rules.router.shards();
        if changed {
            self.carry(
                draft,
                Message::Stock {
                    sku,
                    terms: terms.clone(),
                    version,
                    home,
                    opening,
                },
            );
        }
        Deed::StockPut {
            terms: Box::new(terms),
            version,
            changed,
            home,
            opening: opening.map(|units| (units, shards)),
        }
    }

    /// Has a document carried to all other shards, if there are any.
    pub(super) fn carry(&self, draft: &mut Draft<'_>, message: Message<Symbol>) {
        let shards = self.rules.router.shards();
        if shards > 1 {
            draft.course().carried = Some(Carried { shards, message });
        }
    }

    pub(super) fn judge_change_units(&self, draft: &mut Draft<'_>, change: &ChangeUnits) -> Judged {
        let sku = self.symbols.find(change.sku.as_str());
        let stock = sku.and_then(|sku| self.stocks.get(sku));
        let stock = stock.filter(|stock| !stock.is_unheard_of());
        let home = stock.and_then(|stock| stock.home.as_ref());
        let home = home.ok_or(Code::SkuNotFound)?;
        let more = change.direction == Direction::Up;
        if more && home.total.checked_add(change.units).is_none() {
            return Err(Code::ExceedsStock.into());
        }
        Ok(draft.begin(Pursuit::ChangeUnits {
            more,
            units: change.units,
        }))
    }

    /// What home does when shard 0 wants a pool to have so many units.
    pub(super) fn judge_set_units(
        &self,
        draft: &mut Draft<'_>,
        sku: Symbol,
        units: Units,
        (shard, ticket): (ShardIndex, Seq),
    ) -> Deed {
        let home = self.stocks.get(sku).and_then(|stock| stock.home.as_ref());
        if home.is_some_and(|home| home.may_shrink()) {
            // The difference to what there is may be another one than the difference to what there will be.
            draft.course().sent.push(Sent {
                to: shard,
                message: Message::Returned {
                    ticket,
                    code: Code::RequestInFlight,
                },
            });
            return Deed::Heard;
        }
        let total = home.map_or(units, |home| home.total);
        if total == units {
            draft.answer_units(sku, (shard, ticket), true, false);
            return Deed::Heard;
        }
        let more = units > total;
        let by = if more {
            units.minus(total)
        } else {
            total.minus(units)
        };
        Deed::UnitsWanted {
            more,
            units: by,
            shard,
            ticket,
        }
    }
}

impl Draft<'_> {
    /// Tells shard 0 what became of the units that it wanted.
    pub(super) fn answer_units(
        &mut self,
        sku: Symbol,
        (to, ticket): (ShardIndex, Seq),
        done: bool,
        changed: bool,
    ) {
        self.course().sent.push(Sent {
            to,
            message: Message::UnitsSet {
                ticket,
                sku,
                done,
                changed,
            },
        });
    }
}
