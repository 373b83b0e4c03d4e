//! Power is lost at any moment: what is left is the generation before or the new one, and the new one if it was acknowledged.
//!
//! And the judge is judged: with any one sync left out, the same campaign must find a store that is not sound.

use crate::disks::Forgetful;
use crate::record::{Image, Moment, Recorder};
use crate::scenario::{ALL, Scenario, alone};
use crate::state::State;
use crate::support::random;
use crate::{SEED, Tally, Verdict, scratch, torture};
use ringfence::store::Disk;
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

/// Images over all scenarios.
const IMAGES: u64 = 100_000;
/// The same in the long form.
const IMAGES_TORTURE: u64 = 10_000_000;
/// Images tried for one sync left out, before it is said that nothing was found.
const IMAGES_PER_MUTANT: u64 = 20_000;

/// A record of a scenario: the moments at which power may fail.
struct Record {
    scenario: Scenario,
    /// The states before and after.
    states: [State; 2],
    /// The disk after each change, from where the operation begins.
    moments: Vec<Moment>,
}

impl Record {
    /// Runs a scenario on a recorder, its operation on what `disk` makes of it.
    fn of(
        scenario: Scenario,
        disk: impl FnOnce(std::sync::Arc<dyn Disk>) -> std::sync::Arc<dyn Disk>,
    ) -> Self {
        let place = scratch();
        let recorder = Recorder::new(place.path());
        (scenario.prepare)(recorder.clone(), place.path());
        let begin = recorder.changes().len();
        (scenario.run)(disk(recorder.clone()), place.path()).unwrap();
        let changes = recorder.changes();
        let moments = (begin..=changes.len()).map(|end| Moment::after(&changes[..end])).collect();
        Record { scenario, states: scenario.states(), moments }
    }
}

/// What became of images.
struct Judge {
    place: tempfile::TempDir,
    /// The state of each different image, or why it is not sound.
    known: HashMap<u64, Result<State, String>>,
    tally: Tally,
    /// The first bad image, in words.
    first_bad: Option<String>,
}

impl Judge {
    fn new() -> Self {
        Judge { place: scratch(), known: HashMap::new(), tally: Tally::default(), first_bad: None }
    }

    /// Makes image `number` of a record and judges it.
    fn image(&mut self, record: &Record, number: u64) {
        let mut step = 0;
        let mut choose = |below: u64| {
            step += 1;
            random(SEED ^ number << 20, step) % below.max(1)
        };
        // The moments in turn: none is left out, and the last, when all is acknowledged, comes more often.
        let last = record.moments.len() - 1;
        let at = match number % 4 {
            0 => last,
            _ => (number / 4) as usize % record.moments.len(),
        };
        let image = record.moments[at].image(&mut choose);
        let (place, scenario) = (self.place.path(), record.scenario);
        let state = self.known.entry(hash(&image)).or_insert_with(|| {
            lay_out(&image, place);
            (scenario.state)(place)
        });
        let Verdict::Bad(why) = self.tally.judge(&record.states, state, at == last) else { return };
        self.first_bad.get_or_insert_with(|| {
            format!("{}, image {number}, after change {at} of {last}: {why}", scenario.name)
        });
    }
}

fn hash(image: &Image) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    image.hash(&mut hasher);
    hasher.finish()
}

/// Makes `place` hold exactly what the image says.
fn lay_out(image: &Image, place: &Path) {
    for entry in std::fs::read_dir(place).unwrap() {
        let path: PathBuf = entry.unwrap().path();
        if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.unwrap();
    }
    for (path, bytes) in image {
        match bytes {
            None => std::fs::create_dir(place.join(path)).unwrap(),
            Some(bytes) => std::fs::write(place.join(path), bytes).unwrap(),
        }
    }
}

#[test]
fn power_may_fail_at_any_moment() {
    let mut all = Tally::default();
    let (mut num_different, mut first_bad) = (0, None);
    let began = Instant::now();
    let num_images = if torture() { IMAGES_TORTURE } else { IMAGES } / ALL.len() as u64;
    for scenario in ALL {
        let record = Record::of(scenario, |disk| disk);
        let mut judge = Judge::new();
        alone(|| (0..num_images).for_each(|number| judge.image(&record, number)));
        judge.tally.print(&format!("power, {}", scenario.name));
        println!("  {} moments, {} different images", record.moments.len(), judge.known.len());
        num_different += judge.known.len();
        all.add(judge.tally);
        first_bad = first_bad.or(judge.first_bad);
    }
    all.print("power");
    println!("  {num_different} different images in {:.1} s", began.elapsed().as_secs_f64());
    assert_eq!(all.num_bad(), 0, "{}", first_bad.unwrap());
}

#[test]
#[ignore = "long, and not proved on this machine yet: cargo test --test faults -- --ignored --skip child"]
fn every_sync_is_needed() {
    let mut longest = Duration::ZERO;
    for scenario in ALL {
        let mut num_syncs = 0;
        loop {
            let mut mutant = None;
            let record = Record::of(scenario, |disk| {
                let forgetful = Forgetful::new(disk, num_syncs);
                mutant = Some(forgetful.clone());
                forgetful
            });
            let Some(left_out) = mutant.and_then(|mutant| mutant.left_out()) else { break };
            num_syncs += 1;
            let is_file = left_out.file_name().is_some_and(|name| name.to_string_lossy().starts_with("tmp-"));
            if is_file && record.states[0] == record.states[1] {
                continue; // The file of an operation that is given up: it was synced before that was known.
            }
            let mut judge = Judge::new();
            let began = Instant::now();
            alone(|| {
                while judge.first_bad.is_none() && judge.tally.faults < IMAGES_PER_MUTANT {
                    judge.image(&record, judge.tally.faults);
                }
            });
            longest = longest.max(began.elapsed());
            let name = left_out.file_name().unwrap().to_string_lossy().into_owned();
            println!(
                "power, {}: without sync {num_syncs} (of {name}): found after {} images: {}",
                scenario.name,
                judge.tally.faults,
                judge.first_bad.as_deref().unwrap_or("NOTHING")
            );
            assert!(judge.first_bad.is_some(), "{}: sync {num_syncs}, of {name}", scenario.name);
        }
        println!("power, {}: seed {SEED}: {num_syncs} syncs, each missed when left out", scenario.name);
    }
    println!("the longest search took {:.1} s", longest.as_secs_f64());
}
