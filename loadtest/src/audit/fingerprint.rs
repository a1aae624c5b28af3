//! What an answer says, as one number: the hash of its fields, whatever their order and the blanks between them, so that
//! the same answer has the same number whichever door it came through. Nothing is copied from the body.

use std::fmt;

use serde::Deserialize;
use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

/// 64 bits of an answer: two different ones are alike once in 2^64 times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Fingerprint(pub(crate) u64);

/// An answer, as far as the audit wants to know.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Heard<'a> {
    /// The status word of an answer object; none in a problem document, whose status is a number.
    pub(crate) status: Option<&'a str>,
    pub(crate) code: Option<&'a str>,
    pub(crate) at: Option<&'a str>,
    pub(crate) id: Option<&'a str>,
    pub(crate) hold: Option<&'a str>,
    pub(crate) captured: Option<u64>,
    pub(crate) released: Option<u64>,
    pub(crate) replayed: bool,
    /// It says where it is recorded, so it must be the same for ever.
    pub(crate) is_recorded: bool,
    /// Of everything but `replayed`.
    accepted: u64,
    /// Of what answer objects and problem documents have in common.
    refused: u64,
}

impl Heard<'_> {
    /// `accepted`: the answer says yes. Of a no only what every door tells is compared.
    pub(crate) const fn fingerprint(&self, accepted: bool) -> Fingerprint {
        Fingerprint(if accepted {
            self.accepted
        } else {
            self.refused
        })
    }
}

impl<'de> Deserialize<'de> for Heard<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(Fields)
    }
}

struct Fields;

impl<'de> Visitor<'de> for Fields {
    type Value = Heard<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an answer")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Heard<'de>, A::Error> {
        let mut heard = Heard::default();
        while let Some(name) = map.next_key::<&str>()? {
            let value = map.next_value_seed(Any)?;
            match name {
                "status" => heard.status = value.text,
                "code" => heard.code = value.text,
                "at" => heard.at = value.text,
                "id" => heard.id = value.text,
                "hold" => heard.hold = value.text,
                "captured" => heard.captured = value.number,
                "released" => heard.released = value.number,
                "offset" => heard.is_recorded = value.text.is_some(),
                "replayed" => {
                    heard.replayed = value.truth;
                    continue;
                }
                _ => {}
            }
            let field = named(name, value.hash);
            heard.accepted = heard.accepted.wrapping_add(field);
            if matches!(name, "code" | "offset" | "at" | "reasons") {
                heard.refused = heard.refused.wrapping_add(field);
            }
        }
        Ok(heard)
    }
}

/// Of a field. Fields are added up, so that their order does not matter.
fn named(name: &str, value: u64) -> u64 {
    xxh3_64_with_seed(name.as_bytes(), value)
}

/// Any value: its hash, and itself if it is simple.
#[derive(Clone, Copy, Default)]
struct Value<'a> {
    hash: u64,
    text: Option<&'a str>,
    number: Option<u64>,
    truth: bool,
}

impl Value<'_> {
    /// The kind makes the difference between `1` and `"1"`.
    fn of(kind: u8, bits: u64) -> Self {
        Self {
            hash: xxh3_64_with_seed(&bits.to_le_bytes(), u64::from(kind)),
            ..Self::default()
        }
    }
}

struct Any;

impl<'de> DeserializeSeed<'de> for Any {
    type Value = Value<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value<'de>, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Any {
    type Value = Value<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value<'de>, E> {
        Ok(Value::of(0, 0))
    }

    fn visit_bool<E: Error>(self, truth: bool) -> Result<Value<'de>, E> {
        Ok(Value {
            truth,
            ..Value::of(1, u64::from(truth))
        })
    }

    fn visit_u64<E: Error>(self, number: u64) -> Result<Value<'de>, E> {
        Ok(Value {
            number: Some(number),
            ..Value::of(2, number)
        })
    }

    fn visit_i64<E: Error>(self, number: i64) -> Result<Value<'de>, E> {
        Ok(Value::of(3, number.cast_unsigned()))
    }

    fn visit_f64<E: Error>(self, number: f64) -> Result<Value<'de>, E> {
        Ok(Value::of(4, number.to_bits()))
    }

    fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Value<'de>, E> {
        Ok(Value {
            text: Some(text),
            ..self.visit_str(text)?
        })
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Value<'de>, E> {
        Ok(Value::of(5, xxh3_64(text.as_bytes())))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Value<'de>, A::Error> {
        let mut all = 0;
        while let Some(element) = elements.next_element_seed(Self)? {
            all = xxh3_64_with_seed(&element.hash.to_le_bytes(), all);
        }
        Ok(Value::of(6, all))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value<'de>, A::Error> {
        let mut all = 0_u64;
        while let Some(name) = map.next_key::<&str>()? {
            all = all.wrapping_add(named(name, map.next_value_seed(Self)?.hash));
        }
        Ok(Value::of(7, all))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(json: &str) -> Heard<'_> {
        serde_json::from_str(json).expect("an answer")
    }

    #[test]
    fn the_same_answer_has_the_same_fingerprint_however_it_is_written() {
        let one = r#"{"status":"accepted","replayed":false,"balance":{"available":1,"held":2},"lots":[{"a":1},{"b":2}]}"#;
        let same = r#"{ "lots": [ {"a":1}, {"b":2} ], "balance": {"held":2,"available":1}, "replayed":true, "status":"accepted" }"#;
        assert_eq!(heard(one).fingerprint(true), heard(same).fingerprint(true));
        for (from, to) in [
            ("\"available\":1", "\"available\":2"),
            ("\"available\":1", "\"available\":\"1\""),
            ("\"held\":2", "\"owed\":2"),
            ("{\"a\":1},{\"b\":2}", "{\"b\":2},{\"a\":1}"),
            ("[{\"a\":1},{\"b\":2}]", "[]"),
            ("accepted", "refused"),
        ] {
            let other = one.replace(from, to);
            assert_ne!(
                heard(one).fingerprint(true),
                heard(&other).fingerprint(true),
                "{other}"
            );
        }
    }

    #[test]
    fn a_problem_document_says_the_same_as_the_answer_object() {
        let object = r#"{"id":"x","type":"redeem","status":"refused","code":"c","offset":"6:5","at":"t","balance":{},
            "reasons":[{"code":"c","limit":9}]}"#;
        let problem = r#"{"type":"/problems/c","status":422,"detail":"…","code":"c","offset":"6:5","at":"t",
            "reasons":[{"code":"c","limit":9}]}"#;
        let (object, problem) = (heard(object), heard(problem));
        assert_eq!(object.fingerprint(false), problem.fingerprint(false));
        assert!(object.is_recorded && problem.is_recorded);
        assert_eq!((object.status, problem.status), (Some("refused"), None));
        let other =
            heard(r#"{"code":"c","offset":"6:6","at":"t","reasons":[{"code":"c","limit":9}]}"#);
        assert_ne!(object.fingerprint(false), other.fingerprint(false));
    }
}
