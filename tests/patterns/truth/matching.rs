//! Which finds are alike which attempts.

use super::{Attempt, Find};

/// Whether sets of `a` and `b` elements, `common` of them in both, have a Jaccard index of at least ½.
pub fn alike(common: usize, a: usize, b: usize) -> bool {
    common > 0 && 2 * common >= a + b - common
}

/// Attempts by account.
pub struct Index {
    of_account: Vec<Vec<u32>>,
    sizes: Vec<usize>,
}

impl Index {
    pub fn new(attempts: &[Attempt], num_accounts: u32) -> Index {
        let mut of_account = vec![Vec::new(); num_accounts as usize];
        for (number, attempt) in attempts.iter().enumerate() {
            attempt.accounts.iter().for_each(|&account| of_account[account as usize].push(number as u32));
        }
        Index { of_account, sizes: attempts.iter().map(|attempt| attempt.accounts.len()).collect() }
    }

    /// The attempts that a find is alike, ascending; only attempts that share an account are looked at.
    pub fn alike(&self, find: &Find) -> Vec<usize> {
        let mut shared: Vec<u32> =
            find.accounts.iter().flat_map(|&account| &self.of_account[account as usize]).copied().collect();
        shared.sort_unstable();
        let chunks = shared.chunk_by(|a, b| a == b);
        chunks
            .filter(|chunk| alike(chunk.len(), find.accounts.len(), self.sizes[chunk[0] as usize]))
            .map(|chunk| chunk[0] as usize)
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(accounts: &[u32]) -> Attempt {
        Attempt { key: String::new(), typology: "fan-in", accounts: accounts.to_vec(), payments: Vec::new() }
    }

    fn find(accounts: &[u32]) -> Find {
        Find { accounts: accounts.to_vec(), transactions: Vec::new() }
    }

    #[test]
    fn half_of_all_accounts_is_enough() {
        // {1, 2, 3} and {2, 3, 4}: 2 of 4. {1, 2, 3} and {3, 4}: 1 of 4.
        assert!(alike(2, 3, 3) && !alike(1, 3, 2));
        assert!(alike(1, 1, 2) && !alike(1, 2, 2));
        assert!(!alike(0, 0, 0) && !alike(0, 1, 1));
    }

    #[test]
    fn a_find_can_be_alike_several_attempts_and_none() {
        let index = Index::new(&[attempt(&[0, 1, 2]), attempt(&[2, 3]), attempt(&[1, 2, 3, 4, 5, 6])], 8);
        assert_eq!(index.alike(&find(&[1, 2, 3])), [0, 1, 2]);
        assert_eq!(index.alike(&find(&[0, 1, 2, 3])), [0, 1]);
        assert_eq!(index.alike(&find(&[2, 7])), [0; 0]);
    }

    /// Every pair compared element by element gives the same.
    #[test]
    fn the_index_finds_what_a_comparison_of_all_pairs_finds() {
        let set = |seed: u64| -> Vec<u32> {
            (0..12)
                .filter(|&account| crate::support::random(seed, u64::from(account)).is_multiple_of(2))
                .collect()
        };
        let attempts: Vec<Attempt> = (0..40).map(|seed| attempt(&set(seed))).collect();
        let index = Index::new(&attempts, 12);
        for seed in 40..240 {
            let accounts = set(seed);
            let is_alike = |attempt: &Attempt| {
                let common = (0..12).filter(|a| accounts.contains(a) && attempt.accounts.contains(a)).count();
                let either = (0..12).filter(|a| accounts.contains(a) || attempt.accounts.contains(a)).count();
                either > 0 && common as f64 / either as f64 >= 0.5
            };
            let expected: Vec<usize> = (0..40).filter(|&at| is_alike(&attempts[at])).collect();
            assert_eq!(index.alike(&find(&accounts)), expected);
        }
    }
}
