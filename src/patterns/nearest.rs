//! The word that was probably meant.
//!
//! Distance is that of Levenshtein, and two neighbours that change places count once: the fewest letters put in, left out, changed or exchanged, upper and lower
//! case alike.

/// The first of `known` that is nearest to `word`, if no more than a third of its letters (or one, but not all) need to change.
pub(crate) fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word: Vec<char> = word.to_lowercase().chars().collect();
    let most = (word.len() / 3).max(1).min(word.len().saturating_sub(1));
    let distances = known.into_iter().map(|known| (distance(&word, known), known));
    distances
        .filter(|&(distance, _)| distance <= most)
        .min_by_key(|&(distance, _)| distance)
        .map(|(_, known)| known)
}

fn distance(word: &[char], known: &str) -> usize {
    let mut row: Vec<usize> = (0..=word.len()).collect();
    let (mut before, mut letter_before) = (row.clone(), None);
    for (number, letter) in known.to_lowercase().chars().enumerate() {
        let mut next = vec![number + 1];
        for at in 0..word.len() {
            let changed = row[at] + usize::from(word[at] != letter);
            let mut least = changed.min(row[at + 1] + 1).min(next[at] + 1);
            if at > 0 && word[at - 1] == letter && Some(word[at]) == letter_before {
                least = least.min(before[at - 1] + 1);
            }
            next.push(least);
        }
        (before, row) = (row, next);
        letter_before = Some(letter);
    }
    row[word.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_slip_is_recognized_and_another_word_is_not() {
        let known = ["collector", "senders", "exit", "Device"];
        assert_eq!(nearest("colector", known), Some("collector"));
        assert_eq!(nearest("sender", known), Some("senders"));
        assert_eq!(nearest("exti", ["exits", "exit"]), Some("exit"));
        assert_eq!(nearest("colelctor", known), Some("collector"));
        assert_eq!(nearest("exi", known), Some("exit"));
        assert_eq!(nearest("device", known), Some("Device"));
        assert_eq!(nearest("payout", known), None);
        assert_eq!(nearest("a", ["at", "b"]), None);
        assert_eq!(nearest("", known), None);
    }

    #[test]
    fn distances_are_those_of_the_textbook() {
        let letters: Vec<char> = "kitten".chars().collect();
        assert_eq!(distance(&letters, "sitting"), 3);
        assert_eq!(distance(&letters, ""), 6);
        assert_eq!(distance(&[], "abc"), 3);
    }
}
