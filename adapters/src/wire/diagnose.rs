//! The slow path: reads again what the fast one refused, and names everything that is wrong with it. It finds nothing
//! exactly where the fast path says yes.

use std::{borrow::Cow, fmt::Display};

use jifen_engine::ledger::{
    Class, CommandKind, CorrectionId, Labels, MemberId, MerchantId, PointType, RequestId, SkuId,
    Use,
};
use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};

use super::{
    contract,
    decode::{BATCH_COMMANDS_MAX, Form, Given},
    fields::{Field, Fields, Shape, kind_of},
    invalid::{Findings, Invalid},
    tree::{Node, NodeSeed},
    values,
};

/// What is wrong with a text that the fast path refused.
pub(super) fn diagnose(text: &str, given: &Given<'_>, form: Form) -> Invalid {
    let mut findings = examine(text, given, form);
    if findings.is_empty() {
        // The paths disagree, which tests rule out; still nothing was done, and the sender must hear it.
        debug_assert!(false, "nothing is wrong with {text}");
        findings.malformed(String::new(), "cannot be read");
    }
    findings.into_invalid()
}

/// Everything that is wrong; where the text is no JSON, only that.
pub(super) fn examine(text: &str, given: &Given<'_>, form: Form) -> Findings {
    let mut findings = Findings::default();
    let mut reader = serde_json::Deserializer::from_str(text);
    let read = match form {
        Form::Array if text.trim_ascii_start().starts_with('[') => reader.deserialize_seq(Batch {
            given,
            findings: &mut findings,
        }),
        _ => NodeSeed { depth: 0 }
            .deserialize(&mut reader)
            .map(|node| match form {
                Form::Array => {
                    findings.invalid(String::new(), "must be an array of command objects");
                }
                Form::One => command(&node, given, "", &mut findings),
            }),
    };
    if let Err(error) = read.and_then(|()| reader.end()) {
        findings = Findings::default();
        findings.malformed(String::new(), error);
    }
    findings
}

/// Examines one command after the other, so that only one stands in memory as a tree.
struct Batch<'a, 'b> {
    given: &'a Given<'b>,
    findings: &'a mut Findings,
}

impl<'de> Visitor<'de> for Batch<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of commands")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let mut count = 0_usize;
        while let Some(node) = array.next_element_seed(NodeSeed { depth: 1 })? {
            if count < BATCH_COMMANDS_MAX {
                command(&node, self.given, &format!("/{count}"), self.findings);
            }
            count += 1;
        }
        if count > BATCH_COMMANDS_MAX {
            let detail = format!("holds {count} commands; at most {BATCH_COMMANDS_MAX} are taken");
            self.findings.invalid(String::new(), detail);
        }
        Ok(())
    }
}

/// Examines a command that stands at `at`.
fn command(node: &Node<'_>, given: &Given<'_>, at: &str, findings: &mut Findings) {
    duplicates(node, at, findings);
    let Node::Object(fields) = node else {
        findings.invalid(at.to_owned(), "must be a command object");
        return;
    };
    let kind = kind(fields, given);
    let shape = kind.map(|kind| (kind, Shape::of(kind)));
    let mut seen = Fields::default();
    for (key, node) in fields {
        let here = || below(at, key);
        let Some(field) = Field::from_name(key) else {
            findings.invalid(here(), "is not a field of any command");
            continue;
        };
        seen.insert(field);
        if let Some((kind, shape)) = shape
            && !shape.allowed.contains(field)
        {
            findings.invalid(here(), format_args!("is not a field of `{}`", kind.name()));
            continue;
        }
        if let Err(detail) = value(kind, field, node) {
            findings.invalid(here(), detail);
        } else if let (Node::Text(text), Some(given)) = (node, bound(given, field))
            && !same(field, text, given)
        {
            findings.invalid(
                here(),
                format_args!("must be left out here, or be {given:?}"),
            );
        }
        if let (Field::Attributes | Field::Metadata, Node::Object(pairs)) = (field, node) {
            labels(pairs, &here(), findings);
        }
        if field == Field::Contract {
            contract::examine(node, &here(), findings);
        }
    }
    unsaid(shape.map(|(_, shape)| shape), seen, given, at, findings);
    together(kind, fields, at, findings);
}

/// Examines fields that have to fit each other.
fn together(
    kind: Option<CommandKind>,
    fields: &[(Cow<'_, str>, Node<'_>)],
    at: &str,
    findings: &mut Findings,
) {
    let said = |field: Field| {
        let found = fields.iter().find(|(key, _)| key == field.name());
        found.and_then(|(_, node)| match node {
            Node::Text(text) => Some(&**text),
            _ => None,
        })
    };
    match kind {
        Some(CommandKind::Transfer) => {
            let (from, to) = (said(Field::Member), said(Field::To));
            if to.is_some() && from == to {
                findings.invalid(below(at, Field::To.name()), "must be somebody else");
            }
        }
        Some(CommandKind::PutStock) => {
            let instant = |field| said(field).and_then(|text| values::instant(text).ok());
            let (opens_at, closes_at) = (instant(Field::OpensAt), instant(Field::ClosesAt));
            if !values::is_a_window(opens_at, closes_at) {
                findings.invalid(
                    below(at, Field::ClosesAt.name()),
                    "must be after `opens_at`",
                );
            }
        }
        _ => {}
    }
}

/// Examines what the text does not say.
fn unsaid(
    shape: Option<&Shape>,
    seen: Fields,
    given: &Given<'_>,
    at: &str,
    findings: &mut Findings,
) {
    const ALWAYS: Fields = Fields::of(&[Field::Id, Field::Type]);
    let required = shape.map_or(ALWAYS, |shape| shape.required);
    for &field in Field::ALL {
        match given.text(field) {
            Some(text) if given.binding || !seen.contains(field) => {
                if let Err(detail) = value(None, field, &Node::Text(Cow::Borrowed(text))) {
                    findings.invalid(below(at, field.name()), detail);
                }
            }
            None if required.contains(field) && !seen.contains(field) => {
                findings.invalid(below(at, field.name()), "is required");
            }
            _ => {}
        }
    }
}

/// Which command it is, if that can be told. Of two `type`s, which are refused anyway, the first counts.
fn kind(fields: &[(Cow<'_, str>, Node<'_>)], given: &Given<'_>) -> Option<CommandKind> {
    if given.binding {
        return given.kind;
    }
    match fields.iter().find(|(key, _)| key == Field::Type.name()) {
        Some((_, Node::Text(word))) => kind_of(word).ok(),
        Some(_) => None,
        None => given.kind,
    }
}

/// What is given for a field that may not say otherwise.
fn bound<'a>(given: &'a Given<'_>, field: Field) -> Option<&'a str> {
    if given.binding {
        given.text(field)
    } else {
        None
    }
}

fn same(field: Field, text: &str, given: &str) -> bool {
    match field {
        Field::Hold => values::hold(text) == values::hold(given),
        Field::Reservation => values::reservation(text) == values::reservation(given),
        Field::Code => values::code(text) == values::code(given),
        _ => text == given,
    }
}

/// Checks a field's value by itself; `kind` is the command that it is a field of, if that is known.
fn value(kind: Option<CommandKind>, field: Field, node: &Node<'_>) -> Result<(), String> {
    match field {
        Field::Id => text(node, RequestId::new),
        Field::Type => text(node, kind_of),
        Field::Member => text(node, MemberId::new),
        Field::Merchant => text(node, MerchantId::new),
        Field::PointType => text(node, PointType::new),
        Field::Class => text(node, Class::new),
        Field::Use => text(node, Use::new),
        Field::Hold => text(node, values::hold),
        Field::LastDay => text(node, values::day),
        Field::Transaction => text(node, values::transaction),
        Field::At | Field::ReleasesAt => text(node, values::instant),
        Field::Name => text(node, values::name),
        Field::Reason => text(node, values::reason),
        Field::Order | Field::Reference => text(node, values::text),
        Field::Points if kind == Some(CommandKind::Adjust) => change(node, values::change),
        Field::Points => integer(node, values::points),
        Field::CashFen | Field::PriceFen => integer(node, values::cash),
        Field::TtlSeconds => integer(node, values::ttl_seconds),
        Field::To => text(node, MemberId::new),
        Field::Sku => text(node, SkuId::new),
        Field::Reservation => text(node, values::reservation),
        Field::Code => text(node, values::code),
        Field::OpensAt | Field::ClosesAt => text(node, values::instant),
        Field::Quantity => integer(node, values::quantity),
        Field::Units => integer(node, values::units),
        Field::PricePoints => integer(node, values::points),
        Field::PerMemberLimit => integer(node, values::limit),
        Field::ReservationTtlSeconds => integer(node, values::ttl_seconds),
        Field::Change => change(node, values::change_of_units),
        Field::PeriodStart | Field::PeriodEnd => text(node, values::boundary),
        Field::Correction => text(node, CorrectionId::new),
        Field::AmountFen => change(node, values::amount),
        Field::Final | Field::ReturnUnits | Field::Approve => match node {
            Node::Bool => Ok(()),
            _ => Err(values::NOT_A_BOOL.to_owned()),
        },
        // It has a pointer for everything inside; see `contract`.
        Field::Contract => Ok(()),
        Field::Attributes | Field::Metadata => match node {
            Node::Object(_) => Ok(()),
            _ => Err(values::NOT_AN_OBJECT.to_owned()),
        },
    }
}

fn text<T, E: Display>(node: &Node<'_>, parse: fn(&str) -> Result<T, E>) -> Result<(), String> {
    let Node::Text(text) = node else {
        return Err(values::NOT_A_STRING.to_owned());
    };
    parse(text).map(drop).map_err(|error| error.to_string())
}

fn integer<T>(node: &Node<'_>, check: fn(u64) -> Result<T, &'static str>) -> Result<(), String> {
    let Node::Integer(number) = node else {
        return Err(values::NOT_AN_INTEGER.to_owned());
    };
    check(*number).map(drop).map_err(str::to_owned)
}

fn change<T>(node: &Node<'_>, check: fn(i64) -> Result<T, &'static str>) -> Result<(), String> {
    let number = match node {
        Node::Integer(number) => values::signed(*number),
        Node::Negative(number) => *number,
        _ => return Err(values::NOT_A_CHANGE.to_owned()),
    };
    check(number).map(drop).map_err(str::to_owned)
}

fn labels(pairs: &[(Cow<'_, str>, Node<'_>)], at: &str, findings: &mut Findings) {
    let mut bytes = 0;
    for (key, node) in pairs {
        bytes += key.len();
        match node {
            Node::Text(text) => bytes += text.len(),
            _ => findings.invalid(below(at, key), values::NOT_A_STRING),
        }
    }
    if bytes > Labels::BYTES_MAX {
        findings.invalid(at.to_owned(), values::LABELS_TOO_LONG);
    }
}

/// Names every key that stands twice in its object, however deep.
pub(super) fn duplicates(node: &Node<'_>, at: &str, findings: &mut Findings) {
    match node {
        Node::Object(fields) => {
            let mut keys: Vec<&str> = fields.iter().map(|(key, _)| &**key).collect();
            keys.sort_unstable();
            let mut twice: Vec<&str> = keys
                .windows(2)
                .filter(|pair| pair[0] == pair[1])
                .map(|pair| pair[0])
                .collect();
            twice.dedup();
            for key in twice {
                findings.malformed(below(at, key), "stands there more than once");
            }
            for (key, node) in fields {
                if let Node::Object(_) | Node::Array(_) = node {
                    duplicates(node, &below(at, key), findings);
                }
            }
        }
        Node::Array(items) => {
            for (place, node) in items.iter().enumerate() {
                if let Node::Object(_) | Node::Array(_) = node {
                    duplicates(node, &format!("{at}/{place}"), findings);
                }
            }
        }
        _ => {}
    }
}

/// The JSON pointer to a key of the object at `at`.
pub(super) fn below(at: &str, key: &str) -> String {
    format!("{at}/{}", key.replace('~', "~0").replace('/', "~1"))
}

#[cfg(test)]
mod tests;
