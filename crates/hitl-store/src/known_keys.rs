//! The list of host keys that a store's texts may be sealed under, which the store keeps, and the
//! decision whether it opens with the given keys. Pure.
//!
//! The list has the check values of those keys, the newest first, separated by spaces. A store
//! whose key was never replaced keeps one check value, as older versions of hitl do. The retired
//! keys follow, each after a `~`: no process seals under one of them again.

use hitl_base::hex;
use hitl_core::store::{StoreError, StoreErrorKind};
use hitl_core::{HostKeys, KeyId};

/// The name under which a store keeps this list.
pub(crate) const KEY_CHECK: &str = "key_check";
/// The name under which a gate keeps the digest keys of former host keys, sealed.
pub(crate) const DIGESTS: &str = "mark.host_keys.digests";

/// The prefix of a retired key.
const RETIRED: char = '~';

/// The decision whether a store opens with the given keys.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Admission {
    /// The store opens.
    Open,
    /// The store opens once it keeps this list.
    Keep(String),
    /// The store opens and keeps the list `then` if nothing is sealed under a key other than the
    /// given ones. Otherwise the keys in `missing` are missing.
    KeepUnlessUsed { then: String, missing: Vec<String> },
    /// The store was rotated to this key, which is not given.
    Newer(String),
    /// The current key was retired.
    Retired(String),
    /// None of the store's keys is given.
    Foreign,
}

/// Returns whether a store that keeps this list opens with these keys. `replace` means that missing
/// keys are lost for good.
pub(crate) fn admission(kept: Option<&str>, keys: &HostKeys, replace: bool) -> Admission {
    let current = keys.current().check_value();
    let Some(kept) = kept else { return Admission::Keep(current) };
    let (retired, kept): (Vec<&str>, Vec<&str>) =
        kept.split_ascii_whitespace().partition(|check| check.starts_with(RETIRED));
    let is_current = |check: &&str| check.strip_prefix(RETIRED) == Some(&current);
    if !replace && retired.iter().any(is_current) {
        return Admission::Retired(name_of(&current));
    }
    let retired: Vec<&str> = retired.into_iter().filter(|check| !is_current(check)).collect();
    let given: Vec<String> = keys.all().map(hitl_core::HostKey::check_value).collect();
    let is_given = |check: &&str| given.iter().any(|given| given == check);
    let (here, missing): (Vec<&str>, Vec<&str>) = kept.iter().copied().partition(is_given);
    // The newest key stays in front: while the key is replaced, processes may differ in the key
    // that they seal under.
    let is_new = !here.contains(&current.as_str());
    let front = is_new.then_some(current.as_str());
    let then: Vec<String> =
        front.into_iter().chain(here.iter().copied()).map(str::to_owned).collect();
    let retired = retired.into_iter().map(str::to_owned);
    if missing.is_empty() {
        let then: Vec<String> = then.into_iter().chain(retired).collect();
        return if is_new { Admission::Keep(then.join(" ")) } else { Admission::Open };
    }
    let gone = missing.iter().map(|check| format!("{RETIRED}{check}"));
    let then = then.into_iter().chain(gone).chain(retired).collect::<Vec<_>>().join(" ");
    if replace {
        return Admission::Keep(then);
    }
    if here.is_empty() {
        return Admission::Foreign;
    }
    // Only a process that seals under the newest key may drop older ones: another process may be
    // sealing under a newer key right now.
    match kept.first() {
        Some(first) if *first != current => Admission::Newer(name_of(first)),
        _ => {
            let missing = missing.iter().map(|check| name_of(check)).collect();
            Admission::KeepUnlessUsed { then, missing }
        }
    }
}

/// Returns the list to keep once the current key is the only one in use.
pub(crate) fn only_current(kept: &str, keys: &HostKeys) -> String {
    let current = keys.current().check_value();
    let mut all = vec![current.clone()];
    for check in kept.split_ascii_whitespace().map(|check| check.trim_start_matches(RETIRED)) {
        let gone = format!("{RETIRED}{check}");
        if check != current && !all.contains(&gone) {
            all.push(gone);
        }
    }
    all.join(" ")
}

/// Returns whether a process that seals under this key may do so, given the list that the store
/// keeps.
pub(crate) fn may_seal(kept: Option<&str>, keys: &HostKeys) -> bool {
    let current = keys.current().check_value();
    kept.is_some_and(|kept| kept.split_ascii_whitespace().any(|check| check == current))
}

/// Returns the prefixes of the texts that are sealed under one of these keys.
pub(crate) fn prefixes(keys: &HostKeys) -> Vec<Vec<u8>> {
    keys.all().map(|key| key.id().prefix().to_vec()).collect()
}

/// Returns a key's id, for messages.
fn name_of(check: &str) -> String {
    let id = check.get(..16).and_then(|id| id.parse::<KeyId>().ok());
    id.map_or_else(|| "?".to_owned(), |id| id.to_string())
}

fn error(why: String) -> StoreError {
    StoreError::new(StoreErrorKind::Key, why)
}

/// Returns the error for a store whose key is not given.
pub(crate) fn foreign(place: &str) -> StoreError {
    error(format!(
        "{place} was written under another key than this one; give it its own key (with the new \
         one as well, if it was replaced), or, if that is lost for good, open the store once with \
         `replace_lost_key`"
    ))
}

/// Returns the error for a key that was replaced while this process has only the former one.
pub(crate) fn newer(place: &str, id: &str) -> StoreError {
    error(format!(
        "the host key of {place} was replaced by {id}, which this process does not have; give it \
         that key too"
    ))
}

/// Returns the error for a current key that was retired.
pub(crate) fn retired_before(place: &str, id: &str) -> StoreError {
    error(format!(
        "the host key {id} was retired in {place}, and nothing is sealed under it again; make the key \
         that replaced it the current one"
    ))
}

/// Returns the error for texts that are sealed under keys that are not given.
fn dropped_early(place: &str, texts: u64, missing: &[String]) -> StoreError {
    error(format!(
        "{texts} texts in {place} are not sealed under the given keys, and the key {} is missing; \
         give it as a previous key until `hitl key reseal` leaves none, or, if it is lost for \
         good, open the store once with `replace_lost_key`",
        missing.join(", ")
    ))
}

/// The uses that keep a key from being dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Uses {
    /// The number of texts that are sealed under none of the given keys.
    pub(crate) texts: u64,
    /// The number of live sessions that seal under a key other than the current one.
    pub(crate) sessions: u64,
    /// True if the digest keys of former host keys are sealed under one of the given keys.
    pub(crate) digests: bool,
}

impl Uses {
    /// Refuses while anything still needs one of the missing keys.
    pub(crate) fn check(self, place: &str, missing: &[String]) -> Result<(), StoreError> {
        let missing_ones = || missing.join(", ");
        match self {
            Self { texts: 0, sessions: 0, digests: true } => Ok(()),
            Self { texts: 0, sessions: 0, .. } => Err(error(format!(
                "what recognises calls of before is not kept under the given keys in {place}, and the \
                 key {} is missing; give it as a previous key until `hitl key retire` has succeeded",
                missing_ones()
            ))),
            Self { texts: 0, sessions, .. } => Err(error(format!(
                "{sessions} other processes may still seal under another host key in {place}, and the \
                 key {} is missing; stop them, or give it as a previous key until `hitl key retire` \
                 has succeeded",
                missing_ones()
            ))),
            Self { texts, .. } => Err(dropped_early(place, texts, missing)),
        }
    }
}

/// Returns whether the mark that keeps the digest keys is sealed under one of these keys. Only its
/// first list counts, which is the newest.
pub(crate) fn reads_digests(mark: Option<&str>, keys: &HostKeys) -> bool {
    let is_under =
        |mark: &str| prefixes(keys).iter().any(|prefix| mark.starts_with(&hex::encode(prefix)));
    mark.is_some_and(is_under)
}

/// Returns the error for a process that seals under a key that others have retired.
pub(crate) fn retired(place: &str) -> StoreError {
    error(format!(
        "the host key that this process seals under was replaced in {place}; open the store \
         again, with the new key"
    ))
}

#[cfg(test)]
mod tests {
    use hitl_core::HostKey;

    use super::*;

    fn key(byte: u8) -> HostKey {
        HostKey::from_bytes([byte; 32])
    }

    fn check(byte: u8) -> String {
        key(byte).check_value()
    }

    fn list(bytes: &[u8]) -> String {
        bytes.iter().map(|byte| check(*byte)).collect::<Vec<_>>().join(" ")
    }

    fn keys(bytes: &[u8]) -> HostKeys {
        let (first, rest) = bytes.split_first().unwrap();
        rest.iter().fold(HostKeys::new(key(*first)), |keys, byte| keys.with_previous(key(*byte)))
    }

    fn id(byte: u8) -> String {
        key(byte).id().to_string()
    }

    #[test]
    fn a_key_is_replaced_step_by_step() {
        let of = |kept: &[u8], given: &[u8]| admission(Some(&list(kept)), &keys(given), false);
        assert_eq!(admission(None, &keys(&[1]), false), Admission::Keep(list(&[1])));
        assert_eq!(of(&[1], &[1]), Admission::Open);
        // Each replica learns the new key before one of them seals under it.
        assert_eq!(of(&[1], &[1, 2]), Admission::Open);
        assert_eq!(of(&[1], &[2, 1]), Admission::Keep(list(&[2, 1])));
        // A replica that still seals under the old key opens, and changes nothing.
        assert_eq!(of(&[2, 1], &[1, 2]), Admission::Open);
        assert_eq!(of(&[2, 1], &[2, 1]), Admission::Open);
        assert_eq!(of(&[2, 1], &[1]), Admission::Newer(id(2)));
        let then = format!("{} ~{}", list(&[2]), list(&[1]));
        let unless = Admission::KeepUnlessUsed { then: then.clone(), missing: vec![id(1)] };
        assert_eq!(of(&[2, 1], &[2]), unless);
        // A replica that is far behind does not bring the key back.
        assert_eq!(only_current(&list(&[2, 1]), &keys(&[2])), then);
        assert_eq!(only_current(&then, &keys(&[2])), then);
        let late = |given: &[u8]| admission(Some(&then), &keys(given), false);
        assert_eq!(late(&[1, 2]), Admission::Retired(id(1)));
        assert_eq!(late(&[1]), Admission::Retired(id(1)));
        assert_eq!(late(&[2, 1]), Admission::Open);
        let next = format!("{} ~{}", list(&[3, 2]), list(&[1]));
        assert_eq!(late(&[3, 2]), Admission::Keep(next.clone()));
        let last = format!("{} ~{} ~{}", list(&[3]), list(&[2]), list(&[1]));
        assert_eq!(only_current(&next, &keys(&[3])), last);
        assert!(may_seal(Some(&then), &keys(&[2])) && !may_seal(Some(&then), &keys(&[1])));
        assert_eq!(of(&[2], &[2]), Admission::Open);
        assert_eq!(of(&[2], &[1]), Admission::Foreign);
        assert_eq!(of(&[2], &[3]), Admission::Foreign);
        assert_eq!(of(&[2, 1], &[3]), Admission::Foreign);
        // A lost key that is found again replaces the other one in the same way.
        let found = format!("{} ~{}", list(&[1]), list(&[2]));
        assert_eq!(admission(Some(&then), &keys(&[1]), true), Admission::Keep(found));
        let replaced = format!("{} ~{}", list(&[3]), list(&[2]));
        assert_eq!(admission(Some(&list(&[2])), &keys(&[3]), true), Admission::Keep(replaced));
    }

    #[test]
    fn invariant_8_a_key_is_dropped_only_when_nothing_needs_it() {
        for texts in [0, 2] {
            for sessions in [0, 1] {
                for digests in [true, false] {
                    let checked = Uses { texts, sessions, digests }.check("here", &[id(1)]);
                    let is_unused = texts == 0 && sessions == 0 && digests;
                    assert_eq!(checked.is_ok(), is_unused, "{texts} {sessions} {digests}");
                    let Err(error) = checked else { continue };
                    assert_eq!(error.kind(), StoreErrorKind::Key);
                    assert!(error.to_string().contains(&id(1)), "{error}");
                }
            }
        }
        let prefix = key(2).id().prefix();
        let prefix: String = hex::encode(&prefix);
        let mark = format!("{prefix}00 ff");
        assert!(reads_digests(Some(&mark), &keys(&[3, 2])));
        assert!(!reads_digests(Some(&mark), &keys(&[3, 1])) && !reads_digests(None, &keys(&[2])));
        assert!(!reads_digests(Some(""), &keys(&[2])));
    }

    /// Tries all lists and all sets of given keys out of three keys: a process that opens the store
    /// knows every key or proves that the missing ones are unused; the kept list always has the
    /// current key and no unknown one; and it opens with the same keys without another change.
    #[test]
    fn invariant_8_a_store_opens_only_for_who_knows_its_keys() {
        let some: Vec<Vec<u8>> = (1..=3)
            .flat_map(|a| {
                let two = (1..=3).filter(move |b| *b != a).flat_map(move |b| {
                    let third = 6 - a - b;
                    [vec![a, b], vec![a, b, third]]
                });
                std::iter::once(vec![a]).chain(two)
            })
            .collect();
        for kept in &some {
            for given in &some {
                let all_known = kept.iter().all(|byte| given.contains(byte));
                let none_known = !kept.iter().any(|byte| given.contains(byte));
                let answer = admission(Some(&list(kept)), &keys(given), false);
                let then = match &answer {
                    Admission::Open => Some(list(kept)),
                    Admission::Keep(then) => Some(then.clone()),
                    Admission::KeepUnlessUsed { then, .. } => {
                        assert!(!all_known && kept[0] == given[0], "{kept:?} {given:?}");
                        Some(then.clone())
                    }
                    Admission::Foreign => {
                        assert!(none_known, "{kept:?} {given:?}");
                        None
                    }
                    Admission::Retired(_) => panic!("none is retired"),
                    Admission::Newer(_) => {
                        assert!(!all_known && !none_known && kept[0] != given[0]);
                        None
                    }
                };
                assert!(!all_known || matches!(answer, Admission::Open | Admission::Keep(_)));
                let Some(then) = then else { continue };
                assert!(may_seal(Some(&then), &keys(given)));
                assert_eq!(admission(Some(&then), &keys(given), false), Admission::Open);
                assert!(
                    then.split(' ')
                        .filter(|check| !check.starts_with(RETIRED))
                        .all(|check| given.iter().any(|byte| self::check(*byte) == check))
                );
            }
        }
    }
}
