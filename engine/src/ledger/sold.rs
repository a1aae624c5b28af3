//! What was sold: the sales of a shard in their order, and which codes of them were used.

use std::collections::BTreeSet;

use bincode::{
    BorrowDecode, Encode,
    de::BorrowDecoder,
    enc::Encoder,
    error::{DecodeError, EncodeError},
};

use super::{
    command::Seq,
    image::{Touched, record},
    members::MemberIndex,
    slots::Slots,
    sold_code::SaleSecret,
    symbol::Symbol,
};
use crate::pool::Units;

/// Units that were sold together, and their codes. Never forgotten, so it is to fit into one line of memory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sale {
    /// The entry that sold them.
    pub(super) seq: Seq,
    /// The entry that made the reservation.
    pub reservation: Seq,
    /// Of what.
    pub sku: Symbol,
    /// To whom.
    pub(super) member: MemberIndex,
    /// How many.
    pub quantity: Units,
    /// What the codes are made of.
    pub(super) secret: SaleSecret,
    /// The units whose codes were used.
    used: UnitSet,
    /// Whether the codes are void.
    pub revoked: bool,
    /// Whether the units went back into the pool.
    pub returned: bool,
}

const _: () = assert!(size_of::<Sale>() <= 64);

impl Sale {
    const fn new(
        seq: Seq,
        member: MemberIndex,
        (reservation, sku, quantity): (Seq, Symbol, Units),
        secret: SaleSecret,
    ) -> Self {
        Self {
            seq,
            reservation,
            sku,
            member,
            quantity,
            secret,
            used: UnitSet::NONE,
            revoked: false,
            returned: false,
        }
    }

    /// Whether the code of this unit was used.
    #[must_use]
    pub fn is_used(&self, unit: u16) -> bool {
        self.used.has(unit)
    }

    /// Whether any code was used.
    #[must_use]
    pub fn was_used(&self) -> bool {
        self.used.len() > 0
    }
}

/// Some of the units of a sale, by a bit for each. Nearly all sales are of a few.
#[derive(Clone, Debug, PartialEq, Eq)]
enum UnitSet {
    Few(u64),
    Many(Box<[u64]>),
}

impl UnitSet {
    const NONE: Self = Self::Few(0);

    fn words(&self) -> &[u64] {
        match self {
            Self::Few(word) => std::slice::from_ref(word),
            Self::Many(words) => words,
        }
    }

    fn len(&self) -> u64 {
        let bits = self.words().iter().map(|word| word.count_ones());
        bits.sum::<u32>().into()
    }

    fn has(&self, unit: u16) -> bool {
        let word = self.words().get(usize::from(unit / 64));
        word.is_some_and(|word| word >> (unit % 64) & 1 == 1)
    }

    fn add(&mut self, unit: u16) {
        let at = usize::from(unit / 64);
        if at >= self.words().len() {
            let mut words = self.words().to_vec();
            words.resize(at + 1, 0);
            *self = Self::Many(words.into());
        }
        let word = match self {
            Self::Few(word) => word,
            Self::Many(words) => &mut words[at],
        };
        *word |= 1 << (unit % 64);
    }

    /// In ascending order.
    fn iter(&self) -> impl Iterator<Item = u16> {
        (0..).zip(self.words()).flat_map(|(at, &word)| {
            let mut rest = word;
            std::iter::from_fn(move || {
                let first = u16::try_from(rest.trailing_zeros()).ok()?;
                rest &= rest.checked_sub(1)?;
                Some(at * 64 + first)
            })
        })
    }
}

/// As images and state hashes always had it: in front the entry that sold.
impl Encode for Sale {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.seq.encode(encoder)?;
        self.reservation.encode(encoder)?;
        self.sku.encode(encoder)?;
        self.member.0.encode(encoder)?;
        self.quantity.encode(encoder)?;
        self.secret.encode(encoder)?;
        self.used.len().encode(encoder)?;
        for unit in self.used.iter() {
            unit.encode(encoder)?;
        }
        self.revoked.encode(encoder)?;
        self.returned.encode(encoder)
    }
}

impl<'de, C> BorrowDecode<'de, C> for Sale {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        let seq = Seq::borrow_decode(decoder)?;
        let reservation = Seq::borrow_decode(decoder)?;
        let sku = Symbol::borrow_decode(decoder)?;
        let member = MemberIndex(u32::borrow_decode(decoder)?);
        let quantity = Units::borrow_decode(decoder)?;
        let secret = SaleSecret::borrow_decode(decoder)?;
        let mut sale = Self::new(seq, member, (reservation, sku, quantity), secret);
        for unit in BTreeSet::<u16>::borrow_decode(decoder)? {
            if u64::from(unit) >= quantity.get() {
                return Err(DecodeError::Other("a unit was used that was not sold"));
            }
            sale.used.add(unit);
        }
        sale.revoked = bool::borrow_decode(decoder)?;
        sale.returned = bool::borrow_decode(decoder)?;
        Ok(sale)
    }
}

/// The sales of a shard, in the order of the entries that sold.
#[derive(Default)]
pub(super) struct Sold {
    slots: Slots<Sale>,
    touched: Touched,
}

impl Sold {
    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    /// An entry sells units; it is behind all that did before.
    pub(super) fn sell(
        &mut self,
        seq: Seq,
        member: MemberIndex,
        what: (Seq, Symbol, Units),
        secret: SaleSecret,
    ) {
        self.touched.add(number(self.slots.len()));
        self.slots.push(Sale::new(seq, member, what, secret));
    }

    pub(super) fn find(&self, seq: Seq) -> Option<&Sale> {
        let sale = self.slots.get(self.first_from(seq))?;
        (sale.seq == seq).then_some(sale)
    }

    pub(super) fn use_code(&mut self, seq: Seq, unit: u16) {
        if let Some(sale) = self.find_mut(seq) {
            sale.used.add(unit);
        }
    }

    pub(super) fn take_back(&mut self, seq: Seq, revoked: bool, returned: bool) {
        if let Some(sale) = self.find_mut(seq) {
            sale.revoked |= revoked;
            sale.returned |= returned;
        }
    }

    /// A sale that is about to change.
    fn find_mut(&mut self, seq: Seq) -> Option<&mut Sale> {
        let slot = self.first_from(seq);
        self.slots.get(slot).filter(|sale| sale.seq == seq)?;
        let sale = &mut self.slots[slot];
        self.touched.touch(number(slot), || record(sale));
        Some(sale)
    }

    /// Where the first sale is that is not before an entry.
    fn first_from(&self, seq: Seq) -> usize {
        self.slots.partition_point(|sale| sale.seq < seq)
    }

    /// The sales that are not before an entry, in order.
    pub(super) fn not_before(&self, seq: Seq) -> impl Iterator<Item = &Sale> {
        (self.first_from(seq)..self.slots.len()).map(|slot| &self.slots[slot])
    }

    /// All sales, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Sale> {
        self.slots.iter()
    }

    /// The sales by slot, and what an image has to know of them.
    pub(super) fn slots(&mut self) -> (&Slots<Sale>, &mut Touched) {
        (&self.slots, &mut self.touched)
    }

    /// Sales by slot, as an image has them, to so many members; `None` if they contradict each other.
    pub(super) fn restored(slots: Slots<Sale>, members: usize) -> Option<Self> {
        if !slots.iter().is_sorted_by(|a, b| a.seq < b.seq)
            || slots.iter().any(|sale| sale.member.0 as usize >= members)
        {
            return None;
        }
        Some(Self {
            slots,
            touched: Touched::default(),
        })
    }
}

fn number(slot: usize) -> u32 {
    u32::try_from(slot).expect("fewer than 2^32 sales in a shard")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(count: u64) -> Units {
        Units::new(count).expect("small")
    }

    fn sold(seqs: &[u64], quantity: u64) -> Sold {
        let mut sold = Sold::default();
        for &seq in seqs {
            let what = (Seq(seq - 1), Symbol::at(7), units(quantity));
            sold.sell(Seq(seq), MemberIndex(5), what, seq << 40);
        }
        sold
    }

    fn read(written: &[u8]) -> Option<Sale> {
        let read = bincode::borrow_decode_from_slice(written, bincode::config::standard());
        read.ok().map(|(sale, _)| sale)
    }

    #[test]
    fn sales_are_found_by_their_entries_and_in_their_order() {
        let seqs: Vec<u64> = (1..3_000).map(|n| 3 * n).collect();
        let sold = sold(&seqs, 1);
        for seq in 0..9_010 {
            let found = sold.find(Seq(seq)).map(|sale| sale.seq.0);
            assert_eq!(found, seqs.contains(&seq).then_some(seq));
        }
        for from in [0, 3, 4, 3_072, 8_997, 8_998] {
            let behind = sold.not_before(Seq(from)).map(|sale| sale.seq.0);
            assert!(behind.eq(seqs.iter().copied().filter(|seq| *seq >= from)));
        }
    }

    /// Goal: hashes and images of before mean the same. Method: a sale is written as its parts always were, with a set of units.
    #[test]
    fn a_sale_is_written_as_it_always_was() {
        for used in [&[][..], &[0], &[63], &[2, 0, 1], &[64], &[3, 999, 64, 127]] {
            let mut sold = sold(&[10], 1_000);
            for &unit in used {
                assert!(!sold.find(Seq(10)).expect("sold").is_used(unit));
                sold.use_code(Seq(10), unit);
            }
            sold.take_back(Seq(10), true, false);
            let sale = sold.find(Seq(10)).expect("sold");
            assert!((0..=u16::MAX).all(|unit| sale.is_used(unit) == used.contains(&unit)));
            assert_eq!(sale.was_used(), !used.is_empty());
            let set: BTreeSet<u16> = used.iter().copied().collect();
            let what = (Symbol::at(7), 5_u32, units(1_000), 10_u64 << 40);
            let was = record(&(Seq(10), Seq(9), what, set, true, false));
            assert_eq!(record(sale), was);
            assert_eq!(read(&was).as_ref(), Some(sale));
        }
    }

    #[test]
    fn sales_that_contradict_each_other_are_refused() {
        let slots = |seqs: &[u64]| sold(seqs, 1).slots;
        assert!(Sold::restored(slots(&[3, 4, 9]), 6).is_some());
        assert!(Sold::restored(slots(&[3, 4, 9]), 5).is_none(), "to whom?");
        assert!(Sold::restored(slots(&[3, 9, 4]), 6).is_none());
        assert!(Sold::restored(slots(&[3, 3, 9]), 6).is_none());
        let mut sold = sold(&[3], 2);
        sold.use_code(Seq(3), 2);
        let written = record(sold.find(Seq(3)).expect("sold"));
        assert_eq!(read(&written), None, "there were two units");
    }
}
