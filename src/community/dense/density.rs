//! An exact density: a whole number of units over a number of nodes.

use std::cmp::Ordering;

/// What lies inside a set, divided by its size; compared without rounding.
#[derive(Clone, Copy, Debug)]
pub struct Density {
    /// What lies inside, in units of the graph's weights; below 0 only where the measure can be.
    pub weight: i128,
    /// Number of nodes; 0 only of the empty set, whose density is 0.
    pub nodes: u64,
}

impl Density {
    /// The density of the empty set.
    pub const NONE: Density = Density { weight: 0, nodes: 0 };

    /// The nearest float.
    pub fn value(self) -> f64 {
        self.weight as f64 / self.nodes.max(1) as f64
    }
}

/// Weights stay below 2^95 in size, so that these products fit.
impl Ord for Density {
    fn cmp(&self, other: &Self) -> Ordering {
        let (own, others) = (self.nodes.max(1), other.nodes.max(1));
        (self.weight * i128::from(others)).cmp(&(other.weight * i128::from(own)))
    }
}

impl PartialOrd for Density {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Density {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl Eq for Density {}
