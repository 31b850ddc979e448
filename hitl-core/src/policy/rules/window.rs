//! Time windows of a rule: days and hours in local time, and absolute bounds.

use std::fmt;

use hitl_base::{TimeZone, Timestamp};

use super::{RuleErrorKind, Undecidable};

const MINUTE: i64 = 60_000;
const DAY: i64 = 24 * 60;

/// A day of the week.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
// Exhaustive: there are seven.
pub enum Weekday {
    /// Monday
    Mon,
    /// Tuesday
    Tue,
    /// Wednesday
    Wed,
    /// Thursday
    Thu,
    /// Friday
    Fri,
    /// Saturday
    Sat,
    /// Sunday
    Sun,
}

impl Weekday {
    /// All days, Monday first.
    pub const ALL: [Self; 7] =
        [Self::Mon, Self::Tue, Self::Wed, Self::Thu, Self::Fri, Self::Sat, Self::Sun];

    /// Returns its name in a rule file: `mon`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Mon => "mon",
            Self::Tue => "tue",
            Self::Wed => "wed",
            Self::Thu => "thu",
            Self::Fri => "fri",
            Self::Sat => "sat",
            Self::Sun => "sun",
        }
    }
}

/// A recurring time window: some days of the week, from one time of day to another.
///
/// The gate's clock gives the time of the call. `to` is not part of the window. A window whose
/// `from` is later than its `to` spans midnight, and belongs to the day on which it begins.
///
/// Days and hours are local time: times that occur twice when clocks are set back are in the window
/// both times, and times that are skipped when they are set forward are in none.
///
/// ```
/// use hitl::policy::{TimeWindow, Weekday};
///
/// // The zone's own name, where the machine knows zones; or its rule, as POSIX writes it.
/// let office = TimeWindow::always().between("09:00", "17:00").zone("CET-1CEST,M3.5.0,M10.5.0/3");
/// assert!(office.includes("2026-01-02T08:00:00Z".parse()?));
/// assert!(office.includes("2026-07-02T07:00:00Z".parse()?)); // summer time
///
/// // Friday 18:00 to Saturday 08:00, in a place one hour ahead of UTC.
/// let night = TimeWindow::on([Weekday::Fri]).between("18:00", "08:00").offset("+01:00");
/// assert!(night.includes("2026-01-02T20:00:00Z".parse()?)); // a Friday
/// assert!(night.includes("2026-01-03T06:59:59Z".parse()?));
/// assert!(!night.includes("2026-01-03T07:00:00Z".parse()?));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TimeWindow {
    days: [bool; 7],
    /// Minutes of the day.
    hours: Option<(i64, i64)>,
    /// `None`: UTC, because no other zone was set.
    zone: Option<TimeZone>,
    after: Option<Timestamp>,
    before: Option<Timestamp>,
    /// The mistakes in its input, for the author of the rule set.
    pub(super) mistakes: Vec<(RuleErrorKind, String)>,
}

impl TimeWindow {
    /// Returns a window of every day, all day.
    pub fn always() -> Self {
        Self::on(Weekday::ALL)
    }

    /// Returns a window of these days, all day.
    pub fn on(days: impl IntoIterator<Item = Weekday>) -> Self {
        let mut set = [false; 7];
        for day in days {
            set[day as usize] = true;
        }
        let window = Self {
            days: set,
            hours: None,
            zone: None,
            after: None,
            before: None,
            mistakes: Vec::new(),
        };
        if set == [false; 7] {
            return window.wrong("a time window needs a day; leave `days` out for every day");
        }
        window
    }

    /// Restricts the window to the time between two times of day, written like `18:30`; `24:00` is
    /// the end of the day.
    #[must_use]
    pub fn between(mut self, from: &str, to: &str) -> Self {
        match (minutes(from), minutes(to)) {
            (Some(from), Some(to)) if from == to => self
                .wrong("a time window that begins when it ends; leave both out for the whole day"),
            (Some(from), Some(to)) if from < DAY => {
                self.hours = Some((from, to));
                self
            }
            _ => self.wrong("a time of the day is written like `08:30`"),
        }
    }

    /// Sets a fixed offset from UTC: `Z`, `+01:00`, `-05:30`. Use instead of a zone.
    #[must_use]
    pub fn offset(self, offset: &str) -> Self {
        match offset_zone(offset) {
            Some(zone) => self.at(zone),
            None => self.wrong("an offset is written like `+01:00`, or `Z`; a name is a `zone`"),
        }
    }

    /// Sets the time zone by name, like `Europe/Berlin`, or by a POSIX rule, like
    /// `EST5EDT,M3.2.0,M11.1.0`; see [`TimeZone::named`]. Use instead of an offset. A zone that the
    /// machine does not know makes the rule set invalid: [`RuleErrorKind::UnknownTimeZone`].
    #[must_use]
    pub fn zone(mut self, name: &str) -> Self {
        match TimeZone::named(name) {
            Ok(zone) => self.at(zone),
            Err(unknown) => {
                self.mistakes.push((RuleErrorKind::UnknownTimeZone, unknown.to_string()));
                self
            }
        }
    }

    fn at(mut self, zone: TimeZone) -> Self {
        if self.zone.is_some() {
            return self.wrong("a time window is of one place: an `offset` or a `zone`, and once");
        }
        self.zone = Some(zone);
        self
    }

    fn wrong(mut self, why: &str) -> Self {
        self.mistakes.push((RuleErrorKind::Value, why.to_owned()));
        self
    }

    /// Excludes times before this instant.
    #[must_use]
    pub fn after(mut self, instant: Timestamp) -> Self {
        self.after = Some(instant);
        self
    }

    /// Excludes this instant and later ones.
    #[must_use]
    pub fn before(mut self, instant: Timestamp) -> Self {
        self.before = Some(instant);
        self
    }

    /// Returns whether an instant is in the window.
    pub fn includes(&self, at: Timestamp) -> bool {
        if self.after.is_some_and(|after| at < after) || self.before.is_some_and(|end| at >= end) {
            return false;
        }
        let local = match &self.zone {
            Some(zone) => zone.local_minutes(at),
            None => at.as_millis().div_euclid(MINUTE),
        };
        let minute = local.rem_euclid(DAY);
        // The epoch was a Thursday.
        let today = local.div_euclid(DAY).saturating_add(3).rem_euclid(7);
        let on = |day: i64| usize::try_from(day).is_ok_and(|day| self.days[day]);
        let yesterday = (today + 6) % 7;
        match self.hours {
            None => on(today),
            Some((from, to)) if from < to => on(today) && (from..to).contains(&minute),
            Some((from, to)) => (on(today) && minute >= from) || (on(yesterday) && minute < to),
        }
    }

    pub(super) fn holds(&self, at: Option<Timestamp>, doubt: Undecidable) -> bool {
        at.map_or(doubt.holds(), |at| self.includes(at))
    }
}

impl fmt::Display for TimeWindow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let days: Vec<&str> = Weekday::ALL
            .iter()
            .filter(|day| self.days[**day as usize])
            .map(|day| day.name())
            .collect();
        f.write_str(&days.join(" "))?;
        if let Some((from, to)) = self.hours {
            write!(f, " {:02}:{:02}-{:02}:{:02}", from / 60, from % 60, to / 60, to % 60)?;
        }
        if let Some(zone) = &self.zone {
            write!(f, " {zone}")?;
        }
        Ok(())
    }
}

fn minutes(text: &str) -> Option<i64> {
    let (hour, minute) = text.split_once(':')?;
    let two = |text: &str| {
        let digits = text.len() == 2 && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<i64>().ok()).flatten()
    };
    let (hour, minute) = (two(hour)?, two(minute)?);
    let fits = (hour < 24 && minute < 60) || (hour == 24 && minute == 0);
    fits.then_some(hour * 60 + minute)
}

fn offset_zone(text: &str) -> Option<TimeZone> {
    let east = match text.split_at_checked(1)? {
        ("Z", "") => return Some(TimeZone::utc()),
        ("+", rest) => minutes(rest)?,
        ("-", rest) => -minutes(rest)?,
        _ => return None,
    };
    i32::try_from(east).ok().filter(|east| east.abs() <= 18 * 60).and_then(TimeZone::fixed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn days_and_hours_are_those_of_the_place() {
        // 2026-01-05 is a Monday.
        let office = TimeWindow::on(Weekday::ALL[..5].iter().copied())
            .between("09:00", "17:00")
            .offset("-05:00");
        assert!(office.includes(at("2026-01-05T14:00:00Z")));
        assert!(office.includes(at("2026-01-05T21:59:59Z")));
        assert!(!office.includes(at("2026-01-05T22:00:00Z")));
        assert!(!office.includes(at("2026-01-05T13:59:59Z")));
        assert!(!office.includes(at("2026-01-04T15:00:00Z")), "a Sunday");
        assert!(TimeWindow::always().includes(at("1969-12-31T23:59:59Z")));
        let monday = TimeWindow::on([Weekday::Mon]).offset("+14:00");
        assert!(monday.includes(at("2026-01-04T10:00:00Z")), "already Monday there");
    }

    #[test]
    fn a_window_over_midnight_belongs_to_the_day_on_which_it_begins() {
        let night = TimeWindow::on([Weekday::Sun]).between("22:00", "06:00");
        assert!(night.includes(at("2026-01-04T22:00:00Z")));
        assert!(night.includes(at("2026-01-05T05:59:00Z")));
        assert!(!night.includes(at("2026-01-04T05:00:00Z")));
        assert!(!night.includes(at("2026-01-05T22:30:00Z")));
    }

    #[test]
    fn bounds_are_absolute_and_mistakes_are_kept() {
        let freeze = TimeWindow::always()
            .after(at("2026-12-20T00:00:00Z"))
            .before(at("2027-01-02T00:00:00Z"));
        assert!(freeze.includes(at("2026-12-20T00:00:00Z")));
        assert!(!freeze.includes(at("2027-01-02T00:00:00Z")));
        for bad in [
            TimeWindow::always().between("8:00", "09:00"),
            TimeWindow::always().between("24:00", "09:00"),
            TimeWindow::always().between("09:00", "09:00"),
            TimeWindow::always().offset("Europe/Berlin"),
            TimeWindow::always().offset(""),
            TimeWindow::always().offset("+18:01"),
            TimeWindow::always().offset("Z").offset("+01:00"),
            TimeWindow::always().offset("Z").zone("EST5EDT,M3.2.0,M11.1.0"),
            TimeWindow::on([]),
        ] {
            assert_eq!(bad.mistakes.len(), 1, "{bad:?}");
            assert_eq!(bad.mistakes[0].0, RuleErrorKind::Value, "{bad:?}");
        }
        let nowhere = TimeWindow::always().zone("Europe/Berln");
        assert_eq!(nowhere.mistakes[0].0, RuleErrorKind::UnknownTimeZone);
    }
}
