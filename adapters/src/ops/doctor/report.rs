//! What was found, for people and for machines.

use comfy_table::{ContentArrangement, Table, presets::NOTHING};
use serde::Serialize;

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum Status {
    Ok,
    Warning,
    Failed,
}

impl Status {
    const fn word(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Failed => "failed",
        }
    }
}

/// A check.
#[derive(Clone, Debug, Serialize)]
struct Finding {
    check: &'static str,
    status: Status,
    found: String,
    /// What to do; nothing if all is well.
    advice: Option<String>,
}

/// All checks in their order.
#[derive(Clone, Debug, Default, Serialize)]
pub(super) struct Report {
    checks: Vec<Finding>,
    #[serde(skip)]
    is_damaged: bool,
}

impl Report {
    /// All is well there.
    pub(super) fn ok(&mut self, check: &'static str, found: impl Into<String>) {
        self.add(check, Status::Ok, found.into(), None);
    }

    /// It works, but not as well as it should, or not for ever.
    pub(super) fn warning(
        &mut self,
        check: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(check, Status::Warning, found.into(), Some(advice.into()));
    }

    /// A server would not work like this.
    pub(super) fn failed(
        &mut self,
        check: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.add(check, Status::Failed, found.into(), Some(advice.into()));
    }

    /// The directory is damaged.
    pub(super) fn damaged(
        &mut self,
        check: &'static str,
        found: impl Into<String>,
        advice: impl Into<String>,
    ) {
        self.is_damaged = true;
        self.failed(check, found, advice);
    }

    fn add(&mut self, check: &'static str, status: Status, found: String, advice: Option<String>) {
        self.checks.push(Finding {
            check,
            status,
            found,
            advice,
        });
    }

    fn has_failed(&self) -> bool {
        self.checks
            .iter()
            .any(|finding| finding.status == Status::Failed)
    }

    /// 0 if nothing failed, 4 if the directory is damaged, otherwise 1.
    pub(super) fn exit_code(&self) -> u8 {
        match (self.is_damaged, self.has_failed()) {
            (true, _) => 4,
            (false, true) => 1,
            (false, false) => 0,
        }
    }

    /// For people: a line a check.
    pub(super) fn table(&self) -> String {
        let mut table = Table::new();
        table
            .load_preset(NOTHING)
            .set_content_arrangement(ContentArrangement::Dynamic);
        for finding in &self.checks {
            let advice = finding.advice.as_deref();
            let told = advice.map_or_else(
                || finding.found.clone(),
                |advice| format!("{}\n→ {advice}", finding.found),
            );
            table.add_row([finding.status.word(), finding.check, &told]);
        }
        if let Some(status) = table.column_mut(0) {
            status.set_padding((0, 2));
        }
        table.trim_fmt()
    }

    /// For machines: `{"ok":…,"checks":[…]}`.
    pub(super) fn json(&self) -> String {
        #[derive(Serialize)]
        struct Told<'a> {
            ok: bool,
            #[serde(flatten)]
            report: &'a Report,
        }
        let told = Told {
            ok: !self.has_failed(),
            report: self,
        };
        serde_json::to_string(&told).expect("plain text and words")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exit_code_is_that_of_the_worst_finding() {
        let mut report = Report::default();
        report.ok("disk", "all of it");
        report.warning("sync", "slow", "buy another one");
        assert_eq!(report.exit_code(), 0);
        report.failed("clock", "1970", "set it");
        assert_eq!(report.exit_code(), 1);
        report.damaged("head", "gone", "restore a backup");
        assert_eq!(report.exit_code(), 4);
    }

    #[test]
    fn people_and_machines_are_told_the_same() {
        let mut report = Report::default();
        report.ok("disk", "all of it");
        report.warning("sync", "slow", "buy another one");
        let table = report.table();
        for said in [
            "ok",
            "disk",
            "all of it",
            "warning",
            "slow",
            "→ buy another one",
        ] {
            assert!(table.contains(said), "{said}: {table}");
        }
        let told: serde_json::Value = serde_json::from_str(&report.json()).unwrap();
        assert_eq!(
            told,
            serde_json::json!({ "ok": true, "checks": [
                { "check": "disk", "status": "ok", "found": "all of it", "advice": null },
                { "check": "sync", "status": "warning", "found": "slow", "advice": "buy another one" },
            ] })
        );
    }
}
