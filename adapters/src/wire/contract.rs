//! Contracts of merchants: from JSON, with a pointer to everything that is wrong, and back.
//!
//! A contract is read from the tree of its text: it comes seldom, and its fields depend on each other.

use std::borrow::Cow;

use jifen_engine::ledger::{
    BasisPoints, Billing, Commission, Contract, Contracts, Cycle, Day, Fees, Fen, MerchantId,
    Payout, Price, STARS_MAX, Star, Till,
};

use super::{
    diagnose::{below, duplicates},
    instants::day_text,
    invalid::Findings,
    json::Json,
    tree::Node,
    values,
};

const FIELDS: [&str; 16] = [
    "valid_from",
    "issue_price",
    "billing",
    "accept_price",
    "payout",
    "unit_price_fen",
    "share",
    "settlement_discount",
    "customer_price",
    "pass_through",
    "till",
    "fees",
    "stars",
    "commission",
    "cycle",
    "late_days_max",
];
const PRICE_FIELDS: [&str; 2] = ["fen", "points"];
const FEE_FIELDS: [&str; 5] = [
    "per_order_fen",
    "turnover",
    "minimum_fen",
    "entry_fen",
    "yearly_fen",
];
const STAR_FIELDS: [&str; 3] = ["turnover_fen", "orders", "returned"];
const COMMISSION_FIELDS: [&str; 2] = ["agent", "share"];

const BILLINGS: [(&str, Billing); 3] = [
    ("issued", Billing::Issued),
    ("used", Billing::Used),
    ("prepaid", Billing::Prepaid),
];
const TILLS: [(&str, Till); 2] = [("merchant", Till::Merchant), ("operator", Till::Operator)];
const CYCLES: [(&str, Cycle); 3] = [
    ("day", Cycle::Day),
    ("week", Cycle::Week),
    ("month", Cycle::Month),
];
const PAYOUTS: [(&str, &str); 3] = [
    ("discount", "discount"),
    ("per_unit", "per_unit"),
    ("share", "share"),
];

/// Nothing is paid for points, whoever issues or takes them.
const NO_PRICE: Price = Price { fen: 0, points: 1 };

/// Reads a contract with the day from which on it is valid; `None` if anything is wrong with it, which [`examine`] tells.
pub(super) fn decode(node: &Node<'_>) -> Option<(Day, Contract)> {
    let mut findings = Findings::default();
    duplicates(node, "", &mut findings);
    let read = read(node, "", &mut findings)?;
    findings.is_empty().then_some(read)
}

/// Notes everything that is wrong with the contract at `at`, but for keys that stand there twice.
pub(super) fn examine(node: &Node<'_>, at: &str, findings: &mut Findings) {
    read(node, at, findings);
}

/// Appends a merchant's contracts, the earliest first, in the form in which they are taken; what was not agreed is left out where
/// it has no value of its own.
pub(super) fn encode_contracts(contracts: &Contracts, json: &mut Json<'_>) {
    json.raw(b"[");
    for (place, (from, contract)) in contracts.iter().enumerate() {
        json.comma(place);
        encode_contract(from, contract, json);
    }
    json.raw(b"]");
}

/// The same as a text of its own.
pub(crate) fn contracts_text(contracts: &Contracts) -> String {
    let mut text = Vec::new();
    encode_contracts(contracts, &mut Json::new(&mut text));
    String::from_utf8_lossy(&text).into_owned()
}

fn read(node: &Node<'_>, at: &str, findings: &mut Findings) -> Option<(Day, Contract)> {
    let mut object = Object::open(node, at, &FIELDS, findings)?;
    let from = object.required("valid_from", |node, _, _| {
        text(node, |text| values::day(text).map_err(str::to_owned))
    });
    let settlement_discount = object.share("settlement_discount", BasisPoints::ALL);
    let customer_price =
        object.optional(
            "customer_price",
            BasisPoints::ALL,
            |node, _, _| match basis_points(node)? {
                BasisPoints::NONE => Err("must be from 1 to 10000".to_owned()),
                some => Ok(some),
            },
        );
    let contract = Contract {
        issue: object.optional("issue_price", NO_PRICE, price),
        billing: object.word("billing", Billing::Issued, &BILLINGS),
        accept: object.optional("accept_price", NO_PRICE, price),
        payout: object.payout(),
        settlement_discount,
        customer_price,
        pass_through: object.share("pass_through", BasisPoints::ALL),
        till: object.word("till", Till::Merchant, &TILLS),
        fees: object.optional("fees", Fees::default(), fees),
        stars: object.optional("stars", Vec::new(), stars),
        commission: object.optional("commission", None, commission),
        cycle: object.word("cycle", Cycle::Month, &CYCLES),
        late_days_max: object.optional("late_days_max", None, |node, _, _| {
            integer(node, 0, u64::from(u16::MAX))
                .map(|days| Some(u16::try_from(days).unwrap_or(u16::MAX)))
        }),
    };
    Some((from?, contract))
}

/// Why a value was not read: text says it, nothing means that it was noted already, deeper down.
type Read<T> = Result<T, String>;

/// An object whose fields are read one by one.
struct Object<'n, 'f> {
    fields: &'n [(Cow<'n, str>, Node<'n>)],
    at: String,
    findings: &'f mut Findings,
}

impl<'n, 'f> Object<'n, 'f> {
    /// Notes that it is no object, or fields that it does not have.
    fn open(
        node: &'n Node<'n>,
        at: &str,
        known: &[&str],
        findings: &'f mut Findings,
    ) -> Option<Self> {
        let Node::Object(fields) = node else {
            findings.invalid(at.to_owned(), "must be an object");
            return None;
        };
        for (key, _) in fields {
            if !known.contains(&&**key) {
                let detail = format!("must be one of {}", known.join(", "));
                findings.invalid(below(at, key), detail);
            }
        }
        Some(Self {
            fields,
            at: at.to_owned(),
            findings,
        })
    }

    fn find(&self, name: &str) -> Option<&'n Node<'n>> {
        let found = self.fields.iter().find(|(key, _)| key == name);
        found.map(|(_, node)| node)
    }

    fn said<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'n Node<'n>, &str, &mut Findings) -> Read<T>,
    ) -> Option<T> {
        let node = self.find(name)?;
        let at = below(&self.at, name);
        match read(node, &at, self.findings) {
            Ok(value) => Some(value),
            Err(detail) => {
                if !detail.is_empty() {
                    self.findings.invalid(at, detail);
                }
                None
            }
        }
    }

    fn required<T>(
        &mut self,
        name: &str,
        read: impl FnOnce(&'n Node<'n>, &str, &mut Findings) -> Read<T>,
    ) -> Option<T> {
        if self.find(name).is_none() {
            self.findings.invalid(below(&self.at, name), "is required");
            return None;
        }
        self.said(name, read)
    }

    /// What is wrong is noted, so that what stands in its place is never used.
    fn optional<T>(
        &mut self,
        name: &str,
        default: T,
        read: impl FnOnce(&'n Node<'n>, &str, &mut Findings) -> Read<T>,
    ) -> T {
        self.said(name, read).unwrap_or(default)
    }

    fn share(&mut self, name: &str, default: BasisPoints) -> BasisPoints {
        self.optional(name, default, |node, _, _| basis_points(node))
    }

    fn money(&mut self, name: &str) -> Fen {
        self.optional(name, Fen::default(), |node, _, _| fen(node))
    }

    fn word<T: Copy>(&mut self, name: &str, default: T, words: &[(&str, T)]) -> T {
        self.optional(name, default, |node, _, _| {
            text(node, |text| {
                let found = words.iter().find(|(word, _)| *word == text);
                found.map(|(_, value)| *value).ok_or_else(|| {
                    let words: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
                    format!("must be one of {}", words.join(", "))
                })
            })
        })
    }

    /// `payout` with the figure that it needs, and without that of another one.
    fn payout(&mut self) -> Payout {
        let payout = self.word("payout", "discount", &PAYOUTS);
        for (name, of) in [("unit_price_fen", "per_unit"), ("share", "share")] {
            if payout != of && self.find(name).is_some() {
                let detail = format!("is only for a `payout` of {of:?}");
                self.findings.invalid(below(&self.at, name), detail);
            }
        }
        match payout {
            "per_unit" => {
                let unit = self.required("unit_price_fen", |node, _, _| fen(node));
                Payout::PerUnit(unit.unwrap_or_default())
            }
            "share" => {
                let share = self.required("share", |node, _, _| basis_points(node));
                Payout::Share(share.unwrap_or_default())
            }
            _ => Payout::Discount,
        }
    }
}

fn price(node: &Node<'_>, at: &str, findings: &mut Findings) -> Read<Price> {
    let mut object = Object::open(node, at, &PRICE_FIELDS, findings).ok_or("")?;
    let number = |from: u64| {
        move |node: &Node<'_>, _: &str, _: &mut Findings| {
            let number = integer(node, from, u64::from(u32::MAX))?;
            u32::try_from(number).map_err(|_| String::new())
        }
    };
    let (fen, points) = (
        object.required("fen", number(0)),
        object.required("points", number(1)),
    );
    Ok(Price {
        fen: fen.ok_or("")?,
        points: points.ok_or("")?,
    })
}

fn fees(node: &Node<'_>, at: &str, findings: &mut Findings) -> Read<Fees> {
    let mut object = Object::open(node, at, &FEE_FIELDS, findings).ok_or("")?;
    Ok(Fees {
        per_order: object.money("per_order_fen"),
        turnover: object.share("turnover", BasisPoints::NONE),
        minimum: object.money("minimum_fen"),
        entry: object.money("entry_fen"),
        yearly: object.money("yearly_fen"),
    })
}

fn stars(node: &Node<'_>, at: &str, findings: &mut Findings) -> Read<Vec<Star>> {
    let Node::Array(nodes) = node else {
        return Err("must be an array".to_owned());
    };
    if nodes.len() > STARS_MAX {
        return Err(format!("must be at most {STARS_MAX} stars"));
    }
    let mut stars: Vec<Star> = Vec::new();
    for (place, node) in nodes.iter().enumerate() {
        let at = format!("{at}/{place}");
        let Some(star) = star(node, &at, findings) else {
            continue;
        };
        let is_higher = stars.last().is_none_or(|last| {
            star.turnover >= last.turnover
                && star.orders >= last.orders
                && star.returned >= last.returned
        });
        if !is_higher {
            findings.invalid(at, "must not be below the star before in anything");
        }
        stars.push(star);
    }
    Ok(stars)
}

fn star(node: &Node<'_>, at: &str, findings: &mut Findings) -> Option<Star> {
    let mut object = Object::open(node, at, &STAR_FIELDS, findings)?;
    let turnover = object.required("turnover_fen", |node, _, _| fen(node));
    let orders = object.required("orders", |node, _, _| integer(node, 0, u64::from(u32::MAX)));
    let returned = object.required("returned", |node, _, _| basis_points(node));
    Some(Star {
        turnover: turnover?,
        orders: u32::try_from(orders?).ok()?,
        returned: returned?,
    })
}

fn commission(node: &Node<'_>, at: &str, findings: &mut Findings) -> Read<Option<Commission>> {
    let mut object = Object::open(node, at, &COMMISSION_FIELDS, findings).ok_or("")?;
    let agent = object.required("agent", |node, _, _| {
        text(node, |text| {
            MerchantId::new(text).map_err(|error| error.to_string())
        })
    });
    let share = object.required("share", |node, _, _| basis_points(node));
    Ok(Some(Commission {
        agent: agent.ok_or("")?,
        share: share.ok_or("")?,
    }))
}

fn basis_points(node: &Node<'_>) -> Read<BasisPoints> {
    let parts = integer(node, 0, u64::from(BasisPoints::ALL.get()))?;
    let parts = u16::try_from(parts).ok().and_then(BasisPoints::new);
    parts.ok_or_else(String::new)
}

fn fen(node: &Node<'_>) -> Read<Fen> {
    let Node::Integer(number) = node else {
        return Err(values::NOT_AN_INTEGER.to_owned());
    };
    values::cash(*number).map_err(str::to_owned)
}

fn integer(node: &Node<'_>, from: u64, to: u64) -> Read<u64> {
    match node {
        Node::Integer(number) if (from..=to).contains(number) => Ok(*number),
        Node::Integer(_) | Node::Negative(_) => Err(format!("must be from {from} to {to}")),
        _ => Err(values::NOT_AN_INTEGER.to_owned()),
    }
}

fn text<T>(node: &Node<'_>, parse: impl FnOnce(&str) -> Read<T>) -> Read<T> {
    match node {
        Node::Text(text) => parse(text),
        _ => Err(values::NOT_A_STRING.to_owned()),
    }
}

fn encode_contract(from: Day, contract: &Contract, json: &mut Json<'_>) {
    json.raw(br#"{"valid_from":""#)
        .raw(&day_text(from).unwrap_or_default())
        .raw(b"\"");
    encode_price(br#","issue_price":"#, contract.issue, json);
    encode_word(br#","billing":""#, contract.billing, &BILLINGS, json);
    encode_price(br#","accept_price":"#, contract.accept, json);
    match contract.payout {
        Payout::Discount => json.raw(br#","payout":"discount""#),
        Payout::PerUnit(unit) => json
            .raw(br#","payout":"per_unit","unit_price_fen":"#)
            .number(unit.get()),
        Payout::Share(share) => json
            .raw(br#","payout":"share","share":"#)
            .number(share.get().into()),
    };
    for (field, share) in [
        (
            &br#","settlement_discount":"#[..],
            contract.settlement_discount,
        ),
        (br#","customer_price":"#, contract.customer_price),
        (br#","pass_through":"#, contract.pass_through),
    ] {
        json.raw(field).number(share.get().into());
    }
    encode_word(br#","till":""#, contract.till, &TILLS, json);
    encode_fees(&contract.fees, json);
    json.raw(br#","stars":["#);
    for (place, star) in contract.stars.iter().enumerate() {
        json.comma(place);
        json.raw(br#"{"turnover_fen":"#).number(star.turnover.get());
        json.raw(br#","orders":"#).number(star.orders.into());
        json.raw(br#","returned":"#)
            .number(star.returned.get().into());
        json.raw(b"}");
    }
    json.raw(b"]");
    if let Some(Commission { agent, share }) = &contract.commission {
        json.raw(br#","commission":{"agent":""#)
            .name(agent.as_str());
        json.raw(br#"","share":"#)
            .number(share.get().into())
            .raw(b"}");
    }
    encode_word(br#","cycle":""#, contract.cycle, &CYCLES, json);
    if let Some(days) = contract.late_days_max {
        json.raw(br#","late_days_max":"#).number(days.into());
    }
    json.raw(b"}");
}

fn encode_fees(fees: &Fees, json: &mut Json<'_>) {
    json.raw(br#","fees":{"per_order_fen":"#)
        .number(fees.per_order.get());
    json.raw(br#","turnover":"#)
        .number(fees.turnover.get().into());
    json.raw(br#","minimum_fen":"#).number(fees.minimum.get());
    json.raw(br#","entry_fen":"#).number(fees.entry.get());
    json.raw(br#","yearly_fen":"#).number(fees.yearly.get());
    json.raw(b"}");
}

fn encode_price(field: &[u8], price: Price, json: &mut Json<'_>) {
    json.raw(field).raw(br#"{"fen":"#).number(price.fen.into());
    json.raw(br#","points":"#)
        .number(price.points.into())
        .raw(b"}");
}

fn encode_word<T: PartialEq + Copy>(
    field: &[u8],
    value: T,
    words: &[(&str, T)],
    json: &mut Json<'_>,
) {
    let found = words.iter().find(|(_, known)| *known == value);
    json.raw(field)
        .name(found.map_or("", |(word, _)| word))
        .raw(b"\"");
}

#[cfg(test)]
mod tests;
