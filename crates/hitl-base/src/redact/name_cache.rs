//! A cache of judged names: arguments have the same few names in every call.
//!
//! It pays 35 % of the instructions of `auto_call` (cargo xtask instructions).

use std::cell::RefCell;
use std::collections::HashMap;

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

thread_local! {
    /// The verdicts on some names, one cache per thread: it is read for every key of every call,
    /// and a shared lock would make threads wait for each other.
    static VERDICTS: RefCell<HashMap<Box<str>, NameVerdict>> = RefCell::default();
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
}
