//! The n-th call fails, for n = 1, 2, … until the operation passes: whole or not at all, said by name, and to be done again.

use crate::disks::{Call, Fault, Faulty};
use crate::scenario::{ALL, Scenario, States, alone, calls, each};
use crate::state::listing;
use crate::{Tally, Verdict, in_turn, scratch, torture};
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
fn trial(scenario: Scenario, states: &States, at: u64, fault: Fault, tally: &mut Tally) -> Trial {
    let place = scratch();
    (scenario.prepare)(System::shared(), place.path());
    // Who held a lock last is for people alone, and the file stays.
    let listing = || {
        let mut listing = listing(place.path());
        listing.retain(|(path, _)| !path.ends_with("LOCK"));
        listing
    };
    let before = listing();
    let disk = Faulty::at(System::shared(), at, fault);
    let answer = (scenario.run)(disk.clone(), place.path());
    let is_clean = listing() == before;
    let mut found = (scenario.state)(place.path());
    if found.as_ref() == Ok(&states.before) {
        // A second attempt finds nothing in its way.
        found = match (scenario.run)(System::shared(), place.path()) {
            Ok(()) => (scenario.state)(place.path()).and_then(|state| {
                (state == states.after)
                    .then(|| states.before.clone())
                    .ok_or(format!("the second attempt left {state}"))
            }),
            Err(error) => Err(format!("the second attempt failed: {error}")),
        };
    }
    let verdict = tally.judge(states, &found, answer.is_ok());
    Trial { answer, calls: disk.calls(), verdict, is_clean, place: place.path().to_path_buf() }
}

/// Faults, and what the message must say to do.
const FAULTS: [(Fault, &str); 7] = [
    (Fault::Fails(EIO), "device failed"),
    (Fault::Fails(ENOSPC), "free some space"),
    (Fault::Fails(EDQUOT), "quota"),
    (Fault::FailsLate(EIO), "device failed"),
    (Fault::Dead(ENOSPC), "free some space"),
    (Fault::Fails(EINTR), "try again"),
    (Fault::Short, ""),
];

#[test]
fn the_nth_call_fails() {
    let _turn = in_turn();
    let (mut tally, mut wrong) = (Tally::default(), Vec::new());
    for (found, of_scenario) in each(&ALL, of_scenario) {
        tally.add(found);
        wrong.extend(of_scenario);
    }
    tally.print("n-th call");
    assert!(wrong.is_empty(), "{} times, first:\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
    assert_eq!(tally.num_bad(), 0);
}

/// Puts each fault into each call of a scenario; what is wrong, in words.
fn of_scenario(scenario: &Scenario) -> (Tally, Vec<String>) {
    let (mut tally, mut wrong) = (Tally::default(), Vec::new());
    let states = scenario.states();
    let calls = calls(scenario);
    let commit = scenario.commit(&calls);
    for (fault, remedy) in FAULTS {
        if fault == Fault::Fails(EDQUOT) && !torture() {
            continue; // As ENOSPC.
        }
        for at in 0..=calls.len() as u64 {
            let call = calls.get(at as usize);
            if fault == Fault::Short && call.is_some_and(|(call, _)| *call != Call::Write) {
                continue;
            }
            let trial = alone(|| trial(*scenario, &states, at, fault, &mut tally));
            // Only calls from the last rename on may leave it open what is live.
            let is_open = commit.is_some_and(|commit| at >= commit);
            if let Err(why) = trial.check(scenario, fault, call, is_open, remedy, states.changes_nothing()) {
                wrong.push(format!("{}, {fault:?} in call {at}, {call:?}: {why}", scenario.name));
            } else if let Some(synced) = synced_again(&trial.calls, at, fault) {
                wrong.push(format!("{}, {fault:?} in call {at}: then {synced}", scenario.name));
            }
        }
    }
    println!("n-th call, {}: {} calls", scenario.name, calls.len());
    (tally, wrong)
}

impl Trial {
    /// Whether the operation did and said the right thing, given that call `call` had the fault.
    fn check(
        &self,
        scenario: &Scenario,
        fault: Fault,
        call: Option<&(Call, PathBuf)>,
        is_open: bool,
        remedy: &str,
        changes_nothing: bool,
    ) -> Result<(), String> {
        let Trial { answer, verdict, is_clean, place, .. } = self;
        let is = |right: bool, why: &str| right.then_some(()).ok_or(format!("{why}: {answer:?}"));
        is(!matches!(verdict, Verdict::Bad(_)), &format!("{verdict:?}"))?;
        let Some((call, path)) = call else { return is(answer.is_ok(), "there is no such call") };
        let Err(error) = answer else {
            let repeated = matches!(call, Call::Create | Call::Open | Call::Write | Call::Empty)
                || matches!(call, Call::Sync | Call::SyncDirectory);
            // Of a scratch file that is no longer needed: the next writer removes it.
            let of_scratch = *call == Call::Remove && name(path).starts_with("tmp-");
            let may_pass = fault == Fault::Short
                || fault == Fault::Fails(EINTR) && repeated
                || of_scratch
                || changes_nothing && *verdict == Verdict::After;
            return is(may_pass, "the fault was passed over");
        };
        is(fault != Fault::Short, "a short write is continued")?;
        let message = error.to_string();
        is(message.contains(place.to_str().unwrap()), "no path")?;
        let is_unknown = matches!(error, Error::CommitUnknown { .. });
        let remedy = match (is_unknown, is_open && !scenario.publishes()) {
            (true, _) => "ringfence info",
            (_, true) if message.contains("it is complete") => "verify it",
            _ => remedy,
        };
        is(message.contains(remedy), "no remedy")?;
        let is_removing = is_open && scenario.removes;
        let is_right = is_unknown == (is_open && scenario.publishes()) || is_removing;
        is(is_right, "it is known or not known what is live")?;
        // Of what has no last step, as a collection, all may be done before something fails.
        let may_be_done = is_open || changes_nothing || scenario.commit.is_none();
        is(may_be_done || *verdict == Verdict::Before, "an error, but it is live")?;
        // A call that was done and said that it was not makes what nobody knows of.
        let goes_on = matches!(fault, Fault::Fails(_)) && !is_open;
        is(!goes_on || *is_clean || scenario.goes_part, "something was left")
    }
}

/// After a sync that failed nothing is synced, written or renamed any more; things may be removed.
fn synced_again(calls: &[(Call, PathBuf)], at: u64, fault: Fault) -> Option<String> {
    let (call, _) = calls.get(at as usize)?;
    let is_failed_sync = matches!(call, Call::Sync | Call::SyncDirectory)
        && matches!(fault, Fault::Fails(number) | Fault::FailsLate(number) | Fault::Dead(number) if number != EINTR);
    let mut after = calls.iter().skip(at as usize + 1).take_while(|_| is_failed_sync);
    let changes = |(call, _): &&(Call, PathBuf)| !matches!(call, Call::Remove | Call::RemoveDirectory);
    after.find(changes).map(|(call, path)| format!("{call:?} of {}", name(path)))
}

fn name(path: &Path) -> String {
    path.file_name().unwrap_or_default().to_string_lossy().into_owned()
}
