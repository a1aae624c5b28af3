//! Goal: every cell of the matrix holds, at every endpoint and in batches. Method: the cells are made from the matrix
//! itself; for each, an object is made that belongs to the principal's merchant, to another, or is missing.

pub(super) mod maker;

use actix_web::test::TestRequest;
use jifen_engine::ledger::CommandKind;
use serde_json::{Value, json};

use super::harness::Told;
use crate::access::{Action, Read, Right, RoleName};
use maker::{EVERYBODYS, Maker, Whose, house, key, post, request};

/// What is said of an object that is missing; `None` where nothing can be.
fn missing(action: Action) -> Option<&'static str> {
    use CommandKind as C;
    match action {
        Action::Command(C::Enrol | C::PutMerchant | C::Settle)
        | Action::Read(
            Read::Metrics
            | Read::Events
            | Read::Settlements
            | Read::Corrections
            | Read::Positions
            | Read::Liability,
        ) => None,
        Action::Command(C::DecideCorrection) | Action::Read(Read::Correction) => {
            Some("correction_not_found")
        }
        Action::Read(
            Read::Settlement
            | Read::SettlementStatement
            | Read::SettlementPayments
            | Read::SettlementMatrix,
        ) => Some("settlement_not_found"),
        Action::Command(C::Reserve | C::ChangeUnits)
        | Action::Read(Read::Stock | Read::StockEvents) => Some("sku_not_found"),
        Action::Command(C::Confirm | C::Cancel) | Action::Read(Read::Reservation) => {
            Some("reservation_not_found")
        }
        Action::Command(C::UseCode) | Action::Read(Read::Code) => Some("code_not_found"),
        Action::Command(
            C::Earn | C::Redeem | C::Hold | C::PutStock | C::PutCorrection | C::BuyPack,
        )
        | Action::Read(Read::Merchant | Read::Movements) => Some("merchant_not_found"),
        Action::Command(C::Capture | C::Release) | Action::Read(Read::Hold) => {
            Some("hold_not_found")
        }
        Action::Command(C::Reverse) | Action::Read(Read::Transaction) => {
            Some("transaction_not_found")
        }
        Action::Command(
            C::Adjust | C::Freeze | C::Unfreeze | C::Close | C::Erase | C::Transfer,
        )
        | Action::Read(Read::Member | Read::Statement) => Some("member_not_found"),
        Action::Read(Read::Request) => Some("request_not_found"),
    }
}

/// The code that a cell's request is refused with; `None` if it succeeds.
fn expected(action: Action, role: RoleName, whose: Whose) -> Option<&'static str> {
    let hidden = match action.right(role) {
        Right::Never => return Some("forbidden"),
        // Only what a principal asked itself is there to be heard again, and an auditor has asked nothing.
        _ if action == Action::Read(Read::Request) => {
            whose != Whose::Own || role == RoleName::Auditor
        }
        // This house keeps no settlements.
        _ if missing(action) == Some("settlement_not_found") => true,
        Right::Own => whose != Whose::Own,
        Right::Any => whose == Whose::Missing,
    };
    missing(action).filter(|_| hidden)
}

fn check(cell: &str, expected: Option<&str>, told: &Told) {
    match expected {
        None => assert!(told.status.is_success(), "{cell}: {}", told.text),
        Some(code) => {
            let status = if code == "forbidden" { 403 } else { 404 };
            assert_eq!(told.problem(), (status, code.to_owned()), "{cell}");
        }
    }
}

/// Asks a one-command endpoint or looks at something.
async fn ask(maker: &mut Maker<'_>, action: Action, role: RoleName, whose: Whose) -> Told {
    let asked = match action {
        Action::Command(kind) => {
            let asked = maker.command(kind, whose).await;
            let (method, path) = asked.endpoint.split_once(' ').unwrap();
            // What is not bound may be asked again under the same id; so refusals can be compared.
            let id = match expected(action, role, whose) {
                None => maker.name("cell"),
                Some(_) => "unbound".to_owned(),
            };
            request(method, path, &id, &asked.body)
        }
        Action::Read(read) => TestRequest::get().uri(&maker.read(read, role, whose).await),
    };
    maker.house.knock_with(key(role), asked).await
}

#[actix_web::test]
async fn every_cell_holds_at_every_endpoint() {
    let house = house().await;
    let mut maker = Maker {
        house: &house,
        made: 0,
    };
    let mut cells = 0;
    for action in Action::all() {
        let mut refusals = Vec::new();
        for role in RoleName::ALL {
            for whose in EVERYBODYS {
                let cell = format!("{action:?} by {role:?}, {whose:?}");
                let told = ask(&mut maker, action, role, whose).await;
                let expected = expected(action, role, whose);
                check(&cell, expected, &told);
                if expected.is_some_and(|code| code != "forbidden") {
                    refusals.push((cell, told.text));
                }
                cells += 1;
            }
        }
        // What is foreign and what is missing sound the same, and for everybody.
        for (cell, text) in &refusals {
            assert_eq!(*text, refusals[0].1, "{cell} and {}", refusals[0].0);
        }
    }
    assert_eq!(cells, Action::all().count() * 4 * 3);
    house.engine.shut_down().await;
}

/// What a batch of one command is told, as its only answer.
fn only(told: &Told) -> (Option<String>, String) {
    let text = told.text.trim_end();
    let text = text.strip_prefix('[').unwrap_or(text);
    let text = text.strip_suffix(']').unwrap_or(text);
    let answer: Value = serde_json::from_str(text).unwrap();
    let refused = answer["status"] == "refused";
    assert_eq!(refused, answer["code"].is_string(), "{answer}");
    let code = answer["code"].as_str().map(str::to_owned);
    (code, text.to_owned())
}

#[actix_web::test]
async fn every_cell_holds_in_every_batch() {
    let house = house().await;
    let mut maker = Maker {
        house: &house,
        made: 0,
    };
    for content_type in ["application/json", "application/x-ndjson"] {
        for kind in CommandKind::ALL {
            let action = Action::Command(kind);
            let mut refusals = Vec::new();
            for role in RoleName::ALL {
                for whose in EVERYBODYS {
                    let cell = format!("{content_type} {kind:?} by {role:?}, {whose:?}");
                    let expected = expected(action, role, whose);
                    let mut command = maker.command(kind, whose).await.command;
                    command["type"] = kind.name().into();
                    command["id"] = match expected {
                        None => maker.name("cell").into(),
                        Some(_) => "unbound".into(),
                    };
                    let body = match content_type {
                        "application/json" => json!([command]).to_string(),
                        _ => command.to_string(),
                    };
                    let asked = TestRequest::post()
                        .uri("/v1/commands")
                        .insert_header(("content-type", content_type))
                        .set_payload(body);
                    let told = house.knock_with(key(role), asked).await;
                    if !Action::may_command(role) {
                        check(&cell, Some("forbidden"), &told);
                        continue;
                    }
                    let (code, text) = only(&told);
                    assert_eq!(code.as_deref(), expected, "{cell}");
                    if code.is_some_and(|code| code != "forbidden") {
                        refusals.push((cell, text));
                    }
                }
            }
            for (cell, text) in &refusals {
                assert_eq!(*text, refusals[0].1, "{cell} and {}", refusals[0].0);
            }
        }
    }
    house.engine.shut_down().await;
}

/// Goal: in a long batch every command is told its own fate, in its place. Method: one with all fates in turns, often
/// enough that holds and transactions of both shards are looked up together.
#[actix_web::test]
async fn each_command_of_a_batch_is_judged_by_itself() {
    let house = house().await;
    let mut maker = Maker {
        house: &house,
        made: 0,
    };
    let fates = [
        (CommandKind::Earn, Whose::Own),
        (CommandKind::Capture, Whose::Foreign),
        (CommandKind::Adjust, Whose::Own),
        (CommandKind::Capture, Whose::Own),
        (CommandKind::Reverse, Whose::Missing),
        (CommandKind::Redeem, Whose::Foreign),
        (CommandKind::Reverse, Whose::Own),
        (CommandKind::Release, Whose::Missing),
        (CommandKind::Reverse, Whose::Foreign),
        (CommandKind::Hold, Whose::Own),
    ];
    let mut commands = Vec::new();
    let mut expectations = Vec::new();
    for (kind, whose) in fates.into_iter().cycle().take(100) {
        let mut command = maker.command(kind, whose).await.command;
        command["type"] = kind.name().into();
        command["id"] = format!("b-{}", commands.len()).into();
        commands.push(command);
        expectations.push(expected(Action::Command(kind), RoleName::Merchant, whose));
    }
    let asked = TestRequest::post()
        .uri("/v1/commands")
        .insert_header(("content-type", "application/json"))
        .set_payload(json!(commands).to_string());
    let told = house.knock_with(key(RoleName::Merchant), asked).await;
    let answers = told.json();
    let answers = answers.as_array().unwrap();
    assert_eq!(answers.len(), 100);
    for (place, (answer, expected)) in answers.iter().zip(expectations).enumerate() {
        assert_eq!(answer["id"], format!("b-{place}"));
        assert_eq!(answer["code"].as_str(), expected, "{place}: {answer}");
    }
    house.engine.shut_down().await;
}

/// Goal: whatever a merchant did, it may look at and no other merchant may, however the points went. Method: every kind
/// of transaction of `mart`, with points that `shop` issued, and those that concern no merchant at all.
#[actix_web::test]
async fn a_transaction_belongs_to_the_merchant_that_did_it() {
    let house = house().await;
    let mut maker = Maker {
        house: &house,
        made: 0,
    };
    let till = key(RoleName::Merchant);
    // `m-…` has 100 points of `shop`; more of `mart`, then all of `shop` are spent there.
    let member = maker.member().await;
    let points = |merchant: &str, points: u32| json!({ "member": member, "merchant": merchant, "points": points });
    let mart = |count| points("mart", count);
    let mut foreign = Vec::new();
    for (endpoint, body) in [
        ("POST /v1/earns", mart(50)),
        ("POST /v1/redemptions", mart(100)),
        ("POST /v1/holds", mart(5)),
    ] {
        foreign.push(maker.done(endpoint, &body, "transaction").await);
    }
    let hold = maker.done("POST /v1/holds", &mart(5), "hold").await;
    let capture = format!("POST /v1/holds/{hold}/capture");
    foreign.push(maker.done(&capture, &json!({}), "transaction").await);
    let reverse = json!({ "transaction": foreign[1], "points": 1 });
    let reversals = "POST /v1/reversals";
    foreign.push(maker.done(reversals, &reverse, "transaction").await);
    let mut nobodys = Vec::new();
    let adjust = json!({ "member": member, "points": 1, "reason": "r" });
    nobodys.push(
        maker
            .done("POST /v1/adjustments", &adjust, "transaction")
            .await,
    );
    let freeze = format!("POST /v1/members/{member}/freeze");
    nobodys.push(
        maker
            .done(&freeze, &json!({ "reason": "r" }), "transaction")
            .await,
    );
    for transaction in foreign.iter().chain(&nobodys) {
        let path = format!("/v1/transactions/{transaction}");
        assert_eq!(house.get(&path).await.status, 200, "{path}");
        let hidden = house.knock_with(till, TestRequest::get().uri(&path)).await;
        assert_eq!(hidden.problem().1, "transaction_not_found", "{path}");
        let body = json!({ "transaction": transaction });
        let told = house
            .knock_with(till, post("/v1/reversals", "v", &body))
            .await;
        assert_eq!(told.problem().1, "transaction_not_found", "{transaction}");
    }
    // What the till has given it may take back, and look at.
    let own = json!({ "member": "m", "merchant": "shop", "points": 1 });
    let told = house.knock_with(till, post("/v1/earns", "own", &own)).await;
    let body = json!({ "transaction": told.json()["transaction"] });
    let told = house
        .knock_with(till, post("/v1/reversals", "back", &body))
        .await;
    assert_eq!(told.status, 201, "{}", told.text);
    let back = told.json()["transaction"].as_str().unwrap().to_owned();
    let look = TestRequest::get().uri(&format!("/v1/transactions/{back}"));
    assert_eq!(house.knock_with(till, look).await.status, 200);
    house.engine.shut_down().await;
}

/// Goal: whoever was paid for a unit hands it over. Method: the sale gets another merchant after the unit was sold.
#[actix_web::test]
async fn a_code_is_the_merchants_that_was_paid() {
    let house = house().await;
    let mut maker = Maker {
        house: &house,
        made: 0,
    };
    let till = key(RoleName::Merchant);
    let member = maker.member().await;
    let document =
        |merchant: &str| json!({ "units": 5, "price_points": 2, "merchant": merchant }).to_string();
    let put = "PUT /v1/stock/mug";
    house.accepted(put, "mug-1", &document("shop")).await;
    let wish = json!({ "member": member, "sku": "mug", "quantity": 1 });
    let reservation = maker
        .done("POST /v1/reservations", &wish, "reservation")
        .await;
    let confirm = format!("POST /v1/reservations/{reservation}/confirm");
    let told = house.accepted(&confirm, "mug-paid", "").await;
    let code = told["codes"][0].as_str().unwrap();
    house.accepted(put, "mug-2", &document("mart")).await;
    let look = TestRequest::get().uri(&format!("/v1/codes/{code}"));
    assert_eq!(house.knock_with(till, look).await.status, 200);
    let hand_over = post(&format!("/v1/codes/{code}/use"), "mug-used", &json!({}));
    let told = house.knock_with(till, hand_over).await;
    assert_eq!(told.status, 201, "{}", told.text);
    house.engine.shut_down().await;
}

/// The points of an earn that are gone are taken from other lots: the reversal stays the merchant's that earned.
#[actix_web::test]
async fn a_take_back_from_other_lots_is_still_the_merchants() {
    let house = house().await;
    let mut maker = Maker {
        house: &house,
        made: 0,
    };
    let till = key(RoleName::Merchant);
    let member = "taken";
    maker
        .done(&format!("PUT /v1/members/{member}"), &json!({}), "")
        .await;
    let of = |merchant: &str| json!({ "member": member, "merchant": merchant, "points": 10 });
    let told = house
        .knock_with(till, post("/v1/earns", "1", &of("shop")))
        .await;
    let earned = told.json()["transaction"].clone();
    // The points of `shop` are spent when those of `mart` come.
    maker.done("POST /v1/redemptions", &of("mart"), "").await;
    maker.done("POST /v1/earns", &of("mart"), "").await;
    let body = json!({ "transaction": earned });
    let told = house
        .knock_with(till, post("/v1/reversals", "2", &body))
        .await;
    assert_eq!(told.status, 201, "{}", told.text);
    let back = told.json()["transaction"].as_str().unwrap().to_owned();
    let look = TestRequest::get().uri(&format!("/v1/transactions/{back}"));
    let told = house.knock_with(till, look).await;
    assert_eq!(told.status, 200, "{}", told.text);
    assert_eq!(told.json()["lots"][0]["issuer"], "shop", "{}", told.text);
    house.engine.shut_down().await;
}

#[actix_web::test]
async fn an_entry_tells_whose_it_is() {
    let house = house().await;
    let earn = json!({ "member": "m", "merchant": "shop", "points": 1 });
    // The same request id for two principals is two requests.
    for role in [RoleName::Operator, RoleName::Merchant] {
        let told = house.knock_with(key(role), post("/v1/earns", "1", &earn));
        assert_eq!(told.await.status, 201, "{role:?}");
    }
    assert_eq!(house.balance("points").await[0], 1_002);
    house.engine.shut_down().await;
}
