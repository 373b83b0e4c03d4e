use super::language_oracle::{self as oracle, Node, Part, Pattern, Sharing, Transfer};
use super::ledgers::{CURRENCIES, Ledger, Random};
use super::store::{Stored, payments};
use super::trace::Payment;
use super::{ledger, num_ledgers};
use rayon::prelude::*;
use ringfence::graph::rates::{Rate, Rates};
use ringfence::ids::IdentifierId;
use ringfence::ingest::batch::{AccountRows, AttributeValues, LinkRows, LocalKeys, key_hash};
use ringfence::patterns::{Budget, CycleOptions, Kept, Match, Matches, Query, Transfers, cycles, matches};
use ringfence::store::manifest::Partition;
use ringfence::units::amount::format_amount;
use ringfence::units::{Ties, Window};
use ringfence::{Error, Run};
use std::fmt::Write;

const HOUR_US: i64 = 3_600_000_000;

/// A ledger in hours, with attributes and identifiers of its accounts.
pub struct Known {
    ledger: Ledger,
    /// By account of the ledger.
    risk: Vec<Option<i64>>,
    country: Vec<Option<String>>,
    /// By kind and account: numbers of identifiers.
    uses: [Vec<Vec<u32>>; 2],
}

const KINDS: [&str; 2] = ["device", "e mail"];

pub fn known(seed: u64) -> Known {
    let mut ledger = ledger(seed);
    let random = &mut Random(seed ^ 0x6c61_6e67);
    let mut times: Vec<i64> = ledger.payments.iter().map(|payment| payment.time).collect();
    times.dedup();
    for payment in &mut ledger.payments {
        payment.time = times.binary_search(&payment.time).unwrap() as i64 * HOUR_US;
    }
    let accounts = ledger.num_accounts;
    let mut uses = |_| -> Vec<Vec<u32>> {
        (0..accounts).map(|_| (0..3).filter(|_| random.once_in(2)).collect()).collect()
    };
    let uses = [uses(0), uses(1)];
    let risk = (0..accounts).map(|_| (!random.once_in(5)).then(|| random.below(4) as i64)).collect();
    let country = (0..accounts)
        .map(|_| (!random.once_in(5)).then(|| ["RU", "BY", "a\"b"][random.below(3) as usize].into()));
    let country = country.collect();
    Known { ledger, risk, country, uses }
}

fn local(keys: impl IntoIterator<Item = String>) -> LocalKeys {
    let mut local = LocalKeys::default();
    local.offsets.push(0);
    for key in keys {
        local.text.extend_from_slice(key.as_bytes());
        local.offsets.push(local.text.len() as u32);
        local.hashes.push(key_hash(key.as_bytes()));
    }
    local
}

impl Known {
    pub fn stored(&self, partition: Partition) -> Stored {
        let keys = || local((0..self.ledger.num_accounts).map(|account| format!("A{account}")));
        let mut links = LinkRows { accounts: keys(), ..LinkRows::default() };
        for (kind, uses) in self.uses.iter().enumerate() {
            links.kinds.push(KINDS[kind].into());
            links.identifiers.push(local((0..3).map(|number| format!("i{number}"))));
            for (account, identifiers) in uses.iter().enumerate() {
                for &identifier in identifiers {
                    links.account.push(account as u32);
                    links.kind.push(kind as u8);
                    links.identifier.push(identifier);
                    links.first.push(i64::MIN);
                    links.last.push(i64::MIN);
                }
            }
        }
        let columns = vec![
            ("risk".into(), AttributeValues::Integer(self.risk.clone())),
            ("country".into(), AttributeValues::Text(self.country.clone())),
        ];
        Stored::with(&self.ledger, partition, links, AccountRows { accounts: keys(), columns })
    }

    /// By account of the graph: the account of the ledger.
    fn of_graph(&self, stored: &Stored) -> Vec<usize> {
        let mut all = vec![usize::MAX; stored.graph.num_accounts() as usize];
        for account in 0..self.ledger.num_accounts {
            all[stored.knows(account).unwrap().index()] = account as usize;
        }
        all
    }
}

/// A random pattern, as text and as the oracle takes it.
fn pattern(random: &mut Random, known: &Known, stored: &Stored) -> (String, Pattern) {
    let of_graph = known.of_graph(stored);
    let hours = known.ledger.payments.last().unwrap().time / HOUR_US + 2;
    let mut text = String::from("pattern random # by a seed\n");
    let mut pattern = Pattern { strict: random.once_in(2), ..Pattern::default() };
    let within = if random.once_in(2) { hours } else { 1 + random.below(hours as u64) as i64 };
    pattern.within = within * HOUR_US;
    if pattern.strict {
        text += "ties strict\n";
    }
    let num_groups = [0, 0, 1, 1, 1, 1, 2, 2][random.below(8) as usize];
    let num_singles = match num_groups {
        0 => 2 + random.below(3),
        1 => 1 + random.below(3),
        _ => 1 + random.below(2),
    } as usize;
    let mut is_group = vec![false; num_singles];
    for _ in 0..num_groups {
        is_group.insert(random.below(is_group.len() as u64 + 1) as usize, true);
    }
    for (number, &is_group) in is_group.iter().enumerate() {
        let mut node = Node { group: None, allowed: vec![true; of_graph.len()] };
        write!(text, "n{number}: ").unwrap();
        if is_group {
            let least = 2 + usize::from(random.once_in(4));
            let own = random.once_in(2).then(|| 1 + random.below(within as u64) as i64);
            node.group = Some((least, own.map(|own| own * HOUR_US)));
            write!(text, "at least {least} accounts").unwrap();
            own.iter().for_each(|own| write!(text, " within {}min", own * 60).unwrap());
        } else {
            text += "account";
        }
        if random.once_in(8) {
            let risk = random.below(3) as i64;
            text += &format!(" with risk >= {risk}");
            node.allowed = of_graph
                .iter()
                .map(|&account| known.risk[account].is_some_and(|value| value >= risk))
                .collect();
            if random.once_in(2) {
                text += ", country = \"RU\" or \"a\\\"b\"";
                for (allowed, &account) in node.allowed.iter_mut().zip(&of_graph) {
                    *allowed &= known.country[account].as_deref().is_some_and(|country| country != "BY");
                }
            }
        }
        text.push('\n');
        pattern.nodes.push(node);
    }
    writeln!(text, "within {within}h").unwrap();
    for (from, to) in ends(random, &is_group) {
        let transfer = transfer(random, known, &mut text, (from, to), &is_group, &pattern, within);
        pattern.transfers.push(transfer);
    }
    for (who, &is_of_group) in is_group.iter().enumerate() {
        if !random.once_in(if is_of_group { 4 } else { 8 }) {
            continue;
        }
        let kind = random.below(2) as usize;
        let with = random.below(is_group.len() as u64) as usize;
        let with = (with != who && !is_group[with]).then_some(with);
        if with.is_none() && !is_of_group {
            continue;
        }
        let verb = if is_of_group { "share" } else { "shares" };
        write!(text, "n{who} {verb} {}", if kind == 0 { "device" } else { "\"e mail\"" }).unwrap();
        with.iter().for_each(|with| write!(text, " with n{with}").unwrap());
        text.push('\n');
        // The graph numbers identifiers by their first use.
        let number = |identifier: u32| {
            let kind = stored.graph.find_kind(KINDS[kind]).unwrap();
            let has = |&value: &u32| {
                stored.graph.identifier_key(IdentifierId { kind, value }).unwrap() == format!("i{identifier}")
            };
            (0..3).find(has).unwrap()
        };
        let uses = of_graph
            .iter()
            .map(|&account| known.uses[kind][account].iter().map(|&one| number(one)).collect());
        pattern.sharings.push(Sharing { who, uses: uses.collect(), with });
    }
    (text, pattern)
}

/// Ends of transfers that join all accounts and groups, no group with a group.
fn ends(random: &mut Random, is_group: &[bool]) -> Vec<(usize, usize)> {
    let mut ends = Vec::new();
    let first = is_group.iter().position(|group| !group).unwrap();
    let mut joined = vec![first];
    for node in (0..is_group.len()).filter(|&node| node != first) {
        let others: Vec<usize> =
            joined.iter().copied().filter(|&other| !(is_group[other] && is_group[node])).collect();
        let other = others[random.below(others.len() as u64) as usize];
        ends.push(if random.once_in(2) { (node, other) } else { (other, node) });
        joined.push(node);
    }
    while ends.is_empty() || ends.len() < 5 && random.once_in(3) {
        let (from, to) =
            (random.below(is_group.len() as u64) as usize, random.below(is_group.len() as u64) as usize);
        if from != to && !(is_group[from] && is_group[to]) {
            ends.push((from, to));
        }
    }
    for at in (1..ends.len()).rev() {
        ends.swap(at, random.below(at as u64 + 1) as usize);
    }
    ends
}

fn transfer(
    random: &mut Random,
    known: &Known,
    text: &mut String,
    (from, to): (usize, usize),
    is_group: &[bool],
    pattern: &Pattern,
    within: i64,
) -> Transfer {
    let number = pattern.transfers.len();
    let is_of_group = is_group[from] || is_group[to];
    let mut transfer = Transfer { from, to, ..Transfer::default() };
    write!(text, "t{number}: n{from} -> n{to}").unwrap();
    for other in 0..number {
        if !random.once_in(3) {
            continue;
        }
        write!(text, ", after t{other}").unwrap();
        let most = 1 + random.below(within as u64) as i64;
        match random.below(4) {
            0 => {
                write!(text, " within {most}h").unwrap();
                transfer.after.push((other, 0, most * HOUR_US));
            }
            1 if most > 1 => {
                let least = 1 + random.below(most as u64 - 1) as i64;
                write!(text, " within {}s..{most}h", least * 3600).unwrap();
                transfer.after.push((other, least * HOUR_US, most * HOUR_US));
            }
            _ => transfer.after.push((other, 0, i64::MAX)),
        }
    }
    let example = known.ledger.payments[random.below(known.ledger.payments.len() as u64) as usize];
    let (code, exponent) = CURRENCIES[usize::from(example.paid_currency)];
    let money = |minor: i64| format_amount(minor.into(), exponent);
    if random.once_in(6) {
        let (least, most) = (example.paid / 2, example.paid.saturating_mul(2));
        let (range, least, most) = match random.below(3) {
            0 => (format!("at least {}", money(least)), least, i64::MAX),
            1 => (format!("at most {}", money(most)), i64::MIN, most),
            _ => (format!("{}..{}", money(least), money(most)), least, most),
        };
        write!(text, ", amount {range} {code}").unwrap();
        transfer.amount = Some((least, most, example.paid_currency));
    }
    if is_of_group && random.once_in(8) {
        write!(text, ", total at least {} {code}", money(example.paid)).unwrap();
        transfer.total = Some((example.paid, i64::MAX, example.paid_currency));
    }
    if number > 0 && random.once_in(6) {
        let of = random.below(number as u64) as usize;
        let is_total = is_of_group && random.once_in(2);
        let least = i128::from(random.below(1200));
        let most = least + i128::from(random.below(3000));
        let percent = |permille: i128| format!("{}.{}%", permille / 10, permille % 10);
        write!(
            text,
            ", {} {}..{} of t{of}",
            if is_total { "total" } else { "amount" },
            percent(least),
            percent(most)
        )
        .unwrap();
        transfer.parts.push(Part { is_total, least, most, of });
    }
    text.push('\n');
    transfer
}

/// The oracle numbers currencies as the graph does.
fn renumber(pattern: &mut Pattern, stored: &Stored) {
    for transfer in &mut pattern.transfers {
        for (_, _, currency) in [&mut transfer.amount, &mut transfer.total].into_iter().flatten() {
            *currency = stored.knows_currency(*currency).unwrap().0;
        }
    }
}

fn said(found: &Matches) -> Vec<oracle::Match> {
    let matches = found.matches.iter().map(|one| {
        let accounts =
            one.accounts.iter().map(|accounts| accounts.iter().map(|account| account.0).collect()).collect();
        let rows =
            one.transactions.iter().map(|rows| rows.iter().map(|row| row.0 as usize).collect()).collect();
        (accounts, rows, one.ways)
    });
    matches.collect()
}

/// About how much the oracle has to try, each choice of single payments with all strands.
fn num_choices(pattern: &Pattern, num_rows: usize) -> u64 {
    let is_group = |node: usize| pattern.nodes[node].group.is_some();
    let groups = pattern.transfers.iter().filter(|one| is_group(one.from) || is_group(one.to)).count();
    let singles = pattern.transfers.len() - groups;
    (num_rows as u64).pow(singles as u32).saturating_mul(if groups > 0 { 40 } else { 1 })
}

#[test]
fn matches_are_those_of_the_definition() {
    // The oracle tries more than that of cycles.
    let num_ledgers = num_ledgers() / 4;
    let seen = (0..num_ledgers)
        .into_par_iter()
        .map(|seed| {
            let random = &mut Random(seed ^ 0x7175_6572);
            let known = known(seed);
            let stored = known.stored([Partition::None, Partition::Week][random.below(2) as usize]);
            let rows = payments(&stored.graph);
            let (text, mut pattern) = pattern(random, &known, &stored);
            renumber(&mut pattern, &stored);
            let query = Query::parse(&text).unwrap_or_else(|refused| panic!("{text}\n{refused}"));
            assert_eq!(Query::parse(&query.to_string()).unwrap(), query, "{text}");
            if num_choices(&pattern, rows.len()) > 1 << 20 {
                return [0; 6];
            }
            let run = Run::new();
            let found = matches(&stored.graph.view(), &query, None, &Budget::UNBOUNDED, &run).unwrap();
            assert!(!found.cut.truncated());
            let expected = oracle::matches(&rows, stored.graph.num_accounts(), &pattern);
            assert_eq!(said(&found), expected, "ledger {seed}\n{text}");
            for one in &found.matches {
                let ids = || one.transactions.iter().flatten().map(|id| rows[id.0 as usize].time);
                assert_eq!((one.start, one.end), (ids().min().unwrap(), ids().max().unwrap()));
            }
            let groups = pattern.nodes.iter().filter(|node| node.group.is_some()).count();
            let is_pure = pattern.transfers.iter().all(|transfer| {
                [transfer.from, transfer.to].iter().any(|&node| pattern.nodes[node].group.is_some())
            });
            let ways = expected.iter().filter(|one| one.2 > 1).count();
            let mut seen = [0; 6];
            let kind = if groups == 0 {
                0
            } else if is_pure {
                2
            } else {
                1
            } + usize::from(groups == 2) * 2;
            seen[kind] = usize::from(!expected.is_empty());
            seen[5] = usize::from(ways > 0);
            seen
        })
        .reduce(|| [0; 6], |a, b| std::array::from_fn(|at| a[at] + b[at]));
    println!("{num_ledgers} ledgers with matches: {seen:?}");
    let least = num_ledgers as usize / 2_000;
    assert!(seen.iter().all(|&seen| seen >= least), "too few patterns of a kind are met: {seen:?}");
}

/// A random pattern on a random ledger.
fn asked(seed: u64) -> (Stored, Query) {
    let random = &mut Random(seed ^ 0x7468_7265);
    let known = known(seed);
    let stored = known.stored(Partition::None);
    let (text, _) = pattern(random, &known, &stored);
    (stored, Query::parse(&text).unwrap())
}

/// Which names stand for groups.
fn groups(query: &Query) -> Vec<usize> {
    let text = query.to_string();
    let is_group = |name: &str| text.contains(&format!("\n{name}: at least"));
    query.accounts().enumerate().filter(|(_, name)| is_group(name)).map(|(node, _)| node).collect()
}

#[test]
fn a_budget_cuts_at_the_same_place_whoever_looks() {
    let (mut cut, mut full, mut fewer, mut some) = (0, 0, 0, 0);
    for seed in 0..600 {
        let random = &mut Random(seed);
        let (stored, query) = asked(seed);
        let budget = Budget {
            results_max: 1 + random.below(20),
            anchor_work_max: 1 + random.below(60),
            work_max: 1 + random.below(500),
            hub_max: 2 + random.below(10) as u32,
        };
        let answer = |threads, budget: &Budget| {
            let run = Run::new().threads(threads).unwrap();
            matches(&stored.graph.view(), &query, None, budget, &run).unwrap()
        };
        let first = answer(1, &budget);
        for threads in [2, 7, 16] {
            assert_eq!(answer(threads, &budget), first);
        }
        let whole = answer(2, &Budget::UNBOUNDED);
        assert_eq!(answer(7, &Budget::UNBOUNDED), whole);
        assert!(first.matches.len() as u64 <= budget.results_max);
        some += usize::from(!first.matches.is_empty());
        if !first.cut.truncated() {
            assert_eq!(first, whole);
            continue;
        }
        cut += usize::from(first.cut.anchors_cut > 0);
        full += usize::from(first.matches.len() as u64 == budget.results_max);
        fewer += usize::from(first.matches.len() < whole.matches.len());
        // What was found is there. Choices that were not looked at may be missing, and choose the witness and its groups.
        let (groups, text) = (groups(&query), query.to_string());
        for one in &first.matches {
            let same = whole.matches.iter().find(|other| {
                let is_same =
                    |node: usize| groups.contains(&node) || other.accounts[node] == one.accounts[node];
                (0..one.accounts.len()).all(is_same)
            });
            assert!(same.is_some(), "{text}");
            if groups.is_empty() {
                let closing = |one: &Match| one.transactions.iter().flatten().max().copied();
                let same = whole
                    .matches
                    .iter()
                    .find(|other| other.accounts == one.accounts && closing(other) == closing(one));
                assert!(same.is_some_and(|same| one.ways <= same.ways), "{text}");
            }
        }
    }
    assert!(cut > 20 && full > 10 && fewer > 20 && some > 50, "{cut} {full} {fewer} {some}");
}

#[test]
fn a_cycle_in_words_is_the_cycle_of_the_kernel() {
    let mut seen = 0;
    for seed in 0..600 {
        let stored = Stored::new(&ledger(seed), Partition::None);
        let random = &mut Random(seed);
        let (length, ties) = (2 + random.below(3) as usize, Ties::ALL[random.below(2) as usize]);
        let mut text = format!("pattern cycle\nwithin 30d\nties {}\n", ties.name());
        let passed_on = random.once_in(2).then_some(Kept { min_permille: 300, max_permille: 1500 });
        for number in 0..length {
            write!(text, "a{number}: account\nt{number}: a{number} -> a{}", (number + 1) % length).unwrap();
            if number > 0 {
                write!(text, ", after t{}", number - 1).unwrap();
                passed_on.iter().for_each(|_| write!(text, ", amount 30%..150% of t{}", number - 1).unwrap());
            }
            text.push('\n');
        }
        let run = Run::new();
        let transfers = Transfers::new(&stored.graph.view(), None, &run).unwrap();
        let options = CycleOptions {
            span_us: 30 * 24 * HOUR_US,
            length_min: length as u32,
            length_max: length as u32,
            ties,
            passed_on: passed_on.unwrap_or(Kept::ANY),
            budget: Budget::UNBOUNDED,
            ..CycleOptions::default()
        };
        let kernel = cycles(&transfers, &options, &run).unwrap();
        let kernel: Vec<_> =
            kernel.iter().map(|one| (one.accounts.to_vec(), one.transactions.to_vec(), one.ways)).collect();
        let found =
            matches(&stored.graph.view(), &Query::parse(&text).unwrap(), None, &Budget::UNBOUNDED, &run)
                .unwrap();
        let found: Vec<_> = found
            .matches
            .iter()
            .map(|one| (one.accounts.concat(), one.transactions.concat(), one.ways))
            .collect();
        assert_eq!(found, kernel, "ledger {seed}\n{text}");
        seen += found.len();
    }
    assert!(seen > 1_000, "{seen}");
}

#[test]
fn a_view_is_searched_as_if_it_were_the_ledger() {
    let mut seen = 0;
    for seed in 0..400 {
        let random = &mut Random(seed ^ 0x7669_6577);
        let known = known(seed);
        let stored = known.stored(Partition::Week);
        let mut rows = payments(&stored.graph);
        let (text, mut pattern) = pattern(random, &known, &stored);
        renumber(&mut pattern, &stored);
        let last = rows[rows.len() - 1].time;
        let window = Window { from: last / 8, to: last - last / 8 };
        let view = stored.graph.window(window).unwrap().among((1..stored.graph.num_accounts()).collect());
        let found =
            matches(&view, &Query::parse(&text).unwrap(), None, &Budget::UNBOUNDED, &Run::new()).unwrap();
        for row in &mut rows {
            row.failed |= !window.contains(row.time) || row.source == 0 || row.destination == 0;
        }
        // An account outside of the view takes no part, with its identifiers and all else.
        pattern.nodes.iter_mut().for_each(|node| node.allowed[0] = false);
        if num_choices(&pattern, rows.len()) > 1 << 20 {
            continue;
        }
        assert_eq!(
            said(&found),
            oracle::matches(&rows, stored.graph.num_accounts(), &pattern),
            "ledger {seed}\n{text}"
        );
        seen += found.matches.len();
    }
    assert!(seen > 100, "{seen}");
}

#[test]
fn what_the_graph_does_not_know_is_refused_with_its_place() {
    let known = known(1);
    let stored = known.stored(Partition::None);
    let code = &stored.graph.manifest().schema.currencies[0].code;
    let ask = |line: &str, rates: Option<&Rates>| {
        let text = format!("pattern p\nwithin 5d\na: account\n{line}\n");
        matches(&stored.graph.view(), &Query::parse(&text).unwrap(), rates, &Budget::default(), &Run::new())
    };
    let amount = |number: &str| format!("b: account\nt: a -> b, amount at least {number} {code}");
    let rest = "t: a -> b";
    let lines = [
        (format!("b: account with rsik = 1\n{rest}"), 17, "did you mean `risk`"),
        (format!("b: account with colour = 1\n{rest}"), 17, "the graph has risk, country"),
        (format!("b: account with risk = \"1\"\n{rest}"), 24, "whole number"),
        (format!("b: account with risk = 1.5\n{rest}"), 24, "whole number"),
        (format!("b: account with country = 1\n{rest}"), 27, "in quotes"),
        (format!("b: account with country < \"RU\"\n{rest}"), 17, "use = or !="),
        (format!("b: account\n{rest}\na shares devices with b"), 10, "did you mean `device`"),
        (format!("b: account\n{rest}\na shares phone with b"), 10, "the graph has device, e mail"),
        ("b: account\nt: a -> b, amount at least 5 GBP".into(), 30, "no currency of the graph"),
        (amount("5.123456789"), 28, "decimals"),
        (amount("99999999999999999"), 28, "no amount is that large"),
    ];
    for (line, column, remedy) in &lines {
        let refused = ask(line, None).unwrap_err();
        assert!(matches!(refused, Error::Input { .. }));
        let said = refused.to_string();
        assert!(said.starts_with("pattern p, line ") && said.contains(remedy), "{line}: {said}");
        assert!(said.contains(&format!(", column {column}: found `")), "{line}: {said}");
    }
    assert!(ask(&amount("0.01"), None).is_ok() || stored.graph.manifest().schema.currencies[0].exponent == 0);
    let none = Budget { results_max: 0, ..Budget::default() };
    let query = Query::parse("pattern p\nwithin 5d\na: account\nb: account\nt: a -> b").unwrap();
    let refused = matches(&stored.graph.view(), &query, None, &none, &Run::new());
    assert!(matches!(refused, Err(Error::Option { name: "results_max", .. })));
    let cancelled = Run::new();
    cancelled.cancel_flag().store(true, std::sync::atomic::Ordering::Relaxed);
    let refused = matches(&stored.graph.view(), &query, None, &Budget::default(), &cancelled);
    assert!(matches!(refused, Err(Error::Cancelled)));
}

/// 1 EUR is 2 USD: what is asked in EUR is asked of values.
#[test]
fn with_rates_values_are_compared() {
    let payment = |source, destination, hour: i64, paid, paid_currency| Payment {
        source,
        destination,
        time: hour * HOUR_US,
        paid,
        paid_currency,
        received: paid,
        received_currency: paid_currency,
        failed: false,
    };
    // USD is the first currency of the tests, EUR the second.
    let rows = vec![
        payment(0, 1, 0, 1000, 0),
        payment(1, 2, 1, 500, 1),
        payment(2, 0, 2, 1200, 0),
        payment(2, 1, 3, 499, 1),
    ];
    let stored =
        Stored::new(&Ledger { num_accounts: 3, payments: rows, ..Ledger::default() }, Partition::None);
    let (dollar, euro) = (stored.currency(0), stored.currency(1));
    let rates =
        Rates::new(&stored.graph, euro, &[Rate { currency: dollar, day: 0, mantissa: 500_000_000_000 }]);
    let rates = rates.unwrap();
    let ask = |rest: &str, rates: Option<&Rates>| {
        let text = format!(
            "pattern p\nwithin 5d\na: account\nb: account\nc: account\nt: a -> b\nu: b -> c, after t, {rest}\n"
        );
        matches(&stored.graph.view(), &Query::parse(&text).unwrap(), rates, &Budget::default(), &Run::new())
    };
    let count = |rest: &str, rates| ask(rest, rates).unwrap().matches.len();
    assert_eq!(count("amount at least 0.00 EUR", None), 1);
    assert_eq!(count("amount 100%..120% of t", None), 0);
    assert_eq!(count("amount 100%..120% of t", Some(&rates)), 2);
    assert_eq!(count("amount 5.0001..6.00 EUR", Some(&rates)), 1);
    assert_eq!(count("amount 5.00..5.99 EUR", Some(&rates)), 1);
    let said = ask("amount at least 5.00 USD", Some(&rates)).unwrap_err().to_string();
    assert!(said.contains("line 7, column 42") && said.contains("write EUR"), "{said}");
}
