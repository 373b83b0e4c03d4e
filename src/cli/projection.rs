//! Arguments of verbs that look at a projection: what joins accounts, by which weight, and what becomes of hubs.

use super::args::WindowArgs;
use clap::ValueEnum;
use ringfence::graph::Graph;
use ringfence::graph::project::{HubRule, Over, ProjectOptions};
use ringfence::report::projection::{Projected, ProjectionInputs, WeightName};
use ringfence::report::rings::Identifiers;
use ringfence::{Result, Run};
use std::path::PathBuf;

/// What joins accounts.
#[derive(Debug, clap::Args)]
pub struct ProjectionArgs {
    /// What joins accounts.
    #[arg(long, value_enum, default_value_t = ProjectOptions::default().over)]
    over: Over,
    /// What a transfer weighs.
    #[arg(long, value_enum, default_value_t = WeightName::default())]
    weight: WeightName,
    /// Currency whose amounts are weights; with --weight amount.
    #[arg(long, value_name = "CODE")]
    currency: Option<String>,
    /// How often a transfer counts.
    #[arg(long, value_name = "N", default_value_t = ProjectOptions::default().transfers_weight)]
    transfers_weight: u32,
    /// What a shared identifier counts beside it, divided among the accounts that share it.
    #[arg(long, value_name = "N", default_value_t = ProjectOptions::default().identifiers_weight)]
    identifiers_weight: u32,
    /// Most accounts that an identifier may have and still join them; at least 2.
    #[arg(long, value_name = "N", default_value_t = ProjectOptions::default().accounts_max)]
    accounts_max: u32,
    /// Most neighbours that an account may have before it is a hub; any number if not given.
    #[arg(long, value_name = "N")]
    neighbors_max: Option<u32>,
    /// What happens to the pairs of a hub.
    #[arg(long, value_enum, default_value_t = Hubs::Cut, requires = "neighbors_max")]
    hubs: Hubs,
    /// Probability of keeping any pair of a hub by chance; with --hubs significant.
    #[arg(long, value_name = "P", default_value_t = 0.01)]
    alpha: f64,
    /// CSV of what may be shared and joins nobody: a column account, or columns kind,value.
    #[arg(long, value_name = "FILE")]
    allowed: Option<PathBuf>,
    /// CSV with a column account: the only accounts that exist; all of them if not given.
    #[arg(long, value_name = "FILE")]
    accounts: Option<PathBuf>,
    /// Show identifiers that are hubs as they are, not as kind#number.
    #[arg(long)]
    reveal: bool,
    #[command(flatten)]
    window: WindowArgs,
}

/// Rules for hubs as the command line says them.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Hubs {
    /// It has none.
    Cut,
    /// They weigh less.
    Damp,
    /// Those stay that chance does not explain; where transfers are counted.
    Significant,
}

impl ProjectionArgs {
    /// The projection of `graph` that the arguments ask for.
    pub fn project(&self, graph: &Graph, run: &Run) -> Result<Projected> {
        let options = ProjectOptions {
            over: self.over,
            transfers_weight: self.transfers_weight,
            identifiers_weight: self.identifiers_weight,
            accounts_max: self.accounts_max,
            neighbors_max: self.neighbors_max,
            hubs: match self.hubs {
                Hubs::Cut => HubRule::Cut,
                Hubs::Damp => HubRule::Damp,
                Hubs::Significant => HubRule::Significant { alpha: self.alpha },
            },
            ..ProjectOptions::default()
        };
        let inputs = ProjectionInputs {
            weight: self.weight,
            currency: self.currency.clone(),
            accounts: self.accounts.clone().map(Into::into),
            allowed: self.allowed.clone().map(Into::into),
        };
        Projected::new(&self.window.view(graph)?, &inputs, &options, run)
    }

    /// How identifiers leave the engine.
    pub fn identifiers(&self) -> Identifiers {
        if self.reveal { Identifiers::Revealed } else { Identifiers::Masked }
    }
}
