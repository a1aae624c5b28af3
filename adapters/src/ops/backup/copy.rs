//! Files, one by one: each is there whole or not at all, and durable once its directory was synced.

use std::{
    collections::BTreeSet,
    fs::{self, File},
    io::{self, Read, Write},
    os::unix::fs::{FileExt, OpenOptionsExt, PermissionsExt},
    path::{Path, PathBuf},
};

use super::{
    super::journal::{Progress, ToolError},
    record::Stored,
};

/// How much of both ends of a file is compared to tell whether it is the same.
const END_BYTES: u64 = 4_096;

/// Copies into a directory, and syncs what it has touched at the end.
pub(super) struct Copier {
    to: PathBuf,
    /// Whether a second name for a file will do.
    link: bool,
    touched: BTreeSet<PathBuf>,
}

/// What a file is, in bytes.
pub(super) struct Sum {
    pub(super) bytes: u64,
    pub(super) blake3: String,
}

impl Copier {
    /// Copies into a directory, which is made if need be.
    pub(super) fn into(to: &Path, link: bool) -> Result<Self, ToolError> {
        fs::create_dir_all(to).map_err(ToolError::file("create", to))?;
        Ok(Self {
            to: to.to_owned(),
            link,
            touched: BTreeSet::from([to.to_owned()]),
        })
    }

    /// A place below the directory; the directories in between are there afterwards.
    pub(super) fn place(&mut self, name: &str) -> Result<PathBuf, ToolError> {
        let place = self.to.join(name);
        if let Some(directory) = place.parent() {
            fs::create_dir_all(directory).map_err(ToolError::file("create", directory))?;
            self.touched.insert(directory.to_owned());
        }
        Ok(place)
    }

    /// Copies or links a file to `name`; `None` if it is not there any more.
    pub(super) fn copy(
        &mut self,
        from: &Path,
        name: &str,
        progress: &Progress,
    ) -> Result<Option<Sum>, ToolError> {
        let place = self.place(name)?;
        let draft = draft_of(&place);
        let _ = fs::remove_file(&draft);
        let source = match File::open(from) {
            Ok(source) => source,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(ToolError::file("open", from)(error)),
        };
        // Another file system, or a limit of links: then the bytes are copied.
        let linked = self.link && fs::hard_link(from, &draft).is_ok();
        let sum = if linked {
            summed(source, &mut io::sink(), progress).map_err(ToolError::file("read", from))?
        } else {
            let mode = source
                .metadata()
                .map_err(ToolError::file("look at", from))?
                .permissions()
                .mode();
            let write = || {
                let mut options = File::options();
                let mut draft = options
                    .write(true)
                    .create_new(true)
                    .mode(mode)
                    .open(&draft)?;
                let sum = summed(source, &mut draft, progress)?;
                draft.sync_all()?;
                Ok(sum)
            };
            write().map_err(ToolError::file("copy", from))?
        };
        fs::rename(&draft, &place).map_err(ToolError::file("rename", &draft))?;
        Ok(Some(sum))
    }

    /// Makes the names of all files durable.
    pub(super) fn sync(&self) -> Result<(), ToolError> {
        // The directories above the touched ones hold their names.
        let above = self
            .touched
            .iter()
            .filter_map(|directory| directory.parent());
        let above = above.filter(|parent| !parent.as_os_str().is_empty());
        for directory in self.touched.iter().map(PathBuf::as_path).chain(above) {
            File::open(directory)
                .and_then(|open| open.sync_all())
                .map_err(ToolError::file("sync", directory))?;
        }
        Ok(())
    }
}

/// The sum of a file that is there already.
pub(super) fn sum(path: &Path, progress: &Progress) -> Result<Sum, ToolError> {
    File::open(path)
        .and_then(|file| summed(file, &mut io::sink(), progress))
        .map_err(ToolError::file("read", path))
}

fn draft_of(place: &Path) -> PathBuf {
    let mut draft = place.as_os_str().to_owned();
    draft.push(".draft");
    draft.into()
}

fn summed(mut from: File, to: &mut dyn Write, progress: &Progress) -> io::Result<Sum> {
    let mut hasher = blake3::Hasher::new();
    let mut buffer = vec![0; 1 << 18];
    let mut bytes = 0;
    loop {
        let read = from.read(&mut buffer)?;
        if read == 0 {
            break;
        }
        hasher.update(&buffer[..read]);
        to.write_all(&buffer[..read])?;
        bytes += read as u64;
        progress.advance(read as u64);
    }
    Ok(Sum {
        bytes,
        blake3: hasher.finalize().to_hex().to_string(),
    })
}

/// Whether a stored file is a file of the data directory, as far as sizes and both ends tell. Every file that is asked
/// about is written once under its name, and tells at one of its ends what is in it.
pub(super) fn is_same(file: &Path, stored: &Path, known: &Stored) -> io::Result<bool> {
    let (file, stored) = match (File::open(file), File::open(stored)) {
        (Ok(file), Ok(stored)) => (file, stored),
        _ => return Ok(false),
    };
    let length = file.metadata()?.len();
    if length != stored.metadata()?.len() || length != known.bytes {
        return Ok(false);
    }
    for at in [0, length.saturating_sub(END_BYTES)] {
        let size = usize::try_from(END_BYTES.min(length)).unwrap_or_default();
        let (mut one, mut other) = (vec![0; size], vec![0; size]);
        file.read_exact_at(&mut one, at)?;
        stored.read_exact_at(&mut other, at)?;
        if one != other {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The names of all files in a directory and below, from `data` on.
pub(super) fn names_below(data: &Path, below: &str) -> Result<Vec<String>, ToolError> {
    let directory = data.join(below);
    let files = match fs::read_dir(&directory) {
        Ok(files) => files.collect::<io::Result<Vec<_>>>(),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        Err(error) => Err(error),
    };
    let mut names = Vec::new();
    for file in files.map_err(ToolError::file("list", &directory))? {
        let Ok(name) = file.file_name().into_string() else {
            continue;
        };
        let name = format!("{below}/{name}");
        if file.path().is_dir() {
            names.extend(names_below(data, &name)?);
        } else {
            names.push(name);
        }
    }
    names.sort_unstable();
    Ok(names)
}

/// A file's length; 0 if it is gone, since this is for a bar only.
pub(super) fn length(path: &Path) -> u64 {
    fs::metadata(path).map_or(0, |file| file.len())
}
