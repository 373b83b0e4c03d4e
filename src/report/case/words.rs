//! Words of the page, in the language of a case file.
//!
//! They stand in `viewer/words.json`, which the script of the page reads as well, so that a heading is the same
//! whether the script ran or not.

use super::file::Language;
use serde_json::{Map, Value};
use std::sync::OnceLock;

const WORDS: &str = include_str!("../viewer/words.json");

/// Words by their keys.
pub(super) struct Words(Map<String, Value>);

impl Words {
    /// Those of `language`.
    pub(super) fn of(language: Language) -> &'static Self {
        static BOTH: OnceLock<[Words; 2]> = OnceLock::new();
        // The file is part of the program; a test reads both languages.
        let [en, zh] = BOTH.get_or_init(|| {
            let mut words: Value = serde_json::from_str(WORDS).unwrap_or_default();
            ["en", "zh"].map(|key| match words[key].take() {
                Value::Object(words) => Words(words),
                _ => Words(Map::new()),
            })
        });
        match language {
            Language::En => en,
            Language::Zh => zh,
        }
    }

    /// The word of `key`; the key itself where there is none, as for the names of typologies.
    pub(super) fn get<'a>(&'a self, key: &'a str) -> &'a str {
        self.0.get(key).and_then(Value::as_str).unwrap_or(key)
    }

    /// The word of `prefix` and `name`: what a `role` or a `kind` of claim is called; `name` itself where there is none.
    pub(super) fn named<'a>(&'a self, prefix: &str, name: &'a str) -> &'a str {
        self.0.get(&format!("{prefix}_{name}")).and_then(Value::as_str).unwrap_or(name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_words_with_the_same_places() {
        let (en, zh) = (&Words::of(Language::En).0, &Words::of(Language::Zh).0);
        assert!(en.len() > 100);
        assert_eq!(en.keys().collect::<Vec<_>>(), zh.keys().collect::<Vec<_>>());
        for (key, word) in en {
            let places = |word: &Value| -> Vec<bool> {
                let word = word.as_str().unwrap_or_default();
                assert!(!word.is_empty(), "{key} is empty");
                (0..4).map(|at| word.contains(&format!("{{{at}}}"))).collect()
            };
            assert_eq!(places(word), places(&zh[key]), "{key}");
        }
        assert_eq!(Words::of(Language::Zh).named("role", "mule"), "过账（骡子）");
        assert_eq!(Words::of(Language::En).named("role", "mystery"), "mystery");
    }
}
