//! `Patterns` and `CycleCounts`: shapes of laundering, with the payments that show them.

use crate::answer::{Answer, count, loads, shown, span};
use crate::picture::{Wanted, drawn, shown_with};
use crate::table::Table;
use pyo3::prelude::*;
use ringfence::Error;
use ringfence::graph::Graph;
use ringfence::patterns::Typology;
use ringfence::report::case::{Picture, Sketch};
use serde_json::{Map, Value};
use std::path::PathBuf;

/// Instances of typologies, each with its accounts and payments; made by :meth:`Graph.patterns` and :meth:`Graph.cycles`.
///
/// ``len(patterns)`` is the number of instances. A shape says where to look; most of what has it is ordinary.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Patterns {
    graph: Graph,
    answer: Answer,
}

impl Patterns {
    pub(crate) fn new(graph: Graph, answer: Answer) -> Self {
        Self { graph, answer }
    }
}

#[pymethods]
impl Patterns {
    /// One row per instance, by typology, then by score: ``instance`` (a name that stays as long as its accounts and its first payment do),
    /// ``typology``, ``num_accounts``, ``num_transactions``, ``start``, ``end``, ``ways`` (of cycles: choices of payments that make the
    /// shape), ``flow_minor`` (of cycles: what can have come back round them, payments split and joined as needed), ``overlapping`` (instances that it stands for), ``score_millibits`` (how unlikely it is by chance: 10,000 is one in about a
    /// thousand) and its parts ``burst_millibits``, ``strangers_millibits``, ``closure_millibits``, ``conserved_millibits``.
    #[getter]
    fn instances(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "instances")
    }

    /// One row per account of an instance: ``instance``, ``stage`` (place in the order of payments, from 0), ``account``, ``role``
    /// (``source``, ``middle`` or ``sink``).
    #[getter]
    fn members(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "members")
    }

    /// One row per payment of an instance: ``instance``, ``transaction``, ``source``, ``destination``, ``time``, ``currency``,
    /// ``paid_minor``, ``received_currency``, ``received_minor``.
    #[getter]
    fn evidence(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "evidence")
    }

    /// What the payments of an instance come to: ``instance``, ``currency``, ``num_transactions``, ``paid_minor``.
    #[getter]
    fn amounts(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "amounts")
    }

    /// Whether a bound of the search was reached, so that there may be more; ``summary["cut"]`` says which.
    #[getter]
    fn truncated(&self) -> bool {
        self.answer.said()["truncated"] == true
    }

    /// What was asked of which data, as in ``summary.json``.
    #[getter]
    fn summary<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.answer.document(py)
    }

    /// A picture of one instance: its accounts and the payments that show it.
    ///
    /// Parameters
    /// ----------
    /// picture : {"ring", "sankey", "timeline"}, default "ring"
    /// instance : str or int, optional
    ///     Its name, or its row in :attr:`instances` from 1; the one with the highest score if not given. The other options are those of
    ///     :meth:`Trace.picture`.
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     For an instance that is not there.
    #[pyo3(signature = (picture = "ring", *, instance = None, language = "en", key_file = None, case = None, reveal = false, accounts_max = 60, flows_max = 120))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn picture<'py>(
        &self,
        py: Python<'py>,
        picture: &str,
        instance: Option<Bound<'_, PyAny>>,
        language: &str,
        key_file: Option<PathBuf>,
        case: Option<String>,
        reveal: bool,
        accounts_max: u32,
        flows_max: u32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let instance = instance.map(|one| one.str().map(|text| text.to_string())).transpose()?;
        let (picture, language) = (picture.to_string(), language.to_string());
        let wanted = Wanted { picture, language, key_file, case, reveal, accounts_max, flows_max };
        drawn(py, wanted, |_, _| {
            let found = Sketch::instance(&self.graph, self.answer.report(), instance.as_deref())?;
            let (place, kind, key) = ("instances".into(), "instance".into(), "1".into());
            found.ok_or(Error::UnknownKey { place, kind, key })
        })
    }

    /// Writes every table as CSV and Parquet, and ``summary.json``; see :meth:`Trace.write`.
    #[pyo3(signature = (path, *, guard_formulas = false))]
    fn write(&self, py: Python<'_>, path: PathBuf, guard_formulas: bool) -> PyResult<()> {
        self.answer.write(py, path, guard_formulas)
    }

    fn __len__(&self) -> usize {
        self.answer.num_rows("instances")
    }

    fn __repr__(&self) -> String {
        let said = self.answer.said();
        let cut = if said["truncated"] == true { ", cut short" } else { "" };
        format!("{}{cut}, over {}", count(said["num_instances"].clone(), "instance"), span(said))
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        let table = self.instances(py)?;
        let caption =
            "instances, by typology, then by score; the picture is of the one with the highest score";
        shown_with(py, &[self.__repr__()], Picture::Ring, Some((caption, &table)), |_, _| {
            Sketch::instance(&self.graph, self.answer.report(), None)
        })
    }
}

/// How many cycles there are, by length; made by :meth:`Graph.count_cycles`.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct CycleCounts {
    answer: Answer,
}

impl CycleCounts {
    pub(crate) fn new(answer: Answer) -> Self {
        Self { answer }
    }
}

#[pymethods]
impl CycleCounts {
    /// One row per length: ``length``, ``sequences`` (closing payments and the accounts of a cycle they close), ``ways`` (choices
    /// of payments).
    #[getter]
    fn counts(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "counts")
    }

    /// Whether a bound of the search was reached, so that there may be more; ``summary["cut"]`` says which.
    #[getter]
    fn truncated(&self) -> bool {
        self.answer.said()["truncated"] == true
    }

    /// What was asked of which data.
    #[getter]
    fn summary<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.answer.document(py)
    }

    fn __repr__(&self) -> String {
        let said = self.answer.said();
        let cut = if said["truncated"] == true { ", cut short" } else { "" };
        let (sequences, ways) = (said["num_sequences"].clone(), said["num_ways"].clone());
        format!("{}, {}{cut}, over {}", count(sequences, "sequence"), count(ways, "way"), span(said))
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        shown(&[self.__repr__()], "cycles, by length", &self.counts(py)?)
    }
}

/// The shapes of laundering that :meth:`Graph.patterns` looks for, each with its settings and their defaults.
///
/// Times are in seconds, amounts in minor units (with ``base`` in ten-thousandths of its minor units), shares in thousandths.
///
/// Returns
/// -------
/// dict of str to dict
///
/// Examples
/// --------
/// >>> ringfence.typologies()["fan-in"]["counterparties_min"]
/// 5
#[pyfunction]
pub(crate) fn typologies(py: Python<'_>) -> PyResult<Bound<'_, PyAny>> {
    let all =
        Typology::ALL.map(|typology| (typology.name().to_string(), typology.options().settings().into()));
    loads(py, &Value::Object(Map::from_iter(all)))
}
