//! A statement to read and to print: one page without a script and without the network. Everything that came from outside is escaped.

use jifen_engine::clearing::{LineDocument, PositionDocument, ProofDocument, StatementDocument};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::words;

const STYLE: &str = include_str!("page.css");

/// The page of a statement, with what it takes to check it if there is a proof. Amounts are in yuan.
#[must_use]
pub fn statement_html(
    statement: &StatementDocument<'_>,
    proof: Option<&ProofDocument<'_>>,
) -> String {
    let name = statement.title.as_deref().unwrap_or(&statement.merchant);
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Statement of " (name) ", " (statement.period_start) " to " (statement.period_end) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                h1 { (name) }
                (head(statement))
                h2 { "What the period comes to" }
                (lines(statement))
                (positions("Whose points were accepted", &statement.accepted_from))
                (positions("Where its points were spent", &statement.used_at))
                @if let Some(proof) = proof { (check(proof)) }
            }
        }
    };
    page.into_string()
}

fn head(statement: &StatementDocument<'_>) -> Markup {
    let due = match statement.due_fen {
        0 => "nothing is paid now".to_owned(),
        fen if fen > 0 => format!("the operator pays {} yuan", words::yuan(fen)),
        fen => format!("the merchant pays {} yuan", words::yuan(-fen)),
    };
    html! {
        dl {
            dt { "Merchant" } dd { (statement.merchant) }
            dt { "Settlement" } dd { (statement.settlement) }
            dt { "Period" } dd { (statement.period_start) " to " (statement.period_end) ", both included" }
            dt { "Result" } dd { strong { (due) } }
        }
        p { small { "Amounts are in yuan; above zero the merchant gets them, below zero it pays." } }
    }
}

fn lines(statement: &StatementDocument<'_>) -> Markup {
    html! {
        table {
            thead {
                tr {
                    th { "What" } th { "Contract" } th { "Points of" }
                    th.n { "Points" } th.n { "Units" } th.n { "Orders" } th.n { "Money" }
                    th { "Rate" } th.n { "In own till" } th.n { "Amount" }
                }
            }
            tbody {
                (sum("Carried over from before", statement.opening_fen))
                @for line in &statement.lines { (row(line)) }
                (sum("Sum of the period", statement.total_fen))
                (sum("Closing", statement.closing_fen))
                (sum("Due now", statement.due_fen))
                (sum("Carried over", statement.carried_fen))
            }
        }
    }
}

fn row(line: &LineDocument<'_>) -> Markup {
    let money = |fen: i128| {
        if fen == 0 {
            String::new()
        } else {
            words::yuan(fen)
        }
    };
    html! {
        tr {
            td {
                (words::kind(line.kind))
                @if let Some(counterpart) = &line.counterpart { " from " (counterpart) }
                @if let Some(note) = &line.note {
                    br;
                    small {
                        (note.id) ": " (note.reason)
                        @if let Some(reference) = &note.reference { " (" (reference) ")" }
                    }
                }
            }
            td { @if let Some(day) = line.contract { (day) } }
            td { @if let Some(kind) = &line.point_type { (kind) } }
            td.n { (words::count(line.points)) }
            td.n { (words::count(line.units)) }
            td.n { (words::count(line.orders)) }
            td.n { (money(line.money_fen)) }
            td { (words::rate(line)) }
            td.n { (money(line.kept_fen)) }
            td.n { (words::yuan(line.fen)) }
        }
    }
}

fn sum(what: &str, fen: i128) -> Markup {
    html! { tr.sum { td colspan="9" { (what) } td.n { (words::yuan(fen)) } } }
}

fn positions(title: &str, positions: &[PositionDocument<'_>]) -> Markup {
    html! {
        @if !positions.is_empty() {
            h2 { (title) }
            table {
                thead {
                    tr {
                        th { "Merchant" } th { "Points of" } th { "Contract" }
                        th.n { "Spent" } th.n { "Sent back" } th.n { "Worth" }
                    }
                }
                tbody {
                    @for position in positions {
                        tr {
                            td { (position.merchant) }
                            td { (position.point_type) }
                            td { @if let Some(day) = position.contract { (day) } }
                            td.n { (words::grouped(position.spent)) }
                            td.n { (words::grouped(position.returned)) }
                            td.n { (words::yuan(position.value_fen)) }
                        }
                    }
                }
            }
        }
    }
}

fn check(proof: &ProofDocument<'_>) -> Markup {
    html! {
        h2 { "To check it alone" }
        p {
            "This is document " (proof.index + 1) " of " (proof.count) " under the root " code { (proof.root) }
            ", which the operator published. " code { "jifen verify statement FILE" }
            " computes everything again from the statement as JSON, without the network."
        }
    }
}
