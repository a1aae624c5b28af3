//! The key of the operator: given in the environment, or made at the first start and kept as a digest.

use std::{
    env,
    fs::{self, File, OpenOptions},
    io::{self, Write},
    net::SocketAddr,
    os::unix::fs::OpenOptionsExt,
    path::{Path, PathBuf},
};

use jifen_engine::ledger::Principal;
use serde::{Deserialize, Serialize};

use super::Failure;
use crate::http::Keys;

/// The environment variable that sets the key.
const VARIABLE: &str = "JIFEN_OPERATOR_KEY";
/// The shortest key that may be given, in characters.
const KEY_CHARS_MIN: usize = 32;
/// How much chance is in a key that is made, in bytes.
const KEY_BYTES: usize = 32;
/// Principal and role of whoever runs the server.
const OPERATOR: &str = "operator";

/// The key of the operator.
pub struct OperatorKey {
    digest: blake3::Hash,
    found: Found,
}

enum Found {
    InEnvironment,
    InFile(PathBuf),
    /// It was made just now: the only moment at which it can be shown.
    Made(String),
}

/// The file with the keys.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyFile {
    version: u32,
    keys: Vec<KeyRecord>,
}

/// A key as it is kept.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyRecord {
    principal: String,
    role: String,
    blake3: String,
}

impl OperatorKey {
    /// The key that the environment gives, or the one that the data directory knows, or else a new one.
    pub fn find(data: &Path) -> Result<Self, Failure> {
        match env::var(VARIABLE) {
            Ok(key) => Self::given(&key),
            Err(env::VarError::NotUnicode(_)) => Self::given(""),
            Err(env::VarError::NotPresent) => Self::kept(data.join("keys.json")),
        }
    }

    fn given(key: &str) -> Result<Self, Failure> {
        if key.len() < KEY_CHARS_MIN || !key.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(Failure::Usage(format!(
                "{VARIABLE} must have at least {KEY_CHARS_MIN} characters, all of them visible ASCII; \
                 make one with `openssl rand -hex 32`, or unset it to have one made"
            )));
        }
        Ok(Self {
            digest: Keys::digest(key),
            found: Found::InEnvironment,
        })
    }

    fn kept(path: PathBuf) -> Result<Self, Failure> {
        match fs::read(&path) {
            Ok(text) => {
                let digest = read(&text).ok_or_else(|| {
                    Failure::Usage(format!(
                        "{}: not a key file of this version; delete it to have a new key made",
                        path.display()
                    ))
                })?;
                let found = Found::InFile(path);
                Ok(Self { digest, found })
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::make(path),
            Err(error) => Err(Failure::Keys(path, error)),
        }
    }

    fn make(path: PathBuf) -> Result<Self, Failure> {
        let mut chance = [0; KEY_BYTES];
        let made = getrandom::fill(&mut chance).map_err(io::Error::other);
        let hex = blake3::Hash::from_bytes(chance).to_hex();
        let key = format!("jk_{hex}");
        let digest = Keys::digest(&key);
        if let Err(error) = made.and_then(|()| write(&path, &digest)) {
            return Err(Failure::Keys(path, error));
        }
        let found = Found::Made(key);
        Ok(Self { digest, found })
    }

    /// The keys that let the operator in.
    pub fn keys(&self) -> Result<Keys, Failure> {
        let operator =
            Principal::new(OPERATOR).map_err(|error| Failure::Usage(error.to_string()))?;
        Ok(Keys::default().with(self.digest, operator))
    }

    /// Tells on standard error which key it is; a new one is shown, once, with a first command that works.
    pub fn tell(&self, address: SocketAddr) {
        match &self.found {
            Found::InEnvironment => tracing::info!("the operator's key is the one in {VARIABLE}"),
            Found::InFile(path) => {
                let path = path.display();
                tracing::info!(%path, "the operator's key is as before; for a new one stop, delete this file, and start again");
            }
            Found::Made(key) => eprintln!(
                "The operator's key, shown only this once:\n\n  {key}\n\nTry it:\n\n  \
                 curl -X PUT http://{address}/v1/members/m-1 \\\n    -H 'Authorization: Bearer {key}' \\\n    \
                 -H 'Idempotency-Key: first-member'\n"
            ),
        }
    }
}

fn read(text: &[u8]) -> Option<blake3::Hash> {
    let file: KeyFile = serde_json::from_slice(text).ok()?;
    let [key] = file.keys.as_slice() else {
        return None;
    };
    if file.version != 1 || key.principal != OPERATOR || key.role != OPERATOR {
        return None;
    }
    blake3::Hash::from_hex(&key.blake3).ok()
}

/// Writes the file whole or not at all, for nobody else's eyes.
fn write(path: &Path, digest: &blake3::Hash) -> io::Result<()> {
    let file = KeyFile {
        version: 1,
        keys: vec![KeyRecord {
            principal: OPERATOR.to_owned(),
            role: OPERATOR.to_owned(),
            blake3: digest.to_hex().to_string(),
        }],
    };
    let new = path.with_extension("json.new");
    let mut options = OpenOptions::new();
    let mut out = options
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o600)
        .open(&new)?;
    serde_json::to_writer_pretty(&mut out, &file)?;
    out.write_all(b"\n")?;
    out.sync_all()?;
    fs::rename(&new, path)?;
    match path.parent() {
        Some(directory) => File::open(directory)?.sync_all(),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_key_is_made_once_and_kept_as_a_digest() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("keys.json");
        let made = OperatorKey::kept(path.clone()).unwrap();
        let Found::Made(key) = &made.found else {
            panic!("no key was made")
        };
        assert_eq!(key.len(), 3 + 2 * KEY_BYTES);
        assert_eq!(made.digest, Keys::digest(key));

        let text = fs::read_to_string(&path).unwrap();
        assert!(!text.contains(&key[3..]));
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o600
        );

        let found = OperatorKey::kept(path.clone()).unwrap();
        assert!(matches!(found.found, Found::InFile(_)));
        assert_eq!(found.digest, made.digest);

        fs::remove_file(&path).unwrap();
        assert_ne!(OperatorKey::kept(path).unwrap().digest, made.digest);
    }

    #[test]
    fn a_key_file_that_is_none_is_not_overwritten() {
        let data = tempfile::tempdir().unwrap();
        let path = data.path().join("keys.json");
        fs::write(&path, "{}").unwrap();
        assert!(matches!(
            OperatorKey::kept(path.clone()),
            Err(Failure::Usage(_))
        ));
        assert_eq!(fs::read(&path).unwrap(), b"{}");
    }

    #[test]
    fn a_given_key_must_be_long_and_visible() {
        let long = "k".repeat(KEY_CHARS_MIN);
        assert!(OperatorKey::given(&long).is_ok());
        assert!(OperatorKey::given(&long[1..]).is_err());
        assert!(OperatorKey::given(&format!("{long} {long}")).is_err());
    }
}
