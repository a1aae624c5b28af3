//! A member's statement, and the points that passed between a merchant and members.

use std::{fmt, sync::Arc};

use tokio::task::JoinSet;

use crate::{
    engine::Engine,
    error::EngineError,
    ledger::{MemberId, MerchantId, PointType, Seq, ShardIndex, UnixMillis},
    view::{
        AtShard, MovementLoaded, MovementsPage, MovementsWanted, Page, View, ViewError, Wanted,
        item::{ItemKind, Movement, StatementItem},
    },
};

/// How many items a page has at most.
pub const PAGE_ITEMS_MAX: usize = 500;

/// What of a statement is wanted.
#[derive(Clone, Debug, Default)]
pub struct StatementQuery {
    /// Decided at this instant or later.
    pub from: Option<UnixMillis>,
    /// Decided before this instant.
    pub to: Option<UnixMillis>,
    /// How many items at most, 1 … [`PAGE_ITEMS_MAX`].
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<StatementCursor>,
    /// Only items of this kind.
    pub kind: Option<ItemKind>,
    /// Only this kind of points.
    pub point_type: Option<PointType>,
}

/// A part of a statement, newest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StatementPage {
    /// The items.
    pub items: Vec<StatementItem>,
    /// Where to go on; `None` at the end. A page with a cursor may have fewer items than were asked for, even none, where
    /// filters pass over many.
    pub next: Option<StatementCursor>,
    /// Everything decided before this is in the statement; `None` while the view knows nothing of the member's shard yet.
    pub as_of: Option<UnixMillis>,
}

/// A place in a member's statement. Items that come later do not move it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct StatementCursor(Seq);

impl StatementCursor {
    /// Reads what [`Display`](fmt::Display) wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let seq = Self(Seq(hex(text.strip_prefix('s')?)?));
        (seq.to_string() == text).then_some(seq)
    }
}

impl fmt::Display for StatementCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "s{:x}", self.0.0)
    }
}

/// What of a merchant's movements is wanted.
#[derive(Clone, Copy, Debug, Default)]
pub struct MovementsQuery {
    /// Decided at this instant or later.
    pub from: Option<UnixMillis>,
    /// Decided before this instant.
    pub to: Option<UnixMillis>,
    /// How many at most, 1 … [`PAGE_ITEMS_MAX`].
    pub limit: usize,
    /// Where the page before ended.
    pub cursor: Option<MovementsCursor>,
}

/// A part of a merchant's movements, in the order of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Movements {
    /// The movements, by stamp, shard and sequence.
    pub items: Vec<Movement>,
    /// Where to go on; `None` if there was nothing more before `as_of`.
    pub next: Option<MovementsCursor>,
    /// Before this nothing is missing, and nothing from then on is shown yet; `None` while the view cannot tell.
    pub as_of: Option<UnixMillis>,
}

/// A place in a merchant's movements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MovementsCursor(UnixMillis, ShardIndex, Seq);

impl MovementsCursor {
    /// Reads what [`Display`](fmt::Display) wrote.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut parts = text.strip_prefix('m')?.split('-').map(hex);
        let (at, shard, seq) = (parts.next()??, parts.next()??, parts.next()??);
        let cursor = Self(
            UnixMillis(at),
            ShardIndex(u16::try_from(shard).ok()?),
            Seq(seq),
        );
        (cursor.to_string() == text).then_some(cursor)
    }
}

impl fmt::Display for MovementsCursor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "m{:x}-{:x}-{:x}", self.0.0, self.1.0, self.2.0)
    }
}

fn hex(text: &str) -> Option<u64> {
    u64::from_str_radix(text, 16).ok()
}

impl Engine {
    /// A part of a member's statement, or `None` if nobody of that name is enrolled. What is due of the member is recorded
    /// first, but may come a moment later than the page: `as_of` tells.
    pub async fn statement(
        &self,
        member: MemberId,
        query: StatementQuery,
    ) -> Result<Option<StatementPage>, EngineError> {
        let view = self.view().ok_or(EngineError::Unreadable)?;
        let now = self.now();
        let shard = self.router().member(&member);
        let (of, point_type) = (member.clone(), query.point_type);
        let seen = self
            .look_at(member.clone(), move |ledger| {
                let number = |name: &PointType| ledger.symbols().find(name.as_str());
                let point_type = point_type.map(|name| number(&name).map(|s| s.index() as u32));
                ledger.member(&of).map(|_| (ledger.last_seq(), point_type))
            })
            .await?;
        let Some((last, point_type)) = seen else {
            return Ok(None);
        };
        let mut wanted = Wanted {
            from: query.from.unwrap_or_default(),
            to: query.to.unwrap_or(UnixMillis(u64::MAX)),
            limit: query.limit.clamp(1, PAGE_ITEMS_MAX),
            before: query.cursor.map_or(Seq(u64::MAX), |cursor| cursor.0),
            kind: query.kind,
            point_type: point_type.flatten(),
        };
        if point_type == Some(None) {
            // Nobody of the shard ever had such points.
            wanted.before = Seq(0);
        }
        let page: Page = read(&view, move |view| view.statement(&member, shard, &wanted)).await?;
        let reached = (page.seq, page.stamp);
        let as_of = view.sure_of(usize::from(shard.0), reached, last, now);
        let entries = page.entries;
        let items = self
            .look(shard, move |ledger| {
                let item = |(entry, hold): &(_, Option<_>)| {
                    StatementItem::of(entry, shard, hold.as_ref(), ledger.symbols())
                };
                entries.iter().filter_map(item).collect()
            })
            .await?;
        Ok(Some(StatementPage {
            items,
            next: page.next.map(StatementCursor),
            as_of: (as_of.0 > 0).then_some(as_of),
        }))
    }

    /// What passed between a merchant and members, or `None` if the merchant's document was never put.
    pub async fn movements(
        &self,
        merchant: MerchantId,
        query: MovementsQuery,
    ) -> Result<Option<Movements>, EngineError> {
        let view = self.view().ok_or(EngineError::Unreadable)?;
        let now = self.now();
        if self.merchant(merchant.clone()).await?.is_none() {
            return Ok(None);
        }
        let wanted = MovementsWanted {
            from: query.from.unwrap_or_default(),
            to: query.to.unwrap_or(UnixMillis(u64::MAX)),
            limit: query.limit.clamp(1, PAGE_ITEMS_MAX),
            behind: query.cursor.map(|cursor| (cursor.0, cursor.1, cursor.2)),
        };
        let shards = self.ask_all_of(&merchant).await?;
        let page: MovementsPage =
            read(&view, move |view| view.movements(&shards, now, &wanted)).await?;
        Ok(Some(Movements {
            items: self.named(page.entries).await?,
            next: page
                .next
                .map(|(at, shard, seq)| MovementsCursor(at, shard, seq)),
            as_of: page.as_of,
        }))
    }

    /// What every shard knows of a merchant.
    async fn ask_all_of(&self, merchant: &MerchantId) -> Result<Vec<AtShard>, EngineError> {
        let mut asked = JoinSet::new();
        for shard in (0..self.router().shards()).map(ShardIndex) {
            let (engine, merchant) = (self.clone(), merchant.clone());
            asked.spawn(async move {
                let told = engine.look(shard, move |ledger| AtShard {
                    symbol: ledger
                        .symbols()
                        .find(merchant.as_str())
                        .map(|symbol| symbol.index() as u32),
                    last: ledger.last_seq(),
                });
                told.await.map(|told| (shard, told))
            });
        }
        let mut told = Vec::new();
        while let Some(one) = asked.join_next().await {
            told.push(one.map_err(|_| EngineError::OutcomeUnknown)??);
        }
        told.sort_unstable_by_key(|(shard, _)| *shard);
        Ok(told.into_iter().map(|(_, told)| told).collect())
    }

    /// The movements of entries in their order, named by the shards they are from.
    async fn named(&self, entries: Vec<MovementLoaded>) -> Result<Vec<Movement>, EngineError> {
        let mut by_shard: std::collections::BTreeMap<ShardIndex, Vec<_>> = Default::default();
        for (place, (shard, entry, order)) in entries.into_iter().enumerate() {
            let of_shard = by_shard.entry(shard).or_default();
            of_shard.push((place, entry, order));
        }
        let mut named = Vec::new();
        for (shard, entries) in by_shard {
            let of_shard: Vec<(usize, Movement)> = self
                .look(shard, move |ledger| {
                    let named = |(place, entry, order)| {
                        let of = Movement::of(&entry, shard, order, ledger.symbols());
                        Some((place, of?))
                    };
                    entries.into_iter().filter_map(named).collect()
                })
                .await?;
            named.extend(of_shard);
        }
        named.sort_unstable_by_key(|(place, _)| *place);
        Ok(named.into_iter().map(|(_, movement)| movement).collect())
    }
}

/// Reads from the view beside the threads that serve; `None` from it means that there is nothing to read from yet.
pub(super) async fn read<T: Send + 'static>(
    view: &Arc<View>,
    read: impl FnOnce(&View) -> Result<Option<T>, ViewError> + Send + 'static,
) -> Result<T, EngineError> {
    let pass = view.readers().acquire_owned().await;
    let view = Arc::clone(view);
    let read = tokio::task::spawn_blocking(move || {
        let _pass = pass;
        read(&view).inspect_err(|error| view.doubt(error))
    });
    match read.await {
        Ok(Ok(Some(found))) => Ok(found),
        _ => Err(EngineError::Unreadable),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_has_one_spelling() {
        let cursor = StatementCursor(Seq(0x1f));
        assert_eq!(StatementCursor::parse(&cursor.to_string()), Some(cursor));
        for other in [
            "",
            "s",
            "1f",
            "s1F",
            "s01f",
            "s+1f",
            "s1f ",
            "m1f",
            "s1ffffffffffffffff",
        ] {
            assert_eq!(StatementCursor::parse(other), None, "{other:?}");
        }
        let cursor = MovementsCursor(UnixMillis(1_790_000_000_000), ShardIndex(15), Seq(9));
        assert_eq!(MovementsCursor::parse(&cursor.to_string()), Some(cursor));
        for other in [
            "",
            "m",
            "m1-2",
            "m1-2-3-4",
            "m1-fffff-3",
            "m1-02-3",
            "s1-2-3",
        ] {
            assert_eq!(MovementsCursor::parse(other), None, "{other:?}");
        }
    }
}
