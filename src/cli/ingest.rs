//! `ringfence ingest`: files become a graph.

use super::Answer;
use super::args::size;
use clap::ValueEnum;
use ringfence::graph::build::{IngestOptions, IngestReport, Sources, ingest};
use ringfence::ingest::{Mapping, RejectLog, Source};
use ringfence::report::output::Pending;
use ringfence::store::manifest::Partition;
use ringfence::units::amount::format_amount;
use ringfence::{Error, Result, Run};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};

/// Read transactions, accounts and links from files and make a graph of them.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("how").required(true))]
pub struct Args {
    /// Directory of the graph to make.
    #[arg(value_name = "GRAPH")]
    graph: PathBuf,
    /// Known format: amlworld, amlsim, amlgentex, paysim, berka, fincen or ledger.
    #[arg(long, value_name = "NAME", group = "how")]
    preset: Option<String>,
    /// TOML file that says which column is what.
    #[arg(long, value_name = "FILE", group = "how")]
    mapping: Option<PathBuf>,
    /// Files of transactions: CSV (plain, gzip, zstd) or Parquet.
    #[arg(long, value_name = "FILE", num_args = 1.., required = true)]
    transactions: Vec<PathBuf>,
    #[command(flatten)]
    tables: TableArgs,
    /// How time is cut into files of the graph.
    #[arg(long, value_enum, default_value_t = PartitionArg::from(IngestOptions::default().partition))]
    partition: PartitionArg,
    /// Most memory to use, like 2G or 512M; at least 64M. What does not fit goes to scratch files in the graph's directory.
    /// The graph is the same, byte for byte [default: half of the machine's memory]
    #[arg(long, value_name = "SIZE", value_parser = size)]
    memory: Option<u64>,
}

/// What comes beside transactions, and what becomes of rows that cannot be used.
#[derive(Debug, clap::Args)]
pub struct TableArgs {
    /// Files of accounts and their attributes.
    #[arg(long, value_name = "FILE", num_args = 1..)]
    accounts: Vec<PathBuf>,
    /// Files of links between accounts and identifiers (device, phone, ssn, …).
    #[arg(long, value_name = "FILE", num_args = 1..)]
    links: Vec<PathBuf>,
    /// Most rejected rows, in percent of all rows read; more of them and nothing is kept.
    #[arg(long, value_name = "PERCENT", default_value_t = IngestOptions::default().max_rejects_percent)]
    max_rejects: f64,
    /// CSV file to make with every rejected row and why; it stays where too many rejects end the work.
    #[arg(long, value_name = "FILE")]
    rejects: Option<PathBuf>,
}

impl TableArgs {
    pub fn sources(&self, transactions: &[PathBuf]) -> Sources {
        let files = |paths: &[PathBuf]| paths.iter().cloned().map(Source::File).collect();
        Sources {
            transactions: files(transactions),
            accounts: files(&self.accounts),
            links: files(&self.links),
        }
    }

    pub fn options(&self) -> IngestOptions {
        IngestOptions { max_rejects_percent: self.max_rejects, ..IngestOptions::default() }
    }

    /// Lets `read` work with the reject file, and tells what it did to the graph at `graph`.
    pub fn answer(
        &self,
        graph: &Path,
        read: impl FnOnce(&mut RejectLog) -> Result<IngestReport>,
    ) -> Result<Answer> {
        let file = self.rejects.as_deref().map(Pending::create).transpose()?;
        let mut log = match (&file, &self.rejects) {
            (Some(file), Some(path)) => RejectLog::writing(path, Box::new(file.writer()?))?,
            _ => RejectLog::counting(),
        };
        let report = read(&mut log);
        drop(log);
        if let Some(file) = file.filter(|_| matches!(report, Ok(_) | Err(Error::Rejects { .. }))) {
            file.finish()?;
        }
        Ok(answer(graph, self.rejects.as_deref(), &report?))
    }
}

/// Width of a time partition, as the command line says it.
#[derive(Clone, Copy, Debug, ValueEnum)]
pub enum PartitionArg {
    Week,
    Month,
    Year,
    None,
}

impl From<Partition> for PartitionArg {
    fn from(partition: Partition) -> Self {
        match partition {
            Partition::Week => PartitionArg::Week,
            Partition::Month => PartitionArg::Month,
            Partition::Year => PartitionArg::Year,
            Partition::None => PartitionArg::None,
        }
    }
}

impl From<PartitionArg> for Partition {
    fn from(partition: PartitionArg) -> Self {
        match partition {
            PartitionArg::Week => Partition::Week,
            PartitionArg::Month => Partition::Month,
            PartitionArg::Year => Partition::Year,
            PartitionArg::None => Partition::None,
        }
    }
}

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    let mapping = mapping(args)?;
    let options =
        IngestOptions { partition: args.partition.into(), memory: args.memory, ..args.tables.options() };
    let sources = args.tables.sources(&args.transactions);
    args.tables.answer(&args.graph, |log| ingest(&args.graph, sources, &mapping, log, &options, run))
}

fn mapping(args: &Args) -> Result<Mapping> {
    match (&args.preset, &args.mapping) {
        (Some(name), _) => Mapping::preset(name),
        (None, Some(path)) => {
            let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
            Mapping::parse(&text, &path.display().to_string())
        }
        (None, None) => {
            Err(Error::Option { name: "preset", value: "nothing".into(), allowed: "given, or --mapping" })
        }
    }
}

fn answer(graph: &Path, rejects: Option<&Path>, report: &IngestReport) -> Answer {
    let manifest = &report.manifest;
    let [read, accepted, rejected, skipped] = report.counts();
    let transactions: u64 = manifest.segments.iter().map(|segment| u64::from(segment.num_transactions)).sum();
    let mut text = format!(
        "{}: generation {}, {} accounts, {transactions} transactions in {} segments\n\
         {read} rows read: {accepted} accepted, {rejected} rejected, {skipped} skipped\n",
        graph.display(),
        manifest.generation,
        manifest.num_accounts,
        manifest.segments.len(),
    );
    for (currency, total) in manifest.schema.currencies.iter().zip(&manifest.totals) {
        let amount = format_amount(total.accepted_minor, currency.exponent);
        text += &format!("{amount} {} in {} transactions\n", currency.code, total.accepted);
    }
    for (reason, count) in &report.reasons {
        text += &format!("  {count} × {reason}\n");
    }
    let reasons: Map<String, Value> =
        report.reasons.iter().map(|(reason, count)| (reason.name().to_string(), (*count).into())).collect();
    let json = json!({
        "graph": graph.display().to_string(),
        "generation": manifest.generation,
        "num_accounts": manifest.num_accounts,
        "num_transactions": transactions,
        "num_segments": manifest.segments.len(),
        "rows": { "read": read, "accepted": accepted, "rejected": rejected, "skipped": skipped },
        "reasons": reasons,
        "rejects": rejects.map(|path| path.display().to_string()),
    });
    Answer::new(text, json)
}
