//! Merchants' transactions agree with the sums told.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::asking::{AskError, Asker, for_each};
use super::report::Check;
use super::sums::{Movements, Sums};
use crate::names::{MERCHANTS, Merchant};
use crate::progress::AuditProgress;
use crate::settings::Settings;
use crate::workload::Operation;

/// What passes between a member and a merchant.
const OPERATIONS: [Operation; 3] = [Operation::Earn, Operation::Capture, Operation::Redeem];
/// Movements that are read, of all merchants together; but at least of one merchant, if it has no more than ten times that.
const MOVEMENTS_MAX: u64 = 100_000;
const PAGE: usize = 500;
/// The list is a view that follows the books.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(500);

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Item>,
    next_cursor: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Item {
    #[serde(rename = "type")]
    kind: String,
    points: i64,
}

/// A merchant, and what its list should come to since the run began.
#[derive(Debug)]
struct Told {
    merchant: Merchant,
    since: String,
    sums: [Movements; OPERATIONS.len()],
}

/// Compares the lists of some merchants since the first answer of the run.
pub(crate) async fn compare(
    settings: &Settings,
    sums: &Sums,
    since: &str,
) -> Result<Check, AskError> {
    let told = (0..MERCHANTS).map(|number| Told {
        merchant: Merchant(number),
        since: since.to_owned(),
        sums: OPERATIONS.map(|operation| sums.of_merchant(Merchant(number), operation)),
    });
    let mut told: Vec<Told> = told.filter(|told| told.count() > 0).collect();
    let mut check = Check::new("merchants", told.len() as u64);
    told.sort_by_key(Told::count);
    let mut room = MOVEMENTS_MAX;
    let mut sample = Vec::new();
    for one in told {
        let count = one.count();
        if count <= room || (sample.is_empty() && count <= 10 * MOVEMENTS_MAX) {
            room = room.saturating_sub(count);
            sample.push(one);
        }
    }
    let progress = AuditProgress::start("merchants", sample.len() as u64);
    for wrong in for_each(settings, &progress, sample, judge_when_ready).await? {
        check.one(wrong);
    }
    progress.finish();
    Ok(check)
}

impl Told {
    fn count(&self) -> u64 {
        self.sums.iter().map(|sum| sum.count).sum()
    }
}

async fn judge_when_ready(asker: &mut Asker, told: &Told) -> Result<Option<String>, AskError> {
    let deadline = Instant::now() + PATIENCE;
    let mut before = None;
    loop {
        let listed = read(asker, told).await?;
        let wrong = judge(told, &listed);
        // Statements have been compared already, so the views are up to date unless this one is still growing.
        if wrong.is_none() || before == Some(listed) || Instant::now() > deadline {
            return Ok(wrong);
        }
        before = Some(listed);
        sleep(PAUSE).await;
    }
}

async fn read(asker: &mut Asker, told: &Told) -> Result<[Movements; OPERATIONS.len()], AskError> {
    let name = told.merchant.name();
    let base = format!(
        "/v1/merchants/{name}/transactions?limit={PAGE}&from={}",
        told.since
    );
    let mut listed = [Movements::default(); OPERATIONS.len()];
    let mut path = base.clone();
    loop {
        let page: Page = asker.get(&path).await?;
        for item in page.items {
            let kind = OPERATIONS
                .iter()
                .position(|operation| operation.word() == item.kind);
            if let Some(sum) = kind.and_then(|kind| listed.get_mut(kind)) {
                sum.count += 1;
                sum.points += item.points.unsigned_abs();
            }
        }
        match page.next_cursor {
            Some(cursor) => path = format!("{base}&cursor={cursor}"),
            None => return Ok(listed),
        }
    }
}

fn judge(told: &Told, listed: &[Movements; OPERATIONS.len()]) -> Option<String> {
    let sums = OPERATIONS.iter().zip(told.sums.iter().zip(listed));
    let mut wrong = sums.filter(|(_, (told, listed))| told != listed);
    wrong.next().map(|(operation, (sum, listed))| {
        format!(
            "{} {}s of {} points were accepted at merchant {}, its transactions have {} of {} points",
            sum.count,
            operation.word(),
            sum.points,
            told.merchant.name(),
            listed.count,
            listed.points
        )
    })
}
