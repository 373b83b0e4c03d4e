//! Widest paths: to every account the way in time on which the smallest payment is largest.
//!
//! A path begins with the seed and goes on by payments, each by the payee of the one before and later than it, within
//! the seed's currency. Its width is the least of the seed's amount and of what its payments move, min(paid, received)
//! each: as much of the seed's money can have come by this one way. It is at most the
//! [maximum traceable amount](super::max_traceable), which adds ways up.
//!
//! # Method
//! One sweep forward over the payments of reached accounts, in order. An account's width is the largest so far; a
//! payment that makes it larger leaves a label with the label of its payer at that time, and the labels lead back.
//!
//! # Cost
//! O(e log a) for e transactions of a reached accounts; memory O(a) and one label per improvement.
//!
//! # Choices
//! Of the widest paths to an account the one that arrives first is kept, and so on back.
//!
//! # Source
//! Bottleneck paths: Pollack, Operations Research 8, 1960; in one pass over time-ordered edges, as earliest arrival in
//! Wu, Cheng, Huang, Ke, Lu, Xu: Path Problems in Temporal Graphs, PVLDB 7(9), 2014.

use super::between::{Event, Mix, Sweep};
use super::options::{BoundOptions, Origin, origins};
use super::walk::Way;
use crate::error::Result;
use crate::graph::View;
use crate::ids::{AccountId, CurrencyId, TxId};
use crate::run::Run;
use crate::trace::seed::SeedKind;
use crate::trace::walk::meter::Meter;
use crate::trace::walk::rows::Rows;
use std::collections::HashMap;
use std::hash::BuildHasherDefault;

/// By reached account the widest path to it; columns of the same length, by account.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Widest {
    /// The seed's currency.
    pub currency: CurrencyId,
    /// Account; the first to hold the seed's money is among them.
    pub account: Vec<AccountId>,
    /// The least amount on the path, in minor units, more than 0.
    pub width: Vec<i64>,
    /// Number of payments after the seed.
    pub hops: Vec<u32>,
    /// The last transaction of the path; none where a deposit is.
    pub transaction: Vec<Option<TxId>>,
    /// Transactions looked at: the work done.
    pub events: u64,
    /// By row, its label.
    last: Vec<u32>,
    labels: Vec<Label>,
}

/// Money has come to an account by a path of a width that none before had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Label {
    width: i64,
    hops: u32,
    /// It can leave at any greater moment.
    moment: i64,
    transaction: Option<TxId>,
    /// The payer's label.
    before: u32,
    /// The account's label until then.
    older: u32,
}

/// No label.
const NO_LABEL: u32 = u32::MAX;

/// The widest path from `seed` to every account that its money can have reached within its currency.
///
/// # Errors
/// As [`max_traceable`](super::max_traceable).
///
/// # Examples
/// ```no_run
/// use ringfence::Run;
/// use ringfence::graph::Graph;
/// use ringfence::store::Io;
/// use ringfence::trace::SeedKind;
/// use ringfence::trace::bound::{BoundOptions, widest};
///
/// let graph = Graph::open("payments.ring".as_ref(), Io::Mmap)?;
/// let stolen = graph.find_transaction("t17")?.expect("a known transaction");
/// let seed = SeedKind::Transaction { transaction: stolen, amount: None };
/// let widest = widest(&graph.view(), &seed, &BoundOptions::default(), &Run::new())?;
/// let suspect = graph.find_account("A17")?.expect("a known account");
/// if let Some(path) = widest.path(suspect) {
///     println!("{} transactions lead there", path.len());
/// }
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn widest(view: &View<'_>, seed: &SeedKind, options: &BoundOptions, run: &Run) -> Result<Widest> {
    options.check(view.graph().num_accounts())?;
    run.check()?;
    let origins = origins(view, std::slice::from_ref(seed), options)?;
    let Origin { claimed, range } = &origins[0];
    let rows = Rows::new(view, None);
    let world = options.world(view, &rows, Some(claimed.currency));
    let mut meter = Meter::new(run);
    run.stage("widest paths", 0);

    let mut scan = Scan::default();
    scan.newest.insert(claimed.account, 0);
    scan.labels.push(Label {
        width: claimed.amount,
        hops: 0,
        moment: claimed.moment,
        transaction: claimed.transaction,
        before: NO_LABEL,
        older: NO_LABEL,
    });
    let mut sweep = Sweep::new(&world, Way::Forward, range.clone(), None);
    sweep.reach(origins[0].pool(), claimed.moment)?;
    while sweep.next().is_some() {
        if let Some(event) = sweep.step()? {
            scan.take(&event);
        }
        meter.event()?;
        world.check_events(sweep.num_events)?;
    }
    Ok(scan.finish(CurrencyId(claimed.currency), meter.finish()))
}

/// The labels so far.
#[derive(Debug, Default)]
struct Scan {
    labels: Vec<Label>,
    /// By account, its newest label.
    newest: HashMap<u32, u32, BuildHasherDefault<Mix>>,
}

impl Scan {
    /// Follows a payment to its payee.
    fn take(&mut self, event: &Event) {
        let Some(mut before) = self.newest.get(&event.source).copied() else { return };
        // What came at this very moment cannot leave yet.
        while before != NO_LABEL && self.labels[before as usize].moment >= event.moment {
            before = self.labels[before as usize].older;
        }
        let Some(label) = self.labels.get(before as usize) else { return };
        let width = label.width.min(event.paid.amount).min(event.received.amount);
        let hops = label.hops + 1;
        let older = self.newest.get(&event.destination).copied().unwrap_or(NO_LABEL);
        if self.labels.get(older as usize).is_some_and(|label| label.width >= width) {
            return;
        }
        self.newest.insert(event.destination, self.labels.len() as u32);
        let transaction = Some(TxId(event.position));
        self.labels.push(Label { width, hops, moment: event.moment, transaction, before, older });
    }

    fn finish(self, currency: CurrencyId, events: u64) -> Widest {
        let mut rows: Vec<(u32, u32)> = self.newest.into_iter().collect();
        rows.sort_unstable();
        let label = |&(_, label): &(u32, u32)| self.labels[label as usize];
        Widest {
            currency,
            account: rows.iter().map(|row| AccountId(row.0)).collect(),
            width: rows.iter().map(|row| label(row).width).collect(),
            hops: rows.iter().map(|row| label(row).hops).collect(),
            transaction: rows.iter().map(|row| label(row).transaction).collect(),
            events,
            last: rows.iter().map(|row| row.1).collect(),
            labels: self.labels,
        }
    }
}

impl Widest {
    /// Number of reached accounts.
    pub fn len(&self) -> usize {
        self.account.len()
    }

    /// Whether there is none; never so, because where the seed's money begins is reached.
    pub fn is_empty(&self) -> bool {
        self.account.is_empty()
    }

    /// The row of an account, if it is reached.
    pub fn find(&self, account: AccountId) -> Option<usize> {
        self.account.binary_search(&account).ok()
    }

    /// The transactions of the widest path to an account, the seed's first, if the account is reached.
    pub fn path(&self, account: AccountId) -> Option<Vec<TxId>> {
        let mut label = self.last[self.find(account)?];
        let mut path = Vec::new();
        while let Some(&Label { transaction, before, .. }) = self.labels.get(label as usize) {
            path.extend(transaction);
            label = before;
        }
        path.reverse();
        Some(path)
    }
}
