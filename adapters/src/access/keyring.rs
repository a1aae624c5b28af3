//! The keys that open a running server, and who is behind them. Changed as a whole, while others look.

use std::{
    collections::{BTreeMap, HashMap},
    fmt, io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

use arc_swap::ArcSwap;
use jifen_engine::ledger::Principal;

use super::{
    allowance::Allowance,
    key::{Digest, KeyId},
    key_book::{KeyBook, operator},
    role::Role,
};

/// Who came in, and with which key.
pub struct Identity {
    /// Whose key it is.
    pub principal: Principal,
    /// What the principal may do.
    pub role: Role,
    /// How much it may ask for, with all its keys together; `None` is as much as it likes.
    pub allowance: Option<Arc<Allowance>>,
    /// What the key is called.
    pub key: KeyId,
    tag: blake3::Hash,
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} ({}, {:?})", self.principal, self.key, self.role)
    }
}

/// The keys that open a running server.
///
/// A key is looked for by a digest under a secret that this process made: how long looking takes tells nothing about
/// what is kept. The comparison itself takes the same time whatever is compared. Nothing of a key that somebody chose
/// leaves the process, so there is nothing to try guesses on.
pub struct Keyring {
    secret: [u8; 32],
    /// The key of the environment, which no file takes away.
    given: Option<Digest>,
    known: ArcSwap<Known>,
    /// How often the keys have changed.
    changes: AtomicU64,
}

#[derive(Default)]
struct Known {
    /// By the first bytes of their tags.
    identities: HashMap<u64, Vec<Arc<Identity>>>,
    /// One for each principal that has a key.
    holders: BTreeMap<Principal, Arc<Identity>>,
    allowances: BTreeMap<Principal, Arc<Allowance>>,
}

impl Keyring {
    /// The keys of a book, and beside them the operator's key if it was given otherwise.
    pub fn new(given: Option<&str>, book: &KeyBook) -> io::Result<Self> {
        let mut secret = [0; 32];
        getrandom::fill(&mut secret).map_err(io::Error::other)?;
        let keyring = Self {
            secret,
            given: given.map(Digest::of),
            known: ArcSwap::default(),
            changes: AtomicU64::new(0),
        };
        keyring.replace(book);
        Ok(keyring)
    }

    /// From here on the keys of this book open, and no others but the given one. Who keeps a limit keeps the bucket too.
    pub fn replace(&self, book: &KeyBook) {
        let before = self.known.load();
        let mut known = Known::default();
        for holder in book.holders() {
            let allowance = holder.limit.map(|limit| {
                let kept = before.allowances.get(&holder.principal);
                let kept = kept.filter(|kept| kept.limit() == limit);
                kept.map_or_else(|| Arc::new(Allowance::new(limit)), Arc::clone)
            });
            for key in &holder.keys {
                known.insert(Identity {
                    principal: holder.principal.clone(),
                    role: holder.role.clone(),
                    allowance: allowance.clone(),
                    key: key.digest.id(),
                    tag: key.digest.tagged(&self.secret),
                });
            }
            if let Some(allowance) = allowance {
                known.allowances.insert(holder.principal.clone(), allowance);
            }
        }
        // Last, so that a file that knows the same key does not limit it.
        if let Some(given) = self.given {
            known.insert(Identity {
                principal: operator(),
                role: Role::Operator,
                allowance: None,
                key: given.id(),
                tag: given.tagged(&self.secret),
            });
        }
        self.known.store(Arc::new(known));
        // Afterwards: who has seen this count has looked among these keys, or later ones.
        self.changes.fetch_add(1, Ordering::Release);
    }

    /// How often the keys have changed: while this stays the same, so does everything else.
    #[must_use]
    pub fn changes(&self) -> u64 {
        self.changes.load(Ordering::Acquire)
    }

    /// Who is behind a key.
    #[must_use]
    pub fn identify(&self, key: &str) -> Option<Arc<Identity>> {
        self.known
            .load()
            .find(&Digest::of(key).tagged(&self.secret))
    }

    /// Who goes by this name, for doors at which somebody else has looked who comes in; `None` if no key of theirs opens.
    #[must_use]
    pub fn holder(&self, principal: &Principal) -> Option<Arc<Identity>> {
        self.known.load().holders.get(principal).cloned()
    }

    /// Who is behind the key that somebody came in with earlier; `None` if it was revoked since.
    #[must_use]
    pub fn renew(&self, identity: &Identity) -> Option<Arc<Identity>> {
        self.known.load().find(&identity.tag)
    }
}

impl Known {
    fn insert(&mut self, identity: Identity) {
        let identities = self.identities.entry(shortened(&identity.tag)).or_default();
        identities.retain(|known| known.tag != identity.tag);
        let identity = Arc::new(identity);
        let holder = identity.principal.clone();
        self.holders.insert(holder, Arc::clone(&identity));
        identities.push(identity);
    }

    fn find(&self, tag: &blake3::Hash) -> Option<Arc<Identity>> {
        let identities = self.identities.get(&shortened(tag))?;
        // Digests compare in constant time.
        identities.iter().find(|known| known.tag == *tag).cloned()
    }
}

fn shortened(tag: &blake3::Hash) -> u64 {
    let [a, b, c, d, e, f, g, h, ..] = *tag.as_bytes();
    u64::from_le_bytes([a, b, c, d, e, f, g, h])
}

impl fmt::Debug for Keyring {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let known = self.known.load();
        let identities = known.identities.values().flatten();
        f.debug_set().entries(identities).finish()
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU32;

    use jifen_engine::ledger::MerchantId;

    use super::*;
    use crate::access::{KeyRecord, Limit};

    fn principal(name: &str) -> Principal {
        Principal::new(name).unwrap()
    }

    fn book(keys: &[(&str, &str)]) -> KeyBook {
        let mut book = KeyBook::default();
        for (name, key) in keys {
            let role = Role::Merchant(MerchantId::new("shop").unwrap());
            let key = KeyRecord {
                digest: Digest::of(key),
                made_at: None,
            };
            book.add(&principal(name), &role, key).unwrap();
        }
        book
    }

    fn name(keyring: &Keyring, key: &str) -> Option<String> {
        let found = keyring.identify(key);
        found.map(|identity| identity.principal.to_string())
    }

    #[test]
    fn a_key_leads_to_its_principal() {
        let keys = [("a", "1"), ("a", "2"), ("b", "3")];
        let keyring = Keyring::new(Some("0"), &book(&keys)).unwrap();
        for (whose, key) in keys {
            assert_eq!(name(&keyring, key).as_deref(), Some(whose));
        }
        assert_eq!(name(&keyring, "0").as_deref(), Some("operator"));
        for wrong in ["", "4", "1 ", "12"] {
            assert_eq!(name(&keyring, wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_revoked_key_opens_nothing_any_more() {
        let keyring = Keyring::new(Some("0"), &book(&[("a", "1"), ("a", "2")])).unwrap();
        let [given, one, two] = ["0", "1", "2"].map(|key| keyring.identify(key).unwrap());
        keyring.replace(&book(&[("a", "2"), ("a", "3")]));
        assert_eq!(name(&keyring, "1"), None);
        assert!(keyring.renew(&one).is_none());
        for (key, earlier) in [("0", given), ("2", two)] {
            assert!(name(&keyring, key).is_some());
            assert_eq!(
                keyring.renew(&earlier).unwrap().principal,
                earlier.principal
            );
        }
        assert!(name(&keyring, "3").is_some());
    }

    #[test]
    fn a_principal_is_known_as_long_as_it_has_a_key() {
        let keyring = Keyring::new(Some("0"), &book(&[("a", "1"), ("b", "2")])).unwrap();
        let known = |name: &str| {
            let holder = keyring.holder(&principal(name));
            holder.map(|identity| identity.principal.to_string())
        };
        for name in ["a", "b", "operator"] {
            assert_eq!(known(name).as_deref(), Some(name));
        }
        assert_eq!(known("c"), None);
        keyring.replace(&book(&[("a", "1")]));
        assert_eq!(known("a").as_deref(), Some("a"));
        assert_eq!(known("b"), None);
    }

    #[test]
    fn a_bucket_outlives_a_change_of_other_things() {
        let limited = |keys: &[(&str, &str)], count: u32| {
            let mut book = book(keys);
            let rate = format!("{count}/h").parse().unwrap();
            book.limit(&principal("a"), Limit::new(rate, None)).unwrap();
            book
        };
        let take = |keyring: &Keyring, key: &str| {
            let identity = keyring.identify(key).unwrap();
            let allowance = identity.allowance.as_ref().unwrap();
            allowance.take(NonZeroU32::MIN).is_ok()
        };
        let keyring = Keyring::new(None, &limited(&[("a", "1")], 2)).unwrap();
        assert!(take(&keyring, "1"));
        keyring.replace(&limited(&[("a", "1"), ("a", "2")], 2));
        // All keys of a principal share it.
        assert!(take(&keyring, "2"));
        assert!(!take(&keyring, "1"));
        keyring.replace(&limited(&[("a", "1")], 3));
        assert!(take(&keyring, "1"));
        keyring.replace(&book(&[("a", "1")]));
        assert!(keyring.identify("1").unwrap().allowance.is_none());
    }

    #[test]
    fn nothing_of_a_key_is_shown() {
        let key = "a-key-that-somebody-chose-0123456789";
        let keyring = Keyring::new(Some(key), &book(&[("a", "another-secret")])).unwrap();
        let told = format!("{keyring:?} {:?}", keyring.identify(key));
        assert!(
            !told.contains(key) && !told.contains("another-secret"),
            "{told}"
        );
        assert!(!told.contains(&Digest::of(key).to_hex()), "{told}");
        assert!(told.contains("operator"), "{told}");
    }
}
