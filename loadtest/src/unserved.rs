//! How long those waited in vain who were turned away or got no answer. They are in no table: most of them are told at once, which
//! would flatter it. Objectives count those that waited for longer than is allowed, which would flatter a run by being left out.

use std::time::Duration;

use crate::latency::Spans;
use crate::tally::PerOperation;
use crate::workload::Operation;

/// Waits from the planned send time; in a closed loop, from the send. Made when there is something to record.
#[derive(Clone, Debug, Default)]
pub(crate) struct Unserved {
    requests: Option<Spans>,
    operations: [Option<Spans>; Operation::ALL.len()],
}

impl Unserved {
    /// A request of which no command was answered.
    pub(crate) fn request(&mut self, waited: Duration) {
        record(&mut self.requests, waited, 1);
    }

    /// Commands that were not answered.
    pub(crate) fn commands(&mut self, waited: Duration, commands: &PerOperation) {
        for (spans, count) in self.operations.iter_mut().zip(commands) {
            record(spans, waited, *count);
        }
    }

    pub(crate) const fn requests(&self) -> Option<&Spans> {
        self.requests.as_ref()
    }

    pub(crate) fn operation(&self, operation: Operation) -> Option<&Spans> {
        self.operations[operation as usize].as_ref()
    }

    pub(crate) fn merge(&mut self, other: &Self) {
        merge(&mut self.requests, other.requests.as_ref());
        for (one, another) in self.operations.iter_mut().zip(&other.operations) {
            merge(one, another.as_ref());
        }
    }
}

fn record(spans: &mut Option<Spans>, waited: Duration, times: u64) {
    if times > 0 {
        spans.get_or_insert_with(Spans::new).record(waited, times);
    }
}

fn merge(spans: &mut Option<Spans>, other: Option<&Spans>) {
    if let Some(other) = other {
        spans.get_or_insert_with(Spans::new).merge(other);
    }
}
