//! Points in time for records.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time: whole milliseconds since the Unix epoch, written as ISO-8601 UTC.
///
/// ```
/// # use hitl::Timestamp;
/// let t: Timestamp = "2026-01-02T03:04:05.678Z".parse()?;
/// assert_eq!(t.as_millis(), 1_767_323_045_678);
/// assert_eq!(t.to_string(), "2026-01-02T03:04:05.678Z");
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Timestamp(i64);

impl Timestamp {
    /// The Unix epoch.
    pub const EPOCH: Self = Self(0);

    /// Returns the point this many milliseconds after the Unix epoch.
    pub const fn from_millis(millis: i64) -> Self {
        Self(millis)
    }

    /// Returns the milliseconds since the Unix epoch.
    pub const fn as_millis(self) -> i64 {
        self.0
    }

    /// Returns the present, by the machine's clock.
    pub fn now() -> Self {
        // A clock that shows a time before the epoch is not set at all.
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Self(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
    }

    /// Returns the time from `earlier` to this point; zero if it is not after `earlier`.
    pub fn saturating_duration_since(self, earlier: Self) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// Adds a duration. Saturates at the end of the representable range, so that an absurdly long
    /// expiry means "never" and not "at once".
    #[must_use]
    pub fn saturating_add(self, length: Duration) -> Self {
        let millis = i64::try_from(length.as_millis()).unwrap_or(i64::MAX);
        Self(self.0.saturating_add(millis))
    }
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match jiff::Timestamp::from_millisecond(self.0) {
            Ok(t) => write!(f, "{t:.3}"),
            // Beyond the calendar (year 9999): a saturated expiry. Shown as the calendar's last
            // moment.
            Err(_) if self.0 > 0 => f.write_str("9999-12-30T22:00:00.999Z"),
            Err(_) => f.write_str("-009999-01-02T01:59:59.000Z"),
        }
    }
}

/// An error for text that is not an ISO-8601 instant with a UTC offset, like
/// `2026-01-02T03:04:05Z`.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("not an ISO-8601 instant: write it like 2026-01-02T03:04:05Z")]
pub struct ParseTimestampError(());

impl FromStr for Timestamp {
    type Err = ParseTimestampError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let parsed: jiff::Timestamp = text.parse().map_err(|_| ParseTimestampError(()))?;
        Ok(Self(parsed.as_millisecond()))
    }
}

impl Serialize for Timestamp {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        to.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Timestamp {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(from)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_to_the_millisecond() {
        for millis in [0, 1, -1, 1_767_323_045_678, 253_000_000_000_000] {
            let t = Timestamp::from_millis(millis);
            assert_eq!(t.to_string().parse::<Timestamp>().unwrap(), t);
            let json = serde_json::to_string(&t).unwrap();
            assert_eq!(serde_json::from_str::<Timestamp>(&json).unwrap(), t);
        }
    }

    #[test]
    fn an_endless_expiry_saturates_into_the_future() {
        let t = Timestamp::now().saturating_add(Duration::MAX);
        assert!(t > Timestamp::now());
        assert!(t.to_string().parse::<Timestamp>().unwrap() > Timestamp::now());
    }

    #[test]
    fn since_never_goes_below_zero() {
        let t = Timestamp::from_millis(5);
        assert_eq!(t.saturating_duration_since(Timestamp::from_millis(9)), Duration::ZERO);
        assert_eq!(
            t.saturating_add(Duration::from_millis(4)).saturating_duration_since(t),
            Duration::from_millis(4)
        );
    }
}
