//! The functions that write, cut, map and sync files.

use std::{ffi::c_void, slice};

use libc::{c_int, iovec, off_t};

use crate::{
    network, raw,
    record::Happened,
    recorder::{is_watched, recorder},
    slow,
};

/// Where a write goes.
enum Place {
    /// Where the descriptor stands.
    Next,
    At(off_t),
}

/// Calls `write`, and records what of `pieces` it wrote.
///
/// # Safety
///
/// Every piece must be readable, as `write` wants it.
unsafe fn written(
    fd: c_int,
    pieces: &[iovec],
    place: Place,
    write: impl FnOnce() -> isize,
) -> isize {
    let (true, Some(recorder), Ok(number)) = (is_watched(fd), recorder(), u32::try_from(fd)) else {
        return write();
    };
    let mut log = recorder.log();
    let count = write();
    let Ok(mut left) = usize::try_from(count) else {
        return count;
    };
    let begin = match place {
        Place::Next => raw::position(fd) - count as off_t,
        Place::At(offset) => offset,
    };
    let mut offset = begin.unsigned_abs();
    for piece in pieces {
        let length = piece.iov_len.min(left);
        if length > 0 {
            // SAFETY: the caller vouches for the piece, and the system has just read these bytes of it.
            let bytes = unsafe { slice::from_raw_parts(piece.iov_base.cast::<u8>(), length) };
            log.put(Happened::Wrote {
                fd: number,
                offset,
                bytes,
            });
        }
        offset += length as u64;
        left -= length;
    }
    count
}

fn piece(bytes: *const c_void, count: usize) -> [iovec; 1] {
    [iovec {
        iov_base: bytes.cast_mut(),
        iov_len: count,
    }]
}

/// The pieces that a caller of the C library gave.
///
/// # Safety
///
/// `pieces` must point to `count` pieces, as the C library wants it.
unsafe fn all<'a>(pieces: *const iovec, count: c_int) -> &'a [iovec] {
    match usize::try_from(count) {
        // SAFETY: the caller vouches for it.
        Ok(count) if count > 0 => unsafe { slice::from_raw_parts(pieces, count) },
        _ => &[],
    }
}

#[unsafe(no_mangle)]
extern "C" fn write(fd: c_int, bytes: *const c_void, count: usize) -> isize {
    // SAFETY: the caller gave `count` readable bytes.
    unsafe {
        written(fd, &piece(bytes, count), Place::Next, || {
            raw::write(fd, bytes, count)
        })
    }
}

#[unsafe(no_mangle)]
extern "C" fn writev(fd: c_int, pieces: *const iovec, count: c_int) -> isize {
    // SAFETY: the caller gave `count` pieces.
    let all = unsafe { all(pieces, count) };
    if !is_watched(fd) {
        // SAFETY: the caller gave readable pieces.
        unsafe { network::about_to_say(fd, all) };
    }
    // SAFETY: the caller gave readable pieces.
    unsafe { written(fd, all, Place::Next, || raw::writev(fd, pieces, count)) }
}

fn write_at(fd: c_int, bytes: *const c_void, count: usize, offset: off_t) -> isize {
    let write = || raw::pwrite(fd, bytes, count, offset);
    // SAFETY: the caller gave `count` readable bytes.
    unsafe { written(fd, &piece(bytes, count), Place::At(offset), write) }
}

#[unsafe(no_mangle)]
extern "C" fn pwrite(fd: c_int, bytes: *const c_void, count: usize, offset: off_t) -> isize {
    write_at(fd, bytes, count, offset)
}

#[unsafe(no_mangle)]
extern "C" fn pwrite64(fd: c_int, bytes: *const c_void, count: usize, offset: off_t) -> isize {
    write_at(fd, bytes, count, offset)
}

fn write_all_at(fd: c_int, pieces: *const iovec, count: c_int, offset: off_t) -> isize {
    let write = || raw::pwritev(fd, pieces, count, offset);
    // SAFETY: the caller gave `count` readable pieces.
    unsafe { written(fd, all(pieces, count), Place::At(offset), write) }
}

#[unsafe(no_mangle)]
extern "C" fn pwritev(fd: c_int, pieces: *const iovec, count: c_int, offset: off_t) -> isize {
    write_all_at(fd, pieces, count, offset)
}

#[unsafe(no_mangle)]
extern "C" fn pwritev64(fd: c_int, pieces: *const iovec, count: c_int, offset: off_t) -> isize {
    write_all_at(fd, pieces, count, offset)
}

/// Calls `resize`, and records how long the file is then.
fn resized(fd: c_int, resize: impl FnOnce() -> c_int) -> c_int {
    let (true, Some(recorder), Ok(number)) = (is_watched(fd), recorder(), u32::try_from(fd)) else {
        return resize();
    };
    let mut log = recorder.log();
    let done = resize();
    if done == 0 {
        match raw::length(fd) {
            Some(length) => log.put(Happened::Resized { fd: number, length }),
            None => log.put_lost("the length of a file"),
        }
    }
    done
}

#[unsafe(no_mangle)]
extern "C" fn ftruncate(fd: c_int, length: off_t) -> c_int {
    resized(fd, || raw::ftruncate(fd, length))
}

#[unsafe(no_mangle)]
extern "C" fn ftruncate64(fd: c_int, length: off_t) -> c_int {
    resized(fd, || raw::ftruncate(fd, length))
}

fn allocate(fd: c_int, mode: c_int, offset: off_t, length: off_t) -> c_int {
    // Holes and zeros change bytes in other ways than a write does.
    if mode & !libc::FALLOC_FL_KEEP_SIZE != 0
        && is_watched(fd)
        && let Some(recorder) = recorder()
    {
        recorder.log().put_lost("a hole in a file");
    }
    resized(fd, || raw::fallocate(fd, mode, offset, length))
}

#[unsafe(no_mangle)]
extern "C" fn fallocate(fd: c_int, mode: c_int, offset: off_t, length: off_t) -> c_int {
    allocate(fd, mode, offset, length)
}

#[unsafe(no_mangle)]
extern "C" fn fallocate64(fd: c_int, mode: c_int, offset: off_t, length: off_t) -> c_int {
    allocate(fd, mode, offset, length)
}

/// Calls `sync`, and records when it begins and that it ended well.
fn synced(fd: c_int, sync: impl FnOnce() -> c_int) -> c_int {
    let (Some(recorder), Ok(number)) = (recorder(), u32::try_from(fd)) else {
        return sync();
    };
    let mut log = recorder.log();
    if !is_watched(fd) {
        // A directory may have been opened in ways that we do not hear of.
        let Some(path) = recorder.descriptor_below(fd) else {
            drop(log);
            return sync();
        };
        log.put(Happened::Opened {
            fd: number,
            path: &path,
            create: false,
            truncate: false,
        });
    }
    let begun = log.put_sync(number);
    // Others go on meanwhile, as they do without us.
    drop(log);
    let done = sync();
    if done == 0 {
        recorder.log().put(Happened::SyncEnded { sync: begun });
    }
    done
}

#[unsafe(no_mangle)]
extern "C" fn fsync(fd: c_int) -> c_int {
    synced(fd, || {
        slow::wait();
        raw::fsync(fd)
    })
}

#[unsafe(no_mangle)]
extern "C" fn fdatasync(fd: c_int) -> c_int {
    synced(fd, || {
        slow::wait();
        raw::fdatasync(fd)
    })
}

/// Copies inside the system would change a file past us. Whoever is told that there are none writes instead.
fn no_copy() -> isize {
    // SAFETY: the C library keeps it for this thread.
    unsafe { *libc::__errno_location() = libc::ENOSYS };
    -1
}

#[unsafe(no_mangle)]
extern "C" fn copy_file_range(
    from: c_int,
    from_offset: *mut i64,
    to: c_int,
    to_offset: *mut i64,
    count: usize,
    flags: u32,
) -> isize {
    if is_watched(to) {
        return no_copy();
    }
    raw::copy_file_range(from, from_offset, to, to_offset, count, flags)
}

#[unsafe(no_mangle)]
extern "C" fn splice(
    from: c_int,
    from_offset: *mut i64,
    to: c_int,
    to_offset: *mut i64,
    count: usize,
    flags: u32,
) -> isize {
    if is_watched(to) {
        return no_copy();
    }
    raw::splice(from, from_offset, to, to_offset, count, flags)
}

#[unsafe(no_mangle)]
extern "C" fn sendfile(to: c_int, from: c_int, offset: *mut off_t, count: usize) -> isize {
    if is_watched(to) {
        return no_copy();
    }
    raw::sendfile(to, from, offset, count)
}

#[unsafe(no_mangle)]
extern "C" fn sendfile64(to: c_int, from: c_int, offset: *mut off_t, count: usize) -> isize {
    sendfile(to, from, offset, count)
}

fn map(
    at: *mut c_void,
    bytes: usize,
    access: c_int,
    flags: c_int,
    fd: c_int,
    offset: off_t,
) -> *mut c_void {
    let writes = flags & libc::MAP_SHARED != 0 && access & libc::PROT_WRITE != 0;
    if writes
        && is_watched(fd)
        && let Some(recorder) = recorder()
    {
        recorder.log().put_lost("a file that is written as memory");
    }
    raw::mmap(at, bytes, access, flags, fd, offset)
}

#[unsafe(no_mangle)]
extern "C" fn mmap(
    at: *mut c_void,
    bytes: usize,
    access: c_int,
    flags: c_int,
    fd: c_int,
    offset: off_t,
) -> *mut c_void {
    map(at, bytes, access, flags, fd, offset)
}

#[unsafe(no_mangle)]
extern "C" fn mmap64(
    at: *mut c_void,
    bytes: usize,
    access: c_int,
    flags: c_int,
    fd: c_int,
    offset: off_t,
) -> *mut c_void {
    map(at, bytes, access, flags, fd, offset)
}
