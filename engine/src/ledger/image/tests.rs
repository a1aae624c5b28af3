mod sales;

use super::*;
use crate::ledger::{UnixMillis, at_work::Work, holds::Holds, members::Members};

#[test]
fn an_image_is_the_state_at_its_beginning_whatever_happens_meanwhile() {
    let mut work = Work::new();
    let mut holds = Vec::new();
    for member in 0..60 {
        work.enrol(member);
        work.earn(member, 100 + member);
        if member % 3 != 0 {
            holds.push(work.hold(member, 40));
        }
    }
    work.capture(holds.swap_remove(20));
    let (mut parts, seq, hash) = work.begin(Extent::Whole);
    let mut turn = 0;
    while let Some(part) = work.ledger.next_image_part(64) {
        parts.push(part);
        turn += 1;
        work.enrol(1_000 + turn);
        work.earn((turn * 7) % 60, 5);
        if let Some(hold) = holds.pop() {
            work.capture(hold);
        }
        work.hold(turn * 11 % 60 / 3 * 3 + 1, 1);
    }
    assert!(turn > 20, "{turn}");
    let restored = work.restore(&parts).unwrap();
    assert_eq!((restored.last_seq(), restored.state_hash()), (seq, hash));
    work.check_goes_on(restored);
}

#[test]
fn increments_hold_what_changed_since_the_image_before() {
    let mut work = Work::new();
    (0..200).for_each(|member| work.enrol(member));
    let (mut parts, mut seq, _) = work.begin(Extent::Whole);
    let mut whole = 0;
    while let Some(part) = work.ledger.next_image_part(256) {
        whole += part.len();
        parts.push(part);
        // Behind the image, so it belongs to the next one.
        work.earn(whole as u64 % 200, 10);
    }
    for round in 0..4 {
        (0..10).for_each(|member| work.earn(member * 7 + round, 100));
        work.enrol(500 + round);
        let hold = work.hold([7, 8, 16, 10][round as usize], 1);
        if round % 2 == 0 {
            work.capture(hold);
        }
        let (head, at, hash) = work.begin(Extent::Since(seq));
        parts.extend(head);
        seq = at;
        let mut bytes = 0;
        while let Some(part) = work.ledger.next_image_part(256) {
            bytes += part.len();
            parts.push(part);
        }
        assert!(
            bytes > 0 && (round == 0 || bytes < whole / 2),
            "{bytes} of {whole}"
        );
        let restored = work.restore(&parts).unwrap();
        assert_eq!((restored.last_seq(), restored.state_hash()), (at, hash));
        work.check_goes_on(restored);
    }
}

/// Makes a part the head of version 4 that says the same where there are no sales: what stands behind the names and so on is many
/// empty lists, one more of them then.
fn make_version_4(head: &mut Vec<u8>) {
    assert_eq!(head[..2], [HEAD, VERSION]);
    head[1] = 4;
    head.push(0);
}

/// Version 3 knew of no points that were bought ahead; it ends where they begin.
#[test]
fn an_image_of_the_version_before_is_read() {
    let mut work = Work::new();
    work.enrol(1);
    work.earn(1, 100);
    let (mut parts, seq, hash) = work.begin(Extent::Whole);
    while let Some(part) = work.ledger.next_image_part(64) {
        parts.push(part);
    }
    make_version_4(&mut parts[0]);
    parts[0][1] = 3;
    assert_eq!(parts[0].pop(), Some(0), "there are no packs");
    let restored = work.restore(&parts).unwrap();
    assert_eq!((restored.last_seq(), restored.state_hash()), (seq, hash));
}

/// Version 2 knew of no clearing; its daybook begins behind it.
#[test]
fn what_was_before_the_daybook_is_not_in_it() {
    let mut work = Work::new();
    work.enrol(1);
    work.earn(1, 100);
    let (mut parts, seq, _) = work.begin(Extent::Whole);
    parts.extend(std::iter::from_fn(|| work.ledger.next_image_part(64)));
    make_version_4(&mut parts[0]);
    parts[0][1] = 2;
    let contracts_settlements_corrections_packs = parts[0].len() - 4;
    assert_eq!(
        parts[0].split_off(contracts_settlements_corrections_packs),
        [0; 4]
    );
    parts.retain(|part| part[0] != DAYBOOK);
    let mut restored = work.restore(&parts).unwrap();
    assert_eq!(restored.daybook().image().from, seq.next());
    work.earn(1, 20);
    let behind = seq.0 as usize;
    restored.replay(&work.records[behind]).unwrap();
    let tomorrow = UnixMillis(2 * 86_400_000);
    let end = restored.decide_day_end(tomorrow).unwrap();
    restored.apply(&end, &[]);
    let [day] = restored.daybook().over() else {
        panic!("one day is over");
    };
    assert_eq!((day.first, day.last), (seq.next(), seq.next()));
}

#[test]
fn a_ledger_tells_how_much_it_holds() {
    let mut work = Work::new();
    for member in 1..=3 {
        work.enrol(member);
        work.earn(member, 10);
    }
    work.hold(1, 1);
    let ended = work.hold(2, 2);
    work.capture(ended);
    assert_eq!(
        work.ledger.footprint(),
        crate::ledger::Footprint {
            members: 3,
            holds: 2,
            requests: 10,
            request_bytes: 4_096,
        }
    );
}

#[test]
fn an_image_does_not_contradict_itself() {
    let mut work = Work::new();
    for member in 1..=2 {
        work.enrol(member);
        work.earn(member, 10);
        work.hold(member, 1);
    }
    let members = work.ledger.members.slots().0.clone();
    let holds = work.ledger.holds.slots().0.clone();
    assert!(Members::restored(members.clone()).is_some());
    assert!(
        Members::restored(
            members
                .iter()
                .chain(members.iter().take(1))
                .cloned()
                .collect()
        )
        .is_none()
    );
    assert!(Holds::restored(holds.clone(), 2).is_some());
    assert!(Holds::restored(holds.clone(), 1).is_none(), "of whom?");
    assert!(Holds::restored([&holds[0]; 2].into_iter().cloned().collect(), 2).is_none());
}

#[test]
fn an_image_that_is_not_whole_is_refused() {
    let mut work = Work::new();
    (0..100).for_each(|member| work.enrol(member));
    let (mut parts, seq, _) = work.begin(Extent::Whole);
    parts.extend(std::iter::from_fn(|| work.ledger.next_image_part(512)));
    work.earn(1, 1);
    let (increment, _, _) = work.begin(Extent::Since(seq));
    assert!(parts.len() > 3);
    for missing in 0..parts.len() {
        let mut parts = parts.clone();
        parts.remove(missing);
        assert!(work.restore(&parts).is_err(), "without part {missing}");
    }
    assert!(work.restore(&increment).is_err(), "without its base");
    assert!(work.chunks.remove(&0).is_some());
    let error = work.restore(&parts).err().expect("a chunk is gone");
    assert!(error.to_string().contains("gone"), "{error}");
}
