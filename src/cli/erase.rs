//! `ringfence erase`: the identity of a subject goes away, its money stays.

use super::Answer;
use super::args::counted;
use ringfence::graph::build::{EraseReport, Subject, erase, erase_dry};
use ringfence::report::text::escape;
use ringfence::store::scan::{How, Scanned};
use ringfence::{Error, Result, Run};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};

/// Take the identity of accounts or identifiers out of a graph; their transactions stay, to the cent.
///
/// An account's key becomes erased-<number>, its attributes and its links to identifiers go, and identifiers that only it used become anonymous
/// too. Generations that name it are removed, and all files are searched for what named it. Without --yes it only says what would be
/// done. Backups, exports and the files that the graph was made from are out of reach: remove those yourself.
#[derive(Debug, clap::Args)]
#[command(group = clap::ArgGroup::new("who").required(true).multiple(true))]
pub struct Args {
    /// Directory of the graph.
    #[arg(value_name = "GRAPH")]
    graph: PathBuf,
    /// Key of an account; may be repeated.
    #[arg(long, value_name = "KEY", group = "who")]
    account: Vec<String>,
    /// An identifier, for example phone=0123; may be repeated. Its links stay, with an anonymous key.
    #[arg(long, value_name = "KIND=VALUE", group = "who", value_parser = identifier)]
    identifier: Vec<Subject>,
    /// File of subjects, account=KEY or KIND=VALUE a line: so that they do not stand on the command line.
    #[arg(long, value_name = "FILE", group = "who")]
    keys: Option<PathBuf>,
    /// Do it. It cannot be undone.
    #[arg(long)]
    yes: bool,
}

fn identifier(text: &str) -> std::result::Result<Subject, String> {
    match text.split_once('=') {
        Some((kind, value)) if !kind.is_empty() => {
            Ok(Subject::Identifier { kind: kind.into(), value: value.into() })
        }
        _ => Err("write kind and value like phone=0123".to_string()),
    }
}

/// The subjects that a file names.
fn read(path: &Path) -> Result<Vec<Subject>> {
    let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
    let subject = |(number, line): (usize, &str)| match line.strip_prefix("account=") {
        Some(key) => Ok(Subject::Account(key.into())),
        None => identifier(line).map_err(|_| {
            let place = format!("{}, line {}", path.display(), number + 1);
            Error::input(place, "write account=KEY, or kind and value like phone=0123")
        }),
    };
    text.lines().enumerate().filter(|(_, line)| !line.is_empty()).map(subject).collect()
}

pub fn run(args: &Args, run: &Run) -> Result<Answer> {
    let mut subjects: Vec<Subject> = args.account.iter().cloned().map(Subject::Account).collect();
    subjects.extend(args.identifier.iter().cloned());
    if let Some(path) = &args.keys {
        subjects.extend(read(path)?);
    }
    let report = match args.yes {
        true => erase(&args.graph, &subjects, run)?,
        false => erase_dry(&args.graph, &subjects, run)?,
    };
    Ok(Answer::new(text(args, &report), document(args, &report)))
}

fn document(args: &Args, report: &EraseReport) -> Value {
    let anonymous = report
        .anonymous
        .iter()
        .map(|each| json!({ "kind": each.kind, "number": each.number, "key": each.key }));
    json!({
        "graph": args.graph.display().to_string(),
        "done": args.yes,
        "published": args.yes && report.published,
        "generation": report.generation,
        "anonymous": anonymous.collect::<Vec<_>>(),
        "num_links": report.num_links,
        "num_shared": report.num_shared,
        "num_attributes": report.num_attributes,
        "num_devices": report.num_devices,
        "gone": report.gone,
        "scanned": report.scanned.as_ref().map(scanned),
    })
}

fn scanned(scanned: &Scanned) -> Value {
    let places = scanned.sightings.iter().filter(|each| each.how != How::Chance);
    let places = places.map(|each| {
        json!({ "file": each.file, "place": each.place, "whole": each.how == How::Whole, "num": each.num })
    });
    json!({
        "num_files": scanned.num_files,
        "bytes": scanned.bytes,
        "num_whole": scanned.count(How::Whole),
        "num_within": scanned.count(How::Within),
        "num_by_chance": scanned.count(How::Chance),
        "places": places.collect::<Vec<_>>(),
    })
}

fn text(args: &Args, report: &EraseReport) -> String {
    let accounts = report.anonymous.iter().filter(|each| each.kind.is_none()).count();
    let identifiers = report.anonymous.len() - accounts;
    let mut out = format!("{}: ", args.graph.display());
    out += &match (args.yes, report.published) {
        (true, true) => format!("generation {} published\n", report.generation),
        (_, false) if report.gone.is_empty() => {
            "no generation names them; files of an erasure that was interrupted may\n".to_string()
        }
        (_, false) => format!("generation {} does not name them; older ones do\n", report.generation),
        (false, true) => "this would be done; say --yes to do it. It cannot be undone\n".to_string(),
    };
    out += &format!(
        "anonymous  {} and {}, which keep their numbers\n",
        counted(accounts, "account", "accounts"),
        counted(identifiers, "identifier", "identifiers")
    );
    out += &format!(
        "gone       {}, {}, the device of {}\n",
        counted(report.num_links, "link", "links"),
        counted(report.num_attributes, "attribute", "attributes"),
        counted(report.num_devices, "payment", "payments"),
    );
    if report.num_shared > 0 {
        out += &format!(
            "kept       {} that others use too\n",
            counted(report.num_shared, "identifier", "identifiers")
        );
    }
    let verb = if args.yes { "removed   " } else { "would go  " };
    for generation in &report.gone {
        out += &format!("{verb} generation {generation}\n");
    }
    if let Some(scanned) = &report.scanned {
        out += &format!(
            "searched   {}, {} bytes: {} equal to what went, {} within longer texts (and {} by chance among numbers)\n",
            counted(scanned.num_files, "file", "files"),
            scanned.bytes,
            counted(scanned.count(How::Whole), "key or text", "keys or texts"),
            scanned.count(How::Within),
            scanned.count(How::Chance),
        );
        for each in scanned.sightings.iter().filter(|each| each.how != How::Chance) {
            let how = if each.how == How::Whole { "equal" } else { "within" };
            out += &format!("  {} {how}  {}, {}\n", each.num, escape(&each.file), each.place);
        }
    }
    out += "backups, exports, and the files that the graph was made from are out of reach: remove those yourself\n";
    out
}
