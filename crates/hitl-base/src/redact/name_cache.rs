//! A cache of judged names: arguments have the same few names in every call.

use std::cell::RefCell;
use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};

use super::secret_names::{Name, is_public, judge};

/// The number of names that each thread remembers; the next one clears the cache, so that made-up
/// names cannot keep out the names that recur.
const NAMES: usize = 256;
/// The longest name that is remembered, in bytes.
const LONGEST: usize = 64;

/// The verdict of a name on the value under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct NameVerdict {
    /// Its certainty as the name of a secret.
    pub(super) name: Name,
    /// True if the name declares the value public.
    pub(super) public: bool,
}

impl NameVerdict {
    fn new(key: &str) -> Self {
        Self { name: judge(key), public: is_public(key) }
    }
}

type Verdicts = HashMap<Box<str>, NameVerdict, BuildHasherDefault<NameHasher>>;

thread_local! {
    /// The verdicts on some names, one cache per thread: it is read for every key of every call,
    /// and a shared lock would make threads wait for each other.
    static VERDICTS: RefCell<Verdicts> = const { RefCell::new(HashMap::with_hasher(BuildHasherDefault::new())) };
}

/// Returns the verdict on a name.
pub(super) fn verdict_on(key: &str) -> NameVerdict {
    if key.len() > LONGEST {
        return NameVerdict::new(key);
    }
    // A thread that is ending has no cache any more.
    let remembered = VERDICTS.try_with(|known| known.borrow().get(key).copied());
    remembered.ok().flatten().unwrap_or_else(|| {
        let said = NameVerdict::new(key);
        let _ = VERDICTS.try_with(|known| {
            let mut known = known.borrow_mut();
            if known.len() >= NAMES {
                known.clear();
            }
            known.insert(key.into(), said);
        });
        said
    })
}

/// A fast hasher for a few short names. An attacker who chooses colliding names causes at most
/// [`NAMES`] comparisons.
#[derive(Default)]
struct NameHasher(u64);

impl Hasher for NameHasher {
    fn write(&mut self, bytes: &[u8]) {
        /// An odd multiplier with well spread bits: 2 to the 64th over the golden ratio.
        const SPREAD: u64 = 0x9E37_79B9_7F4A_7C15;
        #[expect(clippy::cast_possible_truncation, reason = "both halves of it are used")]
        let mut add = |word: u64| {
            let spread = u128::from(self.0 ^ word) * u128::from(SPREAD);
            self.0 = (spread >> 64) as u64 ^ spread as u64;
        };
        let (words, rest) = bytes.as_chunks();
        for word in words {
            add(u64::from_le_bytes(*word));
        }
        add(rest.iter().fold(bytes.len() as u64, |word, byte| word << 8 | u64::from(*byte)));
    }

    fn finish(&self) -> u64 {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_13_so_many_names_are_remembered_and_each_is_judged_as_before() {
        for round in 0..2 {
            for n in 0..3 * NAMES {
                for name in [format!("api_key_{n}"), format!("author {n}"), "x".repeat(n)] {
                    assert_eq!(
                        verdict_on(&name),
                        NameVerdict::new(&name),
                        "{name} in round {round}"
                    );
                }
            }
            VERDICTS.with_borrow(|known| {
                assert!(known.len() <= NAMES && known.keys().all(|name| name.len() <= LONGEST));
            });
        }
    }

    #[test]
    fn names_are_spread() {
        let names = (0..NAMES).flat_map(|n| [format!("field_{n}"), format!("{n}_id")]);
        let hashes = names.map(|name| {
            let mut hash = NameHasher::default();
            hash.write(name.as_bytes());
            hash.finish()
        });
        let places: std::collections::BTreeSet<u64> = hashes.map(|hash| hash % 1_024).collect();
        // Of 512 names hashed at random into 1,024 slots, 403 slots are expected to be taken.
        assert!(places.len() > 350, "{}", places.len());
    }
}
