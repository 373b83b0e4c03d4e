//! Names that leave the engine: as they are, or as pseudonyms under a key.
//!
//! A pseudonym is a short text such as `acct-7f3a9c12d4e0` that stands for the key of an account (`acct-`), the key of
//! a transaction (`tx-`) or the value of an identifier (its kind and `-`). The same key file and the same case name give
//! the same pseudonym for the same name, always and everywhere; without the key nobody can go back, not even by trying
//! all telephone numbers there are; under another case name the pseudonyms are others, so that what two recipients
//! were given cannot be joined.
//!
//! # Method
//! HKDF-SHA256 derives a key for the case from the key file; the pseudonym is the first 60 bits of HMAC-SHA256
//! under it, of the name behind what says which sort of name it is, as twelve digits of Crockford's base 32
//! (`0123456789abcdefghjkmnpqrstvwxyz`: no i, l, o, u). `docs/exports.md` has it to the byte.
//!
//! # Choices
//! 60 bits: among a million names some two are alike with a probability of 4 in 10 million, among ten thousand of 4 in
//! 100 thousand million. Longer pseudonyms for those alone would depend on which other names are in the same export, and
//! would not be stable; so two that are alike are refused ([`Pseudonyms::alike`]), and another case name helps.
//!
//! # Source
//! Krawczyk, Bellare, Canetti: RFC 2104, 1997. Krawczyk, Eronen: RFC 5869, 2010.

use crate::error::Error;
use crate::store::backup::Key;
use hmac::{Hmac, KeyInit, Mac};
use serde_json::{Value, json};
use sha2::Sha256;

/// The case of those who name none.
pub const CASE: &str = "default";

/// The digits of Crockford's base 32.
const DIGITS: &[u8; 32] = b"0123456789abcdefghjkmnpqrstvwxyz";

/// Digits of a pseudonym, of five bits each.
const NUM_DIGITS: u32 = 12;

/// Pseudonyms of one case under one key.
#[derive(Clone)]
pub struct Pseudonyms {
    mac: Hmac<Sha256>,
    case: String,
    key_name: String,
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Pseudonyms of case {:?} under key {}", self.case, self.key_name)
    }
}

impl Pseudonyms {
    /// The pseudonyms of the case `case` under `key`.
    pub fn new(key: &Key, case: &str) -> Self {
        let derived = key.derived(&format!("ringfence pseudonyms 1 case {case}"));
        let mac = Hmac::new_from_slice(&derived[..]).expect("HMAC takes keys of any length");
        Pseudonyms { mac, case: case.to_string(), key_name: key.name() }
    }

    /// The name of the case.
    pub fn case(&self) -> &str {
        &self.case
    }

    /// The [name](Key::name) of the key, which tells nothing about it.
    pub fn key_name(&self) -> &str {
        &self.key_name
    }

    /// What stands for the account with this key: `acct-7f3a9c12d4e0`.
    pub fn account(&self, key: &str) -> String {
        self.pseudonym("acct", &["account\0", key])
    }

    /// What stands for the transaction with this key: `tx-7f3a9c12d4e0`.
    pub fn transaction(&self, key: &str) -> String {
        self.pseudonym("tx", &["transaction\0", key])
    }

    /// What stands for the identifier of this kind and value: `phone-7f3a9c12d4e0`.
    pub fn identifier(&self, kind: &str, value: &str) -> String {
        // The length keeps kind and value apart, whatever is in them.
        self.pseudonym(kind, &["identifier\0", &kind.len().to_string(), ":", kind, value])
    }

    /// Two different names have the same pseudonym: what is to be said and done about it.
    pub fn alike(&self, pseudonym: &str) -> Error {
        let problem = "stands for two different names in this case; give the case another name (--case), or reveal names";
        Error::input(format!("the pseudonym {pseudonym}"), problem)
    }

    fn pseudonym(&self, prefix: &str, parts: &[&str]) -> String {
        let mut mac = self.mac.clone();
        parts.iter().for_each(|part| mac.update(part.as_bytes()));
        let digest = mac.finalize().into_bytes();
        let bits = digest[..8].iter().fold(0u64, |bits, &byte| bits << 8 | u64::from(byte));
        let digits = (0..NUM_DIGITS).map(|at| DIGITS[(bits >> (59 - 5 * at) & 31) as usize] as char);
        format!("{prefix}-{}", digits.collect::<String>())
    }
}

/// How accounts, transactions and identifiers are called outside.
#[derive(Clone, Debug)]
pub enum Names {
    /// By their keys and values, which are personal data.
    Revealed,
    /// By pseudonyms.
    Pseudonyms(Pseudonyms),
}

impl Names {
    /// What `reveal` and `key` ask for.
    ///
    /// # Errors
    /// [`Error::Input`] if there is neither, or both.
    pub fn chosen(reveal: bool, key: Option<&Key>, case: &str) -> crate::error::Result<Self> {
        match (reveal, key) {
            (true, None) => Ok(Names::Revealed),
            (false, Some(key)) => Ok(Names::Pseudonyms(Pseudonyms::new(key, case))),
            (true, Some(_)) => Err(Error::input(
                "names",
                "they are either revealed or given as pseudonyms, not both: leave out the key or --reveal",
            )),
            (false, None) => Err(Error::input(
                "names",
                "accounts, transactions and identifiers leave as pseudonyms, and these need a key: give \
                 --key-file FILE (key_file in Python; `ringfence backup-key FILE` makes one); or give --reveal \
                 (reveal=True) to write them as they are",
            )),
        }
    }

    /// The name of the account with this key.
    pub fn account(&self, key: &str) -> String {
        match self {
            Names::Revealed => key.to_string(),
            Names::Pseudonyms(names) => names.account(key),
        }
    }

    /// The name of the transaction with this key.
    pub fn transaction(&self, key: &str) -> String {
        match self {
            Names::Revealed => key.to_string(),
            Names::Pseudonyms(names) => names.transaction(key),
        }
    }

    /// The name of the identifier of this kind and value. Revealed it is the value alone, which two kinds can have in common.
    pub fn identifier(&self, kind: &str, value: &str) -> String {
        match self {
            Names::Revealed => value.to_string(),
            Names::Pseudonyms(names) => names.identifier(kind, value),
        }
    }

    /// The pseudonyms, where names are such.
    pub fn pseudonyms(&self) -> Option<&Pseudonyms> {
        match self {
            Names::Revealed => None,
            Names::Pseudonyms(names) => Some(names),
        }
    }

    /// What documents say about the names in them.
    pub fn document(&self) -> Value {
        match self {
            Names::Revealed => json!({ "names": "revealed" }),
            Names::Pseudonyms(names) => json!({
                "names": "pseudonyms",
                "of": ["accounts", "transactions", "identifiers"],
                "method": "HMAC-SHA256, 60 bits; docs/exports.md",
                "case": names.case,
                "key": names.key_name,
            }),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::HashSet;

    fn names(case: &str) -> Pseudonyms {
        Pseudonyms::new(&Key::new(std::array::from_fn(|i| i as u8)), case)
    }

    #[test]
    fn pseudonyms_are_those_that_others_compute() {
        // By the hmac, hashlib and cryptography modules of Python, as docs/exports.md says.
        let names = names("2024-17");
        assert_eq!(names.account("DE89 3704 0044"), "acct-hx5wy2qz2gxs");
        assert_eq!(names.transaction("DE89 3704 0044"), "tx-06zk6tmxt2ac");
        assert_eq!(names.identifier("phone", "+49 30 123456"), "phone-5a0962d8gw50");
    }

    #[test]
    fn kinds_cases_and_keys_are_kept_apart() {
        let (one, two) = (names("one"), names("two"));
        let other = Pseudonyms::new(&Key::new([7; 32]), "one");
        let digits = |name: String| name.split_once('-').unwrap().1.to_string();
        let all: HashSet<String> = [
            one.account("x"),
            one.transaction("x"),
            one.identifier("phone", "x"),
            one.identifier("device", "x"),
            one.identifier("phon", "ex"),
            one.identifier("", "x"),
            two.account("x"),
            other.account("x"),
        ]
        .map(digits)
        .into();
        assert_eq!(all.len(), 8);
        assert_eq!(one.account("x"), names("one").account("x"));
        assert!(!format!("{one:?}").contains("0102") && format!("{one:?}").contains("one"));
    }

    #[test]
    fn neither_key_nor_reveal_is_refused_with_both_remedies() {
        let key = Key::new([1; 32]);
        let message = Names::chosen(false, None, CASE).unwrap_err().to_string();
        for remedy in ["--key-file", "--reveal", "backup-key", "reveal=True"] {
            assert!(message.contains(remedy), "{message}");
        }
        assert!(Names::chosen(true, Some(&key), CASE).is_err());
        assert!(matches!(Names::chosen(true, None, CASE), Ok(Names::Revealed)));
        let chosen = Names::chosen(false, Some(&key), CASE).unwrap();
        assert_eq!(chosen.document()["key"], key.name());
        assert_eq!(Names::Revealed.account("x"), "x");
    }

    proptest! {
        #[test]
        fn a_pseudonym_is_a_function_of_its_name_and_shows_none_of_it(a in ".*", b in ".*") {
            let names = names(CASE);
            prop_assert_eq!(names.account(&a) == names.account(&b), a == b);
            prop_assert_eq!(names.identifier(&a, &b) == names.identifier(&b, &a), a == b);
            let pseudonym = names.transaction(&a);
            prop_assert!(pseudonym.len() == 15 && pseudonym.starts_with("tx-"));
            prop_assert!(pseudonym[3..].bytes().all(|digit| DIGITS.contains(&digit)));
        }
    }
}
