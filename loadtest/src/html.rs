//! The result as one page: tables and plots, no scripts, nothing from elsewhere, readable on white and on black.

use std::fmt::Write;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use crate::plot::{self, INKS};
use crate::report::{CodeCounts, Percentiles, Report};
use crate::table::Span;
use crate::verdict::Verdict;

const STYLE: &str = "\
:root { color-scheme: light dark; --paper: #fff; --text: #22262c; --soft: #666e78; --line: #e3e6ea; --good: #17733a; --bad: #b3261e }
@media (prefers-color-scheme: dark) { :root { --paper: #14171c; --text: #dfe3e8; --soft: #949ba5; --line: #2b3038; --good: #56c57a; --bad: #ff8a80 } }
body { background: var(--paper); color: var(--text); font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 60rem; padding: 0 1rem }
h1 { font-size: 1.5rem; margin: 0 } h2 { font-size: 1.1rem; margin: 2.2rem 0 .5rem }
p { margin: .3rem 0 } .soft { color: var(--soft) } .good { color: var(--good) } .bad { color: var(--bad) }
.scroll { overflow-x: auto } table { border-collapse: collapse; font-variant-numeric: tabular-nums; width: 100% }
th, td { border-bottom: 1px solid var(--line); padding: .3rem .6rem; text-align: right; white-space: nowrap }
th { font-weight: 600 } th:first-child, td:first-child { text-align: left } tr.raw td { color: var(--soft) }
svg { height: auto; max-width: 100% } pre { border: 1px solid var(--line); font-size: 12px; overflow-x: auto; padding: .8rem }
";

/// The whole page.
pub(crate) fn page(report: &Report) -> String {
    let plots = [
        ("Latency by percentile", plot::percentiles(report)),
        (
            "Latency over time, by when a request was planned",
            plot::latencies(report),
        ),
        ("Commands over time", plot::rates(report)),
    ];
    let page = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                title { "Run " (report.run_id) }
                style { (PreEscaped(STYLE)) (PreEscaped(inks())) }
            }
            body {
                (head(report))
                h2 { "Latency" }
                (latency_table(report))
                @for (title, svg) in plots {
                    h2 { (title) }
                    @match svg {
                        Ok(svg) => (PreEscaped(svg)),
                        Err(error) => p.bad { "It could not be drawn: " (error) },
                    }
                }
                p.soft { "The shaded part is the warm-up, which is not in the figures." }
                h2 { "Answers" }
                (answers(report))
                h2 { "All of it" }
                pre { (report) }
            }
        }
    };
    page.into_string()
}

/// What the colours of the plots are on black.
fn inks() -> String {
    let mut rules = String::from("@media (prefers-color-scheme: dark) {\n");
    for ink in INKS {
        let (red, green, blue) = (ink.light.0, ink.light.1, ink.light.2);
        for part in ["fill", "stroke"] {
            writeln!(
                rules,
                "svg [{part}=\"#{red:02X}{green:02X}{blue:02X}\" i] {{ {part}: {} }}",
                ink.dark
            )
            .expect("a string takes everything");
        }
    }
    rules + "}\n"
}

fn head(report: &Report) -> Markup {
    let (class, word, reasons): (_, _, &[String]) = match &report.verdict {
        Verdict::Good => ("good", "good", &[]),
        Verdict::Missed(reasons) => ("bad", "missed", reasons),
        Verdict::Invalid(reasons) => ("bad", "invalid: the generator could not keep up", reasons),
        Verdict::Unbalanced(reasons) => ("bad", "the books do not balance", reasons),
    };
    let settings = &report.settings;
    html! {
        h1 { "Load run " (report.run_id) ": " span class=(class) { (word) } }
        @for reason in reasons { p.bad { (reason) } }
        p {
            @if let Some(planned) = report.planned_commands_per_second {
                "planned " b { (format!("{planned:.0}")) "/s, " }
            }
            "achieved " b { (format!("{:.0}", report.achieved_commands_per_second)) "/s" }
            ", " (report.commands) " commands in " (report.requests) " requests"
        }
        p.soft {
            "scenario " (settings.scenario.word())
            @if let Some(mq) = &settings.mq { ", through the message queue at " (mq) } @else { ", over HTTP" }
            @if let Some(profile) = &settings.profile { ", profile " (profile) } @else { ", closed loop" }
            ", " (settings.connections) " connections, " (settings.members) " members (" (settings.spread) "), seed " (report.seed)
        }
        p.soft {
            (report.started_at) ", jifen-load " (report.version) ", " (report.machine.system)
            @if let Some(processor) = &report.machine.processor { ", " (processor) }
            @if let Some(count) = report.machine.processors { ", " (count) " processors" }
        }
        @if !report.objectives.is_empty() {
            h2 { "Objectives" }
            table {
                tr { th { "objective" } th { "measured" } th { "kept" } }
                @for objective in &report.objectives {
                    tr {
                        td { (objective.objective) }
                        td { (objective.shown) }
                        @if objective.met { td.good { "yes" } } @else { td.bad { "no" } }
                    }
                }
            }
        }
    }
}

fn latency_table(report: &Report) -> Markup {
    html! {
        div.scroll { table {
            tr {
                @for title in ["", "count", "mean", "p50", "p90", "p99", "p99.9", "p99.99", "max"] { th { (title) } }
            }
            @for row in report.operations.iter().chain([&report.all_requests]) {
                @if let Some(corrected) = &row.latency.corrected {
                    tr { (cells(row.name, corrected)) }
                    tr.raw { (cells("… from the actual send", &row.latency.raw)) }
                } @else {
                    tr { (cells(row.name, &row.latency.raw)) }
                }
            }
        } }
    }
}

fn cells(name: &str, figures: &Percentiles) -> Markup {
    let spans = [
        figures.mean_us,
        figures.p50_us,
        figures.p90_us,
        figures.p99_us,
        figures.p999_us,
        figures.p9999_us,
        figures.max_us,
    ];
    html! {
        td { (name) }
        td { (figures.count) }
        @for micros in spans { td { (Span(micros)) } }
    }
}

fn answers(report: &Report) -> Markup {
    let kinds: [(&str, &CodeCounts); 3] = [
        ("refused", &report.refused),
        ("overloaded", &report.overloaded),
        ("failed", &report.failed),
    ];
    html! {
        div.scroll { table {
            tr { th { "" } th { "code" } th { "commands" } }
            tr { td { "accepted" } td {} td { (report.accepted) } }
            @for (kind, counts) in kinds {
                @for (code, count) in &counts.by_code {
                    tr { td { (kind) } td { (code) } td { (count) } }
                }
            }
        } }
    }
}
