//! The name of one task.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use hitl_base::Timestamp;
use hitl_base::id::Uuid;

hitl_base::uuid_id!(
    /// Names one task. Minted when a [`Task`](crate::Task) is submitted; a host that wants to find
    /// a task again later makes one, keeps it, and gives it with [`Task::id`](crate::Task::id).
    TaskId
);

/// The random bits of a version 7 UUID below its time: 62 of them.
const RANDOM: u64 = (1 << 62) - 1;

impl TaskId {
    /// A new id without asking the system for randomness each time, which takes longer than the
    /// rest of a submission. Still a version 7 UUID: the time, then 12 bits that are random for
    /// this process, then a count from a random start. So ids of one process sort by age even
    /// within a millisecond, and those of two processes meet as rarely as random ones.
    pub(crate) fn minted() -> Self {
        static START: OnceLock<u128> = OnceLock::new();
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let start = *START.get_or_init(|| Uuid::new_v4().as_u128());
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        Self(Uuid::from_u128(bits(start, count, Timestamp::now())))
    }
}

/// Lays out a version 7 UUID.
fn bits(start: u128, count: u64, at: Timestamp) -> u128 {
    let millis = u128::from(at.as_millis().unsigned_abs()) & ((1 << 48) - 1);
    let process = (start >> 64) & 0xFFF;
    // Half the range is left for counting before it wraps.
    let start = u64::try_from(start & u128::from(RANDOM >> 1)).unwrap_or(0);
    let random = u128::from(start.wrapping_add(count) & RANDOM);
    millis << 80 | 0x7 << 76 | process << 64 | 0b10 << 62 | random
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn minted_ids_are_version_7_and_sort_by_age() {
        let ids: Vec<_> = std::iter::repeat_with(TaskId::minted).take(10_000).collect();
        assert!(ids.is_sorted() && ids.windows(2).all(|two| two[0] != two[1]));
        assert_eq!(ids[0].0.get_version_num(), 7);
        assert!(ids[0].to_string().parse::<TaskId>().is_ok());
    }

    #[test]
    fn every_start_and_count_makes_a_well_formed_id() {
        for start in [0, u128::MAX, 1 << 63] {
            for count in [0, 1, u64::MAX] {
                let at = Timestamp::from_millis(1_767_323_045_678);
                let id = Uuid::from_u128(bits(start, count, at));
                assert_eq!((id.get_version_num(), id.as_bytes()[8] >> 6), (7, 0b10));
                assert!(id.to_string().starts_with("019b7ca9-8f2e-7"), "{id}");
            }
        }
    }
}
