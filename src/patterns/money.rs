//! What transfers carry, ready to be compared.

use crate::error::{Error, Result};
use crate::graph::rates::Rates;
use crate::graph::view::Part;
use crate::graph::{Transaction, View};
use crate::run::Run;
use crate::store::column::Codes;
use rayon::prelude::*;

/// Transactions that one task reads.
const ROWS_PER_TASK: usize = 1 << 16;

/// An amount that counts as money of one currency: two of them can be compared if their currencies are equal.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Money {
    /// Minor units; with rates, units of value: 10⁻⁴ minor units of the base currency.
    pub amount: i64,
    /// Currency of the graph; with rates always the base.
    pub currency: u16,
}

/// Amounts by place.
#[derive(Clone, Debug)]
pub(super) struct Amounts {
    paid: Vec<i64>,
    /// What arrives, where a transfer converts; else what is paid.
    received: Option<Vec<i64>>,
    paid_currency: Currencies,
    received_currency: Option<Currencies>,
}

/// Currencies by place.
#[derive(Clone, Debug)]
enum Currencies {
    One(u16),
    Each(Vec<u16>),
}

impl Currencies {
    #[inline]
    fn get(&self, place: u32) -> u16 {
        match self {
            Currencies::One(currency) => *currency,
            Currencies::Each(currencies) => currencies[place as usize],
        }
    }

    /// The codes of all parts.
    fn read<'g>(view: &View<'g>, codes: impl Fn(&Part<'g>) -> &'g Codes<u16>) -> Result<Self> {
        let mut constants = view.parts().iter().map(|part| codes(part).constant());
        let first = constants.next().unwrap_or(Some(0));
        if let Some(currency) = first.filter(|_| constants.all(|constant| constant == first)) {
            return Ok(Currencies::One(currency));
        }
        let mut all = Vec::new();
        for part in view.parts() {
            for row in part.rows.clone() {
                all.push(codes(part).get(row as usize)?);
            }
        }
        Ok(Currencies::Each(all))
    }
}

impl Amounts {
    pub(super) fn read(view: &View<'_>, rates: Option<&Rates>, run: &Run) -> Result<Self> {
        let converts = view.parts().iter().any(|part| part.segment.transactions.received.is_some());
        let mut amounts = Self {
            paid: read(view, |part, row| part.segment.transactions.amount.get(row))?,
            received: None,
            paid_currency: Currencies::read(view, |part| &part.segment.transactions.currency)?,
            received_currency: None,
        };
        if converts {
            let received = |part: &Part<'_>, row| match &part.segment.transactions.received {
                Some((amounts, _)) => amounts.get(row),
                None => part.segment.transactions.amount.get(row),
            };
            amounts.received = Some(read(view, received)?);
            amounts.received_currency = Some(Currencies::read(view, |part| {
                let transactions = &part.segment.transactions;
                transactions.received.as_ref().map_or(&transactions.currency, |(_, currencies)| currencies)
            })?);
        }
        match rates {
            Some(rates) => {
                let times = read(view, |part, row| part.segment.transactions.time.get(row))?;
                amounts.valued(&times, rates, run)
            }
            None => Ok(amounts),
        }
    }

    /// Those of some transactions, by their places among them.
    pub(super) fn of(rows: &[Transaction], rates: Option<&Rates>, run: &Run) -> Result<Self> {
        let amounts = Self {
            paid: rows.iter().map(|row| row.paid).collect(),
            received: Some(rows.iter().map(|row| row.received).collect()),
            paid_currency: Currencies::Each(rows.iter().map(|row| row.paid_currency.0).collect()),
            received_currency: Some(Currencies::Each(
                rows.iter().map(|row| row.received_currency.0).collect(),
            )),
        };
        let times: Vec<i64> = rows.iter().map(|row| row.time).collect();
        rates.map_or(Ok(amounts.clone()), |rates| amounts.valued(&times, rates, run))
    }

    /// All amounts in the base currency of `rates`, each by the rate of its day; `times` by place.
    fn valued(mut self, times: &[i64], rates: &Rates, run: &Run) -> Result<Self> {
        let value = |amounts: &mut Vec<i64>, currencies: &Currencies| {
            let tasks = amounts.par_chunks_mut(ROWS_PER_TASK).zip(times.par_chunks(ROWS_PER_TASK));
            tasks.enumerate().try_for_each(|(task, (amounts, times))| {
                run.check()?;
                for (row, (amount, &time)) in amounts.iter_mut().zip(times).enumerate() {
                    let currency = currencies.get((task * ROWS_PER_TASK + row) as u32);
                    *amount = rates.value(*amount, currency, time)?;
                }
                Ok::<(), Error>(())
            })
        };
        run.install(|| {
            value(&mut self.paid, &self.paid_currency)?;
            match (&mut self.received, &self.received_currency) {
                (Some(received), Some(currencies)) => value(received, currencies),
                _ => Ok(()),
            }
        })?;
        self.paid_currency = Currencies::One(rates.base().0);
        self.received_currency = None;
        Ok(self)
    }

    /// The same amounts in another order: at each place those of the place in `from`.
    pub(super) fn rearranged(&self, from: &[u32]) -> Self {
        let amounts = |amounts: &Vec<i64>| from.par_iter().map(|&place| amounts[place as usize]).collect();
        let currencies = |currencies: &Currencies| match currencies {
            Currencies::One(currency) => Currencies::One(*currency),
            Currencies::Each(all) => {
                Currencies::Each(from.par_iter().map(|&place| all[place as usize]).collect())
            }
        };
        Self {
            paid: amounts(&self.paid),
            received: self.received.as_ref().map(amounts),
            paid_currency: currencies(&self.paid_currency),
            received_currency: self.received_currency.as_ref().map(currencies),
        }
    }

    /// What the payer gives.
    #[inline]
    pub(super) fn paid(&self, place: u32) -> Money {
        Money { amount: self.paid[place as usize], currency: self.paid_currency.get(place) }
    }

    /// What the payee gets.
    #[inline]
    pub(super) fn received(&self, place: u32) -> Money {
        let currency = self.received_currency.as_ref().unwrap_or(&self.paid_currency).get(place);
        Money { amount: self.received.as_ref().unwrap_or(&self.paid)[place as usize], currency }
    }
}

/// A column of all parts, one after another.
fn read<'g, T>(view: &View<'g>, get: impl Fn(&Part<'g>, usize) -> Result<T>) -> Result<Vec<T>> {
    let len = view.positions().end.0 - view.positions().start.0;
    let mut all = Vec::with_capacity(len as usize);
    for part in view.parts() {
        for row in part.rows.clone() {
            all.push(get(part, row as usize)?);
        }
    }
    Ok(all)
}

/// How much of what came must go on, in thousandths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Kept {
    /// At least so many thousandths.
    pub min_permille: u32,
    /// At most so many thousandths, at least `min_permille`.
    pub max_permille: u32,
}

impl Kept {
    /// Any part, and money that cannot be compared too.
    pub const ANY: Self = Self { min_permille: 0, max_permille: u32::MAX };

    /// Whether `after` is the stated part of `before`; money of two currencies cannot be compared and is not.
    #[inline]
    pub fn holds(self, before: Money, after: Money) -> bool {
        if self == Self::ANY {
            return true;
        }
        let (before_amount, after_amount) = (i128::from(before.amount), 1000 * i128::from(after.amount));
        before.currency == after.currency
            && after_amount >= before_amount * i128::from(self.min_permille)
            && after_amount <= before_amount * i128::from(self.max_permille)
    }

    /// Whether `after` in all is the stated part of `before` in all; as [`Self::holds`].
    pub(super) fn holds_sums(self, before: Option<(i128, u16)>, after: Option<(i128, u16)>) -> bool {
        if self == Self::ANY {
            return true;
        }
        let (Some(before), Some(after)) = (before, after) else { return false };
        before.1 == after.1
            && 1000 * after.0 >= before.0 * i128::from(self.min_permille)
            && 1000 * after.0 <= before.0 * i128::from(self.max_permille)
    }

    pub(super) fn check(self, name: &'static str) -> Result<()> {
        match self.min_permille <= self.max_permille {
            true => Ok(()),
            false => Err(Error::Option {
                name,
                value: format!("{} to {} thousandths", self.min_permille, self.max_permille),
                allowed: "a range whose end is not below its beginning",
            }),
        }
    }
}

impl std::fmt::Display for Kept {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::ANY => f.write_str("any"),
            Self { min_permille, max_permille } => write!(f, "{min_permille}-{max_permille}"),
        }
    }
}

impl std::str::FromStr for Kept {
    type Err = &'static str;

    fn from_str(text: &str) -> std::result::Result<Self, Self::Err> {
        if text == "any" {
            return Ok(Self::ANY);
        }
        let range = text.split_once('-').and_then(|(min, max)| {
            Some(Self { min_permille: min.parse().ok()?, max_permille: max.parse().ok()? })
        });
        range.ok_or("write `any` or two numbers of thousandths like `800-1050`")
    }
}
