//! Names that were judged before: arguments have the same few names in every call.

use std::collections::HashMap;
use std::sync::{PoisonError, RwLock};

use super::keys::{Name, is_public, judge};

/// How many names are remembered; the next one makes all of them forgotten, so that names that somebody
/// makes up cannot keep those out that come again and again.
const NAMES: usize = 1_024;
/// The longest name that is remembered, in bytes.
const LONGEST: usize = 64;

/// What a name says of the value under it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Said {
    /// Whether it is the name of a secret.
    pub(super) name: Name,
    /// Whether it is said to be public.
    pub(super) public: bool,
}

impl Said {
    fn of(key: &str) -> Self {
        Self { name: judge(key), public: is_public(key) }
    }
}

/// What was said of some names.
#[derive(Default)]
pub(super) struct Known(RwLock<HashMap<Box<str>, Said>>);

impl Known {
    /// What a name says.
    pub(super) fn judge(&self, key: &str) -> Said {
        if key.len() > LONGEST {
            return Said::of(key);
        }
        // Nothing can be left half done in there.
        let remembered = self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).copied();
        remembered.unwrap_or_else(|| {
            let said = Said::of(key);
            let mut names = self.0.write().unwrap_or_else(PoisonError::into_inner);
            if names.len() >= NAMES {
                names.clear();
            }
            names.insert(key.into(), said);
            said
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn invariant_13_so_many_names_are_remembered_and_each_is_judged_as_before() {
        let known = Known::default();
        for round in 0..2 {
            for n in 0..3 * NAMES {
                for name in [format!("api_key_{n}"), format!("author {n}"), "x".repeat(n)] {
                    assert_eq!(known.judge(&name), Said::of(&name), "{name} in round {round}");
                }
            }
            let names = known.0.read().unwrap();
            assert!(names.len() <= NAMES && names.keys().all(|name| name.len() <= LONGEST));
        }
    }
}
