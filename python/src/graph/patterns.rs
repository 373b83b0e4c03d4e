//! Shapes of laundering.

use super::Graph;
use crate::answer::Answer;
use crate::door::{Circumstances, detached};
use crate::errors::to_python;
use crate::given;
use crate::moment::{moment, window};
use crate::patterns::{CycleCounts, Patterns};
use crate::sheet::{Sheet, sheet};
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ringfence::patterns::{Budget, CycleOptions, Kept, Null, NullOptions, Options, Typology, searches};
use ringfence::report::patterns::{PatternQuestion, Valuation, cycle_count_report, pattern_report};
use ringfence::units::time::SECOND_US;
use ringfence::{Error, Result};
use serde_json::{Map, Value};

/// In which currency amounts are compared, as it was given.
pub(super) fn valuation(base: Option<String>, rates: Option<Sheet>) -> Result<Valuation> {
    Ok(Valuation { base, rates: rates.map(|sheet| sheet.into_input("rates")).transpose()? })
}

/// Settings by name, as Python's json writes them.
pub(super) fn settings(py: Python<'_>, given: Option<Bound<'_, PyDict>>) -> PyResult<Map<String, Value>> {
    let Some(given) = given else { return Ok(Map::new()) };
    let text: String = py.import("json")?.call_method1("dumps", (given,))?.extract()?;
    let refuse =
        |error: serde_json::Error| Error::Input { input: "settings".into(), problem: error.to_string() };
    serde_json::from_str(&text).map_err(refuse).map_err(|error| to_python(py, error))
}

/// A range of parts as thousandths; any part if none is given.
fn kept(py: Python<'_>, name: &'static str, parts: Option<(f64, f64)>) -> PyResult<Kept> {
    let Some((min, max)) = parts else { return Ok(Kept::ANY) };
    if !(0.0..=1e6).contains(&min) || !(0.0..=1e6).contains(&max) {
        let (value, allowed) = (format!("({min}, {max})"), "two parts such as (0.8, 1.05)");
        return Err(to_python(py, Error::Option { name, value, allowed }));
    }
    Ok(Kept { min_permille: (min * 1000.0).round() as u32, max_permille: (max * 1000.0).round() as u32 })
}

#[pymethods]
impl Graph {
    /// Shapes of laundering, with the payments that show them and a score that says how unlikely they are by chance.
    ///
    /// Parameters
    /// ----------
    /// *typologies : str
    ///     Names of shapes, such as ``"fan-in"`` or ``"scatter-gather"``; all if none is given. :func:`typologies` lists them.
    /// settings : dict, optional
    ///     Changes of the defaults that :func:`typologies` lists, by name: for all shapes that have the setting, or under the name of a shape for that one
    ///     alone, such as ``{"span_s": 86400, "fan-in": {"counterparties_min": 8}}``.
    /// base, rates
    ///     As in :meth:`cycles`.
    /// replicates : int, default 0
    ///     How many shuffles of the payments to search too, for a column ``p_value`` of the instances: how often chance alone scores as high, corrected for the search.
    /// null : {"times", "targets"}, default "times"
    ///     What is shuffled among the payments of the same hour of the week: when they are made, or whom they pay.
    /// within : list of str, optional
    ///     Shuffle only among accounts with the same values of these attributes, such as ``["bank", "segment"]``: of payers by times, of payees by targets.
    /// seed : int, default 0
    ///     Which shuffles.
    /// start, end : datetime, date, str or int, optional
    ///     Half-open window ``[start, end)``, as in :meth:`components`; nothing outside of it exists.
    /// threads, progress
    ///     As in :meth:`components`.
    ///
    /// Returns
    /// -------
    /// Patterns
    ///     By shape, then by score. Always ends: ``truncated`` says whether a bound was reached, ``summary["searches"]`` where.
    ///
    /// Raises
    /// ------
    /// InputError
    ///     For a shape or an attribute that is not known, with the nearest; nothing was computed.
    /// OptionError
    ///     If a setting is outside its range; nothing was computed.
    ///
    /// Examples
    /// --------
    /// >>> found = graph.patterns("fan-in", "fan-out", settings={"span_s": 86400, "counterparties_min": 4})
    /// >>> set(row["typology"] for row in found.instances.to_dicts()) <= {"fan-in", "fan-out"}
    /// True
    #[pyo3(signature = (*typologies, settings = None, base = None, rates = None, replicates = 0, null = "times", within = None, seed = 0, start = None, end = None, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn patterns(
        &self,
        py: Python<'_>,
        typologies: Vec<String>,
        settings: Option<Bound<'_, PyDict>>,
        base: Option<String>,
        rates: Option<Bound<'_, PyAny>>,
        replicates: u32,
        null: &str,
        within: Option<Vec<String>>,
        seed: u64,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Patterns> {
        let window = window(start, end)?;
        let null = match Null::ALL.into_iter().find(|known| known.name() == null) {
            Some(null) => (replicates > 0).then_some(NullOptions {
                null,
                replicates,
                seed,
                within: within.unwrap_or_default(),
            }),
            None => {
                let (name, value, allowed) = ("null", null.to_string(), "times or targets");
                return Err(to_python(py, Error::Option { name, value, allowed }));
            }
        };
        let settings = self::settings(py, settings)?;
        let chosen = || -> Result<Vec<(Typology, Options)>> {
            let named: Result<Vec<Typology>> = typologies.iter().map(|name| Typology::named(name)).collect();
            let named = named?;
            searches(if named.is_empty() { &Typology::ALL } else { &named }, &settings)
        };
        let searches = chosen().map_err(|error| to_python(py, error))?;
        let rates = sheet(rates, None)?;
        let report = detached(py, Circumstances::new(threads, progress)?, |run| {
            let question = PatternQuestion { searches, valuation: valuation(base, rates)?, null };
            pattern_report(&self.graph.window(window)?, &question, run)
        })?;
        Ok(Patterns::new(self.graph.clone(), Answer::new(report)))
    }

    /// Money that leaves an account and comes back to it through others, each payment after the one before.
    ///
    /// Parameters
    /// ----------
    /// span_s : int, default 259200
    ///     Longest time from the first payment to the last, in seconds; at least 1.
    /// length_min, length_max : int, default 2 and 10
    ///     Fewest and most accounts of a cycle; at least 2, at most 64.
    /// ties : {"order", "strict"}, default "order"
    ///     Whether money can be received and paid on at one and the same time.
    /// amount_min : int, default 0
    ///     Least amount of every payment, in minor units; with ``base`` in ten-thousandths of its minor units.
    /// passed_on : tuple of float, optional
    ///     Least and largest part of what an account receives that it pays on, such as ``(0.8, 1.05)``, to the thousandth; any part if
    ///     not given.
    /// returned : tuple of float, optional
    ///     The same for what the first account pays and what comes back to it.
    /// base : str, optional
    ///     Currency in which amounts are compared; without one, only amounts of one currency can be.
    /// rates : str, os.PathLike, list of dict, or frame, optional
    ///     Rates to ``base``: ``currency``, ``date``, ``rate``; derived from the conversions in the data if not given.
    /// results_max : int, default 1000000
    ///     Most cycles; what is left out is said.
    /// anchor_work_max, work_max : int, default 1048576 and 68719476736
    ///     Most transfers looked at for one closing payment, and in all.
    /// hub_max : int, default 1000
    ///     Most transfers of an account within the span for paths to go on through it.
    /// start, end : datetime, date, str or int, optional
    ///     Half-open window ``[start, end)``, as in :meth:`components`; nothing outside of it exists.
    /// threads, progress
    ///     As in :meth:`components`.
    ///
    /// Returns
    /// -------
    /// Patterns
    ///     Cycles of the same accounts that overlap in time are one instance. Always ends: ``truncated`` says whether a bound was
    ///     reached.
    ///
    /// Raises
    /// ------
    /// OptionError
    ///     If an option is outside its range; nothing was computed.
    /// InputError
    ///     For a currency without a rate to ``base``.
    ///
    /// Examples
    /// --------
    /// >>> cycles = graph.cycles(span_s=86400, length_min=3, passed_on=(0.5, 1.0))
    /// >>> all(row["num_accounts"] >= 3 for row in cycles.instances.to_dicts())
    /// True
    #[pyo3(signature = (*, span_s = 259_200, length_min = 2, length_max = 10, ties = "order", amount_min = 0, passed_on = None, returned = None, base = None, rates = None, results_max = 1_000_000, anchor_work_max = 1_048_576, work_max = 68_719_476_736, hub_max = 1_000, start = None, end = None, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn cycles(
        &self,
        py: Python<'_>,
        span_s: i64,
        length_min: u32,
        length_max: u32,
        ties: &str,
        amount_min: i64,
        passed_on: Option<(f64, f64)>,
        returned: Option<(f64, f64)>,
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
        let cycles = CycleOptions {
            span_us: span_s.saturating_mul(SECOND_US),
            length_min,
            length_max,
            ties: given::ties(py, ties)?,
            amount_min,
            passed_on: kept(py, "passed_on", passed_on)?,
            returned: kept(py, "returned", returned)?,
            flow_permille: 0,
            budget: Budget { results_max, anchor_work_max, work_max, hub_max },
        };
        let rates = sheet(rates, None)?;
        let report = detached(py, Circumstances::new(threads, progress)?, |run| {
            let searches = vec![(Typology::Cycle, Options::Cycle(cycles))];
            let question = PatternQuestion { searches, valuation: valuation(base, rates)?, null: None };
            pattern_report(&self.graph.window(window)?, &question, run)
        })?;
        Ok(Patterns::new(self.graph.clone(), Answer::new(report)))
    }

    /// The number of cycles, by length, without keeping any.
    ///
    /// Two numbers: ``sequences`` counts a closing payment and the accounts of a cycle once, ``ways`` every choice of parallel
    /// payments.
    ///
    /// Parameters
    /// ----------
    /// span_s, length_min, length_max, ties, amount_min, anchor_work_max, work_max, hub_max, start, end, threads, progress
    ///     As in :meth:`cycles`.
    ///
    /// Returns
    /// -------
    /// CycleCounts
    ///
    /// Examples
    /// --------
    /// >>> counted = graph.count_cycles(span_s=86400)
    /// >>> all(row["ways"] >= row["sequences"] for row in counted.counts.to_dicts())
    /// True
    #[pyo3(signature = (*, span_s = 259_200, length_min = 2, length_max = 10, ties = "order", amount_min = 0, anchor_work_max = 1_048_576, work_max = 68_719_476_736, hub_max = 1_000, start = None, end = None, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn count_cycles(
        &self,
        py: Python<'_>,
        span_s: i64,
        length_min: u32,
        length_max: u32,
        ties: &str,
        amount_min: i64,
        anchor_work_max: u64,
        work_max: u64,
        hub_max: u32,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<CycleCounts> {
        let window = window(start, end)?;
        let cycles = CycleOptions {
            span_us: span_s.saturating_mul(SECOND_US),
            length_min,
            length_max,
            ties: given::ties(py, ties)?,
            amount_min,
            budget: Budget { anchor_work_max, work_max, hub_max, ..Budget::default() },
            ..CycleOptions::default()
        };
        let report = detached(py, Circumstances::new(threads, progress)?, |run| {
            cycle_count_report(&self.graph.window(window)?, &cycles, &Valuation::default(), run)
        })?;
        Ok(CycleCounts::new(Answer::new(report)))
    }
}
