//! `Graph`: an opened store, and the questions that it answers.

use crate::answer::Answer;
use crate::arguments::choice;
use crate::bound::Bounds;
use crate::components::Components;
use crate::door::{Circumstances, detached};
use crate::exposure::Exposure;
use crate::freeze::{Delays, FreezePlan};
use crate::given::{self, Given, GivenPools, GivenSinks};
use crate::info;
use crate::links::IdentityLinks;
use crate::moment::{instant, moment, window};
use crate::origins::Origins;
use crate::projection::Projection;
use crate::rank::{self, Ranking};
use crate::rings::IdentityRings;
use crate::sheet::{Sheet, sheet};
use crate::subgraph::Subgraph;
use crate::trace::Traced;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ringfence::community::identity::KindEvidence;
use ringfence::community::{ComponentsOptions, Over, components};
use ringfence::graph::Graph as Opened;
use ringfence::graph::project::{HubRule, ProjectOptions};
use ringfence::graph::subgraph::{Subgraph as Found, SubgraphOptions};
use ringfence::ids::{AccountId, KindId};
use ringfence::report::bound::{BoundInputs, bound_report};
use ringfence::report::exposure::{ExposureInputs, exposure_report};
use ringfence::report::freeze::freeze_report;
use ringfence::report::links::{LinkQuestion, link_report};
use ringfence::report::projection::{Projected, ProjectionInputs, WeightName};
use ringfence::report::rank::rank_report;
use ringfence::report::rings::{Identifiers, ring_tables};
use ringfence::report::subgraph::NetworkOptions;
use ringfence::report::upstream::{UpstreamInputs, upstream_report};
use ringfence::rings::{IdentityRingOptions, identity_rings};
use ringfence::store::Io;
use ringfence::trace::bound::BoundOptions;
use ringfence::trace::{ExposureOptions, FreezeOptions, TraceOptions, UpstreamOptions};
use ringfence::units::time::SECOND_US;
use ringfence::{Error, Result};
use std::path::PathBuf;

/// Seconds of a day.
const DAY_S: u64 = 86_400;

/// An immutable graph of accounts, transactions and identifiers.
///
/// Made by :func:`ringfence.open` and :func:`ringfence.ingest`. It may be used from several threads at once. After
/// ``os.fork`` it may not: start processes with "spawn" or "forkserver", and open the graph in each of them.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Graph {
    graph: Opened,
}

impl Graph {
    pub(crate) fn new(graph: Opened) -> Self {
        Self { graph }
    }
}

#[pymethods]
impl Graph {
    /// What the graph holds and where it came from.
    ///
    /// Returns
    /// -------
    /// dict
    ///     Counts (``num_accounts``, ``num_transactions``), ``first`` and ``last`` transaction as aware datetimes in
    ///     UTC, ``currencies`` with exact totals in minor units, ``kinds`` of identifiers, ``channels``, ``labels``,
    ///     ``attributes``, ``segments``, ``sources`` with their SHA-256, and the ``generation``.
    ///
    /// Examples
    /// --------
    /// >>> graph.info()["num_transactions"]
    /// 5000
    fn info<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        info::dictionary(py, &self.graph)
    }

    /// The weakly connected components.
    ///
    /// Parameters
    /// ----------
    /// over : {"transfers", "identifiers", "both"}, default "transfers"
    ///     What connects accounts: transfers in either direction, shared identifiers, or both.
    /// start, end : datetime, date, str or int, optional
    ///     Half-open window ``[start, end)``: aware datetimes, RFC 3339 texts, whole microseconds since 1970 UTC;
    ///     naive datetimes and dates are UTC. All of time if not given.
    /// accounts_max : int, default 50
    ///     Most accounts that an identifier may have and still connect them; at least 2.
    /// threads : int, optional
    ///     Threads to use, 1 to 1024; all of the machine's if not given. The result does not depend on it.
    /// progress : callable, optional
    ///     Called as ``progress(stage, done, total)``; see :func:`ringfence.progress_bar`.
    ///
    /// Returns
    /// -------
    /// Components
    ///
    /// Raises
    /// ------
    /// OptionError
    ///     If an option is outside its range; nothing was computed.
    ///
    /// Examples
    /// --------
    /// >>> graph.components(over="both").table().column_names
    /// ['account', 'component', 'size']
    #[pyo3(signature = (*, over = "transfers", start = None, end = None, accounts_max = 50, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn components(
        &self,
        py: Python<'_>,
        over: &str,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        accounts_max: u32,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Components> {
        let over = choice(py, "over", over, &overs(), "transfers, identifiers or both")?;
        let (options, window) = (ComponentsOptions { over, accounts_max }, window(start, end)?);
        let found = detached(py, Circumstances::new(threads, progress)?, |run| {
            components(&self.graph.window(window)?, &options, run)
        })?;
        Ok(Components::new(self.graph.clone(), found))
    }

    /// Accounts and what joins them, as a weighted graph for communities, cores and other structure.
    ///
    /// Parameters
    /// ----------
    /// over : {"transfers", "identifiers", "both"}, default "transfers"
    ///     What joins accounts: transfers in either direction, shared identifiers, or both.
    /// weight : {"count", "log", "amount"}, default "count"
    ///     What a transfer weighs: 1, the logarithm of its amount, or its amount in ``currency``.
    /// currency : str, optional
    ///     Currency whose amounts are weights.
    /// transfers_weight, identifiers_weight : int, default 1
    ///     How often a transfer counts, and what a shared identifier counts beside it, divided among the accounts that share it.
    /// accounts_max : int, default 50
    ///     Most accounts that an identifier may have and still join them; at least 2.
    /// neighbors_max : int, optional
    ///     Most neighbours that an account may have before it is a hub; any number if not given.
    /// hubs : {"cut", "damp", "significant"}, default "cut"
    ///     What happens to the pairs of a hub: it has none, they weigh less, or those stay that chance does not explain.
    /// alpha : float, default 0.01
    ///     For ``significant``: probability of keeping any pair of a hub by chance.
    /// allowed : str, os.PathLike, list of str, list of dict, or frame, optional
    ///     What may be shared and joins nobody: keys of accounts, or rows of ``account``, or of ``kind`` and ``value``.
    /// accounts : str, os.PathLike, list of str, or frame, optional
    ///     The only accounts that exist; all of them if not given.
    /// start, end : datetime, date, str or int, optional
    ///     Half-open window ``[start, end)``, as in :meth:`components`.
    /// reveal : bool, default False
    ///     Show identifiers that are hubs as they are, not as ``kind#number``.
    /// threads, progress
    ///     As in :meth:`components`.
    ///
    /// Returns
    /// -------
    /// Projection
    ///
    /// Raises
    /// ------
    /// OptionError
    ///     For options that are out of range or do not go together; nothing was computed.
    /// UnknownKeyError
    ///     For an account, identifier or currency that the graph does not hold.
    ///
    /// Examples
    /// --------
    /// >>> projection = graph.project(over="both", neighbors_max=1000)
    /// >>> projection.hubs.column_names
    /// ['account', 'kind', 'identifier', 'degree', 'kept', 'rule']
    #[pyo3(signature = (*, over = "transfers", weight = "count", currency = None, transfers_weight = 1, identifiers_weight = 1, accounts_max = 50, neighbors_max = None, hubs = "cut", alpha = 0.01, allowed = None, accounts = None, start = None, end = None, reveal = false, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn project(
        &self,
        py: Python<'_>,
        over: &str,
        weight: &str,
        currency: Option<String>,
        transfers_weight: u32,
        identifiers_weight: u32,
        accounts_max: u32,
        neighbors_max: Option<u32>,
        hubs: &str,
        alpha: f64,
        allowed: Option<Bound<'_, PyAny>>,
        accounts: Option<Bound<'_, PyAny>>,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        reveal: bool,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Projection> {
        let weights =
            [WeightName::Count, WeightName::Log, WeightName::Amount].map(|each| (each.name(), each));
        let rules =
            [("cut", HubRule::Cut), ("damp", HubRule::Damp), ("significant", HubRule::Significant { alpha })];
        let weight = choice(py, "weight", weight, &weights, "count, log or amount")?;
        let options = ProjectOptions {
            over: choice(py, "over", over, &overs(), "transfers, identifiers or both")?,
            transfers_weight,
            identifiers_weight,
            accounts_max,
            neighbors_max,
            hubs: choice(py, "hubs", hubs, &rules, "cut, damp or significant")?,
            ..ProjectOptions::default()
        };
        let window = window(start, end)?;
        let (allowed, accounts) = (sheet(allowed, Some("account"))?, sheet(accounts, Some("account"))?);
        let projected = detached(py, Circumstances::new(threads, progress)?, |run| {
            let inputs = ProjectionInputs {
                weight,
                currency,
                allowed: allowed.map(|sheet| sheet.into_input("allowed")).transpose()?,
                accounts: accounts.map(|sheet| sheet.into_input("accounts")).transpose()?,
            };
            Projected::new(&self.graph.window(window)?, &inputs, &options, run)
        })?;
        Ok(Projection::new(projected, reveal))
    }

    /// Links accounts by the identifiers that they share, each weighed by how rare it is.
    ///
    /// Parameters
    /// ----------
    /// kinds : list of str, optional
    ///     Kinds of identifiers that are looked at; all if not given.
    /// correlated : list of list of str, optional
    ///     Kinds that go together, such as ``[["device", "ip"]]``: only the strongest of a group counts for a pair.
    /// bits_min : float, default 4.0
    ///     Least evidence that links two accounts, in bits. In large populations take about the logarithm of their number;
    ///     ``curve`` shows what each threshold gives.
    /// members_max : int, default 100
    ///     Most accounts of a ring: where more hang together, the weakest links are cut.
    /// accounts_max : int, default 50
    ///     Most accounts that an identifier may have and still link them; 2 to 10,000.
    /// m_permille : int, default 900
    ///     Chance that two accounts of one ring share an identifier of a kind, in thousandths.
    /// half_life_days : int, optional
    ///     Days between two accounts' uses in which evidence halves; it never does if not given.
    /// population : int, optional
    ///     Accounts that could have used an identifier of a kind; those that use one if not given.
    /// allowed : str, os.PathLike, list of dict, or frame, optional
    ///     ``kind`` and ``value`` of identifiers that may be shared and link nobody.
    /// placeholders : list of str, optional
    ///     Words that stand for no value, besides those that are known.
    /// start, end : datetime, date, str or int, optional
    ///     Half-open window ``[start, end)`` of the sightings, as in :meth:`components`.
    /// reveal : bool, default False
    ///     Show identifiers as they are, not as ``kind#number``. They are personal data.
    /// threads, progress
    ///     As in :meth:`components`.
    ///
    /// Returns
    /// -------
    /// IdentityLinks
    ///
    /// Raises
    /// ------
    /// OptionError
    ///     For options that are out of range; nothing was computed.
    /// UnknownKeyError
    ///     For a kind or identifier that the graph does not hold.
    ///
    /// Examples
    /// --------
    /// >>> links = graph.link_identities(bits_min=8)
    /// >>> all(row["cohesion_bits"] >= 8 for row in links.rings.to_dicts())
    /// True
    #[pyo3(signature = (*, kinds = None, correlated = None, bits_min = 4.0, members_max = 100, accounts_max = 50, m_permille = 900, half_life_days = None, population = None, allowed = None, placeholders = None, start = None, end = None, reveal = false, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn link_identities(
        &self,
        py: Python<'_>,
        kinds: Option<Vec<String>>,
        correlated: Option<Vec<Vec<String>>>,
        bits_min: f64,
        members_max: u32,
        accounts_max: u32,
        m_permille: u32,
        half_life_days: Option<u32>,
        population: Option<u32>,
        allowed: Option<Bound<'_, PyAny>>,
        placeholders: Option<Vec<String>>,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        reveal: bool,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<IdentityLinks> {
        let (window, allowed) = (window(start, end)?, sheet(allowed, None)?);
        let half_life_s = half_life_days.map(|days| u64::from(days) * DAY_S);
        let report = detached(py, Circumstances::new(threads, progress)?, |run| {
            let question = LinkQuestion {
                kinds: kinds.unwrap_or_default(),
                correlated: correlated.unwrap_or_default(),
                each_kind: KindEvidence { m_permille, half_life_s, ..KindEvidence::default() },
                allowed: allowed.map(|sheet| sheet.into_input("allowed")).transpose()?,
                placeholders: placeholders.unwrap_or_default(),
                population,
                accounts_max,
                bits_min,
                members_max,
                identifiers: identifiers(reveal),
            };
            link_report(&self.graph.window(window)?, &question, run)
        })?;
        Ok(IdentityLinks::new(Answer::new(report)))
    }

    /// Rings of accounts that share identifiers: the mark of first-party fraud.
    ///
    /// Parameters
    /// ----------
    /// kinds : list of str, optional
    ///     Kinds of identifiers that tie accounts (for example ``["ssn", "phone"]``); all if not given.
    /// accounts_max : int, default 50
    ///     Most accounts that an identifier may have and still tie them; at least 2. Those with more are in ``hubs``.
    /// accounts_min : int, default 2
    ///     Fewest accounts that make a ring; at least 2.
    /// start, end : datetime, date, str or int, optional
    ///     Half-open window ``[start, end)`` of the sightings, as in :meth:`components`.
    /// reveal : bool, default False
    ///     Give identifier values as they are instead of ``kind#number``. They are personal data.
    /// threads, progress
    ///     As in :meth:`components`.
    ///
    /// Returns
    /// -------
    /// IdentityRings
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     If the graph has no such kind of identifier.
    /// OptionError
    ///     If an option is outside its range; nothing was computed.
    ///
    /// Examples
    /// --------
    /// >>> rings = graph.identity_rings(kinds=["ssn"])
    /// >>> rings.members.column_names
    /// ['ring', 'account']
    #[pyo3(signature = (*, kinds = None, accounts_max = 50, accounts_min = 2, start = None, end = None, reveal = false, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn identity_rings(
        &self,
        py: Python<'_>,
        kinds: Option<Vec<String>>,
        accounts_max: u32,
        accounts_min: u32,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        reveal: bool,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<IdentityRings> {
        let window = window(start, end)?;
        let identifiers = identifiers(reveal);
        let (options, tables) = detached(py, Circumstances::new(threads, progress)?, |run| {
            let kinds =
                kinds.map(|names| names.iter().map(|name| self.kind(name)).collect::<Result<Vec<_>>>());
            let options = IdentityRingOptions { kinds: kinds.transpose()?, accounts_max, accounts_min };
            let found = identity_rings(&self.graph.window(window)?, &options, run)?;
            Ok((options, ring_tables(&self.graph, &found, identifiers, run)?))
        })?;
        Ok(IdentityRings::new(self.graph.clone(), options, tables))
    }

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
        Ok(Origins::new(Answer::new(report)))
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

    /// The accounts around given ones, and the transactions among them.
    ///
    /// Parameters
    /// ----------
    /// accounts : list of str
    ///     Keys of the accounts to begin with.
    /// hops : int, default 1
    ///     Transfers to follow from them, in either direction.
    /// start, end : datetime, date, str or int, optional
    ///     Half-open window ``[start, end)``, as in :meth:`components`.
    /// accounts_max : int, default 10000
    ///     Most accounts; at least 1. The nearest are kept.
    /// transactions_max : int, default 100000
    ///     Most transactions. The earliest are kept.
    /// transfers_only : bool, default False
    ///     Leave out the identifiers that accounts share.
    /// attributes : list of str, optional
    ///     Account attributes to add to the nodes. They may be personal data.
    /// reveal : bool, default False
    ///     Give identifier values as they are instead of ``kind#number``. They are personal data.
    /// threads, progress
    ///     As in :meth:`components`.
    ///
    /// Returns
    /// -------
    /// Subgraph
    ///     ``truncated`` says whether a limit cut something off.
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     For an account or attribute that the graph does not hold.
    ///
    /// Examples
    /// --------
    /// >>> account = graph.components().table().to_dicts(1)[0]["account"]
    /// >>> graph.subgraph([account]).write("neighbors.graphml")
    #[pyo3(signature = (accounts, *, hops = 1, start = None, end = None, accounts_max = 10_000, transactions_max = 100_000, transfers_only = false, attributes = None, reveal = false, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn subgraph(
        &self,
        py: Python<'_>,
        accounts: Vec<String>,
        hops: u32,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        accounts_max: u32,
        transactions_max: u32,
        transfers_only: bool,
        attributes: Option<Vec<String>>,
        reveal: bool,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Subgraph> {
        let window = window(start, end)?;
        let options = SubgraphOptions { hops, accounts_max, transactions_max };
        let outside = NetworkOptions {
            transfers_only,
            identifiers: identifiers(reveal),
            attributes: attributes.unwrap_or_default(),
        };
        detached(py, Circumstances::new(threads, progress)?, |run| {
            let accounts = accounts.iter().map(|key| self.account(key)).collect::<Result<Vec<_>>>()?;
            let found = Found::neighborhood(&self.graph.window(window)?, &accounts, &options, run)?;
            Subgraph::new(&self.graph, &found, &outside, run)
        })
    }

    /// The directory of the graph.
    #[getter]
    fn path(&self) -> PathBuf {
        self.graph.path().to_path_buf()
    }

    /// Number of accounts.
    #[getter]
    fn num_accounts(&self) -> u32 {
        self.graph.num_accounts()
    }

    /// Number of transactions.
    #[getter]
    fn num_transactions(&self) -> u64 {
        self.graph.num_transactions()
    }

    fn __repr__(&self) -> String {
        let lines = info::summary(&self.graph);
        lines
            .iter()
            .map(|(name, value)| format!("{name:<13} {value}\n"))
            .collect::<String>()
            .trim_end()
            .into()
    }

    fn _repr_html_(&self) -> String {
        info::page(&self.graph)
    }
}

impl Graph {
    fn account(&self, key: &str) -> Result<AccountId> {
        self.graph.find_account(key)?.ok_or_else(|| Error::UnknownKey {
            place: "accounts".into(),
            kind: "account".into(),
            key: key.into(),
        })
    }

    fn kind(&self, name: &str) -> Result<KindId> {
        self.graph.find_kind(name).ok_or_else(|| Error::UnknownKey {
            place: "kinds".into(),
            kind: "kind of identifier".into(),
            key: name.into(),
        })
    }
}

pub(crate) fn identifiers(reveal: bool) -> Identifiers {
    if reveal { Identifiers::Revealed } else { Identifiers::Masked }
}

fn overs() -> [(&'static str, Over); 3] {
    [Over::Transfers, Over::Identifiers, Over::Both].map(|over| (over.name(), over))
}

/// Opens a graph. Costs milliseconds whatever the size.
///
/// Parameters
/// ----------
/// path : str or os.PathLike
///     Directory of the graph, made by :func:`ingest`.
/// io : {"mmap", "read"}, default "mmap"
///     How bytes are reached: mapped into memory, or read into memory, for files that others could change or cut
///     and for network file systems.
///
/// Returns
/// -------
/// Graph
///
/// Raises
/// ------
/// FormatError
///     If it is no graph, or one of another format version.
/// DamagedError
///     If a file is not what was written.
/// OSError
///     If the system refuses.
///
/// Examples
/// --------
/// >>> graph = rf.open("bank.graph")
/// >>> graph.num_transactions
/// 5000
#[pyfunction]
#[pyo3(signature = (path, *, io = "mmap"))]
pub(crate) fn open(py: Python<'_>, path: PathBuf, io: &str) -> PyResult<Graph> {
    let io = choice(py, "io", io, &[("mmap", Io::Mmap), ("read", Io::Read)], "mmap or read")?;
    detached(py, Circumstances::default(), |_| Opened::open(&path, io)).map(Graph::new)
}

/// Checks a graph on disk and names file and place of the first promise that is broken.
///
/// Parameters
/// ----------
/// path : str or os.PathLike
///     Directory of the graph.
/// full : bool, default False
///     Also check the SHA-256 of every file, every block, and every rule of the columns.
/// threads, progress
///     As in :meth:`Graph.components`.
///
/// Returns
/// -------
/// dict
///     ``generation``, ``num_files`` and ``bytes`` that were checked.
///
/// Raises
/// ------
/// DamagedError
///     If a promise is broken.
///
/// Examples
/// --------
/// >>> rf.verify("bank.graph", full=True)["generation"]
/// 1
#[pyfunction]
#[pyo3(signature = (path, *, full = false, threads = None, progress = None))]
pub(crate) fn verify<'py>(
    py: Python<'py>,
    path: PathBuf,
    full: bool,
    threads: Option<usize>,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyDict>> {
    let circumstances = Circumstances::new(threads, progress)?;
    let verified = detached(py, circumstances, |run| ringfence::store::verify::verify(&path, full, run))?;
    let answer = PyDict::new(py);
    answer.set_item("generation", verified.generation)?;
    answer.set_item("num_files", verified.num_files)?;
    answer.set_item("bytes", verified.bytes)?;
    Ok(answer)
}
