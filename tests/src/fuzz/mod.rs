//! Everything that reads bytes from outside, under bytes that were bent: whatever they are, they are taken or refused, at
//! once and without a panic.
//!
//! | where | what |
//! |---|---|
//! | `decoders` | what is read, from which specimens, and what must hold of what was taken |
//! | `bend` | how specimens are bent |

mod bend;
mod decoders;

use std::{
    fmt,
    panic::{self, AssertUnwindSafe},
    sync::mpsc::{RecvTimeoutError, Sender, channel},
    thread,
    time::{Duration, Instant},
};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use bend::bend;
pub use decoders::DECODERS;

/// What takes longer than this hangs.
const AT_ONCE: Duration = Duration::from_secs(10);
/// An input that stays interesting is kept to be bent again; so many at most.
const KEPT_MAX: usize = 512;
/// The longest input, in bytes.
const INPUT_BYTES_MAX: usize = 64 << 10;

/// Something that reads bytes from outside.
pub struct Decoder {
    /// What it reads.
    pub name: &'static str,
    /// What it takes.
    pub specimens: fn() -> Vec<Vec<u8>>,
    /// Reads; tells whether it took what it read, and panics if something does not hold that must.
    pub read: fn(&[u8]) -> bool,
}

/// What was met.
#[derive(Debug, Default)]
pub struct Met {
    /// How many inputs were read.
    pub inputs: u64,
    /// How many of them were taken.
    pub taken: u64,
    /// How long the slowest took.
    pub slowest: Duration,
}

impl fmt::Display for Met {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            inputs,
            taken,
            slowest,
        } = self;
        write!(
            f,
            "{inputs} inputs, {taken} taken, the slowest in {slowest:?}"
        )
    }
}

/// Has bent specimens read for so long.
///
/// # Errors
///
/// If one makes the decoder panic or hang; with the input.
///
/// # Panics
///
/// If the specimens are not taken: then they are none.
pub fn fuzz(decoder: &'static Decoder, seed: u64, time: Duration) -> Result<Met, String> {
    let (told, heard) = channel();
    thread::spawn(move || work(decoder, seed, time, &told));
    let mut last = Vec::new();
    loop {
        match heard.recv_timeout(AT_ONCE) {
            Ok(Told::Reads(input)) => last = input,
            Ok(Told::Done(done)) => return done,
            Err(RecvTimeoutError::Timeout) => {
                return Err(format!("{} hangs: {}", decoder.name, shown(&last)));
            }
            Err(RecvTimeoutError::Disconnected) => {
                return Err(format!("the specimens of {} are none", decoder.name));
            }
        }
    }
}

/// What the reading thread tells.
enum Told {
    /// Now and then, that it is at this input.
    Reads(Vec<u8>),
    Done(Result<Met, String>),
}

fn work(decoder: &Decoder, seed: u64, time: Duration, told: &Sender<Told>) {
    let mut chance = ChaCha8Rng::seed_from_u64(seed);
    let mut kept = (decoder.specimens)();
    for specimen in &kept {
        assert!(
            (decoder.read)(specimen),
            "{}: {}",
            decoder.name,
            shown(specimen)
        );
    }
    let mut met = Met::default();
    let begin = Instant::now();
    while begin.elapsed() < time {
        let other = kept[chance.random_range(0..kept.len())].clone();
        let mut input = kept[chance.random_range(0..kept.len())].clone();
        bend(&mut input, &other, &mut chance);
        input.truncate(INPUT_BYTES_MAX);
        // Nobody listens any more: that is for whoever stopped listening to tell.
        let _ = told.send(Told::Reads(input.clone()));
        let at = Instant::now();
        let read = panic::catch_unwind(AssertUnwindSafe(|| (decoder.read)(&input)));
        met.slowest = met.slowest.max(at.elapsed());
        met.inputs += 1;
        match read {
            Ok(false) => {}
            Ok(true) => {
                met.taken += 1;
                keep(&mut kept, input, &mut chance);
            }
            Err(_) => {
                let what = format!("{} panics, seed {seed}: {}", decoder.name, shown(&input));
                let _ = told.send(Told::Done(Err(what)));
                return;
            }
        }
    }
    let _ = told.send(Told::Done(Ok(met)));
}

/// Keeps an input that was taken, so that the next ones lie further from the specimens.
fn keep(kept: &mut Vec<Vec<u8>>, input: Vec<u8>, chance: &mut ChaCha8Rng) {
    if kept.len() < KEPT_MAX {
        kept.push(input);
    } else {
        let place = chance.random_range(0..kept.len());
        kept[place] = input;
    }
}

fn shown(input: &[u8]) -> String {
    match str::from_utf8(input) {
        Ok(text) => format!("{text:?}"),
        Err(_) => input.iter().map(|byte| format!("{byte:02x}")).collect(),
    }
}
