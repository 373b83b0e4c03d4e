//! Time partitions: which segment a transaction belongs to, by its time in UTC.

use super::manifest::Partition;
use crate::units::Window;

const DAY_US: i64 = 86_400_000_000;

/// One partition: its name, as in file names and manifests, and the time it covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// `2024-05`, `2024-W18`, `2024` or `all`.
    pub name: String,
    /// The time covered.
    pub window: Window,
}

impl Partition {
    /// The partition that `time_us` falls into.
    pub fn span(self, time_us: i64) -> Span {
        let days = time_us.div_euclid(DAY_US);
        let (year, month) = year_and_month(days);
        match self {
            Partition::None => Span { name: "all".into(), window: Window::ALL },
            Partition::Year => {
                Span { name: format!("{year:04}"), window: window(first_of(year, 1), first_of(year + 1, 1)) }
            }
            Partition::Month => {
                let next = if month == 12 { first_of(year + 1, 1) } else { first_of(year, month + 1) };
                Span { name: format!("{year:04}-{month:02}"), window: window(first_of(year, month), next) }
            }
            Partition::Week => {
                // Day 0 was a Thursday; an ISO week belongs to the year of its Thursday.
                let monday = days - (days + 3).rem_euclid(7);
                let (iso_year, _) = year_and_month(monday + 3);
                let week = (monday + 3 - first_of(iso_year, 1)) / 7 + 1;
                Span { name: format!("{iso_year:04}-W{week:02}"), window: window(monday, monday + 7) }
            }
        }
    }
}

fn window(from_day: i64, to_day: i64) -> Window {
    Window { from: from_day.saturating_mul(DAY_US), to: to_day.saturating_mul(DAY_US) }
}

/// Days from 1970-01-01 to the first of a month (proleptic Gregorian calendar).
fn first_of(year: i64, month: i64) -> i64 {
    // Years counted from March, so that the leap day is the last of its year.
    let shifted = year - i64::from(month <= 2);
    let era = shifted.div_euclid(400);
    let year_of_era = shifted.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468
}

/// Year and month of a day counted from 1970-01-01.
fn year_and_month(days: i64) -> (i64, i64) {
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month = (5 * day_of_year + 2) / 153;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year_of_era + i64::from(month <= 2), month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_agree_with_the_calendar_library() {
        let mut day = -30_000;
        while day < 90_000 {
            let date = jiff::civil::date(1970, 1, 1) + jiff::Span::new().days(day);
            let time = day * DAY_US + 12_345;
            assert_eq!(Partition::Year.span(time).name, format!("{:04}", date.year()));
            assert_eq!(Partition::Month.span(time).name, format!("{:04}-{:02}", date.year(), date.month()));
            let iso = date.iso_week_date();
            assert_eq!(Partition::Week.span(time).name, format!("{:04}-W{:02}", iso.year(), iso.week()));
            for partition in [Partition::Week, Partition::Month, Partition::Year, Partition::None] {
                let span = partition.span(time);
                assert!(span.window.contains(time));
                if partition != Partition::None {
                    assert_eq!(partition.span(span.window.from), span);
                    assert_eq!(partition.span(span.window.to - 1), span);
                    assert_ne!(partition.span(span.window.to), span);
                }
            }
            day += 13;
        }
    }
}
