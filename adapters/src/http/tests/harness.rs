//! An engine in a temporary directory behind the real routes.

use std::{
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use actix_web::{
    App,
    http::{StatusCode, header::HeaderMap},
    test::{self, TestRequest},
    web,
};
use futures_util::{FutureExt, future::LocalBoxFuture};
use jifen_engine::{
    Clock, DataDirectory, Engine, Options,
    ledger::{PointType, ShardIndex, UnixMillis, invariants::Books},
};
use serde_json::Value;
use tempfile::TempDir;

use crate::{
    access::{KeyBook, Keyring},
    http::{Bounds, Edge, State, Tracing, routes},
    openapi::tests::agreement::{self, Heard},
};

pub(crate) const KEY: &str = "0123456789abcdef0123456789abcdef";

/// Time that stands still until it is moved.
#[derive(Clone)]
pub(crate) struct HandClock(Arc<AtomicU64>);

impl HandClock {
    pub(crate) fn new() -> Self {
        Self(Arc::new(AtomicU64::new(1_795_251_600_000)))
    }

    /// Time that stands still at an instant such as `2024-06-30T12:00:00+08:00`.
    pub(crate) fn at(instant: &str) -> Self {
        let clock = Self::new();
        clock.move_to(instant);
        clock
    }

    pub(crate) fn move_to(&self, instant: &str) {
        let instant: jiff::Timestamp = instant.parse().unwrap();
        let millis = instant.as_millisecond().try_into().unwrap();
        self.0.store(millis, Ordering::Relaxed);
    }

    pub(crate) fn advance_seconds(&self, seconds: u64) {
        self.0.fetch_add(seconds * 1_000, Ordering::Relaxed);
    }
}

impl Clock for HandClock {
    fn now(&self) -> UnixMillis {
        UnixMillis(self.0.load(Ordering::Relaxed))
    }
}

pub(crate) fn options() -> Options {
    Options {
        shards: 2,
        clock: Arc::new(HandClock::new()),
        ..Options::default()
    }
}

/// What a request heard.
pub(crate) struct Told {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) text: String,
}

impl Told {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{error}: {}", self.text))
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers
            .get(name)
            .map_or("", |value| value.to_str().unwrap())
    }

    /// Status and code of a problem, after checking that it is a whole one.
    pub(crate) fn problem(&self) -> (u16, String) {
        let json = self.json();
        let status = self.status.as_u16();
        let code = json["code"]
            .as_str()
            .unwrap_or_else(|| panic!("{json}"))
            .to_owned();
        assert_eq!(self.header("content-type"), "application/problem+json");
        assert_eq!(json["type"], format!("/problems/{code}"));
        assert_eq!(json["status"], status);
        let by_status = matches!(status, 408 | 429 | 503);
        let by_code = [
            "request_in_flight",
            "sold_out",
            "pack_exhausted",
            "sale_not_open",
        ];
        let retryable = by_status || by_code.contains(&&*code);
        assert_eq!(json["retryable"], retryable, "{json}");
        let wait = self.header("retry-after");
        match (status, &*code) {
            (503, _) | (_, "request_in_flight") => assert_eq!(wait, "1"),
            (429, _) => assert!(wait.parse::<u32>().unwrap() > 0),
            _ => assert_eq!(wait, ""),
        }
        assert_eq!(json["reasons"][0]["code"], code);
        for text in ["title", "detail"] {
            assert!(
                json[text].as_str().is_some_and(|text| !text.is_empty()),
                "{json}"
            );
        }
        assert!(json["replayed"].is_boolean());
        assert!(json.get("request_id").is_some());
        (status, code)
    }
}

type Call = Box<dyn Fn(TestRequest) -> LocalBoxFuture<'static, Told>>;

/// A door with an engine behind it.
pub(crate) struct House {
    pub(crate) engine: Engine,
    /// Who may come in; the operator with [`KEY`] may always.
    pub(crate) keys: Arc<Keyring>,
    /// What may be on its way.
    pub(super) edge: Edge,
    call: Call,
    /// Nobody looks for the journal's files again, but they need a place.
    _data: TempDir,
}

impl House {
    pub(crate) async fn new(options: Options) -> Self {
        let data = tempfile::tempdir().unwrap();
        let point_type = options.rules.point_types[0].name.clone();
        let opened = DataDirectory::lock(data.path())
            .unwrap()
            .open(options)
            .unwrap();
        Self::around(opened.engine, point_type, data).await
    }

    pub(crate) async fn around(engine: Engine, point_type: PointType, data: TempDir) -> Self {
        let keys = Arc::new(Keyring::new(Some(KEY), &KeyBook::default()).unwrap());
        let edge = Edge::new(Bounds::default());
        let state = State {
            meters: Arc::default(),
            queue: None,
            publishing: None,
            tracing: Tracing::default(),
            engine: engine.clone(),
            keys: Arc::clone(&keys),
            point_type,
            edge: edge.clone(),
        };
        let app = App::new()
            .app_data(web::Data::new(state))
            .configure(|app| routes(app, true));
        let app = Rc::new(test::init_service(app).await);
        let call = move |request: TestRequest| {
            let app = Rc::clone(&app);
            let answered = async move {
                let request = request.to_request();
                let (method, uri) = (request.method().clone(), request.uri().clone());
                let response = test::call_service(&*app, request).await;
                let told = Told {
                    status: response.status(),
                    headers: response.headers().clone(),
                    text: String::from_utf8(test::read_body(response).await.to_vec()).unwrap(),
                };
                agreement::check(&Heard {
                    method: method.as_str(),
                    path: uri.path(),
                    status: told.status.as_u16(),
                    headers: &told.headers,
                    body: &told.text,
                });
                told
            };
            answered.boxed_local()
        };
        Self {
            engine,
            keys,
            edge,
            call: Box::new(call),
            _data: data,
        }
    }

    /// Sends a request as it is.
    pub(crate) async fn send(&self, request: TestRequest) -> Told {
        (self.call)(request).await
    }

    /// Sends a request with the key.
    pub(crate) async fn knock(&self, request: TestRequest) -> Told {
        self.knock_with(KEY, request).await
    }

    /// Sends a request with somebody's key.
    pub(crate) async fn knock_with(&self, key: &str, request: TestRequest) -> Told {
        self.send(request.insert_header(("authorization", format!("Bearer {key}"))))
            .await
    }

    /// Looks at something.
    pub(crate) async fn get(&self, path: &str) -> Told {
        self.knock(TestRequest::get().uri(path)).await
    }

    /// Sends one command: `"POST /v1/earns"`, its id and its body.
    pub(crate) async fn command(&self, endpoint: &str, id: &str, body: &str) -> Told {
        let (method, path) = endpoint.split_once(' ').unwrap();
        let request = TestRequest::with_uri(path)
            .method(method.parse().unwrap())
            .insert_header(("idempotency-key", id))
            .insert_header(("content-type", "application/json"))
            .set_payload(body.to_owned());
        self.knock(request).await
    }

    /// Sends one command that is accepted for the first time; tells the answer.
    pub(crate) async fn accepted(&self, endpoint: &str, id: &str, body: &str) -> Value {
        let told = self.command(endpoint, id, body).await;
        assert_eq!(told.status, 201, "{endpoint} {body}: {}", told.text);
        told.json()
    }

    /// What `m` has available, held, pending and owed of a kind of points.
    pub(crate) async fn balance(&self, point_type: &str) -> [u64; 4] {
        let member = self.get("/v1/members/m").await.json();
        let balances = member["balances"].as_array().unwrap();
        let told = balances.iter().find(|b| b["point_type"] == point_type);
        let told = told.unwrap_or_else(|| panic!("{point_type} in {member}"));
        ["available", "held", "pending", "owed"].map(|sum| told[sum].as_u64().unwrap())
    }

    /// What all shards have posted of a kind of points, after checking that their books hold.
    pub(crate) async fn books(&self, point_type: &str) -> Books {
        let mut sum = Books::default();
        for shard in (0..self.engine.router().shards()).map(ShardIndex) {
            let (_, books) = self.engine.audit(shard).await.unwrap().unwrap();
            for (_, books) in books.into_iter().filter(|(name, _)| name == point_type) {
                sum.issued += books.issued;
                sum.issued_reversed += books.issued_reversed;
                sum.accepted += books.accepted;
                sum.accepted_reversed += books.accepted_reversed;
                sum.breakage += books.breakage;
                sum.adjusted += books.adjusted;
                sum.outstanding += books.outstanding;
            }
        }
        sum
    }

    /// Sends many commands.
    pub(crate) async fn commands(&self, content_type: &str, body: &str) -> Told {
        let request = TestRequest::post()
            .uri("/v1/commands")
            .insert_header(("content-type", content_type))
            .set_payload(body.to_owned());
        self.knock(request).await
    }

    /// The merchant `shop` and the member `m` with so many points.
    pub(crate) async fn with_points(self, points: u64) -> Self {
        let merchant = self
            .command("PUT /v1/merchants/shop", "s", r#"{"name":"Shop"}"#)
            .await;
        assert_eq!(merchant.status, 201, "{}", merchant.text);
        let member = self.command("PUT /v1/members/m", "m", "").await;
        assert_eq!(member.status, 201, "{}", member.text);
        if points > 0 {
            let body = format!(r#"{{"member":"m","merchant":"shop","points":{points}}}"#);
            let earn = self.command("POST /v1/earns", "e", &body).await;
            assert_eq!(earn.status, 201, "{}", earn.text);
        }
        self
    }
}
