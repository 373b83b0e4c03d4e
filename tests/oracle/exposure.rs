//! Exposure, slowly: who could have touched what, by looking at every receipt again for every payment.
//!
//! Written from the definitions in `docs/tracing.md` alone; shares no code with the engine.
#![allow(dead_code)] // Each test program uses its own part.

use super::trace::{Flow, Payment, Rules, Seed};

/// What poison must find.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Poison {
    /// By (case, row).
    pub flows: Vec<Flow>,
    /// (case, account, time, transaction, hop), by case, then as they happened.
    pub contacts: Vec<(u32, u32, i64, Option<usize>, u32)>,
}

/// An account received taint, by a row or from outside.
#[derive(Clone, Copy, Debug)]
struct Receipt {
    account: u32,
    time: i64,
    row: Option<usize>,
    hop: u32,
}

/// Whether what came by `receipt` can be part of the payment in `row`.
fn in_time(receipt: &Receipt, payments: &[Payment], row: usize, strict: bool) -> bool {
    match receipt.row {
        Some(before) if !strict => before < row,
        _ => receipt.time < payments[row].time,
    }
}

/// Every case alone.
pub fn poison(payments: &[Payment], seeds: &[Seed], rules: &Rules, max_hops: Option<u32>) -> Poison {
    let mut answer = Poison::default();
    let num_cases = seeds.iter().map(|seed| seed.case() + 1).max().unwrap_or_default();
    for case in 0..num_cases {
        let mine: Vec<&Seed> = seeds.iter().filter(|seed| seed.case() == case).collect();
        let mut receipts: Vec<Receipt> = Vec::new();
        for seed in &mine {
            if let Seed::Deposit { account, time, .. } = **seed {
                receipts.push(Receipt { account, time, row: None, hop: 0 });
            }
        }
        receipts.sort_by_key(|receipt| receipt.time);
        for (row, payment) in payments.iter().enumerate() {
            if payment.failed || rules.until.is_some_and(|until| payment.time > until) {
                continue;
            }
            let claimed: Vec<i128> = mine
                .iter()
                .filter_map(|seed| match **seed {
                    Seed::Transaction { row: seeded, amount, .. } if seeded == row => {
                        Some(amount.unwrap_or(payment.received).into())
                    }
                    _ => None,
                })
                .collect();
            let receipt =
                |hop| Receipt { account: payment.destination, time: payment.time, row: Some(row), hop };
            if !claimed.is_empty() {
                answer.flows.push((case, row, 0, claimed.iter().sum(), 0));
                receipts.push(receipt(0));
                continue;
            }
            if payment.paid == 0 || rules.sinks.contains(&payment.source) {
                continue;
            }
            let hop = receipts
                .iter()
                .filter(|receipt| receipt.account == payment.source)
                .filter(|receipt| in_time(receipt, payments, row, rules.strict))
                .map(|receipt| receipt.hop)
                .min();
            let Some(hop) = hop.filter(|&hop| max_hops.is_none_or(|most| hop < most)) else { continue };
            answer.flows.push((case, row, payment.paid.into(), payment.received.into(), hop + 1));
            if payment.received > 0 {
                receipts.push(receipt(hop + 1));
            }
        }
        // Deposits at a time come after every row of that time.
        receipts.sort_by_key(|receipt| (receipt.time, receipt.row.is_none(), receipt.row));
        let mut known = std::collections::BTreeSet::new();
        for Receipt { account, time, row, hop } in receipts {
            if known.insert(account) {
                answer.contacts.push((case, account, time, row, hop));
            }
        }
    }
    answer
}

/// (account, time, transaction): whom payments of the sources, from their times on, reach; as it happens.
pub fn reach(
    payments: &[Payment],
    sources: &[(u32, Option<i64>)],
    rules: &Rules,
) -> Vec<(u32, i64, Option<usize>)> {
    let first = payments.first().map_or(i64::MIN, |payment| payment.time);
    // A source is as if it had received something just before its time.
    let mut receipts: Vec<Receipt> = sources
        .iter()
        .map(|&(account, from)| Receipt {
            account,
            time: from.map_or(i64::MIN, |from| from - 1),
            row: None,
            hop: 0,
        })
        .collect();
    for (row, payment) in payments.iter().enumerate() {
        let late = rules.until.is_some_and(|until| payment.time > until);
        if payment.failed || payment.paid == 0 || payment.received == 0 || late {
            continue;
        }
        let tainted = !rules.sinks.contains(&payment.source)
            && receipts.iter().any(|receipt| {
                receipt.account == payment.source && in_time(receipt, payments, row, rules.strict)
            });
        if tainted {
            receipts.push(Receipt {
                account: payment.destination,
                time: payment.time,
                row: Some(row),
                hop: 0,
            });
        }
    }
    receipts.sort_by_key(|receipt| (receipt.time, receipt.row.is_none(), receipt.row));
    let mut known = std::collections::BTreeSet::new();
    receipts.retain(|receipt| known.insert(receipt.account));
    receipts
        .iter()
        .map(|receipt| match (receipt.row, receipt.time) {
            (Some(row), time) => (receipt.account, time, Some(row)),
            (None, i64::MIN) => (receipt.account, first, None),
            (None, before) => (receipt.account, before + 1, None),
        })
        .collect()
}
