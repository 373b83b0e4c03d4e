//! Planted partitions: how much of them is found as communities mix.

use super::two_threads;
use ringfence::community::{LeidenOptions, Partition, compare, leiden, modularity};
use ringfence::graph::project::Rows;
use ringfence::random::{Stream, below};

const GROUPS: u64 = 20;
const SIZE: u64 = 50;
const NODES: u64 = GROUPS * SIZE;
/// Expected neighbours of a node.
const DEGREE: u64 = 20;
/// Graphs of each mixing.
const GRAPHS: u64 = 4;

/// Percent of a node's neighbours outside its group, and the modularity and mutual information with the planted groups
/// that leidenalg 0.12 reaches: of ten seeds the one with the best modularity, run until nothing changes; means of [`GRAPHS`] graphs.
///
/// By `python tests/community_data/peers.py recovery`.
const LEIDENALG: [(u64, f64, f64); 7] = [
    (10, 0.8540, 1.0000),
    (20, 0.7506, 1.0000),
    (30, 0.6480, 1.0000),
    (40, 0.5512, 1.0000),
    (50, 0.4499, 0.9980),
    (60, 0.3527, 0.9739),
    (70, 0.2519, 0.5335),
];

/// A stochastic block model; groups are interleaved, so that numbers say nothing about them.
fn planted(graph: u64, mixing_percent: u64) -> Rows {
    let stream = Stream::new(2024 + graph, mixing_percent);
    // Chances of a pair, in millionths.
    let inside = DEGREE * (100 - mixing_percent) * 10_000 / (SIZE - 1);
    let outside = DEGREE * mixing_percent * 10_000 / (NODES - SIZE);
    let chance = |u: u64, v: u64| if u % GROUPS == v % GROUPS { inside } else { outside };
    let drawn = (0..NODES).flat_map(|u| (0..u).map(move |v| (u, v)));
    let drawn = drawn.filter(|&(u, v)| below(stream.at(u * NODES + v), 1_000_000) < chance(u, v));
    let pairs: Vec<_> = drawn.map(|(u, v)| (u as u32, v as u32, 1)).collect();
    Rows::undirected(NODES as usize, &pairs)
}

#[test]
fn planted_groups_are_recovered_as_well_as_by_leidenalg() {
    let truth = Partition::from_labels(&(0..NODES).map(|node| (node % GROUPS) as u32).collect::<Vec<_>>());
    for (mixing, quality, nmi) in LEIDENALG {
        let (mut our_quality, mut our_nmi, mut planted_quality) = (0.0, 0.0, 0.0);
        for graph in 0..GRAPHS {
            let rows = planted(graph, mixing);
            let with_seed = |seed| {
                let options = LeidenOptions { seed, iterations: 10, ..LeidenOptions::default() };
                leiden(&rows, &options, &two_threads()).unwrap()
            };
            let best = (0..10).map(with_seed).max_by(|a, b| a.quality.total_cmp(&b.quality)).unwrap();
            our_quality += best.quality / GRAPHS as f64;
            our_nmi += compare(&truth, &best.partition).unwrap().nmi / GRAPHS as f64;
            planted_quality += modularity(&rows, &truth, 1.0).unwrap() / GRAPHS as f64;
        }
        println!(
            "{mixing} % outside: modularity {our_quality:.4} ({quality:.4}; planted {planted_quality:.4}), nmi {our_nmi:.4} ({nmi:.4})"
        );
        assert!(our_quality >= quality * 0.999, "{mixing} %: {our_quality} {quality}");
        assert!(our_nmi >= nmi - 0.005, "{mixing} %: {our_nmi} {nmi}");
        // What is found is at least as good as what was planted, or the planted groups themselves.
        assert!(our_quality >= planted_quality - 1e-9, "{mixing} %: {our_quality} {planted_quality}");
    }
}
