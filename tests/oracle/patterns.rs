//! Typologies from their definitions, slowly: every choice is tried.

use super::trace::Payment;
use ringfence::patterns::Kept;
use std::collections::BTreeMap;

/// Conditions on a cycle.
#[derive(Clone, Copy, Debug)]
pub struct CycleRules {
    pub window: i64,
    pub length_min: usize,
    pub length_max: usize,
    /// Whether payments of one time cannot follow each other.
    pub strict: bool,
    pub amount_min: i64,
    pub passed_on: Kept,
    pub returned: Kept,
}

/// A closing payment and the accounts from the first payer on; and all choices of payments, by row.
pub type CyclesByAccounts = BTreeMap<(usize, Vec<u32>), Vec<Vec<usize>>>;

/// Every temporal cycle, by trying every next payment.
pub fn cycles(payments: &[Payment], rules: &CycleRules) -> CyclesByAccounts {
    let mut found = CyclesByAccounts::new();
    for first in 0..payments.len() {
        extend(payments, rules, &mut vec![first], &mut found);
    }
    found
}

fn counts(payment: &Payment, rules: &CycleRules) -> bool {
    !payment.failed && payment.source != payment.destination && payment.paid >= rules.amount_min
}

fn within(kept: Kept, before: (i64, u16), after: (i64, u16)) -> bool {
    kept == Kept::ANY
        || before.1 == after.1
            && i128::from(after.0) * 1000 >= i128::from(before.0) * i128::from(kept.min_permille)
            && i128::from(after.0) * 1000 <= i128::from(before.0) * i128::from(kept.max_permille)
}

fn extend(payments: &[Payment], rules: &CycleRules, path: &mut Vec<usize>, found: &mut CyclesByAccounts) {
    let (first, last) = (&payments[path[0]], &payments[path[path.len() - 1]]);
    if !counts(last, rules) || last.time - first.time > rules.window {
        return;
    }
    if last.destination == first.source {
        let returned = within(
            rules.returned,
            (first.paid, first.paid_currency),
            (last.received, last.received_currency),
        );
        if path.len() >= rules.length_min && returned {
            let accounts = path.iter().map(|&row| payments[row].source).collect();
            found.entry((path[path.len() - 1], accounts)).or_default().push(path.clone());
        }
        return;
    }
    if path.len() == rules.length_max || path.iter().any(|&row| payments[row].source == last.destination) {
        return;
    }
    for next in path[path.len() - 1] + 1..payments.len() {
        let after = &payments[next];
        let passed_on = (last.received, last.received_currency);
        if after.source == last.destination
            && !(rules.strict && after.time == last.time)
            && within(rules.passed_on, passed_on, (after.paid, after.paid_currency))
        {
            path.push(next);
            extend(payments, rules, path, found);
            path.pop();
        }
    }
}

/// The choice that begins last and then pays on as early as it can.
pub fn witness(choices: &[Vec<usize>]) -> &Vec<usize> {
    choices
        .iter()
        .min_by_key(|rows| (std::cmp::Reverse(rows[0]), rows[1..].to_vec()))
        .expect("a cycle has a choice")
}

/// The greatest flow from the first of `accounts` round all of them and back through the payments `among`, by augmenting paths in the network of
/// payments over time; None if they are not all of one currency.
pub fn flow_round(payments: &[Payment], accounts: &[u32], among: &[usize], strict: bool) -> Option<i64> {
    let currency = payments[among[0]].paid_currency;
    if among.iter().any(|&row| payments[row].paid_currency != currency) {
        return None;
    }
    // Nodes are payments: money that has been paid by one can be paid by a later one of its payee. A payment carries no more than its amount.
    let stage = |row: usize| accounts.iter().position(|&account| account == payments[row].source).unwrap();
    let mut left: Vec<i64> = among.iter().map(|&row| payments[row].paid).collect();
    let mut carried = vec![vec![0i64; among.len()]; among.len()];
    let follows = |a: usize, b: usize| {
        let (one, next) = (among[a], among[b]);
        stage(next) == stage(one) + 1 && next > one && (!strict || payments[next].time > payments[one].time)
    };
    let mut total = 0;
    loop {
        // A search over (payment, whether its inside has been passed): forward where there is room, back where something is carried.
        let mut before: Vec<[Option<(usize, usize)>; 2]> = vec![[None; 2]; among.len()];
        let mut open: Vec<(usize, usize)> = Vec::new();
        for at in 0..among.len() {
            if stage(among[at]) == 0 && left[at] > 0 {
                before[at][1] = Some((usize::MAX, 0));
                open.push((at, 1));
            }
        }
        let mut end = None;
        while let Some((at, side)) = open.pop() {
            if side == 1 && stage(among[at]) + 1 == accounts.len() {
                end = Some(at);
                break;
            }
            let mut visit = |next: (usize, usize)| {
                if before[next.0][next.1].is_none() {
                    before[next.0][next.1] = Some((at, side));
                    open.push(next);
                }
            };
            if side == 1 {
                // Out of a payment to any later one; back inside it, where it carries something.
                (0..among.len()).filter(|&next| follows(at, next)).for_each(|next| visit((next, 0)));
                if left[at] < payments[among[at]].paid && stage(among[at]) > 0 {
                    visit((at, 0));
                }
            } else {
                if left[at] > 0 {
                    visit((at, 1));
                }
                (0..among.len()).filter(|&from| carried[from][at] > 0).for_each(|from| visit((from, 1)));
            }
        }
        let Some(end) = end else { return Some(total) };
        // One unit at a time would be slow for large amounts: the least room on the way.
        let (mut way, mut node) = (vec![(end, 1)], (end, 1));
        while let Some(from) = before[node.0][node.1].filter(|from| from.0 != usize::MAX) {
            way.push(from);
            node = from;
        }
        way.reverse();
        let room = |pair: &[(usize, usize)]| match (pair[0], pair[1]) {
            ((a, 0), (b, 1)) if a == b => left[a],
            ((a, 1), (b, 0)) if a == b => payments[among[a]].paid - left[a],
            ((_, 1), (_, 0)) => i64::MAX,
            ((a, _), (b, _)) => carried[b][a],
        };
        let first = left[way[0].0];
        let amount = way.windows(2).map(room).min().unwrap_or(i64::MAX).min(first);
        left[way[0].0] -= amount;
        for pair in way.windows(2) {
            match (pair[0], pair[1]) {
                ((a, 0), (b, 1)) if a == b => left[a] -= amount,
                ((a, 1), (b, 0)) if a == b => left[a] += amount,
                ((a, 1), (b, _)) => carried[a][b] += amount,
                ((a, _), (b, _)) => carried[b][a] -= amount,
            }
        }
        total += amount;
    }
}
