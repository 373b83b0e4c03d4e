//! A process is killed at every call of the disk, and in the middle of every write; what it leaves is whole.
//!
//! What a process wrote stays when it is killed, so this cannot find a sync that is missing: `power` does.

use crate::disks::{Fault, Faulty};
use crate::scenario::{ALL, Scenario, alone, each};
use crate::support::random;
use crate::{SEED, Tally, Verdict, in_turn, scratch, torture};
use ringfence::store::disk::System;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};
use std::time::Instant;

/// Name of the environment variable by which a child learns what to do.
const CHILD: &str = "RINGFENCE_FAULTS_CHILD";
/// The same for a process that kills children.
const WORKER: &str = "RINGFENCE_FAULTS_WORKER";
/// Rounds over all calls; each has other places within the writes.
const ROUNDS: u64 = 3;
/// The same in the long form.
const ROUNDS_TORTURE: u64 = 20;

#[test]
#[ignore = "run by a worker, as a process of its own that is killed"]
#[allow(clippy::disallowed_methods)] // A test is a door.
fn child() {
    let Ok(task) = std::env::var(CHILD) else { return };
    let [scenario, at, share, place] = task.splitn(4, ' ').collect::<Vec<_>>()[..] else { panic!("{task}") };
    let scenario = ALL[scenario.parse::<usize>().unwrap()];
    let fault = Fault::Kill(share.parse().unwrap());
    let disk = Faulty::at(System::shared(), at.parse().unwrap(), fault);
    (scenario.run)(disk, Path::new(place)).unwrap();
}

/// A process of its own for one scenario, which says last what it found. In one process several could not be tried side by side: a
/// child that is being started holds, for a moment, the locks of all that its parent has open.
#[test]
#[ignore = "run by the_process_is_killed_at_every_call, as a process of its own"]
#[allow(clippy::disallowed_methods)] // A test is a door.
fn worker() {
    let Ok(scenario) = std::env::var(WORKER) else { return };
    let number = scenario.parse::<usize>().unwrap();
    let rounds = if torture() { ROUNDS_TORTURE } else { ROUNDS };
    let tally = killed(number, &ALL[number], rounds);
    println!("\ntally {} {} {} {}", tally.faults, tally.lost, tally.broken, tally.mixed);
}

/// This program again, for one of the tests that are run as processes of their own.
fn again(test: &str, variable: &str, task: String) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.args(["--ignored", "--exact", test, "--test-threads=1", "--nocapture"]).env(variable, task);
    command
}

/// Runs an operation in a process of its own that is killed at call `at`.
fn run_and_kill(scenario: usize, at: u64, share: u64, place: &Path) -> ExitStatus {
    let task = format!("{scenario} {at} {share} {}", place.display());
    let mut child = again("kill::child", CHILD, task);
    child.stdout(Stdio::null()).stderr(Stdio::null()).status().unwrap()
}

/// What a worker found in a scenario, and all that it said.
fn work(number: usize) -> (Tally, String) {
    let output = again("kill::worker", WORKER, number.to_string()).output().unwrap();
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let (stdout, stderr) = (said(&output.stdout), said(&output.stderr));
    let name = ALL[number].name;
    assert!(output.status.success(), "{name}: {}\n{stdout}\n{stderr}", output.status);
    let tally = stdout.lines().find_map(|line| line.strip_prefix("tally "));
    let tally = tally.unwrap_or_else(|| panic!("{name}: no tally\n{stdout}\n{stderr}"));
    let numbers: Vec<u64> = tally.split(' ').map(|number| number.parse().unwrap()).collect();
    let [faults, lost, broken, mixed] = numbers[..] else { panic!("{name}: {tally}") };
    (Tally { faults, lost, broken, mixed }, stdout)
}

#[test]
fn the_process_is_killed_at_every_call() {
    let _turn = in_turn();
    let began = Instant::now();
    let mut tally = Tally::default();
    let numbers: Vec<usize> = (0..ALL.len()).collect();
    for (found, said) in each(&numbers, |&number| work(number)) {
        assert!(found.faults > 0, "nothing was killed: {said}");
        said.lines().filter(|line| line.starts_with("kill, ")).for_each(|line| println!("{line}"));
        tally.add(found);
    }
    tally.print("kill");
    println!("  in {:.1} s", began.elapsed().as_secs_f64());
    assert_eq!(tally.num_bad(), 0);
}

/// Kills the operation of a scenario at each call.
fn killed(number: usize, scenario: &Scenario, rounds: u64) -> Tally {
    let mut tally = Tally::default();
    let states = scenario.states();
    let mut num_calls = 0;
    for round in 0..rounds {
        for at in 0.. {
            let place = scratch();
            (scenario.prepare)(System::shared(), place.path());
            // Before the first byte, anywhere within, and behind the last.
            let share = match round {
                0 => 0,
                1 => 255,
                _ => random(SEED ^ round, at) % 256,
            };
            let status = run_and_kill(number, at, share, place.path());
            let acknowledged = status.success();
            assert!(acknowledged || status.signal() == Some(9), "{}, call {at}: {status}", scenario.name);
            let found = alone(|| found_by_the_next(scenario, place.path(), &states.after));
            let verdict = tally.judge(&states, &found, acknowledged);
            let what = format!("{}, round {round}, killed at call {at}", scenario.name);
            assert!(!matches!(verdict, Verdict::Bad(_)), "{what}: {verdict:?}");
            if acknowledged {
                tally.faults -= 1;
                num_calls = at;
                break;
            }
        }
    }
    println!("\nkill, {}: {num_calls} calls, {rounds} rounds", scenario.name);
    tally
}

/// What is live, and whether the operation can be done if it was not.
fn found_by_the_next(scenario: &Scenario, place: &Path, after: &str) -> Result<String, String> {
    // The next writer first, without a look that may clear up before it.
    let copy = scratch();
    let copied = copy.path().join("copy");
    crate::state::copy(place, &copied);
    let state = (scenario.state)(place)?;
    if state != after {
        (scenario.run)(System::shared(), &copied)
            .map_err(|error| format!("the next writer failed: {error}"))?;
        let again = (scenario.state)(&copied)?;
        if again != after {
            return Err(format!("the next writer left {again}"));
        }
    }
    Ok(state)
}
