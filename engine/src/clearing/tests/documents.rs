//! Canonical bytes, the root over them, and statements checked alone.

use std::convert::Infallible;

use super::{proving::month, *};

/// Every statement as its merchant gets it, and the root.
fn files(settlement: &Settlement, input: &Input) -> (Vec<Vec<u8>>, Digest) {
    let published = publish(settlement, input, |_| Ok::<_, Infallible>(())).unwrap();
    let root = published.tree.root();
    let files = (0..).zip(&settlement.statements).map(|(place, statement)| {
        let inclusion = published.tree.inclusion(place).unwrap();
        let file = StatementFile {
            statement: StatementDocument::new(settlement, input, statement),
            proof: ProofDocument::new(&settlement.id, root, inclusion),
        };
        serde_json::to_vec(&file).unwrap()
    });
    (files.collect(), root)
}

#[test]
fn the_same_input_gives_the_same_bytes() {
    let (town, settlement) = month();
    let (again, _) = month();
    assert_eq!(
        files(&settlement, &town.input),
        files(&again.settle(OCTOBER), &again.input)
    );
    let (files, _) = files(&settlement, &town.input);
    let text = String::from_utf8(files[0].clone()).unwrap();
    let begin = concat!(
        r#"{"statement":{"settlement":"s-1","merchant":"shop","title":"Shop <of> \"all\" & sundry","#,
        r#""period_start":"2026-10-01","period_end":"2026-10-31","opening_fen":0,"lines":["#,
        r#"{"kind":"accepted","contract":"2026-09-01","point_type":"points","counterpart":null,"#,
        r#""points":333,"units":1,"orders":1,"money_fen":1,"#,
        r#""rate":{"of":"points","fen":1,"per":1,"times":9000,"over":9500},"kept_fen":0,"fen":316,"note":null},"#,
    );
    assert!(text.starts_with(begin), "{text}");
}

#[test]
fn summary_payments_and_matrix_add_up() {
    let (town, settlement) = month();
    let published = publish(&settlement, &town.input, |_| Ok::<_, Infallible>(())).unwrap();
    let summary: SummaryDocument<'_> = serde_json::from_slice(&published.summary).unwrap();
    assert_eq!(
        summary.total_fen + summary.margin_fen,
        summary.cash_collected_fen
    );
    assert_eq!(summary.payments_sha256, Digest::of(&published.payments));
    assert_eq!(summary.statements + 1, published.tree.count());
    let payments: PaymentsDocument<'_> = serde_json::from_slice(&published.payments).unwrap();
    assert_eq!(payments.paid_fen - payments.collected_fen, summary.due_fen);
    let mut matrix = Vec::new();
    write_matrix(&settlement, &town.input, |piece| {
        matrix.extend_from_slice(piece);
        Ok::<_, Infallible>(())
    })
    .unwrap();
    assert_eq!(Digest::of(&matrix), summary.matrix_sha256);
    let told: serde_json::Value = serde_json::from_slice(&matrix).unwrap();
    assert_eq!(told["cells"].as_array().unwrap().len(), 3);
}

#[test]
fn a_merchant_checks_its_statement_alone() {
    let (town, settlement) = month();
    let (files, root) = files(&settlement, &town.input);
    for bytes in &files {
        let file: StatementFile<'_> = serde_json::from_slice(bytes).unwrap();
        assert_eq!(file.check(Some(root)), []);
        assert_eq!(file.check(None), []);
        assert_eq!(serde_json::to_vec(&file).unwrap(), *bytes);
        // However it is laid out, it is the same statement.
        let pretty: serde_json::Value = serde_json::from_slice(bytes).unwrap();
        let pretty = serde_json::to_string_pretty(&pretty).unwrap();
        let again: StatementFile<'_> = serde_json::from_str(&pretty).unwrap();
        assert_eq!(again.check(Some(root)), []);
    }
    let file: StatementFile<'_> = serde_json::from_slice(&files[1]).unwrap();
    let wrong = |harm: fn(&mut StatementFile<'_>)| {
        let mut harmed = file.clone();
        harm(&mut harmed);
        harmed.check(Some(root)).len()
    };
    assert_eq!(wrong(|_| ()), 0);
    // Its line, the total, and the proof.
    assert_eq!(wrong(|file| file.statement.lines[0].fen += 1), 3);
    assert_eq!(
        wrong(|file| file.statement.title = Some("Somebody else".into())),
        1
    );
    assert_eq!(wrong(|file| file.statement.accepted_from[0].spent += 1), 1);
    assert_eq!(wrong(|file| file.statement.due_fen += 1), 2);
    assert_eq!(wrong(|file| file.proof.index -= 1), 1);
    assert_eq!(wrong(|file| file.proof.settlement = "s-2".into()), 1);
    assert_eq!(
        wrong(|file| {
            file.proof.path.pop();
        }),
        1
    );
    // A forged root leads nowhere, and is not the published one.
    assert_eq!(wrong(|file| file.proof.root = Digest::of(b"forged")), 2);
    assert_eq!(file.check(Some(Digest::of(b"another"))).len(), 1);
    let unknown = String::from_utf8(files[1].clone()).unwrap();
    let unknown = unknown.replacen("\"opening_fen\"", "\"bonus_fen\":1,\"opening_fen\"", 1);
    assert!(serde_json::from_str::<StatementFile<'_>>(&unknown).is_err());
}
