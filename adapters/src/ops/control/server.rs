//! The control socket of a running server.

use std::{
    fs, io,
    io::{BufWriter, Write},
    ops::ControlFlow,
    os::unix::{
        fs::{MetadataExt, PermissionsExt},
        net::UnixStream as BlockingStream,
    },
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use jifen_engine::{
    Engine,
    history::{History, HistoryError},
    journal::epoch::Epoch,
    ledger::Rules,
};
use serde::Serialize;
use tokio::{
    io::{AsyncBufReadExt, AsyncReadExt, AsyncWriteExt, BufReader},
    net::{UnixListener, UnixStream},
    sync::Semaphore,
    task::JoinHandle,
};

use super::{
    Ask, Checkpoint, Keeping, LINE_BYTES_MAX, NAME, Nothing, Status, Told, address::Address,
};

/// How many may ask at the same time; more wait.
const CLIENTS_MAX: usize = 16;
/// For how long a client may say nothing before it is given up.
const PATIENCE: Duration = Duration::from_secs(30);
/// How often a client that takes nothing is looked after: a dump may be read page by page, but not for longer than the
/// server runs.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// The socket; it listens until this is dropped.
pub struct Control {
    socket: PathBuf,
    listening: JoinHandle<()>,
    stopping: Arc<AtomicBool>,
}

/// What answers.
struct Desk {
    engine: Engine,
    keeping: Keeping,
    /// The user who runs the server.
    owner: u32,
    clients: Semaphore,
    /// Set when no client may be waited for any longer.
    stopping: Arc<AtomicBool>,
}

impl Control {
    /// Listens in a data directory whose lock is held. To be called within a runtime. Without a socket the server serves
    /// all the same, and tools have to wait until it stops.
    #[must_use]
    pub fn listen(data: &Path, engine: &Engine, rules: &Rules) -> Option<Self> {
        match Self::bind(data, engine.clone(), rules) {
            Ok(control) => Some(control),
            Err(error) => {
                tracing::warn!(%error, "no control socket: backup and journal tools have to wait until the server stops");
                None
            }
        }
    }

    fn bind(data: &Path, engine: Engine, rules: &Rules) -> io::Result<Self> {
        let socket = data.join(NAME);
        // Whoever listened there before has died: we have the lock.
        match fs::remove_file(&socket) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let listener = UnixListener::bind(Address::of(data, NAME)?.name())?;
        fs::set_permissions(&socket, fs::Permissions::from_mode(0o600))?;
        let stopping = Arc::new(AtomicBool::new(false));
        let desk = Arc::new(Desk {
            engine,
            keeping: Keeping::of(rules),
            owner: fs::metadata(&socket)?.uid(),
            clients: Semaphore::new(CLIENTS_MAX),
            stopping: Arc::clone(&stopping),
        });
        let listening = tokio::spawn(listen(listener, desk));
        Ok(Self {
            socket,
            listening,
            stopping,
        })
    }
}

impl Drop for Control {
    fn drop(&mut self) {
        self.listening.abort();
        self.stopping.store(true, Ordering::Release);
        // If it stays, the next server removes it.
        let _ = fs::remove_file(&self.socket);
    }
}

async fn listen(listener: UnixListener, desk: Arc<Desk>) {
    loop {
        let Ok(pass) = desk.clients.acquire().await else {
            return;
        };
        match listener.accept().await {
            Ok((stream, _)) => {
                pass.forget();
                let desk = Arc::clone(&desk);
                tokio::spawn(async move {
                    if let Err(error) = serve(stream, &desk).await {
                        tracing::debug!(%error, "a client of the control socket was given up");
                    }
                    desk.clients.add_permits(1);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "the control socket fails; tools must wait until the server stops");
                return;
            }
        }
    }
}

async fn serve(stream: UnixStream, desk: &Desk) -> io::Result<()> {
    // The socket is for its owner alone; between its making and its mode somebody else may have come.
    let peer = stream.peer_cred()?.uid();
    if peer != 0 && peer != desk.owner {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut stream = BufReader::new(stream);
    let mut line = String::new();
    let mut bounded = (&mut stream).take(LINE_BYTES_MAX);
    tokio::time::timeout(PATIENCE, bounded.read_line(&mut line))
        .await
        .map_err(|_| io::ErrorKind::TimedOut)??;
    let mut stream = stream.into_inner();
    match Ask::parse(line.trim_end()) {
        Some(Ask::Status) => tell(&mut stream, Ok(desk.status())).await,
        Some(Ask::Checkpoint) => {
            let made = desk.checkpoint().await;
            tell(&mut stream, made).await
        }
        Some(Ask::Values { behind }) => desk.values(stream, behind).await,
        Some(Ask::Forget { before }) => {
            let forgotten = desk.forget(Epoch(before)).await;
            tell(&mut stream, forgotten).await
        }
        None => {
            let known = "this server understands status, checkpoint, values TURN and forget EPOCH"
                .to_owned();
            tell::<Status>(&mut stream, Err(known)).await
        }
    }
}

async fn tell<T: Serialize>(stream: &mut UnixStream, told: Result<T, String>) -> io::Result<()> {
    let told = match told {
        Ok(done) => Told::Done(done),
        Err(error) => Told::Failed { error },
    };
    let mut line = serde_json::to_vec(&told)?;
    line.push(b'\n');
    stream.write_all(&line).await?;
    stream.flush().await
}

impl Desk {
    fn status(&self) -> Status {
        Status {
            version: env!("CARGO_PKG_VERSION").to_owned(),
            pid: std::process::id(),
            turn: self.engine.history().durable_turn(),
            keeping: self.keeping.clone(),
        }
    }

    async fn checkpoint(&self) -> Result<Checkpoint, String> {
        let made = self.engine.checkpoint().await;
        made.map(Checkpoint::from)
            .map_err(|error| error.to_string())
    }

    async fn forget(&self, before: Epoch) -> Result<Nothing, String> {
        let history = Arc::clone(self.engine.history());
        let forgetting = tokio::task::spawn_blocking(move || history.forget_before(before));
        let forgotten = forgetting.await.map_err(|error| error.to_string())?;
        let archives = forgotten.map_err(|error| error.to_string())?;
        tracing::warn!(
            archives,
            before = before.0,
            "archives were deleted by command"
        );
        Ok(Nothing {})
    }

    async fn values(&self, mut stream: UnixStream, behind: u64) -> io::Result<()> {
        let history = Arc::clone(self.engine.history());
        if behind > 0 && behind < history.complete_behind() {
            let gone = format!(
                "what lies behind turn {behind} was deleted; history is complete behind turn {}",
                history.complete_behind()
            );
            return tell::<Nothing>(&mut stream, Err(gone)).await;
        }
        tell(&mut stream, Ok(Nothing {})).await?;
        let stream = stream.into_std()?;
        stream.set_nonblocking(false)?;
        stream.set_write_timeout(Some(LOOK_EVERY))?;
        let stopping = Arc::clone(&self.stopping);
        let to = Patient { stream, stopping };
        let sent = tokio::task::spawn_blocking(move || send(&history, behind, to));
        sent.await.map_err(io::Error::other)?
    }
}

/// Waits for a client for as long as the server runs.
struct Patient {
    stream: BlockingStream,
    stopping: Arc<AtomicBool>,
}

impl Write for Patient {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        loop {
            match self.stream.write(bytes) {
                Err(error)
                    if error.kind() == io::ErrorKind::WouldBlock
                        && !self.stopping.load(Ordering::Acquire) => {}
                written => return written,
            }
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        self.stream.flush()
    }
}

/// Sends values; one that cannot be read cuts the stream off.
fn send(history: &History, behind: u64, to: Patient) -> io::Result<()> {
    let mut out = BufWriter::with_capacity(1 << 17, to);
    let mut write = |bytes: &[u8]| {
        let length = u32::try_from(bytes.len()).map_err(io::Error::other)?;
        out.write_all(&length.to_be_bytes())?;
        out.write_all(bytes)
    };
    let mut lost = None;
    let read = history.read_behind(behind, &mut |value| {
        lost = write(value).err();
        Ok(match lost {
            None => ControlFlow::Continue(()),
            Some(_) => ControlFlow::Break(()),
        })
    });
    if let Some(lost) = lost {
        return Err(lost);
    }
    read.map_err(|error: HistoryError| {
        tracing::error!(%error, "history cannot be read for the control socket");
        io::Error::other(error)
    })?;
    write(&[])?;
    out.flush()
}
