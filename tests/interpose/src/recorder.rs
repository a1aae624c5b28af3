//! What is recorded, and where to.

use std::{
    env,
    ffi::{CStr, CString},
    os::unix::ffi::OsStringExt,
    sync::{
        Mutex, MutexGuard, OnceLock, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
};

use libc::c_int;

use crate::{raw, record::Happened};

/// Names the directory to be watched; an absolute path without links in it.
const DIRECTORY: &str = "JIFEN_RECORD_DIR";
/// Names the file to be written, outside that directory.
const LOG: &str = "JIFEN_RECORD_LOG";
/// Names something in that directory that is not watched, with all that is below it.
const EXCEPT: &str = "JIFEN_RECORD_EXCEPT";
/// How many descriptors can be told apart.
const DESCRIPTORS: usize = 1 << 16;

/// Which descriptors stand for something below the directory. Asked without the lock: most calls are about others.
static WATCHED: [AtomicBool; DESCRIPTORS] = [const { AtomicBool::new(false) }; DESCRIPTORS];

/// Records what the process does below one directory.
pub(crate) struct Recorder {
    /// Without a slash at its end.
    directory: Vec<u8>,
    /// A name in it that is passed over.
    except: Option<Vec<u8>>,
    log: Mutex<Log>,
}

/// The recording. Whoever holds it may do something and record it, and nobody does anything in between.
pub(crate) struct Log {
    file: c_int,
    buffer: Vec<u8>,
    syncs: u64,
}

/// The recorder, if the process is to be recorded.
pub(crate) fn recorder() -> Option<&'static Recorder> {
    static RECORDER: OnceLock<Option<Recorder>> = OnceLock::new();
    RECORDER.get_or_init(Recorder::begin).as_ref()
}

/// Whether a descriptor stands for something below the directory.
pub(crate) fn is_watched(fd: c_int) -> bool {
    slot(fd).is_some_and(|slot| slot.load(Ordering::Relaxed))
}

/// Says whether a descriptor stands for something below the directory from now on.
pub(crate) fn watch(fd: c_int, watched: bool) {
    match slot(fd) {
        Some(slot) => slot.store(watched, Ordering::Relaxed),
        None => assert!(!watched, "more files are open than can be told apart"),
    }
}

fn slot(fd: c_int) -> Option<&'static AtomicBool> {
    WATCHED.get(usize::try_from(fd).ok()?)
}

impl Recorder {
    fn begin() -> Option<Self> {
        let directory = env::var_os(DIRECTORY)?.into_vec();
        let log = CString::new(env::var_os(LOG)?.into_vec()).ok()?;
        let how = libc::O_WRONLY | libc::O_CREAT | libc::O_APPEND | libc::O_CLOEXEC;
        let file = raw::openat(libc::AT_FDCWD, &log, how, 0o600);
        assert!(file >= 0, "{LOG} cannot be written");
        let mut log = Log {
            file,
            buffer: Vec::new(),
            syncs: 0,
        };
        log.put(Happened::Began);
        Some(Self {
            directory,
            except: env::var_os(EXCEPT).map(OsStringExt::into_vec),
            log: Mutex::new(log),
        })
    }

    /// The recording, alone.
    pub(crate) fn log(&self) -> MutexGuard<'_, Log> {
        self.log.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A path as the recording names it, if it lies below the directory.
    pub(crate) fn below(&self, directory: c_int, path: &CStr) -> Option<Vec<u8>> {
        let path = path.to_bytes();
        let whole = if path.starts_with(b"/") {
            path.to_vec()
        } else {
            let mut from = if directory == libc::AT_FDCWD {
                raw::working_directory()?
            } else {
                raw::path_of(directory)?
            };
            from.push(b'/');
            from.extend_from_slice(path);
            from
        };
        self.strip(&plain(&whole))
    }

    /// The same for what a descriptor stands for.
    pub(crate) fn descriptor_below(&self, fd: c_int) -> Option<Vec<u8>> {
        self.strip(&raw::path_of(fd)?)
    }

    fn strip(&self, path: &[u8]) -> Option<Vec<u8>> {
        match path.strip_prefix(self.directory.as_slice())? {
            [] => Some(Vec::new()),
            [b'/', rest @ ..] => {
                let first = rest.split(|byte| *byte == b'/').next();
                (first != self.except.as_deref()).then(|| rest.to_vec())
            }
            _ => None,
        }
    }
}

/// A path without empty parts and dots.
fn plain(path: &[u8]) -> Vec<u8> {
    let mut parts: Vec<&[u8]> = Vec::new();
    for part in path.split(|byte| *byte == b'/') {
        match part {
            b"" | b"." => {}
            b".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts
        .iter()
        .flat_map(|part| [b"/", *part])
        .flatten()
        .copied()
        .collect()
}

impl Log {
    /// Appends a record. A recording with a hole is worth nothing, so the process ends if that fails.
    pub(crate) fn put(&mut self, happened: Happened<'_>) {
        self.buffer.clear();
        happened.encode(&mut self.buffer);
        let mut rest = self.buffer.as_slice();
        while !rest.is_empty() {
            let written = raw::write(self.file, rest.as_ptr().cast(), rest.len());
            let written = usize::try_from(written).expect("the recording can be written");
            rest = &rest[written..];
        }
    }

    /// Records that a sync begins; answers with its number.
    pub(crate) fn put_sync(&mut self, fd: u32) -> u64 {
        self.syncs += 1;
        let sync = self.syncs;
        self.put(Happened::SyncBegan { fd, sync });
        sync
    }

    /// Records that something was done that a reader could not follow.
    pub(crate) fn put_lost(&mut self, what: &str) {
        self.put(Happened::Lost {
            what: what.as_bytes(),
        });
    }
}
