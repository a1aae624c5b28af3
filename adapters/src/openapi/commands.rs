//! Commands, as they stand in batches and files, and bodies of one-command endpoints.

use jifen_engine::ledger::CommandKind;
use serde_json::{Value, json};

use super::{named, object, pascal, values};
use crate::wire::{Field, Shape, object_field};

/// The body of a one-command endpoint: the command without what its path and its headers say.
pub(super) fn body(kind: CommandKind) -> Value {
    let elsewhere = [Some(Field::Id), Some(Field::Type), object_field(kind)];
    closed(kind, |field| !elsewhere.contains(&Some(field)))
}

/// The command as it stands in a batch or a file.
pub(super) fn command(kind: CommandKind) -> Value {
    closed(kind, |_| true)
}

/// Any command.
pub(super) fn any() -> Value {
    let names = CommandKind::ALL.map(|kind| format!("{}Command", pascal(kind)));
    let mapping: serde_json::Map<_, _> = CommandKind::ALL
        .into_iter()
        .zip(&names)
        .map(|(kind, name)| {
            (
                kind.name().to_owned(),
                format!("#/components/schemas/{name}").into(),
            )
        })
        .collect();
    json!({
        "oneOf": names.each_ref().map(|name| named(name)),
        "discriminator": { "propertyName": "type", "mapping": mapping },
    })
}

/// Whether a body must say anything.
pub(super) fn is_body_required(kind: CommandKind) -> bool {
    body(kind)["required"] != json!([])
}

/// An object that takes these fields of a command and no others.
fn closed(kind: CommandKind, wanted: impl Fn(Field) -> bool) -> Value {
    let shape = Shape::of(kind);
    let fields = Field::ALL
        .iter()
        .filter(|&&field| shape.allowed.contains(field) && wanted(field));
    let fields = fields.map(|&field| {
        (
            field.name(),
            values::field(kind, field),
            shape.required.contains(field),
        )
    });
    let mut object = object("", fields);
    object["additionalProperties"] = false.into();
    object
}
