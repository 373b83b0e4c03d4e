//! Tokens to statements, by recursive descent. `docs/pattern-language.md` has the grammar.

use super::lexer::{Fault, Place, Token, tokens};
use super::query::{Comparison, Condition, Decimal, KEYWORDS, Literal, Measure, Range, UNITS, Word};
use crate::patterns::nearest::nearest;
use crate::units::Ties;

/// What one line says.
#[derive(Debug)]
pub(super) enum Statement {
    Within(i64),
    Ties(Ties),
    Account { name: Word, conditions: Vec<Condition> },
    Group { name: Word, least: (u32, Place), within: Option<(i64, Place)>, conditions: Vec<Condition> },
    Transfer { name: Word, from: Word, to: Word, clauses: Vec<Clause> },
    Sharing { who: Word, verb: Word, kind: Word, with: Option<Word> },
}

/// What is asked of a transfer.
#[derive(Debug)]
pub(super) enum Clause {
    After { transfer: Word, gap: Option<(Option<i64>, i64, Place)> },
    Money { measure: Measure, place: Place, range: Range<Decimal>, currency: Word },
    Portion { measure: Measure, place: Place, range: Range<u32>, of: Word },
}

/// The name of the pattern and its statements, each with its place.
pub(super) fn statements(text: &str) -> Result<(Word, Vec<(Place, Statement)>), Fault> {
    let mut parser = Parser { tokens: tokens(text)?, at: 0 };
    parser.keyword("pattern", "begin with `pattern` and a name")?;
    let name = parser.name("name the pattern")?;
    parser.line()?;
    let mut all = Vec::new();
    while *parser.token() != Token::End {
        all.push((parser.place(), parser.statement()?));
        parser.line()?;
    }
    Ok((name, all))
}

struct Parser {
    tokens: Vec<(Token, Place)>,
    at: usize,
}

impl Parser {
    fn token(&self) -> &Token {
        &self.tokens[self.at].0
    }

    fn place(&self) -> Place {
        self.tokens[self.at].1
    }

    /// The last token, the end of the text, is never gone over.
    fn advance(&mut self) {
        self.at = (self.at + 1).min(self.tokens.len() - 1);
    }

    fn fault<T>(&self, remedy: &str) -> Result<T, Fault> {
        Err(Fault::new(self.place(), format!("found {}: {remedy}", self.token().shown())))
    }

    /// As [`fault`](Self::fault), with the word among `known` that may have been meant.
    fn slip<T>(&self, known: &[&str], remedy: &str) -> Result<T, Fault> {
        match self.token() {
            Token::Word(word) => match nearest(word, known.iter().copied()) {
                Some(meant) if meant != word => self.fault(&format!("did you mean `{meant}`? {remedy}")),
                _ => self.fault(remedy),
            },
            _ => self.fault(remedy),
        }
    }

    fn is(&self, keyword: &str) -> bool {
        matches!(self.token(), Token::Word(word) if word == keyword)
    }

    fn accept(&mut self, keyword: &str) -> bool {
        let is = self.is(keyword);
        if is {
            self.advance();
        }
        is
    }

    fn keyword(&mut self, keyword: &str, remedy: &str) -> Result<(), Fault> {
        match self.accept(keyword) {
            true => Ok(()),
            false => self.slip(&[keyword], remedy),
        }
    }

    fn sign(&mut self, sign: Token, remedy: &str) -> Result<(), Fault> {
        match *self.token() == sign {
            true => {
                self.advance();
                Ok(())
            }
            false => self.fault(remedy),
        }
    }

    /// A word that is no keyword.
    fn name(&mut self, remedy: &str) -> Result<Word, Fault> {
        match self.token() {
            Token::Word(word) if KEYWORDS.contains(&word.as_str()) => {
                self.fault(&format!("it is a word of the language; {remedy} with another word"))
            }
            Token::Word(_) => Ok(self.word()),
            _ => self.fault(&format!("{remedy} with a word")),
        }
    }

    /// A name that the data gives: a word, or anything in quotes.
    fn given(&mut self, remedy: &str) -> Result<Word, Fault> {
        match self.token() {
            Token::Text(_) => Ok(self.word()),
            _ => self.name(remedy),
        }
    }

    /// The text of the token, whatever it is.
    fn word(&mut self) -> Word {
        let place = self.place();
        let text = match self.token() {
            Token::Word(text) | Token::Number(text) | Token::Text(text) => text.clone(),
            _ => String::new(),
        };
        self.advance();
        Word { text, place }
    }

    fn line(&mut self) -> Result<(), Fault> {
        self.sign(Token::Line, "end the line here; clauses are separated by commas")
    }

    fn statement(&mut self) -> Result<Statement, Fault> {
        if self.accept("within") {
            return Ok(Statement::Within(self.time()?));
        }
        if self.accept("ties") {
            let ties = Ties::ALL.into_iter().find(|ties| self.is(ties.name()));
            let Some(ties) = ties else {
                return self.slip(&["order", "strict"], "write `ties order` or `ties strict`");
            };
            self.advance();
            return Ok(Statement::Ties(ties));
        }
        if self.is("pattern") {
            return self.fault("a text holds one pattern; write the other one into a text of its own");
        }
        let name = self.name("begin with `within`, `ties` or the name of an account or transfer")?;
        match self.token() {
            Token::Colon => {
                self.advance();
                self.declaration(name)
            }
            Token::Word(verb) if verb == "shares" || verb == "share" => self.sharing(name),
            _ if matches!(nearest(&name.text, ["within", "ties"]), Some(meant) if meant != name.text) => {
                self.at -= 1;
                self.slip(&["within", "ties"], "")
            }
            _ => self.slip(&["shares", "share"], "go on with `:` or with `shares`"),
        }
    }

    fn sharing(&mut self, who: Word) -> Result<Statement, Fault> {
        let verb = self.word();
        let kind = self.given("name the kind of identifier that is shared")?;
        let with = match self.accept("with") {
            true => Some(self.name("name the account")?),
            false => None,
        };
        Ok(Statement::Sharing { who, verb, kind, with })
    }

    fn declaration(&mut self, name: Word) -> Result<Statement, Fault> {
        if self.accept("account") {
            return Ok(Statement::Account { name, conditions: self.conditions()? });
        }
        if self.accept("at") {
            self.keyword("least", "write `at least` and a number of accounts")?;
            let place = self.place();
            let least = self.whole("write how many accounts at least")?;
            let Ok(least) = u32::try_from(least) else {
                return Err(Fault::new(place, "found more accounts than a graph can hold: ask for fewer"));
            };
            self.keyword("accounts", "write `accounts` behind the number")?;
            let within_place = self.place();
            let within = match self.accept("within") {
                true => Some((self.time()?, within_place)),
                false => None,
            };
            return Ok(Statement::Group {
                name,
                least: (least, place),
                within,
                conditions: self.conditions()?,
            });
        }
        if let Token::Word(word) = self.token()
            && !matches!(self.tokens[self.at + 1].0, Token::Arrow)
            && let Some(meant) = nearest(word, ["account", "at"])
        {
            return self.fault(&format!(
                "did you mean `{meant}`? Write `account`, `at least N accounts` or `payer -> payee`"
            ));
        }
        let remedy = "write `account`, `at least N accounts` or `payer -> payee`";
        let from = match self.token() {
            Token::Word(_) => self.name("name the payer")?,
            _ => return self.fault(remedy),
        };
        self.sign(Token::Arrow, remedy)?;
        let to = self.name("name the payee")?;
        let mut clauses = Vec::new();
        while *self.token() == Token::Comma {
            self.advance();
            clauses.push(self.clause()?);
        }
        Ok(Statement::Transfer { name, from, to, clauses })
    }

    fn conditions(&mut self) -> Result<Vec<Condition>, Fault> {
        let mut all = Vec::new();
        if !self.accept("with") {
            return Ok(all);
        }
        loop {
            all.push(self.condition()?);
            if *self.token() != Token::Comma {
                return Ok(all);
            }
            self.advance();
        }
    }

    fn condition(&mut self) -> Result<Condition, Fault> {
        let attribute = self.given("name an attribute of the account")?;
        let Token::Compare(comparison) = *self.token() else {
            return self.fault("compare the attribute by =, !=, <, <=, > or >=");
        };
        self.advance();
        let mut values = vec![self.literal()?];
        while self.is("or") {
            if comparison != Comparison::Equal {
                return self.fault("only `=` can be followed by several values");
            }
            self.advance();
            values.push(self.literal()?);
        }
        Ok(Condition { attribute, comparison, values })
    }

    fn literal(&mut self) -> Result<Literal, Fault> {
        let place = self.place();
        match self.token() {
            Token::Text(_) => Ok(Literal::Text(self.word())),
            Token::Number(_) => Ok(Literal::Number(self.word())),
            Token::Word(word) if word == "true" || word == "false" => {
                Ok(Literal::Boolean(self.word().text == "true", place))
            }
            Token::Word(word) => self.fault(&format!("write a text in quotes: \"{word}\"")),
            _ => self.fault("write a \"text\", a number, true or false"),
        }
    }

    fn clause(&mut self) -> Result<Clause, Fault> {
        let place = self.place();
        if self.accept("after") {
            let transfer = self.name("name the transfer before")?;
            let place = self.place();
            let gap = match self.accept("within") {
                true => {
                    let first = self.time()?;
                    match *self.token() == Token::Dots {
                        true => {
                            self.advance();
                            Some((Some(first), self.time()?, place))
                        }
                        false => Some((None, first, place)),
                    }
                }
                false => None,
            };
            return Ok(Clause::After { transfer, gap });
        }
        let measure = match self.token() {
            Token::Word(word) if word == "amount" => Measure::Amount,
            Token::Word(word) if word == "total" => Measure::Total,
            _ => {
                return self.slip(
                    &["after", "amount", "total"],
                    "write `after` and a transfer, `amount` and a range, or `total` and a range",
                );
            }
        };
        self.advance();
        self.range(measure, place)
    }

    fn range(&mut self, measure: Measure, place: Place) -> Result<Clause, Fault> {
        let remedy = "write `at least` or `at most` and a number, or two numbers like 500.00..1000.00";
        let (least, most) = match self.accept("at") {
            true => {
                let is_least = self.accept("least");
                if !is_least && !self.accept("most") {
                    return self.slip(&["least", "most"], remedy);
                }
                let number = self.number(remedy)?;
                if is_least { (Some(number), None) } else { (None, Some(number)) }
            }
            false => {
                if matches!(self.token(), Token::Word(word) if nearest(word, ["at"]).is_some()) {
                    return self.slip(&["at"], remedy);
                }
                let least = self.number(remedy)?;
                self.sign(Token::Dots, remedy)?;
                (Some(least), Some(self.number(remedy)?))
            }
        };
        let percents: Vec<bool> = [&least, &most].into_iter().flatten().map(|number| number.1).collect();
        if percents.iter().any(|&percent| percent != percents[0]) {
            return Err(Fault::new(
                place,
                "one end of the range is in percent and the other is not: write both alike",
            ));
        }
        if percents[0] {
            self.keyword("of", "write `of` and the transfer that the percentage is of")?;
            let of = self.name("name the transfer that the percentage is of")?;
            let permille =
                |number: Option<(Decimal, bool)>| number.map(|(number, _)| permille(&number)).transpose();
            let range = Range { least: permille(least)?, most: permille(most)? };
            return Ok(Clause::Portion { measure, place, range, of });
        }
        let currency = self.given("end the amount with its currency, such as USD, or with %")?;
        let range = Range { least: least.map(|number| number.0), most: most.map(|number| number.0) };
        Ok(Clause::Money { measure, place, range, currency })
    }

    /// A decimal number, and whether it is in percent.
    fn number(&mut self, remedy: &str) -> Result<(Decimal, bool), Fault> {
        let Token::Number(text) = self.token() else {
            return self.fault(remedy);
        };
        let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
        if whole.len() > Decimal::DIGITS_MAX || fraction.len() > Decimal::DIGITS_MAX {
            return self.fault("a number has no more than 18 digits before its point and behind it");
        }
        let number = Decimal(self.word());
        let is_percent = *self.token() == Token::Percent;
        if is_percent {
            self.advance();
        }
        Ok((number, is_percent))
    }

    /// A whole number.
    fn whole(&mut self, remedy: &str) -> Result<u64, Fault> {
        match self.token() {
            Token::Number(text) => match text.parse() {
                Ok(number) => {
                    self.advance();
                    Ok(number)
                }
                Err(_) => self.fault("write a whole number that is not that large"),
            },
            _ => self.fault(remedy),
        }
    }

    /// A time of at least a second, in microseconds.
    fn time(&mut self) -> Result<i64, Fault> {
        let place = self.place();
        let count = self.whole("write a time such as 2h, 30min or 5d")?;
        let unit = UNITS.into_iter().find(|(unit, _)| self.is(unit));
        let Some((_, us)) = unit else {
            return self.fault("write the unit of time: d, h, min or s");
        };
        self.advance();
        let time = i64::try_from(count).ok().and_then(|count| count.checked_mul(us));
        match time {
            Some(0) => Err(Fault::new(place, "found a time of nothing: write a time above 0")),
            Some(time) => Ok(time),
            None => {
                Err(Fault::new(place, "found a time that is longer than any ledger: write a shorter one"))
            }
        }
    }
}

/// A percentage in thousandths.
fn permille(number: &Decimal) -> Result<u32, Fault> {
    const UNIT: i128 = 10i128.pow(Decimal::DIGITS_MAX as u32 - 1);
    let Decimal(word) = number;
    let tenths = number.value() / UNIT;
    if number.value() % UNIT != 0 {
        return Err(Fault::new(
            word.place,
            format!("found `{}`: a percentage has one decimal at most", word.text),
        ));
    }
    u32::try_from(tenths).map_err(|_| {
        Fault::new(word.place, format!("found `{}`: a percentage is below 400 000 000", word.text))
    })
}
