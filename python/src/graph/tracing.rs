//! Where money went and came from, and what can still be held.

use super::Graph;
use crate::answer::Answer;
use crate::door::{Circumstances, detached};
use crate::freeze::{Delays, FreezePlan};
use crate::given::{self, Given, GivenPools, GivenSinks};
use crate::moment::{instant, moment, window};
use crate::origins::Origins;
use crate::sheet::{Sheet, sheet};
use crate::trace::Traced;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ringfence::report::freeze::freeze_report;
use ringfence::report::upstream::{UpstreamInputs, upstream_report};
use ringfence::trace::{FreezeOptions, TraceOptions, UpstreamOptions};

#[pymethods]
impl Graph {
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
    /// flows_max : int, default 200000000
    ///     Most flows of one trace before it gives up with an error; bounds memory, at some 40 bytes each.
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
    #[pyo3(signature = (seeds, *, policy = "fifo", opening = "just_in_time", balances = None, pooling = "currency", base = None, rates = None, ties = "order", until = None, sinks = None, sinks_where = None, sinks_degree_above = None, dust = 0, max_hops = None, flows_max = 200_000_000, joint = true, start = None, end = None, threads = None, progress = None))]
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
        flows_max: u64,
        joint: bool,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Traced> {
        let (policies, window) = (given::policies(py, policy)?, window(start, end)?);
        let (opening, ties) = (given::opening(py, opening)?, given::ties(py, ties)?);
        let rules = TraceOptions {
            opening,
            ties,
            until,
            dust,
            max_hops,
            flows_max,
            joint,
            ..TraceOptions::default()
        };
        let given = Given {
            seeds: Sheet::given(seeds, None)?,
            pools: GivenPools::new(py, balances, pooling, base, rates)?,
            sinks: GivenSinks::new(sinks, sinks_where, sinks_degree_above)?,
        };
        detached(py, Circumstances::new(threads, progress)?, |run| {
            Traced::new(&self.graph, window, given, policies, rules, run)
        })
    }

    /// Finds where the money of payments and balances came from, under a stated policy: source of funds.
    ///
    /// The rules are those of :meth:`trace`, played on the history that can reach a target, with every unit owned by the
    /// account that it came from.
    ///
    /// Parameters
    /// ----------
    /// targets : str, os.PathLike, list of dict, or frame
    ///     ``name`` and ``transaction`` (what it pays), or ``name``, ``account``, ``currency``, ``time`` and optionally ``amount``
    ///     (what is in an account after every transaction up to that time). With both kinds of rows the column ``kind``
    ///     says ``transaction`` or ``balance``. Names are distinct.
    /// policy : {"fifo", "lifo", "haircut"}, default "fifo"
    ///     As in :meth:`trace`; the other policies have no meaning upstream.
    /// opening, balances, pooling, base, rates, ties
    ///     As in :meth:`trace`.
    /// origins : str, os.PathLike, list of str, or frame, optional
    ///     Accounts that are not looked behind: what they pay is theirs.
    /// max_hops : int, optional
    ///     Most payments from an origin to the target; farther ones are not followed.
    /// paths_max : int, optional
    ///     Most money paths listed for each target, those with the largest amounts; 0 lists all, and none are listed if
    ///     it is not given.
    /// lots_max : int, default 100000000
    ///     Most pieces of money that are moved for one target before the search gives up; 40 bytes each.
    /// start, end : datetime, date, str or int, optional
    ///     Half-open window ``[start, end)``, as in :meth:`components`; nothing is looked for before it.
    /// threads, progress
    ///     As in :meth:`components`.
    ///
    /// Returns
    /// -------
    /// Origins
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     For an account, transaction or currency that the graph does not hold.
    /// InputError
    ///     For a target that is not possible, with its line.
    /// OptionError
    ///     For options that are out of range or have no meaning upstream; nothing was computed.
    /// LimitExceededError
    ///     For more pieces of money than ``lots_max``.
    ///
    /// Examples
    /// --------
    /// >>> last = graph.trace("seeds.csv").flows.to_dicts()[-1]["transaction"]
    /// >>> origins = graph.origins([{"name": "the last payment", "transaction": last}])
    /// >>> round(sum(row["share"] for row in origins.origins.to_dicts()), 9)
    /// 1.0
    #[pyo3(signature = (targets, *, policy = "fifo", opening = "just_in_time", balances = None, pooling = "currency", base = None, rates = None, ties = "order", origins = None, max_hops = None, paths_max = None, lots_max = 100_000_000, start = None, end = None, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn origins(
        &self,
        py: Python<'_>,
        targets: &Bound<'_, PyAny>,
        policy: &str,
        opening: &str,
        balances: Option<Bound<'_, PyAny>>,
        pooling: &str,
        base: Option<String>,
        rates: Option<Bound<'_, PyAny>>,
        ties: &str,
        origins: Option<Bound<'_, PyAny>>,
        max_hops: Option<u32>,
        paths_max: Option<usize>,
        lots_max: u64,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Origins> {
        let (policy, window) = (given::policy(py, policy)?, window(start, end)?);
        let (opening, ties) = (given::opening(py, opening)?, given::ties(py, ties)?);
        let rules = TraceOptions { policy, opening, ties, ..TraceOptions::default() };
        let options = UpstreamOptions { rules, max_hops, lots_max, ..UpstreamOptions::default() };
        let pools = GivenPools::new(py, balances, pooling, base, rates)?;
        let (targets, origins) = (Sheet::given(targets, None)?, sheet(origins, Some("account"))?);
        let report = detached(py, Circumstances::new(threads, progress)?, |run| {
            let inputs = UpstreamInputs {
                targets: targets.into_input("targets")?,
                origins: origins.map(|sheet| sheet.into_input("origins")).transpose()?,
                pools: pools.inputs()?,
                paths_max,
            };
            upstream_report(&self.graph.window(window)?, &inputs, &options, run)
        })?;
        Ok(Origins::new(self.graph.clone(), Answer::new(report)))
    }

    /// Lists who holds the money of seeds at a moment, whose it is, and what waiting with a freeze costs.
    ///
    /// Parameters
    /// ----------
    /// seeds : str, os.PathLike, list of dict, or frame
    ///     As in :meth:`trace`; none later than ``at``.
    /// at : datetime, date, str or int
    ///     The moment; after every transaction of that time.
    /// delays_h : int or list of int, default 72
    ///     Delays to look at: every whole hour up to this, or these hours, ascending; 0 or an empty list for none.
    /// policy : {"fifo", "lifo", "haircut", "clean_first", "tainted_first"}, default "fifo"
    ///     As in :meth:`trace`. The plan rests on it: compare several before acting.
    /// opening, balances, pooling, base, rates, ties, sinks, sinks_where, sinks_degree_above, dust, max_hops, flows_max
    ///     As in :meth:`trace`.
    /// start, end : datetime, date, str or int, optional
    ///     Half-open window ``[start, end)``, as in :meth:`components`; nothing outside of it exists for the plan.
    /// threads, progress
    ///     As in :meth:`components`.
    ///
    /// Returns
    /// -------
    /// FreezePlan
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
    /// >>> plan = graph.freeze_plan("seeds.csv", at=graph.info()["last"], delays_h=[1, 24])
    /// >>> sorted({row["delay_h"] for row in plan.delays.to_dicts()})
    /// [0, 1, 24]
    #[pyo3(signature = (seeds, *, at, delays_h = Delays::UpTo(72), policy = "fifo", opening = "just_in_time", balances = None, pooling = "currency", base = None, rates = None, ties = "order", sinks = None, sinks_where = None, sinks_degree_above = None, dust = 0, max_hops = None, flows_max = 200_000_000, start = None, end = None, threads = None, progress = None), text_signature = "(self, seeds, *, at, delays_h=72, policy='fifo', opening='just_in_time', balances=None, pooling='currency', base=None, rates=None, ties='order', sinks=None, sinks_where=None, sinks_degree_above=None, dust=0, max_hops=None, flows_max=200000000, start=None, end=None, threads=None, progress=None)")]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn freeze_plan(
        &self,
        py: Python<'_>,
        seeds: &Bound<'_, PyAny>,
        at: &Bound<'_, PyAny>,
        delays_h: Delays,
        policy: &str,
        opening: &str,
        balances: Option<Bound<'_, PyAny>>,
        pooling: &str,
        base: Option<String>,
        rates: Option<Bound<'_, PyAny>>,
        ties: &str,
        sinks: Option<Bound<'_, PyAny>>,
        sinks_where: Option<Bound<'_, PyDict>>,
        sinks_degree_above: Option<u64>,
        dust: i64,
        max_hops: Option<u32>,
        flows_max: u64,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<FreezePlan> {
        let (policy, window) = (given::policy(py, policy)?, window(start, end)?);
        let (opening, ties) = (given::opening(py, opening)?, given::ties(py, ties)?);
        let rules =
            TraceOptions { policy, opening, ties, dust, max_hops, flows_max, ..TraceOptions::default() };
        let options = FreezeOptions { at: instant(at)?, delays_h: delays_h.hours(py)? };
        let given = Given {
            seeds: Sheet::given(seeds, None)?,
            pools: GivenPools::new(py, balances, pooling, base, rates)?,
            sinks: GivenSinks::new(sinks, sinks_where, sinks_degree_above)?,
        };
        let report = detached(py, Circumstances::new(threads, progress)?, |run| {
            freeze_report(&self.graph.window(window)?, &given.inputs()?, &rules, &options, run)
        })?;
        Ok(FreezePlan::new(Answer::new(report)))
    }
}
