//! The numbers of the format: magic, versions, column ids, and the fixed-size records of a container.
//!
//! `docs/format.md` explains every byte. This file turns the records into
//! bytes and back and judges each record by itself; `container` judges how they fit together.

use crate::error::{Error, Result};
use std::path::Path;
use xxhash_rust::xxh3::xxh3_64;

#[cfg(target_endian = "big")]
compile_error!("the store's files are little-endian and are mapped as they are");

/// Format version of the store: another major version is refused by name, a higher minor version only adds
/// columns that an older reader may leave aside.
pub const VERSION_MAJOR: u16 = 1;
/// See [`VERSION_MAJOR`].
pub const VERSION_MINOR: u16 = 0;

/// First bytes of every container; the last three are damaged by text-mode copies.
pub const MAGIC: [u8; 8] = *b"\x89RING\r\n\x1a";
/// Last bytes of every container.
pub const END_MAGIC: [u8; 8] = *b"RINGEND\n";
/// Reads as 4, 3, 2, 1 in the file.
const BYTE_ORDER: u32 = 0x0102_0304;

/// Columns begin at multiples of this many bytes, and the header takes as many.
pub const PAGE: usize = 4096;
/// Bytes under one checksum.
pub const BLOCK: usize = 1 << 16;
/// Bytes of the header.
pub const HEADER_BYTES: usize = PAGE;
/// Bytes of one entry of the directory.
pub const ENTRY_BYTES: usize = 40;
/// Bytes of one entry of the block table.
pub const HASH_BYTES: usize = 8;
/// Bytes of the trailer.
pub const TRAILER_BYTES: usize = 96;

/// What a column is; ids are never used again for something else.
///
/// Ids from [`ATTRIBUTE_FIRST`] belong to attribute tables.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ColumnId(pub u16);

impl From<u16> for ColumnId {
    fn from(id: u16) -> Self {
        ColumnId(id)
    }
}

/// Declares the column ids once: constant, number, name for people.
// A macro only because constant, name and the list for tests would drift apart.
macro_rules! columns {
    ($($(#[$doc:meta])* $constant:ident = $number:literal $name:literal;)*) => {
        impl ColumnId {
            $($(#[$doc])* pub const $constant: ColumnId = ColumnId($number);)*

            /// The column's name in messages, for example `out.neighbors`.
            pub fn name(self) -> String {
                match self.0 {
                    $($number => $name.to_string(),)*
                    id if id >= ATTRIBUTE_FIRST => {
                        let part = ["values", "text", "valid"][usize::from((id - ATTRIBUTE_FIRST) % 3)];
                        format!("attribute.{}.{part}", (id - ATTRIBUTE_FIRST) / 3)
                    }
                    id => format!("number {id}"),
                }
            }
        }
    };
}

columns! {
    // Transactions of a segment, in (time, row) order.
    /// u32: the paying account.
    SOURCE = 1 "source";
    /// u32: the receiving account.
    DESTINATION = 2 "destination";
    /// i64: microseconds since 1970 UTC, ascending.
    TIME = 3 "time";
    /// i64: amount paid, in minor units of `CURRENCY`.
    AMOUNT = 4 "amount";
    /// u16 codes: currency paid; absent = 0.
    CURRENCY = 5 "currency";
    /// u8 codes: channel, 0 = none; absent = 0.
    CHANNEL = 6 "channel";
    /// u8 codes: bit set, see [`flags`]; absent = 0.
    FLAGS = 7 "flags";
    /// u32: identifier of kind `device`, `ids::NONE` = none.
    DEVICE = 8 "device";
    /// i64: amount received, in minor units of `RECEIVED_CURRENCY`; absent where nothing was converted or charged.
    RECEIVED_AMOUNT = 9 "received.amount";
    /// u16 codes: currency received; present exactly where `RECEIVED_AMOUNT` is.
    RECEIVED_CURRENCY = 10 "received.currency";
    /// u8 codes: label, 0 = none; absent = 0.
    LABEL = 11 "label";
    /// u64 codes: source file ordinal (upper 24 bits) and record number, from 1 (lower 40 bits); absent = 0.
    ROW = 12 "row";
    /// u64 codes: `ROW` of the transaction that this one corrects or takes back, 0 = none; absent where none does.
    REFERS = 13 "refers";

    // Adjacency by source (out) and by destination (in), sorted by (node, position).
    /// u32: ascending nodes that have any edge; present only when offsets are sparse.
    OUT_NODES = 20 "out.nodes";
    /// u32: where each node's slice begins; one entry per node, and the end.
    OUT_OFFSETS = 21 "out.offsets";
    /// u32: the other end.
    OUT_NEIGHBORS = 22 "out.neighbors";
    /// u32: position of the transaction in its segment.
    OUT_TRANSACTIONS = 23 "out.transactions";
    /// As `OUT_NODES`.
    IN_NODES = 30 "in.nodes";
    /// As `OUT_OFFSETS`.
    IN_OFFSETS = 31 "in.offsets";
    /// As `OUT_NEIGHBORS`.
    IN_NEIGHBORS = 32 "in.neighbors";
    /// As `OUT_TRANSACTIONS`.
    IN_TRANSACTIONS = 33 "in.transactions";

    // Links between accounts and identifiers, sorted by (account, kind, identifier).
    /// u32: the account.
    LINK_ACCOUNT = 40 "link.account";
    /// u8 codes: the identifier's kind.
    LINK_KIND = 41 "link.kind";
    /// u32: the identifier within its kind.
    LINK_IDENTIFIER = 42 "link.identifier";
    /// i64: first seen, `i64::MIN` = unknown.
    LINK_FIRST = 43 "link.first";
    /// i64: last seen, `i64::MIN` = unknown.
    LINK_LAST = 44 "link.last";
    /// u32 codes: how often the link was seen.
    LINK_COUNT = 45 "link.count";
    /// u32: the links' numbers, sorted by (kind, identifier, account).
    LINK_BY_IDENTIFIER = 46 "link.by_identifier";

    // Keys: external ids of dense ids 0..n (a `.keys` file, or the transactions of a segment).
    /// u64 codes: the keys as numbers, when every key is a canonical decimal number.
    KEY_NUMBERS = 60 "key.numbers";
    /// u32: ids sorted by number, when `KEY_NUMBERS` is not ascending.
    KEY_ORDER = 61 "key.order";
    /// u8: all texts, one after another, when keys are texts.
    KEY_TEXT = 62 "key.text";
    /// u64: where each text begins; n + 1 entries.
    KEY_OFFSETS = 63 "key.offsets";
    /// u32: hash slots, `ids::NONE` = empty.
    KEY_SLOTS = 64 "key.slots";
    /// u8: one byte of the hash per slot, 0 = empty.
    KEY_TAGS = 65 "key.tags";
    /// u64 × 4: hash key (two words), number of home slots, longest probe.
    KEY_INDEX = 66 "key.index";
}

/// First column id of attribute tables: column `i` uses `ATTRIBUTE_FIRST + 3 i` (values, or offsets of texts),
/// `+ 1` (text blob) and `+ 2` (validity bits).
pub const ATTRIBUTE_FIRST: u16 = 1024;

/// Bits of the flags column.
pub mod flags {
    /// The transaction takes another one back.
    pub const REVERSED: u8 = 1;
    /// Source and destination are the same account.
    pub const SELF_TRANSFER: u8 = 2;
    /// The source data marks the transaction as illicit.
    pub const LABELLED: u8 = 4;
    /// One row stands for many transactions over an interval.
    pub const AGGREGATE: u8 = 8;
    /// The time is known to the day only; order within the day is that of the rows.
    pub const DAY_PRECISION: u8 = 16;
    /// The row records an attempt that the source says did not go through.
    pub const FAILED: u8 = 32;
    /// The transaction says anew what another one said wrongly: the one that it refers to.
    pub const CORRECTION: u8 = 64;
    /// Another transaction says it anew; this one stays as evidence.
    pub const CORRECTED: u8 = 128;
    /// Any of these: the row is there and moves no money.
    pub const MOVES_NOTHING: u8 = FAILED | CORRECTED;
}

/// What a container holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FileKind {
    /// `.seg`: transactions, adjacencies and links of one partition.
    Segment = 1,
    /// `.keys`: external keys of one kind of node.
    Keys = 2,
    /// `.col`: attributes.
    Attributes = 3,
}

impl FileKind {
    /// The kind whose files live in `directory`.
    pub(super) fn of_directory(directory: &str) -> Option<Self> {
        match directory {
            "segments" => Some(FileKind::Segment),
            "keys" => Some(FileKind::Keys),
            "attributes" => Some(FileKind::Attributes),
            _ => None,
        }
    }

    /// The file name extension that goes with the kind.
    pub(super) fn extension(self) -> &'static str {
        match self {
            FileKind::Segment => "seg",
            FileKind::Keys => "keys",
            FileKind::Attributes => "col",
        }
    }
}

/// Type of a column's values.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ElementType {
    /// Unsigned, 1 byte.
    U8 = 1,
    /// Unsigned, 2 bytes.
    U16 = 2,
    /// Unsigned, 4 bytes.
    U32 = 3,
    /// Unsigned, 8 bytes.
    U64 = 4,
    /// Two's complement, 8 bytes.
    I64 = 5,
}

impl ElementType {
    /// Bytes of one value.
    pub fn width(self) -> usize {
        match self {
            ElementType::U8 => 1,
            ElementType::U16 => 2,
            ElementType::U32 => 4,
            ElementType::U64 | ElementType::I64 => 8,
        }
    }

    fn read(code: u8) -> Option<Self> {
        use ElementType::{I64, U8, U16, U32, U64};
        [U8, U16, U32, U64, I64].into_iter().find(|&element| element as u8 == code)
    }

    /// The value whose low bytes are `bits`.
    fn value(self, bits: u64) -> i128 {
        match self {
            ElementType::I64 => i128::from(bits as i64),
            _ => i128::from(bits),
        }
    }

    fn max(self) -> i128 {
        match self {
            ElementType::U8 => u8::MAX.into(),
            ElementType::U16 => u16::MAX.into(),
            ElementType::U32 => u32::MAX.into(),
            ElementType::U64 => u64::MAX.into(),
            ElementType::I64 => i64::MAX.into(),
        }
    }
}

/// How a column's values are stored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Codec {
    /// One after another.
    Raw = 0,
    /// Not at all: value `i` is `base + i × step`.
    Sequence = 1,
}

/// One record of the directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Entry {
    /// What the column is.
    pub id: ColumnId,
    /// Type of its values.
    pub element: ElementType,
    /// How they are stored.
    pub codec: Codec,
    /// Step of a sequence.
    pub step: u8,
    /// Where the values begin in the file; 0 for a sequence.
    pub offset: u64,
    /// Bytes of the values, without padding; 0 for a sequence.
    pub bytes: u64,
    /// Number of values.
    pub count: u64,
    /// First value of a sequence, as bits.
    pub base: u64,
}

impl Entry {
    /// The record as it stands in the file.
    pub(super) fn encode(&self) -> [u8; ENTRY_BYTES] {
        let mut record = [0; ENTRY_BYTES];
        record[0..2].copy_from_slice(&self.id.0.to_le_bytes());
        record[2] = self.element as u8;
        record[3] = self.codec as u8;
        record[4] = self.step;
        record[8..16].copy_from_slice(&self.offset.to_le_bytes());
        record[16..24].copy_from_slice(&self.bytes.to_le_bytes());
        record[24..32].copy_from_slice(&self.count.to_le_bytes());
        record[32..40].copy_from_slice(&self.base.to_le_bytes());
        record
    }

    /// Reads a record and checks everything that can be checked without the others.
    pub(super) fn decode(record: &[u8; ENTRY_BYTES]) -> std::result::Result<Self, String> {
        let id = ColumnId(u16::from_le_bytes([record[0], record[1]]));
        let wrong = |what: String| format!("column {}: {what}", id.name());
        let element =
            ElementType::read(record[2]).ok_or_else(|| wrong(format!("unknown type {}", record[2])))?;
        let codec = match record[3] {
            0 => Codec::Raw,
            1 => Codec::Sequence,
            other => return Err(wrong(format!("unknown codec {other}"))),
        };
        if record[5..8] != [0; 3] {
            return Err(wrong("reserved bytes are not zero".to_string()));
        }
        let entry = Entry {
            id,
            element,
            codec,
            step: record[4],
            offset: word(record, 8),
            bytes: word(record, 16),
            count: word(record, 24),
            base: word(record, 32),
        };
        match codec {
            Codec::Raw => {
                if entry.count.checked_mul(element.width() as u64) != Some(entry.bytes) {
                    return Err(wrong(format!(
                        "{} values of {} bytes do not take {} bytes",
                        entry.count,
                        element.width(),
                        entry.bytes
                    )));
                }
                if entry.step != 0 || entry.base != 0 {
                    return Err(wrong("a raw column has no base and no step".to_string()));
                }
            }
            Codec::Sequence => {
                if entry.offset != 0 || entry.bytes != 0 {
                    return Err(wrong("a sequence takes no space".to_string()));
                }
                if !entry.sequence_fits() {
                    return Err(wrong("the sequence leaves the range of its type".to_string()));
                }
            }
        }
        Ok(entry)
    }

    /// Whether every value of a sequence is a value of its type.
    pub(super) fn sequence_fits(&self) -> bool {
        let base = self.element.value(self.base);
        let rise = i128::from(self.count.saturating_sub(1)) * i128::from(self.step);
        base <= self.element.max() && base + rise <= self.element.max()
    }

    /// Bytes that the column takes in the file, with its padding; `None` if beyond counting.
    pub(super) fn padded_bytes(&self) -> Option<u64> {
        self.bytes.checked_next_multiple_of(PAGE as u64)
    }
}

/// The header page of a container of this version.
pub(super) fn encode_header(kind: FileKind) -> [u8; HEADER_BYTES] {
    let mut header = [0; HEADER_BYTES];
    header[0..8].copy_from_slice(&MAGIC);
    header[8..10].copy_from_slice(&VERSION_MAJOR.to_le_bytes());
    header[10..12].copy_from_slice(&VERSION_MINOR.to_le_bytes());
    header[12..16].copy_from_slice(&BYTE_ORDER.to_le_bytes());
    header[16] = kind as u8;
    header
}

/// Reads a header page; its checksum is the caller's business.
pub(super) fn decode_header(path: &Path, header: &[u8]) -> Result<FileKind> {
    if header.get(0..8) != Some(&MAGIC[..]) {
        return Err(Error::Foreign {
            path: path.to_path_buf(),
            what: "data file",
            detail: "it does not begin with the mark of one".to_string(),
        });
    }
    if header.len() < HEADER_BYTES {
        let detail = format!("it ends after {} bytes, within the header", header.len());
        return Err(Error::damaged(path, "header", detail));
    }
    let major = u16::from_le_bytes([header[8], header[9]]);
    if major != VERSION_MAJOR {
        return Err(Error::Version {
            path: path.to_path_buf(),
            found: major.into(),
            expected: VERSION_MAJOR.into(),
        });
    }
    if header[12..16] != BYTE_ORDER.to_le_bytes() {
        return Err(Error::damaged(path, "header", "the byte order mark is not little-endian"));
    }
    if header[17..].iter().any(|&byte| byte != 0) {
        return Err(Error::damaged(path, "header", "reserved bytes are not zero"));
    }
    use FileKind::{Attributes, Keys, Segment};
    [Segment, Keys, Attributes]
        .into_iter()
        .find(|&kind| kind as u8 == header[16])
        .ok_or_else(|| Error::damaged(path, "header", format!("unknown file kind {}", header[16])))
}

/// The last record of a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Trailer {
    pub directory_offset: u64,
    pub directory_bytes: u64,
    pub table_offset: u64,
    pub table_bytes: u64,
    pub file_bytes: u64,
    pub content_id: [u8; 16],
    pub header_hash: u64,
    pub directory_hash: u64,
    pub table_hash: u64,
}

impl Trailer {
    pub(super) fn encode(&self) -> [u8; TRAILER_BYTES] {
        let mut record = [0; TRAILER_BYTES];
        record[0..8].copy_from_slice(&self.directory_offset.to_le_bytes());
        record[8..16].copy_from_slice(&self.directory_bytes.to_le_bytes());
        record[16..24].copy_from_slice(&self.table_offset.to_le_bytes());
        record[24..32].copy_from_slice(&self.table_bytes.to_le_bytes());
        record[32..40].copy_from_slice(&self.file_bytes.to_le_bytes());
        record[40..56].copy_from_slice(&self.content_id);
        record[56..64].copy_from_slice(&self.header_hash.to_le_bytes());
        record[64..72].copy_from_slice(&self.directory_hash.to_le_bytes());
        record[72..80].copy_from_slice(&self.table_hash.to_le_bytes());
        let hash = xxh3_64(&record[0..80]);
        record[80..88].copy_from_slice(&hash.to_le_bytes());
        record[88..96].copy_from_slice(&END_MAGIC);
        record
    }

    /// Reads a trailer and checks its mark and checksum.
    pub(super) fn decode(record: &[u8; TRAILER_BYTES]) -> std::result::Result<Self, &'static str> {
        if record[88..96] != END_MAGIC {
            return Err("the closing mark is missing, so the file was cut or its end was overwritten");
        }
        if xxh3_64(&record[0..80]) != word(record, 80) {
            return Err("its checksum does not match");
        }
        let mut content_id = [0; 16];
        content_id.copy_from_slice(&record[40..56]);
        Ok(Trailer {
            directory_offset: word(record, 0),
            directory_bytes: word(record, 8),
            table_offset: word(record, 16),
            table_bytes: word(record, 24),
            file_bytes: word(record, 32),
            content_id,
            header_hash: word(record, 56),
            directory_hash: word(record, 64),
            table_hash: word(record, 72),
        })
    }
}

/// The little-endian word at `at`, which the caller knows to lie inside.
pub(super) fn word(bytes: &[u8], at: usize) -> u64 {
    let mut word = [0; 8];
    word.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(word)
}

/// What the checksum of a block is combined with (exclusive or), so that a block from another place or file fails.
pub(super) fn place_hash(content_id: &[u8; 16], column: ColumnId, block: u64) -> u64 {
    let mut place = [0; 32];
    place[0..16].copy_from_slice(content_id);
    place[16..18].copy_from_slice(&column.0.to_le_bytes());
    place[24..32].copy_from_slice(&block.to_le_bytes());
    xxh3_64(&place)
}

/// 32 lower-case hexadecimal digits.
pub(super) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write;
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a string cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            id: ColumnId::TIME,
            element: ElementType::I64,
            codec: Codec::Raw,
            step: 0,
            offset: 4096,
            bytes: 80,
            count: 10,
            base: 0,
        }
    }

    #[test]
    fn records_come_back_as_they_were_written() {
        let sequence = Entry { codec: Codec::Sequence, offset: 0, bytes: 0, step: 3, base: 7, ..entry() };
        for entry in [entry(), sequence] {
            assert_eq!(Entry::decode(&entry.encode()), Ok(entry));
        }
        let trailer = Trailer {
            directory_offset: 1,
            directory_bytes: 2,
            table_offset: 3,
            table_bytes: 4,
            file_bytes: 5,
            content_id: [6; 16],
            header_hash: 7,
            directory_hash: 8,
            table_hash: 9,
        };
        assert_eq!(Trailer::decode(&trailer.encode()), Ok(trailer));
    }

    #[test]
    fn entries_that_contradict_themselves_are_refused() {
        let refused = |entry: Entry, why: &str| {
            let message = Entry::decode(&entry.encode()).unwrap_err();
            assert!(message.contains(why), "{message}");
        };
        refused(Entry { count: 11, ..entry() }, "do not take");
        refused(Entry { count: u64::MAX / 4, ..entry() }, "do not take");
        refused(Entry { step: 1, ..entry() }, "no base");
        refused(Entry { codec: Codec::Sequence, ..entry() }, "takes no space");
        let full = Entry { codec: Codec::Sequence, offset: 0, bytes: 0, step: 1, ..entry() };
        refused(Entry { element: ElementType::U8, count: 257, ..full }, "leaves the range");
        refused(Entry { element: ElementType::U8, base: 256, count: 0, ..full }, "leaves the range");
        assert!(Entry::decode(&Entry { element: ElementType::U8, count: 256, ..full }.encode()).is_ok());
        assert!(Entry::decode(&Entry { base: i64::MIN as u64, count: u64::MAX, ..full }.encode()).is_ok());
    }

    #[test]
    fn a_header_says_what_is_wrong_with_it() {
        let path = Path::new("x.seg");
        let good = encode_header(FileKind::Keys);
        assert_eq!(decode_header(path, &good).unwrap(), FileKind::Keys);
        let with = |at: usize, value: u8| {
            let mut header = good;
            header[at] = value;
            decode_header(path, &header).unwrap_err()
        };
        assert!(matches!(with(0, b'P'), Error::Foreign { .. }));
        assert!(matches!(with(8, 2), Error::Version { found: 2, expected: 1, .. }));
        assert!(with(12, 1).to_string().contains("byte order"));
        assert!(with(16, 9).to_string().contains("file kind 9"));
        assert!(with(4095, 1).to_string().contains("not zero"));
        let mut minor = good;
        minor[10] = 1;
        assert!(decode_header(path, &minor).is_ok());
    }

    #[test]
    fn the_place_of_a_block_changes_its_checksum() {
        let base = place_hash(&[1; 16], ColumnId(1), 0);
        assert_ne!(base, place_hash(&[2; 16], ColumnId(1), 0));
        assert_ne!(base, place_hash(&[1; 16], ColumnId(2), 0));
        assert_ne!(base, place_hash(&[1; 16], ColumnId(1), 1));
    }

    #[test]
    fn attribute_columns_are_named_by_their_place() {
        assert_eq!(ColumnId::OUT_NEIGHBORS.name(), "out.neighbors");
        assert_eq!(ColumnId(ATTRIBUTE_FIRST + 5).name(), "attribute.1.valid");
        assert_eq!(ColumnId(999).name(), "number 999");
    }
}
