//! Sending requests twice, as clients do that have heard nothing: the same bytes under the same request ids.

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::session::Outgoing;

/// Keeps the draw of what is sent twice apart from that of the commands, so that these are the same with and without it.
const STREAMS_FROM: u64 = 1 << 32;

/// Which requests of one connection are sent twice, drawn from the seed. Only what was answered the first time is sent
/// again: of the rest nobody knows what the second answer would mean.
#[derive(Debug)]
pub(crate) struct Resend {
    rng: ChaCha8Rng,
    share: f64,
    waiting: Option<Outgoing>,
    is_again: bool,
}

impl Resend {
    /// `share`: between 0 and 1.
    pub(crate) fn new(seed: u64, connection: u32, share: f64) -> Self {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        rng.set_stream(STREAMS_FROM + u64::from(connection));
        Self {
            rng,
            share,
            waiting: None,
            is_again: false,
        }
    }

    /// A new request has been made.
    pub(crate) fn sent(&mut self, outgoing: &Outgoing) {
        self.is_again = false;
        if self.share > 0.0 && self.rng.random_bool(self.share) {
            self.waiting = Some(outgoing.clone());
        }
    }

    /// What is to be sent before any new request.
    pub(crate) fn take(&mut self) -> Option<Outgoing> {
        let waiting = self.waiting.take();
        self.is_again = waiting.is_some();
        waiting
    }

    /// The request was not answered.
    pub(crate) fn forget(&mut self) {
        self.waiting = None;
    }

    pub(crate) const fn is_again(&self) -> bool {
        self.is_again
    }
}
