//! The climb: move, refine, aggregate, and again on the graph of parts, until every community is one node.
//!
//! # Method
//! On each level nodes move between communities, each community is refined, and its parts become the nodes of the level
//! above, where they start out together. At the top each community is one node; a node is built of parts that hold
//! together, so that communities are connected. Then the same is tried again from a level that is small already, with
//! other orders, as long as that gains: most of what a whole second run would gain, at a tenth of its cost. A whole
//! second run, from the nodes themselves, is made where communities are not clear, or where `iterations` asks for it; a
//! small graph, which costs little, is climbed three times where it is refined. On a large graph whose communities are not clear
//! the first climb makes whole communities nodes, which is quicker: the second starts from what it found, and refines.
//!
//! Levels above the graph are far smaller than it, and most of what can still be gained is gained there: they are swept
//! until a sweep gains next to nothing, the graph itself only until a sweep gains little. On a large level that gains next
//! to nothing communities that are connected become nodes as they are; one on which each community is a node already, and
//! which hardly gains by joining any, is the top. A climb that another one follows ends on the first such level, with the
//! communities that it began with there.
//!
//! The objective is computed exactly on every level, and compared: it never falls. If the rounds of local moving ever
//! lost by moving neighbours together, that level is moved again node by node.

use super::aggregate::aggregate;
use super::connect::connected_parts;
use super::groups::Groups;
use super::level::Level;
use super::moving::{Effort, Moving, is_small, move_exactly, move_nodes};
use super::objective::{Terms, Volume, Whole};
use super::refine::{Above, refine};
use crate::error::Result;
use crate::run::Run;
use rayon::prelude::*;

/// A level may be tried again if it has at most one entry for so many of the graph.
const AGAIN_SHARE: usize = 4;
/// Any level of at most so many entries may.
const AGAIN_ENTRIES: usize = 1 << 14;
/// Communities are clear if moving the nodes of the graph once reaches this part of the greatest possible objective.
const CLEAR_SHARE: (i128, i128) = (4, 5);
/// Most tries from a small level: parts of communities gain longer than whole ones.
const AGAIN_MAX: u32 = 3;
const AGAIN_WHOLE_MAX: u32 = 1;
/// A graph of at most so many entries is climbed three times where parts are refined.
const SMALL_ENTRIES: usize = 1 << 22;
/// A sweep that gains less than the greatest possible objective / 2^TOLERANCE is the last of its level.
const TOLERANCE: u32 = 10;
/// The same for levels above the graph, which cost less.
const TOLERANCE_ABOVE: u32 = 14;
/// The same where Leiden climbs again, for the graph and for the levels above: few nodes are looked at any more.
const TOLERANCE_LATER: (u32, u32) = (20, 18);
/// A large level above the graph that gains less than that part is not refined any more; if it started with a node for
/// each community, it is the top.
const TOP_TOLERANCE: u32 = 20;

/// How the graph is climbed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Climb {
    pub seed: u64,
    /// Climbs from the nodes; at least two where communities are not clear.
    pub iterations: u32,
    /// Refine (Leiden), or make whole communities nodes (Louvain).
    pub refined: bool,
}

/// The top of a climb.
pub(crate) struct Summit {
    /// For each node of each level below, the node above; the last are the communities.
    pub owners: Vec<Vec<u32>>,
    /// The exact objective with every node of a level as a community, from the second level on.
    pub objectives: Vec<i128>,
    num_communities: usize,
}

impl Summit {
    /// Number of nodes of the highest level above the graph; 0 if there is none.
    pub(crate) fn num_communities(&self) -> usize {
        self.num_communities
    }

    /// For each node of the graph its node on level `level`, where level 1 is the first above the graph.
    pub(crate) fn labels(&self, level: usize, num_nodes: usize) -> Vec<u32> {
        match level.checked_sub(1) {
            None => (0..num_nodes as u32).collect(),
            Some(top) => {
                let up = |node: &u32| {
                    self.owners[1..=top].iter().fold(*node, |node, owners| owners[node as usize])
                };
                self.owners[0].par_iter().with_min_len(1 << 14).map(up).collect()
            }
        }
    }
}

/// Climbs from the partition `start`, labels below the number of nodes.
pub(crate) fn climb<W: Whole, V: Volume>(
    bottom: &Level<W, V>,
    terms: &Terms,
    start: Moving<V>,
    how: Climb,
    run: &Run,
) -> Result<Summit> {
    let mut tower =
        Tower { bottom, terms, how, levels: Vec::new(), open: None, step: 0, climb: 0, clear: true };
    let objective = match start.is_alone() {
        true => bottom.objective_of(bottom.inside.iter().sum(), &start.totals, terms),
        false => bottom.objective(&start.labels, &start.totals, terms),
    };
    let mut objective = tower.rise(false, start, objective, run)?;
    // Where communities are clear, one climb finds nearly all that several find.
    let least = match (tower.is_small(), tower.clear) {
        (true, _) => 3,
        (false, true) => 1,
        (false, false) => 2,
    };
    let iterations = how.iterations.max(least);
    let again_max = if how.refined { AGAIN_MAX } else { AGAIN_WHOLE_MAX };
    for iteration in 1..=iterations {
        let again_max = if tower.is_rough() { 0 } else { again_max };
        for again in 1..=again_max {
            let Some(depth) = tower.first_small() else { break };
            let start = tower.descend(depth);
            let before = objective;
            let last = again == again_max && iteration == iterations;
            objective = tower.rise(last, start, objective, run)?;
            if objective - before <= terms.most >> (2 * TOLERANCE) {
                break;
            }
        }
        if iteration < iterations {
            let start = tower.descend(0);
            tower.climb += 1;
            let now = tower.rise(false, start, objective, run)?;
            if now == objective {
                break;
            }
            objective = now;
        }
    }
    if tower.open.is_some() {
        let start = tower.descend(tower.levels.len());
        tower.rise(true, start, objective, run)?;
    }
    let alone = |above: &Above<W, V>| {
        let inside = above.level.inside.iter().sum();
        above.level.objective_of(inside, &above.level.volumes, terms)
    };
    let objectives = tower.levels.iter().map(alone).collect();
    let num_communities = tower.levels.last().map_or(0, |above| above.level.num_nodes());
    let owners = tower.levels.into_iter().map(|above| above.owners).collect();
    Ok(Summit { owners, objectives, num_communities })
}

/// The levels of a climb that is under way.
struct Tower<'a, W: Whole, V: Volume> {
    bottom: &'a Level<'a, W, V>,
    terms: &'a Terms,
    how: Climb,
    levels: Vec<Above<W, V>>,
    /// The communities of the highest level, where the climb ended before each was one node.
    open: Option<Vec<u32>>,
    /// Levels moved so far, to draw from a new sequence on each.
    step: u64,
    /// Climbs from the graph itself that came before this one.
    climb: u32,
    /// Whether communities are clear; known once the nodes of the graph were moved for the first time.
    clear: bool,
}

impl<W: Whole, V: Volume> Tower<'_, W, V> {
    /// Climbs from the highest level until every community is one node, or hardly anything is gained and this is not the
    /// `last` climb; returns the objective, never below `objective`.
    fn rise(&mut self, last: bool, mut state: Moving<V>, mut objective: i128, run: &Run) -> Result<i128> {
        let terms = self.terms;
        loop {
            let level = self.levels.last().map_or(self.bottom, |above| &above.level);
            run.stage("communities", 0);
            let seed = crate::random::mix(self.how.seed ^ crate::random::mix(self.step));
            self.step += 1;
            let finely = self.how.refined && self.climb > 0;
            let (below, above) = if finely { TOLERANCE_LATER } else { (TOLERANCE, TOLERANCE_ABOVE) };
            let tolerance = if self.levels.is_empty() { below } else { above };
            let effort = Effort { seed, tolerance };
            let before = state.clone();
            let gained = move_nodes(level, terms, &mut state, effort, run)?;
            if self.step == 1 {
                // A gain counts a pair once, the objective from both ends.
                self.clear = objective + 2 * gained >= terms.most / CLEAR_SHARE.1 * CLEAR_SHARE.0;
            }
            let mut groups = Groups::by_label(&state.labels);
            // A large level whose communities hardly gain by being joined is the top as it was.
            let hardly = gained <= terms.most >> TOP_TOLERANCE && !is_small(level);
            if groups.len() == level.num_nodes() || hardly && before.is_alone() {
                return Ok(objective);
            }
            // Another climb begins below: what is above this level would only be taken down again.
            if hardly && !last && self.first_small().is_some_and(|depth| depth < self.levels.len()) {
                self.open = Some(before.labels);
                return Ok(objective);
            }
            // Where little is gained above the graph, communities that are connected become nodes as they are.
            let whole = !self.how.refined
                || self.is_rough()
                || !self.levels.is_empty() && hardly && connected_parts(level, &state.labels, run)?.1 == 0;
            let build = |groups: &Groups, whole: bool| match whole {
                true => aggregate(level, groups, run),
                false => refine(level, terms, groups, seed, run),
            };
            let mut above = build(&groups, whole)?;
            let mut now = level.objective_of(above.inside, &state.totals, terms);
            if now < objective {
                state = before;
                move_exactly(level, terms, &mut state, effort, run)?;
                groups = Groups::by_label(&state.labels);
                if groups.len() == level.num_nodes() {
                    return Ok(objective);
                }
                above = build(&groups, !self.how.refined || self.is_rough())?;
                now = level.objective_of(above.inside, &state.totals, terms);
            }
            if above.level.num_nodes() == level.num_nodes() {
                // Nothing holds together well enough: the connected parts of the communities become nodes.
                let (labels, _) = connected_parts(level, &state.labels, run)?;
                let split = Groups::by_label(&labels);
                if split.len() == level.num_nodes() {
                    return Ok(level.objective(&labels, &level.volumes, terms));
                }
                above = aggregate(level, &split, run)?;
                let owner = |&first: &u32| state.labels[first as usize];
                let firsts: Vec<u32> = (0..split.len()).map(|part| split.members(part)[0]).collect();
                above.communities = Groups::renumber(firsts.iter().map(owner));
            }
            objective = now;
            state = Moving::new(std::mem::take(&mut above.communities), &above.level.volumes);
            self.levels.push(above);
        }
    }

    /// Whether the graph is so small that it is climbed several times anyway.
    fn is_small(&self) -> bool {
        self.how.refined && self.bottom.neighbors.len() <= SMALL_ENTRIES
    }

    /// Whether this climb only finds where the next, which refines, starts.
    fn is_rough(&self) -> bool {
        self.how.refined && self.climb == 0 && !self.clear && !self.is_small()
    }

    /// The lowest level that may be tried again.
    fn first_small(&self) -> Option<usize> {
        let entries = self.bottom.neighbors.len();
        let small = AGAIN_ENTRIES.max(entries / AGAIN_SHARE);
        let above = self.levels.iter().map(|above| above.level.neighbors.len());
        std::iter::once(entries).chain(above).position(|entries| entries <= small)
    }

    /// Goes down to a level (0 is the graph), with the communities that were found above.
    fn descend(&mut self, depth: usize) -> Moving<V> {
        let top = self.levels.last().map_or(self.bottom, |above| &above.level);
        let mut labels = self.open.take().unwrap_or_else(|| (0..top.num_nodes() as u32).collect());
        for above in self.levels.drain(depth..).rev() {
            labels = above.owners.iter().map(|&owner| labels[owner as usize]).collect();
        }
        let level = self.levels.last().map_or(self.bottom, |above| &above.level);
        Moving::new(labels, &level.volumes)
    }
}
