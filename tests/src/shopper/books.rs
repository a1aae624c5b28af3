//! What a shopper's members have, as every answer must have it.

use std::collections::BTreeMap;

use serde_json::Value;

/// The shopper's members by name.
#[derive(Debug, Default)]
pub(super) struct Books(pub(super) BTreeMap<String, Member>);

/// A member as the shopper's books have it.
#[derive(Debug, Default)]
pub(super) struct Member {
    pub(super) available: u64,
    /// By name, open or not.
    pub(super) holds: BTreeMap<String, HoldBook>,
    /// Redemptions by transaction, and how much of each can still be given back.
    pub(super) spends: BTreeMap<String, u64>,
}

#[derive(Debug, Default)]
pub(super) struct HoldBook {
    pub(super) points: u64,
    left: u64,
    pub(super) captured: u64,
    /// `None` while it is open.
    pub(super) ended: Option<&'static str>,
}

impl Member {
    pub(super) fn held(&self) -> u64 {
        self.holds.values().map(|hold| hold.left).sum()
    }
}

impl Books {
    /// Enters an answer in the books, which know what it must be.
    pub(super) fn enter(&mut self, command: &Value, answer: &Value) -> Result<(), String> {
        let wrong = |expected: &str| format!("{command} should be {expected} and is {answer}");
        let points = command["points"].as_u64().unwrap_or_default();
        let hold = command["hold"].as_str().unwrap_or_default();
        let transaction = command["transaction"].as_str().unwrap_or_default();
        let named = command["member"].as_str();
        let is_meant = |(name, member): &(&String, &mut Member)| match named {
            Some(named) => *name == named,
            None => member.holds.contains_key(hold) || member.spends.contains_key(transaction),
        };
        let meant = self.0.iter_mut().find(is_meant);
        let (_, member) = meant.ok_or_else(|| wrong("about a known member"))?;
        let expected = match command["type"].as_str().unwrap_or_default() {
            "enrol" => "accepted",
            "earn" => {
                member.available += points;
                "accepted"
            }
            "redeem" | "hold" if points > member.available => "insufficient_points",
            "redeem" => {
                member.available -= points;
                let name = answer["transaction"]
                    .as_str()
                    .ok_or_else(|| wrong("accepted"))?;
                member.spends.insert(name.to_owned(), points);
                "accepted"
            }
            "reverse" => {
                let left = member
                    .spends
                    .get_mut(transaction)
                    .ok_or_else(|| wrong("about a known spend"))?;
                if *left == 0 {
                    "already_reversed"
                } else {
                    member.available += std::mem::take(left);
                    "accepted"
                }
            }
            "hold" => {
                member.available -= points;
                let name = answer["hold"].as_str().ok_or_else(|| wrong("accepted"))?;
                let book = HoldBook {
                    points,
                    left: points,
                    ..HoldBook::default()
                };
                member.holds.insert(name.to_owned(), book);
                "accepted"
            }
            kind => {
                let book = member
                    .holds
                    .get_mut(hold)
                    .ok_or_else(|| wrong("about a known hold"))?;
                let (expected, back) = book.end(kind, points, command["final"] != false);
                member.available += back;
                expected
            }
        };
        let found = if answer["transaction"].is_string() {
            "accepted"
        } else {
            answer["code"].as_str().unwrap_or_default()
        };
        if found != expected {
            return Err(wrong(expected));
        }
        let balance = &answer["balance"];
        let told = (balance["available"].as_u64(), balance["held"].as_u64());
        if expected == "accepted"
            && command["type"] != "enrol"
            && told != (Some(member.available), Some(member.held()))
        {
            return Err(wrong(&format!(
                "{} available, {} held",
                member.available,
                member.held()
            )));
        }
        Ok(())
    }
}

impl HoldBook {
    /// Captures or releases; answers with what must be heard, and how many points come back.
    fn end(&mut self, kind: &str, points: u64, last: bool) -> (&'static str, u64) {
        match self.ended {
            Some("released") => return ("hold_released", 0),
            Some(_) => return ("hold_captured", 0),
            None => {}
        }
        let points = if kind == "capture" { points } else { 0 };
        if points > self.left {
            return ("exceeds_hold", 0);
        }
        self.left -= points;
        self.captured += points;
        let mut back = 0;
        if last || self.left == 0 || kind == "release" {
            back = std::mem::take(&mut self.left);
            self.ended = Some(if self.captured > 0 {
                "captured"
            } else {
                "released"
            });
        }
        ("accepted", back)
    }
}
