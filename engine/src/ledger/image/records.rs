//! How members and holds are written in images.

use bincode::{
    BorrowDecode, Encode,
    de::BorrowDecoder,
    enc::Encoder,
    error::{DecodeError, EncodeError},
};

use crate::ledger::{
    command::Seq,
    holds::Held,
    id::MemberId,
    members::{Member, MemberIndex},
    wallet::{Lot, Pending, Wallet},
};

/// The record of a slot. Memory is the limit, so encoding cannot fail.
pub(in crate::ledger) fn record(content: &impl Encode) -> Box<[u8]> {
    let mut bytes = Vec::new();
    write(&mut bytes, content);
    bytes.into()
}

/// Appends a record.
pub(super) fn write(out: &mut Vec<u8>, content: &impl Encode) {
    bincode::encode_into_std_write(content, out, bincode::config::standard())
        .expect("a vector takes everything");
}

/// What a record may take in memory: a wrong length must not ask for more than a machine could have.
const DECODED_BYTES_MAX: usize = 64 << 30;
/// What each byte of a record may take in memory: a list of empty things has at least a byte for each of them.
const DECODED_PER_BYTE_MAX: usize = 256;
/// The longest records for which that is looked at, in bytes; to the decoder a limit is a constant, so there are steps.
const SHORT: usize = 64 << 10;
const LONG: usize = 16 << 20;

/// Reads a record off the front.
pub(super) fn read<'a, T: BorrowDecode<'a, ()>>(bytes: &mut &'a [u8]) -> Result<T, DecodeError> {
    let config = bincode::config::standard();
    let (content, used) = if bytes.len() <= SHORT {
        let config = config.with_limit::<{ SHORT * DECODED_PER_BYTE_MAX }>();
        bincode::borrow_decode_from_slice(bytes, config)?
    } else if bytes.len() <= LONG {
        let config = config.with_limit::<{ LONG * DECODED_PER_BYTE_MAX }>();
        bincode::borrow_decode_from_slice(bytes, config)?
    } else {
        let config = config.with_limit::<DECODED_BYTES_MAX>();
        bincode::borrow_decode_from_slice(bytes, config)?
    };
    *bytes = &bytes[used..];
    Ok(content)
}

impl Encode for Member {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.id.encode(encoder)?;
        self.open_holds.encode(encoder)?;
        self.state.encode(encoder)?;
        self.attributes.encode(encoder)?;
        self.wallets.as_slice().encode(encoder)
    }
}

impl<'de, C> BorrowDecode<'de, C> for Member {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        Ok(Self {
            id: MemberId::borrow_decode(decoder)?,
            open_holds: u32::borrow_decode(decoder)?,
            state: BorrowDecode::borrow_decode(decoder)?,
            attributes: Option::borrow_decode(decoder)?,
            wallets: Vec::borrow_decode(decoder)?.into(),
        })
    }
}

impl Encode for Wallet {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.point_type.encode(encoder)?;
        self.balance.encode(encoder)?;
        self.lots.as_slice().encode(encoder)?;
        self.pending.encode(encoder)
    }
}

impl<'de, C> BorrowDecode<'de, C> for Wallet {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        Ok(Self {
            point_type: BorrowDecode::borrow_decode(decoder)?,
            balance: BorrowDecode::borrow_decode(decoder)?,
            lots: Vec::<Lot>::borrow_decode(decoder)?.into(),
            pending: Vec::<Pending>::borrow_decode(decoder)?,
        })
    }
}

impl Encode for Held {
    fn encode<E: Encoder>(&self, encoder: &mut E) -> Result<(), EncodeError> {
        self.seq.encode(encoder)?;
        self.member.0.encode(encoder)?;
        self.point_type.encode(encoder)?;
        self.merchant.encode(encoder)?;
        self.points.encode(encoder)?;
        self.captured.encode(encoder)?;
        self.released.encode(encoder)?;
        self.state.encode(encoder)?;
        self.expires_at.encode(encoder)?;
        self.shares.as_slice().encode(encoder)?;
        self.closed.encode(encoder)?;
        self.due_place.encode(encoder)?;
        self.stock.encode(encoder)
    }
}

/// A hold as version 1 wrote it.
pub(super) struct Held1(pub(super) Held);

impl<'de, C> BorrowDecode<'de, C> for Held {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        let Held1(held) = Held1::borrow_decode(decoder)?;
        Ok(Self {
            stock: Option::borrow_decode(decoder)?,
            ..held
        })
    }
}

impl<'de, C> BorrowDecode<'de, C> for Held1 {
    fn borrow_decode<D: BorrowDecoder<'de, Context = C>>(
        decoder: &mut D,
    ) -> Result<Self, DecodeError> {
        Ok(Self(Held {
            seq: Seq::borrow_decode(decoder)?,
            member: MemberIndex(u32::borrow_decode(decoder)?),
            point_type: BorrowDecode::borrow_decode(decoder)?,
            merchant: BorrowDecode::borrow_decode(decoder)?,
            points: BorrowDecode::borrow_decode(decoder)?,
            captured: BorrowDecode::borrow_decode(decoder)?,
            released: BorrowDecode::borrow_decode(decoder)?,
            state: BorrowDecode::borrow_decode(decoder)?,
            expires_at: BorrowDecode::borrow_decode(decoder)?,
            shares: Vec::borrow_decode(decoder)?.into(),
            closed: Option::borrow_decode(decoder)?,
            due_place: u32::borrow_decode(decoder)?,
            stock: None,
        }))
    }
}
