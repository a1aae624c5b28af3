//! Counting, measuring and tracing of every request.
//!
//! Tracing is for a few: one in so many, and whatever a caller traces that has a key. Their line in the log tells the
//! trace, the endpoint, the status and the time, and nothing of what was sent.

mod context;

use std::{cell::Cell, future::Future};

use actix_web::{
    Error,
    body::MessageBody,
    dev::{Service, ServiceRequest, ServiceResponse},
    http::{Method, StatusCode},
    web::Data,
};
use jifen_engine::Stopwatch;
use tracing::{Instrument, Span};

use super::State;
use context::TraceContext;

/// The header that carries a trace from process to process (W3C Trace Context).
const TRACEPARENT: &str = "traceparent";

/// Which requests are traced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Tracing {
    /// One in so many; none if 0. Those whose caller traces them are traced in any case.
    pub one_in: u32,
}

impl Tracing {
    /// The trace that a request belongs to, if it is to be traced.
    fn of(self, request: &ServiceRequest) -> Option<Traced> {
        let given = request.headers().get(TRACEPARENT);
        let given = given.and_then(|header| TraceContext::parse(header.to_str().ok()?));
        let asked = given.is_some_and(|given| given.is_sampled());
        let drawn = self.draw();
        (asked || drawn).then(|| Traced {
            method: request.method().clone(),
            context: given.map_or_else(TraceContext::begin, TraceContext::child),
            drawn,
        })
    }

    fn draw(self) -> bool {
        thread_local! {
            static PASSED: Cell<u32> = const { Cell::new(0) };
        }
        if self.one_in == 0 {
            return false;
        }
        PASSED.with(|passed| {
            let next = passed.get() + 1;
            let drawn = next >= self.one_in;
            passed.set(if drawn { 0 } else { next });
            drawn
        })
    }
}

/// A request that is traced.
struct Traced {
    method: Method,
    context: TraceContext,
    /// Whether it was drawn, whatever its caller says.
    drawn: bool,
}

impl Traced {
    fn span(&self) -> Span {
        let context = &self.context;
        tracing::info_span!("request", trace = %context.trace(), span = %context.span())
    }

    /// The request's line in the log. Its object is left out: a path names members.
    fn tell<B>(&self, response: &ServiceResponse<B>, micros: u64) {
        let status = response.status();
        // Nobody without a key fills the log.
        if !self.drawn && status == StatusCode::UNAUTHORIZED {
            return;
        }
        let endpoint = response.request().match_pattern();
        tracing::info!(
            trace = %self.context.trace(),
            span = %self.context.span(),
            parent = self.context.parent().map(tracing::field::display),
            method = %self.method,
            endpoint = endpoint.as_deref().unwrap_or("none"),
            status = status.as_u16(),
            micros,
            "request"
        );
    }
}

/// Has a request answered, and counts it.
pub(super) fn observe<S, B>(
    state: &Data<State>,
    request: ServiceRequest,
    service: &S,
) -> impl Future<Output = Result<ServiceResponse<B>, Error>> + use<S, B>
where
    S: Service<ServiceRequest, Response = ServiceResponse<B>, Error = Error>,
    B: MessageBody,
{
    let traced = state.tracing.of(&request);
    let watched = state.meters.is_metered() || traced.is_some();
    let watch = watched.then(Stopwatch::start);
    let span = traced.as_ref().map_or_else(Span::none, Traced::span);
    let answering = service.call(request).instrument(span);
    let state = state.clone();
    async move {
        let response = answering.await?;
        let Some(watch) = watch else {
            return Ok(response);
        };
        let nanos = watch.nanos();
        state.meters.request(response.status().as_u16(), nanos);
        if let Some(traced) = traced {
            traced.tell(&response, nanos / 1_000);
        }
        Ok(response)
    }
}
