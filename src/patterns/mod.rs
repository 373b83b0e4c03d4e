//! Laundering typologies: shapes that money takes in time, found exactly, with the payments that make them.
//!
//! Every search is bounded before it begins: by a window, by lengths, by what a [`Budget`] allows. What a budget cut off is
//! counted in [`Cut`], the same for any number of threads. `docs/patterns.md` defines each shape.

mod budget;
mod cycles;
mod instances;
mod language;
mod money;
mod nearest;
mod receipts;
mod search;
mod transfers;

pub use budget::{Budget, Cut};
pub use cycles::{Cycle, CycleCount, CycleOptions, Cycles, count_cycles, cycles};
pub use instances::{Instance, Member, Role, Typology, cycle_instances};
pub use language::{Match, Matches, Query, matches};
pub use money::{Kept, Money};
pub use transfers::{Entry, Transfers};
