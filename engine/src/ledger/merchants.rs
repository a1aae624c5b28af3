//! Merchants: their documents, and this shard's stripe of their accounts.

use bincode::{BorrowDecode, Encode};
use smallvec::SmallVec;

use super::{
    command::PutMerchant,
    contract::{Contract, Contracts},
    decide::{Draft, Judged},
    entry::{Deed, Entry, Hint, Moves, Subject},
    id::MerchantId,
    message::Message,
    refusal::Code,
    state::Ledger,
    symbol::{Naming, Symbol},
    text::Text,
    time::{Day, UnixMillis},
};

/// What this shard has posted to a merchant for one point type. The sum over all shards is the merchant's balance:
/// nothing on the hot path is limited by it, so every shard keeps its own and a merchant at peak is no hot spot.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Encode, BorrowDecode)]
pub struct Stripe {
    /// The kind of points.
    pub point_type: Symbol,
    /// Points the merchant gave out.
    pub issued: u128,
    /// Points the merchant took.
    pub accepted: u128,
    /// Of the points given out, those whose earn was taken back.
    pub issued_reversed: u128,
    /// Of the points taken, those given back to the member.
    pub accepted_reversed: u128,
}

/// Who issues and accepts points.
#[derive(Clone, Debug)]
pub struct Merchant {
    /// The merchant's name in commands.
    pub id: MerchantId,
    /// The merchant's name for people.
    pub name: Text,
    /// 1, 2, 3 …, counted on shard 0.
    pub version: u64,
    /// What is agreed with it.
    pub contracts: Contracts,
    /// This shard's accounts, one per point type.
    pub stripes: SmallVec<[Stripe; 1]>,
}

impl Merchant {
    /// The document without this shard's accounts.
    #[must_use]
    pub fn document(&self) -> Document {
        Document {
            merchant: self.id.clone(),
            name: self.name.clone(),
            version: self.version,
            contracts: self.contracts.clone(),
        }
    }

    pub(super) fn stripe_mut(&mut self, point_type: Symbol) -> &mut Stripe {
        let at = self
            .stripes
            .iter()
            .position(|stripe| stripe.point_type == point_type)
            .unwrap_or_else(|| {
                self.stripes.push(Stripe {
                    point_type,
                    issued: 0,
                    accepted: 0,
                    issued_reversed: 0,
                    accepted_reversed: 0,
                });
                self.stripes.len() - 1
            });
        &mut self.stripes[at]
    }
}

/// The merchants that a shard knows, by their symbol.
#[derive(Default)]
pub(super) struct Merchants(Vec<Option<Box<Merchant>>>);

impl Merchants {
    pub(super) fn get(&self, symbol: Symbol) -> Option<&Merchant> {
        self.0.get(symbol.index())?.as_deref()
    }

    pub(super) fn get_mut(&mut self, symbol: Symbol) -> Option<&mut Merchant> {
        self.0.get_mut(symbol.index())?.as_deref_mut()
    }

    pub(super) fn put(&mut self, symbol: Symbol, id: &MerchantId, name: &Text, version: u64) {
        if self.0.len() <= symbol.index() {
            self.0.resize_with(symbol.index() + 1, || None);
        }
        match &mut self.0[symbol.index()] {
            Some(merchant) => {
                merchant.name = name.clone();
                merchant.version = version;
            }
            none => {
                *none = Some(Box::new(Merchant {
                    id: id.clone(),
                    name: name.clone(),
                    version,
                    contracts: Contracts::default(),
                    stripes: SmallVec::new(),
                }));
            }
        }
    }

    pub(super) fn numbered_mut(&mut self, number: u32) -> Option<&mut Merchant> {
        self.0.get_mut(number as usize)?.as_deref_mut()
    }

    /// All merchants in the order in which the shard met them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Merchant> {
        self.0.iter().flatten().map(AsRef::as_ref)
    }

    /// All merchants with the numbers of their symbols.
    pub(super) fn iter_numbered(&self) -> impl Iterator<Item = (u32, &Merchant)> {
        let numbered = (0..).zip(&self.0);
        numbered.filter_map(|(number, merchant)| Some((number, merchant.as_deref()?)))
    }
}

/// A version of a document, on its way from shard 0 to the others.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Document {
    /// Whose document.
    pub merchant: MerchantId,
    /// The merchant's name for people.
    pub name: Text,
    /// Which version.
    pub version: u64,
    /// What is agreed.
    pub contracts: Contracts,
}

impl Ledger {
    /// A merchant's document as it stands.
    #[must_use]
    pub fn document(&self, id: &MerchantId) -> Option<Document> {
        self.merchant(id).map(Merchant::document)
    }

    /// The entry that puts a document of shard 0 in place here; `None` if it is here already, or a newer one is.
    #[must_use]
    pub fn decide_carried(&self, at: UnixMillis, document: &Document) -> Option<Entry> {
        let known = self.merchant(&document.merchant);
        if known.is_some_and(|merchant| merchant.version >= document.version) {
            return None;
        }
        let mut naming = Naming::new(&self.symbols);
        naming.symbol(document.merchant.as_str());
        Some(Entry {
            seq: self.last_seq().next(),
            at: at.max(self.last_at()),
            origin: None,
            subject: Subject::Merchant(document.merchant.clone()),
            defines: naming.into_fresh(),
            deed: Deed::MerchantPut {
                name: document.name.clone(),
                version: document.version,
                changed: true,
            },
            moves: Moves::new(),
            after: None,
            course: None,
            hint: Hint::default(),
        })
    }

    pub(super) fn judge_put_merchant(&self, draft: &mut Draft<'_>, put: &PutMerchant) -> Judged {
        draft.naming.symbol(put.merchant.as_str());
        let known = self.merchant(&put.merchant);
        if let Some((from, contract)) = &put.contract {
            return self.judge_contract(draft, put, *from, contract);
        }
        let changed = known.is_none_or(|merchant| merchant.name != put.name);
        let version = known.map_or(0, |merchant| merchant.version) + u64::from(changed);
        if changed {
            let merchant = draft.naming.symbol(put.merchant.as_str());
            self.carry(
                draft,
                Message::Merchant {
                    merchant,
                    name: put.name.clone(),
                    version,
                },
            );
        }
        Ok(Deed::MerchantPut {
            name: put.name.clone(),
            version,
            changed,
        })
    }

    fn judge_contract(
        &self,
        draft: &mut Draft<'_>,
        put: &PutMerchant,
        from: Day,
        contract: &Contract,
    ) -> Judged {
        let known = self.merchant(&put.merchant);
        let with = known.map(|merchant| merchant.contracts.with(from, contract));
        let agreed = with.is_some() && with.as_ref() == known.map(|merchant| &merchant.contracts);
        let changed = !agreed || known.is_none_or(|merchant| merchant.name != put.name);
        if !agreed {
            self.may_contract(from)?;
        }
        if let (Some(known), Some(with)) = (known, &with) {
            self.may_bill(draft, (&known.contracts, with))?;
        }
        let version = known.map_or(0, |merchant| merchant.version) + u64::from(changed);
        if changed {
            let merchant = draft.naming.symbol(put.merchant.as_str());
            self.carry(
                draft,
                Message::Contract {
                    merchant,
                    name: put.name.clone(),
                    version,
                    from,
                    contract: Box::new(contract.clone()),
                },
            );
        }
        Ok(Deed::MerchantContracted {
            name: put.name.clone(),
            version,
            changed,
            from,
            contract: Box::new(contract.clone()),
        })
    }

    /// The symbol of a merchant that may be used, if the shard has its document.
    pub(super) fn merchant_symbol(&self, id: &MerchantId) -> Result<Symbol, Code> {
        self.symbols
            .find(id.as_str())
            .filter(|&symbol| self.merchants.get(symbol).is_some())
            .ok_or(Code::MerchantNotFound)
    }

    /// A merchant's document and this shard's stripe of its accounts.
    #[must_use]
    pub fn merchant(&self, id: &MerchantId) -> Option<&Merchant> {
        self.merchants.get(self.symbols.find(id.as_str())?)
    }
}
