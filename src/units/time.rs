//! Times at the edges: RFC 3339 text to microseconds since 1970 UTC and back.
//!
//! # Method
//! Fixed positions, checked digits, and the day count of the proleptic Gregorian
//! calendar in closed form (400-year cycles of 146,097 days, years that begin in
//! March). No tables, no allocation; about 10 ns a time.
//!
//! # Choices
//! A fraction finer than a microsecond is cut off (towards the past), which never
//! changes the order of two times. A leap second (`:60`) has no place in POSIX
//! time and is refused.
//!
//! # Source
//! RFC 3339; H. Hinnant, "chrono-compatible low-level date algorithms".

/// Earliest time accepted by default: 1970-01-01T00:00:00Z.
pub const TIME_MIN: i64 = 0;
/// First time no longer accepted by default: 2200-01-01T00:00:00Z.
pub const TIME_MAX: i64 = 7_258_118_400_000_000;
/// Microseconds of a second.
pub const SECOND_US: i64 = 1_000_000;
/// Microseconds of a day.
pub const DAY_US: i64 = 86_400 * SECOND_US;

/// A date and time as written, before it is known which moment that is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Written {
    /// Microseconds since 1970-01-01T00:00:00 on the clock that wrote it.
    pub civil_us: i64,
    /// How far that clock is ahead of UTC, in seconds, where the text says so.
    pub offset_s: Option<i32>,
}

/// Days from 1970-01-01 to a date, or `None` if there is no such date.
#[inline]
pub fn days_from_civil(year: i32, month: u32, day: u32) -> Option<i32> {
    if !(1..=12).contains(&month) || day < 1 || day > days_in_month(year, month) {
        return None;
    }
    let year = year - i32::from(month <= 2);
    let era = year.div_euclid(400);
    let of_era = year.rem_euclid(400);
    let of_year = (153 * ((month as i32 + 9) % 12) + 2) / 5 + day as i32 - 1;
    Some(era * 146_097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719_468)
}

/// Year, month and day of a day count from 1970-01-01.
pub fn civil_from_days(days: i64) -> (i64, u32, u32) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let of_era = shifted.rem_euclid(146_097);
    let year_of_era = (of_era - of_era / 1460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = (of_year - (153 * from_march + 2) / 5 + 1) as u32;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 } as u32;
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

#[inline]
fn days_in_month(year: i32, month: u32) -> u32 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Microseconds of a date and time of day on its own clock, or `None` if there is no such one.
#[inline]
pub fn civil_us(
    year: i32,
    month: u32,
    day: u32,
    hour: u32,
    minute: u32,
    second: u32,
    micros: u32,
) -> Option<i64> {
    if hour > 23 || minute > 59 || second > 59 || micros > 999_999 {
        return None;
    }
    let days = i64::from(days_from_civil(year, month, day)?);
    Some((days * 86_400 + i64::from(hour * 3600 + minute * 60 + second)) * SECOND_US + i64::from(micros))
}

/// Reads `N` digits at `at`.
#[inline]
fn digits<const N: usize>(text: &[u8], at: usize) -> Option<u32> {
    text.get(at..at + N)?.iter().try_fold(0, |value, byte| {
        let digit = byte.wrapping_sub(b'0');
        (digit <= 9).then(|| value * 10 + u32::from(digit))
    })
}

/// Reads RFC 3339: a date (`2024-05-01`), or a date and time with or without fraction and offset.
///
/// `T` may be `t` or one blank and `Z` may be `z`, as the standard allows.
#[inline]
pub fn parse_written(text: &[u8]) -> Option<Written> {
    if text.len() < 10 || text[4] != b'-' || text[7] != b'-' {
        return None;
    }
    let (year, month, day) = (digits::<4>(text, 0)? as i32, digits::<2>(text, 5)?, digits::<2>(text, 8)?);
    if text.len() == 10 {
        return Some(Written { civil_us: civil_us(year, month, day, 0, 0, 0, 0)?, offset_s: None });
    }
    if text.len() < 19 || !matches!(text[10], b'T' | b't' | b' ') || text[13] != b':' || text[16] != b':' {
        return None;
    }
    let (hour, minute, second) = (digits::<2>(text, 11)?, digits::<2>(text, 14)?, digits::<2>(text, 17)?);
    let mut rest = &text[19..];
    let mut micros = 0;
    if let [b'.', fraction @ ..] = rest {
        let len = fraction.iter().take_while(|b| b.is_ascii_digit()).count();
        if len == 0 {
            return None;
        }
        micros = parse_micros(&fraction[..len]);
        rest = &fraction[len..];
    }
    let offset_s = match rest {
        [] => None,
        [b'Z' | b'z'] => Some(0),
        [sign @ (b'+' | b'-'), clock @ ..] if clock.len() == 5 && clock[2] == b':' => {
            let (hours, minutes) = (digits::<2>(clock, 0)?, digits::<2>(clock, 3)?);
            if hours > 23 || minutes > 59 {
                return None;
            }
            let seconds = (hours * 3600 + minutes * 60) as i32;
            Some(if *sign == b'-' { -seconds } else { seconds })
        }
        _ => return None,
    };
    Some(Written { civil_us: civil_us(year, month, day, hour, minute, second, micros)?, offset_s })
}

/// The microseconds that the digits behind a decimal point of seconds stand for; finer digits are cut off.
pub fn parse_micros(fraction: &[u8]) -> u32 {
    (0..6).fold(0, |value, i| value * 10 + fraction.get(i).map_or(0, |b| u32::from(b - b'0')))
}

/// Parses a time given on a command line or in a seeds file: RFC 3339 with or
/// without fraction (`2024-05-01T12:00:00Z`, `2024-05-01T12:00:00.25+02:00`), a date
/// and time without offset (UTC), or a date alone (midnight UTC).
pub fn parse_time(text: &str) -> Option<i64> {
    let written = parse_written(text.as_bytes())?;
    Some(written.civil_us - i64::from(written.offset_s.unwrap_or(0)) * SECOND_US)
}

/// Writes a time as RFC 3339 in UTC, with a fraction only where there is one: `2024-05-01T12:00:00Z`.
///
/// Years outside 0–9999, which RFC 3339 does not have, get a sign and six digits.
pub fn format_time(time_us: i64) -> String {
    let (year, month, day) = civil_from_days(time_us.div_euclid(DAY_US));
    let of_day = time_us.rem_euclid(DAY_US);
    let (seconds, micros) = (of_day / SECOND_US, of_day % SECOND_US);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    let year = if (0..=9999).contains(&year) { format!("{year:04}") } else { format!("{year:+07}") };
    let mut text = format!("{year}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}");
    if micros != 0 {
        let fraction = format!("{micros:06}");
        text.push('.');
        text.push_str(fraction.trim_end_matches('0'));
    }
    text.push('Z');
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn times_are_read_and_written() {
        for (text, time, written) in [
            ("1970-01-01", 0, "1970-01-01T00:00:00Z"),
            ("2200-01-01", TIME_MAX, "2200-01-01T00:00:00Z"),
            ("2024-05-01T12:00:00Z", 1_714_564_800_000_000, "2024-05-01T12:00:00Z"),
            ("2024-05-01t12:00:00z", 1_714_564_800_000_000, "2024-05-01T12:00:00Z"),
            ("2024-05-01 12:00:00", 1_714_564_800_000_000, "2024-05-01T12:00:00Z"),
            ("2024-05-01T12:00:00.25+02:00", 1_714_557_600_250_000, "2024-05-01T10:00:00.25Z"),
            ("2024-05-01T12:00:00.123456999-00:30", 1_714_566_600_123_456, "2024-05-01T12:30:00.123456Z"),
            ("1969-12-31T23:59:59.5Z", -500_000, "1969-12-31T23:59:59.5Z"),
            ("2024-02-29", 1_709_164_800_000_000, "2024-02-29T00:00:00Z"),
            ("0000-01-01", -62_167_219_200_000_000, "0000-01-01T00:00:00Z"),
        ] {
            assert_eq!(parse_time(text), Some(time), "{text}");
            assert_eq!(format_time(time), written);
        }
    }

    #[test]
    fn what_is_no_time_is_refused() {
        for text in [
            "",
            "2024",
            "2023-02-29",
            "2024-13-01",
            "2024-00-01",
            "2024-01-00",
            "2024-05-01T",
            "2024-05-01T24:00:00Z",
            "2024-05-01T12:60:00Z",
            "2024-05-01T12:00:60Z",
            "2024-05-01T12:00Z",
            "2024-05-01T12:00:00.Z",
            "2024-05-01T12:00:00+0200",
            "2024-05-01T12:00:00+24:00",
            "2024-05-01T12:00:00 Z",
            "2024-05-01T12:00:00Zx",
            "2024/05/01",
            "24-05-01",
            "+024-05-01",
            " 2024-05-01",
            "2024-05-01 ",
        ] {
            assert_eq!(parse_time(text), None, "{text}");
        }
    }

    #[test]
    fn far_times_are_written_without_a_panic() {
        assert_eq!(format_time(i64::MIN), "-290308-12-21T19:59:05.224192Z");
        assert_eq!(format_time(i64::MAX), "+294247-01-10T04:00:54.775807Z");
    }

    #[test]
    fn every_day_of_eight_centuries_follows_the_one_before() {
        let (mut year, mut month, mut day) = (1600, 1, 1);
        let first = days_from_civil(1600, 1, 1).unwrap();
        for days in first..first + 2 * 146_097 {
            assert_eq!(days_from_civil(year, month, day), Some(days));
            assert_eq!(civil_from_days(i64::from(days)), (i64::from(year), month, day));
            day += 1;
            if day > days_in_month(year, month) {
                (month, day) = (month + 1, 1);
            }
            if month > 12 {
                (year, month) = (year + 1, 1);
            }
        }
        assert_eq!((year, month, day), (2400, 1, 1));
    }

    proptest! {
        #[test]
        fn times_agree_with_an_independent_calendar(time in -62_135_596_800_000_000i64..253_402_207_200_000_000) {
            let timestamp = jiff::Timestamp::from_microsecond(time).unwrap();
            let text = format_time(time);
            prop_assert_eq!(&text, &timestamp.to_string());
            prop_assert_eq!(parse_time(&text), Some(time));
        }

        #[test]
        fn offsets_move_the_moment(time in 0i64..4_000_000_000, hours in 0i64..24, minutes in 0i64..60, west: bool) {
            let offset = (hours * 3600 + minutes * 60) * if west { -1 } else { 1 };
            let clock = format_time((time + offset) * SECOND_US);
            let sign = if west { '-' } else { '+' };
            let text = format!("{}{sign}{hours:02}:{minutes:02}", clock.trim_end_matches('Z'));
            prop_assert_eq!(parse_time(&text), Some(time * SECOND_US));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text: Vec<u8>) {
            let _ = parse_written(&text);
        }
    }
}
