//! What a statement looks like as a page and as a table.

use jifen_engine::clearing::{StatementDocument, StatementFile};

use super::{words::yuan, *};

/// A statement with names that mean harm.
pub(crate) const FILE: &str = r#"{"statement":{"settlement":"s-1","merchant":"shop","title":"A & B <script>","period_start":"2026-10-01","period_end":"2026-10-31","opening_fen":5,"lines":[{"kind":"accepted","contract":"2026-09-01","point_type":"points","counterpart":null,"points":1000,"units":1,"orders":1,"money_fen":8500,"rate":{"of":"points","fen":1,"per":1,"times":9000,"over":9500},"kept_fen":0,"fen":9000,"note":null},{"kind":"correction","contract":null,"point_type":null,"counterpart":null,"points":0,"units":0,"orders":0,"money_fen":-250,"rate":{"of":"nothing","fen":0,"per":1,"times":1,"over":1},"kept_fen":0,"fen":-250,"note":{"id":"=1+1","reason":"said \"twice\", <b>","reference":null}}],"total_fen":8750,"closing_fen":8755,"due_fen":8755,"carried_fen":0,"accepted_from":[{"merchant":"operator","point_type":"points","contract":"2026-09-01","spent":1000,"returned":0,"value_fen":1000}],"used_at":[]},"proof":{"settlement":"s-1","root":"0000000000000000000000000000000000000000000000000000000000000000","index":0,"count":1,"path":[]}}"#;

fn statement() -> StatementDocument<'static> {
    let file: StatementFile<'_> = serde_json::from_str(FILE).unwrap();
    file.statement
}

#[test]
fn a_page_shows_everything_and_escapes_it() {
    let file: StatementFile<'_> = serde_json::from_str(FILE).unwrap();
    let page = statement_html(&file.statement, Some(&file.proof));
    for shown in [
        "A &amp; B &lt;script&gt;",
        "the operator pays 87.55 yuan",
        "<td>0.01 a point, × 9000/9500</td>",
        "=1+1: said &quot;twice&quot;, &lt;b&gt;",
        "<td class=\"n\">-2.50</td>",
        "document 1 of 1",
        "@media print",
    ] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    assert!(!page.contains("<script") && !page.contains("<b>"));
    assert!(!page.contains("http"), "it stands by itself");
}

#[test]
fn a_table_has_a_row_for_everything() {
    let table = String::from_utf8(statement_csv(&statement())).unwrap();
    let rows: Vec<&str> = table.split("\r\n").collect();
    assert_eq!(
        rows[1..],
        [
            "opening,s-1,shop,,,,,,,,,,,,,,,5,",
            "line,s-1,shop,accepted,2026-09-01,points,,1000,,1,1,8500,1,1,9000,9500,0,9000,",
            "line,s-1,shop,correction,,,,0,,0,0,-250,0,1,1,1,0,-250,\"'=1+1: said \"\"twice\"\", <b>\"",
            "total,s-1,shop,,,,,,,,,,,,,,,8750,",
            "closing,s-1,shop,,,,,,,,,,,,,,,8755,",
            "due,s-1,shop,,,,,,,,,,,,,,,8755,",
            "carried,s-1,shop,,,,,,,,,,,,,,,0,",
            "accepted_from,s-1,shop,,2026-09-01,points,operator,1000,0,,,,,,,,,1000,",
            "",
        ]
    );
}

#[test]
fn money_is_told_in_yuan() {
    for (fen, text) in [
        (0, "0.00"),
        (-5, "-0.05"),
        (123_456, "1,234.56"),
        (-100_000_000, "-1,000,000.00"),
    ] {
        assert_eq!(yuan(fen), text);
    }
}

#[test]
fn sums_beyond_64_bits_are_shown() {
    let large = FILE
        .replace(r#""spent":1000"#, r#""spent":18446744073709551617"#)
        .replace(r#""value_fen":1000"#, r#""value_fen":-9907919180215089700"#);
    let file: StatementFile<'_> = serde_json::from_str(&large).unwrap();
    let page = statement_html(&file.statement, None);
    for shown in ["18,446,744,073,709,551,617", "-99,079,191,802,150,897.00"] {
        assert!(page.contains(shown), "{shown}: {page}");
    }
    let table = String::from_utf8(statement_csv(&file.statement)).unwrap();
    let row = "points,operator,18446744073709551617,0,,,,,,,,,-9907919180215089700,";
    assert!(table.contains(row), "{table}");
}
