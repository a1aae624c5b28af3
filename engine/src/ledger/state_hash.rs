//! One number for a whole shard: equal histories give equal hashes, and a difference anywhere changes it.

use std::fmt;

use super::{
    holds::Held,
    members::Member,
    merchants::Merchant,
    state::Ledger,
    text::Labels,
    wallet::{Lot, Wallet},
};

/// A digest of a shard's whole state.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct StateHash([u8; 32]);

impl fmt::Display for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for StateHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// Writes values so that no two sequences of them look alike: numbers have one width, texts their length in front.
#[derive(Default)]
struct Digest(blake3::Hasher);

impl Digest {
    fn number(&mut self, value: u64) {
        self.0.update(&value.to_be_bytes());
    }

    fn wide(&mut self, value: u128) {
        self.0.update(&value.to_be_bytes());
    }

    fn bytes(&mut self, bytes: &[u8]) {
        self.number(bytes.len() as u64);
        self.0.update(bytes);
    }

    /// Something whose encoded form says where it ends.
    fn encoded(&mut self, content: &impl bincode::Encode) {
        self.bytes(&super::image::record(content));
    }

    fn text(&mut self, text: &str) {
        self.bytes(text.as_bytes());
    }
}

impl Ledger {
    /// The hash of everything that decisions depend on. Walks the whole state: for tests, checkpoints and audits.
    #[must_use]
    pub fn state_hash(&self) -> StateHash {
        let mut digest = self.digest();
        self.digest_daybook(&mut digest);
        StateHash(*digest.0.finalize().as_bytes())
    }

    fn digest(&self) -> Digest {
        let mut digest = Digest::default();
        digest.number(u64::from(self.shard.0));
        digest.number(self.last_seq().0);
        digest.number(self.last_at().0);
        digest.number(self.symbols.len() as u64);
        self.symbols.iter().for_each(|name| digest.text(name));
        self.merchants.iter().for_each(|m| merchant(&mut digest, m));
        self.members.iter().for_each(|m| member(&mut digest, m));
        self.holds
            .iter_open()
            .for_each(|held| hold(&mut digest, held));
        self.holds
            .iter_closed()
            .for_each(|held| hold(&mut digest, held));
        digest.number(self.reversals.len() as u64);
        for (seq, points) in self.reversals.iter() {
            digest.number(seq.0);
            digest.number(points.get());
        }
        for stripe in self.system.iter() {
            digest.number(stripe.point_type.index() as u64);
            digest.wide(stripe.breakage);
            digest.wide(stripe.adjusted_up);
            digest.wide(stripe.adjusted_down);
        }
        self.digest_beyond(&mut digest);
        digest.number(self.requests.len());
        self.requests
            .records()
            .for_each(|record| digest.bytes(record));
        digest
    }

    fn digest_daybook(&self, digest: &mut Digest) {
        let image = self.daybook.image();
        digest.number(image.from.0);
        digest.number(image.before_open.0);
        digest.encoded(&image.open);
        image.over.iter().for_each(|day| digest.encoded(&**day));
        digest.encoded(&image.settled);
        for merchant in self
            .merchants
            .iter()
            .filter(|one| !one.contracts.is_empty())
        {
            digest.text(merchant.id.as_str());
            digest.encoded(&merchant.contracts);
        }
        if !self.clearing.is_empty() {
            let book = &self.clearing;
            digest.encoded(&(&book.settlements, &book.corrections));
            // Older hashes have none.
            book.packs.iter().for_each(|pack| digest.encoded(pack));
        }
    }

    /// What has to do with other shards and with sales; nothing where there is none of it. Which messages are still kept depends
    /// on when others acknowledged them, so only the counters count.
    fn digest_beyond(&self, digest: &mut Digest) {
        for (shard, sent, received) in self.links.counts() {
            if sent + received > 0 {
                digest.number(u64::from(shard.0));
                digest.number(sent);
                digest.number(received);
            }
        }
        for (ticket, underway) in self.errands.iter() {
            digest.number(ticket.0);
            digest.encoded(underway);
        }
        let stocks = &self.stocks;
        stocks.iter().for_each(|stock| digest.encoded(&stock));
        for ((sku, member), units) in stocks.all_bought() {
            digest.encoded(&(sku, member.0, units));
        }
        stocks.sold.iter().for_each(|sale| digest.encoded(sale));
        if self.transit.stripes().next().is_some() {
            digest.encoded(&self.transit);
        }
    }
}

fn merchant(digest: &mut Digest, merchant: &Merchant) {
    digest.text(merchant.id.as_str());
    digest.text(merchant.name.as_str());
    digest.number(merchant.version);
    digest.number(merchant.stripes.len() as u64);
    for stripe in &merchant.stripes {
        digest.number(stripe.point_type.index() as u64);
        digest.wide(stripe.issued);
        digest.wide(stripe.accepted);
        digest.wide(stripe.issued_reversed);
        digest.wide(stripe.accepted_reversed);
    }
}

fn member(digest: &mut Digest, member: &Member) {
    digest.text(member.id().as_str());
    digest.number(u64::from(member.open_holds()));
    digest.text(member.state().name());
    digest.number(
        member
            .attributes
            .as_ref()
            .map_or(0, |labels| labels.iter().len() as u64),
    );
    for (key, value) in member.attributes.iter().flat_map(Labels::iter) {
        digest.text(key);
        digest.text(value);
    }
    digest.number(member.wallets().len() as u64);
    member.wallets().iter().for_each(|w| wallet(digest, w));
}

fn wallet(digest: &mut Digest, wallet: &Wallet) {
    digest.number(wallet.point_type().index() as u64);
    let balance = wallet.balance();
    for part in [
        balance.available,
        balance.held,
        balance.pending,
        balance.owed,
    ] {
        digest.number(part.get());
    }
    digest.number(wallet.lots().len() as u64);
    wallet.lots().iter().for_each(|l| lot(digest, l));
    digest.number(wallet.pending().len() as u64);
    for part in wallet.pending() {
        digest.number(part.releases_at.0);
        digest.number(part.earn.0);
        lot(
            digest,
            &Lot {
                name: part.lot,
                available: part.points,
                held: part.points,
            },
        );
    }
}

fn lot(digest: &mut Digest, lot: &Lot) {
    let key = lot.name.key;
    digest.number(key.issuer.index() as u64);
    digest.number(key.class.index() as u64);
    digest.number(key.last_day.days_since_1970().map_or(u64::MAX, u64::from));
    digest.number(lot.name.first_earned.0);
    digest.number(lot.available.get());
    digest.number(lot.held.get());
}

fn hold(digest: &mut Digest, held: &Held) {
    digest.number(held.seq.0);
    digest.number(u64::from(held.member.0));
    digest.number(held.point_type.index() as u64);
    digest.number(held.merchant.index() as u64);
    for part in [held.points, held.captured, held.released] {
        digest.number(part.get());
    }
    digest.text(held.state.name());
    digest.number(held.expires_at.0);
    if let Some(stock) = &held.stock {
        digest.encoded(stock);
    }
    digest.number(held.shares.len() as u64);
    for share in &held.shares {
        lot(
            digest,
            &Lot {
                name: share.lot,
                available: share.points,
                held: share.points,
            },
        );
    }
}
