//! Refusals as problem documents (RFC 9457).

use std::fmt;

use actix_web::{
    HttpResponse, ResponseError,
    body::BoxBody,
    http::{
        StatusCode,
        header::{ALLOW, RETRY_AFTER, WWW_AUTHENTICATE},
    },
};
use jifen_engine::{
    EngineError, Outcome,
    ledger::{Offset, Refusal, Text, UnixMillis, Verdict},
};

use super::keys::rate_limit_headers;
use crate::{
    access::Exceeded,
    wire::{
        Invalid, encode_reason, encode_refusal, instant_text,
        json::Json,
        wording::{self, Wording},
    },
};

/// What a client with a retryable refusal should wait, in seconds.
const RETRY_AFTER_SECONDS: &str = "1";

/// Why a request is not answered with what it asked for.
#[derive(Debug)]
pub struct Problem(Box<Inner>);

#[derive(Debug)]
struct Inner {
    wording: &'static Wording,
    request_id: Option<String>,
    what: What,
}

/// What there is to tell beside the code.
#[derive(Debug)]
enum What {
    Nothing,
    Invalid(Invalid),
    Refused(Refusal, Option<Record>),
    Methods(String),
    RateLimited(Exceeded),
}

/// Where and when a "no" was recorded.
#[derive(Debug)]
struct Record {
    offset: Offset,
    at: UnixMillis,
    replayed: bool,
    reference: Option<Text>,
}

impl Problem {
    fn new(wording: &'static Wording, what: What) -> Self {
        Self(Box::new(Inner {
            wording,
            request_id: None,
            what,
        }))
    }

    /// The methods that an endpoint does have.
    pub(super) fn method_not_allowed(methods: String) -> Self {
        Self::new(&wording::METHOD_NOT_ALLOWED, What::Methods(methods))
    }

    /// Too much was asked for.
    pub(super) fn rate_limited(exceeded: Exceeded) -> Self {
        Self::new(&wording::RATE_LIMITED, What::RateLimited(exceeded))
    }

    /// What became of the command `id`, if it was not accepted.
    pub(super) fn of(outcome: &Outcome, id: &str) -> Option<Self> {
        let problem = match outcome {
            Ok(Ok(answer)) => match &answer.verdict {
                Verdict::Accepted(_) => return None,
                Verdict::Refused(refusal) => {
                    let record = Record {
                        offset: answer.offset,
                        at: answer.at,
                        replayed: answer.replayed,
                        reference: answer.reference.clone(),
                    };
                    Self::refused(refusal, Some(record))
                }
            },
            Ok(Err(declined)) => Self::refused(&declined.refusal, None),
            Err(error) => (*error).into(),
        };
        Some(problem.about(id))
    }

    fn refused(refusal: &Refusal, record: Option<Record>) -> Self {
        let wording = wording::of_code(refusal.code());
        Self::new(wording, What::Refused(refusal.clone(), record))
    }

    /// The code that it is told by.
    pub(super) const fn code(&self) -> &'static str {
        self.0.wording.code
    }

    /// Whether it was told before.
    pub(super) fn is_replayed(&self) -> bool {
        matches!(&self.0.what, What::Refused(_, Some(record)) if record.replayed)
    }

    /// The same, with the request id that it is about.
    pub(crate) fn about(mut self, request_id: &str) -> Self {
        self.0.request_id = Some(request_id.to_owned());
        self
    }

    /// The problem document.
    pub(crate) fn encode(&self) -> Vec<u8> {
        let Inner {
            wording,
            request_id,
            what,
        } = &*self.0;
        let mut out = Vec::with_capacity(512);
        let mut json = Json::new(&mut out);
        json.raw(br#"{"type":"/problems/"#).name(wording.code);
        json.raw(br#"","title":"#).text(wording.title);
        json.raw(br#","status":"#).number(u64::from(wording.status));
        json.raw(br#","detail":"#).text(wording.detail);
        json.raw(br#","code":""#).name(wording.code);
        json.raw(br#"","retryable":"#).bool(wording.retryable);
        json.raw(br#","request_id":"#).serialized(request_id);
        let record = match what {
            What::Refused(_, record) => record.as_ref(),
            _ => None,
        };
        json.raw(br#","replayed":"#)
            .bool(record.is_some_and(|record| record.replayed));
        if let Some(record) = record {
            json.raw(br#","offset":""#)
                .number(u64::from(record.offset.shard.0));
            json.raw(b":").number(record.offset.seq.0);
            json.raw(br#"","at":""#)
                .raw(&instant_text(record.at))
                .raw(b"\"");
            if let Some(reference) = &record.reference {
                json.raw(br#","reference":"#).text(reference.as_str());
            }
        }
        match what {
            What::Refused(refusal, _) => encode_refusal(refusal, &mut json),
            What::RateLimited(exceeded) => encode_excess(exceeded, wording, &mut json),
            _ => encode_reason(wording, &mut json),
        }
        if let What::Invalid(invalid) = what {
            json.raw(br#","errors":"#).serialized(&invalid.errors);
        }
        json.raw(b"}");
        out
    }
}

/// What is left, and how much was asked for; of a batch that is always too large, how large one may be.
fn encode_excess(exceeded: &Exceeded, wording: &Wording, json: &mut Json<'_>) {
    let standing = &exceeded.standing;
    let limit = if exceeded.is_too_much() {
        standing.limit.burst.get()
    } else {
        standing.left
    };
    json.raw(br#","reasons":[{"code":""#).name(wording.code);
    json.raw(br#"","limit":"#).number(u64::from(limit));
    json.raw(br#","requested":"#)
        .number(u64::from(exceeded.asked));
    json.raw(br#","frees_at":null}]"#);
}

impl Problem {
    /// The whole answer of HTTP/1.1, for a connection that is closed after it.
    pub(super) fn as_last_words(&self) -> Vec<u8> {
        let status = self.status_code();
        let retry_after = match status {
            StatusCode::SERVICE_UNAVAILABLE => format!("retry-after: {RETRY_AFTER_SECONDS}\r\n"),
            _ => String::new(),
        };
        let body = self.encode();
        let length = body.len();
        let head = format!(
            "HTTP/1.1 {status}\r\nconnection: close\r\n{retry_after}content-type: application/problem+json\r\n\
             content-length: {length}\r\n\r\n"
        );
        [head.as_bytes(), &body].concat()
    }
}

impl From<&'static Wording> for Problem {
    fn from(wording: &'static Wording) -> Self {
        Self::new(wording, What::Nothing)
    }
}

impl From<EngineError> for Problem {
    fn from(error: EngineError) -> Self {
        wording::of_error(error).into()
    }
}

impl From<Invalid> for Problem {
    fn from(invalid: Invalid) -> Self {
        Self::new(invalid.code.wording(), What::Invalid(invalid))
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0.wording.title)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        StatusCode::from_u16(self.0.wording.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    fn error_response(&self) -> HttpResponse<BoxBody> {
        let mut response = HttpResponse::build(self.status_code());
        response.content_type("application/problem+json");
        if self.0.wording.status == 408 {
            // The rest of the request may still come, and nobody would know what it belongs to.
            response.force_close();
        }
        if self.0.wording.passes_by_itself() {
            response.insert_header((RETRY_AFTER, RETRY_AFTER_SECONDS));
        }
        if let What::RateLimited(exceeded) = &self.0.what {
            response.insert_header((RETRY_AFTER, exceeded.retry_after_seconds()));
            for header in rate_limit_headers(&exceeded.standing) {
                response.insert_header(header);
            }
        }
        if self.0.wording.status == 401 {
            response.insert_header((WWW_AUTHENTICATE, "Bearer"));
        }
        if let What::Methods(methods) = &self.0.what {
            response.insert_header((ALLOW, methods.as_str()));
        }
        response.body(self.encode())
    }
}
