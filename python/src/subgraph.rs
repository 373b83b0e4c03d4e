//! `Subgraph`: accounts and transactions taken out of a graph, small enough to look at.

use crate::door::{Circumstances, detached};
use crate::picture::{Wanted, drawn, shown_with};
use crate::table::{Made, Table};
use pyo3::prelude::*;
use ringfence::Result;
use ringfence::graph::Graph;
use ringfence::graph::subgraph::{Subgraph as Found, SubgraphOptions};
use ringfence::report::Network;
use ringfence::report::case::{Picture, Sketch};
use ringfence::report::export::{Columns, Format, PartOptions, export_part};
use ringfence::report::pseudonyms::Names;
use ringfence::report::subgraph::{NetworkOptions, network};
use ringfence::store::backup::Key;
use ringfence::units::Window;
use std::path::PathBuf;

/// Accounts, the transactions among them and the identifiers that they share; made by :meth:`Graph.subgraph`.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Subgraph {
    graph: Graph,
    found: Found,
    options: NetworkOptions,
    asked: (SubgraphOptions, Window),
    network: Network,
    made: [Made; 2],
}

impl Subgraph {
    /// `found`, which was `asked` for, with external keys.
    pub(crate) fn new(
        graph: &Graph,
        found: Found,
        options: NetworkOptions,
        asked: (SubgraphOptions, Window),
        run: &ringfence::Run,
    ) -> Result<Self> {
        let network = network(graph, &found, &options, run)?;
        Ok(Self { graph: graph.clone(), found, options, asked, network, made: Default::default() })
    }
}

#[pymethods]
impl Subgraph {
    /// One row per node: ``id``, ``type`` (``account`` or ``identifier``), ``hop`` (transfers from the nearest given
    /// account), and the attributes that were asked for.
    #[getter]
    fn accounts(&self, py: Python<'_>) -> PyResult<Table> {
        self.made[0].of(py, &self.network.nodes)
    }

    /// One row per edge: ``id`` (transaction key), ``source``, ``target``, ``type`` (``transfer`` or ``uses``), ``time``,
    /// ``currency``, ``amount`` (decimal text), ``amount_minor``, what was received, ``channel``, ``label``, ``corrects`` and ``reverses``
    /// (the id of the earlier transaction that this one says anew or takes back, null for most; one that was corrected is no edge itself).
    #[getter]
    fn transactions(&self, py: Python<'_>) -> PyResult<Table> {
        self.made[1].of(py, &self.network.edges)
    }

    /// Number of accounts.
    #[getter]
    fn num_accounts(&self) -> usize {
        self.found.num_nodes()
    }

    /// Number of transactions.
    #[getter]
    fn num_transactions(&self) -> usize {
        self.found.num_edges()
    }

    /// Whether a limit cut something off; the nearest accounts and the earliest transactions were kept.
    #[getter]
    fn truncated(&self) -> bool {
        self.found.truncated
    }

    /// A :class:`networkx.MultiDiGraph`: nodes and edges are named by their external keys. Needs networkx.
    fn to_networkx<'py>(slf: &Bound<'py, Self>) -> PyResult<Bound<'py, PyAny>> {
        slf.py().import("ringfence.interop")?.call_method1("to_networkx", (slf,))
    }

    /// A picture of the subgraph: accounts, the transfers among them and the identifiers that they share; near accounts first.
    ///
    /// The other options are those of :meth:`Trace.picture`.
    #[pyo3(signature = (picture = "ring", *, language = "en", key_file = None, case = None, reveal = false, accounts_max = 60, flows_max = 120))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn picture<'py>(
        &self,
        py: Python<'py>,
        picture: &str,
        language: &str,
        key_file: Option<PathBuf>,
        case: Option<String>,
        reveal: bool,
        accounts_max: u32,
        flows_max: u32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (picture, language) = (picture.to_string(), language.to_string());
        let wanted = Wanted { picture, language, key_file, case, reveal, accounts_max, flows_max };
        drawn(py, wanted, |_, _| Sketch::subgraph(&self.graph, &self.network))
    }

    /// Writes the subgraph for other programs, and beside it ``<path>.withheld.json`` (in a directory ``withheld.json``),
    /// which says what was withheld and on what the export rests.
    ///
    /// Parameters
    /// ----------
    /// path : str or os.PathLike
    ///     File or directory to make. The ending of a file chooses the format: ``.graphml``, ``.gexf``, ``.gml``, ``.dot``,
    ///     ``.cyjs``, ``.cx2``, ``.json`` (node-link) or ``.csv`` (the transfers alone).
    /// format : str, optional
    ///     Format by name: ``graphml``, ``gexf``, ``gml``, ``dot``, ``cyjs``, ``cx2``, ``node-link``, ``csv``, or for
    ///     directories ``csv-pair``, ``parquet-pair``, ``neo4j``.
    /// key_file : str or os.PathLike, optional
    ///     Key, made by :func:`ringfence.backup_key`, under which accounts, transactions and identifiers get pseudonyms.
    /// case : str, default 'default'
    ///     Pseudonyms are the same in all exports of one case under one key, and others in other cases.
    /// reveal : bool, default False
    ///     Write names as they are in :attr:`accounts` and :attr:`transactions`. They are personal data.
    /// key_table : str or os.PathLike, optional
    ///     File to make with the table that takes pseudonyms back to names; its owner alone may read it.
    /// columns : list of str, optional
    ///     Write these columns alone, beside ``id``, ``source``, ``target`` and ``type``.
    /// without : list of str, optional
    ///     Leave out these columns.
    /// guard_formulas : bool, default True
    ///     In CSV, put an apostrophe before texts that a spreadsheet would run as a formula; never in the files for Neo4j.
    ///
    /// Returns
    /// -------
    /// dict
    ///     The document of what was withheld.
    ///
    /// Raises
    /// ------
    /// FileExistsError
    ///     If there is something at ``path``; nothing is overwritten.
    /// InputError
    ///     If there is neither ``key_file`` nor ``reveal``, or a column that is not there.
    /// OptionError
    ///     For another ending or format.
    ///
    /// Examples
    /// --------
    /// >>> account = graph.components().table().to_dicts(1)[0]["account"]
    /// >>> graph.subgraph([account]).write("around.gexf", reveal=True)["format"]
    /// 'gexf'
    #[pyo3(signature = (path, *, format = None, key_file = None, case = "default", reveal = false, key_table = None, columns = None, without = None, guard_formulas = true))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn write<'py>(
        &self,
        py: Python<'py>,
        path: PathBuf,
        format: Option<String>,
        key_file: Option<PathBuf>,
        case: &str,
        reveal: bool,
        key_table: Option<PathBuf>,
        columns: Option<Vec<String>>,
        without: Option<Vec<String>>,
        guard_formulas: bool,
    ) -> PyResult<Bound<'py, PyAny>> {
        let made = detached(py, Circumstances::default(), |run| {
            let format = format.as_deref().map(Format::named).transpose()?;
            let key = key_file.as_deref().map(Key::from_file).transpose()?;
            let options = PartOptions {
                network: NetworkOptions {
                    names: Names::chosen(reveal, key.as_ref(), case)?,
                    ..self.options.clone()
                },
                columns: Columns { only: columns, without: without.unwrap_or_default() },
                format,
                guard_formulas,
                key_table,
                asked: Some(self.asked.clone()),
            };
            export_part(&self.graph, &self.found, None, &options, &path, run)
        })?;
        py.import("json")?.call_method1("loads", (made.document.to_string(),))
    }

    fn __repr__(&self) -> String {
        let more = if self.found.truncated { ", truncated" } else { "" };
        let (accounts, transactions) = (self.found.num_nodes(), self.found.num_edges());
        format!("Subgraph({accounts} accounts, {transactions} transactions{more})")
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        shown_with(py, &[self.__repr__()], Picture::Ring, None, |_, _| {
            Sketch::subgraph(&self.graph, &self.network).map(Some)
        })
    }
}
