//! What follows on what, by the numbers of the protocol's rules: what the ledger does around homes and shares. To be read beside
//! the ledger's `sale` (S3 to S7, S11), `receive` (S8 to S10, H0), `serve` (H1 to H7), `stocks` and `apply_course`.
//!
//! Every function is one entry of one shard.

use jifen_engine::{
    ledger::{Seq, ShardIndex},
    pool::{Asker, Home, Phase, Place, PoolMessage, Step, ToHome, ToShard, Units},
};

use super::{
    audit::{self, Violation},
    model::{Demand, Flaw, Model, SHARDS, units},
    world::{As, Kept, Shard, Standing, World},
};

/// What happened, for counting what a model met.
pub(super) type Event = &'static str;

/// Where restocks begin to count, behind all demands.
const RESTOCKS: u64 = 100;

/// A shard's entry in the making.
pub(super) struct Entry<'a> {
    model: &'a Model,
    world: &'a mut World,
    at: usize,
    shard: Shard,
}

impl<'a> Entry<'a> {
    pub(super) fn of(model: &'a Model, world: &'a mut World, at: usize) -> Self {
        let shard = world.memory[at].shard.clone();
        Self {
            model,
            world,
            at,
            shard,
        }
    }

    /// The first look at a demand (S1 to S7).
    pub(super) fn first_look(mut self, at: usize) -> Result<Event, Violation> {
        let demand = self.model.demands[at];
        self.world.tries[at] -= 1;
        if demand.withdraws {
            self.home()
                .wait(Asker::Operator(ShardIndex(0), ticket(at)), demand.quantity);
            return self.park(at);
        }
        match self.shard.home.as_mut() {
            // S4 at home.
            Some(home) if home.covers(demand.quantity) => {
                if let Some(first) = home.queue.front() {
                    return Err(Violation(format!(
                        "{:?} waits and is passed by",
                        first.asker
                    )));
                }
                home.take(demand.quantity);
                Ok(self.serve_demand(at, Place::Home, "served at once"))
            }
            // S5.
            Some(home) if home.lacks(demand.quantity) => self.refuse_at_once(demand),
            // S7 at home.
            Some(home) => {
                home.wait(Asker::Own(ticket(at)), demand.quantity);
                self.park(at)
            }
            // S3.
            None if self.shard.share.mark => self.refuse_at_once(demand),
            // S4.
            None if self.shard.share.covers(demand.quantity) => {
                Ok(self.serve_demand(at, Place::Allotment, "served at once"))
            }
            // S7.
            None => {
                self.tell_home(ToHome::Ask {
                    ticket: ticket(at),
                    quantity: demand.quantity,
                });
                self.park(at)
            }
        }
    }

    /// S1: whoever asks again is told what was said, whatever the shard has.
    pub(super) fn repeat(self) -> Result<Event, Violation> {
        if self.model.has(Flaw::MarkBeforeId) && self.shard.share.mark {
            return Err(Violation(
                "who has units asks again and is refused".to_owned(),
            ));
        }
        Ok("told again")
    }

    fn park(mut self, at: usize) -> Result<Event, Violation> {
        self.shard.standings[at] = Standing::Waiting;
        self.stir();
        self.record();
        Ok("parked")
    }

    fn refuse_at_once(self, demand: Demand) -> Result<Event, Violation> {
        // The answer leaves when what this shard has seen is durable; others may still fall back.
        let most = audit::most_on_sale(self.world, (self.at, As::Memory));
        if most >= demand.quantity.get() {
            return Err(Violation(format!(
                "shard {} refuses {} at once, and {most} may be on sale",
                self.at, demand.quantity
            )));
        }
        Ok("refused at once")
    }

    fn serve_demand(mut self, at: usize, from: Place, event: Event) -> Event {
        self.shard.share.take(self.model.demands[at].quantity, from);
        self.shard.standings[at] = Standing::Served;
        self.record();
        event
    }

    /// S11: a reservation ends without a sale.
    pub(super) fn cancel(mut self, at: usize) -> Event {
        let units = self.model.demands[at].quantity;
        self.world.budget.cancels -= 1;
        self.shard.standings[at] = Standing::Ended;
        let to = match &self.shard.home {
            Some(_) => Place::Returned,
            None if self.model.has(Flaw::ClosedShardKeeps) => Place::Allotment,
            None => self.shard.share.way_back(),
        };
        if to == Place::Link {
            self.tell_home(ToHome::Back { units });
        }
        self.shard.share.free(units, to);
        if to == Place::Returned {
            self.home().give_back(units);
        }
        self.stir();
        self.record();
        "cancelled"
    }

    /// H0: one unit more.
    pub(super) fn restock(mut self) -> Event {
        self.world.budget.restocks -= 1;
        let ticket = Seq(RESTOCKS + u64::from(self.world.budget.restocks));
        self.home().restock(units(1), ShardIndex(0), ticket);
        self.stir();
        self.record();
        "restocked"
    }

    /// Units unasked, while nobody waits.
    pub(super) fn prefetch(mut self, to: usize, extra: Units) -> Event {
        self.tell_shard(to, ToShard::Allot { extra });
        self.record();
        "sent unasked"
    }

    /// A message is applied; `fails` says how a second look ends.
    pub(super) fn receive(mut self, from: usize, message: PoolMessage, fails: bool) -> Event {
        let event = match message {
            PoolMessage::ToHome(message) => self.hear_at_home(from, message),
            PoolMessage::ToShard(message) => self.hear_at_shard(message, fails),
        };
        self.record();
        event
    }

    /// S8 to S10.
    fn hear_at_shard(&mut self, message: ToShard, fails: bool) -> Event {
        let said = self.shard.share.answer(&message);
        self.shard.share.hear(&message);
        match message {
            ToShard::Grant {
                ticket, quantity, ..
            } => self.second_look(ticket, quantity, fails),
            ToShard::No { ticket, mark, .. } => {
                self.leave_off(demand_of(ticket), Standing::Unknown);
                if mark {
                    "refused and marked"
                } else {
                    "refused"
                }
            }
            ToShard::Recall { .. } => {
                self.tell_home(said.expect("a recall is answered"));
                "recall answered"
            }
            ToShard::Allot { .. } => "allotment heard",
        }
    }

    /// S8.
    fn second_look(&mut self, ticket: Seq, quantity: Units, fails: bool) -> Event {
        let keeps = fails && self.model.has(Flaw::FailureKeeps);
        self.tell_home(ToHome::Settled {
            ticket,
            quantity,
            used: !fails || keeps,
        });
        if keeps {
            let share = &mut self.shard.share;
            share.tagged = share.tagged.minus(quantity);
            share.allotment = share.allotment.plus(quantity);
        }
        if fails {
            self.world.budget.failures -= 1;
            self.leave_off(demand_of(ticket), Standing::Refused);
            return "second look failed";
        }
        self.shard.share.take(quantity, Place::Tag);
        self.leave_off(demand_of(ticket), Standing::Served);
        "second look passed"
    }

    /// H0.
    fn hear_at_home(&mut self, from: usize, message: ToHome) -> Event {
        let sold_when_granted = self.model.has(Flaw::GrantedIsSold);
        let gone_at_once = self.model.has(Flaw::MarkGoneAtOnce);
        let home = self.home();
        let event = match message {
            ToHome::Ask { .. } => "ask heard",
            ToHome::Said { .. } => "answer to a recall heard",
            ToHome::Back { .. } => "units came back",
            ToHome::Settled { quantity, used, .. } => {
                if sold_when_granted {
                    home.tags = home.tags.plus(quantity);
                }
                if used { "use heard" } else { "failure heard" }
            }
        };
        let expected = matches!(home.phases[from], Phase::Recalling | Phase::Reopening);
        let counted_already = gone_at_once && !expected && matches!(message, ToHome::Said { .. });
        if !counted_already {
            home.hear(ShardIndex(from as u16), &message);
        }
        self.stir();
        event
    }

    /// A step of home's, as `serve` would do it; `fails` says how a second look ends.
    pub(super) fn serve(mut self, step: Step, fails: bool) -> Result<Event, Violation> {
        let event = match step {
            Step::Open { extra } => {
                for to in 1..SHARDS {
                    self.tell_shard(to, ToShard::Allot { extra });
                }
                "opened"
            }
            Step::Release => {
                self.home().release();
                "released"
            }
            Step::Restocked(restock) => {
                self.home().restocked(restock.shard, restock.ticket);
                "restock answered"
            }
            Step::Grant {
                asker,
                quantity,
                extra,
            } => self.grant(asker, (quantity, extra), fails),
            Step::Recall(from) => self.recall(&from),
            Step::Refuse {
                asker,
                quantity,
                mark,
            } => {
                self.may_refuse(demand_of(ticket_of(asker)), quantity)?;
                self.refuse(asker, mark)
            }
        };
        self.stir();
        self.record();
        Ok(event)
    }

    /// P2, and that nobody is refused whom what came home would serve.
    fn may_refuse(&mut self, demand: usize, quantity: Units) -> Result<(), Violation> {
        if self.world.witnessed[0] & (1 << demand) == 0 {
            return Err(Violation(format!(
                "demand {demand} is refused, and at no instant of its stay was it true"
            )));
        }
        let home = self.home();
        let soon = home.here.plus(home.returned);
        if soon >= quantity {
            return Err(Violation(format!(
                "demand {demand} is refused, and home has {soon}"
            )));
        }
        Ok(())
    }

    /// H2.
    fn grant(&mut self, asker: Asker, (quantity, extra): (Units, Units), fails: bool) -> Event {
        match asker {
            Asker::Shard(to, ticket) => {
                let grant = ToShard::Grant {
                    ticket,
                    quantity,
                    extra,
                };
                self.tell_shard(usize::from(to.0), grant);
                if self.model.has(Flaw::GrantedIsSold) {
                    let home = self.home();
                    home.tags = home.tags.minus(quantity);
                }
                if extra.is_zero() {
                    "granted"
                } else {
                    "granted with extra"
                }
            }
            Asker::Own(ticket) => {
                self.home().leave(asker);
                if fails {
                    self.world.budget.failures -= 1;
                    self.leave_off(demand_of(ticket), Standing::Refused);
                    return "second look at home failed";
                }
                self.home().take(quantity);
                self.shard.share.take(quantity, Place::Home);
                self.leave_off(demand_of(ticket), Standing::Served);
                "granted at home"
            }
            Asker::Operator(shard, ticket) => {
                self.home().withdraw(quantity, shard, ticket);
                self.leave_off(demand_of(ticket), Standing::Ended);
                "withdrawn"
            }
        }
    }

    /// H3 and H7.
    fn recall(&mut self, from: &[ShardIndex]) -> Event {
        let round = self.home().round + 1;
        let mut event = "recalled";
        for to in from.iter().map(|shard| usize::from(shard.0)) {
            if self.home().phases[to] == Phase::Shut {
                event = "reopening";
            }
            self.tell_shard(to, ToShard::Recall { round });
            if self.model.has(Flaw::MarkGoneAtOnce) && event == "reopening" {
                self.home().phases[to] = Phase::Closed;
            }
        }
        event
    }

    /// H5.
    fn refuse(&mut self, asker: Asker, mark: bool) -> Event {
        match asker {
            Asker::Shard(to, ticket) => {
                let epoch = self.home().epoch + u32::from(mark);
                let no = ToShard::No {
                    ticket,
                    mark,
                    epoch,
                };
                self.tell_shard(usize::from(to.0), no);
                if mark { "said no, for all" } else { "said no" }
            }
            Asker::Own(ticket) => {
                self.home().leave(asker);
                self.leave_off(demand_of(ticket), Standing::Unknown);
                "said no at home"
            }
            Asker::Operator(_, ticket) => {
                self.home().leave(asker);
                self.leave_off(demand_of(ticket), Standing::Refused);
                "not withdrawn"
            }
        }
    }

    fn home(&mut self) -> &mut Home {
        self.shard.home.as_mut().expect("done at home only")
    }

    /// A demand of this shard waits no longer.
    fn leave_off(&mut self, demand: usize, standing: Standing) {
        assert_eq!(
            self.shard.standings[demand],
            Standing::Waiting,
            "only who waits is answered"
        );
        self.shard.standings[demand] = standing;
        self.world.forget_witness(demand);
    }

    fn tell_home(&mut self, message: ToHome) {
        let message = PoolMessage::ToHome(message);
        self.shard.share.tell(&message);
        self.world.up[self.at].messages.push(message);
    }

    fn tell_shard(&mut self, to: usize, message: ToShard) {
        let message = if self.model.counted {
            message
        } else {
            uncounted(message)
        };
        self.home().tell(ShardIndex(to as u16), &message);
        self.world.down[to]
            .messages
            .push(PoolMessage::ToShard(message));
        self.stir();
    }

    /// Home may have something to do.
    fn stir(&mut self) {
        self.world.restless |= self.at == 0;
    }

    fn record(mut self) {
        if let Some(home) = &mut self.shard.home
            && !self.model.counted
        {
            (home.round, home.epoch) = (0, 0);
        }
        self.world.memory[self.at] = Kept::new(self.shard);
    }
}

/// Rounds and epochs decide nothing; without them there are fewer states.
const fn uncounted(message: ToShard) -> ToShard {
    match message {
        ToShard::No { ticket, mark, .. } => ToShard::No {
            ticket,
            mark,
            epoch: 0,
        },
        ToShard::Recall { .. } => ToShard::Recall { round: 0 },
        other => other,
    }
}

pub(super) const fn ticket(demand: usize) -> Seq {
    Seq(demand as u64)
}

pub(super) const fn demand_of(ticket: Seq) -> usize {
    ticket.0 as usize
}

const fn ticket_of(asker: Asker) -> Seq {
    match asker {
        Asker::Shard(_, ticket) | Asker::Own(ticket) | Asker::Operator(_, ticket) => ticket,
    }
}
