//! How options are written outside: times in seconds, shares as ranges of thousandths; and how they are refused.

use super::nearest::nearest;
use crate::error::{Error, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

/// Options by name.
pub(super) fn list<T: Serialize>(options: &T) -> Map<String, Value> {
    match serde_json::to_value(options) {
        Ok(Value::Object(settings)) => settings,
        _ => Map::new(),
    }
}

/// The same options but for those that are named.
pub(super) fn changed<T: Serialize + DeserializeOwned>(
    options: &T,
    changes: &Map<String, Value>,
) -> Result<T> {
    let mut settings = list(options);
    for (name, value) in changes {
        match settings.get_mut(name) {
            Some(setting) => *setting = value.clone(),
            None => return Err(unknown("setting", name, settings.keys().map(String::as_str))),
        }
    }
    serde_json::from_value(Value::Object(settings)).map_err(|error| Error::Input {
        input: format!("settings {}", Value::Object(changes.clone())),
        problem: error.to_string(),
    })
}

/// An error about a name that is not known.
pub(super) fn unknown<'a>(what: &str, name: &str, known: impl IntoIterator<Item = &'a str>) -> Error {
    let known: Vec<&str> = known.into_iter().collect();
    let near = nearest(name, known.iter().copied());
    let meant = near.map_or(String::new(), |known| format!("did you mean `{known}`? "));
    Error::Input {
        input: format!("{what} `{name}`"),
        problem: format!("unknown; {meant}known: {}", known.join(", ")),
    }
}

/// Refuses an option that is below its least value.
pub(super) fn at_least(name: &'static str, value: i64, least: i64, allowed: &'static str) -> Result<()> {
    match value >= least {
        true => Ok(()),
        false => Err(Error::Option { name, value: value.to_string(), allowed }),
    }
}

/// Microseconds, written as whole seconds.
pub(super) mod seconds {
    use crate::units::time::SECOND_US;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in crate::patterns) fn serialize<S: Serializer>(
        span_us: &i64,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_i64(span_us / SECOND_US)
    }

    pub(in crate::patterns) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<i64, D::Error> {
        let seconds = i64::deserialize(deserializer)?;
        seconds
            .checked_mul(SECOND_US)
            .ok_or_else(|| D::Error::custom("more seconds than there are in 290,000 years"))
    }
}

/// Treatment of ties, by name.
pub(super) mod ties {
    use crate::units::Ties;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in crate::patterns) fn serialize<S: Serializer>(
        ties: &Ties,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(ties.name())
    }

    pub(in crate::patterns) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Ties, D::Error> {
        let name = String::deserialize(deserializer)?;
        let known = Ties::ALL.into_iter().find(|ties| ties.name() == name);
        known.ok_or_else(|| D::Error::custom(format!("`{name}`, expected `order` or `strict`")))
    }
}

/// A share, written `800-1050`, or `any`.
pub(super) mod kept {
    use crate::patterns::Kept;
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub(in crate::patterns) fn serialize<S: Serializer>(
        kept: &Kept,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&kept.to_string())
    }

    pub(in crate::patterns) fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<Kept, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(D::Error::custom)
    }
}
