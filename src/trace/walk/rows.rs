//! Transactions by position, column by column, for a kernel that reads them in order.

use crate::error::{Error, Result};
use crate::graph::rates::Rates;
use crate::graph::view::Part;
use crate::graph::{Graph, View};
use crate::store::format::flags;
use crate::store::segment::Transactions;

/// The part of a transaction that moves money.
#[derive(Clone, Copy, Debug)]
pub(in crate::trace) struct Row {
    pub(in crate::trace) source: u32,
    pub(in crate::trace) destination: u32,
    pub(in crate::trace) paid: Money,
    pub(in crate::trace) received: Money,
}

/// An amount of one currency, at least 0; under value pooling a value of the base currency.
#[derive(Clone, Copy, Debug)]
pub(in crate::trace) struct Money {
    pub(in crate::trace) amount: i64,
    pub(in crate::trace) currency: u16,
}

/// The transactions of a view.
#[derive(Debug)]
pub(in crate::trace) struct Rows<'g> {
    graph: &'g Graph,
    tables: Vec<Table<'g>>,
    /// Under value pooling, what amounts are worth.
    rates: Option<Rates>,
}

/// The transactions of one segment.
#[derive(Debug)]
struct Table<'g> {
    /// Position of the first transaction.
    base: u64,
    columns: &'g Transactions,
    /// Whether some transaction may have failed.
    failures: bool,
}

impl<'g> Rows<'g> {
    /// The transactions of `view`; in values if there are `rates`.
    pub(in crate::trace) fn new(view: &View<'g>, rates: Option<Rates>) -> Self {
        let table = |part: &Part<'g>| {
            let columns = &part.segment.transactions;
            let failures = columns.flags.constant().is_none_or(|bits| bits & flags::MOVES_NOTHING != 0);
            Table { base: part.base.0, columns, failures }
        };
        Rows { graph: view.graph(), tables: view.parts().iter().map(table).collect(), rates }
    }

    /// An amount of the data as it counts in pools.
    #[inline]
    fn money(&self, table: &Table<'g>, row: usize, amount: i64, currency: u16) -> Result<Money> {
        match &self.rates {
            None => Ok(Money { amount, currency }),
            Some(rates) => {
                let amount = rates.value(amount, currency, table.columns.time.get(row)?)?;
                Ok(Money { amount, currency: rates.base().0 })
            }
        }
    }

    /// The number of the table that holds a position of the view.
    #[inline]
    pub(in crate::trace) fn table_of(&self, position: u64) -> usize {
        if self.tables.len() == 1 {
            return 0;
        }
        self.tables.partition_point(|table| table.base <= position) - 1
    }

    /// The transaction at a position, or nothing if it failed and moved no money.
    #[inline]
    pub(in crate::trace) fn read(&self, position: u64) -> Result<Option<Row>> {
        let table = self.table_of(position);
        let row = (position - self.tables[table].base) as usize;
        let Some(paid) = self.paid(table, row)? else { return Ok(None) };
        let received = match &self.tables[table].columns.received {
            Some(_) => self.received_amount(table, row)?,
            None => paid,
        };
        let (source, destination) = self.ends(position)?;
        Ok(Some(Row { source, destination, paid, received }))
    }

    /// Asks for the amounts of the transaction at a position of the view, which will soon be read.
    #[inline]
    pub(in crate::trace) fn prefetch_amounts(&self, position: u64) {
        let table = &self.tables[self.table_of(position)];
        let row = (position - table.base) as usize;
        table.columns.amount.prefetch(row);
        if let Some((amounts, _)) = &table.columns.received {
            amounts.prefetch(row);
        }
    }

    /// Asks for the transaction at a position of the view, which will soon be read.
    #[inline]
    pub(in crate::trace) fn prefetch(&self, position: u64) {
        let table = &self.tables[self.table_of(position)];
        let row = (position - table.base) as usize;
        table.columns.source.prefetch(row);
        table.columns.destination.prefetch(row);
        self.prefetch_amounts(position);
    }

    /// Both ends of the transaction at a position, whether it failed or not.
    #[inline]
    pub(in crate::trace) fn ends(&self, position: u64) -> Result<(u32, u32)> {
        let table = &self.tables[self.table_of(position)];
        let row = (position - table.base) as usize;
        let (source, destination) = (table.columns.source.get(row)?, table.columns.destination.get(row)?);
        if source.max(destination) >= self.graph.num_accounts() {
            return Err(self.damaged(position, "names an account that is not there"));
        }
        Ok((source, destination))
    }

    /// The error for columns that contradict each other.
    #[cold]
    pub(in crate::trace) fn damaged(&self, position: u64, detail: &str) -> Error {
        Error::damaged(self.graph.path(), format!("transaction at position {position}"), detail)
    }

    /// The time of the transaction at a position.
    pub(in crate::trace) fn time(&self, position: u64) -> Result<i64> {
        let table = &self.tables[self.table_of(position)];
        table.columns.time.get((position - table.base) as usize)
    }

    /// What transaction `row` of a table pays, or nothing if it failed.
    #[inline]
    pub(in crate::trace) fn paid(&self, table: usize, row: usize) -> Result<Option<Money>> {
        let table = &self.tables[table];
        if table.failed(row)? {
            return Ok(None);
        }
        let amount = table.columns.amount.get(row)?;
        if amount < 0 {
            return Err(table.negative(row, "pays", amount));
        }
        self.money(table, row, amount, table.columns.currency.get(row)?).map(Some)
    }

    /// What transaction `row` of a table hands over, or nothing if it failed.
    #[inline]
    pub(in crate::trace) fn received(&self, table: usize, row: usize) -> Result<Option<Money>> {
        if self.tables[table].columns.received.is_none() {
            return self.paid(table, row);
        }
        if self.tables[table].failed(row)? {
            return Ok(None);
        }
        self.received_amount(table, row).map(Some)
    }

    fn received_amount(&self, table: usize, row: usize) -> Result<Money> {
        let table = &self.tables[table];
        let Some((amounts, currencies)) = &table.columns.received else {
            let (amount, currency) = (table.columns.amount.get(row)?, table.columns.currency.get(row)?);
            return self.money(table, row, amount, currency);
        };
        let amount = amounts.get(row)?;
        if amount < 0 {
            return Err(table.negative(row, "hands over", amount));
        }
        self.money(table, row, amount, currencies.get(row)?)
    }
}

impl Table<'_> {
    #[inline]
    fn failed(&self, row: usize) -> Result<bool> {
        Ok(self.failures && self.columns.flags.get(row)? & flags::MOVES_NOTHING != 0)
    }

    #[cold]
    fn negative(&self, row: usize, does: &str, amount: i64) -> Error {
        Error::input(
            format!("transaction at position {}", self.base + row as u64),
            format!(
                "{does} {amount} minor units; tracing needs amounts of 0 or more: ingest such rows turned round"
            ),
        )
    }
}
