//! Salaries: who works for whom, and on which days they are paid.
//!
//! # Method
//! An employer employs a share of the persons between its own place and the next employer's. On a payday its
//! bank first provides exactly what is due, and later that morning one batch pays everybody. The share is cut down where
//! salaries would take more than a fifth of all rows.

use super::money::{TENDERS, cents, unit_minor};
use super::options::{LookAlike, SynthOptions};
use super::population::{Ask, Kind, Population};
use super::rhythm::{Calendar, PayCycle};
use super::typologies::{Ring, Shape};
use crate::ids::NONE;
use crate::random::{Stream, below};

/// Of 1,000 persons, this many have an employer here, at most.
const EMPLOYED_PER_MILLE: u64 = 600;
/// Fewest employees of a payroll that is marked as a look-alike.
const MARKED_MIN: usize = 8;

/// An employer that pays salaries.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Employer {
    pub place: u32,
    /// First place that is the next employer's.
    end: u32,
    pub cycle: PayCycle,
    /// Ring number of its marked payroll, or [`NONE`].
    pub ring: u32,
}

/// All salaries of the span.
pub(crate) struct Payroll {
    pub employers: Vec<Employer>,
    /// Rows that salaries and their funding take.
    pub rows: u64,
    employed_per_mille: u64,
    stream: Stream,
}

impl Payroll {
    /// Salaries that take at most a fifth of `options.transactions` rows.
    pub fn new(options: &SynthOptions, people: &Population, calendar: &Calendar) -> Payroll {
        let budget = options.transactions / 5;
        let stream = people.streams().of(Ask::Salary);
        let places: Vec<u32> =
            (0..people.num_inner()).filter(|place| people.kind(*place) == Kind::Employer).collect();
        let mut payroll = Payroll { employers: Vec::new(), rows: 0, employed_per_mille: 1000, stream };
        let paydays = |cycle| (0..calendar.days).filter(|day| calendar.pays(cycle, *day)).count() as u64;
        let by_cycle =
            [PayCycle::Monthly, PayCycle::MonthEnd, PayCycle::Biweekly].map(|cycle| (cycle, paydays(cycle)));
        let all: Vec<(Employer, u64)> = places
            .iter()
            .enumerate()
            .map(|(i, place)| {
                let end = places.get(i + 1).copied().unwrap_or(people.num_inner());
                let (cycle, paydays) = match below(stream.at(u64::from(*place)), 100) {
                    0..=59 => by_cycle[0],
                    60..=84 => by_cycle[1],
                    _ => by_cycle[2],
                };
                (Employer { place: *place, end, cycle, ring: NONE }, paydays)
            })
            .collect();
        let wanted: u64 =
            all.iter().map(|(employer, paydays)| u64::from(employer.end - employer.place) * paydays).sum();
        payroll.employed_per_mille = EMPLOYED_PER_MILLE.min(1000 * budget / wanted.max(1));
        for (employer, paydays) in all {
            let rows = paydays * (1 + payroll.employees(people, &employer).count() as u64);
            if rows > paydays && payroll.rows + rows <= budget {
                payroll.rows += rows;
                payroll.employers.push(employer);
            }
        }
        payroll
    }

    /// Marks up to `count` payrolls as look-alikes, spread over the employers.
    pub fn mark(&mut self, count: u32, people: &Population, rings: &mut Vec<Ring>) {
        let eligible: Vec<usize> = (0..self.employers.len())
            .filter(|i| self.employees(people, &self.employers[*i]).nth(MARKED_MIN - 1).is_some())
            .collect();
        let count = eligible.len().min(count as usize);
        for number in 0..count {
            let index = eligible[number * eligible.len() / count];
            let employer = self.employers[index];
            let employees = self.employees(people, &employer).map(|place| ("employee", place));
            let members = std::iter::once(("employer", employer.place)).chain(employees).collect();
            self.employers[index].ring = rings.len() as u32;
            let shape = Shape::Benign(LookAlike::Payroll);
            rings.push(Ring {
                shape,
                number: number as u32 + 1,
                members,
                shares_device: false,
                span_s: [0, 0],
            });
        }
    }

    /// The employees of `employer`.
    pub fn employees<'a>(
        &self,
        people: &'a Population,
        employer: &Employer,
    ) -> impl Iterator<Item = u32> + use<'a> {
        let (stream, share) = (self.stream, self.employed_per_mille);
        (employer.place + 1..employer.end).filter(move |place| {
            people.kind(*place) == Kind::Person && below(stream.at(u64::from(*place)), 1000) < share
        })
    }

    /// What `employee` gets from `employer` on a payday, in minor units of the employer's currency: whole own units.
    pub fn salary(&self, people: &Population, employer: &Employer, employee: u32) -> i64 {
        let currency = people.currency(employer.place);
        let month = cents(self.stream.draws(u64::from(employee)).bits(), 260_000.0, 0.4);
        let cents = if employer.cycle == PayCycle::Biweekly { month / 2 } else { month };
        let minor = super::money::from_cents(cents, currency);
        debug_assert!((currency as usize) < TENDERS.len());
        minor / unit_minor(currency) * unit_minor(currency)
    }

    /// Seconds after midnight at which the employer's bank provides the money, and at which salaries are paid.
    pub fn morning_s(&self, employer: &Employer) -> [u32; 2] {
        let mut draws = self.stream.draws(u64::from(employer.place) + (1 << 40));
        let funded = 5 * 3600 + draws.below(3600) as u32;
        [funded, 7 * 3600 + draws.below(3 * 3600) as u32]
    }
}
