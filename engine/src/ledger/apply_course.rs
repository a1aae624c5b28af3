//! What entries do beyond their own shard: messages, errands, and the units of sales.

use super::{
    command::{Seq, ShardIndex},
    entry::{Deed, Entry, Subject},
    errands::{Errand, Pursuit, Underway},
    members::MemberIndex,
    message::{Course, Message, Receipt, Terms},
    pool_id::PoolId,
    prepaid::Drawn,
    requests::ObjectKey,
    state::Ledger,
    stocks::StockDocument,
    symbol::Symbol,
    wallet::Share,
};
use crate::pool::{Asker, Home, PoolMessage, ToShard, Units};

impl Ledger {
    /// First what came, then what goes.
    pub(super) fn apply_course(&mut self, entry: &Entry, course: &Course) {
        if let Some(received) = &course.received {
            self.apply_received(received);
        }
        for sent in &course.sent {
            match &sent.message {
                Message::Pool { pool, message } => {
                    let stock = self.stirred(*pool);
                    match (message, &mut stock.home) {
                        (PoolMessage::ToShard(message), Some(home)) => {
                            if home.is_shut(sent.to) && matches!(message, ToShard::Recall { .. }) {
                                stock.reopened_at = entry.at;
                            }
                            home.tell(sent.to, message);
                        }
                        (message, _) => stock.share.tell(message),
                    }
                }
                Message::UnitsSet { ticket, sku, .. } => {
                    if let Some(stock) = self.stocks.get_mut(*sku)
                        && let Some(home) = &mut stock.home
                    {
                        home.leave(Asker::Operator(sent.to, *ticket));
                    }
                }
                _ => {}
            }
            self.links.send(sent.to, entry.at, sent.message.clone());
        }
        if let Some(carried) = &course.carried {
            let others = (0..carried.shards).map(ShardIndex);
            for to in others.filter(|to| *to != self.shard) {
                self.links.send(to, entry.at, carried.message.clone());
            }
        }
    }

    fn apply_received(&mut self, received: &Receipt) {
        self.links.receive(received.from, received.number);
        self.links.acknowledge(received.from, received.acknowledged);
        let Some((pool, message)) = &received.pool else {
            return;
        };
        let (shard, shards) = (self.shard, self.rules.router.shards());
        let stock = self.stirred(*pool);
        match message {
            PoolMessage::ToHome(message) => {
                // After a restart whoever asks may be heard before the document that says what is on sale.
                let early = || Box::new(Home::new(shard, shards, Units::ZERO));
                let home = stock.home.get_or_insert_with(early);
                home.hear(received.from, message);
            }
            PoolMessage::ToShard(message) => stock.share.hear(message),
        }
    }

    pub(super) fn apply_begun(&mut self, object: ObjectKey, entry: &Entry, errand: &Errand) {
        let shares = entry.moves.iter().map(|m| Share {
            lot: m.lot,
            points: m.points,
        });
        let points = match &errand.pursuit {
            Pursuit::Transfer { day, .. } => {
                let point_type = entry
                    .after
                    .expect("a transfer tells the balance")
                    .point_type;
                let shares: Vec<Share> = shares.collect();
                for share in &shares {
                    let member = object.as_member();
                    self.transit.send(*day, member, point_type, share.points);
                }
                Some((point_type, shares))
            }
            _ => None,
        };
        let underway = Underway {
            errand: errand.clone(),
            subject: entry.subject.clone(),
            object: object.0,
            points,
        };
        self.begin_waiting(entry.seq, entry, &underway);
        self.errands.begin(entry.seq, underway);
    }

    fn begin_waiting(&mut self, ticket: Seq, entry: &Entry, underway: &Underway) {
        let shard = self.shard;
        if let Some((sku, quantity)) = underway.pool() {
            let stock = self.stirred(sku);
            stock.waiting += 1;
            if let Some(home) = &mut stock.home {
                home.wait(Asker::Own(ticket), quantity);
            }
        }
        if let Pursuit::BuyPack { pack } = underway.errand.pursuit {
            self.clearing.packs.push(pack);
        }
        if let (Pursuit::ChangeUnits { more, units }, Subject::Stock(id)) =
            (&underway.errand.pursuit, &entry.subject)
        {
            let sku = self.symbols.find(id.as_str());
            let home = sku.map(|sku| self.stocks.know(sku, id.as_str()));
            if let Some(home) = home.and_then(|stock| stock.home.as_mut()) {
                if *more {
                    home.restock(*units, shard, ticket);
                } else {
                    home.wait(Asker::Operator(shard, ticket), *units);
                }
            }
        }
    }

    /// Lets go of an errand. Whoever of home's own waits in its queue, waits no longer.
    pub(super) fn apply_end_of_errand(&mut self, ticket: Seq, entry: &Entry) {
        let Some(ended) = self.errands.end(ticket) else {
            return;
        };
        let shard = self.shard;
        let sku = match &ended.subject {
            Subject::Stock(id) => self.symbols.find(id.as_str()),
            _ => ended.pool().map(|(sku, _)| sku),
        };
        if let Some(sku) = sku {
            let stock = self.stirred(sku);
            stock.waiting -= u32::from(ended.pool().is_some());
            if let Some(home) = &mut stock.home {
                home.leave(Asker::Own(ticket));
                home.leave(Asker::Operator(shard, ticket));
            }
        }
        let came_back = matches!(entry.deed, Deed::Refused { .. });
        if let (Pursuit::Transfer { day, .. }, Some((point_type, shares)), true) =
            (&ended.errand.pursuit, &ended.points, came_back)
        {
            let at = ObjectKey(ended.object).as_member();
            for share in shares {
                self.transit.unsend(*day, at, *point_type, share.points);
            }
        }
    }

    pub(super) fn apply_stock(&mut self, entry: &Entry, id: &str) -> ObjectKey {
        let sku = self
            .symbols
            .find(id)
            .expect("decided: the entry defines the sale's symbol");
        let shard = self.shard;
        let stock = self.stirred(sku);
        match &entry.deed {
            Deed::StockPut {
                terms,
                version,
                home,
                opening,
                ..
            } => {
                let known = stock.document.as_ref().map_or(0, |one| one.version);
                if *version > known {
                    stock.document = Some(StockDocument {
                        terms: Terms::clone(terms),
                        version: *version,
                        home: *home,
                    });
                }
                if let Some((units, shards)) = opening
                    && *home == shard
                {
                    match &mut stock.home {
                        None => stock.home = Some(Box::new(Home::new(shard, *shards, *units))),
                        Some(early) if known == 0 => early.stock_up(*units),
                        Some(_) => {}
                    }
                }
            }
            Deed::UnitsReleased => stock.home_mut().release(),
            Deed::UnitsWanted {
                more,
                units,
                shard,
                ticket,
            } => {
                if *more {
                    stock.home_mut().restock(*units, *shard, *ticket);
                } else {
                    stock
                        .home_mut()
                        .wait(Asker::Operator(*shard, *ticket), *units);
                }
            }
            Deed::UnitsChanged {
                more,
                units,
                shard,
                ticket,
            } => {
                if *more {
                    stock.home_mut().restocked(*shard, *ticket);
                } else {
                    stock.home_mut().withdraw(*units, *shard, *ticket);
                }
            }
            Deed::PrepaidAdded {
                points,
                shard,
                ticket,
            } => stock.home_mut().restock(*points, *shard, *ticket),
            Deed::Heard | Deed::Begun { .. } | Deed::GivenUp | Deed::Refused { .. } => {}
            other => panic!("{other:?} is not about a pool"),
        }
        ObjectKey::stock(sku)
    }

    /// What an entry about a member does to the units of a sale.
    pub(super) fn apply_units(&mut self, at: MemberIndex, entry: &Entry) {
        if let Some(drawn) = entry.course.as_ref().and_then(|course| course.drawn) {
            let Drawn { points, place, .. } = drawn;
            if drawn.back {
                self.stirred(drawn.pool).unsell(points, place);
            } else {
                let stock = self.stock_of(drawn.pool);
                stock.take(points, place);
                stock.share.sell(points);
            }
        }
        match entry.deed {
            Deed::Reserved {
                sku,
                quantity,
                from,
                ..
            } => {
                self.stock_of(sku).take(quantity, from);
                self.stocks.buy(sku, at, quantity);
            }
            Deed::Confirmed {
                reservation,
                sku,
                quantity,
                late,
                secret,
            } => {
                if let Some(from) = late {
                    self.stock_of(sku).take(quantity, from);
                    self.stocks.buy(sku, at, quantity);
                }
                self.stock_of(sku).share.sell(quantity);
                let what = (reservation, sku, quantity);
                self.stocks.sold.sell(entry.seq, at, what, secret);
            }
            Deed::Cancelled {
                sku, quantity, to, ..
            }
            | Deed::Lost {
                sku, quantity, to, ..
            } => {
                self.stirred(sku).free(quantity, to);
                self.stocks.unbuy(sku, at, quantity);
            }
            Deed::Unsold {
                transaction,
                revoked,
                units,
                ..
            } => {
                if let Some((sku, quantity, to)) = units {
                    self.stirred(sku).unsell(quantity, to);
                    self.stocks.unbuy(sku, at, quantity);
                }
                let returned = units.is_some();
                self.stocks.sold.take_back(transaction, revoked, returned);
            }
            Deed::CodeUsed { sale, unit } => self.stocks.sold.use_code(sale, unit),
            _ => {}
        }
    }

    fn stock_of(&mut self, sku: Symbol) -> &mut super::stocks::Stock {
        self.stocks
            .get_mut(sku)
            .expect("decided: the pool is known")
    }

    /// The same, where home may have to do something about it. A pool of bought points is there from its first mention on: whoever
    /// asks for some must be answered, also where none were ever bought.
    fn stirred(&mut self, pool: Symbol) -> &mut super::stocks::Stock {
        let name = self.symbols.name(pool).clone();
        let (shard, router) = (self.shard, &self.rules.router);
        let stock = self.stocks.know(pool, &name);
        if stock.home.is_none()
            && matches!(stock.id, PoolId::Prepaid(_))
            && router.pool(&name) == shard
        {
            let home = Home::new(shard, router.shards(), Units::ZERO);
            stock.home = Some(Box::new(home));
        }
        stock
    }
}
