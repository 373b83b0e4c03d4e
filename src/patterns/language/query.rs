//! A query: what its text says, checked, names replaced by numbers.

use super::lexer::{Place, is_word, quoted};
use crate::units::Ties;
use std::fmt;

/// Words of the language; none of them can be a name.
pub(super) const KEYWORDS: [&str; 20] = [
    "account", "accounts", "after", "amount", "at", "false", "least", "most", "of", "or", "order", "pattern",
    "share", "shares", "strict", "ties", "total", "true", "with", "within",
];

/// A pattern to look for, made from text by [`Query::parse`]; written out again, it reads as the same query.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Query {
    pub(super) name: Word,
    /// Longest time from the first payment of a match to the last, in microseconds.
    pub(super) within_us: i64,
    pub(super) ties: Ties,
    pub(super) nodes: Vec<Node>,
    pub(super) transfers: Vec<Transfer>,
    pub(super) sharings: Vec<Sharing>,
}

impl Query {
    /// The name of the pattern.
    pub fn name(&self) -> &str {
        &self.name.text
    }

    /// Names of accounts and groups, in the order of the text.
    pub fn accounts(&self) -> impl ExactSizeIterator<Item = &str> {
        self.nodes.iter().map(|node| node.name.text.as_str())
    }

    /// Names of transfers, in the order of the text.
    pub fn transfers(&self) -> impl ExactSizeIterator<Item = &str> {
        self.transfers.iter().map(|transfer| transfer.name.text.as_str())
    }

    pub(super) fn is_group(&self, node: usize) -> bool {
        self.nodes[node].group.is_some()
    }

    /// The group that a transfer leads to or comes from.
    pub(super) fn group_of(&self, transfer: usize) -> Option<usize> {
        let Transfer { from, to, .. } = self.transfers[transfer];
        [from, to].into_iter().find(|&node| self.is_group(node))
    }
}

/// A word of the text. Where it stands is no part of what it says.
#[derive(Clone, Debug, Eq)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) place: Place,
}

impl PartialEq for Word {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

/// An account, or a group of accounts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) name: Word,
    pub(super) group: Option<Group>,
    pub(super) conditions: Vec<Condition>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Group {
    /// Fewest members.
    pub(super) least: u32,
    /// Longest time from the group's first payment to its last, in microseconds.
    pub(super) within_us: Option<i64>,
}

/// What an attribute of an account must be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Condition {
    pub(super) attribute: Word,
    pub(super) comparison: Comparison,
    /// One of these; more than one only to be equal to.
    pub(super) values: Vec<Literal>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Comparison {
    Equal,
    NotEqual,
    Less,
    AtMost,
    More,
    AtLeast,
}

impl Comparison {
    pub(super) fn sign(self) -> &'static str {
        match self {
            Comparison::Equal => "=",
            Comparison::NotEqual => "!=",
            Comparison::Less => "<",
            Comparison::AtMost => "<=",
            Comparison::More => ">",
            Comparison::AtLeast => ">=",
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Literal {
    Text(Word),
    Number(Word),
    Boolean(bool, Place),
}

/// Payments from one account to another, or between an account and each member of a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Transfer {
    pub(super) name: Word,
    pub(super) from: usize,
    pub(super) to: usize,
    pub(super) after: Vec<After>,
    pub(super) amounts: Vec<Amount>,
}

/// After every payment of `transfer`, by a time of `gap_us`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct After {
    pub(super) transfer: usize,
    pub(super) gap_us: Option<(Option<i64>, i64)>,
}

/// What a payment, or all of them together, must come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Amount {
    pub(super) measure: Measure,
    pub(super) bounds: Bounds,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Measure {
    /// Each payment.
    Amount,
    /// The payments of a group together.
    Total,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Bounds {
    /// Money of a currency.
    Money(Range<Decimal>, Word),
    /// Thousandths of another transfer.
    Portion(Range<u32>, usize),
}

/// From a least to a most; one of them may be open.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Range<T> {
    pub(super) least: Option<T>,
    pub(super) most: Option<T>,
}

/// A decimal number as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Decimal(pub(super) Word);

impl Decimal {
    /// Most digits before the point, and behind it.
    pub(super) const DIGITS_MAX: usize = 18;

    /// In units of 10⁻¹⁸.
    pub(super) fn value(&self) -> i128 {
        let (whole, fraction) = self.0.text.split_once('.').unwrap_or((&self.0.text, ""));
        let digits = whole
            .bytes()
            .chain(fraction.bytes())
            .fold(0, |value, digit| value * 10 + i128::from(digit - b'0'));
        digits * 10i128.pow((Self::DIGITS_MAX - fraction.len()) as u32)
    }
}

/// Accounts that use the same identifier.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Sharing {
    pub(super) who: usize,
    pub(super) kind: Word,
    /// A single account; without one, all members of `who`, a group, use one and the same.
    pub(super) with: Option<usize>,
}

/// Units of time, the longest first.
pub(super) const UNITS: [(&str, i64); 4] =
    [("d", 86_400_000_000), ("h", 3_600_000_000), ("min", 60_000_000), ("s", 1_000_000)];

struct Time(i64);

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, us) = UNITS.into_iter().find(|(_, us)| self.0 % us == 0).expect("times are whole seconds");
        write!(f, "{}{unit}", self.0 / us)
    }
}

struct Name<'q>(&'q Word);

impl fmt::Display for Name<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = &self.0.text;
        match is_word(text) && !KEYWORDS.contains(&text.as_str()) {
            true => f.write_str(text),
            false => f.write_str(&quoted(text)),
        }
    }
}

impl fmt::Display for Query {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "pattern {}\nwithin {}", self.name(), Time(self.within_us))?;
        if self.ties != Ties::default() {
            writeln!(f, "ties {}", self.ties.name())?;
        }
        for node in &self.nodes {
            match node.group {
                None => write!(f, "{}: account", node.name.text)?,
                Some(group) => write!(f, "{}: at least {} accounts", node.name.text, group.least)?,
            }
            if let Some(within_us) = node.group.and_then(|group| group.within_us) {
                write!(f, " within {}", Time(within_us))?;
            }
            for (number, condition) in node.conditions.iter().enumerate() {
                write!(f, "{} {condition}", if number == 0 { " with" } else { "," })?;
            }
            writeln!(f)?;
        }
        for transfer in &self.transfers {
            self.transfer(f, transfer)?;
        }
        for Sharing { who, kind, with } in &self.sharings {
            let verb = if self.is_group(*who) { "share" } else { "shares" };
            write!(f, "{} {verb} {}", self.nodes[*who].name.text, Name(kind))?;
            match with {
                Some(with) => writeln!(f, " with {}", self.nodes[*with].name.text)?,
                None => writeln!(f)?,
            }
        }
        Ok(())
    }
}

impl Query {
    fn transfer(&self, f: &mut fmt::Formatter<'_>, transfer: &Transfer) -> fmt::Result {
        let name = |transfer: usize| &self.transfers[transfer].name.text;
        let (from, to) = (&self.nodes[transfer.from].name.text, &self.nodes[transfer.to].name.text);
        write!(f, "{}: {from} -> {to}", transfer.name.text)?;
        for After { transfer, gap_us } in &transfer.after {
            write!(f, ", after {}", name(*transfer))?;
            match gap_us {
                None => {}
                Some((None, most)) => write!(f, " within {}", Time(*most))?,
                Some((Some(least), most)) => write!(f, " within {}..{}", Time(*least), Time(*most))?,
            }
        }
        for Amount { measure, bounds } in &transfer.amounts {
            f.write_str(if *measure == Measure::Total { ", total " } else { ", amount " })?;
            match bounds {
                Bounds::Money(range, currency) => {
                    write!(f, "{} {}", range.shown(|decimal| decimal.0.text.clone()), Name(currency))?
                }
                Bounds::Portion(range, of) => write!(f, "{} of {}", range.shown(percent), name(*of))?,
            }
        }
        writeln!(f)
    }
}

impl<T> Range<T> {
    pub(super) fn shown(&self, each: impl Fn(&T) -> String) -> String {
        match (&self.least, &self.most) {
            (Some(least), Some(most)) => format!("{}..{}", each(least), each(most)),
            (Some(least), None) => format!("at least {}", each(least)),
            (None, Some(most)) => format!("at most {}", each(most)),
            (None, None) => String::new(),
        }
    }
}

/// Thousandths in percent.
fn percent(permille: &u32) -> String {
    match permille % 10 {
        0 => format!("{}%", permille / 10),
        tenths => format!("{}.{tenths}%", permille / 10),
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {} ", Name(&self.attribute), self.comparison.sign())?;
        for (number, value) in self.values.iter().enumerate() {
            let between = if number == 0 { "" } else { " or " };
            match value {
                Literal::Text(text) => write!(f, "{between}{}", quoted(&text.text))?,
                Literal::Number(number) => write!(f, "{between}{}", number.text)?,
                Literal::Boolean(value, _) => write!(f, "{between}{value}")?,
            }
        }
        Ok(())
    }
}
