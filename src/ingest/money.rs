//! Amounts and currencies of a transaction source.

use super::batch::Batch;
use super::cells::Cells;
use super::intern::Names;
use super::mapping::{Mapping, Negative, Transactions, Unit, Zero};
use super::reject::Reason;
use crate::store::manifest::ControlTotal;
use crate::units::Currency;
use crate::units::amount::{AmountFault, Excess, Notation, parse_amount, parse_amount_as};
use std::collections::BTreeMap;

/// In columns of amounts: could not be read. No amount has this value.
pub(crate) const NO_AMOUNT: i64 = i64::MIN;
/// In columns of currencies: could not be read.
pub(crate) const NO_CURRENCY: u16 = u16::MAX;

/// How amounts become minor units.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AmountRules {
    minor: bool,
    notation: Notation,
    excess: Excess,
    decimal_mark: u8,
    pub negative: Negative,
    pub zero: Zero,
}

impl AmountRules {
    pub fn new(rules: &Transactions) -> Self {
        AmountRules {
            minor: rules.amount_unit == Unit::Minor,
            notation: rules.amount_notation,
            excess: rules.amount_decimals,
            decimal_mark: rules.amount_decimal_mark,
            negative: rules.amount_negative,
            zero: rules.amount_zero,
        }
    }

    /// Decimals that an amount in a currency with `exponent` decimals may have in the data.
    #[inline]
    fn decimals(&self, exponent: u8) -> u8 {
        if self.minor { 0 } else { exponent }
    }

    /// A text; not empty.
    #[inline]
    pub fn text(&self, text: &[u8], exponent: u8) -> Result<i64, Reason> {
        let decimals = self.decimals(exponent);
        let read = if self.decimal_mark == b'.' {
            match parse_amount(text, decimals) {
                Err(_) if self.is_special() => parse_amount_as(text, decimals, self.notation, self.excess),
                read => read,
            }
        } else {
            self.with_other_mark(text, decimals)
        };
        read.map_err(reason_of)
    }

    /// Whether a text that [`parse_amount`] refuses may still be an amount.
    fn is_special(&self) -> bool {
        self.notation != Notation::Plain || self.excess != Excess::Refuse
    }

    #[cold]
    fn with_other_mark(&self, text: &[u8], decimals: u8) -> Result<i64, AmountFault> {
        if text.contains(&b'.') {
            return Err(AmountFault::NotANumber);
        }
        let text: Vec<u8> = text.iter().map(|b| if *b == self.decimal_mark { b'.' } else { *b }).collect();
        parse_amount_as(&text, decimals, self.notation, self.excess)
    }

    /// A whole number.
    #[inline]
    pub fn integer(&self, value: i64, exponent: u8) -> Result<i64, Reason> {
        let factor = 10i64.checked_pow(u32::from(self.decimals(exponent)));
        match factor.and_then(|factor| value.checked_mul(factor)) {
            Some(NO_AMOUNT) => Err(Reason::AmountTooLarge),
            Some(minor) => Ok(minor),
            None if value == 0 => Ok(0),
            None => Err(Reason::AmountTooLarge),
        }
    }

    /// A float, read as the shortest decimal that means the same float.
    pub fn float(
        &self,
        value: f64,
        single: bool,
        exponent: u8,
        scratch: &mut Vec<u8>,
    ) -> Result<i64, Reason> {
        let decimals = self.decimals(exponent);
        // A decimal of up to 15 digits that means this float is the shortest one, and k is its digits.
        let power = 10f64.powi(i32::from(decimals));
        let k = (value * power).round();
        if !single && decimals <= 15 && k.abs() < 1e15 && k / power == value {
            return Ok(k as i64);
        }
        if !value.is_finite() {
            return Err(Reason::NotANumber);
        }
        scratch.clear();
        super::cells::write_float(scratch, value, single).expect("a vector takes all that is written");
        parse_amount_as(scratch, decimals, Notation::Plain, self.excess).map_err(reason_of)
    }

    /// A decimal: `value` over 10^`scale`.
    pub fn decimal(&self, value: i128, scale: i8, exponent: u8) -> Result<i64, Reason> {
        let decimals = self.decimals(exponent);
        // Through the text reader, which rounds or refuses: `value` with its point moved.
        let text = format!("{value}e{}", -i32::from(scale));
        parse_amount_as(text.as_bytes(), decimals, Notation::Scientific, self.excess).map_err(reason_of)
    }

    /// The amount of a row; `None` where there is no value.
    #[inline]
    pub fn cell(
        &self,
        cells: &Cells<'_>,
        row: usize,
        exponent: u8,
        scratch: &mut Vec<u8>,
    ) -> Option<Result<i64, Reason>> {
        match cells {
            Cells::Integers(cells) => cells.get(row).map(|v| self.integer(v, exponent)),
            Cells::Floats { cells, single } => {
                cells.get(row).map(|v| self.float(v, *single, exponent, scratch))
            }
            Cells::Decimals { cells, scale } => cells.get(row).map(|v| self.decimal(v, *scale, exponent)),
            Cells::Empty => None,
            Cells::Text(_) | Cells::Booleans(_) | Cells::Times { .. } => {
                let text = cells.text(row, scratch);
                (!text.is_empty()).then(|| self.text(text, exponent))
            }
        }
    }
}

fn reason_of(fault: AmountFault) -> Reason {
    match fault {
        AmountFault::Empty => Reason::MissingValue,
        AmountFault::NotANumber => Reason::NotANumber,
        AmountFault::TooManyDecimals => Reason::TooManyDecimals,
        AmountFault::TooLarge => Reason::AmountTooLarge,
    }
}

/// Currencies of one chunk: names met, codes known, numbers within the batch, totals.
#[derive(Debug)]
pub(crate) struct Currencies<'m> {
    mapping: &'m Mapping,
    names: Names,
    /// For each name, its place in `known`.
    of_name: Vec<u16>,
    known: Vec<Known>,
    /// Places in `known`, in order of first appearance in accepted rows.
    in_batch: Vec<u16>,
}

#[derive(Debug)]
struct Known {
    currency: Currency,
    /// Its number in the batch.
    number: Option<u16>,
    total: ControlTotal,
}

impl<'m> Currencies<'m> {
    pub fn new(mapping: &'m Mapping) -> Self {
        Currencies {
            mapping,
            names: Names::new(),
            of_name: Vec::new(),
            known: Vec::new(),
            in_batch: Vec::new(),
        }
    }

    /// The place of the currency that the data calls `name`; [`NO_CURRENCY`] if there is none.
    #[inline]
    pub fn find(&mut self, name: &[u8]) -> u16 {
        match self.names.find(name) {
            Some(place) => self.of_name[place],
            None => self.add(name),
        }
    }

    #[cold]
    fn add(&mut self, name: &[u8]) -> u16 {
        let currency = std::str::from_utf8(name).ok().and_then(|name| self.mapping.currency(name));
        let Some(currency) = currency else { return NO_CURRENCY };
        // Every name that gets here is in the mapping or in ISO 4217, so there are few.
        let place = self.known.iter().position(|known| known.currency == currency).unwrap_or_else(|| {
            self.known.push(Known { currency, number: None, total: ControlTotal::default() });
            self.known.len() - 1
        });
        self.names.add(name);
        self.of_name.push(place as u16);
        place as u16
    }

    #[inline]
    pub fn exponent(&self, place: u16) -> u8 {
        self.known[usize::from(place)].currency.exponent
    }

    /// The number within the batch of a currency that an accepted row has.
    #[inline]
    pub fn number(&mut self, place: u16) -> u16 {
        let known = &mut self.known[usize::from(place)];
        match known.number {
            Some(number) => number,
            None => {
                let number = self.in_batch.len() as u16;
                known.number = Some(number);
                self.in_batch.push(place);
                number
            }
        }
    }

    pub fn accept(&mut self, place: u16, rows: u64, minor: i128) {
        let total = &mut self.known[usize::from(place)].total;
        total.accepted += rows;
        total.accepted_minor += minor;
    }

    pub fn reject(&mut self, place: u16, minor: i64) {
        let total = &mut self.known[usize::from(place)].total;
        total.rejected += 1;
        total.rejected_minor += i128::from(minor);
    }

    /// Puts the currencies into `batch`, in order, and returns the totals.
    pub fn finish(self, batch: &mut Batch) -> Totals {
        batch.currencies =
            self.in_batch.iter().map(|place| self.known[usize::from(*place)].currency.clone()).collect();
        let totals =
            self.known.into_iter().map(|known| (known.currency.code, (known.currency.exponent, known.total)));
        Totals(totals.collect())
    }
}

/// Control totals by currency code.
#[derive(Clone, Debug, Default)]
pub(crate) struct Totals(BTreeMap<String, (u8, ControlTotal)>);

impl Totals {
    pub fn add(&mut self, other: Totals) {
        for (code, (exponent, more)) in other.0 {
            let (_, total) = self.0.entry(code).or_insert((exponent, ControlTotal::default()));
            total.accepted += more.accepted;
            total.accepted_minor += more.accepted_minor;
            total.rejected += more.rejected;
            total.rejected_minor += more.rejected_minor;
        }
    }

    /// The totals of currencies that any row had, by code.
    pub fn into_list(self) -> Vec<(Currency, ControlTotal)> {
        let used = self.0.into_iter().filter(|(_, (_, total))| total.accepted + total.rejected > 0);
        used.map(|(code, (exponent, total))| (Currency { code, exponent }, total)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const EXACT: AmountRules = AmountRules {
        minor: false,
        notation: Notation::Plain,
        excess: Excess::Refuse,
        decimal_mark: b'.',
        negative: Negative::Reject,
        zero: Zero::Accept,
    };

    proptest! {
        /// The short cut for floats gives what their shortest decimal text gives.
        #[test]
        fn floats_equal_their_shortest_text(bits: u64, cents in -1_000_000_000_000i64..1_000_000_000_000, exponent in 0u8..9) {
            for value in [f64::from_bits(bits), cents as f64 / 100.0, cents as f64 / 1000.0] {
                for excess in [Excess::Refuse, Excess::HalfEven] {
                    let rules = AmountRules { excess, ..EXACT };
                    let text = format!("{value}");
                    prop_assert_eq!(
                        rules.float(value, false, exponent, &mut Vec::new()),
                        rules.text(text.as_bytes(), exponent), "{}", text
                    );
                }
            }
        }

        #[test]
        fn integers_and_decimals_equal_their_text(value: i64, scale in -3i8..12, exponent in 0u8..9) {
            prop_assert_eq!(EXACT.integer(value, exponent), EXACT.text(value.to_string().as_bytes(), exponent));
            let mut text = Vec::new();
            let cells = Cells::Decimals { cells: crate::ingest::cells::Typed { values: &[i128::from(value)], valid: &[] }, scale };
            let text = cells.text(0, &mut text);
            prop_assert_eq!(EXACT.decimal(i128::from(value), scale, exponent), EXACT.text(text, exponent));
        }
    }

    #[test]
    fn decimal_commas_and_minor_units_are_read() {
        let comma = AmountRules { decimal_mark: b',', ..EXACT };
        assert_eq!(comma.text(b"12,50", 2), Ok(1250));
        assert_eq!(comma.text(b"1.012,50", 2), Err(Reason::NotANumber));
        let minor = AmountRules { minor: true, ..EXACT };
        assert_eq!(minor.text(b"1250", 2), Ok(1250));
        assert_eq!(minor.text(b"12.5", 2), Err(Reason::TooManyDecimals));
        assert_eq!(EXACT.float(f64::NAN, false, 2, &mut Vec::new()), Err(Reason::NotANumber));
        assert_eq!(EXACT.float(0.1f32.into(), true, 2, &mut Vec::new()), Ok(10));
        assert_eq!(EXACT.integer(i64::MIN, 0), Err(Reason::AmountTooLarge));
    }
}
