//! What can be looked at. A read waits, like an answer, until what it saw is durable.

use actix_web::{HttpRequest, HttpResponse, web};
use jifen_engine::{
    EngineError,
    ledger::{
        Answer, Code, Day, HoldId, MemberId, MerchantId, RequestId, TransactionId, UnixMillis,
    },
    reads::{HoldView, LotView, MemberView, PendingView, PrepaidView, WalletView},
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    Client, Problem, State,
    routes::{self, request_id},
};
use crate::{
    access::{Action, Read},
    wire::{
        Invalid, contracts_text, day_text, encode_outcome, encode_transaction, instant_text,
        wording::{self, of_code},
    },
};

/// Room for an answer, in bytes.
const ANSWER_ROOM: usize = 512;

/// A member and what they have.
pub(super) async fn member(
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    client.may(Action::Read(Read::Member))?;
    let id = MemberId::new(object(&request)).map_err(|error| Invalid::field("/member", error))?;
    let view = state.engine.member(id).await?;
    let view = view.ok_or_else(|| of_code(Code::MemberNotFound))?;
    Ok(HttpResponse::Ok().json(MemberBody::from(&view)))
}

/// A hold and where it stands.
pub(super) async fn hold(
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    const READ: Action = Action::Read(Read::Hold);
    client.may(READ)?;
    let view = match HoldId::parse(object(&request)) {
        Some(id) => state.engine.hold(id).await?,
        None => None,
    };
    let view = client.seen(READ, view, |view| Some(&view.merchant));
    let view = view.ok_or_else(|| of_code(Code::HoldNotFound))?;
    Ok(HttpResponse::Ok().json(HoldBody::from(&view)))
}

/// A merchant's document.
pub(super) async fn merchant(
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    const READ: Action = Action::Read(Read::Merchant);
    client.may(READ)?;
    let id =
        MerchantId::new(object(&request)).map_err(|error| Invalid::field("/merchant", error))?;
    let document = state.engine.merchant(id).await?;
    let document = client.seen(READ, document, |document| Some(document.merchant.as_str()));
    let document = document.ok_or_else(|| of_code(Code::MerchantNotFound))?;
    let prepaid = state.engine.prepaid(&document.merchant).await?;
    let contracts = RawValue::from_string(contracts_text(&document.contracts));
    Ok(HttpResponse::Ok().json(MerchantBody {
        merchant: document.merchant.as_str(),
        name: document.name.as_str(),
        version: document.version,
        contracts: contracts.map_err(|_| wording::of_error(EngineError::Stopping))?,
        prepaid: prepaid.iter().map(PrepaidBody::from).collect(),
    }))
}

/// What was answered to a request of the client itself, yes or no, as it was given.
pub(super) async fn request(
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    client.may(Action::Read(Read::Request))?;
    let member =
        MemberId::new(object(&request)).map_err(|error| Invalid::field("/member", error))?;
    let id = request_id(&request);
    let id = RequestId::new(id).map_err(|error| Invalid::field("/id", error))?;
    let principal = client.principal().clone();
    let answer = state.engine.request(principal, member, id).await?;
    let answer = Answer {
        replayed: true,
        ..answer.ok_or(&wording::REQUEST_NOT_FOUND)?
    };
    let (id, kind) = (answer.id.clone(), answer.kind);
    let mut body = Vec::with_capacity(ANSWER_ROOM);
    encode_outcome(&Ok(Ok(answer)), id.as_str(), kind, &mut body);
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(body))
}

/// An accepted transaction and what became of it.
pub(super) async fn transaction(
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    const READ: Action = Action::Read(Read::Transaction);
    client.may(READ)?;
    let view = match TransactionId::parse(object(&request)) {
        Some(id) => state.engine.transaction(id).await?,
        None => None,
    };
    let view = client.seen(READ, view, |view| view.merchant.as_deref());
    let view = view.ok_or_else(|| of_code(Code::TransactionNotFound))?;
    let mut body = Vec::with_capacity(ANSWER_ROOM);
    encode_transaction(&view, &mut body);
    Ok(HttpResponse::Ok()
        .content_type("application/json")
        .body(body))
}

fn object(request: &HttpRequest) -> &str {
    routes::object(request).unwrap_or_default()
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
    scale: u8,
    available: u64,
    held: u64,
    pending: u64,
    owed: u64,
    lots: Vec<LotBody<'a>>,
    pending_lots: Vec<PendingBody<'a>>,
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
struct PendingBody<'a> {
    releases_at: String,
    points: u64,
    issuer: &'a str,
    class: &'a str,
    last_day: Option<String>,
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
    /// The earliest first.
    contracts: Box<RawValue>,
    prepaid: Vec<PrepaidBody<'a>>,
}

#[derive(Serialize)]
struct PrepaidBody<'a> {
    point_type: &'a str,
    bought: u64,
    left: u64,
    /// The earliest first.
    packs: Vec<PackBody>,
}

#[derive(Serialize)]
struct PackBody {
    day: Option<String>,
    points: u64,
    price_fen: u64,
}

impl<'a> From<&'a PrepaidView> for PrepaidBody<'a> {
    fn from(view: &'a PrepaidView) -> Self {
        let packs = view.packs.iter().map(|pack| PackBody {
            day: date(pack.day),
            points: pack.points.get(),
            price_fen: pack.price.get(),
        });
        Self {
            point_type: &view.point_type,
            bought: view.bought.get(),
            left: view.left.get(),
            packs: packs.collect(),
        }
    }
}

impl<'a> From<&'a MemberView> for MemberBody<'a> {
    fn from(view: &'a MemberView) -> Self {
        Self {
            member: view.id.as_str(),
            state: view.state.name(),
            balances: view.wallets.iter().map(BalanceBody::from).collect(),
        }
    }
}

impl<'a> From<&'a WalletView> for BalanceBody<'a> {
    fn from(view: &'a WalletView) -> Self {
        let lots = view.lots.iter().map(LotBody::from);
        Self {
            point_type: &view.point_type,
            scale: view.scale,
            available: view.balance.available.get(),
            held: view.balance.held.get(),
            pending: view.balance.pending.get(),
            owed: view.balance.owed.get(),
            lots: lots.filter(|lot| lot.points > 0 || lot.held > 0).collect(),
            pending_lots: view.pending.iter().map(PendingBody::from).collect(),
        }
    }
}

impl<'a> From<&'a LotView> for LotBody<'a> {
    fn from(view: &'a LotView) -> Self {
        Self {
            issuer: &view.issuer,
            class: &view.class,
            last_day: date(view.last_day),
            points: view.available.get(),
            held: view.held.get(),
        }
    }
}

impl<'a> From<&'a PendingView> for PendingBody<'a> {
    fn from(view: &'a PendingView) -> Self {
        Self {
            releases_at: instant(view.releases_at),
            points: view.points.get(),
            issuer: &view.issuer,
            class: &view.class,
            last_day: date(view.last_day),
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

pub(super) fn instant(at: UnixMillis) -> String {
    String::from_utf8_lossy(&instant_text(at)).into_owned()
}

pub(super) fn date(day: Day) -> Option<String> {
    day_text(day).map(|text| String::from_utf8_lossy(&text).into_owned())
}
