//! Projections, communities and structure of a whole graph; each result is checked, none has a baseline of ours:
//! `benches/peers.py` times the peers on the same file.

use crate::harness::{Harness, Stage};
use ringfence::Run;
use ringfence::community::centrality::{PageRankOptions, pagerank};
use ringfence::community::{
    LeidenOptions, PropagationOptions, cores, label_propagation, leiden, louvain, modularity,
    strong_components, triangles,
};
use ringfence::graph::Graph;
use ringfence::graph::project::{ProjectOptions, Rows, project, project_directed};

/// Least modularity of a partition that deserves the name.
const MODULARITY_MIN: f64 = 0.1;

pub fn stages(harness: &Harness, graph: &Graph) {
    let options = ProjectOptions::default();
    let transfers = graph.num_transactions();
    if harness.wants("project") {
        let stage = Stage { name: "project", count: transfers, unit: "transactions" };
        let make = |run: &Run| project(&graph.view(), &options, run).expect("a projection");
        harness.time(&stage, || (), |(), run| make(run), |found| assert!(found.num_pairs() > 0));
    }
    let names = ["leiden", "louvain", "labels", "cores", "triangles", "strong_components", "pagerank_20"];
    if !names.iter().any(|name| harness.wants(name)) {
        return;
    }
    let rows = project(&graph.view(), &options, &Run::new()).expect("a projection").rows;
    let undirected = Undirected { harness, rows: &rows };
    let (seeded, labels) = (LeidenOptions::default(), PropagationOptions::default());
    undirected.communities("leiden", |rows, run| leiden(rows, &seeded, run).expect("communities").partition);
    undirected.communities("louvain", |rows, run| {
        louvain(rows, &seeded, false, run).expect("communities").partition
    });
    undirected.communities("labels", |rows, run| label_propagation(rows, &labels, run).expect("communities"));
    undirected.time("cores", |rows, run| cores(rows, run).expect("cores").degeneracy());
    undirected.time("triangles", |rows, run| triangles(rows, run).expect("triangles").total);
    if harness.wants("strong_components") || harness.wants("pagerank_20") {
        let directed = project_directed(&graph.view(), &options, &Run::new()).expect("a projection");
        let (out, incoming) = (&directed.out, &directed.incoming);
        let count = out.num_entries() as u64;
        if harness.wants("strong_components") {
            let stage = Stage { name: "strong_components", count, unit: "pairs" };
            let find = |run: &Run| strong_components(out, incoming, run).expect("components").num_components;
            harness.time(&stage, || (), |(), run| find(run), |found| assert!(*found > 0));
        }
        if harness.wants("pagerank_20") {
            let stage = Stage { name: "pagerank_20", count: 20 * count, unit: "pairs" };
            let options =
                PageRankOptions { tolerance: 0.0, iterations_max: 20, ..PageRankOptions::default() };
            let rank = |run: &Run| pagerank(out, incoming, &options, run).expect("scores").scores;
            let sums_to_one = |scores: &Vec<f64>| (scores.iter().sum::<f64>() - 1.0).abs() < 1e-6;
            harness.time(&stage, || (), |(), run| rank(run), |scores| assert!(sums_to_one(scores)));
        }
    }
}

struct Undirected<'a> {
    harness: &'a Harness,
    rows: &'a Rows,
}

impl Undirected<'_> {
    fn time<T: Send>(&self, name: &str, work: impl Fn(&Rows, &Run) -> T + Sync) {
        if self.harness.wants(name) {
            let stage = Stage { name, count: self.rows.num_entries() as u64 / 2, unit: "pairs" };
            self.harness.time(&stage, || (), |(), run| work(self.rows, run), |_| ());
        }
    }

    fn communities(&self, name: &str, find: impl Fn(&Rows, &Run) -> ringfence::community::Partition + Sync) {
        if self.harness.wants(name) {
            let stage = Stage { name, count: self.rows.num_entries() as u64 / 2, unit: "pairs" };
            let good = |found: &_| modularity(self.rows, found, 1.0).expect("a partition") > MODULARITY_MIN;
            self.harness.time(&stage, || (), |(), run| find(self.rows, run), |found| assert!(good(found)));
        }
    }
}
