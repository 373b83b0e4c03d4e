//! `Communities`: who belongs together.

use crate::answer::loads;
use crate::answer::{Answer, count, span, text};
use crate::door::{Circumstances, detached};
use crate::errors::to_python;
use crate::picture::{Wanted, drawn, shown_with};
use crate::table::Table;
use pyo3::prelude::*;
use ringfence::Error;
use ringfence::report::case::{Picture, Sketch};
use ringfence::report::communities::CommunityAnswer;
use ringfence::report::projection::Projected;
use std::path::PathBuf;
use std::sync::Arc;

/// Members of a community that shows itself unasked.
const SHOWN_MAX: usize = 20_000;

/// A partition of accounts into communities, largest first; made by :meth:`Projection.communities`.
///
/// ``len(communities)`` is their number.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Communities {
    projected: Arc<Projected>,
    answer: Answer,
    found: Arc<CommunityAnswer>,
}

impl Communities {
    pub(crate) fn new(projected: Arc<Projected>, mut found: CommunityAnswer) -> Self {
        let answer = Answer::new(std::mem::take(&mut found.report));
        Self { projected, answer, found: Arc::new(found) }
    }
}

#[pymethods]
impl Communities {
    /// Accounts with their community: ``account``, ``community``, ``size`` (accounts of the community), ``finest`` (the community
    /// on the finest level of the hierarchy), by size of the community.
    fn table(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "members")
    }

    /// One row per community: ``community``, ``size``, ``pairs`` (of members that are neighbours), ``inside``, ``cut`` (weights),
    /// ``conductance``, ``density``, ``connected``.
    #[getter]
    fn communities(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "communities")
    }

    /// The accounts of one community.
    ///
    /// Parameters
    /// ----------
    /// community : int
    ///     Its number, as in ``table()``.
    ///
    /// Raises
    /// ------
    /// OptionError
    ///     If there is no such community.
    fn members(&self, py: Python<'_>, community: u32) -> PyResult<Vec<String>> {
        let found = detached(py, Circumstances::default(), |run| {
            self.found.members(self.projected.view()?.graph(), community, run)
        })?;
        found.ok_or_else(|| {
            let value = community.to_string();
            to_python(py, Error::Option { name: "community", value, allowed: "one of the column community" })
        })
    }

    /// How communities are nested: ``level`` (0 is the finest), ``community`` on that level, ``size``, ``parent`` on the next level,
    /// null on the last.
    fn hierarchy(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "hierarchy")
    }

    /// The levels of the hierarchy: ``level``, ``num_communities``, ``quality``.
    #[getter]
    fn levels(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "levels")
    }

    /// How good the partition is, under which rules and on which data: ``quality`` (the objective), ``coverage``,
    /// ``num_communities``, ``num_alone``, ``largest`` and all that was asked, as in ``summary.json``.
    fn quality<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.answer.document(py)
    }

    /// How alike this partition and another of the same accounts are.
    ///
    /// Returns
    /// -------
    /// dict
    ///     ``nmi`` (normalised by the mean of the entropies), ``ami`` and ``ari`` (adjusted for chance); 1 for the same.
    ///
    /// Raises
    /// ------
    /// InputError
    ///     If they are of different accounts.
    fn compare<'py>(&self, py: Python<'py>, other: &Bound<'py, Communities>) -> PyResult<Bound<'py, PyAny>> {
        let other = Arc::clone(&other.get().found);
        let found = detached(py, Circumstances::default(), |_| self.found.compare(&other))?;
        loads(py, &found)
    }

    /// A picture of one community: its members with the heaviest ties, and the transfers among them.
    ///
    /// Parameters
    /// ----------
    /// picture : {"ring", "sankey", "timeline"}, default "ring"
    /// community : int, optional
    ///     Its number, as in ``table()``; the largest if not given. The other options are those of :meth:`Trace.picture`.
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     For a community that is not there.
    #[pyo3(signature = (picture = "ring", *, community = None, language = "en", key_file = None, case = None, reveal = false, accounts_max = 60, flows_max = 120))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn picture<'py>(
        &self,
        py: Python<'py>,
        picture: &str,
        community: Option<u32>,
        language: &str,
        key_file: Option<PathBuf>,
        case: Option<String>,
        reveal: bool,
        accounts_max: u32,
        flows_max: u32,
    ) -> PyResult<Bound<'py, PyAny>> {
        let (picture, language) = (picture.to_string(), language.to_string());
        let wanted = Wanted { picture, language, key_file, case, reveal, accounts_max, flows_max };
        drawn(py, wanted, |accounts_max, run| {
            let community = community.unwrap_or_else(|| self.found.ids.first().copied().unwrap_or(0));
            Sketch::community(&self.projected, &self.found, community, accounts_max, run)
        })
    }

    /// Writes every table as CSV and Parquet, and ``summary.json``; see :meth:`Trace.write`.
    #[pyo3(signature = (path, *, guard_formulas = false))]
    fn write(&self, py: Python<'_>, path: PathBuf, guard_formulas: bool) -> PyResult<()> {
        self.answer.write(py, path, guard_formulas)
    }

    fn __len__(&self) -> usize {
        self.found.partition.len()
    }

    fn __repr__(&self) -> String {
        self.lines().join("\n")
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        let table = self.communities(py)?;
        let caption = "communities, largest first; the picture is of the first";
        shown_with(py, &self.lines(), Picture::Ring, Some((caption, &table)), |accounts_max, run| {
            let partition = &self.found.partition;
            let members = if partition.is_empty() { 0 } else { partition.members(0).len() };
            // One account is no picture, and the ties of very many take more time than a display should.
            let first = self.found.ids.first().filter(|_| (2..=SHOWN_MAX).contains(&members));
            let sketch = |&first| Sketch::community(&self.projected, &self.found, first, accounts_max, run);
            first.map(sketch).transpose()
        })
    }
}

impl Communities {
    fn lines(&self) -> [String; 2] {
        let said = self.answer.said();
        let number = |name: &str| said[name].as_f64().unwrap_or_default();
        [
            format!(
                "{} communities of {}, the largest of {}",
                self.found.partition.len(),
                count(said["num_accounts"].clone(), "account"),
                text(&said["largest"])
            ),
            format!(
                "{}, quality {:.4}, coverage {:.4}, over {}",
                text(&said["method"]),
                number("quality"),
                number("coverage"),
                span(&said["projection"])
            ),
        ]
    }
}
