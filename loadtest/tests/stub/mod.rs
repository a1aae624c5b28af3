//! A server that speaks as much of the wire contract as the load needs, strictly, and misbehaves when told to. It runs on a
//! thread of its own on a free port of the loopback interface, and ends with the process.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::time::Duration;

use http_body_util::{BodyExt, Full};
use hyper::body::{Bytes, Incoming};
use hyper::header::{CONNECTION, HeaderValue};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::time::{Instant, sleep_until};

/// The key that is accepted.
pub(crate) const KEY: &str = "a-key-of-at-least-thirty-two-characters";

/// What it does wrong. Requests of the load are counted from 1; the setup is always treated well.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Faults {
    /// From the first of these requests on, nothing at all is answered for so long.
    pub(crate) stall: Option<(u64, Duration)>,
    /// Every so many requests, 503 `overloaded`.
    pub(crate) overloaded_every: Option<u64>,
    /// That is said after so long.
    pub(crate) overloaded_after: Duration,
    /// Every so many requests, 500 without a code.
    pub(crate) broken_every: Option<u64>,
    /// Every so many requests, the connection is closed without an answer.
    pub(crate) hang_up_every: Option<u64>,
    /// Every so many requests, the connection is closed after the answer.
    pub(crate) close_every: Option<u64>,
    /// Redemptions of more points than this are refused with `insufficient_points`.
    pub(crate) redeem_max: Option<u64>,
    /// So many more units are sold than there are.
    pub(crate) oversold: u64,
    /// Nobody looks at the limit per member.
    pub(crate) unlimited: bool,
    /// Every so many requests, the answer to an accepted reservation is that there is none left.
    pub(crate) denied_every: Option<u64>,
    /// The endpoints under `/debug` exist.
    pub(crate) debug_endpoints: bool,
}

/// What it has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) merchants: HashSet<String>,
    pub(crate) enrolled: HashSet<String>,
    /// Requests of the load, without setup and probe.
    pub(crate) requests: u64,
    /// Commands of the load by type.
    pub(crate) commands: HashMap<String, u64>,
    pub(crate) refused: u64,
    pub(crate) noop: u64,
    /// Commands whose request id had been there.
    pub(crate) replayed: u64,
    /// What a good client does not send.
    pub(crate) complaints: Vec<String>,
    request_ids: HashSet<String>,
    open_holds: HashSet<String>,
    /// By SKU: the document, and who has how many.
    pub(crate) stock: HashMap<String, (Value, HashMap<String, u64>)>,
    stalled_until: Option<Instant>,
}

pub(crate) struct Stub {
    address: SocketAddr,
    seen: Arc<Mutex<Seen>>,
}

impl Stub {
    pub(crate) fn start(faults: Faults) -> Self {
        let seen = Arc::new(Mutex::new(Seen::default()));
        let (sender, address) = mpsc::channel();
        let shared = Arc::clone(&seen);
        std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async move {
                let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
                sender
                    .send(listener.local_addr().expect("an address"))
                    .expect("the test is there");
                loop {
                    let (stream, _) = listener.accept().await.expect("a connection");
                    stream.set_nodelay(true).expect("no delay");
                    let seen = Arc::clone(&shared);
                    let service =
                        service_fn(move |request| serve(request, Arc::clone(&seen), faults));
                    tokio::spawn(
                        http1::Builder::new().serve_connection(TokioIo::new(stream), service),
                    );
                }
            });
        });
        Self {
            address: address.recv().expect("the server started"),
            seen,
        }
    }

    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(crate) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().expect("the server did not panic")
    }
}

type Answer = (StatusCode, Value);

async fn serve(
    request: Request<Incoming>,
    seen: Arc<Mutex<Seen>>,
    faults: Faults,
) -> Result<Response<Full<Bytes>>, &'static str> {
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
            .map(str::to_owned)
    };
    let path = parts.uri.path().to_owned();
    let wait;
    let mut closing = false;
    let answer = {
        let mut seen = seen.lock().expect("no panic before");
        if header("authorization").as_deref() != Some(&format!("Bearer {KEY}")) {
            wait = None;
            problem(401, "unauthenticated")
        } else if parts.method == Method::POST && !is_setup(&body) {
            seen.requests += 1;
            if faults
                .hang_up_every
                .is_some_and(|every| seen.requests.is_multiple_of(every))
            {
                return Err("hanging up");
            }
            if let Some((_, span)) = faults.stall.filter(|(from, _)| *from == seen.requests) {
                seen.stalled_until = Some(Instant::now() + span);
            }
            let is_overloaded = faults
                .overloaded_every
                .is_some_and(|every| seen.requests.is_multiple_of(every));
            wait = if is_overloaded {
                Some(Instant::now() + faults.overloaded_after)
            } else {
                seen.stalled_until
            };
            closing = faults
                .close_every
                .is_some_and(|every| seen.requests.is_multiple_of(every));
            seen.load(&path, header("idempotency-key"), &body, faults)
        } else {
            wait = None;
            seen.other(&parts.method, &path, &body, faults)
        }
    };
    if let Some(until) = wait {
        sleep_until(until).await;
    }
    let (status, value) = answer;
    let mut response = Response::new(Full::new(Bytes::from(value.to_string())));
    if closing {
        response
            .headers_mut()
            .insert(CONNECTION, HeaderValue::from_static("close"));
    }
    *response.status_mut() = status;
    Ok(response)
}

fn is_setup(body: &[u8]) -> bool {
    body.starts_with(b"[{\"id\":\"load-")
}

fn status(code: u16) -> StatusCode {
    StatusCode::from_u16(code).expect("a status")
}

fn problem(code: u16, name: &str) -> Answer {
    (
        status(code),
        json!({ "type": format!("/problems/{name}"), "status": code, "code": name, "reasons": [{ "code": name }] }),
    )
}

impl Seen {
    fn other(&mut self, method: &Method, path: &str, body: &[u8], faults: Faults) -> Answer {
        match (method, path.strip_prefix("/v1/merchants/")) {
            (&Method::PUT, Some(merchant)) => {
                self.merchants.insert(merchant.to_owned());
                (StatusCode::OK, json!({ "status": "accepted" }))
            }
            (&Method::GET, Some(_)) => problem(404, "merchant_not_found"),
            _ => match path.strip_prefix("/v1/stock/") {
                Some(sku) => self.stock(method, sku, body),
                None => self.array(body, faults),
            },
        }
    }

    fn stock(&mut self, method: &Method, sku: &str, body: &[u8]) -> Answer {
        if method == Method::PUT {
            let document = serde_json::from_slice(body).unwrap_or_default();
            self.stock
                .insert(sku.to_owned(), (document, HashMap::new()));
            return (
                StatusCode::CREATED,
                json!({ "status": "accepted", "version": 1 }),
            );
        }
        let Some((document, buyers)) = self.stock.get(sku) else {
            return problem(404, "sku_not_found");
        };
        let total = document["units"].as_u64().unwrap_or_default();
        let reserved: u64 = buyers.values().sum();
        let available = total.saturating_sub(reserved);
        let state = if available == 0 { "sold_out" } else { "open" };
        let units = json!({ "total": total, "available": available, "returning": 0, "reserved": reserved, "sold": 0 });
        (
            StatusCode::OK,
            json!({ "sku": sku, "state": state, "units": units }),
        )
    }

    /// Why a reservation is refused, if it is.
    fn reserve(&mut self, command: &Value, faults: Faults) -> Option<&'static str> {
        let text = |field: &str| command[field].as_str().unwrap_or_default();
        let quantity = command["quantity"].as_u64().unwrap_or_default();
        let Some((document, buyers)) = self.stock.get_mut(text("sku")) else {
            return Some("sku_not_found");
        };
        let limit = document["per_member_limit"].as_u64().unwrap_or(u64::MAX);
        let units = document["units"].as_u64().unwrap_or_default() + faults.oversold;
        let has = buyers.get(text("member")).copied().unwrap_or_default();
        if has + quantity > limit && !faults.unlimited {
            return Some("member_limit_reached");
        }
        if buyers.values().sum::<u64>() + quantity > units {
            return Some("sold_out");
        }
        *buyers.entry(text("member").to_owned()).or_default() += quantity;
        let denied = faults.denied_every;
        denied
            .is_some_and(|every| self.requests.is_multiple_of(every))
            .then_some("sold_out")
    }

    fn load(&mut self, path: &str, key: Option<String>, body: &[u8], faults: Faults) -> Answer {
        let every =
            |every: Option<u64>| every.is_some_and(|every| self.requests.is_multiple_of(every));
        if every(faults.overloaded_every) {
            return problem(503, "overloaded");
        }
        if every(faults.broken_every) {
            return (StatusCode::INTERNAL_SERVER_ERROR, json!("oops"));
        }
        if path.starts_with("/debug/") && faults.debug_endpoints {
            self.noop += 1;
            let commands = serde_json::from_slice::<Vec<Value>>(body).unwrap_or_default();
            let answers: Vec<_> = commands
                .iter()
                .map(|_| json!({ "status": "accepted" }))
                .collect();
            return if path.ends_with("/commands") {
                (status(200), json!(answers))
            } else {
                (status(201), json!({}))
            };
        }
        if path == "/v1/commands" {
            return self.array(body, faults);
        }
        let kind = match path.strip_prefix("/v1/") {
            Some("earns") => "earn",
            Some("redemptions") => "redeem",
            Some("holds") => "hold",
            Some("reservations") => "reserve",
            Some("transfers") => "transfer",
            Some(other) if other.ends_with("/capture") => "capture",
            _ => return problem(404, "no_such_path"),
        };
        let mut command: Value = serde_json::from_slice(body).unwrap_or_default();
        command["type"] = json!(kind);
        command["id"] = json!(key);
        if let Some(hold) = path
            .strip_prefix("/v1/holds/")
            .and_then(|rest| rest.strip_suffix("/capture"))
        {
            command["hold"] = json!(hold);
        }
        let answer = self.decide(&command, faults);
        match answer["code"].as_str() {
            Some(code @ "sold_out") => problem(409, code),
            Some(code) => problem(422, code),
            None => (StatusCode::CREATED, answer),
        }
    }

    fn array(&mut self, body: &[u8], faults: Faults) -> Answer {
        let Ok(commands) = serde_json::from_slice::<Vec<Value>>(body) else {
            return problem(400, "malformed");
        };
        let answers = commands
            .iter()
            .map(|command| self.decide(command, faults))
            .collect();
        (StatusCode::OK, Value::Array(answers))
    }

    fn decide(&mut self, command: &Value, faults: Faults) -> Value {
        let text = |field: &str| command[field].as_str().unwrap_or_default().to_owned();
        let (id, kind, member, hold) = (text("id"), text("type"), text("member"), text("hold"));
        if id.is_empty() || id.len() > 64 {
            self.complaints.push(format!("request id '{id}'"));
        }
        let is_new = self.request_ids.insert(id.clone());
        self.replayed += u64::from(!is_new);
        if !id.starts_with("load-") {
            *self.commands.entry(kind.clone()).or_default() += 1;
        }
        let mut answer = json!({ "id": id, "type": kind, "status": "accepted", "balance": { "available": 1, "held": 0 } });
        match kind.as_str() {
            "enrol" => {
                self.enrolled.insert(member);
            }
            "capture" if self.open_holds.remove(&hold) => answer["captured"] = json!(1),
            "capture" => self.complaints.push(format!("capture of '{hold}'")),
            _ if !self.enrolled.contains(&member) => {
                self.complaints.push(format!("{kind} of '{member}'"));
            }
            "reserve" => match self.reserve(command, faults) {
                Some(code) => {
                    self.refused += 1;
                    answer["status"] = json!("refused");
                    answer["code"] = json!(code);
                }
                None => answer["reservation"] = json!("r:1"),
            },
            "transfer" if member != text("to") && self.enrolled.contains(&text("to")) => {}
            _ if !self.merchants.contains(&text("merchant")) => {
                self.complaints.push(format!("{kind} at nobody's"));
            }
            "hold" => {
                let hold = format!("h:{}", self.request_ids.len());
                answer["hold"] = json!(hold);
                self.open_holds.insert(hold);
            }
            "redeem"
                if faults
                    .redeem_max
                    .is_some_and(|max| command["points"].as_u64() > Some(max)) =>
            {
                self.refused += 1;
                answer["status"] = json!("refused");
                answer["code"] = json!("insufficient_points");
            }
            "earn" | "redeem" => {}
            _ => self.complaints.push(format!("a {kind}")),
        }
        answer
    }
}
