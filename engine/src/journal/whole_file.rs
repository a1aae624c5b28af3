//! Small files that are there whole or not at all.

use std::{
    fs::{self, File},
    io::{self, Write},
    path::Path,
};

use serde::Serialize;

/// Reads a file, if there is one.
pub(crate) fn read(path: &Path) -> io::Result<Option<Vec<u8>>> {
    match fs::read(path) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// Writes a file in JSON. When this is done it is on the device, with its name; until then what was there before is.
pub(crate) fn write(path: &Path, content: &impl Serialize) -> io::Result<()> {
    let mut text = serde_json::to_vec_pretty(content)?;
    text.push(b'\n');
    let draft = path.with_extension("draft");
    let mut file = File::create(&draft)?;
    file.write_all(&text)?;
    file.sync_all()?;
    fs::rename(&draft, path)?;
    File::open(path.parent().unwrap_or(path))?.sync_all()
}
