//! The result for people.

use std::fmt::{self, Write};

use crate::report::{AnswersReport, CodeCounts, Percentiles, Report, RowReport};
use crate::verdict::Verdict;
use crate::workload::Mix;

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_settings(f)?;
        self.write_rates(f)?;
        let titles = ["count", "p50", "p90", "p99", "p99.9", "max"];
        write!(f, "{:10}{:>10}", "", titles[0])?;
        for title in &titles[1..] {
            write!(f, "{title:>11}")?;
        }
        writeln!(f)?;
        let from = if self.settings.closed {
            "from the actual send time: not corrected"
        } else {
            "from the planned send time"
        };
        for row in self.operations.iter().chain([&self.all_requests]) {
            write_row(f, row.name, &row.latency.headline())?;
            if row.name == self.all_requests.name {
                write!(f, "   ({from})")?;
            }
            writeln!(f)?;
        }
        self.write_raw(f, &self.all_requests)?;
        self.write_answers(f)?;
        write_codes(f, "refused", &self.refused)?;
        write_codes(f, "overloaded", &self.overloaded)?;
        write_codes(f, "failed", &self.failed)?;
        if self.failed_unmeasured.total > 0 {
            write_codes(f, "unmeasured", &self.failed_unmeasured)?;
        }
        if self.requests_unsent > 0 {
            writeln!(
                f,
                "{:10}{:>10}   requests were still waiting for a connection at the end",
                "unsent", self.requests_unsent
            )?;
        }
        self.write_sale(f)?;
        if let Some(audit) = &self.audit {
            write!(f, "{audit}")?;
        }
        if let Some(chaos) = &self.chaos {
            write!(f, "{chaos}")?;
        }
        self.write_verdict(f)
    }
}

impl Report {
    fn write_settings(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let settings = &self.settings;
        let mix = match settings.mix {
            Mix::Canonical => "canonical mix",
            Mix::Earn => "earns",
            Mix::Reserve => "reservations",
            Mix::Transfer => "transfers",
        };
        let kind = if settings.closed {
            "closed loop"
        } else {
            "open loop"
        };
        let mix = match &settings.replay {
            Some(file) => format!("commands of {file}"),
            None => mix.to_owned(),
        };
        let noop = match (settings.noop, settings.dry_run) {
            (true, _) => ", no-op endpoint",
            (_, true) => ", dry run: nothing is sent",
            _ => "",
        };
        let batch = if settings.batch > 1 {
            format!(" in arrays of {}", settings.batch)
        } else {
            String::new()
        };
        writeln!(
            f,
            "run {}   scenario {}   seed {}   {}",
            self.run_id,
            settings.scenario.word(),
            self.seed,
            settings.url
        )?;
        if let Some(mq) = &settings.mq {
            writeln!(f, "through the message queue at {mq}")?;
        }
        writeln!(
            f,
            "{kind}, {mix}{batch}{noop}, {} members, {} connections, {} after {} of warm-up",
            settings.members,
            settings.connections,
            seconds(settings.duration_ms),
            seconds(settings.warmup_ms),
        )?;
        let profile = settings.profile.as_deref().unwrap_or_default();
        let spreads = [&settings.spread, &settings.merchant_spread];
        if profile.contains(':') || spreads.iter().any(|spread| *spread != "uniform") {
            writeln!(
                f,
                "profile {profile}, members {}, merchants {}",
                settings.spread, settings.merchant_spread
            )?;
        }
        if self.requests_resent > 0 {
            let resent = self.requests_resent;
            writeln!(f, "{resent} of the requests were sent for the second time")?;
        }
        Ok(())
    }

    fn write_rates(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(planned) = self.planned_commands_per_second {
            write!(f, "planned {planned:.0}/s   ")?;
        }
        write!(f, "achieved {:.0}/s", self.achieved_commands_per_second)?;
        if self.settings.batch > 1 {
            write!(
                f,
                " commands in {:.1}/s requests",
                self.achieved_requests_per_second
            )?;
        }
        let generator = &self.generator;
        write!(f, "   in flight max {}", generator.in_flight_max)?;
        if !self.settings.closed {
            let lag = Span(generator.send_lag_p99_us);
            write!(
                f,
                "   queued max {}   send lag p99 {lag}",
                generator.queued_max
            )?;
        }
        if let Some(busy) = generator.busy_share {
            write!(f, "   generator busy {:.0} %", busy * 100.0)?;
        }
        writeln!(f)?;
        if let (true, Some(begin), Some(end)) = (
            self.settings.dry_run,
            generator.resident_begin_kib,
            generator.resident_end_kib,
        ) {
            let mib = |kib: u64| kib as f64 / 1024.0;
            writeln!(
                f,
                "memory {:.1} MiB at the beginning, {:.1} MiB at the end",
                mib(begin),
                mib(end)
            )?;
            if let Some(ran) = generator.ran_share.filter(|ran| *ran > 0.0) {
                let (rate, percent) = (self.achieved_requests_per_second, ran * 100.0);
                writeln!(
                    f,
                    "the busiest thread ran for {percent:.0} % of the time: {:.0} requests for each second of a processor",
                    rate / ran / f64::from(self.settings.threads)
                )?;
            }
        }
        Ok(())
    }

    /// Beside the corrected figures, so that the difference is seen; a closed loop has only these.
    fn write_raw(&self, f: &mut fmt::Formatter<'_>, row: &RowReport) -> fmt::Result {
        if row.latency.corrected.is_some() {
            write_row(f, "", &row.latency.raw)?;
            writeln!(f, "   (the same from the actual send time)")?;
        }
        Ok(())
    }

    /// What was accepted and what was refused apart, where there was both.
    fn write_answers(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = |answers: &AnswersReport| answers.row.latency.raw.count;
        if self.answers.iter().any(|answers| count(answers) == 0) {
            return Ok(());
        }
        for AnswersReport { row, per_second } in &self.answers {
            write_row(f, row.name, &row.latency.headline())?;
            match per_second {
                Some(rate) => writeln!(f, "   ({rate:.0}/s from the first to the last)")?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }

    /// The first SKUs, one by one: a hot one is alone, and many are alike.
    fn write_sale(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        const SHOWN_MAX: usize = 10;
        let Some(sale) = &self.sale else {
            return Ok(());
        };
        for sku in sale.skus.iter().take(SHOWN_MAX) {
            let units = &sku.stock.units;
            writeln!(
                f,
                "stock     {} is {}: {} units, {} available, {} returning, {} reserved, {} sold; {} accepted",
                sku.stock.sku,
                sku.stock.state,
                units.total,
                units.available,
                units.returning,
                units.reserved,
                units.sold,
                sku.accepted,
            )?;
        }
        if sale.skus.len() > SHOWN_MAX {
            writeln!(f, "stock     … and {} more", sale.skus.len() - SHOWN_MAX)?;
        }
        if sale.members_watched > 0 {
            writeln!(
                f,
                "stock     of {} members {} were watched for the limit",
                self.settings.members, sale.members_watched
            )?;
        }
        match &sale.broken_off {
            Some(cause) => writeln!(f, "stock     BROKEN OFF, so nothing is proved: {cause}"),
            None if sale.wrong.is_empty() => {
                writeln!(f, "stock     exactly what was accepted is gone")
            }
            None => Ok(()),
        }
    }

    fn write_verdict(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for objective in self.objectives.iter().filter(|objective| objective.met) {
            writeln!(
                f,
                "kept: {}: it was {}",
                objective.objective, objective.shown
            )?;
        }
        if let Some(note) = self.note {
            writeln!(f, "note: {note}")?;
        }
        let (word, reasons) = match &self.verdict {
            Verdict::Good => return Ok(()),
            Verdict::Missed(reasons) => ("missed", reasons),
            Verdict::Invalid(reasons) => ("THE RUN IS INVALID", reasons),
            Verdict::Unbalanced(reasons) => ("THE BOOKS DO NOT BALANCE", reasons),
        };
        for reason in reasons {
            writeln!(f, "{word}: {reason}")?;
        }
        Ok(())
    }
}

fn write_row(f: &mut fmt::Formatter<'_>, name: &str, figures: &Percentiles) -> fmt::Result {
    write!(f, "{name:10}{:>10}", figures.count)?;
    for micros in [
        figures.p50_us,
        figures.p90_us,
        figures.p99_us,
        figures.p999_us,
        figures.max_us,
    ] {
        write!(f, "{:>11}", Span(micros))?;
    }
    Ok(())
}

fn write_codes(f: &mut fmt::Formatter<'_>, name: &str, codes: &CodeCounts) -> fmt::Result {
    let mut by_count: Vec<_> = codes.by_code.iter().collect();
    by_count.sort_by(|one, other| other.1.cmp(one.1).then_with(|| one.0.cmp(other.0)));
    let mut list = String::new();
    for (index, (code, count)) in by_count.into_iter().enumerate() {
        write!(
            list,
            "{}{code} {count}",
            if index == 0 { "   " } else { ", " }
        )?;
    }
    writeln!(f, "{name:10}{:>10}{list}", codes.total)
}

/// Microseconds, shown in milliseconds with as many digits as mean something.
pub(crate) struct Span(pub(crate) u64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let millis = self.0 as f64 / 1e3;
        let digits = if self.0 < 10_000 { 2 } else { 1 };
        f.pad(&format!("{millis:.digits$} ms"))
    }
}

fn seconds(millis: u64) -> String {
    if millis.is_multiple_of(1_000) {
        format!("{} s", millis / 1_000)
    } else {
        format!("{millis} ms")
    }
}
