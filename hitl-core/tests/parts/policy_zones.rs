//! Time windows in places that change their clocks. Most tests use the places' own rules, which
//! need no database; tests that name a zone are skipped where the machine knows none.

use std::fs;

use hitl_base::{TimeZone, Timestamp};
use hitl_core::policy::{Rule, RuleConditions, RuleErrorKind, TimeWindow, Weekday};
use hitl_core::{RuleFile, RuleSet};

const BERLIN: &str = "CET-1CEST,M3.5.0,M10.5.0/3";
const NEW_YORK: &str = "EST5EDT,M3.2.0,M11.1.0";
/// A change of half an hour, and summer in January.
const LORD_HOWE: &str = "<+1030>-10:30<+11>-11,M10.1.0,M4.1.0";
/// A zone whose winter is the exception: an hour back, with an end before its beginning.
const DUBLIN: &str = "IST-1GMT0,M10.5.0,M3.5.0/1";
/// A change at midnight: one day begins at one o'clock, and another has its last hour twice.
const SANTIAGO: &str = "<-04>4<-03>,M9.1.6/24,M4.1.6/24";
const MINUTE: i64 = 60_000;

fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

/// Returns the number of minutes of three days, from an instant on, that are in a window.
fn minutes(window: &TimeWindow, from: &str) -> i64 {
    let from = at(from).as_millis();
    let inside = (0..3 * 24 * 60)
        .filter(|minute| window.includes(Timestamp::from_millis(from + minute * MINUTE)));
    i64::try_from(inside.count()).unwrap()
}

#[test]
fn a_skipped_hour_is_in_no_window_and_a_repeated_one_is_in_it_twice() {
    // From the Saturday's midnight in Berlin, over the change on Sunday.
    let (spring, autumn) = ("2026-03-27T23:00:00Z", "2026-10-23T22:00:00Z");
    for (day, from, to, in_spring, in_autumn) in [
        (Weekday::Sun, "00:00", "24:00", 23 * 60, 25 * 60),
        (Weekday::Sat, "00:00", "24:00", 24 * 60, 24 * 60),
        (Weekday::Sun, "02:00", "03:00", 0, 120),
        (Weekday::Sun, "02:30", "02:45", 0, 30),
        (Weekday::Sun, "02:30", "03:30", 30, 90),
        (Weekday::Sun, "01:30", "02:30", 30, 90),
        (Weekday::Sun, "01:59", "02:00", 1, 1),
        (Weekday::Sun, "03:00", "03:01", 1, 1),
        (Weekday::Sat, "22:00", "06:00", 7 * 60, 9 * 60),
        (Weekday::Sat, "23:59", "00:01", 2, 2),
        (Weekday::Sat, "03:00", "02:00", 23 * 60, 23 * 60),
        (Weekday::Sat, "03:00", "02:30", 23 * 60, 24 * 60),
    ] {
        let window = TimeWindow::on([day]).between(from, to).zone(BERLIN);
        let found = (minutes(&window, spring), minutes(&window, autumn));
        assert_eq!(found, (in_spring, in_autumn), "{day:?} {from} to {to}");
    }
}

#[test]
fn a_day_begins_at_the_midnight_of_the_place_whatever_the_season() {
    for (zone, begins) in [
        (BERLIN, ["2026-01-04T23:00:00Z", "2026-07-05T22:00:00Z", "2026-03-29T22:00:00Z"]),
        (NEW_YORK, ["2026-01-05T05:00:00Z", "2026-07-06T04:00:00Z", "2026-11-02T05:00:00Z"]),
        (LORD_HOWE, ["2026-01-04T13:00:00Z", "2026-07-05T13:30:00Z", "2026-04-05T13:30:00Z"]),
        (DUBLIN, ["2026-01-05T00:00:00Z", "2026-07-05T23:00:00Z", "2026-10-26T00:00:00Z"]),
    ] {
        let monday = TimeWindow::on([Weekday::Mon]).zone(zone);
        for begin in begins {
            let begin = at(begin).as_millis();
            let in_it = |millis| monday.includes(Timestamp::from_millis(millis));
            assert!(in_it(begin) && !in_it(begin - 1), "{zone} {begin}");
            assert!(in_it(begin + 24 * 60 * MINUTE - 1), "{zone} {begin}");
            assert!(!in_it(begin + 24 * 60 * MINUTE), "{zone} {begin}");
        }
    }
}

#[test]
fn clocks_that_change_at_midnight_make_a_day_of_23_or_25_hours() {
    let sunday = TimeWindow::on([Weekday::Sun]).zone(SANTIAGO);
    // Saturday 24:00 becomes Sunday 01:00.
    assert_eq!(minutes(&sunday, "2026-09-06T03:00:00Z"), 23 * 60);
    assert!(sunday.includes(at("2026-09-06T04:00:00Z")));
    assert!(!sunday.includes(at("2026-09-06T03:59:59Z")));
    let first_hour = TimeWindow::on([Weekday::Sun]).between("00:00", "01:00").zone(SANTIAGO);
    assert_eq!(minutes(&first_hour, "2026-09-05T12:00:00Z"), 0, "it does not come");
    let night = TimeWindow::on([Weekday::Sat]).between("23:30", "00:30").zone(SANTIAGO);
    assert_eq!(minutes(&night, "2026-09-05T12:00:00Z"), 30);
    // Saturday 24:00 becomes Saturday 23:00: its last hour comes twice.
    let saturday = TimeWindow::on([Weekday::Sat]).zone(SANTIAGO);
    assert_eq!(minutes(&saturday, "2026-04-04T03:00:00Z"), 25 * 60);
    assert_eq!(minutes(&night, "2026-04-04T12:00:00Z"), 90);
}

/// The clock changes of a place, by hand: from each instant on, the offset in minutes to the east.
type Clocks = &'static [(&'static str, i64)];

/// Checks every window of a grid, on every weekday and every quarter of an hour around the clock
/// changes of a year, against a model that walks from day to day.
#[test]
fn every_window_around_every_change_says_what_the_wall_clock_says() {
    let places: [(&str, Clocks); 4] = [
        (
            BERLIN,
            &[
                ("2025-12-01T00:00:00Z", 60),
                ("2026-03-29T01:00:00Z", 120),
                ("2026-10-25T01:00:00Z", 60),
            ],
        ),
        (
            NEW_YORK,
            &[
                ("2025-12-01T00:00:00Z", -300),
                ("2026-03-08T07:00:00Z", -240),
                ("2026-11-01T06:00:00Z", -300),
            ],
        ),
        (
            LORD_HOWE,
            &[
                ("2025-12-01T00:00:00Z", 660),
                ("2026-04-04T15:00:00Z", 630),
                ("2026-10-03T15:30:00Z", 660),
            ],
        ),
        (
            DUBLIN,
            &[
                ("2025-12-01T00:00:00Z", 0),
                ("2026-03-29T01:00:00Z", 60),
                ("2026-10-25T01:00:00Z", 0),
            ],
        ),
    ];
    let edges =
        ["00:00", "00:30", "01:45", "02:00", "02:30", "03:00", "12:00", "22:00", "23:59", "24:00"];
    let minute_of = |text: &str| {
        let (hour, minute) = text.split_once(':').unwrap();
        hour.parse::<i64>().unwrap() * 60 + minute.parse::<i64>().unwrap()
    };
    let mut looked = 0_u32;
    for (zone, clocks) in places {
        let mut instants = Vec::new();
        for (change, _) in &clocks[1..] {
            let change = at(change).as_millis();
            instants.extend((-120..=120).map(|quarter| change + quarter * 15 * MINUTE));
            instants.extend([change - 1, change + 1, change + MINUTE - 1]);
        }
        let shown: Vec<(i64, i64, i64)> = instants
            .iter()
            .map(|millis| {
                let east = clocks.iter().rev().find(|(from, _)| at(from).as_millis() <= *millis);
                let local = millis.div_euclid(MINUTE) + east.unwrap().1;
                (*millis, local.div_euclid(24 * 60), local.rem_euclid(24 * 60))
            })
            .collect();
        for from in edges {
            for to in edges.iter().filter(|to| **to != from && from != "24:00") {
                for day in Weekday::ALL {
                    let window = TimeWindow::on([day]).between(from, to).zone(zone);
                    let (from, to) = (minute_of(from), minute_of(to));
                    for (millis, date, minute) in &shown {
                        // 1970-01-01, day 0, was a Thursday.
                        let is_on = |date: i64| (date + 3).rem_euclid(7) == day as i64;
                        let expected = if from < to {
                            is_on(*date) && from <= *minute && *minute < to
                        } else {
                            let late = is_on(*date) && *minute >= from;
                            late || is_on(*date - 1) && *minute < to
                        };
                        let found = window.includes(Timestamp::from_millis(*millis));
                        assert_eq!(
                            found,
                            expected,
                            "{window} at {}",
                            Timestamp::from_millis(*millis)
                        );
                        looked += 1;
                    }
                }
            }
        }
    }
    assert!(looked > 1_000_000, "{looked}");
}

#[test]
fn a_named_zone_says_what_its_rule_says() {
    // A machine without a database knows only rules, which the tests above cover.
    let Ok(_) = TimeZone::named("Europe/Berlin") else { return };
    for (name, rule) in [
        ("Europe/Berlin", BERLIN),
        ("europe/berlin", BERLIN),
        ("America/New_York", NEW_YORK),
        ("Australia/Lord_Howe", LORD_HOWE),
        ("Europe/Dublin", DUBLIN),
        ("UTC", "UTC0,M3.5.0/2,M3.5.0/2"),
    ] {
        let window =
            |zone: &str| TimeWindow::on([Weekday::Sat]).between("22:15", "02:45").zone(zone);
        let (named, ruled) = (window(name), window(rule));
        let start = at("2026-01-01T00:00:00Z").as_millis();
        for quarter in 0..366 * 96 {
            let instant = Timestamp::from_millis(start + quarter * 15 * MINUTE);
            assert_eq!(named.includes(instant), ruled.includes(instant), "{name} {instant}");
        }
    }
}

#[test]
fn invariant_5_a_zone_that_is_not_known_makes_no_rules() {
    let rule = |zone: &str| {
        let closed = TimeWindow::always().between("18:00", "08:00").zone(zone);
        RuleSet::builder("test", "1")
            .rule(Rule::deny("closed").when(RuleConditions::always().time(closed)))
    };
    assert!(rule(BERLIN).build().is_ok());
    for unknown in ["Europe/Berln", "", "localtime", "CET-1CEST,M13.5.0,M10.5.0", "+01:00"] {
        let errors = rule(unknown).build().unwrap_err();
        assert_eq!(errors.kind(), RuleErrorKind::UnknownTimeZone, "{unknown}");
    }
}

fn file(time: &str) -> String {
    format!(
        "schema = 1\nversion = '{}'\n[[rule]]\nname = 'closed'\neffect = 'deny'\n{time}\n",
        time.len()
    )
}

#[test]
fn invariant_5_a_reload_with_a_zone_that_is_not_known_keeps_the_old_rules() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("policy.toml");
    let good = file(&format!("time = {{ days = 'sun', zone = '{BERLIN}' }}"));
    fs::write(&path, &good).unwrap();
    let rules = RuleFile::open_strict(&path).unwrap();
    let in_force = rules.status().in_force.unwrap();
    for (bad, kind) in [
        ("time = { days = 'sun', zone = 'Europe/Berln' }", RuleErrorKind::UnknownTimeZone),
        ("time = { days = 'sun', zone = 'Z', offset = 'Z' }", RuleErrorKind::UnknownTimeZone),
        ("time = { offset = 'Z', zone = 'CET-1CEST,M3.5.0,M10.5.0/3' }", RuleErrorKind::Value),
        ("time = { days = 'sun', zone = 1 }", RuleErrorKind::WrongType),
        ("time = { days = 'sun', zones = 'UTC' }", RuleErrorKind::UnknownKey),
        ("time = { from = 18:00:30, to = 19:00:00 }", RuleErrorKind::Value),
    ] {
        fs::write(&path, file(bad)).unwrap();
        let errors = rules.reload().unwrap_err();
        assert_eq!(errors.kind(), kind, "{bad}: {errors}");
        assert_eq!(
            errors.iter().next().unwrap().line(),
            Some(if kind == RuleErrorKind::UnknownTimeZone || kind == RuleErrorKind::Value {
                3
            } else {
                6
            }),
            "{errors}"
        );
        assert_eq!(rules.status().in_force.as_ref(), Some(&in_force));
        assert_eq!(rules.status().problem, Some(errors));
    }
    // A file that has never been in force denies every call.
    fs::write(&path, file("time = { zone = 'Mars/Olympus' }")).unwrap();
    assert!(RuleFile::open_strict(&path).is_err());
    fs::write(&path, good).unwrap();
    rules.reload().unwrap();
    assert_eq!(rules.status().problem, None);
}

#[test]
fn a_files_own_tests_see_the_change_of_clocks() {
    let text = format!(
        "schema = 1\nversion = '1'\n\
         [[rule]]\nname = 'night'\neffect = 'deny'\n\
         time = {{ days = ['sat'], from = 22:00:00, to = '06:00', zone = '{BERLIN}' }}\n\
         [[test]]\ntool = 'x'\nat = 2026-03-29T03:59:59Z\nexpect = 'deny'\n\
         [[test]]\ntool = 'x'\nat = 2026-03-29T04:00:00Z\nexpect = 'none'\n\
         [[test]]\ntool = 'x'\nat = 2026-10-25T04:59:59Z\nexpect = 'deny'\n\
         [[test]]\ntool = 'x'\nat = 2026-10-25T05:00:00Z\nexpect = 'none'\n"
    );
    RuleSet::parse(&text).unwrap().tested().unwrap();
}
