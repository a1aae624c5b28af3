//! What can be said on the command line of the disk; the same for every command that opens a data directory.

use jifen_engine::Limits;

use super::size;

/// What must stay free on the disk, and how often it is put in order.
#[derive(Clone, Copy, Debug, clap::Args)]
pub struct DiskArgs {
    /// How much of the disk must stay free, such as 2GiB: with less, commands are refused and no checkpoints taken until
    /// there is room again, and reads go on. 0 refuses none.
    #[arg(
        long = "disk-reserve",
        value_name = "SIZE",
        value_parser = reserve,
        default_value = "512MiB"
    )]
    pub reserve_bytes: u64,
    /// How long the journal gets before its end is archived and a checkpoint is taken, such as 1GiB. A start reads the
    /// checkpoint and up to about so much of the journal behind it.
    #[arg(
        long = "checkpoint-every",
        value_name = "SIZE",
        value_parser = interval,
        default_value = "512MiB"
    )]
    pub checkpoint_bytes: u64,
}

impl DiskArgs {
    /// The engine's bounds with this reserve.
    #[must_use]
    pub fn limits(&self) -> Limits {
        Limits {
            disk_reserve_bytes: self.reserve_bytes,
            checkpoint_bytes: self.checkpoint_bytes,
            ..Limits::default()
        }
    }
}

fn reserve(text: &str) -> Result<u64, &'static str> {
    size::bytes(text).ok_or("must be bytes, or a number with KiB, MiB, GiB or TiB, such as 512MiB")
}

/// A checkpoint copies what is in memory, so one for every few entries would do nothing else.
const CHECKPOINT_BYTES_MIN: u64 = 64 << 10;

fn interval(text: &str) -> Result<u64, &'static str> {
    size::bytes(text)
        .filter(|&bytes| bytes >= CHECKPOINT_BYTES_MIN)
        .ok_or("must be a size of at least 64KiB, such as 512MiB")
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Line {
        #[command(flatten)]
        disk: DiskArgs,
    }

    #[test]
    fn the_reserve_is_a_size_and_the_engines_own_if_nothing_is_said() {
        let said = |arguments: &[&str]| {
            let line = Line::try_parse_from([&["jifen"], arguments].concat());
            let limits = line.map(|line| line.disk.limits());
            limits
                .map(|limits| limits.disk_reserve_bytes)
                .map_err(|error| error.to_string())
        };
        assert_eq!(said(&[]), Ok(Limits::default().disk_reserve_bytes));
        assert_eq!(said(&["--disk-reserve", "2GiB"]), Ok(2 << 30));
        assert_eq!(said(&["--disk-reserve=0"]), Ok(0));
        let error = said(&["--disk-reserve", "half"]).unwrap_err();
        assert!(error.contains("such as 512MiB"), "{error}");
    }
}
