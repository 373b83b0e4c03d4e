//! `ringfence centrality`: which accounts matter.

use super::Answer;
use super::args::GraphArgs;
use super::output::OutputArgs;
use super::projection::ProjectionArgs;
use clap::ValueEnum;
use ringfence::community::centrality::{BetweennessOptions, HitsOptions, PageRankOptions};
use ringfence::report::centrality::{Centrality, centrality_report};
use ringfence::report::text::to_text;
use ringfence::{Result, Run};

/// Say of every account how central it is. Scores are an order for looking, not money.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// What makes an account central.
    #[arg(long, value_enum)]
    method: Method,
    /// pagerank: probability that the walk goes on.
    #[arg(long, value_name = "P", default_value_t = PageRankOptions::default().damping)]
    damping: f64,
    /// pagerank and hits: do not let weights count.
    #[arg(long)]
    unweighted: bool,
    /// betweenness: number of accounts to search from, chosen by --seed; all of them, which is exact, with 0.
    #[arg(long, value_name = "N", default_value_t = BetweennessOptions::default().sources.unwrap_or(0))]
    sources: u32,
    /// betweenness: let it not matter who pays whom.
    #[arg(long)]
    undirected: bool,
    /// betweenness: decides the choice of sources.
    #[arg(long, value_name = "N", default_value_t = BetweennessOptions::default().seed)]
    seed: u64,
    #[command(flatten)]
    projection: ProjectionArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// Methods as the command line says them.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Method {
    /// How many neighbours it has.
    Degree,
    /// How often a walk along payments comes by.
    Pagerank,
    /// Being paid by accounts that pay many that matter.
    Hits,
    /// Standing between others on shortest paths.
    Betweenness,
}

/// Accounts shown; all of them are in the output.
const ROWS: usize = 10;

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    args.output.check()?;
    let graph = args.graph.open()?;
    let weighted = !args.unweighted;
    let method = match args.method {
        Method::Degree => Centrality::Degree,
        Method::Pagerank => {
            Centrality::PageRank(PageRankOptions { damping: args.damping, weighted, ..Default::default() })
        }
        Method::Hits => Centrality::Hits(HitsOptions { weighted, ..Default::default() }),
        Method::Betweenness => Centrality::Betweenness(BetweennessOptions {
            directed: !args.undirected,
            sources: (args.sources > 0).then_some(args.sources),
            seed: args.seed,
        }),
    };
    let projected = args.projection.project(&graph, run)?;
    let report = centrality_report(&projected, &method, args.projection.identifiers(), run)?;
    let ranking = report.table("centrality").map_or(String::new(), |table| to_text(table, ROWS));
    let text = format!("scores are an order for looking, not money\n\n{ranking}\n");
    args.output.write(report, &text, run)
}
