//! Rows of text: keys, amounts and times written straight into a buffer.
//!
//! # Choices
//! Amounts and times have writers of their own, because a `String` each for a hundred million rows is most of
//! the time; tests hold them against [`units`](crate::units). No field needs quotes: no key, name or address holds a comma,
//! a quote or a line break.

use super::money::TENDERS;
use super::population::{Kind, Population};
use crate::error::{Error, Result};
use crate::units::time::civil_from_days;
use std::io::Write;
use std::path::Path;

/// Bytes gathered before the writer is called.
const BUFFER_BYTES: usize = 1 << 16;

/// How a payment was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Transfer,
    Card,
    Cash,
    Wire,
    Payroll,
}

impl Channel {
    pub fn name(self) -> &'static str {
        match self {
            Channel::Transfer => "transfer",
            Channel::Card => "card",
            Channel::Cash => "cash",
            Channel::Wire => "wire",
            Channel::Payroll => "payroll",
        }
    }
}

/// What is known about a payment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Label {
    None,
    Fraud,
    Laundering,
}

impl Label {
    pub fn name(self) -> &'static str {
        match self {
            Label::None => "",
            Label::Fraud => "fraud",
            Label::Laundering => "laundering",
        }
    }
}

/// A CSV file that is being written.
pub(crate) struct Rows<W: Write> {
    out: W,
    file: &'static str,
    bytes: Vec<u8>,
    /// Rows written, the header not counted.
    pub count: u64,
}

impl<W: Write> Rows<W> {
    /// A file with this name, for messages, and header.
    pub fn new(out: W, file: &'static str, header: &str) -> Self {
        let mut bytes = Vec::with_capacity(BUFFER_BYTES + 4096);
        bytes.extend_from_slice(header.as_bytes());
        bytes.push(b'\n');
        Rows { out, file, bytes, count: 0 }
    }

    /// Appends to the current row.
    #[inline]
    pub fn text(&mut self, text: &str) -> &mut Self {
        self.bytes.extend_from_slice(text.as_bytes());
        self
    }

    /// Ends a field that is not the last.
    #[inline]
    pub fn comma(&mut self) -> &mut Self {
        self.bytes.push(b',');
        self
    }

    /// Appends a number with leading zeros to at least `width` digits.
    #[inline]
    pub fn number(&mut self, number: u64, width: usize) -> &mut Self {
        push_number(&mut self.bytes, number, width);
        self
    }

    /// Appends a positive or zero amount of a currency as a decimal.
    #[inline]
    pub fn amount(&mut self, minor: i64, currency: u8) -> &mut Self {
        let minor = minor.unsigned_abs();
        if TENDERS[currency as usize].exponent == 0 {
            return self.number(minor, 1);
        }
        push_number(&mut self.bytes, minor / 100, 1);
        self.bytes.push(b'.');
        push_number(&mut self.bytes, minor % 100, 2);
        self
    }

    /// Appends a moment given by its date, as `2024-05-01T`, and the second of the day.
    #[inline]
    pub fn moment(&mut self, date: &str, second: u32) -> &mut Self {
        self.text(date);
        let digits = |value: u32| [b'0' + (value / 10) as u8, b'0' + (value % 10) as u8];
        let ([h, i], [m, j], [s, k]) = (digits(second / 3600), digits(second / 60 % 60), digits(second % 60));
        self.bytes.extend_from_slice(&[h, i, b':', m, j, b':', s, k, b'Z']);
        self
    }

    /// Appends a moment given in seconds since 1970 UTC, not before it.
    pub fn stamp(&mut self, moment_s: i64) -> &mut Self {
        let (year, month, day) = civil_from_days(moment_s / 86_400);
        self.number(year.unsigned_abs(), 4)
            .text("-")
            .number(u64::from(month), 2)
            .text("-")
            .number(u64::from(day), 2);
        self.moment("T", (moment_s % 86_400) as u32)
    }

    /// Appends the key of an account.
    #[inline]
    pub fn account(&mut self, people: &Population, place: u32) -> &mut Self {
        if place >= people.num_inner() {
            let (kind, currency, number) = people.outside_number(place);
            let name = if kind == Kind::Cash { "CASH-" } else { "BANK-" };
            return self
                .text(name)
                .text(TENDERS[currency as usize].code)
                .text("-")
                .number(u64::from(number), 4);
        }
        let (number, width) = people.number(place);
        self.bytes.push(b'A');
        self.number(number, width)
    }

    /// Ends the row.
    #[inline]
    pub fn end(&mut self) -> Result<()> {
        self.bytes.push(b'\n');
        self.count += 1;
        if self.bytes.len() >= BUFFER_BYTES { self.flush() } else { Ok(()) }
    }

    fn flush(&mut self) -> Result<()> {
        self.out.write_all(&self.bytes).map_err(Error::io(Path::new(self.file)))?;
        self.bytes.clear();
        Ok(())
    }

    /// Writes what is left; returns the number of rows.
    pub fn finish(mut self) -> Result<u64> {
        self.flush()?;
        self.out.flush().map_err(Error::io(Path::new(self.file)))?;
        Ok(self.count)
    }
}

/// The texts of 00 to 99, one after another.
const PAIRS: [u8; 200] = {
    let mut pairs = [0; 200];
    let mut i = 0;
    while i < 100 {
        pairs[2 * i] = b'0' + (i / 10) as u8;
        pairs[2 * i + 1] = b'0' + (i % 10) as u8;
        i += 1;
    }
    pairs
};

#[inline]
fn push_number(bytes: &mut Vec<u8>, mut number: u64, width: usize) {
    const LONGEST: usize = 20;
    let mut digits = [b'0'; LONGEST];
    let mut at = LONGEST;
    while number >= 10 {
        let pair = 2 * (number % 100) as usize;
        number /= 100;
        at -= 2;
        digits[at] = PAIRS[pair];
        digits[at + 1] = PAIRS[pair + 1];
    }
    if number > 0 {
        at -= 1;
        digits[at] = b'0' + number as u8;
    }
    bytes.extend_from_slice(&digits[at.min(LONGEST - width)..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::amount::format_amount;
    use crate::units::time::{SECOND_US, format_time};

    fn written(write: impl Fn(&mut Rows<&mut Vec<u8>>)) -> String {
        let mut out = Vec::new();
        let mut rows = Rows::new(&mut out, "test.csv", "h");
        write(&mut rows);
        rows.end().unwrap();
        assert_eq!(rows.finish().unwrap(), 1);
        String::from_utf8(out).unwrap().strip_prefix("h\n").unwrap().trim_end().to_string()
    }

    #[test]
    fn amounts_are_written_as_units_writes_them() {
        for minor in [0, 1, 99, 100, 101, 123_456, i64::MAX] {
            for (currency, tender) in TENDERS.iter().enumerate() {
                let text = written(|rows| {
                    rows.amount(minor, currency as u8);
                });
                assert_eq!(text, format_amount(i128::from(minor), tender.exponent));
            }
        }
    }

    #[test]
    fn moments_are_written_as_units_writes_them() {
        for second in [0, 59, 60, 3599, 3600, 86_399] {
            let moment_s = 19_782 * 86_400 + i64::from(second);
            let texts = written(|rows| {
                rows.moment("2024-02-29T", second).comma().stamp(moment_s);
            });
            let expected = format_time(moment_s * SECOND_US);
            assert_eq!(texts, format!("{expected},{expected}"));
        }
    }

    #[test]
    fn a_number_is_as_wide_as_asked_or_as_it_needs() {
        let text = written(|rows| {
            rows.number(0, 1).comma().number(42, 5).comma().number(123_456, 2).comma().number(u64::MAX, 1);
            rows.comma().number(7, 1).comma().number(100, 3).comma().number(10, 1).comma().number(0, 3);
        });
        assert_eq!(text, "0,00042,123456,18446744073709551615,7,100,10,000");
    }

    #[test]
    fn a_refused_write_names_the_file() {
        struct Full;
        impl Write for Full {
            fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
                Err(std::io::ErrorKind::StorageFull.into())
            }
            fn flush(&mut self) -> std::io::Result<()> {
                Ok(())
            }
        }
        let error = Rows::new(Full, "links.csv", "h").finish().unwrap_err();
        assert!(error.to_string().starts_with("links.csv: "), "{error}");
    }
}
