//! Benches that show where the time goes. `ladder` climbs from the bare ledger to the durable engine; `workload` is what
//! every rung does, and `rungs` does it.

pub mod ladder;
pub mod rungs;
pub mod workload;
