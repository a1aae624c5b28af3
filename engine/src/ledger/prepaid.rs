//! Points that merchants buy ahead, in packs: bought on shard 0, put into a pool of the merchant and the kind of points, and drawn from
//! it as they are given to members. One that is taken back goes back into the pool.
//!
//! Nothing is drawn that was not bought: with a contract that says so, points are given out only with units of the pool, in the same
//! entry. A shard that has none left asks the pool's home, as it does for what is sold.

use bincode::{BorrowDecode, Encode};

use super::{
    amount::{Fen, Points},
    command::{BuyPack, Earn},
    contract::{Billing, Contracts},
    decide::{Draft, Judged},
    entry::{Deed, Entry},
    errands::Pursuit,
    members::MemberIndex,
    message::{Message, Sent},
    pool_id::PrepaidId,
    refusal::{Code, Objections, Reason, Refusal},
    state::Ledger,
    stocks::Cover,
    symbol::Symbol,
    time::Day,
};
use crate::pool::{Place, ToHome, Units};

/// Points that somebody bought ahead.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct PackBought {
    /// Who bought.
    pub merchant: Symbol,
    /// Which kind.
    pub point_type: Symbol,
    /// How many.
    pub points: Units,
    /// For how much in all.
    pub price: Fen,
    /// On which day that was asked for, and so in which period it is billed.
    pub day: Day,
}

/// What an entry draws from bought points, or puts back.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Drawn {
    /// From which pool.
    pub pool: Symbol,
    /// How many.
    pub points: Units,
    /// Where they come from, or go to.
    pub place: Place,
    /// Whether they are put back.
    pub back: bool,
}

/// On how many days from today on billing stays as it is: every shard hears of a contract before it has to draw by it.
const NOTICE_DAYS: u32 = 2;

impl Ledger {
    pub(super) fn judge_buy_pack(&self, draft: &mut Draft<'_>, buy: &BuyPack) -> Judged {
        let mut objections = Objections::default();
        let merchant = objections.note(self.merchant_symbol(&buy.merchant));
        let kind = self.rules.kind(&buy.point_type);
        objections.note(kind.ok_or(Code::UnknownPointType));
        let merchant = objections.none_but(merchant)?;
        let point_type = draft.naming.symbol(buy.point_type.as_str());
        let id = PrepaidId::new(&buy.merchant, &buy.point_type);
        let same = |one: &&PackBought| (one.merchant, one.point_type) == (merchant, point_type);
        let bought = self.clearing.packs.iter().filter(same);
        let bought: u64 = bought.map(|one| one.points.get()).sum();
        if Units::new(bought).is_none_or(|all| all.checked_add(buy.points).is_none()) {
            let room = Units::MAX.get().saturating_sub(bought);
            let asked = buy.points.get();
            return Err(Reason::measured(Code::MemberLimitReached, room, asked).into());
        }
        let pool = draft.naming.symbol(id.as_str());
        draft.course().sent.push(Sent {
            to: self.rules.router.pool(id.as_str()),
            message: Message::Prepaid {
                ticket: self.last_seq().next(),
                pool,
                points: buy.points,
            },
        });
        let pack = PackBought {
            merchant,
            point_type,
            points: buy.points,
            price: buy.price,
            day: self.day_of(draft.at),
        };
        Ok(draft.begin(Pursuit::BuyPack { pack }))
    }

    /// Draws the points of an earn, whose merchant has to have bought them. `Some` ends the decision: somebody has to be asked.
    pub(super) fn draw(&self, draft: &mut Draft<'_>, earn: &Earn) -> Result<Option<Deed>, Refusal> {
        let id = PrepaidId::new(&earn.merchant, &earn.point_type);
        let points = units(earn.points);
        let known = self.symbols.find(id.as_str());
        let stock = known.and_then(|pool| self.stocks.get(pool));
        let home = self.rules.router.pool(id.as_str());
        let cover = match stock {
            Some(stock) => stock.cover(points),
            // Where the pool would be nothing was ever bought.
            None if home == self.shard => Cover::SoldOut,
            None => Cover::Ask,
        };
        let pool = draft.naming.symbol(id.as_str());
        match cover {
            Cover::Here(place) => {
                draft.course().drawn = Some(Drawn {
                    pool,
                    points,
                    place,
                    back: false,
                });
                Ok(None)
            }
            Cover::SoldOut => Err(Code::PackExhausted.into()),
            // Unlike units of a sale, nobody has a limit of these: of one member several may wait.
            Cover::Ask => {
                if let Some(stock) = stock {
                    self.may_wait(stock)?;
                }
                if home != self.shard {
                    let ticket = self.last_seq().next();
                    let quantity = points;
                    draft.tell_home(home, pool, ToHome::Ask { ticket, quantity });
                }
                Ok(Some(draft.begin(Pursuit::Earn {
                    earn: Box::new(earn.clone()),
                    pool,
                })))
            }
        }
    }

    /// The second look at an earn whose points were granted. If the merchant need not have bought them any more, they go back.
    pub(super) fn judge_granted_earn(
        &self,
        draft: &mut Draft<'_>,
        at: MemberIndex,
        (earn, pool): (&Earn, Symbol),
        place: Place,
    ) -> Judged {
        let lot = self.earnable(draft, at, earn)?;
        if self.is_prepaid(draft, lot.key.issuer) {
            draft.course().drawn = Some(Drawn {
                pool,
                points: units(earn.points),
                place,
                back: false,
            });
        }
        Ok(self.issue(draft, at, lot, earn))
    }

    /// Puts back what an earn drew, as far as it is taken back.
    pub(super) fn put_back(&self, draft: &mut Draft<'_>, original: &Entry, points: Points) {
        let drawn = original.course.as_ref().and_then(|course| course.drawn);
        if let Some(Drawn { pool, .. }) = drawn {
            let points = units(points);
            let place = self.give_back(draft, pool, points);
            draft.course().drawn = Some(Drawn {
                pool,
                points,
                place,
                back: true,
            });
        }
    }

    /// Whether a merchant gives out only points that it bought.
    pub(super) fn is_prepaid(&self, draft: &Draft<'_>, merchant: Symbol) -> bool {
        let contracts = self.merchants.get(merchant).map(|one| &one.contracts);
        // Nearly no contract says so, and the day costs something.
        contracts.is_some_and(|contracts| {
            contracts
                .iter()
                .any(|(_, one)| one.billing == Billing::Prepaid)
                && is_prepaid_on(contracts, self.day_of(draft.at))
        })
    }

    /// Whether points are drawn from packs on the same days as before, up to the day from which on that may change: points that
    /// were given out cannot be drawn later, and what was drawn cannot be billed again.
    pub(super) fn may_bill(
        &self,
        draft: &Draft<'_>,
        (before, after): (&Contracts, &Contracts),
    ) -> Result<(), Refusal> {
        let today = self.day_of(draft.at);
        let number = |day: Day| day.days_since_1970().unwrap_or(u32::MAX);
        let free = number(today).saturating_add(NOTICE_DAYS);
        let boundaries = before.iter().chain(after.iter()).map(|(from, _)| from);
        let mut fixed = boundaries.filter(|day| number(*day) < free);
        if fixed.all(|day| is_prepaid_on(before, day) == is_prepaid_on(after, day)) {
            return Ok(());
        }
        let from = Day::new(free.saturating_sub(1));
        Err(Reason {
            frees_at: from.and_then(|before| self.rules.end_of(before)),
            ..Reason::plain(Code::PrepaidTooSoon)
        }
        .into())
    }
}

fn is_prepaid_on(contracts: &Contracts, day: Day) -> bool {
    let contract = contracts.on(day);
    contract.is_some_and(|contract| contract.billing == Billing::Prepaid)
}

/// As many units as points: both are below 2^53.
pub(super) fn units(points: Points) -> Units {
    Units::new(points.get()).expect("bounded alike")
}
