//! Requests on their way to their shards, some of which may have been turned away.

use tokio::sync::mpsc;

use crate::{
    engine::{Engine, Outcome, no_such_shard},
    error::EngineError,
    ledger::{Request, ShardIndex},
    shard::{Said, Share, actor::Mail},
};

/// Requests of which each stands in its shard's mail, or was turned away because its shard is full.
///
/// Whoever must keep an order holds back what comes later while something is turned away, and [posts it
/// again](Self::post_again): nothing was done about it.
pub struct Posted {
    engine: Engine,
    /// What is known; what stands in mail has an unknown outcome until its reply takes its place.
    outcomes: Vec<Outcome>,
    turned_away: Vec<Away>,
    to: mpsc::UnboundedSender<Said<Share>>,
    shares: mpsc::UnboundedReceiver<Said<Share>>,
}

/// Requests for one shard that it did not let in.
struct Away {
    shard: ShardIndex,
    places: Vec<u32>,
    requests: Vec<Request>,
    error: EngineError,
}

impl Posted {
    /// Posts requests, with one mail per shard.
    pub(crate) fn new(engine: &Engine, requests: Vec<Request>) -> Self {
        let (to, shares) = mpsc::unbounded_channel();
        let mut posted = Self {
            engine: engine.clone(),
            outcomes: Vec::with_capacity(requests.len()),
            turned_away: Vec::new(),
            to,
            shares,
        };
        let shards = usize::from(engine.router().shards());
        let mut split: Vec<(Vec<u32>, Vec<Request>)> = Vec::new();
        split.resize_with(shards, Default::default);
        let expected = requests.len() / shards + 8;
        for (place, request) in (0_u32..).zip(requests) {
            // Stands until a reply takes its place.
            posted.outcomes.push(Err(EngineError::OutcomeUnknown));
            match engine.router().command(request.command()) {
                Some(shard) => {
                    let (places, share) = &mut split[usize::from(shard.0)];
                    if share.is_empty() {
                        places.reserve(expected);
                        share.reserve(expected);
                    }
                    places.push(place);
                    share.push(request);
                }
                None => posted.outcomes[place as usize] = Ok(Err(no_such_shard(&request))),
            }
        }
        for (shard, (places, requests)) in (0..).map(ShardIndex).zip(split) {
            if !requests.is_empty() {
                posted.offer(shard, places, requests);
            }
        }
        posted
    }

    fn offer(&mut self, shard: ShardIndex, places: Vec<u32>, requests: Vec<Request>) {
        match self.engine.admit(shard, requests.len()) {
            Ok((shard, pass)) => shard.address.do_send(Mail::Many {
                places,
                requests,
                to: self.to.clone(),
                pass,
            }),
            Err(error) => self.turned_away.push(Away {
                shard,
                places,
                requests,
                error,
            }),
        }
    }

    /// Why something was turned away; `None` if nothing was.
    #[must_use]
    pub fn turned_away(&self) -> Option<EngineError> {
        self.turned_away.first().map(|away| away.error)
    }

    /// Posts once more what was turned away.
    pub fn post_again(&mut self) {
        for away in std::mem::take(&mut self.turned_away) {
            self.offer(away.shard, away.places, away.requests);
        }
    }

    /// What became of each request, in their order, when all of it is durable. Of what was turned away it is the reason.
    pub async fn answers(self) -> Vec<Outcome> {
        let Self {
            engine,
            mut outcomes,
            turned_away,
            to,
            mut shares,
        } = self;
        for away in turned_away {
            let places = away.places.into_iter();
            places.for_each(|place| outcomes[place as usize] = Err(away.error));
        }
        drop(to);
        while let Some(Said { what: share, at }) = shares.recv().await {
            engine.heard(at, share.replies.len());
            for (place, reply) in share.places.into_iter().zip(share.replies) {
                outcomes[place as usize] = Ok(reply);
            }
        }
        outcomes
    }
}
