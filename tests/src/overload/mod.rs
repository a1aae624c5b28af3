//! The real server offered more than a slow device lets it do.
//!
//! Every client has a member of its own and earns one point with each command. It sends the same command again until it
//! is accepted, so its member must have exactly as many points in the end as it was told of: one less is a command that
//! was lost, one more is a command that was done although it was refused.

mod client;
mod figures;

use std::{
    path::Path,
    sync::mpsc::{self, RecvTimeoutError},
    thread,
    time::{Duration, Instant},
};

use crate::server::Server;
use client::Client;
pub use figures::Figures;

/// How long the peak is measured, and how long the clients wait for it to be steady.
const PEAK: Duration = Duration::from_secs(5);
/// How long the server may take to be as before.
const RECOVERY_MAX: Duration = Duration::from_secs(60);
/// How many answers in a row, as fast as before the load, show that the server is as before.
const AS_BEFORE: u32 = 3;
/// How often memory is looked at.
const LOOK_EVERY: Duration = Duration::from_millis(100);
/// Room on the stack of a client.
const STACK_BYTES: usize = 256 << 10;

/// What is offered to what.
#[derive(Clone, Copy, Debug)]
pub struct Overload {
    /// How many times the peak is offered.
    pub times: u32,
    /// For how long.
    pub lasting: Duration,
    /// How much slower the device is at each sync.
    pub slower: Duration,
    /// How many commands the server lets in at once.
    pub inside: u32,
}

/// Until when a client works.
#[derive(Clone, Copy)]
enum Until {
    Time(Instant),
    Accepted(u32),
}

/// Offers several times the peak, and measures what becomes of it.
///
/// # Errors
///
/// If an answer is neither yes nor a refusal for overload, or points were lost or doubled.
///
/// # Panics
///
/// If the server cannot be started or spoken to.
pub fn measure(data: &Path, overload: &Overload) -> Result<Figures, String> {
    let server = start(data, overload);
    // As many as may come in: each waits for its answer, none is refused.
    let mut few = Client::all(&server, "f", overload.inside);
    let usual = alone(&mut few[0])?;
    let begun = Instant::now();
    let before = accepted(&few);
    work(&mut few, None, Until::Time(begun + PEAK))?;
    let peak = per_second(accepted(&few) - before, begun);

    // So many that those that wait for an answer leave enough to offer the rest.
    let mut many = Client::all(&server, "m", overload.inside * overload.times);
    let offered = peak * f64::from(overload.times);
    let pace = Duration::from_secs_f64(many.len() as f64 / offered);
    let (memory_before, begun) = (server.memory(), Instant::now());
    let memory_most = thread::scope(|scope| {
        let (over, ended) = mpsc::channel::<()>();
        let server = &server;
        let watch = scope.spawn(move || {
            let mut most = server.memory();
            while ended.recv_timeout(LOOK_EVERY) == Err(RecvTimeoutError::Timeout) {
                most = most.max(server.memory());
            }
            most
        });
        let worked = work(&mut many, Some(pace), Until::Time(begun + overload.lasting));
        drop(over);
        let most = watch.join().map_err(|_| "memory cannot be looked at")?;
        worked.map(|()| most)
    })?;
    let lasted = begun.elapsed();
    let recovery = recover(&mut few[0], usual)?;
    few.iter_mut()
        .chain(&mut many)
        .try_for_each(Client::foots)?;
    Ok(Figures::of(
        &many,
        lasted,
        [peak, offered],
        [memory_before, memory_most],
        recovery,
    ))
}

/// Offers as much as so many clients can, each until it has had a number of commands accepted. Answers with how many
/// refusals there were.
///
/// # Errors
///
/// As for [`measure`].
///
/// # Panics
///
/// As for [`measure`].
pub fn insist(data: &Path, overload: &Overload, each: u32) -> Result<usize, String> {
    let server = start(data, overload);
    let mut clients = Client::all(&server, "c", overload.inside * overload.times);
    work(&mut clients, None, Until::Accepted(each))?;
    clients.iter_mut().try_for_each(Client::foots)?;
    let refused = clients.iter().map(|client| client.refused().len()).sum();
    // What was answered is there after a crash too.
    server.kill();
    let server = Server::start(data).map_err(|ended| ended.stderr)?;
    for client in &mut clients {
        client.move_to(&server);
        client.foots()?;
    }
    Ok(refused)
}

fn start(data: &Path, overload: &Overload) -> Server {
    let inside = format!("--commands-inside={}", overload.inside);
    Server::start_slowed(data, &[&inside], overload.slower).unwrap()
}

/// Has all clients work at the same time; with a pace, each asks so often, but never twice at a time.
fn work(clients: &mut [Client], pace: Option<Duration>, until: Until) -> Result<(), String> {
    let begun = Instant::now();
    let share = pace.unwrap_or_default() / u32::try_from(clients.len()).unwrap_or(1);
    thread::scope(|scope| {
        let mut working = Vec::new();
        for (place, client) in (0..).zip(clients) {
            let first = begun + share * place;
            let work = move || client_works(client, first, pace, until);
            let thread = thread::Builder::new().stack_size(STACK_BYTES);
            working.push(thread.spawn_scoped(scope, work).unwrap());
        }
        let mut ends = working.into_iter().map(|client| client.join().unwrap());
        ends.try_for_each(|end| end)
    })
}

fn client_works(
    client: &mut Client,
    first: Instant,
    pace: Option<Duration>,
    until: Until,
) -> Result<(), String> {
    let mut planned = first;
    loop {
        match until {
            Until::Time(end) if Instant::now() >= end => return Ok(()),
            Until::Accepted(wanted) if client.accepted() >= wanted => return Ok(()),
            Until::Time(_) | Until::Accepted(_) => {}
        }
        if let Some(pace) = pace {
            thread::sleep(planned.saturating_duration_since(Instant::now()));
            // What it was too late for is offered by nobody.
            planned = (planned + pace).max(Instant::now());
        }
        client.earn()?;
    }
}

/// How long a command takes when nobody else asks: the longest of a few.
fn alone(client: &mut Client) -> Result<Duration, String> {
    let mut longest = Duration::ZERO;
    for _ in 0..10 {
        let begun = Instant::now();
        client.earn()?;
        longest = longest.max(begun.elapsed());
    }
    Ok(longest)
}

/// How long it takes until commands are accepted as fast as before.
fn recover(client: &mut Client, usual: Duration) -> Result<Duration, String> {
    let begun = Instant::now();
    let mut in_a_row = 0;
    while begun.elapsed() < RECOVERY_MAX {
        let asked = Instant::now();
        let as_before = client.earn()? && asked.elapsed() <= usual * 2;
        in_a_row = if as_before { in_a_row + 1 } else { 0 };
        if in_a_row == AS_BEFORE {
            return Ok(begun.elapsed());
        }
    }
    Err("the server is not as before".to_owned())
}

fn accepted(clients: &[Client]) -> u32 {
    clients.iter().map(Client::accepted).sum()
}

fn per_second(count: u32, since: Instant) -> f64 {
    f64::from(count) / since.elapsed().as_secs_f64()
}
