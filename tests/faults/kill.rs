//! A process is killed at every call of the disk, and in the middle of every write; what it leaves is whole.
//!
//! What a process wrote stays when it is killed, so this cannot find a sync that is missing: `power` does.

use crate::disks::{Fault, Faulty};
use crate::scenario::{ALL, Scenario, alone};
use crate::support::random;
use crate::{SEED, Tally, Verdict, in_turn, scratch, torture};
use ringfence::store::disk::System;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, ExitStatus, Stdio};

/// Name of the environment variable by which a child learns what to do.
const CHILD: &str = "RINGFENCE_FAULTS_CHILD";
/// Rounds over all calls; each has other places within the writes.
const ROUNDS: u64 = 3;
/// The same in the long form.
const ROUNDS_TORTURE: u64 = 20;

#[test]
#[ignore = "run by the_process_is_killed_at_every_call, as a process of its own"]
#[allow(clippy::disallowed_methods)] // A test is a door.
fn child() {
    let Ok(task) = std::env::var(CHILD) else { return };
    let [scenario, at, share, place] = task.splitn(4, ' ').collect::<Vec<_>>()[..] else { panic!("{task}") };
    let scenario = ALL[scenario.parse::<usize>().unwrap()];
    let fault = Fault::Kill(share.parse().unwrap());
    let disk = Faulty::at(System::shared(), at.parse().unwrap(), fault);
    (scenario.run)(disk, Path::new(place)).unwrap();
}

/// Runs an operation in a process of its own that is killed at call `at`.
fn run_and_kill(scenario: usize, at: u64, share: u64, place: &Path) -> ExitStatus {
    Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--exact", "kill::child", "--test-threads=1"])
        .env(CHILD, format!("{scenario} {at} {share} {}", place.display()))
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .unwrap()
}

#[test]
fn the_process_is_killed_at_every_call() {
    let _turn = in_turn();
    let rounds = if torture() { ROUNDS_TORTURE } else { ROUNDS };
    let mut tally = Tally::default();
    // One after the other: see `in_turn`.
    for (number, scenario) in ALL.iter().enumerate() {
        tally.add(killed(number, scenario, rounds));
    }
    tally.print("kill");
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
    println!("kill, {}: {num_calls} calls, {rounds} rounds", scenario.name);
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
