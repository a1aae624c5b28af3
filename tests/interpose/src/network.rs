//! The functions that say something over a network connection. What is said is recorded in front of saying it: whoever
//! hears it hears it later.

use std::{ffi::c_void, slice};

use libc::{c_int, iovec, msghdr};

use crate::{raw, record::Happened, recorder::recorder};

/// Records what is about to be said over `fd`, if it is a network connection.
///
/// # Safety
///
/// Every piece must be readable.
pub(crate) unsafe fn about_to_say(fd: c_int, pieces: &[iovec]) {
    // Only a network connection takes the lock: handlers of signals write to other sockets, whoever holds it.
    let (Some(recorder), Ok(number), true) = (recorder(), u32::try_from(fd), raw::is_network(fd))
    else {
        return;
    };
    let mut log = recorder.log();
    for piece in pieces.iter().filter(|piece| piece.iov_len > 0) {
        // SAFETY: the caller vouches for it.
        let bytes = unsafe { slice::from_raw_parts(piece.iov_base.cast::<u8>(), piece.iov_len) };
        log.put(Happened::Said { fd: number, bytes });
    }
}

#[unsafe(no_mangle)]
extern "C" fn send(fd: c_int, bytes: *const c_void, count: usize, flags: c_int) -> isize {
    let piece = iovec {
        iov_base: bytes.cast_mut(),
        iov_len: count,
    };
    // SAFETY: the caller gave `count` readable bytes.
    unsafe { about_to_say(fd, &[piece]) };
    raw::sendto(fd, bytes, count, flags)
}

#[unsafe(no_mangle)]
extern "C" fn sendmsg(fd: c_int, message: *const msghdr, flags: c_int) -> isize {
    // SAFETY: the caller gave a message, of which the pieces are readable.
    unsafe {
        let pieces = (*message).msg_iov;
        if !pieces.is_null() {
            about_to_say(fd, slice::from_raw_parts(pieces, (*message).msg_iovlen));
        }
    }
    raw::sendmsg(fd, message, flags)
}
