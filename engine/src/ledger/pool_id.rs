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
        Self::named(merchant, point_type.as_str())
    }

    /// The same by the name of a kind that is known.
    #[must_use]
    pub fn named(merchant: &MerchantId, point_type: &str) -> Self {
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
        let shop = MerchantId::new("shop").unwrap();
        let prepaid = PrepaidId::named(&shop, "points");
        assert_eq!(prepaid.to_string(), "prepaid/shop/points");
        for (text, expected) in [
            ("prepaid/shop/points", Some(PoolId::Prepaid(prepaid))),
            ("lamp", SkuId::new("lamp").ok().map(PoolId::Stock)),
            ("prepaid", SkuId::new("prepaid").ok().map(PoolId::Stock)),
            ("prepaid/shop", None),
            ("prepaid//points", None),
            ("prepaid/a/b/c", None),
            ("", None),
        ] {
            let pool = PoolId::parse(text);
            assert_eq!(pool, expected, "{text}");
            assert!(pool.as_ref().is_none_or(|pool| pool.to_string() == text));
            assert!(pool.is_none_or(|pool| pool.as_str() == text));
        }
    }
}
