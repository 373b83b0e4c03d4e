//! Label propagation: every node takes the label that most of its neighbours' weight has.
//!
//! # Method
//! Nodes start with labels of their own and are swept in rounds, drawn by a hash of (seed, sweep, place). The nodes of a
//! round look, in parallel, at the labels as the last round left them; each asks for the label with the greatest weight
//! around it, among equals for that of the node with most neighbours (ties by hash), which lets hubs gather and equals
//! settle. Requests are carried out in order; a node with neighbours in the same round is weighed again when it is its
//! turn, so that neighbours cannot swap labels for ever. Only nodes are looked at whose neighbourhood changed. It ends
//! when at most one node in `2^17` changed its label in a sweep. Communities that do not hang together are split into
//! their connected parts.
//!
//! With overlaps, a node has shares in up to `communities_max` labels. From the labels found as above, each node takes
//! the average of its neighbours' shares by weight, leaves out those below `1 / communities_max` (but keeps the
//! greatest), and scales the rest to a whole; in the same rounds, until hardly a node changes its labels.
//!
//! # Cost
//! O(m) per sweep, usually five to ten of them; memory 6 bytes per node, and with overlaps 8 per share.
//!
//! # Source
//! Raghavan, Albert, Kumara: Near linear time algorithm to detect community structures, Phys. Rev. E 76, 2007.
//! Gregory: Finding overlapping communities in networks by label propagation, New J. of Physics 12, 2010.

use super::Partition;
use super::leiden::connect::connected_parts;
use super::leiden::level::{self, Level, Widths};
use super::leiden::objective::Whole;
use super::leiden::table::Table;
use crate::error::{Error, Result};
use crate::graph::project::Rows;
use crate::random::{Stream, mix};
use crate::run::Run;
use rayon::prelude::*;
use std::cmp::Reverse;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

/// A whole, of which shares are parts.
pub const SHARE_WHOLE: u32 = 1 << 16;

/// Rounds per sweep.
const ROUNDS: usize = 32;
/// Nodes of a large graph that share their place in a sweep.
const PIECE: usize = 32;
/// Pieces of one task.
const PIECES_PER_TASK: usize = 16;

/// Options of [`label_propagation`] and [`overlapping_communities`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PropagationOptions {
    /// Orders and equals are drawn from this seed.
    pub seed: u64,
    /// Most sweeps; at least 1.
    pub sweeps_max: u32,
    /// Whether weights count; otherwise every entry weighs 1.
    pub weighted: bool,
    /// With overlaps: most communities of a node; 1 to 64.
    pub communities_max: u32,
}

impl Default for PropagationOptions {
    fn default() -> Self {
        PropagationOptions { seed: 0, sweeps_max: 50, weighted: true, communities_max: 4 }
    }
}

/// Communities that overlap.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Overlapping {
    /// Where the communities of each node begin in `communities`, and the end of the last.
    pub starts: Vec<u32>,
    /// Communities of each node, ascending. Numbered by number of members, largest first, ties by smallest member.
    pub communities: Vec<u32>,
    /// The node's share in each, in parts of [`SHARE_WHOLE`]; those of a node sum to a whole.
    pub shares: Vec<u32>,
    /// Number of communities.
    pub num_communities: usize,
}

/// Communities of the undirected graph `graph` by label propagation; every one of them is connected.
///
/// The result is the same for any number of threads.
///
/// # Errors
/// [`Error::Option`] if an option is outside its range, before any work; [`Error::Cancelled`], [`Error::Deadline`].
pub fn label_propagation(graph: &Rows, options: &PropagationOptions, run: &Run) -> Result<Partition> {
    check(options)?;
    let volumes = vec![0_u32; graph.num_nodes()];
    run.install(|| match level::widths(graph, options.weighted) {
        Widths::Narrow(weights) => disjoint(&Level::bottom(graph, weights, volumes), options, run),
        Widths::Wide(weights) => disjoint(&Level::bottom(graph, weights, volumes), options, run),
    })
}

/// Overlapping communities of the undirected graph `graph`: up to `communities_max` of them for each node, with shares.
///
/// The result is the same for any number of threads.
///
/// # Errors
/// As [`label_propagation`].
pub fn overlapping_communities(graph: &Rows, options: &PropagationOptions, run: &Run) -> Result<Overlapping> {
    let partition = label_propagation(graph, options, run)?;
    let spread = Spread { graph, options, weighted: options.weighted };
    run.install(|| spread.run(&partition, run))
}

fn check(options: &PropagationOptions) -> Result<()> {
    let refuse = |name, value: u32, allowed| Err(Error::Option { name, value: value.to_string(), allowed });
    match options {
        PropagationOptions { sweeps_max: 0, .. } => refuse("sweeps_max", 0, "at least 1"),
        &PropagationOptions { communities_max: found, .. } if !(1..=64).contains(&found) => {
            refuse("communities_max", found, "1 to 64")
        }
        _ => Ok(()),
    }
}

/// The order of a sweep: places of `piece` nodes each, and how many of them make a round.
struct Schedule {
    order: Vec<u32>,
    piece: usize,
    round: usize,
}

impl Schedule {
    fn new(num_nodes: usize) -> Self {
        // Few nodes are drawn one by one.
        let piece = if num_nodes < ROUNDS * PIECE * PIECE { 1 } else { PIECE };
        let pieces = num_nodes.div_ceil(piece);
        let rounds = if num_nodes <= 1 << 10 { pieces } else { ROUNDS };
        Schedule { order: (0..pieces as u32).collect(), piece, round: pieces.div_ceil(rounds.max(1)).max(1) }
    }

    fn draw(&mut self, stream: Stream) {
        self.order.par_sort_by_cached_key(|&piece| (stream.at(piece.into()), piece));
    }

    fn nodes(&self, piece: u32, num_nodes: usize) -> Range<usize> {
        let from = piece as usize * self.piece;
        from..(from + self.piece).min(num_nodes)
    }
}

/// Does some work with something to work with that is used again by later tasks.
fn with_spare<T: Default, R>(spare: &Mutex<Vec<T>>, work: impl FnOnce(&mut T) -> R) -> R {
    let mut own = spare.lock().ok().and_then(|mut spare| spare.pop()).unwrap_or_default();
    let result = work(&mut own);
    if let Ok(mut spare) = spare.lock() {
        spare.push(own);
    }
    result
}

/// What a task looks with.
#[derive(Default)]
struct Looking<W> {
    nodes: Vec<u32>,
    labels: Vec<u32>,
    table: Table<W>,
}

fn disjoint<W: Whole>(level: &Level<W, u32>, options: &PropagationOptions, run: &Run) -> Result<Partition> {
    let nodes = level.num_nodes();
    let mut labels: Vec<u32> = (0..nodes as u32).collect();
    let mut schedule = Schedule::new(nodes);
    let mut asking = Asking {
        level,
        seed: options.seed,
        piece: schedule.piece,
        waiting: (0..nodes).map(|_| AtomicU8::new(1)).collect(),
        rounds: vec![0; schedule.order.len()],
    };
    let spare: Mutex<Vec<Looking<W>>> = Mutex::default();
    run.stage("label propagation", 0);
    for sweep in 0..options.sweeps_max {
        schedule.draw(Stream::new(options.seed, sweep.into()));
        for (round, pieces) in schedule.order.chunks(schedule.round).enumerate() {
            pieces.iter().for_each(|&piece| asking.rounds[piece as usize] = round as u32);
        }
        let mut changed = 0;
        for (round, pieces) in schedule.order.chunks(schedule.round).enumerate() {
            run.check()?;
            let ask = |pieces: &[u32]| {
                with_spare(&spare, |looking| {
                    let mut moves = Vec::new();
                    for &piece in pieces {
                        asking.ask(schedule.nodes(piece, nodes), round as u32, &labels, looking, &mut moves);
                    }
                    moves
                })
            };
            let moves: Vec<Vec<Move>> = pieces.par_chunks(PIECES_PER_TASK).map(ask).collect();
            for &Move { node, label, again } in moves.iter().flatten() {
                if !again || still_asked_for(level, &labels, node, label) {
                    labels[node as usize] = label;
                    changed += 1;
                }
            }
            moves.par_iter().flatten_iter().for_each(|moved| asking.wake(moved.node, &labels));
        }
        if changed <= nodes >> 17 {
            break;
        }
    }
    let (labels, _) = connected_parts(level, &labels, run)?;
    Ok(Partition::from_labels(&labels))
}

/// What the rounds of label propagation share.
struct Asking<'a, W: Whole> {
    level: &'a Level<'a, W, u32>,
    seed: u64,
    piece: usize,
    /// For each node whether it is to be looked at.
    waiting: Vec<AtomicU8>,
    /// For each piece its round in this sweep.
    rounds: Vec<u32>,
}

impl<W: Whole> Asking<'_, W> {
    /// Adds what the waiting nodes of a piece ask for.
    fn ask(
        &self,
        piece: Range<usize>,
        round: u32,
        labels: &[u32],
        Looking { nodes, labels: around, table }: &mut Looking<W>,
        moves: &mut Vec<Move>,
    ) {
        let level = self.level;
        let is_waiting = |&node: &usize| self.waiting[node].load(Ordering::Relaxed) == 1;
        nodes.clear();
        nodes.extend(piece.filter(is_waiting).map(|node| node as u32));
        // All labels are read before the first is used: reads that do not wait for each other.
        around.clear();
        for side_by_side in nodes.chunk_by(|a, b| a + 1 == *b) {
            let rows = &level.neighbors[level.ranges(side_by_side)];
            around.extend(rows.iter().map(|&neighbor| labels[neighbor as usize]));
        }
        nodes.iter().for_each(|&node| self.waiting[node as usize].store(0, Ordering::Relaxed));
        let rank = |label: u32| (Reverse(level.range(label).len()), mix(self.seed ^ u64::from(label)));
        let mut start = 0;
        for &node in nodes.iter() {
            let range = level.range(node);
            let row = &around[start..start + range.len()];
            start += range.len();
            let own = labels[node as usize];
            let label = heaviest(own, row, &level.weights[range.clone()], rank, table);
            if label != own {
                let beside = |&neighbor: &u32| self.rounds[neighbor as usize / self.piece] == round;
                let again = level.neighbors[range].iter().any(beside);
                moves.push(Move { node, label, again });
            }
        }
    }

    /// Lets the neighbours of a node be looked at again, unless they have its label.
    fn wake(&self, node: u32, labels: &[u32]) {
        for &neighbor in &self.level.neighbors[self.level.range(node)] {
            let waiting = &self.waiting[neighbor as usize];
            if waiting.load(Ordering::Relaxed) == 0 && labels[neighbor as usize] != labels[node as usize] {
                waiting.store(1, Ordering::Relaxed);
            }
        }
    }
}

/// A node that wants another label.
struct Move {
    node: u32,
    label: u32,
    /// A neighbour takes part in the same round: the weights are to be summed again.
    again: bool,
}

/// Whether `label` has at least the weight of a node's own around it, with the labels as they are by now.
fn still_asked_for<W: Whole>(level: &Level<W, u32>, labels: &[u32], node: u32, label: u32) -> bool {
    let own = labels[node as usize];
    let (mut there, mut here) = (0_u64, 0_u64);
    for (neighbor, weight) in level.row(node) {
        let of = labels[neighbor as usize];
        there += if of == label { weight.wide() } else { 0 };
        here += if of == own { weight.wide() } else { 0 };
    }
    there >= here
}

/// The label with the greatest weight in a row, among equals the one of least rank; `own` if the row is empty.
#[inline]
fn heaviest<W: Whole>(
    own: u32,
    row: &[u32],
    weights: &[W],
    rank: impl Fn(u32) -> (Reverse<usize>, u64),
    table: &mut Table<W>,
) -> u32 {
    // What has most of the weight needs no comparison.
    let (mut here, mut elsewhere) = (W::default(), W::default());
    for (&label, &weight) in row.iter().zip(weights) {
        here = here.plus(if label == own { weight } else { W::default() });
        elsewhere = elsewhere.plus(if label == own { W::default() } else { weight });
    }
    if row.is_empty() || here > elsewhere {
        return own;
    }
    table.start(row.len());
    row.iter().zip(weights).for_each(|(&label, &weight)| table.add(label, weight));
    let mut best = (own, table.get(own));
    for (label, weight) in table.iter() {
        if weight > best.1 || weight == best.1 && rank(label) < rank(best.0) {
            best = (label, weight);
        }
    }
    best.0
}

/// Shares on their way.
struct Spread<'a> {
    graph: &'a Rows,
    options: &'a PropagationOptions,
    weighted: bool,
}

/// Labels and shares of a node; the label decides the order.
type Shares = Vec<(u32, u32)>;

impl Spread<'_> {
    fn run(&self, partition: &Partition, run: &Run) -> Result<Overlapping> {
        let nodes = self.graph.num_nodes();
        let mut shares: Vec<Shares> =
            partition.labels().iter().map(|&label| vec![(label, SHARE_WHOLE)]).collect();
        let waiting: Vec<AtomicU8> = (0..nodes).map(|_| AtomicU8::new(1)).collect();
        let mut schedule = Schedule::new(nodes);
        run.stage("overlapping communities", 0);
        for sweep in 0..self.options.sweeps_max {
            schedule.draw(Stream::new(self.options.seed, (1 << 32) + u64::from(sweep)));
            let mut changed = 0;
            for round in schedule.order.chunks(schedule.round) {
                run.check()?;
                // Nodes whose shares changed, and whether their labels did.
                let found: Vec<Vec<(u32, Shares, bool)>> = round
                    .par_chunks(PIECES_PER_TASK)
                    .map(|pieces| {
                        let mut found = Vec::new();
                        let all = pieces.iter().flat_map(|&piece| schedule.nodes(piece, nodes));
                        for node in all.filter(|&node| waiting[node].swap(0, Ordering::Relaxed) == 1) {
                            let now = self.average(node as u32, &shares);
                            if now != shares[node] {
                                let labels = |shares: &Shares| -> Vec<u32> {
                                    shares.iter().map(|share| share.0).collect()
                                };
                                let other = labels(&now) != labels(&shares[node]);
                                found.push((node as u32, now, other));
                            }
                        }
                        found
                    })
                    .collect();
                for (node, now, other) in found.into_iter().flatten() {
                    shares[node as usize] = now;
                    if other {
                        let neighbors = self.graph.neighbors(node);
                        neighbors
                            .iter()
                            .for_each(|&neighbor| waiting[neighbor as usize].store(1, Ordering::Relaxed));
                        changed += 1;
                    }
                }
            }
            if changed <= nodes >> 17 {
                break;
            }
        }
        Ok(number(&shares, partition.len()))
    }

    /// The average of the neighbours' shares, cut down to the greatest and scaled to a whole.
    fn average(&self, node: u32, shares: &[Shares]) -> Shares {
        let weight = |weight: u64| if self.weighted { u128::from(weight) } else { 1 };
        let mut sums: Vec<(u32, u128)> = Vec::new();
        for (neighbor, entry_weight) in self.graph.entries(node) {
            let of = shares[neighbor as usize].iter();
            sums.extend(of.map(|&(label, share)| (label, weight(entry_weight) * u128::from(share))));
        }
        if sums.is_empty() {
            return shares[node as usize].clone();
        }
        sums.sort_unstable();
        let mut sums: Vec<(u32, u128)> = sums
            .chunk_by(|a, b| a.0 == b.0)
            .map(|same| (same[0].0, same.iter().map(|&(_, sum)| sum).sum()))
            .collect();
        let total: u128 = sums.iter().map(|&(_, sum)| sum).sum();
        let has = |label: u32| shares[node as usize].iter().any(|&(own, _)| own == label);
        let rank = |label: u32| (!has(label), mix(self.options.seed ^ u64::from(label)));
        sums.sort_unstable_by_key(|&(label, sum)| (Reverse(sum), rank(label)));
        let most = self.options.communities_max as usize;
        let enough = sums.iter().take(most).take_while(|&&(_, sum)| sum * most as u128 >= total).count();
        sums.truncate(enough.max(1));
        whole(&sums)
    }
}

/// Scales sums to shares of a whole by largest remainder (ties by the order given); ascending by label.
fn whole(sums: &[(u32, u128)]) -> Shares {
    let total: u128 = sums.iter().map(|&(_, sum)| sum).sum();
    let scaled = |sum: u128| (sum * u128::from(SHARE_WHOLE) / total, sum * u128::from(SHARE_WHOLE) % total);
    let mut shares: Shares = sums.iter().map(|&(label, sum)| (label, scaled(sum).0 as u32)).collect();
    let missing = SHARE_WHOLE - shares.iter().map(|&(_, share)| share).sum::<u32>();
    let mut order: Vec<usize> = (0..sums.len()).collect();
    order.sort_by_key(|&place| Reverse(scaled(sums[place].1).1));
    order.iter().take(missing as usize).for_each(|&place| shares[place].1 += 1);
    shares.sort_unstable();
    shares
}

/// Numbers communities by number of members, ties by smallest member.
fn number(shares: &[Shares], num_labels: usize) -> Overlapping {
    let mut sizes = vec![0_u32; num_labels];
    let mut labels = Vec::new();
    for &(label, _) in shares.iter().flatten() {
        if sizes[label as usize] == 0 {
            labels.push(label);
        }
        sizes[label as usize] += 1;
    }
    // Labels stand in the order of their smallest members, which a stable sort keeps.
    labels.sort_by_key(|&label| Reverse(sizes[label as usize]));
    let mut numbers = sizes;
    labels.iter().zip(0..).for_each(|(&label, number)| numbers[label as usize] = number);
    let mut found = Overlapping {
        starts: vec![0],
        communities: Vec::new(),
        shares: Vec::new(),
        num_communities: labels.len(),
    };
    for of_node in shares {
        let mut of_node: Shares =
            of_node.iter().map(|&(label, share)| (numbers[label as usize], share)).collect();
        of_node.sort_unstable();
        found.communities.extend(of_node.iter().map(|&(community, _)| community));
        found.shares.extend(of_node.iter().map(|&(_, share)| share));
        found.starts.push(found.communities.len() as u32);
    }
    found
}
