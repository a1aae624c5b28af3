//! Many images of one recording, each of which the real server is started on.

use std::{
    collections::BTreeMap,
    fmt,
    num::NonZero,
    path::{Path, PathBuf},
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
        mpsc,
    },
    thread,
};

use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;
use tempfile::TempDir;

use super::{
    disk::Disk,
    image::{self, Losses, Survival},
    moments,
    record::Happened,
    recording::{Promise, Recording},
    verdict::{self, Verdict},
};

/// One image in so many is opened, used, killed and opened once more.
const TWICE: usize = 10;

/// What was met in a trial. All counts are of images, but for those of answers, writes and names.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Met {
    /// The server started, and everything was there.
    pub opened: u64,
    /// Of these, it had dropped a torn tail.
    pub dropped: u64,
    /// Of these, it had repaired sled's files.
    pub repaired: u64,
    /// The server refused to start, by reason.
    pub refused: BTreeMap<String, u64>,
    /// Answers that were asked for again and found.
    pub answers: u64,
    /// Something that was not synced was missing or torn.
    pub harmed: u64,
    losses: Losses,
}

impl Met {
    /// How many images the server refused to start on.
    #[must_use]
    pub fn refusals(&self) -> u64 {
        self.refused.values().sum()
    }

    /// Adds what another trial met.
    pub fn add(&mut self, other: &Self) {
        self.opened += other.opened;
        self.dropped += other.dropped;
        self.repaired += other.repaired;
        self.answers += other.answers;
        self.harmed += other.harmed;
        self.losses += other.losses;
        for (why, count) in &other.refused {
            *self.refused.entry(why.clone()).or_default() += count;
        }
    }

    fn count(&mut self, verdict: Verdict, promises: usize) {
        match verdict {
            Verdict::Serves { dropped, repaired } => {
                self.opened += 1;
                self.dropped += u64::from(dropped);
                self.repaired += u64::from(repaired);
                self.answers += promises as u64;
            }
            Verdict::Refuses(why) => *self.refused.entry(why).or_default() += 1,
        }
    }

    fn count_losses(&mut self, losses: Losses) {
        let harmless = losses.lost + losses.torn + losses.names_lost == 0;
        self.harmed += u64::from(!harmless);
        self.losses += losses;
    }
}

impl fmt::Display for Met {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let losses = &self.losses;
        let counts = [
            (self.opened + self.refusals(), "images"),
            (
                self.harmed,
                "  of which something not synced was missing or torn",
            ),
            (losses.kept, "  writes not synced, there all the same"),
            (losses.lost, "  writes not synced, missing"),
            (losses.torn, "  writes not synced, torn"),
            (losses.names_lost, "  changes of names not synced, missing"),
            (self.opened, "opened, with every answer there"),
            (self.answers, "  answers asked for again and found"),
            (self.dropped, "  after a torn tail was dropped"),
            (self.repaired, "  after sled's files were repaired"),
            (self.refusals(), "refused"),
        ];
        for (count, what) in counts {
            writeln!(f, "{count:>12}  {what}")?;
        }
        let mut reasons = self.refused.iter();
        reasons.try_for_each(|(why, count)| writeln!(f, "{count:>12}    {why}"))
    }
}

/// Starts the server on so many images of a recording. `done` hears of every one that went well.
///
/// # Errors
///
/// With the first that did not, what was wrong, and where the image is kept as it was before.
///
/// # Panics
///
/// If the recording cannot be followed, or an image cannot be made.
pub fn trial(
    recording: &Recording,
    images: usize,
    seed: u64,
    done: &(dyn Fn() + Sync),
) -> Result<Met, String> {
    let records = recording.records();
    let promises = recording.promises(&records);
    let moments = moments::choose(&records, images, &mut ChaCha8Rng::seed_from_u64(seed));
    let mut met = Met::default();
    let (sender, receiver) = mpsc::sync_channel::<Image>(1);
    let receiver = Mutex::new(receiver);
    let failed = AtomicBool::new(false);
    let open = || open_all(&receiver, &promises, &failed, done);
    let failure = thread::scope(|scope| {
        let threads = thread::available_parallelism().map_or(1, NonZero::get);
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(open)).collect();
        make_all(&records, &moments, seed, |image, losses| {
            met.count_losses(losses);
            sender.send(image).is_ok() && !failed.load(Ordering::Relaxed)
        });
        drop(sender);
        let mut first = None;
        for worker in workers {
            let (counted, failure) = worker.join().expect("a worker does not panic");
            met.add(&counted);
            first = first.or(failure);
        }
        first
    });
    let Some((number, what)) = failure else {
        return Ok(met);
    };
    let (moment, kept) = (moments[number], keep(&records, &moments, seed, number));
    Err(format!(
        "seed {seed}, image {number}, power lost in front of record {moment} of {}: {what}\nThe image is kept in {}",
        records.len(),
        kept.display()
    ))
}

/// What is left after one power failure.
struct Image {
    number: usize,
    /// The number of the record in front of which the power failed.
    moment: usize,
    directory: TempDir,
}

/// Opens images as they come, until one fails or none is left. After a failure the rest is only taken away.
fn open_all(
    images: &Mutex<mpsc::Receiver<Image>>,
    promises: &[Promise],
    failed: &AtomicBool,
    done: &(dyn Fn() + Sync),
) -> (Met, Option<(usize, String)>) {
    let mut met = Met::default();
    let mut failure = None;
    loop {
        let next = images.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(image) = next else {
            return (met, failure);
        };
        if failed.load(Ordering::Relaxed) {
            continue;
        }
        let given = promises.partition_point(|promise| promise.said < image.moment);
        let twice = image.number.is_multiple_of(TWICE);
        match verdict::of(image.directory.path(), &promises[..given], twice) {
            Ok(verdict) => met.count(verdict, given),
            Err(what) => {
                failed.store(true, Ordering::Relaxed);
                failure = Some((image.number, what));
            }
        }
        done();
    }
}

/// Makes one image for every moment, in order, until `take` says no.
fn make_all(
    records: &[Happened<'_>],
    moments: &[usize],
    seed: u64,
    mut take: impl FnMut(Image, Losses) -> bool,
) {
    let mut disk = Disk::new();
    let mut happened = 0;
    for (number, moment) in moments.iter().copied().enumerate() {
        for record in &records[happened..moment] {
            disk.happen(*record).unwrap();
        }
        happened = moment;
        let directory = place();
        let losses = make_one(&disk, seed, number, directory.path());
        let image = Image {
            number,
            moment,
            directory,
        };
        if !take(image, losses) {
            return;
        }
    }
}

fn make_one(disk: &Disk<'_>, seed: u64, number: usize, directory: &Path) -> Losses {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    // Every image has chance of its own, so that it can be made again alone.
    rng.set_stream(number as u64 + 1);
    let survival = Survival::any(&mut rng);
    image::make(disk, survival, &mut rng, directory).unwrap()
}

/// Makes an image again, to be looked at.
fn keep(records: &[Happened<'_>], moments: &[usize], seed: u64, number: usize) -> PathBuf {
    let mut disk = Disk::new();
    for record in &records[..moments[number]] {
        disk.happen(*record).unwrap();
    }
    let directory = tempfile::tempdir().unwrap();
    make_one(&disk, seed, number, directory.path());
    directory.keep()
}

/// A new directory for an image: in memory if the system has a place for that, because an image is used only once.
fn place() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .unwrap()
}
