//! Rows become the objects of the wire, under the right numbers.

use super::*;

fn open(text: &str) -> Result<CsvRows<&[u8]>, String> {
    CsvRows::open(text.as_bytes(), false).unwrap()
}

fn rows(text: &[u8]) -> Vec<(u64, Result<String, String>)> {
    let mut rows = CsvRows::open(text, true).unwrap().unwrap();
    let mut found = Vec::new();
    let mut text = Vec::new();
    while let Some(raw) = rows.read_line(&mut text).unwrap() {
        let text = String::from_utf8_lossy(&std::mem::take(&mut text)).into_owned();
        let row = raw.valid.map(|()| text.clone());
        let row = row.map_err(|invalid| format!("{}: {text}", invalid.errors[0].detail));
        found.push((raw.number, row));
    }
    found
}

fn check(header: &str, row: &str, expected: &str) {
    let text = format!("{header}\n{row}\n");
    assert_eq!(rows(text.as_bytes()), [(2, Ok(expected.to_owned()))]);
}

#[test]
fn a_row_becomes_the_object_of_the_wire() {
    check(
        "type,member,points,cash_fen,final,order",
        "redeem,m1,120,990,true,o-1",
        r#"{"type":"redeem","member":"m1","points":120,"cash_fen":990,"final":true,"order":"o-1"}"#,
    );
    // Empty cells are absent; cells are trimmed; quotes may hold commas, quotes and line feeds.
    check(
        "type, member ,points,order,reference",
        r#"earn , m1,,"a, ""b""","two
lines""#,
        r#"{"type":"earn","member":"m1","order":"a, \"b\"","reference":"two\nlines"}"#,
    );
    check("type,member", ",", "{}");
}

#[test]
fn only_numbers_become_numbers() {
    check("points,order", "007,007", r#"{"points":7,"order":"007"}"#);
    check("points", "-5", r#"{"points":-5}"#);
    check("points", "1.5", r#"{"points":"1.5"}"#);
    check("points", "twelve", r#"{"points":"twelve"}"#);
    check(
        "points",
        "99999999999999999999",
        r#"{"points":"99999999999999999999"}"#,
    );
    check("final", "yes", r#"{"final":"yes"}"#);
}

#[test]
fn dotted_columns_are_entries_of_an_object() {
    check(
        "metadata.till,type,attributes.grade,metadata.time",
        "3,earn,gold,12:07",
        r#"{"type":"earn","attributes":{"grade":"gold"},"metadata":{"till":"3","time":"12:07"}}"#,
    );
    check("metadata.till,type", ",earn", r#"{"type":"earn"}"#);
}

#[test]
fn rows_are_numbered_by_the_line_they_begin_on() {
    for end in ["\n", "\r\n"] {
        let text = ["type,order", "a,1", "", "b,\"2", "2\"", "c,3"].join(end);
        let numbers: Vec<u64> = rows(text.as_bytes())
            .iter()
            .map(|(line, _)| *line)
            .collect();
        assert_eq!(numbers, [2, 4, 6], "{end:?}");
    }
}

#[test]
fn a_row_that_does_not_fit_the_header_is_malformed() {
    let rows = rows(b"type,member\nearn\nearn,m1,\"x y\",1\nearn,\xff\n");
    let details: Vec<_> = rows.into_iter().map(|(_, row)| row.unwrap_err()).collect();
    assert_eq!(
        details,
        [
            "has 1 cells, but the header names 2: earn",
            "has 4 cells, but the header names 2: earn,m1,\"x y\",1",
            "the cell of \"member\" is not UTF-8: earn,\u{fffd}",
        ]
    );
}

#[test]
fn a_header_that_makes_no_sense_is_refused() {
    for (header, expected) in [
        ("", "no header"),
        ("member,points", "--type"),
        ("type,member,member", "\"member\""),
        ("type,,member", "column 2"),
        ("type,metadata", "metadata.till"),
        ("type,order.number", "order.number"),
    ] {
        let error = open(header).err().unwrap();
        assert!(error.contains(expected), "{error}");
    }
    assert!(open("\u{feff}type,member").is_ok());
}

#[test]
fn an_open_quote_does_not_swallow_the_file() {
    let text = format!("type,order\nearn,\"{}", "x\n".repeat(200_000));
    let mut rows = open(&text).unwrap();
    let error = rows.read_line(&mut Vec::new()).err().unwrap().to_string();
    assert!(error.contains("line 2"), "{error}");
    assert!(error.contains("quote"), "{error}");
}
