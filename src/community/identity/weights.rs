//! Weights of evidence in whole numbers: what a shared identifier tells, in 1/256 bit.
//!
//! One bit doubles the odds that two accounts belong together. Whole numbers add up to the same sum in every order and
//! on every machine, which logarithms of floats do not promise.
//!
//! # Method
//! Binary logarithms digit by digit, by squaring a 63-bit mantissa; powers of ½ from two tables, for the upper and the lower
//! eight binary digits of the exponent, made of its repeated square roots. Both are exact to far below 1/256 bit.

/// Units of a weight per bit.
pub const WEIGHT_PER_BIT: u32 = 256;

/// Binary digits after the point of a logarithm while it is computed.
const LOG_DIGITS: u32 = 24;

/// The binary logarithm of a number of at least 1, times 2^24, rounded down.
fn log2(number: u64) -> i64 {
    let whole = number.ilog2();
    let mut mantissa = u128::from(number) << (63 - whole); // 1 to 2, times 2^63
    let mut log = i64::from(whole);
    for _ in 0..LOG_DIGITS {
        mantissa = (mantissa * mantissa) >> 63;
        let carry = mantissa >> 64;
        mantissa >>= carry;
        log = log << 1 | carry as i64;
    }
    log
}

/// What sharing an identifier tells, in 1/256 bit: `log₂(m / u)`, and 0 where that is less.
///
/// `m` is the chance, in thousandths, that two accounts of one ring share an identifier of this kind. `u` is the
/// chance that an account uses this very identifier although it has nothing to do with a user of it: `accounts`
/// of the `population` do.
pub fn rarity(m_permille: u32, population: u32, accounts: u32) -> u32 {
    let likely = u64::from(m_permille) * u64::from(population);
    let by_chance = 1_000 * u64::from(accounts);
    let log = log2(likely.max(1)) - log2(by_chance.max(1));
    let unit = 1_i64 << (LOG_DIGITS - WEIGHT_PER_BIT.ilog2());
    u32::try_from((log + unit / 2).div_euclid(unit)).unwrap_or(0)
}

/// Binary digits after the point of an exponent: two tables of 8.
const EXPONENT_DIGITS: u32 = 16;

/// `2^(−i / 2^8)` and `2^(−i / 2^16)` for i from 0 to 255, times 2^63.
const POWERS: [[u64; 256]; 2] = {
    let mut powers = [[1 << 63; 256]; 2];
    let mut root = 1_u128 << 62; // ½, then its square root, the root of that, …
    let mut digit = 0;
    while digit < EXPONENT_DIGITS {
        root = (root << 63).isqrt();
        let table = (digit / 8) as usize;
        let mut at = 0;
        while at < 256 {
            if at >> (7 - digit % 8) & 1 == 1 {
                powers[table][at] = ((powers[table][at] as u128 * root) >> 63) as u64;
            }
            at += 1;
        }
        digit += 1;
    }
    powers
};

/// A weight after a gap of some time: half of it for each half-life, rounded down.
pub fn decayed(weight: u32, gap: u64, half_life: u64) -> u32 {
    let whole = gap / half_life;
    if gap == 0 || whole >= 32 {
        return if gap == 0 { weight } else { 0 };
    }
    let fraction = (u128::from(gap % half_life) << EXPONENT_DIGITS) / u128::from(half_life);
    let [upper, lower] = [POWERS[0][fraction as usize >> 8], POWERS[1][fraction as usize & 255]];
    let left = u128::from(weight) * ((u128::from(upper) * u128::from(lower)) >> 63);
    (left >> 63 >> whole) as u32
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rarity_is_the_logarithm_rounded() {
        for (m, population, accounts) in [
            (900, 1_000_000, 2),
            (1_000, 8, 1),
            (500, 4_238, 11),
            (1, 1, 1),
            (1_000, u32::MAX, 1),
            (37, 977, 13),
        ] {
            let exact = (f64::from(m) / 1000.0 * f64::from(population) / f64::from(accounts)).log2();
            assert_eq!(rarity(m, population, accounts), (exact * 256.0).round().max(0.0) as u32, "{m}");
        }
        assert_eq!(rarity(1_000, 8, 1), 3 * WEIGHT_PER_BIT);
        assert_eq!((rarity(1_000, 5, 5), rarity(900, 5, 5), rarity(0, 0, 0)), (0, 0, 0));
    }

    #[test]
    fn a_weight_halves_with_each_half_life() {
        assert_eq!(
            [0, 10, 20, 310, 320].map(|gap| decayed(1 << 31, gap, 10)),
            [1 << 31, 1 << 30, 1 << 29, 1, 0]
        );
        for gap in 0..5_000_u64 {
            let exact = 2e4 * (-(gap as f64) / 1234.0).exp2();
            let found = f64::from(decayed(20_000, gap, 1234));
            assert!(found <= exact + 0.3 && found > exact - 1.001, "{gap}: {found} {exact}");
            assert!(decayed(20_000, gap + 1, 1234) <= decayed(20_000, gap, 1234));
        }
        assert_eq!(decayed(5, u64::MAX, 1), 0);
        assert_eq!(decayed(u32::MAX, 0, u64::MAX), u32::MAX);
    }
}
