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
