//! Structure of graphs, against slow answers from the definitions: cores, trusses and what connects here, dense sets in
//! [`dense`].
//!
//! Every answer here is unique, or made unique by a rule for ties, so equality is asked for, on thousands of small random
//! graphs, and for one, two and seven threads.

#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

mod dense;
#[path = "../oracle/structure.rs"]
mod structure_oracle;

use ringfence::community::{
    DensestOptions, FlowScopeOptions, FraudarOptions, Priors, biconnected_components, bipartite_core,
    bipartite_core_levels, bridges, clustering, cores, densest, directed_core, directed_core_levels,
    flowscope, fraudar, peeling, strength_cores, strong_components, triangles, trussness,
};
use ringfence::graph::project::Rows;
use ringfence::ids::NONE;
use ringfence::random::Stream;
use ringfence::{Error, Run};
use structure_oracle::{largest, members, num_components, pairs, reached};

const GRAPHS: u64 = 600;

/// Undirected graphs of up to 16 nodes.
fn undirected() -> impl Iterator<Item = Rows> {
    (0..GRAPHS).map(|seed| {
        let (num_nodes, pairs) = pairs(seed, 16);
        Rows::undirected(num_nodes, &pairs)
    })
}

/// Out and in rows of graphs of up to 16 nodes.
fn directed() -> impl Iterator<Item = (Rows, Rows)> {
    (0..GRAPHS).map(|seed| {
        let (num_nodes, pairs) = pairs(seed, 16);
        let out = Rows::directed(num_nodes, &pairs);
        let incoming = out.transposed(num_nodes);
        (out, incoming)
    })
}

/// Left and right rows of bipartite graphs.
fn bipartite() -> impl Iterator<Item = (Rows, Rows)> {
    (0..GRAPHS).map(|seed| {
        let (num_left, pairs) = pairs(seed, 16);
        let num_right = 1 + (seed % 11) as usize;
        let pairs: Vec<_> = pairs.iter().map(|&(l, r, w)| (l, r % num_right as u32, w)).collect();
        let left = Rows::bipartite(num_left, &pairs);
        let right = left.transposed(num_right);
        (left, right)
    })
}

/// A graph large enough for every parallel way through the kernels: hubs, a dense part, tails.
fn large() -> (usize, Vec<(u32, u32, u64)>) {
    let mut draws = Stream::new(5, 1).draws(0);
    let num_nodes = 40_000;
    let mut pairs: Vec<(u32, u32, u64)> = (0..120_000)
        .map(|_| {
            let (from, to) = (draws.below(num_nodes), draws.below(num_nodes));
            (from as u32, (to * to / num_nodes) as u32, 1 + draws.below(9))
        })
        .collect();
    pairs.extend((0..6_000).map(|_| (draws.below(120) as u32, draws.below(120) as u32, 1)));
    pairs.extend((1..2_000).map(|tail| (38_000 + tail - 1, 38_000 + tail, 2)));
    (num_nodes as usize, pairs)
}

#[test]
fn strong_components_are_mutual_reachability() {
    for (out, incoming) in directed() {
        let reach: Vec<Vec<bool>> = (0..out.num_nodes() as u32).map(|node| reached(&out, node)).collect();
        let label =
            |node: usize| (0..=node).find(|&other| reach[node][other] && reach[other][node]).unwrap() as u32;
        let labels: Vec<u32> = (0..out.num_nodes()).map(label).collect();
        let found = strong_components(&out, &incoming, &Run::new()).unwrap();
        assert_eq!(found.labels, labels, "{out:?}");
        let roots = labels.iter().enumerate().filter(|&(node, &label)| node as u32 == label);
        assert_eq!(found.num_components, roots.count());
    }
}

#[test]
fn cores_are_the_largest_sets_with_so_many_neighbors_inside() {
    for rows in undirected() {
        let found = cores(&rows, &Run::new()).unwrap();
        for k in 0..=found.degeneracy() + 1 {
            let core = largest(rows.num_nodes(), |set, node| {
                rows.neighbors(node).iter().filter(|&&other| set[other as usize]).count() >= k as usize
            });
            assert_eq!(found.core(k), members(&core), "{k} {rows:?}");
        }
        let mut place = vec![0; rows.num_nodes()];
        found.order.iter().enumerate().for_each(|(at, &node)| place[node as usize] = at);
        for node in 0..rows.num_nodes() {
            let later =
                rows.neighbors(node as u32).iter().filter(|&&other| place[other as usize] > place[node]);
            assert!(later.count() <= found.coreness[node] as usize);
        }
    }
}

#[test]
fn neighbors_of_many_who_leave_at_once_keep_their_coreness() {
    // 6,000 nodes leave in one round and all take from the same eight, who end at eight whoever comes too late.
    let pairs: Vec<_> = (0..6_000).flat_map(|node| (0..8).map(move |hub| (8 + node, hub, 1))).collect();
    let rows = Rows::undirected(6_008, &pairs);
    let run = Run::new().threads(4).unwrap();
    for _ in 0..50 {
        assert!(cores(&rows, &run).unwrap().coreness.iter().all(|&coreness| coreness == 8));
    }
}

#[test]
fn strength_cores_are_the_largest_sets_with_so_much_weight_inside() {
    for rows in undirected() {
        let found = strength_cores(&rows, &Run::new()).unwrap();
        let mut levels = found.clone();
        levels.sort_unstable();
        levels.dedup();
        for s in levels.into_iter().flat_map(|s| [s, s + 1]) {
            let core = largest(rows.num_nodes(), |set, node| {
                rows.entries(node)
                    .filter(|&(other, _)| set[other as usize])
                    .map(|(_, weight)| weight)
                    .sum::<u64>()
                    >= s
            });
            let members_found: Vec<u32> =
                (0..found.len() as u32).filter(|&node| found[node as usize] >= s).collect();
            assert_eq!(members_found, members(&core), "{s} {rows:?}");
        }
    }
}

#[test]
fn strength_cores_of_equal_weights_are_cores() {
    let (num_nodes, pairs) = large();
    let mut rows = Rows::undirected(num_nodes, &pairs);
    let ones: Vec<_> = (0..num_nodes as u32)
        .flat_map(|node| rows.neighbors(node).iter().map(move |&other| (node, other, 1)))
        .collect();
    rows = Rows::directed(num_nodes, &ones);
    let found = cores(&rows, &Run::new()).unwrap();
    let strengths = strength_cores(&rows, &Run::new()).unwrap();
    assert!(found.coreness.iter().map(|&k| u64::from(k)).eq(strengths));
}

#[test]
fn directed_cores_are_the_largest_sets_paid_and_paying_inside() {
    let inside = |rows: &Rows, set: &[bool], node: u32| {
        rows.neighbors(node).iter().filter(|&&other| set[other as usize]).count() as u32
    };
    for (out, incoming) in directed() {
        for k in 0..4 {
            let levels = directed_core_levels(&out, &incoming, k, &Run::new()).unwrap();
            for l in 0..5 {
                let core = largest(out.num_nodes(), |set, node| {
                    inside(&incoming, set, node) >= k && inside(&out, set, node) >= l
                });
                assert_eq!(directed_core(&out, &incoming, k, l, &Run::new()).unwrap(), members(&core));
                let at_least = |&node: &u32| levels[node as usize] != NONE && levels[node as usize] >= l;
                let from_levels: Vec<u32> = (0..out.num_nodes() as u32).filter(at_least).collect();
                assert_eq!(from_levels, members(&core), "{k} {l} {out:?}");
            }
        }
    }
}

#[test]
fn bipartite_cores_are_the_largest_pairs_of_sets() {
    for (left, right) in bipartite() {
        let num_left = left.num_nodes();
        for alpha in 0..4_u32 {
            let levels =
                (alpha > 0).then(|| bipartite_core_levels(&left, &right, alpha, &Run::new()).unwrap());
            for beta in 0..5_u32 {
                let core = largest(num_left + right.num_nodes(), |set, node| {
                    match (node as usize).checked_sub(num_left) {
                        None => {
                            left.neighbors(node).iter().filter(|&&r| set[num_left + r as usize]).count()
                                as u32
                                >= alpha
                        }
                        Some(r) => {
                            right.neighbors(r as u32).iter().filter(|&&l| set[l as usize]).count() as u32
                                >= beta
                        }
                    }
                });
                let (lefts, rights) = (members(&core[..num_left]), members(&core[num_left..]));
                let found = bipartite_core(&left, &right, alpha, beta, &Run::new()).unwrap();
                assert_eq!((&found.left, &found.right), (&lefts, &rights), "{alpha} {beta} {left:?}");
                if let Some(levels) = &levels {
                    let at_least = |levels: &[u32]| -> Vec<u32> {
                        (0..levels.len() as u32)
                            .filter(|&node| levels[node as usize] != NONE && levels[node as usize] >= beta)
                            .collect()
                    };
                    assert_eq!(
                        (at_least(&levels.left), at_least(&levels.right)),
                        (lefts, rights),
                        "{alpha} {beta}"
                    );
                }
            }
        }
    }
}

#[test]
fn triangles_are_triples_of_neighbors() {
    for rows in undirected() {
        let joined = |a: u32, b: u32| rows.neighbors(a).contains(&b);
        let num_nodes = rows.num_nodes() as u32;
        let mut per_node = vec![0; rows.num_nodes()];
        for (a, b, c) in (0..num_nodes).flat_map(|a| (0..a).flat_map(move |b| (0..b).map(move |c| (a, b, c))))
        {
            if joined(a, b) && joined(b, c) && joined(a, c) {
                [a, b, c].iter().for_each(|&node| per_node[node as usize] += 1);
            }
        }
        let found = triangles(&rows, &Run::new()).unwrap();
        assert_eq!(found.total, per_node.iter().sum::<u64>() / 3);
        assert_eq!(found.per_node, per_node, "{rows:?}");
    }
}

#[test]
fn clustering_is_the_share_of_what_could_close() {
    let rows = Rows::undirected(5, &[(0, 1, 1), (1, 2, 1), (0, 2, 1), (2, 3, 7)]);
    let found = clustering(&rows, &Run::new()).unwrap();
    assert_eq!(found.local, [1.0, 1.0, 1.0 / 3.0, 0.0, 0.0]);
    assert_eq!((found.average, found.transitivity), ((2.0 + 1.0 / 3.0) / 5.0, 3.0 / 5.0));
    assert_eq!(clustering(&Rows::undirected(0, &[]), &Run::new()).unwrap().average, 0.0);
}

#[test]
fn trusses_are_the_largest_sets_of_edges_with_so_many_triangles_inside() {
    for rows in undirected() {
        let found = trussness(&rows, &Run::new()).unwrap();
        let entry = |a: u32, b: u32| Some(rows.range(a).start + rows.neighbors(a).binary_search(&b).ok()?);
        for k in 2..8 {
            // A set of entries; an entry stays if enough thirds are joined to both ends within the set.
            let owner: Vec<u32> =
                (0..rows.num_nodes() as u32).flat_map(|node| rows.range(node).map(move |_| node)).collect();
            let truss = largest(rows.num_entries(), |set, edge| {
                let (a, b) = (owner[edge as usize], rows.all_neighbors()[edge as usize]);
                let thirds = rows.neighbors(a).iter().filter(|&&third| {
                    entry(b, third).is_some_and(|far| set[far]) && set[entry(a, third).unwrap()]
                });
                thirds.count() + 2 >= k as usize
            });
            let members_found: Vec<u32> =
                (0..found.len() as u32).filter(|&entry| found[entry as usize] >= k).collect();
            assert_eq!(members_found, members(&truss), "{k} {rows:?}");
        }
    }
}

#[test]
fn bridges_and_articulation_points_are_what_splits_when_removed() {
    for rows in undirected() {
        let whole = num_components(&rows, None, None);
        let nodes = 0..rows.num_nodes() as u32;
        let edges =
            nodes.clone().flat_map(|u| rows.neighbors(u).iter().map(move |&v| (u, v))).filter(|(u, v)| u < v);
        let cut: Vec<(u32, u32)> =
            edges.filter(|&edge| num_components(&rows, Some(edge), None) > whole).collect();
        let points = nodes.filter(|&node| {
            num_components(&rows, None, Some(node)) > whole - usize::from(rows.degree(node) == 0)
        });
        let found = bridges(&rows, &Run::new()).unwrap();
        assert_eq!(found.bridges, cut, "{rows:?}");
        assert_eq!(found.articulation_points, points.collect::<Vec<_>>(), "{rows:?}");
    }
}

#[test]
fn biconnected_components_meet_in_articulation_points_and_bridges_are_alone() {
    for rows in undirected() {
        let found = biconnected_components(&rows, &Run::new()).unwrap();
        let cut = bridges(&rows, &Run::new()).unwrap();
        let mut sizes = vec![0; found.num_components];
        found.labels.iter().for_each(|&label| sizes[label as usize] += 1);
        assert!(sizes.iter().all(|&size| size > 0));
        for node in 0..rows.num_nodes() as u32 {
            let mut labels = found.labels[rows.range(node)].to_vec();
            labels.sort_unstable();
            labels.dedup();
            // An articulation point is in as many components as its component falls into without it.
            let without = num_components(&rows, None, Some(node)) + 1 - num_components(&rows, None, None);
            assert_eq!(labels.len(), without, "{node} {rows:?}");
            for (entry, other) in rows.range(node).zip(rows.neighbors(node)) {
                let back = rows.range(*other).start + rows.neighbors(*other).binary_search(&node).unwrap();
                assert_eq!(found.labels[entry], found.labels[back]);
                let bridge = cut.bridges.contains(&(node.min(*other), node.max(*other)));
                assert_eq!(bridge, sizes[found.labels[entry] as usize] == 2);
            }
        }
    }
}

#[test]
fn every_number_of_threads_gives_the_same_structure() {
    let (num_nodes, pairs) = large();
    let (rows, out) = (Rows::undirected(num_nodes, &pairs), Rows::directed(num_nodes, &pairs));
    let incoming = out.transposed(num_nodes);
    let all = |threads: usize| {
        let run = Run::new().threads(threads).unwrap();
        (
            strong_components(&out, &incoming, &run).unwrap(),
            cores(&rows, &run).unwrap(),
            clustering(&rows, &run).unwrap(),
            trussness(&rows, &run).unwrap(),
        )
    };
    let one = all(1);
    assert!(one.0.num_components > 1 && one.1.degeneracy() > 10 && one.3.iter().any(|&k| k > 4));
    for threads in [2, 7] {
        assert_eq!(all(threads), one);
    }
}

#[test]
fn rows_of_two_graphs_and_cancelled_runs_are_refused() {
    let (out, other) = (Rows::directed(3, &[(0, 1, 1)]), Rows::directed(3, &[(0, 1, 1), (1, 2, 1)]));
    let run = Run::new();
    assert!(matches!(strong_components(&out, &other, &run), Err(Error::Input { .. })));
    assert!(matches!(directed_core(&out, &other, 1, 1, &run), Err(Error::Input { .. })));
    assert!(matches!(bipartite_core(&out, &other, 1, 1, &run), Err(Error::Input { .. })));
    assert!(matches!(bipartite_core_levels(&out, &out, 0, &run), Err(Error::Option { .. })));
    let (num_nodes, pairs) = large();
    let rows = Rows::undirected(num_nodes, &pairs);
    run.cancel_flag().store(true, std::sync::atomic::Ordering::Relaxed);
    assert!(matches!(strong_components(&rows, &rows, &run), Err(Error::Cancelled)));
    assert!(matches!(cores(&rows, &run), Err(Error::Cancelled)));
    assert!(matches!(strength_cores(&rows, &run), Err(Error::Cancelled)));
    assert!(matches!(directed_core(&rows, &rows, 99, 99, &run), Err(Error::Cancelled)));
    assert!(matches!(triangles(&rows, &run), Err(Error::Cancelled)));
    assert!(matches!(trussness(&rows, &run), Err(Error::Cancelled)));
    assert!(matches!(bridges(&rows, &run), Err(Error::Cancelled)));
    assert!(matches!(peeling(&rows, &[], &run), Err(Error::Cancelled)));
    assert!(matches!(densest(&rows, &DensestOptions::default(), &run), Err(Error::Cancelled)));
    let once = FraudarOptions::default();
    assert!(matches!(fraudar(&rows, &rows, Priors::default(), &once, &run), Err(Error::Cancelled)));
    let stages = [rows.clone(), rows];
    assert!(matches!(
        flowscope(&stages, num_nodes, &FlowScopeOptions::default(), &run),
        Err(Error::Cancelled)
    ));
}
