//! Slow answers about the structure of graphs, from the definitions.

use ringfence::graph::project::Rows;
use ringfence::random::{Stream, below};

/// A random graph: number of nodes, directed pairs with weights.
pub fn pairs(seed: u64, nodes_max: u64) -> (usize, Vec<(u32, u32, u64)>) {
    let mut draws = Stream::new(seed, 77).draws(0);
    let num_nodes = 1 + draws.below(nodes_max);
    let num_pairs = draws.below(3 * num_nodes + 1);
    let heaviest = [1, 3, 1 << 40][below(draws.bits(), 3) as usize];
    let pairs = (0..num_pairs)
        .map(|_| (draws.below(num_nodes) as u32, draws.below(num_nodes) as u32, 1 + draws.below(heaviest)));
    (num_nodes as usize, pairs.collect())
}

/// Which nodes paths along the rows lead to.
pub fn reached(rows: &Rows, start: u32) -> Vec<bool> {
    let mut seen = vec![false; rows.num_nodes()];
    let mut open = vec![start];
    while let Some(node) = open.pop() {
        if !std::mem::replace(&mut seen[node as usize], true) {
            open.extend(rows.neighbors(node));
        }
    }
    seen
}

/// The largest set whose members pass `stays`, asked with the set, by removal until nothing changes.
pub fn largest(num_nodes: usize, stays: impl Fn(&[bool], u32) -> bool) -> Vec<bool> {
    let mut set = vec![true; num_nodes];
    loop {
        let next: Vec<bool> = (0..num_nodes).map(|node| set[node] && stays(&set, node as u32)).collect();
        if next == set {
            return set;
        }
        set = next;
    }
}

/// Number of connected components when some edge, or some node, is passed over.
pub fn num_components(rows: &Rows, without_edge: Option<(u32, u32)>, without_node: Option<u32>) -> usize {
    let mut seen = vec![false; rows.num_nodes()];
    let mut count = 0;
    for start in 0..rows.num_nodes() as u32 {
        let mut open = vec![start];
        if seen[start as usize] || Some(start) == without_node {
            continue;
        }
        count += 1;
        while let Some(node) = open.pop() {
            if std::mem::replace(&mut seen[node as usize], true) {
                continue;
            }
            open.extend(rows.neighbors(node).iter().copied().filter(|&next| {
                Some(next) != without_node && Some((node.min(next), node.max(next))) != without_edge
            }));
        }
    }
    count
}

/// Members of a set.
pub fn members(set: &[bool]) -> Vec<u32> {
    (0..set.len() as u32).filter(|&node| set[node as usize]).collect()
}

/// What lies inside a set: edges once, priors.
pub fn inside(rows: &Rows, priors: &[u64], set: &[bool]) -> u64 {
    let nodes = (0..rows.num_nodes() as u32).filter(|&node| set[node as usize]);
    let edges = |node: u32| rows.entries(node).filter(move |&(other, _)| other > node && set[other as usize]);
    nodes.map(|node| priors[node as usize] + edges(node).map(|(_, weight)| weight).sum::<u64>()).sum()
}

/// Weight and size of the densest set, over all sets.
pub fn densest_of_all(rows: &Rows, priors: &[u64]) -> (u64, u64) {
    let num_nodes = rows.num_nodes();
    let sets = (1_u32..1 << num_nodes)
        .map(|bits| (0..num_nodes).map(|node| bits >> node & 1 == 1).collect::<Vec<_>>());
    let densities =
        sets.map(|set| (inside(rows, priors, &set), set.iter().filter(|&&member| member).count() as u64));
    densities
        .max_by(|a, b| (u128::from(a.0) * u128::from(b.1)).cmp(&(u128::from(b.0) * u128::from(a.1))))
        .unwrap()
}

/// Removes the node whose removal costs least, found anew each time: order and costs.
pub fn slow_peeling(rows: &Rows, priors: &[u64]) -> (Vec<u32>, Vec<u64>) {
    let mut set = vec![true; rows.num_nodes()];
    let (mut order, mut costs) = (Vec::new(), Vec::new());
    for _ in 0..rows.num_nodes() {
        let whole = inside(rows, priors, &set);
        let cost = |node: u32| {
            let mut rest = set.clone();
            rest[node as usize] = false;
            (whole - inside(rows, priors, &rest), node)
        };
        let (least, node) = members(&set).into_iter().map(cost).min().unwrap();
        set[node as usize] = false;
        order.push(node);
        costs.push(least);
    }
    (order, costs)
}

/// A transfer between layers: layer of the payer, payer, payee, time, amount.
pub type Leg = (usize, u32, u32, i64, i64);

/// How much of what comes in is matched to what goes out, coin by coin: as much as any matching does.
///
/// A coin can pay for one that goes out later, by at most `dwell_max`.
pub fn matched_coins(ins: &[(i64, i64)], outs: &[(i64, i64)], dwell_max: i64) -> i64 {
    let coins = |side: &[(i64, i64)]| -> Vec<i64> {
        side.iter().flat_map(|&(time, amount)| (0..amount).map(move |_| time)).collect()
    };
    let (ins, outs) = (coins(ins), coins(outs));
    let mut payer = vec![None; outs.len()];
    fn place(
        coin: usize,
        ins: &[i64],
        outs: &[i64],
        dwell: i64,
        seen: &mut [bool],
        payer: &mut [Option<usize>],
    ) -> bool {
        for out in 0..outs.len() {
            let wait = outs[out] - ins[coin];
            if wait > 0 && wait <= dwell && !std::mem::replace(&mut seen[out], true) {
                let free = match payer[out] {
                    None => true,
                    Some(other) => place(other, ins, outs, dwell, seen, payer),
                };
                if free {
                    payer[out] = Some(coin);
                    return true;
                }
            }
        }
        false
    }
    (0..ins.len())
        .filter(|&coin| place(coin, &ins, &outs, dwell_max, &mut vec![false; outs.len()], &mut payer))
        .count() as i64
}

/// FlowScope's best group by its definition, every value computed anew at each removal: members of each layer, and
/// thousandths over size. `dwell_max` asks for the extension.
pub fn slow_flowscope(
    layers: &[usize],
    legs: &[Leg],
    alpha_permille: i64,
    dwell_max: Option<i64>,
) -> Option<(Vec<Vec<u32>>, i64, i64)> {
    let last = layers.len() - 1;
    let in_set = |set: &[Vec<u32>], layer: usize, node: u32| set[layer].contains(&node);
    let flows = |set: &[Vec<u32>], layer: usize, node: u32| {
        let ins = legs.iter().filter(|leg| leg.0 + 1 == layer && leg.2 == node && in_set(set, leg.0, leg.1));
        let outs = legs.iter().filter(|leg| leg.0 == layer && leg.1 == node && in_set(set, layer + 1, leg.2));
        let of = |leg: &Leg| (leg.3, leg.4);
        (ins.map(of).collect::<Vec<_>>(), outs.map(of).collect::<Vec<_>>())
    };
    let key = |set: &[Vec<u32>], layer: usize, node: u32| {
        let (ins, outs) = flows(set, layer, node);
        let sum = |side: &[(i64, i64)]| side.iter().map(|leg| leg.1).sum::<i64>();
        if layer == 0 || layer == last {
            return (1000 + alpha_permille) * (sum(&ins) + sum(&outs));
        }
        let matched = dwell_max.map_or(sum(&ins).min(sum(&outs)), |dwell| matched_coins(&ins, &outs, dwell));
        (1000 + alpha_permille) * matched - alpha_permille * sum(&ins).max(sum(&outs))
    };
    let mut set: Vec<Vec<u32>> = layers.iter().map(|&len| (0..len as u32).collect()).collect();
    let whole = set.clone();
    for (layer, nodes) in set.iter_mut().enumerate() {
        nodes.retain(|&node| flows(&whole, layer, node) != (vec![], vec![]));
    }
    let mut best: Option<(Vec<Vec<u32>>, i64, i64)> = None;
    while set.iter().all(|nodes| !nodes.is_empty()) {
        let value: i64 = (1..last)
            .flat_map(|layer| set[layer].iter().map(move |&node| (layer, node)))
            .map(|(layer, node)| key(&set, layer, node))
            .sum();
        let size: i64 = set.iter().map(|nodes| nodes.len() as i64).sum();
        if best.as_ref().is_none_or(|best| value * best.2 >= best.1 * size) {
            best = Some((set.clone(), value, size));
        }
        let all = (0..=last).flat_map(|layer| set[layer].iter().map(move |&node| (layer, node)));
        let (_, layer, node) = all.map(|(layer, node)| (key(&set, layer, node), layer, node)).min().unwrap();
        set[layer].retain(|&other| other != node);
    }
    best.filter(|best| best.1 > 0)
}
