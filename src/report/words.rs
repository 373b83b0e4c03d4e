//! Texts of which many rows have the same: each stands once, and a row has four bytes.

use std::sync::Arc;

/// Texts, one behind another in one buffer: many short ones leave no gaps in memory when they go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Words {
    text: String,
    /// Where each ends.
    ends: Vec<usize>,
}

impl Words {
    /// Number of texts.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// One of them.
    ///
    /// # Panics
    /// If `at` is not below [`len`](Self::len).
    #[inline]
    pub fn get(&self, at: usize) -> &str {
        let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
        &self.text[start..self.ends[at]]
    }

    /// Adds one behind them.
    pub fn push(&mut self, word: &str) {
        self.text.push_str(word);
        self.ends.push(self.text.len());
    }

    /// Adds others behind them.
    pub fn append(&mut self, more: &Words) {
        let first = self.text.len();
        self.text.push_str(&more.text);
        self.ends.extend(more.ends.iter().map(|end| first + end));
    }
}

impl<W: AsRef<str>> FromIterator<W> for Words {
    fn from_iter<I: IntoIterator<Item = W>>(words: I) -> Self {
        let mut all = Words::default();
        words.into_iter().for_each(|word| all.push(word.as_ref()));
        all
    }
}

/// A column of texts by their places among some.
#[derive(Clone, Debug, PartialEq)]
pub struct Coded {
    words: Arc<Words>,
    codes: Vec<u32>,
}

impl Coded {
    /// The texts `words[code]` for each of `codes`.
    ///
    /// # Panics
    /// If a code is not a place in `words`.
    pub fn new(words: Arc<Words>, codes: Vec<u32>) -> Self {
        assert!(codes.iter().all(|&code| (code as usize) < words.len()), "every code has a word");
        Self { words, codes }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.codes.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.codes.is_empty()
    }

    /// The text of one row.
    ///
    /// # Panics
    /// If `row` is not below [`len`](Self::len).
    pub fn get(&self, row: usize) -> &str {
        self.words.get(self.codes[row] as usize)
    }

    /// The text of each row.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.codes.iter().map(|&code| self.words.get(code as usize))
    }

    /// These rows, in this order.
    ///
    /// # Panics
    /// If there is no such row.
    pub fn pick(&self, rows: impl Iterator<Item = usize>) -> Self {
        Self { words: self.words.clone(), codes: rows.map(|row| self.codes[row]).collect() }
    }

    /// Adds the rows of another column behind these.
    pub fn append(&mut self, more: &Coded) {
        let first = self.words.len() as u32;
        Arc::make_mut(&mut self.words).append(&more.words);
        self.codes.extend(more.codes.iter().map(|code| first + code));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_come_back_as_they_went_in() {
        let texts = ["", "a", "谢", "", "many words"];
        let mut words: Words = texts.into_iter().collect();
        words.append(&["more", ""].into_iter().collect());
        let found: Vec<&str> = (0..words.len()).map(|at| words.get(at)).collect();
        assert_eq!(found, [&texts[..], &["more", ""]].concat());
        assert!(Words::default().is_empty());
    }

    #[test]
    fn columns_are_cut_and_joined_by_rows() {
        let column =
            |texts: &[&str], codes: &[u32]| Coded::new(Arc::new(texts.iter().collect()), codes.to_vec());
        let mut one = column(&["x", "y"], &[1, 0, 1]).pick([2, 1].into_iter());
        assert_eq!(one.iter().collect::<Vec<_>>(), ["y", "x"]);
        one.append(&column(&["z"], &[0, 0]));
        assert_eq!(one.iter().collect::<Vec<_>>(), ["y", "x", "z", "z"]);
        assert_eq!((one.len(), one.get(2)), (4, "z"));
    }
}
