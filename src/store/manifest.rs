//! What a generation consists of: the one record that says which files are live.
//!
//! Serialised with serde and bincode (fixed-width, little-endian, byte limit,
//! no trailing bytes), framed by magic, version, length and checksum.

use crate::units::Currency;
use serde::{Deserialize, Serialize};

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
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
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
