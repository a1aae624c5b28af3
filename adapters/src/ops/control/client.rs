//! Asking the process that works on a data directory.

use std::{
    io::{self, BufRead, BufReader, Read, Write},
    ops::ControlFlow,
    os::unix::net::UnixStream,
    path::{Path, PathBuf},
};

use serde::de::DeserializeOwned;

use super::{Ask, Checkpoint, NAME, Nothing, Status, Told, address::Address};

/// No value of a journal is longer; a longer one is no answer of ours.
const VALUE_BYTES_MAX: usize = 1 << 20;

/// Why the process could not be asked.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ControlError {
    /// Nobody listens there.
    #[error(
        "{path} is in use by another process, and it listens to no tools on {path}/control ({1}); \
         stop it and try again", path = .0.display()
    )]
    Silent(PathBuf, io::Error),
    /// The connection broke off.
    #[error("the server on {path} broke off its answer: {1}", path = .0.display())]
    Broken(PathBuf, io::Error),
    /// The server could not do it.
    #[error("the server on {path} says: {1}", path = .0.display())]
    Refused(PathBuf, String),
}

/// Looks at a value, and tells whether to go on.
pub(crate) type VisitValue<'a, E> = dyn FnMut(&[u8]) -> Result<ControlFlow<()>, E> + 'a;

/// Where to ask.
pub(crate) struct Client {
    data: PathBuf,
}

impl Client {
    /// The server on a data directory.
    pub(crate) fn of(data: &Path) -> Self {
        Self {
            data: data.to_owned(),
        }
    }

    /// What runs there.
    pub(crate) fn status(&self) -> Result<Status, ControlError> {
        self.ask(Ask::Status).map(|(status, _)| status)
    }

    /// Has everything that is durable now put into archives and images.
    pub(crate) fn checkpoint(&self) -> Result<Checkpoint, ControlError> {
        self.ask(Ask::Checkpoint).map(|(made, _)| made)
    }

    /// Deletes the archives before an epoch, for good.
    pub(crate) fn forget(&self, before: u32) -> Result<(), ControlError> {
        self.ask::<Nothing>(Ask::Forget { before }).map(drop)
    }

    /// Shows the values behind a turn, up to what is durable when they are read.
    pub(crate) fn values<E: From<ControlError>>(
        &self,
        behind: u64,
        visit: &mut VisitValue<'_, E>,
    ) -> Result<(), E> {
        let (Nothing {}, mut stream) = self.ask(Ask::Values { behind })?;
        let mut value = Vec::new();
        while self.next(&mut stream, &mut value)? {
            if visit(&value)?.is_break() {
                break;
            }
        }
        Ok(())
    }

    /// Reads the next value; `false` at the end.
    fn next(&self, stream: &mut impl Read, value: &mut Vec<u8>) -> Result<bool, ControlError> {
        let mut length = [0; 4];
        stream
            .read_exact(&mut length)
            .map_err(|error| self.broken(error))?;
        let length = u32::from_be_bytes(length) as usize;
        if length > VALUE_BYTES_MAX {
            return Err(self.broken(io::Error::other(format!("a value of {length} bytes"))));
        }
        value.resize(length, 0);
        stream
            .read_exact(value)
            .map_err(|error| self.broken(error))?;
        Ok(length > 0)
    }

    fn ask<T: DeserializeOwned>(
        &self,
        ask: Ask,
    ) -> Result<(T, BufReader<UnixStream>), ControlError> {
        let stream = Address::of(&self.data, NAME)
            .and_then(|address| UnixStream::connect(address.name()))
            .map_err(|error| ControlError::Silent(self.data.clone(), error))?;
        let mut stream = BufReader::with_capacity(1 << 17, stream);
        let mut line = String::new();
        stream
            .get_mut()
            .write_all(ask.line().as_bytes())
            .and_then(|()| stream.read_line(&mut line))
            .map_err(|error| self.broken(error))?;
        match serde_json::from_str(&line) {
            Ok(Told::Done(told)) => Ok((told, stream)),
            Ok(Told::Failed { error }) => Err(ControlError::Refused(self.data.clone(), error)),
            Err(error) => Err(self.broken(error.into())),
        }
    }

    fn broken(&self, error: io::Error) -> ControlError {
        ControlError::Broken(self.data.clone(), error)
    }
}
