//! Scratch files: what a writer puts aside while it builds, on the file system of its store.
//!
//! A scratch file lies in the store's directory under a temporary name, so that the next writer clears it if this one is
//! killed; only its owner may read it; it is removed when dropped. Its bytes are never synced and never part of the store.

use super::disk::{Disk, DiskFile};
use crate::error::{Error, Result};
use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Bytes gathered before they are written.
const BUFFER: usize = 1 << 20;
/// Bytes between two looks at the free space.
const LOOK: u64 = 64 << 20;

/// A file that is written from front to back and read anywhere.
#[derive(Debug)]
pub(crate) struct Scratch {
    file: DiskFile,
    /// Bytes appended.
    len: u64,
    /// Those not written yet.
    buffer: Vec<u8>,
    /// Bytes appended when the free space was last looked at.
    looked: Option<u64>,
}

impl Scratch {
    /// Makes a scratch file of a temporary name.
    pub(super) fn create(disk: &Arc<dyn Disk>, path: PathBuf) -> Result<Self> {
        let file = DiskFile::open(disk, path)?;
        Ok(Scratch { file, len: 0, buffer: Vec::new(), looked: None })
    }

    /// Bytes appended so far.
    pub fn len(&self) -> u64 {
        self.len
    }

    /// Appends bytes and says where they begin.
    pub fn append(&mut self, bytes: &[u8]) -> Result<u64> {
        let begin = self.len;
        self.len += bytes.len() as u64;
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
        }
        if bytes.len() >= BUFFER {
            self.file.append(bytes)?;
        } else {
            self.buffer.extend_from_slice(bytes);
        }
        Ok(begin)
    }

    /// Writes what is gathered; to be called before the first reading.
    pub fn flush(&mut self) -> Result<()> {
        self.file.append(&self.buffer)?;
        self.buffer.clear();
        Ok(())
    }

    /// Fills `bytes` from `offset` on.
    pub fn read(&self, offset: u64, bytes: &mut [u8]) -> Result<()> {
        read_at(self.file.file(), offset, bytes).map_err(Error::io(self.file.path()))
    }

    /// Refuses to go on where the file system has less room than `needed` bytes; asks it once in a while.
    pub fn refuse_full(&mut self, needed: u64) -> Result<()> {
        if self.looked.is_some_and(|looked| self.len - looked < LOOK) {
            return Ok(());
        }
        self.looked = Some(self.len);
        let Some(free) = free_bytes(self.file.path()) else { return Ok(()) };
        refuse_more(needed + LOOK, free)
    }
}

/// The error for a build that needs more than is free.
fn refuse_more(needed: u64, free: u64) -> Result<()> {
    if needed <= free {
        return Ok(());
    }
    let what = "bytes of disk that building this graph still needs, at least";
    let remedy =
        "make room on the file system of the graph, put the graph elsewhere, or allow more memory (--memory)";
    Err(Error::Limit { what, found: needed, limit: free, remedy })
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // The writer may have cleared it already, and there is nobody to tell.
        let _ = self.file.disk().remove(self.file.path());
    }
}

#[cfg(unix)]
fn read_at(file: &File, offset: u64, bytes: &mut [u8]) -> std::io::Result<()> {
    std::os::unix::fs::FileExt::read_exact_at(file, bytes, offset)
}

#[cfg(windows)]
fn read_at(file: &File, mut offset: u64, mut bytes: &mut [u8]) -> std::io::Result<()> {
    while !bytes.is_empty() {
        let len = std::os::windows::fs::FileExt::seek_read(file, bytes, offset)?;
        if len == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        (offset, bytes) = (offset + len as u64, &mut bytes[len..]);
    }
    Ok(())
}

#[cfg(not(any(unix, windows)))]
fn read_at(_file: &File, _offset: u64, _bytes: &mut [u8]) -> std::io::Result<()> {
    Err(std::io::ErrorKind::Unsupported.into())
}

/// Bytes that the file system of `path` has left for this user, if it says so.
#[cfg(unix)]
fn free_bytes(path: &Path) -> Option<u64> {
    let stat = rustix::fs::statvfs(path).ok()?;
    Some(stat.f_bavail.saturating_mul(stat.f_frsize))
}

#[cfg(not(unix))]
fn free_bytes(_path: &Path) -> Option<u64> {
    None
}

#[cfg(test)]
mod tests {
    use super::super::disk::System;
    use super::*;

    #[test]
    fn what_was_appended_is_read_back_and_the_file_goes() {
        let directory = tempfile::tempdir().unwrap();
        let mut scratch = Scratch::create(&System::shared(), directory.path().join("tmp-3")).unwrap();
        let large: Vec<u8> = (0..BUFFER * 2).map(|i| (i * 7) as u8).collect();
        assert_eq!(scratch.append(b"small").unwrap(), 0);
        assert_eq!(scratch.append(&large).unwrap(), 5);
        assert_eq!(scratch.append(b"end").unwrap(), 5 + large.len() as u64);
        scratch.flush().unwrap();
        let mut found = vec![0; large.len() + 3];
        scratch.read(5, &mut found).unwrap();
        assert_eq!(found, [&large[..], b"end"].concat());
        assert!(scratch.read(scratch.len(), &mut [0]).is_err());
        assert!(directory.path().join("tmp-3").exists());
        drop(scratch);
        assert!(!directory.path().join("tmp-3").exists());
    }

    #[test]
    fn a_disk_that_is_too_small_is_named_before_it_is_full() {
        refuse_more(10, 10).unwrap();
        let error = refuse_more(11, 10).unwrap_err().to_string();
        assert!(error.contains("11 is over the limit of 10") && error.contains("--memory"), "{error}");
    }
}
