//! Reading a body, with a bound and a deadline: the framework has a timer for a request's head, but none for its body.

use actix_web::{
    HttpMessage, HttpRequest,
    error::PayloadError,
    http::header::{CONTENT_ENCODING, CONTENT_LENGTH},
    web::{Bytes, BytesMut, Data, Payload},
};
use futures_util::StreamExt;
use jifen_engine::EngineError;
use tokio::time::timeout;

use super::{
    Bounds, Problem, State,
    edge::{Edge, Room},
};
use crate::wire::{Invalid, wording};

/// How long a body may be, in bytes.
pub const BODY_BYTES_MAX: usize = 8 << 20;
/// Room for a body before more of it has arrived, in bytes: what a client announces it may never send.
const FIRST_ROOM: usize = 64 << 10;

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
    /// A compressed one is of no type that is taken, whatever it says.
    pub(super) fn of(request: &HttpRequest) -> Self {
        let mut encodings = request.headers().get_all(CONTENT_ENCODING);
        if encodings.any(|encoding| !encoding.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Self::Other;
        }
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
    let edge = edge(request);
    match timeout(edge.bounds().body, gather(payload, length, edge.room())).await {
        Ok(body) => body,
        Err(_) => Err((&wording::REQUEST_TIMEOUT).into()),
    }
}

/// Takes in a small body without looking at it, for a request that is refused before its body counts. A connection with
/// an unread body is closed, and a client that is told to come again would have to connect again.
pub(super) async fn pass_over(request: &HttpRequest, mut payload: Payload) {
    let length = request.headers().get(CONTENT_LENGTH);
    let length: Option<usize> = length.and_then(|text| text.to_str().ok()?.parse().ok());
    if length.is_some_and(|length| length <= FIRST_ROOM) {
        let deadline = edge(request).bounds().body;
        // Whatever comes of it, the request is refused.
        let _ = timeout(deadline, async {
            while let Some(Ok(_)) = payload.next().await {}
        })
        .await;
    }
}

fn edge(request: &HttpRequest) -> Edge {
    match request.app_data::<Data<State>>() {
        Some(state) => state.edge.clone(),
        None => Edge::new(Bounds::default()),
    }
}

async fn gather(
    mut payload: Payload,
    length: Option<usize>,
    mut room: Room,
) -> Result<Bytes, Problem> {
    let Some(first) = payload.next().await.transpose().map_err(broken)? else {
        return Ok(Bytes::new());
    };
    // Most bodies come in one piece and need no copy.
    if length == Some(first.len()) {
        return Ok(first);
    }
    let expected = length.unwrap_or(FIRST_ROOM).min(FIRST_ROOM);
    let mut body = BytesMut::with_capacity(expected.max(first.len()));
    body.extend_from_slice(&first);
    while let Some(piece) = payload.next().await.transpose().map_err(broken)? {
        if body.len() + piece.len() > BODY_BYTES_MAX {
            return Err((&wording::BODY_TOO_LARGE).into());
        }
        if !room.grow_to(body.len() + piece.len()) {
            return Err(EngineError::Overloaded.into());
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
