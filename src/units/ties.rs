//! Two transactions of one and the same time: whether one can come after the other.

/// What happens to money that is received and paid on at one and the same time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
#[cfg_attr(feature = "cli", derive(clap::ValueEnum))]
#[cfg_attr(feature = "cli", value(rename_all = "snake_case"))]
pub enum Ties {
    /// Rows of one time happen in their order: money received by one row can leave by the next.
    #[default]
    Order,
    /// Money received at a time can leave only at a later time.
    Strict,
}

impl Ties {
    /// All treatments of ties, in the order in which reports list them.
    pub const ALL: [Ties; 2] = [Ties::Order, Ties::Strict];

    /// The name in options, files and reports.
    pub fn name(self) -> &'static str {
        match self {
            Ties::Order => "order",
            Ties::Strict => "strict",
        }
    }
}
