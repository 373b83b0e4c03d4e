//! Both adjacencies of a segment hold the edges of its transactions: each once, under its ends, in order of position.
//!
//! # Method
//! A transaction that was not corrected is the triple (source, destination, position), and so is an edge of either adjacency. The two
//! lists of triples are the same, but for their order, exactly if each transaction has its edge and no edge is
//! anything else. Instead of looking each edge's transaction up, which waits for memory twice an edge, each list is
//! read from end to end, its triples are encrypted with AES under a key drawn for this check, and the
//! sums are compared: different lists have equal sums with a probability of about 2^-128, whoever made the file. That
//! positions rise within an account is seen on the way. Where something differs, edges are looked up one by one,
//! to say which.
//!
//! # Cost
//! O(n) for n transactions, read in order three times; some nanoseconds each with the processor's AES instructions.

use super::first_pair;
use crate::error::{Error, Result};
use crate::ids::NONE;
use crate::run::Run;
use crate::store::column::Column;
use crate::store::container::Container;
use crate::store::entropy::random;
use crate::store::segment::{Adjacency, Segment};
use crate::store::tasks::tasks;
use aes_gcm::aes::cipher::{BlockCipherEncrypt, KeyInit};
use aes_gcm::aes::{Aes128Enc, Block};
use rayon::prelude::ParallelIterator;
use std::ops::Range;

/// Nodes or transactions looked at between two looks at the run.
const PER_TASK: usize = 1 << 13;
/// Triples encrypted at once.
const BLOCKS: usize = 256;

/// Source, destination and position of a transaction.
type Triple = (u32, u32, u32);

/// Checks the adjacencies of `segment`, whose columns of transactions are right; `corrected` has the positions of transactions that
/// have no edge, ascending.
pub(super) fn check(
    container: &Container,
    segment: &Segment,
    corrected: &[u32],
    num_accounts: u32,
    run: &Run,
) -> Result<()> {
    let ends = Ends {
        source: segment.transactions.source.all()?,
        destination: segment.transactions.destination.all()?,
    };
    let cipher = Cipher::new()?;
    let expected = cipher.of_transactions(&ends, corrected, run)?;
    let out = Direction { container, adjacency: &segment.outgoing, name: "out", is_out: true };
    let incoming = Direction { container, adjacency: &segment.incoming, name: "in", is_out: false };
    for direction in [out, incoming] {
        direction.check(&ends, corrected, num_accounts, (&cipher, expected), run)?;
    }
    Ok(())
}

/// The two ends of all transactions.
struct Ends<'s> {
    source: &'s [u32],
    destination: &'s [u32],
}

/// Encrypts triples under a key of its own.
struct Cipher(Aes128Enc);

impl Cipher {
    fn new() -> Result<Self> {
        let mut key = [0; 16];
        random(&mut key)?;
        Ok(Self(Aes128Enc::new(&key.into())))
    }

    /// The sum of all transactions but the corrected ones.
    fn of_transactions(&self, ends: &Ends<'_>, corrected: &[u32], run: &Run) -> Result<u128> {
        let all = tasks(ends.source.len(), PER_TASK).map(|part| {
            run.check()?;
            let mut sum = Sum::new(self);
            let mut position = part.start as u32;
            let both = ends.source[part.clone()].chunks(BLOCKS).zip(ends.destination[part].chunks(BLOCKS));
            for (sources, destinations) in both {
                let positions = position..position + sources.len() as u32;
                position = positions.end;
                sum.add(sources.iter().zip(destinations).zip(positions).map(triple));
            }
            Ok(sum.sum)
        });
        let all = all.try_reduce(|| 0, |sum, part| Ok(u128::wrapping_add(sum, part)))?;
        let mut without = Sum::new(self);
        for corrected in corrected.chunks(BLOCKS) {
            let ends = |&at: &u32| triple(((&ends.source[at as usize], &ends.destination[at as usize]), at));
            without.add(corrected.iter().map(ends));
        }
        Ok(all.wrapping_sub(without.sum))
    }
}

fn triple(((&source, &destination), position): ((&u32, &u32), u32)) -> Triple {
    (source, destination, position)
}

/// The sum of encrypted triples, whatever their order.
struct Sum<'s> {
    cipher: &'s Cipher,
    blocks: [Block; BLOCKS],
    sum: u128,
}

impl<'s> Sum<'s> {
    fn new(cipher: &'s Cipher) -> Self {
        Self { cipher, blocks: [Block::default(); BLOCKS], sum: 0 }
    }

    /// Adds at most [`BLOCKS`] triples.
    #[inline]
    fn add(&mut self, triples: impl ExactSizeIterator<Item = Triple>) {
        let blocks = &mut self.blocks[..triples.len()];
        for (block, (source, destination, position)) in blocks.iter_mut().zip(triples) {
            let triple = u128::from(source) | u128::from(destination) << 32 | u128::from(position) << 64;
            block.0 = triple.to_le_bytes();
        }
        self.cipher.0.encrypt_blocks(blocks);
        self.sum = blocks.iter().fold(self.sum, |sum, block| sum.wrapping_add(u128::from_le_bytes(block.0)));
    }
}

/// One adjacency.
struct Direction<'s> {
    container: &'s Container,
    adjacency: &'s Adjacency,
    name: &'s str,
    /// Whether accounts stand as sources.
    is_out: bool,
}

/// The columns of an adjacency, of which the offsets are right.
struct Slices<'s> {
    nodes: Option<&'s [u32]>,
    offsets: &'s [u32],
    neighbors: &'s [u32],
    transactions: &'s [u32],
}

impl Slices<'_> {
    fn node(&self, place: usize) -> u32 {
        self.nodes.map_or(place as u32, |nodes| nodes[place])
    }

    fn edges(&self, place: usize) -> Range<usize> {
        self.offsets[place] as usize..self.offsets[place + 1] as usize
    }

    /// The node of each of `edges`, which begin in the slice of `place` or behind it; `place` becomes that of the last one.
    fn nodes_of(&self, edges: Range<usize>, place: &mut usize, nodes: &mut [u32]) {
        let mut at = edges.start;
        while at < edges.end {
            while self.edges(*place).end <= at {
                *place += 1;
            }
            let end = self.edges(*place).end.min(edges.end);
            nodes[at - edges.start..end - edges.start].fill(self.node(*place));
            at = end;
        }
    }

    fn len(&self) -> usize {
        self.offsets.len() - 1
    }
}

impl Direction<'_> {
    fn broken<T>(&self, part: &str, detail: impl Into<String>) -> Result<T> {
        Err(Error::damaged(self.container.path(), format!("column {}.{part}", self.name), detail.into()))
    }

    fn check(
        &self,
        ends: &Ends<'_>,
        corrected: &[u32],
        num_accounts: u32,
        (cipher, expected): (&Cipher, u128),
        run: &Run,
    ) -> Result<()> {
        let num_edges = ends.source.len() - corrected.len();
        let Some(slices) = self.slices(num_edges, num_accounts)? else { return Ok(()) };
        if self.sum(&slices, cipher, run)? == Some(expected) {
            return Ok(());
        }
        let wrong = tasks(slices.len(), PER_TASK).find_map_first(|places| {
            if let Err(error) = run.check() {
                return Some(Err(error));
            }
            places.into_iter().find_map(|place| self.wrong_edge(&slices, place, ends, corrected)).map(Ok)
        });
        match wrong.transpose()? {
            Some((part, edge)) => self.broken(part, format!("value {edge} does not fit its transaction")),
            None => Err(Error::Unproved(format!(
                "{}: the edges have another sum than their transactions",
                self.name
            ))),
        }
    }

    /// The columns, if there are any: offsets cut all edges, and nodes are ascending accounts.
    fn slices(&self, num_edges: usize, num_accounts: u32) -> Result<Option<Slices<'_>>> {
        let Adjacency { nodes, offsets, neighbors, transactions } = self.adjacency;
        let (offsets, neighbors, transactions) = (offsets.all()?, neighbors.all()?, transactions.all()?);
        if offsets.is_empty() {
            return Ok(None);
        }
        if neighbors.len() != num_edges {
            return self
                .broken("neighbors", "there is not one edge for each transaction that was not corrected");
        }
        if (offsets[0], offsets[offsets.len() - 1] as usize) != (0, neighbors.len()) {
            return self.broken("offsets", "they do not cut all edges");
        }
        // A node that is listed has an edge.
        let rise_min = u32::from(nodes.is_some());
        let falls = |before: u32, this: u32| this.checked_sub(before).is_none_or(|rise| rise < rise_min);
        if let Some(at) = first_pair(offsets, falls) {
            return self.broken("offsets", format!("value {at} is too small after the one before"));
        }
        let nodes = nodes.as_ref().map(Column::all).transpose()?;
        let num_nodes = offsets.len() - 1;
        match nodes {
            Some(nodes) => {
                let falls = first_pair(nodes, |before, this| before >= this);
                if falls.is_some() || nodes.last().is_some_and(|&node| node >= num_accounts) {
                    return self.broken("nodes", "they are not ascending accounts");
                }
            }
            None if num_nodes > num_accounts as usize => {
                return self.broken("offsets", format!("{num_nodes} slices for {num_accounts} accounts"));
            }
            None => {}
        }
        Ok(Some(Slices { nodes, offsets, neighbors, transactions }))
    }

    /// The sum of all edges; `None` if positions do not rise within an account.
    fn sum(&self, slices: &Slices<'_>, cipher: &Cipher, run: &Run) -> Result<Option<u128>> {
        let parts = tasks(slices.len(), PER_TASK).map(|places| {
            run.check()?;
            let (mut sum, mut falls) = (Sum::new(cipher), false);
            // Of the last edge of the block before, then of the edges of this one.
            let (mut nodes, mut positions) = ([NONE; 1 + BLOCKS], [0; 1 + BLOCKS]);
            let mut place = places.start;
            let edges = slices.offsets[places.start] as usize..slices.offsets[places.end] as usize;
            for begin in edges.clone().step_by(BLOCKS) {
                let edges = begin..edges.end.min(begin + BLOCKS);
                let num = edges.len();
                slices.nodes_of(edges.clone(), &mut place, &mut nodes[1..]);
                positions[1..=num].copy_from_slice(&slices.transactions[edges.clone()]);
                let (nodes_here, here) = (&nodes[1..=num], &positions[1..=num]);
                let one = nodes[..num].iter().zip(nodes_here).map(|(before, here)| before == here);
                let falling = positions[..num].iter().zip(here).map(|(before, here)| before >= here);
                falls |= one.zip(falling).fold(false, |any, (one, falling)| any | (one & falling));
                let neighbors = &slices.neighbors[edges];
                let (sources, destinations) =
                    if self.is_out { (nodes_here, neighbors) } else { (neighbors, nodes_here) };
                sum.add(sources.iter().zip(destinations).zip(here.iter().copied()).map(triple));
                (nodes[0], positions[0]) = (nodes[num], positions[num]);
            }
            Ok((!falls).then_some(sum.sum))
        });
        parts.try_reduce(
            || Some(0),
            |one, other| Ok(one.zip(other).map(|(one, other)| u128::wrapping_add(one, other))),
        )
    }

    /// The first edge of a node that is not that of a transaction, and the column that says so.
    fn wrong_edge(
        &self,
        slices: &Slices<'_>,
        place: usize,
        ends: &Ends<'_>,
        corrected: &[u32],
    ) -> Option<(&'static str, usize)> {
        let node = slices.node(place);
        let (own, other) = match self.is_out {
            true => (ends.source, ends.destination),
            false => (ends.destination, ends.source),
        };
        let mut before = None;
        for edge in slices.edges(place) {
            let position = slices.transactions[edge];
            let end = own.get(position as usize);
            let has_none = corrected.binary_search(&position).is_ok();
            if end != Some(&node) || has_none || before.is_some_and(|before| before >= position) {
                return Some(("transactions", edge));
            }
            if other[position as usize] != slices.neighbors[edge] {
                return Some(("neighbors", edge));
            }
            before = Some(position);
        }
        None
    }
}
