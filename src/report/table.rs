//! A table: named columns of one length, the form in which every result leaves the engine.
//!
//! Tables hold what a reader outside understands: external keys, exact whole
//! numbers, times. A column is one flat array, so the same memory serves a file,
//! Arrow and Python; a [`Cell`] is one value of it, borrowed, for the writers of text.

use super::words::Coded;
use crate::error::{Error, Result};
use std::ops::Range;

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
    /// UTF-8 texts of which many rows have the same; a text column outside.
    Coded(Coded),
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
            Values::Coded(v) => v.len(),
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
            Values::Coded(v) => Cell::Text(v.get(row)),
            Values::Time(v) => Cell::Time(v[row]),
            Values::OptionTime(v) => v[row].map_or(Cell::Null, Cell::Time),
        }
    }

    /// The values of some rows.
    ///
    /// # Panics
    /// If there are no such rows.
    pub fn slice(&self, rows: Range<usize>) -> Values {
        match self {
            Values::U32(v) => Values::U32(v[rows].to_vec()),
            Values::U64(v) => Values::U64(v[rows].to_vec()),
            Values::I64(v) => Values::I64(v[rows].to_vec()),
            Values::OptionI64(v) => Values::OptionI64(v[rows].to_vec()),
            Values::I128(v) => Values::I128(v[rows].to_vec()),
            Values::F64(v) => Values::F64(v[rows].to_vec()),
            Values::OptionF64(v) => Values::OptionF64(v[rows].to_vec()),
            Values::Boolean(v) => Values::Boolean(v[rows].to_vec()),
            Values::OptionBoolean(v) => Values::OptionBoolean(v[rows].to_vec()),
            Values::Text(v) => Values::Text(v[rows].to_vec()),
            Values::OptionText(v) => Values::OptionText(v[rows].to_vec()),
            Values::Coded(v) => Values::Coded(v.pick(rows)),
            Values::Time(v) => Values::Time(v[rows].to_vec()),
            Values::OptionTime(v) => Values::OptionTime(v[rows].to_vec()),
        }
    }

    /// The values of these rows, in this order.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn pick(&self, rows: &[usize]) -> Values {
        fn of<T: Clone>(values: &[T], rows: &[usize]) -> Vec<T> {
            rows.iter().map(|&row| values[row].clone()).collect()
        }
        match self {
            Values::U32(v) => Values::U32(of(v, rows)),
            Values::U64(v) => Values::U64(of(v, rows)),
            Values::I64(v) => Values::I64(of(v, rows)),
            Values::OptionI64(v) => Values::OptionI64(of(v, rows)),
            Values::I128(v) => Values::I128(of(v, rows)),
            Values::F64(v) => Values::F64(of(v, rows)),
            Values::OptionF64(v) => Values::OptionF64(of(v, rows)),
            Values::Boolean(v) => Values::Boolean(of(v, rows)),
            Values::OptionBoolean(v) => Values::OptionBoolean(of(v, rows)),
            Values::Text(v) => Values::Text(of(v, rows)),
            Values::OptionText(v) => Values::OptionText(of(v, rows)),
            Values::Coded(v) => Values::Coded(v.pick(rows.iter().copied())),
            Values::Time(v) => Values::Time(of(v, rows)),
            Values::OptionTime(v) => Values::OptionTime(of(v, rows)),
        }
    }

    /// Adds the values of another column of this kind behind these.
    ///
    /// # Panics
    /// If the other is of another kind: whoever made it has a bug.
    pub fn append(&mut self, more: Values) {
        match (self, more) {
            (Values::U32(v), Values::U32(more)) => v.extend(more),
            (Values::U64(v), Values::U64(more)) => v.extend(more),
            (Values::I64(v), Values::I64(more)) | (Values::Time(v), Values::Time(more)) => v.extend(more),
            (Values::OptionI64(v), Values::OptionI64(more))
            | (Values::OptionTime(v), Values::OptionTime(more)) => v.extend(more),
            (Values::I128(v), Values::I128(more)) => v.extend(more),
            (Values::F64(v), Values::F64(more)) => v.extend(more),
            (Values::OptionF64(v), Values::OptionF64(more)) => v.extend(more),
            (Values::Boolean(v), Values::Boolean(more)) => v.extend(more),
            (Values::OptionBoolean(v), Values::OptionBoolean(more)) => v.extend(more),
            (Values::Text(v), Values::Text(more)) => v.extend(more),
            (Values::OptionText(v), Values::OptionText(more)) => v.extend(more),
            (Values::Coded(v), Values::Coded(more)) => v.append(&more),
            (kept, more) => panic!("{more:?} cannot stand behind {kept:?}"),
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
                | Values::Coded(_)
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
        self.slice(0..rows.min(self.num_rows()))
    }

    /// Some rows.
    ///
    /// # Panics
    /// If there are no such rows.
    pub fn slice(&self, rows: Range<usize>) -> Table {
        let slice = |(name, values): &(String, Values)| (name.clone(), values.slice(rows.clone()));
        Table { columns: self.columns.iter().map(slice).collect() }
    }

    /// These rows, in this order.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn pick(&self, rows: &[usize]) -> Table {
        let pick = |(name, values): &(String, Values)| (name.clone(), values.pick(rows));
        Table { columns: self.columns.iter().map(pick).collect() }
    }

    /// Adds the rows of another table with the same columns behind these.
    ///
    /// # Panics
    /// If it has other columns: whoever made it has a bug.
    pub fn append(&mut self, more: Table) {
        let names =
            |table: &Table| -> Vec<String> { table.columns.iter().map(|(name, _)| name.clone()).collect() };
        assert_eq!(names(self), names(&more), "rows of one table have the same columns");
        for ((_, values), (_, more)) in self.columns.iter_mut().zip(more.columns) {
            values.append(more);
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
    use std::sync::Arc;

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
    fn texts_are_the_same_whether_coded_or_not() {
        let words = Arc::new(["x", "y"].into_iter().collect());
        let mut coded = Table::new([("key", Values::Coded(Coded::new(words, vec![1, 0, 1])))]);
        let more = Coded::new(Arc::new(["z", "y"].into_iter().collect()), vec![1, 0]);
        coded.append(Table::new([("key", Values::Coded(more))]));
        let cells = |table: &Table| -> Vec<String> {
            (0..table.num_rows()).map(|row| format!("{:?}", table.columns[0].1.cell(row))).collect()
        };
        let text = |texts: &[&str]| {
            cells(&Table::new([("key", Values::Text(texts.iter().map(|t| t.to_string()).collect()))]))
        };
        assert_eq!(cells(&coded), text(&["y", "x", "y", "y", "z"]));
        assert_eq!(cells(&coded.slice(1..3)), text(&["x", "y"]));
        assert_eq!(cells(&coded.pick(&[3, 1])), text(&["y", "x"]));
        let Values::Coded(values) = &coded.columns[0].1 else { panic!("coded") };
        assert_eq!(values.iter().collect::<String>(), "yxyyz");
    }

    #[test]
    #[should_panic(expected = "the same columns")]
    fn rows_of_another_table_cannot_be_appended() {
        table().append(Table::default());
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
