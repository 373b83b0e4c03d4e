//! Who belongs together: components, projections, links and rings of identities.

use super::Graph;
use crate::answer::Answer;
use crate::arguments::choice;
use crate::components::Components;
use crate::door::{Circumstances, detached};
use crate::identity_rings::IdentityRings;
use crate::links::IdentityLinks;
use crate::moment::{moment, window};
use crate::projection::Projection;
use crate::sheet::sheet;
use pyo3::prelude::*;
use ringfence::community::identity::KindEvidence;
use ringfence::community::{ComponentsOptions, Over, components};
use ringfence::graph::project::{HubRule, ProjectOptions};
use ringfence::ids::KindId;
use ringfence::report::links::{LinkQuestion, link_report};
use ringfence::report::projection::{Projected, ProjectionInputs, WeightName};
use ringfence::report::rings::{Identifiers, ring_tables};
use ringfence::rings::{IdentityRingOptions, identity_rings};
use ringfence::{Error, Result};

/// Seconds of a day.
const DAY_S: u64 = 86_400;

#[pymethods]
impl Graph {
    /// The connected components, weakly or strongly.
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
    /// strong : bool, default False
    ///     Connect accounts only where payments lead from each to the other, so that money can come back; over transfers.
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
    #[pyo3(signature = (*, over = "transfers", start = None, end = None, accounts_max = 50, strong = false, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn components(
        &self,
        py: Python<'_>,
        over: &str,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        accounts_max: u32,
        strong: bool,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Components> {
        let over = choice(py, "over", over, &overs(), "transfers, identifiers or both")?;
        let (options, window) = (ComponentsOptions { over, accounts_max, strong }, window(start, end)?);
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
}

impl Graph {
    pub(super) fn kind(&self, name: &str) -> Result<KindId> {
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
