//! Goal: a sale on the real binary is exact, to the last unit and under kills, and so are transfers between members.
//!
//! Method: a crowd over many connections, each with one request at a time, against `jifen serve`; every answer is
//! remembered and compared with what the server says of its stock and its members, and asked again after every kill.

#![allow(clippy::unwrap_used, reason = "in a test, what cannot be is a failure")]

use std::{
    collections::BTreeSet,
    thread,
    time::{Duration, Instant},
};

use jifen_tests::{
    flash::{
        Caller, FlashSale, Sold, Stock, Transfers, flash_sale, member, prepare, purse, put,
        reserve, settle, transfers, use_code,
    },
    server::Server,
};

const SALE: FlashSale = FlashSale {
    members: 5_000,
    units: 200,
    connections: 64,
    kills: 0,
    seed: 7,
};

/// How long units that were given back may be on their way.
const PATIENCE: Duration = Duration::from_secs(30);

#[test]
fn exactly_as_many_are_sold_as_there_are_and_codes_are_used_once() {
    let data = tempfile::tempdir().unwrap();
    let (server, sold) = flash_sale(data.path(), &SALE);
    println!("{} asked in {:?}", SALE.members, sold.asking);
    let caller = Caller::new(server.url());
    let mut reserved: Vec<(&String, &String)> = sold.reserved.iter().collect();
    let back = reserved.split_off(100);
    confirm_and_use(&caller, &reserved);
    assert_eq!(
        Stock::of(&caller, "console"),
        Stock::new("sold_out", 200, 100, 100)
    );
    give_back(&caller, &back[..50]);
    others_get_them(&caller, &sold, 50);
    assert_eq!(
        Stock::of(&caller, "console"),
        Stock::new("sold_out", 200, 100, 100)
    );
    assert_eq!(server.terminate().0.code(), Some(0));
}

/// Every confirmed unit has a code of its own, and each can be used, once.
fn confirm_and_use(caller: &Caller, reserved: &[(&String, &String)]) {
    let mut codes = BTreeSet::new();
    for (name, reservation) in reserved {
        let answer = caller.ask(&settle("confirm", reservation));
        assert_eq!(answer.status, 201, "{answer:?}");
        let [code] = &answer.body["codes"].as_array().unwrap()[..] else {
            panic!("one unit, one code: {answer:?}")
        };
        assert!(
            codes.insert(code.as_str().unwrap().to_owned()),
            "{code} twice"
        );
        assert_eq!(purse(caller, name), (70, 0), "{name} has paid");
        let again = caller.ask(&settle("cancel", reservation));
        assert_eq!((again.status, again.code()), (409, "reservation_confirmed"));
    }
    for code in codes {
        let state = || caller.get(&format!("/v1/codes/{code}"))["state"].clone();
        assert_eq!(state(), "unused");
        for (id, status, replayed) in [("till-1", 201, false), ("till-1", 200, true)] {
            let used = caller.ask(&use_code(&code, id));
            assert_eq!((used.status, used.replayed), (status, replayed), "{used:?}");
        }
        let used = caller.ask(&use_code(&code, "till-2"));
        assert_eq!((used.status, used.code()), (409, "code_used"), "{used:?}");
        assert_eq!(state(), "used");
    }
}

fn give_back(caller: &Caller, reserved: &[(&String, &String)]) {
    for (name, reservation) in reserved {
        let answer = caller.ask(&settle("cancel", reservation));
        assert_eq!(
            (answer.status, &answer.body["released"]),
            (201, &30.into()),
            "{answer:?}"
        );
        assert_eq!(purse(caller, name), (100, 0), "{name} has everything back");
        let again = caller.ask(&settle("confirm", reservation));
        assert_eq!((again.status, again.code()), (409, "reservation_cancelled"));
    }
}

/// Those who were told that it is sold out ask again, with the same ids, until so many of them have a unit; not one more.
fn others_get_them(caller: &Caller, sold: &Sold, units: usize) {
    let deadline = Instant::now() + PATIENCE;
    let mut got = BTreeSet::new();
    for name in sold.refused.iter().cycle() {
        if got.len() == units {
            break;
        }
        assert!(
            Instant::now() < deadline,
            "only {} of {units} units came back",
            got.len()
        );
        if got.contains(name) {
            continue;
        }
        let answer = caller.ask(&reserve(name, "console", 1, "first"));
        match answer.status {
            201 => assert!(got.insert(name), "{name} twice"),
            _ => {
                assert_eq!(
                    (answer.status, answer.code()),
                    (409, "sold_out"),
                    "{answer:?}"
                );
                thread::yield_now();
            }
        }
    }
    let late = sold
        .refused
        .iter()
        .find(|name| !got.contains(name))
        .unwrap();
    assert_eq!(
        caller.ask(&reserve(late, "console", 1, "late")).code(),
        "sold_out"
    );
}

#[test]
fn killed_in_the_middle_of_a_sale_it_sells_nothing_twice() {
    let data = tempfile::tempdir().unwrap();
    let wanted = FlashSale {
        members: 2_000,
        kills: 5,
        ..SALE
    };
    let (server, sold) = flash_sale(data.path(), &wanted);
    println!(
        "{} kills, {} requests of unknown outcome",
        sold.kills, sold.unknown
    );
    assert_eq!(sold.kills, wanted.kills);
    assert!(sold.unknown > 0, "no kill came in the middle of a request");
    assert_eq!(server.terminate().0.code(), Some(0));
}

#[test]
fn a_reservation_of_several_units_has_a_code_for_each() {
    let data = tempfile::tempdir().unwrap();
    let server = Server::start(data.path()).unwrap();
    let caller = Caller::new(server.url());
    prepare(&caller, 4, 200);
    put(&caller, "ticket", 10, Some(5));
    let cases = [
        // member, id, units, status, code
        (0, "a", 4, 201, ""),
        (0, "b", 2, 422, "member_limit_reached"),
        (0, "b2", 1, 201, ""),
        (1, "a", 5, 201, ""),
        (2, "a", 1, 409, "sold_out"),
    ];
    let mut reservations = Vec::new();
    for (number, id, units, status, code) in cases {
        let answer = caller.ask(&reserve(&member(number), "ticket", units, id));
        assert_eq!((answer.status, answer.code()), (status, code), "{answer:?}");
        if answer.is_accepted() {
            reservations.push((units, answer.text("reservation").to_owned()));
        }
    }
    assert_eq!(
        Stock::of(&caller, "ticket"),
        Stock::new("sold_out", 10, 10, 0)
    );
    let mut codes = BTreeSet::new();
    for (units, reservation) in reservations {
        let answer = caller.ask(&settle("confirm", &reservation));
        let given = answer.body["codes"].as_array().unwrap();
        assert_eq!(given.len() as u64, units, "{answer:?}");
        codes.extend(given.iter().map(|code| code.as_str().unwrap().to_owned()));
    }
    assert_eq!(codes.len(), 10, "{codes:?}");
    assert_eq!(
        Stock::of(&caller, "ticket"),
        Stock::new("sold_out", 10, 0, 10)
    );
}

#[test]
fn killed_under_transfers_it_leaves_none_half_done() {
    let data = tempfile::tempdir().unwrap();
    let wanted = Transfers {
        transfers: 4_000,
        members: 40,
        connections: 32,
        kills: 6,
        seed: 7,
    };
    let (server, moved) = transfers(data.path(), &wanted, &|_| ());
    println!("{moved:?}");
    assert_eq!(moved.kills, wanted.kills);
    assert!(moved.unknown > 0, "no kill came in the middle of a request");
    assert!(moved.refused > 0, "everybody always had enough");
    assert_eq!(server.terminate().0.code(), Some(0));
}
