//! Searching a store for texts, byte by byte: what shows that a key is gone.
//!
//! # Method
//! Every file below the store's directory is read from its first byte to its last, also those that no generation names or that are not
//! ours, and searched for the bytes of each text. What is found is told apart by what the format says of the place: a key or
//! another text that is the searched one from end to end, a longer text that has it inside, and bytes of numbers or of two neighbouring texts that
//! only happen to be the same. Numbers that stand for keys are compared as numbers, as they have no text on disk.
//!
//! # Cost
//! Time O(b · t) for b bytes and t texts, in parallel; memory a fraction of the largest file.
//!
//! # Choices
//! Nothing is taken from an index: a table of keys that has forgotten a key could still hold its text. A short text is found by chance in
//! numbers, so these sightings are counted apart and prove nothing. Links and what they lead to are not followed.

use super::container::Container;
use super::format::{ATTRIBUTE_FIRST, ColumnId, ElementType, Entry, FileKind};
use super::generations::{MANIFEST_BYTES_MAX, number};
use super::keys::parse_canonical;
use super::manifest::Manifest;
use super::open::read_small;
use super::{Codes, Column, Io};
use crate::error::{Error, Result};
use crate::run::Run;
use memchr::memmem::Finder;
use rayon::prelude::*;
use std::collections::BTreeMap;
use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::{Path, PathBuf};

/// Bytes searched between two looks at the run.
const PIECE: usize = 4 << 20;

/// How a text was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum How {
    /// A key, another text or a number is the searched one, from end to end.
    Whole,
    /// A longer text has it inside, or a file of which the format says nothing.
    Within,
    /// Where no text stands: the same bytes by chance.
    Chance,
}

/// A place where a text was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sighting {
    /// Path within the store.
    pub file: String,
    /// Where in it, for example `column key.text` or `sources`.
    pub place: String,
    /// Which of the texts, by its place among those searched for.
    pub text: usize,
    /// How.
    pub how: How,
    /// How often.
    pub num: u64,
}

/// What a search read and found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scanned {
    /// Files read.
    pub num_files: u64,
    /// Bytes read.
    pub bytes: u64,
    /// What was found, by file and place.
    pub sightings: Vec<Sighting>,
}

impl Scanned {
    /// How often any of the texts was found in this way.
    pub fn count(&self, how: How) -> u64 {
        self.sightings.iter().filter(|sighting| sighting.how == how).map(|sighting| sighting.num).sum()
    }
}

/// Sightings of one file: place, text and how, with their number.
type Tally = BTreeMap<(String, usize, How), u64>;

/// Searches every file below the store's directory `root` for `texts`; empty ones are found nowhere.
///
/// # Errors
/// [`Error::Damaged`] for a data file that cannot be told apart into columns; [`Error::Io`]; [`Error::Cancelled`].
pub fn scan(root: &Path, texts: &[Vec<u8>], run: &Run) -> Result<Scanned> {
    let mut files = Vec::new();
    list(root, &mut files)?;
    files.sort_unstable();
    run.stage("scan", files.iter().map(|(_, bytes)| bytes).sum());
    let finders: Vec<Finder> = texts.iter().map(Finder::new).collect();
    let mut scanned = Scanned::default();
    for (path, _) in files {
        run.check()?;
        let name = path.strip_prefix(root).unwrap_or(&path).to_string_lossy().into_owned();
        let Some((bytes, mut tally)) = search(&path, &name, &finders, run)? else { continue };
        for (text, finder) in finders.iter().enumerate() {
            let in_name = every(finder, name.as_bytes()).count() as u64;
            add(&mut tally, ("the file's name".to_string(), text, How::Within), in_name);
        }
        scanned.num_files += 1;
        scanned.bytes += bytes;
        scanned.sightings.extend(tally.into_iter().map(|((place, text, how), num)| Sighting {
            file: name.clone(),
            place,
            text,
            how,
            num,
        }));
    }
    Ok(scanned)
}

/// Every regular file below `folder`, with its length.
fn list(folder: &Path, files: &mut Vec<(PathBuf, u64)>) -> Result<()> {
    for entry in std::fs::read_dir(folder).map_err(Error::io(folder))? {
        let entry = entry.map_err(Error::io(folder))?;
        // Of the entry itself, not of what a link leads to.
        let metadata = match entry.metadata() {
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            metadata => metadata.map_err(Error::io(&entry.path()))?,
        };
        if metadata.is_dir() {
            list(&entry.path(), files)?;
        } else if metadata.is_file() {
            files.push((entry.path(), metadata.len()));
        }
    }
    Ok(())
}

fn add(tally: &mut Tally, key: (String, usize, How), num: u64) {
    if num > 0 {
        *tally.entry(key).or_default() += num;
    }
}

/// Length of a file and what was found in it; `None` if it vanished meanwhile.
fn search(path: &Path, name: &str, finders: &[Finder], run: &Run) -> Result<Option<(u64, Tally)>> {
    let (directory, file) = name.rsplit_once('/').unwrap_or(("", name));
    let searched = if FileKind::of_directory(directory).is_some() && !super::leftovers::is_temporary(file) {
        search_container(path, finders, run)
    } else if directory == "manifest" && number(file).is_some() {
        search_manifest(path, finders).inspect(|(bytes, _)| run.advance(*bytes))
    } else {
        search_other(path, finders, run)
    };
    match searched {
        Err(Error::Io { source, .. }) if source.kind() == ErrorKind::NotFound => Ok(None),
        searched => searched.map(Some),
    }
}

/// Where `finder`'s text begins in `bytes`, overlapping ones too.
fn every<'b>(finder: &'b Finder<'_>, bytes: &'b [u8]) -> impl Iterator<Item = usize> + 'b {
    let mut from = 0;
    std::iter::from_fn(move || {
        if finder.needle().is_empty() {
            return None;
        }
        let at = from + finder.find(bytes.get(from..)?)?;
        from = at + 1;
        Some(at)
    })
}

/// A column of texts: where it lies in the file, and where each text begins.
struct Texts {
    name: String,
    begin: usize,
    end: usize,
    offsets: Column<u64>,
}

impl Texts {
    /// How a text found at `at..end` of the file stands in this column.
    fn how(&self, at: usize, end: usize) -> Result<How> {
        let (at, end) = ((at - self.begin) as u64, (end - self.begin) as u64);
        let offsets = self.offsets.all()?;
        let behind = offsets.partition_point(|&offset| offset <= at);
        let (Some(&first), Some(&last)) = (offsets.get(behind.wrapping_sub(1)), offsets.get(behind)) else {
            return Ok(How::Within);
        };
        Ok(match (first == at, last.cmp(&end)) {
            (true, std::cmp::Ordering::Equal) => How::Whole,
            // It begins in one text and ends in the next.
            (_, std::cmp::Ordering::Less) => How::Chance,
            _ => How::Within,
        })
    }
}

fn search_container(path: &Path, finders: &[Finder], run: &Run) -> Result<(u64, Tally)> {
    let container = Container::open(path, Io::Mmap)?;
    let (mut texts, mut tally) = (Vec::new(), Tally::new());
    for entry in container.entries() {
        let is_attribute = entry.id.0 >= ATTRIBUTE_FIRST;
        let part = entry.id.0.wrapping_sub(ATTRIBUTE_FIRST) % 3;
        let offsets = match entry.id {
            ColumnId::KEY_TEXT => ColumnId::KEY_OFFSETS,
            ColumnId(id) if is_attribute && part == 1 => ColumnId(id - 1),
            ColumnId::KEY_NUMBERS => {
                count_numbers(entry, &container.codes(entry.id)?, finders, &mut tally)?;
                continue;
            }
            id if is_attribute && part == 0 && entry.element == ElementType::I64 => {
                let valid = ColumnId(id.0 + 2);
                let valid = if container.has(valid) { Some(container.column::<u8>(valid)?) } else { None };
                let values = container.column::<i64>(id)?;
                count_integers(entry, values.all()?, valid.as_ref(), finders, &mut tally)?;
                continue;
            }
            _ => continue,
        };
        let (begin, end) = (entry.offset as usize, (entry.offset + entry.bytes) as usize);
        texts.push(Texts { name: place(entry), begin, end, offsets: container.column(offsets)? });
    }
    let bytes = container.bytes();
    let pieces: Vec<usize> = (0..bytes.len()).step_by(PIECE).collect();
    let of_piece = |&begin: &usize| -> Result<Tally> {
        run.check()?;
        let mut tally = Tally::new();
        for (number, finder) in finders.iter().enumerate() {
            let len = finder.needle().len();
            let end = bytes.len().min(begin + PIECE + len.saturating_sub(1));
            for at in every(finder, &bytes[begin..end]).map(|at| begin + at) {
                let column = texts.iter().find(|texts| texts.begin <= at && at + len <= texts.end);
                let (place, how) = match column {
                    Some(column) => (column.name.clone(), column.how(at, at + len)?),
                    None => ("numbers".to_string(), How::Chance),
                };
                add(&mut tally, (place, number, how), 1);
            }
        }
        run.advance((bytes.len() - begin).min(PIECE) as u64);
        Ok(tally)
    };
    for found in pieces.par_iter().map(of_piece).collect::<Result<Vec<Tally>>>()? {
        for (key, num) in found {
            add(&mut tally, key, num);
        }
    }
    Ok((bytes.len() as u64, tally))
}

fn place(entry: &Entry) -> String {
    format!("column {}", entry.id.name())
}

/// The number that a text is the canonical decimal of, for each text that is one.
fn as_numbers<'f>(finders: &'f [Finder<'_>]) -> impl Iterator<Item = (usize, u64)> + 'f {
    let number = |(text, finder): (usize, &Finder)| Some((text, parse_canonical(finder.needle())?));
    finders.iter().enumerate().filter_map(number)
}

fn count_numbers(entry: &Entry, numbers: &Codes<u64>, finders: &[Finder], tally: &mut Tally) -> Result<()> {
    for (text, number) in as_numbers(finders) {
        let num = match (numbers.raw(), numbers.as_sequence()) {
            (Some(raw), _) => raw.all()?.par_iter().filter(|&&value| value == number).count() as u64,
            (None, Some((base, 0))) => {
                if base == number {
                    numbers.len() as u64
                } else {
                    0
                }
            }
            (None, Some((base, step))) => {
                let at = number.checked_sub(base).filter(|rise| rise % step == 0).map(|rise| rise / step);
                u64::from(at.is_some_and(|at| at < numbers.len() as u64))
            }
            (None, None) => 0,
        };
        add(tally, (place(entry), text, How::Whole), num);
    }
    Ok(())
}

fn count_integers(
    entry: &Entry,
    values: &[i64],
    valid: Option<&Column<u8>>,
    finders: &[Finder],
    tally: &mut Tally,
) -> Result<()> {
    let valid = valid.map(Column::all).transpose()?;
    let is_valid =
        |at: usize| valid.is_none_or(|bits| bits.get(at / 8).is_some_and(|bits| bits >> (at % 8) & 1 == 1));
    for (text, number) in as_numbers(finders) {
        let same = |(at, &value): (usize, &i64)| value as u64 == number && value >= 0 && is_valid(at);
        let num = values.par_iter().enumerate().filter(|&(at, value)| same((at, value))).count() as u64;
        add(tally, (place(entry), text, How::Whole), num);
    }
    Ok(())
}

fn search_manifest(path: &Path, finders: &[Finder]) -> Result<(u64, Tally)> {
    let bytes = read_small(path, MANIFEST_BYTES_MAX)?;
    let manifest = Manifest::decode(path, &bytes)?;
    let schema = &manifest.schema;
    let mut texts: Vec<(&str, &str)> = vec![("tool", &manifest.tool), ("schema.mapping", &schema.mapping)];
    texts.extend(schema.currencies.iter().map(|currency| ("schema.currencies", currency.code.as_str())));
    texts.extend(schema.channels.iter().map(|name| ("schema.channels", name.as_str())));
    texts.extend(schema.labels.iter().map(|name| ("schema.labels", name.as_str())));
    texts.extend(manifest.kinds.iter().map(|kind| ("kinds", kind.name.as_str())));
    texts.extend(manifest.files().map(|file| ("files", file.name.as_str())));
    let segments = manifest.segments.iter().chain(&manifest.static_links);
    texts.extend(segments.map(|segment| ("segments", segment.partition.as_str())));
    let attributes = manifest.attributes.iter().flat_map(|attributes| &attributes.columns);
    texts.extend(attributes.map(|column| ("attributes", column.name.as_str())));
    let sources = manifest.sources.iter();
    texts.extend(sources.flat_map(|source| [("sources", source.role.as_str()), ("sources", &source.name)]));
    let mut tally = Tally::new();
    for (number, finder) in finders.iter().enumerate() {
        let mut left = every(finder, &bytes).count() as u64;
        for (place, text) in &texts {
            let num = every(finder, text.as_bytes()).count() as u64;
            let how = if text.as_bytes() == finder.needle() { How::Whole } else { How::Within };
            add(&mut tally, (place.to_string(), number, how), num);
            left = left.saturating_sub(num);
        }
        add(&mut tally, ("numbers".to_string(), number, How::Chance), left);
    }
    Ok((bytes.len() as u64, tally))
}

/// A file of which the format says nothing, read piece by piece.
fn search_other(path: &Path, finders: &[Finder], run: &Run) -> Result<(u64, Tally)> {
    let mut file = File::open(path).map_err(Error::io(path))?;
    let longest = finders.iter().map(|finder| finder.needle().len()).max().unwrap_or(0);
    let (mut tally, mut bytes, mut piece) = (Tally::new(), 0, Vec::new());
    loop {
        run.check()?;
        let kept = piece.len();
        let read = (&mut file).take(PIECE as u64).read_to_end(&mut piece).map_err(Error::io(path))?;
        if read == 0 {
            return Ok((bytes, tally));
        }
        for (number, finder) in finders.iter().enumerate() {
            // What lies in the kept bytes alone was found before.
            let new = every(finder, &piece).filter(|at| at + finder.needle().len() > kept).count();
            add(&mut tally, ("its bytes".to_string(), number, How::Within), new as u64);
        }
        bytes += read as u64;
        run.advance(read as u64);
        let behind = piece.len().saturating_sub(longest.saturating_sub(1));
        piece.drain(..behind);
    }
}
