//! Files as text, piece by piece: unpacked, hashed, and cut where records end.
//!
//! # Method
//! A file is read once. Its bytes go through SHA-256, then through gzip or zstd if
//! the first bytes say so, into a buffer that holds one *wave* of chunks. A chunk
//! ends with the last record that fits into `chunk_bytes`, so where chunks end
//! depends on the text and that number alone, never on the number of threads; what
//! is left behind the last chunk moves to the front of the next wave.
//!
//! # Cost
//! Two waves in memory. A record that does not fit into a chunk makes its chunk
//! longer, up to [`RECORD_MAX`].

use super::split::{Dialect, FIELD_MAX, Scanner};
use crate::error::{Error, Result};
use sha2::{Digest, Sha256};
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::ops::Range;
use std::path::Path;
use std::sync::{Arc, Mutex};

/// Longest record, in bytes.
pub(crate) const RECORD_MAX: usize = 16 << 20;

/// A reader that hashes and counts what passes.
struct Hashing {
    inner: Box<dyn Read + Send>,
    state: Arc<Mutex<(Sha256, u64)>>,
}

impl Read for Hashing {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let len = self.inner.read(buffer)?;
        if let Ok(mut state) = self.state.lock() {
            state.0.update(&buffer[..len]);
            state.1 += len as u64;
        }
        Ok(len)
    }
}

/// How a file is packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Packing {
    None,
    Gzip,
    Zstd,
}

/// An opened file, unpacked.
pub(crate) struct Text {
    reader: Box<dyn Read + Send>,
    packing: Packing,
    source: Arc<str>,
    path: std::path::PathBuf,
    state: Arc<Mutex<(Sha256, u64)>>,
}

/// First bytes of a Parquet file.
pub(crate) const PARQUET_MAGIC: &[u8; 4] = b"PAR1";

/// Reads up to `buffer.len()` bytes, less only at the end of the file.
fn read_full(reader: &mut dyn Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut len = 0;
    while len < buffer.len() {
        match reader.read(&mut buffer[len..]) {
            Ok(0) => break,
            Ok(more) => len += more,
            Err(error) if error.kind() == ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(len)
}

/// The first bytes of a file.
pub(crate) fn first_bytes(path: &Path) -> Result<Vec<u8>> {
    let mut file = File::open(path).map_err(Error::io(path))?;
    let mut first = [0; 4];
    let len = read_full(&mut file, &mut first).map_err(Error::io(path))?;
    Ok(first[..len].to_vec())
}

impl Text {
    /// Opens a file; errors call it `source`.
    pub fn open(path: &Path, source: &Arc<str>) -> Result<Self> {
        let file = File::open(path).map_err(Error::io(path))?;
        Self::new(Box::new(file), path, source)
    }

    /// Takes any reader.
    pub fn new(mut inner: Box<dyn Read + Send>, path: &Path, source: &Arc<str>) -> Result<Self> {
        let mut first = [0; 4];
        let len = read_full(&mut inner, &mut first).map_err(Error::io(path))?;
        let packing = match first {
            [0x1f, 0x8b, ..] => Packing::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd] => Packing::Zstd,
            _ => Packing::None,
        };
        let inner = Box::new(std::io::Cursor::new(first[..len].to_vec()).chain(inner));
        let state = Arc::new(Mutex::new((Sha256::new(), 0)));
        let hashing = Hashing { inner, state: state.clone() };
        const PACKED_BUFFER: usize = 256 << 10;
        let reader: Box<dyn Read + Send> = match packing {
            Packing::None => Box::new(hashing),
            Packing::Gzip => {
                let buffered = std::io::BufReader::with_capacity(PACKED_BUFFER, hashing);
                Box::new(flate2::bufread::MultiGzDecoder::new(buffered))
            }
            Packing::Zstd => {
                let buffered = std::io::BufReader::with_capacity(PACKED_BUFFER, hashing);
                Box::new(zstd::stream::read::Decoder::with_buffer(buffered).map_err(Error::io(path))?)
            }
        };
        Ok(Text { reader, packing, source: source.clone(), path: path.to_path_buf(), state })
    }

    /// Up to `buffer.len()` bytes, less only at the end.
    pub fn read(&mut self, buffer: &mut [u8]) -> Result<usize> {
        read_full(&mut self.reader, buffer).map_err(|error| match self.packing {
            Packing::None => Error::io(&self.path)(error),
            packing => {
                let name = if packing == Packing::Gzip { "gzip" } else { "zstd" };
                let problem = format!(
                    "the {name} archive is truncated or damaged ({error}); fetch or pack the file again"
                );
                Error::input(&self.source, problem)
            }
        })
    }

    /// SHA-256 and length of the file's bytes; to be called when all text has been read.
    pub fn digest(&self) -> ([u8; 32], u64) {
        self.state.lock().map_or(([0; 32], 0), |state| (state.0.clone().finalize().into(), state.1))
    }
}

/// Text of several chunks.
#[derive(Debug, Default)]
pub(crate) struct Wave {
    buffer: Vec<u8>,
    pub chunks: Vec<Span>,
}

/// One chunk of a wave.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub range: Range<usize>,
    /// Whether a field may begin with a quote.
    pub quoted: bool,
    /// Why the text cannot be read beyond this chunk, and where in the wave.
    pub fault: Option<(usize, Fault)>,
}

/// What makes a text unreadable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// A quote is opened and never closed.
    UnclosedQuote,
    /// A quoted field is longer than [`FIELD_MAX`].
    LongQuote,
    /// No line end within [`RECORD_MAX`].
    LongRecord,
}

impl Wave {
    pub fn text(&self, span: &Span) -> &[u8] {
        &self.buffer[span.range.clone()]
    }
}

/// Cuts a text into waves of chunks.
pub(crate) struct Chunks {
    text: Text,
    dialect: Dialect,
    chunk_bytes: usize,
    /// What was read beyond the last chunk.
    rest: Vec<u8>,
    /// No more bytes to read.
    ended: bool,
    /// No more chunks to give.
    stopped: bool,
}

impl Chunks {
    /// Begins behind `rest`, which has been read already.
    pub fn new(text: Text, dialect: Dialect, chunk_bytes: usize, rest: Vec<u8>, ended: bool) -> Self {
        Chunks { text, dialect, chunk_bytes, rest, ended, stopped: false }
    }

    pub fn digest(&self) -> ([u8; 32], u64) {
        self.text.digest()
    }

    /// Fills `wave` with up to `num_chunks` chunks; none are left when it has none.
    pub fn fill(&mut self, wave: &mut Wave, num_chunks: usize) -> Result<()> {
        wave.chunks.clear();
        if self.stopped {
            return Ok(());
        }
        let mut len = self.rest.len();
        let wanted = (num_chunks * self.chunk_bytes).max(len);
        if wave.buffer.len() < wanted {
            wave.buffer.resize(wanted, 0);
        }
        wave.buffer[..len].copy_from_slice(&self.rest);
        self.more(wave, &mut len, wanted)?;
        let mut start = 0;
        while wave.chunks.len() < num_chunks && !self.stopped {
            if start == len && self.ended {
                self.stopped = true;
                break;
            }
            if !wave.chunks.is_empty() && !self.ended && len - start < self.chunk_bytes {
                // Not enough text left to know where the next chunk ends.
                break;
            }
            let span = self.cut(wave, &mut len, start)?;
            self.stopped |= span.fault.is_some() || span.range.is_empty();
            if span.range.is_empty() {
                break;
            }
            start = span.range.end;
            wave.chunks.push(span);
        }
        self.rest.clear();
        self.rest.extend_from_slice(&wave.buffer[start..len]);
        Ok(())
    }

    /// Reads until the buffer holds `wanted` bytes or the text ends.
    fn more(&mut self, wave: &mut Wave, len: &mut usize, wanted: usize) -> Result<()> {
        if self.ended || *len >= wanted {
            return Ok(());
        }
        if wave.buffer.len() < wanted {
            wave.buffer.resize(wanted, 0);
        }
        let read = self.text.read(&mut wave.buffer[*len..wanted])?;
        self.ended = read < wanted - *len;
        *len += read;
        Ok(())
    }

    /// The chunk that begins at `start`.
    fn cut(&mut self, wave: &mut Wave, len: &mut usize, start: usize) -> Result<Span> {
        let mut scanner = Scanner::new(self.dialect, start);
        let mut to = start + self.chunk_bytes;
        loop {
            self.more(wave, len, to)?;
            let last = self.ended && to >= *len;
            let end = to.min(*len);
            scanner.scan(&wave.buffer[..end], end, last);
            let quoted = scanner.quoted;
            let stop = |at, fault| Ok(Span { range: start..end, quoted, fault: Some((at, fault)) });
            if let Some(open) = scanner.open() {
                if last {
                    return stop(open, Fault::UnclosedQuote);
                }
                // Doubled quotes make a field up to twice as long as its text.
                if end - open > 2 * FIELD_MAX + 2 {
                    return stop(open, Fault::LongQuote);
                }
            }
            if last {
                return Ok(Span { range: start..end, quoted, fault: None });
            }
            if let Some(record_end) = scanner.record_end() {
                return Ok(Span { range: start..record_end, quoted, fault: None });
            }
            if end - start > RECORD_MAX {
                return stop(start, Fault::LongRecord);
            }
            to += self.chunk_bytes.max(4096);
        }
    }
}
