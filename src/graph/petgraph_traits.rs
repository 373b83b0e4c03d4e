//! petgraph's traits on [`Subgraph`]: its algorithms run on what was taken out.
//!
//! A subgraph is a directed multigraph: node weights are account ids, edge
//! weights are transactions. Undirected algorithms of petgraph take it through
//! their own adaptors.

use super::subgraph::Subgraph;
use crate::graph::Transaction;
use crate::ids::AccountId;
use fixedbitset::FixedBitSet;
use petgraph::Direction;
use petgraph::visit::{
    Data, EdgeCount, EdgeIndexable, EdgeRef, GraphBase, GraphProp, IntoEdgeReferences, IntoEdges,
    IntoEdgesDirected, IntoNeighbors, IntoNeighborsDirected, IntoNodeIdentifiers, IntoNodeReferences,
    NodeCompactIndexable, NodeCount, NodeIndexable, Visitable,
};

/// One transaction of a subgraph, as petgraph sees an edge.
#[derive(Clone, Copy, Debug)]
pub struct Edge<'s> {
    number: u32,
    source: u32,
    target: u32,
    transaction: &'s Transaction,
}

impl EdgeRef for Edge<'_> {
    type NodeId = u32;
    type EdgeId = u32;
    type Weight = Transaction;

    fn source(&self) -> u32 {
        self.source
    }

    fn target(&self) -> u32 {
        self.target
    }

    fn weight(&self) -> &Transaction {
        self.transaction
    }

    fn id(&self) -> u32 {
        self.number
    }
}

impl Subgraph {
    fn edge(&self, number: u32) -> Edge<'_> {
        let (source, target) = self.ends[number as usize];
        Edge { number, source, target, transaction: &self.transactions[number as usize] }
    }

    fn edges_of(&self, node: u32, direction: Direction) -> &[u32] {
        match direction {
            Direction::Outgoing => &self.out[node as usize],
            Direction::Incoming => &self.incoming[node as usize],
        }
    }
}

/// The edges of one node. In the incoming direction, too, an edge keeps its source and target.
#[derive(Clone, Debug)]
pub struct Edges<'s> {
    subgraph: &'s Subgraph,
    numbers: std::slice::Iter<'s, u32>,
}

impl<'s> Iterator for Edges<'s> {
    type Item = Edge<'s>;

    fn next(&mut self) -> Option<Edge<'s>> {
        self.numbers.next().map(|&number| self.subgraph.edge(number))
    }
}

/// The neighbours of one node, once for each transaction.
#[derive(Clone, Debug)]
pub struct Neighbors<'s> {
    edges: Edges<'s>,
    direction: Direction,
}

impl Iterator for Neighbors<'_> {
    type Item = u32;

    fn next(&mut self) -> Option<u32> {
        let edge = self.edges.next()?;
        Some(match self.direction {
            Direction::Outgoing => edge.target,
            Direction::Incoming => edge.source,
        })
    }
}

/// All edges, in the total order.
#[derive(Clone, Debug)]
pub struct AllEdges<'s> {
    subgraph: &'s Subgraph,
    numbers: std::ops::Range<u32>,
}

impl<'s> Iterator for AllEdges<'s> {
    type Item = Edge<'s>;

    fn next(&mut self) -> Option<Edge<'s>> {
        self.numbers.next().map(|number| self.subgraph.edge(number))
    }
}

impl GraphBase for Subgraph {
    type NodeId = u32;
    type EdgeId = u32;
}

impl Data for Subgraph {
    type NodeWeight = AccountId;
    type EdgeWeight = Transaction;
}

impl GraphProp for Subgraph {
    type EdgeType = petgraph::Directed;
}

impl NodeCount for Subgraph {
    fn node_count(&self) -> usize {
        self.num_nodes()
    }
}

impl EdgeCount for Subgraph {
    fn edge_count(&self) -> usize {
        self.num_edges()
    }
}

impl NodeIndexable for Subgraph {
    fn node_bound(&self) -> usize {
        self.num_nodes()
    }

    fn to_index(&self, node: u32) -> usize {
        node as usize
    }

    fn from_index(&self, index: usize) -> u32 {
        index as u32
    }
}

impl NodeCompactIndexable for Subgraph {}

impl EdgeIndexable for Subgraph {
    fn edge_bound(&self) -> usize {
        self.num_edges()
    }

    fn to_index(&self, edge: u32) -> usize {
        edge as usize
    }

    fn from_index(&self, index: usize) -> u32 {
        index as u32
    }
}

impl Visitable for Subgraph {
    type Map = FixedBitSet;

    fn visit_map(&self) -> FixedBitSet {
        FixedBitSet::with_capacity(self.num_nodes())
    }

    fn reset_map(&self, map: &mut FixedBitSet) {
        map.clear();
        map.grow(self.num_nodes());
    }
}

impl IntoNodeIdentifiers for &Subgraph {
    type NodeIdentifiers = std::ops::Range<u32>;

    fn node_identifiers(self) -> Self::NodeIdentifiers {
        0..self.num_nodes() as u32
    }
}

impl<'s> IntoNodeReferences for &'s Subgraph {
    type NodeRef = (u32, &'s AccountId);
    type NodeReferences = std::iter::Zip<std::ops::Range<u32>, std::slice::Iter<'s, AccountId>>;

    fn node_references(self) -> Self::NodeReferences {
        (0..self.num_nodes() as u32).zip(&self.accounts)
    }
}

impl<'s> IntoEdgeReferences for &'s Subgraph {
    type EdgeRef = Edge<'s>;
    type EdgeReferences = AllEdges<'s>;

    fn edge_references(self) -> AllEdges<'s> {
        AllEdges { subgraph: self, numbers: 0..self.num_edges() as u32 }
    }
}

impl<'s> IntoNeighbors for &'s Subgraph {
    type Neighbors = Neighbors<'s>;

    fn neighbors(self, node: u32) -> Neighbors<'s> {
        self.neighbors_directed(node, Direction::Outgoing)
    }
}

impl<'s> IntoNeighborsDirected for &'s Subgraph {
    type NeighborsDirected = Neighbors<'s>;

    fn neighbors_directed(self, node: u32, direction: Direction) -> Neighbors<'s> {
        Neighbors { edges: self.edges_directed(node, direction), direction }
    }
}

impl<'s> IntoEdges for &'s Subgraph {
    type Edges = Edges<'s>;

    fn edges(self, node: u32) -> Edges<'s> {
        self.edges_directed(node, Direction::Outgoing)
    }
}

impl<'s> IntoEdgesDirected for &'s Subgraph {
    type EdgesDirected = Edges<'s>;

    fn edges_directed(self, node: u32, direction: Direction) -> Edges<'s> {
        Edges { subgraph: self, numbers: self.edges_of(node, direction).iter() }
    }
}
