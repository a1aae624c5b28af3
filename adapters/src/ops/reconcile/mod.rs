//! `jifen reconcile`: what is missing, doubled or different between two lists of the same transactions.
//!
//! | where | what |
//! |---|---|
//! | `rows` | lists as they are read: NDJSON, pages of JSON, CSV |
//! | `compare` | both lists sorted, side by side |
//! | `show` | what was found, for people and for machines |

mod compare;
mod rows;
mod show;

use std::{
    io::{self, Write},
    path::PathBuf,
    process::ExitCode,
};

use self::rows::{Columns, Key, List, ListError};

/// Compares our list of transactions with theirs: what is missing on one side, there too often, or different.
///
/// Ours is what `GET /v1/merchants/{merchant}/transactions` gives: items, one a line, or whole pages. Theirs is the same, or CSV with
/// a header that names `transaction`, `order` or `reference`, and `points` and `type`. Rows are matched by the first of
/// the three that both have; by order or reference, only rows of the same type are taken for the same.
#[derive(Clone, Debug, clap::Args)]
#[command(after_help = "\
Examples:
  jifen reconcile ours.ndjson theirs.csv
      Prints a table of differences.
  jifen reconcile ours.ndjson bank.csv --by reference --column reference=trace_no --column points=amount --ignore-sign
      Matches by reference; their columns have other names, and they write no minus signs.
  jifen reconcile ours.ndjson theirs.csv --json
      Prints one JSON object.

Exit codes: 0 both lists say the same, 1 there are differences, 2 wrong usage, or a list cannot be read.")]
pub struct ReconcileArgs {
    /// Our list; - is standard input.
    #[arg(value_name = "OURS")]
    pub ours: PathBuf,
    /// Their list; - is standard input.
    #[arg(value_name = "THEIRS")]
    pub theirs: PathBuf,
    /// What rows are matched by [default: the first of them that their list has].
    #[arg(long, value_enum, value_name = "FIELD")]
    pub by: Option<Key>,
    /// What a field is called in their CSV, such as points=amount; may be given for every field.
    #[arg(long, value_name = "FIELD=COLUMN", value_parser = rows::renamed)]
    pub column: Vec<(String, String)>,
    /// Compares points without their signs.
    #[arg(long)]
    pub ignore_sign: bool,
    /// Compares no types: their words for them are others.
    #[arg(long)]
    pub ignore_type: bool,
    /// Prints one JSON object.
    #[arg(long)]
    pub json: bool,
}

/// Compares, prints what was found, and tells the exit code.
#[must_use]
pub fn run(args: &ReconcileArgs) -> ExitCode {
    let compared = match lists(args) {
        Ok((key, ours, theirs)) => compare::compare(key, ours, theirs),
        Err(error) => {
            eprintln!("{error}");
            return ExitCode::from(2);
        }
    };
    let text = if args.json {
        show::json(&compared)
    } else {
        show::table(&compared)
    };
    let mut out = io::stdout().lock();
    if let Err(error) = writeln!(out, "{text}").and_then(|()| out.flush()) {
        eprintln!("cannot print what was found: {error}");
        return ExitCode::FAILURE;
    }
    ExitCode::from(u8::from(!compared.differences.is_empty()))
}

fn lists(args: &ReconcileArgs) -> Result<(Key, List, List), ListError> {
    let columns = Columns::renamed(&args.column)?;
    let reading = |by| rows::Reading {
        by,
        ignore_sign: args.ignore_sign,
        ignore_type: args.ignore_type,
    };
    let (theirs, key) = rows::read(&args.theirs, &columns, &reading(args.by))?;
    let (ours, _) = rows::read(&args.ours, &Columns::default(), &reading(Some(key)))?;
    Ok((key, ours, theirs))
}

#[cfg(test)]
mod tests;
