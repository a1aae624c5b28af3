//! The bytes of commands. Written by hand because at a million commands a second a serialiser would be what is measured.

use bytes::{BufMut, BytesMut};
use serde_json::{Map, Value};

use crate::names::{HoldId, Member, RequestIds, SkuNames, put_number};
use crate::session::Asked;
use crate::workload::{Drawn, Handover, Movement, Operation, Reservation};

/// `"member":"load-u-1","merchant":"load-m-2","points":3`, which earns, holds and redemptions have in common.
fn put_movement(out: &mut BytesMut, movement: Movement) {
    out.put_slice(b"\"member\":\"load-u-");
    put_number(out, movement.member.0);
    out.put_slice(b"\",\"merchant\":\"load-m-");
    put_number(out, movement.merchant.0);
    out.put_slice(b"\",\"points\":");
    put_number(out, movement.points);
}

/// `"member":"load-u-1","sku":"load-s-RUN-0","quantity":1`
fn put_reservation(out: &mut BytesMut, reservation: Reservation, skus: &SkuNames) {
    out.put_slice(b"\"member\":\"load-u-");
    put_number(out, reservation.member.0);
    out.put_slice(b"\",\"sku\":\"");
    skus.put(out, reservation.sku);
    out.put_slice(b"\",\"quantity\":1");
}

/// `"member":"load-u-1","to":"load-u-2","points":3`
fn put_handover(out: &mut BytesMut, handover: Handover) {
    out.put_slice(b"\"member\":\"load-u-");
    put_number(out, handover.from.0);
    out.put_slice(b"\",\"to\":\"load-u-");
    put_number(out, handover.to.0);
    out.put_slice(b"\",\"points\":");
    put_number(out, handover.points);
}

fn put_fields(out: &mut BytesMut, command: &Drawn, skus: &SkuNames) {
    match *command {
        Drawn::Movement(_, movement) => put_movement(out, movement),
        Drawn::Reservation(reservation) => put_reservation(out, reservation, skus),
        Drawn::Handover(handover) => put_handover(out, handover),
    }
}

/// The body of a one-command endpoint.
pub(crate) fn put_single(out: &mut BytesMut, command: &Drawn, skus: &SkuNames) {
    out.put_u8(b'{');
    put_fields(out, command, skus);
    out.put_u8(b'}');
}

/// A command that is a message by itself: as it would stand in an array.
pub(crate) fn put_message(
    out: &mut BytesMut,
    ids: &mut RequestIds,
    command: &Drawn,
    skus: &SkuNames,
) {
    Array::unbracketed(out, ids).command(command, skus);
}

/// The same for the capture of a hold.
pub(crate) fn put_capture(out: &mut BytesMut, ids: &mut RequestIds, hold: &HoldId) {
    Array::unbracketed(out, ids).capture(hold);
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
        Self::unbracketed(out, ids)
    }

    const fn unbracketed(out: &'a mut BytesMut, ids: &'a mut RequestIds) -> Self {
        Self {
            out,
            ids,
            empty: true,
        }
    }

    pub(crate) fn command(&mut self, command: &Drawn, skus: &SkuNames) {
        self.start(command.operation());
        put_fields(self.out, command, skus);
        self.out.put_u8(b'}');
    }

    pub(crate) fn capture(&mut self, hold: &HoldId) {
        self.start(Operation::Capture);
        self.out.put_slice(b"\"hold\":\"");
        self.out.put_slice(hold.as_str().as_bytes());
        self.out.put_slice(b"\"}");
    }

    /// A command from a file; with a request id of ours if it has none of its own.
    pub(crate) fn replayed(&mut self, command: &Map<String, Value>) {
        self.separate();
        let has_id = command.contains_key("id");
        self.out.put_u8(b'{');
        if !has_id {
            self.out.put_slice(b"\"id\":\"");
            self.ids.put_next(self.out);
            self.out.put_u8(b'"');
        }
        for (index, (name, value)) in command.iter().enumerate() {
            if index > 0 || !has_id {
                self.out.put_u8(b',');
            }
            let name = Value::from(name.as_str());
            self.out.put_slice(format!("{name}:{value}").as_bytes());
        }
        self.out.put_u8(b'}');
    }

    pub(crate) fn close(self) {
        self.out.put_u8(b']');
    }

    fn separate(&mut self) {
        if !self.empty {
            self.out.put_u8(b',');
        }
        self.empty = false;
    }

    fn start(&mut self, operation: Operation) {
        self.separate();
        self.out.put_slice(b"{\"id\":\"");
        self.ids.put_next(self.out);
        self.out.put_slice(b"\",\"type\":\"");
        self.out.put_slice(operation.word().as_bytes());
        self.out.put_slice(b"\",");
    }
}

/// Writes a command of an array once more, under the id that it had.
pub(crate) fn put_again(
    out: &mut BytesMut,
    (ids, number): (&RequestIds, u64),
    asked: &Asked,
    skus: &SkuNames,
) {
    out.put_slice(b"{\"id\":\"");
    ids.put(out, number);
    out.put_slice(b"\",\"type\":\"");
    out.put_slice(asked.operation().word().as_bytes());
    out.put_slice(b"\",");
    match asked {
        Asked::Drawn(drawn) => put_fields(out, drawn, skus),
        Asked::Capture(hold, _) => {
            out.put_slice(b"\"hold\":\"");
            out.put_slice(hold.as_str().as_bytes());
            out.put_u8(b'"');
        }
        Asked::Replayed(_) => unreachable!("a file is not audited"),
    }
    out.put_u8(b'}');
}

/// What a member is given at the start, in points: enough that holds and redemptions mostly succeed.
const OPENING_POINTS: u64 = 1_000_000;

/// Enrols a member and gives the opening balance, two commands of a setup array. The request ids depend on the member
/// alone, so that a second setup is answered from memory and changes nothing.
pub(crate) fn put_opening(out: &mut BytesMut, movement: Movement) {
    put_enrol(out, movement.member);
    out.put_slice(b",{\"id\":\"load-opening-");
    put_number(out, movement.member.0);
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

/// Enrols a member, as the setup does.
pub(crate) fn put_enrol(out: &mut BytesMut, Member(number): Member) {
    out.put_slice(b"{\"id\":\"load-enrol-");
    put_number(out, number);
    out.put_slice(b"\",\"type\":\"enrol\",\"member\":\"load-u-");
    put_number(out, number);
    out.put_slice(b"\"}");
}

#[cfg(test)]
mod tests {
    use std::str::FromStr;

    use serde_json::json;

    use super::*;
    use crate::names::{Merchant, RunId, SkuNumber};

    const MOVEMENT: Movement = Movement {
        member: Member(17),
        merchant: Merchant(3),
        points: 57,
    };

    fn run() -> RunId {
        RunId::from_str("r1").expect("a run id")
    }

    fn parsed(body: &[u8]) -> Value {
        serde_json::from_slice(body).expect("JSON")
    }

    #[test]
    fn a_single_body() {
        let reservation = Drawn::Reservation(Reservation {
            member: Member(17),
            sku: SkuNumber(2),
        });
        let handover = Drawn::Handover(Handover {
            from: Member(17),
            to: Member(4),
            points: 5,
        });
        let cases = [
            (
                Drawn::Movement(Operation::Earn, MOVEMENT),
                json!({ "member": "load-u-17", "merchant": "load-m-3", "points": 57 }),
            ),
            (
                reservation,
                json!({ "member": "load-u-17", "sku": "load-s-r1-2", "quantity": 1 }),
            ),
            (
                handover,
                json!({ "member": "load-u-17", "to": "load-u-4", "points": 5 }),
            ),
        ];
        for (command, expected) in cases {
            let mut out = BytesMut::new();
            put_single(&mut out, &command, &SkuNames::new(&run()));
            assert_eq!(parsed(&out), expected);
        }
    }

    #[test]
    fn an_array() {
        let mut out = BytesMut::new();
        let mut ids = RequestIds::new(42, &run(), 5);
        let mut array = Array::open(&mut out, &mut ids);
        array.capture(&HoldId::new("3:99").expect("a hold id"));
        array.command(
            &Drawn::Movement(Operation::Redeem, MOVEMENT),
            &SkuNames::new(&run()),
        );
        for line in [
            json!({ "type": "freeze", "member": "a\"b", "reason": "x" }),
            json!({ "id": "mine", "type": "earn", "points": 3 }),
        ] {
            array.replayed(line.as_object().expect("an object"));
        }
        array.close();
        let expected = json!([
            { "id": "42-r1-5-0", "type": "capture", "hold": "3:99" },
            { "id": "42-r1-5-1", "type": "redeem", "member": "load-u-17", "merchant": "load-m-3", "points": 57 },
            { "id": "42-r1-5-2", "type": "freeze", "member": "a\"b", "reason": "x" },
            { "id": "mine", "type": "earn", "points": 3 },
        ]);
        assert_eq!(parsed(&out), expected);
    }

    #[test]
    fn a_message() {
        let mut ids = RequestIds::new(42, &run(), 5);
        let mut out = BytesMut::new();
        let earn = Drawn::Movement(Operation::Earn, MOVEMENT);
        put_message(&mut out, &mut ids, &earn, &SkuNames::new(&run()));
        let expected = json!(
            { "id": "42-r1-5-0", "type": "earn", "member": "load-u-17", "merchant": "load-m-3", "points": 57 }
        );
        assert_eq!(parsed(&out.split()), expected);
        put_capture(&mut out, &mut ids, &HoldId::new("3:99").expect("a hold id"));
        let expected = json!({ "id": "42-r1-5-1", "type": "capture", "hold": "3:99" });
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
