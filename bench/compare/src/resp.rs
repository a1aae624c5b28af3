//! Redis's dialect: RESP2, one call of a loaded script for each operation, several of them pipelined.

use std::io::Write as _;

use bytes::{BufMut, BytesMut};

use crate::{
    dialect::{Dialect, Reply, hear_short},
    trouble::Trouble,
    work::{Member, Operation, Request, SKU},
};

const NAME: &str = "Redis";

/// The digests of the scripts, as Redis told them.
#[derive(Clone, Debug, Default)]
pub struct Scripts {
    /// `redis/earn.lua`
    pub earn: String,
    /// `redis/hold.lua`
    pub hold: String,
    /// `redis/capture.lua`
    pub capture: String,
    /// `redis/reserve.lua`
    pub reserve: String,
}

/// Speaks RESP, with these scripts.
#[derive(Clone, Debug, Default)]
pub struct Resp {
    /// What to call.
    pub scripts: Scripts,
}

impl Resp {
    /// A command and its arguments.
    pub fn command(out: &mut BytesMut, words: &[&str]) {
        let mut out = out.writer();
        write!(out, "*{}\r\n", words.len()).expect("memory takes everything");
        for word in words {
            write!(out, "${}\r\n{word}\r\n", word.len()).expect("memory takes everything");
        }
    }

    fn one(&self, out: &mut BytesMut, request: &Request<'_>) {
        let id = request.number.to_string();
        let keys = |member: Member| {
            [
                format!("r:{member}:{id}"),
                format!("m:{member}"),
                format!("l:{member}"),
                format!("e:{member}"),
            ]
        };
        match request.operation {
            Operation::Earn(member, merchant, points) => {
                let arguments = [merchant.to_string(), points.to_string()];
                call(out, &self.scripts.earn, &keys(member), &arguments);
            }
            Operation::Hold(member, merchant, points) => {
                let arguments = [member.to_string(), merchant.to_string(), points.to_string()];
                call(out, &self.scripts.hold, &keys(member), &arguments);
            }
            Operation::Capture(hold) => {
                call(out, &self.scripts.capture, &[format!("h:{hold}")], &[id]);
            }
            Operation::Reserve(member) => {
                let [key, balance, lots, movements] = keys(member);
                let keys = [key, balance, lots, movements, format!("s:{SKU}")];
                let arguments = [member.to_string(), "1".into()];
                call(out, &self.scripts.reserve, &keys, &arguments);
            }
            Operation::Look(member) => Self::command(out, &["HGETALL", &format!("m:{member}")]),
        }
    }
}

fn call(out: &mut BytesMut, script: &str, keys: &[String], arguments: &[String]) {
    let count = keys.len().to_string();
    let mut words = vec!["EVALSHA", script, &count];
    words.extend(keys.iter().chain(arguments).map(String::as_str));
    Resp::command(out, &words);
}

impl Dialect for Resp {
    fn greet(&self, _: &mut BytesMut) -> usize {
        0
    }

    fn put(&self, out: &mut BytesMut, requests: &[Request<'_>]) -> usize {
        requests.iter().for_each(|request| self.one(out, request));
        requests.len()
    }

    fn end(&self, bytes: &[u8]) -> Option<usize> {
        end(bytes)
    }

    fn hear(&self, answer: &[u8], each: &mut dyn FnMut(Reply<'_>)) -> Result<(), Trouble> {
        match answer.first() {
            Some(b'$') => each(hear_short(NAME, text(answer))?),
            // What a read finds.
            Some(b'*') if !answer.starts_with(b"*0") => each(Reply::Accepted(None)),
            _ => return Err(Trouble::answer(NAME, answer)),
        }
        Ok(())
    }

    fn essence(&self, answer: &[u8]) -> Vec<u8> {
        answer.to_vec()
    }
}

/// What a bulk string says.
pub(crate) fn text(answer: &[u8]) -> &[u8] {
    let start = memchr::memmem::find(answer, b"\r\n").map_or(answer.len(), |line| line + 2);
    answer[start..].strip_suffix(b"\r\n").unwrap_or_default()
}

fn end(bytes: &[u8]) -> Option<usize> {
    let line = memchr::memmem::find(bytes, b"\r\n")?;
    let rest = line + 2;
    let number = || {
        std::str::from_utf8(&bytes[1..line])
            .ok()?
            .parse::<i64>()
            .ok()
    };
    match bytes[0] {
        b'$' => match usize::try_from(number()?) {
            Ok(length) => (bytes.len() >= rest + length + 2).then_some(rest + length + 2),
            // Nothing.
            Err(_) => Some(rest),
        },
        b'*' => (0..number()?).try_fold(rest, |at, _| Some(at + end(&bytes[at..])?)),
        _ => Some(rest),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_end() {
        for whole in [
            "+OK\r\n",
            ":12\r\n",
            "$3\r\nabc\r\n",
            "$-1\r\n",
            "*2\r\n$1\r\na\r\n:5\r\n",
            "*0\r\n",
        ] {
            let with_more = format!("{whole}+OK");
            assert_eq!(end(with_more.as_bytes()), Some(whole.len()), "{whole}");
            assert_eq!(end(&whole.as_bytes()[..whole.len() - 1]), None, "{whole}");
        }
        assert_eq!(text(b"$3\r\nabc\r\n"), b"abc");
    }

    #[test]
    fn an_error_is_no_answer() {
        assert!(
            Resp::default()
                .hear(b"-NOSCRIPT x\r\n", &mut |_| ())
                .is_err()
        );
    }
}
