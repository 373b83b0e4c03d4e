//! A table: named columns of one length, the form in which every result leaves the engine.
//!
//! Tables hold what a reader outside understands: external keys, exact whole
//! numbers, times. A column is one flat array, so the same memory serves a file,
//! Arrow and Python; a [`Cell`] is one value of it, borrowed, for the writers of text.

use crate::error::{Error, Result};

/// Named columns of one length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Name and values, in order.
    pub columns: Vec<(String, Values)>,
}

/// The values of one column. `None` in an optional column is null.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Small counts and ids.
    U32(Vec<u32>),
    /// Large counts and ids.
    U64(Vec<u64>),
    /// Whole numbers; amounts in minor units.
    I64(Vec<i64>),
    /// Whole numbers or null.
    OptionI64(Vec<Option<i64>>),
    /// Sums of minor units; decimals with scale 0 outside.
    I128(Vec<i128>),
    /// Scores and ratios.
    F64(Vec<f64>),
    /// Scores and ratios, or null.
    OptionF64(Vec<Option<f64>>),
    /// Truth values.
    Boolean(Vec<bool>),
    /// Truth values, or null.
    OptionBoolean(Vec<Option<bool>>),
    /// UTF-8 texts.
    Text(Vec<String>),
    /// Texts or null.
    OptionText(Vec<Option<String>>),
    /// Microseconds since 1970 UTC.
    Time(Vec<i64>),
    /// Microseconds since 1970 UTC, or null.
    OptionTime(Vec<Option<i64>>),
}

/// One value of a column.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Cell<'t> {
    /// No value.
    Null,
    /// A whole number without sign.
    Unsigned(u64),
    /// A whole number.
    Signed(i64),
    /// A whole number that may not fit in 64 bits.
    Big(i128),
    /// A score or ratio.
    Float(f64),
    /// A truth value.
    Boolean(bool),
    /// A text.
    Text(&'t str),
    /// Microseconds since 1970 UTC.
    Time(i64),
}

impl Values {
    /// Number of values.
    pub fn len(&self) -> usize {
        match self {
            Values::U32(v) => v.len(),
            Values::U64(v) => v.len(),
            Values::I64(v) | Values::Time(v) => v.len(),
            Values::OptionI64(v) | Values::OptionTime(v) => v.len(),
            Values::I128(v) => v.len(),
            Values::F64(v) => v.len(),
            Values::OptionF64(v) => v.len(),
            Values::Boolean(v) => v.len(),
            Values::OptionBoolean(v) => v.len(),
            Values::Text(v) => v.len(),
            Values::OptionText(v) => v.len(),
        }
    }

    /// Whether there is no value.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The value of one row.
    ///
    /// # Panics
    /// If `row` is not below [`len`](Self::len).
    pub fn cell(&self, row: usize) -> Cell<'_> {
        match self {
            Values::U32(v) => Cell::Unsigned(u64::from(v[row])),
            Values::U64(v) => Cell::Unsigned(v[row]),
            Values::I64(v) => Cell::Signed(v[row]),
            Values::OptionI64(v) => v[row].map_or(Cell::Null, Cell::Signed),
            Values::I128(v) => Cell::Big(v[row]),
            Values::F64(v) => Cell::Float(v[row]),
            Values::OptionF64(v) => v[row].map_or(Cell::Null, Cell::Float),
            Values::Boolean(v) => Cell::Boolean(v[row]),
            Values::OptionBoolean(v) => v[row].map_or(Cell::Null, Cell::Boolean),
            Values::Text(v) => Cell::Text(&v[row]),
            Values::OptionText(v) => v[row].as_deref().map_or(Cell::Null, Cell::Text),
            Values::Time(v) => Cell::Time(v[row]),
            Values::OptionTime(v) => v[row].map_or(Cell::Null, Cell::Time),
        }
    }

    /// The first `rows` values, or all if there are fewer.
    pub fn head(&self, rows: usize) -> Values {
        let n = rows.min(self.len());
        match self {
            Values::U32(v) => Values::U32(v[..n].to_vec()),
            Values::U64(v) => Values::U64(v[..n].to_vec()),
            Values::I64(v) => Values::I64(v[..n].to_vec()),
            Values::OptionI64(v) => Values::OptionI64(v[..n].to_vec()),
            Values::I128(v) => Values::I128(v[..n].to_vec()),
            Values::F64(v) => Values::F64(v[..n].to_vec()),
            Values::OptionF64(v) => Values::OptionF64(v[..n].to_vec()),
            Values::Boolean(v) => Values::Boolean(v[..n].to_vec()),
            Values::OptionBoolean(v) => Values::OptionBoolean(v[..n].to_vec()),
            Values::Text(v) => Values::Text(v[..n].to_vec()),
            Values::OptionText(v) => Values::OptionText(v[..n].to_vec()),
            Values::Time(v) => Values::Time(v[..n].to_vec()),
            Values::OptionTime(v) => Values::OptionTime(v[..n].to_vec()),
        }
    }

    /// Whether the values are numbers, which people read aligned to the right.
    pub fn is_number(&self) -> bool {
        !matches!(
            self,
            Values::Boolean(_)
                | Values::OptionBoolean(_)
                | Values::Text(_)
                | Values::OptionText(_)
                | Values::Time(_)
                | Values::OptionTime(_)
        )
    }
}

impl Table {
    /// A table of these columns.
    ///
    /// # Panics
    /// As [`push`](Self::push).
    pub fn new<N: Into<String>>(columns: impl IntoIterator<Item = (N, Values)>) -> Self {
        let mut table = Table::default();
        for (name, values) in columns {
            table.push(name, values);
        }
        table
    }

    /// Appends a column.
    ///
    /// # Panics
    /// If the column has another length than those before it: whoever made it has a bug.
    pub fn push(&mut self, name: impl Into<String>, values: Values) {
        let name = name.into();
        assert!(
            self.columns.is_empty() || values.len() == self.num_rows(),
            "column {name} has {} rows, the table has {}",
            values.len(),
            self.num_rows()
        );
        self.columns.push((name, values));
    }

    /// Number of rows.
    pub fn num_rows(&self) -> usize {
        self.columns.first().map_or(0, |(_, values)| values.len())
    }

    /// The column with this name.
    pub fn column(&self, name: &str) -> Option<&Values> {
        self.columns.iter().find(|(found, _)| found == name).map(|(_, values)| values)
    }

    /// The first `rows` rows, or all if there are fewer.
    pub fn head(&self, rows: usize) -> Table {
        Table {
            columns: self.columns.iter().map(|(name, values)| (name.clone(), values.head(rows))).collect(),
        }
    }

    /// Checks that all columns have one length and distinct names; every writer asks this first.
    ///
    /// # Errors
    /// [`Error::Unproved`]: a table that breaks this was put together wrongly.
    pub fn check(&self) -> Result<()> {
        for (at, (name, values)) in self.columns.iter().enumerate() {
            if values.len() != self.num_rows() {
                let (found, rows) = (values.len(), self.num_rows());
                return Err(Error::Unproved(format!("column {name} has {found} rows, the table has {rows}")));
            }
            if self.columns[..at].iter().any(|(before, _)| before == name) {
                return Err(Error::Unproved(format!("two columns of a table are called {name}")));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        Table::new([
            ("account", Values::Text(vec!["a".into(), "b".into()])),
            ("amount_minor", Values::OptionI64(vec![None, Some(-7)])),
        ])
    }

    #[test]
    fn columns_of_unequal_length_are_refused_by_name() {
        let mut table = table();
        table.columns.push(("time".into(), Values::Time(vec![1])));
        let message = table.check().unwrap_err().to_string();
        assert!(message.contains("column time has 1 rows, the table has 2"), "{message}");
        table.columns[2] = ("account".into(), Values::U32(vec![1, 2]));
        assert!(table.check().unwrap_err().to_string().contains("two columns"));
        assert!(super::Table::default().check().is_ok());
    }

    #[test]
    #[should_panic(expected = "column time has 1 rows, the table has 2")]
    fn a_column_of_another_length_cannot_be_pushed() {
        table().push("time", Values::Time(vec![1]));
    }

    #[test]
    fn a_head_keeps_columns_and_cuts_rows() {
        let head = table().head(1);
        assert_eq!(head.num_rows(), 1);
        assert_eq!(head.columns[1], ("amount_minor".into(), Values::OptionI64(vec![None])));
        assert_eq!(table().head(9), table());
    }

    #[test]
    fn cells_are_the_values_of_their_column() {
        let table = table();
        assert_eq!(table.column("account").unwrap().cell(1), Cell::Text("b"));
        assert_eq!(table.column("amount_minor").unwrap().cell(0), Cell::Null);
        assert_eq!(table.column("amount_minor").unwrap().cell(1), Cell::Signed(-7));
        assert_eq!(table.column("nothing"), None);
    }
}
