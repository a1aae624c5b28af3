//! What a merchant bought ahead, and what is left of it.

use compact_str::CompactString;

use crate::{
    engine::Engine,
    error::EngineError,
    ledger::{Day, Fen, MerchantId, PrepaidId, ShardIndex},
    pool::Units,
    router::Router,
};

/// The points of one kind that a merchant bought ahead, as readers see them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrepaidView {
    /// Of which kind.
    pub point_type: CompactString,
    /// How many in all.
    pub bought: Units,
    /// How many of them nobody has.
    pub left: Units,
    /// Pack by pack, the earliest first.
    pub packs: Vec<PackView>,
}

/// A pack as readers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PackView {
    /// On which day it was bought.
    pub day: Day,
    /// How many points.
    pub points: Units,
    /// For how much in all.
    pub price: Fen,
}

impl Engine {
    /// What a merchant bought ahead, in the order in which it first bought of each kind.
    pub async fn prepaid(&self, merchant: &MerchantId) -> Result<Vec<PrepaidView>, EngineError> {
        let sought = merchant.clone();
        let mut views = self
            .look(Router::DOCUMENTS, move |ledger| {
                let mut views: Vec<PrepaidView> = Vec::new();
                let whose = ledger.symbols().find(sought.as_str());
                let packs = ledger.clearing().packs.iter();
                for pack in packs.filter(|pack| Some(pack.merchant) == whose) {
                    let point_type = ledger.symbols().name(pack.point_type);
                    let known = views.iter_mut().find(|view| view.point_type == *point_type);
                    let bought = PackView {
                        day: pack.day,
                        points: pack.points,
                        price: pack.price,
                    };
                    match known {
                        Some(view) => view.packs.push(bought),
                        None => views.push(PrepaidView {
                            point_type: point_type.clone(),
                            bought: Units::ZERO,
                            left: Units::ZERO,
                            packs: vec![bought],
                        }),
                    }
                }
                views
            })
            .await?;
        for view in &mut views {
            let all = view.packs.iter().map(|pack| pack.points.get()).sum();
            let drawn = self.drawn(merchant, &view.point_type).await?;
            view.bought = Units::new(all).unwrap_or_default();
            view.left = Units::new(all.saturating_sub(drawn)).unwrap_or_default();
        }
        Ok(views)
    }

    /// How many of them members were given, over all shards.
    async fn drawn(&self, merchant: &MerchantId, point_type: &str) -> Result<u64, EngineError> {
        let pool = CompactString::from(PrepaidId::named(merchant, point_type).as_str());
        let mut drawn = 0;
        for shard in (0..self.router().shards()).map(ShardIndex) {
            let pool = pool.clone();
            drawn += self
                .look(shard, move |ledger| {
                    ledger.pool(&pool).map_or(0, |pool| pool.share.sold.get())
                })
                .await?;
        }
        Ok(drawn)
    }
}
