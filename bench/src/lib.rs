//! Benches that show where the time goes. `ladder` climbs from the bare ledger to the durable engine; `workload` is what
//! every rung does, `rungs` does it in process, and `http` over sockets.

pub mod endurance;
pub mod guards;
pub mod http;
pub mod ladder;
pub mod rungs;
pub mod workload;
