//! What a device is bound to hold of the files that a process works on, and what it may hold beside that.
//!
//! The promises are those of POSIX and no more. A sync of a file makes durable what was done to the file before the
//! sync began, and nothing of its name. A sync of a directory makes the names in it durable, and nothing of the files
//! behind them. Whatever else a real file system promises (that names change in order, that a new file's sync keeps
//! its name too), an image may have by chance.

use std::{
    collections::{BTreeMap, HashMap, VecDeque},
    mem,
};

use super::{contents::Contents, record::Happened};

/// A file or directory, whatever its name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct NodeId(usize);

/// The directory that was watched.
pub(super) const ROOT: NodeId = NodeId(0);

/// The names in a directory.
pub(super) type Names = BTreeMap<Vec<u8>, NodeId>;

/// Something that was done to a file and is not durable.
#[derive(Clone, Copy, Debug)]
pub(super) enum Change<'a> {
    Write { offset: u64, bytes: &'a [u8] },
    Resize(u64),
}

impl Change<'_> {
    fn apply(self, contents: &mut Contents) {
        match self {
            Self::Write { offset, bytes } => contents.write(offset, bytes),
            Self::Resize(length) => contents.resize(length),
        }
    }
}

/// Something that was done to the names of a directory and is not durable.
#[derive(Clone, Debug)]
pub(super) struct NameChange {
    /// Counts all of them.
    number: u64,
    directory: NodeId,
    what: NameDeed,
}

#[derive(Clone, Debug)]
enum NameDeed {
    Give {
        name: Vec<u8>,
        node: NodeId,
    },
    Take {
        name: Vec<u8>,
    },
    Change {
        from: Vec<u8>,
        to: Vec<u8>,
        node: NodeId,
    },
}

impl NameDeed {
    fn apply(&self, names: &mut Names) {
        match self {
            Self::Give { name, node } => {
                names.insert(name.clone(), *node);
            }
            Self::Take { name } => {
                names.remove(name);
            }
            Self::Change { from, to, node } => {
                names.remove(from);
                names.insert(to.clone(), *node);
            }
        }
    }
}

/// A file.
#[derive(Debug, Default)]
pub(super) struct File<'a> {
    /// What is durable.
    pub(super) contents: Contents,
    /// What was done since, in order.
    pub(super) waiting: VecDeque<Change<'a>>,
    /// How much was done that is durable.
    done: u64,
}

/// A directory.
#[derive(Debug, Default)]
struct Directory {
    /// The names that the process sees.
    now: Names,
    /// The names that are durable.
    durable: Names,
}

#[derive(Debug)]
enum Node<'a> {
    File(File<'a>),
    Directory(Directory),
}

/// The files of a process on a device.
#[derive(Debug)]
pub(super) struct Disk<'a> {
    nodes: Vec<Node<'a>>,
    /// What was done to names and is not durable, in order.
    waiting: Vec<NameChange>,
    name_changes: u64,
    open: HashMap<u32, NodeId>,
    /// Syncs under way: of what, and how much was done to it before.
    syncs: HashMap<u64, (NodeId, u64)>,
}

impl<'a> Disk<'a> {
    /// A device with the watched directory, in which nothing is.
    pub(super) fn new() -> Self {
        Self {
            nodes: vec![Node::Directory(Directory::default())],
            waiting: Vec::new(),
            name_changes: 0,
            open: HashMap::new(),
            syncs: HashMap::new(),
        }
    }

    /// Does what a process did.
    ///
    /// # Errors
    ///
    /// If it cannot be followed.
    pub(super) fn happen(&mut self, happened: Happened<'a>) -> Result<(), String> {
        match happened {
            Happened::Began => {
                self.open.clear();
                self.syncs.clear();
            }
            Happened::Opened {
                fd,
                path,
                create,
                truncate,
            } => {
                let node = self.opened(path, create, truncate)?;
                self.open.insert(fd, node);
            }
            Happened::Wrote { fd, offset, bytes } => {
                self.change(fd, Change::Write { offset, bytes })?;
            }
            Happened::Resized { fd, length } => self.change(fd, Change::Resize(length))?,
            Happened::Renamed { from, to } => self.renamed(from, to)?,
            Happened::Removed { path } => self.removed(path)?,
            Happened::MadeDirectory { path } => {
                self.make(path, Node::Directory(Directory::default()))?;
            }
            Happened::SyncBegan { fd, sync } => self.sync_began(fd, sync)?,
            Happened::SyncEnded { sync } => self.sync_ended(sync)?,
            Happened::Duplicated { fd, copy } => {
                let node = self.node(fd)?;
                self.open.insert(copy, node);
            }
            Happened::Closed { fd } => drop(self.open.remove(&fd)),
            Happened::Said { .. } => {}
            Happened::Lost { what } => {
                let what = String::from_utf8_lossy(what);
                return Err(format!("the recording has lost {what}"));
            }
        }
        Ok(())
    }

    /// A file by its node; `None` for a directory.
    pub(super) fn file(&self, node: NodeId) -> Option<&File<'a>> {
        match &self.nodes[node.0] {
            Node::File(file) => Some(file),
            Node::Directory(_) => None,
        }
    }

    /// The names in every directory, with those changes that are durable or that `survives` says yes to. It is asked
    /// for all others in order.
    pub(super) fn names(&self, mut survives: impl FnMut() -> bool) -> BTreeMap<NodeId, Names> {
        let directories = self.nodes.iter().enumerate().filter_map(|(id, node)| {
            let Node::Directory(directory) = node else {
                return None;
            };
            Some((NodeId(id), directory.durable.clone()))
        });
        let mut names: BTreeMap<NodeId, Names> = directories.collect();
        for change in &self.waiting {
            if survives() {
                change
                    .what
                    .apply(names.entry(change.directory).or_default());
            }
        }
        names
    }

    /// How many changes of names are not durable.
    pub(super) const fn waiting_names(&self) -> usize {
        self.waiting.len()
    }

    fn node(&self, fd: u32) -> Result<NodeId, String> {
        let node = self.open.get(&fd).copied();
        node.ok_or_else(|| format!("descriptor {fd} is used and was never opened"))
    }

    fn directory(&mut self, node: NodeId) -> Result<&mut Directory, String> {
        match &mut self.nodes[node.0] {
            Node::Directory(directory) => Ok(directory),
            Node::File(_) => Err("a file is used as a directory".to_owned()),
        }
    }

    /// The directory that a path lies in, and its name there.
    fn place<'p>(&mut self, path: &'p [u8]) -> Result<(NodeId, &'p [u8]), String> {
        let mut parts: Vec<&[u8]> = path.split(|byte| *byte == b'/').collect();
        let name = parts.pop().unwrap_or_default();
        let mut at = ROOT;
        for part in parts {
            let next = self.directory(at)?.now.get(part).copied();
            at = next.ok_or_else(|| format!("{} is in no known directory", readable(path)))?;
        }
        Ok((at, name))
    }

    fn find(&mut self, path: &[u8]) -> Result<Option<NodeId>, String> {
        if path.is_empty() {
            return Ok(Some(ROOT));
        }
        let (directory, name) = self.place(path)?;
        Ok(self.directory(directory)?.now.get(name).copied())
    }

    fn change_name(&mut self, directory: NodeId, what: NameDeed) -> Result<(), String> {
        what.apply(&mut self.directory(directory)?.now);
        self.name_changes += 1;
        self.waiting.push(NameChange {
            number: self.name_changes,
            directory,
            what,
        });
        Ok(())
    }

    fn make(&mut self, path: &[u8], node: Node<'a>) -> Result<NodeId, String> {
        if path.is_empty() {
            return Ok(ROOT);
        }
        let (directory, name) = self.place(path)?;
        let id = NodeId(self.nodes.len());
        self.nodes.push(node);
        let name = name.to_vec();
        self.change_name(directory, NameDeed::Give { name, node: id })?;
        Ok(id)
    }

    fn opened(&mut self, path: &[u8], create: bool, truncate: bool) -> Result<NodeId, String> {
        match self.find(path)? {
            Some(node) => {
                if truncate && let Node::File(file) = &mut self.nodes[node.0] {
                    file.waiting.push_back(Change::Resize(0));
                }
                Ok(node)
            }
            None if create => self.make(path, Node::File(File::default())),
            None => Err(format!("{} was opened and never made", readable(path))),
        }
    }

    fn change(&mut self, fd: u32, change: Change<'a>) -> Result<(), String> {
        let node = self.node(fd)?;
        match &mut self.nodes[node.0] {
            Node::File(file) => file.waiting.push_back(change),
            Node::Directory(_) => return Err("a directory is written like a file".to_owned()),
        }
        Ok(())
    }

    fn renamed(&mut self, from: &[u8], to: &[u8]) -> Result<(), String> {
        let ((directory, from), (target, to)) = (self.place(from)?, self.place(to)?);
        if directory != target {
            // Two directories, two syncs; nothing of ours does that.
            return Err(format!(
                "{} went to another directory, which is not followed here",
                readable(from)
            ));
        }
        let node = self.directory(directory)?.now.get(from).copied();
        let node = node.ok_or_else(|| format!("{} was renamed and never made", readable(from)))?;
        let (from, to) = (from.to_vec(), to.to_vec());
        self.change_name(directory, NameDeed::Change { from, to, node })
    }

    fn removed(&mut self, path: &[u8]) -> Result<(), String> {
        if self.find(path)?.is_none() {
            // A socket: making one is not recorded.
            return Ok(());
        }
        let (directory, name) = self.place(path)?;
        let name = name.to_vec();
        self.change_name(directory, NameDeed::Take { name })
    }

    fn sync_began(&mut self, fd: u32, sync: u64) -> Result<(), String> {
        let node = self.node(fd)?;
        let done = match &self.nodes[node.0] {
            Node::File(file) => file.done + file.waiting.len() as u64,
            Node::Directory(_) => self.name_changes,
        };
        self.syncs.insert(sync, (node, done));
        Ok(())
    }

    fn sync_ended(&mut self, sync: u64) -> Result<(), String> {
        let begun = self.syncs.remove(&sync);
        let (node, done) = begun.ok_or_else(|| format!("sync {sync} ended and never began"))?;
        match &mut self.nodes[node.0] {
            Node::File(file) => {
                while file.done < done
                    && let Some(change) = file.waiting.pop_front()
                {
                    change.apply(&mut file.contents);
                    file.done += 1;
                }
            }
            Node::Directory(directory) => {
                for change in mem::take(&mut self.waiting) {
                    if change.directory == node && change.number <= done {
                        change.what.apply(&mut directory.durable);
                    } else {
                        self.waiting.push(change);
                    }
                }
            }
        }
        Ok(())
    }
}

/// A path for a message.
fn readable(path: &[u8]) -> String {
    String::from_utf8_lossy(path).into_owned()
}
