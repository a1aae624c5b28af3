//! Points conserved: for every watched member, what there was and what was told since make what there is.

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;
use tokio::time::{Instant, sleep};

use super::asking::{AskError, Asker, for_each};
use super::report::Check;
use super::sums::{Change, Sums, Watched};
use crate::names::Member;
use crate::progress::AuditProgress;
use crate::settings::Settings;

/// What arrives at a member by a transfer may be on its way for a moment.
const PATIENCE: Duration = Duration::from_secs(5);
const PAUSE: Duration = Duration::from_millis(50);
/// Holds end by themselves after 900 seconds. In a longer run some of what was held may be available again.
const HOLDS_LAST: Duration = Duration::from_secs(800);

/// What a member has, in points of the default type.
#[derive(Clone, Copy, Debug, Default, Deserialize, PartialEq, Eq)]
pub(crate) struct Balance {
    pub(crate) available: i64,
    pub(crate) held: i64,
    #[serde(default)]
    pub(crate) pending: i64,
    #[serde(default)]
    pub(crate) owed: i64,
}

impl Balance {
    const fn total(self) -> i64 {
        self.available + self.held + self.pending - self.owed
    }

    const fn after(self, change: Change) -> Self {
        Self {
            available: self.available + change.available,
            held: self.held + change.held,
            ..self
        }
    }

    /// Whether a member that had this has what it should after the answers since. In a run that may be longer than holds last, of
    /// any hold; else what an earlier run held may have come back meanwhile, and no more than that.
    fn agrees(self, change: Change, now: Self, is_short: bool) -> bool {
        let expected = self.after(change);
        let came_back = expected.held - now.held;
        let may_have = (1..=self.held).contains(&came_back)
            && now.pending == expected.pending
            && now.owed <= expected.owed;
        now == expected || ((may_have || !is_short) && now.total() == expected.total())
    }
}

#[derive(Deserialize)]
struct Balances {
    balances: Vec<Typed>,
}

#[derive(Deserialize)]
struct Typed {
    point_type: String,
    #[serde(flatten)]
    balance: Balance,
}

/// What every watched member had before the run, in the order in which they are watched.
#[derive(Debug)]
pub(crate) struct Before {
    watched: Watched,
    balances: Vec<Balance>,
}

impl Before {
    pub(crate) async fn read(settings: &Settings) -> Result<Self, AskError> {
        let watched = Watched::of(settings.members);
        let members: Vec<Member> = watched.all().collect();
        let progress = AuditProgress::start("balances", members.len() as u64);
        let balances = for_each(settings, &progress, members, read).await?;
        progress.finish();
        Ok(Self { watched, balances })
    }

    pub(crate) fn of(&self, member: Member) -> Balance {
        let place = self.watched.place(member);
        place.map_or_else(Balance::default, |place| self.balances[place])
    }
}

pub(crate) async fn read(asker: &mut Asker, member: &Member) -> Result<Balance, AskError> {
    let path = format!("/v1/members/{}", member.name());
    let Balances { balances } = asker.get(&path).await?;
    let default = balances
        .into_iter()
        .find(|typed| typed.point_type == "points");
    Ok(default.map_or_else(Balance::default, |typed| typed.balance))
}

/// Compares, and tells what every touched member has now.
pub(crate) async fn compare(
    settings: &Settings,
    before: &Before,
    sums: &Sums,
) -> Result<(Check, HashMap<Member, Balance>), AskError> {
    let touched: Vec<(Member, Change)> = sums.touched().collect();
    let watched = touched.len() as u64;
    let of = if sums.watched().is_all() {
        watched
    } else {
        settings.members
    };
    let progress = AuditProgress::start("balances", watched);
    let members: Vec<Member> = touched.iter().map(|(member, _)| *member).collect();
    let now = for_each(settings, &progress, members, read).await?;
    progress.finish();
    let is_short = settings.length() + settings.drain < HOLDS_LAST;
    let mut check = Check::new("balances", of);
    let mut balances = HashMap::with_capacity(touched.len());
    let mut asker = Asker::new(settings)?;
    let deadline = Instant::now() + PATIENCE;
    for ((member, change), mut now) in touched.into_iter().zip(now) {
        let had = before.of(member);
        let agree = |now: Balance| had.agrees(change, now, is_short);
        while !agree(now) && Instant::now() < deadline {
            sleep(PAUSE).await;
            now = read(&mut asker, &member).await?;
        }
        balances.insert(member, now);
        check.one((!agree(now)).then(|| sentence(member, had, change, now)));
    }
    Ok((check, balances))
}

fn sentence(member: Member, had: Balance, change: Change, now: Balance) -> String {
    let expected = had.after(change);
    format!(
        "member {} had {} available and {} held, the {} answers since make that {} and {}, but the server says {} and {}{}",
        member.name(),
        had.available,
        had.held,
        change.items,
        expected.available,
        expected.held,
        now.available,
        now.held,
        match (now.pending - had.pending, now.owed - had.owed) {
            (0, 0) => String::new(),
            (pending, owed) => format!(", and {pending} more pending and {owed} more owed"),
        }
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn balance(available: i64, held: i64) -> Balance {
        Balance {
            available,
            held,
            pending: 0,
            owed: 0,
        }
    }

    #[test]
    fn holds_of_an_earlier_run_may_end_during_this_one_and_nothing_else_may_change() {
        // Had 100 and 30 held; held 7 more, earned 17.
        let (had, change) = (
            balance(100, 30),
            Change {
                available: 10,
                held: 7,
                items: 2,
            },
        );
        let cases = [
            // now, in a short run, in a long one
            (balance(110, 37), true, true),
            (balance(115, 32), true, true),
            (balance(140, 7), true, true),
            // More came back than was held before, or more is held than was told.
            (balance(141, 6), false, true),
            (balance(109, 38), false, true),
            (balance(111, 37), false, false),
            (balance(110, 36), false, false),
            (balance(0, 0), false, false),
        ];
        for (now, short, long) in cases {
            assert_eq!(had.agrees(change, now, true), short, "{now:?}");
            assert_eq!(had.agrees(change, now, false), long, "{now:?}");
        }
        let nothing_held = balance(130, 0);
        assert!(!nothing_held.agrees(change, balance(141, 6), true));
        // More points and as many owed are not the same.
        for (available, held) in [(111, 37), (116, 32)] {
            let owes = Balance {
                owed: 1,
                ..balance(available, held)
            };
            assert!(!had.agrees(change, owes, true), "{owes:?}");
        }
    }
}
