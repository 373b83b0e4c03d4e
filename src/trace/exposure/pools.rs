//! All pools of a graph: one cache line each, the first pool of every account at the account's own place.

use super::super::pool::lot::{mul_div, too_much};
use super::Role;
use crate::error::Result;
use crate::store::prefetch;

/// The money of one account in one currency: two owners, and what came and went.
///
/// A row of the ledger touches the pool of its source and that of its destination, both at random places; 64 bytes
/// on a line of their own make it two misses, whatever a row has to note.
#[derive(Clone, Copy, Debug, Default)]
#[repr(align(64))]
pub(super) struct Pool {
    pub(super) clean: i64,
    pub(super) tainted: i64,
    /// All that came in.
    pub(super) received: i64,
    /// The tainted part of it.
    pub(super) tainted_received: i64,
    /// Times of the first and last tainted receipt; meaningless as long as `tainted_received` is 0.
    pub(super) first: i64,
    pub(super) last: i64,
    /// Place of the account's next pool; 0 without one.
    next: u32,
    /// One more than the currency; 0 in a pool that nobody has used.
    currency: u16,
    pub(super) role: Role,
}

impl Pool {
    /// The currency; none if nobody has used the pool.
    pub(super) fn currency(&self) -> Option<u16> {
        self.currency.checked_sub(1)
    }

    /// Takes `amount`, which is more than 0, pro rata, what is missing from outside, and returns the clean units that leave first and the
    /// tainted ones that come next; clean units from outside come last.
    #[inline]
    pub(super) fn draw(&mut self, amount: i64) -> (i64, i64) {
        if self.tainted == 0 {
            let clean = self.clean.min(amount);
            self.clean -= clean;
            return (clean, 0);
        }
        let balance = self.clean + self.tainted;
        let (clean, tainted) = if amount >= balance {
            (self.clean, self.tainted)
        } else {
            let (floor, remainder) = mul_div(amount, self.tainted, balance);
            // The unit left over goes to the larger remainder; clean has `balance - remainder`, and wins a tie.
            let tainted = floor + i64::from(remainder > balance - remainder);
            (amount - tainted, tainted)
        };
        self.clean -= clean;
        self.tainted -= tainted;
        (clean, tainted)
    }

    /// Puts in `amount`, of which `tainted` are tainted.
    #[inline]
    pub(super) fn deposit(&mut self, amount: i64, tainted: i64) {
        self.clean += amount - tainted;
        self.tainted += tainted;
    }

    /// Notes a receipt of `amount` at `time`; `opening` is what the pool held at first. What a pool holds is at most what came in,
    /// so this is the one place where a sum could be too large.
    #[inline]
    pub(super) fn note(&mut self, amount: i64, tainted: i64, time: i64) -> Result<()> {
        let Some(received) = self.received.checked_add(amount) else {
            return Err(too_much(i128::from(self.received) + i128::from(amount)));
        };
        self.received = received;
        if tainted > 0 {
            if self.tainted_received == 0 {
                self.first = time;
            }
            self.tainted_received += tainted;
            self.last = time;
        }
        Ok(())
    }
}

/// Every pool; the first of every account at its number, the others behind.
#[derive(Debug)]
pub(super) struct Pools {
    pools: Vec<Pool>,
    num_accounts: u32,
}

impl Pools {
    pub(super) fn new(num_accounts: u32) -> Self {
        Pools { pools: vec![Pool::default(); num_accounts as usize], num_accounts }
    }

    /// Asks for the first pool of an account of the graph, which will soon be needed.
    #[inline]
    pub(super) fn prefetch(&self, account: u32) {
        prefetch(&self.pools[account as usize]);
    }

    /// The pool of an account of the graph in a currency.
    #[inline]
    pub(super) fn of(&mut self, account: u32, currency: u16) -> Result<usize> {
        let first = account as usize;
        if self.pools[first].currency == currency + 1 { Ok(first) } else { self.behind(first, currency + 1) }
    }

    /// The pool of `currency` on the way from the pool at `first`; a new one at the end.
    fn behind(&mut self, first: usize, currency: u16) -> Result<usize> {
        let mut at = first;
        loop {
            let pool = &mut self.pools[at];
            if pool.currency == 0 {
                pool.currency = currency;
            }
            if pool.currency == currency {
                return Ok(at);
            }
            if pool.next == 0 {
                break;
            }
            at = pool.next as usize;
        }
        let new = self.pools.len();
        let role = self.pools[first].role;
        self.pools[at].next = u32::try_from(new).map_err(|_| crate::error::Error::Limit {
            what: "pools of one graph",
            found: new as u64,
            limit: u32::MAX.into(),
            remedy: "look at fewer accounts or currencies at once",
        })?;
        self.pools.push(Pool { currency, role, ..Pool::default() });
        Ok(new)
    }

    #[inline]
    pub(super) fn at(&mut self, place: usize) -> &mut Pool {
        &mut self.pools[place]
    }

    /// What an account is, from now on.
    pub(super) fn set_role(&mut self, account: u32, role: Role) {
        let mut at = account as usize;
        loop {
            self.pools[at].role = role;
            match self.pools[at].next {
                0 => return,
                next => at = next as usize,
            }
        }
    }

    pub(super) fn all(&mut self) -> &mut [Pool] {
        &mut self.pools
    }

    /// Calls `each` with every account, place and pool, by account, then by first use.
    pub(super) fn for_each(&self, mut each: impl FnMut(u32, usize, &Pool)) {
        for account in 0..self.num_accounts {
            let mut at = account as usize;
            loop {
                each(account, at, &self.pools[at]);
                match self.pools[at].next {
                    0 => break,
                    next => at = next as usize,
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_one_cache_line() {
        assert_eq!(size_of::<Pool>(), 64);
    }

    #[test]
    fn a_tie_of_remainders_goes_to_clean_money() {
        let pool = |clean, tainted| Pool { clean, tainted, ..Pool::default() };
        assert_eq!(pool(1, 1).draw(1), (1, 0));
        assert_eq!(pool(1, 2).draw(1), (0, 1));
        assert_eq!(pool(2, 3).draw(9), (2, 3));
        assert_eq!(pool(7, 0).draw(9), (7, 0));
    }

    #[test]
    fn pools_of_one_account_stand_apart_and_share_its_role() {
        let mut pools = Pools::new(2);
        let places: Vec<usize> = [(0, 5), (1, 3), (0, 3), (0, 5), (1, 3), (0, 9), (0, 3)]
            .map(|(account, currency)| pools.of(account, currency).unwrap())
            .to_vec();
        assert_eq!(places, [0, 1, 2, 0, 1, 3, 2]);
        pools.set_role(0, Role::Sink);
        let last = pools.of(0, 11).unwrap();
        assert!([0, 2, 3, last].iter().all(|&at| pools.at(at).role == Role::Sink));
        assert_eq!(pools.at(1).role, Role::Other);
        let mut seen = Vec::new();
        pools.for_each(|account, _, pool| seen.push((account, pool.currency().unwrap())));
        assert_eq!(seen, [(0, 5), (0, 3), (0, 9), (0, 11), (1, 3)]);
    }
}
