//! Pictures of results: what a picture of a case file is drawn from, taken from the tables of any result.
//!
//! A sketch is a list of accounts, transfers between them and identifiers that they use, whatever result they come
//! from. It becomes as much of a [`CaseFile`] as the pictures look at, so that a trace, a shape and a case file are drawn by
//! the same hand.
//!
//! # Choices
//! A picture is passed on, so accounts are called `A1`, `A2`, … by their place in the result's tables unless names
//! are asked for; identifiers likewise by kind and number. Of a large result the largest
//! flows are drawn ([`choose`]), and the picture says how much is not.

use super::chosen::{Chosen, Flow, choose};
use super::draft::Given;
use super::file::{
    CaseAccount, CaseAmount, CaseFile, CaseIdentifier, CaseTransfer, CaseUse, FORMAT, Language, Point,
    Subject, Summarised,
};
use super::flow::flow;
use super::layout::place;
use super::picture::{Picture, svg};
use super::sentences::Words;
use crate::error::{Error, Result};
use crate::report::pseudonyms::Names;
use crate::report::table::{Cell, Table, Values};
use crate::units::Currency;
use crate::units::amount::format_amount;
use crate::units::time::format_time;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};

/// How a sketch is drawn.
#[derive(Clone, Debug)]
pub struct SketchOptions {
    /// Of its texts.
    pub language: Language,
    /// How accounts are called; by numbers if not given.
    pub names: Option<Names>,
    /// Most accounts that are drawn; at least 2.
    pub accounts_max: u32,
    /// Most flows that are drawn, a flow being all that one account pays another in one currency; at least 1.
    pub flows_max: u32,
}

impl Default for SketchOptions {
    fn default() -> Self {
        Self { language: Language::default(), names: None, accounts_max: 60, flows_max: 120 }
    }
}

impl SketchOptions {
    /// Whether the options can be met.
    ///
    /// # Errors
    /// [`Error::Option`] names the first that cannot.
    pub fn check(&self) -> Result<()> {
        let refuse =
            |name, value: u32, allowed| Err(Error::Option { name, value: value.to_string(), allowed });
        match (self.accounts_max, self.flows_max) {
            (0 | 1, _) => refuse("accounts_max", self.accounts_max, "at least 2"),
            (_, 0) => refuse("flows_max", 0, "at least 1"),
            _ => Ok(()),
        }
    }
}

/// What a picture is headed by.
#[derive(Clone, Debug)]
pub(super) struct Heading {
    /// What is drawn, by name: `ring`, `trace`, …
    pub kind: &'static str,
    /// The same for readers, in English and Chinese.
    pub words: [String; 2],
    /// Its number in the tables.
    pub number: Option<u64>,
    /// Its name, which can be a hash of keys that somebody with a list of keys could try.
    pub name: Option<String>,
}

/// An account.
#[derive(Clone, Debug, Default)]
struct Drawn {
    key: String,
    roles: Vec<String>,
    /// Whether it is only beside what was asked for.
    beside: bool,
    /// How far from what was asked for; flows between near accounts are drawn first.
    far: u32,
}

/// A transfer.
#[derive(Clone, Copy, Debug)]
struct Moved {
    source: u32,
    target: u32,
    currency: u32,
    time: i64,
    minor: i64,
}

/// The columns of a table that say who paid whom, when and how much.
#[derive(Clone, Copy)]
pub(super) struct Columns {
    pub source: &'static str,
    pub target: &'static str,
    pub currency: &'static str,
    pub minor: &'static str,
}

/// Accounts, transfers and identifiers to be drawn.
#[derive(Clone, Debug)]
pub struct Sketch {
    heading: Heading,
    currencies: Vec<Currency>,
    accounts: Vec<Drawn>,
    places: HashMap<String, u32>,
    transfers: Vec<Moved>,
    identifiers: Vec<(String, String)>,
    identifier_places: HashMap<(String, String), u32>,
    uses: Vec<(u32, u32)>,
    /// Accounts in all, where the sketch holds a part of them.
    whole: usize,
    /// Set when accounts that are added are beside what is drawn.
    members_ended: bool,
}

impl Sketch {
    /// An empty one; amounts are of these currencies.
    pub(super) fn new(heading: Heading, currencies: &[Currency]) -> Self {
        Sketch {
            heading,
            currencies: currencies.to_vec(),
            accounts: Vec::new(),
            places: HashMap::new(),
            transfers: Vec::new(),
            identifiers: Vec::new(),
            identifier_places: HashMap::new(),
            uses: Vec::new(),
            whole: 0,
            members_ended: false,
        }
    }

    /// Whether there is nothing to draw.
    pub fn is_empty(&self) -> bool {
        self.accounts.is_empty()
    }

    /// Says that there are `accounts` in all.
    pub(super) fn of_whole(mut self, accounts: usize) -> Self {
        self.whole = accounts;
        self
    }

    /// Says that accounts that are not there yet do not belong to what is drawn, but stand beside it.
    pub(super) const fn members_end(&mut self) {
        self.members_ended = true;
    }

    /// The number of the account with this key, which is added if it is new.
    pub(super) fn account(&mut self, key: &str) -> u32 {
        if let Some(&place) = self.places.get(key) {
            return place;
        }
        let place = self.accounts.len() as u32;
        self.places.insert(key.to_string(), place);
        self.accounts.push(Drawn { key: key.to_string(), beside: self.members_ended, ..Drawn::default() });
        place
    }

    /// Adds a role to an account.
    pub(super) fn role(&mut self, account: u32, role: &str) {
        let roles = &mut self.accounts[account as usize].roles;
        if !role.is_empty() && roles.iter().all(|known| known != role) {
            roles.push(role.to_string());
        }
    }

    /// Says how far from what was asked for an account is.
    pub(super) fn away(&mut self, account: u32, far: u32) {
        let drawn = &mut self.accounts[account as usize];
        (drawn.far, drawn.beside) = (far, far > 0);
    }

    /// Adds that an account uses an identifier.
    pub(super) fn uses(&mut self, account: u32, kind: &str, identifier: &str) {
        let named = (kind.to_string(), identifier.to_string());
        let place = *self.identifier_places.entry(named).or_insert_with_key(|named| {
            self.identifiers.push(named.clone());
            self.identifiers.len() as u32 - 1
        });
        self.uses.push((account, place));
    }

    /// Adds the rows of `table` that `of` lets through, but for those without an end, a time or an amount.
    pub(super) fn transfers(
        &mut self,
        table: &Table,
        columns: Columns,
        of: impl Fn(usize) -> bool,
    ) -> Result<()> {
        let [source, target, currency, minor, time] =
            [columns.source, columns.target, columns.currency, columns.minor, "time"]
                .map(|name| column(table, name));
        let (source, target, currency, minor, time) = (source?, target?, currency?, minor?, time?);
        let codes: HashMap<String, u32> =
            self.currencies.iter().zip(0..).map(|(one, number)| (one.code.clone(), number)).collect();
        for row in (0..table.num_rows()).filter(|&row| of(row)) {
            let (
                Cell::Text(payer),
                Cell::Text(payee),
                Cell::Text(code),
                Cell::Signed(minor),
                Cell::Time(time),
            ) = (source.cell(row), target.cell(row), currency.cell(row), minor.cell(row), time.cell(row))
            else {
                continue;
            };
            let Some(&currency) = codes.get(code) else { continue };
            let (source, target) = (self.account(payer), self.account(payee));
            self.transfers.push(Moved { source, target, currency, time, minor });
        }
        Ok(())
    }

    /// Roles by the direction in which money passed: only paid, received and paid, only received.
    pub(super) fn roles_by_direction(&mut self) {
        let mut passed = vec![(false, false); self.accounts.len()];
        for moved in self.transfers.iter().filter(|moved| moved.minor > 0) {
            passed[moved.target as usize].0 = true;
            passed[moved.source as usize].1 = true;
        }
        for (account, passed) in (0..).zip(passed) {
            match passed {
                (false, true) => self.role(account, "victim"),
                (true, true) => self.role(account, "layer"),
                (true, false) => self.role(account, "cash-out"),
                (false, false) => {}
            }
        }
    }

    /// The picture as an SVG document: the same bytes for the same result, for any number of threads and on every machine.
    ///
    /// # Errors
    /// [`Error::Option`]; [`Error::Input`] for two accounts with one pseudonym.
    pub fn svg(&self, picture: Picture, options: &SketchOptions) -> Result<String> {
        options.check()?;
        Ok(svg(&self.case(options)?, picture))
    }

    /// As much of a case file as pictures look at.
    fn case(&self, options: &SketchOptions) -> Result<CaseFile> {
        let chosen = self.choose(options);
        let mut place_of = vec![u32::MAX; self.accounts.len()];
        chosen.accounts.iter().zip(0..).for_each(|(&account, place)| place_of[account as usize] = place);
        let accounts = self.named(&chosen.accounts, options)?;
        let (identifiers, uses) = self.identified(&place_of, options);
        let transfers = self.listed(&chosen.flows, &place_of);
        let labels: Vec<String> = accounts.iter().map(|account| account.id.clone()).collect();
        let sum = |code: &str, minor| {
            let currency = self.currencies.iter().position(|one| one.code == code).unwrap_or_default();
            self.amount(currency as u32, minor)
        };
        let (flow_nodes, flow_links) =
            flow(&transfers, &labels, |_| true, |transfer| transfer.paid.clone(), sum);
        let words = Words(options.language);
        let numbered =
            words.of("Accounts are called by the numbers of this picture.", "账户以本图内的编号称呼。");
        let numbered =
            options.names.is_none().then(|| Point { question: "who".into(), text: numbered.into() });
        let mut case = CaseFile {
            format: FORMAT.into(),
            language: options.language,
            subject: self.subject(options),
            summary: numbered.into_iter().collect(),
            score_millibits: None,
            score_parts: Vec::new(),
            claims: Vec::new(),
            counterfactual: None,
            money: Vec::new(),
            summarised: self.summarised(accounts.len(), transfers.len(), words),
            accounts,
            identifiers,
            uses,
            transfers,
            flow_nodes,
            flow_links,
            withheld: Vec::new(),
            provenance: Value::Null,
        };
        place(&mut case);
        Ok(case)
    }

    /// The chosen accounts with their names; without places.
    fn named(&self, chosen: &[u32], options: &SketchOptions) -> Result<Vec<CaseAccount>> {
        let mut given = options.names.as_ref().map(|names| (names, Given::new(names)));
        let named = chosen.iter().map(|&account| {
            let drawn = &self.accounts[account as usize];
            let id = match &mut given {
                Some((names, given)) => given.give(names.account(&drawn.key), &drawn.key)?,
                None => format!("A{}", account + 1),
            };
            Ok(CaseAccount {
                id,
                member: !drawn.beside,
                roles: drawn.roles.clone(),
                received: Vec::new(),
                paid: Vec::new(),
                attributes: Vec::new(),
                x: 0.0,
                y: 0.0,
            })
        });
        named.collect()
    }

    /// The transfers of the chosen flows, in time order.
    fn listed(&self, flows: &HashSet<Flow>, place_of: &[u32]) -> Vec<CaseTransfer> {
        let chosen = |moved: &&Moved| flows.contains(&(moved.currency, moved.source, moved.target));
        let mut transfers: Vec<&Moved> = self.transfers.iter().filter(chosen).collect();
        transfers.sort_by_key(|moved| moved.time); // stable
        let listed = transfers.into_iter().map(|moved| CaseTransfer {
            id: String::new(),
            source: place_of[moved.source as usize],
            target: place_of[moved.target as usize],
            time: format_time(moved.time),
            paid: self.amount(moved.currency, moved.minor.into()),
            received: None,
            traced: None,
            hop: None,
            evidence: true,
        });
        listed.collect()
    }

    fn subject(&self, options: &SketchOptions) -> Subject {
        let Heading { kind, words, number, name } = &self.heading;
        let id = match (&options.names, name, number) {
            // The words say the first part already.
            (Some(Names::Revealed), Some(name), _) if *kind == "instance" => {
                name.rsplit('-').next().unwrap_or_default().to_string()
            }
            (Some(names), Some(name), _) => names.identifier(kind, name),
            (_, _, Some(number)) => number.to_string(),
            _ => String::new(),
        };
        let words = &words[usize::from(options.language == Language::Zh)];
        let title = if id.is_empty() { words.clone() } else { format!("{words} {id}") };
        Subject { kind: kind.to_string(), id, title, first: None, last: None }
    }

    fn amount(&self, currency: u32, minor: i128) -> CaseAmount {
        let currency = &self.currencies[currency as usize];
        CaseAmount {
            currency: currency.code.clone(),
            minor: minor.to_string(),
            amount: format_amount(minor, currency.exponent),
        }
    }

    /// Identifiers that at least two drawn accounts use, and the uses.
    fn identified(&self, place_of: &[u32], options: &SketchOptions) -> (Vec<CaseIdentifier>, Vec<CaseUse>) {
        let drawn = |account: u32| place_of[account as usize] != u32::MAX;
        let mut users: HashMap<u32, HashSet<u32>> = HashMap::new();
        for &(account, identifier) in self.uses.iter().filter(|one| drawn(one.0)) {
            users.entry(identifier).or_default().insert(account);
        }
        let shared = |identifier: &u32| users.get(identifier).is_some_and(|users| users.len() > 1);
        let mut of_kind: HashMap<&str, u32> = HashMap::new();
        let (mut identifiers, mut places) = (Vec::new(), HashMap::new());
        for ((kind, name), number) in self.identifiers.iter().zip(0..) {
            let nth = of_kind.entry(kind.as_str()).or_default();
            *nth += 1;
            if shared(&number) {
                places.insert(number, identifiers.len() as u32);
                let id = match &options.names {
                    Some(Names::Revealed) => name.clone(),
                    _ => format!("{kind} {nth}"),
                };
                identifiers.push(CaseIdentifier { id, kind: kind.clone(), x: 0.0, y: 0.0 });
            }
        }
        let uses = self.uses.iter().filter(|one| drawn(one.0) && shared(&one.1));
        let uses = uses.map(|&(account, identifier)| CaseUse {
            account: place_of[account as usize],
            identifier: places[&identifier],
            first: None,
            last: None,
            count: 1,
        });
        (identifiers, uses.collect())
    }

    /// Says how much is not drawn; nothing if all is.
    fn summarised(&self, accounts: usize, transfers: usize, words: Words) -> Option<Summarised> {
        let (all, moved) = (self.accounts.len().max(self.whole), self.transfers.len());
        if accounts == all && transfers == moved {
            return None;
        }
        let text = match words.0 {
            Language::En if all > self.accounts.len() => {
                format!("{accounts} of {all} accounts are drawn, those with the largest flows")
            }
            Language::En => format!(
                "{accounts} of {all} accounts and {transfers} of {moved} transfers are drawn, the largest flows first"
            ),
            Language::Zh if all > self.accounts.len() => {
                format!("共 {all} 个账户，绘出其中资金流最大的 {accounts} 个")
            }
            Language::Zh => {
                format!(
                    "共 {all} 个账户、{moved} 笔转账，绘出 {accounts} 个账户、{transfers} 笔转账，金额大者优先"
                )
            }
        };
        Some(Summarised { num_accounts: all as u64, num_transfers: moved as u64, text })
    }

    /// What is drawn.
    fn choose(&self, options: &SketchOptions) -> Chosen {
        let mut sums: BTreeMap<Flow, (i128, u64)> = BTreeMap::new();
        for moved in &self.transfers {
            let sum = sums.entry((moved.currency, moved.source, moved.target)).or_default();
            *sum = (sum.0 + i128::from(moved.minor), sum.1 + 1);
        }
        let far: Vec<u32> = self.accounts.iter().map(|account| account.far).collect();
        choose(&sums, &far, options.accounts_max as usize, options.flows_max as usize)
    }
}

/// The column of this name, which tables of this kind have.
pub(super) fn column<'t>(table: &'t Table, name: &str) -> Result<&'t Values> {
    table.column(name).ok_or_else(|| Error::Unproved(format!("a table to draw has no column {name}")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::pseudonyms::Pseudonyms;
    use crate::store::backup::Key;

    const COLUMNS: Columns =
        Columns { source: "source", target: "target", currency: "currency", minor: "minor" };
    const HOSTILE: [&str; 4] =
        ["<script>alert(1)</script>", "a\"' onload='x", "]]>\u{202e}&amp;\u{0}\n", "&#x3c;svg"];

    /// A sketch of payers, payees, currencies and amounts, one a minute.
    fn sketch(rows: &[(&str, &str, &str, i64)]) -> Sketch {
        let text = |of: fn(&(&str, &str, &str, i64)) -> String| Values::Text(rows.iter().map(of).collect());
        let table = Table::new([
            ("source", text(|row| row.0.into())),
            ("target", text(|row| row.1.into())),
            ("currency", text(|row| row.2.into())),
            ("minor", Values::I64(rows.iter().map(|row| row.3).collect())),
            ("time", Values::Time((0..rows.len() as i64).map(|nth| nth * 60_000_000).collect())),
        ]);
        let heading =
            Heading { kind: "ring", words: ["Ring".into(), "团伙".into()], number: Some(3), name: None };
        let currency = |code: &str, exponent| Currency { code: code.into(), exponent };
        let mut sketch = Sketch::new(heading, &[currency("EUR", 2), currency("JPY", 0)]);
        sketch.transfers(&table, COLUMNS, |_| true).unwrap();
        sketch
    }

    fn names(case: &CaseFile) -> Vec<&str> {
        case.accounts.iter().map(|account| account.id.as_str()).collect()
    }

    #[test]
    fn accounts_are_called_by_numbers_unless_names_are_asked_for() {
        let mut drawn = sketch(&[("DE89 1", "DE89 2", "EUR", 5_00), ("DE89 2", "DE89 3", "EUR", 4_00)]);
        drawn.uses(0, "phone", "+49 1");
        drawn.uses(2, "phone", "+49 1");
        drawn.role(0, "victim");
        let masked = SketchOptions::default();
        let revealed = SketchOptions { names: Some(Names::Revealed), ..SketchOptions::default() };
        let pseudonyms = Pseudonyms::new(&Key::new([1; 32]), "one");
        let first = pseudonyms.account("DE89 1");
        let keyed = SketchOptions { names: Some(Names::Pseudonyms(pseudonyms)), ..SketchOptions::default() };
        for picture in Picture::ALL {
            let [masked, revealed, keyed] =
                [&masked, &revealed, &keyed].map(|how| drawn.svg(picture, how).unwrap());
            assert!(!masked.contains("DE89") && !masked.contains("+49"), "{masked}");
            assert!(masked.contains(">A1") && masked.contains("Ring 3"));
            assert!(revealed.contains("DE89 1"));
            assert!(!keyed.contains("DE89") && !keyed.contains("+49") && keyed.contains(&first));
            assert_eq!(masked, drawn.svg(picture, &SketchOptions::default()).unwrap());
        }
        assert!(drawn.svg(Picture::Ring, &masked).unwrap().contains("phone 1"));
        assert!(drawn.svg(Picture::Ring, &revealed).unwrap().contains("+49 1"));
    }

    #[test]
    fn hostile_names_are_texts() {
        let [a, b, c, d] = HOSTILE;
        let mut drawn = sketch(&[(a, b, "EUR", 1), (b, c, "EUR", 1), (c, d, "EUR", 1), (d, a, "EUR", 1)]);
        drawn.uses(0, a, b);
        drawn.uses(1, a, b);
        drawn.role(0, c);
        for names in [None, Some(Names::Revealed)] {
            let options = SketchOptions { names, ..SketchOptions::default() };
            for picture in Picture::ALL {
                let svg = drawn.svg(picture, &options).unwrap();
                let tag = |tag: &str| {
                    tag.split([' ', '>', '/']).find(|part| !part.is_empty()).unwrap_or_default().to_string()
                };
                let known = ["svg", "title", "desc", "rect", "text", "g", "path", "circle"];
                assert!(svg.split('<').skip(1).map(tag).all(|tag| known.contains(&tag.as_str())), "{svg}");
                assert!(!svg.contains(['\u{202e}', '\u{0}']) && !svg.contains("onload='"));
            }
        }
    }

    #[test]
    fn the_largest_flows_of_each_currency_are_drawn_and_the_rest_is_counted() {
        let drawn = sketch(&[
            ("a", "b", "EUR", 1),
            ("c", "d", "EUR", 3),
            ("c", "d", "EUR", 3),
            ("e", "f", "EUR", 5),
            ("g", "h", "JPY", 1),
        ]);
        let options = SketchOptions { accounts_max: 4, ..SketchOptions::default() };
        let case = drawn.case(&options).unwrap();
        assert_eq!(names(&case), ["A3", "A4", "A7", "A8"]);
        assert_eq!(case.transfers.len(), 3);
        let said = case.summarised.unwrap().text;
        assert_eq!(said, "4 of 8 accounts and 3 of 5 transfers are drawn, the largest flows first");
        let one = SketchOptions { flows_max: 1, language: Language::Zh, ..SketchOptions::default() };
        let case = drawn.case(&one).unwrap();
        assert_eq!(names(&case), ["A3", "A4"]);
        for picture in Picture::ALL {
            assert!(svg(&case, picture).contains("共 8 个账户"));
        }
        assert!(drawn.case(&SketchOptions::default()).unwrap().summarised.is_none());
    }

    #[test]
    fn a_neighborhood_grows_from_its_middle() {
        let mut drawn =
            sketch(&[("far", "farther", "EUR", 900), ("near", "far", "EUR", 2), ("me", "near", "EUR", 1)]);
        for (key, far) in [("me", 0), ("near", 1), ("far", 2), ("farther", 2)] {
            let account = drawn.account(key);
            drawn.away(account, far);
        }
        let options =
            SketchOptions { accounts_max: 3, names: Some(Names::Revealed), ..SketchOptions::default() };
        let case = drawn.case(&options).unwrap();
        assert_eq!(names(&case), ["far", "near", "me"]);
        assert_eq!(case.accounts.iter().filter(|account| account.member).count(), 1);
    }

    #[test]
    fn accounts_without_transfers_are_drawn_and_an_identifier_of_one_of_them_alone_is_not() {
        let mut drawn = sketch(&[]);
        assert!(drawn.is_empty());
        assert!(drawn.svg(Picture::Ring, &SketchOptions::default()).unwrap().contains("No accounts"));
        for (key, identifier) in [("a", "x"), ("b", "x"), ("a", "y")] {
            let account = drawn.account(key);
            drawn.uses(account, "phone", identifier);
        }
        let case = drawn.case(&SketchOptions::default()).unwrap();
        assert_eq!((case.accounts.len(), case.identifiers.len(), case.uses.len()), (2, 1, 2));
    }

    #[test]
    fn a_picture_of_much_is_small() {
        let keys: Vec<String> = (0..500).map(|number| format!("ACCOUNT-{number:020}")).collect();
        let pay = |nth: usize| {
            let (from, to) = (nth * 7919 % 500, nth * 104_729 % 499);
            (
                keys[from].as_str(),
                keys[to].as_str(),
                if nth.is_multiple_of(3) { "JPY" } else { "EUR" },
                nth as i64,
            )
        };
        let drawn = sketch(&(1..60_000).map(pay).collect::<Vec<_>>());
        let revealed = SketchOptions { names: Some(Names::Revealed), ..SketchOptions::default() };
        for picture in Picture::ALL {
            let masked = drawn.svg(picture, &SketchOptions::default()).unwrap();
            assert!(masked.len() < 64_000, "{picture:?}: {}", masked.len());
            let revealed = drawn.svg(picture, &revealed).unwrap();
            assert!(revealed.len() < 96_000, "{picture:?}: {}", revealed.len());
        }
    }

    #[test]
    fn bounds_that_leave_nothing_to_draw_are_refused() {
        let drawn = sketch(&[("a", "b", "EUR", 1)]);
        let refused = |options: SketchOptions| drawn.svg(Picture::Ring, &options).unwrap_err().to_string();
        let few = SketchOptions { accounts_max: 1, ..SketchOptions::default() };
        assert!(refused(few).contains("accounts_max"));
        assert!(refused(SketchOptions { flows_max: 0, ..SketchOptions::default() }).contains("flows_max"));
    }
}
