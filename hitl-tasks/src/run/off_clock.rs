//! The running time of one attempt, excluding time off the clock. Pure.

use std::time::Duration;

use tokio::time::Instant;

/// Counts the futures that are off the clock, and for how long.
///
/// The driver parks a task (gives its slot back) after the first future goes off the clock, and
/// resumes it (with a slot) after the last one returns. The clock is stopped in between, also while
/// the task waits for a slot.
#[derive(Debug, Default)]
pub(crate) struct OffClock {
    /// The number of futures that are off the clock.
    depth: u32,
    /// True if the slot has been given back.
    parked: bool,
    since: Option<Instant>,
    total: Duration,
}

/// The change of slot that the driver has to make.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum SlotNeed {
    Nothing,
    Park,
    Resume,
}

impl OffClock {
    pub(crate) fn enter(&mut self, now: Instant) {
        self.depth += 1;
        self.since.get_or_insert(now);
    }

    pub(crate) fn leave(&mut self, now: Instant) {
        self.depth = self.depth.saturating_sub(1);
        // A parked task is off the clock until it has a slot again.
        if self.depth == 0 && !self.parked {
            self.start(now);
        }
    }

    pub(crate) fn park(&mut self) {
        self.parked = true;
    }

    pub(crate) fn resume(&mut self, now: Instant) {
        self.parked = false;
        if self.depth == 0 {
            self.start(now);
        }
    }

    fn start(&mut self, now: Instant) {
        if let Some(since) = self.since.take() {
            self.total += now.saturating_duration_since(since);
        }
    }

    /// Returns whether the attempt is on the clock, and so holds a slot.
    pub(crate) fn is_on(&self) -> bool {
        self.depth == 0 && !self.parked
    }

    pub(crate) fn need(&self) -> SlotNeed {
        match (self.depth > 0, self.parked) {
            (true, false) => SlotNeed::Park,
            (false, true) => SlotNeed::Resume,
            _ => SlotNeed::Nothing,
        }
    }

    /// Returns the time at which `limit` of on-clock time since `started` is used up; `None` while
    /// the clock is stopped, and for limits that overflow.
    pub(crate) fn deadline(&self, started: Instant, limit: Duration) -> Option<Instant> {
        if self.since.is_some() {
            return None;
        }
        started.checked_add(limit)?.checked_add(self.total)
    }

    /// Returns the time spent off the clock so far.
    #[cfg(test)]
    pub(crate) fn total(&self, now: Instant) -> Duration {
        self.total + self.since.map_or(Duration::ZERO, |s| now.saturating_duration_since(s))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const S: Duration = Duration::from_secs(1);

    #[test]
    fn time_off_the_clock_moves_the_deadline() {
        let start = Instant::now();
        let mut clock = OffClock::default();
        assert_eq!(clock.deadline(start, 5 * S), Some(start + 5 * S));
        clock.enter(start + S);
        assert_eq!(clock.deadline(start, 5 * S), None);
        assert_eq!(clock.need(), SlotNeed::Park);
        clock.park();
        clock.leave(start + 11 * S);
        assert_eq!(clock.need(), SlotNeed::Resume);
        assert_eq!(clock.deadline(start, 5 * S), None, "no slot yet");
        clock.resume(start + 21 * S);
        assert_eq!(clock.deadline(start, 5 * S), Some(start + 25 * S));
    }

    #[test]
    fn a_short_trip_needs_no_slot_change() {
        let start = Instant::now();
        let mut clock = OffClock::default();
        clock.enter(start);
        clock.leave(start);
        assert_eq!(clock.need(), SlotNeed::Nothing);
    }

    #[test]
    fn an_absurd_limit_never_comes() {
        assert_eq!(OffClock::default().deadline(Instant::now(), Duration::MAX), None);
    }

    proptest! {
        /// In every order and nesting, time is either on the clock or off it.
        #[test]
        fn on_and_off_add_up(ops in proptest::collection::vec((0..4_u8, 0..100_u64), 0..60)) {
            let start = Instant::now();
            let mut now = start;
            let mut clock = OffClock::default();
            let mut depth = 0_u32;
            let mut parked = false;
            let mut off = Duration::ZERO;
            for (op, millis) in ops {
                let step = Duration::from_millis(millis);
                now += step;
                if depth > 0 || parked {
                    off += step;
                }
                match op {
                    0 => { clock.enter(now); depth += 1; }
                    1 if depth > 0 => { clock.leave(now); depth -= 1; }
                    2 if depth > 0 => { clock.park(); parked = true; }
                    3 if parked => { clock.resume(now); parked = false; }
                    _ => {}
                }
                prop_assert_eq!(clock.total(now), off);
            }
        }
    }
}
