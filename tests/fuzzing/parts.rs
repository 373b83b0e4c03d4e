//! What a program of the fuzzer is made of.
#![allow(dead_code, clippy::unwrap_used)] // Each program calls one target, which may stop.

#[path = "../support/forge.rs"]
pub mod forge;
#[path = "../support/full.rs"]
pub mod full;
#[path = "../support/lie.rs"]
pub mod lie;
#[path = "targets.rs"]
pub mod targets;
