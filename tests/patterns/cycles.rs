use super::ledgers::Random;
use super::oracle::{self, CycleRules, CyclesByAccounts};
use super::store::{Stored, payments};
use super::{ledger, num_ledgers};
use rayon::prelude::*;
use ringfence::ids::{AccountId, TxId};
use ringfence::patterns::{
    Budget, CycleOptions, Cycles, Kept, Options, Transfers, Typology, count_cycles, cycles, find,
};
use ringfence::store::manifest::Partition;
use ringfence::units::Ties;
use ringfence::{Error, Run};

fn rules(random: &mut Random, last: i64) -> CycleRules {
    let kept = |random: &mut Random| match random.below(5) {
        0 => Kept {
            min_permille: random.below(1_000) as u32,
            max_permille: 1_000 + random.below(1_000) as u32,
        },
        _ => Kept::ANY,
    };
    let length_min = 2 + random.below(3) as usize;
    CycleRules {
        window: if random.once_in(2) { 1 + random.below(1 + last.unsigned_abs()) as i64 } else { last + 1 },
        length_min,
        length_max: length_min + random.below(5) as usize,
        strict: random.once_in(2),
        amount_min: if random.once_in(4) { random.below(100) as i64 } else { 0 },
        passed_on: kept(random),
        returned: kept(random),
    }
}

fn options(rules: &CycleRules) -> CycleOptions {
    CycleOptions {
        span_us: rules.window,
        length_min: rules.length_min as u32,
        length_max: rules.length_max as u32,
        ties: if rules.strict { Ties::Strict } else { Ties::Order },
        amount_min: rules.amount_min,
        passed_on: rules.passed_on,
        returned: rules.returned,
        flow_permille: 0,
        budget: Budget::UNBOUNDED,
    }
}

/// What the engine found, as the oracle says it: closing payment, accounts, number of choices, witness.
fn said(found: &Cycles) -> Vec<(usize, Vec<u32>, u64, Vec<usize>)> {
    let row = |id: &TxId| id.0 as usize;
    found
        .iter()
        .map(|cycle| {
            let accounts = cycle.accounts.iter().map(|account| account.0).collect();
            let rows: Vec<usize> = cycle.transactions.iter().map(row).collect();
            (rows[rows.len() - 1], accounts, cycle.ways, rows)
        })
        .collect()
}

fn expected(found: &CyclesByAccounts) -> Vec<(usize, Vec<u32>, u64, Vec<usize>)> {
    found
        .iter()
        .map(|((closing, accounts), choices)| {
            (*closing, accounts.clone(), choices.len() as u64, oracle::witness(choices).clone())
        })
        .collect()
}

#[test]
fn cycles_are_those_of_the_definition() {
    let seen: (u64, u64) = (0..num_ledgers())
        .into_par_iter()
        .map(|seed| {
            let random = &mut Random(seed ^ 0x6379_636c);
            let partition = [Partition::None, Partition::Week][random.below(2) as usize];
            let stored = Stored::new(&ledger(seed), partition);
            let rows = payments(&stored.graph);
            let rules = rules(random, rows[rows.len() - 1].time - rows[0].time);
            let run = Run::new();
            let transfers = Transfers::new(&stored.graph.view(), None, &run).unwrap();
            let found = cycles(&transfers, &options(&rules), &run).unwrap();
            let expected = expected(&oracle::cycles(&rows, &rules));
            assert_eq!(said(&found), expected, "ledger {seed}, {rules:?}");
            let (counts, cut) = count_cycles(&transfers, &options(&rules), &run).unwrap();
            assert_eq!(counts.iter().map(|count| count.sequences).sum::<u64>(), expected.len() as u64);
            let ways: u64 = expected.iter().map(|cycle| cycle.2).sum();
            assert_eq!(counts.iter().map(|count| count.ways).sum::<u64>(), ways);
            assert!(!cut.truncated() && !found.cut.truncated());
            (expected.len() as u64, ways)
        })
        .reduce(|| (0, 0), |a, b| (a.0 + b.0, a.1 + b.1));
    println!("{} ledgers: {} sequences, {} choices", num_ledgers(), seen.0, seen.1);
    assert!(
        seen.0 > num_ledgers() && seen.1 > 2 * seen.0,
        "the ledgers hold too few cycles to tell: {seen:?}"
    );
}

#[test]
fn a_view_is_searched_as_if_it_were_the_ledger() {
    let run = Run::new();
    let mut num_cycles = 0;
    for seed in 0..200 {
        let stored = Stored::new(&ledger(seed), Partition::Week);
        let rows = payments(&stored.graph);
        let (first, last) = (rows[0].time, rows[rows.len() - 1].time);
        let window =
            ringfence::units::Window { from: first + (last - first) / 4, to: last - (last - first) / 8 };
        let among: Vec<u32> = (1..stored.graph.num_accounts()).collect();
        let view = stored.graph.window(window).unwrap().among(among.iter().copied().collect());
        let transfers = Transfers::new(&view, None, &run).unwrap();
        let rules = CycleRules {
            window: last - first + 1,
            length_min: 2,
            length_max: 6,
            strict: false,
            amount_min: 0,
            passed_on: Kept::ANY,
            returned: Kept::ANY,
        };
        let found = cycles(&transfers, &options(&rules), &run).unwrap();
        let mut rows = rows;
        for row in &mut rows {
            let inside = window.contains(row.time) && row.source != 0 && row.destination != 0;
            row.failed |= !inside;
        }
        assert_eq!(said(&found), expected(&oracle::cycles(&rows, &rules)), "ledger {seed}");
        num_cycles += found.len();
    }
    assert!(num_cycles > 200);
}

#[test]
fn a_budget_cuts_at_the_same_place_whoever_searches() {
    let (mut cut, mut full, mut dropped) = (0, 0, 0);
    for seed in 0..150 {
        let random = &mut Random(seed);
        let stored = Stored::new(&ledger(seed), Partition::None);
        let options = CycleOptions {
            span_us: i64::MAX,
            budget: Budget {
                results_max: 1 + random.below(20),
                anchor_work_max: 1 + random.below(30),
                work_max: 1 + random.below(500),
                hub_max: 2 + random.below(10) as u32,
            },
            ..CycleOptions::default()
        };
        let answers: Vec<Cycles> = [1, 2, 7]
            .map(|threads| {
                let run = Run::new().threads(threads).unwrap();
                let transfers = Transfers::new(&stored.graph.view(), None, &run).unwrap();
                cycles(&transfers, &options, &run).unwrap()
            })
            .into();
        for answer in &answers {
            assert_eq!((said(answer), answer.cut), (said(&answers[0]), answers[0].cut));
        }
        let run = Run::new();
        let transfers = Transfers::new(&stored.graph.view(), None, &run).unwrap();
        let whole = CycleOptions { budget: Budget::UNBOUNDED, ..options };
        let whole = said(&cycles(&transfers, &whole, &run).unwrap());
        let found = said(&answers[0]);
        assert!(found.len() as u64 <= options.budget.results_max);
        if answers[0].cut.truncated() {
            // What was found is true, though a hub may have kept some of the choices out.
            for (closing, accounts, ways, _) in &found {
                let same = whole.iter().find(|cycle| (cycle.0, &cycle.1) == (*closing, accounts)).unwrap();
                assert!(*ways <= same.2);
            }
            cut += u64::from(answers[0].cut.anchors_cut > 0);
            // The budget of results ends a search at the last one that it allows, and what one more look had found is dropped.
            let is_full = found.len() as u64 == options.budget.results_max;
            full += u64::from(is_full);
            dropped += u64::from(answers[0].cut.results_dropped > 0);
            assert!(is_full || answers[0].cut.results_dropped == 0);
        } else {
            assert_eq!(found, whole);
        }
    }
    assert!(cut > 10 && full > 10 && dropped > 0, "{cut} {full} {dropped}");
}

#[test]
fn options_that_ask_for_nothing_are_refused_by_name() {
    let stored = Stored::new(&ledger(1), Partition::None);
    let run = Run::new();
    let transfers = Transfers::new(&stored.graph.view(), None, &run).unwrap();
    let base = CycleOptions::default;
    let budget = |budget| CycleOptions { budget, ..base() };
    for (name, options) in [
        ("span_s", CycleOptions { span_us: 0, ..base() }),
        ("length_min", CycleOptions { length_min: 1, ..base() }),
        ("length_max", CycleOptions { length_max: 1, ..base() }),
        ("length_max", CycleOptions { length_max: 65, ..base() }),
        ("amount_min", CycleOptions { amount_min: -1, ..base() }),
        ("passed_on", CycleOptions { passed_on: Kept { min_permille: 2, max_permille: 1 }, ..base() }),
        ("returned", CycleOptions { returned: Kept { min_permille: 2, max_permille: 1 }, ..base() }),
        ("flow_permille", CycleOptions { flow_permille: 1, ..base() }),
        ("flow_permille", CycleOptions { flow_permille: 1_001, ..base() }),
        ("results_max", budget(Budget { results_max: 0, ..Budget::default() })),
        ("anchor_work_max", budget(Budget { anchor_work_max: 0, ..Budget::default() })),
        ("work_max", budget(Budget { work_max: 0, ..Budget::default() })),
        ("hub_max", budget(Budget { hub_max: 0, ..Budget::default() })),
    ] {
        match cycles(&transfers, &options, &run) {
            Err(Error::Option { name: refused, .. }) => assert_eq!(refused, name),
            other => panic!("{name}: {other:?}"),
        }
    }
    let cancelled = Run::new();
    cancelled.cancel_flag().store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(cycles(&transfers, &base(), &cancelled), Err(Error::Cancelled)));
}

/// Money goes from account to account at one moment, then back to the first: nobody stops a search that follows every way.
#[test]
fn ladders_and_cliques_end_within_their_budget() {
    let accounts = 40u32;
    let mut ledger = super::Ledger { num_accounts: accounts, ..super::Ledger::default() };
    let template = ledger_payment();
    for moment in 0..6 {
        for source in 0..accounts {
            for destination in (0..accounts).filter(|&destination| destination != source) {
                ledger.payments.push(super::trace::Payment { source, destination, time: moment, ..template });
            }
        }
    }
    let stored = Stored::new(&ledger, Partition::None);
    let run = Run::new();
    let transfers = Transfers::new(&stored.graph.view(), None, &run).unwrap();
    let budget = Budget { anchor_work_max: 2_000, results_max: 50_000, ..Budget::default() };
    let options = CycleOptions { span_us: 1_000, budget, ..CycleOptions::default() };
    let found = cycles(&transfers, &options, &run).unwrap();
    assert_eq!(found.len(), 50_000);
    assert!(found.cut.truncated() && found.cut.anchors_cut > 0, "{:?}", found.cut);
    let first = found.get(0);
    assert_eq!(first.accounts.len(), first.transactions.len());
    assert!(first.accounts.iter().all(|&AccountId(account)| account < accounts));
}

fn ledger_payment() -> super::trace::Payment {
    ledger(1).payments[0]
}

/// What goes round a cycle is the greatest flow in the network of its payments over time, by augmenting as long as anything can be.
#[test]
fn what_goes_round_is_the_greatest_flow() {
    let (mut split, mut several) = (0, 0);
    for seed in 0..num_ledgers() / 10 {
        let random = &mut Random(seed ^ 0x666c_6f77);
        let mut drawn = ledger(seed);
        for payment in &mut drawn.payments {
            // Nothing is lost on the way, in one currency; at times in two.
            payment.received = payment.paid;
            payment.paid_currency = if seed % 9 == 0 { payment.paid_currency } else { 0 };
            payment.received_currency = payment.paid_currency;
        }
        let stored = Stored::new(&drawn, Partition::None);
        let rows = payments(&stored.graph);
        let run = Run::new();
        let transfers = Transfers::new(&stored.graph.view(), None, &run).unwrap();
        let ties = if random.once_in(2) { Ties::Strict } else { Ties::Order };
        let flow_permille = if random.once_in(2) { 500 } else { 0 };
        let options = CycleOptions { span_us: i64::MAX, length_max: 5, ties, ..CycleOptions::default() };
        let asked = Options::Cycle(CycleOptions { flow_permille, ..options.clone() });
        let found = find(&transfers, Typology::Cycle, &asked, &run).unwrap().instances;
        let all = find(&transfers, Typology::Cycle, &Options::Cycle(options), &run).unwrap().instances;
        let mut kept = 0;
        for instance in &all {
            let accounts: Vec<u32> = instance.members.iter().map(|member| member.account.0).collect();
            let among: Vec<usize> = instance.transactions.iter().map(|id| id.0 as usize).collect();
            let flow = oracle::flow_round(&rows, &accounts, &among, ties == Ties::Strict);
            assert_eq!(instance.flow, flow, "ledger {seed}: {instance:?}");
            several += u64::from(flow.is_none());
            split += u64::from(flow.is_some_and(|flow| flow > 0) && among.len() > accounts.len());
            let paid: i64 = among
                .iter()
                .map(|&row| &rows[row])
                .filter(|one| one.source == accounts[0])
                .map(|one| one.paid)
                .sum();
            kept += usize::from(
                flow_permille == 0 || flow.is_some_and(|flow| 2 * i128::from(flow) >= i128::from(paid)),
            );
        }
        assert_eq!(found.len(), kept, "ledger {seed}");
    }
    assert!(split > num_ledgers() / 20 && several > 0, "{split} {several}");
}
