//! Networks as the CSV files of Neo4j's bulk import, and the command that imports them.
//!
//! # Choices
//! `accounts.csv` and `identifiers.csv` are nodes, `transfers.csv` and `uses.csv` relationships; files without rows are left out,
//! but for the accounts. Ids are in a space per sort of node (`accountId:ID(Account)`), so that an identifier cannot be taken for an account. Other columns
//! become properties, `amount_minor` is `amountMinor:long`; a column that is null in all rows of a file is not in it. A
//! `long` is exact up to 2^63; whole numbers beyond, and sums, are strings. Null is an empty field, an empty text `""`. A float that is not
//! finite is null. No text is changed: nothing here is meant for a spreadsheet.
//!
//! # Source
//! The Neo4j operations manual, "Import", "CSV header format".

use super::super::network::Network;
use super::super::table::{Cell, Table, Values};
use super::cells::{EDGE, NODE, texts};
use crate::error::{Error, Result};
use std::collections::HashSet;

/// The file with the command.
pub(super) const COMMAND: &str = "import.txt";

/// The files of `network`, by their names.
///
/// # Errors
/// [`Error::Unproved`] if a network was put together wrongly.
pub(super) fn tables(network: &Network) -> Result<Vec<(&'static str, Table)>> {
    network.check()?;
    let (nodes, edges) = (&network.nodes, &network.edges);
    let sorts = nodes.column("type");
    let is_identifier =
        |row: usize| matches!(sorts.map(|sorts| sorts.cell(row)), Some(Cell::Text("identifier")));
    let (identifiers, accounts): (Vec<usize>, Vec<usize>) =
        (0..nodes.num_rows()).partition(|&row| is_identifier(row));
    let ids = texts(nodes, "id");
    let shared: HashSet<&str> = identifiers.iter().map(|&row| ids[row].as_str()).collect();
    let [keys, sources, targets] = EDGE.map(|name| texts(edges, name));
    let (uses, transfers): (Vec<usize>, Vec<usize>) =
        (0..edges.num_rows()).partition(|&row| shared.contains(targets[row].as_str()));
    if let Some(wrong) = sources.iter().find(|source| shared.contains(source.as_str())) {
        return Err(Error::Unproved(format!("an edge begins at the identifier {wrong:?}")));
    }
    let pick =
        |texts: &[String], rows: &[usize]| Values::Text(rows.iter().map(|&row| texts[row].clone()).collect());
    let mut files = Vec::new();
    for (file, rows, id, label) in [
        ("accounts.csv", &accounts, "accountId:ID(Account)", "Account"),
        ("identifiers.csv", &identifiers, "identifierId:ID(Identifier)", "Identifier"),
    ] {
        let mut table = Table::new([(id, pick(ids, rows))]);
        properties(nodes, &NODE, &["accountId", "identifierId"], rows, &mut table);
        table.push(":LABEL", Values::Text(vec![label.to_string(); rows.len()]));
        files.push((file, table));
    }
    for (file, rows, end, id, kind) in [
        ("transfers.csv", &transfers, ":END_ID(Account)", "transactionId", "TRANSFER"),
        ("uses.csv", &uses, ":END_ID(Identifier)", "useId", "USES"),
    ] {
        let mut table = Table::new([
            (":START_ID(Account)", pick(sources, rows)),
            (end, pick(targets, rows)),
            (id, pick(keys, rows)),
        ]);
        properties(edges, &EDGE, &["transactionId", "useId"], rows, &mut table);
        table.push(":TYPE", Values::Text(vec![kind.to_string(); rows.len()]));
        files.push((file, table));
    }
    files.retain(|(file, table)| *file == "accounts.csv" || table.num_rows() > 0);
    Ok(files)
}

/// The command that imports `files` into a new database called `neo4j`, to be run where they are.
pub(super) fn command(files: &[(&str, Table)]) -> String {
    let breaks = |(_, values): &(String, Values)| {
        (0..values.len())
            .any(|row| matches!(values.cell(row), Cell::Text(text) if text.contains(['\n', '\r'])))
    };
    let multiline = files.iter().any(|(_, table)| table.columns.iter().any(breaks));
    let mut command = "neo4j-admin database import full".to_string();
    for (file, _) in files {
        let option =
            if matches!(*file, "accounts.csv" | "identifiers.csv") { "nodes" } else { "relationships" };
        command += &format!(" --{option}={file}");
    }
    if multiline {
        command += " --multiline-fields=true";
    }
    command + " neo4j\n"
}

/// Adds the attributes of `rows`, with their types, to `to`.
fn properties(from: &Table, structure: &[&str], taken: &[&str], rows: &[usize], to: &mut Table) {
    let mut used: HashSet<String> = taken.iter().map(|name| (*name).to_string()).collect();
    for (given, values) in &from.columns {
        // The type is the label of a node and the type of a relationship.
        if structure.contains(&given.as_str()) || given == "type" {
            continue;
        }
        let mut name = property(given);
        while !used.insert(name.clone()) {
            name.push('_');
        }
        let cells: Vec<Cell<'_>> = rows.iter().map(|&row| values.cell(row)).collect();
        if cells.iter().all(|cell| *cell == Cell::Null) {
            continue;
        }
        let (kind, values) = typed(values, &cells);
        to.push(format!("{name}:{kind}"), values);
    }
}

/// `cells` of a column like `values` under a type of Neo4j.
fn typed(values: &Values, cells: &[Cell<'_>]) -> (&'static str, Values) {
    match values {
        Values::U32(_) | Values::U64(_) | Values::I64(_) | Values::OptionI64(_) => {
            let whole: Option<Vec<Option<i64>>> = cells
                .iter()
                .map(|cell| match cell {
                    Cell::Signed(value) => Some(Some(*value)),
                    Cell::Unsigned(value) => i64::try_from(*value).ok().map(Some),
                    _ => Some(None),
                })
                .collect();
            match whole {
                Some(whole) => ("long", Values::OptionI64(whole)),
                None => ("string", as_text(cells)),
            }
        }
        Values::F64(_) | Values::OptionF64(_) => {
            let float = |cell: &Cell<'_>| match cell {
                Cell::Float(value) => Some(*value).filter(|value| value.is_finite()),
                _ => None,
            };
            ("double", Values::OptionF64(cells.iter().map(float).collect()))
        }
        Values::Boolean(_) | Values::OptionBoolean(_) => {
            let truth = |cell: &Cell<'_>| match cell {
                Cell::Boolean(value) => Some(*value),
                _ => None,
            };
            ("boolean", Values::OptionBoolean(cells.iter().map(truth).collect()))
        }
        Values::Time(_) | Values::OptionTime(_) => {
            let time = |cell: &Cell<'_>| match cell {
                Cell::Time(value) => Some(*value),
                _ => None,
            };
            ("datetime", Values::OptionTime(cells.iter().map(time).collect()))
        }
        Values::I128(_) | Values::Text(_) | Values::OptionText(_) | Values::Coded(_) => {
            ("string", as_text(cells))
        }
    }
}

fn as_text(cells: &[Cell<'_>]) -> Values {
    let text = |cell: &Cell<'_>| super::cells::content(*cell).map(|text| text.into_owned());
    Values::OptionText(cells.iter().map(text).collect())
}

/// `amount_minor` as `amountMinor`; what a header cannot hold becomes `_`.
fn property(name: &str) -> String {
    let mut out = String::with_capacity(name.len());
    let mut raise = false;
    for c in name.chars() {
        match c {
            '_' if !out.is_empty() => raise = true,
            c if c.is_alphanumeric() && raise => {
                out.extend(c.to_uppercase());
                raise = false;
            }
            c if c.is_alphanumeric() => out.push(c),
            _ => out.push('_'),
        }
    }
    if out.is_empty() { "_".into() } else { out }
}

#[cfg(test)]
mod tests {
    use super::super::super::csv::{CsvOptions, write_csv};
    use super::super::super::network::tests::sample;
    use super::*;

    fn csv(table: &Table) -> String {
        let mut out = Vec::new();
        write_csv(table, CsvOptions::default(), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn headers_are_those_of_the_bulk_import() {
        let files = tables(&sample()).unwrap();
        assert_eq!(
            files.iter().map(|(name, _)| *name).collect::<Vec<_>>(),
            ["accounts.csv", "transfers.csv"]
        );
        assert_eq!(
            csv(&files[0].1).lines().next(),
            Some("accountId:ID(Account),ring:long,score:double,:LABEL")
        );
        let transfers = csv(&files[1].1);
        let mut lines = transfers.lines();
        assert_eq!(
            lines.next(),
            Some(
                ":START_ID(Account),:END_ID(Account),transactionId,time:datetime,amount:string,amountMinor:long,labelled:boolean,:TYPE"
            )
        );
        assert_eq!(
            lines.next(),
            Some(
                "\"A & \"\"<B>\"\"\",谢\u{1}谢,t1,1970-01-01T00:00:00Z,90071992547409.93,9007199254740993,false,TRANSFER"
            )
        );
        assert_eq!(
            command(&files),
            "neo4j-admin database import full --nodes=accounts.csv --relationships=transfers.csv neo4j\n"
        );
    }

    #[test]
    fn identifiers_have_a_space_of_their_own() {
        let mut network = sample();
        network.nodes.push("type", Values::Text(vec!["account".into(), "identifier".into()]));
        assert!(tables(&network).unwrap_err().to_string().contains("begins at the identifier"));
        network.edges = network.edges.slice(0..2);
        network.edges.columns[0].1 = Values::Text(vec!["a\nb".into(), String::new()]);
        let files = tables(&network).unwrap();
        let names: Vec<_> = files.iter().map(|(name, _)| *name).collect();
        assert_eq!(names, ["accounts.csv", "identifiers.csv", "uses.csv"]);
        assert_eq!(
            csv(&files[1].1),
            "identifierId:ID(Identifier),score:double,:LABEL\n谢\u{1}谢,2.0,Identifier\n"
        );
        assert!(csv(&files[2].1).starts_with(":START_ID(Account),:END_ID(Identifier),useId,"));
        assert!(csv(&files[2].1).contains(",\"\",1970"), "an empty id is a text, not a null");
        assert!(command(&files).ends_with(" --multiline-fields=true neo4j\n"));
    }

    #[test]
    fn names_of_properties_are_fit_for_a_header() {
        assert_eq!(property("received_amount_minor"), "receivedAmountMinor");
        assert_eq!(property("a:b{c},\n"), "a_b_c___");
        assert_eq!((property("_x"), property(""), property("名_a")), ("_x".into(), "_".into(), "名A".into()));
        let wide = Values::U64(vec![u64::MAX, 1]);
        let cells = [wide.cell(0), wide.cell(1)];
        let expected = Values::OptionText(vec![Some(u64::MAX.to_string()), Some("1".into())]);
        assert_eq!(typed(&wide, &cells), ("string", expected));
    }
}
