use super::{
    sales::{name, units},
    *,
};
use crate::{
    ledger::{Errand, MemberId, Message, Rules, ShardIndex, errands::Underway},
    pool::{Home, Phase, PoolMessage, ToHome, ToShard, Units},
};

const HOME: ShardIndex = ShardIndex(0);
const SHARD: ShardIndex = ShardIndex(1);
const NOW: UnixMillis = UnixMillis(1_000);

/// Two shards that sell lamps. Home of ten is the first; what it calls lamps is not what the second does.
struct Programme {
    home: Ledger,
    shard: Ledger,
}

impl Programme {
    fn new() -> Self {
        let mut home = Ledger::new(HOME, Rules::default());
        let mut shard = Ledger::new(SHARD, Rules::default());
        name(&mut home, "vase");
        let (there, here) = (name(&mut home, "lamp"), name(&mut shard, "lamp"));
        let pool = Home::new(HOME, 2, units(10));
        home.stocks.know(there, "lamp").home = Some(Box::new(pool));
        shard.stocks.know(here, "lamp");
        Self { home, shard }
    }

    fn pool(&mut self) -> &mut Home {
        let lamp = self.home.symbols.find("lamp").expect("defined");
        self.home.stocks.get_mut(lamp).expect("known").home_mut()
    }

    fn share(&mut self) -> &mut crate::pool::Share {
        let lamp = self.shard.symbols.find("lamp").expect("defined");
        &mut self.shard.stocks.get_mut(lamp).expect("known").share
    }

    fn home_share(&mut self) -> &mut crate::pool::Share {
        let lamp = self.home.symbols.find("lamp").expect("defined");
        &mut self.home.stocks.get_mut(lamp).expect("known").share
    }

    /// So many units that were at home are with the other shard, which is open.
    fn out(&mut self, count: u64) {
        let pool = self.pool();
        pool.here = pool.here.minus(units(count));
        pool.out[1] = pool.out[1].plus(units(count));
        pool.phases[1] = Phase::Open;
    }

    fn tell_shard(&mut self, of: &str, message: ToShard) {
        let pool = self.home.symbols.find(of).expect("defined");
        let message = PoolMessage::ToShard(message);
        self.home
            .links
            .send(SHARD, NOW, Message::Pool { pool, message });
    }

    fn tell_home(&mut self, message: ToHome) {
        let pool = self.shard.symbols.find("lamp").expect("defined");
        let message = PoolMessage::ToHome(message);
        self.shard
            .links
            .send(HOME, NOW, Message::Pool { pool, message });
    }

    fn check(&self) -> u8 {
        broken(check_programme(&[&self.home, &self.shard]))
    }

    fn on_sale(&self, name: &str) -> Option<u64> {
        on_sale(&[&self.home, &self.shard], name).map(Units::get)
    }
}

type Change = fn(&mut Programme);

/// Each: what happened, the rule that it breaks, what is on sale then.
fn check_all(cases: &[(&str, u8, u64, Change)]) {
    for (name, rule, on_sale, change) in cases {
        let mut programme = Programme::new();
        change(&mut programme);
        assert_eq!(programme.check(), *rule, "{name}");
        assert_eq!(programme.on_sale("lamp"), Some(*on_sale), "{name}");
        assert_eq!(programme.on_sale("vase"), None, "{name}");
    }
}

#[test]
fn units_that_shards_have_are_those_that_home_has_sent() {
    check_all(&[
        ("as it is", 0, 10, |_| ()),
        ("an allotment", 0, 10, |p| {
            p.out(2);
            p.share().allotment = units(2);
        }),
        ("an allotment from nowhere", 4, 11, |p| {
            p.share().allotment = units(1);
        }),
        ("an allotment that is lost", 4, 8, |p| p.out(2)),
        ("one reserved, one sold", 0, 8, |p| {
            p.out(2);
            p.share().reserved = units(1);
            p.share().sold = units(1);
        }),
        ("members at home have what home counts", 0, 9, |p| {
            p.pool().here = units(9);
            p.pool().out[0] = units(1);
            p.home_share().sold = units(1);
        }),
        ("members at home have nothing of it", 4, 9, |p| {
            p.pool().here = units(9);
            p.pool().out[0] = units(1);
        }),
        ("units for a shard that is closed", 4, 10, |p| {
            p.out(2);
            p.share().allotment = units(2);
            p.pool().phases[1] = Phase::Closed;
        }),
        ("units for a shard that refuses", 4, 10, |p| {
            p.out(2);
            p.share().allotment = units(2);
            p.pool().phases[1] = Phase::Shut;
        }),
        ("sold by a shard that is closed", 0, 8, |p| {
            p.out(2);
            p.share().sold = units(2);
            p.pool().phases[1] = Phase::Closed;
        }),
        ("a shard refuses, and home knows", 0, 10, |p| {
            p.share().mark = true;
            p.pool().phases[1] = Phase::Shut;
        }),
        ("a shard refuses, and is to stop it", 0, 10, |p| {
            p.share().mark = true;
            p.pool().phases[1] = Phase::Reopening;
        }),
        ("a shard refuses, and home does not know", 4, 10, |p| {
            p.share().mark = true;
            p.pool().phases[1] = Phase::Closed;
        }),
        ("granted units that both know of", 0, 10, |p| {
            p.out(1);
            p.pool().tags = units(1);
            p.share().tagged = units(1);
        }),
        ("granted units that home does not know of", 4, 9, |p| {
            p.out(1);
            p.share().tagged = units(1);
        }),
        ("granted units that only home knows of", 4, 11, |p| {
            p.pool().tags = units(1);
        }),
    ]);
}

#[test]
fn units_on_their_way_count() {
    check_all(&[
        ("allotted", 0, 10, |p| {
            p.out(3);
            p.tell_shard("lamp", ToShard::Allot { extra: units(3) });
        }),
        ("allotted from nowhere", 4, 13, |p| {
            p.tell_shard("lamp", ToShard::Allot { extra: units(3) });
        }),
        ("of another sale", 4, 7, |p| {
            p.out(3);
            p.tell_shard("vase", ToShard::Allot { extra: units(3) });
        }),
        ("allotted to a shard that is closed", 4, 10, |p| {
            p.out(3);
            p.tell_shard("lamp", ToShard::Allot { extra: units(3) });
            p.pool().phases[1] = Phase::Closed;
        }),
        ("granted, and some more", 0, 10, |p| {
            p.out(5);
            p.pool().tags = units(2);
            p.tell_shard("lamp", grant(2, 3));
        }),
        ("granted to a shard that is closed", 0, 10, |p| {
            p.out(2);
            p.pool().tags = units(2);
            p.pool().phases[1] = Phase::Closed;
            p.tell_shard("lamp", grant(2, 0));
        }),
        ("granted, and not noted", 4, 8, |p| {
            p.out(2);
            p.tell_shard("lamp", grant(2, 0));
        }),
        ("refused for good", 0, 10, |p| {
            p.pool().phases[1] = Phase::Shut;
            p.tell_shard("lamp", no(true));
        }),
        ("refused for good, and not noted", 4, 10, |p| {
            p.tell_shard("lamp", no(true));
        }),
        ("refused once", 0, 10, |p| p.tell_shard("lamp", no(false))),
        ("called back", 0, 10, |p| {
            p.tell_shard("lamp", ToShard::Recall { round: 1 });
        }),
        ("given back after a call", 0, 10, |p| {
            p.out(2);
            p.tell_home(ToHome::Said {
                round: 1,
                units: units(2),
            });
        }),
        ("given back", 0, 8, |p| {
            p.out(2);
            p.tell_home(ToHome::Back { units: units(2) });
        }),
        ("used", 0, 10, |p| {
            p.out(2);
            p.pool().tags = units(2);
            p.share().sold = units(2);
            p.tell_home(settled(true));
        }),
        ("not used", 0, 10, |p| {
            p.out(2);
            p.pool().tags = units(2);
            p.tell_home(settled(false));
        }),
        ("used, and with nobody", 4, 10, |p| {
            p.out(2);
            p.pool().tags = units(2);
            p.tell_home(settled(true));
        }),
        ("asked for", 0, 10, |p| {
            p.tell_home(ToHome::Ask {
                ticket: Seq(7),
                quantity: units(2),
            });
        }),
        ("allotted, and arrived", 0, 10, |p| {
            p.out(3);
            p.tell_shard("lamp", ToShard::Allot { extra: units(3) });
            p.shard.links.receive(HOME, 1);
            p.share().allotment = units(3);
        }),
    ]);
}

fn grant(quantity: u64, extra: u64) -> ToShard {
    ToShard::Grant {
        ticket: Seq(7),
        quantity: units(quantity),
        extra: units(extra),
    }
}

fn no(mark: bool) -> ToShard {
    ToShard::No {
        ticket: Seq(7),
        mark,
        epoch: 1,
    }
}

fn settled(used: bool) -> ToHome {
    ToHome::Settled {
        ticket: Seq(7),
        quantity: units(2),
        used,
    }
}

#[test]
fn a_shard_that_heard_what_nobody_said_is_found() {
    let mut programme = Programme::new();
    programme.shard.links.receive(HOME, 1);
    assert_eq!(programme.check(), 6);
}

/// Points that a member of the first shard sends to one of the second.
fn sending(programme: &mut Programme, points_out: u64) -> Seq {
    let home = &mut programme.home;
    let point_type = name(home, "points");
    home.transit.of(point_type).out = u128::from(points_out);
    let ticket = Seq(5);
    let lot = crate::ledger::LotRef {
        key: crate::ledger::LotKey {
            issuer: point_type,
            class: point_type,
            last_day: crate::ledger::Day::NEVER,
        },
        first_earned: NOW,
    };
    let share = crate::ledger::Share {
        lot,
        points: points(30),
    };
    let errand = Errand {
        origin: crate::ledger::Origin {
            principal: point_type,
            id: crate::ledger::RequestId::new("r-1").expect("in the alphabet"),
            fingerprint: crate::ledger::fingerprint::Sketch::default().finish(),
            reference: None,
            metadata: None,
        },
        pursuit: crate::ledger::Pursuit::Transfer {
            to: MemberId::new("b").expect("in the alphabet"),
            day: crate::ledger::Day::NEVER,
        },
    };
    let underway = Underway {
        errand,
        subject: crate::ledger::Subject::Nobody,
        object: 0,
        points: Some((point_type, vec![share])),
    };
    home.errands.begin(ticket, underway);
    ticket
}

#[test]
fn points_on_their_way_are_those_that_errands_have_sent() {
    let mut programme = Programme::new();
    sending(&mut programme, 30);
    assert_eq!(programme.check(), 0, "on their way");
    let mut programme = Programme::new();
    sending(&mut programme, 31);
    assert_eq!(programme.check(), 8, "one is lost");

    let mut programme = Programme::new();
    let ticket = sending(&mut programme, 30);
    let there = name(&mut programme.shard, "points");
    programme.shard.transit.of(there).come = 30;
    assert_eq!(programme.check(), 8, "they came, and nobody says so");
    programme
        .shard
        .links
        .send(HOME, NOW, Message::Credited { ticket: Seq(6) });
    assert_eq!(programme.check(), 8, "others came");
    programme
        .shard
        .links
        .send(HOME, NOW, Message::Credited { ticket });
    assert_eq!(programme.check(), 0, "word of it is on its way");
    programme.home.links.receive(SHARD, 1);
    programme.home.links.receive(SHARD, 2);
    assert_eq!(
        programme.check(),
        8,
        "word of it came, and the errand goes on"
    );

    let mut programme = Programme::new();
    let vases = name(&mut programme.shard, "miles");
    programme.shard.transit.of(vases).come = 1;
    assert_eq!(programme.check(), 8, "one came that nobody sent");
}
