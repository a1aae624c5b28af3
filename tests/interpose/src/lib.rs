//! A layer between a process and its files, for tests of power loss.
//!
//! Loaded in front of the C library (`LD_PRELOAD`), it takes the place of the functions with which a process changes
//! files, does what they do, and records it: every write with its bytes, every name that comes and goes, and every sync
//! from its beginning to its end. It also records what the process says over the network, in front of saying it. So the
//! recording tells, for every moment, what the device was bound to hold and what had been promised by then.
//!
//! | variable | what |
//! |---|---|
//! | `JIFEN_RECORD_DIR` | the directory to watch: an absolute path without links in it |
//! | `JIFEN_RECORD_LOG` | the file to write the recording to, outside that directory |
//! | `JIFEN_RECORD_EXCEPT` | a name in the directory that is passed over, if any |
//! | `JIFEN_SLOW_SYNC_MICROS` | how much longer every sync takes, for tests of overload; recorded or not |
//!
//! Without the first two nothing is recorded. The format is in `record`. `sync_file_range` is not replaced: it is no sync. Only
//! what Rust's library and sled call is replaced; what else could change a file (a shared mapping, a link) is recorded
//! as lost, and whoever reads the recording compares its end with the files.

#![cfg(all(target_os = "linux", target_pointer_width = "64"))]
#![allow(
    unsafe_code,
    reason = "to take the place of functions of the C library is to speak its language: symbols and raw pointers"
)]

pub mod record;

mod files;
mod names;
mod network;
mod raw;
mod recorder;
mod slow;
