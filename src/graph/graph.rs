//! An opened store as a graph: counts, keys, transactions by position.

use super::View;
use crate::error::{Error, Result};
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
    /// Position of each segment's first transaction, and the number of transactions.
    bases: Arc<[u64]>,
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
    /// Bits of [`flags`](crate::store::format::flags).
    pub flags: u8,
}

impl Graph {
    /// Opens the live generation of the store at `path`. Costs milliseconds whatever the size.
    ///
    /// # Errors
    /// Those of [`Store::open`]: a missing, foreign, damaged or newer file, by name.
    pub fn open(path: &Path, io: Io) -> Result<Self> {
        Self::of(Store::open(path, io)?)
    }

    /// Opens the generation numbered `generation` of the store at `path`, as it was when it was live.
    ///
    /// # Errors
    /// Those of [`Store::open_generation`]: also that there is no such generation, with those there are.
    pub fn open_as_of(path: &Path, generation: u64, io: Io) -> Result<Self> {
        Self::of(Store::open_generation(path, generation, io)?)
    }

    fn of(store: Store) -> Result<Self> {
        let mut bases = vec![0];
        for segment in store.segments() {
            bases.push(bases[bases.len() - 1] + segment.transactions.time.len() as u64);
        }
        Ok(Self { store: Arc::new(store), bases: bases.into() })
    }

    /// The directory of the store.
    pub fn path(&self) -> &Path {
        self.store.path()
    }

    /// The store behind.
    pub fn store(&self) -> &Store {
        &self.store
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
        self.bases[self.bases.len() - 1]
    }

    /// Segments in time order, each with the position of its first transaction.
    pub fn segments(&self) -> impl Iterator<Item = (TxId, &Segment)> {
        self.bases.iter().map(|&base| TxId(base)).zip(self.store.segments())
    }

    /// Every segment that holds links between accounts and identifiers.
    pub fn link_segments(&self) -> impl Iterator<Item = &Segment> {
        self.store.static_links().into_iter().chain(self.store.segments())
    }

    /// The segment of a transaction and its place there.
    #[inline]
    pub fn locate(&self, id: TxId) -> Result<(&Segment, usize)> {
        let number = self.bases.partition_point(|&base| base <= id.0);
        if number == 0 || id.0 >= self.num_transactions() {
            return Err(self.beyond(id));
        }
        Ok((&self.store.segments()[number - 1], (id.0 - self.bases[number - 1]) as usize))
    }

    #[cold]
    fn beyond(&self, id: TxId) -> Error {
        Error::UnknownKey {
            place: self.path().display().to_string(),
            kind: "transaction position".into(),
            key: id.0.to_string(),
        }
    }

    /// The transaction at a position.
    #[inline]
    pub fn transaction(&self, id: TxId) -> Result<Transaction> {
        let (segment, row) = self.locate(id)?;
        let columns = &segment.transactions;
        let paid = columns.amount.get(row)?;
        let paid_currency = columns.currency.get(row)?;
        let (received, received_currency) = match &columns.received {
            Some((amounts, currencies)) => (amounts.get(row)?, currencies.get(row)?),
            None => (paid, paid_currency),
        };
        Ok(Transaction {
            id,
            source: AccountId(columns.source.get(row)?),
            destination: AccountId(columns.destination.get(row)?),
            time: columns.time.get(row)?,
            paid,
            paid_currency: CurrencyId(paid_currency),
            received,
            received_currency: CurrencyId(received_currency),
            flags: columns.flags.get(row)?,
        })
    }

    /// First position whose time is at or after `time_us` (or `num_transactions`).
    pub fn position_at(&self, time_us: i64) -> Result<TxId> {
        let entries = &self.manifest().segments;
        let number = entries.partition_point(|entry| entry.time_max < time_us);
        let Some(segment) = self.store.segments().get(number) else {
            return Ok(TxId(self.num_transactions()));
        };
        let times = &segment.transactions.time;
        let (mut low, mut high) = (0, times.len());
        while low < high {
            let middle = low + (high - low) / 2;
            if times.get(middle)? < time_us {
                low = middle + 1;
            } else {
                high = middle;
            }
        }
        Ok(TxId(self.bases[number] + low as u64))
    }

    /// A view of everything.
    pub fn view(&self) -> View<'_> {
        View::new(self, Window::ALL, TxId(0)..TxId(self.num_transactions()))
    }

    /// A view of the transactions inside `window`.
    pub fn window(&self, window: Window) -> Result<View<'_>> {
        let (from, to) = (self.position_at(window.from)?, self.position_at(window.to)?);
        Ok(View::new(self, window, from..to.max(from)))
    }

    /// The account with this external key.
    pub fn find_account(&self, key: &str) -> Result<Option<AccountId>> {
        Ok(self.store.account_keys().find(key.as_bytes())?.map(AccountId))
    }

    /// The external key of an account.
    pub fn account_key(&self, account: AccountId) -> Result<String> {
        let mut key = Vec::new();
        self.store.account_keys().key(account.0, &mut key)?;
        Ok(text(key))
    }

    /// The transaction with this external key: the data's own, or `<source>:<record>` where the data has none
    /// (`0:17` is record 17 of the first transaction file, the header not counted).
    pub fn find_transaction(&self, key: &str) -> Result<Option<TxId>> {
        let reference = reference_of(key);
        for (base, segment) in self.segments() {
            let found = match (&segment.keys, reference) {
                (Some(keys), _) => keys.find(key.as_bytes())?,
                (None, Some(reference)) => find_row(segment, reference)?,
                (None, None) => None,
            };
            if let Some(local) = found {
                return Ok(Some(TxId(base.0 + u64::from(local))));
            }
        }
        Ok(None)
    }

    /// The external key of a transaction.
    pub fn transaction_key(&self, id: TxId) -> Result<String> {
        let (segment, row) = self.locate(id)?;
        match &segment.keys {
            Some(keys) => {
                let mut key = Vec::new();
                keys.key(row as u32, &mut key)?;
                Ok(text(key))
            }
            None => {
                let reference = segment.transactions.row.get(row)?;
                Ok(format!("{}:{}", reference >> RECORD_BITS, reference & RECORD_MASK))
            }
        }
    }

    /// The transaction that this one corrects (flag `CORRECTION`) or takes back (`REVERSED`), if it says which. Costs a scan of the rows' places.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] for a position beyond the graph; [`Error::Damaged`].
    pub fn refers_to(&self, id: TxId) -> Result<Option<TxId>> {
        Ok(self.refer_to(&[id])?[0])
    }

    /// As [`refers_to`](Self::refers_to) of each of `ids`, in their order. One scan for all of them, and none where no one refers to another.
    ///
    /// # Errors
    /// As [`refers_to`](Self::refers_to).
    pub fn refer_to(&self, ids: &[TxId]) -> Result<Vec<Option<TxId>>> {
        let reference = |id: &TxId| {
            let (segment, row) = self.locate(*id)?;
            segment.transactions.refers.as_ref().map_or(Ok(0), |refers| refers.get(row))
        };
        let references = ids.iter().map(reference).collect::<Result<Vec<u64>>>()?;
        let mut wanted: Vec<u64> = references.iter().copied().filter(|&reference| reference != 0).collect();
        wanted.sort_unstable();
        wanted.dedup();
        let mut found = vec![None; wanted.len()];
        let mut num_left = wanted.len();
        for (base, segment) in self.segments() {
            if num_left == 0 {
                break;
            }
            find_rows(segment, &wanted, |place, row| {
                num_left -= usize::from(found[place].is_none());
                found[place] = Some(TxId(base.0 + u64::from(row)));
            })?;
        }
        Ok(references
            .iter()
            .map(|one| wanted.binary_search(one).ok().and_then(|place| found[place]))
            .collect())
    }

    /// The transactions that correct this one or take it back, in order of time. Costs a scan of the segments that have any such.
    ///
    /// # Errors
    /// As [`refers_to`](Self::refers_to).
    pub fn referred_by(&self, id: TxId) -> Result<Vec<TxId>> {
        let (segment, row) = self.locate(id)?;
        let reference = segment.transactions.row.get(row)?;
        let mut found = Vec::new();
        for (base, segment) in self.segments() {
            let Some(refers) = &segment.transactions.refers else { continue };
            for at in 0..refers.len() {
                if reference != 0 && refers.get(at)? == reference {
                    found.push(TxId(base.0 + at as u64));
                }
            }
        }
        Ok(found)
    }

    /// The external key of an identifier.
    pub fn identifier_key(&self, identifier: IdentifierId) -> Result<String> {
        let mut key = Vec::new();
        self.store.identifier_keys()[identifier.kind.index()].key(identifier.value, &mut key)?;
        Ok(text(key))
    }

    /// The identifier of a kind with this value, if the graph has it.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the keys are.
    pub fn find_identifier(&self, kind: KindId, key: &str) -> Result<Option<IdentifierId>> {
        let found = self.store.identifier_keys()[kind.index()].find(key.as_bytes())?;
        Ok(found.map(|value| IdentifierId { kind, value }))
    }

    /// The kind of identifiers with this name.
    pub fn find_kind(&self, name: &str) -> Option<KindId> {
        let found = self.manifest().kinds.iter().position(|kind| kind.name == name);
        found.map(|kind| KindId(kind as u8))
    }

    /// The currency with this code.
    pub fn find_currency(&self, code: &str) -> Option<CurrencyId> {
        let found = self.manifest().schema.currencies.iter().position(|currency| currency.code == code);
        found.map(|currency| CurrencyId(currency as u16))
    }

    /// A currency's code and decimals.
    pub fn currency(&self, id: CurrencyId) -> &Currency {
        &self.manifest().schema.currencies[id.index()]
    }
}

const RECORD_BITS: u32 = 40;
const RECORD_MASK: u64 = (1 << RECORD_BITS) - 1;

/// Keys are checked UTF-8 at ingest; anything else is shown with replacement characters.
fn text(key: Vec<u8>) -> String {
    String::from_utf8(key).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned())
}

/// `<source>:<record>` as the row column holds it.
fn reference_of(key: &str) -> Option<u64> {
    let (source, record) = key.split_once(':')?;
    let (source, record) = (source.parse::<u64>().ok()?, record.parse::<u64>().ok()?);
    let fits = source < 1 << (64 - RECORD_BITS) && record <= RECORD_MASK;
    fits.then_some(source << RECORD_BITS | record)
}

/// The transaction that a source row became: a scan, for people's lookups.
pub(super) fn find_row(segment: &Segment, reference: u64) -> Result<Option<u32>> {
    let mut found = None;
    find_rows(segment, &[reference], |_, row| found = Some(row))?;
    Ok(found)
}

/// Which of `references`, ascending, are rows of this segment, by their place among them: one scan.
fn find_rows(segment: &Segment, references: &[u64], mut found: impl FnMut(usize, u32)) -> Result<()> {
    let rows = &segment.transactions.row;
    if let Some(raw) = rows.raw() {
        for (row, reference) in raw.all()?.iter().enumerate() {
            if let Ok(place) = references.binary_search(reference) {
                found(place, row as u32);
            }
        }
        return Ok(());
    }
    let Some((base, step)) = rows.as_sequence() else { return Ok(()) };
    for (place, reference) in references.iter().enumerate() {
        let row = match (reference.checked_sub(base), step) {
            (Some(0), _) => 0,
            (Some(rise), step @ 1..) if rise % step == 0 => rise / step,
            _ => continue,
        };
        if row < rows.len() as u64 {
            found(place, row as u32);
        }
    }
    Ok(())
}
