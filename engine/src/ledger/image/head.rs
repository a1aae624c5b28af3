//! The part of an image that is copied at once.

use std::ops::Range;

use bincode::{BorrowDecode, Encode};

use super::{Extent, HEAD, ImageError, VERSION, beyond, records};
use crate::ledger::{
    accounts::{SystemStripe, SystemStripes},
    amount::Points,
    command::{Seq, ShardIndex},
    id::MerchantId,
    merchants::{Merchants, Stripe},
    records::RecordsHead,
    reversals::Reversals,
    rules::Rules,
    state::Ledger,
    symbol::Symbols,
    text::Text,
    time::UnixMillis,
};

#[derive(Encode, BorrowDecode)]
pub(super) struct Head<'a> {
    version: u8,
    shard: ShardIndex,
    pub(super) since: Option<Seq>,
    pub(super) seq: Seq,
    pub(super) at: UnixMillis,
    chunk_bytes: u64,
    pub(super) members: u64,
    pub(super) holds: u64,
    names: Vec<&'a str>,
    merchants: Vec<(u32, Text, u64, Vec<Stripe>)>,
    system: Vec<SystemStripe>,
    reversals: Vec<(Seq, Points)>,
    pub(super) records: RecordsHead<'a>,
}

pub(super) fn of(ledger: &mut Ledger, extent: Extent) -> Vec<u8> {
    let members = ledger.members.slots().0.len() as u64;
    let holds = ledger.holds.slots().0.len() as u64;
    let head = Head {
        version: VERSION,
        shard: ledger.shard(),
        since: match extent {
            Extent::Whole => None,
            Extent::Since(seq) => Some(seq),
        },
        seq: ledger.last_seq(),
        at: ledger.last_at(),
        chunk_bytes: ledger.rules.record_chunk_bytes as u64,
        members,
        holds,
        names: ledger.symbols.iter().collect(),
        merchants: ledger
            .merchants
            .iter_numbered()
            .map(|(symbol, merchant)| {
                let stripes = merchant.stripes.to_vec();
                (symbol, merchant.name.clone(), merchant.version, stripes)
            })
            .collect(),
        system: ledger.system.iter().copied().collect(),
        reversals: ledger.reversals.iter().collect(),
        records: ledger.requests.image(),
    };
    let mut part = vec![HEAD];
    records::write(&mut part, &head);
    beyond::write(&mut part, ledger);
    part
}

/// The numbers of the chunks that an image names, of which this is the first part. Of an image with increments only what the
/// last of these names has to be there.
pub fn chunks_named(part: &[u8]) -> Result<Range<u64>, ImageError> {
    let Some((&HEAD, mut content)) = part.split_first() else {
        return Err(ImageError::Incomplete("it has no head"));
    };
    let head: Head<'_> = records::read(&mut content)?;
    head.check_version()?;
    Ok(head.records.named())
}

impl Head<'_> {
    /// Whether an image of this head can be restored by this program, for this shard, under these rules.
    pub(super) fn check(&self, shard: ShardIndex, rules: &Rules) -> Result<(), ImageError> {
        self.check_version()?;
        if self.shard != shard {
            let what = format!("it is of shard {}, not {}", self.shard.0, shard.0);
            return Err(ImageError::Foreign(what));
        }
        if self.chunk_bytes != rules.record_chunk_bytes as u64 {
            let what = format!("its chunks of records have {} bytes", self.chunk_bytes);
            return Err(ImageError::Foreign(what));
        }
        Ok(())
    }

    fn check_version(&self) -> Result<(), ImageError> {
        if (1..=VERSION).contains(&self.version) {
            return Ok(());
        }
        let what = format!("its version is {}, not 1 to {VERSION}", self.version);
        Err(ImageError::Foreign(what))
    }

    /// Whether links, errands, stocks and transit stand behind it.
    pub(super) const fn has_beyond(&self) -> bool {
        self.version > 1
    }

    /// Whether contracts and settlements stand behind those.
    pub(super) const fn has_clearing(&self) -> bool {
        self.version > 2
    }

    /// Whether points that were bought ahead stand behind those.
    pub(super) const fn has_packs(&self) -> bool {
        self.version > 3
    }

    /// Whether what was sold has parts of its own and is not in what stands behind it.
    pub(super) const fn has_sales_apart(&self) -> bool {
        self.version > 4
    }

    /// Puts everything but members, holds and records in place.
    pub(super) fn restore(&self, ledger: &mut Ledger) -> Result<(), ImageError> {
        let mut symbols = Symbols::default();
        for &name in &self.names {
            if symbols.find(name).is_some() {
                return Err(ImageError::Incomplete("a name has two numbers"));
            }
            symbols.define(name.into());
        }
        let mut merchants = Merchants::default();
        for (number, name, version, stripes) in &self.merchants {
            let id = self.names.get(*number as usize);
            let id = id.and_then(|id| MerchantId::new(id).ok());
            let id = id.ok_or(ImageError::Incomplete("a merchant has no name"))?;
            let symbol = symbols.find(id.as_str());
            let symbol = symbol.ok_or(ImageError::Incomplete("a merchant has no number"))?;
            merchants.put(symbol, &id, name, *version);
            if let Some(merchant) = merchants.get_mut(symbol) {
                merchant.stripes = stripes.as_slice().into();
            }
        }
        let mut reversals = Reversals::default();
        for &(seq, points) in &self.reversals {
            if !reversals.of(seq).is_zero() {
                return Err(ImageError::Incomplete(
                    "a transaction is reversed in two places",
                ));
            }
            reversals.add(seq, points);
        }
        ledger.symbols = symbols;
        ledger.find_kinds();
        ledger.merchants = merchants;
        ledger.reversals = reversals;
        ledger.system = SystemStripes::restored(&self.system);
        Ok(())
    }
}
