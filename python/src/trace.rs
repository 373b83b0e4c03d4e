//! `Trace`: where the money went.

use crate::answer::{Answer, cases, count, rules};
use crate::contacts::Contacts;
use crate::door::{Circumstances, detached};
use crate::given::{Given, policy};
use crate::paths::Paths;
use crate::picture::{Wanted, drawn, shown_with};
use crate::table::Table;
use pyo3::prelude::*;
use ringfence::graph::Graph;
use ringfence::report::case::{Picture, Sketch};
use ringfence::report::followed::{Followed, PathInputs};
use ringfence::report::question::{Policies, trace_report};
use ringfence::trace::{Policy, TraceOptions};
use ringfence::units::Window;
use ringfence::{Result, Run};
use std::path::PathBuf;

/// Where seeded money went, under a stated policy; made by :meth:`Graph.trace`.
///
/// A scenario under the stated rules, not an entitlement: rules differ by jurisdiction.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Trace {
    followed: Box<Followed>,
    answer: Answer,
}

/// A trace or contacts, as the policy has it.
#[derive(IntoPyObject)]
pub(crate) enum Traced {
    Money(Trace),
    Exposure(Contacts),
}

impl Traced {
    /// Where the money went in a window of `graph`, under one policy.
    pub(crate) fn new(
        graph: &Graph,
        window: Window,
        given: Given,
        policies: Policies,
        rules: TraceOptions,
        run: &Run,
    ) -> Result<Self> {
        let inputs = given.inputs()?;
        let Policies::One(policy) = policies else {
            let report = trace_report(&graph.window(window)?, &inputs, policies, &rules, run)?;
            return Ok(Traced::Exposure(Contacts::new(graph.clone(), Answer::new(report))));
        };
        let followed = Followed::new(graph, window, &inputs, &TraceOptions { policy, ..rules }, run)?;
        let answer = Answer::new(followed.report(run)?);
        Ok(Traced::Money(Trace { followed: Box::new(followed), answer }))
    }
}

#[pymethods]
impl Trace {
    /// One row per tainted payment, by case and in the order of transactions.
    ///
    /// ``case``, ``transaction``, ``source``, ``destination``, ``time``, ``currency`` (paid), ``tainted_paid_minor``,
    /// ``tainted_received_minor``, ``hop`` (0 for a seed), ``received_currency``; amounts in minor units. Where values
    /// are pooled also ``tainted_paid_value`` and ``tainted_received_value``, in minor units of ``base`` / 10⁴.
    #[getter]
    fn flows(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "flows")
    }

    /// Where the money is at the end, sinks aside: ``case``, ``account``, ``currency``, ``amount_minor``,
    /// ``first_receipt``, ``last_receipt``; the largest amount of a case first. Where values are pooled also
    /// ``amount_value``.
    #[getter]
    fn holdings(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "holdings")
    }

    /// What stayed at sinks or went as far as ``max_hops`` lets it, with the columns of ``holdings`` and ``stop``.
    #[getter]
    fn sinks(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "sinks")
    }

    /// Money that deposit and balance seeds claimed: ``case``, ``account``, ``currency``, ``time``, ``amount_minor``.
    #[getter]
    fn entries(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "entries")
    }

    /// Money that stopped being followed: ``case``, ``transaction`` (null where a balance seed did it), ``account``,
    /// ``currency``, ``time``, ``stop`` (``superseded``, ``sink``, …), ``amount_minor``.
    #[getter]
    fn exits(&self, py: Python<'_>) -> PyResult<Table> {
        self.answer.table(py, "exits")
    }

    /// Stated balances that the transactions do not explain: ``account``, ``currency``, ``time``, ``stated_minor``,
    /// ``computed_minor``, ``difference_minor``; ``None`` unless ``balances`` had a time.
    #[getter]
    fn balance_breaks(&self, py: Python<'_>) -> PyResult<Option<Table>> {
        self.answer.find(py, "balance_breaks")
    }

    /// The rates that were used, given or derived: ``currency``, ``date``, ``rate``; ``None`` unless values were pooled.
    #[getter]
    fn rates(&self, py: Python<'_>) -> PyResult<Option<Table>> {
        self.answer.find(py, "rates")
    }

    /// The books that prove the trace, the rules and the data behind it, as in ``ledger.json``.
    ///
    /// For every case and currency ``seeded + converted_in = held + at_sinks + dust + superseded + converted_out +
    /// fees``; minor units are texts of digits, because sums pass 2^53.
    #[getter]
    fn ledger<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyAny>> {
        self.answer.document(py)
    }

    /// By which payments, one after the other, the money came to where it is.
    ///
    /// The amounts of the paths to a holder sum to what it holds. It is one way to tell a case's money apart that agrees
    /// with every amount of the trace, and not the only one: first in, first out within the case.
    ///
    /// Parameters
    /// ----------
    /// case : str, optional
    ///     Only paths of this case.
    /// holder : str, optional
    ///     Only paths that end at this account.
    /// paths_max : int, default 100
    ///     Most paths listed for each case, those with the largest amounts; 0 lists all.
    /// threads, progress
    ///     As in :meth:`Graph.components`.
    ///
    /// Returns
    /// -------
    /// Paths
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     For a case that has no seed, or an account that the graph does not hold.
    ///
    /// Examples
    /// --------
    /// >>> paths = graph.trace("seeds.csv").paths(paths_max=1)
    /// >>> paths.steps.to_dicts(1)[0]["hop"]
    /// 0
    #[pyo3(signature = (*, case = None, holder = None, paths_max = 100, threads = None, progress = None))]
    fn paths(
        &self,
        py: Python<'_>,
        case: Option<String>,
        holder: Option<String>,
        paths_max: usize,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Paths> {
        let inputs = PathInputs { case, holder, paths_max };
        let report =
            detached(py, Circumstances::new(threads, progress)?, |run| self.followed.paths(&inputs, run))?;
        Ok(Paths::new(self.followed.graph().clone(), Answer::new(report)))
    }

    /// The same question under other policies: what holds whatever the rule, and what rests on it.
    ///
    /// Parameters
    /// ----------
    /// policies : list of str, optional
    ///     Policies that conserve money, each once; all five if not given.
    /// threads, progress
    ///     As in :meth:`Graph.components`.
    ///
    /// Returns
    /// -------
    /// Table
    ///     One row per account that holds money under any of them, sinks aside: ``case``, ``account``, ``currency``,
    ///     ``<policy>_minor`` for each, ``least_minor``, ``greatest_minor``, and ``in_safe_core``: whether it holds
    ///     some under every one of them.
    ///
    /// Examples
    /// --------
    /// >>> graph.trace("seeds.csv").compare(["fifo", "haircut"]).column_names[3:5]
    /// ['fifo_minor', 'haircut_minor']
    #[pyo3(signature = (policies = None, *, threads = None, progress = None))]
    fn compare(
        &self,
        py: Python<'_>,
        policies: Option<Vec<String>>,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Table> {
        let named = |names: Vec<String>| names.iter().map(|name| policy(py, name)).collect::<PyResult<_>>();
        let policies = policies.map(named).transpose()?.unwrap_or_else(|| Policy::ALL.to_vec());
        detached(py, Circumstances::new(threads, progress)?, |run| {
            Table::new(self.followed.compare(&policies, run)?)
        })
    }

    /// A picture of the payments that carried the money; amounts are the followed parts of them.
    ///
    /// Accounts are called ``A1``, ``A2``, … by their place in the tables unless names are asked for, so that a picture can be passed on; the largest
    /// flows are drawn, and the picture says what is left out.
    ///
    /// Parameters
    /// ----------
    /// picture : {"sankey", "ring", "timeline"}, default "sankey"
    ///     The money flow by steps; who pays whom; payments in time.
    /// language : {"en", "zh"}, default "en"
    ///     Of its texts.
    /// key_file : str or os.PathLike, optional
    ///     Call accounts by pseudonyms under this key, made by :func:`ringfence.backup_key`.
    /// case : str, default 'default'
    ///     The same key and case give the same pseudonyms, another case gives others.
    /// reveal : bool, default False
    ///     Call accounts as they are in the data. That is personal data.
    /// accounts_max : int, default 60
    ///     Most accounts that are drawn; at least 2.
    /// flows_max : int, default 120
    ///     Most flows that are drawn, each all that one account pays another in one currency; at least 1.
    ///
    /// Returns
    /// -------
    /// Picture
    ///
    /// Raises
    /// ------
    /// OptionError
    ///     For another picture or language, or a bound below its least.
    /// InputError
    ///     If there are both a key and ``reveal=True``.
    #[pyo3(signature = (picture = "sankey", *, language = "en", key_file = None, case = None, reveal = false, accounts_max = 60, flows_max = 120))]
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
        drawn(py, wanted, |_, _| Sketch::trace(self.followed.graph(), self.answer.report()))
    }

    /// Writes every table as CSV and Parquet, and ``ledger.json``.
    ///
    /// Parameters
    /// ----------
    /// path : str or os.PathLike
    ///     Directory to make; it appears whole or not at all.
    /// guard_formulas : bool, default False
    ///     Put an apostrophe before texts that a spreadsheet would run as a formula.
    ///
    /// Raises
    /// ------
    /// FileExistsError
    ///     If there is something at ``path``; nothing is overwritten.
    #[pyo3(signature = (path, *, guard_formulas = false))]
    fn write(&self, py: Python<'_>, path: PathBuf, guard_formulas: bool) -> PyResult<()> {
        self.answer.write(py, path, guard_formulas)
    }

    fn __repr__(&self) -> String {
        self.lines().join("\n")
    }

    fn _repr_html_(&self, py: Python<'_>) -> PyResult<String> {
        let table = self.holdings(py)?;
        shown_with(py, &self.lines(), Picture::Sankey, Some(("where the money is", &table)), |_, _| {
            Sketch::trace(self.followed.graph(), self.answer.report()).map(Some)
        })
    }
}

impl Trace {
    fn lines(&self) -> [String; 3] {
        let (some, said) = (|table, thing| count(self.answer.num_rows(table), thing), self.answer.said());
        [
            format!(
                "Trace of {}: {}, {}, {} at sinks",
                cases(said),
                some("flows", "flow"),
                some("holdings", "holding"),
                self.answer.num_rows("sinks")
            ),
            rules(said),
            "a scenario, not an entitlement".to_string(),
        ]
    }
}
