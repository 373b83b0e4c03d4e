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

use super::disk::{Disk, DiskFile, System, again};
use super::format::FileKind;
use super::leftovers::{self, Found, LOCK};
use super::lock;
use super::manifest::{Current, FileEntry, Manifest, STEM_CHARS_MAX, manifest_name};
use super::open::live_manifest;
use super::scratch::Scratch;
use super::writer::{ContainerWriter, Sealed, Target};
use crate::error::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// The one writer of a store: holds its lock until dropped.
///
/// A writer that is dropped before it published removes what it wrote, and the store's directory if it made it; files of generations that were
/// published before stay.
#[derive(Debug)]
pub struct StoreWriter {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    /// Whether the store's directory is ours to remove.
    made_root: bool,
    /// Holds the lock as long as it is open.
    _lock: DiskFile,
    /// Whether the lock file's name survives a power failure.
    announced: Mutex<bool>,
    durable: bool,
    /// Set by the first sync that fails.
    spent: AtomicBool,
    /// Set before the step whose outcome may stay unknown: nothing is removed any more.
    committing: bool,
    /// Whether the next manifest, which nothing leads to yet, may have got its name from us.
    made_manifest: bool,
    num_temporary: AtomicU64,
    finished: Mutex<Vec<Finished>>,
    /// Directories that this writer made.
    made: Mutex<Vec<PathBuf>>,
    /// The generation that the next one follows; none in a new store.
    live: Option<(Current, Manifest)>,
}

/// A data file with its final name.
#[derive(Debug)]
struct Finished {
    entry: FileEntry,
    /// Whether a file of this name, and hence of this content, was there before, for a generation that may be in use.
    was_there: bool,
}

impl StoreWriter {
    /// Makes a new store at `path` and locks it. Leftovers of an unpublished attempt are cleared.
    ///
    /// # Errors
    /// [`Error::Exists`] if `path` holds a published store or anything else than leftovers of ours;
    /// [`Error::Locked`] if another writer is at work there.
    pub fn create(path: &Path) -> Result<Self> {
        Self::create_on(System::shared(), path)
    }

    /// As [`create`](Self::create), on another disk than the system's.
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_on(disk: Arc<dyn Disk>, path: &Path) -> Result<Self> {
        let made_root = match disk.make_directory(path) {
            Ok(()) => true,
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => false,
            Err(error) => return Err(Error::io(path)(error)),
        };
        let lock = Self::take(&disk, path, made_root).inspect_err(|_| {
            if made_root {
                // Empty, as we made it and did not get to write; if not, it is no longer ours alone.
                let _ = disk.remove_directory(path);
            }
        })?;
        let store = Self::new(disk, path, lock, made_root, None);
        leftovers::clear(&*store.disk, path)?;
        Ok(store)
    }

    /// Locks the store at `path` to publish the generation after its live one. What a killed writer was writing is cleared.
    ///
    /// # Errors
    /// Those of [`Store::open`](super::Store::open) for what is no store or a damaged one; [`Error::Locked`] if another writer is at work there.
    pub fn append(path: &Path) -> Result<Self> {
        Self::append_on(System::shared(), path)
    }

    /// As [`append`](Self::append), on another disk than the system's.
    ///
    /// # Errors
    /// As [`append`](Self::append).
    pub fn append_on(disk: Arc<dyn Disk>, path: &Path) -> Result<Self> {
        // Looked at before the lock, so that nothing is made in a directory of somebody else.
        live_manifest(path)?;
        let lock = lock::take(&disk, path, false)?;
        let live = live_manifest(path)?;
        leftovers::clear_temporary(&*disk, path)?;
        Ok(Self::new(disk, path, lock, false, Some(live)))
    }

    fn new(
        disk: Arc<dyn Disk>,
        path: &Path,
        lock: DiskFile,
        made_root: bool,
        live: Option<(Current, Manifest)>,
    ) -> Self {
        StoreWriter {
            disk,
            root: path.to_path_buf(),
            made_root,
            _lock: lock,
            announced: Mutex::new(live.is_some()),
            durable: true,
            spent: AtomicBool::new(false),
            committing: false,
            made_manifest: false,
            num_temporary: AtomicU64::new(0),
            finished: Mutex::new(Vec::new()),
            made: Mutex::new(Vec::new()),
            live,
        }
    }

    /// The disk that is written to.
    pub(super) fn disk(&self) -> &Arc<dyn Disk> {
        &self.disk
    }

    /// The store's directory.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// Locks the directory, if nothing but leftovers of ours is in it.
    fn take(disk: &Arc<dyn Disk>, path: &Path, made_root: bool) -> Result<DiskFile> {
        let refuse_others = || match leftovers::look(path)? {
            Found::Leftovers => Ok(()),
            Found::Others => Err(Error::Exists { path: path.to_path_buf() }),
        };
        // Looked at before the lock, so that nothing is made in a directory of somebody else.
        refuse_others()?;
        let lock = lock::take(disk, path, made_root)?;
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
        let file = self.temporary(Some(directory))?;
        ContainerWriter::new(Target::new(file, format!("{directory}/{}", plain_stem(stem))), kind)
    }

    /// A new scratch file in the store's directory.
    pub(crate) fn scratch(&self) -> Result<Scratch> {
        self.refuse_spent()?;
        self.announce()?;
        let number = self.num_temporary.fetch_add(1, Ordering::Relaxed);
        Scratch::create(&self.disk, self.root.join(leftovers::temporary_name(number)))
    }

    /// Ends a data file: syncs it and gives it its final name.
    ///
    /// # Errors
    /// [`Error::Io`] if the system refuses; after a sync that failed, this writer refuses everything.
    pub fn finish(&self, file: ContainerWriter) -> Result<FileEntry> {
        self.refuse_spent()?;
        let Sealed { target, entry } = file.seal()?;
        self.sync(&target.file)?;
        let path = self.root.join(&entry.name);
        let was_there = path.exists();
        target.rename(&path)?;
        self.finished().push(Finished { entry: entry.clone(), was_there });
        Ok(entry)
    }

    /// Gives a small file of the store's directory its content, in place of what it had. Its name survives a power failure once that
    /// directory is synced, as the next publication does before its last step.
    pub(super) fn put(&self, name: &str, bytes: &[u8]) -> Result<()> {
        self.refuse_spent()?;
        let temporary = self.small(None, bytes)?;
        let path = self.root.join(name);
        self.disk.rename(&temporary, &path).map_err(Error::io(&path))
    }

    /// Publishes `manifest` as the live generation; when this returns, the generation survives a power failure.
    ///
    /// # Errors
    /// [`Error::Unproved`] if the manifest names a file that this writer did not finish, or is not that of a first
    /// generation; [`Error::Io`] if the system refuses before the last step, and then nothing is published and
    /// everything is removed; [`Error::CommitUnknown`] if it refuses at the last step, and then nothing is removed.
    pub fn publish(mut self, manifest: &Manifest) -> Result<()> {
        self.publish_held(manifest)
    }

    /// As [`publish`](Self::publish), and holds the lock on: nobody else publishes or collects until this writer, which writes nothing more, is dropped.
    pub(super) fn publish_held(&mut self, manifest: &Manifest) -> Result<()> {
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
        let temporary = self.small(Some("manifest"), &bytes)?;
        self.made_manifest = true;
        self.disk.rename(&temporary, &file).map_err(Error::io(&file))?;
        self.sync_directory(&self.root.join("manifest"))?;
        // The directories themselves, and the store's own name, before anything leads to them.
        self.sync_directory(&self.root)?;
        self.sync_parent()?;

        let temporary = self.small(None, &Current::of(generation, &bytes).encode())?;
        self.committing = true;
        let unknown = |source| Error::CommitUnknown { path: self.root.clone(), generation, source };
        self.disk.rename(&temporary, &self.root.join("CURRENT")).map_err(unknown)?;
        if self.durable {
            again(|| self.disk.sync_directory(&self.root)).map_err(unknown)?;
        }
        self.spent.store(true, Ordering::Relaxed);
        Ok(())
    }

    fn finished(&self) -> std::sync::MutexGuard<'_, Vec<Finished>> {
        self.finished.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refuse_wrong(&self, manifest: &Manifest) -> Result<()> {
        let before = self.live.as_ref();
        let expected =
            before.map_or((1, None), |(current, _)| (current.generation + 1, Some(current.manifest)));
        if (manifest.generation, manifest.parent) != expected {
            let what = format!("generation {} was handed over, not {}", manifest.generation, expected.0);
            return Err(Error::Unproved(what));
        }
        let finished = self.finished();
        let is_there = |entry: &FileEntry| {
            finished.iter().any(|file| file.entry == *entry)
                || before.is_some_and(|(_, before)| before.files().any(|known| known == entry))
        };
        match manifest.files().find(|entry| !is_there(entry)) {
            Some(entry) => {
                Err(Error::Unproved(format!("the manifest names {}, which was not written", entry.name)))
            }
            None => Ok(()),
        }
    }

    /// Removes files that were finished but are not part of the generation.
    fn remove_unnamed(&self, manifest: &Manifest) -> Result<()> {
        for Finished { entry, was_there } in self.finished().iter() {
            if !was_there && !manifest.files().any(|named| named.name == entry.name) {
                let path = self.root.join(&entry.name);
                match self.disk.remove(&path) {
                    Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                        return Err(Error::io(&path)(error));
                    }
                    _ => {}
                }
            }
        }
        Ok(())
    }

    /// Lets the lock file's name survive a power failure before anything is made beside it: without it, what is left
    /// would not be known as ours, and the next writer would be refused. Its bytes need no sync: none, or zeros, are
    /// known as ours too.
    fn announce(&self) -> Result<()> {
        let mut announced = self.announced.lock().unwrap_or_else(PoisonError::into_inner);
        if !*announced {
            self.sync_directory(&self.root)?;
            *announced = true;
        }
        Ok(())
    }

    /// Syncs the directory that the store is in. A store's directory that was there before may be young as well: a
    /// writer may have made it and been killed. Where we may not look into its parent, somebody else made it.
    fn sync_parent(&self) -> Result<()> {
        let (Some(parent), None) = (self.root.parent(), &self.live) else { return Ok(()) };
        let parent = if parent.as_os_str().is_empty() { Path::new(".") } else { parent };
        if !self.made_root && std::fs::read_dir(parent).is_err() {
            return Ok(());
        }
        self.sync_directory(parent)
    }

    fn make_directory(&self, name: &str) -> Result<()> {
        self.announce()?;
        let path = self.root.join(name);
        match self.disk.make_directory(&path) {
            Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists && path.is_dir() => Ok(()),
            Err(error) => Err(Error::io(&path)(error)),
            Ok(()) => {
                self.made.lock().unwrap_or_else(PoisonError::into_inner).push(path);
                Ok(())
            }
        }
    }

    /// Makes a new file under a temporary name in a directory of the store, or in the store itself.
    fn temporary(&self, directory: Option<&str>) -> Result<DiskFile> {
        let number = self.num_temporary.fetch_add(1, Ordering::Relaxed);
        let name = leftovers::temporary_name(number);
        let path = directory
            .map_or_else(|| self.root.join(&name), |directory| self.root.join(directory).join(&name));
        DiskFile::create(&self.disk, path)
    }

    /// Writes a small file under a temporary name and syncs it.
    fn small(&self, directory: Option<&str>, bytes: &[u8]) -> Result<PathBuf> {
        let mut file = self.temporary(directory)?;
        file.append(bytes)?;
        self.sync(&file)?;
        Ok(file.path().to_path_buf())
    }

    fn refuse_spent(&self) -> Result<()> {
        if self.spent.load(Ordering::Relaxed) {
            let source =
                std::io::Error::other("an earlier sync failed, so nothing more is written; start again");
            return Err(Error::Io { path: self.root.clone(), source });
        }
        Ok(())
    }

    fn sync(&self, file: &DiskFile) -> Result<()> {
        self.synced(|| file.sync())
    }

    fn sync_directory(&self, path: &Path) -> Result<()> {
        self.synced(|| again(|| self.disk.sync_directory(path)).map_err(Error::io(path)))
    }

    fn synced(&self, sync: impl FnOnce() -> Result<()>) -> Result<()> {
        if !self.durable {
            return Ok(());
        }
        sync().inspect_err(|_| self.spent.store(true, Ordering::Relaxed))
    }
}

impl Drop for StoreWriter {
    fn drop(&mut self) {
        if self.committing {
            return;
        }
        // There is nobody to tell; what stays is cleared by the next writer.
        if let Some((current, _)) = &self.live {
            for Finished { entry, .. } in self.finished().iter().filter(|file| !file.was_there) {
                let _ = self.disk.remove(&self.root.join(&entry.name));
            }
            if self.made_manifest {
                let _ = self.disk.remove(&self.root.join(manifest_name(current.generation + 1)));
            }
            let _ = leftovers::clear_temporary(&*self.disk, &self.root);
            for directory in self.made.get_mut().unwrap_or_else(PoisonError::into_inner) {
                let _ = self.disk.remove_directory(directory);
            }
            return;
        }
        // The lock file goes last, also if power fails, and not before all else went: what is left is known as ours by it.
        let cleared = leftovers::clear(&*self.disk, &self.root)
            .and_then(|()| if *self.spent.get_mut() { Ok(()) } else { self.sync_directory(&self.root) });
        if cleared.is_err() {
            return;
        }
        let _ = self.disk.remove(&self.root.join(LOCK));
        if self.made_root {
            let _ = self.disk.remove_directory(&self.root);
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
