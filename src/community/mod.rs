//! Who belongs together.

pub mod components;

pub use components::{Components, ComponentsOptions, Over, components};
