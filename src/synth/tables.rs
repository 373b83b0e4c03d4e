//! The files beside the transactions: accounts, balances, links and the truth.
//!
//! # Choices
//! Names, numbers and addresses are invented so that nobody can mistake them: telephone numbers begin with the
//! unassigned +999, social security numbers with the never issued 9, e-mail addresses end in `example.com`.
//! Accounts are listed in a scrambled order, because the order of places would give the communities away.

use super::SynthOutputs;
use super::ledger::{Closed, TRANSACTION_DIGITS, opening_minor};
use super::money::TENDERS;
use super::options::Typology;
use super::population::{Ask, Kind, Population};
use super::rows::Rows;
use super::typologies::{Identifier, Plan, Ring, Shape};
use crate::error::Result;
use crate::ids::NONE;
use crate::random::below;
use crate::run::Run;
use crate::units::time::{DAY_US, SECOND_US};
use std::io::Write;

/// Accounts between two looks at the run.
const ACCOUNTS_PER_CHECK: u32 = 1 << 14;

/// Invented given names.
const GIVEN: [&str; 24] = [
    "Alva", "Bento", "Cilla", "Doro", "Edvin", "Fenna", "Gorm", "Hedy", "Ivo", "Jorun", "Kalle", "Liv",
    "Milo", "Nela", "Otto", "Pia", "Quin", "Runa", "Sami", "Tova", "Ulf", "Vida", "Wim", "Yara",
];
/// Family names that nobody has.
const FAMILY: [&str; 24] = [
    "Testwell",
    "Samplesson",
    "Mockford",
    "Dummer-Doe",
    "Fakenham-Roe",
    "Placeholder",
    "Exampleton",
    "Synthova",
    "Pretendo",
    "Inventi",
    "Nobodysen",
    "Blankwater",
    "Specimen",
    "Makebelief",
    "Draftsman-Doe",
    "Phantomas",
    "Unreal",
    "Fixture",
    "Stubbs-Roe",
    "Imaginova",
    "Modelius",
    "Artificio",
    "Random-Doe",
    "Demosson",
];
const TRADES: [&str; 8] = ["Foods", "Books", "Tools", "Travel", "Garden", "Sports", "Music", "Repairs"];
const STREETS: [&str; 6] =
    ["Invented Street", "Sample Road", "Test Lane", "Example Square", "Fixture Alley", "Mock Avenue"];

/// The device of an inner account: number and digits of its key; slot 0 is its own, slot 1 the household's.
pub(crate) fn device_number(people: &Population, plan: &Plan, place: u32, slot: usize) -> (u64, usize) {
    let id = match slot {
        0 if people.is_planted(place) => 2 * u64::from(lender(plan, place, Identifier::Device)),
        0 => 2 * u64::from(place),
        _ => 2 * u64::from(people.second_device(place).unwrap_or(place)) + 1,
    };
    people.device_number(id)
}

/// The device that a ring shares.
pub(crate) fn ring_device_number(people: &Population, ring: u32) -> (u64, usize) {
    people.device_number(2 * u64::from(people.len()) + u64::from(ring))
}

/// Whose identifier of this kind `place` uses: its own, or one that an identity ring shares.
fn lender(plan: &Plan, place: u32, identifier: Identifier) -> u32 {
    let found = plan.loans.binary_search_by_key(&(place, identifier), |loan| (loan.account, loan.identifier));
    found.map_or(place, |at| plan.loans[at].lender)
}

/// Everything the tables are written from.
pub(crate) struct Tables<'a> {
    pub people: &'a Population,
    pub plan: &'a Plan,
    pub start_us: i64,
    pub closed: &'a Closed,
}

impl Tables<'_> {
    /// Writes all tables; returns the numbers of accounts and of links.
    pub fn write<W: Write>(&self, outputs: &mut SynthOutputs<W>, run: &Run) -> Result<[u64; 2]> {
        run.stage("accounts and links", u64::from(self.people.len()));
        let mut accounts = Rows::new(
            &mut outputs.accounts,
            "accounts.csv",
            "account,kind,name,country,currency,opened,overdraft",
        );
        let mut balances = Rows::new(&mut outputs.balances, "balances.csv", "account,currency,amount");
        let mut links = Rows::new(&mut outputs.links, "links.csv", "account,kind,value,first_seen,last_seen");
        let devices = self.ring_devices();
        for (i, place) in scrambled(self.people).enumerate() {
            if (i as u32).is_multiple_of(ACCOUNTS_PER_CHECK) {
                run.check()?;
                run.advance(u64::from(ACCOUNTS_PER_CHECK).min(u64::from(self.people.len()) - i as u64));
            }
            self.account(place, &mut accounts)?;
            if place < self.people.num_inner() {
                self.balance(place, &mut balances)?;
                self.links(place, &devices, &mut links)?;
            }
        }
        balances.finish()?;
        let written = [accounts.finish()?, links.finish()?];
        self.truth(outputs)?;
        Ok(written)
    }

    fn account<W: Write>(&self, place: u32, rows: &mut Rows<W>) -> Result<()> {
        let people = self.people;
        let (kind, currency) = (people.kind(place), people.currency(place));
        let tender = &TENDERS[currency as usize];
        rows.account(people, place).comma().text(kind.name()).comma();
        self.name(place, rows);
        rows.comma().text(tender.country).comma().text(tender.code).comma();
        rows.stamp(self.opened_s(place)).comma();
        if !kind.is_outside() {
            rows.amount(people.overdraft_minor(place), currency);
        }
        rows.end()
    }

    fn name<W: Write>(&self, place: u32, rows: &mut Rows<W>) {
        let mut draws = self.people.streams().of(Ask::Name).draws(u64::from(place));
        let mut pick = |names: &[&'static str]| names[draws.below(names.len() as u64) as usize];
        let family = pick(&FAMILY);
        match self.people.kind(place) {
            Kind::Person => rows.text(pick(&GIVEN)).text(" ").text(family),
            Kind::Merchant => rows.text(family).text(" ").text(pick(&TRADES)),
            Kind::Employer => rows.text(family).text(" Works"),
            Kind::PaymentFirm => rows.text(family).text(" Payments"),
            Kind::Bank => rows.text("Correspondent bank (outside)"),
            Kind::Cash => rows.text("Cash desk (outside)"),
        };
    }

    /// Since when an account exists, in seconds since 1970 UTC.
    fn opened_s(&self, place: u32) -> i64 {
        let mut draws = self.people.streams().of(Ask::Name).draws(u64::from(place) + (1 << 40));
        let before = 30 + draws.below(4000) as i64;
        (self.start_us / DAY_US - before).max(0) * 86_400
    }

    fn balance<W: Write>(&self, place: u32, rows: &mut Rows<W>) -> Result<()> {
        let own = self.plan.own.binary_search_by_key(&place, |own| own.0).map_or(0, |at| self.plan.own[at].1);
        let currency = self.people.currency(place);
        rows.account(self.people, place).comma().text(TENDERS[currency as usize].code).comma();
        rows.amount(opening_minor(self.people, place) + own, currency).end()
    }

    fn link<W: Write>(
        &self,
        place: u32,
        kind: &str,
        value: impl FnOnce(&mut Rows<W>),
        seen_s: [i64; 2],
        rows: &mut Rows<W>,
    ) -> Result<()> {
        rows.account(self.people, place).comma().text(kind).comma();
        value(rows);
        rows.comma().stamp(seen_s[0]).comma().stamp(seen_s[1]).end()
    }

    fn links<W: Write>(&self, place: u32, devices: &[(u32, u32)], rows: &mut Rows<W>) -> Result<()> {
        let people = self.people;
        let opened_s = self.opened_s(place);
        let moment_s = |second: u32| self.start_us / SECOND_US + i64::from(second);
        let since = |second: u32| [opened_s, if second == NONE { opened_s } else { moment_s(second) }];
        let used = self.closed.last_use_s[place as usize];
        // A place that was never used is NONE, the largest number: only the smaller one counts then.
        let last =
            if used[0] == NONE || used[1] == NONE { used[0].min(used[1]) } else { used[0].max(used[1]) };
        let device = |(number, width): (u64, usize)| {
            move |rows: &mut Rows<W>| {
                rows.text("D").number(number, width);
            }
        };
        self.link(place, "device", device(device_number(people, self.plan, place, 0)), since(used[0]), rows)?;
        if people.second_device(place).is_some() {
            let second = device_number(people, self.plan, place, 1);
            self.link(place, "device", device(second), since(used[1]), rows)?;
        }
        let from = devices.partition_point(|(account, _)| *account < place);
        for (_, ring) in devices[from..].iter().take_while(|(account, _)| *account == place) {
            let span_s = self.plan.rings[*ring as usize].span_s.map(moment_s);
            self.link(place, "device", device(ring_device_number(people, *ring)), span_s, rows)?;
        }
        let number = |identifier| people.number(lender(self.plan, place, identifier));
        let (email, width) = number(Identifier::Email);
        self.link(
            place,
            "email",
            |rows| {
                rows.text("u").number(email, width).text("@example.com");
            },
            since(last),
            rows,
        )?;
        let (phone, width) = number(Identifier::Phone);
        self.link(
            place,
            "phone",
            |rows| {
                rows.text("+999-").number(phone, width);
            },
            since(last),
            rows,
        )?;
        let (head, _) = people.household(place);
        let (address, width) = people.number(head);
        let street =
            STREETS[below(people.streams().of(Ask::Name).at(u64::from(head)), STREETS.len() as u64) as usize];
        let house = |rows: &mut Rows<W>| {
            rows.number(address % 97 + 1, 1).text(" ").text(street).text(" Nowhere ").number(address, width);
        };
        self.link(place, "address", house, since(last), rows)?;
        if people.kind(place) == Kind::Person {
            let (ssn, width) = number(Identifier::Ssn);
            let tail = 10_u64.pow(width as u32 - 4);
            let text = |rows: &mut Rows<W>| {
                rows.text("9").number(ssn / tail / 100, 2).text("-").number(ssn / tail % 100, 2).text("-");
                rows.number(ssn % tail, width - 4);
            };
            self.link(place, "ssn", text, since(last), rows)?;
        }
        Ok(())
    }

    /// Accounts that use the device of a ring, and the ring; sorted.
    fn ring_devices(&self) -> Vec<(u32, u32)> {
        let sharing = self.plan.rings.iter().enumerate().filter(|(_, ring)| ring.shares_device);
        let mut devices: Vec<(u32, u32)> = sharing
            .flat_map(|(number, ring)| {
                let lent = ring.members.iter().filter(|(role, _)| *role != "victim");
                lent.map(move |(_, account)| (*account, number as u32))
            })
            .collect();
        devices.sort_unstable();
        devices
    }

    fn truth<W: Write>(&self, outputs: &mut SynthOutputs<W>) -> Result<()> {
        let mut rings = Rows::new(&mut outputs.truth_rings, "truth_rings.csv", "ring,typology,role,account");
        let mut order: Vec<u32> = (0..self.plan.rings.len() as u32).collect();
        order.sort_by_key(|number| {
            (self.plan.rings[*number as usize].shape, self.plan.rings[*number as usize].number)
        });
        for ring in order.iter().map(|number| &self.plan.rings[*number as usize]) {
            for (role, account) in &ring.members {
                ring_key(ring, &mut rings);
                rings.comma().text(role).comma().account(self.people, *account);
                rings.end()?;
            }
        }
        rings.finish()?;
        let header = "ring,typology,position,transaction";
        let mut transactions = Rows::new(&mut outputs.truth_transactions, "truth_transactions.csv", header);
        let mut seeds = Rows::new(&mut outputs.seeds, "seeds.csv", "case,transaction");
        let legs = self.plan.legs.iter().zip(&self.closed.leg_transactions);
        let mut evidence: Vec<(u32, u32, u64)> =
            legs.map(|(leg, number)| (leg.ring, leg.position, *number)).collect();
        evidence.extend_from_slice(&self.closed.marked);
        evidence.sort_unstable();
        for number in order {
            let ring = &self.plan.rings[number as usize];
            let from = evidence.partition_point(|entry| entry.0 < number);
            for (_, position, transaction) in evidence[from..].iter().take_while(|entry| entry.0 == number) {
                ring_key(ring, &mut transactions);
                transactions.comma().number(u64::from(*position), 1).comma();
                transactions.text("T").number(*transaction, TRANSACTION_DIGITS).end()?;
                if ring.shape == Shape::Ring(Typology::VictimCase) && *position == 0 {
                    seeds
                        .text(Typology::VictimCase.name())
                        .text("-")
                        .number(u64::from(ring.number), 5)
                        .comma();
                    seeds.text("T").number(*transaction, TRANSACTION_DIGITS).end()?;
                }
            }
        }
        seeds.finish()?;
        transactions.finish().map(drop)
    }
}

/// Writes the key and the typology of a ring.
fn ring_key<W: Write>(ring: &Ring, rows: &mut Rows<W>) {
    let (name, typology) = match ring.shape {
        Shape::Ring(typology) => (typology.name(), typology.name()),
        Shape::Benign(kind) => (kind.name(), "benign"),
    };
    rows.text(name).text("-").number(u64::from(ring.number), 5).comma().text(typology);
}

/// All places, each once, in an order that tells nothing: steps of one length around the circle.
fn scrambled(people: &Population) -> impl Iterator<Item = u32> {
    let count = u64::from(people.len());
    let mut draws = people.streams().of(Ask::Keys).draws(1);
    let mut step = count * 618 / 1000 + draws.below(count / 10);
    while gcd(step, count) != 1 {
        step += 1;
    }
    let first = draws.below(count);
    (0..count).map(move |i| ((first + i * step) % count) as u32)
}

fn gcd(a: u64, b: u64) -> u64 {
    if b == 0 { a } else { gcd(b, a % b) }
}
