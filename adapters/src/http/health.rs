//! For load balancers and supervisors. Both ask without a key.

use actix_web::{HttpResponse, web};
use futures_util::FutureExt;
use jifen_engine::{EngineError, Router};

use super::{Problem, State};

/// The process answers.
pub(super) async fn live() -> HttpResponse {
    HttpResponse::Ok().json(serde_json::json!({ "status": "live" }))
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
            Ok(HttpResponse::Ok().json(serde_json::json!({ "status": "ready" })))
        }
        Err(error) => Err(error.into()),
    }
}
