//! `ingest`: files and frames become a graph.

use crate::arguments::choice;
use crate::capsule::frame;
use crate::door::{Circumstances, detached};
use crate::errors::to_python;
use crate::graph::Graph;
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use ringfence::graph::Graph as Opened;
use ringfence::graph::build::{self, IngestOptions, IngestReport, Sources};
use ringfence::ingest::{Mapping, RejectLog, Source};
use ringfence::report::output::Pending;
use ringfence::store::Io;
use ringfence::store::manifest::Partition;
use ringfence::{Error, Result, Run};
use std::path::{Path, PathBuf};

/// Names of partitions, as options and the store spell them.
pub(crate) const PARTITIONS: [(&str, Partition); 4] = [
    ("week", Partition::Week),
    ("month", Partition::Month),
    ("year", Partition::Year),
    ("none", Partition::None),
];

/// Reads transactions, accounts and links, and makes a graph of them.
///
/// Rows that cannot be used are rejected with a reason and counted; what is rejected is never guessed. A failed or
/// interrupted ingest leaves nothing behind.
///
/// Parameters
/// ----------
/// path : str or os.PathLike
///     Directory of the graph to make.
/// transactions : str, os.PathLike, frame, or list of them
///     CSV files (plain, gzip, zstd), Parquet files, or any objects that speak Arrow (pandas, polars, pyarrow, DuckDB).
/// mapping : dict, str or os.PathLike, optional
///     Which column is what: a dictionary, TOML text, or a TOML file.
/// preset : {"amlgentex", "amlsim", "amlworld", "berka", "fincen", "ledger", "paysim"}, optional
///     Mapping of a known format. Give this or ``mapping``.
/// accounts : as transactions, optional
///     Accounts and their attributes.
/// links : as transactions, optional
///     Links between accounts and identifiers (device, phone, ssn, …).
/// partition : {"week", "month", "year", "none"}, default "month"
///     How time is cut into files of the graph, in UTC.
/// max_rejects : float, default 1.0
///     Most rejected rows, in percent of all rows read; more of them and no graph is made.
/// rejects : str or os.PathLike, optional
///     CSV file to make with every rejected row and why; it stays where too many rejects end the ingest.
/// memory : int, optional
///     Most memory to use, in bytes; at least 64 MiB, and half of the machine's if not given. What does not fit goes to
///     scratch files in the graph's directory. The graph is the same, byte for byte.
/// threads : int, optional
///     Threads to use, 1 to 1024; all of the machine's if not given. The graph does not depend on it.
/// progress : callable, optional
///     Called as ``progress(stage, done, total)``; see :func:`ringfence.progress_bar`.
///
/// Returns
/// -------
/// Graph
///
/// Raises
/// ------
/// FileExistsError
///     If there is a graph at ``path`` already; nothing is overwritten.
/// InputError
///     If a source or the mapping cannot be used as a whole.
/// RejectsError
///     If more rows were rejected than ``max_rejects`` allows.
///
/// Examples
/// --------
/// >>> graph = rf.ingest("new.graph", "transactions.csv", links="links.csv", preset="ledger")
/// >>> graph.num_transactions
/// 5000
#[pyfunction]
#[pyo3(signature = (path, transactions, *, mapping = None, preset = None, accounts = None, links = None, partition = "month", max_rejects = 1.0, rejects = None, memory = None, threads = None, progress = None))]
#[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
pub(crate) fn ingest(
    py: Python<'_>,
    path: PathBuf,
    transactions: &Bound<'_, PyAny>,
    mapping: Option<Bound<'_, PyAny>>,
    preset: Option<&str>,
    accounts: Option<Bound<'_, PyAny>>,
    links: Option<Bound<'_, PyAny>>,
    partition: &str,
    max_rejects: f64,
    rejects: Option<PathBuf>,
    memory: Option<u64>,
    threads: Option<usize>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<Graph> {
    let circumstances = Circumstances::new(threads, progress)?;
    let partition = choice(py, "partition", partition, &PARTITIONS, "week, month, year or none")?;
    let mapping = match (mapping, preset) {
        (Some(mapping), None) => given_mapping(&mapping)?,
        (None, Some(name)) => Mapping::preset(name),
        (given, _) => {
            let value = if given.is_some() { "beside a mapping" } else { "nothing" }.into();
            Err(Error::Option { name: "preset", value, allowed: "given, or a mapping, and not both" })
        }
    }
    .map_err(|error| to_python(py, error))?;
    let sources = Sources {
        transactions: sources(transactions)?,
        accounts: accounts.as_ref().map_or(Ok(Vec::new()), sources)?,
        links: links.as_ref().map_or(Ok(Vec::new()), sources)?,
    };
    let options =
        IngestOptions { partition, max_rejects_percent: max_rejects, memory, ..IngestOptions::default() };
    detached(py, circumstances, |run| {
        let publish = |log: &mut RejectLog| build::ingest(&path, sources, &mapping, log, &options, run);
        published(&path, rejects.as_deref(), publish)
    })
    .map(Graph::new)
}

/// Adds rows to the graph at `path`; see `Graph.append`.
pub(crate) fn add(
    path: &Path,
    sources: Sources,
    rejects: Option<&Path>,
    options: &IngestOptions,
    run: &Run,
) -> Result<Opened> {
    published(path, rejects, |log| build::append(path, sources, log, options, run))
}

/// Opens what `publish` published; the reject file appears whole, and only where it says why.
fn published(
    path: &Path,
    rejects: Option<&Path>,
    publish: impl FnOnce(&mut RejectLog) -> Result<IngestReport>,
) -> Result<Opened> {
    let file = rejects.map(Pending::create).transpose()?;
    let mut log = match (&file, rejects) {
        (Some(file), Some(path)) => RejectLog::writing(path, Box::new(file.writer()?))?,
        _ => RejectLog::counting(),
    };
    let report = publish(&mut log);
    drop(log);
    if let Some(file) = file.filter(|_| matches!(report, Ok(_) | Err(Error::Rejects { .. }))) {
        file.finish()?;
    }
    report.and_then(|_| Opened::open(path, Io::default()))
}

/// One source, or a list of them.
pub(crate) fn sources(given: &Bound<'_, PyAny>) -> PyResult<Vec<Source>> {
    if let Some(reader) = frame(given)? {
        return Ok(vec![Source::Frame { name: "frame".into(), reader }]);
    }
    if let Ok(path) = given.extract::<PathBuf>() {
        return Ok(vec![Source::File(path)]);
    }
    let lists = given.try_iter()?.map(|each| sources(&each?)).collect::<PyResult<Vec<_>>>()?;
    Ok(lists.into_iter().flatten().collect())
}

/// A mapping as a dictionary, as TOML text, or as the path of a TOML file.
fn given_mapping(given: &Bound<'_, PyAny>) -> PyResult<Result<Mapping>> {
    if given.is_instance_of::<PyDict>() {
        let json: String = given.py().import("json")?.call_method1("dumps", (given,))?.extract()?;
        let refused = |problem: String| Error::input("mapping", problem);
        let table = serde_json::from_str::<toml::Table>(&json).map_err(|error| refused(error.to_string()));
        let text =
            table.and_then(|table| toml::to_string(&table).map_err(|error| refused(error.to_string())));
        return Ok(text.and_then(|text| Mapping::parse(&text, "mapping")));
    }
    if let Ok(text) = given.cast::<PyString>() {
        let text = text.to_str()?;
        // A path has no line of TOML in it.
        if text.contains(['\n', '=']) {
            return Ok(Mapping::parse(text, "mapping"));
        }
    }
    let path: PathBuf = given.extract()?;
    let text = std::fs::read_to_string(&path).map_err(Error::io(&path));
    Ok(text.and_then(|text| Mapping::parse(&text, &path.display().to_string())))
}
