//! The bytes of a file, of which most may be holes.

use std::{collections::BTreeMap, fs::File, io, os::unix::fs::FileExt, rc::Rc};

const PAGE: usize = 4_096;

/// The bytes of a file. Copies share what they have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Contents {
    /// By number; what is missing is all zeros.
    pages: BTreeMap<u64, Rc<[u8; PAGE]>>,
    length: u64,
}

impl Contents {
    /// How long the file is, in bytes.
    pub(super) const fn length(&self) -> u64 {
        self.length
    }

    /// Writes bytes, and makes the file longer if they end behind its end.
    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        let (mut at, mut rest) = (offset, bytes);
        while !rest.is_empty() {
            let (page, within) = (at / PAGE as u64, (at % PAGE as u64) as usize);
            let (here, behind) = rest.split_at(rest.len().min(PAGE - within));
            let page = Rc::make_mut(self.pages.entry(page).or_insert_with(|| Rc::new([0; PAGE])));
            page[within..within + here.len()].copy_from_slice(here);
            at += here.len() as u64;
            rest = behind;
        }
        self.length = self.length.max(at);
    }

    /// Cuts the file, or makes it longer with zeros.
    pub(super) fn resize(&mut self, length: u64) {
        if length < self.length {
            let (last, within) = (length / PAGE as u64, (length % PAGE as u64) as usize);
            self.pages.retain(|number, _| *number <= last);
            if let Some(page) = self.pages.get_mut(&last) {
                Rc::make_mut(page)[within..].fill(0);
            }
        }
        self.length = length;
    }

    /// Stores the bytes in an empty file.
    pub(super) fn store(&self, file: &File) -> io::Result<()> {
        for (number, page) in &self.pages {
            file.write_all_at(&page[..], number * PAGE as u64)?;
        }
        file.set_len(self.length)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn stored(contents: &Contents) -> Vec<u8> {
        let path = tempfile::NamedTempFile::new().unwrap();
        contents.store(path.as_file()).unwrap();
        let mut bytes = Vec::new();
        File::open(path.path())
            .unwrap()
            .read_to_end(&mut bytes)
            .unwrap();
        bytes
    }

    #[test]
    fn contents_are_stored_as_written_and_what_was_cut_is_gone() {
        let mut contents = Contents::default();
        contents.write(4_000, &[7; 5_000]);
        let mut expected = vec![0; 4_000];
        expected.resize(9_000, 7);
        assert_eq!(stored(&contents), expected);
        contents.resize(4_100);
        contents.resize(4_200);
        expected.truncate(4_100);
        expected.resize(4_200, 0);
        assert_eq!(stored(&contents), expected);
        contents.write(10_000, b"x");
        expected.resize(10_000, 0);
        expected.push(b'x');
        assert_eq!(stored(&contents), expected);
    }
}
