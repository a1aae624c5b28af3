//! What one worker counts, and how the counts of several become one.

use std::collections::BTreeMap;
use std::time::Duration;

use compact_str::{CompactString, ToCompactString};

use crate::answer::Outcome;
use crate::latency::{Latencies, Spans};
use crate::takings::Takings;
use crate::timeline::Timeline;
use crate::unserved::Unserved;
use crate::workload::Operation;

/// Counts by code. Bounded: a server that invents codes gets them counted together.
#[derive(Clone, Debug, Default)]
pub(crate) struct Codes(BTreeMap<CompactString, u64>);

impl Codes {
    const DISTINCT_MAX: usize = 100;

    pub(crate) fn add(&mut self, code: &str, times: u64) {
        if let Some(count) = self.0.get_mut(code) {
            *count += times;
        } else if times > 0 {
            let code = if self.0.len() < Self::DISTINCT_MAX {
                code
            } else {
                "other"
            };
            *self.0.entry(code.to_compact_string()).or_default() += times;
        }
    }

    pub(crate) fn total(&self) -> u64 {
        self.0.values().sum()
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64)> {
        self.0.iter().map(|(code, count)| (code.as_str(), *count))
    }

    fn merge(&mut self, other: &Self) {
        for (code, count) in &other.0 {
            self.add(code, *count);
        }
    }
}

/// Commands per operation, in the order of [`Operation::ALL`].
pub(crate) type PerOperation = [u64; Operation::ALL.len()];

/// The commands of one request that were answered.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Answered {
    pub(crate) accepted: PerOperation,
    pub(crate) refused: PerOperation,
}

impl Answered {
    /// How many were accepted or refused.
    pub(crate) fn total(&self) -> u64 {
        self.accepted.iter().chain(&self.refused).sum()
    }
}

/// Answers of one kind: how long they took, and when they came.
#[derive(Clone, Debug)]
pub(crate) struct Answers {
    /// One count for each command.
    pub(crate) latencies: Latencies,
    /// When the first and the last of them came, from the start of the run.
    came: Option<(Duration, Duration)>,
}

impl Answers {
    fn new() -> Self {
        Self {
            latencies: Latencies::new(),
            came: None,
        }
    }

    fn record(
        &mut self,
        corrected: Duration,
        raw: Duration,
        at: Duration,
        commands: &PerOperation,
    ) {
        let count = commands.iter().sum();
        if count == 0 {
            return;
        }
        self.latencies.corrected.record(corrected, count);
        self.latencies.raw.record(raw, count);
        self.come((at, at));
    }

    fn come(&mut self, (first, last): (Duration, Duration)) {
        let (earliest, latest) = self.came.unwrap_or((first, last));
        self.came = Some((earliest.min(first), latest.max(last)));
    }

    /// Answers per second between the first and the last one: a sale that is over in the first second was as fast as it
    /// was, not as fast as the run was long. None if all came at once.
    pub(crate) fn per_second(&self) -> Option<f64> {
        let (first, last) = self.came?;
        let seconds = (last - first).as_secs_f64();
        (seconds > 0.0).then(|| self.latencies.raw.count() as f64 / seconds)
    }

    fn merge(&mut self, other: &Self) {
        self.latencies.merge(&other.latencies);
        if let Some(came) = other.came {
            self.come(came);
        }
    }
}

/// What became of commands.
#[derive(Clone, Debug, Default)]
pub(crate) struct Outcomes {
    pub(crate) accepted: PerOperation,
    pub(crate) refused: Codes,
    pub(crate) overloaded: Codes,
    pub(crate) failed: Codes,
    /// The same of reservations, by SKU and member.
    pub(crate) takings: Takings,
}

impl Outcomes {
    pub(crate) fn add(&mut self, operation: Operation, outcome: Outcome<'_>) {
        match outcome {
            Outcome::Accepted => self.accepted[operation as usize] += 1,
            Outcome::Refused(code) => self.refused.add(code, 1),
            Outcome::Overloaded(code) => self.overloaded.add(code, 1),
            Outcome::Failed(status, code) => {
                self.failed.add(&format!("{} {code}", status.as_u16()), 1);
            }
        }
    }

    fn merge(&mut self, other: &Self) {
        for (count, more) in self.accepted.iter_mut().zip(other.accepted) {
            *count += more;
        }
        self.refused.merge(&other.refused);
        self.overloaded.merge(&other.overloaded);
        self.failed.merge(&other.failed);
        self.takings.merge(&other.takings);
    }
}

/// The times of one request, counted from the start of the run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Times {
    /// When the plan wanted it sent; in a closed loop, when it was sent.
    pub(crate) planned: Duration,
    /// When its connection was free to send it.
    pub(crate) free: Duration,
    pub(crate) sent: Duration,
}

impl Times {
    /// What the generator is to blame for: the time in which the request was due, the connection free, and nothing happened.
    pub(crate) fn send_lag(&self) -> Duration {
        self.sent.saturating_sub(self.planned.max(self.free))
    }
}

/// How much went over the wire.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Throughput {
    pub(crate) requests: u64,
    pub(crate) commands: u64,
    pub(crate) last_sent: Duration,
}

impl Throughput {
    pub(crate) fn add(&mut self, sent: Duration, commands: u64) {
        self.merge(&Self {
            requests: 1,
            commands,
            last_sent: sent,
        });
    }

    fn merge(&mut self, other: &Self) {
        self.requests += other.requests;
        self.commands += other.commands;
        self.last_sent = self.last_sent.max(other.last_sent);
    }
}

/// Everything that was counted in the measured part of a run.
#[derive(Clone, Debug)]
pub(crate) struct Tally {
    /// One count for each request that got an answer; and in an open loop one for each that got none, with the time it had
    /// waited by the end, since leaving out the worst would flatter the rest.
    pub(crate) requests: Latencies,
    /// One count for each answered command, with the latency of its request; in the order of [`Operation::ALL`].
    pub(crate) operations: [Latencies; Operation::ALL.len()],
    /// The same apart for what was accepted and what was refused.
    pub(crate) accepted: Answers,
    pub(crate) refused: Answers,
    /// How long those waited that are in none of these, for the objectives.
    pub(crate) unserved: Unserved,
    pub(crate) send_lag: Spans,
    pub(crate) outcomes: Outcomes,
    /// What became of the commands outside the measured part; only the failures are reported.
    pub(crate) unmeasured: Outcomes,
    pub(crate) requests_sent: u64,
    pub(crate) commands_sent: u64,
    /// Of these requests, those that were sent for the second time.
    pub(crate) requests_resent: u64,
    /// The whole run over time, the warm-up included.
    pub(crate) timeline: Timeline,
    /// What was sent after the warm-up, whenever it was planned: a backlog of the warm-up takes its time from the rest.
    pub(crate) throughput: Throughput,
    /// Planned, but the run was over before a connection was free.
    pub(crate) requests_unsent: u64,
    pub(crate) in_flight_max: u64,
    pub(crate) queued_max: u64,
    pub(crate) effort: Effort,
}

/// What the measured part cost the generator itself, where the system can tell.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Effort {
    /// Share of the time in which the busiest thread ran or wanted to run.
    pub(crate) busy: Option<f64>,
    /// Share of the time in which it ran.
    pub(crate) ran: Option<f64>,
    /// Memory of the process at the beginning and at the end, KiB.
    pub(crate) resident_kib: Option<(u64, u64)>,
}

impl Effort {
    /// The busiest worker decides: one that is out of breath is late whatever the others do.
    fn merge(&mut self, other: &Self) {
        let most = |one: Option<f64>, another: Option<f64>| match (one, another) {
            (Some(one), Some(another)) => Some(one.max(another)),
            (one, another) => one.or(another),
        };
        self.busy = most(self.busy, other.busy);
        self.ran = most(self.ran, other.ran);
        self.resident_kib = self.resident_kib.max(other.resident_kib);
    }
}

impl Tally {
    pub(crate) fn new() -> Self {
        Self {
            requests: Latencies::new(),
            operations: std::array::from_fn(|_| Latencies::new()),
            accepted: Answers::new(),
            refused: Answers::new(),
            unserved: Unserved::default(),
            send_lag: Spans::new(),
            outcomes: Outcomes::default(),
            unmeasured: Outcomes::default(),
            requests_sent: 0,
            commands_sent: 0,
            requests_resent: 0,
            timeline: Timeline::default(),
            throughput: Throughput::default(),
            requests_unsent: 0,
            in_flight_max: 0,
            queued_max: 0,
            effort: Effort::default(),
        }
    }

    /// Counts a request as sent. Called when its fate is known, so that each is counted once.
    pub(crate) fn sent(&mut self, times: &Times, commands: u64) {
        self.requests_sent += 1;
        self.commands_sent += commands;
        self.send_lag.record(times.send_lag(), 1);
    }

    /// Records the latency of a request of which these commands were answered.
    pub(crate) fn answered(&mut self, times: &Times, at: Duration, commands: &Answered) {
        let corrected = at.saturating_sub(times.planned);
        let raw = at.saturating_sub(times.sent);
        let Answered { accepted, refused } = commands;
        let sums = accepted
            .iter()
            .zip(refused)
            .map(|(accepted, refused)| accepted + refused);
        let request = u64::from(sums.clone().any(|count| count > 0));
        self.accepted.record(corrected, raw, at, accepted);
        self.refused.record(corrected, raw, at, refused);
        self.requests.corrected.record(corrected, request);
        self.requests.raw.record(raw, request);
        for (latencies, count) in self.operations.iter_mut().zip(sums) {
            latencies.corrected.record(corrected, count);
            latencies.raw.record(raw, count);
        }
    }

    /// Records how long these commands of a request waited, as far as they were not answered.
    pub(crate) fn in_vain(
        &mut self,
        times: &Times,
        at: Duration,
        mut commands: PerOperation,
        answered: &Answered,
    ) {
        let waited = at.saturating_sub(times.planned);
        let answers = answered.accepted.iter().zip(&answered.refused);
        for (count, (accepted, refused)) in commands.iter_mut().zip(answers) {
            *count = count.saturating_sub(accepted + refused);
        }
        self.unserved.commands(waited, &commands);
        if answered.total() == 0 {
            self.unserved.request(waited);
        }
    }

    /// Adds a request, measured or not, of which so many commands were answered to the course of the run.
    pub(crate) fn took(&mut self, times: &Times, at: Duration, commands: u64) {
        if commands > 0 {
            self.timeline.answered(at, commands);
            self.timeline
                .took(times.planned, at.saturating_sub(times.planned));
        }
    }

    /// A request that was in flight when the run was given up.
    pub(crate) fn unanswered(&mut self, times: &Times, at: Duration, commands: &PerOperation) {
        let count = commands.iter().sum();
        self.sent(times, count);
        self.outcomes.failed.add("unanswered", count);
        let waited = at.saturating_sub(times.planned);
        self.unserved.commands(waited, commands);
        self.requests.corrected.record(waited, 1);
        self.requests.raw.record(at.saturating_sub(times.sent), 1);
    }

    /// A request that was still waiting for a connection when the run was given up.
    pub(crate) fn unsent(&mut self, planned: Duration, at: Duration) {
        self.requests_unsent += 1;
        self.requests
            .corrected
            .record(at.saturating_sub(planned), 1);
    }

    /// How many commands may have been done without anybody hearing it.
    pub(crate) fn unknown(&self) -> u64 {
        let unknown = |outcomes: &Outcomes| {
            let told = outcomes
                .overloaded
                .iter()
                .filter(|(code, _)| *code == "outcome_unknown");
            outcomes.failed.total() + told.map(|(_, count)| count).sum::<u64>()
        };
        unknown(&self.outcomes) + unknown(&self.unmeasured)
    }

    /// What was heard of a sale, measured or not. Nobody else asks for it afterwards.
    pub(crate) fn take_takings(&mut self) -> Takings {
        let mut takings = std::mem::take(&mut self.outcomes.takings);
        takings.merge(&std::mem::take(&mut self.unmeasured.takings));
        takings
    }

    /// Adds what another worker counted. The maxima of two workers need not have been at the same time, so their sum is
    /// an upper bound.
    pub(crate) fn merge(&mut self, other: &Self) {
        self.requests.merge(&other.requests);
        for (one, another) in self.operations.iter_mut().zip(&other.operations) {
            one.merge(another);
        }
        self.accepted.merge(&other.accepted);
        self.refused.merge(&other.refused);
        self.unserved.merge(&other.unserved);
        self.send_lag.merge(&other.send_lag);
        self.outcomes.merge(&other.outcomes);
        self.unmeasured.merge(&other.unmeasured);
        self.requests_sent += other.requests_sent;
        self.commands_sent += other.commands_sent;
        self.requests_resent += other.requests_resent;
        self.timeline.merge(&other.timeline);
        self.throughput.merge(&other.throughput);
        self.requests_unsent += other.requests_unsent;
        self.in_flight_max += other.in_flight_max;
        self.queued_max += other.queued_max;
        self.effort.merge(&other.effort);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(millis: u64) -> Duration {
        Duration::from_millis(millis)
    }

    #[test]
    fn lag_is_only_what_the_generator_is_to_blame_for() {
        let cases = [
            // planned, connection free, sent, lag
            (100, 50, 101, 1),
            (100, 400, 401, 1),
            (100, 100, 100, 0),
            (100, 50, 150, 50),
        ];
        for (planned, free, sent, lag) in cases {
            let times = Times {
                planned: ms(planned),
                free: ms(free),
                sent: ms(sent),
            };
            assert_eq!(times.send_lag(), ms(lag), "{times:?}");
        }
    }

    #[test]
    fn the_wait_in_the_queue_is_latency_but_not_raw_latency() {
        let mut tally = Tally::new();
        let times = Times {
            planned: ms(100),
            free: ms(400),
            sent: ms(400),
        };
        let one_earn = Answered {
            accepted: [1, 0, 0, 0, 0, 0, 0],
            ..Answered::default()
        };
        tally.answered(&times, ms(401), &one_earn);
        assert!(tally.requests.corrected.max() >= ms(301));
        assert!(tally.requests.raw.max() < ms(2));
        assert_eq!(
            tally.operations[Operation::Earn as usize].corrected.count(),
            1
        );
        assert_eq!(
            tally.operations[Operation::Hold as usize].corrected.count(),
            0
        );
    }

    #[test]
    fn accepted_and_refused_have_rates_of_their_own() {
        let mut tally = Tally::new();
        let mut answer = |at, accepted, refused| {
            let times = Times {
                planned: ms(at - 1),
                free: ms(at - 1),
                sent: ms(at - 1),
            };
            let commands = Answered {
                accepted: [0, 0, 0, 0, accepted, 0, 0],
                refused: [0, 0, 0, 0, refused, 0, 0],
            };
            tally.answered(&times, ms(at), &commands);
        };
        answer(100, 3, 0);
        answer(200, 7, 30);
        answer(700, 0, 20);
        let rate = |answers: &Answers| answers.per_second().map(f64::round);
        assert_eq!(
            (rate(&tally.accepted), rate(&tally.refused)),
            (Some(100.0), Some(100.0))
        );
        assert_eq!(
            tally.operations[Operation::Reserve as usize].raw.count(),
            60
        );
        assert_eq!(tally.refused.latencies.raw.count(), 50);
        assert_eq!(Tally::new().refused.per_second(), None);
    }

    #[test]
    fn codes_are_bounded() {
        let mut codes = Codes::default();
        for number in 0..1_000 {
            codes.add(&format!("code_{number}"), 1);
        }
        codes.add("code_7", 5);
        codes.add("never", 0);
        assert_eq!(codes.total(), 1_005);
        let count = |wanted| {
            codes
                .iter()
                .find(|(code, _)| *code == wanted)
                .map(|(_, count)| count)
        };
        assert_eq!(
            (count("code_7"), count("other"), count("never")),
            (Some(6), Some(900), None)
        );
        assert_eq!(codes.iter().count(), Codes::DISTINCT_MAX + 1);
    }
}
