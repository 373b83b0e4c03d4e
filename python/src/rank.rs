//! `Ranking`: which accounts to look at next.

use crate::answer::{Answer, count, shown, span, text};
use crate::arguments::choice;
use crate::errors::to_python;
use crate::table::Table;
use pyo3::prelude::*;
use ringfence::Error;
use ringfence::report::rank::RankMethod;
use ringfence::trace::rank::{Direction, PersonalizedOptions, TracingOptions, Weight};
use std::path::PathBuf;

/// Accounts by relevance to given ones; made by :meth:`Graph.rank`.
///
/// Scores are an order in which to look at accounts; they are not amounts of money.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Ranking {
    answer: Answer,
}

impl Ranking {
    pub(crate) fn new(answer: Answer) -> Self {
        Self { answer }
    }
}

/// A method by its name, with its options by theirs.
pub(crate) fn method(py: Python<'_>, name: &str, direction: &str, weight: &str) -> PyResult<RankMethod> {
    let directions = Direction::ALL.map(|direction| (direction.name(), direction));
    let direction = choice(py, "direction", direction, &directions, "downstream or upstream")?;
    let weights = [Weight::Number, Weight::Amount].map(|weight| (weight.name(), weight));
    let weight = choice(py, "weight", weight, &weights, "number or amount")?;
    let is_tracing = choice(py, "method", name, &[("ttr", true), ("pagerank", false)], "ttr or pagerank")?;
    if !is_tracing {
        let options = PersonalizedOptions { direction, weight, ..PersonalizedOptions::default() };
        return Ok(RankMethod::Personalized(options));
    }
    if weight != Weight::default() {
        let value = weight.name().into();
        return Err(to_python(
            py,
            Error::Option { name: "weight", value, allowed: "left out unless method is pagerank" },
        ));
    }
    Ok(RankMethod::Tracing(TracingOptions { direction, ..TracingOptions::default() }))
}

#[pymethods]
impl Ranking {
    /// ``rank`` (from 1), ``account``, ``score``; the largest score first.
    #[getter]
    fn ranking(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "ranking")
    }

    /// The method and the data behind it, as in ``summary.json``; scores and its ``residual`` sum to 1.
    #[getter]
    fn summary<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.answer.document(py)
    }

    /// Writes ``ranking`` as CSV and Parquet, and ``summary.json``; see :meth:`Trace.write`.
    #[pyo3(signature = (path, *, guard_formulas = false))]
    fn write(&self, py: Python<'_>, path: PathBuf, guard_formulas: bool) -> PyResult<()> {
        self.answer.write(py, path, guard_formulas)
    }

    fn __len__(&self) -> usize {
        self.answer.num_rows("ranking")
    }

    fn __repr__(&self) -> String {
        self.lines().join("\n")
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        shown(&self.lines(), "where to look next", &self.ranking(py)?)
    }
}

impl Ranking {
    fn lines(&self) -> [String; 3] {
        let (some, said) = (|table, thing| count(self.answer.num_rows(table), thing), self.answer.said());
        [
            format!("Ranking of {}", some("ranking", "account")),
            format!(
                "method {}, direction {}, over {}",
                text(&said["method"]["name"]),
                text(&said["method"]["direction"]),
                span(said)
            ),
            "an order for looking, not money".to_string(),
        ]
    }
}
