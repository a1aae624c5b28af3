//! `jifen restore`.

use std::{
    fs,
    io::{self, Write},
    path::{Path, PathBuf},
};

use jifen_engine::{
    DataDirectory, Router,
    history::{Archive, Catalogue},
    journal::{
        epoch::{Epoch, EpochHead},
        epochs::{Epochs, SledEpochs},
        head::{Head, HeadFile},
        identity::Identity,
        manifest,
    },
};
use serde::Serialize;

use super::{
    super::journal::{Progress, ShardState, Source, ToolError},
    copy::Copier,
    proof,
    record::{Record, Stored},
};
use crate::file::grouped;

const MANIFEST: &str = "manifest.json";
/// What the manifest is called until everything else is in place: without it, nothing serves the directory.
const UNPROVEN: &str = "manifest.unproven";

/// Restores a backup into an empty directory, and proves that it is what was backed up.
///
/// Every file is compared with its hash, every entry is checked and replayed, and every shard's state hash is compared
/// with the one that the server had. Until that is done the directory cannot be served.
///
/// The journal has a name of its own from there on: whoever follows the feed and had more of it than the backup has is told so.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jifen restore --from /backups/jifen --data /var/lib/jifen
      Brings everything back, and proves it.
  jifen restore --from /backups/jifen --data trial --quick
      Proves the states from the images; entries before them are not replayed, though their hashes are compared.

Exit codes: 0 done, 1 failed, 2 wrong usage, 4 the backup is damaged.")]
pub struct RestoreArgs {
    /// Where the backup is.
    #[arg(long, value_name = "DIR")]
    pub from: PathBuf,
    /// The data directory; must be empty or not there.
    #[arg(long, value_name = "DIR", default_value = "./jifen-data")]
    pub data: PathBuf,
    /// Loads the images instead of replaying everything.
    #[arg(long)]
    pub quick: bool,
    /// Prints one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Restores it, and says what was done.
pub(super) fn run(args: &RestoreArgs) -> Result<(), ToolError> {
    let record = Record::read(&args.from)?.ok_or_else(|| {
        ToolError::Refused(format!(
            "{} holds no complete backup: there is no backup.json",
            args.from.display()
        ))
    })?;
    check_empty(&args.data)?;
    let mut copier = Copier::into(&args.data, false)?;
    let lock = DataDirectory::lock(&args.data)?;
    // Before the first file: a part of one that was broken off must not be taken for a new directory.
    lock.begin_restore()?;
    let router = router(&args.from, &record)?;
    // While there is no archive: one without a catalogue is damage.
    let catalogue = Catalogue::open(&args.data.join("archive"), router.shards())?;
    copy_all(&args.from, &record, &mut copier)?;
    let turn = begin_epoch(&args.data, &record, catalogue, router.shards())?;
    // A backup of a directory that was made before journals had names has none.
    let identity = Identity::read(&args.data)?.unwrap_or_default();
    identity.put_back(turn)?.write(&args.data)?;
    copier.sync()?;
    let mut source = Source::of(&args.data, lock, router)?;
    let proven = proof::prove(&mut source, &record, args.quick)?;
    let (unproven, manifest) = (args.data.join(UNPROVEN), args.data.join(MANIFEST));
    fs::rename(&unproven, &manifest).map_err(ToolError::file("rename", &unproven))?;
    copier.sync()?;
    DataDirectory::end_restore(&args.data)?;
    say(&record, proven, args).map_err(ToolError::Output)
}

fn check_empty(data: &Path) -> Result<(), ToolError> {
    let mut files = match fs::read_dir(data) {
        Ok(files) => files,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(ToolError::file("list", data)(error)),
    };
    match files.next() {
        None => Ok(()),
        Some(_) => Err(ToolError::Refused(format!(
            "{} is not empty; a backup is restored into an empty directory: name another one, or move this one away",
            data.display()
        ))),
    }
}

fn copy_all(from: &Path, record: &Record, copier: &mut Copier) -> Result<(), ToolError> {
    let progress = Progress::of_bytes("copying", record.bytes());
    for file in &record.files {
        let name = match file.path.as_str() {
            MANIFEST => UNPROVEN,
            name => name,
        };
        let stored = from.join(&file.stored);
        let damaged = |what: String| {
            ToolError::Damaged(format!(
                "{} {what}: the backup is damaged; use another one, or put back this file from one",
                stored.display()
            ))
        };
        let sum = copier.copy(&stored, name, &progress)?;
        let sum = sum.ok_or_else(|| damaged("is missing".to_owned()))?;
        if (sum.bytes, &sum.blake3) != (file.bytes, &file.blake3) {
            return Err(damaged(format!(
                "has {} bytes with the hash {}, but {} with {} were stored",
                sum.bytes, sum.blake3, file.bytes, file.blake3
            )));
        }
    }
    Ok(())
}

fn router(from: &Path, record: &Record) -> Result<Router, ToolError> {
    let none = || ToolError::Damaged(format!("{}: the backup has no manifest", from.display()));
    let file = record.file(MANIFEST).ok_or_else(none)?;
    manifest::read(&from.join(&file.stored))?.ok_or_else(none)
}

/// Makes what a directory has right after an epoch has begun: archives up to it, their catalogue, the epoch with nothing
/// but its head, and the head file that vouches for it. Answers with the last turn.
fn begin_epoch(
    data: &Path,
    record: &Record,
    mut catalogue: Catalogue,
    shards: u16,
) -> Result<u64, ToolError> {
    let mut archives: Vec<&Stored> = record.files.iter().collect();
    archives.retain(|file| file.path.starts_with("archive/"));
    archives.sort_by(|a, b| a.path.cmp(&b.path));
    for file in archives {
        catalogue.adopt(Archive::open(&data.join(&file.path))?)?;
    }
    let end = catalogue.end().unwrap_or_else(|| EpochHead::first(shards));
    if end.epoch != Epoch::FIRST {
        let mut journal = SledEpochs::new(&data.join("journal")).open(end.epoch)?;
        journal.append(end.turn, &[end.to_value()])?;
    }
    HeadFile::create(&data.join("head"), shards)?.write(&Head {
        turn: end.turn,
        chains: end.chains,
    })?;
    Ok(end.turn)
}

/// What was done, for machines.
#[derive(Serialize)]
struct Told<'a> {
    data: &'a Path,
    taken_at: &'a str,
    turn: u64,
    entries: u64,
    proven: &'a str,
    states: &'a [ShardState],
}

fn say(record: &Record, proven: &str, args: &RestoreArgs) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let (turn, entries) = (record.turn, record.entries);
    if args.json {
        let told = Told {
            data: &args.data,
            taken_at: &record.taken_at,
            turn,
            entries,
            proven,
            states: &record.states,
        };
        serde_json::to_writer(&mut out, &told)?;
        writeln!(out)?;
    } else {
        writeln!(
            out,
            "restored the backup of {} to {}: {} entries up to turn {}; the state hashes of all {} shards are those of \
             the backup, replayed {proven}",
            record.taken_at,
            args.data.display(),
            grouped(entries),
            grouped(turn),
            record.states.len()
        )?;
    }
    out.flush()
}
