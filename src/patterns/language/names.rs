//! What a query names, in terms of a graph: currencies, attributes and kinds of identifiers.

use super::lexer::Fault;
use super::query::{Bounds, Comparison, Condition, Decimal, Literal, Measure, Query, Transfer, Word};
use crate::error::{Error, Result};
use crate::graph::View;
use crate::graph::attributes::AttributeValue;
use crate::graph::rates::Rates;
use crate::ids::{AccountId, KindId};
use crate::patterns::nearest::nearest;
use crate::run::Run;
use crate::store::manifest::AttributeKind;
use crate::units::amount::{AmountFault, parse_amount};
use crate::units::time::parse_time;
use rayon::prelude::*;
use std::cmp::Ordering;

/// Accounts that one task looks at.
const ACCOUNTS_PER_TASK: usize = 1 << 12;

/// Decimals of a unit of value beyond those of the base currency's minor unit.
const VALUE_DECIMALS: u8 = 4;

type Checked<T> = std::result::Result<T, Fault>;

/// A range of money of one currency.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    pub(super) least: i64,
    pub(super) most: i64,
    pub(super) currency: u16,
}

/// What a query names, as the graph numbers it.
pub(super) struct Names {
    /// By transfer: what each payment must come to.
    pub(super) amounts: Vec<Option<Limits>>,
    /// By transfer: what all payments together must come to.
    pub(super) totals: Vec<Option<Limits>>,
    /// By node and condition: the column.
    attributes: Vec<Vec<(usize, Test)>>,
    /// By sharing.
    pub(super) kinds: Vec<KindId>,
}

impl Names {
    /// Finds currencies, kinds of identifiers and attributes.
    pub(super) fn new(view: &View<'_>, query: &Query, rates: Option<&Rates>) -> Result<Self> {
        let what = || format!("pattern {}", query.name());
        let limits = |measure: Measure| {
            let of = |transfer: &Transfer| {
                let money = transfer.amounts.iter().find_map(|amount| match &amount.bounds {
                    Bounds::Money(range, currency) if amount.measure == measure => Some((range, currency)),
                    _ => None,
                });
                let Some((range, currency)) = money else { return Ok(None) };
                let (id, decimals) = find_currency(view, currency, rates)?;
                let bound = |decimal: &Option<Decimal>, open: i64| match decimal {
                    None => Ok(open),
                    Some(decimal) => minor(&decimal.0, decimals),
                };
                let (least, most) = (bound(&range.least, i64::MIN)?, bound(&range.most, i64::MAX)?);
                Ok(Some(Limits { least, most, currency: id }))
            };
            query.transfers.iter().map(of).collect::<Checked<Vec<_>>>()
        };
        let attributes = query.nodes.iter().map(|node| {
            node.conditions.iter().map(|condition| Test::new(view, condition)).collect::<Checked<Vec<_>>>()
        });
        let kinds = query.sharings.iter().map(|sharing| {
            let known: Vec<&str> =
                view.graph().manifest().kinds.iter().map(|kind| kind.name.as_str()).collect();
            let found = view.graph().find_kind(&sharing.kind.text);
            found.ok_or_else(|| unknown(&sharing.kind, "kind of identifier", &known))
        });
        let named = || -> Checked<Self> {
            Ok(Self {
                amounts: limits(Measure::Amount)?,
                totals: limits(Measure::Total)?,
                attributes: attributes.collect::<Checked<_>>()?,
                kinds: kinds.collect::<Checked<_>>()?,
            })
        };
        named().map_err(|fault| fault.of(&what()))
    }

    /// By node: the accounts whose attributes are as they are asked to be; a value that is not there is not.
    pub(super) fn bearers(&self, view: &View<'_>, run: &Run) -> Result<Vec<Vec<bool>>> {
        let num_accounts = view.graph().num_accounts();
        let of_node = |tests: &Vec<(usize, Test)>| {
            if tests.is_empty() {
                return Ok(vec![true; num_accounts as usize]);
            }
            let holds = |account: u32| {
                for (column, test) in tests {
                    let value = view.graph().attribute(*column, AccountId(account))?;
                    if !value.is_some_and(|value| test.holds(&value)) {
                        return Ok(false);
                    }
                }
                Ok::<bool, Error>(true)
            };
            let task = |task: u32| {
                run.check()?;
                let first = task * ACCOUNTS_PER_TASK as u32;
                (first..(first + ACCOUNTS_PER_TASK as u32).min(num_accounts))
                    .map(holds)
                    .collect::<Result<Vec<_>>>()
            };
            let tasks = (0..num_accounts.div_ceil(ACCOUNTS_PER_TASK as u32)).into_par_iter();
            Ok(run.install(|| tasks.map(task).collect::<Result<Vec<_>>>())?.concat())
        };
        run.stage("attributes", u64::from(num_accounts) * self.attributes.len() as u64);
        self.attributes.iter().map(of_node).collect()
    }
}

/// That the graph has no such thing, and what it has.
fn unknown(word: &Word, what: &str, known: &[&str]) -> Fault {
    let remedy = match nearest(&word.text, known.iter().copied()) {
        Some(meant) => format!("did you mean `{meant}`?"),
        None if known.is_empty() => "the graph has none at all".to_string(),
        None => format!("the graph has {}", known.join(", ")),
    };
    Fault::new(word.place, format!("found `{}`, which is no {what} of the graph: {remedy}", word.text))
}

/// A currency's number and the decimals in which its amounts are compared.
fn find_currency(view: &View<'_>, word: &Word, rates: Option<&Rates>) -> Checked<(u16, u8)> {
    let graph = view.graph();
    let Some(found) = graph.find_currency(&word.text) else {
        let known: Vec<&str> =
            graph.manifest().schema.currencies.iter().map(|currency| currency.code.as_str()).collect();
        return Err(unknown(word, "currency", &known));
    };
    let decimals = graph.currency(found).exponent;
    match rates {
        None => Ok((found.0, decimals)),
        Some(rates) if rates.base() == found => Ok((found.0, decimals + VALUE_DECIMALS)),
        Some(rates) => {
            let base = &graph.currency(rates.base()).code;
            Err(Fault::new(
                word.place,
                format!("found `{}`, but amounts are compared in {base}: write {base}", word.text),
            ))
        }
    }
}

/// A decimal number in minor units.
fn minor(word: &Word, decimals: u8) -> Checked<i64> {
    parse_amount(word.text.as_bytes(), decimals).map_err(|fault| {
        let remedy = match fault {
            AmountFault::TooManyDecimals => format!("the currency has {decimals} decimals"),
            _ => "no amount is that large".to_string(),
        };
        Fault::new(word.place, format!("found `{}`: {remedy}", word.text))
    })
}

/// A condition on an attribute.
struct Test {
    comparison: Comparison,
    values: Vec<AttributeValue>,
}

impl Test {
    fn new(view: &View<'_>, condition: &Condition) -> Checked<(usize, Self)> {
        let columns = view.graph().attribute_columns();
        let Some(column) = columns.iter().position(|column| column.name == condition.attribute.text) else {
            let known: Vec<&str> = columns.iter().map(|column| column.name.as_str()).collect();
            return Err(unknown(&condition.attribute, "attribute", &known));
        };
        let kind = columns[column].kind;
        let is_ordered = !matches!(kind, AttributeKind::Text | AttributeKind::Boolean);
        if !is_ordered && !matches!(condition.comparison, Comparison::Equal | Comparison::NotEqual) {
            let name = &condition.attribute.text;
            return Err(Fault::new(
                condition.attribute.place,
                format!("found `{name}` compared by size, but it is no number and no time: use = or !="),
            ));
        }
        let values = condition.values.iter().map(|value| typed(value, kind)).collect::<Checked<_>>()?;
        Ok((column, Self { comparison: condition.comparison, values }))
    }

    /// Whether a value meets the condition.
    fn holds(&self, found: &AttributeValue) -> bool {
        self.values.iter().any(|value| {
            let order = match (found, value) {
                (AttributeValue::Text(found), AttributeValue::Text(value)) => Some(found.cmp(value)),
                (AttributeValue::Integer(found), AttributeValue::Integer(value))
                | (AttributeValue::Time(found), AttributeValue::Time(value)) => Some(found.cmp(value)),
                (AttributeValue::Float(found), AttributeValue::Float(value)) => found.partial_cmp(value),
                (AttributeValue::Boolean(found), AttributeValue::Boolean(value)) => Some(found.cmp(value)),
                _ => None,
            };
            order.is_some_and(|order| match self.comparison {
                Comparison::Equal => order == Ordering::Equal,
                Comparison::NotEqual => order != Ordering::Equal,
                Comparison::Less => order == Ordering::Less,
                Comparison::AtMost => order != Ordering::Greater,
                Comparison::More => order == Ordering::Greater,
                Comparison::AtLeast => order != Ordering::Less,
            })
        })
    }
}

/// A literal as a value of an attribute's kind.
fn typed(literal: &Literal, kind: AttributeKind) -> Checked<AttributeValue> {
    let (found, place) = match literal {
        Literal::Text(word) | Literal::Number(word) => (word.text.clone(), word.place),
        Literal::Boolean(value, place) => (value.to_string(), *place),
    };
    let (value, remedy) = match (kind, literal) {
        (AttributeKind::Text, Literal::Text(word)) => (Some(AttributeValue::Text(word.text.clone())), ""),
        (AttributeKind::Text, _) => (None, "the attribute is text, write it in quotes"),
        (AttributeKind::Integer, Literal::Number(word)) => {
            (word.text.parse().ok().map(AttributeValue::Integer), "the attribute is a whole number")
        }
        (AttributeKind::Integer, _) => (None, "the attribute is a whole number"),
        (AttributeKind::Float, Literal::Number(word)) => {
            (word.text.parse().ok().map(AttributeValue::Float), "the attribute is a number")
        }
        (AttributeKind::Float, _) => (None, "the attribute is a number"),
        (AttributeKind::Boolean, Literal::Boolean(value, _)) => (Some(AttributeValue::Boolean(*value)), ""),
        (AttributeKind::Boolean, _) => (None, "the attribute is true or false"),
        (AttributeKind::Time, Literal::Text(word)) => (
            parse_time(&word.text).map(AttributeValue::Time),
            "the attribute is a time, write it like \"2024-05-01\"",
        ),
        (AttributeKind::Time, _) => (None, "the attribute is a time, write it like \"2024-05-01\""),
    };
    value.ok_or_else(|| Fault::new(place, format!("found `{found}`: {remedy}")))
}
