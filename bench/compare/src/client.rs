//! The client: a closed loop with one request, or one bundle of requests, under way on each connection. It is the same for every
//! system, on one thread, and does no more than write bytes, read bytes and look at a clock.

use std::{
    cell::{Cell, RefCell},
    net::SocketAddr,
    rc::Rc,
    time::{Duration, Instant},
};

use bytes::BytesMut;
use hdrhistogram::Histogram;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
    task::LocalSet,
    time::sleep,
};

use crate::{
    dialect::{Dialect, Reply},
    trouble::Trouble,
    work::{Draw, Operation, Request, Task},
};

/// Room for answers before it is made larger.
const ANSWER_BYTES: usize = 16 * 1024;
/// The longest that is told apart.
const LONGEST_MICROS: u64 = 600_000_000;

/// What is to be done.
#[derive(Clone, Copy, Debug)]
pub struct Load {
    /// Which work.
    pub task: Task,
    /// How many connections, at least one.
    pub connections: u32,
    /// Members that take part.
    pub members: u32,
    /// Draws other work if it is another.
    pub seed: u64,
    /// Goes before what is measured.
    pub warm_up: Duration,
    /// How long is measured.
    pub window: Duration,
}

/// What came of it.
#[derive(Debug)]
pub struct Done {
    /// How long was measured.
    pub elapsed: Duration,
    /// Operations accepted within the window; pairs count once.
    pub accepted: u64,
    /// Operations within the window that there were no units for.
    pub sold_out: u64,
    /// Operations accepted at any time.
    pub accepted_ever: u64,
    /// Microseconds from writing an operation to its answer; of a bundle, to its last answer.
    pub latency: Histogram<u64>,
}

/// Where the window begins and ends, for whoever reads other clocks there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Edge {
    /// It begins.
    Begin,
    /// It ends.
    End,
}

/// Puts the load on whoever listens at an address.
///
/// # Errors
///
/// An answer that the work does not allow for, also one that is not the same when its request is made again.
pub fn run(
    load: Load,
    address: SocketAddr,
    dialect: &dyn Fn() -> Box<dyn Dialect>,
    mut edge: impl FnMut(Edge),
) -> Result<Done, Trouble> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(Trouble::io("starting the client"))?;
    LocalSet::new().block_on(&runtime, async {
        let tally = Rc::new(Tally::new());
        let mut connections = Vec::new();
        for number in 0..load.connections {
            let line = Line::open(address, dialect()).await?;
            let tally = Rc::clone(&tally);
            connections.push(tokio::task::spawn_local(converse(
                line, load, number, tally,
            )));
        }
        sleep(load.warm_up).await;
        tally.phase.set(Phase::Window);
        edge(Edge::Begin);
        let begun = Instant::now();
        sleep(load.window).await;
        tally.phase.set(Phase::Over);
        let elapsed = begun.elapsed();
        edge(Edge::End);
        for connection in connections {
            let ended = connection.await;
            ended.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()))?;
        }
        Ok(Done {
            elapsed,
            accepted: tally.accepted.get(),
            sold_out: tally.sold_out.get(),
            accepted_ever: tally.accepted_ever.get(),
            latency: tally.latency.replace(histogram()),
        })
    })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    WarmUp,
    Window,
    Over,
}

/// What all connections have counted.
struct Tally {
    phase: Cell<Phase>,
    accepted: Cell<u64>,
    sold_out: Cell<u64>,
    accepted_ever: Cell<u64>,
    latency: RefCell<Histogram<u64>>,
}

impl Tally {
    fn new() -> Self {
        Self {
            phase: Cell::new(Phase::WarmUp),
            accepted: Cell::new(0),
            sold_out: Cell::new(0),
            accepted_ever: Cell::new(0),
            latency: RefCell::new(histogram()),
        }
    }

    fn count(&self, heard: Heard, took: Duration) {
        self.accepted_ever
            .set(self.accepted_ever.get() + heard.accepted);
        if self.phase.get() == Phase::Window {
            self.accepted.set(self.accepted.get() + heard.accepted);
            self.sold_out.set(self.sold_out.get() + heard.sold_out);
            let micros = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
            self.latency.borrow_mut().saturating_record(micros);
        }
    }
}

fn histogram() -> Histogram<u64> {
    Histogram::new_with_bounds(1, LONGEST_MICROS, 3).expect("sensible bounds")
}

/// What the answers to one bundle were.
#[derive(Clone, Copy, Debug, Default)]
struct Heard {
    accepted: u64,
    sold_out: u64,
}

async fn converse(
    mut line: Line,
    load: Load,
    number: u32,
    tally: Rc<Tally>,
) -> Result<(), Trouble> {
    let mut draw = Draw::new(load.seed, number, load.connections, load.members);
    let mut hold = String::new();
    while tally.phase.get() != Phase::Over {
        let begun = Instant::now();
        let requests: Vec<Request<'_>> = (0..load.task.together())
            .map(|_| Request {
                number: draw.number(),
                operation: draw.first(load.task),
            })
            .collect();
        let mut heard = line.exchange(&requests, &mut hold).await?;
        if load.task == Task::Pair {
            let capture = Request {
                number: draw.number(),
                operation: Operation::Capture(&hold),
            };
            heard = line.exchange(&[capture], &mut String::new()).await?;
        }
        if heard.sold_out > 0 && !load.task.may_sell_out() {
            return Err(Trouble::answer("the sale that lasts", b"sold_out"));
        }
        tally.count(heard, begun.elapsed());
    }
    if matches!(load.task, Task::Look | Task::SoldOut) {
        return Ok(());
    }
    line.ask_again().await
}

/// A connection.
struct Line {
    stream: TcpStream,
    dialect: Box<dyn Dialect>,
    /// What was written last.
    written: BytesMut,
    /// How many answers came to that.
    answers: usize,
    /// What was read; the last answers stay until there are others.
    read: Vec<u8>,
    filled: usize,
}

impl Line {
    async fn open(address: SocketAddr, dialect: Box<dyn Dialect>) -> Result<Self, Trouble> {
        let stream = TcpStream::connect(address)
            .await
            .map_err(Trouble::io("connecting"))?;
        stream
            .set_nodelay(true)
            .map_err(Trouble::io("connecting"))?;
        let mut line = Self {
            stream,
            dialect,
            written: BytesMut::new(),
            answers: 0,
            read: vec![0; ANSWER_BYTES],
            filled: 0,
        };
        line.answers = line.dialect.greet(&mut line.written);
        line.transfer(|_, _| Ok(())).await?;
        Ok(line)
    }

    /// Asks and hears all answers. What a hold is called is left in `hold`.
    async fn exchange(
        &mut self,
        requests: &[Request<'_>],
        hold: &mut String,
    ) -> Result<Heard, Trouble> {
        self.written.clear();
        self.answers = self.dialect.put(&mut self.written, requests);
        let mut heard = Heard::default();
        self.transfer(|dialect, answer| {
            dialect.hear(answer, &mut |reply| match reply {
                Reply::Accepted(name) => {
                    heard.accepted += 1;
                    if let Some(name) = name {
                        hold.clear();
                        hold.push_str(name);
                    }
                }
                Reply::SoldOut => heard.sold_out += 1,
            })
        })
        .await?;
        if heard.accepted + heard.sold_out != requests.len() as u64 {
            return Err(Trouble::answer("a system", &self.read[..self.filled]));
        }
        Ok(heard)
    }

    /// Makes the last requests again. They must get the same answers.
    async fn ask_again(&mut self) -> Result<(), Trouble> {
        let first = self.essence();
        self.transfer(|_, _| Ok(())).await?;
        if self.essence() == first {
            Ok(())
        } else {
            Err(Trouble::answer(
                "to a repeated request, a system",
                &self.read[..self.filled],
            ))
        }
    }

    fn essence(&self) -> Vec<u8> {
        let mut rest = &self.read[..self.filled];
        let mut essence = Vec::new();
        while let Some(end) = self.dialect.end(rest) {
            essence.extend(self.dialect.essence(&rest[..end]));
            rest = &rest[end..];
        }
        essence
    }

    /// Writes what is to be written and reads that many answers.
    async fn transfer(
        &mut self,
        mut hear: impl FnMut(&dyn Dialect, &[u8]) -> Result<(), Trouble>,
    ) -> Result<(), Trouble> {
        let lost = || Trouble::io("talking to a server");
        self.stream.write_all(&self.written).await.map_err(lost())?;
        let (mut heard, mut at) = (0, 0);
        self.filled = 0;
        while heard < self.answers {
            if self.filled == self.read.len() {
                self.read.resize(2 * self.filled, 0);
            }
            let count = self
                .stream
                .read(&mut self.read[self.filled..])
                .await
                .map_err(lost())?;
            if count == 0 {
                return Err(Trouble::answer(
                    "a server that hung up",
                    &self.read[at..self.filled],
                ));
            }
            self.filled += count;
            while let Some(length) = self.dialect.end(&self.read[at..self.filled]) {
                hear(self.dialect.as_ref(), &self.read[at..at + length])?;
                (heard, at) = (heard + 1, at + length);
            }
        }
        Ok(())
    }
}
