//! Endpoints of one command: its id in a header, its object in the path, the rest in the body.

use actix_web::{HttpRequest, HttpResponse, http::StatusCode, web};
use jifen_engine::{
    EngineError, Outcome,
    ledger::{CommandKind, Request},
};

use super::{Client, Problem, State, body, routes};
use crate::{
    access::{Action, judge},
    wire::{Endpoint, Invalid, decode_endpoint, encode_outcome, wording},
};

/// The header with the request id.
const IDEMPOTENCY_KEY: &str = "idempotency-key";
/// The header that marks an answer given before.
const IDEMPOTENT_REPLAYED: &str = "idempotent-replayed";
/// Room for an answer, in bytes.
const ANSWER_ROOM: usize = 448;

/// Has the command decided that a request makes, and counts it.
pub(super) async fn serve(
    kind: CommandKind,
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let told = decide(kind, request, client, &state, payload).await;
    match &told {
        Ok(answer) => {
            let replayed = answer.status() == StatusCode::OK;
            state.meters.command(kind, None, replayed);
        }
        Err(problem) => {
            let replayed = problem.is_replayed();
            state.meters.command(kind, Some(problem.code()), replayed);
        }
    }
    told
}

async fn decide(
    kind: CommandKind,
    request: HttpRequest,
    mut client: Client,
    state: &State,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let allowed = client.may(Action::Command(kind));
    allowed.map_err(|problem| named(problem, &request))?;
    let id = request_id(&request)?;
    let about = |problem: Problem| problem.about(id);
    let overloaded = || about(EngineError::Overloaded.into());
    if state.edge.is_full() {
        // Before the body is looked at, so that a refusal is cheap.
        body::pass_over(&request, payload).await;
        return Err(overloaded());
    }
    let known = Endpoint {
        principal: client.principal(),
        point_type: &state.point_type,
        id,
        kind,
        object: routes::object(&request),
    };
    let command = read(&known, &request, payload).await?;
    client.renew(&state.keys).map_err(about)?;
    let _inside = state.edge.enter(1).ok_or_else(overloaded)?;
    let judged = judge(client.identity(), &state.engine, command.command()).await;
    judged.map_err(|denial| about(denial.into()))?;
    let outcome = state.engine.submit(command).await;
    respond(&outcome, id, kind).map(|response| client.tell(response))
}

/// The command that a request makes, with what its endpoint knows of it.
pub(super) async fn read(
    known: &Endpoint<'_>,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<Request, Problem> {
    let body = body::read_json(request, payload).await;
    body.and_then(|body| Ok(decode_endpoint(&body, known)?))
        .map_err(|problem| problem.about(known.id))
}

/// What the client calls its request.
pub(super) fn request_id(request: &HttpRequest) -> Result<&str, Problem> {
    let mut headers = request.headers().get_all(IDEMPOTENCY_KEY);
    let header = headers.next().ok_or(&wording::IDEMPOTENCY_KEY_MISSING)?;
    if headers.next().is_some() {
        return Err(Invalid::field("/id", "Idempotency-Key must be sent once").into());
    }
    header
        .to_str()
        .map_err(|_| Invalid::field("/id", "Idempotency-Key must be ASCII").into())
}

/// A problem with the request id that was sent, if one was.
pub(super) fn named(problem: Problem, request: &HttpRequest) -> Problem {
    match request_id(request) {
        Ok(id) => problem.about(id),
        Err(_) => problem,
    }
}

/// Answers with what became of a command.
pub(super) fn respond(
    outcome: &Outcome,
    id: &str,
    kind: CommandKind,
) -> Result<HttpResponse, Problem> {
    if let Some(problem) = Problem::of(outcome, id) {
        return Err(problem);
    }
    let mut answer = Vec::with_capacity(ANSWER_ROOM);
    encode_outcome(outcome, id, kind, &mut answer);
    let mut response = if matches!(outcome, Ok(Ok(answer)) if answer.replayed) {
        let mut again = HttpResponse::Ok();
        again.insert_header((IDEMPOTENT_REPLAYED, "true"));
        again
    } else if kind == CommandKind::Settle {
        // Closing goes on behind the answer.
        HttpResponse::Accepted()
    } else {
        HttpResponse::Created()
    };
    Ok(response.content_type("application/json").body(answer))
}
