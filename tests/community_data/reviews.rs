//! Fraudar on who reviews what: YelpChi, whose reviews carry the label of the site's own filter.

use super::fraudar_oracle::slow_fraudar;
use super::{support::shared_data, two_threads, unpacked};
use ringfence::community::{FraudBlock, FraudarOptions, Priors, fraudar};
use ringfence::graph::project::Rows;
use ringfence::random::Stream;
use std::collections::BTreeMap;

/// One review.
struct Review {
    user: u32,
    product: u32,
    filtered: bool,
}

/// All reviews, users and products numbered apart, and how many of each there are.
fn reviews() -> Option<(Vec<Review>, usize, usize)> {
    let text = unpacked(&shared_data("yelpchi-reviews")?.join("metadata.gz"));
    let (mut users, mut products) = (BTreeMap::new(), BTreeMap::new());
    let number = |numbers: &mut BTreeMap<String, u32>, key: &str| {
        let next = numbers.len() as u32;
        *numbers.entry(key.to_string()).or_insert(next)
    };
    let reviews = text.lines().map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let (user, product) = (number(&mut users, fields[0]), number(&mut products, fields[1]));
        Review { user, product, filtered: fields[3] == "-1" }
    });
    let reviews: Vec<Review> = reviews.collect();
    Some((reviews, users.len(), products.len()))
}

/// The first block.
fn block(num_users: usize, num_products: usize, pairs: &[(u32, u32, u64)]) -> FraudBlock {
    let senders = Rows::bipartite(num_users, pairs);
    let (receivers, options) = (senders.transposed(num_products), FraudarOptions::default());
    let mut found = fraudar(&senders, &receivers, Priors::default(), &options, &two_threads()).unwrap();
    found.remove(0)
}

#[test]
fn blocks_of_reviewers_are_those_of_the_definition() {
    let Some((reviews, num_users, num_products)) = reviews() else { return };
    // Every third product, three times: all products, in samples that the slow search can take.
    for first in 0..3 {
        let sample = reviews.iter().filter(|review| review.product % 3 == first);
        let pairs: Vec<_> = sample.map(|review| (review.user, review.product, 1)).collect();
        let found = block(num_users, num_products, &pairs);
        let edges: Vec<_> = pairs.iter().map(|&(user, product, _)| (user, product)).collect();
        let expected = slow_fraudar(num_users, num_products, &edges);
        assert_eq!((&found.senders, &found.receivers), (&expected.senders, &expected.receivers));
        assert!((found.score() - expected.density).abs() < 1e-6, "{} {}", found.score(), expected.density);
    }
}

#[test]
fn the_densest_reviewers_are_the_devoted_ones_not_the_filtered_ones() {
    let Some((reviews, num_users, num_products)) = reviews() else { return };
    assert_eq!((reviews.len(), num_users, num_products), (67_395, 38_063, 201));
    let pairs: Vec<_> = reviews.iter().map(|review| (review.user, review.product, 1)).collect();
    let found = block(num_users, num_products, &pairs);
    let inside: Vec<&Review> = reviews
        .iter()
        .filter(|review| found.senders.binary_search(&review.user).is_ok())
        .filter(|review| found.receivers.binary_search(&review.product).is_ok())
        .collect();
    let filtered = inside.iter().filter(|review| review.filtered).count();
    // Of all reviews 8,919 are filtered, 13.2 %. The site's filter hides those who write once; a block is made by those who
    // write often. Density alone is no sign of fraud where devotion makes the same shape.
    assert_eq!(reviews.iter().filter(|review| review.filtered).count(), 8_919);
    assert_eq!((found.senders.len(), found.receivers.len(), inside.len(), filtered), (211, 93, 4_043, 0));
}

/// Attackers planted, and products that they push.
const ATTACKERS: u32 = 200;
const TARGETS: u32 = 60;

/// The reviews, and attackers who give each of their targets a review in `percent` of all cases, and as much camouflage:
/// to products at `random`, to those that others review (`biased`), or by using accounts of honest users (`hijacked`). Returns the attackers too.
fn attacked(
    reviews: &[Review],
    num_users: usize,
    num_products: usize,
    percent: u64,
    camouflage: &str,
) -> (Vec<(u32, u32, u64)>, Vec<u32>) {
    let mut draws = Stream::new(31, percent).draws(0);
    let mut pairs: Vec<_> = reviews.iter().map(|review| (review.user, review.product, 1)).collect();
    let new = num_users as u32..num_users as u32 + ATTACKERS;
    let mut attackers: Vec<u32> = match camouflage {
        "hijacked" => (0..ATTACKERS).map(|_| draws.below(num_users as u64) as u32).collect(),
        _ => new.collect(),
    };
    attackers.sort_unstable();
    attackers.dedup();
    for &attacker in &attackers {
        let mut given = 0;
        for target in 0..TARGETS {
            if draws.chance(percent) {
                pairs.push((attacker, num_products as u32 + target, 1));
                given += 1;
            }
        }
        for _ in 0..given {
            match camouflage {
                "random" => pairs.push((attacker, draws.below(num_products as u64) as u32, 1)),
                "biased" => {
                    let popular = &reviews[draws.below(reviews.len() as u64) as usize];
                    pairs.push((attacker, popular.product, 1));
                }
                _ => {}
            }
        }
    }
    (pairs, attackers)
}

/// Twice what is common over the sum of the sizes; both ascending.
fn f_measure(found: &[u32], planted: &[u32]) -> f64 {
    let both = found.iter().filter(|node| planted.binary_search(node).is_ok()).count();
    2.0 * both as f64 / (found.len() + planted.len()) as f64
}

#[test]
fn attackers_among_real_reviewers_are_found_under_every_camouflage() {
    let Some((reviews, num_users, num_products)) = reviews() else { return };
    let targets: Vec<u32> = (num_products as u32..num_products as u32 + TARGETS).collect();
    // By share of the pairs of attacker and target, the least F-measure of attackers: the denser, the surer.
    for (percent, least) in [(20, 0.75), (30, 0.9), (50, 0.97)] {
        let mut uncovered = 0.0;
        for camouflage in ["none", "random", "biased", "hijacked"] {
            let (pairs, attackers) = attacked(&reviews, num_users, num_products, percent, camouflage);
            let (num_users, num_products) = (num_users + ATTACKERS as usize, num_products + TARGETS as usize);
            let found = block(num_users, num_products, &pairs);
            let of_attackers = f_measure(&found.senders, &attackers);
            println!(
                "{percent} %, {camouflage}: F {of_attackers:.3} of attackers, density {:.3}",
                found.score()
            );
            assert!(of_attackers >= least, "{percent} %, {camouflage}: {of_attackers}");
            // Cover may draw other products into the block, but drives no target out.
            assert!(targets.iter().all(|target| found.receivers.binary_search(target).is_ok()));
            match camouflage {
                "none" => uncovered = found.score(),
                "hijacked" => {}
                _ => assert!(found.score() >= uncovered, "{percent} %, {camouflage}"),
            }
        }
    }
}
