//! Fund tracing, slowly: a plain pass over every payment, written from the rules of `docs/tracing.md` alone.
//!
//! Every pool of every account is kept from the beginning (`pools`); amounts become values before anything else
//! happens (`values`). It shares no code and no data structure with the engine.
#![allow(dead_code)] // Each test program uses its own part.

#[path = "pools.rs"]
pub mod pools;
#[path = "values.rs"]
pub mod values;

pub use pools::Policy;
use pools::{Lot, Pool, sum};
use std::collections::{BTreeMap, BTreeSet};
pub use values::Rates;

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
    Balance { case: u32, account: u32, currency: u16, time: i64, amount: Option<i64> },
}

impl Seed {
    pub fn case(&self) -> u32 {
        match *self {
            Seed::Transaction { case, .. } | Seed::Deposit { case, .. } | Seed::Balance { case, .. } => case,
        }
    }

    /// When it happens, after every payment of that time, unless it is a payment.
    pub fn time(&self) -> Option<i64> {
        match *self {
            Seed::Transaction { .. } => None,
            Seed::Deposit { time, .. } | Seed::Balance { time, .. } => Some(time),
        }
    }
}

/// What is stated about a pool: an opening balance, or with a time a balance after every payment up to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Balance {
    pub account: u32,
    pub currency: u16,
    pub time: Option<i64>,
    pub amount: i64,
}

/// What a pool holds at first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Opening {
    #[default]
    JustInTime,
    Minimal,
    Given,
}

/// What to assume.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    pub policy: Policy,
    pub opening: Opening,
    /// For `Opening::Given`.
    pub balances: Vec<Balance>,
    /// One pool per account, in values.
    pub rates: Option<Rates>,
    /// Money received at a time can leave only at a later time.
    pub strict: bool,
    pub until: Option<i64>,
    pub sinks: BTreeSet<u32>,
    /// What arrives and is less becomes clean.
    pub dust: i64,
    pub max_hops: Option<u32>,
    /// Merge neighbouring clean lots: nothing comes out otherwise, but a long ledger in less than a lifetime.
    pub merge: bool,
}

/// (case, row, tainted paid, tainted received, hop)
pub type Flow = (u32, usize, i128, i128, u32);
/// (case, account, currency) → (amount, first receipt, last receipt)
pub type Held = BTreeMap<(u32, u32, u16), (i128, i64, i64)>;
/// (case, account, currency, why) → (amount, first receipt, last receipt)
pub type Stuck = BTreeMap<(u32, u32, u16, Stop), (i128, i64, i64)>;

/// (case, row before which it came, time, account, currency, amount)
pub type Entry = (u32, usize, i64, u32, u16, i128);
/// (case, row, by that payment and not before it, time, account, currency, why) → amount
pub type Exits = BTreeMap<(u32, usize, bool, i64, u32, u16, Stop), i128>;

/// What keeps money from going on.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stop {
    Sink,
    MaxHops,
    Dust,
    Superseded,
    Until,
}

/// One row of the ledger.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub seeded: i128,
    pub converted_in: i128,
    pub held: i128,
    pub at_sinks: i128,
    pub dust: i128,
    pub superseded: i128,
    pub converted_out: i128,
    pub fees: i128,
}

/// A stated balance that is not what the payments make of the opening one.
pub type Break = (Balance, i128);

/// What must come out; flows sorted by (case, row).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    pub flows: Vec<Flow>,
    pub holdings: Held,
    pub sinks: Stuck,
    /// Deposit and balance seeds, by (case, row), in the order given.
    pub entries: Vec<Entry>,
    pub exits: Exits,
    /// By (case, currency).
    pub ledger: BTreeMap<(u32, u16), Row>,
    /// By (case, currency, why); nothing of 0.
    pub stops: BTreeMap<(u32, u16, Stop), i128>,
}

/// The place of the seed that is not possible.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Refused(pub usize);

struct Ledger<'a> {
    payments: &'a [Payment],
    rules: &'a Rules,
    pools: BTreeMap<(u32, u16), Pool>,
    /// Under strict ties: what came into a pool, and when.
    waiting: BTreeMap<(u32, u16), Vec<(i64, Lot)>>,
    /// By (case, account, currency): first and last tainted receipt.
    receipts: BTreeMap<(u32, u32, u16), (i64, i64)>,
    /// What happens now: (row, a payment and not a seed before it, time).
    now: (usize, bool, i64),
    answer: Answer,
}

/// Where the money of every case goes; `payments` are in canonical order. Nothing may be refused.
pub fn trace(payments: &[Payment], seeds: &[Seed], rules: &Rules) -> Answer {
    try_trace(payments, seeds, rules).unwrap()
}

/// As [`trace`]; a balance seed that finds too little is refused.
pub fn try_trace(payments: &[Payment], seeds: &[Seed], rules: &Rules) -> Result<Answer, Refused> {
    if let Some(rates) = &rules.rates {
        let balances = rates.balances(payments, &rules.balances);
        let in_values = Rules { rates: None, balances, ..rules.clone() };
        return try_trace(&rates.payments(payments), &rates.seeds(payments, seeds), &in_values);
    }
    refuse_at_sinks(seeds, rules)?;
    let mut ledger = Ledger {
        payments,
        rules,
        pools: BTreeMap::new(),
        waiting: BTreeMap::new(),
        receipts: BTreeMap::new(),
        now: (0, false, 0),
        answer: Answer::default(),
    };
    for ((account, currency), amount) in opening_balances(payments, rules) {
        ledger.pool(account, currency).put(Lot::clean(amount));
    }
    let mut dated: Vec<(i64, usize)> =
        seeds.iter().enumerate().filter_map(|(at, seed)| Some((seed.time()?, at))).collect();
    dated.sort_by_key(|seed| seed.0); // stable: ties in the order given
    let mut dated = dated.into_iter().peekable();
    for (row, payment) in payments.iter().enumerate() {
        if rules.until.is_some_and(|until| payment.time > until) {
            break;
        }
        while let Some((_, at)) = dated.next_if(|seed| seed.0 < payment.time) {
            ledger.claim(&seeds[at], row).ok_or(Refused(at))?;
        }
        if !payment.failed {
            ledger.pay(row, seeds);
        }
    }
    for (_, at) in dated {
        let later = payments.iter().position(|payment| Some(payment.time) > seeds[at].time());
        ledger.claim(&seeds[at], later.unwrap_or(payments.len())).ok_or(Refused(at))?;
    }
    Ok(ledger.close())
}

/// What is at a sink is at rest: no seed can claim it.
pub fn refuse_at_sinks(seeds: &[Seed], rules: &Rules) -> Result<(), Refused> {
    let at_sink =
        |seed: &Seed| matches!(*seed, Seed::Balance { account, .. } if rules.sinks.contains(&account));
    seeds.iter().position(at_sink).map_or(Ok(()), |at| Err(Refused(at)))
}

/// What is stated and not so, in the order of the statements: opening + received − paid, whatever was short.
pub fn breaks(payments: &[Payment], rules: &Rules) -> Vec<Break> {
    let mut found = Vec::new();
    for stated in &rules.balances {
        let Some(time) = stated.time else { continue };
        let pool = (stated.account, stated.currency);
        let mut balance = 0;
        for other in &rules.balances {
            if other.time.is_none() && (other.account, other.currency) == pool {
                balance += i128::from(other.amount);
            }
        }
        for payment in payments.iter().filter(|payment| !payment.failed && payment.time <= time) {
            if (payment.source, payment.paid_currency) == pool {
                balance -= i128::from(payment.paid);
            }
            if (payment.destination, payment.received_currency) == pool {
                balance += i128::from(payment.received);
            }
        }
        if i128::from(stated.amount) != balance {
            found.push((*stated, i128::from(stated.amount) - balance));
        }
    }
    found
}

/// What pools hold at first.
pub fn opening_balances(payments: &[Payment], rules: &Rules) -> BTreeMap<(u32, u16), i128> {
    match rules.opening {
        Opening::JustInTime => BTreeMap::new(),
        Opening::Minimal => {
            let mut pools = BTreeMap::new();
            for payment in payments {
                let pool = (payment.source, payment.paid_currency);
                pools.entry(pool).or_insert_with(|| least_opening(payments, pool, rules.strict));
            }
            pools
        }
        Opening::Given => {
            let opening = rules.balances.iter().filter(|balance| balance.time.is_none());
            let stated = |row: &Balance| ((row.account, row.currency), i128::from(row.amount.max(0)));
            let mut pools = BTreeMap::new();
            opening.map(stated).for_each(|(pool, amount)| *pools.entry(pool).or_default() += amount);
            pools
        }
    }
}

/// The smallest amount with which a pool never runs short.
fn least_opening(payments: &[Payment], pool: (u32, u16), strict: bool) -> i128 {
    let mut least = 0;
    for (row, now) in payments.iter().enumerate() {
        if now.failed || (now.source, now.paid_currency) != pool {
            continue;
        }
        // What must be there for this payment: everything paid up to it, less everything that could leave.
        let mut needed = 0;
        for (other, before) in payments.iter().enumerate().take(row + 1) {
            if before.failed {
                continue;
            }
            if (before.source, before.paid_currency) == pool {
                needed += i128::from(before.paid);
            }
            let in_time = if strict { before.time < now.time } else { other < row };
            if in_time && (before.destination, before.received_currency) == pool {
                needed -= i128::from(before.received);
            }
        }
        least = least.max(needed);
    }
    least
}

impl Ledger<'_> {
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
        let rules = self.rules;
        self.pools.entry((account, currency)).or_insert_with(|| Pool::new(rules.policy, rules.merge))
    }

    fn row(&mut self, case: u32, currency: u16) -> &mut Row {
        self.answer.ledger.entry((case, currency)).or_default()
    }

    /// Books what is not followed any more.
    fn exit(&mut self, case: u32, account: u32, currency: u16, stop: Stop, amount: i128) {
        let (row, by_payment, time) = self.now;
        *self.answer.exits.entry((case, row, by_payment, time, account, currency, stop)).or_default() +=
            amount;
    }

    /// Puts a lot into an account; what goes no further is kept apart.
    fn receive(&mut self, account: u32, currency: u16, time: i64, lot: Lot, waits: bool) {
        if lot.amount == 0 {
            return;
        }
        if let Some(case) = lot.owner {
            let stop = match self.rules.max_hops {
                _ if self.rules.sinks.contains(&account) => Some(Stop::Sink),
                Some(most) if lot.hop >= most => Some(Stop::MaxHops),
                _ => None,
            };
            if let Some(stop) = stop {
                let place = (case, account, currency, stop);
                let stuck = self.answer.sinks.entry(place).or_insert((0, time, time));
                *stuck = (stuck.0 + lot.amount, stuck.1, time);
                self.exit(case, account, currency, stop, lot.amount);
                return;
            }
            self.receipts.entry((case, account, currency)).or_insert((time, time)).1 = time;
        }
        if waits {
            self.waiting.entry((account, currency)).or_default().push((time, lot));
        } else {
            self.pool(account, currency).put(lot);
        }
    }

    /// Makes clean what arrives in too small a run of one case.
    fn dust(&mut self, arriving: Vec<Lot>, account: u32, currency: u16) -> Vec<Lot> {
        if self.rules.sinks.contains(&account) {
            return arriving;
        }
        let there: Vec<Lot> = arriving.into_iter().filter(|lot| lot.amount > 0).collect();
        let mut kept = Vec::new();
        for run in there.chunk_by(|a, b| a.owner == b.owner) {
            match run[0].owner {
                Some(case) if sum(run) < i128::from(self.rules.dust) => {
                    self.row(case, currency).dust += sum(run);
                    self.exit(case, account, currency, Stop::Dust, sum(run));
                    kept.push(Lot::clean(sum(run)));
                }
                _ => kept.extend(run),
            }
        }
        kept
    }

    /// A deposit seed or a balance seed; `None` if that much is not there.
    fn claim(&mut self, seed: &Seed, row: usize) -> Option<()> {
        let (Seed::Deposit { case, account, currency, time, .. }
        | Seed::Balance { case, account, currency, time, .. }) = *seed
        else {
            unreachable!("a transaction seed has no time of its own")
        };
        self.now = (row, false, time);
        self.admit(account, currency, time + 1);
        let amount = match *seed {
            Seed::Balance { amount, .. } => {
                let whole = amount.is_none();
                let there = self.pool(account, currency).balance();
                let amount = amount.map_or(there, i128::from);
                if amount > there || (there == 0 && whole) {
                    return None;
                }
                for lot in self.pool(account, currency).take_newest(amount) {
                    if let Some(owner) = lot.owner {
                        self.row(owner, currency).superseded += lot.amount;
                        self.exit(owner, account, currency, Stop::Superseded, lot.amount);
                    }
                }
                amount
            }
            Seed::Deposit { amount, .. } => i128::from(amount),
            Seed::Transaction { .. } => unreachable!(),
        };
        self.row(case, currency).seeded += amount;
        if amount > 0 {
            self.answer.entries.push((case, row, time, account, currency, amount));
        }
        self.receive(account, currency, time, Lot { amount, owner: Some(case), hop: 0 }, false);
        Some(())
    }

    fn pay(&mut self, row: usize, seeds: &[Seed]) {
        let payment = self.payments[row];
        let (paid, received) = (i128::from(payment.paid), i128::from(payment.received));
        self.now = (row, true, payment.time);
        self.admit(payment.source, payment.paid_currency, payment.time);
        let mut drawn = self.pool(payment.source, payment.paid_currency).take(paid);
        let short = paid - sum(&drawn);
        if short > 0 {
            drawn.push(Lot::clean(short));
        }
        let claim = |seed: &Seed| match *seed {
            Seed::Transaction { case, row: seeded, amount } if seeded == row => {
                Some((case, amount.map_or(received, i128::from)))
            }
            _ => None,
        };
        let claims: Vec<(u32, i128)> = seeds.iter().filter_map(claim).collect();
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
                arriving.push(Lot::clean(received));
            }
            for (&case, &(out, into, _)) in &parts {
                if payment.paid_currency == payment.received_currency {
                    self.row(case, payment.paid_currency).fees += out - into;
                } else {
                    self.row(case, payment.paid_currency).converted_out += out;
                    self.row(case, payment.received_currency).converted_in += into;
                }
            }
            arriving = self.dust(arriving, payment.destination, payment.received_currency);
        } else {
            for lot in drawn {
                if let Some(case) = lot.owner {
                    self.row(case, payment.paid_currency).superseded += lot.amount;
                    self.exit(case, payment.source, payment.paid_currency, Stop::Superseded, lot.amount);
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
            arriving.push(Lot::clean(rest));
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
            for (case, amount) in pool.owned() {
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
                    *self.answer.stops.entry((case, *currency, Stop::Until)).or_default() += amount;
                }
            }
        }
        for ((case, _, currency, stop), (amount, ..)) in self.answer.sinks.clone() {
            self.row(case, currency).at_sinks += amount;
            *self.answer.stops.entry((case, currency, stop)).or_default() += amount;
        }
        // A row of nothing but zeros says nothing.
        self.answer.ledger.retain(|_, row| *row != Row::default());
        for (&(case, currency), row) in &self.answer.ledger {
            for (stop, amount) in [(Stop::Dust, row.dust), (Stop::Superseded, row.superseded)] {
                if amount > 0 {
                    self.answer.stops.insert((case, currency, stop), amount);
                }
            }
        }
        self.answer.flows.sort();
        self.answer.entries.sort_by_key(|entry| (entry.0, entry.1)); // stable: in the order given
        self.answer
    }
}
