//! Bridges and articulation points: the edge, or the account, without which a group falls apart.
//!
//! A bridge is an edge, an articulation point a node, whose removal leaves more connected components than before. A
//! biconnected component is a largest set of edges of which any two lie on a common simple cycle; a bridge is one alone.
//!
//! # Method
//! Depth-first search on a stack of its own. The low point of a node is the earliest node that its subtree reaches by
//! an edge outside of the tree. A tree edge is a bridge if what is below it reaches nothing above, and closes a
//! biconnected component if what is below reaches nothing above its upper end.
//!
//! # Cost
//! Time O(n + m), sequential; memory 12 bytes per node and, for biconnected components, 16 per edge.
//!
//! # Source
//! Hopcroft, Tarjan: Efficient algorithms for graph manipulation, CACM 16(6), 1973.

use crate::error::Result;
use crate::graph::project::Rows;
use crate::ids::NONE;
use crate::run::Run;

/// What an undirected graph falls apart without.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Bridges {
    /// Bridges, smaller end first, ascending.
    pub bridges: Vec<(u32, u32)>,
    /// Articulation points, ascending.
    pub articulation_points: Vec<u32>,
}

/// The biconnected components of an undirected graph.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Biconnected {
    /// For each entry of the rows the component of its edge, the same in both directions. Components are numbered in
    /// the order of their first entries.
    pub labels: Vec<u32>,
    /// Number of components.
    pub num_components: usize,
}

/// Nodes between two looks at whether the run was cancelled.
const NODES_PER_CHECK: u32 = 1 << 14;

/// The bridges and articulation points of an undirected graph.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled).
///
/// # Examples
/// ```
/// use ringfence::community::bridges;
/// use ringfence::graph::project::Rows;
/// let triangle_and_tail = Rows::undirected(4, &[(0, 1, 1), (1, 2, 1), (0, 2, 1), (2, 3, 1)]);
/// let found = bridges(&triangle_and_tail, &ringfence::Run::new())?;
/// assert_eq!((found.bridges, found.articulation_points), (vec![(2, 3)], vec![2]));
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn bridges(rows: &Rows, run: &Run) -> Result<Bridges> {
    run.stage("bridges", rows.num_nodes() as u64);
    let mut found = Bridges { bridges: Vec::new(), articulation_points: Vec::new() };
    let mut articulates = vec![false; rows.num_nodes()];
    search(rows, run, |step| {
        if let Step::Below { above, node, root, low, own, .. } = step {
            if low > own {
                found.bridges.push((above.min(node), above.max(node)));
            }
            articulates[above as usize] |= !root && low >= own;
        } else if let Step::Root { node, subtrees } = step {
            articulates[node as usize] = subtrees > 1;
        }
    })?;
    found.bridges.sort_unstable();
    found.articulation_points =
        (0..rows.num_nodes() as u32).filter(|&node| articulates[node as usize]).collect();
    Ok(found)
}

/// The biconnected components of an undirected graph.
///
/// # Errors
/// [`Error::Cancelled`](crate::Error::Cancelled).
pub fn biconnected_components(rows: &Rows, run: &Run) -> Result<Biconnected> {
    run.stage("biconnected components", rows.num_nodes() as u64);
    let mut labels = vec![NONE; rows.num_entries()];
    let (mut open, mut closed) = (Vec::new(), 0);
    search(rows, run, |step| match step {
        Step::Edge { entry } => open.push(entry),
        Step::Below { low, own, through, .. } if low >= own => {
            while let Some(entry) = open.pop() {
                labels[entry] = closed;
                if entry == through {
                    break;
                }
            }
            closed += 1;
        }
        Step::Below { .. } | Step::Root { .. } => {}
    })?;
    Ok(number(rows, labels, closed as usize))
}

/// Gives each edge's label to its other direction, and numbers components by their first entries.
fn number(rows: &Rows, mut labels: Vec<u32>, num_components: usize) -> Biconnected {
    let mut numbers = vec![NONE; num_components];
    let mut next = 0;
    for node in 0..rows.num_nodes() as u32 {
        for entry in rows.range(node) {
            let other = rows.all_neighbors()[entry];
            if other < node {
                continue;
            }
            let back = rows.neighbors(other).binary_search(&node).expect("every pair stands in both rows");
            let back = rows.range(other).start + back;
            let label = labels[entry].min(labels[back]);
            let number = &mut numbers[label as usize];
            if *number == NONE {
                *number = next;
                next += 1;
            }
            (labels[entry], labels[back]) = (*number, *number);
        }
    }
    Biconnected { labels, num_components }
}

/// What a depth-first search meets.
enum Step {
    /// An edge, once: on the way down or up to a node above.
    Edge { entry: usize },
    /// The search comes back from `node` to `above` by the edge `through`; `low` is the earliest visit that the subtree
    /// of `node` reaches, `own` that of `above`, which is a root or not.
    Below { above: u32, node: u32, root: bool, low: u32, own: u32, through: usize },
    /// A tree is done.
    Root { node: u32, subtrees: u32 },
}

/// A visited node whose edges are being followed.
struct Visit {
    node: u32,
    above: u32,
    low: u32,
    /// The entry that led here.
    through: usize,
    /// The entry that comes next.
    entry: usize,
}

/// Looks every so many visits at whether the run was cancelled.
fn pause(visits: u32, run: &Run) -> Result<()> {
    if visits.is_multiple_of(NODES_PER_CHECK) {
        run.check()?;
        run.advance(NODES_PER_CHECK.into());
    }
    Ok(())
}

/// Depth-first search from each node not yet visited, in order.
fn search(rows: &Rows, run: &Run, mut meet: impl FnMut(Step)) -> Result<()> {
    let num_nodes = rows.num_nodes() as u32;
    let mut visits = vec![0_u32; num_nodes as usize];
    let (mut clock, mut path) = (0, Vec::<Visit>::new());
    for start in 0..num_nodes {
        if visits[start as usize] != 0 {
            continue;
        }
        let mut subtrees = 0;
        clock += 1;
        visits[start as usize] = clock;
        pause(clock, run)?;
        path.push(Visit { node: start, above: NONE, low: clock, through: 0, entry: rows.range(start).start });
        while let Some(top) = path.last_mut() {
            if top.entry < rows.range(top.node).end {
                let entry = top.entry;
                top.entry += 1;
                let neighbor = rows.all_neighbors()[entry];
                let visit = visits[neighbor as usize];
                if visit == 0 {
                    meet(Step::Edge { entry });
                    let above = top.node;
                    clock += 1;
                    visits[neighbor as usize] = clock;
                    pause(clock, run)?;
                    let first = rows.range(neighbor).start;
                    path.push(Visit { node: neighbor, above, low: clock, through: entry, entry: first });
                } else if neighbor != top.above && visit < visits[top.node as usize] {
                    meet(Step::Edge { entry });
                    top.low = top.low.min(visit);
                }
                continue;
            }
            let Some(done) = path.pop() else { break };
            let Some(above) = path.last_mut() else { break };
            let (own, root) = (visits[above.node as usize], above.above == NONE);
            above.low = above.low.min(done.low);
            subtrees += u32::from(root);
            meet(Step::Below {
                above: above.node,
                node: done.node,
                root,
                low: done.low,
                own,
                through: done.through,
            });
        }
        meet(Step::Root { node: start, subtrees });
    }
    Ok(())
}
