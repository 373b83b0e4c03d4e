//! Pairs of accounts that share identifiers, found as wedges account – identifier – account.
//!
//! Every account looks at the later accounts of its identifiers. Pairs are made by tasks and given away in batches, so
//! that never more than a batch of them is in memory.

use super::evidence::{Evidence, Item};
use crate::error::Result;
use crate::run::Run;
use rayon::prelude::*;
use std::ops::Range;

/// Two accounts and what their shared identifiers tell together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Pair {
    pub a: u32,
    /// Larger than `a`.
    pub b: u32,
    pub weight: u32,
}

/// Wedges and accounts per task, and tasks per batch.
const WORK_PER_TASK: usize = 1 << 15;
const TASKS_PER_BATCH: usize = 1 << 7;

/// Gives all pairs with a weight to `take`, in batches, each pair once.
pub(super) fn pairs(
    evidence: &Evidence,
    mut take: impl FnMut(Vec<Vec<Pair>>) -> Result<()>,
    run: &Run,
) -> Result<()> {
    run.stage("identity pairs", evidence.num_accounts() as u64);
    for batch in tasks(evidence).chunks(TASKS_PER_BATCH) {
        let found = batch.par_iter().map(|accounts| {
            run.check()?;
            let pairs = pairs_of(evidence, accounts.clone());
            run.advance(accounts.len() as u64);
            Ok(pairs)
        });
        take(found.collect::<Result<_>>()?)?;
    }
    Ok(())
}

/// Ranges of accounts with about the same number of wedges.
fn tasks(evidence: &Evidence) -> Vec<Range<u32>> {
    let (mut tasks, mut first, mut work) = (Vec::new(), 0, 0);
    let num_accounts = evidence.num_accounts() as u32;
    for account in 0..num_accounts {
        let later = evidence
            .places(account)
            .iter()
            .map(|place| evidence.kept[place.kept as usize].uses.len() - 1 - place.at as usize);
        work += 1 + later.sum::<usize>();
        if work >= WORK_PER_TASK || account + 1 == num_accounts {
            tasks.push(first..account + 1);
            (first, work) = (account + 1, 0);
        }
    }
    tasks
}

/// The wedges of an account with later ones that pass `counts`: the other account and what sharing the identifier tells, by
/// account, then identifier.
pub(super) fn later_wedges(
    evidence: &Evidence,
    account: u32,
    counts: impl Fn(u32) -> bool,
    wedges: &mut Vec<(u32, Item)>,
) {
    wedges.clear();
    for place in evidence.places(account) {
        let (own, later) = evidence.kept[place.kept as usize].uses[place.at as usize..]
            .split_first()
            .expect("a place is one of the uses");
        let later = later.iter().filter(|other| counts(other.account.0));
        wedges.extend(later.map(|other| (other.account.0, evidence.item(place.kept, own, other))));
    }
    wedges.retain(|(_, item)| item.weight > 0);
    wedges.sort_unstable();
}

fn pairs_of(evidence: &Evidence, accounts: Range<u32>) -> Vec<Pair> {
    let (mut pairs, mut strongest) = (Vec::new(), Vec::new());
    let mut wedges: Vec<(u32, Item)> = Vec::new();
    let mut items = Vec::new();
    for a in accounts {
        later_wedges(evidence, a, |_| true, &mut wedges);
        for same in wedges.chunk_by(|one, other| one.0 == other.0) {
            items.clear();
            items.extend(same.iter().map(|(_, item)| *item));
            pairs.push(Pair { a, b: same[0].0, weight: evidence.weight(&items, &mut strongest) });
        }
    }
    // A kind that may not count for anything leaves pairs without a weight.
    pairs.retain(|pair| pair.weight > 0);
    pairs
}
