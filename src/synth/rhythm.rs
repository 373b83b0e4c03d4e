//! When people pay: hours, weekdays and paydays.
//!
//! # Method
//! Every hour of the span has a weight, hour of day times weekday. The background payments are dealt out to the
//! hours by the running share of the weights, so their number is exact, and within an hour they are spread
//! evenly with a little noise, which keeps them in order without sorting.

use crate::random::below;
use crate::units::time::{DAY_US, civil_from_days};

/// Seconds of an hour.
pub(crate) const HOUR_S: u32 = 3600;
/// Hours of a day.
pub(crate) const HOURS: u32 = 24;

/// Weight of each hour of the day: quiet at night, peaks before noon and in the early evening.
const HOUR_WEIGHT: [u64; 24] =
    [12, 8, 6, 5, 6, 10, 22, 45, 72, 92, 104, 108, 102, 92, 84, 84, 90, 100, 106, 98, 78, 54, 34, 20];
/// Weight of each weekday, Monday first.
const WEEKDAY_WEIGHT: [u64; 7] = [98, 95, 97, 102, 112, 82, 60];

/// When an employer pays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum PayCycle {
    /// On the 25th, or the Friday before when that is a weekend.
    Monthly,
    /// On the last weekday of the month.
    MonthEnd,
    /// Every other Friday.
    Biweekly,
}

/// The days of the span and the weights of their hours.
pub(crate) struct Calendar {
    /// Days from 1970-01-01 to the first day.
    first_day: i64,
    /// Number of days.
    pub days: u32,
    /// Running sum of the weights of all hours, from 0.
    cumulative: Vec<u64>,
}

impl Calendar {
    /// The calendar of `days` days from the midnight `start_us`.
    pub fn new(start_us: i64, days: u32) -> Self {
        let first_day = start_us.div_euclid(DAY_US);
        let mut cumulative = Vec::with_capacity((days * HOURS) as usize + 1);
        let mut sum = 0;
        cumulative.push(0);
        for day in 0..days {
            for hour in HOUR_WEIGHT {
                sum += hour * WEEKDAY_WEIGHT[weekday(first_day + i64::from(day))];
                cumulative.push(sum);
            }
        }
        Calendar { first_day, days, cumulative }
    }

    /// Seconds of the whole span.
    pub fn span_s(&self) -> u32 {
        self.days * HOURS * HOUR_S
    }

    /// How many of `total` payments come before hour `hour` of the span.
    pub fn before(&self, hour: u32, total: u64) -> u64 {
        let all = self.cumulative[self.cumulative.len() - 1];
        (u128::from(total) * u128::from(self.cumulative[hour as usize]) / u128::from(all)) as u64
    }

    /// Year, month and day of day `day` of the span.
    pub fn date(&self, day: u32) -> (i64, u32, u32) {
        civil_from_days(self.first_day + i64::from(day))
    }

    /// Whether `cycle` pays on day `day` of the span.
    pub fn pays(&self, cycle: PayCycle, day: u32) -> bool {
        const FRIDAY: usize = 4;
        let count = self.first_day + i64::from(day);
        let (weekday, of_month) = (weekday(count), |ahead: i64| civil_from_days(count + ahead).2);
        match cycle {
            PayCycle::Monthly if weekday == FRIDAY => (23..=25).contains(&of_month(0)),
            PayCycle::Monthly => weekday < FRIDAY && of_month(0) == 25,
            PayCycle::MonthEnd if weekday == FRIDAY => (1..=3).any(|ahead| of_month(ahead) == 1),
            PayCycle::MonthEnd => weekday < FRIDAY && of_month(1) == 1,
            PayCycle::Biweekly => weekday == FRIDAY && (count / 7) % 2 == 0,
        }
    }
}

/// Second within an hour of payment `place` of `count`, with noise from `bits`; never earlier than that of the payment before.
#[inline]
pub(crate) fn spread(place: u64, count: u64, bits: u64) -> u32 {
    let step = u128::from(place) << 32 | u128::from(below(bits, 1 << 32));
    (step * u128::from(HOUR_S) / (u128::from(count) << 32)) as u32
}

/// Weekday of a day count from 1970-01-01, a Thursday: 0 = Monday.
fn weekday(days: i64) -> usize {
    (days + 3).rem_euclid(7) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    /// 2024-01-01, a Monday.
    const MONDAY: i64 = 19_723;

    fn year() -> Calendar {
        Calendar::new(MONDAY * DAY_US, 366)
    }

    fn paydays(cycle: PayCycle) -> Vec<(u32, u32)> {
        let year = year();
        (0..366)
            .filter(|day| year.pays(cycle, *day))
            .map(|day| (year.date(day).1, year.date(day).2))
            .collect()
    }

    #[test]
    fn paydays_of_2024_are_those_of_the_calendar() {
        let monthly = [
            (1, 25),
            (2, 23),
            (3, 25),
            (4, 25),
            (5, 24),
            (6, 25),
            (7, 25),
            (8, 23),
            (9, 25),
            (10, 25),
            (11, 25),
            (12, 25),
        ];
        assert_eq!(paydays(PayCycle::Monthly), monthly);
        let month_end = [
            (1, 31),
            (2, 29),
            (3, 29),
            (4, 30),
            (5, 31),
            (6, 28),
            (7, 31),
            (8, 30),
            (9, 30),
            (10, 31),
            (11, 29),
            (12, 31),
        ];
        assert_eq!(paydays(PayCycle::MonthEnd), month_end);
        assert_eq!(paydays(PayCycle::Biweekly).len(), 26);
    }

    #[test]
    fn every_payment_gets_exactly_one_hour() {
        let year = year();
        for total in [0, 1, 1000, 123_456_789] {
            let hours = 366 * HOURS;
            assert_eq!((year.before(0, total), year.before(hours, total)), (0, total));
            assert!((0..hours).all(|hour| year.before(hour, total) <= year.before(hour + 1, total)));
        }
    }

    #[test]
    fn payments_of_an_hour_stay_in_it_and_in_order() {
        for count in [1, 2, 59, 3600, 100_000] {
            let seconds: Vec<u32> = (0..count).map(|i| spread(i, count, crate::random::mix(i))).collect();
            assert!(seconds.is_sorted());
            assert!(seconds.iter().all(|second| *second < HOUR_S));
        }
    }
}
