//! `ringfence communities`: who belongs together.

use super::Answer;
use super::args::{GraphArgs, counted};
use super::output::OutputArgs;
use super::projection::ProjectionArgs;
use clap::ValueEnum;
use ringfence::community::{LeidenOptions, Objective, PropagationOptions};
use ringfence::graph::Graph;
use ringfence::report::communities::{CommunityMethod, CommunityQuestion, community_report};
use ringfence::report::overlaps::overlap_report;
use ringfence::{Result, Run};
use std::path::PathBuf;

/// Find communities: accounts that have more to do with each other than with the rest.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// How communities are found.
    #[arg(long, value_enum, default_value_t = Method::Leiden)]
    method: Method,
    #[command(flatten)]
    projection: ProjectionArgs,
    /// Let it matter who pays whom; for leiden with modularity.
    #[arg(long)]
    directed: bool,
    /// What a partition is measured by.
    #[arg(long, value_enum, default_value_t = LeidenOptions::default().objective)]
    objective: Objective,
    /// Above 0: more makes smaller communities. With cpm, the density that a community must exceed.
    #[arg(long, value_name = "R", default_value_t = LeidenOptions::default().resolution)]
    resolution: f64,
    /// How often the graph is climbed from its accounts; ends early when nothing is gained.
    #[arg(long, value_name = "N", default_value_t = LeidenOptions::default().iterations)]
    iterations: u32,
    /// Fewest accounts of a community; smaller ones join the neighbour that gains most.
    #[arg(long, value_name = "N", default_value_t = LeidenOptions::default().size_min)]
    size_min: u32,
    /// Most accounts of a community; larger ones are split.
    #[arg(long, value_name = "N")]
    size_max: Option<u32>,
    /// overlapping: most communities of an account, 1 to 64.
    #[arg(long, value_name = "N", default_value_t = PropagationOptions::default().communities_max)]
    communities_max: u32,
    /// Orders are drawn from this seed.
    #[arg(long, value_name = "N", default_value_t = LeidenOptions::default().seed)]
    seed: u64,
    /// Do not let weights count: every pair weighs 1.
    #[arg(long)]
    unweighted: bool,
    /// CSV of account,community to start from, such as members.csv of an earlier answer: communities that stay keep their number.
    #[arg(long, value_name = "FILE")]
    start: Option<PathBuf>,
    #[command(flatten)]
    output: OutputArgs,
}

/// Methods as the command line says them.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Method {
    /// Moves, refines and aggregates; every community is connected.
    Leiden,
    /// Moves and aggregates; communities that fall apart are split at the end.
    Louvain,
    /// Every account takes the label that weighs most among its neighbours; fastest, and coarse.
    Labels,
    /// As labels, but an account may have shares in several; such communities need not be connected.
    Overlapping,
}

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    args.output.check()?;
    let graph = args.graph.open()?;
    let question = CommunityQuestion {
        method: match args.method {
            Method::Leiden => CommunityMethod::Leiden,
            Method::Louvain => CommunityMethod::Louvain,
            Method::Labels | Method::Overlapping => CommunityMethod::Labels,
        },
        directed: args.directed,
        leiden: LeidenOptions {
            objective: args.objective,
            resolution: args.resolution,
            iterations: args.iterations,
            size_min: args.size_min,
            size_max: args.size_max.unwrap_or(LeidenOptions::default().size_max),
            seed: args.seed,
            weighted: !args.unweighted,
            ..LeidenOptions::default()
        },
        start: args.start.clone().map(Into::into),
        identifiers: args.projection.identifiers(),
    };
    if let Method::Overlapping = args.method {
        return overlapping(args, &graph, &question, run);
    }
    let projected = args.projection.project(&graph, run)?;
    let report = community_report(&projected, &question, run)?.report;
    let said = &report.document;
    let number = |name: &str| said[name].as_u64().unwrap_or_default();
    let mut text = format!(
        "{} of {}; the largest has {}, {} alone\n{} {:.4}, coverage {:.4}\n",
        counted(number("num_communities"), "community", "communities"),
        counted(number("num_accounts"), "account", "accounts"),
        number("largest"),
        counted(number("num_alone"), "account is", "accounts are"),
        args.objective.name(),
        said["quality"].as_f64().unwrap_or_default(),
        said["coverage"].as_f64().unwrap_or_default(),
    );
    text += &hubs(number("num_hubs"));
    args.output.write(report, &text, run)
}

fn overlapping(args: &Args, graph: &Graph, question: &CommunityQuestion, run: &Run) -> Result<Answer> {
    let propagation = question.propagation("overlapping")?;
    let options = PropagationOptions { communities_max: args.communities_max, ..propagation };
    let projected = args.projection.project(graph, run)?;
    let report = overlap_report(&projected, &options, args.projection.identifiers(), run)?;
    let number = |name: &str| report.document[name].as_u64().unwrap_or_default();
    let mut text = format!(
        "{} of {}; the largest has {}, {} in several\n",
        counted(number("num_communities"), "community", "communities"),
        counted(number("num_accounts"), "account", "accounts"),
        number("largest"),
        counted(number("num_shared"), "account is", "accounts are"),
    );
    text += &hubs(number("num_hubs"));
    args.output.write(report, &text, run)
}

/// What there is to say of hubs, if there are any.
fn hubs(number: u64) -> String {
    match number {
        0 => String::new(),
        1 => "1 hub joins not all that it could\n".into(),
        more => format!("{more} hubs join not all that they could\n"),
    }
}
