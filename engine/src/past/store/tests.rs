use std::{io, sync::Barrier, thread};

use super::*;

const SHARD: ShardIndex = ShardIndex(2);

fn store(number: u64, bytes: &[u8]) -> Aged {
    Aged::Store {
        chunk: ChunkNumber(number),
        bytes: Arc::new(bytes.to_vec()),
    }
}

const fn place(number: u64) -> Place {
    Place {
        shard: SHARD,
        number,
    }
}

fn read(past: &Past, number: u64) -> Result<Option<Vec<u8>>, PastError> {
    past.read(place(number), |chunk| chunk.map(<[u8]>::to_vec))
}

fn work_off(past: &Past) {
    for job in past.waiting().collect::<Vec<_>>().into_iter().rev() {
        past.run(job).unwrap();
    }
}

#[test]
fn a_chunk_is_read_from_memory_until_it_is_written_and_bounds_what_is_let_in() {
    let shelf = MemoryShelf::default();
    let past = Past::new(Box::new(shelf.clone()), 6);
    past.take(SHARD, store(0, b"zero"));
    assert!(!past.is_behind());
    past.take(SHARD, store(1, b"one"));
    assert!(past.is_behind());
    assert_eq!(shelf.places().unwrap(), []);
    assert_eq!(read(&past, 0).unwrap().unwrap(), b"zero");
    work_off(&past);
    assert!(!past.is_behind());
    assert_eq!(shelf.places().unwrap(), [place(0), place(1)]);
    assert_eq!(read(&past, 0).unwrap().unwrap(), b"zero");
    assert_eq!(read(&past, 2).unwrap(), None);
}

#[test]
fn a_chunk_that_was_dropped_before_it_was_written_leaves_nothing() {
    let shelf = MemoryShelf::default();
    let past = Past::new(Box::new(shelf.clone()), 1);
    past.take(SHARD, store(0, b"zero"));
    past.take(
        SHARD,
        Aged::Drop {
            chunk: ChunkNumber(0),
        },
    );
    assert!(!past.is_behind());
    assert_eq!(read(&past, 0).unwrap(), None);
    // Backwards: cleared first, written afterwards.
    work_off(&past);
    assert_eq!(shelf.places().unwrap(), []);
}

#[test]
fn a_chunk_that_an_image_names_outlives_its_ledgers_interest() {
    let shelf = MemoryShelf::default();
    let dropped = |number| Aged::Drop {
        chunk: ChunkNumber(number),
    };
    let named = |numbers: Range<u64>| vec![0..0, 0..0, numbers];
    let past = Past::new(Box::new(shelf.clone()), usize::MAX).beside_checkpoints(named(0..0));
    for number in 0..3 {
        past.take(SHARD, store(number, b"records"));
    }
    // An image is under way that names all of them, and none is written yet.
    for number in 0..2 {
        past.take(SHARD, dropped(number));
        assert_eq!(read(&past, number).unwrap(), None);
    }
    work_off(&past);
    past.settle(SHARD, 0..3).unwrap();
    past.release(&named(0..3));
    work_off(&past);
    assert_eq!(shelf.places().unwrap(), [place(0), place(1), place(2)]);
    assert_eq!(read(&past, 0).unwrap(), None);
    assert_eq!(past.unwritten_bytes(), 0);

    // The replay of another process drops a third one before anybody knows whether its start goes well.
    let past = Past::new(Box::new(shelf.clone()), usize::MAX).beside_checkpoints(named(0..3));
    past.restored(SHARD, 1..3);
    past.replayed(SHARD, dropped(1)).unwrap();
    past.replayed(SHARD, dropped(2)).unwrap();
    past.end_of_replay().unwrap();
    for number in 0..3 {
        assert_eq!(past.left(SHARD, ChunkNumber(number)).unwrap(), b"records");
        assert_eq!(read(&past, number).unwrap(), None);
    }
    past.release(&named(2..3));
    work_off(&past);
    assert_eq!(shelf.places().unwrap(), [place(2)]);
    // One was left by a process that was ahead, which filled it with something else.
    past.take(SHARD, store(2, b"others"));
    work_off(&past);
    assert_eq!(read(&past, 2).unwrap().unwrap(), b"others");
}

#[test]
fn a_replay_keeps_what_is_whole_and_mends_the_rest() {
    let shelf = MemoryShelf::default();
    let past = Past::new(Box::new(shelf.clone()), usize::MAX);
    for number in 0..6 {
        past.take(SHARD, store(number, b"records"));
    }
    work_off(&past);
    shelf.tear(place(1), 20);
    shelf.flip_bit(place(2), 300);
    shelf.misplace(place(0), place(3));
    shelf.clear(place(4)).unwrap();
    // A new process; the replay makes one chunk less, and drops another one.
    let past = Past::new(Box::new(shelf.clone()), usize::MAX);
    for number in 0..5 {
        past.replayed(SHARD, store(number, b"records")).unwrap();
    }
    let dropped = Aged::Drop {
        chunk: ChunkNumber(0),
    };
    past.replayed(SHARD, dropped).unwrap();
    past.end_of_replay().unwrap();
    let left: Vec<Place> = (1..5).map(place).collect();
    assert_eq!(shelf.places().unwrap(), left);
    for number in 1..5 {
        assert_eq!(read(&past, number).unwrap().unwrap(), b"records");
    }
}

#[test]
fn what_is_damaged_under_way_is_told() {
    let shelf = MemoryShelf::default();
    let past = Past::new(Box::new(shelf.clone()), usize::MAX);
    past.take(SHARD, store(0, b"records"));
    past.take(SHARD, store(1, b"records"));
    work_off(&past);
    shelf.flip_bit(place(0), 300);
    shelf.clear(place(1)).unwrap();
    for number in [0, 1] {
        let error = read(&past, number).unwrap_err();
        assert!(error.to_string().contains("damaged"), "{error}");
    }
}

/// A shelf on which things are counted that are put there.
#[derive(Clone, Default)]
struct Counting {
    shelf: MemoryShelf,
    put: Arc<Mutex<Vec<Place>>>,
}

impl Shelf for Counting {
    fn put(&self, place: Place, pieces: [&[u8]; 2]) -> io::Result<()> {
        self.put.lock().unwrap().push(place);
        self.shelf.put(place, pieces)
    }

    fn sync(&self, place: Place) -> io::Result<()> {
        self.shelf.sync(place)
    }

    fn get(&self, place: Place) -> io::Result<Option<Vec<u8>>> {
        self.shelf.get(place)
    }

    fn clear(&self, place: Place) -> io::Result<()> {
        self.shelf.clear(place)
    }

    fn places(&self) -> io::Result<Vec<Place>> {
        self.shelf.places()
    }
}

/// Goal: what was synced is not replaced by what was not. Method: the writer and whoever takes an image begin with every
/// chunk at the same time.
#[test]
fn a_chunk_is_put_on_the_shelf_once() {
    const CHUNKS: u64 = 500;
    let shelf = Counting::default();
    let past = Past::new(Box::new(shelf.clone()), usize::MAX);
    for number in 0..CHUNKS {
        past.take(SHARD, store(number, &[7; 4_096]));
    }
    let together = Barrier::new(2);
    thread::scope(|scope| {
        scope.spawn(|| {
            for number in 0..CHUNKS {
                together.wait();
                past.run(Job::Write(place(number))).unwrap();
            }
        });
        for number in 0..CHUNKS {
            together.wait();
            past.settle(SHARD, number..number + 1).unwrap();
        }
    });
    let mut put = shelf.put.lock().unwrap().clone();
    put.sort_unstable();
    assert_eq!(put, (0..CHUNKS).map(place).collect::<Vec<_>>());
}
