//! What is done: the operations, and the work they make up. Every system is given the same.

use std::fmt;

use rand::{Rng, SeedableRng, rngs::StdRng};
use serde::{Deserialize, Serialize};

/// How many merchants take part.
pub const MERCHANTS: u32 = 16;
/// What a member has before the work begins, in points: more than any run spends.
pub const OPENING_POINTS: u64 = 1_000_000_000;
/// The merchant of the sale, and of the opening points.
pub const FIRST_MERCHANT: Merchant = Merchant(0);
/// What is on sale in both sales.
pub const SKU: &str = "hot";
/// Units of the sale that lasts: more than any run sells.
const UNITS_THAT_LAST: u64 = 100_000_000;
/// Units of the sale that sells out.
const UNITS_THAT_SELL_OUT: u64 = 5_000;
/// Requests that travel together in [`Task::Sixteens`].
pub const TOGETHER: usize = 16;

/// Members, unless a flash sale takes so long that it needs more of them.
const MEMBERS: u32 = 100_000;
/// Reservations that a member makes in a whole flash sale, on average. Each is an open hold, and Jifen lets a member have 256 of
/// them: the others have no such limit, but are given the same members. Less than half of that, since members are drawn at random.
const RESERVATIONS_OF_A_MEMBER: f64 = 100.0;
/// Reservations a second that none of the systems does.
const RESERVATIONS_PER_SECOND: f64 = 100_000.0;

/// How many members these tasks have, where each takes so many seconds with its warm-up; the same for all systems.
#[must_use]
pub fn members_for(tasks: &[Task], seconds: f64) -> u32 {
    MEMBERS.max(members_needed(tasks, seconds))
}

/// With fewer than so many, a member may come to its limit.
#[must_use]
pub fn members_needed(tasks: &[Task], seconds: f64) -> u32 {
    if !tasks.contains(&Task::FlashSale) {
        return 0;
    }
    let customers = seconds * RESERVATIONS_PER_SECOND / RESERVATIONS_OF_A_MEMBER;
    // A float that is too large becomes the largest number there is.
    customers.ceil() as u32
}

/// A member, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Member(pub u32);

/// A merchant, by number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Merchant(pub u32);

/// What identifies a request: the connection that makes it, and how many it had made before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RequestNumber {
    /// Which connection.
    pub connection: u32,
    /// How many before.
    pub serial: u64,
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "u-{:07}", self.0)
    }
}

impl fmt::Display for Merchant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "shop-{:02}", self.0)
    }
}

impl fmt::Display for RequestNumber {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "r-{:02}-{:08}", self.connection, self.serial)
    }
}

/// One command or read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Operation<'a> {
    /// Points for a member.
    Earn(Member, Merchant, u64),
    /// Points of a member are set aside for a merchant.
    Hold(Member, Merchant, u64),
    /// What was set aside is paid; the hold as the system called it.
    Capture(&'a str),
    /// A unit of [`SKU`] for a member.
    Reserve(Member),
    /// A member's balance and lots.
    Look(Member),
}

/// An operation and what it is asked under.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    /// Its id.
    pub number: RequestNumber,
    /// What is asked.
    pub operation: Operation<'a>,
}

/// A row of the comparison.
#[derive(
    Clone,
    Copy,
    Debug,
    PartialEq,
    Eq,
    Hash,
    PartialOrd,
    Ord,
    Serialize,
    Deserialize,
    clap::ValueEnum,
)]
#[serde(rename_all = "kebab-case")]
pub enum Task {
    /// Earns of random members.
    Earn,
    /// A hold, and when it is answered its capture; counted as pairs.
    Pair,
    /// Reservations of one SKU by random members; it lasts.
    FlashSale,
    /// The same, of one that soon sells out: mostly refusals.
    SoldOut,
    /// Earns, 16 of them under way on each connection: pipelined, or in an array.
    Sixteens,
    /// Reads of a member.
    Look,
}

impl Task {
    /// All of them, in the order of the table.
    pub const ALL: [Self; 6] = [
        Self::Earn,
        Self::Pair,
        Self::FlashSale,
        Self::SoldOut,
        Self::Sixteens,
        Self::Look,
    ];
    /// What the comparison is about; the others stand beside it.
    pub const MAIN: [Self; 3] = [Self::Earn, Self::Pair, Self::FlashSale];

    /// What it is called in tables.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Earn => "earn",
            Self::Pair => "hold + capture, pairs",
            Self::FlashSale => "flash sale, one hot SKU",
            Self::SoldOut => "the same, sold out",
            Self::Sixteens => "earn, 16 together",
            Self::Look => "read a member",
        }
    }

    /// Whether it is one of [`Self::MAIN`].
    #[must_use]
    pub fn is_main(self) -> bool {
        Self::MAIN.contains(&self)
    }

    /// How many requests a connection has under way.
    #[must_use]
    pub const fn together(self) -> usize {
        match self {
            Self::Sixteens => TOGETHER,
            _ => 1,
        }
    }

    /// Units on sale.
    #[must_use]
    pub const fn units(self) -> u64 {
        match self {
            Self::SoldOut => UNITS_THAT_SELL_OUT,
            _ => UNITS_THAT_LAST,
        }
    }

    /// Whether a refusal for want of units is an answer that counts.
    #[must_use]
    pub const fn may_sell_out(self) -> bool {
        matches!(self, Self::SoldOut)
    }
}

/// Draws what one connection asks. The same seed and connection draw the same.
#[derive(Debug)]
pub struct Draw {
    random: StdRng,
    members: u32,
    connections: u32,
    next: RequestNumber,
}

impl Draw {
    /// For one of so many connections. There are at least as many members.
    #[must_use]
    pub fn new(seed: u64, connection: u32, connections: u32, members: u32) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed ^ u64::from(connection) << 32),
            members,
            connections,
            next: RequestNumber {
                connection,
                serial: 0,
            },
        }
    }

    /// A request id that was not used before.
    pub fn number(&mut self) -> RequestNumber {
        let number = self.next;
        self.next.serial += 1;
        number
    }

    /// The operation that a task begins with.
    pub fn first(&mut self, task: Task) -> Operation<'static> {
        let number = self.random.random_range(0..self.members);
        let merchant = Merchant(self.random.random_range(0..MERCHANTS));
        let points = self.random.random_range(1..200);
        let member = Member(number);
        match task {
            Task::Earn | Task::Sixteens => Operation::Earn(member, merchant, points),
            Task::Pair => Operation::Hold(member, merchant, points),
            Task::FlashSale | Task::SoldOut => Operation::Reserve(self.customer(number)),
            Task::Look => Operation::Look(member),
        }
    }

    /// One of the members that only this connection buys for: nobody buys twice at the same time. Jifen would let the second wait
    /// while units are short.
    fn customer(&self, number: u32) -> Member {
        let own = number - number % self.connections + self.next.connection;
        Member(if own < self.members {
            own
        } else {
            self.next.connection
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_connection_draws_the_same_again_and_another_something_else() {
        let draw = |connection| {
            let mut draw = Draw::new(7, connection, 64, 1_000);
            (0..20)
                .map(|_| (draw.number().serial, draw.first(Task::Pair)))
                .collect::<Vec<_>>()
        };
        assert_eq!(draw(1), draw(1));
        assert_ne!(draw(1), draw(2));
    }

    #[test]
    fn the_longer_a_flash_sale_takes_the_more_members_it_has() {
        for (tasks, seconds, members) in [
            (&Task::ALL[..], 22.0, 100_000),
            (&Task::ALL[..], 302.0, 302_000),
            (&[Task::FlashSale][..], 302.0, 302_000),
            (&[Task::Earn, Task::SoldOut][..], 302.0, 100_000),
        ] {
            assert_eq!(members_for(tasks, seconds), members, "{tasks:?}");
        }
    }

    /// As many reservations as no system makes in five minutes leave no member with as many holds as Jifen lets it have open.
    #[test]
    fn no_member_of_a_long_flash_sale_comes_to_its_limit() {
        let (seconds, connections) = (302.0, 64);
        let members = members_for(&[Task::FlashSale], seconds);
        let mut bought = vec![0_u32; members as usize];
        let each = (seconds * RESERVATIONS_PER_SECOND) as u32 / connections;
        for connection in 0..connections {
            let mut draw = Draw::new(7, connection, connections, members);
            for _ in 0..each {
                let Operation::Reserve(Member(number)) = draw.first(Task::FlashSale) else {
                    panic!("a sale");
                };
                bought[number as usize] += 1;
            }
        }
        let most = bought.into_iter().max();
        assert!(most < Some(256), "{most:?}");
    }

    #[test]
    fn no_two_connections_buy_for_the_same_member() {
        for connection in 0..64 {
            let mut draw = Draw::new(7, connection, 64, 1_000);
            for _ in 0..200 {
                let Operation::Reserve(Member(number)) = draw.first(Task::FlashSale) else {
                    panic!("a sale");
                };
                assert!(number < 1_000 && number % 64 == connection, "{number}");
            }
        }
    }
}
