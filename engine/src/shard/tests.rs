//! Commands that wait for old records: who waits, who goes on, and in what order they are answered.

use super::{Reply, ShardCore};
use crate::ledger::{
    Aged, ChunkNumber, Class, Code, Command, Day, Details, Earn, Enrol, Ledger, MemberId,
    MerchantId, Need, PointType, Points, Principal, PutMerchant, Request, RequestId, Reverse,
    Rules, Seq, ShardIndex, Text, TransactionId, UnixMillis, Verdict, Wanted,
};

const SHARD: ShardIndex = ShardIndex(0);
const NOW: UnixMillis = UnixMillis(1_790_000_000_000);

/// A shard that keeps a few records in memory, and what it put out.
struct Shard {
    core: ShardCore<(), &'static str>,
    chunks: Vec<(ChunkNumber, std::sync::Arc<Vec<u8>>)>,
}

fn request(id: &str, command: Command) -> Request {
    let principal = Principal::new("app").unwrap();
    Request::new(principal, RequestId::new(id).unwrap(), command, None, None)
}

fn earn(member: &str, id: &str) -> Request {
    let earn = Earn {
        member: MemberId::new(member).unwrap(),
        merchant: MerchantId::new("M1").unwrap(),
        points: Points::new(10).unwrap(),
        point_type: PointType::new("points").unwrap(),
        last_day: Day::NEVER,
        class: Class::new("ordinary").unwrap(),
        order: None,
        at: None,
        releases_at: None,
    };
    request(id, Command::Earn(earn))
}

fn reverse(seq: Seq, id: &str) -> Request {
    let reverse = Reverse {
        transaction: TransactionId { shard: SHARD, seq },
        points: None,
        reason: None,
        return_units: false,
    };
    request(id, Command::Reverse(reverse))
}

impl Shard {
    /// A and B have earned points, long ago: none of that is in memory any more.
    fn new() -> Self {
        let rules = Rules {
            request_bytes_max: 1_024,
            request_disk_bytes_max: 1 << 30,
            record_chunk_bytes: 512,
            ..Rules::default()
        };
        let mut shard = Self {
            core: ShardCore::new(Ledger::new(SHARD, rules), NOW),
            chunks: Vec::new(),
        };
        let put = PutMerchant {
            contract: None,
            merchant: MerchantId::new("M1").unwrap(),
            name: Text::new("Tea").unwrap(),
        };
        shard.now(&request("m", Command::PutMerchant(put)));
        for member in ["A", "B", "C"] {
            let enrol = Enrol {
                member: MemberId::new(member).unwrap(),
                attributes: None,
            };
            shard.now(&request("enrol", Command::Enrol(enrol)));
        }
        for member in ["A", "B"] {
            shard.now(&earn(member, "old"));
        }
        for number in 0..30 {
            shard.now(&earn("C", &number.to_string()));
        }
        shard
    }

    /// Asks for something that is decided at once.
    fn now(&mut self, request: &Request) {
        let reply = self.core.first_look(NOW, request);
        assert!(reply.is_ok_and(|reply| reply.is_ok()), "{request:?}");
        self.store();
    }

    /// Asks for something that has to wait.
    fn later(&mut self, request: Request, ticket: &'static str) {
        let wait = self.core.first_look(NOW, &request).unwrap_err();
        self.core.park(wait, request, ticket);
    }

    fn store(&mut self) {
        for aged in self.core.take_aged() {
            if let Aged::Store { chunk, bytes } = aged {
                self.chunks.push((chunk, bytes));
            }
        }
    }

    /// What is wanted, all of it.
    fn wanted(&mut self) -> Vec<Need> {
        std::iter::from_fn(|| self.core.next_load())
            .flatten()
            .collect()
    }

    /// Loads a record; tells who is answered, and with what.
    fn load(&mut self, need: Need) -> Vec<(&'static str, Reply)> {
        let chunk = self.chunks.iter().find(|(number, _)| *number == need.chunk);
        let record = chunk.and_then(|(_, bytes)| need.pick(bytes));
        assert!(record.is_some(), "{need:?} is not there");
        let record: Option<Box<[u8]>> = record.map(Box::from);
        let replies = self.core.loaded(NOW, need, record.as_deref());
        self.store();
        replies
    }
}

fn names<'a>(replies: &[(&'a str, Reply)]) -> Vec<&'a str> {
    replies.iter().map(|(ticket, _)| *ticket).collect()
}

#[test]
fn who_waits_holds_up_the_same_member_and_nobody_else() {
    let mut shard = Shard::new();
    shard.later(earn("A", "old"), "again");
    shard.later(earn("A", "old"), "once more");
    shard.later(earn("A", "new"), "new");
    shard.now(&earn("B", "new"));
    assert_eq!(shard.core.parked(), 3);
    let wanted = shard.wanted();
    assert!(matches!(
        wanted[..],
        [Need {
            wanted: Wanted::At(_),
            ..
        }]
    ));
    let first = shard.load(wanted[0]);
    assert_eq!(names(&first), ["again"]);
    assert!(first[0].1.as_ref().is_ok_and(|answer| answer.replayed));
    // The second one looks for itself, and holds up the third.
    let wanted = shard.wanted();
    let rest = shard.load(wanted[0]);
    assert_eq!(names(&rest), ["once more", "new"]);
    assert!(rest[0].1.as_ref().is_ok_and(|answer| answer.replayed));
    assert!(rest[1].1.as_ref().is_ok_and(|answer| !answer.replayed));
    assert_eq!(shard.core.parked(), 0);
}

#[test]
fn a_reversal_waits_by_itself_until_its_member_is_known() {
    let mut shard = Shard::new();
    let earned = shard.core.ledger().last_seq().0 - 31;
    shard.later(reverse(Seq(earned), "r1"), "first");
    shard.later(reverse(Seq(earned), "r2"), "second");
    // The shard does not know yet that this is about A.
    shard.now(&earn("A", "between"));
    let wanted = shard.wanted();
    assert_eq!(wanted.len(), 1);
    let replies = shard.load(wanted[0]);
    assert_eq!(names(&replies), ["first", "second"]);
    let told: Vec<_> = replies
        .into_iter()
        .map(|(_, reply)| reply.unwrap())
        .collect();
    assert!(matches!(
        told[0].verdict,
        Verdict::Accepted(Details::TakenBack { .. })
    ));
    let Verdict::Refused(refusal) = &told[1].verdict else {
        panic!("{:?}", told[1]);
    };
    assert_eq!(refusal.code(), Code::AlreadyReversed);
}

#[test]
fn a_reversal_that_learns_its_member_keeps_its_place_among_that_member_s_commands() {
    let mut shard = Shard::new();
    let earned = shard.core.ledger().last_seq().0 - 31;
    shard.later(earn("A", "old"), "retry");
    shard.later(reverse(Seq(earned), "r"), "reversal");
    shard.later(earn("A", "new"), "new");
    let mut wanted = shard.wanted();
    assert_eq!(wanted.len(), 2);
    wanted.sort_by_key(|need| matches!(need.wanted, Wanted::At(_)));
    // The transaction comes first, and its reversal joins the queue behind the retry.
    assert_eq!(names(&shard.load(wanted[0])), [""; 0]);
    let replies = shard.load(wanted[1]);
    assert_eq!(names(&replies), ["retry", "reversal", "new"]);
}

#[test]
fn a_batch_waits_behind_a_reversal_whose_member_is_not_known() {
    let mut shard = Shard::new();
    let earned = Seq(shard.core.ledger().last_seq().0 - 31);
    let of_b = Seq(earned.0 + 1);
    let first = reverse(earned, "r");
    let wait = shard.core.first_look(NOW, &first).unwrap_err();
    let stranger = wait.stranger().unwrap();
    shard.core.park(wait, first, "reversal of A");
    let rest = [
        (earn("A", "a"), "A"),
        (earn("B", "b"), "B"),
        (reverse(of_b, "r"), "reversal of B"),
    ];
    let mut last = stranger;
    for (request, ticket) in rest {
        let wait = shard.core.wait_behind(last, &request);
        last = wait.stranger().unwrap_or(last);
        shard.core.park(wait, request, ticket);
    }
    let request = earn("B", "b-again");
    let wait = shard.core.wait_behind(last, &request);
    shard.core.park(wait, request, "B again");
    // Another batch: C is nobody's concern, A waits behind what is parked about it.
    shard.now(&earn("C", "free"));
    shard.later(earn("A", "later"), "A later");

    let mut wanted = shard.wanted();
    assert_eq!(wanted.len(), 2);
    wanted.sort_by_key(|need| need.wanted == Wanted::Seq(earned));
    // The second reversal is known first, and still waits for the one in front of it.
    assert_eq!(names(&shard.load(wanted[0])), [""; 0]);
    let replies = shard.load(wanted[1]);
    let order = |names: &[&str]| {
        let place = |name| replies.iter().position(|(ticket, _)| *ticket == name);
        names.iter().map(|name| place(*name).unwrap()).is_sorted()
    };
    assert_eq!(replies.len(), 6);
    assert!(order(&["reversal of A", "A", "A later"]), "{replies:?}");
    assert!(order(&["B", "reversal of B", "B again"]), "{replies:?}");
    assert_eq!(shard.core.parked(), 0);
}

#[test]
fn reversals_of_one_transaction_in_a_batch_are_looked_at_in_their_order() {
    let mut shard = Shard::new();
    let earned = Seq(shard.core.ledger().last_seq().0 - 31);
    let first = reverse(earned, "r1");
    let wait = shard.core.first_look(NOW, &first).unwrap_err();
    let stranger = wait.stranger().unwrap();
    shard.core.park(wait, first, "first");
    let rest = [
        (reverse(earned, "r2"), "second"),
        (earn("A", "a"), "third"),
        (earn("A", "old"), "fourth"),
    ];
    for (request, ticket) in rest {
        let wait = shard.core.wait_behind(stranger, &request);
        shard.core.park(wait, request, ticket);
    }
    let wanted = shard.wanted();
    assert_eq!(wanted.len(), 1);
    assert_eq!(names(&shard.load(wanted[0])), ["first", "second", "third"]);
    let wanted = shard.wanted();
    assert_eq!(names(&shard.load(wanted[0])), ["fourth"]);
    assert_eq!(shard.core.parked(), 0);
}

#[test]
fn a_member_that_was_known_stays_so_when_the_transaction_leaves_memory() {
    let mut shard = Shard::new();
    let old_of_b = Seq(shard.core.ledger().last_seq().0 - 30);
    shard.now(&earn("A", "fresh"));
    let fresh = shard.core.last_seq();
    let first = reverse(old_of_b, "r");
    let wait = shard.core.first_look(NOW, &first).unwrap_err();
    let stranger = wait.stranger().unwrap();
    shard.core.park(wait, first, "stranger");
    for (request, ticket) in [(reverse(fresh, "r"), "reversal"), (earn("A", "a"), "later")] {
        let wait = shard.core.wait_behind(stranger, &request);
        assert_eq!(wait.stranger(), None);
        shard.core.park(wait, request, ticket);
    }
    for number in 30..60 {
        shard.now(&earn("C", &number.to_string()));
    }
    let wanted = shard.wanted();
    assert_eq!(names(&shard.load(wanted[0])), ["stranger"]);
    let wanted = shard.wanted();
    assert_eq!(names(&shard.load(wanted[0])), ["reversal", "later"]);
}

#[test]
fn a_record_that_is_gone_is_no_record() {
    let mut shard = Shard::new();
    shard.later(earn("A", "old"), "again");
    let wanted = shard.wanted();
    let replies = shard.core.loaded(NOW, wanted[0], None);
    assert_eq!(names(&replies), ["again"]);
    assert!(replies[0].1.as_ref().is_ok_and(|answer| !answer.replayed));
}

#[test]
fn who_is_forgotten_is_not_answered() {
    let mut shard = Shard::new();
    shard.later(earn("A", "old"), "again");
    let wanted = shard.wanted();
    shard.core.forget_parked();
    assert_eq!(shard.core.parked(), 0);
    assert!(shard.core.loaded(NOW, wanted[0], None).is_empty());
    // The next one asks for the record afresh.
    shard.later(earn("A", "old"), "again");
    assert_eq!(shard.wanted(), wanted);
}

#[test]
fn a_sweep_looks_at_few_members_at_a_time_and_comes_to_all() {
    let mut shard = Shard::new();
    let enrol = |member: &str| {
        let member = MemberId::new(member).unwrap();
        let attributes = None;
        request("enrol", Command::Enrol(Enrol { member, attributes }))
    };
    let last_day = Rules::default().day_at(NOW);
    for number in 0..40 {
        let name = format!("spent-{number}");
        shard.now(&enrol(&name));
        let mut earned = earn(&name, "e");
        let Command::Earn(earn) = earned.command().clone() else {
            unreachable!("made as one");
        };
        earned = request("e", Command::Earn(Earn { last_day, ..earn }));
        shard.now(&earned);
        // All but the first, which is looked at last, take their points back.
        if number > 0 {
            let seq = shard.core.last_seq();
            shard.now(&reverse(seq, "r"));
        }
    }
    let tomorrow = NOW.plus_seconds(24 * 60 * 60);
    let before = shard.core.last_seq();
    let mut sweeps = 0;
    while shard.core.expire_due(tomorrow, 2) == 2 {
        sweeps += 1;
    }
    // The mark of the day, and what lapsed.
    assert_eq!(shard.core.last_seq(), before.next().next());
    assert!((4..=6).contains(&sweeps), "{sweeps}");
    let first = MemberId::new("spent-0").unwrap();
    let member = shard.core.ledger().member(&first).unwrap();
    assert!(member.wallets()[0].balance().available.is_zero());
}
