//! Clocks: sources of the present; tests bring their own.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, Instant};

use crate::Timestamp;

mod forward;

pub use forward::{ClockJump, ForwardClock};

/// A source of the present. Decisions never read it: they receive a [`Timestamp`].
pub trait Clock: Send + Sync + 'static {
    /// Returns the present.
    fn now(&self) -> Timestamp;

    /// Returns the reading of a clock that nobody can set, like the machine's monotonic one: from
    /// an arbitrary origin, never decreasing. Without one, `None`: then time does not pass while
    /// this clock is behind, and a jump ahead by up to 400 days is believed.
    fn uptime(&self) -> Option<Duration> {
        None
    }
}

/// The machine's clock.
#[derive(Clone, Copy, Debug, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }

    fn uptime(&self) -> Option<Duration> {
        static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
        Some(BEGAN.elapsed())
    }
}

/// A clock that stands still until a test moves it. Clones share its time.
///
/// ```
/// # use hitl::{clock::{Clock, ManualClock}, Timestamp};
/// # use std::time::Duration;
/// let clock = ManualClock::at(Timestamp::EPOCH);
/// clock.advance(Duration::from_secs(2));
/// assert_eq!(clock.now().as_millis(), 2_000);
/// ```
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<Hands>);

#[derive(Debug)]
struct Hands {
    wall: AtomicI64,
    uptime: AtomicU64,
}

impl ManualClock {
    /// Returns a clock that shows `start`.
    pub fn at(start: Timestamp) -> Self {
        let (wall, uptime) = (AtomicI64::new(start.as_millis()), AtomicU64::new(0));
        Self(Arc::new(Hands { wall, uptime }))
    }

    /// Moves the clock and its uptime forward.
    pub fn advance(&self, by: Duration) {
        let millis = i64::try_from(by.as_millis()).unwrap_or(i64::MAX);
        self.0.uptime.fetch_add(millis.unsigned_abs(), Ordering::SeqCst);
        self.0.wall.fetch_add(millis, Ordering::SeqCst);
    }

    /// Sets the clock, as an operator does who corrects it or an attacker who turns it back. Its
    /// uptime does not change.
    pub fn set(&self, to: Timestamp) {
        self.0.wall.store(to.as_millis(), Ordering::SeqCst);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        Timestamp::from_millis(self.0.wall.load(Ordering::SeqCst))
    }

    fn uptime(&self) -> Option<Duration> {
        Some(Duration::from_millis(self.0.uptime.load(Ordering::SeqCst)))
    }
}
