//! Rings and case files.

use super::Graph;
use super::patterns::{settings, valuation};
use crate::case::{Asked, CaseFile};
use crate::door::{Circumstances, detached};
use crate::errors::to_python;
use crate::moment::{moment, window};
use crate::rings::Rings;
use crate::sheet::sheet;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ringfence::patterns::{Typology, searches};
use ringfence::report::case::{ring_case_file, trace_case};
use ringfence::report::rings::{Identifiers, RingPlace, RingQuestion, ring_report};
use ringfence::rings::{IdentityRingOptions, RingOptions, TYPOLOGIES};
use ringfence::{Error, Result};
use std::path::PathBuf;

/// What can tie accounts.
const BY: [&str; 3] = ["identifiers", "typologies", "communities"];

#[pymethods]
impl Graph {
    /// Rings: accounts that shared identifiers, shapes of money, traces and communities tie, with roles, money, a score and the evidence.
    ///
    /// Parameters
    /// ----------
    /// by : list of {"identifiers", "typologies", "communities"}, optional
    ///     What ties accounts; all of it if not given.
    /// kinds : list of str, optional
    ///     Kinds of identifiers that tie; all if not given.
    /// identifier_accounts_max : int, default 50
    ///     Most accounts that an identifier may have and still tie them.
    /// typologies : list of str, optional
    ///     Shapes that make claims; those that name a group if not given. :func:`typologies` lists all.
    /// settings : dict, optional
    ///     Changes of their defaults, as in :meth:`patterns`.
    /// traces : list of str or os.PathLike, optional
    ///     Directories that :meth:`Trace.write` made: their money makes claims.
    /// previous : str or os.PathLike, optional
    ///     A directory that :meth:`Rings.write` made before: rings that are still there keep their names.
    /// claims_max : int, default 2000
    ///     Best finds of each kind that become claims.
    /// shared_min : int, default 2
    ///     Fewest accounts that claims share to be joined.
    /// overlap_permille : int, default 500
    ///     Part of the accounts of either that a claim and a ring's core share to be joined, in thousandths; half of it within one community.
    /// hub_max : int, default 100
    ///     Most counterparties that an account may have before it is a hub, which is listed and kept out.
    /// hubs_where : list of str, optional
    ///     Accounts with one of these attributes are hubs whatever they do: ``["kind=merchant"]``.
    /// accounts_max, accounts_min : int, default 200 and 2
    ///     Most accounts of a ring that joins make, and fewest that make one.
    /// rings_max : int, default 1000
    ///     Most rings that are kept, those with the highest scores.
    /// base, rates
    ///     As in :meth:`cycles`.
    /// reveal : bool, default False
    ///     Identifier values as they are instead of ``kind#number``. They are personal data.
    /// start, end : datetime, date, str or int, optional
    ///     Half-open window ``[start, end)``, as in :meth:`components`; nothing outside of it exists.
    /// threads, progress
    ///     As in :meth:`components`.
    ///
    /// Returns
    /// -------
    /// Rings
    ///     The highest score first; the same for any number of threads.
    ///
    /// Raises
    /// ------
    /// OptionError
    ///     If an option is outside its range; nothing was computed.
    /// UnknownKeyError
    ///     For a kind of identifiers that the graph does not have, and for a trace of another graph.
    #[pyo3(signature = (*, by = None, kinds = None, identifier_accounts_max = 50, typologies = None, settings = None, traces = None, previous = None, claims_max = 2_000, shared_min = 2, overlap_permille = 500, hub_max = 100, hubs_where = None, accounts_max = 200, accounts_min = 2, rings_max = 1_000, base = None, rates = None, reveal = false, start = None, end = None, threads = None, progress = None))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn rings(
        &self,
        py: Python<'_>,
        by: Option<Vec<String>>,
        kinds: Option<Vec<String>>,
        identifier_accounts_max: u32,
        typologies: Option<Vec<String>>,
        settings: Option<Bound<'_, PyDict>>,
        traces: Option<Vec<PathBuf>>,
        previous: Option<PathBuf>,
        claims_max: u32,
        shared_min: u32,
        overlap_permille: u32,
        hub_max: u32,
        hubs_where: Option<Vec<String>>,
        accounts_max: u32,
        accounts_min: u32,
        rings_max: u32,
        base: Option<String>,
        rates: Option<Bound<'_, PyAny>>,
        reveal: bool,
        #[pyo3(from_py_with = moment)] start: Option<i64>,
        #[pyo3(from_py_with = moment)] end: Option<i64>,
        threads: Option<usize>,
        progress: Option<Bound<'_, PyAny>>,
    ) -> PyResult<Rings> {
        let window = window(start, end)?;
        let settings = self::settings(py, settings)?;
        if let Some(unknown) = by.iter().flatten().find(|one| !BY.contains(&one.as_str())) {
            let (name, value, allowed) = ("by", unknown.clone(), "identifiers, typologies or communities");
            return Err(to_python(py, Error::Option { name, value, allowed }));
        }
        let by = |one: &str| by.as_ref().is_none_or(|all| all.iter().any(|chosen| chosen == one));
        let identity = by("identifiers").then(|| self.identity(kinds, identifier_accounts_max)).transpose();
        let identity = identity.map_err(|error| to_python(py, error))?;
        let chosen = || -> Result<Vec<_>> {
            let named = typologies
                .map(|names| names.iter().map(|name| Typology::named(name)).collect::<Result<Vec<_>>>())
                .transpose()?
                .unwrap_or(TYPOLOGIES.to_vec());
            if by("typologies") { searches(&named, &settings) } else { Ok(Vec::new()) }
        };
        let searches = chosen().map_err(|error| to_python(py, error))?;
        let options = RingOptions {
            identity,
            searches,
            communities: by("communities"),
            claims_max,
            shared_min,
            overlap_permille,
            hub_max,
            known_hubs: Default::default(),
            accounts_max,
            accounts_min,
            rings_max,
        };
        let rates = sheet(rates, None)?;
        let (named, report) = detached(py, Circumstances::new(threads, progress)?, |run| {
            let question = RingQuestion {
                options,
                valuation: valuation(base, rates)?,
                traces: traces.unwrap_or_default(),
                previous,
                hubs_where: hubs_where.unwrap_or_default(),
                identifiers: if reveal { Identifiers::Revealed } else { Identifiers::Masked },
            };
            ring_report(&self.graph.window(window)?, &question, run)
        })?;
        Ok(Rings::new(self.graph.clone(), named, report))
    }

    /// The case file of a ring or a trace that was written earlier.
    ///
    /// Parameters
    /// ----------
    /// ring : str or os.PathLike, optional
    ///     A directory that :meth:`Rings.write` made, and in it a ring's name or rank: ``"rings/1"``.
    /// trace : str or os.PathLike, optional
    ///     A directory that :meth:`Trace.write` made under one policy; one of the two is needed.
    /// language, key_file, case, reveal, attributes, counterfactual, accounts_max, transfers_max
    ///     As in :meth:`Rings.case_file`.
    ///
    /// Returns
    /// -------
    /// CaseFile
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     For a ring that is not there, or accounts and transactions that this graph does not have.
    #[pyo3(signature = (*, ring = None, trace = None, language = "en", key_file = None, case = None, reveal = false, attributes = None, counterfactual = true, accounts_max = 2_000, transfers_max = 8_000))]
    #[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
    fn case_file(
        &self,
        py: Python<'_>,
        ring: Option<PathBuf>,
        trace: Option<PathBuf>,
        language: &str,
        key_file: Option<PathBuf>,
        case: Option<String>,
        reveal: bool,
        attributes: Option<Vec<String>>,
        counterfactual: bool,
        accounts_max: u32,
        transfers_max: u32,
    ) -> PyResult<CaseFile> {
        let language = language.to_string();
        let asked = Asked { language, key_file, case, reveal, attributes, accounts_max, transfers_max };
        let content = detached(py, Circumstances::default(), |run| {
            let options = asked.options()?;
            match (&ring, &trace) {
                (Some(place), None) => {
                    ring_case_file(&self.graph, &RingPlace::find(place)?, counterfactual, &options, run)
                }
                (None, Some(directory)) => trace_case(&self.graph, directory, &options, run),
                _ => Err(Error::input("case_file", "takes a ring or a trace, and one of the two alone")),
            }
        })?;
        Ok(CaseFile::new(content))
    }
}

impl Graph {
    /// How identifiers tie accounts.
    fn identity(&self, kinds: Option<Vec<String>>, accounts_max: u32) -> Result<IdentityRingOptions> {
        let kinds = kinds.map(|names| names.iter().map(|name| self.kind(name)).collect::<Result<Vec<_>>>());
        Ok(IdentityRingOptions { kinds: kinds.transpose()?, accounts_max, ..IdentityRingOptions::default() })
    }
}
