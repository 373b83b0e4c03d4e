//! A drill: is what a backup gives back the graph that was backed up, and how long does that take?
//!
//! # Method
//! The backup is restored to a temporary directory, which verifies it in full. Then the same questions are asked of the
//! graph and of what was restored: its counts, its control totals, what the amounts of its transactions sum to, a sample of rows
//! with their keys, and what went in and out of a sample of accounts. The samples follow from a seed. Each
//! question's answers are compared by their SHA-256, and the temporary directory is removed.
//!
//! # Cost
//! A restoration with its verification, one pass over the amounts of both graphs, and a few thousand look-ups.
//!
//! # Choices
//! The graph is asked as of the generation that the backup holds, which must still be there: of another one, answers
//! would rightly differ.

use super::Graph;
use crate::error::{Error, Result};
use crate::ids::{AccountId, TxId};
use crate::random::Stream;
use crate::run::Run;
use crate::store::backup::{Key, Scratch};
use crate::store::disk::Disk;
use crate::store::{Io, verify::Verified};
use sha2::{Digest, Sha256};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Options of [`drill`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrillOptions {
    /// What rows and accounts are looked at follows from it.
    pub seed: u64,
    /// Rows, and accounts, that are looked at; at least 1.
    pub samples: u32,
    /// Directory in which the temporary one is made; that of the graph if `None`.
    pub scratch: Option<PathBuf>,
}

impl Default for DrillOptions {
    fn default() -> Self {
        DrillOptions { seed: 1, samples: 1000, scratch: None }
    }
}

/// What a drill found: the backup gives back the graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Drill {
    /// What the verification of the restored store looked at.
    pub verified: Verified,
    /// The questions and the SHA-256 of their answers, the same for both.
    pub answers: Vec<(&'static str, [u8; 32])>,
    /// How long restoration and full verification took.
    pub restored_in: Duration,
    /// How long the questions took, of both together.
    pub asked_in: Duration,
}

/// Restores the backup `from` beside the graph at `path`, asks both the same, and removes what was restored.
///
/// `from` and `key` are those of [`restore`](crate::store::backup::restore()).
///
/// # Errors
/// Those of a restoration; [`Error::UnknownKey`] if the graph no longer has the generation of the backup;
/// [`Error::Input`] if the backup is of another graph; [`Error::Damaged`] if
/// an answer differs; [`Error::Option`] for no samples.
pub fn drill(
    path: &Path,
    from: &[PathBuf],
    key: Option<&Key>,
    options: &DrillOptions,
    disk: &Arc<dyn Disk>,
    run: &Run,
) -> Result<Drill> {
    if options.samples == 0 {
        return Err(Error::Option { name: "samples", value: "0".into(), allowed: "at least 1" });
    }
    // Whether there is a graph at all is asked before the work.
    Graph::open(path, Io::Mmap)?;
    let beside = options.scratch.as_deref().map(|scratch| scratch.join("drill"));
    let begin = Instant::now();
    let scratch = Scratch::restore(from, key, beside.as_deref().unwrap_or(path), disk, run)?;
    let restored_in = begin.elapsed();
    let restored = Graph::open(scratch.path(), Io::Mmap)?;
    let generation = restored.manifest().generation;
    let graph = Graph::open_as_of(path, generation, Io::Mmap)?;
    if restored.store().manifest_sha256 != graph.store().manifest_sha256 {
        let problem = format!("has another generation {generation} than the backup: it is of another graph");
        return Err(Error::input(path.display(), problem));
    }
    let begin = Instant::now();
    run.stage("questions", 2 * QUESTIONS.len() as u64);
    let mut answers = Vec::new();
    for (name, question) in QUESTIONS {
        let answer = |graph| -> Result<[u8; 32]> {
            run.check()?;
            let mut answer = Answer(Sha256::new());
            question(graph, options, run, &mut answer)?;
            run.advance(1);
            Ok(answer.0.finalize().into())
        };
        let expected = answer(&graph)?;
        if answer(&restored)? != expected {
            let detail = "the graph and what was restored from its backup answer differently";
            return Err(Error::damaged(path, format!("question {name:?}"), detail));
        }
        answers.push((name, expected));
    }
    let asked_in = begin.elapsed();
    drop(restored);
    let verified = scratch.verified().clone();
    scratch.remove()?;
    Ok(Drill { verified, answers, restored_in, asked_in })
}

/// Answers on their way into a digest.
struct Answer(Sha256);

impl Answer {
    fn number(&mut self, number: i128) {
        self.0.update(number.to_le_bytes());
    }

    fn text(&mut self, text: &str) {
        self.number(text.len() as i128);
        self.0.update(text);
    }
}

type Question = fn(&Graph, &DrillOptions, &Run, &mut Answer) -> Result<()>;

/// The questions, by name.
const QUESTIONS: [(&str, Question); 5] =
    [("counts", counts), ("control totals", totals), ("sums", sums), ("rows", rows), ("flows", flows)];

fn counts(graph: &Graph, _: &DrillOptions, _: &Run, answer: &mut Answer) -> Result<()> {
    answer.number(graph.num_accounts().into());
    answer.number(graph.num_transactions().into());
    for (_, segment) in graph.segments() {
        answer.number(segment.transactions.len() as i128);
        answer.number(segment.links.len() as i128);
    }
    for kind in &graph.manifest().kinds {
        answer.text(&kind.name);
        answer.number(kind.num_identifiers.into());
    }
    Ok(())
}

fn totals(graph: &Graph, _: &DrillOptions, _: &Run, answer: &mut Answer) -> Result<()> {
    let manifest = graph.manifest();
    for (currency, total) in manifest.schema.currencies.iter().zip(&manifest.totals) {
        answer.text(&currency.code);
        answer.number(total.accepted.into());
        answer.number(total.accepted_minor);
        answer.number(total.rejected.into());
        answer.number(total.rejected_minor);
    }
    Ok(())
}

/// Per currency and segment: number and sum of its transactions, from the columns.
fn sums(graph: &Graph, _: &DrillOptions, run: &Run, answer: &mut Answer) -> Result<()> {
    for (_, segment) in graph.segments() {
        run.check()?;
        let mut sums = vec![(0i128, 0i128); graph.manifest().schema.currencies.len()];
        let columns = &segment.transactions;
        for row in 0..columns.len() {
            let sum = &mut sums[usize::from(columns.currency.get(row)?)];
            sum.0 += 1;
            sum.1 += i128::from(columns.amount.get(row)?);
        }
        for (number, sum) in sums {
            answer.number(number);
            answer.number(sum);
        }
    }
    Ok(())
}

/// A sample of transactions, with the keys of their accounts.
fn rows(graph: &Graph, options: &DrillOptions, run: &Run, answer: &mut Answer) -> Result<()> {
    let places = Stream::new(options.seed, 1);
    let num = graph.num_transactions();
    for sample in 0..u64::from(options.samples).min(num) {
        run.check()?;
        let found = graph.transaction(TxId(crate::random::below(places.at(sample), num)))?;
        answer.text(&graph.transaction_key(found.id)?);
        answer.text(&graph.account_key(found.source)?);
        answer.text(&graph.account_key(found.destination)?);
        for number in [found.time, found.paid, found.received] {
            answer.number(number.into());
        }
        for code in [found.paid_currency.0, found.received_currency.0, found.flags.into()] {
            answer.number(code.into());
        }
    }
    Ok(())
}

/// What a sample of accounts paid and received, found by their keys.
fn flows(graph: &Graph, options: &DrillOptions, run: &Run, answer: &mut Answer) -> Result<()> {
    let places = Stream::new(options.seed, 2);
    let (num, view) = (graph.num_accounts(), graph.view());
    for sample in 0..options.samples.min(num) {
        run.check()?;
        let account = AccountId(crate::random::below(places.at(sample.into()), num.into()) as u32);
        let key = graph.account_key(account)?;
        answer.text(&key);
        if graph.find_account(&key)? != Some(account) {
            return Err(Error::damaged(
                graph.path(),
                format!("account {key:?}"),
                "it is not found by its key",
            ));
        }
        let mut slices = view.out(account).map(|slice| (1, slice)).collect::<Vec<_>>();
        slices.extend(view.incoming(account).map(|slice| (-1, slice)));
        for (direction, slice) in slices {
            let slice = slice?;
            answer.number(direction);
            for &row in slice.transactions {
                let found = graph.transaction(TxId(slice.base.0 + u64::from(row)))?;
                answer.number(found.time.into());
                answer.number(found.paid.into());
                answer.number(found.paid_currency.0.into());
            }
        }
    }
    Ok(())
}
