//! Places for the nodes of a drawing: stress minimised by stochastic gradient descent.
//!
//! The stress of a drawing is Σ w·(distance on paper − distance in the graph)², with w = 1 / (distance in the
//! graph)². Where it is small, neighbors stand side by side, a cycle is round, and clusters lie apart.
//!
//! # Method
//! Each connected component is drawn for itself. Up to [`FULL`] nodes every pair is a term; above that, edges and the
//! distances to [`PIVOTS`] pivots, each standing for the nodes around it. Terms are visited in shuffled order,
//! with falling steps. The drawing is then turned so that it lies along the horizontal and more edges point right than
//! left, nodes nearer than [`APART`] are pushed from each other, and components are packed on shelves, the
//! largest first. A heavier edge is shorter, down to half the length of an edge of weight 1.
//!
//! # Cost
//! O(n²) terms up to [`FULL`] nodes of a component, O(n · [`PIVOTS`]) above; some [`ROUNDS`] over them. Measured on one
//! core: 2,000 nodes with 6,000 edges 0.15 s, 5,000 with 10,000 0.7 s.
//!
//! # Choices
//! Additions happen in one order on one thread, the shuffle is counted and not drawn, and only `sqrt` (exact) and `libm`
//! come in: the same bytes on every machine.
//!
//! # Source
//! Zheng, Pawar, Goodman: Graph drawing by stochastic gradient descent, IEEE TVCG 25(9), 2019.
//! Ortmann, Klimenta, Brandes: A sparse stress model, JGAA 21(5), 2017 (the pivots and their weights).
//! Gansner, Koren, North: Graph drawing by stress majorization, GD 2004 (why stress).

use super::file::CaseFile;
use crate::random::{Stream, below, unit};
use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap, HashMap};

/// Most nodes of a component for which every pair is a term.
const FULL: usize = 500;
/// Pivots of a larger component.
const PIVOTS: usize = 100;
/// Rounds of the descent over all pairs, and over pivots.
const ROUNDS: (u32, u32) = (30, 24);
/// Smallest distance that nodes are pushed apart to, in lengths of an edge of weight 1.
const APART: f64 = 0.4;
/// Room around a component, on every side.
const MARGIN: f64 = 0.45;
/// Length of an edge of weight 1, in the whole numbers that shortest paths add.
const LENGTH: u32 = 16;
/// Not reached.
const FAR: u32 = u32::MAX;
/// What the shuffles and first places are looked up by.
const SEED: u64 = 0x7269_6e67;

type Point = (f64, f64);

/// Places in the unit square for `num_nodes` nodes, (0, 0) being left and top, such that nodes that are joined stand together.
///
/// An edge is (source, target, weight), and a weight of 0 counts as 1; loops and edges of nodes that do not exist are
/// passed over, and parallel edges count together. No two nodes share a place. The picture keeps
/// its proportions: both axes have one scale, and the longer one fills the square.
pub fn layout(num_nodes: usize, edges: &[(u32, u32, u32)]) -> Vec<(f64, f64)> {
    let graph = Adjacency::new(num_nodes, edges);
    let mut places = vec![(0.0, 0.0); num_nodes];
    let components = graph.components();
    let mut boxes = Vec::with_capacity(components.len());
    for nodes in &components {
        let drawn = graph.draw(nodes);
        let (low, high) = bounds(&drawn);
        for (&node, place) in nodes.iter().zip(&drawn) {
            places[node as usize] = (place.0 - low.0 + MARGIN, place.1 - low.1 + MARGIN);
        }
        boxes.push((high.0 - low.0 + 2.0 * MARGIN, high.1 - low.1 + 2.0 * MARGIN));
    }
    for (nodes, corner) in components.iter().zip(shelves(&boxes)) {
        for &node in nodes {
            let place = &mut places[node as usize];
            *place = (place.0 + corner.0, place.1 + corner.1);
        }
    }
    fit(&mut places);
    places
}

/// Gives the accounts and identifiers of `case` their places: those between which money moved often, and those that use an identifier, stand together.
///
/// Transfers and uses of what is not in the case file are passed over.
pub fn place(case: &mut CaseFile) {
    let (num_accounts, num_identifiers) = (case.accounts.len(), case.identifiers.len());
    let account = |place: u32| (place as usize) < num_accounts;
    let transfers =
        case.transfers.iter().filter(|transfer| account(transfer.source) && account(transfer.target));
    let mut edges: Vec<(u32, u32, u32)> =
        transfers.map(|transfer| (transfer.source, transfer.target, 1)).collect();
    let uses =
        case.uses.iter().filter(|link| account(link.account) && (link.identifier as usize) < num_identifiers);
    edges.extend(uses.map(|link| (link.account, num_accounts as u32 + link.identifier, 1)));
    // Six decimals: less than a pixel of any screen, and short in the file.
    let round = |value: f64| (value * 1e6).round() / 1e6;
    let mut places =
        layout(num_accounts + num_identifiers, &edges).into_iter().map(|(x, y)| (round(x), round(y)));
    for (account, place) in case.accounts.iter_mut().zip(places.by_ref()) {
        (account.x, account.y) = place;
    }
    for (identifier, place) in case.identifiers.iter_mut().zip(places) {
        (identifier.x, identifier.y) = place;
    }
}

/// Undirected neighbors with lengths; directions are kept beside them.
struct Adjacency {
    offsets: Vec<u32>,
    neighbors: Vec<(u32, u32)>,
    /// (source, target) to weight, without loops.
    directed: BTreeMap<(u32, u32), u32>,
}

impl Adjacency {
    fn new(num_nodes: usize, edges: &[(u32, u32, u32)]) -> Self {
        let mut directed: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        for &(source, target, weight) in edges {
            if source != target && (source.max(target) as usize) < num_nodes {
                let sum = directed.entry((source, target)).or_default();
                *sum = sum.saturating_add(weight.max(1));
            }
        }
        let mut joined: BTreeMap<(u32, u32), u32> = BTreeMap::new();
        for (&(source, target), &weight) in &directed {
            for ends in [(source, target), (target, source)] {
                let sum = joined.entry(ends).or_default();
                *sum = sum.saturating_add(weight);
            }
        }
        let mut offsets = vec![0_u32; num_nodes + 1];
        for &(node, _) in joined.keys() {
            offsets[node as usize + 1] += 1;
        }
        for node in 0..num_nodes {
            offsets[node + 1] += offsets[node];
        }
        // Sixteen times the weight halves the length.
        let length = |weight: u32| LENGTH - 2 * weight.ilog2().min(4);
        let neighbors = joined.iter().map(|(&(_, to), &weight)| (to, length(weight))).collect();
        Self { offsets, neighbors, directed }
    }

    fn of(&self, node: u32) -> &[(u32, u32)] {
        &self.neighbors[self.offsets[node as usize] as usize..self.offsets[node as usize + 1] as usize]
    }

    /// The nodes of each component, ascending; the largest component first, ties by smallest node.
    fn components(&self) -> Vec<Vec<u32>> {
        let num_nodes = self.offsets.len() - 1;
        let mut seen = vec![false; num_nodes];
        let mut components = Vec::new();
        for first in 0..num_nodes as u32 {
            if std::mem::replace(&mut seen[first as usize], true) {
                continue;
            }
            let mut nodes = vec![first];
            let mut next = 0;
            while let Some(&node) = nodes.get(next) {
                next += 1;
                for &(to, _) in self.of(node) {
                    if !std::mem::replace(&mut seen[to as usize], true) {
                        nodes.push(to);
                    }
                }
            }
            nodes.sort_unstable();
            components.push(nodes);
        }
        components.sort_by_key(|nodes| (Reverse(nodes.len()), nodes[0]));
        components
    }

    /// Lengths of the shortest paths from `source` into `distances`, which has a value for every node of the graph.
    fn distances(&self, source: u32, distances: &mut [u32]) {
        distances.fill(FAR);
        distances[source as usize] = 0;
        let mut queue = BinaryHeap::from([Reverse((0_u32, source))]);
        while let Some(Reverse((distance, node))) = queue.pop() {
            if distance > distances[node as usize] {
                continue;
            }
            for &(to, length) in self.of(node) {
                if distance + length < distances[to as usize] {
                    distances[to as usize] = distance + length;
                    queue.push(Reverse((distance + length, to)));
                }
            }
        }
    }

    /// Places of the nodes of one component, in lengths of an edge of weight 1.
    fn draw(&self, nodes: &[u32]) -> Vec<Point> {
        if let [_] = nodes {
            return vec![(0.0, 0.0)];
        }
        let (terms, rounds) = if nodes.len() <= FULL {
            (self.all_pairs(nodes), ROUNDS.0)
        } else {
            (self.pivots(nodes), ROUNDS.1)
        };
        let mut places = descend(nodes.len(), terms, rounds);
        self.turn(nodes, &mut places);
        let masses: Vec<f64> = nodes.iter().map(|&node| self.of(node).len() as f64).collect();
        push_apart(&mut places, &masses);
        places
    }

    /// A term for every pair.
    fn all_pairs(&self, nodes: &[u32]) -> Vec<Term> {
        let mut distances = vec![FAR; self.offsets.len() - 1];
        let mut terms = Vec::with_capacity(nodes.len() * (nodes.len() - 1) / 2);
        for (i, &node) in nodes.iter().enumerate() {
            self.distances(node, &mut distances);
            for (j, &other) in nodes.iter().enumerate().skip(i + 1) {
                terms.push(Term::new((i, j), distances[other as usize], (1, 1)));
            }
        }
        terms
    }

    /// Terms for edges, and for every node with every pivot: a pivot stands for those of its region that are
    /// at most half as far from it as the node is.
    fn pivots(&self, nodes: &[u32]) -> Vec<Term> {
        let num_nodes = nodes.len();
        let mut distances = vec![FAR; self.offsets.len() - 1];
        let mut nearest = vec![(FAR, 0_usize); num_nodes];
        let mut from_pivots: Vec<Vec<u32>> = Vec::with_capacity(PIVOTS);
        let mut pivots = Vec::with_capacity(PIVOTS);
        let busiest = (0..num_nodes).max_by_key(|&i| (self.of(nodes[i]).len(), Reverse(i)));
        let mut next = busiest.unwrap_or_default();
        while pivots.len() < PIVOTS.min(num_nodes) {
            self.distances(nodes[next], &mut distances);
            let row: Vec<u32> = nodes.iter().map(|&node| distances[node as usize]).collect();
            for (near, &distance) in nearest.iter_mut().zip(&row) {
                if distance < near.0 {
                    *near = (distance, pivots.len());
                }
            }
            pivots.push(next);
            from_pivots.push(row);
            // The node that is farthest from all pivots is the next one.
            next = (0..num_nodes).max_by_key(|&i| (nearest[i].0, Reverse(i))).unwrap_or_default();
        }
        let mut regions: Vec<Vec<u32>> = vec![Vec::new(); pivots.len()];
        for &(distance, pivot) in &nearest {
            regions[pivot].push(distance);
        }
        let mut terms = Vec::with_capacity(num_nodes * pivots.len() + self.neighbors.len());
        let place = |node: u32| nodes.binary_search(&node).unwrap_or_default();
        for (i, &node) in nodes.iter().enumerate() {
            for &(to, length) in self.of(node).iter().filter(|(to, _)| *to > node) {
                terms.push(Term::new((i, place(to)), length, (1, 1)));
            }
        }
        for ((&pivot, row), region) in pivots.iter().zip(&from_pivots).zip(&mut regions) {
            region.sort_unstable();
            for (i, &distance) in row.iter().enumerate() {
                let joined = self.of(nodes[i]).binary_search_by_key(&nodes[pivot], |edge| edge.0).is_ok();
                if i != pivot && !joined {
                    let stood_for = region.partition_point(|&near| near <= distance / 2) as u32;
                    terms.push(Term::new((i, pivot), distance, (stood_for.max(1), 0)));
                }
            }
        }
        terms
    }

    /// Turns the drawing about its middle until it is widest along the horizontal, then mirrors it so that
    /// edges point right, and down, rather than left and up.
    fn turn(&self, nodes: &[u32], places: &mut [Point]) {
        let count = places.len() as f64;
        let sum = places.iter().fold((0.0, 0.0), |sum, place| (sum.0 + place.0, sum.1 + place.1));
        let middle = (sum.0 / count, sum.1 / count);
        let (mut xx, mut xy, mut yy) = (0.0, 0.0, 0.0);
        for place in places.iter_mut() {
            *place = (place.0 - middle.0, place.1 - middle.1);
            xx += place.0 * place.0;
            xy += place.0 * place.1;
            yy += place.1 * place.1;
        }
        // The axis of the largest spread: an eigenvector of the 2 × 2 matrix of spreads.
        let half = (xx - yy) / 2.0;
        let root = (half * half + xy * xy).sqrt();
        let axis = if half >= 0.0 { (half + root, xy) } else { (xy, root - half) };
        let length = (axis.0 * axis.0 + axis.1 * axis.1).sqrt();
        if length > 1e-9 * (xx + yy) {
            let (cos, sin) = (axis.0 / length, axis.1 / length);
            for place in places.iter_mut() {
                *place = (place.0 * cos + place.1 * sin, place.1 * cos - place.0 * sin);
            }
        }
        let (mut right, mut down) = (0.0, 0.0);
        for (i, &node) in nodes.iter().enumerate() {
            for (&(_, to), _) in self.directed.range((node, 0)..=(node, u32::MAX)) {
                let j = nodes.binary_search(&to).unwrap_or_default();
                right += (places[j].0 - places[i].0).clamp(-1.0, 1.0);
                down += (places[j].1 - places[i].1).clamp(-1.0, 1.0);
            }
        }
        for place in places {
            *place =
                (if right < 0.0 { -place.0 } else { place.0 }, if down < 0.0 { -place.1 } else { place.1 });
        }
    }
}

/// Two nodes, how far apart they are meant to stand, and how strongly each of them is pulled.
#[derive(Clone, Copy)]
struct Term {
    ends: (u32, u32),
    distance: f64,
    weights: (f64, f64),
}

impl Term {
    /// `times` multiplies the weight for either end.
    fn new(ends: (usize, usize), distance: u32, times: (u32, u32)) -> Self {
        let distance = f64::from(distance) / f64::from(LENGTH);
        let weight = 1.0 / (distance * distance);
        let weights = (f64::from(times.0) * weight, f64::from(times.1) * weight);
        Self { ends: (ends.0 as u32, ends.1 as u32), distance, weights }
    }
}

/// Places that make the stress of `terms` small.
fn descend(num_nodes: usize, mut terms: Vec<Term>, rounds: u32) -> Vec<Point> {
    let stream = Stream::new(SEED, 0);
    let side = (num_nodes as f64).sqrt();
    let mut places: Vec<Point> = (0..num_nodes as u64)
        .map(|i| (unit(stream.at(2 * i)) * side, unit(stream.at(2 * i + 1)) * side))
        .collect();
    let weights = || terms.iter().flat_map(|term| [term.weights.0, term.weights.1]).filter(|&w| w > 0.0);
    let (lightest, heaviest) = (weights().fold(f64::MAX, f64::min), weights().fold(0.0, f64::max));
    let (first, last) = (1.0 / lightest, 0.1 / heaviest);
    let fall = libm::log(first / last) / f64::from((rounds - 1).max(1));
    // One shuffle, met from either end by turns.
    let shuffle = Stream::new(SEED, 1);
    for i in (1..terms.len()).rev() {
        terms.swap(i, below(shuffle.at(i as u64), i as u64 + 1) as usize);
    }
    for round in 0..rounds {
        terms.reverse();
        let step = first * libm::exp(-fall * f64::from(round));
        for &Term { ends: (i, j), distance, weights } in &terms {
            let (i, j) = (i as usize, j as usize);
            let apart = (places[i].0 - places[j].0, places[i].1 - places[j].1);
            let length = (apart.0 * apart.0 + apart.1 * apart.1).sqrt();
            if length > 0.0 {
                let pull = (length - distance) / 2.0 / length;
                let (of_i, of_j) = ((weights.0 * step).min(1.0) * pull, (weights.1 * step).min(1.0) * pull);
                places[i] = (places[i].0 - of_i * apart.0, places[i].1 - of_i * apart.1);
                places[j] = (places[j].0 + of_j * apart.0, places[j].1 + of_j * apart.1);
            }
        }
    }
    places
}

/// Nodes by square cells of a side; cells are looked up, never listed.
struct Cells {
    side: f64,
    cells: HashMap<(i64, i64), Vec<u32>>,
}

impl Cells {
    fn of(&self, place: Point) -> (i64, i64) {
        ((place.0 / self.side).floor() as i64, (place.1 / self.side).floor() as i64)
    }

    fn add(&mut self, node: u32, place: Point) {
        let cell = self.of(place);
        self.cells.entry(cell).or_default().push(node);
    }

    /// Nodes in the cell of `place` and the eight around it.
    fn near(&self, place: Point) -> impl Iterator<Item = u32> {
        let (x, y) = self.of(place);
        (x - 1..=x + 1)
            .flat_map(move |x| (y - 1..=y + 1).filter_map(move |y| self.cells.get(&(x, y))))
            .flat_map(|nodes| nodes.iter().copied())
    }
}

/// Pushes nodes apart until none is nearer to another than [`APART`], or for a while; those still nearer than half of
/// it find a free place on a spiral around them. Of two nodes the one with the larger mass gives way less.
fn push_apart(places: &mut [Point], masses: &[f64]) {
    // A drawing too small for its nodes, as that of a large star, grows first.
    let (low, high) = bounds(places);
    let (width, height) = (high.0 - low.0, high.1 - low.1);
    let area = (width * height).max(width * width / 4.0).max(height * height / 4.0);
    let grow = (2.0 * APART * APART * places.len() as f64 / area).sqrt();
    if grow > 1.0 && grow.is_finite() {
        for place in places.iter_mut() {
            *place = (place.0 * grow, place.1 * grow);
        }
    }
    for _ in 0..60 {
        let mut cells = Cells { side: APART, cells: HashMap::new() };
        for (node, &place) in places.iter().enumerate() {
            cells.add(node as u32, place);
        }
        let mut moved = false;
        for i in 0..places.len() {
            // Cells are those of the start of the round; who moved in it is met again in the next.
            for j in cells.near(places[i]).filter(|&j| j as usize > i) {
                let j = j as usize;
                let apart = (places[j].0 - places[i].0, places[j].1 - places[i].1);
                let length = (apart.0 * apart.0 + apart.1 * apart.1).sqrt();
                if length < 0.999 * APART && length > 1e-9 {
                    let push = (APART - length) / length / (masses[i] + masses[j]);
                    let (of_i, of_j) = (push * masses[j], push * masses[i]);
                    places[i] = (places[i].0 - of_i * apart.0, places[i].1 - of_i * apart.1);
                    places[j] = (places[j].0 + of_j * apart.0, places[j].1 + of_j * apart.1);
                    moved = true;
                }
            }
        }
        if !moved {
            break;
        }
    }
    let least = APART / 2.0;
    let mut cells = Cells { side: least, cells: HashMap::new() };
    for i in 0..places.len() {
        let start = places[i];
        for turn in 0_u32.. {
            let free = |place: Point| {
                cells.near(place).all(|j| {
                    let other: Point = places[j as usize];
                    let apart = (place.0 - other.0, place.1 - other.1);
                    apart.0 * apart.0 + apart.1 * apart.1 >= least * least
                })
            };
            // Steps of the golden angle on circles that grow with the root: one candidate for each equal area.
            let (radius, angle) =
                (least / 2.0 * f64::from(turn).sqrt(), f64::from(turn) * 2.399_963_229_728_653);
            let (sin, cos) = libm::sincos(angle);
            let place = (start.0 + radius * cos, start.1 + radius * sin);
            if free(place) {
                places[i] = place;
                break;
            }
        }
        cells.add(i as u32, places[i]);
    }
}

/// The corners of the smallest box around `places`.
fn bounds(places: &[Point]) -> (Point, Point) {
    places.iter().fold(((f64::MAX, f64::MAX), (f64::MIN, f64::MIN)), |(low, high), place| {
        ((low.0.min(place.0), low.1.min(place.1)), (high.0.max(place.0), high.1.max(place.1)))
    })
}

/// Corners for boxes, which stand in rows from left to right; the picture comes out about 4 wide to 3 high.
fn shelves(boxes: &[Point]) -> Vec<Point> {
    let area: f64 = boxes.iter().map(|(width, height)| width * height).sum();
    let widest = boxes.iter().map(|(width, _)| *width).fold(0.0, f64::max);
    let limit = widest.max((area * 4.0 / 3.0).sqrt() * 1.05);
    let mut corners = vec![(0.0, 0.0); boxes.len()];
    // Higher boxes first, so that shelves waste little.
    let mut order: Vec<usize> = (0..boxes.len()).collect();
    order.sort_by(|&a, &b| boxes[b].1.total_cmp(&boxes[a].1).then(a.cmp(&b)));
    let (mut x, mut y, mut high) = (0.0, 0.0, 0.0_f64);
    for i in order {
        if x > 0.0 && x + boxes[i].0 > limit {
            (x, y, high) = (0.0, y + high, 0.0);
        }
        corners[i] = (x, y);
        x += boxes[i].0;
        high = high.max(boxes[i].1);
    }
    corners
}

/// Scales `places` into the unit square, both axes alike, and centres them.
fn fit(places: &mut [Point]) {
    let (low, high) = bounds(places);
    let (width, height) = (high.0 - low.0, high.1 - low.1);
    let extent = width.max(height);
    let scale = if extent > 0.0 { 1.0 / extent } else { 1.0 };
    for place in places {
        let centred = ((place.0 - low.0 - width / 2.0) * scale, (place.1 - low.1 - height / 2.0) * scale);
        *place = ((centred.0 + 0.5).clamp(0.0, 1.0), (centred.1 + 0.5).clamp(0.0, 1.0));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn distance(a: Point, b: Point) -> f64 {
        ((a.0 - b.0) * (a.0 - b.0) + (a.1 - b.1) * (a.1 - b.1)).sqrt()
    }

    /// A digest of the places to the bit.
    fn digest(places: &[Point]) -> u64 {
        places
            .iter()
            .flat_map(|place| [place.0, place.1])
            .fold(0, |sum, value| crate::random::mix(sum ^ value.to_bits()))
    }

    fn star(leaves: u32) -> Vec<(u32, u32, u32)> {
        (1..=leaves).map(|leaf| (0, leaf, 1)).collect()
    }

    fn cycle(nodes: u32) -> Vec<(u32, u32, u32)> {
        (0..nodes).map(|node| (node, (node + 1) % nodes, 1)).collect()
    }

    fn grid(side: u32) -> Vec<(u32, u32, u32)> {
        let at = |x: u32, y: u32| y * side + x;
        let right = (0..side).flat_map(|y| (1..side).map(move |x| (at(x - 1, y), at(x, y), 1)));
        let down = (1..side).flat_map(|y| (0..side).map(move |x| (at(x, y - 1), at(x, y), 1)));
        right.chain(down).collect()
    }

    /// Communities of 25, joined by some edges.
    fn communities(nodes: u32, edges: u32) -> Vec<(u32, u32, u32)> {
        let stream = Stream::new(7, 7);
        (0..edges)
            .map(|i| {
                let mut draws = stream.draws(u64::from(i));
                let a = draws.below(u64::from(nodes)) as u32;
                let inside = draws.chance(95);
                let b = if inside {
                    a / 25 * 25 + draws.below(25) as u32
                } else {
                    draws.below(u64::from(nodes)) as u32
                };
                (a, b.min(nodes - 1), 1 + draws.below(9) as u32)
            })
            .collect()
    }

    fn checked(num_nodes: usize, edges: &[(u32, u32, u32)]) -> Vec<Point> {
        let places = layout(num_nodes, edges);
        assert_eq!(places.len(), num_nodes);
        assert!(places.iter().all(|p| (0.0..=1.0).contains(&p.0) && (0.0..=1.0).contains(&p.1)));
        let mut sorted: Vec<(u64, u64)> = places.iter().map(|p| (p.0.to_bits(), p.1.to_bits())).collect();
        sorted.sort_unstable();
        sorted.dedup();
        assert_eq!(sorted.len(), num_nodes, "two nodes at one place");
        assert_eq!(digest(&places), digest(&layout(num_nodes, edges)), "not the same again");
        places
    }

    fn mean_edge(places: &[Point], edges: &[(u32, u32, u32)]) -> f64 {
        let joined: Vec<f64> = edges
            .iter()
            .filter(|edge| edge.0 != edge.1)
            .map(|edge| distance(places[edge.0 as usize], places[edge.1 as usize]))
            .collect();
        joined.iter().sum::<f64>() / joined.len() as f64
    }

    fn mean_pair(places: &[Point]) -> f64 {
        let pairs = (0..places.len()).flat_map(|i| (0..i).map(move |j| (i, j)));
        let distances: Vec<f64> = pairs.map(|(i, j)| distance(places[i], places[j])).collect();
        distances.iter().sum::<f64>() / distances.len() as f64
    }

    #[test]
    fn nothing_one_and_two() {
        assert!(checked(0, &[]).is_empty());
        assert_eq!(checked(1, &[]), [(0.5, 0.5)]);
        assert_eq!(checked(1, &[(0, 0, 5)]), [(0.5, 0.5)]);
        // Along the horizontal, and from left to right.
        let two = checked(2, &[(1, 0, 1)]);
        assert!(two[1].0 < two[0].0 && distance(two[0], two[1]) > 0.9, "{two:?}");
        assert!((two[1].1 - two[0].1).abs() < 1e-9, "{two:?}");
    }

    #[test]
    fn nodes_that_do_not_exist_are_passed_over() {
        assert_eq!(layout(3, &[(0, 1, 1), (2, 9, 1), (u32::MAX, 0, 1)]), layout(3, &[(0, 1, 1)]));
    }

    #[test]
    fn a_cycle_is_round() {
        let places = checked(40, &cycle(40));
        let (low, high) = bounds(&places);
        let middle = ((low.0 + high.0) / 2.0, (low.1 + high.1) / 2.0);
        let radii: Vec<f64> = places.iter().map(|&place| distance(place, middle)).collect();
        let (least, most) =
            (radii.iter().copied().fold(1.0, f64::min), radii.iter().copied().fold(0.0, f64::max));
        assert!(least > 0.8 * most, "{least} {most}");
    }

    #[test]
    fn the_middle_of_a_star_is_in_the_middle() {
        for leaves in [5, 60, 700] {
            let places = checked(leaves as usize + 1, &star(leaves));
            let count = f64::from(leaves);
            let middle = places[1..].iter().fold((0.0, 0.0), |s, p| (s.0 + p.0 / count, s.1 + p.1 / count));
            assert!(distance(places[0], middle) < 0.1, "{leaves}: {:?} {middle:?}", places[0]);
        }
    }

    #[test]
    fn neighbors_are_nearer_than_others() {
        for (nodes, edges, times) in [
            (100, grid(10), 3.0),
            (900, grid(30), 6.0),
            (300, communities(300, 900), 2.0),
            (2_000, communities(2_000, 8_000), 2.0),
        ] {
            let places = checked(nodes, &edges);
            let (edge, pair) = (mean_edge(&places, &edges), mean_pair(&places));
            assert!(edge * times < pair, "{nodes} nodes: {edge} {pair}");
        }
    }

    #[test]
    fn a_clique_keeps_its_nodes_apart() {
        let edges: Vec<_> = (0..30).flat_map(|i| (0..i).map(move |j| (i, j, 100))).collect();
        let places = checked(30, &edges);
        let least = (0..30).flat_map(|i| (0..i).map(move |j| (i, j)));
        let least = least.map(|(i, j)| distance(places[i], places[j])).fold(1.0, f64::min);
        assert!(least > 0.08, "{least}");
    }

    #[test]
    fn components_do_not_lie_over_each_other() {
        // A cycle of 30, a star of 10, three pairs and ten nodes alone.
        let mut edges = cycle(30);
        edges.extend((31..40).map(|leaf| (30, leaf, 1)));
        edges.extend([(40, 41, 1), (42, 43, 1), (44, 45, 1)]);
        let places = checked(56, &edges);
        let parts = [0..30, 30..40, 40..42, 42..44, 44..46].map(|part| bounds(&places[part]));
        for (i, a) in parts.iter().enumerate() {
            for b in &parts[..i] {
                let beside = a.1.0 < b.0.0 || b.1.0 < a.0.0 || a.1.1 < b.0.1 || b.1.1 < a.0.1;
                assert!(beside, "{a:?} {b:?}");
            }
        }
    }

    #[test]
    fn places_do_not_change_between_versions_and_machines() {
        assert_eq!(digest(&layout(100, &grid(10))), 10_909_635_137_897_442_881);
        assert_eq!(digest(&layout(700, &communities(700, 2_000))), 5_241_921_509_216_088_208);
    }
}
