//! A slow device: every sync takes longer than it would.

use std::{env, sync::OnceLock, thread, time::Duration};

/// Says by how much, in microseconds.
const SLOW: &str = "JIFEN_SLOW_SYNC_MICROS";

/// Waits as long as the device is to be slower.
pub(crate) fn wait() {
    static SLOWER: OnceLock<Option<Duration>> = OnceLock::new();
    let slower = SLOWER.get_or_init(|| {
        let micros = env::var(SLOW).ok()?.parse().ok()?;
        Some(Duration::from_micros(micros))
    });
    if let Some(slower) = *slower {
        thread::sleep(slower);
    }
}
