//! The sale that reservations are made in: put before the load, looked at after it.

use bytes::Bytes;
use hyper::header::HeaderValue;
use hyper::{Method, Uri};

use crate::audit::{AskError, Asker};
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
        put(&mut connection, (&names, sku), sale).await?;
    }
    Ok(())
}

/// How every SKU stands, in the order of their numbers.
pub(crate) async fn look(settings: &Settings, sale: &Sale) -> Result<Vec<Stock>, AskError> {
    let mut asker = Asker::new(settings)?;
    let names = SkuNames::new(&settings.run_id);
    let mut stocks = Vec::new();
    for sku in (0..sale.skus).map(SkuNumber) {
        stocks.push(asker.get(&path(&names, sku)).await?);
    }
    Ok(stocks)
}

fn path(names: &SkuNames, sku: SkuNumber) -> String {
    format!("/v1/stock/{}", names.name(sku))
}

async fn put(
    connection: &mut Connection,
    (names, sku): (&SkuNames, SkuNumber),
    sale: &Sale,
) -> Result<(), RunError> {
    let failed = |cause| RunError::Sale {
        step: "PUT /v1/stock",
        cause,
    };
    let key = HeaderValue::try_from(names.name(sku)).expect("run ids are visible ASCII");
    let uri = Uri::try_from(path(names, sku)).expect("run ids need no escaping in a path");
    let outgoing = Outgoing {
        uri,
        key: Some(key),
        body: sale.document(),
    };
    let status = connection.call(Method::PUT, outgoing).await;
    let status = status.map_err(|error| failed(error.to_string()))?;
    if status.is_success() {
        Ok(())
    } else {
        Err(failed(said(status, connection.body())))
    }
}
