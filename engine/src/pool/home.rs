//! A pool's home: who may still get units, who waits for them, and what is to be done next.

use std::collections::VecDeque;

use bincode::{BorrowDecode, Encode};

use super::{ToHome, ToShard, Units};
use crate::ledger::{Seq, ShardIndex};

/// What home knows of another shard's part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub enum Phase {
    /// It has nothing, and nothing is loose on the way to it.
    #[default]
    Closed,
    /// It may hold units.
    Open,
    /// It may, and was asked to give them back.
    Recalling,
    /// It may be marked.
    Shut,
    /// It may be marked, and was asked to drop the mark.
    Reopening,
}

/// Who waits in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Encode, BorrowDecode)]
pub enum Asker {
    /// A command of another shard.
    Shard(ShardIndex, Seq),
    /// A command of a member of this shard.
    Own(Seq),
    /// The operator withdraws units; the command was begun on this shard.
    Operator(ShardIndex, Seq),
}

/// A place in the queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub struct Waiting {
    /// Who.
    pub asker: Asker,
    /// For how many, all or none.
    pub quantity: Units,
}

/// A restock that is answered when its units are on sale.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub struct Restock {
    /// Where the command was begun.
    pub shard: ShardIndex,
    /// The command.
    pub ticket: Seq,
    /// How many units.
    pub units: Units,
    /// Whether they are.
    pub released: bool,
}

/// A pool, as its home has it. The words are those of the protocol's description.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Encode, BorrowDecode)]
pub struct Home {
    shard: ShardIndex,
    /// How many units there are at all.
    pub total: Units,
    /// On sale here (H).
    pub here: Units,
    /// Come home and not released (B).
    pub returned: Units,
    /// Granted to commands of which nothing was heard since (T).
    pub tags: Units,
    /// Who waits, in order.
    pub queue: VecDeque<Waiting>,
    /// Per shard; home's own place is not used.
    pub phases: Vec<Phase>,
    /// Per shard: units sent there less those that came back; home's own place counts what its members have.
    pub out: Vec<Units>,
    /// Restocks that were not answered.
    pub restocks: VecDeque<Restock>,
    /// How often the pool was sold out.
    pub epoch: u32,
    /// How many rounds of recalls there were.
    pub round: u32,
    /// Whether the shards still wait for their first units.
    pub opening: bool,
}

/// What home does next. Each is an entry of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Sends the shards their first units.
    Open {
        /// To each.
        extra: Units,
    },
    /// Puts on sale what came home (H1).
    Release,
    /// Answers a restock whose units are on sale.
    Restocked(Restock),
    /// Gives the first in the queue what it waits for (H2).
    Grant {
        /// Who.
        asker: Asker,
        /// For it alone.
        quantity: Units,
        /// For anybody of its shard.
        extra: Units,
    },
    /// Calls units back, or marks, from these shards (H3, H7).
    Recall(Vec<ShardIndex>),
    /// Refuses the first in the queue (H5).
    Refuse {
        /// Who.
        asker: Asker,
        /// For how many.
        quantity: Units,
        /// Whether its shard may refuse at once from now on.
        mark: bool,
    },
}

/// One pass of serving: what was on sale when it began, if that was certain then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// `w`: at that instant exactly so many units were on sale anywhere.
    witness: Option<Units>,
    released: bool,
}

impl Home {
    /// A new pool of a programme with so many shards; all its units are at home.
    #[must_use]
    pub fn new(shard: ShardIndex, shards: u16, total: Units) -> Self {
        let shards = usize::from(shards);
        Self {
            shard,
            total,
            here: total,
            returned: Units::ZERO,
            tags: Units::ZERO,
            queue: VecDeque::new(),
            phases: vec![Phase::Closed; shards],
            out: vec![Units::ZERO; shards],
            restocks: VecDeque::new(),
            epoch: 0,
            round: 0,
            opening: shards > 1 && !first_units(total, shards).is_zero(),
        }
    }

    /// The units that a pool begins with, where somebody asked for some before home had heard of them.
    pub fn stock_up(&mut self, units: Units) {
        let shards = self.phases.len();
        self.total = self.total.plus(units);
        self.here = self.here.plus(units);
        self.opening = shards > 1 && !first_units(units, shards).is_zero();
    }

    /// Whether a command of this shard's members can have its units at once (S4).
    #[must_use]
    pub fn covers(&self, quantity: Units) -> bool {
        self.queue.is_empty() && self.here >= quantity
    }

    /// Whether so many are certainly on sale nowhere (S5).
    #[must_use]
    pub fn lacks(&self, quantity: Units) -> bool {
        self.is_drained() && self.here.plus(self.returned).plus(self.tags) < quantity
    }

    /// No shard has units of its own, or may get some.
    #[must_use]
    pub fn is_drained(&self) -> bool {
        !self.any(Phase::Open) && !self.any(Phase::Recalling)
    }

    /// Whether somebody waits to withdraw units: how many there will be is not certain until then.
    #[must_use]
    pub fn may_shrink(&self) -> bool {
        let mut waiting = self.queue.iter();
        waiting.any(|one| matches!(one.asker, Asker::Operator(..)))
    }

    /// Whether a shard may be marked, and was not asked to drop the mark.
    #[must_use]
    pub fn is_shut(&self, shard: ShardIndex) -> bool {
        self.phases[usize::from(shard.0)] == Phase::Shut
    }

    /// How many of the units are somewhere else, in open reservations or sold.
    #[must_use]
    pub fn outside(&self) -> Units {
        self.out
            .iter()
            .fold(Units::ZERO, |sum, units| sum.plus(*units))
    }

    /// A pass begins. To be begun anew whenever something was heard.
    #[must_use]
    pub fn begin(&self) -> Pass {
        Pass {
            witness: (self.is_drained() && self.tags.is_zero()).then_some(self.here),
            released: false,
        }
    }

    /// What is to be done next in this pass; `None` ends it. Marks are taken back only if `may_reopen`.
    #[must_use]
    pub fn next(&self, pass: &mut Pass, may_reopen: bool) -> Option<Step> {
        if self.opening {
            let extra = first_units(self.here, self.phases.len());
            return Some(Step::Open { extra });
        }
        if let Some(&first) = self.restocks.front()
            && first.released
        {
            return Some(Step::Restocked(first));
        }
        if !pass.released && self.may_release() {
            pass.released = true;
            return Some(Step::Release);
        }
        // What comes home within a pass waits for the next one.
        pass.released = true;
        self.serve(*pass).or_else(|| self.reopen(may_reopen))
    }

    /// H1: what came home waits only for marks to be taken back, or, while somebody waits in a drained pool, for the tags that
    /// are out.
    fn may_release(&self) -> bool {
        !self.returned.is_zero()
            && !self.any(Phase::Shut)
            && !self.any(Phase::Reopening)
            && (self.tags.is_zero() || !self.is_drained() || self.queue.is_empty())
    }

    fn serve(&self, pass: Pass) -> Option<Step> {
        let &Waiting { asker, quantity } = self.queue.front()?;
        if self.here >= quantity {
            let extra = self.extra(asker, quantity);
            return Some(Step::Grant {
                asker,
                quantity,
                extra,
            });
        }
        if quantity > self.total {
            // So many there never are: nobody has to give back anything for that.
            let mark = false;
            return Some(Step::Refuse {
                asker,
                quantity,
                mark,
            });
        }
        if self.any(Phase::Open) {
            return Some(Step::Recall(self.all(Phase::Open)));
        }
        if self.any(Phase::Recalling) {
            return None;
        }
        let ours = self.here.plus(self.returned).plus(self.tags);
        let was_short =
            self.returned.is_zero() && pass.witness.is_some_and(|on_sale| quantity > on_sale);
        (ours < quantity || was_short).then_some(Step::Refuse {
            asker,
            quantity,
            mark: ours.is_zero() && matches!(asker, Asker::Shard(..)),
        })
    }

    /// H7: nothing is put on sale while a shard may still refuse because nothing is.
    fn reopen(&self, may_reopen: bool) -> Option<Step> {
        let due = may_reopen && !self.returned.is_zero() && self.any(Phase::Shut);
        due.then(|| Step::Recall(self.all(Phase::Shut)))
    }

    /// Whether marks could be taken back, if that were allowed now.
    #[must_use]
    pub fn waits_to_reopen(&self) -> bool {
        !self.returned.is_zero() && self.any(Phase::Shut)
    }

    /// Policy: a shard gets more the more there is, none near the end, and none that somebody waits for.
    fn extra(&self, asker: Asker, quantity: Units) -> Units {
        let last = self.queue.len() == 1 && !self.any(Phase::Recalling);
        match asker {
            Asker::Shard(..) if last => {
                let left = self.here.minus(quantity);
                left.part_of(2 * self.phases.len() as u64)
            }
            _ => Units::ZERO,
        }
    }

    /// Takes what a shard says (H0).
    pub fn hear(&mut self, from: ShardIndex, message: &ToHome) {
        let at = usize::from(from.0);
        match *message {
            ToHome::Ask { ticket, quantity } => self.wait(Asker::Shard(from, ticket), quantity),
            ToHome::Said { round, units } => {
                assert!(
                    round <= self.round,
                    "a recall is answered that was not made"
                );
                assert!(
                    matches!(self.phases[at], Phase::Recalling | Phase::Reopening),
                    "a recall is answered once"
                );
                self.phases[at] = Phase::Closed;
                self.out[at] = self.out[at].minus(units);
                self.here = self.here.plus(units);
            }
            ToHome::Back { units } => {
                self.out[at] = self.out[at].minus(units);
                self.returned = self.returned.plus(units);
            }
            ToHome::Settled { quantity, used, .. } => {
                self.tags = self.tags.minus(quantity);
                if !used {
                    self.out[at] = self.out[at].minus(quantity);
                    self.here = self.here.plus(quantity);
                }
            }
        }
    }

    /// Puts somebody at the end of the queue.
    pub fn wait(&mut self, asker: Asker, quantity: Units) {
        self.queue.push_back(Waiting { asker, quantity });
    }

    /// Notes what is sent to a shard.
    pub fn tell(&mut self, to: ShardIndex, message: &ToShard) {
        let at = usize::from(to.0);
        match *message {
            ToShard::Grant {
                ticket,
                quantity,
                extra,
            } => {
                self.leave(Asker::Shard(to, ticket));
                self.send(at, quantity);
                self.tags = self.tags.plus(quantity);
                self.allot(at, extra);
            }
            ToShard::No { ticket, mark, .. } => {
                self.leave(Asker::Shard(to, ticket));
                if mark {
                    if !self.any(Phase::Shut) {
                        self.epoch += 1;
                    }
                    self.phases[at] = Phase::Shut;
                }
            }
            ToShard::Recall { round } => {
                self.round = self.round.max(round);
                self.phases[at] = match self.phases[at] {
                    Phase::Open => Phase::Recalling,
                    Phase::Shut => Phase::Reopening,
                    other => panic!("a shard that is {other:?} has nothing to be called back"),
                };
            }
            ToShard::Allot { extra } => {
                self.opening = false;
                self.allot(at, extra);
            }
        }
    }

    fn allot(&mut self, at: usize, extra: Units) {
        if !extra.is_zero() {
            self.send(at, extra);
            self.phases[at] = Phase::Open;
        }
    }

    fn send(&mut self, at: usize, units: Units) {
        self.here = self.here.minus(units);
        self.out[at] = self.out[at].plus(units);
    }

    /// Takes whoever waits for this out of the queue, if they are there.
    pub fn leave(&mut self, asker: Asker) {
        let at = self.queue.iter().position(|waiting| waiting.asker == asker);
        if let Some(at) = at {
            self.queue.remove(at);
        }
    }

    /// Everything that came home is on sale.
    pub fn release(&mut self) {
        self.here = self.here.plus(self.returned);
        self.returned = Units::ZERO;
        self.restocks.iter_mut().for_each(|r| r.released = true);
    }

    /// A member of this shard took units.
    pub fn take(&mut self, quantity: Units) {
        self.send(usize::from(self.shard.0), quantity);
    }

    /// A member of this shard gave units back.
    pub fn give_back(&mut self, quantity: Units) {
        let at = usize::from(self.shard.0);
        self.out[at] = self.out[at].minus(quantity);
        self.returned = self.returned.plus(quantity);
    }

    /// More units, on sale at the next release; then the command is answered.
    pub fn restock(&mut self, units: Units, shard: ShardIndex, ticket: Seq) {
        self.total = self.total.plus(units);
        self.returned = self.returned.plus(units);
        self.restocks.push_back(Restock {
            shard,
            ticket,
            units,
            released: false,
        });
    }

    /// A restock was answered.
    pub fn restocked(&mut self, shard: ShardIndex, ticket: Seq) {
        self.restocks
            .retain(|r| (r.shard, r.ticket) != (shard, ticket));
    }

    /// Units are taken out of the pool for good.
    pub fn withdraw(&mut self, units: Units, shard: ShardIndex, ticket: Seq) {
        self.leave(Asker::Operator(shard, ticket));
        self.here = self.here.minus(units);
        self.total = self.total.minus(units);
    }

    fn any(&self, phase: Phase) -> bool {
        self.phases.contains(&phase)
    }

    fn all(&self, phase: Phase) -> Vec<ShardIndex> {
        let phases = (0..).map(ShardIndex).zip(&self.phases);
        phases
            .filter(|(_, one)| **one == phase)
            .map(|(shard, _)| shard)
            .collect()
    }
}

/// Policy: how many units each shard gets when a sale opens.
const fn first_units(total: Units, shards: usize) -> Units {
    total.part_of(2 * shards as u64)
}
