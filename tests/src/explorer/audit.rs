//! What must hold in every state: what was promised, whichever shards fall back, and what home believes of the others.

use jifen_engine::{
    ledger::ShardIndex,
    pool::{Asker, Home, Phase, PoolMessage, ToHome, ToShard},
};

use super::{
    model::{Model, SHARDS},
    protocol::{demand_of, ticket},
    world::{As, Standing, World},
};

/// What does not hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Violation(pub(super) String);

impl std::fmt::Display for Violation {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.fmt(f)
    }
}

/// What a shard has of the pool, its links to and from home included, as home and the shard stand.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Part {
    /// All units that left home for this shard and did not come back.
    units: u64,
    /// Those that anybody may have: allotted, or as extra on the way, or called back and on the way.
    free: u64,
    /// Those of them that the shard has, or will get.
    allotted: u64,
    /// Units granted to commands of which home has not heard since.
    tags: u64,
    /// Whether the shard keeps what comes back.
    open: bool,
    /// Whether it refuses at once, or is about to.
    marked: bool,
    /// Recalls that home has no answer to.
    recalls: u32,
}

impl Part {
    fn of(world: &World, shard: usize, (home, there): (As, As)) -> Self {
        let share = &world.shard(shard, there).share;
        let mut part = Self {
            allotted: share.allotment.get(),
            tags: share.tagged.get(),
            open: share.open,
            marked: share.mark,
            ..Self::default()
        };
        for message in world.down[shard].on_the_way(home, there) {
            match *message {
                PoolMessage::ToShard(ToShard::Grant {
                    quantity, extra, ..
                }) => {
                    part.tags += quantity.get();
                    part.allotted += extra.get();
                }
                PoolMessage::ToShard(ToShard::Allot { extra }) => part.allotted += extra.get(),
                PoolMessage::ToShard(ToShard::No { mark, .. }) => part.marked |= mark,
                PoolMessage::ToShard(ToShard::Recall { .. }) => part.recalls += 1,
                PoolMessage::ToHome(_) => unreachable!("links have a direction"),
            }
        }
        part.free = part.allotted;
        part.units = part.allotted + part.tags + share.reserved.get() + share.sold.get();
        for message in world.up[shard].on_the_way(there, home) {
            match *message {
                PoolMessage::ToHome(ToHome::Said { units, .. }) => {
                    part.recalls += 1;
                    part.free += units.get();
                    part.units += units.get();
                }
                PoolMessage::ToHome(ToHome::Back { units }) => part.units += units.get(),
                PoolMessage::ToHome(ToHome::Settled { quantity, used, .. }) => {
                    part.tags += quantity.get();
                    part.units += if used { 0 } else { quantity.get() };
                }
                PoolMessage::ToHome(ToHome::Ask { .. }) => {}
                PoolMessage::ToShard(_) => unreachable!("links have a direction"),
            }
        }
        part
    }
}

/// As how a shard may stand in the end, where one of them is certain.
fn ways(shard: usize, (certain, how): (usize, As)) -> &'static [As] {
    match how {
        _ if shard != certain => &As::BOTH,
        As::Memory => &[As::Memory],
        As::Durable => &[As::Durable],
    }
}

/// How many units may be on sale, whichever shards fall back but this one, which stays as it is.
pub(super) fn most_on_sale(world: &World, certain: (usize, As)) -> u64 {
    let most = |home: &As| {
        let others = (1..SHARDS).map(|shard| {
            let ways = ways(shard, certain).iter();
            let parts = ways.map(|there| Part::of(world, shard, (*home, *there)));
            parts
                .map(|part| part.free + part.tags)
                .max()
                .unwrap_or_default()
        });
        world.home(*home).here.get() + others.sum::<u64>()
    };
    ways(0, certain).iter().map(most).max().unwrap_or_default()
}

/// Notes for which demands this very instant bears witness: fewer units are on sale, whichever shards fall back. If home falls
/// back, the instant is gone, unless it was one as home stands durably too.
pub(super) fn note_witness(model: &Model, world: &mut World) {
    let waits =
        |demand: &usize| world.standing(*demand, model.demands[*demand].shard) == Standing::Waiting;
    let waiting: Vec<usize> = (0..model.demands.len()).filter(waits).collect();
    if waiting.is_empty() {
        return;
    }
    let [memory, durable] = As::BOTH.map(|how| most_on_sale(world, (0, how)));
    for demand in waiting {
        let quantity = model.demands[demand].quantity.get();
        if memory < quantity {
            world.witnessed[0] |= 1 << demand;
            if durable < quantity {
                world.witnessed[1] |= 1 << demand;
            }
        }
    }
}

/// What must hold in every state.
pub(super) fn check(model: &Model, world: &World) -> Result<(), Violation> {
    for how in As::BOTH {
        let home = world.home(how);
        let parts = [1, 2].map(|shard| As::BOTH.map(|there| Part::of(world, shard, (how, there))));
        check_sum(world, (home, how), &parts)?;
        check_marks(world, (home, how), &parts)?;
        if model.beliefs {
            check_tags(home, &parts)?;
            for (shard, parts) in (1..).zip(&parts) {
                for (there, part) in As::BOTH.into_iter().zip(parts) {
                    check_belief(home, shard, part)
                        .and_then(|()| check_places(model, world, shard, (how, there)))
                        .map_err(|what| {
                            Violation(format!(
                                "home as {how:?}, shard {shard} as {there:?}: {what}"
                            ))
                        })?;
                }
            }
        }
    }
    Ok(())
}

/// P1 for all ways in which the shards may stand.
fn check_sum(
    world: &World,
    (home, how): (&Home, As),
    parts: &[[Part; 2]; 2],
) -> Result<(), Violation> {
    let own = &world.shard(0, how).share;
    let at_home = home.here.get() + home.returned.get() + own.reserved.get() + own.sold.get();
    for first in &parts[0] {
        for second in &parts[1] {
            let sum = at_home + first.units + second.units;
            holds(sum == home.total.get(), || {
                format!(
                    "there are {sum} units of {}: home as {how:?} has {at_home}, {first:?}, {second:?}",
                    home.total
                )
            })?;
        }
    }
    Ok(())
}

/// Where a shard refuses at once, nothing is on sale anywhere.
fn check_marks(
    world: &World,
    (home, how): (&Home, As),
    parts: &[[Part; 2]; 2],
) -> Result<(), Violation> {
    for (shard, there) in (1..SHARDS).flat_map(|shard| As::BOTH.map(|there| (shard, there))) {
        if !world.shard(shard, there).share.mark {
            continue;
        }
        let on_sale = |part: &Part| part.free + part.tags;
        let other = parts[2 - shard].iter().map(on_sale).max();
        let itself = on_sale(&parts[shard - 1][there as usize]);
        let most = home.here.get() + itself + other.unwrap_or_default();
        holds(most == 0, || {
            format!(
                "shard {shard} as {there:?} is marked, and {most} may be on sale, home as {how:?}"
            )
        })?;
    }
    Ok(())
}

fn check_tags(home: &Home, parts: &[[Part; 2]; 2]) -> Result<(), Violation> {
    for first in &parts[0] {
        for second in &parts[1] {
            let tags = first.tags + second.tags;
            holds(tags == home.tags.get(), || {
                format!(
                    "{tags} are granted and not settled, home counts {}",
                    home.tags
                )
            })?;
        }
    }
    Ok(())
}

/// What home believes of a shard.
fn check_belief(home: &Home, shard: usize, part: &Part) -> Result<(), Violation> {
    let phase = home.phases[shard];
    let may_have = matches!(phase, Phase::Open | Phase::Recalling);
    holds(home.out[shard].get() == part.units, || {
        format!("home counts {} units there, {part:?}", home.out[shard])
    })?;
    holds(may_have || (part.allotted == 0 && !part.open), || {
        format!("it is {phase:?} and may sell, {part:?}")
    })?;
    let may_refuse = matches!(phase, Phase::Shut | Phase::Reopening);
    holds(!part.marked || may_refuse, || {
        format!("it is {phase:?} and marked")
    })?;
    let asked = u32::from(matches!(phase, Phase::Recalling | Phase::Reopening));
    holds(part.recalls == asked, || {
        format!("it is {phase:?}, and {} recalls are open", part.recalls)
    })
}

/// Every demand that waits does so in one place, and nobody waits for one that does not: P4 cannot fail by a lost command.
fn check_places(
    model: &Model,
    world: &World,
    shard: usize,
    (home, there): (As, As),
) -> Result<(), Violation> {
    for demand in model.demands_of(shard) {
        let of_it = |other| other == ticket(demand);
        let asker = Asker::Shard(ShardIndex(shard as u16), ticket(demand));
        let queue = &world.home(home).queue;
        let waiting = queue.iter().filter(|one| one.asker == asker).count();
        let up = world.up[shard].on_the_way(there, home).iter();
        let asks = up.filter(|message| {
            matches!(message, PoolMessage::ToHome(ToHome::Ask { ticket, .. }) if of_it(*ticket))
        });
        let down = world.down[shard].on_the_way(home, there).iter();
        let answers = down.filter(|message| match message {
            PoolMessage::ToShard(ToShard::Grant { ticket, .. } | ToShard::No { ticket, .. }) => {
                of_it(*ticket)
            }
            _ => false,
        });
        let places = waiting + asks.count() + answers.count();
        let waits = world.shard(shard, there).standings[demand] == Standing::Waiting;
        holds(places == usize::from(waits), || {
            format!("demand {demand} has {places} places, and waits: {waits}")
        })?;
    }
    Ok(())
}

/// What must hold where the protocol has nothing left to do.
pub(super) fn check_rest(model: &Model, world: &World) -> Result<(), Violation> {
    for (at, demand) in model.demands.iter().enumerate() {
        holds(
            world.standing(at, demand.shard) != Standing::Waiting,
            || format!("demand {at} waits, and nothing goes on"),
        )?;
    }
    let home = world.home(As::Memory);
    holds(home.queue.is_empty(), || {
        let first = home.queue.front().map(|one| match one.asker {
            Asker::Shard(_, ticket) | Asker::Own(ticket) | Asker::Operator(_, ticket) => {
                demand_of(ticket)
            }
        });
        format!("home keeps {first:?} in its queue, and nothing goes on")
    })?;
    holds(home.returned.is_zero() && home.tags.is_zero(), || {
        format!(
            "{} came home and {} are granted, and nothing goes on",
            home.returned, home.tags
        )
    })?;
    let open_round = |phase: &Phase| matches!(phase, Phase::Recalling | Phase::Reopening);
    holds(!home.phases.iter().any(open_round), || {
        format!("a round is open, and nothing goes on: {:?}", home.phases)
    })?;
    holds(home.restocks.is_empty(), || {
        "a restock is not answered, and nothing goes on".to_owned()
    })
}

fn holds(it: bool, what: impl FnOnce() -> String) -> Result<(), Violation> {
    if it { Ok(()) } else { Err(Violation(what())) }
}
