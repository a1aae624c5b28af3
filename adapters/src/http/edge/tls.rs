//! Certificates, and new ones while the server runs.

use std::{
    fs, io,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;
use tokio_rustls::rustls::{
    self, ServerConfig,
    crypto::ring,
    pki_types::{
        CertificateDer, PrivateKeyDer,
        pem::{self, PemObject},
    },
};

/// The protocols that are offered, the better one first.
const PROTOCOLS: [&[u8]; 2] = [b"h2", b"http/1.1"];

/// Why a certificate cannot be used. Nothing of a key is ever told.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A file cannot be read.
    #[error("{path}: {1}", path = .0.display())]
    Io(PathBuf, io::Error),
    /// A file holds something else.
    #[error("{path}: holds no {1} in PEM", path = .0.display())]
    Pem(PathBuf, &'static str),
    /// The key is not the certificate's, or of a kind that cannot be used.
    #[error("{cert} and {key}: {2}", cert = .0.display(), key = .1.display())]
    Pair(PathBuf, PathBuf, rustls::Error),
}

/// The server's side of TLS.
pub struct Tls {
    files: Mutex<Files>,
    config: ArcSwap<ServerConfig>,
}

/// Where the certificate and its key are.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Files {
    cert: PathBuf,
    key: PathBuf,
    /// How both were when they were read last.
    seen: [Option<Stamp>; 2],
}

/// What changes whenever a file is written or put in place of another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    length: u64,
    changed: (i64, i64),
}

impl Tls {
    /// Reads a certificate with its chain, and its key, both in PEM.
    pub fn read(cert: &Path, key: &Path) -> Result<Self, TlsError> {
        let files = Files::at(cert, key);
        Ok(Self {
            config: ArcSwap::from(files.read()?),
            files: Mutex::new(files),
        })
    }

    /// Reads the files again, wherever they are now. Connections that are open go on with what they began with; if the
    /// files cannot be used, so do those to come.
    pub fn reload(&self, cert: &Path, key: &Path) -> Result<(), TlsError> {
        let files = Files::at(cert, key);
        self.take(files)
    }

    /// Reads the files again if they have changed. `None` if they have not.
    pub fn look(&self) -> Option<Result<(), TlsError>> {
        let known = self.files().clone();
        let now = Files::at(&known.cert, &known.key);
        (now != known).then(|| self.take(now))
    }

    fn take(&self, files: Files) -> Result<(), TlsError> {
        let read = files.read();
        // What cannot be used now is not tried again before it changes.
        *self.files() = files;
        self.config.store(read?);
        Ok(())
    }

    /// What holds for a connection that is made now.
    pub(super) fn config(&self) -> Arc<ServerConfig> {
        self.config.load_full()
    }

    fn files(&self) -> std::sync::MutexGuard<'_, Files> {
        self.files.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Files {
    fn at(cert: &Path, key: &Path) -> Self {
        Self {
            cert: cert.to_owned(),
            key: key.to_owned(),
            seen: [cert, key].map(Stamp::of),
        }
    }

    fn read(&self) -> Result<Arc<ServerConfig>, TlsError> {
        let Self { cert, key, .. } = self;
        let bytes = |path: &PathBuf| fs::read(path).map_err(|e| TlsError::Io(path.clone(), e));
        let no_chain = |_: pem::Error| TlsError::Pem(cert.clone(), "certificate");
        let chain = bytes(cert)?;
        let chain = CertificateDer::pem_slice_iter(&chain).collect::<Result<Vec<_>, _>>();
        let chain = chain.map_err(no_chain)?;
        if chain.is_empty() {
            return Err(TlsError::Pem(cert.clone(), "certificate"));
        }
        let private = PrivateKeyDer::from_pem_slice(&bytes(key)?);
        let private = private.map_err(|_| TlsError::Pem(key.clone(), "private key"))?;
        let pair = |error| TlsError::Pair(cert.clone(), key.clone(), error);
        let config = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(pair)?
            .with_no_client_auth()
            .with_single_cert(chain, private);
        let mut config = config.map_err(pair)?;
        config.alpn_protocols = PROTOCOLS.map(<[u8]>::to_vec).to_vec();
        Ok(Arc::new(config))
    }
}

impl Stamp {
    /// `None` if there is no such file.
    fn of(path: &Path) -> Option<Self> {
        let file = fs::metadata(path).ok()?;
        Some(Self {
            inode: file.ino(),
            length: file.len(),
            changed: (file.ctime(), file.ctime_nsec()),
        })
    }
}

#[cfg(test)]
mod tests {
    use rcgen::{CertifiedKey, generate_simple_self_signed};
    use tempfile::TempDir;

    use super::*;

    fn put(directory: &TempDir) -> (PathBuf, PathBuf, String) {
        let CertifiedKey { cert, signing_key } =
            generate_simple_self_signed(["localhost".to_owned()]).unwrap();
        let path = |name| directory.path().join(name);
        fs::write(path("cert.pem"), cert.pem()).unwrap();
        fs::write(path("key.pem"), signing_key.serialize_pem()).unwrap();
        (path("cert.pem"), path("key.pem"), cert.pem())
    }

    #[test]
    fn what_changes_is_read_again_and_what_cannot_be_used_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let (cert, key, _) = put(&directory);
        let tls = Tls::read(&cert, &key).unwrap();
        assert!(tls.look().is_none());
        let first = tls.config();
        // Another key beside the same certificate: half of an exchange.
        let other = tempfile::tempdir().unwrap();
        let (other_cert, other_key, _) = put(&other);
        fs::copy(&other_key, &key).unwrap();
        assert!(matches!(tls.look(), Some(Err(TlsError::Pair(..)))));
        assert!(tls.look().is_none(), "it is told once");
        assert!(Arc::ptr_eq(&first, &tls.config()));
        fs::copy(&other_cert, &cert).unwrap();
        assert!(matches!(tls.look(), Some(Ok(()))));
        assert!(!Arc::ptr_eq(&first, &tls.config()));
    }

    #[test]
    fn errors_name_the_file_and_nothing_of_what_is_in_it() {
        let directory = tempfile::tempdir().unwrap();
        let (cert, key, _) = put(&directory);
        let missing = directory.path().join("missing.pem");
        for (cert, key, said) in [
            (&missing, &key, "missing.pem: "),
            (&cert, &missing, "missing.pem: "),
            (&key, &key, "key.pem: holds no certificate in PEM"),
            (&cert, &cert, "cert.pem: holds no private key in PEM"),
        ] {
            let error = Tls::read(cert, key).err().unwrap().to_string();
            assert!(error.contains(said), "{error}");
            assert!(!error.contains("BEGIN"), "{error}");
        }
    }
}
