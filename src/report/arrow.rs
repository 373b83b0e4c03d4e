//! Tables as Arrow record batches, the memory that pandas, polars and DuckDB share.
//!
//! # Types
//! Texts are `LargeUtf8` (keys of a large result pass 2 GiB), times
//! `Timestamp(µs, "UTC")`, sums `Decimal128(38, 0)`; a column is nullable only if its kind is optional.
//!
//! # Cost
//! Columns of fixed width without nulls are moved: the `Vec` becomes the Arrow buffer.
//! Columns with nulls, truth values and texts are gathered into new buffers.

use super::table::{Table, Values};
use crate::error::{Error, Result};
use arrow_array::types::{ArrowPrimitiveType, Int64Type, TimestampMicrosecondType};
use arrow_array::{
    ArrayRef, BooleanArray, Decimal128Array, Float64Array, Int64Array, LargeStringArray, PrimitiveArray,
    RecordBatch, RecordBatchOptions, TimestampMicrosecondArray, UInt32Array, UInt64Array,
};
use arrow_schema::{ArrowError, DataType, Field, Schema, TimeUnit};
use std::sync::Arc;

/// Digits that `Decimal128` can hold.
const DECIMAL_DIGITS: u8 = 38;

/// The Arrow schema of `table`.
pub fn schema(table: &Table) -> Schema {
    let fields = table.columns.iter().map(|(name, values)| {
        let (kind, nullable) = match values {
            Values::U32(_) => (DataType::UInt32, false),
            Values::U64(_) => (DataType::UInt64, false),
            Values::I64(_) => (DataType::Int64, false),
            Values::OptionI64(_) => (DataType::Int64, true),
            Values::I128(_) => (DataType::Decimal128(DECIMAL_DIGITS, 0), false),
            Values::F64(_) => (DataType::Float64, false),
            Values::OptionF64(_) => (DataType::Float64, true),
            Values::Boolean(_) => (DataType::Boolean, false),
            Values::OptionBoolean(_) => (DataType::Boolean, true),
            Values::Text(_) | Values::Coded(_) => (DataType::LargeUtf8, false),
            Values::OptionText(_) => (DataType::LargeUtf8, true),
            Values::Time(_) => (DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), false),
            Values::OptionTime(_) => (DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())), true),
        };
        Field::new(name, kind, nullable)
    });
    Schema::new(fields.collect::<Vec<_>>())
}

/// `table` as one record batch; its columns move into Arrow's buffers.
///
/// # Errors
/// [`Error::Limit`] for a sum of more than 38 digits, and the error of [`Table::check`].
pub fn to_record_batch(table: Table) -> Result<RecordBatch> {
    table.check()?;
    let schema = Arc::new(schema(&table));
    let rows = RecordBatchOptions::new().with_row_count(Some(table.num_rows()));
    let columns = table.columns.into_iter().map(|(_, values)| array(values)).collect::<Result<Vec<_>>>()?;
    RecordBatch::try_new_with_options(schema, columns, &rows).map_err(bug)
}

fn array(values: Values) -> Result<ArrayRef> {
    Ok(match values {
        Values::U32(v) => Arc::new(UInt32Array::from(v)),
        Values::U64(v) => Arc::new(UInt64Array::from(v)),
        Values::I64(v) => Arc::new(Int64Array::from(v)),
        Values::OptionI64(v) => Arc::new(optional::<Int64Type>(v)),
        Values::I128(v) => {
            let largest = 10i128.pow(u32::from(DECIMAL_DIGITS)) - 1;
            if v.iter().any(|value| !(-largest..=largest).contains(value)) {
                return Err(Error::Limit {
                    what: "digits of a sum in an Arrow decimal",
                    found: u64::from(DECIMAL_DIGITS) + 1,
                    limit: u64::from(DECIMAL_DIGITS),
                    remedy: "write CSV or JSON instead",
                });
            }
            Arc::new(Decimal128Array::from(v).with_precision_and_scale(DECIMAL_DIGITS, 0).map_err(bug)?)
        }
        Values::F64(v) => Arc::new(Float64Array::from(v)),
        Values::OptionF64(v) => Arc::new(Float64Array::from(v)),
        Values::Boolean(v) => Arc::new(BooleanArray::from(v)),
        Values::OptionBoolean(v) => Arc::new(BooleanArray::from(v)),
        Values::Text(v) => Arc::new(LargeStringArray::from_iter_values(v)),
        Values::Coded(v) => Arc::new(LargeStringArray::from_iter_values(v.iter())),
        Values::OptionText(v) => Arc::new(LargeStringArray::from(v)),
        Values::Time(v) => Arc::new(TimestampMicrosecondArray::from(v).with_timezone("UTC")),
        Values::OptionTime(v) => Arc::new(optional::<TimestampMicrosecondType>(v).with_timezone("UTC")),
    })
}

fn optional<T: ArrowPrimitiveType<Native = i64>>(values: Vec<Option<i64>>) -> PrimitiveArray<T> {
    PrimitiveArray::from_iter(values)
}

/// Arrow refuses only what [`Table::check`] and the schema above should have made impossible.
fn bug(error: ArrowError) -> Error {
    Error::Unproved(format!("a table could not become Arrow: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use arrow_array::Array;
    use arrow_array::cast::AsArray;

    #[test]
    fn columns_without_nulls_move_without_a_copy() {
        let (amounts, sums) = (vec![1i64, -2, 3], vec![1i128, 2, 3]);
        let (at, at_sums) = (amounts.as_ptr(), sums.as_ptr());
        let table = Table::new([("time", Values::Time(amounts)), ("sum_minor", Values::I128(sums))]);
        let batch = to_record_batch(table).unwrap();
        assert_eq!(batch.column(0).as_primitive::<TimestampMicrosecondType>().values().as_ptr(), at);
        assert_eq!(batch.column(1).to_data().buffers()[0].as_ptr().cast(), at_sums);
    }

    #[test]
    fn types_and_nulls_survive() {
        let table = Table::new([
            ("key", Values::OptionText(vec![Some("谢".into()), None])),
            ("first", Values::OptionTime(vec![None, Some(5)])),
            ("size", Values::U32(vec![1, 2])),
            ("in", Values::Boolean(vec![true, false])),
        ]);
        let batch = to_record_batch(table).unwrap();
        let schema = batch.schema();
        assert_eq!(
            schema.field(1).data_type(),
            &DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into()))
        );
        assert!(schema.field(0).is_nullable() && !schema.field(2).is_nullable());
        assert_eq!(batch.column(0).as_string::<i64>().value(0), "谢");
        assert!(batch.column(0).is_null(1) && batch.column(1).is_null(0));
        assert!(!batch.column(3).as_boolean().value(1));
    }

    #[test]
    fn a_sum_of_39_digits_is_refused_by_name() {
        let table = Table::new([("sum", Values::I128(vec![10i128.pow(38)]))]);
        assert!(matches!(to_record_batch(table), Err(Error::Limit { limit: 38, .. })));
    }

    #[test]
    fn empty_tables_are_batches_too() {
        assert_eq!(to_record_batch(Table::default()).unwrap().num_rows(), 0);
        let batch = to_record_batch(Table::new([("key", Values::Text(vec![]))])).unwrap();
        assert_eq!((batch.num_rows(), batch.num_columns()), (0, 1));
    }
}
