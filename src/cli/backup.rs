//! `ringfence backup`, `backup-verify`, `restore`, `drill`, `backup-key`: copies of a graph that can be relied on.

use super::Answer;
use super::args::{KeyArgs, counted};
use ringfence::graph::drill::{DrillOptions, drill};
use ringfence::report::{self, provenance::hex};
use ringfence::store::backup::{
    Key, Made, Sealing, Secrets, Share, restore, to_bundle, to_directory, verify_backup,
};
use ringfence::store::disk::System;
use ringfence::{Error, Result, Run};
use serde_json::json;
use std::path::{Path, PathBuf};

/// Back up a graph: to a directory, which is itself a graph, or to one encrypted file.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory of the graph.
    #[arg(value_name = "GRAPH")]
    graph: PathBuf,
    /// Directory to make, or to bring up to date; or a file to make whose name ends in .bundle.
    #[arg(long, value_name = "DIR|FILE.bundle")]
    to: PathBuf,
    /// Generation to back up; the live one if not given.
    #[arg(long, value_name = "N")]
    generation: Option<u64>,
    /// Earlier bundle of this graph: the new one holds only what that one and those before it lack.
    #[arg(long, value_name = "BUNDLE")]
    since: Option<PathBuf>,
    #[command(flatten)]
    key: KeyArgs,
}

fn is_bundle(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension == "bundle")
}

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    let disk = System::shared();
    let key = args.key.key()?;
    let made = match (is_bundle(&args.to), key) {
        (true, Some(key)) => {
            let sealing = Sealing { key: &key, secrets: &Secrets::draw()?, since: args.since.as_deref() };
            to_bundle(&args.graph, args.generation, &args.to, &sealing, &disk, run)?
        }
        (true, None) => {
            let allowed = "given (or --key-fd, --key-command): bundles are encrypted";
            return Err(Error::Option { name: "key-file", value: "no key".into(), allowed });
        }
        (false, None) if args.since.is_none() => {
            to_directory(&args.graph, args.generation, &args.to, &disk, run)?
        }
        (false, _) => {
            let allowed =
                "a name that ends in .bundle where a key or --since is given: a directory is a plain copy";
            return Err(Error::Option { name: "to", value: args.to.display().to_string(), allowed });
        }
    };
    Ok(answer(args, &made))
}

fn answer(args: &Args, made: &Made) -> Answer {
    let mut text = format!(
        "{}: generation {} backed up to {}: {} written ({} bytes), {} there already\n",
        args.graph.display(),
        made.generation,
        args.to.display(),
        counted(made.num_written, "file", "files"),
        made.bytes_written,
        made.num_kept,
    );
    if made.num_mended > 0 {
        text += &format!(
            "{} there but damaged, and written again; look after that disk\n",
            counted(made.num_mended, "file was", "files were")
        );
    }
    if let Some(digest) = made.digest {
        text += &format!("bundle {}\n", hex(&digest));
    }
    let mut json = report::store::made(made);
    json["graph"] = args.graph.display().to_string().into();
    json["backup"] = args.to.display().to_string().into();
    Answer::new(text, json)
}

/// Check a backup: a directory, or a chain of bundles.
#[derive(Debug, clap::Args)]
pub struct VerifyArgs {
    /// The backup directory, or all bundles of a chain in any order.
    #[arg(value_name = "BACKUP", required = true)]
    from: Vec<PathBuf>,
    /// Check only share K of N of the files; K = 1 to N in turn check all of them.
    #[arg(long, value_name = "K/N", value_parser = share)]
    subset: Option<(u64, u64)>,
    #[command(flatten)]
    key: KeyArgs,
}

fn share(text: &str) -> std::result::Result<(u64, u64), String> {
    let numbers = text.split_once('/').and_then(|(k, n)| Some((k.parse().ok()?, n.parse().ok()?)));
    numbers.ok_or_else(|| "write a share like 1/7".to_string())
}

pub fn run_verify(args: &VerifyArgs, run: &Run) -> Result<Answer> {
    let share = args.subset.map_or(Ok(Share::ALL), |(number, of)| Share::new(number, of))?;
    let found = verify_backup(&args.from, args.key.key()?.as_ref(), share, run)?;
    let text = format!(
        "{}: generation {} is sound: {} of {} checked, {} bytes\n",
        args.from[0].display(),
        found.generation,
        found.num_checked,
        counted(found.num_files, "file", "files"),
        found.bytes_checked,
    );
    let mut json = report::store::checked(&found);
    json["backup"] = places(&args.from).into();
    Ok(Answer::new(text, json))
}

fn places(from: &[PathBuf]) -> Vec<String> {
    from.iter().map(|path| path.display().to_string()).collect()
}

/// Make a graph from a backup, in a new directory, and verify it in full before it gets its name.
#[derive(Debug, clap::Args)]
pub struct RestoreArgs {
    /// Directory to make.
    #[arg(value_name = "OUTPUT")]
    output: PathBuf,
    /// The backup directory, or all bundles of a chain in any order.
    #[arg(long, value_name = "BACKUP", num_args = 1.., required = true)]
    from: Vec<PathBuf>,
    #[command(flatten)]
    key: KeyArgs,
}

pub fn run_restore(args: &RestoreArgs, run: &Run) -> Result<Answer> {
    let found = restore(&args.from, args.key.key()?.as_ref(), &args.output, &System::shared(), run)?;
    let text = format!(
        "{}: generation {} restored: {} files, {} bytes, every byte and every rule verified\n",
        args.output.display(),
        found.verified.generation,
        found.verified.num_files,
        found.verified.bytes,
    );
    let mut json = report::store::restored(&found);
    json["graph"] = args.output.display().to_string().into();
    json["backup"] = places(&args.from).into();
    Ok(Answer::new(text, json))
}

/// Restore a backup for a while, ask it and the graph the same questions, and say how long that took.
#[derive(Debug, clap::Args)]
pub struct DrillArgs {
    /// Directory of the graph that was backed up; the generation that the backup holds must still be there.
    #[arg(value_name = "GRAPH")]
    graph: PathBuf,
    /// The backup directory, or all bundles of a chain in any order.
    #[arg(long, value_name = "BACKUP", num_args = 1.., required = true)]
    from: Vec<PathBuf>,
    /// Directory to restore into; that of the graph if not given. What is made there is removed.
    #[arg(long, value_name = "DIR")]
    scratch: Option<PathBuf>,
    /// Rows, and accounts, that are looked at.
    #[arg(long, value_name = "N", default_value_t = DrillOptions::default().samples)]
    samples: u32,
    /// Which rows and accounts these are.
    #[arg(long, value_name = "SEED", default_value_t = DrillOptions::default().seed)]
    seed: u64,
    #[command(flatten)]
    key: KeyArgs,
}

pub fn run_drill(args: &DrillArgs, run: &Run) -> Result<Answer> {
    let options = DrillOptions { seed: args.seed, samples: args.samples, scratch: args.scratch.clone() };
    let found = drill(&args.graph, &args.from, args.key.key()?.as_ref(), &options, &System::shared(), run)?;
    let mut text = format!(
        "{}: generation {} restored and verified in {:.1} s ({} bytes), asked in {:.1} s; every answer is the same\n",
        args.graph.display(),
        found.verified.generation,
        found.restored_in.as_secs_f64(),
        found.verified.bytes,
        found.asked_in.as_secs_f64(),
    );
    for (question, digest) in &found.answers {
        text += &format!("  {question:14}  {}\n", hex(&digest[..8]));
    }
    let mut json = report::store::drill(&found);
    json["graph"] = args.graph.display().to_string().into();
    json["backup"] = places(&args.from).into();
    Ok(Answer::new(text, json))
}

/// Make a key for bundles, or for the pseudonyms of exports: a new file that only its owner may read.
#[derive(Debug, clap::Args)]
pub struct KeyFileArgs {
    /// File to make.
    #[arg(value_name = "FILE")]
    file: PathBuf,
}

pub fn run_key(args: &KeyFileArgs) -> Result<Answer> {
    let key = Key::create(&args.file, &System::shared())?;
    let text = format!(
        "{}: key {} made\nKeep a copy away from the bundles: without it they cannot be opened, by anybody.\n",
        args.file.display(),
        key.name(),
    );
    Ok(Answer::new(text, json!({ "key_file": args.file.display().to_string(), "key": key.name() })))
}
