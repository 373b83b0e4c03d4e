//! Dense ids: what the engine calls things inside; external keys stay outside.
//!
//! Ids are given once, when rows are ingested, and translated back once, when
//! results leave. Each kind of node has its own space of `u32` numbers.

use serde::{Deserialize, Serialize};

/// An account: `0..num_accounts`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AccountId(pub u32);

/// A kind of identifier (device, e-mail, phone, …): its place in the store's schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct KindId(pub u8);

/// One identifier value: a kind and its number within that kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct IdentifierId {
    /// The kind.
    pub kind: KindId,
    /// The value: `0..num_identifiers(kind)`.
    pub value: u32,
}

/// A currency: its place in the store's schema.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct CurrencyId(pub u16);

/// A transaction's position in the total order (time, row) of the whole graph.
///
/// Comparing positions compares time. Positions may change when late rows are
/// appended; what leaves the engine is the external transaction key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct TxId(pub u64);

/// `u32` value that stands for "none" in id columns; never a valid id.
pub const NONE: u32 = u32::MAX;

/// Most nodes of one kind, and most transactions of one segment: two values are reserved.
pub const IDS_MAX: u64 = u32::MAX as u64 - 1;

macro_rules! index {
    ($($id:ident),*) => {$(
        impl $id {
            /// The id as an index into a dense array.
            #[inline]
            pub fn index(self) -> usize {
                self.0 as usize
            }
        }
    )*};
}
// A macro only because four newtypes share this one method.
index!(AccountId, KindId, CurrencyId, TxId);
