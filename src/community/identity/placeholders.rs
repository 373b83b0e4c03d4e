//! Values that stand for none: what forms write where nobody gave a telephone number.
//!
//! Such a value is shared by thousands that have nothing in common, and it does not always stand above the limit of accounts.
//!
//! # Choices
//! Case, surrounding space and separators do not count. A placeholder is one of [`WORDS`]; or nothing at all; or one character
//! over and over, two zeros, three times x or anything five times, such as `0000`, `00:00:00:00:00:00` or `999-99-9999`;
//! or at least eight digits that count up from 0 or 1, such as `123-45-6789`; or one of the words that the caller adds. A single
//! character and short numbers stay values, since small systems number their devices from 0.

/// Words that stand for no value, in lower case.
pub const WORDS: [&str; 31] = [
    "unknown",
    "unk",
    "n/a",
    "n.a.",
    "na",
    "none",
    "null",
    "(null)",
    "nil",
    "nan",
    "nat",
    "undefined",
    "missing",
    "empty",
    "blank",
    "default",
    "dummy",
    "test",
    "anonymous",
    "withheld",
    "private",
    "not available",
    "not applicable",
    "not provided",
    "no device",
    "tbd",
    "127.0.0.1",
    "::1",
    "localhost",
    "9999",
    "test@test.com",
];

/// Characters that say nothing in a number.
const SEPARATORS: [char; 14] = ['-', '.', ':', '/', '_', '(', ')', '+', ',', ' ', '?', '*', '#', '\''];

/// Fewest digits of a number that counts up.
const COUNTED_MIN: usize = 8;

/// Whether `value` stands for no value; `more` are further words, compared without regard to case.
pub fn is_placeholder(value: &str, more: &[String]) -> bool {
    let value = value.trim().to_lowercase();
    if WORDS.contains(&value.as_str()) || more.iter().any(|word| word.trim().to_lowercase() == value) {
        return true;
    }
    let mut told = value.chars().filter(|character| !SEPARATORS.contains(character));
    let Some(first) = told.next() else { return true };
    if told.clone().all(|character| character == first) {
        let times = 1 + told.count();
        return times
            >= if first == '0' {
                2
            } else if first == 'x' {
                3
            } else {
                5
            };
    }
    let digits: Option<Vec<u32>> = std::iter::once(first).chain(told).map(|each| each.to_digit(10)).collect();
    digits.is_some_and(|digits| {
        digits.len() >= COUNTED_MIN
            && digits[0] <= 1
            && digits.windows(2).all(|pair| pair[1] == (pair[0] + 1) % 10)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_stands_for_nothing_is_seen() {
        for value in [
            "",
            "  ",
            "-",
            "???",
            "0000",
            "999-99-9999",
            "00:00:00:00:00:00",
            "XXXX",
            " Unknown ",
            "N/A",
            "?",
            "n.a.",
            "00000000-0000-0000-0000-000000000000",
            "ffffffffffff",
            "123-45-6789",
            "0123456789",
            "+1 234 567 890",
        ] {
            assert!(is_placeholder(value, &[]), "{value:?}");
        }
        for value in [
            "0", "7", "a", "77", "-9", "aaa", "123456", "555-0100", "device 1", "10.0.0.1", "a@b.c", "nancy",
            "123457", "Ä",
        ] {
            assert!(!is_placeholder(value, &[]), "{value:?}");
        }
        assert!(is_placeholder("Kiosk 7", &["kiosk 7".to_string()]));
    }
}
