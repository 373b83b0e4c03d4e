//! The bytes of one file, mapped or read: the one place with `unsafe`.
//!
//! Everything above sees `&[u8]` and casts it with checks (`zerocopy`). Which
//! of the two backends is behind makes no difference to any answer; it makes
//! one to what happens when somebody else cuts the file while it is open: read
//! bytes stay, mapped bytes end the process (SIGBUS). Hence "write once" in
//! `docs/format.md`, and [`Io::Read`] for files that others can change.
#![allow(unsafe_code)]

use super::Io;
use crate::error::{Error, Result};
use memmap2::{Mmap, MmapOptions};
use std::fs::File;
use std::io::Read;
use std::path::Path;
use zerocopy::IntoBytes;

/// All bytes of one file; the first is aligned to 8 at least.
pub(super) enum Bytes {
    /// Mapped; aligned to a page.
    Mapped(Mmap),
    /// Read. The words give the alignment; the last may hold less than 8 bytes of the file.
    Heap { words: Vec<u64>, len: usize },
}

impl Bytes {
    /// Maps or reads the regular file `path`, as long as the system says it is now.
    pub(super) fn open(path: &Path, io: Io) -> Result<Self> {
        let foreign = |detail: &str| Error::Foreign {
            path: path.to_path_buf(),
            what: "data file",
            detail: detail.to_string(),
        };
        // Asked before opening, because opening a named pipe would wait for its writer.
        if !std::fs::metadata(path).map_err(Error::io(path))?.is_file() {
            return Err(foreign("it is not a regular file"));
        }
        let mut file = File::open(path).map_err(Error::io(path))?;
        let metadata = file.metadata().map_err(Error::io(path))?;
        if !metadata.is_file() {
            return Err(foreign("it is not a regular file"));
        }
        if metadata.len() == 0 {
            return Err(Error::damaged(path, "file", "it is empty"));
        }
        let len = usize::try_from(metadata.len()).ok().filter(|&len| len <= isize::MAX as usize);
        let len = len.ok_or_else(|| foreign("it is larger than this machine can address"))?;
        match io {
            Io::Mmap => {
                // SAFETY: a file of a store gets its final name only when it is complete, and no
                // file with a final name is changed or cut again (docs/format.md, "Write once"), so
                // the mapped bytes do not change while they are borrowed. The length was asked from
                // the open file, so the mapping does not reach beyond its end.
                let map = unsafe { MmapOptions::new().len(len).map(&file) };
                map.map(Bytes::Mapped).map_err(Error::io(path))
            }
            Io::Read => {
                let mut words = Vec::new();
                words
                    .try_reserve_exact(len.div_ceil(8))
                    .map_err(|error| Error::io(path)(std::io::Error::other(error)))?;
                words.resize(len.div_ceil(8), 0u64);
                file.read_exact(&mut words.as_mut_bytes()[..len]).map_err(|error| match error.kind() {
                    std::io::ErrorKind::UnexpectedEof => {
                        Error::damaged(path, "file", "it was cut while it was read")
                    }
                    _ => Error::io(path)(error),
                })?;
                Ok(Bytes::Heap { words, len })
            }
        }
    }

    /// The bytes of the file.
    #[inline]
    pub(super) fn as_slice(&self) -> &[u8] {
        match self {
            Bytes::Mapped(map) => map,
            Bytes::Heap { words, len } => &words.as_bytes()[..*len],
        }
    }

    /// Has the pages of `range`, which begins with one, brought in at once. Where the system cannot, they come one after another
    /// when they are read.
    pub(super) fn populate(&self, range: std::ops::Range<usize>) {
        #[cfg(target_os = "linux")]
        if let Bytes::Mapped(map) = self {
            let _ = map.advise_range(memmap2::Advice::PopulateRead, range.start, range.len());
        }
        #[cfg(not(target_os = "linux"))]
        let _ = range;
    }
}

/// Asks the processor to fetch `value` into its caches, where it knows how; nothing waits for it.
#[inline]
pub(crate) fn prefetch<T>(value: &T) {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
        // SAFETY: every x86-64 processor has the instruction; it neither reads nor writes as far as a program can
        // tell, and the address is that of a reference.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(std::ptr::from_ref(value).cast()) };
    }
    #[cfg(not(target_arch = "x86_64"))]
    let _ = value;
}

impl std::fmt::Debug for Bytes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let backend = match self {
            Bytes::Mapped(_) => "mapped",
            Bytes::Heap { .. } => "read",
        };
        write!(f, "{} bytes, {backend}", self.as_slice().len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_backends_give_the_bytes_of_the_file() {
        let directory = tempfile::tempdir().unwrap();
        for len in [1usize, 7, 8, 9, 4095, 4096, 70_001] {
            let path = directory.path().join(len.to_string());
            let content: Vec<u8> = (0..len).map(|i| (i * 31 % 251) as u8).collect();
            std::fs::write(&path, &content).unwrap();
            for io in [Io::Mmap, Io::Read] {
                let bytes = Bytes::open(&path, io).unwrap();
                assert_eq!(bytes.as_slice(), content);
                assert_eq!(bytes.as_slice().as_ptr() as usize % 8, 0);
            }
        }
    }

    #[test]
    fn empty_files_directories_and_absent_files_are_refused_by_name() {
        let directory = tempfile::tempdir().unwrap();
        let empty = directory.path().join("empty");
        std::fs::write(&empty, []).unwrap();
        for io in [Io::Mmap, Io::Read] {
            assert!(Bytes::open(&empty, io).unwrap_err().to_string().contains("empty"));
            assert!(matches!(Bytes::open(directory.path(), io), Err(Error::Foreign { .. })));
            let absent = Bytes::open(&directory.path().join("absent"), io).unwrap_err();
            assert!(matches!(absent, Error::Io { .. }), "{absent}");
        }
    }
}
