//! The functions that open files, and that give and take names.

use std::ffi::{CStr, c_char};

use libc::{AT_FDCWD, AT_REMOVEDIR, c_int, mode_t};

use crate::{
    raw,
    record::Happened,
    recorder::{Log, is_watched, recorder, watch},
};

/// A path that a caller of the C library gave.
macro_rules! path {
    ($pointer:expr) => {
        // SAFETY: the caller gave it where the C library wants a string that ends with a zero.
        unsafe { CStr::from_ptr($pointer) }
    };
}

// In C the mode is a variable argument. On the machines that this builds for it is passed like any other, and whatever
// is there if it was not given is ignored by the system.
fn open_at(directory: c_int, path: &CStr, flags: c_int, mode: mode_t) -> c_int {
    let found = recorder().and_then(|recorder| Some((recorder, recorder.below(directory, path)?)));
    let Some((recorder, below)) = found else {
        return raw::openat(directory, path, flags, mode);
    };
    let mut log = recorder.log();
    let fd = raw::openat(directory, path, flags, mode);
    if flags & libc::O_TMPFILE == libc::O_TMPFILE {
        log.put_lost("a file without a name");
    } else if flags & libc::O_DIRECTORY != 0 {
        // Its reader may close it without our hearing of it. If it is synced, `sync` finds out what it is.
        return fd;
    }
    if let Ok(number) = u32::try_from(fd) {
        watch(fd, true);
        log.put(Happened::Opened {
            fd: number,
            path: &below,
            create: flags & libc::O_CREAT != 0,
            truncate: flags & libc::O_TRUNC != 0,
        });
    }
    fd
}

#[unsafe(no_mangle)]
extern "C" fn open(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    open_at(AT_FDCWD, path!(path), flags, mode)
}

#[unsafe(no_mangle)]
extern "C" fn open64(path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    open_at(AT_FDCWD, path!(path), flags, mode)
}

#[unsafe(no_mangle)]
extern "C" fn openat(directory: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    open_at(directory, path!(path), flags, mode)
}

#[unsafe(no_mangle)]
extern "C" fn openat64(directory: c_int, path: *const c_char, flags: c_int, mode: mode_t) -> c_int {
    open_at(directory, path!(path), flags, mode)
}

#[unsafe(no_mangle)]
extern "C" fn creat(path: *const c_char, mode: mode_t) -> c_int {
    let flags = libc::O_CREAT | libc::O_WRONLY | libc::O_TRUNC;
    open_at(AT_FDCWD, path!(path), flags, mode)
}

#[unsafe(no_mangle)]
extern "C" fn close(fd: c_int) -> c_int {
    let (true, Some(recorder), Ok(number)) = (is_watched(fd), recorder(), u32::try_from(fd)) else {
        return raw::close(fd);
    };
    // Recorded first: as soon as it is closed, its number is another's.
    let mut log = recorder.log();
    watch(fd, false);
    log.put(Happened::Closed { fd: number });
    raw::close(fd)
}

/// Calls `duplicate`, and records that the answer stands for the same as `fd`.
fn duplicated(fd: c_int, duplicate: impl FnOnce() -> c_int) -> c_int {
    let (true, Some(recorder)) = (is_watched(fd), recorder()) else {
        let copy = duplicate();
        // It may have stood for something else before.
        if copy >= 0 {
            watch(copy, false);
        }
        return copy;
    };
    let mut log = recorder.log();
    let copy = duplicate();
    if let (Ok(fd), Ok(number)) = (u32::try_from(fd), u32::try_from(copy)) {
        watch(copy, true);
        log.put(Happened::Duplicated { fd, copy: number });
    }
    copy
}

#[unsafe(no_mangle)]
extern "C" fn dup(fd: c_int) -> c_int {
    duplicated(fd, || raw::dup(fd))
}

#[unsafe(no_mangle)]
extern "C" fn dup2(fd: c_int, copy: c_int) -> c_int {
    if fd == copy {
        return if raw::fcntl(fd, libc::F_GETFD, 0) < 0 {
            -1
        } else {
            fd
        };
    }
    duplicated(fd, || raw::dup3(fd, copy, 0))
}

#[unsafe(no_mangle)]
extern "C" fn dup3(fd: c_int, copy: c_int, flags: c_int) -> c_int {
    duplicated(fd, || raw::dup3(fd, copy, flags))
}

// The argument is a variable one too, and a number or a pointer: both are as wide as a register.
fn control(fd: c_int, command: c_int, argument: usize) -> c_int {
    match command {
        libc::F_DUPFD | libc::F_DUPFD_CLOEXEC => {
            duplicated(fd, || raw::fcntl(fd, command, argument))
        }
        _ => raw::fcntl(fd, command, argument),
    }
}

#[unsafe(no_mangle)]
extern "C" fn fcntl(fd: c_int, command: c_int, argument: usize) -> c_int {
    control(fd, command, argument)
}

#[unsafe(no_mangle)]
extern "C" fn fcntl64(fd: c_int, command: c_int, argument: usize) -> c_int {
    control(fd, command, argument)
}

fn rename_at(
    old_directory: c_int,
    old: &CStr,
    new_directory: c_int,
    new: &CStr,
    flags: u32,
) -> c_int {
    let rename = || raw::renameat2(old_directory, old, new_directory, new, flags);
    let Some(recorder) = recorder() else {
        return rename();
    };
    let (from, to) = (
        recorder.below(old_directory, old),
        recorder.below(new_directory, new),
    );
    if from.is_none() && to.is_none() {
        return rename();
    }
    let mut log = recorder.log();
    let done = rename();
    match (done, from, to) {
        (0, Some(from), Some(to)) if flags & !libc::RENAME_NOREPLACE == 0 => {
            log.put(Happened::Renamed {
                from: &from,
                to: &to,
            });
        }
        (0, ..) => log.put_lost("a file that came in, went out, or changed places"),
        _ => {}
    }
    done
}

#[unsafe(no_mangle)]
extern "C" fn rename(old: *const c_char, new: *const c_char) -> c_int {
    rename_at(AT_FDCWD, path!(old), AT_FDCWD, path!(new), 0)
}

#[unsafe(no_mangle)]
extern "C" fn renameat(
    old_directory: c_int,
    old: *const c_char,
    new_directory: c_int,
    new: *const c_char,
) -> c_int {
    rename_at(old_directory, path!(old), new_directory, path!(new), 0)
}

#[unsafe(no_mangle)]
extern "C" fn renameat2(
    old_directory: c_int,
    old: *const c_char,
    new_directory: c_int,
    new: *const c_char,
    flags: u32,
) -> c_int {
    rename_at(old_directory, path!(old), new_directory, path!(new), flags)
}

/// Calls `change`, and lets `record` record it if it went well and is about something below the directory.
fn changed(
    directory: c_int,
    path: &CStr,
    change: impl FnOnce() -> c_int,
    record: impl FnOnce(&mut Log, &[u8]),
) -> c_int {
    let found = recorder().and_then(|recorder| Some((recorder, recorder.below(directory, path)?)));
    let Some((recorder, below)) = found else {
        return change();
    };
    let mut log = recorder.log();
    let done = change();
    if done == 0 {
        record(&mut log, &below);
    }
    done
}

fn remove_at(directory: c_int, path: &CStr, flags: c_int) -> c_int {
    let remove = || raw::unlinkat(directory, path, flags);
    changed(directory, path, remove, |log, path| {
        log.put(Happened::Removed { path });
    })
}

#[unsafe(no_mangle)]
extern "C" fn unlink(path: *const c_char) -> c_int {
    remove_at(AT_FDCWD, path!(path), 0)
}

#[unsafe(no_mangle)]
extern "C" fn unlinkat(directory: c_int, path: *const c_char, flags: c_int) -> c_int {
    remove_at(directory, path!(path), flags)
}

#[unsafe(no_mangle)]
extern "C" fn rmdir(path: *const c_char) -> c_int {
    remove_at(AT_FDCWD, path!(path), AT_REMOVEDIR)
}

fn make_directory_at(directory: c_int, path: &CStr, mode: mode_t) -> c_int {
    let make = || raw::mkdirat(directory, path, mode);
    changed(directory, path, make, |log, path| {
        log.put(Happened::MadeDirectory { path });
    })
}

#[unsafe(no_mangle)]
extern "C" fn mkdir(path: *const c_char, mode: mode_t) -> c_int {
    make_directory_at(AT_FDCWD, path!(path), mode)
}

#[unsafe(no_mangle)]
extern "C" fn mkdirat(directory: c_int, path: *const c_char, mode: mode_t) -> c_int {
    make_directory_at(directory, path!(path), mode)
}

fn link_at(
    old_directory: c_int,
    old: &CStr,
    new_directory: c_int,
    new: &CStr,
    flags: c_int,
) -> c_int {
    let link = || raw::linkat(old_directory, old, new_directory, new, flags);
    changed(new_directory, new, link, |log, _| {
        log.put_lost("a second name of a file");
    })
}

#[unsafe(no_mangle)]
extern "C" fn link(old: *const c_char, new: *const c_char) -> c_int {
    link_at(AT_FDCWD, path!(old), AT_FDCWD, path!(new), 0)
}

#[unsafe(no_mangle)]
extern "C" fn linkat(
    old_directory: c_int,
    old: *const c_char,
    new_directory: c_int,
    new: *const c_char,
    flags: c_int,
) -> c_int {
    link_at(old_directory, path!(old), new_directory, path!(new), flags)
}
