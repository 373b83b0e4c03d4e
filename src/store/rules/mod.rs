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
use rayon::prelude::{
    IndexedParallelIterator, IntoParallelIterator, IntoParallelRefIterator, ParallelIterator, ParallelSlice,
};
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
    if let Some(at) = times.par_windows(2).position_first(|pair| pair[0] > pair[1]) {
        return broken(container, ColumnId::TIME, format!("value {} is earlier than the one before", at + 1));
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
        if let Some(at) = devices.par_iter().position_first(|&device| device != NONE && device >= num_devices)
        {
            return broken(
                container,
                ColumnId::DEVICE,
                format!("value {at} is not one of {num_devices} devices"),
            );
        }
    }
    let (source, destination) = (transactions.source.all()?, transactions.destination.all()?);
    let flags_are_wrong = |at: usize| -> Result<bool> {
        let flags = transactions.flags.get(at)?;
        Ok((flags & flags::SELF_TRANSFER != 0) != (source[at] == destination[at]))
    };
    if let Some(at) = first(source.len(), flags_are_wrong)? {
        return broken(container, ColumnId::FLAGS, format!("value {at} is not right for its transaction"));
    }
    let times = transactions.time.all()?;
    let row_is_wrong = |at: usize| -> Result<bool> {
        Ok(at > 0
            && times[at - 1] == times[at]
            && transactions.row.get(at - 1)? > transactions.row.get(at)?)
    };
    if let Some(at) = first(times.len(), row_is_wrong)? {
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
    let mut corrected = Vec::new();
    for at in 0..num {
        let bits = transactions.flags.get(at)?;
        if bits & flags::CORRECTED != 0 {
            corrected.push(at as u32);
            corrections.corrected.push(transactions.row.get(at)?);
        }
        if bits & flags::CORRECTION != 0 {
            corrections.meant.push(transactions.refers.as_ref().map_or(Ok(0), |refers| refers.get(at))?);
        }
    }
    let is_wrong = |at: usize| -> Result<bool> {
        let refers = transactions.refers.as_ref().map_or(Ok(0), |refers| refers.get(at))?;
        let bits = transactions.flags.get(at)?;
        Ok(match refers {
            0 => bits & flags::CORRECTION != 0,
            _ => bits & (flags::CORRECTION | flags::REVERSED) == 0 || refers >= transactions.row.get(at)?,
        })
    };
    let len = if transactions.refers.is_some() { transactions.len() } else { num };
    match first(len, is_wrong)? {
        Some(at) => {
            broken(container, ColumnId::REFERS, format!("value {at} is not right for its transaction"))
        }
        None => Ok(corrected),
    }
}

/// The first of `0..len` that `wrong` is true for.
fn first(len: usize, wrong: impl Fn(usize) -> Result<bool> + Sync) -> Result<Option<usize>> {
    let found = (0..len).into_par_iter().with_min_len(ROWS_PER_TASK).find_map_first(|at| match wrong(at) {
        Ok(false) => None,
        Ok(true) => Some(Ok(at)),
        Err(error) => Some(Err(error)),
    });
    found.transpose()
}

fn column_below(container: &Container, id: ColumnId, column: &Column<u32>, end: u64) -> Result<()> {
    match column.all()?.par_iter().position_first(|&value| u64::from(value) >= end) {
        Some(at) => broken(container, id, format!("value {at} is not below {end}")),
        None => Ok(()),
    }
}

/// The smallest i64 is no amount: its opposite would not be one.
fn amounts_fit(container: &Container, id: ColumnId, amounts: &Column<i64>) -> Result<()> {
    match amounts.all()?.par_iter().position_first(|&amount| amount == i64::MIN) {
        Some(at) => broken(container, id, format!("value {at} is below -(2^63 - 1)")),
        None => Ok(()),
    }
}

fn codes_below<T: Element>(container: &Container, id: ColumnId, codes: &Codes<T>, end: u64) -> Result<()> {
    let at = match codes.raw() {
        Some(column) => column.all()?.par_iter().position_first(|value| value.to_bits() >= end),
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
    let sums = amounts.par_chunks(ROWS_PER_TASK).enumerate().map(|(task, amounts)| {
        let mut sums = vec![Total::default(); num_currencies];
        for (at, &amount) in amounts.iter().enumerate() {
            // Codes were found to be in range before.
            let currency = transactions.currency.get(task * ROWS_PER_TASK + at)?;
            sums[usize::from(currency)].num += 1;
            sums[usize::from(currency)].minor += i128::from(amount);
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
    let identifier_is_wrong =
        |at: usize| Ok(identifier[at] >= manifest.kinds[usize::from(links.kind.get(at)?)].num_identifiers);
    if let Some(at) = first(links.len(), identifier_is_wrong)? {
        return broken(container, ColumnId::LINK_IDENTIFIER, format!("value {at} is not one of its kind"));
    }
    let order = |at: usize| Ok::<_, Error>((account[at], links.kind.get(at)?, identifier[at]));
    if let Some(at) = first(links.len(), |at| Ok(at > 0 && order(at - 1)? >= order(at)?))? {
        return broken(container, ColumnId::LINK_ACCOUNT, format!("link {at} is not behind the one before"));
    }
    let seen_is_wrong = |at: usize| Ok(last_seen[at] != i64::MIN && first_seen[at] > last_seen[at]);
    if let Some(at) = first(links.len(), seen_is_wrong)? {
        return broken(container, ColumnId::LINK_LAST, format!("value {at} is before the first"));
    }
    // Strictly ascending, hence distinct; as many as there are links, hence all.
    column_below(container, ColumnId::LINK_BY_IDENTIFIER, &links.by_identifier, links.len() as u64)?;
    let numbers = links.by_identifier.all()?;
    let order = |at: usize| {
        let link = numbers[at] as usize;
        Ok::<_, Error>((links.kind.get(link)?, identifier[link], account[link]))
    };
    if let Some(at) = first(links.len(), |at| Ok(at > 0 && order(at - 1)? >= order(at)?))? {
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
                if let Some(at) = booleans.all()?.par_iter().position_first(|&value| value > 1) {
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
