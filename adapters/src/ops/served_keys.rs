//! The keys that a server starts with: the operator's, given or made, and those of the file, which is watched.

use std::{env, path::Path, sync::Arc, time::Duration};

use actix_rt::task::JoinHandle;

use super::{Failure, keys};
use crate::access::{BookError, Key, KeyBook, KeyFile, KeyFileError, Keyring, Watched};

/// The environment variable that sets the operator's key.
pub const OPERATOR_KEY: &str = "JIFEN_OPERATOR_KEY";
/// The shortest key that may be given, in characters.
const KEY_CHARS_MIN: usize = 32;
/// Principal of whoever runs the server.
const OPERATOR: &str = "operator";
/// How often the file is looked at. A revoked key opens nothing after that.
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// The keys of a server that is about to start. Nothing is written yet.
pub struct ServedKeys {
    file: KeyFile,
    /// The operator's key of the environment. It is kept nowhere, not even as a digest: whoever reads the data directory
    /// finds nothing to try guesses on.
    given: Option<String>,
    book: KeyBook,
    watched: Watched,
}

/// The keys of a server that serves.
pub struct OpenKeys {
    ring: Arc<Keyring>,
    file: KeyFile,
    watched: Watched,
    found: Found,
}

enum Found {
    InEnvironment,
    InFile,
    /// It was made just now: the only moment at which it can be shown.
    Made(Key),
}

impl ServedKeys {
    /// The key that the environment gives, and the keys that the data directory knows.
    pub fn find(data: &Path) -> Result<Self, Failure> {
        let given = match env::var(OPERATOR_KEY) {
            Ok(key) => Some(checked(key)?),
            Err(env::VarError::NotUnicode(_)) => Some(checked(String::new())?),
            Err(env::VarError::NotPresent) => None,
        };
        Self::with(KeyFile::of(data), given)
    }

    fn with(file: KeyFile, given: Option<String>) -> Result<Self, Failure> {
        let (watched, book) = Watched::begin(file.clone()).map_err(unreadable)?;
        Ok(Self {
            file,
            given,
            book,
            watched,
        })
    }

    /// Makes a key for the operator, if there is none.
    pub fn complete(mut self) -> Result<OpenKeys, Failure> {
        let found = match self.given {
            Some(_) => Found::InEnvironment,
            None if self.book.has_operator_key() => Found::InFile,
            None => {
                let made = keys::create(&self.file, &keys::operator()?)?;
                // What was written is what is watched from here on.
                (self.watched, self.book) =
                    Watched::begin(self.file.clone()).map_err(unreadable)?;
                Found::Made(made)
            }
        };
        let ring = Keyring::new(self.given.as_deref(), &self.book);
        let ring = ring.map_err(|error| Failure::Keys(self.file.path().to_owned(), error))?;
        Ok(OpenKeys {
            ring: Arc::new(ring),
            file: self.file,
            watched: self.watched,
            found,
        })
    }
}

impl OpenKeys {
    /// Who may come in.
    #[must_use]
    pub fn ring(&self) -> Arc<Keyring> {
        Arc::clone(&self.ring)
    }

    /// Tells on standard error which key is the operator's; a new one is shown, once, with a first command that works.
    pub fn tell(&self, url: &str) {
        match &self.found {
            Found::InEnvironment => {
                tracing::info!("the operator's key is the one in {OPERATOR_KEY}");
            }
            Found::InFile => {
                let path = self.file.path().display();
                tracing::info!(%path, "the operator's key is as before; `jifen keys create --principal {OPERATOR}` makes another one");
            }
            Found::Made(key) => {
                let key = key.as_str();
                eprintln!(
                    "The operator's key, shown only this once:\n\n  {key}\n\nTry it:\n\n  \
                     curl -X PUT {url}/v1/members/m-1 \\\n    -H 'Authorization: Bearer {key}' \\\n    \
                     -H 'Idempotency-Key: first-member'\n"
                );
            }
        }
    }

    /// Has the ring follow the file until the process ends. To be called on a thread that runs an actix system.
    pub fn watch(self) -> JoinHandle<()> {
        let Self {
            ring, mut watched, ..
        } = self;
        actix_rt::spawn(async move {
            let mut ticks = tokio::time::interval(LOOK_EVERY);
            ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                if let Some(read) = watched.look() {
                    follow(&ring, read);
                }
            }
        })
    }
}

/// A file that cannot be read leaves everything as it was: keys that nobody revoked must go on opening.
fn follow(ring: &Keyring, read: Result<KeyBook, KeyFileError>) {
    match read {
        Ok(book) => {
            ring.replace(&book);
            let principals = book.holders().len();
            let keys: usize = book.holders().iter().map(|h| h.keys.len()).sum();
            tracing::info!(principals, keys, "the keys have changed");
        }
        Err(error) => {
            tracing::error!(%error, "the keys cannot be read; those that were read last go on opening");
        }
    }
}

/// What stands in the file is the operator's to correct.
fn unreadable(error: KeyFileError) -> Failure {
    match error {
        KeyFileError::Book(path, error @ BookError::Text(_)) => Failure::Usage(format!(
            "{}: {error}; put back a copy, or move the file away to begin anew with a new operator key",
            path.display()
        )),
        other => keys::failure(other),
    }
}

fn checked(key: String) -> Result<String, Failure> {
    if key.len() < KEY_CHARS_MIN || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(Failure::Usage(format!(
            "{OPERATOR_KEY} must have at least {KEY_CHARS_MIN} characters, all of them visible ASCII; \
             make one with `openssl rand -hex 32`, or unset it to have one made"
        )));
    }
    Ok(key)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;
    use crate::access::RoleName;

    fn open(data: &Path, given: Option<&str>) -> Result<OpenKeys, Failure> {
        ServedKeys::with(KeyFile::of(data), given.map(str::to_owned))?.complete()
    }

    fn opens(keys: &OpenKeys, key: &str) -> bool {
        let identity = keys.ring.identify(key);
        identity.is_some_and(|identity| identity.role.name() == RoleName::Operator)
    }

    #[test]
    fn a_key_is_made_once_and_kept_as_a_digest() {
        let data = tempfile::tempdir().unwrap();
        let made = open(data.path(), None).unwrap();
        let Found::Made(key) = &made.found else {
            panic!("no key was made")
        };
        assert!(opens(&made, key.as_str()));
        let text = fs::read_to_string(made.file.path()).unwrap();
        assert!(!text.contains(&key.as_str()[3..]));

        let again = open(data.path(), None).unwrap();
        assert!(matches!(again.found, Found::InFile));
        assert!(opens(&again, key.as_str()));

        fs::remove_file(made.file.path()).unwrap();
        assert!(!opens(&open(data.path(), None).unwrap(), key.as_str()));
    }

    #[test]
    fn a_given_key_is_written_nowhere_and_stands_beside_the_others() {
        let data = tempfile::tempdir().unwrap();
        let given = "a-given-key-0123456789-0123456789";
        let keys = open(data.path(), Some(given)).unwrap();
        assert!(opens(&keys, given));
        assert_eq!(fs::read_dir(data.path()).unwrap().count(), 0);
        let made = open(data.path(), None).unwrap();
        let Found::Made(key) = &made.found else {
            panic!("no key was made")
        };
        let both = open(data.path(), Some(given)).unwrap();
        assert!(opens(&both, given) && opens(&both, key.as_str()));
        let text = fs::read_to_string(both.file.path()).unwrap();
        assert!(!text.contains(given));
    }

    #[test]
    fn what_is_no_key_file_is_not_overwritten() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("keys.json");
        fs::write(&path, "{}").unwrap();
        assert!(matches!(open(data.path(), None), Err(Failure::Usage(_))));
        assert_eq!(fs::read(&path).unwrap(), b"{}");
    }

    #[test]
    fn the_file_of_the_first_version_still_opens() {
        let data = tempfile::tempdir().unwrap();
        let key = "jk_0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
        let hex = blake3::hash(key.as_bytes()).to_hex();
        let text = format!(
            r#"{{ "version": 1, "keys": [ {{ "principal": "operator", "role": "operator", "blake3": "{hex}" }} ] }}"#
        );
        fs::write(data.path().join("keys.json"), text).unwrap();
        let keys = open(data.path(), None).unwrap();
        assert!(matches!(keys.found, Found::InFile));
        assert!(opens(&keys, key));
    }

    #[test]
    fn a_given_key_must_be_long_and_visible() {
        let long = "k".repeat(KEY_CHARS_MIN);
        assert!(checked(long.clone()).is_ok());
        assert!(checked(long[1..].to_owned()).is_err());
        assert!(checked(format!("{long} {long}")).is_err());
    }
}
