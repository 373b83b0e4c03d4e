//! Patterns that come with the engine, as texts to use and to change.

use super::query::Query;

impl Query {
    /// Queries to begin with, each a text: cycle, chain, fan-in, fan-out, scatter-gather, gather-scatter, collector.
    ///
    /// # Examples
    /// ```
    /// use ringfence::patterns::Query;
    ///
    /// let names: Vec<String> =
    ///     Query::EXAMPLES.iter().map(|text| Ok(Query::parse(text)?.name().to_string())).collect::<Result<_, ringfence::Error>>()?;
    /// assert_eq!(names[0], "cycle");
    /// # Ok::<(), ringfence::Error>(())
    /// ```
    pub const EXAMPLES: [&'static str; 7] = [
        include_str!("library/cycle.query"),
        include_str!("library/chain.query"),
        include_str!("library/fan-in.query"),
        include_str!("library/fan-out.query"),
        include_str!("library/scatter-gather.query"),
        include_str!("library/gather-scatter.query"),
        include_str!("library/collector.query"),
    ];
}
