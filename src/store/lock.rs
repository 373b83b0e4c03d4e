//! The lock of a store: one writer at a time, until its process ends.

use super::disk::{Disk, DiskFile};
use super::leftovers::{LOCK, LOCK_MARK};
use crate::error::{Error, Result};
use std::fs::{File, TryLockError};
use std::io::Read;
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
                let mut holder = String::new();
                // Only for people: what cannot be read is not worth another error.
                let _ = lock.file().take(256).read_to_string(&mut holder);
                let holder = holder.lines().nth(1).unwrap_or("which did not say its name").to_string();
                let holder = holder.chars().filter(|c| !c.is_control()).collect();
                return Err(Error::Locked { path, holder });
            }
            Err(TryLockError::Error(error)) => return Err(Error::io(&path)(error)),
        }
        // The holder before may have removed the file between our opening and locking it.
        if !is_same_file(lock.file(), &path).map_err(Error::io(&path))? {
            continue;
        }
        let command = std::env::current_exe().ok();
        let command =
            command.as_deref().and_then(Path::file_name).unwrap_or_default().to_string_lossy().into_owned();
        let holder = format!("{LOCK_MARK}pid {}, {command}\n", std::process::id());
        lock.empty()?;
        lock.append(holder.as_bytes())?;
        return Ok(lock);
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
