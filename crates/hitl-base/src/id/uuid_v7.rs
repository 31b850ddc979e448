//! New ids: UUIDs of version 7 that sort by age within a process, even within a millisecond.
//!
//! The layout is method 1 of RFC 9562, section 6.2: 48 bits of milliseconds, a 12 bit count in
//! `rand_a`, and 62 random bits. Once a millisecond's 4,096 ids are used up, the time runs ahead of
//! the clock, which the RFC allows. The random bits of each id come straight from the system: ids
//! are proofs too, and two processes must never hold the same one, not even after a fork.

use std::sync::atomic::{AtomicU64, Ordering};

use uuid::Uuid;

use crate::Timestamp;

/// Returns a new, unique id.
///
/// # Panics
///
/// If the operating system returns no randomness.
pub(crate) fn new_v7() -> Uuid {
    Uuid::from_u128(encode(next_place(), random()))
}

/// A source of ids that are unique and prove nothing: they are cheaper to make, and anyone who
/// knows one may guess the next. All ids of one source share their random bits; each has its own
/// timestamp and count.
///
/// A forked process must not use its parent's source: it would make the same ids.
// Pays 20 % of the time of "auto call, read-only, small" (cargo xtask bench auto_call).
#[derive(Debug)]
pub struct EphemeralIds {
    random: u64,
}

impl EphemeralIds {
    /// Returns a new source with its own random bits.
    ///
    /// # Panics
    ///
    /// If the operating system returns no randomness.
    #[expect(clippy::new_without_default, reason = "two defaults would not be equal")]
    pub fn new() -> Self {
        Self { random: random() }
    }

    /// Returns the next id.
    pub fn next(&self) -> Uuid {
        Uuid::from_u128(encode(next_place(), self.random))
    }
}

/// Returns a timestamp and count that no other id of this process has: milliseconds, shifted left
/// by 12 bits, plus a count.
fn next_place() -> u64 {
    /// The value of the newest id.
    static NEWEST: AtomicU64 = AtomicU64::new(0);
    let millis = u64::try_from(Timestamp::now().as_millis()).unwrap_or(0);
    let present = (millis & ((1 << 48) - 1)) << 12;
    let next = |newest: u64| Some(present.max(newest.wrapping_add(1) & ((1 << 60) - 1)));
    let before = NEWEST.fetch_update(Ordering::Relaxed, Ordering::Relaxed, next);
    before.ok().and_then(next).unwrap_or(present)
}

fn encode(place: u64, random: u64) -> u128 {
    let (millis, count) = (u128::from(place >> 12), u128::from(place & 0xFFF));
    let random = u128::from(random >> 2);
    millis << 80 | 0x7 << 76 | count << 64 | 0b10 << 62 | random
}

#[expect(clippy::expect_used, reason = "without randomness no proof can be made")]
fn random() -> u64 {
    getrandom::u64().expect("the system gives randomness")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_version_7_and_sort_by_age_within_a_millisecond() {
        let ids: Vec<Uuid> = std::iter::repeat_with(new_v7).take(10_000).collect();
        assert!(ids.is_sorted() && ids.windows(2).all(|two| two[0] != two[1]));
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        assert!(ids.iter().all(|id| id.get_variant() == uuid::Variant::RFC4122));
    }

    #[test]
    fn ids_of_two_series_and_others_are_all_different_and_sort_by_age() {
        let (one, two) = (EphemeralIds::new(), EphemeralIds::new());
        let ids: Vec<Uuid> =
            (0..3_000).flat_map(|_| [one.next(), two.next(), one.next(), new_v7()]).collect();
        assert!(ids.is_sorted() && ids.windows(2).all(|two| two[0] != two[1]));
        assert!(ids.iter().all(|id| id.get_version_num() == 7));
        let random = |id: &Uuid| id.as_u128() & (u128::MAX >> 66);
        assert!(random(&ids[0]) == random(&ids[2]) && random(&ids[0]) != random(&ids[1]));
    }

    #[test]
    fn threads_never_get_the_same_random_bits() {
        let mint_some = || (0..1_000).map(|_| new_v7().as_u128() & (u128::MAX >> 66)).collect();
        let threads: Vec<_> =
            (0..4).map(|_| std::thread::spawn(mint_some as fn() -> Vec<u128>)).collect();
        let mut bits: Vec<u128> =
            threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect();
        bits.sort_unstable();
        assert!(bits.windows(2).all(|two| two[0] != two[1]));
    }

    #[test]
    fn the_time_is_the_present() {
        let (before, id, after) = (Timestamp::now(), new_v7(), Timestamp::now());
        let millis = i64::try_from(id.as_u128() >> 80).unwrap();
        // The time may be ahead by as much as other tests have minted.
        assert!((before.as_millis()..=after.as_millis() + 60_000).contains(&millis));
    }

    #[test]
    fn every_place_and_randomness_makes_a_well_formed_id() {
        for (place, random) in [(0, 0), ((1 << 60) - 1, u64::MAX), (1 << 12, 1 << 63)] {
            let id = Uuid::from_u128(encode(place, random));
            assert_eq!((id.get_version_num(), id.as_bytes()[8] >> 6), (7, 0b10));
        }
    }
}
