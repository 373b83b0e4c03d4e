//! What searches find of the attempts of a data set, typology by typology, and the tables that say it.

use super::matching::Index;
use super::shape::{Definition, Lack, lack, meets};
use super::{Find, Truth};
use std::collections::BTreeMap;

/// How many finds of a typology an analyst looks at, in a day and in all.
pub const BUDGETS: [usize; 2] = [20, 200];

/// What a search for one typology gave.
pub struct Searched {
    pub typology: &'static str,
    /// The definition behind it, for attempts that it cannot find; `None` for a typology that no attempt has.
    pub definition: Option<Definition>,
    /// The one to look at first comes first.
    pub finds: Vec<Find>,
    /// Whether a budget cut the search short.
    pub truncated: bool,
}

/// What was found of the attempts of one typology.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    pub typology: &'static str,
    pub attempts: usize,
    /// Attempts whose own payments have the shape.
    pub defined: usize,
    /// What the others lack.
    pub lacking: BTreeMap<Lack, usize>,
    /// Attempts that a find of their typology is alike.
    pub found: usize,
    /// Those of them whose own payments have the shape.
    pub found_defined: usize,
    /// Attempts that are not found, but alike a find of another typology.
    pub elsewhere: usize,
    /// Those by the name of the other typology; of several names all.
    pub names: BTreeMap<&'static str, usize>,
    pub finds: usize,
    pub truncated: bool,
    /// What an analyst finds with each of [`BUDGETS`].
    pub first: [First; BUDGETS.len()],
}

/// The finds at which an analyst looks.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct First {
    pub finds: usize,
    /// Those alike an attempt of the typology.
    pub right: usize,
    /// Those alike an attempt of any typology.
    pub any: usize,
    /// Those most of whose payments the data does not mark as illicit.
    pub ordinary: usize,
    /// Attempts of the typology that one of these finds is alike.
    pub attempts: usize,
}

/// What the searches found, a row for each typology that attempts have.
pub fn rows(truth: &Truth, searched: &[Searched]) -> Vec<Row> {
    let attempts = &truth.attempts;
    let index = Index::new(attempts, truth.graph.num_accounts());
    let alike: Vec<Vec<Vec<usize>>> =
        searched.iter().map(|one| one.finds.iter().map(|find| index.alike(find)).collect()).collect();
    // By attempt and search: the place of the first find that is alike.
    let mut places: Vec<Vec<Option<usize>>> = vec![vec![None; searched.len()]; attempts.len()];
    for (number, finds) in alike.iter().enumerate() {
        for (place, attempts) in finds.iter().enumerate() {
            for &attempt in attempts {
                places[attempt][number].get_or_insert(place);
            }
        }
    }
    let row = |(number, one): (usize, &Searched)| {
        let mut row = Row { typology: one.typology, finds: one.finds.len(), ..Row::default() };
        row.truncated = one.truncated;
        row.first = BUDGETS.map(|budget| first(truth, one, &alike[number], budget));
        for (attempt, places) in attempts.iter().zip(&places).filter(|(a, _)| a.typology == one.typology) {
            let definition = one.definition.expect("a typology that attempts have is defined");
            let (accounts, payments) = (&attempt.accounts, &attempt.payments);
            let defined = meets(one.typology, accounts, payments, &definition);
            let place = places[number];
            row.attempts += 1;
            row.defined += usize::from(defined);
            row.found += usize::from(place.is_some());
            row.found_defined += usize::from(defined && place.is_some());
            if !defined {
                *row.lacking.entry(lack(one.typology, accounts, payments, &definition)).or_default() += 1;
            }
            for (first, budget) in row.first.iter_mut().zip(BUDGETS) {
                first.attempts += usize::from(place.is_some_and(|place| place < budget));
            }
            if place.is_none() {
                row.elsewhere += usize::from(places.iter().any(Option::is_some));
                let names = searched.iter().zip(places).filter(|(_, place)| place.is_some());
                names.for_each(|(other, _)| *row.names.entry(other.typology).or_default() += 1);
            }
        }
        row
    };
    searched.iter().enumerate().map(row).filter(|row| row.attempts > 0).collect()
}

fn first(truth: &Truth, one: &Searched, alike: &[Vec<usize>], budget: usize) -> First {
    let mut first = First::default();
    for (find, attempts) in one.finds.iter().zip(alike).take(budget) {
        let illicit = find.transactions.iter().filter(|&&id| truth.is_illicit(id)).count();
        let is_right = |&attempt: &usize| truth.attempts[attempt].typology == one.typology;
        first.finds += 1;
        first.any += usize::from(!attempts.is_empty());
        first.right += usize::from(attempts.iter().any(is_right));
        first.ordinary += usize::from(2 * illicit < find.transactions.len());
    }
    first
}

/// Recall and names, as a table in Markdown.
pub fn recall(rows: &[Row]) -> String {
    let mut text = header(&[
        "typology",
        "attempts",
        "have the shape",
        "lack it",
        "found",
        "of all",
        "of those with the shape",
        "under another name only",
    ]);
    for row in rows {
        let lacking: Vec<String> =
            row.lacking.iter().map(|(lack, count)| format!("{count} {}", lack.name())).collect();
        let names: Vec<String> = row.names.iter().map(|(name, count)| format!("{name} {count}")).collect();
        let names = if names.is_empty() { String::new() } else { format!(" ({})", names.join(", ")) };
        text += &line(&[
            row.typology.to_string(),
            row.attempts.to_string(),
            row.defined.to_string(),
            lacking.join(", "),
            row.found.to_string(),
            percent(row.found, row.attempts),
            percent(row.found_defined, row.defined),
            format!("{}{names}", row.elsewhere),
        ]);
    }
    text
}

/// Precision at the analyst's budgets, as a table in Markdown.
pub fn precision(rows: &[Row]) -> String {
    let mut titles = vec!["typology".to_string(), "instances".to_string()];
    for budget in BUDGETS {
        titles.extend([
            format!("right of the first {budget}"),
            "of any typology".to_string(),
            "ordinary".to_string(),
            "attempts found".to_string(),
        ]);
    }
    let mut text = header(&titles.iter().map(String::as_str).collect::<Vec<_>>());
    for row in rows {
        let cut = if row.truncated { " (cut)" } else { "" };
        let mut cells = vec![row.typology.to_string(), format!("{}{cut}", row.finds)];
        for First { finds, right, any, ordinary, attempts } in row.first {
            let share = |part| format!("{part} ({})", percent(part, finds));
            cells.extend([
                share(right),
                share(any),
                share(ordinary),
                format!("{attempts} of {}", row.attempts),
            ]);
        }
        text += &line(&cells);
    }
    text
}

fn header(titles: &[&str]) -> String {
    format!("| {} |\n|{}\n", titles.join(" | "), "---|".repeat(titles.len()))
}

fn line(cells: &[String]) -> String {
    format!("| {} |\n", cells.join(" | "))
}

fn percent(part: usize, whole: usize) -> String {
    match whole {
        0 => "–".to_string(),
        _ => format!("{} %", (200 * part + whole) / (2 * whole)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_are_rounded_half_up_and_none_of_nothing_is_said() {
        assert_eq!([percent(1, 3), percent(1, 200), percent(1, 201)], ["33 %", "1 %", "0 %"]);
        assert_eq!([percent(0, 0), percent(0, 5), percent(5, 5)], ["–", "0 %", "100 %"]);
    }

    #[test]
    fn a_table_has_as_many_cells_in_each_line() {
        let row = Row {
            typology: "cycle",
            attempts: 9,
            lacking: BTreeMap::from([(Lack::Few, 2), (Lack::Apart, 1)]),
            names: BTreeMap::from([("random", 1), ("fan-in", 1)]),
            elsewhere: 1,
            ..Row::default()
        };
        for table in [recall(std::slice::from_ref(&row)), precision(std::slice::from_ref(&row))] {
            let cells: Vec<usize> = table.lines().map(|line| line.matches('|').count()).collect();
            assert!(cells.len() == 3 && cells.iter().all(|&count| count == cells[0]), "{table}");
        }
        let text = recall(&[row]);
        assert!(text.contains("| 1 apart, 2 few | 0 | 0 % | – | 1 (fan-in 1, random 1) |"), "{text}");
    }
}
