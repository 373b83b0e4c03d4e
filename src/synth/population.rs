//! Who there is: kinds, currencies, communities, households, activity.
//!
//! # Method
//! An account is a place in `0..num_accounts`. Communities are runs of places, with lognormal sizes; households are runs
//! within blocks of four; every block of 64 places has an employer and two merchants, every 32nd of them a payment firm.
//! The outside world (cash desks and correspondent banks, by currency) has the last places. Activity is heavy-tailed: a
//! Pareto value with exponent 4/3 drives both what an account pays and what it receives. What can be computed
//! from a place and the seed is not stored.
//!
//! The key of an account scrambles its place, so that neither order nor community shows in it.
//!
//! # Cost
//! 29 bytes an account, and up to 24 more while it is made.

use super::money::{MAIN, TENDERS, log_normal};
use super::options::SynthOptions;
use super::weights::Alias;
use crate::error::Result;
use crate::random::{Draws, Stream, below, unit};
use crate::run::Run;

/// What an account is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Kind {
    Person,
    Merchant,
    Employer,
    PaymentFirm,
    Bank,
    Cash,
}

impl Kind {
    const ALL: [Kind; 6] =
        [Kind::Person, Kind::Merchant, Kind::Employer, Kind::PaymentFirm, Kind::Bank, Kind::Cash];

    /// The name in the accounts table.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Person => "person",
            Kind::Merchant => "merchant",
            Kind::Employer => "employer",
            Kind::PaymentFirm => "payment_firm",
            Kind::Bank => "bank",
            Kind::Cash => "cash",
        }
    }

    /// Whether it stands for the world outside, whose balance has no floor.
    pub fn is_outside(self) -> bool {
        matches!(self, Kind::Bank | Kind::Cash)
    }
}

/// Numbers of the random streams; one for each question that is asked.
#[derive(Clone, Copy)]
#[repr(u64)]
pub(crate) enum Ask {
    CommunitySize,
    Block,
    Currency,
    Household,
    Activity,
    Trait,
    Name,
    Ring,
    Rates,
    Background,
    Moment,
    Keys,
    Opening,
    Salary,
}

/// The random streams of one seed.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Streams(pub u64);

impl Streams {
    /// The stream that answers `ask`.
    pub fn of(self, ask: Ask) -> Stream {
        Stream::new(self.0, ask as u64)
    }
}

/// Places of a block that has one employer and two merchants.
const BLOCK: u32 = 64;
/// Blocks for each payment firm.
const BLOCKS_PER_FIRM: u64 = 32;
/// Places of a block that is divided into households.
pub(crate) const HOUSEHOLD_BLOCK: u32 = 4;
/// How a block of four divides into households: bit i is set where place i begins one.
const HOUSEHOLDS: [u8; 6] = [0b1111, 0b0101, 0b0011, 0b1011, 0b0001, 0b1111];

const KIND_BITS: u8 = 0b0000_0111;
const CURRENCY_SHIFT: u8 = 3;
const PLANTED: u8 = 0b1000_0000;

/// Places that are filled between two looks at a cancellation.
const PLACES_PER_CHECK: u32 = 1 << 16;

/// All accounts.
pub(crate) struct Population {
    streams: Streams,
    /// Kind, currency and the planted mark of each place.
    traits: Vec<u8>,
    /// Community of each inner place.
    community: Vec<u32>,
    /// First place of each community, and the end.
    starts: Vec<u32>,
    payers: Alias,
    payees: Alias,
    neighbours: Alias,
    /// First cash desk and first bank of each currency, and their numbers.
    desks: [[Outside; 2]; TENDERS.len()],
    key_factor: u64,
    key_offset: u64,
    /// Whether keys have eleven digits: eight are too few for ten million accounts.
    wide_keys: bool,
}

/// A run of outside accounts.
#[derive(Clone, Copy, Debug, Default)]
struct Outside {
    first: u32,
    count: u32,
}

impl Population {
    /// The accounts for checked `options`.
    pub fn new(options: &SynthOptions, run: &Run) -> Result<Self> {
        let streams = Streams(options.seed);
        let num_accounts = options.num_accounts() as u32;
        let desks = outside(num_accounts);
        let num_inner = desks[0][0].first;
        let mut traits: Vec<u8> = of_places(num_inner, run, |place| {
            let kind = inner_kind(streams, place) as u8;
            kind | currency_of_block(streams, place, options.foreign_percent) << CURRENCY_SHIFT
        })?;
        for (currency, kinds) in desks.iter().enumerate() {
            for (run, kind) in kinds.iter().zip([Kind::Cash, Kind::Bank]) {
                traits.extend((0..run.count).map(|_| kind as u8 | (currency as u8) << CURRENCY_SHIFT));
            }
        }
        run.check()?;
        let starts = communities(streams, num_inner);
        let mut community = Vec::with_capacity(num_inner as usize);
        for (number, bounds) in starts.windows(2).enumerate() {
            community.extend((bounds[0]..bounds[1]).map(|_| number as u32));
        }
        let kind = |place: u32| Kind::ALL[(traits[place as usize] & KIND_BITS) as usize];
        let weigh = |pay: bool| -> Result<Vec<u64>> {
            let activity = |place| activity(streams, place, kind(place))[usize::from(!pay)];
            let mut weights = of_places(num_inner, run, activity)?;
            cap(&mut weights);
            Ok(weights)
        };
        let payers = Alias::new(&weigh(true)?);
        run.check()?;
        let receiving = weigh(false)?;
        run.check()?;
        let (payees, neighbours) = (Alias::new(&receiving), Alias::in_ranges(&receiving, &starts));
        let mut draws = streams.of(Ask::Keys).draws(0);
        // Odd and no multiple of five: multiplying by it permutes the numbers below a power of ten.
        let key_factor = 1_618_033_981 + 10 * draws.below(10_000_000);
        let wide_keys = num_accounts >= 10_000_000;
        let key_offset = draws.below(100_000_000);
        Ok(Population {
            streams,
            traits,
            community,
            starts,
            payers,
            payees,
            neighbours,
            desks,
            key_factor,
            key_offset,
            wide_keys,
        })
    }

    /// Number of accounts.
    pub fn len(&self) -> u32 {
        self.traits.len() as u32
    }

    /// Number of accounts that are not the outside world; they have the first places.
    pub fn num_inner(&self) -> u32 {
        self.community.len() as u32
    }

    /// Number of communities.
    pub fn num_communities(&self) -> u32 {
        self.starts.len() as u32 - 1
    }

    /// The random streams.
    pub fn streams(&self) -> Streams {
        self.streams
    }

    #[inline]
    pub fn kind(&self, place: u32) -> Kind {
        Kind::ALL[(self.traits[place as usize] & KIND_BITS) as usize]
    }

    #[inline]
    pub fn currency(&self, place: u32) -> u8 {
        self.traits[place as usize] >> CURRENCY_SHIFT & 0b11
    }

    /// Whether the account belongs to a planted ring or look-alike.
    #[inline]
    pub fn is_planted(&self, place: u32) -> bool {
        self.traits[place as usize] & PLANTED != 0
    }

    /// Marks the account as belonging to a planted ring or look-alike.
    pub fn plant(&mut self, place: u32) {
        self.traits[place as usize] |= PLANTED;
    }

    /// Chooses who pays.
    #[inline]
    pub fn payer(&self, bits: u64) -> u32 {
        self.payers.choose(bits)
    }

    /// Chooses who is paid, anywhere.
    #[inline]
    pub fn payee(&self, bits: u64) -> u32 {
        self.payees.choose(bits)
    }

    /// Chooses who is paid, in the community of `place`.
    #[inline]
    pub fn neighbour(&self, place: u32, bits: u64) -> u32 {
        let (from, to) = self.community_of(place);
        self.neighbours.choose_in(from, to, bits)
    }

    /// The places of the community of `place`.
    #[inline]
    pub fn community_of(&self, place: u32) -> (u32, u32) {
        let number = self.community[place as usize] as usize;
        (self.starts[number], self.starts[number + 1])
    }

    /// The cash desk near `place` (kind [`Kind::Cash`]) or its correspondent bank, in `currency`.
    #[inline]
    pub fn outside(&self, kind: Kind, currency: u8, place: u32) -> u32 {
        let run = self.desks[currency as usize][usize::from(kind == Kind::Bank)];
        let near = self.streams.of(Ask::Block).at(u64::from(place / (4 * BLOCK)) + (1 << 40));
        run.first + below(near, u64::from(run.count)) as u32
    }

    /// The household of a person: its first place and its members; a business is alone.
    pub fn household(&self, place: u32) -> (u32, impl Iterator<Item = u32> + '_) {
        let block = place / HOUSEHOLD_BLOCK * HOUSEHOLD_BLOCK;
        let (mut from, mut to) = (place, place + 1);
        if self.kind(place) == Kind::Person {
            let begins = HOUSEHOLDS[self.streams.of(Ask::Household).at(u64::from(block)) as usize % 6];
            while begins >> (from - block) & 1 == 0 {
                from -= 1;
            }
            let end = (block + HOUSEHOLD_BLOCK).min(self.num_inner());
            while to < end && begins >> (to - block) & 1 == 0 {
                to += 1;
            }
        }
        let members = (from..to).filter(move |other| *other == place || self.kind(*other) == Kind::Person);
        (from, members)
    }

    /// Whether the account has a second device, and whose: the first place of the household that shares it.
    pub fn second_device(&self, place: u32) -> Option<u32> {
        if self.kind(place) != Kind::Person {
            return None;
        }
        let (head, members) = self.household(place);
        let percent = if members.count() > 1 { 60 } else { 20 };
        let mut draws = self.streams.of(Ask::Household).draws(u64::from(head) + (1 << 40));
        draws.chance(percent).then_some(head)
    }

    /// What the account may go below zero, in minor units.
    pub fn overdraft_minor(&self, place: u32) -> i64 {
        let mut draws = self.traits_of(place);
        let granted = self.kind(place) == Kind::Person && draws.chance(10);
        let dollars = 200 + 100 * draws.below(9) as i64;
        if granted { super::money::from_cents(dollars * 100, self.currency(place)) } else { 0 }
    }

    /// Whether the account belongs to the less active half, as an account does that is lent to a ring.
    pub fn is_quiet(&self, place: u32) -> bool {
        let [pays, receives] = activity(self.streams, place, self.kind(place));
        pays + receives < 3_600
    }

    /// Random values for what an account is like.
    pub fn traits_of(&self, place: u32) -> Draws {
        self.streams.of(Ask::Trait).draws(u64::from(place))
    }

    /// The scrambled number in the key of an inner account, and its digits.
    #[inline]
    pub fn number(&self, place: u32) -> (u64, usize) {
        let number = u64::from(place) * self.key_factor + self.key_offset;
        // Constants, so that the division is a multiplication.
        if self.wide_keys { (number % 100_000_000_000, 11) } else { (number % 100_000_000, 8) }
    }

    /// The scrambled number in the key of device `id`, and its digits.
    #[inline]
    pub fn device_number(&self, id: u64) -> (u64, usize) {
        let number = id * self.key_factor + self.key_offset;
        if self.wide_keys { (number % 100_000_000_000, 11) } else { (number % 1_000_000_000, 9) }
    }

    /// The kind, currency and number from 1 in the key of an outside account.
    pub fn outside_number(&self, place: u32) -> (Kind, u8, u32) {
        let (kind, currency) = (self.kind(place), self.currency(place));
        (kind, currency, place - self.desks[currency as usize][usize::from(kind == Kind::Bank)].first + 1)
    }
}

/// The outside world among the last of `num_accounts` places: cash desks and banks by currency.
fn outside(num_accounts: u32) -> [[Outside; 2]; TENDERS.len()] {
    let mut desks = [[Outside::default(); 2]; TENDERS.len()];
    for (currency, kinds) in desks.iter_mut().enumerate() {
        let share = if currency == MAIN as usize { 1 } else { 10 };
        kinds[0].count = 1 + num_accounts / (2_000 * share);
        kinds[1].count = 1 + num_accounts / (5_000 * share);
    }
    let all: u32 = desks.iter().flatten().map(|run| run.count).sum();
    let mut first = num_accounts - all;
    for run in desks.iter_mut().flatten() {
        run.first = first;
        first += run.count;
    }
    desks
}

fn inner_kind(streams: Streams, place: u32) -> Kind {
    let (block, offset) = (u64::from(place / BLOCK), place % BLOCK);
    let bits = streams.of(Ask::Block).at(block);
    // Distances from the employer: 0, one of 1..=31, 32, one of 33..=63.
    let distance = (offset + BLOCK - (bits % u64::from(BLOCK)) as u32) % BLOCK;
    let merchants = [1 + (bits >> 16) % 31, 33 + (bits >> 32) % 31];
    match u64::from(distance) {
        0 => Kind::Employer,
        32 if block % BLOCKS_PER_FIRM == 0 => Kind::PaymentFirm,
        other if merchants.contains(&other) => Kind::Merchant,
        _ => Kind::Person,
    }
}

/// Households keep one currency.
fn currency_of_block(streams: Streams, place: u32, foreign_percent: u32) -> u8 {
    let mut draws = streams.of(Ask::Currency).draws(u64::from(place / HOUSEHOLD_BLOCK));
    if !draws.chance(u64::from(foreign_percent)) {
        return MAIN;
    }
    match draws.below(10) {
        0..=5 => 1,
        6..=8 => 2,
        _ => 3,
    }
}

/// What `make` says of each of the first places; can be cancelled on the way.
fn of_places<T>(num_places: u32, run: &Run, make: impl Fn(u32) -> T) -> Result<Vec<T>> {
    let mut all = Vec::with_capacity(num_places as usize);
    for first in (0..num_places).step_by(PLACES_PER_CHECK as usize) {
        run.check()?;
        all.extend((first..(first + PLACES_PER_CHECK).min(num_places)).map(&make));
    }
    Ok(all)
}

/// First places of the communities, and the end: lognormal sizes, whole blocks of households.
fn communities(streams: Streams, num_inner: u32) -> Vec<u32> {
    let stream = streams.of(Ask::CommunitySize);
    let largest = f64::from(num_inner / 4).clamp(8.0, 5_000.0);
    let mut starts = vec![0];
    let mut at = 0;
    for number in 0.. {
        let size = log_normal(stream.at(number), 60.0, 1.0).clamp(8.0, largest) as u32;
        at += size / HOUSEHOLD_BLOCK * HOUSEHOLD_BLOCK;
        if at + 8 > num_inner {
            break;
        }
        starts.push(at);
    }
    starts.push(num_inner);
    starts
}

/// How much an account pays and receives, in thousandths of an ordinary one.
fn activity(streams: Streams, place: u32, kind: Kind) -> [u64; 2] {
    let mut draws = streams.of(Ask::Activity).draws(u64::from(place));
    // Pareto with exponent 4/3: u^(-3/4), by square roots, which round the same everywhere.
    let root = unit(draws.bits()).sqrt();
    // A person has some eight payments a day at most; the longer tail is that of businesses.
    let latent = (1.0 / (root * root.sqrt())).min(if kind == Kind::Person { 100.0 } else { 1e6 });
    let pays = latent * log_normal(draws.bits(), 1.0, 0.6);
    let receives = latent * log_normal(draws.bits(), 1.0, 0.6);
    let large = draws.below(16) == 0;
    let (more_pays, more_receives) = match kind {
        Kind::Merchant if large => (6.0, 100.0),
        Kind::Merchant => (2.0, 15.0),
        Kind::Employer => (3.0, 3.0),
        Kind::PaymentFirm => (50.0, 50.0),
        _ => (1.0, 1.0),
    };
    [pays * more_pays, receives * more_receives].map(|weight| (weight * 1000.0).min(1e12) as u64 + 1)
}

/// No account has more than half a percent of all activity, or sixteen times the mean where that is more.
fn cap(weights: &mut [u64]) {
    let total: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
    let largest = (total / 200).max(total * 16 / weights.len().max(1) as u128) as u64;
    for weight in weights {
        *weight = (*weight).min(largest);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    fn population(accounts: u64) -> Population {
        Population::new(&SynthOptions { accounts: Some(accounts), ..SynthOptions::default() }, &Run::new())
            .unwrap()
    }

    #[test]
    fn every_size_has_every_kind_and_keys_are_unique() {
        for accounts in [200, 1_000, 54_321] {
            let people = population(accounts);
            assert_eq!(u64::from(people.len()), accounts);
            for kind in Kind::ALL {
                assert!((0..people.len()).any(|place| people.kind(place) == kind), "{kind:?} of {accounts}");
            }
            let numbers: BTreeSet<u64> =
                (0..people.num_inner()).map(|place| people.number(place).0).collect();
            assert_eq!(numbers.len(), people.num_inner() as usize);
            let outside: BTreeSet<_> = (people.num_inner()..people.len())
                .map(|p| people.outside_number(p))
                .map(|(k, c, n)| (k as u8, c, n))
                .collect();
            assert_eq!(outside.len() as u32, people.len() - people.num_inner());
        }
    }

    #[test]
    fn communities_cover_the_inner_accounts_with_at_least_eight_each() {
        let people = population(20_000);
        assert!(people.num_communities() > 50);
        for place in 0..people.num_inner() {
            let (from, to) = people.community_of(place);
            assert!(from <= place && place < to && to - from >= 8);
            let chosen = people.neighbour(place, crate::random::mix(u64::from(place)));
            assert!((from..to).contains(&chosen));
        }
    }

    #[test]
    fn households_agree_about_their_members() {
        let people = population(5_000);
        let mut sizes = [0; 5];
        for place in 0..people.num_inner() {
            let (head, members) = people.household(place);
            let members: Vec<u32> = members.collect();
            sizes[members.len()] += 1;
            for other in &members {
                assert_eq!(people.household(*other).0, head);
                assert_eq!(people.household(*other).1.collect::<Vec<_>>(), members);
                assert_eq!(people.second_device(*other), people.second_device(place));
            }
        }
        assert!(sizes[1..].iter().all(|size| *size > 100), "{sizes:?}");
    }

    #[test]
    fn activity_is_heavy_tailed() {
        let people = population(50_000);
        let mut counts = vec![0_u64; people.len() as usize];
        let stream = Stream::new(4, 4);
        for i in 0..500_000 {
            counts[people.payer(stream.at(i)) as usize] += 1;
        }
        counts.sort_unstable();
        let busiest: u64 = counts.iter().rev().take(counts.len() / 100).sum();
        assert!(busiest * 100 > 500_000 * 15, "the busiest 1 % pay {busiest} of 500,000");
        assert!(busiest * 100 < 500_000 * 60, "the busiest 1 % pay {busiest} of 500,000");
    }
}
