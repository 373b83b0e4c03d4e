//! Seeds: which money a case claims, checked and put in order.

use super::policy::TraceOptions;
use super::pool::lot::mul_div;
use crate::error::{Error, Result};
use crate::graph::View;
use crate::graph::rates::Rates;
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
    /// Money that is in an account after every transaction up to `time`, newest first, whoever claimed it before.
    ///
    /// Under haircut, where money in an account has no order, it is taken from every owner in proportion.
    Balance {
        /// The account that holds it.
        account: AccountId,
        /// Its currency; under value pooling the whole pool of the account counts, and this is the amount's unit.
        currency: CurrencyId,
        /// Microseconds since 1970 UTC.
        time: i64,
        /// Minor units, more than 0; all of it by default.
        amount: Option<i64>,
    },
}

/// Checked seeds in the order in which they happen.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// By position; those of one transaction in the order given.
    pub(super) claims: Vec<Claim>,
    /// By time; those of one time in the order given.
    pub(super) arrivals: Vec<Arrival>,
}

/// A transaction seed with its amount.
#[derive(Clone, Copy, Debug)]
pub(super) struct Claim {
    pub(super) position: u64,
    pub(super) case: u32,
    pub(super) amount: i64,
    seed: usize,
}

/// A deposit or balance seed with the position before which it happens.
#[derive(Clone, Copy, Debug)]
pub(super) struct Arrival {
    pub(super) position: u64,
    pub(super) case: u32,
    pub(super) account: u32,
    pub(super) currency: u16,
    pub(super) time: i64,
    /// Not given: all that is there.
    pub(super) amount: Option<i64>,
    /// Whether the money comes from outside; otherwise it is there already.
    pub(super) is_deposit: bool,
    pub(super) seed: usize,
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
                let seed = Arrival::new(seed.case, account, currency, time, Some(amount), true, index);
                plan.arrivals.push(arrival(&place, seed, options)?);
            }
            SeedKind::Balance { account, currency, time, amount } => {
                let seed = Arrival::new(seed.case, account, currency, time, amount, false, index);
                plan.arrivals.push(arrival(&place, seed, options)?);
            }
        }
    }
    plan.claims.sort_by_key(|claim| claim.position);
    plan.arrivals.sort_by_key(|arrival| arrival.time);
    if !options.joint {
        plan.claims.sort_by_key(|claim| (claim.position, claim.case));
    }
    let rivals = |a: &Claim, b: &Claim| a.position == b.position && (options.joint || a.case == b.case);
    for same in plan.claims.chunk_by_mut(rivals) {
        check_sum(view, same)?;
        if let Some(rates) = &options.rates {
            claim_values(view, same, rates)?;
        }
    }
    Ok(plan)
}

impl Plan {
    /// The plan of each case that has a seed, alone, as case 0; by case.
    pub(super) fn by_case(&self) -> Vec<(u32, Plan)> {
        let mut plans: BTreeMap<u32, Plan> = BTreeMap::new();
        for claim in &self.claims {
            plans.entry(claim.case).or_default().claims.push(Claim { case: 0, ..*claim });
        }
        for arrival in &self.arrivals {
            plans.entry(arrival.case).or_default().arrivals.push(Arrival { case: 0, ..*arrival });
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
    if transaction.flags & flags::CORRECTED != 0 {
        return Err(
            place.transaction(id, "was corrected and moved no money; its correction is what happened")
        );
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

impl Arrival {
    fn new(
        case: u32,
        account: AccountId,
        currency: CurrencyId,
        time: i64,
        amount: Option<i64>,
        is_deposit: bool,
        seed: usize,
    ) -> Self {
        let (account, currency) = (account.0, currency.0);
        Arrival { position: 0, case, account, currency, time, amount, is_deposit, seed }
    }
}

/// Checks a deposit or balance seed, and finds its position and its value.
fn arrival(place: &Place<'_>, seed: Arrival, options: &TraceOptions) -> Result<Arrival> {
    let (view, graph) = (place.view, place.view.graph());
    let Arrival { currency, time, amount, .. } = seed;
    let account = AccountId(seed.account);
    if account.0 >= graph.num_accounts() {
        return Err(place.refuse("", format!("account {} of {}", account.0, graph.num_accounts())));
    }
    if !view.contains(account) {
        return Err(place.account(account, "is outside of the view that is traced"));
    }
    let num_currencies = graph.manifest().schema.currencies.len();
    if usize::from(currency) >= num_currencies {
        return Err(place.account(account, format!("currency {currency} of {num_currencies}")));
    }
    if let Some(amount) = amount.filter(|&amount| amount <= 0) {
        return Err(place.account(account, format!("amount {amount}: a seed needs more than 0 minor units")));
    }
    if !view.times().contains(time) {
        return Err(place.account(account, format!("time {time} µs is outside of the window that is traced")));
    }
    if let Some(until) = options.until.filter(|&until| time > until) {
        return Err(place.account(account, format!("time {time} µs is later than `until`, {until} µs")));
    }
    if !seed.is_deposit && options.sinks.contains(account.0) {
        return Err(place.account(account, "is a sink: what is there is at rest, and no seed can claim it"));
    }
    // Inside the window, so `time` is below the window's end and the next moment exists.
    let positions = view.positions();
    let position = graph.position_at(time + 1)?.clamp(positions.start, positions.end).0;
    match &options.rates {
        None => Ok(Arrival { position, ..seed }),
        Some(rates) => {
            let amount = amount.map(|amount| rates.value(amount, currency, time)).transpose()?;
            Ok(Arrival { position, currency: rates.base().0, amount, ..seed })
        }
    }
}

/// The error for a balance seed on more than is there.
#[cold]
pub(super) fn beyond_balance(view: &View<'_>, seed: &Arrival, balance: i64) -> Error {
    let place = Place { view, index: seed.seed };
    let problem = match seed.amount {
        Some(amount) => format!("claims {amount} units of a balance of {balance}"),
        None => "claims a balance that is 0".to_string(),
    };
    place.account(AccountId(seed.account), problem)
}

/// Refuses claims on one transaction that together exceed what it hands over.
fn check_sum(view: &View<'_>, claims: &[Claim]) -> Result<()> {
    let id = TxId(claims[0].position);
    let received = i128::from(view.graph().transaction(id)?.received);
    let mut sum = 0;
    for claim in claims {
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
    Ok(())
}

/// Turns claims on one transaction into values: with running totals C of `r` received units that are worth `v`, the
/// claims are worth ⌊Cᵢ·v/r⌋ − ⌊Cᵢ₋₁·v/r⌋.
fn claim_values(view: &View<'_>, claims: &mut [Claim], rates: &Rates) -> Result<()> {
    let transaction = view.graph().transaction(TxId(claims[0].position))?;
    let value = rates.value(transaction.received, transaction.received_currency.0, transaction.time)?;
    let (mut sum, mut before) = (0, 0);
    for claim in claims {
        sum += claim.amount;
        let reached = mul_div(sum, value, transaction.received).0;
        claim.amount = reached - before;
        before = reached;
    }
    Ok(())
}
