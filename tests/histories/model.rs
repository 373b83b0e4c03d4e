//! What a store should hold, kept in the slowest and plainest way: lists and maps of texts.

use std::collections::{BTreeMap, BTreeSet};

/// A transaction as a file states it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    pub key: u64,
    pub source: u64,
    pub destination: u64,
    /// Seconds since 1970 UTC.
    pub time: i64,
    pub minor: i64,
    pub currency: &'static str,
    /// Key of the row that this one says anew.
    pub corrects: Option<u64>,
}

/// The tables of one delivery; rows in the order of their file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Delivery {
    /// Which delivery it is: no two have the same bytes.
    pub number: u64,
    pub rows: Vec<Row>,
    /// Account, kind and value.
    pub links: Vec<(u64, &'static str, u64)>,
    /// Account and segment.
    pub accounts: Vec<(u64, &'static str)>,
}

/// Transactions and minor units: those accepted, and those rejected or skipped.
type Totals = BTreeMap<&'static str, [i128; 4]>;

/// One generation.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Content {
    /// In the order in which they came.
    rows: Vec<Row>,
    links: BTreeSet<(u64, &'static str, u64)>,
    segments: BTreeMap<u64, &'static str>,
    accounts: BTreeSet<u64>,
    totals: Totals,
    deliveries: BTreeSet<u64>,
    /// Keys of rows that were corrected.
    corrected: BTreeSet<u64>,
    pub partition: &'static str,
}

impl Content {
    pub fn holds(&self, delivery: &Delivery) -> bool {
        self.deliveries.contains(&delivery.number)
    }

    pub fn num_rows(&self) -> usize {
        self.rows.len()
    }

    pub fn row(&self, number: usize) -> &Row {
        &self.rows[number]
    }

    pub fn has_segment(&self, account: u64) -> bool {
        self.segments.contains_key(&account)
    }

    /// The same, cut by another width.
    pub fn by(self, partition: &'static str) -> Content {
        Content { partition, ..self }
    }

    /// The content after a delivery: of rows with the same key the first one counts, of corrections of the same row, too.
    pub fn after(&self, delivery: &Delivery) -> Content {
        let mut next = self.clone();
        next.deliveries.insert(delivery.number);
        for row in &delivery.rows {
            let totals = next.totals.entry(row.currency).or_default();
            let is_known = |key| next.rows.iter().any(|known| known.key == key);
            let is_new = !is_known(row.key) && row.corrects.is_none_or(is_known);
            let is_new = is_new && row.corrects.is_none_or(|corrected| next.corrected.insert(corrected));
            let at = if is_new { 0 } else { 2 };
            totals[at] += 1;
            totals[at + 1] += i128::from(row.minor);
            // Also of a row that is left out: accounts get their numbers before it is known that its key is taken.
            next.accounts.extend([row.source, row.destination]);
            if is_new {
                next.rows.push(row.clone());
            }
        }
        for &link in &delivery.links {
            next.links.insert(link);
            next.accounts.insert(link.0);
        }
        for &(account, segment) in &delivery.accounts {
            next.segments.insert(account, segment);
            next.accounts.insert(account);
        }
        next
    }

    /// Everything in words, as `said` says it of a store.
    pub fn said(&self) -> Vec<String> {
        let mut rows: Vec<&Row> = self.rows.iter().collect();
        rows.sort_by_key(|row| row.time); // Stable: of one moment, as they came.
        let rows = rows.into_iter().map(|row| {
            let Row { key, source, destination, time, minor, currency, corrects } = row;
            let corrects = corrects.map(|key| format!("t{key}"));
            let counts = !self.corrected.contains(key);
            format!(
                "t{key}: a{source} -> a{destination} at {time}: {minor} {currency}, {corrects:?}, {counts}"
            )
        });
        let mut accounts: Vec<String> = self.accounts.iter().map(|account| format!("a{account}")).collect();
        accounts.sort();
        let mut links: Vec<String> =
            self.links.iter().map(|(account, kind, value)| format!("a{account} {kind} v{value}")).collect();
        links.sort();
        let mut segments: Vec<String> = self
            .segments
            .iter()
            .map(|(account, segment)| format!("a{account} is Text({segment:?})"))
            .collect();
        segments.sort();
        let totals = self.totals.iter().map(|(currency, totals)| format!("{currency}: {totals:?}"));
        let partition = [format!("by {}", self.partition)];
        rows.chain(accounts).chain(links).chain(segments).chain(totals).chain(partition).collect()
    }
}
