//! Scores: how unlikely an instance is if everybody paid at random, as bits that add up from parts.
//!
//! A part is −log₂ of the probability that chance alone does as much or more, in thousandths of a bit: 10 bits are one in about a thousand.
//! The parts are screens in closed form, each by a null model that keeps what accounts do in all:
//! * `burst`: of all its transfers, so many of the instance's busiest account fall into the instance's time (Poisson, at the
//!   account's own mean rate);
//! * `strangers`: so many of the pairs of accounts have no other transfer between them in the view (binomial, at the share of
//!   such pairs among all);
//! * `closure`: so many pairs beyond those that a tree of the accounts needs pay each other in that time (Poisson; with d⁺
//!   payments out of the accounts and d⁻ into them, m in all, over a part τ of the view's time, d⁺·d⁻·τ/m are expected);
//! * `conserved`: the accounts in the middle pay on so nearly what they receive (Fisher's sum, less its mean, of −log₂ of the relative
//!   difference).
//!
//! An instance's time includes the moment of its last payment, which lasts as long as the view's clock ticks: the shortest time between two of its
//! transactions of different times, a day in a ledger of dates.
//!
//! The parts are not independent, and the search has chosen what it shows: a score ranks, a permutation test decides.
//!
//! # Cost
//! Time and memory of [`Pairs`] once for all searches of the same transfers, and in the payments of the instances.
//!
//! # Choices
//! All logarithms are computed in software, so that a score has the same bits on every machine.
//!
//! # Source
//! Poisson and configuration-model screens: Gauvin et al., Randomized reference models for temporal networks, SIAM Review 64(4), 2022.

use super::instances::Instance;
use super::pairs::Pairs;
use super::transfers::Transfers;
use crate::error::Result;
use crate::run::Run;
use rayon::prelude::*;

/// Parts of a score, in thousandths of a bit, none below 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Score {
    /// So much in so short a time.
    pub burst: i64,
    /// So many who otherwise have nothing to do with each other.
    pub strangers: i64,
    /// So many payments among so few.
    pub closure: i64,
    /// So much paid on to the cent.
    pub conserved: i64,
}

impl Score {
    /// The parts by name.
    pub fn parts(&self) -> [(&'static str, i64); 4] {
        [
            ("burst", self.burst),
            ("strangers", self.strangers),
            ("closure", self.closure),
            ("conserved", self.conserved),
        ]
    }

    /// The sum of the parts.
    pub fn total(&self) -> i64 {
        self.parts().iter().map(|part| part.1).sum()
    }
}

/// Most bits of one part: beyond, how much less likely says nothing.
const BITS_MAX: f64 = 1_000.0;

/// What scores are computed from.
pub(super) struct Scorer<'a> {
    transfers: &'a Transfers,
    pairs: &'a Pairs,
    /// The shortest time between two transactions of different times, in microseconds.
    tick_us: f64,
    /// Time from the first transaction to the last and a tick.
    duration_us: f64,
}

/// What the score of one instance is computed in; kept for the next one.
#[derive(Default)]
pub(super) struct Scratch {
    places: Vec<u32>,
    pairs: Vec<(u32, u32)>,
    /// The accounts of all payments.
    ends: Vec<u32>,
    /// Account, currency, whether it is paid, amount.
    sums: Vec<(u32, u16, bool, i64)>,
}

impl<'a> Scorer<'a> {
    pub(super) fn new(transfers: &'a Transfers, run: &Run) -> Result<Self> {
        let last = transfers.num_places().saturating_sub(1) as u32;
        let duration_us = if last > 0 { transfers.time(last) - transfers.time(0) } else { 0 };
        let tick_us = run.install(|| transfers.tick_us()).unwrap_or(1) as f64;
        Ok(Self {
            transfers,
            pairs: transfers.pairs(run)?,
            tick_us,
            duration_us: duration_us as f64 + tick_us,
        })
    }

    /// The scores of instances that have none yet.
    pub(super) fn score(&self, instances: &mut [Instance], run: &Run) -> Result<()> {
        run.stage("scores", instances.len() as u64);
        run.install(|| {
            instances.par_chunks_mut(1 << 10).try_for_each(|instances| {
                run.check()?;
                let mut scratch = Scratch::default();
                instances.iter_mut().for_each(|instance| instance.score = self.of(instance, &mut scratch));
                run.advance(instances.len() as u64);
                Ok(())
            })
        })
    }

    /// The score of an instance.
    pub(super) fn of(&self, instance: &Instance, scratch: &mut Scratch) -> Score {
        let Scratch { places, pairs, ends, sums } = scratch;
        places.clear();
        places.extend(instance.transactions.iter().map(|&id| self.transfers.place(id)));
        pairs.clear();
        pairs.extend(places.iter().map(|&place| (self.pairs.payer(place), self.pairs.payee(place))));
        ends.clear();
        ends.extend(pairs.iter().flat_map(|&(payer, payee)| [payer, payee]));
        ends.sort_unstable();
        pairs.sort_unstable();
        pairs.dedup();
        let num_only = places.iter().filter(|&&place| self.pairs.is_only(place)).count();
        let (first, last) = (places[0], places[places.len() - 1]);
        let span_us = (self.transfers.time(last) - self.transfers.time(first)) as f64;
        let part = (span_us + self.tick_us) / self.duration_us;
        Score {
            burst: milli(self.burst(ends, part)),
            strangers: milli(binomial_bits(pairs.len(), self.pairs.only_share(), num_only)),
            closure: milli(self.closure(ends, pairs.len(), part)),
            conserved: milli(self.conserved(places, sums)),
        }
    }

    /// `ends`: the accounts of all payments, sorted.
    fn burst(&self, ends: &[u32], part: f64) -> f64 {
        let busiest =
            ends.chunk_by(|a, b| a == b).max_by_key(|ends| (ends.len(), std::cmp::Reverse(ends[0])));
        busiest.map_or(0.0, |ends| {
            let all = self.transfers.out(ends[0]).len() + self.transfers.incoming(ends[0]).len();
            poisson_bits(all as f64 * part, ends.len())
        })
    }

    fn closure(&self, ends: &[u32], num_pairs: usize, part: f64) -> f64 {
        let (mut accounts, mut out, mut incoming) = (0, 0.0, 0.0);
        for account in ends.chunk_by(|a, b| a == b).map(|ends| ends[0]) {
            accounts += 1;
            out += self.transfers.out(account).len() as f64;
            incoming += self.transfers.incoming(account).len() as f64;
        }
        let beyond_a_tree = (num_pairs + 1).saturating_sub(accounts);
        poisson_bits(out * incoming * part / self.transfers.len() as f64, beyond_a_tree)
    }

    fn conserved(&self, places: &[u32], sums: &mut Vec<(u32, u16, bool, i64)>) -> f64 {
        sums.clear();
        for &place in places {
            let (paid, received) = (self.transfers.paid(place), self.transfers.received(place));
            sums.push((self.pairs.payer(place), paid.currency, true, paid.amount));
            sums.push((self.pairs.payee(place), received.currency, false, received.amount));
        }
        sums.sort_unstable();
        let (mut bits, mut middles) = (0.0, 0);
        for sums in sums.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let (received, paid) = sums.split_at(sums.partition_point(|sum| !sum.2));
            let [received, paid] =
                [received, paid].map(|sums| sums.iter().map(|sum| i128::from(sum.3)).sum::<i128>());
            if received > 0 && paid > 0 {
                let difference = (received - paid).unsigned_abs() as f64 / received.max(paid) as f64;
                // One part in a thousand is as near as amounts tell.
                bits -= libm::log2(difference.max(0.001));
                middles += 1;
            }
        }
        // The mean of −log₂ of a number between 0 and 1 is log₂ e.
        (bits - f64::from(middles) * std::f64::consts::LOG2_E).max(0.0)
    }
}

fn milli(bits: f64) -> i64 {
    (bits.clamp(0.0, BITS_MAX) * 1_000.0 + 0.5) as i64
}

/// −log₂ of the probability that a Poisson variable of the given mean is at least `least`.
fn poisson_bits(mean: f64, least: usize) -> f64 {
    let n = least as f64;
    if least == 0 || n <= mean {
        return 0.0;
    }
    if mean <= 0.0 {
        return BITS_MAX;
    }
    // The first term, and what all others are beside it.
    let first = n * libm::log(mean) - mean - libm::lgamma(n + 1.0);
    let (mut term, mut sum, mut k) = (1.0, 1.0, n);
    while term > 1e-12 * sum {
        k += 1.0;
        term *= mean / k;
        sum += term;
    }
    (-(first + libm::log(sum)) / std::f64::consts::LN_2).clamp(0.0, BITS_MAX)
}

/// −log₂ of the probability that at least `least` of `n` trials succeed, each with probability `p`.
fn binomial_bits(n: usize, p: f64, least: usize) -> f64 {
    let (trials, s) = (n as f64, least as f64);
    if least == 0 || s <= trials * p || p >= 1.0 {
        return 0.0;
    }
    if p <= 0.0 {
        return BITS_MAX;
    }
    let choose = libm::lgamma(trials + 1.0) - libm::lgamma(s + 1.0) - libm::lgamma(trials - s + 1.0);
    let first = choose + s * libm::log(p) + (trials - s) * libm::log(1.0 - p);
    let (mut term, mut sum, mut k) = (1.0, 1.0, s);
    while k < trials && term > 1e-12 * sum {
        term *= (trials - k) / (k + 1.0) * (p / (1.0 - p));
        k += 1.0;
        sum += term;
    }
    (-(first + libm::log(sum)) / std::f64::consts::LN_2).clamp(0.0, BITS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The sum of all terms, one by one.
    fn tail(terms: impl Iterator<Item = f64>) -> f64 {
        -terms.sum::<f64>().log2()
    }

    #[test]
    fn tails_are_those_of_their_distributions() {
        for (mean, least) in [(0.5, 1), (0.5, 4), (3.0, 4), (3.0, 12), (20.0, 31)] {
            let term = |k: usize| (1..=k).fold(f64::exp(-mean), |term, i| term * mean / i as f64);
            let expected = tail((least..least + 200).map(term));
            assert!((poisson_bits(mean, least) - expected).abs() < 1e-6, "{mean} {least}");
        }
        for (n, p, least) in [(5, 0.1, 1), (5, 0.1, 5), (16, 0.3, 9), (40, 0.02, 6)] {
            let choose = |k: usize| (0..k).fold(1.0, |all, i| all * (n - i) as f64 / (i + 1) as f64);
            let term = |k: usize| choose(k) * f64::powi(p, k as i32) * f64::powi(1.0 - p, (n - k) as i32);
            let expected = tail((least..=n).map(term));
            assert!((binomial_bits(n, p, least) - expected).abs() < 1e-6, "{n} {p} {least}");
        }
    }

    #[test]
    fn what_chance_does_anyway_has_no_score() {
        assert_eq!((poisson_bits(3.0, 3), poisson_bits(0.1, 0), poisson_bits(0.0, 0)), (0.0, 0.0, 0.0));
        assert_eq!((binomial_bits(10, 0.5, 5), binomial_bits(10, 1.0, 10)), (0.0, 0.0));
        assert_eq!((poisson_bits(0.0, 1), binomial_bits(3, 0.0, 1)), (BITS_MAX, BITS_MAX));
        assert_eq!((milli(-1.0), milli(0.0), milli(1.2345), milli(f64::INFINITY)), (0, 0, 1_235, 1_000_000));
    }
}
