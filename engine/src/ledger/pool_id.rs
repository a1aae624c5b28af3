//! What a pool is called: by what is sold, or by whose points were bought ahead.

use std::fmt;

use bincode::{
    BorrowDecode, Encode,
    de::BorrowDecoder,
    enc::Encoder,
    error::{DecodeError, EncodeError},
};
use compact_str::{CompactString, format_compact};

use super::{
    entry::Subject,
    id::{MerchantId, PointType, SkuId},
};

/// What the names of pools of bought points begin with. No identifier has a slash, so none is called like that.
const PREPAID: &str = "prepaid/";

/// The points that a merchant bought ahead, of one kind.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PrepaidId(CompactString);

impl PrepaidId {
    /// Of a merchant and a kind of points.
    #[must_use]
    pub fn new(merchant: &MerchantId, point_type: &PointType) -> Self {
        Self::of(merchant.as_str(), point_type.as_str())
    }

    /// The same by the name of a kind that is known.
    #[must_use]
    pub fn named(merchant: &MerchantId, point_type: &str) -> Self {
        Self::of(merchant.as_str(), point_type)
    }

    fn of(merchant: &str, point_type: &str) -> Self {
        Self(format_compact!("{PREPAID}{merchant}/{point_type}"))
    }

    /// Reads a name; `None` if it is none of these.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let (merchant, point_type) = text.strip_prefix(PREPAID)?.split_once('/')?;
        let both = (MerchantId::new(merchant), PointType::new(point_type));
        matches!(both, (Ok(_), Ok(_))).then(|| Self(text.into()))
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whose points.
    #[must_use]
    pub fn merchant(&self) -> &str {
        let (merchant, _) = self.parts();
        merchant
    }

    /// Of which kind.
    #[must_use]
    pub fn point_type(&self) -> &str {
        let (_, point_type) = self.parts();
        point_type
    }

    fn parts(&self) -> (&str, &str) {
        let parts = self.0.strip_prefix(PREPAID);
        parts
            .and_then(|parts| parts.split_once('/'))
            .expect("made of both")
    }
}

impl fmt::Display for PrepaidId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Encode for PrepaidId {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.0.as_str().encode(encoder)
    }
}

impl<'de, C> BorrowDecode<'de, C> for PrepaidId {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        let text = <&str>::borrow_decode(decoder)?;
        Self::parse(text).ok_or(DecodeError::Other("no merchant and kind of points"))
    }
}

/// Any pool.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PoolId {
    /// Units of a sale.
    Stock(SkuId),
    /// Points that a merchant bought ahead.
    Prepaid(PrepaidId),
}

impl PoolId {
    /// Reads a name; `None` if no pool is called like that.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        match PrepaidId::parse(text) {
            Some(id) => Some(Self::Prepaid(id)),
            None => SkuId::new(text).ok().map(Self::Stock),
        }
    }

    /// The name itself.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            Self::Stock(id) => id.as_str(),
            Self::Prepaid(id) => id.as_str(),
        }
    }

    /// Of a sale, what is sold.
    #[must_use]
    pub const fn sku(&self) -> Option<&SkuId> {
        match self {
            Self::Stock(id) => Some(id),
            Self::Prepaid(_) => None,
        }
    }

    /// What entries about it are about.
    pub(super) fn subject(&self) -> Subject {
        match self {
            Self::Stock(id) => Subject::Stock(id.clone()),
            Self::Prepaid(id) => Subject::Prepaid(id.clone()),
        }
    }
}

impl fmt::Display for PoolId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// As its name: images had nothing but names of sales there.
impl Encode for PoolId {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.as_str().encode(encoder)
    }
}

impl<'de, C> BorrowDecode<'de, C> for PoolId {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        let text = <&str>::borrow_decode(decoder)?;
        Self::parse(text).ok_or(DecodeError::Other("no pool is called like that"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_sale_is_called_like_bought_points() {
        let prepaid = PrepaidId::of("shop", "points");
        assert_eq!(prepaid.as_str(), "prepaid/shop/points");
        assert_eq!(
            (prepaid.merchant(), prepaid.point_type()),
            ("shop", "points")
        );
        for (text, sku, known) in [
            ("prepaid/shop/points", false, true),
            ("lamp", true, true),
            ("prepaid", true, true),
            ("prepaid/shop", false, false),
            ("prepaid//points", false, false),
            ("prepaid/a/b/c", false, false),
            ("", false, false),
        ] {
            let pool = PoolId::parse(text);
            assert_eq!(pool.is_some(), known, "{text}");
            let sold = pool.as_ref().and_then(PoolId::sku);
            assert_eq!(sold.is_some(), sku, "{text}");
        }
    }
}
