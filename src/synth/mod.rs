//! Synth: seeded ledgers whose rings are known.
//!
//! [`generate`] writes a ledger of any size in the format of the `ledger` preset, with rings and look-alikes planted in it,
//! and the truth about them. The same options give the same bytes, on every machine.
//!
//! # The ledger
//! Persons, merchants, employers and payment firms keep one account each, in one of four currencies, most in US dollars.
//! They live in communities and households, pay more by day than by night and more on weekdays, and a few pay far
//! more often than the many. Employers pay salaries on paydays. Cash desks and correspondent banks are the world outside:
//! the only accounts without a floor. Nobody else pays more than the balance and an agreed overdraft allow.
//! Households share devices and an address.
//!
//! # The truth
//! Ten [`Typology`]s are planted as rings, and three kinds of [`LookAlike`] are marked `benign`. Ring
//! members are ordinary quiet persons who live on as before; the legs of a ring are labelled `laundering`, the payment
//! that a victim was tricked into `fraud`. A victim's transaction is also in `seeds.csv`, for tracing.
//!
//! # Method
//! Everything is planned from hashes of (seed, question, place), so little is stored; payments are made in the order of
//! time and written at once. Salaries and legs are counted beforehand, and the background fills up to the exact number of rows.
//!
//! # Cost
//! O(transactions + accounts) on one thread; memory under 60 bytes an account and 100 a planted payment.

mod ledger;
mod money;
mod options;
mod payroll;
mod population;
mod rhythm;
mod rows;
mod tables;
mod typologies;
mod weights;

pub use options::{LookAlike, SynthOptions, Typology};

use crate::error::Result;
use crate::run::Run;
use crate::units::time::SECOND_US;
use std::io::Write;

/// Where the files of a ledger go; `docs` of their columns are in `datasets/README.md`.
#[derive(Debug)]
pub struct SynthOutputs<W: Write> {
    /// `transaction,source,destination,time,amount,currency,received_amount,received_currency,device,channel,label`.
    pub transactions: W,
    /// `account,kind,name,country,currency,opened,overdraft`; the overdraft is empty for the world outside.
    pub accounts: W,
    /// `account,currency,amount`: opening balances of all accounts but the world outside.
    pub balances: W,
    /// `account,kind,value,first_seen,last_seen`.
    pub links: W,
    /// `ring,typology,role,account`.
    pub truth_rings: W,
    /// `ring,typology,position,transaction`.
    pub truth_transactions: W,
    /// `case,transaction`.
    pub seeds: W,
}

impl<W: Write> SynthOutputs<W> {
    /// Opens all outputs by their file names: `transactions.csv`, `accounts.csv`, …
    ///
    /// # Errors
    /// What `open` returned.
    pub fn open(mut open: impl FnMut(&'static str) -> Result<W>) -> Result<Self> {
        Ok(SynthOutputs {
            transactions: open("transactions.csv")?,
            accounts: open("accounts.csv")?,
            balances: open("balances.csv")?,
            links: open("links.csv")?,
            truth_rings: open("truth_rings.csv")?,
            truth_transactions: open("truth_transactions.csv")?,
            seeds: open("seeds.csv")?,
        })
    }
}

/// What [`generate`] wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SynthReport {
    /// Rows of the transactions file.
    pub transactions: u64,
    /// Rows of the accounts table.
    pub accounts: u64,
    /// Rows of the links table.
    pub links: u64,
    /// Communities that the accounts live in.
    pub communities: u64,
    /// Planted rings of each typology that was asked for.
    pub rings: Vec<(Typology, u64)>,
    /// Marked look-alikes of each kind.
    pub look_alikes: Vec<(LookAlike, u64)>,
    /// Transactions that belong to rings.
    pub planted_transactions: u64,
    /// Transactions that are salaries, or money that an employer got for them.
    pub payroll_transactions: u64,
    /// The books of each currency.
    pub currencies: Vec<CurrencyTotals>,
    /// First and last moment of the span, in microseconds since 1970 UTC; the last is not part of it.
    pub span_us: [i64; 2],
}

/// The books of one currency over all accounts, the world outside included; in minor units.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct CurrencyTotals {
    /// ISO 4217 code.
    pub currency: &'static str,
    /// Sum of the opening balances.
    pub opening_minor: i128,
    /// Received by conversions into this currency.
    pub converted_in_minor: i128,
    /// Paid into conversions out of this currency.
    pub converted_out_minor: i128,
    /// Paid but not received: fees.
    pub fees_minor: i128,
    /// Sum of the closing balances.
    pub closing_minor: i128,
}

impl CurrencyTotals {
    fn balance(&self) -> bool {
        self.opening_minor + self.converted_in_minor
            == self.closing_minor + self.converted_out_minor + self.fees_minor
    }
}

/// Writes a ledger with planted rings, and the truth about them, to `outputs`.
///
/// The transactions file has exactly `options.transactions` rows, in the order of time; keys are unique.
/// The same options give the same bytes. See the [module](self) for what the ledger holds.
///
/// # Errors
/// [`Error::Option`](crate::Error::Option) if an option is outside its range, or more rings are asked for than the accounts or
/// the transactions can hold, before anything is written; [`Error::Io`](crate::Error::Io) with the file's name;
/// [`Error::Cancelled`](crate::Error::Cancelled) and [`Error::Deadline`](crate::Error::Deadline) from `run`, with partial files left.
///
/// # Examples
/// ```
/// use ringfence::Run;
/// use ringfence::synth::{SynthOptions, SynthOutputs, generate};
///
/// let options = SynthOptions { transactions: 1_000, ..SynthOptions::default() };
/// let mut outputs = SynthOutputs::open(|_| Ok(Vec::new()))?;
/// let report = generate(&options, &mut outputs, &Run::new())?;
/// assert_eq!(report.transactions, 1_000);
/// assert_eq!(outputs.transactions.iter().filter(|byte| **byte == b'\n').count(), 1_001);
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn generate<W: Write>(
    options: &SynthOptions,
    outputs: &mut SynthOutputs<W>,
    run: &Run,
) -> Result<SynthReport> {
    options.check()?;
    run.stage("population", 0);
    let calendar = rhythm::Calendar::new(options.start_us, options.days);
    let mut people = population::Population::new(options, run)?;
    let mut plan = typologies::Plan::new(options, &mut people, &calendar)?;
    let mut payroll = payroll::Payroll::new(options, &people, &calendar);
    payroll.mark(options.num_look_alikes(), &people, &mut plan.rings);
    run.check()?;
    let header = "transaction,source,destination,time,amount,currency,received_amount,received_currency,device,channel,label";
    let payroll_transactions = payroll.rows;
    let rows = rows::Rows::new(&mut outputs.transactions, "transactions.csv", header);
    let ledger = ledger::Ledger::new(options, &people, &plan, &mut payroll, &calendar, rows)?;
    run.stage("transactions", options.transactions);
    let closed = ledger.keep(run)?;
    if closed.rows != options.transactions {
        let (found, asked) = (closed.rows, options.transactions);
        return Err(crate::Error::Unproved(format!("{found} transactions were written, {asked} asked for")));
    }
    let tables = tables::Tables { people: &people, plan: &plan, start_us: options.start_us, closed: &closed };
    let [accounts, links] = tables.write(outputs, run)?;
    let count = |shape| plan.rings.iter().filter(|ring| ring.shape == shape).count() as u64;
    Ok(SynthReport {
        transactions: closed.rows,
        accounts,
        links,
        communities: u64::from(people.num_communities()),
        rings: options
            .typologies
            .iter()
            .map(|typology| (*typology, count(typologies::Shape::Ring(*typology))))
            .collect(),
        look_alikes: LookAlike::ALL
            .iter()
            .map(|kind| (*kind, count(typologies::Shape::Benign(*kind))))
            .collect(),
        planted_transactions: plan.legs.iter().filter(|leg| leg.label != rows::Label::None).count() as u64,
        payroll_transactions,
        currencies: closed.totals,
        span_us: [options.start_us, options.start_us + i64::from(calendar.span_s()) * SECOND_US],
    })
}
