//! How far a tool is, for people who watch.

use std::io::IsTerminal;

use indicatif::{ProgressBar, ProgressStyle};

const ENTRIES: &str = "{msg} {bar:32} {human_pos} of {human_len} entries, {per_sec}, {eta} left";
const BYTES: &str = "{msg} {bar:32} {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";

/// A bar on standard error, or nothing where nobody watches.
pub(crate) struct Progress(ProgressBar);

impl Progress {
    /// Counts entries.
    pub(crate) fn of_entries(what: &'static str, entries: u64) -> Self {
        Self::new(ENTRIES, what, entries)
    }

    /// Counts bytes.
    pub(crate) fn of_bytes(what: &'static str, bytes: u64) -> Self {
        Self::new(BYTES, what, bytes)
    }

    fn new(template: &str, what: &'static str, length: u64) -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(ProgressBar::hidden());
        }
        let bar = ProgressBar::new(length).with_message(what);
        // The templates are known to be good; a bar without style is no reason to stop.
        if let Ok(style) = ProgressStyle::with_template(template) {
            bar.set_style(style);
        }
        Self(bar)
    }

    /// That many more are done.
    pub(crate) fn advance(&self, by: u64) {
        self.0.inc(by);
    }
}

impl Drop for Progress {
    fn drop(&mut self) {
        self.0.finish_and_clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_templates_are_good() {
        for template in [ENTRIES, BYTES] {
            assert!(ProgressStyle::with_template(template).is_ok(), "{template}");
        }
    }
}
