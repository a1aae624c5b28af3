//! PostgreSQL's dialect: the extended protocol, one call of a prepared function for each operation, several of them pipelined,
//! each in a transaction of its own.

use bytes::BytesMut;
use postgres_protocol::{IsNull, message::frontend};

use crate::{
    dialect::{Dialect, Reply, hear_short},
    trouble::Trouble,
    work::{Operation, Request, SKU},
};

const NAME: &str = "PostgreSQL";

/// Who makes the cluster and connects.
pub const USER: &str = "compare";
/// The database that every new cluster has.
pub const DATABASE: &str = "postgres";

/// The prepared statements and what they call.
const STATEMENTS: [(&str, &str); 5] = [
    (
        "earn",
        "select earn($1::text, $2::text, $3::text, $4::text::bigint)",
    ),
    (
        "hold",
        "select hold($1::text, $2::text, $3::text, $4::text::bigint)",
    ),
    ("capture", "select capture($1::text, $2::text::bigint)"),
    (
        "reserve",
        "select reserve($1::text, $2::text, $3::text, $4::text::bigint)",
    ),
    ("look", "select look($1::text)"),
];

/// Speaks the protocol of PostgreSQL.
#[derive(Clone, Copy, Debug)]
pub struct Pg;

impl Dialect for Pg {
    fn greet(&self, out: &mut BytesMut) -> usize {
        let who = [("user", USER), ("database", DATABASE)];
        frontend::startup_message(who, out).expect("no zero bytes");
        for (name, text) in STATEMENTS {
            frontend::parse(name, text, [], out).expect("no zero bytes");
        }
        frontend::sync(out);
        // Ready after the start, and ready after preparing.
        2
    }

    fn put(&self, out: &mut BytesMut, requests: &[Request<'_>]) -> usize {
        for request in requests {
            let id = request.number.to_string();
            let (statement, values) = match request.operation {
                Operation::Earn(member, merchant, points) => {
                    let values = [
                        id,
                        member.to_string(),
                        merchant.to_string(),
                        points.to_string(),
                    ];
                    ("earn", values.to_vec())
                }
                Operation::Hold(member, merchant, points) => {
                    let values = [
                        id,
                        member.to_string(),
                        merchant.to_string(),
                        points.to_string(),
                    ];
                    ("hold", values.to_vec())
                }
                Operation::Capture(hold) => ("capture", vec![id, hold.to_owned()]),
                Operation::Reserve(member) => (
                    "reserve",
                    vec![id, member.to_string(), SKU.to_owned(), "1".to_owned()],
                ),
                Operation::Look(member) => ("look", vec![member.to_string()]),
            };
            call(out, statement, &values);
        }
        requests.len()
    }

    fn end(&self, bytes: &[u8]) -> Option<usize> {
        messages(bytes)
            .find(|message| message.kind == b'Z')
            .map(|ready| ready.end)
    }

    fn hear(&self, answer: &[u8], each: &mut dyn FnMut(Reply<'_>)) -> Result<(), Trouble> {
        let said = messages(answer).find(|message| matches!(message.kind, b'D' | b'E'));
        match said {
            Some(row) if row.kind == b'D' => {
                let text = row.body.get(6..).unwrap_or_default();
                if text.starts_with(br#"{"available""#) {
                    each(Reply::Accepted(None));
                } else {
                    each(hear_short(NAME, text)?);
                }
            }
            // What the function raises when the last unit went to somebody else meanwhile.
            Some(error) if memchr::memmem::find(error.body, b"Msold_out\0").is_some() => {
                each(Reply::SoldOut);
            }
            _ => return Err(Trouble::answer(NAME, answer)),
        }
        Ok(())
    }

    fn essence(&self, answer: &[u8]) -> Vec<u8> {
        let row = messages(answer).find(|message| message.kind == b'D');
        row.map(|row| row.body.to_vec()).unwrap_or_default()
    }
}

/// Parameters and results travel as text.
fn call(out: &mut BytesMut, statement: &str, values: &[String]) {
    let serialize = |value: &String, out: &mut BytesMut| {
        out.extend_from_slice(value.as_bytes());
        Ok(IsNull::No)
    };
    if frontend::bind("", statement, [], values, serialize, [], out).is_err() {
        unreachable!("few and short values without zero bytes");
    }
    frontend::execute("", 0, out).expect("no zero bytes");
    frontend::sync(out);
}

/// A whole message of the server.
struct Message<'a> {
    kind: u8,
    body: &'a [u8],
    /// Where it ends, from the beginning of all.
    end: usize,
}

fn messages(bytes: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut at = 0;
    std::iter::from_fn(move || {
        let length = bytes.get(at + 1..at + 5)?.try_into().ok()?;
        // It counts itself, but not the kind.
        let end = at + 1 + usize::try_from(u32::from_be_bytes(length)).ok()?;
        let message = Message {
            kind: bytes[at],
            body: bytes.get(at + 5..end)?,
            end,
        };
        at = end;
        Some(message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(kind: u8, body: &[u8]) -> Vec<u8> {
        let length = u32::try_from(body.len() + 4).expect("short");
        [&[kind], &length.to_be_bytes()[..], body].concat()
    }

    #[test]
    fn an_answer_ends_when_the_server_is_ready_again() {
        let text = br#"{"status":"accepted","hold":"4"}"#;
        let row = [&[0, 1, 0, 0, 0, 32], &text[..]].concat();
        let answer = [
            message(b'2', b""),
            message(b'D', &row),
            message(b'C', b"SELECT 1\0"),
            message(b'Z', b"I"),
        ]
        .concat();
        assert_eq!(Pg.end(&answer), Some(answer.len()));
        assert_eq!(Pg.end(&answer[..answer.len() - 1]), None);
        let mut heard = Vec::new();
        Pg.hear(&answer, &mut |reply| heard.push(format!("{reply:?}")))
            .expect("accepted");
        assert_eq!(heard, [r#"Accepted(Some("4"))"#]);
    }

    #[test]
    fn only_one_error_is_an_answer() {
        let sold_out = message(b'E', b"SERROR\0Msold_out\0\0");
        let mut heard = 0;
        Pg.hear(&sold_out, &mut |_| heard += 1).expect("sold out");
        assert_eq!(heard, 1);
        assert!(
            Pg.hear(&message(b'E', b"SERROR\0Mdeadlock\0\0"), &mut |_| ())
                .is_err()
        );
    }
}
