//! What is counted of commands and requests as they come and go.

use std::{
    cell::Cell,
    collections::BTreeSet,
    sync::atomic::{AtomicU64, AtomicUsize, Ordering},
};

use jifen_engine::{
    Outcome,
    ledger::{CommandKind, RequestId, Verdict},
    meters::{Distribution, Histogram, Scale},
};

use crate::{
    access::Denial,
    wire::wording::{self, of_code, of_error},
};

/// The code of a command that was accepted.
const ACCEPTED: &str = "accepted";
/// The type of a line that is no command.
pub(super) const UNREADABLE: &str = "unreadable";
/// How many threads count without meeting each other. More than that share.
const STRIPES: usize = 16;
/// HTTP statuses that are told apart.
const STATUSES: std::ops::Range<u16> = 100..600;

/// How commands come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Door {
    /// An endpoint of one command.
    Single,
    /// An array of commands.
    Array,
    /// A stream of lines.
    Lines,
    /// Messages of the queue.
    Queue,
}

impl Door {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Single, Self::Array, Self::Lines, Self::Queue];

    /// The word for it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Single => "single",
            Self::Array => "array",
            Self::Lines => "lines",
            Self::Queue => "queue",
        }
    }
}

/// What became of commands of one kind, as it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Fate {
    kind: usize,
    code: &'static str,
    replayed: bool,
}

/// Numbers of the door. Every thread has its own, so that counting costs a few nanoseconds.
#[derive(Debug)]
pub struct DoorMeters {
    metered: bool,
    /// Every code there is, sorted.
    codes: Vec<&'static str>,
    stripes: Vec<Stripe>,
}

/// The numbers of a thread. Each table is memory of its own, so that threads do not fight over a cache line.
#[derive(Debug)]
struct Stripe {
    /// Per door, kind and code.
    commands: Box<[AtomicU64]>,
    /// Per door and kind.
    replays: Box<[AtomicU64]>,
    statuses: Box<[AtomicU64]>,
    lines_limited: Box<[AtomicU64]>,
    requests: Histogram,
}

/// Kinds of commands, and one for what is none.
const KINDS: usize = CommandKind::ALL.len() + 1;

impl Default for DoorMeters {
    fn default() -> Self {
        Self::new(true)
    }
}

impl DoorMeters {
    /// Nothing counted yet, and nothing ever if it is not to be `metered`.
    #[must_use]
    pub fn new(metered: bool) -> Self {
        let codes = wording::all().into_iter().map(|wording| wording.code);
        let codes: BTreeSet<_> = codes.chain([ACCEPTED]).collect();
        let codes: Vec<_> = codes.into_iter().collect();
        let stripes = (0..STRIPES).map(|_| Stripe::new(codes.len()));
        Self {
            metered,
            stripes: stripes.collect(),
            codes,
        }
    }

    /// A command at an endpoint of its own was told this.
    pub fn command(&self, kind: CommandKind, code: Option<&'static str>, replayed: bool) {
        let fate = Fate {
            kind: kind as usize,
            code: code.unwrap_or(ACCEPTED),
            replayed,
        };
        self.count(Door::Single, fate, 1);
    }

    /// Commands that came together were told this.
    pub fn commands<'a>(
        &self,
        door: Door,
        told: impl Iterator<Item = (&'a (RequestId, CommandKind), Result<&'a Outcome, Denial>)>,
    ) {
        // Neighbours mostly share their fate, and are then counted together.
        let mut run: Option<(Fate, u64)> = None;
        for ((_, kind), told) in told {
            let fate = Fate::of(*kind, told);
            run = Some(match run {
                Some((before, count)) if before == fate => (fate, count + 1),
                before => {
                    if let Some((fate, count)) = before {
                        self.count(door, fate, count);
                    }
                    (fate, 1)
                }
            });
        }
        if let Some((fate, count)) = run {
            self.count(door, fate, count);
        }
    }

    /// A line was no command.
    pub fn unreadable_line(&self, code: &'static str) {
        let fate = Fate {
            kind: KINDS - 1,
            code,
            replayed: false,
        };
        self.count(Door::Lines, fate, 1);
    }

    /// So many lines were refused, since their principal asks for more than its rate allows.
    pub fn lines_limited(&self, count: usize) {
        self.stripe(|stripe| add(&stripe.lines_limited, 0, count as u64));
    }

    /// A request was answered, or its answer has begun, after so many nanoseconds.
    pub fn request(&self, status: u16, nanos: u64) {
        self.stripe(|stripe| {
            add(&stripe.statuses, usize::from(status - STATUSES.start), 1);
            stripe.requests.observe(nanos, 1);
        });
    }

    /// Whether anything is counted.
    #[must_use]
    pub const fn is_metered(&self) -> bool {
        self.metered
    }

    fn count(&self, door: Door, fate: Fate, count: u64) {
        self.stripe(|stripe| {
            let row = door as usize * KINDS + fate.kind;
            // Every code that is told is in the list, as a test sees to.
            if let Ok(code) = self.codes.binary_search(&fate.code) {
                add(&stripe.commands, row * self.codes.len() + code, count);
            }
            if fate.replayed {
                add(&stripe.replays, row, count);
            }
        });
    }

    fn stripe(&self, count: impl FnOnce(&Stripe)) {
        if self.metered {
            count(&self.stripes[own_stripe()]);
        }
    }

    /// How many commands came in by a door, by type and code; without those of which there were none.
    pub(super) fn each_command(&self) -> impl Iterator<Item = ([&'static str; 3], u64)> {
        let codes = self.codes.len();
        (0..Door::ALL.len() * KINDS * codes).filter_map(move |cell| {
            let count = self.sum(|stripe| &stripe.commands, cell);
            let (row, code) = (cell / codes, self.codes[cell % codes]);
            let [door, kind] = names(row);
            (count > 0).then_some(([door, kind, code], count))
        })
    }

    /// How many of them had been answered before, by door and type; without those of which there were none.
    pub(super) fn each_replay(&self) -> impl Iterator<Item = ([&'static str; 2], u64)> {
        (0..Door::ALL.len() * KINDS).filter_map(|row| {
            let count = self.sum(|stripe| &stripe.replays, row);
            (count > 0).then_some((names(row), count))
        })
    }

    /// How many requests were answered with a status; without those of which there were none.
    pub(super) fn each_status(&self) -> impl Iterator<Item = (u16, u64)> {
        STATUSES.filter_map(|status| {
            let count = self.status(status);
            (count > 0).then_some((status, count))
        })
    }

    /// How many requests were answered with this status.
    pub(super) fn status(&self, status: u16) -> u64 {
        let place = usize::from(status - STATUSES.start);
        self.sum(|stripe| &stripe.statuses, place)
    }

    /// How many lines were refused for their principal's rate.
    pub(super) fn limited_lines(&self) -> u64 {
        self.sum(|stripe| &stripe.lines_limited, 0)
    }

    /// How long requests took.
    pub(super) fn requests(&self) -> Distribution {
        let mut all = Distribution::none(Scale::Seconds);
        self.stripes
            .iter()
            .for_each(|stripe| all.add(&stripe.requests));
        all
    }

    fn sum(&self, table: impl Fn(&Stripe) -> &[AtomicU64], place: usize) -> u64 {
        let stripes = self.stripes.iter();
        stripes
            .map(|stripe| table(stripe)[place].load(Ordering::Relaxed))
            .sum()
    }
}

impl Fate {
    fn of(kind: CommandKind, told: Result<&Outcome, Denial>) -> Self {
        let (code, replayed) = match told {
            Ok(Ok(Ok(answer))) => match &answer.verdict {
                Verdict::Accepted(_) => (ACCEPTED, answer.replayed),
                Verdict::Refused(refusal) => (of_code(refusal.code()).code, answer.replayed),
            },
            Ok(Ok(Err(declined))) => (of_code(declined.refusal.code()).code, false),
            Ok(Err(error)) => (of_error(*error).code, false),
            Err(denial) => (denial.code, false),
        };
        Self {
            kind: kind as usize,
            code,
            replayed,
        }
    }
}

impl Stripe {
    fn new(codes: usize) -> Self {
        let table = |cells: usize| (0..cells).map(|_| AtomicU64::new(0)).collect();
        let rows = Door::ALL.len() * KINDS;
        Self {
            commands: table(rows * codes),
            replays: table(rows),
            statuses: table(STATUSES.len()),
            lines_limited: table(1),
            requests: Histogram::new(Scale::Seconds),
        }
    }
}

fn names(row: usize) -> [&'static str; 2] {
    let kind = CommandKind::ALL.get(row % KINDS);
    let kind = kind.map_or(UNREADABLE, |kind| kind.name());
    [Door::ALL[row / KINDS].name(), kind]
}

fn add(table: &[AtomicU64], place: usize, count: u64) {
    if let Some(cell) = table.get(place) {
        cell.fetch_add(count, Ordering::Relaxed);
    }
}

/// Which stripe the calling thread counts in.
fn own_stripe() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static STRIPE: Cell<usize> = const { Cell::new(usize::MAX) };
    }
    STRIPE.with(|stripe| {
        if stripe.get() == usize::MAX {
            stripe.set(THREADS.fetch_add(1, Ordering::Relaxed) % STRIPES);
        }
        stripe.get()
    })
}
