//! The k widest paths from a seed to one account, in a total order.
//!
//! Paths are those of [`widest`](super::widest): the seed, then payments in time. They are ordered by width, largest
//! first; then by fewest payments; then by earliest arrival; then by the positions of their payments, one by one.
//! None visits an account twice.
//!
//! # Method
//! Lawler's form of Yen's method: the best path is found; the others are split by the payment at which they leave
//! it, the best of each part is found in the same way and waits in a heap. Each path is the best of exactly one part, so
//! none is found twice. The best of a part is found by two scans over the payments between seed and target: the
//! first finds the width, the second, among payments of at least that width, the fewest hops. A best path never
//! visits an account twice: without the loop it would be shorter and no less wide.
//!
//! # Cost
//! O(k·h) scans for paths of h payments, each linear in the payments that lie between seed and target.
//!
//! # Source
//! Yen, Management Science 17(11), 1971; Lawler, Management Science 18(7), 1972.

use super::between::{Event, Mix, between};
use super::network::Claimed;
use super::options::{BoundOptions, check_target, origins};
use crate::error::{Error, Result};
use crate::graph::View;
use crate::ids::{AccountId, CurrencyId, TxId};
use crate::run::Run;
use crate::trace::seed::SeedKind;
use crate::trace::walk::meter::Meter;
use crate::trace::walk::rows::Rows;
use std::cmp::Reverse;
use std::collections::{BinaryHeap, HashMap, HashSet};
use std::hash::BuildHasherDefault;

/// The widest paths to one account, best first; ragged, one row per path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WidestPaths {
    /// The seed's currency.
    pub currency: CurrencyId,
    /// The least amount on each path, in minor units.
    pub width: Vec<i64>,
    /// Where each begins in `transactions`, and the end: one more than there are paths.
    pub offsets: Vec<u64>,
    /// Transactions in order; the seed's is the first, a deposit has none.
    pub transactions: Vec<TxId>,
    /// Transactions looked at in search of those that lie between seed and target.
    pub events: u64,
}

impl WidestPaths {
    /// Number of paths.
    pub fn len(&self) -> usize {
        self.width.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.width.is_empty()
    }

    /// The transactions of one path.
    ///
    /// # Panics
    /// If `path` is not below [`len`](Self::len).
    pub fn transactions(&self, path: usize) -> &[TxId] {
        &self.transactions[self.offsets[path] as usize..self.offsets[path + 1] as usize]
    }
}

/// The `k` widest paths from `seed` to `target`, or all there are.
///
/// # Errors
/// As [`max_traceable`](super::max_traceable); [`Error::Option`] for a `k` of 0.
pub fn widest_paths(
    view: &View<'_>,
    seed: &SeedKind,
    target: AccountId,
    k: u32,
    options: &BoundOptions,
    run: &Run,
) -> Result<WidestPaths> {
    options.check(view.graph().num_accounts())?;
    if k == 0 {
        return Err(Error::Option { name: "k", value: "0".into(), allowed: "1 or more paths" });
    }
    run.check()?;
    check_target(view, target, || "target".into())?;
    let origins = origins(view, std::slice::from_ref(seed), options)?;
    let claimed = origins[0].claimed;
    let rows = Rows::new(view, None);
    let world = options.world(view, &rows, Some(claimed.currency));
    run.stage("widest paths", 0);
    let mut meter = Meter::new(run);
    let events = match claimed.account == target.0 {
        true => Vec::new(),
        false => between(&world, &origins[0].question(target), &mut meter)?,
    };
    let search = Search { claimed, target: target.0, events: &events };
    let best = search.best(k, run)?;
    let mut paths = WidestPaths {
        currency: CurrencyId(claimed.currency),
        width: Vec::new(),
        offsets: vec![0],
        transactions: Vec::new(),
        events: meter.finish(),
    };
    for Found { width: Reverse(width), places, .. } in best {
        paths.width.push(width);
        paths.transactions.extend(claimed.transaction);
        paths.transactions.extend(places.iter().map(|&place| TxId(events[place as usize].position)));
        paths.offsets.push(paths.transactions.len() as u64);
    }
    Ok(paths)
}

/// A path, the best of its part; ordered as the paths are, best first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    width: Reverse<i64>,
    hops: usize,
    /// The last payment.
    arrival: Option<u32>,
    /// Its payments, as places among the events.
    places: Vec<u32>,
    /// The part: paths that begin with so many of these payments…
    common: usize,
    /// … and then go on by none of these.
    barred: Vec<u32>,
}

/// What all parts have in common.
struct Search<'a> {
    claimed: Claimed,
    target: u32,
    /// The payments between seed and target, in order.
    events: &'a [Event],
}

impl Search<'_> {
    /// The best `k` paths.
    fn best(&self, k: u32, run: &Run) -> Result<Vec<Found>> {
        let mut best = Vec::new();
        let mut waiting = BinaryHeap::new();
        waiting.extend(self.best_of(Vec::new(), Vec::new()).map(Reverse));
        while let Some(Reverse(found)) = waiting.pop() {
            run.check()?;
            run.advance(1);
            if best.len() + 1 < k as usize {
                for common in found.common..found.places.len() {
                    let mut barred = if common == found.common { found.barred.clone() } else { Vec::new() };
                    barred.push(found.places[common]);
                    waiting.extend(self.best_of(found.places[..common].to_vec(), barred).map(Reverse));
                }
            }
            best.push(found);
            if best.len() == k as usize {
                break;
            }
        }
        Ok(best)
    }

    /// The best path that begins with `places` and does not go on by a payment of `barred`.
    fn best_of(&self, mut places: Vec<u32>, barred: Vec<u32>) -> Option<Found> {
        let mut part = Part {
            account: self.claimed.account,
            moment: self.claimed.moment,
            first: 0,
            visited: HashSet::default(),
            barred: &barred,
        };
        let mut width = self.claimed.amount;
        for &place in &places {
            let event = &self.events[place as usize];
            part.visited.insert(part.account);
            (part.account, part.moment, part.first) = (event.destination, event.moment, place as usize + 1);
            width = width.min(amount(event));
        }
        let common = places.len();
        if part.account != self.target {
            width = width.min(self.width(&part)?);
            places.extend(self.shortest(&part, width)?);
        }
        let (hops, arrival) = (places.len(), places.last().copied());
        Some(Found { width: Reverse(width), hops, arrival, places, common, barred })
    }

    /// The payments that may follow: those of a part, later than its beginning, to accounts it has not visited.
    fn follow<'p>(&'p self, part: &'p Part<'p>) -> impl Iterator<Item = (u32, &'p Event)> {
        let places = part.first as u32..self.events.len() as u32;
        places.map(|place| (place, &self.events[place as usize])).filter(|(place, event)| {
            event.destination != part.account
                && event.source != self.target
                && !part.visited.contains(&event.source)
                && !part.visited.contains(&event.destination)
                && (event.source != part.account || !part.barred.contains(place))
        })
    }

    /// The width of the widest way on to the target.
    fn width(&self, part: &Part<'_>) -> Option<i64> {
        let mut labels = Labels::new(part, i64::MAX);
        for (_, event) in self.follow(part) {
            let Some((before, &width)) = labels.before(event) else { continue };
            let width = width.min(amount(event));
            if labels.of(event.destination).is_none_or(|&known| known < width) {
                labels.add(event, before, 0, width);
            }
        }
        labels.of(self.target).copied()
    }

    /// Of the ways on to the target by payments of at least `width`, the one with the fewest payments; then the one that
    /// arrives first; then the first by positions.
    fn shortest(&self, part: &Part<'_>, width: i64) -> Option<Vec<u32>> {
        let mut labels = Labels::new(part, 0u32);
        for (place, event) in self.follow(part).filter(|(_, event)| amount(event) >= width) {
            let Some((before, &hops)) = labels.before(event) else { continue };
            let hops = hops + 1;
            let improves = match labels.newest.get(&event.destination) {
                None => true,
                Some(&known) => match hops.cmp(&labels.labels[known as usize].value) {
                    std::cmp::Ordering::Less => true,
                    // At the target the first to arrive is better, and stands there already.
                    std::cmp::Ordering::Equal if event.destination != self.target => {
                        let mut places = labels.places(before);
                        places.push(place);
                        places < labels.places(known)
                    }
                    _ => false,
                },
            };
            if improves {
                labels.add(event, before, place, hops);
            }
        }
        labels.newest.get(&self.target).map(|&label| labels.places(label))
    }
}

/// What a payment moves of what came.
fn amount(event: &Event) -> i64 {
    event.paid.amount.min(event.received.amount)
}

/// The paths that begin in one way.
struct Part<'a> {
    /// Where the beginning ends.
    account: u32,
    /// It goes on at any greater moment.
    moment: i64,
    /// The first event that may follow.
    first: usize,
    /// Accounts of the beginning, before its end.
    visited: HashSet<u32, BuildHasherDefault<Mix>>,
    /// Payments by which it does not go on.
    barred: &'a [u32],
}

/// The best so far by account, each with what was best before it.
struct Labels<T> {
    labels: Vec<Label<T>>,
    /// By account, its newest label.
    newest: HashMap<u32, u32, BuildHasherDefault<Mix>>,
}

struct Label<T> {
    value: T,
    moment: i64,
    place: u32,
    /// The payer's label.
    before: u32,
    /// The account's label until then.
    older: u32,
}

/// No label.
const NO_LABEL: u32 = u32::MAX;

impl<T> Labels<T> {
    fn new(part: &Part<'_>, value: T) -> Self {
        let first = Label { value, moment: part.moment, place: 0, before: NO_LABEL, older: NO_LABEL };
        Labels { labels: vec![first], newest: HashMap::from_iter([(part.account, 0)]) }
    }

    /// What is best at an account now.
    fn of(&self, account: u32) -> Option<&T> {
        self.newest.get(&account).map(|&label| &self.labels[label as usize].value)
    }

    /// The best that the payer of `event` had before its moment, and its label.
    fn before(&self, event: &Event) -> Option<(u32, &T)> {
        let mut at = *self.newest.get(&event.source)?;
        loop {
            let label = self.labels.get(at as usize)?;
            if label.moment < event.moment {
                return Some((at, &label.value));
            }
            at = label.older;
        }
    }

    fn add(&mut self, event: &Event, before: u32, place: u32, value: T) {
        let new = self.labels.len() as u32;
        let older = self.newest.insert(event.destination, new).unwrap_or(NO_LABEL);
        self.labels.push(Label { value, moment: event.moment, place, before, older });
    }

    /// The places of the payments that led to a label.
    fn places(&self, label: u32) -> Vec<u32> {
        let mut places = Vec::new();
        let mut at = &self.labels[label as usize];
        while at.before != NO_LABEL {
            places.push(at.place);
            at = &self.labels[at.before as usize];
        }
        places.reverse();
        places
    }
}
