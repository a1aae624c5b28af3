//! What the answers come to: for each member and each merchant, in a few numbers whatever the length of the run.

use crate::names::{MERCHANTS, Member, Merchant};
use crate::session::Asked;
use crate::workload::{Drawn, Operation};

/// More members than this are not all watched; then every second one is, or every third …
const MEMBERS_MAX: u64 = 250_000;

/// What a member was told, in points.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Change {
    pub(crate) available: i64,
    pub(crate) held: i64,
    /// How many items that makes on the statement.
    pub(crate) items: u64,
}

impl Change {
    const fn of(available: i64, held: i64) -> Self {
        Self {
            available,
            held,
            items: 1,
        }
    }

    const fn add(&mut self, other: Self) {
        self.available += other.available;
        self.held += other.held;
        self.items += other.items;
    }
}

/// What one merchant was told, of one operation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Movements {
    pub(crate) count: u64,
    pub(crate) points: u64,
}

/// Which members are watched: every so manyth, so that it is known before the run who they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Watched {
    every: u64,
    members: u64,
}

impl Watched {
    pub(crate) const fn of(members: u64) -> Self {
        Self::at_most(MEMBERS_MAX, members)
    }

    /// No more than so many of these members, but one.
    pub(crate) const fn at_most(max: u64, members: u64) -> Self {
        let max = if max == 0 { 1 } else { max };
        Self {
            every: members.div_ceil(max),
            members,
        }
    }

    pub(crate) fn count(self) -> usize {
        usize::try_from(self.members.div_ceil(self.every)).expect("it is bounded")
    }

    pub(crate) fn all(self) -> impl Iterator<Item = Member> {
        (0..self.members)
            .step_by(usize::try_from(self.every).expect("a stride"))
            .map(Member)
    }

    /// Where a member is kept, if it is watched.
    pub(crate) fn place(self, Member(number): Member) -> Option<usize> {
        if !number.is_multiple_of(self.every) {
            return None;
        }
        usize::try_from(number / self.every)
            .ok()
            .filter(|place| *place < self.count())
    }

    pub(crate) const fn is_all(self) -> bool {
        self.every == 1
    }
}

/// Running sums of everything that was accepted.
#[derive(Clone, Debug)]
pub(crate) struct Sums {
    watched: Watched,
    price: i64,
    members: Vec<Change>,
    merchants: [[Movements; Operation::ALL.len()]; MERCHANTS as usize],
}

impl Sums {
    /// `price`: of a unit, in points.
    pub(crate) fn new(members: u64, price: u64) -> Self {
        let watched = Watched::of(members);
        Self {
            watched,
            price: signed(price),
            members: vec![Change::default(); watched.count()],
            merchants: Default::default(),
        }
    }

    /// Counts an accepted command. `released` and `captured` are what the answer to a capture says.
    pub(crate) fn add(&mut self, asked: &Asked, captured: Option<u64>, released: Option<u64>) {
        match asked {
            Asked::Drawn(Drawn::Movement(operation, movement)) => {
                let points = signed(movement.points);
                let change = match operation {
                    Operation::Earn => Change::of(points, 0),
                    Operation::Hold => Change::of(-points, points),
                    _ => Change::of(-points, 0),
                };
                self.member(movement.member, change);
                self.merchant(movement.merchant, *operation, movement.points);
            }
            Asked::Capture(_, movement) => {
                let released = released.unwrap_or_default();
                let captured = captured.unwrap_or(movement.points);
                let change = Change::of(signed(released), -signed(captured) - signed(released));
                self.member(movement.member, change);
                self.merchant(movement.merchant, Operation::Capture, captured);
            }
            Asked::Drawn(Drawn::Reservation(reservation)) => {
                self.member(reservation.member, Change::of(-self.price, self.price));
            }
            Asked::Drawn(Drawn::Handover(handover)) => {
                let points = signed(handover.points);
                self.member(handover.from, Change::of(-points, 0));
                self.member(handover.to, Change::of(points, 0));
            }
            // Runs that replay a file have no audit.
            Asked::Replayed(_) => {}
        }
    }

    fn member(&mut self, member: Member, change: Change) {
        if let Some(place) = self.watched.place(member) {
            self.members[place].add(change);
        }
    }

    fn merchant(&mut self, Merchant(number): Merchant, operation: Operation, points: u64) {
        let merchant = usize::try_from(number).ok();
        if let Some(sums) = merchant.and_then(|number| self.merchants.get_mut(number)) {
            let sum = &mut sums[operation as usize];
            sum.count += 1;
            sum.points += points;
        }
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        for (one, another) in self.members.iter_mut().zip(&other.members) {
            one.add(*another);
        }
        let ours = self.merchants.iter_mut().flatten();
        for (one, another) in ours.zip(other.merchants.iter().flatten()) {
            one.count += another.count;
            one.points += another.points;
        }
    }

    pub(crate) const fn watched(&self) -> Watched {
        self.watched
    }

    /// Every watched member that was told of a change.
    pub(crate) fn touched(&self) -> impl Iterator<Item = (Member, Change)> {
        let changes = self.watched.all().zip(self.members.iter().copied());
        changes.filter(|(_, change)| change.items > 0)
    }

    pub(crate) fn of_merchant(
        &self,
        Merchant(number): Merchant,
        operation: Operation,
    ) -> Movements {
        let merchant = usize::try_from(number).ok();
        merchant
            .and_then(|number| self.merchants.get(number))
            .map_or_else(Movements::default, |sums| sums[operation as usize])
    }

    /// How much memory it takes.
    pub(crate) const fn bytes(&self) -> usize {
        self.members.capacity() * size_of::<Change>() + size_of::<Self>()
    }
}

fn signed(points: u64) -> i64 {
    i64::try_from(points).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::names::{HoldId, SkuNumber};
    use crate::workload::{Handover, Movement, Reservation};

    #[test]
    fn a_command_changes_what_it_says() {
        let movement = Movement {
            member: Member(1),
            merchant: Merchant(2),
            points: 10,
        };
        let drawn = |operation| Asked::Drawn(Drawn::Movement(operation, movement));
        let hold = HoldId::new("h1").expect("a hold");
        let reservation = Reservation {
            member: Member(1),
            sku: SkuNumber(0),
        };
        let handover = Handover {
            from: Member(1),
            to: Member(2),
            points: 10,
        };
        let cases = [
            // what, of which was captured and released, available, held
            (drawn(Operation::Earn), None, None, 10, 0),
            (drawn(Operation::Hold), None, None, -10, 10),
            (drawn(Operation::Redeem), None, None, -10, 0),
            (
                Asked::Capture(hold.clone(), movement),
                Some(10),
                Some(0),
                0,
                -10,
            ),
            (
                Asked::Capture(hold.clone(), movement),
                Some(7),
                Some(3),
                3,
                -10,
            ),
            (Asked::Capture(hold, movement), None, None, 0, -10),
            (
                Asked::Drawn(Drawn::Reservation(reservation)),
                None,
                None,
                -5,
                5,
            ),
            (Asked::Drawn(Drawn::Handover(handover)), None, None, -10, 0),
        ];
        for (asked, captured, released, available, held) in cases {
            let mut sums = Sums::new(10, 5);
            sums.add(&asked, captured, released);
            let one = sums.touched().find(|(member, _)| *member == Member(1));
            let expected = Change::of(available, held);
            assert_eq!(one.map(|(_, change)| change), Some(expected), "{asked:?}");
        }
    }

    #[test]
    fn of_many_members_every_so_manyth_is_watched() {
        for members in [1, 2, MEMBERS_MAX, MEMBERS_MAX + 1, 5_000_000] {
            let watched = Watched::of(members);
            assert!(watched.count() as u64 <= MEMBERS_MAX, "{members}");
            assert_eq!(watched.is_all(), members <= MEMBERS_MAX, "{members}");
            let places: Vec<_> = watched
                .all()
                .filter_map(|member| watched.place(member))
                .collect();
            assert!(places.into_iter().eq(0..watched.count()), "{members}");
        }
    }
}
