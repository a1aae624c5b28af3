//! Everything that was ever journaled, readable while the engine runs.
//!
//! | where | what |
//! |---|---|
//! | `archive` | epochs that are over, each in a file that never changes |
//! | `catalogue` | which archives there are |
//! | `live` | epochs that are not archived yet |

mod archive;
mod catalogue;
mod error;
mod live;
#[cfg(test)]
pub(crate) mod tests;

use std::{
    collections::VecDeque,
    fmt,
    ops::ControlFlow,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

pub use archive::{Archive, ArchiveFacts, ArchiveHash, Sink};
pub use catalogue::{Catalogue, archive_path};
pub use error::HistoryError;
pub use live::BlockPlace;

use crate::{
    journal::{
        EpochReader, JournalError,
        epoch::{Epoch, EpochHead},
        turns::{TurnError, Turns},
    },
    ledger::{Seq, ShardIndex},
};
use archive::entry_in;
use live::{Live, Places};

/// Looks at a value, and tells whether to go on.
pub type Visit<'a> = dyn FnMut(&[u8]) -> Result<ControlFlow<()>, HistoryError> + 'a;

/// Archives and live epochs together. Shared by `Arc`, read from any thread.
pub struct History {
    shards: u16,
    state: Mutex<State>,
    /// Told of turns that become durable, if anybody waits.
    grew: Condvar,
    /// Held while archives are written or deleted, which takes long.
    catalogue: Mutex<Catalogue>,
}

/// Where everything is to be found. Locked for a moment at a time, and never while a file is read or written.
struct State {
    durable: u64,
    complete_behind: u64,
    archives: Vec<Arc<Archive>>,
    live: VecDeque<Indexed>,
    waiting: usize,
}

/// A live epoch with the places of its blocks, per shard.
struct Indexed {
    epoch: Arc<Live>,
    places: Vec<Places>,
}

/// Where the turn behind another one is to be found.
enum Source {
    Archive(Arc<Archive>),
    /// With the last turn that is durable and in it.
    Live(Arc<Live>, u64),
}

impl History {
    /// With what is archived. Live epochs are added with [`found`](Self::found) and [`began`](Self::began), the oldest
    /// first.
    #[must_use]
    pub fn new(catalogue: Catalogue, shards: u16) -> Self {
        let archives = catalogue.archives().to_vec();
        let complete_behind = catalogue.complete_behind();
        let durable = archives
            .last()
            .map_or(complete_behind, |last| last.facts().last_turn);
        Self {
            shards,
            state: Mutex::new(State {
                durable,
                complete_behind,
                archives,
                live: VecDeque::new(),
                waiting: 0,
            }),
            grew: Condvar::new(),
            catalogue: Mutex::new(catalogue),
        }
    }

    /// An epoch that is being written from now on.
    pub fn began(&self, head: EpochHead, reader: Arc<dyn EpochReader>) {
        let places = (0..self.shards).map(|_| Places::default()).collect();
        let mut state = self.state();
        if state.archives.is_empty() && state.live.is_empty() {
            state.complete_behind = head.turn;
        }
        state.durable = state.durable.max(head.turn);
        let epoch = Arc::new(Live::new(head, reader));
        state.live.push_back(Indexed { epoch, places });
    }

    /// An epoch that a start found, with everything that is in it up to `last_turn`: reads it through and checks it, and
    /// does what [`began`](Self::began), and [`durable`](Self::durable) for each of its turns, would have done.
    pub fn found(
        &self,
        head: EpochHead,
        reader: Arc<dyn EpochReader>,
        last_turn: u64,
    ) -> Result<(), HistoryError> {
        let mut turns = Turns::behind(head.clone());
        let start = head.turn;
        self.began(head, Arc::clone(&reader));
        let visit = &mut |turn: &crate::journal::turns::Turn<'_>| {
            let places = BlockPlace::of_turn(turn.values).map_err(|bad| bad.to_string())?;
            self.durable(turn.number, &places);
            Ok(())
        };
        let damaged = |turn: u64, error| match error {
            TurnError::Torn(what) | TurnError::Damaged(what) | TurnError::Visitor(what) => {
                JournalError::Damaged(format!("turn {turn}: {what}"))
            }
        };
        reader.read_behind(start, &mut |value| {
            turns
                .take(value, visit)
                .map_err(|error| damaged(turns.turn() + 1, error))?;
            Ok(if turns.turn() < last_turn {
                ControlFlow::Continue(())
            } else {
                ControlFlow::Break(())
            })
        })?;
        if turns.turn() < last_turn {
            turns
                .finish(visit)
                .map_err(|error| damaged(turns.turn() + 1, error))?;
        }
        Ok(())
    }

    /// A turn is durable, the one behind the last that was; its blocks lie in these places of the newest epoch.
    pub fn durable(&self, turn: u64, blocks: &[BlockPlace]) {
        let mut state = self.state();
        let newest = state
            .live
            .back_mut()
            .expect("turns are written to an epoch that began");
        for block in blocks {
            newest.places[usize::from(block.shard.0)].push(turn, block);
        }
        state.durable = turn;
        if state.waiting > 0 {
            self.grew.notify_all();
        }
    }

    /// Archives the oldest live epoch, if it is over, and reads it from there from then on; answers when the archive and
    /// the catalogue are durable and nobody reads the live epoch any more, so that the caller can remove it.
    ///
    /// `None` if only the current epoch is live, or there is no directory for archives. `pause` is called between
    /// frames, so that the caller may give way.
    pub fn archive_oldest(
        &self,
        pause: &mut dyn FnMut(),
    ) -> Result<Option<ArchiveFacts>, HistoryError> {
        let mut catalogue = self
            .catalogue
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let Some((epoch, end)) = self.oldest() else {
            return Ok(None);
        };
        let archived = catalogue.archive(
            &epoch.head,
            &end,
            &mut |sink| feed(&epoch, &end, sink),
            pause,
        )?;
        let Some(archive) = archived else {
            return Ok(None);
        };
        let facts = archive.facts().clone();
        let mut state = self.state();
        state.archives.push(archive);
        let places = state.live.pop_front();
        drop(state);
        drop(places);
        epoch.close();
        Ok(Some(facts))
    }

    /// The engine ends: lets go of the live epochs, so that others can open them. Archives can still be read.
    pub fn end(&self) {
        let live = std::mem::take(&mut self.state().live);
        for indexed in live {
            indexed.epoch.close();
        }
    }

    /// The oldest live epoch if it is over, and where it ended.
    fn oldest(&self) -> Option<(Arc<Live>, EpochHead)> {
        let state = self.state();
        let (oldest, next) = (state.live.front()?, state.live.get(1)?);
        Some((Arc::clone(&oldest.epoch), next.epoch.head.clone()))
    }

    /// The last turn that is durable; nothing behind it is shown.
    #[must_use]
    pub fn durable_turn(&self) -> u64 {
        self.state().durable
    }

    /// Waits until something behind `turn` is durable, at most this long; answers with the last durable turn.
    pub fn wait_behind(&self, turn: u64, longest: Duration) -> u64 {
        let mut state = self.state();
        state.waiting += 1;
        let waited = self
            .grew
            .wait_timeout_while(state, longest, |state| state.durable <= turn);
        let (mut state, _) = waited.unwrap_or_else(PoisonError::into_inner);
        state.waiting -= 1;
        state.durable
    }

    /// Behind which turn history is complete: 0 unless archives were deleted.
    #[must_use]
    pub fn complete_behind(&self) -> u64 {
        self.state().complete_behind
    }

    /// What is archived, the oldest first.
    #[must_use]
    pub fn archives(&self) -> Vec<Arc<Archive>> {
        self.state().archives.clone()
    }

    /// Where the live epochs began, the oldest first; the last one is being written.
    #[must_use]
    pub fn live(&self) -> Vec<EpochHead> {
        let state = self.state();
        state
            .live
            .iter()
            .map(|live| live.epoch.head.clone())
            .collect()
    }

    /// Deletes the archives before `epoch`, for good; see [`Catalogue::forget_before`].
    pub fn forget_before(&self, epoch: Epoch) -> Result<usize, HistoryError> {
        let mut catalogue = self
            .catalogue
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let forgotten = catalogue.forget_before(epoch);
        // Also if files could not be removed: what is not listed is not read.
        let mut state = self.state();
        state.archives = catalogue.archives().to_vec();
        state.complete_behind = state.complete_behind.max(catalogue.complete_behind());
        forgotten
    }

    /// The recorded form of an entry, however old; `None` if it is not durable, or was deleted.
    pub fn entry(&self, shard: ShardIndex, seq: Seq) -> Result<Option<Vec<u8>>, HistoryError> {
        loop {
            let (epoch, turn, part) = match self.state().place(shard, seq) {
                Some(Found::Archive(archive)) => return archive.entry(shard, seq),
                Some(Found::Live(epoch, turn, part)) => (epoch, turn, part),
                None => return Ok(None),
            };
            // If it was archived just now, it is found in the archive.
            if let Some(value) = epoch.value(turn, part) {
                return Ok(entry_in(&value?, shard, seq));
            }
        }
    }

    /// A turn in front of that which has an entry, so that reading behind it comes to the entry soon; `None` if the entry is not
    /// durable, or was deleted.
    #[must_use]
    pub fn turn_before(&self, shard: ShardIndex, seq: Seq) -> Option<u64> {
        match self.state().place(shard, seq)? {
            Found::Archive(archive) => Some(archive.facts().head.turn),
            Found::Live(_, turn, _) => Some(turn - 1),
        }
    }

    /// Shows the values of the durable turns behind `turn`, in the order of turn and part, over all epochs, with the
    /// heads of those that began behind `turn`. Behind turn 0 is everything there is; behind another turn whose
    /// successors were deleted the answer is [`HistoryError::Forgotten`].
    ///
    /// No lock is held and no epoch kept from being archived while `visit` works. Turns that become durable meanwhile
    /// may be shown or not; a turn is shown whole unless `visit` breaks off.
    pub fn read_behind(&self, turn: u64, visit: &mut Visit<'_>) -> Result<(), HistoryError> {
        self.read_some_behind(turn, live::BATCH_BYTES, visit)
    }

    /// The same for whoever breaks off after about so many bytes: of a live epoch no more than that is read at once.
    pub fn read_some_behind(
        &self,
        turn: u64,
        bytes: usize,
        visit: &mut Visit<'_>,
    ) -> Result<(), HistoryError> {
        let complete_behind = self.complete_behind();
        if 0 < turn && turn < complete_behind {
            return Err(HistoryError::Forgotten {
                turn,
                complete_behind,
            });
        }
        let mut at = turn.max(complete_behind);
        loop {
            let source = self.state().behind(at);
            let (flow, reached) = match source {
                None => return Ok(()),
                Some(Source::Archive(archive)) => {
                    let with_head = is_entered(&archive.facts().head, turn, at);
                    (
                        archive.read(at, with_head, visit)?,
                        archive.facts().last_turn,
                    )
                }
                Some(Source::Live(epoch, until)) => match epoch.batch(at, until, bytes) {
                    Some(batch) => {
                        let batch = batch?;
                        let head = is_entered(&epoch.head, turn, at).then(|| epoch.head.to_value());
                        (
                            show(head.iter().chain(&batch.values), visit)?,
                            batch.last_turn,
                        )
                    }
                    // Archived just now: it is read from there.
                    None => continue,
                },
            };
            if flow.is_break() {
                return Ok(());
            }
            at = reached;
        }
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for History {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("History")
            .field("archives", &self.archives().len())
            .field("live", &self.live().len())
            .field("durable_turn", &self.durable_turn())
            .finish_non_exhaustive()
    }
}

/// Where an entry is to be found.
enum Found {
    Archive(Arc<Archive>),
    /// In this turn and part.
    Live(Arc<Live>, u64, u16),
}

impl State {
    fn place(&self, shard: ShardIndex, seq: Seq) -> Option<Found> {
        let at = usize::from(shard.0);
        let begins_before =
            |head: &EpochHead| head.chains.get(at).is_some_and(|chain| chain.seq < seq);
        let live = self
            .live
            .iter()
            .rev()
            .find(|live| begins_before(&live.epoch.head));
        if let Some(live) = live {
            let (turn, part) = live.places.get(at)?.find(seq)?;
            return Some(Found::Live(Arc::clone(&live.epoch), turn, part));
        }
        let archive = self
            .archives
            .partition_point(|archive| begins_before(&archive.facts().head));
        let archive = self.archives.get(archive.checked_sub(1)?)?;
        Some(Found::Archive(Arc::clone(archive)))
    }

    /// Where the turn behind this one is, if there is one. Epochs without turns are passed over.
    fn behind(&self, turn: u64) -> Option<Source> {
        let archive = self
            .archives
            .partition_point(|archive| archive.facts().last_turn <= turn);
        if let Some(archive) = self.archives.get(archive) {
            return Some(Source::Archive(Arc::clone(archive)));
        }
        let ends = self
            .live
            .iter()
            .skip(1)
            .map(|next| next.epoch.head.turn)
            .chain([self.durable]);
        let mut live = self.live.iter().zip(ends);
        let (live, end) = live.find(|(_, end)| *end > turn)?;
        Some(Source::Live(Arc::clone(&live.epoch), end))
    }
}

/// Whether a reading behind `asked` that has come to `at` enters an epoch there, whose head is to be shown.
const fn is_entered(head: &EpochHead, asked: u64, at: u64) -> bool {
    // Epoch 1 has no head, and one that began in front of the first turn says nothing that is not known.
    asked < head.turn && at <= head.turn
}

fn show<'a>(
    values: impl Iterator<Item = &'a Vec<u8>>,
    visit: &mut Visit<'_>,
) -> Result<ControlFlow<()>, HistoryError> {
    for value in values {
        if visit(value)?.is_break() {
            return Ok(ControlFlow::Break(()));
        }
    }
    Ok(ControlFlow::Continue(()))
}

/// Hands over every value of an epoch that is over.
fn feed(epoch: &Live, end: &EpochHead, sink: &mut Sink<'_>) -> Result<(), HistoryError> {
    if epoch.head.epoch != Epoch::FIRST {
        sink(&epoch.head.to_value())?;
    }
    let mut turn = epoch.head.turn;
    while turn < end.turn {
        // Nobody else closes epochs: whoever archives holds the catalogue.
        let Some(batch) = epoch.batch(turn, end.turn, live::BATCH_BYTES) else {
            return Ok(());
        };
        let batch = batch?;
        turn = batch.last_turn;
        batch.values.iter().try_for_each(|value| sink(value))?;
    }
    Ok(())
}
