//! One way to search from many anchors: in parallel, in order, within a budget.

use super::budget::{Budget, Cut};
use crate::error::Result;
use crate::run::Run;
use rayon::prelude::*;
use std::ops::Range;

/// Blocks that are searched between two looks at the whole budget.
const BLOCKS_PER_ROUND: usize = 64;

/// Transfers of a block of anchors; a block is searched by one thread.
const WEIGHT_PER_BLOCK: u64 = 1 << 12;

/// What one thread may still do for an anchor, and what it left undone.
#[derive(Debug)]
pub(super) struct Meter {
    pub(super) cut: Cut,
    anchor_work_max: u64,
    hub_max: u32,
    /// Work of the current anchor.
    anchor: u64,
    /// Work of all anchors of the block.
    done: u64,
}

impl Meter {
    fn new(budget: &Budget) -> Self {
        let (anchor_work_max, hub_max) = (budget.anchor_work_max, budget.hub_max);
        Self { cut: Cut::default(), anchor_work_max, hub_max, anchor: 0, done: 0 }
    }

    /// Begins with the next anchor.
    #[inline]
    pub(super) fn next(&mut self) {
        self.done += self.anchor;
        self.anchor = 0;
    }

    /// Counts `work` and says whether the anchor's search may go on; counts the anchor as cut when it first may not.
    #[inline]
    pub(super) fn spend(&mut self, work: u64) -> bool {
        let before = self.anchor;
        self.anchor = before.saturating_add(work);
        if self.anchor <= self.anchor_work_max {
            return true;
        }
        self.cut.anchors_cut += u64::from(before <= self.anchor_work_max);
        false
    }

    /// Whether an account with `transfers` in the window is no hub; counts it if it is one.
    #[inline]
    pub(super) fn passes(&mut self, transfers: usize) -> bool {
        let passes = transfers <= self.hub_max as usize;
        self.cut.hubs_passed_over += u64::from(!passes);
        passes
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

/// Searches block after block with `work` and joins what it finds in the order of blocks.
///
/// `count` says how many results are in what a block found, `keep` leaves the first so many of them.
pub(super) fn search<T: Send>(
    blocks: &[Range<u32>],
    budget: &Budget,
    run: &Run,
    work: impl Fn(Range<u32>, &mut Meter) -> Result<T> + Sync,
    count: impl Fn(&T) -> u64,
    keep: impl Fn(&mut T, u64),
) -> Result<(Vec<T>, Cut)> {
    let (mut all, mut cut) = (Vec::new(), Cut::default());
    let (mut results, mut spent) = (0, 0u64);
    for round in blocks.chunks(BLOCKS_PER_ROUND) {
        let first = round[0].start;
        if results >= budget.results_max || spent >= budget.work_max {
            cut.accounts_left += u64::from(blocks[blocks.len() - 1].end - first);
            break;
        }
        let found: Result<Vec<(T, Meter)>> = run.install(|| {
            let block = |nodes: &Range<u32>| {
                run.check()?;
                let mut meter = Meter::new(budget);
                let found = work(nodes.clone(), &mut meter)?;
                meter.next();
                run.advance(u64::from(nodes.end - nodes.start));
                Ok((found, meter))
            };
            round.par_iter().map(block).collect()
        });
        for (mut found, meter) in found? {
            cut.add(&meter.cut);
            spent = spent.saturating_add(meter.done);
            let here = count(&found);
            let room = budget.results_max - results.min(budget.results_max);
            if here > room {
                cut.results_dropped += here - room;
                keep(&mut found, room);
            }
            results += here.min(room);
            all.push(found);
        }
    }
    Ok((all, cut))
}
