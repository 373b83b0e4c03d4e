//! A freeze plan: where money can still be held at a moment, and what waiting costs.
//!
//! A trace is cut off at the moment T. What accounts hold then, sinks aside, is what a freeze at T can catch, and the
//! accounts ranked by it are the plan. For each delay the same is asked at T + delay, and how much the *plan made at T* would
//! still catch then: at each account the smaller of what it holds now and what it holds later. The difference to what it
//! would have caught at T is the cost of the delay.
//!
//! Where several cases have lost money, the matrix of cases and holders says whose money is where. Its rows sum to what
//! is held of each case and its columns to what each account holds.
//!
//! # Method
//! One joint trace until T + the longest delay. Holdings at earlier moments are the balances of its flows, entries and exits up to
//! there, because a trace until some moment is the beginning of the trace until a later one.
//!
//! # Cost
//! One trace, and O(f + d·a) for f flows, d delays and a accounts.

use super::downstream;
use super::paths::{AT_TRANSACTION, Moment, cases, steps};
use super::policy::TraceOptions;
use super::replay::{Place, Step};
use super::result::Trace;
use super::seed::Seed;
use crate::error::{Error, Result};
use crate::graph::View;
use crate::ids::{AccountId, CurrencyId};
use crate::run::Run;
use std::cmp::Reverse;
use std::collections::BTreeMap;

const HOUR_US: i64 = 3_600_000_000;

/// Options of [`freeze_plan`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FreezeOptions {
    /// The moment T, in microseconds since 1970 UTC: after every transaction of that time.
    pub at: i64,
    /// Delays after T in hours, ascending, each more than 0; by default 1 to 72.
    pub delays_h: Vec<u32>,
}

impl FreezeOptions {
    /// A plan for the moment `at`, with delays of 1 to 72 hours.
    pub fn at(at: i64) -> Self {
        FreezeOptions { at, delays_h: (1..=72).collect() }
    }

    fn check(&self, rules: &TraceOptions) -> Result<()> {
        let ascending = self.delays_h.windows(2).all(|pair| pair[0] < pair[1]);
        if !ascending || self.delays_h.first() == Some(&0) {
            let value = format!("{:?}", self.delays_h);
            return Err(Error::Option { name: "delays_h", value, allowed: "hours above 0, ascending" });
        }
        if rules.until.is_some() {
            let value = "given".to_string();
            return Err(Error::Option {
                name: "until",
                value,
                allowed: "nothing: a freeze plan ends at its moment",
            });
        }
        let last = self.delays_h.last().copied().unwrap_or(0);
        let delay = i64::from(last).checked_mul(HOUR_US);
        match delay.and_then(|delay| self.at.checked_add(delay)) {
            Some(_) => Ok(()),
            None => Err(Error::Option {
                name: "at",
                value: self.at.to_string(),
                allowed: "a moment before the end of time",
            }),
        }
    }

    fn moment(&self, delay_h: u32) -> i64 {
        self.at + i64::from(delay_h) * HOUR_US
    }
}

/// What can be held at T, by whom and whose it is, and what waiting costs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FreezePlan {
    /// Accounts that hold money at T, by (amount descending, account, currency).
    pub holders: Vec<Holder>,
    /// Whose it is, by (case, amount descending, account, currency): sums to `holders` over cases, and to what is held of
    /// each case over accounts.
    pub matrix: Vec<Share>,
    /// What waiting costs, by (delay, currency).
    pub delays: Vec<Delay>,
    /// What each holder of the plan holds later, by (delay, order of `holders`).
    pub later: Vec<Later>,
    /// The trace until T.
    pub trace: Trace,
}

/// An account that holds money at T.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// Account.
    pub account: AccountId,
    /// Currency.
    pub currency: CurrencyId,
    /// Minor units of all cases (units of value under value pooling).
    pub amount: i128,
    /// Cases that it holds money of.
    pub num_cases: u32,
}

/// Money of one case at one account at T.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Share {
    /// Case.
    pub case: u32,
    /// Account.
    pub account: AccountId,
    /// Currency.
    pub currency: CurrencyId,
    /// Minor units, more than 0.
    pub amount: i64,
}

/// What waiting costs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delay {
    /// Hours after T; 0 for T itself.
    pub delay_h: u32,
    /// Currency.
    pub currency: CurrencyId,
    /// What accounts hold then, whether in the plan or not.
    pub held: i128,
    /// Accounts that hold it.
    pub num_holders: u32,
    /// What the plan made at T would still catch then.
    pub caught: i128,
    /// What it would have caught at T, less `caught`.
    pub cost: i128,
}

/// What a holder of the plan holds later.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Later {
    /// Hours after T.
    pub delay_h: u32,
    /// Its place in `holders`.
    pub holder: u32,
    /// Minor units.
    pub amount: i128,
}

/// The freeze plan for the money of `seeds`, followed jointly under `rules`.
///
/// Seeds after T are refused. The plan rests on the policy: compare several before acting.
///
/// # Errors
/// As [`downstream`]; [`Error::Option`] for options out of their range, `until` among them.
pub fn freeze_plan(
    view: &View<'_>,
    num_cases: u32,
    seeds: &[Seed],
    rules: &TraceOptions,
    options: &FreezeOptions,
    run: &Run,
) -> Result<FreezePlan> {
    options.check(rules)?;
    let joint = TraceOptions { joint: true, ..rules.clone() };
    let until = |time: i64| TraceOptions { until: Some(time), ..joint.clone() };
    let trace = downstream(view, num_cases, seeds, &until(options.at), run)?;
    let mut plan = FreezePlan { matrix: matrix(&trace), ..FreezePlan::default() };
    let now = sums(&plan.matrix);
    for (&(account, currency), &(amount, num_cases)) in &now {
        plan.holders.push(Holder { account, currency, amount, num_cases });
    }
    plan.holders.sort_by_key(|row| (Reverse(row.amount), row.account, row.currency));
    plan.delays.extend(delays_of(0, &now, &now));
    if let Some(&last) = options.delays_h.last() {
        let whole = downstream(view, num_cases, seeds, &until(options.moment(last)), run)?;
        let mut course = Course::new(view, &whole, &joint)?;
        for &delay_h in &options.delays_h {
            run.check()?;
            let then = course.until(view, options.moment(delay_h))?;
            plan.delays.extend(delays_of(delay_h, &now, &then));
            for (holder, row) in (0..).zip(&plan.holders) {
                let amount = then.get(&(row.account, row.currency)).map_or(0, |held| held.0);
                plan.later.push(Later { delay_h, holder, amount });
            }
        }
        course.prove(&whole)?;
    }
    plan.trace = trace;
    Ok(plan)
}

/// By account and currency: what it holds, and of how many cases.
type Held = BTreeMap<(AccountId, CurrencyId), (i128, u32)>;

fn matrix(trace: &Trace) -> Vec<Share> {
    let rows = &trace.holdings;
    let share = |at: usize| Share {
        case: rows.case[at],
        account: rows.account[at],
        currency: rows.currency[at],
        amount: rows.amount[at],
    };
    (0..rows.len()).map(share).collect()
}

fn sums(matrix: &[Share]) -> Held {
    let mut held = Held::new();
    for share in matrix {
        let sum = held.entry((share.account, share.currency)).or_default();
        *sum = (sum.0 + i128::from(share.amount), sum.1 + 1);
    }
    held
}

/// One row for each currency that anything was held in at T or is then.
fn delays_of(delay_h: u32, now: &Held, then: &Held) -> Vec<Delay> {
    let mut rows: BTreeMap<CurrencyId, Delay> = BTreeMap::new();
    let empty = |currency| Delay { delay_h, currency, held: 0, num_holders: 0, caught: 0, cost: 0 };
    for (&(account, currency), &(amount, _)) in now {
        let row = rows.entry(currency).or_insert_with(|| empty(currency));
        let later = then.get(&(account, currency)).map_or(0, |held| held.0);
        row.caught += amount.min(later);
        row.cost += amount - amount.min(later);
    }
    for (&(_, currency), &(amount, _)) in then {
        let row = rows.entry(currency).or_insert_with(|| empty(currency));
        row.held += amount;
        row.num_holders += 1;
    }
    rows.into_values().collect()
}

/// A trace once more from its beginning, to ask what is held on the way.
struct Course {
    /// Steps of all cases, latest first.
    steps: Vec<(Moment, u32, Step)>,
    held: BTreeMap<(u32, Place), i128>,
}

impl Course {
    fn new(view: &View<'_>, trace: &Trace, rules: &TraceOptions) -> Result<Self> {
        let mut all = Vec::new();
        for rows in cases(trace) {
            let steps = steps(view, trace, &rows, rules)?;
            all.extend(steps.into_iter().map(|(moment, step)| (moment, rows.case, step)));
        }
        all.sort_by_key(|step| step.0);
        all.reverse();
        Ok(Course { steps: all, held: BTreeMap::new() })
    }

    /// What is held after every transaction up to `time`; times only rise.
    fn until(&mut self, view: &View<'_>, time: i64) -> Result<Held> {
        // Seeds come no later than T, so of what is not a transaction everything has happened.
        let end = (view.graph().position_at(time.saturating_add(1))?.0, AT_TRANSACTION);
        while let Some((_, case, step)) = self.steps.pop_if(|step| step.0 < end) {
            match step {
                Step::Enter { place, amount, .. } => self.add(case, place, amount),
                Step::Leave { place, amount, .. } => self.add(case, place, -amount),
                Step::Move { from, to, paid, received, .. } => {
                    self.add(case, from, -paid);
                    self.add(case, to, received);
                }
            }
        }
        let mut held = Held::new();
        for (&(_, (account, currency, _)), &amount) in self.held.iter().filter(|held| *held.1 > 0) {
            let sum = held.entry((AccountId(account), CurrencyId(currency))).or_default();
            *sum = (sum.0 + amount, sum.1 + 1);
        }
        Ok(held)
    }

    fn add(&mut self, case: u32, place: Place, amount: i64) {
        *self.held.entry((case, place)).or_default() += i128::from(amount);
    }

    /// Checks that the course has come to what `trace` holds.
    fn prove(&self, trace: &Trace) -> Result<()> {
        let mut held = self.held.clone();
        for share in matrix(trace) {
            let place = (share.account.0, share.currency.0, 0);
            *held.entry((share.case, place)).or_default() -= i128::from(share.amount);
        }
        match held.iter().find(|held| *held.1 != 0) {
            None => Ok(()),
            Some(((case, place), amount)) => Err(Error::Unproved(format!(
                "flows and holdings of case {case} at account {} differ by {amount}",
                place.0
            ))),
        }
    }
}
