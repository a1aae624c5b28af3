use super::*;

const OBJECT: ObjectKey = ObjectKey::member(7);

/// Chunks of four records, each of 8 bytes behind its head.
const CHUNK: usize = 4 * 32;

fn keeping(memory_max: usize, disk_max: u64) -> Keeping {
    Keeping {
        memory_max,
        disk_max,
        chunk_bytes: CHUNK,
        answers_since: UnixMillis(0),
        since: UnixMillis(0),
    }
}

/// What only has to begin like an entry.
fn record(seq: u64) -> Vec<u8> {
    let mut bytes =
        bincode::encode_to_vec(Seq(seq), bincode::config::standard()).expect("a number");
    bytes.resize(8, b'.');
    bytes
}

fn append(records: &mut Records, seq: u64, keeping: &Keeping) -> Place {
    let at = UnixMillis(seq * 10);
    records.append(OBJECT, Seq(seq), at, &record(seq), keeping)
}

#[track_caller]
fn here(found: Found<'_>, seq: u64) {
    let Found::Here(stored) = found else {
        panic!("{seq} is not in memory");
    };
    assert_eq!((stored.object, stored.record), (OBJECT, &record(seq)[..]));
}

#[track_caller]
fn elsewhere(found: &Found<'_>) -> Need {
    match found {
        Found::Elsewhere(need) => *need,
        _ => panic!("not where it should be"),
    }
}

fn is_nowhere(found: &Found<'_>) -> bool {
    matches!(found, Found::Nowhere)
}

#[test]
fn records_are_found_by_place_and_by_entry() {
    let mut records = Records::default();
    let keeping = keeping(1 << 20, 0);
    // Every third entry has nothing to be remembered.
    let seqs: Vec<u64> = (10..700).filter(|seq| seq % 3 != 0).collect();
    let large = Keeping {
        chunk_bytes: 200 * 32,
        ..keeping
    };
    let places: Vec<Place> = seqs
        .iter()
        .map(|&seq| append(&mut records, seq, &large))
        .collect();
    for (&seq, &place) in seqs.iter().zip(&places) {
        here(records.at(place, large.chunk_bytes), seq);
        here(records.of(Seq(seq)), seq);
        assert!(records.keeps(place, large.chunk_bytes));
    }
    for seq in [1, 9, 12, 300, 699, 700, 10_000] {
        assert!(is_nowhere(&records.of(Seq(seq))), "{seq}");
    }
    assert_eq!(records.len(), seqs.len() as u64);
    assert_eq!(records.first_seq(), Some(Seq(10)));
    let kept: Vec<Vec<u8>> = records.iter().map(<[u8]>::to_vec).collect();
    assert_eq!(
        kept,
        seqs.iter().map(|&seq| record(seq)).collect::<Vec<_>>()
    );
}

#[test]
fn without_a_disk_memory_fills_up_and_then_makes_room_by_age() {
    let mut records = Records::default();
    let mut keeping = keeping(2 * CHUNK, 0);
    let first = append(&mut records, 1, &keeping);
    assert!(!records.are_full(&keeping));
    assert_eq!(records.memory_bytes(), CHUNK);
    for seq in 2..=8 {
        append(&mut records, seq, &keeping);
    }
    assert!(records.are_full(&keeping));
    assert_eq!(records.memory_bytes(), 2 * CHUNK);
    // The answers of the first chunk end at 40; as long as one of them is due, all are.
    keeping.answers_since = UnixMillis(40);
    assert!(records.are_full(&keeping));
    keeping.answers_since = UnixMillis(41);
    assert!(!records.are_full(&keeping));
    let ninth = append(&mut records, 9, &keeping);
    assert_eq!((records.len(), records.first_seq()), (5, Some(Seq(5))));
    assert_eq!(records.memory_bytes(), 2 * CHUNK);
    assert!(is_nowhere(&records.at(first, CHUNK)));
    assert!(!records.keeps(first, CHUNK));
    assert!(is_nowhere(&records.of(Seq(4))));
    here(records.of(Seq(5)), 5);
    here(records.at(ninth, CHUNK), 9);
    assert!(records.take_aged().is_none());
    // There is room for two chunks, and no reason to drop what is old before it is needed.
    keeping.answers_since = UnixMillis(1_000);
    for seq in 10..=12 {
        append(&mut records, seq, &keeping);
    }
    assert_eq!(records.len(), 8);
}

#[test]
fn with_a_disk_chunks_are_handed_out_in_order_and_dropped_by_age() {
    let mut records = Records::default();
    let mut keeping = keeping(2 * CHUNK, 1 << 20);
    let places: Vec<Place> = (1..=13)
        .map(|seq| append(&mut records, seq, &keeping))
        .collect();
    let mut shelf = Vec::new();
    while let Some(aged) = records.take_aged() {
        let Aged::Store { chunk, bytes } = aged else {
            panic!("nothing is old enough to be dropped");
        };
        shelf.push((chunk, bytes));
    }
    let numbers: Vec<u64> = shelf.iter().map(|(chunk, _)| chunk.0).collect();
    assert_eq!(numbers, [0, 1]);
    for seq in 1..=8_u64 {
        let at = usize::try_from(seq).expect("small") - 1;
        let by_place = elsewhere(&records.at(places[at], CHUNK));
        let by_seq = elsewhere(&records.of(Seq(seq)));
        assert_eq!(by_place.chunk, by_seq.chunk);
        for need in [by_place, by_seq] {
            let (_, bytes) = shelf
                .iter()
                .find(|(chunk, _)| *chunk == need.chunk)
                .expect("handed out");
            let picked = need.pick(bytes).expect("it is there");
            let stored = Stored::read(picked, 0).expect("a whole record");
            assert_eq!((stored.object, stored.record), (OBJECT, &record(seq)[..]));
            assert_eq!(picked.len(), 32);
        }
    }
    here(records.of(Seq(9)), 9);
    here(records.at(places[12], CHUNK), 13);
    assert_eq!((records.len(), records.disk_bytes), (13, 2 * 128));

    keeping.since = UnixMillis(41);
    for seq in 14..=17 {
        append(&mut records, seq, &keeping);
    }
    let mut dropped = Vec::new();
    while let Some(aged) = records.take_aged() {
        if let Aged::Drop { chunk } = aged {
            dropped.push(chunk.0);
        }
    }
    assert_eq!(dropped, [0]);
    assert_eq!(records.stored, 2);
    assert!(is_nowhere(&records.of(Seq(1))));
    assert_eq!(elsewhere(&records.of(Seq(5))).chunk, ChunkNumber(1));
    assert_eq!((records.len(), records.disk_bytes), (13, 2 * 128));
    // The disk is full as soon as its bytes are used up and the oldest of them are due.
    keeping.disk_max = 257;
    assert!(!records.are_full(&keeping));
    keeping.disk_max = 256;
    assert!(records.are_full(&keeping));
    keeping.since = UnixMillis(81);
    assert!(!records.are_full(&keeping));
}

#[test]
fn what_is_due_at_the_last_moment_is_kept() {
    let mut records = Records::default();
    let mut keeping = keeping(CHUNK, 0);
    // The last record of the first chunk is of 40, and answers since 40 are due.
    keeping.answers_since = UnixMillis(40);
    for seq in 1..=5 {
        append(&mut records, seq, &keeping);
    }
    assert_eq!(records.first_seq(), Some(Seq(1)));
}

#[test]
fn with_less_memory_than_a_chunk_all_but_the_last_are_on_disk() {
    let mut records = Records::default();
    let keeping = keeping(CHUNK / 2, 1 << 20);
    for seq in 1..=9 {
        append(&mut records, seq, &keeping);
    }
    assert_eq!((records.stored, records.chunks.len()), (2, 3));
    assert_eq!(records.memory_bytes(), CHUNK);
}

#[test]
fn a_place_has_room_for_a_chunk_with_the_longest_record() {
    assert_eq!(
        units_per_chunk(CHUNK) as usize * ALIGN,
        (HEAD_BYTES + Entry::BYTES_MAX + ALIGN).next_multiple_of(ALIGN)
    );
    assert_eq!(units_per_chunk(1 << 30), (1 << 30) / ALIGN as u32);
}

#[test]
fn records_are_full_when_one_more_chunk_could_not_be_named() {
    let mut records = Records::default();
    let keeping = Keeping {
        chunk_bytes: 1 << 30,
        ..keeping(usize::MAX, 0)
    };
    assert_eq!(
        places(keeping.chunk_bytes),
        u64::from(u32::MAX) / ((1 << 30) / ALIGN as u64)
    );
    while records.chunks.len() as u64 + 1 < places(keeping.chunk_bytes) {
        assert!(!records.are_full(&keeping));
        records.chunks.push_back(Chunk {
            bytes: Bytes::Elsewhere,
            kept: false,
            length: 0,
            first_seq: Seq(1),
            last_at: UnixMillis(1),
            records: 0,
            marks: Vec::new(),
        });
    }
    assert!(records.are_full(&keeping));
}

#[test]
fn a_record_larger_than_a_chunk_has_one_of_its_own() {
    let mut records = Records::default();
    let keeping = keeping(1 << 20, 0);
    append(&mut records, 1, &keeping);
    let long = [record(2), vec![b'x'; 5 * CHUNK]].concat();
    let place = records.append(OBJECT, Seq(2), UnixMillis(20), &long, &keeping);
    let third = append(&mut records, 3, &keeping);
    let Found::Here(stored) = records.at(place, CHUNK) else {
        panic!("it is in memory");
    };
    assert_eq!(stored.record, long);
    here(records.at(third, CHUNK), 3);
    assert_eq!(records.chunks.len(), 3);
}

#[test]
fn places_of_chunks_long_gone_are_used_again() {
    let mut records = Records::default();
    let keeping = Keeping {
        chunk_bytes: 32,
        answers_since: UnixMillis(u64::MAX),
        ..keeping(64, 0)
    };
    let round = places(32);
    for seq in 1..=round + 5 {
        let place = append(&mut records, seq, &keeping);
        if seq % 1_000 == 0 || seq > round {
            here(records.at(place, 32), seq);
        }
    }
    assert!(is_nowhere(&records.at(Place::new(0, 0, 32), 32)));
    assert_eq!(records.len(), 2);
}

#[test]
fn what_a_chunk_does_not_hold_is_not_picked() {
    let mut records = Records::default();
    let keeping = keeping(CHUNK, 1 << 20);
    for seq in 1..=5 {
        append(&mut records, seq * 2, &keeping);
    }
    let Some(Aged::Store { chunk, bytes }) = records.take_aged() else {
        panic!("the first chunk had to go");
    };
    for wanted in [Wanted::Seq(Seq(3)), Wanted::Seq(Seq(10)), Wanted::At(128)] {
        let need = Need { chunk, wanted };
        assert_eq!(need.pick(&bytes), None, "{wanted:?}");
        assert_eq!(need.pick(&[]), None);
    }
    let torn = Need {
        chunk,
        wanted: Wanted::At(96),
    };
    assert!(torn.pick(&bytes).is_some());
    assert_eq!(torn.pick(&bytes[..120]), None);
}

#[test]
fn facts_tell_what_was_looked_for_from_what_was_not() {
    let need = |seq| Need {
        chunk: ChunkNumber(1),
        wanted: Wanted::Seq(Seq(seq)),
    };
    let mut facts = Facts::default();
    facts.add(need(1), Some(Box::from(&b"one"[..])));
    facts.add(need(2), None);
    assert_eq!(facts.get(need(1)), Some(Some(&b"one"[..])));
    assert_eq!(facts.get(need(2)), Some(None));
    assert_eq!(facts.get(need(3)), None);
}
