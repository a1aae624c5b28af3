//! The system calls themselves, past the C library: its functions are the ones that are replaced.
//!
//! Each takes and answers what the system call of its name does; a failure is -1 with `errno` set.

use std::ffi::{CStr, CString};

use libc::{c_int, c_long, c_void, iovec, mode_t, off_t};

/// A system call with up to six arguments, each as wide as a register.
macro_rules! call {
    ($number:ident $(, $argument:expr)*) => {
        // SAFETY: the arguments are those of a function that the process called, in the order of this call, so that
        // whatever they point to is as valid as it had to be for the C library; or they are our own, and borrowed.
        unsafe { libc::syscall(libc::$number $(, $argument as c_long)*) }
    };
}

pub(crate) fn openat(directory: c_int, path: &CStr, flags: c_int, mode: mode_t) -> c_int {
    call!(SYS_openat, directory, path.as_ptr(), flags, mode) as c_int
}

pub(crate) fn close(fd: c_int) -> c_int {
    call!(SYS_close, fd) as c_int
}

pub(crate) fn write(fd: c_int, bytes: *const c_void, count: usize) -> isize {
    call!(SYS_write, fd, bytes, count) as isize
}

pub(crate) fn writev(fd: c_int, pieces: *const iovec, count: c_int) -> isize {
    call!(SYS_writev, fd, pieces, count) as isize
}

pub(crate) fn pwrite(fd: c_int, bytes: *const c_void, count: usize, offset: off_t) -> isize {
    call!(SYS_pwrite64, fd, bytes, count, offset) as isize
}

pub(crate) fn pwritev(fd: c_int, pieces: *const iovec, count: c_int, offset: off_t) -> isize {
    call!(SYS_pwritev, fd, pieces, count, offset, 0) as isize
}

/// Where the next plain write of this descriptor goes.
pub(crate) fn position(fd: c_int) -> off_t {
    call!(SYS_lseek, fd, 0, libc::SEEK_CUR)
}

pub(crate) fn ftruncate(fd: c_int, length: off_t) -> c_int {
    call!(SYS_ftruncate, fd, length) as c_int
}

pub(crate) fn fallocate(fd: c_int, mode: c_int, offset: off_t, length: off_t) -> c_int {
    call!(SYS_fallocate, fd, mode, offset, length) as c_int
}

/// How long a file is.
pub(crate) fn length(fd: c_int) -> Option<u64> {
    // SAFETY: all zeros are a valid `stat`, which is plain data.
    let mut facts: libc::stat = unsafe { std::mem::zeroed() };
    // SAFETY: `facts` is ours and as large as the call needs it.
    let done = unsafe { libc::fstat(fd, &raw mut facts) };
    (done == 0).then_some(facts.st_size.unsigned_abs())
}

pub(crate) fn renameat2(
    old_directory: c_int,
    old: &CStr,
    new_directory: c_int,
    new: &CStr,
    flags: u32,
) -> c_int {
    call!(
        SYS_renameat2,
        old_directory,
        old.as_ptr(),
        new_directory,
        new.as_ptr(),
        flags
    ) as c_int
}

pub(crate) fn unlinkat(directory: c_int, path: &CStr, flags: c_int) -> c_int {
    call!(SYS_unlinkat, directory, path.as_ptr(), flags) as c_int
}

pub(crate) fn mkdirat(directory: c_int, path: &CStr, mode: mode_t) -> c_int {
    call!(SYS_mkdirat, directory, path.as_ptr(), mode) as c_int
}

pub(crate) fn linkat(
    old_directory: c_int,
    old: &CStr,
    new_directory: c_int,
    new: &CStr,
    flags: c_int,
) -> c_int {
    call!(
        SYS_linkat,
        old_directory,
        old.as_ptr(),
        new_directory,
        new.as_ptr(),
        flags
    ) as c_int
}

pub(crate) fn fsync(fd: c_int) -> c_int {
    call!(SYS_fsync, fd) as c_int
}

pub(crate) fn fdatasync(fd: c_int) -> c_int {
    call!(SYS_fdatasync, fd) as c_int
}

pub(crate) fn dup(fd: c_int) -> c_int {
    call!(SYS_dup, fd) as c_int
}

pub(crate) fn dup3(fd: c_int, copy: c_int, flags: c_int) -> c_int {
    call!(SYS_dup3, fd, copy, flags) as c_int
}

pub(crate) fn fcntl(fd: c_int, command: c_int, argument: usize) -> c_int {
    call!(SYS_fcntl, fd, command, argument) as c_int
}

pub(crate) fn sendto(fd: c_int, bytes: *const c_void, count: usize, flags: c_int) -> isize {
    call!(SYS_sendto, fd, bytes, count, flags, 0, 0) as isize
}

pub(crate) fn sendmsg(fd: c_int, message: *const libc::msghdr, flags: c_int) -> isize {
    call!(SYS_sendmsg, fd, message, flags) as isize
}

pub(crate) fn sendfile(to: c_int, from: c_int, offset: *mut off_t, count: usize) -> isize {
    call!(SYS_sendfile, to, from, offset, count) as isize
}

pub(crate) fn splice(
    from: c_int,
    from_offset: *mut i64,
    to: c_int,
    to_offset: *mut i64,
    count: usize,
    flags: u32,
) -> isize {
    call!(SYS_splice, from, from_offset, to, to_offset, count, flags) as isize
}

pub(crate) fn copy_file_range(
    from: c_int,
    from_offset: *mut i64,
    to: c_int,
    to_offset: *mut i64,
    count: usize,
    flags: u32,
) -> isize {
    call!(
        SYS_copy_file_range,
        from,
        from_offset,
        to,
        to_offset,
        count,
        flags
    ) as isize
}

pub(crate) fn mmap(
    at: *mut c_void,
    bytes: usize,
    access: c_int,
    flags: c_int,
    fd: c_int,
    offset: off_t,
) -> *mut c_void {
    let mapped = call!(SYS_mmap, at, bytes, access, flags, fd, offset);
    // An address, or MAP_FAILED, which is -1 here as there.
    std::ptr::with_exposed_provenance_mut(mapped.cast_unsigned() as usize)
}

/// Whether a descriptor is a connection over a network.
pub(crate) fn is_network(fd: c_int) -> bool {
    let mut domain: c_int = 0;
    let mut bytes: libc::socklen_t = 4;
    let done = call!(
        SYS_getsockopt,
        fd,
        libc::SOL_SOCKET,
        libc::SO_DOMAIN,
        &raw mut domain,
        &raw mut bytes
    );
    done == 0 && (domain == libc::AF_INET || domain == libc::AF_INET6)
}

/// What a descriptor stands for, as a path.
pub(crate) fn path_of(fd: c_int) -> Option<Vec<u8>> {
    let link = CString::new(format!("/proc/self/fd/{fd}")).ok()?;
    let mut path = vec![0_u8; 4_096];
    let bytes = call!(
        SYS_readlinkat,
        libc::AT_FDCWD,
        link.as_ptr(),
        path.as_mut_ptr(),
        path.len()
    );
    path.truncate(usize::try_from(bytes).ok()?);
    Some(path)
}

/// The directory that relative paths start from.
pub(crate) fn working_directory() -> Option<Vec<u8>> {
    let mut path = vec![0_u8; 4_096];
    let bytes = call!(SYS_getcwd, path.as_mut_ptr(), path.len());
    // With the zero at its end.
    path.truncate(usize::try_from(bytes).ok()?.checked_sub(1)?);
    Some(path)
}
