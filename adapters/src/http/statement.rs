//! Statements, and merchants' movements, page by page.

use actix_web::{HttpRequest, HttpResponse, web};
use jifen_engine::ledger::{Code, MemberId, MerchantId};

use super::{Client, Problem, State, routes};
use crate::{
    access::{Action, Read},
    wire::{
        Invalid, decode_movements_query, decode_statement_query, encode_movements,
        encode_statement, wording::of_code,
    },
};

/// Room for an item, in bytes.
const ITEM_ROOM: usize = 320;

/// What changed a member's points, the newest first.
pub(super) async fn statement(
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    client.may(Action::Read(Read::Statement))?;
    let member =
        MemberId::new(object(&request)).map_err(|error| Invalid::field("/member", error))?;
    let query = decode_statement_query(&pairs(&request)?)?;
    let page = state.engine.statement(member, query).await?;
    let page = page.ok_or_else(|| of_code(Code::MemberNotFound))?;
    let mut body = Vec::with_capacity((page.items.len() + 1) * ITEM_ROOM);
    encode_statement(&page, &mut body);
    Ok(json(body))
}

/// What passed between a merchant and members, in the order of time.
pub(super) async fn movements(
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    const READ: Action = Action::Read(Read::Movements);
    client.may(READ)?;
    let merchant =
        MerchantId::new(object(&request)).map_err(|error| Invalid::field("/merchant", error))?;
    let query = decode_movements_query(&pairs(&request)?)?;
    let merchant = client.seen(READ, Some(merchant), |merchant| Some(merchant.as_str()));
    let page = match merchant {
        Some(merchant) => state.engine.movements(merchant, query).await?,
        None => None,
    };
    let page = page.ok_or_else(|| of_code(Code::MerchantNotFound))?;
    let mut body = Vec::with_capacity((page.items.len() + 1) * ITEM_ROOM);
    encode_movements(&page, &mut body);
    Ok(json(body))
}

fn object(request: &HttpRequest) -> &str {
    routes::object(request).unwrap_or_default()
}

pub(super) fn pairs(request: &HttpRequest) -> Result<Vec<(String, String)>, Invalid> {
    web::Query::from_query(request.query_string())
        .map(web::Query::into_inner)
        .map_err(Invalid::malformed)
}

fn json(body: Vec<u8>) -> HttpResponse {
    HttpResponse::Ok()
        .content_type("application/json")
        .body(body)
}
