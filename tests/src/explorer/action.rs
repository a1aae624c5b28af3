//! One thing that happens, and all that can happen next.

use std::fmt;

use jifen_engine::pool::{Asker, Home, Pass, Phase, PoolMessage, Step, ToShard, Units};

use super::{
    audit::Violation,
    model::{Flaw, Grain, Model, SHARDS, units},
    protocol::{Entry, Event},
    world::{As, Link, Standing, World},
};

/// One thing that happens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// A demand is made.
    Ask { demand: usize },
    /// Who has units asks again.
    AskAgain { demand: usize },
    /// A reservation ends without a sale.
    Cancel { demand: usize },
    /// One unit more.
    Restock,
    /// Home sends units unasked.
    Prefetch { to: usize, extra: Units },
    /// The next message of a link is applied.
    Deliver {
        from: usize,
        to: usize,
        message: PoolMessage,
        fails: bool,
    },
    /// Home does its next step.
    Serve { step: Step, pass: Pass, fails: bool },
    /// A shard becomes durable.
    MakeDurable { shard: usize },
    /// A shard falls back to what is durable.
    FallBack { shard: usize },
    /// All shards do.
    AllFallBack,
}

impl Action {
    /// Whether it is the protocol's, and not of those who use it or of what goes wrong.
    pub(super) const fn is_protocol(&self) -> bool {
        matches!(
            self,
            Self::Deliver { .. } | Self::Serve { .. } | Self::MakeDurable { .. }
        )
    }

    /// All that can happen in a state.
    pub(super) fn all(model: &Model, world: &World) -> Vec<Self> {
        let mut all = Vec::new();
        serve(&mut all, model, world);
        if model.grain == Grain::Mail && world.is_serving() {
            return all;
        }
        let busy = world.pass.is_some();
        for shard in 0..SHARDS {
            if world.is_ahead(shard) {
                all.push(Self::MakeDurable { shard });
                if world.budget.crashes_of_one > 0 {
                    all.push(Self::FallBack { shard });
                }
            }
            if shard != 0 || !busy {
                mail(&mut all, model, world, shard);
            }
        }
        if world.budget.crashes_of_all > 0 && (0..SHARDS).any(|shard| world.is_ahead(shard)) {
            all.push(Self::AllFallBack);
        }
        all
    }

    /// Does it, in place.
    pub(super) fn perform(&self, model: &Model, world: &mut World) -> Result<Event, Violation> {
        let event = match self {
            Self::Ask { demand } => {
                Entry::of(model, world, model.demands[*demand].shard).first_look(*demand)?
            }
            Self::AskAgain { demand } => {
                Entry::of(model, world, model.demands[*demand].shard).repeat()?
            }
            Self::Cancel { demand } => {
                Entry::of(model, world, model.demands[*demand].shard).cancel(*demand)
            }
            Self::Restock => Entry::of(model, world, 0).restock(),
            Self::Prefetch { to, extra } => Entry::of(model, world, 0).prefetch(*to, *extra),
            Self::Deliver {
                from,
                to,
                message,
                fails,
            } => {
                take(model, world, *from, *to);
                Entry::of(model, world, *to).receive(*from, *message, *fails)
            }
            Self::Serve { step, pass, fails } => {
                if world.pass.is_none() {
                    world.restless = false;
                }
                world.pass = Some(*pass);
                Entry::of(model, world, 0).serve(step.clone(), *fails)?
            }
            Self::MakeDurable { shard } => {
                world.make_durable(*shard);
                return Ok("durable");
            }
            Self::FallBack { shard } => {
                world.budget.crashes_of_one -= 1;
                world.fall_back(model, *shard);
                return Ok("one fell back");
            }
            Self::AllFallBack => {
                world.budget.crashes_of_all -= 1;
                (0..SHARDS).for_each(|shard| world.fall_back(model, shard));
                return Ok("all fell back");
            }
        };
        world.calm_down(model);
        Ok(event)
    }
}

/// What home may do by itself.
fn serve(all: &mut Vec<Action>, model: &Model, world: &World) {
    let home = world.home(As::Memory);
    // Time may pass, and marks be taken back, whenever home has nothing else to do.
    let late = model.late_reopening && !world.is_serving();
    let wakes = late && home.waits_to_reopen();
    if !world.is_serving() && !wakes {
        return;
    }
    let mut pass = world.pass.unwrap_or_else(|| home.begin());
    let Some(step) = home.next(&mut pass, late || !model.late_reopening) else {
        return;
    };
    let failing = fails(world, is_second_look_at_home(&step));
    for step in of_every_size(home, step) {
        for &fails in failing {
            let step = step.clone();
            all.push(Action::Serve { step, pass, fails });
        }
    }
}

const fn is_second_look_at_home(step: &Step) -> bool {
    matches!(
        step,
        Step::Grant {
            asker: Asker::Own(_),
            ..
        }
    )
}

/// How a second look can end.
const fn fails(world: &World, looks: bool) -> &'static [bool] {
    if looks && world.budget.failures > 0 {
        &[false, true]
    } else {
        &[false]
    }
}

/// The same step with every number of extra units that the guard allows: what is left, if nobody else waits and nothing is being
/// called back.
fn of_every_size(home: &Home, step: Step) -> Vec<Step> {
    match step {
        Step::Open { .. } => {
            let most = home.here.get() / (SHARDS as u64 - 1);
            let sizes = (0..=most).map(|extra| Step::Open {
                extra: units(extra),
            });
            sizes.collect()
        }
        Step::Grant {
            asker: asker @ Asker::Shard(..),
            quantity,
            extra,
        } => {
            let calm = !home.phases.contains(&Phase::Recalling);
            let most = if home.queue.len() == 1 && calm {
                home.here.minus(quantity)
            } else {
                Units::ZERO
            };
            assert!(extra <= most, "nobody gets what somebody waits for");
            let sizes = (0..=most.get()).map(|extra| Step::Grant {
                asker,
                quantity,
                extra: units(extra),
            });
            sizes.collect()
        }
        other => vec![other],
    }
}

/// Whatever may reach a shard next.
fn mail(all: &mut Vec<Action>, model: &Model, world: &World, shard: usize) {
    for demand in model.demands_of(shard) {
        match world.standing(demand, shard) {
            Standing::Unknown if world.tries[demand] > 0 => all.push(Action::Ask { demand }),
            Standing::Served => {
                if world.budget.cancels > 0 {
                    all.push(Action::Cancel { demand });
                }
                if model.has(Flaw::MarkBeforeId) {
                    all.push(Action::AskAgain { demand });
                }
            }
            _ => {}
        }
    }
    if shard != 0 {
        deliver(all, model, world, (0, shard), &world.down[shard]);
        return;
    }
    for from in 1..SHARDS {
        deliver(all, model, world, (from, 0), &world.up[from]);
    }
    if world.budget.restocks > 0 {
        all.push(Action::Restock);
    }
    if model.prefetch {
        prefetch(all, world);
    }
}

fn deliver(
    all: &mut Vec<Action>,
    model: &Model,
    world: &World,
    (from, to): (usize, usize),
    link: &Link,
) {
    let sent = if model.has(Flaw::SentEarly) {
        link.messages.len()
    } else {
        link.durable
    };
    if link.received >= sent {
        return;
    }
    let message = link.messages[link.received];
    let looks = matches!(message, PoolMessage::ToShard(ToShard::Grant { .. }));
    for &fails in fails(world, looks) {
        all.push(Action::Deliver {
            from,
            to,
            message,
            fails,
        });
    }
}

/// Counts a message as received.
fn take(model: &Model, world: &mut World, from: usize, to: usize) {
    let link = if from == 0 {
        &mut world.down[to]
    } else {
        &mut world.up[from]
    };
    if model.has(Flaw::AcknowledgedEarly) {
        link.messages.remove(0);
        link.durable -= 1;
    } else {
        link.received += 1;
    }
}

/// Units may go out unasked while nobody waits, nothing is being called back, and no mark is out.
fn prefetch(all: &mut Vec<Action>, world: &World) {
    let home = world.home(As::Memory);
    let calm = |phase: &Phase| matches!(phase, Phase::Closed | Phase::Open);
    if home.queue.is_empty() && home.phases.iter().all(calm) {
        for extra in (1..=home.here.get()).map(units) {
            all.extend((1..SHARDS).map(|to| Action::Prefetch { to, extra }));
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ends = |fails: &bool| {
            if *fails {
                ", the second look fails"
            } else {
                ""
            }
        };
        match self {
            Self::Ask { demand } => write!(f, "demand {demand} is made"),
            Self::AskAgain { demand } => {
                write!(f, "demand {demand}, which has its units, is made again")
            }
            Self::Cancel { demand } => write!(f, "demand {demand} is cancelled"),
            Self::Restock => write!(f, "home gets one unit more"),
            Self::Prefetch { to, extra } => write!(f, "home sends shard {to} {extra} unasked"),
            Self::Deliver {
                from,
                to,
                message,
                fails,
            } => write!(
                f,
                "shard {to} hears of shard {from}: {message:?}{}",
                ends(fails)
            ),
            Self::Serve { step, fails, .. } => write!(f, "home does {step:?}{}", ends(fails)),
            Self::MakeDurable { shard } => write!(f, "shard {shard} is durable"),
            Self::FallBack { shard } => write!(f, "shard {shard} falls back"),
            Self::AllFallBack => write!(f, "all shards fall back"),
        }
    }
}
