//! The payments that show an instance, and what they come to: one form for typologies and for patterns in words.

use super::table::{Table, Values};
use super::words::{Coded, Words};
use crate::error::Result;
use crate::graph::{Graph, Transaction};
use crate::ids::{AccountId, CurrencyId, TxId};
use crate::run::Run;
use rayon::prelude::*;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Rows that one task looks up.
const ROWS_PER_TASK: usize = 1 << 12;

/// A payment of an instance.
pub(super) struct Payment {
    /// Number of the instance.
    pub(super) instance: u32,
    /// What the payment is in the instance, if it has a name there.
    pub(super) role: u32,
    pub(super) id: TxId,
    pub(super) row: Transaction,
}

/// Payments of instances, and the keys of whom and what they name.
pub(super) struct Shown {
    pub(super) payments: Vec<Payment>,
    pub(super) transactions: Keys,
    pub(super) accounts: Keys,
}

impl Shown {
    /// Looks up payments, given as (instance, role, transaction), and the keys of their accounts and of `members`.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged); [`Error::Cancelled`](crate::Error::Cancelled).
    pub(super) fn look_up(
        graph: &Graph,
        payments: &[(u32, u32, TxId)],
        members: impl Iterator<Item = AccountId>,
        run: &Run,
    ) -> Result<Self> {
        run.stage("keys", payments.len() as u64);
        let show = |&(instance, role, id): &(u32, u32, TxId)| {
            Ok(Payment { instance, role, id, row: graph.transaction(id)? })
        };
        let task = |payments: &[(u32, u32, TxId)]| {
            run.check()?;
            run.advance(payments.len() as u64);
            payments.iter().map(show).collect::<Result<Vec<_>>>()
        };
        let payments = payments.par_chunks(ROWS_PER_TASK).map(task).collect::<Result<Vec<_>>>()?;
        let payments: Vec<Payment> = payments.into_iter().flatten().collect();
        let ends = payments.iter().flat_map(|payment| [payment.row.source, payment.row.destination]);
        let accounts = ends.chain(members).map(|account| u64::from(account.0)).collect();
        let transactions = payments.iter().map(|payment| payment.id.0).collect();
        Ok(Self {
            payments,
            transactions: Keys::look_up(transactions, |id| graph.transaction_key(TxId(id)), run)?,
            accounts: Keys::look_up(accounts, |id| graph.account_key(AccountId(id as u32)), run)?,
        })
    }

    /// The table `evidence`; `roles` names what payments are, if they have names.
    pub(super) fn evidence(&self, graph: &Graph, names: &Arc<Words>, roles: Option<&[&str]>) -> Table {
        let coded = |words: &Arc<Words>, code: &(dyn Fn(&Payment) -> u32 + Sync)| {
            Values::Coded(Coded::new(words.clone(), self.payments.par_iter().map(code).collect()))
        };
        let time = |of: fn(&Payment) -> i64| self.payments.iter().map(of).collect::<Vec<i64>>();
        let currencies = graph.manifest().schema.currencies.iter().map(|currency| currency.code.clone());
        let currencies = Arc::new(currencies.collect::<Words>());
        let (accounts, transactions) = (&self.accounts, &self.transactions);
        let mut columns = vec![("instance", coded(names, &|payment| payment.instance))];
        if let Some(roles) = roles {
            let roles = Arc::new(roles.iter().collect::<Words>());
            columns.push(("role", coded(&roles, &|payment| payment.role)));
        }
        columns.extend([
            ("transaction", coded(&transactions.words, &|payment| transactions.code(payment.id.0))),
            ("source", coded(&accounts.words, &|payment| accounts.code(payment.row.source.0.into()))),
            (
                "destination",
                coded(&accounts.words, &|payment| accounts.code(payment.row.destination.0.into())),
            ),
            ("time", Values::Time(time(|payment| payment.row.time))),
            ("currency", coded(&currencies, &|payment| payment.row.paid_currency.0.into())),
            ("paid_minor", Values::I64(time(|payment| payment.row.paid))),
            ("received_currency", coded(&currencies, &|payment| payment.row.received_currency.0.into())),
            ("received_minor", Values::I64(time(|payment| payment.row.received))),
        ]);
        Table::new(columns)
    }

    /// The table `amounts`: what the payments of each instance come to by currency; a payment with several roles counts once.
    pub(super) fn amounts(&self, graph: &Graph, names: &Arc<Words>) -> Table {
        let mut sums: BTreeMap<(u32, u16), (u32, i128)> = BTreeMap::new();
        let mut counted = BTreeSet::new();
        for payments in self.payments.chunk_by(|a, b| a.instance == b.instance) {
            counted.clear();
            for payment in payments.iter().filter(|payment| counted.insert(payment.id)) {
                let sum = sums.entry((payment.instance, payment.row.paid_currency.0)).or_default();
                *sum = (sum.0 + 1, sum.1 + i128::from(payment.row.paid));
            }
        }
        let code = |at: u16| graph.currency(CurrencyId(at)).code.clone();
        Table::new([
            ("instance", Values::Coded(Coded::new(names.clone(), sums.keys().map(|&(at, _)| at).collect()))),
            ("currency", Values::Text(sums.keys().map(|&(_, at)| code(at)).collect())),
            ("num_transactions", Values::U32(sums.values().map(|sum| sum.0).collect())),
            ("paid_minor", Values::I128(sums.values().map(|sum| sum.1).collect())),
        ])
    }
}

/// The keys of ids that come up more than once.
pub(super) struct Keys {
    /// Each id once, ascending.
    ids: Vec<u64>,
    /// Their keys.
    words: Arc<Words>,
}

impl Keys {
    fn look_up(mut ids: Vec<u64>, key: impl Fn(u64) -> Result<String> + Sync, run: &Run) -> Result<Self> {
        ids.par_sort_unstable();
        ids.dedup();
        let task = |ids: &[u64]| {
            run.check()?;
            ids.iter().map(|&id| key(id)).collect::<Result<Words>>()
        };
        let parts = ids.par_chunks(ROWS_PER_TASK).map(task).collect::<Result<Vec<_>>>()?;
        let mut words = Words::default();
        parts.iter().for_each(|part| words.append(part));
        Ok(Self { ids, words: Arc::new(words) })
    }

    /// The place of an id among all.
    fn code(&self, id: u64) -> u32 {
        self.ids.binary_search(&id).expect("every id was looked up") as u32
    }

    /// The key of an id that was looked up.
    pub(super) fn key(&self, id: u64) -> &str {
        self.words.get(self.code(id) as usize)
    }

    /// A column of keys.
    pub(super) fn column(&self, ids: impl Iterator<Item = u64>) -> Values {
        Values::Coded(Coded::new(self.words.clone(), ids.map(|id| self.code(id)).collect()))
    }
}

/// A column of words, of which there are few.
pub(super) fn coded<'w>(words: &[&str], of: impl Iterator<Item = &'w str>) -> Values {
    let code =
        |word: &str| words.iter().position(|known| *known == word).expect("the words are all there are");
    let codes = of.map(|word| code(word) as u32).collect();
    Values::Coded(Coded::new(Arc::new(words.iter().collect()), codes))
}
