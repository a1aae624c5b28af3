//! Whatever one merchant takes, everybody's settlement can be made.

use super::*;

/// The most points or fen that one command can move.
const MOST: u128 = (1 << 53) - 1;

#[test]
fn units_may_be_more_than_64_bits() {
    let mut town = Town::new();
    let each = Contract {
        payout: Payout::PerUnit(fen(3)),
        ..contract()
    };
    town.agree("shop", "2026-10-01", &each);
    let units = 4_096 * MOST;
    let many = Sale {
        units,
        ..sale(1, 0)
    };
    town.sell("2026-10-02", "carrier", "shop", many);
    town.send_back(
        "2026-10-03",
        "2026-10-02",
        "carrier",
        "shop",
        Sale {
            units: 1,
            ..sale(1, 0)
        },
    );
    assert_eq!(net(&town.settle(OCTOBER), "shop"), (units as i128 - 1) * 3);
}

#[test]
fn a_cell_may_be_worth_more_than_64_bits() {
    // The first are worth more than 64 bits, the others are more points than that.
    for points in [11 * MOST, 4_096 * MOST, MOST * (1 << 11) + 7, 1 << 64] {
        let mut town = Town::new();
        let dear = Contract {
            accept: Price {
                fen: 100,
                points: 1,
            },
            ..contract()
        };
        town.agree("shop", "2026-10-01", &dear);
        town.sell("2026-10-02", "carrier", "shop", sale(points, MOST));
        town.send_back("2026-10-03", "2026-10-02", "carrier", "shop", sale(1, 0));
        let settlement = town.settle(OCTOBER);
        let [cell] = settlement.matrix.cells() else {
            panic!("one cell")
        };
        let value = (points as i128 - 1) * 100;
        assert_eq!((cell.spent, cell.returned, cell.value), (points, 1, value));
        assert_eq!(net(&settlement, "shop"), value + MOST as i128);
        assert_eq!(settlement.own_points[0].value, value);

        let (mut files, mut matrix) = (Vec::new(), Vec::new());
        publish(&settlement, &town.input, |part| {
            match part {
                Part::Statement(_, bytes, _) => files.push(bytes.to_vec()),
                Part::Matrix(piece) => matrix.extend_from_slice(piece),
            }
            Ok::<_, ()>(())
        })
        .unwrap();
        let shop: StatementDocument<'_> = serde_json::from_slice(&files[0]).unwrap();
        assert_eq!(shop.check(), []);
        let position = &shop.accepted_from[0];
        assert_eq!((position.spent, position.value_fen), (points, value));
        assert_eq!(shop.bytes(), files[0], "the same form");
        let said = format!(r#""spent":{points},"returned":1,"value_fen":{value}}}"#);
        let matrix = String::from_utf8(matrix).unwrap();
        assert!(matrix.contains(&said), "{matrix}");
    }
}
