//! Settlements and corrections as they stand.

use compact_str::CompactString;

use super::Step;
use crate::{
    engine::Engine,
    error::EngineError,
    ledger::{
        CorrectionId, CorrectionRecord, CorrectionState, Day, Ledger, Period, Root, Text,
        UnixMillis,
    },
    router::Router,
};

/// A settlement and how far it has come.
#[derive(Clone, Debug)]
pub struct SettlementView {
    /// Which days.
    pub period: Period,
    /// When closing it was asked for.
    pub opened_at: UnixMillis,
    /// When it was published, and under which hash.
    pub published: Option<(UnixMillis, Root)>,
    /// What is being done, if it is not published.
    pub step: Step,
}

/// Something put right by hand, or to be.
#[derive(Clone, Debug)]
pub struct CorrectionView {
    /// What it is called.
    pub id: CorrectionId,
    /// Whom it concerns.
    pub merchant: CompactString,
    /// What the merchant gets, in fen; below zero it pays.
    pub fen: i64,
    /// Why, for people.
    pub reason: Text,
    /// What it refers to.
    pub reference: Option<Text>,
    /// Who proposed it.
    pub by: CompactString,
    /// When.
    pub at: UnixMillis,
    /// Who decided about it and when, and on which day it counts if it does.
    pub decided: Option<(CompactString, UnixMillis, Option<Day>)>,
}

impl CorrectionView {
    fn of(ledger: &Ledger, record: &CorrectionRecord) -> Self {
        let name = |symbol| ledger.symbols().name(symbol).clone();
        Self {
            id: record.id.clone(),
            merchant: name(record.merchant),
            fen: record.fen,
            reason: record.reason.clone(),
            reference: record.reference.clone(),
            by: name(record.by),
            at: record.at,
            decided: match record.state {
                CorrectionState::Proposed => None,
                CorrectionState::Approved { by, at, day } => Some((name(by), at, Some(day))),
                CorrectionState::Rejected { by, at } => Some((name(by), at, None)),
            },
        }
    }
}

impl Engine {
    /// All settlements, the earliest first.
    pub async fn settlements(&self) -> Result<Vec<SettlementView>, EngineError> {
        let look = |ledger: &Ledger| ledger.clearing().settlements.clone();
        let records = self.look(Router::DOCUMENTS, look).await?;
        let views = records.into_iter().map(|one| SettlementView {
            step: self.closer().step(one.period).unwrap_or(Step::Closing),
            period: one.period,
            opened_at: one.opened_at,
            published: one.published,
        });
        Ok(views.collect())
    }

    /// The corrections, in the order in which they were proposed; those of one merchant, if one is named.
    pub async fn corrections(
        &self,
        merchant: Option<CompactString>,
    ) -> Result<Vec<CorrectionView>, EngineError> {
        self.look(Router::DOCUMENTS, move |ledger| {
            let all = ledger.clearing().corrections.iter();
            let all = all.map(|record| CorrectionView::of(ledger, record));
            all.filter(|one| merchant.as_ref().is_none_or(|own| *own == one.merchant))
                .collect()
        })
        .await
    }

    /// A correction, if there is one of that name.
    pub async fn correction(
        &self,
        id: CorrectionId,
    ) -> Result<Option<CorrectionView>, EngineError> {
        self.look(Router::DOCUMENTS, move |ledger| {
            let found = ledger.clearing().correction(&id);
            found.map(|record| CorrectionView::of(ledger, record))
        })
        .await
    }
}
