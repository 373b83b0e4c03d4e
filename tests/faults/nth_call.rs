//! The n-th call fails, for n = 1, 2, … until the operation passes: whole or not at all, said by name, and to be done again.

use crate::disks::{Call, Fault, Faulty};
use crate::scenario::{ALL, Scenario, alone, commit};
use crate::state::{State, listing};
use crate::{Tally, Verdict, scratch};
use ringfence::Error;
use ringfence::store::disk::System;
use std::path::{Path, PathBuf};

// Error numbers of the system.
const EINTR: i32 = 4;
const EIO: i32 = 5;
const ENOSPC: i32 = 28;
#[cfg(target_os = "linux")]
const EDQUOT: i32 = 122;
#[cfg(not(target_os = "linux"))]
const EDQUOT: i32 = 69;

/// One run under one fault.
struct Trial {
    /// What the operation said.
    answer: ringfence::Result<()>,
    /// Its calls, those after the fault among them.
    calls: Vec<(Call, PathBuf)>,
    /// What it left.
    verdict: Verdict,
    /// Whether it left exactly what was there before.
    is_clean: bool,
    /// Where it was done.
    place: PathBuf,
}

/// Runs a scenario with a fault in call `at`, and then again on a sound disk.
fn trial(scenario: Scenario, states: &[State; 2], at: u64, fault: Fault, tally: &mut Tally) -> Trial {
    let place = scratch();
    (scenario.prepare)(System::shared(), place.path());
    let before = listing(place.path());
    let disk = Faulty::at(System::shared(), at, fault);
    let answer = (scenario.run)(disk.clone(), place.path());
    let is_clean = listing(place.path()) == before;
    let mut found = (scenario.state)(place.path());
    if found.as_ref() == Ok(&states[0]) {
        // A second attempt finds nothing in its way.
        found = match (scenario.run)(System::shared(), place.path()) {
            Ok(()) => (scenario.state)(place.path()).and_then(|state| {
                (state == states[1])
                    .then(|| states[0].clone())
                    .ok_or(format!("the second attempt left {state}"))
            }),
            Err(error) => Err(format!("the second attempt failed: {error}")),
        };
    }
    let verdict = tally.judge(states, &found, answer.is_ok());
    Trial { answer, calls: disk.calls(), verdict, is_clean, place: place.path().to_path_buf() }
}

/// The message names a path of the store and says what to do.
fn assert_helpful(error: &Error, place: &Path, remedy: &str, what: &str) {
    let message = error.to_string();
    assert!(message.contains(place.to_str().unwrap()), "{what}: no path: {message}");
    let remedy = if matches!(error, Error::CommitUnknown { .. }) { "ringfence info" } else { remedy };
    assert!(message.contains(remedy), "{what}: no remedy: {message}");
}

#[test]
#[ignore = "long, and not proved on this machine yet: cargo test --test faults -- --ignored --skip child"]
fn the_nth_call_fails() {
    let faults = [
        (Fault::Fails(EIO), "device failed"),
        (Fault::Fails(ENOSPC), "free some space"),
        (Fault::Fails(EDQUOT), "quota"),
        (Fault::FailsLate(EIO), "device failed"),
        (Fault::Dead(ENOSPC), "free some space"),
        (Fault::Fails(EINTR), "try again"),
        (Fault::Short, ""),
    ];
    let mut tally = Tally::default();
    for scenario in ALL {
        let states = scenario.states();
        let calls = calls(scenario);
        let commit = commit(&calls);
        for (fault, remedy) in faults {
            for at in 0..=calls.len() as u64 {
                if fault == Fault::Short
                    && calls.get(at as usize).is_some_and(|(call, _)| *call != Call::Write)
                {
                    continue;
                }
                let Trial { answer, calls: made, verdict, is_clean, place } =
                    alone(|| trial(scenario, &states, at, fault, &mut tally));
                let call = calls.get(at as usize);
                let what = format!("{}, {fault:?} in call {at}, {call:?}: {answer:?}", scenario.name);
                assert!(!matches!(verdict, Verdict::Bad(_)), "{what}: {verdict:?}");
                let Some((call, _)) = call else {
                    assert!(answer.is_ok(), "{what}: there is no such call");
                    continue;
                };
                // Only calls from the last rename on may leave it open what is live.
                let is_open = commit.is_some_and(|commit| at >= commit);
                match &answer {
                    Ok(()) => {
                        let repeated = matches!(call, Call::Create | Call::Open | Call::Write | Call::Empty)
                            || matches!(call, Call::Sync | Call::SyncDirectory);
                        let changes_nothing = states[0] == states[1];
                        let may_pass = fault == Fault::Short
                            || fault == Fault::Fails(EINTR) && repeated
                            || changes_nothing && verdict == Verdict::After;
                        assert!(may_pass, "{what}: the fault was passed over");
                    }
                    Err(error) => {
                        assert_ne!(fault, Fault::Short, "{what}");
                        assert_helpful(error, &place, remedy, &what);
                        assert_eq!(matches!(error, Error::CommitUnknown { .. }), is_open, "{what}");
                        assert!(
                            is_open || verdict == Verdict::Before || states[0] == states[1],
                            "{what}: an error, but it is live"
                        );
                        // What was there before an interrupted attempt may be cleared; nothing is added.
                        // A call that was done and said that it was not makes what nobody knows of.
                        let goes_on = matches!(fault, Fault::Fails(_)) && !is_open;
                        assert!(!goes_on || is_clean || scenario.clears, "{what}: something was left");
                    }
                }
                assert_not_synced_again(&made, at, fault, &what);
            }
        }
    }
    tally.print("n-th call");
    assert_eq!(tally.num_bad(), 0);
}

/// The calls of a scenario on a sound disk.
fn calls(scenario: Scenario) -> Vec<(Call, PathBuf)> {
    let place = scratch();
    (scenario.prepare)(System::shared(), place.path());
    let disk = Faulty::counting(System::shared());
    (scenario.run)(disk.clone(), place.path()).unwrap();
    disk.calls()
}

/// After a sync that failed nothing is synced, written or renamed any more; things may be removed.
fn assert_not_synced_again(calls: &[(Call, PathBuf)], at: u64, fault: Fault, what: &str) {
    let (Some((call, _)), after) = (calls.get(at as usize), calls.iter().skip(at as usize + 1)) else {
        return;
    };
    let is_failed_sync = matches!(call, Call::Sync | Call::SyncDirectory)
        && matches!(fault, Fault::Fails(number) | Fault::FailsLate(number) | Fault::Dead(number) if number != EINTR);
    for (call, path) in after.take_while(|_| is_failed_sync) {
        let removes = matches!(call, Call::Remove | Call::RemoveDirectory);
        assert!(removes, "{what}: then {call:?} of {}", name(path));
    }
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
