//! Settlements, statements of merchants, corrections, and what is outstanding.

use std::sync::Arc;

use actix_web::{
    HttpRequest, HttpResponse,
    http::header::{ACCEPT, CONTENT_TYPE},
    web,
};
use jifen_engine::{
    EngineError,
    clearing::{Digest, ProofDocument, StatementDocument, settlement_name, settlement_period},
    closing::{CloseError, CorrectionView, Files, LiabilityRow, PositionNow, SettlementView, Step},
    ledger::{Code, CorrectionId, Day, MerchantId, UnixMillis},
};
use serde::Serialize;
use serde_json::value::RawValue;

use super::{
    Client, Problem, State,
    reads::{date, instant},
    routes,
    statement::pairs,
};
use crate::{
    access::{Action, Read, RoleName},
    statement_pages::{statement_csv, statement_html},
    wire::{
        Invalid, values,
        wording::{self, of_code},
    },
};

/// All settlements.
pub(super) async fn settlements(
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    client.may(Action::Read(Read::Settlements))?;
    let all = state.engine.settlements().await?;
    let settlements: Vec<_> = all.iter().map(SettlementBody::from).collect();
    Ok(HttpResponse::Ok().json(serde_json::json!({ "settlements": settlements })))
}

/// One settlement, with its summary for whoever may see what the operator keeps.
pub(super) async fn settlement(
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    client.may(Action::Read(Read::Settlement))?;
    let view = find(&request, &state).await?;
    let mut body = SettlementBody::from(&view);
    if view.published.is_some() && client.identity().role.name() != RoleName::Merchant {
        let files = open(&view, &state).await?;
        let summary = read(move || files.summary()).await?;
        body.summary = Some(raw(summary)?);
    }
    Ok(HttpResponse::Ok().json(body))
}

/// A merchant's statement, with the proof that it belongs to what was published; as a table or a page by `Accept`.
pub(super) async fn merchant_statement(
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    const READ: Action = Action::Read(Read::SettlementStatement);
    client.may(READ)?;
    let merchant = request.match_info().get("merchant").unwrap_or_default();
    let merchant = MerchantId::new(merchant).map_err(|error| Invalid::field("/merchant", error))?;
    let merchant = merchant.as_str().to_owned();
    let seen = client.seen(READ, Some(merchant), |merchant| Some(merchant.as_str()));
    let merchant = seen.ok_or_else(|| of_code(Code::SettlementNotFound))?;
    let view = find(&request, &state).await?;
    let files = published(&view, &state).await?;
    let found = read(move || files.statement(&merchant)).await?;
    let found = found.ok_or_else(|| of_code(Code::SettlementNotFound))?;
    let id = settlement_name(view.period);
    let proof = ProofDocument::new(&id, found.root, found.inclusion);
    let accept = request
        .headers()
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    let wanted = wanted(accept);
    if wanted != Wanted::Json {
        let statement: StatementDocument<'_> =
            serde_json::from_slice(&found.bytes).map_err(|error| unreadable(&error.to_string()))?;
        let (kind, body) = if wanted == Wanted::Csv {
            ("text/csv; charset=utf-8", statement_csv(&statement))
        } else {
            let page = statement_html(&statement, Some(&proof));
            ("text/html; charset=utf-8", page.into_bytes())
        };
        return Ok(HttpResponse::Ok()
            .insert_header((CONTENT_TYPE, kind))
            .body(body));
    }
    let proof = serde_json::to_vec(&proof).map_err(|error| unreadable(&error.to_string()))?;
    let mut body = br#"{"statement":"#.to_vec();
    body.extend_from_slice(&found.bytes);
    body.extend_from_slice(br#","proof":"#);
    body.extend_from_slice(&proof);
    body.push(b'}');
    Ok(json(body))
}

/// Who is paid what.
pub(super) async fn payments(
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    client.may(Action::Read(Read::SettlementPayments))?;
    let view = find(&request, &state).await?;
    let files = published(&view, &state).await?;
    let payments = read(move || files.payments()).await?;
    Ok(json(payments))
}

/// Whose points were accepted by whom.
pub(super) async fn matrix(
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    client.may(Action::Read(Read::SettlementMatrix))?;
    let view = find(&request, &state).await?;
    let files = published(&view, &state).await?;
    let matrix = read(move || files.matrix()).await?;
    Ok(json(matrix))
}

/// The corrections that the client may see.
pub(super) async fn corrections(
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    client.may(Action::Read(Read::Corrections))?;
    let own = client
        .identity()
        .role
        .merchant()
        .map(|own| own.as_str().into());
    let all = state.engine.corrections(own).await?;
    let corrections: Vec<_> = all.iter().map(CorrectionBody::from).collect();
    Ok(HttpResponse::Ok().json(serde_json::json!({ "corrections": corrections })))
}

/// One correction.
pub(super) async fn correction(
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    const READ: Action = Action::Read(Read::Correction);
    client.may(READ)?;
    let id = routes::object(&request).unwrap_or_default();
    let id = CorrectionId::new(id).map_err(|error| Invalid::field("/correction", error))?;
    let view = state.engine.correction(id).await?;
    let view = client.seen(READ, view, |view| Some(&view.merchant));
    let view = view.ok_or_else(|| of_code(Code::CorrectionNotFound))?;
    Ok(HttpResponse::Ok().json(CorrectionBody::from(&view)))
}

/// Who has taken whose points on days that are not settled.
pub(super) async fn positions(
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    client.may(Action::Read(Read::Positions))?;
    let [from, to] = days(&request, ["from", "to"])?;
    let (rows, as_of) = state.engine.positions(from, to).await?;
    Ok(HttpResponse::Ok().json(PositionsBody {
        as_of: instant(as_of),
        positions: rows.iter().map(PositionBody::from).collect(),
    }))
}

/// What is outstanding, and how it came to that.
pub(super) async fn liability(
    request: HttpRequest,
    client: Client,
    state: web::Data<State>,
) -> Result<HttpResponse, Problem> {
    client.may(Action::Read(Read::Liability))?;
    let [since, _] = days(&request, ["since", ""])?;
    let report = state.engine.liability(since).await?;
    let (rows, as_of) = report.ok_or_else(|| of_code(Code::PeriodSettled))?;
    let rows: Vec<_> = rows.iter().map(LiabilityBody::from).collect();
    let accept = request
        .headers()
        .get(ACCEPT)
        .and_then(|accept| accept.to_str().ok());
    if wanted(accept) == Wanted::Csv {
        let kind = (CONTENT_TYPE, "text/csv; charset=utf-8");
        return Ok(HttpResponse::Ok()
            .insert_header(kind)
            .body(liability_csv(&rows)));
    }
    Ok(HttpResponse::Ok().json(LiabilitiesBody {
        as_of: instant(as_of),
        liability: rows,
    }))
}

/// What form of an answer a client likes best.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Wanted {
    Json,
    Csv,
    Html,
}

/// The first form that `Accept` names and that there is.
fn wanted(accept: Option<&str>) -> Wanted {
    let all = accept.unwrap_or_default().split(',');
    let named = all.filter_map(
        |one| match one.split(';').next().unwrap_or_default().trim() {
            "application/json" => Some(Wanted::Json),
            "text/csv" => Some(Wanted::Csv),
            "text/html" => Some(Wanted::Html),
            _ => None,
        },
    );
    named.into_iter().next().unwrap_or(Wanted::Json)
}

async fn find(request: &HttpRequest, state: &State) -> Result<SettlementView, Problem> {
    let name = request.match_info().get("settlement").unwrap_or_default();
    let all = state.engine.settlements().await?;
    let period = settlement_period(name);
    let found = all.into_iter().find(|view| Some(view.period) == period);
    Ok(found.ok_or_else(|| of_code(Code::SettlementNotFound))?)
}

/// The files of a settlement; none are there before it is published.
async fn published(view: &SettlementView, state: &State) -> Result<Arc<Files>, Problem> {
    if view.published.is_none() {
        return Err(of_code(Code::SettlementNotFound).into());
    }
    open(view, state).await
}

async fn open(view: &SettlementView, state: &State) -> Result<Arc<Files>, Problem> {
    let (Some((_, root)), Some(store)) = (view.published, state.engine.closer().store()) else {
        return Err(of_code(Code::SettlementNotFound).into());
    };
    let (store, id) = (store.clone(), settlement_name(view.period));
    read(move || store.open(&id, Digest(root.0))).await
}

/// Reads files on a thread that may wait for them.
async fn read<T: Send + 'static>(
    read: impl FnOnce() -> Result<T, CloseError> + Send + 'static,
) -> Result<T, Problem> {
    let read = tokio::task::spawn_blocking(read).await;
    match read {
        Ok(Ok(read)) => Ok(read),
        Ok(Err(error)) => Err(unreadable(&error.to_string())),
        Err(error) => Err(unreadable(&error.to_string())),
    }
}

fn unreadable(error: &str) -> Problem {
    tracing::error!(%error, "a settlement cannot be read");
    wording::of_error(EngineError::Stopping).into()
}

fn raw(bytes: Vec<u8>) -> Result<Box<RawValue>, Problem> {
    let text = String::from_utf8(bytes).map_err(|error| unreadable(&error.to_string()))?;
    RawValue::from_string(text).map_err(|error| unreadable(&error.to_string()))
}

fn json(body: Vec<u8>) -> HttpResponse {
    let kind = (CONTENT_TYPE, "application/json");
    HttpResponse::Ok().insert_header(kind).body(body)
}

/// The days of a query; other parameters are refused.
fn days(request: &HttpRequest, names: [&str; 2]) -> Result<[Option<Day>; 2], Problem> {
    let mut found = [None, None];
    for (name, value) in pairs(request)? {
        let place = names
            .iter()
            .position(|known| !known.is_empty() && *known == name);
        let Some(place) = place else {
            return Err(Invalid::field(format!("/{name}"), "is not a parameter of this").into());
        };
        let day = values::day(&value);
        let day = day.map_err(|error| Invalid::field(format!("/{name}"), error))?;
        if found[place].replace(day).is_some() {
            return Err(Invalid::field(format!("/{name}"), "is given twice").into());
        }
    }
    Ok(found)
}

#[derive(Serialize)]
struct SettlementBody {
    settlement: String,
    period_start: Option<String>,
    period_end: Option<String>,
    state: &'static str,
    opened_at: String,
    published_at: Option<String>,
    root: Option<String>,
    /// Why it did not come to its end; it is tried again.
    failure: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<Box<RawValue>>,
}

impl From<&SettlementView> for SettlementBody {
    fn from(view: &SettlementView) -> Self {
        let state = match (&view.published, &view.step) {
            (Some(_), _) => "published",
            (None, Step::Proving) => "proving",
            (None, Step::Closing | Step::Failed(_)) => "closing",
        };
        let failure = match &view.step {
            Step::Failed(why) if view.published.is_none() => Some(why.clone()),
            _ => None,
        };
        Self {
            settlement: settlement_name(view.period),
            period_start: date(view.period.first),
            period_end: date(view.period.last),
            state,
            opened_at: instant(view.opened_at),
            published_at: view.published.map(|(at, _)| instant(at)),
            root: view.published.map(|(_, root)| root.to_string()),
            failure,
            summary: None,
        }
    }
}

/// What became of a correction.
pub(crate) const CORRECTION_STATES: [&str; 3] = ["proposed", "approved", "rejected"];
/// How far a settlement can be.
pub(crate) const SETTLEMENT_STATES: [&str; 3] = ["closing", "proving", "published"];

#[derive(Serialize)]
struct CorrectionBody<'a> {
    correction: &'a str,
    merchant: &'a str,
    amount_fen: i64,
    reason: &'a str,
    reference: Option<&'a str>,
    state: &'static str,
    proposed_by: &'a str,
    proposed_at: String,
    decided_by: Option<&'a str>,
    decided_at: Option<String>,
    /// The day on which it counts.
    day: Option<String>,
}

impl<'a> From<&'a CorrectionView> for CorrectionBody<'a> {
    fn from(view: &'a CorrectionView) -> Self {
        let decided = view.decided.as_ref();
        let [proposed, approved, rejected] = CORRECTION_STATES;
        let day = decided.and_then(|(.., day)| *day);
        Self {
            correction: view.id.as_str(),
            merchant: &view.merchant,
            amount_fen: view.fen,
            reason: view.reason.as_str(),
            reference: view.reference.as_ref().map(|text| text.as_str()),
            state: match (decided, day) {
                (None, _) => proposed,
                (Some(_), Some(_)) => approved,
                (Some(_), None) => rejected,
            },
            proposed_by: &view.by,
            proposed_at: instant(view.at),
            decided_by: decided.map(|(by, ..)| by.as_str()),
            decided_at: decided.map(|(_, at, _): &(_, UnixMillis, _)| instant(*at)),
            day: day.and_then(date),
        }
    }
}

// Sums may be beyond 64 bits, which a `serde_json::Value` does not hold.
#[derive(Serialize)]
struct PositionsBody<'a> {
    as_of: String,
    positions: Vec<PositionBody<'a>>,
}

#[derive(Serialize)]
struct LiabilitiesBody<'a> {
    as_of: String,
    liability: Vec<LiabilityBody<'a>>,
}

#[derive(Serialize)]
struct PositionBody<'a> {
    issuer: &'a str,
    acceptor: &'a str,
    point_type: &'a str,
    spent: u128,
    returned: u128,
}

impl<'a> From<&'a PositionNow> for PositionBody<'a> {
    fn from(row: &'a PositionNow) -> Self {
        Self {
            issuer: &row.issuer,
            acceptor: &row.acceptor,
            point_type: &row.point_type,
            spent: row.spent,
            returned: row.returned,
        }
    }
}

#[derive(Serialize)]
struct LiabilityBody<'a> {
    issuer: &'a str,
    point_type: &'a str,
    /// Such as `2027-03`; `null` for points that never lapse.
    lapses_in: Option<String>,
    opening: i128,
    issued: u128,
    reversed: u128,
    used: u128,
    returned: u128,
    lapsed: u128,
    adjusted: i128,
    closing: i128,
    /// Used less returned, in hundredths of a per cent of issued less reversed.
    usage: Option<u64>,
}

impl<'a> From<&'a LiabilityRow> for LiabilityBody<'a> {
    fn from(row: &'a LiabilityRow) -> Self {
        let flows = row.flows;
        let signed = |points: u128| i128::try_from(points).unwrap_or(i128::MAX);
        let issued = flows.issued.saturating_sub(flows.reversed);
        let used = flows.used.saturating_sub(flows.returned);
        let usage = (used * 10_000).checked_div(issued);
        Self {
            issuer: &row.issuer,
            point_type: &row.point_type,
            lapses_in: row
                .month
                .map(|month| format!("{:04}-{:02}", 1_970 + month / 12, month % 12 + 1)),
            opening: row.opening,
            issued: flows.issued,
            reversed: flows.reversed,
            used: flows.used,
            returned: flows.returned,
            lapsed: flows.lapsed,
            adjusted: signed(flows.adjusted_up) - signed(flows.adjusted_down),
            closing: row.closing(),
            usage: usage.and_then(|usage| u64::try_from(usage).ok()),
        }
    }
}

/// The same as a table. Names have no commas and no quotes, so nothing needs quoting.
fn liability_csv(rows: &[LiabilityBody<'_>]) -> String {
    let head = "issuer,point_type,lapses_in,opening,issued,reversed,used,returned,lapsed,adjusted,closing,usage\n";
    rows.iter().fold(head.to_owned(), |mut table, row| {
        use std::fmt::Write;
        let lapses_in = row.lapses_in.as_deref().unwrap_or_default();
        let usage = row.usage.map(|usage| usage.to_string()).unwrap_or_default();
        let _ = writeln!(
            table,
            "{},{},{lapses_in},{},{},{},{},{},{},{},{},{usage}",
            row.issuer,
            row.point_type,
            row.opening,
            row.issued,
            row.reversed,
            row.used,
            row.returned,
            row.lapsed,
            row.adjusted,
            row.closing,
        );
        table
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_form_that_there_is_counts() {
        for (accept, expected) in [
            (None, Wanted::Json),
            (Some("*/*"), Wanted::Json),
            (Some("text/csv"), Wanted::Csv),
            (Some("image/png, text/html;q=0.9, text/csv"), Wanted::Html),
            (Some("application/json, text/html"), Wanted::Json),
        ] {
            assert_eq!(wanted(accept), expected, "{accept:?}");
        }
    }
}
