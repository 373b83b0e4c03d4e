//! Cycles of published data. Needs the folder of datasets beside the repository; skipped where it is missing.

use super::store::payments;
use super::support::{scratch, shared_data};
use ringfence::Run;
use ringfence::graph::Graph;
use ringfence::graph::build::{Sources, ingest};
use ringfence::ids::AccountId;
use ringfence::ingest::{Mapping, RejectLog, Source};
use ringfence::patterns::{CycleOptions, Transfers, Typology, cycle_instances, cycles};
use ringfence::store::Io;
use ringfence::units::time::DAY_US;
use std::collections::{BTreeMap, BTreeSet};

/// AMLworld's 54 attempts at a cycle: those in time order from some account on are found, all of them, by their accounts.
#[test]
fn every_cycle_of_amlworld_that_is_in_time_order_is_found() {
    let Some(data) = shared_data("amlworld-hi-small") else { return };
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("amlworld.ring");
    let sources = Sources {
        transactions: vec![Source::File(data.join("HI-Small_Trans.laundering-rows.csv"))],
        accounts: Vec::new(),
        links: Vec::new(),
    };
    let mapping = Mapping::preset("amlworld").unwrap();
    let run = Run::new();
    ingest(&path, sources, &mapping, &mut RejectLog::counting(), &scratch(), &run).unwrap();
    let graph = Graph::open(&path, Io::Mmap).unwrap();

    let text = std::fs::read_to_string(data.join("HI-Small_Patterns.txt")).unwrap();
    // Each attempt: its payments as (time as written, payer, payee), in the order of the file.
    let mut attempts: Vec<Vec<(String, u32, u32)>> = Vec::new();
    let account =
        |bank: &str, account: &str| graph.find_account(&format!("{bank}:{account}")).unwrap().unwrap().0;
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with("BEGIN") {
            inside = line.contains("CYCLE");
            if inside {
                attempts.push(Vec::new());
            }
        } else if inside && line.starts_with("20") {
            let fields: Vec<&str> = line.split(',').collect();
            let payment =
                (fields[0].to_string(), account(fields[1], fields[2]), account(fields[3], fields[4]));
            attempts.last_mut().unwrap().push(payment);
        }
    }
    assert_eq!(attempts.len(), 54);

    // An attempt is in time order if its payments, sorted by time, lead from account to account and back to the first.
    let in_order = |attempt: &Vec<(String, u32, u32)>| {
        let mut sorted = attempt.clone();
        sorted.sort();
        let next = sorted.iter().cycle().skip(1);
        sorted.iter().zip(next).all(|(one, next)| one.2 == next.1)
            && sorted.windows(2).all(|pair| pair[0].0 < pair[1].0)
    };
    let transfers = Transfers::new(&graph.view(), None, &run).unwrap();
    let options = CycleOptions { span_us: 5 * DAY_US, length_max: 16, ..CycleOptions::default() };
    let found = cycles(&transfers, &options, &run).unwrap();
    assert!(!found.cut.truncated());
    let instances: BTreeSet<Vec<AccountId>> = cycle_instances(&found, Typology::Cycle)
        .iter()
        .map(|instance| {
            let mut accounts: Vec<AccountId> = instance.members.iter().map(|member| member.account).collect();
            accounts.sort();
            accounts
        })
        .collect();
    let (mut ordered, mut recovered) = (0, 0);
    for attempt in &attempts {
        let accounts: BTreeSet<AccountId> = attempt.iter().map(|payment| AccountId(payment.1)).collect();
        let is_found = instances.contains(&accounts.into_iter().collect::<Vec<_>>());
        ordered += usize::from(in_order(attempt));
        recovered += usize::from(is_found);
        assert!(is_found || !in_order(attempt), "{attempt:?}");
    }
    println!("{ordered} of 54 in time order, {recovered} found, {} instances", instances.len());
    assert_eq!((ordered, recovered), (49, 49));
    let by_length: BTreeMap<usize, usize> = instances.iter().fold(BTreeMap::new(), |mut all, one| {
        *all.entry(one.len()).or_default() += 1;
        all
    });
    println!("instances by length {by_length:?}, {} payments", payments(&graph).len());
}
