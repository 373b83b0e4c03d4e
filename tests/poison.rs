//! Poison and reachability: the engine against slow oracles, by hand, and against the conserving policies.
#![allow(clippy::unwrap_used)]

#[path = "oracle/exposure.rs"]
mod exposure;
#[path = "oracle/ledgers.rs"]
mod ledgers;
#[path = "oracle/store.rs"]
mod store;
mod support;
#[path = "oracle/trace.rs"]
mod trace;

use ledgers::{Ledger, Random, add_balance_seeds, random_ledger};
use ringfence::Run;
use ringfence::graph::{Graph, View};
use ringfence::ids::{AccountId, TxId};
use ringfence::store::manifest::Partition;
use ringfence::trace::{
    Contacts, Policy, ReachOptions, Seed as EngineSeed, SeedKind, Source, Ties, TraceOptions, downstream,
    poison, reach,
};
use ringfence::units::Window;
use roaring::RoaringBitmap;
use std::collections::BTreeSet;
use std::path::Path;
use store::Stored;
use trace::{Payment, Rules, Seed};

/// Payments between strangers, `each` before every payment of the ledger at its time: the engine then finds it
/// cheaper to follow accounts than to read everything.
fn among_strangers(ledger: &Ledger, each: u32) -> (Ledger, Vec<usize>) {
    let first = ledger.num_accounts;
    let mut padded = Ledger { num_accounts: first + 7, payments: Vec::new(), ..ledger.clone() };
    let mut places = Vec::new();
    for payment in &ledger.payments {
        for stranger in 0..each {
            let (source, destination) = (first + stranger % 7, first + (stranger + 1) % 7);
            padded.payments.push(Payment { source, destination, failed: false, ..*payment });
        }
        places.push(padded.payments.len());
        padded.payments.push(*payment);
    }
    for seed in &mut padded.seeds {
        if let Seed::Transaction { row, .. } = seed {
            *row = places[*row];
        }
    }
    (padded, places)
}

fn random_rules(ledger: &Ledger, random: &mut Random) -> Rules {
    let seeded = ledger.seeds.iter().map(|seed| match *seed {
        Seed::Transaction { row, .. } => ledger.payments[row].time,
        Seed::Deposit { time, .. } | Seed::Balance { time, .. } => time,
    });
    let until = seeded.max().unwrap_or_default() + random.below(20) as i64;
    // Nobody can claim what is at a sink.
    let free = |sink: &u32| {
        !ledger.seeds.iter().any(|seed| matches!(seed, Seed::Balance { account, .. } if account == sink))
    };
    Rules {
        strict: random.once_in(2),
        until: random.once_in(3).then_some(until),
        sinks: (0..ledger.num_accounts).filter(|_| random.once_in(6)).filter(free).collect(),
        ..Rules::default()
    }
}

/// The engine's result in the oracle's terms.
fn found(stored: &Stored, ledger: &Ledger, contacts: &Contacts) -> exposure::Poison {
    let number =
        |id: AccountId| (0..ledger.num_accounts).find(|&account| stored.knows(account) == Some(id)).unwrap();
    let flows = &contacts.flows;
    let flow = |at: usize| {
        let (paid, received) = (flows.tainted_paid[at].into(), flows.tainted_received[at].into());
        (flows.case[at], flows.transaction[at].0 as usize, paid, received, flows.hop[at])
    };
    let contact = |at: usize| {
        let transaction = contacts.transaction[at].map(|id| id.0 as usize);
        (contacts.case[at], number(contacts.account[at]), contacts.time[at], transaction, contacts.hop[at])
    };
    exposure::Poison {
        flows: (0..flows.len()).map(flow).collect(),
        contacts: (0..contacts.len()).map(contact).collect(),
    }
}

#[test]
fn poison_finds_what_the_oracle_finds() {
    let (mut flows, mut contacts) = (0, 0);
    for seed in 0..900 {
        let random = &mut Random(seed);
        let mut ledger = random_ledger(seed);
        if random.once_in(2) {
            add_balance_seeds(&mut ledger, random);
        }
        // Alone, the engine reads every row; among many strangers it follows accounts; among some it changes over.
        let (ledger, _) = among_strangers(&ledger, [0, 0, 60, 400][random.below(4) as usize]);
        let rules = random_rules(&ledger, random);
        let partition = if random.once_in(2) { Partition::None } else { Partition::Month };
        let stored = Stored::new(&ledger, partition);
        let max_hops = random.once_in(3).then(|| 1 + random.below(3) as u32);
        let options = TraceOptions { max_hops, ..stored.options(&rules, random.once_in(2)) };
        let seeds = stored.seeds(&ledger.seeds);
        let answer = poison(&stored.graph.view(), ledger.num_cases, &seeds, &options, &Run::new());
        let answer = found(&stored, &ledger, &answer.unwrap());
        let expected = exposure::poison(&ledger.payments, &ledger.seeds, &rules, max_hops);
        assert_eq!(answer, expected, "ledger {seed}, {rules:?}, {max_hops:?}");
        flows += answer.flows.len();
        contacts += answer.contacts.len();
    }
    println!("{flows} flows, {contacts} contacts");
    assert!(flows > 9_000 && contacts > 4_000);
}

#[test]
fn reach_finds_what_the_oracle_finds() {
    let (mut reached, mut by_payment) = (0, 0);
    for seed in 0..900 {
        let random = &mut Random(seed ^ 0xeac4);
        let ledger = random_ledger(seed);
        let (ledger, places) = among_strangers(&ledger, [0, 0, 100, 900][random.below(4) as usize]);
        let rules = random_rules(&Ledger { seeds: Vec::new(), ..ledger.clone() }, random);
        let rules = Rules { until: None, ..rules };
        let stored = Stored::new(&ledger, if random.once_in(2) { Partition::None } else { Partition::Month });
        let sources: Vec<(u32, Option<i64>)> = (0..1 + random.below(3))
            .map(|_| {
                let payment = &ledger.payments[places[random.below(places.len() as u64) as usize]];
                let account = if random.once_in(3) { payment.destination } else { payment.source };
                (account, (!random.once_in(4)).then_some(payment.time))
            })
            .collect();
        let source = |&(account, from): &(u32, Option<i64>)| Source {
            case: 0,
            account: stored.account(account),
            from,
        };
        let engine: Vec<Source> = sources.iter().map(source).collect();
        let options = stored.options(&rules, true);
        let options = ReachOptions { ties: options.ties, until: options.until, sinks: options.sinks };
        let answer = reach(&stored.graph.view(), 1, &engine, &options, &Run::new()).unwrap();
        let row =
            |at: usize| (answer.account[at], answer.time[at], answer.transaction[at].map(|id| id.0 as usize));
        let mut answer_rows: Vec<_> = (0..answer.len()).map(row).collect();
        let mut expected: Vec<_> = exposure::reach(&ledger.payments, &sources, &rules)
            .into_iter()
            .map(|(account, time, row)| (stored.account(account), time, row))
            .collect();
        by_payment += expected.iter().filter(|row| row.2.is_some()).count();
        reached += expected.len();
        assert!(answer.transaction.iter().flatten().is_sorted(), "payments reach in their order");
        answer_rows.sort();
        expected.sort();
        assert_eq!(answer_rows, expected, "ledger {seed}, {sources:?}, {rules:?}");
    }
    println!("{reached} reached, {by_payment} by payments");
    assert!(reached > 3_000 && by_payment > 1_500);
}

#[test]
fn whoever_holds_or_moves_tainted_money_is_exposed() {
    let mut shown = 0;
    for seed in 0..400 {
        let ledger = random_ledger(seed ^ 0x901);
        let stored = Stored::new(&ledger, Partition::None);
        let rules = random_rules(&ledger, &mut Random(seed));
        let (view, seeds) = (stored.graph.view(), stored.seeds(&ledger.seeds));
        for (policy, joint) in
            [(Policy::Fifo, true), (Policy::Fifo, false), (Policy::Haircut, true), (Policy::Haircut, false)]
        {
            let options = TraceOptions { policy, ..stored.options(&rules, joint) };
            let trace = downstream(&view, ledger.num_cases, &seeds, &options, &Run::new()).unwrap();
            let contacts = poison(&view, ledger.num_cases, &seeds, &options, &Run::new()).unwrap();
            let exposed: BTreeSet<(u32, AccountId)> =
                contacts.case.iter().copied().zip(contacts.account.iter().copied()).collect();
            for held in [&trace.holdings, &trace.sinks.holdings] {
                for (&case, &account) in held.case.iter().zip(&held.account) {
                    assert!(exposed.contains(&(case, account)), "ledger {seed}, {policy:?}");
                    shown += 1;
                }
            }
            let tainted: BTreeSet<(u32, TxId)> =
                contacts.flows.case.iter().copied().zip(contacts.flows.transaction.iter().copied()).collect();
            for flow in trace.flows.case.iter().copied().zip(trace.flows.transaction.iter().copied()) {
                assert!(tainted.contains(&flow), "ledger {seed}, {policy:?}");
            }
        }
    }
    assert!(shown > 2_000, "{shown}");
}

#[test]
fn a_view_hides_what_is_outside_of_it() {
    let mut shown = 0;
    for seed in 0..300 {
        let random = &mut Random(seed ^ 0x33);
        let ledger = random_ledger(seed);
        let stored = Stored::new(&ledger, Partition::Month);
        let times = || ledger.payments.iter().map(|payment| payment.time);
        let last = times().max().unwrap();
        let from = random.below(last as u64 / 2 + 1) as i64;
        let window = Window { from, to: (from + last / 2).max(from + 1) };
        let among: BTreeSet<u32> = (0..ledger.num_accounts).filter(|_| !random.once_in(4)).collect();
        let inside = |payment: &Payment| {
            window.contains(payment.time)
                && among.contains(&payment.source)
                && among.contains(&payment.destination)
        };
        let accounts: RoaringBitmap =
            among.iter().filter_map(|&account| stored.knows(account)).map(|id| id.0).collect();
        let view = stored.graph.window(window).unwrap().among(accounts);
        let Some(source) =
            ledger.payments.iter().find(|payment| inside(payment)).map(|payment| payment.source)
        else {
            continue;
        };
        let rules = Rules::default();
        let rows: Vec<usize> =
            (0..ledger.payments.len()).filter(|&row| inside(&ledger.payments[row])).collect();
        let part: Vec<Payment> = rows.iter().map(|&row| ledger.payments[row]).collect();
        let engine = [Source { case: 0, account: stored.account(source), from: Some(from) }];
        let answer = reach(&view, 1, &engine, &ReachOptions::default(), &Run::new()).unwrap();
        let expected = exposure::reach(&part, &[(source, Some(from))], &rules);
        let expected: Vec<_> = expected
            .into_iter()
            .map(|(account, _, row)| (stored.account(account), row.map(|row| TxId(rows[row] as u64))))
            .collect();
        let found: Vec<_> = answer.account.iter().copied().zip(answer.transaction.iter().copied()).collect();
        assert_eq!(found, expected, "ledger {seed}");
        let deposit = |stored: &Stored| EngineSeed {
            case: 0,
            kind: SeedKind::Deposit {
                account: stored.account(source),
                currency: stored.currency(part[0].paid_currency),
                time: from,
                amount: 1,
            },
        };
        let contacts = poison(&view, 1, &[deposit(&stored)], &TraceOptions::default(), &Run::new()).unwrap();
        let seeds = [Seed::Deposit { case: 0, account: source, currency: 0, time: from, amount: 1 }];
        let mut expected = exposure::poison(&part, &seeds, &rules, None);
        expected.flows.iter_mut().for_each(|flow| flow.1 = rows[flow.1]);
        expected.contacts.iter_mut().for_each(|contact| contact.3 = contact.3.map(|row| rows[row]));
        assert_eq!(self::found(&stored, &ledger, &contacts), expected, "ledger {seed}");
        shown += usize::from(found.len() > 2);
    }
    assert!(shown > 30, "only {shown} ledgers have anything to show");
}

#[test]
fn cases_are_found_alone_and_alike_for_any_number_of_threads() {
    for seed in 0..60 {
        let (ledger, _) = among_strangers(&random_ledger(seed), 40);
        let stored = Stored::new(&ledger, Partition::Month);
        let (view, random) = (stored.graph.view(), &mut Random(seed));
        let rows: Vec<u64> = (0..ledger.payments.len() as u64)
            .filter(|&row| {
                !ledger.payments[row as usize].failed && ledger.payments[row as usize].received > 0
            })
            .collect();
        if rows.is_empty() {
            continue;
        }
        let seeds: Vec<EngineSeed> = (0..70)
            .map(|case| {
                let transaction = TxId(rows[random.below(rows.len() as u64) as usize]);
                EngineSeed { case, kind: SeedKind::Transaction { transaction, amount: None } }
            })
            .collect();
        let options = TraceOptions { joint: false, ties: Ties::Strict, ..TraceOptions::default() };
        let all = |threads: usize| {
            poison(&view, 70, &seeds, &options, &Run::new().threads(threads).unwrap()).unwrap()
        };
        let one = all(1);
        assert_eq!(all(2), one);
        assert_eq!(all(16), one);
        let sources: Vec<Source> = seeds
            .iter()
            .map(|seed| Source {
                case: seed.case,
                account: AccountId(seed.case % stored.graph.num_accounts()),
                from: None,
            })
            .collect();
        let all = |threads: usize| {
            reach(&view, 70, &sources, &ReachOptions::default(), &Run::new().threads(threads).unwrap())
                .unwrap()
        };
        let one = all(1);
        assert_eq!(all(16), one);
        assert!(one.case.is_sorted() && one.case.last() == Some(&69));
    }
}

fn keys(graph: &Graph, contacts: &Contacts) -> Vec<String> {
    let mut keys: Vec<String> =
        contacts.account.iter().map(|&account| graph.account_key(account).unwrap()).collect();
    keys.sort();
    keys
}

#[test]
fn the_ledger_drawn_by_hand_comes_out_as_drawn() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/tiny/trace_poison");
    let text = |name: &str| std::fs::read_to_string(folder.join(name)).unwrap();
    let stored = support::ledger(&text("transactions.csv"), None);
    let graph = stored.graph();
    let place = |key: &str| graph.find_transaction(key).unwrap().unwrap();
    let seed = |key: &str| EngineSeed {
        case: 0,
        kind: SeedKind::Transaction { transaction: place(key), amount: None },
    };
    let view: View<'_> = graph.view();
    let contacts = poison(&view, 1, &[seed("T2")], &TraceOptions::default(), &Run::new()).unwrap();
    let exposed: Vec<String> =
        text("exposed.csv").lines().skip(1).map(|line| line.split(',').nth(1).unwrap().to_string()).collect();
    assert_eq!(keys(&graph, &contacts), exposed);
    let flows = &contacts.flows;
    let found: Vec<String> = (0..flows.len())
        .map(|at| {
            let id = flows.transaction[at];
            let row = graph.transaction(id).unwrap();
            let account = |id| graph.account_key(id).unwrap();
            format!(
                "{},{},{},{},{},{}",
                graph.transaction_key(id).unwrap(),
                account(row.source),
                account(row.destination),
                flows.tainted_paid[at],
                flows.tainted_received[at],
                flows.hop[at]
            )
        })
        .collect();
    let drawn: Vec<String> = text("flows.csv")
        .lines()
        .skip(1)
        .map(|line| {
            let field: Vec<&str> = line.split(',').collect();
            [field[1], field[2], field[3], field[6], field[7], field[8]].join(",")
        })
        .collect();
    assert_eq!(found, drawn);
}
