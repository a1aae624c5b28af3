//! The members of a shard.

use bincode::{BorrowDecode, Encode};
use smallvec::SmallVec;

use super::{
    entry::Hint,
    id::MemberId,
    image::{Touched, record},
    slots::Slots,
    split_table::SplitTable,
    symbol::{Symbol, hash},
    text::Labels,
    wallet::{Balance, Lot, Wallet},
};

/// A member's place in the shard, in the order of enrolment.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct MemberIndex(pub(super) u32);

/// What a member may do. The order of the variants stands in images: add at the end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub enum MemberState {
    /// Everything.
    #[default]
    Active,
    /// Earn, and not spend.
    Frozen,
    /// Neither; for good.
    Closed,
}

impl MemberState {
    /// The word of the wire contract.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Frozen => "frozen",
            Self::Closed => "closed",
        }
    }
}

/// Who owns points.
#[derive(Clone, Debug)]
pub struct Member {
    pub(super) id: MemberId,
    pub(super) open_holds: u32,
    pub(super) state: MemberState,
    pub(super) attributes: Option<Labels>,
    /// One per point type the member has met, in that order. Nearly everybody has one.
    pub(super) wallets: SmallVec<[Wallet; 1]>,
}

impl Member {
    /// The member's name.
    #[must_use]
    pub const fn id(&self) -> &MemberId {
        &self.id
    }

    /// The member's points, a wallet per point type.
    #[must_use]
    pub fn wallets(&self) -> &[Wallet] {
        &self.wallets
    }

    /// What the member may do.
    #[must_use]
    pub const fn state(&self) -> MemberState {
        self.state
    }

    /// How many holds are open.
    #[must_use]
    pub const fn open_holds(&self) -> u32 {
        self.open_holds
    }

    /// Reads what most commands about the member read.
    pub(super) fn glance(&self) -> usize {
        let lots = self.wallets.first().map_or(0, |wallet| {
            usize::from(wallet.lots().first().is_some_and(Lot::is_empty))
        });
        lots + self.id.as_str().len()
    }

    pub(super) fn wallet(&self, point_type: Symbol) -> Option<&Wallet> {
        self.wallets
            .iter()
            .find(|wallet| wallet.point_type() == point_type)
    }

    pub(super) fn wallet_mut(&mut self, point_type: Symbol) -> &mut Wallet {
        let at = self
            .wallets
            .iter()
            .position(|wallet| wallet.point_type() == point_type)
            .unwrap_or_else(|| {
                self.wallets.push(Wallet::new(point_type));
                self.wallets.len() - 1
            });
        &mut self.wallets[at]
    }

    pub(super) fn balance(&self, point_type: Symbol) -> Balance {
        self.wallet(point_type)
            .map(Wallet::balance)
            .unwrap_or_default()
    }
}

/// The members of a shard, found by name.
#[derive(Default)]
pub(super) struct Members {
    members: Slots<Member>,
    index: SplitTable,
    hasher: foldhash::quality::RandomState,
    touched: Touched,
}

impl Members {
    pub(super) fn find(&self, id: &MemberId) -> Option<MemberIndex> {
        self.index
            .find(self.hash(id), |at| self.members[at as usize].id == *id)
            .map(MemberIndex)
    }

    /// The same, where the member probably is known.
    pub(super) fn find_near(&self, Hint(probably): Hint, id: &MemberId) -> Option<MemberIndex> {
        let here = |at: &MemberIndex| {
            let member = self.members.get(at.0 as usize);
            member.is_some_and(|member| member.id == *id)
        };
        probably.filter(here).or_else(|| self.find(id))
    }

    pub(super) fn hash(&self, id: &MemberId) -> u64 {
        hash(&self.hasher, id.as_str())
    }

    /// Reads where a member with this hash would be found.
    pub(super) fn glance(&self, hash: u64) -> u64 {
        self.index.glance(hash)
    }

    /// Who a member with this hash nearly certainly is.
    pub(super) fn likely(&self, hash: u64) -> Option<MemberIndex> {
        self.index.find(hash, |_| true).map(MemberIndex)
    }

    pub(super) fn get(&self, at: MemberIndex) -> &Member {
        &self.members[at.0 as usize]
    }

    pub(super) fn get_mut(&mut self, at: MemberIndex) -> &mut Member {
        let member = &mut self.members[at.0 as usize];
        self.touched.touch(at.0, || record(member));
        member
    }

    pub(super) fn enrol(&mut self, id: MemberId) -> MemberIndex {
        let at = u32::try_from(self.members.len()).expect("fewer than 2^32 members in a shard");
        self.index.insert(self.hash(&id), at);
        self.touched.add(at);
        self.members.push(Member {
            id,
            open_holds: 0,
            state: MemberState::Active,
            attributes: None,
            wallets: SmallVec::new(),
        });
        MemberIndex(at)
    }

    pub(super) fn len(&self) -> usize {
        self.members.len()
    }

    /// All members in the order of enrolment.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Member> {
        self.members.iter()
    }

    /// The members by place, and what an image has to know of them.
    pub(super) fn slots(&mut self) -> (&Slots<Member>, &mut Touched) {
        (&self.members, &mut self.touched)
    }

    /// Members in the order of enrolment, as an image holds them; `None` if two have the same name.
    pub(super) fn restored(members: Slots<Member>) -> Option<Self> {
        let mut this = Self::default();
        for (at, member) in (0_u32..).zip(members.iter()) {
            let hash = this.hash(&member.id);
            let known = this
                .index
                .find(hash, |known| members[known as usize].id == member.id);
            if known.is_some() {
                return None;
            }
            this.index.insert(hash, at);
        }
        this.members = members;
        Some(this)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Goal: a hint saves a search and misleads nobody. Method: members found with right hints, wrong ones, and none.
    #[test]
    fn a_wrong_hint_misleads_nobody() {
        let id = |name| MemberId::new(name).expect("in the alphabet");
        let mut members = Members::default();
        let (ann, bob) = (members.enrol(id("ann")), members.enrol(id("bob")));
        for hint in [None, Some(ann), Some(bob), Some(MemberIndex(7))] {
            assert_eq!(members.find_near(Hint(hint), &id("ann")), Some(ann));
            assert_eq!(members.find_near(Hint(hint), &id("bob")), Some(bob));
            assert_eq!(members.find_near(Hint(hint), &id("cyd")), None);
        }
    }
}
