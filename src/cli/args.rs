//! Arguments that several verbs share.

use clap::Args;
use ringfence::graph::{Graph, View};
use ringfence::report::csv::CsvOptions;
use ringfence::report::pools::PoolInputs;
use ringfence::report::pseudonyms::{CASE, Names};
use ringfence::report::sinks::SinkInputs;
use ringfence::store::Io;
use ringfence::store::backup::Key;
use ringfence::trace::{Opening, Pooling, Ties, TraceOptions};
use ringfence::units::Window;
use ringfence::units::time::parse_time;
use ringfence::{Error, Result};
use std::path::PathBuf;

/// The graph that a verb reads.
#[derive(Debug, Args)]
pub struct GraphArgs {
    /// Directory of the graph, made by `ringfence ingest`.
    #[arg(value_name = "GRAPH")]
    pub graph: PathBuf,
    /// Generation of the graph to read (see `ringfence generations`); the live one if not given.
    #[arg(long, value_name = "N")]
    pub generation: Option<u64>,
}

impl GraphArgs {
    /// Opens the graph.
    pub fn open(&self) -> Result<Graph> {
        match self.generation {
            Some(generation) => Graph::open_as_of(&self.graph, generation, Io::Mmap),
            None => Graph::open(&self.graph, Io::Mmap),
        }
    }
}

/// The window of time that a verb looks at.
#[derive(Debug, Args)]
pub struct WindowArgs {
    /// First moment looked at: RFC 3339 or a date (midnight UTC); all of time if not given.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub from: Option<i64>,
    /// First moment no longer looked at.
    #[arg(long, value_name = "TIME", value_parser = time)]
    pub to: Option<i64>,
}

impl WindowArgs {
    /// The window.
    pub fn window(&self) -> Result<Window> {
        let window = Window { from: self.from.unwrap_or(i64::MIN), to: self.to.unwrap_or(i64::MAX) };
        if window.from >= window.to {
            let value = format!("before --from, so that nothing lies between ({window:?})");
            return Err(Error::Option { name: "to", value, allowed: "later than --from" });
        }
        Ok(window)
    }

    /// The view of `graph` inside the window.
    pub fn view<'g>(&self, graph: &'g Graph) -> Result<View<'g>> {
        graph.window(self.window()?)
    }
}

/// What pools of money are made of.
#[derive(Debug, Args)]
pub struct PoolArgs {
    /// What accounts hold before their first transaction.
    #[arg(long, value_enum, default_value_t = TraceOptions::default().opening)]
    pub opening: Opening,
    /// CSV of balances: account,currency,amount[,time]. Without a time they are what accounts hold at first (--opening
    /// given); with one they are statements, and those that the data do not explain are reported.
    #[arg(long, value_name = "FILE")]
    balances: Option<PathBuf>,
    /// Which money of an account mixes: that of one currency, or all of it by its value.
    #[arg(long, value_enum, default_value_t = Pooling::default())]
    pooling: Pooling,
    /// Currency in which values are counted; with --pooling value.
    #[arg(long, value_name = "CODE")]
    base: Option<String>,
    /// CSV of rates: currency,date,rate, in units of --base. Without it rates come from the graph's own conversions.
    #[arg(long, value_name = "FILE")]
    rates: Option<PathBuf>,
    /// Whether money can be received and paid on at one and the same time.
    #[arg(long, value_enum, default_value_t = TraceOptions::default().ties)]
    pub ties: Ties,
}

impl PoolArgs {
    /// The files.
    pub fn inputs(&self) -> PoolInputs {
        PoolInputs {
            balances: self.balances.clone().map(Into::into),
            pooling: self.pooling,
            base: self.base.clone(),
            rates: self.rates.clone().map(Into::into),
        }
    }
}

/// Accounts where the money stays; each option adds some.
#[derive(Debug, Args)]
pub struct SinkArgs {
    /// CSV with a column account: accounts where the money stays for good.
    #[arg(long = "sinks", value_name = "FILE")]
    accounts: Option<PathBuf>,
    /// The same for accounts with this attribute in the accounts table; may be repeated.
    #[arg(long = "sinks-where", value_name = "ATTRIBUTE=VALUE")]
    attributes: Vec<String>,
    /// The same for accounts with more transfers than this in the window, payments and receipts counted together.
    #[arg(long = "sinks-degree-above", value_name = "N")]
    degree_above: Option<u64>,
}

impl SinkArgs {
    /// The rules as given.
    pub fn inputs(&self) -> SinkInputs {
        SinkInputs {
            accounts: self.accounts.clone().map(Into::into),
            attributes: self.attributes.clone(),
            degree_above: self.degree_above,
        }
    }

    /// Whether there is any.
    pub fn is_empty(&self) -> bool {
        self.inputs() == SinkInputs::default()
    }
}

/// Where the key of bundles or pseudonyms comes from; never the command line itself, nor the environment.
#[derive(Debug, Args)]
#[group(multiple = false)]
pub struct KeyArgs {
    /// File with the key of a bundle, or of pseudonyms, made by `ringfence backup-key`; nobody else may be allowed to read it.
    #[arg(long, value_name = "FILE")]
    key_file: Option<PathBuf>,
    /// Open file descriptor to read the key from.
    #[arg(long, value_name = "N")]
    key_fd: Option<u32>,
    /// Command that prints the key; the shell runs it.
    #[arg(long, value_name = "COMMAND")]
    key_command: Option<String>,
}

impl KeyArgs {
    /// The key, where one is given.
    pub fn key(&self) -> Result<Option<Key>> {
        match (&self.key_file, self.key_fd, &self.key_command) {
            (Some(path), ..) => Key::from_file(path).map(Some),
            (_, Some(number), _) => Key::from_descriptor(number).map(Some),
            (.., Some(command)) => Key::from_command(command).map(Some),
            _ => Ok(None),
        }
    }
}

/// How accounts, transactions and identifiers are called in what leaves the engine.
#[derive(Debug, Args)]
pub struct NamesArgs {
    /// Write keys of accounts and transactions and values of identifiers as they are. They are personal data.
    #[arg(long)]
    pub reveal: bool,
    #[command(flatten)]
    key: KeyArgs,
    /// Case that the pseudonyms belong to: they are the same in all that is written of one case under one key, and others in
    /// other cases.
    #[arg(long, value_name = "NAME", default_value = CASE)]
    case: String,
}

impl NamesArgs {
    /// Pseudonyms, or clear names.
    pub fn names(&self) -> Result<Names> {
        Names::chosen(self.reveal, self.key.key()?.as_ref(), &self.case)
    }
}

/// How CSV is written.
#[derive(Debug, Args)]
pub struct CsvArgs {
    /// In CSV, put an apostrophe before texts that a spreadsheet would run as a formula. The keys are
    /// then no longer the keys: leave it off for files that programs read.
    #[arg(long)]
    pub guard_formulas: bool,
}

impl CsvArgs {
    /// The options.
    pub fn options(&self) -> CsvOptions {
        CsvOptions { guard_formulas: self.guard_formulas }
    }
}

/// A time on the command line.
pub fn time(text: &str) -> std::result::Result<i64, String> {
    parse_time(text)
        .ok_or_else(|| "write a time like 2024-05-01T12:00:00Z, or a date like 2024-05-01".to_string())
}

/// A size on the command line, in bytes: `512M`, `2G`, `1.5GiB`; each letter is 1,024 times the one before.
pub fn size(text: &str) -> std::result::Result<u64, String> {
    let refuse = || format!("{text:?} is no size; write 512M or 2G (K, M, G and T count in steps of 1024)");
    let digits = text.trim_end_matches(|c: char| c.is_ascii_alphabetic());
    let unit = match text[digits.len()..].to_ascii_uppercase().as_str() {
        "" | "B" => 0,
        "K" | "KB" | "KIB" => 10,
        "M" | "MB" | "MIB" => 20,
        "G" | "GB" | "GIB" => 30,
        "T" | "TB" | "TIB" => 40,
        _ => return Err(refuse()),
    };
    let (whole, part) = digits.split_once('.').unwrap_or((digits, "0"));
    let number =
        |digits: &str| digits.bytes().all(|c| c.is_ascii_digit()).then(|| digits.parse::<u64>().ok())?;
    let (whole, tenths) = number(whole).zip(number(part)).filter(|_| part.len() == 1).ok_or_else(refuse)?;
    let bytes = (u128::from(whole) * 10 + u128::from(tenths)) * (1 << unit) / 10;
    u64::try_from(bytes).map_err(|_| refuse())
}

/// A number of things, as people say it.
pub fn counted(number: impl std::fmt::Display, one: &str, more: &str) -> String {
    let number = number.to_string();
    format!("{number} {}", if number == "1" { one } else { more })
}

#[cfg(test)]
mod tests {
    use super::size;

    #[test]
    fn sizes_are_read_in_steps_of_1024() {
        let read = |text| size(text).ok();
        assert_eq!(read("2G"), Some(2 << 30));
        assert_eq!(read("512m"), Some(512 << 20));
        assert_eq!(read("1.5GiB"), Some(3 << 29));
        assert_eq!(read("65536"), Some(1 << 16));
        assert_eq!(
            [read(""), read("G"), read("2X"), read("-1G"), read("1.25G"), read("99999999T")],
            [None; 6]
        );
    }
}
