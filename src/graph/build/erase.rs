//! A subject's identity leaves a store; the money stays, to the cent.
//!
//! # Method
//! The account keeps its number and its transactions, since the other side and the totals need them. Its key becomes `erased-<number>`, its attributes
//! become missing, its links to identifiers go, and the devices that it paid from; identifiers that only it used get such keys too.
//! What that changes is written anew and published as the next generation, and in the same breath every generation that names the subject
//! is removed. Then the store is read from the first byte to the last in search of what named the subject (`store::scan`).
//!
//! # Cost
//! Time O(n + l) in the rows and links, the segments in which the subject paid from a device, and the bytes of the store for the search; memory that of the
//! largest of these segments, or of the keys as texts.
//!
//! # Choices
//! An identifier that others use as well stays with them, as it is theirs. An identifier that is itself the subject keeps its links: that two
//! accounts share something is said of them, what it is is no longer said. Keys that are numbers become texts, as `erased-7` is none; where the
//! data have a key `erased-7`, the next free of `erased-7-2`, `erased-7-3`, … is taken. Nothing leads from the anonymous key back: rows
//! that name the subject later make a new account.
//!
//! Texts that are equal to the key but not its key (a transaction's key, an attribute of somebody else, the name of a source) are left, and the
//! search reports them. A pin on a generation that must go refuses the whole before anything is written. An erasure that was cut
//! off after its publication is completed by calling again: older generations still name the subject, or the note does that every erasure
//! keeps of its subjects until nothing is left (`store::erasing`). So a mistyped key is unknown also while an erasure is unfinished.

use super::rows::Rows;
use super::{DEVICE, TOOL, attributes, before, segment};
use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::ids::{AccountId, NONE};
use crate::ingest::batch::{AccountRows, AttributeValues};
use crate::run::Run;
use crate::store::collect::{refuse_held, supersede};
use crate::store::erasing::Erasing;
use crate::store::generations::generations;
use crate::store::keys::KeyList;
use crate::store::manifest::{AttributesEntry, FileEntry, Manifest, SegmentEntry};
use crate::store::scan::{Scanned, scan};
use crate::store::segment::Links;
use crate::store::{Io, Keys, Segment, StoreWriter};
use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

/// Whose identity goes away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subject {
    /// The account with this key.
    Account(String),
    /// An identifier, for example a telephone number.
    Identifier {
        /// Its kind, for example `phone`.
        kind: String,
        /// Its key.
        value: String,
    },
}

/// An account or identifier that became anonymous.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Anonymous {
    /// The identifier's kind; `None` for an account.
    pub kind: Option<String>,
    /// Its number, which it keeps.
    pub number: u32,
    /// The key that it has now.
    pub key: String,
}

/// What [`erase`] did, or would do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EraseReport {
    /// The live generation.
    pub generation: u64,
    /// Whether it was published for this; if not, older generations alone named the subjects, or what an interrupted erasure left.
    pub published: bool,
    /// Accounts and identifiers that became anonymous, accounts first.
    pub anonymous: Vec<Anonymous>,
    /// Links between the accounts and identifiers that went.
    pub num_links: u64,
    /// Identifiers of the accounts that others use too, and that stay.
    pub num_shared: u64,
    /// Values of attributes that went.
    pub num_attributes: u64,
    /// Transactions that no longer say from which device they were paid.
    pub num_devices: u64,
    /// Generations that named the subjects and were removed, ascending.
    pub gone: Vec<u64>,
    /// What the search through all files found; `None` where nothing was done yet.
    pub scanned: Option<Scanned>,
}

/// Takes the identity of `subjects` out of the store at `path`, publishes its next generation, removes those before that name them, and
/// searches all files for what named them.
///
/// Whoever has an older generation open keeps it until it is closed, and backups are out of reach.
///
/// # Errors
/// [`Error::UnknownKey`] for a subject that neither a generation names nor the note of an erasure that was interrupted; [`Error::Input`] for one that is anonymous
/// already or while a living process holds a generation that must go, [`Error::Locked`] while another writer is at work, [`Error::Damaged`]: then nothing was written.
/// [`Error::CommitUnknown`], and [`Error::Io`] or [`Error::Cancelled`] after the publication: call again, which completes it.
pub fn erase(path: &Path, subjects: &[Subject], run: &Run) -> Result<EraseReport> {
    erase_into(StoreWriter::append(path)?, subjects, run)
}

/// As [`erase`], in a store that is open for writing: for one on another disk than the system's.
///
/// # Errors
/// As [`erase`].
pub fn erase_into(writer: StoreWriter, subjects: &[Subject], run: &Run) -> Result<EraseReport> {
    // Behind the lock, so that nobody publishes in between.
    let path = writer.path().to_path_buf();
    let plan = plan(&path, subjects, run)?;
    refuse_held(&path, &plan.gone)?;
    let next = match plan.changes.is_empty() {
        true => None,
        false => Some(write(&plan, &writer, run)?),
    };
    run.check()?;
    let noted: Vec<_> = plan.names.iter().map(|name| (name.kind.as_deref(), &*name.key)).collect();
    let gone = supersede(writer, next.as_ref(), &plan.gone, &noted, &Run::new())?.gone;
    let live = Graph::open(&path, Io::Mmap)?;
    for name in &plan.names {
        if name.find(&live)?.is_some() {
            return Err(Error::Unproved("an erased key is still found in the store".to_string()));
        }
    }
    let texts: BTreeSet<Vec<u8>> = plan.names.iter().map(|name| name.key.clone()).collect();
    let scanned = scan(&path, &Vec::from_iter(texts), run)?;
    let generation = live.manifest().generation;
    Ok(EraseReport { generation, gone, scanned: Some(scanned), ..plan.report })
}

/// What [`erase`] would do now; writes nothing.
///
/// # Errors
/// As [`erase`], but for a writer at work.
pub fn erase_dry(path: &Path, subjects: &[Subject], run: &Run) -> Result<EraseReport> {
    let plan = plan(path, subjects, run)?;
    refuse_held(path, &plan.gone)?;
    Ok(plan.report)
}

/// Something that names a subject.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Name {
    /// Kind of identifier; `None` for an account.
    kind: Option<String>,
    key: Vec<u8>,
}

impl Name {
    fn of(subject: &Subject) -> Self {
        match subject {
            Subject::Account(key) => Name { kind: None, key: key.clone().into_bytes() },
            Subject::Identifier { kind, value } => {
                Name { kind: Some(kind.clone()), key: value.clone().into_bytes() }
            }
        }
    }

    /// Whom it names in a generation.
    fn find(&self, graph: &Graph) -> Result<Option<Node>> {
        let kind = match &self.kind {
            None => None,
            Some(name) => match graph.find_kind(name) {
                None => return Ok(None),
                Some(kind) => Some(kind.0),
            },
        };
        let number = keys(graph, kind)?.find(&self.key)?;
        Ok(number.map(|number| Node { kind, number }))
    }
}

/// An account, or an identifier of a kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Node {
    kind: Option<u8>,
    number: u32,
}

impl Node {
    fn name(self, graph: &Graph) -> Result<Name> {
        let mut key = Vec::new();
        keys(graph, self.kind)?.key(self.number, &mut key)?;
        let kind = self.kind.map(|kind| graph.manifest().kinds[usize::from(kind)].name.clone());
        Ok(Name { kind, key })
    }

    /// The key that it gets: one that nobody has.
    fn anonymous(self, graph: &Graph) -> Result<String> {
        let keys = keys(graph, self.kind)?;
        let plain = format!("erased-{}", self.number);
        let mut key = plain.clone();
        let mut turn = 1_u64;
        while keys.find(key.as_bytes())?.is_some() {
            turn += 1;
            key = format!("{plain}-{turn}");
        }
        Ok(key)
    }
}

/// The keys of accounts, or of a kind of identifiers.
fn keys(graph: &Graph, kind: Option<u8>) -> Result<&Keys> {
    let store = graph.store();
    match kind {
        None => Ok(store.account_keys()),
        Some(kind) => store.identifier_keys().get(usize::from(kind)).ok_or_else(|| {
            Error::damaged(
                graph.path(),
                "links",
                format!("they name the kind {kind}, which the store does not have"),
            )
        }),
    }
}

/// What is to be written anew in the live generation.
#[derive(Debug, Default)]
struct Changes {
    /// Accounts that are erased, ascending.
    accounts: Vec<u32>,
    /// Everything that gets another key, accounts and identifiers.
    keys: BTreeMap<Node, String>,
    /// Whether links without a time go.
    static_links: bool,
    /// Numbers of the segments in which links or devices go.
    segments: Vec<usize>,
    /// Whether values of attributes go.
    attributes: bool,
}

impl Changes {
    fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }
}

struct Plan {
    live: Graph,
    changes: Changes,
    /// Everything that names the subjects.
    names: BTreeSet<Name>,
    /// Generations that do.
    gone: Vec<u64>,
    report: EraseReport,
}

fn plan(path: &Path, subjects: &[Subject], run: &Run) -> Result<Plan> {
    if subjects.is_empty() {
        let value = "nobody".to_string();
        return Err(Error::Option { name: "subjects", value, allowed: "at least one account or identifier" });
    }
    let live = Graph::open(path, Io::Mmap)?;
    let number = live.manifest().generation;
    let listed = generations(path)?;
    let older: Vec<u64> = listed.iter().map(|each| each.number()).filter(|&each| each < number).collect();
    let mut names: BTreeSet<Name> = subjects.iter().map(Name::of).collect();
    let mut missing = Vec::new();
    let mut nodes = BTreeSet::new();
    for name in &names {
        match name.find(&live)? {
            Some(node) => {
                refuse_anonymous(path, node, &name.key)?;
                nodes.insert(node);
            }
            None => missing.push(name.clone()),
        }
    }
    let (changes, mut report) = changes(&live, nodes, run)?;
    for node in changes.keys.keys() {
        names.insert(node.name(&live)?);
    }
    // Those that an erasure before this one left in older generations, or that were never in the live one.
    for &generation in older.iter().rev() {
        if missing.is_empty() {
            break;
        }
        run.check()?;
        let graph = Graph::open_as_of(path, generation, Io::Mmap)?;
        let mut here = BTreeSet::new();
        for name in std::mem::take(&mut missing) {
            match name.find(&graph)? {
                Some(node) => drop(here.insert(node)),
                None => missing.push(name),
            }
        }
        for node in self::changes(&graph, here, run)?.0.keys.into_keys() {
            let name = node.name(&graph)?;
            if name.find(&live)?.is_none() {
                names.insert(name);
            }
        }
    }
    if !missing.is_empty() {
        // Files of generations that are gone may still name those whose erasure was interrupted: they go now.
        let interrupted = Erasing::read(path)?;
        let is_noted = |name: &Name| {
            interrupted.as_ref().is_some_and(|note| note.names(name.kind.as_deref(), &name.key))
        };
        if let Some(name) = missing.iter().find(|name| !is_noted(name)) {
            return Err(unknown(path, name));
        }
    }
    let mut gone = Vec::new();
    for generation in older {
        run.check()?;
        let graph = Graph::open_as_of(path, generation, Io::Mmap)?;
        for name in &names {
            if name.find(&graph)?.is_some() {
                gone.push(generation);
                break;
            }
        }
    }
    if !changes.is_empty() {
        gone.push(number);
    }
    report.gone = gone.clone();
    Ok(Plan { live, changes, names, gone, report })
}

/// The error for somebody whom neither a generation nor an interrupted erasure knows.
fn unknown(path: &Path, name: &Name) -> Error {
    let place = format!(
        "{}, no generation of which has it as a key; nothing was changed, so look whether it is written as in the data, and erase again",
        path.display()
    );
    let kind = name.kind.clone().unwrap_or_else(|| "account".to_string());
    Error::UnknownKey { place, kind, key: String::from_utf8_lossy(&name.key).into_owned() }
}

/// Whether `key` is one that the erasure of the account or identifier `number` gives.
fn is_anonymous(number: u32, key: &[u8]) -> bool {
    let plain = format!("erased-{number}");
    key.strip_prefix(plain.as_bytes()).is_some_and(|rest| {
        rest.is_empty() || rest.strip_prefix(b"-").is_some_and(|turn| turn.iter().all(u8::is_ascii_digit))
    })
}

fn refuse_anonymous(path: &Path, node: Node, key: &[u8]) -> Result<()> {
    if is_anonymous(node.number, key) {
        let problem = format!("{} is anonymous already", String::from_utf8_lossy(key));
        return Err(Error::input(path.display().to_string(), problem));
    }
    Ok(())
}

/// What the erasure of `nodes` changes in a generation.
fn changes(graph: &Graph, nodes: BTreeSet<Node>, run: &Run) -> Result<(Changes, EraseReport)> {
    let accounts: Vec<u32> =
        nodes.iter().filter(|node| node.kind.is_none()).map(|node| node.number).collect();
    let mut report = EraseReport {
        generation: graph.manifest().generation,
        published: !nodes.is_empty(),
        anonymous: Vec::new(),
        num_links: 0,
        num_shared: 0,
        num_attributes: 0,
        num_devices: 0,
        gone: Vec::new(),
        scanned: None,
    };
    let mut changes = Changes::default();
    let mut used = BTreeSet::new();
    let device_kind = graph.find_kind(DEVICE).map(|kind| kind.0);
    if let Some(segment) = graph.store().static_links() {
        let num = links_of(&segment.links, &accounts, &mut used)?;
        report.num_links += num;
        changes.static_links = num > 0;
    }
    for (number, segment) in graph.store().segments().iter().enumerate() {
        run.check()?;
        let num_links = links_of(&segment.links, &accounts, &mut used)?;
        let num_devices = devices_of(segment, device_kind, &accounts, &mut used)?;
        report.num_links += num_links;
        report.num_devices += num_devices;
        if num_links + num_devices > 0 {
            changes.segments.push(number);
        }
    }
    let own = own(graph, &accounts, &used, run)?;
    report.num_shared = (used.len() - own.len()) as u64;
    for column in 0..graph.attribute_columns().len() {
        for &account in &accounts {
            report.num_attributes += u64::from(graph.attribute(column, AccountId(account))?.is_some());
        }
    }
    changes.attributes = report.num_attributes > 0;
    let mut to_rename = nodes;
    for node in own {
        // One that was erased before is nobody's name any more.
        if !is_anonymous(node.number, &node.name(graph)?.key) {
            to_rename.insert(node);
        }
    }
    for node in to_rename {
        changes.keys.insert(node, node.anonymous(graph)?);
    }
    let kinds = &graph.manifest().kinds;
    let anonymous = changes.keys.iter().map(|(node, key)| Anonymous {
        kind: node.kind.map(|kind| kinds[usize::from(kind)].name.clone()),
        number: node.number,
        key: key.clone(),
    });
    report.anonymous = anonymous.collect();
    changes.accounts = accounts;
    Ok((changes, report))
}

/// Number of links of `accounts`; adds the identifiers that they lead to.
fn links_of(links: &Links, accounts: &[u32], used: &mut BTreeSet<Node>) -> Result<u64> {
    let of = links.account.all()?;
    let mut num = 0;
    for account in accounts {
        let begin = of.partition_point(|other| other < account);
        for at in (begin..of.len()).take_while(|&at| of[at] == *account) {
            used.insert(Node { kind: Some(links.kind.get(at)?), number: links.identifier.get(at)? });
            num += 1;
        }
    }
    Ok(num)
}

/// Number of transactions that `accounts` paid from a device; adds these. A look at all rows, as those that were corrected have neither edge nor
/// link and say all the same who paid and from where.
fn devices_of(
    segment: &Segment,
    kind: Option<u8>,
    accounts: &[u32],
    used: &mut BTreeSet<Node>,
) -> Result<u64> {
    let (Some(devices), Some(_), false) = (&segment.transactions.device, kind, accounts.is_empty()) else {
        return Ok(0);
    };
    let mut num = 0;
    for (source, &number) in segment.transactions.source.all()?.iter().zip(devices.all()?) {
        if number != NONE && accounts.binary_search(source).is_ok() {
            used.insert(Node { kind, number });
            num += 1;
        }
    }
    Ok(num)
}

/// Those of the identifiers `used` to which no account but `accounts` has a link, and from which no other paid.
fn own(graph: &Graph, accounts: &[u32], used: &BTreeSet<Node>, run: &Run) -> Result<BTreeSet<Node>> {
    let mut own = used.clone();
    let device_kind = graph.find_kind(DEVICE).map(|kind| kind.0);
    for segment in graph.link_segments() {
        run.check()?;
        if own.is_empty() {
            break;
        }
        let links = &segment.links;
        let (of, identifiers) = (links.account.all()?, links.identifier.all()?);
        for (at, (account, &number)) in of.iter().zip(identifiers).enumerate() {
            let node = Node { kind: Some(links.kind.get(at)?), number };
            if own.contains(&node) && accounts.binary_search(account).is_err() {
                own.remove(&node);
            }
        }
        let (Some(devices), Some(_)) = (&segment.transactions.device, device_kind) else { continue };
        for (source, &number) in segment.transactions.source.all()?.iter().zip(devices.all()?) {
            let node = Node { kind: device_kind, number };
            if number != NONE && own.contains(&node) && accounts.binary_search(source).is_err() {
                own.remove(&node);
            }
        }
    }
    Ok(own)
}

/// Writes what changes; returns the next generation.
fn write(plan: &Plan, writer: &StoreWriter, run: &Run) -> Result<Manifest> {
    let Plan { live: graph, changes, .. } = plan;
    let before = graph.manifest();
    let mut next = before.clone();
    next.generation += 1;
    next.parent = Some(graph.store().manifest_sha256);
    next.tool = TOOL.into();
    let rows = changes.segments.iter().map(|&number| u64::from(before.segments[number].num_transactions));
    run.stage("write", rows.sum());
    if let Some(file) = write_keys(graph, None, "account", changes, writer)? {
        next.account_keys = file;
    }
    for (number, kind) in next.kinds.iter_mut().enumerate() {
        run.check()?;
        let name = format!("identifier-{number}");
        if let Some(file) = write_keys(graph, Some(number as u8), &name, changes, writer)? {
            kind.keys = file;
        }
    }
    for &number in &changes.segments {
        run.check()?;
        next.segments[number] = write_segment(graph, number, &changes.accounts, writer, run)?;
    }
    if changes.static_links {
        next.static_links = write_static_links(graph, &changes.accounts, writer, run)?;
    }
    if changes.attributes {
        next.attributes = Some(write_attributes(graph, &changes.accounts, writer)?);
    }
    Ok(next)
}

/// Writes the keys of accounts or of a kind, as texts, if some of them change.
fn write_keys(
    graph: &Graph,
    kind: Option<u8>,
    name: &str,
    changes: &Changes,
    writer: &StoreWriter,
) -> Result<Option<FileEntry>> {
    let new: BTreeMap<u32, &String> = changes
        .keys
        .iter()
        .filter(|(node, _)| node.kind == kind)
        .map(|(node, key)| (node.number, key))
        .collect();
    if new.is_empty() {
        return Ok(None);
    }
    let keys = keys(graph, kind)?;
    let (mut text, mut offsets) = (Vec::new(), vec![0]);
    for number in 0..keys.len() as u32 {
        match new.get(&number) {
            Some(key) => text.extend_from_slice(key.as_bytes()),
            None => keys.key(number, &mut text)?,
        }
        offsets.push(text.len() as u64);
    }
    let mut file = writer.file("keys", name, "keys")?;
    Keys::write(&KeyList::Texts { text, offsets }, &mut file)?;
    writer.finish(file).map(Some)
}

/// Writes a segment without the devices of what `accounts` paid, and hence without their links.
fn write_segment(
    graph: &Graph,
    number: usize,
    accounts: &[u32],
    writer: &StoreWriter,
    run: &Run,
) -> Result<SegmentEntry> {
    let entry = &graph.manifest().segments[number];
    let mut chunk = before::chunk(graph, number, 0..entry.num_transactions as usize)?;
    if let Some((_, devices)) = &mut chunk.batch.devices {
        for (device, source) in devices.iter_mut().zip(&chunk.batch.source) {
            if accounts.binary_search(source).is_ok() {
                *device = NONE;
            }
        }
    }
    let rows = Rows::new(vec![chunk], &[], run)?;
    let part = segment::Part {
        range: 0..rows.len(),
        rows: &rows,
        num_accounts: graph.num_accounts(),
        device_kind: graph.find_kind(DEVICE).map(|kind| kind.0),
        static_links: &[],
    };
    segment::publish(&part, &entry.partition, writer, run)
}

/// Writes the links without a time that are left, if any are.
fn write_static_links(
    graph: &Graph,
    accounts: &[u32],
    writer: &StoreWriter,
    run: &Run,
) -> Result<Option<SegmentEntry>> {
    let mut links = before::static_links(graph)?;
    links.retain(|link| accounts.binary_search(&link.account).is_err());
    if links.is_empty() {
        return Ok(None);
    }
    let rows = Rows::new(Vec::new(), &[], run)?;
    let part = segment::Part {
        range: 0..0,
        rows: &rows,
        num_accounts: graph.num_accounts(),
        device_kind: None,
        static_links: &links,
    };
    segment::publish(&part, "static", writer, run).map(Some)
}

/// Writes all attributes but those of `accounts`.
fn write_attributes(graph: &Graph, accounts: &[u32], writer: &StoreWriter) -> Result<AttributesEntry> {
    let num_accounts = graph.num_accounts();
    let mut table = before::attributes(graph, &AccountRows::default(), &[], num_accounts)?;
    for (_, values) in &mut table.columns {
        for &account in accounts {
            let account = account as usize;
            match values {
                AttributeValues::Text(values) => values[account] = None,
                AttributeValues::Integer(values) | AttributeValues::Time(values) => values[account] = None,
                AttributeValues::Float(values) => values[account] = None,
                AttributeValues::Boolean(values) => values[account] = None,
            }
        }
    }
    let ids: Vec<u32> = (0..num_accounts).collect();
    let mut file = writer.file("attributes", "accounts", "col")?;
    let columns = attributes::write(&table, &ids, num_accounts, &mut file)?;
    Ok(AttributesEntry { file: writer.finish(file)?, columns })
}
