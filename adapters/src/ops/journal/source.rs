//! The journal of a data directory, read from beginning to end: from its files if nobody works on them, through the
//! server that does otherwise.

use std::{
    ops::ControlFlow,
    path::{Path, PathBuf},
};

use jifen_engine::{
    DataDirectory, OpenError, Router,
    history::{Archive, Catalogue},
    journal::{
        Journal, JournalError,
        as_it_was::Apart,
        epoch::{Epoch, EpochHead},
        epochs::{Epochs, SledEpochs},
        head::{Head, HeadFile},
        manifest,
        sled_journal::SledJournal,
        turns::{Turn, TurnError, Turns},
    },
};

use super::{
    super::control::{Client, VisitValue},
    error::ToolError,
};

/// Looks at a turn, and tells whether to go on.
pub(crate) type Visit<'a> = dyn FnMut(Part, &Turn<'_>) -> Result<ControlFlow<()>, ToolError> + 'a;

/// Where a turn was read from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Part {
    /// From an archive.
    Archived,
    /// From an epoch that is not archived.
    Live(Epoch),
}

/// A data directory, to be read.
pub(crate) struct Source {
    /// Where it is.
    pub(crate) data: PathBuf,
    /// How its members are placed.
    pub(crate) router: Router,
    /// How far its journal is known to be.
    pub(crate) head: Head,
    /// What is archived.
    pub(crate) catalogue: Catalogue,
    live: Live,
}

enum Live {
    /// Nobody works on the directory, nor will anybody as long as we have its lock.
    Stopped {
        _lock: DataDirectory,
        epochs: Vec<(Epoch, PathBuf)>,
    },
    Running(Client),
}

/// Where reading ended.
pub(crate) struct End {
    /// Where the journal stands, in the epoch that was read last.
    pub(crate) head: EpochHead,
    /// What was wrong with a last turn, of which no answer ever told.
    pub(crate) dropped: Option<String>,
}

impl Source {
    /// Finds the journal of a data directory.
    pub(crate) fn open(data: &Path) -> Result<Self, ToolError> {
        let router = router(data)?;
        match DataDirectory::lock(data) {
            Ok(lock) => Self::of(data, lock, router),
            Err(OpenError::Journal(JournalError::InUse(_))) => {
                let client = Client::of(data);
                client.status()?;
                Self::with(data, router, |_, _| Ok(Live::Running(client)))
            }
            Err(other) => Err(other.into()),
        }
    }

    /// The journal of a data directory whose lock is ours.
    pub(crate) fn of(data: &Path, lock: DataDirectory, router: Router) -> Result<Self, ToolError> {
        Self::with(data, router, |catalogue, head| {
            Ok(Live::Stopped {
                _lock: lock,
                epochs: live_epochs(data, catalogue, head)?,
            })
        })
    }

    fn with(
        data: &Path,
        router: Router,
        live: impl FnOnce(&Catalogue, &Head) -> Result<Live, ToolError>,
    ) -> Result<Self, ToolError> {
        // The journal is read later than its head, and so reaches as far.
        let (_, head) = HeadFile::open(&data.join("head"), router.shards())?;
        let catalogue = Catalogue::open(&data.join("archive"), router.shards())?;
        let live = live(&catalogue, &head)?;
        Ok(Self {
            data: data.to_owned(),
            router,
            head,
            catalogue,
            live,
        })
    }

    /// The server that works on the directory, if there is one.
    pub(crate) const fn server(&self) -> Option<&Client> {
        match &self.live {
            Live::Running(client) => Some(client),
            Live::Stopped { .. } => None,
        }
    }

    /// How many entries the head file vouches for.
    pub(crate) fn entries(&self) -> u64 {
        self.head.chains.iter().map(|chain| chain.seq.0).sum()
    }

    /// Whether everything that was ever journaled is there: no archive was deleted.
    pub(crate) fn is_complete(&self) -> bool {
        self.catalogue.complete_behind() == 0
    }

    /// Where the epochs that are not archived begin.
    pub(crate) fn live_head(&self) -> EpochHead {
        let first = || EpochHead::first(self.router.shards());
        self.catalogue.end().unwrap_or_else(first)
    }

    /// Shows every turn that there is from an epoch on, archives first. Every one is checked; `None` if the visitor broke
    /// off.
    pub(crate) fn turns(
        &mut self,
        from: Epoch,
        visit: &mut Visit<'_>,
    ) -> Result<Option<End>, ToolError> {
        let mut archives = self.catalogue.archives().to_vec();
        archives.retain(|archive| archive.facts().epoch() >= from);
        for archive in archives {
            if self.archived_turns(&archive, visit)?.is_break() {
                return Ok(None);
            }
        }
        self.live_turns(visit)
    }

    /// Shows every turn of an archive, checked.
    pub(crate) fn archived_turns(
        &self,
        archive: &Archive,
        visit: &mut Visit<'_>,
    ) -> Result<ControlFlow<()>, ToolError> {
        let facts = archive.facts();
        let mut turns = Turns::behind(facts.head.clone());
        let mut failed = None;
        let mut show = |turn: &Turn<'_>| show(Part::Archived, turn, &self.head, visit);
        archive.read_behind(facts.head.turn, &mut |value| {
            failed = turns.take(value, &mut show).err();
            Ok(match failed {
                None => ControlFlow::Continue(()),
                Some(_) => ControlFlow::Break(()),
            })
        })?;
        let done = match failed {
            Some(error) => Err(error),
            None => turns.finish(&mut show),
        };
        let place = archive.path().display().to_string();
        settle(done, &place, turns.turn() + 1)
    }

    /// Shows the turns that are not archived. Every one is checked; `None` if the visitor broke off.
    pub(crate) fn live_turns(&mut self, visit: &mut Visit<'_>) -> Result<Option<End>, ToolError> {
        let from = self.live_head();
        let mut reading = Reading {
            turns: Turns::behind(from.clone()),
            epoch: from.epoch,
            enough: false,
            known: self.head.clone(),
            visit,
        };
        self.live_values(&mut |value| reading.take(value))?;
        let end = reading.finish()?;
        if let Some(end) = &end {
            check_reaches(&end.head, &self.head)?;
        }
        Ok(end)
    }

    /// Shows the values that are not archived, heads of epochs among them. Files that nobody works on are not touched.
    fn live_values(&mut self, visit: &mut VisitValue<'_, ToolError>) -> Result<(), ToolError> {
        let behind = self.live_head().turn;
        match &mut self.live {
            Live::Running(client) => client.values(behind, visit)?,
            Live::Stopped { epochs, .. } => {
                for (_, path) in epochs {
                    let apart = Apart::of(path)?;
                    if epoch_values(apart.files(), visit)?.is_break() {
                        break;
                    }
                }
            }
        }
        Ok(())
    }
}

/// Turns under way from values to a visitor.
struct Reading<'a, 'v> {
    turns: Turns,
    epoch: Epoch,
    enough: bool,
    known: Head,
    visit: &'a mut Visit<'v>,
}

/// Why a visitor sees no more turns.
enum Halt {
    Enough,
    Failed(ToolError),
}

impl Reading<'_, '_> {
    fn take(&mut self, value: &[u8]) -> Result<ControlFlow<()>, ToolError> {
        let turn = self.turns.turn() + 1;
        let (epoch, known, visit) = (self.epoch, &self.known, &mut *self.visit);
        let taken = self.turns.take(value, &mut |turn| {
            show(Part::Live(epoch), turn, known, visit)
        });
        if let Ok(head) = EpochHead::from_value(value) {
            self.epoch = head.epoch;
        }
        let flow = settle(taken, &in_live(epoch), turn)?;
        self.enough = flow.is_break();
        Ok(flow)
    }

    /// Nothing more comes. A last turn that is not whole, behind the one that is known, was never told of.
    fn finish(mut self) -> Result<Option<End>, ToolError> {
        if self.enough {
            return Ok(None);
        }
        let turn = self.turns.turn() + 1;
        let (epoch, known, visit) = (self.epoch, &self.known, &mut *self.visit);
        let finished = self
            .turns
            .finish(&mut |turn| show(Part::Live(epoch), turn, known, visit));
        let dropped = match finished {
            Err(TurnError::Torn(what)) if turn > known.turn => Some(format!("turn {turn}: {what}")),
            other => match settle(other, &in_live(epoch), turn)? {
                ControlFlow::Continue(()) => None,
                ControlFlow::Break(()) => return Ok(None),
            },
        };
        Ok(Some(End {
            head: EpochHead {
                epoch,
                turn: self.turns.turn(),
                chains: self.turns.chains().to_vec(),
            },
            dropped,
        }))
    }
}

fn show(part: Part, turn: &Turn<'_>, known: &Head, visit: &mut Visit<'_>) -> Result<(), Halt> {
    if turn.number == known.turn && turn.chains != known.chains {
        return Err(Halt::Failed(ToolError::Damaged(format!(
            "the entries up to turn {} are not those that were durable; is this another journal? restore a backup",
            known.turn
        ))));
    }
    match visit(part, turn) {
        Ok(ControlFlow::Continue(())) => Ok(()),
        Ok(ControlFlow::Break(())) => Err(Halt::Enough),
        Err(error) => Err(Halt::Failed(error)),
    }
}

/// Shows the values of an epoch that nobody works on.
fn epoch_values(
    path: &Path,
    visit: &mut VisitValue<'_, ToolError>,
) -> Result<ControlFlow<()>, ToolError> {
    let mut journal = SledJournal::open(path)?;
    let mut end = Ok(ControlFlow::Continue(()));
    let read = journal.read(&mut |value| match &end {
        Ok(ControlFlow::Continue(())) => {
            end = visit(value);
            match end {
                Ok(ControlFlow::Continue(())) => Ok(()),
                // Ends the reading; what it says is not looked at.
                _ => Err(JournalError::OnDemand),
            }
        }
        _ => Err(JournalError::OnDemand),
    });
    match (end, read) {
        (Ok(ControlFlow::Continue(())), Err(error)) => Err(error.into()),
        (end, _) => end,
    }
}

fn in_live(epoch: Epoch) -> String {
    format!("journal/{epoch}")
}

/// What taking a value came to: whether to go on, or what is wrong.
fn settle(
    taken: Result<(), TurnError<Halt>>,
    place: &str,
    turn: u64,
) -> Result<ControlFlow<()>, ToolError> {
    match taken {
        Ok(()) => Ok(ControlFlow::Continue(())),
        Err(TurnError::Visitor(Halt::Enough)) => Ok(ControlFlow::Break(())),
        Err(TurnError::Visitor(Halt::Failed(error))) => Err(error),
        Err(TurnError::Torn(what) | TurnError::Damaged(what)) => Err(ToolError::Damaged(format!(
            "{place} is damaged: turn {turn}: {what}; acknowledged entries from there on are lost: restore a backup"
        ))),
    }
}

/// The router of a data directory that exists.
fn router(data: &Path) -> Result<Router, ToolError> {
    let path = data.join("manifest.json");
    if let Some(router) = manifest::read(&path)? {
        return Ok(router);
    }
    let is_one = ["journal", "archive"]
        .iter()
        .any(|name| data.join(name).exists());
    let (path, data) = (path.display(), data.display());
    if is_one {
        return Err(ToolError::Damaged(format!(
            "{path} is missing, but a journal is there; restore a backup"
        )));
    }
    Err(ToolError::usage(format!(
        "--data {data}: there is no {path}, so this is no data directory"
    )))
}

/// The epochs that are not archived, in order.
fn live_epochs(
    data: &Path,
    catalogue: &Catalogue,
    head: &Head,
) -> Result<Vec<(Epoch, PathBuf)>, ToolError> {
    let journal = data.join("journal");
    let epochs = SledEpochs::new(&journal);
    let found = epochs.list()?.into_iter();
    let mut found: Vec<_> = found.map(|epoch| (epoch, epochs.path(epoch))).collect();
    // sled would make a missing file anew.
    found.retain(|(_, path)| path.join("db").exists());
    let (mut next, turn) = catalogue
        .end()
        .map_or((Epoch::FIRST, 0), |end| (end.epoch, end.turn));
    // An archived epoch may be there still: the power failed before it was removed.
    found.retain(|(epoch, _)| *epoch >= next);
    for (epoch, _) in &found {
        if *epoch != next {
            return Err(missing(&journal, next));
        }
        next = next.next();
    }
    if found.is_empty() && head.turn > turn {
        return Err(missing(&journal, next));
    }
    Ok(found)
}

fn missing(journal: &Path, epoch: Epoch) -> ToolError {
    ToolError::Damaged(format!(
        "{} is missing, and with it acknowledged entries; restore a backup",
        journal.join(epoch.to_string()).display()
    ))
}

/// A journal that ends before its head has lost acknowledged entries.
fn check_reaches(end: &EpochHead, head: &Head) -> Result<(), ToolError> {
    if end.turn >= head.turn {
        return Ok(());
    }
    let lost: u64 = head.chains.iter().map(|chain| chain.seq.0).sum::<u64>()
        - end.chains.iter().map(|chain| chain.seq.0).sum::<u64>();
    Err(ToolError::Damaged(format!(
        "{} ends with turn {}, but turn {} had been durable: {lost} acknowledged entries are missing; restore a backup",
        in_live(end.epoch),
        end.turn,
        head.turn
    )))
}
