//! The lock of a store: one writer at a time, until its process ends.

use super::disk::{Disk, DiskFile};
use super::leftovers::{LOCK, LOCK_MARK};
use crate::error::{Error, Result};
use std::fs::{File, TryLockError};
use std::io::{ErrorKind, Read};
use std::path::Path;
use std::sync::Arc;

/// Takes the lock of the store at `root`, and says in it who holds it. It is held as long as the file is open.
///
/// # Errors
/// [`Error::Locked`] if another writer holds it; [`Error::Io`] if the system refuses.
pub(super) fn take(disk: &Arc<dyn Disk>, root: &Path) -> Result<DiskFile> {
    let path = root.join(LOCK);
    loop {
        let mut lock = DiskFile::open(disk, path.clone())?;
        match lock.file().try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(Error::Locked { path, holder: holder_of(lock.file()) });
            }
            Err(TryLockError::Error(error)) => return Err(Error::io(&path)(error)),
        }
        // The holder before may have removed the file between our opening and locking it.
        if !is_same_file(lock.file(), &path).map_err(Error::io(&path))? {
            continue;
        }
        lock.empty()?;
        lock.append(format!("{LOCK_MARK}{}\n", this_process()).as_bytes())?;
        return Ok(lock);
    }
}

/// Who holds the lock of the store at `root`, in its own words; `None` if nobody does.
///
/// The lock is asked for and given back at once: a writer that begins in that very moment is told that it is held.
///
/// # Errors
/// [`Error::Io`] if the lock file cannot be read.
pub(super) fn holder(root: &Path) -> Result<Option<String>> {
    let path = root.join(LOCK);
    match File::open(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Error::io(&path)(error)),
        Ok(file) => match file.try_lock_shared() {
            Err(TryLockError::WouldBlock) => Ok(Some(holder_of(&file))),
            Err(TryLockError::Error(error)) => Err(Error::io(&path)(error)),
            Ok(()) => Ok(None),
        },
    }
}

/// Who this process is, for people.
pub(super) fn this_process() -> String {
    let command = std::env::current_exe().ok();
    let command = command.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy();
    format!("pid {}, {command}", std::process::id())
}

/// Who the second line of a lock or a pin says that it is.
pub(super) fn holder_of(file: &File) -> String {
    let mut text = Vec::new();
    // Only for people: what cannot be read is not worth another error.
    let _ = file.take(256).read_to_end(&mut text);
    let text = String::from_utf8_lossy(&text);
    let line = text.lines().nth(1).unwrap_or("which did not say its name");
    line.chars().filter(|c| !c.is_control()).collect()
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
