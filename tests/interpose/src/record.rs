//! The format of a recording: what a process did to the files of one directory, in order.
//!
//! A recording is a row of records. All numbers are big-endian; paths are relative to the directory, which itself has
//! the empty path.
//!
//! ```text
//! record  length:4 checksum:8 body                      `length` bytes of body, XXH3-64 over them
//! body    kind:1 a:8 b:8 split:4 first… second…         `first` has `split` bytes, `second` the rest
//! ```

/// In front of every body.
const FRAME_BYTES: usize = 12;
/// In front of the two strings of a body.
const FIXED_BYTES: usize = 21;

/// Something that a process did. What failed is not recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Happened<'a> {
    /// A process began; it has nothing open.
    Began,
    /// A file or directory was opened.
    Opened {
        /// Its descriptor.
        fd: u32,
        /// Which one.
        path: &'a [u8],
        /// Whether it was to be made if there was none.
        create: bool,
        /// Whether it was to be emptied.
        truncate: bool,
    },
    /// Bytes were written to a file.
    Wrote {
        /// Its descriptor.
        fd: u32,
        /// Where in the file.
        offset: u64,
        /// Which ones.
        bytes: &'a [u8],
    },
    /// A file was cut or made longer.
    Resized {
        /// Its descriptor.
        fd: u32,
        /// Its length since.
        length: u64,
    },
    /// A file or directory got another name.
    Renamed {
        /// Its name before.
        from: &'a [u8],
        /// Its name since.
        to: &'a [u8],
    },
    /// A name of a file, or an empty directory, was removed.
    Removed {
        /// Which one.
        path: &'a [u8],
    },
    /// A directory was made.
    MadeDirectory {
        /// Which one.
        path: &'a [u8],
    },
    /// A sync of a file or directory began. What was recorded before it is covered by it.
    SyncBegan {
        /// Its descriptor.
        fd: u32,
        /// Counts the syncs of the process.
        sync: u64,
    },
    /// A sync ended well.
    SyncEnded {
        /// As it began.
        sync: u64,
    },
    /// A descriptor got a second number.
    Duplicated {
        /// The first one.
        fd: u32,
        /// The second one.
        copy: u32,
    },
    /// A descriptor was closed.
    Closed {
        /// Which one.
        fd: u32,
    },
    /// The process is about to say something over a network connection.
    Said {
        /// The connection.
        fd: u32,
        /// What it says; it may be said in parts, and some of it again.
        bytes: &'a [u8],
    },
    /// Something was done that a reader of the recording could not follow.
    Lost {
        /// What it was.
        what: &'a [u8],
    },
}

/// What is wrong with a recording.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unreadable(
    /// In words.
    pub &'static str,
);

/// A record as it is laid out.
type Parts<'a> = (u8, u64, u64, &'a [u8], &'a [u8]);

const NONE: &[u8] = &[];

impl<'a> Happened<'a> {
    /// Appends the record to `out`.
    pub fn encode(&self, out: &mut Vec<u8>) {
        let (kind, a, b, first, second) = self.parts();
        let start = out.len();
        out.resize(start + FRAME_BYTES, 0);
        out.push(kind);
        out.extend_from_slice(&a.to_be_bytes());
        out.extend_from_slice(&b.to_be_bytes());
        out.extend_from_slice(&length(first.len()).to_be_bytes());
        out.extend_from_slice(first);
        out.extend_from_slice(second);
        let body = &out[start + FRAME_BYTES..];
        let (bytes, checksum) = (length(body.len()), xxhash_rust::xxh3::xxh3_64(body));
        out[start..start + 4].copy_from_slice(&bytes.to_be_bytes());
        out[start + 4..start + FRAME_BYTES].copy_from_slice(&checksum.to_be_bytes());
    }

    /// Reads the record at the front of `recording`; answers with what is behind it.
    ///
    /// # Errors
    ///
    /// If there is none that is whole.
    pub fn split(recording: &'a [u8]) -> Result<(Self, &'a [u8]), Unreadable> {
        const SHORT: Unreadable = Unreadable("a record ends early");
        let (frame, behind) = recording.split_at_checked(FRAME_BYTES).ok_or(SHORT)?;
        let bytes = u32::from_be_bytes(array(frame, 0)) as usize;
        let (body, rest) = behind.split_at_checked(bytes).ok_or(SHORT)?;
        if xxhash_rust::xxh3::xxh3_64(body) != u64::from_be_bytes(array(frame, 4)) {
            return Err(Unreadable("the checksum of a record is wrong"));
        }
        let (fixed, strings) = body.split_at_checked(FIXED_BYTES).ok_or(SHORT)?;
        let split = u32::from_be_bytes(array(fixed, 17)) as usize;
        let (first, second) = strings.split_at_checked(split).ok_or(SHORT)?;
        let (a, b) = (array(fixed, 1), array(fixed, 9));
        let parts = (
            fixed[0],
            u64::from_be_bytes(a),
            u64::from_be_bytes(b),
            first,
            second,
        );
        let happened = Self::from_parts(parts).ok_or(Unreadable("a record of an unknown kind"))?;
        Ok((happened, rest))
    }

    fn parts(&self) -> Parts<'a> {
        match *self {
            Self::Began => (0, 0, 0, NONE, NONE),
            Self::Opened {
                fd,
                path,
                create,
                truncate,
            } => {
                let how = u64::from(create) | u64::from(truncate) << 1;
                (1, fd.into(), how, path, NONE)
            }
            Self::Wrote { fd, offset, bytes } => (2, fd.into(), offset, bytes, NONE),
            Self::Resized { fd, length } => (3, fd.into(), length, NONE, NONE),
            Self::Renamed { from, to } => (4, 0, 0, from, to),
            Self::Removed { path } => (5, 0, 0, path, NONE),
            Self::MadeDirectory { path } => (6, 0, 0, path, NONE),
            Self::SyncBegan { fd, sync } => (7, fd.into(), sync, NONE, NONE),
            Self::SyncEnded { sync } => (8, sync, 0, NONE, NONE),
            Self::Duplicated { fd, copy } => (9, fd.into(), copy.into(), NONE, NONE),
            Self::Closed { fd } => (10, fd.into(), 0, NONE, NONE),
            Self::Said { fd, bytes } => (11, fd.into(), 0, bytes, NONE),
            Self::Lost { what } => (12, 0, 0, what, NONE),
        }
    }

    fn from_parts((kind, a, b, first, second): Parts<'a>) -> Option<Self> {
        let fd = u32::try_from(a);
        Some(match kind {
            0 => Self::Began,
            1 => Self::Opened {
                fd: fd.ok()?,
                path: first,
                create: b & 1 != 0,
                truncate: b & 2 != 0,
            },
            2 => Self::Wrote {
                fd: fd.ok()?,
                offset: b,
                bytes: first,
            },
            3 => Self::Resized {
                fd: fd.ok()?,
                length: b,
            },
            4 => Self::Renamed {
                from: first,
                to: second,
            },
            5 => Self::Removed { path: first },
            6 => Self::MadeDirectory { path: first },
            7 => Self::SyncBegan {
                fd: fd.ok()?,
                sync: b,
            },
            8 => Self::SyncEnded { sync: a },
            9 => Self::Duplicated {
                fd: fd.ok()?,
                copy: u32::try_from(b).ok()?,
            },
            10 => Self::Closed { fd: fd.ok()? },
            11 => Self::Said {
                fd: fd.ok()?,
                bytes: first,
            },
            12 => Self::Lost { what: first },
            _ => return None,
        })
    }
}

/// A single write never has 4 GiB: the system cuts it short.
fn length(bytes: usize) -> u32 {
    u32::try_from(bytes).expect("a record is small")
}

/// `N` bytes from `at`, which are there.
fn array<const N: usize>(bytes: &[u8], at: usize) -> [u8; N] {
    let mut array = [0; N];
    array.copy_from_slice(&bytes[at..at + N]);
    array
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_is_read_back_as_written_and_every_cut_and_flipped_bit_shows() {
        let row = [
            Happened::Began,
            Happened::Opened {
                fd: 7,
                path: b"journal/db",
                create: true,
                truncate: false,
            },
            Happened::Wrote {
                fd: 7,
                offset: 1 << 40,
                bytes: b"bytes",
            },
            Happened::Resized { fd: 7, length: 9 },
            Happened::Renamed {
                from: b"a",
                to: b"to b",
            },
            Happened::Removed { path: b"a" },
            Happened::MadeDirectory { path: b"" },
            Happened::SyncBegan { fd: 7, sync: 1 },
            Happened::SyncEnded { sync: 1 },
            Happened::Duplicated { fd: 7, copy: 8 },
            Happened::Closed { fd: 7 },
            Happened::Said {
                fd: 9,
                bytes: b"yes",
            },
            Happened::Lost { what: b"a hole" },
        ];
        for happened in row {
            let mut bytes = Vec::new();
            happened.encode(&mut bytes);
            assert_eq!(Happened::split(&bytes), Ok((happened, NONE)));
            for cut in 0..bytes.len() {
                assert!(Happened::split(&bytes[..cut]).is_err(), "{happened:?}");
            }
            for bit in 0..bytes.len() * 8 {
                let mut damaged = bytes.clone();
                damaged[bit / 8] ^= 1 << (bit % 8);
                assert!(Happened::split(&damaged).is_err(), "{happened:?}");
            }
        }
    }
}
