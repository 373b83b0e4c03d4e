//! The links table: which account uses which device, e-mail, phone, ….
//!
//! Long form has one link per row (`account,kind,value`), wide form one account
//! per row with a column per kind. An empty value and the mapping's null markers
//! never link: two accounts without a phone number do not share one.

use super::batch::{LinkRows, LocalKeys};
use super::cells::Block;
use super::csv::Rows;
use super::intern::{KeyTable, Names};
use super::mapping::Links;
use super::plan::{Column, Header, KeyPlan, TextPlan};
use super::reject::{Reason, Reject, masked, shown};
use super::rows::{KeyCells, Verdicts};
use super::times::{TimeReader, TimeRules};
use crate::error::{Error, Result};
use crate::ids::NONE;
use std::sync::Arc;

/// "Unknown" in columns of times.
const UNKNOWN: i64 = i64::MIN;

/// Most kinds of identifiers.
const KINDS_MAX: usize = 255;

/// The columns of one links source.
#[derive(Debug)]
pub(crate) struct LinkPlan {
    name: Arc<str>,
    account: KeyPlan,
    /// Kinds and where their values are.
    values: Vec<(TextPlan, KeyPlan)>,
    first: Option<Column>,
    last: Option<Column>,
    times: TimeRules,
}

impl LinkPlan {
    pub fn new(rules: &Links, header: &Header<'_>) -> Result<Self> {
        let mut values = Vec::new();
        if let (Some(kind), Some(value)) = (&rules.kind, &rules.value) {
            let Some(kind) = header.text(kind)? else {
                return Err(Error::input(header.source, "the column of kinds may not be optional"));
            };
            values.extend(header.key_column(value)?.map(|value| (kind, value)));
        }
        for (kind, column) in &rules.columns {
            let value = header.key_column(column)?;
            values.extend(value.map(|value| (TextPlan::Constant(kind.clone()), value)));
        }
        let find = |column: &Option<super::refs::ColumnRef>| match column {
            Some(column) => header.find(column),
            None => Ok(None),
        };
        Ok(LinkPlan {
            name: header.name.clone(),
            account: header.key(&rules.account)?,
            values,
            first: find(&rules.first_seen)?,
            last: find(&rules.last_seen)?,
            times: rules.time_rules(),
        })
    }
}

/// Links of one chunk.
#[derive(Debug)]
pub(crate) struct LinkChunk<'p> {
    plan: &'p LinkPlan,
    times: TimeReader<'p>,
    accounts: KeyTable,
    kinds: Names,
    identifiers: Vec<KeyTable>,
    links: Vec<Link>,
    rejects: Vec<Reject>,
    num_skipped: u64,
    verdicts: Verdicts,
    account_cells: KeyCells,
    value_cells: Vec<KeyCells>,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    account: u32,
    kind: u8,
    identifier: u32,
    first: i64,
    last: i64,
}

impl<'p> LinkChunk<'p> {
    pub fn new(plan: &'p LinkPlan, expected: usize) -> Self {
        LinkChunk {
            plan,
            times: TimeReader::new(&plan.times),
            accounts: KeyTable::new(expected),
            kinds: Names::new(),
            identifiers: Vec::new(),
            links: Vec::with_capacity(expected),
            rejects: Vec::new(),
            num_skipped: 0,
            verdicts: Verdicts::default(),
            account_cells: KeyCells::default(),
            value_cells: (0..plan.values.len()).map(|_| KeyCells::default()).collect(),
        }
    }

    /// Fills `into` with the times of a column, [`UNKNOWN`] where there is none.
    fn read_times(&mut self, column: Option<&Column>, block: &Block<'_>, into: &mut Vec<i64>) {
        into.clear();
        into.resize(block.len(), UNKNOWN);
        let Some(column) = column else { return };
        let cells = block.cells(column.index);
        let mut scratch = Vec::new();
        for (row, time) in into.iter_mut().enumerate() {
            match self.times.cell(&cells, column, row, &mut scratch) {
                Some(Ok(read)) => *time = read,
                Some(Err(reason)) => {
                    self.verdicts.reject(row, reason, &column.name, shown(cells.text(row, &mut scratch)))
                }
                None => {}
            }
        }
    }

    /// The kind's number in this chunk.
    fn kind(&mut self, name: &[u8]) -> Result<u8> {
        if let Some(number) = self.kinds.find(name) {
            return Ok(number as u8);
        }
        if self.kinds.len() == KINDS_MAX {
            let problem = format!("more than {KINDS_MAX} kinds of identifiers; is `kind` the right column?");
            return Err(Error::input(&self.plan.name, problem));
        }
        self.identifiers.push(KeyTable::new(1024));
        Ok(self.kinds.add(name) as u8)
    }
}

impl Rows for LinkChunk<'_> {
    type Done = Done;

    fn push(&mut self, block: &Block<'_>) -> Result<()> {
        let plan = self.plan;
        self.verdicts.begin(block.len());
        self.account_cells.read(&plan.account, block, true, &mut self.verdicts);
        for ((_, key), cells) in plan.values.iter().zip(&mut self.value_cells) {
            cells.read(key, block, false, &mut self.verdicts);
        }
        let (mut first, mut last) = (Vec::new(), Vec::new());
        self.read_times(plan.first.as_ref(), block, &mut first);
        self.read_times(plan.last.as_ref(), block, &mut last);
        let mut scratch = Vec::new();
        for row in 0..block.len() {
            if last[row] < first[row] && last[row] != UNKNOWN {
                let column = plan.last.as_ref().map_or("".into(), |column| column.name.clone());
                self.verdicts.reject(row, Reason::BadTime, &column, "earlier than first seen".to_string());
            }
            for (place, (kind, _)) in plan.values.iter().enumerate() {
                if let TextPlan::Column(column) = kind
                    && self.value_cells[place].has_key(row)
                {
                    match column.value(block.cells(column.index).text(row, &mut scratch)) {
                        None => self.verdicts.reject(row, Reason::MissingValue, &column.name, String::new()),
                        Some(name) if !block.utf8 && std::str::from_utf8(name).is_err() => {
                            self.verdicts.reject(row, Reason::InvalidUtf8, &column.name, masked(name));
                        }
                        Some(_) => {}
                    }
                }
            }
        }
        for row in 0..block.len() {
            if !self.verdicts.accepts(row) {
                continue;
            }
            let (before, mut account) = (self.links.len(), NONE);
            for place in 0..plan.values.len() {
                if !self.value_cells[place].has_key(row) {
                    continue;
                }
                let kind = match &plan.values[place].0 {
                    TextPlan::Constant(name) => self.kind(name.as_bytes())?,
                    TextPlan::Column(column) => {
                        let cells = block.cells(column.index);
                        self.kind(column.value(cells.text(row, &mut scratch)).unwrap_or_default())?
                    }
                };
                if account == NONE {
                    account = self.account_cells.number(row, &mut self.accounts);
                }
                let identifier =
                    self.value_cells[place].number(row, &mut self.identifiers[usize::from(kind)]);
                self.links.push(Link { account, kind, identifier, first: first[row], last: last[row] });
            }
            if self.links.len() == before {
                self.num_skipped += 1;
            }
        }
        self.verdicts.take_rejects(&plan.name, block.ordinals, &mut self.rejects);
        Ok(())
    }

    fn refuse(&mut self, ordinal: u32, reason: Reason, detail: String) {
        let (source, column) = (self.plan.name.clone(), "".into());
        self.rejects.push(Reject { source, record: u64::from(ordinal), column, reason, detail });
    }

    fn finish(self) -> Done {
        let mut rejects = self.rejects;
        rejects.sort_by_key(|reject| reject.record);
        Done {
            accounts: self.accounts.finish(),
            kinds: self.kinds.into_strings(),
            identifiers: self.identifiers.into_iter().map(KeyTable::finish).collect(),
            links: self.links,
            rejects,
            num_skipped: self.num_skipped,
        }
    }
}

/// A chunk that has been read; record numbers are from 0 within it.
#[derive(Debug)]
pub(crate) struct Done {
    accounts: LocalKeys,
    kinds: Vec<String>,
    identifiers: Vec<LocalKeys>,
    links: Vec<Link>,
    pub rejects: Vec<Reject>,
    pub num_skipped: u64,
}

/// All links tables together.
#[derive(Debug)]
pub(crate) struct LinkTable {
    accounts: KeyTable,
    kinds: Vec<String>,
    identifiers: Vec<KeyTable>,
    rows: LinkRows,
}

impl LinkTable {
    pub fn new() -> Self {
        LinkTable {
            accounts: KeyTable::new(1024),
            kinds: Vec::new(),
            identifiers: Vec::new(),
            rows: LinkRows::default(),
        }
    }

    /// Adds the links of a chunk, under the numbers of the whole table.
    pub fn add(&mut self, chunk: &Done, source: &Arc<str>) -> Result<()> {
        let accounts: Vec<u32> = chunk.accounts.iter().map(|key| self.accounts.key(key)).collect();
        let mut kinds = Vec::new();
        let mut identifiers = Vec::new();
        for (name, keys) in chunk.kinds.iter().zip(&chunk.identifiers) {
            let kind = match self.kinds.iter().position(|known| known == name) {
                Some(kind) => kind,
                None if self.kinds.len() == KINDS_MAX => {
                    let problem =
                        format!("more than {KINDS_MAX} kinds of identifiers; is `kind` the right column?");
                    return Err(Error::input(source, problem));
                }
                None => {
                    self.kinds.push(name.clone());
                    self.identifiers.push(KeyTable::new(1024));
                    self.kinds.len() - 1
                }
            };
            kinds.push(kind as u8);
            identifiers.push(keys.iter().map(|key| self.identifiers[kind].key(key)).collect::<Vec<u32>>());
        }
        for link in &chunk.links {
            let kind = usize::from(link.kind);
            self.rows.account.push(accounts[link.account as usize]);
            self.rows.kind.push(kinds[kind]);
            self.rows.identifier.push(identifiers[kind][link.identifier as usize]);
            self.rows.first.push(link.first);
            self.rows.last.push(link.last);
        }
        Ok(())
    }

    pub fn finish(self) -> LinkRows {
        LinkRows {
            accounts: self.accounts.finish(),
            kinds: self.kinds,
            identifiers: self.identifiers.into_iter().map(KeyTable::finish).collect(),
            ..self.rows
        }
    }
}
