//! Rings that were written earlier, read back: one of them whole, or the members of all.

use crate::error::{Error, Result};
use crate::graph::Graph;
use crate::ids::{AccountId, CurrencyId, IdentifierId, TxId};
use crate::patterns::{Role, Typology};
use crate::report::earlier::find_at;
use crate::report::rings::identity::Identifiers;
use crate::report::sheet::{Record, Sheet};
use crate::rings::{Claim, ClaimKind, Counted, Evidence, Party, Ring, RingMember, RingMoney, RingRole};
use crate::run::Run;
use crate::units::time::parse_time;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

/// A ring in a directory: `rings/ring-0123456789ab`, or by its rank, from 1: `rings/1`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RingPlace {
    /// What `ringfence rings` made.
    pub directory: PathBuf,
    /// The ring's name.
    pub name: String,
}

impl RingPlace {
    /// Looks the ring up.
    ///
    /// # Errors
    /// [`Error::Option`] for a text that is not a directory and a ring; [`Error::UnknownKey`] for a ring that is not there;
    /// [`Error::Input`], [`Error::Io`].
    pub fn find(place: &Path) -> Result<Self> {
        let (Some(directory), Some(ring)) =
            (place.parent(), place.file_name().and_then(|name| name.to_str()))
        else {
            return Err(Error::Option {
                name: "ring",
                value: place.display().to_string(),
                allowed: "a directory of rings and a ring or its rank: rings/ring-0123456789ab, rings/1",
            });
        };
        let file = directory.join("rings.csv");
        let sheet = Sheet::written(&file, &["ring", "rank"])?;
        for record in sheet.iter() {
            if record.need("ring")? == ring || record.need("rank")? == ring {
                let name = record.need("ring")?.to_string();
                return Ok(Self { directory: directory.to_path_buf(), name });
            }
        }
        Err(Error::UnknownKey { place: file.display().to_string(), kind: "ring".into(), key: ring.into() })
    }

    /// The rows of one of the directory's tables that are this ring's.
    fn rows<T>(
        &self,
        table: &str,
        columns: &[&str],
        mut each: impl FnMut(Record<'_>) -> Result<T>,
    ) -> Result<Vec<T>> {
        let columns = [&["ring"], columns].concat();
        let sheet = Sheet::written(&self.directory.join(table), &columns)?;
        let own = sheet.iter().filter(|record| record.get("ring") == Some(self.name.as_str()));
        own.map(&mut each).collect()
    }
}

/// The rings of a directory, by rank: their names, and the accounts of each.
///
/// # Errors
/// [`Error::Input`], [`Error::Io`].
pub(super) fn previous(directory: &Path) -> Result<(Vec<String>, Vec<BTreeSet<String>>)> {
    let rings = Sheet::written(&directory.join("rings.csv"), &["ring"])?;
    let names =
        rings.iter().map(|record| record.need("ring").map(str::to_string)).collect::<Result<Vec<_>>>()?;
    let places: BTreeMap<&str, usize> = names.iter().map(String::as_str).zip(0..).collect();
    let mut members = vec![BTreeSet::new(); names.len()];
    for record in Sheet::written(&directory.join("members.csv"), &["ring", "account"])?.iter() {
        let ring = record.need("ring")?;
        let place = places.get(ring).ok_or_else(|| record.unknown("ring", ring))?;
        members[*place].insert(record.need("account")?.to_string());
    }
    Ok((names, members))
}

/// A ring as `ringfence rings` found it.
///
/// # Errors
/// [`Error::UnknownKey`] for a ring, account or transaction that is not there: the directory is of another graph;
/// [`Error::Input`], [`Error::Io`], [`Error::Cancelled`].
pub fn read_ring(graph: &Graph, place: &RingPlace, run: &Run) -> Result<Ring> {
    run.check()?;
    let account = |record: Record<'_>| {
        let key = record.need("account")?;
        graph.find_account(key)?.ok_or_else(|| record.unknown("account", key))
    };
    let members = place.rows("members.csv", &["account", "roles", "num_claims", "community"], |record| {
        let roles = record.get("roles").unwrap_or_default();
        let roles = roles.split('+').filter(|name| !name.is_empty()).map(|name| role(record, name));
        Ok(RingMember {
            account: account(record)?,
            roles: roles.collect::<Result<_>>()?,
            num_claims: whole(record, "num_claims")?,
            community: record
                .get("community")
                .filter(|text| !text.is_empty())
                .map(|_| whole(record, "community"))
                .transpose()?,
        })
    })?;
    let mut parties: BTreeMap<String, Vec<Party>> = BTreeMap::new();
    place.rows("parties.csv", &["claim", "stage", "account", "role"], |record| {
        let role = record.get("role").filter(|name| !name.is_empty());
        let role = role.map(|name| named(record, "role", name, Role::ALL, Role::name)).transpose()?;
        let party = Party { account: account(record)?, stage: whole(record, "stage")?, role };
        parties.entry(record.need("claim")?.to_string()).or_default().push(party);
        Ok(())
    })?;
    let mut payments: BTreeMap<String, Vec<TxId>> = BTreeMap::new();
    place.rows("evidence.csv", &["claim", "transaction", "time"], |record| {
        run.check()?;
        let key = record.need("transaction")?;
        let id =
            find_at(graph, key, time(record, "time")?)?.ok_or_else(|| record.unknown("transaction", key))?;
        payments.entry(record.need("claim")?.to_string()).or_default().push(id);
        Ok(())
    })?;
    let mut uses = place.rows("identifiers.csv", &["account", "kind", "identifier", "count"], |record| {
        let kind = record.need("kind")?;
        let kind = graph.find_kind(kind).ok_or_else(|| record.unknown("kind of identifier", kind))?;
        let text = record.need("identifier")?;
        let identifier =
            Identifiers::find(graph, kind, text)?.ok_or_else(|| record.unknown("identifier", text))?;
        let sighting = |column| {
            record.get(column).filter(|text| !text.is_empty()).map(|_| time(record, column)).transpose()
        };
        Ok(Evidence {
            ring: 0,
            account: account(record)?,
            identifier,
            first: sighting("first")?,
            last: sighting("last")?,
            count: whole(record, "count")?,
        })
    })?;
    uses.sort_unstable_by_key(|one| (one.identifier, one.account));
    let mut identifiers: Vec<IdentifierId> = uses.iter().map(|one| one.identifier).collect();
    identifiers.dedup();
    let claims =
        place.rows("claims.csv", &["claim", "kind", "score_millibits", "adds_millibits"], |record| {
            let name = record.need("claim")?;
            let kind = kind(record, record.need("kind")?)?;
            let mut parties = parties.remove(name).unwrap_or_default();
            parties.sort_unstable();
            let mut transactions = payments.remove(name).unwrap_or_default();
            transactions.sort_unstable();
            // Which identifiers are whose does not matter: identity claims have no account in common.
            let among = |id: &&IdentifierId| {
                uses.iter().any(|one| {
                    one.identifier == **id
                        && parties.binary_search_by_key(&one.account, |party| party.account).is_ok()
                })
            };
            let identifiers = if kind == ClaimKind::Identity {
                identifiers.iter().filter(among).copied().collect()
            } else {
                Vec::new()
            };
            let claim = Claim {
                kind,
                parties,
                transactions,
                identifiers,
                millibits: whole(record, "score_millibits")?,
            };
            Ok(Counted { claim, adds: whole(record, "adds_millibits")? })
        })?;
    let money = place.rows(
        "money.csv",
        &["currency", "received_minor", "paid_minor", "inside_minor", "traced_minor"],
        |record| {
            let code = record.need("currency")?;
            let currency = graph.find_currency(code).ok_or_else(|| record.unknown("currency", code))?;
            let sum = |column| whole::<i128>(record, column);
            let money = RingMoney {
                received: sum("received_minor")?,
                paid: sum("paid_minor")?,
                inside: sum("inside_minor")?,
                traced: sum("traced_minor")?,
            };
            Ok((currency, money))
        },
    )?;
    let span = place_span(place)?;
    let transactions: BTreeSet<TxId> =
        claims.iter().flat_map(|counted| counted.claim.transactions.iter().copied()).collect();
    let money: BTreeMap<CurrencyId, RingMoney> = money.into_iter().collect();
    let millibits = claims.iter().map(|counted| counted.adds).sum();
    let mut members = members;
    members.sort_unstable_by_key(|member: &RingMember| member.account);
    Ok(Ring {
        claims,
        members,
        transactions: transactions.into_iter().collect(),
        uses,
        millibits,
        span,
        money,
    })
}

fn place_span(place: &RingPlace) -> Result<Option<(i64, i64)>> {
    let spans = place.rows("rings.csv", &["first", "last"], |record| {
        let known = record.get("first").is_some_and(|text| !text.is_empty());
        known.then(|| Ok((time(record, "first")?, time(record, "last")?))).transpose()
    })?;
    Ok(spans.into_iter().next().flatten())
}

fn whole<T: std::str::FromStr>(record: Record<'_>, column: &str) -> Result<T> {
    let text = record.need(column)?;
    text.parse()
        .map_err(|_| record.refuse(format!("{column} {text:?} is no whole number that can stand here")))
}

fn time(record: Record<'_>, column: &str) -> Result<i64> {
    let text = record.need(column)?;
    parse_time(text).ok_or_else(|| record.refuse(format!("{column} {text:?} is no time")))
}

fn named<T: Copy, const N: usize>(
    record: Record<'_>,
    what: &str,
    name: &str,
    all: [T; N],
    known: fn(T) -> &'static str,
) -> Result<T> {
    all.into_iter().find(|&one| known(one) == name).ok_or_else(|| record.unknown(what, name))
}

fn role(record: Record<'_>, name: &str) -> Result<RingRole> {
    named(record, "role", name, RingRole::ALL, RingRole::name)
}

fn kind(record: Record<'_>, name: &str) -> Result<ClaimKind> {
    let others = [ClaimKind::Identity, ClaimKind::Trace, ClaimKind::Community];
    match others.into_iter().find(|kind| kind.name() == name) {
        Some(kind) => Ok(kind),
        None => named(record, "kind of claim", name, Typology::ALL, Typology::name).map(ClaimKind::Typology),
    }
}

/// The accounts of a ring of a directory.
///
/// # Errors
/// Those of [`read_ring`].
pub fn ring_accounts(graph: &Graph, place: &RingPlace) -> Result<Vec<AccountId>> {
    place.rows("members.csv", &["account"], |record| {
        let key = record.need("account")?;
        graph.find_account(key)?.ok_or_else(|| record.unknown("account", key))
    })
}
