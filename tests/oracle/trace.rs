//! Fund tracing, slowly: a plain pass over every payment, written from the rules of `docs/tracing.md` alone.
//!
//! Every pool of every account is kept from the beginning, as a list of lots that are never merged (`fifo`)
//! or as a map of owners (`haircut`). It shares no code and no data structure with the engine.
#![allow(dead_code)] // Each test program uses its own part.

use std::collections::{BTreeMap, BTreeSet};

/// A payment of a ledger, in canonical order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payment {
    pub source: u32,
    pub destination: u32,
    pub time: i64,
    pub paid: i64,
    pub paid_currency: u16,
    pub received: i64,
    pub received_currency: u16,
    pub failed: bool,
}

/// A seed; `row` is a place in the list of payments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seed {
    Transaction { case: u32, row: usize, amount: Option<i64> },
    Deposit { case: u32, account: u32, currency: u16, time: i64, amount: i64 },
}

impl Seed {
    pub fn case(&self) -> u32 {
        match *self {
            Seed::Transaction { case, .. } | Seed::Deposit { case, .. } => case,
        }
    }
}

/// What to assume.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub haircut: bool,
    pub minimal: bool,
    /// Money received at a time can leave only at a later time.
    pub strict: bool,
    pub until: Option<i64>,
    pub sinks: BTreeSet<u32>,
}

/// (case, row, tainted paid, tainted received, hop)
pub type Flow = (u32, usize, i128, i128, u32);
/// (case, account, currency) → (amount, first receipt, last receipt)
pub type Held = BTreeMap<(u32, u32, u16), (i128, i64, i64)>;

/// One row of the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub seeded: i128,
    pub converted_in: i128,
    pub held: i128,
    pub at_sinks: i128,
    pub superseded: i128,
    pub converted_out: i128,
    pub fees: i128,
}

/// What must come out; flows sorted by (case, row).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub flows: Vec<Flow>,
    pub holdings: Held,
    pub sinks: Held,
    /// By (case, currency).
    pub ledger: BTreeMap<(u32, u16), Row>,
    /// By (case, currency): what was kept from being paid after `until`.
    pub until: BTreeMap<(u32, u16), i128>,
}

/// `None` is clean.
type Owner = Option<u32>;

#[derive(Clone, Copy, Debug)]
struct Lot {
    amount: i128,
    owner: Owner,
    hop: u32,
}

#[derive(Clone, Debug)]
enum Pool {
    Fifo(Vec<Lot>),
    Haircut(BTreeMap<Owner, (i128, u32)>),
}

impl Pool {
    fn new(haircut: bool, opening: i128) -> Pool {
        let mut pool = if haircut { Pool::Haircut(BTreeMap::new()) } else { Pool::Fifo(Vec::new()) };
        pool.put(Lot { amount: opening, owner: None, hop: 0 });
        pool
    }

    fn put(&mut self, lot: Lot) {
        if lot.amount == 0 {
            return;
        }
        match self {
            Pool::Fifo(lots) => lots.push(lot),
            Pool::Haircut(owners) => {
                let (amount, hop) = owners.entry(lot.owner).or_insert((0, lot.hop));
                *amount += lot.amount;
                *hop = lot.hop.min(*hop);
            }
        }
    }

    fn take(&mut self, due: i128) -> Vec<Lot> {
        let mut taken = match self {
            Pool::Fifo(lots) => take_oldest(lots, due),
            Pool::Haircut(owners) => take_pro_rata(owners, due),
        };
        let short = due - taken.iter().map(|lot| lot.amount).sum::<i128>();
        if short > 0 {
            taken.push(Lot { amount: short, owner: None, hop: 0 });
        }
        taken
    }

    fn tainted(&self) -> Vec<(u32, i128)> {
        match self {
            Pool::Fifo(lots) => lots.iter().filter_map(|lot| Some((lot.owner?, lot.amount))).collect(),
            Pool::Haircut(owners) => {
                owners.iter().filter_map(|(owner, part)| Some(((*owner)?, part.0))).collect()
            }
        }
    }
}

fn take_oldest(lots: &mut Vec<Lot>, mut due: i128) -> Vec<Lot> {
    let mut taken = Vec::new();
    while due > 0 && !lots.is_empty() {
        let part = Lot { amount: due.min(lots[0].amount), ..lots[0] };
        lots[0].amount -= part.amount;
        if lots[0].amount == 0 {
            lots.remove(0);
        }
        due -= part.amount;
        taken.push(part);
    }
    taken
}

fn take_pro_rata(owners: &mut BTreeMap<Owner, (i128, u32)>, due: i128) -> Vec<Lot> {
    let balance: i128 = owners.values().map(|part| part.0).sum();
    let due = due.min(balance);
    if due == 0 {
        return Vec::new();
    }
    // `None`, clean, sorts before every case.
    let mut gifts: Vec<(Owner, i128, i128)> =
        owners.iter().map(|(owner, part)| (*owner, due * part.0 / balance, due * part.0 % balance)).collect();
    let left = due - gifts.iter().map(|gift| gift.1).sum::<i128>();
    let mut by_remainder: Vec<usize> = (0..gifts.len()).collect();
    by_remainder.sort_by_key(|&at| (-gifts[at].2, at));
    for &at in by_remainder.iter().take(left as usize) {
        gifts[at].1 += 1;
    }
    let mut taken = Vec::new();
    for (owner, amount, _) in gifts {
        if amount > 0 {
            let part = owners.get_mut(&owner).unwrap();
            part.0 -= amount;
            taken.push(Lot { amount, owner, hop: part.1 });
        }
    }
    owners.retain(|_, part| part.0 > 0);
    taken
}

struct Ledger<'a> {
    payments: &'a [Payment],
    rules: &'a Rules,
    pools: BTreeMap<(u32, u16), Pool>,
    /// Under strict ties: what came into a pool, and when.
    waiting: BTreeMap<(u32, u16), Vec<(i64, Lot)>>,
    /// By (case, account, currency): first and last tainted receipt.
    receipts: BTreeMap<(u32, u32, u16), (i64, i64)>,
    answer: Answer,
}

/// Where the money of every case goes; `payments` are in canonical order.
pub fn trace(payments: &[Payment], seeds: &[Seed], rules: &Rules) -> Answer {
    let mut ledger = Ledger {
        payments,
        rules,
        pools: BTreeMap::new(),
        waiting: BTreeMap::new(),
        receipts: BTreeMap::new(),
        answer: Answer::default(),
    };
    if rules.minimal {
        ledger.open_minimal();
    }
    let mut deposits: Vec<(i64, &Seed)> = seeds
        .iter()
        .filter_map(|seed| match seed {
            Seed::Deposit { time, .. } => Some((*time, seed)),
            Seed::Transaction { .. } => None,
        })
        .collect();
    deposits.sort_by_key(|deposit| deposit.0); // stable: ties in the order given
    let mut deposits = deposits.into_iter().peekable();
    for (row, payment) in payments.iter().enumerate() {
        if rules.until.is_some_and(|until| payment.time > until) {
            break;
        }
        while let Some((_, seed)) = deposits.next_if(|deposit| deposit.0 < payment.time) {
            ledger.deposit(seed);
        }
        if !payment.failed {
            ledger.pay(row, seeds);
        }
    }
    for (_, seed) in deposits {
        ledger.deposit(seed);
    }
    ledger.close()
}

impl Ledger<'_> {
    fn open_minimal(&mut self) {
        let mut pools: BTreeSet<(u32, u16)> = BTreeSet::new();
        for payment in self.payments {
            pools.insert((payment.source, payment.paid_currency));
        }
        for pool in pools {
            let mut least = 0;
            for (row, now) in self.payments.iter().enumerate() {
                if now.failed || (now.source, now.paid_currency) != pool {
                    continue;
                }
                // What must be there for this payment: everything paid up to it, less everything that could leave.
                let mut needed = 0;
                for (other, before) in self.payments.iter().enumerate().take(row + 1) {
                    if before.failed {
                        continue;
                    }
                    if (before.source, before.paid_currency) == pool {
                        needed += i128::from(before.paid);
                    }
                    let in_time = if self.rules.strict { before.time < now.time } else { other < row };
                    if in_time && (before.destination, before.received_currency) == pool {
                        needed -= i128::from(before.received);
                    }
                }
                least = least.max(needed);
            }
            self.pools.insert(pool, Pool::new(self.rules.haircut, least));
        }
    }

    /// Lets in what came before `time`.
    fn admit(&mut self, account: u32, currency: u16, time: i64) {
        let waiting = self.waiting.remove(&(account, currency)).unwrap_or_default();
        let (ready, waiting): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|&(since, _)| since < time);
        for (_, lot) in ready {
            self.pool(account, currency).put(lot);
        }
        self.waiting.insert((account, currency), waiting);
    }

    fn pool(&mut self, account: u32, currency: u16) -> &mut Pool {
        let haircut = self.rules.haircut;
        self.pools.entry((account, currency)).or_insert_with(|| Pool::new(haircut, 0))
    }

    fn row(&mut self, case: u32, currency: u16) -> &mut Row {
        self.answer.ledger.entry((case, currency)).or_default()
    }

    /// Puts a lot into an account; a sink keeps what is tainted apart.
    fn receive(&mut self, account: u32, currency: u16, time: i64, lot: Lot, waits: bool) {
        if lot.amount == 0 {
            return;
        }
        let sink = self.rules.sinks.contains(&account);
        match lot.owner {
            Some(case) if sink => {
                let held = self.answer.sinks.entry((case, account, currency)).or_insert((0, time, time));
                held.0 += lot.amount;
                held.2 = time;
                return;
            }
            Some(case) => {
                self.receipts.entry((case, account, currency)).or_insert((time, time)).1 = time;
            }
            None => {}
        }
        if waits {
            self.waiting.entry((account, currency)).or_default().push((time, lot));
        } else {
            self.pool(account, currency).put(lot);
        }
    }

    fn deposit(&mut self, seed: &Seed) {
        let Seed::Deposit { case, account, currency, time, amount } = *seed else { unreachable!() };
        let amount = i128::from(amount);
        self.row(case, currency).seeded += amount;
        self.admit(account, currency, time + 1);
        self.receive(account, currency, time, Lot { amount, owner: Some(case), hop: 0 }, false);
    }

    fn pay(&mut self, row: usize, seeds: &[Seed]) {
        let payment = self.payments[row];
        let (paid, received) = (i128::from(payment.paid), i128::from(payment.received));
        self.admit(payment.source, payment.paid_currency, payment.time);
        let drawn = self.pool(payment.source, payment.paid_currency).take(paid);
        let claims: Vec<(u32, i128)> = seeds
            .iter()
            .filter_map(|seed| match *seed {
                Seed::Transaction { case, row: seeded, amount } if seeded == row => {
                    Some((case, amount.map_or(received, i128::from)))
                }
                _ => None,
            })
            .collect();
        // By case: paid, received, hop.
        let mut parts: BTreeMap<u32, (i128, i128, u32)> = BTreeMap::new();
        let mut arriving = Vec::new();
        if claims.is_empty() {
            let mut total = 0;
            for lot in drawn {
                let before = total * received / paid;
                total += lot.amount;
                let amount = total * received / paid - before;
                let mut hop = 0;
                if let Some(case) = lot.owner {
                    hop = lot.hop + 1;
                    let part = parts.entry(case).or_insert((0, 0, hop));
                    *part = (part.0 + lot.amount, part.1 + amount, part.2.min(hop));
                }
                arriving.push(Lot { amount, owner: lot.owner, hop });
            }
            if paid == 0 {
                arriving.push(Lot { amount: received, owner: None, hop: 0 });
            }
            for (&case, &(out, into, _)) in &parts {
                if payment.paid_currency == payment.received_currency {
                    self.row(case, payment.paid_currency).fees += out - into;
                } else {
                    self.row(case, payment.paid_currency).converted_out += out;
                    self.row(case, payment.received_currency).converted_in += into;
                }
            }
        } else {
            for lot in drawn {
                if let Some(case) = lot.owner {
                    self.row(case, payment.paid_currency).superseded += lot.amount;
                }
            }
            let mut rest = received;
            for (case, amount) in claims {
                rest -= amount;
                self.row(case, payment.received_currency).seeded += amount;
                parts.entry(case).or_insert((0, 0, 0)).1 += amount;
                arriving.push(Lot { amount, owner: Some(case), hop: 0 });
            }
            assert!(rest >= 0, "seeds of row {row} claim more than is received");
            arriving.push(Lot { amount: rest, owner: None, hop: 0 });
        }
        for (case, (paid, received, hop)) in parts {
            self.answer.flows.push((case, row, paid, received, hop));
        }
        for lot in arriving {
            self.receive(
                payment.destination,
                payment.received_currency,
                payment.time,
                lot,
                self.rules.strict,
            );
        }
    }

    fn close(mut self) -> Answer {
        for (account, currency) in self.waiting.keys().copied().collect::<Vec<_>>() {
            self.admit(account, currency, i64::MAX);
        }
        let pools = std::mem::take(&mut self.pools);
        for ((account, currency), pool) in &pools {
            for (case, amount) in pool.tainted() {
                let (first, last) = self.receipts[&(case, *account, *currency)];
                self.answer.holdings.entry((case, *account, *currency)).or_insert((0, first, last)).0 +=
                    amount;
                self.row(case, *currency).held += amount;
                let pays_later = |payment: &Payment| {
                    let later = self.rules.until.is_some_and(|until| payment.time > until);
                    let pays = payment.paid > 0 && !payment.failed;
                    later && pays && (payment.source, payment.paid_currency) == (*account, *currency)
                };
                if self.payments.iter().any(pays_later) {
                    *self.answer.until.entry((case, *currency)).or_default() += amount;
                }
            }
        }
        let sinks = self.answer.sinks.clone();
        for ((case, _, currency), (amount, ..)) in sinks {
            self.row(case, currency).at_sinks += amount;
        }
        // A row of nothing but zeros says nothing.
        self.answer.ledger.retain(|_, row| *row != Row::default());
        self.answer.flows.sort();
        self.answer
    }
}
