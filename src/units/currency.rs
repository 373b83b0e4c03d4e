//! Currencies: ISO 4217 codes and exponents, and others that a mapping names.
//!
//! # Source
//! ISO 4217 list one (active codes) with its minor units, and the codes withdrawn
//! since 2000 that old ledgers still carry, with the minor unit they last had.
//! Codes that ISO lists without a minor unit (metals, baskets, tests) have no
//! exponent here; a mapping that needs one names it under `scale`.

use serde::{Deserialize, Serialize};

/// A currency as the store's schema holds it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Currency {
    /// ISO 4217 code (`USD`), or the name that the mapping gives (`BTC`, `EUROX`).
    pub code: String,
    /// Decimals of the minor unit: 2 for USD, 0 for JPY, 3 for BHD.
    pub exponent: u8,
}

/// Codes by number of decimals; each list in alphabetic order.
const BY_EXPONENT: [(u8, &[&str]); 4] = [
    (
        0,
        &[
            "BIF", "BYR", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG", "ROL", "RWF", "TPE", "TRL",
            "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF",
        ],
    ),
    (
        2,
        &[
            "AED", "AFN", "ALL", "AMD", "ANG", "AOA", "ARS", "AUD", "AWG", "AZM", "AZN", "BAM", "BBD", "BDT",
            "BGN", "BMD", "BND", "BOB", "BOV", "BRL", "BSD", "BTN", "BWP", "BYN", "BZD", "CAD", "CDF", "CHE",
            "CHF", "CHW", "CNY", "COP", "COU", "CRC", "CSD", "CUC", "CUP", "CVE", "CYP", "CZK", "DKK", "DOP",
            "DZD", "EEK", "EGP", "ERN", "ETB", "EUR", "FJD", "FKP", "GBP", "GEL", "GHC", "GHS", "GIP", "GMD",
            "GTQ", "GYD", "HKD", "HNL", "HRK", "HTG", "HUF", "IDR", "ILS", "INR", "IRR", "JMD", "KES", "KGS",
            "KHR", "KPW", "KYD", "KZT", "LAK", "LBP", "LKR", "LRD", "LSL", "LTL", "LVL", "MAD", "MDL", "MGA",
            "MKD", "MMK", "MNT", "MOP", "MRO", "MRU", "MTL", "MUR", "MVR", "MWK", "MXN", "MXV", "MYR", "MZM",
            "MZN", "NAD", "NGN", "NIO", "NOK", "NPR", "NZD", "PAB", "PEN", "PGK", "PHP", "PKR", "PLN", "QAR",
            "RON", "RSD", "RUB", "SAR", "SBD", "SCR", "SDD", "SDG", "SEK", "SGD", "SHP", "SIT", "SKK", "SLE",
            "SLL", "SOS", "SRD", "SRG", "SSP", "STD", "STN", "SVC", "SYP", "SZL", "THB", "TJS", "TMM", "TMT",
            "TOP", "TRY", "TTD", "TWD", "TZS", "UAH", "USD", "USN", "USS", "UYU", "UZS", "VEB", "VED", "VEF",
            "VES", "WST", "XAD", "XCD", "XCG", "YER", "YUM", "ZAR", "ZMK", "ZMW", "ZWD", "ZWG", "ZWL", "ZWN",
            "ZWR",
        ],
    ),
    (3, &["BHD", "IQD", "JOD", "KWD", "LYD", "OMR", "TND"]),
    (4, &["CLF", "UYW"]),
];

/// Decimals of an ISO 4217 code, or `None` for a code that ISO does not list or lists without a minor unit.
pub fn iso_exponent(code: &str) -> Option<u8> {
    BY_EXPONENT.iter().find(|(_, codes)| codes.binary_search(&code).is_ok()).map(|(exponent, _)| *exponent)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_list_is_sorted_and_no_code_stands_twice() {
        let mut seen = BTreeSet::new();
        for (_, codes) in BY_EXPONENT {
            assert!(codes.is_sorted());
            for code in codes {
                assert!(code.len() == 3 && code.bytes().all(|b| b.is_ascii_uppercase()), "{code}");
                assert!(seen.insert(*code), "{code} stands twice");
            }
        }
    }

    /// The active codes of ISO 4217 list one, typed in the order of the published table and not from the lists above.
    #[test]
    fn every_active_code_with_a_minor_unit_is_known() {
        let list_one = "AFN EUR ALL DZD USD AOA XCD XAD ARS AMD AWG AUD AZN BSD BHD BDT BBD BYN BZD XOF BMD INR BTN BOB \
            BOV BAM BWP NOK BRL BND BIF CVE KHR XAF CAD KYD CLP CLF CNY COP COU KMF CDF NZD CRC CUP XCG CZK DKK DJF DOP \
            EGP SVC ERN SZL ETB FKP FJD XPF GMD GEL GHS GIP GTQ GBP GNF GYD HTG HNL HKD HUF ISK IDR IRR IQD ILS JMD JPY \
            JOD KZT KES KPW KRW KWD KGS LAK LBP LSL ZAR LRD LYD CHF MOP MKD MGA MWK MYR MVR MRU MUR MXN MXV MDL MNT MAD \
            MZN MMK NAD NPR NIO NGN OMR PKR PAB PGK PYG PEN PHP PLN QAR RON RUB RWF SHP WST STN SAR RSD SCR SLE SGD SBD \
            SOS SSP LKR SDG SRD SEK CHE CHW SYP TWD TJS TZS THB TOP TTD TND TRY TMT UGX UAH AED USN UYU UYI UYW UZS VUV \
            VES VED VND YER ZMW ZWG";
        for code in list_one.split_whitespace() {
            assert!(iso_exponent(code).is_some(), "{code}");
        }
    }

    #[test]
    fn decimals_are_those_of_the_standard() {
        for (code, exponent) in [
            ("USD", Some(2)),
            ("JPY", Some(0)),
            ("BHD", Some(3)),
            ("CLF", Some(4)),
            ("MGA", Some(2)),
            ("XAU", None),
            ("XXX", None),
            ("BTC", None),
            ("usd", None),
            ("", None),
        ] {
            assert_eq!(iso_exponent(code), exponent, "{code}");
        }
    }
}
