//! Both lists sorted, side by side.

use std::cmp::Ordering;

use compact_str::CompactString;
use serde::Serialize;

use super::rows::{Key, List, Row};

/// How two lists differ somewhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Kind {
    /// They have it, and we do not.
    MissingInOurs,
    /// We have it, and they do not.
    MissingInTheirs,
    /// It stands more often in our list than in theirs.
    DoubledInOurs,
    /// It stands more often in their list than in ours.
    DoubledInTheirs,
    /// Both have it, with another type or other points.
    Different,
}

/// What one list says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Side {
    /// Which row, from 1.
    pub(super) row: u32,
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) points: i64,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Difference {
    pub(super) difference: Kind,
    /// The transaction, order or reference.
    pub(super) key: String,
    pub(super) ours: Option<Side>,
    pub(super) theirs: Option<Side>,
}

/// How many rows a list has, and the sum of their points.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub(super) struct Totals {
    pub(super) rows: usize,
    pub(super) points: i128,
}

impl Totals {
    fn of(list: &List) -> Self {
        Self {
            rows: list.rows.len(),
            points: list.rows.iter().map(|row| i128::from(row.points)).sum(),
        }
    }
}

/// What came out of it.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Compared {
    pub(super) by: &'static str,
    pub(super) ours: Totals,
    pub(super) theirs: Totals,
    /// Sorted by key.
    pub(super) differences: Vec<Difference>,
}

/// Compares two lists.
pub(super) fn compare(key: Key, mut ours: List, mut theirs: List) -> Compared {
    let mut compared = Compared {
        by: key.name(),
        ours: Totals::of(&ours),
        theirs: Totals::of(&theirs),
        differences: Vec::new(),
    };
    number_alike(&mut ours, &mut theirs);
    ours.rows.sort_unstable();
    theirs.rows.sort_unstable();
    let kinds = theirs.kinds;
    // A transaction is the same whatever its type; an order has an earning and a redemption of its own.
    let group = |a: &Row, b: &Row| match key {
        Key::Transaction => a.key.cmp(&b.key),
        Key::Order | Key::Reference => (&a.key, a.kind).cmp(&(&b.key, b.kind)),
    };
    let (mut ours, mut theirs) = (&ours.rows[..], &theirs.rows[..]);
    while let Some(first) = match (ours.first(), theirs.first()) {
        (Some(our), Some(their)) if group(our, their) == Ordering::Greater => Some(their),
        (Some(our), _) => Some(our),
        (None, their) => their,
    } {
        let take = |rows: &mut &[Row]| {
            let (same, rest) =
                rows.split_at(rows.partition_point(|row| group(row, first) == Ordering::Equal));
            let same: Vec<Row> = same.to_vec();
            (same, rest.len())
        };
        let ((our, ours_left), (their, theirs_left)) = (take(&mut ours), take(&mut theirs));
        ours = &ours[ours.len() - ours_left..];
        theirs = &theirs[theirs.len() - theirs_left..];
        same_key(our, their, &kinds, &mut compared.differences);
    }
    compared
}

/// Gives the types of both lists the same numbers.
fn number_alike(ours: &mut List, theirs: &mut List) {
    let numbers: Vec<u16> = ours
        .kinds
        .iter()
        .map(|word| {
            let known = theirs.kinds.iter().position(|known| known == word);
            let at = known.unwrap_or_else(|| {
                theirs.kinds.push(word.clone());
                theirs.kinds.len() - 1
            });
            u16::try_from(at).expect("each list has at most a thousand types")
        })
        .collect();
    for row in &mut ours.rows {
        row.kind = numbers[usize::from(row.kind)];
    }
}

/// Compares all rows of one key: what is equal goes out in pairs, and what is left differs.
fn same_key(
    ours: Vec<Row>,
    mut theirs: Vec<Row>,
    kinds: &[CompactString],
    differences: &mut Vec<Difference>,
) {
    let both = !ours.is_empty() && !theirs.is_empty();
    let mut left = Vec::new();
    for our in ours {
        let equal = |their: &Row| their.kind == our.kind && their.points == our.points;
        match theirs.iter().position(equal) {
            Some(at) => drop(theirs.remove(at)),
            None => left.push(our),
        }
    }
    let mut theirs = theirs.into_iter();
    for our in left {
        let their = theirs.next();
        let difference = match (&their, both) {
            (Some(_), _) => Kind::Different,
            (None, true) => Kind::DoubledInOurs,
            (None, false) => Kind::MissingInTheirs,
        };
        differences.push(Difference {
            difference,
            key: our.key.to_string(),
            ours: Some(side(&our, kinds)),
            theirs: their.map(|their| side(&their, kinds)),
        });
    }
    for their in theirs {
        differences.push(Difference {
            difference: match both {
                true => Kind::DoubledInTheirs,
                false => Kind::MissingInOurs,
            },
            key: their.key.to_string(),
            ours: None,
            theirs: Some(side(&their, kinds)),
        });
    }
}

fn side(row: &Row, kinds: &[CompactString]) -> Side {
    Side {
        row: row.number,
        kind: kinds
            .get(usize::from(row.kind))
            .map(CompactString::to_string)
            .unwrap_or_default(),
        points: row.points,
    }
}
