//! The books: payments in the order of time, each within the payer's means.
//!
//! # Method
//! Day by day, hour by hour. The background payments of an hour are chosen one after another; salaries and the legs of
//! rings fall in between at their times. A background payment that the payer cannot afford becomes a smaller one, or money
//! that comes in from the world outside. Conversions use the rate of the day, wires cost a flat fee.
//!
//! Balances hold what an account can spend; money that is on its way through a ring or a payroll never enters them.
//! In the end every currency must balance: opening + converted in = closing + converted out + fees.
//!
//! # Cost
//! O(1) a payment; memory 16 bytes an account. One thread, since every payment depends on the balances before it.

use super::money::{MAIN, Rates, TENDERS, cents, from_cents, unit_minor};
use super::payroll::{Employer, Payroll};
use super::population::{Ask, Kind, Population};
use super::rhythm::{Calendar, HOUR_S, HOURS, spread};
use super::rows::{Channel, Label, Rows};
use super::tables::device_number;
use super::typologies::{Leg, Plan};
use super::{CurrencyTotals, SynthOptions};
use crate::error::{Error, Result};
use crate::ids::NONE;
use crate::random::{Draws, Stream};
use crate::run::Run;
use std::io::Write;
use std::ops::Range;

/// Background payments chosen together, between two looks at the run.
const BATCH: u64 = 256;
const DAY_S: u32 = HOURS * HOUR_S;
/// Digits of a transaction's number.
pub(crate) const TRANSACTION_DIGITS: usize = 10;

/// The device that a payer uses.
#[derive(Clone, Copy, Debug)]
enum Device {
    None,
    /// Its own first (0) or second (1).
    Own(usize),
    /// The one that ring number so-and-so shares.
    Ring(u32),
}

#[derive(Clone, Copy, Debug)]
struct Payment {
    time_s: u32,
    source: u32,
    destination: u32,
    /// Minor units of the source's currency.
    amount: i64,
    channel: Channel,
    label: Label,
    device: Device,
}

/// What is due on a day apart from the background; the order of variants breaks ties of time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// A leg, by its place in the plan.
    Leg(usize),
    /// An employer's money comes in, by the employer's place in the payroll.
    Funding(usize),
    /// Its salaries are paid.
    Salaries(usize),
}

/// A background payment that is chosen but not yet held against the payer's means.
#[derive(Clone, Copy, Debug)]
struct Choice {
    payer: u32,
    source: u32,
    destination: u32,
    channel: Channel,
    median_cents: f64,
    /// What is left to draw: amount and device.
    draws: Draws,
}

/// What the books know at the end.
pub(crate) struct Closed {
    /// Number of the transaction of each leg, by its place in the plan.
    pub leg_transactions: Vec<u64>,
    /// Ring, position and transaction number of the payments of marked payrolls.
    pub marked: Vec<(u32, u32, u64)>,
    /// Second of the last use of each account's first and second device; [`NONE`] = never.
    pub last_use_s: Vec<[u32; 2]>,
    pub totals: Vec<CurrencyTotals>,
    pub rows: u64,
}

/// Opening balance of an inner account without what it brings into rings, in minor units.
pub(crate) fn opening_minor(people: &Population, place: u32) -> i64 {
    let bits = people.streams().of(Ask::Opening).at(u64::from(place));
    let median = if people.kind(place) == Kind::Person { 120_000.0 } else { 2_500_000.0 };
    from_cents(cents(bits, median, 1.0), people.currency(place))
}

pub(crate) struct Ledger<'a, W: Write> {
    people: &'a Population,
    plan: &'a Plan,
    payroll: &'a mut Payroll,
    calendar: &'a Calendar,
    inside_percent: u64,
    /// Rows of the background.
    background: u64,
    background_stream: Stream,
    moment_stream: Stream,
    rows: Rows<W>,
    balances: Vec<i64>,
    rates: Rates,
    /// Date of the current day, as rows begin a time.
    date: String,
    day_start_s: u32,
    closed: Closed,
}

impl<'a, W: Write> Ledger<'a, W> {
    pub fn new(
        options: &SynthOptions,
        people: &'a Population,
        plan: &'a Plan,
        payroll: &'a mut Payroll,
        calendar: &'a Calendar,
        rows: Rows<W>,
    ) -> Result<Self> {
        let planned = plan.legs.len() as u64 + payroll.rows;
        if planned * 2 > options.transactions {
            return Err(Error::Option {
                name: "rings",
                value: options.num_rings().to_string(),
                allowed: "so few that rings and salaries take at most half of the transactions",
            });
        }
        let mut totals: Vec<CurrencyTotals> = TENDERS
            .iter()
            .map(|tender| CurrencyTotals { currency: tender.code, ..CurrencyTotals::default() })
            .collect();
        let mut balances = vec![0; people.len() as usize];
        for place in 0..people.num_inner() {
            balances[place as usize] = opening_minor(people, place);
            totals[people.currency(place) as usize].opening_minor += i128::from(balances[place as usize]);
        }
        for (place, amount) in &plan.own {
            totals[people.currency(*place) as usize].opening_minor += i128::from(*amount);
        }
        let closed = Closed {
            leg_transactions: vec![0; plan.legs.len()],
            marked: Vec::new(),
            last_use_s: vec![[NONE; 2]; people.num_inner() as usize],
            totals,
            rows: 0,
        };
        Ok(Ledger {
            people,
            plan,
            payroll,
            calendar,
            inside_percent: u64::from(options.inside_percent),
            background: options.transactions - planned,
            background_stream: people.streams().of(Ask::Background),
            moment_stream: people.streams().of(Ask::Moment),
            rows,
            balances,
            rates: Rates::of_day(people.streams().of(Ask::Rates), 0),
            date: String::new(),
            day_start_s: 0,
            closed,
        })
    }

    /// Writes all rows and closes the books.
    pub fn keep(mut self, run: &Run) -> Result<Closed> {
        let mut due = Vec::new();
        let mut next_leg = 0;
        for day in 0..self.calendar.days {
            self.begin_day(day);
            due.clear();
            while let Some(leg) =
                self.plan.legs.get(next_leg).filter(|leg| leg.time_s < self.day_start_s + DAY_S)
            {
                due.push((leg.time_s, Due::Leg(next_leg)));
                next_leg += 1;
            }
            for (i, employer) in self.payroll.employers.iter().enumerate() {
                if self.calendar.pays(employer.cycle, day) {
                    let [funded, paid] = self.payroll.morning_s(employer);
                    due.push((self.day_start_s + funded, Due::Funding(i)));
                    due.push((self.day_start_s + paid, Due::Salaries(i)));
                }
            }
            due.sort_unstable();
            self.keep_day(day, &due, run)?;
        }
        self.close()
    }

    fn begin_day(&mut self, day: u32) {
        let (year, month, date) = self.calendar.date(day);
        self.date = format!("{year:04}-{month:02}-{date:02}T");
        self.day_start_s = day * DAY_S;
        self.rates = Rates::of_day(self.people.streams().of(Ask::Rates), u64::from(day));
    }

    fn keep_day(&mut self, day: u32, due: &[(u32, Due)], run: &Run) -> Result<()> {
        let mut due = due.iter().peekable();
        let mut choices = Vec::with_capacity(BATCH as usize);
        for hour in day * HOURS..(day + 1) * HOURS {
            let from = self.calendar.before(hour, self.background);
            let count = self.calendar.before(hour + 1, self.background) - from;
            for first in (0..count).step_by(BATCH as usize) {
                run.check()?;
                self.choose(from + first..from + (first + BATCH).min(count), &mut choices);
                for (place, choice) in (first..).zip(&choices) {
                    let time_s = hour * HOUR_S + spread(place, count, self.moment_stream.at(from + place));
                    while let Some((time_s, what)) = due.next_if(|(due_s, _)| *due_s <= time_s) {
                        self.settle(*time_s, *what)?;
                    }
                    self.background(choice, time_s)?;
                }
            }
            while let Some((time_s, what)) = due.next_if(|(due_s, _)| *due_s < (hour + 1) * HOUR_S) {
                self.settle(*time_s, *what)?;
            }
        }
        run.check()?;
        run.advance(self.rows.count - self.closed.rows);
        self.closed.rows = self.rows.count;
        Ok(())
    }

    fn settle(&mut self, time_s: u32, due: Due) -> Result<()> {
        match due {
            Due::Leg(index) => {
                let leg = self.plan.legs[index];
                self.closed.leg_transactions[index] = self.leg(&leg)?;
                Ok(())
            }
            Due::Funding(index) => self.fund(time_s, self.payroll.employers[index]),
            Due::Salaries(index) => self.pay_salaries(time_s, index),
        }
    }

    fn leg(&mut self, leg: &Leg) -> Result<u64> {
        let ring = &self.plan.rings[leg.ring as usize];
        let device = match leg.label {
            _ if leg.channel == Channel::Cash => Device::None,
            Label::Laundering if ring.shares_device => Device::Ring(leg.ring),
            _ => Device::Own(0),
        };
        let payment = Payment {
            time_s: leg.time_s,
            source: leg.source,
            destination: leg.destination,
            amount: leg.amount,
            channel: leg.channel,
            label: leg.label,
            device,
        };
        self.book(&payment, leg.amount, leg.carried)
    }

    fn fund(&mut self, time_s: u32, employer: Employer) -> Result<()> {
        let currency = self.people.currency(employer.place);
        let due = self.payroll.employees(self.people, &employer);
        let amount = due.map(|employee| self.payroll.salary(self.people, &employer, employee)).sum();
        let payment = Payment {
            time_s,
            source: self.people.outside(Kind::Bank, currency, employer.place),
            destination: employer.place,
            amount,
            channel: Channel::Transfer,
            label: Label::None,
            device: Device::None,
        };
        self.book(&payment, 0, amount).map(drop)
    }

    fn pay_salaries(&mut self, time_s: u32, index: usize) -> Result<()> {
        let employer = self.payroll.employers[index];
        // A marked payroll is recorded once.
        let marked = std::mem::replace(&mut self.payroll.employers[index].ring, NONE);
        for (position, employee) in self.payroll.employees(self.people, &employer).enumerate() {
            let payment = Payment {
                time_s,
                source: employer.place,
                destination: employee,
                amount: self.payroll.salary(self.people, &employer, employee),
                channel: Channel::Payroll,
                label: Label::None,
                device: Device::Own(0),
            };
            let transaction = self.book(&payment, payment.amount, 0)?;
            if marked != NONE {
                self.closed.marked.push((marked, position as u32, transaction));
            }
        }
        Ok(())
    }

    /// Chooses who pays whom in a batch of the background; balances play no part in it.
    ///
    /// Each step goes over the whole batch before the next, so that the memory fetches many accounts at once; one payment
    /// after the other takes more than twice the time in a ledger of a million accounts.
    fn choose(&self, batch: Range<u64>, choices: &mut Vec<Choice>) {
        choices.clear();
        choices.extend(batch.map(|index| {
            let mut draws = self.background_stream.draws(index);
            let payer = self.people.payer(draws.bits());
            let (channel, median_cents) = (Channel::Transfer, 0.0);
            Choice { payer, source: payer, destination: payer, channel, median_cents, draws }
        }));
        for choice in choices.iter_mut() {
            self.choose_partner(choice);
        }
        let sum = choices.iter().fold(0, |sum: i64, choice| {
            let ends = [choice.source, choice.destination].map(|place| self.balances[place as usize]);
            sum.wrapping_add(ends[0]).wrapping_add(ends[1])
        });
        std::hint::black_box(sum);
    }

    /// Chooses what the payer does, and with whom.
    fn choose_partner(&self, choice: &mut Choice) {
        let (people, payer) = (self.people, choice.payer);
        let currency = people.currency(payer);
        let person = people.kind(payer) == Kind::Person;
        // (cash out, cash in, wire in, wire out) as running percentages; the rest pays another account.
        let turns = if person { [9, 13, 17, 20] } else { [0, 0, 18, 30] };
        let roll = choice.draws.below(100);
        let turn = turns.iter().position(|limit| roll < *limit);
        let near = |kind| people.outside(kind, currency, payer);
        let (source, destination, channel, median_cents) = match turn {
            Some(0) => (payer, near(Kind::Cash), Channel::Cash, 8_000.0),
            Some(1) => (near(Kind::Cash), payer, Channel::Cash, 15_000.0),
            Some(2) => {
                (near(Kind::Bank), payer, Channel::Transfer, if person { 40_000.0 } else { 300_000.0 })
            }
            Some(_) => {
                let draws = &mut choice.draws;
                let abroad =
                    if draws.chance(15) { draws.below(TENDERS.len() as u64) as u8 } else { currency };
                let bank = people.outside(Kind::Bank, abroad, payer);
                (payer, bank, Channel::Wire, if person { 90_000.0 } else { 200_000.0 })
            }
            None => {
                let payee = self.payee(payer, &mut choice.draws);
                match people.kind(payee) {
                    Kind::Merchant if person => (payer, payee, Channel::Card, 3_200.0),
                    _ => (payer, payee, Channel::Transfer, if person { 9_000.0 } else { 45_000.0 }),
                }
            }
        };
        *choice = Choice { source, destination, channel, median_cents, ..*choice };
    }

    /// Books one payment of ordinary life.
    fn background(&mut self, choice: &Choice, time_s: u32) -> Result<()> {
        let &Choice { payer, source, destination, channel, median_cents, mut draws } = choice;
        let currency = self.people.currency(source);
        let amount = round(
            from_cents(cents(draws.bits(), median_cents, 1.1), currency),
            currency,
            channel,
            &mut draws,
        );
        let device = match channel {
            Channel::Cash => Device::None,
            _ if source != payer => Device::None,
            _ => Device::Own(usize::from(draws.chance(25) && self.people.second_device(payer).is_some())),
        };
        let payment = Payment { time_s, source, destination, amount, channel, label: Label::None, device };
        let payment = if source == payer { self.within_means(payment) } else { payment };
        self.book(&payment, 0, 0).map(drop)
    }

    /// Whom `payer` pays: in its community or anywhere, its own currency preferred.
    fn payee(&self, payer: u32, draws: &mut Draws) -> u32 {
        let people = self.people;
        let mut payee = payer;
        for _ in 0..2 {
            let inside = draws.chance(self.inside_percent);
            let bits = draws.bits();
            payee = if inside { people.neighbour(payer, bits) } else { people.payee(bits) };
            if payee != payer && people.currency(payee) == people.currency(payer) {
                return payee;
            }
        }
        let (from, to) = people.community_of(payer);
        match payee == payer {
            true if payer + 1 < to => payer + 1,
            true => from,
            false => payee,
        }
    }

    /// The payment as the payer can afford it: smaller, or money from outside instead.
    fn within_means(&self, payment: Payment) -> Payment {
        let payer = payment.source;
        let currency = self.people.currency(payer);
        let means = self.balances[payer as usize] + self.people.overdraft_minor(payer);
        if payment.amount <= means {
            return payment;
        }
        if means / 2 >= 500 * unit_minor(currency) / 100 && means >= payment.amount / 4 {
            return Payment { amount: means / 2, ..payment };
        }
        Payment {
            source: self.people.outside(Kind::Bank, currency, payer),
            destination: payer,
            amount: payment.amount.saturating_mul(4),
            channel: Channel::Transfer,
            device: Device::None,
            ..payment
        }
    }

    /// Books a payment, of which `earmarked` is not taken from the source's balance and `carried` not added to the destination's;
    /// writes its row and returns its number.
    fn book(&mut self, payment: &Payment, earmarked: i64, carried: i64) -> Result<u64> {
        let (from, to) = (self.people.currency(payment.source), self.people.currency(payment.destination));
        let received = if from != to {
            let received = self.rates.convert(payment.amount, from, to);
            self.closed.totals[from as usize].converted_out_minor += i128::from(payment.amount);
            self.closed.totals[to as usize].converted_in_minor += i128::from(received);
            received
        } else {
            let fee = TENDERS[from as usize].wire_fee_minor;
            let charged = payment.channel == Channel::Wire && payment.amount >= 4 * fee;
            let fee = if charged { fee } else { 0 };
            self.closed.totals[from as usize].fees_minor += i128::from(fee);
            payment.amount - fee
        };
        self.balances[payment.source as usize] -= payment.amount - earmarked;
        self.balances[payment.destination as usize] += received - carried;
        self.write(payment, received)
    }

    fn write(&mut self, payment: &Payment, received: i64) -> Result<u64> {
        let people = self.people;
        let number = self.rows.count + 1;
        let (from, to) = (people.currency(payment.source), people.currency(payment.destination));
        let rows = &mut self.rows;
        rows.text("T").number(number, TRANSACTION_DIGITS).comma();
        rows.account(people, payment.source).comma().account(people, payment.destination).comma();
        rows.moment(&self.date, payment.time_s - self.day_start_s).comma();
        rows.amount(payment.amount, from).comma().text(TENDERS[from as usize].code).comma();
        rows.amount(received, to).comma().text(TENDERS[to as usize].code).comma();
        let device = match payment.device {
            Device::None => None,
            Device::Own(slot) => {
                self.closed.last_use_s[payment.source as usize][slot] = payment.time_s;
                Some(device_number(people, self.plan, payment.source, slot))
            }
            Device::Ring(ring) => Some(super::tables::ring_device_number(people, ring)),
        };
        if let Some((number, width)) = device {
            rows.text("D").number(number, width);
        }
        rows.comma().text(payment.channel.name()).comma().text(payment.label.name());
        rows.end()?;
        Ok(number)
    }

    fn close(mut self) -> Result<Closed> {
        self.closed.rows = self.rows.finish()?;
        for (place, balance) in self.balances.iter().enumerate() {
            self.closed.totals[self.people.currency(place as u32) as usize].closing_minor +=
                i128::from(*balance);
        }
        if let Some(wrong) = self.closed.totals.iter().find(|totals| !totals.balance()) {
            return Err(Error::Unproved(format!("the invented ledger does not balance: {wrong:?}")));
        }
        Ok(self.closed)
    }
}

/// Cash is counted in notes of twenty; four in ten transfers between persons are round.
fn round(amount: i64, currency: u8, channel: Channel, draws: &mut Draws) -> i64 {
    let unit = if TENDERS[currency as usize].exponent == 0 { 100 } else { unit_minor(currency) };
    let step = match channel {
        Channel::Cash => 20 * unit,
        Channel::Transfer if draws.chance(40) => 5 * unit,
        _ => return amount,
    };
    (amount / step * step).max(step)
}

const _: () = assert!(MAIN == 0, "the first tender is the main one");
