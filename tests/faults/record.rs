//! A disk that writes down every change, and what a power failure may leave of it.
//!
//! # The model
//! Files and directories are nodes; a directory maps names to nodes. Each change
//! waits in its node until that node is synced. When power fails, whatever waits
//! in a directory is done or not, each change by itself (making, removing; a
//! rename within one directory is one change, between two it is two). Whatever
//! waits in a file is there, missing, zeroed, or torn at sectors of 512 bytes,
//! each write by itself, so that later bytes may be there without earlier ones; a
//! file is as long as its last byte that got there, or with zeros up to its full
//! length. Syncing a file does not keep its name, and syncing a directory does
//! not keep the directory's own name. Real file systems are kinder.
//!
//! # Source
//! Pillai et al.: All File Systems Are Not Created Equal, OSDI 2014.

use ringfence::store::Disk;
use ringfence::store::disk::System;
use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::Result;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

/// Bytes that a disk writes whole.
const SECTOR: usize = 512;

/// A file or a directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Node {
    File(usize),
    Directory(usize),
}

/// Names that get nodes, or lose theirs, all of them or none.
type Names = Vec<(String, Option<Node>)>;

/// One change.
#[derive(Clone, Debug)]
pub enum Change {
    /// Names of a directory change.
    Names { directory: usize, names: Names },
    /// Bytes are written to a file.
    Write { file: usize, at: usize, bytes: Arc<[u8]> },
    /// A file is cut to no bytes.
    Empty { file: usize },
    /// All changes of a file are kept from here on.
    SyncFile { file: usize },
    /// All changes of a directory are kept from here on.
    SyncDirectory { directory: usize },
}

/// Does everything on the system's disk, below one directory, and writes it down.
#[derive(Debug)]
pub struct Recorder {
    place: PathBuf,
    log: Mutex<Log>,
}

#[derive(Debug)]
struct Log {
    changes: Vec<Change>,
    /// Names as they are now; number 0 is the place itself.
    directories: Vec<BTreeMap<String, Node>>,
    num_files: usize,
    /// Number of an open file, by the system's number.
    open: HashMap<u64, usize>,
    /// Where the next write of a file goes.
    ends: HashMap<usize, usize>,
}

impl Recorder {
    /// For changes below `place`, which is empty.
    pub fn new(place: &Path) -> Arc<Self> {
        let log = Log {
            changes: Vec::new(),
            directories: vec![BTreeMap::new()],
            num_files: 0,
            open: HashMap::new(),
            ends: HashMap::new(),
        };
        Arc::new(Recorder { place: place.to_path_buf(), log: Mutex::new(log) })
    }

    /// All changes so far.
    pub fn changes(&self) -> Vec<Change> {
        self.log.lock().unwrap().changes.clone()
    }

    /// Directory and name of a path.
    fn name(&self, log: &Log, path: &Path) -> (usize, String) {
        let name = path.file_name().unwrap().to_str().unwrap().to_string();
        (self.directory(log, path.parent().unwrap()), name)
    }

    fn directory(&self, log: &Log, path: &Path) -> usize {
        let inner = path.strip_prefix(&self.place).expect("everything happens below the place");
        inner.iter().fold(0, |directory, name| match log.directories[directory].get(name.to_str().unwrap()) {
            Some(&Node::Directory(inner)) => inner,
            other => panic!("{}: {other:?}", path.display()),
        })
    }

    fn names(&self, log: &mut Log, directory: usize, names: Names) {
        apply(&mut log.directories[directory], &names);
        log.changes.push(Change::Names { directory, names });
    }

    /// A new file of this name.
    fn made(&self, path: &Path, file: &File) {
        let mut log = self.log.lock().unwrap();
        let number = log.num_files;
        log.num_files += 1;
        log.open.insert(file.metadata().unwrap().ino(), number);
        log.ends.insert(number, 0);
        let (directory, name) = self.name(&log, path);
        self.names(&mut log, directory, vec![(name, Some(Node::File(number)))]);
    }

    fn changed(&self, file: &File, change: impl FnOnce(&mut Log, usize) -> Change) {
        let mut log = self.log.lock().unwrap();
        let number = log.open[&file.metadata().unwrap().ino()];
        let change = change(&mut log, number);
        log.changes.push(change);
    }
}

fn apply(entries: &mut BTreeMap<String, Node>, names: &[(String, Option<Node>)]) {
    for (name, node) in names {
        match node {
            Some(node) => entries.insert(name.clone(), *node),
            None => entries.remove(name),
        };
    }
}

impl Disk for Recorder {
    fn create(&self, path: &Path) -> Result<File> {
        let file = System.create(path)?;
        self.made(path, &file);
        Ok(file)
    }

    fn open(&self, path: &Path) -> Result<File> {
        let is_new = path.symlink_metadata().is_err();
        let file = System.open(path)?;
        if is_new {
            self.made(path, &file);
        } else {
            let mut log = self.log.lock().unwrap();
            let (directory, name) = self.name(&log, path);
            let Some(&Node::File(number)) = log.directories[directory].get(&name) else {
                panic!("{} was not made here", path.display())
            };
            log.open.insert(file.metadata().unwrap().ino(), number);
            log.ends.insert(number, 0);
        }
        Ok(file)
    }

    fn write(&self, file: &File, path: &Path, bytes: &[u8]) -> Result<usize> {
        let len = System.write(file, path, bytes)?;
        self.changed(file, |log, file| {
            let end = log.ends.entry(file).or_default();
            let at = *end;
            *end += len;
            Change::Write { file, at, bytes: bytes[..len].into() }
        });
        Ok(len)
    }

    fn empty(&self, file: &File, path: &Path) -> Result<()> {
        System.empty(file, path)?;
        self.changed(file, |_, file| Change::Empty { file });
        Ok(())
    }

    fn sync(&self, file: &File, _path: &Path) -> Result<()> {
        // There is no need to wait for the real disk.
        self.changed(file, |_, file| Change::SyncFile { file });
        Ok(())
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        System.rename(from, to)?;
        let mut log = self.log.lock().unwrap();
        let ((from, old), (to, new)) = (self.name(&log, from), self.name(&log, to));
        let node = log.directories[from][&old];
        if from == to {
            self.names(&mut log, from, vec![(old, None), (new, Some(node))]);
        } else {
            self.names(&mut log, to, vec![(new, Some(node))]);
            self.names(&mut log, from, vec![(old, None)]);
        }
        Ok(())
    }

    fn remove(&self, path: &Path) -> Result<()> {
        System.remove(path)?;
        let mut log = self.log.lock().unwrap();
        let (directory, name) = self.name(&log, path);
        self.names(&mut log, directory, vec![(name, None)]);
        Ok(())
    }

    fn make_directory(&self, path: &Path) -> Result<()> {
        System.make_directory(path)?;
        let mut log = self.log.lock().unwrap();
        log.directories.push(BTreeMap::new());
        let node = Node::Directory(log.directories.len() - 1);
        let (directory, name) = self.name(&log, path);
        self.names(&mut log, directory, vec![(name, Some(node))]);
        Ok(())
    }

    fn remove_directory(&self, path: &Path) -> Result<()> {
        System.remove_directory(path)?;
        let mut log = self.log.lock().unwrap();
        let (directory, name) = self.name(&log, path);
        self.names(&mut log, directory, vec![(name, None)]);
        Ok(())
    }

    fn sync_directory(&self, path: &Path) -> Result<()> {
        let mut log = self.log.lock().unwrap();
        let directory = self.directory(&log, path);
        log.changes.push(Change::SyncDirectory { directory });
        Ok(())
    }
}

/// The disk at the moment when power fails: what was kept for certain, and what waits.
#[derive(Debug, Default)]
pub struct Moment {
    directories: Vec<Kept>,
    files: Vec<Bytes>,
    num_waiting: usize,
}

#[derive(Clone, Debug, Default)]
struct Kept {
    entries: BTreeMap<String, Node>,
    /// Changes of names that wait, with their place among all that wait.
    waiting: Vec<(usize, Names)>,
}

#[derive(Clone, Debug, Default)]
struct Bytes {
    kept: Vec<u8>,
    /// Writes that wait; `None` cuts the file to no bytes.
    waiting: Vec<Option<(usize, Arc<[u8]>)>>,
}

/// Files with their bytes, and directories, by path.
pub type Image = BTreeMap<PathBuf, Option<Vec<u8>>>;

impl Moment {
    /// The moment after `changes`.
    pub fn after(changes: &[Change]) -> Self {
        let mut moment = Moment::default();
        for change in changes {
            match change {
                Change::Names { directory, names } => {
                    let place = moment.num_waiting;
                    moment.num_waiting += 1;
                    moment.directory(*directory).waiting.push((place, names.clone()));
                }
                Change::Write { file, at, bytes } => {
                    moment.file(*file).waiting.push(Some((*at, bytes.clone())));
                }
                Change::Empty { file } => moment.file(*file).waiting.push(None),
                Change::SyncFile { file } => {
                    let file = moment.file(*file);
                    for change in std::mem::take(&mut file.waiting) {
                        write(&mut file.kept, &change);
                    }
                }
                Change::SyncDirectory { directory } => {
                    let directory = moment.directory(*directory);
                    for (_, names) in std::mem::take(&mut directory.waiting) {
                        apply(&mut directory.entries, &names);
                    }
                }
            }
        }
        moment
    }

    fn directory(&mut self, number: usize) -> &mut Kept {
        let len = self.directories.len().max(number + 1);
        self.directories.resize(len, Kept::default());
        &mut self.directories[number]
    }

    fn file(&mut self, number: usize) -> &mut Bytes {
        let len = self.files.len().max(number + 1);
        self.files.resize(len, Bytes::default());
        &mut self.files[number]
    }

    /// One of the images that a power failure may leave, chosen by `choose(n)`, which gives a number below n.
    pub fn image(&self, choose: &mut dyn FnMut(u64) -> u64) -> Image {
        // All changes of names, none, those up to some moment, or each by itself.
        let style = choose(6);
        let until = choose(self.num_waiting as u64 + 1) as usize;
        let odds = 1 + choose(15);
        let mut image = Image::new();
        let mut todo = vec![(PathBuf::new(), 0)];
        while let Some((path, number)) = todo.pop() {
            let Some(directory) = self.directories.get(number) else { continue };
            let mut entries = directory.entries.clone();
            for (place, names) in &directory.waiting {
                let is_done = match style {
                    0 => true,
                    1 => false,
                    2 => *place < until,
                    _ => choose(16) < odds,
                };
                if is_done {
                    apply(&mut entries, names);
                }
            }
            for (name, node) in entries {
                let path = path.join(name);
                match node {
                    Node::Directory(number) => {
                        image.insert(path.clone(), None);
                        todo.push((path, number));
                    }
                    Node::File(number) => {
                        let bytes = self.files.get(number).map(|file| file.image(choose));
                        image.insert(path, Some(bytes.unwrap_or_default()));
                    }
                }
            }
        }
        image
    }
}

fn write(bytes: &mut Vec<u8>, change: &Option<(usize, Arc<[u8]>)>) {
    match change {
        None => bytes.clear(),
        Some((at, written)) => {
            let end = at + written.len();
            bytes.resize(bytes.len().max(end), 0);
            bytes[*at..end].copy_from_slice(written);
        }
    }
}

impl Bytes {
    fn image(&self, choose: &mut dyn FnMut(u64) -> u64) -> Vec<u8> {
        let mut bytes = self.kept.clone();
        if self.waiting.is_empty() {
            return bytes;
        }
        // All there, all missing, the right length with zeros, or each write by itself.
        let style = choose(8);
        for change in &self.waiting {
            let fate = match style {
                0 | 1 => 0,
                2 => 1,
                3 => 2,
                _ => choose(5),
            };
            match (fate, change) {
                (0, change) => write(&mut bytes, change),
                (1, _) | (_, None) => {}
                (2, Some((at, written))) => {
                    let end = at + written.len();
                    bytes.resize(bytes.len().max(end), 0);
                    bytes[*at..end].fill(0);
                }
                (fate, Some((at, written))) => torn(&mut bytes, *at, written, fate == 3, choose),
            }
        }
        bytes
    }
}

/// Writes some sectors only: the first ones, or any.
fn torn(
    bytes: &mut Vec<u8>,
    at: usize,
    written: &[u8],
    first_ones: bool,
    choose: &mut dyn FnMut(u64) -> u64,
) {
    let end = at + written.len();
    let sectors = at / SECTOR..end.div_ceil(SECTOR);
    let first_missing = sectors.start + choose(sectors.len() as u64 + 1) as usize;
    for sector in sectors {
        let is_there = if first_ones { sector < first_missing } else { choose(2) == 0 };
        if is_there {
            let (from, to) = ((sector * SECTOR).max(at), ((sector + 1) * SECTOR).min(end));
            bytes.resize(bytes.len().max(to), 0);
            bytes[from..to].copy_from_slice(&written[from - at..to - at]);
        }
    }
    if choose(2) == 0 {
        bytes.resize(bytes.len().max(end), 0);
    }
}
