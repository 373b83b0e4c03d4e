//! How answers look outside: named columns, and files of them.

#[cfg(feature = "arrow")]
pub mod arrow;
pub mod balances;
pub mod bound;
pub mod centrality;
pub mod communities;
pub mod compare;
pub mod components;
pub mod contacts;
pub mod cores;
pub mod csv;
pub mod dense;
pub mod earlier;
pub mod exposure;
pub mod files;
pub mod flows;
pub mod folder;
pub mod followed;
pub mod freeze;
pub mod graphml;
pub mod growing;
pub mod input;
pub mod json;
pub mod ledger;
pub mod links;
pub mod network;
pub mod node_link;
pub mod output;
pub mod overlaps;
#[cfg(feature = "arrow")]
pub mod parquet;
pub mod paths;
pub mod pools;
pub mod projection;
pub mod provenance;
pub mod question;
pub mod rank;
pub mod rates;
pub mod rings;
pub mod seeds;
mod sheet;
pub mod sinks;
pub mod sources;
mod structure;
pub mod subgraph;
pub mod suspicion;
pub mod table;
pub mod text;
pub mod trace;
pub mod trusses;
pub mod upstream;

pub use folder::{Report, write_report};
pub use input::Input;
pub use network::Network;
pub use table::{Cell, Table, Values};
