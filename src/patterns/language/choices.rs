//! Choices of payments for accounts that are known: how many there are, and which of them is shown.
//!
//! # Method
//! Each transfer has its payments, each payment a number of ways. A transfer of which at most one other asks anything is taken out: its
//! ways go over to those payments of the other that agree with them. So a chain, or a tree, is counted in time linear in the pairs that are
//! compared. Where every transfer left is asked something by two others, the payments of one of them are tried one by one.

use super::plan::Plan;
use crate::patterns::search::Meter;

/// A transfer's payments, ascending, each with its number of ways.
type Weighted = Vec<(u32, u64)>;

/// The choices among the payments of some transfers.
pub(super) struct Choices<'a, 'm> {
    pub(super) plan: &'a Plan<'a>,
    pub(super) meter: &'m mut Meter,
}

impl Choices<'_, '_> {
    /// The number of choices; `None` if the budget ended before it was known.
    pub(super) fn count(&mut self, bundles: &[(usize, Vec<u32>)]) -> Option<u64> {
        let weighted = |(transfer, places): &(usize, Vec<u32>)| {
            (*transfer, places.iter().map(|&place| (place, 1)).collect())
        };
        self.eliminate(bundles.iter().map(weighted).collect())
    }

    fn eliminate(&mut self, mut left: Vec<(usize, Weighted)>) -> Option<u64> {
        let mut total = 1u64;
        while !left.is_empty() {
            let degree =
                |at: usize| left.iter().filter(|(other, _)| self.plan.is_linked(left[at].0, *other)).count();
            // What has one payment is taken out whatever asks of it.
            let simple = (0..left.len()).find(|&at| left[at].1.len() <= 1);
            let Some(at) = simple.or_else(|| (0..left.len()).find(|&at| degree(at) <= 1)) else {
                let at = (0..left.len()).max_by_key(|&at| degree(at)).expect("some transfer is left");
                let mut sum = 0u64;
                for &one in &left[at].1.clone() {
                    let mut tried = left.clone();
                    tried[at].1 = vec![one];
                    sum = sum.saturating_add(self.eliminate(tried)?);
                }
                return Some(total.saturating_mul(sum));
            };
            let (transfer, payments) = left.swap_remove(at);
            let mut is_free = true;
            let alone = payments.len() == 1;
            for (other, others) in &mut left {
                if !self.plan.is_linked(transfer, *other) {
                    continue;
                }
                if !self.meter.spend((payments.len() * others.len()) as u64) {
                    return None;
                }
                for (place, ways) in others.iter_mut() {
                    let agreeing =
                        payments.iter().filter(|one| self.plan.agree((transfer, one.0), (*other, *place)));
                    // A single payment counts once, whatever it agrees with.
                    let sum =
                        agreeing.fold(0u64, |sum, one| sum.saturating_add(if alone { 1 } else { one.1 }));
                    *ways = ways.saturating_mul(sum);
                }
                others.retain(|&(_, ways)| ways > 0);
                is_free &= alone;
            }
            if is_free {
                total = total.saturating_mul(payments.iter().fold(0, |sum, one| sum.saturating_add(one.1)));
            }
            if total == 0 {
                return Some(0);
            }
        }
        Some(total)
    }

    /// Of all choices the one whose first payment is latest, and of several the one whose payments, transfer by transfer, come earliest.
    ///
    /// There must be a choice. `None` if the budget ended before it was found.
    pub(super) fn witness(&mut self, bundles: &[(usize, Vec<u32>)]) -> Option<Vec<u32>> {
        let mut chosen = bundles.to_vec();
        let mut floors: Vec<u32> = bundles.iter().flat_map(|(_, places)| places.iter().copied()).collect();
        floors.sort_unstable();
        // The first floor allows every choice; `low` always allows one.
        let (mut low, mut high) = (0, floors.len());
        while high - low > 1 && bundles.iter().any(|(_, places)| places.len() > 1) {
            let middle = usize::midpoint(low, high);
            let above = bundles.iter().map(|(transfer, places)| {
                (*transfer, places.iter().copied().filter(|&place| place >= floors[middle]).collect())
            });
            let above: Vec<(usize, Vec<u32>)> = above.collect();
            match self.count(&above)? > 0 {
                true => (low, chosen) = (middle, above),
                false => high = middle,
            }
        }
        for at in 0..chosen.len() {
            let places = std::mem::take(&mut chosen[at].1);
            for (number, &place) in places.iter().enumerate() {
                chosen[at].1 = vec![place];
                // The last one left is in the choice that there must be.
                if number + 1 == places.len() || self.count(&chosen)? > 0 {
                    break;
                }
            }
        }
        Some(chosen.into_iter().map(|(_, places)| places[0]).collect())
    }
}
