//! Columns of one chunk of rows, before ids: keys are still texts, numbered within the chunk.

use crate::store::keys::KeyList;

/// Distinct keys of one chunk, in order of first appearance, and nothing else.
///
/// Key `i` is `text[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Debug, Default)]
pub struct LocalKeys {
    /// All keys, one after another.
    pub text: Vec<u8>,
    /// `len + 1` offsets.
    pub offsets: Vec<u32>,
    /// A hash of each key (`xxh3_64` of its bytes), so that nobody computes it again.
    pub hashes: Vec<u64>,
}

/// Transactions of one chunk of one source, in row order; all columns have the same length.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// Ordinal of the source among the transaction sources, from 0.
    pub source_ordinal: u32,
    /// Account keys of this chunk; numbered in order of first appearance, source before destination.
    pub accounts: LocalKeys,
    /// Paying account, as a number in `accounts`.
    pub source: Vec<u32>,
    /// Receiving account, as a number in `accounts`.
    pub destination: Vec<u32>,
    /// Microseconds since 1970 UTC.
    pub time: Vec<i64>,
    /// Minor units paid.
    pub amount: Vec<i64>,
    /// Currencies of this chunk (names as in the schema), in order of first appearance, paid before received.
    pub currencies: Vec<crate::units::Currency>,
    /// Currency paid, as a number in `currencies`; empty when the chunk has only one currency.
    pub currency: Vec<u16>,
    /// Minor units received and their currency's number; `None` when every row receives what was paid.
    pub received: Option<(Vec<i64>, Vec<u16>)>,
    /// Channel names of this chunk and each row's channel, 0 = none, 1 = the first; codes empty when no row has one.
    pub channels: (Vec<String>, Vec<u8>),
    /// As `channels`.
    pub labels: (Vec<String>, Vec<u8>),
    /// Bits of [`store::format::flags`](crate::store::format::flags) except `SELF_TRANSFER`; empty when all are 0.
    pub flags: Vec<u8>,
    /// Device keys and each row's device, `ids::NONE` = none; `None` when the mapping has no device.
    pub devices: Option<(LocalKeys, Vec<u32>)>,
    /// Record number within the source, from 1, header not counted.
    pub first_record: u64,
    /// Record number minus `first_record` of each row; empty when it is 0, 1, 2, … (no row was left out).
    pub record: Vec<u32>,
    /// Transaction keys of the rows; `None` when the mapping has none.
    pub keys: Option<KeyList>,
}

impl Batch {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.time.len()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.time.is_empty()
    }
}

/// One link between an account and an identifier, from a links table.
#[derive(Clone, Debug, Default)]
pub struct LinkRows {
    /// Account keys, distinct, in order of first appearance.
    pub accounts: LocalKeys,
    /// Each link's account, as a number in `accounts`.
    pub account: Vec<u32>,
    /// Kind names, in order of first appearance.
    pub kinds: Vec<String>,
    /// Each link's kind.
    pub kind: Vec<u8>,
    /// Identifier keys by kind.
    pub identifiers: Vec<LocalKeys>,
    /// Each link's identifier, as a number in `identifiers[kind]`.
    pub identifier: Vec<u32>,
    /// First seen, `i64::MIN` = unknown.
    pub first: Vec<i64>,
    /// Last seen, `i64::MIN` = unknown.
    pub last: Vec<i64>,
}

/// The accounts table: one row per account.
#[derive(Clone, Debug, Default)]
pub struct AccountRows {
    /// Account keys; row `i` is account `account[i]`.
    pub accounts: LocalKeys,
    /// Names and values of the attribute columns, one value per key in `accounts`.
    pub columns: Vec<(String, AttributeValues)>,
}

/// Values of one attribute with nulls.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValues {
    /// Texts.
    Text(Vec<Option<String>>),
    /// Whole numbers.
    Integer(Vec<Option<i64>>),
    /// Floating-point numbers.
    Float(Vec<Option<f64>>),
    /// Truth values.
    Boolean(Vec<Option<bool>>),
    /// Microseconds since 1970 UTC.
    Time(Vec<Option<i64>>),
}
