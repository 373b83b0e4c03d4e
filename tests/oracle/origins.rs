//! Where money came from, slowly: the whole history once more, every unit owned by the account that it came from.
#![allow(dead_code)] // Each test program uses its own part.

use super::trace::pools::{Lot, Pool, sum};
use super::trace::{Opening, Payment, Rules, opening_balances};
use std::collections::{BTreeMap, BTreeSet};

/// Money whose origin is asked for; `row` is a place in the list of payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target {
    Payment { row: usize },
    Balance { account: u32, currency: u16, time: i64, amount: Option<i64> },
}

/// Accounts from which no fewer than `max_hops` payments lead to the target: each in time for the next, each handing something
/// over for something, and none out of a `frontier` account but the first.
pub fn beyond(
    payments: &[Payment],
    target: Target,
    frontier: &BTreeSet<u32>,
    max_hops: u32,
    rules: &Rules,
) -> BTreeSet<u32> {
    if let Some(rates) = &rules.rates {
        let in_values = Rules { rates: None, ..rules.clone() };
        return beyond(&rates.payments(payments), target, frontier, max_hops, &in_values);
    }
    let in_time = |row: usize, later: usize| match rules.strict {
        true => payments[row].time < payments[later].time,
        false => row < later,
    };
    let reaches_target = |row: usize| match target {
        Target::Payment { row: asked } => {
            payments[row].destination == payments[asked].source && in_time(row, asked)
        }
        Target::Balance { account, time, .. } => {
            payments[row].destination == account && payments[row].time <= time
        }
    };
    // By row: how many payments lead from it to the target, itself included.
    let mut steps: Vec<Option<u32>> = vec![None; payments.len()];
    for row in (0..payments.len()).rev() {
        let payment = &payments[row];
        if payment.failed || payment.paid == 0 || payment.received == 0 {
            continue;
        }
        let onward = (row + 1..payments.len()).filter(|&later| {
            payments[later].source == payment.destination
                && in_time(row, later)
                && !frontier.contains(&payment.destination)
        });
        let onward = onward.filter_map(|later| steps[later]).min().map(|steps| steps + 1);
        steps[row] = if reaches_target(row) { Some(1) } else { onward };
    }
    let holder = match target {
        Target::Payment { row } => payments[row].source,
        Target::Balance { account, .. } => account,
    };
    let accounts: BTreeSet<u32> = payments.iter().map(|payment| payment.source).collect();
    let is_near = |account: u32| {
        let of_account = (0..payments.len()).filter(|&row| payments[row].source == account);
        of_account.filter_map(|row| steps[row]).any(|steps| steps < max_hops)
    };
    accounts.into_iter().filter(|&account| account != holder && !is_near(account)).collect()
}

struct History<'a> {
    rules: &'a Rules,
    pools: BTreeMap<(u32, u16), Pool>,
    /// Under strict ties: what came into a pool, and when.
    waiting: Vec<(u32, u16, i64, Lot)>,
}

/// By account: what of the target came from it; `None` if a balance is nothing or not that much. What `frontier` accounts pay is
/// theirs, wherever they have it from. Amounts are values if the rules have rates.
pub fn origins(
    payments: &[Payment],
    target: Target,
    frontier: &BTreeSet<u32>,
    rules: &Rules,
) -> Option<BTreeMap<u32, i128>> {
    if let Some(rates) = &rules.rates {
        let balances = rates.balances(payments, &rules.balances);
        let in_values = Rules { rates: None, balances, ..rules.clone() };
        let target = match target {
            Target::Balance { account, currency, time, amount } => {
                let amount = amount.map(|amount| rates.value_at(amount, currency, time));
                Target::Balance { account, currency: rates.base, time, amount }
            }
            payment => payment,
        };
        return origins(&rates.payments(payments), target, frontier, &in_values);
    }
    let mut history = History { rules, pools: BTreeMap::new(), waiting: Vec::new() };
    if rules.opening != Opening::JustInTime {
        for ((account, currency), amount) in opening_balances(payments, rules) {
            history.pool(account, currency).put(own(account, amount));
        }
    }
    for (row, payment) in payments.iter().enumerate() {
        match target {
            Target::Payment { row: asked } if row == asked => {
                return Some(by_owner(history.pay(payment)));
            }
            Target::Balance { time, .. } if payment.time > time => break,
            _ => {}
        }
        if payment.failed {
            continue;
        }
        let drawn = history.pay(payment);
        let received = i128::from(payment.received);
        let (mut total, mut arriving) = (0, Vec::new());
        if frontier.contains(&payment.source) || payment.paid == 0 {
            arriving.push(own(payment.source, received));
        } else {
            for lot in drawn {
                let share = |total: i128| total * received / i128::from(payment.paid);
                arriving.push(Lot { amount: share(total + lot.amount) - share(total), ..lot });
                total += lot.amount;
            }
        }
        for lot in arriving {
            let (account, currency) = (payment.destination, payment.received_currency);
            match rules.strict {
                true => history.waiting.push((account, currency, payment.time, lot)),
                false => history.pool(account, currency).put(lot),
            }
        }
    }
    let Target::Balance { account, currency, amount, .. } = target else { panic!("no such payment") };
    history.admit(i64::MAX);
    let there = history.pool(account, currency).balance();
    let amount = amount.map_or(there, i128::from);
    (0 < amount && amount <= there).then(|| by_owner(history.pool(account, currency).take_newest(amount)))
}

impl History<'_> {
    fn pool(&mut self, account: u32, currency: u16) -> &mut Pool {
        let policy = self.rules.policy;
        self.pools.entry((account, currency)).or_insert_with(|| Pool::new(policy, false))
    }

    /// Lets in what came before `time`.
    fn admit(&mut self, time: i64) {
        let waiting = std::mem::take(&mut self.waiting);
        for (account, currency, since, lot) in waiting {
            match since < time {
                true => self.pool(account, currency).put(lot),
                false => self.waiting.push((account, currency, since, lot)),
            }
        }
    }

    /// What a payment takes; what is not there comes last and is the payer's own.
    fn pay(&mut self, payment: &Payment) -> Vec<Lot> {
        self.admit(payment.time);
        let paid = i128::from(payment.paid);
        let mut drawn = self.pool(payment.source, payment.paid_currency).take(paid);
        drawn.push(own(payment.source, paid - sum(&drawn)));
        drawn
    }
}

fn own(account: u32, amount: i128) -> Lot {
    Lot { amount, owner: Some(account), hop: 0 }
}

fn by_owner(lots: Vec<Lot>) -> BTreeMap<u32, i128> {
    let mut owners = BTreeMap::new();
    for lot in lots.iter().filter(|lot| lot.amount > 0) {
        *owners.entry(lot.owner.unwrap()).or_default() += lot.amount;
    }
    owners
}
