//! All pools of a graph: what every payment touches side by side, and what only tainted ones touch apart.
//!
//! A row of the ledger touches the pool of its source and that of its destination, both at random places, so the size of
//! what it touches there is what a pass costs. The first pool of every account stands at the account's own place.

use super::super::pool::lot::{mul_div, too_much};
use super::Role;
use crate::error::{Error, Result};
use crate::memory::Zeroed;
use crate::store::prefetch;
use zerocopy::{FromBytes, Immutable, IntoBytes, KnownLayout};

/// The money of one account in one currency, as far as every payment needs it: half a cache line.
#[derive(Clone, Copy, Debug, Default, FromBytes, Immutable, IntoBytes, KnownLayout)]
#[repr(C, align(32))]
pub(super) struct Pool {
    /// What it holds that is not tainted.
    pub(super) clean: i64,
    /// All that came in.
    pub(super) received: i64,
    /// In the first pool of an account, the cases whose taint the account can pass on: one bit for each of the first 64.
    pub(super) cases: u64,
    /// Place of the account's next pool; 0 without one.
    next: u32,
    /// One more than the currency; 0 in a pool that nobody has used.
    currency: u16,
    /// A [`Role`] as a number, 0 for one that passes on what it receives.
    role: u8,
    /// 1 if it holds anything tainted.
    tainted: u8,
}

/// The tainted money of a pool.
#[derive(Clone, Copy, Debug, Default, FromBytes, Immutable, IntoBytes, KnownLayout)]
#[repr(C, align(32))]
pub(super) struct Taint {
    /// What it holds.
    pub(super) held: i64,
    /// All that came in.
    pub(super) received: i64,
    /// Times of the first and last receipt; meaningless as long as nothing was received.
    pub(super) first: i64,
    pub(super) last: i64,
}

impl Pool {
    /// What its account is.
    #[inline]
    pub(super) fn role(&self) -> Role {
        match self.role {
            0 => Role::Other,
            1 => Role::Source,
            _ => Role::Sink,
        }
    }

    /// The currency; none if nobody has used the pool.
    pub(super) fn currency(&self) -> Option<u16> {
        self.currency.checked_sub(1)
    }

    /// Whether this is the pool of `currency`; one that nobody has used becomes it.
    #[inline]
    pub(super) fn serves(&mut self, currency: u16) -> bool {
        if self.currency == 0 {
            self.currency = currency + 1;
        }
        self.currency == currency + 1
    }

    /// Takes `amount`, which is not negative, pro rata of clean and tainted money; returns the units of both.
    #[inline]
    pub(super) fn draw(&mut self, taint: &mut Taint, amount: i64) -> (i64, i64) {
        if self.tainted == 0 {
            let clean = self.clean.min(amount);
            self.clean -= clean;
            return (clean, 0);
        }
        let (clean, tainted) = pro_rata(amount, self.clean, taint.held);
        self.clean -= clean;
        taint.held -= tainted;
        self.tainted = (taint.held > 0).into();
        (clean, tainted)
    }

    /// Puts in `amount`, of which `tainted` are tainted.
    #[inline]
    pub(super) fn deposit(&mut self, taint: &mut Taint, amount: i64, tainted: i64) {
        self.clean += amount - tainted;
        if tainted > 0 {
            self.tainted = 1;
            taint.held += tainted;
        }
    }

    /// Counts a receipt of `amount`. With the opening, this is the most that a pool can ever hold, so it is the one
    /// place where a sum could be too large.
    #[inline]
    pub(super) fn note(&mut self, amount: i64) -> Result<()> {
        let Some(received) = self.received.checked_add(amount) else {
            return Err(too_much(i128::from(self.received) + i128::from(amount)));
        };
        self.received = received;
        Ok(())
    }
}

impl Taint {
    /// Counts a receipt of `tainted` units, more than 0.
    #[inline]
    pub(super) fn note(&mut self, tainted: i64, time: i64) {
        if self.received == 0 {
            self.first = time;
        }
        self.received += tainted;
        self.last = time;
    }
}

/// Takes `amount` of `clean` and `tainted` units pro rata, what is missing from outside; returns the clean units that leave
/// first and the tainted ones that come next; clean units from outside come last.
#[inline]
fn pro_rata(amount: i64, clean: i64, tainted: i64) -> (i64, i64) {
    let balance = clean + tainted;
    if amount >= balance {
        return (clean, tainted);
    }
    let (floor, remainder) = mul_div(amount, tainted, balance);
    // The unit left over goes to the larger remainder; clean has `balance - remainder`, and wins a tie.
    let tainted = floor + i64::from(remainder > balance - remainder);
    (amount - tainted, tainted)
}

/// Every pool: the first of every account at its number, the others behind.
#[derive(Debug)]
pub(super) struct Pools {
    firsts: Zeroed<Pool>,
    first_taints: Zeroed<Taint>,
    others: Vec<(Pool, Taint)>,
}

impl Pools {
    pub(super) fn new(num_accounts: u32) -> Result<Self> {
        let len = num_accounts as usize;
        Ok(Pools { firsts: Zeroed::new(len)?, first_taints: Zeroed::new(len)?, others: Vec::new() })
    }

    /// Asks for the first pool of an account of the graph, which will soon be needed.
    #[inline]
    pub(super) fn prefetch(&self, account: u32) {
        prefetch(&self.firsts[account as usize]);
    }

    /// The place of the pool of an account of the graph in a currency.
    #[inline]
    pub(super) fn of(&mut self, account: u32, currency: u16) -> Result<usize> {
        let first = account as usize;
        if self.firsts[first].serves(currency) { Ok(first) } else { self.behind(first, currency) }
    }

    /// The pool of `currency` on the way from the pool at `first`; a new one at the end.
    fn behind(&mut self, first: usize, currency: u16) -> Result<usize> {
        let mut at = first;
        loop {
            let (pool, _) = self.at(at);
            if pool.serves(currency) {
                return Ok(at);
            }
            if pool.next == 0 {
                break;
            }
            at = pool.next as usize;
        }
        let new = self.len();
        let role = self.firsts[first].role;
        self.at(at).0.next = u32::try_from(new).map_err(|_| Error::Limit {
            what: "pools of one graph",
            found: new as u64,
            limit: u32::MAX.into(),
            remedy: "look at fewer accounts or currencies at once",
        })?;
        self.others.push((Pool { currency: currency + 1, role, ..Pool::default() }, Taint::default()));
        Ok(new)
    }

    /// Number of places.
    pub(super) fn len(&self) -> usize {
        self.firsts.len() + self.others.len()
    }

    /// The first pool of every account, and its tainted money.
    #[inline]
    pub(super) fn firsts(&mut self) -> (&mut [Pool], &mut [Taint]) {
        (&mut self.firsts, &mut self.first_taints)
    }

    /// The pool at a place, and its tainted money.
    #[inline]
    pub(super) fn at(&mut self, place: usize) -> (&mut Pool, &mut Taint) {
        let behind = place.wrapping_sub(self.firsts.len());
        match self.others.get_mut(behind) {
            Some((pool, taint)) => (pool, taint),
            None => (&mut self.firsts[place], &mut self.first_taints[place]),
        }
    }

    /// The cases whose taint an account can pass on.
    #[inline]
    pub(super) fn cases(&mut self, account: u32) -> &mut u64 {
        &mut self.firsts[account as usize].cases
    }

    /// What an account is, from now on.
    pub(super) fn set_role(&mut self, account: u32, role: Role) {
        let mut at = account as usize;
        loop {
            let (pool, _) = self.at(at);
            pool.role = role as u8;
            match pool.next {
                0 => return,
                next => at = next as usize,
            }
        }
    }

    /// The places of an account's pools, in the order of first use.
    pub(super) fn places(&self, account: u32) -> impl Iterator<Item = (usize, &Pool, &Taint)> {
        let at = |place: usize| match place.checked_sub(self.firsts.len()) {
            Some(behind) => (place, &self.others[behind].0, &self.others[behind].1),
            None => (place, &self.firsts[place], &self.first_taints[place]),
        };
        let next = move |&(_, pool, _): &(usize, &Pool, _)| (pool.next > 0).then(|| at(pool.next as usize));
        std::iter::successors(Some(at(account as usize)), next)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pool_is_half_a_cache_line_and_knows_its_role() {
        assert_eq!((size_of::<Pool>(), size_of::<Taint>()), (32, 32));
        for role in [Role::Other, Role::Source, Role::Sink] {
            assert_eq!(Pool { role: role as u8, ..Pool::default() }.role(), role);
        }
    }

    #[test]
    fn a_tie_of_remainders_goes_to_clean_money() {
        assert_eq!(pro_rata(1, 1, 1), (1, 0));
        assert_eq!(pro_rata(1, 1, 2), (0, 1));
        assert_eq!(pro_rata(9, 2, 3), (2, 3));
    }

    #[test]
    fn what_is_put_in_comes_out_pro_rata_and_is_gone_then() {
        let (mut pool, mut taint) = (Pool::default(), Taint::default());
        pool.deposit(&mut taint, 7, 0);
        assert_eq!(pool.draw(&mut taint, 5), (5, 0));
        pool.deposit(&mut taint, 4, 3);
        assert_eq!(pool.draw(&mut taint, 4), (2, 2));
        assert_eq!((pool.draw(&mut taint, 9), pool.draw(&mut taint, 1)), ((1, 1), (0, 0)));
        assert_eq!(pool.tainted, 0);
    }

    #[test]
    fn pools_of_one_account_stand_apart_and_share_its_role() {
        let mut pools = Pools::new(2).unwrap();
        let places: Vec<usize> = [(0, 5), (1, 3), (0, 3), (0, 5), (1, 3), (0, 9), (0, 3)]
            .map(|(account, currency)| pools.of(account, currency).unwrap())
            .to_vec();
        assert_eq!(places, [0, 1, 2, 0, 1, 3, 2]);
        pools.set_role(0, Role::Sink);
        let last = pools.of(0, 11).unwrap();
        assert!([0, 2, 3, last].iter().all(|&at| pools.at(at).0.role() == Role::Sink));
        assert_eq!(pools.at(1).0.role(), Role::Other);
        let seen = |account| {
            let pools = pools.places(account).map(|(place, pool, _)| (place, pool.currency().unwrap()));
            pools.collect::<Vec<_>>()
        };
        assert_eq!(seen(0), [(0, 5), (2, 3), (3, 9), (4, 11)]);
        assert_eq!(seen(1), [(1, 3)]);
    }
}
