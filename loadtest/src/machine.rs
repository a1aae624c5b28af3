//! The machine that the generator runs on, and how much of its memory it takes.

use std::fs;
use std::thread;

use schemars::JsonSchema;
use serde::Serialize;

/// Where a run took place, so that two runs are not compared that cannot be. What the system does not tell is left out.
#[derive(Clone, Debug, JsonSchema, PartialEq, Eq, Serialize)]
pub struct MachineReport {
    /// Processors that the generator may use.
    pub processors: Option<u64>,
    /// What kind they are.
    pub processor: Option<String>,
    /// Memory of the machine, KiB.
    pub memory_kib: Option<u64>,
    /// Operating system and architecture.
    pub system: String,
    /// Version of its kernel.
    pub kernel: Option<String>,
}

impl MachineReport {
    /// The machine that this is called on.
    #[must_use]
    pub fn here() -> Self {
        let read = |path| fs::read_to_string(path).ok();
        Self {
            processors: thread::available_parallelism()
                .ok()
                .map(|count| count.get() as u64),
            processor: read("/proc/cpuinfo").and_then(|text| field(&text, "model name")),
            memory_kib: read("/proc/meminfo").and_then(|text| kib(&text, "MemTotal")),
            system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
            kernel: read("/proc/sys/kernel/osrelease").map(|text| text.trim().to_owned()),
        }
    }
}

/// Memory of this process that is in use now, KiB, where the system tells.
pub(crate) fn resident_kib() -> Option<u64> {
    kib(&fs::read_to_string("/proc/self/status").ok()?, "VmRSS")
}

/// The value of the first line `name: value`.
fn field(text: &str, name: &str) -> Option<String> {
    let lines = text.lines().filter_map(|line| line.split_once(':'));
    let mut values = lines.filter(|(key, _)| key.trim() == name);
    values.next().map(|(_, value)| value.trim().to_owned())
}

fn kib(text: &str, name: &str) -> Option<u64> {
    field(text, name)?.strip_suffix(" kB")?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_found_by_name() {
        let text = "Name:\tx\nVmPeak:\t  900 kB\nVmRSS:\t  123 kB\nmodel name\t: Fast: 2 GHz\n";
        assert_eq!(kib(text, "VmRSS"), Some(123));
        assert_eq!(kib(text, "Name"), None);
        assert_eq!(field(text, "model name").as_deref(), Some("Fast: 2 GHz"));
        assert_eq!(field(text, "VmSwap"), None);
    }
}
