//! What a backup or a restoration writes: under a name of its own until it is whole.
//!
//! # Method
//! A new file or directory is made as `<name>.partial-<process>` beside its target, synced, and gets its name by one
//! rename that replaces nothing. Inside of a store's directory ([`Tree`]) the order is that of publishing
//! (`docs/format.md`, section 10): data files, their directories, the manifest, `CURRENT`. The SHA-256 of each file is
//! taken while it is written, and a file whose digest is not the expected one never gets its name.
//!
//! # Choices
//! On an error or a cancelled run the partial is removed; a killed process or a power failure can leave one, never half
//! a result under the real name. Nothing is synced twice after a failure.

use super::super::disk::{Disk, DiskFile, again};
use super::super::leftovers::{is_temporary, temporary_name};
use super::super::manifest::{Current, FileEntry, manifest_name};
use crate::error::{Error, Result};
use crate::run::Run;
use sha2::{Digest, Sha256};
use std::collections::BTreeSet;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes written and hashed between two looks at the run.
pub(super) const PIECE: usize = 4 << 20;
/// Partial names tried before giving up: leftovers of a killed process with our number may be in the way.
const PARTIALS_MAX: u32 = 100;
/// The directories of a store that backups fill.
const DIRECTORIES: [&str; 4] = ["keys", "segments", "attributes", "manifest"];

/// Checks that nothing is at `path`, and that the directory it shall stand in exists.
pub(super) fn check_new(path: &Path) -> Result<()> {
    match path.symlink_metadata() {
        Ok(_) => return Err(Error::Exists { path: path.to_path_buf() }),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(error) => return Err(Error::io(path)(error)),
    }
    if path.file_name().is_none() {
        return Err(Error::io(path)(std::io::Error::new(
            ErrorKind::InvalidInput,
            "does not name a file or directory",
        )));
    }
    let parent = parent(path);
    match parent.metadata() {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(Error::io(parent)(ErrorKind::NotADirectory.into())),
        Err(error) => Err(Error::io(parent)(error)),
    }
}

/// The directory that `path` stands in.
pub(super) fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// A new file or directory under its partial name: removed when dropped, unless it got its name.
#[derive(Debug)]
pub(super) struct Partial {
    disk: Arc<dyn Disk>,
    target: PathBuf,
    path: PathBuf,
    kept: bool,
}

impl Partial {
    /// Makes an empty directory that shall be `target`.
    pub(super) fn directory(disk: &Arc<dyn Disk>, target: &Path) -> Result<Self> {
        let (path, ()) = first_free(target, |path| disk.make_directory(path).map_err(Error::io(path)))?;
        Ok(Self::new(disk, target, path))
    }

    /// Makes an empty file that shall be `target`.
    pub(super) fn file(disk: &Arc<dyn Disk>, target: &Path) -> Result<(Self, DiskFile)> {
        let (path, file) = first_free(target, |path| DiskFile::create(disk, path.to_path_buf()))?;
        Ok((Self::new(disk, target, path), file))
    }

    fn new(disk: &Arc<dyn Disk>, target: &Path, path: PathBuf) -> Self {
        Partial { disk: disk.clone(), target: target.to_path_buf(), path, kept: false }
    }

    /// Where it is now.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Gives it its name. What is inside must have been synced.
    pub(super) fn publish(mut self) -> Result<()> {
        let renamed = self.disk.rename_new(&self.path, &self.target);
        renamed.map_err(|error| match error.kind() {
            ErrorKind::AlreadyExists => Error::Exists { path: self.target.clone() },
            _ => Error::io(&self.target)(error),
        })?;
        self.kept = true;
        let unsure = |error: std::io::Error| {
            let what = format!(
                "it is complete, but its name may not survive a power failure ({error}); verify it when the disk is well"
            );
            Error::io(&self.target)(std::io::Error::new(error.kind(), what))
        };
        again(|| self.disk.sync_directory(parent(&self.target))).map_err(unsure)
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if !self.kept {
            // There is nobody to tell; the name says what the leftover is.
            let _ = remove_tree(&*self.disk, &self.path);
        }
    }
}

/// Makes something under the first partial name of `target` that is free.
fn first_free<T>(target: &Path, make: impl Fn(&Path) -> Result<T>) -> Result<(PathBuf, T)> {
    check_new(target)?;
    let mut tries = 0;
    loop {
        let mut name = target.as_os_str().to_os_string();
        name.push(format!(".partial-{}", std::process::id()));
        if tries > 0 {
            name.push(format!("-{tries}"));
        }
        let path = PathBuf::from(name);
        match make(&path) {
            Ok(made) => return Ok((path, made)),
            Err(Error::Io { source, .. })
                if source.kind() == ErrorKind::AlreadyExists && tries < PARTIALS_MAX =>
            {
                tries += 1;
            }
            Err(error) => return Err(error),
        }
    }
}

/// Removes a file, or a directory with everything in it; links are removed, not followed.
pub(super) fn remove_tree(disk: &dyn Disk, path: &Path) -> std::io::Result<()> {
    if !path.symlink_metadata()?.is_dir() {
        return disk.remove(path);
    }
    for entry in std::fs::read_dir(path)? {
        remove_tree(disk, &entry?.path())?;
    }
    disk.remove_directory(path)
}

/// The files of one generation on their way into the directory of a store.
#[derive(Debug)]
pub(super) struct Tree {
    disk: Arc<dyn Disk>,
    root: PathBuf,
    /// Directories in which names changed.
    touched: BTreeSet<&'static str>,
    num_temporary: u64,
}

impl Tree {
    /// Of the directory `root`, which is there and which nobody else writes to.
    pub(super) fn new(disk: &Arc<dyn Disk>, root: &Path) -> Self {
        Tree { disk: disk.clone(), root: root.to_path_buf(), touched: BTreeSet::new(), num_temporary: 0 }
    }

    /// Removes temporary files that a killed process left.
    pub(super) fn clear(&self) -> Result<()> {
        for directory in DIRECTORIES.iter().map(|name| self.root.join(name)).chain([self.root.clone()]) {
            let entries = match std::fs::read_dir(&directory) {
                Ok(entries) => entries,
                Err(error) if error.kind() == ErrorKind::NotFound => continue,
                Err(error) => return Err(Error::io(&directory)(error)),
            };
            for entry in entries {
                let entry = entry.map_err(Error::io(&directory))?;
                if entry.file_name().to_str().is_some_and(is_temporary) {
                    self.disk.remove(&entry.path()).map_err(Error::io(&entry.path()))?;
                }
            }
        }
        Ok(())
    }

    /// Begins the file `name` of the store.
    pub(super) fn begin(&mut self, name: &str) -> Result<Landing> {
        let directory = DIRECTORIES
            .into_iter()
            .find(|directory| name.split_once('/').is_some_and(|(d, _)| d == *directory));
        let directory =
            directory.ok_or_else(|| Error::Unproved(format!("{name:?} is no file of a store")))?;
        let path = self.root.join(directory);
        match self.disk.make_directory(&path) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && path.is_dir() => {}
            made => made.map_err(Error::io(&path))?,
        }
        self.touched.insert(directory);
        let file = DiskFile::create(&self.disk, path.join(temporary_name(self.num_temporary)))?;
        self.num_temporary += 1;
        Ok(Landing { file, target: self.root.join(name), digest: Sha256::new(), bytes: 0, kept: false })
    }

    /// Writes a whole file from its bytes.
    pub(super) fn write(&mut self, entry: &FileEntry, from: &Path, bytes: &[u8], run: &Run) -> Result<()> {
        let mut file = self.begin(&entry.name)?;
        for piece in bytes.chunks(PIECE) {
            run.check()?;
            file.append(piece)?;
            run.advance(piece.len() as u64);
        }
        file.finish(entry, from)
    }

    /// Makes everything survive a power failure: files and names, and then the manifest, and then `CURRENT`.
    ///
    /// `manifest` are the bytes of the manifest of `current`, which came from the file `from`.
    pub(super) fn commit(mut self, current: Current, manifest: &[u8], from: &Path, run: &Run) -> Result<()> {
        for directory in std::mem::take(&mut self.touched) {
            self.sync_directory(&self.root.join(directory))?;
        }
        let name = manifest_name(current.generation);
        // A file with a final name is not written again where it is right already.
        if !holds(&self.root.join(&name), manifest) {
            let entry = FileEntry { name, bytes: manifest.len() as u64, sha256: current.manifest };
            self.write(&entry, from, manifest, run)?;
        }
        self.sync_directory(&self.root.join("manifest"))?;
        self.sync_directory(&self.root)?;
        run.check()?;
        let target = self.root.join("CURRENT");
        if !holds(&target, &current.encode()) {
            let mut file = DiskFile::create(&self.disk, self.root.join(temporary_name(self.num_temporary)))?;
            let written = file.append(&current.encode()).and_then(|()| file.sync());
            let renamed =
                written.and_then(|()| self.disk.rename(file.path(), &target).map_err(Error::io(&target)));
            if renamed.is_err() {
                let _ = self.disk.remove(file.path());
            }
            renamed?;
        }
        self.sync_directory(&self.root)
    }

    fn sync_directory(&self, path: &Path) -> Result<()> {
        again(|| self.disk.sync_directory(path)).map_err(Error::io(path))
    }
}

/// Whether the file `path` is there and holds exactly `bytes`.
fn holds(path: &Path, bytes: &[u8]) -> bool {
    let same_length =
        path.symlink_metadata().is_ok_and(|found| found.is_file() && found.len() == bytes.len() as u64);
    same_length && std::fs::read(path).is_ok_and(|found| found == bytes)
}

/// A file of a store that is being written. Removed when dropped before it is finished.
#[derive(Debug)]
pub(super) struct Landing {
    file: DiskFile,
    target: PathBuf,
    digest: Sha256,
    bytes: u64,
    kept: bool,
}

impl Landing {
    /// Writes and hashes the next bytes.
    pub(super) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        let (file, digest) = (&mut self.file, &mut self.digest);
        let (written, ()) = rayon::join(|| file.append(bytes), || digest.update(bytes));
        self.bytes += bytes.len() as u64;
        written
    }

    /// Gives the file its name, if it is the one that `entry` states; `from` is where its bytes were read.
    pub(super) fn finish(mut self, entry: &FileEntry, from: &Path) -> Result<()> {
        let digest: [u8; 32] = std::mem::take(&mut self.digest).finalize().into();
        if (self.bytes, digest) != (entry.bytes, entry.sha256) {
            let detail = "its SHA-256 is not the one in the manifest; nothing was made of it";
            return Err(Error::damaged(from, &entry.name, detail));
        }
        self.file.sync()?;
        self.file.disk().rename(self.file.path(), &self.target).map_err(Error::io(&self.target))?;
        self.kept = true;
        Ok(())
    }
}

impl Drop for Landing {
    fn drop(&mut self) {
        if !self.kept {
            let _ = self.file.disk().remove(self.file.path());
        }
    }
}
