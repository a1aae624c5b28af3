//! For load balancers and supervisors. Both ask without a key.

use actix_web::{HttpResponse, web};
use futures_util::FutureExt;
use jifen_engine::{EngineError, Router};

use super::{Problem, State};
use crate::mq::Standing;

/// The process answers.
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": "live" }))
}

/// Whoever is ready tells as well what it has to do without. A queue that is away is no reason to send callers elsewhere:
/// HTTP serves as before.
fn readiness(queue: Option<&Standing>) -> serde_json::Value {
    match queue.map(Standing::away) {
        None => serde_json::json!({ "status": "ready" }),
        Some(None) => serde_json::json!({ "status": "ready", "queue": "connected" }),
        Some(Some(why)) => {
            serde_json::json!({ "status": "ready", "queue": "away", "degraded": format!("the message queue is away: {why}") })
        }
    }
}

/// Commands are taken: the engine is not stopping, its journal has not failed, and its disk has room. Being busy is no
/// reason to be left.
pub(super) async fn ready(state: web::Data<State>) -> Result<HttpResponse, Problem> {
    if state.engine.failed().now_or_never().is_some() {
        return Err(EngineError::Stopping.into());
    }
    if state.engine.is_short_of_disk() {
        return Err(EngineError::DiskFull.into());
    }
    match state.engine.look(Router::DOCUMENTS, |_| ()).await {
        Ok(()) | Err(EngineError::Overloaded) => {
            Ok(HttpResponse::Ok().json(readiness(state.queue.as_deref())))
        }
        Err(error) => Err(error.into()),
    }
}
