//! Exposure, slowly: who could have touched what, by looking at every receipt again for every payment.
//!
//! Written from the definitions in `docs/tracing.md` alone; shares no code with the engine.
#![allow(dead_code)] // Each test program uses its own part.

use super::trace::{Flow, Opening, Payment, Rules, Seed};

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
            if let Seed::Deposit { account, time, .. } | Seed::Balance { account, time, .. } = **seed {
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

/// Tainted received, tainted paid, tainted held, received, first and last tainted receipt.
pub type Amounts = (i128, i128, i128, i128, i64, i64);

/// What exposure must find.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Exposure {
    /// By (account, currency), where tainted money was received.
    pub amounts: std::collections::BTreeMap<(u32, u16), Amounts>,
    /// By account: number of cases, first contact, by which row.
    pub accounts: std::collections::BTreeMap<u32, (u32, i64, Option<usize>)>,
    /// By currency: tainted, converted in, held, returned, at sinks, converted out, fees.
    pub books: std::collections::BTreeMap<u16, [i128; 7]>,
}

/// One pool, as the list of what came and went.
#[derive(Clone, Debug, Default)]
struct Pool {
    clean: i128,
    tainted: i128,
    waiting: Vec<(i64, i128, i128)>,
    tainted_received: i128,
    received: i128,
    first: i64,
    last: i64,
}

impl Pool {
    fn admit(&mut self, time: i64) {
        for (_, clean, tainted) in self.waiting.extract_if(.., |part| part.0 < time) {
            self.clean += clean;
            self.tainted += tainted;
        }
    }
}

/// Sources are (case, account, from).
pub fn exposure(payments: &[Payment], sources: &[(u32, u32, Option<i64>)], rules: &Rules) -> Exposure {
    use std::collections::BTreeMap;
    let is_source = |account: u32, time: i64| {
        sources.iter().any(|&(_, source, from)| source == account && from.is_none_or(|from| from <= time))
    };
    let mut pools: BTreeMap<(u32, u16), Pool> = BTreeMap::new();
    if rules.opening == Opening::Minimal {
        // The least with which no prefix of what happens runs short.
        for (at, now) in payments.iter().enumerate().filter(|(_, now)| !now.failed) {
            let pool = (now.source, now.paid_currency);
            let happened = || payments.iter().enumerate().filter(|(_, payment)| !payment.failed);
            let paid = happened()
                .filter(|&(other, payment)| other <= at && (payment.source, payment.paid_currency) == pool);
            let came = happened().filter(|&(other, payment)| {
                let in_time = if rules.strict { payment.time < now.time } else { other < at };
                in_time && (payment.destination, payment.received_currency) == pool
            });
            let paid: i128 = paid.map(|(_, payment)| i128::from(payment.paid)).sum();
            let came: i128 = came.map(|(_, payment)| i128::from(payment.received)).sum();
            let opening = &mut pools.entry(pool).or_default().clean;
            *opening = (*opening).max(paid - came);
        }
    }
    let mut answer = Exposure::default();
    for payment in payments {
        if payment.failed || rules.until.is_some_and(|until| payment.time > until) {
            continue;
        }
        let (paid, received) = (i128::from(payment.paid), i128::from(payment.received));
        let source = pools.entry((payment.source, payment.paid_currency)).or_default();
        source.admit(payment.time);
        let (out, into) = (payment.paid_currency, payment.received_currency);
        let mut arrived = 0;
        if is_source(payment.source, payment.time) {
            if paid > 0 {
                arrived = received;
                answer.books.entry(into).or_default()[0] += received;
            }
        } else if !rules.sinks.contains(&payment.source) && paid > 0 {
            let balance = source.clean + source.tainted;
            let (clean, tainted) = if paid >= balance {
                (source.clean, source.tainted)
            } else {
                let (clean, tainted) = (paid * source.clean / balance, paid * source.tainted / balance);
                let (c, t) = (paid * source.clean % balance, paid * source.tainted % balance);
                match paid - clean - tainted {
                    0 => (clean, tainted),
                    _ if t > c => (clean, tainted + 1),
                    _ => (clean + 1, tainted),
                }
            };
            source.clean -= clean;
            source.tainted -= tainted;
            arrived = (clean + tainted) * received / paid - clean * received / paid;
            if out == into {
                answer.books.entry(out).or_default()[6] += tainted - arrived;
            } else {
                answer.books.entry(out).or_default()[5] += tainted;
                answer.books.entry(into).or_default()[1] += arrived;
            }
        }
        let pool = pools.entry((payment.destination, into)).or_default();
        pool.received += received;
        if arrived > 0 {
            if pool.tainted_received == 0 {
                pool.first = payment.time;
            }
            pool.last = payment.time;
            pool.tainted_received += arrived;
        }
        let since = if rules.strict { payment.time } else { i64::MIN };
        pool.waiting.push((since, received - arrived, arrived));
        pool.admit(payment.time);
    }
    for (&(account, currency), pool) in &mut pools {
        pool.admit(i64::MAX);
        if pool.tainted_received > 0 {
            let books = answer.books.entry(currency).or_default();
            let place = match account {
                _ if sources.iter().any(|source| source.1 == account) => 3,
                _ if rules.sinks.contains(&account) => 4,
                _ => 2,
            };
            books[place] += pool.tainted;
            let paid = pool.tainted_received - pool.tainted;
            let row = (pool.tainted_received, paid, pool.tainted, pool.received, pool.first, pool.last);
            answer.amounts.insert((account, currency), row);
        }
    }
    answer.books.retain(|_, books| books.iter().any(|&part| part != 0));
    let cases: std::collections::BTreeSet<u32> = sources.iter().map(|source| source.0).collect();
    let mut firsts: BTreeMap<u32, (i64, bool, usize, i64)> = BTreeMap::new();
    for case in cases {
        let mine: Vec<(u32, Option<i64>)> = sources
            .iter()
            .filter(|source| source.0 == case)
            .map(|&(_, account, from)| (account, from))
            .collect();
        for (account, time, row) in reach(payments, &mine, rules) {
            answer.accounts.entry(account).or_insert((0, 0, None)).0 += 1;
            let begins = mine.iter().filter(|source| source.0 == account).map(|source| source.1).min();
            let order = match row {
                Some(row) => (time, true, row, time),
                None => (begins.flatten().unwrap_or(i64::MIN), false, 0, time),
            };
            let first = firsts.entry(account).or_insert(order);
            *first = order.min(*first);
        }
    }
    for (account, (_, by_payment, row, time)) in firsts {
        let found = answer.accounts.get_mut(&account).unwrap();
        (found.1, found.2) = (time, by_payment.then_some(row));
    }
    answer
}
