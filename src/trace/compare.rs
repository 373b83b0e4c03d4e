//! The same question under every policy: what holds whatever the rule, and what rests on it.
//!
//! For every account the least and the greatest holding over the policies is its *envelope*. What is held under every
//! policy is the *safe core* of a freeze list: no choice among these rules takes it away. It is not what is certain:
//! a court may use another rule.
//!
//! # Cost
//! One trace per policy, in parallel.

use super::downstream;
use super::policy::{Policy, TraceOptions};
use super::result::Trace;
use super::seed::Seed;
use crate::error::{Error, Result};
use crate::graph::View;
use crate::ids::{AccountId, CurrencyId};
use crate::run::Run;
use rayon::prelude::{IntoParallelRefIterator, ParallelIterator};
use std::collections::BTreeMap;

/// Holdings of one account under several policies, by (case, greatest descending, account, currency).
///
/// Money at sinks and beyond the hop limit is not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    /// The policies compared.
    pub policies: Vec<Policy>,
    /// Case.
    pub case: Vec<u32>,
    /// Account.
    pub account: Vec<AccountId>,
    /// Currency.
    pub currency: Vec<CurrencyId>,
    /// The least that any policy finds, in minor units; more than 0 is the account's part of the safe core.
    pub least: Vec<i64>,
    /// The most that any policy finds.
    pub greatest: Vec<i64>,
    /// By policy, in the order of `policies`: what it finds, 0 if nothing.
    pub held: Vec<Vec<i64>>,
}

impl Envelope {
    /// Number of rows.
    pub fn len(&self) -> usize {
        self.case.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.case.is_empty()
    }
}

/// Traces `seeds` under each of `policies`, with `options` for everything else; in the order of `policies`.
///
/// # Errors
/// As [`downstream`]; [`Error::Option`] if `policies` is empty or names one twice.
pub fn compare(
    view: &View<'_>,
    num_cases: u32,
    seeds: &[Seed],
    options: &TraceOptions,
    policies: &[Policy],
    run: &Run,
) -> Result<Vec<Trace>> {
    let names = || policies.iter().map(|policy| policy.name()).collect::<Vec<_>>().join(", ");
    let twice = (1..policies.len()).any(|at| policies[..at].contains(&policies[at]));
    if policies.is_empty() || twice {
        return Err(Error::Option { name: "policies", value: names(), allowed: "one or more, each once" });
    }
    let trace = |&policy: &Policy| {
        downstream(view, num_cases, seeds, &TraceOptions { policy, ..options.clone() }, run)
    };
    run.install(|| policies.par_iter().map(trace).collect::<Vec<_>>()).into_iter().collect()
}

/// The envelope of `traces`, one for each of `policies`.
///
/// # Panics
/// If there are not as many traces as policies.
pub fn envelope(policies: &[Policy], traces: &[Trace]) -> Envelope {
    assert_eq!(policies.len(), traces.len(), "one trace for each policy");
    let mut held: BTreeMap<(u32, AccountId, CurrencyId), Vec<i64>> = BTreeMap::new();
    for (number, trace) in traces.iter().enumerate() {
        let rows = &trace.holdings;
        for at in 0..rows.len() {
            let key = (rows.case[at], rows.account[at], rows.currency[at]);
            held.entry(key).or_insert_with(|| vec![0; policies.len()])[number] = rows.amount[at];
        }
    }
    let mut rows: Vec<_> = held.into_iter().collect();
    let greatest = |amounts: &[i64]| amounts.iter().copied().max().unwrap_or_default();
    rows.sort_by_key(|((case, account, currency), amounts)| {
        (*case, std::cmp::Reverse(greatest(amounts)), *account, *currency)
    });
    let mut found = Envelope {
        policies: policies.to_vec(),
        held: vec![Vec::with_capacity(rows.len()); policies.len()],
        ..Envelope::default()
    };
    for ((case, account, currency), amounts) in rows {
        found.case.push(case);
        found.account.push(account);
        found.currency.push(currency);
        found.least.push(amounts.iter().copied().min().unwrap_or_default());
        found.greatest.push(greatest(&amounts));
        for (column, amount) in found.held.iter_mut().zip(amounts) {
            column.push(amount);
        }
    }
    found
}
