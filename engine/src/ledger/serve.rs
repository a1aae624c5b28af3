//! What a pool's home does by itself, step by step; each step is an entry.

use super::{
    command::{CommandKind, Seq, ShardIndex},
    decide::Draft,
    entry::{Deed, Entry, Subject},
    errands::{Pursuit, Underway},
    message::{Message, Sent},
    refusal::{Code, Reason},
    state::Ledger,
    stocks::Stock,
    symbol::Symbol,
    time::UnixMillis,
};
use crate::pool::{Asker, Home, Place, PoolMessage, Restock, Step, ToShard, Units};

impl Ledger {
    /// The next step of any pool whose home is here; to be asked again until there is none.
    #[must_use]
    pub fn decide_served(&mut self, now: UnixMillis) -> Option<Entry> {
        let at = now.max(self.last_at());
        loop {
            let (sku, mut pass) = match self.stocks.serving.take() {
                Some(serving) => serving,
                None => {
                    let sku = self.stocks.next_restless()?;
                    let home = self.stocks.get(sku).and_then(|one| one.home.as_ref());
                    (sku, home.expect("only homes are restless").begin())
                }
            };
            let stock = self.stocks.get(sku).expect("only known sales are served");
            let home = stock.home.as_ref().expect("only homes are served");
            if stock.is_unheard_of() {
                continue;
            }
            let pause = UnixMillis(stock.reopened_at.0 + self.rules.reopen_every_millis);
            // A clock that was put back says nothing about how long ago that was.
            let may_reopen = at >= pause || now < stock.reopened_at;
            if let Some(step) = home.next(&mut pass, may_reopen) {
                let entry = self.step(at, (sku, stock, home), step);
                self.stocks.serving = Some((sku, pass));
                return Some(entry);
            }
            if home.waits_to_reopen() {
                self.stocks.sleep(sku);
            }
        }
    }

    /// Whether there may be a step.
    #[must_use]
    pub fn serves(&self) -> bool {
        self.stocks.serving.is_some() || self.stocks.is_restless()
    }

    /// Looks again at pools that wait for time to pass; tells whether there are any.
    pub fn wake_pools(&mut self) -> bool {
        self.stocks.wake()
    }

    fn step(
        &self,
        at: UnixMillis,
        (sku, stock, home): (Symbol, &Stock, &Home),
        step: Step,
    ) -> Entry {
        let mut draft = Draft::new(self, at);
        let deed = match step {
            Step::Open { extra } => {
                let shards = (0..self.rules.router.shards()).map(ShardIndex);
                for to in shards.filter(|to| *to != self.shard) {
                    draft.tell_shard(to, sku, ToShard::Allot { extra });
                }
                Deed::Heard
            }
            Step::Release => Deed::UnitsReleased,
            Step::Restocked(Restock {
                shard,
                ticket,
                units,
                ..
            }) => return self.units_changed(draft, (sku, stock), (shard, ticket), true, units),
            Step::Grant {
                asker: Asker::Shard(to, ticket),
                quantity,
                extra,
            } => {
                let grant = ToShard::Grant {
                    ticket,
                    quantity,
                    extra,
                };
                draft.tell_shard(to, sku, grant);
                Deed::Heard
            }
            Step::Grant {
                asker: Asker::Own(ticket),
                ..
            } => return self.granted(draft, ticket, Place::Home),
            Step::Grant {
                asker: Asker::Operator(shard, ticket),
                quantity,
                ..
            } => return self.units_changed(draft, (sku, stock), (shard, ticket), false, quantity),
            Step::Recall(from) => {
                let round = home.round + 1;
                for to in from {
                    draft.tell_shard(to, sku, ToShard::Recall { round });
                }
                Deed::Heard
            }
            Step::Refuse {
                asker: Asker::Shard(to, ticket),
                mark,
                ..
            } => {
                let epoch = home.epoch + u32::from(mark);
                draft.tell_shard(
                    to,
                    sku,
                    ToShard::No {
                        ticket,
                        mark,
                        epoch,
                    },
                );
                Deed::Heard
            }
            Step::Refuse {
                asker: Asker::Own(ticket),
                ..
            } => return self.not_granted(draft, ticket),
            Step::Refuse {
                asker: Asker::Operator(shard, ticket),
                quantity,
                ..
            } => return self.not_withdrawn(draft, (sku, stock, home), (shard, ticket), quantity),
        };
        let subject = stock.id.subject();
        self.finish_by(draft, None, subject, None, deed)
    }

    /// The second look at a command whose units are there; due things of its member first.
    pub(super) fn granted(&self, mut draft: Draft<'_>, ticket: Seq, from: Place) -> Entry {
        let underway = self.errands.get(ticket).expect("granted to an errand");
        let member = self.member_of(underway);
        if let Some(due) = self.due_of(draft.at, member) {
            return due;
        }
        let (sku, quantity) = underway.pool().expect("it waits for units");
        let judged = match &underway.errand.pursuit {
            Pursuit::Confirm { reservation, .. } => {
                self.judge_granted_late(&mut draft, member, *reservation, from)
            }
            Pursuit::Earn { earn, pool } => {
                self.judge_granted_earn(&mut draft, member, (earn, *pool), from)
            }
            _ => self.judge_granted(&mut draft, member, (sku, quantity), from),
        };
        if from == Place::Tag {
            let stock = self.stocks.get(sku).expect("it is asked for");
            let earns = matches!(underway.errand.pursuit, Pursuit::Earn { .. });
            let used = judged.is_ok() && (!earns || draft.draws());
            draft.settle(self.home_of(stock), sku, ticket, quantity, used);
        }
        let deed = judged.unwrap_or_else(|refusal| {
            draft.moves.clear();
            Deed::Refused {
                command: underway.errand.kind(),
                refusal,
            }
        });
        self.end_errand(draft, ticket, deed)
    }

    /// A command whose units are nowhere to be had. A reservation that ends so leaves its request id free.
    pub(super) fn not_granted(&self, mut draft: Draft<'_>, ticket: Seq) -> Entry {
        let underway = self.errands.get(ticket).expect("refused to an errand");
        let Pursuit::Confirm {
            reservation,
            quantity,
            ..
        } = underway.errand.pursuit
        else {
            return self.give_up_errand(draft, ticket);
        };
        if let Some(due) = self.due_of_subject(draft.at, &underway.subject) {
            return due;
        }
        draft.point_type = self.holds.find(reservation).map(|held| held.point_type);
        let reason = Reason::measured(Code::ReservationExpired, 0, quantity.get());
        let deed = Deed::Refused {
            command: CommandKind::Confirm,
            refusal: reason.into(),
        };
        self.end_errand(draft, ticket, deed)
    }

    /// Ends an errand with a "no" that binds nothing, not even its request id.
    pub(super) fn give_up_errand(&self, mut draft: Draft<'_>, ticket: Seq) -> Entry {
        let underway = self.errands.get(ticket).expect("an errand ends once");
        draft.course().ends = Some(ticket);
        self.finish_by(draft, None, underway.subject.clone(), None, Deed::GivenUp)
    }

    /// Ends an errand with the answer to its request.
    pub(super) fn end_errand(&self, mut draft: Draft<'_>, ticket: Seq, deed: Deed) -> Entry {
        let underway = self.errands.get(ticket).expect("an errand ends once");
        draft.course().ends = Some(ticket);
        let member = match &underway.subject {
            Subject::Member(id) => self.members.find(id),
            _ => None,
        };
        let (origin, subject) = (underway.errand.origin.clone(), underway.subject.clone());
        self.finish_by(draft, Some(origin), subject, member, deed)
    }

    fn units_changed(
        &self,
        mut draft: Draft<'_>,
        (sku, stock): (Symbol, &Stock),
        (shard, ticket): (ShardIndex, Seq),
        more: bool,
        units: Units,
    ) -> Entry {
        let deed = Deed::UnitsChanged {
            more,
            units,
            shard,
            ticket,
        };
        if self.is_own_change(shard, ticket) {
            return self.end_errand(draft, ticket, deed);
        }
        draft.answer_units(sku, (shard, ticket), true, true);
        let subject = stock.id.subject();
        self.finish_by(draft, None, subject, None, deed)
    }

    fn not_withdrawn(
        &self,
        mut draft: Draft<'_>,
        (sku, stock, home): (Symbol, &Stock, &Home),
        (shard, ticket): (ShardIndex, Seq),
        units: Units,
    ) -> Entry {
        if self.is_own_change(shard, ticket) {
            let reason = Reason::measured(Code::ExceedsStock, home.here.get(), units.get());
            let deed = Deed::Refused {
                command: CommandKind::ChangeUnits,
                refusal: reason.into(),
            };
            return self.end_errand(draft, ticket, deed);
        }
        draft.answer_units(sku, (shard, ticket), false, false);
        let subject = stock.id.subject();
        self.finish_by(draft, None, subject, None, Deed::Heard)
    }

    /// Whether the command that wants units was begun at home; a document's is answered over the link even so.
    fn is_own_change(&self, shard: ShardIndex, ticket: Seq) -> bool {
        let own = self.errands.get(ticket).filter(|_| shard == self.shard);
        own.is_some_and(|one| matches!(one.errand.pursuit, Pursuit::ChangeUnits { .. }))
    }

    fn member_of(&self, underway: &Underway) -> super::members::MemberIndex {
        let Subject::Member(id) = &underway.subject else {
            panic!("units are asked for by members");
        };
        self.members.find(id).expect("members stay")
    }
}

impl Draft<'_> {
    fn tell_shard(&mut self, to: ShardIndex, pool: Symbol, message: ToShard) {
        self.course().sent.push(Sent {
            to,
            message: Message::Pool {
                pool,
                message: PoolMessage::ToShard(message),
            },
        });
    }

    fn settle(&mut self, home: ShardIndex, pool: Symbol, ticket: Seq, quantity: Units, used: bool) {
        let settled = crate::pool::ToHome::Settled {
            ticket,
            quantity,
            used,
        };
        self.tell_home(home, pool, settled);
    }
}
