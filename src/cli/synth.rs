//! `ringfence synth`: a ledger with known truth, to try things on.

use super::Answer;
use super::args::time;
use ringfence::report::output::Directory;
use ringfence::synth::{SynthOptions, SynthOutputs, Typology, generate};
use ringfence::units::time::format_time;
use ringfence::{Error, Result, Run};
use serde_json::{Map, Value, json};
use std::io::Write;
use std::path::{Path, PathBuf};

/// Make a ledger with planted rings and the truth about them; the same options give the same bytes.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory to make: transactions, accounts, balances, links, truth_rings, truth_transactions, seeds (.csv).
    #[arg(value_name = "OUT_DIR")]
    output: PathBuf,
    /// Number of transactions.
    #[arg(long, value_name = "N", default_value_t = SynthOptions::default().transactions)]
    transactions: u64,
    /// Number of accounts [default: a tenth of the transactions]
    #[arg(long, value_name = "N")]
    accounts: Option<u64>,
    /// Seed: another seed gives another ledger.
    #[arg(long, value_name = "S", default_value_t = SynthOptions::default().seed)]
    seed: u64,
    /// First day.
    #[arg(long, value_name = "DATE", value_parser = time, default_value = "2024-01-01")]
    start: i64,
    /// Days covered.
    #[arg(long, value_name = "N", default_value_t = SynthOptions::default().days)]
    days: u32,
    /// Payments between accounts that stay inside the payer's community, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = SynthOptions::default().inside_percent)]
    inside_percent: u32,
    /// Accounts kept in another currency than US dollars, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = SynthOptions::default().foreign_percent)]
    foreign_percent: u32,
    /// Rings of each typology [default: one per 20000 transactions]
    #[arg(long, value_name = "N")]
    rings: Option<u32>,
    /// Innocent look-alikes of each kind to mark [default: as many as rings of a typology]
    #[arg(long, value_name = "N")]
    look_alikes: Option<u32>,
    /// Rings that move money whose members also share a device, in percent.
    #[arg(long, value_name = "PERCENT", default_value_t = SynthOptions::default().shared_device_percent)]
    shared_device_percent: u32,
    /// Typologies to plant; all if not given.
    #[arg(long, value_name = "NAME", value_enum, value_delimiter = ',')]
    typologies: Vec<Typology>,
}

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    let mut options = SynthOptions {
        transactions: args.transactions,
        accounts: args.accounts,
        seed: args.seed,
        start_us: args.start,
        days: args.days,
        inside_percent: args.inside_percent,
        foreign_percent: args.foreign_percent,
        rings: args.rings,
        look_alikes: args.look_alikes,
        shared_device_percent: args.shared_device_percent,
        ..SynthOptions::default()
    };
    if !args.typologies.is_empty() {
        options.typologies.clone_from(&args.typologies);
    }
    let directory = Directory::create(&args.output, run)?;
    let mut outputs = SynthOutputs::open(|name| directory.writer(name))?;
    let report = generate(&options, &mut outputs, run)?;
    flush(outputs, &args.output)?;
    directory.finish()?;

    let rings: Map<String, Value> =
        report.rings.iter().map(|(typology, count)| (typology.name().to_string(), (*count).into())).collect();
    let look_alikes: Map<String, Value> =
        report.look_alikes.iter().map(|(kind, count)| (kind.name().to_string(), (*count).into())).collect();
    let text = format!(
        "{} transactions of {} accounts from {} to {}, written to {}\n{} planted rings in {} transactions, {} look-alikes\n",
        report.transactions,
        report.accounts,
        format_time(report.span_us[0]),
        format_time(report.span_us[1]),
        args.output.display(),
        report.rings.iter().map(|(_, count)| count).sum::<u64>(),
        report.planted_transactions,
        report.look_alikes.iter().map(|(_, count)| count).sum::<u64>(),
    );
    let json = json!({
        "output": args.output.display().to_string(),
        "seed": options.seed,
        "num_transactions": report.transactions,
        "num_accounts": report.accounts,
        "num_links": report.links,
        "rings": rings,
        "look_alikes": look_alikes,
        "num_planted_transactions": report.planted_transactions,
    });
    Ok(Answer::new(text, json))
}

fn flush<W: Write>(outputs: SynthOutputs<W>, output: &Path) -> Result<()> {
    let SynthOutputs { transactions, accounts, balances, links, truth_rings, truth_transactions, seeds } =
        outputs;
    for mut file in [transactions, accounts, balances, links, truth_rings, truth_transactions, seeds] {
        file.flush().map_err(Error::io(output))?;
    }
    Ok(())
}
