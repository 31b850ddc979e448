//! The retry policy of a step: the number of retries, and the delays between them.

use std::time::Duration;

use backon::{
    BackoffBuilder, ConstantBackoff, ConstantBuilder, ExponentialBackoff, ExponentialBuilder,
};

use crate::error::InvalidSetting;

/// The policy for retrying a step whose attempt failed or timed out. A panic is a bug and is never
/// retried.
///
/// Delays count against the task's timeout, and the task keeps its slot during them.
///
/// A gated call in a step (`hitl::GateInTask`) has the same key in every attempt, so a failed call
/// does not run again: every attempt of the step gets that failure. Call `retry_failed()` on the
/// call of an idempotent tool to run it again; nobody is asked while the first approval lasts.
///
/// ```
/// # use std::time::Duration;
/// # use hitl::tasks::{Jitter, Retry};
/// let at_once = Retry::times(2);
/// let steady = Retry::times(5).delay(Duration::from_millis(200));
/// let patient = Retry::exponential(8).max_delay(Duration::from_secs(30)).jitter(Jitter::None);
/// # let _ = (at_once, steady, patient);
/// ```
#[derive(Clone, Debug)]
pub struct Retry {
    retries: u32,
    growth: Growth,
    delay: Duration,
    max_delay: Duration,
    jitter: Jitter,
    seed: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Growth {
    Fixed,
    Doubling,
}

/// The random spread of a delay, so that tasks that failed together do not retry together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Jitter {
    /// A random delay between zero and the given one.
    Full,
    /// The delay as it is.
    None,
}

impl Retry {
    /// The maximum number of retries: one million. A larger number is a mistake, such as -1 turned
    /// into 4294967295.
    pub const MAX_RETRIES: u32 = 1_000_000;

    /// Never retries. The default of a step.
    pub fn none() -> Self {
        Self::times(0)
    }

    /// Retries up to `retries` times, each time at once; [`Retry::delay`] adds time in between.
    pub fn times(retries: u32) -> Self {
        Self {
            retries,
            growth: Growth::Fixed,
            delay: Duration::ZERO,
            max_delay: Duration::MAX,
            jitter: Jitter::None,
            seed: None,
        }
    }

    /// Retries up to `retries` times, after 1, 2, 4, .. seconds, never more than 60, with [full
    /// jitter](Jitter::Full).
    pub fn exponential(retries: u32) -> Self {
        Self {
            growth: Growth::Doubling,
            delay: Duration::from_secs(1),
            max_delay: Duration::from_secs(60),
            jitter: Jitter::Full,
            ..Self::times(retries)
        }
    }

    /// Sets the first delay.
    #[must_use]
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = delay;
        self
    }

    /// Sets the maximum delay.
    #[must_use]
    pub fn max_delay(mut self, max_delay: Duration) -> Self {
        self.max_delay = max_delay;
        self
    }

    /// Sets the jitter.
    #[must_use]
    pub fn jitter(mut self, jitter: Jitter) -> Self {
        self.jitter = jitter;
        self
    }

    /// Seeds the jitter, which makes it the same in every run, for tests.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = Some(seed);
        self
    }

    pub(crate) fn is_none(&self) -> bool {
        self.retries == 0
    }

    pub(crate) fn retries(&self) -> u32 {
        self.retries
    }

    pub(crate) fn check(&self) -> Result<(), InvalidSetting> {
        if self.retries > Self::MAX_RETRIES {
            return Err(InvalidSetting::new("retries", "at most 1000000"));
        }
        if self.growth == Growth::Doubling && (self.delay.is_zero() || self.max_delay.is_zero()) {
            return Err(InvalidSetting::new(
                "the delay and max_delay of Retry::exponential",
                "longer than zero (Retry::times has no delay)",
            ));
        }
        Ok(())
    }

    /// Returns the delays before the second attempt, the third, and so on.
    pub(crate) fn delays(&self) -> Delays {
        let times = usize::try_from(self.retries).unwrap_or(usize::MAX);
        let first = self.delay.min(self.max_delay);
        let plain = match self.growth {
            Growth::Fixed => {
                Plain::Fixed(ConstantBuilder::new().with_delay(first).with_max_times(times).build())
            }
            Growth::Doubling => Plain::Doubling(
                ExponentialBuilder::new()
                    .with_min_delay(first)
                    .with_max_delay(self.max_delay)
                    .with_max_times(times)
                    .build(),
            ),
        };
        Delays { plain, dice: (self.jitter == Jitter::Full).then(|| Dice::new(self.seed)) }
    }
}

/// The delays of a policy; ends when the retries are used up.
#[derive(Debug)]
pub(crate) struct Delays {
    plain: Plain,
    dice: Option<Dice>,
}

#[derive(Debug)]
enum Plain {
    Fixed(ConstantBackoff),
    Doubling(ExponentialBackoff),
}

impl Iterator for Delays {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        let delay = match &mut self.plain {
            Plain::Fixed(delays) => delays.next()?,
            Plain::Doubling(delays) => delays.next()?,
        };
        Some(match &mut self.dice {
            Some(dice) => share(delay, dice.roll()),
            None => delay,
        })
    }
}

/// Random numbers in 0..1. backon's own jitter adds up to a whole delay on top and so exceeds the
/// maximum; applied to a constant second it is a uniform source that can be seeded.
#[derive(Debug)]
struct Dice(ConstantBackoff);

impl Dice {
    fn new(seed: Option<u64>) -> Self {
        let second = ConstantBuilder::new().with_delay(Duration::from_secs(1)).with_jitter();
        let second = match seed {
            Some(seed) => second.with_jitter_seed(seed),
            None => second,
        };
        Self(second.without_max_times().build())
    }

    fn roll(&mut self) -> f64 {
        self.0.next().map_or(1.0, |jittered| (jittered.as_secs_f64() - 1.0).clamp(0.0, 1.0))
    }
}

/// Returns a fraction of a delay. Never panics, and never returns more than the whole.
fn share(delay: Duration, part: f64) -> Duration {
    Duration::try_from_secs_f64(delay.as_secs_f64() * part).map_or(delay, |d| d.min(delay))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn seconds(retry: &Retry) -> Vec<f64> {
        retry.delays().map(|d| d.as_secs_f64()).collect()
    }

    #[test]
    fn exponential_doubles_up_to_its_cap() {
        let retry = Retry::exponential(5).max_delay(Duration::from_secs(5)).jitter(Jitter::None);
        assert_eq!(seconds(&retry), [1.0, 2.0, 4.0, 5.0, 5.0]);
    }

    #[test]
    fn times_waits_the_same_each_time() {
        assert_eq!(seconds(&Retry::times(2)), [0.0, 0.0]);
        assert_eq!(seconds(&Retry::times(2).delay(Duration::from_secs(3))), [3.0, 3.0]);
        assert!(seconds(&Retry::none()).is_empty());
    }

    #[test]
    fn jitter_is_spread_and_repeats_with_a_seed() {
        let retry = Retry::times(200).delay(Duration::from_secs(1)).jitter(Jitter::Full).seed(7);
        let delays = seconds(&retry);
        assert_eq!(delays, seconds(&retry));
        assert!(delays.iter().any(|d| *d < 0.2) && delays.iter().any(|d| *d > 0.8));
    }

    #[test]
    fn known_fault_a_minus_one_in_disguise_is_refused() {
        assert!(Retry::times(u32::MAX).check().is_err());
        assert!(Retry::exponential(1).delay(Duration::ZERO).check().is_err());
        assert!(Retry::exponential(1).max_delay(Duration::ZERO).check().is_err());
        assert!(Retry::times(Retry::MAX_RETRIES).check().is_ok());
    }

    proptest! {
        #[test]
        fn no_setting_panics_or_exceeds_its_cap_or_its_count(
            retries in 0..40_u32,
            delay in any::<u64>(),
            cap in any::<u64>(),
            doubling in any::<bool>(),
            full in any::<bool>(),
        ) {
            let (delay, cap) = (Duration::from_nanos(delay), Duration::from_nanos(cap));
            let retry = if doubling { Retry::exponential(retries) } else { Retry::times(retries) };
            let jitter = if full { Jitter::Full } else { Jitter::None };
            let delays: Vec<_> = retry.delay(delay).max_delay(cap).jitter(jitter).delays().collect();
            prop_assert_eq!(delays.len(), retries as usize);
            prop_assert!(delays.iter().all(|d| *d <= cap));
        }
    }

    #[test]
    fn endless_delays_saturate() {
        let retry = Retry::exponential(40).delay(Duration::MAX).max_delay(Duration::MAX);
        assert_eq!(retry.delays().count(), 40);
    }
}
