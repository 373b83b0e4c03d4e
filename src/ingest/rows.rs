//! Transaction rows to the columns of a batch.
//!
//! # Method
//! A block of rows is read column by column: every needed column fills a scratch
//! column and marks the rows that it refuses, so that the format of a column is
//! looked at once per block and not once per value. Then the rows that nobody
//! refused are appended to the batch, and only their keys, names and currencies
//! are numbered. A refused row leaves its reason, and its amount in the totals if
//! that could be read.

use super::batch::Batch;
use super::batch::canonical_number;
use super::cells::{Block, Cells};
use super::intern::{KeyListBuilder, KeyTable, NO_KEY, Names, is_number, push_decimal, text_word};
use super::mapping::{Negative, Zero};
use super::money::{AmountRules, Currencies, NO_AMOUNT, NO_CURRENCY, Totals};
use super::plan::{Column, KeyPlan, TextPlan, TransactionPlan};
use super::reject::{Reason, Reject, masked, shown};
use super::times::TimeReader;
use crate::error::{Error, Result};
use crate::ids::NONE;
use crate::store::format::flags;
use crate::store::keys::KEY_BYTES_MAX;
use std::sync::Arc;

/// What happens to each row of a block.
#[derive(Debug, Default)]
pub(crate) struct Verdicts {
    verdicts: Vec<Verdict>,
    num_left_out: usize,
    refused: Vec<(u32, Reason, Arc<str>, String)>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Verdict {
    Accept,
    Skip,
    Reject,
}

impl Verdicts {
    pub fn begin(&mut self, num_rows: usize) {
        self.verdicts.clear();
        self.verdicts.resize(num_rows, Verdict::Accept);
        self.num_left_out = 0;
        self.refused.clear();
    }

    /// The first reason counts.
    #[cold]
    pub fn reject(&mut self, row: usize, reason: Reason, column: &Arc<str>, detail: String) {
        if self.verdicts[row] == Verdict::Accept {
            self.verdicts[row] = Verdict::Reject;
            self.num_left_out += 1;
            self.refused.push((row as u32, reason, column.clone(), detail));
        }
    }

    pub fn skip(&mut self, row: usize) {
        if self.verdicts[row] == Verdict::Accept {
            self.verdicts[row] = Verdict::Skip;
            self.num_left_out += 1;
        }
    }

    #[inline]
    pub fn accepts(&self, row: usize) -> bool {
        self.num_left_out == 0 || self.verdicts[row] == Verdict::Accept
    }

    pub fn num_accepted(&self) -> usize {
        self.verdicts.len() - self.num_left_out
    }

    /// What was refused, in row order, as rejects with record numbers within the chunk.
    pub fn take_rejects(&mut self, source: &Arc<str>, ordinals: &[u32], into: &mut Vec<Reject>) {
        self.refused.sort_by_key(|(row, ..)| *row);
        into.extend(self.refused.drain(..).map(|(row, reason, column, detail)| Reject {
            source: source.clone(),
            record: u64::from(ordinals[row as usize]),
            column,
            reason,
            detail,
        }));
    }
}

/// Keys of one block before they are numbered.
#[derive(Debug, Default)]
pub(crate) struct KeyCells {
    /// The words of the keys, or [`NO_KEY`].
    words: Vec<u64>,
    /// Where the texts lie in `texts`; may be shorter than `words` when the rest are no texts.
    spans: Vec<(u32, u32)>,
    texts: Vec<u8>,
}

impl KeyCells {
    /// Reads the keys of all rows; refuses keys that are too long or not UTF-8, and empty ones if `needed`.
    pub fn read(&mut self, plan: &KeyPlan, block: &Block<'_>, needed: bool, verdicts: &mut Verdicts) {
        self.words.clear();
        self.spans.clear();
        self.texts.clear();
        match &plan.single {
            Some(column) => self.read_single(plan, column, block, needed, verdicts),
            None => self.read_composite(plan, block, needed, verdicts),
        }
    }

    fn read_single(
        &mut self,
        plan: &KeyPlan,
        column: &Column,
        block: &Block<'_>,
        needed: bool,
        verdicts: &mut Verdicts,
    ) {
        let plain = column.is_plain();
        match block.cells(column.index) {
            Cells::Text(texts) => {
                for row in 0..block.len() {
                    let text = texts.get(row);
                    let number = canonical_number(text);
                    match number {
                        Some(number) if plain => self.words.push(number),
                        _ => self.push_text(row, column.value(text), plan, block.utf8, needed, verdicts),
                    }
                }
            }
            Cells::Integers(integers) if plain => {
                for row in 0..block.len() {
                    match integers.get(row) {
                        Some(number) if number >= 0 => self.words.push(number as u64),
                        Some(number) => self.push_text(
                            row,
                            Some(number.to_string().as_bytes()),
                            plan,
                            true,
                            needed,
                            verdicts,
                        ),
                        None => self.push_text(row, None, plan, true, needed, verdicts),
                    }
                }
            }
            cells => {
                let mut scratch = Vec::new();
                for row in 0..block.len() {
                    let text = column.value(cells.text(row, &mut scratch));
                    self.push_text(row, text, plan, block.utf8, needed, verdicts);
                }
            }
        }
    }

    fn read_composite(&mut self, plan: &KeyPlan, block: &Block<'_>, needed: bool, verdicts: &mut Verdicts) {
        let cells: Vec<Vec<Cells<'_>>> = (plan.candidates.iter())
            .map(|candidate| candidate.columns.iter().map(|column| block.cells(column.index)).collect())
            .collect();
        let (mut key, mut scratch) = (Vec::new(), Vec::new());
        for row in 0..block.len() {
            let complete = plan.candidates.iter().zip(&cells).any(|(candidate, cells)| {
                key.clear();
                key.extend_from_slice(&candidate.prefix);
                key.extend_from_slice(candidate.constant.as_deref().unwrap_or_default());
                candidate.columns.iter().zip(cells).enumerate().all(|(i, (column, cells))| {
                    if i > 0 {
                        key.extend_from_slice(&candidate.separator);
                    }
                    let value = column.value(cells.text(row, &mut scratch));
                    key.extend_from_slice(value.unwrap_or_default());
                    value.is_some()
                })
            });
            self.push_text(row, complete.then_some(key.as_slice()), plan, block.utf8, needed, verdicts);
        }
    }

    /// Adds any key; `None` is no key.
    fn push_text(
        &mut self,
        row: usize,
        key: Option<&[u8]>,
        plan: &KeyPlan,
        utf8: bool,
        needed: bool,
        verdicts: &mut Verdicts,
    ) {
        let Some(key) = key else {
            if needed {
                verdicts.reject(row, Reason::EmptyKey, &plan.name, String::new());
            }
            self.words.push(NO_KEY);
            return;
        };
        if let Some(number) = canonical_number(key) {
            self.words.push(number);
            return;
        }
        let fault = if key.len() > KEY_BYTES_MAX {
            Some(Reason::KeyTooLong)
        } else if !utf8 && std::str::from_utf8(key).is_err() {
            Some(Reason::InvalidUtf8)
        } else {
            None
        };
        if let Some(reason) = fault {
            verdicts.reject(row, reason, &plan.name, masked(key));
            self.words.push(NO_KEY);
            return;
        }
        self.words.push(text_word(key));
        self.spans.resize(row, (0, 0));
        let start = self.texts.len() as u32;
        self.texts.extend_from_slice(key);
        self.spans.push((start, self.texts.len() as u32));
    }

    fn slice(&self, row: usize) -> &[u8] {
        let (start, end) = self.spans[row];
        &self.texts[start as usize..end as usize]
    }

    /// Whether a row has a key that was not refused.
    #[inline]
    pub fn has_key(&self, row: usize) -> bool {
        self.words[row] != NO_KEY
    }

    /// The text of a row's key.
    pub fn text<'t>(&'t self, row: usize, scratch: &'t mut Vec<u8>) -> &'t [u8] {
        match self.words[row] {
            NO_KEY => &[],
            number if is_number(number) => {
                scratch.clear();
                push_decimal(scratch, number);
                scratch
            }
            _ => self.slice(row),
        }
    }

    /// The key's number in `table`, [`NONE`] where there is no key.
    #[inline]
    pub fn number(&self, row: usize, table: &mut KeyTable) -> u32 {
        match self.words[row] {
            NO_KEY => NONE,
            number if is_number(number) => table.word(number, &[]),
            word => table.word(word, self.slice(row)),
        }
    }

    #[inline]
    fn push_to(&self, row: usize, list: &mut KeyListBuilder) {
        match self.words[row] {
            number if is_number(number) => list.number(number),
            _ => list.text(self.slice(row)),
        }
    }
}

/// Scratch columns of one block.
#[derive(Debug, Default)]
struct Scratch {
    verdicts: Verdicts,
    transaction: KeyCells,
    source: KeyCells,
    destination: KeyCells,
    device: KeyCells,
    corrects: KeyCells,
    reverses: KeyCells,
    time: Vec<i64>,
    amount: Vec<i64>,
    currency: Vec<u16>,
    received_amount: Vec<i64>,
    received_currency: Vec<u16>,
    /// Whether source and destination change places.
    swap: Vec<bool>,
    flags: Vec<u8>,
    /// Words and numbers of the accounts of accepted rows, source and destination by turns.
    words: Vec<u64>,
    ids: Vec<u32>,
    text: Vec<u8>,
}

/// Builds one batch.
#[derive(Debug)]
pub(crate) struct TransactionRows<'p> {
    plan: &'p TransactionPlan<'p>,
    amounts: AmountRules,
    times: TimeReader<'p>,
    scratch: Scratch,
    batch: Batch,
    accounts: KeyTable,
    devices: Option<KeyTable>,
    keys: Option<KeyListBuilder>,
    currencies: Currencies<'p>,
    channels: Names,
    labels: Names,
    /// Paid currencies by their number in the batch; kept only where they can differ.
    paid: Vec<u16>,
    /// Received amounts and currencies; begun at the first row that differs.
    received: Option<(Vec<i64>, Vec<u16>)>,
    ordinals: Vec<u32>,
    num_skipped: u64,
}

/// A chunk that has been read: its batch, with record numbers from 0 within the chunk, and what it adds to the report.
#[derive(Debug)]
pub(crate) struct ReadChunk {
    pub batch: Batch,
    pub totals: Totals,
    pub num_skipped: u64,
}

/// Most different channels or labels: 0 stands for none.
const NAMES_MAX: usize = 255;

impl<'p> TransactionRows<'p> {
    /// For about `expected` rows.
    pub fn new(plan: &'p TransactionPlan<'p>, expected: usize) -> Self {
        let mut batch = Batch::default();
        batch.source.reserve(expected);
        batch.destination.reserve(expected);
        batch.time.reserve(expected);
        batch.amount.reserve(expected);
        batch.devices = plan.device.as_ref().map(|_| Default::default());
        TransactionRows {
            plan,
            amounts: AmountRules::new(plan.rules),
            times: TimeReader::new(&plan.time_rules),
            scratch: Scratch::default(),
            batch,
            accounts: KeyTable::new(expected),
            devices: plan.device.as_ref().map(|_| KeyTable::new(0)),
            keys: plan.transaction.as_ref().map(|_| {
                let mut keys = KeyListBuilder::new();
                keys.reserve(expected);
                keys
            }),
            currencies: Currencies::new(plan.mapping),
            channels: Names::new(),
            labels: Names::new(),
            paid: Vec::new(),
            received: None,
            ordinals: Vec::with_capacity(expected),
            num_skipped: 0,
        }
    }

    /// Adds a record that has no row.
    pub fn refuse(&mut self, ordinal: u32, reason: Reason, detail: String) {
        let (source, column) = (self.plan.source_name.clone(), "".into());
        self.batch.rejects.push(Reject { source, record: u64::from(ordinal), column, reason, detail });
    }

    /// Adds the rows of a block.
    pub fn push(&mut self, block: &Block<'_>) -> Result<()> {
        self.scratch.verdicts.begin(block.len());
        self.read_skips(block);
        self.read_keys(block);
        self.read_times(block);
        self.read_money(block);
        self.read_received(block);
        self.read_flags(block);
        self.read_references(block);
        self.settle_signs();
        self.check_texts(block);
        self.append(block)
    }

    fn read_skips(&mut self, block: &Block<'_>) {
        for (column, values) in &self.plan.skip {
            let cells = block.cells(column.index);
            for row in 0..block.len() {
                let text = cells.text(row, &mut self.scratch.text);
                let text = if column.trim { text.trim_ascii() } else { text };
                if values.iter().any(|value| value.as_bytes() == text) {
                    self.scratch.verdicts.skip(row);
                }
            }
        }
    }

    fn read_keys(&mut self, block: &Block<'_>) {
        let Scratch { verdicts, transaction, source, destination, .. } = &mut self.scratch;
        source.read(&self.plan.source, block, true, verdicts);
        destination.read(&self.plan.destination, block, true, verdicts);
        if let Some(plan) = &self.plan.transaction {
            transaction.read(plan, block, true, verdicts);
        }
    }

    fn read_times(&mut self, block: &Block<'_>) {
        let column = &self.plan.time;
        let Scratch { verdicts, time, text: scratch, .. } = &mut self.scratch;
        let cells = block.cells(column.index);
        time.clear();
        for row in 0..block.len() {
            time.push(match self.times.cell(&cells, column, row, scratch) {
                Some(Ok(time)) => time,
                Some(Err(reason)) => {
                    verdicts.reject(row, reason, &column.name, shown(cells.text(row, scratch)));
                    0
                }
                None => {
                    verdicts.reject(row, Reason::MissingValue, &column.name, String::new());
                    0
                }
            });
        }
    }

    fn read_money(&mut self, block: &Block<'_>) {
        let Scratch { verdicts, amount, currency, text: scratch, .. } = &mut self.scratch;
        read_currencies(&self.plan.currency, block, &mut self.currencies, currency, verdicts, scratch, &[]);
        let column = &self.plan.amount;
        let cells = block.cells(column.index);
        let plain = column.is_plain();
        amount.clear();
        let constant = match &self.plan.currency {
            TextPlan::Constant(_) => currency.first().map(|place| self.currencies.exponent(*place)),
            TextPlan::Column(_) => None,
        };
        for (row, &place) in currency.iter().enumerate() {
            let exponent = match constant {
                Some(exponent) => exponent,
                None if place == NO_CURRENCY => {
                    amount.push(NO_AMOUNT);
                    continue;
                }
                None => self.currencies.exponent(place),
            };
            let read = match &cells {
                Cells::Text(texts) if plain => {
                    let text = texts.get(row);
                    (!text.is_empty()).then(|| self.amounts.text(text, exponent))
                }
                Cells::Text(texts) => {
                    column.value(texts.get(row)).map(|text| self.amounts.text(text, exponent))
                }
                cells => self.amounts.cell(cells, row, exponent, scratch),
            };
            amount.push(match read {
                Some(Ok(minor)) => minor,
                Some(Err(reason)) => {
                    verdicts.reject(row, reason, &column.name, shown(cells.text(row, scratch)));
                    NO_AMOUNT
                }
                None => {
                    verdicts.reject(row, Reason::MissingValue, &column.name, String::new());
                    NO_AMOUNT
                }
            });
        }
    }

    /// Received amounts where there are any; where a row has none, it receives what was paid.
    fn read_received(&mut self, block: &Block<'_>) {
        let Some(column) = &self.plan.received_amount else { return };
        let Scratch { verdicts, currency, received_amount, received_currency, text: scratch, .. } =
            &mut self.scratch;
        match &self.plan.received_currency {
            Some(plan) => read_currencies(
                plan,
                block,
                &mut self.currencies,
                received_currency,
                verdicts,
                scratch,
                currency,
            ),
            None => {
                received_currency.clear();
                received_currency.extend_from_slice(currency);
            }
        }
        received_amount.clear();
        let cells = block.cells(column.index);
        for (row, &place) in received_currency.iter().enumerate() {
            if place == NO_CURRENCY {
                received_amount.push(NO_AMOUNT);
                continue;
            }
            let exponent = self.currencies.exponent(place);
            let read = match &cells {
                Cells::Text(texts) => {
                    column.value(texts.get(row)).map(|text| self.amounts.text(text, exponent))
                }
                cells => self.amounts.cell(cells, row, exponent, scratch),
            };
            received_amount.push(match read {
                Some(Ok(minor)) => minor,
                Some(Err(reason)) => {
                    verdicts.reject(row, reason, &column.name, shown(cells.text(row, scratch)));
                    NO_AMOUNT
                }
                None => NO_AMOUNT,
            });
        }
    }

    fn read_flags(&mut self, block: &Block<'_>) {
        let Scratch { verdicts, flags, swap, device, text: scratch, .. } = &mut self.scratch;
        let rules = self.plan.rules;
        let always = if rules.aggregate { flags::AGGREGATE } else { 0 }
            | if rules.is_daily() { flags::DAY_PRECISION } else { 0 };
        flags.clear();
        flags.resize(block.len(), always);
        swap.clear();
        swap.resize(block.len(), false);
        if let (Some(column), Some(direction)) = (&self.plan.direction, &rules.direction) {
            let cells = block.cells(column.index);
            let listed = |values: &[String], text: &[u8]| values.iter().any(|value| value.as_bytes() == text);
            for (row, swap) in swap.iter_mut().enumerate() {
                let text = cells.text(row, scratch);
                let text = if column.trim { text.trim_ascii() } else { text };
                if listed(&direction.reverse, text) {
                    *swap = true;
                } else if direction.forward.as_ref().is_some_and(|forward| !listed(forward, text)) {
                    verdicts.reject(row, Reason::UnknownDirection, &column.name, shown(text));
                }
            }
        }
        for plan in &self.plan.flags {
            let cells = block.cells(plan.column.index);
            for (row, flags) in flags.iter_mut().enumerate() {
                let Some(text) = plan.column.value(cells.text(row, scratch)) else { continue };
                match plan.read(text) {
                    Some(true) => *flags |= plan.bit,
                    Some(false) => {}
                    None => verdicts.reject(row, Reason::NotAFlag, &plan.column.name, shown(text)),
                }
            }
        }
        if let Some(plan) = &self.plan.device {
            device.read(plan, block, false, verdicts);
        }
    }

    /// Which rows correct or take back another.
    fn read_references(&mut self, block: &Block<'_>) {
        let Scratch { verdicts, flags, corrects, reverses, .. } = &mut self.scratch;
        let plans = [
            (&self.plan.corrects, corrects, flags::CORRECTION),
            (&self.plan.reverses, reverses, flags::REVERSED),
        ];
        let mut names: Option<&Arc<str>> = None;
        let mut points =
            vec![false; if plans.iter().any(|(plan, ..)| plan.is_some()) { block.len() } else { 0 }];
        for (plan, cells, bit) in plans {
            let Some(plan) = plan else { continue };
            cells.read(plan, block, false, verdicts);
            for row in (0..block.len()).filter(|&row| cells.has_key(row)) {
                if points[row] {
                    let name = names.unwrap_or(&plan.name);
                    verdicts.reject(row, Reason::CorrectsAndReverses, name, String::new());
                }
                points[row] = true;
                flags[row] |= bit;
            }
            names = Some(&plan.name);
        }
    }

    /// Applies the rules for amounts below and at zero, once all of a row is known.
    fn settle_signs(&mut self) {
        let Scratch { verdicts, amount, received_amount, swap, .. } = &mut self.scratch;
        let has_received = self.plan.received_amount.is_some();
        for row in 0..amount.len() {
            let paid = amount[row];
            let received = if has_received { received_amount[row] } else { NO_AMOUNT };
            if paid > 0 && (received > 0 || received == NO_AMOUNT) || paid == NO_AMOUNT {
                continue;
            }
            let takes_back = |minor: i64| minor < 0 && minor != NO_AMOUNT;
            if takes_back(paid) || takes_back(received) {
                // Both amounts must point the same way; a missing or zero one points nowhere.
                let agree = paid <= 0 && received <= 0;
                if self.amounts.negative == Negative::Reject || !agree {
                    let column = match &self.plan.received_amount {
                        Some(column) if paid >= 0 => column,
                        _ => &self.plan.amount,
                    };
                    verdicts.reject(row, Reason::NegativeAmount, &column.name, String::new());
                    continue;
                }
                swap[row] = !swap[row];
                amount[row] = paid.abs();
                if received != NO_AMOUNT {
                    received_amount[row] = received.abs();
                }
            }
            if paid == 0 && self.amounts.zero == Zero::Reject {
                verdicts.reject(row, Reason::ZeroAmount, &self.plan.amount.name, String::new());
            }
        }
    }

    /// Names that go into the schema must be UTF-8.
    fn check_texts(&mut self, block: &Block<'_>) {
        if block.utf8 {
            return;
        }
        for column in [&self.plan.channel, &self.plan.label].into_iter().flatten() {
            let cells = block.cells(column.index);
            for row in 0..block.len() {
                let text = cells.text(row, &mut self.scratch.text);
                if std::str::from_utf8(text).is_err() {
                    let detail = masked(text);
                    self.scratch.verdicts.reject(row, Reason::InvalidUtf8, &column.name, detail);
                }
            }
        }
    }

    fn append(&mut self, block: &Block<'_>) -> Result<()> {
        let num_rows = block.len();
        let num_accepted = self.scratch.verdicts.num_accepted();
        let first = self.batch.time.len();
        self.append_money(num_rows);
        let scratch = &mut self.scratch;
        let verdicts = &scratch.verdicts;
        self.num_skipped += (num_rows - num_accepted - verdicts.refused.len()) as u64;
        if num_accepted == num_rows {
            self.batch.time.extend_from_slice(&scratch.time);
            self.batch.amount.extend_from_slice(&scratch.amount);
            self.ordinals.extend_from_slice(block.ordinals);
        } else {
            for row in (0..num_rows).filter(|&row| verdicts.accepts(row)) {
                self.batch.time.push(scratch.time[row]);
                self.batch.amount.push(scratch.amount[row]);
                self.ordinals.push(block.ordinals[row]);
            }
        }
        // Accounts in the order in which a reader meets them: row by row, source before destination.
        scratch.words.clear();
        for row in (0..num_rows).filter(|&row| verdicts.accepts(row)) {
            let pair = [scratch.source.words[row], scratch.destination.words[row]];
            scratch.words.extend(if scratch.swap[row] { [pair[1], pair[0]] } else { pair });
        }
        scratch.ids.clear();
        if scratch.source.spans.is_empty() && scratch.destination.spans.is_empty() {
            self.accounts.number_all(&scratch.words, |_| &[], &mut scratch.ids);
        } else {
            let rows: Vec<usize> = (0..num_rows).filter(|&row| verdicts.accepts(row)).collect();
            let text = |place: usize| {
                let row = rows[place / 2];
                let swapped = scratch.swap[row] != (place % 2 == 1);
                if swapped { scratch.destination.slice(row) } else { scratch.source.slice(row) }
            };
            self.accounts.number_all(&scratch.words, text, &mut scratch.ids);
        }
        self.batch.source.extend(scratch.ids.iter().step_by(2));
        self.batch.destination.extend(scratch.ids.iter().skip(1).step_by(2));
        if let Some(keys) = &mut self.keys {
            for row in (0..num_rows).filter(|&row| verdicts.accepts(row)) {
                scratch.transaction.push_to(row, keys);
            }
        }
        for (plan, cells) in
            [(&self.plan.corrects, &scratch.corrects), (&self.plan.reverses, &scratch.reverses)]
        {
            if plan.is_some() {
                let accepted = (0..num_rows).filter(|&row| verdicts.accepts(row)).enumerate();
                for (place, row) in accepted.filter(|&(_, row)| cells.has_key(row)) {
                    let key = cells.text(row, &mut scratch.text).to_vec();
                    self.batch.refers.push(((first + place) as u32, key));
                }
            }
        }
        if let (Some(table), Some((_, devices))) = (&mut self.devices, &mut self.batch.devices) {
            for row in (0..num_rows).filter(|&row| verdicts.accepts(row)) {
                devices.push(scratch.device.number(row, table));
            }
        }
        if !self.batch.flags.is_empty() || scratch.flags.iter().any(|flags| *flags != 0) {
            self.batch.flags.resize(first, 0);
            let accepted = (0..num_rows).filter(|&row| verdicts.accepts(row)).map(|row| scratch.flags[row]);
            self.batch.flags.extend(accepted);
        }
        let plan = self.plan;
        for (column, names, codes) in [
            (&plan.channel, &mut self.channels, &mut self.batch.channels.1),
            (&plan.label, &mut self.labels, &mut self.batch.labels.1),
        ] {
            if let Some(column) = column {
                append_names(column, block, verdicts, names, codes, &mut scratch.text, &plan.source_name)?;
            }
        }
        scratch.verdicts.take_rejects(&plan.source_name, block.ordinals, &mut self.batch.rejects);
        Ok(())
    }

    /// Currencies, received amounts and control totals; to be called before the amounts are appended.
    fn append_money(&mut self, num_rows: usize) {
        let Scratch { verdicts, amount, currency, received_amount, received_currency, .. } = &self.scratch;
        let has_received = self.plan.received_amount.is_some();
        if let (TextPlan::Constant(_), false, 0) = (&self.plan.currency, has_received, verdicts.num_left_out)
        {
            if let Some(place) = currency.first() {
                let sum = amount.iter().map(|minor| i128::from(*minor)).sum();
                self.currencies.accept(*place, num_rows as u64, sum);
                self.currencies.number(*place);
            }
            return;
        }
        let varies = has_received || matches!(self.plan.currency, TextPlan::Column(_));
        let mut before = self.batch.amount.len();
        for row in 0..num_rows {
            if !verdicts.accepts(row) {
                if amount[row] != NO_AMOUNT && currency[row] != NO_CURRENCY {
                    self.currencies.reject(currency[row], amount[row]);
                }
                continue;
            }
            self.currencies.accept(currency[row], 1, i128::from(amount[row]));
            let paid = self.currencies.number(currency[row]);
            if varies {
                self.paid.push(paid);
            }
            if has_received {
                let (minor, place) = match received_amount[row] {
                    NO_AMOUNT => (amount[row], currency[row]),
                    minor => (minor, received_currency[row]),
                };
                let number = self.currencies.number(place);
                if (minor, number) != (amount[row], paid) && self.received.is_none() {
                    // All rows before received what was paid; those of this block are not in the batch yet.
                    let mut amounts = self.batch.amount.clone();
                    let earlier = (0..row).filter(|&row| verdicts.accepts(row)).map(|row| amount[row]);
                    amounts.extend(earlier);
                    self.received = Some((amounts, self.paid[..before].to_vec()));
                }
                if let Some((amounts, numbers)) = &mut self.received {
                    amounts.push(minor);
                    numbers.push(number);
                }
            }
            before += 1;
        }
    }

    /// The batch, with record numbers within the chunk.
    pub fn finish(mut self) -> ReadChunk {
        let batch = &mut self.batch;
        batch.accounts = self.accounts.finish();
        batch.keys = self.keys.map(KeyListBuilder::finish);
        batch.refers.sort_unstable();
        batch.channels.0 = self.channels.into_strings();
        batch.labels.0 = self.labels.into_strings();
        for codes in [&mut batch.channels.1, &mut batch.labels.1] {
            if codes.iter().all(|code| *code == 0) {
                codes.clear();
            }
        }
        if let (Some(table), Some((keys, _))) = (self.devices, &mut batch.devices) {
            *keys = table.finish();
        }
        if batch.flags.iter().all(|flags| *flags == 0) {
            batch.flags.clear();
        }
        let totals = self.currencies.finish(batch);
        if batch.currencies.len() > 1 {
            batch.currency = self.paid;
        }
        batch.received = self.received;
        batch.first_record = u64::from(self.ordinals.first().copied().unwrap_or(0));
        let first = batch.first_record as u32;
        if self.ordinals.last().is_some_and(|last| (last - first) as usize + 1 != self.ordinals.len()) {
            batch.record = self.ordinals.iter().map(|ordinal| ordinal - first).collect();
        }
        batch.rejects.sort_by_key(|reject| reject.record);
        ReadChunk { batch: self.batch, totals, num_skipped: self.num_skipped }
    }
}

/// Fills `into` with the place of each row's currency; a missing one is an error unless `instead` has the value.
fn read_currencies(
    plan: &TextPlan,
    block: &Block<'_>,
    currencies: &mut Currencies<'_>,
    into: &mut Vec<u16>,
    verdicts: &mut Verdicts,
    scratch: &mut Vec<u8>,
    instead: &[u16],
) {
    into.clear();
    let column = match plan {
        TextPlan::Constant(name) => {
            into.resize(block.len(), currencies.find(name.as_bytes()));
            return;
        }
        TextPlan::Column(column) => column,
    };
    let cells = block.cells(column.index);
    for row in 0..block.len() {
        into.push(match column.value(cells.text(row, scratch)) {
            Some(name) => {
                let place = currencies.find(name);
                if place == NO_CURRENCY {
                    verdicts.reject(row, Reason::UnknownCurrency, &column.name, shown(name));
                }
                place
            }
            None if !instead.is_empty() => instead[row],
            None => {
                verdicts.reject(row, Reason::MissingValue, &column.name, String::new());
                NO_CURRENCY
            }
        });
    }
}

/// Numbers the names of accepted rows, from 1; 0 is none.
fn append_names(
    column: &Column,
    block: &Block<'_>,
    verdicts: &Verdicts,
    names: &mut Names,
    codes: &mut Vec<u8>,
    scratch: &mut Vec<u8>,
    source: &Arc<str>,
) -> Result<()> {
    let cells = block.cells(column.index);
    for row in (0..block.len()).filter(|&row| verdicts.accepts(row)) {
        let code = match column.value(cells.text(row, scratch)) {
            None => 0,
            Some(name) => match names.find(name) {
                Some(number) => number + 1,
                None if names.len() < NAMES_MAX => names.add(name) + 1,
                None => {
                    let problem = format!(
                        "column {:?} has more than {NAMES_MAX} different values, so it is no channel or label; take it out of the mapping",
                        column.name
                    );
                    return Err(Error::input(source, problem));
                }
            },
        };
        codes.push(code as u8);
    }
    Ok(())
}
