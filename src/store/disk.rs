//! The door to the disk: everything that the store writes goes through one small trait.
//!
//! # Choices
//! Reading and locking go to the system directly: they change nothing. What
//! changes the disk is one call of [`Disk`] each, with its path, so that tests can
//! let the n-th call fail, stop the process there, or write down what would be
//! lost if power failed (`tests/faults`). Writes come in pieces of up to
//! mebibytes, so the door costs nothing that can be measured.
//!
//! A call that a signal interrupted is made again where that changes nothing but
//! its being done: opening, writing, syncing. A write that took only a part of
//! the bytes is continued. A sync that failed for any other reason is never tried
//! again: the system may have dropped what it could not write and then report
//! success. Renaming and removing are not repeated either, as the second attempt
//! would not know what the first one did.
//!
//! # Source
//! Rebello et al.: Can Applications Recover from fsync Failures?, USENIX ATC 2020.

use crate::error::{Error, Result};
use std::fmt::Debug;
use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// What changes a disk. [`System`] is the one that counts; others are made by tests.
///
/// `path` beside a `file` is the name that it was opened by.
pub trait Disk: Debug + Send + Sync {
    /// Makes a new, empty file that only its owner may read; an error if there is anything of that name.
    fn create(&self, path: &Path) -> io::Result<File>;
    /// Opens a file for reading and writing; makes it if there is none, as [`create`](Self::create) does.
    fn open(&self, path: &Path) -> io::Result<File>;
    /// Writes a part of `bytes` behind what was written before; returns how many were taken.
    fn write(&self, file: &File, path: &Path, bytes: &[u8]) -> io::Result<usize>;
    /// Cuts an open file to no bytes.
    fn empty(&self, file: &File, path: &Path) -> io::Result<()>;
    /// Makes the bytes and the length of a file survive a power failure; not its name.
    fn sync(&self, file: &File, path: &Path) -> io::Result<()>;
    /// Gives a file another name, in place of whatever had it.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// Gives a file or directory a name that nothing has; an error of the kind `AlreadyExists` if something has it.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        if to.symlink_metadata().is_ok() {
            return Err(ErrorKind::AlreadyExists.into());
        }
        self.rename(from, to)
    }
    /// Removes a file.
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes a directory that only its owner may enter.
    fn make_directory(&self, path: &Path) -> io::Result<()>;
    /// Removes an empty directory.
    fn remove_directory(&self, path: &Path) -> io::Result<()>;
    /// Makes the names in a directory survive a power failure: what was made, renamed and removed in it.
    fn sync_directory(&self, path: &Path) -> io::Result<()>;
}

/// The disk of the system.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl System {
    /// The disk of the system, to be shared.
    pub fn shared() -> Arc<dyn Disk> {
        Arc::new(System)
    }
}

impl Disk for System {
    fn create(&self, path: &Path) -> io::Result<File> {
        for_owner().write(true).create_new(true).open(path)
    }

    fn open(&self, path: &Path) -> io::Result<File> {
        for_owner().read(true).write(true).create(true).truncate(false).open(path)
    }

    fn write(&self, mut file: &File, _path: &Path, bytes: &[u8]) -> io::Result<usize> {
        file.write(bytes)
    }

    fn empty(&self, file: &File, _path: &Path) -> io::Result<()> {
        file.set_len(0)
    }

    fn sync(&self, file: &File, _path: &Path) -> io::Result<()> {
        file.sync_all()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        std::fs::rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        use rustix::fs::{CWD, RenameFlags, renameat_with};
        use rustix::io::Errno;
        match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            // Where the file system cannot promise it, it is looked first.
            Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if to.symlink_metadata().is_err() => {
                self.rename(from, to)
            }
            renamed => renamed.map_err(Into::into),
        }
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_file(path)
    }

    fn make_directory(&self, path: &Path) -> io::Result<()> {
        #[allow(unused_mut)]
        let mut builder = std::fs::DirBuilder::new();
        #[cfg(unix)]
        std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
        builder.create(path)
    }

    fn remove_directory(&self, path: &Path) -> io::Result<()> {
        std::fs::remove_dir(path)
    }

    #[cfg(unix)]
    fn sync_directory(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    #[cfg(not(unix))]
    fn sync_directory(&self, _path: &Path) -> io::Result<()> {
        // Directories cannot be opened there; renames are journalled by the file system.
        Ok(())
    }
}

/// For files that only their owner may read.
fn for_owner() -> OpenOptions {
    #[allow(unused_mut)]
    let mut options = OpenOptions::new();
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

/// A file that is being written through a [`Disk`].
///
/// As a [`Write`] it hands over one call after another, unbuffered; [`append`](Self::append) writes everything and
/// names the file where that fails.
#[derive(Debug)]
pub struct DiskFile {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    file: File,
}

impl DiskFile {
    /// Makes a new file.
    ///
    /// # Errors
    /// [`Error::Io`] if there is one of that name, or the system refuses.
    pub fn create(disk: &Arc<dyn Disk>, path: PathBuf) -> Result<Self> {
        let file = again(|| disk.create(&path)).map_err(Error::io(&path))?;
        Ok(DiskFile { disk: disk.clone(), path, file })
    }

    /// Opens a file, or makes it if there is none. What is written next stands at its beginning.
    ///
    /// # Errors
    /// [`Error::Io`] if the system refuses.
    pub fn open(disk: &Arc<dyn Disk>, path: PathBuf) -> Result<Self> {
        let file = again(|| disk.open(&path)).map_err(Error::io(&path))?;
        Ok(DiskFile { disk: disk.clone(), path, file })
    }

    /// The name that it was opened by.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The disk that it is on.
    pub fn disk(&self) -> &dyn Disk {
        &*self.disk
    }

    /// The open file, to be read, looked at or locked.
    pub fn file(&self) -> &File {
        &self.file
    }

    /// Writes all of `bytes`.
    ///
    /// # Errors
    /// [`Error::Io`] if the system refuses; some of the bytes may have been written.
    pub fn append(&mut self, bytes: &[u8]) -> Result<()> {
        self.write_all(bytes).map_err(Error::io(&self.path))
    }

    /// Cuts the file to no bytes.
    ///
    /// # Errors
    /// [`Error::Io`] if the system refuses.
    pub fn empty(&mut self) -> Result<()> {
        again(|| self.disk.empty(&self.file, &self.path)).map_err(Error::io(&self.path))
    }

    /// Makes everything written so far survive a power failure, but not the file's name.
    ///
    /// # Errors
    /// [`Error::Io`] if the system refuses. Then nothing is known of the file any more, and trying again would tell nothing.
    pub fn sync(&self) -> Result<()> {
        again(|| self.disk.sync(&self.file, &self.path)).map_err(Error::io(&self.path))
    }
}

impl Write for DiskFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.disk.write(&self.file, &self.path, bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// Makes a call until no signal interrupts it.
pub(super) fn again<T>(mut call: impl FnMut() -> io::Result<T>) -> io::Result<T> {
    loop {
        match call() {
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            done => return done,
        }
    }
}
