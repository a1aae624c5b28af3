//! What was found, for people and for machines.

use comfy_table::{CellAlignment, Table, presets::NOTHING};
use serde::Serialize;

use super::compare::{Compared, Kind, Side};

/// For people: a line a difference, and sums.
pub(super) fn table(compared: &Compared) -> String {
    let mut lines = Vec::new();
    if !compared.differences.is_empty() {
        let mut table = Table::new();
        table.load_preset(NOTHING).set_header([
            "difference",
            compared.by,
            "our row",
            "type",
            "points",
            "their row",
            "type",
            "points",
        ]);
        for difference in &compared.differences {
            let mut cells = vec![
                word(difference.difference).to_owned(),
                difference.key.to_string(),
            ];
            cells.extend(side(difference.ours.as_ref()));
            cells.extend(side(difference.theirs.as_ref()));
            table.add_row(cells);
        }
        for at in [2, 4, 5, 7] {
            if let Some(column) = table.column_mut(at) {
                column.set_cell_alignment(CellAlignment::Right);
            }
        }
        lines.push(table.trim_fmt());
    }
    let (ours, theirs) = (compared.ours, compared.theirs);
    lines.push(format!(
        "ours: {} rows, {} points; theirs: {} rows, {} points; {} differences",
        ours.rows,
        ours.points,
        theirs.rows,
        theirs.points,
        compared.differences.len()
    ));
    lines.join("\n")
}

const fn word(kind: Kind) -> &'static str {
    match kind {
        Kind::MissingInOurs => "missing in ours",
        Kind::MissingInTheirs => "missing in theirs",
        Kind::DoubledInOurs => "doubled in ours",
        Kind::DoubledInTheirs => "doubled in theirs",
        Kind::Different => "different",
    }
}

fn side(side: Option<&Side>) -> [String; 3] {
    side.map_or_else(Default::default, |side| {
        [
            side.row.to_string(),
            side.kind.to_string(),
            side.points.to_string(),
        ]
    })
}

/// For machines.
pub(super) fn json(compared: &Compared) -> String {
    #[derive(Serialize)]
    struct Told<'a> {
        equal: bool,
        #[serde(flatten)]
        compared: &'a Compared,
    }
    let told = Told {
        equal: compared.differences.is_empty(),
        compared,
    };
    serde_json::to_string(&told).expect("plain text and numbers")
}
