//! Rankings: against the walks that they stand for, and their books.
#![allow(clippy::unwrap_used)]

#[path = "oracle/ledgers.rs"]
mod ledgers;
#[path = "oracle/ranking.rs"]
mod ranking;
#[path = "oracle/store.rs"]
mod store;
mod support;
#[path = "oracle/trace.rs"]
mod trace;

use ledgers::{Ledger, Random, random_ledger};
use ringfence::graph::Graph;
use ringfence::graph::build::{Sources, ingest};
use ringfence::ids::AccountId;
use ringfence::ingest::{Mapping, RejectLog, Source};
use ringfence::store::Io;
use ringfence::store::manifest::Partition;
use ringfence::trace::rank::{
    Direction, PersonalizedOptions, Ranking, TracingOptions, Weight, personalized_rank, tracing_rank,
};
use ringfence::{Error, Run};
use store::Stored;

/// A ledger with at least a few ways to go, and one or two sources.
fn drawn(seed: u64) -> (Ledger, Stored, Vec<u32>, Random) {
    let mut random = Random(seed ^ 0x9a4c);
    let ledger = random_ledger(seed);
    let stored = Stored::new(&ledger, if random.once_in(2) { Partition::None } else { Partition::Month });
    let mut sources: Vec<u32> = (0..1 + random.below(2))
        .map(|_| ledger.payments[random.below(ledger.payments.len() as u64) as usize].source)
        .collect();
    sources.sort();
    sources.dedup();
    (ledger, stored, sources, random)
}

/// By account of the ledger.
fn scores(stored: &Stored, ledger: &Ledger, ranking: &Ranking) -> Vec<f64> {
    let score = |account| {
        let id = stored.knows(account);
        let at = ranking.account.iter().position(|found| Some(*found) == id);
        at.map_or(0.0, |at| ranking.score[at])
    };
    (0..ledger.num_accounts).map(score).collect()
}

/// What holds of every ranking, whatever its options.
fn check_books(ranking: &Ranking, what: &str) {
    let sum: f64 = ranking.score.iter().sum::<f64>() + ranking.residual;
    assert!((sum - 1.0).abs() < 1e-9, "{what}: {sum}");
    assert!(ranking.score.iter().all(|&score| score > 0.0), "{what}");
    let order = |at: usize| (-ranking.score[at], ranking.account[at]);
    assert!((1..ranking.len()).all(|at| order(at - 1) < order(at)), "{what}: out of order");
}

/// Nobody has more than the walk brings, and what is missing is the residual.
fn check_against(found: &[f64], residual: f64, walk: &[f64], what: &str) {
    let missing: f64 = walk.iter().zip(found).map(|(walk, found)| walk - found).sum();
    assert!((missing - residual).abs() < 1e-9, "{what}: {missing} is missing, {residual} is left");
    for (account, (found, walk)) in found.iter().zip(walk).enumerate() {
        assert!(*found <= walk + 1e-12, "{what}, account {account}: {found} of {walk}");
        assert!(walk - found <= residual + 1e-9, "{what}, account {account}: {found} of {walk}");
    }
}

fn direction(upstream: bool) -> Direction {
    if upstream { Direction::Upstream } else { Direction::Downstream }
}

#[test]
fn personalized_rank_is_where_the_walk_stops() {
    let mut pushes = 0;
    for seed in 0..400 {
        let (ledger, stored, sources, mut random) = drawn(seed);
        let (by_amount, upstream) = (random.once_in(2), random.once_in(2));
        let options = PersonalizedOptions {
            direction: direction(upstream),
            weight: if by_amount { Weight::Amount } else { Weight::Number },
            damping: [0.3, 0.85][random.below(2) as usize],
            epsilon: [1e-12, 1e-3, 0.05][random.below(3) as usize],
        };
        let ids: Vec<AccountId> = sources.iter().map(|&account| stored.account(account)).collect();
        let ranking = personalized_rank(&stored.graph.view(), &ids, &options, &Run::new()).unwrap();
        let what = format!("ledger {seed}, {options:?}");
        check_books(&ranking, &what);
        let walk = ranking::personalized(
            &ledger.payments,
            ledger.num_accounts,
            &sources,
            options.damping,
            by_amount,
            upstream,
        );
        let found = scores(&stored, &ledger, &ranking);
        check_against(&found, ranking.residual, &walk, &what);
        // An account that waits has less than epsilon for each of its transactions.
        let most = options.epsilon * 2.0 * ledger.payments.len() as f64
            + options.epsilon * f64::from(ledger.num_accounts);
        assert!(ranking.residual <= most, "{what}: {} is left", ranking.residual);
        pushes += ranking.pushes;
    }
    assert!(pushes > 10_000, "{pushes}");
}

#[test]
fn tracing_rank_is_what_the_walk_in_time_leaves_behind() {
    let mut pushes = 0;
    for seed in 0..300 {
        let (ledger, stored, sources, mut random) = drawn(seed);
        let upstream = random.once_in(2);
        let options = TracingOptions {
            direction: direction(upstream),
            alpha: [0.15, 0.5, 1.0][random.below(3) as usize],
            beta: [0.0, 0.5, 0.8, 1.0][random.below(4) as usize],
            epsilon: [1e-12, 1e-3, 0.05][random.below(3) as usize],
        };
        let ids: Vec<AccountId> = sources.iter().map(|&account| stored.account(account)).collect();
        let ranking = tracing_rank(&stored.graph.view(), &ids, &options, &Run::new()).unwrap();
        let what = format!("ledger {seed}, {options:?}");
        check_books(&ranking, &what);
        let shares = (options.alpha, options.beta);
        let walk = ranking::tracing(&ledger.payments, ledger.num_accounts, &sources, shares, upstream);
        let found = scores(&stored, &ledger, &ranking);
        check_against(&found, ranking.residual, &walk, &what);
        assert!(ranking.residual <= options.epsilon * f64::from(ledger.num_accounts) + 1e-12, "{what}");
        assert!(ranking.pushes as f64 <= 1.0 / (options.alpha * options.epsilon) + 1.0, "{what}");
        pushes += ranking.pushes;
    }
    assert!(pushes > 10_000, "{pushes}");
}

#[test]
fn rankings_are_the_same_bits_every_time() {
    for seed in 0..60 {
        let (_, stored, sources, _) = drawn(seed);
        let (view, ids) = (stored.graph.view(), sources.iter().map(|&account| stored.account(account)));
        let ids: Vec<AccountId> = ids.collect();
        let mut back = ids.clone();
        back.reverse();
        back.extend_from_slice(&ids); // neither order nor repetition of the sources matters
        let run = |threads: usize| Run::new().threads(threads).unwrap();
        let bits = |ranking: Ranking| {
            let scores: Vec<u64> = ranking.score.iter().map(|score| score.to_bits()).collect();
            (ranking.account, scores, ranking.residual.to_bits(), ranking.pushes)
        };
        let options = PersonalizedOptions::default();
        let one = bits(personalized_rank(&view, &ids, &options, &run(1)).unwrap());
        assert_eq!(bits(personalized_rank(&view, &back, &options, &run(16)).unwrap()), one);
        let options = TracingOptions::default();
        let one = bits(tracing_rank(&view, &ids, &options, &run(1)).unwrap());
        assert_eq!(bits(tracing_rank(&view, &back, &options, &run(16)).unwrap()), one);
    }
}

#[test]
fn time_is_respected_by_one_and_ignored_by_the_other() {
    // 0 → 1 late, 1 → 2 before that: nothing of 0 came to 2.
    let payment = |source, destination, time| trace::Payment {
        source,
        destination,
        time,
        paid: 10,
        paid_currency: 0,
        received: 10,
        received_currency: 0,
        failed: false,
    };
    let payments = vec![payment(1, 2, 1), payment(0, 1, 2), payment(1, 3, 3)];
    let ledger = Ledger { num_accounts: 4, num_cases: 1, payments, seeds: Vec::new() };
    let stored = Stored::new(&ledger, Partition::None);
    let (view, source) = (stored.graph.view(), [stored.account(0)]);
    let options = TracingOptions { beta: 1.0, ..TracingOptions::default() };
    let in_time = tracing_rank(&view, &source, &options, &Run::new()).unwrap();
    let in_time = scores(&stored, &ledger, &in_time);
    assert!(in_time[1] > 0.0 && in_time[3] > 0.0);
    assert_eq!(in_time[2], 0.0);
    let whenever = personalized_rank(&view, &source, &PersonalizedOptions::default(), &Run::new()).unwrap();
    let whenever = scores(&stored, &ledger, &whenever);
    assert_eq!(whenever[2], whenever[3]);
    assert!(whenever[2] > 0.0);
}

#[test]
fn what_is_not_possible_is_refused_by_name() {
    let (_, stored, _, _) = drawn(1);
    let (view, some) = (stored.graph.view(), [AccountId(0)]);
    let ranked = |options: &PersonalizedOptions| personalized_rank(&view, &some, options, &Run::new());
    let usual = PersonalizedOptions::default();
    for (name, options) in [
        ("damping", PersonalizedOptions { damping: 1.0, ..usual.clone() }),
        ("damping", PersonalizedOptions { damping: f64::NAN, ..usual.clone() }),
        ("epsilon", PersonalizedOptions { epsilon: 0.0, ..usual.clone() }),
    ] {
        assert!(matches!(ranked(&options), Err(Error::Option { name: found, .. }) if found == name));
    }
    let usual = TracingOptions::default();
    for (name, options) in [
        ("alpha", TracingOptions { alpha: 0.0, ..usual.clone() }),
        ("beta", TracingOptions { beta: 1.1, ..usual.clone() }),
        ("epsilon", TracingOptions { epsilon: f64::NAN, ..usual.clone() }),
    ] {
        let found = tracing_rank(&view, &some, &options, &Run::new());
        assert!(matches!(found, Err(Error::Option { name: found, .. }) if found == name));
    }
    let refused =
        |sources: &[AccountId]| tracing_rank(&view, sources, &usual, &Run::new()).unwrap_err().to_string();
    assert!(refused(&[]).starts_with("sources: are empty"));
    assert!(refused(&[AccountId(0), AccountId(99)]).starts_with("sources[1]: account 99 of"));
}

#[test]
fn the_worked_example_comes_out_as_worked() {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/tiny/trace_fifo");
    let stored = support::ledger(&std::fs::read_to_string(folder.join("transactions.csv")).unwrap(), None);
    let graph = stored.graph();
    let source = [graph.find_account("V").unwrap().unwrap()];
    let check = |ranking: Ranking, worked: [(&str, f64); 7]| {
        assert_eq!(ranking.len(), 7);
        for (key, score) in worked {
            let account = graph.find_account(key).unwrap().unwrap();
            let at = ranking.account.iter().position(|&found| found == account).unwrap();
            assert!((ranking.score[at] - score).abs() < 5e-5, "{key}: {}", ranking.score[at]);
        }
    };
    let options = PersonalizedOptions { epsilon: 1e-9, ..PersonalizedOptions::default() };
    check(
        personalized_rank(&graph.view(), &source, &options, &Run::new()).unwrap(),
        [
            ("V", 0.15),
            ("M", 0.1275),
            ("X", 0.0542),
            ("Y", 0.0542),
            ("Z", 0.1535),
            ("W", 0.1535),
            ("Q", 0.3071),
        ],
    );
    let options = TracingOptions { beta: 1.0, epsilon: 1e-9, ..TracingOptions::default() };
    check(
        tracing_rank(&graph.view(), &source, &options, &Run::new()).unwrap(),
        [
            ("V", 0.15),
            ("M", 0.1275),
            ("X", 0.0765),
            ("Y", 0.0319),
            ("Z", 0.1971),
            ("W", 0.2365),
            ("Q", 0.1806),
        ],
    );
}

const ETHEREUM: &str = "
[scale]
ETH = 12

[transactions]
transaction = { index = 1 }
source = 'from'
destination = 'to'
time = 'timestamp'
time_format = 'unix-s'
amount = 'amount'
amount_notation = 'scientific'
amount_decimals = 'half-even'
currency = { constant = 'ETH' }
aggregate = true
";

/// How often an account of the first list stands before one of the second; half for a tie.
fn area_under_curve(score: &[f64], wanted: &[u32], others: &[u32]) -> f64 {
    let mut before = 0.0;
    for (&a, &b) in wanted.iter().flat_map(|a| others.iter().map(move |b| (a, b))) {
        before += match score[a as usize].total_cmp(&score[b as usize]) {
            std::cmp::Ordering::Greater => 1.0,
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => 0.0,
        };
    }
    before / (wanted.len() * others.len()) as f64
}

#[test]
fn half_of_the_known_phishing_accounts_lead_towards_the_other_half() {
    let Some(folder) = support::shared_data("ethereum-phishing-tedge") else { return };
    let directory = tempfile::TempDir::new().unwrap();
    let path = directory.path().join("ethereum.ring");
    let sources =
        Sources { transactions: vec![Source::File(folder.join("edges.csv.gz"))], ..Sources::default() };
    let mapping = Mapping::parse(ETHEREUM, "ethereum").unwrap();
    ingest(&path, sources, &mapping, &mut RejectLog::counting(), &support::scratch(), &Run::new()).unwrap();
    let graph = Graph::open(&path, Io::Read).unwrap();
    let (mut phishing, mut others) = (Vec::new(), Vec::new());
    for line in std::fs::read_to_string(folder.join("label.txt")).unwrap().lines() {
        let (key, label) = line.split_once(' ').unwrap();
        let account = graph.find_account(key).unwrap().unwrap();
        if label == "1" { phishing.push(account) } else { others.push(account.0) }
    }
    phishing.sort();
    let known: Vec<AccountId> = phishing.iter().copied().step_by(2).collect();
    let hidden: Vec<u32> = phishing.iter().skip(1).step_by(2).map(|account| account.0).collect();
    let by_account = |ranking: &Ranking| {
        let mut scores = vec![0.0; graph.num_accounts() as usize];
        for (account, score) in ranking.account.iter().zip(&ranking.score) {
            scores[account.index()] = *score;
        }
        area_under_curve(&scores, &hidden, &others)
    };
    let (view, run) = (graph.view(), Run::new());
    let options = PersonalizedOptions { epsilon: 1e-8, ..PersonalizedOptions::default() };
    let ranking = personalized_rank(&view, &known, &options, &run).unwrap();
    check_books(&ranking, "personalized");
    let whenever = by_account(&ranking);
    println!("personalized: {} accounts, {} pushes, area {whenever:.4}", ranking.len(), ranking.pushes);
    let options = TracingOptions { epsilon: 1e-5, ..TracingOptions::default() };
    let ranking = tracing_rank(&view, &known, &options, &run).unwrap();
    check_books(&ranking, "tracing");
    let in_time = by_account(&ranking);
    println!("tracing: {} accounts, {} pushes, area {in_time:.4}", ranking.len(), ranking.pushes);
    // Far from sorting them, but no accident among 222 and 445 accounts.
    assert!(whenever > 0.65 && in_time > 0.65, "{whenever}, {in_time}");
}
