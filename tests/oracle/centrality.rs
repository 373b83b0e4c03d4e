//! Slow answers about centrality and beliefs, from the definitions, by dense matrices.

use ringfence::community::beliefs::{EdgeKind, NodeKind};
use ringfence::graph::project::Rows;

pub type Matrix = Vec<Vec<f64>>;

/// The adjacency matrix of some rows.
pub fn dense(rows: &Rows, width: usize, weighted: bool) -> Matrix {
    let mut matrix = vec![vec![0.0; width]; rows.num_nodes()];
    for node in 0..rows.num_nodes() as u32 {
        for (neighbor, weight) in rows.entries(node) {
            matrix[node as usize][neighbor as usize] = if weighted { weight as f64 } else { 1.0 };
        }
    }
    matrix
}

/// Solves `matrix · x = right` by elimination with pivots.
pub fn solve(mut matrix: Matrix, mut right: Vec<f64>) -> Vec<f64> {
    let n = right.len();
    for column in 0..n {
        let pivot =
            (column..n).max_by(|&a, &b| matrix[a][column].abs().total_cmp(&matrix[b][column].abs())).unwrap();
        matrix.swap(column, pivot);
        right.swap(column, pivot);
        for row in column + 1..n {
            let factor = matrix[row][column] / matrix[column][column];
            let (above, below) = matrix.split_at_mut(row);
            below[0].iter_mut().zip(&above[column]).for_each(|(value, pivot)| *value -= factor * pivot);
            right[row] -= factor * right[column];
        }
    }
    for row in (0..n).rev() {
        let known: f64 = (row + 1..n).map(|at| matrix[row][at] * right[at]).sum();
        right[row] = (right[row] - known) / matrix[row][row];
    }
    right
}

pub fn product(a: &Matrix, b: &Matrix) -> Matrix {
    let width = b.first().map_or(0, Vec::len);
    a.iter()
        .map(|row| (0..width).map(|column| row.iter().zip(b).map(|(x, r)| x * r[column]).sum()).collect())
        .collect()
}

pub fn transposed(a: &Matrix) -> Matrix {
    let width = a.first().map_or(0, Vec::len);
    (0..width).map(|column| a.iter().map(|row| row[column]).collect()).collect()
}

/// A symmetric matrix to the power 2^25, up to a factor; and its largest absolute eigenvalue. Many more powers would let
/// rounding decide between equal eigenvalues.
pub fn high_power(mut matrix: Matrix) -> (Matrix, f64) {
    let mut logarithm = 0.0;
    for step in 0..25 {
        let largest = matrix.iter().flatten().fold(0.0, |most: f64, value| most.max(value.abs()));
        if largest == 0.0 {
            return (matrix, 0.0);
        }
        logarithm += largest.ln() / f64::from(step).exp2();
        matrix.iter_mut().flatten().for_each(|value| *value /= largest);
        matrix = product(&matrix, &matrix);
    }
    (matrix, logarithm.exp())
}

/// The stationary shares of a walk, from its transition matrix.
pub fn pagerank(out: &Rows, damping: f64, weighted: bool) -> Vec<f64> {
    let n = out.num_nodes();
    let edges = dense(out, n, weighted);
    let mut matrix = vec![vec![0.0; n]; n];
    for (from, row) in edges.iter().enumerate() {
        let total: f64 = row.iter().sum();
        for to in 0..n {
            let step = if total == 0.0 { 1.0 / n as f64 } else { row[to] / total };
            matrix[to][from] = f64::from(u8::from(to == from)) - damping * step;
        }
    }
    solve(matrix, vec![(1.0 - damping) / n as f64; n])
}

/// For each pair of other nodes the share of their shortest paths that pass a node, summed.
pub fn betweenness(rows: &Rows, directed: bool) -> Vec<f64> {
    let n = rows.num_nodes();
    let walks: Vec<(Vec<Option<u32>>, Vec<f64>)> = (0..n).map(|source| shortest(rows, source)).collect();
    let mut scores = vec![0.0; n];
    for source in 0..n {
        for target in 0..n {
            let (Some(steps), paths) = (walks[source].0[target], walks[source].1[target]) else { continue };
            for node in (0..n).filter(|&node| node != source && node != target && source != target) {
                let legs = (walks[source].0[node], walks[node].0[target]);
                if let (Some(there), Some(on)) = legs
                    && there + on == steps
                {
                    scores[node] += walks[source].1[node] * walks[node].1[target] / paths;
                }
            }
        }
    }
    scores.iter().map(|score| score / if directed { 1.0 } else { 2.0 }).collect()
}

/// Steps to each node, and the number of shortest paths: by counting walks of each length.
fn shortest(rows: &Rows, source: usize) -> (Vec<Option<u32>>, Vec<f64>) {
    let n = rows.num_nodes();
    let (mut steps, mut paths) = (vec![None; n], vec![0.0; n]);
    let mut walks = vec![0.0; n];
    walks[source] = 1.0;
    for length in 0..n as u32 {
        for node in 0..n {
            if walks[node] > 0.0 && steps[node].is_none() {
                (steps[node], paths[node]) = (Some(length), walks[node]);
            }
        }
        let mut next = vec![0.0; n];
        for node in 0..n as u32 {
            rows.neighbors(node).iter().for_each(|&to| next[to as usize] += walks[node as usize]);
        }
        walks = next;
    }
    (steps, paths)
}

/// The matrices P and Q of the beliefs' equation b = e + (P − Q) b, all kinds after each other, and √classes of each belief.
pub fn system(nodes: &[NodeKind], edges: &[EdgeKind]) -> (Matrix, Matrix, Vec<f64>) {
    let starts: Vec<usize> =
        (0..=nodes.len()).map(|kind| nodes[..kind].iter().map(|node| node.priors.len()).sum()).collect();
    let size = starts[nodes.len()];
    let (mut p, mut q) = (vec![vec![0.0; size]; size], vec![vec![0.0; size]; size]);
    for edge in edges {
        let (k, l, e) = (nodes[edge.from].num_classes, nodes[edge.to].num_classes, edge.epsilon);
        let h = |a: usize, b: usize| edge.coupling[a * l + b];
        for from in 0..edge.rows.num_nodes() {
            for &to in edge.rows.neighbors(from as u32) {
                let (at, other) = (starts[edge.from] + from * k, starts[edge.to] + to as usize * l);
                if edge.transposed.is_none() && at > other {
                    continue; // Both rows hold an undirected edge.
                }
                for a in 0..k {
                    for b in 0..l {
                        p[at + a][other + b] += e / k as f64 * h(a, b);
                        p[other + b][at + a] += e / l as f64 * h(a, b);
                        for c in 0..k {
                            q[at + a][at + c] += e * e / (k * l) as f64 * h(a, b) * h(c, b);
                        }
                        for c in 0..l {
                            q[other + b][other + c] += e * e / (k * l) as f64 * h(a, b) * h(a, c);
                        }
                    }
                }
            }
        }
    }
    let roots = nodes.iter().flat_map(|node| vec![(node.num_classes as f64).sqrt(); node.priors.len()]);
    (p, q, roots.collect())
}

/// The exact marginals of nodes of one kind of two classes with potentials 1 + epsilon · coupling, less 1/2; by enumeration.
pub fn marginals(priors: &[f64], edges: &[(usize, usize)], coupling: &[f64], epsilon: f64) -> Vec<f64> {
    let n = priors.len() / 2;
    let mut mass = vec![0.0; 2 * n];
    for world in 0..1_usize << n {
        let class = |node: usize| world >> node & 1;
        let own: f64 = (0..n).map(|node| 0.5 + priors[2 * node + class(node)]).product();
        let met: f64 =
            edges.iter().map(|&(a, b)| 1.0 + epsilon * coupling[2 * class(a) + class(b)]).product();
        (0..n).for_each(|node| mass[2 * node + class(node)] += own * met);
    }
    mass.chunks(2)
        .flat_map(|pair| pair.iter().map(|m| m / (pair[0] + pair[1]) - 0.5).collect::<Vec<_>>())
        .collect()
}
