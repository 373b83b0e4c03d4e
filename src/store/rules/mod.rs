//! The rules that the columns of a store keep beyond their checksums (`docs/format.md`, "Rules").
//!
//! A checksum shows that a file is what was written; these rules show that what
//! was written can be true: orders, ranges, and that everything that is stored
//! twice says the same twice.

use crate::error::{Error, Result};
use crate::ids::NONE;
use crate::run::Run;
use crate::store::column::{Codes, Column, Element};
use crate::store::container::Container;
use crate::store::format::{ATTRIBUTE_FIRST, ColumnId, flags};
use crate::store::manifest::{
    AttributeKind, AttributesEntry, Manifest, Partition, SegmentEntry, manifest_name,
};
use crate::store::segment::{Links, Segment, Transactions};
use crate::store::tasks::tasks;
use rayon::prelude::{IndexedParallelIterator, ParallelIterator, ParallelSlice};
use std::ops::Range;
use std::path::Path;
use std::sync::Arc;

mod adjacency;

/// Transactions and their sum in one currency.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Total {
    pub num: u64,
    pub minor: i128,
}

/// Rows looked at between two looks at the run.
const ROWS_PER_TASK: usize = 1 << 16;
/// So many links ahead of the one that is looked at, those that lie anywhere are asked for.
const AHEAD: usize = 16;

fn broken<T>(container: &Container, id: ColumnId, detail: impl ToString) -> Result<T> {
    Err(Error::damaged(container.path(), format!("column {}", id.name()), detail))
}

/// What the manifest says of itself.
pub(super) fn of_manifest(manifest: &Manifest, root: &Path) -> Result<()> {
    let path = root.join(manifest_name(manifest.generation));
    let broken = |detail: String| Err(Error::damaged(&path, "manifest", detail));
    let num_currencies = manifest.schema.currencies.len();
    if manifest.totals.len() != num_currencies {
        return broken(format!("{} totals for {num_currencies} currencies", manifest.totals.len()));
    }
    for source in &manifest.sources {
        let parts = [source.accepted, source.rejected, source.skipped];
        if parts.iter().try_fold(0u64, |sum, &part| sum.checked_add(part)) != Some(source.read) {
            return broken(format!(
                "{}: accepted, rejected and skipped do not make up what was read",
                source.name
            ));
        }
    }
    let mut kinds: Vec<&str> = manifest.kinds.iter().map(|kind| kind.name.as_str()).collect();
    kinds.sort_unstable();
    if let Some(pair) = kinds.windows(2).find(|pair| pair[0] == pair[1]) {
        return broken(format!("there are two kinds {:?}", pair[0]));
    }
    // One without would have no place in time, and hide those after it from windows.
    if let Some(entry) = manifest.segments.iter().find(|entry| entry.num_transactions == 0) {
        return broken(format!("segment {} stands in time and has no transactions", entry.partition));
    }
    for pair in manifest.segments.windows(2) {
        if pair[0].time_max >= pair[1].time_min {
            return broken(format!(
                "segments {} and {} overlap in time",
                pair[0].partition, pair[1].partition
            ));
        }
    }
    Ok(())
}

/// Control totals: what was accepted is what is there.
pub(super) fn of_totals(manifest: &Manifest, root: &Path, found: &[Total]) -> Result<()> {
    let path = root.join(manifest_name(manifest.generation));
    for ((currency, stated), found) in manifest.schema.currencies.iter().zip(&manifest.totals).zip(found) {
        if (stated.accepted, stated.accepted_minor) != (found.num, found.minor) {
            let detail = format!(
                "{} transactions over {} minor units of {} are stated, there are {} over {}",
                stated.accepted, stated.accepted_minor, currency.code, found.num, found.minor
            );
            return Err(Error::damaged(&path, "control totals", detail));
        }
    }
    Ok(())
}

/// Times ascend, and are those that the manifest states, inside of the partition.
pub(super) fn of_times(
    container: &Container,
    entry: &SegmentEntry,
    segment: &Segment,
    partition: Partition,
) -> Result<()> {
    let times = segment.transactions.time.all()?;
    if let Some(at) = first_pair(times, |before, this| before > this) {
        return broken(container, ColumnId::TIME, format!("value {at} is earlier than the one before"));
    }
    let ends = (times.first().copied().unwrap_or(0), times.last().copied().unwrap_or(0));
    if ends != (entry.time_min, entry.time_max) {
        let detail = format!("times {ends:?}, the manifest states {:?}", (entry.time_min, entry.time_max));
        return broken(container, ColumnId::TIME, detail);
    }
    if !times.is_empty() {
        let span = partition.span(entry.time_min);
        if span.name != entry.partition || !span.window.contains(entry.time_max) {
            return broken(
                container,
                ColumnId::TIME,
                format!("times leave the partition {}", entry.partition),
            );
        }
    }
    Ok(())
}

/// What corrections have in common, over all segments.
#[derive(Debug, Default)]
pub(super) struct Corrections {
    /// References of the transactions that have flag `CORRECTED`.
    corrected: Vec<u64>,
    /// What those with flag `CORRECTION` refer to.
    meant: Vec<u64>,
}

impl Corrections {
    /// Each transaction that was corrected is what one correction means, and the other way round.
    pub fn check(mut self, manifest: &Manifest, root: &Path) -> Result<()> {
        self.corrected.sort_unstable();
        self.meant.sort_unstable();
        if self.corrected == self.meant {
            return Ok(());
        }
        let all = self.corrected.iter().zip(&self.meant);
        let same = all.take_while(|(corrected, meant)| corrected == meant).count();
        let first = self.corrected.get(same).into_iter().chain(self.meant.get(same)).min();
        let (source, record) = first.map_or((0, 0), |row| (row >> 40, row & ((1 << 40) - 1)));
        let path = root.join(manifest_name(manifest.generation));
        let detail = format!("source {source}, record {record} is not corrected once by one that says so");
        Err(Error::damaged(&path, "corrections", detail))
    }
}

/// Everything in one segment but its times; adds its amounts to `totals`.
pub(super) fn of_segment(
    container: &Arc<Container>,
    segment: &Segment,
    manifest: &Manifest,
    (totals, corrections): (&mut [Total], &mut Corrections),
    run: &Run,
) -> Result<()> {
    of_transactions(container, &segment.transactions, manifest)?;
    run.check()?;
    let corrected = of_references(container, &segment.transactions, corrections)?;
    adjacency::check(container, segment, &corrected, manifest.num_accounts, run)?;
    of_links(container, &segment.links, manifest)?;
    run.check()?;
    if let Some(keys) = &segment.keys {
        keys.check_everything(container, || run.check())?;
    }
    add_amounts(&segment.transactions, totals)
}

fn of_transactions(container: &Container, transactions: &Transactions, manifest: &Manifest) -> Result<()> {
    let accounts = u64::from(manifest.num_accounts);
    let schema = &manifest.schema;
    let (currencies, channels, labels) =
        (schema.currencies.len() as u64, schema.channels.len() as u64, schema.labels.len() as u64);
    column_below(container, ColumnId::SOURCE, &transactions.source, accounts)?;
    column_below(container, ColumnId::DESTINATION, &transactions.destination, accounts)?;
    codes_below(container, ColumnId::CURRENCY, &transactions.currency, currencies)?;
    codes_below(container, ColumnId::CHANNEL, &transactions.channel, channels + 1)?;
    codes_below(container, ColumnId::LABEL, &transactions.label, labels + 1)?;
    amounts_fit(container, ColumnId::AMOUNT, &transactions.amount)?;
    if let Some((amount, currency)) = &transactions.received {
        amounts_fit(container, ColumnId::RECEIVED_AMOUNT, amount)?;
        codes_below(container, ColumnId::RECEIVED_CURRENCY, currency, currencies)?;
    }
    if let Some(device) = &transactions.device {
        let kind = manifest.kinds.iter().find(|kind| kind.name == "device");
        let num_devices = kind.map_or(0, |kind| kind.num_identifiers);
        let devices = device.all()?;
        if let Some(at) = first_value(devices, |device| device != NONE && device >= num_devices) {
            return broken(
                container,
                ColumnId::DEVICE,
                format!("value {at} is not one of {num_devices} devices"),
            );
        }
    }
    let (source, destination) = (transactions.source.all()?, transactions.destination.all()?);
    let flags_are_wrong = |at: Range<usize>| -> Result<Option<usize>> {
        let flags = transactions.flags.part(at.clone())?;
        let ends = source[at.clone()].iter().zip(&destination[at]);
        let is_wrong = |(&flags, (source, destination)): (&u8, (&u32, &u32))| {
            (flags & flags::SELF_TRANSFER != 0) != (source == destination)
        };
        Ok(flags.iter().zip(ends).position(is_wrong))
    };
    if let Some(at) = first(source.len(), flags_are_wrong)? {
        return broken(container, ColumnId::FLAGS, format!("value {at} is not right for its transaction"));
    }
    let times = transactions.time.all()?;
    let row_is_wrong = |at: Range<usize>| -> Result<Option<usize>> {
        let from = at.start.saturating_sub(1);
        let (times, rows) = (&times[from..at.end], transactions.row.part(from..at.end)?);
        let mut pairs = times.windows(2).zip(rows.windows(2));
        let wrong = pairs.position(|(times, rows)| times[0] == times[1] && rows[0] > rows[1]);
        Ok(wrong.map(|place| from + 1 + place - at.start))
    };
    // A sequence ascends.
    let num_rows = if transactions.row.raw().is_some() { times.len() } else { 0 };
    if let Some(at) = first(num_rows, row_is_wrong)? {
        return broken(
            container,
            ColumnId::ROW,
            format!("value {at} is before the one before at the same time"),
        );
    }
    Ok(())
}

/// What transactions refer to came before and has a reason; returns the positions of those that were corrected.
fn of_references(
    container: &Container,
    transactions: &Transactions,
    corrections: &mut Corrections,
) -> Result<Vec<u32>> {
    let constant = transactions.flags.constant();
    let num = if constant.is_some_and(|bits| bits & (flags::CORRECTED | flags::CORRECTION) == 0) {
        0
    } else {
        transactions.len()
    };
    let len = if transactions.refers.is_some() { transactions.len() } else { num };
    let parts = tasks(len, ROWS_PER_TASK).map(|at| -> Result<_> {
        let flags = transactions.flags.part(at.clone())?;
        let refers = transactions.refers.as_ref().map(|refers| refers.part(at.clone())).transpose()?;
        let (mut own, mut wrong) = (Corrections::default(), None);
        let mut corrected = Vec::new();
        for (place, &bits) in flags.iter().enumerate() {
            let refers = refers.as_ref().map_or(0, |refers| refers[place]);
            if bits & (flags::CORRECTED | flags::CORRECTION) == 0 && refers == 0 {
                continue;
            }
            let row = transactions.row.get(at.start + place)?;
            if bits & flags::CORRECTED != 0 {
                corrected.push((at.start + place) as u32);
                own.corrected.push(row);
            }
            if bits & flags::CORRECTION != 0 {
                own.meant.push(refers);
            }
            let is_wrong = match refers {
                0 => bits & flags::CORRECTION != 0,
                _ => bits & (flags::CORRECTION | flags::REVERSED) == 0 || refers >= row,
            };
            if is_wrong && wrong.is_none() {
                wrong = Some(at.start + place);
            }
        }
        Ok((corrected, own, wrong))
    });
    let mut all = Vec::new();
    for (corrected, mut own, wrong) in parts.collect::<Result<Vec<_>>>()? {
        if let Some(at) = wrong {
            return broken(
                container,
                ColumnId::REFERS,
                format!("value {at} is not right for its transaction"),
            );
        }
        all.extend(corrected);
        corrections.corrected.append(&mut own.corrected);
        corrections.meant.append(&mut own.meant);
    }
    Ok(all)
}

/// The first of `0..len` that is wrong; `wrong` says which is the first of a task, counted from its start.
fn first(len: usize, wrong: impl Fn(Range<usize>) -> Result<Option<usize>> + Sync) -> Result<Option<usize>> {
    let place = |at: Range<usize>| Ok(wrong(at.clone())?.map(|place| at.start + place));
    tasks(len, ROWS_PER_TASK).find_map_first(|at| place(at).transpose()).transpose()
}

/// The first value that is wrong.
fn first_value<T: Copy + Sync>(values: &[T], wrong: impl Fn(T) -> bool + Sync) -> Option<usize> {
    let place = |at: Range<usize>| {
        let values = &values[at.clone()];
        // Most often none is: looking at all of them is quicker than stopping at one.
        let any = values.iter().fold(false, |any, &value| any | wrong(value));
        let first = any.then(|| values.iter().position(|&value| wrong(value))).flatten();
        first.map(|place| at.start + place)
    };
    tasks(values.len(), ROWS_PER_TASK).find_map_first(place)
}

/// The first value that is wrong behind the one before.
fn first_pair<T: Copy + Sync>(values: &[T], wrong: impl Fn(T, T) -> bool + Sync) -> Option<usize> {
    let place = |at: Range<usize>| {
        let from = at.start.saturating_sub(1);
        let mut pairs = values[from..at.end].windows(2);
        let any = pairs.clone().fold(false, |any, pair| any | wrong(pair[0], pair[1]));
        let first = any.then(|| pairs.position(|pair| wrong(pair[0], pair[1]))).flatten();
        first.map(|place| from + 1 + place)
    };
    tasks(values.len(), ROWS_PER_TASK).find_map_first(place)
}

/// The first of `0..len` that is not above the one before in `order`.
fn first_not_above<O: Ord>(len: usize, order: impl Fn(usize) -> Result<O> + Sync) -> Result<Option<usize>> {
    first(len, |at| {
        let mut before = at.start.checked_sub(1).map(&order).transpose()?;
        for (place, at) in at.enumerate() {
            let this = order(at)?;
            if before.is_some_and(|before| before >= this) {
                return Ok(Some(place));
            }
            before = Some(this);
        }
        Ok(None)
    })
}

fn column_below(container: &Container, id: ColumnId, column: &Column<u32>, end: u64) -> Result<()> {
    match first_value(column.all()?, |value| u64::from(value) >= end) {
        Some(at) => broken(container, id, format!("value {at} is not below {end}")),
        None => Ok(()),
    }
}

/// The smallest i64 is no amount: its opposite would not be one.
fn amounts_fit(container: &Container, id: ColumnId, amounts: &Column<i64>) -> Result<()> {
    match first_value(amounts.all()?, |amount| amount == i64::MIN) {
        Some(at) => broken(container, id, format!("value {at} is below -(2^63 - 1)")),
        None => Ok(()),
    }
}

fn codes_below<T: Element>(container: &Container, id: ColumnId, codes: &Codes<T>, end: u64) -> Result<()> {
    let at = match codes.raw() {
        Some(column) => first_value(column.all()?, |value: T| value.to_bits() >= end),
        // A sequence ascends, so its last value is its largest.
        None => match codes.len().checked_sub(1) {
            Some(last) => (codes.get(last)?.to_bits() >= end).then_some(last),
            None => None,
        },
    };
    match at {
        Some(at) => broken(container, id, format!("value {at} is not below {end}")),
        None => Ok(()),
    }
}

fn add_amounts(transactions: &Transactions, totals: &mut [Total]) -> Result<()> {
    let amounts = transactions.amount.all()?;
    let num_currencies = totals.len();
    let sums = tasks(amounts.len(), ROWS_PER_TASK).map(|at| {
        let mut sums = vec![Total::default(); num_currencies];
        if let Some(currency) = transactions.currency.constant() {
            let sum = &mut sums[usize::from(currency)];
            sum.num = at.len() as u64;
            sum.minor = amounts[at].iter().map(|&amount| i128::from(amount)).sum();
            return Ok(sums);
        }
        // Codes were found to be in range before.
        for (&amount, &currency) in amounts[at.clone()].iter().zip(transactions.currency.part(at)?.iter()) {
            let sum = &mut sums[usize::from(currency)];
            sum.num += 1;
            sum.minor += i128::from(amount);
        }
        Ok(sums)
    });
    for sums in sums.collect::<Result<Vec<_>>>()? {
        for (total, sum) in totals.iter_mut().zip(sums) {
            total.num += sum.num;
            total.minor += sum.minor;
        }
    }
    Ok(())
}

fn of_links(container: &Container, links: &Links, manifest: &Manifest) -> Result<()> {
    column_below(container, ColumnId::LINK_ACCOUNT, &links.account, manifest.num_accounts.into())?;
    codes_below(container, ColumnId::LINK_KIND, &links.kind, manifest.kinds.len() as u64)?;
    let (account, identifier) = (links.account.all()?, links.identifier.all()?);
    let (first_seen, last_seen) = (links.first.all()?, links.last.all()?);
    let identifier_is_wrong = |at: Range<usize>| {
        let kinds = links.kind.part(at.clone())?;
        let is_wrong = |(&kind, &identifier): (&u8, &u32)| {
            identifier >= manifest.kinds[usize::from(kind)].num_identifiers
        };
        Ok(kinds.iter().zip(&identifier[at]).position(is_wrong))
    };
    if let Some(at) = first(links.len(), identifier_is_wrong)? {
        return broken(container, ColumnId::LINK_IDENTIFIER, format!("value {at} is not one of its kind"));
    }
    let order = |at: usize| Ok((account[at], links.kind.get(at)?, identifier[at]));
    if let Some(at) = first_not_above(links.len(), order)? {
        return broken(container, ColumnId::LINK_ACCOUNT, format!("link {at} is not behind the one before"));
    }
    let seen_is_wrong = |at: Range<usize>| {
        let mut seen = first_seen[at.clone()].iter().zip(&last_seen[at]);
        Ok(seen.position(|(&first, &last)| last != i64::MIN && first > last))
    };
    if let Some(at) = first(links.len(), seen_is_wrong)? {
        return broken(container, ColumnId::LINK_LAST, format!("value {at} is before the first"));
    }
    // Strictly ascending, hence distinct; as many as there are links, hence all.
    column_below(container, ColumnId::LINK_BY_IDENTIFIER, &links.by_identifier, links.len() as u64)?;
    let numbers = links.by_identifier.all()?;
    let order = |at: usize| {
        if let Some(&link) = numbers.get(at + AHEAD) {
            links.identifier.prefetch(link as usize);
            links.account.prefetch(link as usize);
        }
        let link = numbers[at] as usize;
        Ok((links.kind.get(link)?, identifier[link], account[link]))
    };
    if let Some(at) = first_not_above(links.len(), order)? {
        return broken(
            container,
            ColumnId::LINK_BY_IDENTIFIER,
            format!("value {at} is not behind the one before"),
        );
    }
    codes_below(container, ColumnId::LINK_COUNT, &links.count, u64::MAX)
}

/// Attribute columns have one value, text or null per account.
pub(super) fn of_attributes(
    container: &Arc<Container>,
    entry: &AttributesEntry,
    num_accounts: u32,
) -> Result<()> {
    let num_accounts = num_accounts as usize;
    for (column, number) in entry.columns.iter().zip(0u32..) {
        let id = |part: u32| {
            let id = u16::try_from(u32::from(ATTRIBUTE_FIRST) + 3 * number + part).map(ColumnId);
            id.map_err(|_| Error::damaged(container.path(), "attributes", "there are more columns than ids"))
        };
        let (values, text, valid) = (id(0)?, id(1)?, id(2)?);
        let found = match column.kind {
            AttributeKind::Integer | AttributeKind::Time => container.column::<i64>(values)?.len(),
            AttributeKind::Float => container.column::<u64>(values)?.len(),
            AttributeKind::Boolean => {
                let booleans = container.column::<u8>(values)?;
                if let Some(at) = first_value(booleans.all()?, |value| value > 1) {
                    return broken(container, values, format!("value {at} is neither 0 nor 1"));
                }
                booleans.len()
            }
            AttributeKind::Text => of_texts(container, values, text)?,
        };
        if found != num_accounts {
            return broken(container, values, format!("{found} values for {num_accounts} accounts"));
        }
        if container.has(valid) && container.column::<u8>(valid)?.len() != num_accounts.div_ceil(8) {
            return broken(
                container,
                valid,
                format!("it does not have one bit for each of {num_accounts} accounts"),
            );
        }
    }
    Ok(())
}

/// The number of texts, if the offsets cut the blob into UTF-8.
fn of_texts(container: &Arc<Container>, id: ColumnId, text: ColumnId) -> Result<usize> {
    let (offsets, text) = (container.column::<u64>(id)?, container.column::<u8>(text)?);
    let (offsets, text) = (offsets.all()?, text.all()?);
    if (offsets.first(), offsets.last()) != (Some(&0), Some(&(text.len() as u64))) {
        return broken(container, id, "they do not cut the whole text");
    }
    let is_wrong = |pair: &[u64]| {
        let text = text.get(pair[0] as usize..pair[1] as usize);
        text.is_none_or(|text| std::str::from_utf8(text).is_err())
    };
    match offsets.par_windows(2).position_first(is_wrong) {
        Some(at) => broken(container, id, format!("text {at} is not one")),
        None => Ok(offsets.len() - 1),
    }
}
