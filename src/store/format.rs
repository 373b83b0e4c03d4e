//! The numbers of the format: magic, versions, column ids. `docs/format.md` explains them.

/// What a column is; ids are never used again for something else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u16)]
pub enum ColumnId {
    // Transactions of a segment, in (time, row) order.
    /// u32: the paying account.
    Source = 1,
    /// u32: the receiving account.
    Destination = 2,
    /// i64: microseconds since 1970 UTC, ascending.
    Time = 3,
    /// i64: amount paid, in minor units of `Currency`.
    Amount = 4,
    /// u16 codes: currency paid.
    Currency = 5,
    /// u8 codes: channel, 0 = none.
    Channel = 6,
    /// u8 codes: bit set, see [`flags`].
    Flags = 7,
    /// u32: identifier of kind `device`, `ids::NONE` = none.
    Device = 8,
    /// i64: amount received, in minor units of `ReceivedCurrency`; absent where nothing was converted or charged.
    ReceivedAmount = 9,
    /// u16 codes: currency received.
    ReceivedCurrency = 10,
    /// u8 codes: label, 0 = none.
    Label = 11,
    /// u64 codes: source file ordinal (upper 24 bits) and record number, from 1 (lower 40 bits).
    Row = 12,

    // Adjacency by source (out) and by destination (in), sorted by (node, position).
    /// u32: ascending nodes that have any edge; present only when offsets are sparse.
    OutNodes = 20,
    /// u32: where each node's slice begins; num_nodes + 1 entries.
    OutOffsets = 21,
    /// u32: the other end.
    OutNeighbors = 22,
    /// u32: position of the transaction in its segment.
    OutTransactions = 23,
    /// As `OutNodes`.
    InNodes = 30,
    /// As `OutOffsets`.
    InOffsets = 31,
    /// As `OutNeighbors`.
    InNeighbors = 32,
    /// As `OutTransactions`.
    InTransactions = 33,

    // Links between accounts and identifiers, sorted by (account, kind, identifier).
    /// u32: the account.
    LinkAccount = 40,
    /// u8 codes: the identifier's kind.
    LinkKind = 41,
    /// u32: the identifier within its kind.
    LinkIdentifier = 42,
    /// i64: first seen, `i64::MIN` = unknown.
    LinkFirst = 43,
    /// i64: last seen, `i64::MIN` = unknown.
    LinkLast = 44,
    /// u32 codes: how often the link was seen.
    LinkCount = 45,
    /// u32: the links' numbers, sorted by (kind, identifier, account).
    LinkByIdentifier = 46,

    // Keys: external ids of dense ids 0..n (a `.keys` file, or the transactions of a segment).
    /// u64 codes: the keys as numbers, when every key is a canonical decimal number.
    KeyNumbers = 60,
    /// u32: ids sorted by number, when `KeyNumbers` is not ascending.
    KeyOrder = 61,
    /// u8: all texts, one after another, when keys are texts.
    KeyText = 62,
    /// u64: where each text begins; n + 1 entries.
    KeyOffsets = 63,
    /// u32: hash slots, `ids::NONE` = empty.
    KeySlots = 64,
    /// u8: one byte of the hash per slot.
    KeyTags = 65,
    // Attributes: one column per file column, numbered from `ATTRIBUTE_FIRST` by threes:
    // values (or text offsets), text blob, validity bits.
}

/// First column id of attribute tables.
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
}
