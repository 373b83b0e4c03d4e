//! Rows that correct others or take them back, and a slow, obvious model of what they mean.
#![allow(dead_code)] // Each test program uses its own part.

use crate::support::random;
use ringfence::ingest::{Mapping, Reason};
use ringfence::store::format::flags;
use std::collections::{BTreeMap, BTreeSet};

pub const HEADER: &str = "transaction,source,destination,time,amount,currency,received_amount,received_currency,device,failed,reversed,corrects,reverses\n";

/// The mapping of the preset `ledger`, with two flags more.
pub fn mapping() -> Mapping {
    let text = Mapping::preset("ledger").unwrap().text().to_string();
    let flags = "[transactions]\nfailed = \"failed\"\nreversed = \"reversed\"\n";
    Mapping::parse(&text.replacen("[transactions]\n", flags, 1), "test").unwrap()
}

/// A row as it is delivered.
#[derive(Clone, Debug, PartialEq)]
pub struct Row {
    pub key: String,
    pub source: u64,
    pub destination: u64,
    pub hour: u64,
    pub amount: i64,
    pub currency: &'static str,
    pub received: Option<(i64, &'static str)>,
    pub device: Option<u64>,
    pub failed: bool,
    pub reversed: bool,
    pub corrects: Option<String>,
    pub reverses: Option<String>,
}

impl Row {
    pub fn line(&self) -> String {
        let (received, received_currency) =
            self.received.map_or((String::new(), ""), |(amount, currency)| {
                (format!("{}.{:02}", amount / 100, amount % 100), currency)
            });
        format!(
            "{},a{},a{},{},{}.{:02},{},{received},{received_currency},{},{},{},{},{}\n",
            self.key,
            self.source,
            self.destination,
            ringfence::units::time::format_time((1_704_067_200 + self.hour as i64 * 3600) * 1_000_000),
            self.amount / 100,
            self.amount % 100,
            self.currency,
            self.device.map_or(String::new(), |device| format!("d{device}")),
            self.failed,
            self.reversed,
            self.corrects.as_deref().unwrap_or(""),
            self.reverses.as_deref().unwrap_or(""),
        )
    }

    /// What arrives at the receiver.
    pub fn arrives(&self) -> (i64, &'static str) {
        let (amount, currency) = self.received.unwrap_or((self.amount, self.currency));
        (if self.failed { 0 } else { amount }, currency)
    }

    pub fn leaves(&self) -> i64 {
        if self.failed { 0 } else { self.amount }
    }
}

/// Everything accepted so far; every question is answered by looking at all of it.
#[derive(Default)]
pub struct Model {
    pub rows: Vec<Row>,
    pub reasons: BTreeMap<Reason, u64>,
}

impl Model {
    pub fn find(&self, key: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.key == key)
    }

    fn correction_of(&self, key: &str) -> Option<&Row> {
        self.rows.iter().find(|row| row.corrects.as_deref() == Some(key))
    }

    pub fn is_corrected(&self, row: &Row) -> bool {
        self.correction_of(&row.key).is_some()
    }

    /// What a row says now.
    fn end<'m>(&'m self, row: &'m Row) -> &'m Row {
        self.correction_of(&row.key).map_or(row, |correction| self.end(correction))
    }

    fn first<'m>(&'m self, row: &'m Row) -> &'m Row {
        row.corrects.as_ref().map_or(row, |old| self.first(self.find(old).unwrap()))
    }

    /// Reversals of anything that a row was or is.
    fn reversals(&self, row: &Row) -> Vec<&Row> {
        let of = |reversal: &&Row| {
            let old = reversal.reverses.as_ref().and_then(|old| self.find(old));
            old.is_some_and(|old| self.first(old) == self.first(row))
        };
        self.rows.iter().filter(of).collect()
    }

    /// Whether the reversals, as they say now, take back no more than a row brought, and in the right way.
    fn fits(&self, row: &Row, reversals: &[&Row]) -> std::result::Result<(), Reason> {
        if reversals.iter().any(|r| (r.source, r.destination) != (row.destination, row.source)) {
            return Err(Reason::ReversalOtherParties);
        }
        if reversals.iter().any(|r| r.currency != row.arrives().1) {
            return Err(Reason::ReversalOtherCurrency);
        }
        let taken: i64 = reversals.iter().map(|r| r.leaves()).sum();
        if taken > row.arrives().0 { Err(Reason::ReversalExceeds) } else { Ok(()) }
    }

    fn judge(&self, row: &Row) -> std::result::Result<(), Reason> {
        if row.corrects.is_some() && row.reverses.is_some() {
            return Err(Reason::CorrectsAndReverses);
        }
        if let Some(first) = self.find(&row.key) {
            let same = first == row;
            return Err(if same { Reason::DuplicateSameContent } else { Reason::DuplicateDifferentContent });
        }
        let Some(old) = row.corrects.as_ref().or(row.reverses.as_ref()) else { return Ok(()) };
        let old = self.find(old).ok_or(Reason::UnknownTransaction)?;
        if self.is_corrected(old) {
            return Err(Reason::AlreadyCorrected);
        }
        if row.reverses.is_some() {
            let mut all: Vec<&Row> = self.reversals(old).into_iter().map(|r| self.end(r)).collect();
            all.push(row);
            return self.fits(old, &all);
        }
        // The row takes the place of the old one: as what was reversed, and as a reversal.
        let all: Vec<&Row> = self.reversals(old).into_iter().map(|r| self.end(r)).collect();
        self.fits(row, &all)?;
        if let Some(back) = &self.first(old).reverses {
            let back = self.end(self.find(back).unwrap());
            // What takes the place of a reversal is looked at first, as it is what is new.
            let others = self.reversals(back).into_iter().map(|r| self.end(r)).filter(|r| r.key != old.key);
            let all: Vec<&Row> = others.chain([row]).collect();
            // The end of the chain that this takes back from, seen from its first row.
            self.fits(self.end(self.first(back)), &all)?;
        }
        Ok(())
    }

    pub fn take(&mut self, row: &Row) {
        match self.judge(row) {
            Ok(()) => self.rows.push(row.clone()),
            Err(reason) => *self.reasons.entry(reason).or_default() += 1,
        }
    }

    /// What each account holds, by currency.
    pub fn balances(&self) -> BTreeMap<(String, String), i64> {
        let mut all = BTreeMap::new();
        for row in self.rows.iter().filter(|row| !self.is_corrected(row) && !row.failed) {
            let (arrives, currency) = row.arrives();
            *all.entry((format!("a{}", row.source), row.currency.into())).or_default() -= row.amount;
            *all.entry((format!("a{}", row.destination), currency.into())).or_default() += arrives;
        }
        all.retain(|_, sum| *sum != 0);
        all
    }

    /// What a store says about each row: flags that matter here, and what it refers to.
    pub fn said(&self) -> BTreeMap<String, (u8, Option<String>)> {
        let said = |row: &Row| {
            let bits = [
                (row.corrects.is_some(), flags::CORRECTION),
                (row.reverses.is_some() || row.reversed, flags::REVERSED),
                (self.is_corrected(row), flags::CORRECTED),
                (row.failed, flags::FAILED),
            ];
            let bits = bits.iter().map(|(is, bit)| if *is { *bit } else { 0 }).sum();
            (row.key.clone(), (bits, row.corrects.clone().or(row.reverses.clone())))
        };
        self.rows.iter().map(said).collect()
    }

    pub fn devices(&self) -> BTreeSet<(String, String)> {
        let seen = self.rows.iter().filter(|row| !self.is_corrected(row));
        seen.filter_map(|row| Some((format!("a{}", row.source), format!("d{}", row.device?)))).collect()
    }
}

/// Rows with corrections and reversals: most as they should be, some wrong in every way; all but one of `each` are plain.
pub fn rows(seed: u64, num: u64, each: u64) -> Vec<Row> {
    let mut rows: Vec<Row> = Vec::new();
    for number in 0..num {
        let pick = |what: u64, below: u64| random(seed, number * 32 + what) % below;
        let key = |number: u64| match seed % 3 {
            0 => number.to_string(),
            1 => format!("k{number}"),
            _ => {
                if number.is_multiple_of(2) {
                    number.to_string()
                } else {
                    format!("k{number}")
                }
            }
        };
        let amount = 1 + pick(0, 500) as i64;
        let currency = if pick(1, 10) == 0 { "USD" } else { "EUR" };
        let mut row = Row {
            key: key(number),
            source: pick(2, 6),
            destination: pick(3, 6),
            hour: number * 7 + pick(4, 600),
            amount,
            currency,
            received: (pick(5, 8) == 0).then_some((1 + pick(6, 400) as i64, "USD")),
            device: (pick(7, 3) == 0).then_some(pick(8, 4)),
            failed: pick(9, 15) == 0,
            reversed: pick(10, 20) == 0,
            corrects: None,
            reverses: None,
        };
        let near = number.saturating_sub(pick(11, 12));
        let old = rows.get(near as usize).cloned().filter(|_| number.is_multiple_of(each));
        match (pick(12, 10), old) {
            // The target may not be there, or come later.
            (0, Some(_)) if pick(13, 3) == 0 => row.corrects = Some(key(number + pick(14, 9))),
            (1, Some(_)) if pick(13, 3) == 0 => row.reverses = Some(key(number + pick(14, 9))),
            (0..=2, Some(old)) => {
                row.corrects = Some(old.key.clone());
                // Most say nearly the same, also when they correct a reversal.
                if pick(15, 4) > 0 {
                    row.amount = (old.amount + pick(16, 200) as i64 - 100).max(0);
                    (row.source, row.destination) = (old.source, old.destination);
                    (row.currency, row.received) = (old.currency, None);
                }
            }
            (3..=5, Some(old)) => {
                row.reverses = Some(old.key.clone());
                row.failed = pick(17, 20) == 0;
                if pick(18, 8) > 0 {
                    (row.source, row.destination) = (old.destination, old.source);
                }
                if pick(19, 8) > 0 {
                    row.currency = old.arrives().1;
                }
                let most = old.arrives().0.max(1);
                row.amount = if pick(20, 3) == 0 { most } else { pick(20, most as u64 * 5 / 4 + 1) as i64 };
                if pick(21, 40) == 0 {
                    row.corrects = Some(old.key);
                }
            }
            (6, Some(old)) => {
                // The same row again, or another with its key.
                row.key = old.key.clone();
                if pick(22, 2) == 0 {
                    row = old.clone();
                }
                match pick(23, 6) {
                    0 => row.amount += 1,
                    1 => row.corrects = old.reverses.clone(),
                    2 => row.reverses = Some(key(pick(24, number))),
                    _ => {}
                }
            }
            _ => {}
        }
        rows.push(row);
    }
    rows
}
