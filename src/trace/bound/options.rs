//! What a bound assumes, and where a question about money begins.

use super::between::{Pool, Question, World};
use super::network::Claimed;
use crate::error::{Error, Result};
use crate::graph::View;
use crate::ids::{AccountId, TxId};
use crate::trace::balances::Balances;
use crate::trace::policy::TraceOptions;
use crate::trace::seed::{Seed, SeedKind, plan};
use crate::trace::walk::rows::Rows;
use crate::units::Ties;
use std::ops::Range;

/// Options of [`max_traceable`](super::max_traceable).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct BoundOptions {
    /// Last moment that counts, in microseconds since 1970 UTC, inclusive: transactions after it do not happen.
    pub until: Option<i64>,
    /// Longest time from the seed to a transaction that counts, in microseconds, at least 0; no limit by default.
    pub span_us: Option<i64>,
    /// Whether money can be received and paid on at one and the same time.
    pub ties: Ties,
    /// Balances that somebody states: of the money that counts no more can have waited in an account at the time of a
    /// statement than it says. Openings play no part, and none is needed. Only
    /// [`max_traceable`](super::max_traceable) looks at them.
    pub balances: Balances,
    /// Most transactions to look at for one bound, at least 1; more is an error, never a smaller answer. No limit by
    /// default.
    pub events_max: Option<u64>,
}

impl BoundOptions {
    /// Refuses what lies outside its range, before any work.
    pub(super) fn check(&self, num_accounts: u32) -> Result<()> {
        self.balances.check(num_accounts)?;
        if let Some(span) = self.span_us.filter(|&span| span < 0) {
            let value = span.to_string();
            return Err(Error::Option { name: "span_us", value, allowed: "0 or more microseconds" });
        }
        match self.events_max {
            Some(0) => {
                Err(Error::Option { name: "events_max", value: "0".into(), allowed: "1 or more, or none" })
            }
            _ => Ok(()),
        }
    }

    /// The transactions of `view`, read by `rows`, as sweeps see them; of one currency, if one is given.
    pub(super) fn world<'a, 'g>(
        &self,
        view: &'a View<'g>,
        rows: &'a Rows<'g>,
        currency: Option<u16>,
    ) -> World<'a, 'g> {
        World { view, rows, ties: self.ties, currency, events_max: self.events_max }
    }

    /// First position of `view` that does not count any more for a seed of this time.
    fn end(&self, view: &View<'_>, time: i64) -> Result<u64> {
        let end = view.positions().end.0;
        let latest = self.span_us.map(|span| time.saturating_add(span));
        let latest = latest.into_iter().chain(self.until).min();
        match latest.and_then(|latest| latest.checked_add(1)) {
            Some(after) => Ok(view.graph().position_at(after)?.0.min(end)),
            None => Ok(end),
        }
    }
}

/// A seed, checked, with the positions at which its money can move on.
#[derive(Clone, Debug)]
pub(super) struct Origin {
    pub(super) claimed: Claimed,
    pub(super) range: Range<u64>,
}

impl Origin {
    /// Where the money is first.
    pub(super) fn pool(&self) -> Pool {
        Pool { account: self.claimed.account, currency: self.claimed.currency }
    }

    /// Which transactions lie between the seed and `target`.
    pub(super) fn question(&self, target: AccountId) -> Question {
        Question {
            seed: self.pool(),
            moment: self.claimed.moment,
            target: Pool { account: target.0, currency: self.claimed.currency },
            range: self.range.clone(),
        }
    }
}

/// Checks seeds that have nothing to do with each other.
pub(super) fn origins(view: &View<'_>, seeds: &[SeedKind], options: &BoundOptions) -> Result<Vec<Origin>> {
    if u32::try_from(seeds.len()).is_err() {
        return Err(Error::Limit {
            what: "bounds in one call",
            found: seeds.len() as u64,
            limit: u32::MAX.into(),
            remedy: "ask for them in several calls",
        });
    }
    let alone = TraceOptions { until: options.until, joint: false, ..TraceOptions::default() };
    let cases: Vec<Seed> = seeds.iter().zip(0..).map(|(&kind, case)| Seed { case, kind }).collect();
    let plan = plan(view, cases.len() as u32, &cases, &alone)?;
    let mut origins = vec![None; cases.len()];
    for claim in &plan.claims {
        let transaction = view.graph().transaction(TxId(claim.position))?;
        let claimed = Claimed {
            transaction: Some(transaction.id),
            account: transaction.destination.0,
            currency: transaction.received_currency.0,
            amount: claim.amount,
            moment: match options.ties {
                Ties::Order => claim.position as i64,
                Ties::Strict => transaction.time,
            },
            position: claim.position,
        };
        let begin = claim.position + 1;
        let range = begin..options.end(view, transaction.time)?.max(begin);
        origins[claim.case as usize] = Some(Origin { claimed, range });
    }
    for arrival in &plan.arrivals {
        let amount = arrival.amount.ok_or_else(|| {
            let problem =
                "a bound needs the amount of a balance: what is there depends on openings and rules";
            Error::input(format!("seeds[{}]", arrival.seed), problem)
        })?;
        let claimed = Claimed {
            transaction: None,
            account: arrival.account,
            currency: arrival.currency,
            amount,
            moment: match options.ties {
                Ties::Order => arrival.position as i64 - 1,
                Ties::Strict => arrival.time,
            },
            // A balance stated for the very time of the arrival may or may not include it.
            position: arrival.position,
        };
        let begin = arrival.position;
        let range = begin..options.end(view, arrival.time)?.max(begin);
        origins[arrival.case as usize] = Some(Origin { claimed, range });
    }
    Ok(origins.into_iter().flatten().collect())
}

/// Refuses a target that the view does not hold; `place` is where it was given.
pub(super) fn check_target(view: &View<'_>, target: AccountId, place: impl Fn() -> String) -> Result<()> {
    let num_accounts = view.graph().num_accounts();
    if target.0 >= num_accounts {
        return Err(Error::input(place(), format!("account {} of {num_accounts}", target.0)));
    }
    if !view.contains(target) {
        let key = view.graph().account_key(target).unwrap_or_else(|_| target.0.to_string());
        return Err(Error::input(place(), format!("account {key:?} is outside of the view that is traced")));
    }
    Ok(())
}
