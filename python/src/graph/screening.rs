//! What can have arrived, how far accounts are exposed, and where to look next.

use super::Graph;
use crate::answer::Answer;
use crate::bound::Bounds;
use crate::door::{Circumstances, detached};
use crate::exposure::Exposure;
use crate::given::{self, GivenSinks};
use crate::moment::{moment, window};
use crate::rank::{self, Ranking};
use crate::sheet::{Sheet, sheet};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ringfence::report::bound::{BoundInputs, bound_report};
use ringfence::report::exposure::{ExposureInputs, exposure_report};
use ringfence::report::rank::rank_report;
use ringfence::trace::ExposureOptions;
use ringfence::trace::bound::BoundOptions;
use ringfence::units::time::SECOND_US;

#[pymethods]
impl Graph {
    /// Bounds from above how much of the money of seeds accounts can have received, whatever the policy.
    ///
    /// Parameters
    /// ----------
    /// seeds : str, os.PathLike, list of dict, or frame
    ///     As in :meth:`trace`; a balance needs an amount. Each seed is asked about alone: a case with several has a
    ///     bound for each, and their sum bounds the case.
    /// targets : str, os.PathLike, list of str, or frame
    ///     Accounts to ask about: keys, or a CSV file or frame with a column ``account``.
    /// balances : str, os.PathLike, list of dict, or frame, optional
    ///     As in :meth:`trace`. With them a bound can be lower: no more of the money can have waited in an account than
    ///     its stated balance.
    /// until : datetime, date, str or int, optional
    ///     Last moment that counts, inclusive.
    /// span_s : int, optional
    ///     Longest time from a seed to a transaction that counts, in seconds.
    /// ties : {"order", "strict"}, default "order"
    ///     As in :meth:`trace`.
    /// widest : int, optional
    ///     List so many of the widest paths from each seed to each target, at least 1; none if not given.
    /// events_max : int, optional
    ///     Most transactions looked at for one bound; more is an error, never a smaller answer.
    /// start, end : datetime, date, str or int, optional
    ///     Half-open window ``[start, end)``, as in :meth:`components`; nothing outside of it exists.
    /// threads, progress
    ///     As in :meth:`components`.
    ///
    /// Returns
    /// -------
    /// Bounds
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     For an account, transaction or currency that the graph does not hold.
    /// InputError
    ///     For a seed that is not possible, with its line.
    /// LimitExceededError
    ///     For more transactions than ``events_max``.
    ///
    /// Examples
    /// --------
    /// >>> held = graph.trace("seeds.csv").holdings.to_dicts(1)[0]
    /// >>> (bound,) = graph.bound("seeds.csv", [held["account"]]).bounds.to_dicts()
    /// >>> held["amount_minor"] <= bound["amount_minor"]
    /// True
    #[pyo3(signature = (seeds, targets, *, balances = None, until = None, span_s = None, ties = "order", widest = None, events_max = None, start = None, end = None, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn bound(
        &self,
        py: Python<'_>,
        seeds: &Bound<'_, PyAny>,
        targets: &Bound<'_, PyAny>,
        balances: Option<Bound<'_, PyAny>>,
        #[pyo3(from_py_with = moment)] until: Option<i64>,
        span_s: Option<u32>,
        ties: &str,
        widest: Option<u32>,
        events_max: Option<u64>,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Bounds> {
        let window = window(start, end)?;
        let span_us = span_s.map(|span| i64::from(span) * SECOND_US);
        let ties = given::ties(py, ties)?;
        let options = BoundOptions { until, span_us, ties, events_max, ..BoundOptions::default() };
        let (seeds, targets) = (Sheet::given(seeds, None)?, Sheet::given(targets, Some("account"))?);
        let balances = sheet(balances, None)?;
        let report = detached(py, Circumstances::new(threads, progress)?, |run| {
            let inputs = BoundInputs {
                seeds: seeds.into_input("seeds")?,
                targets: targets.into_input("targets")?,
                balances: balances.map(|sheet| sheet.into_input("balances")).transpose()?,
                widest,
            };
            bound_report(&self.graph.window(window)?, &inputs, &options, run)
        })?;
        Ok(Bounds::new(Answer::new(report)))
    }

    /// Screens the whole graph: what every account received, pro rata, of what bad accounts paid.
    ///
    /// Parameters
    /// ----------
    /// sources : str, os.PathLike, list of str, list of dict, or frame
    ///     Bad accounts: keys, or a CSV file, rows or frame with ``account`` and optionally ``case`` and ``from``, a time since
    ///     when their payments count.
    /// opening, balances, ties, until, sinks, sinks_where, sinks_degree_above
    ///     As in :meth:`trace`. A sink cannot be a source.
    /// start, end : datetime, date, str or int, optional
    ///     Half-open window ``[start, end)``, as in :meth:`components`; nothing outside of it exists.
    /// threads, progress
    ///     As in :meth:`components`.
    ///
    /// Returns
    /// -------
    /// Exposure
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     For an account or attribute that the graph does not hold.
    /// InputError
    ///     For a source or balance that is not possible, with its line.
    /// OptionError
    ///     For options that are out of range or do not go together; nothing was computed.
    ///
    /// Examples
    /// --------
    /// >>> exposure = graph.exposure([graph.components().table().to_dicts(1)[0]["account"]])
    /// >>> all(0 < row["tainted_share"] <= 1 for row in exposure.amounts.to_dicts())
    /// True
    #[pyo3(signature = (sources, *, opening = "just_in_time", balances = None, ties = "order", until = None, sinks = None, sinks_where = None, sinks_degree_above = None, start = None, end = None, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn exposure(
        &self,
        py: Python<'_>,
        sources: &Bound<'_, PyAny>,
        opening: &str,
        balances: Option<Bound<'_, PyAny>>,
        ties: &str,
        #[pyo3(from_py_with = moment)] until: Option<i64>,
        sinks: Option<Bound<'_, PyAny>>,
        sinks_where: Option<Bound<'_, PyDict>>,
        sinks_degree_above: Option<u64>,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Exposure> {
        let (opening, ties) = (given::opening(py, opening)?, given::ties(py, ties)?);
        let options = ExposureOptions { opening, ties, until, ..ExposureOptions::default() };
        let (window, sources) = (window(start, end)?, Sheet::given(sources, Some("account"))?);
        let (balances, sinks) =
            (sheet(balances, None)?, GivenSinks::new(sinks, sinks_where, sinks_degree_above)?);
        let report = detached(py, Circumstances::new(threads, progress)?, |run| {
            let inputs = ExposureInputs {
                sources: sources.into_input("sources")?,
                balances: balances.map(|sheet| sheet.into_input("balances")).transpose()?,
                sinks: sinks.inputs()?,
            };
            exposure_report(&self.graph.window(window)?, &inputs, &options, run)
        })?;
        Ok(Exposure::new(Answer::new(report)))
    }

    /// Ranks accounts by what they have to do with given ones. Scores are an order for looking, not money.
    ///
    /// Parameters
    /// ----------
    /// accounts : str, os.PathLike, list of str, or frame
    ///     Where to begin: keys, or a CSV file or frame with a column ``account``.
    /// method : {"ttr", "pagerank"}, default "ttr"
    ///     Follow payments in time order (transaction tracing rank), or look at them without their times.
    /// direction : {"downstream", "upstream"}, default "downstream"
    ///     Along payments, or against them.
    /// weight : {"number", "amount"}, default "number"
    ///     For ``pagerank``: by what one payment is preferred to another.
    /// start, end : datetime, date, str or int, optional
    ///     Half-open window ``[start, end)``, as in :meth:`components`; nothing outside of it exists.
    /// threads, progress
    ///     As in :meth:`components`.
    ///
    /// Returns
    /// -------
    /// Ranking
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     For an account that the graph does not hold.
    ///
    /// Examples
    /// --------
    /// >>> held = graph.trace("seeds.csv").holdings.to_dicts(1)[0]
    /// >>> graph.rank([held["account"]], direction="upstream").ranking.to_dicts(1)[0]["rank"]
    /// 1
    #[pyo3(signature = (accounts, *, method = "ttr", direction = "downstream", weight = "number", start = None, end = None, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn rank(
        &self,
        py: Python<'_>,
        accounts: &Bound<'_, PyAny>,
        method: &str,
        direction: &str,
        weight: &str,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Ranking> {
        let method = rank::method(py, method, direction, weight)?;
        let (window, accounts) = (window(start, end)?, Sheet::given(accounts, Some("account"))?);
        let report = detached(py, Circumstances::new(threads, progress)?, |run| {
            rank_report(&self.graph.window(window)?, &accounts.into_input("accounts")?, &method, run)
        })?;
        Ok(Ranking::new(Answer::new(report)))
    }
}
