//! The feed as server-sent events.
//!
//! Nothing is kept for a client that does not read: its stream is read from the journal at its own pace, a page at a time.
//! One that leaves its answer alone for too long is cut off by the edge, as with any answer; it comes back with the id of
//! the last event that it has, and goes on behind it. That id is a place in the journal of all shards; the event in it has its
//! own id, which is the offset.

mod level;
mod sieve;

use std::{convert::Infallible, sync::Arc, time::Duration};

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{CACHE_CONTROL, HeaderName},
    web::{Bytes, Data},
};
use futures_util::stream::unfold;
use jifen_engine::{
    EngineError,
    feed::{Cursor, Events, FeedError, Reader},
    ledger::{Code, SkuId},
};
use tokio::time::{Instant, sleep, timeout_at};

use self::{
    level::{EVERY, Folding},
    sieve::{Chosen, Own, Sieve},
};
use super::{Client, Problem, State, edge::Following, routes, statement::pairs};
use crate::{
    access::{Action, Read, Right},
    wire::{
        EVENTS_FIELDS, Invalid, STOCK_EVENTS_FIELDS, decode_events_query, encode_level,
        json::Json,
        wording::{self, Wording, of_code, of_error},
    },
};

/// The header in which a client tells what it has.
const LAST_EVENT_ID: HeaderName = HeaderName::from_static("last-event-id");
/// How long a stream is silent at most: others on the way take a silent connection for a dead one.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// Everything that was decided, as far as the client may see it.
pub(super) async fn events(
    request: HttpRequest,
    client: Client,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    client.may(Action::Read(Read::Events))?;
    follow(&request, client, state, Read::Events, None)
}

/// What was decided about a sale.
pub(super) async fn stock_events(
    request: HttpRequest,
    client: Client,
    state: Data<State>,
) -> Result<HttpResponse, Problem> {
    const READ: Action = Action::Read(Read::StockEvents);
    client.may(READ)?;
    let sku = routes::object(&request).unwrap_or_default();
    let sku = SkuId::new(sku).map_err(|error| Invalid::field("/sku", error))?;
    let view = state.engine.stock(sku.clone()).await?;
    let view = client.seen(READ, view, |view| Some(view.terms.merchant.as_str()));
    view.ok_or_else(|| of_code(Code::SkuNotFound))?;
    follow(&request, client, state, Read::StockEvents, Some(sku))
}

fn follow(
    request: &HttpRequest,
    client: Client,
    state: Data<State>,
    read: Read,
    sku: Option<SkuId>,
) -> Result<HttpResponse, Problem> {
    let last = request.headers().get(LAST_EVENT_ID);
    // What is no text is no id either.
    let last = last.map(|last| last.to_str().unwrap_or("?"));
    let known = match sku {
        Some(_) => &STOCK_EVENTS_FIELDS[..],
        None => &EVENTS_FIELDS[..],
    };
    let query = decode_events_query(&pairs(request)?, known, last)?;
    let feed = state.engine.feed();
    let ends = query.ends.then(|| feed.newest());
    let reader = feed.open(query.begin).map_err(|error| match error {
        FeedError::Ahead { .. } => {
            Invalid::field("/after", "must not lie ahead of the journal").into()
        }
        error => Problem::from(told(&error)),
    })?;
    let following = state
        .edge
        .follow(client.principal())
        .ok_or(EngineError::Overloaded)?;
    let session = Session {
        chosen: Arc::new(Chosen { query, read, sku }),
        reader,
        state,
        client,
        following,
        ends,
        page: None,
        folding: Folding::new(),
        spoke: None,
        over: false,
    };
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((CACHE_CONTROL, "no-store"))
        .streaming(unfold(session, Session::step)))
}

/// A stream under way.
struct Session {
    client: Client,
    state: Data<State>,
    following: Following,
    reader: Reader,
    chosen: Arc<Chosen>,
    /// Where it ends, if it does.
    ends: Option<Cursor>,
    /// What was read and not sent yet, and how much of it was looked at.
    page: Option<(Events, usize)>,
    /// What is told by the next level.
    folding: Folding,
    /// When something was sent last.
    spoke: Option<Instant>,
    over: bool,
}

impl Session {
    /// The next piece, or `None` at the end.
    async fn step(mut self) -> Option<(Result<Bytes, Infallible>, Self)> {
        let mut out = Vec::new();
        if self.spoke.is_none() {
            // So a client that hears no event knows where to go on, too.
            self.tell_place(&mut out);
        }
        while out.is_empty() && !self.over {
            self.fill(&mut out).await;
        }
        self.spoke = Some(Instant::now());
        (!out.is_empty()).then(|| (Ok(out.into()), self))
    }

    /// Does the next thing there is to do; that need not write anything.
    async fn fill(&mut self, out: &mut Vec<u8>) {
        self.folding.pass_time();
        if self.folding.due().is_some_and(|due| due <= Instant::now()) {
            return self.tell_level(out).await;
        }
        if let Some((events, from)) = self.page.take() {
            return self.send(events, from, out).await;
        }
        if self.client.renew(&self.state.keys).is_err() {
            return self.cut(&wording::UNAUTHENTICATED, out);
        }
        if self.ends.is_some_and(|end| self.reader.at() >= end) {
            self.over = true;
            return self.tell_place(out);
        }
        let due = self
            .spoke
            .map_or_else(Instant::now, |spoke| spoke + HEARTBEAT);
        if self.spoke.is_some() && due <= Instant::now() && self.folding.events == 0 {
            return self.tell_place(out);
        }
        let due = self.folding.due().map_or(due, |level| due.min(level));
        let due = due.max(Instant::now() + Duration::from_millis(1));
        let next = tokio::select! {
            biased;
            () = self.following.server_ends() => {
                return self.cut(of_error(EngineError::Stopping), out);
            }
            next = timeout_at(due, self.reader.next()) => next,
        };
        match next {
            Ok(Ok(events)) => self.page = Some((events, 0)),
            Ok(Err(error)) => self.cut(told(&error), out),
            // Time for a level, which comes next; a place in front of it would have the client go on behind it.
            Err(_) if self.folding.events > 0 => {}
            // Time for a sign of life.
            Err(_) => self.tell_place(out),
        }
    }

    /// Sends events of a page from one on, as many as go together.
    async fn send(&mut self, events: Events, from: usize, out: &mut Vec<u8>) {
        let (sieve, page) = (self.sieve(), events.clone());
        let written = self.state.engine.feed();
        let written = written.give_way(move || sieve.write(&page, from)).await;
        match written {
            Ok(written) => {
                self.following.sent(written.sent);
                self.folding.take(&written);
                *out = written.text;
                if written.looked_at < events.as_slice().len() {
                    self.page = Some((events, written.looked_at));
                }
            }
            Err(error) => self.cut(told(&error), out),
        }
    }

    /// What the client sees, as its rights are now.
    fn sieve(&self) -> Sieve {
        let Chosen { read, sku, .. } = &*self.chosen;
        let identity = self.client.identity();
        let own = match identity.right(Action::Read(*read)) {
            Ok(Right::Any) => Own::All,
            // That the sale is its own was looked at when it came in.
            Ok(Right::Own) if sku.is_some() => Own::OfSale,
            Ok(Right::Own) => identity
                .role
                .merchant()
                .cloned()
                .map_or(Own::Nothing, Own::Merchant),
            Ok(Right::Never) | Err(_) => Own::Nothing,
        };
        Sieve {
            chosen: Arc::clone(&self.chosen),
            own,
            ends: self.ends,
            single: self.folding.single,
            folding: self.folding.events > 0,
        }
    }

    /// Tells how the units of the sale stand, instead of the events that were left out. It is read after them, so what comes
    /// behind it may be in it as well.
    async fn tell_level(&mut self, out: &mut Vec<u8>) {
        let Some(sku) = self.chosen.sku.clone() else {
            return;
        };
        let (events, to) = (self.folding.events, self.folding.to);
        let view = self.state.engine.stock(sku).await;
        if view == Err(EngineError::Overloaded) {
            // That is when levels are told. What waits for this one still does.
            return sleep(EVERY).await;
        }
        self.folding.told();
        match view {
            Ok(Some(view)) => {
                out.extend_from_slice(format!("id: {to}\ndata: ").as_bytes());
                encode_level(&view, to, events, out);
                out.extend_from_slice(b"\n\n");
                self.following.sent(1);
            }
            // A sale that was put stays.
            Ok(None) => {}
            Err(error) => self.cut(of_error(error), out),
        }
    }

    /// Tells how far the client has come, without an event.
    fn tell_place(&self, out: &mut Vec<u8>) {
        let at = self.reader.at();
        let at = self.ends.map_or(at, |end| at.min(end));
        out.extend_from_slice(format!(":\nid: {at}\n\n").as_bytes());
    }

    /// Ends the stream, and says why.
    fn cut(&mut self, why: &Wording, out: &mut Vec<u8>) {
        out.extend_from_slice(b"event: cut\ndata: ");
        let mut json = Json::new(out);
        json.raw(br#"{"code":""#).name(why.code);
        json.raw(br#"","detail":"#).text(why.detail);
        json.raw(br#","retryable":"#).bool(why.retryable);
        json.raw(b"}\n\n");
        self.following.cut();
        self.over = true;
    }
}

/// Why the feed does not go on, as clients are told.
fn told(error: &FeedError) -> &'static Wording {
    match error {
        FeedError::Forgotten { .. } => &wording::EVENTS_FORGOTTEN,
        FeedError::Replaced { .. } => &wording::EVENTS_REPLACED,
        FeedError::Ahead { .. } => &wording::INVALID_FIELD,
        FeedError::Unreadable(_) => of_error(EngineError::Unreadable),
        FeedError::Ended => of_error(EngineError::Stopping),
    }
}
