//! How the units of a sale stand, as an event that stands for many.

use jifen_engine::{feed::Cursor, reads::StockView};

use super::{SOURCE, TYPE_PREFIX, encode::encode_instant, json::Json};

/// What comes behind the prefix in the type of a level. It is no decision, so it is none of their kinds.
pub(crate) const LEVEL: &str = "stock_level";

/// Appends a level that stands for so many events, up to a place. Two levels are never taken for one: a look at another time
/// has another id.
pub(crate) fn encode_level(view: &StockView, to: Cursor, events: u64, out: &mut Vec<u8>) {
    let (sku, place) = (view.id.as_str(), to.to_string());
    let json = &mut Json::new(out);
    json.raw(br#"{"specversion":"1.0","id":""#).name(&place);
    json.raw(b":").number(view.at.0).raw(b":").name(sku);
    json.raw(br#"","source":""#).name(SOURCE);
    json.raw(br#"","type":""#).name(TYPE_PREFIX).name(LEVEL);
    json.raw(br#"","subject":""#).name(sku);
    json.raw(br#"","time":"#);
    encode_instant(view.at, json);
    json.raw(br#","datacontenttype":"application/json","cursor":""#)
        .name(&place);
    json.raw(br#"","data":{"sku":""#).name(sku);
    json.raw(br#"","merchant":""#).name(&view.terms.merchant);
    json.raw(br#"","state":""#).name(view.state.name());
    json.raw(br#"","units":{"total":"#).number(view.total.get());
    json.raw(br#","available":"#).number(view.available.get());
    json.raw(br#","returning":"#).number(view.returning.get());
    json.raw(br#","reserved":"#).number(view.reserved.get());
    json.raw(br#","sold":"#).number(view.sold.get());
    json.raw(br#"},"events":"#).number(events).raw(b"}}");
}
