//! Mappings for formats that many people have, as TOML files of their own.
//!
//! A preset is a mapping like any other: `docs/mapping.md` explains the decisions
//! behind each, and a copy of the file is the way to change one.

use crate::error::{Error, Result};

/// Names and texts, in alphabetic order.
const PRESETS: [(&str, &str); 7] = [
    ("amlgentex", include_str!("presets/amlgentex.toml")),
    ("amlsim", include_str!("presets/amlsim.toml")),
    ("amlworld", include_str!("presets/amlworld.toml")),
    ("berka", include_str!("presets/berka.toml")),
    ("fincen", include_str!("presets/fincen.toml")),
    ("ledger", include_str!("presets/ledger.toml")),
    ("paysim", include_str!("presets/paysim.toml")),
];

/// Names of all presets, in alphabetic order.
pub fn names() -> impl Iterator<Item = &'static str> {
    PRESETS.iter().map(|(name, _)| *name)
}

/// The TOML of a preset.
///
/// # Errors
/// [`Error::Input`] with the nearest name and the list if there is no such preset.
pub fn text(name: &str) -> Result<&'static str> {
    PRESETS.iter().find(|(known, _)| *known == name).map(|(_, text)| *text).ok_or_else(|| {
        let list: Vec<&str> = names().collect();
        let nearest =
            nearest(name, names()).map_or(String::new(), |near| format!("; did you mean `{near}`?"));
        Error::input(
            format!("preset {name}"),
            format!("no such preset; there are {}{nearest}", list.join(", ")),
        )
    })
}

/// The candidate with the fewest edits from `name`, if that is at most a third of its length plus one.
pub(crate) fn nearest<'a>(name: &str, candidates: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = name.to_lowercase();
    let near =
        candidates.map(|c| (edits(&wanted, &c.to_lowercase()), c)).min_by_key(|(distance, _)| *distance)?;
    (near.0 <= name.chars().count() / 3 + 1).then_some(near.1)
}

/// Levenshtein distance.
fn edits(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().take(256).collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().take(256).enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, y) in b.iter().enumerate() {
            let above = row[j + 1];
            row[j + 1] = (diagonal + usize::from(x != *y)).min(row[j] + 1).min(above + 1);
            diagonal = above;
        }
    }
    row[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ingest::Mapping;

    #[test]
    fn every_preset_is_a_mapping() {
        for name in names() {
            Mapping::preset(name).unwrap();
        }
        assert!(names().collect::<Vec<_>>().is_sorted());
    }

    #[test]
    fn an_unknown_preset_names_the_nearest() {
        let error = Mapping::preset("PaySIM2").unwrap_err().to_string();
        assert!(error.contains("did you mean `paysim`?"), "{error}");
        let error = Mapping::preset("something else").unwrap_err().to_string();
        assert!(error.contains("there are amlgentex, amlsim") && !error.contains("did you mean"), "{error}");
    }

    #[test]
    fn edits_are_counted_one_by_one() {
        assert_eq!(edits("kitten", "sitting"), 3);
        assert_eq!(edits("", "abc"), 3);
        assert_eq!(edits("abc", "abc"), 0);
    }
}
