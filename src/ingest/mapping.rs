//! The mapping: which column is what, in TOML.
//!
//! A mapping has up to three tables, one per kind of source (`transactions`,
//! `accounts`, `links`), and three that all of them share: `files` (how CSV is
//! written), `currencies` (names to codes) and `scale` (decimals of currencies
//! that ISO 4217 does not settle). `docs/mapping.md` lists every key. An unknown
//! key, a wrong type or a value outside its choices is an error with line and
//! column; what a mapping does not say is never guessed from the data.

use super::presets;
use super::refs::{ColumnRef, FlagRef, KeyRef, TextRef};
use super::times::{TimeFormat, TimeRules, Unclear, Zone};
use crate::error::{Error, Result};
use crate::store::manifest::AttributeKind;
use crate::units::amount::{Excess, Notation};
use crate::units::currency::iso_exponent;
use crate::units::time::{TIME_MAX, TIME_MIN, parse_time};
use serde::{Deserialize, Deserializer};
use std::collections::BTreeMap;

/// How to read sources; see `docs/mapping.md`.
#[derive(Clone, Debug)]
pub struct Mapping {
    text: String,
    name: String,
    tables: Tables,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Tables {
    #[serde(default)]
    files: Files,
    transactions: Option<Transactions>,
    accounts: Option<Accounts>,
    links: Option<Links>,
    #[serde(default)]
    currencies: BTreeMap<String, String>,
    #[serde(default)]
    scale: BTreeMap<String, u8>,
}

/// How CSV files are written.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(crate) struct Files {
    #[serde(deserialize_with = "delimiter")]
    pub delimiter: u8,
    #[serde(deserialize_with = "quote")]
    pub quote: Option<u8>,
    pub header: bool,
    pub trim: bool,
    pub null: Vec<String>,
}

impl Default for Files {
    fn default() -> Self {
        Files { delimiter: b',', quote: Some(b'"'), header: true, trim: false, null: Vec::new() }
    }
}

/// What the columns of a transaction file are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Transactions {
    pub transaction: Option<KeyRef>,
    pub source: KeyRef,
    pub destination: KeyRef,
    pub time: ColumnRef,
    #[serde(default = "rfc3339")]
    pub time_format: TimeFormat,
    #[serde(default)]
    pub time_zone: Zone,
    #[serde(default)]
    pub time_ambiguous: Unclear,
    #[serde(default)]
    pub time_nonexistent: Unclear,
    #[serde(default)]
    pub time_precision: Precision,
    #[serde(default = "time_min", deserialize_with = "moment")]
    pub time_min: i64,
    #[serde(default = "time_max", deserialize_with = "moment")]
    pub time_max: i64,
    pub amount: ColumnRef,
    #[serde(default)]
    pub amount_unit: Unit,
    #[serde(default, deserialize_with = "notation")]
    pub amount_notation: Notation,
    #[serde(default, deserialize_with = "excess")]
    pub amount_decimals: Excess,
    #[serde(default = "point", deserialize_with = "decimal_mark")]
    pub amount_decimal_mark: u8,
    #[serde(default)]
    pub amount_negative: Negative,
    #[serde(default)]
    pub amount_zero: Zero,
    pub currency: TextRef,
    pub received_amount: Option<ColumnRef>,
    pub received_currency: Option<TextRef>,
    pub channel: Option<ColumnRef>,
    pub label: Option<ColumnRef>,
    pub labelled: Option<FlagRef>,
    pub failed: Option<FlagRef>,
    pub reversed: Option<FlagRef>,
    pub corrects: Option<KeyRef>,
    pub reverses: Option<KeyRef>,
    pub device: Option<KeyRef>,
    pub direction: Option<Direction>,
    #[serde(default)]
    pub skip: Vec<Skip>,
    #[serde(default)]
    pub outside: Vec<String>,
    #[serde(default)]
    pub aggregate: bool,
}

/// A column whose values say which way the money went.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Direction {
    pub column: ColumnRef,
    /// Values under which money flows from destination to source.
    pub reverse: Vec<String>,
    /// Values under which it flows as written; if absent, all others.
    pub forward: Option<Vec<String>>,
}

/// Rows that are left out and counted.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Skip {
    pub column: ColumnRef,
    pub values: Vec<String>,
}

/// What the columns of an accounts table are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Accounts {
    pub account: KeyRef,
    /// Attribute columns; if absent, all that are not part of the key.
    pub attributes: Option<Vec<ColumnRef>>,
    /// Types of attributes by column name; others are inferred.
    #[serde(default)]
    pub types: BTreeMap<String, AttributeType>,
}

/// What the columns of a links table are.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Links {
    pub account: KeyRef,
    /// Long form: one row per link.
    pub kind: Option<TextRef>,
    pub value: Option<ColumnRef>,
    /// Wide form: one row per account; kinds and their columns.
    #[serde(default)]
    pub columns: BTreeMap<String, ColumnRef>,
    pub first_seen: Option<ColumnRef>,
    pub last_seen: Option<ColumnRef>,
    #[serde(default = "rfc3339")]
    pub time_format: TimeFormat,
    #[serde(default)]
    pub time_zone: Zone,
    #[serde(default)]
    pub time_ambiguous: Unclear,
    #[serde(default)]
    pub time_nonexistent: Unclear,
    #[serde(default = "time_min", deserialize_with = "moment")]
    pub time_min: i64,
    #[serde(default = "time_max", deserialize_with = "moment")]
    pub time_max: i64,
}

/// Types that an attribute can be told to have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum AttributeType {
    Text,
    Integer,
    Float,
    Boolean,
    Time,
}

impl From<AttributeKind> for AttributeType {
    fn from(kind: AttributeKind) -> Self {
        match kind {
            AttributeKind::Text => AttributeType::Text,
            AttributeKind::Integer => AttributeType::Integer,
            AttributeKind::Float => AttributeType::Float,
            AttributeKind::Boolean => AttributeType::Boolean,
            AttributeKind::Time => AttributeType::Time,
        }
    }
}

/// Whether times mean moments or days.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Precision {
    /// As the format says.
    #[default]
    Format,
    Day,
}

/// What amounts count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Unit {
    #[default]
    Major,
    Minor,
}

/// What an amount below zero means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Negative {
    #[default]
    Reject,
    /// Money flows the other way: source and destination change places.
    Reverse,
}

/// What an amount of zero means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum Zero {
    /// A transfer like any other: it shows contact, and moves no money.
    #[default]
    Accept,
    Reject,
}

fn rfc3339() -> TimeFormat {
    TimeFormat::Rfc3339
}
fn time_min() -> i64 {
    TIME_MIN
}
fn time_max() -> i64 {
    TIME_MAX
}
fn point() -> u8 {
    b'.'
}

fn single_byte<'de, D: Deserializer<'de>>(deserializer: D, what: &str) -> std::result::Result<u8, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'\n' | b'\r' | 0) => Ok(*byte),
        _ => Err(serde::de::Error::custom(format!("{what} must be one ASCII character, not {text:?}"))),
    }
}

fn delimiter<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<u8, D::Error> {
    single_byte(deserializer, "delimiter")
}

/// One character, or an empty text for "no quotes".
fn quote<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Option<u8>, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.as_bytes() {
        [] => Ok(None),
        [byte] if byte.is_ascii_graphic() => Ok(Some(*byte)),
        _ => {
            Err(serde::de::Error::custom(format!("quote must be one ASCII character or empty, not {text:?}")))
        }
    }
}

fn decimal_mark<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<u8, D::Error> {
    match single_byte(deserializer, "amount_decimal_mark")? {
        mark @ (b'.' | b',') => Ok(mark),
        _ => Err(serde::de::Error::custom("amount_decimal_mark must be \".\" or \",\"")),
    }
}

fn moment<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<i64, D::Error> {
    let text = String::deserialize(deserializer)?;
    parse_time(&text).ok_or_else(|| {
        serde::de::Error::custom(format!(
            "{text:?} is no date or time like \"2024-05-01\" or \"2024-05-01T12:00:00Z\""
        ))
    })
}

fn notation<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Notation, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Name {
        Plain,
        Scientific,
    }
    Ok(match Name::deserialize(deserializer)? {
        Name::Plain => Notation::Plain,
        Name::Scientific => Notation::Scientific,
    })
}

fn excess<'de, D: Deserializer<'de>>(deserializer: D) -> std::result::Result<Excess, D::Error> {
    #[derive(Deserialize)]
    #[serde(rename_all = "kebab-case")]
    enum Name {
        Reject,
        HalfEven,
    }
    Ok(match Name::deserialize(deserializer)? {
        Name::Reject => Excess::Refuse,
        Name::HalfEven => Excess::HalfEven,
    })
}

/// Most decimals of a currency: 9 units of 10^18 still fit into an `i64`.
const SCALE_MAX: u8 = 18;

impl Mapping {
    /// Reads a mapping from TOML; `name` is what errors call it.
    ///
    /// # Errors
    /// [`Error::Input`] with line and column.
    pub fn parse(text: &str, name: &str) -> Result<Self> {
        let tables: Tables =
            toml::from_str(text).map_err(|error| Error::input(name, error.to_string().trim_end()))?;
        let mapping = Mapping { text: text.to_string(), name: name.to_string(), tables };
        mapping.check().map_err(|(key, problem)| match line_of(text, &key) {
            Some(line) => Error::input(format!("{name}, line {line}"), format!("{key}: {problem}")),
            None => Error::input(name, format!("{key}: {problem}")),
        })?;
        Ok(mapping)
    }

    /// The mapping of a preset; [`presets::names`] lists them.
    ///
    /// # Errors
    /// [`Error::Input`] with the nearest name if there is no such preset.
    pub fn preset(name: &str) -> Result<Self> {
        Self::parse(presets::text(name)?, &format!("preset {name}"))
    }

    /// The TOML it was read from; what the store's schema keeps.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// Accounts that stand for the world outside the data (cash, unknown banks), as the mapping lists them: keys, or
    /// beginnings of keys with a `*` behind.
    pub fn outside(&self) -> &[String] {
        self.tables.transactions.as_ref().map_or(&[], |t| &t.outside)
    }

    /// Whether the mapping says that `account` stands for the world outside the data.
    pub fn is_outside(&self, account: &[u8]) -> bool {
        self.outside().iter().any(|pattern| match pattern.strip_suffix('*') {
            Some(beginning) => account.starts_with(beginning.as_bytes()),
            None => account == pattern.as_bytes(),
        })
    }

    /// Whether the mapping can read accounts tables.
    pub fn has_accounts(&self) -> bool {
        self.tables.accounts.is_some()
    }

    /// Whether the mapping can read links tables.
    pub fn has_links(&self) -> bool {
        self.tables.links.is_some()
    }

    pub(crate) fn files(&self) -> &Files {
        &self.tables.files
    }

    pub(crate) fn transactions(&self) -> Result<&Transactions> {
        self.table(self.tables.transactions.as_ref(), "transactions")
    }

    pub(crate) fn accounts(&self) -> Result<&Accounts> {
        self.table(self.tables.accounts.as_ref(), "accounts")
    }

    pub(crate) fn links(&self) -> Result<&Links> {
        self.table(self.tables.links.as_ref(), "links")
    }

    fn table<'m, T>(&self, table: Option<&'m T>, name: &str) -> Result<&'m T> {
        table.ok_or_else(|| {
            Error::input(&self.name, format!("no [{name}] table, which says what the columns of {name} are"))
        })
    }

    /// Code and decimals of a currency as the data names it.
    pub(crate) fn currency(&self, name: &str) -> Option<crate::units::Currency> {
        let code = self.tables.currencies.get(name).map_or(name, String::as_str);
        let exponent = self.tables.scale.get(code).copied().or_else(|| iso_exponent(code))?;
        Some(crate::units::Currency { code: code.to_string(), exponent })
    }

    fn check(&self) -> std::result::Result<(), (String, String)> {
        let fault = |key: &str, problem: String| Err((key.to_string(), problem));
        for (code, scale) in &self.tables.scale {
            if *scale > SCALE_MAX {
                return fault(code, format!("scale {scale} leaves no room for amounts; at most {SCALE_MAX}"));
            }
            if *scale == SCALE_MAX {
                return fault(
                    code,
                    "scale 18 leaves room for 9 units only; choose the largest scale that holds your largest amount \
                     (12 holds 9 million, 8 holds 92 billion) and amount_decimals = \"half-even\""
                        .to_string(),
                );
            }
            if code.is_empty() || code.len() > 32 {
                return fault(code, "a currency code has 1 to 32 bytes".to_string());
            }
        }
        for (name, code) in &self.tables.currencies {
            if self.currency(name).is_none() {
                return fault(
                    name,
                    format!(
                        "{code:?} is no ISO 4217 code with a minor unit; give its decimals under [scale]"
                    ),
                );
            }
        }
        let Files { delimiter, quote, .. } = self.tables.files;
        if quote == Some(delimiter) {
            return fault("quote", "must differ from the delimiter".to_string());
        }
        if let Some(t) = &self.tables.transactions {
            for (key, currency) in
                [("currency", Some(&t.currency)), ("received_currency", t.received_currency.as_ref())]
            {
                if let Some(TextRef::Constant(name)) = currency
                    && self.currency(name).is_none()
                {
                    return fault(
                        key,
                        format!(
                            "{name:?} is no ISO 4217 code with a minor unit; give its decimals under [scale]"
                        ),
                    );
                }
            }
            for (key, points) in [("corrects", &t.corrects), ("reverses", &t.reverses)] {
                if points.is_some() && t.transaction.is_none() {
                    let problem = "names another row by its transaction key, so `transaction` is needed too";
                    return fault(key, problem.to_string());
                }
            }
            if t.received_currency.is_some() && t.received_amount.is_none() {
                return fault("received_currency", "needs `received_amount` as well".to_string());
            }
            if t.time_min >= t.time_max {
                return fault("time_min", "must be earlier than time_max".to_string());
            }
            if t.amount_unit == Unit::Minor && t.amount_decimal_mark == b',' {
                return fault("amount_decimal_mark", "has no meaning for amounts in minor units".to_string());
            }
        }
        if let Some(l) = &self.tables.links {
            match (&l.kind, &l.value, l.columns.is_empty()) {
                (Some(_), Some(_), true) | (None, None, false) => {}
                _ => {
                    return fault(
                        "links",
                        "needs either `kind` and `value` (one row per link), or `columns`, from kinds to columns (one row per account)"
                            .to_string(),
                    );
                }
            }
            if l.time_min >= l.time_max {
                return fault("time_min", "must be earlier than time_max".to_string());
            }
        }
        Ok(())
    }
}

impl Transactions {
    pub(crate) fn time_rules(&self) -> TimeRules {
        TimeRules {
            format: self.time_format.clone(),
            zone: self.time_zone.clone(),
            ambiguous: self.time_ambiguous,
            nonexistent: self.time_nonexistent,
            min_us: self.time_min,
            max_us: self.time_max,
        }
    }

    pub(crate) fn is_daily(&self) -> bool {
        self.time_precision == Precision::Day || self.time_format.is_daily()
    }
}

impl Links {
    pub(crate) fn time_rules(&self) -> TimeRules {
        TimeRules {
            format: self.time_format.clone(),
            zone: self.time_zone.clone(),
            ambiguous: self.time_ambiguous,
            nonexistent: self.time_nonexistent,
            min_us: self.time_min,
            max_us: self.time_max,
        }
    }
}

/// The line, from 1, on which `key` is set or opens a table.
fn line_of(text: &str, key: &str) -> Option<usize> {
    let sets = |line: &str| {
        let line = line.trim_start().trim_start_matches(['[', '"', '\'']);
        line.strip_prefix(key).is_some_and(|rest| {
            rest.trim_start_matches(['"', '\'']).trim_start().starts_with(['=', ']', '.'])
        })
    };
    text.lines().position(sets).map(|at| at + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SMALL: &str = "[transactions]\nsource = 'a'\ndestination = 'b'\ntime = 't'\namount = 'm'\n";

    fn problem(text: &str) -> String {
        Mapping::parse(text, "bank.toml").err().map(|e| e.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_small_mapping_has_the_documented_defaults() {
        let mapping =
            Mapping::parse(&format!("{SMALL}currency = {{ constant = 'EUR' }}"), "bank.toml").unwrap();
        let t = mapping.transactions().unwrap();
        assert_eq!(t.time_format, TimeFormat::Rfc3339);
        assert_eq!((t.time_min, t.time_max), (TIME_MIN, TIME_MAX));
        assert_eq!(
            (t.amount_unit, t.amount_negative, t.amount_zero),
            (Unit::Major, Negative::Reject, Zero::Accept)
        );
        assert_eq!((t.amount_notation, t.amount_decimals), (Notation::Plain, Excess::Refuse));
        assert_eq!((mapping.files().delimiter, mapping.files().quote), (b',', Some(b'"')));
        assert!(!mapping.is_outside(b"cash"));
        assert!(mapping.accounts().is_err() && mapping.links().is_err());
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, line, part) in [
            (format!("{SMALL}currency = 'c'\ncolour = 'red'"), "line 7", "colour"),
            (format!("{SMALL}currency = 3"), "line 6", "a column, or { constant"),
            (format!("{SMALL}currency = {{ constant = 'XBT' }}"), "line 6", "[scale]"),
            (format!("{SMALL}currency = 'c'\namount_unit = 'cents'"), "line 7", "minor"),
            (format!("{SMALL}currency = 'c'\namount_decimals = 'up'"), "line 7", "half-even"),
            (format!("{SMALL}currency = 'c'\ntime_min = 'x'"), "line 7", "no date"),
            (format!("{SMALL}currency = 'c'\ntime_min = '2201-01-01'"), "line 7", "earlier than time_max"),
            (format!("{SMALL}currency = 'c'\nreceived_currency = 'd'"), "line 7", "received_amount"),
            (
                format!("{SMALL}currency = 'c'\ndevice = {{ name = 'd', index = 2 }}"),
                "line 7",
                "exactly one of",
            ),
            (format!("{SMALL}currency = 'c'\nchannel = {{ index = 0 }}"), "line 7", "counts from 1"),
            ("[files]\ndelimiter = ';;'".to_string(), "line 2", "one ASCII character"),
            ("[files]\nquote = ','".to_string(), "line 2", "differ from the delimiter"),
            ("[scale]\nETH = 18".to_string(), "line 2", "half-even"),
            ("[scale]\nETH = 19".to_string(), "line 2", "at most 18"),
            ("[currencies]\n\"US Dollar\" = 'US'".to_string(), "line 2", "[scale]"),
            ("[links]\naccount = 'a'\nvalue = 'v'".to_string(), "line 1", "one row per link"),
            ("[transactions\n".to_string(), "line 1", ""),
        ] {
            let problem = problem(&text);
            assert!(problem.contains(line) && problem.contains(part), "{text}\n->\n{problem}");
            assert!(problem.contains("bank.toml"), "{problem}");
        }
    }

    #[test]
    fn a_missing_key_is_named() {
        assert!(problem("[transactions]\nsource = 'a'").contains("destination"));
    }

    #[test]
    fn currencies_go_through_names_then_scale_then_iso() {
        let text = "[currencies]\nYen = 'JPY'\nBitcoin = 'BTC'\n[scale]\nBTC = 6\nJPY = 2";
        let mapping = Mapping::parse(text, "m").unwrap();
        let exponent = |name: &str| mapping.currency(name).map(|c| (c.code, c.exponent));
        assert_eq!(exponent("Yen"), Some(("JPY".to_string(), 2)));
        assert_eq!(exponent("Bitcoin"), Some(("BTC".to_string(), 6)));
        assert_eq!(exponent("BTC"), Some(("BTC".to_string(), 6)));
        assert_eq!(exponent("KWD"), Some(("KWD".to_string(), 3)));
        assert_eq!(exponent("Dollar"), None);
    }

    #[test]
    fn outside_accounts_are_keys_or_beginnings() {
        let text = format!("{SMALL}currency = 'c'\noutside = ['-1', 'outside:*']");
        let mapping = Mapping::parse(&text, "m").unwrap();
        assert!(mapping.is_outside(b"-1") && mapping.is_outside(b"outside:VKLAD"));
        assert!(!mapping.is_outside(b"-12") && !mapping.is_outside(b"1"));
    }
}
