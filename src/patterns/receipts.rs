//! For each payment, what its payer had received before: the step back in time of every path.

use super::transfers::Transfers;
use crate::error::Result;
use crate::run::Run;
use crate::units::Ties;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU64, Ordering};

/// Accounts that one task reads.
const ACCOUNTS_PER_TASK: usize = 1 << 12;

/// By place of a payment. Payments of a window lie together, so that looking one up mostly hits the cache.
#[derive(Debug)]
pub(super) struct Receipts {
    before: Vec<AtomicU64>,
}

/// What the payer of a payment had received before.
#[derive(Clone, Copy, Debug)]
pub(super) struct Before {
    /// How many of the payer's receipts could be spent by the payment.
    pub(super) count: u32,
    /// Place of the latest of them, plus 1; 0 if there is none.
    pub(super) after_latest: u32,
}

impl Receipts {
    /// Cost: time O(m), memory 8 bytes per transaction.
    pub(super) fn new(transfers: &Transfers, ties: Ties, run: &Run) -> Result<Self> {
        let before: Vec<AtomicU64> =
            (0..transfers.num_places()).into_par_iter().map(|_| AtomicU64::new(0)).collect();
        let num_accounts = transfers.num_accounts() as usize;
        run.stage("receipts", num_accounts as u64);
        run.install(|| {
            (0..num_accounts.div_ceil(ACCOUNTS_PER_TASK)).into_par_iter().try_for_each(|task| {
                run.check()?;
                let accounts = task * ACCOUNTS_PER_TASK..((task + 1) * ACCOUNTS_PER_TASK).min(num_accounts);
                run.advance(accounts.len() as u64);
                for account in accounts {
                    let received = transfers.incoming(account as u32);
                    let mut count = 0;
                    for paid in transfers.out(account as u32) {
                        while received
                            .get(count)
                            .is_some_and(|receipt| transfers.follows(ties, receipt.place, paid.place))
                        {
                            count += 1;
                        }
                        if count > 0 {
                            let latest = u64::from(received[count - 1].place) + 1;
                            // Every place belongs to one payer, so that it is written once.
                            before[paid.place as usize]
                                .store((count as u64) << 32 | latest, Ordering::Relaxed);
                        }
                    }
                }
                Ok(())
            })
        })?;
        Ok(Self { before })
    }

    /// What the payer of the payment at `place` had received before it.
    #[inline]
    pub(super) fn before(&self, place: u32) -> Before {
        let both = self.before[place as usize].load(Ordering::Relaxed);
        Before { count: (both >> 32) as u32, after_latest: both as u32 }
    }
}
