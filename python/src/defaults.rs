//! The library's defaults, so that a test can hold the signatures against them.

use crate::ingest::PARTITIONS;
use pyo3::IntoPyObjectExt;
use pyo3::prelude::*;
use pyo3::types::PyDict;
use ringfence::community::centrality::{BetweennessOptions, PageRankOptions};
use ringfence::community::{
    ComponentsOptions, DensestOptions, FraudarOptions, LeidenOptions, PropagationOptions,
};
use ringfence::graph::build::IngestOptions;
use ringfence::graph::drill::DrillOptions;
use ringfence::graph::project::ProjectOptions;
use ringfence::graph::subgraph::SubgraphOptions;
use ringfence::patterns::{Budget, CycleOptions};
use ringfence::report::case::CaseOptions;
use ringfence::report::communities::CommunityMethod;
use ringfence::report::cores::CoreOptions;
use ringfence::report::flows::FlowQuestion;
use ringfence::report::links::LinkQuestion;
use ringfence::report::projection::WeightName;
use ringfence::report::pseudonyms::Names;
use ringfence::report::suspicion::SuspicionQuestion;
use ringfence::rings::{IdentityRingOptions, RingOptions};
use ringfence::store::collect::CollectOptions;
use ringfence::synth::SynthOptions;
use ringfence::trace::bound::BoundOptions;
use ringfence::trace::rank::PersonalizedOptions;
use ringfence::trace::{ExposureOptions, FreezeOptions, TraceOptions, UpstreamOptions};
use ringfence::units::time::SECOND_US;

/// Defaults of the library's options: for each function a dictionary of option and default.
///
/// Returns
/// -------
/// dict
///     For example ``defaults()["components"]["accounts_max"]``.
#[pyfunction]
pub(crate) fn defaults(py: Python<'_>) -> PyResult<Bound<'_, PyDict>> {
    let all = PyDict::new(py);
    let add = |function: &str, options: Vec<(&str, PyResult<Bound<'_, PyAny>>)>| {
        let entry = PyDict::new(py);
        for (name, value) in options {
            entry.set_item(name, value?)?;
        }
        all.set_item(function, entry)
    };
    let options = IngestOptions::default();
    let partition = PARTITIONS.iter().find(|(_, partition)| *partition == options.partition);
    add(
        "ingest",
        vec![
            ("partition", partition.map(|(name, _)| *name).into_bound_py_any(py)),
            ("max_rejects", options.max_rejects_percent.into_bound_py_any(py)),
        ],
    )?;
    let options = CollectOptions::default();
    add(
        "collect",
        vec![
            ("keep", options.keep.into_bound_py_any(py)),
            ("keep_hours", options.keep_hours.into_bound_py_any(py)),
        ],
    )?;
    let options = DrillOptions::default();
    add(
        "drill",
        vec![
            ("samples", options.samples.into_bound_py_any(py)),
            ("seed", options.seed.into_bound_py_any(py)),
        ],
    )?;
    let options = SynthOptions::default();
    add(
        "synth",
        vec![
            ("transactions", options.transactions.into_bound_py_any(py)),
            ("seed", options.seed.into_bound_py_any(py)),
            ("accounts", options.accounts.into_bound_py_any(py)),
            ("days", options.days.into_bound_py_any(py)),
            ("rings", options.rings.into_bound_py_any(py)),
        ],
    )?;
    let options = ComponentsOptions::default();
    add(
        "components",
        vec![
            ("over", format!("{:?}", options.over).to_lowercase().into_bound_py_any(py)),
            ("accounts_max", options.accounts_max.into_bound_py_any(py)),
            ("strong", options.strong.into_bound_py_any(py)),
        ],
    )?;
    let options = ProjectOptions::default();
    add(
        "project",
        vec![
            ("over", options.over.name().into_bound_py_any(py)),
            ("weight", WeightName::default().name().into_bound_py_any(py)),
            ("transfers_weight", options.transfers_weight.into_bound_py_any(py)),
            ("identifiers_weight", options.identifiers_weight.into_bound_py_any(py)),
            ("accounts_max", options.accounts_max.into_bound_py_any(py)),
            ("neighbors_max", options.neighbors_max.into_bound_py_any(py)),
        ],
    )?;
    let options = LeidenOptions::default();
    add(
        "communities",
        vec![
            ("method", CommunityMethod::default().name().into_bound_py_any(py)),
            ("objective", options.objective.name().into_bound_py_any(py)),
            ("resolution", options.resolution.into_bound_py_any(py)),
            ("weighted", options.weighted.into_bound_py_any(py)),
            ("iterations", options.iterations.into_bound_py_any(py)),
            ("size_min", options.size_min.into_bound_py_any(py)),
            ("seed", options.seed.into_bound_py_any(py)),
        ],
    )?;
    let options = PropagationOptions::default();
    add(
        "overlapping_communities",
        vec![
            ("communities_max", options.communities_max.into_bound_py_any(py)),
            ("weighted", options.weighted.into_bound_py_any(py)),
            ("seed", options.seed.into_bound_py_any(py)),
        ],
    )?;
    let options = CoreOptions::default();
    add(
        "cores",
        vec![
            ("kind", options.kind.name().into_bound_py_any(py)),
            ("in_min", options.in_min.into_bound_py_any(py)),
            ("identifiers_min", options.identifiers_min.into_bound_py_any(py)),
        ],
    )?;
    let (densest, fraudar) = (DensestOptions::default(), FraudarOptions::default());
    let flow = FlowQuestion::default();
    add(
        "dense",
        vec![
            ("rounds_max", densest.rounds_max.into_bound_py_any(py)),
            ("blocks_max", fraudar.blocks_max.into_bound_py_any(py)),
            ("weighted", fraudar.weighted.into_bound_py_any(py)),
            ("dwell_max_s", flow.dwell_max_s.into_bound_py_any(py)),
            ("middle_layers", flow.middle_layers.into_bound_py_any(py)),
            ("alpha_permille", flow.options.alpha_permille.into_bound_py_any(py)),
        ],
    )?;
    add(
        "suspicion",
        vec![
            ("strength", SuspicionQuestion::STRENGTH.into_bound_py_any(py)),
            ("iterations_max", SuspicionQuestion::ITERATIONS_MAX.into_bound_py_any(py)),
        ],
    )?;
    let (walk, between) = (PageRankOptions::default(), BetweennessOptions::default());
    add(
        "centrality",
        vec![
            ("damping", walk.damping.into_bound_py_any(py)),
            ("weighted", walk.weighted.into_bound_py_any(py)),
            ("sources", between.sources.unwrap_or(0).into_bound_py_any(py)),
            ("directed", between.directed.into_bound_py_any(py)),
            ("seed", between.seed.into_bound_py_any(py)),
        ],
    )?;
    let question = LinkQuestion::default();
    add(
        "link_identities",
        vec![
            ("bits_min", question.bits_min.into_bound_py_any(py)),
            ("members_max", question.members_max.into_bound_py_any(py)),
            ("accounts_max", question.accounts_max.into_bound_py_any(py)),
            ("m_permille", question.each_kind.m_permille.into_bound_py_any(py)),
            ("population", question.population.into_bound_py_any(py)),
        ],
    )?;
    let options = CycleOptions::default();
    let cycles = |options: &CycleOptions| {
        vec![
            ("span_s", (options.span_us / SECOND_US).into_bound_py_any(py)),
            ("length_min", options.length_min.into_bound_py_any(py)),
            ("length_max", options.length_max.into_bound_py_any(py)),
            ("ties", options.ties.name().into_bound_py_any(py)),
            ("amount_min", options.amount_min.into_bound_py_any(py)),
            ("anchor_work_max", options.budget.anchor_work_max.into_bound_py_any(py)),
            ("work_max", options.budget.work_max.into_bound_py_any(py)),
            ("hub_max", options.budget.hub_max.into_bound_py_any(py)),
        ]
    };
    add("count_cycles", cycles(&options))?;
    let results_max = ("results_max", options.budget.results_max.into_bound_py_any(py));
    add("cycles", cycles(&options).into_iter().chain([results_max]).collect())?;
    let budget = Budget::default();
    add(
        "match",
        vec![
            ("results_max", budget.results_max.into_bound_py_any(py)),
            ("anchor_work_max", budget.anchor_work_max.into_bound_py_any(py)),
            ("work_max", budget.work_max.into_bound_py_any(py)),
            ("hub_max", budget.hub_max.into_bound_py_any(py)),
        ],
    )?;
    let options = IdentityRingOptions::default();
    add(
        "identity_rings",
        vec![
            ("kinds", options.kinds.map(|kinds| kinds.len()).into_bound_py_any(py)),
            ("accounts_max", options.accounts_max.into_bound_py_any(py)),
            ("accounts_min", options.accounts_min.into_bound_py_any(py)),
        ],
    )?;
    let options = RingOptions::default();
    let identity = IdentityRingOptions::default();
    add(
        "rings",
        vec![
            ("identifier_accounts_max", identity.accounts_max.into_bound_py_any(py)),
            ("claims_max", options.claims_max.into_bound_py_any(py)),
            ("shared_min", options.shared_min.into_bound_py_any(py)),
            ("overlap_permille", options.overlap_permille.into_bound_py_any(py)),
            ("hub_max", options.hub_max.into_bound_py_any(py)),
            ("accounts_max", options.accounts_max.into_bound_py_any(py)),
            ("accounts_min", options.accounts_min.into_bound_py_any(py)),
            ("rings_max", options.rings_max.into_bound_py_any(py)),
        ],
    )?;
    let options = CaseOptions::new(Names::Revealed);
    add(
        "case_file",
        vec![
            ("accounts_max", options.accounts_max.into_bound_py_any(py)),
            ("transfers_max", options.transfers_max.into_bound_py_any(py)),
        ],
    )?;
    let options = TraceOptions::default();
    let pools = || {
        vec![
            ("policy", options.policy.name().into_bound_py_any(py)),
            ("opening", options.opening.name().into_bound_py_any(py)),
            ("pooling", options.pooling().name().into_bound_py_any(py)),
            ("ties", options.ties.name().into_bound_py_any(py)),
        ]
    };
    let stops = || {
        vec![
            ("dust", options.dust.into_bound_py_any(py)),
            ("max_hops", options.max_hops.into_bound_py_any(py)),
            ("flows_max", options.flows_max.into_bound_py_any(py)),
        ]
    };
    let ends =
        vec![("until", options.until.into_bound_py_any(py)), ("joint", options.joint.into_bound_py_any(py))];
    add("trace", [pools(), stops(), ends].into_iter().flatten().collect())?;
    let last = FreezeOptions::at(0).delays_h.last().copied();
    let delays = vec![("delays_h", last.into_bound_py_any(py))];
    add("freeze_plan", [pools(), stops(), delays].into_iter().flatten().collect())?;
    let options = UpstreamOptions::default();
    let search = vec![
        ("max_hops", options.max_hops.into_bound_py_any(py)),
        ("lots_max", options.lots_max.into_bound_py_any(py)),
    ];
    add("origins", pools().into_iter().chain(search).collect())?;
    let options = BoundOptions::default();
    add(
        "bound",
        vec![
            ("until", options.until.into_bound_py_any(py)),
            ("span_s", options.span_us.into_bound_py_any(py)),
            ("ties", options.ties.name().into_bound_py_any(py)),
            ("events_max", options.events_max.into_bound_py_any(py)),
        ],
    )?;
    let options = ExposureOptions::default();
    add(
        "exposure",
        vec![
            ("opening", options.opening.name().into_bound_py_any(py)),
            ("ties", options.ties.name().into_bound_py_any(py)),
            ("until", options.until.into_bound_py_any(py)),
        ],
    )?;
    let options = PersonalizedOptions::default();
    add(
        "rank",
        vec![
            ("direction", options.direction.name().into_bound_py_any(py)),
            ("weight", options.weight.name().into_bound_py_any(py)),
        ],
    )?;
    let options = SubgraphOptions::default();
    add(
        "subgraph",
        vec![
            ("hops", options.hops.into_bound_py_any(py)),
            ("accounts_max", options.accounts_max.into_bound_py_any(py)),
            ("transactions_max", options.transactions_max.into_bound_py_any(py)),
        ],
    )?;
    Ok(all)
}
