//! In which pieces the system gives memory.

use rustix::thread::disable_transparent_huge_pages;

/// Has memory come in small pages. A huge one is 2 MiB that the system clears in one piece, while a shard waits, even if little
/// of it is needed at once; measured in docs/measured.md.
pub fn use_small_pages() {
    if let Err(error) = disable_transparent_huge_pages(true) {
        tracing::debug!(%error, "the system decides how large pages of memory are");
    }
}
