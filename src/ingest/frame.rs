//! Arrow arrays as cells, and data frames as sources.
//!
//! # Method
//! An array becomes [`Cells`] without a copy where its layout allows (64-bit
//! integers, floats, UTF-8), else by widening or unpacking a few thousand rows at a
//! time. Record batches of any length are gathered to chunks of `chunk_rows` rows,
//! so that batches and the frame's digest do not depend on how the frame was cut.
//!
//! # Choices
//! Times keep their unit's meaning: nanoseconds are cut to microseconds, towards
//! the past; a timestamp with a time zone is a moment, one without is read on the
//! mapping's clock; dates are midnights on that clock. Floats are never keys.
//!
//! The digest of a frame is SHA-256 over the digests of its chunks; that of a chunk
//! is SHA-256 over name and values of each used column.

use super::cells::{Block, Cells, Columns, TextCells, Typed};
use super::csv::Rows;
use crate::error::{Error, Result};
use crate::run::Run;
use arrow_array::cast::AsArray;
use arrow_array::types::{
    Date32Type, Date64Type, Decimal32Type, Decimal64Type, Decimal128Type, Decimal256Type, Float32Type,
    Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, TimestampMicrosecondType,
    TimestampMillisecondType, TimestampNanosecondType, TimestampSecondType, UInt8Type, UInt16Type,
    UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrowPrimitiveType, OffsetSizeTrait, RecordBatch, RecordBatchReader};
use arrow_schema::{DataType, Schema, TimeUnit};
use rayon::iter::{IntoParallelRefIterator, ParallelIterator};
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::sync::Arc;
use zerocopy::IntoBytes;

/// Rows that are turned into cells at a time.
pub(crate) const BLOCK_ROWS: usize = 4096;

/// A column of a few rows, as cells can be made of it.
enum Values<'a> {
    Text { bytes: Cow<'a, [u8]>, ends: Cow<'a, [u32]> },
    Integers(Cow<'a, [i64]>),
    Floats { values: Cow<'a, [f64]>, single: bool },
    Decimals { values: Vec<i128>, scale: i8 },
    Booleans(Vec<bool>),
    Times { values: Cow<'a, [i64]>, zoned: bool },
    Empty,
}

struct Converted<'a> {
    values: Values<'a>,
    /// Empty if all rows have a value.
    valid: Vec<bool>,
}

impl Converted<'_> {
    fn cells(&self) -> Cells<'_> {
        fn typed<'c, T>(values: &'c [T], valid: &'c [bool]) -> Typed<'c, T> {
            Typed { values, valid }
        }
        let valid = self.valid.as_slice();
        match &self.values {
            Values::Text { bytes, ends } => {
                Cells::Text(TextCells { bytes, ends, stride: 1, column: 0, gap: 0, valid })
            }
            Values::Integers(values) => Cells::Integers(typed(values, valid)),
            Values::Floats { values, single } => {
                Cells::Floats { cells: typed(values, valid), single: *single }
            }
            Values::Decimals { values, scale } => {
                Cells::Decimals { cells: typed(values, valid), scale: *scale }
            }
            Values::Booleans(values) => Cells::Booleans(typed(values, valid)),
            Values::Times { values, zoned } => Cells::Times { cells: typed(values, valid), zoned: *zoned },
            Values::Empty => Cells::Empty,
        }
    }
}

/// Turns one array into cells; `None` if its type has no meaning here.
fn convert(array: &dyn Array) -> Option<Converted<'_>> {
    let valid = match array.nulls().filter(|nulls| nulls.null_count() > 0) {
        Some(nulls) => nulls.iter().collect(),
        None => Vec::new(),
    };
    let values = match array.data_type() {
        DataType::Null => Values::Empty,
        DataType::Boolean => Values::Booleans(array.as_boolean().values().iter().collect()),
        DataType::Int8 => integers::<Int8Type>(array),
        DataType::Int16 => integers::<Int16Type>(array),
        DataType::Int32 => integers::<Int32Type>(array),
        DataType::Int64 => Values::Integers(Cow::Borrowed(array.as_primitive::<Int64Type>().values())),
        DataType::UInt8 => integers::<UInt8Type>(array),
        DataType::UInt16 => integers::<UInt16Type>(array),
        DataType::UInt32 => integers::<UInt32Type>(array),
        DataType::UInt64 => {
            let values = array.as_primitive::<UInt64Type>().values();
            match values.iter().map(|v| i64::try_from(*v).ok()).collect::<Option<Vec<i64>>>() {
                Some(values) => Values::Integers(Cow::Owned(values)),
                None => texts(values.iter().map(|v| v.to_string().into_bytes())),
            }
        }
        DataType::Float32 => {
            let values = array.as_primitive::<Float32Type>().values();
            Values::Floats { values: values.iter().map(|v| f64::from(*v)).collect(), single: true }
        }
        DataType::Float64 => Values::Floats {
            values: Cow::Borrowed(array.as_primitive::<Float64Type>().values()),
            single: false,
        },
        DataType::Decimal32(_, scale) => {
            let values = array.as_primitive::<Decimal32Type>().values();
            Values::Decimals { values: values.iter().map(|v| i128::from(*v)).collect(), scale: *scale }
        }
        DataType::Decimal64(_, scale) => {
            let values = array.as_primitive::<Decimal64Type>().values();
            Values::Decimals { values: values.iter().map(|v| i128::from(*v)).collect(), scale: *scale }
        }
        DataType::Decimal128(_, scale) => Values::Decimals {
            values: array.as_primitive::<Decimal128Type>().values().to_vec(),
            scale: *scale,
        },
        DataType::Decimal256(_, scale) => {
            let values = array.as_primitive::<Decimal256Type>();
            match values.values().iter().map(|v| v.to_i128()).collect::<Option<Vec<i128>>>() {
                Some(values) => Values::Decimals { values, scale: *scale },
                None => texts((0..array.len()).map(|row| values.value_as_string(row).into_bytes())),
            }
        }
        DataType::Utf8 => {
            let array = array.as_string::<i32>();
            strings(array.value_data(), array.value_offsets())
        }
        DataType::LargeUtf8 => {
            let array = array.as_string::<i64>();
            strings(array.value_data(), array.value_offsets())
        }
        DataType::Utf8View => {
            let array = array.as_string_view();
            texts((0..array.len()).map(|row| if array.is_null(row) { "" } else { array.value(row) }))
        }
        DataType::Dictionary(..) => return convert_dictionary(array),
        DataType::Date32 => {
            let days = array.as_primitive::<Date32Type>().values().iter().map(|v| i64::from(*v));
            Values::Times { values: days.map(|d| d * crate::units::time::DAY_US).collect(), zoned: false }
        }
        DataType::Date64 => {
            let values = array.as_primitive::<Date64Type>().values();
            Values::Times { values: values.iter().map(|v| v.saturating_mul(1000)).collect(), zoned: false }
        }
        DataType::Timestamp(unit, zone) => {
            Values::Times { values: timestamps(array, *unit), zoned: zone.is_some() }
        }
        _ => return None,
    };
    Some(Converted { values, valid })
}

fn integers<T: ArrowPrimitiveType>(array: &dyn Array) -> Values<'_>
where
    T::Native: Into<i64>,
{
    Values::Integers(array.as_primitive::<T>().values().iter().map(|v| (*v).into()).collect())
}

fn timestamps(array: &dyn Array, unit: TimeUnit) -> Cow<'_, [i64]> {
    match unit {
        TimeUnit::Second => {
            let values = array.as_primitive::<TimestampSecondType>().values();
            values.iter().map(|v| v.saturating_mul(1_000_000)).collect()
        }
        TimeUnit::Millisecond => {
            let values = array.as_primitive::<TimestampMillisecondType>().values();
            values.iter().map(|v| v.saturating_mul(1000)).collect()
        }
        TimeUnit::Microsecond => Cow::Borrowed(array.as_primitive::<TimestampMicrosecondType>().values()),
        TimeUnit::Nanosecond => {
            let values = array.as_primitive::<TimestampNanosecondType>().values();
            values.iter().map(|v| v.div_euclid(1000)).collect()
        }
    }
}

/// Copies texts one behind the other.
fn texts<'a, T: AsRef<[u8]>>(values: impl Iterator<Item = T>) -> Values<'a> {
    let (mut bytes, mut ends) = (Vec::new(), vec![0]);
    for value in values {
        bytes.extend_from_slice(value.as_ref());
        ends.push(bytes.len() as u32);
    }
    Values::Text { bytes: Cow::Owned(bytes), ends: Cow::Owned(ends) }
}

/// Texts that lie one behind the other already.
fn strings<'a, O: OffsetSizeTrait>(bytes: &'a [u8], offsets: &'a [O]) -> Values<'a> {
    let (first, last) = (offsets[0].as_usize(), offsets[offsets.len() - 1].as_usize());
    let ends = offsets.iter().map(|offset| (offset.as_usize() - first) as u32).collect();
    Values::Text { bytes: Cow::Borrowed(&bytes[first..last]), ends: Cow::Owned(ends) }
}

fn convert_dictionary(array: &dyn Array) -> Option<Converted<'_>> {
    let dictionary = array.as_any_dictionary();
    let values = convert(dictionary.values().as_ref())?;
    let cells = values.cells();
    // Without values there is no key either, and all rows are null.
    let keys =
        if dictionary.values().is_empty() { vec![0; array.len()] } else { dictionary.normalized_keys() };
    let mut valid: Vec<bool> = (0..array.len()).map(|row| !array.is_null(row)).collect();
    let mut scratch = Vec::new();
    let (mut bytes, mut ends) = (Vec::new(), vec![0]);
    for (row, key) in keys.into_iter().enumerate() {
        if valid[row] && (values.valid.is_empty() || values.valid[key]) {
            bytes.extend_from_slice(cells.text(key, &mut scratch));
        } else {
            valid[row] = false;
        }
        ends.push(bytes.len() as u32);
    }
    let values = Values::Text { bytes: Cow::Owned(bytes), ends: Cow::Owned(ends) };
    Some(Converted { values, valid })
}

/// Whether values of a type can be keys, amounts, times or names at all.
pub(crate) fn is_readable(kind: &DataType) -> bool {
    match kind {
        DataType::Dictionary(_, value) => is_readable(value) && !matches!(**value, DataType::Dictionary(..)),
        DataType::Null
        | DataType::Boolean
        | DataType::Int8
        | DataType::Int16
        | DataType::Int32
        | DataType::Int64
        | DataType::UInt8
        | DataType::UInt16
        | DataType::UInt32
        | DataType::UInt64
        | DataType::Float32
        | DataType::Float64
        | DataType::Decimal32(..)
        | DataType::Decimal64(..)
        | DataType::Decimal128(..)
        | DataType::Decimal256(..)
        | DataType::Utf8
        | DataType::LargeUtf8
        | DataType::Utf8View
        | DataType::Date32
        | DataType::Date64
        | DataType::Timestamp(..) => true,
        _ => false,
    }
}

/// Which columns of a record batch are which columns of the source, and what they are called.
#[derive(Debug)]
pub(crate) struct Layout<'s> {
    pub source: &'s Arc<str>,
    pub fields: &'s [(String, DataType)],
    /// For each column of the source, its place in the record batches, if it is used.
    pub places: Vec<Option<usize>>,
}

/// Hashes the used columns of one chunk, each on its own, row by row.
struct ChunkDigest(Vec<Sha256>);

impl ChunkDigest {
    fn new(layout: &Layout<'_>) -> Self {
        let hash = |((name, _), place): (&(String, DataType), &Option<usize>)| {
            place.map(|_| Sha256::new_with_prefix((name.len() as u64).as_bytes()).chain_update(name))
        };
        ChunkDigest(layout.fields.iter().zip(&layout.places).filter_map(hash).collect())
    }

    /// Adds some rows of a column. What is hashed depends on the column's type and values, not on which rows are added
    /// together; a missing number counts as the smallest one.
    fn add(&mut self, column: usize, kind: &DataType, cells: &Cells<'_>, num_rows: usize) {
        let hash = &mut self.0[column];
        match cells {
            Cells::Integers(integers) if *kind != DataType::UInt64 => {
                if integers.valid.is_empty() {
                    hash.update(integers.values.as_bytes());
                } else {
                    let values: Vec<i64> =
                        (0..num_rows).map(|row| integers.get(row).unwrap_or(i64::MIN)).collect();
                    hash.update(values.as_bytes());
                }
            }
            cells => {
                let (mut scratch, mut text) = (Vec::new(), Vec::new());
                for row in 0..num_rows {
                    let value = cells.text(row, &mut scratch);
                    text.extend_from_slice((value.len() as u32).as_bytes());
                    text.extend_from_slice(value);
                }
                hash.update(&text);
            }
        }
    }

    fn finish(self) -> [u8; 32] {
        let whole =
            self.0.into_iter().fold(Sha256::new(), |whole, column| whole.chain_update(column.finalize()));
        whole.finalize().into()
    }
}

/// Gives the rows of one chunk to whoever takes them.
pub(crate) struct Feed<'l> {
    layout: &'l Layout<'l>,
    digest: Option<ChunkDigest>,
    num_records: u32,
}

impl<'l> Feed<'l> {
    pub fn new(layout: &'l Layout<'l>, wants_digest: bool) -> Self {
        Feed { layout, digest: wants_digest.then(|| ChunkDigest::new(layout)), num_records: 0 }
    }

    /// Adds all rows of a record batch.
    pub fn push<R: Rows>(&mut self, batch: &RecordBatch, rows: &mut R) -> Result<()> {
        for start in (0..batch.num_rows()).step_by(BLOCK_ROWS) {
            let block = batch.slice(start, BLOCK_ROWS.min(batch.num_rows() - start));
            let mut converted = Vec::with_capacity(self.layout.places.len());
            for (index, place) in self.layout.places.iter().enumerate() {
                converted.push(match place {
                    None => None,
                    Some(place) => {
                        let array = block.column(*place).as_ref();
                        Some(
                            convert(array)
                                .ok_or_else(|| unreadable(self.layout, index, array.data_type()))?,
                        )
                    }
                });
            }
            let cells: Vec<Option<Cells<'_>>> =
                converted.iter().map(|column| column.as_ref().map(Converted::cells)).collect();
            if let Some(digest) = &mut self.digest {
                let used = self.layout.places.iter().flatten().zip(cells.iter().flatten());
                for (column, (place, cells)) in used.enumerate() {
                    digest.add(column, block.column(*place).data_type(), cells, block.num_rows());
                }
            }
            let end = self.num_records + block.num_rows() as u32;
            let ordinals: Vec<u32> = (self.num_records..end).collect();
            self.num_records = end;
            rows.push(&Block { columns: Columns::Typed(&cells), ordinals: &ordinals, utf8: true })?;
        }
        Ok(())
    }

    /// Number of rows, and their digest if it is wanted.
    pub fn finish(self) -> (u32, Option<[u8; 32]>) {
        (self.num_records, self.digest.map(ChunkDigest::finish))
    }
}

/// The error for a column whose type cannot be read.
pub(crate) fn unreadable(layout: &Layout<'_>, index: usize, kind: &DataType) -> Error {
    let problem = format!(
        "column {:?} has the type {kind}; texts, whole numbers, floats, decimals, truth values, dates and timestamps can be read",
        layout.fields[index].0
    );
    Error::input(layout.source, problem)
}

/// A data frame, or a file read as one.
pub(crate) struct FrameSource {
    source: Arc<str>,
    /// The source's columns.
    pub fields: Vec<(String, DataType)>,
    reader: Box<dyn RecordBatchReader + Send>,
    /// Whether the record batches hold only the used columns.
    projected: bool,
    chunk_rows: usize,
    /// Most rows in work at a time.
    rows_max: usize,
    /// What is left of the last record batch.
    rest: Option<RecordBatch>,
    ended: bool,
    digest: Sha256,
}

/// Rows of one chunk.
type Chunk = Vec<RecordBatch>;

/// Names and types of the columns of a schema.
pub(crate) fn fields_of(schema: &Schema) -> Vec<(String, DataType)> {
    schema.fields().iter().map(|field| (field.name().clone(), field.data_type().clone())).collect()
}

/// Where each used column is in the record batches; an error if its type cannot be read.
pub(crate) fn layout<'s>(
    source: &'s Arc<str>,
    fields: &'s [(String, DataType)],
    used: &[bool],
    projected: bool,
) -> Result<Layout<'s>> {
    let mut num_used = 0;
    let place = |(index, used): (usize, &bool)| {
        num_used += usize::from(*used);
        used.then(|| if projected { num_used - 1 } else { index })
    };
    let layout = Layout { source, fields, places: used.iter().enumerate().map(place).collect() };
    for (index, (_, kind)) in fields.iter().enumerate() {
        if used[index] && !is_readable(kind) {
            return Err(unreadable(&layout, index, kind));
        }
    }
    Ok(layout)
}

impl FrameSource {
    /// All columns of a frame.
    pub fn new(
        reader: Box<dyn RecordBatchReader + Send>,
        source: &Arc<str>,
        chunk_rows: usize,
        rows_max: usize,
    ) -> Self {
        let fields = fields_of(&reader.schema());
        Self::projected(reader, source, (chunk_rows, rows_max), fields, false)
    }

    /// A reader that may give the used ones of `fields` only.
    pub fn projected(
        reader: Box<dyn RecordBatchReader + Send>,
        source: &Arc<str>,
        (chunk_rows, rows_max): (usize, usize),
        fields: Vec<(String, DataType)>,
        projected: bool,
    ) -> Self {
        let (rest, ended, digest) = (None, false, Sha256::new());
        FrameSource {
            source: source.clone(),
            fields,
            reader,
            projected,
            chunk_rows,
            rows_max,
            rest,
            ended,
            digest,
        }
    }

    /// SHA-256 of the values; a frame has no bytes of its own.
    pub fn digest(&self) -> ([u8; 32], u64) {
        (self.digest.clone().finalize().into(), 0)
    }

    /// Up to `num_chunks` chunks of `chunk_rows` rows; the last of all may be shorter.
    fn fill(&mut self, chunks: &mut Vec<Chunk>, num_chunks: usize, run: &Run) -> Result<()> {
        chunks.clear();
        while chunks.len() < num_chunks && !self.ended {
            let (mut chunk, mut num_rows) = (Chunk::new(), 0);
            while num_rows < self.chunk_rows {
                run.check()?;
                let batch = match self.rest.take() {
                    Some(batch) => batch,
                    None => match shielded(&self.source, || Ok(self.reader.next()))? {
                        Some(Ok(batch)) if !self.projected && batch.schema_ref() != &self.reader.schema() => {
                            let problem = "a record batch has other columns than the schema says";
                            return Err(Error::input(&self.source, problem));
                        }
                        Some(Ok(batch)) => batch,
                        Some(Err(error)) => return Err(broken(&self.source, error)),
                        None => {
                            self.ended = true;
                            break;
                        }
                    },
                };
                let taken = batch.num_rows().min(self.chunk_rows - num_rows);
                if taken < batch.num_rows() {
                    self.rest = Some(batch.slice(taken, batch.num_rows() - taken));
                }
                if taken > 0 {
                    chunk.push(batch.slice(0, taken));
                    num_rows += taken;
                }
            }
            if num_rows > 0 {
                chunks.push(chunk);
            }
        }
        Ok(())
    }

    /// As [`CsvSource::read`](super::csv::CsvSource::read).
    pub fn read<R: Rows>(
        &mut self,
        run: &Run,
        used: &[bool],
        begin: &(impl Fn(usize) -> R + Sync),
        hand_on: &mut dyn FnMut(R::Done, u64, u32) -> Result<()>,
    ) -> Result<()> {
        let (source, fields) = (self.source.clone(), self.fields.clone());
        let layout = layout(&source, &fields, used, self.projected)?;
        let num_threads = run.install(rayon::current_num_threads);
        // One wave is parsed while the next is gathered.
        let wave = (self.rows_max / 2 / self.chunk_rows).clamp(1, 4 * num_threads);
        let (mut current, mut next) = (Vec::new(), Vec::new());
        let mut first_record = 1;
        self.fill(&mut current, wave.min(num_threads), run)?;
        while !current.is_empty() {
            let (parsed, filled) = run.install(|| {
                let parse = |chunk: &Chunk| {
                    run.check()?;
                    let expected = chunk.iter().map(RecordBatch::num_rows).sum();
                    let mut rows = begin(expected);
                    let mut feed = Feed::new(&layout, true);
                    chunk.iter().try_for_each(|batch| feed.push(batch, &mut rows))?;
                    let (num_records, digest) = feed.finish();
                    Ok((rows.finish(), num_records, digest))
                };
                rayon::join(
                    || current.par_iter().map(parse).collect::<Vec<Result<_>>>(),
                    || self.fill(&mut next, wave, run),
                )
            });
            for chunk in parsed {
                let (done, num_records, digest) = chunk?;
                self.digest.update(digest.unwrap_or_default());
                hand_on(done, first_record, num_records)?;
                first_record += u64::from(num_records);
            }
            filled?;
            std::mem::swap(&mut current, &mut next);
        }
        Ok(())
    }
}

/// The error for rows that their source cannot give.
pub(crate) fn broken(source: &Arc<str>, error: impl std::fmt::Display) -> Error {
    Error::input(
        source,
        format!("the rows cannot be read; they are damaged, or packed in an unknown way: {error}"),
    )
}

/// Runs `work`; a panic in it, which damaged bytes provoke in some decoders, becomes an error.
pub(crate) fn shielded<T>(source: &Arc<str>, work: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(work))
        .unwrap_or_else(|_| Err(broken(source, "their structure contradicts itself")))
}
