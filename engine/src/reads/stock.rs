//! What can be read of sales: their units over all shards, reservations, and the codes of sold units.

use compact_str::CompactString;

use crate::{
    engine::Engine,
    error::EngineError,
    ledger::{
        Code, HoldState, Ledger, MemberId, Message, Points, ReservationId, ShardIndex, SkuId,
        SoldCode, Terms, UnixMillis,
    },
    pool::{PoolMessage, ToHome, Units},
    router::Router,
};

/// Where a sale stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SaleState {
    /// It has not begun.
    Scheduled,
    /// Units can be reserved.
    Open,
    /// None is on sale now.
    SoldOut,
    /// It is over.
    Closed,
}

impl SaleState {
    /// Every state.
    pub const ALL: [Self; 4] = [Self::Scheduled, Self::Open, Self::SoldOut, Self::Closed];

    /// The word of the wire contract.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Scheduled => "scheduled",
            Self::Open => "open",
            Self::SoldOut => "sold_out",
            Self::Closed => "closed",
        }
    }
}

/// A sale as readers see it. The shards are looked at one after the other, so while units move between them the parts are
/// of slightly different moments; they always sum to the total.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StockView {
    /// What is sold.
    pub id: SkuId,
    /// On which terms.
    pub terms: Terms<CompactString>,
    /// Of which version.
    pub version: u64,
    /// Where it stands.
    pub state: SaleState,
    /// How many units there are.
    pub total: Units,
    /// On sale now.
    pub available: Units,
    /// Given back, and not yet on sale again.
    pub returning: Units,
    /// In open reservations.
    pub reserved: Units,
    /// Sold.
    pub sold: Units,
    /// When it was looked at.
    pub at: UnixMillis,
}

/// A reservation as readers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReservationView {
    /// Which one.
    pub id: ReservationId,
    /// For whom.
    pub member: MemberId,
    /// Of what.
    pub sku: CompactString,
    /// How many units.
    pub quantity: Units,
    /// Who gets the points.
    pub merchant: CompactString,
    /// The points that pay for them.
    pub points_held: Points,
    /// Where it stands.
    pub state: HoldState,
    /// When it ends by itself if it is open.
    pub expires_at: UnixMillis,
    /// What was given out for it.
    pub codes: Vec<SoldCode>,
}

/// The code of a sold unit as readers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CodeView {
    /// Which one.
    pub code: SoldCode,
    /// Of what.
    pub sku: CompactString,
    /// Who was paid.
    pub merchant: Option<CompactString>,
    /// Why it cannot be used, if it cannot.
    pub spent: Option<Code>,
}

/// What one shard has of a sale.
struct Part {
    reserved: u64,
    sold: u64,
    /// Units on their way home, by the messages' numbers.
    back: Vec<(u64, u64)>,
}

/// What home has of it.
struct AtHome {
    total: u64,
    returned: u64,
    /// How many messages came from each shard.
    received: Vec<u64>,
}

impl Engine {
    /// A sale, or `None` if it was never put.
    pub async fn stock(&self, id: SkuId) -> Result<Option<StockView>, EngineError> {
        let sought = id.clone();
        let document = self
            .look(Router::DOCUMENTS, move |ledger| {
                let document = ledger.stock(&sought)?.document.as_ref()?;
                let name = |symbol: &_| ledger.symbols().name(*symbol).clone();
                Some((document.terms.map(name), document.version, document.home))
            })
            .await?;
        let Some((terms, version, home)) = document else {
            return Ok(None);
        };
        let mut parts = Vec::new();
        for shard in (0..self.router().shards()).map(ShardIndex) {
            let sought = id.clone();
            parts.push(
                self.look(shard, move |ledger| part(ledger, &sought, home))
                    .await?,
            );
        }
        let sought = id.clone();
        let at_home = self
            .look(home, move |ledger| at_home(ledger, &sought))
            .await?;
        let Some(at_home) = at_home else {
            return Ok(None);
        };
        Ok(Some(view(id, terms, version, &parts, &at_home, self.now())))
    }

    /// A reservation, or `None` if the engine made none of that name.
    pub async fn reservation(
        &self,
        id: ReservationId,
    ) -> Result<Option<ReservationView>, EngineError> {
        if id.shard.0 >= self.router().shards() {
            return Ok(None);
        }
        self.look(id.shard, move |ledger| reservation(ledger, id))
            .await
    }

    /// A code, or `None` if it was never given out.
    pub async fn code(&self, code: SoldCode) -> Result<Option<CodeView>, EngineError> {
        if code.shard.0 >= self.router().shards() {
            return Ok(None);
        }
        self.look(code.shard, move |ledger| code_view(ledger, code))
            .await
    }
}

fn part(ledger: &Ledger, id: &SkuId, home: ShardIndex) -> Part {
    let share = ledger.stock(id).map(|stock| &stock.share);
    let sku = ledger.symbols().find(id.as_str());
    let back = ledger
        .links()
        .behind(home, 0)
        .filter_map(|(number, sent)| match &sent.message {
            Message::Pool {
                pool,
                message: PoolMessage::ToHome(ToHome::Back { units }),
            } if Some(*pool) == sku => Some((number, units.get())),
            _ => None,
        });
    Part {
        reserved: share.map_or(0, |share| share.reserved.get()),
        sold: share.map_or(0, |share| share.sold.get()),
        back: back.collect(),
    }
}

fn at_home(ledger: &Ledger, id: &SkuId) -> Option<AtHome> {
    let home = ledger.stock(id)?.home.as_ref()?;
    let shards = (0..ledger.rules().router.shards()).map(ShardIndex);
    Some(AtHome {
        total: home.total.get(),
        returned: home.returned.get(),
        received: shards.map(|from| ledger.links().received(from)).collect(),
    })
}

fn view(
    id: SkuId,
    terms: Terms<CompactString>,
    version: u64,
    parts: &[Part],
    at_home: &AtHome,
    now: UnixMillis,
) -> StockView {
    let on_the_way = parts
        .iter()
        .zip(&at_home.received)
        .flat_map(|(part, received)| {
            let back = part.back.iter().filter(|(number, _)| number > received);
            back.map(|(_, units)| *units)
        });
    let mut left = at_home.total;
    // What moved between two looks must not make more than there is.
    let mut take = |wanted: u64| {
        let taken = wanted.min(left);
        left -= taken;
        Units::new(taken).unwrap_or_default()
    };
    let sold = take(parts.iter().map(|part| part.sold).sum());
    let reserved = take(parts.iter().map(|part| part.reserved).sum());
    let returning = take(at_home.returned + on_the_way.sum::<u64>());
    let available = Units::new(left).unwrap_or_default();
    let state = if terms.closes_at.is_some_and(|at| now >= at) {
        SaleState::Closed
    } else if terms.opens_at.is_some_and(|at| now < at) {
        SaleState::Scheduled
    } else if available.is_zero() {
        SaleState::SoldOut
    } else {
        SaleState::Open
    };
    StockView {
        id,
        terms,
        version,
        state,
        total: Units::new(at_home.total).unwrap_or_default(),
        available,
        returning,
        reserved,
        sold,
        at: now,
    }
}

/// A reservation of this shard as readers see it.
#[must_use]
pub fn reservation(ledger: &Ledger, id: ReservationId) -> Option<ReservationView> {
    let (held, member) = ledger.hold(id.seq)?;
    let (sku, quantity) = held.stock?;
    let name = |symbol| ledger.symbols().name(symbol).clone();
    Some(ReservationView {
        id,
        member: member.clone(),
        sku: name(sku),
        quantity,
        merchant: name(held.merchant),
        points_held: held.points,
        state: held.state,
        expires_at: held.expires_at,
        codes: ledger.codes_of(id.seq),
    })
}

fn code_view(ledger: &Ledger, code: SoldCode) -> Option<CodeView> {
    let sale = ledger.code(&code)?;
    let name = |symbol| ledger.symbols().name(symbol).clone();
    // Whoever was paid takes the code, also when the sale has another merchant by now; who that was is remembered as long as
    // the reservation.
    let paid = ledger.hold(sale.reservation).map(|(held, _)| held.merchant);
    let document = ledger.pool(name(sale.sku).as_str());
    let terms = document.and_then(|one| Some(&one.document.as_ref()?.terms));
    let spent = if sale.revoked {
        Some(Code::CodeRevoked)
    } else {
        sale.is_used(code.unit).then_some(Code::CodeUsed)
    };
    Some(CodeView {
        code,
        sku: name(sale.sku),
        merchant: paid.or_else(|| Some(terms?.merchant)).map(name),
        spent,
    })
}
