//! A table: named columns of one length, the form in which every result leaves the engine.

/// Named columns of one length.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Table {
    /// Name and values, in order.
    pub columns: Vec<(String, Values)>,
}

/// The values of one column. `None` in an optional column is null.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// Small counts and ids.
    U32(Vec<u32>),
    /// Large counts and ids.
    U64(Vec<u64>),
    /// Whole numbers; amounts in minor units.
    I64(Vec<i64>),
    /// Whole numbers or null.
    OptionI64(Vec<Option<i64>>),
    /// Sums of minor units; decimals with scale 0 outside.
    I128(Vec<i128>),
    /// Scores and ratios.
    F64(Vec<f64>),
    /// Truth values.
    Boolean(Vec<bool>),
    /// UTF-8 texts.
    Text(Vec<String>),
    /// Texts or null.
    OptionText(Vec<Option<String>>),
    /// Microseconds since 1970 UTC.
    Time(Vec<i64>),
    /// Microseconds since 1970 UTC, or null.
    OptionTime(Vec<Option<i64>>),
}
