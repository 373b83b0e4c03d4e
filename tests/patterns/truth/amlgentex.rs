//! AMLGentex: 140 patterns of seven typologies among 39,780 transfers of 10,000 accounts, by day.

use super::{Truth, rows, unpacked};
use crate::support::shared_data;
use ringfence::Run;
use ringfence::ingest::{Mapping, Source};
use std::collections::BTreeMap;

/// The pattern of an illicit row is this and the model's number.
const FIRST_PATTERN: u32 = 11_500;

/// The generator's names and the engine's.
const NAMES: [(&str, &str); 7] = [
    ("bipartite", "bipartite"),
    ("cycle", "cycle"),
    ("fan_in", "fan-in"),
    ("fan_out", "fan-out"),
    ("gather_scatter", "gather-scatter"),
    ("scatter_gather", "scatter-gather"),
    ("stack", "stack"),
];

/// The run in `../shared/data`, if it is there.
pub fn load(run: &Run) -> Option<Truth> {
    let folder = shared_data("amlgentex-a")?;
    let text = unpacked(&folder.join("alert_models.csv.gz"));
    let models: BTreeMap<String, &'static str> = rows(&text)
        .map(|row| {
            let name = NAMES.iter().find(|(name, _)| *name == row[1]).unwrap();
            ((FIRST_PATTERN + row[0].parse::<u32>().unwrap()).to_string(), name.1)
        })
        .collect();
    let preset = Mapping::preset("amlgentex").unwrap();
    let text = preset.text().replacen("[transactions]", "[transactions]\ndevice = \"patternID\"", 1);
    let mapping = Mapping::parse(&text, "amlgentex with patterns").unwrap();
    let transactions = Source::File(folder.join("tx_log.account-to-account.parquet"));
    let typology = |key: &str| models.get(key).copied();
    Some(Truth::new(transactions, &mapping, tempfile::tempdir().unwrap(), typology, |_| None, run))
}
