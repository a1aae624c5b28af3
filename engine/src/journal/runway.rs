//! Zeros ahead of what sled writes.
//!
//! A sync of a file that has become longer has the file system write its own journal too: several more requests to the
//! device, one behind the other, for every turn. So its file is made longer some turns ahead, by zeros. To sled a zero is
//! the end of what was written: it fills the rest of a segment with them itself, whenever it opens one that had begun. Beyond a
//! segment's end nothing is added, because a segment without a head is not a state that sled leaves behind.

use std::{
    fs::File,
    io::{self, Write},
    os::unix::fs::FileExt,
};

/// How much is added at once. The next sync has to write it.
const LENGTH: u64 = 512 << 10;
/// There is to be at least so much of it. A value of so many bytes makes sled write three times as many at most.
const LEFT: u64 = 128 << 10;
/// How many bytes of values are written between two looks at it.
const LOOK_EVERY: usize = 32 << 10;
/// A turn of more bytes than that is worth a new length by itself.
const TURN_MAX: usize = 32 << 10;
/// A piece of what sled writes is never all zeros if it is so long: every value has hashes in it.
const PROBE: usize = 512;

/// Watches how far sled's file has zeros at its end.
pub(super) struct Runway {
    segment: u64,
    /// Bytes of values since the last look.
    since: usize,
}

impl Runway {
    /// Ahead of a file whose segments have so many bytes.
    pub(super) const fn new(segment: u64) -> Self {
        let since = LOOK_EVERY;
        Self { segment, since }
    }

    /// To be called ahead of a turn of so many bytes. `data` is sled's file, opened to append: so it is the system that
    /// finds its end, and what sled writes at the same time is not overwritten.
    pub(super) fn lengthen(&mut self, mut data: &File, bytes: usize) -> io::Result<()> {
        self.since += bytes;
        if self.since < LOOK_EVERY || bytes > TURN_MAX {
            return Ok(());
        }
        self.since = 0;
        let end = data.metadata()?.len();
        let room = (self.segment - end % self.segment) % self.segment;
        if room == 0 || is_zero(data, end.saturating_sub(LEFT))? {
            return Ok(());
        }
        // Not on the stack: the room would be walked through at every call, and few get here.
        let length = usize::try_from(LENGTH.min(room)).expect("half a megabyte at most");
        data.write_all(&vec![0; length])
    }
}

/// Whether there are zeros from `at` on.
fn is_zero(data: &File, at: u64) -> io::Result<bool> {
    let mut found = [0; PROBE];
    let read = data.read_at(&mut found, at)?;
    Ok(found[..read].iter().all(|&byte| byte == 0))
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::{
        super::{Journal, sled_journal::SledJournal},
        *,
    };

    const SEGMENT: u64 = 1 << 20;

    fn opened(path: &Path) -> File {
        let mut how = File::options();
        how.create(true).read(true).append(true).open(path).unwrap()
    }

    /// Goal: zeros come behind what is there, only when few are left, and never beyond a segment. Method: a file by
    /// hand; what is in front, how long the turn is, and how long the file is to be.
    #[test]
    fn the_file_grows_by_zeros_up_to_the_end_of_a_segment() {
        let place = tempfile::tempdir().unwrap();
        let cases: [(&str, u64, u64, usize, u64); 8] = [
            ("nothing there", 0, 0, 100, 0),
            ("a head", 20, 0, 100, 20 + LENGTH),
            ("much left", 1_000, LEFT + 600, 100, 1_600 + LEFT),
            ("little left", 1_000, LEFT - 1, 100, 999 + LEFT + LENGTH),
            ("a long turn", 1_000, 0, TURN_MAX + 1, 1_000),
            ("the end of a segment is near", SEGMENT - 9, 0, 100, SEGMENT),
            ("a segment is full", SEGMENT, 0, 100, SEGMENT),
            ("in the next", SEGMENT + 20, 0, 100, SEGMENT + 20 + LENGTH),
        ];
        for (name, written, zeros, turn, expected) in cases {
            let path = place.path().join(name);
            let mut data = opened(&path);
            let filled = |count: u64, byte| vec![byte; usize::try_from(count).unwrap()];
            data.write_all(&filled(written, 7)).unwrap();
            data.write_all(&filled(zeros, 0)).unwrap();
            Runway::new(SEGMENT).lengthen(&data, turn).unwrap();
            let mut content = fs::read(&path).unwrap();
            assert_eq!(content.len() as u64, expected, "{name}");
            let rest = content.split_off(usize::try_from(written).unwrap());
            assert!(content.iter().all(|&byte| byte == 7), "{name}");
            assert!(rest.iter().all(|&byte| byte == 0), "{name}");
        }
    }

    /// Goal: a journal that ends in zeros opens with every turn. Method: small turns over three segments; now and then its
    /// files as they are, without an end in good order, are copied and opened.
    #[test]
    fn a_journal_with_zeros_at_its_end_opens_with_every_turn() {
        let place = tempfile::tempdir().unwrap();
        let lived = place.path().join("lived");
        let mut journal = SledJournal::open(&lived).unwrap();
        let mut ended_in_zeros = 0;
        for turn in 1..=4_000_u64 {
            // Not all the same: sled must not be able to make it shorter, and nothing in it is all zeros.
            let value: Vec<u8> = (0..12_000_u64)
                .map(|at| ((turn * 31 + at * at) % 255) as u8 + 1)
                .collect();
            journal.append(turn, &[value]).unwrap();
            if turn % 800 == 7 {
                let copy = place.path().join(turn.to_string());
                fs::create_dir(&copy).unwrap();
                for name in ["conf", "db"] {
                    fs::copy(lived.join(name), copy.join(name)).unwrap();
                }
                let length = fs::metadata(copy.join("db")).unwrap().len();
                let tail = opened(&copy.join("db"));
                ended_in_zeros += u32::from(is_zero(&tail, length - PROBE as u64).unwrap());
                drop(tail);
                let mut found = SledJournal::open(&copy).unwrap();
                let mut turns = 0;
                let count = &mut |_: &[u8]| {
                    turns += 1;
                    Ok(())
                };
                found.read(count).unwrap();
                assert_eq!(turns, turn);
            }
        }
        assert!(ended_in_zeros > 0, "no copy showed what is to be shown");
    }
}
