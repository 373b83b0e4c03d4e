//! The payments that show an instance, and what they come to: one form for typologies and for patterns in words.

use super::table::{Table, Values};
use crate::error::Result;
use crate::graph::{Graph, Transaction};
use crate::ids::{CurrencyId, TxId};
use crate::run::Run;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};

/// Payments whose keys one task looks up.
const ROWS_PER_TASK: usize = 1 << 12;

/// A payment of an instance, as it is shown.
pub(super) struct Payment {
    /// Number of the instance.
    pub(super) instance: usize,
    /// What the payment is in the instance, if it has a name there.
    pub(super) role: usize,
    pub(super) id: TxId,
    pub(super) key: String,
    source: String,
    destination: String,
    pub(super) row: Transaction,
}

/// Looks up payments, given as (instance, role, transaction).
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged); [`Error::Cancelled`](crate::Error::Cancelled).
pub(super) fn look_up(graph: &Graph, payments: &[(usize, usize, TxId)], run: &Run) -> Result<Vec<Payment>> {
    run.stage("keys", payments.len() as u64);
    let show = |&(instance, role, id): &(usize, usize, TxId)| {
        let row = graph.transaction(id)?;
        let (source, destination) = (graph.account_key(row.source)?, graph.account_key(row.destination)?);
        Ok(Payment { instance, role, id, key: graph.transaction_key(id)?, source, destination, row })
    };
    let task = |payments: &[(usize, usize, TxId)]| {
        run.check()?;
        run.advance(payments.len() as u64);
        payments.iter().map(show).collect::<Result<Vec<_>>>()
    };
    Ok(payments
        .par_chunks(ROWS_PER_TASK)
        .map(task)
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .flatten()
        .collect())
}

/// The table `evidence`; `roles` names what payments are, if they have names.
pub(super) fn evidence(
    graph: &Graph,
    names: &[String],
    roles: Option<&[&str]>,
    payments: &[Payment],
) -> Table {
    let text = |of: &dyn Fn(&Payment) -> String| Values::Text(payments.iter().map(of).collect());
    let code = |currency| graph.currency(currency).code.clone();
    let mut columns = vec![("instance", text(&|payment| names[payment.instance].clone()))];
    if let Some(roles) = roles {
        columns.push(("role", text(&|payment| roles[payment.role].to_string())));
    }
    columns.extend([
        ("transaction", text(&|payment| payment.key.clone())),
        ("source", text(&|payment| payment.source.clone())),
        ("destination", text(&|payment| payment.destination.clone())),
        ("time", Values::Time(payments.iter().map(|payment| payment.row.time).collect())),
        ("currency", text(&|payment| code(payment.row.paid_currency))),
        ("paid_minor", Values::I64(payments.iter().map(|payment| payment.row.paid).collect())),
        ("received_currency", text(&|payment| code(payment.row.received_currency))),
        ("received_minor", Values::I64(payments.iter().map(|payment| payment.row.received).collect())),
    ]);
    Table::new(columns)
}

/// The table `amounts`: what the payments of each instance come to by currency; a payment with several roles counts once.
pub(super) fn amounts(graph: &Graph, names: &[String], payments: &[Payment]) -> Table {
    let mut sums: BTreeMap<(usize, u16), (u32, i128)> = BTreeMap::new();
    let mut counted = BTreeSet::new();
    for payments in payments.chunk_by(|a, b| a.instance == b.instance) {
        counted.clear();
        for payment in payments.iter().filter(|payment| counted.insert(payment.id)) {
            let sum = sums.entry((payment.instance, payment.row.paid_currency.0)).or_default();
            *sum = (sum.0 + 1, sum.1 + i128::from(payment.row.paid));
        }
    }
    let code = |at: u16| graph.currency(CurrencyId(at)).code.clone();
    Table::new([
        ("instance", Values::Text(sums.keys().map(|&(number, _)| names[number].clone()).collect())),
        ("currency", Values::Text(sums.keys().map(|&(_, at)| code(at)).collect())),
        ("num_transactions", Values::U32(sums.values().map(|sum| sum.0).collect())),
        ("paid_minor", Values::I128(sums.values().map(|sum| sum.1).collect())),
    ])
}

/// Looks up the keys of accounts by instance, given as (instance, account).
///
/// # Errors
/// [`Error::Damaged`](crate::Error::Damaged).
pub(super) fn account_keys(
    graph: &Graph,
    members: &[(usize, crate::ids::AccountId)],
) -> Result<Vec<(usize, String)>> {
    members.par_iter().map(|&(number, account)| Ok((number, graph.account_key(account)?))).collect()
}
