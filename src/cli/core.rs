//! `ringfence core`: how deep in the dense middle every account is.

use super::Answer;
use super::args::{GraphArgs, counted};
use super::output::OutputArgs;
use super::projection::ProjectionArgs;
use ringfence::report::cores::{CoreKind, CoreOptions, core_report};
use ringfence::{Result, Run};

/// Say of every account in which core it is, and how closed its neighbourhood.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// What holds an account in a core.
    #[arg(long, value_enum, default_value_t = CoreKind::default())]
    kind: CoreKind,
    /// With --kind directed: by how many members every member is paid.
    #[arg(long, value_name = "N", default_value_t = CoreOptions::default().in_min)]
    in_min: u32,
    /// With --kind bipartite, --over identifiers or both: how many identifiers every member uses that enough members use.
    #[arg(long, value_name = "N", default_value_t = CoreOptions::default().identifiers_min)]
    identifiers_min: u32,
    #[command(flatten)]
    projection: ProjectionArgs,
    #[command(flatten)]
    output: OutputArgs,
}

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    args.output.check()?;
    let graph = args.graph.open()?;
    let projected = args.projection.project(&graph, run)?;
    let options = CoreOptions { kind: args.kind, in_min: args.in_min, identifiers_min: args.identifiers_min };
    let report = core_report(&projected, &options, args.projection.identifiers(), run)?;
    let said = &report.document;
    let text = format!(
        "{} and {}; the deepest core is {}\n{}, average clustering {:.4}\n",
        counted(said["num_accounts"].as_u64().unwrap_or_default(), "account", "accounts"),
        counted(said["num_pairs"].as_u64().unwrap_or_default(), "pair", "pairs"),
        said["deepest"],
        counted(said["num_triangles"].as_u64().unwrap_or_default(), "triangle", "triangles"),
        said["average_clustering"].as_f64().unwrap_or_default(),
    );
    args.output.write(report, &text, run)
}
