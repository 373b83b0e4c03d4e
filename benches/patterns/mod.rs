//! Patterns of a whole graph, with the ratio to a plain serial search: forward from every payment, payment by payment, no
//! look ahead. Both must count the same cycles.

use crate::harness::{Harness, Stage};
use ringfence::Run;
use ringfence::graph::Graph;
use ringfence::patterns::{
    Budget, CycleOptions, Transfers, Typology, count_cycles, cycle_instances, cycles, find,
};
use ringfence::units::Ties;

const HOUR_US: i64 = 3_600_000_000;

pub fn stages(harness: &Harness, graph: &Graph) {
    let count = graph.num_transactions();
    let read = |run: &Run| Transfers::new(&graph.view(), None, run).expect("transfers");
    if harness.wants("transfers") {
        let stage = Stage { name: "transfers", count, unit: "transactions" };
        harness.time(&stage, || (), |(), run| read(run), |found| assert!(!found.is_empty()));
    }
    for typology in Typology::ALL.into_iter().filter(|typology| harness.wants(typology.name())) {
        let transfers = read(&Run::new());
        let stage = Stage { name: typology.name(), count, unit: "transactions" };
        let search = |(), run: &Run| {
            find(&transfers, typology, &typology.options(), run).expect("a search").instances.len()
        };
        let expected = search((), &Run::new());
        println!("{{\"found\":\"{}\",\"instances\":{expected}}}", typology.name());
        harness.time(&stage, || (), search, |&found| assert_eq!(found, expected));
    }
    if !["cycles_1h", "cycles_6h", "cycles_24h", "cycle_instances"].iter().any(|name| harness.wants(name)) {
        return;
    }
    let transfers = read(&Run::new());
    let options = |hours: i64| CycleOptions {
        span_us: hours * HOUR_US,
        length_max: 20,
        ties: Ties::Strict,
        budget: Budget::UNBOUNDED,
        ..CycleOptions::default()
    };
    let ways = |hours: i64, run: &Run| -> u64 {
        let (counts, _) = count_cycles(&transfers, &options(hours), run).expect("cycles");
        counts.iter().map(|count| count.ways).sum()
    };
    for (name, baseline, hours) in
        [("cycles_1h", Some("baseline_cycles_1h"), 1), ("cycles_6h", None, 6), ("cycles_24h", None, 24)]
    {
        if !harness.wants(name) {
            continue;
        }
        let expected = ways(hours, &Run::new());
        println!("{{\"found\":\"{name}\",\"ways\":{expected}}}");
        let stage = Stage { name, count, unit: "transactions" };
        let median =
            harness.time(&stage, || (), |(), run| ways(hours, run), |&found| assert_eq!(found, expected));
        if let Some(name_of_baseline) = baseline {
            let stage = Stage { name: name_of_baseline, count, unit: "transactions" };
            let plain = |(), _: &Run| plain(&transfers, hours * HOUR_US);
            let serial = harness.time(&stage, || (), plain, |&found| assert_eq!(found, expected));
            harness.ratio((name, median), (name_of_baseline, serial));
        }
    }
    if harness.wants("cycle_instances") {
        let stage = Stage { name: "cycle_instances", count, unit: "transactions" };
        let find = |(), run: &Run| {
            let options = CycleOptions { span_us: 6 * HOUR_US, ..CycleOptions::default() };
            cycle_instances(&cycles(&transfers, &options, run).expect("cycles"), Typology::Cycle)
        };
        harness.time(&stage, || (), find, |found| assert!(!found.is_empty()));
    }
}

/// The number of temporal cycles, by trying every next payment.
fn plain(transfers: &Transfers, span_us: i64) -> u64 {
    let mut found = 0;
    for start in 0..transfers.num_accounts() {
        for first in transfers.out(start) {
            let begin = transfers.time(first.place);
            extend(transfers, begin + span_us, begin, &mut vec![start, first.neighbor], &mut found);
        }
    }
    found
}

fn extend(transfers: &Transfers, end: i64, arrived: i64, path: &mut Vec<u32>, found: &mut u64) {
    let payments = transfers.out(path[path.len() - 1]);
    let next = payments.partition_point(|payment| transfers.time(payment.place) <= arrived);
    for payment in &payments[next..] {
        let time = transfers.time(payment.place);
        if time > end {
            break;
        }
        if payment.neighbor == path[0] {
            *found += 1;
        } else if !path.contains(&payment.neighbor) {
            path.push(payment.neighbor);
            extend(transfers, end, time, path, found);
            path.pop();
        }
    }
}
