//! `ringfence dense`: sets of accounts that are too close together.

use super::Answer;
use super::args::GraphArgs;
use super::output::OutputArgs;
use super::projection::ProjectionArgs;
use clap::ValueEnum;
use ringfence::community::{DensestOptions, FlowScopeOptions, FraudarOptions};
use ringfence::report::dense::{DenseMethod, dense_report};
use ringfence::report::flows::FlowQuestion;
use ringfence::report::text::to_text;
use ringfence::{Result, Run};
use std::path::PathBuf;

/// Find sets of accounts that are too close together.
#[derive(Debug, clap::Args)]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// How they are found.
    #[arg(long, value_enum, default_value_t = Method::Densest)]
    method: Method,
    /// densest: most rounds of peeling; with 1 the set is at least half as dense as the densest, more come closer.
    #[arg(long, value_name = "N", default_value_t = DensestOptions::default().rounds_max)]
    rounds_max: u32,
    /// fraudar and flowscope: most blocks.
    #[arg(long, value_name = "N", default_value_t = FraudarOptions::default().blocks_max)]
    blocks_max: u32,
    /// fraudar: let payments count as often as their weight says, not once for each pair.
    #[arg(long)]
    weighted: bool,
    #[command(flatten)]
    flow: FlowArgs,
    #[command(flatten)]
    projection: ProjectionArgs,
    #[command(flatten)]
    output: OutputArgs,
}

/// What flowscope alone asks for.
#[derive(Debug, clap::Args)]
struct FlowArgs {
    /// flowscope: longest time that money may wait in a middle account, in seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = FlowQuestion::DWELL_MAX_S, conflicts_with = "untimed")]
    dwell_max_s: u64,
    /// flowscope: ask nothing of time, so that money counts that left before it came, as in FlowScope itself.
    #[arg(long)]
    untimed: bool,
    /// flowscope: layers of accounts between sources and sinks.
    #[arg(long, value_name = "N", default_value_t = FlowQuestion::default().middle_layers)]
    middle_layers: u32,
    /// flowscope: how much counts against a group what does not pass on, in thousandths.
    #[arg(long, value_name = "N", default_value_t = FlowScopeOptions::default().alpha_permille)]
    alpha_permille: u32,
    /// flowscope: CSV with a column account: where money can come from; anybody if not given.
    #[arg(long, value_name = "FILE")]
    sources: Option<PathBuf>,
    /// flowscope: CSV with a column account: where it can end; anybody if not given.
    #[arg(long, value_name = "FILE")]
    sinks: Option<PathBuf>,
}

impl FlowArgs {
    fn question(&self, blocks_max: u32) -> FlowQuestion {
        FlowQuestion {
            options: FlowScopeOptions { alpha_permille: self.alpha_permille, blocks_max },
            dwell_max_s: (!self.untimed).then_some(self.dwell_max_s),
            middle_layers: self.middle_layers,
            sources: self.sources.clone().map(Into::into),
            sinks: self.sinks.clone().map(Into::into),
        }
    }
}

/// Methods as the command line says them.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Method {
    /// The densest set of accounts, by rounds of peeling.
    Densest,
    /// Blocks of payers and payees; popular payees count less, so that camouflage does not help.
    Fraudar,
    /// Groups through which money passes in steps, from sources over middle accounts to sinks; with --weight amount.
    Flowscope,
}

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    args.output.check()?;
    let graph = args.graph.open()?;
    let method = match args.method {
        Method::Densest => DenseMethod::Densest(DensestOptions { rounds_max: args.rounds_max }),
        Method::Fraudar => {
            DenseMethod::Fraudar(FraudarOptions { blocks_max: args.blocks_max, weighted: args.weighted })
        }
        Method::Flowscope => DenseMethod::FlowScope(args.flow.question(args.blocks_max)),
    };
    let projected = args.projection.project(&graph, run)?;
    let report = dense_report(&projected, method, args.projection.identifiers(), run)?;
    let scores = report.table("scores").map(|scores| to_text(scores, scores.num_rows()));
    let text = format!("{}\n", scores.unwrap_or_default());
    args.output.write(report, &text, run)
}
