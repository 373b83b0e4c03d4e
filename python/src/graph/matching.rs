//! Patterns in words.

use super::Graph;
use super::patterns::valuation;
use crate::answer::Answer;
use crate::door::{Circumstances, detached};
use crate::errors::to_python;
use crate::moment::{moment, window};
use crate::patterns::Patterns;
use crate::sheet::sheet;
use pyo3::prelude::*;
use ringfence::patterns::{Budget, Query};
use ringfence::report::matches::{MatchQuestion, match_report};

#[pymethods]
impl Graph {
    /// Where a pattern in words is met: accounts, payments between them, times and amounts, as a text that is data and not code.
    ///
    /// The language is described in ``docs/pattern-language.md``.
    ///
    /// Parameters
    /// ----------
    /// query : str
    ///     The pattern.
    /// base : str, optional
    ///     Currency in which amounts are compared; without one, only amounts of one currency can be.
    /// rates : str, os.PathLike, list of dict, or frame, optional
    ///     Rates to ``base``, as in :meth:`cycles`.
    /// results_max : int, default 100000
    ///     Most matches; what is left out is said.
    /// anchor_work_max, work_max : int, default 1048576 and 68719476736
    ///     Most transfers looked at for one payment or account that the search starts from, and in all.
    /// hub_max : int, default 1000
    ///     Most transfers of an account within the pattern's window for the search to go on through it.
    /// start, end : datetime, date, str or int, optional
    ///     Half-open window ``[start, end)``, as in :meth:`components`; nothing outside of it exists.
    /// threads, progress
    ///     As in :meth:`components`.
    ///
    /// Returns
    /// -------
    /// Patterns
    ///     One instance for each match, by last payment; ``typology`` is the name of the pattern, ``role`` in ``members`` and ``evidence`` the name that
    ///     the query gives to an account or a transfer. ``summary["query"]`` is the query as it was understood.
    ///
    /// Raises
    /// ------
    /// InputError
    ///     With line, column and a remedy, if the text is no query, or names what the graph does not have; nothing was computed.
    /// OptionError
    ///     If an option is outside its range; nothing was computed.
    ///
    /// Examples
    /// --------
    /// >>> found = graph.match('''
    /// ... pattern there-and-back
    /// ... within 3d
    /// ... a: account
    /// ... b: account
    /// ... out: a -> b
    /// ... back: b -> a, after out, amount 50%..100% of out
    /// ... ''')
    /// >>> len(found) == len(found.instances)
    /// True
    #[pyo3(name = "match", signature = (query, *, base = None, rates = None, results_max = 100_000, anchor_work_max = 1_048_576, work_max = 68_719_476_736, hub_max = 1_000, start = None, end = None, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn match_query(
        &self,
        py: Python<'_>,
        query: &str,
        base: Option<String>,
        rates: Option<Bound<'_, PyAny>>,
        results_max: u64,
        anchor_work_max: u64,
        work_max: u64,
        hub_max: u32,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Patterns> {
        let window = window(start, end)?;
        let query = Query::parse(query).map_err(|error| to_python(py, error))?;
        let budget = Budget { results_max, anchor_work_max, work_max, hub_max };
        let rates = sheet(rates, None)?;
        let report = detached(py, Circumstances::new(threads, progress)?, |run| {
            let question = MatchQuestion { query, budget, valuation: valuation(base, rates)? };
            match_report(&self.graph.window(window)?, &question, run)
        })?;
        Ok(Patterns::new(self.graph.clone(), Answer::new(report)))
    }
}
