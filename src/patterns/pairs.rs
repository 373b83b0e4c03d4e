//! Who pays whom, by payment; and which payments are the only ones between their accounts.
//!
//! # Cost
//! Time O(m log d), parallel; memory 8 bytes and a bit per transaction.

use super::transfers::Transfers;
use crate::error::Result;
use crate::run::Run;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};

/// Accounts that one task reads.
const ACCOUNTS_PER_TASK: u32 = 1 << 12;

/// Payers and payees of transfers by place.
#[derive(Debug)]
pub(super) struct Pairs {
    payers: Vec<AtomicU32>,
    payees: Vec<AtomicU32>,
    /// A bit for each place.
    only: Vec<AtomicU64>,
    only_share: f64,
}

impl Pairs {
    pub(super) fn new(transfers: &Transfers, run: &Run) -> Result<Self> {
        let num_places = transfers.num_places();
        let cells = || (0..num_places).map(|_| AtomicU32::new(u32::MAX)).collect();
        let only = (0..num_places.div_ceil(64)).map(|_| AtomicU64::new(0)).collect();
        let mut pairs = Self { payers: cells(), payees: cells(), only, only_share: 0.0 };
        let num_accounts = transfers.num_accounts();
        run.stage("pairs", u64::from(num_accounts));
        let counts: Result<Vec<(u64, u64)>> = run.install(|| {
            let tasks = (0..num_accounts.div_ceil(ACCOUNTS_PER_TASK)).into_par_iter();
            let range = |at: u32| at * ACCOUNTS_PER_TASK..((at + 1) * ACCOUNTS_PER_TASK).min(num_accounts);
            tasks.map(|at| pairs.fill(transfers, range(at), run)).collect()
        });
        let (all, only) = counts?.into_iter().fold((0, 0), |sum, one| (sum.0 + one.0, sum.1 + one.1));
        pairs.only_share = only as f64 / all.max(1) as f64;
        Ok(pairs)
    }

    /// Fills in what `accounts` pay: every place is written by one task. Says how many pairs there are, and how many with one payment.
    fn fill(&self, transfers: &Transfers, accounts: Range<u32>, run: &Run) -> Result<(u64, u64)> {
        run.check()?;
        run.advance(u64::from(accounts.end - accounts.start));
        let mut paid: Vec<(u32, u32)> = Vec::new();
        let (mut num_pairs, mut num_only) = (0, 0);
        for account in accounts {
            paid.clear();
            for entry in transfers.out(account) {
                self.payers[entry.place as usize].store(account, Ordering::Relaxed);
                self.payees[entry.place as usize].store(entry.neighbor, Ordering::Relaxed);
                paid.push((entry.neighbor, entry.place));
            }
            paid.sort_unstable();
            for payments in paid.chunk_by(|a, b| a.0 == b.0) {
                num_pairs += 1;
                if let [(_, place)] = *payments {
                    num_only += 1;
                    self.only[place as usize / 64].fetch_or(1 << (place % 64), Ordering::Relaxed);
                }
            }
        }
        Ok((num_pairs, num_only))
    }

    /// Who pays the transfer at `place`.
    #[inline]
    pub(super) fn payer(&self, place: u32) -> u32 {
        self.payers[place as usize].load(Ordering::Relaxed)
    }

    /// Whom the transfer at `place` pays.
    #[inline]
    pub(super) fn payee(&self, place: u32) -> u32 {
        self.payees[place as usize].load(Ordering::Relaxed)
    }

    /// Whether the transfer at `place` is the only one between its accounts in its direction.
    #[inline]
    pub(super) fn is_only(&self, place: u32) -> bool {
        self.only[place as usize / 64].load(Ordering::Relaxed) >> (place % 64) & 1 == 1
    }

    /// The share of pairs with one payment among all pairs of a payer and a payee.
    pub(super) fn only_share(&self) -> f64 {
        self.only_share
    }
}
