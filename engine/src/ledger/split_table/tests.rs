use proptest::prelude::*;

use super::*;

/// A hash in the first table, with this tag.
const fn tagged(tag: u32) -> u64 {
    tag as u64
}

fn find(table: &SplitTable, hash: u64, wanted: u32) -> Option<u32> {
    table.find(hash, |at| at == wanted)
}

/// Goal: places are found by hash and content, and no more when they were taken out. Method: places under equal tags in one
/// table, and under the same tag in another.
#[test]
fn places_are_told_apart_by_their_content() {
    let mut table = SplitTable::default();
    let other_table = (7 << 56) | tagged(5);
    table.insert(tagged(5), 1);
    table.insert_run(&[(tagged(5), 2), (other_table, 3)]);
    assert_eq!(find(&table, tagged(5), 2), Some(2));
    assert_eq!(find(&table, tagged(5), 3), None);
    assert_eq!(find(&table, other_table, 3), Some(3));
    assert_eq!(find(&table, tagged(6), 1), None);
    table.remove(tagged(5), 3);
    table.remove(tagged(5), 1);
    assert_eq!(find(&table, tagged(5), 1), None);
    assert_eq!(find(&table, tagged(5), 2), Some(2));
    assert_eq!(find(&table, other_table, 3), Some(3));
}

/// Goal: a table finds what was put into it and not taken out, whatever else was. Method: random histories of places under
/// few tags, so that lines overflow, beside a list; whoever is not alive may be gone after a cleaning, and nobody else.
#[test]
fn a_table_agrees_with_a_list() {
    let step = (0..40_u32, 0..3_u8, any::<prop::sample::Index>());
    let steps = prop::collection::vec(step, 1..400);
    proptest!(|(steps in steps)| {
        let mut table = SplitTable::default();
        let mut list: Vec<(u64, u32)> = Vec::new();
        for (place, (tag, what, which)) in (0..).zip(steps) {
            let hash = tagged(tag / 3);
            match what {
                0 => {
                    table.insert(hash, place);
                    list.push((hash, place));
                }
                1 => {
                    table.insert_sparing(hash, place, |one| one % 8 != 0);
                    list.push((hash, place));
                }
                _ if list.is_empty() => {}
                _ => {
                    let (hash, place) = list.swap_remove(which.index(list.len()));
                    table.remove(hash, place);
                    prop_assert_eq!(find(&table, hash, place), None);
                }
            }
            for &(hash, place) in &list {
                if place % 8 != 0 {
                    prop_assert_eq!(find(&table, hash, place), Some(place));
                }
                prop_assert_eq!(find(&table, hash + 100, place), None);
            }
            let found: usize = table.0.iter().flat_map(|one| &one.lines).map(|line| line.iter().count()).sum();
            let taken: usize = table.0.iter().map(|one| one.taken).sum();
            prop_assert_eq!(found, taken);
            prop_assert!(found <= list.len());
            for one in table.0.iter().filter(|one| !one.lines.is_empty()) {
                prop_assert!(one.taken + one.gone <= one.capacity());
                let gone = one.lines.iter().flat_map(|line| (0..LINE).map(|slot| line.marks.get(slot)));
                let gone = gone.filter(|mark| *mark == GONE).count();
                prop_assert_eq!(gone, one.gone);
            }
        }
    });
}

/// Goal: tags that are counted up spread over the lines, and so do those of one table. Method: how many of a thousand lines
/// are the first of none of four thousand tags; by chance it would be 18.
#[test]
fn tags_spread_over_the_lines() {
    for step in [1, 2, 256, 1 << 20] {
        let mut table = Table::default();
        table.rebuild(1_000);
        let mut met = vec![false; 1_000];
        for tag in 0..4_000_u32 {
            met[table.first(tag.wrapping_mul(step))] = true;
        }
        let none = met.iter().filter(|met| !**met).count();
        assert!(none < 200, "{none} of 1,000, by {step}");
    }
}

/// Goal: a full table is cleaned of what is gone, and doubles only if nearly all of it is alive. Method: filled to its
/// capacity once with places of which a part is alive; what it can hold then, and which are left.
#[test]
fn a_table_grows_only_if_cleaning_it_makes_no_room() {
    // Three quarters of 20 places are 15.
    for (alive_of_20, grows) in [(20, true), (15, true), (14, false), (7, false), (0, false)] {
        let mut table = SplitTable::default();
        let mut cleaned = 0;
        let mut at = 0;
        while table.0[0].capacity() < 20 || !table.0[0].is_full() {
            table.insert_sparing(tagged(at), at, |_| true);
            at += 1;
        }
        assert_eq!((at, table.0[0].capacity()), (20, 20));
        table.insert_sparing(tagged(at), at, |at| {
            cleaned += 1;
            at < alive_of_20
        });
        assert_eq!(cleaned, 20);
        assert_eq!(table.0[0].taken, alive_of_20 as usize + 1);
        let capacity = table.0[0].capacity();
        assert_eq!(
            capacity > 20,
            grows,
            "{alive_of_20} alive, then room for {capacity}"
        );
        for place in 0..20 {
            let found = table.find(tagged(place), |at| at == place);
            assert_eq!(found.is_some(), place < alive_of_20);
        }
    }
}

/// Goal: having cleaned a table gives it room for long, and looks end where they begin. Method: a quarter of what it can hold
/// is alive, and places go a few dozen at a time, as the records of a chunk do.
#[test]
fn a_table_that_was_cleaned_has_room_for_long() {
    const ALIVE: u32 = 160;
    // Counted up, tags would lie too evenly: no line would be full.
    let scattered = |at: u32| {
        tagged(
            at.wrapping_mul(0x85EB_CA6B)
                .swap_bytes()
                .wrapping_mul(0xC2B2_AE35),
        )
    };
    let mut table = SplitTable::default();
    for at in 0..400 {
        table.insert(scattered(at), at);
    }
    let capacity = table.0[0].capacity();
    let (mut cleaned, mut since) = (0, capacity);
    for at in 400..20_000_u32 {
        let first = (at - ALIVE) / 34 * 34;
        let mut asked = false;
        table.insert_sparing(scattered(at), at, |place| {
            asked = true;
            place >= first
        });
        since += 1;
        if asked {
            assert!(since > capacity / 4, "{since} places behind the last time");
            assert_eq!(table.0[0].gone, 0);
            (cleaned, since) = (cleaned + 1, 0);
        }
        let found = table.find(scattered(at - 100), |place| place == at - 100);
        assert_eq!(found, Some(at - 100));
    }
    assert!(cleaned > 20, "{cleaned}");
    assert_eq!(table.0[0].capacity(), capacity);
}

/// Goal: marks tell which slots there are, and never hide one. Method: every mark at every place of a line with others.
#[test]
fn marks_are_told_apart() {
    for mark in [FREE, GONE, 0x80, 0x81, 0xFE, 0xFF] {
        for other in [FREE, GONE, 0x80, 0x81, 0xFE, 0xFF] {
            for here in 0..1_u32 << LINE {
                let mut marks = Marks(0);
                let is_here = |slot: &usize| (here >> slot) & 1 == 1;
                for slot in 0..LINE {
                    marks.set(slot, if is_here(&slot) { mark } else { other });
                }
                let wanted: Vec<usize> = (0..LINE)
                    .filter(|slot| other == mark || is_here(slot))
                    .collect();
                let found: Vec<usize> = marks.with(mark).collect();
                assert_eq!(found.first(), wanted.first(), "{mark:x} {other:x} {here:b}");
                assert!(wanted.iter().all(|slot| found.contains(slot)));
                let taken = (0..LINE).filter(|slot| marks.get(*slot) >= 0x80);
                assert!(marks.taken().eq(taken));
                assert_eq!(marks.room().count() + marks.taken().count(), LINE);
            }
        }
    }
}

/// Goal: nothing is cleaned while there is room. Method: nobody is asked who is alive.
#[test]
fn a_table_with_room_is_left_alone() {
    let mut table = SplitTable::default();
    table.0[0].rebuild(2);
    for at in 0..10 {
        table.insert_sparing(tagged(at), at, |_| panic!("there is room"));
    }
    assert_eq!((table.0[0].taken, table.0[0].capacity()), (10, 10));
}

/// Goal: places that come and go do not make a table larger. Method: a few at a time, many times over.
#[test]
fn a_table_does_not_grow_by_what_is_taken_out() {
    let mut table = SplitTable::default();
    for at in 0..10_000 {
        table.insert(tagged(at), at);
        if let Some(old) = at.checked_sub(10) {
            table.remove(tagged(old), old);
        }
    }
    let one = &table.0[0];
    assert_eq!(one.taken, 10);
    assert!(
        one.lines.len() <= 4,
        "{} lines for 10 places",
        one.lines.len()
    );
}
