//! What is left of a device after a power failure: one of the many ways in which it can be.

use std::{
    collections::BTreeMap, ffi::OsStr, fs, io, ops::AddAssign, os::unix::ffi::OsStrExt, path::Path,
};

use rand::{Rng, seq::IndexedRandom};
use rand_chacha::ChaCha8Rng;

use super::{
    contents::Contents,
    disk::{Change, Disk, File, Names, NodeId, ROOT},
};

/// What a device writes whole or not at all, in bytes.
const SECTOR: u64 = 512;

/// How much of what was not synced survives in an image.
#[derive(Clone, Copy, Debug)]
pub(super) struct Survival {
    /// The share of writes that do.
    writes: f64,
    /// The share of the others that leave some of their sectors.
    torn: f64,
    names: NameSurvival,
}

#[derive(Clone, Copy, Debug)]
enum NameSurvival {
    None,
    /// So many of them, the oldest: names change in order.
    First(f64),
    /// So many of them, any.
    Any(f64),
}

impl Survival {
    /// All of it: what the process sees.
    pub(super) const ALL: Self = Self {
        writes: 1.0,
        torn: 0.0,
        names: NameSurvival::Any(1.0),
    };

    /// One way in which a power failure can be: from losing all to losing nothing.
    pub(super) fn any(rng: &mut ChaCha8Rng) -> Self {
        let shares = [0.0, 0.0, 0.2, 0.5, 0.9, 1.0];
        let share = |rng: &mut ChaCha8Rng| *shares.choose(rng).expect("there are some");
        let names = match rng.random_range(0..3) {
            0 => NameSurvival::None,
            1 => NameSurvival::First(rng.random()),
            _ => NameSurvival::Any(share(rng)),
        };
        Self {
            writes: share(rng),
            torn: *[0.0, 1.0, 1.0].choose(rng).expect("there are some"),
            names,
        }
    }
}

/// What became of that which was not synced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Losses {
    /// Writes of which all is there.
    pub(super) kept: u64,
    /// Writes of which nothing is there.
    pub(super) lost: u64,
    /// Writes of which some sectors are there.
    pub(super) torn: u64,
    /// Changes of names that are not there.
    pub(super) names_lost: u64,
}

impl AddAssign for Losses {
    fn add_assign(&mut self, more: Self) {
        self.kept += more.kept;
        self.lost += more.lost;
        self.torn += more.torn;
        self.names_lost += more.names_lost;
    }
}

/// Makes a directory with what is left of a device, as chance has it.
pub(super) fn make(
    disk: &Disk<'_>,
    survival: Survival,
    rng: &mut ChaCha8Rng,
    directory: &Path,
) -> io::Result<Losses> {
    let mut losses = Losses::default();
    let all = disk.waiting_names();
    let first = match survival.names {
        NameSurvival::First(share) => (share * (all + 1) as f64) as usize,
        NameSurvival::None | NameSurvival::Any(_) => 0,
    };
    let mut asked = 0;
    let names = disk.names(|| {
        asked += 1;
        let survives = match survival.names {
            NameSurvival::None => false,
            NameSurvival::First(_) => asked <= first,
            NameSurvival::Any(share) => rng.random_bool(share),
        };
        losses.names_lost += u64::from(!survives);
        survives
    });
    let mut maker = Maker {
        disk,
        survival,
        rng,
        names: &names,
        losses,
    };
    maker.directory(ROOT, directory)?;
    Ok(maker.losses)
}

struct Maker<'m, 'a> {
    disk: &'m Disk<'a>,
    survival: Survival,
    rng: &'m mut ChaCha8Rng,
    names: &'m BTreeMap<NodeId, Names>,
    losses: Losses,
}

impl Maker<'_, '_> {
    fn directory(&mut self, node: NodeId, path: &Path) -> io::Result<()> {
        fs::create_dir_all(path)?;
        for (name, node) in &self.names[&node] {
            let path = path.join(OsStr::from_bytes(name));
            match self.disk.file(*node) {
                Some(file) => {
                    let left = self.left_of(file);
                    left.store(&fs::File::create(path)?)?;
                }
                None => self.directory(*node, &path)?,
            }
        }
        Ok(())
    }

    fn left_of(&mut self, file: &File<'_>) -> Contents {
        let mut left = file.contents.clone();
        let resizes = |change: &&Change<'_>| matches!(change, Change::Resize(_));
        let resizes = file.waiting.iter().filter(resizes).count();
        // The length of a file changes in order, or not at all.
        let mut resizes = if self.survival.writes < 1.0 {
            self.rng.random_range(0..=resizes)
        } else {
            resizes
        };
        let mut end = left.length();
        for change in &file.waiting {
            match *change {
                Change::Resize(length) => {
                    if resizes > 0 {
                        resizes -= 1;
                        left.resize(length);
                        end = length;
                    }
                }
                Change::Write { offset, bytes } => {
                    end = end.max(offset + bytes.len() as u64);
                    self.write(&mut left, offset, bytes);
                }
            }
        }
        // The length can be durable before the bytes are.
        if end > left.length() && self.rng.random_bool(0.5) {
            left.resize(end);
        }
        left
    }

    fn write(&mut self, left: &mut Contents, offset: u64, bytes: &[u8]) {
        if self.rng.random_bool(self.survival.writes) {
            self.losses.kept += 1;
            left.write(offset, bytes);
        } else if self.rng.random_bool(self.survival.torn) {
            self.losses.torn += 1;
            self.tear(left, offset, bytes);
        } else {
            self.losses.lost += 1;
        }
    }

    /// Writes some sectors of a write: mostly the first ones, or the last ones, or any.
    fn tear(&mut self, left: &mut Contents, offset: u64, bytes: &[u8]) {
        let sectors = sectors(offset, bytes);
        let how = self.rng.random_range(0..4);
        let cut = self.rng.random_range(0..=sectors.len());
        for (number, (at, sector)) in sectors.into_iter().enumerate() {
            let survives = match how {
                0 | 1 => number < cut,
                2 => number >= cut,
                _ => self.rng.random_bool(0.5),
            };
            if survives {
                left.write(at, sector);
            }
        }
    }
}

/// A write by the sectors of the device that it touches.
fn sectors(offset: u64, bytes: &[u8]) -> Vec<(u64, &[u8])> {
    let mut sectors = Vec::new();
    let (mut at, mut rest) = (offset, bytes);
    while !rest.is_empty() {
        let here = rest.len().min((SECTOR - at % SECTOR) as usize);
        let (sector, behind) = rest.split_at(here);
        sectors.push((at, sector));
        at += here as u64;
        rest = behind;
    }
    sectors
}

#[cfg(test)]
mod tests;
