//! What the engine finds, in the terms of the evaluation: the only part of it that asks the engine.

use super::shape::Definition;
use super::table::Searched;
use super::{Find, Truth};
use ringfence::Run;
use ringfence::patterns::{CycleOptions, Instance, Kept, Transfers, Typology, cycle_instances, cycles};
use ringfence::units::time::SECOND_US;
use serde_json::Value;

/// Searches for cycles; `settings` are other than the defaults: of all typologies, and of cycles under their name.
pub fn search(truth: &Truth, settings: &Value, run: &Run) -> Vec<Searched> {
    let transfers = Transfers::new(&truth.view(), truth.rates.as_ref(), run).unwrap();
    let set = |name: &str| settings["cycle"].get(name).or(settings.get(name));
    let number = |name: &str| set(name).map(|value| value.as_u64().unwrap());
    let permille = |text: &str| {
        let (min, max) = text.split_once('-').unwrap();
        Kept { min_permille: min.parse().unwrap(), max_permille: max.parse().unwrap() }
    };
    let mut options = CycleOptions::default();
    options.span_us = number("span_s").map_or(options.span_us, |span_s| span_s as i64 * SECOND_US);
    options.length_min = number("length_min").map_or(options.length_min, |length| length as u32);
    options.length_max = number("length_max").map_or(options.length_max, |length| length as u32);
    if let Some(text) = set("passed_on").and_then(Value::as_str).filter(|text| *text != "any") {
        options.passed_on = permille(text);
    }
    let found = cycles(&transfers, &options, run).unwrap();
    let find = |instance: Instance| {
        let mut accounts: Vec<u32> = instance.members.iter().map(|member| member.account.0).collect();
        accounts.sort_unstable();
        Find { accounts, transactions: instance.transactions }
    };
    vec![Searched {
        typology: "cycle",
        definition: Some(definition(&options)),
        truncated: found.cut.truncated(),
        finds: cycle_instances(&found, Typology::Cycle).into_iter().map(find).collect(),
    }]
}

/// The definition behind options, as far as attempts can miss it.
fn definition(options: &CycleOptions) -> Definition {
    let kept = options.passed_on;
    Definition {
        span_us: options.span_us,
        least: options.length_min as usize,
        length_max: options.length_max as usize,
        passed_on: (kept != Kept::ANY)
            .then_some((i128::from(kept.min_permille), i128::from(kept.max_permille))),
        share_permille: 0,
    }
}
