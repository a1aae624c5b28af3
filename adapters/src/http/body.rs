//! Reading a body, with a bound and a deadline: the framework has a timer for a request's head, but none for its body.

use std::time::Duration;

use actix_web::{
    HttpMessage, HttpRequest,
    error::PayloadError,
    http::header::CONTENT_LENGTH,
    web::{Bytes, BytesMut, Payload},
};
use futures_util::StreamExt;
use tokio::time::timeout;

use super::Problem;
use crate::wire::{Invalid, wording};

/// How long a body may be, in bytes.
pub const BODY_BYTES_MAX: usize = 8 << 20;
/// How long a body may take to arrive.
pub(super) const BODY_DEADLINE: Duration = Duration::from_secs(30);
/// Room for a body before its length is known, in bytes.
const FIRST_ROOM: usize = 16 << 10;

/// What a body says it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ContentType {
    /// Nothing is said.
    Absent,
    Json,
    Lines,
    Other,
}

impl ContentType {
    pub(super) fn of(request: &HttpRequest) -> Self {
        match request.content_type() {
            "" => Self::Absent,
            said if said.eq_ignore_ascii_case("application/json") => Self::Json,
            said if said.eq_ignore_ascii_case("application/x-ndjson") => Self::Lines,
            _ => Self::Other,
        }
    }
}

/// The whole body of a JSON request. Only an empty one may do without a content type.
pub(super) async fn read_json(request: &HttpRequest, payload: Payload) -> Result<Bytes, Problem> {
    let said = ContentType::of(request);
    if matches!(said, ContentType::Lines | ContentType::Other) {
        return Err((&wording::UNSUPPORTED_MEDIA_TYPE).into());
    }
    let body = read(request, payload).await?;
    if said == ContentType::Absent && !body.is_empty() {
        return Err((&wording::UNSUPPORTED_MEDIA_TYPE).into());
    }
    Ok(body)
}

/// The whole body, whatever it is.
pub(super) async fn read(request: &HttpRequest, payload: Payload) -> Result<Bytes, Problem> {
    let length = request.headers().get(CONTENT_LENGTH);
    let length: Option<usize> = length.and_then(|text| text.to_str().ok()?.parse().ok());
    if length.is_some_and(|length| length > BODY_BYTES_MAX) {
        return Err((&wording::BODY_TOO_LARGE).into());
    }
    match timeout(BODY_DEADLINE, gather(payload, length)).await {
        Ok(body) => body,
        Err(_) => Err((&wording::REQUEST_TIMEOUT).into()),
    }
}

async fn gather(mut payload: Payload, length: Option<usize>) -> Result<Bytes, Problem> {
    let Some(first) = payload.next().await.transpose().map_err(broken)? else {
        return Ok(Bytes::new());
    };
    // Most bodies come in one piece and need no copy.
    if length == Some(first.len()) {
        return Ok(first);
    }
    let mut body = BytesMut::with_capacity(length.unwrap_or(FIRST_ROOM).max(first.len()));
    body.extend_from_slice(&first);
    while let Some(piece) = payload.next().await.transpose().map_err(broken)? {
        if body.len() + piece.len() > BODY_BYTES_MAX {
            return Err((&wording::BODY_TOO_LARGE).into());
        }
        body.extend_from_slice(&piece);
    }
    Ok(body.freeze())
}

/// A body that ends early or is framed wrongly. Mostly nobody is left to hear of it.
fn broken(error: PayloadError) -> Problem {
    match error {
        PayloadError::Overflow => (&wording::BODY_TOO_LARGE).into(),
        other => Invalid::malformed(other).into(),
    }
}
