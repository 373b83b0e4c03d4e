//! `Graph`: an opened store, and the questions that it answers.

use crate::arguments::{choice, conditions};
use crate::components::Components;
use crate::door::{Circumstances, detached};
use crate::info;
use crate::moment::{moment, window};
use crate::rings::IdentityRings;
use crate::sheet::{Sheet, sheet};
use crate::subgraph::Subgraph;
use crate::trace::{self, Followed, Given, GivenPools, GivenSinks};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ringfence::community::{ComponentsOptions, Over, components};
use ringfence::graph::Graph as Opened;
use ringfence::graph::subgraph::{Subgraph as Found, SubgraphOptions};
use ringfence::ids::{AccountId, KindId};
use ringfence::report::rings::{Identifiers, ring_tables};
use ringfence::report::subgraph::NetworkOptions;
use ringfence::rings::{IdentityRingOptions, identity_rings};
use ringfence::store::Io;
use ringfence::trace::TraceOptions;
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

    /// The weakly connected components.
    ///
    /// Parameters
    /// ----------
    /// over : {"transfers", "identifiers", "both"}, default "transfers"
    ///     What connects accounts: transfers in either direction, shared identifiers, or both.
    /// start, end : datetime, date, str or int, optional
    ///     Half-open window ``[start, end)``: aware datetimes, RFC 3339 texts, whole microseconds since 1970 UTC;
    ///     naive datetimes and dates are UTC. All of time if not given.
    /// accounts_max : int, default 50
    ///     Most accounts that an identifier may have and still connect them; at least 2.
    /// threads : int, optional
    ///     Threads to use, 1 to 1024; all of the machine's if not given. The result does not depend on it.
    /// progress : callable, optional
    ///     Called as ``progress(stage, done, total)``; see :func:`ringfence.progress_bar`.
    ///
    /// Returns
    /// -------
    /// Components
    ///
    /// Raises
    /// ------
    /// OptionError
    ///     If an option is outside its range; nothing was computed.
    ///
    /// Examples
    /// --------
    /// >>> graph.components(over="both").table().column_names
    /// ['account', 'component', 'size']
    #[pyo3(signature = (*, over = "transfers", start = None, end = None, accounts_max = 50, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn components(
        &self,
        py: Python<'_>,
        over: &str,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        accounts_max: u32,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Components> {
        let names =
            [("transfers", Over::Transfers), ("identifiers", Over::Identifiers), ("both", Over::Both)];
        let over = choice(py, "over", over, &names, "transfers, identifiers or both")?;
        let (options, window) = (ComponentsOptions { over, accounts_max }, window(start, end)?);
        let found = detached(py, Circumstances::new(threads, progress)?, |run| {
            components(&self.graph.window(window)?, &options, run)
        })?;
        Ok(Components::new(self.graph.clone(), found))
    }

    /// Rings of accounts that share identifiers: the mark of first-party fraud.
    ///
    /// Parameters
    /// ----------
    /// kinds : list of str, optional
    ///     Kinds of identifiers that tie accounts (for example ``["ssn", "phone"]``); all if not given.
    /// accounts_max : int, default 50
    ///     Most accounts that an identifier may have and still tie them; at least 2. Those with more are in ``hubs``.
    /// accounts_min : int, default 2
    ///     Fewest accounts that make a ring; at least 2.
    /// start, end : datetime, date, str or int, optional
    ///     Half-open window ``[start, end)`` of the sightings, as in :meth:`components`.
    /// reveal : bool, default False
    ///     Give identifier values as they are instead of ``kind#number``. They are personal data.
    /// threads, progress
    ///     As in :meth:`components`.
    ///
    /// Returns
    /// -------
    /// IdentityRings
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     If the graph has no such kind of identifier.
    /// OptionError
    ///     If an option is outside its range; nothing was computed.
    ///
    /// Examples
    /// --------
    /// >>> rings = graph.identity_rings(kinds=["ssn"])
    /// >>> rings.members.column_names
    /// ['ring', 'account']
    #[pyo3(signature = (*, kinds = None, accounts_max = 50, accounts_min = 2, start = None, end = None, reveal = false, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn identity_rings(
        &self,
        py: Python<'_>,
        kinds: Option<Vec<String>>,
        accounts_max: u32,
        accounts_min: u32,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        reveal: bool,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<IdentityRings> {
        let window = window(start, end)?;
        let identifiers = identifiers(reveal);
        let (options, tables) = detached(py, Circumstances::new(threads, progress)?, |run| {
            let kinds =
                kinds.map(|names| names.iter().map(|name| self.kind(name)).collect::<Result<Vec<_>>>());
            let options = IdentityRingOptions { kinds: kinds.transpose()?, accounts_max, accounts_min };
            let found = identity_rings(&self.graph.window(window)?, &options, run)?;
            Ok((options, ring_tables(&self.graph, &found, identifiers, run)?))
        })?;
        Ok(IdentityRings::new(self.graph.clone(), options, tables))
    }

    /// Follows money downstream from seeds under a stated policy; every unit is accounted for.
    ///
    /// Parameters
    /// ----------
    /// seeds : str, os.PathLike, list of dict, or frame
    ///     Money that cases claim: a CSV file, rows, or any object that speaks Arrow. A transaction is ``case``,
    ///     ``transaction`` and optionally ``amount`` (the first units of what it hands over); a deposit from outside of
    ///     the graph is ``case``, ``account``, ``currency``, ``time``, ``amount``; a balance, money that is in an
    ///     account already, is the same with ``kind`` ``balance``, all of it without an amount. ``amount`` is decimal;
    ///     ``amount_minor`` counts minor units. With several kinds of rows the column ``kind`` says ``transaction``,
    ///     ``deposit`` or ``balance``.
    /// policy : {"fifo", "lifo", "haircut", "clean_first", "tainted_first", "poison"}, default "fifo"
    ///     Which part of an account's money a payment takes: the oldest, the newest, a share of everything, clean money
    ///     first (the lowest intermediate balance rule), or tainted money first. ``poison`` is exposure, not money:
    ///     everything that is paid after first contact.
    /// opening : {"just_in_time", "minimal", "given"}, default "just_in_time"
    ///     What accounts hold before their first transaction; ``given`` reads ``balances``.
    /// balances : str, os.PathLike, list of dict, or frame, optional
    ///     ``account``, ``currency``, ``amount`` and optionally ``time``: without a time what an account holds at first,
    ///     with one a statement, which is checked (:attr:`Trace.balance_breaks`).
    /// pooling : {"currency", "value"}, default "currency"
    ///     Which money of an account mixes: that of one currency, or all of it by its value in ``base``.
    /// base : str, optional
    ///     Code of the currency in which values are counted.
    /// rates : str, os.PathLike, list of dict, or frame, optional
    ///     ``currency``, ``date``, ``rate`` in units of ``base``; without it rates come from the graph's own conversions.
    /// ties : {"order", "strict"}, default "order"
    ///     Whether rows of one moment happen in their order, or money received at a moment leaves only later.
    /// until : datetime, date, str or int, optional
    ///     Last moment of the trace, inclusive; transactions after it do not happen.
    /// sinks : str, os.PathLike, list of str, or frame, optional
    ///     Accounts where the money stays for good: keys, or a CSV file or frame with a column ``account``.
    /// sinks_where : dict, optional
    ///     The same for accounts whose attribute has a value, or one of a list: ``{"kind": ["merchant", "utility"]}``.
    /// sinks_degree_above : int, optional
    ///     The same for accounts with more transfers than this in the window, payments and receipts counted together.
    /// dust : int, default 0
    ///     Least amount that is followed, in minor units (of ``base`` where values are pooled); what arrives in a
    ///     smaller piece becomes clean.
    /// max_hops : int, optional
    ///     Transactions after which money stays where it is.
    /// joint : bool, default True
    ///     Whether cases share the accounts' money; ``False`` traces each case as if it were the only one.
    /// start, end : datetime, date, str or int, optional
    ///     Half-open window ``[start, end)``, as in :meth:`components`; nothing outside of it exists for the trace.
    /// threads, progress
    ///     As in :meth:`components`.
    ///
    /// Returns
    /// -------
    /// Trace or Contacts
    ///     Contacts for ``policy="poison"``.
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     For an account, transaction, currency or attribute that the graph does not hold.
    /// InputError
    ///     For a seed, balance or rate that is not possible, with its line.
    /// OptionError
    ///     For options that are out of range or do not go together; nothing was computed.
    ///
    /// Examples
    /// --------
    /// >>> trace = graph.trace("seeds.csv", policy="haircut", sinks_where={"kind": "merchant"})
    /// >>> trace.flows.to_dicts(1)[0]["hop"]
    /// 0
    #[pyo3(signature = (seeds, *, policy = "fifo", opening = "just_in_time", balances = None, pooling = "currency", base = None, rates = None, ties = "order", until = None, sinks = None, sinks_where = None, sinks_degree_above = None, dust = 0, max_hops = None, joint = true, start = None, end = None, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn trace(
        &self,
        py: Python<'_>,
        seeds: &Bound<'_, PyAny>,
        policy: &str,
        opening: &str,
        balances: Option<Bound<'_, PyAny>>,
        pooling: &str,
        base: Option<String>,
        rates: Option<Bound<'_, PyAny>>,
        ties: &str,
        #[pyo3(from_py_with = moment)] until: Option<i64>,
        sinks: Option<Bound<'_, PyAny>>,
        sinks_where: Option<Bound<'_, PyDict>>,
        sinks_degree_above: Option<u64>,
        dust: i64,
        max_hops: Option<u32>,
        joint: bool,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Followed> {
        let (policies, window) = (trace::policies(py, policy)?, window(start, end)?);
        let (opening, ties) = (trace::opening(py, opening)?, trace::ties(py, ties)?);
        let rules = TraceOptions { opening, ties, until, dust, max_hops, joint, ..TraceOptions::default() };
        let given = Given {
            seeds: Sheet::given(seeds, None)?,
            pools: GivenPools {
                balances: sheet(balances, None)?,
                pooling: trace::pooling(py, pooling)?,
                base,
                rates: sheet(rates, None)?,
            },
            sinks: GivenSinks {
                accounts: sheet(sinks, Some("account"))?,
                attributes: conditions(sinks_where)?,
                degree_above: sinks_degree_above,
            },
        };
        detached(py, Circumstances::new(threads, progress)?, |run| {
            given.follow(&self.graph, window, policies, &rules, run)
        })
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
    /// >>> graph.subgraph([account]).write("neighbors.graphml")
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
            identifiers: identifiers(reveal),
            attributes: attributes.unwrap_or_default(),
        };
        detached(py, Circumstances::new(threads, progress)?, |run| {
            let accounts = accounts.iter().map(|key| self.account(key)).collect::<Result<Vec<_>>>()?;
            let found = Found::neighborhood(&self.graph.window(window)?, &accounts, &options, run)?;
            Subgraph::new(&self.graph, &found, &outside, run)
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

    fn kind(&self, name: &str) -> Result<KindId> {
        self.graph.find_kind(name).ok_or_else(|| Error::UnknownKey {
            place: "kinds".into(),
            kind: "kind of identifier".into(),
            key: name.into(),
        })
    }
}

fn identifiers(reveal: bool) -> Identifiers {
    if reveal { Identifiers::Revealed } else { Identifiers::Masked }
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
/// OSError
///     If the system refuses.
///
/// Examples
/// --------
/// >>> graph = rf.open("bank.graph")
/// >>> graph.num_transactions
/// 5000
#[pyfunction]
#[pyo3(signature = (path, *, io = "mmap"))]
pub(crate) fn open(py: Python<'_>, path: PathBuf, io: &str) -> PyResult<Graph> {
    let io = choice(py, "io", io, &[("mmap", Io::Mmap), ("read", Io::Read)], "mmap or read")?;
    detached(py, Circumstances::default(), |_| Opened::open(&path, io)).map(Graph::new)
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
