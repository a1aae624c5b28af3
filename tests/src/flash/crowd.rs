//! Many connections that send at once, and a server that may be killed under them.

use std::{
    sync::{
        atomic::{AtomicUsize, Ordering},
        mpsc,
    },
    thread,
};

use serde_json::Value;

use super::caller::{Answer, Caller};
use crate::server::Server;

/// Room on the stack of one connection.
const STACK_BYTES: usize = 512 << 10;

/// What became of commands.
#[derive(Default)]
pub(super) struct Heard {
    /// With their answers.
    pub(super) answered: Vec<(Value, Answer)>,
    /// Sent, or nearly, and not answered.
    pub(super) unknown: Vec<Value>,
    /// Not sent.
    pub(super) left: Vec<Value>,
}

/// Sends commands over so many connections, each of which takes the next one as soon as it has heard. Kills the server as
/// soon as so many were answered, if that is wanted and happens; else it is given back.
pub(super) fn press(
    server: Server,
    commands: &[Value],
    connections: usize,
    kill_after: Option<usize>,
) -> (Option<Server>, Heard) {
    let (next, heard_of) = (AtomicUsize::new(0), AtomicUsize::new(0));
    let (enough, waiting) = mpsc::channel();
    let url = server.url().to_owned();
    let mut heard = Heard::default();
    let work = |enough: mpsc::Sender<()>| {
        let caller = Caller::new(&url);
        let mut answered = Vec::new();
        while let Some(command) = commands.get(next.fetch_add(1, Ordering::Relaxed)) {
            let Some(answer) = caller.say(command) else {
                return (answered, Some(command.clone()));
            };
            answered.push((command.clone(), answer));
            if Some(heard_of.fetch_add(1, Ordering::Relaxed) + 1) == kill_after {
                // Whoever waits has ended only if somebody panicked.
                let _ = enough.send(());
            }
        }
        (answered, None)
    };
    let server = thread::scope(|scope| {
        let connect = |_| {
            let (work, enough) = (&work, enough.clone());
            let thread = thread::Builder::new().stack_size(STACK_BYTES);
            thread.spawn_scoped(scope, move || work(enough)).unwrap()
        };
        let working: Vec<_> = (0..connections).map(connect).collect();
        drop(enough);
        // Nobody tells if the commands ran out first.
        let server = match waiting.recv() {
            Ok(()) => {
                server.kill();
                None
            }
            Err(mpsc::RecvError) => Some(server),
        };
        for one in working {
            let (answered, unknown) = one.join().unwrap();
            heard.answered.extend(answered);
            heard.unknown.extend(unknown);
        }
        server
    });
    let sent = next.into_inner().min(commands.len());
    heard.left = commands[sent..].to_vec();
    (server, heard)
}

/// Asks again what was not answered; every command gets an answer now.
pub(super) fn ask_again(server: &Server, unknown: Vec<Value>) -> Vec<(Value, Answer)> {
    let caller = Caller::new(server.url());
    let ask = |command| {
        let answer = caller.ask(&command);
        (command, answer)
    };
    unknown.into_iter().map(ask).collect()
}
