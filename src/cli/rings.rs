//! `ringfence rings`: groups of accounts with the evidence that ties them.

use super::Answer;
use super::args::{CsvArgs, GraphArgs, WindowArgs, counted};
use super::patterns::settings;
use clap::{ArgMatches, Command, FromArgMatches, ValueEnum};
use ringfence::graph::Graph;
use ringfence::ids::KindId;
use ringfence::patterns::{Typology, searches};
use ringfence::report::output::check_new;
use ringfence::report::patterns::Valuation;
use ringfence::report::rings::{Identifiers, RingQuestion, ring_changes, ring_report};
use ringfence::report::text::to_text;
use ringfence::report::write_report;
use ringfence::rings::{IdentityRingOptions, RingOptions, TYPOLOGIES};
use ringfence::{Error, Result, Run};
use serde_json::json;
use std::path::PathBuf;

/// Either of two things: finding rings, or comparing those of two runs.
#[derive(Debug)]
pub enum Args {
    /// `ringfence rings GRAPH …`.
    Find(Box<Find>),
    /// `ringfence rings diff OLD NEW`.
    Diff(Diff),
}

// By hand because arguments that are needed without a subcommand, and flattened, cannot be optional in a derived form.
impl clap::Args for Args {
    fn augment_args(command: Command) -> Command {
        let about = "What became of the rings of an earlier run: born, grew, shrank, changed, unchanged, merged, split, gone";
        Find::augment_args(command)
            .subcommand(Diff::augment_args(Command::new("diff")).about(about))
            .args_conflicts_with_subcommands(true)
            .subcommand_negates_reqs(true)
    }

    fn augment_args_for_update(command: Command) -> Command {
        Self::augment_args(command)
    }
}

impl FromArgMatches for Args {
    fn from_arg_matches(matches: &ArgMatches) -> std::result::Result<Self, clap::Error> {
        match matches.subcommand() {
            Some((_, matches)) => Diff::from_arg_matches(matches).map(Args::Diff),
            None => Find::from_arg_matches(matches).map(|find| Args::Find(Box::new(find))),
        }
    }

    fn update_from_arg_matches(&mut self, matches: &ArgMatches) -> std::result::Result<(), clap::Error> {
        *self = Self::from_arg_matches(matches)?;
        Ok(())
    }
}

/// What became of the rings of an earlier run: born, grew, shrank, changed, unchanged, merged, split, gone.
#[derive(Debug, clap::Args)]
pub struct Diff {
    /// Directory of the earlier `ringfence rings`.
    old: PathBuf,
    /// Directory of the later one.
    new: PathBuf,
    /// Directory to make: changes.csv and summary.json.
    #[arg(long, value_name = "DIR")]
    output: Option<PathBuf>,
    #[command(flatten)]
    csv: CsvArgs,
}

/// Find rings: accounts that shared identifiers, shapes of money, traces and communities tie, with their evidence.
#[derive(Debug, clap::Args)]
pub struct Find {
    #[command(flatten)]
    graph: GraphArgs,
    /// What ties accounts; all of it if not given.
    #[arg(long, value_enum, value_delimiter = ',')]
    by: Vec<By>,
    /// Kinds of identifiers that tie (for example ssn,phone); all if not given.
    #[arg(long, value_name = "KIND", value_delimiter = ',')]
    kinds: Vec<String>,
    /// Most accounts that an identifier may have and still tie them; at least 2.
    #[arg(long, value_name = "N", default_value_t = IdentityRingOptions::default().accounts_max)]
    identifier_accounts_max: u32,
    /// Shapes of money that make claims; those that name a group if not given (`ringfence patterns --help` lists all).
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    typology: Vec<String>,
    /// Change a setting of the shapes: span_s=86400, fan-in.counterparties_min=8.
    #[arg(long, value_name = "[TYPOLOGY.]NAME=VALUE")]
    set: Vec<String>,
    /// A directory made by `ringfence trace`, whose money makes a claim; may be repeated.
    #[arg(long, value_name = "DIR")]
    trace: Vec<PathBuf>,
    /// Best finds of each kind that become claims; at least 1.
    #[arg(long, value_name = "N", default_value_t = RingOptions::default().claims_max)]
    claims_max: u32,
    /// Fewest accounts that claims share to be joined; at least 1.
    #[arg(long, value_name = "N", default_value_t = RingOptions::default().shared_min)]
    shared_min: u32,
    /// Part of the accounts of either that a claim and a ring's core share to be joined, in thousandths; half of it within one community.
    #[arg(long, value_name = "N", default_value_t = RingOptions::default().overlap_permille)]
    overlap_permille: u32,
    /// Most counterparties that an account may have before it is a hub, which is listed and kept out.
    #[arg(long, value_name = "N", default_value_t = RingOptions::default().hub_max)]
    hub_max: u32,
    /// Accounts with this attribute are hubs whatever they do: kind=merchant; may be repeated.
    #[arg(long, value_name = "ATTRIBUTE=VALUE")]
    hubs_where: Vec<String>,
    /// Most accounts of a ring that joins make; at least 2.
    #[arg(long, value_name = "N", default_value_t = RingOptions::default().accounts_max)]
    accounts_max: u32,
    /// Fewest accounts that make a ring; at least 1.
    #[arg(long, value_name = "N", default_value_t = RingOptions::default().accounts_min)]
    accounts_min: u32,
    /// Most rings that are kept, those with the highest scores.
    #[arg(long, value_name = "N", default_value_t = RingOptions::default().rings_max)]
    rings_max: u32,
    /// A directory of an earlier `ringfence rings`: rings that are still there keep their names.
    #[arg(long, value_name = "DIR")]
    previous: Option<PathBuf>,
    /// Currency in which amounts are compared; without one, only amounts of one currency can be.
    #[arg(long, value_name = "CODE")]
    base: Option<String>,
    /// CSV of rates: currency,date,rate, in units of --base. Without it rates come from the graph's own conversions.
    #[arg(long, value_name = "FILE", requires = "base")]
    rates: Option<PathBuf>,
    /// Write identifier values as they are instead of kind#number. They are personal data.
    #[arg(long)]
    reveal: bool,
    #[command(flatten)]
    window: WindowArgs,
    /// Directory to make: rings, members, claims, parties, evidence, identifiers, parts, money and hubs as .csv and .parquet, and summary.json.
    #[arg(long, value_name = "DIR")]
    output: PathBuf,
    #[command(flatten)]
    csv: CsvArgs,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum By {
    /// Shared identifiers: tax number, telephone, device, address.
    Identifiers,
    /// Shapes that money takes: fans, cycles, layers.
    Typologies,
    /// Groups that keep their money to themselves.
    Communities,
}

/// Rings shown; all of them are in the output.
const ROWS: usize = 10;

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    match args {
        Args::Find(args) => find(args, run),
        Args::Diff(args) => diff(args, run),
    }
}

fn find(args: &Find, run: &Run) -> Result<Answer> {
    check_new(&args.output)?;
    let graph = args.graph.open()?;
    let question = RingQuestion {
        options: options(args, &graph)?,
        valuation: Valuation { base: args.base.clone(), rates: args.rates.clone().map(Into::into) },
        traces: args.trace.clone(),
        previous: args.previous.clone(),
        hubs_where: args.hubs_where.clone(),
        identifiers: if args.reveal { Identifiers::Revealed } else { Identifiers::Masked },
    };
    let (named, report) = ring_report(&args.window.view(&graph)?, &question, run)?;
    write_report(&report, &args.output, args.csv.options(), run)?;
    let found = &named.found;
    let num_members: usize = found.rings.iter().map(|ring| ring.members.len()).sum();
    let mut text = format!(
        "{} of {}, written to {}\n",
        counted(found.rings.len(), "ring", "rings"),
        counted(num_members, "account", "accounts"),
        args.output.display()
    );
    if !found.hubs.is_empty() {
        let hubs = counted(found.hubs.len(), "hub", "hubs");
        text += &format!("{hubs} kept out, see hubs.csv\n");
    }
    if !found.identifier_hubs.is_empty() {
        text += &format!(
            "{} more than {} accounts and tied nobody\n",
            counted(found.identifier_hubs.len(), "identifier has", "identifiers have"),
            args.identifier_accounts_max
        );
    }
    if found.cut.truncated() {
        text += "a search was cut short, there may be more\n";
    }
    if let Some(table) = report.table("rings").filter(|table| table.num_rows() > 0) {
        text += &to_text(table, ROWS);
    }
    let json = json!({
        "output": args.output.display().to_string(),
        "num_rings": found.rings.len(),
        "num_members": num_members,
        "num_hubs": found.hubs.len(),
        "num_identifier_hubs": found.identifier_hubs.len(),
        "joins_refused": found.joins_refused,
        "truncated": found.cut.truncated(),
    });
    Ok(Answer::new(text, json))
}

fn options(args: &Find, graph: &Graph) -> Result<RingOptions> {
    let by = |kind| args.by.is_empty() || args.by.contains(&kind);
    let identity = by(By::Identifiers).then_some(()).map(|()| {
        Ok(IdentityRingOptions {
            kinds: kinds(graph, &args.kinds)?,
            accounts_max: args.identifier_accounts_max,
            accounts_min: IdentityRingOptions::default().accounts_min,
        })
    });
    let typologies: Vec<Typology> = match args.typology.as_slice() {
        _ if !by(By::Typologies) => Vec::new(),
        [] => TYPOLOGIES.to_vec(),
        names => names.iter().map(|name| Typology::named(name)).collect::<Result<_>>()?,
    };
    Ok(RingOptions {
        identity: identity.transpose()?,
        searches: searches(&typologies, &settings(&args.set)?)?,
        communities: by(By::Communities),
        claims_max: args.claims_max,
        shared_min: args.shared_min,
        overlap_permille: args.overlap_permille,
        hub_max: args.hub_max,
        known_hubs: Default::default(),
        accounts_max: args.accounts_max,
        accounts_min: args.accounts_min,
        rings_max: args.rings_max,
    })
}

fn diff(args: &Diff, run: &Run) -> Result<Answer> {
    args.output.as_deref().map(check_new).transpose()?;
    let report = ring_changes(&args.old, &args.new)?;
    let mut text = String::new();
    for (fate, count) in report.document["fates"].as_object().into_iter().flatten() {
        text += &format!("{fate} {count}\n");
    }
    if let Some(table) = report.table("changes").filter(|table| table.num_rows() > 0) {
        text += &to_text(table, ROWS);
    }
    let json = report.document.clone();
    if let Some(output) = &args.output {
        write_report(&report, output, args.csv.options(), run)?;
        text += &format!("written to {}\n", output.display());
    }
    Ok(Answer::new(text, json))
}

fn kinds(graph: &Graph, names: &[String]) -> Result<Option<Vec<KindId>>> {
    let find = |name: &String| {
        let unknown = || Error::UnknownKey {
            place: "--kinds".into(),
            kind: "kind of identifier".into(),
            key: name.clone(),
        };
        graph.find_kind(name).ok_or_else(unknown)
    };
    let found = names.iter().map(find).collect::<Result<Vec<_>>>()?;
    Ok((!found.is_empty()).then_some(found))
}
