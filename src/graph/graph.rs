//! An opened store as a graph: counts, keys, transactions by position.

use crate::error::Result;
use crate::ids::{AccountId, CurrencyId, IdentifierId, KindId, TxId};
use crate::store::manifest::Manifest;
use crate::store::{Io, Segment, Store};
use crate::units::{Currency, Window};
use std::path::Path;
use std::sync::Arc;

/// An immutable graph of accounts, transactions and identifiers. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Graph {
    store: Arc<Store>,
}

/// One transaction, looked up by position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transaction {
    /// Position in the total order.
    pub id: TxId,
    /// Paying account.
    pub source: AccountId,
    /// Receiving account.
    pub destination: AccountId,
    /// Microseconds since 1970 UTC.
    pub time: i64,
    /// Minor units paid.
    pub paid: i64,
    /// Currency paid.
    pub paid_currency: CurrencyId,
    /// Minor units received; equal to `paid` where nothing was converted or charged.
    pub received: i64,
    /// Currency received.
    pub received_currency: CurrencyId,
}

impl Graph {
    /// Opens the live generation of the store at `path`. Costs milliseconds whatever the size.
    pub fn open(path: &Path, io: Io) -> Result<Self> {
        let _ = (path, io);
        todo!()
    }
    /// The manifest of the opened generation.
    pub fn manifest(&self) -> &Manifest {
        &self.store.manifest
    }
    /// Number of accounts.
    pub fn num_accounts(&self) -> u32 {
        self.manifest().num_accounts
    }
    /// Number of transactions.
    pub fn num_transactions(&self) -> u64 {
        todo!()
    }
    /// Segments in time order, each with the position of its first transaction.
    pub fn segments(&self) -> impl Iterator<Item = (TxId, &Segment)> {
        std::iter::empty()
    }
    /// The transaction at a position.
    #[inline]
    pub fn transaction(&self, id: TxId) -> Result<Transaction> {
        let _ = id;
        todo!()
    }
    /// First position whose time is at or after `time_us` (or `num_transactions`).
    pub fn position_at(&self, time_us: i64) -> Result<TxId> {
        let _ = time_us;
        todo!()
    }
    /// A view of everything.
    pub fn view(&self) -> super::View<'_> {
        todo!()
    }
    /// A view of the transactions inside `window`.
    pub fn window(&self, window: Window) -> Result<super::View<'_>> {
        let _ = window;
        todo!()
    }
    /// The account with this external key.
    pub fn find_account(&self, key: &str) -> Result<Option<AccountId>> {
        let _ = key;
        todo!()
    }
    /// The external key of an account.
    pub fn account_key(&self, account: AccountId) -> Result<String> {
        let _ = account;
        todo!()
    }
    /// The transaction with this external key: the data's own, or `<source>:<record>` where the data has none.
    pub fn find_transaction(&self, key: &str) -> Result<Option<TxId>> {
        let _ = key;
        todo!()
    }
    /// The external key of a transaction.
    pub fn transaction_key(&self, id: TxId) -> Result<String> {
        let _ = id;
        todo!()
    }
    /// The external key of an identifier.
    pub fn identifier_key(&self, identifier: IdentifierId) -> Result<String> {
        let _ = identifier;
        todo!()
    }
    /// The kind of identifiers with this name.
    pub fn find_kind(&self, name: &str) -> Option<KindId> {
        let _ = name;
        todo!()
    }
    /// The currency with this code.
    pub fn find_currency(&self, code: &str) -> Option<CurrencyId> {
        let _ = code;
        todo!()
    }
    /// A currency's code and decimals.
    pub fn currency(&self, id: CurrencyId) -> &Currency {
        &self.manifest().schema.currencies[id.index()]
    }
}
