//! Communities against their definitions: every partition of small graphs is enumerated, and the laws that the
//! methods promise are tried on planted ones.
#![allow(clippy::unwrap_used)]

use ringfence::community::{
    Communities, LeidenOptions, Objective, Partition, PropagationOptions, SHARE_WHOLE, community_measures,
    compare, coverage, directed_modularity, follow, label_propagation, leiden, leiden_directed, louvain,
    modularity, overlapping_communities, quality,
};
use ringfence::graph::project::Rows;
use ringfence::random::{Draws, Stream};
use ringfence::{Error, Run};

/// Zachary's karate club: friendships of 34 members.
const KARATE: [(u32, u32); 78] = [
    (0, 1),
    (0, 2),
    (0, 3),
    (0, 4),
    (0, 5),
    (0, 6),
    (0, 7),
    (0, 8),
    (0, 10),
    (0, 11),
    (0, 12),
    (0, 13),
    (0, 17),
    (0, 19),
    (0, 21),
    (0, 31),
    (1, 2),
    (1, 3),
    (1, 7),
    (1, 13),
    (1, 17),
    (1, 19),
    (1, 21),
    (1, 30),
    (2, 3),
    (2, 7),
    (2, 8),
    (2, 9),
    (2, 13),
    (2, 27),
    (2, 28),
    (2, 32),
    (3, 7),
    (3, 12),
    (3, 13),
    (4, 6),
    (4, 10),
    (5, 6),
    (5, 10),
    (5, 16),
    (6, 16),
    (8, 30),
    (8, 32),
    (8, 33),
    (9, 33),
    (13, 33),
    (14, 32),
    (14, 33),
    (15, 32),
    (15, 33),
    (18, 32),
    (18, 33),
    (19, 33),
    (20, 32),
    (20, 33),
    (22, 32),
    (22, 33),
    (23, 25),
    (23, 27),
    (23, 29),
    (23, 32),
    (23, 33),
    (24, 25),
    (24, 27),
    (24, 31),
    (25, 31),
    (26, 29),
    (26, 33),
    (27, 33),
    (28, 31),
    (28, 33),
    (29, 32),
    (29, 33),
    (30, 32),
    (30, 33),
    (31, 32),
    (31, 33),
    (32, 33),
];

type Pairs = Vec<(u32, u32, u64)>;

fn draws(index: u64) -> Draws {
    Stream::new(2024, 7).draws(index)
}

fn karate() -> Rows {
    Rows::undirected(34, &KARATE.map(|(u, v)| (u, v, 1)))
}

/// A graph of `num_nodes` nodes and about `num_pairs` pairs, weights up to `weight_max`.
fn random_pairs(draws: &mut Draws, num_nodes: u64, num_pairs: u64, weight_max: u64) -> Pairs {
    let pair =
        |_| (draws.below(num_nodes) as u32, draws.below(num_nodes) as u32, 1 + draws.below(weight_max));
    (0..num_pairs).map(pair).filter(|&(u, v, _)| u != v).collect()
}

/// `groups` groups of `size` nodes; each node has `degree` pairs, `inside` percent of them within its group.
fn planted(seed: u64, groups: u64, size: u64, degree: u64, inside: u64) -> Pairs {
    let mut draws = draws(seed);
    let nodes = groups * size;
    let mut pairs = Vec::new();
    for node in 0..nodes {
        for _ in 0..degree {
            let other = match draws.chance(inside) {
                // Groups are interleaved, so that ids say nothing about them.
                true => draws.below(size) * groups + node % groups,
                false => draws.below(nodes),
            };
            if other != node {
                pairs.push((node as u32, other as u32, 1));
            }
        }
    }
    pairs
}

/// The definition, for a graph given as pairs: modularity, or CPM with all sizes 1.
fn defined(pairs: &Pairs, num_nodes: usize, labels: &[u32], options: &LeidenOptions) -> f64 {
    let same = |u: usize, v: usize| labels[u] == labels[v];
    let inside: u64 = pairs.iter().filter(|p| same(p.0 as usize, p.1 as usize)).map(|p| p.2).sum();
    if options.objective == Objective::Cpm {
        let together = (0..num_nodes).flat_map(|u| (0..u).map(move |v| (u, v))).filter(|&(u, v)| same(u, v));
        return inside as f64 - options.resolution * together.count() as f64;
    }
    let total: u64 = pairs.iter().map(|p| p.2).sum();
    let strength = |node: usize| -> u64 {
        pairs
            .iter()
            .map(|p| u64::from(p.0 as usize == node) * p.2 + u64::from(p.1 as usize == node) * p.2)
            .sum()
    };
    let strengths: Vec<f64> = (0..num_nodes).map(|node| strength(node) as f64).collect();
    let mut expected = 0.0;
    for u in 0..num_nodes {
        for v in (0..num_nodes).filter(|&v| same(u, v)) {
            expected += strengths[u] * strengths[v];
        }
    }
    inside as f64 / total as f64 - options.resolution * expected / (2.0 * total as f64).powi(2)
}

/// Directed modularity by definition.
fn directed_quality(pairs: &Pairs, num_nodes: usize, labels: &[u32], resolution: f64) -> f64 {
    let total: u64 = pairs.iter().map(|p| p.2).sum();
    let (mut out, mut into) = (vec![0.0; num_nodes], vec![0.0; num_nodes]);
    for &(u, v, weight) in pairs {
        out[u as usize] += weight as f64;
        into[v as usize] += weight as f64;
    }
    let inside: u64 =
        pairs.iter().filter(|p| labels[p.0 as usize] == labels[p.1 as usize]).map(|p| p.2).sum();
    let mut expected = 0.0;
    for u in 0..num_nodes {
        for v in (0..num_nodes).filter(|&v| labels[u] == labels[v]) {
            expected += out[u] * into[v];
        }
    }
    inside as f64 / total as f64 - resolution * expected / (total as f64).powi(2)
}

/// Every partition of `num_nodes` nodes, as labels.
fn partitions(num_nodes: usize) -> Vec<Vec<u32>> {
    let mut all = vec![vec![]];
    for _ in 0..num_nodes {
        all = all
            .into_iter()
            .flat_map(|labels: Vec<u32>| {
                let next = labels.iter().max().map_or(0, |&label| label + 1);
                (0..=next).map(move |label| [labels.clone(), vec![label]].concat())
            })
            .collect();
    }
    all
}

/// Communities, by definition, that do not hang together.
fn disconnected(graph: &Rows, partition: &Partition) -> usize {
    let apart = |community: &u32| {
        let members = partition.members(*community);
        let (mut seen, mut open) = (vec![members[0]], vec![members[0]]);
        while let Some(node) = open.pop() {
            for &next in graph.neighbors(node) {
                if partition.community(next) == *community && !seen.contains(&next) {
                    seen.push(next);
                    open.push(next);
                }
            }
        }
        seen.len() < members.len()
    };
    (0..partition.len() as u32).filter(apart).count()
}

fn run(threads: usize) -> Run {
    Run::new().threads(threads).unwrap()
}

/// The objectives that small graphs are tried with.
fn objectives() -> Vec<LeidenOptions> {
    let with = |objective, resolution| LeidenOptions { objective, resolution, ..LeidenOptions::default() };
    vec![
        with(Objective::Modularity, 1.0),
        with(Objective::Modularity, 0.7),
        with(Objective::Modularity, 1.6),
        with(Objective::Cpm, 0.4),
        with(Objective::Cpm, 1.3),
    ]
}

#[test]
fn the_best_partition_of_small_graphs_is_found_or_nearly() {
    let (mut tried, mut best_found, mut lost, mut sum) = (0, 0, 0.0, 0.0);
    let all = partitions(8);
    for index in 0..24 {
        let mut draws = draws(index);
        let pairs = random_pairs(&mut draws, 8, 8 + index % 10, 1 + index % 3);
        let graph = Rows::undirected(8, &pairs);
        for options in objectives() {
            let by_definition = |labels: &Vec<u32>| defined(&pairs, 8, labels, &options);
            let best = all.iter().map(by_definition).fold(f64::NEG_INFINITY, f64::max);
            let alone = by_definition(&(0..8).collect());
            let found = leiden(&graph, &options, &run(1)).unwrap();
            let reached = by_definition(&found.partition.labels().to_vec());
            assert!((reached - found.quality).abs() < 1e-9, "{reached} {}", found.quality);
            assert!(reached >= alone - 1e-12 && reached <= best + 1e-9);
            tried += 1;
            best_found += usize::from(reached > best - 1e-9);
            lost += best - reached;
            sum += best;
        }
    }
    println!("best partition found in {best_found} of {tried}, {:.4} of the objective lost", lost / sum);
    assert!(best_found * 100 >= tried * 85, "{best_found} of {tried}");
    assert!(lost < 0.01 * sum, "{lost} of {sum}");
}

#[test]
fn directed_modularity_is_that_of_the_definition_and_nearly_the_best() {
    let (mut tried, mut best_found) = (0, 0);
    let all = partitions(7);
    for index in 0..30 {
        let mut draws = draws(100 + index);
        let pairs = random_pairs(&mut draws, 7, 9 + index % 9, 1 + index % 3);
        let turned: Pairs = pairs.iter().map(|&(u, v, weight)| (v, u, weight)).collect();
        let (out, incoming) = (Rows::directed(7, &pairs), Rows::directed(7, &turned));
        let options =
            LeidenOptions { resolution: 0.8 + 0.1 * (index % 5) as f64, ..LeidenOptions::default() };
        let found = leiden_directed(&out, &incoming, &options, &run(1)).unwrap();
        let by_definition = |labels: &[u32]| directed_quality(&pairs, 7, labels, options.resolution);
        let best = all.iter().map(|labels| by_definition(labels)).fold(f64::NEG_INFINITY, f64::max);
        let reached = by_definition(found.partition.labels());
        assert!((reached - found.quality).abs() < 1e-9, "{reached} {}", found.quality);
        assert!(reached <= best + 1e-9);
        tried += 1;
        best_found += usize::from(reached > best - 1e-9);
    }
    println!("best directed partition found in {best_found} of {tried}");
    assert!(best_found * 100 >= tried * 80, "{best_found} of {tried}");
}

#[test]
fn the_karate_club_comes_apart_as_published() {
    for seed in 0..20 {
        let options = LeidenOptions { seed, iterations: 2, ..LeidenOptions::default() };
        let found = leiden(&karate(), &options, &run(2)).unwrap();
        assert!(found.quality > 0.41979 * 0.995, "seed {seed}: {}", found.quality);
        assert_eq!(found.num_disconnected, 0);
        let by_louvain = louvain(&karate(), &options, true, &run(2)).unwrap();
        assert!(by_louvain.quality > 0.39, "seed {seed}: {}", by_louvain.quality);
    }
}

#[test]
fn every_community_is_connected_and_never_had_to_be_split() {
    for index in 0..60 {
        let mut draws = draws(200 + index);
        let nodes = 20 + draws.below(400);
        let num_pairs = nodes * (1 + index % 4);
        let graph = Rows::undirected(nodes as usize, &random_pairs(&mut draws, nodes, num_pairs, 4));
        for mut options in objectives() {
            options.seed = index;
            let found = leiden(&graph, &options, &run(2)).unwrap();
            assert_eq!((found.num_disconnected, disconnected(&graph, &found.partition)), (0, 0));
            let split = louvain(&graph, &options, true, &run(2)).unwrap();
            assert_eq!(disconnected(&graph, &split.partition), 0);
            let whole = louvain(&graph, &options, false, &run(2)).unwrap();
            assert_eq!(disconnected(&graph, &whole.partition), whole.num_disconnected);
        }
    }
}

#[test]
fn the_answer_does_not_depend_on_the_number_of_threads() {
    // Large enough that nodes move in rounds.
    let pairs = planted(3, 400, 50, 6, 70);
    let graph = Rows::undirected(20_000, &pairs);
    assert!(graph.num_entries() > 1 << 17);
    for refined in [true, false] {
        let options = LeidenOptions { seed: 5, size_max: 60, size_min: 3, ..LeidenOptions::default() };
        let found = |threads| match refined {
            true => leiden(&graph, &options, &run(threads)).unwrap(),
            false => louvain(&graph, &options, true, &run(threads)).unwrap(),
        };
        let one = found(1);
        for threads in [2, 3, 7, 16] {
            assert_eq!(one, found(threads), "{threads} threads");
        }
        assert_eq!(disconnected(&graph, &one.partition), 0);
    }
}

/// Above four million entries the first climb makes whole communities nodes where they are not clear; the second takes them apart.
#[test]
fn a_large_graph_without_clear_communities_is_climbed_roughly_first() {
    const NODES: u64 = 450_000;
    let graph = Rows::undirected(NODES as usize, &planted(12, NODES / 150, 150, 5, 45));
    assert!(graph.num_entries() > 1 << 22);
    let options = LeidenOptions { seed: 3, ..LeidenOptions::default() };
    let [one, two] = [1, 2].map(|threads| leiden(&graph, &options, &run(threads)).unwrap());
    assert_eq!(one, two);
    // Far from the four fifths above which communities count as clear.
    assert!(one.quality < 0.7, "{}", one.quality);
    assert_eq!(disconnected(&graph, &one.partition), 0);
    let whole = louvain(&graph, &options, true, &run(2)).unwrap();
    assert!(one.quality >= whole.quality, "{} {}", one.quality, whole.quality);
}

#[test]
fn planted_groups_are_found_whatever_the_nodes_are_called() {
    let pairs = planted(4, 200, 40, 12, 80);
    let names = Stream::new(9, 9);
    let mut order: Vec<u32> = (0..8_000).collect();
    order.sort_by_key(|&node| names.at(node.into()));
    let renamed: Pairs = pairs.iter().map(|&(u, v, w)| (order[u as usize], order[v as usize], w)).collect();
    // Groups of this size are below what modularity tells apart at resolution 1.
    let options = LeidenOptions { resolution: 2.0, ..LeidenOptions::default() };
    let first = leiden(&Rows::undirected(8_000, &pairs), &options, &run(2)).unwrap();
    let second = leiden(&Rows::undirected(8_000, &renamed), &options, &run(2)).unwrap();
    assert!((first.quality - second.quality).abs() < 0.002, "{} {}", first.quality, second.quality);
    let truth = Partition::from_labels(&(0..8_000).map(|node| node % 200).collect::<Vec<u32>>());
    let agreed = (0..200).filter(|&group| {
        let first_member = truth.members(group)[0];
        let found = first.partition.members(first.partition.community(first_member));
        found.iter().filter(|&&node| node % 200 == first_member % 200).count() >= 38 && found.len() <= 42
    });
    let agreed = agreed.count();
    assert!(agreed > 190, "{agreed}");
}

#[test]
fn the_objective_never_falls_from_level_to_level_and_levels_are_nested() {
    let graph = Rows::undirected(20_000, &planted(6, 500, 40, 6, 65));
    for options in [
        LeidenOptions::default(),
        LeidenOptions { objective: Objective::Cpm, resolution: 0.05, ..LeidenOptions::default() },
    ] {
        let found = leiden(&graph, &options, &run(2)).unwrap();
        assert!(found.levels.len() > 1);
        for pair in found.levels.windows(2) {
            assert!(pair[0].quality <= pair[1].quality && pair[0].num_communities > pair[1].num_communities);
            assert_eq!(pair[1].parents.len(), pair[0].num_communities);
        }
        assert_eq!(found.labels_at(found.levels.len() - 1), found.partition.labels());
        assert_eq!(found.levels.last().unwrap().quality, found.quality);
    }
}

#[test]
fn one_more_iteration_never_makes_it_worse() {
    let graph = Rows::undirected(20_000, &planted(8, 500, 40, 6, 50));
    let with = |iterations| {
        leiden(&graph, &LeidenOptions { iterations, ..LeidenOptions::default() }, &run(2)).unwrap().quality
    };
    let (one, two, four) = (with(1), with(2), with(4));
    assert!(one <= two && two <= four, "{one} {two} {four}");
}

#[test]
fn cpm_finds_cliques_in_a_ring_that_modularity_merges() {
    let mut pairs = Pairs::new();
    for clique in 0..100_u32 {
        let first = clique * 5;
        pairs.extend((0..5).flat_map(|u| (0..u).map(move |v| (first + u, first + v, 1))));
        pairs.push((first, (first + 6) % 500, 1));
    }
    let graph = Rows::undirected(500, &pairs);
    let cpm = LeidenOptions { objective: Objective::Cpm, resolution: 0.5, ..LeidenOptions::default() };
    let found = leiden(&graph, &cpm, &run(1)).unwrap();
    assert_eq!((found.partition.len(), found.partition.size(0)), (100, 5));
    // 10 pairs inside each, 10 possible: 10 - 0.5 * 10.
    assert!((found.quality - 500.0).abs() < 1e-9);
    let merged = leiden(&graph, &LeidenOptions::default(), &run(1)).unwrap();
    assert!(merged.partition.len() < 60);
}

#[test]
fn node_sizes_count_as_that_many_nodes() {
    let graph = Rows::undirected(4, &[(0, 1, 3), (1, 2, 1), (2, 3, 3)]);
    let sizes = |sizes: [u32; 4]| LeidenOptions {
        objective: Objective::Cpm,
        resolution: 0.6,
        node_sizes: Some(sizes.to_vec()),
        ..LeidenOptions::default()
    };
    let found = leiden(&graph, &sizes([1, 1, 1, 1]), &run(1)).unwrap();
    assert_eq!(found.partition.labels(), [0, 0, 1, 1]);
    // 3 within a pair of 3 nodes each: 15 pairs of nodes at 0.6 cost more than 3.
    let found = leiden(&graph, &sizes([3, 3, 1, 1]), &run(1)).unwrap();
    assert_eq!(found.partition.labels(), [1, 2, 0, 0]);
}

#[test]
fn wide_weights_and_narrow_ones_give_the_same_communities() {
    let pairs = planted(11, 30, 30, 8, 75);
    let wide: Pairs = pairs.iter().map(|&(u, v, weight)| (u, v, weight << 36)).collect();
    let options = LeidenOptions::default();
    let first = leiden(&Rows::undirected(900, &pairs), &options, &run(2)).unwrap();
    let second = leiden(&Rows::undirected(900, &wide), &options, &run(2)).unwrap();
    assert_eq!(first.partition, second.partition);
    let alike = LeidenOptions { weighted: false, ..options.clone() };
    let uneven: Pairs = pairs.iter().enumerate().map(|(i, &(u, v, _))| (u, v, 1 + i as u64 % 7)).collect();
    let third = leiden(&Rows::undirected(900, &uneven), &alike, &run(2)).unwrap();
    let fourth = leiden(&Rows::undirected(900, &pairs), &alike, &run(2)).unwrap();
    assert_eq!(third, fourth);
}

#[test]
fn sizes_stay_within_their_bounds() {
    let graph = Rows::undirected(3_000, &planted(12, 20, 150, 8, 80));
    let options = LeidenOptions { size_min: 10, size_max: 40, ..LeidenOptions::default() };
    let found = leiden(&graph, &options, &run(2)).unwrap();
    let sizes: Vec<u32> = found.partition.sizes().collect();
    assert!(sizes[0] <= 40, "{sizes:?}");
    let small = sizes.iter().filter(|&&size| size < 10).count();
    assert!(small * 20 <= sizes.len(), "{small} of {} are too small", sizes.len());
    assert_eq!(disconnected(&graph, &found.partition), 0);
    assert_eq!(found.labels_at(found.levels.len() - 1), found.partition.labels());
    let found = louvain(&graph, &options, true, &run(2)).unwrap();
    assert!(found.partition.sizes().all(|size| size <= 40));
    assert_eq!(disconnected(&graph, &found.partition), 0);
    let only_min = LeidenOptions { size_min: 200, ..LeidenOptions::default() };
    let found = leiden(&graph, &only_min, &run(2)).unwrap();
    assert!(found.partition.sizes().all(|size| size >= 200));
    assert_eq!(disconnected(&graph, &found.partition), 0);
}

#[test]
fn a_warm_start_keeps_ids_where_nothing_happened() {
    let mut pairs = planted(13, 100, 40, 10, 90);
    let options = LeidenOptions::default();
    let before = leiden(&Rows::undirected(4_000, &pairs), &options, &run(2)).unwrap();
    let ids: Vec<u32> = before.partition.labels().iter().map(|&community| 1_000 + community).collect();
    // A twentieth of one group turns to another.
    pairs.iter_mut().filter(|pair| pair.0 == 7).for_each(|pair| pair.1 = (pair.1 / 100) * 100 + 8);
    pairs.retain(|pair| pair.0 != pair.1);
    let warm = LeidenOptions { start: Some(ids.clone()), seed: 77, ..options };
    let after = leiden(&Rows::undirected(4_000, &pairs), &warm, &run(2)).unwrap();
    let kept =
        (0..4_000).filter(|&node| after.ids[after.partition.community(node) as usize] == ids[node as usize]);
    assert!(kept.count() > 3_900);
    assert_eq!(after.ids, follow(&ids, &after.partition));
    let again = LeidenOptions { start: Some(ids.clone()), ..LeidenOptions::default() };
    let same = leiden(&Rows::undirected(4_000, &planted(13, 100, 40, 10, 90)), &again, &run(2)).unwrap();
    assert!(same.quality >= before.quality);
}

#[test]
fn a_start_that_is_nonsense_is_left_behind() {
    let graph = Rows::undirected(6, &[(0, 1, 1), (1, 2, 1), (0, 2, 1), (3, 4, 1), (4, 5, 1), (3, 5, 1)]);
    let start = Some(vec![9, 9, 9, 9, 9, 9]);
    let found = leiden(&graph, &LeidenOptions { start, ..LeidenOptions::default() }, &run(1)).unwrap();
    assert_eq!(found.partition.labels(), [0, 0, 0, 1, 1, 1]);
    assert_eq!((found.ids, found.num_disconnected), (vec![9, 10], 0));
}

#[test]
fn graphs_of_nothing_are_no_trouble() {
    for nodes in [0, 1, 5] {
        let found = leiden(&Rows::undirected(nodes, &[]), &LeidenOptions::default(), &run(2)).unwrap();
        assert_eq!((found.partition.len(), found.quality), (nodes, 0.0));
        let bounds = LeidenOptions { size_min: 3, size_max: 4, ..LeidenOptions::default() };
        assert_eq!(leiden(&Rows::undirected(nodes, &[]), &bounds, &run(2)).unwrap().partition.len(), nodes);
        let empty = Rows::directed(nodes, &[]);
        assert_eq!(leiden_directed(&empty, &empty, &LeidenOptions::default(), &run(2)).unwrap().quality, 0.0);
    }
}

#[test]
fn what_makes_no_sense_is_refused_before_any_work() {
    let cancelled = Run::new();
    cancelled.cancel_flag().store(true, std::sync::atomic::Ordering::Relaxed);
    // Work would end in `Cancelled`; the options are looked at before.
    let refused = |options: LeidenOptions| leiden(&karate(), &options, &cancelled).unwrap_err();
    for resolution in [0.0, -1.0, f64::NAN, f64::INFINITY] {
        let error = refused(LeidenOptions { resolution, ..LeidenOptions::default() });
        assert!(matches!(error, Error::Option { name: "resolution", .. }));
    }
    let error = refused(LeidenOptions { size_min: 9, size_max: 8, ..LeidenOptions::default() });
    assert!(matches!(error, Error::Option { name: "size_max", .. }));
    let error = refused(LeidenOptions { size_min: 0, ..LeidenOptions::default() });
    assert!(matches!(error, Error::Option { name: "size_min", .. }));
    let error = refused(LeidenOptions { iterations: 0, ..LeidenOptions::default() });
    assert!(matches!(error, Error::Option { name: "iterations", .. }));
    let error = refused(LeidenOptions { node_sizes: Some(vec![0; 34]), ..LeidenOptions::default() });
    assert!(matches!(error, Error::Option { name: "node_sizes", .. }));
    let error = refused(LeidenOptions { start: Some(vec![0; 33]), ..LeidenOptions::default() });
    assert!(matches!(error, Error::Input { .. }));
    let error = refused(LeidenOptions { node_sizes: Some(vec![1; 35]), ..LeidenOptions::default() });
    assert!(matches!(error, Error::Input { .. }));
    assert!(matches!(refused(LeidenOptions::default()), Error::Cancelled));
    let cpm = LeidenOptions { objective: Objective::Cpm, ..LeidenOptions::default() };
    assert!(matches!(leiden_directed(&karate(), &karate(), &cpm, &run(1)), Err(Error::Option { .. })));
}

#[test]
fn the_quality_of_any_partition_is_that_of_the_definition() {
    for index in 0..20 {
        let mut draws = draws(300 + index);
        let pairs = random_pairs(&mut draws, 30, 80, 5);
        let turned: Pairs = pairs.iter().map(|&(u, v, weight)| (v, u, weight)).collect();
        let graph = Rows::undirected(30, &pairs);
        let labels: Vec<u32> = (0..30).map(|_| draws.below(6) as u32).collect();
        let partition = Partition::from_labels(&labels);
        for options in objectives() {
            let found = quality(&graph, &partition, options.objective, options.resolution).unwrap();
            assert!((found - defined(&pairs, 30, &labels, &options)).abs() < 1e-9);
        }
        let (out, incoming) = (Rows::directed(30, &pairs), Rows::directed(30, &turned));
        let found = directed_modularity(&out, &incoming, &partition, 1.2).unwrap();
        assert!((found - directed_quality(&pairs, 30, &labels, 1.2)).abs() < 1e-9);
        let measures = community_measures(&graph, &partition, &run(2)).unwrap();
        let apart = measures.iter().filter(|community| !community.connected).count();
        assert_eq!(apart, disconnected(&graph, &partition));
        let inside: u64 = measures.iter().map(|community| community.inside).sum();
        let total: u64 = pairs.iter().map(|pair| pair.2).sum();
        let share = coverage(&measures);
        assert!((share - inside as f64 / total as f64).abs() < 1e-12);
        let wrong = Partition::from_labels(&[0; 29]);
        assert!(matches!(modularity(&graph, &wrong, 1.0), Err(Error::Input { .. })));
    }
}

#[test]
fn the_measures_of_a_triangle_with_a_tail_can_be_counted_by_hand() {
    let graph = Rows::undirected(5, &[(0, 1, 2), (1, 2, 3), (0, 2, 4), (2, 3, 5), (3, 4, 1)]);
    let partition = Partition::from_labels(&[0, 0, 0, 1, 1]);
    let [triangle, tail] = community_measures(&graph, &partition, &run(1)).unwrap().try_into().unwrap();
    assert_eq!((triangle.size, triangle.pairs, triangle.inside, triangle.cut), (3, 3, 9, 5));
    assert_eq!((triangle.density, tail.density, tail.connected), (1.0, 1.0, true));
    // Members of the tail have weights 6 and 1, those of the triangle 23.
    assert_eq!((triangle.conductance, tail.conductance), (5.0 / 7.0, 5.0 / 7.0));
}

#[test]
fn label_propagation_finds_planted_groups_and_is_the_same_for_any_number_of_threads() {
    let pairs = planted(15, 400, 50, 8, 85);
    let graph = Rows::undirected(20_000, &pairs);
    let truth = Partition::from_labels(&(0..20_000).map(|node| node % 400).collect::<Vec<u32>>());
    let options = PropagationOptions { seed: 3, ..PropagationOptions::default() };
    let one = label_propagation(&graph, &options, &run(1)).unwrap();
    let overlapping = overlapping_communities(&graph, &options, &run(1)).unwrap();
    for threads in [2, 3, 7, 16] {
        assert_eq!(one, label_propagation(&graph, &options, &run(threads)).unwrap());
        assert_eq!(overlapping, overlapping_communities(&graph, &options, &run(threads)).unwrap());
    }
    assert_eq!(disconnected(&graph, &one), 0);
    let agreement = compare(&truth, &one).unwrap();
    assert!(agreement.nmi > 0.95 && agreement.ami > 0.9, "{agreement:?}");
}

#[test]
fn a_node_between_two_groups_belongs_to_both() {
    // Two cliques of eight, and node 16 with three friends in each.
    let mut pairs = Pairs::new();
    for first in [0, 8] {
        pairs.extend((0..8).flat_map(|u| (0..u).map(move |v| (first + u, first + v, 1))));
        pairs.extend((0..3).map(|u| (first + u, 16, 1)));
    }
    let graph = Rows::undirected(18, &pairs);
    let options = PropagationOptions { communities_max: 2, ..PropagationOptions::default() };
    let found = overlapping_communities(&graph, &options, &run(2)).unwrap();
    let of = |node: usize| found.starts[node] as usize..found.starts[node + 1] as usize;
    assert_eq!(found.num_communities, 3);
    assert_eq!(found.communities[of(16)].len(), 2);
    assert_eq!(found.shares[of(16)], [SHARE_WHOLE / 2, SHARE_WHOLE / 2]);
    assert_ne!(found.communities[of(4)], found.communities[of(12)]);
    assert!((0..18).all(|node| found.shares[of(node)].iter().sum::<u32>() == SHARE_WHOLE));
    for wrong in [0, 65] {
        let options = PropagationOptions { communities_max: wrong, ..PropagationOptions::default() };
        let refused = overlapping_communities(&graph, &options, &run(1));
        assert!(matches!(refused, Err(Error::Option { name: "communities_max", .. })));
    }
}

#[test]
fn another_seed_gives_a_partition_as_good() {
    let graph = Rows::undirected(20_000, &planted(14, 400, 50, 8, 70));
    let found: Vec<Communities> = (0..4)
        .map(|seed| leiden(&graph, &LeidenOptions { seed, ..LeidenOptions::default() }, &run(2)).unwrap())
        .collect();
    let best = found.iter().map(|found| found.quality).fold(0.0, f64::max);
    assert!(found.iter().all(|found| found.quality > best * 0.998));
}
