//! Sets that are too dense: peeling, Fraudar and FlowScope.

use super::structure_oracle::{Leg, densest_of_all, inside, pairs, slow_flowscope, slow_peeling};
use super::{GRAPHS, bipartite, undirected};
use ringfence::community::{
    DensestOptions, Density, FRAUDAR_UNIT, FlowScopeOptions, FraudarOptions, IncrementalPeeling, Priors,
    Transfers, densest, flowscope, flowscope_timed, fraudar, peeling,
};
use ringfence::graph::project::Rows;
use ringfence::random::Stream;
use ringfence::{Error, Run};

/// Priors of a graph's nodes.
fn some_priors(seed: u64, num_nodes: usize) -> Vec<u64> {
    (0..num_nodes as u64).map(|node| Stream::new(seed, 3).at(node) % 5).collect()
}

#[test]
fn peeling_removes_who_costs_least() {
    for (seed, rows) in undirected().enumerate() {
        let none = vec![0; rows.num_nodes()];
        let some = some_priors(seed as u64, rows.num_nodes());
        for (given, priors) in [(&[][..], &none), (&some, &some)] {
            let found = peeling(&rows, given, &Run::new()).unwrap();
            assert_eq!((found.order.clone(), found.costs.clone()), slow_peeling(&rows, priors), "{rows:?}");
            assert_eq!(found.weight(), inside(&rows, priors, &vec![true; rows.num_nodes()]));
        }
    }
}

#[test]
fn the_densest_set_found_is_at_least_half_as_dense_and_its_bound_holds() {
    let mut exact = 0;
    for (seed, rows) in undirected().enumerate().filter(|(_, rows)| rows.num_nodes() <= 11) {
        let priors = some_priors(seed as u64, rows.num_nodes());
        let (weight, nodes) = densest_of_all(&rows, &priors);
        let best = Density { weight: weight.into(), nodes };
        let found = peeling(&rows, &priors, &Run::new()).unwrap().densest();
        assert!(found.density <= best);
        assert!(Density { weight: found.density.weight * 2, ..found.density } >= best, "{rows:?}");
        let (weight, nodes) = densest_of_all(&rows, &vec![0; rows.num_nodes()]);
        let best = Density { weight: weight.into(), nodes };
        let mut last = peeling(&rows, &[], &Run::new()).unwrap().densest().density;
        for rounds_max in [1, 2, 8, 64] {
            let found = densest(&rows, &DensestOptions { rounds_max }, &Run::new()).unwrap();
            let set: Vec<bool> =
                (0..rows.num_nodes() as u32).map(|node| found.set.members.contains(&node)).collect();
            let weight = inside(&rows, &vec![0; rows.num_nodes()], &set);
            assert_eq!(
                (found.set.density.weight, found.set.density.nodes),
                (weight.into(), found.set.members.len() as u64)
            );
            assert!(
                last <= found.set.density && found.set.density <= best && best <= found.bound,
                "{rows:?}"
            );
            assert!(found.rounds <= rounds_max);
            last = found.set.density;
        }
        exact += u32::from(last == best);
    }
    let all = undirected().filter(|rows| rows.num_nodes() <= 11).count() as u32;
    assert!(exact * 100 >= all * 99, "{exact} of {all}");
}

#[test]
fn incremental_peeling_is_peeling_after_every_edge() {
    for seed in 0..300 {
        let (num_nodes, stream) = pairs(seed, 24);
        let stream: Vec<_> = stream.into_iter().filter(|&(one, other, _)| one != other).collect();
        let priors = if seed % 2 == 0 { vec![0; num_nodes] } else { some_priors(seed, num_nodes) };
        let first = stream.len() / 3;
        let start = Rows::undirected(num_nodes, &stream[..first]);
        let mut growing = IncrementalPeeling::new(start, &priors, &Run::new()).unwrap();
        for len in first..stream.len() {
            let (one, other, weight) = stream[len];
            growing.insert(one, other, weight).unwrap();
            let rows = Rows::undirected(num_nodes, &stream[..=len]);
            assert_eq!(growing.peeling(), &peeling(&rows, &priors, &Run::new()).unwrap(), "{seed} {len}");
        }
    }
}

#[test]
fn incremental_peeling_refuses_edges_that_are_none() {
    let rows = Rows::undirected(3, &[(0, 1, 5)]);
    let mut growing = IncrementalPeeling::new(rows.clone(), &[], &Run::new()).unwrap();
    for (one, other, weight) in [(0, 3, 1), (1, 1, 1), (0, 2, 0), (0, 2, u64::MAX)] {
        assert!(matches!(growing.insert(one, other, weight), Err(Error::Input { .. })));
    }
    assert_eq!(growing.peeling(), &peeling(&rows, &[], &Run::new()).unwrap());
    assert!(matches!(peeling(&rows, &[1], &Run::new()), Err(Error::Input { .. })));
    assert!(matches!(peeling(&rows, &[u64::MAX, 0, 0], &Run::new()), Err(Error::Input { .. })));
    assert!(matches!(
        densest(&rows, &DensestOptions { rounds_max: 0 }, &Run::new()),
        Err(Error::Option { .. })
    ));
}

#[test]
fn fraudar_finds_at_least_half_of_the_largest_density() {
    for (left, right) in
        bipartite().filter(|(left, right)| left.num_nodes() + right.num_nodes() <= 12).take(150)
    {
        let (num_left, num_right) = (left.num_nodes(), right.num_nodes());
        let column = |to: u32| (FRAUDAR_UNIT as f64 / ((right.degree(to) + 5) as f64).ln()) as u64;
        let both: Vec<(u32, u32, u64)> = (0..num_left as u32)
            .flat_map(|from| left.neighbors(from).iter().map(move |&to| (from, to)))
            .map(|(from, to)| (from, num_left as u32 + to, column(to)))
            .collect();
        let rows = Rows::undirected(num_left + num_right, &both);
        let suspicion: Vec<f64> = (0..num_left).map(|node| (node % 3) as f64 / 4.0).collect();
        let mut priors: Vec<u64> =
            suspicion.iter().map(|prior| (prior * FRAUDAR_UNIT as f64) as u64).collect();
        priors.resize(num_left + num_right, 0);
        let (weight, nodes) = densest_of_all(&rows, &priors);
        let given = Priors { senders: &suspicion, receivers: &[] };
        let found = fraudar(&left, &right, given, &FraudarOptions::default(), &Run::new()).unwrap();
        let Some(block) = found.first() else {
            assert_eq!(left.num_entries(), 0);
            continue;
        };
        let (found, best) = (block.density.value(), weight as f64 / nodes as f64);
        assert!(
            found <= best * (1.0 + 1e-6) && found * 2.0 >= best * (1.0 - 1e-6),
            "{found} {best} {left:?}"
        );
    }
}

/// Senders and receivers with `block` of each planted: three of ten pairs within it, and as many camouflage edges
/// from it, by kind of camouflage. Returns the rows of the senders, and the senders of the block.
fn planted(camouflage: &str) -> (Rows, Vec<u32>) {
    let (num_nodes, block) = (3_000_u64, 60_u64);
    let mut draws = Stream::new(11, 2).draws(0);
    // Popularity falls with the number: receiver r is drawn with density proportional to 1 / sqrt(r).
    let popular = |bits: u64| (ringfence::random::unit(bits).powi(2) * num_nodes as f64) as u32;
    let mut pairs: Vec<(u32, u32, u64)> = Vec::new();
    let hijacked: Vec<u32> = (0..block).map(|_| draws.below(num_nodes) as u32).collect();
    let first = num_nodes as u32;
    let attackers: Vec<u32> = match camouflage {
        "hijacked" => hijacked,
        _ => (first..first + block as u32).collect(),
    };
    for sender in 0..num_nodes as u32 {
        pairs.extend((0..6).map(|_| (sender, popular(draws.bits()), 1)));
    }
    for &attacker in &attackers {
        for receiver in 0..block as u32 {
            if draws.below(10) < 3 {
                pairs.push((attacker, first + receiver, 1));
            }
        }
        let len = if matches!(camouflage, "random" | "biased") { 18 } else { 0 };
        // Of its own, so that all kinds of camouflage hide the same block.
        let mut cover = Stream::new(12, 2).draws(attacker.into());
        for _ in 0..len {
            let to =
                if camouflage == "biased" { popular(cover.bits()) } else { cover.below(num_nodes) as u32 };
            pairs.push((attacker, to, 1));
        }
    }
    let once: std::collections::BTreeSet<(u32, u32)> =
        pairs.iter().map(|&(from, to, _)| (from, to)).collect();
    let pairs: Vec<_> = once.into_iter().map(|(from, to)| (from, to, 1)).collect();
    let mut attackers = attackers;
    attackers.sort_unstable();
    attackers.dedup();
    (Rows::bipartite((num_nodes + block) as usize, &pairs), attackers)
}

#[test]
fn fraudar_recovers_planted_blocks_under_every_camouflage() {
    for camouflage in ["none", "random", "biased", "hijacked"] {
        let (senders, attackers) = planted(camouflage);
        let receivers = senders.transposed(3_060);
        let found = fraudar(&senders, &receivers, Priors::default(), &FraudarOptions::default(), &Run::new())
            .unwrap();
        let targets: Vec<u32> = (3_000..3_060).collect();
        let f1 = |found: &[u32], planted: &[u32]| {
            let both = found.iter().filter(|node| planted.contains(node)).count() as f64;
            2.0 * both / (found.len() + planted.len()) as f64
        };
        let (of_senders, of_receivers) =
            (f1(&found[0].senders, &attackers), f1(&found[0].receivers, &targets));
        println!(
            "{camouflage}: F1 {of_senders:.3} of senders, {of_receivers:.3} of receivers, score {}",
            found[0].score()
        );
        assert!(of_senders >= 0.95 && of_receivers >= 0.95, "{camouflage}: {of_senders} {of_receivers}");
    }
}

#[test]
fn blocks_of_fraudar_share_no_edge_and_camouflage_does_not_lower_a_block() {
    let (senders, _) = planted("none");
    let receivers = senders.transposed(3_060);
    let options = FraudarOptions { blocks_max: 4, weighted: false };
    let found = fraudar(&senders, &receivers, Priors::default(), &options, &Run::new()).unwrap();
    assert_eq!(found.len(), 4);
    let mut seen = std::collections::BTreeSet::new();
    for block in &found {
        // An edge belongs to the first block with both of its ends, so the later ones hold less than all their pairs.
        let inside = block.senders.iter().flat_map(|&from| {
            let to = senders.neighbors(from).iter().filter(|to| block.receivers.binary_search(to).is_ok());
            to.map(move |&to| (from, to))
        });
        let new: Vec<(u32, u32)> = inside.filter(|edge| !seen.contains(edge)).collect();
        let weight: f64 = new.iter().map(|&(_, to)| 1.0 / ((receivers.degree(to) + 5) as f64).ln()).sum();
        let score = weight / (block.senders.len() + block.receivers.len()) as f64;
        assert!((score - block.score()).abs() < 1e-6, "{score} {}", block.score());
        seen.extend(new);
    }
    let (camouflaged, _) = planted("biased");
    let other =
        fraudar(&camouflaged, &camouflaged.transposed(3_060), Priors::default(), &options, &Run::new())
            .unwrap();
    assert!(other[0].density.value() >= found[0].density.value() * 0.999);
}

#[test]
fn a_prior_counts_once_over_all_blocks() {
    let senders = Rows::bipartite(4, &[(0, 0, 1), (1, 1, 1), (2, 2, 1), (3, 2, 1)]);
    let receivers = senders.transposed(3);
    let priors = Priors { senders: &[9.0, 0.5, 0.0, 0.0], receivers: &[9.0, 0.0, 0.0] };
    let options = FraudarOptions { blocks_max: 9, weighted: false };
    let found = fraudar(&senders, &receivers, priors, &options, &Run::new()).unwrap();
    let nodes: Vec<_> = found.iter().map(|block| (&block.senders[..], &block.receivers[..])).collect();
    assert_eq!(nodes, [(&[0][..], &[0][..]), (&[1], &[1]), (&[2, 3], &[2])]);
}

#[test]
fn fraudar_refuses_priors_and_options_out_of_range() {
    let left = Rows::bipartite(2, &[(0, 0, 1), (1, 1, 1)]);
    let right = left.transposed(2);
    let with = |priors: Priors, blocks_max| {
        fraudar(&left, &right, priors, &FraudarOptions { blocks_max, weighted: true }, &Run::new())
    };
    assert!(matches!(with(Priors::default(), 0), Err(Error::Option { .. })));
    for senders in [&[1.0][..], &[0.0, -1.0], &[f64::NAN, 0.0], &[0.0, f64::INFINITY]] {
        assert!(matches!(with(Priors { senders, receivers: &[] }, 1), Err(Error::Input { .. })));
    }
    let heavy = Rows::bipartite(2, &[(0, 0, 1 << 50)]);
    let options = FraudarOptions { blocks_max: 1, weighted: true };
    let found = fraudar(&heavy, &heavy.transposed(2), Priors::default(), &options, &Run::new());
    assert!(matches!(found, Err(Error::Limit { .. })));
    assert_eq!(with(Priors::default(), 9).unwrap().len(), 1); // both pairs are one block
}

/// Layers and transfers between them, drawn at random.
fn legs(seed: u64) -> (Vec<usize>, Vec<Leg>) {
    let mut draws = Stream::new(seed, 9).draws(0);
    let layers: Vec<usize> = (0..3 + draws.below(2)).map(|_| 1 + draws.below(4) as usize).collect();
    let legs = (0..2 + draws.below(14)).map(|_| {
        let stage = draws.below(layers.len() as u64 - 1) as usize;
        let (from, to) = (draws.below(layers[stage] as u64), draws.below(layers[stage + 1] as u64));
        (stage, from as u32, to as u32, draws.below(8) as i64, 1 + draws.below(4) as i64)
    });
    let legs = legs.collect();
    (layers, legs)
}

/// One value of each leg of a stage.
fn column<T>(legs: &[Leg], stage: usize, value: impl Fn(&Leg) -> T) -> Vec<T> {
    legs.iter().filter(|leg| leg.0 == stage).map(value).collect()
}

#[test]
fn flowscope_is_its_definition_with_and_without_time() {
    let mut found_some = [0, 0];
    for seed in 0..GRAPHS * 2 {
        let (layers, legs) = legs(seed);
        let options =
            FlowScopeOptions { alpha_permille: [0, 300, 1_000, 4_000][seed as usize % 4], blocks_max: 1 };
        let alpha = i64::from(options.alpha_permille);
        let stages: Vec<Rows> = (0..layers.len() - 1)
            .map(|stage| {
                Rows::bipartite(layers[stage], &column(&legs, stage, |leg| (leg.1, leg.2, leg.4 as u64)))
            })
            .collect();
        let untimed = flowscope(&stages, layers[layers.len() - 1], &options, &Run::new()).unwrap();
        let columns: Vec<_> = (0..layers.len() - 1)
            .map(|stage| {
                (
                    column(&legs, stage, |leg| leg.1),
                    column(&legs, stage, |leg| leg.2),
                    column(&legs, stage, |leg| leg.3),
                    column(&legs, stage, |leg| leg.4),
                )
            })
            .collect();
        let transfers: Vec<Transfers> = columns
            .iter()
            .map(|(sources, destinations, times, amounts)| Transfers {
                sources,
                destinations,
                times,
                amounts,
            })
            .collect();
        let dwell_max = 1 + (seed % 5) as i64;
        let timed = flowscope_timed(&layers, &transfers, dwell_max, &options, &Run::new()).unwrap();
        for (which, found, dwell) in [(0, untimed, None), (1, timed, Some(dwell_max))] {
            let expected = slow_flowscope(&layers, &legs, alpha, dwell);
            let found = found.first().map(|block| (block.layers.clone(), block.density));
            let expected = expected.map(|(layers, weight, nodes)| {
                (layers, Density { weight: weight.into(), nodes: nodes as u64 })
            });
            found_some[which] += u32::from(expected.is_some());
            assert_eq!(found, expected, "{seed} {dwell:?} {layers:?} {legs:?}");
        }
    }
    assert!(found_some.iter().all(|&some| some > 200), "{found_some:?}");
}

#[test]
fn groups_of_flowscope_share_nobody_and_order_in_time_can_only_lower_them() {
    // Two chains of money, one of them against time.
    let layers = [2, 2, 2];
    let (sources, middle) = ([0, 1], [0, 1]);
    let first = Transfers { sources: &sources, destinations: &middle, times: &[1, 9], amounts: &[100, 300] };
    let second = Transfers { sources: &middle, destinations: &sources, times: &[5, 2], amounts: &[100, 300] };
    let options = FlowScopeOptions { alpha_permille: 800, blocks_max: 5 };
    let rows = |amounts: [u64; 2]| Rows::bipartite(2, &[(0, 0, amounts[0]), (1, 1, amounts[1])]);
    let untimed = flowscope(&[rows([100, 300]), rows([100, 300])], 2, &options, &Run::new()).unwrap();
    assert_eq!(untimed.iter().map(|block| block.score()).collect::<Vec<_>>(), [100.0, 100.0 / 3.0]);
    assert_eq!(untimed[0].layers, [[1], [1], [1]]);
    let timed = flowscope_timed(&layers, &[first, second], 4, &options, &Run::new()).unwrap();
    assert_eq!((timed.len(), &timed[0].layers), (1, &vec![vec![0]; 3]));
    let short = flowscope_timed(&layers, &[first, second], 3, &options, &Run::new()).unwrap();
    assert!(short.is_empty());
}

#[test]
fn flowscope_refuses_what_is_no_network() {
    let options = FlowScopeOptions::default();
    let rows = Rows::bipartite(1, &[(0, 3, 1)]);
    let run = Run::new();
    assert!(matches!(flowscope(std::slice::from_ref(&rows), 4, &options, &run), Err(Error::Input { .. })));
    assert!(matches!(flowscope(&[rows.clone(), rows.clone()], 4, &options, &run), Err(Error::Input { .. })));
    let none = FlowScopeOptions { blocks_max: 0, ..options.clone() };
    assert!(matches!(flowscope(&[rows.clone(), rows], 4, &none, &run), Err(Error::Option { .. })));
    let good = Transfers { sources: &[0], destinations: &[0], times: &[0], amounts: &[1] };
    let timed = |first: Transfers, layers: &[usize], dwell| {
        flowscope_timed(layers, &[first, good], dwell, &options, &run)
    };
    assert!(timed(good, &[1, 1, 1], 1).is_ok());
    assert!(matches!(timed(good, &[1, 1, 1], 0), Err(Error::Option { .. })));
    assert!(matches!(timed(good, &[1, 1], 1), Err(Error::Input { .. })));
    assert!(matches!(timed(good, &[1, 1, 1, 1], 1), Err(Error::Input { .. })));
    for bad in [
        Transfers { sources: &[1], ..good },
        Transfers { destinations: &[7], ..good },
        Transfers { times: &[], ..good },
        Transfers { amounts: &[0], ..good },
        Transfers { amounts: &[i64::MAX], ..good },
    ] {
        assert!(matches!(timed(bad, &[1, 1, 1], 1), Err(Error::Input { .. })));
    }
}
