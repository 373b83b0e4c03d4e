//! `synth`: a ledger with known truth, to try things on.

use crate::door::{Circumstances, detached};
use crate::moment::moment;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ringfence::report::output::Directory;
use ringfence::synth::{SynthOptions, SynthOutputs, SynthReport, Typology, generate};
use ringfence::{Error, Result, Run};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Makes a ledger with planted rings and the truth about them; the same options give the same bytes.
///
/// Everything in it is invented. The files are in the format of the preset ``ledger``: ``transactions.csv``,
/// ``accounts.csv``, ``links.csv``, ``balances.csv``, ``truth_rings.csv``, ``truth_transactions.csv``, ``seeds.csv``.
///
/// Parameters
/// ----------
/// path : str or os.PathLike
///     Directory to make; it appears whole or not at all.
/// transactions : int, default 100000
///     Number of transactions; 1,000 to 10,000,000,000.
/// seed : int, default 1
///     Another seed gives another ledger.
/// accounts : int, optional
///     Number of accounts; a tenth of the transactions if not given.
/// start : datetime, date, str or int, optional
///     First moment, a midnight in UTC; the start of 2024 if not given.
/// days : int, default 31
///     Days covered; 7 to 3,660.
/// rings : int, optional
///     Rings of each typology; one per 20,000 transactions if not given.
/// progress : callable, optional
///     Called as ``progress(stage, done, total)``; see :func:`ringfence.progress_bar`.
///
/// Returns
/// -------
/// dict
///     ``num_transactions``, ``num_accounts``, ``num_links``, ``num_planted_transactions``, and the number of planted
///     ``rings`` and ``look_alikes`` by name.
///
/// Raises
/// ------
/// FileExistsError
///     If there is something at ``path``; nothing is overwritten.
/// OptionError
///     If an option is outside its range.
///
/// Examples
/// --------
/// >>> rf.synth("bank", transactions=2_000, seed=3)["num_transactions"]
/// 2000
#[pyfunction]
#[pyo3(signature = (path, *, transactions = 100_000, seed = 1, accounts = None, start = None, days = 31, rings = None, progress = None))]
#[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
pub(crate) fn synth<'py>(
    py: Python<'py>,
    path: PathBuf,
    transactions: u64,
    seed: u64,
    accounts: Option<u64>,
    #[pyo3(from_py_with = moment)] start: Option<i64>,
    days: u32,
    rings: Option<u32>,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let mut options = SynthOptions { transactions, seed, accounts, days, rings, ..SynthOptions::default() };
    options.start_us = start.unwrap_or(options.start_us);
    let report = detached(py, Circumstances::new(None, progress)?, |run| write(&path, &options, run))?;
    let answer = PyDict::new(py);
    answer.set_item("num_transactions", report.transactions)?;
    answer.set_item("num_accounts", report.accounts)?;
    answer.set_item("num_links", report.links)?;
    answer.set_item("num_planted_transactions", report.planted_transactions)?;
    let planted = PyDict::new(py);
    for (typology, count) in &report.rings {
        planted.set_item(Typology::name(*typology), count)?;
    }
    answer.set_item("rings", planted)?;
    let look_alikes = PyDict::new(py);
    for (kind, count) in &report.look_alikes {
        look_alikes.set_item(kind.name(), count)?;
    }
    answer.set_item("look_alikes", look_alikes)?;
    Ok(answer)
}

/// Writes the files of a ledger to a new directory, whole or not at all.
fn write(path: &Path, options: &SynthOptions, run: &Run) -> Result<SynthReport> {
    let directory = Directory::create(path, run)?;
    let mut outputs = SynthOutputs::open(|name| directory.writer(name))?;
    let report = generate(options, &mut outputs, run)?;
    let SynthOutputs { transactions, accounts, balances, links, truth_rings, truth_transactions, seeds } =
        outputs;
    for mut file in [transactions, accounts, balances, links, truth_rings, truth_transactions, seeds] {
        file.flush().map_err(Error::io(path))?;
    }
    directory.finish()?;
    Ok(report)
}
