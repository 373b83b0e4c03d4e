//! Laundering typologies: shapes that money takes in time, found exactly, with the payments that make them.
//!
//! Every search is bounded before it begins: by a window, by lengths, by what a [`Budget`] allows. What a budget cut off is
//! counted in [`Cut`], the same for any number of threads. `docs/patterns.md` defines each shape.

mod blocks;
mod budget;
mod chains;
mod cycles;
mod dormant;
mod fans;
mod instances;
mod language;
mod money;
mod nearest;
mod pairs;
mod receipts;
mod scatter_gather;
mod score;
mod search;
mod settings;
mod significance;
mod tally;
mod through;
mod transfers;
mod typology;
mod windows;

pub use blocks::BlockOptions;
pub use budget::{Budget, Cut};
pub use chains::ChainOptions;
pub use cycles::{Cycle, CycleCount, CycleOptions, Cycles, count_cycles, cycles};
pub use dormant::DormantOptions;
pub use fans::FanOptions;
pub use instances::{Found, Instance, Member, Role, cycle_instances};
pub use language::{Match, Matches, Query, matches};
pub use money::{Kept, Money};
pub use scatter_gather::ScatterGatherOptions;
pub use score::Score;
pub use significance::{BestOfShuffled, Null, NullOptions, Strata, best_of_shuffled};
pub use through::ThroughOptions;
pub use transfers::{Direction, Entry, Transfers};
pub use typology::{Options, Typology, find, searches};
