//! Keys and roles as tables for people and as JSON for machines.

use std::io::{self, Write};

use comfy_table::{Table, presets::NOTHING};
use serde::Serialize;
use serde_json::{Map, Value, json};

use crate::access::{Action, Holder, KeyBook, RoleName};

/// Shows principals and what their keys are called.
pub(super) fn book(book: &KeyBook, json: bool) -> io::Result<()> {
    if json {
        let principals: Vec<_> = book.holders().iter().map(holder_json).collect();
        return print_json(&principals);
    }
    let mut table = Table::new();
    table.load_preset(NOTHING).set_header([
        "KEY",
        "PRINCIPAL",
        "ROLE",
        "MERCHANT",
        "RATE",
        "MADE AT",
    ]);
    for holder in book.holders() {
        let limit = holder.limit.map(|limit| limit.to_string());
        let row = |id: String, made_at: String| {
            [
                id,
                holder.principal.to_string(),
                holder.role.name().as_str().to_owned(),
                holder
                    .role
                    .merchant()
                    .map_or_else(none, ToString::to_string),
                limit.clone().unwrap_or_else(none),
                made_at,
            ]
        };
        if holder.keys.is_empty() {
            table.add_row(row(none(), none()));
        }
        for key in &holder.keys {
            let made_at = key.made_at.clone().unwrap_or_else(none);
            table.add_row(row(key.digest.id().to_string(), made_at));
        }
    }
    print_table(&table)
}

fn holder_json(holder: &Holder) -> Value {
    let keys = holder.keys.iter().map(|key| {
        let id = key.digest.id().to_string();
        json!({ "key": id, "made_at": key.made_at })
    });
    json!({
        "principal": holder.principal.as_str(),
        "role": holder.role.name().as_str(),
        "merchant": holder.role.merchant().map(ToString::to_string),
        "rate": holder.limit.map(|limit| limit.rate.to_string()),
        "burst": holder.limit.map(|limit| limit.burst),
        "keys": keys.collect::<Vec<_>>(),
    })
}

/// Shows the matrix.
pub(super) fn roles(json: bool) -> io::Result<()> {
    let names = RoleName::ALL.map(RoleName::as_str);
    let rights = |action: Action| RoleName::ALL.map(|role| action.right(role).name());
    if json {
        let rows = Action::all().map(|action| {
            let mut row = Map::new();
            row.insert(action.sort().to_owned(), action.name().into());
            for (name, right) in names.into_iter().zip(rights(action)) {
                row.insert(name.to_owned(), right.into());
            }
            Value::Object(row)
        });
        return print_json(&rows.collect::<Vec<_>>());
    }
    let mut table = Table::new();
    table.load_preset(NOTHING);
    table.set_header(["", ""].into_iter().chain(names));
    for action in Action::all() {
        let cells = [action.sort(), action.name()];
        table.add_row(cells.into_iter().chain(rights(action)));
    }
    print_table(&table)?;
    let mut out = io::stdout().lock();
    writeln!(
        out,
        "\nown: where it concerns the principal's own merchant; everything else is as if it did not exist."
    )?;
    out.flush()
}

fn none() -> String {
    "-".to_owned()
}

fn print_table(table: &Table) -> io::Result<()> {
    let mut out = io::stdout().lock();
    for line in table.trim_fmt().lines() {
        writeln!(out, "{}", line.trim_end())?;
    }
    out.flush()
}

fn print_json(value: &impl Serialize) -> io::Result<()> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    out.flush()
}
