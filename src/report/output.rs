//! Files and directories that appear whole or not at all.
//!
//! # Method
//! What is written goes to `<name>.partial-<process>` beside the target, is
//! synced, and gets its name by one rename that refuses to replace anything.
//! On an error, a cancelled run or a panic the partial is removed; a power
//! failure can leave a partial behind, never half a result under the real name.
//!
//! # Choices
//! An existing output is refused before any work and again at the rename: a
//! result that somebody may rely on is not overwritten. [`Sink`] asks the run
//! whenever its buffer is full, so every writer can be stopped without knowing it.

use crate::error::{Error, Result};
use crate::run::Run;
use rustix::fs::{CWD, RenameFlags, renameat_with};
use std::ffi::OsString;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Bytes gathered before the file is touched and the run is asked.
const BUFFER_BYTES: usize = 1 << 18;

/// Partial names tried before giving up: leftovers of a killed process with our number may be in the way.
const PARTIALS_MAX: u32 = 100;

/// Checks that an output can be made at `path`: nothing is there and its directory exists.
///
/// Long work asks this first, so that it does not fail at its end.
///
/// # Errors
/// [`Error::Exists`], or [`Error::Io`] where the directory is missing.
pub fn check_new(path: &Path) -> Result<()> {
    match path.symlink_metadata() {
        Ok(_) => return Err(Error::Exists { path: path.to_path_buf() }),
        Err(error) if error.kind() == ErrorKind::NotFound => {}
        Err(source) => return Err(Error::Io { path: path.to_path_buf(), source }),
    }
    if path.file_name().is_none() {
        return Err(Error::io(path)(io::Error::new(ErrorKind::InvalidInput, "does not name a file")));
    }
    let parent = parent(path);
    match parent.metadata() {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(Error::io(parent)(ErrorKind::NotADirectory.into())),
        Err(source) => Err(Error::Io { path: parent.to_path_buf(), source }),
    }
}

/// Writes the file `path` by `write`, whole or not at all.
///
/// # Errors
/// [`Error::Exists`] if there is one, [`Error::Io`] from the system, what `write` returned, or
/// [`Error::Cancelled`]; in each case nothing is left.
pub fn write_file(path: &Path, run: &Run, write: impl FnOnce(&mut Sink<'_>) -> io::Result<()>) -> Result<()> {
    let mut pending = Pending::create(path)?;
    pending.fill(run, write)?;
    pending.partial.publish(path)
}

/// An output file under its partial name, for those who write on while other things go on; see [`Pending::finish`].
#[derive(Debug)]
pub struct Pending {
    target: PathBuf,
    file: File,
    partial: Partial,
}

impl Pending {
    /// Makes `<path>.partial-<process>`; it is removed if this value is dropped before [`finish`](Self::finish).
    ///
    /// # Errors
    /// [`Error::Exists`] if `path` is there, [`Error::Io`] from the system.
    pub fn create(path: &Path) -> Result<Self> {
        check_new(path)?;
        let (partial, file) =
            first_free(path, |partial| OpenOptions::new().write(true).create_new(true).open(partial))?;
        let partial = Partial { path: partial, remove: |path| std::fs::remove_file(path), armed: true };
        Ok(Pending { target: path.to_path_buf(), file, partial })
    }

    /// As [`create`](Self::create), for a file that its owner alone may read and write (mode 0600).
    ///
    /// # Errors
    /// As [`create`](Self::create).
    pub fn create_private(path: &Path) -> Result<Self> {
        let pending = Self::create(path)?;
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let private = std::fs::Permissions::from_mode(0o600);
            pending.file.set_permissions(private).map_err(Error::io(path))?;
        }
        Ok(pending)
    }

    /// Writes the file by `write`, once.
    ///
    /// # Errors
    /// As [`write_file`].
    pub fn fill(&self, run: &Run, write: impl FnOnce(&mut Sink<'_>) -> io::Result<()>) -> Result<()> {
        fill(&self.file, &self.target, run, write)
    }

    /// A buffered writer to the file; what it holds must be flushed before [`finish`](Self::finish).
    ///
    /// # Errors
    /// [`Error::Io`] from the system.
    pub fn writer(&self) -> Result<BufWriter<File>> {
        self.file.try_clone().map(BufWriter::new).map_err(Error::io(&self.target))
    }

    /// Gives the file its name.
    ///
    /// # Errors
    /// [`Error::Exists`] if somebody else made it meanwhile, [`Error::Io`] from the system.
    pub fn finish(mut self) -> Result<()> {
        self.file.sync_all().map_err(Error::io(&self.target))?;
        self.partial.publish(&self.target)
    }
}

/// An output directory under its partial name; see [`Directory::finish`].
#[derive(Debug)]
pub struct Directory {
    target: PathBuf,
    partial: Partial,
    run: Run,
}

impl Directory {
    /// Makes `<path>.partial-<process>`; it is removed if this value is dropped before [`finish`](Self::finish).
    ///
    /// # Errors
    /// [`Error::Exists`] if `path` is there, [`Error::Io`] from the system.
    pub fn create(path: &Path, run: &Run) -> Result<Self> {
        check_new(path)?;
        let (partial, ()) = first_free(path, |partial| std::fs::create_dir(partial))?;
        let partial = Partial { path: partial, remove: |path| std::fs::remove_dir_all(path), armed: true };
        Ok(Directory { target: path.to_path_buf(), partial, run: run.clone() })
    }

    /// Writes one file of the directory.
    ///
    /// # Errors
    /// As [`write_file`].
    pub fn file(&self, name: &str, write: impl FnOnce(&mut Sink<'_>) -> io::Result<()>) -> Result<()> {
        let path = self.partial.path.join(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(Error::io(&path))?;
        fill(&file, &self.target.join(name), &self.run, write)
    }

    /// Makes a directory inside of it; files are then written as `<name>/<file>`.
    ///
    /// # Errors
    /// [`Error::Io`] from the system.
    pub fn folder(&self, name: &str) -> Result<()> {
        let path = self.partial.path.join(name);
        std::fs::create_dir(&path).map_err(Error::io(&path))
    }

    /// Opens one file of the directory for those who write several at a time; what the writer holds must be
    /// flushed before [`finish`](Self::finish).
    ///
    /// # Errors
    /// [`Error::Io`] from the system.
    pub fn writer(&self, name: &str) -> Result<BufWriter<File>> {
        let path = self.partial.path.join(name);
        let file = OpenOptions::new().write(true).create_new(true).open(&path).map_err(Error::io(&path))?;
        Ok(BufWriter::with_capacity(BUFFER_BYTES, file))
    }

    /// Gives the directory its name.
    ///
    /// # Errors
    /// [`Error::Exists`] if somebody else made it meanwhile, [`Error::Io`] from the system, [`Error::Cancelled`].
    pub fn finish(mut self) -> Result<()> {
        self.run.check()?;
        sync_tree(&self.partial.path)?;
        self.partial.publish(&self.target)
    }
}

/// The buffered file that a writer of results sees.
pub struct Sink<'r> {
    file: BufWriter<Watched<'r>>,
}

impl Write for Sink<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.file.write(bytes)
    }
    fn write_all(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file that is no longer written once its run is cancelled.
struct Watched<'r> {
    file: &'r File,
    run: &'r Run,
}

impl Write for Watched<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.run.check().map_err(io::Error::other)?;
        self.file.write(bytes)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

/// A file or directory that goes away unless it is published.
#[derive(Debug)]
struct Partial {
    path: PathBuf,
    remove: fn(&Path) -> io::Result<()>,
    armed: bool,
}

impl Partial {
    fn publish(&mut self, target: &Path) -> Result<()> {
        rename_new(&self.path, target)?;
        self.armed = false;
        sync_directory(parent(target))
    }
}

impl Drop for Partial {
    fn drop(&mut self) {
        if self.armed {
            // Nothing can be done about a failure here; the name says what the leftover is.
            let _ = (self.remove)(&self.path);
        }
    }
}

fn fill(
    file: &File,
    path: &Path,
    run: &Run,
    write: impl FnOnce(&mut Sink<'_>) -> io::Result<()>,
) -> Result<()> {
    let mut sink = Sink { file: BufWriter::with_capacity(BUFFER_BYTES, Watched { file, run }) };
    let written =
        write(&mut sink).and_then(|()| sink.flush()).and_then(|()| sink.file.get_ref().file.sync_all());
    if written.is_err() {
        // Otherwise dropping the buffer would write once more.
        let _ = sink.file.into_parts();
    }
    written.map_err(|error| placed(error, path))?;
    run.check()
}

/// The error of ours that an [`io::Error`] carries, or the system's error with its place.
pub(super) fn placed(error: io::Error, path: &Path) -> Error {
    match error.downcast::<Error>() {
        Ok(ours) => ours,
        Err(source) => Error::Io { path: path.to_path_buf(), source },
    }
}

fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

/// Makes something under the first partial name of `path` that is free.
fn first_free<T>(path: &Path, make: impl Fn(&Path) -> io::Result<T>) -> Result<(PathBuf, T)> {
    let mut tries = 0;
    loop {
        let mut name: OsString = path.as_os_str().to_os_string();
        name.push(format!(".partial-{}", std::process::id()));
        if tries > 0 {
            name.push(format!("-{tries}"));
        }
        let partial = PathBuf::from(name);
        match make(&partial) {
            Ok(made) => return Ok((partial, made)),
            Err(error) if error.kind() == ErrorKind::AlreadyExists && tries < PARTIALS_MAX => tries += 1,
            Err(source) => return Err(Error::Io { path: path.to_path_buf(), source }),
        }
    }
}

/// Renames without replacing; where the file system cannot promise that, looks first.
fn rename_new(from: &Path, to: &Path) -> Result<()> {
    use rustix::io::Errno;
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        Ok(()) => Ok(()),
        Err(Errno::EXIST) => Err(Error::Exists { path: to.to_path_buf() }),
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) => {
            check_new(to)?;
            std::fs::rename(from, to).map_err(Error::io(to))
        }
        Err(errno) => Err(Error::Io { path: to.to_path_buf(), source: errno.into() }),
    }
}

/// Syncs a directory and everything in it.
fn sync_tree(path: &Path) -> Result<()> {
    for entry in std::fs::read_dir(path).map_err(Error::io(path))? {
        let entry = entry.map_err(Error::io(path))?;
        let inner = entry.path();
        if entry.file_type().map_err(Error::io(&inner))?.is_dir() {
            sync_tree(&inner)?;
        } else {
            File::open(&inner).and_then(|file| file.sync_all()).map_err(Error::io(&inner))?;
        }
    }
    sync_directory(path)
}

fn sync_directory(path: &Path) -> Result<()> {
    File::open(path).and_then(|directory| directory.sync_all()).map_err(Error::io(path))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::Ordering;

    fn names(directory: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(directory)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_file_appears_whole() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.csv");
        write_file(&path, &Run::new(), |out| out.write_all(b"whole")).unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"whole");
        assert_eq!(names(directory.path()), ["a.csv"]);
    }

    #[test]
    fn an_existing_output_is_refused_and_untouched() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.csv");
        std::fs::write(&path, "mine").unwrap();
        let refused = write_file(&path, &Run::new(), |_| panic!("nothing may be computed"));
        assert!(matches!(refused, Err(Error::Exists { path: found }) if found == path));
        assert!(matches!(Directory::create(&path, &Run::new()), Err(Error::Exists { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"mine");
    }

    #[test]
    fn an_output_that_appears_meanwhile_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.csv");
        let refused = write_file(&path, &Run::new(), |out| {
            std::fs::write(&path, "theirs")?;
            out.write_all(b"ours")
        });
        assert!(matches!(refused, Err(Error::Exists { .. })));
        assert_eq!(std::fs::read(&path).unwrap(), b"theirs");
        let rings = directory.path().join("rings");
        let made = Directory::create(&rings, &Run::new()).unwrap();
        std::fs::create_dir(&rings).unwrap();
        assert!(matches!(made.finish(), Err(Error::Exists { .. })));
        assert_eq!(names(directory.path()), ["a.csv", "rings"]);
    }

    #[test]
    fn an_error_of_ours_comes_through_and_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("a.csv");
        let failed = write_file(&path, &Run::new(), |out| {
            out.write_all(b"half")?;
            Err(io::Error::other(Error::Unproved("books".into())))
        });
        assert!(matches!(failed, Err(Error::Unproved(what)) if what == "books"));
        assert!(names(directory.path()).is_empty());
    }

    #[test]
    fn a_cancelled_run_stops_the_writer_and_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let run = Run::new();
        let made = Directory::create(&directory.path().join("trace"), &run).unwrap();
        made.file("flows.csv", |out| out.write_all(b"some")).unwrap();
        let flag = run.cancel_flag();
        let mut written = 0u64;
        let stopped = made.file("holdings.csv", |out| {
            loop {
                out.write_all(&[b'x'; 4096])?;
                written += 4096;
                flag.store(written > 1 << 20, Ordering::Relaxed);
                assert!(written < 1 << 24, "the writer was not stopped");
            }
        });
        assert!(matches!(stopped, Err(Error::Cancelled)));
        assert!(matches!(made.finish(), Err(Error::Cancelled)));
        assert!(names(directory.path()).is_empty());
    }

    #[test]
    fn a_directory_appears_whole() {
        let directory = tempfile::tempdir().unwrap();
        let made = Directory::create(&directory.path().join("rings"), &Run::new()).unwrap();
        made.file("rings.csv", |out| out.write_all(b"ring\n")).unwrap();
        made.writer("hubs.csv").unwrap().write_all(b"hub\n").unwrap();
        made.folder("more").unwrap();
        made.file("more/a.csv", |out| out.write_all(b"a\n")).unwrap();
        assert!(names(directory.path())[0].starts_with("rings.partial-"));
        made.finish().unwrap();
        assert_eq!(names(directory.path()), ["rings"]);
        assert_eq!(names(&directory.path().join("rings")), ["hubs.csv", "more", "rings.csv"]);
        assert_eq!(names(&directory.path().join("rings/more")), ["a.csv"]);
    }

    #[test]
    fn a_missing_directory_is_named() {
        let directory = tempfile::tempdir().unwrap();
        let missing = directory.path().join("no").join("a.csv");
        let refused = write_file(&missing, &Run::new(), |_| Ok(()));
        assert!(matches!(refused, Err(Error::Io { path, .. }) if path == directory.path().join("no")));
    }
}
