//! Rankings, slowly: the whole walk as one linear map, applied until nothing is left.
//!
//! Written from the rules in `docs/tracing.md` alone. Neither oracle pushes, so neither has an order of its own.
#![allow(dead_code)] // Each test program uses its own part.

use super::trace::Payment;
use std::collections::BTreeMap;

/// Whether a payment counts.
fn moves(payment: &Payment) -> bool {
    !payment.failed && payment.paid > 0 && payment.received > 0
}

/// By account, the probability that a walk which goes on with probability `damping` stops there.
pub fn personalized(
    payments: &[Payment],
    num_accounts: u32,
    sources: &[u32],
    damping: f64,
    by_amount: bool,
    upstream: bool,
) -> Vec<f64> {
    let num_accounts = num_accounts as usize;
    let mut weights = vec![vec![0.0; num_accounts]; num_accounts];
    for payment in payments.iter().filter(|payment| moves(payment)) {
        let (from, to, amount) = match upstream {
            false => (payment.source, payment.destination, payment.paid),
            true => (payment.destination, payment.source, payment.received),
        };
        weights[from as usize][to as usize] += if by_amount { amount as f64 } else { 1.0 };
    }
    let mut walking = vec![0.0; num_accounts];
    for &source in sources {
        walking[source as usize] = 1.0 / sources.len() as f64;
    }
    let mut stopped = vec![0.0; num_accounts];
    while walking.iter().sum::<f64>() > 1e-15 {
        let mut next = vec![0.0; num_accounts];
        for (account, mass) in walking.iter().enumerate() {
            let total: f64 = weights[account].iter().sum();
            if total == 0.0 {
                stopped[account] += mass;
                continue;
            }
            stopped[account] += (1.0 - damping) * mass;
            for (other, weight) in weights[account].iter().enumerate() {
                next[other] += damping * mass * weight / total;
            }
        }
        walking = next;
    }
    stopped
}

/// By account, what a walk keeps there whose mass at an account remembers the row that brought it.
pub fn tracing(
    payments: &[Payment],
    num_accounts: u32,
    sources: &[u32],
    (alpha, beta): (f64, f64),
    upstream: bool,
) -> Vec<f64> {
    // (account, row that brought it; none at a source)
    let mut walking: BTreeMap<(u32, Option<usize>), f64> = BTreeMap::new();
    for &source in sources {
        walking.insert((source, None), 1.0 / sources.len() as f64);
    }
    let mut score = vec![0.0; num_accounts as usize];
    while walking.values().sum::<f64>() > 1e-15 {
        let mut next: BTreeMap<(u32, Option<usize>), f64> = BTreeMap::new();
        for (&(account, brought), &mass) in &walking {
            score[account as usize] += alpha * mass;
            let rows = payments.iter().enumerate().filter(|(_, payment)| moves(payment));
            let paid: Vec<(usize, u32, i64)> = rows
                .clone()
                .filter(|(row, payment)| payment.source == account && brought.is_none_or(|at| at < *row))
                .map(|(row, payment)| (row, payment.destination, payment.paid))
                .collect();
            let received: Vec<(usize, u32, i64)> = rows
                .filter(|(row, payment)| payment.destination == account && brought.is_none_or(|at| *row < at))
                .map(|(row, payment)| (row, payment.source, payment.received))
                .collect();
            let (on, back) = if upstream { (received, paid) } else { (paid, received) };
            for (ways, share) in [(on, beta), (back, 1.0 - beta)] {
                let part = (1.0 - alpha) * share * mass;
                let total: f64 = ways.iter().map(|way| way.2 as f64).sum();
                if total == 0.0 {
                    *next.entry((account, brought)).or_default() += part;
                }
                for (row, other, amount) in ways {
                    *next.entry((other, Some(row))).or_default() += part * amount as f64 / total;
                }
            }
        }
        walking = next;
    }
    score
}
