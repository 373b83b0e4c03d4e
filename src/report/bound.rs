//! Bounds that do not depend on a policy, as tables: the most that can have arrived, what caps it, and by which ways.

use super::components::account_keys;
use super::folder::Report;
use super::input::{self, Input};
use super::pools::{PoolInputs, Pools};
use super::provenance::{hex, provenance, window_document};
use super::seeds::{Seeds, read_seeds};
use super::table::{Table, Values};
use crate::error::{Error, Result};
use crate::graph::{Graph, View};
use crate::ids::{AccountId, TxId};
use crate::run::Run;
use crate::trace::bound::{Bound, BoundOptions, WidestPaths, max_traceable_many, widest_paths};
use crate::trace::{Balance, Opening, SeedKind};
use crate::units::time::format_time;
use rayon::prelude::*;
use serde_json::{Value, json};

/// What bounds are asked with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BoundInputs {
    /// Seeds; see [`seeds`](super::seeds). A balance needs an amount.
    pub seeds: Input,
    /// CSV with a column `account`: the accounts to ask about.
    pub targets: Input,
    /// Balances; see [`balances`](super::balances). With them a bound can be lower: no more of the money can have waited in
    /// an account than its stated balance.
    pub balances: Option<Input>,
    /// How many of the widest paths from each seed to each target are listed, at least 1; `None` asks for none.
    pub widest: Option<u32>,
}

/// The most that each target can have received of the money of each seed, whatever the policy.
///
/// `options` says how; its `balances` come from `inputs` instead. Every seed is asked about alone: a case with several seeds has a row for each, and their sum bounds the case. The
/// tables:
/// * `bounds`: `case`, `seed` (its number in the file, from 0), `account`, `currency`, `amount_minor`, `num_transactions` (between
///   seed and target); by seed, then by target as listed.
/// * `cut`: what caps a bound, its capacities add up to it: `case`, `seed`, `account`, `step`, `transaction` (null for a
///   deposit and for a stated balance, whose account is both ends), `source`, `destination`, `time`, `capacity_minor`.
/// * `paths`: ways that move the bound together: `case`, `seed`, `account`, `path` (from 0), `origin` (seed, gain or
///   conversion), `amount_minor`, `hop`, `transaction`, `source`, `destination`, `time`.
/// * `widest`, where it is asked for: single ways whose smallest payment is largest, best first: as `paths`, with
///   `width_minor` for the amount and without an origin. Their widths must not be added up.
///
/// # Errors
/// [`Error::UnknownKey`] and [`Error::Input`] with file and line for what is given wrongly; [`Error::Option`];
/// [`Error::Limit`]; [`Error::Cancelled`].
pub fn bound_report(
    view: &View<'_>,
    inputs: &BoundInputs,
    options: &BoundOptions,
    run: &Run,
) -> Result<Report> {
    let graph = view.graph();
    let seeds = read_seeds(graph, &inputs.seeds)?;
    let (targets, sha256) = input::account_list(graph, &inputs.targets)?;
    let given = PoolInputs { balances: inputs.balances.clone(), ..PoolInputs::default() };
    let pools = Pools::read(view, &given, Opening::JustInTime, run)?;
    let options = &BoundOptions { balances: pools.balances(), ..options.clone() };
    let pairs: Vec<(usize, AccountId)> =
        (0..seeds.seeds.len()).flat_map(|seed| targets.iter().map(move |&target| (seed, target))).collect();
    let asked: Vec<(SeedKind, AccountId)> =
        pairs.iter().map(|&(seed, target)| (seeds.seeds[seed].kind, target)).collect();
    // The engine numbers the seeds of the pairs; here they are those of the file.
    let locate = |error| seeds.locate(renumbered(error, &pairs));
    let bounds = max_traceable_many(view, &asked, options, run).map_err(locate)?;
    let keys = account_keys(graph, &pairs.iter().map(|pair| pair.1.0).collect::<Vec<_>>(), run)?;
    let places = Pairs { graph, seeds: &seeds, pairs: &pairs, keys: &keys };
    let mut document = document(view, &seeds, targets.len(), &sha256, options, &bounds);
    document["balances"] = pools.balances_document(Opening::JustInTime);
    let mut tables = vec![
        ("bounds", places.bound_table(&bounds)),
        ("cut", places.cut_table(&bounds, run)?),
        ("paths", places.path_table(&bounds, run)?),
    ];
    if let Some(most) = inputs.widest {
        let of = |&(seed, target): &(SeedKind, AccountId)| {
            run.check()?;
            widest_paths(view, &seed, target, most, options, run)
        };
        let found: Vec<Result<WidestPaths>> = run.install(|| asked.par_iter().map(of).collect());
        let found = found.into_iter().collect::<Result<Vec<_>>>()?;
        tables.push(("widest", places.widest_table(&found, run)?));
    }
    tables.extend(pools.tables(view));
    Ok(Report { tables, document_name: "summary", document, parts: Vec::new() })
}

/// `error` with the number that a seed has in the file instead of the number of its pair.
fn renumbered(error: Error, pairs: &[(usize, AccountId)]) -> Error {
    let Error::Input { input, problem } = error else { return error };
    let translated = input.strip_prefix("seeds[").and_then(|rest| {
        let (number, behind) = rest.split_once(']')?;
        let (seed, _) = pairs.get(number.parse::<usize>().ok()?)?;
        Some(format!("seeds[{seed}]{behind}"))
    });
    Error::Input { input: translated.unwrap_or(input), problem }
}

/// What the rows of all tables begin with.
struct Pairs<'a> {
    graph: &'a Graph,
    seeds: &'a Seeds,
    /// Number of the seed in the file, and the target.
    pairs: &'a [(usize, AccountId)],
    /// Keys of the targets.
    keys: &'a [String],
}

/// Both ends and the time of the transactions that rows name, as columns; null where there is none.
#[derive(Default)]
struct Named {
    transaction: Vec<Option<String>>,
    source: Vec<Option<String>>,
    destination: Vec<Option<String>>,
    time: Vec<Option<i64>>,
}

impl Named {
    fn push(&mut self, graph: &Graph, id: Option<TxId>) -> Result<()> {
        let row = id.map(|id| graph.transaction(id)).transpose()?;
        let key = |account| graph.account_key(account);
        self.transaction.push(id.map(|id| graph.transaction_key(id)).transpose()?);
        self.source.push(row.map(|row| key(row.source)).transpose()?);
        self.destination.push(row.map(|row| key(row.destination)).transpose()?);
        self.time.push(row.map(|row| row.time));
        Ok(())
    }

    /// Money that stays in an account at the time of a statement.
    fn push_wait(&mut self, graph: &Graph, stated: &Balance) -> Result<()> {
        let account = graph.account_key(stated.account)?;
        self.transaction.push(None);
        self.source.push(Some(account.clone()));
        self.destination.push(Some(account));
        self.time.push(stated.time);
        Ok(())
    }

    fn push_to(self, table: &mut Table) {
        table.push("transaction", Values::OptionText(self.transaction));
        table.push("source", Values::OptionText(self.source));
        table.push("destination", Values::OptionText(self.destination));
        table.push("time", Values::OptionTime(self.time));
    }
}

impl Pairs<'_> {
    /// The columns `case`, `seed` and `account` of rows that belong to these pairs.
    fn begin(&self, rows: &[usize]) -> Table {
        let case = |&row: &usize| {
            let seed = &self.seeds.seeds[self.pairs[row].0];
            self.seeds.cases[seed.case as usize].clone()
        };
        Table::new([
            ("case", Values::Text(rows.iter().map(case).collect())),
            ("seed", Values::U32(rows.iter().map(|&row| self.pairs[row].0 as u32).collect())),
            ("account", Values::Text(rows.iter().map(|&row| self.keys[row].clone()).collect())),
        ])
    }

    fn bound_table(&self, bounds: &[Bound]) -> Table {
        let mut table = self.begin(&(0..bounds.len()).collect::<Vec<_>>());
        let code = |bound: &Bound| self.graph.currency(bound.currency).code.clone();
        table.push("currency", Values::Text(bounds.iter().map(code).collect()));
        table.push("amount_minor", Values::I64(bounds.iter().map(|bound| bound.value).collect()));
        let between = bounds.iter().map(|bound| bound.num_transactions).collect();
        table.push("num_transactions", Values::U64(between));
        table
    }

    fn cut_table(&self, bounds: &[Bound], run: &Run) -> Result<Table> {
        let (mut rows, mut named) = (Vec::new(), Named::default());
        let (mut step, mut capacity) = (Vec::new(), Vec::new());
        for (pair, bound) in bounds.iter().enumerate() {
            run.check()?;
            for row in &bound.cut {
                rows.push(pair);
                step.push(row.step.name().to_string());
                match row.balance {
                    Some(stated) => named.push_wait(self.graph, &stated)?,
                    None => named.push(self.graph, row.transaction)?,
                }
                capacity.push(row.capacity);
            }
        }
        let mut table = self.begin(&rows);
        table.push("step", Values::Text(step));
        named.push_to(&mut table);
        table.push("capacity_minor", Values::I64(capacity));
        Ok(table)
    }

    fn path_table(&self, bounds: &[Bound], run: &Run) -> Result<Table> {
        let (mut rows, mut named) = (Vec::new(), Named::default());
        let (mut path, mut origin, mut amount, mut hop) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        for (pair, bound) in bounds.iter().enumerate() {
            run.check()?;
            for journey in 0..bound.journeys.len() {
                for (number, &id) in (0..).zip(bound.journeys.transactions(journey)) {
                    rows.push(pair);
                    path.push(journey as u32);
                    origin.push(bound.journeys.origin[journey].name().to_string());
                    amount.push(bound.journeys.amount[journey]);
                    hop.push(number);
                    named.push(self.graph, Some(id))?;
                }
            }
        }
        let mut table = self.begin(&rows);
        table.push("path", Values::U32(path));
        table.push("origin", Values::Text(origin));
        table.push("amount_minor", Values::I64(amount));
        table.push("hop", Values::U32(hop));
        named.push_to(&mut table);
        Ok(table)
    }
}

impl Pairs<'_> {
    fn widest_table(&self, found: &[WidestPaths], run: &Run) -> Result<Table> {
        let (mut rows, mut named) = (Vec::new(), Named::default());
        let (mut number, mut width, mut hop) = (Vec::new(), Vec::new(), Vec::new());
        for (pair, paths) in found.iter().enumerate() {
            run.check()?;
            for path in 0..paths.len() {
                for (at, &id) in (0..).zip(paths.transactions(path)) {
                    rows.push(pair);
                    number.push(path as u32);
                    width.push(paths.width[path]);
                    hop.push(at);
                    named.push(self.graph, Some(id))?;
                }
            }
        }
        let mut table = self.begin(&rows);
        table.push("path", Values::U32(number));
        table.push("width_minor", Values::I64(width));
        table.push("hop", Values::U32(hop));
        named.push_to(&mut table);
        Ok(table)
    }
}

fn document(
    view: &View<'_>,
    seeds: &Seeds,
    num_targets: usize,
    sha256: &[u8; 32],
    options: &BoundOptions,
    bounds: &[Bound],
) -> Value {
    json!({
        "result": "bounds",
        "graph": provenance(view.graph()),
        "ties": options.ties.name(),
        "window": window_document(view.times()),
        "until": options.until.map(format_time),
        "span_us": options.span_us,
        "seeds": { "num_seeds": seeds.seeds.len(), "num_cases": seeds.cases.len(), "sha256": hex(&seeds.sha256) },
        "targets": { "num_accounts": num_targets, "sha256": hex(sha256) },
        "num_bounds": bounds.len(),
        "num_reached": bounds.iter().filter(|bound| bound.value > 0).count(),
        "num_events": bounds.iter().map(|bound| bound.events).sum::<u64>(),
        "note": "Upper bounds, whatever the rule: that much can have arrived, not that it did.",
    })
}
