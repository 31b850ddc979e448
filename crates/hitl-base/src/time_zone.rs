//! Time zones: the local time of a place.

use std::fmt;

use jiff::tz::{self, Offset};

use crate::Timestamp;

const MINUTE: i64 = 60_000;
/// Names in the database that denote a different place on another machine, or none.
const NO_PLACES: [&str; 4] = ["localtime", "posixrules", "Factory", "Etc/Unknown"];

/// A time zone: local time with daylight saving, or a fixed offset from UTC.
///
/// ```
/// use hitl::{policy::TimeZone, Timestamp};
///
/// // As POSIX writes it: the place's own rule, which needs no database.
/// let berlin = TimeZone::named("CET-1CEST,M3.5.0,M10.5.0/3")?;
/// let noon = |day: &str| format!("{day}T12:00:00Z").parse::<Timestamp>();
/// assert_eq!(berlin.minutes_east(noon("2026-01-02")?), 60);
/// assert_eq!(berlin.minutes_east(noon("2026-07-02")?), 120);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TimeZone {
    name: String,
    zone: tz::TimeZone,
}

impl TimeZone {
    /// Returns UTC.
    pub fn utc() -> Self {
        Self { name: "Z".to_owned(), zone: tz::TimeZone::UTC }
    }

    /// Returns the zone with this name in the machine's time zone database (`Europe/Berlin`), or
    /// with this POSIX rule (`EST5EDT,M3.2.0,M11.1.0`: text with a comma is a rule).
    ///
    /// Reads the machine's database (`/usr/share/zoneinfo`, or the folder in `TZDIR`; systems
    /// without one, Windows among them, know rules only). A zone keeps the rules it was read with;
    /// to get changed rules, call this again.
    pub fn named(name: &str) -> Result<Self, UnknownTimeZone> {
        let unknown = || UnknownTimeZone(name.chars().take(64).collect());
        let zone = if name.contains(',') {
            tz::TimeZone::posix(name).map_err(|_| unknown())?
        } else if NO_PLACES.iter().any(|other| other.eq_ignore_ascii_case(name)) {
            return Err(unknown());
        } else {
            jiff::tz::db().get(name).map_err(|_| unknown())?
        };
        if zone.is_unknown() {
            return Err(unknown());
        }
        let name = zone.iana_name().unwrap_or(name).to_owned();
        Ok(Self { name, zone })
    }

    /// Returns a fixed offset from UTC, in minutes to the east; `None` if it is longer than about a
    /// day.
    pub fn fixed(minutes_east: i32) -> Option<Self> {
        let offset = Offset::from_seconds(minutes_east.checked_mul(60)?).ok()?;
        let (sign, minutes) = (if minutes_east < 0 { '-' } else { '+' }, minutes_east.abs());
        let name = format!("{sign}{:02}:{:02}", minutes / 60, minutes % 60);
        Some(Self { name, zone: tz::TimeZone::fixed(offset) })
    }

    /// Returns the name of the zone.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns how far local time is ahead of UTC at an instant, in whole minutes, rounded down.
    pub fn minutes_east(&self, at: Timestamp) -> i64 {
        (self.millis_east(at)).div_euclid(MINUTE)
    }

    /// Returns the local time at an instant, as minutes since 1970-01-01 00:00 local time. In
    /// autumn some minutes occur twice, and in spring some do not occur at all.
    pub fn local_minutes(&self, at: Timestamp) -> i64 {
        at.as_millis().saturating_add(self.millis_east(at)).div_euclid(MINUTE)
    }

    fn millis_east(&self, at: Timestamp) -> i64 {
        // Beyond the calendar's ends the offset stays what it was there.
        let calendar =
            jiff::Timestamp::MIN.as_millisecond()..=jiff::Timestamp::MAX.as_millisecond();
        let millis = at.as_millis().clamp(*calendar.start(), *calendar.end());
        let at = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
        i64::from(self.zone.to_offset(at).seconds()) * 1000
    }
}

impl fmt::Debug for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TimeZone({})", self.name)
    }
}

impl fmt::Display for TimeZone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

/// An error for a name that is neither a zone in the machine's database nor a rule.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "this machine knows no zone `{}`; write it like `Europe/Berlin`, install the zones (`tzdata`), or \
     give the rule as POSIX writes it, like `CET-1CEST,M3.5.0,M10.5.0/3`",
    crate::display::visible(.0)
)]
pub struct UnknownTimeZone(String);

#[cfg(test)]
mod tests {
    use super::*;

    const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    /// Returns a zone of the database, where the machine has one.
    fn known(name: &str) -> Option<TimeZone> {
        let zone = TimeZone::named(name);
        assert!(zone.is_ok() || jiff::tz::db().is_definitively_empty(), "{zone:?}");
        zone.ok()
    }

    /// Returns the local time of day, as a person reads it.
    fn shows(zone: &TimeZone, instant: &str) -> String {
        let minute = zone.local_minutes(at(instant)).rem_euclid(24 * 60);
        format!("{:02}:{:02}", minute / 60, minute % 60)
    }

    #[test]
    fn clocks_are_put_forward_and_back() {
        for berlin in [Some(TimeZone::named(BERLIN).unwrap()), known("Europe/Berlin")] {
            let Some(berlin) = berlin else { continue };
            let spring = [
                ("2026-03-29T00:59:59Z", "01:59"),
                ("2026-03-29T01:00:00Z", "03:00"),
                ("2026-03-29T01:30:00Z", "03:30"),
            ];
            let autumn = [
                ("2026-10-25T00:30:00Z", "02:30"),
                ("2026-10-25T00:59:59Z", "02:59"),
                ("2026-10-25T01:00:00Z", "02:00"),
                ("2026-10-25T01:30:00Z", "02:30"),
                ("2026-10-25T02:00:00Z", "03:00"),
            ];
            for (instant, clock) in spring.into_iter().chain(autumn) {
                assert_eq!(shows(&berlin, instant), clock, "{berlin} {instant}");
            }
        }
    }

    #[test]
    fn the_database_and_a_rule_of_today_agree_about_today() {
        let Some(named) = known("America/New_York") else { return };
        let rule = TimeZone::named("EST5EDT,M3.2.0,M11.1.0").unwrap();
        let (start, hour) = (at("2026-01-01T00:00:00Z").as_millis(), 60 * MINUTE);
        for hours in 0..3 * 366 * 24 {
            let instant = Timestamp::from_millis(start + hours * hour);
            assert_eq!(named.local_minutes(instant), rule.local_minutes(instant), "{instant}");
        }
    }

    #[test]
    fn the_database_knows_what_was_and_odd_places() {
        let Some(lisbon) = known("Europe/Lisbon") else { return };
        // Lisbon was on Berlin's time for a few years.
        assert_eq!(lisbon.minutes_east(at("1994-01-15T12:00:00Z")), 60);
        assert_eq!(lisbon.minutes_east(at("2026-01-15T12:00:00Z")), 0);
        let east = |name: &str, instant: &str| known(name).unwrap().minutes_east(at(instant));
        assert_eq!(east("Australia/Lord_Howe", "2026-01-15T00:00:00Z"), 11 * 60);
        assert_eq!(
            east("Australia/Lord_Howe", "2026-07-15T00:00:00Z"),
            10 * 60 + 30,
            "half an hour"
        );
        assert_eq!(east("Asia/Kathmandu", "2026-07-15T00:00:00Z"), 5 * 60 + 45);
        // A day that never was: Samoa crossed the date line.
        let apia = known("Pacific/Apia").unwrap();
        let day = |instant| apia.local_minutes(at(instant)).div_euclid(24 * 60);
        assert_eq!(day("2011-12-30T10:00:00Z") - day("2011-12-30T09:59:59Z"), 2);
        // Offsets with seconds, such as Amsterdam's old local mean time, are rounded down.
        assert_eq!(east("Africa/Monrovia", "1960-01-01T00:00:00Z"), -45);
    }

    #[test]
    fn what_is_no_place_is_no_zone() {
        for wrong in [
            "",
            " ",
            "Europe/Berln",
            "Europe",
            "Berlin",
            "../../etc/passwd",
            "/etc/localtime",
            "localtime",
            "LocalTime",
            "posixrules",
            "Factory",
            "Etc/Unknown",
            "+01:00",
            "Z1",
            ",",
            "CET-1CEST,M3.5.0",
            "CET-1CEST,M13.5.0,M10.5.0/3",
            "CET-99CEST,M3.5.0,M10.5.0",
            "a,b",
            "CET-1CEST,M3.5.0,M10.5.0/3 x",
            "\u{202E}Europe/Berlin",
            "Europe/Berlin\0",
        ] {
            let refused = TimeZone::named(wrong).unwrap_err();
            assert!(!refused.to_string().contains('\u{202E}'), "{wrong:?}");
        }
        let long = "x".repeat(10_000);
        assert!(TimeZone::named(&long).unwrap_err().to_string().len() < 400);
    }

    #[test]
    fn a_fixed_distance_is_fixed() {
        let zone = TimeZone::fixed(-330).unwrap();
        assert_eq!((zone.name(), zone.minutes_east(Timestamp::EPOCH)), ("-05:30", -330));
        assert_eq!(TimeZone::utc().local_minutes(at("1969-12-31T23:59:59Z")), -1);
        assert!(TimeZone::fixed(i32::MAX).is_none() && TimeZone::fixed(26 * 60).is_none());
        // The extreme timestamps are valid too.
        for end in [i64::MIN, i64::MAX] {
            let _ = TimeZone::named(BERLIN).unwrap().local_minutes(Timestamp::from_millis(end));
        }
    }
}
