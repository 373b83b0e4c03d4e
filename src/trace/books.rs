//! The books of a trace: what came in, where it is, and the proof that nothing is missing.

use super::purse::Holding;
use super::result::{Flows, Holdings, LedgerRow, Stop, StopRow, Trace};
use crate::error::{Error, Result};
use crate::ids::{AccountId, CurrencyId, TxId};
use std::collections::BTreeMap;

/// A sink's account, a currency, a case.
type Place = (u32, u16, u32);

/// Everything that a trace writes down on its way.
#[derive(Debug)]
pub(super) struct Books {
    flows: Vec<Flow>,
    /// By case; the few currencies of one case in order of first use.
    ledger: Vec<Vec<LedgerRow>>,
    /// What sinks hold.
    sinks: BTreeMap<Place, Sunk>,
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
        Books { flows: Vec::new(), ledger: vec![Vec::new(); num_cases as usize], sinks: BTreeMap::new() }
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

    /// A seed transaction took money of a case.
    pub(super) fn supersede(&mut self, case: u32, currency: u16, amount: i64) {
        self.row(case, currency).superseded += i128::from(amount);
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

    /// A seed's part of its transaction.
    pub(super) fn seed_flow(&mut self, flow: Flow) {
        self.flows.push(flow);
    }

    /// Money enters a sink.
    pub(super) fn sink(&mut self, account: u32, currency: u16, case: u32, amount: i64, time: i64) {
        let new = Sunk { amount: 0, first: time, last: time };
        let sunk = self.sinks.entry((account, currency, case)).or_insert(new);
        sunk.amount += i128::from(amount);
        sunk.last = time;
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
        let mut sunk = Vec::with_capacity(self.sinks.len());
        for (&(account, currency, case), part) in &std::mem::take(&mut self.sinks) {
            self.row(case, currency).at_sinks += part.amount;
            *stops.entry((case, currency, Stop::Sink)).or_default() += part.amount;
            let amount = i64::try_from(part.amount).map_err(|_| super::lot::too_much(part.amount))?;
            let holding = Holding { case, currency, amount, first: part.first, last: part.last };
            sunk.push((AccountId(account), holding));
        }
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
            sinks: holdings(sunk),
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
    rows.sort_unstable_by_key(|(account, row)| {
        (row.case, std::cmp::Reverse(row.amount), *account, row.currency)
    });
    Holdings {
        case: rows.iter().map(|(_, row)| row.case).collect(),
        account: rows.iter().map(|(account, _)| *account).collect(),
        currency: rows.iter().map(|(_, row)| CurrencyId(row.currency)).collect(),
        amount: rows.iter().map(|(_, row)| row.amount).collect(),
        first_receipt: rows.iter().map(|(_, row)| row.first).collect(),
        last_receipt: rows.iter().map(|(_, row)| row.last).collect(),
    }
}
