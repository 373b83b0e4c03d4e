//! k-trusses: ties that enough triangles hold.
//!
//! The k-truss is the largest set of edges in which each is in at least k − 2 triangles of edges of the set; the
//! trussness of an edge is the largest k whose truss holds it, at least 2. A k-truss lies inside the (k − 1)-core.
//!
//! # Method
//! The support of an edge is the number of its triangles, counted by all threads as in
//! [`triangles`](super::triangles()). Then the edge of least support goes, and takes one from the two other edges of
//! each triangle that it was in. Edges without any triangle are set aside first, and entries of
//! edges that went are dropped from the rows as they add up.
//!
//! # Cost
//! Time O(m^1.5), the removal sequential; memory 4 bytes per edge, and 37 per edge in a triangle.
//!
//! # Choices
//! The triangles of an edge are found anew when it goes, not stored: dense graphs have too many. Rows of similar
//! length are merged, of different lengths the shorter is looked up in the longer.
//!
//! # Source
//! Cohen: Trusses: cohesive subgraphs for social network analysis, 2008. Wang, Cheng: Truss decomposition in massive
//! networks, PVLDB 5(9), 2012.

use super::oriented::{Oriented, tasks};
use crate::error::{Error, Result};
use crate::graph::project::Rows;
use crate::run::Run;
use rayon::prelude::*;
use std::sync::atomic::{AtomicU32, Ordering};

/// Edges removed between two looks at whether the run was cancelled.
const EDGES_PER_CHECK: usize = 1 << 12;

/// How much longer a row is looked up instead of merged.
const LOOK_UP: usize = 8;

/// For each entry of the rows of an undirected graph the trussness of its edge: at least 2, the same in both directions.
///
/// The result does not depend on the number of threads.
///
/// # Errors
/// [`Error::Limit`] for more than 2^32 − 2 edges; [`Error::Cancelled`].
///
/// # Examples
/// ```
/// use ringfence::community::trussness;
/// use ringfence::graph::project::Rows;
/// let triangle_and_tail = Rows::undirected(4, &[(0, 1, 1), (1, 2, 1), (0, 2, 1), (2, 3, 1)]);
/// let found = trussness(&triangle_and_tail, &ringfence::Run::new())?;
/// assert_eq!(found, [3, 3, 3, 3, 3, 3, 2, 2]); // row 2 is 0, 1, 3; row 3 is 2
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn trussness(rows: &Rows, run: &Run) -> Result<Vec<u32>> {
    let num_edges = rows.num_entries() as u64 / 2;
    if num_edges > crate::ids::IDS_MAX {
        let (limit, remedy) = (crate::ids::IDS_MAX, "choose a shorter window");
        return Err(Error::Limit { what: "edges of a truss", found: num_edges, limit, remedy });
    }
    run.stage("truss", num_edges);
    run.install(|| {
        let oriented = Oriented::new(rows, run)?;
        let supports = supports(&oriented, rows.num_nodes(), run)?;
        let mut held = Held::new(&oriented, rows.num_nodes(), &supports);
        run.advance(num_edges - held.edges.len() as u64);
        let levels = held.peel(run)?;
        let mut trussness = vec![2; oriented.num_edges()];
        for (&level, edge) in levels.iter().zip(&held.edges) {
            trussness[edge.kept as usize] = level + 2;
        }
        Ok(per_entry(rows, &oriented, &trussness))
    })
}

/// For each kept edge the number of triangles that it is in.
fn supports(oriented: &Oriented, num_nodes: usize, run: &Run) -> Result<Vec<u32>> {
    let supports: Vec<AtomicU32> =
        (0..oriented.num_edges()).into_par_iter().map(|_| AtomicU32::new(0)).collect();
    let add = |edge: usize, triangles: u32| supports[edge].fetch_add(triangles, Ordering::Relaxed);
    tasks(num_nodes).into_par_iter().try_for_each_init(
        || vec![0_u32; num_nodes],
        |marks, ranks| {
            run.check()?;
            for rank in ranks {
                let kept = oriented.kept(rank);
                if kept.len() < 2 {
                    continue;
                }
                // For each that `rank` keeps 1 and the triangles found, as in the counting of triangles.
                kept.iter().for_each(|&other| marks[other as usize] = 1);
                for &other in kept {
                    let mut closed = 0;
                    for (far, &third) in oriented.range(other).zip(oriented.kept(other)) {
                        if marks[third as usize] != 0 {
                            marks[third as usize] += 1;
                            add(far, 1);
                            closed += 1;
                        }
                    }
                    marks[other as usize] += closed;
                }
                for (edge, &other) in oriented.range(rank).zip(kept) {
                    let closed = std::mem::take(&mut marks[other as usize]) - 1;
                    if closed > 0 {
                        add(edge, closed);
                    }
                }
            }
            Ok::<(), Error>(())
        },
    )?;
    Ok(supports.into_iter().map(AtomicU32::into_inner).collect())
}

/// An edge in at least one triangle.
struct Edge {
    ends: (u32, u32),
    /// Its number among the kept edges.
    kept: u32,
}

/// The edges in at least one triangle, and the rows that they make.
struct Held {
    edges: Vec<Edge>,
    supports: Vec<u32>,
    offsets: Vec<usize>,
    /// Neighbour and edge of each entry, rows ascending by neighbour.
    entries: Vec<(u32, u32)>,
    /// For each row how many of its entries count, and how many of these are of edges that went.
    lens: Vec<(u32, u32)>,
}

impl Held {
    fn new(oriented: &Oriented, num_nodes: usize, supports: &[u32]) -> Self {
        let mut edges = Vec::new();
        let mut offsets = vec![0_usize; num_nodes + 1];
        for node in 0..num_nodes as u32 {
            for (kept, &other) in oriented.range(node).zip(oriented.kept(node)) {
                if supports[kept] > 0 {
                    edges.push(Edge { ends: (node, other), kept: kept as u32 });
                    offsets[node as usize + 1] += 1;
                    offsets[other as usize + 1] += 1;
                }
            }
        }
        for node in 0..num_nodes {
            offsets[node + 1] += offsets[node];
        }
        let (mut next, mut entries) = (offsets.clone(), vec![(0, 0); edges.len() * 2]);
        for (number, &Edge { ends: (one, other), .. }) in edges.iter().enumerate() {
            for (from, to) in [(one, other), (other, one)] {
                entries[next[from as usize]] = (to, number as u32);
                next[from as usize] += 1;
            }
        }
        let mut rest = &mut entries[..];
        let mut rows = Vec::with_capacity(num_nodes);
        for node in 0..num_nodes {
            let (row, after) = std::mem::take(&mut rest).split_at_mut(offsets[node + 1] - offsets[node]);
            rows.push(row);
            rest = after;
        }
        rows.into_par_iter().for_each(|row| row.sort_unstable());
        let supports = edges.iter().map(|edge| supports[edge.kept as usize]).collect();
        let lens = offsets.windows(2).map(|ends| ((ends[1] - ends[0]) as u32, 0)).collect();
        Held { edges, supports, offsets, entries, lens }
    }

    fn row(&self, node: u32) -> &[(u32, u32)] {
        let begin = self.offsets[node as usize];
        &self.entries[begin..begin + self.lens[node as usize].0 as usize]
    }

    /// Counts an edge of `node` that went; drops such entries once they are a quarter of the row.
    fn drop_one(&mut self, node: u32, gone: &[bool]) {
        let begin = self.offsets[node as usize];
        let (len, dropped) = &mut self.lens[node as usize];
        *dropped += 1;
        if *dropped * 4 < *len {
            return;
        }
        let mut kept = begin;
        for place in begin..begin + *len as usize {
            let entry = self.entries[place];
            if !gone[entry.1 as usize] {
                self.entries[kept] = entry;
                kept += 1;
            }
        }
        (*len, *dropped) = ((kept - begin) as u32, 0);
    }

    /// For each edge the largest number of triangles that it is in within a set where every edge is in as many.
    fn peel(&mut self, run: &Run) -> Result<Vec<u32>> {
        let mut line = Line::new(&self.supports);
        let mut gone = vec![false; self.edges.len()];
        let mut triangles = Vec::new();
        for place in 0..self.edges.len() {
            if place % EDGES_PER_CHECK == 0 {
                run.check()?;
                run.advance(EDGES_PER_CHECK.min(self.edges.len() - place) as u64);
            }
            let edge = line.edges[place];
            let level = line.keys[edge as usize];
            gone[edge as usize] = true;
            triangles.clear();
            self.triangles(edge, &gone, &mut triangles);
            for &(one, other) in &triangles {
                line.lower(one, level);
                line.lower(other, level);
            }
            let (one, other) = self.edges[edge as usize].ends;
            self.drop_one(one, &gone);
            self.drop_one(other, &gone);
        }
        Ok(line.keys)
    }

    /// The two other edges of each triangle of `edge` that is still whole.
    fn triangles(&self, edge: u32, gone: &[bool], found: &mut Vec<(u32, u32)>) {
        let (one, other) = self.edges[edge as usize].ends;
        let (mut short, mut long) = (self.row(one), self.row(other));
        if short.len() > long.len() {
            std::mem::swap(&mut short, &mut long);
        }
        let mut meet = |one: u32, other: u32| {
            if !gone[one as usize] && !gone[other as usize] {
                found.push((one, other));
            }
        };
        if long.len() / LOOK_UP > short.len() {
            for &(node, near) in short.iter().filter(|entry| !gone[entry.1 as usize]) {
                if let Ok(at) = long.binary_search_by_key(&node, |entry| entry.0) {
                    meet(near, long[at].1);
                }
            }
            return;
        }
        let (mut a, mut b) = (0, 0);
        while a < short.len() && b < long.len() {
            let (left, right) = (short[a].0, long[b].0);
            if left == right {
                meet(short[a].1, long[b].1);
            }
            a += usize::from(left <= right);
            b += usize::from(right <= left);
        }
    }
}

/// Edges in line by key, where a key can be lowered by one: each key's edges stand together, and one steps out of
/// them by changing places with the first.
struct Line {
    edges: Vec<u32>,
    places: Vec<u32>,
    keys: Vec<u32>,
    /// Where each key begins.
    begins: Vec<u32>,
}

impl Line {
    fn new(keys: &[u32]) -> Self {
        let largest = keys.iter().copied().max().unwrap_or(0) as usize;
        let mut begins = vec![0_u32; largest + 2];
        for &key in keys {
            begins[key as usize + 1] += 1;
        }
        for key in 0..=largest {
            begins[key + 1] += begins[key];
        }
        let (mut next, mut edges, mut places) = (begins.clone(), vec![0; keys.len()], vec![0; keys.len()]);
        for (edge, &key) in keys.iter().enumerate() {
            let place = &mut next[key as usize];
            edges[*place as usize] = edge as u32;
            places[edge] = *place;
            *place += 1;
        }
        Line { edges, places, keys: keys.to_vec(), begins }
    }

    /// Lowers the key of an edge by one unless it is `least` or below, the key of who went last.
    fn lower(&mut self, edge: u32, least: u32) {
        let key = self.keys[edge as usize];
        if key <= least {
            return;
        }
        let first = &mut self.begins[key as usize];
        let (place, other) = (self.places[edge as usize], self.edges[*first as usize]);
        self.edges.swap(place as usize, *first as usize);
        (self.places[edge as usize], self.places[other as usize]) = (*first, place);
        *first += 1;
        self.keys[edge as usize] = key - 1;
    }
}

/// Values of kept edges, laid out as the entries of both directions.
fn per_entry(rows: &Rows, oriented: &Oriented, values: &[u32]) -> Vec<u32> {
    let parts: Vec<Vec<u32>> = tasks(rows.num_nodes())
        .into_par_iter()
        .map(|nodes| {
            let mut part = Vec::new();
            for node in nodes {
                let rank = oriented.ranks[node as usize];
                for &other in rows.neighbors(node) {
                    let other = oriented.ranks[other as usize];
                    let (high, low) = (rank.max(other), rank.min(other));
                    let at = oriented.kept(high).binary_search(&low).ok();
                    part.push(at.map_or(2, |at| values[oriented.range(high).start + at]));
                }
            }
            part
        })
        .collect();
    parts.concat()
}
