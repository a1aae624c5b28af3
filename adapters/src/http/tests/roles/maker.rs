//! Somebody of every role, and requests about objects that are their own, another's, or missing.

use actix_web::test::TestRequest;
use jifen_engine::ledger::{CommandKind, MerchantId, Principal};
use serde_json::{Value, json};

use super::super::harness::{House, KEY, options};
use crate::access::{Digest, KeyBook, KeyRecord, Read, Role, RoleName};

/// To whom the object of a request belongs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Whose {
    Own,
    Foreign,
    Missing,
}

pub(super) const EVERYBODYS: [Whose; 3] = [Whose::Own, Whose::Foreign, Whose::Missing];

/// What an endpoint takes apart from its id, in both forms.
pub(super) struct Asked {
    /// `"POST /v1/earns"`, with the object in the path.
    pub(super) endpoint: String,
    /// The body of the endpoint.
    pub(super) body: Value,
    /// The same as a command of a batch, without id and type.
    pub(super) command: Value,
}

/// The key of a second operator.
const CHIEF: &str = "the-key-of-a-second-operator";

pub(in crate::http::tests) fn key(role: RoleName) -> &'static str {
    match role {
        RoleName::Operator => KEY,
        RoleName::Merchant => "the-key-of-a-till",
        RoleName::Storefront => "the-key-of-an-app",
        RoleName::Auditor => "the-key-of-an-auditor",
    }
}

/// A house with the merchants `shop` and `mart`, and somebody of every role; the merchant is `shop`.
pub(in crate::http::tests) async fn house() -> House {
    let house = House::new(options()).await.with_points(1_000).await;
    house
        .accepted("PUT /v1/merchants/mart", "mart", r#"{"name":"Mart"}"#)
        .await;
    let mut book = KeyBook::default();
    for (name, role) in [
        ("till", Role::Merchant(MerchantId::new("shop").unwrap())),
        ("app", Role::Storefront),
        ("audit", Role::Auditor),
    ] {
        let record = KeyRecord {
            digest: Digest::of(key(role.name())),
            made_at: None,
        };
        book.add(&Principal::new(name).unwrap(), &role, record)
            .unwrap();
    }
    let record = KeyRecord {
        digest: Digest::of(CHIEF),
        made_at: None,
    };
    book.add(&Principal::new("chief").unwrap(), &Role::Operator, record)
        .unwrap();
    house.keys.replace(&book);
    house
}

/// Makes requests, each with objects of its own.
pub(super) struct Maker<'a> {
    pub(super) house: &'a House,
    pub(super) made: u32,
}

impl Maker<'_> {
    pub(super) fn name(&mut self, what: &str) -> String {
        self.made += 1;
        format!("{what}-{}", self.made)
    }

    /// Has the operator do something; tells a field of the answer.
    pub(super) async fn done(&mut self, endpoint: &str, body: &Value, field: &str) -> String {
        let id = self.name("made");
        let told = self.house.accepted(endpoint, &id, &body.to_string()).await;
        told[field].as_str().unwrap_or_default().to_owned()
    }

    pub(super) async fn member(&mut self) -> String {
        let member = self.name("m");
        self.done(&format!("PUT /v1/members/{member}"), &json!({}), "")
            .await;
        let earn = json!({ "member": member, "merchant": "shop", "points": 100 });
        self.done("POST /v1/earns", &earn, "").await;
        member
    }

    async fn member_of(&mut self, whose: Whose) -> String {
        match whose {
            Whose::Missing => "nobody".to_owned(),
            _ => self.member().await,
        }
    }

    async fn hold(&mut self, whose: Whose) -> String {
        if whose == Whose::Missing {
            return "h0-999999999".to_owned();
        }
        let member = self.member().await;
        let hold = json!({ "member": member, "merchant": merchant(whose), "points": 2 });
        self.done("POST /v1/holds", &hold, "hold").await
    }

    async fn transaction(&mut self, whose: Whose) -> String {
        if whose == Whose::Missing {
            return "t0-999999999".to_owned();
        }
        let member = self.member().await;
        let spend = json!({ "member": member, "merchant": merchant(whose), "points": 2 });
        self.done("POST /v1/redemptions", &spend, "transaction")
            .await
    }

    /// A sale of 100 units at one point each.
    async fn stock(&mut self, whose: Whose) -> String {
        if whose == Whose::Missing {
            return "nothing".to_owned();
        }
        let sku = self.name("sku");
        let body = json!({ "units": 100, "price_points": 1, "merchant": merchant(whose) });
        self.done(&format!("PUT /v1/stock/{sku}"), &body, "").await;
        sku
    }

    async fn reservation(&mut self, whose: Whose) -> String {
        if whose == Whose::Missing {
            return "r0-999999999".to_owned();
        }
        let (member, sku) = (self.member().await, self.stock(whose).await);
        let body = json!({ "member": member, "sku": sku, "quantity": 1 });
        self.done("POST /v1/reservations", &body, "reservation")
            .await
    }

    async fn code(&mut self, whose: Whose) -> String {
        if whose == Whose::Missing {
            return "00000-00000-00000-00000-00000".to_owned();
        }
        let reservation = self.reservation(whose).await;
        let endpoint = format!("POST /v1/reservations/{reservation}/confirm");
        let id = self.name("made");
        let told = self.house.accepted(&endpoint, &id, "{}").await;
        told["codes"][0].as_str().unwrap().to_owned()
    }

    async fn correction(&mut self, whose: Whose) -> String {
        let correction = self.name("c");
        if whose == Whose::Missing {
            return correction;
        }
        // A merchant's dispute, so that the operator may decide about it.
        let body = json!({ "merchant": merchant(whose), "amount_fen": 1, "reason": "r" });
        let path = format!("/v1/corrections/{correction}");
        let id = self.name("made");
        let disputes = request("PUT", &path, &id, &body);
        let role = RoleName::Merchant;
        let told = match whose {
            Whose::Own => self.house.knock_with(key(role), disputes).await,
            _ => self.house.knock_with(CHIEF, disputes).await,
        };
        assert!(told.status.is_success(), "{}", told.text);
        correction
    }

    pub(super) async fn command(&mut self, kind: CommandKind, whose: Whose) -> Asked {
        use CommandKind as C;
        let reason = json!({ "reason": "r" });
        let (endpoint, body, object) = match kind {
            C::Earn | C::Redeem | C::Hold => {
                let path = match kind {
                    C::Earn => "earns",
                    C::Redeem => "redemptions",
                    _ => "holds",
                };
                let member = self.member().await;
                let body = json!({ "member": member, "merchant": merchant(whose), "points": 1 });
                (format!("POST /v1/{path}"), body, None)
            }
            C::Capture | C::Release => {
                let hold = self.hold(whose).await;
                let endpoint = format!("POST /v1/holds/{hold}/{}", kind.name());
                (endpoint, json!({}), Some(("hold", hold)))
            }
            C::Reverse => {
                let body = json!({ "transaction": self.transaction(whose).await });
                ("POST /v1/reversals".to_owned(), body, None)
            }
            C::Adjust => {
                let member = self.member_of(whose).await;
                let body = json!({ "member": member, "points": 1, "reason": "r" });
                ("POST /v1/adjustments".to_owned(), body, None)
            }
            C::Reserve => {
                let (member, sku) = (self.member().await, self.stock(whose).await);
                let body = json!({ "member": member, "sku": sku, "quantity": 1 });
                ("POST /v1/reservations".to_owned(), body, None)
            }
            C::Confirm | C::Cancel => {
                let reservation = self.reservation(whose).await;
                let endpoint = format!("POST /v1/reservations/{reservation}/{}", kind.name());
                (endpoint, json!({}), Some(("reservation", reservation)))
            }
            C::Transfer => {
                let to = self.member().await;
                let member = self.member_of(whose).await;
                let body = json!({ "member": member, "to": to, "points": 1 });
                ("POST /v1/transfers".to_owned(), body, None)
            }
            C::PutStock => {
                let sku = self.name("new");
                let endpoint = format!("PUT /v1/stock/{sku}");
                let body = json!({ "units": 1, "price_points": 1, "merchant": merchant(whose) });
                (endpoint, body, Some(("sku", sku)))
            }
            C::BuyPack => {
                let merchant = merchant(whose).to_owned();
                let endpoint = format!("POST /v1/merchants/{merchant}/packs");
                let body = json!({ "points": 10, "price_fen": 9 });
                (endpoint, body, Some(("merchant", merchant)))
            }
            C::ChangeUnits => {
                let sku = self.stock(whose).await;
                let endpoint = format!("POST /v1/stock/{sku}/units");
                (endpoint, json!({ "change": 1 }), Some(("sku", sku)))
            }
            C::UseCode => {
                let code = self.code(whose).await;
                let endpoint = format!("POST /v1/codes/{code}/use");
                (endpoint, json!({}), Some(("code", code)))
            }
            C::Enrol => {
                let member = self.name("new");
                let endpoint = format!("PUT /v1/members/{member}");
                (endpoint, json!({}), Some(("member", member)))
            }
            C::Erase => {
                let member = self.member_of(whose).await;
                let endpoint = format!("DELETE /v1/members/{member}/attributes");
                (endpoint, json!({}), Some(("member", member)))
            }
            C::Freeze | C::Unfreeze | C::Close => {
                let member = self.member_of(whose).await;
                let endpoint = format!("POST /v1/members/{member}/{}", kind.name());
                (endpoint, reason, Some(("member", member)))
            }
            C::PutMerchant => {
                let merchant = match whose {
                    Whose::Missing => self.name("new"),
                    _ => merchant(whose).to_owned(),
                };
                let endpoint = format!("PUT /v1/merchants/{merchant}");
                let body = json!({ "name": self.name("Name") });
                (endpoint, body, Some(("merchant", merchant)))
            }
            C::Settle => {
                let body = json!({ "period_start": "2020-01-01", "period_end": "2020-01-01" });
                ("POST /v1/settlements".to_owned(), body, None)
            }
            C::PutCorrection => {
                let correction = self.name("new");
                let endpoint = format!("PUT /v1/corrections/{correction}");
                let body = json!({ "merchant": merchant(whose), "amount_fen": 1, "reason": "r" });
                (endpoint, body, Some(("correction", correction)))
            }
            C::DecideCorrection => {
                let correction = self.correction(whose).await;
                let endpoint = format!("POST /v1/corrections/{correction}/decision");
                (
                    endpoint,
                    json!({ "approve": true }),
                    Some(("correction", correction)),
                )
            }
        };
        let mut command = body.clone();
        if let Some((field, object)) = object {
            command[field] = object.into();
        }
        Asked {
            endpoint,
            body,
            command,
        }
    }

    pub(super) async fn read(&mut self, read: Read, role: RoleName, whose: Whose) -> String {
        match read {
            Read::Member => format!("/v1/members/{}", self.member_of(whose).await),
            Read::Hold => format!("/v1/holds/{}", self.hold(whose).await),
            Read::Statement => {
                format!("/v1/members/{}/statement", self.member_of(whose).await)
            }
            Read::Merchant => format!("/v1/merchants/{}", merchant(whose)),
            Read::Movements => format!("/v1/merchants/{}/transactions", merchant(whose)),
            Read::Transaction => format!("/v1/transactions/{}", self.transaction(whose).await),
            Read::Stock => format!("/v1/stock/{}", self.stock(whose).await),
            // Without an end there would be no answer to look at.
            Read::Events => "/v1/events?until=now".to_owned(),
            Read::StockEvents => format!("/v1/stock/{}/events?until=now", self.stock(whose).await),
            Read::Reservation => format!("/v1/reservations/{}", self.reservation(whose).await),
            Read::Code => format!("/v1/codes/{}", self.code(whose).await),
            Read::Metrics => "/metrics".to_owned(),
            Read::Settlements => "/v1/settlements".to_owned(),
            Read::Settlement => "/v1/settlements/2026-10-01_2026-10-31".to_owned(),
            Read::SettlementStatement => format!(
                "/v1/settlements/2026-10-01_2026-10-31/merchants/{}",
                merchant(whose)
            ),
            Read::SettlementPayments => "/v1/settlements/2026-10-01_2026-10-31/payments".to_owned(),
            Read::SettlementMatrix => "/v1/settlements/2026-10-01_2026-10-31/matrix".to_owned(),
            Read::Corrections => "/v1/corrections".to_owned(),
            Read::Correction => format!("/v1/corrections/{}", self.correction(whose).await),
            Read::Positions => "/v1/reports/positions".to_owned(),
            Read::Liability => "/v1/reports/liability".to_owned(),
            Read::Request => {
                let asker = match whose {
                    Whose::Own => role,
                    Whose::Foreign if role == RoleName::Operator => RoleName::Merchant,
                    Whose::Foreign => RoleName::Operator,
                    Whose::Missing => return "/v1/members/m/requests/never".to_owned(),
                };
                // A hold is what every role may make that may make anything.
                let id = self.name("asked");
                let body = json!({ "member": "m", "merchant": "shop", "points": 1 });
                let asked = post("/v1/holds", &id, &body);
                self.house.knock_with(key(asker), asked).await;
                format!("/v1/members/m/requests/{id}")
            }
        }
    }
}

pub(super) fn merchant(whose: Whose) -> &'static str {
    match whose {
        Whose::Own => "shop",
        Whose::Foreign => "mart",
        Whose::Missing => "nobody",
    }
}

pub(super) fn post(path: &str, id: &str, body: &Value) -> TestRequest {
    request("POST", path, id, body)
}

pub(super) fn request(method: &str, path: &str, id: &str, body: &Value) -> TestRequest {
    TestRequest::with_uri(path)
        .method(method.parse().unwrap())
        .insert_header(("idempotency-key", id))
        .insert_header(("content-type", "application/json"))
        .set_payload(body.to_string())
}
