//! How options are written outside: times in seconds, shares as ranges of thousandths; and how they are refused.

use crate::error::{Error, Result};

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
