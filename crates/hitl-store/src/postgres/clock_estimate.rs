//! Estimates the server's clock from its last response, so that a write can skip the read before
//! it. With the cache of records, it pays 25 % of the time of "PostgreSQL submit + decide, 32
//! callers" (cargo xtask bench postgres).
//!
//! The estimate is ahead of the server by no more than the two clocks drift apart in a minute,
//! because a response is older than the moment at which it arrives. Correctness does not depend on
//! it: a change that is judged by the estimate is written only if the database finds, by its own
//! clock, that this time has come and is not long past. That also holds after a suspension, which a
//! local clock may not count, and after a failover to a server whose clock differs.

use std::sync::{Mutex, MutexGuard};
use std::time::{Duration, Instant};

use hitl_base::sync::lock;

/// The age at which an estimate is dropped: clocks drift.
const MAX_AGE: Duration = Duration::from_secs(60);

/// The last response: its time by the server's clock, in microseconds, and the instant of its
/// arrival.
#[derive(Default)]
pub(super) struct ServerClockEstimate(Mutex<Option<(i64, Instant)>>);

impl ServerClockEstimate {
    /// Records the server's time in a response, in microseconds.
    pub(super) fn observe(&self, micros: i64) {
        *self.last() = Some((micros, Instant::now()));
    }

    /// Returns the server's current time in microseconds, or `None` without a recent response.
    pub(super) fn now(&self) -> Option<i64> {
        let (micros, at) = (*self.last())?;
        let since = at.elapsed();
        if since > MAX_AGE {
            return None;
        }
        micros.checked_add(i64::try_from(since.as_micros()).ok()?)
    }

    fn last(&self) -> MutexGuard<'_, Option<(i64, Instant)>> {
        // The value is written as a whole, so a panic cannot leave it half done.
        lock(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_goes_on_from_where_it_was_heard_and_is_forgotten_after_a_while() {
        let clock_estimate = ServerClockEstimate::default();
        assert_eq!(clock_estimate.now(), None);
        clock_estimate.observe(5_000_000);
        let first = clock_estimate.now().unwrap();
        std::thread::sleep(Duration::from_millis(2));
        let second = clock_estimate.now().unwrap();
        assert!(first >= 5_000_000 && second >= first + 2_000, "{first} {second}");
        clock_estimate.observe(1_000_000);
        assert!(clock_estimate.now().unwrap() < second, "what was heard last counts");
        let long_ago = Instant::now().checked_sub(MAX_AGE + Duration::from_secs(1));
        *clock_estimate.last() = long_ago.map(|at| (1_000_000, at));
        assert_eq!(clock_estimate.now(), None);
    }
}
