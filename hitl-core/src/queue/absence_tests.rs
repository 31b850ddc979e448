use super::*;

const DAY: Duration = Duration::from_secs(86_400);
const NOW: Timestamp = Timestamp::from_millis(1_780_000_000_000);

fn away(who: &str, days: u32, deputy: Option<&str>) -> Absence {
    Absence {
        who: Principal::new(who),
        until: NOW.saturating_add(DAY * days),
        deputy: deputy.map(Principal::new),
        by: Principal::new(who),
        at: NOW,
    }
}

#[test]
fn an_absence_ends_by_itself_and_a_new_one_takes_the_place_of_the_last() {
    let mut all = Absences::default();
    all.set(away("ann", 3, Some("bob")), NOW).unwrap();
    all.set(away("cem", 1, None), NOW).unwrap();
    all.set(away(" Ann", 2, Some("dan")), NOW).unwrap();
    let whose = |days: u32| -> Vec<String> {
        let now = NOW.saturating_add(DAY * days);
        all.in_force(now).iter().map(|absence| absence.who.to_string()).collect()
    };
    assert_eq!(whose(0), ["cem", " Ann"], "in the order in which they come back");
    assert_eq!(whose(1), [" Ann"]);
    assert!(whose(2).is_empty(), "it ends at its time");
    let mut later = all.clone();
    assert_eq!(later.end(&Principal::new("ANN"), NOW).unwrap().deputy, Some("dan".into()));
    assert_eq!(later.end(&Principal::new("ann"), NOW), None, "they are back");
    assert_eq!(later.in_force(NOW).len(), 1);
    // What has ended is forgotten when something changes.
    let after = NOW.saturating_add(DAY * 9);
    let mut absence = away("eve", 10, None);
    absence.at = after;
    all.set(absence, after).unwrap();
    assert_eq!(all.0.len(), 1);
}

#[test]
fn an_absence_is_a_persons_and_has_an_end_within_a_year() {
    use InvalidAbsence as No;
    for (absence, expected) in [
        (away("ann", 1, None), Ok(())),
        (away("ann", 366, Some("bob")), Ok(())),
        (away("ann", 367, None), Err(No::Until)),
        (away("ann", 0, None), Err(No::Until)),
        (away("agent:x", 1, None), Err(No::NotHuman)),
        (away(" ", 1, None), Err(No::NotHuman)),
        (away("ann", 1, Some("service:x")), Err(No::NotHuman)),
        (away("ann", 1, Some("ANN ")), Err(No::OwnDeputy)),
    ] {
        assert_eq!(absence.check(NOW), expected, "{absence:?}");
        assert_eq!(Absences::default().set(absence, NOW), expected);
    }
}

#[test]
fn invariant_13_no_more_absences_are_kept_than_there_is_room_for() {
    let mut all = Absences::default();
    for number in 0..MOST {
        all.set(away(&format!("ann{number}"), 1, None), NOW).unwrap();
    }
    assert_eq!(all.set(away("bob", 1, None), NOW), Err(InvalidAbsence::TooMany));
    all.set(away("ann7", 2, None), NOW).unwrap();
    assert_eq!(all.0.len(), MOST);
    let later = NOW.saturating_add(DAY);
    all.set(away("bob", 3, None), later).unwrap();
    assert_eq!(all.0.len(), 2, "those that have ended make room");
}

#[test]
fn a_deputy_is_shown_the_calls_of_who_is_away_and_of_nobody_else() {
    let in_force = [away("ann", 1, Some("bob")), away("bob", 1, Some("cem")), away("dan", 1, None)];
    let shown = |who: &str| -> Vec<String> {
        shown_to(&Principal::new(who), &in_force).iter().map(ToString::to_string).collect()
    };
    assert_eq!(shown("bob"), ["bob", "ann"]);
    assert_eq!(shown("cem"), ["cem", "bob"], "it is not passed on");
    assert_eq!(shown("ann"), ["ann"]);
    assert_eq!(shown("eve"), ["eve"]);
}
