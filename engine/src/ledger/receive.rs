//! What a shard makes of a message from another.

use super::{
    command::{CommandKind, Seq, ShardIndex},
    decide::Draft,
    entry::{Deed, Entry, Subject},
    errands::Pursuit,
    id::MerchantId,
    message::{Message, Receipt, Spelled},
    pool_id::PoolId,
    refusal::{Code, Reason},
    state::Ledger,
    symbol::Symbol,
    time::UnixMillis,
    transfer::Arriving,
};
use crate::{
    link::Turnout,
    pool::{Place, PoolMessage, ToShard, Units},
};

/// A message as it comes.
#[derive(Clone, Copy, Debug)]
pub struct Incoming<'a> {
    /// From which shard.
    pub from: ShardIndex,
    /// Its number on that link.
    pub number: u64,
    /// When it was sent.
    pub at: UnixMillis,
    /// What it says.
    pub message: &'a Spelled,
}

/// What is to be done with a message.
#[derive(Clone, Debug)]
#[allow(
    clippy::large_enum_variant,
    reason = "nearly every message makes an entry, and none is stored"
)]
pub enum Taken {
    /// To be applied and journaled; then the message is to be handed in again. Time has done something first.
    First(Entry),
    /// To be applied and journaled.
    Record(Entry),
    /// It was applied before.
    Known,
    /// One in front of it is missing; it will come again.
    TooEarly,
}

impl Ledger {
    /// Decides what a message does. The same state, time and message give the same decision.
    #[must_use]
    pub fn decide_received(&self, now: UnixMillis, incoming: Incoming<'_>) -> Taken {
        match self.links.turnout(incoming.from, incoming.number) {
            Turnout::Known => return Taken::Known,
            Turnout::TooEarly => return Taken::TooEarly,
            Turnout::Next => {}
        }
        let at = now.max(incoming.at).max(self.last_at());
        let mut draft = Draft::new(self, at);
        draft.course().received = Some(Receipt {
            from: incoming.from,
            number: incoming.number,
            acknowledged: self.links.acknowledged(incoming.from),
            pool: None,
        });
        let message = incoming.message.map(|name| draft.naming.symbol(name));
        let entry = self.take(draft, incoming, message);
        // What is due of a member comes first, and takes in nothing.
        if entry
            .course
            .as_ref()
            .is_some_and(|course| course.received.is_some())
        {
            Taken::Record(entry)
        } else {
            Taken::First(entry)
        }
    }

    fn take(
        &self,
        mut draft: Draft<'_>,
        incoming: Incoming<'_>,
        message: Message<Symbol>,
    ) -> Entry {
        let from = incoming.from;
        match message {
            Message::Pool { pool, message } => {
                let Spelled::Pool { pool: name, .. } = incoming.message else {
                    unreachable!("the same message with its names spelled out");
                };
                self.take_of_pool(draft, from, (pool, name), message)
            }
            Message::Merchant { name, version, .. } => {
                let Spelled::Merchant { merchant, .. } = incoming.message else {
                    unreachable!("the same message with its names spelled out");
                };
                let id = MerchantId::new(merchant).expect("checked where it came in");
                let newer = self
                    .merchant(&id)
                    .is_none_or(|known| known.version < version);
                let deed = if newer {
                    let changed = true;
                    Deed::MerchantPut {
                        name,
                        version,
                        changed,
                    }
                } else {
                    Deed::Heard
                };
                self.finish_by(draft, None, Subject::Merchant(id), None, deed)
            }
            Message::Stock {
                sku,
                terms,
                version,
                home,
                opening,
            } => {
                let shards = self.rules.router.shards();
                let deed = Deed::StockPut {
                    terms: Box::new(terms),
                    version,
                    changed: true,
                    home,
                    opening: opening.map(|units| (units, shards)),
                };
                let subject = draft.stock(sku);
                self.finish_by(draft, None, subject, None, deed)
            }
            Message::SetUnits { ticket, sku, units } => {
                let deed = self.judge_set_units(&mut draft, sku, units, (from, ticket));
                let subject = draft.stock(sku);
                self.finish_by(draft, None, subject, None, deed)
            }
            Message::UnitsSet {
                ticket,
                sku,
                done,
                changed,
            } => self.units_set(draft, sku, ticket, done, changed),
            Message::Transfer {
                ticket,
                from: sender,
                to,
                point_type,
                lots,
            } => {
                let arriving = Arriving {
                    ticket,
                    from: &sender,
                    to: &to,
                    point_type,
                    lots,
                };
                self.arrive(draft, from, &arriving)
            }
            Message::Credited { ticket } => self.credited(draft, ticket),
            Message::Returned { ticket, code } => {
                let underway = self.errands.get(ticket).expect("returned to an errand");
                match underway.errand.pursuit {
                    // Others are changing the pool's units: the document stays as it is.
                    Pursuit::PutStock { .. } => self.give_up_errand(draft, ticket),
                    _ => self.returned(draft, ticket, code),
                }
            }
            Message::Contract {
                merchant,
                name,
                version,
                from,
                contract,
            } => {
                let id = MerchantId::new(draft.naming.name(merchant));
                let id = id.expect("checked where it came in");
                let known = self.merchant(&id);
                let deed = if known.is_none_or(|known| known.version < version) {
                    Deed::MerchantContracted {
                        name,
                        version,
                        changed: true,
                        from,
                        contract,
                    }
                } else {
                    Deed::Heard
                };
                self.finish_by(draft, None, Subject::Merchant(id), None, deed)
            }
            Message::Prepaid {
                ticket,
                pool,
                points,
            } => {
                let deed = Deed::PrepaidAdded {
                    points,
                    shard: from,
                    ticket,
                };
                let id = PoolId::parse(draft.naming.name(pool)).expect("checked where it came in");
                self.finish_by(draft, None, id.subject(), None, deed)
            }
            Message::Settled { until } => {
                self.finish_by(draft, None, Subject::Nobody, None, Deed::Settled { until })
            }
        }
    }

    fn take_of_pool(
        &self,
        mut draft: Draft<'_>,
        from: ShardIndex,
        (pool, name): (Symbol, &str),
        message: PoolMessage,
    ) -> Entry {
        if let Some(received) = &mut draft.course().received {
            received.pool = Some((pool, message));
        }
        match message {
            PoolMessage::ToShard(ToShard::Grant { ticket, .. }) => {
                return self.granted(draft, ticket, Place::Tag);
            }
            PoolMessage::ToShard(ToShard::No { ticket, .. }) => {
                return self.not_granted(draft, ticket);
            }
            PoolMessage::ToShard(message) => {
                let share = self.stocks.get(pool).map(|stock| &stock.share);
                if let Some(said) = share.cloned().unwrap_or_default().answer(&message) {
                    draft.tell_home(from, pool, said);
                }
            }
            PoolMessage::ToHome(_) => {}
        }
        let id = PoolId::parse(name).expect("checked where it came in");
        self.finish_by(draft, None, id.subject(), None, Deed::Heard)
    }

    /// Shard 0 hears whether the pool has the units that its document names.
    fn units_set(
        &self,
        mut draft: Draft<'_>,
        sku: Symbol,
        ticket: Seq,
        done: bool,
        changed: bool,
    ) -> Entry {
        let underway = self
            .errands
            .get(ticket)
            .expect("units were wanted by an errand");
        if let Pursuit::BuyPack { pack } = underway.errand.pursuit {
            return self.end_errand(draft, ticket, Deed::PackBought { pack });
        }
        let Pursuit::PutStock { terms, units } = &underway.errand.pursuit else {
            panic!("only documents and packs want units over a link");
        };
        if !done {
            let refusal = Reason {
                requested: Some(Units::get(*units)),
                ..Reason::plain(Code::ExceedsStock)
            };
            let deed = Deed::Refused {
                command: CommandKind::PutStock,
                refusal: refusal.into(),
            };
            return self.end_errand(draft, ticket, deed);
        }
        let known = self.stocks.get(sku).and_then(|one| one.document.as_ref());
        let known = known.expect("only a known sale's units are changed");
        let new_terms = known.terms != *terms;
        let version = (known.version + u64::from(new_terms), new_terms);
        let home = known.home;
        let mut deed = self.stock_put(&mut draft, sku, terms.clone(), version, home, None);
        if let Deed::StockPut { changed: told, .. } = &mut deed {
            *told |= changed;
        }
        self.end_errand(draft, ticket, deed)
    }
}

impl Draft<'_> {
    fn stock(&self, sku: Symbol) -> Subject {
        stock_named(self.naming.name(sku))
    }
}

fn stock_named(name: &str) -> Subject {
    let id = super::id::SkuId::new(name).expect("checked where it came in");
    Subject::Stock(id)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]
mod tests {
    use super::*;
    use crate::{
        Router,
        ledger::{
            ChangeUnits, Command, Decision, Direction, Facts, Points, Principal, Request,
            RequestId, Rules, SkuId, message::Terms,
        },
        pool::{Home, Phase, ToHome},
    };

    const NOW: UnixMillis = UnixMillis(1_000_000);
    const SHARDS: u16 = 4;

    fn apply(ledger: &mut Ledger, entry: &Entry) {
        let mut scratch = vec![0; Entry::BYTES_MAX];
        let record = entry.encode(&mut scratch).to_vec();
        ledger.apply(entry, &record);
    }

    fn hear(ledger: &mut Ledger, from: ShardIndex, message: &Spelled) {
        let number = ledger.links().received(from) + 1;
        let incoming = Incoming {
            from,
            number,
            at: NOW,
            message,
        };
        let Taken::Record(entry) = ledger.decide_received(NOW, incoming) else {
            panic!("it is the next one, and nothing is due");
        };
        apply(ledger, &entry);
    }

    fn serve(ledger: &mut Ledger) {
        while let Some(entry) = ledger.decide_served(NOW) {
            apply(ledger, &entry);
        }
    }

    /// A shard that has a sale's home, which one it is, and the document, which gives the sale 100 units.
    fn home_of_a_sale() -> (Ledger, ShardIndex, Spelled) {
        let router = Router::new(SHARDS, 1).unwrap();
        let home = router.pool("cup");
        let rules = Rules {
            router,
            ..Rules::default()
        };
        let document = Spelled::Stock {
            sku: "cup".into(),
            terms: Terms {
                merchant: "m".into(),
                point_type: "points".into(),
                price: Points::new(10).unwrap(),
                per_member_limit: None,
                opens_at: None,
                closes_at: None,
                ttl_seconds: 900,
            },
            version: 1,
            home,
            opening: Units::new(100),
        };
        (Ledger::new(home, rules), home, document)
    }

    fn pool(ledger: &Ledger) -> Home {
        *ledger.pool("cup").unwrap().home.clone().unwrap()
    }

    /// Goal: whoever asks for units before home has heard of the sale waits, and gets them. Method: what a restart may let
    /// arrive first, a shard's question before the document of shard 0.
    #[test]
    fn who_asks_before_the_sale_is_known_waits_for_it() {
        let (mut ledger, home, document) = home_of_a_sale();
        let asking = ShardIndex((home.0 + 1) % SHARDS);
        let quantity = Units::new(2).unwrap();
        let ask = ToHome::Ask {
            ticket: Seq(7),
            quantity,
        };
        let ask = Spelled::Pool {
            pool: "cup".into(),
            message: PoolMessage::ToHome(ask),
        };
        hear(&mut ledger, asking, &ask);
        serve(&mut ledger);
        assert_eq!(pool(&ledger).queue.len(), 1);
        let shard_0 = ShardIndex(if home.0 == 0 { 1 } else { 0 });
        hear(&mut ledger, shard_0, &document);
        serve(&mut ledger);
        let pool = pool(&ledger);
        assert_eq!(pool.total.get(), 100);
        assert!(pool.queue.is_empty());
        assert_eq!(pool.tags, quantity);
        assert_eq!(pool.phases[usize::from(asking.0)], Phase::Open);
        let elsewhere = pool.outside().get();
        assert_eq!(pool.here.get() + elsewhere, 100);
    }

    /// Goal: a document never counts on a withdrawal that may yet be refused. Method: home is told to have 50 units while the
    /// operator waits to take out 90 of 100, of which the shards may hold most.
    #[test]
    fn a_document_is_put_off_while_units_are_being_withdrawn() {
        let (mut ledger, home, document) = home_of_a_sale();
        let shard_0 = ShardIndex(if home.0 == 0 { 1 } else { 0 });
        hear(&mut ledger, shard_0, &document);
        serve(&mut ledger);
        let withdrawal = Request::new(
            Principal::new("operator").unwrap(),
            RequestId::new("w").unwrap(),
            Command::ChangeUnits(ChangeUnits {
                sku: SkuId::new("cup").unwrap(),
                direction: Direction::Down,
                units: Units::new(90).unwrap(),
            }),
            None,
            None,
        );
        let Decision::Begin(begun) = ledger.decide(NOW, &withdrawal, &Facts::default()) else {
            panic!("it waits for the shards' units");
        };
        apply(&mut ledger, &begun);
        serve(&mut ledger);
        assert!(pool(&ledger).may_shrink());

        let set = Spelled::SetUnits {
            ticket: Seq(9),
            sku: "cup".into(),
            units: Units::new(50).unwrap(),
        };
        hear(&mut ledger, shard_0, &set);
        serve(&mut ledger);
        let put_off = Message::Returned {
            ticket: Seq(9),
            code: Code::RequestInFlight,
        };
        let sent = ledger.parcel(shard_0, 0).messages;
        assert!(sent.iter().any(|(_, message)| *message == put_off));
        let pool = pool(&ledger);
        assert_eq!((pool.total.get(), pool.queue.len()), (100, 1));
        assert!(pool.restocks.is_empty());
    }
}
