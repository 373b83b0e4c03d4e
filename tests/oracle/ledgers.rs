//! Ledgers for tests of tracing: random ones, and those drawn by hand in `datasets/tiny`.
#![allow(dead_code)] // Each test program uses its own part.

use super::trace::values::DAY_US;
use super::trace::{Balance, Opening, Payment, Policy, Rates, Rules, Seed};
use ringfence::units::amount::parse_amount;
use ringfence::units::time::parse_time;
use std::collections::BTreeMap;
use std::path::Path;

/// Currencies of the tests: code and decimals. Random ledgers have the first three, if they do not say otherwise.
pub const CURRENCIES: [(&str, u8); 4] = [("USD", 2), ("EUR", 2), ("JPY", 0), ("XBT", 8)];

/// SplitMix64: the next number of a sequence is a hash of its place in it.
#[derive(Clone, Debug)]
pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// `0..n`.
    pub fn below(&mut self, n: u64) -> u64 {
        self.next() % n
    }

    /// Once in `n` times.
    pub fn once_in(&mut self, n: u64) -> bool {
        self.below(n) == 0
    }
}

/// Payments in canonical order, and seeds on them.
#[derive(Clone, Debug, Default)]
pub struct Ledger {
    pub num_accounts: u32,
    pub num_cases: u32,
    pub payments: Vec<Payment>,
    pub seeds: Vec<Seed>,
}

/// A ledger with ties, self-transfers, parallel payments, several currencies, fees, overdrafts, failed attempts, and
/// cases that share transactions and seed money inside one another's accounts.
pub fn random_ledger(seed: u64) -> Ledger {
    let random = &mut Random(seed);
    let num_accounts = 2 + random.below(7) as u32;
    let num_payments = 1 + random.below(60);
    let num_moments = 1 + random.below(40);
    let moment_us = [1, 1_000_000, 7 * 86_400_000_000][random.below(3) as usize];
    let num_currencies = 1 + random.below(3);
    let amount_max = [3, 12, 100, 10_000, 1 << 40, 1 << 55][random.below(6) as usize];
    let (fees, failures) = (random.below(3), 2 + random.below(40));
    let mut payments: Vec<Payment> = (0..num_payments)
        .map(|_| {
            let source = random.below(u64::from(num_accounts)) as u32;
            // Few self-transfers, though they are frequent among two accounts.
            let destination = match random.below(u64::from(num_accounts)) as u32 {
                same if same == source && !random.once_in(3) => (source + 1) % num_accounts,
                other => other,
            };
            let paid = random.below(amount_max + 1) as i64;
            let paid_currency = random.below(num_currencies) as u16;
            let received_currency =
                if random.once_in(4) { random.below(num_currencies) as u16 } else { paid_currency };
            let received = match random.below(6) {
                0 if fees > 0 => random.below(amount_max + 1) as i64,
                1 if fees > 1 => paid - paid.min(random.below(3) as i64),
                _ => paid,
            };
            Payment {
                source,
                destination,
                time: (random.below(num_moments) * moment_us) as i64,
                paid,
                paid_currency,
                received,
                received_currency,
                failed: random.once_in(failures),
            }
        })
        .collect();
    payments.sort_by_key(|payment| payment.time);
    let num_cases = 1 + random.below(4) as u32;
    let seeds = random_seeds(random, &payments, num_cases);
    Ledger { num_accounts, num_cases, payments, seeds }
}

fn random_seeds(random: &mut Random, payments: &[Payment], num_cases: u32) -> Vec<Seed> {
    let mut left: BTreeMap<usize, i64> = BTreeMap::new();
    let mut seeds = Vec::new();
    for _ in 0..1 + random.below(6) {
        let case = random.below(u64::from(num_cases)) as u32;
        let row = random.below(payments.len() as u64) as usize;
        let payment = &payments[row];
        if random.once_in(3) {
            let Payment { source, destination, .. } = *payment;
            seeds.push(Seed::Deposit {
                case,
                account: if random.once_in(2) { source } else { destination },
                currency: payment.received_currency,
                time: payment.time + random.below(3) as i64 - 1,
                amount: 1 + random.below(payment.received.max(1) as u64) as i64,
            });
            continue;
        }
        let left = left.entry(row).or_insert(payment.received);
        if payment.failed || *left == 0 {
            continue;
        }
        let whole = *left == payment.received && random.once_in(2);
        let amount = if whole { *left } else { 1 + random.below(*left as u64) as i64 };
        *left -= amount;
        seeds.push(Seed::Transaction { case, row, amount: (!whole).then_some(amount) });
    }
    seeds
}

/// Adds seeds that take over what is in some pools, in between those there are.
pub fn add_balance_seeds(ledger: &mut Ledger, random: &mut Random) {
    for _ in 0..random.below(4) {
        let near = ledger.payments[random.below(ledger.payments.len() as u64) as usize];
        let case = random.below(u64::from(ledger.num_cases)) as u32;
        if let Some(seed) = random_balance_seed(random, &ledger.payments, &near, case) {
            let place = random.below(ledger.seeds.len() as u64 + 1) as usize;
            ledger.seeds.insert(place, seed);
        }
    }
}

/// Takes over what is at one end of a payment, some time after it, if there is anything.
fn random_balance_seed(random: &mut Random, payments: &[Payment], near: &Payment, case: u32) -> Option<Seed> {
    let (account, currency) = match random.once_in(4) {
        true => (near.source, near.paid_currency),
        false => (near.destination, near.received_currency),
    };
    let time = near.time + random.below(3) as i64;
    let there = balance(payments, account, currency, time);
    let amount = match random.below(3) {
        0 => None,
        _ => Some(1 + random.below(there.max(1) as u64) as i64),
    };
    (there > 0).then_some(Seed::Balance { case, account, currency, time, amount })
}

/// What is in a pool after every payment up to `time` if it began empty and was supplied with what it lacked.
fn balance(payments: &[Payment], account: u32, currency: u16, time: i64) -> i64 {
    let mut balance = 0;
    for payment in payments.iter().filter(|payment| !payment.failed && payment.time <= time) {
        if (payment.source, payment.paid_currency) == (account, currency) {
            balance -= payment.paid.min(balance);
        }
        if (payment.destination, payment.received_currency) == (account, currency) {
            balance += payment.received;
        }
    }
    balance
}

/// Balances of some pools at first and later, true or not.
pub fn random_balances(ledger: &Ledger, random: &mut Random) -> Vec<Balance> {
    let mut pools: Vec<(u32, u16)> = Vec::new();
    for payment in &ledger.payments {
        pools.push((payment.source, payment.paid_currency));
        pools.push((payment.destination, payment.received_currency));
    }
    pools.sort_unstable();
    pools.dedup();
    let most = ledger.payments.iter().map(|payment| payment.paid.max(payment.received)).max().unwrap_or(0);
    let last = ledger.payments.last().map_or(0, |payment| payment.time);
    let mut balances = Vec::new();
    for (account, currency) in pools {
        let mut opening = 0;
        if !random.once_in(3) {
            opening = random.below(2 * most as u64 + 2) as i64 - most / 4;
            balances.push(Balance { account, currency, time: None, amount: opening });
        }
        let mut times: Vec<i64> =
            (0..random.below(3)).map(|_| random.below(last as u64 + 2) as i64).collect();
        times.sort_unstable();
        times.dedup();
        for time in times {
            let wrong = if random.once_in(2) { random.below(9) as i64 - 4 } else { 0 };
            let amount = opening + net(&ledger.payments, account, currency, time) + wrong;
            balances.push(Balance { account, currency, time: Some(time), amount });
        }
    }
    balances
}

/// Received less paid, up to `time`.
fn net(payments: &[Payment], account: u32, currency: u16, time: i64) -> i64 {
    let happened = payments.iter().filter(|payment| !payment.failed && payment.time <= time);
    happened.fold(0, |net, payment| {
        let paid = (payment.source, payment.paid_currency) == (account, currency);
        let received = (payment.destination, payment.received_currency) == (account, currency);
        net + if received { payment.received } else { 0 } - if paid { payment.paid } else { 0 }
    })
}

/// Rates of every currency to one of them on some days; `None` if the amounts are too large to be values.
pub fn random_rates(ledger: &Ledger, random: &mut Random) -> Option<Rates> {
    let mut used: Vec<u16> = ledger
        .payments
        .iter()
        .flat_map(|payment| [payment.paid_currency, payment.received_currency])
        .collect();
    used.sort_unstable();
    used.dedup();
    if ledger.payments.iter().any(|payment| payment.paid.max(payment.received) > 1 << 20) {
        return None;
    }
    let base = used[random.below(used.len() as u64) as usize];
    let exponents = CURRENCIES.iter().map(|(_, exponent)| *exponent).collect();
    let last_day = ledger.payments.last().map_or(0, |payment| payment.time / DAY_US);
    let mut rates = Rates { base, exponents, table: Default::default() };
    for currency in used.into_iter().filter(|&currency| currency != base) {
        let scale = [1, 1_000_000, 1_000_000_000_000, 150_000_000_000_000][random.below(4) as usize];
        for _ in 0..1 + random.below(4) {
            let day = random.below(last_day as u64 + 3) as i64 - 1;
            let rate = match random.once_in(3) {
                true => scale / 2,
                false => 1 + random.below(scale as u64) as i64,
            };
            rates.table.insert((currency, day), rate.max(1));
        }
    }
    Some(rates)
}

/// A ledger in 2 to 4 currencies that are often exchanged, over some days before and after 1970, and rates of every currency to
/// one of them on some of these days.
pub fn converting_ledger(seed: u64) -> (Ledger, Rates) {
    let random = &mut Random(seed);
    let mut ledger = random_ledger(random.next());
    let num_currencies = 2 + random.below(3);
    let step = [0, DAY_US / 5, DAY_US, 9 * DAY_US][random.below(4) as usize];
    let most = [3, 12, 1_000, 1 << 20][random.below(4) as usize];
    let middle = ledger.payments.len() as i64 / 2;
    for (row, payment) in (0..).zip(&mut ledger.payments) {
        payment.time = (row - middle) / 2 * step + DAY_US / 2;
        payment.paid = random.below(most + 1) as i64;
        payment.received = if random.once_in(3) { payment.paid } else { random.below(most + 1) as i64 };
        payment.paid_currency = random.below(num_currencies) as u16;
        payment.received_currency =
            if random.once_in(2) { payment.paid_currency } else { random.below(num_currencies) as u16 };
    }
    ledger.seeds = random_seeds(random, &ledger.payments, ledger.num_cases);
    add_balance_seeds(&mut ledger, random);
    let exponents = CURRENCIES.map(|(_, exponent)| exponent);
    let base = ledger.payments[random.below(ledger.payments.len() as u64) as usize].received_currency;
    let mut rates = Rates { base, exponents: exponents.to_vec(), table: Default::default() };
    for payment in &ledger.payments {
        for currency in [payment.paid_currency, payment.received_currency] {
            let known = rates.table.keys().any(|key| key.0 == currency);
            if currency == base || (known && !random.once_in(12)) {
                continue;
            }
            // No value of 2²⁰ minor units above 10¹⁷.
            let decimals = |currency: u16| i32::from(exponents[currency as usize]);
            let places = (10 + 8 - decimals(base) + decimals(currency)).min(14) as u32;
            let scale = 10i64.pow(random.below(u64::from(places) + 1) as u32);
            let rate = match random.once_in(2) {
                true => 5 * (scale / 10).max(1),
                false => 1 + random.below(scale as u64) as i64,
            };
            let day = payment.time.div_euclid(DAY_US) + random.below(5) as i64 - 2;
            rates.table.insert((currency, day), rate);
        }
    }
    (ledger, rates)
}

/// Some policy, opening, treatment of ties, pooling and stops.
pub fn random_rules(ledger: &Ledger, random: &mut Random) -> Rules {
    let latest_seed = ledger
        .seeds
        .iter()
        .map(|seed| match *seed {
            Seed::Transaction { row, .. } => ledger.payments[row].time,
            Seed::Deposit { time, .. } | Seed::Balance { time, .. } => time,
        })
        .max()
        .unwrap_or_default();
    let last = ledger.payments.last().map_or(0, |payment| payment.time).max(latest_seed);
    let policy = Policy::ALL[random.below(5) as usize];
    let opening = [Opening::JustInTime, Opening::JustInTime, Opening::Minimal, Opening::Given]
        [random.below(4) as usize];
    let rates = if random.once_in(4) { random_rates(ledger, random) } else { None };
    let balances = match opening {
        Opening::Given => random_balances(ledger, random),
        _ => Vec::new(),
    };
    // Given balances must be given.
    let opening =
        if opening == Opening::Given && balances.is_empty() { Opening::JustInTime } else { opening };
    let mut rules = Rules { policy, opening, balances, strict: random.once_in(3), ..Rules::default() };
    if random.once_in(4) {
        rules.until = Some(latest_seed + random.below((last - latest_seed) as u64 + 1) as i64);
    }
    if random.once_in(4) {
        rules.sinks = (0..ledger.num_accounts).filter(|_| random.once_in(4)).collect();
    }
    if random.once_in(4) {
        let most = ledger.payments.iter().map(|payment| payment.paid).max().unwrap_or_default();
        let scale = if rates.is_some() { 10_000 } else { 1 };
        rules.dust = 1 + random.below((most as u64 / 2 + 2) * scale) as i64;
    }
    if random.once_in(4) {
        rules.max_hops = Some(1 + random.below(4) as u32);
    }
    rules.rates = rates;
    rules
}

/// A ledger of `datasets/tiny` with what must come out of it.
#[derive(Debug)]
pub struct Drawn {
    pub ledger: Ledger,
    /// Keys of accounts.
    pub accounts: Vec<String>,
    /// As listed; `poison` is none of those that conserve.
    pub policy: String,
    pub opening: Opening,
    /// (case, row, tainted paid, tainted received, hop), as listed.
    pub flows: Vec<(u32, usize, i128, i128, u32)>,
    /// (case, account, currency, amount), as listed.
    pub holdings: Vec<(u32, u32, u16, i128)>,
    /// (case, account), as listed.
    pub exposed: Vec<(u32, u32)>,
}

impl Drawn {
    /// What to assume, if the policy conserves money.
    pub fn rules(&self) -> Rules {
        let policy = Policy::ALL.into_iter().find(|policy| policy.name() == self.policy);
        let policy = policy.unwrap_or_else(|| panic!("policy {}", self.policy));
        Rules { policy, opening: self.opening, ..Rules::default() }
    }
}

/// Numbers names in order of first appearance.
fn number(names: &mut Vec<String>, name: &str) -> u32 {
    let known = names.iter().position(|known| known == name);
    known.unwrap_or_else(|| {
        names.push(name.to_string());
        names.len() - 1
    }) as u32
}

/// The rows of a small CSV file without quotes, as maps from column to field.
fn rows(path: &Path) -> Vec<BTreeMap<String, String>> {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut lines = text.lines();
    let header: Vec<&str> = lines.next().unwrap().split(',').collect();
    lines
        .map(|line| {
            header.iter().map(|name| name.to_string()).zip(line.split(',').map(str::to_string)).collect()
        })
        .collect()
}

fn currency(code: &str) -> u16 {
    CURRENCIES.iter().position(|known| known.0 == code).unwrap_or_else(|| panic!("currency {code}")) as u16
}

fn minor(text: &str, currency: u16) -> i64 {
    parse_amount(text.as_bytes(), CURRENCIES[currency as usize].1).unwrap()
}

/// Reads one folder of `datasets/tiny`.
fn drawn(folder: &Path, policy: &str, opening: &str) -> Drawn {
    let (mut accounts, mut keys, mut cases) = (Vec::new(), Vec::new(), Vec::new());
    let mut payments = Vec::new();
    for row in rows(&folder.join("transactions.csv")) {
        keys.push(row["transaction"].clone());
        let (paid_currency, received_currency) =
            (currency(&row["currency"]), currency(&row["received_currency"]));
        payments.push(Payment {
            source: number(&mut accounts, &row["source"]),
            destination: number(&mut accounts, &row["destination"]),
            time: parse_time(&row["time"]).unwrap(),
            paid: minor(&row["amount"], paid_currency),
            paid_currency,
            received: minor(&row["received_amount"], received_currency),
            received_currency,
            failed: false,
        });
    }
    let place = |key: &str| keys.iter().position(|known| known == key).unwrap();
    let mut seeds = Vec::new();
    for row in rows(&folder.join("seeds.csv")) {
        let case = number(&mut cases, &row["case"]);
        let amount = row.get("amount").filter(|amount| !amount.is_empty());
        seeds.push(match row.get("transaction").filter(|key| !key.is_empty()) {
            Some(key) => {
                let at = place(key);
                let amount = amount.map(|amount| minor(amount, payments[at].received_currency));
                Seed::Transaction { case, row: at, amount }
            }
            None => {
                let currency = currency(&row["currency"]);
                Seed::Deposit {
                    case,
                    account: number(&mut accounts, &row["account"]),
                    currency,
                    time: parse_time(&row["time"]).unwrap(),
                    amount: minor(amount.unwrap(), currency),
                }
            }
        });
    }
    let flows = rows(&folder.join("flows.csv")).into_iter().map(|row| {
        let tainted = |column: &str| row[column].parse().unwrap();
        let case = number(&mut cases, &row["case"]);
        let (paid, received) = (tainted("tainted_paid_minor"), tainted("tainted_received_minor"));
        (case, place(&row["transaction"]), paid, received, row["hop"].parse().unwrap())
    });
    let flows = flows.collect();
    let listed = |file: &str| if folder.join(file).exists() { rows(&folder.join(file)) } else { Vec::new() };
    let (mut holdings, mut exposed) = (Vec::new(), Vec::new());
    for row in listed("holdings.csv") {
        let place = (number(&mut cases, &row["case"]), number(&mut accounts, &row["account"]));
        let amount = row["amount_minor"].parse().unwrap();
        holdings.push((place.0, place.1, currency(&row["currency"]), amount));
    }
    for row in listed("exposed.csv") {
        exposed.push((number(&mut cases, &row["case"]), number(&mut accounts, &row["account"])));
    }
    let (num_accounts, num_cases) = (accounts.len() as u32, cases.len() as u32);
    Drawn {
        ledger: Ledger { num_accounts, num_cases, payments, seeds },
        accounts,
        policy: policy.to_string(),
        opening: match opening {
            "just_in_time" => Opening::JustInTime,
            "minimal" => Opening::Minimal,
            other => panic!("opening {other}"),
        },
        flows,
        holdings,
        exposed,
    }
}

/// Every trace of `datasets/tiny`, by folder.
pub fn drawn_by_hand() -> Vec<(String, Drawn)> {
    let tiny = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/tiny");
    rows(&tiny.join("traces.csv"))
        .iter()
        .map(|row| {
            (row["folder"].clone(), drawn(&tiny.join(&row["folder"]), &row["policy"], &row["opening"]))
        })
        .collect()
}
