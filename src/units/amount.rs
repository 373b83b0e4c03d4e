//! Decimal amounts, digit by digit, to minor units and back.

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

/// Parses `text` to minor units of a currency with `exponent` decimals.
///
/// Accepts an optional sign, digits, and at most one `.` with digits behind it
/// (`12`, `12.5`, `-0.05`); trailing zeros beyond the exponent are exact and accepted.
pub fn parse_amount(text: &[u8], exponent: u8) -> Result<i64, AmountFault> {
    let _ = (text, exponent);
    todo!()
}

/// Writes minor units as a decimal with exactly `exponent` decimals: `-1234.50`.
pub fn format_amount(minor: i128, exponent: u8) -> String {
    let _ = (minor, exponent);
    todo!()
}
