//! Publishing a generation: write, sync, rename, in the one order that is safe.
//!
//! # Method
//! A data file is written under a temporary name in its final directory, synced
//! and renamed. Then the directories are synced, then the manifest goes the same
//! way, and at last `CURRENT` is replaced by rename: the one moment at which a
//! generation becomes live. Until then nothing refers to the new files, and
//! whoever opens the store sees the generation before.
//!
//! # Choices
//! A sync that failed is never tried again, because the system may have dropped
//! what it could not write and report success the second time: the writer is
//! spent. From the rename of `CURRENT` on, a failure says that the outcome is
//! unknown and nothing is deleted. One writer holds `LOCK`; its lock ends with
//! the process, whatever happens to it.
//!
//! # Source
//! Pillai et al.: All File Systems Are Not Created Equal, OSDI 2014. Rebello et
//! al.: Can Applications Recover from fsync Failures?, USENIX ATC 2020.

use super::format::FileKind;
use super::leftovers::{self, Found, LOCK};
use super::manifest::{Current, FileEntry, Manifest, manifest_name};
use super::writer::{ContainerWriter, Sealed, Target};
use crate::error::{Error, Result};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Longest stem of a file name; the rest is cut.
const STEM_CHARS_MAX: usize = 64;

/// The one writer of a store: holds its lock until dropped.
///
/// A writer that is dropped before it published removes what it wrote, and the store's directory if it made it.
#[derive(Debug)]
pub struct StoreWriter {
    root: PathBuf,
    /// Whether the store's directory is ours to remove.
    made_root: bool,
    /// Holds the lock as long as it is open.
    _lock: File,
    durable: bool,
    /// Set by the first sync that fails.
    spent: AtomicBool,
    /// Set before the step whose outcome may stay unknown: nothing is removed any more.
    committing: bool,
    num_temporary: AtomicU64,
    finished: Mutex<Vec<FileEntry>>,
}

impl StoreWriter {
    /// Makes a new store at `path` and locks it. Leftovers of an unpublished attempt are cleared.
    ///
    /// # Errors
    /// [`Error::Exists`] if `path` holds a published store or anything else than leftovers of ours;
    /// [`Error::Locked`] if another writer is at work there.
    pub fn create(path: &Path) -> Result<Self> {
        let made_root = match new_directory().create(path) {
            Ok(()) => true,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(Error::io(path)(error)),
        };
        let lock = Self::take(path).inspect_err(|_| {
            if made_root {
                // Empty, as we made it and did not get to write; if not, it is no longer ours alone.
                let _ = std::fs::remove_dir(path);
            }
        })?;
        let store = StoreWriter {
            root: path.to_path_buf(),
            made_root,
            _lock: lock,
            durable: true,
            spent: AtomicBool::new(false),
            committing: false,
            num_temporary: AtomicU64::new(0),
            finished: Mutex::new(Vec::new()),
        };
        leftovers::clear(path)?;
        Ok(store)
    }

    /// Locks the directory, if nothing but leftovers of ours is in it.
    fn take(path: &Path) -> Result<File> {
        let refuse_others = || match leftovers::look(path)? {
            Found::Leftovers => Ok(()),
            Found::Others => Err(Error::Exists { path: path.to_path_buf() }),
        };
        // Looked at before the lock, so that nothing is made in a directory of somebody else.
        refuse_others()?;
        let lock = lock(path)?;
        // And again behind the lock, as another writer may have published in between.
        refuse_others()?;
        Ok(lock)
    }

    /// Whether files are synced before they count (default `true`). Without it a power failure may lose the store;
    /// meant for measurements and scratch stores.
    pub fn set_durable(&mut self, durable: bool) {
        self.durable = durable;
    }

    /// Begins a data file: `directory` is `segments`, `keys` or `attributes`; its final name is
    /// `<directory>/<stem>-<content id>.<extension>`. Several may be written at a time, from several threads.
    ///
    /// The extension goes with the directory: `seg`, `keys`, `col`. Characters of the stem other than ASCII letters,
    /// digits, `-`, `_` and inner `.` become `_`.
    ///
    /// # Errors
    /// [`Error::Unproved`] for another directory or extension; [`Error::Io`] if the file cannot be made.
    pub fn file(&self, directory: &str, stem: &str, extension: &str) -> Result<ContainerWriter> {
        let kind = FileKind::of_directory(directory).filter(|kind| kind.extension() == extension);
        let kind =
            kind.ok_or_else(|| Error::Unproved(format!("there are no files {directory}/*.{extension}")))?;
        self.refuse_spent()?;
        self.make_directory(directory)?;
        let (temporary, file) = self.temporary(Some(directory))?;
        let target = Target { temporary, kept: false, stem: format!("{directory}/{}", plain_stem(stem)) };
        ContainerWriter::new(target, file, kind)
    }

    /// Ends a data file: syncs it and gives it its final name.
    ///
    /// # Errors
    /// [`Error::Io`] if the system refuses; after a sync that failed, this writer refuses everything.
    pub fn finish(&self, file: ContainerWriter) -> Result<FileEntry> {
        self.refuse_spent()?;
        let Sealed { mut target, file, entry } = file.seal()?;
        self.sync(&file, &target.temporary)?;
        drop(file);
        let path = self.root.join(&entry.name);
        std::fs::rename(&target.temporary, &path).map_err(Error::io(&path))?;
        target.kept = true;
        self.finished().push(entry.clone());
        Ok(entry)
    }

    /// Publishes `manifest` as the live generation; when this returns, the generation survives a power failure.
    ///
    /// # Errors
    /// [`Error::Unproved`] if the manifest names a file that this writer did not finish, or is not that of a first
    /// generation; [`Error::Io`] if the system refuses before the last step, and then nothing is published and
    /// everything is removed; [`Error::CommitUnknown`] if it refuses at the last step, and then nothing is removed.
    pub fn publish(mut self, manifest: &Manifest) -> Result<()> {
        self.refuse_spent()?;
        self.refuse_wrong(manifest)?;
        let bytes = manifest.encode()?;
        let generation = manifest.generation;
        let file = self.root.join(manifest_name(generation));
        // What `CURRENT` will lead to must be readable before it does.
        Manifest::decode(&file, &bytes)?;
        self.remove_unnamed(manifest)?;

        for directory in ["keys", "segments", "attributes"] {
            let directory = self.root.join(directory);
            if directory.is_dir() {
                self.sync_directory(&directory)?;
            }
        }
        self.make_directory("manifest")?;
        self.replace(&file, Some("manifest"), &bytes)?;
        self.sync_directory(&self.root.join("manifest"))?;
        // The directories themselves, and the store's own name, before anything leads to them.
        self.sync_directory(&self.root)?;
        if let (true, Some(parent)) = (self.made_root, self.root.parent()) {
            let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
            self.sync_directory(parent)?;
        }

        let (temporary, mut file) = self.temporary(None)?;
        file.write_all(&Current::of(generation, &bytes).encode()).map_err(Error::io(&temporary))?;
        self.sync(&file, &temporary)?;
        drop(file);
        self.committing = true;
        let unknown = |source| Error::CommitUnknown { path: self.root.clone(), generation, source };
        std::fs::rename(&temporary, self.root.join("CURRENT")).map_err(unknown)?;
        if self.durable {
            sync_directory(&self.root).map_err(unknown)?;
        }
        Ok(())
    }

    fn finished(&self) -> std::sync::MutexGuard<'_, Vec<FileEntry>> {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse_wrong(&self, manifest: &Manifest) -> Result<()> {
        if manifest.generation != 1 || manifest.parent.is_some() {
            let what = format!("generation {} was handed to a new store", manifest.generation);
            return Err(Error::Unproved(what));
        }
        let finished = self.finished();
        match manifest.files().find(|entry| !finished.contains(entry)) {
            Some(entry) => {
                Err(Error::Unproved(format!("the manifest names {}, which was not written", entry.name)))
            }
            None => Ok(()),
        }
    }

    /// Removes files that were finished but are not part of the generation.
    fn remove_unnamed(&self, manifest: &Manifest) -> Result<()> {
        for entry in self.finished().iter() {
            if !manifest.files().any(|named| named.name == entry.name) {
                let path = self.root.join(&entry.name);
                match std::fs::remove_file(&path) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(Error::io(&path)(error));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    fn make_directory(&self, name: &str) -> Result<()> {
        let path = self.root.join(name);
        match new_directory().create(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            made => made.map_err(Error::io(&path)),
        }
    }

    /// Makes a new file under a temporary name in a directory of the store, or in the store itself.
    fn temporary(&self, directory: Option<&str>) -> Result<(PathBuf, File)> {
        let number = self.num_temporary.fetch_add(1, Ordering::Relaxed);
        let name = leftovers::temporary_name(number);
        let path = directory
            .map_or_else(|| self.root.join(&name), |directory| self.root.join(directory).join(&name));
        let file = new_file().create_new(true).open(&path).map_err(Error::io(&path))?;
        Ok((path, file))
    }

    /// Writes a small file and gives it its final name.
    fn replace(&self, path: &Path, directory: Option<&str>, bytes: &[u8]) -> Result<()> {
        let (temporary, mut file) = self.temporary(directory)?;
        file.write_all(bytes).map_err(Error::io(&temporary))?;
        self.sync(&file, &temporary)?;
        drop(file);
        std::fs::rename(&temporary, path).map_err(Error::io(path))
    }

    fn refuse_spent(&self) -> Result<()> {
        if self.spent.load(Ordering::Relaxed) {
            let source =
                std::io::Error::other("an earlier sync failed, so nothing more is written; start again");
            return Err(Error::Io { path: self.root.clone(), source });
        }
        Ok(())
    }

    fn sync(&self, file: &File, path: &Path) -> Result<()> {
        self.synced(path, || file.sync_all())
    }

    fn sync_directory(&self, path: &Path) -> Result<()> {
        self.synced(path, || sync_directory(path))
    }

    fn synced(&self, path: &Path, sync: impl FnOnce() -> std::io::Result<()>) -> Result<()> {
        if !self.durable {
            return Ok(());
        }
        sync().map_err(|error| {
            self.spent.store(true, Ordering::Relaxed);
            Error::io(path)(error)
        })
    }
}

impl Drop for StoreWriter {
    fn drop(&mut self) {
        if self.committing {
            return;
        }
        // There is nobody to tell; what stays is cleared by the next writer.
        let _ = leftovers::clear(&self.root);
        let _ = std::fs::remove_file(self.root.join(LOCK));
        if self.made_root {
            let _ = std::fs::remove_dir(&self.root);
        }
    }
}

/// The stem as it may stand in a file name.
fn plain_stem(stem: &str) -> String {
    let plain = |(place, c): (usize, char)| match c {
        'a'..='z' | 'A'..='Z' | '0'..='9' | '-' | '_' => c,
        '.' if place > 0 => c,
        _ => '_',
    };
    let stem: String = stem.chars().take(STEM_CHARS_MAX).enumerate().map(plain).collect();
    if stem.is_empty() { "_".to_string() } else { stem }
}

/// Takes the lock of the store at `root`, and says in it who holds it.
fn lock(root: &Path) -> Result<File> {
    let path = root.join(LOCK);
    loop {
        let file =
            new_file().read(true).create(true).truncate(false).open(&path).map_err(Error::io(&path))?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Only for people: what cannot be read is not worth another error.
                let _ = file.take(256).read_to_string(&mut holder);
                let holder = holder.lines().nth(1).unwrap_or("which did not say its name").to_string();
                let holder = holder.chars().filter(|c| !c.is_control()).collect();
                return Err(Error::Locked { path, holder });
            }
            Err(TryLockError::Error(error)) => return Err(Error::io(&path)(error)),
        }
        // The holder before may have removed the file between our opening and locking it.
        if !is_same_file(&file, &path).map_err(Error::io(&path))? {
            continue;
        }
        let command = std::env::current_exe().ok();
        let command =
            command.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        let holder = format!("{}pid {}, {command}\n", leftovers::LOCK_MARK, std::process::id());
        file.set_len(0).and_then(|()| (&file).write_all(holder.as_bytes())).map_err(Error::io(&path))?;
        return Ok(file);
    }
}

#[cfg(unix)]
fn is_same_file(file: &File, path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let open = file.metadata()?;
    match std::fs::symlink_metadata(path) {
        Ok(named) => Ok((open.dev(), open.ino()) == (named.dev(), named.ino())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

#[cfg(not(unix))]
fn is_same_file(_file: &File, path: &Path) -> std::io::Result<bool> {
    // An open file cannot be removed there.
    Ok(path.exists())
}

#[cfg(unix)]
fn sync_directory(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

#[cfg(not(unix))]
fn sync_directory(_path: &Path) -> std::io::Result<()> {
    // Directories cannot be opened there; renames are journalled by the file system.
    Ok(())
}

/// For files that only their owner may read.
fn new_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// For directories that only their owner may enter.
fn new_directory() -> std::fs::DirBuilder {
    #[allow(unused_mut)]
    let mut builder = std::fs::DirBuilder::new();
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::keys::KeyList;
    use crate::store::manifest::{Partition, Schema};
    use crate::store::{Io, Keys, Store};

    /// A manifest of a store that has keys of accounts and nothing else.
    fn manifest(account_keys: FileEntry) -> Manifest {
        let schema = Schema {
            partition: Partition::Month,
            currencies: Vec::new(),
            channels: Vec::new(),
            labels: Vec::new(),
            mapping: String::new(),
        };
        Manifest {
            generation: 1,
            parent: None,
            tool: "test".to_string(),
            schema,
            num_accounts: 3,
            account_keys,
            kinds: Vec::new(),
            segments: Vec::new(),
            static_links: None,
            attributes: None,
            sources: Vec::new(),
            totals: Vec::new(),
        }
    }

    fn write_keys(store: &StoreWriter, first: u64) -> FileEntry {
        let mut file = store.file("keys", "accounts", "keys").unwrap();
        Keys::write(&KeyList::Numbers(vec![first, first + 1, first + 5]), &mut file).unwrap();
        store.finish(file).unwrap()
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).unwrap();
        let mut names: Vec<_> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn what_was_published_opens() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bank.ring");
        let store = StoreWriter::create(&path).unwrap();
        let keys = write_keys(&store, 7);
        let unused = write_keys(&store, 1);
        store.publish(&manifest(keys.clone())).unwrap();
        assert_eq!(names(&path), ["CURRENT", "LOCK", "keys", "manifest"]);
        assert_eq!(names(&path.join("keys")), [keys.name.strip_prefix("keys/").unwrap()]);
        assert_ne!(keys, unused);
        for io in [Io::Mmap, Io::Read] {
            let store = Store::open(&path, io).unwrap();
            assert_eq!(store.manifest, manifest(keys.clone()));
            assert_eq!(store.account_keys().find(b"12").unwrap(), Some(2));
        }
        assert!(matches!(StoreWriter::create(&path), Err(Error::Exists { .. })));
    }

    #[test]
    #[cfg(unix)]
    fn only_the_owner_may_read_a_store() {
        use std::os::unix::fs::PermissionsExt;
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bank.ring");
        let store = StoreWriter::create(&path).unwrap();
        let keys = write_keys(&store, 7);
        let name = keys.name.clone();
        store.publish(&manifest(keys)).unwrap();
        let mode = |name: &str| std::fs::metadata(path.join(name)).unwrap().permissions().mode() & 0o777;
        assert_eq!([mode("."), mode("keys"), mode("manifest")], [0o700; 3]);
        assert_eq!([mode("CURRENT"), mode("LOCK"), mode(&name)], [0o600; 3]);
    }

    #[test]
    fn a_writer_that_does_not_publish_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        for made in [true, false] {
            let path = directory.path().join("bank.ring");
            if !made {
                std::fs::create_dir(&path).unwrap();
            }
            let store = StoreWriter::create(&path).unwrap();
            write_keys(&store, 7);
            let open = store.file("segments", "2024-05", "seg").unwrap();
            drop(store);
            drop(open);
            assert_eq!(path.exists(), !made);
        }
        assert_eq!(names(&directory.path().join("bank.ring")), [""; 0]);
    }

    #[test]
    fn a_second_writer_is_told_who_holds_the_store() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bank.ring");
        let store = StoreWriter::create(&path).unwrap();
        write_keys(&store, 7);
        match StoreWriter::create(&path) {
            Err(Error::Locked { holder, .. }) => {
                assert!(holder.contains(&std::process::id().to_string()), "{holder}")
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(names(&path), ["LOCK", "keys"]);
        drop(store);
        drop(StoreWriter::create(&path).unwrap());
        assert!(!path.exists());
    }

    #[test]
    fn manifests_that_name_other_files_are_not_published() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("bank.ring");
        let refused = |change: fn(&mut Manifest)| {
            let store = StoreWriter::create(&path).unwrap();
            let mut manifest = manifest(write_keys(&store, 7));
            change(&mut manifest);
            assert!(matches!(store.publish(&manifest), Err(Error::Unproved(_))));
            assert!(!path.exists());
        };
        refused(|manifest| manifest.account_keys.sha256[0] ^= 1);
        refused(|manifest| manifest.account_keys.name = "keys/other".to_string());
        refused(|manifest| manifest.generation = 2);
    }

    #[test]
    fn stems_become_plain() {
        assert_eq!(plain_stem("2024-05"), "2024-05");
        assert_eq!(plain_stem("../e.mail"), "_._e.mail");
        assert_eq!(plain_stem("设备"), "__");
        assert_eq!(plain_stem(""), "_");
        assert_eq!(plain_stem(&"x".repeat(500)).len(), STEM_CHARS_MAX);
    }
}
