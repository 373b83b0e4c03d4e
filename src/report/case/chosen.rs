//! Which part of a large result is drawn: its largest flows.
//!
//! A flow is all that one account pays another in one currency. Flows are ranked within their currency, since amounts of two
//! currencies cannot be compared, and taken from the top, one of each currency after the other, while there is room for their accounts;
//! those near the middle of a neighbourhood before those farther out, and of these only such as touch what is drawn already.

use std::cmp::Reverse;
use std::collections::{BTreeMap, HashSet};

/// Most transfers that are looked at one by one.
const TRANSFERS: u64 = 20_000;

/// Currency, payer and payee.
pub(super) type Flow = (u32, u32, u32);

/// What is drawn.
pub(super) struct Chosen {
    /// Ascending.
    pub accounts: Vec<u32>,
    pub flows: HashSet<Flow>,
}

/// The part of `flows`, each with its sum and its number of transfers, that is drawn; `far` is how far from the middle each account is.
pub(super) fn choose(
    flows: &BTreeMap<Flow, (i128, u64)>,
    far: &[u32],
    accounts_max: usize,
    flows_max: usize,
) -> Chosen {
    let mut order: Vec<(Flow, i128, u64)> =
        flows.iter().map(|(&flow, &(minor, count))| (flow, minor, count)).collect();
    order.sort_by_key(|&(flow, minor, _)| (flow.0, Reverse(minor), flow));
    let mut ranked = Vec::with_capacity(order.len());
    for of_currency in order.chunk_by(|a, b| a.0.0 == b.0.0) {
        for (rank, &(flow, _, count)) in of_currency.iter().enumerate() {
            let away = u64::from(far[flow.1 as usize]) + u64::from(far[flow.2 as usize]);
            ranked.push((away, rank, flow, count));
        }
    }
    ranked.sort_unstable();
    let mut accounts: HashSet<u32> = HashSet::new();
    let (mut chosen, mut transfers) = (HashSet::new(), 0);
    for (_, _, flow, count) in ranked {
        let ends = [flow.1, flow.2];
        if ends.iter().all(|end| far[*end as usize] > 0 && !accounts.contains(end)) {
            continue;
        }
        let more = HashSet::from(ends).difference(&accounts).count();
        let room = chosen.len() < flows_max
            && accounts.len() + more <= accounts_max
            && (chosen.is_empty() || transfers + count <= TRANSFERS);
        if room {
            chosen.insert(flow);
            transfers += count;
            accounts.extend(ends);
        }
    }
    // Accounts that no transfer names are there for another reason: an identifier.
    let moves: HashSet<u32> = flows.keys().flat_map(|flow| [flow.1, flow.2]).collect();
    let room = accounts_max.saturating_sub(accounts.len());
    accounts.extend((0..far.len() as u32).filter(|account| !moves.contains(account)).take(room));
    let mut accounts: Vec<u32> = accounts.into_iter().collect();
    accounts.sort_unstable();
    Chosen { accounts, flows: chosen }
}
