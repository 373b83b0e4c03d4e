//! Exposure of a whole graph: against a slow oracle, against the trace that it abbreviates, and its laws.
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

use ledgers::{Ledger, Random, random_ledger};
use ringfence::ids::TxId;
use ringfence::store::manifest::Partition;
use ringfence::trace::{
    Balance, Balances, Exposure, ExposureOptions, Opening, Policy, ReachOptions, Role, Seed, SeedKind,
    Source, TraceOptions, downstream, exposure as engine, reach,
};
use ringfence::units::Window;
use ringfence::{Error, Run};
use roaring::RoaringBitmap;
use std::collections::{BTreeMap, BTreeSet};
use store::Stored;
use trace::{Payment, Rules};

type Sources = Vec<(u32, u32, Option<i64>)>;

/// Sources among the accounts that pay, each from the beginning or from the time of a payment.
fn random_sources(ledger: &Ledger, num_cases: u32, random: &mut Random) -> Sources {
    (0..1 + random.below(4))
        .map(|_| {
            let payment = &ledger.payments[random.below(ledger.payments.len() as u64) as usize];
            let from = random.once_in(2).then_some(payment.time);
            (random.below(num_cases.into()) as u32, payment.source, from)
        })
        .collect()
}

fn random_rules(ledger: &Ledger, sources: &Sources, random: &mut Random) -> Rules {
    let last = sources.iter().filter_map(|source| source.2).max().unwrap_or_default();
    let sink = |account: &u32| sources.iter().all(|source| source.1 != *account);
    let sinks: BTreeSet<u32> = (0..ledger.num_accounts).filter(|_| random.once_in(5)).filter(sink).collect();
    Rules {
        policy: trace::Policy::Haircut,
        opening: if random.once_in(3) { trace::Opening::Minimal } else { trace::Opening::JustInTime },
        strict: random.once_in(3),
        until: random.once_in(4).then(|| last + random.below(30) as i64),
        sinks,
        ..Rules::default()
    }
}

/// An opening balance for every account, and one that is a statement of a later time.
fn random_balances(stored: &Stored, ledger: &Ledger, random: &mut Random) -> Balances {
    let (mut rows, most) = (Vec::new(), ledger.payments.iter().map(|payment| payment.paid).max().unwrap());
    for account in (0..ledger.num_accounts).filter_map(|account| stored.knows(account)) {
        let currency = stored.currency(ledger.payments[0].paid_currency);
        let amount = random.below(most as u64 + 1) as i64 - most / 4;
        rows.push(Balance { account, currency, time: None, amount });
        rows.push(Balance { account, currency, time: Some(0), amount: amount + 1 });
    }
    Balances::new(&rows).unwrap()
}

fn options(stored: &Stored, rules: &Rules) -> ExposureOptions {
    let TraceOptions { opening, ties, until, sinks, .. } = stored.options(rules, true);
    ExposureOptions { opening, ties, until, sinks, ..ExposureOptions::default() }
}

fn engine_sources(stored: &Stored, sources: &Sources) -> Vec<Source> {
    sources
        .iter()
        .map(|&(case, account, from)| Source { case, account: stored.account(account), from })
        .collect()
}

/// The engine's result in the oracle's terms; its order is checked here.
fn found(stored: &Stored, ledger: &Ledger, answer: &Exposure) -> exposure::Exposure {
    let number = |id| (0..ledger.num_accounts).find(|&account| stored.knows(account) == Some(id)).unwrap();
    let currency = |id| (0..3).find(|&currency| stored.knows_currency(currency) == Some(id)).unwrap();
    let (amounts, accounts) = (&answer.amounts, &answer.accounts);
    assert!(amounts.account.iter().zip(&amounts.currency).is_sorted());
    assert!(accounts.account.is_sorted_by(|a, b| a < b));
    let amount = |at: usize| {
        let units = [
            amounts.tainted_received[at],
            amounts.tainted_paid[at],
            amounts.tainted_held[at],
            amounts.received[at],
        ];
        let [tainted, paid, held, received] = units.map(i128::from);
        let place = (number(amounts.account[at]), currency(amounts.currency[at]));
        (place, (tainted, paid, held, received, amounts.first_receipt[at], amounts.last_receipt[at]))
    };
    let account = |at: usize| {
        let row = accounts.transaction[at].map(|id| id.0 as usize);
        (number(accounts.account[at]), (accounts.num_cases[at], accounts.first_contact[at], row))
    };
    let books = answer.ledger.iter().map(|row| {
        assert!(row.balances());
        let parts = [
            row.tainted,
            row.converted_in,
            row.held,
            row.returned,
            row.at_sinks,
            row.converted_out,
            row.fees,
        ];
        (currency(row.currency), parts)
    });
    exposure::Exposure {
        amounts: (0..amounts.len()).map(amount).collect(),
        accounts: (0..accounts.len()).map(account).collect(),
        books: books.collect(),
    }
}

#[test]
fn exposure_finds_what_the_oracle_finds() {
    let (mut pools, mut accounts, mut several) = (0, 0, 0);
    for seed in 0..1_500 {
        let random = &mut Random(seed ^ 0xe805);
        let mut ledger = random_ledger(seed);
        if random.once_in(3) {
            // One currency, no fee, no failure: the loop for plain rows.
            for payment in &mut ledger.payments {
                *payment = Payment {
                    failed: false,
                    received: payment.paid,
                    received_currency: 0,
                    paid_currency: 0,
                    ..*payment
                };
            }
        }
        let num_cases = if random.once_in(4) { 130 } else { 1 + random.below(3) as u32 };
        let sources = random_sources(&ledger, num_cases, random);
        let rules = random_rules(&ledger, &sources, random);
        let stored = Stored::new(&ledger, if random.once_in(2) { Partition::None } else { Partition::Month });
        let (view, given) = (stored.graph.view(), engine_sources(&stored, &sources));
        let answer = engine(&view, num_cases, &given, &options(&stored, &rules), &Run::new()).unwrap();
        let answer = found(&stored, &ledger, &answer);
        let expected = exposure::exposure(&ledger.payments, &sources, &rules);
        assert_eq!(answer, expected, "ledger {seed}, {sources:?}, {rules:?}: {:#?}", ledger.payments);
        pools += answer.amounts.len();
        accounts += answer.accounts.len();
        several += answer.accounts.values().filter(|row| row.0 > 1).count();
    }
    println!("{pools} pools, {accounts} accounts, {several} of several cases");
    assert!(pools > 4_000 && accounts > 4_000 && several > 500);
}

#[test]
fn exposure_is_the_trace_whose_seeds_are_all_payments_of_the_sources() {
    let (mut held, mut returned) = (0, 0);
    for seed in 0..800 {
        let random = &mut Random(seed ^ 0x5eed);
        let ledger = random_ledger(seed ^ 0x77);
        let sources = random_sources(&ledger, 1, random);
        let rules = random_rules(&ledger, &sources, random);
        let stored = Stored::new(&ledger, Partition::Month);
        let is_source = |payment: &Payment| {
            sources.iter().any(|&(_, account, from)| {
                account == payment.source && from.is_none_or(|from| from <= payment.time)
            })
        };
        let seeded = |payment: &Payment| {
            let happens = !payment.failed && rules.until.is_none_or(|until| payment.time <= until);
            is_source(payment) && happens && payment.paid > 0 && payment.received > 0
        };
        let seeds: Vec<Seed> = (0..ledger.payments.len())
            .filter(|&row| seeded(&ledger.payments[row]))
            .map(|row| SeedKind::Transaction { transaction: TxId(row as u64), amount: None })
            .map(|kind| Seed { case: 0, kind })
            .collect();
        let (view, given) = (stored.graph.view(), engine_sources(&stored, &sources));
        let mut trace_options = TraceOptions { policy: Policy::Haircut, ..stored.options(&rules, true) };
        let mut exposure_options = options(&stored, &rules);
        if random.once_in(3) {
            let balances = random_balances(&stored, &ledger, random);
            (trace_options.opening, trace_options.balances) = (Opening::Given, balances.clone());
            (exposure_options.opening, exposure_options.balances) = (Opening::Given, balances);
        }
        let trace = downstream(&view, 1, &seeds, &trace_options, &Run::new()).unwrap();
        let answer = engine(&view, 1, &given, &exposure_options, &Run::new()).unwrap();
        let amounts = &answer.amounts;

        let of_source = |account| given.iter().any(|source| source.account == account);
        let by_role = |role: Role| -> BTreeMap<_, _> {
            (0..amounts.len())
                .filter(|&at| amounts.role[at] == role && amounts.tainted_held[at] > 0)
                .map(|at| {
                    let row = (amounts.tainted_held[at], amounts.first_receipt[at], amounts.last_receipt[at]);
                    ((amounts.account[at], amounts.currency[at]), row)
                })
                .collect()
        };
        let traced = |holdings: &ringfence::trace::Holdings| -> BTreeMap<_, _> {
            (0..holdings.len())
                .filter(|&at| !of_source(holdings.account[at]))
                .map(|at| {
                    let row = (holdings.amount[at], holdings.first_receipt[at], holdings.last_receipt[at]);
                    ((holdings.account[at], holdings.currency[at]), row)
                })
                .collect()
        };
        assert_eq!(by_role(Role::Other), traced(&trace.holdings), "ledger {seed}, {rules:?}");
        assert_eq!(by_role(Role::Sink), traced(&trace.sinks.holdings), "ledger {seed}, {rules:?}");
        held += by_role(Role::Other).len();

        let mut received: BTreeMap<_, i64> = BTreeMap::new();
        for (id, amount) in trace.flows.transaction.iter().zip(&trace.flows.tainted_received) {
            let row = stored.graph.transaction(*id).unwrap();
            *received.entry((row.destination, row.received_currency)).or_default() += amount;
        }
        received.retain(|_, amount| *amount > 0);
        let found: BTreeMap<_, i64> = (0..amounts.len())
            .map(|at| ((amounts.account[at], amounts.currency[at]), amounts.tainted_received[at]))
            .collect();
        assert_eq!(found, received, "ledger {seed}, {rules:?}");

        // What came back to sources, the trace books as superseded, or still holds there.
        let at_sources: i128 = (0..trace.holdings.len())
            .filter(|&at| of_source(trace.holdings.account[at]))
            .map(|at| i128::from(trace.holdings.amount[at]))
            .sum();
        let superseded: i128 = trace.ledger.iter().map(|row| row.superseded).sum();
        let back: i128 = answer.ledger.iter().map(|row| row.returned).sum();
        // A payment that hands over nothing cannot be a seed, and takes taint out of a source that the trace then books as a fee.
        let lost = |payment: &Payment| is_source(payment) && payment.paid > 0 && payment.received == 0;
        if !ledger.payments.iter().any(lost) {
            assert_eq!(back, at_sources + superseded, "ledger {seed}, {rules:?}");
            returned += usize::from(back > 0);
        }
    }
    println!("{held} holdings, {returned} ledgers with money that returned");
    assert!(held > 1_000 && returned > 150);
}

#[test]
fn whoever_received_tainted_money_was_in_contact_and_contact_is_reach() {
    for seed in 0..300 {
        let random = &mut Random(seed ^ 0xc0);
        let ledger = random_ledger(seed ^ 0x99);
        let sources = random_sources(&ledger, 70, random);
        let rules = Rules { until: None, ..random_rules(&ledger, &sources, random) };
        let stored = Stored::new(&ledger, Partition::None);
        let (view, given) = (stored.graph.view(), engine_sources(&stored, &sources));
        let options = options(&stored, &rules);
        let answer = engine(&view, 70, &given, &options, &Run::new()).unwrap();
        let touched: BTreeSet<_> = answer.accounts.account.iter().collect();
        assert!(answer.amounts.account.iter().all(|account| touched.contains(account)), "ledger {seed}");
        let options = ReachOptions { ties: options.ties, until: options.until, sinks: options.sinks };
        let reached = reach(&view, 70, &given, &options, &Run::new()).unwrap();
        let mut count: BTreeMap<_, u32> = BTreeMap::new();
        reached.account.iter().for_each(|account| *count.entry(*account).or_default() += 1);
        let found: BTreeMap<_, u32> =
            answer.accounts.account.iter().copied().zip(answer.accounts.num_cases.iter().copied()).collect();
        assert_eq!(found, count, "ledger {seed}");
    }
}

#[test]
fn a_window_and_a_set_of_accounts_are_as_if_nothing_else_were_there() {
    let mut shown = 0;
    for seed in 0..400 {
        let random = &mut Random(seed ^ 0xf1e1d);
        let ledger = random_ledger(seed);
        let stored = Stored::new(&ledger, Partition::Month);
        let last = ledger.payments.last().unwrap().time;
        let from = random.below(last as u64 / 2 + 1) as i64;
        let window = Window { from, to: (from + last / 2).max(from + 1) };
        let among: BTreeSet<u32> = (0..ledger.num_accounts).filter(|_| !random.once_in(4)).collect();
        let inside = |payment: &Payment| {
            window.contains(payment.time)
                && among.contains(&payment.source)
                && among.contains(&payment.destination)
        };
        let rows: Vec<usize> =
            (0..ledger.payments.len()).filter(|&row| inside(&ledger.payments[row])).collect();
        if rows.is_empty() {
            continue;
        }
        let part =
            Ledger { payments: rows.iter().map(|&row| ledger.payments[row]).collect(), ..ledger.clone() };
        let sources: Sources = random_sources(&part, 2, random)
            .into_iter()
            .map(|(case, account, from)| (case, account, from.or(Some(window.from))))
            .collect();
        let rules = Rules { until: None, ..random_rules(&part, &sources, random) };
        let accounts: RoaringBitmap =
            among.iter().filter_map(|&account| stored.knows(account)).map(|id| id.0).collect();
        let view = stored.graph.window(window).unwrap().among(accounts);
        let answer =
            engine(&view, 2, &engine_sources(&stored, &sources), &options(&stored, &rules), &Run::new());
        let answer = found(&stored, &ledger, &answer.unwrap());
        let mut expected = exposure::exposure(&part.payments, &sources, &rules);
        expected.accounts.values_mut().for_each(|row| row.2 = row.2.map(|row| rows[row]));
        assert_eq!(answer, expected, "ledger {seed}, {rules:?}");
        shown += usize::from(answer.amounts.len() > 1);
    }
    assert!(shown > 100, "only {shown} ledgers have anything to show");
}

#[test]
fn the_same_bytes_come_out_for_any_number_of_threads() {
    for seed in 0..40 {
        let random = &mut Random(seed);
        let ledger = random_ledger(seed);
        let stored = Stored::new(&ledger, Partition::Month);
        let mut sources = Sources::new();
        for _ in 0..30 {
            sources.append(&mut random_sources(&ledger, 400, random));
        }
        let (view, given) = (stored.graph.view(), engine_sources(&stored, &sources));
        let with = |threads: usize| {
            let run = Run::new().threads(threads).unwrap();
            engine(&view, 400, &given, &ExposureOptions::default(), &run).unwrap()
        };
        let one = with(1);
        assert_eq!(with(2), one);
        assert_eq!(with(16), one);
    }
}

#[test]
fn what_is_not_possible_is_refused_by_name() {
    let payment = |source, destination, amount| Payment {
        source,
        destination,
        time: 10,
        paid: amount,
        paid_currency: 0,
        received: amount,
        received_currency: 0,
        failed: false,
    };
    let payments = vec![payment(0, 1, i64::MAX), payment(0, 1, 1), payment(1, 2, 5)];
    let stored =
        Stored::new(&Ledger { num_accounts: 3, num_cases: 1, payments, seeds: Vec::new() }, Partition::None);
    let view = stored.graph.view();
    let source = |account| Source { case: 0, account: stored.account(account), from: None };
    let refused = |sources: &[Source], options: &ExposureOptions| {
        engine(&view, 1, sources, options, &Run::new()).unwrap_err()
    };
    let none = ExposureOptions::default();
    let late = Source { from: Some(99), ..source(0) };
    let until = ExposureOptions { until: Some(50), ..none.clone() };
    assert!(refused(&[source(0), late], &until).to_string().starts_with("sources[1]: from 99"));
    let other_case = Source { case: 1, ..source(0) };
    assert!(refused(&[other_case], &none).to_string().contains("case 1 of 1"));
    let unknown = Source { account: ringfence::ids::AccountId(7), ..source(0) };
    assert!(refused(&[unknown], &none).to_string().contains("account 7 of 3"));
    let sinks: RoaringBitmap = [stored.account(2).0].into_iter().collect();
    let error = refused(&[source(0), source(2)], &ExposureOptions { sinks, ..none.clone() });
    assert!(error.to_string().starts_with("sources[1]: account \"A2\" is one of the sinks"), "{error}");
    let sinks = RoaringBitmap::from_iter([3]);
    let error = refused(&[source(0)], &ExposureOptions { sinks, ..none.clone() });
    assert!(matches!(error, Error::Option { name: "sinks", .. }));
    assert!(matches!(refused(&[source(0)], &none), Error::Limit { found, .. } if found == 1 << 63));
    let minimal = ExposureOptions { opening: Opening::Minimal, ..none };
    assert!(matches!(refused(&[source(0)], &minimal), Error::Limit { .. }));
    let outside = view.clone().among(RoaringBitmap::from_iter([stored.account(1).0]));
    let error = engine(&outside, 1, &[source(0)], &until, &Run::new()).unwrap_err();
    assert!(error.to_string().contains("account \"A0\" is outside of the view"), "{error}");
}

#[test]
fn the_worked_example_comes_out_as_worked() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/tiny/trace_fifo");
    let stored = support::ledger(&std::fs::read_to_string(folder.join("transactions.csv")).unwrap(), None);
    let graph = stored.graph();
    let account = graph.find_account("V").unwrap().unwrap();
    let sources = [Source { case: 0, account, from: None }];
    let answer = engine(&graph.view(), 1, &sources, &ExposureOptions::default(), &Run::new()).unwrap();
    let amounts = &answer.amounts;
    let mut rows: Vec<(String, [i64; 4])> = (0..amounts.len())
        .map(|at| {
            let units = [
                amounts.received[at],
                amounts.tainted_received[at],
                amounts.tainted_paid[at],
                amounts.tainted_held[at],
            ];
            (graph.account_key(amounts.account[at]).unwrap(), units)
        })
        .collect();
    rows.sort();
    let worked = [
        ("M", [20_000, 6_000, 5_100, 900]),
        ("Q", [4_000, 1_200, 0, 1_200]),
        ("W", [6_000, 1_800, 0, 1_800]),
        ("X", [12_001, 3_600, 3_300, 300]),
        ("Y", [5_000, 1_500, 1_200, 300]),
        ("Z", [5_000, 1_500, 0, 1_500]),
    ];
    assert_eq!(rows, worked.map(|(key, units)| (key.to_string(), units)));
    assert_eq!((answer.ledger.len(), answer.ledger[0].tainted, answer.ledger[0].held), (1, 6_000, 6_000));
    let mut keys: Vec<String> =
        answer.accounts.account.iter().map(|&account| graph.account_key(account).unwrap()).collect();
    keys.sort();
    assert_eq!(keys, ["M", "Q", "V", "W", "X", "Y", "Z"]);
    assert!(answer.accounts.num_cases.iter().all(|&count| count == 1));
}
