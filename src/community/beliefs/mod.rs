//! Guilt by association: what some nodes are known or thought to be, spread over typed edges.
//!
//! Nodes are of kinds (account, device, merchant), each with its own classes (honest, fraudster; shop, front). Each
//! kind of edge says by a coupling matrix which classes like to meet, and by a strength how much that tells.
//! From prior beliefs of some nodes come beliefs of all.
//!
//! # Method
//! ZooBP: loopy belief propagation with the potential `1 + epsilon · coupling` per edge, linearised around "nothing known".
//! The beliefs of a node of a kind with k classes are its priors, plus for each neighbour `epsilon / k · coupling · beliefs`
//! of the neighbour, less for each neighbour of a kind with k' classes the echo of its own,
//! `epsilon² / (k · k') · coupling · couplingᵀ · beliefs`. This linear system is solved by Jacobi iterations, each node
//! reading its neighbours in the order of its rows.
//!
//! Scaled by √k, the system's matrix is symmetric, and the iterations converge if and only if its spectral radius is
//! below 1. With all strengths multiplied by f it is at most that of `f · |P| + f² · |Q|` (neighbours and
//! echoes, without signs), which by Collatz and Wielandt any positive vector bounds from above. Power
//! iterations improve such a vector until the bound stands still; a part of it, `safety`, is what
//! strengths may reach; `strength` scales all of them to such a part. Where edges join two sides, such as accounts and devices, the bound is sharp.
//!
//! # Cost
//! Time O(k · m) per iteration; memory 24 bytes per belief.
//!
//! # Choices
//! Beliefs are differences from `1 / k`: they sum to 0 per node and rank nodes; they are no probabilities. Weights do not
//! count, so that ten transfers between two accounts are not ten witnesses. Nodes with priors keep hearing from others; when
//! beliefs are judged against known labels, leave out those that were given as priors.
//!
//! # Source
//! Eswaran, Günnemann, Faloutsos, Makhija, Kumar: ZooBP: belief propagation for heterogeneous networks, PVLDB 10(5), 2017.
//! Bound: Collatz, Math. Z. 48, 1942; Wielandt, Math. Z. 52, 1950.

mod system;

use crate::error::{Error, Result};
use crate::graph::project::Rows;
use crate::run::Run;
use system::System;

/// Nodes of one kind and what is thought of them.
#[derive(Clone, Copy, Debug)]
pub struct NodeKind<'a> {
    /// Number of classes that a node can be of, at least 2.
    pub num_classes: usize,
    /// Prior beliefs, node after node, one per class; those of a node sum to 0, all are 0 where nothing is known.
    pub priors: &'a [f64],
}

/// Edges of one kind, between two kinds of nodes or within one.
#[derive(Clone, Copy, Debug)]
pub struct EdgeKind<'a> {
    /// Kind of the nodes that `rows` belong to.
    pub from: usize,
    /// Kind of their neighbours.
    pub to: usize,
    /// Neighbours of kind `to` of each node of kind `from`.
    pub rows: &'a Rows,
    /// The same edges from the other end; `None` for the rows of an undirected graph, which hold each edge twice.
    pub transposed: Option<&'a Rows>,
    /// Which classes like to meet: one row per class of `from`, one value per class of `to`; each row and column sums to 0.
    pub coupling: &'a [f64],
    /// How much an edge of this kind tells, at least 0.
    pub epsilon: f64,
}

/// The coupling of equals: each class likes its own, and all others alike less.
pub fn homophily(num_classes: usize) -> Vec<f64> {
    let value = |at: usize| if at.is_multiple_of(num_classes + 1) { num_classes as f64 - 1.0 } else { -1.0 };
    (0..num_classes * num_classes).map(value).collect()
}

/// Options of [`beliefs`].
#[derive(Clone, Debug, PartialEq)]
pub struct BeliefsOptions {
    /// Largest change of a belief at which to stop, at least 0; 0 goes on to `iterations_max`.
    pub tolerance: f64,
    /// Most iterations, at least 1.
    pub iterations_max: u32,
    /// Part of the bound of convergence that strengths may reach, more than 0 and less than 1.
    pub safety: f64,
    /// Part of that bound to which all strengths are scaled alike, more than 0 and at most `safety`; they stay as they are without one.
    pub strength: Option<f64>,
}

impl Default for BeliefsOptions {
    fn default() -> Self {
        Self { tolerance: 1e-12, iterations_max: 1_000, safety: 0.9, strength: None }
    }
}

/// What is believed of all nodes, and how good it is.
#[derive(Clone, Debug, PartialEq)]
pub struct Beliefs {
    /// For each kind its nodes' beliefs, laid out as the priors: more than 0 for what a node is more likely than without any evidence.
    pub beliefs: Vec<Vec<f64>>,
    /// Iterations done.
    pub iterations: u32,
    /// Largest change of a belief in the last of them; above the tolerance if iterations ran out.
    pub residual: f64,
    /// What all strengths were multiplied by to reach `strength`; 1 without one, or without edges.
    pub factor: f64,
    /// All strengths may once more be multiplied by as much at once, with the margin of `safety`; at least 1. Infinite without edges.
    pub factor_max: f64,
}

/// Largest sum of a row or column of a coupling, and of the priors of a node, relative to its largest value.
const SUM_MAX: f64 = 1e-9;

/// Beliefs of all nodes from prior beliefs of some.
///
/// The result does not depend on the number of threads.
///
/// # Errors
/// [`Error::Input`] if kinds, rows, couplings or priors do not fit together; [`Error::Option`] if an option is outside
/// its range, or if strengths are above the bound of convergence, which it names;
/// [`Error::Cancelled`].
///
/// # Examples
/// Account 0 is a known fraudster; 1 shares its device, 2 has one of its own.
/// ```
/// use ringfence::community::beliefs::{BeliefsOptions, EdgeKind, NodeKind, beliefs, homophily};
/// use ringfence::graph::project::Rows;
/// let uses = Rows::bipartite(3, &[(0, 0, 1), (1, 0, 1), (2, 1, 1)]);
/// let (users, coupling) = (uses.transposed(2), homophily(2));
/// let accounts = NodeKind { num_classes: 2, priors: &[0.1, -0.1, 0.0, 0.0, 0.0, 0.0] };
/// let devices = NodeKind { num_classes: 2, priors: &[0.0; 4] };
/// let uses = EdgeKind {
///     from: 0, to: 1, rows: &uses, transposed: Some(&users), coupling: &coupling, epsilon: 0.3,
/// };
/// let found = beliefs(&[accounts, devices], &[uses], &BeliefsOptions::default(), &ringfence::Run::new())?;
/// assert!(found.beliefs[0][2] > 0.0 && found.beliefs[0][4] == 0.0);
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn beliefs(
    nodes: &[NodeKind],
    edges: &[EdgeKind],
    options: &BeliefsOptions,
    run: &Run,
) -> Result<Beliefs> {
    check_options(options)?;
    nodes.iter().enumerate().try_for_each(|(kind, node)| check_nodes(kind, node))?;
    edges.iter().enumerate().try_for_each(|(kind, edge)| check_edges(kind, edge, nodes))?;
    run.stage("beliefs", u64::from(options.iterations_max));
    run.install(|| {
        let bound = System::new(nodes, edges).factor_max(run)?;
        let factor = match options.strength {
            Some(strength) if bound.is_finite() => strength * bound,
            Some(_) | None => 1.0,
        };
        let factor_max = options.safety * bound / factor;
        let told = edges.iter().enumerate().find(|(_, edge)| factor_max < 1.0 && edge.epsilon > 0.0);
        // What was scaled lies below the bound, but for the last bit.
        if let Some((kind, edge)) = told.filter(|_| options.strength.is_none()) {
            let bound = edge.epsilon * factor_max;
            let value = format!("{} (kind {kind} of edges; the bound is {bound:.6})", edge.epsilon);
            return Err(Error::Option {
                name: "epsilon",
                value,
                allowed: "at most the bound, for every kind",
            });
        }
        let scaled: Vec<EdgeKind> =
            edges.iter().map(|&edge| EdgeKind { epsilon: factor * edge.epsilon, ..edge }).collect();
        let found = System::new(nodes, &scaled).solve(options, run)?;
        Ok(Beliefs { factor, factor_max: factor_max.max(1.0), ..found })
    })
}

fn check_options(options: &BeliefsOptions) -> Result<()> {
    let check = |name, value: f64, allowed, fits| match fits {
        true => Ok(()),
        false => Err(Error::Option { name, value: value.to_string(), allowed }),
    };
    let BeliefsOptions { tolerance, iterations_max, safety, strength } = *options;
    if let Some(strength) = strength {
        let fits = strength > 0.0 && strength <= safety;
        check("strength", strength, "more than 0 and at most the safety, which is 0.9 unless given", fits)?;
    }
    check("tolerance", tolerance, "a finite number of at least 0", (0.0..f64::MAX).contains(&tolerance))?;
    check("iterations_max", iterations_max.into(), "at least 1", iterations_max > 0)?;
    check("safety", safety, "more than 0 and less than 1", safety > 0.0 && safety < 1.0)
}

/// Whether finite values sum to 0.
fn balanced(values: impl Iterator<Item = f64>) -> bool {
    let (sum, largest) =
        values.fold((0.0, 0.0_f64), |(sum, most), value| (sum + value, most.max(value.abs())));
    f64::is_finite(sum) && sum.abs() <= SUM_MAX * largest
}

fn check_nodes(kind: usize, node: &NodeKind) -> Result<()> {
    let refuse = |problem: String| Err(Error::input(format!("kind {kind} of nodes"), problem));
    if node.num_classes < 2 {
        return refuse(format!("has {} classes; at least 2 are needed", node.num_classes));
    }
    if !node.priors.len().is_multiple_of(node.num_classes) {
        return refuse(format!("has {} priors for {} classes", node.priors.len(), node.num_classes));
    }
    let unbalanced =
        node.priors.chunks(node.num_classes).position(|priors| !balanced(priors.iter().copied()));
    unbalanced.map_or(Ok(()), |at| refuse(format!("has priors of node {at} that do not sum to 0")))
}

fn check_edges(kind: usize, edge: &EdgeKind, nodes: &[NodeKind]) -> Result<()> {
    let refuse = |problem: &str| Err(Error::input(format!("kind {kind} of edges"), problem));
    let (Some(from), Some(to)) = (nodes.get(edge.from), nodes.get(edge.to)) else {
        return refuse("joins a kind of nodes that is not given");
    };
    if !(0.0..f64::MAX).contains(&edge.epsilon) {
        let value = edge.epsilon.to_string();
        return Err(Error::Option { name: "epsilon", value, allowed: "a finite number of at least 0" });
    }
    let sizes = [from.priors.len() / from.num_classes, to.priors.len() / to.num_classes];
    let back = edge.transposed.unwrap_or(edge.rows);
    if [edge.rows.num_nodes(), back.num_nodes()] != sizes || edge.rows.num_entries() != back.num_entries() {
        return refuse("has rows that do not fit the numbers of nodes, or each other");
    }
    let within = |rows: &Rows, size: usize| rows.all_neighbors().iter().all(|&node| (node as usize) < size);
    if !within(edge.rows, sizes[1]) || !within(back, sizes[0]) {
        return refuse("has neighbours that are not given");
    }
    let (height, width) = (from.num_classes, to.num_classes);
    if edge.coupling.len() != height * width {
        return refuse("has a coupling that does not fit the numbers of classes");
    }
    let at = |row: usize, column: usize| edge.coupling[row * width + column];
    let rows_fit = (0..height).all(|row| balanced((0..width).map(|column| at(row, column))));
    let columns_fit = (0..width).all(|column| balanced((0..height).map(|row| at(row, column))));
    if !rows_fit || !columns_fit {
        return refuse("has a coupling with a row or column that does not sum to 0");
    }
    let symmetric = || (0..height * width).all(|i| at(i / width, i % width) == at(i % width, i / width));
    if edge.transposed.is_none() && (edge.from != edge.to || !symmetric()) {
        return refuse("is undirected, so it needs one kind of nodes and a symmetric coupling");
    }
    Ok(())
}
