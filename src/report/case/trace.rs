//! The case file of a trace.

use super::draft::{CaseOptions, Moved, Shown, amount, draft, shortened};
use super::file::{CaseFile, MoneyLine, Point, Subject};
use super::sentences::{Words, capital};
use crate::error::{Error, Result};
use crate::graph::{Graph, Transaction};
use crate::ids::{AccountId, CurrencyId};
use crate::report::earlier::{Carried, trace_payments};
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
    let books = Books::read(directory)?;
    let carried = trace_payments(graph, directory, run)?;
    let mut rows = Vec::with_capacity(carried.len());
    let mut through: BTreeMap<AccountId, Carries> = BTreeMap::new();
    let mut moved: BTreeMap<CurrencyId, i128> = BTreeMap::new();
    let mut cases = BTreeSet::new();
    for (&id, one) in &carried {
        let row = graph.transaction(id)?;
        through.entry(row.source).or_default().paid += i128::from(one.paid);
        through.entry(row.destination).or_default().received += i128::from(one.received);
        cases.extend(one.cases.iter().cloned());
        let followed = followed(&row, one);
        *moved.entry(row.paid_currency).or_default() += i128::from(followed);
        rows.push(Moved { row, evidence: true, traced: Some((followed, one.hop)) });
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
    case.money = money(graph, &books, moved)?;
    case.summary = summary(&case, &books, through.len(), num_transfers, words);
    // The rules alone: lists of accounts and the names of files stay with the books.
    case.provenance["found_with"] =
        RULES.iter().map(|&name| (name.to_string(), books.document[name].clone())).collect();
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

/// What a case file tells of the document of a trace.
const RULES: [&str; 10] = [
    "policy",
    "opening",
    "pooling",
    "ties",
    "joint",
    "window",
    "until",
    "dust_minor",
    "max_hops",
    "equation",
];

/// The terms of [`EQUATION`](crate::report::ledger::EQUATION): what comes in, what rests, what is no longer followed.
const IN: [&str; 2] = ["seeded_minor", "converted_in_minor"];
const RESTS: [&str; 2] = ["held_minor", "at_sinks_minor"];
const OUT: [&str; 4] = ["dust_minor", "superseded_minor", "converted_out_minor", "fees_minor"];

/// The document of a trace: `ledger.json`.
struct Books {
    document: Value,
    place: String,
}

impl Books {
    fn read(directory: &Path) -> Result<Self> {
        let path = directory.join("ledger.json");
        let bytes = std::fs::read(&path).map_err(|source| Error::Io { path: path.clone(), source })?;
        let place = path.display().to_string();
        let document = serde_json::from_slice(&bytes).map_err(|error| {
            let remedy = "name a directory that `ringfence trace` made under one policy";
            Error::input(&place, format!("is not the ledger of a trace: {error}; {remedy}"))
        })?;
        Ok(Self { document, place })
    }

    /// The rows of all cases; those in values, which value pooling has, are no money of one currency.
    fn rows(&self) -> impl Iterator<Item = &Value> {
        let cases = self.document["cases"].as_array().into_iter().flatten();
        cases
            .flat_map(|case| case["ledger"].as_array().into_iter().flatten())
            .filter(|row| row[IN[0]].is_string())
    }

    /// The sum of some terms of a row.
    fn sum(&self, row: &Value, terms: &[&str]) -> Result<i128> {
        let refuse = |term: &&str| Error::input(&self.place, format!("{term} is missing or no whole number"));
        let term = |term: &&str| {
            row[*term].as_str().and_then(|text| text.parse::<i128>().ok()).ok_or_else(|| refuse(term))
        };
        terms.iter().map(term).sum()
    }
}

/// The part of what was paid that is followed. A seed is followed from its arrival on: of it, as large a part as of what was received.
fn followed(row: &Transaction, one: &Carried) -> i64 {
    if one.hop > 0 || row.received <= 0 {
        return one.paid;
    }
    let part = i128::from(row.paid) * i128::from(one.received) / i128::from(row.received);
    one.paid.max(i64::try_from(part).unwrap_or(one.paid))
}

/// The books by currency: what came in, what is no longer followed, what rests, each over all cases; held against each other once more.
fn money(graph: &Graph, books: &Books, moved: BTreeMap<CurrencyId, i128>) -> Result<Vec<MoneyLine>> {
    let mut sums: BTreeMap<CurrencyId, [i128; 4]> = BTreeMap::new();
    for row in books.rows() {
        let code = row["currency"].as_str().unwrap_or_default();
        let unknown =
            || Error::UnknownKey { place: books.place.clone(), kind: "currency".into(), key: code.into() };
        let currency = graph.find_currency(code).ok_or_else(unknown)?;
        let found =
            [books.sum(row, &IN)?, books.sum(row, &OUT)?, books.sum(row, &RESTS)?, books.sum(row, &IN[..1])?];
        if found[0] != found[1] + found[2] {
            let problem = format!("the books of {code} do not balance; make the trace again");
            return Err(Error::input(&books.place, problem));
        }
        let sum = sums.entry(currency).or_default();
        sum.iter_mut().zip(found).for_each(|(sum, found)| *sum += found);
    }
    let line = |(currency, [received, paid, kept, seeded]): (CurrencyId, [i128; 4])| {
        let amount = |minor| amount(graph, currency, minor);
        MoneyLine {
            currency: graph.currency(currency).code.clone(),
            received: amount(received),
            paid: amount(paid),
            kept: amount(kept),
            inside: amount(moved.get(&currency).copied().unwrap_or(0)),
            traced: Some(amount(seeded)),
        }
    };
    Ok(sums.into_iter().map(line).collect())
}

fn summary(
    case: &CaseFile,
    books: &Books,
    num_accounts: usize,
    num_transfers: usize,
    words: Words,
) -> Vec<Point> {
    let point = |question: &str, text: String| Point { question: question.into(), text };
    let en = words.0 == super::Language::En;
    let accounts = words.count(num_accounts, "account", "accounts", "个账户");
    let transfers = words.count(num_transfers, "transfer", "transfers", "笔转账");
    let policy = books.document["policy"].as_str().unwrap_or("?");
    let money: Vec<String> = case
        .money
        .iter()
        .map(|line| match en {
            true => format!(
                "of {} that came in, {} rests at accounts at the end and {} is no longer followed (fees, conversions, dust, corrections)",
                words.amount(&line.received),
                words.amount(&line.kept),
                words.amount(&line.paid)
            ),
            false => format!(
                "进入的 {} 中,最终 {} 留在账户内,{} 不再追踪(费用、兑换、零头、更正)",
                words.amount(&line.received),
                words.amount(&line.kept),
                words.amount(&line.paid)
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
