//! Decided "no"s: their codes, their precedence, and which of them bind a request id.

use bincode::{BorrowDecode, Encode};
use smallvec::SmallVec;

use super::time::UnixMillis;

/// Why a command is refused, in order of precedence: request id, existence, state, eligibility, limits, balance.
///
/// The numbers stand in journals: never renumber; a new code takes the next free number of its group.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
#[allow(missing_docs)]
pub enum Code {
    RequestIdReused = 1,
    /// The same request was begun and is not answered yet; or another one of the same member for the same units.
    RequestInFlight = 2,

    MemberNotFound = 100,
    MerchantNotFound = 101,
    HoldNotFound = 102,
    TransactionNotFound = 103,
    SkuNotFound = 104,
    ReservationNotFound = 105,
    CodeNotFound = 106,
    SettlementNotFound = 107,
    CorrectionNotFound = 108,

    HoldCaptured = 200,
    HoldReleased = 201,
    HoldExpired = 202,
    MemberFrozen = 203,
    MemberClosed = 204,
    MemberHasHolds = 205,
    AlreadyReversed = 206,
    ReservationConfirmed = 207,
    ReservationCancelled = 208,
    ReservationExpired = 209,
    CodeUsed = 210,
    /// The sale that the code is from was taken back.
    CodeRevoked = 211,
    /// Another correction has that name.
    CorrectionExists = 212,
    CorrectionDecided = 213,
    /// The day belongs to a settlement.
    PeriodSettled = 214,

    /// `at` lies in the future: the ledger alone knows its own time, so it says what the edge cannot.
    AtInFuture = 300,
    /// The kind of points is not one of this programme's.
    UnknownPointType = 301,
    /// The kind of points is not for this use.
    NotEligible = 302,
    /// Only a spend or an earn can be taken back.
    NotReversible = 303,
    ReversalWindowPassed = 304,
    /// It happened longer ago than the merchant's contract allows.
    EventTooLate = 305,
    /// Periods are whole days, and follow one another without a gap, each when the one before is published.
    InvalidPeriod = 306,
    PeriodNotOver = 307,
    /// Somebody else has to decide about it.
    OwnCorrection = 308,
    /// From when on points are drawn from packs is told two days before.
    PrepaidTooSoon = 309,

    MemberLimitReached = 400,
    ExceedsHold = 401,
    ExceedsTransaction = 402,

    InsufficientPoints = 500,

    SoldOut = 600,
    SaleNotOpen = 601,
    SaleClosed = 602,
    /// More units are to be withdrawn than are free.
    ExceedsStock = 603,
    /// Fewer of the points that the merchant bought ahead are left.
    PackExhausted = 604,

    /// The shard remembers as many requests as it may; it refuses rather than forgetting early.
    Full = 900,
    /// As many commands wait for other shards as may.
    TooManyWait = 901,
}

impl Code {
    /// Every code, in order of precedence.
    pub const ALL: [Self; 47] = [
        Self::RequestIdReused,
        Self::RequestInFlight,
        Self::MemberNotFound,
        Self::MerchantNotFound,
        Self::HoldNotFound,
        Self::TransactionNotFound,
        Self::SkuNotFound,
        Self::ReservationNotFound,
        Self::CodeNotFound,
        Self::SettlementNotFound,
        Self::CorrectionNotFound,
        Self::HoldCaptured,
        Self::HoldReleased,
        Self::HoldExpired,
        Self::MemberFrozen,
        Self::MemberClosed,
        Self::MemberHasHolds,
        Self::AlreadyReversed,
        Self::ReservationConfirmed,
        Self::ReservationCancelled,
        Self::ReservationExpired,
        Self::CodeUsed,
        Self::CodeRevoked,
        Self::CorrectionExists,
        Self::CorrectionDecided,
        Self::PeriodSettled,
        Self::AtInFuture,
        Self::UnknownPointType,
        Self::NotEligible,
        Self::NotReversible,
        Self::ReversalWindowPassed,
        Self::EventTooLate,
        Self::InvalidPeriod,
        Self::PeriodNotOver,
        Self::OwnCorrection,
        Self::PrepaidTooSoon,
        Self::MemberLimitReached,
        Self::ExceedsHold,
        Self::ExceedsTransaction,
        Self::InsufficientPoints,
        Self::SoldOut,
        Self::SaleNotOpen,
        Self::SaleClosed,
        Self::ExceedsStock,
        Self::PackExhausted,
        Self::Full,
        Self::TooManyWait,
    ];

    /// The journaled number.
    #[must_use]
    pub const fn number(self) -> u16 {
        self as u16
    }

    /// The code of a journaled number.
    #[must_use]
    pub fn from_number(number: u16) -> Option<Self> {
        Self::ALL.into_iter().find(|code| code.number() == number)
    }

    /// Whether this answer binds the request id: it is journaled, and a retry will hear it again. Only what comes
    /// from the member's own state binds (design §4).
    #[must_use]
    pub const fn binds(self) -> bool {
        match self {
            Self::HoldCaptured
            | Self::HoldReleased
            | Self::HoldExpired
            | Self::MemberFrozen
            | Self::MemberClosed
            | Self::MemberHasHolds
            | Self::AlreadyReversed
            | Self::ReservationConfirmed
            | Self::ReservationCancelled
            | Self::ReservationExpired
            | Self::CodeUsed
            | Self::CodeRevoked
            | Self::NotEligible
            | Self::NotReversible
            | Self::ReversalWindowPassed
            | Self::EventTooLate
            | Self::MemberLimitReached
            | Self::ExceedsHold
            | Self::ExceedsTransaction
            | Self::InsufficientPoints
            | Self::ExceedsStock => true,
            Self::RequestIdReused
            | Self::RequestInFlight
            | Self::MemberNotFound
            | Self::MerchantNotFound
            | Self::HoldNotFound
            | Self::TransactionNotFound
            | Self::AtInFuture
            | Self::UnknownPointType
            | Self::SkuNotFound
            | Self::ReservationNotFound
            | Self::CodeNotFound
            | Self::SettlementNotFound
            | Self::CorrectionNotFound
            | Self::CorrectionExists
            | Self::CorrectionDecided
            | Self::PeriodSettled
            | Self::InvalidPeriod
            | Self::PeriodNotOver
            | Self::OwnCorrection
            | Self::PrepaidTooSoon
            | Self::PackExhausted
            | Self::SoldOut
            | Self::SaleNotOpen
            | Self::SaleClosed
            | Self::Full
            | Self::TooManyWait => false,
        }
    }
}

impl Encode for Code {
    fn encode<E: bincode::enc::Encoder>(
        &self,
        encoder: &mut E,
    ) -> Result<(), bincode::error::EncodeError> {
        self.number().encode(encoder)
    }
}

impl<'de, C> BorrowDecode<'de, C> for Code {
    fn borrow_decode<D: bincode::de::BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, bincode::error::DecodeError> {
        Self::from_number(u16::borrow_decode(decoder)?)
            .ok_or(bincode::error::DecodeError::Other("unknown refusal code"))
    }
}

/// One thing that stands in the way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Reason {
    /// What it is.
    pub code: Code,
    /// How much would be allowed now, where the code has a measure.
    pub limit: Option<u64>,
    /// How much was asked for.
    pub requested: Option<u64>,
    /// When the limit grows, if that is known.
    pub frees_at: Option<UnixMillis>,
}

impl Reason {
    pub(super) const fn plain(code: Code) -> Self {
        Self {
            code,
            limit: None,
            requested: None,
            frees_at: None,
        }
    }

    pub(super) const fn measured(code: Code, limit: u64, requested: u64) -> Self {
        Self {
            code,
            limit: Some(limit),
            requested: Some(requested),
            frees_at: None,
        }
    }
}

/// Everything that stands in the way of a command, by precedence; never empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal(SmallVec<[Reason; 1]>);

impl Refusal {
    /// All reasons, the decisive one first.
    #[must_use]
    pub fn reasons(&self) -> &[Reason] {
        &self.0
    }

    /// The decisive reason's code.
    #[must_use]
    pub fn code(&self) -> Code {
        self.0[0].code
    }

    /// Whether the request id is bound. One reason that binds nothing (a merchant that is not there yet) is enough
    /// to leave the id free.
    #[must_use]
    pub fn binds(&self) -> bool {
        self.0.iter().all(|reason| reason.code.binds())
    }
}

impl From<Code> for Reason {
    fn from(code: Code) -> Self {
        Self::plain(code)
    }
}

impl From<Code> for Refusal {
    fn from(code: Code) -> Self {
        Reason::plain(code).into()
    }
}

impl From<Reason> for Refusal {
    fn from(reason: Reason) -> Self {
        Self(SmallVec::from_buf([reason]))
    }
}

/// Gathers what stands in the way, so that a refusal can tell all of it at once.
#[derive(Default)]
pub(super) struct Objections(SmallVec<[Reason; 1]>);

impl Objections {
    pub(super) fn add(&mut self, reason: Reason) {
        self.0.push(reason);
    }

    /// Whether nothing stands in the way so far.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was found, or a note of what stands in its way.
    pub(super) fn note<T>(&mut self, found: Result<T, impl Into<Reason>>) -> Option<T> {
        found.map_err(|reason| self.add(reason.into())).ok()
    }

    /// What was found last, unless something stands in the way of it or of anything before.
    pub(super) fn none_or<T>(mut self, found: Result<T, impl Into<Reason>>) -> Result<T, Refusal> {
        match self.note(found) {
            Some(found) if self.0.is_empty() => Ok(found),
            _ => Err(self.into_refusal()),
        }
    }

    /// What was looked for, if nothing stands in the way. Whatever stands in the way of finding it must have been noted.
    pub(super) fn none_but<T>(self, found: Option<T>) -> Result<T, Refusal> {
        match found {
            Some(found) if self.0.is_empty() => Ok(found),
            _ => Err(self.into_refusal()),
        }
    }

    /// All of it. Something must stand in the way.
    pub(super) fn into_refusal(mut self) -> Refusal {
        assert!(!self.0.is_empty(), "a refusal has a reason");
        self.0.sort_by_key(|reason| reason.code);
        Refusal(self.0)
    }
}

impl Encode for Refusal {
    fn encode<E: bincode::enc::Encoder>(
        &self,
        encoder: &mut E,
    ) -> Result<(), bincode::error::EncodeError> {
        (self.0.len() as u64).encode(encoder)?;
        self.0.iter().try_for_each(|reason| reason.encode(encoder))
    }
}

impl<'de, C> BorrowDecode<'de, C> for Refusal {
    fn borrow_decode<D: bincode::de::BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, bincode::error::DecodeError> {
        let mut reasons = SmallVec::new();
        for _ in 0..u64::borrow_decode(decoder)? {
            reasons.push(Reason::borrow_decode(decoder)?);
        }
        if reasons.is_empty() {
            return Err(bincode::error::DecodeError::Other(
                "a refusal without a reason",
            ));
        }
        Ok(Self(reasons))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_declared_in_order_of_precedence_and_survive_their_number() {
        assert!(Code::ALL.is_sorted());
        for code in Code::ALL {
            assert_eq!(Code::from_number(code.number()), Some(code));
        }
    }

    #[test]
    fn the_decisive_reason_comes_first() {
        let mut objections = Objections::default();
        objections.add(Reason::measured(Code::InsufficientPoints, 1, 2));
        objections.add(Reason::plain(Code::MerchantNotFound));
        let refusal = objections.none_or(Ok::<_, Code>(())).unwrap_err();
        assert_eq!(refusal.code(), Code::MerchantNotFound);
        assert_eq!(refusal.reasons().len(), 2);
        assert!(!refusal.binds());
    }
}
