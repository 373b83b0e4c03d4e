//! The accounts table: keys and typed attributes.
//!
//! # Method
//! Chunks are read in parallel to keys and texts; joined in the order of the
//! sources, they give one row per account. A column without a named type gets the
//! narrowest that all its values have: truth value, whole number, float, time,
//! text. A whole number is one only if it is written the way we would write it
//! (no leading zero, no plus sign), so that codes and phone numbers stay texts.
//!
//! # Choices
//! A value that does not have the type which the mapping names rejects its row.
//! The first row of an account counts; later ones are rejected.

use super::batch::{AccountRows, AttributeValues};
use super::cells::Block;
use super::csv::Rows;
use super::intern::KeyTable;
use super::mapping::{Accounts, AttributeType};
use super::plan::{Column, Header, KeyPlan};
use super::reject::{Reason, Reject, masked, shown};
use super::rows::{KeyCells, Verdicts};
use super::times::integer;
use crate::error::{Error, Result};
use crate::store::manifest::AttributeColumn;
use crate::units::time::parse_time;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The columns of one accounts source.
#[derive(Debug)]
pub(crate) struct AccountPlan {
    name: Arc<str>,
    key: KeyPlan,
    attributes: Vec<(Column, Option<AttributeType>)>,
}

impl AccountPlan {
    /// `known` are columns that have a type already; it counts where the rules name none.
    pub fn new(rules: &Accounts, known: &[AttributeColumn], header: &Header<'_>) -> Result<Self> {
        let key = header.key(&rules.account)?;
        let columns = match &rules.attributes {
            Some(list) => {
                let found: Vec<Option<Column>> =
                    list.iter().map(|column| header.find(column)).collect::<Result<_>>()?;
                found.into_iter().flatten().collect()
            }
            None => header.others(&key),
        };
        for (i, column) in columns.iter().enumerate() {
            if columns[..i].iter().any(|earlier| earlier.name == column.name) {
                let problem = format!(
                    "two attribute columns are named {:?}; list the ones you want under accounts.attributes",
                    column.name
                );
                return Err(Error::input(header.source, problem));
            }
        }
        if let Some(unknown) = rules.types.keys().find(|name| columns.iter().all(|c| *c.name != **name)) {
            let problem = format!("accounts.types names {unknown:?}, which is no attribute column");
            return Err(Error::input(header.source, problem));
        }
        let typed = columns.into_iter().map(|column| {
            let known = || known.iter().find(|known| known.name == *column.name);
            let kind = rules.types.get(&*column.name).copied();
            let kind = kind.or_else(|| known().map(|known| known.kind.into()));
            (column, kind)
        });
        Ok(AccountPlan { name: header.name.clone(), key, attributes: typed.collect() })
    }
}

/// Texts of one column, one after another; an empty one is no value.
#[derive(Clone, Debug, Default)]
struct Texts {
    bytes: Vec<u8>,
    ends: Vec<usize>,
}

impl Texts {
    fn push(&mut self, text: &[u8]) {
        self.bytes.extend_from_slice(text);
        self.ends.push(self.bytes.len());
    }

    fn get(&self, row: usize) -> &[u8] {
        let start = if row == 0 { 0 } else { self.ends[row - 1] };
        &self.bytes[start..self.ends[row]]
    }

    fn iter(&self) -> impl Iterator<Item = &[u8]> {
        (0..self.ends.len()).map(|row| self.get(row))
    }
}

/// Rows of one chunk.
#[derive(Debug)]
pub(crate) struct AccountChunk<'p> {
    plan: &'p AccountPlan,
    key_cells: KeyCells,
    verdicts: Verdicts,
    keys: Texts,
    ordinals: Vec<u32>,
    columns: Vec<Texts>,
    rejects: Vec<Reject>,
}

impl<'p> AccountChunk<'p> {
    pub fn new(plan: &'p AccountPlan) -> Self {
        AccountChunk {
            plan,
            key_cells: KeyCells::default(),
            verdicts: Verdicts::default(),
            keys: Texts::default(),
            ordinals: Vec::new(),
            columns: vec![Texts::default(); plan.attributes.len()],
            rejects: Vec::new(),
        }
    }
}

impl Rows for AccountChunk<'_> {
    type Done = Self;

    fn push(&mut self, block: &Block<'_>) -> Result<()> {
        self.verdicts.begin(block.len());
        self.key_cells.read(&self.plan.key, block, true, &mut self.verdicts);
        let mut scratch = Vec::new();
        for (column, kind) in &self.plan.attributes {
            let cells = block.cells(column.index);
            for row in 0..block.len() {
                let Some(text) = column.value(cells.text(row, &mut scratch)) else { continue };
                let fault = match kind {
                    _ if !block.utf8 && std::str::from_utf8(text).is_err() => Some(Reason::InvalidUtf8),
                    Some(kind) => mismatch(text, *kind),
                    None => None,
                };
                if let Some(reason) = fault {
                    // An attribute may be a name or an address: only times and numbers are shown.
                    let detail = if reason == Reason::InvalidUtf8 { masked(text) } else { shown(text) };
                    self.verdicts.reject(row, reason, &column.name, detail);
                }
            }
        }
        for row in (0..block.len()).filter(|&row| self.verdicts.accepts(row)) {
            self.keys.push(self.key_cells.text(row, &mut scratch));
            self.ordinals.push(block.ordinals[row]);
        }
        for ((column, _), texts) in self.plan.attributes.iter().zip(&mut self.columns) {
            let cells = block.cells(column.index);
            for row in (0..block.len()).filter(|&row| self.verdicts.accepts(row)) {
                texts.push(column.value(cells.text(row, &mut scratch)).unwrap_or_default());
            }
        }
        self.verdicts.take_rejects(&self.plan.name, block.ordinals, &mut self.rejects);
        Ok(())
    }

    fn refuse(&mut self, ordinal: u32, reason: Reason, detail: String) {
        let (source, column) = (self.plan.name.clone(), "".into());
        self.rejects.push(Reject { source, record: u64::from(ordinal), column, reason, detail });
    }

    fn finish(self) -> Self {
        self
    }
}

/// All accounts tables together, still as texts.
#[derive(Debug)]
pub(crate) struct AccountTable {
    keys: KeyTable,
    /// Columns by name, in order of first appearance; shorter than the keys where later rows lack them.
    columns: Vec<(Arc<str>, Option<AttributeType>, Texts)>,
    by_name: BTreeMap<Arc<str>, usize>,
    num_rows: usize,
}

impl AccountTable {
    pub fn new() -> Self {
        AccountTable { keys: KeyTable::new(1024), columns: Vec::new(), by_name: BTreeMap::new(), num_rows: 0 }
    }

    /// Adds a chunk, whose first record has this number; returns how many rows were accepted, and the rejects.
    pub fn add(&mut self, chunk: AccountChunk<'_>, first_record: u64) -> (u64, Vec<Reject>) {
        let AccountChunk { plan, keys, ordinals, columns, mut rejects, .. } = chunk;
        for reject in &mut rejects {
            reject.record += first_record;
        }
        let places: Vec<usize> =
            plan.attributes.iter().map(|(column, kind)| self.place(&column.name, *kind)).collect();
        let before = self.num_rows;
        for (row, key) in keys.iter().enumerate() {
            let record = first_record + u64::from(ordinals[row]);
            if (self.keys.key(key) as usize) < self.num_rows {
                let (source, column) = (plan.name.clone(), plan.key.name.clone());
                let (reason, detail) = (Reason::DuplicateAccount, masked(key));
                rejects.push(Reject { source, record, column, reason, detail });
                continue;
            }
            self.num_rows += 1;
            for (place, texts) in places.iter().zip(&columns) {
                let column = &mut self.columns[*place].2;
                let missing = column.bytes.len();
                column.ends.resize(self.num_rows - 1, missing);
                column.push(texts.get(row));
            }
        }
        rejects.sort_by_key(|reject| reject.record);
        ((self.num_rows - before) as u64, rejects)
    }

    fn place(&mut self, name: &Arc<str>, kind: Option<AttributeType>) -> usize {
        *self.by_name.entry(name.clone()).or_insert_with(|| {
            self.columns.push((name.clone(), kind, Texts::default()));
            self.columns.len() - 1
        })
    }

    pub fn finish(self) -> AccountRows {
        let num_rows = self.num_rows;
        let columns = self.columns.into_iter().map(|(name, kind, mut texts)| {
            let missing = texts.bytes.len();
            texts.ends.resize(num_rows, missing);
            (name.to_string(), typed(&texts, kind.unwrap_or_else(|| infer(&texts))))
        });
        AccountRows { columns: columns.collect(), accounts: self.keys.finish() }
    }
}

fn is_whole(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = digits == b"0" && digits.len() == text.len()
        || digits.first().is_some_and(|d| matches!(d, b'1'..=b'9'));
    canonical && integer(text).is_some()
}

fn is_float(text: &[u8]) -> bool {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let whole = digits.iter().take_while(|b| b.is_ascii_digit()).count();
    let padded = whole > 1 && digits[0] == b'0';
    // A whole number must be one that a float holds exactly; longer ones are codes.
    let exact = whole < digits.len() || whole <= 15;
    whole > 0 && !padded && exact && float(text).is_some()
}

fn float(text: &[u8]) -> Option<f64> {
    let plain = text.iter().all(|b| matches!(b, b'0'..=b'9' | b'.' | b'-' | b'+' | b'e' | b'E'));
    let value: f64 = std::str::from_utf8(text).ok().filter(|_| plain)?.parse().ok()?;
    value.is_finite().then_some(value)
}

fn boolean(text: &[u8]) -> Option<bool> {
    if text.eq_ignore_ascii_case(b"true") {
        Some(true)
    } else if text.eq_ignore_ascii_case(b"false") {
        Some(false)
    } else {
        None
    }
}

fn time(text: &[u8]) -> Option<i64> {
    std::str::from_utf8(text).ok().and_then(parse_time)
}

/// Why a text is not of a named type.
fn mismatch(text: &[u8], kind: AttributeType) -> Option<Reason> {
    match kind {
        AttributeType::Text => None,
        AttributeType::Integer => integer(text).is_none().then_some(Reason::NotANumber),
        AttributeType::Float => float(text).is_none().then_some(Reason::NotANumber),
        AttributeType::Boolean => boolean_named(text).is_none().then_some(Reason::NotAFlag),
        AttributeType::Time => time(text).is_none().then_some(Reason::BadTime),
    }
}

/// A truth value where the mapping says that it is one: also 0 and 1.
fn boolean_named(text: &[u8]) -> Option<bool> {
    match text {
        b"1" => Some(true),
        b"0" => Some(false),
        text => boolean(text),
    }
}

/// The narrowest type of all values; text where there is none.
fn infer(texts: &Texts) -> AttributeType {
    let mut values = texts.iter().filter(|text| !text.is_empty()).peekable();
    if values.peek().is_none() {
        return AttributeType::Text;
    }
    let all = |test: fn(&[u8]) -> bool| texts.iter().filter(|text| !text.is_empty()).all(test);
    if all(|text| boolean(text).is_some()) {
        AttributeType::Boolean
    } else if all(is_whole) {
        AttributeType::Integer
    } else if all(is_float) {
        AttributeType::Float
    } else if all(|text| time(text).is_some()) {
        AttributeType::Time
    } else {
        AttributeType::Text
    }
}

fn typed(texts: &Texts, kind: AttributeType) -> AttributeValues {
    match kind {
        AttributeType::Text => AttributeValues::Text(
            texts.iter().map(|t| (!t.is_empty()).then(|| String::from_utf8_lossy(t).into_owned())).collect(),
        ),
        AttributeType::Integer => AttributeValues::Integer(texts.iter().map(integer).collect()),
        AttributeType::Float => AttributeValues::Float(texts.iter().map(float).collect()),
        AttributeType::Boolean => AttributeValues::Boolean(texts.iter().map(boolean_named).collect()),
        AttributeType::Time => AttributeValues::Time(texts.iter().map(time).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inferred(values: &[&str]) -> AttributeType {
        let mut texts = Texts::default();
        values.iter().for_each(|value| texts.push(value.as_bytes()));
        infer(&texts)
    }

    #[test]
    fn types_are_the_narrowest_that_lose_nothing() {
        for (values, kind) in [
            (&["1", "-2", "", "0"][..], AttributeType::Integer),
            (&["1", "2.5"], AttributeType::Float),
            (&["1e-7", "2.5"], AttributeType::Float),
            (&["true", "False", ""], AttributeType::Boolean),
            (&["2024-05-01", "2024-05-01T12:00:00Z"], AttributeType::Time),
            (&["", ""], AttributeType::Text),
            (&[], AttributeType::Text),
            (&["01234", "56789"], AttributeType::Text),
            (&["+4912345"], AttributeType::Text),
            (&["-0"], AttributeType::Float),
            (&["12345678901234567890"], AttributeType::Text),
            (&["9223372036854775807"], AttributeType::Integer),
            (&["1234567890123456", "0.5"], AttributeType::Text),
            (&["nan", "1.5"], AttributeType::Text),
            (&["1e999", "1.5"], AttributeType::Text),
            (&["1", "true"], AttributeType::Text),
        ] {
            assert_eq!(inferred(values), kind, "{values:?}");
        }
    }
}
