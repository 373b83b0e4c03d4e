//! One way to search from many anchors: in parallel, in order, within a budget.

use super::budget::{Budget, Cut};
use super::instances::{Instance, keep_first, rank};
use super::score::{Scorer, Scratch};
use super::transfers::{Direction, Transfers};
use crate::error::Result;
use crate::run::Run;
use rayon::prelude::*;
use std::ops::Range;

/// Blocks that are searched between two looks at the whole budget.
const BLOCKS_PER_ROUND: usize = 32;

/// Transfers of a block of anchors; a block is searched by one thread.
const WEIGHT_PER_BLOCK: u64 = 1 << 12;

/// What one thread may still do for a block of anchors and for one of them, and what it left undone.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) cut: Cut,
    anchor_work_max: u64,
    hub_max: u32,
    /// Work of the current anchor.
    anchor: u64,
    /// Work of the anchors before it.
    done: u64,
    /// Work that was left of the whole budget when the round began.
    work_left: u64,
    /// Results found.
    results: u64,
    /// Results that were left of the whole budget when the round began.
    results_left: u64,
}

impl Meter {
    fn new(budget: &Budget, work_left: u64, results_left: u64) -> Self {
        let (anchor_work_max, hub_max) = (budget.anchor_work_max, budget.hub_max);
        let (cut, anchor, done, results) = (Cut::default(), 0, 0, 0);
        Self { cut, anchor_work_max, hub_max, anchor, done, work_left, results, results_left }
    }

    /// Begins with the next anchor.
    #[inline]
    pub(super) fn next(&mut self) {
        self.done += self.anchor;
        self.anchor = 0;
    }

    /// Counts a result.
    #[inline]
    pub(super) fn find(&mut self) {
        self.results += 1;
    }

    /// Whether the block alone used up what was left of the whole budget.
    #[inline]
    pub(super) fn is_exhausted(&self) -> bool {
        self.results >= self.results_left || self.done.saturating_add(self.anchor) >= self.work_left
    }

    /// Counts `work` and says whether the anchor's search may go on; counts the anchor as cut when it first may not.
    #[inline]
    pub(super) fn spend(&mut self, work: u64) -> bool {
        let before = self.anchor;
        self.anchor = before.saturating_add(work);
        if self.anchor <= self.anchor_work_max {
            return !self.is_exhausted();
        }
        self.cut.anchors_cut += u64::from(before <= self.anchor_work_max);
        false
    }

    /// Whether an account with `transfers` in the span is no hub; counts it if it is one.
    #[inline]
    pub(super) fn passes(&mut self, transfers: usize) -> bool {
        let passes = transfers <= self.hub_max as usize;
        self.cut.hubs_passed_over += u64::from(!passes);
        passes
    }
}

/// Searches from every account for instances, gives them their scores and keeps the [`Budget::results_max`] best, in their order. `searcher` makes what
/// one block of accounts is searched with. Anchors are weighed by their transfers in `direction`.
pub(super) fn by_account<S>(
    transfers: &Transfers,
    direction: Direction,
    budget: &Budget,
    run: &Run,
    stage: &'static str,
    searcher: impl Fn() -> S + Sync,
) -> Result<(Vec<Instance>, Cut)>
where
    S: FnMut(u32, &mut Meter, &mut Vec<Instance>),
{
    let scorer = Scorer::new(transfers, run)?;
    run.stage(stage, u64::from(transfers.num_accounts()));
    let work = |accounts: Range<u32>, meter: &mut Meter| {
        let (mut search, mut found, mut best) = (searcher(), Vec::new(), Best::new(budget.results_max));
        let mut scratch = Scratch::default();
        for account in accounts.clone() {
            meter.next();
            search(account, meter, &mut found);
            for mut instance in found.drain(..) {
                instance.score = scorer.of(&instance, &mut scratch);
                best.push(instance);
            }
            if meter.is_exhausted() {
                meter.cut.accounts_left += u64::from(accounts.end - account - 1);
                break;
            }
        }
        Ok(best)
    };
    let mut best = Best::new(budget.results_max);
    // No result ends the search: a better one may come.
    let unended = Budget { results_max: u64::MAX, ..*budget };
    let mut cut =
        search(&blocks(transfers.offsets(direction)), &unended, run, work, |found, _| best.append(found))?;
    let (instances, dropped) = run.install(|| best.finish());
    cut.results_dropped += dropped;
    Ok((instances, cut))
}

/// The best of many instances.
struct Best {
    len_max: usize,
    instances: Vec<Instance>,
    dropped: u64,
}

impl Best {
    fn new(len_max: u64) -> Self {
        let len_max = usize::try_from(len_max).unwrap_or(usize::MAX);
        Self { len_max, instances: Vec::new(), dropped: 0 }
    }

    fn push(&mut self, instance: Instance) {
        self.instances.push(instance);
        self.prune_seldom();
    }

    /// Prunes when there is a quarter more than there may be, so that an instance is looked at a few times only.
    fn prune_seldom(&mut self) {
        if self.instances.len() / 5 * 4 > self.len_max.max(1 << 10) {
            self.prune();
        }
    }

    fn append(&mut self, other: Best) {
        self.dropped += other.dropped;
        self.instances.extend(other.instances);
        self.prune_seldom();
    }

    fn prune(&mut self) {
        self.dropped += self.instances.len().saturating_sub(self.len_max) as u64;
        keep_first(&mut self.instances, self.len_max);
    }

    fn finish(mut self) -> (Vec<Instance>, u64) {
        self.prune();
        rank(&mut self.instances);
        (self.instances, self.dropped)
    }
}

/// Cuts nodes into blocks of about equal weight; `offsets` are their weights summed up.
pub(super) fn blocks(offsets: &[u32]) -> Vec<Range<u32>> {
    let num_nodes = offsets.len() - 1;
    let mut blocks = Vec::new();
    let mut begin = 0;
    while begin < num_nodes {
        let limit = u64::from(offsets[begin]) + WEIGHT_PER_BLOCK;
        let most = begin + WEIGHT_PER_BLOCK as usize;
        let reach = offsets[begin + 1..].partition_point(|&end| u64::from(end) <= limit);
        let end = (begin + reach.max(1)).min(most).min(num_nodes);
        blocks.push(begin as u32..end as u32);
        begin = end;
    }
    blocks
}

/// Searches block after block with `work` and hands over what it finds in the order of blocks, with how many of its results may be kept.
///
/// A block ends where it alone used up the budget, so that no more than `BLOCKS_PER_ROUND` times [`Budget::results_max`] are ever held.
pub(super) fn search<T: Send>(
    blocks: &[Range<u32>],
    budget: &Budget,
    run: &Run,
    work: impl Fn(Range<u32>, &mut Meter) -> Result<T> + Sync,
    mut take: impl FnMut(T, u64),
) -> Result<Cut> {
    let mut cut = Cut::default();
    let (mut results_left, mut work_left) = (budget.results_max, budget.work_max);
    for round in blocks.chunks(BLOCKS_PER_ROUND) {
        if results_left == 0 || work_left == 0 {
            cut.accounts_left += u64::from(blocks[blocks.len() - 1].end - round[0].start);
            break;
        }
        let found: Result<Vec<(T, Meter)>> = run.install(|| {
            let block = |nodes: &Range<u32>| {
                run.check()?;
                let mut meter = Meter::new(budget, work_left, results_left);
                let found = work(nodes.clone(), &mut meter)?;
                meter.next();
                run.advance(u64::from(nodes.end - nodes.start));
                Ok((found, meter))
            };
            round.par_iter().map(block).collect()
        });
        for (found, meter) in found? {
            cut.add(&meter.cut);
            work_left = work_left.saturating_sub(meter.done);
            let kept = meter.results.min(results_left);
            cut.results_dropped += meter.results - kept;
            results_left -= kept;
            take(found, kept);
        }
    }
    Ok(cut)
}
