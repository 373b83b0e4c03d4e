//! Typologies against their definitions: the engine beside searches that try everything, on thousands of small ledgers.

#![allow(clippy::unwrap_used)] // A test that cannot go on may stop.

#[path = "../oracle/language.rs"]
mod language_oracle;
#[path = "../oracle/ledgers.rs"]
mod ledgers;
#[path = "../oracle/patterns.rs"]
mod oracle;
#[path = "../support/program.rs"]
mod program;
#[path = "../oracle/store.rs"]
mod store;
#[path = "../support/mod.rs"]
mod support;
#[path = "../oracle/trace.rs"]
mod trace;
#[path = "../oracle/typologies.rs"]
mod typology_oracle;

mod command_line;
mod cycles;
mod language;
mod language_file;
mod language_kernels;
mod language_text;
mod real;
mod significance;
mod truth;
mod typologies;

use ledgers::{Ledger, Random, random_ledger};

/// Ledgers of a run, about half a minute on two cores; `RINGFENCE_LEDGERS` asks for another number.
const NUM_LEDGERS: u64 = 20_000;

#[allow(clippy::disallowed_methods)] // A test program is a door.
fn num_ledgers() -> u64 {
    std::env::var("RINGFENCE_LEDGERS").map_or(NUM_LEDGERS, |number| number.parse().unwrap())
}

/// A ledger in which payments meet: few moments, parallel payments, and at times one account in most of them.
fn ledger(seed: u64) -> Ledger {
    let mut ledger = random_ledger(seed);
    let random = &mut Random(seed ^ 0x7061_7474);
    if random.once_in(4) {
        for payment in &mut ledger.payments {
            match random.below(3) {
                0 => payment.source = 0,
                1 => payment.destination = 0,
                _ => {}
            }
        }
    }
    ledger.payments.truncate(12 + random.below(36) as usize);
    ledger
}
