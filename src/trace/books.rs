//! The books of a trace: what came in, where it is, and the proof that nothing is missing.

use super::pool::purse::Holding;
use super::result::{Entry, Exit, Flows, Holdings, LedgerRow, Sinks, Stop, StopRow, Trace};
use crate::error::{Error, Result};
use crate::ids::{AccountId, CurrencyId, TxId};
use std::cmp::Reverse;
use std::collections::BTreeMap;

/// A sink's account, a currency, a case, why.
type Place = (u32, u16, u32, Stop);

/// Everything that a trace writes down on its way.
#[derive(Debug, Default)]
pub(super) struct Books {
    flows: Vec<Flow>,
    /// By case; the few currencies of one case in order of first use.
    ledger: Vec<Vec<LedgerRow>>,
    /// What sinks hold.
    sinks: BTreeMap<Place, Sunk>,
    entries: Vec<Entry>,
    exits: Vec<Exit>,
}

/// A case's part of one transaction.
#[derive(Clone, Copy, Debug)]
pub(super) struct Flow {
    pub(super) position: u64,
    pub(super) case: u32,
    pub(super) hop: u32,
    pub(super) paid: i64,
    pub(super) received: i64,
}

/// Money of one case and currency at one sink.
#[derive(Clone, Copy, Debug)]
struct Sunk {
    amount: i128,
    first: i64,
    last: i64,
}

impl Books {
    pub(super) fn new(num_cases: u32) -> Self {
        Books { ledger: vec![Vec::new(); num_cases as usize], ..Books::default() }
    }

    fn row(&mut self, case: u32, currency: u16) -> &mut LedgerRow {
        let rows = &mut self.ledger[case as usize];
        let currency = CurrencyId(currency);
        let at = rows.iter().position(|row| row.currency == currency).unwrap_or(rows.len());
        if at == rows.len() {
            rows.push(LedgerRow::new(case, currency));
        }
        &mut rows[at]
    }

    /// A seed begins.
    pub(super) fn seed(&mut self, case: u32, currency: u16, amount: i64) {
        self.row(case, currency).seeded += i128::from(amount);
    }

    /// A case's part of a transaction from currency `from` to currency `to`.
    #[inline]
    pub(super) fn flow(&mut self, flow: Flow, from: u16, to: u16) {
        if from != to {
            self.row(flow.case, from).converted_out += i128::from(flow.paid);
            self.row(flow.case, to).converted_in += i128::from(flow.received);
        } else if flow.paid != flow.received {
            self.row(flow.case, from).fees += i128::from(flow.paid) - i128::from(flow.received);
        }
        self.flows.push(flow);
    }

    /// Flows so far.
    #[inline]
    pub(super) fn num_flows(&self) -> u64 {
        self.flows.len() as u64
    }

    /// A seed's part of its transaction.
    pub(super) fn seed_flow(&mut self, flow: Flow) {
        self.flows.push(flow);
    }

    /// A deposit or balance seed begins.
    pub(super) fn entry(&mut self, entry: Entry) {
        self.seed(entry.case, entry.currency.0, entry.amount);
        self.entries.push(entry);
    }

    /// Money stops being followed.
    pub(super) fn exit(&mut self, exit: Exit) {
        let row = self.row(exit.case, exit.currency.0);
        let amount = i128::from(exit.amount);
        match exit.stop {
            Stop::Dust => row.dust += amount,
            Stop::Superseded => row.superseded += amount,
            Stop::Sink | Stop::MaxHops | Stop::Until => {
                row.at_sinks += amount;
                let place = (exit.account.0, exit.currency.0, exit.case, exit.stop);
                let new = Sunk { amount: 0, first: exit.time, last: exit.time };
                let sunk = self.sinks.entry(place).or_insert(new);
                sunk.amount += amount;
                sunk.last = exit.time;
            }
        }
        self.exits.push(exit);
    }

    /// Closes the books over what accounts hold, and proves every row.
    ///
    /// # Errors
    /// [`Error::Unproved`] if money is missing or appeared.
    pub(super) fn close(
        mut self,
        held: Vec<(AccountId, Holding)>,
        stopped: &[(u32, u16, i64)],
    ) -> Result<Trace> {
        for (_, holding) in &held {
            self.row(holding.case, holding.currency).held += i128::from(holding.amount);
        }
        let mut stops: BTreeMap<(u32, u16, Stop), i128> = BTreeMap::new();
        for &(case, currency, amount) in stopped {
            *stops.entry((case, currency, Stop::Until)).or_default() += i128::from(amount);
        }
        for exit in &self.exits {
            *stops.entry((exit.case, exit.currency.0, exit.stop)).or_default() += i128::from(exit.amount);
        }
        let mut sunk = Vec::with_capacity(self.sinks.len());
        for (&(account, currency, case, stop), part) in &self.sinks {
            let amount = i64::try_from(part.amount).map_err(|_| super::pool::lot::too_much(part.amount))?;
            let holding = Holding { case, currency, amount, first: part.first, last: part.last };
            sunk.push((AccountId(account), holding, stop));
        }
        sunk.sort_unstable_by_key(|(account, row, stop)| (order(*account, row), *stop));
        let sinks = Sinks {
            stop: sunk.iter().map(|row| row.2).collect(),
            holdings: columns(sunk.iter().map(|(account, row, _)| (*account, *row))),
        };
        self.exits.sort_by_key(|exit| (exit.case, exit.position));
        self.entries.sort_by_key(|entry| (entry.case, entry.position));
        let mut ledger: Vec<LedgerRow> = self.ledger.into_iter().flatten().collect();
        ledger.retain(|row| *row != LedgerRow::new(row.case, row.currency));
        ledger.sort_by_key(|row| (row.case, row.currency));
        if let Some(row) = ledger.iter().find(|row| !row.balances()) {
            return Err(Error::Unproved(format!("a trace does not conserve money: {row:?}")));
        }
        let stops = stops.into_iter();
        Ok(Trace {
            flows: flows(self.flows),
            holdings: holdings(held),
            sinks,
            entries: self.entries,
            exits: self.exits,
            stops: stops
                .map(|((case, currency, stop), amount)| StopRow {
                    case,
                    currency: CurrencyId(currency),
                    stop,
                    amount,
                })
                .collect(),
            ledger,
            events: 0,
        })
    }
}

/// As columns, by (case, transaction). They come by transaction.
fn flows(mut rows: Vec<Flow>) -> Flows {
    rows.sort_by_key(|row| row.case);
    Flows {
        case: rows.iter().map(|row| row.case).collect(),
        transaction: rows.iter().map(|row| TxId(row.position)).collect(),
        tainted_paid: rows.iter().map(|row| row.paid).collect(),
        tainted_received: rows.iter().map(|row| row.received).collect(),
        hop: rows.iter().map(|row| row.hop).collect(),
    }
}

/// As columns, by (case, amount descending, account, currency).
fn holdings(mut rows: Vec<(AccountId, Holding)>) -> Holdings {
    rows.sort_unstable_by_key(|(account, row)| order(*account, row));
    columns(rows.into_iter())
}

fn order(account: AccountId, row: &Holding) -> (u32, Reverse<i64>, AccountId, u16) {
    (row.case, Reverse(row.amount), account, row.currency)
}

fn columns(rows: impl ExactSizeIterator<Item = (AccountId, Holding)>) -> Holdings {
    let mut all = Holdings::default();
    for (account, row) in rows {
        all.case.push(row.case);
        all.account.push(account);
        all.currency.push(CurrencyId(row.currency));
        all.amount.push(row.amount);
        all.first_receipt.push(row.first);
        all.last_receipt.push(row.last);
    }
    all
}
