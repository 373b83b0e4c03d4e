//! AMLSim: alerts of five typologies among transfers by day, between accounts with much ordinary traffic.

use super::{Truth, rows, unpacked};
use crate::support::shared_data;
use ringfence::Run;
use ringfence::ingest::{Mapping, Source};
use std::collections::BTreeMap;

/// The generator's names and the engine's.
const NAMES: [(&str, &str); 5] = [
    ("cycle", "cycle"),
    ("fan_in", "fan-in"),
    ("fan_out", "fan-out"),
    ("gather_scatter", "gather-scatter"),
    ("scatter_gather", "scatter-gather"),
];

/// A run in `../shared/data`, if it is there.
pub fn load(name: &str, run: &Run) -> Option<Truth> {
    let folder = shared_data(name)?;
    let text = unpacked(&folder.join("alert_accounts.csv.gz"));
    let alerts: BTreeMap<&str, &'static str> =
        rows(&text).map(|row| (row[0], NAMES.iter().find(|(name, _)| *name == row[1]).unwrap().1)).collect();
    let preset = Mapping::preset("amlsim").unwrap();
    let device = "[transactions]\ndevice = { columns = [\"alert_id\"], null = [\"-1\"] }";
    let mapping =
        Mapping::parse(&preset.text().replacen("[transactions]", device, 1), "amlsim with alerts").unwrap();
    let transactions = Source::File(folder.join("transactions.csv.gz"));
    let typology = |key: &str| alerts.get(key).copied();
    Some(Truth::new(transactions, &mapping, tempfile::tempdir().unwrap(), typology, |_| None, run))
}
