//! Networks as files for other programs: one file per format here, and what they have in common.
//!
//! The format follows from the name of the output, or is named. Beside every output lies a document that says what was
//! withheld: names, columns, what limits cut, what a format could not hold. All of it appears whole or not at all.

mod cells;
mod columns;
mod cx2;
mod cyjs;
mod dot;
mod gexf;
mod gml;
mod graphml;
mod neo4j;
mod node_link;
mod part;
mod written;
mod xml;

pub use columns::{Columns, LeftOut};
pub use cx2::write_cx2;
pub use cyjs::write_cyjs;
pub use dot::write_dot;
pub use gexf::write_gexf;
pub use gml::write_gml;
pub use graphml::write_graphml;
pub use node_link::write_node_link;
pub use part::{PartOptions, export_part};
pub use written::{Export, Exported, FileMade, write_export};

use super::output::check_new;
use crate::error::{Error, Result};
use std::path::Path;

/// Formats of a network.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// One file; see [`write_graphml`].
    GraphMl,
    /// One file; see [`write_gexf`].
    Gexf,
    /// One file; see [`write_gml`].
    Gml,
    /// One file; see [`write_dot`].
    Dot,
    /// One file; see [`write_cyjs`].
    Cyjs,
    /// One file; see [`write_cx2`].
    Cx2,
    /// One file; see [`write_node_link`].
    NodeLink,
    /// One file: the transfers alone, one row each.
    Csv,
    /// A directory with `nodes.csv` and `edges.csv`.
    CsvPair,
    /// A directory with `nodes.parquet` and `edges.parquet`.
    #[cfg(feature = "arrow")]
    ParquetPair,
    /// A directory with the files of Neo4j's bulk import, and its command in `import.txt`.
    Neo4j,
}

/// Every format by its name.
pub const FORMATS: &[(&str, Format)] = &[
    ("graphml", Format::GraphMl),
    ("gexf", Format::Gexf),
    ("gml", Format::Gml),
    ("dot", Format::Dot),
    ("cyjs", Format::Cyjs),
    ("cx2", Format::Cx2),
    ("node-link", Format::NodeLink),
    ("csv", Format::Csv),
    ("csv-pair", Format::CsvPair),
    #[cfg(feature = "arrow")]
    ("parquet-pair", Format::ParquetPair),
    ("neo4j", Format::Neo4j),
];

const NAMES: &str = "graphml, gexf, gml, dot, cyjs, cx2, node-link, csv, csv-pair, parquet-pair (where this build has Parquet) or neo4j";

const ENDINGS: &str = "a file name that ends in .graphml, .gexf, .gml, .dot (.gv), .cyjs, .cx2, .json (node-link) or .csv (the \
                       transfers alone), or a directory with --format csv-pair, parquet-pair or neo4j";

impl Format {
    /// The format with this name.
    ///
    /// # Errors
    /// [`Error::Option`] if there is none.
    pub fn named(name: &str) -> Result<Self> {
        let found = FORMATS.iter().find(|(known, _)| *known == name).map(|(_, format)| *format);
        found.ok_or_else(|| Error::Option { name: "format", value: format!("{name:?}"), allowed: NAMES })
    }

    /// The format that the ending of `path` asks for.
    ///
    /// # Errors
    /// [`Error::Option`] if it asks for none.
    pub fn of_path(path: &Path) -> Result<Self> {
        let ending = path.extension().unwrap_or_default().to_string_lossy().to_ascii_lowercase();
        Ok(match ending.as_str() {
            "graphml" => Format::GraphMl,
            "gexf" => Format::Gexf,
            "gml" => Format::Gml,
            "dot" | "gv" => Format::Dot,
            "cyjs" => Format::Cyjs,
            "cx2" => Format::Cx2,
            "json" => Format::NodeLink,
            "csv" => Format::Csv,
            _ => {
                let value = path.display().to_string();
                return Err(Error::Option { name: "output", value, allowed: ENDINGS });
            }
        })
    }

    /// The format `named`, or else the one that `path` asks for, if a new output can be made there.
    ///
    /// Long work asks this before it begins.
    ///
    /// # Errors
    /// [`Error::Option`] if there is none; those of [`check_new`].
    pub fn chosen(named: Option<Format>, path: &Path) -> Result<Self> {
        let format = match named {
            Some(format) => format,
            None => Format::of_path(path)?,
        };
        check_new(path)?;
        if !format.is_directory() {
            check_new(&format.document(path))?;
        }
        Ok(format)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        FORMATS.iter().find(|(_, format)| *format == self).map_or("", |(name, _)| *name)
    }

    /// Whether it is several files in a directory.
    pub fn is_directory(self) -> bool {
        match self {
            Format::CsvPair | Format::Neo4j => true,
            #[cfg(feature = "arrow")]
            Format::ParquetPair => true,
            _ => false,
        }
    }

    /// Whether identifiers that accounts share can be in it.
    pub fn has_identifiers(self) -> bool {
        self != Format::Csv
    }

    /// Where the document goes that says what was withheld from the output `path`.
    pub fn document(self, path: &Path) -> std::path::PathBuf {
        if self.is_directory() {
            path.join(written::WITHHELD)
        } else {
            let mut name = path.as_os_str().to_os_string();
            name.push(format!(".{}", written::WITHHELD));
            name.into()
        }
    }
}
