//! `IncrementalDensest`: the densest set while pairs come in.

use crate::door::{Circumstances, detached};
use crate::sheet::Sheet;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ringfence::Error;
use ringfence::report::growing::{DensestNow, GrowingDensest};
use std::sync::Mutex;

/// The densest set of accounts of a projection that grows; made by :meth:`Projection.incremental_densest`.
///
/// After every :meth:`insert` it is what peeling all pairs from scratch would find: at least half as dense as the densest set of
/// all. Pairs go in and not out, and only accounts of the projection can be joined. It may be used from several threads; they
/// take turns.
#[pyclass(frozen, module = "ringfence")]
pub(crate) struct IncrementalDensest {
    growing: Mutex<GrowingDensest>,
}

impl IncrementalDensest {
    pub(crate) fn new(growing: GrowingDensest) -> Self {
        Self { growing: Mutex::new(growing) }
    }

    /// Does `work` off the interpreter, when it is this call's turn.
    fn turn(
        &self,
        py: Python<'_>,
        work: impl FnOnce(&mut GrowingDensest, &ringfence::Run) -> ringfence::Result<DensestNow> + Send,
    ) -> PyResult<DensestNow> {
        detached(py, Circumstances::default(), |run| match self.growing.lock() {
            Ok(mut growing) => work(&mut growing, run),
            Err(_) => Err(Error::input("incremental densest", "an earlier call broke off; make it anew")),
        })
    }
}

#[pymethods]
impl IncrementalDensest {
    /// Adds pairs, all of them or, where one is wrong, none.
    ///
    /// Parameters
    /// ----------
    /// pairs : str, os.PathLike, list of dict, or frame
    ///     ``source``, ``destination`` and, unless all count once, ``weight`` in the units of the projection. What somebody pays
    ///     to himself joins nobody.
    ///
    /// Returns
    /// -------
    /// dict
    ///     ``density`` (weight inside over the number of members), ``members``, and ``joined``: who is new among them.
    ///
    /// Raises
    /// ------
    /// UnknownKeyError
    ///     For an account that the graph does not hold.
    /// InputError
    ///     For an account outside of the projection, or a weight that is none.
    fn insert<'py>(&self, py: Python<'py>, pairs: &Bound<'py, PyAny>) -> PyResult<Bound<'py, PyDict>> {
        let pairs = Sheet::given(pairs, None)?;
        let now = self.turn(py, |growing, run| growing.insert(&pairs.into_input("pairs")?, run))?;
        let answer = PyDict::new(py);
        answer.set_item("density", now.density)?;
        answer.set_item("members", now.members)?;
        answer.set_item("joined", now.joined)?;
        Ok(answer)
    }

    /// Weight inside of the densest set over the number of its members.
    #[getter]
    fn density(&self, py: Python<'_>) -> PyResult<f64> {
        Ok(self.turn(py, |growing, run| growing.now(run))?.density)
    }

    /// Accounts of the densest set.
    #[getter]
    fn members(&self, py: Python<'_>) -> PyResult<Vec<String>> {
        Ok(self.turn(py, |growing, run| growing.now(run))?.members)
    }

    fn __repr__(&self, py: Python<'_>) -> PyResult<String> {
        let now = self.turn(py, |growing, run| growing.now(run))?;
        Ok(format!("IncrementalDensest({} accounts, density {:.4})", now.members.len(), now.density))
    }
}
