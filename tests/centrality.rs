//! Centrality and guilt by association, against slow answers from the definitions.

#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

#[path = "oracle/centrality.rs"]
mod oracle;

use ringfence::community::beliefs::{Beliefs, BeliefsOptions, EdgeKind, NodeKind, beliefs, homophily};
use ringfence::community::centrality::{
    BetweennessOptions, HitsOptions, PageRankOptions, betweenness, degrees, hits, pagerank,
};
use ringfence::graph::project::Rows;
use ringfence::random::{Stream, unit};
use ringfence::{Error, Run};

const GRAPHS: u64 = 300;

/// Random pairs: number of nodes, (from, to, weight).
fn pairs(seed: u64, nodes_max: u64) -> (usize, Vec<(u32, u32, u64)>) {
    let mut draws = Stream::new(seed, 78).draws(0);
    let num_nodes = 1 + draws.below(nodes_max);
    let num_pairs = draws.below(4 * num_nodes);
    let heaviest = [1, 5, 1 << 40][seed as usize % 3];
    let pair = |_| (draws.below(num_nodes) as u32, draws.below(num_nodes) as u32, 1 + draws.below(heaviest));
    (num_nodes as usize, (0..num_pairs).map(pair).collect())
}

fn directed(seed: u64) -> (Rows, Rows) {
    let (num_nodes, pairs) = pairs(seed, 14);
    let out = Rows::directed(num_nodes, &pairs);
    let incoming = out.transposed(num_nodes);
    (out, incoming)
}

/// A graph large enough for many tasks, with hubs and tails.
fn large() -> Rows {
    let mut draws = Stream::new(6, 1).draws(0);
    let num_nodes = 60_000;
    let pair = |_| {
        let (from, to) = (draws.below(num_nodes), draws.below(num_nodes));
        (from as u32, (to * to / num_nodes) as u32, 1 + draws.below(9))
    };
    let pairs: Vec<_> = (0..200_000).map(pair).collect();
    Rows::directed(num_nodes as usize, &pairs)
}

fn assert_close(found: &[f64], expected: &[f64], tolerance: f64, what: &str) {
    assert_eq!(found.len(), expected.len(), "{what}");
    for (node, (found, expected)) in found.iter().zip(expected).enumerate() {
        assert!(
            (found - expected).abs() <= tolerance * expected.abs().max(1.0),
            "{what}: {node}: {found} {expected}"
        );
    }
}

#[test]
fn pagerank_is_where_the_walk_spends_its_time() {
    for seed in 0..GRAPHS {
        let (out, incoming) = directed(seed);
        let weighted = seed % 2 == 0;
        let options = PageRankOptions { tolerance: 1e-14, weighted, ..PageRankOptions::default() };
        let found = pagerank(&out, &incoming, &options, &Run::new()).unwrap();
        assert_close(&found.scores, &oracle::pagerank(&out, 0.85, weighted), 1e-12, &format!("seed {seed}"));
        assert!(found.residual <= 1e-14 && found.iterations <= 200);
    }
}

#[test]
fn the_residual_bounds_what_is_missing_from_pagerank() {
    let (out, incoming) = directed(5);
    let exact = oracle::pagerank(&out, 0.85, true);
    for iterations_max in [1, 3, 10, 30] {
        let options = PageRankOptions { tolerance: 0.0, iterations_max, ..PageRankOptions::default() };
        let found = pagerank(&out, &incoming, &options, &Run::new()).unwrap();
        assert_eq!(found.iterations, iterations_max);
        let off: f64 = found.scores.iter().zip(&exact).map(|(found, exact)| (found - exact).abs()).sum();
        assert!(off <= found.residual * 0.85 / 0.15 + 1e-14, "{off} {}", found.residual);
    }
}

#[test]
fn hubs_and_authorities_are_the_leading_singular_vectors() {
    for seed in 0..GRAPHS {
        let (out, incoming) = directed(seed);
        let weighted = seed % 2 == 0;
        let options = HitsOptions { tolerance: 1e-15, iterations_max: 200_000, weighted };
        let found = hits(&out, &incoming, &options, &Run::new()).unwrap();
        let edges = oracle::dense(&out, out.num_nodes(), weighted);
        let (power, _) = oracle::high_power(oracle::product(&edges, &oracle::transposed(&edges)));
        let hubs = scaled(power.iter().map(|row| row.iter().sum()).collect());
        let column = |to: usize| edges.iter().zip(&hubs).map(|(row, hub)| row[to] * hub).sum();
        let authorities = scaled((0..out.num_nodes()).map(column).collect());
        assert_close(&found.hubs, &hubs, 1e-8, &format!("hubs, seed {seed}"));
        assert_close(&found.authorities, &authorities, 1e-8, &format!("authorities, seed {seed}"));
    }
}

fn scaled(values: Vec<f64>) -> Vec<f64> {
    let sum: f64 = values.iter().sum();
    values.iter().map(|value| if sum > 0.0 { value / sum } else { 0.0 }).collect()
}

#[test]
fn betweenness_counts_the_shortest_paths_through_a_node() {
    for seed in 0..GRAPHS {
        let (num_nodes, pairs) = pairs(seed, 14);
        for is_directed in [true, false] {
            let rows = match is_directed {
                true => Rows::directed(num_nodes, &pairs),
                false => Rows::undirected(num_nodes, &pairs),
            };
            let options = BetweennessOptions { directed: is_directed, sources: None, seed: 0 };
            let found = betweenness(&rows, &options, &Run::new()).unwrap();
            let expected = oracle::betweenness(&rows, is_directed);
            assert_close(&found.scores, &expected, 1e-12, &format!("seed {seed}"));
            assert!(found.normalized().iter().all(|score| (0.0..=1.0 + 1e-12).contains(score)));
        }
    }
}

#[test]
fn betweenness_from_some_sources_stays_within_its_bound_and_from_all_is_exact() {
    let (num_nodes, pairs) = pairs(7 * 3 + 1, 400);
    let rows = Rows::undirected(num_nodes, &pairs);
    let of = |sources, seed| {
        let options = BetweennessOptions { directed: false, sources, seed };
        betweenness(&rows, &options, &Run::new()).unwrap()
    };
    let exact = of(None, 0);
    assert_eq!(of(Some(1_000_000), 3), exact);
    let mut mean = vec![0.0; num_nodes];
    for seed in 0..200 {
        let found = of(Some(num_nodes as u32 / 4), seed);
        let off = found.scores.iter().zip(&exact.scores).map(|(found, exact)| (found - exact).abs());
        assert!(off.fold(0.0, f64::max) <= found.error_max(1e-6));
        mean.iter_mut().zip(&found.scores).for_each(|(mean, score)| *mean += score / 200.0);
    }
    // The estimate is right on average.
    let most = exact.scores.iter().copied().fold(0.0, f64::max);
    assert_close(
        &mean.iter().map(|score| score / most).collect::<Vec<_>>(),
        &exact.scores.iter().map(|score| score / most).collect::<Vec<_>>(),
        0.05,
        "mean",
    );
}

#[test]
fn betweenness_survives_more_paths_than_a_float_can_count() {
    // A chain of 1,200 diamonds: 2^1200 shortest paths from end to end.
    let diamonds = 1_200_u32;
    let edges = (0..diamonds).flat_map(|i| {
        let [top, left, right, bottom] = [3 * i, 3 * i + 1, 3 * i + 2, 3 * i + 3];
        [(top, left, 1), (top, right, 1), (left, bottom, 1), (right, bottom, 1)]
    });
    let rows = Rows::undirected(3 * diamonds as usize + 1, &edges.collect::<Vec<_>>());
    let options = BetweennessOptions { directed: false, sources: None, seed: 0 };
    let found = betweenness(&rows, &options, &Run::new()).unwrap();
    for i in 0..diamonds {
        let (before, after) = (f64::from(3 * i), f64::from(3 * (diamonds - i)));
        // A joint separates what is before from what is behind; a side carries half of what passes, and half of the pair of joints.
        let (joint, side) = (before * after, ((before + 1.0) * (after - 2.0)) / 2.0);
        let close = |node: u32, expected: f64| {
            let score = found.scores[node as usize];
            assert!((score - expected).abs() <= 1e-9 * expected.max(1.0), "{node}: {score} {expected}");
        };
        // The two sides of a diamond are joined by two paths, over either joint.
        let sides = 0.5;
        close(3 * i, joint + if i > 0 { 2.0 * sides } else { sides });
        close(3 * i + 1, side);
    }
}

#[test]
fn degrees_count_and_strengths_add() {
    for seed in 0..GRAPHS {
        let (out, incoming) = directed(seed);
        let edges = oracle::dense(&out, out.num_nodes(), true);
        let found = degrees(&incoming, &Run::new()).unwrap();
        for node in 0..out.num_nodes() {
            let column = || edges.iter().map(|row| row[node]);
            assert_eq!(found.degree[node] as usize, column().filter(|&weight| weight > 0.0).count());
            assert_eq!(found.strength[node] as f64, column().sum::<f64>());
        }
    }
}

/// Accounts of two classes, devices of three, random edges between them and among accounts.
struct Typed {
    priors: [Vec<f64>; 2],
    uses: [Rows; 2],
    pays: [Rows; 2],
    knows: Rows,
    couplings: [Vec<f64>; 3],
}

impl Typed {
    fn new(seed: u64) -> Self {
        let mut draws = Stream::new(seed, 79).draws(0);
        let (accounts, devices) = (2 + draws.below(9), 1 + draws.below(6));
        let mut some = |from: u64, to: u64| -> Vec<(u32, u32, u64)> {
            (0..draws.below(2 * from))
                .map(|_| (draws.below(from) as u32, draws.below(to) as u32, 1))
                .collect()
        };
        let uses = Rows::bipartite(accounts as usize, &some(accounts, devices));
        let pays = Rows::directed(accounts as usize, &some(accounts, accounts));
        let knows = Rows::undirected(accounts as usize, &some(accounts, accounts));
        let mut priors = |nodes: u64, classes: usize| -> Vec<f64> {
            (0..nodes)
                .flat_map(|_| {
                    let known = if draws.below(3) == 0 { 0.1 } else { 0.0 };
                    let values: Vec<f64> = (0..classes).map(|_| known * unit(draws.bits())).collect();
                    let mean = values.iter().sum::<f64>() / classes as f64;
                    values.into_iter().map(move |value| value - mean)
                })
                .collect()
        };
        let priors = [priors(accounts, 2), priors(devices, 3)];
        let back = [uses.transposed(devices as usize), pays.transposed(accounts as usize)];
        let [users, payers] = back;
        let couplings = [vec![2.0, -0.5, -1.5, -2.0, 0.5, 1.5], vec![-1.0, 1.0, 1.0, -1.0], homophily(2)];
        Typed { priors, uses: [uses, users], pays: [pays, payers], knows, couplings }
    }

    fn nodes(&self) -> [NodeKind<'_>; 2] {
        [2, 3].map(|num_classes| NodeKind { num_classes, priors: &self.priors[num_classes - 2] })
    }

    fn edges(&self, factor: f64) -> [EdgeKind<'_>; 3] {
        let kind = |to, rows, transposed, coupling, epsilon: f64| EdgeKind {
            from: 0,
            to,
            rows,
            transposed,
            coupling,
            epsilon: epsilon * factor,
        };
        let [uses, pays, knows] = &self.couplings;
        [
            kind(1, &self.uses[0], Some(&self.uses[1]), uses, 0.3),
            kind(0, &self.pays[0], Some(&self.pays[1]), pays, 0.1),
            kind(0, &self.knows, None, knows, 0.2),
        ]
    }

    /// Beliefs with strengths multiplied by `factor`.
    fn beliefs(&self, factor: f64) -> Result<Beliefs, Error> {
        let options = BeliefsOptions { tolerance: 1e-15, ..BeliefsOptions::default() };
        beliefs(&self.nodes(), &self.edges(factor), &options, &Run::new())
    }
}

#[test]
fn beliefs_solve_their_equation() {
    for seed in 0..GRAPHS {
        let typed = Typed::new(seed);
        let Some(factor) = largest_factor(&typed) else { continue };
        let found = typed.beliefs(factor).unwrap();
        let (p, q, _) = oracle::system(&typed.nodes(), &typed.edges(factor));
        let unit = |row: usize, column: usize| f64::from(u8::from(row == column));
        let size = p.len();
        let matrix = (0..size).map(|r| (0..size).map(|c| unit(r, c) - p[r][c] + q[r][c]).collect()).collect();
        let expected = oracle::solve(matrix, typed.priors.concat());
        assert_close(&found.beliefs.concat(), &expected, 1e-12, &format!("seed {seed}"));
        assert!(found.residual <= 1e-15 && found.factor_max >= 1.0);
        for (kind, classes) in [(0, 2), (1, 3)] {
            let sums = found.beliefs[kind].chunks(classes).map(|beliefs| beliefs.iter().sum::<f64>());
            assert!(sums.into_iter().all(|sum| sum.abs() < 1e-12));
        }
    }
}

/// A factor just below the bound; `None` for a graph without edges, which has none.
fn largest_factor(typed: &Typed) -> Option<f64> {
    let bound = typed.beliefs(1e-3).unwrap().factor_max * 1e-3;
    bound.is_finite().then_some(bound * 0.999)
}

#[test]
fn strengths_up_to_the_bound_converge_and_above_it_are_refused_by_name() {
    let mut sharp = 0;
    for seed in 0..GRAPHS {
        let typed = Typed::new(seed);
        let Some(factor) = largest_factor(&typed) else { continue };
        let message = typed.beliefs(factor * 1.01).unwrap_err().to_string();
        assert!(message.starts_with("option epsilon = ") && message.contains("the bound is"), "{message}");
        let (p, q, roots) = oracle::system(&typed.nodes(), &typed.edges(factor / 0.9));
        let size = p.len();
        let symmetric = |r: usize, c: usize| (p[r][c] - q[r][c]) * roots[r] / roots[c];
        let matrix = (0..size).map(|r| (0..size).map(|c| symmetric(r, c)).collect()).collect();
        let (_, radius) = oracle::high_power(matrix);
        assert!(radius < 1.0 + 1e-9, "seed {seed}: {radius}");
        sharp += u64::from(radius > 0.9);
    }
    assert!(sharp > GRAPHS / 3, "the bound is near the spectral radius only {sharp} times");
}

#[test]
fn on_trees_beliefs_point_where_exact_marginals_do() {
    for seed in 0..GRAPHS {
        let mut draws = Stream::new(seed, 80).draws(0);
        let n = 2 + draws.below(8) as usize;
        let edges: Vec<(usize, usize)> =
            (1..n).map(|node| (draws.below(node as u64) as usize, node)).collect();
        let seed_node = draws.below(n as u64) as usize;
        let mut priors = vec![0.0; 2 * n];
        (priors[2 * seed_node], priors[2 * seed_node + 1]) = (1e-3, -1e-3);
        let coupling = [homophily(2), vec![-1.0, 1.0, 1.0, -1.0]][seed as usize % 2].clone();
        let epsilon = 0.05;
        let pairs: Vec<_> = edges.iter().map(|&(a, b)| (a as u32, b as u32, 1)).collect();
        let rows = Rows::undirected(n, &pairs);
        let nodes = [NodeKind { num_classes: 2, priors: &priors }];
        let edge = EdgeKind { from: 0, to: 0, rows: &rows, transposed: None, coupling: &coupling, epsilon };
        let options = BeliefsOptions { tolerance: 0.0, ..BeliefsOptions::default() };
        let found = beliefs(&nodes, &[edge], &options, &Run::new()).unwrap();
        let exact = oracle::marginals(&priors, &edges, &coupling, epsilon);
        for (at, (found, exact)) in found.beliefs[0].iter().zip(&exact).enumerate() {
            assert!((found - exact).abs() <= 0.05 * exact.abs(), "seed {seed}, {at}: {found} {exact}");
        }
    }
}

#[test]
fn answers_are_the_same_for_any_number_of_threads() {
    let out = large();
    let incoming = out.transposed(out.num_nodes());
    let answers = |threads: usize| {
        let run = Run::new().threads(threads).unwrap();
        let options = PageRankOptions { iterations_max: 25, ..PageRankOptions::default() };
        let rank = pagerank(&out, &incoming, &options, &run).unwrap();
        let hits = hits(&out, &incoming, &HitsOptions { iterations_max: 15, ..HitsOptions::default() }, &run)
            .unwrap();
        let options = BetweennessOptions { sources: Some(20), ..BetweennessOptions::default() };
        let between = betweenness(&out, &options, &run).unwrap();
        let priors: Vec<f64> =
            (0..out.num_nodes()).flat_map(|node| [1.0, -1.0].map(|s| s * (node % 7) as f64)).collect();
        let coupling = homophily(2);
        let edge = EdgeKind {
            from: 0,
            to: 0,
            rows: &out,
            transposed: Some(&incoming),
            coupling: &coupling,
            epsilon: 1e-3,
        };
        let nodes = [NodeKind { num_classes: 2, priors: &priors }];
        let options = BeliefsOptions { iterations_max: 15, ..BeliefsOptions::default() };
        let beliefs = beliefs(&nodes, &[edge], &options, &run).unwrap();
        (rank, hits, between, degrees(&out, &run).unwrap(), beliefs)
    };
    let expected = answers(1);
    for threads in [2, 3, 7, 16] {
        assert!(answers(threads) == expected, "{threads} threads");
    }
}

#[test]
fn what_cannot_be_is_refused_before_any_work() {
    let (out, incoming) = directed(5);
    let named = |result: Result<(), Error>, option: &str| {
        assert!(matches!(result, Err(Error::Option { name, .. }) if name == option), "{option}");
    };
    let run = Run::new();
    let rank = |options| pagerank(&out, &incoming, &options, &run).map(drop);
    named(rank(PageRankOptions { damping: 1.0, ..Default::default() }), "damping");
    named(rank(PageRankOptions { damping: f64::NAN, ..Default::default() }), "damping");
    named(rank(PageRankOptions { tolerance: -1.0, ..Default::default() }), "tolerance");
    named(rank(PageRankOptions { iterations_max: 0, ..Default::default() }), "iterations_max");
    let other = Rows::directed(out.num_nodes() + 1, &[]);
    assert!(matches!(pagerank(&out, &other, &Default::default(), &run), Err(Error::Input { .. })));
    assert!(matches!(hits(&out, &other, &Default::default(), &run), Err(Error::Input { .. })));
    let options = HitsOptions { iterations_max: 0, ..Default::default() };
    named(hits(&out, &incoming, &options, &run).map(drop), "iterations_max");
    let options = BetweennessOptions { sources: Some(0), ..Default::default() };
    named(betweenness(&out, &options, &run).map(drop), "sources");

    let typed = Typed::new(1);
    let (nodes, edges) = (typed.nodes(), typed.edges(1e-3));
    let refused = |nodes: &[NodeKind], edge: EdgeKind| {
        assert!(matches!(beliefs(nodes, &[edge], &Default::default(), &run), Err(Error::Input { .. })));
    };
    refused(&nodes, EdgeKind { to: 2, ..edges[0] });
    refused(&nodes, EdgeKind { coupling: &[1.0, -1.0], ..edges[0] });
    refused(&nodes, EdgeKind { coupling: &[1.0, 0.0, 0.0, 1.0], ..edges[1] });
    refused(&nodes, EdgeKind { transposed: None, ..edges[0] });
    refused(&nodes, EdgeKind { rows: &typed.uses[1], ..edges[1] });
    refused(&[NodeKind { num_classes: 2, priors: &[0.5, 0.5] }, nodes[1]], edges[2]);
    refused(&[NodeKind { num_classes: 2, priors: &[f64::NAN, 0.0] }, nodes[1]], edges[2]);
    let options = BeliefsOptions { safety: 1.0, ..Default::default() };
    named(beliefs(&nodes, &edges, &options, &run).map(drop), "safety");
    let edge = EdgeKind { epsilon: -0.1, ..edges[0] };
    named(beliefs(&nodes, &[edge], &Default::default(), &run).map(drop), "epsilon");
}

#[test]
fn a_cancelled_run_gives_nothing() {
    let out = large();
    let incoming = out.transposed(out.num_nodes());
    let run = Run::new();
    run.cancel_flag().store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(pagerank(&out, &incoming, &Default::default(), &run), Err(Error::Cancelled)));
    assert!(matches!(hits(&out, &incoming, &Default::default(), &run), Err(Error::Cancelled)));
    assert!(matches!(betweenness(&out, &Default::default(), &run), Err(Error::Cancelled)));
    assert!(matches!(degrees(&out, &run), Err(Error::Cancelled)));
}
