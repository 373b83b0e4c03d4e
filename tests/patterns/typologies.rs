use super::ledgers::Random;
use super::store::{Stored, payments};
use super::trace::Payment;
use super::typology_oracle::{self as oracle, Find, Rows};
use super::{Ledger, ledger, num_ledgers};
use rayon::prelude::*;
use ringfence::ids::TxId;
use ringfence::patterns::{
    BlockOptions, Budget, ChainOptions, DormantOptions, FanOptions, Found, Instance, Kept, Options,
    ScatterGatherOptions, ThroughOptions, Transfers, Typology, find,
};
use ringfence::store::manifest::Partition;
use ringfence::units::Ties;
use ringfence::{Error, Run};
use std::collections::BTreeMap;

const SEARCHED: [Typology; 8] = [
    Typology::FanIn,
    Typology::FanOut,
    Typology::GatherScatter,
    Typology::ScatterGather,
    Typology::Bipartite,
    Typology::Stack,
    Typology::Random,
    Typology::Dormant,
];

/// Options drawn so that random ledgers have instances, and have others that just fail.
fn options(typology: Typology, random: &mut Random, duration: i64) -> Options {
    let budget = Budget::UNBOUNDED;
    let span_us = if random.once_in(2) { 1 + random.below(1 + duration as u64) as i64 } else { duration + 1 };
    let ties = if random.once_in(2) { Ties::Strict } else { Ties::Order };
    let amount_min = if random.once_in(4) { random.below(60) as i64 } else { 0 };
    let kept = |random: &mut Random| match random.once_in(2) {
        true => Kept {
            min_permille: random.below(1_000) as u32,
            max_permille: 1_000 + random.below(2_000) as u32,
        },
        false => Kept::ANY,
    };
    let few = |random: &mut Random, least: u64| (least + random.below(3)) as u32;
    match typology {
        Typology::FanIn | Typology::FanOut => Options::Fan(FanOptions {
            span_us,
            counterparties_min: few(random, 1),
            payments_min: few(random, 1),
            amount_min,
            amount_max: if random.once_in(4) { amount_min + random.below(500) as i64 } else { i64::MAX },
            first_only: random.once_in(3),
            known_us: if random.once_in(3) { duration / 4 } else { 0 },
            budget,
        }),
        Typology::GatherScatter => {
            let payees_min = few(random, 1);
            let payees_max = if random.once_in(3) { payees_min + random.below(2) as u32 } else { u32::MAX };
            let (payers_min, passed_on) = (few(random, 1), kept(random));
            Options::Through(ThroughOptions {
                span_us,
                payers_min,
                payees_min,
                payees_max,
                ties,
                amount_min,
                passed_on,
                budget,
            })
        }
        Typology::ScatterGather => {
            let (mules_min, passed_on) = (few(random, 2), kept(random));
            Options::ScatterGather(ScatterGatherOptions {
                span_us,
                mules_min,
                ties,
                amount_min,
                passed_on,
                budget,
            })
        }
        Typology::Bipartite | Typology::Stack => Options::Block(BlockOptions {
            span_us,
            payers_min: 2,
            payees_min: 2,
            sinks_min: u32::from(typology == Typology::Stack),
            share_permille: 1 + random.below(1_000) as u32,
            amount_min,
            budget,
        }),
        Typology::Random => Options::Chain(ChainOptions {
            dwell_us: span_us,
            length_min: few(random, 2),
            ties,
            amount_min,
            passed_on: kept(random),
            budget,
        }),
        _ => Options::Dormant(DormantOptions {
            quiet_us: 1 + random.below(1 + duration as u64 / 3) as i64,
            span_us,
            payments_min: few(random, 1),
            amount_min,
            budget,
        }),
    }
}

fn expected(typology: Typology, rows: &Rows<'_>, options: &Options) -> Vec<Find> {
    match options {
        Options::Fan(options) => oracle::fans(rows, typology == Typology::FanIn, options),
        Options::Through(options) => oracle::through(rows, options),
        Options::ScatterGather(options) => oracle::scatter_gather(rows, options),
        Options::Block(options) => oracle::blocks(rows, options),
        Options::Chain(options) => oracle::chains(rows, options),
        Options::Dormant(options) => oracle::dormant(rows, options),
        Options::Cycle(_) => unreachable!("cycles have a test of their own"),
    }
}

fn said(instance: &Instance) -> Find {
    let members = instance.members.iter().map(|member| (member.stage, member.account.0)).collect();
    (members, instance.transactions.iter().map(|id| id.0 as usize).collect())
}

/// Holds what was found against all that the definition has; instances that overlap stand for each other.
fn compare(found: &Found, mut expected: Vec<Find>, context: &str) {
    let mut owners: BTreeMap<TxId, usize> = BTreeMap::new();
    let most = |transactions: &[TxId], owners: &BTreeMap<TxId, usize>| {
        let mut counts: BTreeMap<usize, usize> = BTreeMap::new();
        for owner in transactions.iter().filter_map(|id| owners.get(id)) {
            *counts.entry(*owner).or_default() += 1;
        }
        counts.into_iter().find(|(_, count)| 2 * count > transactions.len()).map(|(owner, _)| owner)
    };
    let mut before = None;
    for (number, instance) in found.instances.iter().enumerate() {
        let at = expected.iter().position(|one| *one == said(instance));
        expected.remove(at.unwrap_or_else(|| panic!("{context}: found what is not there: {instance:?}")));
        let key = (std::cmp::Reverse(instance.score.total()), instance.transactions[0]);
        assert!(before <= Some(key), "{context}: not in the order of scores");
        before = Some(key);
        assert_eq!(most(&instance.transactions, &owners), None, "{context}: overlaps: {instance:?}");
        for &id in &instance.transactions {
            owners.entry(id).or_insert(number);
        }
    }
    let mut overlapping = vec![0; found.instances.len()];
    for (_, rows) in &expected {
        let transactions: Vec<TxId> = rows.iter().map(|&row| TxId(row as u64)).collect();
        let owner = most(&transactions, &owners);
        overlapping[owner.unwrap_or_else(|| panic!("{context}: not found: {rows:?}"))] += 1;
    }
    let said: Vec<u32> = found.instances.iter().map(|instance| instance.overlapping).collect();
    assert_eq!(said, overlapping, "{context}");
}

#[test]
fn every_typology_is_found_as_it_is_defined() {
    let seen: Vec<u64> = (0..num_ledgers())
        .into_par_iter()
        .map(|seed| {
            let random = &mut Random(seed ^ 0x7479_706f);
            let partition = [Partition::None, Partition::Week][random.below(2) as usize];
            let stored = Stored::new(&ledger(seed), partition);
            let rows = payments(&stored.graph);
            let duration = rows[rows.len() - 1].time - rows[0].time;
            let run = Run::new();
            let transfers = Transfers::new(&stored.graph.view(), None, &run).unwrap();
            let search = |typology: Typology| {
                let options = options(typology, random, duration);
                let found = find(&transfers, typology, &options, &run).unwrap();
                assert!(!found.cut.truncated());
                let context = format!("ledger {seed}, {}, {options:?}", typology.name());
                compare(&found, expected(typology, &Rows(&rows), &options), &context);
                for instance in found.instances.iter().take(4) {
                    let bits = oracle::score(&Rows(&rows), &said(instance).1);
                    for ((part, milli), bits) in instance.score.parts().into_iter().zip(bits) {
                        let difference = (milli as f64 / 1_000.0 - bits.clamp(0.0, 1_000.0)).abs();
                        assert!(difference < 0.01, "{context}: {part} {milli} is not {bits}: {instance:?}");
                    }
                }
                found.instances.len() as u64
            };
            SEARCHED.map(search).to_vec()
        })
        .reduce(|| vec![0; SEARCHED.len()], |a, b| a.iter().zip(&b).map(|(a, b)| a + b).collect());
    println!("{} ledgers:", num_ledgers());
    for (typology, seen) in SEARCHED.iter().zip(&seen) {
        println!("  {:16} {seen} instances", typology.name());
        assert!(*seen > num_ledgers() / 50, "too few to tell: {}", typology.name());
    }
}

#[test]
fn the_same_is_found_by_any_number_of_threads_within_any_budget() {
    let (mut cut, mut whole) = (0, 0);
    for seed in 0..60 {
        let random = &mut Random(seed);
        let stored = Stored::new(&ledger(seed), Partition::None);
        let rows = payments(&stored.graph);
        let duration = rows[rows.len() - 1].time - rows[0].time;
        for typology in Typology::ALL {
            let budget = Budget {
                results_max: 1 + random.below(6),
                anchor_work_max: 1 + random.below(80),
                work_max: 1 + random.below(900),
                hub_max: 2 + random.below(12) as u32,
            };
            let mut changes = serde_json::to_value(budget).unwrap();
            for span in ["span_s", "dwell_s"] {
                changes[span] = (1 + duration / 1_000_000).into();
            }
            let defaults = typology.options();
            let settings = defaults.settings();
            let changes = changes.as_object().unwrap().clone();
            let changes = changes.into_iter().filter(|(name, _)| settings.contains_key(name)).collect();
            let options = defaults.with(&changes).unwrap();
            let answers: Vec<Found> = [1, 2, 7]
                .map(|threads| {
                    let run = Run::new().threads(threads).unwrap();
                    let transfers = Transfers::new(&stored.graph.view(), None, &run).unwrap();
                    find(&transfers, typology, &options, &run).unwrap()
                })
                .into();
            for answer in &answers {
                assert_eq!(answer.instances, answers[0].instances, "ledger {seed}, {}", typology.name());
                assert_eq!(answer.cut, answers[0].cut);
                let num_found =
                    answer.instances.iter().map(|one| 1 + u64::from(one.overlapping)).sum::<u64>();
                assert!(num_found <= budget.results_max);
            }
            cut += u64::from(answers[0].cut.truncated());
            whole += u64::from(!answers[0].cut.truncated());
        }
    }
    assert!(cut > 100 && whole > 100, "{cut} cut, {whole} whole");
}

/// A ledger of one currency with these payments: time in seconds, payer, payee, amount.
fn drawn(payments: impl IntoIterator<Item = (i64, u32, u32, i64)>) -> Stored {
    let payments: Vec<Payment> = payments
        .into_iter()
        .map(|(seconds, source, destination, amount)| Payment {
            source,
            destination,
            time: seconds * 1_000_000,
            paid: amount,
            received: amount,
            paid_currency: 0,
            received_currency: 0,
            failed: false,
        })
        .collect();
    let num_accounts = payments.iter().map(|one| one.source.max(one.destination) + 1).max().unwrap();
    Stored::new(&Ledger { num_accounts, payments, ..Ledger::default() }, Partition::None)
}

fn search(stored: &Stored, typology: Typology, options: &Options) -> Found {
    let run = Run::new();
    let transfers = Transfers::new(&stored.graph.view(), None, &run).unwrap();
    find(&transfers, typology, options, &run).unwrap()
}

/// What stops others: everybody paying everybody, ladders at one moment, a hub that a million pay.
#[test]
fn the_worst_graphs_end_within_their_budget() {
    let bipartite =
        drawn((0..200u32).flat_map(|payer| (200..400).map(move |payee| (0, payer, payee, 5_000))));
    let clique = drawn((0..200u32).flat_map(|payer| {
        (0..200).filter(move |&payee| payee != payer).map(move |payee| (0, payer, payee, 7))
    }));
    let ladder = drawn((0..20_000u32).map(|step| (0, step / 2, step / 2 + 1 + step % 2, 100)));
    let hub = drawn((1..=300_000u32).map(|payer| (i64::from(payer) / 100, payer, 0, 1_000)));
    for (name, stored) in [("bipartite", &bipartite), ("clique", &clique), ("ladder", &ladder), ("hub", &hub)]
    {
        for typology in Typology::ALL {
            let budget = Budget {
                anchor_work_max: 20_000,
                work_max: 30_000_000,
                results_max: 20_000,
                ..Budget::default()
            };
            let changes = serde_json::to_value(budget).unwrap();
            let options = typology.options().with(changes.as_object().unwrap()).unwrap();
            let found = search(stored, typology, &options);
            let overlapping: u64 = found.instances.iter().map(|one| u64::from(one.overlapping)).sum();
            assert!(found.instances.len() as u64 + overlapping <= budget.results_max, "{name}");
            println!(
                "{name:10} {:16} {:6} instances, cut {}",
                typology.name(),
                found.instances.len(),
                found.cut.truncated()
            );
        }
    }
    // Within the default budget the block is found whole, once, by all its payers.
    let found = search(&bipartite, Typology::Bipartite, &Typology::Bipartite.options());
    let whole = &found.instances[0];
    assert_eq!((found.instances.len(), whole.members.len(), whole.transactions.len()), (1, 400, 40_000));
    assert_eq!((whole.overlapping, found.cut.truncated()), (199, false));
    // A hub is passed over, and said.
    let found = search(&hub, Typology::FanIn, &Typology::FanIn.options());
    assert_eq!((found.instances.len(), found.cut.hubs_passed_over), (0, 1));
}

#[test]
fn money_just_below_a_threshold_is_found_by_amount() {
    let amounts = [950_000, 990_000, 1_000_000, 985_000, 799_999, 400];
    let stored = drawn(
        amounts.into_iter().enumerate().map(|(at, amount)| (at as i64 * 3_600, at as u32 + 1, 0, amount)),
    );
    for typology in [Typology::Structuring, Typology::Smurfing] {
        let found = search(&stored, typology, &typology.options());
        assert_eq!(found.instances.len(), 1, "{}", typology.name());
        assert_eq!(found.instances[0].transactions, [0, 1, 3].map(TxId));
    }
}

#[test]
fn options_that_ask_for_nothing_are_refused_before_any_work() {
    let stored = Stored::new(&ledger(1), Partition::None);
    let run = Run::new();
    let transfers = Transfers::new(&stored.graph.view(), None, &run).unwrap();
    for typology in Typology::ALL {
        let settings = typology.options().settings();
        let mut refused = 0;
        for (name, wrong) in [
            ("span_s", serde_json::Value::from(0)),
            ("dwell_s", 0.into()),
            ("quiet_s", 0.into()),
            ("counterparties_min", 0.into()),
            ("payments_min", 0.into()),
            ("payers_min", 0.into()),
            ("payees_min", 0.into()),
            ("mules_min", 1.into()),
            ("length_min", 1.into()),
            ("share_permille", 1_001.into()),
            ("amount_min", (-1).into()),
            ("amount_max", (-1).into()),
            ("passed_on", "900-800".into()),
            ("results_max", 0.into()),
            ("hub_max", 0.into()),
        ] {
            if !settings.contains_key(name) {
                continue;
            }
            let changes = serde_json::Map::from_iter([(name.to_string(), wrong)]);
            let options = typology.options().with(&changes).unwrap();
            match find(&transfers, typology, &options, &run) {
                Err(Error::Option { name: refused, .. }) => assert_eq!(refused, name),
                other => panic!("{}, {name}: {other:?}", typology.name()),
            }
            refused += 1;
        }
        assert!(refused > 3);
    }
    let other = Typology::Dormant.options();
    assert!(matches!(find(&transfers, Typology::FanIn, &other, &run), Err(Error::Option { .. })));
}
