//! The books: members, holds, stock, and what was answered.

use std::collections::HashMap;

use serde_json::{Value, json};

/// What is not true. Commands of the load are counted from 1, its setup is not.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Lies {
    /// This command is accepted, but neither carried out nor remembered.
    pub(crate) drops: Option<u64>,
    /// This command is answered differently when it comes again.
    pub(crate) restates: Option<u64>,
    /// This command is carried out twice when it is sent once.
    pub(crate) doubles: Option<u64>,
    /// This command is carried out, and answered as if it had been there before.
    pub(crate) replays: Option<u64>,
    /// The answer to this command names another one.
    pub(crate) misnames: Option<u64>,
    /// So many more units are sold than there are.
    pub(crate) oversells: u64,
    /// So many more units than there are are said to be there, once the sale is over.
    pub(crate) inflates: u64,
    /// Statements show one point more than there was in the second item.
    pub(crate) misprints: bool,
    /// The lists of merchants lack their first movement.
    pub(crate) omits: bool,
}

#[derive(Debug, Default)]
struct Member {
    available: i64,
    held: i64,
    /// Oldest first.
    items: Vec<Value>,
}

#[derive(Debug)]
struct Hold {
    member: String,
    merchant: String,
    points: i64,
}

#[derive(Debug, Default)]
pub(crate) struct Books {
    lies: Lies,
    members: HashMap<String, Member>,
    merchants: HashMap<String, Vec<Value>>,
    holds: HashMap<String, Hold>,
    /// By SKU: the document, and who has how many.
    stock: HashMap<String, (Value, HashMap<String, u64>)>,
    answers: HashMap<String, Value>,
    sequence: u64,
    /// Commands of the load.
    pub(crate) commands: u64,
}

/// What a command does to one member's points.
struct Entry<'a> {
    member: &'a str,
    kind: &'a str,
    merchant: Option<&'a str>,
    available: i64,
    held: i64,
}

impl Books {
    pub(crate) fn new(lies: Lies) -> Self {
        Self {
            lies,
            ..Self::default()
        }
    }

    /// A code stands for a refusal that binds nothing.
    pub(crate) fn decide(&mut self, command: &Value) -> Value {
        let id = text(command, "id").to_owned();
        if let Some(answer) = self.answers.get(&id) {
            let mut answer = answer.clone();
            answer["replayed"] = json!(true);
            return answer;
        }
        let is_load = !id.starts_with("load-");
        self.commands += u64::from(is_load);
        let is_now = |when: Option<u64>| is_load && when == Some(self.commands);
        let (replays, misnames) = (is_now(self.lies.replays), is_now(self.lies.misnames));
        let (drops, restates, doubles) = (
            is_now(self.lies.drops),
            is_now(self.lies.restates),
            is_now(self.lies.doubles),
        );
        self.sequence += 1;
        let mut answer = json!({
            "id": id, "type": command["type"], "status": "accepted", "transaction": format!("t{}", self.sequence),
            "offset": format!("0:{}", self.sequence), "at": self.now(), "replayed": false,
        });
        if drops {
            return answer;
        }
        match self.carry_out(command, &mut answer) {
            Ok(()) if doubles => {
                let again = self.carry_out(command, &mut answer.clone());
                again.expect("what could be done once can be done again here");
            }
            Ok(()) => {}
            Err(refusal) => {
                let binds = refusal != "sold_out";
                answer["status"] = json!("refused");
                answer["code"] = json!(refusal);
                answer["reasons"] = json!([{ "code": refusal }]);
                if !binds {
                    answer["offset"].take();
                    return answer;
                }
            }
        }
        let mut kept = answer.clone();
        if restates {
            kept["transaction"] = json!("t-other");
        }
        self.answers.insert(id, kept);
        if replays {
            answer["replayed"] = json!(true);
        }
        if misnames {
            answer["id"] = json!("another");
        }
        answer
    }

    fn carry_out(&mut self, command: &Value, answer: &mut Value) -> Result<(), &'static str> {
        let (kind, member, merchant) = (
            text(command, "type"),
            text(command, "member"),
            text(command, "merchant"),
        );
        let points = command["points"].as_i64().unwrap_or_default();
        let entry = |kind, available, held| Entry {
            member,
            kind,
            merchant: Some(merchant),
            available,
            held,
        };
        match kind {
            "enrol" => {
                self.members.entry(member.to_owned()).or_default();
                Ok(())
            }
            "earn" => self.book(&entry(kind, points, 0), answer),
            "redeem" => self.book(&entry(kind, -points, 0), answer),
            "hold" => {
                self.book(&entry(kind, -points, points), answer)?;
                let hold = format!("h{}", self.sequence);
                answer["hold"] = json!(hold);
                let (member, merchant) = (member.to_owned(), merchant.to_owned());
                self.holds.insert(
                    hold,
                    Hold {
                        member,
                        merchant,
                        points,
                    },
                );
                Ok(())
            }
            "capture" => {
                let hold = self
                    .holds
                    .remove(text(command, "hold"))
                    .ok_or("hold_captured")?;
                answer["captured"] = json!(hold.points);
                answer["released"] = json!(0);
                let entry = Entry {
                    member: &hold.member,
                    kind,
                    merchant: Some(&hold.merchant),
                    available: 0,
                    held: -hold.points,
                };
                self.book(&entry, answer)
            }
            "transfer" => {
                let merchant = None;
                self.book(
                    &Entry {
                        merchant,
                        ..entry(kind, -points, 0)
                    },
                    answer,
                )?;
                let (member, kind) = (text(command, "to"), "transfer_in");
                self.book(
                    &Entry {
                        merchant,
                        member,
                        ..entry(kind, points, 0)
                    },
                    &mut json!({}),
                )
            }
            "reserve" => self.reserve(command, answer),
            _ => Err("not_allowed_by_programme"),
        }
    }

    fn reserve(&mut self, command: &Value, answer: &mut Value) -> Result<(), &'static str> {
        let (member, quantity) = (
            text(command, "member"),
            command["quantity"].as_u64().unwrap_or(1),
        );
        let (document, buyers) = self
            .stock
            .get_mut(text(command, "sku"))
            .ok_or("sku_not_found")?;
        let number = |field: &str| document[field].as_u64();
        let has = buyers.get(member).copied().unwrap_or_default();
        if has + quantity > number("per_member_limit").unwrap_or(u64::MAX) {
            return Err("member_limit_reached");
        }
        let units = number("units").unwrap_or_default() + self.lies.oversells;
        if buyers.values().sum::<u64>() + quantity > units {
            return Err("sold_out");
        }
        *buyers.entry(member.to_owned()).or_default() += quantity;
        let price = document["price_points"].as_i64().unwrap_or_default();
        answer["reservation"] = json!(format!("r{}", self.sequence));
        let entry = Entry {
            member,
            kind: "reserve",
            merchant: None,
            available: -price,
            held: price,
        };
        self.book(&entry, answer)
    }

    fn book(&mut self, entry: &Entry<'_>, answer: &mut Value) -> Result<(), &'static str> {
        let now = self.now();
        let member = self
            .members
            .get_mut(entry.member)
            .ok_or("member_not_found")?;
        if member.available + entry.available < 0 {
            return Err("insufficient_points");
        }
        member.available += entry.available;
        member.held += entry.held;
        answer["balance"] =
            json!({ "point_type": "points", "available": member.available, "held": member.held });
        member.items.push(json!({
            "at": now, "type": entry.kind, "points": entry.available,
            "available_after": member.available, "held_after": member.held,
        }));
        if let Some(merchant) = entry.merchant.filter(|_| entry.kind != "hold") {
            let points = if entry.kind == "capture" {
                -entry.held
            } else {
                entry.available
            };
            let movement = json!({ "at": now, "type": entry.kind, "points": points });
            self.merchants
                .entry(merchant.to_owned())
                .or_default()
                .push(movement);
        }
        Ok(())
    }

    /// A clock of its own: a millisecond for every command. That it need not be ours is part of the test.
    fn now(&self) -> String {
        let (second, milli) = (self.sequence / 1_000, self.sequence % 1_000);
        format!(
            "2031-01-01T{:02}:{:02}:{:02}.{milli:03}Z",
            second / 3_600,
            second / 60 % 60,
            second % 60
        )
    }

    pub(crate) fn put_merchant(&mut self, merchant: &str) {
        self.merchants.entry(merchant.to_owned()).or_default();
    }

    pub(crate) fn put_stock(&mut self, sku: &str, document: Value) {
        self.stock
            .insert(sku.to_owned(), (document, HashMap::new()));
    }

    pub(crate) fn request(&self, id: &str) -> Option<Value> {
        let mut answer = self.answers.get(id)?.clone();
        answer["replayed"] = json!(true);
        Some(answer)
    }

    pub(crate) fn member(&self, member: &str) -> Option<Value> {
        let Member {
            available, held, ..
        } = self.members.get(member)?;
        Some(json!({ "member": member, "balances": [
            { "point_type": "circle", "available": 7, "held": 0, "pending": 0, "owed": 0 },
            { "point_type": "points", "available": available, "held": held, "pending": 0, "owed": 0 },
        ] }))
    }

    /// Pages are small here, so that there are several.
    pub(crate) fn statement(&self, member: &str, from: usize) -> Option<Value> {
        const PAGE: usize = 7;
        let mut items: Vec<Value> = self
            .members
            .get(member)?
            .items
            .iter()
            .rev()
            .cloned()
            .collect();
        if let Some(item) = items.get_mut(1).filter(|_| self.lies.misprints) {
            item["points"] = json!(item["points"].as_i64().unwrap_or_default() + 1);
        }
        let next = (from + PAGE < items.len()).then(|| (from + PAGE).to_string());
        let page: Vec<Value> = items.into_iter().skip(from).take(PAGE).collect();
        Some(json!({ "items": page, "next_cursor": next, "as_of": self.now() }))
    }

    pub(crate) fn movements(&self, merchant: &str, since: &str) -> Option<Value> {
        let movements = self.merchants.get(merchant)?.iter();
        let items: Vec<&Value> = movements
            .filter(|movement| text(movement, "at") >= since)
            .skip(usize::from(self.lies.omits))
            .collect();
        Some(json!({ "items": items, "next_cursor": null, "as_of": self.now() }))
    }

    pub(crate) fn sku(&self, sku: &str) -> Option<Value> {
        let (document, buyers) = self.stock.get(sku)?;
        let total = document["units"].as_u64().unwrap_or_default() + self.lies.inflates;
        let reserved = buyers.values().sum::<u64>().min(total);
        let state = if reserved == total {
            "sold_out"
        } else {
            "open"
        };
        let units = json!({ "total": total, "available": total - reserved, "returning": 0, "reserved": reserved, "sold": 0 });
        Some(json!({ "sku": sku, "state": state, "units": units }))
    }
}

pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}
