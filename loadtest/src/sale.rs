//! The sale that reservations are made in: put before the load, looked at after it.

use bytes::Bytes;
use hyper::header::HeaderValue;
use hyper::{Method, Uri};

use crate::connection::Connection;
use crate::error::RunError;
use crate::names::{Merchant, SkuNames, SkuNumber};
use crate::session::Outgoing;
use crate::settings::Settings;
use crate::setup::said;
use crate::takings::Stock;

/// Longer than any run, so that no unit comes back by itself.
const RESERVATION_TTL_SECONDS: u32 = 7 * 24 * 60 * 60;

/// What is on sale. Every run has SKUs of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sale {
    /// How many SKUs, at least 1; each reservation is of one of them at random. One is a hot row.
    pub skus: u64,
    /// Units of each.
    pub units: u64,
    /// Price of a unit in points.
    pub price_points: u64,
    /// Units of one SKU that a member may have, if there is a limit.
    pub per_member_limit: Option<u64>,
}

impl Sale {
    fn document(&self) -> Bytes {
        let Self {
            units,
            price_points,
            ..
        } = self;
        let limit = self.per_member_limit.map_or_else(String::new, |limit| {
            format!("\"per_member_limit\":{limit},")
        });
        Bytes::from(format!(
            "{{\"units\":{units},\"price_points\":{price_points},\"merchant\":\"{}\",{limit}\
             \"reservation_ttl_seconds\":{RESERVATION_TTL_SECONDS}}}",
            Merchant(0).name()
        ))
    }
}

/// Puts everything on sale.
pub(crate) async fn open(settings: &Settings, sale: &Sale) -> Result<(), RunError> {
    let mut connection = Connection::new(settings)?;
    let names = SkuNames::new(&settings.run_id);
    for sku in (0..sale.skus).map(SkuNumber) {
        let step = "PUT /v1/stock";
        let key = HeaderValue::try_from(names.name(sku)).expect("run ids are visible ASCII");
        call(
            &mut connection,
            Method::PUT,
            step,
            path(&names, sku),
            Some(key),
            sale.document(),
        )
        .await?;
    }
    Ok(())
}

/// How every SKU stands, in the order of their numbers.
pub(crate) async fn look(settings: &Settings, sale: &Sale) -> Result<Vec<Stock>, RunError> {
    let mut connection = Connection::new(settings)?;
    let names = SkuNames::new(&settings.run_id);
    let mut stocks = Vec::new();
    for sku in (0..sale.skus).map(SkuNumber) {
        let step = "GET /v1/stock";
        call(
            &mut connection,
            Method::GET,
            step,
            path(&names, sku),
            None,
            Bytes::new(),
        )
        .await?;
        let stock = serde_json::from_slice(connection.body()).map_err(|error| RunError::Sale {
            step,
            cause: error.to_string(),
        })?;
        stocks.push(stock);
    }
    Ok(stocks)
}

fn path(names: &SkuNames, sku: SkuNumber) -> Uri {
    Uri::try_from(format!("/v1/stock/{}", names.name(sku)))
        .expect("run ids need no escaping in a path")
}

async fn call(
    connection: &mut Connection,
    method: Method,
    step: &'static str,
    uri: Uri,
    key: Option<HeaderValue>,
    body: Bytes,
) -> Result<(), RunError> {
    let failed = |cause| RunError::Sale { step, cause };
    let status = connection
        .call(method, Outgoing { uri, key, body })
        .await
        .map_err(|error| failed(error.to_string()))?;
    if status.is_success() {
        Ok(())
    } else {
        Err(failed(said(status, connection.body())))
    }
}
