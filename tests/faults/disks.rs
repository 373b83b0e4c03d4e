//! Disks with a fault: one that counts its calls, lets one of them fail, or ends the process there; one that forgets a sync.

use ringfence::store::Disk;
use std::fs::File;
use std::io::{Error, Result};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

/// The kinds of calls that a disk knows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Call {
    Create,
    Open,
    Write,
    Empty,
    Sync,
    Rename,
    Remove,
    MakeDirectory,
    RemoveDirectory,
    SyncDirectory,
}

/// What becomes of the call at which the fault lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// It fails with this error number, and does nothing.
    Fails(i32),
    /// It is done, and fails nevertheless.
    FailsLate(i32),
    /// A write takes only a part of the bytes; other calls are done as they should be.
    Short,
    /// Half of the bytes are taken, and then the call and all that follow fail with this error number.
    Dead(i32),
    /// The process is killed: in the middle of the bytes, at this share in 1/256, or before any other call.
    Kill(u8),
}

/// Passes calls on to another disk; counts and remembers them, and puts one fault in.
#[derive(Debug)]
pub struct Faulty {
    inner: Arc<dyn Disk>,
    /// The call with the fault, from 0, and what becomes of it.
    fault: Option<(u64, Fault)>,
    next: AtomicU64,
    calls: Mutex<Vec<(Call, PathBuf)>>,
}

impl Faulty {
    /// Only counts.
    pub fn counting(inner: Arc<dyn Disk>) -> Arc<Self> {
        Self::new(inner, None)
    }

    /// Puts `fault` into call number `at`, from 0.
    pub fn at(inner: Arc<dyn Disk>, at: u64, fault: Fault) -> Arc<Self> {
        Self::new(inner, Some((at, fault)))
    }

    fn new(inner: Arc<dyn Disk>, fault: Option<(u64, Fault)>) -> Arc<Self> {
        Arc::new(Faulty { inner, fault, next: AtomicU64::new(0), calls: Mutex::default() })
    }

    /// The calls so far, the one with the fault among them.
    pub fn calls(&self) -> Vec<(Call, PathBuf)> {
        self.calls.lock().unwrap().clone()
    }

    /// Makes a call, or what the fault makes of it. `short` is the same call with only a share of its bytes.
    fn call<T>(
        &self,
        call: Call,
        path: &Path,
        whole: impl FnOnce() -> Result<T>,
        short: impl FnOnce(u8) -> Option<Result<T>>,
    ) -> Result<T> {
        let number = self.next.fetch_add(1, Ordering::SeqCst);
        self.calls.lock().unwrap().push((call, path.to_path_buf()));
        let error = |number| Err(Error::from_raw_os_error(number));
        match self.fault {
            Some((at, fault)) if at == number => match fault {
                Fault::Fails(number) => error(number),
                Fault::FailsLate(number) => {
                    let _ = whole();
                    error(number)
                }
                Fault::Short => short(128).unwrap_or_else(whole),
                Fault::Dead(number) => {
                    let _ = short(128);
                    error(number)
                }
                Fault::Kill(share) => {
                    let _ = short(share);
                    end_this_process()
                }
            },
            Some((at, Fault::Dead(code))) if number > at => error(code),
            _ => whole(),
        }
    }

    fn plain<T>(&self, call: Call, path: &Path, whole: impl FnOnce() -> Result<T>) -> Result<T> {
        self.call(call, path, whole, |_| None)
    }
}

/// Ends this process as `kill -9` does.
fn end_this_process() -> ! {
    let id = std::process::id().to_string();
    let _ = std::process::Command::new("kill").args(["-9", &id]).status();
    // Should there be no such command: at least nothing more is done.
    std::process::abort()
}

impl Disk for Faulty {
    fn create(&self, path: &Path) -> Result<File> {
        self.plain(Call::Create, path, || self.inner.create(path))
    }

    fn open(&self, path: &Path) -> Result<File> {
        self.plain(Call::Open, path, || self.inner.open(path))
    }

    fn write(&self, file: &File, path: &Path, bytes: &[u8]) -> Result<usize> {
        let whole = || self.inner.write(file, path, bytes);
        self.call(Call::Write, path, whole, |share| {
            let len = bytes.len() * usize::from(share) / 256;
            (len > 0).then(|| self.inner.write(file, path, &bytes[..len]))
        })
    }

    fn empty(&self, file: &File, path: &Path) -> Result<()> {
        self.plain(Call::Empty, path, || self.inner.empty(file, path))
    }

    fn sync(&self, file: &File, path: &Path) -> Result<()> {
        self.plain(Call::Sync, path, || self.inner.sync(file, path))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.plain(Call::Rename, to, || self.inner.rename(from, to))
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.plain(Call::Remove, path, || self.inner.remove(path))
    }

    fn make_directory(&self, path: &Path) -> Result<()> {
        self.plain(Call::MakeDirectory, path, || self.inner.make_directory(path))
    }

    fn remove_directory(&self, path: &Path) -> Result<()> {
        self.plain(Call::RemoveDirectory, path, || self.inner.remove_directory(path))
    }

    fn sync_directory(&self, path: &Path) -> Result<()> {
        self.plain(Call::SyncDirectory, path, || self.inner.sync_directory(path))
    }
}

/// Passes calls on to another disk, but leaves out one sync and says that it was done.
#[derive(Debug)]
pub struct Forgetful {
    inner: Arc<dyn Disk>,
    /// The sync left out, from 0.
    at: u64,
    next: AtomicU64,
    /// What was left out.
    left_out: Mutex<Option<PathBuf>>,
}

impl Forgetful {
    pub fn new(inner: Arc<dyn Disk>, at: u64) -> Arc<Self> {
        Arc::new(Forgetful { inner, at, next: AtomicU64::new(0), left_out: Mutex::default() })
    }

    /// What the sync was of that was left out, if there were so many.
    pub fn left_out(&self) -> Option<PathBuf> {
        self.left_out.lock().unwrap().clone()
    }

    fn sync_or_not(&self, path: &Path, sync: impl FnOnce() -> Result<()>) -> Result<()> {
        if self.next.fetch_add(1, Ordering::SeqCst) == self.at {
            *self.left_out.lock().unwrap() = Some(path.to_path_buf());
            return Ok(());
        }
        sync()
    }
}

impl Disk for Forgetful {
    fn create(&self, path: &Path) -> Result<File> {
        self.inner.create(path)
    }

    fn open(&self, path: &Path) -> Result<File> {
        self.inner.open(path)
    }

    fn write(&self, file: &File, path: &Path, bytes: &[u8]) -> Result<usize> {
        self.inner.write(file, path, bytes)
    }

    fn empty(&self, file: &File, path: &Path) -> Result<()> {
        self.inner.empty(file, path)
    }

    fn sync(&self, file: &File, path: &Path) -> Result<()> {
        self.sync_or_not(path, || self.inner.sync(file, path))
    }

    fn rename(&self, from: &Path, to: &Path) -> Result<()> {
        self.inner.rename(from, to)
    }

    fn remove(&self, path: &Path) -> Result<()> {
        self.inner.remove(path)
    }

    fn make_directory(&self, path: &Path) -> Result<()> {
        self.inner.make_directory(path)
    }

    fn remove_directory(&self, path: &Path) -> Result<()> {
        self.inner.remove_directory(path)
    }

    fn sync_directory(&self, path: &Path) -> Result<()> {
        self.sync_or_not(path, || self.inner.sync_directory(path))
    }
}
