//! `Rings`: groups of accounts with the evidence that ties them.

use crate::answer::{Answer, count, span};
use crate::case::{Asked, CaseFile};
use crate::door::{Circumstances, detached};
use crate::picture::{Wanted, drawn, shown_with};
use crate::table::Table;
use pyo3::prelude::*;
use ringfence::Error;
use ringfence::graph::Graph;
use ringfence::report::Report;
use ringfence::report::case::{Picture, Sketch, ring_case_of};
use ringfence::report::rings::{NamedRings, ring_changes};
use std::path::PathBuf;

/// Rings of accounts that shared identifiers, shapes of money, traces and communities tie; made by :meth:`Graph.rings`.
///
/// ``len(rings)`` is their number; the highest score comes first. A ring says where to look, not who is guilty.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Rings {
    graph: Graph,
    named: NamedRings,
    answer: Answer,
}

impl Rings {
    pub(crate) fn new(graph: Graph, named: NamedRings, report: Report) -> Self {
        Self { graph, named, answer: Answer::new(report) }
    }
}

#[pymethods]
impl Rings {
    /// One row per ring: ``ring`` (its name), ``rank`` from 1, ``score_millibits``, ``num_accounts``, ``num_transactions``, ``num_identifiers``,
    /// ``num_claims``, ``kinds`` (of claims, joined by ``+``), ``first``, ``last``.
    #[getter]
    fn rings(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "rings")
    }

    /// One row per member: ``ring``, ``account``, ``roles`` (joined by ``+``: ``controller``, ``collector``, ``mule``, ``layer``, ``cash-out``,
    /// ``victim``), ``num_claims``, ``community``.
    #[getter]
    fn members(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "members")
    }

    /// Why each ring is one: ``ring``, ``claim``, ``kind``, ``score_millibits``, ``adds_millibits`` (these add up to the ring's score),
    /// ``num_accounts``, ``num_transactions``, ``num_identifiers``.
    #[getter]
    fn claims(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "claims")
    }

    /// Who is in a claim: ``ring``, ``claim``, ``stage``, ``account``, ``role``.
    #[getter]
    fn parties(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "parties")
    }

    /// The payments behind each claim: ``ring``, ``claim``, ``transaction``, ``source``, ``destination``, ``time``, ``currency``, ``paid_minor``,
    /// ``received_currency``, ``received_minor``.
    #[getter]
    fn evidence(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "evidence")
    }

    /// Uses of identifiers that tie members: ``ring``, ``account``, ``kind``, ``identifier``, ``first``, ``last``, ``count``.
    #[getter]
    fn identifiers(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "identifiers")
    }

    /// The score by kind of claim: ``ring``, ``kind``, ``millibits``; they add up to it exactly.
    #[getter]
    fn parts(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "parts")
    }

    /// Money by currency, in the ring's time: ``ring``, ``currency``, ``received_minor``, ``paid_minor``, ``kept_minor``, ``inside_minor``,
    /// ``traced_minor``.
    #[getter]
    fn money(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "money")
    }

    /// What was kept out: ``kind`` (``account``, or that of an identifier), ``hub``, ``num_accounts``, ``claims_set_aside``, ``claims_left``.
    #[getter]
    fn hubs(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "hubs")
    }

    /// Whether a bound of a search was reached, so that there may be more.
    #[getter]
    fn truncated(&self) -> bool {
        self.answer.said()["truncated"] == true
    }

    /// What was asked of which data, as in ``summary.json``.
    #[getter]
    fn summary<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.answer.document(py)
    }

    /// Writes every table as CSV and Parquet, and ``summary.json``; see :meth:`Trace.write`.
    #[pyo3(signature = (path, *, guard_formulas = false))]
    fn write(&self, py: Python<'_>, path: PathBuf, guard_formulas: bool) -> PyResult<()> {
        self.answer.write(py, path, guard_formulas)
    }

    /// A picture of one ring: its members, the payments behind its claims and the identifiers that tie it.
    ///
    /// Parameters
    /// ----------
    /// picture : {"ring", "sankey", "timeline"}, default "ring"
    /// ring : str or int, default 1
    ///     Its name, or its rank from 1. The other options are those of :meth:`Trace.picture`.
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     For a ring that is not there.
    #[pyo3(signature = (picture = "ring", *, ring = None, language = "en", key_file = None, case = None, reveal = false, accounts_max = 60, flows_max = 120))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn picture<'py>(
        &self,
        py: Python<'py>,
        picture: &str,
        ring: Option<Bound<'_, PyAny>>,
        language: &str,
        key_file: Option<PathBuf>,
        case: Option<String>,
        reveal: bool,
        accounts_max: u32,
        flows_max: u32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let ring = ring.map_or(Ok("1".to_string()), |ring| ring.str().map(|text| text.to_string()))?;
        let (picture, language) = (picture.to_string(), language.to_string());
        let wanted = Wanted { picture, language, key_file, case, reveal, accounts_max, flows_max };
        drawn(py, wanted, |_, _| Sketch::ring(&self.graph, self.answer.report(), &ring))
    }

    /// The case file of one ring.
    ///
    /// Accounts, transactions and identifiers are called by pseudonyms under a key, or with ``reveal=True`` as they are.
    ///
    /// Parameters
    /// ----------
    /// ring : str or int, default 1
    ///     Its name, or its rank from 1.
    /// language : {"en", "zh"}, default "en"
    ///     Of its texts.
    /// key_file : str or os.PathLike, optional
    ///     The key of the pseudonyms, made by :func:`backup_key`; nobody else may be allowed to read it.
    /// case : str, optional
    ///     The same key and case give the same pseudonyms, another case gives others.
    /// reveal : bool, default False
    ///     Call everything as it is in the data. That is personal data.
    /// attributes : list of str, optional
    ///     Account attributes to tell. They may be personal data.
    /// counterfactual : bool, default True
    ///     Also look for what the ring would not have been reported without.
    /// accounts_max, transfers_max : int, default 2000 and 8000
    ///     Most that is shown.
    ///
    /// Returns
    /// -------
    /// CaseFile
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     For a ring that is not there.
    /// InputError
    ///     If there is neither a key nor ``reveal=True``, or both.
    #[pyo3(signature = (ring = None, *, language = "en", key_file = None, case = None, reveal = false, attributes = None, counterfactual = true, accounts_max = 2_000, transfers_max = 8_000))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn case_file(
        &self,
        py: Python<'_>,
        ring: Option<Bound<'_, PyAny>>,
        language: &str,
        key_file: Option<PathBuf>,
        case: Option<String>,
        reveal: bool,
        attributes: Option<Vec<String>>,
        counterfactual: bool,
        accounts_max: u32,
        transfers_max: u32,
    ) -> PyResult<CaseFile> {
        let ring = ring.map_or(Ok("1".to_string()), |ring| ring.str().map(|text| text.to_string()))?;
        let language = language.to_string();
        let asked = Asked { language, key_file, case, reveal, attributes, accounts_max, transfers_max };
        let content = detached(py, Circumstances::default(), |run| {
            let named = |place: &usize| self.named.names[*place] == ring || (place + 1).to_string() == ring;
            let Some(place) = (0..self.named.names.len()).find(named) else {
                return Err(Error::UnknownKey { place: "rings".into(), kind: "ring".into(), key: ring });
            };
            let (found, name) = (&self.named.found.rings[place], &self.named.names[place]);
            ring_case_of(&self.graph, name, found, self.answer.said(), counterfactual, &asked.options()?, run)
        })?;
        Ok(CaseFile::new(content))
    }

    fn __len__(&self) -> usize {
        self.named.names.len()
    }

    fn __repr__(&self) -> String {
        let said = self.answer.said();
        let cut = if said["truncated"] == true { ", a search was cut short" } else { "" };
        let (rings, members) = (said["num_rings"].clone(), said["num_members"].clone());
        format!("{} of {}{cut}, over {}", count(rings, "ring"), count(members, "account"), span(said))
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        let table = self.rings(py)?;
        let caption = "rings, the highest score first; the picture is of the first";
        shown_with(py, &[self.__repr__()], Picture::Ring, Some((caption, &table)), |_, _| {
            let first = (self.__len__() > 0).then_some("1");
            first.map(|ring| Sketch::ring(&self.graph, self.answer.report(), ring)).transpose()
        })
    }
}

/// What became of the rings of an earlier run.
///
/// Parameters
/// ----------
/// old, new : str or os.PathLike
///     Directories that :meth:`Rings.write` or ``ringfence rings`` made.
///
/// Returns
/// -------
/// Table
///     One row per ring, or per two that go together (``docs/rings.md``): ``fate``
///     (``born``, ``grew``, ``shrank``, ``changed``, ``unchanged``, ``merged``, ``split``, ``gone``), ``ring``, ``previous``, ``num_shared``,
///     ``num_gained``, ``num_lost``.
#[pyfunction(name = "ring_changes")]
pub(crate) fn changes(py: Python<'_>, old: PathBuf, new: PathBuf) -> PyResult<Table> {
    detached(py, Circumstances::default(), |_| {
        let report = ring_changes(&old, &new)?;
        let mut tables = report.tables.into_iter();
        let (_, table) = tables.next().ok_or_else(|| Error::Unproved("no table of changes".into()))?;
        Table::new(table)
    })
}
