//! Which periods are settled, and what was put right by hand. Kept on shard 0; the others know how far days are settled, and
//! what is agreed with merchants.

use bincode::{BorrowDecode, Encode};

use super::{
    command::{DecideCorrection, PutCorrection, Settle},
    decide::{Draft, Judged},
    entry::{Deed, Entry, Subject},
    id::{CorrectionId, MerchantId},
    message::Message,
    prepaid::PackBought,
    refusal::{Code, Objections, Reason},
    requests::ObjectKey,
    state::Ledger,
    symbol::Symbol,
    text::Text,
    time::{Day, UnixMillis},
};

/// Whole days, in the programme's time zone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
pub struct Period {
    /// The first day that belongs to it.
    pub first: Day,
    /// The last day that belongs to it.
    pub last: Day,
}

impl Period {
    /// Whether a day belongs to it.
    #[must_use]
    pub fn contains(&self, day: Day) -> bool {
        self.first <= day && day <= self.last
    }
}

/// The hash that a settlement is published under.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub struct Root(pub [u8; 32]);

impl std::fmt::Display for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl std::fmt::Debug for Root {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{self}")
    }
}

/// A period that is being closed, or is.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct SettlementRecord {
    /// Which.
    pub period: Period,
    /// When closing it was asked for.
    pub opened_at: UnixMillis,
    /// When it was published, and under which hash.
    pub published: Option<(UnixMillis, Root)>,
}

/// How far something put right by hand has come.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub enum CorrectionState {
    /// Somebody wants it.
    Proposed,
    /// Somebody else agreed: it counts, on this day.
    Approved {
        /// Who.
        by: Symbol,
        /// When.
        at: UnixMillis,
        /// On which day, and so in which period.
        day: Day,
    },
    /// Somebody else did not.
    Rejected {
        /// Who.
        by: Symbol,
        /// When.
        at: UnixMillis,
    },
}

/// Money between a merchant and the operator that no entry gives rise to.
#[derive(Clone, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct CorrectionRecord {
    /// What it is called.
    pub id: CorrectionId,
    /// Whom it concerns.
    pub merchant: Symbol,
    /// What the merchant gets, in fen; below zero it pays.
    pub fen: i64,
    /// Why, for people.
    pub reason: Text,
    /// What it refers to.
    pub reference: Option<Text>,
    /// Who wants it.
    pub by: Symbol,
    /// Since when.
    pub at: UnixMillis,
    /// How far it has come.
    pub state: CorrectionState,
}

/// What shard 0 knows of clearing.
#[derive(Clone, Debug, Default, PartialEq, Eq, Encode, BorrowDecode)]
pub struct ClearingBook {
    /// Settlements, the earliest first; only the last may not be published.
    pub settlements: Vec<SettlementRecord>,
    /// Corrections, in the order in which they were proposed.
    pub corrections: Vec<CorrectionRecord>,
    /// Points bought ahead, in the order of buying.
    pub packs: Vec<PackBought>,
}

impl ClearingBook {
    /// A settlement by its period.
    #[must_use]
    pub fn settlement(&self, period: Period) -> Option<&SettlementRecord> {
        self.settlements.iter().find(|one| one.period == period)
    }

    /// A correction by its name.
    #[must_use]
    pub fn correction(&self, id: &CorrectionId) -> Option<&CorrectionRecord> {
        self.corrections.iter().find(|one| one.id == *id)
    }

    /// The last day that a settlement takes, published or not.
    #[must_use]
    pub fn taken_until(&self) -> Option<Day> {
        self.settlements.last().map(|last| last.period.last)
    }

    /// The last day of the settlement that was published last.
    #[must_use]
    pub fn published_until(&self) -> Option<Day> {
        let mut latest_first = self.settlements.iter().rev();
        let published = latest_first.find(|one| one.published.is_some())?;
        Some(published.period.last)
    }

    /// The settlement that is being closed.
    #[must_use]
    pub fn closing(&self) -> Option<&SettlementRecord> {
        let last = self.settlements.last();
        last.filter(|last| last.published.is_none())
    }

    pub(super) fn is_empty(&self) -> bool {
        self.settlements.is_empty() && self.corrections.is_empty() && self.packs.is_empty()
    }
}

impl Ledger {
    /// What this shard knows of settlements and corrections; only shard 0 knows any.
    #[must_use]
    pub const fn clearing(&self) -> &ClearingBook {
        &self.clearing
    }

    pub(super) fn key_of_settlement(&self, period: Period) -> Option<ObjectKey> {
        let settlements = &self.clearing.settlements;
        let at = settlements.iter().position(|one| one.period == period)?;
        Some(ObjectKey::settlement(at))
    }

    pub(super) fn key_of_correction(&self, id: &CorrectionId) -> Option<ObjectKey> {
        let corrections = &self.clearing.corrections;
        let at = corrections.iter().position(|one| one.id == *id)?;
        Some(ObjectKey::correction(at))
    }

    /// Settlements follow one another without a gap, so that every entry is in one of them; the first takes everything that
    /// happened before it, too.
    pub(super) fn judge_settle(&self, draft: &Draft<'_>, settle: &Settle) -> Judged {
        let period = self.rules.period(settle).ok_or(Code::InvalidPeriod)?;
        if self.clearing.settlement(period).is_some() {
            return Ok(Deed::SettlementOpened {
                period,
                changed: false,
            });
        }
        if let Some(until) = self.clearing.taken_until() {
            if period.first <= until {
                return Err(Code::PeriodSettled.into());
            }
            if until.next() != Some(period.first) || self.clearing.closing().is_some() {
                return Err(Code::InvalidPeriod.into());
            }
        }
        if self.rules.day_at(draft.at) <= period.last {
            return Err(Reason {
                frees_at: self.rules.end_of(period.last),
                ..Reason::plain(Code::PeriodNotOver)
            }
            .into());
        }
        Ok(Deed::SettlementOpened {
            period,
            changed: true,
        })
    }

    /// The entry that publishes the settlement that is being closed; `None` if it is published, or is another one.
    #[must_use]
    pub fn decide_published(&self, now: UnixMillis, period: Period, root: Root) -> Option<Entry> {
        self.clearing.closing().filter(|one| one.period == period)?;
        let mut draft = Draft::new(self, now.max(self.last_at()));
        self.carry(&mut draft, Message::Settled { until: period.last });
        let deed = Deed::SettlementPublished { period, root };
        Some(self.finish(draft, Subject::Settlement(period), None, deed))
    }

    pub(super) fn judge_put_correction(
        &self,
        draft: &mut Draft<'_>,
        put: &PutCorrection,
    ) -> Judged {
        let mut objections = Objections::default();
        let merchant = objections.note(self.merchant_symbol(&put.merchant));
        let merchant = objections.none_but(merchant)?;
        let known = self.clearing.correction(&put.correction);
        let by = draft.principal();
        if let Some(known) = known {
            let same = (known.merchant, known.fen, known.by) == (merchant, put.fen, by)
                && known.reason == put.reason;
            if !same {
                return Err(Code::CorrectionExists.into());
            }
        }
        Ok(Deed::CorrectionPut {
            merchant,
            fen: put.fen,
            reason: put.reason.clone(),
            changed: known.is_none(),
        })
    }

    /// Four eyes: whoever proposed it does not decide about it.
    pub(super) fn judge_decide_correction(
        &self,
        draft: &mut Draft<'_>,
        decide: &DecideCorrection,
    ) -> Judged {
        let known = self.clearing.correction(&decide.correction);
        let known = known.ok_or(Code::CorrectionNotFound)?;
        if known.state != CorrectionState::Proposed {
            return Err(Code::CorrectionDecided.into());
        }
        if known.by == draft.principal() {
            return Err(Code::OwnCorrection.into());
        }
        let day = self.day_of(draft.at);
        Ok(Deed::CorrectionDecided {
            approved: decide.approve.then_some(day),
        })
    }

    pub(super) fn apply_settlement(&mut self, entry: &Entry, period: Period) -> ObjectKey {
        let settlements = &mut self.clearing.settlements;
        match &entry.deed {
            Deed::SettlementOpened { changed: true, .. } => settlements.push(SettlementRecord {
                period,
                opened_at: entry.at,
                published: None,
            }),
            Deed::SettlementOpened { changed: false, .. } => {}
            Deed::SettlementPublished { root, .. } => {
                let last = settlements.last_mut();
                let last = last.filter(|one| one.period == period && one.published.is_none());
                let last = last.expect("invariant 9: a settlement is published once");
                last.published = Some((entry.at, *root));
                self.settle_days(period.last);
            }
            other => panic!("{other:?} is not about a settlement"),
        }
        self.key_of_settlement(period)
            .expect("a settlement that was opened is known")
    }

    pub(super) fn apply_correction(&mut self, entry: &Entry, id: &CorrectionId) -> ObjectKey {
        let origin = entry.origin.as_ref();
        let origin = origin.expect("corrections are asked for");
        let corrections = &mut self.clearing.corrections;
        let known = corrections.iter_mut().find(|one| one.id == *id);
        match (&entry.deed, known) {
            (
                Deed::CorrectionPut {
                    merchant,
                    fen,
                    reason,
                    ..
                },
                None,
            ) => corrections.push(CorrectionRecord {
                id: id.clone(),
                merchant: *merchant,
                fen: *fen,
                reason: reason.clone(),
                reference: origin.reference.clone(),
                by: origin.principal,
                at: entry.at,
                state: CorrectionState::Proposed,
            }),
            (Deed::CorrectionPut { .. }, Some(_)) => {}
            (Deed::CorrectionDecided { approved }, Some(known)) => {
                let (by, at) = (origin.principal, entry.at);
                known.state = match *approved {
                    Some(day) => CorrectionState::Approved { by, at, day },
                    None => CorrectionState::Rejected { by, at },
                };
            }
            (other, _) => panic!("{other:?} is not about a correction"),
        }
        self.key_of_correction(id)
            .expect("a correction that was proposed is known")
    }

    /// Whether a contract may begin on this day: what is settled stays as it is.
    pub(super) fn may_contract(&self, from: Day) -> Result<(), Code> {
        match self.clearing.taken_until() {
            Some(until) if from <= until => Err(Code::PeriodSettled),
            _ => Ok(()),
        }
    }

    /// Whether an event that happened then may still come, by the merchant's contract.
    pub(super) fn not_too_late(
        &self,
        at: UnixMillis,
        happened: UnixMillis,
        merchant: &MerchantId,
    ) -> Result<(), Code> {
        let days = (self.rules.day_at(happened), self.rules.day_at(at));
        let contract = self
            .merchant(merchant)
            .and_then(|one| one.contracts.on(days.0));
        let most = contract.and_then(|contract| contract.late_days_max);
        let number = |day: Day| day.days_since_1970().unwrap_or(u32::MAX);
        let late = number(days.1).saturating_sub(number(days.0));
        if most.is_some_and(|most| late > u32::from(most)) {
            return Err(Code::EventTooLate);
        }
        Ok(())
    }
}
