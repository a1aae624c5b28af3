//! Single commands and reads on their way from a thread of connections to the shards.
//!
//! A thread that serves many connections finds several of them readable at once. Sending each on by itself would wake
//! a thread of shards for each; here they leave together when the thread has looked at all that was readable, with one wake
//! for each thread of shards.

use std::{cell::RefCell, sync::Arc};

use actix::{Addr, Arbiter};

use crate::{
    engine::{Engine, Inner},
    shard::actor::{Mail, ShardActor},
};

/// Mail that goes to one thread of shards.
struct Bundle {
    /// Whose shards: several engines may be used by one thread.
    engine: *const Inner,
    /// Which of its threads.
    host: usize,
    letters: Vec<(Addr<ShardActor>, Mail)>,
}

thread_local! {
    static WAITING: RefCell<Vec<Bundle>> = const { RefCell::new(Vec::new()) };
}

impl Engine {
    /// Sends mail to a shard, at the latest before the calling thread waits for something.
    pub(crate) fn post(&self, shard: usize, mail: Mail) {
        let to = &self.0.shards[shard].address;
        // Such a thread runs everything that it spawns itself, and behind what is ready now.
        if Arbiter::try_current().is_none() {
            return to.do_send(mail);
        }
        let engine = Arc::as_ptr(&self.0);
        let host = shard % self.0.arbiters.len();
        let first = WAITING.with_borrow_mut(|waiting| {
            let first = waiting.iter().all(|bundle| bundle.engine != engine);
            let of_host = |bundle: &&mut Bundle| (bundle.engine, bundle.host) == (engine, host);
            let letter = (to.clone(), mail);
            match waiting.iter_mut().find(of_host) {
                Some(bundle) => bundle.letters.push(letter),
                None => waiting.push(Bundle {
                    engine,
                    host,
                    letters: vec![letter],
                }),
            }
            first
        });
        if first {
            let engine = self.clone();
            tokio::spawn(async move { engine.send_waiting() });
        }
    }

    fn send_waiting(&self) {
        let engine = Arc::as_ptr(&self.0);
        let bundles: Vec<Bundle> = WAITING.with_borrow_mut(|waiting| {
            let ours = |bundle: &mut Bundle| bundle.engine == engine;
            waiting.extract_if(.., ours).collect()
        });
        for Bundle { host, letters, .. } in bundles {
            // On a thread of shards that is gone nobody waits: whoever sent a letter hears that its outcome is not known.
            self.0.arbiters[host].spawn_fn(move || {
                for (to, mail) in letters {
                    to.do_send(mail);
                }
            });
        }
    }
}
