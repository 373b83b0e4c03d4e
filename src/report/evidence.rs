//! The payments that show an instance, and what they come to: one form for typologies and for patterns in words.

use super::table::{Table, Values};
use super::words::{Coded, Words};
use crate::error::Result;
use crate::graph::{Graph, Transaction};
use crate::ids::{AccountId, TxId};
use crate::run::Run;
use fixedbitset::FixedBitSet;
use rayon::prelude::*;
use std::sync::Arc;

/// Rows that one task looks up.
const ROWS_PER_TASK: usize = 1 << 12;

/// A payment of an instance.
pub(super) struct Payment {
    /// Number of the instance.
    pub(super) instance: u32,
    /// What the payment is in the instance, if it has a name there.
    role: u32,
    /// Its place among the transactions that were looked up.
    code: u32,
}

/// What was looked up of a transaction.
#[derive(Clone, Copy, Default)]
struct Row {
    /// Places among the accounts that were looked up.
    source: u32,
    destination: u32,
    time: i64,
    paid: i64,
    received: i64,
    paid_currency: u16,
    received_currency: u16,
}

/// Payments of instances, and the keys of whom and what they name.
pub(super) struct Shown {
    /// In the order in which they were given.
    pub(super) payments: Vec<Payment>,
    /// Each transaction once, by its place in `transactions`.
    rows: Vec<Row>,
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
        let mut ids: Vec<u64> = payments.iter().map(|payment| payment.2.0).collect();
        ids.par_sort_unstable();
        ids.dedup();
        let transactions = Keys::look_up(ids, |id| graph.transaction_key(TxId(id)), run)?;
        run.stage("keys", transactions.ids.len() as u64);
        let mut rows = vec![Row::default(); transactions.ids.len()];
        let ids = transactions.ids.par_chunks(ROWS_PER_TASK);
        rows.par_chunks_mut(ROWS_PER_TASK).zip(ids).try_for_each(|(rows, ids)| {
            run.check()?;
            for (row, &id) in rows.iter_mut().zip(ids) {
                *row = Row::of(&graph.transaction(TxId(id))?);
            }
            run.advance(ids.len() as u64);
            Ok(())
        })?;
        let mut named = FixedBitSet::with_capacity(graph.num_accounts() as usize);
        let ends = rows.iter().flat_map(|row| [row.source, row.destination]);
        ends.chain(members.map(|account| account.0)).for_each(|account| named.insert(account as usize));
        let ids = named.ones().map(|account| account as u64).collect();
        let accounts = Keys::look_up(ids, |id| graph.account_key(AccountId(id as u32)), run)?;
        rows.par_iter_mut().for_each(|row| {
            row.source = accounts.code(row.source.into());
            row.destination = accounts.code(row.destination.into());
        });
        let payments = payments.par_iter().map(|&(instance, role, id)| Payment {
            instance,
            role,
            code: transactions.code(id.0),
        });
        Ok(Self { payments: payments.collect(), rows, transactions, accounts })
    }

    fn row(&self, payment: &Payment) -> &Row {
        &self.rows[payment.code as usize]
    }

    /// When a payment took place, in microseconds since 1970 UTC.
    pub(super) fn time(&self, payment: &Payment) -> i64 {
        self.row(payment).time
    }

    /// The table `evidence`; `roles` names what payments are, if they have names.
    pub(super) fn evidence(&self, graph: &Graph, names: &Arc<Words>, roles: Option<&[&str]>) -> Table {
        let coded = |words: &Arc<Words>, code: &(dyn Fn(&Payment) -> u32 + Sync)| {
            Values::Coded(Coded::new(words.clone(), self.payments.par_iter().map(code).collect()))
        };
        let of_rows = |words: &Arc<Words>, code: fn(&Row) -> u32| coded(words, &|one| code(self.row(one)));
        let number = |of: fn(&Row) -> i64| self.payments.par_iter().map(|one| of(self.row(one))).collect();
        let currencies = codes(graph);
        let accounts = &self.accounts.words;
        let mut columns = vec![("instance", coded(names, &|payment| payment.instance))];
        if let Some(roles) = roles {
            let roles = Arc::new(roles.iter().collect::<Words>());
            columns.push(("role", coded(&roles, &|payment| payment.role)));
        }
        columns.extend([
            ("transaction", coded(&self.transactions.words, &|payment| payment.code)),
            ("source", of_rows(accounts, |row| row.source)),
            ("destination", of_rows(accounts, |row| row.destination)),
            ("time", Values::Time(number(|row| row.time))),
            ("currency", of_rows(&currencies, |row| row.paid_currency.into())),
            ("paid_minor", Values::I64(number(|row| row.paid))),
            ("received_currency", of_rows(&currencies, |row| row.received_currency.into())),
            ("received_minor", Values::I64(number(|row| row.received))),
        ]);
        Table::new(columns)
    }

    /// The table `amounts`: what the payments of each instance come to by currency; a payment with several roles counts once.
    pub(super) fn amounts(&self, graph: &Graph, names: &Arc<Words>) -> Table {
        let (mut instances, mut currencies) = (Vec::new(), Vec::new());
        let (mut nums, mut sums): (Vec<u32>, Vec<i128>) = Default::default();
        let mut paid: Vec<(u16, u32, i64)> = Vec::new();
        for payments in self.payments.chunk_by(|a, b| a.instance == b.instance) {
            paid.clear();
            paid.extend(payments.iter().map(|payment| {
                let row = self.row(payment);
                (row.paid_currency, payment.code, row.paid)
            }));
            paid.sort_unstable();
            paid.dedup();
            for of_currency in paid.chunk_by(|a, b| a.0 == b.0) {
                instances.push(payments[0].instance);
                currencies.push(u32::from(of_currency[0].0));
                nums.push(of_currency.len() as u32);
                sums.push(of_currency.iter().map(|&(_, _, paid)| i128::from(paid)).sum());
            }
        }
        Table::new([
            ("instance", Values::Coded(Coded::new(names.clone(), instances))),
            ("currency", Values::Coded(Coded::new(codes(graph), currencies))),
            ("num_transactions", Values::U32(nums)),
            ("paid_minor", Values::I128(sums)),
        ])
    }
}

impl Row {
    /// With the numbers of accounts where their places will be.
    fn of(transaction: &Transaction) -> Self {
        Self {
            source: transaction.source.0,
            destination: transaction.destination.0,
            time: transaction.time,
            paid: transaction.paid,
            received: transaction.received,
            paid_currency: transaction.paid_currency.0,
            received_currency: transaction.received_currency.0,
        }
    }
}

/// The codes of a graph's currencies.
fn codes(graph: &Graph) -> Arc<Words> {
    Arc::new(graph.manifest().schema.currencies.iter().map(|currency| &currency.code).collect())
}

/// The keys of ids that come up more than once.
///
/// Ids are found by their place in equal parts of their range, about as many as there are ids: most parts hold one or two.
pub(super) struct Keys {
    /// Each id once, ascending.
    ids: Vec<u64>,
    /// Where the ids of each part begin, and where the last one ends.
    parts: Vec<u32>,
    /// A part has 2^shift numbers.
    shift: u32,
    /// Their keys.
    words: Arc<Words>,
}

impl Keys {
    /// Looks up the keys of ids, which ascend.
    fn look_up(ids: Vec<u64>, key: impl Fn(u64) -> Result<String> + Sync, run: &Run) -> Result<Self> {
        let task = |ids: &[u64]| {
            run.check()?;
            ids.iter().map(|&id| key(id)).collect::<Result<Words>>()
        };
        let found = ids.par_chunks(ROWS_PER_TASK).map(task).collect::<Result<Vec<_>>>()?;
        let mut words = Words::default();
        found.iter().for_each(|found| words.append(found));
        let (first, last) = (ids.first().copied().unwrap_or(0), ids.last().copied().unwrap_or(0));
        let shift = ((last - first) / (ids.len() as u64).max(1)).checked_ilog2().map_or(0, |log| log + 1);
        let mut parts = vec![0; ((last - first) >> shift) as usize + 2];
        ids.iter().for_each(|id| parts[((id - first) >> shift) as usize + 1] += 1);
        let mut end = 0;
        for part in &mut parts {
            end += *part;
            *part = end;
        }
        Ok(Self { ids, parts, shift, words: Arc::new(words) })
    }

    /// The place of an id that was looked up among all.
    pub(super) fn code(&self, id: u64) -> u32 {
        let part = ((id - self.ids[0]) >> self.shift) as usize;
        let (from, to) = (self.parts[part], self.parts[part + 1]);
        let place = self.ids[from as usize..to as usize].binary_search(&id).expect("every id was looked up");
        from + place as u32
    }

    /// The key of an id that was looked up.
    pub(super) fn key(&self, id: u64) -> &str {
        self.word(self.code(id))
    }

    /// The key at a place.
    pub(super) fn word(&self, code: u32) -> &str {
        self.words.get(code as usize)
    }

    /// A column of keys, by their places.
    pub(super) fn column(&self, codes: Vec<u32>) -> Values {
        Values::Coded(Coded::new(self.words.clone(), codes))
    }
}

/// A column of words, of which there are few.
pub(super) fn coded<'w>(words: &[&str], of: impl Iterator<Item = &'w str>) -> Values {
    let code =
        |word: &str| words.iter().position(|known| *known == word).expect("the words are all there are");
    let codes = of.map(|word| code(word) as u32).collect();
    Values::Coded(Coded::new(Arc::new(words.iter().collect()), codes))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_that_was_looked_up_is_found() {
        let spread = |num: u64| (0..num).map(|at| 7 + at * at % 1013 * 3);
        for ids in [vec![5], vec![0, u64::MAX], (3..90).collect(), spread(400).collect(), vec![8, 9]] {
            let mut ids: Vec<u64> = ids;
            ids.sort_unstable();
            ids.dedup();
            let keys = Keys::look_up(ids.clone(), |id| Ok(format!("key {id}")), &Run::new()).unwrap();
            for (code, &id) in ids.iter().enumerate() {
                assert_eq!((keys.code(id), keys.key(id)), (code as u32, &*format!("key {id}")), "{ids:?}");
            }
            assert!(keys.parts.len() <= 2 * ids.len() + 2);
        }
        Keys::look_up(Vec::new(), |id| Ok(id.to_string()), &Run::new()).unwrap();
    }
}
