//! What the engine finds, in the terms of the evaluation: the only part of it that asks the engine.

use super::shape::Definition;
use super::table::Searched;
use super::{Find, Truth};
use ringfence::Run;
use ringfence::patterns::{Instance, Kept, Options, Transfers, Typology, find, searches};
use serde_json::Value;

/// Searches for every typology; `settings` are other than the defaults, as `--set` of the command line takes them.
pub fn search(truth: &Truth, settings: &Value, run: &Run) -> Vec<Searched> {
    let transfers = Transfers::new(&truth.view(), truth.rates.as_ref(), run).unwrap();
    let searches = searches(&Typology::ALL, settings.as_object().unwrap()).unwrap();
    searches.iter().map(|(typology, options)| searched(&transfers, *typology, options, run)).collect()
}

fn searched(transfers: &Transfers, typology: Typology, options: &Options, run: &Run) -> Searched {
    let found = find(transfers, typology, options, run).unwrap();
    let find = |instance: Instance| {
        let mut accounts: Vec<u32> = instance.members.iter().map(|member| member.account.0).collect();
        accounts.sort_unstable();
        Find { accounts, transactions: instance.transactions }
    };
    Searched {
        typology: typology.name(),
        definition: definition(options),
        truncated: found.cut.truncated(),
        finds: found.instances.into_iter().map(find).collect(),
    }
}

/// The definition behind options, as far as attempts of their typologies can miss it.
pub fn definition(options: &Options) -> Option<Definition> {
    let open =
        Definition { span_us: 0, least: 2, length_max: usize::MAX, passed_on: None, share_permille: 0 };
    let part = |kept: Kept| {
        (kept != Kept::ANY).then_some((i128::from(kept.min_permille), i128::from(kept.max_permille)))
    };
    Some(match options {
        Options::Fan(fan) => {
            Definition { span_us: fan.span_us, least: fan.counterparties_min as usize, ..open }
        }
        Options::Through(through) => {
            Definition { span_us: through.span_us, least: through.payers_min as usize, ..open }
        }
        Options::ScatterGather(mules) => {
            Definition { span_us: mules.span_us, least: mules.mules_min as usize, ..open }
        }
        Options::Cycle(cycle) => Definition {
            span_us: cycle.span_us,
            least: cycle.length_min as usize,
            length_max: cycle.length_max as usize,
            passed_on: part(cycle.passed_on),
            ..open
        },
        Options::Chain(chain) => Definition {
            span_us: chain.dwell_us,
            least: chain.length_min as usize,
            passed_on: part(chain.passed_on),
            ..open
        },
        Options::Block(block) => Definition {
            span_us: block.span_us,
            least: block.payers_min as usize,
            share_permille: block.share_permille as usize,
            ..open
        },
        Options::Dormant(_) => return None,
    })
}
