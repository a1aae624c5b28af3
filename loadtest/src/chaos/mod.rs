//! Chaos: the server as a child that is killed with SIGKILL every so often and started again on the same data and the same
//! port. Connections wait until it is back and send the same request ids again; what was acknowledged must have survived.

mod child;
mod outage;
mod supervisor;

use std::path::PathBuf;
use std::str::FromStr;
use std::{fmt, time::Duration};

use schemars::JsonSchema;
use serde::Serialize;

pub(crate) use outage::Outage;
pub(crate) use supervisor::Supervisor;

use crate::quantity::Span;

/// A server under our own hands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Chaos {
    /// What is done to it.
    pub kind: ChaosKind,
    /// Its binary: a path, or a name that is looked for next to this program and in `PATH`.
    pub server: PathBuf,
    /// Its data directory; if there is none, a new one among the temporary files, which is removed if the books balance.
    pub data: Option<PathBuf>,
}

/// What is done to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChaosKind {
    /// SIGKILL so long after it was last ready, not zero.
    Kill(Duration),
}

impl ChaosKind {
    const fn kill_every(self) -> Duration {
        let Self::Kill(every) = self;
        every
    }
}

/// What is not known to be done to servers.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("'{0}' is no kind of chaos; write it like kill:10s")]
pub struct ChaosKindError(String);

impl FromStr for ChaosKind {
    type Err = ChaosKindError;

    fn from_str(text: &str) -> Result<Self, ChaosKindError> {
        let span = text
            .strip_prefix("kill:")
            .and_then(|span| span.parse::<Span>().ok());
        let every = span.map(Span::get).filter(|every| !every.is_zero());
        every
            .map(Self::Kill)
            .ok_or_else(|| ChaosKindError(text.to_owned()))
    }
}

/// What was done to the server, and how it took it.
#[derive(Clone, Debug, Default, JsonSchema, Serialize)]
pub struct ChaosReport {
    /// Each time it was killed: from the signal until it was ready again. Milliseconds.
    pub ready_after_ms: Vec<u64>,
    /// Commands whose requests were cut off, and sent again under the same ids. Not counted as failed.
    pub interrupted: u64,
    /// Where its data are, if they were kept.
    pub data: Option<String>,
    /// Why it could not be kept running, if so; how often it had been killed before is then not known.
    pub broken_off: Option<String>,
}

impl ChaosReport {
    fn write_restarts(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut sorted = self.ready_after_ms.clone();
        sorted.sort_unstable();
        write!(
            f,
            "chaos     {} times killed and started again",
            sorted.len()
        )?;
        if let [shortest, .., longest] | [shortest @ longest] = sorted[..] {
            let median = sorted[sorted.len() / 2];
            write!(
                f,
                "; ready after {shortest} ms at best, {median} ms in the median, {longest} ms at worst"
            )?;
        }
        writeln!(f)
    }
}

impl fmt::Display for ChaosReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.broken_off {
            Some(cause) => writeln!(f, "chaos     BROKEN OFF: {cause}")?,
            None => self.write_restarts(f)?,
        }
        let interrupted = self.interrupted;
        writeln!(
            f,
            "chaos     {interrupted} commands were cut off by it and sent again under the same ids"
        )?;
        match &self.data {
            Some(data) => writeln!(f, "chaos     the server's data are in {data}"),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn kinds_of_chaos() {
        let kill = |millis| Ok(ChaosKind::Kill(Duration::from_millis(millis)));
        assert_eq!("kill:10s".parse(), kill(10_000));
        assert_eq!("kill:500ms".parse(), kill(500));
        for bad in ["kill", "kill:", "kill:0s", "10s", "freeze:1s"] {
            assert!(bad.parse::<ChaosKind>().is_err(), "{bad}");
        }
    }

    #[test]
    fn restarts_are_summed_up() {
        let report = ChaosReport {
            ready_after_ms: vec![30, 10, 20],
            ..ChaosReport::default()
        };
        let expected = "3 times killed and started again; ready after 10 ms at best, 20 ms in the median, 30 ms at worst";
        assert!(report.to_string().contains(expected), "{report}");
        assert!(
            ChaosReport::default()
                .to_string()
                .contains("0 times killed")
        );
        let broken_off = ChaosReport {
            broken_off: Some("the server ended by itself".to_owned()),
            ..ChaosReport::default()
        };
        let shown = broken_off.to_string();
        assert!(
            shown.contains("BROKEN OFF: the server ended by itself") && !shown.contains("0 times"),
            "{shown}"
        );
    }
}
