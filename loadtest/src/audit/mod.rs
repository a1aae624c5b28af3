//! The audit: do the server's books agree with what it answered? The workers remember what they are told, in bounded memory;
//! before the run and at its end the server is asked.
//!
//! | module | |
//! |---|---|
//! | `memory`, `sums`, `record`, `sample`, `fingerprint` | what is remembered of the answers, and how little room that takes |
//! | `asking`, `again` | questions, many at once; commands sent again under their ids |
//! | `witness` | what a worker has of this |
//! | `lost` | what became of commands whose answers were lost |
//! | `balances` | points are conserved |
//! | `statements`, `merchants` | the views say the same |
//! | `answers` | every acknowledged command is present once, with the same answer |
//! | `report` | what was found |
//!
//! Nobody else may move the points of the members under load meanwhile, or the sums will not agree.

mod again;
mod answers;
mod asking;
mod balances;
mod fingerprint;
mod lost;
mod memory;
mod merchants;
mod record;
mod report;
mod sample;
mod statements;
mod sums;
mod witness;

use std::time::{Duration, Instant};

pub use report::{AuditReport, Checked};

pub(crate) use asking::{AskError, Asker};
use balances::Before;
pub(crate) use memory::Memory;
use memory::Noted;
use report::Check;
use statements::Known;
pub(crate) use sums::Watched;
pub(crate) use witness::Witness;

use crate::answer::Outcome;
use crate::error::RunError;
use crate::settings::Settings;
use crate::takings::SaleReport;
use crate::workload::Reservation;

/// An audit from before the run to after it.
#[derive(Debug)]
pub(crate) struct Audit {
    before: Before,
    took: Duration,
    report: AuditReport,
    memory: Option<Memory>,
}

impl Audit {
    /// Looks at the balances before the load begins.
    pub(crate) async fn begin(settings: &Settings) -> Result<Option<Self>, RunError> {
        if !settings.is_audited() {
            return Ok(None);
        }
        let started = Instant::now();
        let before = Before::read(settings)
            .await
            .map_err(|error| RunError::Setup {
                step: "reading balances for the audit (leave it out with --no-audit)",
                cause: error.to_string(),
            })?;
        Ok(Some(Self {
            before,
            took: started.elapsed(),
            report: AuditReport::default(),
            memory: None,
        }))
    }

    /// Learns what became of commands whose answers were lost. Tells what was reserved by them, and how many commands there
    /// still are of which nothing is known.
    pub(crate) async fn resolve(
        &mut self,
        settings: &Settings,
        mut memory: Memory,
    ) -> (Vec<(Reservation, Outcome<'static>)>, u64) {
        let started = Instant::now();
        let resolved = lost::resolve(settings, &mut memory).await;
        self.took += started.elapsed();
        self.report.memory_bytes = memory.bytes() as u64;
        self.report.lost = resolved.lost;
        self.report.lost_applied = resolved.applied;
        self.report.broken_off = resolved.broken_off.map(|error| error.to_string());
        self.memory = Some(memory);
        (resolved.reservations, resolved.unknown)
    }

    /// Asks for everything else.
    pub(crate) async fn conclude(
        mut self,
        settings: &Settings,
        sale: Option<&SaleReport>,
    ) -> AuditReport {
        let started = Instant::now();
        let unseen = sale.and_then(|sale| sale.broken_off.clone());
        self.report.broken_off = self.report.broken_off.take().or(unseen);
        if let Some(memory) = self.memory.take() {
            self.report.acknowledged = memory.records.offered();
            self.report.remembered = memory.records.kept().len() as u64;
            self.judge_heard(settings, &memory);
            if self.report.broken_off.is_none() {
                let compared = self.compare(settings, memory, sale).await;
                self.report.broken_off = compared.err().map(|error| error.to_string());
            }
        }
        self.report.took_ms =
            u64::try_from((self.took + started.elapsed()).as_millis()).unwrap_or(u64::MAX);
        self.report
    }

    /// What is wrong with the answers themselves, whatever the server says of them now.
    fn judge_heard(&mut self, settings: &Settings, memory: &Memory) {
        let Noted { total, first } = memory.misnamed.clone();
        let ids = Check::done("ids", memory.named, total, first);
        self.report.take(ids);
        let Noted { total, first } = memory.used_before.clone();
        if total > 0 && !settings.may_be_replayed() {
            let answers = memory.records.offered();
            let replays = Check::done("first answers", answers, total, first);
            self.report.take(replays);
        }
    }

    async fn compare(
        &mut self,
        settings: &Settings,
        memory: Memory,
        sale: Option<&SaleReport>,
    ) -> Result<(), AskError> {
        if let Some(sale) = sale {
            self.report.take(stock(sale));
        }
        if self.report.lost > 0 {
            self.report
                .take(lost_answers(settings, &memory, self.report.lost));
        }
        match why_no_sums(&memory) {
            None => self.compare_sums(settings, &memory).await?,
            Some(why) => self.report.notes.push(why),
        }
        let answers = answers::compare(settings, memory.records).await?;
        self.report.take(answers);
        Ok(())
    }

    async fn compare_sums(&mut self, settings: &Settings, memory: &Memory) -> Result<(), AskError> {
        let (check, now) = balances::compare(settings, &self.before, &memory.sums).await?;
        self.report.take(check);
        let Some(period) = &memory.period else {
            return Ok(());
        };
        let known = memory.sums.touched().filter_map(|(member, change)| {
            Some(Known {
                member,
                before: self.before.of(member),
                change,
                now: *now.get(&member)?,
                last: period.last.to_string(),
            })
        });
        let statements = statements::compare(settings, known.collect()).await?;
        self.report.take(statements);
        let merchants = merchants::compare(settings, &memory.sums, &period.first).await?;
        self.report.take(merchants);
        Ok(())
    }
}

/// What is left out where points are not added up.
const UNPROVED: &str = "balances, statements and merchants' lists are NOT PROVED";

/// Why points cannot be added up, if so.
fn why_no_sums(memory: &Memory) -> Option<String> {
    let unknown = memory.lost.len() as u64 + memory.forgotten;
    if unknown > 0 {
        return Some(format!(
            "of {unknown} commands it could not be found out what became of them, so points were not added up: {UNPROVED}"
        ));
    }
    let used_before = memory.used_before.total;
    (used_before > 0).then(|| {
        format!(
            "the answers say that {used_before} request ids had been used before this run, so points were not added up: {UNPROVED}"
        )
    })
}

/// Whoever sends the same id again is told; that is the contract.
fn lost_answers(settings: &Settings, memory: &Memory, lost: u64) -> Check {
    let again = again::Again::new(settings);
    let mut check = Check::new("lost answers", lost);
    for one in &memory.lost {
        check.one(Some(format!(
            "the answer to {} {} was lost, and sent again it is still not told what became of it",
            one.asked.operation().word(),
            again.id(one.request)
        )));
    }
    let told = lost - memory.forgotten - memory.lost.len() as u64;
    (0..told).for_each(|_| check.one(None));
    check
}

fn stock(sale: &SaleReport) -> Check {
    let skus = sale.skus.len() as u64;
    let mut check = Check::new("stock", skus);
    sale.skus.iter().for_each(|_| check.one(None));
    sale.wrong
        .iter()
        .for_each(|wrong| check.also(wrong.clone()));
    check
}
