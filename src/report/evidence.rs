//! The payments that show an instance, and what they come to: one form for typologies and for patterns in words.

use super::table::{Table, Values};
use super::words::{Coded, Words};
use crate::error::Result;
use crate::graph::{Graph, Transaction};
use crate::ids::{AccountId, TxId};
use crate::run::Run;
use rayon::prelude::*;
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
        let currencies = codes(graph);
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
        let (mut instances, mut currencies) = (Vec::new(), Vec::new());
        let (mut nums, mut sums): (Vec<u32>, Vec<i128>) = Default::default();
        let mut paid: Vec<(u16, TxId, i64)> = Vec::new();
        for payments in self.payments.chunk_by(|a, b| a.instance == b.instance) {
            paid.clear();
            paid.extend(
                payments.iter().map(|payment| (payment.row.paid_currency.0, payment.id, payment.row.paid)),
            );
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
    fn look_up(mut ids: Vec<u64>, key: impl Fn(u64) -> Result<String> + Sync, run: &Run) -> Result<Self> {
        ids.par_sort_unstable();
        ids.dedup();
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

    /// The place of an id among all.
    fn code(&self, id: u64) -> u32 {
        let part = ((id - self.ids[0]) >> self.shift) as usize;
        let (from, to) = (self.parts[part], self.parts[part + 1]);
        let place = self.ids[from as usize..to as usize].binary_search(&id).expect("every id was looked up");
        from + place as u32
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_id_that_was_looked_up_is_found() {
        let spread = |num: u64| (0..num).map(|at| 7 + at * at % 1013 * 3);
        for ids in [vec![5], vec![0, u64::MAX], (3..90).collect(), spread(400).collect(), vec![9, 9, 8]] {
            let keys = Keys::look_up(ids.clone(), |id| Ok(format!("key {id}")), &Run::new()).unwrap();
            let mut sorted = ids.clone();
            sorted.sort_unstable();
            sorted.dedup();
            for (code, &id) in sorted.iter().enumerate() {
                assert_eq!((keys.code(id), keys.key(id)), (code as u32, &*format!("key {id}")), "{ids:?}");
            }
            assert!(keys.parts.len() <= 2 * sorted.len() + 2);
        }
        Keys::look_up(Vec::new(), |id| Ok(id.to_string()), &Run::new()).unwrap();
    }
}
