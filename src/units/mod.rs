//! Money and time: exact integers inside, text at the edges.
//!
//! Money is a whole number of minor units (`i64`; sums are `i128`), time is
//! microseconds since 1970-01-01 UTC (`i64`), and a [`Window`] is half-open.
//! Nothing here rounds unless it is asked to.

pub mod amount;
pub mod currency;
mod ties;
pub mod time;

pub use currency::Currency;
pub use ties::Ties;

/// A half-open span of time `[from, to)`, in microseconds since 1970 UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Window {
    /// First moment inside.
    pub from: i64,
    /// First moment after.
    pub to: i64,
}

impl Window {
    /// All of time.
    pub const ALL: Window = Window { from: i64::MIN, to: i64::MAX };

    /// Whether `time` lies inside.
    #[inline]
    pub fn contains(self, time: i64) -> bool {
        self.from <= time && time < self.to
    }
}

impl Default for Window {
    fn default() -> Self {
        Window::ALL
    }
}
