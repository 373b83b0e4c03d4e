//! Rejected rows: reason codes and the reject file.
//!
//! A row is accepted, skipped by a rule of the mapping, or rejected with one
//! reason: the first that applies, in the order source, destination, time, amount,
//! currency, received amount and currency, then the optional columns. A reject
//! says where (source, record, column) and why; of the field itself it shows at
//! most [`SHOWN_MAX`] characters of an amount, a time or a code, and of keys only
//! their length, so that a reject file holds no account numbers or names.

use crate::error::{Error, Result};
use std::collections::BTreeMap;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Most characters of a field that a reject shows.
pub const SHOWN_MAX: usize = 32;

macro_rules! reasons {
    ($($(#[$doc:meta])* $id:ident = $name:literal,)*) => {
        /// Why a row was not accepted.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
        #[non_exhaustive]
        pub enum Reason { $($(#[$doc])* $id,)* }

        impl Reason {
            /// Every reason, in the order of the reject report.
            pub const ALL: &[Reason] = &[$(Reason::$id,)*];

            /// The stable name that reject files and reports use.
            pub fn name(self) -> &'static str {
                match self { $(Reason::$id => $name,)* }
            }
        }
    };
}
// A macro so that a reason cannot be left out of the list or go without a name.
reasons! {
    /// The record has more or fewer fields than the header.
    WrongNumberOfFields = "wrong-number-of-fields",
    /// A quoted field goes on behind its closing quote.
    BadQuote = "bad-quote",
    /// A field that is needed is empty, null or a null marker of the mapping.
    MissingValue = "missing-value",
    /// A key is empty.
    EmptyKey = "empty-key",
    /// A key is longer than the store allows.
    KeyTooLong = "key-too-long",
    /// A text is not UTF-8.
    InvalidUtf8 = "invalid-utf8",
    /// A time cannot be read in the mapping's format, or is no date.
    BadTime = "bad-time",
    /// A local time that happened twice, when clocks were set back.
    AmbiguousTime = "ambiguous-time",
    /// A local time that never happened, when clocks were set forward.
    NonexistentTime = "nonexistent-time",
    /// Outside the plausible range of the mapping.
    TimeOutOfRange = "time-out-of-range",
    /// An amount or another number cannot be read.
    NotANumber = "not-a-number",
    /// More decimals than the currency has.
    TooManyDecimals = "too-many-decimals",
    /// Beyond 2^63 - 1 minor units.
    AmountTooLarge = "amount-too-large",
    /// Below zero, where the mapping does not allow it.
    NegativeAmount = "negative-amount",
    /// Zero, where the mapping does not allow it.
    ZeroAmount = "zero-amount",
    /// Neither ISO 4217 nor named by the mapping.
    UnknownCurrency = "unknown-currency",
    /// Neither one of the direction rule's values nor its opposite.
    UnknownDirection = "unknown-direction",
    /// Neither true nor false.
    NotAFlag = "not-a-flag",
    /// The transaction's key was seen before, with the same content: skipped and counted.
    DuplicateSameContent = "duplicate-same-content",
    /// The transaction's key was seen before, with different content.
    DuplicateDifferentContent = "duplicate-different-content",
    /// The row says that it corrects another and that it takes another back.
    CorrectsAndReverses = "corrects-and-reverses",
    /// No row before this one has the key that it corrects or reverses.
    UnknownTransaction = "unknown-transaction",
    /// What it corrects or reverses was corrected already.
    AlreadyCorrected = "already-corrected",
    /// A reversal flows otherwise than from the receiver back to the payer.
    ReversalOtherParties = "reversal-other-parties",
    /// A reversal is in another currency than what was received.
    ReversalOtherCurrency = "reversal-other-currency",
    /// More would be taken back than was paid out.
    ReversalExceeds = "reversal-exceeds",
    /// The accounts table has this account in an earlier row.
    DuplicateAccount = "duplicate-account",
}

impl std::fmt::Display for Reason {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

/// One row that was not accepted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reject {
    /// Name of the source.
    pub source: Arc<str>,
    /// Record number within the source, from 1, header not counted.
    pub record: u64,
    /// The column, as the header names it; empty when it is the whole row.
    pub column: Arc<str>,
    /// Why.
    pub reason: Reason,
    /// What was there, shortened; never a key.
    pub detail: String,
}

impl std::fmt::Display for Reject {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}, record {}", self.source, self.record)?;
        if !self.column.is_empty() {
            write!(f, ", column {}", self.column)?;
        }
        write!(f, ": {}", self.reason)?;
        if !self.detail.is_empty() {
            write!(f, " ({})", self.detail)?;
        }
        Ok(())
    }
}

/// The first characters of a field, in quotes, control characters escaped.
pub fn shown(field: &[u8]) -> String {
    let text = String::from_utf8_lossy(&field[..field.len().min(4 * SHOWN_MAX)]);
    let short: String = text.chars().take(SHOWN_MAX).collect();
    let more = if short.len() < field.len() && text.chars().count() > SHOWN_MAX { "…" } else { "" };
    format!("{short:?}{more}")
}

/// The length of a field whose content is nobody's business.
pub fn masked(field: &[u8]) -> String {
    format!("{} bytes", field.len())
}

/// Counts rejects, keeps the first, and writes all of them as CSV where a writer is given.
///
/// Columns: `source,record,column,reason,detail`, quoted as RFC 4180 says; a cell that a
/// spreadsheet would take for a formula gets an apostrophe in front.
pub struct RejectLog {
    writer: Option<(PathBuf, Box<dyn Write + Send>)>,
    counts: BTreeMap<Reason, u64>,
    first: Option<Reject>,
}

impl std::fmt::Debug for RejectLog {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RejectLog")
            .field("counts", &self.counts)
            .field("first", &self.first)
            .finish_non_exhaustive()
    }
}

impl RejectLog {
    /// A log that only counts.
    pub fn counting() -> Self {
        RejectLog { writer: None, counts: BTreeMap::new(), first: None }
    }

    /// A log that writes to `writer`, which errors call `path`; the header line is written at once.
    pub fn writing(path: &Path, mut writer: Box<dyn Write + Send>) -> Result<Self> {
        writer.write_all(b"source,record,column,reason,detail\n").map_err(Error::io(path))?;
        Ok(RejectLog { writer: Some((path.to_path_buf(), writer)), ..Self::counting() })
    }

    /// Adds one.
    pub fn push(&mut self, reject: &Reject) -> Result<()> {
        *self.counts.entry(reject.reason).or_default() += 1;
        if let Some((path, writer)) = &mut self.writer {
            let line = format!(
                "{},{},{},{},{}\n",
                cell(&reject.source),
                reject.record,
                cell(&reject.column),
                reject.reason,
                cell(&reject.detail)
            );
            writer.write_all(line.as_bytes()).map_err(Error::io(path))?;
        }
        if self.first.is_none() {
            self.first = Some(reject.clone());
        }
        Ok(())
    }

    /// How many of each reason, in the order of [`Reason`].
    pub fn counts(&self) -> &BTreeMap<Reason, u64> {
        &self.counts
    }

    /// The first reject.
    pub fn first(&self) -> Option<&Reject> {
        self.first.as_ref()
    }

    /// Where the rejects are written.
    pub fn path(&self) -> Option<&Path> {
        self.writer.as_ref().map(|(path, _)| path.as_path())
    }

    /// Passes everything on to the system; to be called once at the end.
    pub fn flush(&mut self) -> Result<()> {
        match &mut self.writer {
            Some((path, writer)) => writer.flush().map_err(Error::io(path)),
            None => Ok(()),
        }
    }
}

fn cell(text: &str) -> String {
    let formula = text.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let text = if formula { format!("'{text}") } else { text.to_string() };
    if text.contains(['"', ',', '\n', '\r']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Mutex;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().unwrap().write(bytes)
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn names_of_reasons_are_kebab_case_and_distinct() {
        let names: std::collections::BTreeSet<_> = Reason::ALL.iter().map(|r| r.name()).collect();
        assert_eq!(names.len(), Reason::ALL.len());
        assert!(
            names
                .iter()
                .all(|n| n.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-'))
        );
    }

    #[test]
    fn the_reject_file_is_safe_csv() {
        let shared = Shared::default();
        let mut log = RejectLog::writing(Path::new("rejects.csv"), Box::new(shared.clone())).unwrap();
        let reject = Reject {
            source: "a,b.csv".into(),
            record: 7,
            column: "=Amount".into(),
            reason: Reason::NotANumber,
            detail: shown(b"1\"2\n3"),
        };
        log.push(&reject).unwrap();
        log.flush().unwrap();
        let text = String::from_utf8(shared.0.lock().unwrap().clone()).unwrap();
        assert_eq!(
            text,
            "source,record,column,reason,detail\n\"a,b.csv\",7,'=Amount,not-a-number,\"\"\"1\\\"\"2\\n3\"\"\"\n"
        );
        assert_eq!(log.counts().get(&Reason::NotANumber), Some(&1));
        assert_eq!(log.first(), Some(&reject));
    }

    #[test]
    fn a_long_field_is_cut_and_a_key_never_shown() {
        assert_eq!(shown(&[b'7'; 100]), format!("\"{}\"…", "7".repeat(32)));
        assert_eq!(shown("ä".repeat(32).as_bytes()), format!("\"{}\"", "ä".repeat(32)));
        assert_eq!(masked(b"DE02120300000000202051"), "22 bytes");
    }
}
