//! Tables for people at a terminal: aligned columns, amounts as decimals, no surprises.
//!
//! Texts are shown with control characters escaped, so that a key cannot move
//! the cursor or hide itself; numbers stand to the right, everything else to the left.

use super::table::{Cell, Table, Values};
use crate::units::amount::format_amount;
use crate::units::time::format_time;
use std::fmt::Write;

/// The first `rows_max` rows of `table` as lines of text, with a last line that says how many more there are.
pub fn to_text(table: &Table, rows_max: usize) -> String {
    let shown = table.num_rows().min(rows_max);
    let columns: Vec<(bool, Vec<String>)> = table
        .columns
        .iter()
        .map(|(name, values)| {
            let cells = std::iter::once(escape(name)).chain((0..shown).map(|row| show(values.cell(row))));
            (values.is_number() || is_decimal(values), cells.collect())
        })
        .collect();
    let mut out = String::new();
    for line in 0..=shown {
        let mut text = String::new();
        for (right, cells) in &columns {
            let widest = cells.iter().map(|cell| width(cell)).max().unwrap_or(0);
            let (cell, pad) = (&cells[line], " ".repeat(widest - width(&cells[line])));
            let gap = if text.is_empty() { "" } else { "  " };
            text += &if *right { format!("{gap}{pad}{cell}") } else { format!("{gap}{cell}{pad}") };
        }
        out += text.trim_end();
        out.push('\n');
    }
    if shown < table.num_rows() {
        let _ = writeln!(out, "… {} more", table.num_rows() - shown);
    }
    out
}

/// `table` with every column `*_minor` replaced by decimals in the units of its row's currency.
///
/// The currency is the text in the column `currency` (for `received_*` columns and columns ending in
/// `_received_minor`: `received_currency`, where there is one); `exponent` gives its decimals. A row whose
/// currency it does not know keeps its minor units.
pub fn with_decimals(table: &Table, exponent: impl Fn(&str) -> Option<u8>) -> Table {
    let text =
        |name: &str| table.column(name).filter(|values| matches!(values, Values::Text(_) | Values::Coded(_)));
    let columns = table.columns.iter().map(|(name, values)| {
        let Some(amount) = name.strip_suffix("_minor") else { return (name.clone(), values.clone()) };
        let received = if amount.contains("received") { text("received_currency") } else { None };
        let Some(currencies) = received.or_else(|| text("currency")) else {
            return (name.clone(), values.clone());
        };
        let decimals = (0..table.num_rows()).map(|row| {
            let minor = match values.cell(row) {
                Cell::Signed(value) => i128::from(value),
                Cell::Unsigned(value) => i128::from(value),
                Cell::Big(value) => value,
                _ => return None,
            };
            let Cell::Text(currency) = currencies.cell(row) else { return None };
            Some(exponent(currency).map_or(minor.to_string(), |digits| format_amount(minor, digits)))
        });
        (amount.to_string(), Values::OptionText(decimals.collect()))
    });
    Table { columns: columns.collect() }
}

/// Whether a column holds amounts as [`with_decimals`] writes them, and nothing else.
fn is_decimal(values: &Values) -> bool {
    let Values::OptionText(texts) = values else { return false };
    let decimal =
        |text: &String| text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.' || byte == b'-');
    texts.iter().flatten().all(decimal)
}

/// One value as people read it: times as RFC 3339, scores with four digits, control characters escaped.
pub fn show(cell: Cell<'_>) -> String {
    match cell {
        Cell::Null => "-".into(),
        Cell::Unsigned(value) => value.to_string(),
        Cell::Signed(value) => value.to_string(),
        Cell::Big(value) => value.to_string(),
        Cell::Float(value) => format!("{value:.4}"),
        Cell::Boolean(value) => if value { "yes" } else { "no" }.into(),
        Cell::Text(text) => escape(text),
        Cell::Time(time) => format_time(time),
    }
}

/// `text` without characters that act instead of showing: control characters and those that turn the direction.
pub fn escape(text: &str) -> String {
    let acts = |c: char| {
        c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    text.chars().fold(String::new(), |mut out, c| {
        if acts(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        out
    })
}

/// Columns of a terminal that `text` takes: two for the wide characters of East Asian scripts.
fn width(text: &str) -> usize {
    let wide = |c: char| {
        matches!(c, '\u{1100}'..='\u{115f}' | '\u{2e80}'..='\u{303e}' | '\u{3041}'..='\u{a4cf}' | '\u{ac00}'..='\u{d7a3}'
            | '\u{f900}'..='\u{faff}' | '\u{fe30}'..='\u{fe6f}' | '\u{ff01}'..='\u{ff60}' | '\u{20000}'..='\u{3fffd}')
    };
    text.chars().map(|c| if wide(c) { 2 } else { 1 }).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_aligned_and_the_rest_is_counted() {
        let table = Table::new([
            ("account", Values::Text(vec!["A".into(), "谢谢".into(), "C".into()])),
            ("size", Values::U32(vec![7, 1200, 1])),
            ("in", Values::Boolean(vec![true, false, true])),
        ]);
        assert_eq!(
            to_text(&table, 2),
            "account  size  in\nA           7  yes\n谢谢     1200  no\n… 1 more\n"
        );
        assert_eq!(to_text(&Table::default(), 2), "\n");
    }

    #[test]
    fn a_key_cannot_write_to_the_terminal() {
        let table = Table::new([("key", Values::Text(vec!["\u{1b}[2J\u{202e}x\n".into()]))]);
        assert_eq!(to_text(&table, 9), "key\n\\u{1b}[2J\\u{202e}x\\n\n");
    }

    #[test]
    fn minor_units_become_decimals_of_their_rows_currency() {
        let table = Table::new([
            ("currency", Values::Text(vec!["USD".into(), "JPY".into(), "???".into()])),
            ("tainted_paid_minor", Values::I64(vec![-5, 700, 9])),
            ("tainted_received_minor", Values::I128(vec![1, 2, 3])),
            ("received_currency", Values::Text(vec!["JPY".into(), "USD".into(), "USD".into()])),
        ]);
        let exponent = |code: &str| match code {
            "USD" => Some(2),
            "JPY" => Some(0),
            _ => None,
        };
        let people = with_decimals(&table, exponent);
        assert_eq!(people.columns[1].0, "tainted_paid");
        assert_eq!(
            to_text(&people, 9),
            "currency  tainted_paid  tainted_received  received_currency\n\
             USD              -0.05                 1  JPY\n\
             JPY                700              0.02  USD\n\
             ???                  9              0.03  USD\n"
        );
    }
}
