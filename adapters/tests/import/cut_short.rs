//! Imports that do not come to their end, and the ones that go on behind them.

use std::{
    future::pending,
    io::{self, Cursor, Read},
    sync::mpsc,
};

use jifen_adapters::file::{End, ImportError};
use jifen_engine::journal::memory::Fault;
use tokio::sync::oneshot;

use crate::support::{Job, Place, example};

/// The example day, with something that happens in the middle of it.
struct Eventful<F> {
    day: Cursor<Vec<u8>>,
    event: Option<F>,
}

impl<F: FnOnce() -> io::Result<()>> Eventful<F> {
    fn new(event: F) -> Self {
        Self {
            day: Cursor::new(example("day.ndjson")),
            event: Some(event),
        }
    }
}

impl<F: FnOnce() -> io::Result<()>> Read for Eventful<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let half = self.day.get_ref().len() as u64 / 2;
        if self.day.position() >= half
            && let Some(event) = self.event.take()
        {
            event()?;
        }
        // Small reads, so that the event comes where it should.
        let most = buffer.len().min(4_096);
        self.day.read(&mut buffer[..most])
    }
}

async fn uninterrupted() -> Vec<String> {
    let place = Place::new();
    let finished = place
        .import(Job::new("day", Cursor::new(example("day.ndjson"))))
        .await;
    assert!(matches!(finished.end, End::Complete), "{:?}", finished.end);
    place.state().await
}

/// Imports the whole day where a part of it was imported before: the state must be that of an import in one go.
async fn go_on(place: &Place) {
    let finished = place
        .import(Job::new("day", Cursor::new(example("day.ndjson"))))
        .await;
    assert!(matches!(finished.end, End::Complete), "{:?}", finished.end);
    let summary = finished.summary;
    assert!(summary.already_applied > 0, "{summary:?}");
    assert!(summary.accepted > 0, "{summary:?}");
    assert_eq!(summary.accepted + summary.already_applied, 12_996);
    assert_eq!(place.state().await, uninterrupted().await);
}

/// Goal: who stops an import loses nothing and applies nothing twice. Method: the reader says stop in the middle of the
/// file and then has nothing more to give, until the import has ended.
#[actix_rt::test]
async fn an_import_that_was_stopped_goes_on() {
    let place = Place::new();
    let (stop, stopped) = oneshot::channel();
    let (ended, has_ended) = mpsc::channel::<()>();
    let eventful = Eventful::new(move || {
        let _ = stop.send(());
        // Ends when the import has ended, because then nobody is left to send.
        let _ = has_ended.recv();
        Err(io::ErrorKind::BrokenPipe.into())
    });
    let engine = place.open();
    let stop = async { stopped.await.unwrap() };
    let finished = place
        .import_into(&engine, Job::new("day", eventful).in_small_steps(), stop)
        .await;
    drop(ended);
    engine.shut_down().await;
    assert!(
        matches!(finished.end, End::Interrupted),
        "{:?}",
        finished.end
    );
    assert!(finished.summary.accepted > 0);
    assert_eq!(finished.summary.unanswered, 0);
    go_on(&place).await;
}

#[actix_rt::test]
async fn an_import_whose_file_breaks_off_goes_on() {
    let place = Place::new();
    let eventful = Eventful::new(|| Err(io::ErrorKind::BrokenPipe.into()));
    let finished = place.import(Job::new("day", eventful)).await;
    assert!(
        matches!(finished.end, End::Failed(ImportError::System(..))),
        "{:?}",
        finished.end
    );
    // What came before was imported all the same.
    assert!(finished.summary.lines > 6_000, "{:?}", finished.summary);
    assert_eq!(finished.summary.unanswered, 0);
    go_on(&place).await;
}

/// Goal: a journal that fails under an import costs nothing but another run. Method: in the middle of the file the next
/// turn fails in each of the ways a turn can fail; then an engine on what is left imports the whole file.
#[actix_rt::test]
async fn an_import_whose_journal_failed_goes_on() {
    for fault in [
        Fault::Lost,
        Fault::Parts(0),
        Fault::Torn(128),
        Fault::Unanswered,
    ] {
        let place = Place::new();
        let medium = place.medium.clone();
        let eventful = Eventful::new(move || {
            medium.fail_next(fault);
            Ok(())
        });
        let engine = place.open();
        let job = Job::new("day", eventful).in_small_steps();
        let finished = place.import_into(&engine, job, pending()).await;
        engine.shut_down().await;
        match finished.end {
            End::Failed(ImportError::Journal(what)) => {
                assert!(what.contains("on demand"), "{what}");
            }
            other => panic!("{fault:?}: {other:?}"),
        }
        assert!(
            finished.summary.unanswered > 0,
            "{fault:?}: {:?}",
            finished.summary
        );
        go_on(&place).await;
    }
}
