//! What can be read of members, holds, merchants and transactions, with names instead of symbols.

mod prepaid;
mod statement;
mod stock;
mod transaction;

use compact_str::CompactString;

pub use prepaid::{PackView, PrepaidView};
pub use statement::{
    Movements, MovementsCursor, MovementsQuery, PAGE_ITEMS_MAX, StatementCursor, StatementPage,
    StatementQuery,
};
pub use stock::{CodeView, ReservationView, SaleState, StockView, reservation};
pub use transaction::{TransactionView, transaction};

use crate::{
    engine::Engine,
    error::EngineError,
    ledger::{
        Balance, Day, Document, HoldId, HoldState, Ledger, MemberId, MemberState, MerchantId,
        Points, ShardIndex, StateHash, Symbol, UnixMillis, Wallet,
        invariants::{Books, Violation, check_shard},
    },
    router::Router,
};

/// A member as readers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MemberView {
    /// Who.
    pub id: MemberId,
    /// What the member may do.
    pub state: MemberState,
    /// What the member has, per point type.
    pub wallets: Vec<WalletView>,
}

/// What a member has of one point type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WalletView {
    /// The kind of points.
    pub point_type: CompactString,
    /// How many decimals people see.
    pub scale: u8,
    /// The sums.
    pub balance: Balance,
    /// The lots in the order in which they are spent; empty ones are not shown.
    pub lots: Vec<LotView>,
    /// What is granted and not released yet, in the order of release.
    pub pending: Vec<PendingView>,
}

/// Points that cannot be spent yet, as readers see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PendingView {
    /// When they become available.
    pub releases_at: UnixMillis,
    /// How many.
    pub points: Points,
    /// Who issued them.
    pub issuer: CompactString,
    /// Their class.
    pub class: CompactString,
    /// The last day on which they can be used.
    pub last_day: Day,
}

/// A lot as readers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LotView {
    /// Who issued the points.
    pub issuer: CompactString,
    /// Their class.
    pub class: CompactString,
    /// The last day on which they can be used.
    pub last_day: Day,
    /// What can be spent.
    pub available: Points,
    /// What open holds have set aside.
    pub held: Points,
}

/// A hold as readers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HoldView {
    /// Which hold.
    pub id: HoldId,
    /// Whose points.
    pub member: MemberId,
    /// Who may capture them.
    pub merchant: CompactString,
    /// The kind of points.
    pub point_type: CompactString,
    /// How many were asked for.
    pub points: Points,
    /// How many were captured.
    pub captured: Points,
    /// How many went back.
    pub released: Points,
    /// Where the hold stands.
    pub state: HoldState,
    /// When an open hold ends by itself.
    pub expires_at: UnixMillis,
}

/// A shard's audit: its hash and its books, or the rule that is broken.
pub type Audit = Result<(StateHash, Vec<(CompactString, Books)>), Violation>;

impl Engine {
    /// A member, or `None` if nobody of that name is enrolled. What is due is recorded first: points that have lapsed
    /// are not shown.
    pub async fn member(&self, id: MemberId) -> Result<Option<MemberView>, EngineError> {
        self.look_at(id.clone(), move |ledger| member(ledger, &id))
            .await
    }

    /// A hold, or `None` if the engine made none of that name.
    pub async fn hold(&self, id: HoldId) -> Result<Option<HoldView>, EngineError> {
        if id.shard.0 >= self.router().shards() {
            return Ok(None);
        }
        self.look(id.shard, move |ledger| hold(ledger, id)).await
    }

    /// A merchant's document, or `None` if it was never put.
    pub async fn merchant(&self, id: MerchantId) -> Result<Option<Document>, EngineError> {
        self.look(Router::DOCUMENTS, move |ledger| ledger.document(&id))
            .await
    }

    /// Checks a shard's books and hashes its state. Walks everything the shard has: for audits, not for every day.
    pub async fn audit(&self, shard: ShardIndex) -> Result<Audit, EngineError> {
        self.look(shard, |ledger| {
            let books = check_shard(ledger)?;
            let named = books
                .into_iter()
                .map(|(symbol, books)| (ledger.symbols().name(symbol).clone(), books));
            Ok((ledger.state_hash(), named.collect()))
        })
        .await
    }
}

/// A member of this shard as readers see it.
#[must_use]
pub fn member(ledger: &Ledger, id: &MemberId) -> Option<MemberView> {
    let member = ledger.member(id)?;
    let wallets = member.wallets().iter();
    Some(MemberView {
        id: id.clone(),
        state: member.state(),
        wallets: wallets.map(|wallet| wallet_view(ledger, wallet)).collect(),
    })
}

fn wallet_view(ledger: &Ledger, wallet: &Wallet) -> WalletView {
    let name = |symbol: Symbol| ledger.symbols().name(symbol).clone();
    let point_type = name(wallet.point_type());
    let mut kinds = ledger.rules().point_types.iter();
    // Of a kind that the programme no longer has, whole points are shown.
    let kind = kinds.find(|kind| kind.name.as_str() == point_type);
    let lots = wallet.lots().iter().filter(|lot| !lot.is_empty());
    let pending = wallet.pending().iter();
    WalletView {
        scale: kind.map_or(0, |kind| kind.scale),
        point_type,
        balance: wallet.balance(),
        lots: lots
            .map(|lot| LotView {
                issuer: name(lot.name.key.issuer),
                class: name(lot.name.key.class),
                last_day: lot.name.key.last_day,
                available: lot.available,
                held: lot.held,
            })
            .collect(),
        pending: pending
            .map(|part| PendingView {
                releases_at: part.releases_at,
                points: part.points,
                issuer: name(part.lot.key.issuer),
                class: name(part.lot.key.class),
                last_day: part.lot.key.last_day,
            })
            .collect(),
    }
}

/// A hold of this shard as readers see it.
#[must_use]
pub fn hold(ledger: &Ledger, id: HoldId) -> Option<HoldView> {
    let name = |symbol| ledger.symbols().name(symbol).clone();
    let (held, member) = ledger
        .hold(id.seq)
        .filter(|(held, _)| held.stock.is_none())?;
    Some(HoldView {
        id,
        member: member.clone(),
        merchant: name(held.merchant),
        point_type: name(held.point_type),
        points: held.points,
        captured: held.captured,
        released: held.released,
        state: held.state,
        expires_at: held.expires_at,
    })
}
