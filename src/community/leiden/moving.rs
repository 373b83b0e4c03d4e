//! Local moving: each node goes to the neighbouring community that gains most, until hardly anything is gained.
//!
//! # Method
//! Large levels are swept in rounds. A round takes a part of the nodes, drawn by a hash of (seed, sweep, place); all of
//! them look, in parallel, at the labels and totals as the last round left them, and propose. Then the proposals are
//! committed one after another, in the order of the round, each weighed again with the totals as they are by now: what
//! no longer gains is dropped, and nobody enters a community that became empty in the same round, so that neighbours cannot
//! swap places. Once nodes do not start alone any more, only those are looked at whose neighbourhood changed. A node that
//! would not move even if all its weight to others led to one community, for nothing, is not weighed any further: late in a
//! climb that settles most of them by one sum over the row.
//!
//! From the second sweep on also the weights of a node with neighbours in the same round are summed again when it is its turn, so
//! that every gain is exact. In the first sweep a node may still join a neighbour that leaves; the caller compares the
//! exact objective before and after, and if it fell takes the labels back and calls the exact way: one node at a time,
//! every move seen by the next. Small levels go that way at once.
//!
//! # Cost
//! A sweep reads each entry once, and entries of moved nodes twice; O(m) with one random access an entry.

use super::level::Level;
use super::objective::{Terms, Volume, Whole};
use super::table::Table;
use crate::error::Result;
use crate::ids::NONE;
use crate::random::Stream;
use crate::run::Run;
use rayon::prelude::*;
use std::ops::Range;
use std::sync::Mutex;
use std::sync::atomic::{AtomicU8, Ordering};

/// Levels of at most so many entries are moved exactly, one node at a time.
const EXACT_ENTRIES_MAX: usize = 1 << 17;
/// Rounds per sweep of a large level.
const ROUNDS: usize = 32;
/// Consecutive nodes of a level of many nodes that share their place in a sweep.
const PIECE: usize = 32;
/// Fewer nodes are drawn one by one.
const PIECED_MIN: usize = ROUNDS * PIECE * PIECE;
/// Most sweeps of one level.
const SWEEPS_MAX: u64 = 64;
/// Pieces of one task.
const PIECES_PER_TASK: usize = 16;

/// A partition on its way: labels below the number of nodes, and the volume of each label.
#[derive(Clone)]
pub(crate) struct Moving<V> {
    pub labels: Vec<u32>,
    pub totals: Vec<V>,
}

impl<V: Volume> Moving<V> {
    pub(crate) fn new(labels: Vec<u32>, volumes: &[V]) -> Self {
        let mut totals = vec![V::default(); volumes.len()];
        for (&label, &volume) in labels.iter().zip(volumes) {
            totals[label as usize] = totals[label as usize].plus(volume);
        }
        Moving { labels, totals }
    }

    /// Whether every node is alone, under its own name.
    pub(crate) fn is_alone(&self) -> bool {
        self.labels.iter().enumerate().all(|(node, &label)| node == label as usize)
    }

    /// Every node alone.
    pub(crate) fn alone(volumes: &[V]) -> Self {
        Moving { labels: (0..volumes.len() as u32).collect(), totals: volumes.to_vec() }
    }
}

/// How far to go.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Effort {
    /// Draws of this sequence decide the order.
    pub seed: u64,
    /// A sweep that gains less than `most / 2^tolerance` is the last.
    pub tolerance: u32,
}

/// A move that a node asks for.
struct Proposal<W, V> {
    node: u32,
    volume: V,
    from: u32,
    /// `NONE`: a community of its own.
    to: u32,
    weight_to: W,
    weight_from: W,
    /// A neighbour takes part in the same round: the weights are to be summed again.
    again: bool,
}

/// Moves nodes until little is gained; returns the sum of gains as they were weighed.
pub(crate) fn move_nodes<W: Whole, V: Volume>(
    level: &Level<W, V>,
    terms: &Terms,
    state: &mut Moving<V>,
    effort: Effort,
    run: &Run,
) -> Result<i128> {
    match is_small(level) {
        true => move_exactly(level, terms, state, effort, run),
        false => move_in_rounds(level, terms, state, effort, run),
    }
}

/// Whether a level is moved exactly, one node at a time.
pub(crate) fn is_small<W: Whole, V: Volume>(level: &Level<W, V>) -> bool {
    level.neighbors.len() <= EXACT_ENTRIES_MAX
}

/// One node at a time, each seeing every move before it; the objective rises by exactly what is returned.
pub(crate) fn move_exactly<W: Whole, V: Volume>(
    level: &Level<W, V>,
    terms: &Terms,
    state: &mut Moving<V>,
    effort: Effort,
    run: &Run,
) -> Result<i128> {
    let nodes = level.num_nodes();
    let mut order: Vec<u32> = (0..nodes as u32).collect();
    let stream = Stream::new(effort.seed, 0);
    order.sort_by_cached_key(|&node| stream.at(node.into()));
    let mut waiting = vec![true; nodes];
    let mut queue: std::collections::VecDeque<u32> = order.into();
    let mut free = free_labels(state);
    let mut labels = Vec::new();
    let (mut table, mut gained, mut looks) = (Table::default(), 0, 0_u64);
    while let Some(node) = queue.pop_front() {
        looks += 1;
        if looks.is_multiple_of(1 << 12) {
            run.check()?;
        }
        waiting[node as usize] = false;
        labels.clear();
        labels.extend(
            level.neighbors[level.range(node)].iter().map(|&neighbor| state.labels[neighbor as usize]),
        );
        if is_settled(level, terms, state, node, &labels) {
            continue;
        }
        let Some(proposal) = propose(level, terms, state, node, &labels, &mut table) else { continue };
        let Some(gain) = commit(terms, state, &proposal, &mut free) else { continue };
        gained += gain;
        let now = state.labels[node as usize];
        for (neighbor, _) in level.row(node) {
            if state.labels[neighbor as usize] != now && !waiting[neighbor as usize] {
                waiting[neighbor as usize] = true;
                queue.push_back(neighbor);
            }
        }
    }
    Ok(gained)
}

fn move_in_rounds<W: Whole, V: Volume>(
    level: &Level<W, V>,
    terms: &Terms,
    state: &mut Moving<V>,
    effort: Effort,
    run: &Run,
) -> Result<i128> {
    let mut rounds = Rounds::new(level, terms);
    let alone = state.is_alone();
    let mut order: Vec<u32> = (0..rounds.of_piece.len() as u32).collect();
    let mut free = free_labels(state);
    let mut gained = 0;
    for sweep in 0..SWEEPS_MAX {
        let stream = Stream::new(effort.seed, sweep);
        order.par_sort_by_cached_key(|&piece| (stream.at(piece.into()), piece));
        for (round, pieces) in order.chunks(order.len().div_ceil(ROUNDS)).enumerate() {
            pieces.iter().for_each(|&piece| rounds.of_piece[piece as usize] = round as u8);
        }
        let mut gained_now = 0;
        rounds.everybody = sweep == 0 && alone;
        for (round, pieces) in order.chunks(order.len().div_ceil(ROUNDS)).enumerate() {
            run.check()?;
            // In the first sweep almost everybody moves, and hardly anybody has company to swap.
            let proposals = rounds.propose(state, pieces, (sweep > 0).then_some(round as u8));
            gained_now += rounds.commit(state, &proposals, &mut free);
            if !rounds.everybody {
                rounds.wake(state, &proposals);
            }
        }
        gained += gained_now;
        if gained_now <= terms.most >> effort.tolerance {
            break;
        }
    }
    Ok(gained)
}

/// What the rounds of a level share.
struct Rounds<'a, W: Whole, V> {
    level: &'a Level<'a, W, V>,
    terms: &'a Terms,
    /// For each node whether it is to be looked at.
    waiting: Vec<AtomicU8>,
    /// Everybody will be looked at again: nearly everybody moves in a sweep in which nodes start alone.
    everybody: bool,
    /// Consecutive nodes of a piece: a power of two.
    piece: usize,
    /// For each piece its round in this sweep.
    of_piece: Vec<u8>,
    spare: Mutex<Vec<Looking<W>>>,
}

/// What a task looks with.
#[derive(Default)]
struct Looking<W> {
    nodes: Vec<u32>,
    labels: Vec<u32>,
    /// Nodes that might move, and where their labels are.
    open: Vec<(u32, Range<usize>)>,
    table: Table<W>,
}

impl<'a, W: Whole, V: Volume> Rounds<'a, W, V> {
    fn new(level: &'a Level<'a, W, V>, terms: &'a Terms) -> Self {
        let waiting = (0..level.num_nodes()).map(|_| AtomicU8::new(1)).collect();
        let piece = if level.num_nodes() < PIECED_MIN { 1 } else { PIECE };
        let of_piece = vec![0; level.num_nodes().div_ceil(piece)];
        Rounds { level, terms, waiting, everybody: false, piece, of_piece, spare: Mutex::default() }
    }

    /// What the waiting nodes of some pieces ask for, in order. With `round`, proposals are marked whose node has a
    /// neighbour in that round.
    fn propose(&self, state: &Moving<V>, pieces: &[u32], round: Option<u8>) -> Vec<Vec<Proposal<W, V>>> {
        pieces
            .par_chunks(PIECES_PER_TASK)
            .map(|pieces| {
                let mut looking =
                    self.spare.lock().ok().and_then(|mut spare| spare.pop()).unwrap_or_default();
                let mut proposals = Vec::new();
                for &piece in pieces {
                    self.look(state, piece, round, &mut looking, &mut proposals);
                }
                if let Ok(mut spare) = self.spare.lock() {
                    spare.push(looking);
                }
                proposals
            })
            .collect()
    }

    fn look(
        &self,
        state: &Moving<V>,
        piece: u32,
        round: Option<u8>,
        Looking { nodes, labels, open, table }: &mut Looking<W>,
        proposals: &mut Vec<Proposal<W, V>>,
    ) {
        let level = self.level;
        let from = piece as usize * self.piece;
        let all = from..(from + self.piece).min(level.num_nodes());
        nodes.clear();
        nodes.extend(
            all.filter(|&node| self.waiting[node].load(Ordering::Relaxed) == 1).map(|node| node as u32),
        );
        // Labels, then totals, are read for all before the first is used: reads that do not wait for each other.
        labels.clear();
        for side_by_side in nodes.chunk_by(|a, b| a + 1 == *b) {
            let rows = &level.neighbors[level.ranges(side_by_side)];
            labels.extend(rows.iter().map(|&neighbor| state.labels[neighbor as usize]));
        }
        open.clear();
        let (mut start, mut ahead) = (0, V::default());
        for &node in nodes.iter() {
            if !self.everybody {
                self.waiting[node as usize].store(0, Ordering::Relaxed);
            }
            let row = start..start + level.range(node).len();
            start = row.end;
            if self.everybody || !is_settled(level, self.terms, state, node, &labels[row.clone()]) {
                let totals = labels[row.clone()].iter().map(|&label| state.totals[label as usize]);
                ahead = totals.fold(ahead, V::mingle);
                open.push((node, row));
            }
        }
        std::hint::black_box(ahead);
        let shift = self.piece.trailing_zeros();
        for (node, row) in open.drain(..) {
            let (range, row) = (level.range(node), &labels[row]);
            if let Some(mut proposal) = propose(level, self.terms, state, node, row, table) {
                let beside = |&neighbor: &u32| Some(self.of_piece[neighbor as usize >> shift]) == round;
                proposal.again = round.is_some() && level.neighbors[range].iter().any(beside);
                proposals.push(proposal);
            }
        }
    }

    /// Carries proposals out, one after another; returns what they gain.
    fn commit(&self, state: &mut Moving<V>, proposals: &[Vec<Proposal<W, V>>], free: &mut Vec<u32>) -> i128 {
        let mut gained = 0;
        // Labels that nobody has any more are given again in later rounds only.
        let mut freed = Vec::new();
        for proposal in proposals.iter().flatten() {
            let from = proposal.from;
            let gain = match proposal.again {
                false => commit(self.terms, state, proposal, free),
                true => commit(self.terms, state, &self.sum_again(state, proposal), free),
            };
            if let Some(gain) = gain {
                gained += gain;
                if state.totals[from as usize] == V::default() {
                    freed.push(from);
                }
            }
        }
        free.append(&mut freed);
        gained
    }

    /// The proposal with its weights as they are by now.
    fn sum_again(&self, state: &Moving<V>, proposal: &Proposal<W, V>) -> Proposal<W, V> {
        let from = proposal.from;
        let mut now = Proposal { weight_to: W::default(), weight_from: W::default(), ..*proposal };
        for (neighbor, weight) in self.level.row(proposal.node) {
            let label = state.labels[neighbor as usize];
            if label == now.to {
                now.weight_to = now.weight_to.plus(weight);
            } else if label == from {
                now.weight_from = now.weight_from.plus(weight);
            }
        }
        now
    }

    /// Lets the neighbours of nodes that moved be looked at again, unless they are in the same community.
    fn wake(&self, state: &Moving<V>, proposals: &[Vec<Proposal<W, V>>]) {
        proposals.par_iter().for_each(|proposals| {
            for proposal in proposals {
                let now = state.labels[proposal.node as usize];
                for &neighbor in &self.level.neighbors[self.level.range(proposal.node)] {
                    let waiting = &self.waiting[neighbor as usize];
                    if waiting.load(Ordering::Relaxed) == 0 && state.labels[neighbor as usize] != now {
                        waiting.store(1, Ordering::Relaxed);
                    }
                }
            }
        });
    }
}

/// Labels that nobody has.
fn free_labels<V: Volume>(state: &Moving<V>) -> Vec<u32> {
    let mut taken = vec![false; state.labels.len()];
    state.labels.iter().for_each(|&label| taken[label as usize] = true);
    (0..taken.len() as u32).rev().filter(|&label| !taken[label as usize]).collect()
}

/// Whether no community could offer `node` more than its own, even if all that ties it to others led there for nothing.
#[inline]
fn is_settled<W: Whole, V: Volume>(
    level: &Level<W, V>,
    terms: &Terms,
    state: &Moving<V>,
    node: u32,
    labels: &[u32],
) -> bool {
    let own = state.labels[node as usize];
    let (mut here, mut elsewhere) = (W::default(), W::default());
    for (&label, &weight) in labels.iter().zip(&level.weights[level.range(node)]) {
        here = here.plus(if label == own { weight } else { W::default() });
        elsewhere = elsewhere.plus(if label == own { W::default() } else { weight });
    }
    let volume = level.volumes[node as usize];
    let stay = terms.join(here, volume, state.totals[own as usize].minus(volume));
    stay >= terms.join(elsewhere, volume, V::default())
}

/// Where `node` would gain most, if anywhere; ties go to the smallest label, staying before moving.
#[inline]
fn propose<W: Whole, V: Volume>(
    level: &Level<W, V>,
    terms: &Terms,
    state: &Moving<V>,
    node: u32,
    labels: &[u32],
    table: &mut Table<W>,
) -> Option<Proposal<W, V>> {
    let range = level.range(node);
    table.start(range.len());
    for (&label, &weight) in labels.iter().zip(&level.weights[range]) {
        table.add(label, weight);
    }
    let own = state.labels[node as usize];
    let volume = level.volumes[node as usize];
    let weight_from = table.get(own);
    let stay = terms.join(weight_from, volume, state.totals[own as usize].minus(volume));
    let mut best = (stay.max(0), own, weight_from);
    if stay < 0 {
        best = (0, NONE, W::default());
    }
    for (label, weight) in table.iter() {
        let gain = terms.join(weight, volume, state.totals[label as usize]);
        if gain > best.0 && label != own || gain == best.0 && best.1 != own && label < best.1 && label != own
        {
            best = (gain, label, weight);
        }
    }
    let (_, to, weight_to) = best;
    (to != own).then_some(Proposal { node, volume, from: own, to, weight_to, weight_from, again: false })
}

/// Carries a proposal out if it still gains with the totals as they are; returns the gain.
#[inline]
fn commit<W: Whole, V: Volume>(
    terms: &Terms,
    state: &mut Moving<V>,
    proposal: &Proposal<W, V>,
    free: &mut Vec<u32>,
) -> Option<i128> {
    let &Proposal { volume, from, .. } = proposal;
    let rest = state.totals[from as usize].minus(volume);
    let alone = proposal.to == NONE;
    let to = if alone { *free.last()? } else { proposal.to };
    let total = if alone { V::default() } else { state.totals[to as usize] };
    if !alone && total == V::default() {
        return None;
    }
    let gain = terms.join(proposal.weight_to, volume, total) - terms.join(proposal.weight_from, volume, rest);
    if gain <= 0 {
        return None;
    }
    if alone {
        free.pop();
    }
    state.totals[from as usize] = rest;
    state.totals[to as usize] = total.plus(volume);
    state.labels[proposal.node as usize] = to;
    Some(gain)
}
