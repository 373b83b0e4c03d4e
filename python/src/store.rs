//! What keeps a store healthy: generations, collection, backups and restorations, the doctor.

use crate::answer::loads;
use crate::door::{Circumstances, detached};
use crate::errors::to_python;
use crate::graph::Graph;
use pyo3::prelude::*;
use ringfence::graph::Graph as Opened;
use ringfence::graph::drill::{self as drills, DrillOptions};
use ringfence::report::store as documents;
use ringfence::store::backup::{self as backups, Key, Sealing, Secrets, Share, to_bundle, to_directory};
use ringfence::store::collect::{CollectOptions, collect_dry};
use ringfence::store::disk::System;
use ringfence::store::doctor::examine;
use ringfence::store::generations::generations as listed;
use ringfence::store::pins::{self, hold, pins as found_pins};
use ringfence::store::{Io, collect as collecting};
use ringfence::{Error, Result};
use serde_json::Value;
use std::path::PathBuf;
use std::sync::Mutex;
use std::time::SystemTime;

/// Now, for ages of generations.
fn now() -> SystemTime {
    #[allow(clippy::disallowed_methods)] // A door: it hands the time in.
    SystemTime::now()
}

/// One path, or a list of them.
fn places(given: &Bound<'_, PyAny>) -> PyResult<Vec<PathBuf>> {
    given.extract::<PathBuf>().map(|path| vec![path]).or_else(|_| given.extract())
}

/// Lists the generations of a graph, oldest first.
///
/// Parameters
/// ----------
/// path : str or os.PathLike
///     Directory of the graph.
///
/// Returns
/// -------
/// list of dict
///     For each ``generation`` whether it is ``live``, its ``parent``, when it was ``written``, ``num_transactions``,
///     ``num_accounts``, ``bytes_own`` and ``bytes_shared`` with others, ``sources_new``, and how many living ``pins``
///     hold it.
///
/// Examples
/// --------
/// >>> [each["generation"] for each in rf.generations("bank.graph")]
/// [1]
#[pyfunction]
pub(crate) fn generations(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyAny>> {
    let found = detached(py, Circumstances::default(), |_| {
        let (listed, pins) = (listed(&path)?, found_pins(&path)?);
        let document = |generation: &ringfence::store::generations::Generation| {
            let holds = |pin: &&pins::Held| pin.alive && pin.generation == generation.number();
            documents::generation(generation, pins.iter().filter(holds).count() as u64)
        };
        Ok(Value::Array(listed.iter().map(document).collect()))
    })?;
    loads(py, &found)
}

/// Removes generations that are no longer needed, and what killed writers left.
///
/// Kept are the live generation, the newest, the young, those that a living process holds, and those asked for. Files
/// that bear no name of ours are never removed, and whoever has a generation open keeps it.
///
/// Parameters
/// ----------
/// path : str or os.PathLike
///     Directory of the graph.
/// keep : int, default 3
///     Newest generations kept, the live one included; at least 1.
/// keep_hours : int, default 24
///     Generations younger than this are kept, in hours.
/// also : list of int, optional
///     Further generations that are kept.
/// dry_run : bool, default False
///     Say what would go, and remove nothing.
/// progress : callable, optional
///     As in :func:`ingest`.
///
/// Returns
/// -------
/// dict
///     ``kept`` generations and why, those ``gone``, ``files`` with their ``bytes``, and names ``not_ours`` that were
///     left alone.
///
/// Raises
/// ------
/// LockedError
///     If a writer is at work.
///
/// Examples
/// --------
/// >>> rf.collect("bank.graph", dry_run=True)["gone"]
/// []
#[pyfunction]
#[pyo3(signature = (path, *, keep = 3, keep_hours = 24, also = None, dry_run = false, progress = None))]
pub(crate) fn collect<'py>(
    py: Python<'py>,
    path: PathBuf,
    keep: u32,
    keep_hours: u32,
    also: Option<Vec<u64>>,
    dry_run: bool,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let options = CollectOptions { keep, keep_hours, also: also.unwrap_or_default() };
    let done = detached(py, Circumstances::new(None, progress)?, |run| match dry_run {
        true => collect_dry(&path, &options, now()),
        false => collecting::collect(&path, &options, now(), run),
    })?;
    loads(py, &documents::collected(&done, dry_run))
}

/// Examines the store of a graph: permissions, disk, encryption, room, locks, pins, leftovers, versions, generations.
///
/// Writes nothing.
///
/// Parameters
/// ----------
/// path : str or os.PathLike
///     Directory of the graph.
///
/// Returns
/// -------
/// list of dict
///     Findings: ``level`` ("fine", "note", "warning" or "error"), ``subject``, ``what`` was found, and the ``remedy``.
///
/// Examples
/// --------
/// >>> "error" in {finding["level"] for finding in rf.doctor("bank.graph")}
/// False
#[pyfunction]
pub(crate) fn doctor(py: Python<'_>, path: PathBuf) -> PyResult<Bound<'_, PyAny>> {
    let findings = detached(py, Circumstances::default(), |_| examine(&path, now()))?;
    loads(py, &Value::Array(findings.iter().map(documents::finding).collect()))
}

/// Backs up a graph: to a directory, which is itself a graph, or to one encrypted file.
///
/// Parameters
/// ----------
/// path : str or os.PathLike
///     Directory of the graph.
/// to : str or os.PathLike
///     Directory to make or to bring up to date; or a file to make whose name ends in ``.bundle``.
/// key_file : str or os.PathLike, optional
///     File with the key of a bundle, made by :func:`backup_key`; nobody else may be allowed to read it.
/// since : str or os.PathLike, optional
///     Earlier bundle of this graph: the new one holds only what that one and those before it lack.
/// generation : int, optional
///     Generation to back up; the live one if not given.
/// threads, progress
///     As in :func:`ingest`.
///
/// Returns
/// -------
/// dict
///     ``generation``, ``num_written`` files and ``bytes_written``, ``num_kept`` that were there already, ``num_mended``
///     that were damaged there, and of a bundle its name (``bundle``, hexadecimal).
///
/// Raises
/// ------
/// FileExistsError
///     If the bundle is there already.
/// FormatError
///     If the directory holds something else than an earlier backup of this graph.
///
/// Examples
/// --------
/// >>> rf.backup("bank.graph", "copy.graph")["generation"]
/// 1
/// >>> rf.backup("bank.graph", "copy.graph")["num_written"]
/// 0
#[pyfunction]
#[pyo3(signature = (path, to, *, key_file = None, since = None, generation = None, threads = None, progress = None))]
#[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
pub(crate) fn backup<'py>(
    py: Python<'py>,
    path: PathBuf,
    to: PathBuf,
    key_file: Option<PathBuf>,
    since: Option<PathBuf>,
    generation: Option<u64>,
    threads: Option<usize>,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let is_bundle = to.extension().is_some_and(|extension| extension == "bundle");
    let made = detached(py, Circumstances::new(threads, progress)?, |run| {
        let (key, disk) = (key(key_file.as_ref())?, System::shared());
        match (is_bundle, key) {
            (true, Some(key)) => {
                let sealing = Sealing { key: &key, secrets: &Secrets::draw()?, since: since.as_deref() };
                to_bundle(&path, generation, &to, &sealing, &disk, run)
            }
            (true, None) => {
                let allowed = "given: bundles are encrypted";
                Err(Error::Option { name: "key_file", value: "no key".into(), allowed })
            }
            (false, None) if since.is_none() => to_directory(&path, generation, &to, &disk, run),
            (false, _) => {
                let allowed = "a name that ends in .bundle where key_file or since is given: a directory is a plain copy";
                Err(Error::Option { name: "to", value: to.display().to_string(), allowed })
            }
        }
    })?;
    loads(py, &documents::made(&made))
}

fn key(file: Option<&PathBuf>) -> Result<Option<Key>> {
    file.map(|file| Key::from_file(file)).transpose()
}

/// Makes a key for bundles: a new file that only its owner may read.
///
/// Keep a copy away from the bundles: without it they cannot be opened, by anybody.
///
/// Parameters
/// ----------
/// path : str or os.PathLike
///     File to make.
///
/// Returns
/// -------
/// str
///     Name of the key, which bundles carry.
///
/// Raises
/// ------
/// FileExistsError
///     If there is a file at ``path`` already.
///
/// Examples
/// --------
/// >>> name = rf.backup_key("bank.key")
/// >>> _ = rf.backup("bank.graph", "monday.bundle", key_file="bank.key")
/// >>> rf.verify_backup("monday.bundle", key_file="bank.key")["generation"]
/// 1
#[pyfunction]
pub(crate) fn backup_key(py: Python<'_>, path: PathBuf) -> PyResult<String> {
    let made = Key::create(&path, &System::shared()).map_err(|error| to_python(py, error))?;
    Ok(made.name())
}

/// Checks a backup: a directory, or a chain of bundles.
///
/// Parameters
/// ----------
/// backup : str, os.PathLike, or list of them
///     The backup directory, or all bundles of a chain in any order.
/// key_file : str or os.PathLike, optional
///     As in :func:`backup`.
/// subset : tuple of int, optional
///     ``(k, n)``: check only share k of n of the files; k = 1 to n in turn check all of them.
/// threads, progress
///     As in :func:`ingest`.
///
/// Returns
/// -------
/// dict
///     ``generation``, ``num_files``, ``num_checked`` and ``bytes_checked``.
///
/// Raises
/// ------
/// DamagedError
///     If something is not what was backed up.
///
/// Examples
/// --------
/// >>> _ = rf.backup("bank.graph", "copy.graph")
/// >>> rf.verify_backup("copy.graph")["generation"]
/// 1
#[pyfunction]
#[pyo3(signature = (backup, *, key_file = None, subset = None, threads = None, progress = None))]
pub(crate) fn verify_backup<'py>(
    py: Python<'py>,
    backup: &Bound<'py, PyAny>,
    key_file: Option<PathBuf>,
    subset: Option<(u64, u64)>,
    threads: Option<usize>,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let from = places(backup)?;
    let found = detached(py, Circumstances::new(threads, progress)?, |run| {
        let share = subset.map_or(Ok(Share::ALL), |(number, of)| Share::new(number, of))?;
        backups::verify_backup(&from, key(key_file.as_ref())?.as_ref(), share, run)
    })?;
    loads(py, &documents::checked(&found))
}

/// Makes a graph from a backup, in a new directory, and verifies it in full before it gets its name.
///
/// Parameters
/// ----------
/// path : str or os.PathLike
///     Directory to make.
/// backup : str, os.PathLike, or list of them
///     The backup directory, or all bundles of a chain in any order.
/// key_file, threads, progress
///     As in :func:`backup`.
///
/// Returns
/// -------
/// Graph
///     The restored graph.
///
/// Raises
/// ------
/// FileExistsError
///     If there is something at ``path`` already.
/// DamagedError
///     If the backup is not whole; nothing is made then.
///
/// Examples
/// --------
/// >>> _ = rf.backup("bank.graph", "copy.graph")
/// >>> rf.restore("restored.graph", "copy.graph").num_transactions
/// 5000
#[pyfunction]
#[pyo3(signature = (path, backup, *, key_file = None, threads = None, progress = None))]
pub(crate) fn restore(
    py: Python<'_>,
    path: PathBuf,
    backup: &Bound<'_, PyAny>,
    key_file: Option<PathBuf>,
    threads: Option<usize>,
    progress: Option<Bound<'_, PyAny>>,
) -> PyResult<Graph> {
    let from = places(backup)?;
    detached(py, Circumstances::new(threads, progress)?, |run| {
        backups::restore(&from, key(key_file.as_ref())?.as_ref(), &path, &System::shared(), run)?;
        Opened::open(&path, Io::default())
    })
    .map(Graph::new)
}

/// Restores a backup for a while, asks it and the graph the same questions, and says how long that took.
///
/// Parameters
/// ----------
/// path : str or os.PathLike
///     Directory of the graph that was backed up; the generation that the backup holds must still be there.
/// backup : str, os.PathLike, or list of them
///     The backup directory, or all bundles of a chain in any order.
/// key_file, threads, progress
///     As in :func:`backup`.
/// samples : int, default 1000
///     Rows, and accounts, that are looked at.
/// seed : int, default 1
///     Which rows and accounts these are.
/// scratch : str or os.PathLike, optional
///     Directory to restore into; that of the graph if not given. What is made there is removed.
///
/// Returns
/// -------
/// dict
///     ``generation``, ``bytes``, ``restored_in_s``, ``asked_in_s``, and ``answers``: each question with the SHA-256 of its answer.
///
/// Raises
/// ------
/// UnprovedError
///     If the two answer differently.
///
/// Examples
/// --------
/// >>> _ = rf.backup("bank.graph", "copy.graph")
/// >>> rf.drill("bank.graph", "copy.graph")["generation"]
/// 1
#[pyfunction]
#[pyo3(signature = (path, backup, *, key_file = None, samples = 1000, seed = 1, scratch = None, threads = None, progress = None))]
#[allow(clippy::too_many_arguments)] // Keyword arguments of Python.
pub(crate) fn drill<'py>(
    py: Python<'py>,
    path: PathBuf,
    backup: &Bound<'py, PyAny>,
    key_file: Option<PathBuf>,
    samples: u32,
    seed: u64,
    scratch: Option<PathBuf>,
    threads: Option<usize>,
    progress: Option<Bound<'py, PyAny>>,
) -> PyResult<Bound<'py, PyAny>> {
    let from = places(backup)?;
    let options = DrillOptions { seed, samples, scratch };
    let found = detached(py, Circumstances::new(threads, progress)?, |run| {
        drills::drill(&path, &from, key(key_file.as_ref())?.as_ref(), &options, &System::shared(), run)
    })?;
    loads(py, &documents::drill(&found))
}

/// A generation that is not collected until it is released, by :meth:`release`, at the end of a ``with`` block, or when
/// the process ends.
///
/// Made by :meth:`Graph.pin`.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct Pin {
    pin: Mutex<Option<pins::Pin>>,
    generation: u64,
}

impl Pin {
    pub(crate) fn of(graph: &Opened) -> Result<Self> {
        let generation = graph.manifest().generation;
        let pin = hold(graph.path(), Some(generation))?;
        Ok(Pin { pin: Mutex::new(Some(pin)), generation })
    }
}

#[pymethods]
impl Pin {
    /// The generation that is held.
    #[getter]
    fn generation(&self) -> u64 {
        self.generation
    }

    /// Lets the generation go; a second time, nothing happens.
    fn release(&self) {
        drop(self.pin.lock().unwrap_or_else(std::sync::PoisonError::into_inner).take());
    }

    fn __enter__(pin: Py<Self>) -> Py<Self> {
        pin
    }

    #[pyo3(signature = (*_raised))]
    fn __exit__(&self, _raised: &Bound<'_, pyo3::types::PyTuple>) {
        self.release();
    }
}
