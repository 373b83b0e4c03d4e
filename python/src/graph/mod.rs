//! `Graph`: an opened store, and the questions that it answers, by subject.

mod belonging;
mod erased;
mod matching;
mod patterns;
mod rings;
mod screening;
mod tracing;

pub(crate) use belonging::identifiers;

use crate::arguments::choice;
use crate::door::{Circumstances, detached};
use crate::info;
use crate::ingest::{PARTITIONS, add, sources};
use crate::moment::{moment, window};
use crate::store::Pin;
use crate::subgraph::Subgraph;
use erased::erased;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ringfence::graph::Graph as Opened;
use ringfence::graph::build::{IngestOptions, Sources, Subject, compact, erase, erase_dry};
use ringfence::graph::subgraph::{Subgraph as Found, SubgraphOptions};
use ringfence::ids::AccountId;
use ringfence::report::pseudonyms::Names;
use ringfence::report::subgraph::NetworkOptions;
use ringfence::store::Io;
use ringfence::{Error, Result};
use std::path::PathBuf;

/// An immutable graph of accounts, transactions and identifiers.
///
/// Made by :func:`ringfence.open` and :func:`ringfence.ingest`. It may be used from several threads at once. After
/// ``os.fork`` it may not: start processes with "spawn" or "forkserver", and open the graph in each of them.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Graph {
    graph: Opened,
}

impl Graph {
    pub(crate) fn new(graph: Opened) -> Self {
        Self { graph }
    }
}

#[pymethods]
impl Graph {
    /// What the graph holds and where it came from.
    ///
    /// Returns
    /// -------
    /// dict
    ///     Counts (``num_accounts``, ``num_transactions``), ``first`` and ``last`` transaction as aware datetimes in
    ///     UTC, ``currencies`` with exact totals in minor units, ``kinds`` of identifiers, ``channels``, ``labels``,
    ///     ``attributes``, ``segments``, ``sources`` with their SHA-256, and the ``generation``.
    ///
    /// Examples
    /// --------
    /// >>> graph.info()["num_transactions"]
    /// 5000
    fn info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        info::dictionary(py, &self.graph)
    }

    /// Adds transactions, accounts and links, read by the mapping that the graph was made with: its next generation, or nothing.
    ///
    /// This object goes on reading its own generation. Only the files of the time partitions that new rows fall into are written anew.
    ///
    /// Parameters
    /// ----------
    /// transactions, accounts, links : as in :func:`ringfence.ingest`, optional
    ///     What is added; at least one of them. A transaction whose key the graph has is skipped if it says the same and rejected if not;
    ///     an account that the graph has gets the attributes that its new row says.
    /// memory : int, optional
    ///     Most memory to use, in bytes; at least 64 MiB, and half of the machine's if not given. New rows that do not fit beside the time
    ///     partitions that they fall into are refused.
    /// max_rejects, rejects, threads, progress
    ///     As in :func:`ringfence.ingest`.
    ///
    /// Returns
    /// -------
    /// Graph
    ///     The next generation.
    ///
    /// Raises
    /// ------
    /// InputError
    ///     If the graph holds a source already, by its SHA-256, with the generation that brought it; or if one cannot be used as a whole.
    /// RejectsError
    ///     If more rows were rejected than ``max_rejects`` allows.
    ///
    /// Examples
    /// --------
    /// >>> first = rf.ingest("daily.graph", "transactions.csv", preset="ledger")
    /// >>> second = first.append(links="links.csv")
    /// >>> first.info()["generation"], second.info()["generation"]
    /// (1, 2)
    #[pyo3(signature = (transactions = None, *, accounts = None, links = None, max_rejects = 1.0, rejects = None, memory = None, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn append(
        &self,
        py: Python<'_>,
        transactions: Option<Bound<'_, PyAny>>,
        accounts: Option<Bound<'_, PyAny>>,
        links: Option<Bound<'_, PyAny>>,
        max_rejects: f64,
        rejects: Option<PathBuf>,
        memory: Option<u64>,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Graph> {
        let given = |table: Option<Bound<'_, PyAny>>| table.as_ref().map_or(Ok(Vec::new()), sources);
        let sources =
            Sources { transactions: given(transactions)?, accounts: given(accounts)?, links: given(links)? };
        let options = IngestOptions { max_rejects_percent: max_rejects, memory, ..IngestOptions::default() };
        detached(py, Circumstances::new(threads, progress)?, |run| {
            add(self.graph.path(), sources, rejects.as_deref(), &options, run)
        })
        .map(Graph::new)
    }

    /// Cuts time into files of another width: the next generation, with the same rows.
    ///
    /// This object goes on reading its own generation. Memory is that of the largest new file while it is made; the files before stay until
    /// they are collected.
    ///
    /// Parameters
    /// ----------
    /// partition : {"week", "month", "year", "none"}
    ///     How time is cut into files of the graph, in UTC. Where the graph has this width already, nothing is written.
    /// threads, progress
    ///     As in :func:`ringfence.ingest`.
    ///
    /// Returns
    /// -------
    /// Graph
    ///     The live generation, whose segments are those of a graph that was made with this width.
    ///
    /// Raises
    /// ------
    /// LockedError
    ///     If another writer is at work.
    ///
    /// Examples
    /// --------
    /// >>> months = rf.ingest("compact.graph", "transactions.csv", preset="ledger")
    /// >>> years = months.compact("year")
    /// >>> years.num_transactions == months.num_transactions
    /// True
    #[pyo3(signature = (partition, *, threads = None, progress = None))]
    fn compact(
        &self,
        py: Python<'_>,
        partition: &str,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Graph> {
        let partition = choice(py, "partition", partition, &PARTITIONS, "week, month, year or none")?;
        detached(py, Circumstances::new(threads, progress)?, |run| {
            compact(self.graph.path(), partition, run)?;
            Opened::open(self.graph.path(), Io::default())
        })
        .map(Graph::new)
    }

    /// Holds this generation, so that no collection removes it while a notebook or a job of several steps comes back to it.
    ///
    /// Returns
    /// -------
    /// Pin
    ///     To be released, or used in a ``with`` block; the end of the process releases it, too.
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     If the generation was collected meanwhile.
    ///
    /// Examples
    /// --------
    /// >>> with graph.pin() as pin:
    /// ...     pin.generation
    /// 1
    fn pin(&self, py: Python<'_>) -> PyResult<Pin> {
        detached(py, Circumstances::default(), |_| Pin::of(&self.graph))
    }

    /// Takes the identity of accounts or identifiers out of the graph on disk; their transactions stay, to the cent.
    ///
    /// An account's key becomes ``erased-<number>``, its attributes and links go, and identifiers that only it used become anonymous too.
    /// Generations that name it are removed, and all files are searched for what named it. This object goes on reading its own
    /// generation until it is closed: let it go, and open the graph again. Backups, exports and the files that the graph was made from
    /// are out of reach. It cannot be undone.
    ///
    /// Parameters
    /// ----------
    /// accounts : list of str, optional
    ///     Keys of accounts.
    /// identifiers : list of tuple of str, optional
    ///     Kind and value of identifiers; their links stay, with an anonymous key.
    /// dry_run : bool, default False
    ///     Say what would be done, and do nothing.
    /// threads, progress
    ///     As in :func:`ringfence.ingest`.
    ///
    /// Returns
    /// -------
    /// dict
    ///     The live ``generation``, whether it was ``published``, what became ``anonymous`` (``kind``, ``number``, ``key``), ``num_links``,
    ///     ``num_attributes`` and ``num_devices`` that went, ``num_shared`` identifiers that others use too, the generations
    ///     ``gone``, and what was ``scanned``: ``num_files``, ``bytes``, ``num_whole``, ``num_within``, ``num_by_chance`` and ``places``;
    ///     ``None`` in a dry run.
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     For a subject that no generation names; nothing was written.
    /// InputError
    ///     While a living process holds a generation that must go by a pin; nothing was written.
    ///
    /// Examples
    /// --------
    /// >>> graph = rf.ingest("erase.graph", "transactions.csv", preset="ledger")
    /// >>> account = graph.components().table().to_dicts(1)[0]["account"]
    /// >>> graph.erase([account])["scanned"]["num_whole"]
    /// 0
    #[pyo3(signature = (accounts = None, *, identifiers = None, dry_run = false, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn erase<'py>(
        &self,
        py: Python<'py>,
        accounts: Option<Vec<String>>,
        identifiers: Option<Vec<(String, String)>>,
        dry_run: bool,
        threads: Option<usize>,
        progress: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyDict>> {
        let accounts = accounts.into_iter().flatten().map(Subject::Account);
        let identifiers = identifiers.into_iter().flatten();
        let identifiers = identifiers.map(|(kind, value)| Subject::Identifier { kind, value });
        let subjects: Vec<Subject> = accounts.chain(identifiers).collect();
        let path = self.graph.path();
        let report = detached(py, Circumstances::new(threads, progress)?, |run| match dry_run {
            true => erase_dry(path, &subjects, run),
            false => erase(path, &subjects, run),
        })?;
        erased(py, &report, dry_run)
    }

    /// The accounts around given ones, and the transactions among them.
    ///
    /// Parameters
    /// ----------
    /// accounts : list of str
    ///     Keys of the accounts to begin with.
    /// hops : int, default 1
    ///     Transfers to follow from them, in either direction.
    /// start, end : datetime, date, str or int, optional
    ///     Half-open window ``[start, end)``, as in :meth:`components`.
    /// accounts_max : int, default 10000
    ///     Most accounts; at least 1. The nearest are kept.
    /// transactions_max : int, default 100000
    ///     Most transactions. The earliest are kept.
    /// transfers_only : bool, default False
    ///     Leave out the identifiers that accounts share.
    /// attributes : list of str, optional
    ///     Account attributes to add to the nodes. They may be personal data.
    /// reveal : bool, default False
    ///     Give identifier values as they are instead of ``kind#number``. They are personal data.
    /// threads, progress
    ///     As in :meth:`components`.
    ///
    /// Returns
    /// -------
    /// Subgraph
    ///     ``truncated`` says whether a limit cut something off.
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     For an account or attribute that the graph does not hold.
    ///
    /// Examples
    /// --------
    /// >>> account = graph.components().table().to_dicts(1)[0]["account"]
    /// >>> _ = graph.subgraph([account]).write("neighbors.graphml", reveal=True)
    #[pyo3(signature = (accounts, *, hops = 1, start = None, end = None, accounts_max = 10_000, transactions_max = 100_000, transfers_only = false, attributes = None, reveal = false, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn subgraph(
        &self,
        py: Python<'_>,
        accounts: Vec<String>,
        hops: u32,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        accounts_max: u32,
        transactions_max: u32,
        transfers_only: bool,
        attributes: Option<Vec<String>>,
        reveal: bool,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Subgraph> {
        let window = window(start, end)?;
        let options = SubgraphOptions { hops, accounts_max, transactions_max };
        let outside = NetworkOptions {
            transfers_only,
            names: Names::Revealed,
            identifiers: identifiers(reveal),
            attributes: attributes.unwrap_or_default(),
        };
        detached(py, Circumstances::new(threads, progress)?, |run| {
            let accounts = accounts.iter().map(|key| self.account(key)).collect::<Result<Vec<_>>>()?;
            let found = Found::neighborhood(&self.graph.window(window)?, &accounts, &options, run)?;
            Subgraph::new(&self.graph, found, outside, (options, window), run)
        })
    }

    /// The directory of the graph.
    #[getter]
    fn path(&self) -> PathBuf {
        self.graph.path().to_path_buf()
    }

    /// Number of accounts.
    #[getter]
    fn num_accounts(&self) -> u32 {
        self.graph.num_accounts()
    }

    /// Number of transactions.
    #[getter]
    fn num_transactions(&self) -> u64 {
        self.graph.num_transactions()
    }

    fn __repr__(&self) -> String {
        let lines = info::summary(&self.graph);
        lines
            .iter()
            .map(|(name, value)| format!("{name:<13} {value}\n"))
            .collect::<String>()
            .trim_end()
            .into()
    }

    fn _repr_html_(&self) -> String {
        info::page(&self.graph)
    }
}

impl Graph {
    fn account(&self, key: &str) -> Result<AccountId> {
        self.graph.find_account(key)?.ok_or_else(|| Error::UnknownKey {
            place: "accounts".into(),
            kind: "account".into(),
            key: key.into(),
        })
    }
}

/// Opens a graph. Costs milliseconds whatever the size.
///
/// Parameters
/// ----------
/// path : str or os.PathLike
///     Directory of the graph, made by :func:`ingest`.
/// io : {"mmap", "read"}, default "mmap"
///     How bytes are reached: mapped into memory, or read into memory, for files that others could change or cut
///     and for network file systems.
/// generation : int, optional
///     An older generation, as :func:`generations` lists them; the live one if not given.
///
/// Returns
/// -------
/// Graph
///
/// Raises
/// ------
/// FormatError
///     If it is no graph, or one of another format version.
/// DamagedError
///     If a file is not what was written.
/// UnknownKeyError
///     If there is no such generation.
/// OSError
///     If the system refuses.
///
/// Examples
/// --------
/// >>> graph = rf.open("bank.graph")
/// >>> graph.num_transactions
/// 5000
#[pyfunction]
#[pyo3(signature = (path, *, io = "mmap", generation = None))]
pub(crate) fn open(py: Python<'_>, path: PathBuf, io: &str, generation: Option<u64>) -> PyResult<Graph> {
    let io = choice(py, "io", io, &[("mmap", Io::Mmap), ("read", Io::Read)], "mmap or read")?;
    let open = || match generation {
        Some(generation) => Opened::open_as_of(&path, generation, io),
        None => Opened::open(&path, io),
    };
    detached(py, Circumstances::default(), |_| open()).map(Graph::new)
}

/// Checks a graph on disk and names file and place of the first promise that is broken.
///
/// Parameters
/// ----------
/// path : str or os.PathLike
///     Directory of the graph.
/// full : bool, default False
///     Also check the SHA-256 of every file, every block, and every rule of the columns.
/// threads, progress
///     As in :meth:`Graph.components`.
///
/// Returns
/// -------
/// dict
///     ``generation``, ``num_files`` and ``bytes`` that were checked.
///
/// Raises
/// ------
/// DamagedError
///     If a promise is broken.
///
/// Examples
/// --------
/// >>> rf.verify("bank.graph", full=True)["generation"]
/// 1
#[pyfunction]
#[pyo3(signature = (path, *, full = false, threads = None, progress = None))]
pub(crate) fn verify<'py>(
    py: Python<'py>,
    path: PathBuf,
    full: bool,
    threads: Option<usize>,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let circumstances = Circumstances::new(threads, progress)?;
    let verified = detached(py, circumstances, |run| ringfence::store::verify::verify(&path, full, run))?;
    let answer = PyDict::new(py);
    answer.set_item("generation", verified.generation)?;
    answer.set_item("num_files", verified.num_files)?;
    answer.set_item("bytes", verified.bytes)?;
    Ok(answer)
}
