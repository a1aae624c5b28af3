//! What can be looked at of sales: their units, reservations, and codes.

use actix_web::{HttpRequest, HttpResponse, web};
use jifen_engine::{
    ledger::{Code, HoldState, ReservationId, SkuId, SoldCode},
    reads::{CodeView, ReservationView, StockView},
};
use serde::Serialize;

use super::{Client, Problem, State, routes};
use crate::{
    access::{Action, Read},
    wire::{Invalid, instant_text, wording::of_code},
};

/// A sale and its units, over all shards.
pub(super) async fn stock(
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    const READ: Action = Action::Read(Read::Stock);
    client.may(READ)?;
    let id = SkuId::new(object(&request)).map_err(|error| Invalid::field("/sku", error))?;
    let view = state.engine.stock(id).await?;
    let view = client.seen(READ, view, |view| Some(view.terms.merchant.as_str()));
    let view = view.ok_or_else(|| of_code(Code::SkuNotFound))?;
    Ok(HttpResponse::Ok().json(StockBody::from(&view)))
}

/// A reservation and where it stands.
pub(super) async fn reservation(
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    const READ: Action = Action::Read(Read::Reservation);
    client.may(READ)?;
    let view = match ReservationId::parse(object(&request)) {
        Some(id) => state.engine.reservation(id).await?,
        None => None,
    };
    let view = client.seen(READ, view, |view| Some(view.merchant.as_str()));
    let view = view.ok_or_else(|| of_code(Code::ReservationNotFound))?;
    Ok(HttpResponse::Ok().json(ReservationBody::from(&view)))
}

/// A code and whether it can be used.
pub(super) async fn code(
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    const READ: Action = Action::Read(Read::Code);
    client.may(READ)?;
    let view = match SoldCode::parse(object(&request)) {
        Some(code) => state.engine.code(code).await?,
        None => None,
    };
    let view = client.seen(READ, view, |view| view.merchant.as_deref());
    let view = view.ok_or_else(|| of_code(Code::CodeNotFound))?;
    Ok(HttpResponse::Ok().json(CodeBody::from(&view)))
}

fn object(request: &HttpRequest) -> &str {
    routes::object(request).unwrap_or_default()
}

#[derive(Serialize)]
struct StockBody<'a> {
    sku: &'a str,
    version: u64,
    state: &'static str,
    merchant: &'a str,
    price_points: u64,
    point_type: &'a str,
    per_member_limit: Option<u64>,
    opens_at: Option<String>,
    closes_at: Option<String>,
    reservation_ttl_seconds: u32,
    units: UnitsBody,
}

#[derive(Serialize)]
struct UnitsBody {
    total: u64,
    available: u64,
    returning: u64,
    reserved: u64,
    sold: u64,
}

#[derive(Serialize)]
struct ReservationBody<'a> {
    reservation: String,
    member: &'a str,
    sku: &'a str,
    quantity: u64,
    points_held: u64,
    state: &'static str,
    expires_at: String,
    codes: Vec<String>,
}

#[derive(Serialize)]
struct CodeBody<'a> {
    code: String,
    sku: &'a str,
    /// `unused`, `used` or `revoked`.
    state: &'static str,
}

/// What a code is called that can be used, was used, or cannot be any more.
pub(crate) const CODE_STATES: [&str; 3] = ["unused", "used", "revoked"];

/// The word of the wire contract for where a reservation stands.
pub(crate) const fn reservation_state(state: HoldState) -> &'static str {
    match state {
        HoldState::Open => "open",
        HoldState::Captured => "confirmed",
        HoldState::Released => "cancelled",
        HoldState::Expired => "expired",
    }
}

fn instant(at: jifen_engine::ledger::UnixMillis) -> String {
    let text = instant_text(at);
    text.iter().map(|byte| char::from(*byte)).collect()
}

impl<'a> From<&'a StockView> for StockBody<'a> {
    fn from(view: &'a StockView) -> Self {
        let terms = &view.terms;
        Self {
            sku: view.id.as_str(),
            version: view.version,
            state: view.state.name(),
            merchant: &terms.merchant,
            price_points: terms.price.get(),
            point_type: &terms.point_type,
            per_member_limit: terms.per_member_limit.map(|limit| limit.get()),
            opens_at: terms.opens_at.map(instant),
            closes_at: terms.closes_at.map(instant),
            reservation_ttl_seconds: terms.ttl_seconds,
            units: UnitsBody {
                total: view.total.get(),
                available: view.available.get(),
                returning: view.returning.get(),
                reserved: view.reserved.get(),
                sold: view.sold.get(),
            },
        }
    }
}

impl<'a> From<&'a ReservationView> for ReservationBody<'a> {
    fn from(view: &'a ReservationView) -> Self {
        Self {
            reservation: view.id.to_string(),
            member: view.member.as_str(),
            sku: &view.sku,
            quantity: view.quantity.get(),
            points_held: view.points_held.get(),
            state: reservation_state(view.state),
            expires_at: instant(view.expires_at),
            codes: view.codes.iter().map(ToString::to_string).collect(),
        }
    }
}

impl<'a> From<&'a CodeView> for CodeBody<'a> {
    fn from(view: &'a CodeView) -> Self {
        let [unused, used, revoked] = CODE_STATES;
        Self {
            code: view.code.to_string(),
            sku: &view.sku,
            state: match view.spent {
                None => unused,
                Some(Code::CodeRevoked) => revoked,
                Some(_) => used,
            },
        }
    }
}
