//! Names of sockets are at most 107 bytes long; those of directories are not bounded so tightly.

use std::{
    fs::File,
    io,
    os::fd::AsRawFd,
    path::{Path, PathBuf},
};

/// A name under which the socket in a directory can be bound and found, however long the directory's own is.
pub(super) struct Address {
    name: PathBuf,
    /// What the name goes through; open for as long as it is used.
    _directory: File,
}

impl Address {
    /// The name of `socket` in `directory`.
    pub(super) fn of(directory: &Path, socket: &str) -> io::Result<Self> {
        let open = File::open(directory)?;
        Ok(Self {
            name: format!("/proc/self/fd/{}/{socket}", open.as_raw_fd()).into(),
            _directory: open,
        })
    }

    pub(super) fn name(&self) -> &Path {
        &self.name
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::{UnixListener, UnixStream};

    use super::*;

    #[test]
    fn a_socket_in_a_directory_with_a_long_name_is_found() {
        let place = tempfile::tempdir().unwrap();
        let long = place.path().join("d".repeat(200));
        std::fs::create_dir(&long).unwrap();
        let address = Address::of(&long, "control").unwrap();
        let _listener = UnixListener::bind(address.name()).unwrap();
        assert!(long.join("control").exists());
        UnixStream::connect(Address::of(&long, "control").unwrap().name()).unwrap();
    }
}
