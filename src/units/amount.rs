//! Decimal amounts, digit by digit, to minor units and back.
//!
//! # Method
//! The digits of a text are an integer D and its decimal point and exponent a
//! power of ten, so an amount in minor units is D · 10^s with a whole s. Leading
//! and trailing zeros of D are moved into s; then s ≥ 0 is exact, and s < 0 means
//! digits that the currency does not have. Nothing passes through a float.
//!
//! # Choices
//! A digit must stand on both sides of a decimal point (`0.5`, not `.5` or `5.`);
//! blanks, thousands marks, currency signs and decimal commas are refused, since
//! each of them means different things in different files.

/// Why a text is not an amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AmountFault {
    /// Empty or blank.
    Empty,
    /// Something else than digits, one sign and one decimal point (exponents, NaN, thousands marks, …).
    NotANumber,
    /// More fraction digits than the currency has (trailing zeros do not count).
    TooManyDecimals,
    /// Outside ±(2^63 - 1) minor units.
    TooLarge,
}

/// How amounts are written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Notation {
    /// `12`, `12.5`, `-0.05`.
    #[default]
    Plain,
    /// As `Plain`, or with a power of ten behind: `5.689852347E7`, `2e-3`.
    Scientific,
}

/// What becomes of digits behind the last decimal of the currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Excess {
    /// [`AmountFault::TooManyDecimals`].
    #[default]
    Refuse,
    /// Rounded to the nearest minor unit, a tie to the even one.
    HalfEven,
}

/// Parses `text` to minor units of a currency with `exponent` decimals.
///
/// Accepts an optional sign, digits, and at most one `.` with digits behind it
/// (`12`, `12.5`, `-0.05`); trailing zeros beyond the exponent are exact and accepted.
pub fn parse_amount(text: &[u8], exponent: u8) -> Result<i64, AmountFault> {
    match parse_short(text, exponent) {
        Some(minor) => Ok(minor),
        None => parse_amount_as(text, exponent, Notation::Plain, Excess::Refuse),
    }
}

/// Powers of ten that fit into an `i64`.
const POWERS: [i64; 19] = {
    let mut powers = [1; 19];
    let mut i = 1;
    while i < powers.len() {
        powers[i] = powers[i - 1] * 10;
        i += 1;
    }
    powers
};

/// The common case: at most 16 characters, no more decimals than the currency has, no overflow.
#[inline]
fn parse_short(text: &[u8], exponent: u8) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() || digits.len() > 16 || exponent > 18 {
        return None;
    }
    let (mut value, mut point) = (0i64, None);
    for (i, byte) in digits.iter().enumerate() {
        let digit = byte.wrapping_sub(b'0');
        if digit <= 9 {
            value = value * 10 + i64::from(digit);
        } else if *byte == b'.' && point.is_none() && i > 0 {
            point = Some(i);
        } else {
            return None;
        }
    }
    let fraction = point.map_or(Some(0), |at| match digits.len() - at - 1 {
        0 => None,
        n => Some(n),
    })?;
    let shift = usize::from(exponent).checked_sub(fraction)?;
    let minor = value.checked_mul(POWERS[shift])?;
    Some(if negative { -minor } else { minor })
}

/// Parses `text` to minor units under a named notation and a named rule for excess decimals.
///
/// The result is exact, or rounded once, from the exact value, by `excess`.
///
/// # Examples
/// ```
/// use ringfence::units::amount::{Excess, Notation, parse_amount_as};
/// assert_eq!(parse_amount_as(b"5.689852347E7", 2, Notation::Scientific, Excess::Refuse), Ok(5_689_852_347));
/// assert_eq!(parse_amount_as(b"0.125", 2, Notation::Plain, Excess::HalfEven), Ok(12));
/// ```
pub fn parse_amount_as(
    text: &[u8],
    exponent: u8,
    notation: Notation,
    excess: Excess,
) -> Result<i64, AmountFault> {
    if text.iter().all(u8::is_ascii_whitespace) {
        return Err(AmountFault::Empty);
    }
    let (negative, unsigned) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    let (mantissa, power) = match (notation, unsigned.iter().position(|b| matches!(b, b'e' | b'E'))) {
        (Notation::Scientific, Some(at)) => (&unsigned[..at], parse_power(&unsigned[at + 1..])?),
        _ => (unsigned, 0),
    };
    let (whole, fraction) = match mantissa.iter().position(|b| *b == b'.') {
        Some(at) if at + 1 < mantissa.len() => (&mantissa[..at], &mantissa[at + 1..]),
        Some(_) => return Err(AmountFault::NotANumber),
        None => (mantissa, &[][..]),
    };
    if whole.is_empty() || !whole.iter().chain(fraction).all(u8::is_ascii_digit) {
        return Err(AmountFault::NotANumber);
    }
    let magnitude = scale(whole, fraction, power.saturating_add(i64::from(exponent)), excess)?;
    Ok(if negative { -magnitude } else { magnitude })
}

/// The exponent of scientific notation; very long ones saturate, which is as good as exact.
fn parse_power(text: &[u8]) -> Result<i64, AmountFault> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        [b'+', rest @ ..] => (false, rest),
        _ => (false, text),
    };
    if digits.is_empty() || !digits.iter().all(u8::is_ascii_digit) {
        return Err(AmountFault::NotANumber);
    }
    // Beyond any length of a mantissa in memory, so that the sum with it cannot come back into range.
    const FAR: i64 = 1 << 56;
    let power = digits.iter().fold(0i64, |p, d| (p * 10 + i64::from(d - b'0')).min(FAR));
    Ok(if negative { -power } else { power })
}

/// `whole.fraction` · 10^`power` as a whole number.
fn scale(whole: &[u8], fraction: &[u8], power: i64, excess: Excess) -> Result<i64, AmountFault> {
    let digit = |i: usize| {
        let byte = if i < whole.len() { whole[i] } else { fraction[i - whole.len()] };
        u64::from(byte - b'0')
    };
    let all = whole.len() + fraction.len();
    let Some(first) = (0..all).find(|&i| digit(i) != 0) else { return Ok(0) };
    let last = (first..all).rfind(|&i| digit(i) != 0).unwrap_or(first);
    // The significant digits are first..=last; their value is D · 10^shift.
    let shift = power + whole.len() as i64 - (last as i64 + 1);
    let kept = (last + 1 - first) as i64 + shift.min(0);
    if kept + shift.max(0) > 19 {
        // At least 10^19 minor units, whatever is behind the point.
        return Err(AmountFault::TooLarge);
    }
    if shift < 0 && excess == Excess::Refuse {
        return Err(AmountFault::TooManyDecimals);
    }
    let end = first + kept.max(0) as usize;
    let mut value = (first..end).fold(0u128, |v, i| v * 10 + u128::from(digit(i)));
    value *= 10u128.pow(shift.max(0) as u32);
    if shift < 0 && kept >= 0 {
        // What is cut off begins with digit(end); a tie is exactly one 5, since digit(last) is not 0.
        let tie = end == last && digit(end) == 5;
        if if tie { value % 2 == 1 } else { digit(end) >= 5 } {
            value += 1;
        }
    }
    i64::try_from(value).map_err(|_| AmountFault::TooLarge)
}

/// Writes minor units as a decimal with exactly `exponent` decimals: `-1234.50`.
pub fn format_amount(minor: i128, exponent: u8) -> String {
    let exponent = usize::from(exponent);
    let digits = format!("{:0>width$}", minor.unsigned_abs(), width = exponent + 1);
    let sign = if minor < 0 { "-" } else { "" };
    let (whole, fraction) = digits.split_at(digits.len() - exponent);
    if exponent == 0 { format!("{sign}{whole}") } else { format!("{sign}{whole}.{fraction}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_read_to_the_last_digit() {
        for (text, exponent, minor) in [
            ("0", 2, 0),
            ("12", 2, 1200),
            ("12.5", 2, 1250),
            ("-0.05", 2, -5),
            ("+7", 0, 7),
            ("12.500000", 2, 1250),
            ("000000000000000000000000012.30", 2, 1230),
            ("92233720368547758.07", 2, i64::MAX),
            ("-92233720368547758.07", 2, -i64::MAX),
            ("9223372036854775807", 0, i64::MAX),
            ("0.00000001", 8, 1),
            ("9", 18, 9_000_000_000_000_000_000),
            ("-0", 2, 0),
            ("0.000", 0, 0),
            ("0", 200, 0),
        ] {
            assert_eq!(parse_amount(text.as_bytes(), exponent), Ok(minor), "{text}");
        }
    }

    #[test]
    fn what_is_not_an_amount_says_why() {
        use AmountFault::*;
        for (text, exponent, fault) in [
            ("", 2, Empty),
            ("  ", 2, Empty),
            (".5", 2, NotANumber),
            ("5.", 2, NotANumber),
            ("-", 2, NotANumber),
            ("--5", 2, NotANumber),
            ("1,000", 2, NotANumber),
            ("1 000", 2, NotANumber),
            (" 1", 2, NotANumber),
            ("1.2.3", 2, NotANumber),
            ("1e3", 2, NotANumber),
            ("NaN", 2, NotANumber),
            ("inf", 2, NotANumber),
            ("\u{ff11}", 2, NotANumber),
            ("0.005", 2, TooManyDecimals),
            ("1.1", 0, TooManyDecimals),
            ("92233720368547758.08", 2, TooLarge),
            ("-9223372036854775808", 0, TooLarge),
            ("100000000000000000000000000000000000000000000000", 2, TooLarge),
            ("1", 200, TooLarge),
        ] {
            assert_eq!(parse_amount(text.as_bytes(), exponent), Err(fault), "{text}");
        }
    }

    #[test]
    fn scientific_notation_is_exact() {
        let read = |text: &str, exponent| {
            parse_amount_as(text.as_bytes(), exponent, Notation::Scientific, Excess::Refuse)
        };
        assert_eq!(read("5.689852347E7", 2), Ok(5_689_852_347));
        assert_eq!(read("1.1623836125E8", 2), Ok(11_623_836_125));
        assert_eq!(read("2.5e-1", 2), Ok(25));
        assert_eq!(read("5000", 2), Ok(500_000));
        assert_eq!(read("-1e+3", 0), Ok(-1000));
        assert_eq!(read("0e999999999999999999999", 2), Ok(0));
        assert_eq!(read("1e999999999999999999999", 2), Err(AmountFault::TooLarge));
        assert_eq!(read("1e-999999999999999999999", 2), Err(AmountFault::TooManyDecimals));
        assert_eq!(read("1e", 2), Err(AmountFault::NotANumber));
        assert_eq!(read("1e1.5", 2), Err(AmountFault::NotANumber));
        assert_eq!(read("e5", 2), Err(AmountFault::NotANumber));
    }

    #[test]
    fn half_even_rounds_once_and_to_the_even_cent() {
        let read = |text: &str| parse_amount_as(text.as_bytes(), 2, Notation::Scientific, Excess::HalfEven);
        for (text, minor) in [
            ("0.125", 12),
            ("0.135", 14),
            ("0.1250000001", 13),
            ("0.1349999999", 13),
            ("-0.125", -12),
            ("0.005", 0),
            ("0.015", 2),
            ("0.0050001", 1),
            ("0.001", 0),
            ("0.009", 1),
            ("9.995", 1000),
            ("5e-3", 0),
            ("6e-3", 1),
            ("9e-4", 0),
            ("1e-99999999999999999999", 0),
        ] {
            assert_eq!(read(text), Ok(minor), "{text}");
        }
        assert_eq!(read("92233720368547758.075"), Err(AmountFault::TooLarge));
        assert_eq!(read("92233720368547758.074"), Ok(i64::MAX));
    }

    /// Long-hand arithmetic on digit lists: multiply by ten or divide by ten, one step at a time.
    fn slow(
        digits: &str,
        decimals: usize,
        power: i32,
        exponent: u8,
        excess: Excess,
    ) -> Result<i64, AmountFault> {
        let mut number: Vec<u8> = digits.bytes().map(|b| b - b'0').collect();
        let mut steps = i64::from(power) + i64::from(exponent) - decimals as i64;
        let mut cut: Vec<u8> = Vec::new();
        while steps > 0 {
            number.push(0);
            steps -= 1;
        }
        while steps < 0 {
            cut.insert(0, number.pop().unwrap_or(0));
            steps += 1;
        }
        let exact = cut.iter().all(|d| *d == 0);
        let text: String = number.iter().map(|d| char::from(d + b'0')).collect();
        let trimmed = text.trim_start_matches('0');
        let large = trimmed.len() > 30;
        let value: u128 = if large || trimmed.is_empty() { 0 } else { trimmed.parse().unwrap() };
        if large || value >= 10u128.pow(19) {
            return Err(AmountFault::TooLarge);
        }
        if !exact && excess == Excess::Refuse {
            return Err(AmountFault::TooManyDecimals);
        }
        let half: Vec<u8> = std::iter::once(5).chain(std::iter::repeat(0)).take(cut.len()).collect();
        let up = !exact && (cut > half || (cut == half && value % 2 == 1));
        i64::try_from(value + u128::from(up)).map_err(|_| AmountFault::TooLarge)
    }

    proptest! {
        #[test]
        fn parsing_equals_long_hand_arithmetic(
            whole in "[0-9]{1,22}", fraction in "[0-9]{0,12}", power in -25i32..25, exponent in 0u8..=18,
            negative: bool, scientific: bool, round: bool,
        ) {
            let excess = if round { Excess::HalfEven } else { Excess::Refuse };
            let power = if scientific { power } else { 0 };
            let mut text = format!("{}{whole}", if negative { "-" } else { "" });
            if !fraction.is_empty() {
                text += &format!(".{fraction}");
            }
            if scientific {
                text += &format!("E{power}");
            }
            let slow = slow(&format!("{whole}{fraction}"), fraction.len(), power, exponent, excess)
                .map(|v| if negative { -v } else { v });
            prop_assert_eq!(parse_amount_as(text.as_bytes(), exponent, Notation::Scientific, excess), slow);
            if !scientific && !round {
                prop_assert_eq!(parse_amount(text.as_bytes(), exponent), slow);
            }
        }

        #[test]
        fn formatting_and_parsing_are_inverse(minor in -i64::MAX..=i64::MAX, exponent in 0u8..=18) {
            let text = format_amount(i128::from(minor), exponent);
            prop_assert_eq!(parse_amount(text.as_bytes(), exponent), Ok(minor));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: Vec<u8>, exponent: u8) {
            let _ = parse_amount(&text, exponent);
            let _ = parse_amount_as(&text, exponent, Notation::Scientific, Excess::HalfEven);
        }
    }

    #[test]
    fn sums_wider_than_an_amount_are_written_in_full() {
        assert_eq!(format_amount(-123_450, 2), "-1234.50");
        assert_eq!(format_amount(5, 2), "0.05");
        assert_eq!(format_amount(5, 0), "5");
        assert_eq!(format_amount(i128::MIN, 2), "-1701411834604692317316873037158841057.28");
    }
}
