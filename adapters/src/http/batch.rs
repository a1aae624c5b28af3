//! `/v1/commands` with an array: read whole, refused whole if any part is wrong, otherwise each command judged by itself.

use actix_web::{HttpRequest, HttpResponse, web};
use jifen_engine::{
    Outcome,
    ledger::{CommandKind, Request, RequestId},
};

use super::{
    Client, Problem, State,
    body::{self, ContentType},
    stream,
};
use crate::wire::{decode_batch, encode_outcome, wording};

/// Room for one answer, in bytes: a little more than most take.
pub(super) const ANSWER_ROOM: usize = 384;

/// Has many commands decided; answers in their order and format.
pub(super) async fn serve(
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    match ContentType::of(&request) {
        ContentType::Json => {
            let requests = read(&client, &state, &request, payload).await?;
            let names = names(&requests);
            let outcomes = state.engine.submit_many(requests).await;
            Ok(respond(&outcomes, &names))
        }
        ContentType::Lines => Ok(stream::serve(client, state, payload)),
        ContentType::Absent | ContentType::Other => Err((&wording::UNSUPPORTED_MEDIA_TYPE).into()),
    }
}

/// The commands that a request makes.
pub(super) async fn read(
    client: &Client,
    state: &State,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<Vec<Request>, Problem> {
    let body = body::read(request, payload).await?;
    Ok(decode_batch(&body, &client.0, &state.point_type)?)
}

/// What commands are called, for answers to those that the engine could not decide.
pub(super) fn names(requests: &[Request]) -> Vec<(RequestId, CommandKind)> {
    let name = |request: &Request| (request.id().clone(), request.command().kind());
    requests.iter().map(name).collect()
}

/// Answers with what became of each command.
pub(super) fn respond(outcomes: &[Outcome], names: &[(RequestId, CommandKind)]) -> HttpResponse {
    let mut answers = Vec::with_capacity(2 + outcomes.len() * ANSWER_ROOM);
    answers.push(b'[');
    for (outcome, (id, kind)) in outcomes.iter().zip(names) {
        if answers.len() > 1 {
            answers.push(b',');
        }
        encode_outcome(outcome, id.as_str(), *kind, &mut answers);
    }
    answers.push(b']');
    HttpResponse::Ok()
        .content_type("application/json")
        .body(answers)
}
