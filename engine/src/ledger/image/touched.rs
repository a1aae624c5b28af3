//! Which slots of a table an image has to hold, and how they were when it began.

use std::collections::BTreeMap;

/// Keeps track of one table.
#[derive(Default)]
pub(in crate::ledger) struct Touched {
    /// A bit per slot that changed since the last image began.
    changed: Bits,
    copying: Option<Copying>,
}

/// An image under way.
struct Copying {
    /// Which slots are to be copied; all if there is no such restriction.
    wanted: Option<Bits>,
    /// The next slot to be looked at.
    next: u32,
    /// How many slots there were when the image began.
    until: u32,
    /// Slots that changed before they were copied, as they were.
    saved: BTreeMap<u32, Box<[u8]>>,
}

impl Touched {
    /// A slot is about to change; `was` gives its record as it still is.
    pub(in crate::ledger) fn touch(&mut self, slot: u32, was: impl FnOnce() -> Box<[u8]>) {
        self.changed.set(slot);
        if let Some(copying) = &mut self.copying
            && copying.awaits(slot)
        {
            copying.saved.entry(slot).or_insert_with(was);
        }
    }

    /// A slot is there that was not.
    pub(in crate::ledger) fn add(&mut self, slot: u32) {
        self.changed.set(slot);
    }

    /// Begins an image of a table of so many slots: of all of them, or of those that changed since the last one began.
    pub(super) fn begin(&mut self, whole: bool, slots: usize) {
        let changed = std::mem::take(&mut self.changed);
        self.copying = Some(Copying {
            wanted: (!whole).then_some(changed),
            next: 0,
            until: u32::try_from(slots).expect("fewer than 2^32 slots"),
            saved: BTreeMap::new(),
        });
    }

    /// The next slot to be copied, with its record if the slot has changed meanwhile. `None` ends the image.
    pub(super) fn next(&mut self) -> Option<(u32, Option<Box<[u8]>>)> {
        let copying = self.copying.as_mut()?;
        let Some(slot) = copying.advance() else {
            self.copying = None;
            return None;
        };
        Some((slot, copying.saved.remove(&slot)))
    }
}

impl Copying {
    fn awaits(&self, slot: u32) -> bool {
        (self.next..self.until).contains(&slot)
            && self.wanted.as_ref().is_none_or(|wanted| wanted.get(slot))
    }

    fn advance(&mut self) -> Option<u32> {
        let slot = match &self.wanted {
            None => self.next,
            Some(wanted) => wanted.first_from(self.next)?,
        };
        self.next = slot + 1;
        (slot < self.until).then_some(slot)
    }
}

#[derive(Default)]
struct Bits(Vec<u64>);

impl Bits {
    fn set(&mut self, at: u32) {
        let word = at as usize / 64;
        if self.0.len() <= word {
            self.0.resize(word + 1, 0);
        }
        self.0[word] |= 1 << (at % 64);
    }

    fn get(&self, at: u32) -> bool {
        let word = self.0.get(at as usize / 64).copied().unwrap_or(0);
        word >> (at % 64) & 1 == 1
    }

    fn first_from(&self, at: u32) -> Option<u32> {
        let first = at as usize / 64;
        let words = self.0.get(first..)?.iter().enumerate();
        let found = words
            .map(|(behind, &word)| {
                let below = if behind == 0 { at % 64 } else { 0 };
                (behind, word >> below << below)
            })
            .find(|&(_, word)| word != 0);
        let (behind, word) = found?;
        u32::try_from((first + behind) * 64)
            .ok()
            .map(|start| start + word.trailing_zeros())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rest(touched: &mut Touched) -> Vec<(u32, Option<Box<[u8]>>)> {
        std::iter::from_fn(|| touched.next()).collect()
    }

    fn as_it_was(text: &str) -> impl FnOnce() -> Box<[u8]> {
        let bytes = text.as_bytes().into();
        move || bytes
    }

    #[test]
    fn a_whole_image_has_every_slot_as_it_was_at_the_beginning() {
        let mut touched = Touched::default();
        touched.begin(true, 4);
        assert_eq!(touched.next(), Some((0, None)));
        touched.touch(0, || panic!("copied already"));
        touched.touch(2, as_it_was("before"));
        touched.touch(2, || panic!("saved already"));
        touched.touch(4, || panic!("was not there at the beginning"));
        let saved = Some(Box::from(&b"before"[..]));
        assert_eq!(rest(&mut touched), [(1, None), (2, saved), (3, None)]);
        touched.touch(1, || panic!("no image is under way"));
    }

    #[test]
    fn an_increment_has_what_changed_since_the_last_image_began() {
        let mut touched = Touched::default();
        for slot in [3, 64, 129] {
            touched.add(slot);
        }
        touched.begin(false, 130);
        touched.touch(5, || panic!("not wanted"));
        touched.touch(129, as_it_was("x"));
        let saved = Some(Box::from(&b"x"[..]));
        assert_eq!(rest(&mut touched), [(3, None), (64, None), (129, saved)]);
        touched.begin(false, 200);
        assert_eq!(rest(&mut touched), [(5, None), (129, None)]);
        touched.begin(false, 200);
        assert_eq!(rest(&mut touched), []);
    }
}
