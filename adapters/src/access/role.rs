//! The roles that principals have.

use jifen_engine::ledger::MerchantId;

/// What a principal is to the programme.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// Runs the programme: everything.
    Operator,
    /// Issues and accepts points: what concerns this merchant and no other.
    Merchant(MerchantId),
    /// Serves members: their accounts, and what they set aside.
    Storefront,
    /// Looks, and changes nothing.
    Auditor,
}

/// A role without the merchant that it may be about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum RoleName {
    /// Everything.
    Operator,
    /// Commands and reads for one merchant.
    Merchant,
    /// Members and their holds.
    Storefront,
    /// Reads.
    Auditor,
}

impl Role {
    /// Which one, whatever the merchant.
    #[must_use]
    pub const fn name(&self) -> RoleName {
        match self {
            Self::Operator => RoleName::Operator,
            Self::Merchant(_) => RoleName::Merchant,
            Self::Storefront => RoleName::Storefront,
            Self::Auditor => RoleName::Auditor,
        }
    }

    /// The merchant that it is about.
    #[must_use]
    pub const fn merchant(&self) -> Option<&MerchantId> {
        match self {
            Self::Merchant(merchant) => Some(merchant),
            _ => None,
        }
    }

    /// The role of that name; `None` if it lacks its merchant, or has one that it cannot have.
    #[must_use]
    pub fn of(name: RoleName, merchant: Option<MerchantId>) -> Option<Self> {
        match (name, merchant) {
            (RoleName::Operator, None) => Some(Self::Operator),
            (RoleName::Merchant, Some(merchant)) => Some(Self::Merchant(merchant)),
            (RoleName::Storefront, None) => Some(Self::Storefront),
            (RoleName::Auditor, None) => Some(Self::Auditor),
            _ => None,
        }
    }
}

impl RoleName {
    /// Every role, in the order in which they are shown.
    pub const ALL: [Self; 4] = [
        Self::Operator,
        Self::Merchant,
        Self::Storefront,
        Self::Auditor,
    ];

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Operator => "operator",
            Self::Merchant => "merchant",
            Self::Storefront => "storefront",
            Self::Auditor => "auditor",
        }
    }

    /// The role that a word means.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|name| name.as_str() == word)
    }
}
