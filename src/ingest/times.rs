//! Times of foreign formats: fixed formats, patterns, steps; zones and their gaps.
//!
//! # Method
//! A text becomes a time on the clock that wrote it, by hand-written readers of
//! fixed positions; if the text does not say how far that clock is from UTC, the
//! zone of the mapping does. Around a time whose offset was looked up, the span to
//! the neighbouring transitions is remembered, so that the time zone database is
//! asked once per season and not once per row.

use super::cells::Cells;
use super::plan::Column;
use super::reject::Reason;
use crate::units::time::{DAY_US, SECOND_US, Written, civil_us, parse_micros, parse_time, parse_written};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::{AmbiguousOffset, Offset, TimeZone};
use serde::{Deserialize, Deserializer};

/// How times are written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TimeFormat {
    /// Dates, or dates and times with or without fraction and offset.
    Rfc3339,
    /// `2024-05-01` and nothing else.
    Date,
    /// Whole units of so many microseconds since 1970 UTC.
    Unix(i64),
    /// By a pattern like `%Y/%m/%d %H:%M`.
    Pattern(Pattern),
    /// Whole steps of `step_us` since a base date on the zone's clock.
    Steps {
        /// Microseconds of a step.
        step_us: i64,
        /// Where step 0 begins, in microseconds since 1970 on the zone's clock.
        base_us: i64,
    },
}

impl TimeFormat {
    /// Whether such times have no time of day.
    pub fn is_daily(&self) -> bool {
        match self {
            TimeFormat::Date => true,
            TimeFormat::Pattern(pattern) => !pattern.has(&[Item::Hour, Item::Hour12]),
            TimeFormat::Steps { step_us, base_us } => step_us % DAY_US == 0 && base_us % DAY_US == 0,
            TimeFormat::Rfc3339 | TimeFormat::Unix(_) => false,
        }
    }
}

#[derive(Deserialize)]
#[serde(
    untagged,
    expecting = "a time format: \"rfc3339\", \"date\", \"unix-s\", \"unix-ms\", \"unix-us\", a pattern such as \"%Y/%m/%d %H:%M\", or { step = \"hour\", base = \"2023-01-01\" }"
)]
enum FormatValue {
    Name(String),
    Steps(StepsTable),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StepsTable {
    step: String,
    base: String,
}

impl<'de> Deserialize<'de> for TimeFormat {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let read = |value| match value {
            FormatValue::Name(name) => match name.as_str() {
                "rfc3339" => Ok(TimeFormat::Rfc3339),
                "date" => Ok(TimeFormat::Date),
                "unix-s" => Ok(TimeFormat::Unix(SECOND_US)),
                "unix-ms" => Ok(TimeFormat::Unix(1000)),
                "unix-us" => Ok(TimeFormat::Unix(1)),
                pattern if pattern.contains('%') => Pattern::parse(pattern).map(TimeFormat::Pattern),
                other => Err(format!(
                    "unknown time format {other:?}; there are \"rfc3339\", \"date\", \"unix-s\", \"unix-ms\", \
                     \"unix-us\", patterns such as \"%Y/%m/%d %H:%M\", and {{ step = …, base = … }}"
                )),
            },
            FormatValue::Steps(StepsTable { step, base }) => {
                let step_us = match step.as_str() {
                    "second" => SECOND_US,
                    "minute" => 60 * SECOND_US,
                    "hour" => 3600 * SECOND_US,
                    "day" => DAY_US,
                    "week" => 7 * DAY_US,
                    other => {
                        return Err(format!(
                            "unknown step {other:?}; there are second, minute, hour, day and week"
                        ));
                    }
                };
                let base_us = parse_time(&base).ok_or_else(|| format!("base {base:?} is no date or time"))?;
                Ok(TimeFormat::Steps { step_us, base_us })
            }
        };
        read(FormatValue::deserialize(deserializer)?).map_err(serde::de::Error::custom)
    }
}

/// A pattern of fixed parts, compiled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pattern {
    items: Vec<Item>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Item {
    Literal(u8),
    Year,
    ShortYear,
    Month,
    MonthName,
    Day,
    Hour,
    Hour12,
    HalfDay,
    Minute,
    Second,
    Fraction,
    Offset,
    /// One or two digits for the item inside.
    Loose(Box<Item>),
}

const MONTHS: [&[u8]; 12] = [
    b"january",
    b"february",
    b"march",
    b"april",
    b"may",
    b"june",
    b"july",
    b"august",
    b"september",
    b"october",
    b"november",
    b"december",
];

impl Pattern {
    /// Compiles a pattern of `%Y %y %m %b %d %H %I %p %M %S %f %z %%`, `%-d`-like loose numbers, and literal bytes.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut items = Vec::new();
        let mut bytes = text.bytes();
        while let Some(byte) = bytes.next() {
            if byte != b'%' {
                items.push(Item::Literal(byte));
                continue;
            }
            let (loose, letter) = match bytes.next() {
                Some(b'-') => (true, bytes.next()),
                letter => (false, letter),
            };
            let item = match letter {
                Some(b'Y') => Item::Year,
                Some(b'y') => Item::ShortYear,
                Some(b'm') => Item::Month,
                Some(b'b' | b'B') => Item::MonthName,
                Some(b'd') => Item::Day,
                Some(b'H') => Item::Hour,
                Some(b'I') => Item::Hour12,
                Some(b'p') => Item::HalfDay,
                Some(b'M') => Item::Minute,
                Some(b'S') => Item::Second,
                Some(b'f') => Item::Fraction,
                Some(b'z') => Item::Offset,
                Some(b'%') => Item::Literal(b'%'),
                Some(other) => return Err(format!("pattern {text:?}: unknown part %{}", char::from(other))),
                None => return Err(format!("pattern {text:?} ends in the middle of a part")),
            };
            items.push(match (loose, &item) {
                (false, _) => item,
                (true, Item::Month | Item::Day | Item::Hour | Item::Hour12 | Item::Minute | Item::Second) => {
                    Item::Loose(Box::new(item))
                }
                (true, _) => return Err(format!("pattern {text:?}: `%-` is for numbers of two digits")),
            });
        }
        let pattern = Pattern { items };
        let has = |wanted: &[Item]| pattern.has(wanted);
        if !has(&[Item::Year, Item::ShortYear]) || !has(&[Item::Month, Item::MonthName]) || !has(&[Item::Day])
        {
            return Err(format!("pattern {text:?} must name year, month and day"));
        }
        if has(&[Item::Hour12]) != has(&[Item::HalfDay]) {
            return Err(format!("pattern {text:?}: %I and %p belong together"));
        }
        Ok(pattern)
    }

    fn has(&self, wanted: &[Item]) -> bool {
        self.items.iter().any(|item| match item {
            Item::Loose(inner) => wanted.contains(inner),
            item => wanted.contains(item),
        })
    }

    fn read(&self, text: &[u8]) -> Option<Written> {
        let (mut year, mut month, mut day) = (0i32, 0, 0);
        let (mut hour, mut minute, mut second, mut micros) = (0, 0, 0, 0);
        let (mut afternoon, mut offset_s) = (None, None);
        let mut rest = text;
        for item in &self.items {
            let (item, least) = match item {
                Item::Loose(inner) => (inner.as_ref(), 1),
                item => (item, 2),
            };
            match item {
                Item::Literal(byte) => rest = rest.strip_prefix(std::slice::from_ref(byte))?,
                Item::Year => year = number(&mut rest, 4, 4)? as i32,
                Item::ShortYear => {
                    let of_century = number(&mut rest, 2, 2)? as i32;
                    year = of_century + if of_century >= 69 { 1900 } else { 2000 };
                }
                Item::Month => month = number(&mut rest, least, 2)?,
                Item::MonthName => month = month_name(&mut rest)?,
                Item::Day => day = number(&mut rest, least, 2)?,
                Item::Hour => hour = number(&mut rest, least, 2)?,
                Item::Hour12 => {
                    hour = number(&mut rest, least, 2)?;
                    if !(1..=12).contains(&hour) {
                        return None;
                    }
                    hour %= 12;
                }
                Item::HalfDay => {
                    afternoon = Some(match rest.get(..2)? {
                        half if half.eq_ignore_ascii_case(b"am") => false,
                        half if half.eq_ignore_ascii_case(b"pm") => true,
                        _ => return None,
                    });
                    rest = &rest[2..];
                }
                Item::Minute => minute = number(&mut rest, least, 2)?,
                Item::Second => second = number(&mut rest, least, 2)?,
                Item::Fraction => {
                    let len = rest.iter().take_while(|b| b.is_ascii_digit()).count();
                    if len == 0 {
                        return None;
                    }
                    micros = parse_micros(&rest[..len]);
                    rest = &rest[len..];
                }
                Item::Offset => offset_s = Some(offset(&mut rest)?),
                Item::Loose(_) => return None,
            }
        }
        if !rest.is_empty() {
            return None;
        }
        if afternoon == Some(true) {
            hour += 12;
        }
        Some(Written { civil_us: civil_us(year, month, day, hour, minute, second, micros)?, offset_s })
    }
}

/// Takes between `least` and `most` digits off the front.
fn number(rest: &mut &[u8], least: usize, most: usize) -> Option<u32> {
    let len = rest.iter().take(most).take_while(|b| b.is_ascii_digit()).count();
    if len < least {
        return None;
    }
    let value = rest[..len].iter().fold(0, |v, b| v * 10 + u32::from(b - b'0'));
    *rest = &rest[len..];
    Some(value)
}

/// Takes an English month name, or its first three letters, off the front.
fn month_name(rest: &mut &[u8]) -> Option<u32> {
    let len = rest.iter().take_while(|b| b.is_ascii_alphabetic()).count();
    let name = &rest[..len];
    let same = |month: &&[u8]| {
        name.eq_ignore_ascii_case(month) || (len == 3 && name.eq_ignore_ascii_case(&month[..3]))
    };
    let month = MONTHS.iter().position(same)?;
    *rest = &rest[len..];
    Some(month as u32 + 1)
}

/// Takes `Z`, `+02:00` or `+0200` off the front.
fn offset(rest: &mut &[u8]) -> Option<i32> {
    let (first, tail) = rest.split_first()?;
    *rest = tail;
    let sign = match first {
        b'Z' | b'z' => return Some(0),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = number(rest, 2, 2)?;
    *rest = rest.strip_prefix(b":").unwrap_or(rest);
    let minutes = number(rest, 2, 2)?;
    (hours < 24 && minutes < 60).then_some(sign * (hours * 3600 + minutes * 60) as i32)
}

/// What to do with a local time that clocks showed twice, or never.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Unclear {
    /// The row is rejected.
    #[default]
    Reject,
    /// The earlier of the two moments; for a gap, as if clocks had been set forward already.
    Earlier,
    /// The later of the two moments; for a gap, as if clocks had not been set forward yet.
    Later,
}

/// The clock of times that do not state an offset.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum Zone {
    /// UTC.
    #[default]
    Utc,
    /// Always so many seconds ahead of UTC.
    Fixed(i32),
    /// A zone of the IANA database.
    Named(TimeZone),
}

impl<'de> Deserialize<'de> for Zone {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if matches!(name.as_str(), "UTC" | "Z") {
            return Ok(Zone::Utc);
        }
        let mut rest = name.as_bytes();
        if name.starts_with(['+', '-'])
            && let Some(seconds) = offset(&mut rest)
            && rest.is_empty()
        {
            return Ok(Zone::Fixed(seconds));
        }
        TimeZone::get(&name).map(Zone::Named).map_err(|_| {
            serde::de::Error::custom(format!(
                "unknown time zone {name:?}; give a name of the IANA database such as \"Europe/Prague\", an offset such as \"+01:00\", or \"UTC\""
            ))
        })
    }
}

/// Everything that makes a text, a number or a typed time a moment.
#[derive(Clone, Debug)]
pub(crate) struct TimeRules {
    pub format: TimeFormat,
    pub zone: Zone,
    pub ambiguous: Unclear,
    pub nonexistent: Unclear,
    /// First time accepted.
    pub min_us: i64,
    /// First time no longer accepted.
    pub max_us: i64,
}

/// Reads times by `rules`; one per task, because it remembers the last season.
#[derive(Debug)]
pub(crate) struct TimeReader<'r> {
    rules: &'r TimeRules,
    /// Local times from..to are `offset_us` ahead of UTC.
    season: (i64, i64, i64),
}

/// Further than any offset of the database from UTC.
const OFFSET_MAX_US: i64 = 26 * 3600 * SECOND_US;

impl<'r> TimeReader<'r> {
    pub fn new(rules: &'r TimeRules) -> Self {
        TimeReader { rules, season: (0, 0, 0) }
    }

    /// A text.
    #[inline]
    pub fn text(&mut self, text: &[u8]) -> Result<i64, Reason> {
        let written = match &self.rules.format {
            TimeFormat::Unix(_) | TimeFormat::Steps { .. } => {
                return integer(text).ok_or(Reason::BadTime).and_then(|n| self.number(n));
            }
            TimeFormat::Rfc3339 => parse_written(text),
            TimeFormat::Date if text.len() == 10 => parse_written(text),
            TimeFormat::Date => None,
            TimeFormat::Pattern(pattern) => pattern.read(text),
        };
        self.written(written.ok_or(Reason::BadTime)?)
    }

    /// The time of a row; `None` where there is no value.
    #[inline]
    pub fn cell(
        &mut self,
        cells: &Cells<'_>,
        column: &Column,
        row: usize,
        scratch: &mut Vec<u8>,
    ) -> Option<Result<i64, Reason>> {
        match cells {
            Cells::Integers(integers)
                if matches!(self.rules.format, TimeFormat::Unix(_) | TimeFormat::Steps { .. }) =>
            {
                integers.get(row).map(|number| self.number(number))
            }
            Cells::Times { cells, zoned } => cells.get(row).map(|civil_us| {
                let offset_s = zoned.then_some(0);
                self.written(Written { civil_us, offset_s })
            }),
            cells => column.value(cells.text(row, scratch)).map(|text| self.text(text)),
        }
    }

    /// A whole number, in the units of the format.
    #[inline]
    pub fn number(&mut self, number: i64) -> Result<i64, Reason> {
        match self.rules.format {
            TimeFormat::Unix(unit_us) => match number.checked_mul(unit_us) {
                Some(time) => self.plausible(time),
                None => Err(Reason::TimeOutOfRange),
            },
            TimeFormat::Steps { step_us, base_us } => {
                match number.checked_mul(step_us).and_then(|t| t.checked_add(base_us)) {
                    Some(civil_us) => self.written(Written { civil_us, offset_s: None }),
                    None => Err(Reason::TimeOutOfRange),
                }
            }
            _ => Err(Reason::BadTime),
        }
    }

    /// A moment that a typed column already states.
    #[inline]
    pub fn plausible(&self, time_us: i64) -> Result<i64, Reason> {
        let inside = self.rules.min_us <= time_us && time_us < self.rules.max_us;
        if inside { Ok(time_us) } else { Err(Reason::TimeOutOfRange) }
    }

    /// A time on a clock.
    #[inline]
    pub fn written(&mut self, written: Written) -> Result<i64, Reason> {
        let ahead = |seconds: i32| written.civil_us.checked_sub(i64::from(seconds) * SECOND_US);
        let time = match (written.offset_s, &self.rules.zone) {
            (Some(seconds), _) => ahead(seconds),
            (None, Zone::Utc) => Some(written.civil_us),
            (None, Zone::Fixed(seconds)) => ahead(*seconds),
            (None, Zone::Named(zone)) => {
                let (from, to, offset_us) = self.season;
                if from <= written.civil_us && written.civil_us < to {
                    Some(written.civil_us - offset_us)
                } else {
                    Some(self.look_up(zone, written.civil_us)?)
                }
            }
        };
        self.plausible(time.ok_or(Reason::TimeOutOfRange)?)
    }

    fn look_up(&mut self, zone: &TimeZone, civil: i64) -> Result<i64, Reason> {
        let out_of_range = |_| Reason::TimeOutOfRange;
        let clock: DateTime =
            Offset::UTC.to_datetime(Timestamp::from_microsecond(civil).map_err(out_of_range)?);
        let offset = match zone.to_ambiguous_timestamp(clock).offset() {
            AmbiguousOffset::Unambiguous { offset } => {
                self.remember(zone, civil, offset);
                offset
            }
            AmbiguousOffset::Fold { before, after } => match self.rules.ambiguous {
                Unclear::Reject => return Err(Reason::AmbiguousTime),
                Unclear::Earlier => before,
                Unclear::Later => after,
            },
            AmbiguousOffset::Gap { before, after } => match self.rules.nonexistent {
                Unclear::Reject => return Err(Reason::NonexistentTime),
                Unclear::Earlier => after,
                Unclear::Later => before,
            },
        };
        Ok(civil - i64::from(offset.seconds()) * SECOND_US)
    }

    /// Notes the span around `civil` in which no clock is set, well away from its ends.
    fn remember(&mut self, zone: &TimeZone, civil: i64, offset: Offset) {
        let offset_us = i64::from(offset.seconds()) * SECOND_US;
        let Ok(moment) = Timestamp::from_microsecond(civil - offset_us) else { return };
        let before = zone.preceding(moment).next().map_or(i64::MIN / 2, |t| t.timestamp().as_microsecond());
        let after = zone.following(moment).next().map_or(i64::MAX / 2, |t| t.timestamp().as_microsecond());
        self.season = (before + OFFSET_MAX_US, after - OFFSET_MAX_US, offset_us);
    }
}

/// A whole number with an optional sign.
#[inline]
pub(crate) fn integer(text: &[u8]) -> Option<i64> {
    let (negative, digits) = match text {
        [b'-', rest @ ..] => (true, rest),
        _ => (false, text),
    };
    if digits.is_empty() {
        return None;
    }
    if digits.len() > 18 {
        return std::str::from_utf8(text).ok().filter(|t| !t.starts_with('+')).and_then(|t| t.parse().ok());
    }
    let mut value = 0i64;
    for byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        value = value * 10 + i64::from(digit);
    }
    Some(if negative { -value } else { value })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::time::{TIME_MAX, TIME_MIN, format_time};
    use proptest::prelude::*;

    #[derive(Deserialize)]
    struct Both {
        format: TimeFormat,
        #[serde(default)]
        zone: Zone,
    }

    fn rules(toml: &str) -> TimeRules {
        let Both { format, zone } = toml::from_str(toml).unwrap();
        let (ambiguous, nonexistent) = (Unclear::Reject, Unclear::Reject);
        TimeRules { format, zone, ambiguous, nonexistent, min_us: TIME_MIN, max_us: TIME_MAX }
    }

    fn read(rules: &TimeRules, text: &str) -> Result<String, Reason> {
        TimeReader::new(rules).text(text.as_bytes()).map(format_time)
    }

    #[test]
    fn formats_of_known_data_sets_are_read() {
        for (toml, text, time) in [
            ("format = 'rfc3339'", "2023-01-01T00:00:00Z", "2023-01-01T00:00:00Z"),
            ("format = 'date'", "2003-07-24", "2003-07-24T00:00:00Z"),
            ("format = 'unix-s'", "1497275319", "2017-06-12T13:48:39Z"),
            ("format = 'unix-ms'", "1497275319001", "2017-06-12T13:48:39.001Z"),
            ("format = 'unix-us'", "1497275319000001", "2017-06-12T13:48:39.000001Z"),
            ("format = '%Y/%m/%d %H:%M'", "2022/09/01 00:20", "2022-09-01T00:20:00Z"),
            ("format = '%y%m%d'", "930101", "1993-01-01T00:00:00Z"),
            ("format = '%b %-d, %Y'", "Jul 5, 2012", "2012-07-05T00:00:00Z"),
            ("format = '%b %-d, %Y'", "September 25, 2015", "2015-09-25T00:00:00Z"),
            ("format = '%d.%m.%Y %I:%M:%S.%f %p'", "31.12.2020 12:05:06.25 am", "2020-12-31T00:05:06.25Z"),
            ("format = '%Y%m%dT%H%M%S%z'", "20240102T030405+0130", "2024-01-02T01:34:05Z"),
            ("format = { step = 'hour', base = '2023-01-01' }", "25", "2023-01-02T01:00:00Z"),
            ("format = { step = 'day', base = '2023-01-01' }\nzone = '+02:00'", "1", "2023-01-01T22:00:00Z"),
            ("format = 'date'\nzone = 'Europe/Prague'", "2024-07-01", "2024-06-30T22:00:00Z"),
            (
                "format = 'rfc3339'\nzone = 'Europe/Prague'",
                "2024-07-01T00:00:00+05:00",
                "2024-06-30T19:00:00Z",
            ),
        ] {
            assert_eq!(read(&rules(toml), text).as_deref(), Ok(time), "{toml}");
        }
    }

    #[test]
    fn what_does_not_fit_the_format_is_a_bad_time() {
        for (toml, text) in [
            ("format = 'date'", "2003-07-24T00:00:00Z"),
            ("format = 'date'", "2003-02-30"),
            ("format = 'unix-s'", "12.5"),
            ("format = 'unix-s'", ""),
            ("format = 'unix-s'", "+5"),
            ("format = 'unix-s'", "1e9"),
            ("format = '%Y/%m/%d %H:%M'", "2022/9/01 00:20"),
            ("format = '%Y/%m/%d %H:%M'", "2022/09/01 24:20"),
            ("format = '%Y/%m/%d %H:%M'", "2022/09/01 00:20:00"),
            ("format = '%b %-d, %Y'", "Juli 5, 2012"),
            ("format = '%d.%m.%Y %I:%M %p'", "31.12.2020 13:05 pm"),
        ] {
            assert_eq!(read(&rules(toml), text), Err(Reason::BadTime), "{toml} {text}");
        }
        let seconds = rules("format = 'unix-s'");
        assert_eq!(read(&seconds, "9999999999999999"), Err(Reason::TimeOutOfRange));
        assert_eq!(read(&seconds, "-1"), Err(Reason::TimeOutOfRange));
        assert_eq!(read(&seconds, "7258118400"), Err(Reason::TimeOutOfRange));
    }

    #[test]
    fn clocks_set_forward_and_back_are_seen() {
        let mut rules = rules("format = 'rfc3339'\nzone = 'Europe/Prague'");
        assert_eq!(read(&rules, "2024-03-31T02:30:00"), Err(Reason::NonexistentTime));
        assert_eq!(read(&rules, "2024-10-27T02:30:00"), Err(Reason::AmbiguousTime));
        (rules.ambiguous, rules.nonexistent) = (Unclear::Earlier, Unclear::Earlier);
        assert_eq!(read(&rules, "2024-10-27T02:30:00").as_deref(), Ok("2024-10-27T00:30:00Z"));
        assert_eq!(read(&rules, "2024-03-31T02:30:00").as_deref(), Ok("2024-03-31T00:30:00Z"));
        (rules.ambiguous, rules.nonexistent) = (Unclear::Later, Unclear::Later);
        assert_eq!(read(&rules, "2024-10-27T02:30:00").as_deref(), Ok("2024-10-27T01:30:00Z"));
        assert_eq!(read(&rules, "2024-03-31T02:30:00").as_deref(), Ok("2024-03-31T01:30:00Z"));
    }

    #[test]
    fn mistakes_in_formats_are_explained() {
        for (toml, part) in [
            ("format = 'rfc'", "unknown time format"),
            ("format = '%Y-%m'", "must name year, month and day"),
            ("format = '%Y-%m-%d %Q'", "unknown part %Q"),
            ("format = '%Y-%m-%d %'", "ends in the middle"),
            ("format = '%Y-%m-%d %I'", "belong together"),
            ("format = { step = 'moon', base = '2023-01-01' }", "unknown step"),
            ("format = { step = 'day', base = 'then' }", "no date"),
            ("format = 'date'\nzone = 'Prague'", "unknown time zone"),
        ] {
            let error = toml::from_str::<Both>(toml).err().unwrap().to_string();
            assert!(error.contains(part) && error.contains("line"), "{error}");
        }
    }

    proptest! {
        /// The remembered season gives the same as asking the database for every row.
        #[test]
        fn remembering_a_season_changes_nothing(times in proptest::collection::vec(0i64..4_000_000_000, 1..60)) {
            let rules = rules("format = 'unix-s'\nzone = 'America/New_York'");
            let Zone::Named(zone) = &rules.zone else { panic!("a named zone") };
            let mut reader = TimeReader::new(&rules);
            for seconds in times {
                let civil_us = seconds * SECOND_US;
                let fresh = TimeReader::new(&rules).look_up(zone, civil_us)
                    .and_then(|t| TimeReader::new(&rules).plausible(t));
                prop_assert_eq!(reader.written(Written { civil_us, offset_s: None }), fresh);
            }
        }

        #[test]
        fn patterns_write_and_read_the_same_moment(time in 0i64..4_000_000_000) {
            let rules = rules("format = '%Y/%m/%d %H:%M:%S'");
            let text = format_time(time * SECOND_US).replace('-', "/").replace('T', " ").replace('Z', "");
            prop_assert_eq!(TimeReader::new(&rules).text(text.as_bytes()), Ok(time * SECOND_US));
        }
    }
}
