//! Parquet files: row groups in parallel, only the needed columns.
//!
//! # Method
//! A task decodes one row group, in record batches of a few thousand rows that go
//! straight into the columns of a batch; a wave of row groups is in work at a time.
//! The file's SHA-256 is computed beside the first wave. A file with row groups
//! that are too large for that is decoded in sequence, like a data frame.

use super::csv::Rows;
use super::frame::{BLOCK_ROWS, Feed, FrameSource, Layout, broken, fields_of, layout, shielded};
use crate::error::{Error, Result};
use crate::run::Run;
use arrow_array::RecordBatch;
use arrow_schema::DataType;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowReaderMetadata, ArrowReaderOptions, ParquetRecordBatchReaderBuilder,
};
use rayon::iter::{IntoParallelIterator, ParallelIterator};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// Row groups with more rows than this are not held in memory as a whole.
const GROUP_ROWS_MAX: i64 = 4 << 20;

/// An opened Parquet file.
pub(crate) struct ParquetSource {
    source: Arc<str>,
    path: PathBuf,
    /// The file's columns.
    pub fields: Vec<(String, DataType)>,
    metadata: ArrowReaderMetadata,
    chunk_rows: usize,
    /// Most rows in work at a time.
    rows_max: usize,
    digest: Option<([u8; 32], u64)>,
}

impl ParquetSource {
    /// Reads the footer; `in_flight` is the rows of a chunk, and most rows in work at a time.
    pub fn open(path: &Path, source: &Arc<str>, in_flight: (usize, usize)) -> Result<Self> {
        let file = File::open(path).map_err(Error::io(path))?;
        let load = || ArrowReaderMetadata::load(&file, ArrowReaderOptions::new());
        let metadata = shielded(source, || load().map_err(|error| broken(source, error)))?;
        let fields = fields_of(metadata.schema());
        Ok(ParquetSource {
            source: source.clone(),
            path: path.into(),
            fields,
            metadata,
            chunk_rows: in_flight.0,
            rows_max: in_flight.1,
            digest: None,
        })
    }

    /// SHA-256 and length of the file; known once the rows have been read.
    pub fn digest(&self) -> ([u8; 32], u64) {
        self.digest.unwrap_or_default()
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
        let layout = layout(&source, &fields, used, true)?;
        let groups = self.metadata.metadata().row_groups();
        let num_groups = groups.len();
        let largest = groups.iter().map(|group| group.num_rows()).max().unwrap_or(0).max(1);
        if largest > GROUP_ROWS_MAX.min(i64::try_from(self.rows_max).unwrap_or(i64::MAX)) {
            return self.read_in_sequence(run, used, &layout, begin, hand_on);
        }
        let wave = self.rows_max / largest as usize;
        let wave = wave.clamp(1, 4 * run.install(rayon::current_num_threads));
        let mut first_record = 1;
        for first_group in (0..num_groups.max(1)).step_by(wave) {
            let this = &*self;
            let read_wave = || {
                let groups = (first_group..num_groups.min(first_group + wave)).into_par_iter();
                let read = |group| {
                    run.check()?;
                    shielded(&source, || this.read_group(group, &layout, begin))
                };
                groups.map(read).collect::<Vec<Result<_>>>()
            };
            let wants_digest = first_group == 0;
            let (parsed, digest) = run.install(|| {
                rayon::join(read_wave, || if wants_digest { this.hash(run).map(Some) } else { Ok(None) })
            });
            for group in parsed {
                for (done, num_records) in group? {
                    hand_on(done, first_record, num_records)?;
                    first_record += u64::from(num_records);
                }
            }
            self.digest = digest?.or(self.digest);
        }
        Ok(())
    }

    /// Decodes one row group; one result per `chunk_rows` rows.
    fn read_group<R: Rows>(
        &self,
        group: usize,
        layout: &Layout<'_>,
        begin: &impl Fn(usize) -> R,
    ) -> Result<Vec<(R::Done, u32)>> {
        let reader = self.builder(layout)?.with_row_groups(vec![group]).with_batch_size(BLOCK_ROWS);
        let mut reader = reader.build().map_err(|error| broken(&self.source, error))?;
        let mut left = self.metadata.metadata().row_group(group).num_rows().max(0) as usize;
        let mut chunks = Vec::new();
        let mut rest: Option<RecordBatch> = None;
        while left > 0 {
            let expected = left.min(self.chunk_rows);
            let (mut rows, mut feed, mut num_rows) = (begin(expected), Feed::new(layout, false), 0);
            while num_rows < expected {
                let batch = match rest.take() {
                    Some(batch) => batch,
                    None => match reader.next() {
                        Some(batch) => batch.map_err(|error| broken(&self.source, error))?,
                        None => return Err(broken(&self.source, format!("row group {group} ends early"))),
                    },
                };
                let taken = batch.num_rows().min(expected - num_rows);
                if taken < batch.num_rows() {
                    rest = Some(batch.slice(taken, batch.num_rows() - taken));
                }
                feed.push(&batch.slice(0, taken), &mut rows)?;
                num_rows += taken;
            }
            left -= num_rows;
            chunks.push((rows.finish(), num_rows as u32));
        }
        Ok(chunks)
    }

    fn builder(&self, layout: &Layout<'_>) -> Result<ParquetRecordBatchReaderBuilder<File>> {
        // A file handle of its own: clones of one handle share its position.
        let file = File::open(&self.path).map_err(Error::io(&self.path))?;
        let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(file, self.metadata.clone());
        let used = layout.places.iter().enumerate().filter_map(|(index, place)| place.map(|_| index));
        let mask = ProjectionMask::roots(builder.parquet_schema(), used);
        Ok(builder.with_projection(mask))
    }

    fn read_in_sequence<R: Rows>(
        &mut self,
        run: &Run,
        used: &[bool],
        layout: &Layout<'_>,
        begin: &(impl Fn(usize) -> R + Sync),
        hand_on: &mut dyn FnMut(R::Done, u64, u32) -> Result<()>,
    ) -> Result<()> {
        let reader = self.builder(layout)?.with_batch_size(BLOCK_ROWS);
        let reader = reader.build().map_err(|error| broken(&self.source, error))?;
        let fields = self.fields.clone();
        let mut frame = FrameSource::projected(
            Box::new(reader),
            &self.source,
            (self.chunk_rows, self.rows_max),
            fields,
            true,
        );
        frame.read(run, used, begin, hand_on)?;
        self.digest = Some(self.hash(run)?);
        Ok(())
    }

    /// SHA-256 and length of the file.
    fn hash(&self, run: &Run) -> Result<([u8; 32], u64)> {
        let mut file = File::open(&self.path).map_err(Error::io(&self.path))?;
        let (mut hash, mut bytes) = (Sha256::new(), 0);
        let mut buffer = vec![0; 1 << 20];
        loop {
            run.check()?;
            let len = file.read(&mut buffer).map_err(Error::io(&self.path))?;
            if len == 0 {
                return Ok((hash.finalize().into(), bytes));
            }
            hash.update(&buffer[..len]);
            bytes += len as u64;
        }
    }
}
