//! `Patterns` and `CycleCounts`: shapes of laundering, with the payments that show them.

use crate::answer::{Answer, count, loads, shown, span};
use crate::table::Table;
use pyo3::prelude::*;
use ringfence::patterns::Typology;
use serde_json::{Map, Value};
use std::path::PathBuf;

/// Instances of typologies, each with its accounts and payments; made by :meth:`Graph.patterns` and :meth:`Graph.cycles`.
///
/// ``len(patterns)`` is the number of instances. A shape says where to look; most of what has it is ordinary.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Patterns {
    answer: Answer,
}

impl Patterns {
    pub(crate) fn new(answer: Answer) -> Self {
        Self { answer }
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
        shown(&[self.__repr__()], "instances, by typology, then by score", &self.instances(py)?)
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
