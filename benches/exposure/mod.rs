//! Whom bad accounts reach, and how much of theirs everybody has; beside plain passes over arrays.

use crate::harness::{Harness, Stage};
use ringfence::Run;
use ringfence::graph::{Graph, View};
use ringfence::ids::{AccountId, TxId};
use ringfence::store::format::flags::FAILED;
use ringfence::trace::{ExposureOptions, ReachOptions, Source, Ties, exposure, reach};
use ringfence::units::Window;

/// Bad accounts.
const SOURCES: usize = 10;

/// Payments that move something, in order, in memory.
#[derive(Default)]
struct Rows {
    source: Vec<u32>,
    destination: Vec<u32>,
    time: Vec<i64>,
    amount: Vec<f64>,
}

impl Rows {
    fn new(view: &View<'_>) -> Self {
        let mut rows = Rows::default();
        for position in view.positions().start.0..view.positions().end.0 {
            let row = view.graph().transaction(TxId(position)).expect("an undamaged store");
            if row.flags & FAILED == 0 && row.paid > 0 && row.received > 0 {
                rows.source.push(row.source.0);
                rows.destination.push(row.destination.0);
                rows.time.push(row.time);
                rows.amount.push(row.paid as f64);
            }
        }
        rows
    }

    /// The first accounts that pay, each once.
    fn sources(&self) -> Vec<Source> {
        let mut accounts: Vec<u32> = Vec::new();
        for &source in &self.source {
            if accounts.len() < SOURCES && !accounts.contains(&source) {
                accounts.push(source);
            }
        }
        accounts
            .into_iter()
            .map(|account| Source { case: 0, account: AccountId(account), from: None })
            .collect()
    }
}

/// `reach_hundredth` and `reach` begin in the middle of the ledger and look at a hundredth of it, or at the rest.
pub fn stages(harness: &Harness, graph: &Graph) {
    let count = graph.num_transactions();
    let time_at = |position: u64| graph.transaction(TxId(position)).expect("an undamaged store").time;
    let last = time_at(count - 1) + 1;
    for (name, until) in [("reach_hundredth", count / 2 + count / 100), ("reach", count)] {
        if harness.wants(name) {
            let window =
                Window { from: time_at(count / 2), to: if until < count { time_at(until) } else { last } };
            reach_stage(harness, name, &graph.window(window).expect("an undamaged store"));
        }
    }
    if harness.wants("exposure") {
        exposure_stage(harness, &graph.view());
    }
}

/// Strict ties, and a serial scan that knows when each account was reached.
fn reach_stage(harness: &Harness, name: &str, view: &View<'_>) {
    let (rows, num_accounts) = (Rows::new(view), view.graph().num_accounts() as usize);
    let sources = rows.sources();
    let options = ReachOptions { ties: Ties::Strict, ..ReachOptions::default() };
    let find = |run: &Run| reach(view, 1, &sources, &options, run).expect("accounts");
    let scan = || {
        let mut arrival = vec![i64::MAX; num_accounts];
        for source in &sources {
            arrival[source.account.index()] = i64::MIN;
        }
        for ((&source, &destination), &time) in rows.source.iter().zip(&rows.destination).zip(&rows.time) {
            if arrival[source as usize] < time && arrival[destination as usize] > time {
                arrival[destination as usize] = time;
            }
        }
        arrival.iter().filter(|&&time| time < i64::MAX).count()
    };
    let expected = scan();
    let count = rows.source.len() as u64;
    let stage = Stage { name, count, unit: "transactions" };
    let median = harness.time(&stage, || (), |(), run| find(run), |found| assert_eq!(found.len(), expected));
    let baseline = format!("baseline_{name}_scan");
    let stage = Stage { name: &baseline, count, unit: "transactions" };
    let plain = harness.time(&stage, || (), |(), _| scan(), |found| assert_eq!(*found, expected));
    harness.ratio((name, median), (&baseline, plain));
}

/// Amounts and contact, proved; and a pass that keeps two floats per account and proves nothing.
fn exposure_stage(harness: &Harness, view: &View<'_>) {
    let (rows, num_accounts) = (Rows::new(view), view.graph().num_accounts() as usize);
    let sources = rows.sources();
    let options = ExposureOptions::default();
    let find = |run: &Run| exposure(view, 1, &sources, &options, run).expect("exposure");
    let exposed = find(&Run::new()).amounts.len();
    let count = rows.source.len() as u64;
    let name = "exposure";
    let stage = Stage { name, count, unit: "transactions" };
    let median =
        harness.time(&stage, || (), |(), run| find(run), |found| assert_eq!(found.amounts.len(), exposed));
    let stage = Stage { name: "baseline_float_taint", count, unit: "transactions" };
    let plain = harness.time(
        &stage,
        || (),
        |(), _| {
            let (mut balance, mut dirty) = (vec![1e5; num_accounts], vec![0.0; num_accounts]);
            for source in &sources {
                dirty[source.account.index()] = 1e5;
            }
            for ((&source, &destination), &amount) in
                rows.source.iter().zip(&rows.destination).zip(&rows.amount)
            {
                let (source, destination) = (source as usize, destination as usize);
                if dirty[source] > 0.0 {
                    let moved = amount * dirty[source] / f64::max(balance[source], amount);
                    dirty[source] -= moved;
                    dirty[destination] += moved;
                }
                balance[source] = f64::max(balance[source] - amount, 0.0);
                balance[destination] += amount;
            }
            dirty.iter().sum::<f64>()
        },
        |held| assert!(held.is_finite()),
    );
    harness.ratio((name, median), ("baseline_float_taint", plain));
}
