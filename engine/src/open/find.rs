//! From what lies in a data directory back to ledgers: the newest checkpoint that can be read, and what the journal has
//! behind it.

use std::{ops::ControlFlow, path::Path, sync::Arc};

use super::Options;
use crate::{
    checkpoint::{self, Images, Listing, ShardImage},
    closing::Store,
    error::OpenError,
    history::{Catalogue, History, HistoryError},
    journal::{
        Journal, JournalError,
        as_it_was::AsItWas,
        epoch::{Epoch, EpochHead},
        epochs::{Epochs, SledEpochs},
        head::Head,
        recovery::{Recovered, Recovery},
    },
    ledger::{Ledger, Rules, ShardIndex, invariants::check_programme},
    past::{FileShelf, Past},
    router::Router,
    start::Keeping,
    view::View,
};

/// What was found.
pub(super) struct Found {
    pub(super) ledgers: Vec<Ledger>,
    pub(super) recovered: Recovered,
    /// The epoch that is written on.
    pub(super) journal: Box<dyn Journal>,
    pub(super) keeping: Keeping,
    /// The checkpoint that it began with.
    pub(super) checkpoint: Option<Epoch>,
}

/// An epoch that is not archived.
struct Live {
    epoch: Epoch,
    journal: Box<dyn Journal>,
    /// Where it begins; `None` if the process died before it was said.
    head: Option<EpochHead>,
    bytes: u64,
    /// Puts its files back if the start is refused. Behind `journal`, which has to be closed before.
    as_it_was: AsItWas,
}

/// An epoch on whose files nothing is to be put back any more.
struct Begun {
    epoch: Epoch,
    journal: Box<dyn Journal>,
    head: Option<EpochHead>,
    bytes: u64,
}

impl Live {
    fn let_go(self) -> Begun {
        self.as_it_was.let_go();
        Begun {
            epoch: self.epoch,
            journal: self.journal,
            head: self.head,
            bytes: self.bytes,
        }
    }
}

/// Reads a data directory that is locked. Nothing of the journal is touched unless all of it fits.
pub(super) fn find(
    directory: &Path,
    router: &Router,
    head: &Head,
    options: &Options,
) -> Result<Found, OpenError> {
    let shards = router.shards();
    let epochs = SledEpochs::new(&directory.join("journal"));
    let catalogue = Catalogue::open(&directory.join("archive"), shards)?;
    let mut live = open_live(&epochs, &catalogue, head, shards)?;
    let images = Images::new(&directory.join("images"));
    // As long as they are there the disk may be short of the very room that they take. They are in nobody's way else.
    if let Err(error) = images.remove_drafts() {
        tracing::warn!(%error, "drafts of images cannot be removed");
    }
    if let Err(error) = catalogue.remove_drafts() {
        tracing::warn!(%error, "drafts of archives cannot be removed");
    }
    let named = images.all_chunks_named(usize::from(shards));
    let new_past = || {
        let shelf = FileShelf::new(&directory.join("past"));
        Past::new(Box::new(shelf), options.limits.past_unwritten_bytes_max)
            .beside_checkpoints(named.clone())
    };
    let from = begin(&images, &catalogue, shards, &options.rules, &new_past)?;
    let mut ledgers = from.ledgers;
    let mut recovery = Recovery::new(Some(head), &mut ledgers, from.past);
    let first_live = live[0].epoch;
    for archive in catalogue.archives() {
        let epoch = archive.facts().epoch();
        if epoch >= from.epoch && epoch < first_live {
            archive.read_behind(0, &mut |value| {
                recovery.take(value).map_err(HistoryError::Journal)?;
                Ok(ControlFlow::Continue(()))
            })?;
        }
    }
    for epoch in live.iter_mut().filter(|epoch| epoch.head.is_some()) {
        let bytes = &mut epoch.bytes;
        epoch.journal.read(&mut |value| {
            *bytes += value.len() as u64;
            recovery.take(value)
        })?;
    }
    let recovered = recovery.finish()?;
    check_together(&mut ledgers)?;
    // All of it fits; from here on the directory is ours to put in order.
    let live = live.into_iter().map(Live::let_go);
    let mut live: Vec<Begun> = live.collect();
    settle(&epochs, &mut live, &recovered)?;
    epochs.remove_before(first_live)?;
    let history = Arc::new(History::new(catalogue, shards));
    for (place, epoch) in live.iter().enumerate() {
        let next = live.get(place + 1).and_then(|next| next.head.as_ref());
        let last_turn = next.map_or(recovered.turn, |next| next.turn);
        if let Some(head) = epoch.head.clone() {
            history.found(head, epoch.journal.reader(), last_turn)?;
        }
    }
    let current = live.pop().expect("one epoch is always open");
    let view = options.view.then(|| {
        Arc::new(View::new(
            &directory.join("view"),
            Arc::clone(&history),
            shards,
        ))
    });
    Ok(Found {
        ledgers,
        recovered,
        journal: current.journal,
        keeping: Keeping {
            history,
            epochs: Box::new(epochs),
            epoch: current.epoch,
            epoch_bytes: current.bytes,
            images,
            known: from.known,
            newest: from.checkpoint,
            view,
            settlements: Store::new(directory.join("settlements")),
        },
        checkpoint: from.checkpoint,
    })
}

/// Lets the shards acknowledge what they have of each other, and looks whether they fit together: all of them have come from
/// the same turns.
fn check_together(ledgers: &mut [Ledger]) -> Result<(), JournalError> {
    let received: Vec<Vec<u64>> = ledgers
        .iter()
        .map(|to| {
            ledgers
                .iter()
                .map(|from| to.links().received(from.shard()))
                .collect()
        })
        .collect();
    for (from, ledger) in ledgers.iter_mut().enumerate() {
        for (to, received) in (0..).map(ShardIndex).zip(&received) {
            ledger.acknowledged(to, received[from]);
        }
    }
    let all: Vec<&Ledger> = ledgers.iter().collect();
    check_programme(&all).map_err(|violation| {
        JournalError::Damaged(format!("the shards do not fit together: {violation}"))
    })
}

/// What recovery begins with.
struct Beginning {
    ledgers: Vec<Ledger>,
    past: Past,
    /// The first epoch that has anything that the ledgers lack.
    epoch: Epoch,
    known: Vec<Option<ShardImage>>,
    checkpoint: Option<Epoch>,
}

/// The newest checkpoint that can be read, or nothing.
fn begin(
    images: &Images,
    catalogue: &Catalogue,
    shards: u16,
    rules: &Rules,
    new_past: &dyn Fn() -> Past,
) -> Result<Beginning, OpenError> {
    let listings = images
        .newest_first()
        .unwrap_or_else(|error| ignore(&error, "the checkpoints cannot be listed"));
    for listing in listings {
        if listing.shards.len() != usize::from(shards) {
            tracing::warn!(
                epoch = listing.epoch.0,
                "a checkpoint is of another directory"
            );
            continue;
        }
        let past = new_past();
        match checkpoint::load(images, &listing, rules, &past) {
            Ok(ledgers) => return Ok(from_images(listing, ledgers, past)),
            Err(error) => ignore(&error, "a checkpoint cannot be read; trying without it"),
        }
    }
    if catalogue.complete_behind() > 0 {
        return Err(JournalError::Damaged(format!(
            "no checkpoint can be read, and the archives of its first {} turns were deleted, so that nothing tells what \
             members had then; restore a backup",
            catalogue.complete_behind()
        ))
        .into());
    }
    Ok(Beginning {
        ledgers: (0..shards)
            .map(|shard| Ledger::new(ShardIndex(shard), rules.clone()))
            .collect(),
        past: new_past(),
        epoch: Epoch::FIRST,
        known: vec![None; usize::from(shards)],
        checkpoint: None,
    })
}

fn from_images(listing: Listing, ledgers: Vec<Ledger>, past: Past) -> Beginning {
    Beginning {
        ledgers,
        past,
        epoch: listing.epoch,
        known: listing.shards.into_iter().map(Some).collect(),
        checkpoint: Some(listing.epoch),
    }
}

fn ignore<T: Default>(error: &checkpoint::CheckpointError, what: &str) -> T {
    tracing::warn!(%error, "{what}");
    T::default()
}

/// Opens what is not archived, the epoch that is written on last.
fn open_live(
    epochs: &SledEpochs,
    catalogue: &Catalogue,
    head: &Head,
    shards: u16,
) -> Result<Vec<Live>, OpenError> {
    let archived = catalogue.end();
    let next = archived
        .as_ref()
        .map_or_else(|| EpochHead::first(shards), Clone::clone);
    let mut found = epochs.list()?;
    found.retain(|epoch| *epoch >= next.epoch);
    check_row(epochs, &found, &next, head)?;
    // A process died between making the last one's directory and anything in it.
    while let Some(last) = found.last()
        && !has_content(epochs, *last)
    {
        found.pop();
    }
    if found.is_empty() {
        found.push(next.epoch);
    }
    // A process that lost the lock may have them open still. Their files must not be put back from under it.
    for &epoch in &found {
        epochs.check_is_free(epoch)?;
    }
    let mut live = Vec::new();
    for epoch in found {
        let as_it_was = AsItWas::keep(&epochs.path(epoch))?;
        let journal = epochs.open(epoch)?;
        live.push(Live {
            epoch,
            journal,
            head: None,
            bytes: 0,
            as_it_was,
        });
        if let Some(last) = live.last_mut() {
            last.head = head_of(last.journal.as_ref(), epoch, shards)?;
        }
    }
    if let Some(first) = live.first().and_then(|live| live.head.as_ref())
        && archived.is_some()
    {
        catalogue.check_followed_by(first)?;
    }
    Ok(live)
}

/// sled would make a missing journal anew.
fn check_row(
    epochs: &SledEpochs,
    found: &[Epoch],
    next: &EpochHead,
    head: &Head,
) -> Result<(), JournalError> {
    let missing = |epoch: Epoch| {
        Err(JournalError::Damaged(format!(
            "{} is missing, and {} turns had been durable there or behind it; restore a backup",
            epochs.path(epoch).display(),
            head.turn - next.turn
        )))
    };
    let mut expected = next.epoch;
    for &epoch in found {
        if epoch != expected {
            return missing(expected);
        }
        expected = epoch.next();
    }
    let written = found.iter().any(|&epoch| has_content(epochs, epoch));
    if head.turn > next.turn && !written {
        return missing(next.epoch);
    }
    match found.split_last() {
        Some((_, before)) => match before.iter().find(|&&epoch| !has_content(epochs, epoch)) {
            Some(&empty) => missing(empty),
            None => Ok(()),
        },
        None => Ok(()),
    }
}

fn has_content(epochs: &SledEpochs, epoch: Epoch) -> bool {
    epochs.path(epoch).join("db").exists()
}

/// Where an epoch says that it begins. `None` if it holds nothing but half of that: it was about to be begun.
fn head_of(
    journal: &dyn Journal,
    epoch: Epoch,
    shards: u16,
) -> Result<Option<EpochHead>, JournalError> {
    if epoch == Epoch::FIRST {
        return Ok(Some(EpochHead::first(shards)));
    }
    let (mut first, mut values) = (None, 0);
    // Nothing has turn 0, and an epoch's head names the last turn before it.
    journal.reader().read_behind(0, &mut |value| {
        first.get_or_insert_with(|| value.to_vec());
        values += 1;
        Ok(if values > 1 {
            ControlFlow::Break(())
        } else {
            ControlFlow::Continue(())
        })
    })?;
    let Some(first) = first else { return Ok(None) };
    match EpochHead::from_value(&first) {
        Ok(head) => Ok(Some(head)),
        Err(_) if values == 1 => Ok(None),
        Err(bad) => Err(JournalError::Damaged(format!(
            "epoch {} does not say where it begins: {bad}; restore a backup",
            epoch.0
        ))),
    }
}

/// Drops what never became durable, and begins an epoch that a process was about to begin.
fn settle(
    epochs: &SledEpochs,
    live: &mut Vec<Begun>,
    recovered: &Recovered,
) -> Result<(), JournalError> {
    if recovered.dropped.is_some()
        && let Some(last) = live.iter_mut().rev().find(|live| live.head.is_some())
    {
        last.journal.truncate_behind(recovered.turn)?;
    }
    let Some(unbegun) = live.pop_if(|last| last.head.is_none()) else {
        return Ok(());
    };
    let epoch = unbegun.epoch;
    drop(unbegun);
    epochs.remove(epoch)?;
    let mut journal = epochs.open(epoch)?;
    let head = EpochHead {
        epoch,
        turn: recovered.turn,
        chains: recovered.chains.clone(),
    };
    journal.append(head.turn, &[head.to_value()])?;
    live.push(Begun {
        epoch,
        journal,
        head: Some(head),
        bytes: 0,
    });
    Ok(())
}
