//! The money flow of a case, laid out in steps so that it has no cycle.
//!
//! # Method
//! Transfers are taken in time order. An account is at step 0 until it receives; the payee of a transfer stands at least one step
//! behind the payer. An account that is reached at several steps stands at each of them, so that what went round is drawn as
//! going on. Beyond [`STEPS_MAX`] everything happens between the last two steps.

use super::file::{CaseAmount, CaseTransfer, FlowLink, FlowNode};
use std::collections::BTreeMap;

/// Most steps.
pub const STEPS_MAX: u32 = 12;

/// An account at a step: the step comes first, so that nodes are numbered by it.
type Place = (u32, u32);

/// Nodes and links of the transfers that `shown` lets through, in time order; `amount` writes a sum of a currency.
pub(super) fn flow(
    transfers: &[CaseTransfer],
    labels: &[String],
    shown: impl Fn(&CaseTransfer) -> bool,
    of: impl Fn(&CaseTransfer) -> CaseAmount,
    amount: impl Fn(&str, i128) -> CaseAmount,
) -> (Vec<FlowNode>, Vec<FlowLink>) {
    let mut steps: BTreeMap<u32, u32> = BTreeMap::new();
    let mut nodes: BTreeMap<Place, u32> = BTreeMap::new();
    // By both ends and the currency: how much, and how many transfers.
    let mut sums: BTreeMap<(Place, Place, String), (i128, u32)> = BTreeMap::new();
    for transfer in transfers.iter().filter(|transfer| shown(transfer)) {
        let from = steps.get(&transfer.source).copied().unwrap_or(0).min(STEPS_MAX - 1);
        let to = steps.get(&transfer.target).copied().unwrap_or(0).max(from + 1);
        steps.entry(transfer.source).or_insert(from);
        steps.insert(transfer.target, to);
        let (source, target) = ((from, transfer.source), (to, transfer.target));
        nodes.extend([(source, 0), (target, 0)]);
        let moved = of(transfer);
        let sum = sums.entry((source, target, moved.currency)).or_default();
        *sum = (sum.0 + moved.minor.parse::<i128>().unwrap_or(0), sum.1 + 1);
    }
    nodes.values_mut().zip(0..).for_each(|(number, place)| *number = place);
    let links = sums.into_iter().map(|((source, target, currency), (minor, num_transfers))| FlowLink {
        source: nodes[&source],
        target: nodes[&target],
        amount: amount(&currency, minor),
        num_transfers,
    });
    let links = links.collect();
    let node = |&(step, account): &(u32, u32)| FlowNode {
        account: Some(account),
        label: labels[account as usize].clone(),
        step,
    };
    (nodes.keys().map(node).collect(), links)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn amount(currency: &str, minor: i128) -> CaseAmount {
        CaseAmount { currency: currency.into(), minor: minor.to_string(), amount: minor.to_string() }
    }

    fn transfer(source: u32, target: u32, minor: i128) -> CaseTransfer {
        CaseTransfer {
            id: String::new(),
            source,
            target,
            time: String::new(),
            paid: amount("EUR", minor),
            received: None,
            traced: None,
            hop: None,
            evidence: true,
        }
    }

    /// Ends, amount and number of transfers.
    type Link = (u32, u32, String, u32);

    fn steps(transfers: &[CaseTransfer]) -> (Vec<(u32, Option<u32>)>, Vec<Link>) {
        let labels: Vec<String> = (0..9).map(|at| format!("account {at}")).collect();
        let (nodes, links) = flow(transfers, &labels, |_| true, |one| one.paid.clone(), amount);
        let links =
            links.into_iter().map(|link| (link.source, link.target, link.amount.minor, link.num_transfers));
        (nodes.iter().map(|node| (node.step, node.account)).collect(), links.collect())
    }

    #[test]
    fn money_that_comes_back_goes_on_to_a_later_step() {
        let (nodes, links) =
            steps(&[transfer(0, 1, 5), transfer(1, 2, 4), transfer(2, 0, 3), transfer(0, 1, 2)]);
        assert_eq!(nodes, [(0, Some(0)), (1, Some(1)), (2, Some(2)), (3, Some(0)), (4, Some(1))]);
        let link = |source, target, minor: &str| (source, target, minor.to_string(), 1);
        assert_eq!(links, [link(0, 1, "5"), link(1, 2, "4"), link(2, 3, "3"), link(3, 4, "2")]);
    }

    #[test]
    fn parallel_transfers_are_one_link_and_their_sum() {
        let (_, links) = steps(&[transfer(0, 1, 5), transfer(0, 1, 7)]);
        assert_eq!(links, [(0, 1, "12".to_string(), 2)]);
    }

    #[test]
    fn every_link_goes_to_a_later_step_however_long_the_chain_is() {
        let there_and_back: Vec<CaseTransfer> = (0..60).map(|at| transfer(at % 2, (at + 1) % 2, 1)).collect();
        let (nodes, links) = steps(&there_and_back);
        assert!(nodes.iter().all(|node| node.0 <= STEPS_MAX));
        assert!(links.iter().all(|link| nodes[link.0 as usize].0 < nodes[link.1 as usize].0));
        assert_eq!(links.iter().map(|link| link.3).sum::<u32>(), 60);
    }
}
