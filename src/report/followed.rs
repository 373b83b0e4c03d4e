//! A trace that can be asked on: by which ways the money came to where it is, and what other policies say.

use super::compare::compare_table;
use super::folder::Report;
use super::paths::{path_document, path_table};
use super::question::{Question, TraceInputs};
use super::table::Table;
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::run::Run;
use crate::trace::{PathsOptions, Policy, Trace, TraceOptions, compare, envelope, paths};
use crate::units::Window;
use serde_json::json;

/// Where the money of seeds went under one policy, with everything that was asked.
#[derive(Debug)]
pub struct Followed {
    graph: Graph,
    window: Window,
    question: Question,
    policy: Policy,
    trace: Trace,
}

/// Which money paths of a trace are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PathInputs {
    /// Only those of this case.
    pub case: Option<String>,
    /// Only those that end at this account.
    pub holder: Option<String>,
    /// Most paths listed for each case, those with the largest amounts; 0 lists all.
    pub paths_max: usize,
}

impl Followed {
    /// Follows the money of seeds through a window of `graph` under `rules`, its policy among them; see
    /// [`trace_report`](super::question::trace_report) for the other rules.
    ///
    /// # Errors
    /// As [`trace_report`](super::question::trace_report).
    pub fn new(
        graph: &Graph,
        window: Window,
        inputs: &TraceInputs,
        rules: &TraceOptions,
        run: &Run,
    ) -> Result<Self> {
        let (view, policy) = (graph.window(window)?, rules.policy);
        let question = Question::read(&view, inputs, rules, run)?;
        let trace = question.follow(&view, policy, run)?;
        Ok(Followed { graph: graph.clone(), window, question, policy, trace })
    }

    /// The graph that the money was followed in.
    pub const fn graph(&self) -> &Graph {
        &self.graph
    }

    /// What [`trace_report`](super::question::trace_report) reports.
    ///
    /// # Errors
    /// [`Error::Damaged`] if the graph is; [`Error::Cancelled`].
    pub fn report(&self, run: &Run) -> Result<Report> {
        self.question.report(&self.graph.window(self.window)?, self.policy, &self.trace, run)
    }

    /// Money paths: the table [`paths`](path_table), and how many there are, listed or not, as `num_found` in the document.
    ///
    /// # Errors
    /// [`Error::UnknownKey`] for a case or account that is not known; [`Error::Damaged`] if the graph is; [`Error::Cancelled`].
    pub fn paths(&self, inputs: &PathInputs, run: &Run) -> Result<Report> {
        let (view, cases) = (self.graph.window(self.window)?, &self.question.seeds.cases);
        let unknown = |kind: &str, key: &String| Error::UnknownKey {
            place: "paths".into(),
            kind: kind.into(),
            key: key.clone(),
        };
        let case = |name: &String| {
            let number = cases.iter().zip(0..).find(|(case, _)| *case == name);
            number.map(|(_, number)| number).ok_or_else(|| unknown("case", name))
        };
        let holder = |key: &String| self.graph.find_account(key)?.ok_or_else(|| unknown("account", key));
        let options = PathsOptions {
            paths_max: Some(inputs.paths_max).filter(|&most| most > 0),
            case: inputs.case.as_ref().map(case).transpose()?,
            holder: inputs.holder.as_ref().map(holder).transpose()?,
        };
        let found = paths(&view, &self.trace, &self.question.options(self.policy), &options, run)?;
        let rates = self.question.pools.rates.as_ref();
        let table = path_table(&self.graph, &found, &self.trace, cases, rates, run)?;
        let mut document = path_document(&found, &options);
        document["result"] = "paths".into();
        document["policy"] = self.policy.name().into();
        document["case"] = json!(inputs.case);
        document["holder"] = json!(inputs.holder);
        Ok(Report { tables: vec![("paths", table)], document_name: "summary", document, parts: Vec::new() })
    }

    /// The same question under each of `policies`: their holdings side by side, see [`compare_table`].
    ///
    /// # Errors
    /// As [`trace_report`](super::question::trace_report); [`Error::Option`] if `policies` is empty or names one twice.
    pub fn compare(&self, policies: &[Policy], run: &Run) -> Result<Table> {
        let (view, question) = (self.graph.window(self.window)?, &self.question);
        let seeds = &question.seeds;
        let traces = compare(&view, seeds.num_cases(), &seeds.seeds, &question.options, policies, run)
            .map_err(|error| seeds.locate(error))?;
        let found = envelope(policies, &traces);
        compare_table(&self.graph, &found, &seeds.cases, question.pools.rates.as_ref(), run)
    }
}
