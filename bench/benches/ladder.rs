//! The bench ladder: each rung adds one part of the path and stands beside the one before.

use criterion::{criterion_group, criterion_main};

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

criterion_group!(ladder, jifen_bench::ladder::benchmarks);
criterion_main!(ladder);
