//! Balances that somebody states: what pools hold at first, and what they should hold later.
//!
//! A row without a time is an opening balance. A row with a time states the balance after every transaction up to that
//! time; where it differs from opening + received − paid, that is a *balance break*: the data lack something, and no
//! trace makes up for it silently ([`breaks`]).
//!
//! # Cost
//! O(d) for d transactions of the accounts with statements.

use super::walk::cursor::{Cursor, NEVER};
use super::walk::rows::Rows;
use crate::error::{Error, Result};
use crate::graph::View;
use crate::ids::{AccountId, CurrencyId};
use crate::run::Run;
use rayon::prelude::{IntoParallelIterator, ParallelIterator};

/// One stated balance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Balance {
    /// The account.
    pub account: AccountId,
    /// The currency.
    pub currency: CurrencyId,
    /// Microseconds since 1970 UTC, every transaction up to it included; nothing for the opening balance.
    pub time: Option<i64>,
    /// Minor units. An opening below 0 (an overdraft) is an empty pool.
    pub amount: i64,
}

/// Stated balances, by (account, currency, time).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Balances {
    rows: Vec<Balance>,
}

/// A stated balance that the data do not explain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Break {
    /// The statement.
    pub stated: Balance,
    /// Opening + received − paid, in minor units.
    pub computed: i128,
}

impl Balances {
    /// The table of `rows`, in any order; the same row twice counts once.
    ///
    /// # Errors
    /// [`Error::Input`] names the row, `balances[i]`, that contradicts an earlier one.
    pub fn new(rows: &[Balance]) -> Result<Self> {
        let mut sorted: Vec<(Balance, usize)> = rows.iter().copied().zip(0..).collect();
        sorted.sort_unstable();
        for pair in sorted.windows(2) {
            let (a, b) = (pair[0].0, pair[1].0);
            let same = (a.account, a.currency, a.time) == (b.account, b.currency, b.time);
            if same && a.amount != b.amount {
                let (first, second) = (pair[0].1.min(pair[1].1), pair[0].1.max(pair[1].1));
                let problem = format!(
                    "states another balance than balances[{first}] for the same account, currency and time"
                );
                return Err(Error::input(format!("balances[{second}]"), problem));
            }
        }
        let mut rows: Vec<Balance> = sorted.into_iter().map(|row| row.0).collect();
        rows.dedup();
        Ok(Balances { rows })
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Every row, by (account, currency, time), openings first.
    pub fn rows(&self) -> &[Balance] {
        &self.rows
    }

    /// Rows of one account.
    pub(super) fn of(&self, account: AccountId) -> &[Balance] {
        let begin = self.rows.partition_point(|row| row.account < account);
        let end = self.rows.partition_point(|row| row.account <= account);
        &self.rows[begin..end]
    }

    pub(super) fn check(&self, num_accounts: u32) -> Result<()> {
        match self.rows.last() {
            Some(last) if last.account.0 >= num_accounts => Err(Error::Option {
                name: "balances",
                value: format!("account {} of {num_accounts}", last.account.0),
                allowed: "accounts of the graph",
            }),
            _ => Ok(()),
        }
    }
}

/// Statements of `balances` that the transactions of `view` do not explain, by (account, currency, time).
///
/// # Errors
/// [`Error::Damaged`] if the graph is; [`Error::Cancelled`].
pub fn breaks(view: &View<'_>, balances: &Balances, run: &Run) -> Result<Vec<Break>> {
    balances.check(view.graph().num_accounts())?;
    let rows = Rows::new(view, None);
    let accounts: Vec<&[Balance]> = balances.rows.chunk_by(|a, b| a.account == b.account).collect();
    run.stage("balances", accounts.len() as u64);
    let of = |stated: &[Balance]| {
        run.check()?;
        run.advance(1);
        breaks_of(view, &rows, stated)
    };
    let parts: Vec<Result<Vec<Break>>> = run.install(|| accounts.into_par_iter().map(of).collect());
    let mut all = Vec::new();
    for part in parts {
        all.append(&mut part?);
    }
    Ok(all)
}

/// Breaks of one account.
fn breaks_of(view: &View<'_>, rows: &Rows<'_>, stated: &[Balance]) -> Result<Vec<Break>> {
    let mut found = Vec::new();
    if stated.iter().all(|row| row.time.is_none()) {
        return Ok(found);
    }
    let id = stated[0].account;
    let moves = moves(view, rows, id)?;
    for same in stated.chunk_by(|a, b| a.currency == b.currency) {
        let mut computed =
            same.iter().filter(|row| row.time.is_none()).map(|row| i128::from(row.amount)).sum();
        let mut left = moves.iter().filter(|row| row.currency == same[0].currency.0).peekable();
        for row in same {
            let Some(time) = row.time else { continue };
            while let Some(step) = left.next_if(|step| step.time <= time) {
                computed += step.amount;
            }
            if computed != i128::from(row.amount) {
                found.push(Break { stated: *row, computed });
            }
        }
    }
    Ok(found)
}

/// One receipt or payment.
struct Move {
    time: i64,
    currency: u16,
    amount: i128,
}

fn moves(view: &View<'_>, rows: &Rows<'_>, id: AccountId) -> Result<Vec<Move>> {
    let mut moves = Vec::new();
    let mut incoming = Cursor::new(view.incoming(id), view)?;
    while incoming.next() != NEVER {
        if let Some(money) = incoming.received(rows)? {
            let time = rows.time(incoming.next())?;
            moves.push(Move { time, currency: money.currency, amount: money.amount.into() });
        }
        incoming.advance(view);
    }
    let mut out = Cursor::new(view.out(id), view)?;
    while out.next() != NEVER {
        if let Some(money) = out.paid(rows)? {
            let time = rows.time(out.next())?;
            moves.push(Move { time, currency: money.currency, amount: -i128::from(money.amount) });
        }
        out.advance(view);
    }
    moves.sort_by_key(|step| step.time);
    Ok(moves)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_that_contradicts_itself_is_refused_by_row() {
        let row = |time, amount| Balance { account: AccountId(3), currency: CurrencyId(0), time, amount };
        assert_eq!(Balances::new(&[row(None, 5), row(None, 5), row(Some(1), 6)]).unwrap().rows().len(), 2);
        let error = Balances::new(&[row(Some(1), 6), row(None, 5), row(Some(1), 7)]).unwrap_err();
        assert!(error.to_string().contains("balances[2]"), "{error}");
    }
}
