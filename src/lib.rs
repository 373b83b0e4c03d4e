//! Ringfence finds fraud rings and follows money in account, device and transaction graphs.
//!
//! Rows go up, answers come out: [`ingest`](graph::build::ingest) turns files into a store, a [`Graph`](graph::Graph)
//! opens it in milliseconds, and [`community`], [`rings`] and [`trace`] answer from it. Amounts are whole minor
//! units, times microseconds since 1970 UTC, and no answer depends on the number of threads.
//!
//! # Examples
//! A hundred euro are stolen, and forty of them passed on:
//! ```
//! use ringfence::graph::Graph;
//! use ringfence::graph::build::{IngestOptions, Sources, ingest};
//! use ringfence::ingest::{Mapping, RejectLog, Source};
//! use ringfence::store::Io;
//! use ringfence::trace::{Seed, SeedKind, TraceOptions, downstream};
//! use ringfence::Run;
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let folder = tempfile::tempdir()?;
//! let (csv, store) = (folder.path().join("ledger.csv"), folder.path().join("bank.ring"));
//! std::fs::write(
//!     &csv,
//!     "transaction,source,destination,time,amount,currency\n\
//!      t1,victim,mule,2024-05-01T09:00:00Z,100.00,EUR\n\
//!      t2,mule,cash,2024-05-01T11:30:00Z,40.00,EUR\n",
//! )?;
//! let run = Run::new();
//! let sources = Sources { transactions: vec![Source::File(csv)], ..Sources::default() };
//! let mapping = Mapping::preset("ledger")?;
//! ingest(&store, sources, &mapping, &mut RejectLog::counting(), &IngestOptions::default(), &run)?;
//!
//! let graph = Graph::open(&store, Io::Mmap)?;
//! let stolen = graph.find_transaction("t1")?.ok_or("no such transaction")?;
//! let seed = Seed { case: 0, kind: SeedKind::Transaction { transaction: stolen, amount: None } };
//! let trace = downstream(&graph.view(), 1, &[seed], &TraceOptions::default(), &run)?;
//! assert_eq!(trace.holdings.amount, [6_000, 4_000]); // the mule still holds 60.00, 40.00 went on
//! # Ok(())
//! # }
//! ```

pub mod community;
pub mod error;
pub mod graph;
pub mod ids;
pub mod ingest;
mod memory;
pub mod patterns;
pub mod random;
pub mod report;
pub mod rings;
pub mod run;
pub mod store;
pub mod synth;
pub mod trace;
pub mod units;

pub use error::{Error, Result};
pub use run::Run;
