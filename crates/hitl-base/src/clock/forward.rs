//! A clock that never goes backwards, for deciding what has expired.
//!
//! Anyone who can set the machine's clock must not be able to revive an expired approval, nor to
//! make everything expire for good. So this clock remembers the latest moment it returned and
//! counts on from there with time that nobody can set:
//!
//! - the machine's clock is behind: the present is that moment plus the time that has passed since;
//! - it is ahead, by up to 31 days: it is believed, so what should have expired has expired
//!   (by up to 400 days where the clock has no uptime);
//! - it is further ahead: it is not believed and nothing is remembered, because a present in the
//!   far future could never be left again. There is no present until the clock is right.
//!
//! Small jumps add up: many of 30 days each make years. So a jump counts until a 31st of its length
//! has passed; a machine that sleeps most of the time stays within that.

use std::fmt;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use super::Clock;
use crate::Timestamp;
use crate::sync::lock;

/// The most the clock may jump ahead of the time that has passed: 31 days. A machine that was
/// suspended for longer has to open its stores again.
const MAX_JUMP: Duration = Duration::from_secs(31 * 24 * 60 * 60);
/// The factor by which jumps are forgotten faster than time passes.
const REGAIN: u32 = 31;
/// The most the clock may jump ahead where the time that has passed is unknown: 400 days.
const MAX_UNKNOWN_JUMP: Duration = Duration::from_secs(400 * 24 * 60 * 60);

/// A [`Clock`] whose present is never earlier than one it returned before.
pub struct ForwardClock {
    clock: Arc<dyn Clock>,
    latest: Mutex<Option<Moment>>,
}

/// A moment that was returned, its uptime, and how far the clock has jumped recently.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Moment {
    at: Timestamp,
    uptime: Option<Duration>,
    leapt: Duration,
}

/// An error for a clock that jumped too far ahead to be believed. Its message names how far, and
/// the remedy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
// Exhaustive: a jump is these two times.
pub struct ClockJump {
    /// The reading of the clock.
    pub reading: Timestamp,
    /// The present, computed from the last reading and the time that has passed since.
    pub expected: Timestamp,
}

impl fmt::Display for ClockJump {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { reading, expected } = self;
        write!(
            f,
            "the machine's clock says {reading}, and by the time that has passed it should be \
             {expected}; set the clock right, or, if it is right now, restart this process"
        )
    }
}

impl std::error::Error for ClockJump {}

impl ForwardClock {
    /// Returns a clock whose present is not before `latest`, if that is known from an earlier run.
    pub fn new(clock: Arc<dyn Clock>, latest: Option<Timestamp>) -> Self {
        let moment = latest.map(|at| {
            let (at, uptime) = (at.max(clock.now()), clock.uptime());
            Moment { at, uptime, leapt: Duration::ZERO }
        });
        Self { clock, latest: Mutex::new(moment) }
    }

    /// Returns the present, never earlier than a present returned before.
    ///
    /// # Errors
    ///
    /// [`ClockJump`] if the clock has jumped too far ahead. The next reading is judged on its own.
    pub fn now(&self) -> Result<Timestamp, ClockJump> {
        let mut latest = lock(&self.latest);
        // Read under the lock, so that readings stay in order.
        let (at, uptime) = (self.clock.now(), self.clock.uptime());
        let reading = Moment { at, uptime, leapt: Duration::ZERO };
        let next = forward(*latest, reading)?;
        *latest = Some(next);
        Ok(next.at)
    }
}

impl fmt::Debug for ForwardClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ForwardClock").finish_non_exhaustive()
    }
}

/// Returns the next moment after `latest`, when the clock shows `reading`. Pure.
fn forward(latest: Option<Moment>, reading: Moment) -> Result<Moment, ClockJump> {
    let Some(latest) = latest else { return Ok(reading) };
    let passed = reading.uptime.zip(latest.uptime).map(|(now, then)| now.saturating_sub(then));
    let expected = latest.at.saturating_add(passed.unwrap_or_default());
    let leap = reading.at.saturating_duration_since(expected);
    // Without uptime, time that passes cannot be told from a jump.
    let (leapt, most) = match passed {
        Some(passed) => (
            latest.leapt.saturating_sub(passed.saturating_mul(REGAIN)).saturating_add(leap),
            MAX_JUMP,
        ),
        None => (leap, MAX_UNKNOWN_JUMP),
    };
    if leapt > most && !leap.is_zero() {
        return Err(ClockJump { reading: reading.at, expected });
    }
    Ok(Moment { at: reading.at.max(expected), uptime: reading.uptime, leapt })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::ManualClock;

    const HOUR: Duration = Duration::from_secs(3600);
    const DAY: Duration = Duration::from_secs(24 * 3600);

    fn start() -> Timestamp {
        "2026-01-05T12:00:00Z".parse().unwrap()
    }

    fn clocks() -> (ManualClock, ForwardClock) {
        let manual = ManualClock::at(start());
        (manual.clone(), ForwardClock::new(Arc::new(manual), None))
    }

    #[test]
    fn a_clock_that_runs_is_followed() {
        let (manual, clock) = clocks();
        for hours in 0..5 {
            assert_eq!(clock.now(), Ok(start().saturating_add(HOUR * hours)));
            manual.advance(HOUR);
        }
        manual.advance(400 * DAY);
        assert_eq!(
            clock.now(),
            Ok(start().saturating_add(HOUR * 5).saturating_add(400 * DAY)),
            "time did pass"
        );
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_take_time_with_it() {
        let (manual, clock) = clocks();
        clock.now().unwrap();
        manual.set(start().saturating_add(HOUR));
        assert_eq!(clock.now(), Ok(start().saturating_add(HOUR)), "a little ahead is believed");
        manual.set(Timestamp::EPOCH);
        assert_eq!(clock.now(), Ok(start().saturating_add(HOUR)));
        manual.advance(3 * HOUR);
        assert_eq!(clock.now(), Ok(start().saturating_add(4 * HOUR)), "time goes on all the same");
        manual.set(start().saturating_add(10 * HOUR));
        assert_eq!(
            clock.now(),
            Ok(start().saturating_add(10 * HOUR)),
            "and follows the clock again"
        );
    }

    #[test]
    fn a_clock_that_jumps_too_far_is_refused_until_it_is_right() {
        let (manual, clock) = clocks();
        clock.now().unwrap();
        manual.advance(HOUR);
        let far = start().saturating_add(MAX_JUMP).saturating_add(2 * HOUR);
        manual.set(far);
        let jump = ClockJump { reading: far, expected: start().saturating_add(HOUR) };
        assert_eq!(clock.now(), Err(jump));
        assert_eq!(clock.now(), Err(jump), "asking twice does not make it true");
        manual.set(start().saturating_add(HOUR));
        assert_eq!(clock.now(), Ok(start().saturating_add(HOUR)));
        manual.set(start().saturating_add(MAX_JUMP));
        assert_eq!(clock.now(), Ok(start().saturating_add(MAX_JUMP)));
    }

    /// A clock that is repeatedly set ahead by 30 days would freeze time in a far future.
    #[test]
    fn invariant_5_many_small_jumps_are_one_large_one() {
        let (manual, clock) = clocks();
        clock.now().unwrap();
        let mut latest = start();
        for _ in 0..100 {
            manual.set(latest.saturating_add(30 * DAY));
            latest = clock.now().unwrap_or(latest);
            manual.advance(Duration::from_millis(1));
        }
        assert!(latest <= start().saturating_add(MAX_JUMP + DAY), "{latest}");
        manual.set(start().saturating_add(31 * DAY));
        assert!(clock.now().is_ok(), "it is right again");
    }

    #[test]
    fn a_machine_that_sleeps_most_of_the_time_keeps_its_time() {
        let (manual, clock) = clocks();
        clock.now().unwrap();
        for _ in 0..400 {
            // An hour awake and 23 asleep, which no uptime counts.
            manual.advance(HOUR);
            manual.set(manual.now().saturating_add(23 * HOUR));
            assert_eq!(clock.now(), Ok(manual.now()));
        }
        manual.set(manual.now().saturating_add(10 * DAY));
        manual.advance(HOUR / 6);
        assert_eq!(clock.now(), Ok(manual.now()), "a holiday");
    }

    #[test]
    fn the_latest_moment_of_an_earlier_life_is_kept() {
        let manual = ManualClock::at(start());
        let clock = ForwardClock::new(Arc::new(manual.clone()), Some(start().saturating_add(DAY)));
        manual.advance(HOUR);
        assert_eq!(clock.now(), Ok(start().saturating_add(DAY).saturating_add(HOUR)));
    }

    #[test]
    fn a_clock_without_uptime_stands_still_while_it_is_behind() {
        struct Bare(ManualClock);
        impl Clock for Bare {
            fn now(&self) -> Timestamp {
                self.0.now()
            }
        }
        let manual = ManualClock::at(start());
        let clock = ForwardClock::new(Arc::new(Bare(manual.clone())), None);
        clock.now().unwrap();
        manual.set(Timestamp::EPOCH);
        manual.advance(HOUR);
        assert_eq!(clock.now(), Ok(start()));
        manual.set(start().saturating_add(400 * DAY));
        assert_eq!(clock.now(), Ok(start().saturating_add(400 * DAY)));
        manual.set(start().saturating_add(900 * DAY));
        assert!(clock.now().is_err());
    }
}
