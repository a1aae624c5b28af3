//! Principals and their keys, as text: what stands in `keys.json`.
//!
//! Version 1 held nothing but the operator's key. It is still read; whatever is written is version 2.

use std::num::NonZeroU32;

use jifen_engine::ledger::{MerchantId, Principal};
use serde::{Deserialize, Serialize};

use super::{
    allowance::{Limit, Rate},
    key::{Digest, KeyId},
    role::{Role, RoleName},
};

/// The principal that runs the server. Nobody else may be called so.
const OPERATOR: &str = "operator";
/// What the principals of imports begin with. Nobody else may be called so.
const IMPORT_PREFIX: &str = "import:";
/// The version that is written.
const VERSION: u32 = 2;

/// Everybody who has ever had a key.
#[derive(Clone, Debug, Default)]
pub struct KeyBook {
    holders: Vec<Holder>,
}

/// A principal with its keys.
#[derive(Clone, Debug)]
pub struct Holder {
    /// Who.
    pub principal: Principal,
    /// What it may do. It stays as it is, because the journal tells by its name who did what.
    pub role: Role,
    /// How much it may ask for; `None` is as much as it likes.
    pub limit: Option<Limit>,
    /// Its keys, the oldest first. Without any, nobody comes in as this principal.
    pub keys: Vec<KeyRecord>,
}

/// A key as it is kept.
#[derive(Clone, Debug)]
pub struct KeyRecord {
    /// What is kept of it.
    pub digest: Digest,
    /// When it was made, in RFC 3339; unknown of keys from before that was written down.
    pub made_at: Option<String>,
}

/// Why a book cannot be read or changed so.
#[derive(Debug, thiserror::Error)]
pub enum BookError {
    /// The text is no book.
    #[error("not a key file of this version: {0}")]
    Text(String),
    /// A name that others go by.
    #[error(
        "`operator` is the principal that runs the server, and names that begin with `import:` are those of imports: \
         choose another name"
    )]
    Reserved,
    /// The principal is known, and is something else.
    #[error(
        "{0} has another role or merchant already, which stays as it is because the journal tells by this name who \
         did what: choose another name"
    )]
    OtherRole(Principal),
    /// The principal is not known.
    #[error("there is no principal {0}")]
    NoSuchPrincipal(Principal),
    /// The key is not known.
    #[error("there is no key {0}; `jifen keys list` shows which there are")]
    NoSuchKey(KeyId),
}

impl KeyBook {
    /// Reads a book.
    pub fn read(text: &[u8]) -> Result<Self, BookError> {
        let wrong = |error: serde_json::Error| BookError::Text(error.to_string());
        let version: Version = serde_json::from_slice(text).map_err(wrong)?;
        match version.version {
            1 => Self::first(serde_json::from_slice(text).map_err(wrong)?),
            VERSION => Self::second(serde_json::from_slice(text).map_err(wrong)?),
            other => Err(BookError::Text(format!("version {other} is not known"))),
        }
    }

    fn first(text: FirstText) -> Result<Self, BookError> {
        let mut book = Self::default();
        for key in text.keys {
            if key.principal != OPERATOR || key.role != OPERATOR {
                return Err(BookError::Text(
                    "a key that is not the operator's".to_owned(),
                ));
            }
            book.add(&operator(), &Role::Operator, record(&key.blake3, None)?)?;
        }
        Ok(book)
    }

    fn second(text: Text) -> Result<Self, BookError> {
        let mut book = Self::default();
        for holder in text.principals {
            let holder = holder.parse()?;
            if book.holder(&holder.principal).is_some() {
                let name = holder.principal;
                return Err(BookError::Text(format!("{name} stands there twice")));
            }
            book.holders.push(holder);
        }
        Ok(book)
    }

    /// The book as text.
    pub fn write(&self) -> Result<Vec<u8>, serde_json::Error> {
        let principals = self.holders.iter().map(HolderText::of).collect();
        let text = Text {
            version: VERSION,
            principals,
        };
        let mut bytes = serde_json::to_vec_pretty(&text)?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Everybody, in the order in which they came.
    #[must_use]
    pub fn holders(&self) -> &[Holder] {
        &self.holders
    }

    /// A principal, if it is known.
    #[must_use]
    pub fn holder(&self, principal: &Principal) -> Option<&Holder> {
        self.holders.iter().find(|h| h.principal == *principal)
    }

    /// Whether somebody may come in as an operator.
    #[must_use]
    pub fn has_operator_key(&self) -> bool {
        let mut holders = self.holders.iter();
        holders.any(|holder| holder.role == Role::Operator && !holder.keys.is_empty())
    }

    /// Gives a principal a key. Who is not known yet is from now on.
    pub fn add(
        &mut self,
        principal: &Principal,
        role: &Role,
        key: KeyRecord,
    ) -> Result<(), BookError> {
        if is_reserved(principal, role) {
            return Err(BookError::Reserved);
        }
        let known = self.holders.iter_mut().find(|h| h.principal == *principal);
        match known {
            Some(holder) if holder.role != *role => {
                return Err(BookError::OtherRole(principal.clone()));
            }
            Some(holder) => holder.keys.push(key),
            None => self.holders.push(Holder {
                principal: principal.clone(),
                role: role.clone(),
                limit: None,
                keys: vec![key],
            }),
        }
        Ok(())
    }

    /// Takes a key back; tells whose it was.
    pub fn revoke(&mut self, id: &KeyId) -> Result<&Holder, BookError> {
        for holder in &mut self.holders {
            let place = holder.keys.iter().position(|key| key.digest.id() == *id);
            if let Some(place) = place {
                holder.keys.remove(place);
                return Ok(holder);
            }
        }
        Err(BookError::NoSuchKey(id.clone()))
    }

    /// Says how much a principal may ask for.
    pub fn limit(&mut self, principal: &Principal, limit: Option<Limit>) -> Result<(), BookError> {
        let mut holders = self.holders.iter_mut();
        let holder = holders.find(|holder| holder.principal == *principal);
        let holder = holder.ok_or_else(|| BookError::NoSuchPrincipal(principal.clone()))?;
        holder.limit = limit;
        Ok(())
    }
}

/// The principal that runs the server.
pub(super) fn operator() -> Principal {
    Principal::new(OPERATOR).expect("the name is in the alphabet")
}

/// Whether a name would be taken for somebody else's.
fn is_reserved(principal: &Principal, role: &Role) -> bool {
    let name = principal.as_str();
    name.starts_with(IMPORT_PREFIX) || (name == OPERATOR && *role != Role::Operator)
}

fn record(hex: &str, made_at: Option<String>) -> Result<KeyRecord, BookError> {
    let digest = Digest::from_hex(hex);
    let digest = digest.ok_or_else(|| BookError::Text("a digest that is none".to_owned()))?;
    Ok(KeyRecord { digest, made_at })
}

#[derive(Deserialize)]
struct Version {
    version: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstText {
    #[serde(rename = "version")]
    _version: u32,
    keys: Vec<FirstKey>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FirstKey {
    principal: String,
    role: String,
    blake3: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Text {
    version: u32,
    principals: Vec<HolderText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct HolderText {
    name: String,
    role: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    merchant: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    burst: Option<NonZeroU32>,
    keys: Vec<KeyText>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyText {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    made_at: Option<String>,
    blake3: String,
}

impl HolderText {
    fn of(holder: &Holder) -> Self {
        let keys = holder.keys.iter().map(|key| KeyText {
            made_at: key.made_at.clone(),
            blake3: key.digest.to_hex(),
        });
        Self {
            name: holder.principal.to_string(),
            role: holder.role.name().as_str().to_owned(),
            merchant: holder.role.merchant().map(ToString::to_string),
            rate: holder.limit.map(|limit| limit.rate.to_string()),
            burst: holder.limit.map(|limit| limit.burst),
            keys: keys.collect(),
        }
    }

    fn parse(self) -> Result<Holder, BookError> {
        let Self { name, .. } = &self;
        let wrong = |what: &str| BookError::Text(format!("of {name:?} {what}"));
        let principal =
            Principal::new(name).map_err(|error| wrong(&format!("the name {error}")))?;
        let merchant = self.merchant.as_deref().map(MerchantId::new).transpose();
        let merchant = merchant.map_err(|error| wrong(&format!("the merchant {error}")))?;
        let role = RoleName::from_word(&self.role).ok_or_else(|| wrong("the role is not known"))?;
        let role = Role::of(role, merchant);
        let role = role.ok_or_else(|| wrong("role and merchant do not go together"))?;
        if is_reserved(&principal, &role) {
            return Err(wrong("the name is not to be had"));
        }
        let rate = self.rate.as_deref().map(str::parse::<Rate>).transpose();
        let rate = rate.map_err(|error| wrong(&format!("the rate {error}")))?;
        let limit = match rate {
            Some(rate) => Some(
                Limit::new(rate, self.burst)
                    .ok_or_else(|| wrong("the burst is beyond the rate"))?,
            ),
            None if self.burst.is_some() => return Err(wrong("a burst needs a rate")),
            None => None,
        };
        let keys = self.keys.into_iter();
        let keys = keys.map(|key| record(&key.blake3, key.made_at));
        Ok(Holder {
            principal,
            role,
            limit,
            keys: keys.collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
mod tests;
