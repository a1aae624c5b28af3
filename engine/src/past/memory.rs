//! A shelf in memory that survives its process and can be damaged on demand: the twin of the one on disk.

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
};

use super::{Place, Shelf};

/// What a process leaves behind of its old records. Clones are the same shelf.
#[derive(Clone, Debug, Default)]
pub struct MemoryShelf(Arc<Mutex<BTreeMap<Place, Vec<u8>>>>);

impl MemoryShelf {
    /// Keeps only the first `length` bytes in a place: it was written, and the power failed before it was on the device.
    pub fn tear(&self, place: Place, length: usize) {
        self.with(|chunks| {
            if let Some(framed) = chunks.get_mut(&place) {
                framed.truncate(length);
            }
        });
    }

    /// Flips one bit in a place: `at` counts bits and wraps.
    pub fn flip_bit(&self, place: Place, at: usize) {
        self.with(|chunks| {
            if let Some(framed) = chunks.get_mut(&place)
                && !framed.is_empty()
            {
                let at = at % (framed.len() * 8);
                framed[at / 8] ^= 1 << (at % 8);
            }
        });
    }

    /// Copies what lies in one place to another one.
    pub fn misplace(&self, from: Place, to: Place) {
        self.with(|chunks| {
            if let Some(framed) = chunks.get(&from).cloned() {
                chunks.insert(to, framed);
            }
        });
    }

    fn with<T>(&self, work: impl FnOnce(&mut BTreeMap<Place, Vec<u8>>) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Shelf for MemoryShelf {
    fn put(&self, place: Place, pieces: [&[u8]; 2]) -> io::Result<()> {
        self.with(|chunks| chunks.insert(place, pieces.concat()));
        Ok(())
    }

    fn sync(&self, _place: Place) -> io::Result<()> {
        Ok(())
    }

    fn get(&self, place: Place) -> io::Result<Option<Vec<u8>>> {
        Ok(self.with(|chunks| chunks.get(&place).cloned()))
    }

    fn clear(&self, place: Place) -> io::Result<()> {
        self.with(|chunks| chunks.remove(&place));
        Ok(())
    }

    fn places(&self) -> io::Result<Vec<Place>> {
        Ok(self.with(|chunks| chunks.keys().copied().collect()))
    }
}
