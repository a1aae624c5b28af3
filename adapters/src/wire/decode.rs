//! From text to requests: one pass that reads every value straight into its type. It only says yes or no; what is
//! wrong is found by [`diagnose`].

use std::fmt;

use jifen_engine::ledger::{CommandKind, PointType, Principal, Request};
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{
    diagnose::diagnose,
    draft::Draft,
    fields::{Field, Fields, object_field},
    invalid::Invalid,
    read::FromText,
};

/// How many commands one array may hold.
pub const BATCH_COMMANDS_MAX: usize = 10_000;
/// Room for an array before its length is known, in commands.
const BATCH_ROOM: usize = 1_024;

/// What is known of a command beside its text.
pub struct Context<'a> {
    /// Who sent it.
    pub principal: &'a Principal,
    /// The kind of points that it means if it does not say.
    pub point_type: &'a PointType,
    /// What it is called if it does not say.
    pub default_id: Option<&'a str>,
    /// What it is if it does not say.
    pub default_kind: Option<CommandKind>,
}

/// What a one-command endpoint knows of a command beside its body, which may repeat it but not contradict it.
pub struct Endpoint<'a> {
    /// Who sent it.
    pub principal: &'a Principal,
    /// The kind of points that it means if it does not say.
    pub point_type: &'a PointType,
    /// What it is called.
    pub id: &'a str,
    /// What it is.
    pub kind: CommandKind,
    /// The member, merchant or hold in the path.
    pub object: Option<&'a str>,
}

/// Reads one command object.
pub fn decode_command(json: &[u8], context: &Context<'_>) -> Result<Request, Invalid> {
    decode_one(
        json,
        &Given {
            principal: context.principal,
            point_type: context.point_type,
            id: context.default_id,
            kind: context.default_kind,
            object: None,
            binding: false,
        },
    )
}

/// Reads the body of a one-command endpoint; an empty body is an object without fields.
pub fn decode_endpoint(json: &[u8], endpoint: &Endpoint<'_>) -> Result<Request, Invalid> {
    let object = endpoint.object;
    decode_one(
        if json.is_empty() { b"{}" } else { json },
        &Given {
            principal: endpoint.principal,
            point_type: endpoint.point_type,
            id: Some(endpoint.id),
            kind: Some(endpoint.kind),
            object: object_field(endpoint.kind).and_then(|field| object.map(|text| (field, text))),
            binding: true,
        },
    )
}

/// Reads an array of at most [`BATCH_COMMANDS_MAX`] command objects; one that is wrong refuses them all. Where they name
/// no kind of points, they mean `point_type`.
pub fn decode_batch(
    json: &[u8],
    principal: &Principal,
    point_type: &PointType,
) -> Result<Vec<Request>, Invalid> {
    let given = Given {
        principal,
        point_type,
        id: None,
        kind: None,
        object: None,
        binding: false,
    };
    let text = utf_8(json)?;
    let mut requests = Vec::with_capacity(BATCH_ROOM);
    let commands = BatchSeed {
        given: &given,
        into: &mut requests,
    };
    match read(text, commands) {
        Some(()) => Ok(requests),
        None => Err(diagnose(text, &given, Form::Array)),
    }
}

/// What the text need not say.
pub(super) struct Given<'a> {
    pub(super) principal: &'a Principal,
    pub(super) point_type: &'a PointType,
    pub(super) id: Option<&'a str>,
    pub(super) kind: Option<CommandKind>,
    pub(super) object: Option<(Field, &'a str)>,
    /// Whether the text may not say otherwise.
    pub(super) binding: bool,
}

impl Given<'_> {
    /// The fields that are given.
    pub(super) fn fields(&self) -> Fields {
        let mut fields = Fields::default();
        if self.id.is_some() {
            fields.insert(Field::Id);
        }
        if self.kind.is_some() {
            fields.insert(Field::Type);
        }
        if let Some((field, _)) = self.object {
            fields.insert(field);
        }
        fields
    }

    /// What is given for a field, as text.
    pub(super) fn text(&self, field: Field) -> Option<&str> {
        match field {
            Field::Id => self.id,
            Field::Type => self.kind.map(CommandKind::name),
            _ => self
                .object
                .and_then(|(given, text)| (given == field).then_some(text)),
        }
    }
}

/// What a text may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    One,
    Array,
}

fn decode_one(json: &[u8], given: &Given<'_>) -> Result<Request, Invalid> {
    let text = utf_8(json)?;
    fast(text, given).ok_or_else(|| diagnose(text, given, Form::One))
}

fn utf_8(json: &[u8]) -> Result<&str, Invalid> {
    str::from_utf8(json).map_err(|error| Invalid::malformed(format_args!("is not UTF-8: {error}")))
}

/// The fast path to one command.
pub(super) fn fast(text: &str, given: &Given<'_>) -> Option<Request> {
    let mut request = None;
    let into = |read| request = Some(read);
    read(text, CommandSeed { given, into })?;
    request
}

/// Reads the whole of a text, if nothing is wrong with it.
fn read<'de, S: DeserializeSeed<'de>>(text: &'de str, seed: S) -> Option<S::Value> {
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = seed.deserialize(&mut reader).ok()?;
    reader.end().ok().map(|()| value)
}

/// Reads an array of commands.
struct BatchSeed<'a> {
    given: &'a Given<'a>,
    into: &'a mut Vec<Request>,
}

impl<'de> DeserializeSeed<'de> for BatchSeed<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for BatchSeed<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an array of commands")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<(), A::Error> {
        let given = self.given;
        loop {
            let into = |request| self.into.push(request);
            match array.next_element_seed(CommandSeed { given, into })? {
                Some(()) if self.into.len() > BATCH_COMMANDS_MAX => {
                    return Err(A::Error::custom(""));
                }
                Some(()) => {}
                None => return Ok(()),
            }
        }
    }
}

/// Reads one command and hands it over, which saves moving it through every level of the reader.
struct CommandSeed<'a, F> {
    given: &'a Given<'a>,
    into: F,
}

impl<'de, F: FnOnce(Request)> DeserializeSeed<'de> for CommandSeed<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_map(self)
    }
}

impl<'de, F: FnOnce(Request)> Visitor<'de> for CommandSeed<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a command object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut object: A) -> Result<(), A::Error> {
        let mut draft = Draft::default();
        while let Some(field) = object.next_key_seed(FromText(field))? {
            if !draft.seen.insert(field) {
                return Err(A::Error::custom(""));
            }
            draft.read(field, &mut object)?;
        }
        let request = draft
            .finish(self.given)
            .ok_or_else(|| A::Error::custom(""))?;
        (self.into)(request);
        Ok(())
    }
}

fn field(name: &str) -> Result<Field, &'static str> {
    Field::from_name(name).ok_or("is unknown")
}

#[cfg(test)]
mod tests;
