//! Writing account attributes: one typed, null-aware column per attribute, a value per account.

use crate::error::{Error, Result};
use crate::ingest::batch::{AccountRows, AttributeValues};
use crate::store::ContainerWriter;
use crate::store::format::{ATTRIBUTE_FIRST, ColumnId};
use crate::store::manifest::{AttributeColumn, AttributeKind};

/// Most attribute columns: their ids must fit.
const COLUMNS_MAX: u64 = (u16::MAX - ATTRIBUTE_FIRST) as u64 / 3;

/// Writes the attributes of `table`; `ids` are the accounts of its rows.
pub(super) fn write(
    table: &AccountRows,
    ids: &[u32],
    num_accounts: u32,
    into: &mut ContainerWriter,
) -> Result<Vec<AttributeColumn>> {
    if table.columns.len() as u64 > COLUMNS_MAX {
        return Err(Error::Limit {
            what: "attribute columns",
            found: table.columns.len() as u64,
            limit: COLUMNS_MAX,
            remedy: "leave out columns in the mapping",
        });
    }
    let mut row_of = vec![None; num_accounts as usize];
    for (row, &id) in ids.iter().enumerate() {
        row_of[id as usize] = Some(row);
    }
    let mut columns = Vec::new();
    for (number, (name, values)) in table.columns.iter().enumerate() {
        let first = ATTRIBUTE_FIRST + 3 * number as u16;
        let kind = write_column(values, &row_of, first, into)?;
        columns.push(AttributeColumn { name: name.clone(), kind });
    }
    Ok(columns)
}

fn write_column(
    values: &AttributeValues,
    row_of: &[Option<usize>],
    id: u16,
    into: &mut ContainerWriter,
) -> Result<AttributeKind> {
    match values {
        AttributeValues::Text(values) => {
            let value = |row: usize| values[row].as_deref();
            let mut text = Vec::new();
            let mut offsets = vec![0_u64];
            for row in row_of {
                text.extend_from_slice(row.and_then(value).unwrap_or_default().as_bytes());
                offsets.push(text.len() as u64);
            }
            into.column(ColumnId(id), &offsets)?;
            into.column(ColumnId(id + 1), &text)?;
            write_validity(row_of, |row| values[row].is_some(), id, into)?;
            Ok(AttributeKind::Text)
        }
        AttributeValues::Integer(values) => {
            write_fixed(values, row_of, |value| value, id, into)?;
            Ok(AttributeKind::Integer)
        }
        AttributeValues::Time(values) => {
            write_fixed(values, row_of, |value| value, id, into)?;
            Ok(AttributeKind::Time)
        }
        AttributeValues::Float(values) => {
            write_fixed(values, row_of, f64::to_bits, id, into)?;
            Ok(AttributeKind::Float)
        }
        AttributeValues::Boolean(values) => {
            write_fixed(values, row_of, u8::from, id, into)?;
            Ok(AttributeKind::Boolean)
        }
    }
}

fn write_fixed<V: Copy, T: crate::store::column::Element + Default>(
    values: &[Option<V>],
    row_of: &[Option<usize>],
    encode: impl Fn(V) -> T,
    id: u16,
    into: &mut ContainerWriter,
) -> Result<()> {
    let value = |row: &Option<usize>| row.and_then(|row| values[row]).map_or_else(T::default, &encode);
    let encoded: Vec<T> = row_of.iter().map(value).collect();
    into.column(ColumnId(id), &encoded)?;
    write_validity(row_of, |row| values[row].is_some(), id, into)
}

/// One bit per account, lowest first; left out where no value is null.
fn write_validity(
    row_of: &[Option<usize>],
    is_some: impl Fn(usize) -> bool,
    id: u16,
    into: &mut ContainerWriter,
) -> Result<()> {
    let valid = |row: &Option<usize>| row.is_some_and(&is_some);
    if row_of.iter().all(valid) {
        return Ok(());
    }
    let mut bits = vec![0_u8; row_of.len().div_ceil(8)];
    for (account, row) in row_of.iter().enumerate() {
        bits[account / 8] |= u8::from(valid(row)) << (account % 8);
    }
    into.column(ColumnId(id + 2), &bits)
}
