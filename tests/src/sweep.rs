//! Runs a random test for many seeds, on all cores, and names the seed that failed.

use std::{
    num::NonZero,
    ops::Range,
    sync::atomic::{AtomicU64, Ordering},
    thread,
};

use crate::coverage::Coverage;

/// One run of a random test; an error says what is wrong.
pub type Run = fn(u64) -> Result<Coverage, String>;

/// Runs all seeds and adds up what they met. `done` hears of every run that ended well.
///
/// # Errors
///
/// With the seed and what went wrong, for one of the runs that failed. A run that panics prints its seed first.
pub fn sweep(seeds: Range<u64>, run: Run, done: &(dyn Fn() + Sync)) -> Result<Coverage, String> {
    let next = AtomicU64::new(seeds.start);
    let worker = || -> Result<Coverage, String> {
        let mut met = Coverage::default();
        loop {
            let seed = next.fetch_add(1, Ordering::Relaxed);
            if seed >= seeds.end {
                return Ok(met);
            }
            let named = Named(seed);
            let result = run(seed);
            drop(named);
            met.add(&result.map_err(|what| format!("seed {seed}: {what}"))?);
            done();
        }
    };
    let threads = thread::available_parallelism().map_or(1, NonZero::get);
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(worker)).collect();
        let mut met = Coverage::default();
        for worker in workers {
            met.add(
                &worker
                    .join()
                    .map_err(|_| "a run panicked; its seed is above".to_owned())??,
            );
        }
        Ok(met)
    })
}

/// Tells the seed of a run that panics.
struct Named(u64);

impl Drop for Named {
    fn drop(&mut self) {
        if thread::panicking() {
            eprintln!("this panic came with seed {}", self.0);
        }
    }
}
