//! A hash for task ids: keyed anew for every map, and as quick as three multiplications.
//!
//! The register is asked twice for each task, and the standard library's hash takes longer than the
//! rest of that. Ids may come from outside, so the key is random: who does not know it cannot
//! choose ids that collide.

use std::hash::{BuildHasher, Hasher, RandomState};

/// Makes hashers with one random key.
#[derive(Clone)]
pub(crate) struct Keyed(u64, u64);

impl Default for Keyed {
    fn default() -> Self {
        let random = RandomState::new();
        Self(random.hash_one(0), random.hash_one(1) | 1)
    }
}

impl BuildHasher for Keyed {
    type Hasher = Mixed;

    fn build_hasher(&self) -> Mixed {
        Mixed { state: self.0, key: self.1 }
    }
}

pub(crate) struct Mixed {
    state: u64,
    key: u64,
}

impl Hasher for Mixed {
    fn write(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        for word in words {
            self.write_u64(u64::from_le_bytes(*word));
        }
        for byte in rest {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, word: u64) {
        self.state = folded(self.state ^ word, self.key);
    }

    /// Lengths tell nothing here: all ids are of the same.
    fn write_usize(&mut self, _: usize) {}

    /// Once more: what came last has met the key only once.
    fn finish(&self) -> u64 {
        folded(self.state, SPREAD)
    }
}

/// The golden ratio's digits: a factor whose multiples lie far apart.
const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;

/// Both halves of the product count, so that every bit reaches every other.
fn folded(a: u64, b: u64) -> u64 {
    let product = u128::from(a) * u128::from(b);
    let low = u64::try_from(product & u128::from(u64::MAX)).unwrap_or(0);
    low ^ u64::try_from(product >> 64).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;
    use crate::TaskId;

    #[test]
    fn ids_in_a_row_do_not_meet() {
        let keyed = Keyed::default();
        let hashes: Vec<u64> =
            std::iter::repeat_with(|| keyed.hash_one(TaskId::minted())).take(10_000).collect();
        // What a map looks at first: the lowest bits, and the highest seven.
        for part in [|hash: &u64| hash & 0xFFFF, |hash: &u64| hash >> 48] {
            let met = hashes.iter().map(part).collect::<HashSet<_>>().len();
            assert!(met > 8_500, "{met} of 10,000: by chance about 9,270");
        }
    }

    #[test]
    fn each_map_has_a_key_of_its_own() {
        let id = TaskId::minted();
        assert_ne!(Keyed::default().hash_one(id), Keyed::default().hash_one(id));
    }
}
