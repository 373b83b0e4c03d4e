//! What a generation consists of: the one record that says which files are live.
//!
//! Serialised with serde and bincode (fixed-width, little-endian, byte limit,
//! no trailing bytes), framed by magic, version, length and checksum.

use super::format::{FileKind, VERSION_MAJOR, word};
use crate::error::{Error, Result};
use crate::units::Currency;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

/// First bytes of a manifest file.
const MAGIC: [u8; 8] = *b"RINGMAN\n";
/// Bytes before the record: magic, version, zero, length.
const HEAD_BYTES: usize = 24;
/// Bytes behind the record: checksum.
const TAIL_BYTES: usize = 8;
/// Longest record.
const RECORD_BYTES_MAX: usize = 64 << 20;
/// Last generation that there can be, so that the next one can always be counted.
const GENERATION_MAX: u64 = i64::MAX as u64;
/// Longest stem of a file name; the writer cuts the rest.
pub(super) const STEM_CHARS_MAX: usize = 64;
/// Characters of a bad name that a message shows.
const NAME_SHOWN_MAX: usize = 200;
/// First bytes of `CURRENT`.
const CURRENT_MAGIC: [u8; 8] = *b"RINGCUR\n";
/// Bytes of `CURRENT`.
pub(super) const CURRENT_BYTES: usize = 64;

/// One published generation of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Manifest {
    /// Counts from 1.
    pub generation: u64,
    /// SHA-256 of the parent generation's manifest file; `None` for the first.
    pub parent: Option<[u8; 32]>,
    /// Version of the program that wrote it.
    pub tool: String,
    /// Names and rules that give the numbers in the columns their meaning.
    pub schema: Schema,
    /// Number of accounts.
    pub num_accounts: u32,
    /// External keys of accounts.
    pub account_keys: FileEntry,
    /// Kinds of identifiers, in the order of `KindId`.
    pub kinds: Vec<KindEntry>,
    /// Live segments, in time order; they never overlap in time. Links without a partition are in `static_links`.
    pub segments: Vec<SegmentEntry>,
    /// Links that came from a links table, which belong to no time partition.
    pub static_links: Option<SegmentEntry>,
    /// Account attributes, if any were given.
    pub attributes: Option<AttributesEntry>,
    /// What was read to build this store.
    pub sources: Vec<SourceEntry>,
    /// Totals per currency paid, in the order of `CurrencyId`: accepted + rejected = read.
    pub totals: Vec<ControlTotal>,
}

/// Names and rules of a store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Schema {
    /// How transactions are cut into segments.
    pub partition: Partition,
    /// Currencies, in the order of `CurrencyId`.
    pub currencies: Vec<Currency>,
    /// Channel names; code 0 is "none" and not listed, code 1 is the first.
    pub channels: Vec<String>,
    /// Label names; code 0 is "none" and not listed.
    pub labels: Vec<String>,
    /// The mapping (TOML) that the rows were read with.
    pub mapping: String,
}

/// Width of a time partition, in UTC.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Partition {
    /// ISO weeks, from Monday.
    Week,
    /// Calendar months.
    #[default]
    Month,
    /// Calendar years.
    Year,
    /// One partition for all of time.
    None,
}

/// A data file of the store.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileEntry {
    /// Path within the store, for example `segments/2024-05-<id>.seg`.
    pub name: String,
    /// Length in bytes.
    pub bytes: u64,
    /// SHA-256 of the whole file.
    pub sha256: [u8; 32],
}

/// One kind of identifier.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct KindEntry {
    /// For example `device`.
    pub name: String,
    /// Number of distinct values.
    pub num_identifiers: u32,
    /// Their external keys.
    pub keys: FileEntry,
}

/// One segment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SegmentEntry {
    /// The partition's name: `2024-05`, `2024-W18`, `2024`, `all`; `static` for static links.
    pub partition: String,
    /// The file.
    pub file: FileEntry,
    /// Number of transactions.
    pub num_transactions: u32,
    /// Number of account–identifier links.
    pub num_links: u32,
    /// First and last transaction time; 0 and 0 without transactions.
    pub time_min: i64,
    /// See `time_min`; inclusive.
    pub time_max: i64,
    /// Whether the segment holds transaction keys.
    pub has_keys: bool,
}

/// The account attributes file and what its columns are.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributesEntry {
    /// The file.
    pub file: FileEntry,
    /// Column `i` uses ids `ATTRIBUTE_FIRST + 3 i ..`.
    pub columns: Vec<AttributeColumn>,
}

/// One attribute column: one value or null per account.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AttributeColumn {
    /// Name in the accounts table.
    pub name: String,
    /// What the values are.
    pub kind: AttributeKind,
}

/// Types of attributes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AttributeKind {
    /// UTF-8 text.
    Text,
    /// Whole numbers, i64.
    Integer,
    /// IEEE 754 binary64, stored as its bits.
    Float,
    /// 0 or 1.
    Boolean,
    /// Microseconds since 1970 UTC.
    Time,
}

/// Something that was read: a file or a data frame.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SourceEntry {
    /// `transactions`, `accounts` or `links`.
    pub role: String,
    /// File name without directories, or `frame`.
    pub name: String,
    /// SHA-256 of the file's bytes, or of a frame's values.
    pub sha256: [u8; 32],
    /// Bytes read; 0 for a frame.
    pub bytes: u64,
    /// Records read: accepted + rejected + skipped.
    pub read: u64,
    /// Records that became part of the store.
    pub accepted: u64,
    /// Records refused, with a reason in the reject file.
    pub rejected: u64,
    /// Records that repeat an earlier one exactly (same key, same content), or rows that the mapping leaves out.
    pub skipped: u64,
}

/// Money accepted and rejected in one currency.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ControlTotal {
    /// Transactions accepted.
    pub accepted: u64,
    /// Sum of the amounts accepted, in minor units.
    pub accepted_minor: i128,
    /// Rows rejected or skipped whose amount and currency could be read.
    pub rejected: u64,
    /// Sum of their amounts, in minor units.
    pub rejected_minor: i128,
}

/// The encoding of records: fixed-width, little-endian, lengths as u64, nothing longer than the limit.
fn encoding() -> bincode::config::Configuration<
    bincode::config::LittleEndian,
    bincode::config::Fixint,
    bincode::config::Limit<RECORD_BYTES_MAX>,
> {
    bincode::config::legacy().with_limit::<RECORD_BYTES_MAX>()
}

impl Manifest {
    /// Every data file of the generation.
    pub fn files(&self) -> impl Iterator<Item = &FileEntry> {
        std::iter::once(&self.account_keys)
            .chain(self.kinds.iter().map(|kind| &kind.keys))
            .chain(self.segments.iter().map(|segment| &segment.file))
            .chain(self.static_links.iter().map(|segment| &segment.file))
            .chain(self.attributes.iter().map(|attributes| &attributes.file))
    }

    /// The manifest as the bytes of its file.
    ///
    /// # Errors
    /// [`Error::Limit`] if the record is longer than 64 MiB.
    pub fn encode(&self) -> Result<Vec<u8>> {
        let record = bincode::serde::encode_to_vec(self, encoding());
        let record =
            record.map_err(|error| Error::Unproved(format!("the manifest cannot be written: {error}")))?;
        if record.len() > RECORD_BYTES_MAX {
            return Err(Error::Limit {
                what: "bytes of a manifest",
                found: record.len() as u64,
                limit: RECORD_BYTES_MAX as u64,
                remedy: "use wider time partitions",
            });
        }
        let mut file = Vec::with_capacity(HEAD_BYTES + record.len() + TAIL_BYTES);
        file.extend_from_slice(&MAGIC);
        file.extend_from_slice(&u32::from(VERSION_MAJOR).to_le_bytes());
        file.extend_from_slice(&0u32.to_le_bytes());
        file.extend_from_slice(&(record.len() as u64).to_le_bytes());
        file.extend_from_slice(&record);
        let hash = xxh3_64(&file);
        file.extend_from_slice(&hash.to_le_bytes());
        Ok(file)
    }

    /// Reads the bytes of the manifest file `path`.
    ///
    /// # Errors
    /// [`Error::Foreign`], [`Error::Version`] or [`Error::Damaged`].
    pub fn decode(path: &Path, file: &[u8]) -> Result<Self> {
        let damaged = |detail: String| Error::damaged(path, "manifest", detail);
        if file.is_empty() {
            return Err(damaged("the file is empty".to_string()));
        }
        if file.get(..8) != Some(&MAGIC[..]) {
            let detail = "it does not begin with the mark of one".to_string();
            return Err(Error::Foreign { path: path.to_path_buf(), what: "manifest", detail });
        }
        let Some(end) = file.len().checked_sub(TAIL_BYTES).filter(|&end| end >= HEAD_BYTES) else {
            return Err(damaged(format!("the file ends after {} bytes", file.len())));
        };
        let version = word(file, 8);
        if version != u64::from(VERSION_MAJOR) {
            return Err(Error::Version {
                path: path.to_path_buf(),
                found: version as u32,
                expected: VERSION_MAJOR.into(),
            });
        }
        if word(file, 16) != (end - HEAD_BYTES) as u64 {
            return Err(damaged(format!(
                "{} bytes are stated, there are {}",
                word(file, 16),
                end - HEAD_BYTES
            )));
        }
        if word(file, end) != xxh3_64(&file[..end]) {
            return Err(damaged("the checksum does not match".to_string()));
        }
        let record = &file[HEAD_BYTES..end];
        let (manifest, read): (Manifest, usize) = bincode::serde::decode_from_slice(record, encoding())
            .map_err(|error| damaged(error.to_string()))?;
        if read != record.len() {
            return Err(damaged(format!("{} bytes follow the record", record.len() - read)));
        }
        if let Some(entry) = manifest.files().find(|entry| !is_name(&entry.name)) {
            return Err(damaged(format!("{:?} is not the name of a data file", shortened(&entry.name))));
        }
        let mut names: Vec<&str> = manifest.files().map(|entry| entry.name.as_str()).collect();
        names.sort_unstable();
        // Opened as often as it is named, one file would take the memory of many.
        if let Some(pair) = names.windows(2).find(|pair| pair[0] == pair[1]) {
            return Err(damaged(format!("it names {} twice", pair[0])));
        }
        if manifest.generation == 0 || manifest.generation > GENERATION_MAX {
            return Err(damaged(format!("there is no generation {}", manifest.generation)));
        }
        if manifest.files().try_fold(0u64, |sum, entry| sum.checked_add(entry.bytes)).is_none() {
            return Err(damaged("the lengths of its files cannot be added".to_string()));
        }
        Ok(manifest)
    }
}

/// The beginning of a name for a message.
fn shortened(name: &str) -> &str {
    name.char_indices().nth(NAME_SHOWN_MAX).map_or(name, |(at, _)| &name[..at])
}

/// The name of a generation's manifest within the store.
pub(super) fn manifest_name(generation: u64) -> String {
    format!("manifest/{generation:020}")
}

/// Whether `name` is `<directory>/<stem>-<content id>.<extension>` with nothing unusual in the stem.
pub(super) fn is_name(name: &str) -> bool {
    let Some((directory, file)) = name.split_once('/') else {
        return false;
    };
    FileKind::of_directory(directory).is_some_and(|kind| is_file_name(kind, file))
}

/// Whether `file` is `<stem>-<content id>.<extension>` of a file of this kind.
pub(super) fn is_file_name(kind: FileKind, file: &str) -> bool {
    let plain = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'-' | b'_' | b'.');
    let parts = file.rsplit_once('.').and_then(|(name, extension)| Some((name.rsplit_once('-')?, extension)));
    parts.is_some_and(|((stem, id), extension)| {
        extension == kind.extension()
            && id.len() == 32
            && id.bytes().all(|c| matches!(c, b'0'..=b'9' | b'a'..=b'f'))
            && !stem.is_empty()
            && stem.len() <= STEM_CHARS_MAX
            && !stem.starts_with('.')
            && stem.bytes().all(plain)
    })
}

/// What `CURRENT` says: the live generation and the SHA-256 of its manifest file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Current {
    pub generation: u64,
    pub manifest: [u8; 32],
}

impl Current {
    pub(super) fn of(generation: u64, manifest: &[u8]) -> Self {
        Current { generation, manifest: Sha256::digest(manifest).into() }
    }

    pub(super) fn encode(&self) -> [u8; CURRENT_BYTES] {
        let mut record = [0; CURRENT_BYTES];
        record[0..8].copy_from_slice(&CURRENT_MAGIC);
        record[8..16].copy_from_slice(&self.generation.to_le_bytes());
        record[16..48].copy_from_slice(&self.manifest);
        let hash = xxh3_64(&record[0..56]);
        record[56..64].copy_from_slice(&hash.to_le_bytes());
        record
    }

    /// Reads the bytes of the file `path`.
    pub(super) fn decode(path: &Path, file: &[u8]) -> Result<Self> {
        let damaged = |detail: &str| Error::damaged(path, "CURRENT", detail);
        if file.is_empty() {
            return Err(damaged("the file is empty"));
        }
        if file.get(..8) != Some(&CURRENT_MAGIC[..]) {
            let detail = "CURRENT does not begin with the mark of one".to_string();
            return Err(Error::Foreign { path: path.to_path_buf(), what: "store", detail });
        }
        if file.len() != CURRENT_BYTES {
            return Err(damaged(&format!("the file has {} bytes, not {CURRENT_BYTES}", file.len())));
        }
        if word(file, 56) != xxh3_64(&file[..56]) || word(file, 48) != 0 {
            return Err(damaged("the checksum does not match"));
        }
        let mut manifest = [0; 32];
        manifest.copy_from_slice(&file[16..48]);
        Ok(Current { generation: word(file, 8), manifest })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::format::hex;
    use proptest::prelude::{any, prop, proptest};

    /// One of everything, small enough to be read byte by byte.
    fn manifest() -> Manifest {
        let file = |name: &str| FileEntry { name: name.to_string(), bytes: 0x1234, sha256: [0xaa; 32] };
        Manifest {
            generation: 2,
            parent: Some([0xbb; 32]),
            tool: "t".to_string(),
            schema: Schema {
                partition: Partition::Year,
                currencies: vec![Currency { code: "JPY".to_string(), exponent: 0 }],
                channels: vec!["c".to_string()],
                labels: Vec::new(),
                mapping: "m".to_string(),
            },
            num_accounts: 3,
            account_keys: file("keys/a-00000000000000000000000000000000.keys"),
            kinds: vec![KindEntry {
                name: "device".to_string(),
                num_identifiers: 4,
                keys: file("keys/d-00000000000000000000000000000001.keys"),
            }],
            segments: vec![SegmentEntry {
                partition: "2024".to_string(),
                file: file("segments/2024-00000000000000000000000000000002.seg"),
                num_transactions: 5,
                num_links: 6,
                time_min: -1,
                time_max: 7,
                has_keys: true,
            }],
            static_links: None,
            attributes: Some(AttributesEntry {
                file: file("attributes/x-00000000000000000000000000000003.col"),
                columns: vec![AttributeColumn { name: "n".to_string(), kind: AttributeKind::Time }],
            }),
            sources: vec![SourceEntry {
                role: "links".to_string(),
                name: "l.csv".to_string(),
                sha256: [0xcc; 32],
                bytes: 8,
                read: 9,
                accepted: 6,
                rejected: 2,
                skipped: 1,
            }],
            totals: vec![ControlTotal {
                accepted: 5,
                accepted_minor: -2,
                rejected: 1,
                rejected_minor: 1 << 64,
            }],
        }
    }

    /// Written out by hand from `docs/format.md`, "Manifest".
    fn golden_record() -> String {
        let text = |text: &str| format!("{:02x}00000000000000{}", text.len(), hex(text.as_bytes()));
        let file = |name: &str| format!("{}3412000000000000{}", text(name), "aa".repeat(32));
        [
            "0200000000000000".to_string(),
            format!("01{}", "bb".repeat(32)),
            text("t"),
            "02000000".to_string(),
            format!("0100000000000000{}00", text("JPY")),
            format!("0100000000000000{}", text("c")),
            "0000000000000000".to_string(),
            text("m"),
            "03000000".to_string(),
            file("keys/a-00000000000000000000000000000000.keys"),
            format!("0100000000000000{}04000000", text("device")),
            file("keys/d-00000000000000000000000000000001.keys"),
            format!("0100000000000000{}", text("2024")),
            file("segments/2024-00000000000000000000000000000002.seg"),
            "0500000006000000ffffffffffffffff070000000000000001".to_string(),
            "00".to_string(),
            format!("01{}", file("attributes/x-00000000000000000000000000000003.col")),
            format!("0100000000000000{}04000000", text("n")),
            format!("0100000000000000{}{}{}", text("links"), text("l.csv"), "cc".repeat(32)),
            "08000000000000000900000000000000060000000000000002000000000000000100000000000000".to_string(),
            "01000000000000000500000000000000feffffffffffffffffffffffffffffff".to_string(),
            "010000000000000000000000000000000100000000000000".to_string(),
        ]
        .concat()
    }

    fn frame(record: &[u8]) -> Vec<u8> {
        let mut file = b"RINGMAN\n\x01\0\0\0\0\0\0\0".to_vec();
        file.extend_from_slice(&(record.len() as u64).to_le_bytes());
        file.extend_from_slice(record);
        let hash = xxh3_64(&file);
        file.extend_from_slice(&hash.to_le_bytes());
        file
    }

    #[test]
    fn the_encoding_is_the_documented_one() {
        let golden = golden_record();
        let record: Vec<u8> = (0..golden.len())
            .step_by(2)
            .map(|at| u8::from_str_radix(&golden[at..at + 2], 16).unwrap())
            .collect();
        let file = manifest().encode().unwrap();
        assert_eq!(hex(&file[HEAD_BYTES..file.len() - TAIL_BYTES]), golden);
        assert_eq!(file, frame(&record));
        assert_eq!(Manifest::decode(Path::new("m"), &file).unwrap(), manifest());
    }

    #[test]
    fn bytes_behind_the_record_are_refused() {
        let file = manifest().encode().unwrap();
        let record = [&file[HEAD_BYTES..file.len() - TAIL_BYTES], &[0]].concat();
        let error = Manifest::decode(Path::new("m"), &frame(&record)).unwrap_err().to_string();
        assert!(error.contains("1 bytes follow"), "{error}");
    }

    #[test]
    fn names_that_lead_elsewhere_are_refused() {
        let id = "0123456789abcdef0123456789abcdef";
        assert!(is_name(&format!("segments/2024-05-{id}.seg")));
        for name in [
            format!("segments/../../etc/x-{id}.seg"),
            format!("/segments/x-{id}.seg"),
            format!("segments//x-{id}.seg"),
            format!("segments/.x-{id}.seg"),
            format!("segments/x-{id}.keys"),
            format!("manifest/x-{id}.seg"),
            format!("segments/-{id}.seg"),
            format!("segments/x-{}.seg", id.to_uppercase()),
            format!("segments/x-{id}0.seg"),
            format!("segments/x\0-{id}.seg"),
        ] {
            assert!(!is_name(&name), "{name}");
            let mut manifest = manifest();
            manifest.segments[0].file.name = name;
            assert!(Manifest::decode(Path::new("m"), &manifest.encode().unwrap()).is_err());
        }
    }

    #[test]
    fn current_is_the_documented_64_bytes() {
        let current = Current { generation: 3, manifest: [0xdd; 32] };
        let record = current.encode();
        let body = format!("{}0300000000000000{}0000000000000000", hex(b"RINGCUR\n"), "dd".repeat(32));
        assert_eq!(hex(&record[..56]), body);
        assert_eq!(Current::decode(Path::new("CURRENT"), &record).unwrap(), current);
    }

    proptest! {
        /// Lengths in a record are never believed before the bytes are there.
        #[test]
        fn no_record_makes_the_reader_panic(
            record in prop::collection::vec(any::<u8>(), 0..200),
            at in 0usize..900,
            word in any::<u64>(),
        ) {
            let _ = Manifest::decode(Path::new("m"), &frame(&record));
            let file = manifest().encode().unwrap();
            let mut record = file[HEAD_BYTES..file.len() - TAIL_BYTES].to_vec();
            let at = at.min(record.len() - 8);
            record[at..at + 8].copy_from_slice(&word.to_le_bytes());
            let _ = Manifest::decode(Path::new("m"), &frame(&record));
        }
    }
}
