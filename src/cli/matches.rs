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
    let refuse = |problem: String| Error::Input { input: "--set".into(), problem };
    let mut settings = serde_json::to_value(Budget::default()).map_err(|error| refuse(error.to_string()))?;
    for (name, value) in changes {
        match settings.get_mut(name) {
            Some(setting) => *setting = value.clone(),
            None => {
                return Err(refuse(format!(
                    "{name}: a query has results_max, anchor_work_max, work_max and hub_max, and says all else in its text"
                )));
            }
        }
    }
    serde_json::from_value(settings).map_err(|error| refuse(error.to_string()))
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
