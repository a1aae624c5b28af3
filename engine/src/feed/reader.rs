//! Whoever reads the feed.

use std::sync::Arc;

use tokio::sync::watch;

use super::{Cursor, Event, Feed, FeedError, page::Page};
use crate::ledger::{Seq, ShardIndex, UnixMillis};

/// Reads the feed from a place on, piece by piece, at its own pace: what it has not asked for is not kept for it, but read
/// from the journal when it asks.
pub struct Reader {
    feed: Arc<Feed>,
    at: Cursor,
    grown: watch::Receiver<u64>,
    /// The last entry of each shard that it has come past, as far as it has met the shard.
    passed: Vec<Option<Seq>>,
}

/// Some events that follow on each other; perhaps none, if all that was decided concerns nobody outside.
#[derive(Clone, Debug)]
pub struct Events {
    page: Arc<Page>,
    from: usize,
    /// The place behind them.
    pub behind: Cursor,
}

impl Events {
    /// The events, in the order of the journal.
    #[must_use]
    pub fn as_slice(&self) -> &[Event] {
        &self.page.events[self.from..]
    }

    /// The stamp of the last entry that was looked at for them.
    #[must_use]
    pub fn at(&self) -> UnixMillis {
        self.page.at
    }
}

impl Reader {
    pub(super) fn new(feed: Arc<Feed>, at: Cursor, shards: usize) -> Self {
        let grown = feed.listen();
        Self {
            feed,
            at,
            grown,
            passed: vec![None; shards],
        }
    }

    /// The place up to which it has come.
    #[must_use]
    pub const fn at(&self) -> Cursor {
        self.at
    }

    /// The next events; waits until something is durable. Nothing is lost if the wait is given up.
    ///
    /// # Errors
    ///
    /// If what comes next was deleted, cannot be read, or the engine has ended.
    pub async fn next(&mut self) -> Result<Events, FeedError> {
        let behind = self.at.turn;
        let waited = self.grown.wait_for(|durable| *durable > behind).await;
        if waited.map(drop).is_err() || self.feed.has_ended() {
            return Err(FeedError::Ended);
        }
        let page = self.feed.page(behind).await?;
        self.pass(&page);
        let at = self.at;
        self.at = self.feed.behind(page.last);
        Ok(Events {
            from: page.events.partition_point(|event| event.cursor <= at),
            page,
            behind: self.at,
        })
    }

    fn pass(&mut self, page: &Page) {
        for (shard, _, last) in &page.spans {
            self.passed[usize::from(shard.0)] = Some(*last);
        }
    }

    /// The last entry of each shard that it has come past, as far as it has met the shard.
    pub fn passed(&self) -> impl Iterator<Item = (ShardIndex, Seq)> {
        let shards = (0..).map(ShardIndex).zip(&self.passed);
        shards.filter_map(|(shard, seq)| Some((shard, (*seq)?)))
    }
}
