//! The wait before a server that has ended is started again. Pure.

use std::time::Duration;

/// The first wait.
const FIRST: Duration = Duration::from_millis(250);
/// The longest wait.
const LONGEST: Duration = Duration::from_secs(30);
/// A server that ran for this long has not failed at its start.
const STABLE: Duration = Duration::from_secs(30);

/// The starts that have failed in a row.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct BackOff {
    failures: u32,
}

impl BackOff {
    /// Notes that the server has ended after it ran for `ran`, and returns the wait.
    pub(super) fn after(&mut self, ran: Duration) -> Duration {
        if ran >= STABLE {
            self.failures = 0;
        }
        let wait = FIRST.saturating_mul(1 << self.failures.min(16)).min(LONGEST);
        self.failures = self.failures.saturating_add(1);
        wait
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_double_up_to_half_a_minute_and_after_a_long_run_they_begin_with_the_first() {
        let mut back_off = BackOff::default();
        let waits: Vec<_> = (0..9).map(|_| back_off.after(Duration::ZERO).as_millis()).collect();
        assert_eq!(waits, [250, 500, 1_000, 2_000, 4_000, 8_000, 16_000, 30_000, 30_000]);
        assert_eq!(back_off.after(STABLE), FIRST);
        for _ in 0..100 {
            assert!(back_off.after(Duration::ZERO) <= LONGEST);
        }
    }
}
