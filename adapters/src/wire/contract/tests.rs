//! Contracts are read as they are written, and every fault has its pointer.

use jifen_engine::ledger::{Command, PointType, Principal};
use serde::de::DeserializeSeed;

use super::{
    super::{Context, InvalidCode, decode_command, tree::NodeSeed},
    *,
};

const FULL: &str = r#"{"valid_from":"2026-10-01","issue_price":{"fen":1,"points":2},"billing":"used","accept_price":{"fen":3,"points":4},"payout":"per_unit","unit_price_fen":6200,"settlement_discount":9000,"customer_price":9500,"pass_through":6000,"till":"operator","fees":{"per_order_fen":20,"turnover":150,"minimum_fen":100,"entry_fen":500,"yearly_fen":1200000},"stars":[{"turnover_fen":10000000,"orders":500,"returned":3000},{"turnover_fen":10000000,"orders":501,"returned":10000}],"commission":{"agent":"agent-1","share":600},"cycle":"week","late_days_max":30}"#;

fn tree(text: &str) -> Node<'_> {
    let mut reader = serde_json::Deserializer::from_str(text);
    NodeSeed { depth: 1 }.deserialize(&mut reader).unwrap()
}

fn written(text: &str) -> String {
    let (from, contract) = decode(&tree(text)).expect("a contract");
    let mut bytes = Vec::new();
    let contracts = Contracts::default().with(from, &contract);
    encode_contracts(&contracts, &mut Json::new(&mut bytes));
    String::from_utf8(bytes).unwrap()
}

/// Pointers to what is wrong.
fn faults(text: &str) -> Vec<String> {
    let mut findings = Findings::default();
    examine(&tree(text), "/contract", &mut findings);
    let faults = findings.into_invalid().errors.into_iter();
    faults.map(|fault| fault.pointer).collect()
}

#[test]
fn a_contract_is_written_as_it_was_read() {
    assert_eq!(written(FULL), format!("[{FULL}]"));
    let shared = FULL
        .replace(
            r#""payout":"per_unit","unit_price_fen":6200"#,
            r#""payout":"share","share":7000"#,
        )
        .replace(r#","late_days_max":30"#, "")
        .replace(r#","commission":{"agent":"agent-1","share":600}"#, "");
    assert_eq!(written(&shared), format!("[{shared}]"));
}

#[test]
fn what_is_left_out_is_not_agreed() {
    let (from, contract) = decode(&tree(r#"{"valid_from":"1970-01-02"}"#)).unwrap();
    assert_eq!(from.days_since_1970(), Some(1));
    let nothing = Contract {
        issue: NO_PRICE,
        billing: Billing::Issued,
        accept: NO_PRICE,
        payout: Payout::Discount,
        settlement_discount: BasisPoints::ALL,
        customer_price: BasisPoints::ALL,
        pass_through: BasisPoints::ALL,
        till: Till::Merchant,
        fees: Fees::default(),
        stars: Vec::new(),
        commission: None,
        cycle: Cycle::Month,
        late_days_max: None,
    };
    assert_eq!(contract, nothing);
}

#[test]
fn every_fault_has_its_pointer() {
    for (from, to, pointers) in [
        (r#""valid_from":"2026-10-01","#, "", vec!["/valid_from"]),
        ("2026-10-01", "2026-13-01", vec!["/valid_from"]),
        (
            r#""points":2"#,
            r#""points":0"#,
            vec!["/issue_price/points"],
        ),
        (
            r#""fen":1,"points":2"#,
            r#""fen":-1"#,
            vec!["/issue_price/fen", "/issue_price/points"],
        ),
        (
            r#""fen":3"#,
            r#""fen":4294967296"#,
            vec!["/accept_price/fen"],
        ),
        (r#"{"fen":3,"points":4}"#, "7", vec!["/accept_price"]),
        (r#""used""#, r#""later""#, vec!["/billing"]),
        (
            r#""per_unit""#,
            r#""share""#,
            vec!["/unit_price_fen", "/share"],
        ),
        (r#""per_unit""#, r#""discount""#, vec!["/unit_price_fen"]),
        (r#""payout":"per_unit","#, "", vec!["/unit_price_fen"]),
        (":9000", ":10001", vec!["/settlement_discount"]),
        (":9500", ":0", vec!["/customer_price"]),
        (":6000", ":0.5", vec!["/pass_through"]),
        (r#""operator""#, "null", vec!["/till"]),
        ("per_order_fen", "per_oder_fen", vec!["/fees/per_oder_fen"]),
        ("1200000", "9007199254740992", vec!["/fees/yearly_fen"]),
        (r#""orders":501"#, r#""orders":499"#, vec!["/stars/1"]),
        (r#""orders":500,"#, "", vec!["/stars/0/orders"]),
        (r#""agent-1""#, r#""agent 1""#, vec!["/commission/agent"]),
        (r#","share":600"#, "", vec!["/commission/share"]),
        (r#""week""#, r#""year""#, vec!["/cycle"]),
        ("max\":30", "max\":65536", vec!["/late_days_max"]),
        ("late_days_max", "till/~", vec!["/till~1~0"]),
    ] {
        let text = FULL.replacen(from, to, 1);
        assert_ne!(text, FULL);
        let found = faults(&text);
        let expected: Vec<String> = pointers.iter().map(|at| format!("/contract{at}")).collect();
        assert_eq!(found, expected, "{text}");
        assert_eq!(decode(&tree(&text)), None, "{text}");
    }
    assert_eq!(faults("[]"), ["/contract"]);
    let too_many = [r#"{"turnover_fen":0,"orders":0,"returned":0}"#; STARS_MAX + 1].join(",");
    let too_many = format!(r#"{{"valid_from":"2026-10-01","stars":[{too_many}]}}"#);
    assert_eq!(faults(&too_many), ["/contract/stars"]);
}

#[test]
fn a_key_stands_once() {
    let twice = FULL.replacen(r#""till""#, r#""cycle":"day","till""#, 1);
    assert_eq!(decode(&tree(&twice)), None);
    let deeper = FULL.replacen(
        r#""entry_fen":500"#,
        r#""entry_fen":500,"entry_fen":500"#,
        1,
    );
    assert_eq!(decode(&tree(&deeper)), None);
}

#[test]
fn a_merchant_document_takes_a_contract() {
    let principal = Principal::new("p").unwrap();
    let point_type = PointType::new("points").unwrap();
    let context = Context {
        principal: &principal,
        point_type: &point_type,
        default_id: None,
        default_kind: None,
    };
    let put = |contract: &str| {
        let command = format!(
            r#"{{"id":"1","type":"put_merchant","merchant":"shop","name":"Shop","contract":{contract}}}"#
        );
        decode_command(command.as_bytes(), &context)
    };
    let request = put(FULL).unwrap();
    let Command::PutMerchant(command) = request.command() else {
        panic!("another command");
    };
    assert_eq!(command.contract, decode(&tree(FULL)));
    let wrong = put(&FULL.replacen("\"used\"", "\"later\"", 1)).unwrap_err();
    let pointers: Vec<_> = wrong.errors.iter().map(|error| &*error.pointer).collect();
    assert_eq!(pointers, ["/contract/billing"]);
    let twice = put(&FULL.replacen(r#""till""#, r#""cycle":"day","till""#, 1)).unwrap_err();
    assert_eq!(twice.code, InvalidCode::Malformed);
    assert_eq!(twice.errors[0].pointer, "/contract/cycle");
}
