//! Text to tokens: words, numbers, quoted texts and signs, each with its place.

use super::query::Comparison;
use crate::error::Error;

/// Where something stands in a query's text, both from 1; columns count characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) line: u32,
    pub(super) column: u32,
}

/// What is wrong, where, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Fault {
    pub(super) place: Place,
    pub(super) problem: String,
}

impl Fault {
    pub(super) fn new(place: Place, problem: impl ToString) -> Self {
        Self { place, problem: problem.to_string() }
    }

    /// As an error about `what`: a query, or a pattern by its name.
    pub(super) fn of(self, what: &str) -> Error {
        let Place { line, column } = self.place;
        Error::input(format!("{what}, line {line}, column {column}"), self.problem)
    }
}

/// One token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    Word(String),
    /// Digits, perhaps with a decimal point between them.
    Number(String),
    /// What stood between quotes.
    Text(String),
    Colon,
    Comma,
    Arrow,
    Dots,
    Percent,
    Compare(Comparison),
    /// The end of a statement.
    Line,
    /// The end of the text.
    End,
}

impl Token {
    /// As a reader sees it.
    pub(super) fn shown(&self) -> String {
        let sign = match self {
            Token::Word(word) | Token::Number(word) => word,
            Token::Text(text) => return quoted(text),
            Token::Colon => ":",
            Token::Comma => ",",
            Token::Arrow => "->",
            Token::Dots => "..",
            Token::Percent => "%",
            Token::Compare(comparison) => comparison.sign(),
            Token::Line => return "the end of the line".into(),
            Token::End => return "the end of the text".into(),
        };
        format!("`{sign}`")
    }
}

/// A text in quotes, as it is written.
pub(super) fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('\\', "\\\\").replace('"', "\\\""))
}

/// Whether `text` is one word.
pub(super) fn is_word(text: &str) -> bool {
    let mut letters = text.chars();
    let word = Lexer::new(text).word();
    letters.next().is_some_and(starts_word) && word.len() == text.len()
}

fn starts_word(letter: char) -> bool {
    letter.is_alphabetic() || letter == '_'
}

fn continues_word(letter: char) -> bool {
    letter.is_alphanumeric() || letter == '_'
}

/// All tokens of `text`, the last of them [`Token::End`]. Statements end with the line, unless a comma ends it.
pub(super) fn tokens(text: &str) -> Result<Vec<(Token, Place)>, Fault> {
    let mut lexer = Lexer::new(text);
    let mut all: Vec<(Token, Place)> = Vec::new();
    loop {
        let (token, place) = lexer.next()?;
        let last = all.last().map(|(token, _)| token);
        match token {
            Token::Line if matches!(last, None | Some(Token::Line | Token::Comma)) => {}
            Token::End => {
                if !matches!(last, None | Some(Token::Line)) {
                    all.push((Token::Line, place));
                }
                all.push((Token::End, place));
                return Ok(all);
            }
            token => all.push((token, place)),
        }
    }
}

/// Reads one token after another.
struct Lexer<'t> {
    rest: &'t str,
    place: Place,
}

impl<'t> Lexer<'t> {
    fn new(text: &'t str) -> Self {
        Self { rest: text, place: Place { line: 1, column: 1 } }
    }

    fn next(&mut self) -> Result<(Token, Place), Fault> {
        self.skip();
        let place = self.place;
        let Some(first) = self.rest.chars().next() else {
            return Ok((Token::End, place));
        };
        if first == '\n' {
            self.take(1);
            self.place = Place { line: place.line + 1, column: 1 };
            return Ok((Token::Line, place));
        }
        if starts_word(first) {
            let word = self.word();
            self.take(word.len());
            return Ok((Token::Word(word.into()), place));
        }
        if first.is_ascii_digit() {
            let number = self.number();
            self.take(number.len());
            return Ok((Token::Number(number.into()), place));
        }
        if first == '"' {
            return Ok((Token::Text(self.text()?), place));
        }
        const SIGNS: [(&str, Token); 11] = [
            ("->", Token::Arrow),
            ("..", Token::Dots),
            ("!=", Token::Compare(Comparison::NotEqual)),
            ("<=", Token::Compare(Comparison::AtMost)),
            (">=", Token::Compare(Comparison::AtLeast)),
            ("<", Token::Compare(Comparison::Less)),
            (">", Token::Compare(Comparison::More)),
            ("=", Token::Compare(Comparison::Equal)),
            (":", Token::Colon),
            (",", Token::Comma),
            ("%", Token::Percent),
        ];
        match SIGNS.into_iter().find(|(sign, _)| self.rest.starts_with(sign)) {
            Some((sign, token)) => {
                self.take(sign.len());
                Ok((token, place))
            }
            None => Err(Fault::new(
                place,
                format!(
                    "found `{first}`, which means nothing here: use words, numbers, \"texts\" and the signs : , -> .. % = != < <= > >="
                ),
            )),
        }
    }

    /// Goes over `len` bytes of one line.
    fn take(&mut self, len: usize) {
        let (taken, rest) = self.rest.split_at(len);
        self.place.column += taken.chars().count() as u32;
        self.rest = rest;
    }

    /// Goes over blanks and comments.
    fn skip(&mut self) {
        let blank = |letter: char| letter != '\n' && (letter.is_whitespace() || letter == '\u{feff}');
        let begin = self.rest.find(|letter| !blank(letter)).unwrap_or(self.rest.len());
        self.take(begin);
        if self.rest.starts_with('#') {
            self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
        }
    }

    /// The word at the beginning; hyphens join letters.
    fn word(&self) -> &'t str {
        let mut letters = self.rest.char_indices().peekable();
        while let Some((at, letter)) = letters.next() {
            let joins = letter == '-' && letters.peek().is_some_and(|&(_, next)| continues_word(next));
            if !continues_word(letter) && !joins {
                return &self.rest[..at];
            }
        }
        self.rest
    }

    /// The number at the beginning; a point belongs to it if a digit follows.
    fn number(&self) -> &'t str {
        let bytes = self.rest.as_bytes();
        let digits = |from: usize| bytes[from..].iter().take_while(|byte| byte.is_ascii_digit()).count();
        let whole = digits(0);
        let fraction = if bytes.get(whole) == Some(&b'.') { digits(whole + 1) } else { 0 };
        &self.rest[..if fraction > 0 { whole + 1 + fraction } else { whole }]
    }

    /// The text in quotes at the beginning.
    fn text(&mut self) -> Result<String, Fault> {
        let (mut text, mut escaped) = (String::new(), false);
        for (at, letter) in self.rest.char_indices().skip(1) {
            match letter {
                '\n' => break,
                _ if escaped => {
                    text.push(letter);
                    escaped = false;
                }
                '\\' => escaped = true,
                '"' => {
                    self.take(at + 1);
                    return Ok(text);
                }
                _ => text.push(letter),
            }
        }
        Err(Fault::new(self.place, "found a text without an end: close it with \" on the same line"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_know_where_they_stand() {
        let found = tokens("# head\r\n a-b -> c1, # more\r\n\n 500..1.50 24h\t\"x\\\"é\" !=").unwrap();
        let shown: Vec<(String, u32, u32)> =
            found.iter().map(|(token, place)| (token.shown(), place.line, place.column)).collect();
        let expected = [
            ("`a-b`", 2, 2),
            ("`->`", 2, 6),
            ("`c1`", 2, 9),
            ("`,`", 2, 11),
            ("`500`", 4, 2),
            ("`..`", 4, 5),
            ("`1.50`", 4, 7),
            ("`24`", 4, 12),
            ("`h`", 4, 14),
            ("\"x\\\"é\"", 4, 16),
            ("`!=`", 4, 23),
            ("the end of the line", 4, 25),
            ("the end of the text", 4, 25),
        ];
        assert_eq!(shown, expected.map(|(shown, line, column)| (shown.to_string(), line, column)));
    }

    #[test]
    fn what_is_no_token_is_refused() {
        for (text, line, column) in [("a ? b", 1, 3), ("\n \"open", 2, 2), ("a - b", 1, 3), ("\"x\\\"", 1, 1)]
        {
            assert_eq!(tokens(text).unwrap_err().place, Place { line, column }, "{text}");
        }
        assert!(is_word("scatter-gather") && is_word("ü_1"));
        assert!(!is_word("a b") && !is_word("1a") && !is_word("a-") && !is_word(""));
    }
}
