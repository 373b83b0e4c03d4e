//! The case file of a trace.

use super::draft::{CaseOptions, Moved, Shown, amount, draft, shortened};
use super::file::{CaseFile, MoneyLine, Point, Subject};
use super::sentences::Words;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::ids::{AccountId, CurrencyId};
use crate::report::earlier::trace_payments;
use crate::run::Run;
use crate::units::time::format_time;
use serde_json::Value;
use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// What an account carried.
#[derive(Clone, Copy, Default)]
struct Carries {
    received: i128,
    paid: i128,
}

/// The case file of the trace that `ringfence trace` wrote to `directory`, under one policy.
///
/// # Errors
/// [`Error::UnknownKey`] for a transaction that the graph does not have: the trace is of another graph; otherwise as
/// [`ring_case`](super::ring_case).
pub fn trace_case(graph: &Graph, directory: &Path, options: &CaseOptions, run: &Run) -> Result<CaseFile> {
    options.check(graph)?;
    run.stage("case", 0);
    let words = Words(options.language);
    let books = books(directory)?;
    let carried = trace_payments(graph, directory, run)?;
    let mut rows = Vec::with_capacity(carried.len());
    let mut through: BTreeMap<AccountId, Carries> = BTreeMap::new();
    let mut cases = BTreeSet::new();
    for (&id, one) in &carried {
        let row = graph.transaction(id)?;
        through.entry(row.source).or_default().paid += i128::from(one.paid);
        through.entry(row.destination).or_default().received += i128::from(one.received);
        cases.extend(one.cases.iter().cloned());
        rows.push(Moved { row, evidence: true, traced: Some((one.paid, one.hop)) });
    }
    let mut most: Vec<(Reverse<i128>, AccountId)> =
        through.iter().map(|(&account, sums)| (Reverse(sums.received.max(sums.paid)), account)).collect();
    most.sort_unstable();
    most.truncate(options.accounts_max as usize);
    let mut accounts = Vec::with_capacity(most.len());
    for (_, account) in most {
        let sums = through[&account];
        let role = match (sums.received > 0, sums.paid > 0) {
            (false, _) => "victim",
            (true, true) => "layer",
            (true, false) => "cash-out",
        };
        let name = options.names.account(&graph.account_key(account)?);
        accounts.push((role, name, account));
    }
    accounts.sort_unstable_by(|a, b| (Reverse(a.0), &a.1).cmp(&(Reverse(b.0), &b.1)));
    let shown: Vec<Shown> = accounts
        .iter()
        .map(|&(role, _, account)| Shown { account, member: true, roles: vec![role] })
        .collect();
    let cases: Vec<String> = cases.into_iter().collect();
    let id = cases.join(", ");
    let subject = Subject {
        kind: "trace".into(),
        title: title(&cases, words),
        id,
        first: rows.first().map(|moved| format_time(moved.row.time)),
        last: rows.last().map(|moved| format_time(moved.row.time)),
    };
    let num_transfers = rows.len();
    let mut case = draft(graph, subject, &shown, rows, &[], options, run)?.case;
    if shown.len() < through.len() {
        shortened(&mut case, through.len(), num_transfers, options);
    }
    let money = money(graph, &books);
    case.money = money
        .iter()
        .map(|(&currency, sums)| {
            let amount = |minor| amount(graph, currency, minor);
            MoneyLine {
                currency: graph.currency(currency).code.clone(),
                received: amount(sums.seeded),
                paid: amount(sums.seeded - sums.held),
                kept: amount(sums.held),
                inside: amount(sums.moved),
                traced: Some(amount(sums.seeded)),
            }
        })
        .collect();
    for (currency, line) in money.keys().zip(&mut case.money) {
        let moved = carried.iter().filter_map(|(&id, one)| {
            let row = graph.transaction(id).ok()?;
            (row.paid_currency == *currency).then_some(i128::from(one.paid))
        });
        line.inside = amount(graph, *currency, moved.sum());
    }
    case.summary = summary(&case, &books, through.len(), num_transfers, words);
    case.provenance["found_with"] = books;
    Ok(case)
}

/// A heading: up to three cases by name, more by their number.
fn title(cases: &[String], words: Words) -> String {
    let named = match (cases.len(), words.0) {
        (0..=3, _) => words.list(cases),
        (more, super::Language::En) => format!("of {more} cases"),
        (more, super::Language::Zh) => format!("{more} 个案件"),
    };
    format!("{} {named}", words.of("Trace", "资金追踪"))
}

/// The books of the trace: `ledger.json`.
fn books(directory: &Path) -> Result<Value> {
    let path = directory.join("ledger.json");
    let bytes = std::fs::read(&path).map_err(|source| Error::Io { path: path.clone(), source })?;
    serde_json::from_slice(&bytes).map_err(|error| Error::Input {
        input: path.display().to_string(),
        problem: format!("is not the ledger of a trace: {error}; name a directory that `ringfence trace` made under one policy"),
    })
}

#[derive(Default)]
struct Sums {
    seeded: i128,
    held: i128,
    moved: i128,
}

/// What was seeded and is held at the end, over all cases.
fn money(graph: &Graph, books: &Value) -> BTreeMap<CurrencyId, Sums> {
    let mut money: BTreeMap<CurrencyId, Sums> = BTreeMap::new();
    for row in books["cases"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|case| case["ledger"].as_array().into_iter().flatten())
    {
        // Books in values, which value pooling has, are no money of one currency.
        let currency = row["currency"].as_str().filter(|_| row["seeded_minor"].is_string());
        let Some(currency) = currency.and_then(|code| graph.find_currency(code)) else { continue };
        let whole = |name: &str| row[name].as_str().and_then(|text| text.parse::<i128>().ok()).unwrap_or(0);
        let sums = money.entry(currency).or_default();
        sums.seeded += whole("seeded_minor");
        sums.held += whole("held_minor") + whole("at_sinks_minor");
    }
    money
}

fn summary(
    case: &CaseFile,
    books: &Value,
    num_accounts: usize,
    num_transfers: usize,
    words: Words,
) -> Vec<Point> {
    let point = |question: &str, text: String| Point { question: question.into(), text };
    let en = words.0 == super::Language::En;
    let accounts = words.count(num_accounts, "account", "accounts", "个账户");
    let transfers = words.count(num_transfers, "transfer", "transfers", "笔转账");
    let policy = books["policy"].as_str().unwrap_or("?");
    let money: Vec<String> = case
        .money
        .iter()
        .map(|line| match en {
            true => format!(
                "of {} followed, {} rests at accounts at the end",
                words.amount(&line.received),
                words.amount(&line.kept)
            ),
            false => format!(
                "追踪的 {} 中,最终 {} 留在账户内",
                words.amount(&line.received),
                words.amount(&line.kept)
            ),
        })
        .collect();
    let hops = case.transfers.iter().filter_map(|transfer| transfer.hop).max().unwrap_or(0);
    let when = match (&case.subject.first, &case.subject.last) {
        (Some(first), Some(last)) if en => format!("From {first} to {last} (UTC)."),
        (Some(first), Some(last)) => format!("{first} 至 {last}(UTC)。"),
        _ => words.of("No transfer carried the money.", "没有转账承载该资金。").into(),
    };
    vec![
        point(
            "who",
            if en {
                format!("{accounts} received or paid on the money.")
            } else {
                format!("{accounts}收到或转付了该资金。")
            },
        ),
        point(
            "what",
            if en { format!("{transfers} carried it.") } else { format!("{transfers}承载了该资金。") },
        ),
        point("when", when),
        point(
            "where",
            if en { format!("{}.", capital(&money.join("; "))) } else { format!("{}。", money.join(";")) },
        ),
        point(
            "why",
            if en {
                format!(
                    "Followed from its seeds under the rule {policy}; the books balance to the minor unit. A scenario under stated rules, not an entitlement."
                )
            } else {
                format!(
                    "按 {policy} 规则从源头追踪;账目精确到最小货币单位且两边相等。这是在所述规则下的推演,并非权利主张。"
                )
            },
        ),
        point(
            "how",
            if en {
                format!(
                    "Over at most {} from a seed.",
                    words.count(hops as usize + 1, "transfer", "transfers", "")
                )
            } else {
                format!("从源头起最多 {} 笔转账。", hops + 1)
            },
        ),
    ]
}

fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or(String::new(), |first| first.to_uppercase().chain(letters).collect())
}
