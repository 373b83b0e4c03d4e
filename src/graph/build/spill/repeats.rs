//! Transaction keys that occur twice, found outside of memory; what counts as a repeat is told in `duplicates`.
//!
//! # Method
//! Keys that are numbers and only ever grow cannot repeat, and nothing is read. Else (hash, reference, place) of all rows
//! are sorted; rows that share a hash with another are candidates. Candidates are sorted by place, so that their rows are
//! read in one pass, and by hash again, now with everything that a row says. Numbers hash to themselves; of texts the
//! keys are compared too.

use super::super::refers::Settled;
use super::super::rows::{Chunk, Row};
use super::super::{LeftOut, Reason, repeated};
use super::piece::{Piece, PieceKeys, Values};
use super::sort::{Sorted, Sorter};
use super::stream::Means;
use crate::error::Result;
use crate::store::Scratch;
use xxhash_rust::xxh3::xxh3_64;
use zerocopy::IntoBytes;

/// Words of a row's content.
const WORDS: usize = 6;
/// Hash, reference, place, content.
type Candidate = [u64; 3 + WORDS];

/// Rows that are left out.
pub(in super::super) struct Repeats {
    /// By reference: reference, that of the other row (all ones for none), number of the reason, currency, amount.
    rows: Sorted<5>,
}

impl Repeats {
    /// Hands over all of them in row order.
    pub fn each(&self, mut take: impl FnMut(&LeftOut) -> Result<()>) -> Result<()> {
        let split = |reference: u64| ((reference >> 40) as u32, reference & ((1 << 40) - 1));
        self.rows.each(|[reference, other, reason, currency, amount]| {
            let (source_ordinal, record) = split(reference);
            take(&LeftOut {
                source_ordinal,
                record,
                reason: Reason::ALL[reason as usize],
                other: (other != u64::MAX).then(|| split(other)),
                currency: currency as u16,
                amount: amount as i64,
            })
        })
    }
}

/// Finds repeated keys, unless none `may_repeat`; notes in each piece which of its rows are left out, also by what was `settled`, their numbers in
/// `omitted`.
pub(super) fn repeats(
    pieces: &mut [Piece],
    from: &Scratch,
    settled: &Settled,
    [may_repeat, only_numbers]: [bool; 2],
    omitted: &mut Scratch,
    means: &Means,
) -> Result<Repeats> {
    let share = means.share / 3;
    let mut rows = Sorter::<5>::new(means.writer, share, means.run);
    let mut places = Sorter::<1>::new(means.writer, share, means.run);
    let reference = |(source, record): (u32, u64)| u64::from(source) << 40 | record;
    let number =
        |reason: Reason| Reason::ALL.iter().position(|&known| known == reason).map_or(0, |at| at as u64);
    for (place, row) in &settled.left_out {
        let other = row.other.map_or(u64::MAX, reference);
        let own = reference((row.source_ordinal, row.record));
        places.push([*place])?;
        rows.push([own, other, number(row.reason), row.currency.into(), row.amount as u64])?;
    }
    let searched = if may_repeat { &pieces[..] } else { &[] };
    let candidates = candidates(searched, from, only_numbers, means)?;
    let mut group: Vec<First> = Vec::new();
    let mut hash = None;
    candidates.each(|record| {
        // All rows of a key are judged or none.
        if settled.judges(record[2]) {
            return Ok(());
        }
        if hash != Some(record[0]) {
            hash = Some(record[0]);
            group.clear();
        }
        let key = match only_numbers {
            true => Vec::new(),
            false => key_at(pieces, from, record[2])?,
        };
        let Some(first) = group.iter().find(|first| first.key == key) else {
            group.push(First { key, record });
            return Ok(());
        };
        let same = record[3..] == first.record[3..];
        let (currency, amount) = (record[7] >> 48, record[5]);
        places.push([record[2]])?;
        rows.push([record[1], first.record[1], number(repeated(same)), currency, amount])
    })?;
    drop(candidates);
    let mut noted: Option<(usize, u64, u32)> = None;
    let mut note = |noted: &mut Option<(usize, u64, u32)>| {
        if let Some((piece, begin, count)) = noted.take() {
            pieces[piece].omitted = (begin, count);
        }
    };
    places.finish()?.each(|[place]| {
        let (piece, row) = ((place >> 32) as usize, place as u32);
        if noted.is_none_or(|noted| noted.0 != piece) {
            note(&mut noted);
            noted = Some((piece, omitted.len(), 0));
        }
        if let Some(noted) = &mut noted {
            noted.2 += 1;
        }
        omitted.append(row.as_bytes()).map(|_| ())
    })?;
    note(&mut noted);
    omitted.flush()?;
    Ok(Repeats { rows: rows.finish()? })
}

/// The first row with a key.
struct First {
    /// Empty where the hash is the key.
    key: Vec<u8>,
    record: Candidate,
}

/// All rows whose hash another row has, with their content, by hash and reference.
fn candidates(
    pieces: &[Piece],
    from: &Scratch,
    only_numbers: bool,
    means: &Means,
) -> Result<Sorted<{ 3 + WORDS }>> {
    let share = means.share / 3;
    let mut hashed = Sorter::<3>::new(means.writer, share, means.run);
    for (number, piece) in pieces.iter().enumerate() {
        means.run.check()?;
        let references = piece.reference.all(u64::from(piece.rows), from)?;
        let place = |row: usize| (number as u64) << 32 | row as u64;
        match piece.keys {
            PieceKeys::None => {}
            PieceKeys::Numbers(numbers) => {
                let numbers = numbers.all(u64::from(piece.rows), from)?;
                for (row, (&number, &reference)) in numbers.iter().zip(&references).enumerate() {
                    let hash = if only_numbers { number } else { xxh3_64(number.to_string().as_bytes()) };
                    hashed.push([hash, reference, place(row)])?;
                }
            }
            PieceKeys::Texts(ends, text) => {
                let ends = ends.all(u64::from(piece.rows), from)?;
                let text = text.all(piece.key_bytes, from)?;
                let mut begin = 0;
                for (row, (&end, &reference)) in ends.iter().zip(&references).enumerate() {
                    let hash = xxh3_64(&text[begin as usize..end as usize]);
                    begin = end;
                    hashed.push([hash, reference, place(row)])?;
                }
            }
        }
    }
    let mut by_place = Sorter::<3>::new(means.writer, share, means.run);
    let mut last: Option<([u64; 3], bool)> = None;
    hashed.finish()?.each(|record @ [hash, reference, place]| {
        let repeats = last.is_some_and(|(last, _)| last[0] == hash);
        if let Some((first, false)) = last.filter(|_| repeats) {
            by_place.push([first[2], first[0], first[1]])?;
        }
        if repeats {
            by_place.push([place, hash, reference])?;
        }
        last = Some((record, repeats));
        Ok(())
    })?;
    let mut candidates = Sorter::new(means.writer, share, means.run);
    let mut loaded: Option<(usize, Chunk)> = None;
    by_place.finish()?.each(|[place, hash, reference]| {
        let (number, row) = ((place >> 32) as usize, (place & 0xffff_ffff) as usize);
        let chunk = match &mut loaded {
            Some((known, chunk)) if *known == number => chunk,
            other => &mut other.insert((number, pieces[number].load(from)?)).1,
        };
        let mut record = [0; 3 + WORDS];
        record[..3].copy_from_slice(&[hash, reference, place]);
        record[3..].copy_from_slice(&content(&chunk.row(row)));
        candidates.push(record)
    })?;
    candidates.finish()
}

/// Everything that a row says, as words; the third is the amount, the fifth begins with the currency.
fn content(row: &Row) -> [u64; WORDS] {
    let codes = u64::from(row.currency) << 48
        | u64::from(row.received_currency) << 32
        | u64::from(row.channel) << 24
        | u64::from(row.label) << 16
        | u64::from(row.flags) << 8;
    [
        u64::from(row.source) << 32 | u64::from(row.destination),
        row.time as u64,
        row.amount as u64,
        row.received as u64,
        codes,
        u64::from(row.device),
    ]
}

/// The transaction key at a place, as text.
pub(super) fn key_at(pieces: &[Piece], from: &Scratch, place: u64) -> Result<Vec<u8>> {
    let (piece, row) = (&pieces[(place >> 32) as usize], place & 0xffff_ffff);
    match piece.keys {
        PieceKeys::None => Ok(Vec::new()),
        PieceKeys::Numbers(numbers) => {
            let number = value_at(numbers, piece, row, from)?;
            Ok(number.to_string().into_bytes())
        }
        PieceKeys::Texts(ends, text) => {
            let begin = if row == 0 { 0 } else { value_at(ends, piece, row - 1, from)? };
            let end = value_at(ends, piece, row, from)?;
            let Values::Stored(offset) = text else { return Ok(Vec::new()) };
            let mut key = vec![0; end.wrapping_sub(begin) as usize];
            from.read(offset + u64::from(begin), &mut key)?;
            Ok(key)
        }
    }
}

fn value_at<T: crate::store::column::Element + Default>(
    values: Values<T>,
    piece: &Piece,
    row: u64,
    from: &Scratch,
) -> Result<T> {
    let mut cursor = super::piece::Cursor::new(values, u64::from(piece.rows), 1);
    cursor.skip(row);
    cursor.peek(from)
}
