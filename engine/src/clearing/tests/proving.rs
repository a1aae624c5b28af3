//! Every check of a settlement finds what it is for.

use super::*;

/// A month with a bit of everything.
pub(super) fn month() -> (Town, Settlement) {
    let mut town = Town::new();
    let issuing = Contract {
        issue: Price { fen: 1, points: 1 },
        billing: Billing::Used,
        fees: Fees {
            per_order: fen(5),
            minimum: fen(100),
            ..Fees::default()
        },
        ..coalition()
    };
    let own_till = Contract {
        till: Till::Merchant,
        ..coalition()
    };
    town.agree("shop", "2026-09-01", &issuing);
    town.agree("tea", "2026-10-10", &own_till);
    town.input
        .titles
        .insert(name("shop"), note("Shop <of> \"all\" & sundry"));
    town.issue("2026-10-01", "shop", 3_000);
    town.sell("2026-10-02", "shop", "tea", sale(11, 7));
    town.sell("2026-10-12", "shop", "tea", sale(1_111, 777));
    town.sell("2026-10-12", "operator", "shop", sale(333, 1));
    town.send_back("2026-10-13", "2026-10-12", "shop", "tea", sale(111, 0));
    town.input.corrections.push(Correction {
        id: "c-1".into(),
        merchant: name("tea"),
        amount: -250,
        reason: note("counted twice, \u{201c}=1+1\u{201d}"),
        reference: Some(note("s-0")),
        day: day("2026-10-09"),
    });
    let settlement = town.settle(OCTOBER);
    (town, settlement)
}

#[test]
fn each_fault_is_found() {
    let (town, sound) = month();
    assert_eq!(prove(&sound, &town.input), []);
    type Harm = fn(&mut Settlement, &mut Input);
    let harms: [(&str, Harm); 14] = [
        ("Nets", |settlement, _| {
            settlement.operator.cash_collected += 1;
        }),
        ("Nets", |_, input| input.trades[2].cash += 1),
        ("Booked", |settlement, _| {
            *settlement
                .operator
                .entries
                .entry(LineKind::Accepted)
                .or_default() += 1;
        }),
        ("Booked", |settlement, _| {
            settlement.statements.pop();
        }),
        ("Line", |settlement, _| {
            settlement.statements[0].lines[0].fen += 1;
        }),
        ("Line", |settlement, _| {
            settlement.statements[0].lines[0].figures.kept += 1;
        }),
        ("Statement", |settlement, _| {
            drop(settlement.statements[0].lines.pop());
        }),
        ("Statement", |settlement, _| {
            settlement.statements[0].closing += 1;
        }),
        ("Statement", |_, input| {
            input.before.entry(name("tea")).or_default().carried = 1;
        }),
        ("Order", |settlement, _| settlement.statements.swap(0, 1)),
        ("Payment", |settlement, _| {
            settlement.payments.pop();
        }),
        ("Payment", |settlement, _| settlement.payments[0].fen += 1),
        ("Issuer", |_, input| input.positions[0].spent += 1),
        ("Matrix", |_, input| input.positions[0].returned += 1),
    ];
    for (place, (fault, harm)) in harms.into_iter().enumerate() {
        let (mut settlement, mut input) = (sound.clone(), town.input.clone());
        harm(&mut settlement, &mut input);
        let found = prove(&settlement, &input);
        let names: Vec<_> = found
            .iter()
            .map(|violation| format!("{violation:?}"))
            .collect();
        assert!(
            names.iter().any(|name| name.starts_with(fault)),
            "{place}, {fault}: {names:?}"
        );
    }
}

#[test]
fn the_matrix_says_whose_points_went_where() {
    let (_, settlement) = month();
    let cells = settlement.matrix.cells().iter();
    let cells: Vec<_> = cells
        .map(|cell| {
            (
                cell.issuer,
                cell.acceptor,
                cell.spent,
                cell.returned,
                cell.value,
            )
        })
        .collect();
    assert_eq!(
        cells,
        [
            (name("operator"), name("shop"), 333, 0, 333),
            (name("shop"), name("tea"), 1_111, 111, 1_000),
            // Before the contract.
            (name("shop"), name("tea"), 11, 0, 0),
        ]
    );
    let of = |merchant| settlement.matrix.of_acceptor(name(merchant)).count();
    assert_eq!((of("tea"), of("shop"), of("agent")), (2, 1, 0));
    assert_eq!(settlement.matrix.of_issuer(name("shop")).len(), 2);
}
