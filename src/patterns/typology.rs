//! The catalogue: names of typologies, what each is searched with, and the one door to all searches.

use super::blocks::{BlockOptions, blocks};
use super::chains::{ChainOptions, chains};
use super::cycles::{CycleOptions, cycles, flow};
use super::dormant::{DormantOptions, dormant};
use super::fans::{FanOptions, fans};
use super::instances::{Found, Instance, cycle_instances, overlaps, rank};
use super::money::Kept;
use super::scatter_gather::{ScatterGatherOptions, scatter_gather};
use super::score::Scorer;
use super::settings::{changed, list, unknown};
use super::through::{ThroughOptions, through};
use super::transfers::{Direction, Transfers};
use crate::error::{Error, Result};
use crate::run::Run;
use crate::units::time::DAY_US;
use serde_json::{Map, Value};
use std::collections::BTreeSet;

/// A shape of laundering.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Typology {
    /// Many accounts pay one.
    FanIn,
    /// One account pays many.
    FanOut,
    /// One account receives from many and then pays many.
    GatherScatter,
    /// One account pays many, who then pay one: another, or the first again.
    ScatterGather,
    /// Money that comes back to where it left, each payment after the one before.
    Cycle,
    /// A chain of accounts, each of which pays on what it received, more or less.
    Random,
    /// Some accounts that each pay most of some others.
    Bipartite,
    /// A bipartite layer whose payees pay a third layer.
    Stack,
    /// An account that pays on nearly all it receives within a day.
    PassThrough,
    /// A chain of accounts that each keep a small part.
    Layering,
    /// A cycle that brings most of the money back, less a loss at each step.
    RoundTrip,
    /// Several payments to one account just below a threshold.
    Structuring,
    /// Payments of many accounts to one, all just below a threshold.
    Smurfing,
    /// An account that was quiet for long and then moves money in short time.
    Dormant,
    /// An account that pays many others for the first time.
    FirstPayees,
    /// An account that gathers from many and pays nearly all of it to one or two.
    Funnel,
    /// Two accounts that pay each other.
    Mutual,
}

/// What a typology is searched with: one set of options for each kind of search.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Options {
    /// Of [`Typology::FanIn`], [`Typology::FanOut`], [`Typology::Structuring`], [`Typology::Smurfing`], [`Typology::FirstPayees`].
    Fan(FanOptions),
    /// Of [`Typology::GatherScatter`], [`Typology::Funnel`], [`Typology::PassThrough`].
    Through(ThroughOptions),
    /// Of [`Typology::ScatterGather`].
    ScatterGather(ScatterGatherOptions),
    /// Of [`Typology::Cycle`], [`Typology::RoundTrip`], [`Typology::Mutual`].
    Cycle(CycleOptions),
    /// Of [`Typology::Random`], [`Typology::Layering`].
    Chain(ChainOptions),
    /// Of [`Typology::Bipartite`], [`Typology::Stack`].
    Block(BlockOptions),
    /// Of [`Typology::Dormant`].
    Dormant(DormantOptions),
}

/// Four fifths of a threshold, and one minor unit less than it, of the reporting threshold that most of the world has: 10,000.00.
const JUST_BELOW: (i64, i64) = (800_000, 999_999);

impl Typology {
    /// All typologies, in the order in which reports list them.
    pub const ALL: [Typology; 17] = [
        Typology::FanIn,
        Typology::FanOut,
        Typology::GatherScatter,
        Typology::ScatterGather,
        Typology::Cycle,
        Typology::Random,
        Typology::Bipartite,
        Typology::Stack,
        Typology::PassThrough,
        Typology::Layering,
        Typology::RoundTrip,
        Typology::Structuring,
        Typology::Smurfing,
        Typology::Dormant,
        Typology::FirstPayees,
        Typology::Funnel,
        Typology::Mutual,
    ];

    /// The name in options, files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Typology::FanIn => "fan-in",
            Typology::FanOut => "fan-out",
            Typology::GatherScatter => "gather-scatter",
            Typology::ScatterGather => "scatter-gather",
            Typology::Cycle => "cycle",
            Typology::Random => "random",
            Typology::Bipartite => "bipartite",
            Typology::Stack => "stack",
            Typology::PassThrough => "pass-through",
            Typology::Layering => "layering",
            Typology::RoundTrip => "round-trip",
            Typology::Structuring => "structuring",
            Typology::Smurfing => "smurfing",
            Typology::Dormant => "dormant",
            Typology::FirstPayees => "first-payees",
            Typology::Funnel => "funnel",
            Typology::Mutual => "mutual",
        }
    }

    /// The typology of a name.
    ///
    /// # Errors
    /// [`Error::Input`] suggests the nearest name.
    pub fn named(name: &str) -> Result<Self> {
        let names = Self::ALL.map(Self::name);
        match names.iter().position(|&known| known == name) {
            Some(at) => Ok(Self::ALL[at]),
            None => Err(unknown("typology", name, names)),
        }
    }

    /// What it is searched with if nothing else is asked for.
    pub fn options(self) -> Options {
        let (below_min, below_max) = JUST_BELOW;
        let kept = |min_permille, max_permille| Kept { min_permille, max_permille };
        match self {
            Typology::FanIn | Typology::FanOut => Options::Fan(FanOptions::default()),
            Typology::Structuring => Options::Fan(FanOptions {
                span_us: 7 * DAY_US,
                counterparties_min: 1,
                payments_min: 3,
                amount_min: below_min,
                amount_max: below_max,
                ..FanOptions::default()
            }),
            Typology::Smurfing => Options::Fan(FanOptions {
                counterparties_min: 3,
                amount_min: below_min,
                amount_max: below_max,
                ..FanOptions::default()
            }),
            Typology::FirstPayees => Options::Fan(FanOptions {
                span_us: DAY_US,
                first_only: true,
                known_us: 30 * DAY_US,
                ..FanOptions::default()
            }),
            Typology::GatherScatter => Options::Through(ThroughOptions::default()),
            Typology::Funnel => Options::Through(ThroughOptions {
                payers_min: 5,
                payees_min: 1,
                payees_max: 2,
                passed_on: kept(800, 1_000),
                ..ThroughOptions::default()
            }),
            Typology::PassThrough => Options::Through(ThroughOptions {
                span_us: DAY_US,
                payers_min: 1,
                payees_min: 1,
                passed_on: kept(900, 1_000),
                amount_min: 1,
                ..ThroughOptions::default()
            }),
            Typology::ScatterGather => Options::ScatterGather(ScatterGatherOptions::default()),
            // Two accounts that pay each other are a typology of their own.
            Typology::Cycle => Options::Cycle(CycleOptions {
                length_min: 3,
                length_max: 6,
                passed_on: kept(500, 1_500),
                ..CycleOptions::default()
            }),
            Typology::RoundTrip => Options::Cycle(CycleOptions {
                span_us: 5 * DAY_US,
                length_min: 3,
                length_max: 6,
                passed_on: kept(700, 1_000),
                returned: kept(500, 1_000),
                amount_min: 1,
                ..CycleOptions::default()
            }),
            Typology::Mutual => Options::Cycle(CycleOptions {
                length_max: 2,
                returned: kept(800, 1_000),
                amount_min: 1,
                ..CycleOptions::default()
            }),
            Typology::Random => Options::Chain(ChainOptions::default()),
            Typology::Layering => Options::Chain(ChainOptions {
                passed_on: kept(850, 1_000),
                amount_min: 1,
                ..ChainOptions::default()
            }),
            Typology::Bipartite => Options::Block(BlockOptions::default()),
            Typology::Stack => Options::Block(BlockOptions { sinks_min: 1, ..BlockOptions::default() }),
            Typology::Dormant => Options::Dormant(DormantOptions::default()),
        }
    }
}

impl Options {
    /// The options by name: times in seconds (`span_s`), shares as `800-1050` thousandths or `any`.
    pub fn settings(&self) -> Map<String, Value> {
        match self {
            Options::Fan(options) => list(options),
            Options::Through(options) => list(options),
            Options::ScatterGather(options) => list(options),
            Options::Cycle(options) => list(options),
            Options::Chain(options) => list(options),
            Options::Block(options) => list(options),
            Options::Dormant(options) => list(options),
        }
    }

    /// The same options but for those that are named.
    ///
    /// # Errors
    /// [`Error::Input`] for a name that they do not have, with the nearest, and for a value that cannot be one.
    pub fn with(&self, changes: &Map<String, Value>) -> Result<Self> {
        Ok(match self {
            Options::Fan(options) => Options::Fan(changed(options, changes)?),
            Options::Through(options) => Options::Through(changed(options, changes)?),
            Options::ScatterGather(options) => Options::ScatterGather(changed(options, changes)?),
            Options::Cycle(options) => Options::Cycle(changed(options, changes)?),
            Options::Chain(options) => Options::Chain(changed(options, changes)?),
            Options::Block(options) => Options::Block(changed(options, changes)?),
            Options::Dormant(options) => Options::Dormant(changed(options, changes)?),
        })
    }

    /// Whether the options can be met.
    ///
    /// # Errors
    /// [`Error::Option`] names the first that cannot.
    pub fn check(&self) -> Result<()> {
        match self {
            Options::Fan(options) => options.check(),
            Options::Through(options) => options.check(),
            Options::ScatterGather(options) => options.check(),
            Options::Cycle(options) => options.check(),
            Options::Chain(options) => options.check(),
            Options::Block(options) => options.check(),
            Options::Dormant(options) => options.check(),
        }
    }
}

/// What to search the typologies with: their defaults, but for `settings`. A setting by its name changes all of them that have it, settings under
/// the name of a typology change that one alone: `{"span_s": 86400, "fan-in": {"counterparties_min": 8}}`.
///
/// # Errors
/// [`Error::Input`] for a name that none of them has, with the nearest, and for a value that cannot be one; [`Error::Option`] for one outside
/// its range.
pub fn searches(typologies: &[Typology], settings: &Map<String, Value>) -> Result<Vec<(Typology, Options)>> {
    let mut searches: Vec<(Typology, Options)> =
        typologies.iter().map(|&typology| (typology, typology.options())).collect();
    // What is meant for one typology is set last.
    let (for_one, for_all): (Vec<_>, Vec<_>) = settings.iter().partition(|(_, value)| value.is_object());
    for (name, value) in for_all {
        let change = Map::from_iter([(name.clone(), value.clone())]);
        let mut having: Vec<_> =
            searches.iter_mut().filter(|(_, options)| options.settings().contains_key(name)).collect();
        if having.is_empty() {
            let known: BTreeSet<String> =
                searches.iter().flat_map(|(_, options)| options.settings()).map(|(name, _)| name).collect();
            return Err(unknown("setting", name, known.iter().map(String::as_str)));
        }
        for (_, options) in &mut having {
            *options = options.with(&change)?;
        }
    }
    for (name, changes) in for_one {
        let typology = Typology::named(name)?;
        let Some((_, options)) = searches.iter_mut().find(|(one, _)| *one == typology) else {
            let problem =
                "is not among the typologies to search for; add it or leave its settings out".into();
            return Err(Error::Input { input: format!("settings of typology `{name}`"), problem });
        };
        if let Value::Object(changes) = changes {
            *options = options.with(changes)?;
        }
    }
    searches.iter().try_for_each(|(_, options)| options.check())?;
    Ok(searches)
}

/// The instances of a typology, with scores, best first.
///
/// # Errors
/// [`Error::Option`] if an option is outside its range or the options are of another kind of search, before any work;
/// [`Error::Cancelled`].
///
/// # Examples
/// ```no_run
/// use ringfence::Run;
/// use ringfence::graph::Graph;
/// use ringfence::patterns::{Transfers, Typology, find};
/// use ringfence::store::Io;
///
/// let graph = Graph::open("bank.ring".as_ref(), Io::Mmap)?;
/// let run = Run::new();
/// let transfers = Transfers::new(&graph.view(), None, &run)?;
/// let found = find(&transfers, Typology::FanIn, &Typology::FanIn.options(), &run)?;
/// println!("{} fans, complete: {}", found.instances.len(), !found.cut.truncated());
/// # Ok::<(), ringfence::Error>(())
/// ```
pub fn find(transfers: &Transfers, typology: Typology, options: &Options, run: &Run) -> Result<Found> {
    options.check()?;
    let (mut instances, cut) = match (typology, options) {
        (Typology::FanIn | Typology::Structuring | Typology::Smurfing, Options::Fan(options)) => {
            fans(transfers, typology, Direction::In, options, run)?
        }
        (Typology::FanOut | Typology::FirstPayees, Options::Fan(options)) => {
            fans(transfers, typology, Direction::Out, options, run)?
        }
        (Typology::GatherScatter | Typology::Funnel | Typology::PassThrough, Options::Through(options)) => {
            through(transfers, typology, options, run)?
        }
        (Typology::ScatterGather, Options::ScatterGather(options)) => {
            scatter_gather(transfers, options, run)?
        }
        (Typology::Cycle | Typology::RoundTrip | Typology::Mutual, Options::Cycle(options)) => {
            let found = cycles(transfers, &CycleOptions { flow_permille: 0, ..options.clone() }, run)?;
            (with_flows(transfers, options, cycle_instances(&found, typology), run)?, found.cut)
        }
        (Typology::Random | Typology::Layering, Options::Chain(options)) => {
            chains(transfers, typology, options, run)?
        }
        (Typology::Bipartite | Typology::Stack, Options::Block(options)) => {
            blocks(transfers, typology, options, run)?
        }
        (Typology::Dormant, Options::Dormant(options)) => dormant(transfers, options, run)?,
        _ => {
            let (name, allowed) = ("options", "those of the typology's kind of search");
            return Err(Error::Option {
                name,
                value: format!("options of another search for {}", typology.name()),
                allowed,
            });
        }
    };
    // Cycles overlap by nature, and each is exact: only those of the same accounts are one.
    if matches!(options, Options::Cycle(_)) {
        Scorer::new(transfers, run)?.score(&mut instances, run)?;
        run.install(|| rank(&mut instances));
    } else {
        instances = overlaps(transfers, instances);
    }
    Ok(Found { instances, cut })
}

/// Says of each cycle what can have gone round it, and keeps those in which it is enough.
fn with_flows(
    transfers: &Transfers,
    options: &CycleOptions,
    mut instances: Vec<Instance>,
    run: &Run,
) -> Result<Vec<Instance>> {
    let pairs = transfers.pairs(run)?;
    instances.retain_mut(|instance| {
        let flow = flow(transfers, pairs, options.ties, instance);
        instance.flow = flow.map(|(back, _)| back);
        options.flow_permille == 0
            || flow.is_some_and(|(back, paid)| {
                i128::from(back) * 1_000 >= i128::from(paid) * i128::from(options.flow_permille)
            })
    });
    Ok(instances)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::time::SECOND_US;

    #[test]
    fn a_name_with_a_typo_is_refused_with_the_nearest() {
        for typology in Typology::ALL {
            assert_eq!(Typology::named(typology.name()).unwrap(), typology);
        }
        let said = |name: &str| Typology::named(name).unwrap_err().to_string();
        assert!(said("fan_in").contains("did you mean `fan-in`?"), "{}", said("fan_in"));
        assert!(said("cycles").contains("did you mean `cycle`?"));
        assert!(!said("weather").contains("did you mean"), "{}", said("weather"));
    }

    #[test]
    fn options_are_set_by_name_and_everything_else_stays() {
        let Value::Object(changes) = serde_json::json!({ "span_s": 3_600, "counterparties_min": 7 }) else {
            panic!()
        };
        let Options::Fan(changed) = Typology::FanIn.options().with(&changes).unwrap() else { panic!() };
        let expected =
            FanOptions { span_us: 3_600 * SECOND_US, counterparties_min: 7, ..FanOptions::default() };
        assert_eq!(changed, expected);
        for typology in Typology::ALL {
            let options = typology.options();
            options.check().unwrap();
            assert_eq!(options.with(&options.settings()).unwrap(), options);
        }
        let Value::Object(several) =
            serde_json::json!({ "span_s": 60, "fan-in": { "span_s": 90 }, "mules_min": 4 })
        else {
            panic!()
        };
        let chosen = searches(&[Typology::FanIn, Typology::ScatterGather], &several).unwrap();
        let set = |at: usize, name: &str| chosen[at].1.settings()[name].as_i64().unwrap();
        assert_eq!((set(0, "span_s"), set(1, "span_s"), set(1, "mules_min")), (90, 60, 4));
        assert!(searches(&[Typology::FanIn], &several).unwrap_err().to_string().contains("mules_min"));
        let Value::Object(wrong) = serde_json::json!({ "spam_s": 1 }) else { panic!() };
        let said = Typology::Cycle.options().with(&wrong).unwrap_err().to_string();
        assert!(said.contains("did you mean `span_s`?"), "{said}");
        let Value::Object(wrong) = serde_json::json!({ "hub_max": -1 }) else { panic!() };
        assert!(Typology::Cycle.options().with(&wrong).is_err());
    }
}
