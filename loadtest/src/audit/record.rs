//! One acknowledged command in 32 bytes: enough to send it again and to see whether the answer is the same.

use xxhash_rust::xxh3::{xxh3_64, xxh3_64_with_seed};

use super::fingerprint::Fingerprint;
use super::sample::Ranked;
use crate::names::{HoldId, Member, Merchant, SkuNumber};
use crate::session::Asked;
use crate::workload::{Drawn, Handover, Movement, Operation, Reservation};

/// What was told of a command.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Record {
    /// With the connection the request id.
    number: u64,
    fingerprint: Fingerprint,
    member: u32,
    /// The merchant, the SKU, or the member who was given something. Of a capture, with the points, the hash of the hold.
    other: u32,
    points: u32,
    connection: u16,
    operation: Operation,
    accepted: bool,
}

/// The name of a hold in 64 bits.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct HoldHash(u64);

impl HoldHash {
    pub(crate) fn of(hold: &HoldId) -> Self {
        Self(xxh3_64(hold.as_str().as_bytes()))
    }
}

/// A request id by its numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct RequestNumber {
    pub(crate) connection: u32,
    pub(crate) number: u64,
}

impl Record {
    /// `None` of a command from a file, or if a number is larger than any that the load uses.
    pub(crate) fn new(
        request: RequestNumber,
        asked: &Asked,
        accepted: bool,
        fingerprint: Fingerprint,
    ) -> Option<Self> {
        let (member, other, points) = match asked {
            Asked::Drawn(Drawn::Movement(_, movement)) => {
                (movement.member, movement.merchant.0, movement.points)
            }
            Asked::Capture(hold, movement) => {
                let HoldHash(hash) = HoldHash::of(hold);
                (movement.member, hash >> 32, hash & u64::from(u32::MAX))
            }
            Asked::Drawn(Drawn::Handover(handover)) => {
                (handover.from, handover.to.0, handover.points)
            }
            Asked::Drawn(Drawn::Reservation(reservation)) => {
                (reservation.member, reservation.sku.0, 0)
            }
            // Runs that replay a file have no audit.
            Asked::Replayed(_) => return None,
        };
        Some(Self {
            number: request.number,
            fingerprint,
            member: member.0.try_into().ok()?,
            other: other.try_into().ok()?,
            points: points.try_into().ok()?,
            connection: request.connection.try_into().ok()?,
            operation: asked.operation(),
            accepted,
        })
    }

    pub(crate) fn request(&self) -> RequestNumber {
        RequestNumber {
            connection: self.connection.into(),
            number: self.number,
        }
    }

    pub(crate) fn member(&self) -> Member {
        Member(self.member.into())
    }

    /// The command itself; `None` of a capture, for which the name of the hold would be needed.
    pub(crate) fn drawn(&self) -> Option<Drawn> {
        let (member, points) = (self.member(), self.points.into());
        match self.operation {
            Operation::Earn | Operation::Hold | Operation::Redeem => Some(Drawn::Movement(
                self.operation,
                Movement {
                    member,
                    merchant: Merchant(self.other.into()),
                    points,
                },
            )),
            Operation::Reserve => Some(Drawn::Reservation(Reservation {
                member,
                sku: SkuNumber(self.other.into()),
            })),
            Operation::Transfer => Some(Drawn::Handover(Handover {
                from: member,
                to: Member(self.other.into()),
                points,
            })),
            Operation::Capture | Operation::Other => None,
        }
    }

    /// Of a capture, which hold it was of.
    pub(crate) fn hold(&self) -> Option<HoldHash> {
        let hash = u64::from(self.other) << 32 | u64::from(self.points);
        (self.operation == Operation::Capture).then_some(HoldHash(hash))
    }

    pub(crate) const fn operation(&self) -> Operation {
        self.operation
    }

    pub(crate) const fn accepted(&self) -> bool {
        self.accepted
    }

    pub(crate) fn fingerprint(&self) -> Fingerprint {
        self.fingerprint
    }
}

impl Ranked for Record {
    fn rank(&self) -> u64 {
        xxh3_64_with_seed(&self.number.to_le_bytes(), self.connection.into())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_record_is_small_and_gives_the_command_back() {
        assert_eq!(size_of::<Record>(), 32);
        let request = RequestNumber {
            connection: 7,
            number: 1 << 40,
        };
        let movement = Movement {
            member: Member(17),
            merchant: Merchant(3),
            points: 57,
        };
        for drawn in [
            Drawn::Movement(Operation::Redeem, movement),
            Drawn::Reservation(Reservation {
                member: Member(17),
                sku: SkuNumber(2),
            }),
            Drawn::Handover(Handover {
                from: Member(17),
                to: Member(4),
                points: 5,
            }),
        ] {
            let record = Record::new(request, &Asked::Drawn(drawn), true, Fingerprint(9));
            let record = record.expect("small numbers");
            assert_eq!((record.request(), record.drawn()), (request, Some(drawn)));
        }
        let hold = HoldId::new("h6-4").expect("a hold");
        let hash = HoldHash::of(&hold);
        let capture = Asked::Capture(hold, movement);
        let record = Record::new(request, &capture, true, Fingerprint(9)).expect("small numbers");
        assert_eq!((record.hold(), record.drawn()), (Some(hash), None));
        let huge = Movement {
            member: Member(1 << 32),
            ..movement
        };
        let huge = Asked::Drawn(Drawn::Movement(Operation::Earn, huge));
        assert!(Record::new(request, &huge, true, Fingerprint(9)).is_none());
    }
}
