//! `ringfence patterns --query`: a pattern in words, from a file.

use super::Answer;
use super::args::counted;
use super::output::OutputArgs;
use ringfence::patterns::{Budget, Query};
use ringfence::report::Report;
use ringfence::report::text::to_text;
use ringfence::{Error, Result, Run};
use serde_json::{Map, Value};
use std::path::Path;

/// Instances shown; all of them are in the output.
const ROWS: usize = 10;

/// The query in a file; what is wrong with it is said with the file's name.
pub fn read(path: &Path) -> Result<Query> {
    let text = std::fs::read_to_string(path).map_err(Error::io(path))?;
    Query::parse(&text).map_err(|error| match error {
        Error::Input { input, problem } => {
            Error::Input { input: input.replacen("query", &path.display().to_string(), 1), problem }
        }
        other => other,
    })
}

/// The budget of a query: the default but for what is changed.
pub fn budget(changes: &Map<String, Value>) -> Result<Budget> {
    Budget::default().with(changes).map_err(|error| match error {
        Error::Input { input, problem } => {
            Error::Input { input, problem: format!("{problem}; a query says all but these in its text") }
        }
        other => other,
    })
}

/// Writes what was found, and says how much it is.
pub fn say(report: Report, output: &OutputArgs, run: &Run) -> Result<Answer> {
    let said = &report.document;
    let mut text = counted(&said["num_instances"], "match", "matches");
    if said["truncated"] == true {
        text += "; the search was cut short, there may be more";
    }
    let rows = report.table("instances").map_or(String::new(), |found| to_text(found, ROWS));
    output.write(report, &format!("{text}\n\n{rows}\n"), run)
}
