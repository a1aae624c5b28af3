//! Work without end for a long journal: earns and redemptions on members drawn evenly.

use std::time::{Duration, Instant};

use futures_util::{StreamExt, stream::FuturesUnordered};
use jifen_engine::{Engine, ledger::Request};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    rungs::check_all,
    workload::{BATCH, MERCHANTS, earn, enrol, put_merchant, redeem},
};

/// How many batches are on their way at once.
const IN_FLIGHT: usize = 4;

/// Makes requests.
pub struct Source {
    members: u32,
    made: u64,
    ids: Ids,
    rng: ChaCha8Rng,
}

/// What requests are called.
#[derive(Clone, Copy, Debug)]
pub enum Ids {
    /// By a number that is counted up.
    Counted,
    /// By 32 hexadecimal digits at random, as a UUID has them.
    Random,
}

impl Source {
    /// Requests about so many members.
    #[must_use]
    pub fn new(members: u32, ids: Ids) -> Self {
        Self {
            members,
            made: 0,
            ids,
            rng: ChaCha8Rng::seed_from_u64(1),
        }
    }

    /// The documents that come first.
    pub fn merchants(&self) -> impl Iterator<Item = Request> + use<> {
        (0..MERCHANTS).map(put_merchant)
    }

    /// Every member enrolled, with some points.
    pub fn members(&self) -> impl Iterator<Item = Request> + use<> {
        (0..self.members)
            .flat_map(|member| [enrol(member), earn(member, 0, 1_000_000, "opening".into())])
    }

    /// So many operations.
    pub fn work(&mut self, count: u64) -> impl Iterator<Item = Request> {
        (0..count).map(|_| {
            self.made += 1;
            let id = match self.ids {
                Ids::Counted => format!("o-{:010}", self.made),
                Ids::Random => format!("{:032x}", self.rng.random::<u128>()),
            };
            let (rng, members) = (&mut self.rng, self.members);
            let member = rng.random_range(0..members);
            let merchant = rng.random_range(0..MERCHANTS);
            let points = rng.random_range(1..200);
            if rng.random_ratio(3, 4) {
                earn(member, merchant, points, id)
            } else {
                redeem(member, merchant, points, id)
            }
        })
    }
}

/// Submits everything, a few batches at a time; tells how long each batch took. Every command has to be accepted.
pub async fn submit_measured(
    engine: &Engine,
    requests: impl Iterator<Item = Request>,
) -> Vec<Duration> {
    let mut requests = requests.peekable();
    let mut flying = FuturesUnordered::new();
    let mut took = Vec::new();
    loop {
        while flying.len() < IN_FLIGHT && requests.peek().is_some() {
            let batch: Vec<Request> = requests.by_ref().take(BATCH).collect();
            let engine = engine.clone();
            flying.push(actix_rt::spawn(async move {
                let start = Instant::now();
                let outcomes = engine.submit_many(batch).await;
                (start.elapsed(), outcomes)
            }));
        }
        let Some(joined) = flying.next().await else {
            return took;
        };
        let (elapsed, outcomes) = joined.expect("no batch panics");
        check_all(&outcomes);
        took.push(elapsed);
    }
}
