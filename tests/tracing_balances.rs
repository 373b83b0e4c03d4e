//! Stated balances of published ledgers: the engine says of each whether the transactions explain it, and what they
//! leave unexplained is named.
#![allow(clippy::unwrap_used)]

#[path = "oracle/ledgers.rs"]
mod ledgers;
#[path = "oracle/store.rs"]
mod store;
mod support;
#[path = "oracle/trace.rs"]
mod trace;

use ledgers::Ledger;
use ringfence::Run;
use ringfence::graph::Graph;
use ringfence::graph::build::{Sources, ingest};
use ringfence::ids::{AccountId, CurrencyId};
use ringfence::ingest::{Mapping, RejectLog, Source};
use ringfence::store::Io;
use ringfence::trace::balances::breaks;
use ringfence::trace::{Balance, Balances};
use std::collections::{BTreeMap, HashMap};
use std::io::Read;
use std::path::Path;
use store::{Stored, payments};
use support::{scratch, shared_data};
use tempfile::TempDir;
use trace::{Opening, Policy, Rules, Seed};

const HOUR_US: i64 = 3_600_000_000;

fn ingested(file: &Path, preset: &str) -> Stored {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("published.ring");
    let sources = Sources { transactions: vec![Source::File(file.into())], ..Sources::default() };
    let mapping = Mapping::preset(preset).unwrap();
    ingest(&path, sources, &mapping, &mut RejectLog::counting(), &scratch(), &Run::new()).unwrap();
    Stored::of(Graph::open(&path, Io::Mmap).unwrap(), directory)
}

/// Cents of a decimal text.
fn cents(text: &str) -> i64 {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    format!("{whole}{fraction:0<2}").parse().unwrap()
}

/// Every break by account and time, as stated less computed.
fn found_breaks(graph: &Graph, balances: &[Balance]) -> HashMap<(AccountId, i64), i128> {
    let found = breaks(&graph.view(), &Balances::new(balances).unwrap(), &Run::new()).unwrap();
    let row = |row: &ringfence::trace::balances::Break| {
        let stated = i128::from(row.stated.amount);
        ((row.stated.account, row.stated.time.unwrap()), stated - row.computed)
    };
    found.iter().map(row).collect()
}

/// What the log of PaySim says of one account so far.
#[derive(Clone, Copy, Debug, Default)]
struct Course {
    opening: i64,
    balance: i64,
    /// Booked and not moved: cents that were rounded away.
    rounding: i64,
    rows: i64,
    /// Moved and not booked: merchants and banks whose balance cash does not touch.
    cash: i64,
    /// The balance was set anew without a transaction.
    reset: i64,
}

#[test]
fn every_balance_of_a_payment_log_is_explained_but_for_cash_desks_resets_and_rounding() {
    let Some(path) = shared_data("paysim2-first-party/transactions.csv.zst") else { return };
    let mut text = String::new();
    zstd::Decoder::new(std::fs::File::open(&path).unwrap()).unwrap().read_to_string(&mut text).unwrap();
    let stored = ingested(&path, "paysim");
    let graph = &stored.graph;
    let first = graph.transaction(ringfence::ids::TxId(0)).unwrap().time;
    let mut courses: HashMap<&str, Course> = HashMap::new();
    // By account and hour the last balance that the log states, with what explains it.
    let mut stated: BTreeMap<(&str, i64), Course> = BTreeMap::new();
    let mut resets = 0;
    for line in text.lines().skip(1) {
        let row: Vec<&str> = line.split(',').collect();
        let (hour, action, amount) = (row[0].parse::<i64>().unwrap(), row[1], cents(row[2]));
        let moved = if row[11] == "1" { 0 } else { amount };
        let moved = if action == "CASH_IN" { -moved } else { moved };
        for (name, old, new, moved) in [(row[3], row[4], row[5], -moved), (row[6], row[7], row[8], moved)] {
            let (old, new) = (cents(old), cents(new));
            let course =
                courses.entry(name).or_insert(Course { opening: old, balance: old, ..Course::default() });
            course.reset += old - course.balance;
            resets += i64::from(old != course.balance);
            let difference = new - old - moved;
            let is_cash_desk = name == row[6] && ["CASH_IN", "CASH_OUT", "DEBIT"].contains(&action);
            match is_cash_desk {
                true => {
                    assert_eq!(new, old, "a cash desk's balance does not move: {line}");
                    course.cash += difference;
                }
                false => {
                    assert!(difference.abs() <= 1, "{line}: {name} is off by {difference} cents");
                    course.rounding += difference;
                }
            }
            (course.balance, course.rows) = (new, course.rows + 1);
            stated.insert((name, hour), *course);
        }
    }
    assert_eq!(resets, 106, "transfers to the fraudsters' own accounts, which begin again at 0");

    let account = |name: &str| graph.find_account(name).unwrap().unwrap();
    let balance = |account, time, amount| Balance { account, currency: CurrencyId(0), time, amount };
    let opening = courses.iter().map(|(name, course)| balance(account(name), None, course.opening));
    let time = |hour: i64| first + hour * HOUR_US;
    let later = stated.iter().map(|((name, hour), course)| (account(name), time(*hour), course));
    let mut balances: Vec<Balance> = opening.clone().collect();
    balances
        .extend(later.clone().map(|(account, time, course)| balance(account, Some(time), course.balance)));
    let found = found_breaks(graph, &balances);
    let (mut exact, mut by_cents, mut cash_or_reset) = (0, 0, 0);
    for (account, time, course) in later {
        let explained = i128::from(course.rounding + course.cash + course.reset);
        let broken = found.get(&(account, time)).copied().unwrap_or_default();
        assert_eq!(broken, explained, "{:?} at {time}", graph.account_key(account));
        match (course.cash, course.reset) {
            (0, 0) if broken == 0 => exact += 1,
            (0, 0) => by_cents += 1,
            _ => cash_or_reset += 1,
        }
        assert!(course.rounding.abs() <= course.rows);
    }
    println!(
        "{exact} balances to the cent, {by_cents} off by rounding, {cash_or_reset} of cash desks or reset"
    );
    assert_eq!(exact + by_cents + cash_or_reset, stated.len());
    assert!(exact > 50_000 && by_cents > 250_000);

    // The same openings in a trace of every fraud.
    let payments = payments(graph);
    let labelled = |row: &usize| {
        let row = graph.transaction(ringfence::ids::TxId(*row as u64)).unwrap();
        row.flags & ringfence::store::format::flags::LABELLED != 0 && row.received > 0
    };
    let rows = (0..payments.len()).filter(labelled).filter(|&row| !payments[row].failed);
    let seed = |(case, row)| Seed::Transaction { case, row, amount: None };
    let seeds: Vec<Seed> = (0..).zip(rows).map(seed).collect();
    let opening = opening.map(|row| trace::Balance {
        account: row.account.0,
        currency: 0,
        time: None,
        amount: row.amount,
    });
    let rules = Rules {
        policy: Policy::CleanFirst,
        opening: Opening::Given,
        balances: opening.collect(),
        merge: true,
        ..Rules::default()
    };
    let (num_accounts, num_cases) = (graph.num_accounts(), seeds.len() as u32);
    let ledger = Ledger { num_accounts, num_cases, payments, seeds };
    let trace = stored.trace(&graph.view(), &ledger, &rules, true).unwrap();
    let expected = trace::trace(&ledger.payments, &ledger.seeds, &rules);
    println!("{num_cases} frauds: {} flows, {} holdings", trace.flows.len(), trace.holdings.len());
    assert!(stored.answer(&trace) == expected && trace.flows.len() > num_cases as usize);
}

#[test]
fn balances_of_a_real_bank_are_explained_but_for_its_own_rounding() {
    let Some(path) = shared_data("berka-czech-bank/trans.first-part.asc.gz") else { return };
    let mut text = String::new();
    let file = std::fs::File::open(&path).unwrap();
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).unwrap();
    let stored = ingested(&path, "berka");
    let graph = &stored.graph;
    // The file does not say in which order the rows of a day happened: a day with one row has one balance.
    let mut days: BTreeMap<(&str, &str), Vec<(i64, i64)>> = BTreeMap::new();
    for line in text.lines().skip(1) {
        let row: Vec<&str> = line.split(';').map(|field| field.trim_matches('"')).collect();
        let amount = if row[3] == "PRIJEM" { cents(row[5]) } else { -cents(row[5]) };
        days.entry((row[1], row[2])).or_default().push((amount, cents(row[6])));
    }
    let (mut sums, mut expected, mut balances) = (BTreeMap::new(), HashMap::new(), Vec::new());
    for ((name, date), rows) in &days {
        let sum = sums.entry(name).or_insert(0i64);
        *sum += rows.iter().map(|row| row.0).sum::<i64>();
        let [(_, stated)] = rows[..] else { continue };
        let account = graph.find_account(name).unwrap().unwrap();
        let (year, month, day) = (&date[..2], &date[2..4], &date[4..]);
        let time = ringfence::units::time::parse_time(&format!("19{year}-{month}-{day}")).unwrap();
        balances.push(Balance { account, currency: CurrencyId(0), time: Some(time), amount: stated });
        if stated != *sum {
            expected.insert((account, time), i128::from(stated - *sum));
        }
    }
    let found = found_breaks(graph, &balances);
    assert_eq!(found, expected);
    let (rounded, other): (Vec<i128>, Vec<i128>) =
        found.values().copied().partition(|broken| broken.abs() <= 60 && broken % 10 == 0);
    println!("{} balances: {} off by tenths, {} by more", balances.len(), rounded.len(), other.len());
    // Accounts begin with their first deposit, so there is no opening; the bank keeps tenths of a crown.
    assert!(balances.len() > 31_000 && rounded.len() > 11_000 && other.len() < 60);
}
