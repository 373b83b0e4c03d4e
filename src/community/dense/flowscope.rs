//! FlowScope: groups through which money passes in several steps, from sources over middle accounts to sinks.
//!
//! Layer 0 pays layer 1, that pays layer 2, and so on; the first layer are sources, the last sinks, those between
//! pass money on. Of a middle account, f is what comes in from the group or goes out to it, whichever is less, and q
//! whichever is more. The density of a group is the sum over its middle accounts of f − α (q − f), over its size:
//! money that comes in must go out again, and what stays or was there before counts α times against it.
//!
//! # Method
//! The account of least priority goes: (1 + α) f − α q of a middle account, 1 + α times what it sends or gets of a source
//! or sink. This ends when a layer is empty; the best group on the way is kept, of equal ones the smallest. For
//! several groups, the accounts found are taken away and what is left is peeled again.
//!
//! # An extension: time
//! FlowScope knows no order within its window: money that left before it came also counts as passed through.
//! [`flowscope_timed`] therefore takes for f what is matched first in, first out: each outflow is paid from inflows
//! of an earlier time, at most `dwell_max` before it, the oldest first. No other matching matches more. This f is
//! never above that of FlowScope, and everything else stays as it is.
//!
//! # Cost
//! FlowScope: time O(m log n), memory 24 bytes per pair and 48 per account. With time, each removal matches each
//! neighbour's transfers anew: O(Σ p·t) for p partners and t transfers of an account, and 48 bytes per transfer.
//! Sequential.
//!
//! # Choices
//! α is that of the published program, in thousandths: f − α (q − f), 4 by default; CubeFlow's α is another. The
//! whole graph is a candidate too; a group needs an account of each layer, and a density above 0. Accounts without
//! transfers are left out. Ties go to the earlier layer, then by number.
//!
//! # Source
//! Li, Liu, Li, Sun, Chen, Hooi, He, Cheng: FlowScope: spotting money laundering based on graphs, AAAI 2020.

use super::density::Density;
use super::flow::{Matched, Network, Peel};
use crate::error::{Error, Result};
use crate::graph::project::{Rows, Weights, rows::narrowest};
use crate::run::Run;

/// Options of [`flowscope`] and [`flowscope_timed`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowScopeOptions {
    /// How much what is not passed on counts against an account, in thousandths; at most 1,000,000.
    pub alpha_permille: u32,
    /// Most groups to find; at least 1.
    pub blocks_max: u32,
}

impl Default for FlowScopeOptions {
    fn default() -> Self {
        Self { alpha_permille: 4_000, blocks_max: 1 }
    }
}

/// A group that passes money on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlowBlock {
    /// For each layer its members, ascending.
    pub layers: Vec<Vec<u32>>,
    /// What money does at each of them, within the group.
    pub flows: Vec<Vec<MemberFlow>>,
    /// What passes less α times what does not, in thousandths of the amounts' unit, over the number of members.
    pub density: Density,
}

/// What money does at a member of a group, in the amounts' unit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct MemberFlow {
    /// From the layer before.
    pub inflow: u64,
    /// To the next layer.
    pub outflow: u64,
    /// How much of the two is the same money; 0 at sources and sinks.
    pub passed: u64,
}

impl FlowBlock {
    /// What middle accounts got from the group and paid on to it.
    pub fn passed(&self) -> i128 {
        self.middle().map(|flow| i128::from(flow.passed)).sum()
    }

    /// What they got or paid, whichever is more, beyond that.
    pub fn stuck(&self) -> i128 {
        self.middle().map(|flow| i128::from(flow.inflow.max(flow.outflow) - flow.passed)).sum()
    }

    fn middle(&self) -> impl Iterator<Item = &MemberFlow> {
        self.flows[1..self.flows.len() - 1].iter().flatten()
    }

    /// The density in the amounts' unit.
    pub fn score(&self) -> f64 {
        self.density.value() / 1_000.0
    }
}

/// Transfers from the accounts of one layer to those of the next; one value of each array per transfer, in any order.
#[derive(Clone, Copy, Debug)]
pub struct Transfers<'a> {
    /// Numbers in the paying layer.
    pub sources: &'a [u32],
    /// Numbers in the paid layer.
    pub destinations: &'a [u32],
    /// Times, in any unit.
    pub times: &'a [i64],
    /// Amounts, at least 1.
    pub amounts: &'a [i64],
}

/// The groups through which most money passes, best first found; fewer if none of density above 0 is left.
///
/// `stages[i]` holds the rows of the accounts of layer i, with what they pay to those of layer i + 1; at least two
/// stages. `num_last` is the number of accounts of the last layer. Each layer is numbered apart; an account may be
/// in several.
///
/// # Errors
/// [`Error::Option`] if an option is outside its range; [`Error::Input`] for fewer than two stages, or a number beyond
/// its layer; [`Error::Cancelled`].
///
/// # Examples
/// ```
/// use ringfence::community::{FlowScopeOptions, flowscope};
/// use ringfence::graph::project::Rows;
/// // Source 0 sends 100 over middle 0 to sink 0; middle 1 keeps what it gets.
/// let first = Rows::bipartite(2, &[(0, 0, 100), (1, 1, 100)]);
/// let second = Rows::bipartite(2, &[(0, 0, 98), (1, 0, 1)]);
/// let found = flowscope(&[first, second], 1, &FlowScopeOptions::default(), &ringfence::Run::new())?;
/// assert_eq!((&found[0].layers, found[0].score()), (&vec![vec![0], vec![0], vec![0]], (98.0 - 4.0 * 2.0) / 3.0));
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn flowscope(
    stages: &[Rows],
    num_last: usize,
    options: &FlowScopeOptions,
    run: &Run,
) -> Result<Vec<FlowBlock>> {
    let mut layers: Vec<usize> = stages.iter().map(Rows::num_nodes).collect();
    layers.push(num_last);
    check(&layers, options)?;
    blocks(&network(&layers, stages)?, &Amounts, options, run)
}

/// As [`flowscope`], where only money that came earlier, by at most `dwell_max`, counts as passed on.
///
/// `layers` are the numbers of accounts of each layer, one more than `stages`; `dwell_max` is in the unit of the times.
///
/// # Errors
/// As [`flowscope`]; also [`Error::Option`] for a `dwell_max` below 1, and [`Error::Input`] for arrays of different
/// lengths, an amount below 1, or amounts that add up to 2^62 or more.
pub fn flowscope_timed(
    layers: &[usize],
    stages: &[Transfers],
    dwell_max: i64,
    options: &FlowScopeOptions,
    run: &Run,
) -> Result<Vec<FlowBlock>> {
    check(layers, options)?;
    if dwell_max < 1 {
        return Err(Error::Option { name: "dwell_max", value: dwell_max.to_string(), allowed: "at least 1" });
    }
    if layers.len() != stages.len() + 1 {
        let problem = format!(
            "{} layers have {} stages between them, not {}",
            layers.len(),
            layers.len() - 1,
            stages.len()
        );
        return Err(Error::input("flowscope", problem));
    }
    stages
        .iter()
        .zip(layers)
        .enumerate()
        .try_for_each(|(stage, (transfers, _))| transfers.check(stage, layers))?;
    let total: i128 =
        stages.iter().flat_map(|transfers| transfers.amounts).map(|&amount| i128::from(amount)).sum();
    if total >= 1 << 62 {
        return Err(Error::input(
            "flowscope",
            format!("the amounts add up to {total}; must stay below 2^62"),
        ));
    }
    let pairs = |transfers: &Transfers| -> Vec<(u32, u32, u64)> {
        let ends = transfers.sources.iter().zip(transfers.destinations);
        ends.zip(transfers.amounts).map(|((&from, &to), &amount)| (from, to, amount as u64)).collect()
    };
    let rows: Vec<Rows> =
        stages.iter().zip(layers).map(|(stage, &nodes)| Rows::bipartite(nodes, &pairs(stage))).collect();
    let network = network(layers, &rows)?;
    let timed = Timed::new(&network, stages, dwell_max);
    blocks(&network, &timed, options, run)
}

impl Transfers<'_> {
    /// Refuses arrays of different lengths, numbers beyond their layers, and amounts below 1.
    fn check(&self, stage: usize, layers: &[usize]) -> Result<()> {
        let place = || format!("transfers of stage {stage}");
        let len = self.sources.len();
        if [self.destinations.len(), self.times.len(), self.amounts.len()] != [len; 3] {
            return Err(Error::input(place(), "sources, destinations, times and amounts differ in length"));
        }
        for (ends, layer) in [(self.sources, stage), (self.destinations, stage + 1)] {
            if let Some(&node) = ends.iter().find(|&&node| node as usize >= layers[layer]) {
                return Err(Error::input(
                    place(),
                    format!("account {node} in layer {layer} of {}", layers[layer]),
                ));
            }
        }
        match self.amounts.iter().position(|&amount| amount < 1) {
            Some(row) => Err(Error::input(
                place(),
                format!("amount {} in row {row}; must be at least 1", self.amounts[row]),
            )),
            None => Ok(()),
        }
    }
}

fn check(layers: &[usize], options: &FlowScopeOptions) -> Result<()> {
    let refuse = |name, value: u32, allowed| Err(Error::Option { name, value: value.to_string(), allowed });
    if options.alpha_permille > 1_000_000 {
        return refuse("alpha_permille", options.alpha_permille, "at most 1000000");
    }
    if options.blocks_max == 0 {
        return refuse("blocks_max", 0, "at least 1");
    }
    if layers.len() < 3 {
        return Err(Error::input(
            "flowscope",
            "money passes through at least three layers: sources, middle, sinks",
        ));
    }
    match layers.iter().sum::<usize>() as u64 > crate::ids::IDS_MAX {
        true => Err(Error::input("flowscope", "all layers together have 2^32 - 1 accounts or more")),
        false => Ok(()),
    }
}

/// Puts the layers one after another.
fn network(layers: &[usize], stages: &[Rows]) -> Result<Network> {
    let mut begins = vec![0_u32];
    begins.extend(layers.iter().scan(0_u32, |end, &len| {
        *end += len as u32;
        Some(*end)
    }));
    let num_nodes = layers.iter().sum::<usize>();
    let (mut offsets, mut neighbors, mut weights) = (vec![0], Vec::new(), Vec::new());
    for (stage, rows) in stages.iter().enumerate() {
        if let Some(node) = rows.all_neighbors().iter().find(|&&node| node as usize >= layers[stage + 1]) {
            let problem = format!("account {node} in layer {} of {}", stage + 1, layers[stage + 1]);
            return Err(Error::input(format!("stage {stage}"), problem));
        }
        let base = neighbors.len();
        offsets.extend(rows.offsets()[1..].iter().map(|end| base + end));
        neighbors.extend(rows.all_neighbors().iter().map(|node| begins[stage + 1] + node));
        match rows.weights() {
            Weights::Narrow(stage) => weights.extend(stage.iter().map(|&weight| u64::from(weight))),
            Weights::Wide(stage) => weights.extend(stage),
        }
    }
    let total: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    if total >= 1 << 62 {
        return Err(Error::input(
            "flowscope",
            format!("the amounts add up to {total}; must stay below 2^62"),
        ));
    }
    offsets.resize(num_nodes + 1, neighbors.len());
    let out = Rows::new(offsets, neighbors, narrowest(weights));
    Ok(Network { begins, incoming: out.transposed(num_nodes), out })
}

fn blocks(
    network: &Network,
    measure: &impl Matched,
    options: &FlowScopeOptions,
    run: &Run,
) -> Result<Vec<FlowBlock>> {
    let mut allowed = vec![true; network.out.num_nodes()];
    let mut blocks = Vec::new();
    while blocks.len() < options.blocks_max as usize {
        run.stage("flowscope", allowed.len() as u64);
        let found = Peel::new(network, measure, options.alpha_permille, &allowed).best(run)?;
        let Some((members, density)) = found.filter(|found| found.1 > Density::NONE) else { break };
        let whole = Peel::new(network, measure, options.alpha_permille, &members);
        let (mut layers, mut flows) = (Vec::new(), Vec::new());
        for ends in network.begins.windows(2) {
            let nodes = (ends[0]..ends[1]).filter(|&node| members[node as usize]);
            flows.push(nodes.clone().map(|node| whole.flow(node)).collect());
            layers.push(nodes.map(|node| node - ends[0]).collect());
        }
        blocks.push(FlowBlock { layers, flows, density });
        allowed.iter_mut().zip(&members).for_each(|(allowed, &member)| *allowed &= !member);
    }
    Ok(blocks)
}

/// All that comes in and goes out, whenever.
struct Amounts;

impl Matched for Amounts {
    fn matched(&self, _: u32, inflow: u64, outflow: u64, _: &[bool]) -> u64 {
        inflow.min(outflow)
    }
}

/// One side of a transfer: its time, its amount, who is on the other side.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Event {
    time: i64,
    other: u32,
    amount: u64,
}

/// The events of each node, by time, then by the other side.
struct Events {
    offsets: Vec<usize>,
    events: Vec<Event>,
}

/// What is matched first in, first out.
struct Timed {
    ins: Events,
    outs: Events,
    dwell_max: i64,
}

impl Timed {
    fn new(network: &Network, stages: &[Transfers], dwell_max: i64) -> Self {
        let all = stages.iter().zip(network.begins.windows(2)).flat_map(|(stage, begins)| {
            (0..stage.sources.len()).map(move |row| {
                let (from, to) = (begins[0] + stage.sources[row], begins[1] + stage.destinations[row]);
                (from, to, stage.times[row], stage.amounts[row] as u64)
            })
        });
        let num_nodes = network.out.num_nodes();
        let outs = all.clone().map(|(from, to, time, amount)| (from, Event { time, other: to, amount }));
        let ins = all.map(|(from, to, time, amount)| (to, Event { time, other: from, amount }));
        Timed {
            ins: Events::new(num_nodes, ins.collect()),
            outs: Events::new(num_nodes, outs.collect()),
            dwell_max,
        }
    }
}

impl Events {
    fn new(num_nodes: usize, mut events: Vec<(u32, Event)>) -> Self {
        events.sort_unstable();
        let mut offsets = vec![0; num_nodes + 1];
        events.iter().for_each(|event| offsets[event.0 as usize + 1] += 1);
        for node in 0..num_nodes {
            offsets[node + 1] += offsets[node];
        }
        Events { offsets, events: events.into_iter().map(|event| event.1).collect() }
    }

    fn of<'a>(&'a self, node: u32, left: &'a [bool]) -> impl Iterator<Item = Event> + 'a {
        let events = &self.events[self.offsets[node as usize]..self.offsets[node as usize + 1]];
        events.iter().copied().filter(|event| left[event.other as usize])
    }
}

impl Matched for Timed {
    fn matched(&self, node: u32, inflow: u64, outflow: u64, left: &[bool]) -> u64 {
        if inflow == 0 || outflow == 0 {
            return 0;
        }
        let mut ins = self.ins.of(node, left).peekable();
        let mut rest = ins.peek().map_or(0, |lot| lot.amount); // of the lot that is next
        let mut matched = 0;
        for out in self.outs.of(node, left) {
            let mut due = out.amount;
            while let Some(&lot) = ins.peek().filter(|lot| due > 0 && lot.time < out.time) {
                let fresh = out.time.saturating_sub(lot.time) <= self.dwell_max;
                let paid = if fresh { due.min(rest) } else { rest };
                if fresh {
                    matched += paid;
                    due -= paid;
                }
                rest -= paid;
                if rest == 0 {
                    ins.next();
                    rest = ins.peek().map_or(0, |lot| lot.amount);
                }
            }
        }
        matched
    }
}
