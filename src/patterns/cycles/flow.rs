//! How much money can have gone round: the flow through the payments of a cycle, each split and joined as needed.
//!
//! # Method
//! Payments in the order of time: the first account pays what it likes, every other one pays on as much as it has of what came to it by then. Money
//! has one way round and can wait anywhere, so that to pay on all that is there as early as possible is the greatest flow. Where a payment
//! arrives as another amount, parts of it arrive in proportion, rounded down.
//!
//! # Cost
//! Time O(k log n) for k payments of n accounts.
//!
//! # Source
//! Own; a greatest flow over time on a path needs no augmenting.

use crate::patterns::instances::Instance;
use crate::patterns::pairs::Pairs;
use crate::patterns::transfers::Transfers;
use crate::units::Ties;

/// What comes back to the first account of a cycle, and what it pays in it: the greatest flow through the payments of the instance. None if
/// amounts are of several currencies or too large to add up.
pub(in crate::patterns) fn flow(
    transfers: &Transfers,
    pairs: &Pairs,
    ties: Ties,
    cycle: &Instance,
) -> Option<(i64, i64)> {
    // Accounts by id, with their stages.
    let mut stages: Vec<(u32, usize)> =
        cycle.members.iter().map(|member| (member.account.0, member.stage as usize)).collect();
    stages.sort_unstable();
    let places: Vec<u32> = cycle.transactions.iter().map(|&id| transfers.place(id)).collect();
    let currency = transfers.paid(*places.first()?).currency;
    // At each account what came round to it and is still there, and what comes in the current moment.
    let (mut there, mut coming) = (vec![0i128; stages.len()], vec![0i128; stages.len()]);
    let (mut paid_first, mut back, mut moment) = (0i128, 0i128, i64::MIN);
    for place in places {
        let time = transfers.time(place);
        if ties == Ties::Order || time > moment {
            for (there, coming) in there.iter_mut().zip(&mut coming) {
                *there += std::mem::take(coming);
            }
            moment = time;
        }
        let (paid, received) = (transfers.paid(place), transfers.received(place));
        if (paid.currency, received.currency) != (currency, currency) {
            return None;
        }
        let (paid, received) = (i128::from(paid.amount), i128::from(received.amount));
        let at = stages.binary_search_by_key(&pairs.payer(place), |stage| stage.0).ok()?;
        let stage = stages[at].1;
        let moved = if stage == 0 { paid } else { paid.min(there[stage]) };
        let arrives = if paid == 0 { 0 } else { moved * received / paid };
        match stage {
            0 => paid_first += paid,
            _ => there[stage] -= moved,
        }
        match (stage + 1) % stages.len() {
            0 => back += arrives,
            next => coming[next] += arrives,
        }
    }
    Some((i64::try_from(back).ok()?, i64::try_from(paid_first).ok()?))
}
