//! How a mapping names columns: by name, by place, by several names, joined to keys.

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Error as _, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;

/// One column of a source.
///
/// In TOML: `"name"`, `{ name = "Account", nth = 2 }` (the second of that name),
/// `{ index = 3 }` (the third column) or `{ any = ["type", "action"] }` (the first
/// of these names that exists). `optional = true` makes a missing column mean "no
/// values"; `null` lists texts that mean "no value" beside the empty one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ColumnRef {
    pub(crate) place: Place,
    pub(crate) optional: bool,
    pub(crate) null: Vec<String>,
}

/// Where a column is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// The first of these names that exists; if `nth` is given, its n-th column, from 1.
    Named { names: Vec<String>, nth: Option<usize> },
    /// Counted from 1.
    Index(usize),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ColumnTable {
    name: Option<String>,
    nth: Option<usize>,
    index: Option<usize>,
    any: Option<Vec<String>>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    null: Vec<String>,
}

impl ColumnRef {
    fn named(name: &str) -> Self {
        let place = Place::Named { names: vec![name.to_string()], nth: None };
        ColumnRef { place, optional: false, null: Vec::new() }
    }

    fn from_parts(
        name: Option<String>,
        nth: Option<usize>,
        index: Option<usize>,
        any: Option<Vec<String>>,
    ) -> Result<Place, &'static str> {
        match (name, index, any) {
            (Some(_), None, None) | (None, None, Some(_)) if nth == Some(0) => Err("`nth` counts from 1"),
            (Some(name), None, None) => Ok(Place::Named { names: vec![name], nth }),
            (None, None, Some(names)) if !names.is_empty() => Ok(Place::Named { names, nth }),
            (None, Some(0), None) => Err("`index` counts from 1"),
            (None, Some(index), None) if nth.is_none() => Ok(Place::Index(index)),
            _ => Err(
                "a column needs exactly one of `name` (with `nth` where it stands twice), `index` and `any`",
            ),
        }
    }
}

impl<'de> Deserialize<'de> for ColumnRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Column;
        impl<'de> Visitor<'de> for Column {
            type Value = ColumnRef;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column: \"name\", { name = …, nth = … }, { index = … } or { any = […] }")
            }
            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<ColumnRef, E> {
                Ok(ColumnRef::named(name))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<ColumnRef, A::Error> {
                let table = ColumnTable::deserialize(MapAccessDeserializer::new(map))?;
                let place = ColumnRef::from_parts(table.name, table.nth, table.index, table.any);
                let place = place.map_err(A::Error::custom)?;
                Ok(ColumnRef { place, optional: table.optional, null: table.null })
            }
        }
        deserializer.deserialize_any(Column)
    }
}

/// A key made of one or several columns.
///
/// In TOML: a column; a list of columns, joined by `:`; or a table with `columns`
/// and, as needed, `separator`, `prefix`, `null` and `otherwise` (the key to take
/// where a column is empty), or with `constant`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyRef {
    pub(crate) columns: Vec<ColumnRef>,
    pub(crate) separator: String,
    pub(crate) prefix: String,
    /// The key itself, when there are no columns.
    pub(crate) constant: Option<String>,
    pub(crate) otherwise: Option<Box<KeyRef>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyTable {
    name: Option<String>,
    nth: Option<usize>,
    index: Option<usize>,
    any: Option<Vec<String>>,
    #[serde(default)]
    optional: bool,
    columns: Option<Vec<ColumnRef>>,
    constant: Option<String>,
    separator: Option<String>,
    #[serde(default)]
    prefix: String,
    #[serde(default)]
    null: Vec<String>,
    otherwise: Option<Box<KeyRef>>,
}

/// What joins the columns of a key unless the mapping says otherwise.
const SEPARATOR: &str = ":";

impl KeyRef {
    fn of(columns: Vec<ColumnRef>) -> Self {
        KeyRef {
            columns,
            separator: SEPARATOR.into(),
            prefix: String::new(),
            constant: None,
            otherwise: None,
        }
    }

    fn from_table(table: KeyTable) -> Result<Self, &'static str> {
        let KeyTable { name, nth, index, any, optional, columns, constant, .. } = table;
        let single = name.is_some() || nth.is_some() || index.is_some() || any.is_some();
        let columns = match (single, columns, &constant) {
            (true, None, None) => {
                let place = ColumnRef::from_parts(name, nth, index, any)?;
                vec![ColumnRef { place, optional, null: table.null }]
            }
            (false, Some(columns), None) if !columns.is_empty() => {
                let with_null = |mut column: ColumnRef| {
                    column.null.extend(table.null.iter().cloned());
                    column.optional |= optional;
                    column
                };
                columns.into_iter().map(with_null).collect()
            }
            (false, None, Some(constant)) if !constant.is_empty() && table.otherwise.is_none() => Vec::new(),
            _ => return Err("a key needs exactly one of `name`, `index`, `any`, `columns` and `constant`"),
        };
        let separator = table.separator.unwrap_or_else(|| SEPARATOR.into());
        if separator.len() > 16 || table.prefix.len() > 64 {
            return Err("a `separator` may have 16 bytes and a `prefix` 64");
        }
        Ok(KeyRef { columns, separator, prefix: table.prefix, constant, otherwise: table.otherwise })
    }
}

impl<'de> Deserialize<'de> for KeyRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Key;
        impl<'de> Visitor<'de> for Key {
            type Value = KeyRef;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key: a column, a list of columns, or { columns = […], separator = …, prefix = …, otherwise = … }")
            }
            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<KeyRef, E> {
                Ok(KeyRef::of(vec![ColumnRef::named(name)]))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, seq: A) -> Result<KeyRef, A::Error> {
                let columns = Vec::<ColumnRef>::deserialize(SeqAccessDeserializer::new(seq))?;
                if columns.is_empty() {
                    Err(A::Error::custom("a key needs a column"))
                } else {
                    Ok(KeyRef::of(columns))
                }
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<KeyRef, A::Error> {
                let table = KeyTable::deserialize(MapAccessDeserializer::new(map))?;
                KeyRef::from_table(table).map_err(A::Error::custom)
            }
        }
        deserializer.deserialize_any(Key)
    }
}

/// A truth value in a column.
///
/// In TOML: a column, read by the usual words (`1`, `true`, `yes`, …), or a table
/// that names the column and lists `true` and, perhaps, `false` texts; with `true`
/// alone everything else is false.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FlagRef {
    pub(crate) column: ColumnRef,
    pub(crate) when_true: Option<Vec<String>>,
    pub(crate) when_false: Option<Vec<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FlagTable {
    column: ColumnRef,
    #[serde(rename = "true")]
    when_true: Option<Vec<String>>,
    #[serde(rename = "false")]
    when_false: Option<Vec<String>>,
}

impl<'de> Deserialize<'de> for FlagRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Flag;
        impl<'de> Visitor<'de> for Flag {
            type Value = FlagRef;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a flag: \"name\" or { column = …, true = […], false = […] }")
            }
            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<FlagRef, E> {
                Ok(FlagRef { column: ColumnRef::named(name), when_true: None, when_false: None })
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<FlagRef, A::Error> {
                let FlagTable { column, when_true, when_false } =
                    FlagTable::deserialize(MapAccessDeserializer::new(map))?;
                if when_true.is_none() && when_false.is_some() {
                    return Err(A::Error::custom("a flag with `false` texts needs `true` texts"));
                }
                Ok(FlagRef { column, when_true, when_false })
            }
        }
        deserializer.deserialize_any(Flag)
    }
}

/// A text that is the same for all rows, or a column.
///
/// In TOML: a column, or `{ constant = "USD" }`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TextRef {
    /// The same for all rows.
    Constant(String),
    /// One per row.
    Column(ColumnRef),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct TextTable {
    constant: Option<String>,
    name: Option<String>,
    nth: Option<usize>,
    index: Option<usize>,
    any: Option<Vec<String>>,
    #[serde(default)]
    optional: bool,
    #[serde(default)]
    null: Vec<String>,
}

impl<'de> Deserialize<'de> for TextRef {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Text;
        impl<'de> Visitor<'de> for Text {
            type Value = TextRef;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a column, or { constant = \"…\" }")
            }
            fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<TextRef, E> {
                Ok(TextRef::Column(ColumnRef::named(name)))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<TextRef, A::Error> {
                let table = TextTable::deserialize(MapAccessDeserializer::new(map))?;
                let place = ColumnRef::from_parts(table.name, table.nth, table.index, table.any);
                match (table.constant, place) {
                    (Some(constant), Err(_)) if !constant.is_empty() => Ok(TextRef::Constant(constant)),
                    (None, Ok(place)) => {
                        Ok(TextRef::Column(ColumnRef { place, optional: table.optional, null: table.null }))
                    }
                    _ => Err(A::Error::custom("needs exactly one of `constant`, `name`, `index` and `any`")),
                }
            }
        }
        deserializer.deserialize_any(Text)
    }
}
