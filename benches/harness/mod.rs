//! Times whole stages: loading outside the clock, one warm-up, an odd number of
//! trials, the median; every answer is checked, and every result is one JSON line.

use ringfence::Run;
use serde_json::json;
use std::hint::black_box;
use std::time::Instant;

/// What is timed, and what its rate counts.
pub struct Stage<'a> {
    /// Name in the results, and what the filter on the command line looks for.
    pub name: &'a str,
    /// Things worked on in one trial.
    pub count: u64,
    /// What these things are.
    pub unit: &'a str,
}

/// The circumstances of a run of stages.
pub struct Harness {
    trials: usize,
    threads: usize,
    run: Run,
    filter: Option<String>,
    input: String,
}

impl Harness {
    /// Reads the filter from the command line, and `RINGFENCE_BENCH_TRIALS` (5) and `RINGFENCE_BENCH_THREADS` (all).
    pub fn new(input: String) -> Self {
        let trials = number("RINGFENCE_BENCH_TRIALS").unwrap_or(5) as usize | 1;
        let machine = std::thread::available_parallelism().map_or(1, |threads| threads.get());
        let threads = number("RINGFENCE_BENCH_THREADS").map_or(machine, |threads| threads as usize);
        let run = Run::new().threads(threads).expect("RINGFENCE_BENCH_THREADS lies between 1 and 1024");
        let filter = std::env::args().skip(1).find(|argument| !argument.starts_with('-'));
        Self { trials, threads, run, filter, input }
    }

    /// Whether `name` passes the filter of the command line.
    pub fn wants(&self, name: &str) -> bool {
        self.filter.as_ref().is_none_or(|filter| name.contains(filter.as_str()))
    }

    /// Times `work` on what `load` makes, prints a line, and returns the median in seconds.
    ///
    /// `load`, `check` and the release of what `work` returns are outside the clock.
    pub fn time<L: Send, T: Send>(
        &self,
        stage: &Stage,
        mut load: impl FnMut() -> L,
        work: impl Fn(L, &Run) -> T + Sync,
        check: impl Fn(&T),
    ) -> f64 {
        let mut seconds = Vec::with_capacity(self.trials);
        for trial in 0..=self.trials {
            let loaded = black_box(load());
            let (answer, elapsed) = self.run.install(|| {
                let start = Instant::now();
                let answer = black_box(work(loaded, &self.run));
                (answer, start.elapsed().as_secs_f64())
            });
            check(&answer);
            if trial > 0 {
                seconds.push(elapsed);
            }
        }
        let mut sorted = seconds.clone();
        sorted.sort_by(f64::total_cmp);
        let median = sorted[sorted.len() / 2];
        let line = json!({
            "stage": stage.name,
            "input": self.input,
            "threads": self.threads,
            "trials_s": seconds.iter().map(|&s| rounded(s)).collect::<Vec<_>>(),
            "median_s": rounded(median),
            "spread": rounded((sorted[sorted.len() - 1] - sorted[0]) / median),
            "count": stage.count,
            "unit": stage.unit,
            "per_s": (stage.count as f64 / median).round(),
        });
        println!("{line}");
        median
    }

    /// Prints how many times as long as `baseline` a stage took; both are medians of this run.
    pub fn ratio(&self, stage: (&str, f64), baseline: (&str, f64)) {
        let line = json!({
            "ratio": format!("{} / {}", stage.0, baseline.0),
            "input": self.input,
            "threads": self.threads,
            "value": rounded(stage.1 / baseline.1),
        });
        println!("{line}");
    }
}

/// A whole number from the environment.
pub fn number(name: &str) -> Option<u64> {
    let text = text(name)?;
    Some(text.parse().unwrap_or_else(|_| panic!("{name}={text} is not a whole number")))
}

/// A text from the environment.
#[allow(clippy::disallowed_methods)] // A bench is a door.
pub fn text(name: &str) -> Option<String> {
    std::env::var(name).ok().filter(|text| !text.is_empty())
}

/// To four significant digits, so that lines can be read.
fn rounded(value: f64) -> f64 {
    format!("{value:.3e}").parse().unwrap_or(value)
}
