//! Rounds of kill -9 of the loaded real server, and what must hold after each.

use std::{
    ffi::OsStr,
    fs,
    path::Path,
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use crate::{
    server::Server,
    shopper::{Failed, Shopper},
};

/// How many work at the same time.
const SHOPPERS: u64 = 4;

/// After so many rounds others come: a member may not have endless holds open.
const GENERATION: u32 = 20;

/// What was met in rounds of kills.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Killed {
    /// Answers that were heard, and found again after every kill.
    pub heard: usize,
    /// Requests that a kill came into, so that nobody knew what became of them until they were asked again.
    pub unknown: usize,
    /// Epochs of the journal that ended and were archived.
    pub archived: usize,
}

/// Lets clients work on a new data directory, kills the server so many times in the middle of it, and checks after each
/// start that nothing was lost or done twice. `arguments` are more on the server's command line; `done` hears of every round.
/// Leaves the server running.
///
/// # Panics
///
/// If something was.
pub fn rounds(
    data: &Path,
    arguments: &[&str],
    rounds: u32,
    seed: u64,
    done: &dyn Fn(),
) -> (Server, Killed) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut server = Server::start_with(data, arguments).unwrap();
    let mut met = Killed::default();
    let mut gone: Vec<Shopper> = Vec::new();
    let mut working = shoppers(&server);
    for round in 1..=rounds {
        let answers = rng.random_range(50..1_500);
        work(server, &mut working, answers, Server::kill);
        server = Server::start_with(data, arguments).unwrap();
        met.unknown += check(&server, &mut working, false);
        if round.is_multiple_of(GENERATION) {
            gone.append(&mut working);
            let first = gone.len() as u64;
            working = begun(
                &server,
                (first..first + SHOPPERS).map(Shopper::new).collect(),
            );
        }
        done();
    }
    gone.append(&mut working);
    check(&server, &mut gone, true);
    met.heard = gone.iter().map(Shopper::heard).sum();
    met.archived = archived(data);
    (server, met)
}

/// An archive is called by the number of its epoch.
fn archived(data: &Path) -> usize {
    let files = fs::read_dir(data.join("archive")).into_iter().flatten();
    let is_archive = |path: &Path| {
        let epoch = path.file_stem().and_then(OsStr::to_str);
        epoch.is_some_and(|epoch| epoch.parse::<u64>().is_ok())
    };
    files
        .filter(|file| is_archive(&file.as_ref().unwrap().path()))
        .count()
}

/// Clients that have made themselves known to a server.
///
/// # Panics
///
/// If it does not do as it should.
#[must_use]
pub fn shoppers(server: &Server) -> Vec<Shopper> {
    begun(server, (0..SHOPPERS).map(Shopper::new).collect())
}

/// Lets clients make themselves known to a server.
///
/// # Panics
///
/// If it does not do as it should.
#[must_use]
pub fn begun(server: &Server, mut shoppers: Vec<Shopper>) -> Vec<Shopper> {
    for shopper in &mut shoppers {
        shopper.begin(server.url()).unwrap();
    }
    shoppers
}

/// Lets everybody work until so many answers were heard, and ends the server in the middle of it.
///
/// # Panics
///
/// If somebody hears an answer that must not be.
pub fn work(server: Server, shoppers: &mut [Shopper], answers: usize, end: fn(Server)) {
    let heard = AtomicUsize::new(0);
    let (enough, waiting) = mpsc::channel();
    let url = server.url().to_owned();
    thread::scope(|scope| {
        for shopper in shoppers {
            let (url, heard, enough) = (&url, &heard, enough.clone());
            scope.spawn(move || {
                loop {
                    match shopper.shop(url) {
                        Ok(count) => {
                            let before = heard.fetch_add(count, Ordering::Relaxed);
                            if before < answers && answers <= before + count {
                                enough.send(()).unwrap();
                            }
                        }
                        Err(Failed::Unknown) => return,
                        Err(Failed::Wrong(what)) => panic!("{what}"),
                    }
                }
            });
        }
        drop(enough);
        waiting.recv().expect("somebody hears the last answer");
        end(server);
    });
}

/// Checks after a start that nothing was lost or done twice. Tells how many requests had an unknown outcome.
///
/// # Panics
///
/// If something was.
pub fn check(server: &Server, shoppers: &mut [Shopper], everything: bool) -> usize {
    let mut unknown = 0;
    for shopper in shoppers {
        // In this order: what was acknowledged is there before anything new is said.
        shopper.find_again(server.url(), everything).unwrap();
        unknown += shopper.ask_again(server.url()).unwrap();
        shopper.find_again(server.url(), everything).unwrap();
        shopper.compare_books(server.url()).unwrap();
    }
    unknown
}
