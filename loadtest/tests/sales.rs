//! Reservations and transfers against a small real server, exact and not.

mod stub;

use std::time::Duration;

use jifen_load::{Load, Mix, Report, Sale, Settings, Verdict};
use stub::{Faults, KEY, Stub};

const SALE: Sale = Sale {
    skus: 1,
    units: 50,
    price_points: 3,
    per_member_limit: Some(1),
};

/// A quarter of a second at 2,000 commands a second, 100 members: 500 commands.
fn settings(stub: &Stub, mix: Mix) -> Settings {
    Settings {
        load: Load::Open("2k".parse().expect("a rate")),
        duration: Duration::from_millis(250),
        warmup: Duration::ZERO,
        drain: Duration::from_secs(10),
        connections: 8,
        threads: 2,
        batch: 1,
        members: 100,
        mix,
        seed: 42,
        run_id: "test".parse().expect("a run id"),
        sale: (mix == Mix::Reserve).then_some(SALE),
        audit: false,
        ..Settings::canonical(
            stub.url().parse().expect("an address"),
            KEY.parse().expect("a key"),
        )
    }
}

fn run(settings: &Settings) -> Report {
    jifen_load::run(settings).expect("a report")
}

fn sale(report: &Report) -> &jifen_load::SaleReport {
    report.sale.as_ref().expect("something was on sale")
}

#[test]
fn a_sale_is_sold_out_to_the_unit_whatever_carries_the_reservations() {
    for batch in [1, 10] {
        let stub = Stub::start(Faults::default());
        // The warm-up counts: its units are gone as well.
        let report = run(&Settings {
            batch,
            warmup: Duration::from_millis(5),
            ..settings(&stub, Mix::Reserve)
        });
        assert_eq!(stub.seen().complaints, Vec::<String>::new());
        let sold = sale(&report);
        assert_eq!(sold.wrong, Vec::<String>::new());
        let (sku, units) = (&sold.skus[0], sold.skus[0].stock.units);
        assert_eq!((sku.accepted, units.reserved, units.available), (50, 50, 0));
        assert_eq!(
            (sku.stock.state.as_str(), sold.members_over_limit),
            ("sold_out", 0)
        );
        assert!(sku.sold_out > 0, "{sku:?}");

        let [accepted, refused] = &report.answers;
        assert_eq!(accepted.row.latency.raw.count, report.accepted);
        assert_eq!(refused.row.latency.raw.count, report.refused.total);
        assert!(refused.per_second > Some(0.0), "{refused:?}");
        for code in ["sold_out", "member_limit_reached"] {
            assert!(
                report.refused.by_code.contains_key(code),
                "{:?}",
                report.refused
            );
        }
        let shown = report.to_string();
        assert!(
            shown.contains("load-s-test-0 is sold_out: 50 units, 0 available"),
            "{shown}"
        );
        assert!(
            shown.contains("of 100 members 100 were watched for the limit"),
            "{shown}"
        );
        assert!(
            shown.contains("exactly what was accepted is gone"),
            "{shown}"
        );
        // Whether the generator was in time is not asked here.
        assert!(!matches!(report.verdict, Verdict::Unbalanced(_)), "{shown}");
    }
}

#[test]
fn every_sku_is_looked_at() {
    let stub = Stub::start(Faults::default());
    let report = run(&Settings {
        sale: Some(Sale {
            skus: 20,
            units: 1_000,
            ..SALE
        }),
        ..settings(&stub, Mix::Reserve)
    });
    let sold = sale(&report);
    let reserved: u64 = sold.skus.iter().map(|sku| sku.stock.units.reserved).sum();
    assert_eq!((sold.skus.len(), reserved), (20, report.accepted));
    assert!(
        sold.skus
            .iter()
            .all(|sku| sku.accepted > 0 && sku.accepted < report.accepted)
    );
    assert!(report.to_string().contains("and 10 more"));
}

#[test]
fn a_sale_that_does_not_add_up_is_not_good() {
    let cases = [
        (
            Faults {
                oversold: 1,
                ..Faults::default()
            },
            "51 units of load-s-test-0 were accepted, there are only 50",
        ),
        (
            Faults {
                unlimited: true,
                ..Faults::default()
            },
            "a member got more units than the limit of 1",
        ),
        (
            Faults {
                denied_every: Some(7),
                ..Faults::default()
            },
            "50 units of load-s-test-0 are reserved or sold",
        ),
    ];
    for (faults, expected) in cases {
        let stub = Stub::start(faults);
        let report = run(&settings(&stub, Mix::Reserve));
        let wrong = &sale(&report).wrong;
        assert!(wrong.iter().any(|one| one.contains(expected)), "{wrong:?}");
        assert!(
            matches!(report.verdict, Verdict::Unbalanced(_)),
            "{:?}",
            report.verdict
        );
        assert!(report.to_string().contains(expected), "{report}");
    }
}

#[test]
fn a_reservation_nobody_heard_of_may_be_there_or_not() {
    let stub = Stub::start(Faults {
        hang_up_every: Some(50),
        ..Faults::default()
    });
    let report = run(&settings(&stub, Mix::Reserve));
    assert_eq!(sale(&report).wrong, Vec::<String>::new());
    assert!(report.failed.total > 0, "{:?}", report.failed);
}

#[test]
fn transfers_go_from_one_member_to_another() {
    for batch in [1, 10] {
        let stub = Stub::start(Faults::default());
        let report = run(&Settings {
            batch,
            ..settings(&stub, Mix::Transfer)
        });
        assert_eq!(stub.seen().complaints, Vec::<String>::new());
        assert_eq!(
            (report.accepted, stub.seen().commands["transfer"]),
            (500, 500)
        );
        assert!(report.sale.is_none());
    }
}
