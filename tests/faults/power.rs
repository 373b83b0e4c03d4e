//! Power is lost at any moment: what is left is the generation before or the new one, and the new one if it was acknowledged.
//!
//! And the judge is judged: with any one sync left out, the same campaign must find a store that is not sound.

use crate::disks::Forgetful;
use crate::record::{Image, Moment, Recorder};
use crate::scenario::{ALL, Scenario, States, alone, each};
use crate::state::State;
use crate::support::random;
use crate::{SEED, Tally, Verdict, in_turn, scratch, torture};
use ringfence::store::Disk;
use std::collections::{BTreeMap, HashMap};
use std::path::{Path, PathBuf};
use std::time::Instant;

/// Images over all scenarios.
const IMAGES: u64 = 100_000;
/// The same in the long form.
const IMAGES_TORTURE: u64 = 10_000_000;
/// Images tried for one sync left out, before it is said that nothing was found.
const IMAGES_PER_MUTANT: u64 = 20_000;

/// A record of a scenario: the moments at which power may fail.
struct Record {
    scenario: Scenario,
    states: States,
    /// The disk after each change, from where the operation begins.
    moments: Vec<Moment>,
    /// Where it was done.
    place: PathBuf,
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
        Record { scenario, states: scenario.states(), moments, place: place.path().to_path_buf() }
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
    let _turn = in_turn();
    let began = Instant::now();
    let num_images = if torture() { IMAGES_TORTURE } else { IMAGES } / ALL.len() as u64;
    let judges = each(&ALL, |scenario| {
        let record = Record::of(*scenario, |disk| disk);
        let mut judge = Judge::new();
        alone(|| (0..num_images).for_each(|number| judge.image(&record, number)));
        judge.tally.print(&format!("power, {}", scenario.name));
        println!("  {} moments, {} different images", record.moments.len(), judge.known.len());
        judge
    });
    let mut all = Tally::default();
    judges.iter().for_each(|judge| all.add(judge.tally));
    all.print("power");
    let num_different: usize = judges.iter().map(|judge| judge.known.len()).sum();
    println!("  {num_different} different images in {:.1} s", began.elapsed().as_secs_f64());
    let first_bad = judges.into_iter().find_map(|judge| judge.first_bad);
    assert_eq!(all.num_bad(), 0, "{}", first_bad.unwrap());
}

/// A sync of an operation, however the operation begins: whose code, what is synced, and for which time.
type Site = (&'static str, PathBuf, usize);

/// A sync may be needed only where something was there before, or was not. So each must be missed in one scenario at
/// least of those that run the same code.
#[test]
fn every_sync_is_needed() {
    let _turn = in_turn();
    let mut missed = BTreeMap::<Site, bool>::new();
    // Most are missed soon; those that are not get more images.
    for num_images in [IMAGES_PER_MUTANT / 40, IMAGES_PER_MUTANT] {
        let done: Vec<Site> =
            missed.iter().filter(|(_, missed)| **missed).map(|(site, _)| site.clone()).collect();
        for (site, is_missed) in
            each(&ALL, |scenario| syncs_of(scenario, num_images, &done)).into_iter().flatten()
        {
            *missed.entry(site).or_default() |= is_missed;
        }
    }
    let num_missed = missed.values().filter(|missed| **missed).count();
    println!("power: seed {SEED}: {num_missed} of {} syncs missed when left out", missed.len());
    let not_missed: Vec<_> = missed.iter().filter(|(_, is_missed)| !**is_missed).collect();
    assert!(not_missed.is_empty(), "{not_missed:#?}");
}

/// The syncs of a scenario but for those that are `done`, and whether `num_images` images show a store that is not sound
/// when the sync is left out.
fn syncs_of(scenario: &Scenario, num_images: u64, done: &[Site]) -> Vec<(Site, bool)> {
    let (mut found, mut times) = (Vec::new(), HashMap::<PathBuf, usize>::new());
    for number in 0.. {
        let mut mutant = None;
        let record = Record::of(*scenario, |disk| {
            let forgetful = Forgetful::new(disk, number);
            mutant = Some(forgetful.clone());
            forgetful
        });
        let Some(path) = mutant.and_then(|mutant| mutant.left_out()) else { break };
        let path = plain(path.strip_prefix(&record.place).unwrap());
        let is_file = path.file_name().is_some_and(|name| name.to_string_lossy().starts_with("tmp-"));
        let time = times.entry(path.clone()).and_modify(|time| *time += 1).or_default();
        let of_others =
            scenario.of_others.iter().find(|(here, ..)| path == Path::new("store") && here == time);
        let (code, time) = of_others.map_or((scenario.code, *time), |(_, code, there)| (*code, *there));
        let site = (code, path, time);
        // The file of an operation that is given up was synced before that was known.
        if is_file && record.states.changes_nothing() || done.contains(&site) {
            continue;
        }
        let mut judge = Judge::new();
        alone(|| {
            while judge.first_bad.is_none() && judge.tally.faults < num_images {
                judge.image(&record, judge.tally.faults);
            }
        });
        found.push((site, judge.first_bad.is_some()));
    }
    found
}

/// A path within a store, whatever it is called, and without the number of this process.
fn plain(path: &Path) -> PathBuf {
    let mut parts = path.iter();
    let store = parts.next().map(|_| "store");
    store.into_iter().map(PathBuf::from).chain(parts.map(PathBuf::from)).collect()
}
