//! Typologies from their definitions, slowly: every account, every window, every pair is tried.

use super::trace::Payment;
use ringfence::patterns::{
    BlockOptions, ChainOptions, DormantOptions, FanOptions, Kept, ScatterGatherOptions, ThroughOptions,
};
use ringfence::units::Ties;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

/// Accounts with their stages, and rows of payments, both sorted.
pub type Find = (Vec<(u32, u32)>, Vec<usize>);

/// A ledger as the definitions see it.
pub struct Rows<'a>(pub &'a [Payment]);

impl Rows<'_> {
    /// Rows of payments that move money between two accounts and fulfil a condition.
    fn having(&self, condition: impl Fn(&Payment) -> bool) -> Vec<usize> {
        let moves = |row: &usize| {
            let payment = &self.0[*row];
            !payment.failed && payment.source != payment.destination && condition(payment)
        };
        (0..self.0.len()).filter(moves).collect()
    }

    fn accounts(&self) -> BTreeSet<u32> {
        self.0.iter().flat_map(|payment| [payment.source, payment.destination]).collect()
    }

    fn time(&self, row: usize) -> i64 {
        self.0[row].time
    }

    fn follows(&self, ties: Ties, row: usize, next: usize) -> bool {
        next > row && (ties == Ties::Order || self.time(next) > self.time(row))
    }

    /// Whether the amounts of `after` are the stated part of those of `before`, all of one currency.
    fn kept(&self, kept: Kept, before: &[usize], after: &[usize]) -> bool {
        if kept == Kept::ANY {
            return true;
        }
        let currencies: BTreeSet<u16> = before
            .iter()
            .map(|&row| self.0[row].received_currency)
            .chain(after.iter().map(|&row| self.0[row].paid_currency))
            .collect();
        let received: i128 = before.iter().map(|&row| i128::from(self.0[row].received)).sum();
        let paid: i128 = after.iter().map(|&row| i128::from(self.0[row].paid)).sum();
        currencies.len() == 1
            && paid * 1_000 >= received * i128::from(kept.min_permille)
            && paid * 1_000 <= received * i128::from(kept.max_permille)
    }

    fn distinct(&self, rows: &[usize], of: impl Fn(&Payment) -> u32) -> u32 {
        rows.iter().map(|&row| of(&self.0[row])).collect::<BTreeSet<_>>().len() as u32
    }
}

fn find(members: impl IntoIterator<Item = (u32, u32)>, rows: impl IntoIterator<Item = usize>) -> Find {
    // The first stage of an account counts.
    let mut stages: BTreeMap<u32, u32> = BTreeMap::new();
    for (stage, account) in members {
        let known = stages.entry(account).or_insert(stage);
        *known = (*known).min(stage);
    }
    let members: BTreeSet<(u32, u32)> = stages.into_iter().map(|(account, stage)| (stage, account)).collect();
    let rows: BTreeSet<usize> = rows.into_iter().collect();
    (members.into_iter().collect(), rows.into_iter().collect())
}

/// A window: its rank, and what is in it.
struct Window<T> {
    rank: (u32, u32),
    rows: Vec<usize>,
    what: T,
}

/// The best window, then the best of those that it does not overlap, and so on.
fn disjoint<T>(mut windows: Vec<Window<T>>) -> Vec<Window<T>> {
    let (first, last) = (|one: &Window<T>| one.rows[0], |one: &Window<T>| *one.rows.last().unwrap());
    let mut kept: Vec<Window<T>> = Vec::new();
    while !windows.is_empty() {
        let best = (0..windows.len())
            .min_by_key(|&at| (Reverse(windows[at].rank), first(&windows[at]), last(&windows[at])))
            .unwrap();
        let best = windows.remove(best);
        windows.retain(|other| first(other) > last(&best) || last(other) < first(&best));
        kept.push(best);
    }
    kept
}

/// Windows of one account's payments, by account: (account, rows).
fn fan_windows(rows: &Rows<'_>, incoming: bool, options: &FanOptions) -> Vec<(u32, Vec<usize>)> {
    let mut all = Vec::new();
    for hub in rows.accounts() {
        let own = |payment: &Payment| if incoming { payment.destination } else { payment.source };
        let other = |payment: &Payment| if incoming { payment.source } else { payment.destination };
        let side = rows.having(|payment| own(payment) == hub);
        let active = rows.having(|payment| payment.source == hub || payment.destination == hub);
        let counted: Vec<usize> = side
            .iter()
            .copied()
            .filter(|&row| {
                let payment = &rows.0[row];
                let amount = if incoming { payment.received } else { payment.paid };
                let is_first =
                    !side.iter().any(|&before| before < row && other(&rows.0[before]) == other(payment));
                (options.amount_min..=options.amount_max).contains(&amount)
                    && (is_first || !options.first_only)
                    && (options.known_us == 0 || payment.time - rows.time(active[0]) >= options.known_us)
            })
            .collect();
        let mut windows = Vec::new();
        for &begin in &counted {
            let inside: Vec<usize> = counted
                .iter()
                .copied()
                .filter(|&row| row >= begin && rows.time(row) - rows.time(begin) <= options.span_us)
                .collect();
            let rank = (rows.distinct(&inside, other), inside.len() as u32);
            if rank.0 >= options.counterparties_min && rank.1 >= options.payments_min {
                windows.push(Window { rank, rows: inside, what: () });
            }
        }
        all.extend(disjoint(windows).into_iter().map(|window| (hub, window.rows)));
    }
    all
}

pub fn fans(rows: &Rows<'_>, incoming: bool, options: &FanOptions) -> Vec<Find> {
    let (hub_stage, other_stage) = if incoming { (1, 0) } else { (0, 1) };
    let others = |hub: u32, row: usize| {
        let payment = &rows.0[row];
        (other_stage, if payment.source == hub { payment.destination } else { payment.source })
    };
    fan_windows(rows, incoming, options)
        .into_iter()
        .map(|(hub, inside)| {
            let members: Vec<_> =
                inside.iter().map(|&row| others(hub, row)).chain([(hub_stage, hub)]).collect();
            find(members, inside)
        })
        .collect()
}

pub fn through(rows: &Rows<'_>, options: &ThroughOptions) -> Vec<Find> {
    let mut all = Vec::new();
    for middle in rows.accounts() {
        let receipts =
            rows.having(|payment| payment.destination == middle && payment.received >= options.amount_min);
        let payments = rows.having(|payment| payment.source == middle && payment.paid >= options.amount_min);
        let mut turns = Vec::new();
        for &turn in &receipts {
            let gathered: Vec<usize> = receipts
                .iter()
                .copied()
                .filter(|&row| row <= turn && rows.time(turn) - rows.time(row) <= options.span_us)
                .collect();
            let scattered: Vec<usize> = payments
                .iter()
                .copied()
                .filter(|&row| {
                    rows.follows(options.ties, turn, row)
                        && rows.time(row) - rows.time(turn) <= options.span_us
                })
                .collect();
            let payers = rows.distinct(&gathered, |payment| payment.source);
            let payees = rows.distinct(&scattered, |payment| payment.destination);
            if payers >= options.payers_min
                && (options.payees_min..=options.payees_max).contains(&payees)
                && rows.kept(options.passed_on, &gathered, &scattered)
            {
                let rank = (payers.min(payees), payers + payees);
                turns.push(Window { rank, rows: [gathered, scattered].concat(), what: () });
            }
        }
        for turn in disjoint(turns) {
            let members: Vec<(u32, u32)> = turn
                .rows
                .iter()
                .map(|&row| match &rows.0[row] {
                    payment if payment.destination == middle => (0, payment.source),
                    payment => (2, payment.destination),
                })
                .chain([(1, middle)])
                .collect();
            all.push(find(members, turn.rows));
        }
    }
    all
}

pub fn scatter_gather(rows: &Rows<'_>, options: &ScatterGatherOptions) -> Vec<Find> {
    // By source and sink: paths of two payments.
    let mut paths: BTreeMap<(u32, u32), Vec<(usize, usize)>> = BTreeMap::new();
    let counted = rows.having(|payment| payment.paid >= options.amount_min);
    for &first in &counted {
        for &second in &counted {
            let (to, on) = (&rows.0[first], &rows.0[second]);
            if to.destination == on.source
                && rows.follows(options.ties, first, second)
                && on.time - to.time <= options.span_us
                && rows.kept(options.passed_on, &[first], &[second])
            {
                paths.entry((to.source, on.destination)).or_default().push((first, second));
            }
        }
    }
    let mut all = Vec::new();
    for ((source, sink), paths) in paths {
        let mut windows = Vec::new();
        for begin in paths.iter().map(|path| path.0).collect::<BTreeSet<_>>() {
            let inside: Vec<(usize, usize)> = paths
                .iter()
                .copied()
                .filter(|path| path.0 >= begin && rows.time(path.1) - rows.time(begin) <= options.span_us)
                .collect();
            let firsts: Vec<usize> = inside.iter().map(|path| path.0).collect();
            let mules = rows.distinct(&firsts, |payment| payment.destination);
            if mules >= options.mules_min {
                let last = inside.iter().map(|path| path.1).max().unwrap();
                windows.push(Window { rank: (mules, 0), rows: vec![begin, last], what: inside });
            }
        }
        for window in disjoint(windows) {
            let mules = window.what.iter().map(|path| (1, rows.0[path.0].destination));
            let members: Vec<(u32, u32)> = mules.chain([(0, source), (2, sink)]).collect();
            all.push(find(members, window.what.iter().flat_map(|path| [path.0, path.1])));
        }
    }
    all
}

pub fn blocks(rows: &Rows<'_>, options: &BlockOptions) -> Vec<Find> {
    let fan = FanOptions {
        span_us: options.span_us,
        counterparties_min: options.payees_min,
        amount_min: options.amount_min,
        ..FanOptions::default()
    };
    fan_windows(rows, false, &fan)
        .into_iter()
        .filter_map(|(_, seed)| {
            let from = rows.time(seed[0]);
            let mut payees: BTreeSet<u32> = seed.iter().map(|&row| rows.0[row].destination).collect();
            let counted = rows.having(|payment| payment.paid >= options.amount_min);
            let inside: Vec<usize> = counted
                .iter()
                .copied()
                .filter(|&row| rows.time(row) >= from && rows.time(row) - from <= options.span_us)
                .collect();
            let paid = |payer: u32, payees: &BTreeSet<u32>| -> BTreeSet<u32> {
                let own = inside.iter().filter(|&&row| rows.0[row].source == payer);
                own.map(|&row| rows.0[row].destination).filter(|payee| payees.contains(payee)).collect()
            };
            let mut payers: BTreeSet<u32> = rows
                .accounts()
                .into_iter()
                .filter(|payer| {
                    !payees.contains(payer) && paid(*payer, &payees).len() >= options.payees_min as usize
                })
                .collect();
            loop {
                // Whoever has too few ties goes, as long as there is anybody.
                loop {
                    let lone = |payee: &u32| {
                        let from = payers.iter().filter(|&&payer| paid(payer, &payees).contains(payee));
                        from.count() < options.payers_min as usize
                    };
                    let few = |payer: &u32| paid(*payer, &payees).len() < options.payees_min as usize;
                    let gone: (Vec<u32>, Vec<u32>) = (
                        payers.iter().copied().filter(few).collect(),
                        payees.iter().copied().filter(lone).collect(),
                    );
                    if gone.0.is_empty() && gone.1.is_empty() {
                        break;
                    }
                    payers.retain(|payer| !gone.0.contains(payer));
                    payees.retain(|payee| !gone.1.contains(payee));
                }
                if payers.len() < options.payers_min as usize || payees.len() < options.payees_min as usize {
                    return None;
                }
                // Ties, size of the other side, whether a payer, account.
                let mut ties: Vec<(usize, usize, bool, u32)> = Vec::new();
                for &payer in &payers {
                    ties.push((paid(payer, &payees).len(), payees.len(), true, payer));
                }
                for &payee in &payees {
                    let from = payers.iter().filter(|&&payer| paid(payer, &payees).contains(&payee)).count();
                    ties.push((from, payers.len(), false, payee));
                }
                let least = ties
                    .into_iter()
                    .min_by(|a, b| (a.0 * b.1).cmp(&(b.0 * a.1)).then(a.2.cmp(&b.2)).then(b.3.cmp(&a.3)))
                    .unwrap();
                if least.0 * 1_000 >= least.1 * options.share_permille as usize {
                    break;
                }
                if least.2 {
                    payers.remove(&least.3)
                } else {
                    payees.remove(&least.3)
                };
            }
            let mut block: Vec<usize> = inside
                .iter()
                .copied()
                .filter(|&row| {
                    payers.contains(&rows.0[row].source) && payees.contains(&rows.0[row].destination)
                })
                .collect();
            let mut members: Vec<(u32, u32)> = payers.iter().map(|&payer| (0, payer)).collect();
            members.extend(payees.iter().map(|&payee| (1, payee)));
            if options.sinks_min > 0 {
                let first =
                    |payee: u32| *block.iter().find(|&&row| rows.0[row].destination == payee).unwrap();
                let on: Vec<usize> = counted
                    .iter()
                    .copied()
                    .filter(|&row| {
                        let payment = &rows.0[row];
                        payees.contains(&payment.source)
                            && !payees.contains(&payment.destination)
                            && !payers.contains(&payment.destination)
                            && row > first(payment.source)
                            && payment.time - from <= 2 * options.span_us
                    })
                    .collect();
                let mut sinks = BTreeSet::new();
                for &row in &on {
                    let sink = rows.0[row].destination;
                    let all: Vec<usize> =
                        on.iter().copied().filter(|&row| rows.0[row].destination == sink).collect();
                    let payers = rows.distinct(&all, |payment| payment.source) as usize;
                    if payers >= 2 && payers * 1_000 >= payees.len() * options.share_permille as usize {
                        sinks.insert(sink);
                    }
                }
                if sinks.len() < options.sinks_min as usize {
                    return None;
                }
                members.extend(sinks.iter().map(|&sink| (2, sink)));
                block.extend(on.into_iter().filter(|&row| sinks.contains(&rows.0[row].destination)));
            }
            Some(find(members, block))
        })
        .collect()
}

pub fn chains(rows: &Rows<'_>, options: &ChainOptions) -> Vec<Find> {
    // Receipt → the payment that carries it on.
    let mut next: BTreeMap<usize, usize> = BTreeMap::new();
    for middle in rows.accounts() {
        let receipts =
            rows.having(|payment| payment.destination == middle && payment.received >= options.amount_min);
        let payments = rows.having(|payment| payment.source == middle && payment.paid >= options.amount_min);
        let mut pairs = Vec::new();
        for &receipt in &receipts {
            for &payment in &payments {
                let (came, goes) = (&rows.0[receipt], &rows.0[payment]);
                if rows.follows(options.ties, receipt, payment)
                    && goes.time - came.time <= options.dwell_us
                    && goes.destination != came.source
                    && goes.paid_currency == came.received_currency
                    && rows.kept(options.passed_on, &[receipt], &[payment])
                {
                    pairs.push(((came.received - goes.paid).abs(), payment, Reverse(receipt)));
                }
            }
        }
        while let Some(&(_, payment, Reverse(receipt))) = pairs.iter().min() {
            next.insert(receipt, payment);
            pairs.retain(|pair| pair.1 != payment && pair.2 != Reverse(receipt));
        }
    }
    let carried: BTreeSet<usize> = next.values().copied().collect();
    let mut all = Vec::new();
    for first in rows.having(|_| true).into_iter().filter(|row| !carried.contains(row)) {
        let mut chain = vec![first];
        let finish = |chain: &[usize], all: &mut Vec<Find>| {
            if chain.len() >= options.length_min as usize {
                let stages = chain.iter().enumerate();
                let payees = stages.map(|(at, &row)| (at as u32 + 1, rows.0[row].destination));
                let members: Vec<(u32, u32)> = payees.chain([(0, rows.0[chain[0]].source)]).collect();
                all.push(find(members, chain.iter().copied()));
            }
        };
        while let Some(&row) = next.get(chain.last().unwrap()) {
            let payee = rows.0[row].destination;
            let been =
                |&before: &usize| rows.0[before].source == payee || rows.0[before].destination == payee;
            if chain.iter().any(been) {
                finish(&chain, &mut all);
                chain.clear();
            }
            chain.push(row);
        }
        finish(&chain, &mut all);
    }
    all
}

pub fn dormant(rows: &Rows<'_>, options: &DormantOptions) -> Vec<Find> {
    let mut all = Vec::new();
    for account in rows.accounts() {
        let own = rows.having(|payment| payment.source == account || payment.destination == account);
        for pair in own.windows(2) {
            if rows.time(pair[1]) - rows.time(pair[0]) < options.quiet_us {
                continue;
            }
            let active: Vec<usize> = own
                .iter()
                .copied()
                .filter(|&row| {
                    let payment = &rows.0[row];
                    let amount = if payment.source == account { payment.paid } else { payment.received };
                    row >= pair[1]
                        && payment.time - rows.time(pair[1]) <= options.span_us
                        && amount >= options.amount_min
                })
                .collect();
            if active.len() >= options.payments_min as usize {
                let others = active.iter().map(|&row| match &rows.0[row] {
                    payment if payment.source == account => (2, payment.destination),
                    payment => (0, payment.source),
                });
                let members: Vec<(u32, u32)> = others.chain([(1, account)]).collect();
                all.push(find(members, active));
            }
        }
    }
    all
}

/// Bits of a score's parts, by sums of all terms: burst, strangers, closure, conserved.
pub fn score(rows: &Rows<'_>, found: &[usize]) -> [f64; 4] {
    let all = rows.having(|_| true);
    let pair = |row: usize| (rows.0[row].source, rows.0[row].destination);
    let pairs: BTreeSet<(u32, u32)> = found.iter().map(|&row| pair(row)).collect();
    let num_between = |pair_: (u32, u32)| all.iter().filter(|&&row| pair(row) == pair_).count();
    let every: BTreeSet<(u32, u32)> = all.iter().map(|&row| pair(row)).collect();
    let ticks = rows.0.windows(2).map(|pair| pair[1].time - pair[0].time).filter(|&tick| tick > 0);
    let tick = ticks.min().unwrap_or(1);
    let duration = (rows.time(rows.0.len() - 1) - rows.time(0) + tick) as f64;
    let part = (rows.time(*found.last().unwrap()) - rows.time(found[0]) + tick) as f64 / duration;
    let accounts: BTreeSet<u32> = pairs.iter().flat_map(|pair| [pair.0, pair.1]).collect();
    let transfers = |account: u32, among: &[usize]| {
        let of = |row: &&usize| [pair(**row).0, pair(**row).1].contains(&account);
        among.iter().filter(of).count()
    };
    let busiest =
        accounts.iter().max_by_key(|&&account| (transfers(account, found), Reverse(account))).unwrap();
    let burst = poisson(transfers(*busiest, &all) as f64 * part, transfers(*busiest, found));
    let share = every.iter().filter(|&&pair| num_between(pair) == 1).count() as f64 / every.len() as f64;
    let strangers = pairs.iter().filter(|&&pair| num_between(pair) == 1).count();
    let strangers = binomial(pairs.len(), share, strangers);
    let out: usize = all.iter().filter(|&&row| accounts.contains(&pair(row).0)).count();
    let into: usize = all.iter().filter(|&&row| accounts.contains(&pair(row).1)).count();
    let beyond_a_tree = (pairs.len() + 1).saturating_sub(accounts.len());
    let closure = poisson(out as f64 * into as f64 * part / all.len() as f64, beyond_a_tree);
    let mut conserved = 0.0;
    for &account in &accounts {
        let currencies: BTreeSet<u16> = found.iter().map(|&row| rows.0[row].paid_currency).collect();
        for currency in currencies {
            let of = |payment: &&Payment, is_paid: bool| match is_paid {
                true => payment.source == account && payment.paid_currency == currency,
                false => payment.destination == account && payment.received_currency == currency,
            };
            let payments = || found.iter().map(|&row| &rows.0[row]);
            let paid: i128 = payments().filter(|one| of(one, true)).map(|one| i128::from(one.paid)).sum();
            let received: i128 =
                payments().filter(|one| of(one, false)).map(|one| i128::from(one.received)).sum();
            if paid > 0 && received > 0 {
                let difference = (paid - received).abs() as f64 / paid.max(received) as f64;
                conserved -= difference.max(0.001).log2() + std::f64::consts::LOG2_E;
            }
        }
    }
    [burst, strangers, closure, conserved.max(0.0)]
}

fn poisson(mean: f64, least: usize) -> f64 {
    if least == 0 || least as f64 <= mean {
        return 0.0;
    }
    let term = |k: usize| (1..=k).fold((-mean).exp(), |term, i| term * mean / i as f64);
    -(least..least + 120).map(term).sum::<f64>().log2()
}

fn binomial(n: usize, p: f64, least: usize) -> f64 {
    if least as f64 <= n as f64 * p || p >= 1.0 {
        return 0.0;
    }
    let choose = |k: usize| (0..k).fold(1.0, |all, i| all * (n - i) as f64 / (i + 1) as f64);
    let term = |k: usize| choose(k) * p.powi(k as i32) * (1.0 - p).powi((n - k) as i32);
    -(least..=n).map(term).sum::<f64>().log2()
}
