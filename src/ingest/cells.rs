//! Cells of one column of a block of rows: texts of a CSV file, or typed values of a frame.
//!
//! Whatever a value's type, it has one text, and the answer does not depend on the
//! type but on that text alone: whole numbers in decimal, floats as the shortest
//! decimal that means the same float, truth values as `true` and `false`. Typed
//! paths above this file are short cuts to the same answer.

use crate::units::time::format_time;
use std::io::Write;

/// Rows of one source that are handled together.
#[derive(Debug)]
pub(crate) struct Block<'a> {
    pub columns: Columns<'a>,
    /// Record number of each row within its chunk, from 0.
    pub ordinals: &'a [u32],
    /// Whether all texts are known to be UTF-8.
    pub utf8: bool,
}

#[derive(Debug)]
pub(crate) enum Columns<'a> {
    /// Field `c` of row `r` is `bytes[ends[r * stride + c] .. ends[r * stride + c + 1] - 1]`.
    Fields { bytes: &'a [u8], ends: &'a [u32], stride: usize },
    /// One entry per column of the source; `None` for columns that nobody asked for.
    #[cfg_attr(not(feature = "arrow"), allow(dead_code))]
    Typed(&'a [Option<Cells<'a>>]),
}

impl<'a> Block<'a> {
    pub fn len(&self) -> usize {
        self.ordinals.len()
    }

    pub fn cells(&self, column: usize) -> Cells<'a> {
        match &self.columns {
            Columns::Fields { bytes, ends, stride } => {
                Cells::Text(TextCells { bytes, ends, stride: *stride, column, gap: 1, valid: &[] })
            }
            Columns::Typed(columns) => columns[column].clone().unwrap_or(Cells::Empty),
        }
    }
}

/// One column of a block.
#[derive(Clone, Debug)]
#[cfg_attr(not(feature = "arrow"), allow(dead_code))]
pub(crate) enum Cells<'a> {
    Text(TextCells<'a>),
    Integers(Typed<'a, i64>),
    /// `single` marks values that were 32 bits wide.
    Floats {
        cells: Typed<'a, f64>,
        single: bool,
    },
    /// Values are whole numbers over 10^`scale`.
    Decimals {
        cells: Typed<'a, i128>,
        scale: i8,
    },
    Booleans(Typed<'a, bool>),
    /// Microseconds since 1970; UTC if `zoned`, else on the mapping's clock.
    Times {
        cells: Typed<'a, i64>,
        zoned: bool,
    },
    /// No values at all.
    Empty,
}

/// Texts.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TextCells<'a> {
    pub bytes: &'a [u8],
    pub ends: &'a [u32],
    pub stride: usize,
    pub column: usize,
    /// Bytes between the end of a text and the beginning of the next.
    pub gap: u32,
    /// Whether each row has a value; empty if all have.
    pub valid: &'a [bool],
}

impl<'a> TextCells<'a> {
    /// Where the text of a row lies in `bytes`.
    #[inline]
    pub fn span(&self, row: usize) -> (u32, u32) {
        let at = row * self.stride + self.column;
        (self.ends[at], self.ends[at + 1] - self.gap)
    }

    /// The text of a row; empty where there is no value.
    #[inline]
    pub fn get(&self, row: usize) -> &'a [u8] {
        let (start, end) = self.span(row);
        if self.valid.is_empty() || self.valid[row] { &self.bytes[start as usize..end as usize] } else { &[] }
    }
}

/// Values of one type.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Typed<'a, T> {
    pub values: &'a [T],
    /// Whether each row has a value; empty if all have.
    pub valid: &'a [bool],
}

impl<T: Copy> Typed<'_, T> {
    #[inline]
    pub fn get(&self, row: usize) -> Option<T> {
        if self.valid.is_empty() || self.valid[row] { Some(self.values[row]) } else { None }
    }
}

impl<'a> Cells<'a> {
    /// The text of a row, empty where there is no value; `scratch` is used for values that are no text yet.
    #[inline]
    pub fn text<'t>(&self, row: usize, scratch: &'t mut Vec<u8>) -> &'t [u8]
    where
        'a: 't,
    {
        if let Cells::Text(texts) = self {
            return texts.get(row);
        }
        scratch.clear();
        let written = match self {
            Cells::Text(_) | Cells::Empty => Ok(()),
            Cells::Integers(cells) => cells.get(row).map_or(Ok(()), |v| write!(scratch, "{v}")),
            Cells::Floats { cells, single } => {
                cells.get(row).map_or(Ok(()), |v| write_float(scratch, v, *single))
            }
            Cells::Decimals { cells, scale } => {
                cells.get(row).map_or(Ok(()), |v| write_decimal(scratch, v, *scale))
            }
            Cells::Booleans(cells) => cells.get(row).map_or(Ok(()), |v| write!(scratch, "{v}")),
            Cells::Times { cells, zoned } => cells.get(row).map_or(Ok(()), |v| {
                let text = format_time(v);
                write!(scratch, "{}", if *zoned { &text } else { text.trim_end_matches('Z') })
            }),
        };
        written.expect("a vector takes all that is written");
        scratch
    }
}

/// The shortest decimal without exponent that reads back as the same float.
pub(crate) fn write_float(text: &mut Vec<u8>, value: f64, single: bool) -> std::io::Result<()> {
    // A value that was 32 bits wide is exactly representable there.
    if single { write!(text, "{}", value as f32) } else { write!(text, "{value}") }
}

fn write_decimal(text: &mut Vec<u8>, value: i128, scale: i8) -> std::io::Result<()> {
    match u8::try_from(scale) {
        Ok(decimals) => write!(text, "{}", crate::units::amount::format_amount(value, decimals)),
        Err(_) => write!(text, "{value}{}", "0".repeat(usize::from(scale.unsigned_abs()))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_has_one_text() {
        let text = |cells: Cells<'_>| String::from_utf8(cells.text(0, &mut Vec::new()).to_vec()).unwrap();
        assert_eq!(text(Cells::Integers(Typed { values: &[-7], valid: &[] })), "-7");
        assert_eq!(text(Cells::Integers(Typed { values: &[-7], valid: &[false] })), "");
        let float = |value: f64, single| {
            text(Cells::Floats { cells: Typed { values: &[value], valid: &[] }, single })
        };
        assert_eq!(float(0.1, false), "0.1");
        assert_eq!(float(f64::from(0.1f32), true), "0.1");
        assert_eq!(float(1e21, false), "1000000000000000000000");
        assert_eq!(float(1.5e-7, false), "0.00000015");
        assert_eq!(float(f64::NAN, false), "NaN");
        let decimal = |value: i128, scale| {
            text(Cells::Decimals { cells: Typed { values: &[value], valid: &[] }, scale })
        };
        assert_eq!(decimal(-5, 2), "-0.05");
        assert_eq!(decimal(5, -2), "500");
        assert_eq!(text(Cells::Booleans(Typed { values: &[true], valid: &[] })), "true");
        let time = |zoned| text(Cells::Times { cells: Typed { values: &[1_500_000], valid: &[] }, zoned });
        assert_eq!(time(true), "1970-01-01T00:00:01.5Z");
        assert_eq!(time(false), "1970-01-01T00:00:01.5");
    }
}
