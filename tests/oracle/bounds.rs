//! The maximum traceable amount, slowly: a maximum flow of petgraph through every account at every moment.
//!
//! Every account has a node before every payment of the whole ledger (before every distinct time, where ties are
//! strict), whether money can get there or not. It shares no code and no data structure with the engine.
#![allow(dead_code)] // Each test program uses its own part.

use super::trace::{Balance, Payment, Seed};
use petgraph::algo::dinics;
use petgraph::graph::{DiGraph, NodeIndex};
use std::collections::{BTreeMap, BTreeSet};

/// What is asked of a ledger.
#[derive(Clone, Copy, Debug)]
pub struct Question {
    pub seed: Seed,
    pub target: u32,
    pub strict: bool,
    pub until: Option<i64>,
}

/// An arc that a flow may take, other than waiting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Step {
    Seed,
    Payment(usize),
    Gain(usize),
    Conversion(usize),
}

/// Currency, first account, amount of the seed.
pub fn claimed(payments: &[Payment], seed: &Seed) -> (u16, u32, i64) {
    match *seed {
        Seed::Transaction { row, amount, .. } => {
            let payment = &payments[row];
            (payment.received_currency, payment.destination, amount.unwrap_or(payment.received))
        }
        Seed::Deposit { account, currency, amount, .. } => (currency, account, amount),
        Seed::Balance { account, currency, amount, .. } => (currency, account, amount.unwrap()),
    }
}

/// By payment, the number of its moment: its place, or the place of its time among the distinct times.
fn moments(payments: &[Payment], strict: bool) -> Vec<usize> {
    let times: BTreeSet<i64> = payments.iter().map(|payment| payment.time).collect();
    let of = |row: usize, time: i64| if strict { times.range(..time).count() } else { row };
    payments.iter().enumerate().map(|(row, payment)| of(row, payment.time)).collect()
}

/// The first moment at which the seed's money can leave.
fn begin(payments: &[Payment], moments: &[usize], seed: &Seed) -> usize {
    match *seed {
        Seed::Transaction { row, .. } => moments[row] + 1,
        Seed::Deposit { time, .. } | Seed::Balance { time, .. } => {
            let before = payments.iter().zip(moments).filter(|(payment, _)| payment.time <= time);
            before.map(|(_, &moment)| moment + 1).max().unwrap_or(0)
        }
    }
}

/// Every step that counts, with the most it can move and its payer, payee and moment.
fn steps(payments: &[Payment], question: &Question) -> BTreeMap<Step, i64> {
    let moments = moments(payments, question.strict);
    let (currency, account, amount) = claimed(payments, &question.seed);
    let mut steps = BTreeMap::from([(Step::Seed, amount)]);
    // From which moment on a pool may hold money of the seed.
    let mut reached = BTreeMap::from([((account, currency), begin(payments, &moments, &question.seed))]);
    for (row, payment) in payments.iter().enumerate() {
        let happens = !payment.failed
            && payment.paid > 0
            && payment.received > 0
            && question.until.is_none_or(|until| payment.time <= until);
        let from = reached.get(&(payment.source, payment.paid_currency));
        if !happens || payment.source == question.target || from.is_none_or(|&from| moments[row] < from) {
            continue;
        }
        reached.entry((payment.destination, payment.received_currency)).or_insert(moments[row] + 1);
        if payment.received_currency != currency {
            continue;
        }
        if payment.paid_currency != currency {
            steps.insert(Step::Conversion(row), payment.received);
            continue;
        }
        steps.insert(Step::Payment(row), payment.paid.min(payment.received));
        if payment.received > payment.paid {
            steps.insert(Step::Gain(row), payment.received - payment.paid);
        }
    }
    steps
}

/// The maximum flow from the seed to the target without the steps `removed`, where no more of it waits at the time of a
/// balance than that.
pub fn maximum(
    payments: &[Payment],
    question: &Question,
    removed: &BTreeSet<Step>,
    balances: &[Balance],
) -> i128 {
    let moments = moments(payments, question.strict);
    let num_moments = moments.last().map_or(0, |last| last + 1);
    let accounts = payments.iter().flat_map(|payment| [payment.source, payment.destination]);
    let (currency, first, _) = claimed(payments, &question.seed);
    let num_accounts = accounts.chain([first]).max().unwrap() + 1;
    let unlimited = u128::MAX >> 8;
    let mut graph: DiGraph<(), u128> = DiGraph::new();
    let (source, sink) = (graph.add_node(()), graph.add_node(()));
    // What comes to an account before a moment, and what can leave it from then on.
    let mut nodes: BTreeMap<(u32, usize), (NodeIndex, NodeIndex)> = BTreeMap::new();
    for account in 0..num_accounts {
        for moment in 0..=num_moments {
            if account == question.target {
                nodes.insert((account, moment), (sink, sink));
                continue;
            }
            let (comes, leaves) = (graph.add_node(()), graph.add_node(()));
            let stated = balances.iter().filter(|balance| {
                let until = balance.time.map(|time| {
                    let included = payments.iter().zip(&moments).filter(|(payment, _)| payment.time <= time);
                    included.map(|(_, &moment)| moment + 1).max().unwrap_or(0)
                });
                (balance.account, balance.currency) == (account, currency) && until == Some(moment)
            });
            let least = stated.map(|balance| balance.amount.max(0) as u128).min();
            graph.add_edge(comes, leaves, least.unwrap_or(unlimited));
            nodes.insert((account, moment), (comes, leaves));
            if moment > 0 {
                graph.add_edge(nodes[&(account, moment - 1)].1, comes, unlimited);
            }
        }
    }
    for (step, amount) in steps(payments, question) {
        if removed.contains(&step) {
            continue;
        }
        let after = |row: usize| nodes[&(payments[row].destination, moments[row] + 1)].0;
        let (tail, head) = match (step, question.seed) {
            (Step::Seed, Seed::Transaction { row, .. }) => (source, after(row)),
            // It comes after what is stated for the moment.
            (Step::Seed, _) => (source, nodes[&(first, begin(payments, &moments, &question.seed))].1),
            (Step::Payment(row), _) => (nodes[&(payments[row].source, moments[row])].1, after(row)),
            (Step::Gain(row) | Step::Conversion(row), _) => (source, after(row)),
        };
        graph.add_edge(tail, head, amount as u128);
    }
    dinics(&graph, source, sink).0 as i128
}

/// The most that each step moves, for those that count.
pub fn capacities(payments: &[Payment], question: &Question) -> BTreeMap<Step, i64> {
    steps(payments, question)
}

/// Every path from the seed to the target that visits no account twice, best first: widest, then fewest payments, then
/// earliest arrival, then by rows. By walking all of them.
pub fn paths(payments: &[Payment], question: &Question) -> Vec<(i64, Vec<usize>)> {
    let moments = moments(payments, question.strict);
    let (_, first, amount) = claimed(payments, &question.seed);
    let mut walk =
        Walk { payments, moments: &moments, question, accounts: vec![first], rows: vec![], found: vec![] };
    walk.on(begin(payments, &moments, &question.seed), amount);
    let mut found = walk.found;
    found.sort_by_key(|(width, rows)| (-width, rows.len(), rows.last().copied(), rows.clone()));
    found
}

struct Walk<'a> {
    payments: &'a [Payment],
    moments: &'a [usize],
    question: &'a Question,
    accounts: Vec<u32>,
    rows: Vec<usize>,
    found: Vec<(i64, Vec<usize>)>,
}

impl Walk<'_> {
    fn on(&mut self, from: usize, width: i64) {
        let account = *self.accounts.last().unwrap();
        if account == self.question.target {
            return self.found.push((width, self.rows.clone()));
        }
        let (currency, ..) = claimed(self.payments, &self.question.seed);
        for (row, payment) in self.payments.iter().enumerate() {
            let happens = !payment.failed && self.question.until.is_none_or(|until| payment.time <= until);
            let within = payment.paid_currency == currency && payment.received_currency == currency;
            let follows = payment.source == account && self.moments[row] >= from;
            let amount = payment.paid.min(payment.received);
            if happens && within && follows && amount > 0 && !self.accounts.contains(&payment.destination) {
                self.accounts.push(payment.destination);
                self.rows.push(row);
                self.on(self.moments[row] + 1, width.min(amount));
                self.accounts.pop();
                self.rows.pop();
            }
        }
    }
}
