//! Points in time for records.

use std::fmt;
use std::str::FromStr;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A point in time: whole milliseconds since the Unix epoch, written as ISO-8601 UTC.
///
/// ```
/// # use hitl_base::Timestamp;
/// let t: Timestamp = "2026-01-02T03:04:05.678Z".parse()?;
/// assert_eq!(t.as_millis(), 1_767_323_045_678);
/// assert_eq!(t.to_string(), "2026-01-02T03:04:05.678Z");
/// # Ok::<(), hitl_base::ParseTimestampError>(())
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

impl Timestamp {
    /// Returns the text of a time from 1970 on, and `None` for an earlier one. Every record has
    /// several times in it, and a general formatter takes longer than all the rest of a cheap
    /// record.
    fn written(self) -> Option<[u8; 24]> {
        const DAY: u64 = 24 * 60 * 60 * 1000;
        /// 9999-12-30, the end of the calendar: see `Display`.
        const END: u64 = 2_932_895;
        let millis = u64::try_from(self.0).ok()?;
        let (day, rest) = (millis / DAY, millis % DAY);
        if day >= END {
            return None;
        }
        let (year, month, day) = civil(day);
        let mut text = *b"0000-00-00T00:00:00.000Z";
        let parts = [
            (0, 4, year),
            (5, 2, month),
            (8, 2, day),
            (11, 2, rest / 3_600_000),
            (14, 2, rest / 60_000 % 60),
            (17, 2, rest / 1000 % 60),
            (20, 3, rest % 1000),
        ];
        for (at, length, mut number) in parts {
            for digit in text[at..at + length].iter_mut().rev() {
                *digit = b'0' + u8::try_from(number % 10).unwrap_or(0);
                number /= 10;
            }
        }
        Some(text)
    }
}

/// Returns the year, month and day of a day after the epoch, in the Gregorian calendar. Counts from
/// 1 March of the year 0, so that a leap day is the last of its year, in eras of 400 years, which
/// all have the same number of days.
fn civil(day: u64) -> (u64, u64, u64) {
    const ERA: u64 = 146_097;
    let day = day + 719_468;
    let (era, of_era) = (day / ERA, day % ERA);
    let year_of_era = (of_era - of_era / 1_460 + of_era / 36_524 - of_era / 146_096) / 365;
    let of_year = of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let from_march = (5 * of_year + 2) / 153;
    let day = of_year - (153 * from_march + 2) / 5 + 1;
    let month = if from_march < 10 { from_march + 3 } else { from_march - 9 };
    (era * 400 + year_of_era + u64::from(month <= 2), month, day)
}

impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(text) = self.written() {
            return f.write_str(std::str::from_utf8(&text).unwrap_or_default());
        }
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
        match self.written() {
            Some(text) => to.serialize_str(std::str::from_utf8(&text).unwrap_or_default()),
            None => to.collect_str(self),
        }
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
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn it_is_written_as_a_calendar_of_others_writes_it(millis in -1_000_000_i64..253_402_207_201_000) {
            let theirs = jiff::Timestamp::from_millisecond(millis).unwrap();
            prop_assert_eq!(Timestamp::from_millis(millis).to_string(), format!("{theirs:.3}"));
        }
    }

    #[test]
    fn every_day_of_eight_hundred_years_is_written_right() {
        for day in 0..800 * 366 {
            let millis = day * 86_400_000 + 86_399_999;
            let theirs = jiff::Timestamp::from_millisecond(millis).unwrap();
            assert_eq!(Timestamp::from_millis(millis).to_string(), format!("{theirs:.3}"));
        }
    }

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
