//! What must be true of all shards together, at a cut of which each link's messages are known.

use std::collections::BTreeMap;

use super::{Violation, holds};
use crate::{
    ledger::{
        command::Seq, errands::Pursuit, message::Message, state::Ledger, stocks::Stock,
        symbol::Symbol,
    },
    link,
    pool::{Phase, PoolMessage, ToHome, ToShard, Units},
};

/// Invariants 4, 6 and 8 over all shards, which must be there in their order, each with what it has and nothing less than its
/// senders know of: messages on their way are those that the receiver has not applied.
pub fn check_programme(ledgers: &[&Ledger]) -> Result<(), Violation> {
    for from in ledgers {
        for to in ledgers {
            let ends = ((from.shard, &from.links), (to.shard, &to.links));
            let fits = link::check(ends.0, ends.1);
            holds(6, fits.is_ok(), || match fits {
                Err(torn) => torn.to_string(),
                Ok(()) => String::new(),
            })?;
        }
    }
    for home in ledgers {
        for (sku, stock) in home.stocks.iter() {
            if stock.home.is_some() {
                check_pool(ledgers, home, sku, stock)?;
            }
        }
    }
    check_transit(ledgers)
}

/// The messages from one shard to another that were not applied.
fn on_the_way<'a>(
    from: &'a Ledger,
    to: &Ledger,
) -> impl Iterator<Item = &'a Message<Symbol>> + use<'a> {
    let applied = to.links.received(from.shard);
    let all = from.links.behind(to.shard, applied);
    all.map(|(_, sent)| &sent.message)
}

fn check_pool(
    ledgers: &[&Ledger],
    at_home: &Ledger,
    sku: Symbol,
    stock: &Stock,
) -> Result<(), Violation> {
    let Some(home) = &stock.home else {
        return Ok(());
    };
    let id = &stock.id;
    let mut tags = Units::ZERO;
    for ledger in ledgers {
        let share = ledger
            .pool(id.as_str())
            .map(|there| there.share.clone())
            .unwrap_or_default();
        let at = usize::from(ledger.shard.0);
        let has = share.reserved.plus(share.sold);
        if ledger.shard == at_home.shard {
            holds(4, has == home.out[at], || {
                format!(
                    "home's members have {has} of {id}, home counts {}",
                    home.out[at]
                )
            })?;
            continue;
        }
        let loose = Loose::of(at_home, ledger, (sku, stock));
        let there = has
            .plus(share.allotment)
            .plus(share.tagged)
            .plus(loose.units);
        holds(4, there == home.out[at], || {
            format!(
                "shard {} has {there} of {id} ({share:?}, {loose:?}), home counts {}",
                at, home.out[at]
            )
        })?;
        tags = tags.plus(share.tagged).plus(loose.tags);
        let closed = matches!(
            home.phases[at],
            Phase::Closed | Phase::Shut | Phase::Reopening
        );
        let free = share.allotment.plus(loose.extra);
        holds(4, !closed || free.is_zero(), || {
            format!("shard {at} is closed for {id} and has {free} on sale")
        })?;
        let marked = share.mark || loose.mark;
        let shut = matches!(home.phases[at], Phase::Shut | Phase::Reopening);
        holds(4, !marked || shut, || {
            format!(
                "shard {at} refuses {id}, and home does not know: {:?}",
                home.phases[at]
            )
        })?;
    }
    holds(4, tags == home.tags, || {
        format!("{tags} of {id} are tagged, home counts {}", home.tags)
    })
}

/// What of a pool is on the links between home and a shard.
#[derive(Debug, Default)]
struct Loose {
    /// All units.
    units: Units,
    /// Those that anybody may have when they arrive.
    extra: Units,
    /// Those granted to commands that home has not heard of since.
    tags: Units,
    /// Those that were called back.
    said: Units,
    mark: bool,
}

impl Loose {
    fn of(home: &Ledger, shard: &Ledger, (sku, stock): (Symbol, &Stock)) -> Self {
        let mut loose = Self::default();
        for message in on_the_way(home, shard) {
            let Message::Pool {
                pool,
                message: PoolMessage::ToShard(message),
            } = message
            else {
                continue;
            };
            if *pool == sku {
                loose.count_to_shard(message);
            }
        }
        let sku = shard.symbols.find(stock.id.as_str());
        for message in on_the_way(shard, home) {
            let Message::Pool {
                pool,
                message: PoolMessage::ToHome(message),
            } = message
            else {
                continue;
            };
            if Some(*pool) == sku {
                loose.count_to_home(message);
            }
        }
        loose
    }

    fn count_to_shard(&mut self, message: &ToShard) {
        match *message {
            ToShard::Grant {
                quantity, extra, ..
            } => {
                self.units = self.units.plus(quantity).plus(extra);
                self.extra = self.extra.plus(extra);
                self.tags = self.tags.plus(quantity);
            }
            ToShard::Allot { extra } => {
                self.units = self.units.plus(extra);
                self.extra = self.extra.plus(extra);
            }
            ToShard::No { mark, .. } => self.mark |= mark,
            ToShard::Recall { .. } => {}
        }
    }

    fn count_to_home(&mut self, message: &ToHome) {
        match *message {
            ToHome::Said { units, .. } => {
                self.units = self.units.plus(units);
                self.said = self.said.plus(units);
            }
            ToHome::Back { units } => self.units = self.units.plus(units),
            ToHome::Settled { quantity, used, .. } => {
                self.tags = self.tags.plus(quantity);
                if !used {
                    self.units = self.units.plus(quantity);
                }
            }
            ToHome::Ask { .. } => {}
        }
    }
}

/// How many units of a sale somebody can still get: at home, in allotments, on their way to or from them, or granted to commands
/// that may fail. `None` if nobody is home to it.
#[must_use]
pub fn on_sale(ledgers: &[&Ledger], name: &str) -> Option<Units> {
    let at_home = ledgers.iter().copied().find(|ledger| {
        let stock = ledger.pool(name);
        stock.is_some_and(|stock| stock.home.is_some())
    })?;
    let sku = at_home.symbols.find(name)?;
    let stock = at_home.stocks.get(sku)?;
    let home = stock.home.as_ref()?;
    let mut sum = home.here.plus(home.tags);
    for ledger in ledgers
        .iter()
        .filter(|ledger| ledger.shard != at_home.shard)
    {
        let there = ledger.pool(name).map(|stock| stock.share.allotment);
        let loose = Loose::of(at_home, ledger, (sku, stock));
        sum = sum
            .plus(there.unwrap_or_default())
            .plus(loose.extra)
            .plus(loose.said);
    }
    Some(sum)
}

/// Invariant 8: what went out and has not come in is what errands have sent and nobody has credited.
fn check_transit(ledgers: &[&Ledger]) -> Result<(), Violation> {
    let mut transit: BTreeMap<&str, i128> = BTreeMap::new();
    let wide = |points: u128| i128::try_from(points).unwrap_or(i128::MAX);
    for ledger in ledgers {
        for stripe in ledger.transit() {
            let name = ledger.symbols.name(stripe.point_type).as_str();
            *transit.entry(name).or_default() += wide(stripe.out) - wide(stripe.come);
        }
    }
    for ledger in ledgers {
        for (ticket, underway) in ledger.errands.iter() {
            if !matches!(underway.errand.pursuit, Pursuit::Transfer { .. })
                || is_credited(ledgers, ledger, ticket)
            {
                continue;
            }
            if let Some((point_type, shares)) = &underway.points {
                let name = ledger.symbols.name(*point_type).as_str();
                let sent: u128 = shares.iter().map(|one| u128::from(one.points.get())).sum();
                *transit.entry(name).or_default() -= wide(sent);
            }
        }
    }
    holds(8, transit.values().all(|left| *left == 0), || {
        format!("points on their way are off by {transit:?}")
    })
}

/// Whether word is on its way that the points have arrived.
fn is_credited(ledgers: &[&Ledger], to: &Ledger, ticket: Seq) -> bool {
    ledgers.iter().any(|from| {
        on_the_way(from, to)
            .any(|message| matches!(message, Message::Credited { ticket: t } if *t == ticket))
    })
}
