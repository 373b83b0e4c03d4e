//! The one error type of the crate, sorted by what the caller can do about it.
//!
//! A message is a whole sentence that can be shown to an analyst: it names the
//! place, both sides of a disagreement, and the remedy. Damaged bytes, bad
//! input and bad options are always an [`Error`]; a panic is a bug of ours.

use std::path::{Path, PathBuf};

/// What went wrong, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The system refused; the path says where, the message also what to do where that can be said.
    #[error("{}: {source}{}", path.display(), remedy(source))]
    Io {
        /// The file or directory that was being used.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// A file of the store is not what was written: restore it or build the store again.
    #[error("{}: damaged: {place}: {detail}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// The part of the file, for example `column out.neighbors, block 3`.
        place: String,
        /// What was expected and what was found.
        detail: String,
    },
    /// Not a Ringfence file or directory at all.
    #[error("{}: not a Ringfence {what}: {detail}", path.display())]
    Foreign {
        /// The file or directory.
        path: PathBuf,
        /// What it should have been, for example `store`.
        what: &'static str,
        /// Why it is not.
        detail: String,
    },
    /// Written by another format version: build it again from its source.
    #[error("{}: format version {found}, this build reads {expected}; build the store again from its source", path.display())]
    Version {
        /// The file.
        path: PathBuf,
        /// The version in the file.
        found: u32,
        /// The version this build reads.
        expected: u32,
    },
    /// Another writer holds the store.
    #[error("{}: locked by another writer ({holder}); wait for it to end", path.display())]
    Locked {
        /// The lock file.
        path: PathBuf,
        /// What the holder wrote of itself: process id and command.
        holder: String,
    },
    /// The output exists already; nothing was overwritten.
    #[error("{}: exists already; name another output or remove it first", path.display())]
    Exists {
        /// The path that was to be made.
        path: PathBuf,
    },
    /// The last step of a publication failed, so its outcome is unknown; nothing was deleted.
    #[error("{}: the publication of generation {generation} may or may not have happened ({source}); run `ringfence info` to see which generation is live", path.display())]
    CommitUnknown {
        /// The store.
        path: PathBuf,
        /// The generation that was being published.
        generation: u64,
        /// What the system said.
        source: std::io::Error,
    },
    /// An input file or its mapping cannot be used as a whole.
    #[error("{input}: {problem}")]
    Input {
        /// The file, frame or mapping, with the row or line where one is known.
        input: String,
        /// What is wrong and what to do about it.
        problem: String,
    },
    /// Too many rows were rejected; nothing was published.
    #[error(
        "{rejected} of {read} rows were rejected, more than --max-rejects {allowed_percent} % allows; first: {first}{}",
        reject_file.as_ref().map_or(String::new(), |p| format!("; all of them are in {}", p.display()))
    )]
    Rejects {
        /// Rows rejected.
        rejected: u64,
        /// Rows read.
        read: u64,
        /// The limit, in percent.
        allowed_percent: f64,
        /// The first reject: file, row, column, reason.
        first: String,
        /// Where all rejects were written.
        reject_file: Option<PathBuf>,
    },
    /// An account, transaction, identifier or currency that the store does not hold.
    #[error("{place}: unknown {kind} {key:?}")]
    UnknownKey {
        /// Where the key was given, for example `seeds.csv, line 3`.
        place: String,
        /// What it should have named, for example `account`.
        kind: String,
        /// The key as given.
        key: String,
    },
    /// An option lies outside its range; nothing was computed.
    #[error("option {name} = {value}: must be {allowed}")]
    Option {
        /// The option's name as in the options struct.
        name: &'static str,
        /// The value given.
        value: String,
        /// What is allowed.
        allowed: &'static str,
    },
    /// A limit of the format or of this machine was met.
    #[error("{what}: {found} is over the limit of {limit}; {remedy}")]
    Limit {
        /// What is limited, for example `accounts in one store`.
        what: &'static str,
        /// The value met.
        found: u64,
        /// The largest value allowed.
        limit: u64,
        /// What to do.
        remedy: &'static str,
    },
    /// A result failed its own proof; this is a bug of ours and no result is given.
    #[error("internal error: {0}; please report it with the command that led here")]
    Unproved(String),
    /// The caller asked to stop; no partial result is kept.
    #[error("cancelled")]
    Cancelled,
    /// The deadline passed; no partial result is kept.
    #[error("the time limit was reached; nothing was kept")]
    Deadline,
}

/// [`std::result::Result`] with this crate's [`Error`].
pub type Result<T> = std::result::Result<T, Error>;

/// What to do about an error of the system, as the end of a sentence; nothing where its own words are enough.
fn remedy(source: &std::io::Error) -> &'static str {
    use std::io::ErrorKind;
    /// The error numbers of a device that failed and of too many open files, which have no kind.
    const FAILED: i32 = 5;
    const OPEN_FILES: [i32; 2] = [23, 24];
    match (source.kind(), source.raw_os_error()) {
        (ErrorKind::StorageFull, _) => "; free some space there, or choose another place",
        (ErrorKind::QuotaExceeded, _) => "; free some space there, raise the quota, or choose another place",
        (ErrorKind::FileTooLarge, _) => "; raise the limit on the size of files, or choose another place",
        (ErrorKind::PermissionDenied, _) => "; give the user that runs this access to it",
        (ErrorKind::ReadOnlyFilesystem, _) => "; choose a place that can be written to",
        (ErrorKind::Interrupted, _) => "; a signal came in between, try again",
        (_, Some(FAILED)) if cfg!(unix) => {
            "; the device failed: see the system's log, have the disk checked, then try again"
        }
        (_, Some(number)) if cfg!(unix) && OPEN_FILES.contains(&number) => {
            "; raise the limit on open files (ulimit -n)"
        }
        _ => "",
    }
}

impl Error {
    /// Wraps a system error with the path it happened at; meant for `map_err(Error::io(path))`.
    pub fn io(path: &Path) -> impl FnOnce(std::io::Error) -> Self + use<> {
        let path = path.to_path_buf();
        move |source| Error::Io { path, source }
    }

    /// An [`Error::Input`] from anything printable.
    pub fn input(input: impl ToString, problem: impl ToString) -> Self {
        Error::Input { input: input.to_string(), problem: problem.to_string() }
    }

    /// An [`Error::Damaged`] from anything printable.
    pub fn damaged(path: &Path, place: impl ToString, detail: impl ToString) -> Self {
        Error::Damaged { path: path.to_path_buf(), place: place.to_string(), detail: detail.to_string() }
    }
}
