//! `/v1/commands` with an array: read whole, refused whole if any part is wrong, otherwise each command judged by itself.

use actix_web::{HttpRequest, HttpResponse, web};
use jifen_engine::{
    EngineError, Outcome,
    ledger::{CommandKind, Request, RequestId},
};

use super::{
    Client, Problem, State,
    body::{self, ContentType},
    stream,
};
use crate::{
    access::{Action, Denial, Judged, submit_many},
    metrics::Door,
    wire::{decode_batch, encode_denial, encode_outcome, wording},
};

/// Room for one answer, in bytes: a little more than most take.
pub(super) const ANSWER_ROOM: usize = 384;

/// Has many commands decided; answers in their order and format.
pub(super) async fn serve(
    request: HttpRequest,
    mut client: Client,
    state: web::Data<State>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    if !Action::may_command(client.identity().role.name()) {
        return Err((&wording::FORBIDDEN).into());
    }
    match ContentType::of(&request) {
        // Before the body is looked at, so that a refusal is cheap.
        ContentType::Json | ContentType::Lines if state.edge.is_full() => {
            body::pass_over(&request, payload).await;
            Err(EngineError::Overloaded.into())
        }
        ContentType::Json => {
            let requests = read(&mut client, &state, &request, payload).await?;
            let inside = state.edge.enter(requests.len());
            let _inside = inside.ok_or(EngineError::Overloaded)?;
            let names = names(&requests);
            let judged = submit_many(client.identity(), &state.engine, requests).await;
            state.meters.commands(Door::Array, judged.each(&names));
            Ok(client.tell(respond(&judged, &names)))
        }
        ContentType::Lines => Ok(stream::serve(client, state, payload)),
        ContentType::Absent | ContentType::Other => Err((&wording::UNSUPPORTED_MEDIA_TYPE).into()),
    }
}

/// The commands that a request makes, paid for by a client whose key still opens.
pub(super) async fn read(
    client: &mut Client,
    state: &State,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<Vec<Request>, Problem> {
    let body = body::read(request, payload).await?;
    let requests = decode_batch(&body, client.principal(), &state.point_type)?;
    client.renew(&state.keys)?;
    client.charge(requests.len())?;
    Ok(requests)
}

/// What commands are called, for answers to those that the engine could not decide.
pub(super) fn names(requests: &[Request]) -> Vec<(RequestId, CommandKind)> {
    let name = |request: &Request| (request.id().clone(), request.command().kind());
    requests.iter().map(name).collect()
}

/// Answers with what became of each command.
pub(super) fn respond(judged: &Judged, names: &[(RequestId, CommandKind)]) -> HttpResponse {
    let mut answers = Vec::with_capacity(2 + names.len() * ANSWER_ROOM);
    answers.push(b'[');
    for (name, told) in judged.each(names) {
        if answers.len() > 1 {
            answers.push(b',');
        }
        encode(name, told, &mut answers);
    }
    answers.push(b']');
    HttpResponse::Ok()
        .content_type("application/json")
        .body(answers)
}

/// Appends what became of a command.
pub(super) fn encode(
    (id, kind): &(RequestId, CommandKind),
    told: Result<&Outcome, Denial>,
    out: &mut Vec<u8>,
) {
    match told {
        Ok(outcome) => encode_outcome(outcome, id.as_str(), *kind, out),
        Err(denial) => encode_denial(denial, id.as_str(), *kind, out),
    }
}
