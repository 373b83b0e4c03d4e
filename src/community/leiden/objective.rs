//! What a partition is measured by, in whole numbers.
//!
//! # Method
//! Every objective here has one shape: a community earns the weight inside it and pays for its size,
//! `earn * L(c) - pay * V(c) x V(c)`, summed over the communities. `L(c)` is the weight between members, each pair
//! counted from both ends; `V` is a node's volume, and `x` multiplies volumes:
//!
//! | objective | volume | `x` | earn | pay | divided by |
//! |---|---|---|---|---|---|
//! | modularity | sum of weights, summing to `2W` | product | `q 2W` | `p` | `q (2W)^2` |
//! | directed modularity | (sum out, sum in) | `a.out b.in + a.in b.out` | `q W` | `p` | `2 q W^2` |
//! | CPM | node size | product | `q` | `p` | `2q`, after adding `p` for each size |
//!
//! where the resolution is the fraction `p / q`. All of it is `i128` arithmetic: gains are compared exactly, so that no
//! rounding can send a node back and forth, and every machine decides alike. Floats are made only to report.
//!
//! # Choices
//! The resolution is a power-of-two fraction: exact for every float that needs at most 62 bits behind the point, and
//! where the total weight leaves room for them; otherwise the nearest one that fits.
//!
//! # Source
//! Newman, Girvan: Finding and evaluating community structure in networks, Phys. Rev. E 69, 2004.
//! Leicht, Newman: Community structure in directed networks, Phys. Rev. Lett. 100, 2008.
//! Traag, Van Dooren, Nesterov: Narrow scope for resolution-limit-free community detection, Phys. Rev. E 84, 2011.

use crate::error::{Error, Result};

/// What a partition is measured by.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
pub enum Objective {
    /// Modularity: weight inside communities beyond what the nodes' weights alone would let expect.
    /// Compares with published numbers, but merges small communities of large graphs.
    #[default]
    Modularity,
    /// Constant Potts model: weight inside beyond `resolution` per pair of members. Finds communities denser than
    /// the resolution, however large the graph around them is.
    Cpm,
}

impl Objective {
    /// The name in files and options.
    pub fn name(self) -> &'static str {
        match self {
            Objective::Modularity => "modularity",
            Objective::Cpm => "cpm",
        }
    }
}

/// The width of weights and of volumes.
pub(crate) trait Whole: Copy + Default + Ord + Send + Sync + std::fmt::Debug + 'static {
    /// As the wider of the two.
    fn wide(self) -> u64;
    /// The caller knows that the sum fits: that of all weights was computed once.
    fn plus(self, other: Self) -> Self;
}

impl Whole for u32 {
    #[inline]
    fn wide(self) -> u64 {
        self.into()
    }
    #[inline]
    fn plus(self, other: Self) -> Self {
        self + other
    }
}

impl Whole for u64 {
    #[inline]
    fn wide(self) -> u64 {
        self
    }
    #[inline]
    fn plus(self, other: Self) -> Self {
        self + other
    }
}

/// What a node, or a community, weighs against its weight inside.
pub(crate) trait Volume: Copy + Default + PartialEq + Send + Sync + std::fmt::Debug + 'static {
    fn plus(self, other: Self) -> Self;
    fn minus(self, other: Self) -> Self;
    /// Some mixture of both, for reads ahead of use.
    fn mingle(self, other: Self) -> Self;
    /// What two volumes pay for being in one community.
    fn times(self, other: Self) -> u128;
}

impl Volume for u32 {
    #[inline]
    fn mingle(self, other: Self) -> Self {
        self ^ other
    }
    #[inline]
    fn plus(self, other: Self) -> Self {
        self + other
    }
    #[inline]
    fn minus(self, other: Self) -> Self {
        self - other
    }
    #[inline]
    fn times(self, other: Self) -> u128 {
        (u64::from(self) * u64::from(other)).into()
    }
}

impl Volume for u64 {
    #[inline]
    fn mingle(self, other: Self) -> Self {
        self ^ other
    }
    #[inline]
    fn plus(self, other: Self) -> Self {
        self + other
    }
    #[inline]
    fn minus(self, other: Self) -> Self {
        self - other
    }
    #[inline]
    fn times(self, other: Self) -> u128 {
        u128::from(self) * u128::from(other)
    }
}

/// Weight out and weight in of a node in a directed graph.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Ways {
    pub out: u64,
    pub into: u64,
}

impl Volume for Ways {
    #[inline]
    fn mingle(self, other: Self) -> Self {
        Ways { out: self.out ^ other.out, into: self.into ^ other.into }
    }
    #[inline]
    fn plus(self, other: Self) -> Self {
        Ways { out: self.out + other.out, into: self.into + other.into }
    }
    #[inline]
    fn minus(self, other: Self) -> Self {
        Ways { out: self.out - other.out, into: self.into - other.into }
    }
    #[inline]
    fn times(self, other: Self) -> u128 {
        u128::from(self.out) * u128::from(other.into) + u128::from(self.into) * u128::from(other.out)
    }
}

/// The two factors of an objective, and what it takes to report it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Terms {
    /// Earned per unit of weight.
    pub earn: i128,
    /// Paid per product of volumes.
    pub pay: i128,
    /// Added before dividing: pairs of a node with itself, which CPM does not count.
    plus: i128,
    /// What one of the reported unit is.
    unit: i128,
    /// The objective if all weight could be had for nothing; the measure of "little".
    pub most: i128,
    /// How often the price can be doubled before it outgrows 126 bits.
    doublings: u32,
    /// Whether no gain outgrows 62 bits; claimed only as long as the price is not doubled.
    narrow: bool,
}

impl Terms {
    /// Modularity of a graph whose weights, each pair counted from both ends, sum to `total`.
    pub(crate) fn modularity(resolution: f64, total: u64) -> Result<Self> {
        let (p, q) = fraction(resolution, 2 * bits(total), 2 * bits(total))?;
        let earn = q * i128::from(total.max(1));
        let unit = earn * i128::from(total.max(1));
        Ok(Terms::new(earn, p, unit, total, 2 * bits(total)))
    }

    /// Directed modularity of a graph whose weights sum to `total`.
    pub(crate) fn directed_modularity(resolution: f64, total: u64) -> Result<Self> {
        let (p, q) = fraction(resolution, 2 * bits(total) + 1, 2 * bits(total) + 1)?;
        let earn = q * i128::from(total.max(1));
        let unit = earn * i128::from(total.max(1)) * 2;
        Ok(Terms::new(earn, p, unit, total, 2 * bits(total) + 1))
    }

    /// CPM of a graph whose weights, from both ends, sum to `total` and whose node sizes sum to `sizes`.
    pub(crate) fn cpm(resolution: f64, total: u64, sizes: u64) -> Result<Self> {
        let (p, q) = fraction(resolution, 2 * bits(sizes), bits(total) + 1)?;
        let most = q * i128::from(total.max(1));
        let terms = Terms::new(q, p, 2 * q, total, 2 * bits(sizes));
        Ok(Terms { plus: p * i128::from(sizes), most, ..terms })
    }

    /// Terms of which the greatest possible objective is one unit; products of volumes have at most `paid_bits` bits.
    fn new(earn: i128, pay: i128, unit: i128, total: u64, paid_bits: u32) -> Self {
        let width = |value: i128| 128 - value.leading_zeros();
        let (earned, paid) = (width(earn) + bits(total), width(pay) + paid_bits);
        let (doublings, narrow) = (126_u32.saturating_sub(paid), earned.max(paid) <= 61);
        Terms { earn, pay, plus: 0, unit, most: unit, doublings, narrow }
    }

    /// What a node of volume `volume` gains by joining a community of volume `total` to which it has `weight`.
    #[inline]
    pub(crate) fn join<W: Whole, V: Volume>(&self, weight: W, volume: V, total: V) -> i128 {
        if self.narrow {
            let (earned, paid) = (self.earn as i64 * weight.wide() as i64, volume.times(total) as i64);
            return i128::from(earned - self.pay as i64 * paid);
        }
        self.earn * i128::from(weight.wide()) - self.pay * volume.times(total) as i128
    }

    /// The objective of one community: the weight inside it from both ends, and its volume.
    #[inline]
    pub(crate) fn community<V: Volume>(&self, inside: u64, volume: V) -> i128 {
        self.join(inside, volume, volume)
    }

    /// The same with volume at twice the price.
    pub(crate) fn dearer(mut self) -> Self {
        // Half the earnings stand in where twice the price would not fit.
        match self.doublings.checked_sub(1) {
            Some(left) => (self.pay, self.doublings) = (self.pay * 2, left),
            None => self.earn /= 2,
        }
        self.narrow = false;
        self
    }

    /// The objective as it is published.
    pub(crate) fn report(&self, objective: i128) -> f64 {
        (objective + self.plus) as f64 / self.unit as f64
    }
}

fn bits(value: u64) -> u32 {
    64 - value.leading_zeros()
}

/// The fraction `p / q` nearest to `resolution`, `q` a power of two, such that `p` times a number of `paid_bits` and
/// `q` times one of `earned_bits` stay below 2^126.
fn fraction(resolution: f64, paid_bits: u32, earned_bits: u32) -> Result<(i128, i128)> {
    let refuse = |allowed| Error::Option { name: "resolution", value: resolution.to_string(), allowed };
    if !(resolution > 0.0 && resolution.is_finite()) {
        return Err(refuse("a number above 0"));
    }
    let room = |bits: u32| 126_u32.saturating_sub(bits);
    let raw = resolution.to_bits();
    let exponent = ((raw >> 52) & 0x7ff) as i32;
    let mantissa = (raw & ((1 << 52) - 1)) | if exponent > 0 { 1 << 52 } else { 0 };
    // resolution = odd * 2^power
    let power = exponent.max(1) - 1075 + mantissa.trailing_zeros() as i32;
    let odd = u128::from(mantissa >> mantissa.trailing_zeros());
    let integer_bits = (power + (128 - odd.leading_zeros()) as i32).max(0) as u32;
    if integer_bits > room(paid_bits).min(62) {
        return Err(refuse("small enough that the objective fits into 126 bits"));
    }
    let behind = 62.min(room(earned_bits)).min(room(paid_bits) - integer_bits) as i32;
    if power >= 0 {
        return Ok(((odd << power) as i128, 1));
    }
    let shift = -power;
    if shift <= behind {
        return Ok((odd as i128, 1_i128 << shift));
    }
    let drop = (shift - behind) as u32;
    let p = if drop > 100 { 0 } else { (odd + (1 << (drop - 1))) >> drop };
    match p {
        0 => Err(refuse("large enough to be told from 0 beside the total weight")),
        _ => Ok((p as i128, 1_i128 << behind)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_resolution_is_the_fraction_it_was_written_as() {
        assert_eq!(fraction(1.0, 20, 20).unwrap(), (1, 1));
        assert_eq!(fraction(0.75, 20, 20).unwrap(), (3, 4));
        assert_eq!(fraction(12.0, 20, 20).unwrap(), (12, 1));
        for value in [0.05, 0.1, 1.7, 123.456] {
            let (p, q) = fraction(value, 50, 50).unwrap();
            assert_eq!(p as f64 / q as f64, value);
        }
        let (p, q) = fraction(0.05, 110, 110).unwrap();
        assert!((p as f64 / q as f64 - 0.05).abs() < 1e-4 && q == 1 << 16);
    }

    #[test]
    fn a_resolution_that_means_nothing_is_refused() {
        for value in [0.0, -1.0, f64::NAN, f64::INFINITY, 1e30, 1e-30] {
            assert!(
                matches!(fraction(value, 60, 60), Err(Error::Option { name: "resolution", .. })),
                "{value}"
            );
        }
    }
}
