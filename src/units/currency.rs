//! Currencies: ISO 4217 codes and exponents, and others that a mapping names.

use serde::{Deserialize, Serialize};

/// A currency as the store's schema holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Currency {
    /// ISO 4217 code (`USD`), or the name that the mapping gives (`BTC`, `EUROX`).
    pub code: String,
    /// Decimals of the minor unit: 2 for USD, 0 for JPY, 3 for BHD.
    pub exponent: u8,
}

/// Decimals of an ISO 4217 code, or `None` for a code that ISO does not list.
pub fn iso_exponent(code: &str) -> Option<u8> {
    let _ = code;
    todo!()
}
