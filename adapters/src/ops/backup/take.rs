//! `jifen backup`.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Write},
    path::{Path, PathBuf},
};

use jifen_engine::{
    checkpoint::{CheckpointError, Images, Listing},
    history::Archive,
    journal::identity,
    ledger::Rules,
};
use serde::Serialize;

use super::{
    super::{
        RulesArgs,
        control::{Checkpoint, Keeping},
        journal::{Progress, Replay, ShardState, Source, ToolError},
    },
    copy::{Copier, is_same, length, names_below, sum},
    record::{Record, Stored, Taken},
    tail,
};
use crate::file::grouped;

/// How often a backup begins anew because the server has moved on from the checkpoint that was being copied.
const ATTEMPTS: usize = 5;
/// Where a backup keeps files that may change, each under a name that tells its content.
const CHANGING: [&str; 3] = ["manifest.json", "keys.json", identity::FILE];

/// Takes a backup of a data directory, whether a server works on it or not.
///
/// A running server is asked for a checkpoint first; everything it had acknowledged by then is in the backup. A second
/// backup to the same directory copies only what is new. One that is interrupted leaves the one before it whole.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jifen backup --to /backups/jifen
      Backs up ./jifen-data; can be repeated every hour.
  jifen backup --data /var/lib/jifen --to /var/lib/jifen-backup --link
      Takes no room for what never changes, as long as both are on one file system.

Exit codes: 0 done, 1 failed, 2 wrong usage, 4 the data directory is damaged, or in use by a process that does not answer.")]
pub struct BackupArgs {
    /// The data directory.
    #[arg(long, value_name = "DIR", default_value = "./jifen-data")]
    pub data: PathBuf,
    /// Where the backup is, or is to be; made if it is not there.
    #[arg(long, value_name = "DIR")]
    pub to: PathBuf,
    /// Links files that never change instead of copying them, where that is possible. Saves time and room; but what
    /// damages the one then damages the other.
    #[arg(long)]
    pub link: bool,
    /// What the ledger judges by; a running server's own is taken.
    #[command(flatten)]
    pub rules: RulesArgs,
    /// Prints one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Takes it, and says what was done.
pub(super) fn run(args: &BackupArgs) -> Result<(), ToolError> {
    let (mut rules, _) = args.rules.rules()?;
    // Before anything is made.
    let source = Source::open(&args.data)?;
    check_place(args)?;
    let mut copier = Copier::into(&args.to, args.link)?;
    let _lock = lock(&args.to)?;
    let known = Record::read(&args.to)?;
    let mut backup = Backup {
        data: &args.data,
        to: &args.to,
        known,
        files: Vec::new(),
        copied: 0,
    };
    backup.check_is_ours()?;
    let (taken, _source) = backup.take(source, &mut copier, &mut rules)?;
    copier.sync()?;
    let record = Record::of(taken);
    record.write(&args.to)?;
    backup.prune(&record)?;
    say(&record, backup.copied, args).map_err(ToolError::Output)
}

/// A backup under way.
struct Backup<'a> {
    data: &'a Path,
    to: &'a Path,
    /// The one that was there before.
    known: Option<Record>,
    files: Vec<Stored>,
    /// How many bytes were not there before.
    copied: u64,
}

/// A file of a checkpoint, or a chunk of old records that it names, was removed: a newer one has taken its place.
struct MovedOn;

impl Backup<'_> {
    /// A directory keeps backups of one data directory.
    fn check_is_ours(&self) -> Result<(), ToolError> {
        let known = self
            .known
            .as_ref()
            .and_then(|known| known.file("manifest.json"));
        let Some(known) = known else { return Ok(()) };
        let path = self.data.join("manifest.json");
        let ours = fs::read(&path).map_err(ToolError::file("read", &path))?;
        if blake3::hash(&ours).to_hex().as_str() == known.blake3 {
            return Ok(());
        }
        Err(ToolError::usage(format!(
            "--to {}: holds a backup of another data directory; name another place",
            self.to.display()
        )))
    }

    /// Copies everything; answers with the source as well, whose lock is to be held until the backup is complete.
    fn take(
        &mut self,
        mut source: Source,
        copier: &mut Copier,
        rules: &mut Rules,
    ) -> Result<(Taken, Source), ToolError> {
        for _ in 0..ATTEMPTS {
            let made = match source.server() {
                None => None,
                Some(server) => {
                    server.status()?.keeping.rule(rules);
                    Some(server.checkpoint()?)
                }
            };
            if made.is_some() {
                // The checkpoint has archived what was live.
                source = Source::open(self.data)?;
            }
            let (images, states) = match made {
                Some(Checkpoint { files, states, .. }) => (files, Some(states)),
                None => (newest_images(self.data)?, None),
            };
            self.files.clear();
            let copied = match chunks_named(self.data, &images)? {
                Ok(chunks) => self.copy(&source, &images, &chunks, copier)?,
                Err(moved_on) => Err(moved_on),
            };
            if copied.is_err() {
                if states.is_none() {
                    return Err(lacks_a_file(self.data));
                }
                continue;
            }
            let archives = self.tail(&mut source, copier)?;
            let states = match states {
                Some(states) => states,
                None => states_of(&mut source, rules)?,
            };
            let last = archives.last().map(|last| last.facts().clone());
            let taken = Taken {
                turn: last.as_ref().map_or(0, |last| last.last_turn),
                entries: archives
                    .iter()
                    .map(|archive| archive.facts().entries())
                    .sum(),
                keeping: Keeping::of(rules),
                states,
                files: std::mem::take(&mut self.files),
            };
            return Ok((taken, source));
        }
        Err(ToolError::Refused(format!(
            "{}: the server takes checkpoints faster than they can be copied; nothing was backed up",
            self.data.display()
        )))
    }

    /// Copies what does not change, and what is small.
    fn copy(
        &mut self,
        source: &Source,
        images: &[String],
        chunks: &BTreeSet<String>,
        copier: &mut Copier,
    ) -> Result<Result<(), MovedOn>, ToolError> {
        let archives = source.catalogue.archives();
        let names = archives
            .iter()
            .filter_map(|archive| archive.path().file_name()?.to_str());
        let mut needed: Vec<_> = names.map(|name| format!("archive/{name}")).collect();
        needed.extend(images.iter().map(|name| format!("images/{name}")));
        needed.extend(chunks.iter().cloned());
        let mut past = names_below(self.data, "past")?;
        // What is being written has no name of its own yet.
        past.retain(|name| !name.ends_with("draft") && !chunks.contains(name));
        let bytes = needed
            .iter()
            .chain(&past)
            .map(|name| length(&self.data.join(name)));
        let progress = Progress::of_bytes("copying", bytes.sum());
        for name in &needed {
            if !self.file(name, copier, &progress)? {
                return Ok(Err(MovedOn));
            }
        }
        for name in &past {
            // What the checkpoint does not name is made again from the journal.
            self.file(name, copier, &progress)?;
        }
        for name in CHANGING {
            self.changing(name, copier, &progress)?;
        }
        Ok(Ok(()))
    }

    /// Copies a file that never changes, unless it is there; `false` if it is gone.
    fn file(
        &mut self,
        name: &str,
        copier: &mut Copier,
        progress: &Progress,
    ) -> Result<bool, ToolError> {
        let (from, stored) = (self.data.join(name), self.to.join(name));
        let known = self.known.as_ref().and_then(|known| known.file(name));
        if let Some(known) = known.filter(|known| known.stored == name)
            && is_same(&from, &stored, known).map_err(ToolError::file("compare", &stored))?
        {
            progress.advance(known.bytes);
            self.files.push(known.clone());
            return Ok(true);
        }
        let Some(sum) = copier.copy(&from, name, progress)? else {
            return Ok(false);
        };
        self.copied += sum.bytes;
        self.files.push(Stored {
            path: name.to_owned(),
            stored: name.to_owned(),
            bytes: sum.bytes,
            blake3: sum.blake3,
        });
        Ok(true)
    }

    /// Copies a small file that may change, under a name that tells its content.
    fn changing(
        &mut self,
        name: &str,
        copier: &mut Copier,
        progress: &Progress,
    ) -> Result<(), ToolError> {
        let from = self.data.join(name);
        let content = match fs::read(&from) {
            Ok(content) => content,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(ToolError::file("read", &from)(error)),
        };
        let hash = blake3::hash(&content).to_hex();
        let (stem, ending) = name.split_once('.').unwrap_or((name, ""));
        let stored = format!("{stem}-{}.{ending}", &hash[..16]);
        let known = self.known.as_ref().and_then(|known| known.file(name));
        if let Some(known) = known.filter(|known| known.blake3 == hash.as_str())
            && self.to.join(&known.stored).exists()
        {
            self.files.push(known.clone());
            return Ok(());
        }
        let Some(sum) = copier.copy(&from, &stored, progress)? else {
            return Ok(());
        };
        self.copied += sum.bytes;
        self.files.push(Stored {
            path: name.to_owned(),
            stored,
            bytes: sum.bytes,
            blake3: sum.blake3,
        });
        Ok(())
    }

    /// Adds what is not archived; answers with all archives of the backup.
    fn tail(
        &mut self,
        source: &mut Source,
        copier: &mut Copier,
    ) -> Result<Vec<std::sync::Arc<Archive>>, ToolError> {
        let mut archives = source.catalogue.archives().to_vec();
        for archive in tail::write(source, copier)? {
            let (path, epoch) = (archive.path(), archive.facts().epoch());
            let sum = sum(path, &Progress::of_bytes("hashing", archive.facts().bytes))?;
            let name = path
                .file_name()
                .and_then(|name| name.to_str())
                .unwrap_or_default();
            self.copied += sum.bytes;
            self.files.push(Stored {
                path: format!("archive/{epoch}.jfa"),
                stored: format!("tail/{name}"),
                bytes: sum.bytes,
                blake3: sum.blake3,
            });
            archives.push(archive.into());
        }
        Ok(archives)
    }

    /// Removes what the backup does not need any more. Archives stay: what was deleted from the data directory may be
    /// wanted yet.
    fn prune(&self, record: &Record) -> Result<(), ToolError> {
        let needed: BTreeSet<&str> = record
            .files
            .iter()
            .map(|file| file.stored.as_str())
            .collect();
        let mut found = Vec::new();
        for below in ["images", "past", "tail"] {
            found.extend(names_below(self.to, below)?);
        }
        for known in self.known.iter().flat_map(|known| &known.files) {
            if CHANGING.contains(&known.path.as_str()) {
                found.push(known.stored.clone());
            }
        }
        for name in found.iter().filter(|name| !needed.contains(name.as_str())) {
            let path = self.to.join(name);
            match fs::remove_file(&path) {
                Err(error) if error.kind() != io::ErrorKind::NotFound => {
                    return Err(ToolError::file("remove", &path)(error));
                }
                _ => {}
            }
        }
        Ok(())
    }
}

/// A backup of a directory inside of itself would grow for ever.
fn check_place(args: &BackupArgs) -> Result<(), ToolError> {
    let absolute = |path: &Path| std::path::absolute(path).map_err(ToolError::file("find", path));
    if absolute(&args.to)?.starts_with(absolute(&args.data)?) {
        return Err(ToolError::usage(format!(
            "--to {}: lies in the data directory; name a place outside",
            args.to.display()
        )));
    }
    Ok(())
}

/// One backup at a time.
fn lock(to: &Path) -> Result<File, ToolError> {
    let path = to.join("lock");
    let file = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(&path);
    let file = file.map_err(ToolError::file("open", &path))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => Err(ToolError::Refused(format!(
            "another backup to {} is under way",
            to.display()
        ))),
        Err(fs::TryLockError::Error(error)) => Err(ToolError::file("lock", &path)(error)),
    }
}

/// The files of the newest checkpoint of a directory that nobody works on, and its listing.
fn newest_images(data: &Path) -> Result<Vec<String>, ToolError> {
    let listings = Images::new(&data.join("images")).newest_first()?;
    let files = listings.into_iter().next().map(|newest| {
        let images = newest.shards.into_iter().flat_map(|shard| shard.files);
        let listing = format!("{}.json", newest.epoch);
        images.chain([listing]).collect()
    });
    Ok(files.unwrap_or_default())
}

/// The chunks of old records without which a checkpoint cannot be read; `images` are its files.
fn chunks_named(
    data: &Path,
    images: &[String],
) -> Result<Result<BTreeSet<String>, MovedOn>, ToolError> {
    if images.is_empty() {
        return Ok(Ok(BTreeSet::new()));
    }
    let all = Images::new(&data.join("images"));
    let listings = all.newest_first()?;
    let is_meant = |listing: &Listing| images.contains(&format!("{}.json", listing.epoch));
    let Some(listing) = listings.into_iter().find(is_meant) else {
        return Ok(Err(MovedOn));
    };
    let named = match all.chunks_named(&listing) {
        Ok(named) => named,
        Err(CheckpointError::Io { error, .. }) if error.kind() == io::ErrorKind::NotFound => {
            return Ok(Err(MovedOn));
        }
        Err(error) => return Err(error.into()),
    };
    let names = named
        .into_iter()
        .enumerate()
        .flat_map(|(shard, numbers)| numbers.map(move |number| format!("past/{shard}/{number}")));
    Ok(Ok(names.collect()))
}

/// Nobody works on the directory, so what is missing does not come back by itself.
fn lacks_a_file(data: &Path) -> ToolError {
    ToolError::Damaged(format!(
        "{}: an archive, an image or a chunk of old records is gone that the newest checkpoint needs; a start makes it again \
         from what there is, and `jifen doctor` tells more",
        data.display()
    ))
}

/// What every shard's state is, from a replay.
fn states_of(source: &mut Source, rules: &Rules) -> Result<Vec<ShardState>, ToolError> {
    let (mut replay, from) = Replay::begin(source, rules, false)?;
    replay.all(source, from)?;
    Ok(replay.states())
}

/// What was done, for machines.
#[derive(Serialize)]
struct Told<'a> {
    to: &'a Path,
    turn: u64,
    entries: u64,
    files: usize,
    bytes: u64,
    copied_bytes: u64,
    states: &'a [ShardState],
}

fn say(record: &Record, copied: u64, args: &BackupArgs) -> io::Result<()> {
    let mut out = io::stdout().lock();
    let (turn, entries) = (record.turn, record.entries);
    if args.json {
        let told = Told {
            to: &args.to,
            turn,
            entries,
            files: record.files.len(),
            bytes: record.bytes(),
            copied_bytes: copied,
            states: &record.states,
        };
        serde_json::to_writer(&mut out, &told)?;
        writeln!(out)?;
    } else {
        writeln!(
            out,
            "backed up to {}: {} entries up to turn {} in {} files of {} bytes, {} of them copied now",
            args.to.display(),
            grouped(entries),
            grouped(turn),
            record.files.len(),
            grouped(record.bytes()),
            grouped(copied)
        )?;
    }
    out.flush()
}
