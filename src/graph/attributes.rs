//! Attributes of accounts: typed values or null.

use super::Graph;
use crate::error::Result;
use crate::ids::AccountId;
use crate::store::Container;
use crate::store::format::{ATTRIBUTE_FIRST, ColumnId};
use crate::store::manifest::{AttributeColumn, AttributeKind};
use std::sync::Arc;

/// One attribute of one account.
#[derive(Clone, Debug, PartialEq)]
pub enum AttributeValue {
    /// Text.
    Text(String),
    /// A whole number.
    Integer(i64),
    /// A floating-point number.
    Float(f64),
    /// A truth value.
    Boolean(bool),
    /// Microseconds since 1970 UTC.
    Time(i64),
}

impl Graph {
    /// The attribute columns of accounts, in the order of the accounts table.
    pub fn attribute_columns(&self) -> &[AttributeColumn] {
        self.manifest().attributes.as_ref().map_or(&[], |attributes| &attributes.columns)
    }

    /// The value of attribute column `column` for `account`; `None` where it is null.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) if the column is damaged or not there.
    pub fn attribute(&self, column: usize, account: AccountId) -> Result<Option<AttributeValue>> {
        let (Some(file), Some(entry)) = (self.store().attributes(), self.attribute_columns().get(column))
        else {
            return Ok(None);
        };
        let id = ATTRIBUTE_FIRST + 3 * column as u16;
        if !is_valid(file, id, account)? {
            return Ok(None);
        }
        let row = account.index();
        Ok(Some(match entry.kind {
            AttributeKind::Text => {
                let offsets = file.column::<u64>(ColumnId(id))?;
                let range = offsets.get(row)? as usize..offsets.get(row + 1)? as usize;
                let text = file.column::<u8>(ColumnId(id + 1))?;
                AttributeValue::Text(String::from_utf8_lossy(text.slice(range)?).into_owned())
            }
            AttributeKind::Integer => AttributeValue::Integer(file.column::<i64>(ColumnId(id))?.get(row)?),
            AttributeKind::Time => AttributeValue::Time(file.column::<i64>(ColumnId(id))?.get(row)?),
            AttributeKind::Float => {
                AttributeValue::Float(f64::from_bits(file.column::<u64>(ColumnId(id))?.get(row)?))
            }
            AttributeKind::Boolean => {
                AttributeValue::Boolean(file.column::<u8>(ColumnId(id))?.get(row)? != 0)
            }
        }))
    }
}

fn is_valid(file: &Arc<Container>, id: u16, account: AccountId) -> Result<bool> {
    let id = ColumnId(id + 2);
    if !file.has(id) {
        return Ok(true);
    }
    let bits = file.column::<u8>(id)?.get(account.index() / 8)?;
    Ok(bits >> (account.0 % 8) & 1 == 1)
}
