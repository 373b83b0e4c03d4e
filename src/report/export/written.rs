//! An export on disk: its files, the document that says what was withheld, and the table of names where one is asked for.
//!
//! # Method
//! Everything is written under partial names first. Then the table of names, the document and last the output itself get
//! their names; if one of them cannot, those before it are removed again.

use super::super::csv::{CsvOptions, write_csv};
use super::super::network::Network;
use super::super::output::{Directory, Pending, Sink};
#[cfg(feature = "arrow")]
use super::super::parquet::write_parquet;
use super::super::table::{Cell, Table};
use super::cells::Kind;
use super::columns::LeftOut;
use super::{
    Format, dot, neo4j, write_cx2, write_cyjs, write_dot, write_gexf, write_gml, write_graphml,
    write_node_link, xml,
};
use crate::error::Result;
use crate::run::Run;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};
use std::fmt::Write as _;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// The name of the document that says what was withheld: in a directory, or behind the name of a file.
pub(super) const WITHHELD: &str = "withheld.json";

/// How a network is written, and what is to be said beside it.
#[derive(Clone, Debug)]
pub struct Export {
    /// The format.
    pub format: Format,
    /// Whether texts in CSV that a spreadsheet would run as a formula are preceded by an apostrophe; never in the files for Neo4j.
    pub guard_formulas: bool,
    /// Columns that are no longer in the network.
    pub left_out: LeftOut,
    /// What the caller knows of what was withheld, and of where the network comes from: an object.
    pub document: Value,
    /// Where the table that takes pseudonyms back to names goes, and the table.
    pub key_table: Option<(PathBuf, Table)>,
}

/// A file of an export.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileMade {
    /// Its name, without directory.
    pub name: String,
    /// Its length.
    pub bytes: u64,
    /// SHA-256 of it, in hexadecimal digits.
    pub sha256: String,
}

/// What was written.
#[derive(Clone, Debug, PartialEq)]
pub struct Exported {
    /// The document beside it.
    pub document: Value,
    /// Where that is.
    pub document_path: PathBuf,
    /// Characters that the format cannot hold, shown by their pictures.
    pub num_pictures: u64,
    /// The files.
    pub files: Vec<FileMade>,
}

/// Writes `network` to the new file or directory `path`, with the document beside or in it.
///
/// # Errors
/// Those of the format's writer; [`Error::Exists`](crate::Error::Exists), [`Error::Io`](crate::Error::Io),
/// [`Error::Cancelled`](crate::Error::Cancelled); nothing is left then.
pub fn write_export(network: &Network, path: &Path, export: Export, run: &Run) -> Result<Exported> {
    run.stage("writing", 0);
    let format = Format::chosen(Some(export.format), path)?;
    network.check()?;
    let mut published = Published(Vec::new());
    let keys = match &export.key_table {
        Some((place, table)) => {
            let keys = Pending::create_private(place)?;
            keys.fill(run, |out| write_csv(table, CsvOptions::default(), out))?;
            Some((place, keys))
        }
        None => None,
    };
    let publish_keys = |published: &mut Published| match keys {
        Some((place, keys)) => keys.finish().map(|()| published.0.push(place.clone())),
        None => Ok(()),
    };
    let num_pictures = num_pictures(network, format);
    let document_path = format.document(path);
    let (document, files) = if format.is_directory() {
        let directory = Directory::create(path, run)?;
        let files = fill_directory(network, &directory, &export)?;
        let document = describe(network, &export, num_pictures, &files);
        directory.file(WITHHELD, |out| pretty(&document, out))?;
        publish_keys(&mut published)?;
        directory.finish()?;
        (document, files)
    } else {
        let output = Pending::create(path)?;
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let mut made = None;
        output.fill(run, |out| {
            let mut out = Hashing::new(out);
            write_one(network, &export, &mut out)?;
            made = Some(out.made(name));
            Ok(())
        })?;
        let files: Vec<FileMade> = made.into_iter().collect();
        let document = describe(network, &export, num_pictures, &files);
        let beside = Pending::create(&document_path)?;
        beside.fill(run, |out| pretty(&document, out))?;
        publish_keys(&mut published)?;
        beside.finish()?;
        published.0.push(document_path.clone());
        output.finish()?;
        (document, files)
    };
    published.0.clear();
    Ok(Exported { document, document_path, num_pictures, files })
}

/// Files that have their names already, and lose them if the rest does not come.
struct Published(Vec<PathBuf>);

impl Drop for Published {
    fn drop(&mut self) {
        for path in &self.0 {
            // Made by us a moment ago; nothing can be done about a failure here.
            let _ = std::fs::remove_file(path);
        }
    }
}

fn write_one(network: &Network, export: &Export, out: &mut impl Write) -> io::Result<()> {
    let csv = CsvOptions { guard_formulas: export.guard_formulas };
    match export.format {
        Format::GraphMl => write_graphml(network, out),
        Format::Gexf => write_gexf(network, out),
        Format::Gml => write_gml(network, out),
        Format::Dot => write_dot(network, out),
        Format::Cyjs => write_cyjs(network, out),
        Format::Cx2 => write_cx2(network, out),
        Format::NodeLink => write_node_link(network, out),
        _ => write_csv(&network.edges, csv, out),
    }
}

fn fill_directory(network: &Network, directory: &Directory, export: &Export) -> Result<Vec<FileMade>> {
    let mut files = Vec::new();
    let mut file = |name: &str, write: &mut dyn FnMut(&mut Hashing<&mut Sink<'_>>) -> io::Result<()>| {
        directory.file(name, |out| {
            let mut out = Hashing::new(out);
            write(&mut out)?;
            files.push(out.made(name.to_string()));
            Ok(())
        })
    };
    let pair = [("nodes", &network.nodes), ("edges", &network.edges)];
    match export.format {
        Format::Neo4j => {
            let tables = neo4j::tables(network)?;
            for (name, table) in &tables {
                file(name, &mut |out| write_csv(table, CsvOptions::default(), out))?;
            }
            let command = neo4j::command(&tables);
            file(neo4j::COMMAND, &mut |out| out.write_all(command.as_bytes()))?;
        }
        #[cfg(feature = "arrow")]
        Format::ParquetPair => {
            for (name, table) in pair {
                file(&format!("{name}.parquet"), &mut |out| write_parquet(table, out))?;
            }
        }
        _ => {
            let csv = CsvOptions { guard_formulas: export.guard_formulas };
            for (name, table) in pair {
                file(&format!("{name}.csv"), &mut |out| write_csv(table, csv, out))?;
            }
        }
    }
    Ok(files)
}

/// What was written and what was not.
fn describe(network: &Network, export: &Export, num_pictures: u64, files: &[FileMade]) -> Value {
    let format = export.format;
    let as_text: Vec<String> = [("nodes", &network.nodes), ("edges", &network.edges)]
        .into_iter()
        .flat_map(|(what, table)| long_columns(table).map(move |name| format!("{what}.{name}")))
        .collect();
    let is_csv = matches!(format, Format::Csv | Format::CsvPair);
    let exact = match format {
        Format::Csv | Format::CsvPair | Format::Neo4j => true,
        #[cfg(feature = "arrow")]
        Format::ParquetPair => true,
        _ => false,
    };
    let names =
        |table: &Table| -> Vec<String> { table.columns.iter().map(|(name, _)| name.clone()).collect() };
    let mut document = json!({
        "document": "ringfence export, what was withheld, 1",
        "format": format.name(),
        "num_nodes": if format == Format::Csv { 0 } else { network.nodes.num_rows() },
        "num_edges": network.edges.num_rows(),
        "files": files.iter().map(|file| json!({ "name": file.name, "bytes": file.bytes, "sha256": file.sha256 }))
            .collect::<Vec<_>>(),
        "columns": {
            "nodes": if format == Format::Csv { Vec::new() } else { names(&network.nodes) },
            "edges": names(&network.edges),
        },
        "columns_left_out": { "nodes": export.left_out.nodes, "edges": export.left_out.edges },
        "altered": {
            "control_characters_shown_by_pictures": num_pictures,
            "whole_numbers_beyond_2_53_as_text": if exact { Vec::new() } else { as_text },
            "formulas_guarded": is_csv && export.guard_formulas,
        },
    });
    if let Value::Object(known) = &export.document {
        let target: &mut Map<String, Value> = document.as_object_mut().expect("made as an object above");
        target.extend(known.clone());
    }
    document
}

fn long_columns(table: &Table) -> impl Iterator<Item = &str> {
    table
        .columns
        .iter()
        .filter(|(_, values)| values.is_number() && Kind::of(values) == Kind::Text)
        .map(|(name, _)| name.as_str())
}

/// How many characters of texts `format` shows by their pictures.
fn num_pictures(network: &Network, format: Format) -> u64 {
    let lost: fn(char) -> bool = match format {
        Format::GraphMl | Format::Gexf => xml::is_lost,
        Format::Dot => dot::is_lost,
        _ => return 0,
    };
    let in_text = |text: &str| text.chars().filter(|&c| lost(c)).count() as u64;
    let in_column = |(name, values): &(String, super::super::table::Values)| {
        let texts = (0..values.len()).map(|row| match values.cell(row) {
            Cell::Text(text) => in_text(text),
            _ => 0,
        });
        in_text(name) + texts.sum::<u64>()
    };
    network.nodes.columns.iter().chain(&network.edges.columns).map(in_column).sum()
}

fn pretty(document: &Value, out: &mut impl Write) -> io::Result<()> {
    serde_json::to_writer_pretty(&mut *out, document)?;
    out.write_all(b"\n")
}

/// A writer that takes the SHA-256 of what goes through it.
struct Hashing<W> {
    out: W,
    digest: Sha256,
    bytes: u64,
}

impl<W: Write> Hashing<W> {
    fn new(out: W) -> Self {
        Hashing { out, digest: Sha256::new(), bytes: 0 }
    }

    fn made(self, name: String) -> FileMade {
        let sha256 = self.digest.finalize().iter().fold(String::with_capacity(64), |mut out, byte| {
            let _ = write!(out, "{byte:02x}");
            out
        });
        FileMade { name, bytes: self.bytes, sha256 }
    }
}

impl<W: Write> Write for Hashing<W> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let len = self.out.write(bytes)?;
        self.digest.update(&bytes[..len]);
        self.bytes += len as u64;
        Ok(len)
    }
    fn flush(&mut self) -> io::Result<()> {
        self.out.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::network::tests::sample;
    use super::super::super::table::Values;
    use super::super::FORMATS;
    use super::*;
    use crate::error::Error;
    use proptest::prelude::*;
    use std::collections::BTreeSet;
    use std::sync::atomic::Ordering;

    fn export(format: Format) -> Export {
        Export {
            format,
            guard_formulas: true,
            left_out: LeftOut { nodes: vec!["city".into()], edges: Vec::new() },
            document: json!({ "names": "revealed" }),
            key_table: None,
        }
    }

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).unwrap();
        let mut names: Vec<String> =
            entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
        names.sort();
        names
    }

    #[test]
    fn every_format_is_written_twice_alike_and_described() {
        let directory = tempfile::tempdir().unwrap();
        for (name, format) in FORMATS {
            let made = [1, 2].map(|time| {
                let path = directory.path().join(format!("{time}.{name}"));
                let made = write_export(&sample(), &path, export(*format), &Run::new()).unwrap();
                let document: Value =
                    serde_json::from_slice(&std::fs::read(&made.document_path).unwrap()).unwrap();
                assert_eq!(document, made.document, "{name}");
                assert_eq!((&document["format"], &document["num_edges"]), (&(*name).into(), &3.into()));
                assert_eq!(document["columns_left_out"]["nodes"], json!(["city"]));
                assert_eq!(document["names"], "revealed");
                for file in &made.files {
                    let place = if format.is_directory() { path.join(&file.name) } else { path.clone() };
                    let bytes = std::fs::read(place).unwrap();
                    let digest: String =
                        Sha256::digest(&bytes).iter().map(|byte| format!("{byte:02x}")).collect();
                    assert_eq!((file.bytes, &file.sha256), (bytes.len() as u64, &digest), "{name}");
                }
                made.files.into_iter().map(|file| file.sha256).collect::<Vec<_>>()
            });
            assert!(!made[0].is_empty() && made[0] == made[1], "{name}");
        }
    }

    #[test]
    fn what_a_format_cannot_hold_is_counted() {
        let directory = tempfile::tempdir().unwrap();
        let altered = |format: Format| {
            let path = directory.path().join(format.name());
            let document = write_export(&sample(), &path, export(format), &Run::new()).unwrap().document;
            document["altered"].clone()
        };
        let neo4j = altered(Format::Neo4j);
        // The name of one node, and three ends of edges.
        assert_eq!(altered(Format::GraphMl)["control_characters_shown_by_pictures"], 4);
        assert_eq!(altered(Format::Gml)["control_characters_shown_by_pictures"], 0);
        assert_eq!(altered(Format::Gexf)["whole_numbers_beyond_2_53_as_text"], json!(["edges.amount_minor"]));
        assert_eq!(neo4j["whole_numbers_beyond_2_53_as_text"], json!([]));
        assert_eq!(neo4j["formulas_guarded"], false);
        assert_eq!(altered(Format::CsvPair)["formulas_guarded"], true);
    }

    #[test]
    fn formulas_are_guarded_for_analysts_and_never_for_neo4j() {
        let directory = tempfile::tempdir().unwrap();
        let mut network = sample();
        network.edges.columns[0].1 = Values::Text(vec!["=cmd|x".into(), "@t".into(), "t3".into()]);
        let read = |format: Format, file: &str| {
            let path = directory.path().join(format.name());
            write_export(&network, &path, export(format), &Run::new()).unwrap();
            std::fs::read_to_string(path.join(file)).unwrap()
        };
        assert!(read(Format::CsvPair, "edges.csv").contains("\n'=cmd|x,"));
        assert!(read(Format::Neo4j, "transfers.csv").contains(",=cmd|x,"));
    }

    #[test]
    fn the_table_of_names_is_its_owners_alone() {
        let directory = tempfile::tempdir().unwrap();
        let (path, place) = (directory.path().join("a.gexf"), directory.path().join("names.csv"));
        let table = Table::new([("pseudonym", Values::Text(vec!["acct-1".into()]))]);
        let export = Export { key_table: Some((place.clone(), table)), ..export(Format::Gexf) };
        write_export(&sample(), &path, export.clone(), &Run::new()).unwrap();
        assert_eq!(names(directory.path()), ["a.gexf", "a.gexf.withheld.json", "names.csv"]);
        assert_eq!(std::fs::read_to_string(&place).unwrap(), "pseudonym\nacct-1\n");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(place.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        }
        let other = directory.path().join("b.gexf");
        assert!(matches!(write_export(&sample(), &other, export, &Run::new()), Err(Error::Exists { .. })));
        assert!(!other.exists());
    }

    #[test]
    fn a_failed_or_cancelled_export_leaves_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let mut alike = sample();
        alike.edges.columns[0].1 = Values::Text(vec!["a\u{1}".into(), "a\u{2401}".into(), "b".into()]);
        let place = directory.path().join("names.csv");
        let keys = Table::new([("pseudonym", Values::Text(vec![]))]);
        let given = |format| Export { key_table: Some((place.clone(), keys.clone())), ..export(format) };
        let path = directory.path().join("out");
        assert!(write_export(&alike, &path, given(Format::Gexf), &Run::new()).is_err());
        let run = Run::new();
        run.cancel_flag().store(true, Ordering::Relaxed);
        for (_, format) in FORMATS {
            assert!(matches!(write_export(&sample(), &path, given(*format), &run), Err(Error::Cancelled)));
        }
        assert!(names(directory.path()).is_empty(), "{:?}", names(directory.path()));
        // Something stands where the document goes: found before anything is written.
        std::fs::write(directory.path().join("out.withheld.json"), "mine").unwrap();
        assert!(matches!(
            write_export(&sample(), &path, given(Format::Gml), &Run::new()),
            Err(Error::Exists { .. })
        ));
        assert_eq!(names(directory.path()), ["out.withheld.json"]);
    }

    #[test]
    fn the_name_or_the_ending_chooses_the_format() {
        for (name, format) in FORMATS {
            assert_eq!((Format::named(name).unwrap(), format.name()), (*format, *name));
            if !format.is_directory() && *format != Format::NodeLink {
                assert_eq!(
                    Format::of_path(Path::new(&format!("a.{}", name.to_uppercase()))).unwrap(),
                    *format
                );
            }
        }
        let refused = Format::of_path(Path::new("a.xlsx")).unwrap_err().to_string();
        assert!(refused.contains("option output") && refused.contains(".gexf"), "{refused}");
        assert!(Format::named("xlsx").unwrap_err().to_string().contains("neo4j"));
        assert!(Format::of_path(Path::new("directory")).is_err());
    }

    /// How many nodes and edges a one-file format holds, by a reader of a few lines.
    fn counted(format: Format, text: &str) -> (usize, usize) {
        let lines = |start: &str| text.lines().filter(|line| line.trim_start().starts_with(start)).count();
        let len = |value: &Value| value.as_array().map_or(0, Vec::len);
        let json = || serde_json::from_str::<Value>(text).unwrap();
        match format {
            Format::GraphMl | Format::Gexf => (lines("<node "), lines("<edge ")),
            Format::Gml => {
                let exactly = |word: &str| text.lines().filter(|line| *line == word).count();
                (exactly("  node"), exactly("  edge"))
            }
            Format::Dot => {
                let edges = text.lines().filter(|line| {
                    let mut words = line.split_whitespace();
                    words.next().is_some_and(|word| word.starts_with('n')) && words.next() == Some("->")
                });
                let edges = edges.count();
                (lines("n") - edges, edges)
            }
            Format::Cyjs => {
                let elements = &json()["elements"];
                (len(&elements["nodes"]), len(&elements["edges"]))
            }
            Format::Cx2 => (len(&json()[4]["nodes"]), len(&json()[5]["edges"])),
            _ => (len(&json()["nodes"]), len(&json()["edges"])),
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(128))]
        #[test]
        fn no_text_whatever_breaks_a_file_or_loses_an_edge(
            nodes in proptest::collection::btree_set("(?s).{0,6}", 1..6),
            edges in proptest::collection::btree_set("(?s).{0,6}", 0..8),
            name in "(?s).{0,4}",
            shift in 0usize..6,
        ) {
            let take = |texts: &BTreeSet<String>| texts.iter().cloned().collect::<Vec<String>>();
            let (nodes, edges) = (take(&nodes), take(&edges));
            let end = |by: usize| -> Vec<String> {
                (0..edges.len()).map(|row| nodes[(row * by + shift) % nodes.len()].clone()).collect()
            };
            let attribute = |texts: &[String]| Values::OptionText(texts.iter().cloned().map(Some).collect());
            let mut network = Network {
                nodes: Table::new([("id", Values::Text(nodes.clone()))]),
                edges: Table::new([
                    ("id", Values::Text(edges.clone())),
                    ("source", Values::Text(end(1))),
                    ("target", Values::Text(end(2))),
                ]),
            };
            if !["id", "source", "target", "type"].contains(&name.as_str()) {
                network.nodes.push(name.clone(), attribute(&nodes));
                network.edges.push(name, attribute(&edges));
            }
            for (_, format) in FORMATS.iter().filter(|(_, format)| !format.is_directory()) {
                if *format == Format::Csv {
                    continue; // Its own tests read it.
                }
                let mut out = Vec::new();
                match write_one(&network, &export(*format), &mut out) {
                    Ok(()) => {
                        let text = String::from_utf8(out).unwrap();
                        prop_assert_eq!(counted(*format, &text), (nodes.len(), edges.len()), "{}", text);
                    }
                    Err(error) => {
                        prop_assert!(matches!(format, Format::GraphMl | Format::Gexf));
                        prop_assert!(error.to_string().contains("characters that XML cannot hold"));
                    }
                }
            }
            let rows: usize = neo4j::tables(&network).unwrap().iter().map(|(_, table)| table.num_rows()).sum();
            prop_assert_eq!(rows, nodes.len() + edges.len());
        }
    }
}
