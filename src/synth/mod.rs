//! Seeded ledgers with known truth.
