//! How far an import is, for people who watch.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

use super::summary::{Summary, grouped};

const FILE: &str = "{bar:32} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left; {msg}";
const STREAM: &str = "{spinner} {bytes}, {bytes_per_sec}; {msg}";

/// A bar on standard error, or nothing.
pub struct Progress(ProgressBar);

impl Progress {
    /// A bar if standard error is a terminal. Without a total it only counts.
    #[must_use]
    pub fn on_terminal(bytes: Option<u64>) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self::hidden();
        }
        let bar = bytes.map_or_else(ProgressBar::new_spinner, ProgressBar::new);
        let template = if bytes.is_some() { FILE } else { STREAM };
        // Both templates are known to be good; a bar without style is no reason to stop.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// Shows nothing.
    #[must_use]
    pub fn hidden() -> Self {
        Self(ProgressBar::hidden())
    }

    /// Whether somebody watches.
    #[must_use]
    pub fn is_hidden(&self) -> bool {
        self.0.is_hidden()
    }

    /// Shows how far it is.
    pub(super) fn advance(&self, bytes_read: u64, summary: &Summary) {
        if self.is_hidden() {
            return;
        }
        self.0.set_position(bytes_read);
        let lines = grouped(summary.lines);
        self.0.set_message(match summary.not_accepted() {
            0 => format!("{lines} lines"),
            refused => format!("{lines} lines, {} not accepted", grouped(refused)),
        });
    }

    /// Says something above the bar, or where the bar would be.
    pub fn say(&self, what: &str) {
        self.0.suspend(|| eprintln!("{what}"));
    }

    /// Takes the bar away.
    pub fn clear(&self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_good() {
        for template in [FILE, STREAM] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
