//! Seeds: which money a case claims, checked and put in order.

use super::policy::TraceOptions;
use crate::error::{Error, Result};
use crate::graph::View;
use crate::ids::{AccountId, CurrencyId, TxId};
use crate::store::format::flags;
use std::collections::BTreeMap;

/// Money that a case claims, and from when on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seed {
    /// The case, `0..num_cases`.
    pub case: u32,
    /// Where its money comes from.
    pub kind: SeedKind,
}

/// Kinds of seeds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SeedKind {
    /// What a transaction hands over: its first `amount` units that no earlier seed claims, all of it by default.
    Transaction {
        /// The transaction.
        transaction: TxId,
        /// Minor units of the received currency, more than 0.
        amount: Option<i64>,
    },
    /// Money that comes into an account from outside of the graph, after every transaction up to `time`.
    Deposit {
        /// The account that receives it.
        account: AccountId,
        /// Its currency.
        currency: CurrencyId,
        /// Microseconds since 1970 UTC.
        time: i64,
        /// Minor units, more than 0.
        amount: i64,
    },
}

/// Checked seeds in the order in which they happen.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// By position; those of one transaction in the order given.
    pub(super) claims: Vec<Claim>,
    /// By time; those of one time in the order given.
    pub(super) deposits: Vec<Deposit>,
}

/// A transaction seed with its amount.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub(super) position: u64,
    pub(super) case: u32,
    pub(super) amount: i64,
    seed: usize,
}

/// A deposit seed with the position before which it happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Deposit {
    pub(super) position: u64,
    pub(super) case: u32,
    pub(super) account: u32,
    pub(super) currency: u16,
    pub(super) time: i64,
    pub(super) amount: i64,
}

/// Checks the seeds and puts them in order.
pub(super) fn plan(view: &View<'_>, num_cases: u32, seeds: &[Seed], options: &TraceOptions) -> Result<Plan> {
    let mut plan = Plan::default();
    for (index, seed) in seeds.iter().enumerate() {
        let place = Place { view, index };
        if seed.case >= num_cases {
            return Err(place.refuse("", format!("case {} of {num_cases}", seed.case)));
        }
        match seed.kind {
            SeedKind::Transaction { transaction, amount } => {
                plan.claims.push(claim(&place, seed.case, transaction, amount, options)?);
            }
            SeedKind::Deposit { account, currency, time, amount } => {
                plan.deposits.push(deposit(&place, seed.case, account, currency, time, amount, options)?);
            }
        }
    }
    plan.claims.sort_by_key(|claim| claim.position);
    plan.deposits.sort_by_key(|deposit| deposit.time);
    check_sums(view, &plan.claims, options.joint)?;
    Ok(plan)
}

impl Plan {
    /// The plan of each case that has a seed, alone, as case 0; by case.
    pub(super) fn by_case(&self) -> Vec<(u32, Plan)> {
        let mut plans: BTreeMap<u32, Plan> = BTreeMap::new();
        for claim in &self.claims {
            plans.entry(claim.case).or_default().claims.push(Claim { case: 0, ..*claim });
        }
        for deposit in &self.deposits {
            plans.entry(deposit.case).or_default().deposits.push(Deposit { case: 0, ..*deposit });
        }
        plans.into_iter().collect()
    }
}

/// A seed among those given, for complaints.
struct Place<'a> {
    view: &'a View<'a>,
    index: usize,
}

impl Place<'_> {
    fn refuse(&self, what: &str, problem: impl std::fmt::Display) -> Error {
        Error::input(format!("seeds[{}]{what}", self.index), problem)
    }

    fn transaction(&self, id: TxId, problem: impl std::fmt::Display) -> Error {
        let what = match self.view.graph().transaction_key(id) {
            Ok(key) => format!(", transaction {key:?} at position {}", id.0),
            Err(_) => format!(", transaction at position {}", id.0),
        };
        self.refuse(&what, problem)
    }

    fn account(&self, id: AccountId, problem: impl std::fmt::Display) -> Error {
        let what = match self.view.graph().account_key(id) {
            Ok(key) => format!(", account {key:?}"),
            Err(_) => format!(", account {}", id.0),
        };
        self.refuse(&what, problem)
    }
}

fn claim(
    place: &Place<'_>,
    case: u32,
    id: TxId,
    amount: Option<i64>,
    options: &TraceOptions,
) -> Result<Claim> {
    let positions = place.view.positions();
    if id.0 >= place.view.graph().num_transactions() {
        let held = place.view.graph().num_transactions();
        return Err(place.refuse("", format!("transaction position {}; the graph holds {held}", id.0)));
    }
    let transaction = place.view.graph().transaction(id)?;
    let ends = [transaction.source, transaction.destination];
    if !positions.contains(&id) || ends.iter().any(|&end| !place.view.contains(end)) {
        return Err(place.transaction(id, "is outside of the view that is traced"));
    }
    if transaction.flags & flags::FAILED != 0 {
        return Err(place.transaction(id, "is marked as failed and moved no money"));
    }
    if options.until.is_some_and(|until| transaction.time > until) {
        return Err(place.transaction(id, "is later than `until`, so it does not happen in this trace"));
    }
    let received = transaction.received;
    let amount = amount.unwrap_or(received);
    if amount <= 0 {
        return Err(place.transaction(id, format!("amount {amount}: a seed needs more than 0 minor units")));
    }
    Ok(Claim { position: id.0, case, amount, seed: place.index })
}

fn deposit(
    place: &Place<'_>,
    case: u32,
    account: AccountId,
    currency: CurrencyId,
    time: i64,
    amount: i64,
    options: &TraceOptions,
) -> Result<Deposit> {
    let (view, graph) = (place.view, place.view.graph());
    if account.0 >= graph.num_accounts() {
        return Err(place.refuse("", format!("account {} of {}", account.0, graph.num_accounts())));
    }
    if !view.contains(account) {
        return Err(place.account(account, "is outside of the view that is traced"));
    }
    let num_currencies = graph.manifest().schema.currencies.len();
    if currency.index() >= num_currencies {
        return Err(place.account(account, format!("currency {} of {num_currencies}", currency.0)));
    }
    if amount <= 0 {
        return Err(place.account(account, format!("amount {amount}: a seed needs more than 0 minor units")));
    }
    if !view.times().contains(time) {
        return Err(place.account(account, format!("time {time} µs is outside of the window that is traced")));
    }
    if let Some(until) = options.until.filter(|&until| time > until) {
        return Err(place.account(account, format!("time {time} µs is later than `until`, {until} µs")));
    }
    // Inside the window, so `time` is below the window's end and the next moment exists.
    let positions = view.positions();
    let after = graph.position_at(time + 1)?.clamp(positions.start, positions.end);
    Ok(Deposit { position: after.0, case, account: account.0, currency: currency.0, time, amount })
}

/// Refuses claims that together exceed what their transaction hands over.
fn check_sums(view: &View<'_>, claims: &[Claim], joint: bool) -> Result<()> {
    let rivals = |a: &Claim, b: &Claim| a.position == b.position && (joint || a.case == b.case);
    let mut ordered: Vec<&Claim> = claims.iter().collect();
    if !joint {
        ordered.sort_by_key(|claim| (claim.position, claim.case));
    }
    for same in ordered.chunk_by(|a, b| rivals(a, b)) {
        let id = TxId(same[0].position);
        let received = i128::from(view.graph().transaction(id)?.received);
        let mut sum = 0;
        for claim in same {
            sum += i128::from(claim.amount);
            if sum > received {
                let place = Place { view, index: claim.seed };
                let problem = format!(
                    "claims {} minor units, {sum} with the seeds before it, but {received} are received",
                    claim.amount
                );
                return Err(place.transaction(id, problem));
            }
        }
    }
    Ok(())
}
