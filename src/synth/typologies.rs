//! Planted rings and look-alikes: who, when, how much; decided before the first row is written.
//!
//! # Method
//! Every ring gets accounts of its own, quiet persons that otherwise live as everybody else does, and *legs*,
//! the payments that make its shape. Money that a leg moves is kept apart from what its accounts spend
//! otherwise: what enters a ring from an account's own pocket is in its opening balance, and what an account will pass on
//! is `carried`. So no leg can lack money, and no balance is wrong for it.
//!
//! # Cost
//! Memory for the legs, which are under one percent of all rows by default.

use super::Typology;
use super::money::{MAIN, cents, split};
use super::options::{LookAlike, SynthOptions};
use super::population::{Ask, HOUSEHOLD_BLOCK, Kind, Population};
use super::rhythm::{Calendar, HOUR_S, HOURS};
use super::rows::{Channel, Label};
use crate::error::{Error, Result};
use crate::random::{Draws, Stream};

/// Most legs of a fan.
const LEGS_MAX: u64 = 25;
/// Fewest legs of a fan, and the size that small ledgers fall back to.
const LEGS_MIN: u64 = 5;
/// Accounts tried at random before the next free one is taken.
const TRIES: u32 = 64;
/// Days that the longest ring may take.
const RING_DAYS: u32 = 4;

/// What a ring is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Shape {
    Ring(Typology),
    Benign(LookAlike),
}

/// A kind of identifier that accounts can share.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Identifier {
    Device,
    Email,
    Phone,
    Ssn,
}

/// How an identity ring is chained.
const CHAIN: [Identifier; 4] = [Identifier::Device, Identifier::Phone, Identifier::Email, Identifier::Ssn];

/// A planted ring or look-alike.
#[derive(Clone, Debug)]
pub(crate) struct Ring {
    pub shape: Shape,
    /// From 1, within its shape.
    pub number: u32,
    /// Roles and accounts.
    pub members: Vec<(&'static str, u32)>,
    /// Whether the members, a victim excepted, also use one device.
    pub shares_device: bool,
    /// Seconds from the start to the first and the last leg.
    pub span_s: [u32; 2],
}

/// One payment of a ring.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Leg {
    pub time_s: u32,
    pub ring: u32,
    /// From 0, in the order of time within the ring.
    pub position: u32,
    pub source: u32,
    pub destination: u32,
    /// Minor units paid.
    pub amount: i64,
    /// Minor units of the received amount that the destination will pay on in later legs.
    pub carried: i64,
    pub label: Label,
    pub channel: Channel,
}

/// An identifier that `account` has from `lender` instead of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Loan {
    pub account: u32,
    pub identifier: Identifier,
    pub lender: u32,
}

/// All rings, and what follows from them.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub rings: Vec<Ring>,
    /// In the order of time.
    pub legs: Vec<Leg>,
    /// Own money that accounts bring into their rings, in minor units; sorted by account, one entry each.
    pub own: Vec<(u32, i64)>,
    /// Sorted.
    pub loans: Vec<Loan>,
}

impl Plan {
    /// Plans all rings for `people`, and marks their accounts.
    pub fn new(options: &SynthOptions, people: &mut Population, calendar: &Calendar) -> Result<Plan> {
        let legs_max = legs_max(options, people)?;
        let stream = people.streams().of(Ask::Ring);
        let mut planner =
            Planner { people, calendar, stream, legs_max, plan: Plan::default(), draws: stream.draws(0) };
        for kind in [LookAlike::FamilyDevice, LookAlike::MerchantFanIn] {
            for number in 0..options.num_look_alikes() {
                planner.begin(Shape::Benign(kind), number, 0);
                match kind {
                    LookAlike::FamilyDevice => planner.family_device(),
                    _ => planner.merchant_fan_in(),
                }
            }
        }
        let mut typologies = options.typologies.clone();
        typologies.sort();
        for typology in typologies {
            for number in 0..options.num_rings() {
                planner.begin(Shape::Ring(typology), number, options.shared_device_percent);
                planner.plant(typology)?;
            }
        }
        Ok(planner.finish())
    }
}

/// The largest fan for which every ring finds accounts, and half of the persons stay out of it.
fn legs_max(options: &SynthOptions, people: &Population) -> Result<u64> {
    let persons = (0..people.num_inner()).filter(|place| is_lendable(people, *place)).count() as u64;
    let needed = |legs: u64| -> u64 {
        let of_one: u64 = options.typologies.iter().map(|typology| members_max(*typology, legs)).sum();
        of_one * u64::from(options.num_rings()) + (legs + 4) * u64::from(options.num_look_alikes())
    };
    match (LEGS_MIN..=LEGS_MAX).rev().find(|legs| needed(*legs) * 2 <= persons) {
        Some(legs) => Ok(legs),
        None => Err(Error::Option {
            name: "rings",
            value: options.num_rings().to_string(),
            allowed: "so few that their members are at most half of the persons; take fewer rings or more accounts",
        }),
    }
}

/// Accounts that a ring of this kind takes at most.
fn members_max(typology: Typology, legs: u64) -> u64 {
    match typology {
        Typology::IdentityRing | Typology::Cycle | Typology::PassThrough => legs.clamp(5, 8),
        Typology::FanIn | Typology::FanOut => legs + 1,
        Typology::ScatterGather => side_max(legs) + 2,
        Typology::GatherScatter => 2 * side_max(legs) + 1,
        Typology::Bipartite => 2 * layer_max(legs),
        Typology::Stack => layer_max(legs) + 6,
        Typology::VictimCase => 9,
    }
}

/// Most intermediaries of a scatter-gather, and most payers or payees of a gather-scatter.
fn side_max(legs: u64) -> u64 {
    (legs / 2).max(3)
}

/// Most accounts of a layer in which all pay all.
fn layer_max(legs: u64) -> u64 {
    (legs / 4).clamp(3, 5)
}

fn is_lendable(people: &Population, place: u32) -> bool {
    people.kind(place) == Kind::Person && people.currency(place) == MAIN && !people.is_planted(place)
}

struct Planner<'a> {
    people: &'a mut Population,
    calendar: &'a Calendar,
    stream: Stream,
    legs_max: u64,
    plan: Plan,
    /// The draws of the ring that is being planned.
    draws: Draws,
}

impl Planner<'_> {
    /// Opens a ring; members and legs that follow belong to it.
    fn begin(&mut self, shape: Shape, number: u32, shared_device_percent: u32) {
        self.draws = self.stream.draws(self.plan.rings.len() as u64 + 1);
        let moves_money = !matches!(shape, Shape::Ring(Typology::IdentityRing));
        let shares_device = self.draws.chance(u64::from(shared_device_percent)) && moves_money;
        let ring =
            Ring { shape, number: number + 1, members: Vec::new(), shares_device, span_s: [u32::MAX, 0] };
        self.plan.rings.push(ring);
    }

    fn join(&mut self, role: &'static str, place: u32) {
        self.people.plant(place);
        if let Some(ring) = self.plan.rings.last_mut() {
            ring.members.push((role, place));
        }
    }

    /// A quiet person of the main currency who is in no ring yet joins this one.
    fn member(&mut self, role: &'static str) -> Result<u32> {
        let inner = u64::from(self.people.num_inner());
        for _ in 0..TRIES {
            let place = self.draws.below(inner) as u32;
            if is_lendable(self.people, place) && self.people.is_quiet(place) {
                self.join(role, place);
                return Ok(place);
            }
        }
        let first = self.draws.below(inner) as u32;
        let round = (first..inner as u32).chain(0..first);
        let found = round.into_iter().find(|place| is_lendable(self.people, *place));
        let place =
            found.ok_or_else(|| Error::Unproved("no account is left for a planted ring".to_string()))?;
        self.join(role, place);
        Ok(place)
    }

    fn members(&mut self, role: &'static str, count: u64) -> Result<Vec<u32>> {
        (0..count).map(|_| self.member(role)).collect()
    }

    /// First second of a ring: in the day, early enough that the ring ends in the span.
    fn start_s(&mut self) -> u32 {
        let day = self.draws.below(u64::from(self.calendar.days - RING_DAYS)) as u32;
        day * HOURS * HOUR_S + self.draws.between(6 * 3600, 20 * 3600) as u32
    }

    /// Strictly increasing seconds within `hours` hours from `from_s`.
    fn times(&mut self, count: usize, from_s: u32, hours: u64) -> Vec<u32> {
        let step = hours * u64::from(HOUR_S) / count.max(1) as u64;
        (0..count as u64).map(|i| from_s + (i * step + self.draws.below(step)) as u32).collect()
    }

    /// An amount in minor units of the main currency, in whole dollars.
    fn dollars(&mut self, median: f64) -> i64 {
        cents(self.draws.bits(), median * 100.0, 0.6) / 100 * 100
    }

    /// What is left of `amount` after a cut of `from` to `to` percent.
    fn after_cut(&mut self, amount: i64, from: u64, to: u64) -> i64 {
        amount - amount * self.draws.between(from * 10, to * 10) as i64 / 1000
    }

    fn stream_of_draws(&mut self) -> Stream {
        Stream::new(self.draws.bits(), 0)
    }

    /// Adds a leg between two accounts, paid from the source's own money if `own`.
    fn leg(&mut self, time_s: u32, [source, destination]: [u32; 2], amount: i64, own: bool, carried: i64) {
        let index = self.plan.rings.len() as u32 - 1;
        let ring = &mut self.plan.rings[index as usize];
        ring.span_s = [ring.span_s[0].min(time_s), ring.span_s[1].max(time_s)];
        let label = if matches!(ring.shape, Shape::Ring(_)) { Label::Laundering } else { Label::None };
        let channel = Channel::Transfer;
        if own {
            self.plan.own.push((source, amount));
        }
        let leg =
            Leg { time_s, ring: index, position: 0, source, destination, amount, carried, label, channel };
        self.plan.legs.push(leg);
    }

    fn plant(&mut self, typology: Typology) -> Result<()> {
        match typology {
            Typology::IdentityRing => self.identity_ring(),
            Typology::FanIn => self.fan(true),
            Typology::FanOut => self.fan(false),
            Typology::Cycle => self.cycle(),
            Typology::ScatterGather => self.scatter_gather(),
            Typology::GatherScatter => self.gather_scatter(),
            Typology::Bipartite => self.bipartite(),
            Typology::Stack => self.stack(),
            Typology::PassThrough => self.pass_through(),
            Typology::VictimCase => self.victim_case(),
        }
    }

    fn identity_ring(&mut self) -> Result<()> {
        let count = self.draws.between(4, members_max(Typology::IdentityRing, self.legs_max));
        let members = self.members("member", count)?;
        for (pair, identifier) in members.windows(2).zip(CHAIN.into_iter().cycle()) {
            self.plan.loans.push(Loan { account: pair[1], identifier, lender: pair[0] });
        }
        Ok(())
    }

    fn fan(&mut self, inwards: bool) -> Result<()> {
        let (hub_role, spoke_role) = if inwards { ("collector", "payer") } else { ("distributor", "payee") };
        let count = self.draws.between(LEGS_MIN, self.legs_max);
        let hub = self.member(hub_role)?;
        let spokes = self.members(spoke_role, count)?;
        let (from_s, hours) = (self.start_s(), self.draws.between(6, 46));
        let each = self.dollars(900.0);
        for (time_s, spoke) in self.times(spokes.len(), from_s, hours).into_iter().zip(spokes) {
            let amount = self.after_cut(each, 0, 20);
            let ends = if inwards { [spoke, hub] } else { [hub, spoke] };
            self.leg(time_s, ends, amount, true, 0);
        }
        Ok(())
    }

    fn cycle(&mut self) -> Result<()> {
        let count = self.draws.between(3, members_max(Typology::Cycle, self.legs_max));
        let mut members = self.members("member", count)?;
        if let Some(ring) = self.plan.rings.last_mut() {
            ring.members[0].0 = "origin";
        }
        members.push(members[0]);
        let (from_s, hours) = (self.start_s(), self.draws.between(8, 46));
        let times = self.times(members.len() - 1, from_s, hours);
        self.relay(&members, &times, 8_000.0, [1, 4], true);
        Ok(())
    }

    fn pass_through(&mut self) -> Result<()> {
        let count = self.draws.between(5, members_max(Typology::PassThrough, self.legs_max));
        let source = self.member("source")?;
        let mut members = vec![source];
        members.extend(self.members("mule", count - 2)?);
        members.push(self.member("sink")?);
        let mut time_s = self.start_s();
        let mut times = Vec::new();
        for _ in 1..members.len() {
            times.push(time_s);
            time_s += self.draws.between(10 * 60, 170 * 60) as u32;
        }
        self.relay(&members, &times, 12_000.0, [1, 3], false);
        Ok(())
    }

    /// Money that goes along `members`, a cut kept at each; `home` if the last is the first again.
    fn relay(&mut self, members: &[u32], times: &[u32], median: f64, cut: [u64; 2], home: bool) {
        let mut amount = self.dollars(median).max(100_000);
        for (i, ends) in members.windows(2).enumerate() {
            let next = self.after_cut(amount, cut[0], cut[1]);
            let carried = if i + 2 < members.len() { next } else { 0 };
            debug_assert!(!home || members[0] == members[members.len() - 1]);
            self.leg(times[i], [ends[0], ends[1]], amount, i == 0, carried);
            amount = next;
        }
    }

    fn scatter_gather(&mut self) -> Result<()> {
        let count = self.draws.between(3, side_max(self.legs_max));
        let source = self.member("source")?;
        let middle = self.members("intermediary", count)?;
        let sink = self.member("sink")?;
        let from_s = self.start_s();
        let scatter = self.times(middle.len(), from_s, 10);
        let gather = self.times(middle.len(), from_s + 12 * HOUR_S, 30);
        let each = self.dollars(2_400.0);
        let mut collected = Vec::new();
        for (time_s, account) in scatter.into_iter().zip(&middle) {
            let amount = self.after_cut(each, 0, 15);
            let carried = self.after_cut(amount, 1, 4);
            collected.push((*account, carried));
            self.leg(time_s, [source, *account], amount, true, carried);
        }
        for (time_s, (account, amount)) in gather.into_iter().zip(collected) {
            self.leg(time_s, [account, sink], amount, false, 0);
        }
        Ok(())
    }

    fn gather_scatter(&mut self) -> Result<()> {
        let (payers, payees) =
            (self.draws.between(3, side_max(self.legs_max)), self.draws.between(3, side_max(self.legs_max)));
        let payers = self.members("payer", payers)?;
        let hub = self.member("hub")?;
        let payees = self.members("payee", payees)?;
        let from_s = self.start_s();
        let gather = self.times(payers.len(), from_s, 14);
        let scatter = self.times(payees.len(), from_s + 16 * HOUR_S, 28);
        let each = self.dollars(1_800.0);
        let mut carried = 0;
        for (time_s, payer) in gather.into_iter().zip(payers) {
            let amount = self.after_cut(each, 0, 15);
            let passed = self.after_cut(amount, 2, 5);
            carried += passed;
            self.leg(time_s, [payer, hub], amount, true, passed);
        }
        let shares = split(carried, payees.len(), self.stream_of_draws());
        for ((time_s, payee), amount) in scatter.into_iter().zip(payees).zip(shares) {
            self.leg(time_s, [hub, payee], amount, false, 0);
        }
        Ok(())
    }

    fn bipartite(&mut self) -> Result<()> {
        let largest = layer_max(self.legs_max);
        let (payers, payees) = (self.draws.between(3, largest), self.draws.between(3, largest));
        let (payers, payees) = (self.members("payer", payers)?, self.members("payee", payees)?);
        let from_s = self.start_s();
        let each = self.dollars(600.0);
        let times = self.times(payers.len() * payees.len(), from_s, 30);
        for (i, time_s) in times.into_iter().enumerate() {
            let amount = self.after_cut(each, 0, 15);
            self.leg(time_s, [payers[i % payers.len()], payees[i / payers.len()]], amount, true, 0);
        }
        Ok(())
    }

    fn stack(&mut self) -> Result<()> {
        let counts = [
            self.draws.between(2, 3),
            self.draws.between(3, layer_max(self.legs_max)),
            self.draws.between(2, 3),
        ];
        let payers = self.members("payer", counts[0])?;
        let middle = self.members("middle", counts[1])?;
        let payees = self.members("payee", counts[2])?;
        let from_s = self.start_s();
        let each = self.dollars(900.0);
        let mut carried = vec![0; middle.len()];
        for (i, time_s) in self.times(payers.len() * middle.len(), from_s, 20).into_iter().enumerate() {
            let amount = self.after_cut(each, 0, 15);
            let passed = self.after_cut(amount, 1, 4);
            carried[i / payers.len()] += passed;
            self.leg(time_s, [payers[i % payers.len()], middle[i / payers.len()]], amount, true, passed);
        }
        let times = self.times(middle.len() * payees.len(), from_s + 22 * HOUR_S, 22);
        let mut times = times.into_iter();
        for (account, total) in middle.into_iter().zip(carried) {
            let shares = split(total, payees.len(), self.stream_of_draws());
            for ((payee, amount), time_s) in payees.iter().zip(shares).zip(&mut times) {
                self.leg(time_s, [account, *payee], amount, false, 0);
            }
        }
        Ok(())
    }

    /// Victim → first mule → two or three mules → one more than that, who withdraw cash and wire the rest abroad.
    fn victim_case(&mut self) -> Result<()> {
        let width = self.draws.between(2, 3) as usize;
        let victim = self.member("victim")?;
        let first = self.member("mule")?;
        let second = self.members("mule", width as u64)?;
        let third = self.members("cash_out", width as u64 + 1)?;
        let from_s = self.start_s();
        let stolen = self.dollars(9_000.0).max(200_000);
        // Worked out from the end of each branch: what is carried is what will be paid.
        let passed = self.after_cut(stolen, 2, 5);
        let shares = split(passed, width, self.stream_of_draws());
        self.leg(from_s, [victim, first], stolen, true, passed);
        if let Some(leg) = self.plan.legs.last_mut() {
            leg.label = Label::Fraud;
        }
        let splitting = self.times(width, from_s + 900, 3);
        let layering = self.times(width + 1, from_s + 5 * HOUR_S, 5);
        let mut branches = Vec::new();
        for (i, (time_s, amount)) in splitting.into_iter().zip(shares).enumerate() {
            let passed = self.after_cut(amount, 2, 5);
            self.leg(time_s, [first, second[i]], amount, false, passed);
            // The first of them splits once more.
            if i == 0 {
                let halves = split(passed, 2, self.stream_of_draws());
                branches.extend([(second[0], third[0], halves[0]), (second[0], third[1], halves[1])]);
            } else {
                branches.push((second[i], third[i + 1], passed));
            }
        }
        for (i, (time_s, (from, to, amount))) in layering.into_iter().zip(branches).enumerate() {
            let leaves = self.after_cut(amount, 8, 20);
            let withdrawals = self.draws.between(1, 3) as usize;
            let wires = usize::from(i % 2 == 1);
            let parts = split(leaves, withdrawals + wires, self.stream_of_draws());
            // Notes of twenty; what does not fit stays with the mule.
            let parts: Vec<i64> = parts.iter().map(|part| (part / 2000 * 2000).max(100)).collect();
            self.leg(time_s, [from, to], amount, false, parts.iter().sum());
            let times = self.times(parts.len(), time_s + HOUR_S, 14);
            for (j, (time_s, part)) in times.into_iter().zip(parts).enumerate() {
                let wire = j >= withdrawals;
                let (kind, currency) = if wire { (Kind::Bank, 1) } else { (Kind::Cash, MAIN) };
                let exit = self.people.outside(kind, currency, to);
                self.leg(time_s, [to, exit], part, false, 0);
                if let Some(leg) = self.plan.legs.last_mut() {
                    leg.channel = if wire { Channel::Wire } else { Channel::Cash };
                }
            }
        }
        Ok(())
    }

    fn merchant_fan_in(&mut self) {
        let merchant = (0..10 * TRIES).map(|_| self.people.payee(self.draws.bits())).find(|place| {
            self.people.kind(*place) == Kind::Merchant
                && self.people.currency(*place) == MAIN
                && !self.people.is_planted(*place)
        });
        let Some(merchant) = merchant else {
            self.plan.rings.pop();
            return;
        };
        self.join("merchant", merchant);
        let count = self.draws.between(LEGS_MIN, self.legs_max) as usize;
        let from_s = self.start_s();
        for time_s in self.times(count, from_s, 10) {
            // There are enough persons: `legs_max` counted them.
            let Ok(customer) = self.member("customer") else { return };
            let amount = cents(self.draws.bits(), 6_000.0, 0.6);
            self.leg(time_s, [customer, merchant], amount, true, 0);
            if let Some(leg) = self.plan.legs.last_mut() {
                leg.channel = Channel::Card;
            }
        }
    }

    fn family_device(&mut self) {
        let blocks = self.people.num_inner() / HOUSEHOLD_BLOCK;
        let first = self.draws.below(u64::from(blocks)) as u32;
        let family = (first..blocks).chain(0..first).find_map(|block| {
            (0..2).find_map(|offset| {
                let (_, members) = self.people.household(block * HOUSEHOLD_BLOCK + offset);
                let members: Vec<u32> = members.collect();
                let free = members.iter().all(|place| !self.people.is_planted(*place));
                let shares = members.first().is_some_and(|place| self.people.second_device(*place).is_some());
                (members.len() >= 3 && free && shares).then_some(members)
            })
        });
        match family {
            Some(members) => members.into_iter().for_each(|place| self.join("family", place)),
            None => {
                self.plan.rings.pop();
            }
        }
    }

    fn finish(self) -> Plan {
        let mut plan = self.plan;
        // Within a ring no two legs have the same time, but for a victim's branches: those stand in the order of planning.
        plan.legs.sort_by_key(|leg| (leg.ring, leg.time_s));
        for i in 1..plan.legs.len() {
            let (before, leg) = (plan.legs[i - 1], &mut plan.legs[i]);
            leg.position = if before.ring == leg.ring { before.position + 1 } else { 0 };
        }
        plan.legs.sort_by_key(|leg| (leg.time_s, leg.ring, leg.position));
        plan.own.sort_unstable();
        plan.own.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 += next.1;
            }
            same
        });
        plan.loans.sort_unstable();
        plan
    }
}
