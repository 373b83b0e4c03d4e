//! Columns of one chunk of rows, before ids: keys are still texts, numbered within the chunk.

use super::reject::Reject;
use crate::store::keys::KeyList;
use xxhash_rust::xxh3::xxh3_64;

/// Distinct keys of one chunk, in order of first appearance, and nothing else.
///
/// Key `i` is `text[offsets[i]..offsets[i + 1]]`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LocalKeys {
    /// All keys, one after another.
    pub text: Vec<u8>,
    /// `len + 1` offsets; may be empty when there is no key.
    pub offsets: Vec<u32>,
    /// [`key_hash`] of each key, so that nobody computes it again.
    pub hashes: Vec<u64>,
    /// The keys as numbers when every one of them is a [`canonical_number`], else empty.
    pub numbers: Vec<u64>,
}

impl LocalKeys {
    /// Number of keys.
    pub fn len(&self) -> usize {
        self.hashes.len()
    }
    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.hashes.is_empty()
    }
    /// Key `i`.
    pub fn key(&self, i: usize) -> &[u8] {
        &self.text[self.offsets[i] as usize..self.offsets[i + 1] as usize]
    }
    /// All keys, in order.
    pub fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.len()).map(|i| self.key(i))
    }
}

/// `key` as a number, if it is written in decimal without sign or leading zero and lies below 2^63.
///
/// Such a key and its number stand for each other; `007` and `7` are different keys.
#[inline]
pub fn canonical_number(key: &[u8]) -> Option<u64> {
    if key.is_empty() || key.len() > 19 || (key[0] == b'0' && key.len() > 1) {
        return None;
    }
    let mut number = 0u64;
    for byte in key {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        // Nineteen nines are below 2^64.
        number = number * 10 + u64::from(digit);
    }
    (number < 1 << 63).then_some(number)
}

/// The hash by which keys of different chunks are brought together: equal keys, equal hashes.
///
/// A [`canonical_number`] hashes by its value, so that columns of integers never become text for it;
/// everything else by `xxh3_64` of its bytes.
#[inline]
pub fn key_hash(key: &[u8]) -> u64 {
    match canonical_number(key) {
        Some(number) => number_hash(number),
        None => xxh3_64(key),
    }
}

/// [`key_hash`] of the key that writes `number` in decimal: the 64-bit finaliser of MurmurHash3.
#[inline]
pub fn number_hash(number: u64) -> u64 {
    let mut h = number ^ 0x9e37_79b9_7f4a_7c15;
    h = (h ^ (h >> 33)).wrapping_mul(0xff51_afd7_ed55_8ccd);
    h = (h ^ (h >> 33)).wrapping_mul(0xc4ce_b9fe_1a85_ec53);
    h ^ (h >> 33)
}

/// Transactions of one chunk of one source, in row order; all columns have the same length.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
    /// Transaction keys of the rows; `None` when the mapping has none. Chunks of one source may differ in the variant.
    pub keys: Option<KeyList>,
    /// Rows that correct another (flag `CORRECTION`) or take it back, ascending, with the key of that one.
    pub refers: Vec<(u32, Vec<u8>)>,
    /// Rows of this chunk that were refused, in row order; a batch may hold nothing else.
    pub rejects: Vec<Reject>,
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

/// Links between accounts and identifiers, from a links table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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
#[derive(Clone, Debug, Default, PartialEq)]
pub struct AccountRows {
    /// Account keys, one per row of the table.
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

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_canonical_number_is_the_only_way_to_write_it(number in 0u64..1 << 63) {
            let text = number.to_string();
            prop_assert_eq!(canonical_number(text.as_bytes()), Some(number));
            prop_assert_eq!(key_hash(text.as_bytes()), number_hash(number));
            let padded = format!("0{text}");
            prop_assert_eq!(canonical_number(padded.as_bytes()), None);
        }

        #[test]
        fn only_what_prints_back_is_a_canonical_number(key: Vec<u8>) {
            if let Some(number) = canonical_number(&key) {
                prop_assert_eq!(number.to_string().into_bytes(), key);
            }
        }
    }

    #[test]
    fn numbers_end_below_two_to_the_63() {
        assert_eq!(canonical_number(b"9223372036854775807"), Some(i64::MAX as u64));
        assert_eq!(canonical_number(b"9223372036854775808"), None);
        assert_eq!(canonical_number(b"9999999999999999999"), None);
        assert_eq!(canonical_number(b"10000000000000000000"), None);
        assert_eq!(canonical_number(b""), None);
        assert_eq!(canonical_number(b"0"), Some(0));
        assert_eq!(canonical_number(b"00"), None);
    }
}
