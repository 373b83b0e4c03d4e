//! A mapping applied to the header of one source: names become places.

use super::mapping::{Files, Mapping, Transactions};
use super::presets::nearest;
use super::refs::{ColumnRef, FlagRef, KeyRef, Place, TextRef};
use super::times::TimeRules;
use crate::error::{Error, Result};
use std::cell::RefCell;
use std::sync::Arc;

/// The columns of one source, as it names them.
#[derive(Debug)]
pub(crate) struct Header<'h> {
    /// What errors call the source.
    pub source: &'h Arc<str>,
    /// What rejects call it.
    pub name: &'h Arc<str>,
    /// Names in order; empty texts when the source has no header.
    pub names: &'h [String],
    /// Whether the names come from the source.
    pub named: bool,
    pub files: &'h Files,
    /// Which columns are floats, where the source has types.
    pub floats: Vec<bool>,
    /// Which columns were asked for.
    pub used: RefCell<Vec<bool>>,
}

/// A column that exists.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub index: usize,
    /// As the header names it, or `column 3`.
    pub name: Arc<str>,
    /// Texts that mean "no value", beside the empty one.
    pub null: Vec<Box<[u8]>>,
    /// Blanks around the text do not count.
    pub trim: bool,
}

impl Column {
    /// Whether a text is a value just as it stands, unless it is empty.
    pub fn is_plain(&self) -> bool {
        self.null.is_empty() && !self.trim
    }

    /// The value in `text`, or `None` where it means "no value".
    #[inline]
    pub fn value<'t>(&self, text: &'t [u8]) -> Option<&'t [u8]> {
        let text = if self.trim { text.trim_ascii() } else { text };
        if text.is_empty() || self.null.iter().any(|null| **null == *text) { None } else { Some(text) }
    }
}

impl<'h> Header<'h> {
    pub fn new(
        source: &'h Arc<str>,
        name: &'h Arc<str>,
        names: &'h [String],
        files: &'h Files,
        named: bool,
    ) -> Self {
        let used = RefCell::new(vec![false; names.len()]);
        Header { source, name, names, named, files, floats: Vec::new(), used }
    }

    /// The column, `None` if it is optional and missing.
    pub fn find(&self, column: &ColumnRef) -> Result<Option<Column>> {
        let index = match &column.place {
            Place::Index(number) if *number <= self.names.len() => Some(number - 1),
            Place::Index(_) if column.optional => None,
            Place::Index(number) => {
                let problem = format!("there is no column {number}; there are {}", self.names.len());
                return Err(Error::input(self.source, problem));
            }
            Place::Named { names, nth } => self.find_named(names, *nth, column.optional)?,
        };
        Ok(index.map(|index| self.column(index, &column.null)))
    }

    fn column(&self, index: usize, null: &[String]) -> Column {
        self.used.borrow_mut()[index] = true;
        let name = &self.names[index];
        let name = if self.named { name.as_str().into() } else { format!("column {}", index + 1).into() };
        let null = self.files.null.iter().chain(null).map(|text| text.as_bytes().into()).collect();
        Column { index, name, null, trim: self.files.trim }
    }

    /// All columns that are not part of `key`.
    pub fn others(&self, key: &KeyPlan) -> Vec<Column> {
        let is_key = |index: usize| key.candidates.iter().flat_map(|c| &c.columns).any(|c| c.index == index);
        (0..self.names.len()).filter(|&index| !is_key(index)).map(|index| self.column(index, &[])).collect()
    }

    /// A column without which there is nothing to read, whatever the mapping says.
    pub fn need(&self, column: &ColumnRef) -> Result<Column> {
        let needed = ColumnRef { optional: false, ..column.clone() };
        self.find(&needed)?.ok_or_else(|| Error::input(self.source, "a needed column is missing"))
    }

    fn find_named(&self, names: &[String], nth: Option<usize>, optional: bool) -> Result<Option<usize>> {
        if !self.named {
            let problem = format!(
                "the mapping says files.header = false, so column {:?} cannot be found by name; use {{ index = … }}",
                names[0]
            );
            return Err(Error::input(self.source, problem));
        }
        for name in names {
            let places: Vec<usize> = (0..self.names.len()).filter(|&i| self.names[i] == *name).collect();
            match (places.as_slice(), nth) {
                ([], _) => continue,
                ([only], None | Some(1)) => return Ok(Some(*only)),
                (all, None) => {
                    let problem = format!(
                        "{} columns are named {name:?} ({}); say which with {{ name = {name:?}, nth = 1 }}",
                        all.len(),
                        self.list()
                    );
                    return Err(Error::input(self.source, problem));
                }
                (all, Some(nth)) if nth <= all.len() => return Ok(Some(all[nth - 1])),
                (all, Some(nth)) => {
                    let problem =
                        format!("column {name:?} number {nth} is missing: {} of that name", all.len());
                    return Err(Error::input(self.source, problem));
                }
            }
        }
        if optional {
            return Ok(None);
        }
        let wanted = names.iter().map(|name| format!("{name:?}")).collect::<Vec<_>>().join(" or ");
        let near = names.iter().find_map(|name| nearest(name, self.names.iter().map(String::as_str)));
        let near = near.map_or(String::new(), |near| format!("; did you mean {near:?}?"));
        Err(Error::input(
            self.source,
            format!("there is no column {wanted}; there are {}{near}", self.list()),
        ))
    }

    /// The first columns, for an error message.
    fn list(&self) -> String {
        const SHOWN: usize = 40;
        let shown = |name: &String| format!("{:?}", name.chars().take(64).collect::<String>());
        let names: Vec<String> = self.names.iter().take(SHOWN).map(shown).collect();
        let more = self.names.len().saturating_sub(SHOWN);
        if more == 0 { names.join(", ") } else { format!("{} and {more} more", names.join(", ")) }
    }

    /// Refuses floats as keys: 1234 would be another key than 1234.0, and long numbers lose digits.
    fn no_float(&self, column: Column) -> Result<Column> {
        if self.floats.get(column.index) == Some(&true) {
            let problem = format!(
                "column {:?} holds floats, which are no keys; make it text or whole numbers (in pandas: astype(\"Int64\"))",
                column.name
            );
            return Err(Error::input(self.source, problem));
        }
        Ok(column)
    }

    /// The key that is the text of one column; `None` if it is optional and missing.
    pub fn key_column(&self, column: &ColumnRef) -> Result<Option<KeyPlan>> {
        let column = self.find(column)?.map(|column| self.no_float(column)).transpose()?;
        Ok(column.map(|column| KeyPlan {
            name: column.name.clone(),
            single: Some(column),
            candidates: Vec::new(),
        }))
    }

    pub fn key(&self, key: &KeyRef) -> Result<KeyPlan> {
        let mut candidates = Vec::new();
        let mut next = Some(key);
        while let Some(key) = next {
            let find = |column| self.find(column)?.map(|column| self.no_float(column)).transpose();
            let columns: Option<Vec<Column>> = key.columns.iter().map(find).collect::<Result<_>>()?;
            // A key with an optional column that is missing is never complete.
            if let Some(columns) = columns {
                candidates.push(Candidate {
                    columns,
                    separator: key.separator.clone().into_bytes(),
                    prefix: key.prefix.clone().into_bytes(),
                    constant: key.constant.clone().map(String::into_bytes),
                });
            }
            next = key.otherwise.as_deref();
        }
        let name = candidates
            .iter()
            .find(|c| !c.columns.is_empty())
            .map_or("".into(), |c| c.columns.iter().map(|c| &*c.name).collect::<Vec<_>>().join("+").into());
        let single = match candidates.as_slice() {
            [only] if only.columns.len() == 1 && only.prefix.is_empty() => Some(only.columns[0].clone()),
            _ => None,
        };
        Ok(KeyPlan { name, single, candidates })
    }

    pub fn text(&self, text: &TextRef) -> Result<Option<TextPlan>> {
        Ok(match text {
            TextRef::Constant(constant) => Some(TextPlan::Constant(constant.clone())),
            TextRef::Column(column) => self.find(column)?.map(TextPlan::Column),
        })
    }

    pub fn flag(&self, flag: &FlagRef, bit: u8) -> Result<Option<FlagPlan>> {
        let texts = |texts: &Option<Vec<String>>| {
            texts.as_ref().map(|texts| texts.iter().map(|text| text.as_bytes().into()).collect())
        };
        Ok(self.find(&flag.column)?.map(|column| FlagPlan {
            column,
            bit,
            when_true: texts(&flag.when_true),
            when_false: texts(&flag.when_false),
        }))
    }
}

/// How a key is made from a row.
#[derive(Clone, Debug)]
pub(crate) struct KeyPlan {
    /// The columns' names, for rejects.
    pub name: Arc<str>,
    /// The only column, when the key is that column's text.
    pub single: Option<Column>,
    /// The first candidate without an empty column is the key.
    pub candidates: Vec<Candidate>,
}

#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub columns: Vec<Column>,
    pub separator: Vec<u8>,
    pub prefix: Vec<u8>,
    pub constant: Option<Vec<u8>>,
}

#[derive(Clone, Debug)]
pub(crate) enum TextPlan {
    Constant(String),
    Column(Column),
}

#[derive(Clone, Debug)]
pub(crate) struct FlagPlan {
    pub column: Column,
    pub bit: u8,
    when_true: Option<Vec<Box<[u8]>>>,
    when_false: Option<Vec<Box<[u8]>>>,
}

impl FlagPlan {
    /// Whether the flag is set; `None` if the text says neither.
    pub fn read(&self, text: &[u8]) -> Option<bool> {
        const TRUE: [&[u8]; 5] = [b"1", b"true", b"t", b"yes", b"y"];
        const FALSE: [&[u8]; 5] = [b"0", b"false", b"f", b"no", b"n"];
        let listed = |texts: &[Box<[u8]>]| texts.iter().any(|t| **t == *text);
        match (&self.when_true, &self.when_false) {
            (Some(when_true), _) if listed(when_true) => Some(true),
            (Some(_), Some(when_false)) => listed(when_false).then_some(false),
            (Some(_), None) => Some(false),
            (None, _) if FALSE.iter().any(|t| text.eq_ignore_ascii_case(t)) => Some(false),
            (None, _) => TRUE.iter().any(|t| text.eq_ignore_ascii_case(t)).then_some(true),
        }
    }
}

/// Everything needed to read the rows of one transaction source.
#[derive(Debug)]
pub(crate) struct TransactionPlan<'m> {
    pub mapping: &'m Mapping,
    pub rules: &'m Transactions,
    pub time_rules: TimeRules,
    pub source_name: Arc<str>,
    pub transaction: Option<KeyPlan>,
    pub source: KeyPlan,
    pub destination: KeyPlan,
    pub time: Column,
    pub amount: Column,
    pub currency: TextPlan,
    pub received_amount: Option<Column>,
    pub received_currency: Option<TextPlan>,
    pub channel: Option<Column>,
    pub label: Option<Column>,
    pub flags: Vec<FlagPlan>,
    pub corrects: Option<KeyPlan>,
    pub reverses: Option<KeyPlan>,
    pub device: Option<KeyPlan>,
    pub direction: Option<Column>,
    pub skip: Vec<(Column, &'m [String])>,
}

impl<'m> TransactionPlan<'m> {
    pub fn new(mapping: &'m Mapping, header: &Header<'_>) -> Result<Self> {
        use crate::store::format::flags;
        let rules = mapping.transactions()?;
        let find = |column: &Option<ColumnRef>| match column {
            Some(column) => header.find(column),
            None => Ok(None),
        };
        let mut flag_plans = Vec::new();
        let bits = [flags::LABELLED, flags::FAILED, flags::REVERSED];
        for (flag, bit) in [&rules.labelled, &rules.failed, &rules.reversed].into_iter().zip(bits) {
            if let Some(flag) = flag {
                flag_plans.extend(header.flag(flag, bit)?);
            }
        }
        let optional_key = |key: &Option<KeyRef>| -> Result<Option<KeyPlan>> {
            match key {
                Some(key) => Ok(Some(header.key(key)?).filter(|plan| !plan.candidates.is_empty())),
                None => Ok(None),
            }
        };
        let mut skip = Vec::new();
        for rule in &rules.skip {
            skip.extend(header.find(&rule.column)?.map(|column| (column, rule.values.as_slice())));
        }
        let currency = match header.text(&rules.currency)? {
            Some(currency) => currency,
            None => return Err(Error::input(header.source, "the currency column may not be optional")),
        };
        let transaction = optional_key(&rules.transaction)?;
        let (corrects, reverses) = (optional_key(&rules.corrects)?, optional_key(&rules.reverses)?);
        if transaction.is_none() && (corrects.is_some() || reverses.is_some()) {
            let problem = "it says which rows correct or reverse which, but has no column for their own keys";
            return Err(Error::input(header.source, problem));
        }
        Ok(TransactionPlan {
            mapping,
            rules,
            time_rules: rules.time_rules(),
            source_name: header.name.clone(),
            transaction,
            corrects,
            reverses,
            source: header.key(&rules.source)?,
            destination: header.key(&rules.destination)?,
            time: header.need(&rules.time)?,
            amount: header.need(&rules.amount)?,
            currency,
            received_amount: find(&rules.received_amount)?,
            received_currency: match &rules.received_currency {
                Some(text) => header.text(text)?,
                None => None,
            },
            channel: find(&rules.channel)?,
            label: find(&rules.label)?,
            flags: flag_plans,
            device: optional_key(&rules.device)?,
            direction: match &rules.direction {
                Some(direction) => header.find(&direction.column)?,
                None => None,
            },
            skip,
        })
    }
}
