//! The command line: one file per verb, each of them parse → one library call → print.
//!
//! Standard output carries the answer and nothing else: text for people, or with
//! `--json` exactly one document, `{"ok":true,…}` or `{"ok":false,"error":{…}}`. Progress and
//! complaints go to standard error.

mod append;
mod args;
mod backup;
mod bound;
mod centrality;
mod collect;
mod communities;
mod compact;
mod components;
mod core;
mod dense;
mod doctor;
mod erase;
mod exit;
mod export;
mod exposure;
mod freeze;
mod generations;
mod info;
mod ingest;
mod link;
mod matches;
mod output;
mod patterns;
mod progress;
mod projection;
mod rank;
mod report;
mod rings;
mod signals;
mod suspicion;
mod synth;
mod trace;
mod truss;
mod verify;

use clap::error::ErrorKind;
use clap::{CommandFactory, FromArgMatches, Parser, Subcommand};
use ringfence::{Error, Result, Run};
use serde_json::{Map, Value, json};
use std::io::{self, Write};
use std::process::ExitCode;

/// Finds fraud rings and follows money in account, device and transaction graphs.
#[derive(Debug, Parser)]
#[command(name = "ringfence", version, after_help = exit::HELP, max_term_width = 100)]
struct Cli {
    #[command(flatten)]
    common: Common,
    #[command(subcommand)]
    verb: Verb,
}

/// Options that every verb has.
#[derive(Debug, clap::Args)]
#[command(next_help_heading = "Options of every verb")]
struct Common {
    /// Print one JSON document on standard output instead of text.
    #[arg(long, global = true)]
    json: bool,
    /// Number of threads, 1 to 1024; as many as the machine has if not given. Answers do not depend on it.
    #[arg(long, global = true, value_name = "N")]
    threads: Option<usize>,
}

#[derive(Debug, Subcommand)]
enum Verb {
    Synth(synth::Args),
    Ingest(ingest::Args),
    Append(append::Args),
    Compact(compact::Args),
    Erase(erase::Args),
    Info(info::Args),
    Verify(verify::Args),
    Backup(backup::Args),
    BackupVerify(backup::VerifyArgs),
    BackupKey(backup::KeyFileArgs),
    Restore(backup::RestoreArgs),
    Drill(backup::DrillArgs),
    Generations(generations::Args),
    Gc(collect::Args),
    Doctor(doctor::Args),
    Components(components::Args),
    Communities(communities::Args),
    Core(core::Args),
    Truss(truss::Args),
    Dense(dense::Args),
    Centrality(centrality::Args),
    Patterns(patterns::Args),
    Suspicion(suspicion::Args),
    Rings(rings::Args),
    Report(report::Args),
    Link(link::Args),
    Trace(trace::Args),
    Freeze(freeze::Args),
    Bound(bound::Args),
    Exposure(exposure::Args),
    Rank(rank::Args),
    Export(export::Args),
}

impl Verb {
    fn run(&self, run: &Run) -> Result<Answer> {
        match self {
            Verb::Synth(args) => synth::run(args, run),
            Verb::Ingest(args) => ingest::run(args, run),
            Verb::Append(args) => append::run(args, run),
            Verb::Compact(args) => compact::run(args, run),
            Verb::Erase(args) => erase::run(args, run),
            Verb::Info(args) => info::run(args),
            Verb::Verify(args) => verify::run(args, run),
            Verb::Backup(args) => backup::run(args, run),
            Verb::BackupVerify(args) => backup::run_verify(args, run),
            Verb::BackupKey(args) => backup::run_key(args),
            Verb::Restore(args) => backup::run_restore(args, run),
            Verb::Drill(args) => backup::run_drill(args, run),
            Verb::Generations(args) => generations::run(args),
            Verb::Gc(args) => collect::run(args, run),
            Verb::Doctor(args) => doctor::run(args),
            Verb::Components(args) => components::run(args, run),
            Verb::Communities(args) => communities::run(args, run),
            Verb::Core(args) => core::run(args, run),
            Verb::Truss(args) => truss::run(args, run),
            Verb::Dense(args) => dense::run(args, run),
            Verb::Centrality(args) => centrality::run(args, run),
            Verb::Patterns(args) => patterns::run(args, run),
            Verb::Suspicion(args) => suspicion::run(args, run),
            Verb::Rings(args) => rings::run(args, run),
            Verb::Report(args) => report::run(args, run),
            Verb::Link(args) => link::run(args, run),
            Verb::Trace(args) => trace::run(args, run),
            Verb::Freeze(args) => freeze::run(args, run),
            Verb::Bound(args) => bound::run(args, run),
            Verb::Exposure(args) => exposure::run(args, run),
            Verb::Rank(args) => rank::run(args, run),
            Verb::Export(args) => export::run(args, run),
        }
    }
}

/// What a verb has to say, to people and to programs.
#[derive(Debug)]
struct Answer {
    /// Lines for people.
    text: String,
    /// Members of the JSON document beside `ok`.
    json: Map<String, Value>,
    /// With what the program ends. Everything but [`exit::DONE`] is an answer that says what is wrong in `error`.
    code: u8,
}

impl Answer {
    /// An answer of `text` and the members of `json`, which is an object.
    fn new(text: impl Into<String>, json: Value) -> Self {
        let json = if let Value::Object(members) = json {
            members
        } else {
            Map::from_iter([("answer".into(), json)])
        };
        Answer { text: text.into(), json, code: exit::DONE }
    }
}

/// The command line; every verb's help ends with the exit codes.
fn command() -> clap::Command {
    Cli::command().mut_subcommands(|verb| verb.after_help(exit::HELP))
}

/// Runs the command that the process was started with.
pub fn main() -> ExitCode {
    let cli = match command().try_get_matches().and_then(|matches| Cli::from_arg_matches(&matches)) {
        Ok(cli) => cli,
        Err(error) => return usage(&error),
    };
    let (json, code) = match execute(&cli) {
        Ok(answer) if cli.common.json => {
            let mut document = Map::from_iter([("ok".to_string(), Value::Bool(answer.code == exit::DONE))]);
            document.extend(answer.json);
            (Some(Value::Object(document)), answer.code)
        }
        Ok(answer) => return print(&answer.text, answer.code),
        Err(error) => {
            complain(&error.to_string());
            let code = exit::code(&error, signals::caught());
            (cli.common.json.then(|| failure(exit::kind(&error), &error.to_string(), code)), code)
        }
    };
    print(&json.map_or(String::new(), |document| format!("{document}\n")), code)
}

fn execute(cli: &Cli) -> Result<Answer> {
    let mut run = Run::new();
    if let Some(threads) = cli.common.threads {
        run = run.threads(threads)?;
    }
    signals::cancel_on_signal(&run).map_err(|source| Error::Io { path: "signal handlers".into(), source })?;
    let progress = progress::Bar::on_terminal();
    if let Some(bar) = &progress {
        run = run.progress(bar.listener());
    }
    let answer = run.install(|| cli.verb.run(&run));
    drop(progress);
    answer
}

/// Help and version on standard output; a wrong command line as a complaint.
fn usage(error: &clap::Error) -> ExitCode {
    if matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion) {
        return print(&error.render().to_string(), exit::DONE);
    }
    // Not parsed, so looked for: a program that asked for JSON gets it here too.
    let json = std::env::args_os().any(|argument| argument == "--json");
    let text = error.render().to_string();
    let _ = io::stderr().write_all(text.as_bytes());
    let message = text.strip_prefix("error: ").unwrap_or(&text).trim_end();
    let document = if json { format!("{}\n", failure("usage", message, exit::USAGE)) } else { String::new() };
    print(&document, exit::USAGE)
}

fn failure(kind: &str, message: &str, code: u8) -> Value {
    json!({ "ok": false, "error": { "kind": kind, "message": message, "exit_code": code } })
}

/// Writes to standard output. A reader that has gone (`| head`) is no failure; a full disk is.
fn print(text: &str, code: u8) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            complain(&format!("standard output: {error}"));
            ExitCode::from(exit::FAILED)
        }
        _ => ExitCode::from(code),
    }
}

fn complain(message: &str) {
    // Standard error may be closed; there is nobody left to tell.
    let _ = writeln!(io::stderr(), "error: {message}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_line_is_well_formed() {
        command().debug_assert();
    }

    #[test]
    fn exit_codes_are_in_every_help() {
        let mut command = command();
        let mut helps: Vec<String> =
            command.get_subcommands_mut().map(|verb| verb.render_help().to_string()).collect();
        helps.push(command.render_help().to_string());
        for help in helps {
            for code in ["0 ", "1 ", "2 ", "4 ", "5 ", "130 ", "143 "] {
                assert!(help.contains(&format!("\n  {code}")), "{code:?} is not in {help}");
            }
        }
    }
}
