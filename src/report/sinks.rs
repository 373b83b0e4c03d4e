//! Sinks as people name them: a list of accounts, an attribute with a value, or more transfers than a number.
//!
//! An account that any rule names is a sink. The rules go into the ledger as they were given, each with how many
//! accounts it named.
//!
//! # Choices
//! A degree counts transfers inside the window, payments and receipts together, failed ones included, corrected ones not, and a transfer to itself
//! twice: it is read off the index without looking at a transaction. Attribute values are compared as their type says: texts
//! byte by byte, numbers as numbers, times as RFC 3339, `true` and `false`.

use super::input::{self, Input};
use super::provenance::hex;
use crate::error::{Error, Result};
use crate::graph::attributes::AttributeValue;
use crate::graph::{Graph, View};
use crate::ids::AccountId;
use crate::run::Run;
use crate::store::manifest::AttributeKind;
use crate::units::time::parse_time;
use rayon::prelude::*;
use roaring::RoaringBitmap;
use serde_json::{Value, json};

/// Accounts per task.
const ACCOUNTS_PER_TASK: u32 = 1 << 14;

/// Which accounts are sinks, as given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct SinkInputs {
    /// CSV with a column `account`.
    pub accounts: Option<Input>,
    /// `attribute=value` each: accounts whose attribute has this value.
    pub attributes: Vec<String>,
    /// Accounts with more transfers than this inside the window.
    pub degree_above: Option<u64>,
}

/// The sinks of a trace, and the rules that named them.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Sinks {
    /// The accounts.
    pub accounts: RoaringBitmap,
    /// One object per rule, with `num_accounts`.
    pub rules: Vec<Value>,
}

impl Sinks {
    /// What the ledger says about them.
    pub fn document(&self) -> Value {
        json!({ "num_accounts": self.accounts.len(), "rules": self.rules })
    }
}

/// Finds the sinks that `inputs` name in `view`.
///
/// # Errors
/// [`Error::UnknownKey`] for an account (with file and line) or an attribute that the graph does not hold;
/// [`Error::Option`] for a condition that is not `attribute=value`, or a value that is not of the attribute's type.
pub fn find_sinks(view: &View<'_>, inputs: &SinkInputs, run: &Run) -> Result<Sinks> {
    let graph = view.graph();
    let mut sinks = Sinks::default();
    let mut add = |found: RoaringBitmap, mut rule: Value| {
        rule["num_accounts"] = found.len().into();
        sinks.rules.push(rule);
        sinks.accounts |= found;
    };
    if let Some(input) = &inputs.accounts {
        let (found, sha256) = read_accounts(graph, input)?;
        let keys = found.iter().map(|account| graph.account_key(AccountId(account)));
        let mut keys = keys.collect::<Result<Vec<_>>>()?;
        keys.sort_unstable();
        add(found, json!({ "rule": "accounts", "accounts": keys, "sha256": hex(&sha256) }));
    }
    for condition in &inputs.attributes {
        let (name, value, found) = having(view, condition, run)?;
        add(found, json!({ "rule": "attribute", "attribute": name, "value": value }));
    }
    if let Some(above) = inputs.degree_above {
        let degree = |account| Ok(degree(view, account)? > above);
        let rule =
            json!({ "rule": "degree", "above": above, "counts": "transfers in the window, in and out" });
        add(select(view, run, degree)?, rule);
    }
    Ok(sinks)
}

/// Reads a CSV with a column `account`; also gives the SHA-256 of its bytes.
///
/// # Errors
/// [`Error::UnknownKey`] and [`Error::Input`] with file and line.
pub fn read_accounts(graph: &Graph, input: &Input) -> Result<(RoaringBitmap, [u8; 32])> {
    let sheet = input.sheet(&["account"])?;
    sheet.need("account")?;
    let accounts = sheet.iter().map(|record| Ok(input::account(graph, record, "account")?.0));
    Ok((accounts.collect::<Result<_>>()?, input::digest(&sheet)))
}

/// Name, value and accounts of `attribute=value`.
fn having<'c>(view: &View<'_>, condition: &'c str, run: &Run) -> Result<(&'c str, &'c str, RoaringBitmap)> {
    let refuse = |allowed| Error::Option { name: "sinks_where", value: condition.to_string(), allowed };
    let graph = view.graph();
    let (name, value) = condition.split_once('=').ok_or_else(|| refuse("attribute=value"))?;
    let columns = graph.attribute_columns();
    let column = columns.iter().position(|column| column.name == name).ok_or_else(|| Error::UnknownKey {
        place: "sinks".into(),
        kind: "account attribute".into(),
        key: name.into(),
    })?;
    let parsed = match columns[column].kind {
        AttributeKind::Text => Some(AttributeValue::Text(value.to_string())),
        AttributeKind::Integer => value.parse().ok().map(AttributeValue::Integer),
        AttributeKind::Float => value.parse().ok().map(AttributeValue::Float),
        AttributeKind::Boolean => value.parse().ok().map(AttributeValue::Boolean),
        AttributeKind::Time => parse_time(value).map(AttributeValue::Time),
    };
    let wanted = parsed.ok_or_else(|| refuse("a value of the attribute's type"))?;
    let found = select(view, run, |account| {
        Ok(graph.attribute(column, account)?.is_some_and(|held| held == wanted))
    })?;
    Ok((name, value, found))
}

/// Transfers of an account inside the view, in and out.
fn degree(view: &View<'_>, account: AccountId) -> Result<u64> {
    let mut degree = 0;
    for slice in view.out(account).chain(view.incoming(account)) {
        degree += slice?.transactions.len() as u64;
    }
    Ok(degree)
}

/// The accounts of `view` that `holds` is true of.
fn select(
    view: &View<'_>,
    run: &Run,
    holds: impl Fn(AccountId) -> Result<bool> + Sync,
) -> Result<RoaringBitmap> {
    let num_accounts = view.graph().num_accounts();
    run.stage("sinks", u64::from(num_accounts));
    let first: Vec<u32> = (0..num_accounts).step_by(ACCOUNTS_PER_TASK as usize).collect();
    let parts = first.into_par_iter().map(|first| {
        run.check()?;
        let end = num_accounts.min(first.saturating_add(ACCOUNTS_PER_TASK));
        let mut found = Vec::new();
        for account in (first..end).map(AccountId) {
            if view.contains(account) && holds(account)? {
                found.push(account.0);
            }
        }
        run.advance(u64::from(end - first));
        Ok(found)
    });
    let parts: Vec<Result<Vec<u32>>> = run.install(|| parts.collect());
    let mut all = RoaringBitmap::new();
    for part in parts {
        all.extend(part?);
    }
    Ok(all)
}
