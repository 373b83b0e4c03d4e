//! Exit codes, and the names that errors have in JSON.

use ringfence::Error;

/// Everything was done.
pub const DONE: u8 = 0;
/// Something failed: the system, the disk, an output that exists, a bug.
pub const FAILED: u8 = 1;
/// The command line or an option is wrong; nothing was computed.
pub const USAGE: u8 = 2;
/// An input or a store was refused.
pub const REFUSED: u8 = 4;
/// Another writer holds the store.
pub const LOCKED: u8 = 5;
/// Ended by an interrupt (128 + SIGINT).
pub const INTERRUPTED: u8 = 130;
/// Ended by a request to terminate (128 + SIGTERM).
pub const TERMINATED: u8 = 143;

/// The table of exit codes, for `--help`.
pub const HELP: &str = "\
Exit codes:
  0    done
  1    failed: the system refused, the output exists already, or a bug of ours
  2    wrong command line or option; nothing was computed
  4    input or store refused: bad rows, schema, checksum, format version, unknown key
  5    another writer holds the store
  130  interrupted (Ctrl-C); nothing was kept
  143  terminated (SIGTERM); nothing was kept

A first Ctrl-C ends the work and cleans up; a second ends the program at once.";

/// The exit code of an error; `signal` is the code of the signal caught, if one was.
pub fn code(error: &Error, signal: Option<u8>) -> u8 {
    match error {
        Error::Option { .. } => USAGE,
        Error::Damaged { .. }
        | Error::Foreign { .. }
        | Error::Version { .. }
        | Error::Input { .. }
        | Error::Rejects { .. }
        | Error::UnknownKey { .. } => REFUSED,
        Error::Locked { .. } => LOCKED,
        Error::Cancelled => signal.unwrap_or(INTERRUPTED),
        _ => FAILED,
    }
}

/// The name of an error's kind; part of the interface, never changed.
pub fn kind(error: &Error) -> &'static str {
    match error {
        Error::Io { .. } => "io",
        Error::Damaged { .. } => "damaged",
        Error::Foreign { .. } => "foreign",
        Error::Version { .. } => "version",
        Error::Locked { .. } => "locked",
        Error::Exists { .. } => "exists",
        Error::CommitUnknown { .. } => "commit_unknown",
        Error::Input { .. } => "input",
        Error::Rejects { .. } => "rejects",
        Error::UnknownKey { .. } => "unknown_key",
        Error::Option { .. } => "option",
        Error::Limit { .. } => "limit",
        Error::Unproved(_) => "internal",
        Error::Cancelled => "cancelled",
        Error::Deadline => "deadline",
        _ => "other",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cancelled_run_ends_with_the_code_of_its_signal() {
        assert_eq!(code(&Error::Cancelled, Some(TERMINATED)), 143);
        assert_eq!(code(&Error::Cancelled, None), 130);
        // A signal that came too late changes nothing.
        assert_eq!(code(&Error::input("a.csv", "empty"), Some(INTERRUPTED)), REFUSED);
    }
}
