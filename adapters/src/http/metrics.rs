//! What Prometheus asks for.

use actix_web::{HttpRequest, HttpResponse, http::header::ACCEPT, web};

use super::{Client, Problem, State};
use crate::{
    access::{Action, Read},
    metrics::{Format, Scene},
    wire::wording::of_error,
};
use jifen_engine::EngineError;

/// Every metric, in the format that the client likes best. Asks no shard, so that it is answered under any load.
pub(super) async fn metrics(
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    client.may(Action::Read(Read::Metrics))?;
    let accept = request.headers().get(ACCEPT);
    let accept = accept.and_then(|accept| accept.to_str().ok());
    let format = Format::accepted(accept.unwrap_or_default());
    let scene = Scene::now(&state.engine, &state.meters, &state.edge)
        .with_queue(state.queue.as_deref())
        .with_publishing(state.publishing.as_deref());
    let told = scene.encode(format).map_err(|error| {
        tracing::error!(%error, "metrics cannot be written down");
        of_error(EngineError::Unreadable)
    })?;
    let mut answer = HttpResponse::Ok();
    answer.content_type(format.content_type());
    Ok(client.tell(answer.body(told)))
}
