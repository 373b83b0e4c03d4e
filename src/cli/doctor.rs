//! `ringfence doctor`: what is amiss around a graph, and what to do about it.

use super::{Answer, exit};
use ringfence::Result;
use ringfence::report::{self, text::escape};
use ringfence::store::doctor::{Finding, Level, examine};
use serde_json::{Value, json};
use std::path::PathBuf;
use std::time::SystemTime;

/// Examine the store of a graph: permissions, disk, encryption, room, locks, pins, leftovers, versions, generations.
///
/// Writes nothing. Ends with 0 unless something makes answers impossible or lets others change files under a reader.
#[derive(Debug, clap::Args)]
pub struct Args {
    /// Directory of the graph.
    #[arg(value_name = "GRAPH")]
    graph: PathBuf,
}

pub fn run(args: &Args) -> Result<Answer> {
    #[allow(clippy::disallowed_methods)] // A door: it hands the time in.
    let now = SystemTime::now();
    let findings = examine(&args.graph, now)?;
    let documents: Vec<Value> = findings.iter().map(report::store::finding).collect();
    let worst = findings.iter().map(|each| each.level).max().unwrap_or(Level::Fine);
    let mut json = json!({
        "graph": args.graph.display().to_string(), "worst": worst.name(), "findings": documents,
    });
    let error = findings.iter().find(|each| each.level == Level::Error);
    if let Some(error) = error {
        json["error"] = json!({ "kind": "damaged", "message": error.what, "exit_code": exit::REFUSED });
    }
    let mut answer = Answer::new(findings.iter().map(line).collect::<String>(), json);
    if error.is_some() {
        answer.code = exit::REFUSED;
    }
    Ok(answer)
}

fn line(finding: &Finding) -> String {
    let Finding { level, subject, what, remedy } = finding;
    let mut line = format!("{:<8} {subject:<12} {}\n", level.name(), escape(what));
    if !remedy.is_empty() {
        line += &format!("{:22}→ {remedy}\n", "");
    }
    line
}
