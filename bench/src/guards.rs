//! What stands between a client and the engine, put in place one by one: limits, metrics and tracing. Keys are always
//! there, since a server has no way past them; what they cost is measured by itself.

use std::{
    hint::black_box,
    io,
    sync::Once,
    time::{Duration, Instant},
};

use actix_web::{HttpRequest, test::TestRequest, web::Data};
use jifen_adapters::{
    access::{Digest, KeyBook, KeyRecord, Keyring, Limit, Role},
    http::Tracing,
};
use jifen_engine::ledger::Principal;

/// What every request shows.
pub(crate) const KEY: &str = "a-key-that-is-long-enough-for-a-bench";
/// A limit that is never reached costs the same as one that is.
const RATE: &str = "100000000/s";
/// One request in so many is traced, as a busy server would have it.
const TRACED_ONE_IN: u32 = 1_000;

/// Which guards are in place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Guards {
    /// The principal has a limit.
    pub limits: bool,
    /// Everything is counted and measured.
    pub metrics: bool,
    /// Some requests are traced, to a log that goes nowhere.
    pub tracing: bool,
}

impl Guards {
    const NONE: Self = Self {
        limits: false,
        metrics: false,
        tracing: false,
    };
    const ALL: Self = Self {
        limits: true,
        metrics: true,
        tracing: true,
    };
    /// What a server has if nothing else is said.
    pub const USUAL: Self = Self {
        metrics: true,
        ..Self::NONE
    };
    /// None of them, each by itself, and all.
    pub const STEPS: [(&'static str, Self); 5] = [
        ("keys alone", Self::NONE),
        (
            "+ limits",
            Self {
                limits: true,
                ..Self::NONE
            },
        ),
        (
            "+ metrics",
            Self {
                metrics: true,
                ..Self::NONE
            },
        ),
        (
            "+ tracing",
            Self {
                tracing: true,
                ..Self::NONE
            },
        ),
        ("+ all", Self::ALL),
    ];

    pub(crate) fn keys(self) -> Keyring {
        let mut book = KeyBook::default();
        let principal = Principal::new("bench").expect("in the alphabet");
        let key = KeyRecord {
            digest: Digest::of(KEY),
            made_at: None,
        };
        let added = book.add(&principal, &Role::Operator, key);
        assert!(added.is_ok(), "the book was empty");
        if self.limits {
            let limit = Limit::new(RATE.parse().expect("a rate"), None);
            assert!(book.limit(&principal, limit).is_ok(), "it has a key");
        }
        Keyring::new(None, &book).expect("the system has randomness")
    }

    pub(crate) fn tracing(self) -> Tracing {
        if !self.tracing {
            return Tracing { one_in: 0 };
        }
        static LOG: Once = Once::new();
        LOG.call_once(|| {
            let log = tracing_subscriber::fmt().json().with_writer(io::sink);
            // Whoever has started telling before goes on.
            let _ = log.try_init();
        });
        Tracing {
            one_in: TRACED_ONE_IN,
        }
    }
}

/// How long looking for the keys of so many requests takes, limits included if the guards have them.
#[must_use]
pub fn look_for_keys(guards: Guards, times: u64) -> Duration {
    let request: HttpRequest = TestRequest::post()
        .insert_header(("authorization", format!("Bearer {KEY}")))
        .app_data(Data::new(guards.keys()))
        .to_http_request();
    let start = Instant::now();
    for _ in 0..times {
        let keys = request.app_data::<Data<Keyring>>();
        let header = request.headers().get("authorization");
        let key = header.and_then(|header| header.to_str().ok()?.split_once(' '));
        let found = keys
            .zip(key)
            .and_then(|(keys, (_, key))| keys.identify(key));
        assert!(black_box(found).is_some(), "the key opens");
    }
    start.elapsed()
}
