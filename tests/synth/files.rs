//! A generated ledger read back from its files, knowing nothing of how it was made.

use ringfence::Run;
use ringfence::synth::{SynthOptions, SynthOutputs, SynthReport, generate};
use ringfence::units::time::parse_time;
use std::collections::BTreeMap;
use std::path::Path;

/// Rows of a CSV file without quotes, fields by column name.
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub fn parse(text: &str) -> Table {
        let mut lines = text.lines();
        let columns: Vec<String> = lines.next().expect("a header").split(',').map(str::to_string).collect();
        let rows: Vec<Vec<String>> =
            lines.map(|line| line.split(',').map(str::to_string).collect()).collect();
        assert!(!text.contains('"'), "no field needs quotes");
        for row in &rows {
            assert_eq!(row.len(), columns.len(), "{row:?}");
        }
        Table { columns, rows }
    }

    pub fn header(&self) -> String {
        self.columns.join(",")
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// The named columns of all rows.
    pub fn of<'a, const N: usize>(&'a self, names: [&str; N]) -> impl Iterator<Item = [&'a str; N]> {
        let at = names.map(|name| self.columns.iter().position(|column| column == name).expect(name));
        self.rows.iter().map(move |row| at.map(|i| row[i].as_str()))
    }
}

/// One row of the transactions file.
#[derive(Clone, Debug)]
pub struct Transaction {
    pub key: String,
    pub source: String,
    pub destination: String,
    pub time_us: i64,
    pub amount: i64,
    pub currency: String,
    pub received: i64,
    pub received_currency: String,
    pub device: String,
    pub channel: String,
    pub label: String,
}

/// A planted ring as the truth files tell it.
#[derive(Clone, Debug, Default)]
pub struct Ring {
    pub key: String,
    pub typology: String,
    pub members: Vec<(String, String)>,
    pub transactions: Vec<Transaction>,
}

impl Ring {
    pub fn accounts(&self, role: &str) -> Vec<&str> {
        self.members.iter().filter(|(r, _)| r == role).map(|(_, account)| account.as_str()).collect()
    }
}

/// Minor units of a decimal with the exponent of its currency, exactly.
pub fn minor(text: &str, currency: &str) -> i64 {
    let exponent = ringfence::units::currency::iso_exponent(currency).expect("an ISO currency");
    ringfence::units::amount::parse_amount(text.as_bytes(), exponent).expect("an amount")
}

pub fn transactions(table: &Table) -> Vec<Transaction> {
    let columns = [
        "transaction",
        "source",
        "destination",
        "time",
        "amount",
        "currency",
        "received_amount",
        "received_currency",
        "device",
        "channel",
        "label",
    ];
    table
        .of(columns)
        .map(
            |[
                key,
                source,
                destination,
                time,
                amount,
                currency,
                received,
                received_currency,
                device,
                channel,
                label,
            ]| {
                Transaction {
                    key: key.to_string(),
                    source: source.to_string(),
                    destination: destination.to_string(),
                    time_us: parse_time(time).expect("a time"),
                    amount: minor(amount, currency),
                    currency: currency.to_string(),
                    received: minor(received, received_currency),
                    received_currency: received_currency.to_string(),
                    device: device.to_string(),
                    channel: channel.to_string(),
                    label: label.to_string(),
                }
            },
        )
        .collect()
}

/// The rings of the truth files, in the order of `truth_rings.csv`; positions are checked to count from 0.
pub fn rings(members: &Table, evidence: &Table, transactions: &[Transaction]) -> Vec<Ring> {
    let by_key: BTreeMap<&str, &Transaction> = transactions.iter().map(|t| (t.key.as_str(), t)).collect();
    let mut rings: Vec<Ring> = Vec::new();
    for [key, typology, role, account] in members.of(["ring", "typology", "role", "account"]) {
        if rings.last().is_none_or(|ring| ring.key != key) {
            rings.push(Ring { key: key.to_string(), typology: typology.to_string(), ..Ring::default() });
        }
        let ring = rings.last_mut().expect("just pushed");
        assert_eq!(ring.typology, typology);
        ring.members.push((role.to_string(), account.to_string()));
    }
    for [key, typology, position, transaction] in evidence.of(["ring", "typology", "position", "transaction"])
    {
        let ring = rings.iter_mut().find(|ring| ring.key == key).expect("a ring with members");
        assert_eq!(
            (ring.typology.as_str(), ring.transactions.len().to_string().as_str()),
            (typology, position)
        );
        let found =
            by_key.get(transaction).unwrap_or_else(|| panic!("{transaction} of {key} is no transaction"));
        ring.transactions.push((*found).clone());
    }
    rings
}

/// The bytes of all files, and the report.
pub fn bytes(options: &SynthOptions) -> (BTreeMap<&'static str, Vec<u8>>, SynthReport) {
    let mut names = Vec::new();
    let mut outputs = SynthOutputs::open(|name| {
        names.push(name);
        Ok(Vec::new())
    })
    .expect("vectors open");
    let report = generate(options, &mut outputs, &Run::new()).expect("generates");
    let SynthOutputs { transactions, accounts, balances, links, truth_rings, truth_transactions, seeds } =
        outputs;
    let files = [transactions, accounts, balances, links, truth_rings, truth_transactions, seeds];
    (names.into_iter().zip(files).collect(), report)
}

/// A generated ledger, read back.
pub struct Ledger {
    pub tables: BTreeMap<&'static str, Table>,
    pub transactions: Vec<Transaction>,
    pub rings: Vec<Ring>,
    pub report: SynthReport,
}

pub fn ledger(options: &SynthOptions) -> Ledger {
    let (files, report) = bytes(options);
    let tables: BTreeMap<&'static str, Table> = files
        .into_iter()
        .map(|(name, bytes)| (name, Table::parse(std::str::from_utf8(&bytes).expect("UTF-8"))))
        .collect();
    let transactions = transactions(&tables["transactions.csv"]);
    let rings = rings(&tables["truth_rings.csv"], &tables["truth_transactions.csv"], &transactions);
    Ledger { tables, transactions, rings, report }
}

/// A ledger of `datasets/tiny`: its transactions, and its rings where it has a truth.
pub fn tiny(folder: &str) -> (Vec<Transaction>, Vec<Ring>) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("datasets/tiny").join(folder);
    let table = |name: &str| Table::parse(&std::fs::read_to_string(path.join(name)).expect(name));
    let transactions = transactions(&table("transactions.csv"));
    let rings = rings(&table("truth_rings.csv"), &table("truth_transactions.csv"), &transactions);
    (transactions, rings)
}
