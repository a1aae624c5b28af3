//! Keys: made once, shown once, and kept as digests.

use std::{fmt, io};

/// What every key that is made begins with, so that it is known for what it is wherever it turns up.
const PREFIX: &str = "jk_";
/// How much chance is in a key that is made, in bytes.
const KEY_BYTES: usize = 32;
/// How many hexadecimal digits of a digest's own digest call a key by name.
const ID_DIGITS: usize = 12;

/// A key in the clear. Only whoever made it or sent it has one.
pub struct Key(String);

impl Key {
    /// Makes a key out of 256 bits of chance.
    pub fn make() -> io::Result<Self> {
        let mut chance = [0; KEY_BYTES];
        getrandom::fill(&mut chance).map_err(io::Error::other)?;
        let hex = blake3::Hash::from_bytes(chance).to_hex();
        Ok(Self(format!("{PREFIX}{hex}")))
    }

    /// The key itself, to be shown.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What may be kept of it.
    #[must_use]
    pub fn digest(&self) -> Digest {
        Digest::of(&self.0)
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{PREFIX}…")
    }
}

/// What is kept of a key. It cannot be turned back: a key that was made is 256 bits of chance, so that not even a fast
/// hash can be guessed. A key that somebody chose is weaker, and so its digest must never be written anywhere.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Digest(blake3::Hash);

impl Digest {
    /// What is kept of this key.
    #[must_use]
    pub fn of(key: &str) -> Self {
        Self(blake3::hash(key.as_bytes()))
    }

    /// As it stands in a file.
    #[must_use]
    pub fn to_hex(self) -> String {
        self.0.to_hex().to_string()
    }

    /// From a file.
    #[must_use]
    pub fn from_hex(hex: &str) -> Option<Self> {
        blake3::Hash::from_hex(hex).ok().map(Self)
    }

    /// What the key is called where it must not be told.
    #[must_use]
    pub fn id(self) -> KeyId {
        let named = blake3::derive_key("jifen 2026-11 key id", self.0.as_bytes());
        let hex = blake3::Hash::from_bytes(named).to_hex();
        KeyId(format!("k-{}", &hex[..ID_DIGITS]))
    }

    /// A digest of it that nobody outside this process can compute.
    pub(super) fn tagged(self, secret: &[u8; 32]) -> blake3::Hash {
        blake3::keyed_hash(secret, self.0.as_bytes())
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({})", self.id())
    }
}

/// What a key is called, such as `k-1b5c0a9f3e77`. Everybody may know it; it opens nothing.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct KeyId(String);

impl KeyId {
    /// Takes a text that looks like one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let digits = text.strip_prefix("k-")?;
        let hex = |byte: u8| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte);
        (digits.len() == ID_DIGITS && digits.bytes().all(hex)).then(|| Self(text.to_owned()))
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_long_and_never_the_same() {
        let (one, other) = (Key::make().unwrap(), Key::make().unwrap());
        assert_eq!(one.as_str().len(), PREFIX.len() + 2 * KEY_BYTES);
        assert_ne!(one.as_str(), other.as_str());
        assert_ne!(one.digest().id(), other.digest().id());
    }

    #[test]
    fn nothing_but_the_key_tells_the_key() {
        let key = Key::make().unwrap();
        let secret = &key.as_str()[PREFIX.len()..];
        let digest = key.digest();
        let told = format!("{key:?} {digest:?} {} {}", digest.id(), digest.to_hex());
        for part in secret.as_bytes().chunks_exact(16) {
            assert!(!told.contains(str::from_utf8(part).unwrap()), "{told}");
        }
        // Who knows what a key is called does not know what is kept of it.
        assert!(!digest.to_hex().contains(&digest.id().to_string()[2..]));
    }

    #[test]
    fn names_and_digests_are_read_as_they_are_written() {
        let digest = Digest::of("a key");
        assert_eq!(Digest::from_hex(&digest.to_hex()), Some(digest));
        assert_eq!(KeyId::parse(&digest.id().to_string()), Some(digest.id()));
        for text in ["", "k-", "k-123", "k-1b5c0a9f3e7g", "x-1b5c0a9f3e77"] {
            assert_eq!(KeyId::parse(text), None, "{text}");
        }
    }
}
