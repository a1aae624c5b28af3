//! The bytes of commands. Written by hand because at a million commands a second a serialiser would be what is measured.

use bytes::{BufMut, BytesMut};

use crate::names::{HoldId, Member, RequestIds, put_number};
use crate::workload::{Movement, Operation};

/// `"member":"load-u-1","merchant":"load-m-2","points":3`, which earns, holds and redemptions have in common.
fn put_movement(out: &mut BytesMut, movement: Movement) {
    out.put_slice(b"\"member\":\"load-u-");
    put_number(out, movement.member.0);
    out.put_slice(b"\",\"merchant\":\"load-m-");
    put_number(out, movement.merchant.0);
    out.put_slice(b"\",\"points\":");
    put_number(out, movement.points);
}

/// The body of a one-command endpoint that moves points.
pub(crate) fn put_single(out: &mut BytesMut, movement: Movement) {
    out.put_u8(b'{');
    put_movement(out, movement);
    out.put_u8(b'}');
}

/// The body of `POST /v1/holds/{hold}/capture`: everything is in the path.
pub(crate) const CAPTURE_BODY: &[u8] = b"{}";

/// Writes the commands of one array, with the brackets and commas.
pub(crate) struct Array<'a> {
    out: &'a mut BytesMut,
    ids: &'a mut RequestIds,
    empty: bool,
}

impl<'a> Array<'a> {
    pub(crate) fn open(out: &'a mut BytesMut, ids: &'a mut RequestIds) -> Self {
        out.put_u8(b'[');
        Self {
            out,
            ids,
            empty: true,
        }
    }

    pub(crate) fn movement(&mut self, operation: Operation, movement: Movement) {
        self.start(operation);
        put_movement(self.out, movement);
        self.out.put_u8(b'}');
    }

    pub(crate) fn capture(&mut self, hold: &HoldId) {
        self.start(Operation::Capture);
        self.out.put_slice(b"\"hold\":\"");
        self.out.put_slice(hold.as_str().as_bytes());
        self.out.put_slice(b"\"}");
    }

    pub(crate) fn close(self) {
        self.out.put_u8(b']');
    }

    fn start(&mut self, operation: Operation) {
        if !self.empty {
            self.out.put_u8(b',');
        }
        self.empty = false;
        self.out.put_slice(b"{\"id\":\"");
        self.ids.put_next(self.out);
        self.out.put_slice(b"\",\"type\":\"");
        self.out.put_slice(operation.word().as_bytes());
        self.out.put_slice(b"\",");
    }
}

/// What a member is given at the start, in points: enough that holds and redemptions mostly succeed.
const OPENING_POINTS: u64 = 1_000_000;

/// Enrols a member and gives the opening balance, two commands of a setup array. The request ids depend on the member
/// alone, so that a second setup is answered from memory and changes nothing.
pub(crate) fn put_opening(out: &mut BytesMut, movement: Movement) {
    let Movement {
        member: Member(number),
        ..
    } = movement;
    out.put_slice(b"{\"id\":\"load-enrol-");
    put_number(out, number);
    out.put_slice(b"\",\"type\":\"enrol\",\"member\":\"load-u-");
    put_number(out, number);
    out.put_slice(b"\"},{\"id\":\"load-opening-");
    put_number(out, number);
    out.put_slice(b"\",\"type\":\"earn\",");
    put_movement(
        out,
        Movement {
            points: OPENING_POINTS,
            ..movement
        },
    );
    out.put_u8(b'}');
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use serde_json::{Value, json};

    use super::*;
    use crate::names::{Merchant, RunId};

    const MOVEMENT: Movement = Movement {
        member: Member(17),
        merchant: Merchant(3),
        points: 57,
    };

    fn parsed(body: &[u8]) -> Value {
        serde_json::from_slice(body).expect("JSON")
    }

    #[test]
    fn a_single_body() {
        let mut out = BytesMut::new();
        put_single(&mut out, MOVEMENT);
        assert_eq!(
            parsed(&out),
            json!({ "member": "load-u-17", "merchant": "load-m-3", "points": 57 })
        );
    }

    #[test]
    fn an_array() {
        let mut out = BytesMut::new();
        let mut ids = RequestIds::new(42, &RunId::from_str("r1").expect("a run id"), 5);
        let mut array = Array::open(&mut out, &mut ids);
        array.capture(&HoldId::new("3:99").expect("a hold id"));
        array.movement(Operation::Redeem, MOVEMENT);
        array.close();
        let expected = json!([
            { "id": "42-r1-5-0", "type": "capture", "hold": "3:99" },
            { "id": "42-r1-5-1", "type": "redeem", "member": "load-u-17", "merchant": "load-m-3", "points": 57 },
        ]);
        assert_eq!(parsed(&out), expected);
    }

    #[test]
    fn an_opening() {
        let mut out = BytesMut::from(&b"["[..]);
        put_opening(&mut out, MOVEMENT);
        out.put_u8(b']');
        let expected = json!([
            { "id": "load-enrol-17", "type": "enrol", "member": "load-u-17" },
            { "id": "load-opening-17", "type": "earn", "member": "load-u-17", "merchant": "load-m-3", "points": 1_000_000 },
        ]);
        assert_eq!(parsed(&out), expected);
    }
}
