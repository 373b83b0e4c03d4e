//! The linear system of beliefs: what nodes hear of their neighbours, how it is solved, and when that converges.

use super::{Beliefs, BeliefsOptions, EdgeKind, NodeKind};
use crate::error::Result;
use crate::graph::project::Rows;
use crate::run::Run;
use rayon::prelude::*;

/// Most power iterations for the bound, and how many of them must improve it by this share to go on.
const BOUND_ITERATIONS: usize = 200;
const BOUND_STEP: usize = 10;
const BOUND_GAIN: f64 = 1e-3;
/// Nodes per task.
const NODES_PER_TASK: usize = 1 << 12;

/// Edges of one kind as nodes at one end hear them.
struct Hearing<'a> {
    /// Kind of the neighbours, and their number of classes.
    other: usize,
    width: usize,
    rows: &'a Rows,
    /// What a node makes of the sum of its neighbours' beliefs: own classes × their classes.
    coupling: Vec<f64>,
    /// What it takes back of its own per neighbour: own classes × own classes.
    echo: Vec<f64>,
}

/// The linear system, by kinds of nodes.
pub(super) struct System<'a> {
    nodes: &'a [NodeKind<'a>],
    hearings: Vec<Vec<Hearing<'a>>>,
}

impl<'a> System<'a> {
    pub fn new(nodes: &'a [NodeKind<'a>], edges: &[EdgeKind<'a>]) -> Self {
        let mut hearings: Vec<Vec<Hearing<'a>>> = nodes.iter().map(|_| Vec::new()).collect();
        for edge in edges {
            let (height, width) = (nodes[edge.from].num_classes, nodes[edge.to].num_classes);
            let turned = |at: usize| edge.coupling[at % height * width + at / height];
            let mut hear = |own: usize, other: usize, rows: &'a Rows, matrix: Vec<f64>| {
                hearings[own].push(Hearing::new(nodes, own, other, rows, &matrix, edge.epsilon));
            };
            hear(edge.from, edge.to, edge.rows, edge.coupling.to_vec());
            if let Some(transposed) = edge.transposed {
                hear(edge.to, edge.from, transposed, (0..height * width).map(turned).collect());
            }
        }
        System { nodes, hearings }
    }

    /// For each belief `combine` of its place, what comes from neighbours and what is echo; without signs if `bare`.
    fn sweep(
        &self,
        values: &[Vec<f64>],
        bare: bool,
        combine: impl Fn(usize, usize, f64, f64) -> f64 + Sync,
        run: &Run,
    ) -> Result<Vec<Vec<f64>>> {
        let signed = |value: f64| if bare { value.abs() } else { value };
        let sweep_kind = |kind: usize| {
            let classes = self.nodes[kind].num_classes;
            let mut next = vec![0.0; values[kind].len()];
            let hear = |task: usize, next: &mut [f64]| {
                run.check()?;
                let (mut heard, mut own_echo, mut sum) = (vec![0.0; classes], vec![0.0; classes], Vec::new());
                for (at, next) in next.chunks_mut(classes).enumerate() {
                    let node = task * NODES_PER_TASK + at;
                    let own = &values[kind][node * classes..][..classes];
                    heard.fill(0.0);
                    own_echo.fill(0.0);
                    for hearing in &self.hearings[kind] {
                        hearing.sum(node as u32, values, &mut sum);
                        let degree = hearing.rows.degree(node as u32) as f64;
                        for class in 0..classes {
                            let row = &hearing.coupling[class * hearing.width..][..hearing.width];
                            heard[class] += row.iter().zip(&sum).map(|(c, s)| signed(*c) * s).sum::<f64>();
                            let row = &hearing.echo[class * classes..][..classes];
                            let echo: f64 = row.iter().zip(own).map(|(e, o)| signed(*e) * o).sum();
                            own_echo[class] += degree * echo;
                        }
                    }
                    for (class, next) in next.iter_mut().enumerate() {
                        *next = combine(kind, node * classes + class, heard[class], own_echo[class]);
                    }
                }
                Ok(())
            };
            let tasks = next.par_chunks_mut(NODES_PER_TASK * classes).enumerate();
            tasks.try_for_each(|(task, next)| hear(task, next))?;
            Ok(next)
        };
        (0..self.nodes.len()).map(sweep_kind).collect()
    }

    /// By how much all strengths can be multiplied at once such that the iterations are sure to converge.
    pub fn factor_max(&self, run: &Run) -> Result<f64> {
        let mut values: Vec<Vec<f64>> = self.nodes.iter().map(|node| vec![1.0; node.priors.len()]).collect();
        let (mut best, mut earlier) = (0.0_f64, 0.0);
        for iteration in 0..BOUND_ITERATIONS {
            let heard = self.sweep(&values, true, |_, _, heard, _| heard, run)?;
            let echo = self.sweep(&values, true, |_, _, _, echo| echo, run)?;
            // The largest factor f with f · heard + f² · echo ≤ value, for every belief.
            let factor = |(value, (heard, echo)): (&f64, (&f64, &f64))| {
                2.0 * value / (heard + (heard * heard + 4.0 * echo * value).sqrt())
            };
            let factor_of = |kind: usize| {
                let pairs = heard[kind].par_iter().zip(&echo[kind]);
                values[kind].par_iter().zip(pairs).map(factor).reduce(|| f64::INFINITY, f64::min)
            };
            best = best.max((0..values.len()).map(factor_of).fold(f64::INFINITY, f64::min));
            if best == f64::INFINITY {
                break;
            }
            if iteration % BOUND_STEP == 0 {
                if best <= earlier * (1.0 + BOUND_GAIN) {
                    break;
                }
                earlier = best;
            }
            let mut largest = 0.0_f64;
            for kind in 0..values.len() {
                let pairs = heard[kind].par_iter().zip(&echo[kind]);
                values[kind].par_iter_mut().zip(pairs).for_each(|(value, (heard, echo))| {
                    *value += best * heard + best * best * echo;
                });
                largest = largest.max(values[kind].par_iter().copied().reduce(|| 0.0, f64::max));
            }
            // A belief may not vanish: any positive vector gives a bound.
            let scale = |value: &mut f64| *value = (*value / largest).max(1e-150);
            values.iter_mut().for_each(|values| values.par_iter_mut().for_each(scale));
        }
        Ok(best)
    }

    /// Iterates from the priors; the factors of the result are the caller's to say.
    pub fn solve(&self, options: &BeliefsOptions, run: &Run) -> Result<Beliefs> {
        let start = self.nodes.iter().map(|node| node.priors.to_vec()).collect();
        let mut found =
            Beliefs { beliefs: start, iterations: 0, residual: 0.0, factor: 1.0, factor_max: 1.0 };
        while found.iterations < options.iterations_max {
            let believe = |kind: usize, at: usize, heard, echo| self.nodes[kind].priors[at] + (heard - echo);
            let next = self.sweep(&found.beliefs, false, believe, run)?;
            let change = |kind: usize| {
                let pairs = next[kind].par_iter().zip(&found.beliefs[kind]);
                pairs.map(|(after, before)| (after - before).abs()).reduce(|| 0.0, f64::max)
            };
            found.residual = (0..next.len()).map(change).fold(0.0, f64::max);
            found.beliefs = next;
            found.iterations += 1;
            run.advance(1);
            if found.residual <= options.tolerance {
                break;
            }
        }
        Ok(found)
    }
}

impl<'a> Hearing<'a> {
    /// `matrix` is the coupling as rows of own classes.
    fn new(
        nodes: &[NodeKind],
        own: usize,
        other: usize,
        rows: &'a Rows,
        matrix: &[f64],
        epsilon: f64,
    ) -> Self {
        let (height, width) = (nodes[own].num_classes, nodes[other].num_classes);
        let coupling = matrix.iter().map(|value| epsilon / height as f64 * value).collect();
        let product = |at: usize| {
            let (left, right) = (&matrix[at / height * width..], &matrix[at % height * width..]);
            left.iter().zip(right).take(width).map(|(l, r)| l * r).sum::<f64>()
        };
        let echo = |at: usize| epsilon * epsilon / (height * width) as f64 * product(at);
        Hearing { other, width, rows, coupling, echo: (0..height * height).map(echo).collect() }
    }

    /// Sum of the neighbours' beliefs, class by class.
    fn sum(&self, node: u32, values: &[Vec<f64>], sum: &mut Vec<f64>) {
        sum.clear();
        sum.resize(self.width, 0.0);
        for &neighbor in self.rows.neighbors(node) {
            let theirs = &values[self.other][neighbor as usize * self.width..][..self.width];
            sum.iter_mut().zip(theirs).for_each(|(sum, value)| *sum += value);
        }
    }
}
