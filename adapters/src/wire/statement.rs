//! Statements and merchants' movements: what is asked for in a query, and the pages that answer.

use std::fmt::Display;

use jifen_engine::{
    ledger::{PointType, TransactionId, UnixMillis},
    reads::{
        Movements, MovementsCursor, MovementsQuery, PAGE_ITEMS_MAX, StatementCursor, StatementPage,
        StatementQuery,
    },
    view::item::{ItemKind, Movement, StatementItem},
};

use super::{
    instants::instant_text,
    invalid::{Findings, Invalid},
    json::Json,
    values,
};

/// What a query for a statement may say.
pub(crate) const STATEMENT_FIELDS: [&str; 6] =
    ["from", "to", "limit", "cursor", "type", "point_type"];
/// What a query for a merchant's movements may say.
pub(crate) const MOVEMENTS_FIELDS: [&str; 4] = ["from", "to", "limit", "cursor"];
/// How many items a page has if the query does not say.
pub(crate) const LIMIT_DEFAULT: usize = 50;

/// A query's fields, as they are read one by one; gathers what is wrong with them.
pub(super) struct Fields<'a> {
    pairs: &'a [(String, String)],
    findings: Findings,
}

impl<'a> Fields<'a> {
    /// Notes fields that are unknown or there more than once.
    pub(super) fn new(pairs: &'a [(String, String)], known: &[&str]) -> Self {
        let mut findings = Findings::default();
        for (place, (name, _)) in pairs.iter().enumerate() {
            let pointer = || format!("/{name}");
            if !known.contains(&name.as_str()) {
                findings.invalid(pointer(), format!("must be one of {}", known.join(", ")));
            } else if pairs[..place].iter().any(|(before, _)| before == name) {
                findings.invalid(pointer(), "must be given once");
            }
        }
        Self { pairs, findings }
    }

    pub(super) fn read<T, E: Display>(
        &mut self,
        name: &str,
        read: impl FnOnce(&str) -> Result<T, E>,
    ) -> Option<T> {
        let (_, text) = self.pairs.iter().find(|(known, _)| known == name)?;
        read(text)
            .map_err(|error| self.findings.invalid(format!("/{name}"), error))
            .ok()
    }

    /// Notes what is wrong with a field for another reason than its value.
    pub(super) fn object(&mut self, pointer: &str, detail: &str) {
        self.findings.invalid(pointer.to_owned(), detail);
    }

    /// The span of time from `from`, inclusive, to `to`, exclusive.
    fn span(&mut self) -> (Option<UnixMillis>, Option<UnixMillis>) {
        let (from, to) = (self.read("from", instant), self.read("to", instant));
        if let (Some(from), Some(to)) = (from, to)
            && to <= from
        {
            self.findings
                .invalid("/to".to_owned(), "must be later than from");
        }
        (from, to)
    }

    fn limit(&mut self) -> usize {
        let limit = self.read("limit", |text| match text.parse() {
            Ok(limit @ 1..=PAGE_ITEMS_MAX) => Ok(limit),
            _ => Err(format!("must be from 1 to {PAGE_ITEMS_MAX}")),
        });
        limit.unwrap_or(LIMIT_DEFAULT)
    }

    fn cursor<T>(&mut self, parse: impl FnOnce(&str) -> Option<T>) -> Option<T> {
        self.read("cursor", |text| {
            parse(text).ok_or("must be the next_cursor of a page of the same list")
        })
    }

    pub(super) fn finish<T>(self, query: T) -> Result<T, Invalid> {
        if self.findings.is_empty() {
            Ok(query)
        } else {
            Err(self.findings.into_invalid())
        }
    }
}

fn instant(text: &str) -> Result<UnixMillis, String> {
    values::instant(text).map_err(|expected| {
        // What comes as a space was most likely sent as a plus.
        if text.contains(' ') {
            format!("{expected}; in a query, + is written %2B")
        } else {
            expected.to_owned()
        }
    })
}

/// What of a statement a query asks for, given its pairs of name and value.
pub(crate) fn decode_statement_query(
    pairs: &[(String, String)],
) -> Result<StatementQuery, Invalid> {
    let mut fields = Fields::new(pairs, &STATEMENT_FIELDS);
    let (from, to) = fields.span();
    let query = StatementQuery {
        from,
        to,
        limit: fields.limit(),
        cursor: fields.cursor(StatementCursor::parse),
        kind: fields.read("type", |word| {
            let kind = ItemKind::from_name(word);
            kind.ok_or_else(|| {
                let words = ItemKind::ALL.map(ItemKind::name);
                format!("must be one of {}", words.join(", "))
            })
        }),
        point_type: fields.read("point_type", PointType::new),
    };
    fields.finish(query)
}

/// What of a merchant's movements a query asks for.
pub(crate) fn decode_movements_query(
    pairs: &[(String, String)],
) -> Result<MovementsQuery, Invalid> {
    let mut fields = Fields::new(pairs, &MOVEMENTS_FIELDS);
    let (from, to) = fields.span();
    let query = MovementsQuery {
        from,
        to,
        limit: fields.limit(),
        cursor: fields.cursor(MovementsCursor::parse),
    };
    fields.finish(query)
}

/// Appends a page of a statement.
pub(crate) fn encode_statement(page: &StatementPage, out: &mut Vec<u8>) {
    let mut json = Json::new(out);
    json.raw(br#"{"items":["#);
    for (place, item) in page.items.iter().enumerate() {
        json.comma(place);
        encode_item(item, &mut json);
    }
    encode_end(page.next.as_ref(), page.as_of, &mut json);
}

/// Appends a page of a merchant's movements.
pub(crate) fn encode_movements(page: &Movements, out: &mut Vec<u8>) {
    let mut json = Json::new(out);
    json.raw(br#"{"items":["#);
    for (place, movement) in page.items.iter().enumerate() {
        json.comma(place);
        encode_movement(movement, &mut json);
    }
    encode_end(page.next.as_ref(), page.as_of, &mut json);
}

fn encode_item(item: &StatementItem, json: &mut Json<'_>) {
    begin(item.at, item.kind, json);
    encode_transaction_id(br#","transaction":"#, item.transaction, json);
    json.raw(br#","offset":""#)
        .name(&item.offset.to_string())
        .raw(b"\"");
    encode_maybe(br#","merchant":"#, item.merchant.as_deref(), json);
    encode_points(&item.point_type, item.points, json);
    json.raw(br#","available_after":"#)
        .number(item.available_after.get());
    json.raw(br#","held_after":"#).number(item.held_after.get());
    json.raw(br#","owed_after":"#).number(item.owed_after.get());
    json.raw(br#","reference":"#)
        .serialized(&item.reference.as_ref().map(|text| text.as_str()));
    json.raw(b"}");
}

fn encode_movement(movement: &Movement, json: &mut Json<'_>) {
    begin(movement.at, movement.kind, json);
    encode_transaction_id(br#","transaction":"#, Some(movement.transaction), json);
    encode_maybe(br#","member":"#, Some(movement.member.as_str()), json);
    encode_points(&movement.point_type, movement.points, json);
    json.raw(br#","order":"#)
        .serialized(&movement.order.as_ref().map(|text| text.as_str()));
    let hold = movement.hold.map(|hold| hold.to_string());
    encode_maybe(br#","hold":"#, hold.as_deref(), json);
    encode_transaction_id(br#","reverses":"#, movement.reversed, json);
    json.raw(br#","reference":"#)
        .serialized(&movement.reference.as_ref().map(|text| text.as_str()));
    json.raw(b"}");
}

fn begin(at: UnixMillis, kind: ItemKind, json: &mut Json<'_>) {
    json.raw(br#"{"at":""#).raw(&instant_text(at));
    json.raw(br#"","type":""#).name(kind.name()).raw(b"\"");
}

fn encode_points(point_type: &str, points: i64, json: &mut Json<'_>) {
    json.raw(br#","point_type":""#).name(point_type);
    json.raw(br#"","points":"#).signed(points);
}

fn encode_transaction_id(field: &[u8], id: Option<TransactionId>, json: &mut Json<'_>) {
    encode_maybe(field, id.map(|id| id.to_string()).as_deref(), json);
}

/// A field with an identifier, or `null`.
fn encode_maybe(field: &[u8], name: Option<&str>, json: &mut Json<'_>) {
    json.raw(field);
    match name {
        Some(name) => json.raw(b"\"").name(name).raw(b"\""),
        None => json.raw(b"null"),
    };
}

/// What stands behind the items of every page.
fn encode_end(next: Option<&impl Display>, as_of: Option<UnixMillis>, json: &mut Json<'_>) {
    let next = next.map(ToString::to_string);
    encode_maybe(br#"],"next_cursor":"#, next.as_deref(), json);
    json.raw(br#","as_of":"#);
    match as_of {
        Some(at) => json.raw(b"\"").raw(&instant_text(at)).raw(b"\""),
        None => json.raw(b"null"),
    };
    json.raw(b"}");
}
