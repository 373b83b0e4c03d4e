//! Scatter-gather: one account pays many, the mules, who then pay one.
//!
//! A path is a payment of the source to a mule and one of the mule to the sink that follows it within `span_us`. The sink may be the source
//! itself: money that comes back. A window begins with the first payment of a path and ends `span_us` later; its paths are those with both payments in it.
//! Of windows of a source and a sink that overlap in time, the one with the most mules stays, then the earliest. An instance has the payments
//! of all paths of its window.
//!
//! # Method
//! From each source along its payments and on along those of each payee, twice: first to count mules by sink, then to keep the paths to sinks
//! with enough of them. Accounts with more transfers within the span than [`Budget::hub_max`] are no mules.
//!
//! # Cost
//! Time in the number of such paths of two payments, and in those that are kept times their logarithm; memory that of one source per thread, and the result.
//!
//! # Source
//! Altman et al., NeurIPS 2023, §3.2, with the order of time that the shape stands for.

use super::budget::{Budget, Cut};
use super::instances::{Instance, Role};
use super::money::{Kept, Money};
use super::search::{Meter, by_account};
use super::settings::{self, at_least};
use super::tally::Tally;
use super::transfers::{Direction, Entry, Transfers, between};
use super::typology::Typology;
use super::windows::{Window, disjoint};
use crate::error::Result;
use crate::run::Run;
use crate::units::Ties;
use crate::units::time::DAY_US;
use serde::{Deserialize, Serialize};

/// Options of [`Typology::ScatterGather`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScatterGatherOptions {
    /// Longest time between the first payment and the last, in microseconds, at least 1.
    #[serde(rename = "span_s", with = "settings::seconds")]
    pub span_us: i64,
    /// Fewest mules, at least 2.
    pub mules_min: u32,
    /// Whether money can be received and paid on at one and the same time.
    #[serde(with = "settings::ties")]
    pub ties: Ties,
    /// Least amount of a payment that counts, in minor units (with rates in units of value), at least 0.
    pub amount_min: i64,
    /// How much of a payment to a mule its payment to the sink must be.
    #[serde(with = "settings::kept")]
    pub passed_on: Kept,
    /// How much may be done.
    #[serde(flatten)]
    pub budget: Budget,
}

impl Default for ScatterGatherOptions {
    fn default() -> Self {
        Self {
            span_us: 5 * DAY_US,
            mules_min: 3,
            ties: Ties::default(),
            amount_min: 0,
            passed_on: Kept::ANY,
            budget: Budget::default(),
        }
    }
}

impl ScatterGatherOptions {
    pub(super) fn check(&self) -> Result<()> {
        at_least("span_s", self.span_us, 1, "more than 0")?;
        at_least("mules_min", self.mules_min.into(), 2, "at least 2")?;
        at_least("amount_min", self.amount_min, 0, "at least 0")?;
        self.passed_on.check("passed_on")?;
        self.budget.check()
    }
}

/// The instances from every source.
pub(super) fn scatter_gather(
    transfers: &Transfers,
    options: &ScatterGatherOptions,
    run: &Run,
) -> Result<(Vec<Instance>, Cut)> {
    let name = Typology::ScatterGather.name();
    let reach = &transfers.reach(options.span_us);
    by_account(transfers, Direction::Out, &options.budget, run, name, || {
        let (sinks, ways, paths, mules) = (Tally::default(), Vec::new(), Vec::new(), Vec::new());
        let mut search = Diamonds { transfers, options, reach, sinks, ways, paths, mules };
        move |source, meter: &mut Meter, found: &mut Vec<Instance>| search.from(source, meter, found)
    })
}

/// A payment to a mule and one from there to a sink.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Path {
    sink: u32,
    first: u32,
    second: u32,
    mule: u32,
}

struct Diamonds<'a> {
    transfers: &'a Transfers,
    options: &'a ScatterGatherOptions,
    /// For each place the first one after its span.
    reach: &'a [u32],
    sinks: Tally,
    /// For each payment of the source its place, its payee, and what that one pays on.
    ways: Vec<(u32, u32, &'a [Entry])>,
    paths: Vec<Path>,
    mules: Vec<u32>,
}

impl<'a> Diamonds<'a> {
    fn from(&mut self, source: u32, meter: &mut Meter, found: &mut Vec<Instance>) {
        let least = self.options.mules_min;
        let paid = self.transfers.out(source);
        if paid.len() < least as usize {
            return;
        }
        // Which sinks can have enough mules: far fewer than there are, so that few paths are kept and sorted.
        let mut sinks = std::mem::take(&mut self.sinks);
        sinks.clear();
        let mut ways = std::mem::take(&mut self.ways);
        ways.clear();
        for first in paid {
            let on = self.on(first);
            let passes = meter.passes(on.len());
            let on = if passes { on } else { &[] };
            if !meter.spend(1 + on.len() as u64) {
                (self.sinks, self.ways) = (sinks, ways);
                return;
            }
            on.iter().for_each(|second| sinks.add(second.neighbor, first.neighbor));
            ways.push((first.place, first.neighbor, on));
        }
        let mut paths = std::mem::take(&mut self.paths);
        paths.clear();
        for &(first, mule, on) in &ways {
            let received = self.transfers.received(first);
            let is_path =
                |second: &&Entry| sinks.count(second.neighbor) >= least && self.carries(received, second);
            let path = |second: &Entry| Path { sink: second.neighbor, first, second: second.place, mule };
            paths.extend(on.iter().filter(is_path).map(path));
        }
        // By sink, then by first payment.
        paths.sort_unstable();
        for paths in paths.chunk_by(|a, b| a.sink == b.sink) {
            if !meter.spend(paths.len() as u64) {
                break;
            }
            self.windows(source, paths, meter, found);
        }
        (self.paths, self.sinks, self.ways) = (paths, sinks, ways);
    }
    /// What the payee of a payment pays on within the span; nothing if the payment does not count.
    fn on(&self, first: &Entry) -> &'a [Entry] {
        let (transfers, options) = (self.transfers, self.options);
        if options.amount_min > 0 && transfers.paid(first.place).amount < options.amount_min {
            return &[];
        }
        let begin = match options.ties {
            Ties::Order => first.place + 1,
            Ties::Strict => transfers.next_time(first.place),
        };
        between(transfers.out(first.neighbor), begin, self.reach[first.place as usize])
    }

    /// Whether a payment is large enough and carries on what was received.
    fn carries(&self, received: Money, second: &Entry) -> bool {
        let options = self.options;
        if options.amount_min == 0 && options.passed_on == Kept::ANY {
            return true;
        }
        let paid = self.transfers.paid(second.place);
        paid.amount >= options.amount_min && options.passed_on.holds(received, paid)
    }

    /// The windows of a source and a sink; `paths` by first payment.
    fn windows(&mut self, source: u32, paths: &[Path], meter: &mut Meter, found: &mut Vec<Instance>) {
        let (transfers, options) = (self.transfers, self.options);
        let least = options.mules_min as usize;
        if paths.len() < least || self.count(paths.iter()) < least {
            return;
        }
        let reach = self.reach;
        let in_time = |path: &&Path, until: u32| path.second < until;
        let mut windows = Vec::new();
        for (at, begin) in paths.iter().enumerate() {
            // A window begins with the first of the paths with its payment.
            if at > 0 && paths[at - 1].first == begin.first {
                continue;
            }
            let until = reach[begin.first as usize];
            let open = paths[at..].partition_point(|path| path.first < until);
            if !meter.spend(open as u64) {
                return;
            }
            let inside = paths[at..at + open].iter().filter(|path| in_time(path, until));
            let mules = self.count(inside.clone());
            if mules >= least {
                let end = inside.map(|path| path.second).max().unwrap_or(begin.second);
                windows.push(Window { begin: begin.first, end, rank: (mules as u32, 0), at });
            }
        }
        for window in disjoint(windows) {
            let until = reach[window.begin as usize];
            let inside: Vec<&Path> = paths[window.at..].iter().filter(|path| in_time(path, until)).collect();
            let back = paths[0].sink == source;
            let members = inside
                .iter()
                .map(|path| (1, path.mule, Role::Middle))
                .chain([(0, source, Role::Source)])
                .chain((!back).then_some((2, paths[0].sink, Role::Sink)));
            let places = inside.iter().flat_map(|path| [path.first, path.second]);
            found.push(Instance::new(transfers, Typology::ScatterGather, members, places));
        }
    }

    /// Number of distinct mules.
    fn count<'p>(&mut self, paths: impl Iterator<Item = &'p Path>) -> usize {
        self.mules.clear();
        self.mules.extend(paths.map(|path| path.mule));
        self.mules.sort_unstable();
        self.mules.dedup();
        self.mules.len()
    }
}
