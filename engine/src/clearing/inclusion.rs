//! One hash over everything that a settlement says, and proofs that a statement is in it: the tree of RFC 6962 with SHA-256.
//!
//! A leaf is the SHA-256 of a document's canonical bytes; the leaves are the statements, sorted by merchant, and behind them the
//! summary. Leaves are hashed as `SHA-256(00 ‖ leaf)` and inner nodes as `SHA-256(01 ‖ left ‖ right)`, so that nobody can pass off one
//! as the other.

use std::fmt;

use ct_merkle::{InclusionProof, RootHash, mem_backed_tree::MemoryBackedTree};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::Error};
use sha2::{Digest as _, Sha256};

/// A SHA-256; written as 64 lower-case hex digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Digest(pub [u8; 32]);

impl Digest {
    /// The hash of bytes.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// Reads 64 hex digits.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.as_bytes();
        if digits.len() != 64 {
            return None;
        }
        let mut bytes = [0; 32];
        for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
            let nibble = |digit: u8| char::from(digit).to_digit(16);
            let value = nibble(pair[0])? << 4 | nibble(pair[1])?;
            *byte = u8::try_from(value).ok()?;
        }
        Some(Self(bytes))
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Serialize for Digest {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Digest {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| D::Error::custom("must be 64 hex digits"))
    }
}

/// Hashes a document that comes in pieces.
#[derive(Clone, Default)]
pub struct Hashing(Sha256);

impl Hashing {
    /// Takes the next piece.
    pub fn take(&mut self, piece: &[u8]) {
        self.0.update(piece);
    }

    /// The hash of all pieces together.
    #[must_use]
    pub fn finish(self) -> Digest {
        Digest(self.0.finalize().into())
    }
}

/// The tree over the documents of a settlement.
#[derive(Default)]
pub struct Tree(MemoryBackedTree<Sha256, [u8; 32]>);

impl Tree {
    /// Adds the next document.
    pub fn push(&mut self, document: Digest) {
        self.0.push(document.0);
    }

    /// How many documents there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.0.len()
    }

    /// The hash over all.
    #[must_use]
    pub fn root(&self) -> Digest {
        Digest((*self.0.root().as_bytes()).into())
    }

    /// The proof that a document is in the tree, at `index`; `None` if there are not so many.
    #[must_use]
    pub fn inclusion(&self, index: u64) -> Option<Inclusion> {
        if index >= self.count() {
            return None;
        }
        let proof = self.0.prove_inclusion(usize::try_from(index).ok()?);
        let (path, _) = proof.as_bytes().as_chunks::<32>();
        Some(Inclusion {
            index,
            count: self.count(),
            path: path.iter().copied().map(Digest).collect(),
        })
    }
}

/// Where a document stands in a tree, and the hashes beside its way to the root, the lowest first.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Inclusion {
    /// Its place, from 0.
    pub index: u64,
    /// How many documents there are.
    pub count: u64,
    /// `PATH(index, documents)` of RFC 6962.
    pub path: Vec<Digest>,
}

impl Inclusion {
    /// Whether a document with this hash is at the place in the tree with this root.
    #[must_use]
    pub fn fits(&self, document: Digest, root: Digest) -> bool {
        // The library numbers nodes twice as high as leaves.
        if self.count > u64::from(u32::MAX) {
            return false;
        }
        let path: Vec<u8> = self.path.iter().flat_map(|digest| digest.0).collect();
        let Ok(proof) = InclusionProof::<Sha256>::try_from_bytes(path) else {
            return false;
        };
        let root = RootHash::<Sha256>::new(root.0.into(), self.count);
        root.verify_inclusion(&document.0, self.index, &proof)
            .is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tree(count: u8) -> Tree {
        let mut tree = Tree::default();
        for number in 0..count {
            tree.push(Digest::of(&[number]));
        }
        tree
    }

    #[test]
    fn a_tree_can_be_recomputed_by_hand() {
        let leaf = |number: u8| {
            let mut bytes = vec![0];
            bytes.extend(Digest::of(&[number]).0);
            Digest::of(&bytes)
        };
        let node = |left: Digest, right: Digest| {
            let mut bytes = vec![1];
            bytes.extend(left.0);
            bytes.extend(right.0);
            Digest::of(&bytes)
        };
        assert_eq!(tree(1).root(), leaf(0));
        assert_eq!(tree(2).root(), node(leaf(0), leaf(1)));
        let three = node(node(leaf(0), leaf(1)), leaf(2));
        assert_eq!(tree(3).root(), three);
        let empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
        assert_eq!(Digest::of(b"").to_string(), empty);
        assert_eq!(Digest::parse(empty), Some(Digest::of(b"")));
        assert_eq!(Digest::parse(&empty[1..]), None);
        assert_eq!(Digest::parse(&empty.replace('e', "+")), None);
    }

    #[test]
    fn every_document_is_where_its_proof_says_and_nowhere_else() {
        for count in 1..=20 {
            let tree = tree(count);
            for index in 0..count {
                let proof = tree.inclusion(u64::from(index)).unwrap();
                let document = Digest::of(&[index]);
                assert!(proof.fits(document, tree.root()), "{index} of {count}");
                assert!(!proof.fits(Digest::of(&[index + 1]), tree.root()));
                assert!(!proof.fits(document, Digest::of(b"")));
                let elsewhere = Inclusion {
                    index: u64::from(index) + 1,
                    ..proof.clone()
                };
                assert!(!elsewhere.fits(document, tree.root()), "{index} of {count}");
                let mut longer = proof;
                longer.path.push(document);
                assert!(!longer.fits(document, tree.root()));
            }
            assert_eq!(tree.inclusion(u64::from(count)), None);
        }
    }
}
