//! What the writers of networks share: kinds of columns, values as text, names of columns that are safe in a format.

use super::super::json::needs_text;
use super::super::network::attributes;
use super::super::table::{Cell, Table, Values};
use crate::units::time::format_time;
use std::borrow::Cow;
use std::collections::HashSet;

/// Columns of nodes that make the structure and are no attributes.
pub(super) const NODE: [&str; 1] = ["id"];
/// The same of edges.
pub(super) const EDGE: [&str; 3] = ["id", "source", "target"];

/// What the values of a column are to other programs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whole numbers that a double holds exactly.
    Whole,
    /// Floats.
    Float,
    /// Truth values.
    Boolean,
    /// Everything else, whole numbers beyond ±2^53 included: the whole column is text then, as in [`json`](super::super::json).
    Text,
}

impl Kind {
    pub(super) fn of(values: &Values) -> Kind {
        match values {
            _ if needs_text(values) => Kind::Text,
            Values::U32(_) | Values::U64(_) | Values::I64(_) | Values::OptionI64(_) => Kind::Whole,
            Values::F64(_) | Values::OptionF64(_) => Kind::Float,
            Values::Boolean(_) | Values::OptionBoolean(_) => Kind::Boolean,
            _ => Kind::Text,
        }
    }
}

/// A column of attributes as a writer sees it.
pub(super) struct Column<'n> {
    /// Its name in the format.
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) values: &'n Values,
}

/// The attribute columns of `table`; `safe` makes a name one of the format, `taken` are names of the format itself.
pub(super) fn columns<'n>(
    table: &'n Table,
    structure: &'n [&str],
    taken: &[&str],
    safe: impl Fn(&str) -> String,
) -> Vec<Column<'n>> {
    let mut used: HashSet<String> = taken.iter().map(|name| (*name).to_string()).collect();
    attributes(table, structure)
        .map(|(_, (given, values))| {
            let mut name = safe(given);
            while !used.insert(name.clone()) {
                name.push('_');
            }
            Column { name, kind: Kind::of(values), values }
        })
        .collect()
}

/// `name` as letters, digits and `_` of ASCII, a letter first.
pub(super) fn ascii_name(name: &str) -> String {
    let plain = name.chars().map(|c| if c.is_ascii_alphanumeric() { c } else { '_' });
    let mut plain: String = plain.collect();
    if !plain.starts_with(|c: char| c.is_ascii_alphabetic()) {
        plain.insert(0, 'x');
    }
    plain
}

/// The texts of a column that the network was [checked](super::super::network::Network::check) to have.
pub(super) fn texts<'n>(table: &'n Table, name: &str) -> &'n [String] {
    match table.column(name) {
        Some(Values::Text(texts)) => texts,
        _ => &[],
    }
}

/// A value as text; `None` for null and for floats that are not finite.
pub(super) fn content(cell: Cell<'_>) -> Option<Cow<'_, str>> {
    Some(match cell {
        Cell::Null => return None,
        Cell::Float(value) if !value.is_finite() => return None,
        Cell::Unsigned(value) => value.to_string().into(),
        Cell::Signed(value) => value.to_string().into(),
        Cell::Big(value) => value.to_string().into(),
        Cell::Float(value) => format!("{value:?}").into(),
        Cell::Boolean(value) => value.to_string().into(),
        Cell::Text(text) => text.into(),
        Cell::Time(time) => format_time(time).into(),
    })
}

/// A number, where the cell holds one that is finite.
pub(super) fn number(cell: Cell<'_>) -> Option<f64> {
    match cell {
        Cell::Float(value) => Some(value).filter(|value| value.is_finite()),
        Cell::Unsigned(value) => Some(value as f64),
        Cell::Signed(value) => Some(value as f64),
        _ => None,
    }
}

/// Where nodes are to be drawn: columns `x` and `y` of numbers.
pub(super) fn positions(nodes: &Table) -> Option<impl Fn(usize) -> Option<(f64, f64)>> {
    let numbers = |name: &str| {
        nodes.column(name).filter(|values| matches!(Kind::of(values), Kind::Whole | Kind::Float))
    };
    let (x, y) = (numbers("x")?, numbers("y")?);
    Some(move |row| Some((number(x.cell(row))?, number(y.cell(row))?)))
}

/// Shows control characters that a format cannot hold by their pictures (U+2400 on), the others by U+FFFD.
pub(super) fn picture(c: char) -> char {
    match c {
        '\0'..='\u{1f}' => char::from_u32(0x2400 + c as u32).unwrap_or('\u{fffd}'),
        '\u{7f}' => '\u{2421}',
        _ => '\u{fffd}',
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_columns_stay_apart() {
        let table = Table::new(["id", "a b", "a-b", "谢", "label", "9"].map(|n| (n, Values::U32(vec![]))));
        let columns = columns(&table, &NODE, &["label"], ascii_name);
        let names: Vec<_> = columns.iter().map(|column| column.name.as_str()).collect();
        assert_eq!(names, ["a_b", "a_b_", "x_", "label_", "x9"]);
    }

    #[test]
    fn whole_numbers_are_numbers_only_where_a_double_holds_them() {
        assert_eq!(Kind::of(&Values::I64(vec![1 << 53, -(1 << 53)])), Kind::Whole);
        assert_eq!(Kind::of(&Values::I64(vec![1, (1 << 53) + 1])), Kind::Text);
        assert_eq!(Kind::of(&Values::U64(vec![u64::MAX])), Kind::Text);
        assert_eq!(Kind::of(&Values::I128(vec![1])), Kind::Text);
    }
}
