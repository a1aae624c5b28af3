//! Jifen's dialect: HTTP/1.1 with keep-alive, single commands at their endpoints and several as an array.

use std::io::Write as _;

use bytes::{BufMut, BytesMut};

use crate::{
    dialect::{Dialect, Reply, quoted_after},
    trouble::Trouble,
    work::{Operation, Request, SKU},
};

const NAME: &str = "Jifen";

/// Speaks HTTP with this key.
#[derive(Clone, Debug)]
pub struct Http {
    /// What the server takes as its operator's.
    pub key: String,
}

impl Http {
    /// Any message, whole.
    pub fn message(
        &self,
        out: &mut BytesMut,
        method: &str,
        path: &str,
        id: Option<&str>,
        body: &str,
    ) {
        put(
            out,
            format_args!(
                "{method} {path} HTTP/1.1\r\nHost: compare\r\nAuthorization: Bearer {}\r\n",
                self.key
            ),
        );
        if let Some(id) = id {
            put(out, format_args!("Idempotency-Key: {id}\r\n"));
        }
        if method != "GET" {
            put(
                out,
                format_args!(
                    "Content-Type: application/json\r\nContent-Length: {}\r\n",
                    body.len()
                ),
            );
        }
        put(out, format_args!("\r\n{body}"));
    }

    fn single(&self, out: &mut BytesMut, request: &Request<'_>) {
        let path = match request.operation {
            Operation::Earn(..) => "/v1/earns".into(),
            Operation::Hold(..) => "/v1/holds".into(),
            Operation::Reserve(_) => "/v1/reservations".into(),
            Operation::Capture(hold) => format!("/v1/holds/{hold}/capture"),
            Operation::Look(member) => format!("/v1/members/{member}"),
        };
        let id = request.number.to_string();
        match request.operation {
            Operation::Look(_) => self.message(out, "GET", &path, None, ""),
            // Everything is in the path.
            Operation::Capture(_) => self.message(out, "POST", &path, Some(&id), "{}"),
            _ => self.message(out, "POST", &path, Some(&id), &body(request)),
        }
    }
}

fn put(out: &mut BytesMut, text: std::fmt::Arguments<'_>) {
    out.writer()
        .write_fmt(text)
        .expect("memory takes everything");
}

/// The fields of a command, without braces.
fn fields(request: &Request<'_>) -> String {
    match request.operation {
        Operation::Earn(member, merchant, points) | Operation::Hold(member, merchant, points) => {
            format!(r#""member":"{member}","merchant":"{merchant}","points":{points}"#)
        }
        Operation::Reserve(member) => {
            format!(r#""member":"{member}","sku":"{SKU}","quantity":1"#)
        }
        Operation::Capture(hold) => format!(r#""hold":"{hold}""#),
        Operation::Look(_) => String::new(),
    }
}

fn body(request: &Request<'_>) -> String {
    format!("{{{}}}", fields(request))
}

fn word(operation: Operation<'_>) -> &'static str {
    match operation {
        Operation::Earn(..) => "earn",
        Operation::Hold(..) => "hold",
        Operation::Capture(_) => "capture",
        Operation::Reserve(_) => "reserve",
        Operation::Look(_) => "look",
    }
}

impl Dialect for Http {
    fn greet(&self, _: &mut BytesMut) -> usize {
        0
    }

    fn put(&self, out: &mut BytesMut, requests: &[Request<'_>]) -> usize {
        if let [request] = requests {
            self.single(out, request);
        } else {
            let commands: Vec<String> = requests
                .iter()
                .map(|request| {
                    let (id, word) = (request.number, word(request.operation));
                    format!(r#"{{"id":"{id}","type":"{word}",{}}}"#, fields(request))
                })
                .collect();
            self.message(
                out,
                "POST",
                "/v1/commands",
                None,
                &format!("[{}]", commands.join(",")),
            );
        }
        1
    }

    fn end(&self, bytes: &[u8]) -> Option<usize> {
        let head = memchr::memmem::find(bytes, b"\r\n\r\n")? + 4;
        let length = content_length(&bytes[..head])?;
        (bytes.len() >= head + length).then_some(head + length)
    }

    fn hear(&self, answer: &[u8], each: &mut dyn FnMut(Reply<'_>)) -> Result<(), Trouble> {
        let body = body_of(answer);
        match answer.get(9..12) {
            Some(b"201") => each(Reply::Accepted(quoted_after(r#""hold":""#, body))),
            Some(b"200") if body.starts_with(b"[") => {
                if memchr::memmem::find(body, br#""status":"refused""#).is_some() {
                    return Err(Trouble::answer(NAME, answer));
                }
                memchr::memmem::find_iter(body, br#""status":"accepted""#)
                    .for_each(|_| each(Reply::Accepted(None)));
            }
            Some(b"200") => each(Reply::Accepted(None)),
            Some(b"409") if memchr::memmem::find(body, br#""code":"sold_out""#).is_some() => {
                each(Reply::SoldOut);
            }
            _ => return Err(Trouble::answer(NAME, answer)),
        }
        Ok(())
    }

    fn essence(&self, answer: &[u8]) -> Vec<u8> {
        let body = String::from_utf8_lossy(body_of(answer));
        body.replace(r#""replayed":true"#, r#""replayed":false"#)
            .into_bytes()
    }
}

/// What comes after the head.
pub(crate) fn body_of(answer: &[u8]) -> &[u8] {
    memchr::memmem::find(answer, b"\r\n\r\n").map_or(&[], |head| &answer[head + 4..])
}

fn content_length(head: &[u8]) -> Option<usize> {
    let key = b"content-length: ";
    let start = memchr::memmem::find(head, key)? + key.len();
    let digits = head[start..]
        .iter()
        .take_while(|byte| byte.is_ascii_digit());
    Some(digits.fold(0, |sum, digit| sum * 10 + usize::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::work::{Member, Merchant, RequestNumber};

    fn request(operation: Operation<'_>) -> Request<'_> {
        let number = RequestNumber {
            connection: 3,
            serial: 9,
        };
        Request { number, operation }
    }

    #[test]
    fn one_command_goes_to_its_endpoint_and_several_as_an_array() {
        let http = Http { key: "k".into() };
        let earn = request(Operation::Earn(Member(1), Merchant(2), 5));
        let mut out = BytesMut::new();
        assert_eq!(http.put(&mut out, &[earn]), 1);
        let text = String::from_utf8_lossy(&out).into_owned();
        assert!(text.starts_with("POST /v1/earns HTTP/1.1\r\n"), "{text}");
        assert!(
            text.contains("Idempotency-Key: r-03-00000009\r\n"),
            "{text}"
        );
        let body = r#"{"member":"u-0000001","merchant":"shop-02","points":5}"#;
        assert!(
            text.ends_with(&format!("Content-Length: {}\r\n\r\n{body}", body.len())),
            "{text}"
        );
        out.clear();
        assert_eq!(http.put(&mut out, &[earn, earn]), 1);
        let text = String::from_utf8_lossy(&out).into_owned();
        assert!(text.starts_with("POST /v1/commands "), "{text}");
        assert_eq!(text.matches(r#""type":"earn""#).count(), 2, "{text}");
    }

    #[test]
    fn answers_end_where_their_length_says() {
        let http = Http { key: "k".into() };
        let answer = b"HTTP/1.1 201 Created\r\ncontent-length: 12\r\n\r\n{\"hold\":\"h\"}HTTP/1.1";
        assert_eq!(http.end(answer), Some(answer.len() - 8));
        assert_eq!(http.end(&answer[..answer.len() - 9]), None);
        assert_eq!(http.end(&answer[..20]), None);
        let mut heard = Vec::new();
        http.hear(&answer[..answer.len() - 8], &mut |reply| {
            heard.push(format!("{reply:?}"));
        })
        .expect("accepted");
        assert_eq!(heard, [r#"Accepted(Some("h"))"#]);
        assert!(http.hear(b"HTTP/1.1 503 x\r\n\r\n{}", &mut |_| ()).is_err());
    }
}
