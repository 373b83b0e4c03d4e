//! Sorting more than fits: records of a few words, sorted in runs, merged as they are read.
//!
//! # Cost
//! Each record is written and read once; memory is the share given. A sorted list may be walked several times.

use crate::error::Result;
use crate::run::Run;
use crate::store::{Scratch, StoreWriter};
use rayon::prelude::ParallelSliceMut;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use zerocopy::IntoBytes;

/// Fewest records read of a run at a time.
const READ_MIN: usize = 16;

/// Takes records in any order.
pub(super) struct Sorter<'w, const N: usize> {
    writer: &'w StoreWriter,
    run: &'w Run,
    /// Records in memory at a time.
    capacity: usize,
    buffer: Vec<[u64; N]>,
    /// Number of records of each run in the scratch file, one after another.
    runs: Vec<u64>,
    scratch: Option<Scratch>,
}

/// Records in ascending order.
pub(super) struct Sorted<const N: usize> {
    capacity: usize,
    /// All records, where they fit.
    whole: Vec<[u64; N]>,
    runs: Vec<u64>,
    scratch: Option<Scratch>,
}

impl<'w, const N: usize> Sorter<'w, N> {
    /// Sorts within `share` bytes.
    pub fn new(writer: &'w StoreWriter, share: u64, run: &'w Run) -> Self {
        let capacity = (share as usize / size_of::<[u64; N]>()).max(READ_MIN);
        Sorter { writer, run, capacity, buffer: Vec::new(), runs: Vec::new(), scratch: None }
    }

    pub fn push(&mut self, record: [u64; N]) -> Result<()> {
        if self.buffer.len() == self.capacity {
            self.spill()?;
        }
        if self.buffer.len() == self.buffer.capacity() {
            // Doubling beyond the share would break the promise.
            let more = self.buffer.len().max(1 << 10).min(self.capacity - self.buffer.len());
            self.buffer.reserve_exact(more);
        }
        self.buffer.push(record);
        Ok(())
    }

    fn spill(&mut self) -> Result<()> {
        self.run.check()?;
        self.buffer.par_sort_unstable();
        let scratch = match &mut self.scratch {
            Some(scratch) => scratch,
            none => none.insert(self.writer.scratch()?),
        };
        scratch.append(self.buffer.as_bytes())?;
        self.runs.push(self.buffer.len() as u64);
        self.buffer.clear();
        Ok(())
    }

    pub fn finish(mut self) -> Result<Sorted<N>> {
        if self.runs.is_empty() {
            self.buffer.par_sort_unstable();
        } else {
            if !self.buffer.is_empty() {
                self.spill()?;
            }
            self.buffer = Vec::new();
        }
        if let Some(scratch) = &mut self.scratch {
            scratch.flush()?;
        }
        Ok(Sorted { capacity: self.capacity, whole: self.buffer, runs: self.runs, scratch: self.scratch })
    }
}

/// What is read of one run at a time.
struct Reader<const N: usize> {
    /// Number of the next record to read, and of the first behind the run.
    next: u64,
    end: u64,
    records: Vec<[u64; N]>,
    at: usize,
}

impl<const N: usize> Reader<N> {
    fn next(&mut self, scratch: &Scratch, most: usize) -> Result<Option<[u64; N]>> {
        if self.at == self.records.len() {
            let len = (self.end - self.next).min(most as u64);
            if len == 0 {
                return Ok(None);
            }
            self.records.resize(len as usize, [0; N]);
            scratch.read(self.next * size_of::<[u64; N]>() as u64, self.records.as_mut_bytes())?;
            (self.next, self.at) = (self.next + len, 0);
        }
        self.at += 1;
        Ok(Some(self.records[self.at - 1]))
    }
}

impl<const N: usize> Sorted<N> {
    /// Number of records.
    pub fn len(&self) -> u64 {
        self.whole.len() as u64 + self.runs.iter().sum::<u64>()
    }

    /// Hands over all records in order; those that are equal are all there.
    pub fn each(&self, mut take: impl FnMut([u64; N]) -> Result<()>) -> Result<()> {
        let Some(scratch) = &self.scratch else {
            return self.whole.iter().try_for_each(|&record| take(record));
        };
        let most = (self.capacity / self.runs.len()).max(READ_MIN);
        let mut begin = 0;
        let mut readers = Vec::with_capacity(self.runs.len());
        let mut heap = BinaryHeap::new();
        for (number, len) in self.runs.iter().enumerate() {
            let mut reader = Reader { next: begin, end: begin + len, records: Vec::new(), at: 0 };
            begin += len;
            heap.extend(reader.next(scratch, most)?.map(|record| Reverse((record, number))));
            readers.push(reader);
        }
        while let Some(Reverse((mut record, number))) = heap.pop() {
            // One run often gives many in a row.
            loop {
                take(record)?;
                match readers[number].next(scratch, most)? {
                    Some(next) if heap.peek().is_none_or(|other| (next, number) <= other.0) => record = next,
                    Some(next) => {
                        heap.push(Reverse((next, number)));
                        break;
                    }
                    None => break,
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn records_come_in_order_whatever_the_share(
            records in prop::collection::vec(prop::array::uniform2(0_u64..50), 0..600),
            share in 0_u64..6_000,
        ) {
            let directory = tempfile::tempdir().unwrap();
            let writer = StoreWriter::create(directory.path()).unwrap();
            let run = Run::new();
            let mut sorter = Sorter::new(&writer, share, &run);
            for &record in &records {
                sorter.push(record).unwrap();
            }
            let sorted = sorter.finish().unwrap();
            let mut expected = records;
            expected.sort();
            for _ in 0..2 {
                let mut found = Vec::new();
                sorted.each(|record| { found.push(record); Ok(()) }).unwrap();
                prop_assert_eq!(&found, &expected);
            }
            prop_assert_eq!(sorted.len(), expected.len() as u64);
        }
    }
}
