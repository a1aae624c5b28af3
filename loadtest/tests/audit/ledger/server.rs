//! The books behind HTTP, with a service time and faults of the line if wanted.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::time::{Duration, Instant};

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::sleep_until;

use super::books::{Books, Lies};

/// The key that is accepted.
pub(crate) const KEY: &str = "a-key-of-at-least-thirty-two-characters";

/// How the server answers. Requests of the load are counted from 1; only they are treated so.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Behaviour {
    pub(crate) lies: Lies,
    /// Every so many requests, the connection is closed before anything is done.
    pub(crate) loses_requests_every: Option<u64>,
    /// Every so many requests, the connection is closed when everything is done, instead of an answer.
    pub(crate) loses_answers_every: Option<u64>,
    /// Serves one request after the other, each for so long.
    pub(crate) service: Duration,
    /// From this request on, nothing is answered for so long.
    pub(crate) freeze: Option<(u64, Duration)>,
    /// From this request on it is no server any more, to nobody, or not for a while.
    pub(crate) ends: Option<(u64, End)>,
}

/// What becomes of a server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum End {
    /// It is stopped: takes connections and requests, and never answers.
    Silence,
    /// It is dead: every connection breaks.
    Death,
    /// It is half dead: what is read is answered, every other connection breaks.
    ReadsOnly,
    /// It stands still for so long, and goes on.
    Stall(Duration),
}

/// A request of the load as the server saw it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Answered {
    pub(crate) connection: u64,
    pub(crate) came: Instant,
    pub(crate) answered: Instant,
}

struct State {
    behaviour: Behaviour,
    books: Books,
    requests: u64,
    /// The commands of the load that came, lost ones too: whoever asks for one again is not the load.
    came: BTreeSet<String>,
    /// When the server has time for the next request.
    free_at: Instant,
    ended_at: Option<Instant>,
    answered: Vec<Answered>,
}

pub(crate) struct Ledger {
    address: SocketAddr,
    state: Arc<Mutex<State>>,
}

impl Ledger {
    pub(crate) fn start(behaviour: Behaviour) -> Self {
        let state = Arc::new(Mutex::new(State {
            behaviour,
            books: Books::new(behaviour.lies),
            requests: 0,
            came: BTreeSet::new(),
            free_at: Instant::now(),
            ended_at: None,
            answered: Vec::new(),
        }));
        let (sender, address) = mpsc::channel();
        let shared = Arc::clone(&state);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(accept(&shared, &sender));
        });
        Self {
            address: address.recv().expect("the server started"),
            state,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Commands of the load that were decided, each once.
    pub(crate) fn commands(&self) -> u64 {
        lock(&self.state).books.commands
    }

    /// The requests of the load, in the order of their answers.
    pub(crate) fn answered(&self) -> Vec<Answered> {
        lock(&self.state).answered.clone()
    }
}

fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().expect("the server did not panic")
}

async fn accept(state: &Arc<Mutex<State>>, sender: &mpsc::Sender<SocketAddr>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("an address");
    sender.send(address).expect("the test is there");
    for connection in 0.. {
        let (stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("no delay");
        let state = Arc::clone(state);
        let service = service_fn(move |request| serve(request, connection, Arc::clone(&state)));
        tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), service));
    }
}

type Answer = (StatusCode, Value);

async fn serve(
    request: Request<Incoming>,
    connection: u64,
    state: Arc<Mutex<State>>,
) -> Result<Response<Full<Bytes>>, &'static str> {
    let came = Instant::now();
    let (parts, body) = request.into_parts();
    let body = body
        .collect()
        .await
        .map_err(|_| "the body did not come")?
        .to_bytes();
    let header = |name| {
        parts
            .headers
            .get(name)
            .and_then(|value| value.to_str().ok())
    };
    if header("authorization") != Some(&format!("Bearer {KEY}")) {
        return Ok(response(problem(401, "unauthenticated")));
    }
    let (path, query) = (parts.uri.path(), parts.uri.query().unwrap_or_default());
    let end = lock(&state).end();
    match end {
        Some((_, End::Silence)) => std::future::pending::<()>().await,
        Some((since, End::Stall(span))) => sleep_until((since + span).into()).await,
        Some((_, End::ReadsOnly)) if parts.method == Method::GET => {}
        Some((_, End::Death | End::ReadsOnly)) => return Err("gone"),
        None => {}
    }
    if parts.method != Method::POST {
        return Ok(response(lock(&state).look(
            &parts.method,
            path,
            query,
            &body,
        )));
    }
    let commands = commands(path, header("idempotency-key"), &body);
    let (nth, until) = {
        let mut state = lock(&state);
        if !state.is_load(&commands) {
            return Ok(response(state.decide(path, &commands)));
        }
        let ids = commands.iter().filter_map(|command| command["id"].as_str());
        state.came.extend(ids.map(str::to_owned));
        state.turn(came)
    };
    sleep_until(until.into()).await;
    let mut state = lock(&state);
    let is_nth = |every: Option<u64>| every.is_some_and(|every| nth.is_multiple_of(every));
    let (lost_request, lost_answer) = (
        is_nth(state.behaviour.loses_requests_every),
        is_nth(state.behaviour.loses_answers_every),
    );
    if lost_request {
        return Err("hanging up");
    }
    let answer = state.decide(path, &commands);
    state.answered.push(Answered {
        connection,
        came,
        answered: Instant::now(),
    });
    if lost_answer {
        Err("hanging up")
    } else {
        Ok(response(answer))
    }
}

/// The commands of a request: of an array, or that of a one-command endpoint.
fn commands(path: &str, id: Option<&str>, body: &[u8]) -> Vec<Value> {
    let value: Value = serde_json::from_slice(body).unwrap_or_default();
    if let Value::Array(commands) = value {
        return commands;
    }
    let mut command = value;
    let (kind, hold) = match path.strip_prefix("/v1/").unwrap_or_default() {
        "earns" => ("earn", None),
        "redemptions" => ("redeem", None),
        "holds" => ("hold", None),
        "reservations" => ("reserve", None),
        "transfers" => ("transfer", None),
        other => (
            "capture",
            other
                .strip_prefix("holds/")
                .and_then(|rest| rest.strip_suffix("/capture")),
        ),
    };
    command["type"] = json!(kind);
    command["id"] = json!(id);
    if let Some(hold) = hold {
        command["hold"] = json!(hold);
    }
    vec![command]
}

impl State {
    /// Neither setup nor audit, both of which are served at once.
    fn is_load(&self, commands: &[Value]) -> bool {
        let first = commands.first().and_then(|command| command["id"].as_str());
        first.is_some_and(|id| !id.starts_with("load-") && !self.came.contains(id))
    }

    /// What has become of the server, and since when, if it is none any more.
    fn end(&mut self) -> Option<(Instant, End)> {
        let (from, end) = self.behaviour.ends?;
        (self.requests >= from).then(|| {
            let since = *self.ended_at.get_or_insert_with(Instant::now);
            (since, end)
        })
    }

    /// Takes a place in the queue, and tells which it is and when the request is served.
    fn turn(&mut self, came: Instant) -> (u64, Instant) {
        self.requests += 1;
        let mut from = self.free_at.max(came);
        if let Some((_, span)) = self
            .behaviour
            .freeze
            .filter(|(nth, _)| *nth == self.requests)
        {
            from += span;
        }
        self.free_at = from + self.behaviour.service;
        (self.requests, self.free_at)
    }

    fn decide(&mut self, path: &str, commands: &[Value]) -> Answer {
        let answers: Vec<Value> = commands
            .iter()
            .map(|command| self.books.decide(command))
            .collect();
        match answers.first() {
            Some(answer) if path != "/v1/commands" => single(answer),
            _ => (StatusCode::OK, Value::Array(answers)),
        }
    }

    fn look(&mut self, method: &Method, path: &str, query: &str, body: &[u8]) -> Answer {
        let parts: Vec<&str> = path.trim_start_matches("/v1/").split('/').collect();
        let query = |name: &str| {
            let mut pairs = query.split('&').filter_map(|pair| pair.split_once('='));
            pairs.find(|(key, _)| *key == name).map(|(_, value)| value)
        };
        let books = &mut self.books;
        let found = match (method, parts.as_slice()) {
            (&Method::PUT, ["merchants", merchant]) => {
                books.put_merchant(merchant);
                Some(json!({ "status": "accepted" }))
            }
            (&Method::PUT, ["stock", sku]) => {
                books.put_stock(sku, serde_json::from_slice(body).unwrap_or_default());
                Some(json!({ "status": "accepted" }))
            }
            (_, ["stock", sku]) => books.sku(sku),
            (_, ["members", member]) => books.member(member),
            (_, ["members", member, "statement"]) => {
                let from = query("cursor").and_then(|cursor| cursor.parse().ok());
                books.statement(member, from.unwrap_or_default())
            }
            (_, ["members", _, "requests", id]) => {
                let answer = books.request(id);
                return answer.map_or_else(
                    || problem(404, "request_not_found"),
                    |answer| (StatusCode::OK, answer),
                );
            }
            (_, ["merchants", merchant, "transactions"]) => {
                books.movements(merchant, query("from").unwrap_or_default())
            }
            _ => None,
        };
        found.map_or_else(
            || problem(404, "not_found"),
            |found| (StatusCode::OK, found),
        )
    }
}

/// The answer of a one-command endpoint.
fn single(answer: &Value) -> Answer {
    let Some(code) = answer["code"].as_str() else {
        return (StatusCode::CREATED, answer.clone());
    };
    let (status, mut document) = problem(if code == "sold_out" { 409 } else { 422 }, code);
    for field in ["offset", "at", "reasons", "replayed"] {
        document[field] = answer[field].clone();
    }
    (status, document)
}

fn problem(status: u16, code: &str) -> Answer {
    let document = json!({ "type": format!("/problems/{code}"), "status": status, "code": code });
    (StatusCode::from_u16(status).expect("a status"), document)
}

fn response((status, value): Answer) -> Response<Full<Bytes>> {
    let mut response = Response::new(Full::new(Bytes::from(value.to_string())));
    *response.status_mut() = status;
    response
}
