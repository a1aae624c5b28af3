//! What can be looked at. A read waits, like an answer, until what it saw is durable.

use actix_web::{HttpRequest, HttpResponse, web};
use jifen_engine::{
    ledger::{Code, Day, HoldId, MemberId, MerchantId, UnixMillis},
    reads::{HoldView, MemberView, WalletView},
};
use serde::Serialize;

use super::{Client, Problem, State, routes::OBJECT};
use crate::wire::{Invalid, day_text, instant_text, wording::of_code};

/// A member and what they have.
pub(super) async fn member(
    request: HttpRequest,
    _client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let id = MemberId::new(object(&request)).map_err(|error| Invalid::field("/member", error))?;
    let view = state.engine.member(id).await?;
    let view = view.ok_or_else(|| of_code(Code::MemberNotFound))?;
    Ok(HttpResponse::Ok().json(MemberBody::from(&view)))
}

/// A hold and where it stands.
pub(super) async fn hold(
    request: HttpRequest,
    _client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let view = match HoldId::parse(object(&request)) {
        Some(id) => state.engine.hold(id).await?,
        None => None,
    };
    let view = view.ok_or_else(|| of_code(Code::HoldNotFound))?;
    Ok(HttpResponse::Ok().json(HoldBody::from(&view)))
}

/// A merchant's document.
pub(super) async fn merchant(
    request: HttpRequest,
    _client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    let id =
        MerchantId::new(object(&request)).map_err(|error| Invalid::field("/merchant", error))?;
    let document = state.engine.merchant(id).await?;
    let document = document.ok_or_else(|| of_code(Code::MerchantNotFound))?;
    Ok(HttpResponse::Ok().json(MerchantBody {
        merchant: document.merchant.as_str(),
        name: document.name.as_str(),
        version: document.version,
    }))
}

fn object(request: &HttpRequest) -> &str {
    request.match_info().get(OBJECT).unwrap_or_default()
}

#[derive(Serialize)]
struct MemberBody<'a> {
    member: &'a str,
    state: &'static str,
    balances: Vec<BalanceBody<'a>>,
}

#[derive(Serialize)]
struct BalanceBody<'a> {
    point_type: &'a str,
    available: u64,
    held: u64,
    pending: u64,
    owed: u64,
    lots: Vec<LotBody<'a>>,
}

#[derive(Serialize)]
struct LotBody<'a> {
    issuer: &'a str,
    class: &'a str,
    last_day: Option<String>,
    points: u64,
    held: u64,
}

#[derive(Serialize)]
struct HoldBody<'a> {
    hold: String,
    member: &'a str,
    merchant: &'a str,
    point_type: &'a str,
    points: u64,
    captured: u64,
    released: u64,
    state: &'static str,
    expires_at: String,
}

#[derive(Serialize)]
struct MerchantBody<'a> {
    merchant: &'a str,
    name: &'a str,
    version: u64,
}

impl<'a> From<&'a MemberView> for MemberBody<'a> {
    fn from(view: &'a MemberView) -> Self {
        Self {
            member: view.id.as_str(),
            state: "active",
            balances: view.wallets.iter().map(BalanceBody::from).collect(),
        }
    }
}

impl<'a> From<&'a WalletView> for BalanceBody<'a> {
    fn from(view: &'a WalletView) -> Self {
        let lots = view.lots.iter().map(|lot| LotBody {
            issuer: &lot.issuer,
            class: &lot.class,
            last_day: date(lot.last_day),
            points: lot.available.get(),
            held: lot.held.get(),
        });
        Self {
            point_type: &view.point_type,
            available: view.balance.available.get(),
            held: view.balance.held.get(),
            pending: view.balance.pending.get(),
            owed: view.balance.owed.get(),
            lots: lots.filter(|lot| lot.points > 0 || lot.held > 0).collect(),
        }
    }
}

impl<'a> From<&'a HoldView> for HoldBody<'a> {
    fn from(view: &'a HoldView) -> Self {
        Self {
            hold: view.id.to_string(),
            member: view.member.as_str(),
            merchant: &view.merchant,
            point_type: &view.point_type,
            points: view.points.get(),
            captured: view.captured.get(),
            released: view.released.get(),
            state: view.state.name(),
            expires_at: instant(view.expires_at),
        }
    }
}

fn instant(at: UnixMillis) -> String {
    String::from_utf8_lossy(&instant_text(at)).into_owned()
}

fn date(day: Day) -> Option<String> {
    day_text(day).map(|text| String::from_utf8_lossy(&text).into_owned())
}
