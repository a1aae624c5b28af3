//! Statements foot: the items of the run sum to what was told, each follows from the one before, the last is what there is.

use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep};
use xxhash_rust::xxh3::xxh3_64;

use super::asking::{AskError, Asker, for_each};
use super::balances::Balance;
use super::report::Check;
use super::sums::Change;
use crate::names::Member;
use crate::progress::AuditProgress;
use crate::settings::Settings;

/// Members whose statements are read.
const MEMBERS_MAX: usize = 500;
/// A statement longer than this is not read: of a hot member it would be most of the run.
const ITEMS_MAX: u64 = 20_000;
/// Items in a page.
const PAGE: usize = 500;
/// A statement is a view that follows the books. It is judged when it agrees, or when it has had so much time.
const PATIENCE: Duration = Duration::from_secs(60);
const PAUSE: Duration = Duration::from_millis(200);
/// How often a statement that is up to date is looked at before it is said to be wrong.
const LOOKS: u32 = 5;

/// A member of whom everything is known that the statement should say.
#[derive(Clone, Debug)]
pub(crate) struct Known {
    pub(crate) member: Member,
    pub(crate) before: Balance,
    pub(crate) change: Change,
    pub(crate) now: Balance,
    /// The time of the last answer of the run.
    pub(crate) last: String,
}

#[derive(Debug, Deserialize)]
struct Page {
    items: Vec<Item>,
    next_cursor: Option<String>,
    as_of: Option<String>,
}

/// An item: the change of what is available, and what there is then.
#[derive(Debug, Deserialize)]
struct Item {
    #[serde(rename = "type")]
    kind: String,
    points: i64,
    available_after: i64,
    held_after: i64,
}

/// Reads the statements of some of these members, always the same ones of the same members.
pub(crate) async fn compare(
    settings: &Settings,
    mut members: Vec<Known>,
) -> Result<Check, AskError> {
    let mut check = Check::new("statements", members.len() as u64);
    members.retain(|known| known.change.items <= ITEMS_MAX);
    members.sort_by_cached_key(|known| xxh3_64(&known.member.0.to_le_bytes()));
    members.truncate(MEMBERS_MAX);
    let progress = AuditProgress::start("statements", members.len() as u64);
    for wrong in for_each(settings, &progress, members, judge_when_ready).await? {
        check.one(wrong);
    }
    progress.finish();
    Ok(check)
}

async fn judge_when_ready(asker: &mut Asker, known: &Known) -> Result<Option<String>, AskError> {
    let deadline = Instant::now() + PATIENCE;
    let mut looks = 0;
    loop {
        let (items, as_of) = read(asker, known).await?;
        let wrong = judge(known, &items);
        looks += u32::from(as_of.is_some_and(|as_of| as_of >= known.last));
        if wrong.is_none() || looks >= LOOKS || Instant::now() > deadline {
            let name = known.member.name();
            return Ok(
                wrong.map(|wrong| format!("the statement of member {name} does not foot: {wrong}"))
            );
        }
        sleep(PAUSE).await;
    }
}

/// The items of the run and one more, if there is one, newest first; and how far the view is.
async fn read(asker: &mut Asker, known: &Known) -> Result<(Vec<Item>, Option<String>), AskError> {
    let wanted = usize::try_from(known.change.items).unwrap_or(usize::MAX) + 1;
    let base = format!("/v1/members/{}/statement?limit={PAGE}", known.member.name());
    let mut page: Page = asker.get(&base).await?;
    let as_of = page.as_of.take();
    let mut items = page.items;
    while let Some(cursor) = page.next_cursor.take()
        && of_run(&items).count() < wanted
    {
        page = asker.get(&format!("{base}&cursor={cursor}")).await?;
        items.append(&mut page.items);
    }
    Ok((items, as_of))
}

/// A hold that ends by itself is nobody's command.
fn of_run(items: &[Item]) -> impl Iterator<Item = &Item> {
    items.iter().filter(|item| item.kind != "hold_expired")
}

fn judge(known: &Known, items: &[Item]) -> Option<String> {
    let Known {
        before,
        change,
        now,
        ..
    } = known;
    let count = usize::try_from(change.items).ok()?;
    let Some(newest) = items.first() else {
        return Some(format!("it is empty, {count} answers were given"));
    };
    // The balance was read before the statement; a hold that has ended by itself in between is only here.
    let ended = items.iter().take_while(|item| item.kind == "hold_expired");
    let mut last = items.iter().take(ended.count() + 1);
    if !last.any(|item| (item.available_after, item.held_after) == (now.available, now.held)) {
        return Some(format!(
            "after its last item {} are available and {} held, but the member has {} and {}",
            newest.available_after, newest.held_after, now.available, now.held
        ));
    }
    for pair in items.windows(2) {
        let [later, earlier] = pair else { continue };
        if earlier.available_after + later.points != later.available_after {
            return Some(format!(
                "{} were available, a {} changed that by {}, and then {} were",
                earlier.available_after, later.kind, later.points, later.available_after
            ));
        }
    }
    let run: Vec<&Item> = of_run(items).take(count).collect();
    if run.len() < count {
        return Some(format!(
            "it has {} items, {count} answers were given",
            run.len()
        ));
    }
    let points: i64 = run.iter().map(|item| item.points).sum();
    if points != change.available {
        return Some(format!(
            "its last {count} items come to {points}, the answers to {}",
            change.available
        ));
    }
    // The item before the run, if it is older than the members themselves.
    let start = of_run(items).nth(count);
    let (available, held) = start.map_or((0, 0), |item| (item.available_after, item.held_after));
    let is_same = (available, held) == (before.available, before.held);
    (!is_same && items.iter().all(|item| item.kind != "hold_expired")).then(|| {
        format!(
            "before its last {count} items {available} were available and {held} held, but the member had {} and {}",
            before.available, before.held
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn item(kind: &str, points: i64, available_after: i64, held_after: i64) -> Item {
        Item {
            kind: kind.to_owned(),
            points,
            available_after,
            held_after,
        }
    }

    /// Had 100; earned 10, held 5, captured it.
    fn known() -> Known {
        let balance = |available, held| Balance {
            available,
            held,
            ..Balance::default()
        };
        Known {
            member: Member(1),
            before: balance(100, 0),
            change: Change {
                available: 5,
                held: 0,
                items: 3,
            },
            now: balance(105, 0),
            last: String::new(),
        }
    }

    fn good() -> Vec<Item> {
        vec![
            item("capture", 0, 105, 0),
            item("hold", -5, 105, 5),
            item("earn", 10, 110, 0),
            item("earn", 100, 100, 0),
        ]
    }

    #[test]
    fn a_statement_foots_or_it_is_said_where_it_does_not() {
        assert_eq!(judge(&known(), &good()), None);
        type Spoil = fn(&mut Vec<Item>);
        let cases: [(Spoil, &str); 5] = [
            (|items| items[2].points = 9, "a earn changed that by 9"),
            (
                |items| items[0].available_after = 104,
                "but the member has 105 and 0",
            ),
            (
                |items| drop(items.remove(2)),
                "100 were available, a hold changed that by -5",
            ),
            (
                |items| items.truncate(2),
                "it has 2 items, 3 answers were given",
            ),
            (
                |items| items[3].held_after = 1,
                "100 were available and 1 held, but the member had 100 and 0",
            ),
        ];
        for (spoil, expected) in cases {
            let mut items = good();
            spoil(&mut items);
            let wrong = judge(&known(), &items).unwrap_or_default();
            assert!(wrong.contains(expected), "{wrong}, not {expected}");
        }
    }

    #[test]
    fn a_hold_that_has_ended_by_itself_since_the_balance_was_read_is_no_error() {
        let mut known = known();
        (known.before.held, known.now.held) = (4, 4);
        let mut items = vec![
            item("hold_expired", 4, 109, 0),
            item("capture", 0, 105, 4),
            item("hold", -5, 105, 9),
            item("earn", 10, 110, 4),
            item("earn", 100, 100, 4),
        ];
        assert_eq!(judge(&known, &items), None);
        items.insert(0, item("earn", 1, 110, 0));
        assert!(judge(&known, &items).is_some());
    }
}
