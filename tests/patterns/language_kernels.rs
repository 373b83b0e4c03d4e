//! Typologies in words beside the searches that are made for them. Both take the best window first; what is left of windows that overlap it is
//! another's to the language and nobody's to a typology, so that only the best windows must be alike.

use super::ledger;
use super::ledgers::Random;
use super::store::Stored;
use ringfence::Run;
use ringfence::patterns::{
    Budget, FanOptions, Match, Options, Query, Role, ScatterGatherOptions, Transfers, Typology, find, matches,
};
use ringfence::store::manifest::Partition;
use ringfence::units::Ties;
use std::collections::BTreeMap;

/// By accounts around a group, the most members of a window.
type Best = BTreeMap<Vec<u32>, usize>;

fn best(found: impl Iterator<Item = (Vec<u32>, usize)>) -> Best {
    let mut best = Best::new();
    for (around, members) in found {
        let most = best.entry(around).or_default();
        *most = members.max(*most);
    }
    best
}

fn kernel(stored: &Stored, typology: Typology, options: Options, around: &[Role], group: Role) -> Best {
    let run = Run::new();
    let transfers = Transfers::new(&stored.graph.view(), None, &run).unwrap();
    let found = find(&transfers, typology, &options, &run).unwrap();
    assert!(!found.cut.truncated());
    let with = |members: &[ringfence::patterns::Member], role| -> Vec<u32> {
        members.iter().filter(|member| member.role == role).map(|member| member.account.0).collect()
    };
    best(found.instances.iter().map(|instance| {
        let around = around.iter().flat_map(|&role| with(&instance.members, role)).collect();
        (around, with(&instance.members, group).len())
    }))
}

fn words(stored: &Stored, text: &str, shown: impl Fn(&Match) -> (Vec<u32>, usize)) -> Best {
    let query = Query::parse(text).unwrap();
    let found = matches(&stored.graph.view(), &query, None, &Budget::UNBOUNDED, &Run::new()).unwrap();
    best(found.matches.iter().map(shown))
}

#[test]
fn fans_in_words_are_fans() {
    let mut seen = 0;
    for seed in 0..500 {
        let random = &mut Random(seed);
        let stored = Stored::new(&ledger(seed), Partition::None);
        let least = 2 + random.below(2) as u32;
        let span_s = [10, 86_400, 14 * 86_400][random.below(3) as usize];
        let options = || {
            Options::Fan(FanOptions {
                span_us: span_s * 1_000_000,
                counterparties_min: least,
                budget: Budget::UNBOUNDED,
                ..FanOptions::default()
            })
        };
        let text = |line: &str| {
            format!(
                "pattern fan\nwithin {span_s}s\none: account\nmany: at least {least} accounts\npayments: {line}\n"
            )
        };
        let shown = |one: &Match| (vec![one.accounts[0][0].0], one.accounts[1].len());
        let expected = kernel(&stored, Typology::FanIn, options(), &[Role::Sink], Role::Source);
        assert_eq!(words(&stored, &text("many -> one"), shown), expected, "ledger {seed}");
        seen += expected.len();
        let expected = kernel(&stored, Typology::FanOut, options(), &[Role::Source], Role::Sink);
        assert_eq!(words(&stored, &text("one -> many"), shown), expected, "ledger {seed}");
        seen += expected.len();
    }
    assert!(seen > 500, "{seen}");
}

#[test]
fn scatter_gather_in_words_is_scatter_gather() {
    let (mut seen, mut same) = (0, 0);
    for seed in 0..500 {
        let random = &mut Random(seed);
        let stored = Stored::new(&ledger(seed), Partition::None);
        let (ties, span_s) =
            (Ties::ALL[random.below(2) as usize], [10, 86_400, 50 * 86_400][random.below(3) as usize]);
        let options = Options::ScatterGather(ScatterGatherOptions {
            span_us: span_s * 1_000_000,
            mules_min: 2,
            ties,
            budget: Budget::UNBOUNDED,
            ..ScatterGatherOptions::default()
        });
        let passed_on = ScatterGatherOptions::default().passed_on.to_string();
        let amount = match passed_on.split_once('-') {
            None => String::new(),
            Some((min, max)) => {
                let percent = |permille: &str| format!("{}%", permille.parse::<f64>().unwrap() / 10.0);
                format!(", amount {}..{} of scatter", percent(min), percent(max))
            }
        };
        let text = format!(
            "pattern scatter-gather\nwithin {span_s}s\nties {}\nsource: account\nsink: account\nmules: at least 2 accounts\n\
             scatter: source -> mules\ngather: mules -> sink, after scatter{amount}\n",
            ties.name()
        );
        let shown = |one: &Match| (vec![one.accounts[0][0].0, one.accounts[1][0].0], one.accounts[2].len());
        let said = words(&stored, &text, shown);
        let expected =
            kernel(&stored, Typology::ScatterGather, options, &[Role::Source, Role::Sink], Role::Middle);
        // Money that comes back to its source is a cycle in words; and the typology leaves out what is mostly another one's.
        for (around, mules) in expected.iter().filter(|(around, _)| around.len() == 2) {
            assert!(said.get(around).is_some_and(|said| said >= mules), "ledger {seed}: {around:?} {said:?}");
            same += usize::from(said[around] == *mules);
            seen += 1;
        }
    }
    assert!(seen > 100 && same * 10 > seen * 9, "{same} of {seen}");
}
