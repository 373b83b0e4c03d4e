//! `ringfence report`: the case file of a ring or of a trace.

use super::Answer;
use super::args::{GraphArgs, NamesArgs, counted};
use clap::ValueEnum;
use ringfence::report::case::{CaseFormat, CaseOptions, Language, ring_case_file, trace_case, write_case};
use ringfence::report::output::check_new;
use ringfence::report::pseudonyms::{CASE, Names};
use ringfence::report::rings::RingPlace;
use ringfence::{Result, Run};
use serde_json::json;
use std::path::PathBuf;

/// Write the case file of a ring or of a trace: one page that opens with no network, a Markdown text, or JSON.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("what").required(true))]
pub struct Args {
    #[command(flatten)]
    graph: GraphArgs,
    /// One ring of a directory made by `ringfence rings`, by name or rank: rings/ring-0123456789ab, rings/1.
    #[arg(long, value_name = "DIR/ID", group = "what")]
    ring: Option<PathBuf>,
    /// A directory made by `ringfence trace` under one policy.
    #[arg(long, value_name = "DIR", group = "what")]
    trace: Option<PathBuf>,
    /// What to write.
    #[arg(long, value_enum, default_value_t = Format::Html)]
    format: Format,
    /// Language of the texts.
    #[arg(long, value_enum, default_value_t = Lang::En)]
    lang: Lang,
    #[command(flatten)]
    names: NamesArgs,
    /// Account attributes to tell, by name. They may be personal data.
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    attributes: Vec<String>,
    /// Most accounts that are shown; those in most claims, or with most money, stay.
    #[arg(long, value_name = "N", default_value_t = CaseOptions::new(Names::Revealed).accounts_max)]
    accounts_max: u32,
    /// Most transfers that are shown; evidence stays before others.
    #[arg(long, value_name = "N", default_value_t = CaseOptions::new(Names::Revealed).transfers_max)]
    transfers_max: u32,
    /// Do not look for what the ring would not have been reported without.
    #[arg(long, conflicts_with = "trace")]
    no_counterfactual: bool,
    /// File to make.
    #[arg(long, value_name = "FILE")]
    output: PathBuf,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Format {
    /// A page that opens with no network.
    Html,
    /// A text with tables.
    Md,
    /// The whole content, by a schema.
    Json,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Lang {
    /// English.
    En,
    /// Simplified Chinese.
    Zh,
}

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    check_new(&args.output)?;
    let options = CaseOptions {
        language: match args.lang {
            Lang::En => Language::En,
            Lang::Zh => Language::Zh,
        },
        names: args.names.names()?,
        attributes: args.attributes.clone(),
        accounts_max: args.accounts_max,
        transfers_max: args.transfers_max,
    };
    let graph = args.graph.open()?;
    let case = match (&args.ring, &args.trace) {
        (Some(place), _) => {
            ring_case_file(&graph, &RingPlace::find(place)?, !args.no_counterfactual, &options, run)?
        }
        (None, Some(directory)) => trace_case(&graph, directory, &options, run)?,
        (None, None) => unreachable!("clap asks for one of them"),
    };
    let format = match args.format {
        Format::Html => CaseFormat::Html,
        Format::Md => CaseFormat::Markdown,
        Format::Json => CaseFormat::Json,
    };
    let size = write_case(&case, format, &args.output, run)?;
    let text = format!(
        "{}: {} and {}, {size} bytes, written to {}\n",
        case.subject.title,
        counted(case.accounts.len(), "account", "accounts"),
        counted(case.transfers.len(), "transfer", "transfers"),
        args.output.display()
    );
    let json = json!({
        "output": args.output.display().to_string(),
        "subject": case.subject.id,
        "num_accounts": case.accounts.len(),
        "num_transfers": case.transfers.len(),
        "summarised": case.summarised.is_some(),
        "names": if options.names.pseudonyms().is_some() { "pseudonyms" } else { "revealed" },
        "case": options.names.pseudonyms().map_or(CASE, |names| names.case()),
        "num_bytes": size,
    });
    Ok(Answer::new(text, json))
}
