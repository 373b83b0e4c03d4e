//! The densest set of a projection while pairs come in: what is new is handed in by names, and the set comes out by names.

use super::input::{self, Input};
use super::projection::Projected;
use crate::community::IncrementalPeeling;
use crate::error::Result;
use crate::run::Run;
use std::sync::Arc;

/// A projection that grows, and its densest set by peeling.
pub struct GrowingDensest {
    projected: Arc<Projected>,
    peeling: IncrementalPeeling,
    /// Nodes of the densest set, ascending.
    members: Vec<u32>,
}

/// The densest set at some moment.
#[derive(Clone, Debug, PartialEq)]
pub struct DensestNow {
    /// Weight inside over the number of members.
    pub density: f64,
    /// Keys of the members, as the graph numbers accounts.
    pub members: Vec<String>,
    /// Those of them that were no members before.
    pub joined: Vec<String>,
}

/// Largest weight of all pairs.
const WEIGHT_MAX: u64 = 1 << 62;

impl GrowingDensest {
    /// Peels the projection as it is.
    ///
    /// # Errors
    /// [`Error::Input`](crate::Error::Input) if all weights together are beyond 2^62; [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn new(projected: Arc<Projected>, run: &Run) -> Result<Self> {
        let peeling = IncrementalPeeling::new(projected.projection.rows.clone(), &[], run)?;
        let members = peeling.densest().members;
        Ok(GrowingDensest { projected, peeling, members })
    }

    /// The densest set as it is.
    ///
    /// # Errors
    /// [`Error::Damaged`](crate::Error::Damaged) if the keys are; [`Error::Cancelled`](crate::Error::Cancelled).
    pub fn now(&self, run: &Run) -> Result<DensestNow> {
        Ok(DensestNow {
            density: self.peeling.densest().density.value(),
            members: self.projected.keys(&self.members, run)?,
            joined: Vec::new(),
        })
    }

    /// Adds pairs: CSV of `source`, `destination` and, unless all count once, `weight` in the units of the projection. What somebody pays to
    /// himself joins nobody. All pairs go in, or none.
    ///
    /// # Errors
    /// [`Error::UnknownKey`](crate::Error::UnknownKey) and [`Error::Input`](crate::Error::Input) with file and line for what is given wrongly; [`Error::Damaged`](crate::Error::Damaged);
    /// [`Error::Cancelled`](crate::Error::Cancelled), before anything went in.
    pub fn insert(&mut self, pairs: &Input, run: &Run) -> Result<DensestNow> {
        let pairs = self.read(pairs)?;
        run.check()?;
        for (one, other, weight) in pairs {
            self.peeling.insert(one, other, weight)?;
        }
        let found = self.peeling.densest();
        let is_new = |node: &u32| self.members.binary_search(node).is_err();
        let joined: Vec<u32> = found.members.iter().copied().filter(is_new).collect();
        self.members = found.members;
        // What went in is told, whatever happens to the run meanwhile.
        let keys = |nodes: &[u32]| self.projected.keys(nodes, &Run::new());
        Ok(DensestNow {
            density: found.density.value(),
            members: keys(&self.members)?,
            joined: keys(&joined)?,
        })
    }

    fn read(&self, pairs: &Input) -> Result<Vec<(u32, u32, u64)>> {
        let (view, nodes) = (self.projected.view()?, &self.projected.projection.nodes);
        let sheet = pairs.sheet(&["source", "destination", "weight"])?;
        sheet.need("source")?;
        sheet.need("destination")?;
        let mut total = self.peeling.peeling().weight();
        let mut found = Vec::new();
        for record in sheet.iter() {
            let node = |column: &str| {
                let account = input::account(view.graph(), record, column)?;
                let outside = || record.refuse(format!("{column} is not among the accounts looked at"));
                nodes.node(account).ok_or_else(outside)
            };
            let (one, other) = (node("source")?, node("destination")?);
            let weight = match sheet.has("weight") {
                true => {
                    let text = record.need("weight")?;
                    let weight = text.parse().ok().filter(|&weight: &u64| weight > 0);
                    let remedy = "write a whole number of at least 1";
                    weight.ok_or_else(|| record.refuse(format!("weight {text:?}: {remedy}")))?
                }
                false => self.projected.unit(),
            };
            if one != other {
                total = total.saturating_add(weight);
                found.push((one, other, weight));
            }
            if total > WEIGHT_MAX {
                return Err(record.refuse("with this all weights are beyond 2^62"));
            }
        }
        Ok(found)
    }
}
